/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page faults.
 *
 * An entry is empty, present, or a token.  Faults of one area run in parallel and meet only in the
 * entry: each prepares what it wants to install and puts it in by compare-and-exchange against what
 * it saw; the loser throws its page away and looks again.
 *
 * Where an entry must be broken before it is remade (ARCH_PT_BREAK_BEFORE_MAKE), the busy token
 * stands in between; who meets it waits.
 *
 * Private pages are copied on write unless their only reference is the entry itself.
 *
 * A read fault in a file maps all pages around that are in the cache: the invalidate lock, taken
 * for the batch, keeps truncation away, so the folios need not be locked one by one.
 */
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>
#include "readahead_internal.h"
#include "swap_internal.h"

#define AROUND_PAGES 16u
#define AROUND_BYTES (AROUND_PAGES << PAGE_SHIFT)

paddr_t zero_frame;

/* --- installing ------------------------------------------------------------------------------- */

static void local_flush(struct mm *mm, vaddr_t addr)
{
	preempt_disable();
	arch_tlb_flush_range(&mm->arch, addr, addr + PAGE_SIZE, PAGE_SIZE);
	preempt_enable();
}

/*
 * Replace a present entry by one that leads elsewhere, with nobody left using the old one.
 * False when the entry is not `old` any more.
 */
static bool entry_exchange(struct mm *mm, vaddr_t addr, pte_t *slot, pte_t old, pte_t new)
{
	if (ARCH_PT_BREAK_BEFORE_MAKE) {
		if (!pte_replace(slot, &old, arch_pte_absent(TOKEN_BUSY)))
			return false;
		tlb_shootdown(mm, addr, addr + PAGE_SIZE);
		pte_store(slot, new);
		arch_pte_written();
		return true;
	}
	if (!pte_replace(slot, &old, new))
		return false;
	arch_pte_written();
	tlb_shootdown(mm, addr, addr + PAGE_SIZE);
	return true;
}

static void icache_prepare(struct page *p)
{
	if (!page_test(p, PG_owner_priv)) {
		arch_icache_sync(page_address(p), PAGE_SIZE);
		page_set(p, PG_owner_priv);
	}
}

/* Not mapped after all.  Reclaim may hold the page for a moment, so it goes by its count. */
static void page_unmap_again(struct page *p)
{
	u64 old = __atomic_fetch_sub(&p->counts, PAGE_COUNT_MAP, __ATOMIC_RELEASE);

	if ((u32)old == 1)
		page_release(p);
}

/* A private page for `addr`, not in any entry yet; its count is that of the entry it will get. */
static struct page *anon_page_new(struct vma *vma, vaddr_t addr, gfp_t gfp)
{
	struct page *p;

	if (unlikely(!vma->anon) && anon_prepare(vma))
		return NULL;
	p = page_alloc(GFP_USER | gfp);
	if (unlikely(!p))
		return NULL;
	p->mapping = vma->anon;
	p->index = vma_pgoff(vma, addr);
	p->flags = 1u << PG_anon | 1u << PG_swapbacked | 1u << PG_uptodate;
	p->counts = PAGE_COUNT_MAP;
	return p;
}

static void anon_page_mapped(struct mm *mm)
{
	rss_add(mm, RSS_ANON, 1);
	vm_gauge_add(VM_NR_ANON, 1);
}

static int anon_fault(struct vma *vma, vaddr_t addr, bool write, pte_t *slot)
{
	pte_t none = {0};

	if (!write) {
		unsigned flags = vma_pte_flags(vma, false) | PTE_SPECIAL;

		pte_replace(slot, &none, arch_pte_leaf(zero_frame, flags, MEM_NORMAL, 0));
		arch_pte_written();
		return 0;
	}

	struct page *p = anon_page_new(vma, addr, __GFP_ZERO);

	if (unlikely(!p))
		return -ENOMEM;

	unsigned flags = vma_pte_flags(vma, true) | PTE_DIRTY;

	if (unlikely(!pte_replace(slot, &none,
				  arch_pte_leaf(page_to_phys(p), flags, MEM_NORMAL, 0)))) {
		page_unmap_again(p);
		return 0;
	}
	arch_pte_written();
	anon_page_mapped(vma->mm);
	return 0;
}

/* Map a folio of the cache; the caller's reference becomes the entry's, or is dropped. */
static void folio_map(struct vma *vma, vaddr_t addr, pte_t *slot, struct folio *f, bool write)
{
	unsigned flags = vma_pte_flags(vma, write || !vma_wants_mkwrite(vma));
	struct map_delta d = {};
	pte_t none = {0};

	if (!(vma->flags & VM_SHARED))
		flags &= ~(unsigned)PTE_W;
	if (write)
		flags |= PTE_DIRTY;
	if (flags & PTE_X)
		icache_prepare(&f->page);

	u64 old = atomic_fetch_add(&f->page.counts, 1ull << 32);

	if (!pte_replace(slot, &none, arch_pte_leaf(folio_phys(f), flags, MEM_NORMAL, 0))) {
		atomic_sub(&f->page.counts, 1ull << 32);
		folio_put(f);
		return;
	}
	arch_pte_written();
	map_delta_note(&d, &f->page, 1, old >> 32 == 0);
	map_delta_apply(vma->mm, &d);
}

/* --- files ------------------------------------------------------------------------------------ */

/* Take a reference and a mapping at once, if the page is in use. */
static bool page_map_unless_zero(struct page *p, bool *first)
{
	u64 old = atomic_load(&p->counts);

	do {
		if (!(u32)old || (s32)old < 0)
			return false;
	} while (!atomic_cmpxchg_acquire(&p->counts, &old, old + PAGE_COUNT_MAP));
	*first = old >> 32 == 0;
	return true;
}

struct around {
	struct vma *vma;
	struct mapping *m;
	vaddr_t addr; /* of the fault */
	pte_t *slot;  /* of addr */
	bool done;    /* addr itself got an entry */
	unsigned mapped;
	struct map_delta d;
};

static void around_map(struct around *a, struct folio *f)
{
	struct page *p = &f->page;
	u64 index = READ_ONCE(p->index);
	s64 step = (s64)(index - vma_pgoff(a->vma, a->addr));
	pte_t *slot = a->slot + step;
	unsigned flags;
	bool first;
	pte_t e = pte_load(slot);

	if (!pte_none(e)) {
		a->done |= !step;
		return;
	}
	/* Read-ahead goes on when its mark is met: by a fault of its own. */
	if (!page_test(p, PG_uptodate) || page_test(p, PG_readahead) ||
	    !page_map_unless_zero(p, &first))
		return;
	if (READ_ONCE(p->mapping) != a->m || p->index != index) {
		page_unmap_again(p);
		return;
	}
	flags = vma_pte_flags(a->vma, !vma_wants_mkwrite(a->vma));
	if (!(a->vma->flags & VM_SHARED))
		flags &= ~(unsigned)PTE_W;
	/* So that reclaim can tell what is used from what merely lay near; where that is free. */
	if (step && arch_pt_hw_dirty())
		flags &= ~(unsigned)PTE_ACCESSED;
	if (flags & PTE_X)
		icache_prepare(p);
	if (!pte_replace(slot, &e, arch_pte_leaf(page_to_phys(p), flags, MEM_NORMAL, 0))) {
		page_unmap_again(p);
		return;
	}
	map_delta_note(&a->d, p, 1, first);
	a->done |= !step;
	a->mapped++;
}

/* Map what the cache has around `addr`.  True when addr itself is served. */
static bool fault_around(struct vma *vma, vaddr_t addr, pte_t *slot)
{
	struct mapping *m = vma->mapping;
	vaddr_t start = max(ALIGN_DOWN(addr, AROUND_BYTES), vma->start);
	vaddr_t end = min(ALIGN_DOWN(addr, AROUND_BYTES) + AROUND_BYTES, vma->end);
	struct around a = {.vma = vma, .m = m, .addr = addr, .slot = slot};
	u64 index = vma_pgoff(vma, start), last = index + ((end - start) >> PAGE_SHIFT) - 1;
	void *found[AROUND_PAGES];

	if (!rwsem_read_trylock(&m->invalidate))
		return false;

	u64 pages = ((u64)m->size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT;

	if (vma_pgoff(vma, addr) < pages) {
		guard_rcu();

		unsigned n =
			xa_gather(&m->pages, &index, min(last, pages - 1), found, AROUND_PAGES);

		for (unsigned i = 0; i < n; i++)
			if (!xa_is_value(found[i]))
				around_map(&a, found[i]);
	}
	rwsem_read_unlock(&m->invalidate);
	arch_pte_written();
	map_delta_apply(vma->mm, &a.d);
	readahead_fault_mapped(vma->file, a.mapped);
	return a.done;
}

static int code_to_errno(enum fault_code code)
{
	switch (code) {
	case VM_FAULT_DONE:
	case VM_FAULT_PFN: return 0;
	case VM_FAULT_NOPAGE: return -EAGAIN;
	case VM_FAULT_SIGBUS: return -EIO;
	case VM_FAULT_SIGSEGV: return -EFAULT;
	case VM_FAULT_NOMEM: return -ENOMEM;
	}
	return -EIO;
}

/*
 * Make a locked folio of a shared mapping ready to be written.  0, or an error with the folio
 * unlocked.
 */
static int folio_make_writable(struct vma *vma, struct folio *f)
{
	struct mapping *m = vma->mapping;
	int err = 0;

	if (folio_mapping(f) != m)
		err = -EAGAIN;
	else if (m->ops->page_mkwrite)
		err = m->ops->page_mkwrite(m, f);
	if (err) {
		folio_unlock(f);
		return err == -EAGAIN || err == -ENOMEM ? err : -EIO;
	}
	folio_mark_dirty(f);
	return 0;
}

/* A private copy of a page of the cache, before it was ever mapped here. */
static int cow_file_fault(struct vma *vma, vaddr_t addr, pte_t *slot, struct folio *f)
{
	struct page *p = anon_page_new(vma, addr, 0);
	unsigned flags = vma_pte_flags(vma, true) | PTE_DIRTY;
	pte_t none = {0};

	if (p)
		copy_page(page_address(p), folio_address(f));
	folio_unlock(f);
	folio_put(f);
	if (!p)
		return -ENOMEM;
	if (!pte_replace(slot, &none, arch_pte_leaf(page_to_phys(p), flags, MEM_NORMAL, 0))) {
		page_unmap_again(p);
		return 0;
	}
	if (flags & PTE_X)
		arch_icache_sync(page_address(p), PAGE_SIZE);
	arch_pte_written();
	anon_page_mapped(vma->mm);
	return 0;
}

static int file_fault(struct vma *vma, vaddr_t addr, bool write, bool exec, pte_t *slot)
{
	struct fault f = {
		.addr = addr, .pgoff = vma_pgoff(vma, addr), .write = write, .exec = exec};

	if (!vma->ops || !vma->ops->fault)
		return -EIO;
	if (!write && vma->ops->around && fault_around(vma, addr, slot))
		return 0;
	if (write && vma_wants_mkwrite(vma) && file_ops && vma->file) {
		int err = file_ops->mkwrite(vma->file);

		if (err)
			return -EIO;
	}

	enum fault_code code = vma->ops->fault(vma, &f);

	if (code == VM_FAULT_PFN) {
		pte_t none = {0};
		unsigned flags =
			vma_pte_flags(vma, vma->flags & VM_SHARED) | PTE_SPECIAL | PTE_DIRTY;

		pte_replace(slot, &none, arch_pte_leaf(f.frame, flags, f.type, 0));
		arch_pte_written();
		return 0;
	}
	if (code != VM_FAULT_DONE)
		return code_to_errno(code);
	if (write && !(vma->flags & VM_SHARED))
		return cow_file_fault(vma, addr, slot, f.folio);
	if (write && vma_wants_mkwrite(vma)) {
		int err = folio_make_writable(vma, f.folio);

		if (err) {
			folio_put(f.folio);
			return err;
		}
	}
	folio_get(f.folio);
	folio_map(vma, addr, slot, f.folio, write);
	folio_unlock(f.folio);
	folio_put(f.folio);
	if (write)
		dirty_balance_fault();
	return 0;
}

/* --- writing to what is read-only ------------------------------------------------------------- */

/* Reference the page of an entry, unless the entry changed meanwhile. */
static struct page *entry_page_get(pte_t *slot, pte_t e)
{
	struct page *p = phys_to_page(arch_pte_addr(e, 0));

	if (!page_get_unless_zero(p))
		return NULL;
	if (pte_load(slot).raw == e.raw)
		return p;
	page_put(p);
	return NULL;
}

/* Replace the zero page by a real one. */
static int zero_to_page(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e)
{
	struct page *p = anon_page_new(vma, addr, __GFP_ZERO);
	unsigned flags = vma_pte_flags(vma, true) | PTE_DIRTY;

	if (!p)
		return -ENOMEM;
	if (entry_exchange(vma->mm, addr, slot, e,
			   arch_pte_leaf(page_to_phys(p), flags, MEM_NORMAL, 0)))
		anon_page_mapped(vma->mm);
	else
		page_unmap_again(p);
	return 0;
}

static int cow_page(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e)
{
	struct page *old = entry_page_get(slot, e), *p;
	unsigned flags = vma_pte_flags(vma, true) | PTE_DIRTY;
	struct map_delta d = {};

	if (!old)
		return -EAGAIN;
	p = anon_page_new(vma, addr, 0);
	if (!p) {
		page_put(old);
		return -ENOMEM;
	}
	copy_page(page_address(p), page_address(old));
	if (flags & PTE_X)
		arch_icache_sync(page_address(p), PAGE_SIZE);
	if (!entry_exchange(vma->mm, addr, slot, e,
			    arch_pte_leaf(page_to_phys(p), flags, MEM_NORMAL, 0))) {
		page_unmap_again(p);
		page_put(old);
		return 0;
	}

	u64 counts = __atomic_fetch_sub(&old->counts, PAGE_COUNT_MAP, __ATOMIC_RELAXED);

	map_delta_note(&d, old, -1, counts >> 32 == 1);
	map_delta_note(&d, p, 1, true);
	map_delta_apply(vma->mm, &d);
	page_put(old);
	return 0;
}

static int shared_write(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e)
{
	if (vma_wants_mkwrite(vma)) {
		if (file_ops && vma->file && file_ops->mkwrite(vma->file))
			return -EIO;

		struct page *p = entry_page_get(slot, e);
		int err;

		if (!p)
			return -EAGAIN;
		folio_lock(page_folio(p));
		err = folio_make_writable(vma, page_folio(p));
		if (err) {
			page_put(p);
			return err;
		}
		pte_replace(slot, &e, arch_pte_change(e, PTE_W | PTE_DIRTY | PTE_ACCESSED, 0));
		folio_unlock(page_folio(p));
		page_put(p);
		dirty_balance_fault();
	} else {
		pte_replace(slot, &e, arch_pte_change(e, PTE_W | PTE_DIRTY | PTE_ACCESSED, 0));
	}
	arch_pte_written();
	local_flush(vma->mm, addr);
	return 0;
}

static int write_fault(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e)
{
	unsigned flags = arch_pte_flags(e);

	if (flags & PTE_SPECIAL && vma->flags & (VM_PFNMAP | VM_SPECIAL_AREA))
		return -EFAULT;
	if (vma->flags & VM_SHARED)
		return shared_write(vma, addr, slot, e);
	if (flags & PTE_SPECIAL)
		return zero_to_page(vma, addr, slot, e);

	struct page *p = phys_to_page(arch_pte_addr(e, 0));

	if (unlikely(page_test(p, PG_swapcache)) && !swap_make_sole(slot, e))
		return cow_page(vma, addr, slot, e);
	if (page_test(p, PG_anon) && page_refs(p) == 1) {
		unsigned set = (vma->flags & VM_WRITE ? PTE_W : 0) | PTE_DIRTY | PTE_ACCESSED;

		if (pte_replace(slot, &e, arch_pte_change(e, set, 0))) {
			arch_pte_written();
			local_flush(vma->mm, addr);
		}
		return 0;
	}
	return cow_page(vma, addr, slot, e);
}

/* Accessed and dirty bits where the machine leaves them to us, and stale translations. */
static int touch_fault(struct vma *vma, vaddr_t addr, bool write, pte_t *slot, pte_t e)
{
	unsigned set = PTE_ACCESSED | (write ? PTE_DIRTY : 0), none = 0;

	/* PROT_NONE was lifted while this page was in transit. */
	if (arch_pte_flags(e) & PTE_NONE) {
		set |= vma_pte_flags(vma, false);
		none = PTE_NONE;
	}
	pte_replace(slot, &e, arch_pte_change(e, set, none));
	arch_pte_written();
	local_flush(vma->mm, addr);
	return 0;
}

int fault_handle(struct vma *vma, vaddr_t addr, bool write, bool exec)
{
	pte_t *slot;
	int err;

	addr &= PAGE_MASK;
	slot = upt_slot(vma->mm->arch.root, addr);
	if (unlikely(!slot)) {
		err = upt_slot_alloc(vma->mm, addr, &slot);
		if (err)
			return err;
	}

	pte_t e = pte_load(slot);

	if (pte_none(e)) {
		if (vma_is_anon(vma))
			return anon_fault(vma, addr, write, slot);
		return file_fault(vma, addr, write, exec, slot);
	}
	if (!arch_pte_present(e)) {
		if (pte_is_swap(e))
			return swap_fault(vma, addr, slot, e);
		cond_resched();
		return -EAGAIN;
	}
	if (write && !(arch_pte_flags(e) & PTE_W))
		return write_fault(vma, addr, slot, e);
	return touch_fault(vma, addr, write, slot, e);
}

/* --- entry ------------------------------------------------------------------------------------ */

static bool access_allowed(const struct vma *vma, unsigned access)
{
	if (access & FAULT_WRITE)
		return vma->flags & VM_WRITE;
	if (access & FAULT_EXEC)
		return vma->flags & VM_EXEC;
	return vma->flags & VM_ACCESS_FLAGS;
}

static enum fault_result fault_in_vma(struct vma *vma, vaddr_t addr, unsigned access)
{
	int err;

	if (!access_allowed(vma, access))
		return FAULT_SIGSEGV_ACCERR;
	err = fault_handle(vma, addr, access & FAULT_WRITE, access & FAULT_EXEC);
	switch (err) {
	case 0: return FAULT_OK;
	case -EAGAIN: return FAULT_RETRY;
	case -EFAULT: return FAULT_SIGSEGV_ACCERR;
	case -ENOMEM: return FAULT_OOM;
	default: return FAULT_SIGBUS_ADRERR;
	}
}

int stack_expand(struct mm *mm, struct vma *vma, vaddr_t addr)
{
	vaddr_t start = addr & PAGE_MASK;
	struct vma *prev = vma_prev(vma);
	s64 more = (s64)((vma->start - start) >> PAGE_SHIFT);
	int err;

	if (vma->end - start > atomic_load(&mm->stack_limit) || start < vm_mmap_min_addr)
		return -ENOMEM;
	if (prev && prev->flags & VM_ACCESS_FLAGS && !(prev->flags & VM_GROWSDOWN) &&
	    start - min(start, prev->end) < STACK_GUARD_GAP)
		return -ENOMEM;
	if (prev && start < prev->end)
		return -ENOMEM;
	err = vm_commit(more, true);
	if (err)
		return err;
	vma_write_lock(mm, vma);
	rmap_adjust_begin(vma);
	vma_set_bounds(mm, vma, start, vma->end, vma->pgoff - (u64)more);
	rmap_adjust_end(vma);
	mm_account_vma(mm, vma->flags, more);
	return 0;
}

/* The fault could not be served without the mm lock. */
static __noinline enum fault_result fault_slow(struct mm *mm, vaddr_t addr, unsigned access)
{
	struct vma *vma;
	enum fault_result r = FAULT_SIGSEGV_MAPERR;

	if (access & FAULT_USER ? rwsem_read_lock_killable(&mm->lock) != 0
				: (rwsem_read_lock(&mm->lock), false))
		return FAULT_RETRY;
	vma = vma_find(mm, addr);
	if (vma && vma->start > addr && vma->flags & VM_GROWSDOWN) {
		int err = -ENOMEM;

		rwsem_read_unlock(&mm->lock);
		rwsem_write_lock(&mm->lock);
		vma = vma_find(mm, addr);
		if (vma && vma->start > addr && vma->flags & VM_GROWSDOWN)
			err = stack_expand(mm, vma, addr);
		mm_write_downgrade(mm);
		if (err)
			vma = NULL;
	}
	if (vma && vma->start <= addr)
		r = fault_in_vma(vma, addr, access);
	rwsem_read_unlock(&mm->lock);
	return r;
}

enum fault_result mm_fault(vaddr_t addr, unsigned access, struct arch_trapframe *tf)
{
	struct thread *t = thread_current();
	struct mm *mm = t->mm;

	if (unlikely(!mm || addr >= USER_TOP))
		return FAULT_SIGSEGV_MAPERR;
	if (unlikely(!(access & FAULT_USER) && (t->pagefault_disabled || !preemptible())))
		return FAULT_SIGSEGV_MAPERR;
	WRITE_ONCE(t->min_faults, t->min_faults + 1);
	vm_event_count(VM_PGFAULT);

	struct vma *vma = vma_lookup_read(mm, addr);

	if (unlikely(!vma))
		return fault_slow(mm, addr, access);

	enum fault_result r = fault_in_vma(vma, addr, access);

	vma_read_unlock(vma);
	return r;
}

int mm_fault_in(struct mm *mm, struct vma *vma, vaddr_t addr, bool write)
{
	int err;

	do {
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			return -EINTR;
		err = fault_handle(vma, addr, write, false);
	} while (err == -EAGAIN);
	return err;
}

int populate_range(struct mm *mm, vaddr_t start, vaddr_t end, bool write)
{
	for (struct vma *vma = vma_find(mm, start); vma && start < end; vma = vma_next(vma)) {
		bool w = write || (vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE;

		if (vma->start > start)
			return -ENOMEM;
		if (vma->flags & (VM_PFNMAP | VM_IO) || !(vma->flags & VM_ACCESS_FLAGS)) {
			start = vma->end;
			continue;
		}
		for (; start < min(end, vma->end); start += PAGE_SIZE) {
			pte_t *slot = upt_slot(mm->arch.root, start);
			pte_t e = slot ? pte_load(slot) : (pte_t){0};
			int err;

			if (arch_pte_present(e) && (!w || arch_pte_flags(e) & PTE_W))
				continue;
			err = mm_fault_in(mm, vma, start, w);
			if (err)
				return err;
			cond_resched();
		}
	}
	return start < end ? -ENOMEM : 0;
}
