/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much memory there is and what it is used for. */
#pragma once

#include <kernel/lib/types.h>

/* Pages of 4 KiB, unless the name says otherwise. */
struct mem_info {
	u64 total; /* managed by the allocator */
	u64 free;
	u64 available; /* free, or easily made so */
	u64 cached;    /* page cache, without buffers and shmem */
	u64 buffers;   /* page cache of block devices */
	u64 shmem;
	u64 anon; /* anonymous pages mapped by programs */
	u64 file_mapped;
	u64 active_file, inactive_file;
	u64 active_anon, inactive_anon;
	u64 mlocked;
	u64 dirty, writeback;
	u64 slab_reclaimable, slab_unreclaimable;
	u64 page_tables;
	u64 kernel_stack_kb;
	u64 vmalloc_used;
	u64 swap_total, swap_free, swap_cached;
	u64 commit_limit, committed;
};

/* Context: any. */
void mm_stat(struct mem_info *out);

/* Counters kept per processor and summed by readers. */
enum vm_event {
	VM_PGALLOC,
	VM_PGFREE,
	VM_PGFAULT,
	VM_PGMAJFAULT,
	VM_PGPGIN, /* kilobytes read from block devices */
	VM_PGPGOUT,
	VM_PGSCAN_KSWAPD,
	VM_PGSCAN_DIRECT,
	VM_PGSTEAL_KSWAPD,
	VM_PGSTEAL_DIRECT,
	VM_PGACTIVATE,
	VM_PGDEACTIVATE,
	VM_ALLOCSTALL,
	VM_OOM_KILL,
	VM_DROP_PAGECACHE,
	VM_DROP_SLAB,
	VM_TLB_SHOOTDOWN,
	VM_NR_DIRTIED, /* pages that became dirty; were written */
	VM_NR_WRITTEN,
	VM_PSWPIN, /* pages */
	VM_PSWPOUT,
	NR_VM_EVENTS
};

/* Context: any. */
void vm_event_add(enum vm_event event, u64 n);
/* One more, cheaply: an interrupt that counts the same event meanwhile may be lost. */
void vm_event_count(enum vm_event event);
u64 vm_event_read(enum vm_event event);

/* Gauges, in pages. */
enum vm_gauge {
	VM_NR_FILE, /* page cache, shmem included */
	VM_NR_SHMEM,
	VM_NR_BUFFERS,
	VM_NR_ANON,
	VM_NR_MAPPED,
	VM_NR_DIRTY,
	VM_NR_WRITEBACK,
	VM_NR_PAGETABLE,
	VM_NR_STACK,
	VM_NR_SLAB_RECLAIMABLE,
	VM_NR_SLAB_UNRECLAIMABLE,
	VM_NR_VMALLOC,
	VM_NR_MLOCK,
	VM_NR_SWAPCACHED,
	NR_VM_GAUGES
};

void vm_gauge_add(enum vm_gauge gauge, s64 n);
u64 vm_gauge_read(enum vm_gauge gauge);
