/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cutting files: freeing the blocks of a range in as many transactions as that takes.
 *
 * Removal works from the end to the front, so that whatever transaction was the last to reach the
 * disk, the file is whole as far as it goes.  An inode that is being cut is an orphan meanwhile: a
 * mount after a crash goes on with it.
 *
 * The inode's lock is held, and the pages of the range have left the cache.  Between transactions
 * the block map is unlocked: a page fault may come by and find either the block or a hole.
 */
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>

#include "ext4_map.h"
#include "ext4_space.h"

bool ext4_handle_short(struct handle *h, const struct inode *inode, unsigned credits,
		       unsigned revokes)
{
	unsigned have, need;

	if (!h)
		return false;
	have = journal_credits(h);
	need = credits > have ? credits - have : 0;
	return (need || revokes) && journal_extend(h, need, revokes) != 0;
}

int ext4_handle_refill(struct handle *h, struct inode *inode, unsigned credits)
{
	int err;

	if (!ext4_handle_short(h, inode, credits, EXT4_REVOKES))
		return 0;
	err = journal_restart(h, credits, EXT4_REVOKES);
	cond_resched();
	return err;
}

/* One transaction's part of the work. */
static int remove_some(struct handle *h, struct inode *inode, u32 from, u32 to, bool first)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_inode_loc loc;
	int err = ext4_inode_reserve(h, inode, &loc), err2;

	if (err)
		return err;
	guard_write(&ei->map);
	/* Promises of faults that came since the pages were dropped are good. */
	if (first)
		ext4_status_drop(inode, from, to - from);
	else
		ext4_status_trim(ei);
	err = ext4_has_extents(inode) ? ext4_extents_remove(h, inode, from, to)
				      : ext4_indirect_remove(h, inode, from, to);
	ext4_status_trim(ei);
	ei->last_block = 0;
	inode_map_changed(inode);
	err2 = ext4_inode_store(h, inode, &loc);
	return err < 0 ? err : err2 ?: err;
}

int ext4_blocks_remove(struct handle *h, struct inode *inode, u32 from, u32 to)
{
	bool first = true;
	int err;

	if (from >= to)
		return 0;
	do {
		err = remove_some(h, inode, from, to, first);
		first = false;
		if (err == 1) {
			int err2 = journal_restart(h, EXT4_CREDITS_TRUNCATE * 2,
						   EXT4_REVOKES_TRUNCATE);

			if (err2)
				return err2;
			cond_resched();
		}
	} while (err == 1);
	return err;
}

static int truncate_once(struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u64 first = ((u64)inode->size + es->block_size - 1) >> es->block_bits;
	struct handle *h;
	int err, err2;

	err = ext4_start(inode->sb, NULL, EXT4_CREDITS_TRUNCATE, &h);
	if (err)
		return err;
	err = ext4_orphan_add(h, inode);
	if (!err && first < EXT4_LBLOCK_END)
		err = ext4_blocks_remove(h, inode, (u32)first, EXT4_LBLOCK_END);
	err = err ?: ext4_handle_refill(h, inode, EXT4_CREDITS_ORPHAN + EXT4_CREDITS_INODE);
	if (!err && inode->nlink)
		err = ext4_orphan_del(h, inode) ?: ext4_inode_dirty(h, inode);
	err2 = ext4_stop(h);
	return err ?: err2;
}

int ext4_truncate(struct inode *inode)
{
	/* The size is stored already: there is no way back. */
	int err = until_memory(truncate_once(inode));

	if (err) {
		ext4_orphan_del(NULL, inode);
		ext4_failed(inode->sb, inode, err, "truncate");
	}
	return err;
}
