/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Forgetting translations.  <isa/tlb.h> supplies ARCH_TLB_BROADCAST: when 1 these reach all CPUs by
 * themselves, when 0 only this CPU, and mm/tlb.c carries them to the others by IPI.
 */
#ifndef ARCH_TLB_H
#define ARCH_TLB_H

#include <arch/mmu.h>
#include <isa/tlb.h>

/* User addresses [start, end) of `m`, leaves of size `stride`.  Context: preemption off. */
void arch_tlb_flush_range(struct arch_mmu *m, vaddr_t start, vaddr_t end, size_t stride);
void arch_tlb_flush_all(struct arch_mmu *m);
/* Kernel addresses.  Context: any. */
void arch_tlb_flush_kernel(vaddr_t start, vaddr_t end);

#endif
