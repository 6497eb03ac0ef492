/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mremap(2): shrink and grow in place, or move.
 *
 * A move makes a second area with the same page numbering, moves the entries over, and unmaps the
 * first (MREMAP_DONTUNMAP: leaves it, empty).
 */
#include "space_internal.h"

/* The area whose part [addr, addr+old_len) is meant, after all checks that concern it. */
static int area_check(struct mm *mm, const struct mremap_request *r, struct vma **out)
{
	struct vma *vma = vma_at(mm, r->addr);
	u64 more = r->new_len > r->old_len ? (r->new_len - r->old_len) >> PAGE_SHIFT : 0;

	if (!vma)
		return -EFAULT;
	if (!r->old_len && !(vma->flags & VM_MAYSHARE))
		return -EINVAL;
	if (r->flags & MREMAP_DONTUNMAP && vma->flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EINVAL;
	if (r->old_len > vma->end - r->addr)
		return -EFAULT;
	*out = vma;
	if (!more)
		return 0;
	if (vma->flags & (VM_DONTEXPAND | VM_PFNMAP))
		return -EFAULT;
	if (vma_pgoff(vma, r->addr) + (r->new_len >> PAGE_SHIFT) < vma_pgoff(vma, r->addr))
		return -EINVAL;
	if (vma->flags & VM_LOCKED && !r->can_mlock &&
	    limit_exceeded(mm->locked_vm, more, r->memlock_limit))
		return -EAGAIN;
	if (limit_exceeded(mm->total_vm, more, r->as_limit))
		return -ENOMEM;
	if ((vma->flags & (VM_WRITE | VM_SHARED)) == VM_WRITE &&
	    limit_exceeded(mm->data_vm, more, r->data_limit))
		return -ENOMEM;
	return 0;
}

/* The area that ends at addr + old_len grows by `more` bytes, if there is room. */
static bool grow_in_place(struct mm *mm, struct vma *vma, const struct mremap_request *r)
{
	struct vma *next = vma_next(vma);
	size_t more = r->new_len - r->old_len;

	if (r->addr + r->old_len != vma->end || vma->end + more > USER_TOP ||
	    vma->end + more < vma->end)
		return false;
	if (next && next->start < vma->end + more)
		return false;
	vma_write_lock(mm, vma);
	rmap_adjust_begin(vma);
	vma_set_bounds(mm, vma, vma->start, vma->end + more, vma->pgoff);
	rmap_adjust_end(vma);
	mm_account_vma(mm, vma->flags, (s64)(more >> PAGE_SHIFT));
	vma_merge(mm, vma);
	return true;
}

static struct vma *area_copy(struct mm *mm, struct vma *vma, vaddr_t addr, vaddr_t new_addr,
			     size_t len)
{
	struct vma *copy = vma_alloc();

	if (!copy)
		return NULL;
	copy->start = new_addr;
	copy->end = new_addr + len;
	copy->pgoff = vma_pgoff(vma, addr);
	copy->flags = vma->flags;
	copy->file = vma->file;
	copy->mapping = vma->mapping;
	copy->ops = vma->ops;
	copy->private = vma->private;
	if (copy->file)
		file_ops->get(copy->file);
	anon_join(copy, vma);
	rmap_link(copy);
	vma_insert(mm, copy);
	vma_write_lock(mm, copy);
	if (copy->ops && copy->ops->open)
		copy->ops->open(copy);
	mm_account_vma(mm, copy->flags, (s64)(len >> PAGE_SHIFT));
	return copy;
}

/*
 * Move to new_addr, where nothing is.  `vma` is exactly [addr, addr + old_len), or contains it if
 * nothing moves.
 */
static int move_to(struct mm *mm, struct vma *vma, const struct mremap_request *r, vaddr_t new_addr)
{
	s64 charged = (s64)(r->new_len >> PAGE_SHIFT);
	size_t moved = min(r->old_len, r->new_len);
	bool account = vma->flags & VM_ACCOUNT;
	struct vma *copy;
	int err;

	if (account && vm_commit(charged, true))
		return -ENOMEM;
	vma_write_lock(mm, vma);
	copy = area_copy(mm, vma, r->addr, new_addr, r->new_len);
	if (!copy) {
		if (account)
			vm_uncommit(charged);
		return -ENOMEM;
	}
	err = moved ? move_range(vma, r->addr, copy, new_addr, moved) : 0;
	if (err) {
		/* Back to where they were: those tables exist. */
		(void)move_range(copy, new_addr, vma, r->addr, moved);
		if (unmap_locked(mm, new_addr, new_addr + r->new_len))
			err = -ENOMEM;
		return err;
	}
	if (r->old_len && !(r->flags & MREMAP_DONTUNMAP))
		err = unmap_locked(mm, r->addr, r->addr + r->old_len);
	vma_merge(mm, copy);
	return err;
}

static int remap_fixed(struct mm *mm, struct mremap_request *r, vaddr_t *out)
{
	struct vma *vma;
	vaddr_t to = r->new_addr;
	int err;

	if (to & ~PAGE_MASK || r->new_len > USER_TOP || to > USER_TOP - r->new_len)
		return -EINVAL;
	if (r->addr + r->old_len > to && to + r->new_len > r->addr)
		return -EINVAL;
	if (to < vm_mmap_min_addr)
		return -EPERM;
	err = unmap_locked(mm, to, to + r->new_len);
	if (err)
		return err;
	if (r->old_len > r->new_len && !(r->flags & MREMAP_DONTUNMAP)) {
		err = unmap_locked(mm, r->addr + r->new_len, r->addr + r->old_len);
		if (err)
			return err;
		r->old_len = r->new_len;
	}
	err = area_check(mm, r, &vma);
	if (err)
		return err;
	if (r->old_len) {
		err = vma_split_range(mm, r->addr, r->addr + r->old_len);
		if (err)
			return err;
		vma = vma_at(mm, r->addr);
	}
	err = move_to(mm, vma, r, to);
	*out = to;
	return err;
}

static int remap_anywhere(struct mm *mm, struct mremap_request *r, vaddr_t *out)
{
	struct vma *vma;
	vaddr_t to;
	int err;

	*out = r->addr;
	if (r->old_len >= r->new_len && !(r->flags & MREMAP_DONTUNMAP)) {
		if (!vma_at(mm, r->addr))
			return -EFAULT;
		return r->old_len == r->new_len
			       ? 0
			       : unmap_locked(mm, r->addr + r->new_len, r->addr + r->old_len);
	}
	err = area_check(mm, r, &vma);
	if (err)
		return err;
	if (r->old_len && !(r->flags & MREMAP_DONTUNMAP)) {
		s64 more = (s64)((r->new_len - r->old_len) >> PAGE_SHIFT);
		bool account = vma->flags & VM_ACCOUNT;

		if (account && vm_commit(more, true))
			return -ENOMEM;
		if (grow_in_place(mm, vma, r))
			return 0;
		if (account)
			vm_uncommit(more);
	}
	if (!(r->flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (!vma_find_gap(mm, r->new_len, vm_mmap_min_addr,
			  mm->layout.mmap_top ? mm->layout.mmap_top : USER_TOP,
			  mm->layout.mmap_top != 0, &to))
		return -ENOMEM;
	if (r->old_len) {
		err = vma_split_range(mm, r->addr, r->addr + r->old_len);
		if (err)
			return err;
		vma = vma_at(mm, r->addr);
	}
	*out = to;
	return move_to(mm, vma, r, to);
}

int mm_remap(struct mm *mm, const struct mremap_request *req, vaddr_t *out)
{
	struct mremap_request r = *req;
	bool locked = false, fixed = r.flags & (MREMAP_FIXED | MREMAP_DONTUNMAP);
	int err;

	if (r.flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP))
		return -EINVAL;
	if (fixed && !(r.flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (r.flags & MREMAP_DONTUNMAP && r.old_len != r.new_len)
		return -EINVAL;
	if (r.addr & ~PAGE_MASK)
		return -EINVAL;
	r.old_len = ALIGN_UP(r.old_len, PAGE_SIZE);
	r.new_len = ALIGN_UP(r.new_len, PAGE_SIZE);
	if (!r.new_len)
		return -EINVAL;
	if (r.old_len > USER_TOP || r.addr > USER_TOP - r.old_len)
		return -EINVAL;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	err = r.flags & MREMAP_FIXED ? remap_fixed(mm, &r, out) : remap_anywhere(mm, &r, out);
	if (!err) {
		struct vma *vma = vma_at(mm, *out);

		locked = vma && (vma->flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED;
	}
	mm_write_unlock(mm);
	if (locked && r.new_len > r.old_len) {
		mm_read_lock(mm);
		(void)populate_range(mm, *out, *out + r.new_len, false);
		mm_read_unlock(mm);
	}
	return err;
}
