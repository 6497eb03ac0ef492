/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * VMSAv8-64 entries: 4 KiB granule, four levels of 512.
 *
 * A writable leaf has the DBM bit (51), whether or not the CPU manages it; it is dirty when the
 * read-only bit is clear.  Dirt that outlives write permission moves to a software bit.  Kernel
 * leaves are always accessed, and dirty when writable.  A PTE_NONE leaf is invalid with bit 58 set;
 * a token is invalid with bit 58 clear and sits in bits 2 to 51, bit 1 making it non-zero.
 */
#pragma once

#define PT_INDEX_BITS		 9
#define ARCH_PT_BREAK_BEFORE_MAKE 1
#define ARCH_USER_ROOT_ENTRIES	 512

typedef struct {
	u64 raw;
} pte_t;

struct arch_mmu {
	paddr_t root;		/* [I] */
	u64 asid;		/* [a] generation and identifier; 0 = none yet */
	struct cpumask cpus;	/* [a] processors that may hold translations */
};

#define PTE_VALID	BIT(0)
#define PTE_PAGE	BIT(1) /* table, or leaf at level 0 */
#define PTE_ATTR(i)	((u64)(i) << 2)
#define PTE_AP_USER	BIT(6)
#define PTE_AP_RO	BIT(7)
#define PTE_SH_INNER	(3ull << 8)
#define PTE_AF		BIT(10)
#define PTE_NG		BIT(11)
#define PTE_DBM		BIT(51)
#define PTE_PXN		BIT(53)
#define PTE_UXN		BIT(54)
#define PTE_SW_DIRTY	BIT(55)
#define PTE_SW_SPECIAL	BIT(56)
#define PTE_SW_NONE	BIT(58)
#define PTE_TABLE_PXN	BIT(59)
#define PTE_ADDR_MASK	0x0000fffffffff000ull

extern bool arch_hw_dirty;

static inline bool arch_pt_hw_dirty(void)
{
	return arch_hw_dirty;
}

static inline bool arch_pt_leaf_ok(unsigned level)
{
	return level <= 2;
}

/* The bits of a leaf that depend on `flags`. */
static inline u64 arch_pte_encode(unsigned flags)
{
	u64 raw = 0;
	bool user = flags & PTE_USER;

	if (user)
		raw |= PTE_AP_USER | PTE_PXN | (flags & PTE_X ? 0 : PTE_UXN);
	else
		raw |= PTE_UXN | (flags & PTE_X ? 0 : PTE_PXN);
	if (!(flags & PTE_GLOBAL))
		raw |= PTE_NG;
	if ((flags & PTE_ACCESSED) || !user)
		raw |= PTE_AF;
	if (flags & PTE_W)
		raw |= PTE_DBM;
	if (!(flags & PTE_W) || (user && !(flags & PTE_DIRTY)))
		raw |= PTE_AP_RO;
	if ((flags & PTE_DIRTY) && !(flags & PTE_W))
		raw |= PTE_SW_DIRTY;
	if (flags & PTE_SPECIAL)
		raw |= PTE_SW_SPECIAL;
	return raw | (flags & PTE_NONE ? PTE_SW_NONE : PTE_VALID);
}

#define PTE_ENCODED_MASK \
	(PTE_AP_USER | PTE_PXN | PTE_UXN | PTE_NG | PTE_AF | PTE_DBM | PTE_AP_RO | PTE_SW_DIRTY | \
	 PTE_SW_SPECIAL | PTE_SW_NONE | PTE_VALID)

static inline pte_t arch_pte_leaf(paddr_t pa, unsigned flags, enum memtype type, unsigned level)
{
	u64 attr = type == MEM_NORMAL ? PTE_ATTR(0) | PTE_SH_INNER
		 : type == MEM_DEVICE ? PTE_ATTR(2)
				      : PTE_ATTR(1) | PTE_SH_INNER;

	return (pte_t){ (pa & PTE_ADDR_MASK) | attr | arch_pte_encode(flags) |
			(level ? 0 : PTE_PAGE) };
}

static inline pte_t arch_pte_table(paddr_t pa, bool user)
{
	return (pte_t){ (pa & PTE_ADDR_MASK) | PTE_VALID | PTE_PAGE | (user ? PTE_TABLE_PXN : 0) };
}

static inline bool arch_pte_present(pte_t e)
{
	return e.raw & (PTE_VALID | PTE_SW_NONE);
}

static inline bool arch_pte_is_leaf(pte_t e, unsigned level)
{
	return arch_pte_present(e) && (!level || !(e.raw & PTE_PAGE));
}

static inline paddr_t arch_pte_addr(pte_t e, unsigned level)
{
	return e.raw & PTE_ADDR_MASK;
}

static inline unsigned arch_pte_flags(pte_t e)
{
	unsigned f = PTE_R;
	bool user = e.raw & PTE_AP_USER;

	if (user)
		f |= PTE_USER;
	if (!(e.raw & (user ? PTE_UXN : PTE_PXN)))
		f |= PTE_X;
	if (e.raw & PTE_DBM)
		f |= PTE_W;
	if (!(e.raw & PTE_NG))
		f |= PTE_GLOBAL;
	if (e.raw & PTE_AF)
		f |= PTE_ACCESSED;
	if ((e.raw & PTE_SW_DIRTY) || (e.raw & (PTE_DBM | PTE_AP_RO)) == PTE_DBM)
		f |= PTE_DIRTY;
	if (e.raw & PTE_SW_SPECIAL)
		f |= PTE_SPECIAL;
	if (e.raw & PTE_SW_NONE)
		f |= PTE_NONE;
	return f;
}

static inline pte_t arch_pte_change(pte_t e, unsigned set, unsigned clear)
{
	unsigned flags = (arch_pte_flags(e) & ~clear) | set;

	return (pte_t){ (e.raw & ~PTE_ENCODED_MASK) | arch_pte_encode(flags) };
}

static inline pte_t arch_pte_absent(u64 token)
{
	return (pte_t){ token << 2 | PTE_PAGE };
}

static inline u64 arch_pte_token(pte_t e)
{
	return e.raw >> 2;
}

static inline void arch_pte_written(void)
{
	__asm__ __volatile__("dsb ishst\n\tisb" : : : "memory");
}
