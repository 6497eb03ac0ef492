/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing the map: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2).
 *
 * Each call decodes and checks, takes the mm lock for writing, checks what needs the lock, and then
 * changes. Limits are those the caller passes in; the commit limit is mm's own (commit.c).
 */
#include <kernel/abi/capability.h>
#include <kernel/sched/thread.h>
#include <mm/shmem.h>
#include <security/cred.h>
#include "space_internal.h"

#ifndef MAP_32BIT
#define MAP_32BIT 0
#endif
#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif

#define LEGACY_FLAGS                                                                               \
	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |   \
	 MAP_UNINITIALIZED | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE |           \
	 MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | MAP_FIXED_NOREPLACE)

#ifndef MAP_UNINITIALIZED
#define MAP_UNINITIALIZED 0
#endif

bool limit_exceeded(u64 have_pages, u64 more_pages, u64 limit_bytes)
{
	return limit_bytes != ~0ull && have_pages + more_pages > limit_bytes >> PAGE_SHIFT;
}

static u64 prot_to_vm(int prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_EXEC : 0);
}

static bool is_private_writable(u64 flags)
{
	return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) == VM_WRITE;
}

/* --- unmapping -------------------------------------------------------------------------------- */

static void area_gone(struct mm *mm, struct vma *vma)
{
	s64 pages = (s64)(vma_size(vma) >> PAGE_SHIFT);

	mm_account_vma(mm, vma->flags, -pages);
	if (vma->flags & VM_ACCOUNT)
		vm_uncommit(pages);
	if (vma->ops && vma->ops->close)
		vma->ops->close(vma);
	vma_erase(mm, vma);
	if (vma->file)
		file_ops->put(vma->file);
	vma_dispose(vma);
}

/* [start, end) consists of whole areas and holes, `first` the first of them. */
static void areas_remove(struct mm *mm, struct vma *first, vaddr_t end)
{
	struct vma *prev = vma_prev(first), *vma, *next;
	vaddr_t start = first->start, last_end = first->end;
	struct tlb_batch b;

	tlb_begin(&b, mm);
	for (vma = first; vma && vma->start < end; vma = vma_next(vma)) {
		vma_write_lock(mm, vma);
		zap_range(&b, vma, vma->start, vma->end, true, true);
		rmap_unlink(vma);
		last_end = vma->end;
	}
	upt_free_tables(&b, mm, start, last_end, prev ? prev->end : 0, vma ? vma->start : 0);
	tlb_end(&b);
	for (vma = first; vma && vma->start < end; vma = next) {
		next = vma_next(vma);
		area_gone(mm, vma);
	}
}

int unmap_locked(struct mm *mm, vaddr_t start, vaddr_t end)
{
	struct vma *vma = vma_find(mm, start);
	int err;

	if (!vma || vma->start >= end)
		return 0;
	if (vma->start < start || vma->end > end) {
		if (vma->start < start && vma->end > end && mm->nr_areas >= vm_max_map_count)
			return -ENOMEM;
		err = vma_split_range(mm, start, end);
		if (err)
			return err;
		vma = vma_find(mm, start);
	} else {
		err = vma_split_range(mm, end, end);
		if (err)
			return err;
	}
	areas_remove(mm, vma, end);
	return 0;
}

static bool range_bad(vaddr_t addr, size_t len)
{
	return addr & ~PAGE_MASK || len > USER_TOP || addr > USER_TOP - len;
}

int mm_unmap(struct mm *mm, vaddr_t addr, size_t len)
{
	int err;

	if (range_bad(addr, len))
		return -EINVAL;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (!len || addr > USER_TOP - len)
		return -EINVAL;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	err = unmap_locked(mm, addr, addr + len);
	mm_write_unlock(mm);
	return err;
}

/* --- mapping ---------------------------------------------------------------------------------- */

/* A new area in the making. */
struct new_map {
	const struct mmap_request *req;
	vaddr_t start;
	size_t len;
	u64 flags; /* VM_* */
	struct mapping *mapping;
	const struct vma_ops *ops;
	u64 pgoff;
};

static int flags_decode(struct new_map *n)
{
	const struct mmap_request *r = n->req;
	u32 type = r->flags & MAP_TYPE;

	if (r->flags & MAP_HUGETLB)
		return -EINVAL;
	n->flags = r->vm_flags | prot_to_vm(r->prot);
	if (r->flags & MAP_GROWSDOWN)
		n->flags |= VM_GROWSDOWN;
	if (r->flags & MAP_LOCKED)
		n->flags |= VM_LOCKED;

	if (type == MAP_SHARED_VALIDATE && r->file) {
		if (r->flags & ~(u32)LEGACY_FLAGS)
			return -EOPNOTSUPP;
		type = MAP_SHARED;
	}
	if (type == MAP_SHARED)
		n->flags |= VM_SHARED | VM_MAYSHARE;
	else if (type != MAP_PRIVATE)
		return -EINVAL;
	if (n->flags & VM_SHARED && n->flags & VM_GROWSDOWN)
		return -EINVAL;
	return 0;
}

/* VM_MAY*: what mprotect may turn on later. */
static int rights_decide(struct new_map *n)
{
	const struct mmap_request *r = n->req;
	u64 may = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;

	if (r->file) {
		int err = file_ops->may_map(r->file, n->flags & VM_SHARED, r->prot, &may);

		if (err)
			return err;
	} else if (r->max_prot) {
		may = r->max_prot;
	}
	n->flags |= may;
	return 0;
}

static bool range_free(const struct mm *mm, vaddr_t start, size_t len)
{
	const struct vma *vma = vma_find(mm, start);

	if (!vma)
		return true;

	vaddr_t limit = vma->start;

	if (vma->flags & VM_GROWSDOWN)
		limit -= min(limit, STACK_GUARD_GAP);
	return start + len <= limit;
}

static int place_find(const struct mm *mm, size_t len, u32 flags, vaddr_t *out)
{
	vaddr_t low = max(mm->layout.mmap_bottom, (vaddr_t)vm_mmap_min_addr);

	if (MAP_32BIT && flags & MAP_32BIT)
		return vma_find_gap(mm, len, 0x40000000, 0x80000000, false, out) ? 0 : -ENOMEM;
	if (mm->layout.mmap_top) {
		if (vma_find_gap(mm, len, vm_mmap_min_addr, mm->layout.mmap_top, true, out))
			return 0;
		low = ALIGN_UP(USER_TOP / 3, PAGE_SIZE);
	}
	return vma_find_gap(mm, len, low, USER_TOP, false, out) ? 0 : -ENOMEM;
}

static int place_choose(struct mm *mm, struct new_map *n)
{
	const struct mmap_request *r = n->req;
	vaddr_t hint = r->addr;

	if (r->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (hint & ~PAGE_MASK)
			return -EINVAL;
		if (n->len > USER_TOP || hint > USER_TOP - n->len)
			return -ENOMEM;
		if (hint < vm_mmap_min_addr && !capable(CAP_SYS_RAWIO))
			return -EPERM;
		if (r->flags & MAP_FIXED_NOREPLACE) {
			const struct vma *vma = vma_find(mm, hint);

			if (vma && vma->start < hint + n->len)
				return -EEXIST;
		}
		n->start = hint;
		return 0;
	}
	hint &= PAGE_MASK;
	if (hint && hint >= vm_mmap_min_addr && n->len <= USER_TOP && hint <= USER_TOP - n->len &&
	    range_free(mm, hint, n->len)) {
		n->start = hint;
		return 0;
	}
	return place_find(mm, n->len, r->flags, &n->start);
}

static int limits_check(struct mm *mm, struct new_map *n)
{
	const struct mmap_request *r = n->req;
	u64 pages = n->len >> PAGE_SHIFT;

	if (mm->nr_areas >= vm_max_map_count)
		return -ENOMEM;
	if (limit_exceeded(mm->total_vm, pages, r->as_limit))
		return -ENOMEM;
	if (is_private_writable(n->flags) && limit_exceeded(mm->data_vm, pages, r->data_limit))
		return -ENOMEM;
	n->flags |= mm->def_flags & ~(r->vm_flags & VM_SPECIAL_AREA ? VM_LOCKED : 0);
	if (n->flags & VM_LOCKED && !r->can_mlock) {
		if (r->flags & MAP_LOCKED && !r->memlock_limit)
			return -EPERM;
		if (limit_exceeded(mm->locked_vm, pages, r->memlock_limit))
			return -EAGAIN;
	}
	return 0;
}

/* Promise the memory that a private writable (or shared anonymous) mapping may need. */
static int commit_new(struct new_map *n)
{
	bool counted = is_private_writable(n->flags);

	if (n->req->flags & MAP_NORESERVE && vm_overcommit_memory != 2) {
		n->flags |= VM_NORESERVE;
		return 0;
	}
	if (!counted)
		return 0;
	n->flags |= VM_ACCOUNT;
	return vm_commit((s64)(n->len >> PAGE_SHIFT), true);
}

static int area_attach(struct mm *mm, struct new_map *n, struct vma *vma)
{
	const struct mmap_request *r = n->req;
	int err = 0;

	vma->start = n->start;
	vma->end = n->start + n->len;
	vma->flags = n->flags;
	vma->pgoff = n->pgoff;
	vma->ops = n->ops;
	vma->mapping = n->mapping;
	vma->private = r->private;
	if (r->file) {
		file_ops->get(r->file);
		vma->file = r->file;
		vma->mapping = file_ops->mapping(r->file);
		err = file_ops->mmap(r->file, vma);
		if (err)
			goto put_file;
	} else if (n->flags & VM_SHARED && !n->ops && !n->mapping) {
		err = shmem_map_anonymous(vma);
		if (err)
			return err;
	}
	rmap_link(vma);
	vma_insert(mm, vma);
	return 0;

put_file:
	file_ops->put(r->file);
	return err;
}

static bool may_extend(const struct new_map *n)
{
	return !n->req->file && !n->mapping && !n->ops && !(n->flags & (VM_SHARED | VM_GROWSDOWN));
}

static int area_make(struct mm *mm, struct new_map *n)
{
	s64 pages = (s64)(n->len >> PAGE_SHIFT);
	struct vma *vma;
	int err = commit_new(n);

	if (err)
		return err;
	if (may_extend(n) && vma_extend_neighbour(mm, n->start, n->start + n->len, n->flags,
						  n->pgoff, NULL, NULL, NULL)) {
		mm_account_vma(mm, n->flags, pages);
		return 0;
	}
	vma = vma_alloc();
	err = vma ? area_attach(mm, n, vma) : -ENOMEM;
	if (err) {
		if (vma)
			vma_free(vma);
		if (n->flags & VM_ACCOUNT)
			vm_uncommit(pages);
		return err;
	}
	mm_account_vma(mm, vma->flags, pages);
	if (vma->file)
		vma_merge(mm, vma);
	return 0;
}

static int map_locked(struct mm *mm, struct new_map *n)
{
	const struct mmap_request *r = n->req;
	int err = place_choose(mm, n);

	if (err)
		return err;
	err = limits_check(mm, n);
	if (err)
		return err;
	n->pgoff = r->file || n->mapping || n->ops || n->flags & VM_SHARED ? r->pgoff
									   : n->start >> PAGE_SHIFT;
	if (r->flags & MAP_FIXED) {
		err = unmap_locked(mm, n->start, n->start + n->len);
		if (err)
			return err;
	}
	return area_make(mm, n);
}

int mm_map(struct mm *mm, const struct mmap_request *req, vaddr_t *out)
{
	struct new_map n = {.req = req, .mapping = req->mapping, .ops = req->ops};
	int err;

	if (!req->len)
		return -EINVAL;
	n.len = ALIGN_UP(req->len, PAGE_SIZE);
	if (!n.len || n.len > USER_TOP)
		return -ENOMEM;
	if (req->pgoff + (n.len >> PAGE_SHIFT) < req->pgoff)
		return -EOVERFLOW;
	err = flags_decode(&n);
	if (!err)
		err = rights_decide(&n);
	if (err)
		return err;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	err = map_locked(mm, &n);
	mm_write_unlock(mm);
	if (err)
		return err;
	*out = n.start;
	if ((n.flags & (VM_LOCKED | VM_LOCKONFAULT)) == VM_LOCKED ||
	    (req->flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE) {
		mm_read_lock(mm);
		(void)populate_range(mm, n.start, n.start + n.len, false);
		mm_read_unlock(mm);
	}
	return 0;
}

int mm_map_anon(struct mm *mm, vaddr_t addr, size_t len, u64 vm_flags)
{
	struct mmap_request req = {
		.addr = addr,
		.len = len,
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		.vm_flags = vm_flags,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};
	vaddr_t out;

	return mm_map(mm, &req, &out);
}

int mm_stack_create(struct mm *mm, vaddr_t top, size_t size, bool exec)
{
	struct mmap_request req = {
		.addr = top - size,
		.len = size,
		.prot = PROT_READ | PROT_WRITE | (exec ? PROT_EXEC : 0),
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};
	vaddr_t out;

	return mm_map(mm, &req, &out);
}

int mm_map_special(struct mm *mm, vaddr_t *addr, size_t len, u64 vm_flags,
		   const struct vma_ops *ops, void *private)
{
	struct mmap_request req = {
		.addr = *addr,
		.len = len,
		.flags = MAP_PRIVATE,
		.vm_flags = vm_flags | VM_SPECIAL_AREA | VM_DONTEXPAND,
		.max_prot = VM_MAYREAD | (vm_flags & VM_EXEC ? VM_MAYEXEC : 0),
		.ops = ops,
		.private = private,
		.as_limit = ~0ull,
		.data_limit = ~0ull,
		.memlock_limit = ~0ull,
	};

	return mm_map(mm, &req, addr);
}

int vma_map_frames(struct vma *vma, vaddr_t addr, paddr_t pa, size_t len, enum memtype type)
{
	struct mm *mm = vma->mm ? vma->mm : thread_current()->mm;
	unsigned flags;

	vma->flags |= VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP;
	flags = vma_pte_flags(vma, vma->flags & VM_SHARED) | PTE_SPECIAL | PTE_DIRTY;
	for (size_t done = 0; done < len; done += PAGE_SIZE) {
		pte_t *slot;
		int err = upt_slot_alloc(mm, addr + done, &slot);

		if (err)
			return err;
		pte_store(slot, arch_pte_leaf(pa + done, flags, type, 0));
	}
	arch_pte_written();
	return 0;
}

int vma_map_page(struct vma *vma, vaddr_t addr, struct page *page)
{
	struct mm *mm = vma->mm ? vma->mm : thread_current()->mm;
	struct map_delta d = {};
	pte_t *slot, none = {0};
	int err = upt_slot_alloc(mm, addr, &slot);

	if (err)
		return err;
	vma->flags |= VM_DONTEXPAND;

	u64 old = atomic_fetch_add(&page->counts, PAGE_COUNT_MAP);
	unsigned flags = vma_pte_flags(vma, vma->flags & VM_SHARED) | PTE_DIRTY;

	if (!pte_replace(slot, &none, arch_pte_leaf(page_to_phys(page), flags, MEM_NORMAL, 0))) {
		atomic_sub(&page->counts, PAGE_COUNT_MAP);
		return -EBUSY;
	}
	arch_pte_written();
	map_delta_note(&d, page, 1, old >> 32 == 0);
	map_delta_apply(mm, &d);
	return 0;
}

/* --- mprotect --------------------------------------------------------------------------------- */

/* Give a whole area new rights.  Returns the area now at its start. */
static int rights_change(struct mm *mm, struct vma **pvma, u64 flags)
{
	struct vma *vma = *pvma;
	s64 pages = (s64)(vma_size(vma) >> PAGE_SHIFT);
	struct tlb_batch b;

	if (is_private_writable(flags) && !(flags & (VM_ACCOUNT | VM_NORESERVE))) {
		if (vm_commit(pages, true))
			return -ENOMEM;
		flags |= VM_ACCOUNT;
	}
	vma_write_lock(mm, vma);
	mm_account_vma(mm, vma->flags, -pages);
	mm_account_vma(mm, flags, pages);
	vma->flags = flags;
	tlb_begin(&b, mm);
	protect_range(&b, vma, vma->start, vma->end);
	tlb_end(&b);
	*pvma = vma_merge(mm, vma);
	return 0;
}

static int protect_one(struct mm *mm, struct vma **pvma, vaddr_t start, vaddr_t end, u64 rights)
{
	struct vma *vma = *pvma;
	u64 flags = (vma->flags & ~VM_ACCESS_FLAGS) | rights;
	int err;

	if (rights & ~(vma->flags >> 4) & VM_ACCESS_FLAGS)
		return -EACCES;
	if (flags == vma->flags)
		return 0;
	if (vma->start < start || vma->end > end) {
		if (mm->nr_areas >= vm_max_map_count)
			return -ENOMEM;
		err = vma_split_range(mm, max(start, vma->start), min(end, vma->end));
		if (err)
			return err;
		vma = vma_at(mm, max(start, vma->start));
	}
	*pvma = vma;
	return rights_change(mm, pvma, flags);
}

static int protect_locked(struct mm *mm, vaddr_t start, vaddr_t end, u64 rights, bool growsdown)
{
	struct vma *vma = vma_find(mm, start);

	if (!vma || vma->start >= end)
		return -ENOMEM;
	if (growsdown) {
		if (!(vma->flags & VM_GROWSDOWN))
			return -EINVAL;
		start = vma->start;
	}
	if (vma->start > start)
		return -ENOMEM;
	while (start < end) {
		int err = protect_one(mm, &vma, start, end, rights);

		if (err)
			return err;
		start = vma->end;
		vma = vma_next(vma);
		if (start < end && (!vma || vma->start != start))
			return -ENOMEM;
	}
	return 0;
}

int mm_protect(struct mm *mm, vaddr_t addr, size_t len, int prot)
{
	int grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP), err;

	prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
	if (grows == (PROT_GROWSDOWN | PROT_GROWSUP) || grows == PROT_GROWSUP)
		return -EINVAL;
	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!len)
		return 0;
	len = ALIGN_UP(len, PAGE_SIZE);
	if (!len || addr + len <= addr)
		return -ENOMEM;
	if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM))
		return -EINVAL;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	err = protect_locked(mm, addr, addr + len, prot_to_vm(prot), grows);
	mm_write_unlock(mm);
	return err;
}

/* --- brk -------------------------------------------------------------------------------------- */

static bool brk_grow(struct mm *mm, vaddr_t from, vaddr_t to, u64 as_limit, u64 memlock_limit,
		     bool can_mlock)
{
	struct mmap_request req = {
		.addr = from,
		.len = to - from,
		.prot = PROT_READ | PROT_WRITE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		.as_limit = as_limit,
		.data_limit = ~0ull,
		.memlock_limit = memlock_limit,
		.can_mlock = can_mlock,
	};
	struct new_map n = {
		.req = &req,
		.start = from,
		.len = to - from,
		.flags = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC,
		.pgoff = from >> PAGE_SHIFT,
	};

	/* Leave a page to whatever comes next. */
	if (to > USER_TOP || !range_free(mm, from, to - from + PAGE_SIZE))
		return false;
	return !limits_check(mm, &n) && !area_make(mm, &n);
}

vaddr_t mm_brk(struct mm *mm, vaddr_t brk, u64 data_limit, u64 as_limit, u64 memlock_limit,
	       bool can_mlock)
{
	vaddr_t old_end, new_end, result;
	bool populate = false;

	if (rwsem_write_lock_killable(&mm->lock))
		return mm->brk;
	old_end = ALIGN_UP(mm->brk, PAGE_SIZE);
	new_end = ALIGN_UP(brk, PAGE_SIZE);
	if (brk < mm->start_brk || new_end < brk)
		goto out;
	if (data_limit != ~0ull &&
	    brk - mm->start_brk + (mm->end_data - mm->start_data) > data_limit)
		goto out;
	if (new_end < old_end) {
		if (unmap_locked(mm, new_end, old_end))
			goto out;
	} else if (new_end > old_end) {
		if (!brk_grow(mm, old_end, new_end, as_limit, memlock_limit, can_mlock))
			goto out;
		populate = mm->def_flags & VM_LOCKED;
	}
	WRITE_ONCE(mm->brk, brk);
out:
	result = mm->brk;
	mm_write_unlock(mm);
	if (populate) {
		mm_read_lock(mm);
		(void)populate_range(mm, old_end, new_end, true);
		mm_read_unlock(mm);
	}
	return result;
}
