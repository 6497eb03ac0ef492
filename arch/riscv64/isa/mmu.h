/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sv39, Sv48, Sv57 (privileged architecture, chapter 10.3 to 10.6).
 *
 * The low bits of an entry are V R W X U G A D and two for software, so the portable flags fit one
 * bit higher up in their own order: RSW[0] is PTE_SPECIAL, and RSW[1] with V clear is PTE_NONE.
 * An absent token has V and RSW[1] clear and RSW[0] set.
 */
#ifndef ISA_MMU_H
#define ISA_MMU_H

#include <kernel/lib/compiler.h>
#include <kernel/lib/list.h>

typedef struct {
	u64 raw;
} pte_t;

struct arch_mmu {
	paddr_t root;		/* [I] */
	struct cpumask cpus;	/* [a] CPUs that may hold translations */
	struct list link;	/* [m] all roots, to agree on the kernel half; m: mmu_list_lock */
};

#define PT_INDEX_BITS		   9
#define ARCH_PT_BREAK_BEFORE_MAKE 0
#define ARCH_USER_ROOT_ENTRIES	   256

#define RISCV_PTE_V	1u
#define RISCV_PTE_RWX	0xeu
#define RISCV_PTE_SOFT0 0x100u
#define RISCV_PTE_NONE	0x200u
#define RISCV_PTE_PPN	0x3ffffffffffc00ull

/* [I] Svpbmt bits of each memory type; zero where the extension is absent. */
extern u64 riscv_pte_memtype[4];
extern bool riscv_hw_dirty;

static inline bool arch_pt_leaf_ok(unsigned level)
{
	return level < 3;
}

static inline bool arch_pt_hw_dirty(void)
{
	return riscv_hw_dirty;
}

static inline u64 riscv_pte_bits(unsigned flags)
{
	return (u64)flags << 1 | !(flags & PTE_NONE);
}

static inline pte_t arch_pte_leaf(paddr_t pa, unsigned flags, enum memtype type, unsigned level)
{
	/* Writable but not readable is a reserved encoding. */
	if (flags & PTE_W)
		flags |= PTE_R;
	return (pte_t){ pa >> 2 | riscv_pte_bits(flags) | riscv_pte_memtype[type] };
}

static inline pte_t arch_pte_table(paddr_t pa, bool user)
{
	return (pte_t){ pa >> 2 | RISCV_PTE_V };
}

static inline bool arch_pte_present(pte_t e)
{
	return e.raw & (RISCV_PTE_V | RISCV_PTE_NONE);
}

static inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return e.raw & (RISCV_PTE_NONE | RISCV_PTE_RWX) && arch_pte_present(e);
}

static inline paddr_t arch_pte_addr(pte_t e, unsigned level)
{
	return (e.raw & RISCV_PTE_PPN) << 2;
}

static inline unsigned arch_pte_flags(pte_t e)
{
	return (unsigned)(e.raw >> 1) & 0x1ff;
}

static inline pte_t arch_pte_change(pte_t e, unsigned set, unsigned clear)
{
	unsigned flags = (arch_pte_flags(e) & ~clear) | set;

	if (flags & PTE_W)
		flags |= PTE_R;
	return (pte_t){ (e.raw & ~0x3ffull) | riscv_pte_bits(flags) };
}

static inline pte_t arch_pte_absent(u64 token)
{
	return (pte_t){ token << 10 | RISCV_PTE_SOFT0 };
}

static inline u64 arch_pte_token(pte_t e)
{
	return e.raw >> 10;
}

/*
 * Stores to entries become visible to this hart's walker in time; an entry cached as absent is
 * noticed by the fault it causes (trap.c), so that no sfence.vma is needed when one is filled.
 */
static inline void arch_pte_written(void)
{
	__asm__ __volatile__("fence w, rw" : : : "memory");
}

#endif
