/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inode tables that mke2fs left uncleared: a thread clears them after a mount and rests in between.
 *
 * Only inodes behind itable_unused are touched, which nobody ever used, in pieces from the end of
 * the table down.  While a piece is being cleared the group hands out none of its numbers
 * (ext4_group.zero_from), so no inode is overwritten; what the cache of the device has of the piece
 * is garbage and goes.  When the piece next to the inodes in use is done, the descriptor says so,
 * and checkers may believe the whole table.
 */
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/waitqueue.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>

#include "ext4_map.h"
#include "ext4_space.h"

#define PIECE_BLOCKS 64u

struct ext4_itable {
	struct superblock *sb;
	struct thread *thread;
	struct wait_queue wait;
};

static bool table_cleared(const struct ext4_super *es, u32 group)
{
	return READ_ONCE(ext4_desc(es, group)->flags) & EXT4_BG_INODE_ZEROED;
}

/* First block of the table that holds no inode ever used.  Locks: group. */
static u32 first_unused_block(const struct ext4_super *es, u32 group)
{
	const struct ext4_disk_group *d = ext4_desc(es, group);
	u32 unused = min(ext4_desc_itable_unused(es, d), es->inodes_per_group);

	if (d->flags & EXT4_BG_INODE_UNINIT)
		return 0;
	return DIV_ROUND_UP(es->inodes_per_group - unused, es->inodes_per_block);
}

/*
 * The next piece that ends at block `end` of the table, kept from being used.  Returns its first
 * block, `end` if there is none.
 */
static u32 piece_begin(struct ext4_super *es, u32 group, u32 end)
{
	struct ext4_group *g = &es->group[group];
	u32 first;

	guard_spin(&g->lock);
	first = first_unused_block(es, group);
	if (first >= end)
		return end;
	first = max(first, end > PIECE_BLOCKS ? end - PIECE_BLOCKS : 0);
	g->zero_from = first * es->inodes_per_block;
	return first;
}

static int piece_clear(struct ext4_super *es, u32 group, u32 first, u32 end)
{
	u64 block = ext4_desc_inode_table(es, ext4_desc(es, group)) + first;
	u32 shift = es->block_bits - SECTOR_SHIFT;
	int err = bdev_write_zeroes(es->bdev, block << shift, (sector_t)(end - first) << shift,
				    false);

	buffers_invalidate(es->bdev, block, end - first);
	return err;
}

/*
 * The numbers of a cleared piece may be used; so may those before it, which nobody is clearing now.
 */
static void piece_end(struct ext4_super *es, u32 group)
{
	guard_spin(&es->group[group].lock);
	es->group[group].zero_from = es->inodes_per_group;
}

static int mark_cleared(struct ext4_super *es, u32 group)
{
	struct ext4_disk_group *d = ext4_desc(es, group);
	struct handle *h;
	int err = ext4_start(es->sb, NULL, 1, &h), err2;

	if (err)
		return err;
	err = journal_get_write(h, ext4_desc_buffer(es, group));
	if (!err) {
		with_spin(&es->group[group].lock)
		{
			d->flags |= EXT4_BG_INODE_ZEROED;
			ext4_desc_seal(es, group, d);
		}
		err = journal_dirty(h, ext4_desc_buffer(es, group));
	}
	err2 = ext4_stop(h);
	return err ?: err2;
}

/* Sleep `mult` times as long as was worked.  Returns whether to go on. */
static bool rest(struct ext4_itable *t, u64 since)
{
	u64 worked = clock_mono_ns() - since;

	(void)!wait_event_timeout(&t->wait, kthread_should_stop(),
				  clock_deadline(worked * ext4_super(t->sb)->opt.init_itable_mult));
	return !kthread_should_stop();
}

/*
 * One piece that ends at *end, which moves to where it begins.  Returns 0, 1: there is none, or
 * -errno.
 */
static int piece_do(struct ext4_super *es, u32 group, u32 *end)
{
	u32 first;
	int err = 1;

	atomic_store(&es->clearing, 1u);
	first = piece_begin(es, group, *end);
	if (first < *end) {
		err = piece_clear(es, group, first, *end);
		*end = first;
	}
	piece_end(es, group);
	atomic_store(&es->clearing, 0u);
	return err;
}

static int table_clear(struct ext4_itable *t, u32 group)
{
	struct ext4_super *es = ext4_super(t->sb);
	u32 end = es->itable_blocks;
	bool go_on = true;
	int err = 0;

	while (go_on && !err) {
		u64 since = clock_mono_ns();

		err = piece_do(es, group, &end);
		go_on = err > 0 || (!err && rest(t, since));
	}
	if (err < 0 || !go_on)
		return err < 0 ? err : 0;
	return mark_cleared(es, group);
}

static void itable_run(void *arg)
{
	struct ext4_itable *t = arg;
	struct ext4_super *es = ext4_super(t->sb);

	for (u32 g = 0; g < es->groups && !kthread_should_stop(); g++) {
		if (!table_cleared(es, g) && table_clear(t, g))
			break;
		cond_resched();
	}
	(void)!wait_event_timeout(&t->wait, kthread_should_stop(), KTIME_MAX);
}

void ext4_itable_start(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);
	struct ext4_itable *t;
	u32 g = 0;

	if (!ext4_has_desc_csum(es) || !ext4_opt(es, EXT4_OPT_INIT_ITABLE) || es->itable)
		return;
	while (g < es->groups && table_cleared(es, g))
		g++;
	if (g == es->groups)
		return;
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return;
	t->sb = sb;
	wait_queue_init(&t->wait);
	if (kthread_create(&t->thread, itable_run, t, "ext4lazyinit")) {
		kfree(t);
		return;
	}
	es->itable = t;
	thread_start(t->thread);
}

void ext4_itable_stop(struct superblock *sb)
{
	struct ext4_super *es = ext4_super(sb);

	if (!es->itable)
		return;
	kthread_stop(es->itable->thread);
	kfree(es->itable);
	es->itable = NULL;
}
