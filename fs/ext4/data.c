/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File data: where it is, where it goes, and when the disk hears of it (fs/iomap asks).
 *
 *	write(2)	begin		blocks are promised: DELAYED; no transaction
 *	write-back	map_writeback	blocks are taken in memory, in one piece: PENDING
 *	the device	...
 *	a worker	written		blocks become used and mapped, the size moves
 *
 * So the disk never shows blocks whose data is not there, files of either kind of map need no
 * "unwritten" step, and a file that is removed soon enough costs the disk nothing.  Blocks that
 * fallocate made (UNWRITTEN) are converted in the same place.
 *
 * No operation that runs under a folio lock opens a handle or waits for one, and no commit waits
 * for data.  One thing is left that metadata has to wait for: when a file is cut inside a block,
 * the rest of the block becomes zero in the cache; until that is on the disk, the size there does
 * not grow over it (advance_size).
 *
 * With data=journal or the journal-data flag, a file's data goes through the log instead: jdata.c.
 */
#include <fs/vfs/file.h>
#include <fs/vfs/writeback.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#include "ext4_map.h"
#include "ext4_space.h"

/* Blocks taken at once for one run of write-back. */
#define TAKE_MAX 16384u

static u64 to_bytes(const struct inode *inode, u64 blocks)
{
	return blocks << inode->sb->blkbits;
}

/* --- answering --- */

static void answer(const struct inode *inode, const struct ext4_map *m, struct iomap *out)
{
	static const u8 type[] = {
		[EXT4_MAP_HOLE] = IOMAP_HOLE,           [EXT4_MAP_MAPPED] = IOMAP_MAPPED,
		[EXT4_MAP_UNWRITTEN] = IOMAP_UNWRITTEN, [EXT4_MAP_DELAYED] = IOMAP_DELALLOC,
		[EXT4_MAP_PENDING] = IOMAP_UNWRITTEN,
	};

	*out = (struct iomap){
		.offset = to_bytes(inode, m->lblock),
		.length = to_bytes(inode, m->len),
		.addr = to_bytes(inode, m->block),
		.type = type[m->type],
	};
}

struct range {
	u32 lblock, len;
};

/* The blocks that [pos, pos + len) touches.  Returns false beyond what a file can have. */
static bool range_of(const struct inode *inode, u64 pos, u64 len, struct range *r)
{
	unsigned bits = inode->sb->blkbits;
	u64 first = pos >> bits, last = (pos + (len ?: 1) - 1) >> bits;
	u64 max = ext4_max_blocks(ext4_inode_super(inode), ext4_has_extents(inode));

	if (first >= max)
		return false;
	r->lblock = (u32)first;
	r->len = (u32)(min(last, max - 1) - first + 1);
	return true;
}

/* --- promising --- */

/* Which indirect block names the file's block; -1: the inode. */
static s64 table_of(const struct inode *inode, u32 lblock)
{
	return lblock < EXT4_NDIR_BLOCKS ? -1
					 : (s64)((lblock - EXT4_NDIR_BLOCKS) /
						 ext4_inode_super(inode)->addr_per_block);
}

/* Blocks that the map itself may need for a promise; one that continues another needs few. */
static u32 spare_blocks(const struct inode *inode, const struct ext4_map *m)
{
	struct ext4_map before;
	bool continues = m->lblock && ext4_status_find(ext4_inode(inode), m->lblock - 1, &before) &&
			 before.type == EXT4_MAP_DELAYED;
	s64 first, tables;

	if (ext4_has_extents(inode))
		return continues ? 0 : 1;
	first = table_of(inode, m->lblock);
	if (continues)
		first = table_of(inode, m->lblock - 1) + 1;
	tables = table_of(inode, m->lblock + m->len - 1) - max(first, (s64)0) + 1;
	/* And those that name the tables. */
	return tables > 0 ? (u32)tables + 2 : 0;
}

/* Promise what is a hole in the range, as far as one piece goes.  *m: what is at its start then. */
static int delay(struct inode *inode, const struct range *r, struct ext4_map *m)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	u32 added = 0, n, spare;
	int err;

	guard_read(&ei->map);
	err = ext4_map_find_locked(inode, r->lblock, r->len, m);
	if (err || m->type != EXT4_MAP_HOLE)
		return err;
	n = m->len;
	spare = spare_blocks(inode, m);
	err = ext4_claim(es, n + spare, EXT4_CLAIM_USER);
	if (err)
		return err;
	err = ext4_status_delay(ei, m->lblock, n, spare, &added);
	ext4_unclaim(es, added ? n - added : n + spare);
	if (err && !added)
		return err;
	return ext4_map_find_locked(inode, r->lblock, r->len, m);
}

/* What to do about a hole: leave it, or claim blocks for it. */
enum take_hole { HOLE_STAYS, HOLE_USER, HOLE_POOL };

/*
 * Take blocks for what is DELAYED, or for a hole, at the start of the range; *m: what it is then.
 * Locks: map W.
 */
static int take_locked(struct inode *inode, u32 lblock, u32 max, enum take_hole hole,
		       struct ext4_map *m)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	u32 got, want, spare = 0;
	bool was_hole;
	int err = ext4_map_find_locked(inode, lblock, max, m);

	was_hole = m->type == EXT4_MAP_HOLE;
	if (err || (was_hole ? hole == HOLE_STAYS : m->type != EXT4_MAP_DELAYED))
		return err;
	m->len = want = min(m->len, TAKE_MAX);
	if (was_hole) {
		spare = spare_blocks(inode, m);
		err = ext4_claim(es, want + spare,
				 hole == HOLE_POOL ? EXT4_CLAIM_POOL : EXT4_CLAIM_USER);
		if (err)
			return err;
	}
	err = ext4_take(es, ext4_map_goal(inode, lblock), want, &m->block, &got);
	if (was_hole)
		ext4_unclaim(es, err ? want + spare : want - got);
	if (err)
		return err;
	*m = (struct ext4_map){lblock, got, m->block, EXT4_MAP_PENDING};
	err = ext4_status_set(ei, m);
	if (err) {
		ext4_untake(es, m->block, got, was_hole);
		ext4_unclaim(es, spare);
		return err;
	}
	ext4_status_add_spare(ei, spare);
	ei->last_block = m->block + got;
	ei->last_lblock = lblock + got;
	return 0;
}

int ext4_data_take(struct inode *inode, u32 lblock, u32 max, struct ext4_map *m)
{
	return take_locked(inode, lblock, max, HOLE_USER, m);
}

static int take(struct inode *inode, u32 lblock, u32 max, enum take_hole hole, struct ext4_map *m)
{
	guard_write(&ext4_inode(inode)->map);
	return take_locked(inode, lblock, max, hole, m);
}

/* --- iomap_ops --- */

static int begin_read(struct inode *inode, const struct range *r, unsigned flags, struct iomap *out)
{
	struct ext4_map m;
	int err;

	if (flags & IOMAP_NOWAIT && !ext4_status_find(ext4_inode(inode), r->lblock, &m))
		return -EAGAIN;
	err = ext4_map_find(inode, r->lblock, r->len, &m);
	if (err)
		return err;
	answer(inode, &m, out);
	if (flags & IOMAP_REPORT && m.type == EXT4_MAP_PENDING)
		out->type = IOMAP_DELALLOC;
	return 0;
}

/* Without the cache: a place at once, which enters the map when the data is there. */
static int begin_direct(struct inode *inode, const struct range *r, u64 end, struct iomap *out)
{
	struct ext4_map m;
	bool fresh;
	int err = ext4_map_find(inode, r->lblock, r->len, &m);

	fresh = !err && (m.type == EXT4_MAP_HOLE || m.type == EXT4_MAP_DELAYED);
	if (fresh)
		err = take(inode, r->lblock, r->len, HOLE_USER, &m);
	if (err)
		return err;
	answer(inode, &m, out);
	if (fresh)
		out->flags |= IOMAP_F_NEW;
	/* The size moves after the data is there and recorded: it is recorded with the data. */
	if (end > (u64)inode->size) {
		WRITE_ONCE(ext4_inode(inode)->direct_end, (s64)end);
		out->flags |= IOMAP_F_WRITTEN;
	}
	return 0;
}

/*
 * What is to be zeroed and reads as zeroes because its data is on the way to the disk: after that
 * has arrived it is MAPPED.  Without the wait it could become so behind the back of the one who
 * asks.
 */
static int settle(struct inode *inode, struct ext4_map *m)
{
	loff_t from = (loff_t)to_bytes(inode, m->lblock),
	       end = (loff_t)to_bytes(inode, (u64)m->lblock + m->len);
	int err;

	if ((m->type != EXT4_MAP_PENDING && m->type != EXT4_MAP_UNWRITTEN) ||
	    !READ_ONCE(inode->data.nr_pages))
		return 0;
	err = cache_write_range(&inode->data, from, end - 1, true);
	return err ?: ext4_map_find(inode, m->lblock, m->len, m);
}

/* By the cache: a promise will do. */
static int begin_buffered(struct inode *inode, const struct range *r, unsigned flags,
			  struct iomap *out)
{
	struct ext4_map m;
	bool fresh;
	int err = ext4_map_find(inode, r->lblock, r->len, &m);

	if (!err && flags & IOMAP_ZERO)
		err = settle(inode, &m);
	fresh = !err && m.type == EXT4_MAP_HOLE && !(flags & IOMAP_ZERO);
	if (fresh)
		err = delay(inode, r, &m);
	if (err)
		return err;
	answer(inode, &m, out);
	if (fresh)
		out->flags |= IOMAP_F_NEW;
	return 0;
}

static int begin_write(struct inode *inode, const struct range *r, u64 end, unsigned flags,
		       struct iomap *out)
{
	unsigned tries = 0;
	int err;

	do {
		err = flags & IOMAP_DIRECT ? begin_direct(inode, r, end, out)
					   : begin_buffered(inode, r, flags, out);
	} while (err == -ENOSPC && !(flags & (IOMAP_FAULT | IOMAP_NOWAIT)) &&
		 ext4_retry_alloc(inode->sb, &tries));
	return err;
}

int ext4_data_promise(struct inode *inode, u64 pos, u64 len, bool fault)
{
	struct range r;
	int err = 0;

	if (!range_of(inode, pos, len, &r))
		return -EFBIG;
	while (r.len && !err) {
		unsigned tries = 0;
		struct ext4_map m;

		do {
			err = delay(inode, &r, &m);
		} while (err == -ENOSPC && !fault && ext4_retry_alloc(inode->sb, &tries));
		if (err)
			break;
		m.len = min(m.len, r.len);
		r.lblock += m.len;
		r.len -= m.len;
	}
	return err;
}

static int data_begin(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *out)
{
	struct range r;
	int err;

	/* Its blocks may be older than the log. */
	if ((flags & (IOMAP_DIRECT | IOMAP_WRITE)) == IOMAP_DIRECT && ext4_journals_data(inode))
		return -ENOTBLK;
	if (!range_of(inode, pos, len, &r)) {
		if (flags & IOMAP_WRITE)
			return -EFBIG;
		*out = (struct iomap){.offset = pos & ~(u64)(inode->sb->blocksize - 1),
				      .length = len + inode->sb->blocksize,
				      .type = IOMAP_HOLE};
		return 0;
	}
	/*
	 * What was read or written so far would be all the caller hears of; so memory is waited
	 * for.
	 */
	do {
		err = flags & IOMAP_WRITE ? begin_write(inode, &r, pos + len, flags, out)
					  : begin_read(inode, &r, flags, out);
	} while (!(flags & IOMAP_NOWAIT) && no_memory_yet(err));
	return err;
}

/* A direct write is over: the size it did not reach is not the file's. */
static int direct_end(struct inode *inode)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct handle *h;
	int err, err2;

	WRITE_ONCE(ei->direct_end, 0);
	if (ei->written_end <= inode->size)
		return 0;
	err = ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE + 1, &h);
	if (err)
		return err;
	rwsem_write_lock(&ei->map);
	WRITE_ONCE(ei->disk_size, min(ei->disk_size, inode->size));
	WRITE_ONCE(ei->written_end, min(ei->written_end, inode->size));
	rwsem_write_unlock(&ei->map);
	err = ext4_inode_dirty(h, inode);
	err2 = ext4_stop(h);
	return err ?: err2;
}

/* What a write promised or took beyond the end and did not use goes back. */
static int data_end(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags,
		    struct iomap *map)
{
	unsigned bits = inode->sb->blkbits;
	u64 used = max(pos + done, (u64)READ_ONCE(inode->size));
	u64 from = (used + inode->sb->blocksize - 1) >> bits,
	    to = (map->offset + map->length) >> bits;

	int err = flags & IOMAP_WRITE && flags & IOMAP_DIRECT ? direct_end(inode) : 0;

	if (!(flags & IOMAP_WRITE) || done >= len || from >= to || flags & IOMAP_FAULT)
		return err;
	if (map->type == IOMAP_DELALLOC || (map->type == IOMAP_UNWRITTEN && flags & IOMAP_DIRECT)) {
		struct ext4_map m;

		guard_write(&ext4_inode(inode)->map);
		while (from < to && ext4_status_next_promise(ext4_inode(inode), (u32)from, &m) &&
		       m.lblock < to) {
			u32 lo = max((u32)from, m.lblock), hi = (u32)min(to, (u64)m.lblock + m.len);

			ext4_status_drop(inode, lo, hi - lo);
			from = hi;
		}
	}
	return err;
}

/*
 * May write-back of the mapped extent move the size that the disk knows?  Only the page with that
 * size in it, and what follows, can; pages before are answered for without a word to `written`.
 */
static void tell_size(const struct inode *inode, u64 pos, struct iomap *out)
{
	u64 known = (u64)READ_ONCE(ext4_inode(inode)->disk_size),
	    safe = known & ~(u64)(PAGE_SIZE - 1);
	u64 end = out->offset + out->length;

	if (out->type != IOMAP_MAPPED || end <= safe)
		return;
	if (pos < safe)
		out->length = safe - out->offset;
	else if ((u64)READ_ONCE(inode->size) > known)
		out->flags |= IOMAP_F_WRITTEN;
	else
		out->length = min(end, (pos & ~(u64)(PAGE_SIZE - 1)) + PAGE_SIZE) - out->offset;
}

/* Does the folio that is being written have nothing but zeroes there?  Locks: folio. */
static bool block_is_zero(struct inode *inode, u64 pos)
{
	struct folio *f = cache_find_get(&inode->data, pos >> PAGE_SHIFT);
	bool zero;

	if (!f)
		return false;
	zero = !memchr_inv((char *)folio_address(f) + (pos & (PAGE_SIZE - 1)), 0,
			   inode->sb->blocksize);
	folio_put(f);
	return zero;
}

/*
 * Where a dirty block goes.  A hole in which nothing was promised stays one if it has only zeroes:
 * it was behind the end of the file when its page was made writable, and the file grew.  Else a
 * store to the mapped page came between a punch's dropping it and freeing its block.
 */
static int writeback_place(struct inode *inode, u64 pos, const struct range *r, struct ext4_map *m)
{
	bool inside = pos < (u64)READ_ONCE(inode->size);
	int err = 0;

	if (!ext4_status_find(ext4_inode(inode), r->lblock, m))
		err = ext4_map_find(inode, r->lblock, r->len, m);
	if (err || (m->type != EXT4_MAP_DELAYED && m->type != EXT4_MAP_HOLE))
		return err;
	if (m->type == EXT4_MAP_HOLE) {
		m->len = 1;
		inside = inside && !block_is_zero(inode, pos);
	}
	return take(inode, r->lblock, m->type == EXT4_MAP_DELAYED ? TAKE_MAX : 1,
		    inside ? HOLE_POOL : HOLE_STAYS, m);
}

static int data_map_writeback(struct inode *inode, u64 pos, u64 len, struct iomap *out)
{
	struct ext4_map m;
	struct range r;
	int err;

	if (!range_of(inode, pos, len, &r)) {
		*out = (struct iomap){
			.offset = pos, .length = inode->sb->blocksize, .type = IOMAP_HOLE};
		return 0;
	}
	err = until_memory(writeback_place(inode, pos, &r, &m));
	if (err == -ENOSPC)
		ext4_warn(inode->sb, "no block for delayed data of inode %llu at %u", inode->ino,
			  r.lblock);
	if (err)
		return err;
	answer(inode, &m, out);
	tell_size(inode, pos, out);
	return 0;
}

/* --- after the data --- */

int ext4_data_keep(struct handle *h, struct inode *inode, struct ext4_map *m)
{
	struct ext4_map hole = {m->lblock, m->len, 0, EXT4_MAP_HOLE};
	struct ext4_use u;
	int err = ext4_use_begin(h, inode, m->block, m->len, &u), err2;

	if (err == -EUCLEAN) {
		/* They may be somebody else's: neither used nor free again. */
		ext4_unclaim(ext4_inode_super(inode), m->len);
		(void)!ext4_status_set(ext4_inode(inode), &hole);
	}
	if (err)
		return err;
	if (m->type == EXT4_MAP_PENDING)
		m->type = EXT4_MAP_MAPPED;
	ext4_inode_add_blocks(inode, m->len);
	err = ext4_map_insert(h, inode, m);
	if (err)
		ext4_inode_add_blocks(inode, -(s64)m->len);
	err2 = ext4_use_end(h, &u, !err);
	return err ?: err2;
}

u32 ext4_data_piece(struct inode *inode, const struct ext4_map *m)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u32 bit;

	ext4_block_group(es, m->block, &bit);
	return min(m->len, min(es->blocks_per_group - bit, ext4_map_insert_max(inode, m->lblock)));
}

/*
 * The block in which the file was cut is on the way to the disk, and what the disk has behind the
 * cut is not zero yet. Locks: map.
 */
static bool tail_unsettled(struct inode *inode)
{
	struct folio *f = cache_find_get(&inode->data, ext4_inode(inode)->tail >> PAGE_SHIFT);
	bool busy = f && (folio_test(f, PG_dirty) || folio_test(f, PG_writeback));

	if (f)
		folio_put(f);
	return busy;
}

/*
 * [from, end) was written: the size on disk moves to its end.  But not over a tail that is not zero
 * on the disk: then the inode is left dirty, and write-back tries again (ext4_write_inode).
 */
static void advance_size(struct inode *inode, u64 from, u64 end)
{
	struct ext4_inode *ei = ext4_inode(inode);
	s64 size = max(ei->written_end,
		       min((s64)end, max(READ_ONCE(inode->size), READ_ONCE(ei->direct_end))));

	WRITE_ONCE(ei->written_end, size);
	/*
	 * No write-back that began before the cut is still under way (set_size waits): this one had
	 * the zeroes.
	 */
	if (ei->tail >= from && ei->tail < end)
		ei->tail = 0;
	if (size <= ei->disk_size)
		return;
	if (unlikely(ei->tail) && tail_unsettled(inode)) {
		inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
		return;
	}
	ei->tail = 0;
	WRITE_ONCE(ei->disk_size, size);
}

void ext4_size_reached(struct inode *inode, u64 from, u64 end)
{
	guard_write(&ext4_inode(inode)->map);
	advance_size(inode, from, end);
}

void ext4_size_set(struct inode *inode, s64 size)
{
	struct ext4_inode *ei = ext4_inode(inode);

	guard_write(&ei->map);
	if (size < inode->size) {
		ei->tail = (u64)size & (inode->sb->blocksize - 1) ? (u64)size : 0;
		ei->cuts = ei->cuts + 1 ?: 1;
	}
	WRITE_ONCE(inode->size, size);
	WRITE_ONCE(ei->disk_size, size);
	WRITE_ONCE(ei->written_end, size);
}

int ext4_tail_settle(struct inode *inode)
{
	struct ext4_inode *ei = ext4_inode(inode);
	loff_t page;
	u32 cuts;
	int err;

	rwsem_read_lock(&ei->map);
	page = (loff_t)(ei->tail & ~(u64)(PAGE_SIZE - 1));
	cuts = ei->tail ? ei->cuts : 0;
	rwsem_read_unlock(&ei->map);
	if (!cuts)
		return 0;
	err = cache_write_range(&inode->data, page, page + (loff_t)PAGE_SIZE - 1, true);
	if (err)
		return err;
	/* Whatever dirtied the page since, the zeroes went before. */
	guard_write(&ei->map);
	if (ei->cuts == cuts)
		ei->tail = 0;
	return 0;
}

/* The piece at the start of the range.  *r is moved behind it.  Locks: map W. */
static int written_piece(struct handle *h, struct inode *inode, struct range *r, u64 end)
{
	struct ext4_map m;
	int err = ext4_map_find_locked(inode, r->lblock, r->len, &m), err2;

	if (err)
		return err;
	if (m.type == EXT4_MAP_PENDING)
		m.len = ext4_data_piece(inode, &m);
	advance_size(inode, to_bytes(inode, m.lblock),
		     min(end, to_bytes(inode, (u64)m.lblock + m.len)));
	if (m.type == EXT4_MAP_PENDING)
		err = ext4_data_keep(h, inode, &m);
	if (m.type == EXT4_MAP_UNWRITTEN) {
		err = ext4_extents_convert(h, inode, m.lblock, m.len);
		m.type = EXT4_MAP_MAPPED;
		err = err ?: ext4_status_set(ext4_inode(inode), &m);
	}
	if (!err) {
		r->lblock += m.len;
		r->len -= m.len;
	}
	ext4_status_settle(inode);
	err2 = ext4_inode_dirty(h, inode);
	return err ?: err2;
}

static int written_step(struct inode *inode, struct range *r, u64 end)
{
	struct ext4_inode_loc loc;
	struct handle *h;
	int err, err2;

	err = ext4_start_written(inode->sb, ext4_map_credits(inode, r->len), &h);
	if (err)
		return err;
	/* First what could fail for want of memory after the map changed. */
	err = ext4_inode_reserve(h, inode, &loc);
	if (!err) {
		rwsem_write_lock(&ext4_inode(inode)->map);
		err = written_piece(h, inode, r, end);
		rwsem_write_unlock(&ext4_inode(inode)->map);
		buffer_put(loc.buffer);
	}
	err2 = ext4_stop(h);
	return err ?: err2;
}

static int data_written(struct inode *inode, u64 pos, u64 len, bool unwritten)
{
	u64 end = pos + len,
	    size = (u64)max(READ_ONCE(inode->size), READ_ONCE(ext4_inode(inode)->direct_end));
	struct range r;
	int err = 0;

	if (!unwritten && min(end, size) <= (u64)READ_ONCE(ext4_inode(inode)->disk_size))
		return 0;
	if (!range_of(inode, pos, len, &r))
		return -EIO;
	/* The data is there: for want of memory it must not be lost. */
	while (r.len && (!err || no_memory_yet(err)))
		err = written_step(inode, &r, end);
	if (err)
		ext4_failed(inode->sb, inode, err, "recording written data");
	return err;
}

const struct iomap_ops ext4_iomap_ops = {
	.begin = data_begin,
	.end = data_end,
	.map_writeback = data_map_writeback,
	.written = data_written,
};

void ext4_set_mapping_ops(struct inode *inode)
{
	const struct mapping_ops *ops = ext4_journals_data(inode) ? &ext4_jdata_mapping_ops
								  : &iomap_mapping_ops;

	inode->iomap = &ext4_iomap_ops;
	WRITE_ONCE(inode->data.ops, ops);
	/*
	 * Pages are allocated while others of the file are locked.  Reclaim would evict inodes
	 * there, and that opens handles.
	 */
	inode->data.gfp &= ~__GFP_FS;
}
