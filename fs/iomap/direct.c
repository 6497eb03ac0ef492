/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Direct I/O: between the caller's memory and the disk, past the cache.
 *
 * Position, length and every piece of memory are multiples of the device's logical block; else
 * EINVAL, as on Linux; memory of the kernel goes through the cache.  What the cache has of the
 * range is written back before a read; before a write it is also dropped, and once more afterwards,
 * for whoever read it in meanwhile.  A folio that cannot be dropped sends the write through the
 * cache (-ENOTBLK).
 *
 * Writes hold the inode for writing: two of them do not meet in a block, and the size moves after
 * the data is on the disk.  Blocks that were allocated for the write are answered UNWRITTEN where
 * the file system can, and converted afterwards.  A write that covers part of a block whose rest is
 * not on the disk goes through the cache.
 *
 * The bios of a call are in flight together; the call waits for all.  Pages of the user are held
 * until then.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <mm/iov_iter.h>
#include <mm/space.h>
#include <mm/usercopy.h>

#include "iomap_internal.h"

#define PIN_BATCH 64u

/* One call. */
struct direct {
	struct inode *inode;
	struct iov_iter *iter;
	bool write, user;
	u32 pending;        /* [a] bios in flight, and one for the starter */
	int error;          /* [a] the first */
	struct bio *done;   /* [a] ended, by bio->next */
	struct completion all_done;
};

/* --- transfers -------------------------------------------------------------------------------- */

static void direct_put(struct direct *d)
{
	if (!atomic_sub_return(&d->pending, 1))
		completion_done(&d->all_done);
}

/* Context: the device's. */
static void direct_end(struct bio *bio)
{
	struct direct *d = bio->private;
	struct bio *first = atomic_load(&d->done);
	int none = 0;

	if (bio->error)
		(void)atomic_cmpxchg(&d->error, &none, bio->error);
	do
		bio->next = first;
	while (!atomic_cmpxchg_release(&d->done, &first, bio));
	direct_put(d);
}

/* Let go of the pages of the user in a bio that ended, or never started. */
static void bio_release(const struct direct *d, struct bio *bio)
{
	struct bio_iter it = {};
	struct bio_vec v;

	while (d->user && bio_piece_next(bio, &it, &v))
		mm_unpin_pages(&v.page, 1, !d->write);
	bio_put(bio);
}

/* Wait for what was started.  Returns the first error. */
static int direct_wait(struct direct *d)
{
	direct_put(d);
	completion_wait(&d->all_done);
	for (struct bio *bio = d->done, *next; bio; bio = next) {
		next = bio->next;
		bio_release(d, bio);
	}
	return d->error;
}

static void direct_submit(struct direct *d, struct bio *bio)
{
	atomic_inc(&d->pending);
	bio_submit(bio);
}

static struct bio *direct_bio(struct direct *d, u64 addr, size_t len)
{
	unsigned pages = clamp(len / PAGE_SIZE + 2, (size_t)1, (size_t)BIO_MAX_VECS);
	struct bio *bio = bio_alloc(inode_bdev(d->inode), pages, d->write ? BIO_WRITE : BIO_READ,
				    BIO_SYNC, GFP_KERNEL);

	bio->sector = addr >> SECTOR_SHIFT;
	bio->end = direct_end;
	bio->private = d;
	return bio;
}

/* --- memory ----------------------------------------------------------------------------------- */

/*
 * The pages of the next piece of the caller's memory, at most `len` bytes: *offset into the first.
 * Returns the bytes they hold, or -EFAULT.
 */
static ssize_t next_pages(struct direct *d, size_t len, struct page **pages, unsigned *offset)
{
	struct iov_iter *it = d->iter;
	size_t part = min(len, iov_iter_segment(it));
	const char *base;
	unsigned nr;
	long got;

	if (it->kind == ITER_PAGES) {
		u32 at = it->pages->offset + (u32)it->offset;

		pages[0] = it->pages->page + (at >> PAGE_SHIFT);
		*offset = at & (PAGE_SIZE - 1);
		return min(part, PAGE_SIZE - *offset);
	}
	base = (const char *)it->vec->base + it->offset;
	*offset = (vaddr_t)base & (PAGE_SIZE - 1);
	nr = min((*offset + part + PAGE_SIZE - 1) >> PAGE_SHIFT, (size_t)PIN_BATCH);
	got = mm_pin_pages(thread_current()->mm, (vaddr_t)base, nr, !d->write, pages);
	return got < 0 ? got : (ssize_t)min(part, ((size_t)got << PAGE_SHIFT) - *offset);
}

static void unpin(const struct direct *d, struct page **pages, unsigned nr)
{
	if (d->user)
		mm_unpin_pages(pages, nr, false);
}

/* The last page of the last vector, or NULL. */
static struct page *bio_last_page(const struct bio *bio)
{
	const struct bio_vec *v = bio->nr_vecs ? &bio->vecs[bio->nr_vecs - 1] : NULL;

	return v ? v->page + ((v->offset + v->len - 1) >> PAGE_SHIFT) : NULL;
}

/*
 * Add a piece of a page to *bio, which is submitted and replaced when full.  Two pieces of one page
 * may become one in the bio; then one hold on the page is enough.
 */
static int add_piece(struct direct *d, struct bio **bio, struct page *page, unsigned offset,
		     unsigned len, size_t left)
{
	struct page *last = bio_last_page(*bio);
	unsigned vecs = (*bio)->nr_vecs;

	if (bio_add_page(*bio, page, offset, len)) {
		if (page == last && (*bio)->nr_vecs == vecs)
			unpin(d, &page, 1);
		return 0;
	}
	if ((*bio)->size) {
		sector_t next = bio_end_sector(*bio);

		direct_submit(d, *bio);
		*bio = direct_bio(d, next << SECTOR_SHIFT, left);
		if (bio_add_page(*bio, page, offset, len))
			return 0;
	}
	return -EINVAL;
}

/* Add the next piece of memory.  Returns bytes. */
static ssize_t add_memory(struct direct *d, struct bio **bio, size_t len)
{
	struct page *pages[PIN_BATCH];
	unsigned offset, nr;
	ssize_t n = next_pages(d, len, pages, &offset);
	size_t left;

	if (n < 0)
		return n;
	left = n;
	nr = (offset + left + PAGE_SIZE - 1) >> PAGE_SHIFT;
	for (unsigned i = 0; i < nr; i++, offset = 0) {
		unsigned part = min(left, PAGE_SIZE - offset);

		if (add_piece(d, bio, pages[i], offset, part, left)) {
			unpin(d, pages + i, nr - i);
			return -EINVAL;
		}
		left -= part;
	}
	iov_iter_advance(d->iter, n);
	return n;
}

/* Start the transfer of `len` bytes at `addr`.  Returns bytes started, or an error when none. */
static ssize_t transfer(struct direct *d, u64 addr, size_t len)
{
	struct bio *bio = direct_bio(d, addr, len);
	size_t done = 0;
	ssize_t n = 0;

	while (done < len) {
		n = add_memory(d, &bio, len - done);
		if (n <= 0)
			break;
		done += n;
	}
	if (bio->size)
		direct_submit(d, bio);
	else
		bio_put(bio);
	return done ? (ssize_t)done : n;
}

/* Is the memory such that the device can reach it, in pieces of its blocks? */
static int iter_check(const struct iov_iter *it, u32 block)
{
	size_t left = it->count, offset = it->offset;

	if (it->kind == ITER_KERNEL)
		return -ENOTBLK;
	for (unsigned i = 0; left; i++, offset = 0) {
		vaddr_t at =
			it->kind == ITER_PAGES ? it->pages[i].offset : (vaddr_t)it->vec[i].base;
		size_t len =
			min(left,
			    (it->kind == ITER_PAGES ? it->pages[i].len : it->vec[i].len) - offset);

		if ((at + offset) & (block - 1) || len & (block - 1))
			return -EINVAL;
		left -= len;
	}
	return 0;
}

static int direct_init(struct direct *d, struct inode *inode, struct iov_iter *it, loff_t pos,
		       bool write)
{
	u32 block = bdev_logical_block(inode_bdev(inode));

	*d = (struct direct){
		.inode = inode,
		.iter = it,
		.write = write,
		.user = it->kind == ITER_USER,
		.pending = 1,
	};
	completion_init(&d->all_done);
	if ((u64)pos & (block - 1))
		return -EINVAL;
	return iter_check(it, block);
}

/* --- read ------------------------------------------------------------------------------------- */

static ssize_t read_zeroes(struct direct *d, size_t len)
{
	size_t n = iov_iter_zero(len, d->iter);

	return n ? (ssize_t)n : -EFAULT;
}

/* One extent's part.  Returns bytes, or an error when none. */
static ssize_t read_extent(struct direct *d, u64 pos, size_t len)
{
	struct iomap map;
	ssize_t n;
	int err = map_begin(d->inode, pos, len, IOMAP_DIRECT, &map);

	if (err)
		return err;
	len = min((u64)len, map_end(&map) - pos);
	if (map.type == IOMAP_INLINE)
		n = -ENOTBLK;
	else if (map_has_data(&map))
		n = transfer(d, map_addr(&map, pos), len);
	else
		n = read_zeroes(d, len);
	err = map_end_op(d->inode, pos, len, max(n, (ssize_t)0), IOMAP_DIRECT, &map);
	return n ? n : err;
}

static ssize_t read_all(struct direct *d, u64 pos, u64 size)
{
	size_t done = 0, len = iov_iter_count(d->iter);
	ssize_t n = 0;
	int err;

	/* Whole blocks of the device, even where the file ends inside one. */
	len = min((u64)len, ((size - pos) + bdev_logical_block(inode_bdev(d->inode)) - 1) &
				    ~(u64)(bdev_logical_block(inode_bdev(d->inode)) - 1));
	while (done < len) {
		n = read_extent(d, pos + done, len - done);
		if (n <= 0)
			break;
		done += n;
	}
	err = direct_wait(d);
	if (err)
		return err;
	return done ? (ssize_t)min((u64)done, size - pos) : n;
}

ssize_t direct_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct inode *inode = file->inode;
	size_t count = iov_iter_count(to);
	struct direct d;
	ssize_t n;
	int err;

	if (!count || *pos >= READ_ONCE(inode->size))
		return 0;
	err = direct_init(&d, inode, to, *pos, false);
	if (err)
		return err;
	rwsem_read_lock(&inode->lock);
	n = 0;
	if (*pos < inode->size) {
		n = cache_write_range(&inode->data, *pos, *pos + (loff_t)count - 1, true);
		if (!n)
			n = read_all(&d, *pos, inode->size);
	}
	rwsem_read_unlock(&inode->lock);
	if (n == -ENOTBLK)
		return n;
	if (n > 0) {
		iov_iter_revert(to, count - iov_iter_count(to) - n);
		*pos += n;
	}
	file_accessed(file);
	return n;
}

/* --- write ------------------------------------------------------------------------------------ */

/* May these bytes be written without the rest of their blocks? */
static bool can_write(const struct inode *inode, const struct iomap *map, u64 pos, size_t len)
{
	u64 in_block = (1ull << inode_blkbits(inode)) - 1;

	if (map->type != IOMAP_MAPPED && map->type != IOMAP_UNWRITTEN)
		return false;
	return map_has_data(map) || !((pos | len) & in_block);
}

/* The data of this extent's part is on the disk: make it the file's. */
static int write_settled(struct direct *d, const struct iomap *map, u64 pos, size_t len)
{
	struct inode *inode = d->inode;
	int err = 0;

	if (map->type == IOMAP_UNWRITTEN || map->flags & IOMAP_F_WRITTEN)
		err = inode->iomap->written(inode, pos, len, map->type == IOMAP_UNWRITTEN);
	if (!err && pos + len > (u64)inode->size) {
		WRITE_ONCE(inode->size, (loff_t)(pos + len));
		inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
	}
	return err;
}

/* Transfer one extent's part and wait for it.  Returns bytes, or an error when none. */
static ssize_t write_mapped(struct direct *d, const struct iomap *map, u64 pos, size_t len)
{
	ssize_t n;
	int err;

	completion_init(&d->all_done);
	d->pending = 1;
	d->done = NULL;
	n = transfer(d, map_addr(map, pos), len);
	err = direct_wait(d);
	if (!err && n > 0)
		err = write_settled(d, map, pos, n);
	return err ? err : n;
}

static ssize_t write_extent(struct direct *d, u64 pos, size_t len)
{
	const unsigned flags = IOMAP_WRITE | IOMAP_DIRECT;
	size_t before = iov_iter_count(d->iter);
	struct iomap map;
	ssize_t n;
	int err = map_begin(d->inode, pos, len, flags, &map);

	if (err)
		return err;
	len = min((u64)len, map_end(&map) - pos);
	n = can_write(d->inode, &map, pos, len) ? write_mapped(d, &map, pos, len) : -ENOTBLK;
	if (n < 0)
		iov_iter_revert(d->iter, before - iov_iter_count(d->iter));
	err = map_end_op(d->inode, pos, len, max(n, (ssize_t)0), flags, &map);
	return err && n >= 0 ? err : n;
}

ssize_t direct_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = file->inode;
	u64 start = *pos, len = iov_iter_count(from), done = 0;
	struct direct d;
	ssize_t n = direct_init(&d, inode, from, *pos, true);

	if (n)
		return n;
	if (cache_invalidate_range(&inode->data, start, start + len - 1))
		return -ENOTBLK;
	while (done < len) {
		n = write_extent(&d, start + done, len - done);
		if (n <= 0)
			break;
		done += n;
	}
	if (done && inode->data.nr_pages)
		(void)cache_invalidate_range(&inode->data, start, start + done - 1);
	*pos += done;
	return done ? (ssize_t)done : n;
}
