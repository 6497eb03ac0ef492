/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole ranges of entries: removing, protecting, moving, copying.
 *
 * Others that may touch the same entries meanwhile: the machine's walker (accessed and dirty bits),
 * faults of other threads (unless the area is write-locked), searches from a page (rmap.c).  When
 * nobody else runs in the address space and the area cannot be found from a page, plain loads and
 * stores do.
 */
#include <kernel/sched/thread.h>
#include "swap_internal.h"

static void hiwater_update(struct mm *mm)
{
	u64 now = mm_rss_total(mm);

	if (now > READ_ONCE(mm->hiwater_rss))
		WRITE_ONCE(mm->hiwater_rss, now);
}

void map_delta_apply(struct mm *mm, const struct map_delta *d)
{
	if (d->rss[RSS_FILE] + d->rss[RSS_ANON] + d->rss[RSS_SHMEM] < 0)
		hiwater_update(mm);
	preempt_disable();
	for (unsigned i = 0; i < NR_RSS; i++)
		if (d->rss[i])
			rss_add(mm, i, d->rss[i]);
	preempt_enable();
	if (d->anon)
		vm_gauge_add(VM_NR_ANON, d->anon);
	if (d->mapped)
		vm_gauge_add(VM_NR_MAPPED, d->mapped);
}

/* Take an entry out; wait for one in the middle of a break-before-make. */
static pte_t slot_take(pte_t *slot, bool alone)
{
	for (;;) {
		pte_t e = pte_load(slot);

		if (alone) {
			if (e.raw)
				pte_store(slot, (pte_t){0});
			return e;
		}
		if (e.raw && !arch_pte_present(e) && arch_pte_token(e) == TOKEN_BUSY) {
			arch_cpu_relax();
			continue;
		}
		if (!e.raw || pte_replace(slot, &e, (pte_t){0}))
			return e;
	}
}

/* --- removing --------------------------------------------------------------------------------- */

/* What the machine noted in the entry belongs to the file's page. */
static __always_inline void page_take_dirt(struct page *p, pte_t e)
{
	if (!(atomic_load(&p->flags) & (1u << PG_anon | 1u << PG_dirty)) &&
	    arch_pte_flags(e) & PTE_DIRTY)
		folio_mark_dirty(page_folio(p));
}

/* A page lost this mapping; the reference that came with it is kept for the batch. */
static void page_unmapped(struct map_delta *d, struct page *p, pte_t e)
{
	u64 old;

	page_take_dirt(p, e);
	old = __atomic_fetch_sub(&p->counts, 1ull << 32, __ATOMIC_RELAXED);
	map_delta_note(d, p, -1, old >> 32 == 1);
}

/* An absent entry was taken out. */
static void drop_swapped(struct map_delta *d, pte_t e)
{
	if (!pte_is_swap(e))
		return;
	d->rss[RSS_SWAP]--;
	swap_entry_release(arch_pte_token(e));
}

static void zap_slot(struct tlb_batch *b, struct map_delta *d, vaddr_t addr, pte_t *slot,
		     bool alone, bool even_cow)
{
	pte_t e = pte_load(slot);

	if (pte_none(e) || (!even_cow && pte_is_swap(e)))
		return;
	if (!even_cow && arch_pte_present(e) && !(arch_pte_flags(e) & PTE_SPECIAL) &&
	    page_test(phys_to_page(arch_pte_addr(e, 0)), PG_anon))
		return;
	e = slot_take(slot, alone);
	if (!arch_pte_present(e)) {
		drop_swapped(d, e);
		return;
	}
	tlb_note(b, addr);
	if (arch_pte_flags(e) & PTE_SPECIAL)
		return;

	struct page *p = phys_to_page(arch_pte_addr(e, 0));

	page_unmapped(d, p, e);
	tlb_free_page(b, p);
}

void zap_range(struct tlb_batch *b, struct vma *vma, vaddr_t start, vaddr_t end, bool even_cow,
	       bool exclusive)
{
	struct mm *mm = vma->mm;
	struct map_delta d = {};
	bool alone = exclusive && mm_single(mm) && !vma->mapping;
	vaddr_t addr = start;
	pte_t *slot;

	while ((slot = upt_find(mm->arch.root, &addr, end))) {
		vaddr_t stop = upt_table_end(addr, end);

		for (; addr < stop; addr += PAGE_SIZE, slot++)
			if (slot->raw)
				zap_slot(b, &d, addr, slot, alone, even_cow);
	}
	map_delta_apply(mm, &d);
}

/* Mapping and reference go in one. */
static __always_inline void page_exit(struct page *p, pte_t e, struct map_delta *d)
{
	u64 old;

	page_take_dirt(p, e);
	old = __atomic_fetch_sub(&p->counts, PAGE_COUNT_MAP, __ATOMIC_RELEASE);
	if (old >> 32 == 1) {
		if (page_test(p, PG_anon))
			d->anon--;
		else
			d->mapped--;
	}
	if ((u32)old == 1)
		page_release(p);
}

/* Nobody else can reach these entries, not even from a page. */
static void exit_range(struct mm *mm, const struct vma *vma, struct map_delta *d)
{
	vaddr_t addr = vma->start;
	pte_t *slot;

	while ((slot = upt_find(mm->arch.root, &addr, vma->end))) {
		vaddr_t stop = upt_table_end(addr, vma->end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = *slot;

			if (!e.raw)
				continue;
			slot->raw = 0;
			if (unlikely(!arch_pte_present(e))) {
				drop_swapped(d, e);
				continue;
			}
			if (arch_pte_flags(e) & PTE_SPECIAL)
				continue;

			page_exit(phys_to_page(arch_pte_addr(e, 0)), e, d);
		}
	}
}

/* The address space has no users, and its areas are not linked to files or families any more. */
void zap_everything(struct mm *mm)
{
	struct tlb_batch b;
	struct map_delta d = {};

	tlb_begin_exit(&b, mm);
	for (struct vma *vma = vma_find(mm, 0), *next; vma; vma = next) {
		next = vma_next(vma);
		exit_range(mm, vma, &d);
		upt_free_tables(&b, mm, vma->start, vma->end, 0, next ? next->start : 0);
	}
	tlb_end(&b);
	map_delta_apply(mm, &d);
}

/* --- protecting ------------------------------------------------------------------------------- */

/* May the page be written without a fault? */
static bool write_allowed(const struct vma *vma, pte_t e)
{
	if (arch_pte_flags(e) & PTE_SPECIAL)
		return vma->flags & VM_PFNMAP && vma->flags & VM_SHARED;
	if (vma->flags & VM_SHARED)
		return !vma_wants_mkwrite(vma) || arch_pte_flags(e) & PTE_W;

	struct page *p = phys_to_page(arch_pte_addr(e, 0));

	return page_test(p, PG_anon) && page_refs(p) == 1;
}

#define PTE_RIGHTS (PTE_R | PTE_W | PTE_X | PTE_NONE)

void protect_range(struct tlb_batch *b, struct vma *vma, vaddr_t start, vaddr_t end)
{
	vaddr_t addr = start;
	pte_t *slot;

	while ((slot = upt_find(vma->mm->arch.root, &addr, end))) {
		vaddr_t stop = upt_table_end(addr, end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot), new;
			unsigned want;

			do {
				if (!arch_pte_present(e))
					break;
				want = vma_pte_flags(vma, write_allowed(vma, e)) & PTE_RIGHTS;
				new = arch_pte_change(e, want, PTE_RIGHTS & ~want);
				if (new.raw == e.raw)
					break;
				if (arch_pte_flags(e) & PTE_RIGHTS & ~PTE_NONE & ~want)
					tlb_note(b, addr);
			} while (!pte_replace(slot, &e, new));
		}
	}
	arch_pte_written();
}

/* --- moving ----------------------------------------------------------------------------------- */

int move_range(struct vma *from, vaddr_t old, struct vma *to, vaddr_t new, size_t len)
{
	struct mm *mm = from->mm;
	struct tlb_batch b;
	vaddr_t addr = old;
	pte_t *slot, *target;
	int err = 0;

	tlb_begin(&b, mm);
	if (from->mapping)
		rwsem_write_lock(&from->mapping->i_mmap_lock);
	while (!err && (slot = upt_find(mm->arch.root, &addr, old + len))) {
		vaddr_t stop = upt_table_end(addr, old + len);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			if (pte_none(pte_load(slot)))
				continue;
			err = upt_slot_alloc(mm, new + (addr - old), &target);
			if (err)
				break;

			pte_t e = slot_take(slot, false);

			if (arch_pte_present(e))
				tlb_note(&b, addr);
			pte_store(target, e);
		}
	}
	arch_pte_written();
	/* Before anybody writes through the new place. */
	tlb_flush(&b);
	if (from->mapping)
		rwsem_write_unlock(&from->mapping->i_mmap_lock);
	tlb_end(&b);
	return err;
}

/* --- copying: fork ---------------------------------------------------------------------------- */

/* What the child need not have: it can fault it in from where it came. */
static bool copy_needless(const struct vma *from)
{
	if (from->flags & (VM_PFNMAP | VM_WIPEONFORK))
		return from->flags & VM_WIPEONFORK;
	return !from->anon;
}

static pte_t slot_write_protect(pte_t *slot, pte_t e, bool alone)
{
	for (;;) {
		pte_t ro = arch_pte_change(e, 0, PTE_W);

		if (alone) {
			pte_store(slot, ro);
			return ro;
		}
		if (pte_replace(slot, &e, ro))
			return ro;
		if (!arch_pte_present(e) || !(arch_pte_flags(e) & PTE_W))
			return e;
	}
}

/* One entry of a private area.  Returns what the child gets; zero: nothing. */
static pte_t copy_entry(struct vma *from, pte_t *slot, bool alone, bool *protected, s64 *pages,
			s64 *swapped)
{
	pte_t e = pte_load(slot);
	unsigned flags = arch_pte_flags(e);

	if (!arch_pte_present(e)) {
		if (!pte_is_swap(e))
			return (pte_t){0};
		entry_dup(arch_pte_token(e));
		(*swapped)++;
		return e;
	}
	if (flags & PTE_SPECIAL)
		return from->flags & VM_PFNMAP ? e : (pte_t){0};

	struct page *p = phys_to_page(arch_pte_addr(e, 0));

	if (!page_test(p, PG_anon))
		return (pte_t){0};
	if (flags & PTE_W) {
		e = slot_write_protect(slot, e, alone);
		*protected = true;
	}
	atomic_add(&p->counts, PAGE_COUNT_MAP);
	(*pages)++;
	return e;
}

/* Copy one leaf table's part.  Locks: both areas write-locked, or alone. */
static void copy_table(struct vma *from, pte_t *slot, pte_t *target, unsigned n, bool alone,
		       bool *protected, s64 *pages, s64 *swapped)
{
	for (unsigned i = 0; i < n; i++)
		if (slot[i].raw)
			target[i] = copy_entry(from, &slot[i], alone, protected, pages,
					       swapped);
}

int copy_range(struct vma *to, struct vma *from, bool *protected)
{
	struct mm *mm = from->mm;
	bool alone = mm_single(mm) && !from->mapping;
	vaddr_t addr = from->start;
	pte_t *slot, *target;
	s64 pages = 0, swapped = 0;
	int err = 0;

	if (copy_needless(from))
		return 0;
	while ((slot = upt_find(mm->arch.root, &addr, from->end))) {
		vaddr_t stop = upt_table_end(addr, from->end);

		err = upt_slot_alloc(to->mm, addr, &target);
		if (err)
			break;
		copy_table(from, slot, target, (unsigned)((stop - addr) >> PAGE_SHIFT), alone,
			   protected, &pages, &swapped);
		addr = stop;
	}
	if (swapped)
		swap_note_mm(to->mm);
	if (pages || swapped) {
		preempt_disable();
		rss_add(to->mm, RSS_ANON, pages);
		if (swapped)
			rss_add(to->mm, RSS_SWAP, swapped);
		preempt_enable();
	}
	return err;
}
