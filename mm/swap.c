/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private and shared memory to swap, and back.
 *
 * Such memory is on no list: faults, fork and exit need not know of swap.  Reclaim finds it by
 * going round the frames with a clock hand.  A page used since the hand last came by (accessed bits
 * of its entries) is passed over; another gets a slot, its entries become swap entries, and when
 * nothing but the cache refers to it, it is written, and freed as the write ends.
 *
 * What the hand may touch: a page that is mapped, or in the swap cache, or in the tree of shared
 * memory.  Such pages are only ever freed by their last reference, so one of our own keeps them.
 * A page just made for a fault has PG_anon but no mapping counted yet; its count is still being
 * set by plain stores, and the hand keeps off.
 *
 * A page with more references than its mappings, the cache's and ours is in use by something else
 * (direct transfers): not now.
 *
 * Coming back, a page is mapped read-only, and stays in the cache while slots are plentiful.  A
 * store finds it there; when no other entry uses the slot it leaves the cache and is written to in
 * place.
 *
 * Shared memory: the folio leaves the tree, where the entry takes its place.  Its count is frozen
 * for that moment, so that nobody maps it from the tree in between.
 */
#include <kernel/debug/assert.h>
#include <kernel/sched/thread.h>
#include "reclaim_internal.h"
#include "swap_internal.h"

#define BATCH     32u
#define HAND_STEP 4096u /* frames looked at for one batch, at most */
#define HOLE_STEP 64u   /* frames without RAM come in bunches */

static u64 hand; /* [a] frame number, of no importance exactly */

/* --- choosing --------------------------------------------------------------------------------- */

/* A reference to a page that may be looked at, or false. */
static bool candidate_get(struct page *p)
{
	u32 flags = atomic_load(&p->flags);
	u64 old = atomic_load(&p->counts);

	if (!(flags >> PG_swapbacked & 1) || flags & (1u << PG_locked | 1u << PG_writeback))
		return false;
	do {
		if (!(u32)old || (s32)old < 0)
			return false;
		if (flags >> PG_anon & 1 && !(old >> 32) && !(flags >> PG_swapcache & 1))
			return false;
	} while (!atomic_cmpxchg_acquire(&p->counts, &old, old + PAGE_COUNT_REF));
	return true;
}

static unsigned candidates(struct folio **out, unsigned n, u64 *seen)
{
	unsigned got = 0;

	for (u64 i = 0; i < HAND_STEP && got < n; i++) {
		pfn_t pfn = (pfn_t)atomic_fetch_add(&hand, 1) % (pfn_limit - pfn_first) + pfn_first;

		++*seen;
		if (!pfn_is_ram(pfn))
			atomic_add(&hand, HOLE_STEP - 1);
		else if (candidate_get(pfn_to_page(pfn)))
			out[got++] = page_folio(pfn_to_page(pfn));
	}
	return got;
}

/* --- out -------------------------------------------------------------------------------------- */

/* References beyond mappings, the cache's or tree's, and ours. */
static bool folio_busy(const struct folio *f, u32 holders)
{
	u64 counts = atomic_load(&f->page.counts);

	return (u32)counts != (u32)(counts >> 32) + holders + 1;
}

/* It has a slot and no mappings: to the disk, or, if the disk has it, away. */
static bool send_or_free(struct folio *f)
{
	if (folio_test(f, PG_writeback) || folio_busy(f, 1))
		return false;
	if (!entry_uses(folio_entry(f)))
		return swap_cache_free(f);
	if (!folio_test(f, PG_dirty))
		return swap_cache_free(f);
	swap_cache_write(f);
	return true;
}

/* A slot for a private page, and swap entries where it was mapped. */
static bool begin_private(struct folio *f, struct unmap_batch *b)
{
	bool cached = folio_test(f, PG_swapcache);

	if (folio_busy(f, cached) || (!cached && !swap_slot_get(f)))
		return false;
	if (!folio_mapped(f) || rmap_unmap(f, b))
		return true;
	if (!entry_uses(folio_entry(f)) && !folio_test(f, PG_writeback))
		swap_cache_drop(f);
	return false;
}

/* The tree of shared memory holds one reference, the swap cache one, we one. */
static bool tree_swap_out(struct mapping *m, struct folio *f)
{
	u64 three = 3 * PAGE_COUNT_REF, index = f->page.index;

	guard_spin_irq(&m->lock);
	if (!atomic_cmpxchg(&f->page.counts, &three, 0ull))
		return false;
	entry_dup(folio_entry(f));
	/* An index in use takes another entry without memory. */
	VERIFY(!xa_store(&m->pages, index, xa_value(folio_entry(f)), NULL));
	cache_swapped_locked(m, f);
	WRITE_ONCE(mapping_shmem(m)->swapped, mapping_shmem(m)->swapped + 1);
	atomic_store_release(&f->page.counts, 2 * PAGE_COUNT_REF);
	return true;
}

static bool begin_shared(struct mapping *m, struct folio *f, struct unmap_batch *b)
{
	if (!m || !mapping_test(m, MAPPING_SHMEM) || mapping_test(m, MAPPING_UNEVICTABLE))
		return false;
	return !folio_busy(f, 1) && (!folio_mapped(f) || rmap_unmap(f, b)) && swap_slot_get(f);
}

/* The first half: nothing maps the locked folio any more, and it has a slot. */
static bool out_begin(struct folio *f, bool force, struct unmap_batch *b)
{
	unsigned used;

	if (folio_test(f, PG_mlocked) || folio_test(f, PG_writeback) ||
	    !folio_test(f, PG_uptodate))
		return false;
	used = folio_mapped(f) ? rmap_referenced(f) : 0;
	used += folio_test_and_clear(f, PG_referenced);
	if (used && !force)
		return false;
	if (folio_test(f, PG_anon))
		return begin_private(f, b);
	return folio_test(f, PG_swapcache) || begin_shared(folio_mapping(f), f, b);
}

/* The second, when no translation is left.  True: gone or being written, unlocked and put. */
static bool out_finish(struct folio *f)
{
	struct mapping *m = folio_mapping(f);

	if (m) {
		/* As long as the locked page is in the tree, the object is there. */
		shmem_note_swapped(mapping_shmem(m));
		if (!tree_swap_out(m, f)) {
			swap_cache_drop(f);
			folio_set(f, PG_dirty);
			return false;
		}
	}
	return send_or_free(f);
}

bool swap_out_folio(struct folio *f, bool force)
{
	return out_begin(f, force, NULL) && out_finish(f);
}

struct round {
	u64 seen, done;
};

/*
 * All stay locked until the flush, those too that stay in memory: some of their entries may be gone
 * already (no slot, or an area that was busy), and who finds an unlocked folio without entries may
 * free it or copy it, while a processor still writes through a translation it remembers.
 */
static void out_round(void *arg)
{
	struct round *r = arg;
	struct folio *batch[BATCH];
	bool ready[BATCH];
	struct unmap_batch unmapped = {};
	unsigned n = candidates(batch, BATCH, &r->seen), k = 0;

	for (unsigned i = 0; i < n; i++) {
		if (folio_trylock(batch[i]))
			batch[k++] = batch[i];
		else
			folio_put(batch[i]);
	}
	for (unsigned i = 0; i < k; i++)
		ready[i] = out_begin(batch[i], false, &unmapped);
	unmap_flush(&unmapped);
	for (unsigned i = 0; i < k; i++) {
		if (ready[i] && out_finish(batch[i])) {
			r->done++;
			continue;
		}
		folio_unlock(batch[i]);
		folio_put(batch[i]);
	}
}

u64 swap_out_some(u64 target, u64 *seen)
{
	const struct swap_ops *ops = swap_any_ops();
	u64 all = pfn_limit - pfn_first;
	struct round r = {};

	if (!ops)
		return 0;
	while (r.done < target && r.seen < min(all, target * 64 + HAND_STEP))
		ops->batch(out_round, &r);
	*seen += r.seen / 32;
	return r.done;
}

/* --- in --------------------------------------------------------------------------------------- */

void swap_entry_release(u64 entry)
{
	struct folio *f;

	if (!entry_put(entry))
		return;
	f = swap_cache_find(entry);
	if (f) {
		if (folio_entry(f) == entry)
			swap_cache_drop_unused(f);
		folio_put(f);
	}
}

/* The folio of `entry`, locked, its content valid. */
static int folio_for_entry(u64 entry, struct folio **out)
{
	struct folio *f;
	bool major;
	int err = swap_cache_read(entry, &f, &major);

	if (err)
		return err;
	if (major) {
		thread_count_major_fault();
		vm_event_add(VM_PGMAJFAULT, 1);
	}
	err = folio_lock_killable(f);
	if (err)
		goto put;
	err = !folio_test(f, PG_swapcache) || folio_entry(f) != entry ? -EAGAIN
	      : !folio_test(f, PG_uptodate)			      ? -EIO
								      : 0;
	if (!err) {
		*out = f;
		return 0;
	}
	folio_unlock(f);
put:
	folio_put(f);
	return err;
}

/* It becomes a private page of the area, unless it is one already. */
static void folio_adopt(struct folio *f, struct vma *vma, vaddr_t addr)
{
	if (folio_mapped(f))
		return;
	f->page.mapping = vma->anon;
	f->page.index = vma_pgoff(vma, addr);
	folio_set(f, PG_anon);
}

/* Put the folio into the entry it belongs to.  False: the entry changed. */
static bool folio_map_back(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e, struct folio *f)
{
	unsigned flags = vma_pte_flags(vma, false);
	struct map_delta d = {};
	u64 old = atomic_fetch_add(&f->page.counts, PAGE_COUNT_MAP);

	if (flags & PTE_X)
		arch_icache_sync(folio_address(f), PAGE_SIZE);
	if (!pte_replace(slot, &e, arch_pte_leaf(folio_phys(f), flags, MEM_NORMAL, 0))) {
		atomic_sub(&f->page.counts, PAGE_COUNT_MAP);
		return false;
	}
	arch_pte_written();
	map_delta_note(&d, &f->page, 1, old >> 32 == 0);
	d.rss[RSS_SWAP]--;
	map_delta_apply(vma->mm, &d);
	return true;
}

int swap_fault(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e)
{
	u64 entry = arch_pte_token(e);
	struct folio *f;
	int err;

	if (!vma->anon && anon_prepare(vma))
		return -ENOMEM;
	/* While we look the entry, and with it the area, may go: the cache is asked under RCU. */
	err = folio_for_entry(entry, &f);
	if (err)
		return err == -EINTR ? -EAGAIN : err;
	folio_adopt(f, vma, addr);
	if (folio_map_back(vma, addr, slot, e, f) && entry_put(entry) && swap_tight(entry) &&
	    !folio_test(f, PG_writeback))
		swap_cache_drop(f);
	folio_unlock(f);
	folio_put(f);
	return 0;
}

bool swap_make_sole(pte_t *slot, pte_t e)
{
	struct folio *f = page_folio(phys_to_page(arch_pte_addr(e, 0)));
	bool sole = false;

	if (!folio_get_unless_zero(f))
		return false;
	folio_lock(f);
	if (pte_load(slot).raw == e.raw && folio_test(f, PG_swapcache) &&
	    folio_mapcount(f) == 1 && !entry_uses(folio_entry(f))) {
		folio_wait_writeback(f);
		swap_cache_drop(f);
		sole = true;
	}
	folio_unlock(f);
	folio_put(f);
	return sole;
}

int shmem_swap_in(struct shmem *s, u64 index, u64 entry)
{
	struct mapping *m = &s->mapping;
	struct folio *f;
	bool moved = false;
	int err = folio_for_entry(entry, &f);

	if (err)
		return err;
	folio_wait_writeback(f);
	with_spin_irq(&m->lock)
	{
		if (xa_load(&m->pages, index) == xa_value(entry) &&
		    !xa_store(&m->pages, index, f, NULL)) {
			cache_swapped_back_locked(m, f, index);
			WRITE_ONCE(s->swapped, s->swapped - 1);
			moved = true;
		}
	}
	if (moved) {
		folio_set(f, PG_dirty);
		entry_put(entry);
		swap_cache_drop(f);
	}
	folio_unlock(f);
	folio_put(f);
	return moved ? 0 : -EAGAIN;
}

/* --- swapoff's way through address spaces ----------------------------------------------------- */

static struct spinlock mms_lock = SPINLOCK_INIT(RANK_SWAP_SPIN);
static struct list mms = LIST_INIT(mms); /* [mms_lock] struct mm.swap_link */

void swap_note_mm(struct mm *mm)
{
	if (!list_empty(&mm->swap_link))
		return;
	guard_spin(&mms_lock);
	if (list_empty(&mm->swap_link))
		list_push_back(&mms, &mm->swap_link);
}

void swap_forget_mm(struct mm *mm)
{
	if (list_empty(&mm->swap_link))
		return;
	guard_spin(&mms_lock);
	list_remove(&mm->swap_link);
}

/* The one after *mm on the list, with a user; drops that of *mm.  False: no more. */
bool swap_mm_next(struct mm **mm)
{
	struct mm *before = *mm, *next = NULL;
	bool past = !before;

	with_spin(&mms_lock)
	{
		for (struct list *l = mms.next; l != &mms && !next; l = l->next) {
			struct mm *m = container_of(l, struct mm, swap_link);

			if (past && mm_get_unless_zero(m))
				next = m;
			past |= m == before;
		}
	}
	if (before)
		mm_put(before);
	*mm = next;
	return next != NULL;
}

static int vma_bring_back(struct vma *vma, u32 type)
{
	vaddr_t addr = vma->start;
	pte_t *slot;

	while ((slot = upt_find(vma->mm->arch.root, &addr, vma->end))) {
		vaddr_t stop = upt_table_end(addr, vma->end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot);
			int err = 0;

			while (pte_is_swap(e) && entry_type(arch_pte_token(e)) == type) {
				err = swap_fault(vma, addr, slot, e);
				if (err && err != -EAGAIN)
					return err;
				if (thread_flag_test(thread_current(), THREAD_KILLED))
					return -EINTR;
				e = pte_load(slot);
			}
		}
		cond_resched();
	}
	return 0;
}

int swap_mm_bring_back(struct mm *mm, u32 type)
{
	struct vma *vma;
	int err = 0;

	if (!mm_rss(mm, RSS_SWAP))
		return 0;
	mm_read_lock(mm);
	for_each_vma(vma, mm)
	{
		err = vma->anon ? vma_bring_back(vma, type) : 0;
		if (err)
			break;
	}
	mm_read_unlock(mm);
	return err;
}
