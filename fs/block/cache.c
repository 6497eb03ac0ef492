/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page cache of a device: its folios read and written.
 *
 * A folio without buffers is one piece.  One with buffers is written by those that are dirty: every
 * way to change a folio's content (write(2), a store to a mapping, DMA to pinned pages) marks the
 * buffers it touched before the folio.
 *
 * Adjacent pieces share a bio.  Bios of whole folios and of buffers are kept apart, because a folio
 * may get its buffers while it is being written.
 */
#include <fs/vfs/inode.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/mapping.h>
#include "block_internal.h"
#include "buffer_internal.h"

#define WRITE_VECS BIO_MAX_VECS

static struct bdev *mapping_bdev(const struct mapping *m)
{
	return ((struct inode *)m->host)->private;
}

static sector_t index_sector(u64 index)
{
	return index << (PAGE_SHIFT - SECTOR_SHIFT);
}

/* How much of the page lies on the device, in whole logical blocks. */
static unsigned page_bytes(const struct bdev *b, u64 index)
{
	u64 size = bdev_bytes(b) & ~(u64)(bdev_logical_block(b) - 1), pos = index << PAGE_SHIFT;

	return pos >= size ? 0 : (unsigned)min(size - pos, (u64)PAGE_SIZE);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void read_end(struct bio *bio)
{
	struct bio_iter it = {};
	struct bio_vec v;

	while (bio_piece_next(bio, &it, &v)) {
		struct folio *f = page_folio(v.page);

		if (bio->error) {
			folio_set(f, PG_error);
		} else {
			smp_wmb();
			folio_set(f, PG_uptodate);
		}
		folio_unlock(f);
	}
	bio_put(bio);
}

static int read_with_buffers(struct folio *f)
{
	int err = buffers_fill(f);

	folio_unlock(f);
	return err;
}

static int bdev_read_folio(struct file *file, struct folio *f)
{
	struct bdev *b = mapping_bdev(folio_mapping(f));
	unsigned len = page_bytes(b, f->page.index);
	struct bio *bio;

	if (folio_test(f, PG_private))
		return read_with_buffers(f);
	if (len < PAGE_SIZE)
		memset((char *)folio_address(f) + len, 0, PAGE_SIZE - len);
	if (!len) {
		folio_unlock(f);
		return -EIO;
	}
	bio = bio_alloc(b, 1, BIO_READ, 0, GFP_NOFS);
	bio->sector = index_sector(f->page.index);
	(void)bio_add_page(bio, folio_page(f), 0, len);
	bio->end = read_end;
	bio_submit(bio);
	return 0;
}

/* Read `f` with `bio` if it follows, else send that and begin another, with room for `left` pages. */
static struct bio *read_along(struct bdev *b, struct bio *bio, struct folio *f, u64 left)
{
	sector_t sector = index_sector(f->page.index);

	if (bio && bio_end_sector(bio) == sector && bio_add_page(bio, folio_page(f), 0, PAGE_SIZE))
		return bio;
	if (bio)
		bio_submit(bio);
	bio = bio_alloc(b, (unsigned)min(left, (u64)BIO_MAX_VECS), BIO_READ, 0, GFP_NOFS);
	bio->sector = sector;
	bio->end = read_end;
	(void)bio_add_page(bio, folio_page(f), 0, PAGE_SIZE);
	return bio;
}

static void bdev_readahead_op(struct file *file, struct mapping *m, u64 index, unsigned nr)
{
	struct bdev *b = mapping_bdev(m);
	u64 end = min(index + nr, bdev_bytes(b) >> PAGE_SHIFT); /* whole pages only */
	struct folio *folios[CACHE_BATCH];
	struct bio *bio = NULL;
	struct plug plug;
	unsigned n;

	plug_start(&plug);
	while (index < end && (n = cache_add_absent(m, &index, end - 1, folios, CACHE_BATCH)) != 0)
		for (unsigned i = 0; i < n; i++)
			bio = read_along(b, bio, folios[i], end - folios[i]->page.index);
	if (bio)
		bio_submit(bio);
	plug_finish(&plug);
}

/* --- writing back ----------------------------------------------------------------------------- */

struct writer {
	struct bdev *bdev;
	struct bio *bio;
	unsigned flags; /* BIO_* */
};

static void writer_send(struct writer *w)
{
	struct bio *bio = w->bio;

	w->bio = NULL;
	if (bio)
		bio_submit(bio);
}

static void writer_add(struct writer *w, sector_t sector, struct page *page, unsigned offset,
		       unsigned len, void (*end)(struct bio *))
{
	if (w->bio && w->bio->end == end && bio_end_sector(w->bio) == sector &&
	    bio_add_page(w->bio, page, offset, len))
		return;
	writer_send(w);
	w->bio = bio_alloc(w->bdev, WRITE_VECS, BIO_WRITE, w->flags, GFP_NOFS);
	w->bio->sector = sector;
	w->bio->end = end;
	(void)bio_add_page(w->bio, page, offset, len);
}

static void folios_written(struct bio *bio)
{
	struct bio_iter it = {};
	struct bio_vec v;

	while (bio_piece_next(bio, &it, &v)) {
		struct folio *f = page_folio(v.page);

		if (bio->error)
			mapping_set_error(folio_mapping(f), bio->error);
		folio_end_writeback(f);
	}
	bio_put(bio);
}

static void set_written(struct buffer_set *set, struct folio *f)
{
	if (!atomic_sub_return(&set->writing, 1u))
		folio_end_writeback(f);
}

static void buffers_written(struct bio *bio)
{
	struct bio_iter it = {};
	struct bio_vec v;

	while (bio_piece_next(bio, &it, &v)) {
		struct folio *f = page_folio(v.page);
		struct buffer_set *set = f->page.private;
		u32 size = set->b[0].size;

		for (unsigned i = v.offset / size; i < (v.offset + v.len) / size; i++) {
			buffer_write_ended(&set->b[i], bio->error);
			buffer_unlock(&set->b[i]);
			set_written(set, f);
		}
	}
	bio_put(bio);
}

/* Lock a dirty buffer that may be written, its dirty bit cleared.  False: not this one, now. */
static bool writer_take(struct writer *w, struct buffer *b, bool sync, bool *later)
{
	if (!buffer_test(b, BUFFER_DIRTY) || buffer_test(b, BUFFER_JOURNALED))
		return false;
	if (!buffer_trylock(b)) {
		if (!sync) {
			*later = true;
			return false;
		}
		writer_send(w);
		buffer_lock(b);
	}
	if (!buffer_test(b, BUFFER_JOURNALED) && buffer_test_and_clear(b, BUFFER_DIRTY))
		return true;
	buffer_unlock(b);
	return false;
}

static void write_buffers(struct writer *w, struct folio *f, bool sync)
{
	struct buffer_set *set = buffers_of(f);
	bool later = false;

	atomic_store(&set->writing, 1u);
	folio_start_writeback(f);
	for (u32 i = 0; i < set->nr; i++) {
		struct buffer *b = &set->b[i];

		if (!writer_take(w, b, sync, &later))
			continue;
		buffer_set(b, BUFFER_WRITING);
		buffer_clear(b, BUFFER_NEW);
		buffer_clear(b, BUFFER_ERROR);
		atomic_inc(&set->writing);
		writer_add(w, b->block << (w->bdev->block_bits - SECTOR_SHIFT), folio_page(f),
			   i * b->size, b->size, buffers_written);
	}
	if (later)
		buffers_dirtied(f, w->bdev);
	folio_unlock(f);
	set_written(set, f);
}

/* The folio is locked and its dirt cleared for the transfer. */
static void write_folio(struct writer *w, struct folio *f, bool sync)
{
	unsigned len = page_bytes(w->bdev, f->page.index);

	if (folio_test(f, PG_private)) {
		write_buffers(w, f, sync);
		return;
	}
	if (len)
		folio_start_writeback(f);
	folio_unlock(f);
	if (len)
		writer_add(w, index_sector(f->page.index), folio_page(f), 0, len, folios_written);
}

/*
 * Folios wait in a bio while the walk goes on, which may wait for others: always for later ones
 * than those in the bio, so two writers never wait for each other.
 */
static int bdev_writepages(struct mapping *m, u64 first, u64 last, bool sync)
{
	struct writer w = {.bdev = mapping_bdev(m), .flags = sync ? BIO_SYNC : 0};
	struct writeback_walk walk;
	struct folio *f;
	struct plug plug;

	plug_start(&plug);
	writeback_walk_init(&walk, m, bdev_writepages, first, last, sync);
	while ((f = writeback_next(&walk)) != NULL)
		write_folio(&w, f, sync);
	writeback_walk_end(&walk);
	writer_send(&w);
	plug_finish(&plug);
	return 0;
}

/* --- changing --------------------------------------------------------------------------------- */

static int bdev_write_begin(struct mapping *m, loff_t pos, size_t len, struct folio **out,
			    void **fsdata)
{
	int err = cache_write_begin(m, pos, len, out, fsdata);

	if (err || folio_test(*out, PG_uptodate) || !folio_test(*out, PG_private))
		return err;
	/* All of it will be overwritten, but a read of a block may be under way. */
	err = buffers_fill(*out);
	if (err) {
		folio_unlock(*out);
		folio_put(*out);
	}
	return err;
}

/* Bytes [from, to) of a locked folio changed. */
static void mark_part_dirty(struct folio *f, size_t from, size_t to)
{
	struct buffer_set *set = buffers_of(f);

	for (u32 i = 0; set && i < set->nr; i++) {
		size_t at = (size_t)i * set->b[0].size;

		if (at < to && at + set->b[0].size > from)
			buffer_set(&set->b[i], BUFFER_DIRTY);
	}
	smp_mb();
	if (set)
		buffers_dirtied(f, set->b[0].bdev);
	else
		folio_mark_dirty(f);
}

static int bdev_write_end(struct mapping *m, loff_t pos, size_t len, size_t copied, struct folio *f,
			  void *fsdata)
{
	size_t from = (size_t)pos & (PAGE_SIZE - 1);

	/* A new folio that is not filled has nothing to keep. */
	if (copied < len && !folio_test(f, PG_uptodate))
		copied = 0;
	if (copied) {
		if (!folio_test(f, PG_uptodate)) {
			smp_wmb();
			folio_set(f, PG_uptodate);
		}
		mark_part_dirty(f, from, from + copied);
		folio_mark_accessed(f);
	}
	folio_unlock(f);
	folio_put(f);
	return (int)copied;
}

/* Somebody who does not know of buffers changed it. */
static void bdev_dirty_folio(struct mapping *m, struct folio *f)
{
	if (folio_test(f, PG_private))
		buffers_all_dirty(f);
	inode_mark_dirty(m->host, I_DIRTY_PAGES);
}

static int bdev_page_mkwrite(struct mapping *m, struct folio *f)
{
	if (folio_test(f, PG_private))
		buffers_all_dirty(f);
	return 0;
}

static void bdev_invalidate_folio(struct folio *f, size_t from, size_t to)
{
	if (!from && to == PAGE_SIZE)
		buffers_drop(f);
}

static bool bdev_release_folio(struct folio *f, gfp_t gfp)
{
	return buffers_release(f);
}

const struct mapping_ops bdev_mapping_ops = {
	.read_folio = bdev_read_folio,
	.readahead = bdev_readahead_op,
	.write_begin = bdev_write_begin,
	.write_end = bdev_write_end,
	.writepages = bdev_writepages,
	.dirty_folio = bdev_dirty_folio,
	.invalidate_folio = bdev_invalidate_folio,
	.release_folio = bdev_release_folio,
	.page_mkwrite = bdev_page_mkwrite,
};

int bdev_sync(struct bdev *b, bool wait)
{
	return cache_write_range(bdev_mapping(b), 0, S64_MAX, wait);
}
