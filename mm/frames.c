/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page frames: a buddy allocator behind per-CPU lists.
 *
 * A zone keeps free blocks of 2^order pages, aligned to their size, on one list per order; freeing
 * a block merges it with its buddy (the block that differs in bit `order` of the frame number) as
 * far up as that is free too.  PG_buddy and page->order of the first page say that a block is free.
 *
 * Single pages, nearly all requests, come from a short list that each CPU has for itself, used with
 * interrupts off and no lock; the zones see them in batches.
 *
 * Three watermarks per zone: below `low` kswapd is woken, below `min` only those may allocate who
 * free memory or cannot wait, and ordinary requests reclaim first.
 */
#include <kernel/debug/assert.h>
#include <kernel/debug/fault_inject.h>
#include <kernel/debug/kasan.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <mm/alloc_scope.h>
#include "mm_internal.h"

struct zone zones[NR_ZONES];

/* Pages ready for this CPU, linked by client[0]. */
struct page_list {
	struct page *head;
	u32 count;
};
static DEFINE_PER_CPU(struct page_list, page_lists);

#define RUN_ORDER_MAX 5u /* of pages that are asked for together */

static u32 list_batch = 8, list_high = 24;

static struct zone *page_zone(const struct page *p)
{
	return &zones[page_to_pfn(p) < ZONE_DMA32_LIMIT ? ZONE_DMA32 : ZONE_NORMAL];
}

/* --- buddy; the zone's lock held ------------------------------------------------------------- */

static void block_push(struct zone *z, struct page *p, unsigned order)
{
	p->order = order;
	p->flags = 1u << PG_buddy;
	list_push_front(&z->lists[order], &p->buddy);
	WRITE_ONCE(z->nr[order], z->nr[order] + 1);
}

static void block_remove(struct zone *z, struct page *p, unsigned order)
{
	p->flags = 0;
	list_unlink_(&p->buddy);
	WRITE_ONCE(z->nr[order], z->nr[order] - 1);
}

static void buddy_free(struct zone *z, struct page *p, unsigned order)
{
	pfn_t pfn = page_to_pfn(p);

	WRITE_ONCE(z->free, z->free + (1ull << order));
	while (order < MAX_ORDER) {
		struct page *other = pfn_to_page(pfn ^ (1ull << order));

		if (!(READ_ONCE(other->flags) & 1u << PG_buddy) || other->order != order)
			break;
		block_remove(z, other, order);
		pfn &= ~(1ull << order);
		order++;
	}
	block_push(z, pfn_to_page(pfn), order);
}

static struct page *buddy_alloc(struct zone *z, unsigned order)
{
	for (unsigned o = order; o <= MAX_ORDER; o++) {
		if (!z->nr[o])
			continue;

		struct page *p = list_first(&z->lists[o], struct page, buddy);

		block_remove(z, p, o);
		while (o > order) {
			o--;
			block_push(z, p + (1u << o), o);
		}
		WRITE_ONCE(z->free, z->free - (1ull << order));
		return p;
	}
	return NULL;
}

/* --- lists ------------------------------------------------------------------------------------ */

static void list_drain(struct page_list *l, u32 keep)
{
	struct zone *locked = NULL;

	vm_event_add(VM_PGFREE, l->count - keep);
	while (l->count > keep) {
		struct page *p = l->head;
		struct zone *z = page_zone(p);

		if (z != locked) {
			if (locked)
				spin_unlock(&locked->lock);
			spin_lock(&z->lock);
			locked = z;
		}
		l->head = p->client[0];
		WRITE_ONCE(l->count, l->count - 1);
		buddy_free(z, p, 0);
	}
	if (locked)
		spin_unlock(&locked->lock);
}

void frames_drain_local(void)
{
	irqflags_t f = arch_irq_save();

	list_drain(&this_cpu(page_lists), 0);
	arch_irq_restore(f);
}

static void drain_here(void *unused)
{
	frames_drain_local();
}

void frames_drain_all(void)
{
	smp_call_all(drain_here, NULL, true);
}

/* How far below its marks this request may take a zone. */
static u64 zone_floor(const struct zone *z, gfp_t gfp, bool low)
{
	u64 min = READ_ONCE(z->min);

	if (low)
		return READ_ONCE(z->low);
	if (gfp & __GFP_HIGH)
		return min / 2;
	return min;
}

static bool zone_usable(const struct zone *z, gfp_t gfp, unsigned order, bool low)
{
	return READ_ONCE(z->free) >= zone_floor(z, gfp, low) + (1ull << order);
}

/* Interrupts off.  One page for the caller, and a batch onto the list of this CPU. */
static struct page *list_refill(struct zone *z, struct page_list *l)
{
	guard_spin(&z->lock);

	struct page *first = buddy_alloc(z, 0);

	for (u32 i = 1; first && i < list_batch; i++) {
		struct page *p = buddy_alloc(z, 0);

		if (!p)
			break;
		p->client[0] = l->head;
		l->head = p;
		WRITE_ONCE(l->count, l->count + 1);
	}
	return first;
}

static struct page *zone_take(struct zone *z, gfp_t gfp, unsigned order)
{
	struct page *p;
	irqflags_t f = arch_irq_save();

	if (!order && !(gfp & __GFP_DMA32)) {
		p = list_refill(z, &this_cpu(page_lists));
	} else {
		spin_lock(&z->lock);
		p = buddy_alloc(z, order);
		spin_unlock(&z->lock);
	}
	arch_irq_restore(f);
	if (p)
		vm_event_add(VM_PGALLOC, order ? 1ull << order : list_batch);
	return p;
}

static struct page *zones_try(gfp_t gfp, unsigned order, bool low)
{
	for (int i = gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL; i >= 0; i--) {
		if (!zone_usable(&zones[i], gfp, order, low))
			continue;

		struct page *p = zone_take(&zones[i], gfp, order);

		if (p)
			return p;
	}
	return NULL;
}

static __noinline struct page *pages_alloc_slow(gfp_t gfp, unsigned order)
{
	struct page *p = zones_try(gfp, order, true);
	bool thread = !in_interrupt(),
	     dying = thread && thread_flag_test(thread_current(), THREAD_KILLED);
	bool reclaiming = thread && thread_current()->alloc_flags & ALLOC_RECLAIMING;

	if (likely(p))
		return p;
	reclaim_wake();
	/*
	 * The sooner a killed thread is through, the sooner its memory is free.  Reclaim gives back
	 * more than it takes: without the reserve it could not even note where a page went in swap.
	 */
	if (dying || reclaiming)
		gfp |= __GFP_HIGH | __GFP_NOWARN;
	p = zones_try(gfp, order, false);

	for (unsigned attempt = 0; !p && (gfp & __GFP_SLEEP); attempt++) {
		if (!reclaim_for_alloc(gfp, order, &attempt))
			break;
		p = zones_try(gfp, order, false);
	}
	/* The dying and the reclaimers may have the last page. */
	if (!p && (gfp & __GFP_HIGH) && !order)
		p = zone_take(&zones[ZONE_DMA32], gfp | __GFP_DMA32, 0);
	if (!p && !(gfp & __GFP_NOWARN))
		log_once(LOG_WARN, "mm: out of memory: order %u, gfp %#x\n", order, gfp);
	return p;
}

static __always_inline struct page *list_take(void)
{
	irqflags_t f = arch_irq_save();
	struct page_list *l = &this_cpu(page_lists);
	struct page *p = l->head;

	if (likely(p)) {
		l->head = p->client[0];
		WRITE_ONCE(l->count, l->count - 1);
	}
	arch_irq_restore(f);
	return p;
}

/* Each page is the caller's, counted for itself. */
static __always_inline void pages_begin(struct page *p, gfp_t gfp, unsigned order)
{
	for (unsigned i = 0; i < 1u << order; i++) {
		p[i].flags = 0;
		p[i].counts = PAGE_COUNT_REF;
	}
	kasan_unpoison(page_address(p), PAGE_SIZE << order);
	if (gfp & __GFP_ZERO)
		for (unsigned i = 0; i < 1u << order; i++)
			clear_page(page_address(p + i));
}

struct page *pages_alloc(gfp_t gfp, unsigned order)
{
	struct page *p = NULL;

	if (IS_ENABLED(CONFIG_DEBUG)) {
		if (gfp & __GFP_SLEEP)
			assert_may_sleep();
		if (fault_inject(INJECT_ALLOC))
			return NULL;
	}
	if (likely(!order && !(gfp & __GFP_DMA32)))
		p = list_take();
	if (unlikely(!p)) {
		if (order > MAX_ORDER)
			return NULL;
		p = pages_alloc_slow(gfp, order);
		if (!p)
			return NULL;
	}
	pages_begin(p, gfp, order);
	return p;
}

/*
 * Side by side where there are such, without effort: what is read or written together is then fewer
 * pieces for a device.
 */
static unsigned runs_alloc(gfp_t gfp, struct page **out, unsigned n)
{
	unsigned got = 0;

	if (IS_ENABLED(CONFIG_DEBUG) && fault_inject(INJECT_ALLOC))
		return 0;
	while (n - got >= 4 && !(gfp & __GFP_DMA32)) {
		unsigned order = min(63u - clz64(n - got), RUN_ORDER_MAX);
		struct page *p = zones_try(gfp, order, true);

		if (!p)
			break;
		pages_begin(p, gfp, order);
		for (unsigned i = 0; i < 1u << order; i++)
			out[got++] = p + i;
	}
	return got;
}

unsigned pages_alloc_bulk(gfp_t gfp, struct page **out, unsigned n)
{
	unsigned got = runs_alloc(gfp, out, n);

	while (got < n && (out[got] = page_alloc(gfp)))
		got++;
	return got;
}

void page_free(struct page *p, unsigned order)
{
	irqflags_t f;

	if (IS_ENABLED(CONFIG_DEBUG)) {
		VERIFY(!page_test(p, PG_buddy));
		memset(page_address(p), 0x6c, PAGE_SIZE << order);
	}
	kasan_poison(page_address(p), PAGE_SIZE << order, KASAN_PAGE_FREE);
	for (unsigned i = 0; i < 1u << order; i++) {
		p[i].counts = 0;
		p[i].flags = 0;
	}
	f = arch_irq_save();
	if (likely(!order)) {
		struct page_list *l = &this_cpu(page_lists);

		p->client[0] = l->head;
		l->head = p;
		WRITE_ONCE(l->count, l->count + 1);
		if (unlikely(l->count > list_high))
			list_drain(l, list_high - list_batch);
	} else {
		struct zone *z = page_zone(p);

		with_spin(&z->lock) buddy_free(z, p, order);
	}
	arch_irq_restore(f);
}

/* --- setting up and looking ------------------------------------------------------------------ */

void frames_init(void)
{
	static const char *const names[NR_ZONES] = {"DMA32", "Normal"};

	for (unsigned i = 0; i < NR_ZONES; i++) {
		struct zone *z = &zones[i];

		spin_init(&z->lock, RANK_ZONE, "zone");
		z->name = names[i];
		for (unsigned o = 0; o <= MAX_ORDER; o++)
			list_init(&z->lists[o]);
	}
}

void frames_add(pfn_t start, pfn_t end)
{
	while (start < end) {
		struct zone *z = page_zone(pfn_to_page(start));
		unsigned order = 0;

		while (order < MAX_ORDER && !(start & (1ull << order)) &&
		       start + (2ull << order) <= end)
			order++;
		with_spin_irq(&z->lock)
		{
			z->managed += 1ull << order;
			buddy_free(z, pfn_to_page(start), order);
		}
		start += 1ull << order;
	}
}

static u64 square_root(u64 n)
{
	u64 r = 0;

	for (u64 bit = 1ull << 31; bit; bit >>= 1)
		if ((r + bit) * (r + bit) <= n)
			r += bit;
	return r;
}

/* `min_pages` in all zones together; 0: Linux's rule, the root of 16 times the memory in KiB. */
void frames_set_watermarks(u64 min_pages)
{
	u64 managed = frames_managed();

	if (!min_pages)
		min_pages = clamp(square_root(managed * 64), 128ull, 65536ull) / 4;
	for (unsigned i = 0; i < NR_ZONES; i++) {
		struct zone *z = &zones[i];
		u64 share = managed ? min_pages * z->managed / managed : 0;

		WRITE_ONCE(z->min, share);
		WRITE_ONCE(z->low, share + share / 4);
		WRITE_ONCE(z->high, share + share / 2);
	}
	list_batch = (u32)clamp(managed / 2048, 8ull, 32ull);
	list_high = list_batch * 4;
}

u64 frames_free(void)
{
	u64 free = 0;
	unsigned cpu;

	for (unsigned i = 0; i < NR_ZONES; i++)
		free += READ_ONCE(zones[i].free);
	for_each_possible_cpu(cpu) free += READ_ONCE(per_cpu(page_lists, cpu).count);
	return free;
}

u64 frames_managed(void)
{
	return zones[ZONE_DMA32].managed + zones[ZONE_NORMAL].managed;
}

u64 frames_watermark_high(void)
{
	return READ_ONCE(zones[ZONE_DMA32].high) + READ_ONCE(zones[ZONE_NORMAL].high);
}

/* All zones below their low mark. */
bool frames_low(void)
{
	for (unsigned i = 0; i < NR_ZONES; i++)
		if (zones[i].managed && READ_ONCE(zones[i].free) >= READ_ONCE(zones[i].low))
			return false;
	return true;
}
