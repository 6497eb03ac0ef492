/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has been promised to programs: overcommit_memory 0, 1 and 2 (Linux:
 * vm/overcommit-accounting).
 *
 * The count is kept per CPU, and added up only when it decides something (mode 2) or is shown.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/export.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/smp/percpu.h>
#include <mm/swap.h>
#include "mm_internal.h"

enum { OVERCOMMIT_GUESS, OVERCOMMIT_ALWAYS, OVERCOMMIT_NEVER };

u32 vm_overcommit_memory = OVERCOMMIT_GUESS;
u32 vm_overcommit_ratio = 50;
u32 vm_max_map_count = 65530;
u32 vm_swappiness = 60;
u64 vm_mmap_min_addr = 65536;
static u32 min_free_kbytes; /* 0: by rule */

static DEFINE_PER_CPU(s64, committed);

static s64 committed_sum(void)
{
	return percpu_sum(committed);
}

static u64 commit_limit(void)
{
	return frames_managed() * READ_ONCE(vm_overcommit_ratio) / 100 + swap_total_pages();
}

void vm_commit_stat(u64 *sum, u64 *limit)
{
	s64 n = committed_sum();

	*sum = n > 0 ? (u64)n : 0;
	*limit = commit_limit();
}

static void committed_add(s64 pages)
{
	irqflags_t f = arch_irq_save();

	WRITE_ONCE(this_cpu(committed), this_cpu(committed) + pages);
	arch_irq_restore(f);
}

int vm_commit(s64 pages, bool may_fail)
{
	committed_add(pages);
	if (!may_fail || pages <= 0)
		return 0;

	u32 mode = READ_ONCE(vm_overcommit_memory);
	bool ok = mode == OVERCOMMIT_ALWAYS  ? true
		  : mode == OVERCOMMIT_GUESS ? (u64)pages <= frames_managed() + swap_total_pages()
					     : committed_sum() <= (s64)commit_limit();

	if (ok)
		return 0;
	committed_add(-pages);
	return -ENOMEM;
}

void vm_uncommit(s64 pages)
{
	committed_add(-pages);
}

/* --- /proc/sys/vm ----------------------------------------------------------------------------- */

struct setting {
	u32 *value;
	u32 min, max;
	void (*changed)(void);
};

static int setting_show(struct seq *s, void *arg)
{
	const struct setting *set = arg;

	seq_printf(s, "%u\n", READ_ONCE(*set->value));
	return 0;
}

static ssize_t setting_store(const char *buf, size_t len, void *arg)
{
	const struct setting *set = arg;
	u64 v;

	if (parse_u64(buf, 0, &v) || v < set->min || v > set->max)
		return -EINVAL;
	WRITE_ONCE(*set->value, (u32)v);
	if (set->changed)
		set->changed();
	return (ssize_t)len;
}

static void min_free_changed(void)
{
	frames_set_watermarks(READ_ONCE(min_free_kbytes) >> (PAGE_SHIFT - 10));
}

static int min_free_show(struct seq *s, void *arg)
{
	u64 pages = READ_ONCE(zones[0].min) + READ_ONCE(zones[1].min);

	seq_printf(s, "%llu\n", pages << (PAGE_SHIFT - 10));
	return 0;
}

static struct setting set_overcommit = {&vm_overcommit_memory, 0, 2, NULL};
static struct setting set_ratio = {&vm_overcommit_ratio, 0, U32_MAX, NULL};
static struct setting set_map_count = {&vm_max_map_count, 0, U32_MAX / 2, NULL};
static struct setting set_swappiness = {&vm_swappiness, 0, 200, NULL};
static struct setting set_min_free = {&min_free_kbytes, 0, U32_MAX, min_free_changed};

EXPORT_PROC("/proc/sys/vm/overcommit_memory", 0644, setting_show, setting_store, &set_overcommit);
EXPORT_PROC("/proc/sys/vm/overcommit_ratio", 0644, setting_show, setting_store, &set_ratio);
EXPORT_PROC("/proc/sys/vm/max_map_count", 0644, setting_show, setting_store, &set_map_count);
EXPORT_PROC("/proc/sys/vm/swappiness", 0644, setting_show, setting_store, &set_swappiness);
EXPORT_PROC("/proc/sys/vm/min_free_kbytes", 0644, min_free_show, setting_store, &set_min_free);

static int mmap_min_addr_show(struct seq *s, void *arg)
{
	seq_printf(s, "%llu\n", READ_ONCE(vm_mmap_min_addr));
	return 0;
}

static ssize_t mmap_min_addr_store(const char *buf, size_t len, void *arg)
{
	u64 v;

	if (parse_u64(buf, 0, &v))
		return -EINVAL;
	WRITE_ONCE(vm_mmap_min_addr, v);
	return (ssize_t)len;
}

EXPORT_PROC("/proc/sys/vm/mmap_min_addr", 0644, mmap_min_addr_show, mmap_min_addr_store, NULL);
