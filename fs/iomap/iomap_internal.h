/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of a folio, extents, and what the files of fs/iomap tell each other.
 *
 * A folio of several blocks keeps their state in one word, page->private, zero when the folio joins
 * the cache.  Bits and counts change with the folio locked or, at the end of transfers, in any
 * context; so always atomically.  A folio that is one block has no such word: PG_uptodate and
 * PG_dirty say it all.
 */
#pragma once

#include <fs/block/block.h>
#include <fs/iomap/iomap.h>
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <mm/page.h>

/*
 *	0-7	uptodate, a bit per block
 *	8-15	dirty
 *	16-23	blocks being read, and one more while the reads are being started
 *	24-31	blocks being written
 *	32	a read failed
 *	33	written through a mapping: PG_dirty means all blocks
 */
#define STATE_DIRTY_SHIFT 8
#define STATE_READ        (1ull << 16)
#define STATE_READS       (0xffull << 16)
#define STATE_WRITE       (1ull << 24)
#define STATE_WRITES      (0xffull << 24)
#define STATE_ERROR       (1ull << 32)
#define STATE_MAPPED      (1ull << 33)

static inline u64 *folio_state(struct folio *f)
{
	return (u64 *)&f->page.private;
}

/* Blocks of a file are as large as its file system likes, but a page at most. */
static inline unsigned inode_blkbits(const struct inode *inode)
{
	return min(inode->blkbits, (u32)PAGE_SHIFT);
}

static inline struct bdev *inode_bdev(const struct inode *inode)
{
	return inode->sb->bdev;
}

static inline struct inode *folio_inode(struct folio *f)
{
	return ((struct mapping *)f->page.mapping)->host;
}

static inline u64 folio_pos(const struct folio *f)
{
	return f->page.index << PAGE_SHIFT;
}

/* One bit for each block that [from, to) of a page touches. */
static inline u32 block_mask(unsigned from, unsigned to, unsigned blkbits)
{
	unsigned first = from >> blkbits, last = (to - 1) >> blkbits;

	return (2u << last) - (1u << first);
}

static inline u32 all_blocks(unsigned blkbits)
{
	return (1u << (PAGE_SIZE >> blkbits)) - 1;
}

static inline bool is_one_block(unsigned blkbits)
{
	return blkbits == PAGE_SHIFT;
}

static inline u32 blocks_uptodate(struct folio *f, unsigned blkbits)
{
	if (folio_test(f, PG_uptodate))
		return all_blocks(blkbits);
	return is_one_block(blkbits) ? 0 : atomic_load(folio_state(f)) & 0xff;
}

/* --- map.c: extents --------------------------------------------------------------------------- */

static inline bool map_covers(const struct iomap *map, u64 pos)
{
	return pos >= map->offset && pos - map->offset < map->length;
}

static inline u64 map_end(const struct iomap *map)
{
	return map->offset + map->length;
}

/* Where on the device `pos` is; MAPPED or UNWRITTEN. */
static inline u64 map_addr(const struct iomap *map, u64 pos)
{
	return map->addr + (pos - map->offset);
}

/* Does the disk hold the file's data there? */
static inline bool map_has_data(const struct iomap *map)
{
	return map->type == IOMAP_MAPPED && !(map->flags & IOMAP_F_NEW);
}

/* Ask the file system, and distrust the answer: -EUCLEAN when it makes no sense. */
int map_begin(struct inode *inode, u64 pos, u64 len, unsigned flags,
	      struct iomap *map) __must_check;
int map_end_op(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags,
	       struct iomap *map) __must_check;
int map_check(const struct inode *inode, u64 pos, const struct iomap *map) __must_check;

/*
 * Add a piece of a page to the bio being built if it continues it on the device.  False: submit
 * that one and begin another.
 */
bool bio_append(struct bio *bio, u64 addr, struct page *page, unsigned offset, unsigned len);

/* --- read.c ----------------------------------------------------------------------------------- */

int iomap_read_folio(struct file *file, struct folio *f);
void iomap_readahead(struct file *file, struct mapping *m, u64 index, unsigned nr);
/* Make the blocks of `mask` of a locked folio valid, waiting.  Returns 0, -EIO... */
int blocks_read_sync(struct inode *inode, struct folio *f, u32 mask) __must_check;
/* These blocks are valid now.  Locks: the folio's. */
void blocks_set_uptodate(struct folio *f, u32 mask, unsigned blkbits);

/* --- write.c ---------------------------------------------------------------------------------- */

/* Locks: inode W.  `from` NULL: write `len` zeroes. */
ssize_t write_buffered(struct inode *inode, struct iov_iter *from, u64 len, loff_t *pos,
		       unsigned flags);
int iomap_page_mkwrite(struct mapping *m, struct folio *f);
void iomap_invalidate_folio(struct folio *f, size_t from, size_t to);
void iomap_dirty_folio(struct mapping *m, struct folio *f);

/* --- writeback.c ------------------------------------------------------------------------------ */

int iomap_writepages(struct mapping *m, u64 first, u64 last, bool sync);

/* --- direct.c --------------------------------------------------------------------------------- */

/* -ENOTBLK: not this way, use the cache. */
ssize_t direct_read(struct file *file, struct iov_iter *to, loff_t *pos);
/* Locks: inode W. */
ssize_t direct_write(struct file *file, struct iov_iter *from, loff_t *pos);
