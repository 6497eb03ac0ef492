/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Write-back: dirty folios, in order, into as few bios as their place on the disk allows.
 *
 * All blocks of a folio get their places before any of them starts on its way: asking may wait, for
 * memory too, and that may come from folios under write-back only.  For the same reason what was
 * collected is sent before the next question, and before waiting for a folio that somebody else has
 * (before_wait).
 *
 * An extent serves for many folios.  It is good as long as inode->map_seq is what it was before the
 * question: blocks are freed only after the folios over them have left the cache, each under its
 * lock and not before its write-back ended; and map_seq changes before a new folio can be dirtied
 * in their place.  So the comparison, made under the lock of a dirty folio, tells whether the
 * extent belongs to what is in that folio.
 *
 * When a bio ends, in the context of the device, write-back of its folios ends; but where the file
 * system wants to hear of it first (`written`), the bio goes to a worker thread.  Ends that wait
 * for the worker are handed over in order of arrival, neighbours joined to one call.
 */
#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sched/workqueue.h>

#include "iomap_internal.h"

#define BLOCKS_MAX (PAGE_SIZE >> SECTOR_SHIFT)

/* bio->private: what to do at the end */
enum end_kind { END_PLAIN, END_UNWRITTEN, END_NOTIFY };

struct write_back {
	struct inode *inode;
	unsigned blkbits;
	bool sync;
	u64 end; /* of the range: a hint for map_writeback */
	struct iomap map;
	bool map_valid;
	u32 map_seq; /* of the inode, when the map was asked for */
	struct bio *bio;
	struct writeback_walk walk;
};

/* A part of a folio that lies in one piece on the disk. */
struct piece {
	u64 addr;
	unsigned offset, len;
	enum end_kind end;
};

/* --- the end ---------------------------------------------------------------------------------- */

static struct bio *done_bios; /* [a] waiting for the worker, last first, by bio->next */
static struct workqueue *done_queue;
static void done_work_fn(struct work *w);
static struct work done_work = WORK_INIT(done_work, done_work_fn);

static void folio_write_end(struct folio *f, unsigned len, unsigned blkbits)
{
	u64 state;

	if (!is_one_block(blkbits)) {
		state = atomic_sub_return(folio_state(f), (len >> blkbits) * STATE_WRITE);
		if (state & STATE_WRITES)
			return;
	}
	folio_end_writeback(f);
}

static void bio_finish(struct bio *bio)
{
	struct mapping *m = bio->vecs->page->mapping;
	unsigned blkbits = inode_blkbits(m->host);
	struct bio_iter it = {};
	struct bio_vec v;

	if (bio->error)
		mapping_set_error(m, bio->error == -ENOSPC ? -ENOSPC : -EIO);
	while (bio_piece_next(bio, &it, &v))
		folio_write_end(page_folio(v.page), v.len, blkbits);
	bio_put(bio);
}

/* Context: the device's. */
static void write_end(struct bio *bio)
{
	struct bio *first = atomic_load(&done_bios);

	if (bio->private == (void *)END_PLAIN || bio->error) {
		bio_finish(bio);
		return;
	}
	do
		bio->next = first;
	while (!atomic_cmpxchg_release(&done_bios, &first, bio));
	workqueue_queue(done_queue, &done_work);
}

static u64 bio_file_pos(const struct bio *bio)
{
	return folio_pos(page_folio(bio->vecs->page)) + bio->vecs->offset;
}

static bool is_neighbour(const struct bio *a, u64 end, const struct bio *b)
{
	return a->vecs->page->mapping == b->vecs->page->mapping && a->private == b->private &&
	       bio_file_pos(b) == end;
}

/* Tell the file system of the first bio and those that continue it, and finish them. */
static struct bio *finish_run(struct bio *bio)
{
	struct inode *inode = ((struct mapping *)bio->vecs->page->mapping)->host;
	u64 pos = bio_file_pos(bio), end = pos + bio->size;
	struct bio *next = bio->next, *done;
	int err;

	for (; next && is_neighbour(bio, end, next); next = next->next)
		end += next->size;
	err = inode->iomap->written(inode, pos, end - pos, bio->private == (void *)END_UNWRITTEN);
	while (bio != next) {
		done = bio;
		bio = bio->next;
		done->error = err;
		bio_finish(done);
	}
	return next;
}

static void done_work_fn(struct work *w)
{
	struct bio *bio = atomic_xchg(&done_bios, NULL), *in_order = NULL, *next;

	for (; bio; bio = next) {
		next = bio->next;
		bio->next = in_order;
		in_order = bio;
	}
	while (in_order) {
		in_order = finish_run(in_order);
		cond_resched();
	}
}

void iomap_init(void)
{
	done_queue = workqueue_create("iomap");
	VERIFY(done_queue);
}

/* --- the way there ---------------------------------------------------------------------------- */

static void submit_collected(struct write_back *wb)
{
	if (wb->bio)
		bio_submit(wb->bio);
	wb->bio = NULL;
}

/* Make wb->map cover `pos`.  Locks: the folio of `pos`. */
static int find_place(struct write_back *wb, u64 pos)
{
	int err;

	if (wb->map_valid && map_covers(&wb->map, pos) &&
	    wb->map_seq == atomic_load(&wb->inode->map_seq))
		return 0;
	submit_collected(wb);
	wb->map_seq = atomic_load_acquire(&wb->inode->map_seq);
	wb->map.flags = 0;
	wb->map.private = NULL;
	err = wb->inode->iomap->map_writeback(wb->inode, pos, max(wb->end, pos + 1) - pos,
					      &wb->map);
	if (!err)
		err = map_check(wb->inode, pos, &wb->map);
	if (!err && (wb->map.type == IOMAP_DELALLOC || wb->map.type == IOMAP_INLINE))
		err = -EUCLEAN;
	wb->map_valid = !err;
	return err;
}

static enum end_kind kind_of(const struct iomap *map)
{
	return map->type == IOMAP_UNWRITTEN ? END_UNWRITTEN :
	       map->flags & IOMAP_F_WRITTEN ? END_NOTIFY : END_PLAIN;
}

/* Add the blocks from `pos` to `to` to the pieces of a folio, as far as the extent reaches. */
static int add_piece(struct write_back *wb, struct piece *pieces, unsigned *nr, u64 pos, u64 to,
		     unsigned *len)
{
	int err = find_place(wb, pos);

	if (err)
		return err;
	*len = min(to, map_end(&wb->map)) - pos;
	if (wb->map.type != IOMAP_HOLE)
		pieces[(*nr)++] = (struct piece){
			.addr = map_addr(&wb->map, pos),
			.offset = pos & (PAGE_SIZE - 1),
			.len = *len,
			.end = kind_of(&wb->map),
		};
	return 0;
}

/* Where the dirty blocks of a locked folio go.  Fills pieces, at most one per block. */
static int place_folio(struct write_back *wb, struct folio *f, u32 dirty, struct piece *pieces,
		       unsigned *nr)
{
	unsigned blocks = PAGE_SIZE >> wb->blkbits, block = 0, stop, len;
	int err;

	for (*nr = 0; block < blocks; block += len >> wb->blkbits) {
		len = 1u << wb->blkbits;
		if (!(dirty >> block & 1))
			continue;
		for (stop = block + 1; stop < blocks && dirty >> stop & 1;)
			stop++;
		err = add_piece(wb, pieces, nr, folio_pos(f) + ((u64)block << wb->blkbits),
				folio_pos(f) + ((u64)stop << wb->blkbits), &len);
		if (err)
			return err;
	}
	return 0;
}

static void send_piece(struct write_back *wb, struct folio *f, const struct piece *p)
{
	u64 left;

	if (wb->bio && wb->bio->private == (void *)p->end &&
	    bio_append(wb->bio, p->addr, &f->page, p->offset, p->len))
		return;
	submit_collected(wb);
	left = (min(wb->end, map_end(&wb->map)) - min(folio_pos(f), wb->end)) >> PAGE_SHIFT;
	wb->bio = bio_alloc(inode_bdev(wb->inode), clamp(left + 1, (u64)1, (u64)BIO_MAX_VECS),
			    BIO_WRITE, wb->sync ? BIO_SYNC : 0, GFP_NOFS);
	wb->bio->sector = p->addr >> SECTOR_SHIFT;
	wb->bio->end = write_end;
	wb->bio->private = (void *)p->end;
	bio_add_page(wb->bio, &f->page, p->offset, p->len);
}

/* The dirty blocks of the folio below the end of the file, which are no longer dirty. */
static u32 take_dirty(struct folio *f, u64 size, unsigned blkbits)
{
	unsigned end = min(size - folio_pos(f), (u64)PAGE_SIZE);
	u32 below = block_mask(0, end, blkbits), dirty;
	u64 old;

	if (is_one_block(blkbits))
		return 1;
	old = atomic_fetch_and(folio_state(f), ~(0xffull << STATE_DIRTY_SHIFT));
	dirty = old >> STATE_DIRTY_SHIFT & 0xff;
	return (old & STATE_MAPPED ? all_blocks(blkbits) : dirty) & below;
}

/* No place: what is lost must be reported; what may succeed later stays dirty. */
static int place_failed(struct write_back *wb, struct folio *f, u32 dirty, int err)
{
	if (err == -ENOMEM || err == -EAGAIN) {
		if (!is_one_block(wb->blkbits))
			atomic_or(folio_state(f), (u64)dirty << STATE_DIRTY_SHIFT);
		folio_redirty(f);
	} else {
		mapping_set_error(&wb->inode->data, err == -ENOSPC ? -ENOSPC : -EIO);
	}
	folio_unlock(f);
	return err;
}

/* Write a locked folio whose dirty bit was taken; unlocks it. */
static int write_folio(struct write_back *wb, struct folio *f)
{
	u64 size = READ_ONCE(wb->inode->size);
	struct piece pieces[BLOCKS_MAX];
	unsigned nr;
	u32 dirty;
	int err;

	if (folio_pos(f) >= size) {
		folio_unlock(f); /* being cut off */
		return 0;
	}
	if (size - folio_pos(f) < PAGE_SIZE) {
		unsigned tail = size - folio_pos(f);

		memset((char *)folio_address(f) + tail, 0, PAGE_SIZE - tail);
	}
	dirty = take_dirty(f, size, wb->blkbits);
	err = place_folio(wb, f, dirty, pieces, &nr);
	if (err)
		return place_failed(wb, f, dirty, err);
	folio_start_writeback(f);
	if (!nr)
		folio_end_writeback(f);
	if (!is_one_block(wb->blkbits))
		for (unsigned i = 0; i < nr; i++)
			atomic_add(folio_state(f),
				   (u64)(pieces[i].len >> wb->blkbits) * STATE_WRITE);
	folio_unlock(f);
	for (unsigned i = 0; i < nr; i++)
		send_piece(wb, f, &pieces[i]);
	return 0;
}

static void before_wait(struct writeback_walk *w)
{
	submit_collected(container_of(w, struct write_back, walk));
}

int iomap_writepages(struct mapping *m, u64 first, u64 last, bool sync)
{
	struct inode *inode = m->host;
	u64 size = READ_ONCE(inode->size);
	struct write_back wb = {.inode = inode, .blkbits = inode_blkbits(inode), .sync = sync};
	struct plug plug;
	struct folio *f;
	int err = 0, one;

	if (!size || first > (size - 1) >> PAGE_SHIFT)
		return 0;
	last = min(last, (size - 1) >> PAGE_SHIFT);
	wb.end = min((last + 1) << PAGE_SHIFT, size);
	plug_start(&plug);
	writeback_walk_init(&wb.walk, m, iomap_writepages, first, last, sync);
	wb.walk.before_wait = before_wait;
	while ((f = writeback_next(&wb.walk))) {
		one = write_folio(&wb, f);
		err = err ? err : one;
	}
	writeback_walk_end(&wb.walk);
	submit_collected(&wb);
	plug_finish(&plug);
	return err;
}
