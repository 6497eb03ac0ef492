/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flock(2) and the record locks of fcntl(2). */
#include <fs/locks.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/usercopy.h>

#include "syscalls_internal.h"

long sys_flock(int fd, unsigned int cmd)
{
	struct fdref ref;
	long err = -EINVAL;
	unsigned type;

	/* Mandatory locks are gone; those who ask are told what they were told before. */
	if (cmd & LOCK_MAND)
		return 0;
	switch (cmd & ~(unsigned)LOCK_NB) {
	case LOCK_SH: type = F_RDLCK; break;
	case LOCK_EX: type = F_WRLCK; break;
	case LOCK_UN: type = F_UNLCK; break;
	default: return -EINVAL;
	}
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	if (type != F_UNLCK && !(ref.file->mode & (FMODE_READ | FMODE_WRITE)))
		err = -EBADF;
	else
		err = flock_file(ref.file, type, !(cmd & LOCK_NB));
	fd_put(ref);
	return err;
}

/* The user's range relative to the file, as first and last byte. */
static int lock_range(struct file *f, const struct flock *l, struct file_lock *out)
{
	loff_t start;

	switch (l->l_whence) {
	case SEEK_SET: start = 0; break;
	case SEEK_CUR: start = f->pos; break;
	case SEEK_END: start = READ_ONCE(f->inode->size); break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(start, l->l_start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	out->first = start;
	out->last = S64_MAX;
	if (l->l_len > 0) {
		if (__builtin_add_overflow(start, l->l_len - 1, &out->last))
			return -EOVERFLOW;
	} else if (l->l_len < 0) {
		if (start + l->l_len < 0)
			return -EINVAL;
		out->first = start + l->l_len;
		out->last = start - 1;
	}
	return 0;
}

static int lock_decode(struct file *f, const struct flock __user *user, bool ofd,
		       struct file_lock *out)
{
	struct flock l;

	if (copy_from_user(&l, user, sizeof(l)))
		return -EFAULT;
	if (l.l_type != F_RDLCK && l.l_type != F_WRLCK && l.l_type != F_UNLCK)
		return -EINVAL;
	if (ofd && l.l_pid)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	out->type = l.l_type;
	out->ofd = ofd;
	out->owner = ofd ? (void *)f : (void *)thread_current()->files;
	out->pid = ofd ? -1 : (s32)lock_owner_pid();
	return lock_range(f, &l, out);
}

long lock_get_user(struct file *f, struct flock __user *user, bool ofd)
{
	struct file_lock want;
	struct flock l;
	int err = lock_decode(f, user, ofd, &want);

	if (err)
		return err;
	if (want.type == F_UNLCK && !ofd)
		return -EINVAL;
	posix_lock_test(f, &want);
	memset(&l, 0, sizeof(l));
	if (copy_from_user(&l, user, sizeof(l)))
		return -EFAULT;
	l.l_type = want.type;
	if (want.type != F_UNLCK) {
		l.l_whence = SEEK_SET;
		l.l_start = want.first;
		l.l_len = want.last == S64_MAX ? 0 : want.last - want.first + 1;
		l.l_pid = want.pid;
	}
	return copy_to_user(user, &l, sizeof(l));
}

long lock_set_user(int fd, struct file *f, unsigned cmd, const struct flock __user *user)
{
	bool ofd = cmd == F_OFD_SETLK || cmd == F_OFD_SETLKW,
	     wait = cmd == F_SETLKW || cmd == F_OFD_SETLKW;
	struct file_lock lock;
	int err = lock_decode(f, user, ofd, &lock);

	if (err)
		return err;
	if ((lock.type == F_RDLCK && !(f->mode & FMODE_READ)) ||
	    (lock.type == F_WRLCK && !(f->mode & FMODE_WRITE)))
		return -EBADF;
	err = posix_lock_set(f, &lock, wait);
	/* A close of this number that raced with us found no lock to drop. */
	if (!err && lock.type != F_UNLCK && !ofd) {
		struct file *now = fd_file_raw(fd);

		if (now != f) {
			lock.type = F_UNLCK;
			(void)!posix_lock_set(f, &lock, false);
			err = -EBADF;
		}
		if (now)
			file_put(now);
	}
	return err;
}
