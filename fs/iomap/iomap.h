/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File data of file systems on block devices: one implementation of reading, writing, mapping and
 * direct I/O, which asks the file system only where a range of a file is.
 *
 * The file system answers `begin` with one extent that covers the start of the range asked for. For
 * a write it allocates, or reserves (DELALLOC) and allocates when the pages are written back
 * (`map_writeback`).  `end` tells how much of a write's extent was used.  A write asks once per
 * extent, not once per page: the longer the extents answered, the cheaper the file system.
 *
 * Blocks of a file are of 1 << inode->blkbits bytes, but a page at most: extents begin and end
 * there.  A folio of several blocks keeps their state (uptodate, dirty) in page->private, without
 * PG_private: there is nothing to release.
 *
 * Extents that were allocated for writes that had not happened yet (UNWRITTEN) read as zeroes; when
 * the data is on disk, the file system is asked to convert them (`written`), in a thread, before
 * the write-back of the folios ends.  So a crash shows old sizes and holes, never what the blocks
 * held before.
 *
 * Write-back keeps an extent from one folio to the next.  What makes that safe is inode->map_seq:
 * the file system calls inode_map_changed() whenever blocks have left the file or moved within it
 * (truncate, punch, collapse), after it took the folios out of the cache and before the blocks can
 * be given to anybody else.
 */
#pragma once

#include <fs/vfs/inode.h>

struct bdev;
struct file;
struct iov_iter;
struct vma;

enum iomap_type {
	IOMAP_HOLE,
	IOMAP_DELALLOC, /* reserved, no place yet */
	IOMAP_MAPPED,
	IOMAP_UNWRITTEN,
	IOMAP_INLINE, /* in the inode: `inline_data`; offset 0, and the file is within one page */
};

#define IOMAP_F_NEW     (1u << 0) /* just allocated: what it holds is not the file's */
#define IOMAP_F_WRITTEN (1u << 1) /* map_writeback: call `written` although it is MAPPED */
#define IOMAP_F_SHARED  (1u << 2) /* for fiemap */
#define IOMAP_F_MERGED  (1u << 3) /* for fiemap: simulated from blocks */

struct iomap {
	u64 offset, length; /* bytes of the file, block aligned, length > 0 */
	u64 addr;           /* byte on the device; MAPPED and UNWRITTEN */
	enum iomap_type type;
	u32 flags;
	void *inline_data;
	void *private; /* of the file system, from begin to end */
};

/* flags of begin */
#define IOMAP_WRITE  (1u << 0) /* data will be written: allocate or reserve */
#define IOMAP_ZERO   (1u << 1) /* zeroing: a hole may stay a hole */
#define IOMAP_DIRECT (1u << 2) /* not by the cache; writes: allocate now, UNWRITTEN if possible */
#define IOMAP_FAULT  (1u << 3) /* a store to a mapped page */
#define IOMAP_REPORT (1u << 4) /* fiemap, seek, swap files: tell of reservations */
#define IOMAP_NOWAIT (1u << 5) /* -EAGAIN rather than sleep */

/*
 *	operation	locks held							may sleep
 *	begin, end	writes: inode W; with IOMAP_FAULT the folio's only		yes
 *			reads: any of none, inode R, invalidate R, folios		yes
 *	map_writeback	one folio's							yes
 *	written		none (a worker thread), or inode W (direct writes)		yes
 *
 * With folios locked no operation may wait for a folio lock or for write-back of any folio, nor for
 * a transaction to commit that itself waits for them; memory is asked for with GFP_NOFS.
 */
struct iomap_ops {
	/*
	 * Returns 0 and at least one block in *out, from the block of `pos` on (it may begin
	 * earlier and end anywhere); or a negative errno: -ENOSPC, -EDQUOT for a write here, not
	 * later.
	 */
	int (*begin)(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *out);
	/*
	 * Optional; for every successful begin.  `done` bytes from pos on were used (0: none); a
	 * write gives back what was not and lies beyond the end of the file.  The size was moved.
	 */
	int (*end)(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags,
		   struct iomap *map);
	/*
	 * A place for dirty data at `pos`: MAPPED or UNWRITTEN, allocated now if it was reserved;
	 * HOLE: nothing was ever reserved there, drop it.  `len`: up to the end of what is being
	 * written back; a hint how much to allocate at once.
	 */
	int (*map_writeback)(struct inode *inode, u64 pos, u64 len, struct iomap *out);
	/*
	 * Required when UNWRITTEN or IOMAP_F_WRITTEN is ever answered.  [pos, pos+len) reached the
	 * disk: convert what was unwritten, move the size that the disk knows forward.  Called once
	 * per contiguous piece of write-back that came to its end; write-back of those folios ends
	 * afterwards.  Another file's `written` may be waiting behind this one.
	 */
	int (*written)(struct inode *inode, u64 pos, u64 len, bool unwritten);
	/*
	 * Required of file systems without holes: a file grew over a gap in vain, as what should
	 * come behind it did not fit.  Cut it back to `size`.  Locks: inode W.
	 */
	void (*cut)(struct inode *inode, u64 size);
};

/*
 * For a regular file of a superblock with a block device, before inode_unlock_new(): its data is
 * found by `ops`.  Sets data.ops and data.gfp.
 */
void inode_set_iomap(struct inode *inode, const struct iomap_ops *ops);

/* Blocks left the file, or moved in it: what write-back remembers is void.  Context: any. */
static inline void inode_map_changed(struct inode *inode)
{
	atomic_inc(&inode->map_seq);
}

/* mapping_ops whose every operation works through the inode's iomap_ops. */
extern const struct mapping_ops iomap_mapping_ops;

/*
 * file_ops.  read_iter, write_iter: buffered, or direct with O_DIRECT; O_SYNC and O_DSYNC obeyed
 * by way of fops->fsync.  The others of a regular file: .splice_read = splice_read_pages, .mmap =
 * generic_file_mmap, .fsync = generic_fsync or one's own around it.
 */
ssize_t iomap_read_iter(struct file *file, struct iov_iter *to, loff_t *pos);
ssize_t iomap_write_iter(struct file *file, struct iov_iter *from, loff_t *pos);
/* The part of it before generic_write_sync().  Locks: inode W. */
ssize_t iomap_write_locked(struct file *file, struct iov_iter *from, loff_t *pos);
/* SEEK_DATA, SEEK_HOLE, and the rest. */
loff_t iomap_lseek(struct file *file, loff_t offset, int whence);
/* FS_IOC_FIEMAP, and FIBMAP of regular files; -ENOIOCTLCMD for all else.  To be called last by the
 * file's ioctl. */
long iomap_ioctl(struct file *file, unsigned cmd, unsigned long arg);

/*
 * Sizes.  A file system cuts a file in this order, under inode W: iomap_truncate_page(), store
 * inode->size, cache_truncate(), free the blocks, inode_map_changed().  To punch [a, b):
 * iomap_zero_range() of the parts of blocks at the edges, cache_punch(), free, inode_map_changed().
 */

/* Write zeroes over [pos, pos+len) by way of the cache, where data is.  Locks: inode W. */
int iomap_zero_range(struct inode *inode, u64 pos, u64 len) __must_check;
/* The rest of the block in which `size` lies becomes zero.  Locks: inode W. */
int iomap_truncate_page(struct inode *inode, u64 size) __must_check;
/*
 * The file grows to `size`: what lies between its end and there is zero, where `begin` with
 * IOMAP_WRITE | IOMAP_ZERO answers with blocks; inode->size is stored (piece by piece), times are
 * not.  Writes beyond the end do this themselves.  Locks: inode W.
 */
int iomap_extend(struct inode *inode, u64 size) __must_check;

/* FIBMAP: the block on the device that holds a block of the file, 0: none.  Context: may sleep. */
u64 iomap_bmap(struct inode *inode, u64 block);
/*
 * Calls fn for each extent of [0, size) in order: swap files.  Returns 0, fn's error, -EINVAL for a
 * hole, a reservation or data in the inode.  Locks: inode R or W.
 */
int iomap_for_each_extent(struct inode *inode, int (*fn)(void *arg, u64 pos, u64 addr, u64 len),
			  void *arg) __must_check;

void iomap_init(void); /* boot: work queues exist */
