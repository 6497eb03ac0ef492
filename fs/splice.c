/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * splice: pages move between files and pipes by reference.
 *
 * From a file in the page cache the pipe gets the cache's own pages (PIPE_BUF_SHARED: never written
 * through the pipe); from others fresh pages filled by read_iter.  To a file the pages of the pipe
 * are the source of write_iter.
 */
#include <fs/pipe.h>
#include <fs/splice.h>
#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/inode.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/shmem.h>

#define SPLICE_BATCH 16

/* File to pipe.  Locks of the *_locked forms: the pipe's, with room for at least one slot. */

/* Read into fresh pages. */
static ssize_t read_into_pipe(struct file *in, loff_t *pos, struct pipe *p, size_t len)
{
	struct page *pages[SPLICE_BATCH];
	struct iter_page segs[SPLICE_BATCH];
	unsigned n = 0, room = p->slots - (p->head - p->tail);
	struct iov_iter it;
	ssize_t got, left;

	len = min_t(size_t, len, min_t(unsigned, room, SPLICE_BATCH) * PAGE_SIZE);
	for (size_t want = len; want; n++) {
		pages[n] = page_alloc(GFP_USER);
		if (!pages[n])
			break;
		segs[n] = (struct iter_page){ pages[n], 0, min_t(size_t, want, PAGE_SIZE) };
		want -= segs[n].len;
	}
	if (!n)
		return -ENOMEM;
	iov_iter_pages(&it, ITER_DEST, segs, n, min_t(size_t, len, n * PAGE_SIZE));
	got = vfs_read_iter(in, &it, pos);
	left = max_t(ssize_t, got, 0);
	for (unsigned i = 0; i < n; i++) {
		if (left) {
			u32 part = min_t(ssize_t, left, PAGE_SIZE);

			pipe_push(p, pages[i], 0, part, 0);
			left -= part;
		} else {
			page_put(pages[i]);
		}
	}
	return got;
}

/* The page of the cache at `index`, referenced and up to date; *out NULL: a hole. */
static int cache_page(struct file *f, u64 index, struct folio **out)
{
	struct mapping *m = f->mapping;
	int err;

	*out = cache_find_get(m, index);
	if (*out && folio_test(*out, PG_uptodate))
		return 0;
	if (*out)
		folio_put(*out);
	if (!mapping_test(m, MAPPING_SHMEM))
		return cache_read(m, f, index, out);
	err = shmem_get_folio(mapping_shmem(m), index, false, out);
	if (!err && *out)
		folio_unlock(*out);
	return err;
}

ssize_t splice_read_pages(struct file *f, loff_t *pos, struct pipe *p, size_t len, unsigned flags)
{
	ssize_t done = 0;
	int err = 0;

	while (len && !pipe_full(p)) {
		loff_t size = READ_ONCE(f->inode->size);
		u32 offset = *pos & (PAGE_SIZE - 1), part;
		struct folio *folio;

		if (*pos >= size)
			break;
		part = min_t(u64, min_t(u64, len, PAGE_SIZE - offset), size - *pos);
		err = cache_page(f, *pos / PAGE_SIZE, &folio);
		if (err)
			break;
		if (folio) {
			pipe_push(p, folio_page(folio), offset, part, PIPE_BUF_SHARED);
		} else {
			struct page *zero = page_alloc(GFP_USER | __GFP_ZERO);

			if (!zero) {
				err = -ENOMEM;
				break;
			}
			pipe_push(p, zero, offset, part, 0);
		}
		*pos += part;
		len -= part;
		done += part;
	}
	if (done)
		file_accessed(f);
	return done ?: err;
}

static ssize_t fill_pipe_locked(struct file *in, loff_t *pos, struct pipe *p, size_t len,
				unsigned flags)
{
	if (in->ops->splice_read)
		return in->ops->splice_read(in, pos, p, len, flags);
	if (S_ISREG(in->inode->mode) && in->ops->read_iter == generic_read_iter)
		return splice_read_pages(in, pos, p, len, flags);
	return in->ops->read_iter ? read_into_pipe(in, pos, p, len) : -EINVAL;
}

ssize_t splice_file_to_pipe(struct file *in, loff_t *pos, struct pipe *p, size_t len,
			    unsigned flags)
{
	ssize_t n;

	mutex_lock(&p->lock);
	n = pipe_wait_room(p, flags & SPLICE_F_NONBLOCK);
	if (!n)
		n = fill_pipe_locked(in, pos, p, len, flags);
	mutex_unlock(&p->lock);
	if (n > 0)
		pipe_wake_readers(p);
	return n;
}

/* Pipe to file */

/* Write what is at the front.  Locks: pipe.lock.  Returns bytes or an error when none. */
static ssize_t drain_to_file(struct pipe *p, struct file *out, loff_t *pos, size_t len)
{
	struct iter_page segs[SPLICE_BATCH];
	struct iov_iter it;
	size_t total = 0;
	unsigned n = 0;
	ssize_t done;

	for (u32 s = p->tail; s != p->head && n < SPLICE_BATCH && total < len; s++, n++) {
		struct pipe_buf *b = pipe_slot(p, s);

		segs[n] =
			(struct iter_page){b->page, b->offset, min_t(size_t, b->len, len - total)};
		total += segs[n].len;
	}
	iov_iter_pages(&it, ITER_SOURCE, segs, n, total);
	done = vfs_write_iter(out, &it, pos);
	for (ssize_t left = max_t(ssize_t, done, 0); left > 0;) {
		struct pipe_buf *b = pipe_slot(p, p->tail);
		u32 part = min_t(ssize_t, b->len, left);

		b->offset += part;
		b->len -= part;
		left -= part;
		if (!b->len)
			pipe_consume(p);
	}
	return done;
}

ssize_t splice_pipe_to_file(struct pipe *p, struct file *out, loff_t *pos, size_t len,
			    unsigned flags)
{
	ssize_t done = 0, n = 0;

	if (out->ops->splice_write)
		return out->ops->splice_write(p, out, pos, len, flags);
	mutex_lock(&p->lock);
	while (len) {
		if (done && pipe_empty(p))
			break;
		n = pipe_wait_data(p, flags & SPLICE_F_NONBLOCK);
		if (n <= 0)
			break;
		n = drain_to_file(p, out, pos, len);
		if (n <= 0)
			break;
		done += n;
		len -= n;
	}
	mutex_unlock(&p->lock);
	if (done)
		pipe_wake_writers(p);
	return done ?: n;
}

/* Pipe to pipe */

static void lock_pipes(struct pipe *a, struct pipe *b)
{
	/* By address, but the pipe inside a sendfile comes before all others. */
	if (b->inner || (!a->inner && a > b))
		swap(a, b);
	mutex_lock(&a->lock);
	mutex_lock_nested(&b->lock, 1);
}

static void unlock_pipes(struct pipe *a, struct pipe *b)
{
	mutex_unlock(&a->lock);
	mutex_unlock(&b->lock);
}

/* Wait, holding only the one lock, until `in` has data and `out` has room; then hold both.  Returns
 * 1, 0 (end), or an error. */
static int lock_both_ready(struct pipe *in, struct pipe *out, unsigned flags)
{
	bool nonblock = flags & SPLICE_F_NONBLOCK;

	for (;;) {
		int n;

		mutex_lock(&in->lock);
		n = pipe_wait_data(in, nonblock);
		mutex_unlock(&in->lock);
		if (n <= 0)
			return n;
		mutex_lock(&out->lock);
		n = pipe_wait_room(out, nonblock);
		mutex_unlock(&out->lock);
		if (n)
			return n;
		lock_pipes(in, out);
		if (!pipe_empty(in) && !pipe_full(out) && out->readers)
			return 1;
		unlock_pipes(in, out);
	}
}

ssize_t splice_pipe_to_pipe(struct pipe *in, struct pipe *out, size_t len, unsigned flags)
{
	ssize_t done = 0;
	int ready = lock_both_ready(in, out, flags);

	if (ready <= 0)
		return ready;
	while (len && !pipe_empty(in) && !pipe_full(out)) {
		struct pipe_buf *b = pipe_slot(in, in->tail);
		u32 part = min_t(size_t, b->len, len);

		if (part == b->len) {
			pipe_push(out, b->page, b->offset, b->len, b->flags & ~(u32)PIPE_BUF_MERGE);
			b->page = NULL;
			WRITE_ONCE(in->tail, in->tail + 1);
		} else {
			page_get(b->page);
			pipe_push(out, b->page, b->offset, part, PIPE_BUF_SHARED);
			b->flags = (b->flags & ~(u32)PIPE_BUF_MERGE) | PIPE_BUF_SHARED;
			b->offset += part;
			b->len -= part;
		}
		done += part;
		len -= part;
	}
	unlock_pipes(in, out);
	pipe_wake_readers(out);
	pipe_wake_writers(in);
	return done;
}

ssize_t splice_tee(struct pipe *in, struct pipe *out, size_t len, unsigned flags)
{
	ssize_t done = 0;
	int ready = lock_both_ready(in, out, flags);

	if (ready <= 0)
		return ready;
	for (u32 s = in->tail; len && s != in->head && !pipe_full(out); s++) {
		struct pipe_buf *b = pipe_slot(in, s);
		u32 part = min_t(size_t, b->len, len);

		page_get(b->page);
		b->flags = (b->flags & ~(u32)PIPE_BUF_MERGE) | PIPE_BUF_SHARED;
		pipe_push(out, b->page, b->offset, part,
			  PIPE_BUF_SHARED | (b->flags & PIPE_BUF_PACKET));
		done += part;
		len -= part;
	}
	unlock_pipes(in, out);
	pipe_wake_readers(out);
	return done;
}

/* File to file */

/* Pass on all that is in the private pipe.  On a short write the rest is put back by moving the
 * input position. */
static ssize_t flush_direct(struct pipe *p, struct file *out, loff_t *out_pos, loff_t *in_pos)
{
	struct pipe *to = file_pipe(out);
	ssize_t done = 0, n = 0;

	while (!pipe_empty(p)) {
		size_t all = 0;

		for (u32 s = p->tail; s != p->head; s++)
			all += pipe_slot(p, s)->len;
		n = to ? splice_pipe_to_pipe(p, to, all,
					     out->flags & O_NONBLOCK ? SPLICE_F_NONBLOCK : 0)
		       : splice_pipe_to_file(p, out, out_pos, all, 0);
		if (n <= 0) {
			*in_pos -= all;
			while (!pipe_empty(p))
				pipe_consume(p);
			break;
		}
		done += n;
	}
	return done ?: n;
}

ssize_t splice_direct(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos,
		      size_t len, unsigned flags)
{
	struct pipe *p;
	ssize_t done = 0, n;

	if (!out->ops->write_iter)
		return -EINVAL;
	n = pipe_create(&p);
	if (n)
		return n;
	/* Ours alone, and held around the locks of real pipes. */
	mutex_init(&p->lock, RANK_SPLICE_PIPE, "splice pipe");
	p->inner = 1;
	p->readers = p->writers = 1;
	while (len) {
		ssize_t got;

		mutex_lock(&p->lock);
		got = fill_pipe_locked(in, in_pos, p, len, flags);
		mutex_unlock(&p->lock);
		n = got;
		if (got <= 0)
			break;
		n = flush_direct(p, out, out_pos, in_pos);
		if (n <= 0)
			break;
		done += n;
		len -= n;
		if (n < got || signal_pending(thread_current()))
			break;
		cond_resched();
	}
	pipe_destroy(p);
	return done ?: n;
}
