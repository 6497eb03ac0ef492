/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File data through the log: data=journal, or the journal-data flag of a file.
 *
 * The pages of such a file are copies of buffers of the device: reading copies from them,
 * write-back copies into them and hands them to the transaction that also allocates their blocks
 * and moves the size, so a write is in the file after a crash wholly or not at all, page by page.
 * Nothing else writes the blocks: direct I/O goes through the cache, and a file changes its way of
 * writing only when nothing of it is in the cache, in the log or, the other way round, stale in the
 * device's cache; a walk of write-back that began before finds other pages, and leaves them.
 *
 * Write-back opens a handle under a folio lock; that is safe because neither a commit nor the owner
 * of a handle waits for a folio.
 */
#include <fs/vfs/file.h>
#include <fs/vfs/writeback.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/iov_iter.h>

#include "ext4_map.h"
#include "ext4_space.h"

#define TRIES 100u /* a ms each, while somebody looks at a page */

/* --- reading --- */

static int block_fill(struct inode *inode, u32 lblock, char *to)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_map m;
	struct buffer *b;
	int err = ext4_map_find(inode, lblock, 1, &m);

	if (err)
		return err;
	if (m.type != EXT4_MAP_MAPPED) {
		memset(to, 0, es->block_size);
		return 0;
	}
	err = buffer_read(es->bdev, m.block, &b);
	if (err)
		return err;
	memcpy(to, b->data, es->block_size);
	buffer_put(b);
	return 0;
}

static int jdata_read_folio(struct file *file, struct folio *f)
{
	struct inode *inode = folio_mapping(f)->host;
	u32 bits = inode->sb->blkbits, per_page = 1u << (PAGE_SHIFT - bits);
	char *to = folio_address(f);
	int err = 0;

	for (u32 i = 0; i < per_page && !err; i++) {
		u32 lblock = (u32)(f->page.index << (PAGE_SHIFT - bits)) + i;

		err = until_memory(block_fill(inode, lblock, to + (i << bits)));
	}
	if (!err)
		folio_set(f, PG_uptodate);
	folio_unlock(f);
	return err;
}

/* --- writing --- */

static int jdata_write_begin(struct mapping *m, loff_t pos, size_t len, struct folio **out,
			     void **fsdata)
{
	struct inode *inode = m->host;
	int err = ext4_data_promise(inode, (u64)pos, len, false);

	return err ?: cache_write_begin(m, pos, len, out, fsdata);
}

static int jdata_write_end(struct mapping *m, loff_t pos, size_t len, size_t copied,
			   struct folio *f, void *fsdata)
{
	struct inode *inode = m->host;

	/* Not read because all of it was to be written: a part is no content. */
	if (copied < len && !folio_test(f, PG_uptodate))
		copied = 0;
	if (copied) {
		folio_set(f, PG_uptodate);
		folio_mark_dirty(f);
	}
	if (copied && pos + (loff_t)copied > inode->size)
		WRITE_ONCE(inode->size, pos + (loff_t)copied);
	folio_unlock(f);
	folio_put(f);
	return (int)copied;
}

static int jdata_mkwrite(struct mapping *m, struct folio *f)
{
	struct inode *inode = m->host;
	u64 pos = (u64)f->page.index << PAGE_SHIFT, size = (u64)READ_ONCE(inode->size);

	return pos < size ? ext4_data_promise(inode, pos, min(size - pos, (u64)PAGE_SIZE), true)
			  : -EFAULT;
}

/* Nothing is there, and nothing was promised: zeroes need no block.  Locks: map W. */
static bool block_needless(struct inode *inode, u32 lblock, const char *from, u32 len)
{
	struct ext4_map m;

	return !ext4_map_find_locked(inode, lblock, 1, &m) && m.type == EXT4_MAP_HOLE &&
	       !memchr_inv(from, 0, len);
}

/* A used block of the file at `lblock`.  Locks: map W. */
static int block_place(struct handle *h, struct inode *inode, u32 lblock, u64 *block)
{
	struct ext4_map m;
	int err = ext4_data_take(inode, lblock, 1, &m);

	if (!err && m.type == EXT4_MAP_PENDING)
		err = ext4_data_keep(h, inode, &m);
	if (!err && m.type == EXT4_MAP_UNWRITTEN) {
		err = ext4_extents_convert(h, inode, lblock, 1);
		m.type = EXT4_MAP_MAPPED;
		err = err ?: ext4_status_set(ext4_inode(inode), &m);
	}
	*block = m.block;
	return err;
}

static int block_log(struct handle *h, struct inode *inode, u32 lblock, const char *from, u32 len)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct buffer *b;
	u64 block = 0;
	int err = 0;

	rwsem_write_lock(&ext4_inode(inode)->map);
	if (!block_needless(inode, lblock, from, len))
		err = block_place(h, inode, lblock, &block);
	rwsem_write_unlock(&ext4_inode(inode)->map);
	if (err || !block)
		return err;
	err = buffer_get(es->bdev, block, &b);
	if (err)
		return err;
	/* What an older transaction is still writing must stay as it is. */
	err = buffer_test(b, BUFFER_UPTODATE) ? journal_get_write(h, b) : journal_get_create(h, b);
	if (!err) {
		memcpy(b->data, from, len);
		memset((char *)b->data + len, 0, es->block_size - len);
		buffer_set(b, BUFFER_UPTODATE);
		err = journal_dirty(h, b);
	}
	buffer_put(b);
	return err;
}

static int folio_log(struct inode *inode, struct folio *f, u64 size)
{
	u32 bits = inode->sb->blkbits, bs = 1u << bits;
	u64 pos = (u64)f->page.index << PAGE_SHIFT;
	const char *from = folio_address(f);
	struct ext4_inode_loc held;
	struct handle *h;
	int err, err2;

	err = ext4_start_held(inode, (PAGE_SIZE >> bits) * (ext4_map_credits(inode, 1) + 1) + 1, &h,
			      &held);
	if (err)
		return err;
	for (u32 at = 0; at < PAGE_SIZE && pos + at < size && !err; at += bs)
		err = block_log(h, inode, (u32)((pos + at) >> bits), from + at,
				(u32)min((u64)bs, size - pos - at));
	if (!err)
		ext4_size_reached(inode, pos, pos + PAGE_SIZE);
	ext4_status_settle(inode);
	err2 = ext4_inode_dirty(h, inode);
	if (h)
		WRITE_ONCE(ext4_inode(inode)->datasync_tid, handle_tid(h));
	err = err ?: err2;
	err2 = ext4_stop_held(h, &held);
	return err ?: err2;
}

static int jdata_writepage(struct mapping *m, struct folio *f, bool sync)
{
	struct inode *inode = m->host;
	u64 size = (u64)READ_ONCE(inode->size);
	int err = 0;

	if ((u64)f->page.index << PAGE_SHIFT < size)
		err = until_memory(folio_log(inode, f, size));
	if (err)
		mapping_set_error(m, err);
	folio_unlock(f);
	return err;
}

const struct mapping_ops ext4_jdata_mapping_ops = {
	.read_folio = jdata_read_folio,
	.write_begin = jdata_write_begin,
	.write_end = jdata_write_end,
	.writepage = jdata_writepage,
	.dirty_folio = inode_dirty_folio,
	.page_mkwrite = jdata_mkwrite,
};

/* --- zeroes --- */

/* Zero what there is of [pos, pos + len), all in one block. */
static int block_zero(struct inode *inode, u64 pos, u32 len)
{
	struct folio *f = cache_find_get(&inode->data, pos >> PAGE_SHIFT);
	struct ext4_map m;
	int err;

	if (!f) {
		err = ext4_map_find(inode, (u32)(pos >> inode->sb->blkbits), 1, &m);
		if (err || m.type == EXT4_MAP_HOLE || m.type == EXT4_MAP_UNWRITTEN)
			return err;
	} else {
		folio_put(f);
	}
	err = ext4_data_promise(inode, pos, len, false)
		      ?: cache_read(&inode->data, NULL, pos >> PAGE_SHIFT, &f);
	if (err)
		return err;
	folio_lock(f);
	memset((char *)folio_address(f) + (pos & (PAGE_SIZE - 1)), 0, len);
	folio_mark_dirty(f);
	folio_unlock(f);
	folio_put(f);
	return 0;
}

static int jdata_zero(struct inode *inode, u64 pos, u64 len)
{
	int err = 0;

	while (len && !err) {
		u32 n = (u32)min(len, inode->sb->blocksize - (pos & (inode->sb->blocksize - 1)));

		err = block_zero(inode, pos, n);
		pos += n;
		len -= n;
	}
	return err;
}

int ext4_zero_range(struct inode *inode, u64 pos, u64 len)
{
	return ext4_journals_data(inode) ? jdata_zero(inode, pos, len)
					 : iomap_zero_range(inode, pos, len);
}

int ext4_truncate_page(struct inode *inode, u64 size)
{
	u64 rest = -size & (inode->sb->blocksize - 1);

	if (!ext4_journals_data(inode))
		return iomap_truncate_page(inode, size);
	return rest ? jdata_zero(inode, size, rest) : 0;
}

int ext4_extend(struct inode *inode, u64 size)
{
	return ext4_journals_data(inode) ? ext4_truncate_page(inode, (u64)inode->size)
					 : iomap_extend(inode, size);
}

/* --- which way --- */

bool ext4_journals_data(const struct inode *inode)
{
	const struct ext4_super *es = ext4_inode_super(inode);

	return S_ISREG(inode->mode) && es->journal &&
	       (es->opt.data_mode == EXT4_DATA_JOURNAL ||
		READ_ONCE(ext4_inode(inode)->flags) & EXT4_JOURNAL_DATA_FL);
}

/* What the device's cache has of the file's blocks is older than what direct transfers wrote. */
static int forget_copies(struct inode *inode)
{
	u64 blocks = ((u64)inode->size + inode->sb->blocksize - 1) >> inode->sb->blkbits;
	struct ext4_map m;

	for (u64 at = 0; at < blocks; at += m.len) {
		int err = ext4_map_find(inode, (u32)at, (u32)min(blocks - at, (u64)EXT4_LBLOCK_END),
					&m);

		if (err)
			return err;
		if (m.type == EXT4_MAP_MAPPED)
			buffers_invalidate(ext4_inode_super(inode)->bdev, m.block, m.len);
	}
	return 0;
}

static int store_flags(struct inode *inode)
{
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE + 1, &h), err2;

	if (err)
		return err;
	err = ext4_inode_dirty(h, inode);
	err2 = ext4_stop(h);
	return err ?: err2;
}

/*
 * Nothing of the file is in the cache, nor comes there until `invalidate` is unlocked.  Returns 0,
 * an error of writing, or -EBUSY: somebody holds on to a page.
 */
static int pages_out(struct inode *inode)
{
	int err = 0;

	for (unsigned i = 0; i < TRIES && (!err || err == -EBUSY); i++) {
		if (err)
			sleep_ns(NSEC_PER_MSEC);
		err = cache_invalidate_range(&inode->data, 0, S64_MAX);
		if (err)
			continue;
		rwsem_write_lock(&inode->data.invalidate);
		if (!READ_ONCE(inode->data.nr_pages))
			return 0;
		rwsem_write_unlock(&inode->data.invalidate);
		err = -EBUSY;
	}
	return err;
}

int ext4_change_data_mode(struct inode *inode, bool journal)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	u32 flag = journal ? EXT4_JOURNAL_DATA_FL : 0;
	int err;

	/* The mount, or that there is no log, may have decided already. */
	if (!S_ISREG(inode->mode) || (ei->flags & EXT4_JOURNAL_DATA_FL) == flag || !es->journal ||
	    es->opt.data_mode == EXT4_DATA_JOURNAL) {
		WRITE_ONCE(ei->flags, (ei->flags & ~EXT4_JOURNAL_DATA_FL) | flag);
		return store_flags(inode);
	}
	err = pages_out(inode);
	if (err)
		return err;
	err = journal ? forget_copies(inode) : journal_flush(es->journal);
	if (!err) {
		WRITE_ONCE(ei->flags, (ei->flags & ~EXT4_JOURNAL_DATA_FL) | flag);
		ext4_set_mapping_ops(inode);
	}
	rwsem_write_unlock(&inode->data.invalidate);
	return err ?: store_flags(inode);
}
