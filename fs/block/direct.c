/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct I/O: the caller's pages and the device, with nothing between.
 *
 * A transfer of a few pages lives on the stack: one bio, one wait.  A longer one is cut into bios
 * of a megabyte that are under way together; the pages stay pinned until all of them ended, and
 * what counts is the part before the first that failed.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/thread.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/space.h>
#include "block_internal.h"
#include "direct_internal.h"

#define SMALL_PAGES 16u
#define LARGE_PAGES BIO_MAX_VECS

/* The pages behind the next bytes of the iterator, at most `nr`; *offset into the first. */
static long pages_of(const struct iov_iter *it, unsigned nr, bool write, struct page **pages,
		     size_t *offset, size_t *len)
{
	size_t most = min(iov_iter_segment(it), (size_t)nr * PAGE_SIZE);
	uintptr_t at;
	long got;

	if (it->kind == ITER_PAGES) {
		*offset = it->pages->offset + it->offset;
		pages[0] = it->pages->page + *offset / PAGE_SIZE;
		*offset %= PAGE_SIZE;
		*len = min(most, PAGE_SIZE - *offset);
		page_get(pages[0]);
		return 1;
	}
	at = (uintptr_t)it->vec->base + it->offset;
	*offset = at & (PAGE_SIZE - 1);
	*len = min(most, (size_t)nr * PAGE_SIZE - *offset);
	nr = (unsigned)((*offset + *len + PAGE_SIZE - 1) >> PAGE_SHIFT);
	if (it->kind == ITER_KERNEL) {
		for (unsigned i = 0; i < nr; i++) {
			pages[i] = virt_to_page((void *)(at + i * PAGE_SIZE));
			page_get(pages[i]);
		}
		return nr;
	}
	got = mm_pin_pages(thread_current()->mm, at, nr, !write, pages);
	if (got > 0)
		*len = min(*len, (size_t)got * PAGE_SIZE - *offset);
	return got;
}

/* Put pinned pages into the bio.  Returns the bytes that found room. */
static size_t bio_fill(struct bio *bio, struct page **pages, size_t offset, size_t len)
{
	size_t done = 0;

	while (done < len) {
		size_t n = min(len - done, PAGE_SIZE - offset);

		if (!bio_add_page(bio, *pages++, (unsigned)offset, (unsigned)n))
			break;
		done += n;
		offset = 0;
	}
	return done;
}

/* --- short ------------------------------------------------------------------------------------ */

static ssize_t direct_small(struct bdev *b, struct iov_iter *it, loff_t pos, bool write)
{
	struct page *pages[SMALL_PAGES];
	struct bio_vec vecs[SMALL_PAGES];
	u32 block = bdev_logical_block(b);
	size_t offset, len;
	struct bio bio;
	long nr = pages_of(it, SMALL_PAGES, write, pages, &offset, &len);
	int err = -EFAULT;

	if (nr <= 0)
		return nr;
	bio_init(&bio, b, vecs, SMALL_PAGES, write ? BIO_WRITE : BIO_READ, 0);
	bio.sector = (sector_t)pos >> SECTOR_SHIFT;
	len = bio_fill(&bio, pages, offset, len & ~(size_t)(block - 1));
	if (len)
		err = bio_submit_wait(&bio);
	mm_unpin_pages(pages, (unsigned)nr, !write);
	return err ?: (ssize_t)len;
}

/* --- long ------------------------------------------------------------------------------------- */

/* A transfer of many bios. */
struct transfer {
	u32 pending; /* [a] bios, and one while they are being made */
	struct thread *waiter;
};

struct chunk {
	struct chunk *next;
	struct transfer *transfer;
	struct bio *bio;
	struct page **pages;
	unsigned nr;
	size_t len;
};

static void transfer_done(struct transfer *t)
{
	struct thread *waiter = t->waiter;

	guard_rcu();
	if (!atomic_sub_return(&t->pending, 1u))
		thread_wake_state(waiter, THREAD_UNINTERRUPTIBLE);
}

static void transfer_wait(struct transfer *t)
{
	transfer_done(t);
	plug_flush_current();
	sched_iowait_begin();
	for (;;) {
		thread_set_state(THREAD_UNINTERRUPTIBLE);
		if (!atomic_load_acquire(&t->pending))
			break;
		schedule();
	}
	thread_set_state(THREAD_RUNNING);
	sched_iowait_end();
}

static void chunk_end(struct bio *bio)
{
	struct chunk *c = bio->private;

	transfer_done(c->transfer);
}

/* Start what one bio holds.  Returns 0 or a negative errno; *out even then, if pages are pinned. */
static int chunk_start(struct transfer *t, struct bdev *b, struct iov_iter *it, loff_t pos,
		       bool write, struct chunk **out)
{
	struct chunk *c = kzalloc(sizeof(*c) + LARGE_PAGES * sizeof(struct page *), GFP_KERNEL);
	size_t offset;
	long nr;

	*out = NULL;
	if (!c)
		return -ENOMEM;
	c->pages = (struct page **)(c + 1);
	nr = pages_of(it, LARGE_PAGES, write, c->pages, &offset, &c->len);
	if (nr <= 0) {
		kfree(c);
		return (int)nr ?: -EFAULT;
	}
	*out = c;
	c->nr = (unsigned)nr;
	c->transfer = t;
	c->bio = bio_alloc(b, (unsigned)nr, write ? BIO_WRITE : BIO_READ, 0, GFP_KERNEL);
	c->bio->sector = (sector_t)pos >> SECTOR_SHIFT;
	c->bio->end = chunk_end;
	c->bio->private = c;
	c->len = bio_fill(c->bio, c->pages, offset, c->len & ~(size_t)(bdev_logical_block(b) - 1));
	if (!c->len)
		return -EFAULT;
	atomic_inc(&t->pending);
	iov_iter_advance(it, c->len);
	bio_submit(c->bio);
	return 0;
}

/* After the wait: let go of everything.  Returns the bytes before the first failure, *err what. */
static size_t chunks_finish(struct chunk *c, bool write, int *err)
{
	size_t good = 0;
	bool failed = false;

	while (c) {
		struct chunk *next = c->next;

		if (c->len && c->bio->error && !failed) {
			failed = true;
			*err = c->bio->error;
		}
		if (!failed)
			good += c->len;
		mm_unpin_pages(c->pages, c->nr, !write);
		bio_put(c->bio);
		kfree(c);
		c = next;
	}
	return good;
}

#define MOST_CHUNKS 16u

static ssize_t direct_large(struct bdev *b, struct iov_iter *it, loff_t pos, bool write)
{
	struct transfer t = {.pending = 1, .waiter = thread_current()};
	struct chunk *first = NULL, **tail = &first;
	size_t asked = iov_iter_count(it), good;
	struct plug plug;
	int err = 0;

	plug_start(&plug);
	for (unsigned i = 0; i < MOST_CHUNKS && iov_iter_count(it) && !err; i++) {
		struct chunk *c;

		err = chunk_start(&t, b, it, pos + (loff_t)(asked - iov_iter_count(it)), write, &c);
		if (c) {
			*tail = c;
			tail = &c->next;
		}
	}
	plug_finish(&plug);
	transfer_wait(&t);
	good = chunks_finish(first, write, &err);
	iov_iter_revert(it, asked - iov_iter_count(it));
	return good ? (ssize_t)good : err;
}

/* --- both ------------------------------------------------------------------------------------- */

/* Positions and every segment in logical blocks; memory on a word at least. */
static bool aligned(const struct bdev *b, const struct iov_iter *it, loff_t pos)
{
	size_t mask = bdev_logical_block(b) - 1, first = it->offset, left = it->count;

	if (((u64)pos | it->count) & mask)
		return false;
	for (unsigned i = 0; i < it->nr && left; i++, first = 0) {
		size_t base =
			it->kind == ITER_PAGES ? it->pages[i].offset : (size_t)it->vec[i].base;
		size_t len = (it->kind == ITER_PAGES ? it->pages[i].len : it->vec[i].len) - first;

		if (((base + first) & 511) || (min(len, left) & mask))
			return false;
		left -= min(len, left);
	}
	return true;
}

static void cache_agree(struct bdev *b, loff_t pos, size_t len, bool write)
{
	struct mapping *m = bdev_mapping(b);

	if (!READ_ONCE(m->nr_pages))
		return;
	if (write)
		(void)!cache_invalidate_range(m, pos, pos + (loff_t)len - 1);
	else
		(void)!cache_write_range(m, pos, pos + (loff_t)len - 1, true);
}

ssize_t direct_io(struct bdev *b, struct iov_iter *it, loff_t *pos, bool write)
{
	ssize_t done = 0, n = 0;
	loff_t start = *pos;

	if (!aligned(b, it, *pos))
		return -EINVAL;
	cache_agree(b, *pos, iov_iter_count(it), write);
	while (iov_iter_count(it)) {
		n = iov_iter_count(it) <= (SMALL_PAGES - 1) * PAGE_SIZE && it->nr == 1
			    ? direct_small(b, it, *pos, write)
			    : direct_large(b, it, *pos, write);
		if (n <= 0)
			break;
		iov_iter_advance(it, (size_t)n);
		*pos += n;
		done += n;
	}
	if (write && done)
		cache_agree(b, start, (size_t)done, true);
	return done ? done : n;
}
