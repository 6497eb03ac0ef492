/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dirty folios: marking, finding, writing, errors.
 *
 * PG_dirty says that a folio must be written.  It changes together with the counters under the
 * mapping's lock; the tree's marks, which find the folios, follow with some slack in one direction:
 * a mark may be there without the flag, never the flag without a mark.
 *
 *	folio_mark_dirty		PG_dirty, DIRTY
 *	folio_clear_dirty_for_io	-PG_dirty	under the folio lock, entries write-protected
 *	folio_start_writeback		PG_writeback, WRITEBACK, -DIRTY unless dirty again, -TOWRITE
 *	folio_end_writeback		-WRITEBACK, -PG_writeback
 *
 * So from the store into the page until the transfer ends the folio always has DIRTY or WRITEBACK:
 * a sync that looks for first the one, then the other misses nothing.  A folio found marked but
 * clean (its writer gave up: it lies beyond the end) loses its marks then.
 *
 * Before a folio is written it is write-protected in every mapping, so that a later store faults
 * and dirties it again.
 *
 * A sync marks what is dirty when it begins with TOWRITE and writes that: a program that keeps
 * dirtying folios cannot hold it up.
 *
 * The fast paths that find PG_dirty set do nothing.  Whoever changes content without the folio lock
 * must have made the change before the entry it was made through is removed or write-protected;
 * the writer protects the entries, then clears the flag, then reads the content.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/errseq.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include "mm_internal.h"
#include "reclaim_internal.h"

#define BATCH ARRAY_SIZE(((struct writeback_walk *)0)->batch)
/* Indices whose marks are copied in one hold of the lock. */
#define TAG_SPAN (1u << 16)

/* --- marks ------------------------------------------------------------------------------------ */

/* Memory that goes nowhere is dirty without anybody counting. */
static bool writes_back(const struct mapping *m)
{
	const struct mapping_ops *ops = READ_ONCE(m->ops);

	return (ops->writepage || ops->writepages) && !mapping_test(m, MAPPING_SHMEM);
}

static bool mark_dirty_counted(struct mapping *m, struct folio *f)
{
	guard_spin_irq(&m->lock);
	if (folio_mapping(f) != m || folio_test_and_set(f, PG_dirty))
		return false;
	xa_set_mark(&m->pages, f->page.index, MAPPING_DIRTY);
	dirty_count(1);
	return true;
}

bool folio_mark_dirty(struct folio *f)
{
	struct mapping *m;

	if (folio_test(f, PG_dirty))
		return false;
	m = folio_mapping(f);
	if (!m || !writes_back(m))
		return !folio_test_and_set(f, PG_dirty);
	if (!mark_dirty_counted(m, f))
		return false;
	if (m->ops->dirty_folio)
		m->ops->dirty_folio(m, f);
	return true;
}

void folio_forget_dirty_locked(struct mapping *m, struct folio *f)
{
	assert_held(&m->lock);
	if (folio_test_and_clear(f, PG_dirty) && writes_back(m))
		vm_gauge_add(VM_NR_DIRTY, -1);
}

bool folio_clear_dirty_for_io(struct folio *f)
{
	struct mapping *m = folio_mapping(f);
	bool was;

	if (!m || !folio_test(f, PG_dirty))
		return false;
	rmap_write_protect(f);
	with_spin_irq(&m->lock)
	{
		was = folio_test_and_clear(f, PG_dirty);
		if (was && writes_back(m))
			vm_gauge_add(VM_NR_DIRTY, -1);
	}
	return was;
}

void folio_redirty(struct folio *f)
{
	struct mapping *m = folio_mapping(f);

	if (m && writes_back(m))
		mark_dirty_counted(m, f);
	else
		folio_set(f, PG_dirty);
}

void folio_start_writeback(struct folio *f)
{
	struct mapping *m = folio_mapping(f);

	vm_gauge_add(VM_NR_WRITEBACK, 1);
	if (!m) {
		folio_set(f, PG_writeback);
		return;
	}
	guard_spin_irq(&m->lock);
	folio_set(f, PG_writeback);
	xa_set_mark(&m->pages, f->page.index, MAPPING_WRITEBACK);
	xa_clear_mark(&m->pages, f->page.index, MAPPING_TOWRITE);
	if (!folio_test(f, PG_dirty))
		xa_clear_mark(&m->pages, f->page.index, MAPPING_DIRTY);
}

void folio_end_writeback(struct folio *f)
{
	struct mapping *m = folio_mapping(f);
	u32 old;

	folio_get(f);
	/* The mapping waits for us as long as the flag is set: it goes last. */
	if (m)
		with_spin_irq(&m->lock)
			xa_clear_mark(&m->pages, f->page.index, MAPPING_WRITEBACK);
	vm_gauge_add(VM_NR_WRITEBACK, -1);
	vm_event_add(VM_NR_WRITTEN, 1);
	writeback_progress(1);
	old = atomic_fetch_and(&f->page.flags, ~(1u << PG_writeback | 1u << PG_reclaim));
	if (old >> PG_waiters & 1)
		folio_wake(f);
	if (old >> PG_reclaim & 1)
		lru_rotate(f);
	folio_put(f);
}

/* --- errors ----------------------------------------------------------------------------------- */

void mapping_set_error(struct mapping *m, int error)
{
	if (!error)
		return;
	errseq_set(&m->error_seq, error);
	if (m->owner_error_seq)
		errseq_set(m->owner_error_seq, error);
	mapping_set(m, error == -ENOSPC ? MAPPING_ENOSPC : MAPPING_EIO);
}

/* What happened since the last wait, for those who keep no sequence of their own. */
static int mapping_take_error(struct mapping *m)
{
	u32 bits = 1u << MAPPING_EIO | 1u << MAPPING_ENOSPC, old;

	if (likely(!(atomic_load(&m->flags) & bits)))
		return 0;
	old = atomic_fetch_and(&m->flags, ~bits);
	if (old >> MAPPING_EIO & 1)
		return -EIO;
	return old >> MAPPING_ENOSPC & 1 ? -ENOSPC : 0;
}

int mapping_check_error(struct mapping *m, u32 *seen)
{
	int err = errseq_tell(&m->error_seq, seen);

	if (unlikely(err))
		(void)mapping_take_error(m);
	return err;
}

/* --- walking ---------------------------------------------------------------------------------- */

/* Everything dirty now in the range is to be written. */
static void mark_to_write(struct mapping *m, u64 first, u64 last)
{
	while (first <= last && xa_marked(&m->pages, MAPPING_DIRTY)) {
		u64 stop = min(last, first | (TAG_SPAN - 1));

		with_spin_irq(&m->lock)
		{
			xa_copy_marks(&m->pages, first, stop, MAPPING_DIRTY, MAPPING_TOWRITE);
			/* Nothing more behind: do not step through an empty range. */
			first = stop + 1;
			if (first <= last &&
			    !xa_find_marked(&m->pages, &first, last, MAPPING_DIRTY))
				first = last + 1;
		}
		cond_resched();
	}
}

void writeback_walk_init(struct writeback_walk *w, struct mapping *m, writepages_fn writepages,
			 u64 first, u64 last, bool sync)
{
	w->mapping = m;
	w->writepages = writepages;
	w->index = first;
	w->last = min(last, U64_MAX - 1);
	w->sync = sync;
	w->mark = sync ? MAPPING_TOWRITE : MAPPING_DIRTY;
	w->nr = w->next = 0;
	w->folio = NULL;
	w->before_wait = NULL;
	if (sync)
		mark_to_write(m, first, w->last);
}

/* Locked: it has nothing to write.  If nobody dirtied it meanwhile its marks are old. */
static void drop_old_marks(struct mapping *m, struct folio *f)
{
	guard_spin_irq(&m->lock);
	if (folio_mapping(f) != m)
		return;
	xa_clear_mark(&m->pages, f->page.index, MAPPING_TOWRITE);
	if (!folio_test(f, PG_dirty))
		xa_clear_mark(&m->pages, f->page.index, MAPPING_DIRTY);
}

/* Is it still the caller who writes this object?  Stays so while a folio of it is locked. */
static bool walk_is_ours(const struct writeback_walk *w)
{
	return likely(READ_ONCE(w->mapping->ops)->writepages == w->writepages);
}

/* Is the locked folio to be written now?  Its dirty flag is then clear. */
static bool walk_take(struct writeback_walk *w, struct folio *f)
{
	if (folio_mapping(f) != w->mapping || !walk_is_ours(w))
		return false;
	if (folio_test(f, PG_writeback)) {
		if (!w->sync)
			return false;
		if (w->before_wait)
			w->before_wait(w);
		folio_wait_writeback(f);
	}
	if (folio_clear_dirty_for_io(f))
		return true;
	drop_old_marks(w->mapping, f);
	return false;
}

static bool walk_fill(struct writeback_walk *w)
{
	if (w->index > w->last || !xa_marked(&w->mapping->pages, w->mark))
		return false;
	w->next = 0;
	w->nr = cache_gather_marked(w->mapping, &w->index, w->last, w->mark, w->batch, BATCH);
	return w->nr != 0;
}

struct folio *writeback_next(struct writeback_walk *w)
{
	if (w->folio)
		folio_put(w->folio);
	w->folio = NULL;
	while (w->next < w->nr || walk_fill(w)) {
		struct folio *f = w->batch[w->next++];

		if (!folio_trylock(f)) {
			if (w->before_wait)
				w->before_wait(w);
			folio_lock(f);
		}
		if (walk_take(w, f)) {
			w->folio = f;
			return f;
		}
		folio_unlock(f);
		folio_put(f);
	}
	return NULL;
}

void writeback_walk_end(struct writeback_walk *w)
{
	if (w->folio)
		folio_put(w->folio);
	w->folio = NULL;
	while (w->next < w->nr)
		folio_put(w->batch[w->next++]);
}

/* --- ranges ----------------------------------------------------------------------------------- */

void cache_wait_writeback(struct mapping *m, loff_t first, loff_t last)
{
	u64 index = (u64)first >> PAGE_SHIFT, end = (u64)last >> PAGE_SHIFT;
	struct folio *batch[BATCH];
	unsigned n;

	while (index <= end && xa_marked(&m->pages, MAPPING_WRITEBACK) &&
	       (n = cache_gather_marked(m, &index, end, MAPPING_WRITEBACK, batch, BATCH)) != 0)
		for (unsigned i = 0; i < n; i++) {
			folio_wait_writeback(batch[i]);
			folio_put(batch[i]);
		}
}

int cache_wait_range(struct mapping *m, loff_t first, loff_t last)
{
	cache_wait_writeback(m, first, last);
	return mapping_take_error(m);
}

static int write_by_page(struct mapping *m, u64 first, u64 last, bool sync)
{
	struct writeback_walk w;
	struct folio *f;
	int err = 0, one;

	writeback_walk_init(&w, m, NULL, first, last, sync);
	while ((f = writeback_next(&w))) {
		one = READ_ONCE(m->ops)->writepage(m, f, sync);
		err = err ? err : one;
	}
	writeback_walk_end(&w);
	return err;
}

static int write_pages(struct mapping *m, u64 first, u64 last, bool sync)
{
	const struct mapping_ops *ops = READ_ONCE(m->ops);

	if (!writes_back(m) || !xa_marked(&m->pages, MAPPING_DIRTY))
		return 0;
	if (ops->writepages)
		return ops->writepages(m, first, last, sync);
	return write_by_page(m, first, last, sync);
}

int cache_write_range(struct mapping *m, loff_t first, loff_t last, bool sync)
{
	int err = write_pages(m, (u64)first >> PAGE_SHIFT, (u64)last >> PAGE_SHIFT, sync), later;

	if (!sync)
		return err;
	/* Even after an error: what was started still changes the disk. */
	later = cache_wait_range(m, first, last);
	return err ? err : later;
}

int cache_write_some(struct mapping *m, u64 pages, bool *more)
{
	u64 index = READ_ONCE(m->writeback_next), last = U64_MAX - 1;
	bool found;
	int err = 0;

	rcu_read_lock();
	found = xa_find_marked(&m->pages, &index, last, MAPPING_DIRTY);
	if (!found) {
		index = 0;
		found = xa_find_marked(&m->pages, &index, last, MAPPING_DIRTY);
	}
	rcu_read_unlock();
	if (found) {
		last = index + pages - 1 < index ? last : index + pages - 1;
		err = write_pages(m, index, last, false);
		WRITE_ONCE(m->writeback_next, last + 1);
	}
	*more = xa_marked(&m->pages, MAPPING_DIRTY);
	return err;
}
