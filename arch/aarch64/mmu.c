/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address spaces: roots, address-space identifiers, forgetting translations.
 *
 * TTBR1 holds the kernel's tree and never changes after boot; TTBR0 the user's, tagged with an ASID
 * so that a switch forgets nothing.  An ASID belongs to a generation, counted in the bits above it.
 * When the identifiers run out, a new generation begins: every CPU keeps the one it is using
 * (reserved), all others become free, and each CPU forgets its translations before it next
 * switches.
 *
 * A switch takes no lock as long as the identifier's generation is current and no new one begins
 * meanwhile: it exchanges its own asid_active, and finds 0 there only if a rollover has passed by.
 *
 * Lock order: asid_lock (RANK_TLB) is innermost.  Unverified on hardware: ordering of ASID reuse
 * and break-before-make, which the emulator does not need.
 */
#include <arch/io.h>
#include <arch/mmu.h>
#include <arch/tlb.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/cpu.h>
#include <kernel/sync/spinlock.h>
#include <isa/sysreg.h>
#include "arm_internal.h"
#include "boot_internal.h"

#define MAX_ASIDS 65536

struct arch_mmu arch_kernel_mmu;
bool arch_hw_dirty;

static u64 empty_root[512] __aligned(4096);

static struct spinlock asid_lock = SPINLOCK_INIT(RANK_TLB);
static unsigned asid_bits;			/* [I] 8 or 16 */
static u64 asid_generation;			/* [a] multiple of 1 << asid_bits */
static BITMAP_DECLARE(asid_used, MAX_ASIDS);	/* [asid_lock] in this generation */
static unsigned asid_next = 1;			/* [asid_lock] where the search goes on */

#define ASID_MASK ((1ull << asid_bits) - 1)

unsigned arch_pt_levels(void)
{
	return 4;
}

void mmu_init(void)
{
	asid_bits = boot_map.tcr >> TCR_AS & 1 ? 16 : 8;
	asid_generation = 1ull << asid_bits;
	bitmap_set(asid_used, 0);
	arch_hw_dirty = boot_map.tcr >> TCR_HD & 1;
	arch_kernel_mmu.root = boot_map.root;
	mmu_init_cpu();
}

/* Leave the identity map. */
void mmu_init_cpu(void)
{
	ttbr0_set(image_pa(empty_root));
	__asm__ __volatile__("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
}

int arch_mmu_init(struct arch_mmu *m, paddr_t root)
{
	m->root = root;
	m->asid = 0;
	cpumask_zero(&m->cpus);
	return 0;
}

void arch_mmu_destroy(struct arch_mmu *m)
{
	/* Its identifier is not reused before a new generation. */
}

/* The identifier of an earlier generation survives on CPUs that were using it. */
static bool asid_is_reserved(u64 old, u64 new)
{
	bool hit = false;

	for (unsigned i = 0; i < nr_cpus; i++) {
		struct arch_cpu *c = &cpu_get(i)->arch;

		if (c->asid_reserved == old) {
			c->asid_reserved = new;
			hit = true;
		}
	}
	return hit;
}

static void asid_rollover(void)
{
	bitmap_zero(asid_used, 1u << asid_bits);
	bitmap_set(asid_used, 0);
	for (unsigned i = 0; i < nr_cpus; i++) {
		struct arch_cpu *c = &cpu_get(i)->arch;
		u64 active = atomic_xchg(&c->asid_active, 0);

		/* 0: that CPU has not switched since the last rollover, and still uses its reserved
		 * one. */
		if (!active)
			active = c->asid_reserved;
		c->asid_reserved = active;
		if (active)
			bitmap_set(asid_used, active & ASID_MASK);
		c->asid_flush = true;
	}
}

/* A current identifier for an address space that has none.  Locks: asid_lock held. */
static u64 asid_new(u64 old)
{
	u64 gen = atomic_load(&asid_generation);

	if (old) {
		u64 same = gen | (old & ASID_MASK);

		if (asid_is_reserved(old, same))
			return same;
		if (!bitmap_test(asid_used, old & ASID_MASK)) {
			bitmap_set(asid_used, old & ASID_MASK);
			return same;
		}
	}

	size_t n = 1u << asid_bits;
	size_t id = bitmap_find_next_zero(asid_used, n, asid_next);

	if (id == n)
		id = bitmap_find_next_zero(asid_used, n, 1);
	if (id == n) {
		gen = atomic_add_return(&asid_generation, 1ull << asid_bits);
		asid_rollover();
		id = bitmap_find_next_zero(asid_used, n, 1);
	}
	bitmap_set(asid_used, id);
	asid_next = id + 1 < n ? id + 1 : 1;
	return gen | id;
}

static u64 asid_slow(struct arch_mmu *m, struct arch_cpu *c)
{
	spin_lock(&asid_lock);

	u64 asid = atomic_load(&m->asid);

	if ((asid ^ atomic_load(&asid_generation)) >> asid_bits) {
		asid = asid_new(asid);
		atomic_store(&m->asid, asid);
	}
	if (c->asid_flush) {
		c->asid_flush = false;
		__asm__ __volatile__("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
	}
	atomic_store(&c->asid_active, asid);
	spin_unlock(&asid_lock);
	return asid;
}

void arch_mmu_switch(struct arch_mmu *next)
{
	if (next == &arch_kernel_mmu) {
		ttbr0_set(image_pa(empty_root));
		return;
	}

	struct arch_cpu *c = &arch_cpu_self()->arch;
	u64 asid = atomic_load(&next->asid), active = atomic_load(&c->asid_active);

	if (!active || (asid ^ atomic_load(&asid_generation)) >> asid_bits ||
	    !atomic_cmpxchg(&c->asid_active, &active, asid))
		asid = asid_slow(next, c);
	ttbr0_set(next->root | (asid & ASID_MASK) << 48);
}

/* The kernel tree of this CPU becomes `root`, by way of none at all. */
static void kernel_root_load(paddr_t root)
{
	void (*replace)(u64 root, u64 empty) = (void *)(uintptr_t)image_pa(idmap_replace_root);
	irqflags_t f = arch_irq_save();
	u64 user = read_sysreg(ttbr0_el1);

	ttbr0_set(boot_map.idmap);
	__asm__ __volatile__("tlbi vmalle1\n\tdsb nsh\n\tisb" : : : "memory");
	replace(root, image_pa(empty_root));
	ttbr0_set(user);
	arch_irq_restore(f);
}

void arch_mmu_set_kernel_root(paddr_t root)
{
	boot_console_keep(root);
	arch_pte_written();
	arch_kernel_mmu.root = root;
	boot_map.root = root;
	/* Processors that start with the MMU off read it from memory. */
	__asm__ __volatile__("dc cvac, %0\n\tdsb sy" : : "r"(&boot_map) : "memory");
	kernel_root_load(root);
}

void arch_mmu_kernel_slot_added(unsigned index)
{
	/* There is one kernel root. */
}

/* More single invalidations than this cost more than the refills after forgetting everything. */
#define FLUSH_MAX 512

static u64 tlbi_asid(const struct arch_mmu *m)
{
	return (atomic_load(&m->asid) & ASID_MASK) << 48;
}

void arch_tlb_flush_range(struct arch_mmu *m, vaddr_t start, vaddr_t end, size_t stride)
{
	if ((end - start) / stride > FLUSH_MAX) {
		arch_tlb_flush_all(m);
		return;
	}

	u64 asid = tlbi_asid(m);

	dsb(ishst);
	for (vaddr_t va = start; va < end; va += stride)
		__asm__ __volatile__("tlbi vae1is, %0"
				     : : "r"(asid | (va >> 12 & GENMASK(43, 0))));
	dsb(ish);
	isb();
}

void arch_tlb_flush_all(struct arch_mmu *m)
{
	dsb(ishst);
	if (m == &arch_kernel_mmu)
		__asm__ __volatile__("tlbi vmalle1is");
	else
		__asm__ __volatile__("tlbi aside1is, %0" : : "r"(tlbi_asid(m)));
	dsb(ish);
	isb();
}

void arch_tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	dsb(ishst);
	if ((end - start) >> PAGE_SHIFT > FLUSH_MAX)
		__asm__ __volatile__("tlbi vmalle1is");
	else
		for (vaddr_t va = start; va < end; va += PAGE_SIZE)
			__asm__ __volatile__("tlbi vaale1is, %0"
					     :
					     : "r"(va >> 12 & GENMASK(43, 0)));
	dsb(ish);
	isb();
}

void arch_icache_sync(const void *va, size_t len)
{
	u64 ctr = read_sysreg(ctr_el0);
	u64 dline = 4ull << (ctr >> 16 & 15), iline = 4ull << (ctr & 15);
	vaddr_t start = (vaddr_t)va, end = start + len;

	if (!(ctr >> 28 & 1)) /* IDC: data reach the point of unification by themselves */
		for (vaddr_t p = ALIGN_DOWN(start, dline); p < end; p += dline)
			__asm__ __volatile__("dc cvau, %0" : : "r"(p) : "memory");
	dsb(ish);
	if (!(ctr >> 29 & 1)) { /* DIC: fetches see them too */
		/* Another mapping may be the one executed, and the cache need not be physically
		 * tagged. */
		if ((ctr >> 14 & 3) != 3)
			__asm__ __volatile__("ic ialluis" : : : "memory");
		else
			for (vaddr_t p = ALIGN_DOWN(start, iline); p < end; p += iline)
				__asm__ __volatile__("ic ivau, %0" : : "r"(p) : "memory");
		dsb(ish);
	}
	isb();
}

/* --- devices that do not snoop ---------------------------------------------------------------- */

static bool dma_coherent = true;

/* A machine that marks some devices "dma-coherent" marks all that are; one that marks none has
 * none. */
void dma_init(void)
{
	const struct fdt *fdt = fdt_system();
	int node;

	if (!fdt)
		return;
	fdt_for_each_node (node, fdt)
		if (fdt_has(fdt, node, "dma-coherent"))
			return;
	dma_coherent = false;
}

void arch_dma_sync(paddr_t pa, size_t len, bool to_device)
{
	u64 line = 4ull << (read_sysreg(ctr_el0) >> 16 & 15);
	vaddr_t start = (vaddr_t)phys_to_virt(pa), end = start + len;

	if (dma_coherent) {
		dmb(osh);
		return;
	}
	/* Lines shared with other data at the edges are written back, not dropped. */
	for (vaddr_t p = ALIGN_DOWN(start, line); p < end; p += line)
		if (to_device)
			__asm__ __volatile__("dc cvac, %0" : : "r"(p) : "memory");
		else
			__asm__ __volatile__("dc civac, %0" : : "r"(p) : "memory");
	dsb(sy);
}
