/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contents: pages of the page cache, a block at a time.
 *
 * A block cannot be decompressed in part, so whoever wants a page of it fills every page of it that
 * is not in the cache: these are added, locked, before the work begins, and others who want one
 * wait for it.  Read-ahead has the transfer of one block under way while it decompresses the one
 * before.
 *
 * What is left of a file behind its last whole block may be in a fragment, together with the ends
 * of other files.  Fragments are cached as the pages of a mapping that nobody else sees, from which
 * the ends are copied: so a directory of small files costs one decompression, and memory that
 * reclaim can have back.  Locks on pages of files come before those on pages of fragments.
 *
 * Pages are added outside `invalidate' of the mappings: nothing is ever cut off them.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/mapping.h>

#include "squashfs_internal.h"

/* --- pages of a block ------------------------------------------------------------------------- */

/* Those that are to be filled, locked; NULL where one is in the cache already. */
struct pages {
	struct folio **folios;
	unsigned nr;
};

/*
 * `nr` pages from `first` on; `have` is one of them, locked by the caller, or NULL.  Returns how
 * many are to be filled, or -ENOMEM.
 */
static int pages_gather(struct mapping *m, u64 first, unsigned nr, struct folio *have,
			struct pages *p)
{
	u64 index = first, last = first + nr - 1;
	struct folio *batch[CACHE_BATCH];
	int found = have ? 1 : 0;
	unsigned n;

	p->nr = nr;
	p->folios = kmalloc(nr * sizeof(*p->folios), GFP_NOFS);
	if (!p->folios)
		return -ENOMEM;
	memset(p->folios, 0, nr * sizeof(*p->folios));
	if (have)
		p->folios[have->page.index - first] = have;
	while (index <= last && (n = cache_add_absent(m, &index, last, batch, CACHE_BATCH)) != 0) {
		for (unsigned i = 0; i < n; i++)
			p->folios[index - n - first + i] = batch[i];
		found += (int)n;
	}
	if (!found)
		kfree(p->folios);
	return found;
}

static void page_done(struct folio *f, u32 valid, int err)
{
	if (err) {
		folio_set(f, PG_error);
	} else {
		if (valid < PAGE_SIZE)
			memset((char *)folio_address(f) + valid, 0, PAGE_SIZE - valid);
		folio_set(f, PG_uptodate);
	}
	folio_unlock(f);
}

/* The first `valid` bytes are there: clear what is behind, and let go. */
static void pages_done(struct pages *p, u32 valid, int err)
{
	for (unsigned i = 0; i < p->nr; i++) {
		u32 at = i << PAGE_SHIFT;

		if (p->folios[i])
			page_done(p->folios[i], valid > at ? min(valid - at, (u32)PAGE_SIZE) : 0,
				  err);
	}
	kfree(p->folios);
}

static unsigned pages_per_block(const struct sq_sb *fs)
{
	return 1u << (fs->block_log - PAGE_SHIFT);
}

/* --- fragments -------------------------------------------------------------------------------- */

static int fragment_read(struct sq_sb *fs, u32 n, struct pages *p, u32 *valid)
{
	struct sq_out out = {.folios = p->folios, .room = fs->block_size};
	struct sq_read r;
	u32 size;
	u64 pos;
	int err = sq_fragment_find(fs, n, &pos, &size);

	if (!err)
		err = sq_read_start(fs, pos, size & ~SQ_BLOCK_RAW, &r);
	if (err)
		return err;
	err = sq_read_finish(&r, size & SQ_BLOCK_RAW, &out);
	*valid = out.done;
	return err ? sq_error(fs, "fragment %u cannot be read", n) : 0;
}

/* `f` is a page of fragment `n`, locked; unlocks it. */
static int fragment_fill(struct sq_sb *fs, u32 n, struct folio *f)
{
	u64 first = (u64)n << (fs->block_log - PAGE_SHIFT);
	struct pages p;
	u32 valid = 0;
	int err = pages_gather(&fs->fragments, first, pages_per_block(fs), f, &p);

	if (err < 0) {
		page_done(f, 0, err);
		return err;
	}
	err = fragment_read(fs, n, &p, &valid);
	pages_done(&p, valid, err);
	return err;
}

/* A page of a fragment, referenced. */
static int fragment_page(struct sq_sb *fs, u32 n, u32 page, struct folio **out)
{
	u64 index = ((u64)n << (fs->block_log - PAGE_SHIFT)) + page;
	struct folio *f = cache_find_get(&fs->fragments, index);
	int err;

	*out = f;
	if (f && folio_test(f, PG_uptodate))
		return 0;
	if (f)
		folio_put(f);
	err = cache_grab(&fs->fragments, index, &f);
	if (err)
		return err;
	*out = f;
	if (folio_test(f, PG_uptodate))
		folio_unlock(f);
	else
		err = fragment_fill(fs, n, f);
	if (err)
		folio_put(f);
	return err;
}

/* Copy `len` bytes at `from` of a fragment to the start of the pages. */
static int fragment_copy(struct sq_sb *fs, u32 n, u32 from, struct pages *p, u32 len)
{
	u32 at = 0, part;

	for (; at < len; at += part) {
		u32 there = (from + at) & (PAGE_SIZE - 1), here = at & (PAGE_SIZE - 1);
		struct folio *to = p->folios[at >> PAGE_SHIFT], *f;
		int err;

		part = min(len - at, (u32)PAGE_SIZE - max(there, here));
		if (!to)
			continue;
		err = fragment_page(fs, n, (from + at) >> PAGE_SHIFT, &f);
		if (err)
			return err;
		memcpy((char *)folio_address(to) + here, (char *)folio_address(f) + there, part);
		folio_put(f);
	}
	return 0;
}

static int no_read_folio(struct file *file, struct folio *f)
{
	folio_set(f, PG_error);
	folio_unlock(f);
	return -EIO;
}

const struct mapping_ops sq_fragment_ops = {.read_folio = no_read_folio};

/* --- blocks of files -------------------------------------------------------------------------- */

/* A block being filled. */
struct fill {
	struct inode *inode;
	struct pages pages;
	u32 bytes; /* of the file in it */
	enum { FILL_ZEROES, FILL_DATA, FILL_FRAGMENT } kind;
	bool raw;
	struct sq_read read;
	int err;
};

/* Find the block, and start reading it. */
static int fill_start(struct fill *fill, u64 block)
{
	struct sq_sb *fs = sq_sb(fill->inode->sb);
	u32 size;
	u64 pos;
	int err;

	fill->kind = FILL_FRAGMENT;
	if (block >= sq_i(fill->inode)->file.blocks)
		return 0;
	fill->kind = FILL_ZEROES;
	err = sq_block_find(fill->inode, block, &pos, &size);
	if (err || !(size & ~SQ_BLOCK_RAW))
		return err;
	fill->kind = FILL_DATA;
	fill->raw = size & SQ_BLOCK_RAW;
	return sq_read_start(fs, pos, size & ~SQ_BLOCK_RAW, &fill->read);
}

/* `have`: a page of the block, locked, or NULL.  False: all of it is in the cache, or there is no
 * memory. */
static bool fill_begin(struct fill *fill, struct inode *inode, u64 block, struct folio *have)
{
	struct sq_sb *fs = sq_sb(inode->sb);
	int n;

	fill->inode = inode;
	fill->bytes = (u32)min((u64)inode->size - (block << fs->block_log), (u64)fs->block_size);
	n = pages_gather(&inode->data, block << (fs->block_log - PAGE_SHIFT),
			 (fill->bytes + PAGE_SIZE - 1) >> PAGE_SHIFT, have, &fill->pages);
	if (n <= 0)
		return false;
	fill->err = fill_start(fill, block);
	return true;
}

static int fill_data(struct fill *fill)
{
	struct sq_out out = {.folios = fill->pages.folios, .room = fill->bytes};
	int err = sq_read_finish(&fill->read, fill->raw, &out);

	if (!err && out.done == fill->bytes)
		return 0;
	return sq_error(sq_sb(fill->inode->sb), "a block of file %llu cannot be read",
			fill->inode->ino);
}

static int fill_end(struct fill *fill)
{
	const struct sq_inode *si = sq_i(fill->inode);
	int err = fill->err;

	if (!err && fill->kind == FILL_DATA)
		err = fill_data(fill);
	if (!err && fill->kind == FILL_FRAGMENT)
		err = fragment_copy(sq_sb(fill->inode->sb), si->file.fragment, si->file.offset,
				    &fill->pages, fill->bytes);
	pages_done(&fill->pages, fill->kind == FILL_ZEROES ? 0 : fill->bytes, err);
	return err;
}

static int sq_read_folio(struct file *file, struct folio *f)
{
	struct inode *inode = folio_mapping(f)->host;
	u64 pos = f->page.index << PAGE_SHIFT;
	struct fill fill;

	if (pos >= (u64)inode->size) {
		page_done(f, 0, 0);
		return 0;
	}
	if (fill_begin(&fill, inode, pos >> sq_sb(inode->sb)->block_log, f))
		return fill_end(&fill);
	page_done(f, 0, -ENOMEM);
	return -ENOMEM;
}

static void sq_readahead(struct file *file, struct mapping *m, u64 index, unsigned nr)
{
	struct inode *inode = m->host;
	unsigned shift = sq_sb(inode->sb)->block_log - PAGE_SHIFT, next = 0;
	u64 last = (index + nr - 1) >> shift;
	struct fill fills[2], *before = NULL;

	for (u64 block = index >> shift; nr && block <= last; block++) {
		if (!fill_begin(&fills[next], inode, block, NULL))
			continue;
		if (before)
			(void)fill_end(before);
		before = &fills[next];
		next = !next;
	}
	if (before)
		(void)fill_end(before);
}

const struct mapping_ops sq_mapping_ops = {.read_folio = sq_read_folio, .readahead = sq_readahead};

const struct file_ops sq_file_ops = {
	.read_iter = generic_read_iter,
	.splice_read = splice_read_pages,
	.lseek = generic_lseek,
	.mmap = generic_file_mmap,
};
