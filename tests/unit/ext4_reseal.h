/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checksums of an ext4 image made right again after bytes of it changed, so that what reads the
 * image gets past them.
 *
 * Which block is what is learned from the sound image; a block that changed is sealed as what it
 * was: superblock, group descriptors (with the counts and checksums of bitmaps that changed), the
 * inode table, extent nodes, directory blocks, attribute blocks, the orphan file, and the log with
 * the copies in it.  Image and descriptors are as mke2fs makes them for small disks: all
 * descriptors in one block.
 */
#pragma once

#include <disk.h>

struct reseal;

/* What a block is. */
enum reseal_kind {
	RESEAL_NOTHING,
	RESEAL_ITABLE,
	RESEAL_INDIRECT,
	RESEAL_EXTENT,
	RESEAL_LEAF, /* of a directory */
	RESEAL_HTREE_ROOT,
	RESEAL_HTREE_NODE,
	RESEAL_ORPHANS,
	RESEAL_XATTR,
	RESEAL_LOG_SUPER,
	RESEAL_LOG_TAIL, /* descriptors and revoke blocks */
	RESEAL_LOG_COMMIT,
	RESEAL_LOG_DATA, /* a copy of another block */
	RESEAL_KINDS,
};

/*
 * `sound`: unmounted cleanly.  `image`: what reseal() will see changed: the same, or an earlier
 * state of it whose log is full.  Ends the test when its idea of the checksums is not the image's.
 */
struct reseal *reseal_learn(const u8 *sound, const u8 *image, u64 bytes);
void reseal_forget(struct reseal *r);
/* *of: the block whose contents these are or, of a copy in the log, will be. */
enum reseal_kind reseal_kind(const struct reseal *r, u64 block, u64 *of);
/* `d` holds `image`, changed. */
void reseal(struct reseal *r, struct host_disk *d);

u32 reseal_block_size(const struct reseal *r);
/* The block's bit in its group's bitmap on `d` says that it is free. */
void reseal_bitmap_clear(const struct reseal *r, struct host_disk *d, u64 block);
