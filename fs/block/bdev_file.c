/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An open block device: read, write, mmap, fsync, fallocate.
 *
 * What is opened is the node; the file's mapping is the device's.  The size is the device's, also
 * for lseek, while stat of the node says 0.  A write at the end gets ENOSPC.
 */
#include <fs/vfs/core.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/errseq.h>
#include <kernel/lib/minmax.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/reclaim.h>
#include <mm/space.h>
#include "block_internal.h"
#include "direct_internal.h"

static unsigned open_mode(const struct file *f)
{
	return (f->mode & FMODE_READ ? BDEV_READ : 0) | (f->mode & FMODE_WRITE ? BDEV_WRITE : 0) |
	       (f->flags & O_EXCL ? BDEV_EXCL : 0);
}

static int bdev_file_open(struct inode *inode, struct file *f)
{
	struct bdev *b;
	unsigned mode = open_mode(f);
	int err = bdev_open(inode->rdev, mode, f, &b);

	if (err)
		return err;
	f->private = b;
	f->mapping = bdev_mapping(b);
	f->wb_err = errseq_sample(&f->mapping->error_seq);
	f->ops = &bdev_file_ops;
	return 0;
}

/* The mode of the open: O_EXCL is taken off the file's flags after it. */
static int bdev_file_release(struct file *f)
{
	struct bdev *b = f->private;
	unsigned mode = open_mode(f);

	if (READ_ONCE(b->holder) == f)
		mode |= BDEV_EXCL;
	bdev_close(b, mode, f);
	return 0;
}

static ssize_t bdev_read_iter(struct file *f, struct iov_iter *to, loff_t *pos)
{
	struct bdev *b = f->private;
	loff_t size = (loff_t)bdev_bytes(b);
	ssize_t done = 0, n;

	if (*pos >= size || !iov_iter_count(to))
		return 0;
	iov_iter_truncate(to, (size_t)min((u64)(size - *pos), (u64)ITER_MAX_BYTES));
	if (f->flags & O_DIRECT) {
		done = direct_io(b, to, pos, false);
		if (done < 0 || !iov_iter_count(to) || *pos >= size)
			return done;
	}
	n = cache_read_iter(f, f->mapping, to, pos, size);
	return done + n > 0 ? done + max(n, (ssize_t)0) : n;
}

static ssize_t write_buffered(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct bdev *b = f->private;
	ssize_t n;

	rwsem_write_lock(&b->inode->lock);
	n = cache_write_iter(f, f->mapping, from, pos);
	rwsem_write_unlock(&b->inode->lock);
	if (n > 0)
		reclaim_balance_dirty();
	return n;
}

/* O_DSYNC: what was written is on stable storage. */
static ssize_t write_sync(struct file *f, loff_t end, ssize_t n)
{
	int err;

	if (n <= 0 || !(f->flags & O_DSYNC))
		return n;
	err = f->ops->fsync(f, end - n, end - 1, true);
	return err ?: n;
}

static ssize_t bdev_write_iter(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct bdev *b = f->private;
	loff_t size = (loff_t)bdev_bytes(b);
	ssize_t done = 0, n = 0;

	if (bdev_read_only(b))
		return -EPERM;
	if (!iov_iter_count(from))
		return 0;
	if (file_appends(f, from))
		*pos = size;
	if (*pos >= size)
		return -ENOSPC;
	iov_iter_truncate(from, (size_t)min((u64)(size - *pos), (u64)ITER_MAX_BYTES));
	if (f->flags & O_DIRECT)
		done = direct_io(b, from, pos, true);
	if (done >= 0 && iov_iter_count(from))
		n = write_buffered(f, from, pos);
	if (done <= 0 && n <= 0)
		return done ?: n;
	return write_sync(f, *pos, max(done, (ssize_t)0) + max(n, (ssize_t)0));
}

static loff_t bdev_lseek(struct file *f, loff_t offset, int whence)
{
	loff_t size = (loff_t)bdev_bytes(f->private);

	if (whence == SEEK_DATA || whence == SEEK_HOLE)
		return -EINVAL;
	return generic_lseek_size(f, offset, whence, size, size);
}

static int bdev_fsync(struct file *f, loff_t start, loff_t end, bool data_only)
{
	struct bdev *b = f->private;
	int err = file_write_and_wait(f, start, end), flush = bdev_flush(b);

	return err ?: flush;
}

#define FALLOC_KNOWN (FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)

static long bdev_fallocate(struct file *f, int mode, loff_t offset, loff_t len)
{
	struct bdev *b = f->private;
	loff_t size = (loff_t)bdev_bytes(b);

	if (mode & ~FALLOC_KNOWN || !(mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
		return -EOPNOTSUPP;
	if (offset >= size)
		return -EINVAL;
	if (offset + len > size) {
		if (!(mode & FALLOC_FL_KEEP_SIZE))
			return -EINVAL;
		len = size - offset;
	}
	if ((offset | len) & (bdev_logical_block(b) - 1))
		return -EINVAL;
	return bdev_clear_range(b, (u64)offset, (u64)len,
				mode & FALLOC_FL_PUNCH_HOLE ? CLEAR_PUNCH : CLEAR_ZERO);
}

static int clear_sectors(struct bdev *b, sector_t sector, sector_t nr, enum clear_how how)
{
	if (how == CLEAR_DISCARD)
		return bdev_discard(b, sector, nr);
	if (how == CLEAR_PUNCH)
		return bdev_punch(b, sector, nr);
	return bdev_write_zeroes(b, sector, nr, true);
}

int bdev_clear_range(struct bdev *b, u64 offset, u64 len, enum clear_how how)
{
	int err;

	if (!len)
		return 0;
	/* Pages at the edges may hold more than the range. */
	err = cache_write_range(bdev_mapping(b), (loff_t)offset, (loff_t)(offset + len - 1), true);
	if (err)
		return err;
	err = clear_sectors(b, offset >> SECTOR_SHIFT, len >> SECTOR_SHIFT, how);
	mapping_unmap(bdev_mapping(b), offset >> PAGE_SHIFT, (offset + len - 1) >> PAGE_SHIFT,
		      false);
	cache_drop_clean(bdev_mapping(b), offset >> PAGE_SHIFT, (offset + len - 1) >> PAGE_SHIFT);
	return err;
}

const struct file_ops bdev_file_ops = {
	.read_iter = bdev_read_iter,
	.write_iter = bdev_write_iter,
	.lseek = bdev_lseek,
	.mmap = generic_file_mmap,
	.open = bdev_file_open,
	.release = bdev_file_release,
	.fsync = bdev_fsync,
	.fallocate = bdev_fallocate,
	.ioctl = bdev_ioctl,
};
