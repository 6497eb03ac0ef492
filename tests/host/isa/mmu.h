/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page-table entries of the toy machine, unlike any real one's on purpose: present is bit 63, table
 * bit 62, absent token bit 61, memory type bits 60 and 59, the portable flags are bits 0 to 8.
 */
#pragma once

#include <kernel/lib/cpumask.h>

typedef struct {
	u64 raw;
} pte_t;

struct arch_mmu {
	paddr_t root;
	struct cpumask cpus;
};

#define PT_INDEX_BITS		  9
#define ARCH_PT_BREAK_BEFORE_MAKE 1
#define ARCH_USER_ROOT_ENTRIES	  256

#define TOY_PRESENT  (1ull << 63)
#define TOY_TABLE    (1ull << 62)
#define TOY_TOKEN    (1ull << 61)
#define TOY_TYPE(t)  ((u64)(t) << 59)
#define TOY_ADDRESS  0x000ffffffffff000ull
#define TOY_FLAGS    0x1ffull
#define TOY_TOKENS   ((1ull << 50) - 1)

static inline bool arch_pt_leaf_ok(unsigned level)
{
	return level < 2;
}

static inline bool arch_pt_hw_dirty(void)
{
	return false;
}

static inline pte_t arch_pte_leaf(paddr_t pa, unsigned flags, enum memtype type, unsigned level)
{
	return (pte_t){ TOY_PRESENT | TOY_TYPE(type) | pa | flags };
}

static inline pte_t arch_pte_table(paddr_t pa, bool user)
{
	return (pte_t){ TOY_PRESENT | TOY_TABLE | pa };
}

static inline bool arch_pte_present(pte_t e)
{
	return e.raw & TOY_PRESENT;
}

static inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return (e.raw & (TOY_PRESENT | TOY_TABLE)) == TOY_PRESENT;
}

static inline paddr_t arch_pte_addr(pte_t e, unsigned level)
{
	return e.raw & TOY_ADDRESS;
}

static inline unsigned arch_pte_flags(pte_t e)
{
	return (unsigned)(e.raw & TOY_FLAGS);
}

static inline pte_t arch_pte_change(pte_t e, unsigned set, unsigned clear)
{
	return (pte_t){ (e.raw & ~(u64)clear) | set };
}

static inline pte_t arch_pte_absent(u64 token)
{
	return (pte_t){ TOY_TOKEN | token };
}

static inline u64 arch_pte_token(pte_t e)
{
	return e.raw & TOY_TOKENS;
}

static inline void arch_pte_written(void)
{
}
