/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much memory may be dirty, and who waits when it is more.
 *
 * Two limits, shares of the memory that could be dirty (free, or page cache) or absolute: above the
 * background limit the flushers write until below it again; above the other, writers wait.  In
 * between, from the middle of the two on, a writer pauses longer the nearer the limit is, so that
 * nobody hits the wall at full speed.  Pages under way to the disk count as dirty.
 *
 * A writer asks after each page (reclaim_balance_dirty), which costs a look at a counter of its
 * processor; the sums are made once in RATE pages.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/waitqueue.h>
#include <kernel/time/clock.h>
#include <mm/alloc_scope.h>
#include <mm/dirty.h>
#include "mm_internal.h"
#include "reclaim_internal.h"

#define RATE      32u
#define PAUSE_MAX (20 * NSEC_PER_MSEC)
#define WAIT_MAX  (100 * NSEC_PER_MSEC)
#define PROGRESS_WAIT (10 * NSEC_PER_MSEC)

struct limit {
	u32 ratio; /* per cent; 0 with bytes set */
	u64 bytes; /* 0: by ratio */
	u64 least; /* bytes that may be asked for */
};

static struct limit hard = {.ratio = 20, .least = 2 * PAGE_SIZE};     /* [a] */
static struct limit background = {.ratio = 10, .least = 1};           /* [a] */
static u32 expire_cs = 3000, interval_cs = 500, time_expire_s = 43200; /* [a] */

static DEFINE_PER_CPU(u32, dirtied);  /* since this processor last asked */
static DEFINE_PER_CPU(u32, finished); /* since waiters were last woken */
static struct wait_queue balance_wait = WAIT_QUEUE_INIT(balance_wait);
static u32 waves; /* [a] of wakings */
static const struct writeback_ops *writeback; /* [I after boot] */

void reclaim_set_writeback_ops(const struct writeback_ops *ops)
{
	writeback = ops;
}

void writeback_wake(u64 pages)
{
	if (writeback)
		writeback->start(pages);
}

/* --- limits ----------------------------------------------------------------------------------- */

static u64 limit_pages(const struct limit *l, u64 dirtyable)
{
	u64 bytes = READ_ONCE(l->bytes);

	if (bytes)
		return DIV_ROUND_UP(bytes, PAGE_SIZE);
	return dirtyable * READ_ONCE(l->ratio) / 100;
}

void dirty_limits(u64 *background_out, u64 *hard_out)
{
	u64 usable = frames_free() + lru_size(false) + lru_size(true), high;

	high = frames_watermark_high();
	usable -= min(usable, high);
	*hard_out = limit_pages(&hard, usable);
	*background_out = limit_pages(&background, usable);
	if (*background_out >= *hard_out)
		*background_out = *hard_out / 2;
}

static u64 dirty_now(void)
{
	return vm_gauge_read(VM_NR_DIRTY) + vm_gauge_read(VM_NR_WRITEBACK);
}

bool dirty_over_background(void)
{
	u64 low, high;

	dirty_limits(&low, &high);
	return vm_gauge_read(VM_NR_DIRTY) > low;
}

u64 dirty_expire_ns(void)
{
	return (u64)READ_ONCE(expire_cs) * (10 * NSEC_PER_MSEC);
}

u64 dirty_interval_ns(void)
{
	return (u64)READ_ONCE(interval_cs) * (10 * NSEC_PER_MSEC);
}

u64 dirty_time_expire_ns(void)
{
	return (u64)READ_ONCE(time_expire_s) * NSEC_PER_SEC;
}

/* --- counting --------------------------------------------------------------------------------- */

void dirty_count(u64 n)
{
	vm_gauge_add(VM_NR_DIRTY, (s64)n);
	vm_event_add(VM_NR_DIRTIED, n);
	this_cpu_add(dirtied, (u32)n);
}

void writeback_progress(u64 n)
{
	this_cpu_add(finished, (u32)n);
	if (unlikely(wait_queue_active(&balance_wait)) && this_cpu(finished) >= RATE) {
		this_cpu(finished) = 0;
		atomic_inc(&waves);
		wake_up_all(&balance_wait);
	}
}

/* --- throttling ------------------------------------------------------------------------------- */

static bool below_limit(void)
{
	u64 low, high;

	dirty_limits(&low, &high);
	return dirty_now() <= high;
}

/* Between the middle and the limit: a pause in proportion.  Returns whether it is over. */
static bool pause_writer(void)
{
	u64 low, high, now, middle;

	dirty_limits(&low, &high);
	now = dirty_now();
	if (now > low)
		writeback_wake(0);
	middle = (low + high) / 2;
	if (now <= middle)
		return true;
	if (now <= high) {
		(void)wait_event_killable_timeout(
			&balance_wait, false,
			clock_deadline(PAUSE_MAX * (now - middle) / (high - middle + 1)));
		return true;
	}
	(void)wait_event_killable_timeout(&balance_wait, below_limit(), clock_deadline(WAIT_MAX));
	return false;
}

static __noinline void balance(bool once)
{
	this_cpu(dirtied) = 0;
	if (thread_current()->alloc_flags & ALLOC_NOTHROTTLE)
		return;
	while (!pause_writer() && !once)
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			break;
}

void reclaim_balance_dirty(void)
{
	if (unlikely(READ_ONCE(this_cpu(dirtied)) >= RATE) && writeback)
		balance(false);
}

void dirty_balance_fault(void)
{
	if (unlikely(READ_ONCE(this_cpu(dirtied)) >= RATE) && writeback)
		balance(true);
}

bool dirty_pending(void)
{
	return dirty_now() != 0;
}

void dirty_wait_progress(void)
{
	u32 seen = atomic_load(&waves);

	(void)wait_event_killable_timeout(&balance_wait, atomic_load(&waves) != seen,
					  clock_deadline(PROGRESS_WAIT));
}

/* --- /proc/sys/vm ----------------------------------------------------------------------------- */

static int ratio_show(struct seq *s, void *arg)
{
	seq_printf(s, "%u\n", READ_ONCE(((struct limit *)arg)->ratio));
	return 0;
}

static ssize_t ratio_store(const char *buf, size_t len, void *arg)
{
	struct limit *l = arg;
	u64 v;

	if (parse_u64(buf, 0, &v) || v > 100)
		return -EINVAL;
	WRITE_ONCE(l->ratio, (u32)v);
	WRITE_ONCE(l->bytes, 0);
	return (ssize_t)len;
}

static int bytes_show(struct seq *s, void *arg)
{
	seq_printf(s, "%llu\n", READ_ONCE(((struct limit *)arg)->bytes));
	return 0;
}

static ssize_t bytes_store(const char *buf, size_t len, void *arg)
{
	struct limit *l = arg;
	u64 v;

	if (parse_u64(buf, 0, &v) || v < l->least)
		return -EINVAL;
	WRITE_ONCE(l->bytes, v);
	WRITE_ONCE(l->ratio, 0);
	return (ssize_t)len;
}

static int time_show(struct seq *s, void *arg)
{
	seq_printf(s, "%u\n", READ_ONCE(*(u32 *)arg));
	return 0;
}

static ssize_t time_store(const char *buf, size_t len, void *arg)
{
	u64 v;

	if (parse_u64(buf, 0, &v) || v > S32_MAX)
		return -EINVAL;
	WRITE_ONCE(*(u32 *)arg, (u32)v);
	/* The flushers sleep by the old value. */
	writeback_wake(0);
	return (ssize_t)len;
}

EXPORT_PROC("/proc/sys/vm/dirty_ratio", 0644, ratio_show, ratio_store, &hard);
EXPORT_PROC("/proc/sys/vm/dirty_bytes", 0644, bytes_show, bytes_store, &hard);
EXPORT_PROC("/proc/sys/vm/dirty_background_ratio", 0644, ratio_show, ratio_store, &background);
EXPORT_PROC("/proc/sys/vm/dirty_background_bytes", 0644, bytes_show, bytes_store, &background);
EXPORT_PROC("/proc/sys/vm/dirty_expire_centisecs", 0644, time_show, time_store, &expire_cs);
EXPORT_PROC("/proc/sys/vm/dirty_writeback_centisecs", 0644, time_show, time_store, &interval_cs);
EXPORT_PROC("/proc/sys/vm/dirtytime_expire_seconds", 0644, time_show, time_store, &time_expire_s);
