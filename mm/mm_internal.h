/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of mm tell each other. */
#pragma once

#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>
#include <mm/mapping.h>
#include <mm/page.h>
#include <mm/pagetable.h>
#include <mm/space.h>
#include <mm/stat.h>
#include <mm/tlb.h>

struct iov_iter;

/* --- boot.c ---------------------------------------------------------------------------------- */

struct frame_range {
	pfn_t start, end;
};

extern u64 ram_total_pages; /* with a struct page */
/* Bounds of the range that vmalloc hands out. */
extern vaddr_t vmalloc_start, vmalloc_limit;

/* --- frames.c -------------------------------------------------------------------------------- */

enum { ZONE_DMA32, ZONE_NORMAL, NR_ZONES };
#define ZONE_DMA32_LIMIT (1ull << (32 - PAGE_SHIFT))

struct zone {
	struct spinlock lock;
	const char *name;                 /* [I] */
	u64 managed;                      /* [z] */
	u64 free;                         /* [z, read anywhere] */
	struct list lists[MAX_ORDER + 1]; /* [z] */
	u64 nr[MAX_ORDER + 1];            /* [z] */
	u64 min, low, high;               /* [a] watermarks */
};                                        /* z: lock, interrupts off */

extern struct zone zones[NR_ZONES];

void frames_init(void);
/* Frames join the allocator. */
void frames_add(pfn_t start, pfn_t end);
void frames_set_watermarks(u64 min_pages);
u64 frames_free(void);
u64 frames_managed(void);
u64 frames_watermark_high(void);
/* Empty this CPU's page list; all CPUs' through IPIs. */
void frames_drain_local(void);
void frames_drain_all(void);
bool frames_low(void);

/* --- slab.c ---------------------------------------------------------------------------------- */

void slab_init(void);
/* Give back empty slabs.  Returns pages freed. */
u64 slab_shrink_all(void);

/* --- reclaim.c ------------------------------------------------------------------------------- */

void reclaim_wake(void);
/*
 * An allocation failed: find memory.  The caller counts attempts from 0; the count is set back
 * while pages are on their way to swap, as then there is no reason to give up.  False: give up.
 */
bool reclaim_for_alloc(gfp_t gfp, unsigned order, unsigned *attempt);
void reclaim_init(void);
/* Take a folio whose count is frozen (or that is locked) out of the tree.  Locks: m->lock held. */
void cache_forget_locked(struct mapping *m, struct folio *f);
void reclaim_start(void);

/* LRU of page-cache folios. */
void lru_add(struct folio *f);
void lru_add_batch(struct folio **folios, unsigned n);
void lru_remove(struct folio *f);
/* Next to be looked at by reclaim, if it is on a list.  Context: any. */
void lru_rotate(struct folio *f);
u64 lru_size(bool active);
u64 lru_drop_all(void);

/* --- writeback.c, dirty.c --------------------------------------------------------------------- */

/* The folio leaves its mapping with whatever is dirty in it.  Locks: m->lock. */
void folio_forget_dirty_locked(struct mapping *m, struct folio *f);
/* Folios became dirty; transfers ended.  Context: any. */
void dirty_count(u64 n);
void writeback_progress(u64 n);
/* Ask the flushers for `pages`; 0: what the limits say. */
void writeback_wake(u64 pages);
/* Is anything dirty or on its way?  Wait until some of it is written, a few ms at most. */
bool dirty_pending(void);
void dirty_wait_progress(void);
/* As reclaim_balance_dirty, from a fault: one pause at most. */
void dirty_balance_fault(void);

/* --- vmalloc.c ------------------------------------------------------------------------------- */

void vmalloc_init(void);

/* --- usertable.c ------------------------------------------------------------------------------ */

/* The last reference to a page table went; all its entries are empty. */
void upt_table_release(struct page *p);

/* --- commit.c -------------------------------------------------------------------------------- */

void vm_commit_stat(u64 *committed, u64 *limit);

/* --- folio.c, cache.c, space.c --------------------------------------------------------------- */

void folio_wait_init(void);
void cache_init(void);
/*
 * Copy into a locked folio without faulting: what is copied may be this very folio, mapped.  Returns
 * bytes: fewer than `n` where the source must be faulted in first.
 */
size_t folio_copy_in(struct folio *f, size_t offset, size_t n, struct iov_iter *from);
/* `n` folios joined or (negative) left a mapping.  Context: any. */
void cache_count(struct mapping *m, s64 n);
void space_init(void);
void vma_init(void);
void anon_init(void);
void shmem_init_caches(void);
