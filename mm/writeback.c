/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty folios: marking, writing, errors; and removing folios from the cache.
 *
 * PG_dirty says that a folio must be written; the tree's MAPPING_DIRTY mark finds it.  Before a
 * folio is written it is write-protected in every mapping, so that a later store faults and dirties
 * it again.
 *
 * Truncation holds `invalidate` for writing.  The order is: the new size is stored (by the caller),
 * entries are removed, folios leave the tree one by one under their lock, and a folio that was
 * mapped again in between is unmapped once more.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include "mm_internal.h"
#include "reclaim_internal.h"

#define BATCH     16u
#define INDEX_MAX (~0ull >> PAGE_SHIFT)

bool folio_mark_dirty(struct folio *f)
{
	struct mapping *m;

	if (folio_test(f, PG_dirty) || folio_test_and_set(f, PG_dirty))
		return false;
	m = folio_mapping(f);
	if (!m || mapping_test(m, MAPPING_SHMEM))
		return true;
	with_spin_irq(&m->lock)
	{
		if (folio_mapping(f) == m) {
			xa_set_mark(&m->pages, f->page.index, MAPPING_DIRTY);
			vm_gauge_add(VM_NR_DIRTY, 1);
		}
	}
	if (m->ops->dirty_folio)
		m->ops->dirty_folio(m, f);
	return true;
}

bool folio_clear_dirty_for_io(struct folio *f)
{
	struct mapping *m = folio_mapping(f);

	if (!m || !folio_test(f, PG_dirty))
		return false;
	rmap_write_protect(f);
	if (!folio_test_and_clear(f, PG_dirty))
		return false;
	with_spin_irq(&m->lock)
	{
		if (!folio_test(f, PG_dirty))
			xa_clear_mark(&m->pages, f->page.index, MAPPING_DIRTY);
	}
	vm_gauge_add(VM_NR_DIRTY, -1);
	return true;
}

static int write_one(struct mapping *m, struct folio *f, bool sync)
{
	folio_lock(f);
	if (folio_mapping(f) != m)
		goto unlock;
	if (folio_test(f, PG_writeback)) {
		if (!sync)
			goto unlock;
		folio_wait_writeback(f);
	}
	if (!folio_clear_dirty_for_io(f))
		goto unlock;
	return m->ops->writepage(m, f, sync);

unlock:
	folio_unlock(f);
	return 0;
}

int cache_wait_range(struct mapping *m, loff_t first, loff_t last)
{
	u64 index = (u64)first >> PAGE_SHIFT, end = (u64)last >> PAGE_SHIFT;
	struct folio *batch[BATCH];
	unsigned n;

	while (index <= end &&
	       (n = cache_gather_marked(m, &index, end, MAPPING_WRITEBACK, batch, BATCH)) != 0)
		for (unsigned i = 0; i < n; i++) {
			folio_wait_writeback(batch[i]);
			folio_put(batch[i]);
		}
	return atomic_fetch_and(&m->flags, ~(1u << MAPPING_EIO)) >> MAPPING_EIO & 1 ? -EIO
	       : atomic_fetch_and(&m->flags, ~(1u << MAPPING_ENOSPC)) >> MAPPING_ENOSPC & 1
		       ? -ENOSPC
		       : 0;
}

int cache_write_range(struct mapping *m, loff_t first, loff_t last, bool sync)
{
	u64 index = (u64)first >> PAGE_SHIFT, end = (u64)last >> PAGE_SHIFT;
	struct folio *batch[BATCH];
	unsigned n;
	int err = 0, later;

	if (m->ops->writepages) {
		err = m->ops->writepages(m, index, end, sync);
	} else if (m->ops->writepage) {
		while (index <= end && xa_marked(&m->pages, MAPPING_DIRTY) &&
		       (n = cache_gather_marked(m, &index, end, MAPPING_DIRTY, batch, BATCH)) != 0)
			for (unsigned i = 0; i < n; i++) {
				later = write_one(m, batch[i], sync);
				err = err ? err : later;
				folio_put(batch[i]);
			}
	}
	if (!sync)
		return err;
	later = cache_wait_range(m, first, last);
	return err ? err : later;
}

void mapping_set_error(struct mapping *m, int error)
{
	if (!error)
		return;
	mapping_set(m, error == -ENOSPC ? MAPPING_ENOSPC : MAPPING_EIO);
	atomic_inc(&m->error_seq);
}

int mapping_check_error(struct mapping *m, u32 *seen)
{
	u32 now = atomic_load(&m->error_seq);

	if (now == *seen)
		return 0;
	*seen = now;
	return -EIO;
}

/* --- removal ---------------------------------------------------------------------------------- */

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

/* Clear part of one page, if it is here. */
static void clear_part(struct mapping *m, u64 index, size_t from, size_t to)
{
	struct folio *f = cache_find_get(m, index);

	if (!f)
		return;
	folio_lock(f);
	if (folio_mapping(f) == m && folio_test(f, PG_uptodate)) {
		folio_wait_writeback(f);
		memset((char *)folio_address(f) + from, 0, to - from);
		if (m->ops->invalidate_folio)
			m->ops->invalidate_folio(f, from, to);
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
