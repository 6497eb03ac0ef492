/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files that make up address spaces. */
#pragma once

#include <kernel/abi/errno.h>
#include <kernel/abi/mman.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/cpu.h>
#include <kernel/trap/trap.h>
#include "mm_internal.h"

#define VMA_WRITER      (1u << 31)
#define STACK_GUARD_GAP (256ul << PAGE_SHIFT)

/* A PTE being replaced break-before-make: whoever meets it tries again. */
#define TOKEN_BUSY 1u

#define vma_of(n) rb_entry_or_null(n, struct vma, node)

extern const struct mm_file_ops *file_ops;
extern paddr_t zero_frame;

/* --- vma.c ------------------------------------------------------------------------------------ */

struct vma *vma_alloc(void);
void vma_free(struct vma *vma);
/* Free an area that left the tree, now or when the mm lock is dropped. */
void vma_dispose(struct vma *vma);
/* Onto the tree; from here on faults find it.  Locks: mm->lock for writing. */
void vma_insert(struct mm *mm, struct vma *vma);
void vma_erase(struct mm *mm, struct vma *vma);
/* Move the bounds; the area keeps its place among the others. */
void vma_set_bounds(struct mm *mm, struct vma *vma, vaddr_t start, vaddr_t end, u64 pgoff);
/* Nobody faults in the area until the mm lock is dropped. */
void vma_write_lock(struct mm *mm, struct vma *vma);
void mm_write_unlock(struct mm *mm);
void mm_write_downgrade(struct mm *mm);
/* Lock-free lookup with the area's reader count taken, or NULL: look under the lock. */
struct vma *vma_lookup_read(struct mm *mm, vaddr_t addr);
void vma_read_unlock(struct vma *vma);

static inline struct vma *vma_prev(const struct vma *vma)
{
	return vma_of(rb_prev(&vma->node));
}

/* The area that contains addr, or NULL. */
static inline struct vma *vma_at(const struct mm *mm, vaddr_t addr)
{
	struct vma *vma = vma_find(mm, addr);

	return vma && vma->start <= addr ? vma : NULL;
}

/* A free range of `len` bytes in [low, high), the highest or the lowest.  False: none. */
bool vma_find_gap(const struct mm *mm, size_t len, vaddr_t low, vaddr_t high, bool topdown,
		  vaddr_t *out);
/* Cut `vma` at `at`; it keeps the lower part.  Returns 0, -ENOMEM.  Both parts are write-locked. */
int vma_split(struct mm *mm, struct vma *vma, vaddr_t at) __must_check;
/* Join with neighbours where possible.  Returns the area that now holds vma->start. */
struct vma *vma_merge(struct mm *mm, struct vma *vma);
/* Could a new area with these properties grow a neighbour?  The neighbour, grown, or NULL. */
struct vma *vma_extend_neighbour(struct mm *mm, vaddr_t start, vaddr_t end, u64 flags, u64 pgoff,
				 struct file *file, struct mapping *mapping,
				 const struct vma_ops *ops);
/* Make area edges at start and end where they cut through areas.  Returns 0 or -ENOMEM. */
int vma_split_range(struct mm *mm, vaddr_t start, vaddr_t end) __must_check;
void mm_account_vma(struct mm *mm, u64 flags, s64 pages);

static inline bool vma_is_anon(const struct vma *vma)
{
	return !vma->ops && !vma->mapping;
}

/* Shared file pages whose first write must be noticed. */
static inline bool vma_wants_mkwrite(const struct vma *vma)
{
	return (vma->flags & (VM_SHARED | VM_WRITE)) == (VM_SHARED | VM_WRITE) && vma->mapping &&
	       !mapping_test(vma->mapping, MAPPING_SHMEM);
}

static inline u64 vma_pgoff(const struct vma *vma, vaddr_t addr)
{
	return vma->pgoff + ((addr - vma->start) >> PAGE_SHIFT);
}

/* PTE flags of a page of the area; W only if `write` too. */
static inline unsigned vma_pte_flags(const struct vma *vma, bool write)
{
	unsigned f = PTE_USER | PTE_ACCESSED;

	if (!(vma->flags & VM_ACCESS_FLAGS))
		return f | PTE_NONE;
	f |= PTE_R;
	if (write && vma->flags & VM_WRITE)
		f |= PTE_W;
	if (vma->flags & VM_EXEC)
		f |= PTE_X;
	return f;
}

/* --- rmap.c ----------------------------------------------------------------------------------- */

/* Make the area known to its file and its anonymous family, or forgotten by them. */
void rmap_link(struct vma *vma);
void rmap_unlink(struct vma *vma);
/* The bounds of a linked area change in between. */
void rmap_adjust_begin(struct vma *vma);
void rmap_adjust_end(struct vma *vma);
/* Give the area its struct anon.  0 or -ENOMEM. */
int anon_prepare(struct vma *vma) __must_check;
/* `to` belongs to the same family as `from`; link it. */
void anon_join(struct vma *to, const struct vma *from);
void anon_leave(struct vma *vma);
bool anon_compatible(const struct vma *a, const struct vma *b);

/* --- space.c ---------------------------------------------------------------------------------- */

static inline void rss_add(struct mm *mm, enum rss_kind kind, s64 n)
{
	atomic_add(&mm->rss[cpu_id() % RSS_SHARDS].n[kind], n);
}

static inline enum rss_kind page_rss_kind(const struct page *p)
{
	u32 f = atomic_load(&p->flags);

	return f & 1u << PG_anon ? RSS_ANON : f & 1u << PG_swapbacked ? RSS_SHMEM : RSS_FILE;
}

/* Nobody else can run in the address space. */
static inline bool mm_single(const struct mm *mm)
{
	return refcount_read(&mm->users) == 1;
}

/* --- zap.c ------------------------------------------------------------------------------------ */

/* Pages that got their first or lost their last mapping: for the gauges, in one go. */
struct map_delta {
	s64 rss[NR_RSS];
	s64 anon, mapped; /* pages */
};
void map_delta_apply(struct mm *mm, const struct map_delta *d);

static inline void map_delta_note(struct map_delta *d, struct page *p, s64 sign, bool edge)
{
	enum rss_kind kind = page_rss_kind(p);

	d->rss[kind] += sign;
	if (edge) {
		d->anon += kind == RSS_ANON ? sign : 0;
		d->mapped += kind == RSS_ANON ? 0 : sign;
	}
}

/*
 * Remove the entries of part of an area; pages go to the batch.  Private copies stay unless
 * `even_cow`. `exclusive`: the mm lock is held for writing and the area write-locked. Locks: that,
 * or the area's rmap, or the mm lock for reading when faults may race (MADV_DONTNEED).
 */
void zap_range(struct tlb_batch *b, struct vma *vma, vaddr_t start, vaddr_t end, bool even_cow,
	       bool exclusive);
void zap_everything(struct mm *mm);
/* After mprotect: entries of [start, end) get the area's permissions. */
void protect_range(struct tlb_batch *b, struct vma *vma, vaddr_t start, vaddr_t end);
/* Move entries; the target is empty.  0 or -ENOMEM (moved as far as *moved). */
int move_range(struct vma *from, vaddr_t old, struct vma *to, vaddr_t new, size_t len);
int copy_range(struct vma *to, struct vma *from, bool *protected);

/* --- usertable.c ------------------------------------------------------------------------------ */

/*
 * The slot of the first address at or after *addr, below `end`, that has a leaf table; NULL: none.
 */
pte_t *upt_find(paddr_t root, vaddr_t *addr, vaddr_t end);
/* A page table with one user. */
struct page *upt_table_alloc(struct mm *mm, unsigned level, vaddr_t base);
/* A root with an empty user half. */
struct page *upt_root_alloc(struct mm *mm);
void upt_root_free(struct page *p);

/* The first address after `addr` that its leaf table does not cover, at most `end`. */
static inline vaddr_t upt_table_end(vaddr_t addr, vaddr_t end)
{
	vaddr_t edge = (addr | (PT_SIZE(1) - 1)) + 1;

	return min(edge, end);
}

/* --- fault.c ---------------------------------------------------------------------------------- */

/* One fault in a held area.  Returns 0, -EAGAIN (look again), -EFAULT, -EIO (SIGBUS), -ENOMEM. */
int fault_handle(struct vma *vma, vaddr_t addr, bool write, bool exec) __must_check;
enum fault_result mm_fault(vaddr_t addr, unsigned access, struct arch_trapframe *tf);
int stack_expand(struct mm *mm, struct vma *vma, vaddr_t addr) __must_check;
/* Fault in [start, end) as far as it goes: populate.  Locks: mm->lock for reading. */
int populate_range(struct mm *mm, vaddr_t start, vaddr_t end, bool write);

/* --- mmap.c ----------------------------------------------------------------------------------- */

int unmap_locked(struct mm *mm, vaddr_t start, vaddr_t end) __must_check;
bool limit_exceeded(u64 have_pages, u64 more_pages, u64 limit_bytes);
