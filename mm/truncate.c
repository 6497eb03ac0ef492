/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removing folios from the cache: truncation, holes, invalidation.
 *
 * Truncation holds `invalidate` for writing.  The order is: the new size is stored (by the caller),
 * entries are removed, folios leave the tree one by one under their lock, and a folio that was
 * mapped again in between is unmapped once more.  A folio on its way to the disk is waited for
 * first, so that its blocks can be given to another file afterwards.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include "mm_internal.h"
#include "reclaim_internal.h"

#define BATCH     16u
#define INDEX_MAX (~0ull >> PAGE_SHIFT)

/*
 * Take a locked folio out, mapped or not, dirty or not.  The lookup's reference stays the caller's.
 */
static void folio_drop(struct mapping *m, struct folio *f)
{
	if (folio_mapped(f))
		mapping_unmap(m, f->page.index, f->page.index, true);
	if (m->ops->invalidate_folio)
		m->ops->invalidate_folio(f, 0, PAGE_SIZE);
	cache_remove(m, f);
	if (folio_test(f, PG_lru))
		lru_remove(f);
	if (m->ops->free_folio)
		m->ops->free_folio(m, f);
	folio_put(f);
}

static void drop_range(struct mapping *m, u64 first, u64 last)
{
	struct folio *batch[BATCH];
	u64 index = first;
	unsigned n;

	while (index <= last && (n = cache_gather(m, &index, last, batch, BATCH)) != 0) {
		for (unsigned i = 0; i < n; i++) {
			struct folio *f = batch[i];

			folio_lock(f);
			folio_wait_writeback(f);
			if (folio_mapping(f) == m)
				folio_drop(m, f);
			folio_unlock(f);
			folio_put(f);
		}
		cond_resched();
		if (!index)
			break;
	}
}

/*
 * Clear part of one page, if it is here.  Where pages go to a disk the owner has seen to the disk's
 * copy before (or there is none): nothing becomes dirty that has no place.
 */
static void clear_part(struct mapping *m, u64 index, size_t from, size_t to)
{
	struct folio *f = cache_find_get(m, index);

	if (!f)
		return;
	folio_lock(f);
	if (folio_mapping(f) == m) {
		folio_wait_writeback(f);
		memset((char *)folio_address(f) + from, 0, to - from);
		if (m->ops->invalidate_folio)
			m->ops->invalidate_folio(f, from, to);
		if (!m->ops->writepage && !m->ops->writepages)
			folio_mark_dirty(f);
	}
	folio_unlock(f);
	folio_put(f);
}

void cache_truncate(struct mapping *m, loff_t size)
{
	u64 first = ((u64)size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	size_t tail = (size_t)size & (PAGE_SIZE - 1);

	if (!READ_ONCE(m->nr_pages) && rb_empty(&m->i_mmap))
		return;
	guard_write(&m->invalidate);
	mapping_unmap(m, first, INDEX_MAX, true);
	if (tail)
		clear_part(m, (u64)size >> PAGE_SHIFT, tail, PAGE_SIZE);
	drop_range(m, first, INDEX_MAX);
}

void cache_punch(struct mapping *m, loff_t first, loff_t last)
{
	u64 end = (u64)last + 1;
	u64 lo = ((u64)first + PAGE_SIZE - 1) >> PAGE_SHIFT, hi = end >> PAGE_SHIFT;

	guard_write(&m->invalidate);
	if ((u64)first >> PAGE_SHIFT == end >> PAGE_SHIFT) {
		clear_part(m, (u64)first >> PAGE_SHIFT, (u64)first & (PAGE_SIZE - 1),
			   end & (PAGE_SIZE - 1));
		return;
	}
	if ((u64)first & (PAGE_SIZE - 1))
		clear_part(m, (u64)first >> PAGE_SHIFT, (u64)first & (PAGE_SIZE - 1), PAGE_SIZE);
	if (end & (PAGE_SIZE - 1))
		clear_part(m, end >> PAGE_SHIFT, 0, end & (PAGE_SIZE - 1));
	if (lo < hi) {
		mapping_unmap(m, lo, hi - 1, false);
		drop_range(m, lo, hi - 1);
	}
}

/* Free a clean folio that nobody uses: the reclaim way, under its lock. */
static bool drop_if_clean(struct mapping *m, struct folio *f)
{
	bool gone = false;

	if (!folio_trylock(f))
		return false;
	if (folio_mapping(f) == m && !folio_test(f, PG_dirty) && !folio_test(f, PG_writeback) &&
	    !folio_mapped(f) &&
	    (!folio_test(f, PG_private) ||
	     (m->ops->release_folio && m->ops->release_folio(f, GFP_KERNEL)))) {
		with_spin_irq(&m->lock)
		{
			if (folio_refs(f) == 2 && !folio_test(f, PG_dirty)) {
				cache_forget_locked(m, f);
				gone = true;
			}
		}
	}
	folio_unlock(f);
	if (gone) {
		if (m->ops->free_folio)
			m->ops->free_folio(m, f);
		folio_put(f);
	}
	return gone;
}

u64 cache_drop_clean(struct mapping *m, u64 first, u64 last)
{
	struct folio *batch[BATCH];
	u64 index = first, dropped = 0;
	unsigned n;

	if (mapping_test(m, MAPPING_SHMEM) || mapping_test(m, MAPPING_UNEVICTABLE))
		return 0;
	while (index <= last && (n = cache_gather(m, &index, last, batch, BATCH)) != 0) {
		for (unsigned i = 0; i < n; i++) {
			dropped += drop_if_clean(m, batch[i]);
			folio_put(batch[i]);
		}
		cond_resched();
		if (!index)
			break;
	}
	return dropped;
}

int cache_invalidate_range(struct mapping *m, loff_t first, loff_t last)
{
	u64 lo = (u64)first >> PAGE_SHIFT, hi = (u64)last >> PAGE_SHIFT, index = lo;
	int err = cache_write_range(m, first, last, true);

	if (err)
		return err;
	guard_write(&m->invalidate);
	mapping_unmap(m, lo, hi, false);
	cache_drop_clean(m, lo, hi);
	rcu_read_lock();
	err = xa_find(&m->pages, &index, hi) ? -EBUSY : 0;
	rcu_read_unlock();
	return err;
}

void mapping_fini(struct mapping *m)
{
	mapping_set(m, MAPPING_EXITING);
	if (m->nr_pages)
		drop_range(m, 0, INDEX_MAX);
	with_spin_irq(&m->lock) xa_destroy(&m->pages);
}
