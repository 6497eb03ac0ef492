/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Allocation groups: descriptors, bitmaps, and the space that may be handed out.
 *
 * A group's blocks are in one of these states:
 *
 *			bitmap on disk	`taken` bitmap	counted in
 *	free		0		0		es->free_blocks
 *	taken		0		1		es->free_blocks and es->promised
 *	used		1		1		neither
 *	freed		0		1		es->free_blocks, until the transaction is on disk
 *
 * A delayed write is only counted in es->promised; its blocks are taken when the data is written,
 * and become used in the transaction that puts them into the file's map, after the data reached the
 * disk.  So a crash in between costs nothing, and nobody has to undo anything on disk when the
 * write fails.
 */
#pragma once

#include "ext4_internal.h"

enum ext4_group_flag {
	EXT4_GROUP_BLOCKS_BAD = 1 << 0, /* the block bitmap cannot be trusted: hand nothing out */
	EXT4_GROUP_INODES_BAD = 1 << 1,
	EXT4_GROUP_TRIMMED = 1 << 2, /* nothing was freed since FITRIM discarded what is free */
};

struct ext4_group {
	struct spinlock
		lock;      /* g, RANK_FS_GROUP: also what is in both bitmaps and the descriptor */
	u32 flags;         /* [g] enum ext4_group_flag */
	u32 blocks;        /* [I] blocks of this group */
	u32 avail;         /* [g; read without] zero bits in `taken` */
	u32 longest;       /* [g] no run of zero bits is longer */
	u32 cursor;        /* [g] no zero bit is before */
	u32 recent;        /* [g] behind what was taken last */
	u32 ino_cursor;    /* [g] no free inode is before */
	u32 zero_from;     /* [g] inodes from here on are being cleared: not to be used */
	u32 block_csum;    /* [g] crc of the block bitmap, metadata_csum */
	u32 inode_csum;    /* [g] crc of the inode bitmap; valid when inode_loaded */
	bool inode_loaded; /* [g] */
	u64 *taken;        /* [g] NULL: not loaded yet */
};

static inline u64 ext4_group_first(const struct ext4_super *es, u32 group)
{
	return es->first_data_block + (u64)group * es->blocks_per_group;
}
static inline u32 ext4_block_group(const struct ext4_super *es, u64 block, u32 *offset)
{
	u64 rel = block - es->first_data_block;

	*offset = (u32)(rel % es->blocks_per_group);
	return (u32)(rel / es->blocks_per_group);
}

static inline bool ext4_desc_wide(const struct ext4_super *es)
{
	return es->desc_size >= EXT4_DESC_SIZE_64;
}
struct ext4_disk_group *ext4_desc(const struct ext4_super *es, u32 group);
static inline struct buffer *ext4_desc_buffer(const struct ext4_super *es, u32 group)
{
	return es->desc[group / es->desc_per_block];
}

/* Fields of a descriptor that are in two parts. */
#define EXT4_DESC_WORD(name)                                                                       \
	static inline u64 ext4_desc_##name(const struct ext4_super *es,                            \
					   const struct ext4_disk_group *d)                        \
	{                                                                                          \
		return d->name##_lo | (ext4_desc_wide(es) ? (u64)d->name##_hi << 32 : 0);          \
	}
EXT4_DESC_WORD(block_bitmap)
EXT4_DESC_WORD(inode_bitmap)
EXT4_DESC_WORD(inode_table)
#undef EXT4_DESC_WORD

#define EXT4_DESC_COUNT(name)                                                                      \
	static inline u32 ext4_desc_##name(const struct ext4_super *es,                            \
					   const struct ext4_disk_group *d)                        \
	{                                                                                          \
		return READ_ONCE(d->name##_lo) |                                                   \
		       (ext4_desc_wide(es) ? (u32)READ_ONCE(d->name##_hi) << 16 : 0);              \
	}                                                                                          \
	static inline void ext4_desc_set_##name(const struct ext4_super *es,                       \
						struct ext4_disk_group *d, u32 v)                  \
	{                                                                                          \
		WRITE_ONCE(d->name##_lo, (u16)v);                                                  \
		if (ext4_desc_wide(es))                                                            \
			WRITE_ONCE(d->name##_hi, (u16)(v >> 16));                                  \
	}
EXT4_DESC_COUNT(free_blocks)
EXT4_DESC_COUNT(free_inodes)
EXT4_DESC_COUNT(used_dirs)
EXT4_DESC_COUNT(itable_unused)
EXT4_DESC_COUNT(block_bitmap_csum)
EXT4_DESC_COUNT(inode_bitmap_csum)
#undef EXT4_DESC_COUNT

/* Do descriptors have checksums (and so the UNINIT flags a meaning)? */
static inline bool ext4_has_desc_csum(const struct ext4_super *es)
{
	return es->csum || ext4_has_ro(es, EXT4_RO_GDT_CSUM);
}

/*
 * group.c
 */

/* Does the group begin with a copy of the superblock? */
bool ext4_group_has_super(const struct ext4_super *es, u32 group);
/* Where descriptor block `i` is. */
u64 ext4_desc_block(const struct ext4_super *es, u32 i);
/* Blocks of superblock, descriptors and reserved descriptors at the start of the group. */
u32 ext4_group_base_blocks(const struct ext4_super *es, u32 group);
u32 ext4_group_blocks(const struct ext4_super *es, u32 group);

/*
 * Read and check all descriptors; set counters and zones.  Returns 0, -EUCLEAN, -EBADMSG, -EIO,
 * -ENOMEM.
 */
int ext4_groups_load(struct ext4_super *es, bool read_only) __must_check;
void ext4_groups_free(struct ext4_super *es);
/*
 * The journal's blocks become metadata that nothing else may claim.  Returns 0, -ENOMEM, -EUCLEAN.
 */
int ext4_zone_add_inode(struct ext4_super *es, struct inode *inode) __must_check;

/* Recompute the checksum of a changed descriptor.  Locks: group. */
void ext4_desc_seal(const struct ext4_super *es, u32 group, struct ext4_disk_group *d);

/*
 * The group's bitmap, checked, or made up when it is uninitialised.  The first time, the group's
 * `taken` bitmap and counts come from it.  Returns 0, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
int ext4_block_bitmap_read(struct ext4_super *es, u32 group, struct buffer **out) __must_check;
int ext4_inode_bitmap_read(struct ext4_super *es, u32 group, struct buffer **out) __must_check;
/* Make sure `taken` is there. */
int ext4_group_load(struct ext4_super *es, u32 group) __must_check;

/* The checksum of a bitmap of `size` bytes whose bits [bit, bit+n) flip. */
u32 ext4_bitmap_csum_flip(u32 csum, u32 size, u32 bit, u32 n);

/*
 * mballoc.c
 */

enum ext4_claim {
	EXT4_CLAIM_USER, /* leaves what is reserved to root (unless the caller may use it) */
	EXT4_CLAIM_POOL, /* metadata of what was promised: everything */
};

/* Promise `n` blocks.  Returns 0 or -ENOSPC. */
int ext4_claim(struct ext4_super *es, u64 n, enum ext4_claim how) __must_check;
void ext4_unclaim(struct ext4_super *es, u64 n);

/*
 * Take up to `want` consecutive blocks, at `goal` if possible (the first block of a group stands
 * for the group).  They were promised before.  Returns 0 with *got >= 1, -ENOSPC (what is free
 * waits for a transaction, or the counters lie), -ENOMEM.
 * Context: may sleep; no handle needed.
 */
int ext4_take(struct ext4_super *es, u64 goal, u32 want, u64 *start, u32 *got) __must_check;
/* Take exactly what follows `start` as far as it is free, at most `want`.  Returns how many. */
u32 ext4_take_at(struct ext4_super *es, u64 start, u32 want);
/* Taken blocks are not needed: no longer promised either, if `promised`. */
void ext4_untake(struct ext4_super *es, u64 start, u64 n, bool promised);
/* Bitmap and descriptor of one group, with the right to change them. */
struct ext4_group_change {
	struct ext4_super *es;
	u32 group;
	struct buffer *bitmap;
};
struct ext4_use {
	struct ext4_group_change c;
	u32 bit, n;
};
/*
 * Taken and promised blocks, all in one group, are to become used, for `inode`.  begin finds out
 * whether they can, and changes nothing; end does it (or not), and then only fails if the handle
 * lacks credits.  Returns 0, -EUCLEAN (they are in use on disk), -EIO, -ENOMEM.
 */
int ext4_use_begin(struct handle *h, struct inode *inode, u64 start, u32 n,
		   struct ext4_use *u) __must_check;
int ext4_use_end(struct handle *h, struct ext4_use *u, bool use);

/* claim, take, mark: `want` blocks at most, for a map or for itself.  inode.blocks grows. */
int ext4_alloc(struct handle *h, struct inode *inode, u64 goal, u32 want, enum ext4_claim how,
	       u64 *start, u32 *got) __must_check;
/* One block of a map's own tree. */
int ext4_alloc_tree_block(struct handle *h, struct inode *inode, u64 goal, u64 *block) __must_check;

/*
 * Take the first run of at least `least` free blocks that begins in [*bit, last] of the group, to
 * its end.  Returns its length, *bit its start; 0: there is none, or fewer than `least` blocks are
 * free behind it.  Given back by ext4_untake(); nothing else of the group changes.  Locks: trim,
 * held until then: who finds no space waits for it.
 */
u32 ext4_take_free_run(struct ext4_super *es, u32 group, u32 *bit, u32 last, u32 least);

void ext4_discard_init(struct ext4_super *es);
/*
 * Before what names the blocks is changed: get what ext4_blocks_free will need, so that it does not
 * fail for want of memory. Returns 0, -ENOMEM, -EIO.
 */
int ext4_free_begin(struct handle *h, struct inode *inode, u64 block, u64 count) __must_check;
/* Groups of [block, block+n). */
u32 ext4_groups_of(const struct ext4_super *es, u64 block, u64 n);

/*
 * trim.c
 */

struct fstrim_range;
/*
 * FITRIM: discard what is free in [start, start + len), runs of minlen bytes and more; len becomes
 * the bytes discarded.  Returns 0, -EINVAL, what reading a bitmap returns.
 */
int ext4_trim(struct ext4_super *es, struct fstrim_range *range) __must_check;
