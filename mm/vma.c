/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of areas and the locks of single areas.
 *
 * The tree is ordered by address; each node keeps the free gap below its area and the largest such
 * gap in its subtree, so that a place for a new mapping is found in one descent.
 *
 * Lookup by a page fault: under RCU walk down the tree, unlocked, and try to take the reader count
 * of what is found.
 *	(1) Areas are never given back to the page allocator while an RCU reader may stand on one.
 *	(2) area->mm is set last when an area joins the tree and cleared first when it leaves, and a
 *	    writer waits for readers (VMA_WRITER) before it changes or removes an area.
 *	(3) Only after the reader count was taken are mm and the bounds compared.
 * So a walk misled by a rotation finds nothing, or an area that is rejected; then the fault takes
 * the mm lock.  The walk is bounded, as a misled one might be long.
 *
 * An address space with one user has no concurrent faults: writers then do not lock areas at all.
 */
#include <kernel/debug/assert.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include "space_internal.h"

static struct slab_cache *vma_cache;

static void vma_ctor(void *obj)
{
	struct vma *vma = obj;

	*vma = (struct vma){.readers = 0};
}

void vma_init(void)
{
	vma_cache = slab_create("vm_area_struct", sizeof(struct vma), 8,
				SLAB_TYPESAFE_BY_RCU | SLAB_ACCOUNT, vma_ctor);
	VERIFY(vma_cache);
}

struct vma *vma_alloc(void)
{
	struct vma *vma = slab_alloc(vma_cache, GFP_KERNEL);

	if (!vma)
		return NULL;
	vma->file = NULL;
	vma->mapping = NULL;
	vma->ops = NULL;
	vma->private = NULL;
	vma->anon = NULL;
	return vma;
}

void vma_free(struct vma *vma)
{
	slab_free(vma_cache, vma);
}

/* --- tree ------------------------------------------------------------------------------------- */

static void vma_update(struct rb_node *n)
{
	struct vma *vma = rb_entry(n, struct vma, node);
	vaddr_t most = vma->gap;

	if (n->left)
		most = max(most, rb_entry(n->left, struct vma, node)->max_gap);
	if (n->right)
		most = max(most, rb_entry(n->right, struct vma, node)->max_gap);
	vma->max_gap = most;
}

static void gap_refresh(struct vma *vma, vaddr_t before_end)
{
	vaddr_t gap = vma->start - before_end;

	if (vma->gap != gap) {
		vma->gap = gap;
		rb_update_path(&vma->node, vma_update);
	}
}

void vma_insert(struct mm *mm, struct vma *vma)
{
	struct rb_node **link = &mm->areas.node, *parent = NULL;
	struct vma *before = NULL, *after = NULL;

	while (*link) {
		struct vma *at = rb_entry(*link, struct vma, node);

		parent = *link;
		if (vma->start < at->start) {
			after = at;
			link = &parent->left;
		} else {
			before = at;
			link = &parent->right;
		}
	}
	vma->gap = vma->start - (before ? before->end : 0);
	vma->max_gap = vma->gap;
	rb_link(&vma->node, parent, link);
	rb_insert_fixup_augmented(&mm->areas, &vma->node, !before, vma_update);
	if (after)
		gap_refresh(after, vma->end);
	mm->nr_areas++;
	atomic_store_release(&vma->mm, mm);
}

void vma_erase(struct mm *mm, struct vma *vma)
{
	struct vma *after = vma_next(vma);
	vaddr_t before_end = vma->start - vma->gap;

	WRITE_ONCE(vma->mm, NULL);
	rb_erase_augmented(&mm->areas, &vma->node, vma_update);
	if (after)
		gap_refresh(after, before_end);
	mm->nr_areas--;
}

void vma_set_bounds(struct mm *mm, struct vma *vma, vaddr_t start, vaddr_t end, u64 pgoff)
{
	struct vma *after = end != vma->end ? vma_next(vma) : NULL;
	vaddr_t before_end = vma->start - vma->gap;

	WRITE_ONCE(vma->start, start);
	WRITE_ONCE(vma->end, end);
	vma->pgoff = pgoff;
	gap_refresh(vma, before_end);
	if (after)
		gap_refresh(after, end);
}

struct vma *vma_find(const struct mm *mm, vaddr_t addr)
{
	struct rb_node *n = mm->areas.node;
	struct vma *best = NULL;

	while (n) {
		struct vma *vma = rb_entry(n, struct vma, node);

		if (vma->end > addr) {
			best = vma;
			if (vma->start <= addr)
				break;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return best;
}

struct vma *vma_next(const struct vma *vma)
{
	return vma_of(rb_next(&vma->node));
}

/* A stack wants room to grow. */
static vaddr_t vma_guarded_start(const struct vma *vma)
{
	if (!(vma->flags & VM_GROWSDOWN))
		return vma->start;
	return vma->start > STACK_GUARD_GAP ? vma->start - STACK_GUARD_GAP : 0;
}

static bool gap_usable(vaddr_t from, vaddr_t to, size_t len, vaddr_t low, vaddr_t high,
		       bool topdown, vaddr_t *out)
{
	from = max(from, low);
	to = min(to, high);
	if (to < from || to - from < len)
		return false;
	*out = topdown ? to - len : from;
	return true;
}

static bool gap_topdown(struct rb_node *n, size_t len, vaddr_t low, vaddr_t high, vaddr_t *out)
{
	while (n) {
		struct vma *vma = rb_entry(n, struct vma, node);
		vaddr_t from = vma->start - vma->gap;

		if (vma->max_gap < len)
			return false;
		if (vma->end + len <= high && gap_topdown(n->right, len, low, high, out))
			return true;
		if (gap_usable(from, vma_guarded_start(vma), len, low, high, true, out))
			return true;
		if (from <= low)
			return false;
		n = n->left;
	}
	return false;
}

static bool gap_bottomup(struct rb_node *n, size_t len, vaddr_t low, vaddr_t high, vaddr_t *out)
{
	while (n) {
		struct vma *vma = rb_entry(n, struct vma, node);
		vaddr_t from = vma->start - vma->gap;

		if (vma->max_gap < len)
			return false;
		if (from > low && gap_bottomup(n->left, len, low, high, out))
			return true;
		if (gap_usable(from, vma_guarded_start(vma), len, low, high, false, out))
			return true;
		if (vma->end + len > high)
			return false;
		n = n->right;
	}
	return false;
}

bool vma_find_gap(const struct mm *mm, size_t len, vaddr_t low, vaddr_t high, bool topdown,
		  vaddr_t *out)
{
	struct vma *last = vma_of(rb_last(&mm->areas));
	vaddr_t end = last ? last->end : 0;

	if (high < low || high - low < len)
		return false;
	if (topdown)
		return gap_usable(end, high, len, low, high, true, out) ||
		       gap_topdown(mm->areas.node, len, low, high, out);
	return gap_bottomup(mm->areas.node, len, low, high, out) ||
	       gap_usable(end, high, len, low, high, false, out);
}

/* --- locks ------------------------------------------------------------------------------------ */

static bool vma_read_trylock(struct vma *vma)
{
	u32 old = atomic_load(&vma->readers);

	do {
		if (old & VMA_WRITER)
			return false;
	} while (!atomic_cmpxchg_acquire(&vma->readers, &old, old + 1));
	return true;
}

void vma_read_unlock(struct vma *vma)
{
	struct mm *mm = thread_current()->mm;
	u32 old = __atomic_fetch_sub(&vma->readers, 1, __ATOMIC_RELEASE);

	if (unlikely(old == (VMA_WRITER | 1)))
		wake_up_all(&mm->vma_wait);
}

#define WALK_MAX 64

struct vma *vma_lookup_read(struct mm *mm, vaddr_t addr)
{
	guard_rcu();

	struct rb_node *n = READ_ONCE(mm->areas.node);

	for (unsigned i = 0; n && i < WALK_MAX; i++) {
		struct vma *vma = rb_entry(n, struct vma, node);

		if (READ_ONCE(vma->end) <= addr) {
			n = READ_ONCE(n->right);
			continue;
		}
		if (READ_ONCE(vma->start) > addr) {
			n = READ_ONCE(n->left);
			continue;
		}
		if (!vma_read_trylock(vma))
			return NULL;
		if (likely(atomic_load_acquire(&vma->mm) == mm && vma->start <= addr &&
			   vma->end > addr))
			return vma;
		/* Not ours: its writer, if one waits, looks again soon (vma_write_lock). */
		__atomic_fetch_sub(&vma->readers, 1, __ATOMIC_RELEASE);
		return NULL;
	}
	return NULL;
}

static bool vma_drained(struct vma *vma)
{
	return atomic_load_acquire(&vma->readers) == VMA_WRITER;
}

void vma_write_lock(struct mm *mm, struct vma *vma)
{
	if (mm_single(mm) || atomic_load(&vma->readers) & VMA_WRITER)
		return;
	if (atomic_fetch_or(&vma->readers, VMA_WRITER)) {
		/*
		 * A reader rejected by another address space wakes nobody here: look again now and
		 * then.
		 */
		while (wait_event_timeout(&mm->vma_wait, vma_drained(vma),
					  clock_mono_ns() + 10000000))
			;
	}
	vma->locked_next = mm->locked;
	mm->locked = vma;
}

static void vma_write_unlock_all(struct mm *mm)
{
	struct vma *vma = mm->locked;

	mm->locked = NULL;
	while (vma) {
		struct vma *next = vma->locked_next;

		if (READ_ONCE(vma->mm) == NULL) {
			__atomic_fetch_and(&vma->readers, ~VMA_WRITER, __ATOMIC_RELEASE);
			vma_free(vma);
		} else {
			__atomic_fetch_and(&vma->readers, ~VMA_WRITER, __ATOMIC_RELEASE);
		}
		vma = next;
	}
}

void mm_write_unlock(struct mm *mm)
{
	if (mm->locked)
		vma_write_unlock_all(mm);
	rwsem_write_unlock(&mm->lock);
}

void mm_write_downgrade(struct mm *mm)
{
	if (mm->locked)
		vma_write_unlock_all(mm);
	rwsem_downgrade(&mm->lock);
}

int mm_read_lock_killable(struct mm *mm)
{
	return rwsem_read_lock_killable(&mm->lock);
}

/*
 * An area that left the tree: its memory waits for the unlock if it is on the list of locked areas.
 */
void vma_dispose(struct vma *vma)
{
	if (!(atomic_load(&vma->readers) & VMA_WRITER))
		vma_free(vma);
}

/* --- splitting and joining -------------------------------------------------------------------- */

void mm_account_vma(struct mm *mm, u64 flags, s64 pages)
{
	mm->total_vm += (u64)pages;
	if (mm->total_vm > mm->hiwater_vm)
		WRITE_ONCE(mm->hiwater_vm, mm->total_vm);
	if (flags & VM_LOCKED) {
		mm->locked_vm += (u64)pages;
		vm_gauge_add(VM_NR_MLOCK, pages);
	}
	if (flags & VM_GROWSDOWN)
		mm->stack_vm += (u64)pages;
	else if ((flags & (VM_EXEC | VM_WRITE)) == VM_EXEC)
		mm->exec_vm += (u64)pages;
	else if ((flags & (VM_WRITE | VM_SHARED)) == VM_WRITE)
		mm->data_vm += (u64)pages;
}

static void vma_copy_fields(struct vma *to, const struct vma *from)
{
	to->flags = from->flags;
	to->file = from->file;
	to->mapping = from->mapping;
	to->ops = from->ops;
	to->private = from->private;
	if (to->file)
		file_ops->get(to->file);
}

int vma_split(struct mm *mm, struct vma *vma, vaddr_t at)
{
	if (vma->ops && vma->ops->may_split) {
		int err = vma->ops->may_split(vma, at);

		if (err)
			return err;
	}

	struct vma *upper = vma_alloc();

	if (!upper)
		return -ENOMEM;
	vma_write_lock(mm, vma);
	vma_copy_fields(upper, vma);
	upper->start = at;
	upper->end = vma->end;
	upper->pgoff = vma_pgoff(vma, at);

	rmap_adjust_begin(vma);
	vma_set_bounds(mm, vma, vma->start, at, vma->pgoff);
	rmap_adjust_end(vma);
	anon_join(upper, vma);
	rmap_link(upper);
	vma_insert(mm, upper);
	vma_write_lock(mm, upper);
	if (upper->ops && upper->ops->open)
		upper->ops->open(upper);
	return 0;
}

int vma_split_range(struct mm *mm, vaddr_t start, vaddr_t end)
{
	struct vma *vma = vma_at(mm, start);
	int err = 0;

	if (vma && vma->start < start)
		err = vma_split(mm, vma, start);
	if (err)
		return err;
	vma = vma_at(mm, end);
	return vma && vma->start < end ? vma_split(mm, vma, end) : 0;
}

#define VM_NO_MERGE (VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_SPECIAL_AREA)

static bool vma_mergeable(const struct vma *low, const struct vma *high)
{
	return low->end == high->start && low->flags == high->flags &&
	       !(low->flags & VM_NO_MERGE) && low->file == high->file &&
	       low->mapping == high->mapping && low->ops == high->ops &&
	       low->private == high->private && !(low->ops && low->ops->close) &&
	       low->pgoff + (vma_size(low) >> PAGE_SHIFT) == high->pgoff &&
	       anon_compatible(low, high);
}

/* `high` goes, `low` takes its range. */
static struct vma *vma_join(struct mm *mm, struct vma *low, struct vma *high)
{
	vaddr_t end = high->end;

	vma_write_lock(mm, low);
	vma_write_lock(mm, high);
	if (!low->anon && high->anon)
		anon_join(low, high);
	rmap_unlink(high);
	vma_erase(mm, high);
	rmap_adjust_begin(low);
	vma_set_bounds(mm, low, low->start, end, low->pgoff);
	rmap_adjust_end(low);
	if (high->file)
		file_ops->put(high->file);
	vma_dispose(high);
	return low;
}

struct vma *vma_merge(struct mm *mm, struct vma *vma)
{
	struct vma *prev = vma_prev(vma), *next;

	if (prev && vma_mergeable(prev, vma))
		vma = vma_join(mm, prev, vma);
	next = vma_next(vma);
	if (next && vma_mergeable(vma, next))
		vma = vma_join(mm, vma, next);
	return vma;
}

static bool vma_takes(const struct vma *vma, u64 flags, struct file *file, struct mapping *mapping,
		      const struct vma_ops *ops)
{
	return vma->flags == flags && vma->file == file && vma->mapping == mapping &&
	       vma->ops == ops && !vma->private && !(flags & VM_NO_MERGE) && !(ops && ops->close);
}

struct vma *vma_extend_neighbour(struct mm *mm, vaddr_t start, vaddr_t end, u64 flags, u64 pgoff,
				 struct file *file, struct mapping *mapping,
				 const struct vma_ops *ops)
{
	struct vma *next = vma_find(mm, start);
	struct vma *prev = next ? vma_prev(next) : vma_of(rb_last(&mm->areas));
	struct vma *grown = NULL;

	if (prev && prev->end == start && vma_takes(prev, flags, file, mapping, ops) &&
	    prev->pgoff + (vma_size(prev) >> PAGE_SHIFT) == pgoff) {
		vma_write_lock(mm, prev);
		rmap_adjust_begin(prev);
		vma_set_bounds(mm, prev, prev->start, end, prev->pgoff);
		rmap_adjust_end(prev);
		grown = prev;
		if (next && vma_mergeable(prev, next))
			grown = vma_join(mm, prev, next);
	} else if (next && next->start == end && vma_takes(next, flags, file, mapping, ops) &&
		   pgoff + ((end - start) >> PAGE_SHIFT) == next->pgoff) {
		vma_write_lock(mm, next);
		rmap_adjust_begin(next);
		vma_set_bounds(mm, next, start, next->end, pgoff);
		rmap_adjust_end(next);
		grown = next;
	}
	return grown;
}
