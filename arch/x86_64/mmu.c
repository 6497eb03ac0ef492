/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roots and forgotten translations.
 *
 * The upper half of every root holds the same 256 entries, copied when a root is made.  They must
 * therefore be complete before the first user root is: mm fills the physmap at boot, and the one
 * slot of the vmalloc area gets its table here.
 *
 * No address-space identifiers: a switch of roots forgets all but global translations.
 */
#include <arch/irqflags.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/tlb.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include "msr.h"
#include "x86_internal.h"

#define ROOT_ENTRIES	 512
#define FLUSH_PAGES_MAX 33 /* beyond this forgetting everything is cheaper */

struct arch_mmu arch_kernel_mmu;

static u64 vmalloc_table[ROOT_ENTRIES] __aligned(4096);
static bool user_roots;

unsigned arch_pt_levels(void)
{
	return 4;
}

int arch_mmu_init(struct arch_mmu *m, paddr_t root)
{
	const u64 *from = phys_to_virt(arch_kernel_mmu.root);
	u64 *to = phys_to_virt(root);

	memcpy(to + ARCH_USER_ROOT_ENTRIES, from + ARCH_USER_ROOT_ENTRIES,
	       (ROOT_ENTRIES - ARCH_USER_ROOT_ENTRIES) * sizeof(u64));
	m->root = root;
	cpumask_zero(&m->cpus);
	WRITE_ONCE(user_roots, true);
	return 0;
}

void arch_mmu_destroy(struct arch_mmu *m)
{
	m->root = 0;
}

static void load_root(paddr_t root)
{
	arch_cpu_self()->arch.root = root;
	write_cr3(root);
}

void arch_mmu_switch(struct arch_mmu *next)
{
	if (arch_cpu_self()->arch.root != next->root)
		load_root(next->root);
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	u64 *slot = (u64 *)phys_to_virt(root) + (VMALLOC_BASE >> 39 & (ROOT_ENTRIES - 1));

	if (!*slot)
		*slot = arch_pte_table(x86_image_pa(vmalloc_table), false).raw;
	arch_kernel_mmu.root = root;
	load_root(root);
}

void arch_mmu_kernel_slot_added(unsigned index)
{
	VERIFY(!READ_ONCE(user_roots));
}

void arch_icache_sync(const void *va, size_t len)
{
	/* Instruction fetch is coherent with stores, and a jump or an interrupt return serialises
	 * enough. */
	barrier();
}

void arch_dma_sync(paddr_t pa, size_t len, bool to_device)
{
	/* Devices snoop. */
}

static void invlpg(vaddr_t va)
{
	__asm__ __volatile__("invlpg (%0)" ::"r"(va) : "memory");
}

static void flush_all_but_global(void)
{
	write_cr3(arch_cpu_self()->arch.root);
}

void arch_tlb_flush_range(struct arch_mmu *m, vaddr_t start, vaddr_t end, size_t stride)
{
	if (arch_cpu_self()->arch.root != m->root)
		return;
	if ((end - start) / stride > FLUSH_PAGES_MAX) {
		flush_all_but_global();
		return;
	}
	for (vaddr_t va = start; va < end; va += stride)
		invlpg(va);
}

void arch_tlb_flush_all(struct arch_mmu *m)
{
	if (arch_cpu_self()->arch.root == m->root)
		flush_all_but_global();
}

void arch_tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	if ((end - start) / PAGE_SIZE <= FLUSH_PAGES_MAX) {
		for (vaddr_t va = start; va < end; va += PAGE_SIZE)
			invlpg(va);
		return;
	}

	irqflags_t f = arch_irq_save();
	u64 cr4 = read_cr4();

	/* Global translations go when CR4.PGE changes. */
	write_cr4(cr4 ^ CR4_PGE);
	write_cr4(cr4);
	arch_irq_restore(f);
}
