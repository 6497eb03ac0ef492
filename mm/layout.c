/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where things go in a fresh address space.
 *
 *	0 .. mmap_min_addr	nothing
 *	program, heap		upwards
 *	mappings		downwards from mmap_top
 *	stack			downwards from near USER_TOP
 *
 * Between mmap_top and the top there is room for the stack's limit and its random shift.  With the
 * legacy layout (or an unlimited stack) mappings go upwards from a third of the space.
 */
#include <kernel/lib/minmax.h>
#include <security/random.h>
#include "space_internal.h"

#define STACK_GAP_MIN (128ul << 20)
#define BRK_RANDOM    (32ul << 20)

static unsigned address_bits(void)
{
	return ilog2(USER_TOP - 1) + 1;
}

static vaddr_t random_pages(unsigned bits)
{
	return (random_u64() & ((1ull << bits) - 1)) << PAGE_SHIFT;
}

static unsigned mmap_random_bits(void)
{
	return clamp(address_bits() - PAGE_SHIFT - 7, 8u, 28u);
}

static unsigned stack_random_bits(void)
{
	return address_bits() >= 47 ? 22 : 18;
}

static vaddr_t stack_random_max(const struct mm *mm)
{
	return mm->aslr ? 1ul << (stack_random_bits() + PAGE_SHIFT) : 0;
}

void mm_set_layout(struct mm *mm, u64 stack_limit, bool aslr, bool legacy)
{
	vaddr_t random = 0, gap;

	mm->aslr = aslr;
	mm->stack_limit = stack_limit;
	if (aslr)
		random = random_pages(mmap_random_bits());
	if (legacy || stack_limit == ~0ull) {
		mm->layout.mmap_bottom = ALIGN_UP(USER_TOP / 3, PAGE_SIZE) + random;
		mm->layout.mmap_top = 0;
		return;
	}
	gap = stack_limit > USER_TOP ? USER_TOP : (vaddr_t)stack_limit;
	gap = clamp(gap + stack_random_max(mm) + STACK_GUARD_GAP, STACK_GAP_MIN, USER_TOP / 6 * 5);
	mm->layout.mmap_top = ALIGN_DOWN(USER_TOP - gap - random, PAGE_SIZE);
	mm->layout.mmap_bottom = vm_mmap_min_addr;
}

vaddr_t mm_random_stack_shift(struct mm *mm)
{
	return mm->aslr ? random_pages(stack_random_bits()) : 0;
}

vaddr_t mm_random_brk(struct mm *mm, vaddr_t brk)
{
	return mm->aslr ? ALIGN_UP(brk, PAGE_SIZE) +
				  random_u64() % (BRK_RANDOM >> PAGE_SHIFT) * PAGE_SIZE
			: brk;
}
