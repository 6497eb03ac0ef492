/* SPDX-License-Identifier: GPL-2.0-or-later */
/* read(2), write(2), their vector and positioned forms, lseek(2). */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/uio.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/usercopy.h>

#include "syscalls_internal.h"

static int one_buffer(struct iov_iter *it, enum iter_dir dir, const void __user *buf, size_t count)
{
	if ((ssize_t)count < 0)
		return -EINVAL;
	return import_ubuf(it, dir, (void __user *)buf,
			   count > ITER_MAX_BYTES ? ITER_MAX_BYTES : count);
}

long sys_read(int fd, void __user *buf, size_t count)
{
	struct fdref ref = fd_get_pos(fd);
	struct iov_iter it;
	ssize_t n;

	if (unlikely(!ref.file))
		return -EBADF;
	n = one_buffer(&it, ITER_DEST, buf, count);
	if (likely(!n))
		n = vfs_read_iter(ref.file, &it, &ref.file->pos);
	fd_put(ref);
	return n;
}

long sys_write(int fd, const void __user *buf, size_t count)
{
	struct fdref ref = fd_get_pos(fd);
	struct iov_iter it;
	ssize_t n;

	if (unlikely(!ref.file))
		return -EBADF;
	n = one_buffer(&it, ITER_SOURCE, buf, count);
	if (likely(!n))
		n = vfs_write_iter(ref.file, &it, &ref.file->pos);
	fd_put(ref);
	return n;
}

static ssize_t transfer(struct file *f, struct iov_iter *it, enum iter_dir dir, loff_t *pos)
{
	return dir == ITER_DEST ? vfs_read_iter(f, it, pos) : vfs_write_iter(f, it, pos);
}

/* At a position of the caller's. */
static ssize_t transfer_at(struct file *f, struct iov_iter *it, enum iter_dir dir, loff_t pos)
{
	if (pos < 0)
		return -EINVAL;
	if (!(f->mode & (dir == ITER_DEST ? FMODE_PREAD : FMODE_PWRITE)))
		return -ESPIPE;
	return transfer(f, it, dir, &pos);
}

static long positioned(int fd, const void __user *buf, size_t count, loff_t pos, enum iter_dir dir)
{
	struct fdref ref;
	struct iov_iter it;
	ssize_t n;

	if (pos < 0)
		return -EINVAL;
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	n = one_buffer(&it, dir, buf, count);
	if (!n)
		n = transfer_at(ref.file, &it, dir, pos);
	fd_put(ref);
	return n;
}

long sys_pread64(int fd, void __user *buf, size_t count, loff_t pos)
{
	return positioned(fd, buf, count, pos, ITER_DEST);
}

long sys_pwrite64(int fd, const void __user *buf, size_t count, loff_t pos)
{
	return positioned(fd, buf, count, pos, ITER_SOURCE);
}

static int rw_flags_check(const struct file *f, int flags, enum iter_dir dir)
{
	if (flags & ~RWF_SUPPORTED)
		return -EOPNOTSUPP;
	if ((flags & RWF_NOWAIT) && !(f->mode & FMODE_NOWAIT))
		return -EOPNOTSUPP;
	if (flags & RWF_ATOMIC)
		return -EOPNOTSUPP;
	if ((flags & RWF_APPEND) && (flags & RWF_NOAPPEND))
		return -EINVAL;
	if ((flags & RWF_NOAPPEND) && (f->inode->flags & S_APPEND))
		return -EPERM;
	return dir == ITER_DEST && (flags & RWF_APPEND) ? -EOPNOTSUPP : 0;
}

/* After a write with RWF_SYNC or RWF_DSYNC. */
static ssize_t rw_sync(struct file *f, int flags, loff_t end, ssize_t n)
{
	int err;

	if (n <= 0 || !(flags & (RWF_SYNC | RWF_DSYNC)) || !f->ops->fsync)
		return n;
	err = f->ops->fsync(f, end - n, end - 1, !(flags & RWF_SYNC));
	return err ?: n;
}

static ssize_t vector_at(struct file *f, struct iov_iter *it, enum iter_dir dir, bool at,
			 loff_t pos, int flags)
{
	loff_t *where = at ? &pos : &f->pos;
	ssize_t n = rw_flags_check(f, flags, dir);

	if (n)
		return n;
	if (at && pos < 0)
		return -EINVAL;
	if (at && !(f->mode & (dir == ITER_DEST ? FMODE_PREAD : FMODE_PWRITE)))
		return -ESPIPE;
	it->rwf = flags;
	n = transfer(f, it, dir, where);
	return dir == ITER_SOURCE ? rw_sync(f, flags, *where, n) : n;
}

static long vector(int fd, const struct iovec __user *vec, unsigned long vlen, enum iter_dir dir,
		   bool at, loff_t pos, int flags)
{
	struct fdref ref = at ? fd_get(fd) : fd_get_pos(fd);
	struct iter_vec fast[ITER_FAST_VECS];
	struct iov_iter it;
	void *alloc;
	ssize_t n;

	if (!ref.file)
		return -EBADF;
	n = import_iovec(&it, dir, vec, vlen, fast, &alloc);
	if (!n) {
		n = vector_at(ref.file, &it, dir, at, pos, flags);
		kfree(alloc);
	}
	fd_put(ref);
	return n;
}

long sys_readv(int fd, const struct iovec __user *vec, unsigned long vlen)
{
	return vector(fd, vec, vlen, ITER_DEST, false, 0, 0);
}

long sys_writev(int fd, const struct iovec __user *vec, unsigned long vlen)
{
	return vector(fd, vec, vlen, ITER_SOURCE, false, 0, 0);
}

/* On 64-bit machines the low word is the whole position. */
long sys_preadv(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l,
		unsigned long pos_h)
{
	return vector(fd, vec, vlen, ITER_DEST, true, pos_l, 0);
}

long sys_pwritev(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l,
		 unsigned long pos_h)
{
	return vector(fd, vec, vlen, ITER_SOURCE, true, pos_l, 0);
}

long sys_preadv2(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l,
		 unsigned long pos_h, int flags)
{
	return vector(fd, vec, vlen, ITER_DEST, pos_l != -1ul, pos_l, flags);
}

long sys_pwritev2(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned long pos_l,
		  unsigned long pos_h, int flags)
{
	return vector(fd, vec, vlen, ITER_SOURCE, pos_l != -1ul, pos_l, flags);
}

long sys_lseek(int fd, loff_t offset, unsigned int whence)
{
	struct fdref ref = fd_get_pos(fd);
	loff_t ret = -ESPIPE;

	if (!ref.file)
		return -EBADF;
	if (whence > SEEK_MAX)
		ret = -EINVAL;
	else if (ref.file->mode & FMODE_LSEEK)
		ret = ref.file->ops->lseek(ref.file, offset, whence);
	fd_put(ref);
	return ret;
}
