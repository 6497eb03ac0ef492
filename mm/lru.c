/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of page-cache folios by recency, for reclaim.
 *
 * Two lists, as a clock with a second hand: a folio enters the inactive list; use only sets
 * PG_referenced.  Reclaim looks at the inactive tail, moves what was used to the active list and
 * frees the rest; when the inactive list is short, the active tail moves over.
 *
 * The lists are split into shards by frame number, each with its own lock, so that processors
 * filling the cache rarely meet; the lists hold no reference, and the last put of a folio takes it
 * off. Anonymous memory is on no list: without swap it cannot be reclaimed.
 */
#include <kernel/lib/minmax.h>
#include "mm_internal.h"
#include "reclaim_internal.h"

#define LRU_SHARDS 8

struct lru_shard {
	struct spinlock lock; /* l, interrupts off */
	struct list list[2];  /* [l] inactive, active; newest first */
	u64 nr[2];            /* [l] */
} __aligned(CACHE_LINE);

static struct lru_shard shards[LRU_SHARDS];

static struct lru_shard *shard_of(const struct folio *f)
{
	/* Neighbours share a shard: files are filled in runs. */
	return &shards[page_to_pfn(&f->page) >> 5 & (LRU_SHARDS - 1)];
}

void lru_init(void)
{
	for (unsigned i = 0; i < LRU_SHARDS; i++) {
		spin_init(&shards[i].lock, RANK_LRU, "lru");
		list_init(&shards[i].list[0]);
		list_init(&shards[i].list[1]);
	}
}

static void lru_link(struct lru_shard *s, struct folio *f, bool active)
{
	list_push_front(&s->list[active], &f->page.lru);
	WRITE_ONCE(s->nr[active], s->nr[active] + 1);
	atomic_or(&f->page.flags, 1u << PG_lru | (u32)active << PG_active);
}

static void lru_unlink(struct lru_shard *s, struct folio *f)
{
	bool active = folio_test(f, PG_active);

	list_unlink_(&f->page.lru);
	WRITE_ONCE(s->nr[active], s->nr[active] - 1);
	atomic_and(&f->page.flags, ~(1u << PG_lru | 1u << PG_active));
}

void lru_add(struct folio *f)
{
	struct lru_shard *s = shard_of(f);

	guard_spin_irq(&s->lock);
	lru_link(s, f, false);
}

void lru_add_batch(struct folio **folios, unsigned n)
{
	for (unsigned i = 0; i < n;) {
		struct lru_shard *s = shard_of(folios[i]);

		guard_spin_irq(&s->lock);
		do
			lru_link(s, folios[i], false);
		while (++i < n && shard_of(folios[i]) == s);
	}
}

void lru_add_active(struct folio *f)
{
	struct lru_shard *s = shard_of(f);

	guard_spin_irq(&s->lock);
	lru_link(s, f, true);
}

void lru_remove(struct folio *f)
{
	struct lru_shard *s = shard_of(f);

	guard_spin_irq(&s->lock);
	if (folio_test(f, PG_lru))
		lru_unlink(s, f);
}

void lru_rotate(struct folio *f)
{
	struct lru_shard *s = shard_of(f);

	guard_spin_irq(&s->lock);
	if (folio_test(f, PG_lru) && !folio_test(f, PG_active))
		list_move_back(&s->list[0], &f->page.lru);
}

u64 lru_size(bool active)
{
	u64 n = 0;

	for (unsigned i = 0; i < LRU_SHARDS; i++)
		n += READ_ONCE(shards[i].nr[active]);
	return n;
}

/*
 * Take up to `n` folios off the tail of a list, each with a reference.  Folios being freed are
 * passed over.
 */
static unsigned shard_isolate(struct lru_shard *s, bool active, struct folio **out, unsigned n)
{
	unsigned got = 0;
	struct page *p, *before;

	guard_spin_irq(&s->lock);
	list_for_each_reverse_safe(p, before, &s->list[active], lru)
	{
		if (got == n)
			break;
		if (!page_get_unless_zero(p))
			continue;
		lru_unlink(s, page_folio(p));
		out[got++] = page_folio(p);
	}
	return got;
}

unsigned lru_isolate(bool active, struct folio **out, unsigned n)
{
	static u32 hand;
	unsigned got = 0;

	for (unsigned i = 0; i < LRU_SHARDS && got < n; i++) {
		struct lru_shard *s = &shards[(u32)atomic_add_return(&hand, 1) % LRU_SHARDS];

		if (READ_ONCE(s->nr[active]))
			got += shard_isolate(s, active, out + got, n - got);
	}
	return got;
}

void lru_putback(struct folio *f, bool active)
{
	if (active)
		lru_add_active(f);
	else
		lru_add(f);
	folio_put(f);
}
