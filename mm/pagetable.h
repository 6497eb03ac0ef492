/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Walking page tables.
 *
 * A tree of pages of entries (arch/mmu.h), level 0 at the bottom.  Entries of a user tree change by
 * single atomic operations and no lock: whoever takes a present entry out (pte_take) owns the
 * reference it held; whoever puts one in does so by pte_replace against what he saw.  Tables of a
 * user tree are freed only while no area covers them and after a TLB flush, so holding an area (its
 * reader count, the mm lock, or its place in a reverse map) makes the tables below it stable once
 * found. The kernel's tree is changed under its own lock and its tables are never freed.
 */
#pragma once

#include <arch/mmu.h>
#include <arch/types.h>
#include <kernel/lib/atomic.h>

struct mm;
struct page;
struct tlb_batch;

#define PT_ENTRIES    (1u << PT_INDEX_BITS)
#define PT_SHIFT(lvl) (PAGE_SHIFT + (lvl)*PT_INDEX_BITS)
#define PT_SIZE(lvl)  (1ull << PT_SHIFT(lvl))

static __always_inline unsigned pt_index(vaddr_t va, unsigned level)
{
	return (va >> PT_SHIFT(level)) & (PT_ENTRIES - 1);
}

static __always_inline pte_t pte_load(const pte_t *slot)
{
	return (pte_t){.raw = atomic_load_acquire(&slot->raw)};
}

static __always_inline void pte_store(pte_t *slot, pte_t e)
{
	atomic_store_release(&slot->raw, e.raw);
}

/* Take the entry out, leaving nothing. */
static __always_inline pte_t pte_take(pte_t *slot)
{
	return (pte_t){.raw = atomic_xchg(&slot->raw, 0)};
}

/* *slot becomes `new` if it is still *old; else false, and *old is what is there now. */
static __always_inline bool pte_replace(pte_t *slot, pte_t *old, pte_t new)
{
	return atomic_cmpxchg(&slot->raw, &old->raw, new.raw);
}

static __always_inline bool pte_none(pte_t e)
{
	return !e.raw;
}

/* The table a table entry leads to. */
static __always_inline pte_t *pte_to_table(pte_t e)
{
	return phys_to_virt(arch_pte_addr(e, 1));
}

/*
 * The kernel's tree, and the ones of tests.
 */

/* Where tables come from; boot and tests have their own. */
struct pt_source {
	/* A cleared page, its physical address in *out.  Returns 0 or -ENOMEM. */
	int (*alloc)(struct pt_source *src, unsigned level, vaddr_t base, paddr_t *out);
};

/*
 * Map [va, va+len) to [pa, pa+len), all whole pages, with leaves as large as alignment and
 * `max_level` allow.  Entries present already are an error: -EEXIST.  Returns 0, -ENOMEM (part may
 * be mapped). Locks: the caller serialises changes of the same tree.
 */
int pt_map(paddr_t root, vaddr_t va, paddr_t pa, size_t len, unsigned flags, enum memtype type,
	   unsigned max_level, struct pt_source *src) __must_check;
/*
 * Clear the entries of [va, va+len); large leaves must lie within.  `gone`, optional, sees each.
 * No flush.
 */
void pt_unmap(paddr_t root, vaddr_t va, size_t len,
	      void (*gone)(pte_t e, unsigned level, vaddr_t va, void *ctx), void *ctx);
/* Set and clear flags of present leaves in the range.  No flush. */
void pt_protect(paddr_t root, vaddr_t va, size_t len, unsigned set, unsigned clear);
/* The leaf that translates `va`.  Returns false when there is none.  Context: any. */
bool pt_lookup(paddr_t root, vaddr_t va, pte_t *out, unsigned *level);
/* Make every table down to `level` exist for [va, va+len).  Returns 0 or -ENOMEM. */
int pt_populate(paddr_t root, vaddr_t va, size_t len, unsigned level,
		struct pt_source *src) __must_check;

/* The kernel's tree, with its lock. */
int kernel_map(vaddr_t va, paddr_t pa, size_t len, unsigned flags, enum memtype type) __must_check;
void kernel_unmap(vaddr_t va, size_t len,
		  void (*gone)(pte_t e, unsigned level, vaddr_t va, void *ctx), void *ctx);
void kernel_protect(vaddr_t va, size_t len, unsigned set, unsigned clear);
extern paddr_t kernel_pt_root;

/*
 * User trees.
 */

/* The bottom-level slot of `va`, or NULL when no table is there. */
static __always_inline pte_t *upt_slot(paddr_t root, vaddr_t va)
{
	pte_t *table = phys_to_virt(root);

	for (unsigned level = arch_pt_levels() - 1; level > 0; level--) {
		pte_t e = pte_load(&table[pt_index(va, level)]);

		if (pte_none(e))
			return NULL;
		table = pte_to_table(e);
	}
	return &table[pt_index(va, 0)];
}

/* The same, making tables.  Returns 0 or -ENOMEM.  Context: may sleep. */
int upt_slot_alloc(struct mm *mm, vaddr_t va, pte_t **out) __must_check;

/*
 * Unlink the tables that serve only addresses within [floor, ceiling), for a range [start, end)
 * that no longer has entries.  ceiling 0 is the end of user space.
 */
void upt_free_tables(struct tlb_batch *b, struct mm *mm, vaddr_t start, vaddr_t end, vaddr_t floor,
		     vaddr_t ceiling);
