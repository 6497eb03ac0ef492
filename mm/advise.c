/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advice and promises about ranges: madvise(2), mlock(2), msync(2), mincore(2).
 *
 * As Linux does, a range with holes is worked through to its end and then answered with ENOMEM.
 */
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/usercopy.h>
#include "swap_internal.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ  22
#define MADV_POPULATE_WRITE 23
#endif

/* --- flags of areas --------------------------------------------------------------------------- */

/* Give [start, end) within `vma` other flags.  Returns 0 and the area there, or -errno. */
static int flags_change(struct mm *mm, struct vma **pvma, vaddr_t start, vaddr_t end, u64 flags)
{
	struct vma *vma = *pvma;
	s64 pages;

	if (vma->flags == flags)
		return 0;
	if (vma->start < start || vma->end > end) {
		int err;

		if (mm->nr_areas >= vm_max_map_count)
			return -ENOMEM;
		err = vma_split_range(mm, start, end);
		if (err)
			return err;
		vma = vma_at(mm, start);
	}
	vma_write_lock(mm, vma);
	pages = (s64)(vma_size(vma) >> PAGE_SHIFT);
	mm_account_vma(mm, vma->flags, -pages);
	mm_account_vma(mm, flags, pages);
	vma->flags = flags;
	*pvma = vma_merge(mm, vma);
	return 0;
}

static int advice_flags(const struct vma *vma, int advice, u64 *out)
{
	u64 f = vma->flags;

	switch (advice) {
	case MADV_NORMAL: f &= ~(VM_RAND_READ | VM_SEQ_READ); break;
	case MADV_RANDOM: f = (f & ~VM_SEQ_READ) | VM_RAND_READ; break;
	case MADV_SEQUENTIAL: f = (f & ~VM_RAND_READ) | VM_SEQ_READ; break;
	case MADV_DONTFORK: f |= VM_DONTCOPY; break;
	case MADV_DOFORK:
		if (f & VM_IO)
			return -EINVAL;
		f &= ~VM_DONTCOPY;
		break;
	case MADV_WIPEONFORK:
		if (vma->file || f & VM_SHARED || !vma_is_anon(vma))
			return -EINVAL;
		f |= VM_WIPEONFORK;
		break;
	case MADV_KEEPONFORK: f &= ~VM_WIPEONFORK; break;
	case MADV_DONTDUMP: f |= VM_DONTDUMP; break;
	case MADV_DODUMP:
		if (f & (VM_IO | VM_PFNMAP | VM_DONTEXPAND))
			return -EINVAL;
		f &= ~VM_DONTDUMP;
		break;
	default: return -EINVAL;
	}
	*out = f;
	return 0;
}

static bool advice_is_flag(int advice)
{
	switch (advice) {
	case MADV_NORMAL:
	case MADV_RANDOM:
	case MADV_SEQUENTIAL:
	case MADV_DONTFORK:
	case MADV_DOFORK:
	case MADV_WIPEONFORK:
	case MADV_KEEPONFORK:
	case MADV_DONTDUMP:
	case MADV_DODUMP: return true;
	default: return false;
	}
}

static bool advice_known(int advice)
{
	switch (advice) {
	case MADV_WILLNEED:
	case MADV_DONTNEED:
	case MADV_FREE:
	case MADV_REMOVE:
	case MADV_COLD:
	case MADV_PAGEOUT:
	case MADV_POPULATE_READ:
	case MADV_POPULATE_WRITE: return true;
	default: return advice_is_flag(advice);
	}
}

/* --- madvise ---------------------------------------------------------------------------------- */

static int advise_dontneed(struct vma *vma, vaddr_t start, vaddr_t end, bool only_anon)
{
	struct tlb_batch b;

	if (vma->flags & (VM_LOCKED | VM_PFNMAP))
		return -EINVAL;
	if (only_anon && !vma_is_anon(vma))
		return -EINVAL;
	tlb_begin(&b, vma->mm);
	zap_range(&b, vma, start, end, true, false);
	tlb_end(&b);
	return 0;
}

/* Look unused to reclaim. */
static int advise_cold(struct vma *vma, vaddr_t start, vaddr_t end)
{
	vaddr_t addr = start;
	pte_t *slot;

	if (vma->flags & (VM_LOCKED | VM_PFNMAP))
		return -EINVAL;
	while ((slot = upt_find(vma->mm->arch.root, &addr, end))) {
		vaddr_t stop = upt_table_end(addr, end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot);

			if (!arch_pte_present(e) || arch_pte_flags(e) & PTE_SPECIAL)
				continue;
			pte_replace(slot, &e, arch_pte_change(e, 0, PTE_ACCESSED));
			page_clear(phys_to_page(arch_pte_addr(e, 0)), PG_referenced);
		}
	}
	tlb_shootdown(vma->mm, start, end);
	return 0;
}

/* Start reading what is swapped out. */
static void advise_swap_in(struct vma *vma, vaddr_t start, vaddr_t end)
{
	vaddr_t addr = start;
	pte_t *slot;

	while ((slot = upt_find(vma->mm->arch.root, &addr, end))) {
		vaddr_t stop = upt_table_end(addr, end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot);

			if (pte_is_swap(e))
				swap_cache_prefetch(arch_pte_token(e));
		}
	}
}

/* One page of a range, if nothing but this entry uses it. */
static void page_out_one(struct page *p)
{
	struct folio *f = page_folio(p);

	if (page_mapcount(p) != 1 || !folio_get_unless_zero(f))
		return;
	if (!folio_trylock(f)) {
		folio_put(f);
		return;
	}
	if (folio_test(f, PG_swapbacked) && swap_out_folio(f, true))
		return;
	folio_unlock(f);
	folio_put(f);
}

static int advise_pageout(struct vma *vma, vaddr_t start, vaddr_t end)
{
	int err = advise_cold(vma, start, end);
	vaddr_t addr = start;
	pte_t *slot;

	if (err || !swap_total_pages())
		return err;
	while ((slot = upt_find(vma->mm->arch.root, &addr, end))) {
		vaddr_t stop = upt_table_end(addr, end);

		for (; addr < stop; addr += PAGE_SIZE, slot++) {
			pte_t e = pte_load(slot);

			if (arch_pte_present(e) && !(arch_pte_flags(e) & PTE_SPECIAL))
				page_out_one(phys_to_page(arch_pte_addr(e, 0)));
		}
		cond_resched();
	}
	return 0;
}

/* The file's part of [start, end), with a reference to the file. */
struct file_part {
	struct file *file;
	loff_t first, last;
};

static bool file_part_get(struct vma *vma, vaddr_t start, vaddr_t end, struct file_part *out)
{
	if (!vma->file)
		return false;
	out->file = vma->file;
	out->first = (loff_t)(vma_pgoff(vma, start) << PAGE_SHIFT);
	out->last = out->first + (loff_t)(end - start) - 1;
	file_ops->get(vma->file);
	return true;
}

/*
 * Needs the mm lock dropped: file systems take their own locks.  `*again`: the map may have
 * changed.
 */
static int advise_file(struct mm *mm, struct vma *vma, vaddr_t start, vaddr_t end, int advice,
		       bool *again)
{
	struct file_part part;
	int err = 0;

	if (advice == MADV_REMOVE) {
		if (vma->flags & VM_LOCKED || !vma->file || !file_ops->punch)
			return -EINVAL;
		if ((vma->flags & (VM_SHARED | VM_MAYWRITE)) != (VM_SHARED | VM_MAYWRITE))
			return -EACCES;
	}
	if (!file_part_get(vma, start, end, &part))
		return 0;
	*again = true;
	mm_read_unlock(mm);
	if (advice == MADV_REMOVE)
		err = file_ops->punch(part.file, part.first, part.last - part.first + 1);
	else if (file_ops->readahead)
		file_ops->readahead(part.file, part.first, (size_t)(part.last - part.first + 1));
	file_ops->put(part.file);
	mm_read_lock(mm);
	return err;
}

static int advise_populate(struct mm *mm, vaddr_t start, vaddr_t end, bool write)
{
	for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma)) {
		if (vma->flags & (VM_PFNMAP | VM_IO))
			return -EINVAL;
		if (!(vma->flags & (write ? VM_WRITE : VM_ACCESS_FLAGS)))
			return -EINVAL;
	}

	int err = populate_range(mm, start, end, write);

	return err == -EIO ? -EFAULT : err;
}

static int advise_area(struct mm *mm, struct vma *vma, vaddr_t start, vaddr_t end, int advice,
		       bool *again)
{
	switch (advice) {
	case MADV_DONTNEED: return advise_dontneed(vma, start, end, false);
	case MADV_FREE: return advise_dontneed(vma, start, end, true);
	case MADV_COLD: return advise_cold(vma, start, end);
	case MADV_PAGEOUT: return advise_pageout(vma, start, end);
	default:
		if (advice == MADV_WILLNEED && swap_on() && vma->anon)
			advise_swap_in(vma, start, end);
		return advise_file(mm, vma, start, end, advice, again);
	}
}

static int advise_read_locked(struct mm *mm, vaddr_t start, vaddr_t end, int advice)
{
	struct vma *vma = vma_find(mm, start);
	bool holes = false;

	if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
		return advise_populate(mm, start, end, advice == MADV_POPULATE_WRITE);
	while (start < end) {
		bool again = false;
		vaddr_t stop;
		int err;

		if (!vma || vma->start >= end)
			return -ENOMEM;
		if (vma->start > start) {
			holes = true;
			start = vma->start;
		}
		stop = min(end, vma->end);
		err = advise_area(mm, vma, start, stop, advice, &again);
		if (err)
			return err;
		start = stop;
		vma = again ? vma_find(mm, start) : vma_next(vma);
	}
	return holes ? -ENOMEM : 0;
}

static int advise_write_locked(struct mm *mm, vaddr_t start, vaddr_t end, int advice)
{
	struct vma *vma = vma_find(mm, start);
	bool holes = false;

	while (start < end) {
		u64 flags;
		int err;

		if (!vma || vma->start >= end)
			return -ENOMEM;
		if (vma->start > start) {
			holes = true;
			start = vma->start;
		}
		err = advice_flags(vma, advice, &flags);
		if (!err)
			err = flags_change(mm, &vma, start, min(end, vma->end), flags);
		if (err)
			return err;
		start = vma->end;
		vma = vma_next(vma);
	}
	return holes ? -ENOMEM : 0;
}

int mm_advise(struct mm *mm, vaddr_t addr, size_t len, int advice)
{
	vaddr_t end;
	int err;

	if (!advice_known(advice) || addr & ~PAGE_MASK)
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (end < addr || (len && end == addr))
		return -EINVAL;
	if (end == addr)
		return 0;
	if (advice_is_flag(advice)) {
		if (rwsem_write_lock_killable(&mm->lock))
			return -EINTR;
		err = advise_write_locked(mm, addr, end, advice);
		mm_write_unlock(mm);
	} else {
		if (mm_read_lock_killable(mm))
			return -EINTR;
		err = advise_read_locked(mm, addr, end, advice);
		mm_read_unlock(mm);
	}
	return err;
}

/* --- mincore ---------------------------------------------------------------------------------- */

static u8 swapped_in_core(u64 entry)
{
	struct folio *f = token_is_swap(entry) ? swap_cache_find(entry) : NULL;
	u8 in = f && folio_test(f, PG_uptodate);

	if (f)
		folio_put(f);
	return in;
}

static u8 page_in_core(struct vma *vma, vaddr_t addr)
{
	pte_t *slot = upt_slot(vma->mm->arch.root, addr);
	struct folio *f;
	u8 in = 0;

	if (slot && arch_pte_present(pte_load(slot)))
		return 1;
	if (slot && pte_is_swap(pte_load(slot)))
		return swapped_in_core(arch_pte_token(pte_load(slot)));
	if (!vma->mapping)
		return 0;
	f = cache_find_get(vma->mapping, vma_pgoff(vma, addr));
	if (f) {
		in = folio_test(f, PG_uptodate);
		folio_put(f);
	}
	return in;
}

static int incore_chunk(struct mm *mm, vaddr_t addr, unsigned n, u8 *out)
{
	int err = 0;

	mm_read_lock(mm);
	for (unsigned i = 0; i < n && !err; i++, addr += PAGE_SIZE) {
		struct vma *vma = vma_at(mm, addr);

		if (vma)
			out[i] = page_in_core(vma, addr);
		else
			err = -ENOMEM;
	}
	mm_read_unlock(mm);
	return err;
}

int mm_incore(struct mm *mm, vaddr_t addr, size_t len, u8 __user *vec)
{
	u8 chunk[256];
	size_t pages = (len >> PAGE_SHIFT) + !!(len & ~PAGE_MASK);

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (len > USER_TOP || addr > USER_TOP - len)
		return -ENOMEM;
	if (!user_access_ok(vec, pages))
		return -EFAULT;
	while (pages) {
		unsigned n = (unsigned)min(pages, sizeof(chunk));
		int err = incore_chunk(mm, addr, n, chunk);

		if (err)
			return err;
		if (copy_to_user(vec, chunk, n))
			return -EFAULT;
		vec += n;
		addr += (vaddr_t)n << PAGE_SHIFT;
		pages -= n;
	}
	return 0;
}

/* --- msync ------------------------------------------------------------------------------------ */

int mm_sync(struct mm *mm, vaddr_t addr, size_t len, int flags)
{
	vaddr_t start = addr, end;
	bool holes = false;
	struct vma *vma;
	int err = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr & ~PAGE_MASK ||
	    (flags & MS_ASYNC && flags & MS_SYNC))
		return -EINVAL;
	end = addr + ALIGN_UP(len, PAGE_SIZE);
	if (end < addr)
		return -ENOMEM;
	if (end == addr)
		return 0;
	mm_read_lock(mm);
	vma = vma_find(mm, start);
	while (!err && start < end) {
		struct file_part part;
		vaddr_t stop;

		if (!vma || vma->start >= end) {
			err = -ENOMEM;
			break;
		}
		if (vma->start > start) {
			holes = true;
			start = vma->start;
		}
		if (flags & MS_INVALIDATE && vma->flags & VM_LOCKED) {
			err = -EBUSY;
			break;
		}
		stop = min(end, vma->end);
		if (flags & MS_SYNC && vma->flags & VM_SHARED &&
		    file_part_get(vma, start, stop, &part)) {
			mm_read_unlock(mm);
			err = file_ops->sync ? file_ops->sync(part.file, part.first, part.last) : 0;
			file_ops->put(part.file);
			mm_read_lock(mm);
			vma = vma_find(mm, stop);
		} else {
			vma = vma_next(vma);
		}
		start = stop;
	}
	mm_read_unlock(mm);
	return err ? err : holes ? -ENOMEM : 0;
}

/* --- mlock ------------------------------------------------------------------------------------ */

#define VM_LOCK_FLAGS (VM_LOCKED | VM_LOCKONFAULT)

static bool lockable(const struct vma *vma)
{
	return !(vma->flags & (VM_PFNMAP | VM_IO | VM_SPECIAL_AREA | VM_DONTEXPAND));
}

static int lock_flags_apply(struct mm *mm, vaddr_t start, vaddr_t end, u64 lock)
{
	struct vma *vma = vma_find(mm, start);

	if (!vma || vma->start > start)
		return -ENOMEM;
	while (start < end) {
		int err;

		if (!vma || vma->start > start)
			return -ENOMEM;
		err = lockable(vma) ? flags_change(mm, &vma, start, min(end, vma->end),
						   (vma->flags & ~VM_LOCK_FLAGS) | lock)
				    : 0;
		if (err)
			return err;
		start = vma->end;
		vma = vma_next(vma);
	}
	return 0;
}

/* Pages of the range that are locked already: they do not count twice. */
static u64 locked_within(const struct mm *mm, vaddr_t start, vaddr_t end)
{
	u64 pages = 0;

	for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma))
		if (vma->flags & VM_LOCKED)
			pages += (min(end, vma->end) - max(start, vma->start)) >> PAGE_SHIFT;
	return pages;
}

/* mlock speaks POSIX: absent pages are ENOMEM, want of memory EAGAIN. */
static int lock_errno(int err)
{
	return err == -EFAULT || err == -EIO ? -ENOMEM : err == -ENOMEM ? -EAGAIN : err;
}

int mm_lock_range(struct mm *mm, vaddr_t addr, size_t len, bool onfault, u64 limit, bool can_mlock)
{
	vaddr_t start = addr & PAGE_MASK, end = ALIGN_UP(addr + len, PAGE_SIZE);
	u64 pages;
	int err;

	if (!can_mlock && !limit)
		return -EPERM;
	if (end < start || addr + len < addr)
		return -EINVAL;
	if (start == end)
		return 0;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	pages = (end - start) >> PAGE_SHIFT;
	if (!can_mlock &&
	    limit_exceeded(mm->locked_vm - locked_within(mm, start, end), pages, limit))
		err = -ENOMEM;
	else
		err = lock_flags_apply(mm, start, end, VM_LOCKED | (onfault ? VM_LOCKONFAULT : 0));
	mm_write_unlock(mm);
	if (err || onfault)
		return err;
	mm_read_lock(mm);
	err = populate_range(mm, start, end, false);
	mm_read_unlock(mm);
	return lock_errno(err);
}

int mm_unlock_range(struct mm *mm, vaddr_t addr, size_t len)
{
	vaddr_t start = addr & PAGE_MASK, end = ALIGN_UP(addr + len, PAGE_SIZE);
	int err;

	if (end < start || addr + len < addr)
		return -EINVAL;
	if (start == end)
		return 0;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	err = lock_flags_apply(mm, start, end, 0);
	mm_write_unlock(mm);
	return err;
}

static int lock_flags_apply_all(struct mm *mm, u64 lock)
{
	struct vma *vma = vma_find(mm, 0);

	while (vma) {
		int err = lockable(vma) ? flags_change(mm, &vma, vma->start, vma->end,
						       (vma->flags & ~VM_LOCK_FLAGS) | lock)
					: 0;

		if (err)
			return err;
		vma = vma_next(vma);
	}
	return 0;
}

int mm_lock_all(struct mm *mm, int flags, u64 limit, bool can_mlock)
{
	u64 lock = VM_LOCKED | (flags & MCL_ONFAULT ? VM_LOCKONFAULT : 0);
	int err = 0;

	if (!flags || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	if (!can_mlock && !limit)
		return -EPERM;
	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	if (!can_mlock && flags & MCL_CURRENT && limit_exceeded(0, mm->total_vm, limit)) {
		err = -ENOMEM;
	} else {
		mm->def_flags = flags & MCL_FUTURE ? lock : 0;
		if (flags & MCL_CURRENT)
			err = lock_flags_apply_all(mm, lock);
	}
	mm_write_unlock(mm);
	if (err || !(flags & MCL_CURRENT) || flags & MCL_ONFAULT)
		return err;
	mm_read_lock(mm);
	for (struct vma *vma = vma_find(mm, 0); vma; vma = vma_next(vma))
		if (vma->flags & VM_LOCKED)
			(void)populate_range(mm, vma->start, vma->end, false);
	mm_read_unlock(mm);
	return 0;
}

int mm_unlock_all(struct mm *mm)
{
	int err;

	if (rwsem_write_lock_killable(&mm->lock))
		return -EINTR;
	mm->def_flags = 0;
	err = lock_flags_apply_all(mm, 0);
	mm_write_unlock(mm);
	return err;
}
