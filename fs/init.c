/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order in which fs comes up. */
#include <fs/block/block.h>
#include <fs/chardev.h>
#include <fs/devtmpfs.h>
#include <fs/fat/fat.h>
#include <fs/init.h>
#include <fs/iomap/iomap.h>
#include <fs/isofs/isofs.h>
#include <fs/pipe.h>
#include <fs/squashfs/squashfs.h>
#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/nsfs.h>
#include <fs/vfs/core.h>

void fs_init(void)
{
	dcache_init();
	inode_init_caches();
	iomap_init();
	fat_init();
	isofs_init();
	squashfs_init();
	file_init();
	files_init();
	mount_init();
	anon_files_init();
	nsfs_init();
	pipe_init();
	tmpfs_init();
	mm_glue_init();
	devtmpfs_init();
	mem_devices_init();
	block_init();
}
