/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A position in a list of memory segments: of the user, of the kernel, or of pages.
 *
 * What read and write hand down, so that each file kind is written once for all of them.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/lib/compiler.h>

struct page;

/* Laid out as struct iovec of the user's ABI. */
struct iter_vec {
	void *base;
	size_t len;
};

struct iter_page {
	struct page *page;
	u32 offset, len;
};

enum iter_kind { ITER_USER, ITER_KERNEL, ITER_PAGES };
enum iter_dir {
	ITER_DEST,   /* data goes to the segments: read */
	ITER_SOURCE, /* data comes from them: write */
};

#define ITER_FAST_VECS 8
#define ITER_MAX_VECS  1024
/* The most one read or write moves, as Linux: INT_MAX rounded down to a page. */
#define ITER_MAX_BYTES (0x7fffffffu & ~4095u)

struct iov_iter {
	enum iter_kind kind;
	enum iter_dir dir;
	size_t count;  /* bytes left */
	size_t offset; /* into the first segment */
	union {
		const struct iter_vec *vec;
		const struct iter_page *pages;
	};
	unsigned nr; /* segments left, the first included */
	u32 rwf;     /* RWF_* that hold for this one transfer; for files, mm does not look */
	struct iter_vec one;
};

/* One segment; the iterator must not move in memory afterwards. */
void iov_iter_user(struct iov_iter *it, enum iter_dir dir, void __user *base, size_t len);
void iov_iter_kernel(struct iov_iter *it, enum iter_dir dir, void *base, size_t len);
/* `vec` stays the caller's. */
void iov_iter_kvec(struct iov_iter *it, enum iter_dir dir, const struct iter_vec *vec, unsigned nr,
		   size_t count);
void iov_iter_pages(struct iov_iter *it, enum iter_dir dir, const struct iter_page *pages,
		    unsigned nr, size_t count);

/*
 * Read `nr` iovecs of the user.  `fast` holds ITER_FAST_VECS; more are allocated and *alloc is what
 * the caller kfrees (NULL when nothing).  Lengths are cut to ITER_MAX_BYTES in all. Returns 0,
 * -EINVAL (too many, or a length beyond SSIZE_MAX), -EFAULT, -ENOMEM.
 */
int import_iovec(struct iov_iter *it, enum iter_dir dir, const void __user *uvec, unsigned long nr,
		 struct iter_vec *fast, void **alloc) __must_check;
/* One buffer of the user, checked.  Returns 0 or -EFAULT. */
int import_ubuf(struct iov_iter *it, enum iter_dir dir, void __user *base, size_t len) __must_check;

static inline size_t iov_iter_count(const struct iov_iter *it)
{
	return it->count;
}

/* At most `max` bytes from here on. */
static inline void iov_iter_truncate(struct iov_iter *it, size_t max)
{
	if (it->count > max)
		it->count = max;
}

static inline void iov_iter_reexpand(struct iov_iter *it, size_t count)
{
	it->count = count;
}

/*
 * Copy and advance.  Return bytes done: fewer than asked when the iterator ends or user memory
 * faults. Context: may sleep for ITER_USER, unless page faults are disabled.
 */
size_t copy_to_iter(const void *src, size_t n, struct iov_iter *it);
size_t copy_from_iter(void *dst, size_t n, struct iov_iter *it);
size_t iov_iter_zero(size_t n, struct iov_iter *it);
size_t copy_page_to_iter(struct page *page, size_t offset, size_t n, struct iov_iter *it);
size_t copy_page_from_iter(struct page *page, size_t offset, size_t n, struct iov_iter *it);

/* All `n` bytes, or nothing moves and false is returned. */
bool copy_from_iter_full(void *dst, size_t n, struct iov_iter *it);
bool copy_to_iter_full(const void *src, size_t n, struct iov_iter *it);

void iov_iter_advance(struct iov_iter *it, size_t n);
/* Undo the last `n` bytes of advance; they lie within the segments given at the start. */
void iov_iter_revert(struct iov_iter *it, size_t n);
/* Bytes left in the first segment. */
size_t iov_iter_segment(const struct iov_iter *it);

/*
 * Touch the user memory of the next `n` bytes so that a copy without faults succeeds.  Returns 0 or
 * -EFAULT.
 */
int iov_iter_fault_in(const struct iov_iter *it, size_t n) __must_check;
