/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fcntl(2). */
#include <fs/locks.h>
#include <fs/pipe.h>
#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/signal.h>
#include <kernel/sched/limits.h>
#include <kernel/abi/resource.h>
#include <mm/mapping.h>
#include <mm/shmem.h>
#include <mm/usercopy.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

#define SETFL_MASK (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME)

static int set_fasync(int fd, struct file *f, bool on)
{
	if (!!(f->flags & FASYNC) == on)
		return 0;
	if (!f->ops->fasync)
		return on ? -EINVAL : 0;
	return f->ops->fasync(f, on);
}

static long set_flags(int fd, struct file *f, unsigned long arg)
{
	int err;

	if ((f->inode->flags & S_APPEND) && !(arg & O_APPEND) && (f->flags & O_APPEND))
		return -EPERM;
	if ((arg & O_NOATIME) && !(f->flags & O_NOATIME) && !inode_owner_or_capable(f->inode))
		return -EPERM;
	if ((arg & O_DIRECT) && !(f->flags & O_DIRECT) && !f->ops->setfl && !f->inode->sb->bdev &&
	    !file_shmem(f))
		return -EINVAL;
	if (f->ops->setfl) {
		err = f->ops->setfl(f, arg);
		if (err)
			return err;
	}
	err = set_fasync(fd, f, arg & FASYNC);
	if (err)
		return err == -EINVAL && !f->ops->fasync ? 0 : err;
	guard_spin(&f->lock);
	WRITE_ONCE(f->flags, (arg & SETFL_MASK) | (f->flags & ~(u32)SETFL_MASK));
	return 0;
}

static long dup_from(struct file *f, unsigned long from, u32 flags)
{
	int fd;

	if (from >= rlimit_get(RLIMIT_NOFILE))
		return -EINVAL;
	fd = fd_reserve_from(from, flags);
	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

/* Owners */

static long set_owner(struct file *f, int who)
{
	if (who == INT_MIN)
		return -EINVAL;
	return file_set_owner(f, who < 0 ? -who : who, who < 0 ? F_OWNER_PGRP : F_OWNER_PID, true);
}

static long set_owner_ex(struct file *f, const void __user *arg)
{
	struct f_owner_ex o;

	if (copy_from_user(&o, arg, sizeof(o)))
		return -EFAULT;
	if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP || o.pid < 0)
		return -EINVAL;
	return file_set_owner(f, o.pid, o.type, true);
}

static long get_owner_ex(struct file *f, void __user *arg)
{
	struct f_owner_ex o = { .type = F_OWNER_TID };
	s32 nr = file_get_owner(f);

	if (f->owner)
		o.type = f->owner->pid_type;
	o.pid = nr < 0 ? -nr : nr;
	return copy_to_user(arg, &o, sizeof(o));
}

static long set_sig(struct file *f, unsigned long arg)
{
	struct file_owner *o;

	if (arg > KSIG_COUNT)
		return -EINVAL;
	o = file_owner_make(f);
	if (!o)
		return -ENOMEM;
	WRITE_ONCE(o->signum, (u32)arg);
	return 0;
}

static long get_seals(struct file *f)
{
	struct shmem *s = file_shmem(f);

	return s ? (long)READ_ONCE(s->seals) : -EINVAL;
}

static long add_seals(struct file *f, unsigned long seals)
{
	struct shmem *s = file_shmem(f);
	int err;

	if (!s)
		return -EINVAL;
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(unsigned long)(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE |
				     F_SEAL_FUTURE_WRITE | F_SEAL_EXEC))
		return -EINVAL;
	rwsem_write_lock(&f->inode->lock);
	err = shmem_add_seals(s, seals);
	rwsem_write_unlock(&f->inode->lock);
	return err;
}

static bool allowed_on_path_file(unsigned cmd)
{
	return cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC || cmd == F_GETFD || cmd == F_SETFD ||
	       cmd == F_GETFL;
}

static long fcntl_file(int fd, struct file *f, unsigned cmd, unsigned long arg)
{
	void __user *ptr = (void __user *)arg;
	bool cloexec;
	long err;

	switch (cmd) {
	case F_DUPFD: return dup_from(f, arg, 0);
	case F_DUPFD_CLOEXEC: return dup_from(f, arg, O_CLOEXEC);
	case F_GETFD:
		err = fd_get_cloexec(fd, &cloexec);
		return err ?: cloexec ? FD_CLOEXEC : 0;
	case F_SETFD: return fd_set_cloexec(fd, arg & FD_CLOEXEC);
	case F_GETFL: return f->flags;
	case F_SETFL: return set_flags(fd, f, arg);
	case F_GETLK: return lock_get_user(f, ptr, false);
	case F_OFD_GETLK: return lock_get_user(f, ptr, true);
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_SETLK:
	case F_OFD_SETLKW: return lock_set_user(fd, f, cmd, ptr);
	case F_SETOWN: return set_owner(f, arg);
	case F_GETOWN: return file_get_owner(f);
	case F_SETOWN_EX: return set_owner_ex(f, ptr);
	case F_GETOWN_EX: return get_owner_ex(f, ptr);
	case F_SETSIG: return set_sig(f, arg);
	case F_GETSIG: return f->owner ? READ_ONCE(f->owner->signum) : 0;
	case F_SETPIPE_SZ: return pipe_set_size(f, arg);
	case F_GETPIPE_SZ: return pipe_get_size(f);
	case F_ADD_SEALS: return add_seals(f, arg);
	case F_GET_SEALS: return get_seals(f);
	case F_GETLEASE: return F_UNLCK;
	case F_DUPFD_QUERY: {
		struct fdref other = fd_get_raw(arg);
		bool same = other.file == f;

		if (!other.file)
			return -EBADF;
		fd_put(other);
		return same;
	}
	default: return -EINVAL;
	}
}

long sys_fcntl(int fd, unsigned int cmd, unsigned long arg)
{
	struct fdref ref = fd_get_raw(fd);
	long err = -EBADF;

	if (!ref.file)
		return -EBADF;
	if (likely(!(ref.file->mode & FMODE_PATH)) || allowed_on_path_file(cmd))
		err = fcntl_file(fd, ref.file, cmd, arg);
	fd_put(ref);
	return err;
}
