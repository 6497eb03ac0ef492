/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of swap and those who meet swapped pages.
 *
 * An entry (u64) names an area and a slot in it.  It is the token of an absent page-table entry,
 * the value in the tree of shared memory, and page->private of a folio in the swap cache.
 *
 * A slot is in use while something refers to it: entries are counted, the swap cache is one bit.
 *
 *	swap_slots.c	areas: their slots, counted and allocated
 *	swap_cache.c	folios that have a slot: finding, reading, writing, dropping
 *	swap.c		memory out and in: reclaim's choice, faults, shared memory
 *	swapfile.c	swapon, swapoff, /proc/swaps
 *
 * Locks: folio lock, then mapping.lock, then swap_area.lock.
 */
#pragma once

#include <kernel/lib/xarray.h>
#include <kernel/sync/spinlock.h>
#include <mm/shmem.h>
#include <mm/swap.h>
#include "space_internal.h"

#define SWAP_AREAS   32u
#define SWAP_CLUSTER 256u
#define SLOT_CACHED  (1u << 31) /* a folio in the cache has this slot */
#define SLOT_BAD     (1u << 30) /* never used: header, bad block */
#define SLOT_USES    (SLOT_BAD - 1)

struct swap_area {
	struct swap_source src; /* [I] */
	struct spinlock lock;   /* s, interrupts off */
	u32 *slots;             /* [s] uses and SLOT_* of each */
	u32 *cluster_used;      /* [s] slots in use of each cluster */
	u64 pages, clusters;    /* [I] */
	u64 usable, used;       /* [I] slots that may be used; [s; read without] that are */
	u64 next_cluster;       /* [s] where to look for an empty one */
	u64 *hands;             /* [s] per CPU: the slot to try next, 0: none */
	struct xarray cache;    /* [s, R] folios by slot */
	s32 priority;           /* [I] */
	u32 type;               /* [I] index in the table */
	u32 leaving;            /* [a] swapoff is at work: no new slots */
	u32 pins;               /* [a] readers of slots they hold no entry of */
};

extern u32 swap_ever; /* [a] an area was enabled once: private pages are searched for */

static inline bool swap_on(void)
{
	return unlikely(READ_ONCE(swap_ever));
}

static inline u64 swap_entry(u32 type, u64 slot)
{
	return slot << 8 | type << 2 | 2;
}

static inline bool token_is_swap(u64 token)
{
	return (token & 3) == 2;
}

static inline bool pte_is_swap(pte_t e)
{
	return e.raw && !arch_pte_present(e) && token_is_swap(arch_pte_token(e));
}

static inline u32 entry_type(u64 entry)
{
	return (u32)(entry >> 2) & (SWAP_AREAS - 1);
}

static inline u64 entry_slot(u64 entry)
{
	return entry >> 8;
}

/* --- swap_slots.c ----------------------------------------------------------------------------- */

/* The area of an entry that somebody holds. */
struct swap_area *entry_area(u64 entry);
/* That of an entry seen a moment ago, kept until unpinned; NULL: it is gone.  Context: any. */
struct swap_area *area_pin(u64 entry);
static inline void area_unpin(struct swap_area *a)
{
	atomic_dec(&a->pins);
}
/* Area by number, or NULL.  Context: RCU read section, or the caller keeps it. */
struct swap_area *area_at(u32 type);
/* A free slot for `f`, which enters the cache with it, dirty.  False: none, or no memory.  Locks:
 * folio. */
bool swap_slot_get(struct folio *f);
/* One more entry; one less.  entry_put tells whether only the cache is left.  Context: any. */
void entry_dup(u64 entry);
bool entry_put(u64 entry);
u32 entry_uses(u64 entry);
/* Half of all slots are used, or the area leaves: do not keep slots for pages that are back. */
bool swap_tight(u64 entry);
/* One slot less, all references gone.  Locks: area. */
void slot_free_locked(struct swap_area *a, u64 slot);
int area_create(const struct swap_source *src, u64 pages, struct swap_area **out) __must_check;
void area_mark_bad(struct swap_area *a, u64 slot);
void area_destroy(struct swap_area *a);
/* Enter in the table and in the order of priorities; leave both. */
int area_publish(struct swap_area *a, bool prefer, s32 priority) __must_check;
void area_stop(struct swap_area *a);
void area_resume(struct swap_area *a);
void area_withdraw(struct swap_area *a);
/* Any area there is, for swap_ops.batch; NULL: none. */
const struct swap_ops *swap_any_ops(void);

/* --- swap_cache.c ----------------------------------------------------------------------------- */

/* The folio of an entry, referenced, or NULL.  Context: any. */
struct folio *swap_cache_find(u64 entry);
static inline u64 folio_entry(const struct folio *f)
{
	return (u64)(uintptr_t)f->page.private;
}
/*
 * The folio of an entry, referenced, read in with its neighbours if need be.  *major: it was.
 * Returns 0, -EAGAIN (the entry is gone: look again), -ENOMEM, -EIO, -EINTR.  Context: may sleep.
 */
int swap_cache_read(u64 entry, struct folio **out, bool *major) __must_check;
/* Start reading, if it is not there; best effort. */
void swap_cache_prefetch(u64 entry);
/* Take the locked folio out of the cache: it has no slot any more.  Not under writeback. */
void swap_cache_drop(struct folio *f);
/* As that if only the cache holds the slot and nobody looks; a reference is the caller's. */
void swap_cache_drop_unused(struct folio *f);
/*
 * Free the locked folio, in the cache, clean and unmapped, if the caller's reference is the last.
 * True: it is gone, lock and all.  Context: any.
 */
bool swap_cache_free(struct folio *f);
/*
 * Write the locked folio of the cache; unlocks it and drops the caller's reference.  It is freed
 * when written, if nobody wants it by then.
 */
void swap_cache_write(struct folio *f);
/* How many pages are being written to swap.  Context: any. */
u32 swap_writes(void);

/* --- swap.c ----------------------------------------------------------------------------------- */

/* Look at some private and shared pages; returns how many were freed or are being written. */
u64 swap_out_some(u64 target, u64 *seen);
/* One page, locked, referenced: `force` though it was used.  True: gone or being written, unlocked,
 * put. */
bool swap_out_folio(struct folio *f, bool force);
int swap_fault(struct vma *vma, vaddr_t addr, pte_t *slot, pte_t e) __must_check;
/* Write fault on a private page that the swap cache also holds: try to have it alone. */
bool swap_make_sole(pte_t *slot, pte_t e);
/* The value in the tree of `s` at `index` back into a page.  Returns 0, -EAGAIN, -ENOMEM, -EIO,
 * -EINTR. */
int shmem_swap_in(struct shmem *s, u64 index, u64 entry) __must_check;
/* shmem.c: swapoff will come by; all pages of an area. */
void shmem_note_swapped(struct shmem *s);
int shmem_bring_back(u32 type) __must_check;
/* cache.c: the folio left the tree for an entry; came back for one.  Locks: m->lock. */
void cache_swapped_locked(struct mapping *m, struct folio *f);
void cache_swapped_back_locked(struct mapping *m, struct folio *f, u64 index);
/* Forget an entry that was taken out of a page table or a tree. */
void swap_entry_release(u64 entry);
/* The page table has swap entries: swapoff will come by. */
void swap_note_mm(struct mm *mm);
void swap_forget_mm(struct mm *mm);
bool swap_mm_next(struct mm **mm);
int swap_mm_bring_back(struct mm *mm, u32 type) __must_check;
