/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of devices: /proc/diskstats, and `stat' and `inflight' in sysfs.
 * Linux: Documentation/admin-guide/iostats.rst, Documentation/block/stat.rst
 *
 * A request counts for the device its first bio named, and for the whole disk.  Time with at least
 * one request under way is counted in steps of a millisecond, at starts and ends.
 */
#include <kernel/lib/seq.h>
#include <kernel/smp/cpu.h>
#include "block_internal.h"

static enum stat_group group_of(enum bio_op op)
{
	static const u8 groups[] = {
		[BIO_READ] = STAT_READ,       [BIO_WRITE] = STAT_WRITE,  [BIO_FLUSH] = STAT_FLUSH,
		[BIO_DISCARD] = STAT_DISCARD, [BIO_ZEROES] = STAT_WRITE,
	};

	return groups[op];
}

static struct disk_stats *stats_here(struct bdev *b)
{
	return &b->stats[cpu_id()];
}

static bool anything_in_flight(const struct bdev *b)
{
	u64 n = 0;

	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		n += atomic_load(&b->stats[cpu].in_flight[0]) +
		     atomic_load(&b->stats[cpu].in_flight[1]);
	return n != 0;
}

/* The clock moved on since somebody looked: was the device busy in between? */
static void ticks_update(struct bdev *b, u64 now, bool busy)
{
	u64 tick = now >> STAT_TICK_SHIFT, old = atomic_load(&b->io_stamp);

	if (likely(old == tick) || !atomic_cmpxchg_relaxed(&b->io_stamp, &old, tick))
		return;
	if (busy || anything_in_flight(b))
		atomic_add(&stats_here(b)->io_ticks, tick - old);
	else
		atomic_inc(&stats_here(b)->io_ticks);
}

static void one_start(struct bdev *b, enum bio_op op, u64 now)
{
	ticks_update(b, now, false);
	atomic_inc(&stats_here(b)->in_flight[op != BIO_READ]);
}

void stats_start(struct bdev *b, enum bio_op op, u64 now)
{
	one_start(b, op, now);
	if (b->partno)
		one_start(b->disk->whole, op, now);
}

static void one_end(struct bdev *b, enum bio_op op, u32 bytes, u64 start, u64 now)
{
	struct disk_stats *s = stats_here(b);
	enum stat_group g = group_of(op);

	ticks_update(b, now, true);
	atomic_sub(&s->in_flight[op != BIO_READ], 1ull);
	atomic_inc(&s->ios[g]);
	atomic_add(&s->sectors[g], bytes >> SECTOR_SHIFT);
	atomic_add(&s->ns[g], now - start);
}

void stats_end(struct bdev *b, enum bio_op op, u32 bytes, u64 start, u64 now)
{
	one_end(b, op, bytes, start, now);
	if (b->partno)
		one_end(b->disk->whole, op, bytes, start, now);
}

void stats_merge(struct bdev *b, enum bio_op op)
{
	atomic_inc(&stats_here(b)->merges[group_of(op)]);
	if (b->partno)
		atomic_inc(&stats_here(b->disk->whole)->merges[group_of(op)]);
}

void stats_sum(const struct bdev *b, struct disk_stats *out)
{
	*out = (struct disk_stats){};
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++) {
		const struct disk_stats *s = &b->stats[cpu];

		for (unsigned g = 0; g < NR_STAT_GROUPS; g++) {
			out->ios[g] += atomic_load(&s->ios[g]);
			out->merges[g] += atomic_load(&s->merges[g]);
			out->sectors[g] += atomic_load(&s->sectors[g]);
			out->ns[g] += atomic_load(&s->ns[g]);
		}
		out->in_flight[0] += atomic_load(&s->in_flight[0]);
		out->in_flight[1] += atomic_load(&s->in_flight[1]);
		out->io_ticks += atomic_load(&s->io_ticks);
	}
}

static void group_show(const struct disk_stats *s, enum stat_group g, struct seq *out)
{
	seq_printf(out, " %llu %llu %llu %llu", s->ios[g], s->merges[g], s->sectors[g],
		   s->ns[g] / 1000000);
}

void stats_show(struct bdev *b, struct seq *out)
{
	struct disk_stats s;
	u64 ns = 0;

	stats_sum(b, &s);
	for (unsigned g = 0; g < NR_STAT_GROUPS; g++)
		ns += s.ns[g];
	group_show(&s, STAT_READ, out);
	group_show(&s, STAT_WRITE, out);
	seq_printf(out, " %llu %llu %llu", s.in_flight[0] + s.in_flight[1],
		   (s.io_ticks << STAT_TICK_SHIFT) / 1000000, ns / 1000000);
	group_show(&s, STAT_DISCARD, out);
	seq_printf(out, " %llu %llu", s.ios[STAT_FLUSH], s.ns[STAT_FLUSH] / 1000000);
}
