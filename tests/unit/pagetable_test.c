/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic page-table walker on the toy machine.
 *
 * link: mm/pagetable.c kernel/lib/bitmap.c tests/host/isa/toy.c
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/pagetable.h>
#include <host.h>
#include <isa/toy.h>

#define USER_RW (PTE_R | PTE_W | PTE_USER)
#define BASE	0x7f0000000000ul

static int table_alloc(struct pt_source *src, unsigned level, vaddr_t base, paddr_t *out)
{
	*out = toy_page_alloc();
	return *out ? 0 : -ENOMEM;
}

static struct pt_source source = { table_alloc };

static void space_make(struct arch_mmu *m, unsigned levels)
{
	toy_init(600, levels);
	EXPECT(!arch_mmu_init(m, toy_page_alloc()));
}

static vaddr_t base_for(unsigned levels)
{
	return levels == 3 ? 0x2040000000 : BASE;
}

/* 2048 pages around a 1 GiB boundary against an array of what is mapped. */
static void storm(unsigned levels)
{
	enum { N = 2048 };
	static struct {
		paddr_t pa;
		unsigned flags;
	} model[N];
	struct arch_mmu m;
	vaddr_t base = base_for(levels) - N / 2 * PAGE_SIZE;

	space_make(&m, levels);
	memset(model, 0, sizeof(model));
	for (int round = 0; round < 3000; round++) {
		size_t at = host_random(N), n = 1 + host_random(min(40, N - at)), i;
		vaddr_t va = base + at * PAGE_SIZE;
		paddr_t pa = 0x100000000 + host_random(1 << 20) * PAGE_SIZE;
		bool taken = false;

		for (i = at; i < at + n; i++)
			taken |= model[i].flags != 0;
		switch (host_random(3)) {
		case 0:
			if (taken)
				break;
			EXPECT_EQ(pt_map(m.root, va, pa, n * PAGE_SIZE, USER_RW, MEM_NORMAL, 0,
					 &source),
				  0);
			for (i = 0; i < n; i++) {
				model[at + i].pa = pa + i * PAGE_SIZE;
				model[at + i].flags = USER_RW;
			}
			break;
		case 1:
			pt_unmap(m.root, va, n * PAGE_SIZE, NULL, NULL);
			arch_tlb_flush_range(&m, va, va + n * PAGE_SIZE, PAGE_SIZE);
			for (i = at; i < at + n; i++)
				model[i].flags = 0;
			break;
		default:
			pt_protect(m.root, va, n * PAGE_SIZE, PTE_X, PTE_W);
			arch_tlb_flush_range(&m, va, va + n * PAGE_SIZE, PAGE_SIZE);
			for (i = at; i < at + n; i++) {
				if (model[i].flags)
					model[i].flags = (model[i].flags | PTE_X) & ~PTE_W;
			}
		}
		i = host_random(N);
		bool write = host_random(2), want = model[i].flags & (write ? PTE_W : PTE_R);
		bool got = toy_translate(&m, base + i * PAGE_SIZE + 5,
					 PTE_USER | (write ? PTE_W : PTE_R), &pa);

		EXPECT_EQ(got, want);
		EXPECT(!got || pa == model[i].pa + 5);
		pte_t e;
		unsigned level;
		EXPECT_EQ(pt_lookup(m.root, base + i * PAGE_SIZE, &e, &level), model[i].flags != 0);
	}
	EXPECT_EQ(toy_stale(), 0);
	toy_fini();
}

TEST(storm_three_levels)
{
	storm(3);
}

TEST(storm_four_levels)
{
	storm(4);
}

TEST(large_leaves)
{
	struct arch_mmu m;
	unsigned level;
	paddr_t pa;
	pte_t e;

	space_make(&m, 4);
	EXPECT(!pt_map(m.root, BASE - PAGE_SIZE, 0x80000000 - PAGE_SIZE, (2 << 20) + 2 * PAGE_SIZE,
		       USER_RW, MEM_NORMAL, 2, &source));
	EXPECT(pt_lookup(m.root, BASE + 12345, &e, &level) && level == 1);
	EXPECT(pt_lookup(m.root, BASE - 1, &e, &level) && level == 0);
	EXPECT(pt_lookup(m.root, BASE + (2 << 20), &e, &level) && level == 0);
	EXPECT(toy_translate(&m, BASE + 0x123456, PTE_R, &pa) && pa == 0x80123456);
	EXPECT_EQ(pt_map(m.root, BASE + PAGE_SIZE, 0, PAGE_SIZE, USER_RW, MEM_NORMAL, 0, &source),
		  -EEXIST);
	toy_fini();
}

TEST(forgotten_flush_shows)
{
	struct arch_mmu m;
	paddr_t pa;

	space_make(&m, 4);
	EXPECT(!pt_map(m.root, BASE, 0x5000, PAGE_SIZE, USER_RW, MEM_NORMAL, 0, &source));
	EXPECT(toy_translate(&m, BASE, PTE_W, &pa));
	toy_set_cpu(1);
	EXPECT(toy_translate(&m, BASE, PTE_W, &pa));
	pt_protect(m.root, BASE, PAGE_SIZE, 0, PTE_W);
	arch_tlb_flush_range(&m, BASE, BASE + PAGE_SIZE, PAGE_SIZE);
	EXPECT(!toy_translate(&m, BASE, PTE_W, &pa) && !toy_stale());
	/* Processor 0 was not told. */
	toy_set_cpu(0);
	EXPECT(toy_translate(&m, BASE, PTE_W, &pa) && toy_stale() == 1);
	arch_tlb_flush_all(&m);
	EXPECT(!toy_translate(&m, BASE, PTE_W, &pa) && !toy_stale());
	toy_fini();
}

TEST(tokens)
{
	struct arch_mmu m;
	paddr_t pa;

	space_make(&m, 4);
	EXPECT(!pt_populate(m.root, BASE, PAGE_SIZE, 0, &source));
	pte_t *slot = upt_slot(m.root, BASE);
	REQUIRE(slot);
	pte_store(slot, arch_pte_absent(0x3ffffffffffff));
	EXPECT(!arch_pte_present(*slot) && !pte_none(*slot));
	EXPECT_EQ(arch_pte_token(pte_take(slot)), 0x3ffffffffffff);
	EXPECT(!toy_translate(&m, BASE, PTE_R, &pa) && !upt_slot(m.root, 0));
	toy_fini();
}

TEST(no_memory)
{
	struct arch_mmu m;
	int err = 0;

	FOR_EACH_FAILURE {
		host_fail_after(-1);
		space_make(&m, 4);
		host_fail_after(fail_n_);
		err = pt_map(m.root, BASE - PAGE_SIZE, 0x1000, 2 * PAGE_SIZE, USER_RW, MEM_NORMAL,
			     0, &source);
		EXPECT(err == -ENOMEM || !err);
		toy_fini();
	}
	EXPECT_EQ(err, 0);
}
