/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of a radix tree.  mm/pagetable.c walks it; the ISA encodes bits and loads roots.
 *
 * Level 0 is the leaf level (4 KiB); arch_pt_levels() - 1 is the root.  The zero entry is absent.
 * An entry is one of: zero; a table; a leaf; an absent token (swap slot, PROT_NONE keeps its frame:
 * see PTE_NONE).
 *
 * <isa/mmu.h> supplies pte_t { u64 raw; }, struct arch_mmu with at least `paddr_t root` and `struct
 * cpumask cpus` ([a] CPUs that may hold translations), PT_INDEX_BITS, ARCH_PT_BREAK_BEFORE_MAKE,
 * ARCH_USER_ROOT_ENTRIES (root slots of the user half).
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <arch/types.h>
#include <kernel/lib/cpumask.h>

enum memtype { MEM_NORMAL, MEM_UNCACHED, MEM_WRITECOMBINE, MEM_DEVICE };

/* Portable permission and state bits of an entry. */
enum pte_flags {
	PTE_R = 1u << 0,
	PTE_W = 1u << 1,
	PTE_X = 1u << 2,
	PTE_USER = 1u << 3,
	PTE_GLOBAL = 1u << 4,
	PTE_ACCESSED = 1u << 5,
	PTE_DIRTY = 1u << 6,
	/* software: maps a frame whose struct page is not counted (devices, zero page, vvar) */
	PTE_SPECIAL = 1u << 7,
	/* leaf that keeps its frame but faults on every access (PROT_NONE) */
	PTE_NONE = 1u << 8,
};

struct arch_mmu;
#include <isa/mmu.h>

/* Number of levels in use: 3 (Sv39), 4 or 5, settled before mm starts. */
unsigned arch_pt_levels(void);
static inline bool arch_pt_leaf_ok(unsigned level);	/* may `level` hold leaves? */
/* false: ACCESSED and DIRTY come by fault */
static inline bool arch_pt_hw_dirty(void);

static inline pte_t arch_pte_leaf(paddr_t pa, unsigned flags, enum memtype type, unsigned level);
static inline pte_t arch_pte_table(paddr_t pa, bool user);
static inline bool arch_pte_present(pte_t e); /* a table or a leaf, PTE_NONE leaves included */
static inline bool arch_pte_is_leaf(pte_t e, unsigned level);
static inline paddr_t arch_pte_addr(pte_t e, unsigned level);
static inline unsigned arch_pte_flags(pte_t e);
static inline pte_t arch_pte_change(pte_t e, unsigned set, unsigned clear);
/* token < 2^50, round-trips, never present, never zero */
static inline pte_t arch_pte_absent(u64 token);
static inline u64 arch_pte_token(pte_t e);
/* make earlier stores to entries visible to the walker of this CPU */
static inline void arch_pte_written(void);

/*
 * Prepare `m` around a zeroed root page (mm owns the page); copies or links the kernel half where
 * the ISA needs it. Returns 0 or -ENOMEM.
 */
int arch_mmu_init(struct arch_mmu *m, paddr_t root) __must_check;
void arch_mmu_destroy(struct arch_mmu *m);

/* Load `next`; address-space identifiers are the ISA's business.  Context: interrupts off.  The
 * caller keeps `cpus`. */
void arch_mmu_switch(struct arch_mmu *next);

/* The kernel's own root: written once by mm with the final kernel map, then loaded by every CPU. */
void arch_mmu_set_kernel_root(paddr_t root);
extern struct arch_mmu arch_kernel_mmu;

/* The kernel half of all roots must agree: called by mm after it filled a new top-level slot of the
 * kernel root. */
void arch_mmu_kernel_slot_added(unsigned index);

/* Make instructions stored through any mapping of [va, va+len) visible to execution on all CPUs. */
void arch_icache_sync(const void *va, size_t len);

#endif
