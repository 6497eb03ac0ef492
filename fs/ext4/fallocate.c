/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fallocate(2): blocks ahead of their data, holes, zeroes, and moving what follows.
 *
 * All of it works on the map, in block units, with the pages over the range out of the cache and
 * faults kept out (mapping.invalidate held for writing).  Bytes at the edges that do not fill a
 * block are zeroed by way of the cache before.
 *
 *	allocate	holes and promises in the range become UNWRITTEN extents
 *	punch		the range becomes a hole
 *	zero		mapped blocks of the range become UNWRITTEN, holes are allocated
 *	collapse	the range goes, what follows moves down a leaf of extents at a time
 *	insert		what follows moves up, from the end
 *
 * Every transaction leaves a file that is in order, though perhaps half-way: as on Linux, collapse
 * and insert are not atomic.
 */
#include <fs/vfs/file.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>

#include "ext4_map.h"
#include "ext4_space.h"

#define ALLOCATE_MAX 32767u /* blocks per step */

/* --- keeping others out --- */

static bool pages_in(struct inode *inode, u64 first, u64 last)
{
	struct folio *f;
	u64 index = first;

	if (!cache_gather(&inode->data, &index, last, &f, 1))
		return false;
	folio_put(f);
	return true;
}

/* The pages of [from, to) have left the cache, and none come back until faults_in(). */
static void faults_out(struct inode *inode, u64 from, u64 to)
{
	u64 first = (from + PAGE_SIZE - 1) >> PAGE_SHIFT, end = to >> PAGE_SHIFT;

	for (;;) {
		cache_punch(&inode->data, (loff_t)from, (loff_t)to - 1);
		rwsem_write_lock(&inode->data.invalidate);
		if (first >= end || !pages_in(inode, first, end - 1))
			return;
		rwsem_write_unlock(&inode->data.invalidate);
	}
}

static void faults_in(struct inode *inode)
{
	rwsem_write_unlock(&inode->data.invalidate);
}

/* --- sizes and times --- */

static int inode_finish(struct handle *h, struct inode *inode, s64 size)
{
	if (size >= 0)
		ext4_size_set(inode, size);
	return ext4_inode_dirty(h, inode);
}

static int inode_finish_surely(struct handle *h, struct inode *inode, s64 size)
{
	return until_memory(inode_finish(h, inode, size));
}

static int size_record(struct inode *inode, s64 size)
{
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE + 1, &h), err2;

	if (err)
		return err;
	err = inode_finish_surely(h, inode, size);
	err2 = ext4_stop(h);
	return err ?: err2;
}

/*
 * Data that is not on the disk yet is about to be dropped: the size that it stands for is recorded
 * now, as nothing will be written that could.
 */
static int size_settle(struct inode *inode)
{
	return ext4_inode(inode)->disk_size < inode->size ? size_record(inode, inode->size) : 0;
}

/* All that a larger size stands for is there. */
static int size_reach(struct inode *inode, u64 size)
{
	return size > (u64)inode->size ? size_record(inode, (s64)size) : 0;
}

/* --- allocate --- */

struct blocks {
	u32 from, to;
};

static struct blocks blocks_around(const struct inode *inode, u64 offset, u64 len)
{
	unsigned bits = inode->sb->blkbits;

	return (struct blocks){(u32)(offset >> bits),
			       (u32)((offset + len + inode->sb->blocksize - 1) >> bits)};
}

static struct blocks blocks_within(const struct inode *inode, u64 offset, u64 end)
{
	unsigned bits = inode->sb->blkbits;

	return (struct blocks){(u32)((offset + inode->sb->blocksize - 1) >> bits),
			       (u32)(end >> bits)};
}

/* The piece at `lblock` has blocks then; *len of them.  Locks: map W. */
static int allocate_piece(struct handle *h, struct inode *inode, u32 lblock, u32 max, u32 *len)
{
	struct ext4_map m;
	bool fresh;
	int err = ext4_map_find_locked(inode, lblock, max, &m);

	if (err)
		return err;
	fresh = m.type == EXT4_MAP_HOLE || m.type == EXT4_MAP_DELAYED;
	if (fresh) {
		err = ext4_data_take(inode, lblock, min(m.len, ALLOCATE_MAX), &m);
		if (err)
			return err;
		m.len = ext4_data_piece(inode, &m);
		m.type = EXT4_MAP_UNWRITTEN;
		*len = m.len;
		return ext4_data_keep(h, inode, &m);
	}
	*len = m.len;
	return 0;
}

static int allocate_step(struct inode *inode, struct blocks *b)
{
	struct ext4_inode_loc held;
	struct handle *h;
	u32 len = 0;
	int err = ext4_start_held(inode, ext4_map_credits(inode, ALLOCATE_MAX), &h, &held), err2;

	if (err)
		return err;
	rwsem_write_lock(&ext4_inode(inode)->map);
	err = allocate_piece(h, inode, b->from, b->to - b->from, &len);
	rwsem_write_unlock(&ext4_inode(inode)->map);
	b->from += err ? 0 : len;
	if (!err)
		err = inode_finish(h, inode, -1);
	err2 = ext4_stop_held(h, &held);
	return err ?: err2;
}

/* On failure what was allocated stays, beyond the end of the file or unwritten. */
static int allocate(struct inode *inode, struct blocks b)
{
	unsigned tries = 0;
	int err = 0;

	while (b.from < b.to && !err) {
		err = allocate_step(inode, &b);
		if (err == -ENOSPC && ext4_retry_alloc(inode->sb, &tries))
			err = 0;
		cond_resched();
	}
	return err;
}

static int do_allocate(struct inode *inode, int mode, u64 offset, u64 len)
{
	u64 size = mode & FALLOC_FL_KEEP_SIZE ? 0 : offset + len;
	int err = size ? inode_newsize_ok(inode, (loff_t)size) : 0;

	err = err ?: allocate(inode, blocks_around(inode, offset, len));
	return err ?: size_reach(inode, size);
}

/* --- punch and zero --- */

/* The parts of [offset, end) that do not fill blocks become zero in the cache. */
static int zero_edges(struct inode *inode, u64 offset, u64 end)
{
	u64 mask = inode->sb->blocksize - 1, head = (offset + mask) & ~mask, tail = end & ~mask;
	int err = 0;

	if (head > tail || (offset & ~mask) == (end & ~mask))
		return offset < end ? ext4_zero_range(inode, offset, end - offset) : 0;
	if (offset < head)
		err = ext4_zero_range(inode, offset, head - offset);
	if (!err && tail < end)
		err = ext4_zero_range(inode, tail, end - tail);
	return err;
}

static int punch_once(struct inode *inode, struct blocks b)
{
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_TRUNCATE, &h), err2;

	if (err)
		return err;
	err = ext4_blocks_remove(h, inode, b.from, b.to);
	err = err ?: ext4_handle_refill(h, inode, EXT4_CREDITS_INODE);
	err = err ?: inode_finish(h, inode, -1);
	err2 = ext4_stop(h);
	return err ?: err2;
}

static int punch_blocks(struct inode *inode, struct blocks b)
{
	/* The pages are gone: there is no way back. */
	return until_memory(punch_once(inode, b));
}

static int do_punch(struct inode *inode, u64 offset, u64 len)
{
	u64 limit = ((u64)inode->size + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1),
	    end = min(offset + len, limit);
	struct blocks b;
	int err;

	if (offset >= (u64)inode->size)
		return 0;
	err = zero_edges(inode, offset, min(end, (u64)inode->size));
	if (err)
		return err;
	b = blocks_within(inode, offset, end);
	if (b.from >= b.to)
		return 0;
	err = size_settle(inode);
	if (err)
		return err;
	faults_out(inode, (u64)b.from << inode->sb->blkbits, (u64)b.to << inode->sb->blkbits);
	err = punch_blocks(inode, b);
	faults_in(inode);
	return err;
}

/* What is mapped in the range reads as zeroes. */
static int unwrite_blocks(struct inode *inode, struct blocks b)
{
	struct ext4_inode *ei = ext4_inode(inode);
	int err = 0, err2;

	while (b.from < b.to && (!err || no_memory_yet(err))) {
		struct ext4_map m;
		struct ext4_inode_loc held;
		struct handle *h;

		err = ext4_start_held(inode, ext4_map_credits(inode, ALLOCATE_MAX), &h, &held);
		if (err)
			continue;
		rwsem_write_lock(&ei->map);
		err = ext4_map_find_locked(inode, b.from, min(b.to - b.from, ALLOCATE_MAX), &m);
		if (!err && m.type == EXT4_MAP_MAPPED) {
			err = ext4_extents_unwrite(h, inode, m.lblock, m.len);
			m.type = EXT4_MAP_UNWRITTEN;
			err = err ?: ext4_status_set(ei, &m);
		}
		b.from += err ? 0 : m.len;
		inode_map_changed(inode);
		rwsem_write_unlock(&ei->map);
		err2 = ext4_inode_dirty(h, inode);
		err = err ?: err2;
		err2 = ext4_stop_held(h, &held);
		err = err ?: err2;
	}
	return err;
}

static int do_zero(struct inode *inode, int mode, u64 offset, u64 len)
{
	u64 end = offset + len, size = mode & FALLOC_FL_KEEP_SIZE ? 0 : end;
	struct blocks b = blocks_within(inode, offset, end);
	int err = size ? inode_newsize_ok(inode, (loff_t)size) : 0;

	/* What may not fit comes first: then the data is as it was. */
	err = err ?: allocate(inode, blocks_around(inode, offset, len));
	err = err ?: zero_edges(inode, min(offset, (u64)inode->size), min(end, (u64)inode->size));
	err = err ?: size_settle(inode);
	if (err)
		return err;
	if (b.from < b.to) {
		faults_out(inode, (u64)b.from << inode->sb->blkbits,
			   (u64)b.to << inode->sb->blkbits);
		err = unwrite_blocks(inode, b);
		faults_in(inode);
	}
	return err ?: size_reach(inode, size);
}

/* --- collapse and insert --- */

static bool aligned(const struct inode *inode, u64 offset, u64 len)
{
	return !((offset | len) & (inode->sb->blocksize - 1));
}

/* Everything from `offset` on is on disk and out of the cache; faults are out. */
static int tail_out(struct inode *inode, u64 offset)
{
	u64 from = offset & ~(u64)(PAGE_SIZE - 1),
	    to = ((u64)inode->size + PAGE_SIZE - 1) & ~(u64)(PAGE_SIZE - 1);
	u32 first = (u32)(offset >> inode->sb->blkbits);
	int err = cache_write_range(&inode->data, (loff_t)from, S64_MAX, true);

	if (err)
		return err;
	faults_out(inode, from, max(to, from + PAGE_SIZE));
	/*
	 * A promise whose write failed has no data, and would hide the blocks that move to its
	 * place.
	 */
	rwsem_write_lock(&ext4_inode(inode)->map);
	ext4_status_drop(inode, first, EXT4_LBLOCK_END - first);
	rwsem_write_unlock(&ext4_inode(inode)->map);
	return 0;
}

/* Run `step` until it is done, with a handle that is good for a leaf each time. */
static int move_all(struct handle *h, struct inode *inode, u32 from, u32 delta, bool up)
{
	struct ext4_inode *ei = ext4_inode(inode);
	u32 at = up ? EXT4_LBLOCK_END : from;
	int err, err2;

	do {
		err = ext4_handle_refill(h, inode, ext4_extents_depth(inode) + 4);
		if (err)
			continue;
		rwsem_write_lock(&ei->map);
		err = up ? ext4_extents_move_up(h, inode, from, &at, delta)
			 : ext4_extents_move_down(h, inode, &at, delta);
		ext4_status_trim(ei);
		ei->last_block = 0;
		inode_map_changed(inode);
		rwsem_write_unlock(&ei->map);
		/* Not to be repeated for this. */
		err2 = until_memory(ext4_inode_dirty(h, inode));
		err = err < 0 ? err : err2 ?: err;
		cond_resched();
	} while (err == 1 || no_memory_yet(err));
	return err;
}

static int collapse_blocks(struct inode *inode, struct blocks b)
{
	struct ext4_inode_loc held;
	struct handle *h;
	int err = ext4_start_held(inode, EXT4_CREDITS_TRUNCATE, &h, &held), err2;
	s64 size = inode->size - ((s64)(b.to - b.from) << inode->sb->blkbits);

	if (err)
		return err;
	err = until_memory(ext4_blocks_remove(h, inode, b.from, b.to));
	err = err ?: move_all(h, inode, b.to, b.to - b.from, false);
	err = err ?: inode_finish_surely(h, inode, size);
	err2 = ext4_stop_held(h, &held);
	return err ?: err2;
}

static int do_collapse(struct inode *inode, u64 offset, u64 len)
{
	int err;

	if (!aligned(inode, offset, len) || offset + len >= (u64)inode->size)
		return -EINVAL;
	err = tail_out(inode, offset);
	if (err)
		return err;
	err = collapse_blocks(inode, blocks_around(inode, offset, len));
	faults_in(inode);
	return err;
}

static int insert_blocks(struct inode *inode, struct blocks b)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_inode_loc held;
	struct handle *h;
	int err = ext4_start_held(inode, ext4_map_credits(inode, 1), &h, &held), err2;
	s64 size = inode->size + ((s64)(b.to - b.from) << inode->sb->blkbits);

	if (err)
		return err;
	/* Blocks that move must be within the size at any time. */
	err = inode_finish_surely(h, inode, size);
	while (!err) {
		rwsem_write_lock(&ei->map);
		ext4_status_trim(ei);
		err = ext4_extents_split(h, inode, b.from);
		rwsem_write_unlock(&ei->map);
		err2 = ext4_inode_dirty(h, inode);
		err = err ?: err2;
		if (!no_memory_yet(err))
			break;
		err = 0;
	}
	err = err ?: move_all(h, inode, b.from, b.to - b.from, true);
	err2 = ext4_stop_held(h, &held);
	return err ?: err2;
}

static int do_insert(struct inode *inode, u64 offset, u64 len)
{
	int err;

	if (!aligned(inode, offset, len) || offset >= (u64)inode->size)
		return -EINVAL;
	if (len > (u64)inode->sb->max_bytes - (u64)inode->size)
		return -EFBIG;
	err = tail_out(inode, offset);
	if (err)
		return err;
	err = insert_blocks(inode, blocks_around(inode, offset, len));
	faults_in(inode);
	return err;
}

/* --- the call --- */

static int dispatch(struct inode *inode, int mode, u64 offset, u64 len)
{
	switch (mode & ~FALLOC_FL_KEEP_SIZE) {
	case 0: return do_allocate(inode, mode, offset, len);
	case FALLOC_FL_PUNCH_HOLE: return do_punch(inode, offset, len);
	case FALLOC_FL_ZERO_RANGE: return do_zero(inode, mode, offset, len);
	case FALLOC_FL_COLLAPSE_RANGE: return do_collapse(inode, offset, len);
	case FALLOC_FL_INSERT_RANGE: return do_insert(inode, offset, len);
	default: return -EOPNOTSUPP;
	}
}

long ext4_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file->inode;
	int err;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE |
		     FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		return -EOPNOTSUPP;
	if (!ext4_has_extents(inode) && !(mode & FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	guard_write(&inode->lock);
	err = file_remove_privs(file);
	err = err ?: file_update_time(file);
	err = err ?: ext4_tail_settle(inode);
	if (err)
		return err;
	/*
	 * Each can be begun again until it has changed something, and then waits for memory itself.
	 */
	err = until_memory(dispatch(inode, mode, (u64)offset, (u64)len));
	return err;
}
