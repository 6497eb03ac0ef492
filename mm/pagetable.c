/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic walker: what the kernel's own tree and the tests use (pagetable.h has the rules).
 *
 * Recursion over levels, each call for one table.  User trees are walked by space_*.c and fault.c,
 * which know areas; they share upt_slot_alloc and upt_free_tables below.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <mm/page.h>
#include <mm/pagetable.h>

/* The end of the part of [va, end) that one entry at `level` covers. */
static vaddr_t step_end(vaddr_t va, vaddr_t last, unsigned level)
{
	vaddr_t edge = va | (vaddr_t)(PT_SIZE(level) - 1);

	return min(edge, last);
}

struct map_job {
	paddr_t pa;
	unsigned flags;
	enum memtype type;
	unsigned max_level;
	struct pt_source *src;
};

static int table_make(pte_t *slot, unsigned level, vaddr_t va, struct pt_source *src, bool user,
		      pte_t **out)
{
	pte_t e = pte_load(slot);
	paddr_t pa;
	int err;

	if (arch_pte_present(e)) {
		if (arch_pte_is_leaf(e, level))
			return -EEXIST;
		*out = pte_to_table(e);
		return 0;
	}
	err = src->alloc(src, level - 1, va & ~(vaddr_t)(PT_SIZE(level) - 1), &pa);
	if (err)
		return err;
	*out = phys_to_virt(pa);
	smp_wmb();
	pte_store(slot, arch_pte_table(pa, user));
	return 0;
}

/* Bounds are inclusive, so that the last byte of the address space can be one. */
static int map_level(pte_t *table, unsigned level, vaddr_t va, vaddr_t last, struct map_job *job)
{
	for (;;) {
		pte_t *slot = &table[pt_index(va, level)];
		vaddr_t stop = step_end(va, last, level);
		size_t len = stop - va + 1;
		int err = 0;

		if (level <= job->max_level && arch_pt_leaf_ok(level) && len == PT_SIZE(level) &&
		    IS_ALIGNED(job->pa, PT_SIZE(level))) {
			if (!pte_none(pte_load(slot)))
				return -EEXIST;
			pte_store(slot, arch_pte_leaf(job->pa, job->flags, job->type, level));
			job->pa += len;
		} else {
			pte_t *below;

			err = table_make(slot, level, va, job->src, job->flags & PTE_USER, &below);
			if (!err)
				err = map_level(below, level - 1, va, stop, job);
		}
		if (err || stop == last)
			return err;
		va = stop + 1;
	}
}

int pt_map(paddr_t root, vaddr_t va, paddr_t pa, size_t len, unsigned flags, enum memtype type,
	   unsigned max_level, struct pt_source *src)
{
	struct map_job job = {
		.pa = pa, .flags = flags, .type = type, .max_level = max_level, .src = src};
	int err = map_level(phys_to_virt(root), arch_pt_levels() - 1, va, va + len - 1, &job);

	arch_pte_written();
	return err;
}

typedef void (*gone_fn)(pte_t e, unsigned level, vaddr_t va, void *ctx);

static void unmap_level(pte_t *table, unsigned level, vaddr_t va, vaddr_t last, gone_fn gone,
			void *ctx)
{
	for (;;) {
		pte_t *slot = &table[pt_index(va, level)];
		vaddr_t stop = step_end(va, last, level);
		pte_t e = pte_load(slot);

		if (arch_pte_present(e) && arch_pte_is_leaf(e, level)) {
			e = pte_take(slot);
			if (gone)
				gone(e, level, va, ctx);
		} else if (arch_pte_present(e)) {
			unmap_level(pte_to_table(e), level - 1, va, stop, gone, ctx);
		}
		if (stop == last)
			return;
		va = stop + 1;
	}
}

void pt_unmap(paddr_t root, vaddr_t va, size_t len, gone_fn gone, void *ctx)
{
	unmap_level(phys_to_virt(root), arch_pt_levels() - 1, va, va + len - 1, gone, ctx);
	arch_pte_written();
}

static void protect_slot(pte_t *slot, unsigned set, unsigned clear)
{
	pte_t e = pte_load(slot);

	while (!pte_replace(slot, &e, arch_pte_change(e, set, clear)))
		;
}

static void protect_level(pte_t *table, unsigned level, vaddr_t va, vaddr_t last, unsigned set,
			  unsigned clear)
{
	for (;;) {
		pte_t *slot = &table[pt_index(va, level)];
		vaddr_t stop = step_end(va, last, level);
		pte_t e = pte_load(slot);

		if (arch_pte_present(e) && arch_pte_is_leaf(e, level))
			protect_slot(slot, set, clear);
		else if (arch_pte_present(e))
			protect_level(pte_to_table(e), level - 1, va, stop, set, clear);
		if (stop == last)
			return;
		va = stop + 1;
	}
}

void pt_protect(paddr_t root, vaddr_t va, size_t len, unsigned set, unsigned clear)
{
	protect_level(phys_to_virt(root), arch_pt_levels() - 1, va, va + len - 1, set, clear);
	arch_pte_written();
}

bool pt_lookup(paddr_t root, vaddr_t va, pte_t *out, unsigned *level)
{
	pte_t *table = phys_to_virt(root);

	for (unsigned l = arch_pt_levels(); l-- > 0;) {
		pte_t e = pte_load(&table[pt_index(va, l)]);

		if (!arch_pte_present(e))
			return false;
		if (arch_pte_is_leaf(e, l)) {
			*out = e;
			*level = l;
			return true;
		}
		table = pte_to_table(e);
	}
	return false;
}

static int populate_level(pte_t *table, unsigned level, vaddr_t va, vaddr_t last,
			  unsigned stop_level, struct pt_source *src)
{
	for (;;) {
		vaddr_t stop = step_end(va, last, level);
		pte_t *below;
		int err = table_make(&table[pt_index(va, level)], level, va, src, false, &below);

		if (!err && level - 1 > stop_level)
			err = populate_level(below, level - 1, va, stop, stop_level, src);
		if (err || stop == last)
			return err;
		va = stop + 1;
	}
}

int pt_populate(paddr_t root, vaddr_t va, size_t len, unsigned level, struct pt_source *src)
{
	return populate_level(phys_to_virt(root), arch_pt_levels() - 1, va, va + len - 1, level,
			      src);
}
