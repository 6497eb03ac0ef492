/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a page to the entries that map it.
 *
 * Pages of a file: mapping->i_mmap is an interval tree of the areas that map the file, keyed by the
 * first page and augmented with the largest last page below.
 *
 * Anonymous pages point (page->mapping with PG_anon) to a struct anon, shared by all areas that may
 * map them: an area gets one at its first private page, and its copies in forked children join the
 * same one.  page->index is the page's number within the area's numbering (vma->pgoff), which
 * survives moves. One family per original area makes fork cheap; the price is that a search visits
 * all descendants that did not exec.
 *
 * While an area is linked here its page tables below it are not freed: unmapping unlinks it first.
 *
 * Lock order: mm lock, folio lock, i_mmap_lock, anon lock.
 */
#include <kernel/debug/assert.h>
#include <kernel/sched/thread.h>
#include "reclaim_internal.h"
#include "space_internal.h"

struct anon {
	refcount_t refs; /* areas */
	struct rwsem lock;
	struct list areas; /* [lock] struct vma.anon_link */
};

static struct slab_cache *anon_cache;

void anon_init(void)
{
	anon_cache = SLAB_CACHE(anon, SLAB_ACCOUNT);
	VERIFY(anon_cache);
}

/* --- interval tree ---------------------------------------------------------------------------- */

#define imap_of(n) rb_entry_or_null(n, struct vma, i_mmap_node)

static u64 vma_last(const struct vma *vma)
{
	return vma->pgoff + (vma_size(vma) >> PAGE_SHIFT) - 1;
}

static void imap_update(struct rb_node *n)
{
	struct vma *vma = rb_entry(n, struct vma, i_mmap_node);
	u64 last = vma_last(vma);

	if (n->left)
		last = max(last, rb_entry(n->left, struct vma, i_mmap_node)->i_mmap_last);
	if (n->right)
		last = max(last, rb_entry(n->right, struct vma, i_mmap_node)->i_mmap_last);
	vma->i_mmap_last = last;
}

static bool imap_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct vma, i_mmap_node)->pgoff <
	       rb_entry(b, struct vma, i_mmap_node)->pgoff;
}

/* The first area, in order of first page, that overlaps [first, last]. */
static struct vma *imap_first(struct rb_node *n, u64 first, u64 last)
{
	struct vma *found = NULL;

	while (n) {
		struct vma *vma = rb_entry(n, struct vma, i_mmap_node);

		if (n->left && rb_entry(n->left, struct vma, i_mmap_node)->i_mmap_last >= first) {
			n = n->left;
			continue;
		}
		if (vma->pgoff > last)
			break;
		if (vma_last(vma) >= first) {
			found = vma;
			break;
		}
		n = n->right && rb_entry(n->right, struct vma, i_mmap_node)->i_mmap_last >= first
			    ? n->right
			    : NULL;
	}
	return found;
}

static struct vma *imap_next(struct vma *vma, u64 first, u64 last)
{
	for (;;) {
		vma = imap_of(rb_next(&vma->i_mmap_node));
		if (!vma || vma->pgoff > last)
			return NULL;
		if (vma_last(vma) >= first)
			return vma;
	}
}

/* --- linking ---------------------------------------------------------------------------------- */

static void imap_insert(struct vma *vma)
{
	vma->i_mmap_last = vma_last(vma);
	rb_insert_augmented(&vma->mapping->i_mmap, &vma->i_mmap_node, imap_less, imap_update);
}

static bool vma_counts_as_writer(const struct vma *vma)
{
	return (vma->flags & (VM_SHARED | VM_MAYWRITE)) == (VM_SHARED | VM_MAYWRITE);
}

void rmap_link(struct vma *vma)
{
	if (!vma->mapping)
		return;
	guard_write(&vma->mapping->i_mmap_lock);
	imap_insert(vma);
	if (vma_counts_as_writer(vma))
		atomic_inc(&vma->mapping->writable_maps);
}

void rmap_unlink(struct vma *vma)
{
	if (vma->mapping) {
		guard_write(&vma->mapping->i_mmap_lock);
		rb_erase_augmented(&vma->mapping->i_mmap, &vma->i_mmap_node, imap_update);
		if (vma_counts_as_writer(vma))
			atomic_dec(&vma->mapping->writable_maps);
	}
	anon_leave(vma);
}

void rmap_adjust_begin(struct vma *vma)
{
	if (vma->mapping) {
		rwsem_write_lock(&vma->mapping->i_mmap_lock);
		rb_erase_augmented(&vma->mapping->i_mmap, &vma->i_mmap_node, imap_update);
	}
	if (vma->anon)
		rwsem_write_lock(&vma->anon->lock);
}

void rmap_adjust_end(struct vma *vma)
{
	if (vma->anon)
		rwsem_write_unlock(&vma->anon->lock);
	if (vma->mapping) {
		imap_insert(vma);
		rwsem_write_unlock(&vma->mapping->i_mmap_lock);
	}
}

static struct anon *anon_create(void)
{
	struct anon *a = slab_alloc(anon_cache, GFP_KERNEL);

	if (a) {
		refcount_set(&a->refs, 1);
		rwsem_init(&a->lock, RANK_ANON_VMA, "anon");
		list_init(&a->areas);
	}
	return a;
}

/* A neighbour's family will do, and lets the two areas merge later. */
static struct anon *anon_of_neighbour(struct vma *vma)
{
	struct vma *near[2] = {vma_prev(vma), vma_next(vma)};

	for (unsigned i = 0; i < 2; i++) {
		struct vma *n = near[i];

		if (n && n->anon && vma_is_anon(n) && vma_is_anon(vma) && n->flags == vma->flags &&
		    (n->end == vma->start || n->start == vma->end))
			return n->anon;
	}
	return NULL;
}

/*
 * Enter the area into a family, unless another fault has done so.  The caller's reference passes on
 * success.
 */
static bool anon_enter(struct vma *vma, struct anon *a)
{
	struct mm *mm = vma->mm;
	bool entered = false;

	rwsem_write_lock(&a->lock);
	with_spin_irq(&mm->anon_lock)
	{
		if (!vma->anon) {
			list_push_back(&a->areas, &vma->anon_link);
			atomic_store_release(&vma->anon, a);
			entered = true;
		}
	}
	rwsem_write_unlock(&a->lock);
	return entered;
}

int anon_prepare(struct vma *vma)
{
	/* Neighbours hold still only when nobody else runs here. */
	struct anon *a = mm_single(vma->mm) ? anon_of_neighbour(vma) : NULL;

	if (a)
		refcount_get(&a->refs);
	else
		a = anon_create();
	if (!a)
		return -ENOMEM;
	if (!anon_enter(vma, a) && refcount_put(&a->refs))
		slab_free(anon_cache, a);
	return 0;
}

void anon_join(struct vma *to, const struct vma *from)
{
	struct anon *a = from->anon;

	if (!a)
		return;
	refcount_get(&a->refs);
	rwsem_write_lock(&a->lock);
	list_push_back(&a->areas, &to->anon_link);
	rwsem_write_unlock(&a->lock);
	to->anon = a;
}

void anon_leave(struct vma *vma)
{
	struct anon *a = vma->anon;

	if (!a)
		return;
	vma->anon = NULL;
	/* The last area: nobody else can be on the list or come. */
	if (refcount_read(&a->refs) != 1) {
		rwsem_write_lock(&a->lock);
		list_unlink_(&vma->anon_link);
		rwsem_write_unlock(&a->lock);
	}
	if (refcount_put(&a->refs))
		slab_free(anon_cache, a);
}

bool anon_compatible(const struct vma *a, const struct vma *b)
{
	return !a->anon || !b->anon || a->anon == b->anon;
}

/* --- walking ---------------------------------------------------------------------------------- */

/* The slot of a folio's page in one area, if it is mapped there. */
static pte_t *slot_in(struct vma *vma, struct folio *f, vaddr_t *out)
{
	u64 index = f->page.index;

	if (index < vma->pgoff || index > vma_last(vma))
		return NULL;

	vaddr_t addr = vma->start + ((index - vma->pgoff) << PAGE_SHIFT);
	pte_t *slot = upt_slot(vma->mm->arch.root, addr);

	if (!slot)
		return NULL;

	pte_t e = pte_load(slot);

	if (!arch_pte_present(e) || arch_pte_flags(e) & PTE_SPECIAL ||
	    arch_pte_addr(e, 0) != folio_phys(f))
		return NULL;
	*out = addr;
	return slot;
}

static unsigned referenced_in(struct vma *vma, struct folio *f)
{
	vaddr_t addr;
	pte_t *slot = slot_in(vma, f, &addr);

	if (vma->flags & VM_LOCKED)
		return 1;
	if (!slot)
		return 0;

	pte_t e = pte_load(slot);

	while (arch_pte_present(e) && arch_pte_flags(e) & PTE_ACCESSED)
		if (pte_replace(slot, &e, arch_pte_change(e, 0, PTE_ACCESSED)))
			return 1;
	return 0;
}

unsigned rmap_referenced(struct folio *f)
{
	struct mapping *m = folio_mapping(f);
	u64 index = f->page.index;
	unsigned n = 0;

	if (!m || !rwsem_read_trylock(&m->i_mmap_lock))
		return 1;
	for (struct vma *vma = imap_first(m->i_mmap.node, index, index); vma;
	     vma = imap_next(vma, index, index))
		n += referenced_in(vma, f);
	rwsem_read_unlock(&m->i_mmap_lock);
	return n;
}

static void unmap_in(struct vma *vma, struct folio *f)
{
	vaddr_t addr;
	pte_t *slot = slot_in(vma, f, &addr);
	struct map_delta d = {};

	if (!slot)
		return;

	pte_t e = pte_load(slot);

	if (!arch_pte_present(e) || arch_pte_addr(e, 0) != folio_phys(f) ||
	    !pte_replace(slot, &e, (pte_t){0}))
		return;
	tlb_shootdown(vma->mm, addr, addr + PAGE_SIZE);
	if (arch_pte_flags(e) & PTE_DIRTY && !folio_test(f, PG_anon))
		folio_mark_dirty(f);

	u64 old = __atomic_fetch_sub(&f->page.counts, PAGE_COUNT_MAP, __ATOMIC_RELEASE);

	map_delta_note(&d, &f->page, -1, old >> 32 == 1);
	map_delta_apply(vma->mm, &d);
}

bool rmap_unmap(struct folio *f)
{
	struct mapping *m = folio_mapping(f);
	u64 index = f->page.index;

	if (!m || !rwsem_read_trylock(&m->i_mmap_lock))
		return false;
	for (struct vma *vma = imap_first(m->i_mmap.node, index, index); vma;
	     vma = imap_next(vma, index, index))
		unmap_in(vma, f);
	rwsem_read_unlock(&m->i_mmap_lock);
	return !folio_mapped(f);
}

/* Before writeback: later writes must fault, to dirty the folio again. */
void rmap_write_protect(struct folio *f)
{
	struct mapping *m = folio_mapping(f);
	u64 index = f->page.index;

	if (!m || !folio_mapped(f))
		return;
	guard_read(&m->i_mmap_lock);
	for (struct vma *vma = imap_first(m->i_mmap.node, index, index); vma;
	     vma = imap_next(vma, index, index)) {
		vaddr_t addr;
		pte_t *slot = slot_in(vma, f, &addr);
		pte_t e = slot ? pte_load(slot) : (pte_t){0};

		while (arch_pte_present(e) && arch_pte_flags(e) & (PTE_W | PTE_DIRTY) &&
		       vma->flags & VM_SHARED) {
			if (!pte_replace(slot, &e, arch_pte_change(e, 0, PTE_W | PTE_DIRTY)))
				continue;
			tlb_shootdown(vma->mm, addr, addr + PAGE_SIZE);
			break;
		}
	}
}

void mapping_unmap(struct mapping *m, u64 first, u64 last, bool even_cow)
{
	if (rb_empty(&m->i_mmap))
		return;
	guard_read(&m->i_mmap_lock);
	for (struct vma *vma = imap_first(m->i_mmap.node, first, last); vma;
	     vma = imap_next(vma, first, last)) {
		u64 from = max(first, vma->pgoff), to = min(last, vma_last(vma));
		struct tlb_batch b;

		tlb_begin(&b, vma->mm);
		zap_range(&b, vma, vma->start + ((from - vma->pgoff) << PAGE_SHIFT),
			  vma->start + ((to - vma->pgoff + 1) << PAGE_SHIFT), even_cow, false);
		tlb_end(&b);
	}
}
