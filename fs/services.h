/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small services that the files of fs share. */
#pragma once

#include <fs/vfs/file.h>
#include <fs/vfs/super.h>

/* vfs/rw.c: send `signo` to the running thread, from the kernel. */
void fs_signal_self(int signo);

/* vfs/file.c: another open file on the inode and name of `f`. */
int file_alias(struct file *f, const struct file_ops *ops, u32 flags,
	       struct file **out) __must_check;

/* vfs/file.c: a superblock for inodes that have no names; as fs_type.mount. */
int pseudo_mount(const struct fs_type *type, const struct fs_params *params, u32 magic,
		 struct superblock **out) __must_check;
