/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page tables of user address spaces: made by faults, freed by unmapping.
 *
 * A table is freed only when all its entries are empty, so freed tables are cleared pages; each CPU
 * keeps some for the next table it needs, which saves most of the clearing in fork and exec.
 */
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <kernel/smp/percpu.h>
#include "space_internal.h"

#define TABLES_READY 24

struct table_cache {
	u32 nr;
	struct page *page[TABLES_READY];
};
static DEFINE_PER_CPU(struct table_cache, table_cache);

static struct page *table_take_ready(void)
{
	irqflags_t f = arch_irq_save();
	struct table_cache *c = &this_cpu(table_cache);
	struct page *p = c->nr ? c->page[--c->nr] : NULL;

	arch_irq_restore(f);
	return p;
}

struct page *upt_table_alloc(struct mm *mm, unsigned level, vaddr_t base)
{
	struct page *p = table_take_ready();

	if (!p) {
		p = page_alloc(GFP_KERNEL | __GFP_ZERO | __GFP_ACCOUNT);
		if (!p)
			return NULL;
		p->flags = 1u << PG_table;
		vm_gauge_add(VM_NR_PAGETABLE, 1);
	}
	p->counts = PAGE_COUNT_REF;
	p->table_mm = mm;
	p->table_base = base;
	p->table_level = level;
	return p;
}

void upt_table_release(struct page *p)
{
	ASSERT(!memchr_inv(page_address(p), 0, PAGE_SIZE));

	irqflags_t f = arch_irq_save();
	struct table_cache *c = &this_cpu(table_cache);
	bool kept = c->nr < TABLES_READY;

	if (kept)
		c->page[c->nr++] = p;
	arch_irq_restore(f);
	if (!kept) {
		vm_gauge_add(VM_NR_PAGETABLE, -1);
		page_free(p, 0);
	}
}

/*
 * Roots have a kernel half on some machines, so they are kept apart from other tables.
 */
#define ROOTS_READY 4

struct root_cache {
	u32 nr;
	struct page *page[ROOTS_READY];
};
static DEFINE_PER_CPU(struct root_cache, root_cache);

struct page *upt_root_alloc(struct mm *mm)
{
	irqflags_t f = arch_irq_save();
	struct root_cache *c = &this_cpu(root_cache);
	struct page *p = c->nr ? c->page[--c->nr] : NULL;

	arch_irq_restore(f);
	if (!p) {
		p = page_alloc(GFP_KERNEL | __GFP_ZERO | __GFP_ACCOUNT);
		if (!p)
			return NULL;
		vm_gauge_add(VM_NR_PAGETABLE, 1);
	}
	p->table_mm = mm;
	p->table_level = arch_pt_levels() - 1;
	return p;
}

void upt_root_free(struct page *p)
{
	ASSERT(!memchr_inv(page_address(p), 0, ARCH_USER_ROOT_ENTRIES * sizeof(pte_t)));

	irqflags_t f = arch_irq_save();
	struct root_cache *c = &this_cpu(root_cache);
	bool kept = c->nr < ROOTS_READY;

	if (kept)
		c->page[c->nr++] = p;
	arch_irq_restore(f);
	if (!kept) {
		vm_gauge_add(VM_NR_PAGETABLE, -1);
		page_free(p, 0);
	}
}

/* Make the table below `slot`, unless somebody was faster. */
static int table_install(struct mm *mm, pte_t *slot, unsigned level, vaddr_t va, pte_t *out)
{
	struct page *p = upt_table_alloc(mm, level - 1, va & ~(vaddr_t)(PT_SIZE(level) - 1));
	pte_t seen = {0};

	if (!p)
		return -ENOMEM;

	pte_t e = arch_pte_table(page_to_phys(p), true);

	if (pte_replace(slot, &seen, e)) {
		atomic_inc(&mm->nr_tables);
		*out = e;
	} else {
		page_put(p);
		*out = seen;
	}
	return 0;
}

int upt_slot_alloc(struct mm *mm, vaddr_t va, pte_t **out)
{
	pte_t *table = phys_to_virt(mm->arch.root);

	for (unsigned level = arch_pt_levels() - 1; level > 0; level--) {
		pte_t *slot = &table[pt_index(va, level)];
		pte_t e = pte_load(slot);

		if (unlikely(pte_none(e))) {
			int err = table_install(mm, slot, level, va, &e);

			if (err)
				return err;
		}
		table = pte_to_table(e);
	}
	*out = &table[pt_index(va, 0)];
	return 0;
}

pte_t *upt_find(paddr_t root, vaddr_t *addr, vaddr_t end)
{
	vaddr_t va = *addr;

	while (va < end) {
		pte_t *table = phys_to_virt(root);
		unsigned level = arch_pt_levels() - 1;

		for (; level > 0; level--) {
			pte_t e = pte_load(&table[pt_index(va, level)]);

			if (pte_none(e))
				break;
			table = pte_to_table(e);
		}
		if (!level) {
			*addr = va;
			return &table[pt_index(va, 0)];
		}
		va = (va | (vaddr_t)(PT_SIZE(level) - 1)) + 1;
		if (!va)
			break;
	}
	return NULL;
}

struct free_job {
	struct tlb_batch *b;
	struct mm *mm;
	vaddr_t floor, ceiling_last; /* tables within may go */
};

/* Bounds inclusive. */
static void free_level(struct free_job *job, pte_t *table, unsigned level, vaddr_t va, vaddr_t last)
{
	for (;;) {
		vaddr_t size = (vaddr_t)PT_SIZE(level), lo = va & ~(size - 1), hi = lo + size - 1;
		vaddr_t stop = min(hi, last);
		pte_t *slot = &table[pt_index(va, level)];
		pte_t e = pte_load(slot);

		if (!pte_none(e)) {
			if (level > 1)
				free_level(job, pte_to_table(e), level - 1, va, stop);
			if (lo >= job->floor && hi <= job->ceiling_last) {
				pte_store(slot, (pte_t){0});
				atomic_dec(&job->mm->nr_tables);
				tlb_free_table(job->b, phys_to_page(arch_pte_addr(e, level)));
			}
		}
		if (stop == last)
			return;
		va = stop + 1;
	}
}

void upt_free_tables(struct tlb_batch *b, struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
		     vaddr_t ceiling)
{
	/* Beyond the last area a table may extend past the end of user space. */
	struct free_job job = {b, mm, floor, ceiling ? ceiling - 1 : ~0ul};

	if (start < end)
		free_level(&job, phys_to_virt(mm->arch.root), arch_pt_levels() - 1, start, end - 1);
}
