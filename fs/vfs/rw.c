/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading, writing and seeking: the checks before a file's own operations, and the operations of
 * ordinary files over the page cache.
 */
#include <fs/vfs/file.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/resource.h>
#include <kernel/abi/signal.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/mapping.h>
#include <mm/reclaim.h>

#include <fs/services.h>
#include <fs/vfs/core.h>

/* Checked entry */

ssize_t vfs_read_iter(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t n;

	if (unlikely(!(f->mode & FMODE_CAN_READ)))
		return f->mode & FMODE_READ ? -EINVAL : -EBADF;
	n = f->ops->read_iter(f, to, pos);
	if (n > 0) {
		struct thread *t = thread_current();

		fsnotify_file(f, IN_ACCESS);
		WRITE_ONCE(t->io_read, t->io_read + n);
	}
	return n;
}

ssize_t vfs_write_iter(struct file *f, struct iov_iter *from, loff_t *pos)
{
	ssize_t n;

	if (unlikely(!(f->mode & FMODE_CAN_WRITE)))
		return f->mode & FMODE_WRITE ? -EINVAL : -EBADF;
	n = f->ops->write_iter(f, from, pos);
	if (n > 0) {
		struct thread *t = thread_current();

		fsnotify_file(f, IN_MODIFY);
		WRITE_ONCE(t->io_written, t->io_written + n);
	}
	return n;
}

ssize_t file_read(struct file *f, void *buf, size_t len, loff_t *pos)
{
	struct iov_iter it;

	iov_iter_kernel(&it, ITER_DEST, buf, min_t(size_t, len, ITER_MAX_BYTES));
	return vfs_read_iter(f, &it, pos);
}

ssize_t file_write(struct file *f, const void *buf, size_t len, loff_t *pos)
{
	struct iov_iter it;

	iov_iter_kernel(&it, ITER_SOURCE, (void *)buf, min_t(size_t, len, ITER_MAX_BYTES));
	return vfs_write_iter(f, &it, pos);
}

int file_read_all(struct file *f, size_t max, void **out, size_t *len)
{
	loff_t size = f->inode->size, pos = 0;
	char *buf;

	if (size < 0 || (u64)size > max)
		return -EFBIG;
	buf = kvmalloc(size + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (pos < size) {
		ssize_t n = file_read(f, buf + pos, size - pos, &pos);

		if (n < 0) {
			kvfree(buf);
			return n;
		}
		if (!n)
			break;
	}
	buf[pos] = 0;
	*out = buf;
	*len = pos;
	return 0;
}

/* Limits */

void fs_signal_self(int signo)
{
	struct thread *t = thread_current();
	struct ksiginfo info;

	if (!t->sig)
		return;
	siginfo_kernel(&info, signo);
	signal_send_thread(t->sig, &info);
}

void fsize_limit_hit(void)
{
	fs_signal_self(SIGXFSZ);
}

static ssize_t write_checks(struct file *f, struct iov_iter *from, loff_t *pos)
{
	u64 limit = rlimit_get(RLIMIT_FSIZE);
	loff_t max = f->inode->sb->max_bytes;

	if (unlikely(f->inode->flags & S_SWAPFILE))
		return -ETXTBSY;
	if (!iov_iter_count(from))
		return 0;
	if (file_appends(f, from))
		*pos = f->inode->size;
	if (limit != RLIM_INFINITY) {
		if ((u64)*pos >= limit) {
			fsize_limit_hit();
			return -EFBIG;
		}
		iov_iter_truncate(from, limit - *pos);
	}
	if (*pos >= max)
		return -EFBIG;
	iov_iter_truncate(from, max - *pos);
	return iov_iter_count(from);
}

/* Ordinary files */

ssize_t generic_read_iter(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t n;

	if (!iov_iter_count(to))
		return 0;
	n = cache_read_iter(f, f->mapping, to, pos, READ_ONCE(f->inode->size));
	f->ra.prev = ((u64)*pos - 1) / PAGE_SIZE;
	file_accessed(f);
	return n;
}

/* O_SYNC and O_DSYNC: what was written reaches the disk before we return. */
ssize_t generic_write_sync(struct file *f, loff_t end, ssize_t n)
{
	int err;

	if (n <= 0 || !f->ops->fsync)
		return n;
	if (likely(!(f->flags & O_DSYNC) && !(f->inode->flags & S_SYNC_) &&
		   !(f->inode->sb->flags & SB_SYNCHRONOUS)))
		return n;
	err = f->ops->fsync(f, end - n, end - 1, !(f->flags & __O_SYNC));
	return err ?: n;
}

ssize_t generic_write_prepare(struct file *f, struct iov_iter *from, loff_t *pos)
{
	ssize_t n = write_checks(f, from, pos);
	int err;

	if (n <= 0)
		return n;
	err = file_remove_privs(f);
	if (!err)
		err = file_update_time(f);
	return err ?: n;
}

ssize_t generic_write_locked(struct file *f, struct iov_iter *from, loff_t *pos)
{
	ssize_t n = generic_write_prepare(f, from, pos);

	if (n <= 0)
		return n;
	n = cache_write_iter(f, f->mapping, from, pos);
	if (n > 0)
		reclaim_balance_dirty();
	return n;
}

int generic_fsync(struct file *f, loff_t start, loff_t end, bool data_only)
{
	int err = file_write_and_wait(f, start, end), serr;

	serr = inode_sync_attrs(f->inode, true, data_only);
	return err ?: serr;
}

int noop_fsync(struct file *f, loff_t start, loff_t end, bool data_only)
{
	return 0;
}

/* Positions */

loff_t generic_lseek_size(struct file *f, loff_t offset, int whence, loff_t max, loff_t eof)
{
	switch (whence) {
	case SEEK_SET: break;
	case SEEK_CUR:
		if (!offset)
			return f->pos;
		if (__builtin_add_overflow(offset, f->pos, &offset))
			return -EOVERFLOW;
		break;
	case SEEK_END:
		if (__builtin_add_overflow(offset, eof, &offset))
			return -EOVERFLOW;
		break;
	case SEEK_DATA:
		if (offset < 0 || offset >= eof)
			return -ENXIO;
		break;
	case SEEK_HOLE:
		if (offset < 0 || offset >= eof)
			return -ENXIO;
		offset = eof;
		break;
	default: return -EINVAL;
	}
	if (offset < 0 || offset > max)
		return -EINVAL;
	if (offset != f->pos)
		f->pos = offset;
	return offset;
}

loff_t generic_lseek(struct file *f, loff_t offset, int whence)
{
	return generic_lseek_size(f, offset, whence, f->inode->sb->max_bytes,
				  READ_ONCE(f->inode->size));
}

loff_t no_lseek(struct file *f, loff_t offset, int whence)
{
	return -ESPIPE;
}

loff_t noop_lseek(struct file *f, loff_t offset, int whence)
{
	return f->pos;
}
