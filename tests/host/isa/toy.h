/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The toy machine's memory management unit, as tests use it.
 *
 * Each processor has a TLB that keeps every translation it ever made until it is flushed, however
 * often the table changes meanwhile.  So a kernel that forgets an invalidation is caught at the
 * first access instead of by luck: toy_translate() answers from the TLB, and toy_stale() counts the
 * answers that the table no longer gives.
 */
#pragma once

#include <arch/mmu.h>
#include <arch/tlb.h>

/* Make `pages` of RAM and a 3- or 4-level MMU; forget the former ones. */
void toy_init(size_t pages, unsigned levels);
void toy_fini(void);

/* A page of RAM, cleared, or 0 when there is none left (or the host's failure injection says
 * so). */
paddr_t toy_page_alloc(void);
void toy_page_free(paddr_t pa);
size_t toy_pages_used(void);

/* Which processor the following calls speak for. */
void toy_set_cpu(unsigned cpu);

/*
 * Access `va` through `m` as processor; `need` are PTE_R, PTE_W, PTE_X, PTE_USER.
 * Returns true and the physical address, or false: a fault.
 */
bool toy_translate(struct arch_mmu *m, vaddr_t va, unsigned need, paddr_t *pa);

/* Translations so far that contradicted the table.  Reading resets it. */
unsigned toy_stale(void);
