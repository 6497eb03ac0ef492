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
 * A search from a private page begins only once there is swap.  It finds the family under RCU
 * (type-stable memory), counts it, and visits an area with the mm lock held for reading, if that is
 * to be had at once: whoever holds it for writing may change entries by plain stores.
 *
 * Lock order: mm lock, folio lock, i_mmap_lock, anon lock.
 */
#include <kernel/debug/assert.h>
#include <kernel/sched/thread.h>
#include <kernel/lib/string.h>
#include "reclaim_internal.h"
#include "swap_internal.h"

struct anon {
	refcount_t refs; /* areas, and searches */
	struct rwsem lock;
	struct list areas; /* [lock] struct vma.anon_link */
};

static struct slab_cache *anon_cache;

/* Given back in this state: no areas, nobody inside. */
static void anon_ctor(void *obj)
{
	struct anon *a = obj;

	memset(a, 0, sizeof(*a));
	rwsem_init(&a->lock, RANK_ANON_VMA, "anon");
	list_init(&a->areas);
}

void anon_init(void)
{
	anon_cache = slab_create("anon", sizeof(struct anon), __alignof__(struct anon),
				 SLAB_ACCOUNT | SLAB_TYPESAFE_BY_RCU, anon_ctor);
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

static void anon_put(struct anon *a)
{
	if (refcount_put(&a->refs))
		slab_free(anon_cache, a);
}

static struct anon *anon_create(void)
{
	struct anon *a = slab_alloc(anon_cache, GFP_KERNEL);

	if (a)
		atomic_store_release(&a->refs.n, 1u);
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
	if (!anon_enter(vma, a))
		anon_put(a);
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

/*
 * The last area: nobody else can be on the list or come, unless pages are searched for.  That
 * begins a grace period after swap_ever is set, so not while we are here.
 */
static bool anon_leave_alone(struct anon *a)
{
	guard_rcu();
	if (swap_on() || refcount_read(&a->refs) != 1)
		return false;
	list_init(&a->areas);
	return true;
}

void anon_leave(struct vma *vma)
{
	struct anon *a = vma->anon;

	if (!a)
		return;
	vma->anon = NULL;
	if (!anon_leave_alone(a)) {
		rwsem_write_lock(&a->lock);
		list_unlink_(&vma->anon_link);
		rwsem_write_unlock(&a->lock);
	}
	anon_put(a);
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

/* What to do with each area that may map the folio. */
typedef void rmap_visit(struct vma *vma, struct folio *f, void *ctx);

/* The family of a mapped private page, counted, or NULL. */
static struct anon *folio_anon_get(struct folio *f)
{
	struct anon *a;

	guard_rcu();
	a = READ_ONCE(f->page.mapping);
	if (!a || !folio_mapped(f) || !refcount_get_unless_zero(&a->refs))
		return NULL;
	/* Mapped still: it was this family all the time. */
	if (folio_mapped(f))
		return a;
	anon_put(a);
	return NULL;
}

static bool walk_private(struct folio *f, rmap_visit *visit, void *ctx)
{
	struct anon *a = folio_anon_get(f);
	bool all = true;
	struct vma *vma;

	if (!a)
		return false;
	if (!rwsem_read_trylock(&a->lock)) {
		anon_put(a);
		return false;
	}
	list_for_each (vma, &a->areas, anon_link) {
		struct mm *mm = READ_ONCE(vma->mm);

		if (!mm || !rwsem_read_trylock(&mm->lock)) {
			all = false;
			continue;
		}
		visit(vma, f, ctx);
		rwsem_read_unlock(&mm->lock);
	}
	rwsem_read_unlock(&a->lock);
	anon_put(a);
	return all;
}

static bool walk_file(struct folio *f, rmap_visit *visit, void *ctx)
{
	struct mapping *m = folio_mapping(f);
	u64 index = f->page.index;

	if (!m || !rwsem_read_trylock(&m->i_mmap_lock))
		return false;
	for (struct vma *vma = imap_first(m->i_mmap.node, index, index); vma;
	     vma = imap_next(vma, index, index))
		visit(vma, f, ctx);
	rwsem_read_unlock(&m->i_mmap_lock);
	return true;
}

/* Call visit for the areas that may map the locked folio.  False: some could not be visited. */
static bool rmap_walk(struct folio *f, rmap_visit *visit, void *ctx)
{
	return folio_test(f, PG_anon) ? walk_private(f, visit, ctx) : walk_file(f, visit, ctx);
}

static void count_referenced(struct vma *vma, struct folio *f, void *n)
{
	*(unsigned *)n += referenced_in(vma, f);
}

unsigned rmap_referenced(struct folio *f)
{
	unsigned n = 0;

	return rmap_walk(f, count_referenced, &n) ? n : n + 1;
}

void unmap_flush(struct unmap_batch *b)
{
	for (unsigned i = 0; i < b->nr; i++) {
		tlb_shootdown(b->space[i].mm, b->space[i].start, b->space[i].end);
		mm_unref(b->space[i].mm);
	}
	b->nr = 0;
}

static void unmap_note(struct unmap_batch *b, struct mm *mm, vaddr_t addr)
{
	unsigned i = 0;

	while (i < b->nr && b->space[i].mm != mm)
		i++;
	if (i == ARRAY_SIZE(b->space)) {
		unmap_flush(b);
		i = 0;
	}
	if (i == b->nr) {
		mm_ref(mm);
		b->space[b->nr++] = (struct unmap_space){mm, addr, addr + PAGE_SIZE};
	}
	b->space[i].start = min(b->space[i].start, addr);
	b->space[i].end = max(b->space[i].end, addr + PAGE_SIZE);
}

/* What takes the entry's place: a private page has a slot of swap by now. */
static pte_t entry_instead(struct folio *f)
{
	if (!folio_test(f, PG_anon))
		return (pte_t){0};
	entry_dup(folio_entry(f));
	return arch_pte_absent(folio_entry(f));
}

static void unmap_in(struct vma *vma, struct folio *f, void *batch)
{
	vaddr_t addr;
	pte_t *slot = slot_in(vma, f, &addr), e, instead;
	struct map_delta d = {};

	if (!slot || vma->flags & VM_LOCKED)
		return;
	e = pte_load(slot);
	if (!arch_pte_present(e) || arch_pte_addr(e, 0) != folio_phys(f))
		return;
	instead = entry_instead(f);
	if (!pte_replace(slot, &e, instead)) {
		if (instead.raw)
			entry_put(folio_entry(f));
		return;
	}
	if (batch)
		unmap_note(batch, vma->mm, addr);
	else
		tlb_shootdown(vma->mm, addr, addr + PAGE_SIZE);
	if (instead.raw) {
		d.rss[RSS_SWAP]++;
		swap_note_mm(vma->mm);
	}
	if (arch_pte_flags(e) & PTE_DIRTY && !folio_test(f, PG_anon))
		folio_mark_dirty(f);
	if (arch_pte_flags(e) & PTE_W && folio_test(f, PG_anon))
		folio_set(f, PG_dirty);

	u64 old = __atomic_fetch_sub(&f->page.counts, PAGE_COUNT_MAP, __ATOMIC_RELEASE);

	map_delta_note(&d, &f->page, -1, old >> 32 == 1);
	map_delta_apply(vma->mm, &d);
}

bool rmap_unmap(struct folio *f, struct unmap_batch *batch)
{
	(void)rmap_walk(f, unmap_in, batch);
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
