/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffered writing: into the cache, a whole extent per question to the file system.
 *
 * Under the inode's lock the range is mapped, a run of folios is grabbed, filled and marked dirty,
 * the size moved, and the folios unlocked.  The extent only says that there is room; it may be old
 * by the time a folio is locked, as write-back allocates and converts meanwhile.  So the little
 * that depends on what the disk holds, the rest of a block written in part, asks again under the
 * folio lock (blocks_read_sync).
 *
 * User memory is copied with faults off, since it may be one of the locked folios.  A copy cut
 * short by a fault counts only where it leaves blocks whole or already valid; the memory is then
 * touched without locks and the rest tried again.
 *
 * What lies behind the end of the file in its last block is zero whenever the size grows over it:
 * write-back clears it on the disk, iomap_extend() in the cache.
 */
#include <fs/vfs/core.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/iov_iter.h>
#include <mm/reclaim.h>
#include <mm/usercopy.h>

#include "iomap_internal.h"

/* The most asked of a file system at once. */
#define WRITE_CHUNK (2ull << 20)

/* Folios of a run, and how much of each is written. */
struct write_run {
	struct inode *inode;
	unsigned blkbits;
	struct iov_iter *from; /* NULL: zeroes */
	loff_t pos;            /* of the first byte */
	size_t len;
	unsigned nr, dirty; /* folios; the first `dirty` of them took something */
	struct folio *folios[CACHE_BATCH];
};

/* --- dirt ------------------------------------------------------------------------------------- */

void iomap_dirty_folio(struct mapping *m, struct folio *f)
{
	inode_mark_dirty(m->host, I_DIRTY_PAGES);
}

/* Bytes of the folio are cut off: blocks wholly among them need not be written. */
void iomap_invalidate_folio(struct folio *f, size_t from, size_t to)
{
	unsigned blkbits = inode_blkbits(folio_inode(f)), bs = 1u << blkbits;

	if (is_one_block(blkbits))
		return;
	from = (from + bs - 1) & ~(size_t)(bs - 1);
	to &= ~(size_t)(bs - 1);
	if (from < to)
		atomic_and(folio_state(f),
			   ~((u64)block_mask(from, to, blkbits) << STATE_DIRTY_SHIFT));
}

static void blocks_mark_dirty(struct folio *f, unsigned from, unsigned to, unsigned blkbits)
{
	if (!is_one_block(blkbits))
		atomic_or(folio_state(f),
			  (u64)block_mask(from, to, blkbits) << STATE_DIRTY_SHIFT);
	folio_mark_dirty(f);
}

/* --- one folio -------------------------------------------------------------------------------- */

/* Is there nothing of the file in the folio outside of [from, to)? */
static bool covers_file(const struct write_run *w, const struct folio *f, unsigned from,
			unsigned to)
{
	u64 size = READ_ONCE(w->inode->size), pos = folio_pos(f);

	return (!from || pos >= size) && (to == PAGE_SIZE || pos + to >= size);
}

/* Blocks that [from, to) of a folio touches but does not fill. */
static u32 partial_blocks(unsigned from, unsigned to, unsigned blkbits)
{
	unsigned in_block = (1u << blkbits) - 1;
	u32 mask = 0;

	if (from & in_block)
		mask |= block_mask(from, from + 1, blkbits);
	if (to & in_block)
		mask |= block_mask(to - 1, to, blkbits);
	return mask;
}

/* Make what stays of the blocks to be written valid: clear or read it. */
static int folio_prepare(struct write_run *w, struct folio *f, unsigned from, unsigned to)
{
	char *at = folio_address(f);
	u32 mask;

	if (folio_test(f, PG_uptodate))
		return 0;
	if (is_one_block(w->blkbits) && covers_file(w, f, from, to)) {
		memset(at, 0, from);
		memset(at + to, 0, PAGE_SIZE - to);
		return 0;
	}
	mask = partial_blocks(from, to, w->blkbits);
	return mask ? blocks_read_sync(w->inode, f, mask) : 0;
}

static size_t folio_copy(struct write_run *w, struct folio *f, unsigned from, unsigned len)
{
	if (w->from)
		return copy_page_from_iter(&f->page, from, len, w->from);
	memset((char *)folio_address(f) + from, 0, len);
	return len;
}

/*
 * `copied` bytes of [from, from+len) arrived in a prepared folio.  Returns how many of them count:
 * a block that is not whole is worth nothing unless it was valid before.
 */
static size_t folio_accept(struct write_run *w, struct folio *f, unsigned from, size_t len,
			   size_t copied)
{
	u32 have = blocks_uptodate(f, w->blkbits), touched;
	unsigned end = from + copied;

	if (copied < len && have != all_blocks(w->blkbits)) {
		unsigned block = end >> w->blkbits;

		if (!(have >> block & 1)) {
			end = block << w->blkbits;
			if (end <= from)
				return 0;
		}
	}
	if (end == from)
		return 0;
	touched = block_mask(from, end, w->blkbits);
	if ((have & touched) != touched)
		blocks_set_uptodate(f, touched, w->blkbits);
	blocks_mark_dirty(f, from, end, w->blkbits);
	return end - from;
}

/* --- a run of folios -------------------------------------------------------------------------- */

static int run_grab(struct write_run *w)
{
	size_t first = (size_t)w->pos & (PAGE_SIZE - 1);
	unsigned pages = min((size_t)CACHE_BATCH, (first + w->len + PAGE_SIZE - 1) >> PAGE_SHIFT);
	int n = cache_grab_batch(&w->inode->data, (u64)w->pos >> PAGE_SHIFT, pages, w->folios);

	if (n < 0)
		return n;
	w->nr = n;
	w->len = min(w->len, ((size_t)n << PAGE_SHIFT) - first);
	return 0;
}

/* Fill the run.  Returns bytes that count, or an error when none. */
static ssize_t run_fill(struct write_run *w)
{
	size_t done = 0;
	int err = 0;

	for (w->dirty = 0; done < w->len; w->dirty++) {
		unsigned from = ((size_t)w->pos + done) & (PAGE_SIZE - 1);
		size_t len = min(w->len - done, PAGE_SIZE - from), copied, kept;
		struct folio *f = w->folios[w->dirty];

		err = folio_prepare(w, f, from, from + len);
		if (err)
			break;
		pagefault_disable();
		copied = folio_copy(w, f, from, len);
		pagefault_enable();
		kept = folio_accept(w, f, from, len, copied);
		if (kept < copied && w->from)
			iov_iter_revert(w->from, copied - kept);
		done += kept;
		if (kept < len)
			break;
	}
	return done ? (ssize_t)done : err;
}

static void run_release(struct write_run *w)
{
	for (unsigned i = 0; i < w->nr; i++) {
		folio_mark_accessed(w->folios[i]);
		folio_unlock(w->folios[i]);
		folio_put(w->folios[i]);
	}
}

/* The file reaches to `end` now; its folios are still locked, so that write-back sees it in
 * time. */
static void size_moved(struct inode *inode, loff_t end)
{
	if (end <= inode->size)
		return;
	WRITE_ONCE(inode->size, end);
	inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
}

/* Write up to `len` bytes at `pos` where there is room for them. */
static ssize_t write_some(struct inode *inode, struct iov_iter *from, loff_t pos, size_t len)
{
	struct write_run w = {
		.inode = inode,
		.blkbits = inode_blkbits(inode),
		.from = from,
		.pos = pos,
		.len = len,
	};
	ssize_t n;
	int err;

	for (;;) {
		err = run_grab(&w);
		if (err)
			return err;
		n = run_fill(&w);
		if (n > 0)
			size_moved(inode, pos + n);
		run_release(&w);
		if (n)
			return n;
		err = iov_iter_fault_in(from, w.len);
		if (err)
			return err;
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			return -EINTR;
	}
}

/* The content is in the inode: the write must fit there, or begin would have moved it. */
static ssize_t write_inline(struct inode *inode, struct iov_iter *from, const struct iomap *map,
			    loff_t pos, size_t len)
{
	struct folio *f;
	size_t n;
	int err = cache_grab(&inode->data, 0, &f);

	if (err)
		return err;
	err = blocks_read_sync(inode, f, all_blocks(inode_blkbits(inode)));
	n = 0;
	if (!err) {
		char *at = (char *)folio_address(f) + pos;

		pagefault_disable();
		n = from ? copy_from_iter(at, len, from) : len;
		if (!from)
			memset(at, 0, len);
		memcpy((char *)map->inline_data + pos, at, n);
		pagefault_enable();
		size_moved(inode, pos + n);
		inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
	}
	folio_unlock(f);
	folio_put(f);
	if (!n && !err)
		err = iov_iter_fault_in(from, len);
	return n ? (ssize_t)n : err;
}

/* Write within one extent.  Returns bytes, or an error when none. */
static ssize_t write_extent(struct inode *inode, struct iov_iter *from, const struct iomap *map,
			    loff_t pos, size_t len)
{
	size_t done = 0;
	ssize_t n = 0;

	len = min((u64)len, map_end(map) - (u64)pos);
	while (done < len) {
		n = map->type == IOMAP_INLINE ?
			    write_inline(inode, from, map, pos + (loff_t)done, len - done) :
			    write_some(inode, from, pos + (loff_t)done, len - done);
		if (n <= 0)
			break;
		done += n;
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			break;
	}
	return done ? (ssize_t)done : n;
}

/* A begin of at most `*len` bytes; less when the disk is nearly full. */
static int begin_some(struct inode *inode, loff_t pos, u64 *len, unsigned flags, struct iomap *map)
{
	u64 bs = 1ull << inode_blkbits(inode);
	int err;

	for (;;) {
		err = map_begin(inode, pos, *len, flags, map);
		if (err != -ENOSPC || *len <= bs)
			return err;
		*len = max(*len / 2, bs - ((u64)pos & (bs - 1)));
	}
}

ssize_t write_buffered(struct inode *inode, struct iov_iter *from, u64 len, loff_t *pos,
		       unsigned flags)
{
	ssize_t done = 0, n = 0;
	int err;

	for (; len; len -= n) {
		u64 chunk = min(len, WRITE_CHUNK);
		struct iomap map;

		n = begin_some(inode, *pos, &chunk, flags, &map);
		if (n)
			break;
		n = write_extent(inode, from, &map, *pos, chunk);
		err = map_end_op(inode, *pos, chunk, max(n, (ssize_t)0), flags, &map);
		if (n > 0) {
			*pos += n;
			done += n;
		}
		if (err && n >= 0)
			n = err;
		if (n <= 0)
			break;
		reclaim_balance_dirty();
		if (thread_flag_test(thread_current(), THREAD_KILLED)) {
			n = -EINTR;
			break;
		}
	}
	return done ? done : n;
}

/* --- zeroes ----------------------------------------------------------------------------------- */

/*
 * An extent that reads as zeroes may have folios that are not: dirty ones, not written yet.  Clear
 * those that are there.
 */
static int zero_cached(struct inode *inode, u64 pos, u64 end)
{
	struct mapping *m = &inode->data;
	u64 index = pos >> PAGE_SHIFT;
	struct folio *f;

	while (index <= (end - 1) >> PAGE_SHIFT &&
	       cache_gather(m, &index, (end - 1) >> PAGE_SHIFT, &f, 1)) {
		u64 from = max(pos, folio_pos(f)), to = min(end, folio_pos(f) + PAGE_SIZE);
		loff_t at = from;
		bool valid = folio_test(f, PG_dirty) || folio_test(f, PG_writeback);
		ssize_t n;

		folio_put(f);
		while (valid && from < to) {
			n = write_some(inode, NULL, at, to - from);
			if (n < 0)
				return n;
			at += n;
			from += n;
		}
	}
	return 0;
}

/* Zero one extent's part of [pos, end).  Where there are blocks the size follows. */
static int zero_extent(struct inode *inode, const struct iomap *map, u64 pos, u64 end)
{
	switch (map->type) {
	case IOMAP_HOLE: return 0;
	case IOMAP_UNWRITTEN: return zero_cached(inode, pos, min(end, (u64)inode->size));
	default: break;
	}
	while (pos < end) {
		ssize_t n = write_extent(inode, NULL, map, pos, end - pos);

		if (n < 0)
			return n;
		pos += n;
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			return -EINTR;
	}
	return 0;
}

static int zero_range(struct inode *inode, u64 pos, u64 end)
{
	const unsigned flags = IOMAP_WRITE | IOMAP_ZERO;
	int err = 0, end_err;

	while (pos < end && !err) {
		u64 chunk = end - pos, stop;
		struct iomap map;

		err = begin_some(inode, pos, &chunk, flags, &map);
		if (err)
			break;
		stop = min(pos + chunk, map_end(&map));
		err = pos < stop ? zero_extent(inode, &map, pos, stop) : -EUCLEAN;
		end_err = map_end_op(inode, pos, chunk, err ? 0 : stop - pos, flags, &map);
		err = err ? err : end_err;
		pos = stop;
		reclaim_balance_dirty();
	}
	return err;
}

int iomap_zero_range(struct inode *inode, u64 pos, u64 len)
{
	u64 size = inode->size, end = pos + len;

	return pos < size && len ? zero_range(inode, pos, min(end, size)) : 0;
}

int iomap_truncate_page(struct inode *inode, u64 size)
{
	u64 bs = 1ull << inode_blkbits(inode), in_block = size & (bs - 1);

	return in_block ? iomap_zero_range(inode, size, bs - in_block) : 0;
}

/* What was meant to lie behind `old` failed: the file is as long as it was. */
static void cut_back(struct inode *inode, u64 old)
{
	if ((u64)inode->size > old && inode->iomap->cut)
		inode->iomap->cut(inode, old);
}

int iomap_extend(struct inode *inode, u64 size)
{
	u64 old = inode->size;
	int err = old < size ? zero_range(inode, old, size) : 0;

	if (err)
		cut_back(inode, old);
	else
		size_moved(inode, size);
	return err;
}

/* --- stores to mapped pages ------------------------------------------------------------------- */

int iomap_page_mkwrite(struct mapping *m, struct folio *f)
{
	const unsigned flags = IOMAP_WRITE | IOMAP_FAULT;
	struct inode *inode = m->host;
	u64 pos = folio_pos(f), size = READ_ONCE(inode->size), end = min(pos + PAGE_SIZE, size);
	unsigned blkbits = inode_blkbits(inode);
	struct iomap map;
	int err;

	if (pos >= size)
		return -EFAULT;
	for (u64 at = pos; at < end; at = map_end(&map)) {
		err = map_begin(inode, at, end - at, flags, &map);
		if (err)
			return err;
		err = map_end_op(inode, at, end - at, min(end, map_end(&map)) - at, flags, &map);
		if (!err && map.type == IOMAP_INLINE)
			err = -EUCLEAN;
		if (err)
			return err;
	}
	if (!is_one_block(blkbits))
		atomic_or(folio_state(f), STATE_MAPPED | (u64)all_blocks(blkbits)
								 << STATE_DIRTY_SHIFT);
	return 0;
}

/* --- file_ops --------------------------------------------------------------------------------- */

/* Direct, or where that cannot be, through the cache and at once to the disk. */
static ssize_t write_direct(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = file->inode;
	ssize_t done = direct_write(file, from, pos), n;
	loff_t start = *pos;
	int err;

	if (done < 0 && done != -ENOTBLK)
		return done;
	done = max(done, (ssize_t)0);
	if (!iov_iter_count(from))
		return done;
	n = write_buffered(inode, from, iov_iter_count(from), pos, IOMAP_WRITE);
	if (n <= 0)
		return done ? done : n;
	err = cache_write_range(&inode->data, start, *pos - 1, true);
	if (err)
		return done ? done : err;
	(void)cache_invalidate_range(&inode->data, start, *pos - 1);
	return done + n;
}

ssize_t iomap_write_locked(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = file->inode;
	ssize_t n = generic_write_prepare(file, from, pos);
	u64 old = inode->size;
	int err = 0;

	if (n <= 0)
		return n;
	if ((u64)*pos > old)
		err = zero_range(inode, old, *pos);
	if (err)
		n = err;
	else if (file->flags & O_DIRECT)
		n = write_direct(file, from, pos);
	else
		n = write_buffered(inode, from, n, pos, IOMAP_WRITE);
	if (n < 0)
		cut_back(inode, old);
	return n;
}

ssize_t iomap_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return write_iter_by(iomap_write_locked, file, from, pos);
}

ssize_t iomap_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	ssize_t n;

	if (file->flags & O_DIRECT) {
		n = direct_read(file, to, pos);
		if (n != -ENOTBLK)
			return n;
	}
	return generic_read_iter(file, to, pos);
}
