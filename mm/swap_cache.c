/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The swap cache: folios that have a slot of swap.
 *
 * A page on its way out enters it, locked and dirty, before the first entry that maps it is
 * replaced; so whoever meets the entry meanwhile finds the page here and waits for its lock.  A
 * page on its way in enters it before it is read.  As long as it stays, its slot stays too: if it
 * is not written to in the meantime it can leave memory again without a transfer.  Therefore a page
 * here is never mapped writable; the first store takes it out (swap_make_sole).
 *
 * Lookups are those of the page cache: RCU, a reference unless the count is zero, a second look.
 * The cache holds one reference.  A folio enters and leaves under its lock and the area's.
 *
 * Reading takes the used slots of the aligned group of READ_AROUND along.
 */
#include <kernel/debug/log.h>
#include <kernel/sched/thread.h>
#include "reclaim_internal.h"
#include "swap_internal.h"

#define READ_AROUND 8u

struct folio *swap_cache_find(u64 entry)
{
	struct swap_area *a;
	struct folio *f;

	guard_rcu();
	a = entry_area(entry);
	if (!a)
		return NULL;
	for (;;) {
		f = xa_load(&a->cache, entry_slot(entry));
		if (!f)
			return NULL;
		if (!folio_get_unless_zero(f))
			continue;
		if (xa_load(&a->cache, entry_slot(entry)) == f)
			return f;
		folio_put(f);
	}
}

/* --- leaving ---------------------------------------------------------------------------------- */

/* Locks: area. */
static void forget_locked(struct swap_area *a, struct folio *f)
{
	u64 slot = entry_slot(folio_entry(f));

	xa_erase(&a->cache, slot);
	a->slots[slot] &= ~SLOT_CACHED;
	if (!a->slots[slot])
		slot_free_locked(a, slot);
	f->page.private = NULL;
	folio_clear(f, PG_swapcache);
	vm_gauge_add(VM_NR_SWAPCACHED, -1);
}

void swap_cache_drop(struct folio *f)
{
	struct swap_area *a = entry_area(folio_entry(f));

	with_spin_irq(&a->lock) forget_locked(a, f);
	folio_put(f);
}

void swap_cache_drop_unused(struct folio *f)
{
	if (!folio_trylock(f))
		return;
	if (folio_test(f, PG_swapcache) && !folio_test(f, PG_writeback) &&
	    !entry_uses(folio_entry(f)))
		swap_cache_drop(f);
	folio_unlock(f);
}

bool swap_cache_free(struct folio *f)
{
	struct swap_area *a = entry_area(folio_entry(f));
	u64 two = 2 * PAGE_COUNT_REF;

	with_spin_irq(&a->lock)
	{
		if (!atomic_cmpxchg(&f->page.counts, &two, 0ull))
			return false;
		forget_locked(a, f);
	}
	folio_unlock(f);
	page_free(&f->page, 0);
	return true;
}

/* --- writing ---------------------------------------------------------------------------------- */

static u32 writing; /* [a] pages on their way */

u32 swap_writes(void)
{
	return atomic_load(&writing);
}

void swap_cache_write(struct folio *f)
{
	u64 entry = folio_entry(f);
	struct swap_area *a = entry_area(entry);

	folio_clear(f, PG_dirty);
	folio_set(f, PG_writeback);
	vm_gauge_add(VM_NR_WRITEBACK, 1);
	vm_event_add(VM_PSWPOUT, 1);
	atomic_inc(&writing);
	folio_unlock(f);
	/* It stays in the cache as long as PG_writeback is set. */
	folio_put(f);
	a->src.ops->write(a->src.backing, entry_slot(entry), f);
}

/* Written, and perhaps nobody wants it any more: the memory that reclaim was after. */
static void free_if_idle(struct folio *f)
{
	if (folio_mapped(f) || !folio_trylock(f))
		return;
	if (folio_test(f, PG_swapcache) && !folio_test(f, PG_dirty) &&
	    !folio_test(f, PG_writeback) && swap_cache_free(f))
		return;
	folio_unlock(f);
	folio_put(f);
}

void swap_write_done(struct folio *f, int error)
{
	u32 old;

	if (error) {
		folio_set(f, PG_dirty);
		log_err("Write-error on swap-device (%d)\n", error);
	}
	folio_get(f);
	vm_gauge_add(VM_NR_WRITEBACK, -1);
	vm_event_add(VM_NR_WRITTEN, 1);
	atomic_dec(&writing);
	writeback_progress(1);
	old = atomic_fetch_and(&f->page.flags, ~(1u << PG_writeback | 1u << PG_reclaim));
	if (old >> PG_waiters & 1)
		folio_wake(f);
	if (error)
		folio_put(f);
	else
		free_if_idle(f);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* Enter a new locked folio for a slot in use.  -EEXIST: it is there; -ENOENT: nobody uses the
 * slot. */
static int enter(struct swap_area *a, struct folio *f, u64 slot)
{
	int err;

	guard_spin_irq(&a->lock);
	if (slot >= a->pages || !(a->slots[slot] & SLOT_USES) || a->slots[slot] & SLOT_BAD)
		return -ENOENT;
	if (a->slots[slot] & SLOT_CACHED)
		return -EEXIST;
	err = xa_store(&a->cache, slot, f, NULL);
	if (err)
		return err;
	a->slots[slot] |= SLOT_CACHED;
	folio_get(f);
	f->page.mapping = NULL;
	f->page.private = (void *)(uintptr_t)swap_entry(a->type, slot);
	folio_set(f, PG_swapcache);
	vm_gauge_add(VM_NR_SWAPCACHED, 1);
	return 0;
}

static int start_read(struct swap_area *a, u64 slot, gfp_t gfp)
{
	struct folio *f = folio_alloc(gfp);
	int err;

	if (!f)
		return -ENOMEM;
	folio_set(f, PG_locked);
	err = enter(a, f, slot);
	if (err) {
		folio_unlock(f);
		folio_put(f);
		return err;
	}
	folio_set(f, PG_swapbacked);
	vm_event_add(VM_PSWPIN, 1);
	a->src.ops->read(a->src.backing, slot, f);
	folio_put(f);
	return 0;
}

void swap_read_done(struct folio *f, int error)
{
	folio_set(f, error ? PG_error : PG_uptodate);
	folio_unlock(f);
}

struct group {
	struct swap_area *a;
	u64 slot;
	int err; /* of the slot itself */
};

static void read_group(void *arg)
{
	struct group *g = arg;
	u64 first = g->slot & ~(u64)(READ_AROUND - 1);

	g->err = start_read(g->a, g->slot, GFP_USER);
	for (u64 slot = first; slot < first + READ_AROUND; slot++)
		if (slot != g->slot && slot && slot < g->a->pages &&
		    READ_ONCE(g->a->slots[slot]) - 1 < SLOT_USES)
			(void)!start_read(g->a, slot, GFP_NOWAIT | __GFP_MOVABLE);
}

int swap_cache_read(u64 entry, struct folio **out, bool *major)
{
	struct folio *f = swap_cache_find(entry);
	struct group g = {.slot = entry_slot(entry)};

	*major = !f;
	if (!f) {
		g.a = area_pin(entry);
		if (!g.a)
			return -EAGAIN;
		g.a->src.ops->batch(read_group, &g);
		area_unpin(g.a);
		if (g.err && g.err != -EEXIST)
			return g.err == -ENOENT ? -EAGAIN : g.err;
		f = swap_cache_find(entry);
		if (!f)
			return -EAGAIN;
	}
	*out = f;
	return 0;
}

void swap_cache_prefetch(u64 entry)
{
	struct swap_area *a = area_pin(entry);

	if (!a)
		return;
	(void)!start_read(a, entry_slot(entry), GFP_USER | __GFP_NORETRY | __GFP_NOWARN);
	area_unpin(a);
}
