/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Page-table entries (Intel SDM volume 3, chapter 4), four levels.
 *
 * Not present, bit 8 set:   a PTE_NONE leaf; the other bits are those of the leaf.
 * Not present, bit 1 set:   an absent token, in bits 9 to 58.
 * Memory types are PAT entries 0 (write-back), 1 (write-combining) and 3 (uncached), chosen by
 * bits 3 and 4 alone, so that huge and small leaves agree.
 */
#ifndef ISA_MMU_H
#define ISA_MMU_H

#include <kernel/lib/compiler.h>

#define PT_INDEX_BITS		  9
#define ARCH_PT_BREAK_BEFORE_MAKE 0
#define ARCH_USER_ROOT_ENTRIES	  256

typedef struct {
	u64 raw;
} pte_t;

struct arch_mmu {
	paddr_t root;
	struct cpumask cpus; /* [a] */
};

#define X86_PTE_P	(1ull << 0)
#define X86_PTE_W	(1ull << 1)
#define X86_PTE_U	(1ull << 2)
#define X86_PTE_PWT	(1ull << 3)
#define X86_PTE_PCD	(1ull << 4)
#define X86_PTE_A	(1ull << 5)
#define X86_PTE_D	(1ull << 6)
#define X86_PTE_PS	(1ull << 7)
#define X86_PTE_G	(1ull << 8)
#define X86_PTE_NONE	(1ull << 8) /* with P clear */
#define X86_PTE_SPECIAL (1ull << 9)
#define X86_PTE_TOKEN	(1ull << 1) /* with P and NONE clear */
#define X86_PTE_NX	(1ull << 63)
#define X86_PTE_ADDR	0x000ffffffffff000ull

#define X86_TOKEN_SHIFT 9

extern bool x86_has_1g_pages;

static __always_inline bool arch_pt_leaf_ok(unsigned level)
{
	return level <= 1 || (level == 2 && x86_has_1g_pages);
}

static __always_inline bool arch_pt_hw_dirty(void)
{
	return true;
}

static __always_inline u64 x86_pte_bits(unsigned flags)
{
	u64 v = (flags & PTE_NONE) ? X86_PTE_NONE : X86_PTE_P;

	if (flags & PTE_W)
		v |= X86_PTE_W;
	if (!(flags & PTE_X))
		v |= X86_PTE_NX;
	if (flags & PTE_USER)
		v |= X86_PTE_U;
	if (flags & PTE_GLOBAL)
		v |= X86_PTE_G;
	if (flags & PTE_ACCESSED)
		v |= X86_PTE_A;
	if (flags & PTE_DIRTY)
		v |= X86_PTE_D;
	if (flags & PTE_SPECIAL)
		v |= X86_PTE_SPECIAL;
	return v;
}

static __always_inline pte_t arch_pte_leaf(paddr_t pa, unsigned flags, enum memtype type,
					   unsigned level)
{
	u64 v = pa | x86_pte_bits(flags);

	if (type == MEM_WRITECOMBINE)
		v |= X86_PTE_PWT;
	else if (type != MEM_NORMAL)
		v |= X86_PTE_PWT | X86_PTE_PCD;
	if (level)
		v |= X86_PTE_PS;
	return (pte_t){ v };
}

/* The leaves decide: a table allows everything. */
static __always_inline pte_t arch_pte_table(paddr_t pa, bool user)
{
	return (pte_t){ pa | X86_PTE_P | X86_PTE_W | X86_PTE_A | (user ? X86_PTE_U : 0) };
}

static __always_inline bool arch_pte_present(pte_t e)
{
	return e.raw & (X86_PTE_P | X86_PTE_NONE);
}

static __always_inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return arch_pte_present(e) && (!level || (e.raw & X86_PTE_PS));
}

/* Of a leaf the frame, of a table its page. */
static __always_inline paddr_t arch_pte_addr(pte_t e, unsigned level)
{
	return e.raw & X86_PTE_ADDR;
}

static __always_inline unsigned arch_pte_flags(pte_t e)
{
	unsigned f = PTE_R; /* whatever is present can be read */

	if (!(e.raw & (X86_PTE_P | X86_PTE_NONE)))
		return 0;
	if (!(e.raw & X86_PTE_P))
		f |= PTE_NONE;
	else if (e.raw & X86_PTE_G)
		f |= PTE_GLOBAL;
	if (e.raw & X86_PTE_W)
		f |= PTE_W;
	if (!(e.raw & X86_PTE_NX))
		f |= PTE_X;
	if (e.raw & X86_PTE_U)
		f |= PTE_USER;
	if (e.raw & X86_PTE_A)
		f |= PTE_ACCESSED;
	if (e.raw & X86_PTE_D)
		f |= PTE_DIRTY;
	if (e.raw & X86_PTE_SPECIAL)
		f |= PTE_SPECIAL;
	return f;
}

static __always_inline pte_t arch_pte_change(pte_t e, unsigned set, unsigned clear)
{
	u64 own = X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D | X86_PTE_G |
		  X86_PTE_SPECIAL | X86_PTE_NX;
	unsigned flags = (arch_pte_flags(e) & ~clear) | set;

	return (pte_t){ (e.raw & ~own) | x86_pte_bits(flags) };
}

static __always_inline pte_t arch_pte_absent(u64 token)
{
	return (pte_t){ token << X86_TOKEN_SHIFT | X86_PTE_TOKEN };
}

static __always_inline u64 arch_pte_token(pte_t e)
{
	return e.raw >> X86_TOKEN_SHIFT;
}

/* The walker is coherent and ordered with stores. */
static __always_inline void arch_pte_written(void)
{
	barrier();
}

#endif
