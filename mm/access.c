/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reaching into address spaces by other means than the machine's: ptrace and /proc/PID/mem, pinned
 * user pages, futex keys.
 */
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include "space_internal.h"

/* May the page behind `e` be written by us without the program's other pages changing? */
static bool entry_writable(struct vma *vma, pte_t e)
{
	if (arch_pte_flags(e) & PTE_W)
		return true;

	struct page *p = phys_to_page(arch_pte_addr(e, 0));

	return !(vma->flags & VM_SHARED) && page_test(p, PG_anon) && page_refs(p) <= 2;
}

/*
 * The page at addr, referenced, made present and private as needed.  Locks: mm->lock or the area
 * held.
 */
static int page_grab(struct vma *vma, vaddr_t addr, bool write, struct page **out)
{
	for (unsigned i = 0; i < 1000; i++) {
		pte_t *slot = upt_slot(vma->mm->arch.root, addr & PAGE_MASK);
		pte_t e = slot ? pte_load(slot) : (pte_t){0};
		int err;

		if (arch_pte_present(e) && arch_pte_flags(e) & PTE_SPECIAL) {
			if (vma->flags & (VM_PFNMAP | VM_IO | VM_SPECIAL_AREA))
				return -EFAULT;
			if (!write) {
				*out = phys_to_page(zero_frame);
				page_get(*out);
				return 0;
			}
		} else if (arch_pte_present(e) &&
			   (!write || arch_pte_flags(e) & PTE_W || !(vma->flags & VM_SHARED))) {
			struct page *p = phys_to_page(arch_pte_addr(e, 0));

			if (page_get_unless_zero(p)) {
				if (pte_load(slot).raw == e.raw &&
				    (!write || entry_writable(vma, e))) {
					*out = p;
					return 0;
				}
				page_put(p);
			}
		}
		err = mm_fault_in(vma->mm, vma, addr, write);
		if (err)
			return err;
	}
	return -EFAULT;
}

static bool access_ok(const struct vma *vma, bool write, unsigned flags)
{
	bool force = flags & MM_ACCESS_FORCE;

	if (!write)
		return vma->flags & VM_READ || (force && vma->flags & VM_MAYREAD);
	if (vma->flags & VM_WRITE)
		return true;
	return force && vma->flags & VM_MAYWRITE && !(vma->flags & VM_SHARED);
}

/* Frames without counted pages: vvar, devices.  Copies through the linear map if it is RAM. */
static ssize_t special_access(struct vma *vma, vaddr_t addr, void *buf, size_t len, bool write)
{
	if (vma->ops && vma->ops->access)
		return vma->ops->access(vma, addr, buf, len, write);
	if (write || mm_fault_in(vma->mm, vma, addr, false))
		return -EFAULT;

	pte_t *slot = upt_slot(vma->mm->arch.root, addr & PAGE_MASK);
	pte_t e = slot ? pte_load(slot) : (pte_t){0};
	paddr_t pa = arch_pte_addr(e, 0);

	if (!arch_pte_present(e) || !pfn_is_ram(pa >> PAGE_SHIFT))
		return -EFAULT;
	memcpy(buf, (char *)phys_to_virt(pa) + (addr & ~PAGE_MASK), len);
	return (ssize_t)len;
}

static ssize_t access_in_page(struct vma *vma, vaddr_t addr, void *buf, size_t len, bool write)
{
	struct page *p;
	char *at;

	if (vma->flags & (VM_PFNMAP | VM_IO | VM_SPECIAL_AREA))
		return special_access(vma, addr, buf, len, write);
	if (page_grab(vma, addr, write, &p))
		return -EFAULT;
	at = (char *)page_address(p) + (addr & ~PAGE_MASK);
	if (write) {
		memcpy(at, buf, len);
		if (!page_test(p, PG_anon))
			folio_mark_dirty(page_folio(p));
		if (vma->flags & VM_EXEC)
			arch_icache_sync(at, len);
	} else {
		memcpy(buf, at, len);
	}
	page_put(p);
	return (ssize_t)len;
}

ssize_t mm_access(struct mm *mm, vaddr_t addr, void *buf, size_t len, bool write, unsigned flags)
{
	size_t done = 0;

	if (mm_read_lock_killable(mm))
		return 0;
	while (done < len) {
		size_t part = min(len - done, PAGE_SIZE - ((addr + done) & ~PAGE_MASK));
		struct vma *vma = vma_at(mm, addr + done);
		ssize_t n;

		if (!vma || !access_ok(vma, write, flags))
			break;
		n = access_in_page(vma, addr + done, (char *)buf + done, part, write);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	mm_read_unlock(mm);
	return (ssize_t)done;
}

long mm_pin_pages(struct mm *mm, vaddr_t addr, unsigned nr, bool write, struct page **pages)
{
	struct vma *vma = NULL;
	unsigned got = 0;
	int err = 0;

	mm_read_lock(mm);
	for (addr &= PAGE_MASK; got < nr; got++, addr += PAGE_SIZE) {
		if (!vma || addr >= vma->end) {
			vma = vma_at(mm, addr);
			err = -EFAULT;
			if (!vma || !access_ok(vma, write, 0))
				break;
		}
		err = page_grab(vma, addr, write, &pages[got]);
		if (err)
			break;
	}
	mm_read_unlock(mm);
	return got ? (long)got : err;
}

void mm_unpin_pages(struct page **pages, unsigned nr, bool dirty)
{
	for (unsigned i = 0; i < nr; i++) {
		if (dirty && !page_test(pages[i], PG_anon))
			folio_mark_dirty(page_folio(pages[i]));
		page_put(pages[i]);
	}
}

int mm_futex_key(vaddr_t addr, bool shared, bool write, struct futex_key *out)
{
	struct mm *mm = thread_current()->mm;
	struct vma *vma;
	bool locked = false, ok;

	*out = (struct futex_key){.object = (u64)(uintptr_t)mm, .index = addr};
	if (!shared)
		return addr < USER_TOP ? 0 : -EFAULT;

	vma = vma_lookup_read(mm, addr);
	if (!vma) {
		mm_read_lock(mm);
		locked = true;
		vma = vma_at(mm, addr);
	}
	ok = vma && vma->flags & (write ? VM_WRITE : VM_ACCESS_FLAGS);
	if (ok && vma->flags & VM_SHARED && vma->mapping) {
		out->object = (u64)(uintptr_t)vma->mapping;
		out->index = vma_pgoff(vma, addr);
		out->offset = (u32)(addr & ~PAGE_MASK) | 1;
	}
	if (locked)
		mm_read_unlock(mm);
	else
		vma_read_unlock(vma);
	return ok ? 0 : -EFAULT;
}
