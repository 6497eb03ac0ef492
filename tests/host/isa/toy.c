/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The toy machine: RAM, MMU and TLBs.
 *
 * A TLB is an array that only grows, searched from its beginning: what was cached first wins, which
 * is the worst a real one may do.
 */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/timer.h>
#include <arch/types.h>
#include <host.h>
#include <isa/toy.h>

#define RAM_START 0x40000000ull
#define CPUS	  4
#define TLB_SIZE  4096

struct translation {
	paddr_t root;
	vaddr_t va;
	unsigned level;
	pte_t entry;
};

struct tlb {
	struct translation e[TLB_SIZE];
	size_t n;
};

vaddr_t toy_physmap;
u64 toy_clock;
struct arch_mmu arch_kernel_mmu;
__thread unsigned char toy_cpu_area[4096] __aligned(64);
__thread unsigned char toy_thread_area[16384] __aligned(64);
__thread void *toy_running;
__thread bool toy_irqs_on;

static u8 *ram;
static u64 *used;
static size_t ram_pages;
static unsigned levels, cpu, stale;
static struct tlb *tlbs;

void toy_init(size_t pages, unsigned pt_levels)
{
	ram = host_alloc_aligned(PAGE_SIZE, pages * PAGE_SIZE);
	used = host_alloc(BITMAP_WORDS(pages) * sizeof(u64));
	tlbs = host_alloc(CPUS * sizeof(*tlbs));
	if (!ram || !used || !tlbs)
		host_exit(2);
	bitmap_zero(used, pages);
	for (unsigned i = 0; i < CPUS; i++)
		tlbs[i].n = 0;
	ram_pages = pages;
	levels = pt_levels;
	toy_physmap = (vaddr_t)ram - RAM_START;
	cpu = 0;
	stale = 0;
}

void toy_fini(void)
{
	host_free(ram);
	host_free(used);
	host_free(tlbs);
}

paddr_t toy_page_alloc(void)
{
	size_t n = bitmap_find_first_zero(used, ram_pages);
	void *probe = host_alloc(1);

	host_free(probe);
	if (n == ram_pages || !probe)
		return 0;
	bitmap_set(used, n);
	memset(ram + n * PAGE_SIZE, 0, PAGE_SIZE);
	return RAM_START + n * PAGE_SIZE;
}

void toy_page_free(paddr_t pa)
{
	size_t n = (pa - RAM_START) / PAGE_SIZE;

	if (n >= ram_pages || !bitmap_test(used, n))
		host_test_fail(__FILE__, __LINE__, "page %#llx freed but not in use", pa);
	bitmap_clear(used, n);
	memset(ram + n * PAGE_SIZE, 0xdb, PAGE_SIZE);
}

size_t toy_pages_used(void)
{
	return bitmap_weight(used, ram_pages);
}

void toy_set_cpu(unsigned n)
{
	cpu = n;
}

unsigned arch_pt_levels(void)
{
	return levels;
}

int arch_mmu_init(struct arch_mmu *m, paddr_t root)
{
	*m = (struct arch_mmu){ .root = root };
	return 0;
}

void arch_mmu_destroy(struct arch_mmu *m)
{
}

/* No identifiers of address spaces: a switch forgets everything, which is what the mask of
 * processors counts on. */
void arch_mmu_switch(struct arch_mmu *next)
{
	tlbs[cpu].n = 0;
}

void arch_icache_sync(const void *va, size_t len)
{
}

static u64 span(unsigned level)
{
	return 1ull << (PAGE_SHIFT + level * PT_INDEX_BITS);
}

static bool walk(const struct arch_mmu *m, vaddr_t va, struct translation *t)
{
	paddr_t table = m->root;

	for (unsigned level = levels; level-- > 0;) {
		const pte_t *slots = phys_to_virt(table);
		pte_t e = slots[va / span(level) % (1u << PT_INDEX_BITS)];

		if (!arch_pte_present(e))
			return false;
		if (arch_pte_is_leaf(e, level)) {
			*t = (struct translation){ m->root, va & ~(span(level) - 1), level, e };
			return true;
		}
		table = arch_pte_addr(e, level);
	}
	return false;
}

static bool covers(const struct translation *t, paddr_t root, vaddr_t va)
{
	return t->root == root && va - t->va < span(t->level);
}

static const struct translation *lookup(struct arch_mmu *m, vaddr_t va)
{
	struct tlb *tlb = &tlbs[cpu];
	struct translation now;
	bool mapped = walk(m, va, &now);

	for (size_t i = 0; i < tlb->n; i++) {
		const struct translation *t = &tlb->e[i];

		if (!covers(t, m->root, va))
			continue;
		if (!mapped || now.entry.raw != t->entry.raw)
			stale++;
		return t;
	}
	if (!mapped || tlb->n == TLB_SIZE)
		return NULL;
	cpumask_set(&m->cpus, cpu);
	tlb->e[tlb->n] = now;
	return &tlb->e[tlb->n++];
}

bool toy_translate(struct arch_mmu *m, vaddr_t va, unsigned need, paddr_t *pa)
{
	const struct translation *t = lookup(m, va);

	if (!t || (arch_pte_flags(t->entry) & need) != need || arch_pte_flags(t->entry) & PTE_NONE)
		return false;
	*pa = arch_pte_addr(t->entry, t->level) + (va - t->va);
	return true;
}

unsigned toy_stale(void)
{
	unsigned n = stale;

	stale = 0;
	return n;
}

static void forget(paddr_t root, vaddr_t start, vaddr_t last)
{
	struct tlb *tlb = &tlbs[cpu];
	size_t kept = 0;

	for (size_t i = 0; i < tlb->n; i++) {
		const struct translation *t = &tlb->e[i];

		if (t->root != root || t->va > last || t->va + span(t->level) - 1 < start)
			tlb->e[kept++] = *t;
	}
	tlb->n = kept;
}

void arch_tlb_flush_range(struct arch_mmu *m, vaddr_t start, vaddr_t end, size_t stride)
{
	if (end > start)
		forget(m->root, start, end - 1);
}

void arch_tlb_flush_all(struct arch_mmu *m)
{
	forget(m->root, 0, ~0ul);
}

void arch_tlb_flush_kernel(vaddr_t start, vaddr_t end)
{
	if (end > start)
		forget(arch_kernel_mmu.root, start, end - 1);
}
