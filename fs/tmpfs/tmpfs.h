/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files in memory and swap.  Also the base of rootfs, devtmpfs and memfd.
 */
#pragma once

#include <fs/vfs/types.h>

struct file;
struct fs_params;
struct fs_type;
struct inode;
struct superblock;

/* A new, independent tmpfs superblock for another type to build on; as fs_type.mount. */
int tmpfs_mount(const struct fs_type *type, const struct fs_params *params,
		struct superblock **out) __must_check;
void tmpfs_kill(struct superblock *sb);

/*
 * An unlinked regular file of the internal tmpfs (memfd, shared memory): size `size`, seals as
 * given (SHMEM_SEAL_*). Returns 0 or a negative errno.  Context: may sleep.
 */
int tmpfs_file_create(const char *name, loff_t size, u32 seals, umode_t mode, u32 flags,
		      struct file **out) __must_check;

struct shmem;
/* The memory of a tmpfs or memfd file; NULL for others. */
struct shmem *file_shmem(struct file *f);

/* The internal mount, after mount_init(). */
void tmpfs_init(void);
