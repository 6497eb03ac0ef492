/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Positions in lists of memory segments (iov_iter.h).
 *
 * `offset` counts into the first segment; a segment is left behind as soon as it is used up, so
 * going back needs only the pointer to walk down again.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/page.h>
#include <mm/usercopy.h>

void iov_iter_user(struct iov_iter *it, enum iter_dir dir, void __user *base, size_t len)
{
	it->one = (struct iter_vec){(void *)base, len};
	it->kind = ITER_USER;
	it->dir = dir;
	it->count = len;
	it->offset = 0;
	it->vec = &it->one;
	it->nr = 1;
	it->rwf = 0;
}

void iov_iter_kernel(struct iov_iter *it, enum iter_dir dir, void *base, size_t len)
{
	iov_iter_user(it, dir, base, len);
	it->kind = ITER_KERNEL;
}

void iov_iter_kvec(struct iov_iter *it, enum iter_dir dir, const struct iter_vec *vec, unsigned nr,
		   size_t count)
{
	it->kind = ITER_KERNEL;
	it->dir = dir;
	it->count = count;
	it->offset = 0;
	it->vec = vec;
	it->nr = nr;
	it->rwf = 0;
}

void iov_iter_pages(struct iov_iter *it, enum iter_dir dir, const struct iter_page *pages,
		    unsigned nr, size_t count)
{
	it->kind = ITER_PAGES;
	it->dir = dir;
	it->count = count;
	it->offset = 0;
	it->pages = pages;
	it->nr = nr;
	it->rwf = 0;
}

int import_ubuf(struct iov_iter *it, enum iter_dir dir, void __user *base, size_t len)
{
	len = min(len, (size_t)ITER_MAX_BYTES);
	if (!user_access_ok(base, len))
		return -EFAULT;
	iov_iter_user(it, dir, base, len);
	return 0;
}

static int vecs_check(struct iter_vec *vec, unsigned long nr, size_t *total)
{
	*total = 0;
	for (unsigned long i = 0; i < nr; i++) {
		if ((ssize_t)vec[i].len < 0)
			return -EINVAL;
		if (!user_access_ok(vec[i].base, vec[i].len))
			return -EFAULT;
		vec[i].len = min(vec[i].len, ITER_MAX_BYTES - *total);
		*total += vec[i].len;
	}
	return 0;
}

int import_iovec(struct iov_iter *it, enum iter_dir dir, const void __user *uvec, unsigned long nr,
		 struct iter_vec *fast, void **alloc)
{
	struct iter_vec *vec = fast;
	size_t total;
	int err = -EFAULT;

	*alloc = NULL;
	if (nr > ITER_MAX_VECS)
		return -EINVAL;
	if (nr > ITER_FAST_VECS) {
		vec = kmalloc_array(nr, sizeof(*vec), GFP_KERNEL);
		if (!vec)
			return -ENOMEM;
	}
	if (!copy_from_user(vec, uvec, nr * sizeof(*vec)))
		err = vecs_check(vec, nr, &total);
	if (err) {
		if (vec != fast)
			kfree(vec);
		return err;
	}
	if (vec != fast)
		*alloc = vec;
	iov_iter_kvec(it, dir, vec, (unsigned)nr, total);
	it->kind = ITER_USER;
	return 0;
}

static size_t segment_len(const struct iov_iter *it)
{
	return it->kind == ITER_PAGES ? it->pages->len : it->vec->len;
}

size_t iov_iter_segment(const struct iov_iter *it)
{
	return min(it->count, segment_len(it) - it->offset);
}

static void segment_next(struct iov_iter *it)
{
	it->offset = 0;
	it->nr--;
	if (it->kind == ITER_PAGES)
		it->pages++;
	else
		it->vec++;
}

static void step(struct iov_iter *it, size_t n)
{
	it->count -= n;
	it->offset += n;
	while (it->nr > 1 && it->offset == segment_len(it))
		segment_next(it);
}

void iov_iter_advance(struct iov_iter *it, size_t n)
{
	n = min(n, it->count);
	while (n) {
		size_t part = min(n, segment_len(it) - it->offset);

		step(it, part);
		n -= part;
	}
}

void iov_iter_revert(struct iov_iter *it, size_t n)
{
	it->count += n;
	while (n > it->offset) {
		n -= it->offset;
		it->nr++;
		if (it->kind == ITER_PAGES)
			it->pages--;
		else
			it->vec--;
		it->offset = segment_len(it);
	}
	it->offset -= n;
}

/* Copy into the first segment.  Returns bytes copied. */
static size_t put(const struct iov_iter *it, const void *src, size_t n)
{
	switch (it->kind) {
	case ITER_USER:
		return n - arch_copy_to_user((char __user *)it->vec->base + it->offset, src, n);
	case ITER_KERNEL: memcpy((char *)it->vec->base + it->offset, src, n); return n;
	case ITER_PAGES:
		memcpy((char *)page_address(it->pages->page) + it->pages->offset + it->offset, src,
		       n);
		return n;
	}
	return 0;
}

static size_t take(const struct iov_iter *it, void *dst, size_t n)
{
	switch (it->kind) {
	case ITER_USER:
		return n -
		       arch_copy_from_user(dst, (const char __user *)it->vec->base + it->offset, n);
	case ITER_KERNEL: memcpy(dst, (const char *)it->vec->base + it->offset, n); return n;
	case ITER_PAGES:
		memcpy(dst, (char *)page_address(it->pages->page) + it->pages->offset + it->offset,
		       n);
		return n;
	}
	return 0;
}

static size_t wipe(const struct iov_iter *it, size_t n)
{
	switch (it->kind) {
	case ITER_USER: return n - arch_clear_user((char __user *)it->vec->base + it->offset, n);
	case ITER_KERNEL: memset((char *)it->vec->base + it->offset, 0, n); return n;
	case ITER_PAGES:
		memset((char *)page_address(it->pages->page) + it->pages->offset + it->offset, 0,
		       n);
		return n;
	}
	return 0;
}

size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it)
{
	size_t done = 0;

	n = min(n, it->count);
	while (done < n) {
		size_t part = min(n - done, iov_iter_segment(it)), got;

		got = put(it, (const char *)src + done, part);
		step(it, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it)
{
	size_t done = 0;

	n = min(n, it->count);
	while (done < n) {
		size_t part = min(n - done, iov_iter_segment(it)), got;

		got = take(it, (char *)dst + done, part);
		step(it, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t iov_iter_zero(size_t n, struct iov_iter *it)
{
	size_t done = 0;

	n = min(n, it->count);
	while (done < n) {
		size_t part = min(n - done, iov_iter_segment(it)), got = wipe(it, part);

		step(it, got);
		done += got;
		if (got < part)
			break;
	}
	return done;
}

size_t copy_page_to_iter(struct page *page, size_t offset, size_t n, struct iov_iter *it)
{
	return copy_to_iter((char *)page_address(page) + offset, n, it);
}

size_t copy_page_from_iter(struct page *page, size_t offset, size_t n, struct iov_iter *it)
{
	return copy_from_iter((char *)page_address(page) + offset, n, it);
}

bool copy_from_iter_full(void *dst, size_t n, struct iov_iter *it)
{
	size_t got = copy_from_iter(dst, n, it);

	if (got == n)
		return true;
	iov_iter_revert(it, got);
	return false;
}

bool copy_to_iter_full(const void *src, size_t n, struct iov_iter *it)
{
	size_t got = copy_to_iter(src, n, it);

	if (got == n)
		return true;
	iov_iter_revert(it, got);
	return false;
}

int iov_iter_fault_in(const struct iov_iter *it, size_t n)
{
	const struct iter_vec *vec = it->vec;
	size_t offset = it->offset;

	if (it->kind != ITER_USER)
		return 0;
	n = min(n, it->count);
	while (n) {
		size_t part = min(n, vec->len - offset);
		int err = fault_in_user((const char __user *)vec->base + offset, part,
					it->dir == ITER_DEST);

		if (err)
			return err;
		n -= part;
		offset = 0;
		vec++;
	}
	return 0;
}
