/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts as numbers and structures: what statmount(2) and listmount(2) tell. */
#pragma once

#include <fs/vfs/mount.h>
#include <kernel/abi/mount.h>

/*
 * What `mask` asks of mount `id` of namespace `ns` (0: the caller's): *out, whose offsets count in
 * `text`; *len is the text's length.  Returns 0, -ENOENT, -EPERM (not below the caller's root),
 * -EOVERFLOW.
 */
int mount_stat(u64 ns, u64 id, u64 mask, struct statmount *out, char *text, size_t size,
	       size_t *len) __must_check;

/*
 * Numbers of the mounts below `id` (LSMT_ROOT: the caller's root), after `last` in their order (0:
 * from the start), at most `n`.  Returns how many, or -ENOENT, -EPERM, -ENOMEM.
 */
ssize_t mount_list(u64 ns, u64 id, u64 last, bool reverse, u64 *ids, size_t n) __must_check;
