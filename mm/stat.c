/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of events and gauges of pages, per CPU and summed by readers; /proc/meminfo, vmstat,
 * buddyinfo and zoneinfo.
 *
 * A gauge may be raised on one CPU and lowered on another, so single CPUs' parts can be negative.
 */
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/smp/percpu.h>
#include <mm/dirty.h>
#include <mm/swap.h>
#include "mm_internal.h"

static DEFINE_PER_CPU(u64, events[NR_VM_EVENTS]);
static DEFINE_PER_CPU(s64, gauges[NR_VM_GAUGES]);

void vm_event_add(enum vm_event event, u64 n)
{
	irqflags_t f = arch_irq_save();

	WRITE_ONCE(this_cpu(events)[event], this_cpu(events)[event] + n);
	arch_irq_restore(f);
}

void vm_event_count(enum vm_event event)
{
	this_cpu_add(events[event], 1);
}

u64 vm_event_read(enum vm_event event)
{
	u64 sum = 0;
	unsigned cpu;

	for_each_possible_cpu(cpu) sum += READ_ONCE(per_cpu(events, cpu)[event]);
	return sum;
}

void vm_gauge_add(enum vm_gauge gauge, s64 n)
{
	irqflags_t f = arch_irq_save();

	WRITE_ONCE(this_cpu(gauges)[gauge], this_cpu(gauges)[gauge] + n);
	arch_irq_restore(f);
}

u64 vm_gauge_read(enum vm_gauge gauge)
{
	s64 sum = 0;
	unsigned cpu;

	for_each_possible_cpu(cpu) sum += READ_ONCE(per_cpu(gauges, cpu)[gauge]);
	return sum > 0 ? (u64)sum : 0;
}

void mm_stat(struct mem_info *m)
{
	u64 file = vm_gauge_read(VM_NR_FILE), high = frames_watermark_high();

	*m = (struct mem_info){
		.total = frames_managed(),
		.free = frames_free(),
		.buffers = vm_gauge_read(VM_NR_BUFFERS),
		.shmem = vm_gauge_read(VM_NR_SHMEM),
		.anon = vm_gauge_read(VM_NR_ANON),
		.file_mapped = vm_gauge_read(VM_NR_MAPPED),
		.active_file = lru_size(true),
		.inactive_file = lru_size(false),
		.mlocked = vm_gauge_read(VM_NR_MLOCK),
		.dirty = vm_gauge_read(VM_NR_DIRTY),
		.writeback = vm_gauge_read(VM_NR_WRITEBACK),
		.slab_reclaimable = vm_gauge_read(VM_NR_SLAB_RECLAIMABLE),
		.slab_unreclaimable = vm_gauge_read(VM_NR_SLAB_UNRECLAIMABLE),
		.page_tables = vm_gauge_read(VM_NR_PAGETABLE),
		.kernel_stack_kb = vm_gauge_read(VM_NR_STACK) << (PAGE_SHIFT - 10),
		.swap_total = swap_total_pages(),
		.swap_free = swap_free_pages(),
		.swap_cached = vm_gauge_read(VM_NR_SWAPCACHED),
		.vmalloc_used = vm_gauge_read(VM_NR_VMALLOC),
	};
	m->cached = file - min(file, m->buffers);
	m->active_anon = m->anon + m->shmem;

	u64 cache = m->active_file + m->inactive_file;
	u64 easy = m->free + cache - min(cache / 2, high) + m->slab_reclaimable -
		   min(m->slab_reclaimable / 2, high);

	m->available = easy - min(easy, high);
	vm_commit_stat(&m->committed, &m->commit_limit);
}

static void kb(struct seq *s, const char *name, u64 pages)
{
	seq_put_kb(s, name, pages << (PAGE_SHIFT - 10));
}

static int meminfo_show(struct seq *s, void *arg)
{
	struct mem_info m;

	mm_stat(&m);
	kb(s, "MemTotal:", m.total);
	kb(s, "MemFree:", m.free);
	kb(s, "MemAvailable:", m.available);
	kb(s, "Buffers:", m.buffers);
	kb(s, "Cached:", m.cached);
	kb(s, "SwapCached:", m.swap_cached);
	kb(s, "Active:", m.active_anon + m.active_file);
	kb(s, "Inactive:", m.inactive_anon + m.inactive_file);
	kb(s, "Active(anon):", m.active_anon);
	kb(s, "Inactive(anon):", m.inactive_anon);
	kb(s, "Active(file):", m.active_file);
	kb(s, "Inactive(file):", m.inactive_file);
	kb(s, "Unevictable:", m.mlocked);
	kb(s, "Mlocked:", m.mlocked);
	kb(s, "SwapTotal:", m.swap_total);
	kb(s, "SwapFree:", m.swap_free);
	kb(s, "Dirty:", m.dirty);
	kb(s, "Writeback:", m.writeback);
	kb(s, "AnonPages:", m.anon);
	kb(s, "Mapped:", m.file_mapped);
	kb(s, "Shmem:", m.shmem);
	kb(s, "KReclaimable:", m.slab_reclaimable);
	kb(s, "Slab:", m.slab_reclaimable + m.slab_unreclaimable);
	kb(s, "SReclaimable:", m.slab_reclaimable);
	kb(s, "SUnreclaim:", m.slab_unreclaimable);
	seq_put_kb(s, "KernelStack:", m.kernel_stack_kb);
	kb(s, "PageTables:", m.page_tables);
	kb(s, "SecPageTables:", 0);
	kb(s, "NFS_Unstable:", 0);
	kb(s, "Bounce:", 0);
	kb(s, "WritebackTmp:", 0);
	kb(s, "CommitLimit:", m.commit_limit);
	kb(s, "Committed_AS:", m.committed);
	kb(s, "VmallocTotal:", (vmalloc_limit - vmalloc_start) >> PAGE_SHIFT);
	kb(s, "VmallocUsed:", m.vmalloc_used);
	kb(s, "VmallocChunk:", 0);
	kb(s, "Percpu:", 0);
	return 0;
}

EXPORT_PROC("/proc/meminfo", 0444, meminfo_show, NULL, NULL);

static const char *const event_names[NR_VM_EVENTS] = {
	[VM_PGALLOC] = "pgalloc_normal",
	[VM_PGFREE] = "pgfree",
	[VM_PGFAULT] = "pgfault",
	[VM_PGMAJFAULT] = "pgmajfault",
	[VM_PGPGIN] = "pgpgin",
	[VM_PGPGOUT] = "pgpgout",
	[VM_PGSCAN_KSWAPD] = "pgscan_kswapd",
	[VM_PGSCAN_DIRECT] = "pgscan_direct",
	[VM_PGSTEAL_KSWAPD] = "pgsteal_kswapd",
	[VM_PGSTEAL_DIRECT] = "pgsteal_direct",
	[VM_PGACTIVATE] = "pgactivate",
	[VM_PGDEACTIVATE] = "pgdeactivate",
	[VM_ALLOCSTALL] = "allocstall_normal",
	[VM_OOM_KILL] = "oom_kill",
	[VM_DROP_PAGECACHE] = "drop_pagecache",
	[VM_DROP_SLAB] = "drop_slab",
	[VM_TLB_SHOOTDOWN] = "nr_tlb_remote_flush",
	[VM_NR_DIRTIED] = "nr_dirtied",
	[VM_NR_WRITTEN] = "nr_written",
	[VM_PSWPIN] = "pswpin",
	[VM_PSWPOUT] = "pswpout",
};

static int vmstat_show(struct seq *s, void *arg)
{
	struct mem_info m;
	u64 low, high;

	mm_stat(&m);
	dirty_limits(&low, &high);

	const struct {
		const char *name;
		u64 n;
	} row[] = {
		{"nr_free_pages", m.free},
		{"nr_inactive_anon", m.inactive_anon},
		{"nr_active_anon", m.active_anon},
		{"nr_inactive_file", m.inactive_file},
		{"nr_active_file", m.active_file},
		{"nr_mlock", m.mlocked},
		{"nr_anon_pages", m.anon},
		{"nr_mapped", m.file_mapped},
		{"nr_file_pages", m.cached + m.buffers},
		{"nr_dirty", m.dirty},
		{"nr_writeback", m.writeback},
		{"nr_shmem", m.shmem},
		{"nr_swapcached", m.swap_cached},
		{"nr_slab_reclaimable", m.slab_reclaimable},
		{"nr_slab_unreclaimable", m.slab_unreclaimable},
		{"nr_page_table_pages", m.page_tables},
		{"nr_kernel_stack", m.kernel_stack_kb},
		{"nr_dirty_threshold", high},
		{"nr_dirty_background_threshold", low},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(row); i++)
		seq_printf(s, "%s %llu\n", row[i].name, row[i].n);
	for (unsigned i = 0; i < NR_VM_EVENTS; i++)
		seq_printf(s, "%s %llu\n", event_names[i], vm_event_read(i));
	return 0;
}

EXPORT_PROC("/proc/vmstat", 0444, vmstat_show, NULL, NULL);

static int buddyinfo_show(struct seq *s, void *arg)
{
	for (unsigned i = 0; i < NR_ZONES; i++) {
		const struct zone *z = &zones[i];

		if (!z->managed)
			continue;
		seq_printf(s, "Node 0, zone %8s ", z->name);
		for (unsigned o = 0; o <= MAX_ORDER; o++)
			seq_printf(s, "%6llu ", READ_ONCE(z->nr[o]));
		seq_putc(s, '\n');
	}
	return 0;
}

EXPORT_PROC("/proc/buddyinfo", 0444, buddyinfo_show, NULL, NULL);

static int zoneinfo_show(struct seq *s, void *arg)
{
	for (unsigned i = 0; i < NR_ZONES; i++) {
		const struct zone *z = &zones[i];

		seq_printf(s,
			   "Node 0, zone %8s\n  pages free     %llu\n        min      %llu\n"
			   "        low      %llu\n        high     %llu\n        managed  %llu\n",
			   z->name, READ_ONCE(z->free), READ_ONCE(z->min), READ_ONCE(z->low),
			   READ_ONCE(z->high), z->managed);
	}
	return 0;
}

EXPORT_PROC("/proc/zoneinfo", 0444, zoneinfo_show, NULL, NULL);
