/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page frames.
 *
 * Every frame of RAM has a struct page in one virtually contiguous array, backed by memory only
 * where there is RAM.  A page in use has a reference count; the last put frees it.  A struct folio
 * is a unit of the page cache or of anonymous memory: one page so far, and code that takes folios
 * says so.
 *
 * One 64-bit word counts two things, so that mapping a page costs one atomic instruction:
 * bits 0-31 references, bits 32-63 page-table entries that map it (each also holds a reference).
 */
#pragma once

#include <arch/types.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/list.h>
#include <mm/alloc.h>

struct mapping;
struct boot_info;
struct slab_cache;
struct mm;

enum page_flag {
	PG_locked,     /* someone is reading it in, truncating it, ... */
	PG_waiters,    /* someone sleeps for PG_locked or PG_writeback */
	PG_uptodate,   /* content is valid */
	PG_dirty,      /* content is newer than on disk */
	PG_writeback,  /* on its way to disk */
	PG_lru,        /* on an LRU list */
	PG_active,     /* on the active one */
	PG_referenced, /* used since reclaim last looked */
	PG_error,      /* last transfer failed */
	PG_swapbacked, /* anonymous or shmem: needs swap to leave memory */
	PG_anon,       /* page->mapping is a struct anon */
	PG_private,    /* page->private belongs to the file system */
	PG_readahead,  /* reaching this page starts the next read-ahead */
	PG_reclaim,    /* free as soon as written */
	PG_mlocked,    /* mapped by a VM_LOCKED area */
	PG_slab,       /* slab memory; kfree finds the cache through it */
	PG_large,      /* head of a large kmalloc */
	PG_table,      /* a page table */
	PG_buddy,      /* free, head of a block of 2^order */
	PG_reserved,   /* never given to the allocator */
	PG_owner_priv, /* for whoever allocated the page */
	PG_swapcache,  /* has a slot of swap, named by page->private */
};

struct page {
	u32 flags;  /* [a] BIT(enum page_flag) */
	u32 order;  /* [b] of a free block, of a large kmalloc or slab */
	u64 counts; /* [a] references and mappings */
	union {
		struct {                 /* page cache and anonymous memory */
			struct list lru; /* [l] */
			void *mapping;   /* [x] struct mapping, or struct anon if PG_anon */
			u64 index;       /* [x] in the mapping, in pages */
			void *private;   /* [x] of the file system; swap slot of anonymous memory */
		};
		struct {                   /* free */
			struct list buddy; /* [b] */
		};
		struct {                          /* slab */
			struct list slab_list;    /* [s] of the cache */
			struct slab_cache *cache; /* [I] */
			void *freelist;           /* [s] */
			u32 inuse;                /* [s] */
			u32 objects;              /* [I] */
		};
		struct {                     /* page table */
			void *rcu[2];        /* deferred freeing */
			struct mm *table_mm; /* [I] owner; NULL for the kernel's */
			u64 table_base;      /* [I] first address it maps */
			u32 table_level;     /* [I] */
		};
		struct { /* the allocator's client's own */
			void *client[5];
		};
	};
	u64 charge; /* [x] memory control group that pays */
}; /* l: LRU shard lock; x: folio lock, mapping lock; b: zone lock; s: cache lock */
static_assert(sizeof(struct page) == 64, "struct page is one cache line");

struct folio {
	struct page page;
};

/* page_array[pfn] is the page of a frame of RAM. */
extern struct page *page_array;
/* One past the last frame of RAM, and the first. */
extern pfn_t pfn_limit, pfn_first;

static __always_inline struct page *pfn_to_page(pfn_t pfn)
{
	return page_array + pfn;
}

static __always_inline pfn_t page_to_pfn(const struct page *p)
{
	return (pfn_t)(p - page_array);
}

static __always_inline paddr_t page_to_phys(const struct page *p)
{
	return (paddr_t)page_to_pfn(p) << PAGE_SHIFT;
}

/* `pa` is RAM. */
static __always_inline struct page *phys_to_page(paddr_t pa)
{
	return page_array + (pa >> PAGE_SHIFT);
}

/* Where the kernel reads and writes the page: its address in the linear map. */
static __always_inline void *page_address(const struct page *p)
{
	return phys_to_virt(page_to_phys(p));
}

/* `va` is an address in the linear map (kmalloc, page_address), not of vmalloc or of the image. */
static __always_inline struct page *virt_to_page(const void *va)
{
	return phys_to_page(virt_to_phys(va));
}

/* Is there a struct page for this frame?  Context: any. */
bool pfn_is_ram(pfn_t pfn);

static __always_inline struct page *folio_page(struct folio *f)
{
	return &f->page;
}

static __always_inline struct folio *page_folio(struct page *p)
{
	return (struct folio *)p;
}

static __always_inline void *folio_address(struct folio *f)
{
	return page_address(&f->page);
}

static __always_inline paddr_t folio_phys(struct folio *f)
{
	return page_to_phys(&f->page);
}

#define folio_size(f) PAGE_SIZE

/* Flags. */
static __always_inline bool page_test(const struct page *p, enum page_flag flag)
{
	return atomic_load(&p->flags) >> flag & 1;
}

static __always_inline void page_set(struct page *p, enum page_flag flag)
{
	atomic_or(&p->flags, 1u << flag);
}

static __always_inline void page_clear(struct page *p, enum page_flag flag)
{
	atomic_and(&p->flags, ~(1u << flag));
}

static __always_inline bool page_test_and_set(struct page *p, enum page_flag flag)
{
	return atomic_fetch_or(&p->flags, 1u << flag) >> flag & 1;
}

static __always_inline bool page_test_and_clear(struct page *p, enum page_flag flag)
{
	return atomic_fetch_and(&p->flags, ~(1u << flag)) >> flag & 1;
}

#define folio_test(f, flag)           page_test(&(f)->page, flag)
#define folio_set(f, flag)            page_set(&(f)->page, flag)
#define folio_clear(f, flag)          page_clear(&(f)->page, flag)
#define folio_test_and_set(f, flag)   page_test_and_set(&(f)->page, flag)
#define folio_test_and_clear(f, flag) page_test_and_clear(&(f)->page, flag)

/*
 * Allocation.
 */

/*
 * 2^order contiguous pages, each with one reference.  NULL when there are none.  Context: by `gfp`.
 */
struct page *pages_alloc(gfp_t gfp, unsigned order) __must_check;

static inline struct page *page_alloc(gfp_t gfp)
{
	return pages_alloc(gfp, 0);
}

static inline struct folio *folio_alloc(gfp_t gfp)
{
	return (struct folio *)pages_alloc(gfp, 0);
}

/*
 * Up to `n` single pages into `out`, quickly or not at all.  Returns how many.  Context: by `gfp`.
 */
unsigned pages_alloc_bulk(gfp_t gfp, struct page **out, unsigned n) __must_check;

/* Give back what pages_alloc gave, regardless of counts: nobody else holds it.  Context: any. */
void page_free(struct page *p, unsigned order);

#define MAX_ORDER 10u /* the largest block is 4 MiB */

/* Counts. */
#define PAGE_COUNT_REF 1ull
#define PAGE_COUNT_MAP ((1ull << 32) + 1) /* a mapping and the reference it holds */

static __always_inline u32 page_refs(const struct page *p)
{
	return (u32)atomic_load(&p->counts);
}

static __always_inline u32 page_mapcount(const struct page *p)
{
	return (u32)(atomic_load(&p->counts) >> 32);
}

static __always_inline void page_get(struct page *p)
{
	atomic_add(&p->counts, PAGE_COUNT_REF);
}

/* For a page found without holding it.  False when it is free, or its count near overflow. */
static __always_inline bool page_get_unless_zero(struct page *p)
{
	u64 old = atomic_load(&p->counts);

	do {
		if (!(u32)old || (s32)old < 0)
			return false;
	} while (!atomic_cmpxchg_acquire(&p->counts, &old, old + PAGE_COUNT_REF));
	return true;
}

/* The last reference went: out of the LRU, and free.  Context: any. */
void page_release(struct page *p);

static __always_inline void page_put(struct page *p)
{
	u64 old = __atomic_fetch_sub(&p->counts, PAGE_COUNT_REF, __ATOMIC_RELEASE);

	if ((u32)old == 1)
		page_release(p);
}

#define folio_get(f)             page_get(&(f)->page)
#define folio_put(f)             page_put(&(f)->page)
#define folio_get_unless_zero(f) page_get_unless_zero(&(f)->page)
#define folio_refs(f)            page_refs(&(f)->page)
#define folio_mapcount(f)        page_mapcount(&(f)->page)
#define folio_mapped(f)          (page_mapcount(&(f)->page) != 0)

/*
 * The folio lock serialises filling, truncating and writing back one folio.
 */
void folio_lock_slow(struct folio *f);
int folio_lock_killable_slow(struct folio *f) __must_check;
void folio_wake(struct folio *f);

static __always_inline bool folio_trylock(struct folio *f)
{
	return !folio_test_and_set(f, PG_locked);
}

/* Context: may sleep. */
static __always_inline void folio_lock(struct folio *f)
{
	if (!folio_trylock(f))
		folio_lock_slow(f);
}

/* Returns 0, or -EINTR when the thread is being killed. */
static __always_inline __must_check int folio_lock_killable(struct folio *f)
{
	return folio_trylock(f) ? 0 : folio_lock_killable_slow(f);
}

/* Context: any. */
static __always_inline void folio_unlock(struct folio *f)
{
	u32 old = atomic_fetch_and(&f->page.flags, ~(1u << PG_locked));

	if (unlikely(old >> PG_waiters & 1))
		folio_wake(f);
}

/* Sleep until nobody holds the lock, or until the content reached the disk. */
void folio_wait_locked(struct folio *f);
void folio_wait_writeback(struct folio *f);
/*
 * Around a transfer to disk.  start: under the folio lock; also moves the mapping's mark.  end: any
 * context.
 */
void folio_start_writeback(struct folio *f);
void folio_end_writeback(struct folio *f);

/*
 * Boot.  The order is: mm_init_boot, mm_init; memory_free_boot when the range is done with;
 * mm_free_init.
 */

/*
 * The boot allocator, the page array, the kernel's final page tables, and all free memory in the
 * buddy allocator; kmalloc works afterwards.  Context: boot CPU, once, interrupts off.
 */
void mm_init_boot(const struct boot_info *info);

/* vmalloc, caches, mm's own objects.  Context: boot CPU, once; RCU and locks work. */
void mm_init(void);

/* Threads of mm: reclaim.  Context: scheduler works. */
void mm_init_late(void);

/*
 * Memory that held boot data (initrd, device tree, ...) becomes ordinary free memory.  Whole pages
 * only.
 */
void memory_free_boot(paddr_t start, paddr_t end);

/*
 * What is marked __initbss, and the rest of that part of the image (kernel/lib/sections.h), becomes
 * free memory.  Context: once, may sleep; every processor that was started is up.
 */
void mm_free_init(void);

/*
 * Before mm_init_boot is over: memory for ever.  Never fails (panics).  Cleared.  Context: boot
 * CPU.
 */
void *boot_alloc(size_t size, size_t align);
