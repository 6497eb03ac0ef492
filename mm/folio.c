/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a page in use: last reference, lock, writeback.
 *
 * Sleepers wait on a queue chosen by hash of the page, with PG_waiters set; whoever clears the bit
 * they wait for wakes the queue when it finds PG_waiters set.  A sleeper sets it again before each
 * test, so clearing it before waking loses nobody:
 *
 *	sleeper				holder
 *	set PG_waiters
 *	test PG_locked: set
 *					clear PG_locked, read flags: PG_waiters
 *	sleep				clear PG_waiters, wake the queue
 */
#include <kernel/lib/hash.h>
#include <kernel/sync/waitqueue.h>
#include "mm_internal.h"

#define FOLIO_QUEUES 64

static struct wait_queue folio_queues[FOLIO_QUEUES];

void folio_wait_init(void)
{
	for (unsigned i = 0; i < FOLIO_QUEUES; i++)
		wait_queue_init(&folio_queues[i]);
}

static struct wait_queue *folio_queue(const struct folio *f)
{
	return &folio_queues[hash64(page_to_pfn(&f->page), 6)];
}

void page_release(struct page *p)
{
	u32 flags = atomic_load(&p->flags);

	if (unlikely(flags & (1u << PG_lru | 1u << PG_table))) {
		if (flags & 1u << PG_table) {
			upt_table_release(p);
			return;
		}
		lru_remove(page_folio(p));
	}
	page_free(p, 0);
}

static bool lock_attempt(struct folio *f)
{
	folio_set(f, PG_waiters);
	return folio_trylock(f);
}

void folio_lock_slow(struct folio *f)
{
	wait_event(folio_queue(f), lock_attempt(f));
}

int folio_lock_killable_slow(struct folio *f)
{
	return wait_event_killable(folio_queue(f), lock_attempt(f)) ? -EINTR : 0;
}

void folio_wake(struct folio *f)
{
	folio_clear(f, PG_waiters);
	smp_mb();
	wake_up_all(folio_queue(f));
}

static bool flag_is_clear(struct folio *f, enum page_flag flag)
{
	if (!folio_test(f, flag))
		return true;
	folio_set(f, PG_waiters);
	smp_mb();
	return !folio_test(f, flag);
}

void folio_wait_locked(struct folio *f)
{
	if (folio_test(f, PG_locked))
		wait_event(folio_queue(f), flag_is_clear(f, PG_locked));
}

void folio_wait_writeback(struct folio *f)
{
	if (folio_test(f, PG_writeback))
		wait_event(folio_queue(f), flag_is_clear(f, PG_writeback));
}
