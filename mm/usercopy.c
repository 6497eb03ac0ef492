/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The longer ways through the door (usercopy.h). */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/usercopy.h>
#include "space_internal.h"

ssize_t strncpy_from_user(char *dst, const char __user *src, size_t n)
{
	size_t room, limit;
	ssize_t len;

	if ((vaddr_t)src >= USER_TOP)
		return -EFAULT;
	room = USER_TOP - (vaddr_t)src;
	limit = min(n, room);
	len = arch_strncpy_from_user(dst, src, limit);
	return len == (ssize_t)limit && limit < n ? -EFAULT : len;
}

size_t strnlen_user(const char __user *s, size_t n)
{
	char chunk[64];
	size_t len = 0;

	while (len <= n) {
		vaddr_t at = (vaddr_t)s + len;
		size_t part = sizeof(chunk) - (at & (sizeof(chunk) - 1)), left;
		const char *end;

		left = copy_from_user_partial(chunk, s + len, part);
		end = memchr(chunk, 0, part - left);
		if (end)
			return len + (size_t)(end - chunk) + 1;
		if (left)
			return 0;
		len += part;
	}
	return len + 1;
}

/* Are the user's bytes [p, p+n) all zero?  1, 0 or -EFAULT. */
static int user_is_zero(const char __user *p, size_t n)
{
	char chunk[64];

	while (n) {
		size_t part = min(n, sizeof(chunk));

		if (copy_from_user(chunk, p, part))
			return -EFAULT;
		if (memchr_inv(chunk, 0, part))
			return 0;
		p += part;
		n -= part;
	}
	return 1;
}

int copy_struct_from_user(void *dst, size_t ksize, const void __user *src, size_t usize)
{
	size_t size = min(ksize, usize);

	if (usize > ksize) {
		int zero = user_is_zero((const char __user *)src + ksize, usize - ksize);

		if (zero <= 0)
			return zero ? zero : -E2BIG;
	}
	if (usize < ksize)
		memset((char *)dst + usize, 0, ksize - usize);
	return copy_from_user(dst, src, size);
}

int fault_in_user(const void __user *p, size_t n, bool write)
{
	struct mm *mm = thread_current()->mm;
	vaddr_t start = (vaddr_t)p & PAGE_MASK, end = (vaddr_t)p + n;
	int err = 0;

	if (!mm || !user_access_ok(p, n))
		return -EFAULT;
	mm_read_lock(mm);
	for (; !err && start < end; start += PAGE_SIZE) {
		struct vma *vma = vma_at(mm, start);

		if (!vma || !(vma->flags & (write ? VM_WRITE : VM_ACCESS_FLAGS)))
			err = -EFAULT;
		else
			err = mm_fault_in(mm, vma, start, write);
	}
	mm_read_unlock(mm);
	return err ? -EFAULT : 0;
}
