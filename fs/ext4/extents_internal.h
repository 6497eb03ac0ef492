/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between extents.c, which looks, and extents_change.c: entries, nodes, and the way to a leaf.
 *
 * Locks: ext4_inode.map, R to look, W to change.
 */
#pragma once

#include "ext4_map.h"

/* Entries that fit the root. */
#define EXT4_EXTENT_ROOT_MAX 4

/* One node on the way from the root, and the place in it: at[depth - 1 ... 0] below the root. */
struct step {
	struct buffer *buffer; /* NULL: the inode */
	struct ext4_extent_header *node;
	/* of the entry followed (leaf: the last that begins at or before), -1: before all */
	int at;
};

struct way {
	struct step step[EXT4_EXTENT_MAX_DEPTH + 1]; /* [0] is the leaf */
	unsigned depth;
	u64 key_end; /* the leaf ends before this file block */
};

static inline struct ext4_extent_header *root_of(struct inode *inode)
{
	return (struct ext4_extent_header *)ext4_inode(inode)->block;
}

static inline struct ext4_extent *extents_of(struct ext4_extent_header *n)
{
	return (struct ext4_extent *)(n + 1);
}

static inline struct ext4_extent_index *indices_of(struct ext4_extent_header *n)
{
	return (struct ext4_extent_index *)(n + 1);
}

static inline u64 index_leaf(const struct ext4_extent_index *i)
{
	return ext4_lo_hi(i->leaf_lo, i->leaf_hi);
}

static inline bool extent_unwritten(const struct ext4_extent *e)
{
	return e->len > EXT4_EXTENT_MAX_LEN;
}

static inline u32 extent_len(const struct ext4_extent *e)
{
	return extent_unwritten(e) ? e->len - EXT4_EXTENT_MAX_LEN : e->len;
}

static inline u64 extent_start(const struct ext4_extent *e)
{
	return ext4_lo_hi(e->start_lo, e->start_hi);
}

static inline u64 extent_end(const struct ext4_extent *e)
{
	return (u64)e->block + extent_len(e);
}

static inline u16 node_capacity(const struct ext4_super *es)
{
	return (u16)((es->block_size - sizeof(struct ext4_extent_header)) /
		     sizeof(struct ext4_extent));
}

/* The checksum behind the node's last place. */
static inline u32 *node_csum(struct ext4_extent_header *n)
{
	return (u32 *)((char *)(n + 1) + n->max * sizeof(struct ext4_extent));
}

static inline u32 node_crc(const struct inode *inode, struct ext4_extent_header *n)
{
	return ext4_csum(ext4_inode(inode)->csum_seed, n,
			 (size_t)((char *)node_csum(n) - (char *)n));
}

/*
 * The last entry whose key is at or before `lblock`; -1: none.  Extents and indices have their key
 * first and are of one size.
 */
int ext4_node_search(struct ext4_extent_header *n, u32 lblock);
/*
 * From the root to the leaf where `lblock` is or would be.  Returns 0, and way_put() is the
 * caller's; -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.  Context: may sleep.
 */
int ext4_way_find(struct inode *inode, u32 lblock, struct way *w) __must_check;

static inline void way_put(struct way *w)
{
	for (unsigned d = 0; d <= w->depth; d++)
		buffer_put(w->step[d].buffer);
}

/* The extent that begins at or before what was looked for; NULL: none in this leaf. */
static inline struct ext4_extent *way_extent(struct way *w)
{
	return w->step[0].at < 0 ? NULL : extents_of(w->step[0].node) + w->step[0].at;
}

/* Where the first extent behind the found place begins, or a bound before which there is none. */
static inline u64 way_next_start(struct way *w)
{
	struct ext4_extent_header *leaf = w->step[0].node;

	return w->step[0].at + 1 < leaf->entries ? extents_of(leaf)[w->step[0].at + 1].block
						 : w->key_end;
}
