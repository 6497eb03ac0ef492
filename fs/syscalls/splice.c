/* SPDX-License-Identifier: GPL-2.0-or-later */
/* splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2). */
#include <fs/pipe.h>
#include <fs/splice.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/minmax.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/usercopy.h>

#include "syscalls_internal.h"

/* A position argument: the user's if given, else the file's. */
struct position {
	loff_t value;
	loff_t __user *user;
	struct file *file;
};

static int position_get(struct position *p, struct file *f, loff_t __user *user)
{
	p->user = user;
	p->file = f;
	if (!user) {
		p->value = f->pos;
		return 0;
	}
	if (copy_from_user(&p->value, user, sizeof(p->value)))
		return -EFAULT;
	return p->value < 0 ? -EINVAL : 0;
}

static int position_put(struct position *p)
{
	if (p->user)
		return copy_to_user(p->user, &p->value, sizeof(p->value));
	p->file->pos = p->value;
	return 0;
}

static long splice_to_pipe(struct file *in, loff_t __user *off_in, struct pipe *p, size_t len,
			   unsigned flags)
{
	struct position pos;
	long n = position_get(&pos, in, off_in);

	if (n)
		return n;
	if (off_in && !(in->mode & FMODE_PREAD))
		return -EINVAL;
	n = splice_file_to_pipe(in, &pos.value, p, len, flags);
	return n > 0 && position_put(&pos) ? -EFAULT : n;
}

static long splice_from_pipe(struct pipe *p, struct file *out, loff_t __user *off_out, size_t len,
			     unsigned flags)
{
	struct position pos;
	long n = position_get(&pos, out, off_out);

	if (n)
		return n;
	if (off_out && !(out->mode & FMODE_PWRITE))
		return -EINVAL;
	if (out->flags & O_APPEND)
		return -EINVAL;
	n = splice_pipe_to_file(p, out, &pos.value, len, flags);
	return n > 0 && position_put(&pos) ? -EFAULT : n;
}

static long do_splice(struct file *in, loff_t __user *off_in, struct file *out,
		      loff_t __user *off_out, size_t len, unsigned flags)
{
	struct pipe *pin = file_pipe(in), *pout = file_pipe(out);

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if ((pin && off_in) || (pout && off_out))
		return -ESPIPE;
	if ((in->flags | out->flags) & O_NONBLOCK)
		flags |= pin || pout ? SPLICE_F_NONBLOCK : 0;
	if (pin && pout)
		return pin == pout ? -EINVAL : splice_pipe_to_pipe(pin, pout, len, flags);
	if (pin)
		return splice_from_pipe(pin, out, off_out, len, flags);
	if (pout)
		return splice_to_pipe(in, off_in, pout, len, flags);
	return -EINVAL;
}

#define SPLICE_FLAGS (SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT)

long sys_splice(int in, loff_t __user *off_in, int out, loff_t __user *off_out, size_t len,
		unsigned int flags)
{
	struct fdref a, b;
	long n = -EBADF;

	if (!len)
		return 0;
	if (flags & ~(unsigned)SPLICE_FLAGS)
		return -EINVAL;
	a = fd_get(in);
	if (!a.file)
		return -EBADF;
	b = fd_get(out);
	if (b.file) {
		n = do_splice(a.file, off_in, b.file, off_out, min_t(size_t, len, ITER_MAX_BYTES),
			      flags);
		fd_put(b);
	}
	fd_put(a);
	return n;
}

long sys_tee(int in, int out, size_t len, unsigned int flags)
{
	struct fdref a, b;
	long n = -EBADF;

	if (flags & ~(unsigned)SPLICE_FLAGS)
		return -EINVAL;
	if (!len)
		return 0;
	a = fd_get(in);
	if (!a.file)
		return -EBADF;
	b = fd_get(out);
	if (b.file) {
		struct pipe *pin = file_pipe(a.file), *pout = file_pipe(b.file);

		if (!(a.file->mode & FMODE_READ) || !(b.file->mode & FMODE_WRITE))
			n = -EBADF;
		else if (!pin || !pout || pin == pout)
			n = -EINVAL;
		else
			n = splice_tee(pin, pout, len,
				       flags | ((a.file->flags | b.file->flags) & O_NONBLOCK
							? SPLICE_F_NONBLOCK
							: 0));
		fd_put(b);
	}
	fd_put(a);
	return n;
}

long sys_vmsplice(int fd, const struct iovec __user *vec, unsigned long vlen, unsigned int flags)
{
	struct iter_vec fast[ITER_FAST_VECS];
	struct iov_iter it;
	struct fdref ref;
	loff_t pos = 0;
	void *alloc;
	long n;

	if (flags & ~(unsigned)SPLICE_FLAGS)
		return -EINVAL;
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	n = -EBADF;
	if (!file_pipe(ref.file))
		goto put;
	enum iter_dir dir = ref.file->mode & FMODE_WRITE ? ITER_SOURCE : ITER_DEST;

	n = import_iovec(&it, dir, vec, vlen, fast, &alloc);
	if (n)
		goto put;
	/* Pages of the user are copied: lending them would let the pipe's content change after the
	 * call. */
	if (dir == ITER_SOURCE)
		n = vfs_write_iter(ref.file, &it, &pos);
	else
		n = vfs_read_iter(ref.file, &it, &pos);
	kfree(alloc);
put:
	fd_put(ref);
	return n;
}

static long do_sendfile(struct file *out, struct file *in, loff_t *pos, size_t count)
{
	loff_t out_pos = out->pos;
	ssize_t n;

	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (out->flags & O_APPEND)
		return -EINVAL;
	/* What cannot seek would lose what was read and not written; into a pipe nothing is
	 * lost. */
	if (!(in->mode & FMODE_LSEEK) && !S_ISFIFO(out->inode->mode))
		return -EINVAL;
	n = splice_direct(in, pos, out, &out_pos, min_t(size_t, count, ITER_MAX_BYTES), 0);
	if (n > 0)
		out->pos = out_pos;
	return n;
}

long sys_sendfile(int out_fd, int in_fd, loff_t __user *offset, size_t count)
{
	struct fdref in = fd_get(in_fd), out;
	struct position pos;
	long n = -EBADF;

	if (!in.file)
		return -EBADF;
	out = fd_get(out_fd);
	if (!out.file)
		goto put_in;
	n = position_get(&pos, in.file, offset);
	if (!n && offset && !(in.file->mode & FMODE_PREAD))
		n = -ESPIPE;
	if (!n)
		n = do_sendfile(out.file, in.file, &pos.value, count);
	if (n >= 0 && position_put(&pos))
		n = -EFAULT;
	fd_put(out);
put_in:
	fd_put(in);
	return n;
}

/* copy_file_range */

static int copy_range_check(struct file *in, loff_t in_pos, struct file *out, loff_t out_pos,
			    size_t *len)
{
	loff_t size, end;

	if (S_ISDIR(in->inode->mode) || S_ISDIR(out->inode->mode))
		return -EISDIR;
	if (!S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE) || (out->flags & O_APPEND))
		return -EBADF;
	if (out->inode->flags & S_IMMUTABLE)
		return -EPERM;
	if (__builtin_add_overflow(in_pos, (loff_t)*len, &end) ||
	    __builtin_add_overflow(out_pos, (loff_t)*len, &end))
		return -EOVERFLOW;
	size = READ_ONCE(in->inode->size);
	*len = in_pos >= size ? 0 : min_t(u64, *len, size - in_pos);
	if (in->inode == out->inode && out_pos < in_pos + (loff_t)*len &&
	    in_pos < out_pos + (loff_t)*len)
		return -EINVAL;
	return 0;
}

static ssize_t copy_range(struct file *in, loff_t *in_pos, struct file *out, loff_t *out_pos,
			  size_t len)
{
	ssize_t n = copy_range_check(in, *in_pos, out, *out_pos, &len);

	if (n || !len)
		return n;
	len = min_t(size_t, len, ITER_MAX_BYTES);
	if (out->ops->copy_range && in->inode->sb == out->inode->sb) {
		n = out->ops->copy_range(in, *in_pos, out, *out_pos, len);
		if (n != -EOPNOTSUPP && n != -EXDEV) {
			if (n > 0) {
				*in_pos += n;
				*out_pos += n;
			}
			return n;
		}
	}
	return splice_direct(in, in_pos, out, out_pos, len, 0);
}

long sys_copy_file_range(int in_fd, loff_t __user *off_in, int out_fd, loff_t __user *off_out,
			 size_t len, unsigned int flags)
{
	struct fdref in = fd_get(in_fd), out;
	struct position pin, pout;
	long n = -EBADF;

	if (!in.file)
		return -EBADF;
	out = fd_get(out_fd);
	if (!out.file)
		goto put_in;
	n = flags ? -EINVAL : position_get(&pin, in.file, off_in);
	if (!n)
		n = position_get(&pout, out.file, off_out);
	if (!n)
		n = copy_range(in.file, &pin.value, out.file, &pout.value, len);
	if (n > 0 && (position_put(&pin) || position_put(&pout)))
		n = -EFAULT;
	fd_put(out);
put_in:
	fd_put(in);
	return n;
}
