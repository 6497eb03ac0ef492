/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at address spaces: maps, smaps, pagemap, clear_refs. */
#include <kernel/lib/string.h>
#include "swap_internal.h"

const char *vma_name(struct vma *vma)
{
	const struct mm *mm = vma->mm;

	if (vma->ops && vma->ops->name)
		return vma->ops->name(vma);
	if (vma->file)
		return NULL;
	if (vma->start <= mm->brk && vma->end > mm->start_brk && mm->start_brk != mm->brk)
		return "[heap]";
	if (vma->start <= mm->start_stack && vma->end >= mm->start_stack)
		return "[stack]";
	return NULL;
}

static void usage_of_page(struct vma_usage *u, struct page *p, unsigned flags)
{
	u32 maps = page_mapcount(p);
	bool dirty = flags & PTE_DIRTY || page_test(p, PG_dirty);

	u->rss += PAGE_SIZE;
	u->pss += PAGE_SIZE / max(maps, 1u);
	if (page_test(p, PG_anon))
		u->anonymous += PAGE_SIZE;
	if (flags & PTE_ACCESSED || page_test(p, PG_referenced))
		u->referenced += PAGE_SIZE;
	if (maps > 1)
		*(dirty ? &u->shared_dirty : &u->shared_clean) += PAGE_SIZE;
	else
		*(dirty ? &u->private_dirty : &u->private_clean) += PAGE_SIZE;
}

void vma_usage(struct vma *vma, struct vma_usage *out)
{
	vaddr_t addr = vma->start;
	pte_t *slot;

	memset(out, 0, sizeof(*out));
	while ((slot = upt_find(vma->mm->arch.root, &addr, vma->end))) {
		vaddr_t stop = upt_table_end(addr, vma->end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot);

			if (pte_is_swap(e)) {
				out->swap += PAGE_SIZE;
				out->swap_pss += PAGE_SIZE;
			}
			if (arch_pte_present(e) && !(arch_pte_flags(e) & PTE_SPECIAL))
				usage_of_page(out, phys_to_page(arch_pte_addr(e, 0)),
					      arch_pte_flags(e));
		}
	}
	if (vma->flags & VM_LOCKED)
		out->locked = out->pss;
}

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAP    (1ull << 62)
#define PAGEMAP_FILE    (1ull << 61)
#define PAGEMAP_SINGLE  (1ull << 56)

/* Bits 0-4 the area, from 5 on the slot. */
static u64 pagemap_slot(u64 entry)
{
	return entry_type(entry) | entry_slot(entry) << 5;
}

void mm_pagemap(struct mm *mm, vaddr_t addr, unsigned n, u64 *out, bool frames)
{
	memset(out, 0, n * sizeof(*out));
	mm_read_lock(mm);
	for (unsigned i = 0; i < n; i++, addr += PAGE_SIZE) {
		pte_t *slot = vma_at(mm, addr) ? upt_slot(mm->arch.root, addr) : NULL;
		pte_t e = slot ? pte_load(slot) : (pte_t){0};

		if (pte_is_swap(e))
			out[i] = PAGEMAP_SWAP | (frames ? pagemap_slot(arch_pte_token(e)) : 0);
		if (!arch_pte_present(e))
			continue;
		out[i] = PAGEMAP_PRESENT;
		if (frames)
			out[i] |= arch_pte_addr(e, 0) >> PAGE_SHIFT;
		if (arch_pte_flags(e) & PTE_SPECIAL)
			continue;

		struct page *p = phys_to_page(arch_pte_addr(e, 0));

		if (!page_test(p, PG_anon))
			out[i] |= PAGEMAP_FILE;
		if (page_mapcount(p) == 1)
			out[i] |= PAGEMAP_SINGLE;
	}
	mm_read_unlock(mm);
}

static void clear_refs_area(struct vma *vma)
{
	vaddr_t addr = vma->start;
	pte_t *slot;

	while ((slot = upt_find(vma->mm->arch.root, &addr, vma->end))) {
		vaddr_t stop = upt_table_end(addr, vma->end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot);

			if (!arch_pte_present(e) || arch_pte_flags(e) & PTE_SPECIAL)
				continue;
			pte_replace(slot, &e, arch_pte_change(e, 0, PTE_ACCESSED));
			page_clear(phys_to_page(arch_pte_addr(e, 0)), PG_referenced);
		}
	}
}

void mm_clear_refs(struct mm *mm)
{
	struct vma *vma;

	mm_read_lock(mm);
	for_each_vma(vma, mm) clear_refs_area(vma);
	tlb_shootdown(mm, 0, USER_TOP);
	mm_read_unlock(mm);
}
