/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FITRIM: free blocks are discarded, so that the device knows they hold nothing.
 *
 * A run of free blocks is taken in memory, as for a file, discarded, and given back: nobody can
 * write there meanwhile, and the disk's own bitmaps do not change.  Whoever looks for space at that
 * moment may find none; it then waits for ext4_super.trim_lock, which is held over one run.
 *
 * A group in which nothing was freed since is not trimmed again, unless shorter runs count now.
 */
#include <kernel/abi/fs.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/sched.h>
#include <kernel/signal/signal.h>

#include "ext4_space.h"

/* Blocks [first, end), in runs of `least`. */
struct trim {
	u64 first, end;
	u32 least;
};

/* What to trim: nothing when end is not behind first.  Returns 0, -EINVAL. */
static int trim_decode(const struct ext4_super *es, const struct fstrim_range *range,
		       struct trim *t)
{
	u64 least = range->minlen >> es->block_bits, granularity;

	t->first = range->start >> es->block_bits;
	t->end = t->first + (range->len >> es->block_bits);
	if (least > es->blocks_per_group || t->first >= es->blocks || range->len < es->block_size)
		return -EINVAL;
	granularity = bdev_discard_granularity(es->bdev);
	if (range->minlen < granularity)
		least = granularity >> es->block_bits;
	t->least = (u32)max(least, (u64)1);
	t->first = max(t->first, (u64)es->first_data_block);
	t->end = min(t->end, es->blocks);
	if (least > es->blocks_per_group || t->end <= (u64)es->first_data_block + 1)
		t->end = t->first;
	return 0;
}

static bool interrupted(void)
{
	cond_resched();
	return signal_fatal_pending(thread_current());
}

/* Discard the next run from *bit on; *bit: behind it.  Returns its length, 0: there is none. */
static u32 trim_run(struct ext4_super *es, u32 group, u32 *bit, u32 last, u32 least)
{
	u32 shift = es->block_bits - SECTOR_SHIFT, len;
	u64 block;

	guard_mutex(&es->trim_lock);
	len = ext4_take_free_run(es, group, bit, last, least);
	if (!len)
		return 0;
	block = ext4_group_first(es, group) + *bit;
	/* A hint: they are free whether the device takes it or not. */
	(void)!bdev_discard(es->bdev, block << shift, (sector_t)len << shift);
	ext4_untake(es, block, len, false);
	*bit += len;
	return len;
}

static void group_trimmed(struct ext4_group *g, bool on)
{
	guard_spin(&g->lock);
	WRITE_ONCE(g->flags, on ? g->flags | EXT4_GROUP_TRIMMED
				: g->flags & ~(u32)EXT4_GROUP_TRIMMED);
}

static u64 trim_group(struct ext4_super *es, u32 group, u32 bit, u32 last, u32 least)
{
	struct ext4_group *g = &es->group[group];
	bool was = READ_ONCE(g->flags) & EXT4_GROUP_TRIMMED, whole = !bit && last == g->blocks - 1,
	     from_start = !bit;
	u64 done = 0;
	u32 len;

	if ((was && least >= READ_ONCE(es->trim_least)) || READ_ONCE(g->avail) < least)
		return 0;
	/* Before the search: what is freed during it may be behind it. */
	if (from_start)
		group_trimmed(g, true);
	while (bit <= last && (len = trim_run(es, group, &bit, last, least))) {
		done += len;
		/* The last run may go on to the end of the group. */
		whole = whole || (from_start && bit >= g->blocks - 1);
		if (interrupted()) {
			whole = false;
			break;
		}
	}
	if (from_start && !whole && !was)
		group_trimmed(g, false);
	return done;
}

int ext4_trim(struct ext4_super *es, struct fstrim_range *range)
{
	struct trim t;
	u64 done = 0;
	int err = trim_decode(es, range, &t);

	for (u64 at = t.first, next; !err && at < t.end && !interrupted(); at = next) {
		u32 bit, group = ext4_block_group(es, at, &bit), blocks = es->group[group].blocks;

		next = at - bit + blocks;
		err = ext4_group_load(es, group);
		if (!err)
			done += trim_group(es, group, bit,
					   (u32)(min(t.end, next) - (at - bit)) - 1, t.least);
	}
	if (err)
		return err;
	if (t.first < t.end)
		WRITE_ONCE(es->trim_least, t.least);
	range->len = done << es->block_bits;
	return 0;
}
