/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forgetting translations on every processor that may have them, many at once.
 *
 * Whoever clears or restricts entries collects them in a struct tlb_batch.  Pages and page tables
 * that the entries led to are freed only after the flush, for another processor may still reach
 * them.
 *
 * Who has translations: mmu->cpus holds each processor that loaded the address space since.  A
 * processor running a kernel thread keeps the last user root loaded (lazily) and stays in the mask.
 */
#pragma once

#include <arch/tlb.h>
#include <mm/page.h>

struct mm;

#define TLB_BATCH_INLINE 24

struct tlb_chunk {
	struct tlb_chunk *next;
	unsigned nr;
	struct page *pages[(4096 - 16) / 8];
};

struct tlb_batch {
	struct mm *mm;
	vaddr_t start, end;       /* what must be flushed; empty when start >= end */
	bool all;                 /* the whole address space goes: nobody will use it again */
	bool tables;              /* a page table was unlinked */
	unsigned nr;              /* in `inl` */
	struct tlb_chunk *chunks; /* newest first */
	struct page *inl[TLB_BATCH_INLINE];
};

void tlb_begin(struct tlb_batch *b, struct mm *mm);
/* Teardown: the address space has no users left. */
void tlb_begin_exit(struct tlb_batch *b, struct mm *mm);
/* An entry at `va` was cleared or restricted. */
static inline void tlb_note(struct tlb_batch *b, vaddr_t va)
{
	if (va < b->start)
		b->start = va;
	if (va + PAGE_SIZE > b->end)
		b->end = va + PAGE_SIZE;
}
/* Free `p` (put one reference) after the flush.  May flush at once when full. */
void tlb_free_page(struct tlb_batch *b, struct page *p);
/* Free an unlinked page table after the flush. */
void tlb_free_table(struct tlb_batch *b, struct page *table);
/* Flush what was noted and free what waited. */
void tlb_flush(struct tlb_batch *b);
void tlb_end(struct tlb_batch *b);

/* User addresses [start, end) on every CPU that may hold them.  Context: interrupts on. */
void tlb_shootdown(struct mm *mm, vaddr_t start, vaddr_t end);
/* Kernel addresses, on all CPUs.  Context: interrupts on. */
void tlb_shootdown_kernel(vaddr_t start, vaddr_t end);
/* Nobody may keep `mmu` loaded any more: processors that do, lazily, load the kernel's root. */
void tlb_drop_lazy(struct arch_mmu *mmu);
