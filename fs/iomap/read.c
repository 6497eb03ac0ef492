/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading: folios that are locked and not valid get their blocks from the disk, or zeroes.
 *
 * A folio is in the cache and locked before the file system is asked where it is.  So nobody writes
 * into it in between, and what is found to be a hole stays one until the folio is unlocked.
 *
 * One bio takes as many neighbouring pieces as the device allows.  When it ends, in whatever
 * context, each piece is marked valid; the last piece of a folio unlocks it.  A folio of several
 * blocks counts the pieces under way, and one for the starter, in its state word.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>

#include "iomap_internal.h"

/* One call's worth of reading: the extent at hand and the bio being built. */
struct read_run {
	struct inode *inode;
	unsigned blkbits;
	struct iomap map; /* valid when length is not 0 */
	struct bio *bio;
	unsigned flags; /* BIO_* */
	u64 end;        /* of the range to be read: how much to ask for */
	unsigned pages; /* still to come: how large a bio to make */
};

void blocks_set_uptodate(struct folio *f, u32 mask, unsigned blkbits)
{
	if (!is_one_block(blkbits)) {
		atomic_or(folio_state(f), (u64)mask);
		mask = atomic_load(folio_state(f)) & 0xff;
	}
	if (mask == all_blocks(blkbits))
		folio_set(f, PG_uptodate);
}

/* The last piece of a folio arrived. */
static void folio_read_done(struct folio *f, unsigned blkbits, u64 state)
{
	if (state & STATE_ERROR) {
		atomic_and(folio_state(f), ~STATE_ERROR);
		folio_set(f, PG_error);
	} else if ((state & 0xff) == all_blocks(blkbits)) {
		folio_set(f, PG_uptodate);
	}
	folio_unlock(f);
}

/* `n` of the pieces counted in the state word are done. */
static void folio_read_put(struct folio *f, unsigned blkbits, unsigned n)
{
	u64 state = atomic_sub_return(folio_state(f), n * STATE_READ);

	if (!(state & STATE_READS))
		folio_read_done(f, blkbits, state);
}

static void read_piece_end(struct folio *f, unsigned from, unsigned len, unsigned blkbits,
			   int error)
{
	if (is_one_block(blkbits)) {
		folio_set(f, error ? PG_error : PG_uptodate);
		folio_unlock(f);
		return;
	}
	atomic_or(folio_state(f), error ? STATE_ERROR : (u64)block_mask(from, from + len, blkbits));
	folio_read_put(f, blkbits, len >> blkbits);
}

/* Context: the device's. */
static void read_end(struct bio *bio)
{
	unsigned blkbits = inode_blkbits(folio_inode(page_folio(bio->vecs->page)));

	struct bio_iter it = {};
	struct bio_vec v;

	while (bio_piece_next(bio, &it, &v))
		read_piece_end(page_folio(v.page), v.offset, v.len, blkbits, bio->error);
	bio_put(bio);
}

static void run_submit(struct read_run *r)
{
	if (r->bio)
		bio_submit(r->bio);
	r->bio = NULL;
}

/* Start reading a piece of a folio from the extent. */
static void run_add(struct read_run *r, struct folio *f, u64 pos, unsigned len)
{
	unsigned offset = pos & (PAGE_SIZE - 1);
	u64 addr = map_addr(&r->map, pos);

	if (bio_append(r->bio, addr, &f->page, offset, len))
		return;
	run_submit(r);
	r->bio = bio_alloc(inode_bdev(r->inode), clamp(r->pages, 1u, BIO_MAX_VECS), BIO_READ,
			   r->flags, GFP_NOFS);
	r->bio->sector = addr >> SECTOR_SHIFT;
	r->bio->end = read_end;
	bio_add_page(r->bio, &f->page, offset, len);
}

static int run_map(struct read_run *r, u64 pos)
{
	int err;

	if (r->map.length && map_covers(&r->map, pos))
		return 0;
	err = map_begin(r->inode, pos, r->end - pos, 0, &r->map);
	if (err)
		r->map.length = 0;
	else
		err = map_end_op(r->inode, pos, r->end - pos, 0, 0, &r->map);
	return err;
}

static void copy_inline(const struct iomap *map, struct folio *f)
{
	char *to = folio_address(f);

	memcpy(to, map->inline_data, map->length);
	memset(to + map->length, 0, PAGE_SIZE - map->length);
}

/*
 * Read or clear the blocks from `pos` to `to` that one extent covers.  *len: how many bytes that
 * was; *started: a transfer will tell.
 */
static int read_piece(struct read_run *r, struct folio *f, u64 pos, u64 to, unsigned *len,
		      bool *started)
{
	char *at = (char *)folio_address(f) + (pos & (PAGE_SIZE - 1));
	u64 size = READ_ONCE(r->inode->size), bs = 1ull << r->blkbits;
	int err;

	*started = false;
	if (pos >= size) {
		*len = to - pos;
		memset(at, 0, *len);
		return 0;
	}
	/* What may be allocated behind the end holds what somebody left there. */
	to = min(to, (size + bs - 1) & ~(bs - 1));
	err = run_map(r, pos);
	if (err)
		return err;
	if (r->map.type == IOMAP_INLINE) {
		copy_inline(&r->map, f);
		*len = to - pos;
		return 0;
	}
	*len = min(to, map_end(&r->map)) - pos;
	*started = map_has_data(&r->map);
	if (*started) {
		if (!is_one_block(r->blkbits))
			atomic_add(folio_state(f), (u64)(*len >> r->blkbits) * STATE_READ);
		run_add(r, f, pos, *len);
	} else {
		memset(at, 0, *len);
	}
	return 0;
}

/* A folio that is one block. */
static int read_whole(struct read_run *r, struct folio *f)
{
	u64 pos = folio_pos(f);
	bool started;
	unsigned len;
	int err = read_piece(r, f, pos, pos + PAGE_SIZE, &len, &started);

	if (err) {
		folio_set(f, PG_error);
		folio_unlock(f);
	} else if (!started) {
		folio_set(f, PG_uptodate);
		folio_unlock(f);
	}
	return err;
}

/* A folio of several blocks, some of them perhaps valid. */
static int read_blocks(struct read_run *r, struct folio *f)
{
	u32 have = blocks_uptodate(f, r->blkbits);
	u64 pos = folio_pos(f), end = pos + PAGE_SIZE;
	bool started;
	unsigned len;
	int err = 0;

	atomic_add(folio_state(f), STATE_READ);
	for (; pos < end && !err; pos += len) {
		unsigned first = (pos & (PAGE_SIZE - 1)) >> r->blkbits, stop = first + 1;

		len = 1u << r->blkbits;
		if (have >> first & 1)
			continue;
		while (stop < PAGE_SIZE >> r->blkbits && !(have >> stop & 1))
			stop++;
		err = read_piece(r, f, pos, folio_pos(f) + ((u64)stop << r->blkbits), &len,
				 &started);
		if (!err && !started)
			atomic_or(folio_state(f),
				  (u64)block_mask(pos & (PAGE_SIZE - 1),
						  (pos & (PAGE_SIZE - 1)) + len, r->blkbits));
	}
	if (err)
		atomic_or(folio_state(f), STATE_ERROR);
	folio_read_put(f, r->blkbits, 1);
	return err;
}

static int read_one(struct read_run *r, struct folio *f)
{
	return is_one_block(r->blkbits) ? read_whole(r, f) : read_blocks(r, f);
}

int iomap_read_folio(struct file *file, struct folio *f)
{
	struct inode *inode = folio_inode(f);
	struct read_run r = {
		.inode = inode,
		.blkbits = inode_blkbits(inode),
		.flags = BIO_SYNC,
		.end = folio_pos(f) + PAGE_SIZE,
		.pages = 1,
	};
	int err = read_one(&r, f);

	run_submit(&r);
	return err;
}

void iomap_readahead(struct file *file, struct mapping *m, u64 index, unsigned nr)
{
	struct inode *inode = m->host;
	u64 last = index + nr - 1;
	struct read_run r = {
		.inode = inode,
		.blkbits = inode_blkbits(inode),
		.end = (last + 1) << PAGE_SHIFT,
	};
	struct folio *folios[CACHE_BATCH];
	struct plug plug;
	unsigned n;

	if (!nr)
		return;
	plug_start(&plug);
	while (index <= last && (n = cache_add_absent(m, &index, last, folios, CACHE_BATCH)) != 0) {
		r.pages = last + 1 - (index - n);
		for (unsigned i = 0; i < n; i++, r.pages--)
			(void)read_one(&r, folios[i]);
	}
	run_submit(&r);
	plug_finish(&plug);
}

/* --- before a write that covers only part of a block ------------------------------------------ */

/* One block, from the disk, now. */
static int read_block_wait(struct inode *inode, struct folio *f, const struct iomap *map, u64 pos)
{
	struct bio_vec vec;
	struct bio bio;

	bio_init(&bio, inode_bdev(inode), &vec, 1, BIO_READ, BIO_SYNC);
	bio.sector = map_addr(map, pos) >> SECTOR_SHIFT;
	bio_add_page(&bio, &f->page, pos & (PAGE_SIZE - 1), 1u << inode_blkbits(inode));
	return bio_submit_wait(&bio);
}

static int block_read_sync(struct inode *inode, struct folio *f, u64 pos)
{
	u64 size = READ_ONCE(inode->size), bs = 1ull << inode_blkbits(inode);
	char *at = (char *)folio_address(f) + (pos & (PAGE_SIZE - 1));
	struct iomap map;
	int err, end_err;

	if (pos >= size) {
		memset(at, 0, bs);
		return 0;
	}
	err = map_begin(inode, pos, bs, 0, &map);
	if (err)
		return err;
	if (map.type == IOMAP_INLINE)
		copy_inline(&map, f);
	else if (map_has_data(&map))
		err = read_block_wait(inode, f, &map, pos);
	else
		memset(at, 0, bs);
	if (!err && size - pos < bs)
		memset(at + (size - pos), 0, bs - (size - pos));
	end_err = map_end_op(inode, pos, bs, 0, 0, &map);
	return err ? err : end_err;
}

int blocks_read_sync(struct inode *inode, struct folio *f, u32 mask)
{
	unsigned blkbits = inode_blkbits(inode);
	int err = 0;

	for (mask &= ~blocks_uptodate(f, blkbits); mask && !err; mask &= mask - 1) {
		unsigned block = ctz64(mask);

		err = block_read_sync(inode, f, folio_pos(f) + ((u64)block << blkbits));
		if (!err)
			blocks_set_uptodate(f, 1u << block, blkbits);
	}
	return err;
}
