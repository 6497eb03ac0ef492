/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File data of file systems on block devices: one implementation of reading, writing, mapping and
 * direct I/O, which asks the file system only where a range of a file is.
 *
 * The file system answers `begin` with one extent that covers the start of the range asked for. For
 * a write it allocates, or reserves (DELALLOC) and allocates when the pages are written back
 * (`map_writeback`).  `end` tells how much of a write's extent was used.
 *
 * A folio whose blocks are smaller than it keeps their state (uptodate, dirty) in page->private.
 *
 * Extents that were allocated for writes that had not happened yet (UNWRITTEN) read as zeroes; when
 * the data is on disk, the file system is asked to convert them (`written`), in a thread.  So a
 * crash shows old sizes and holes, never what the blocks held before.
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/lib/list.h>
#include <mm/mapping.h>

struct bdev;
struct file;
struct inode;
struct iov_iter;
struct kstat;
struct vma;

enum iomap_type {
	IOMAP_HOLE,
	IOMAP_DELALLOC, /* reserved, no place yet */
	IOMAP_MAPPED,
	IOMAP_UNWRITTEN,
	IOMAP_INLINE, /* in the inode: `inline_data` */
};

#define IOMAP_F_NEW   (1u << 0) /* just allocated: what it holds is not the file's */
#define IOMAP_F_DIRTY (1u << 1) /* the inode has changes that O_DSYNC must write */

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
#define IOMAP_DIRECT (1u << 2) /* without the cache: allocate at once */
#define IOMAP_FAULT  (1u << 3) /* a store to a mapped page */
#define IOMAP_REPORT (1u << 4) /* fiemap, seek, swap files: tell of reservations */
#define IOMAP_NOWAIT (1u << 5)

/*
 *	operation	locks held					may sleep
 *	begin, end	inode W for writes (R for direct overwrites), none or invalidate R for reads
 *yes map_writeback	folio lock					yes
 *	written		none, a worker thread				yes
 */
struct iomap_ops {
	/* Returns 0 and at least one block in *out, or a negative errno. */
	int (*begin)(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *out);
	/* Optional.  `done` bytes of the extent were used; a write gives back what was not. */
	int (*end)(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags,
		   struct iomap *map);
	/* A place for dirty data at `pos`: MAPPED or UNWRITTEN; HOLE: drop it (beyond the end). */
	int (*map_writeback)(struct inode *inode, u64 pos, u64 len, struct iomap *out);
	/*
	 * Optional.  [pos, pos+len) reached the disk: convert what was unwritten, move the size
	 * that the disk knows forward.  Called once per contiguous piece of write-back.
	 */
	int (*written)(struct inode *inode, u64 pos, u64 len, bool unwritten);
};

/* The inode's file system gives its operations: inode->private_iomap, set by inode_set_iomap(). */
void inode_set_iomap(struct inode *inode, const struct iomap_ops *ops, struct bdev *bdev);

/* mapping_ops whose every operation works through the inode's iomap_ops. */
extern const struct mapping_ops iomap_mapping_ops;

/* read_iter, write_iter of file_ops: buffered, or direct with O_DIRECT, O_SYNC and O_DSYNC obeyed.
 */
ssize_t iomap_read_iter(struct file *file, struct iov_iter *to, loff_t *pos);
ssize_t iomap_write_iter(struct file *file, struct iov_iter *from, loff_t *pos);
/* file_ops.mmap. */
int iomap_mmap(struct file *file, struct vma *vma);
/* SEEK_DATA, SEEK_HOLE, and the rest. */
loff_t iomap_lseek(struct file *file, loff_t offset, int whence);
/* Write zeroes over [pos, pos+len) by way of the cache, where data is.  Locks: inode W. */
int iomap_zero_range(struct inode *inode, u64 pos, u64 len) __must_check;
/* The tail of the last block when the file is cut to `size`.  Locks: inode W. */
int iomap_truncate_page(struct inode *inode, u64 size) __must_check;
/* FS_IOC_FIEMAP and FIBMAP. */
struct fiemap_request;
int iomap_fiemap(struct inode *inode, struct fiemap_request *req) __must_check;
u64 iomap_bmap(struct inode *inode, u64 block);
/* Calls fn for each extent of [0, size): swap files.  Returns 0, fn's error, -EINVAL for a hole. */
int iomap_for_each_extent(struct inode *inode, int (*fn)(void *arg, u64 pos, u64 addr, u64 len),
			  void *arg) __must_check;
