/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roots, satp, and the translation cache.
 *
 * One root serves both halves, so each address space carries a copy of the kernel's upper entries.
 * They hardly ever change: when mm fills a new top-level slot, it is copied into all roots, which
 * therefore stand in a list.
 *
 * Address-space identifiers are not used: a switch drops all translations but the global ones, and
 * nothing has to be remembered about processors that ran an address space before.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/tlb.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/ipi.h>
#include <kernel/sync/spinlock.h>
#include <isa/csr.h>
#include "riscv_internal.h"

#define FLUSH_PAGES_MAX 32 /* beyond, forgetting everything is cheaper */

struct arch_mmu arch_kernel_mmu = { .link = LIST_INIT(arch_kernel_mmu.link) };
u64 riscv_pte_memtype[4];
bool riscv_hw_dirty;

static struct spinlock mmu_list_lock = SPINLOCK_INIT(RANK_TLB);
static struct list mmu_list = LIST_INIT(mmu_list); /* [m] struct arch_mmu.link */

static void flush_all(void)
{
	__asm__ __volatile__("sfence.vma" : : : "memory");
}

static void flush_page(vaddr_t va)
{
	__asm__ __volatile__("sfence.vma %0" : : "r"(va) : "memory");
}

/* Everything but global entries: all of identifier 0, the only one in use. */
static void flush_user(void)
{
	__asm__ __volatile__("sfence.vma zero, %0" : : "r"(0l) : "memory");
}

unsigned arch_pt_levels(void)
{
	return (unsigned)(riscv_satp_mode >> SATP_MODE_SHIFT) - 5;
}

bool riscv_kernel_allows(vaddr_t va, unsigned flags)
{
	paddr_t table = arch_kernel_mmu.root;

	if ((s64)va >= 0)
		return false;
	for (unsigned level = arch_pt_levels(); level-- > 0;) {
		unsigned index = va >> (PAGE_SHIFT + PT_INDEX_BITS * level) & 511;
		pte_t e = { READ_ONCE(((pte_t *)phys_to_virt(table))[index].raw) };

		if (!(e.raw & RISCV_PTE_V))
			return false;
		if (arch_pte_is_leaf(e, level))
			return (arch_pte_flags(e) & flags) == flags;
		table = arch_pte_addr(e, level);
	}
	return false;
}

void riscv_mmu_features(void)
{
	if (riscv_has(RISCV_SVPBMT)) {
		riscv_pte_memtype[MEM_UNCACHED] = 2ull << 61;
		riscv_pte_memtype[MEM_WRITECOMBINE] = 1ull << 61;
		riscv_pte_memtype[MEM_DEVICE] = 2ull << 61;
	}
	riscv_hw_dirty = riscv_has(RISCV_SVADU);
}

static void load_root(paddr_t root)
{
	csr_write(satp, riscv_satp_mode | root >> PAGE_SHIFT);
}

int arch_mmu_init(struct arch_mmu *m, paddr_t root)
{
	const size_t half = ARCH_USER_ROOT_ENTRIES;

	m->root = root;
	cpumask_zero(&m->cpus);

	guard_spin_irq(&mmu_list_lock);
	memcpy((pte_t *)phys_to_virt(root) + half,
	       (pte_t *)phys_to_virt(arch_kernel_mmu.root) + half, half * sizeof(pte_t));
	list_push_back(&mmu_list, &m->link);
	return 0;
}

void arch_mmu_destroy(struct arch_mmu *m)
{
	guard_spin_irq(&mmu_list_lock);
	list_remove(&m->link);
}

void arch_mmu_kernel_slot_added(unsigned index)
{
	struct arch_mmu *m;

	guard_spin_irq(&mmu_list_lock);

	u64 raw = ((pte_t *)phys_to_virt(arch_kernel_mmu.root))[index].raw;

	list_for_each (m, &mmu_list, link)
		WRITE_ONCE(((pte_t *)phys_to_virt(m->root))[index].raw, raw);
	arch_pte_written();
}

/* Code may have been stored for `next` on other harts since it ran here: hence the fence.i. */
void arch_mmu_switch(struct arch_mmu *next)
{
	load_root(next->root);
	flush_user();
	__asm__ __volatile__("fence.i" : : : "memory");
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	arch_kernel_mmu.root = root;
	load_root(root);
	flush_all();
}

void arch_tlb_flush_range(struct arch_mmu *m, vaddr_t start, vaddr_t end, size_t stride)
{
	if ((end - start) / stride > FLUSH_PAGES_MAX) {
		flush_user();
		return;
	}
	for (vaddr_t va = start; va < end; va += stride)
		flush_page(va);
}

void arch_tlb_flush_all(struct arch_mmu *m)
{
	flush_user();
}

void arch_tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	if ((end - start) >> PAGE_SHIFT > FLUSH_PAGES_MAX) {
		flush_all();
		return;
	}
	for (vaddr_t va = start; va < end; va += PAGE_SIZE)
		flush_page(va);
}

static void fetch_fence(void *unused)
{
	__asm__ __volatile__("fence.i" : : : "memory");
}

/*
 * fence.i orders this hart's fetches after the stores it can see; the others must run their own.
 * With interrupts off nobody can be waited for: then this hart alone is done, which boot code
 * needs.
 */
void arch_icache_sync(const void *va, size_t len)
{
	__asm__ __volatile__("fence rw, rw\n\tfence.i" : : : "memory");
	if (num_online_cpus() > 1 && arch_irq_enabled())
		smp_call_all(fetch_fence, NULL, true);
}

/* Devices of the supported platforms snoop; Zicbom is not used. */
void arch_dma_sync(paddr_t pa, size_t len, bool to_device)
{
}
