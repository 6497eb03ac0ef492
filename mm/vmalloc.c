/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel addresses that come and go: vmalloc, vmap, device registers, kernel stacks.
 *
 * Every mapping is a struct area on a tree ordered by address; each node knows the free gap before
 * it and the largest gap in its subtree, so the lowest fitting gap is found in one descent.  An
 * area has a guard page behind (a stack: a guard as large as itself below).
 *
 * Freeing is lazy: the entries are cleared and the pages freed at once, but the addresses stay
 * taken until enough have gathered for one flush of all processors.
 *
 * Stacks are kept ready on each CPU, mapped, for the next thread.
 */
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/string.h>
#include <kernel/sched/workqueue.h>
#include <kernel/smp/percpu.h>
#include <mm/vmalloc.h>
#include "mm_internal.h"

struct area {
	struct rb_node node;
	vaddr_t start, end;   /* [I] guards included */
	vaddr_t va;           /* [I] first mapped address */
	size_t len;           /* [I] mapped bytes */
	vaddr_t gap, max_gap; /* [v] free before start; the largest in the subtree */
	struct page **pages;  /* [I] owned ones, or NULL */
	u32 nr_pages;         /* [I] */
	bool stack;           /* [I] */
	struct area *next;    /* [v] on the dead list */
};                            /* v: area_lock */

/* v; interrupts off, as what runs at their end may take locks of lower rank. */
static struct spinlock area_lock = SPINLOCK_INIT(RANK_VMALLOC);
static struct rb_root areas = RB_ROOT_INIT; /* [v] */
static struct area *dead;                   /* [v] addresses to be flushed */
static u64 dead_pages;                      /* [v] */
static struct mutex purge_lock = MUTEX_INIT(purge_lock, RANK_VMALLOC_MAP);

#define DEAD_PAGES_MAX 2048

/* --- the tree --------------------------------------------------------------------------------- */

#define area_of(n) rb_entry_or_null(n, struct area, node)

static void area_update(struct rb_node *n)
{
	struct area *a = rb_entry(n, struct area, node);
	vaddr_t most = a->gap;

	if (n->left)
		most = max(most, area_of(n->left)->max_gap);
	if (n->right)
		most = max(most, area_of(n->right)->max_gap);
	a->max_gap = most;
}

static bool area_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct area, node)->start < rb_entry(b, struct area, node)->start;
}

static void area_set_gap(struct area *a)
{
	struct area *before = area_of(rb_prev(&a->node));

	a->gap = a->start - (before ? before->end : vmalloc_start);
}

static void area_insert(struct area *a)
{
	a->gap = a->max_gap = 0;
	rb_insert_augmented(&areas, &a->node, area_less, area_update);
	area_set_gap(a);
	rb_update_path(&a->node, area_update);

	struct area *after = area_of(rb_next(&a->node));

	if (after) {
		after->gap = after->start - a->end;
		rb_update_path(&after->node, area_update);
	}
}

static void area_erase(struct area *a)
{
	struct area *after = area_of(rb_next(&a->node));

	rb_erase_augmented(&areas, &a->node, area_update);
	if (after) {
		area_set_gap(after);
		rb_update_path(&after->node, area_update);
	}
}

/* Would `size` bytes, aligned, fit into the gap before `a`? */
static bool gap_fits(const struct area *a, size_t size, size_t align, vaddr_t *out)
{
	vaddr_t at = ALIGN_UP(a->start - a->gap, align);

	*out = at;
	return at + size <= a->start && at >= a->start - a->gap;
}

/* The lowest place; every gap of size + align - 1 is enough, so the descent need not come back. */
static bool area_find_place(size_t size, size_t align, vaddr_t *out)
{
	size_t need = size + align - PAGE_SIZE;
	struct area *a = area_of(areas.node);

	while (a && a->max_gap >= need) {
		struct area *left = area_of(a->node.left);

		if (left && left->max_gap >= need) {
			a = left;
			continue;
		}
		if (a->gap >= need && gap_fits(a, size, align, out))
			return true;
		a = area_of(a->node.right);
	}

	struct area *last = area_of(rb_last(&areas));

	*out = ALIGN_UP(last ? last->end : vmalloc_start, align);
	return *out + size <= vmalloc_limit && *out + size > *out;
}

/* --- areas ------------------------------------------------------------------------------------ */

static struct area *dead_take(vaddr_t *low, vaddr_t *high)
{
	guard_spin_irq(&area_lock);

	struct area *chain = dead;

	for (struct area *a = chain; a; a = a->next) {
		*low = min(*low, a->start);
		*high = max(*high, a->end);
	}
	dead = NULL;
	dead_pages = 0;
	return chain;
}

/* Flush all processors, then the dead areas' addresses are free.  Context: may sleep. */
static void area_purge(void)
{
	guard_mutex(&purge_lock);

	vaddr_t low = ~0ul, high = 0;
	struct area *chain = dead_take(&low, &high);

	if (!chain)
		return;
	tlb_shootdown_kernel(low, high);
	while (chain) {
		struct area *a = chain;

		chain = a->next;
		with_spin_irq(&area_lock) area_erase(a);
		kfree(a);
	}
}

/* Addresses for `len` bytes with `below` unmapped bytes before and a guard page after. */
static struct area *area_create(size_t len, size_t align, size_t below, size_t behind)
{
	struct area *a = kzalloc(sizeof(*a), GFP_KERNEL);
	bool found = false;

	if (!a)
		return NULL;
	for (int attempt = 0; attempt < 2 && !found; attempt++) {
		if (attempt)
			area_purge();
		with_spin_irq(&area_lock)
		{
			found = area_find_place(len + below + behind, align, &a->start);
			if (found) {
				a->end = a->start + len + below + behind;
				a->va = a->start + below;
				a->len = len;
				area_insert(a);
			}
		}
	}
	if (!found) {
		kfree(a);
		return NULL;
	}
	return a;
}

/* The mapping is gone already; free the addresses when flushed. */
static void area_bury(struct area *a)
{
	bool full;

	with_spin_irq(&area_lock)
	{
		a->next = dead;
		dead = a;
		dead_pages += (a->end - a->start) >> PAGE_SHIFT;
		full = dead_pages > DEAD_PAGES_MAX;
	}
	if (full)
		area_purge();
}

static struct area *area_lookup(vaddr_t va)
{
	struct area *a = area_of(areas.node);

	while (a) {
		if (va < a->start)
			a = area_of(a->node.left);
		else if (va >= a->end)
			a = area_of(a->node.right);
		else
			break;
	}
	return a;
}

static struct area *area_find(const volatile void *va)
{
	guard_spin_irq(&area_lock);

	return area_lookup((vaddr_t)va);
}

static void area_free_pages(struct area *a)
{
	for (u32 i = 0; i < a->nr_pages; i++)
		page_free(a->pages[i], 0);
	vm_gauge_add(a->stack ? VM_NR_STACK : VM_NR_VMALLOC, -(s64)a->nr_pages);
	kvfree(a->pages);
	a->pages = NULL;
	a->nr_pages = 0;
}

static void area_destroy(struct area *a)
{
	kernel_unmap(a->va, a->len, NULL, NULL);
	if (a->pages)
		area_free_pages(a);
	area_bury(a);
}

static bool area_map_pages(struct area *a, struct page **pages, u32 n, unsigned flags)
{
	for (u32 i = 0; i < n;) {
		u32 run = 1;

		while (i + run < n && pages[i + run] == pages[i] + run)
			run++;
		if (kernel_map(a->va + (vaddr_t)i * PAGE_SIZE, page_to_phys(pages[i]),
			       (size_t)run * PAGE_SIZE, flags, MEM_NORMAL)) {
			kernel_unmap(a->va, (size_t)i * PAGE_SIZE, NULL, NULL);
			return false;
		}
		i += run;
	}
	return true;
}

#define AREA_RW (PTE_R | PTE_W | PTE_DIRTY)

/* Fill a fresh area with pages of its own. */
static bool area_fill(struct area *a, gfp_t gfp)
{
	u32 n = (u32)(a->len >> PAGE_SHIFT), got;
	struct page **pages = n * sizeof(*pages) <= PAGE_SIZE
				      ? kmalloc(n * sizeof(*pages), GFP_KERNEL)
				      : vmalloc(n * sizeof(*pages));

	if (!pages)
		return false;
	got = pages_alloc_bulk(gfp, pages, n);
	a->pages = pages;
	a->nr_pages = got;
	vm_gauge_add(a->stack ? VM_NR_STACK : VM_NR_VMALLOC, got);
	if (got == n && area_map_pages(a, pages, n, AREA_RW))
		return true;
	area_free_pages(a);
	return false;
}

static void *area_alloc(size_t len, size_t align, size_t below, size_t behind, bool stack,
			gfp_t gfp)
{
	struct area *a = area_create(len, align, below, behind);

	if (!a)
		return NULL;
	a->stack = stack;
	if (!area_fill(a, gfp)) {
		area_bury(a);
		return NULL;
	}
	return (void *)a->va;
}

/* --- vmalloc, vmap ---------------------------------------------------------------------------- */

static void *vmalloc_gfp(size_t size, gfp_t gfp)
{
	size_t len = ALIGN_UP(size, PAGE_SIZE);

	if (!size || len < size || len >> PAGE_SHIFT > frames_managed())
		return NULL;
	return area_alloc(len, PAGE_SIZE, 0, PAGE_SIZE, false, gfp);
}

void *vmalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL);
}

void *vzalloc(size_t size)
{
	return vmalloc_gfp(size, GFP_KERNEL | __GFP_ZERO);
}

void vfree(const void *p)
{
	if (!p)
		return;

	struct area *a = area_find(p);

	VERIFY(a && a->va == (vaddr_t)p && a->pages);
	area_destroy(a);
}

void *kvmalloc(size_t size, gfp_t gfp)
{
	if (size <= 2 * PAGE_SIZE)
		return kmalloc(size, gfp);

	void *p = kmalloc(size, gfp | __GFP_NOWARN | __GFP_NORETRY);

	return p ? p : vmalloc_gfp(size, gfp);
}

bool is_vmalloc_addr(const void *va)
{
	return (vaddr_t)va >= vmalloc_start && (vaddr_t)va < vmalloc_limit;
}

void kvfree(const void *p)
{
	if (is_vmalloc_addr(p))
		vfree(p);
	else
		kfree(p);
}

void *vmap_flags(struct page **pages, unsigned n, unsigned flags)
{
	struct area *a = n ? area_create((size_t)n * PAGE_SIZE, PAGE_SIZE, 0, PAGE_SIZE) : NULL;

	if (!a)
		return NULL;
	if (!area_map_pages(a, pages, n, flags | (flags & PTE_W ? PTE_DIRTY : 0))) {
		area_bury(a);
		return NULL;
	}
	return (void *)a->va;
}

void *vmap(struct page **pages, unsigned n)
{
	return vmap_flags(pages, n, PTE_R | PTE_W);
}

void vunmap(const void *va)
{
	if (!va)
		return;

	struct area *a = area_find(va);

	VERIFY(a && !a->pages);
	area_destroy(a);
}

void __iomem *mmio_map_type(paddr_t pa, size_t len, enum memtype type)
{
	size_t offset = pa & (PAGE_SIZE - 1), whole = ALIGN_UP(len + offset, PAGE_SIZE);

	if (!len || whole < len)
		return NULL;

	struct area *a =
		area_create(whole, whole >= PT_SIZE(1) ? PT_SIZE(1) : PAGE_SIZE, 0, PAGE_SIZE);

	if (!a)
		return NULL;
	if (kernel_map(a->va, pa - offset, whole, AREA_RW, type)) {
		area_destroy(a);
		return NULL;
	}
	return (void *)(a->va + offset);
}

void __iomem *mmio_map(paddr_t pa, size_t len)
{
	return mmio_map_type(pa, len, MEM_DEVICE);
}

void mmio_unmap(const volatile void __iomem *va)
{
	vunmap((const void *)((vaddr_t)va & PAGE_MASK));
}

struct page *vmalloc_to_page(const void *va)
{
	paddr_t pa;

	if (!kernel_va_to_phys(va, &pa) || !pfn_is_ram(pa >> PAGE_SHIFT))
		return NULL;
	return phys_to_page(pa);
}

int vmalloc_protect(void *va, size_t len, unsigned flags)
{
	if (!is_vmalloc_addr(va) || (vaddr_t)va & (PAGE_SIZE - 1) || len & (PAGE_SIZE - 1))
		return -EINVAL;
	kernel_protect((vaddr_t)va, len, flags, (PTE_R | PTE_W | PTE_X) & ~flags);
	tlb_shootdown_kernel((vaddr_t)va, (vaddr_t)va + len);
	return 0;
}

/* --- stacks ----------------------------------------------------------------------------------- */

#define STACKS_READY 8

struct stack_cache {
	u32 nr;
	void *stack[STACKS_READY];
};
static DEFINE_PER_CPU(struct stack_cache, stack_cache);

static struct llist_head stacks_dead; /* linked through their first word, freed by stack_work */
static struct work stack_work;

void *stack_alloc(void)
{
	void *stack = NULL;
	irqflags_t f = arch_irq_save();
	struct stack_cache *c = &this_cpu(stack_cache);

	if (c->nr)
		stack = c->stack[--c->nr];
	arch_irq_restore(f);
	if (stack)
		return stack;
	return area_alloc(KSTACK_SIZE, 2 * KSTACK_SIZE, KSTACK_SIZE, 0, true, GFP_KERNEL);
}

static void stacks_free_dead(struct work *w)
{
	struct llist_node *n = llist_take_all(&stacks_dead);

	while (n) {
		struct llist_node *next = n->next;

		vfree(n);
		n = next;
	}
}

void stack_free(void *stack)
{
	if (!stack)
		return;

	irqflags_t f = arch_irq_save();
	struct stack_cache *c = &this_cpu(stack_cache);
	bool kept = c->nr < STACKS_READY;

	if (kept)
		c->stack[c->nr++] = stack;
	arch_irq_restore(f);
	if (!kept && llist_push(&stacks_dead, stack))
		work_queue(&stack_work);
}

bool stack_guard_hit(vaddr_t va)
{
	bool hit = false;
	irqflags_t f = arch_irq_save();

	if (is_vmalloc_addr((void *)va) && spin_trylock(&area_lock)) {
		struct area *a = area_lookup(va);

		hit = a && a->stack && va < a->va;
		spin_unlock(&area_lock);
	}
	arch_irq_restore(f);
	return hit;
}

void vmalloc_init(void)
{
	work_init(&stack_work, stacks_free_dead);
}
