/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a block of a file is: its blocks follow each other, so that is the sum of the sizes before
 * it.
 *
 * The sizes stand behind the inode, four bytes each.  To find a block the list is added up from the
 * nearest place before it that is known: where the last one found ended, which is where a reader
 * goes on, or one of the points kept for every SQ_POINT_EVERY blocks that were passed.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "squashfs_internal.h"

#define CHUNK 64u

/* The known place nearest before `block`.  Locks: sq_inode.lock. */
static struct sq_point nearest(const struct sq_inode *si, u64 block)
{
	struct sq_point p = {.block = 0, .pos = si->file.start, .at = si->file.list};
	u64 n = min(block / SQ_POINT_EVERY, (u64)si->nr_points);

	if (n)
		p = si->points[n - 1];
	if (si->last.block > p.block && si->last.block <= block)
		p = si->last;
	return p;
}

/* Keep a point if it is the next to be kept; without memory for it things are slow, not wrong. */
static void remember(struct sq_inode *si, const struct sq_point *p)
{
	struct sq_point *more;
	u32 max;

	if (p->block != (u64)(si->nr_points + 1) * SQ_POINT_EVERY)
		return;
	if (si->nr_points == si->max_points) {
		max = si->max_points ? si->max_points * 2 : 4;
		more = krealloc(si->points, max * sizeof(*more), GFP_NOFS | __GFP_NOWARN);
		if (!more)
			return;
		si->points = more;
		si->max_points = max;
	}
	si->points[si->nr_points++] = *p;
}

static u32 packed_size(u32 size)
{
	return size & ~SQ_BLOCK_RAW;
}

/* Move the point `n` blocks on, no further than a point that may be kept. */
static int advance(struct sq_sb *fs, struct sq_point *p, u32 n)
{
	u8 raw[CHUNK * 4];
	int err = sq_meta_read(fs, &p->at, raw, n * 4);

	if (err)
		return err;
	for (u32 i = 0; i < n; i++)
		p->pos += packed_size(get_unaligned_le32(raw + i * 4));
	p->block += n;
	return 0;
}

int sq_block_find(struct inode *inode, u64 block, u64 *pos, u32 *size)
{
	struct sq_sb *fs = sq_sb(inode->sb);
	struct sq_inode *si = sq_i(inode);
	struct sq_point p;
	u8 raw[4];
	int err;

	guard_mutex(&si->lock);
	p = nearest(si, block);
	while (p.block < block) {
		u64 to_point = SQ_POINT_EVERY - p.block % SQ_POINT_EVERY;

		err = advance(fs, &p, (u32)min(min(block - p.block, to_point), (u64)CHUNK));
		if (err)
			return err;
		remember(si, &p);
	}
	err = sq_meta_read(fs, &p.at, raw, sizeof(raw));
	if (err)
		return err;
	*pos = p.pos;
	*size = get_unaligned_le32(raw);
	p.pos += packed_size(*size);
	p.block++;
	si->last = p;
	remember(si, &p);
	return packed_size(*size) > fs->block_size
		       ? sq_error(fs, "a block of file %llu has %u bytes", inode->ino,
				  packed_size(*size))
		       : 0;
}
