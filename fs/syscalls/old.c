/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File calls that only the oldest system-call table has: each is a case of a newer one. */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/super.h>
#include <fs/vfs/namei.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/time.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/signal/signal.h>
#include <kernel/time/clock.h>
#include <mm/usercopy.h>
#include <fs/vfs/core.h>

#include "dents_internal.h"
#include "poll_internal.h"
#include "syscalls_internal.h"

struct timeval_old {
	long sec, usec;
};

struct utimbuf {
	long actime, modtime;
};

struct ustat {
	int tfree;
	unsigned long tinode;
	char name[6], pack[6];
};

long sys_open(const char __user *filename, int flags, u32 mode)
{
	return open_user(AT_FDCWD, filename, flags, mode);
}

long sys_creat(const char __user *filename, u32 mode)
{
	return open_user(AT_FDCWD, filename, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_stat(const char __user *filename, struct stat __user *statbuf)
{
	return stat_user(AT_FDCWD, filename, 0, statbuf);
}

long sys_lstat(const char __user *filename, struct stat __user *statbuf)
{
	return stat_user(AT_FDCWD, filename, AT_SYMLINK_NOFOLLOW, statbuf);
}

long sys_access(const char __user *filename, int mode)
{
	return access_user(AT_FDCWD, filename, mode, 0);
}

long sys_readlink(const char __user *path, void __user *buf, int bufsiz)
{
	return readlink_user(AT_FDCWD, path, buf, bufsiz);
}

long sys_mkdir(const char __user *path, u32 mode)
{
	return mkdir_user(AT_FDCWD, path, mode);
}

long sys_mknod(const char __user *filename, u32 mode, unsigned int dev)
{
	return mknod_user(AT_FDCWD, filename, mode, dev);
}

long sys_rmdir(const char __user *path)
{
	return rmdir_user(AT_FDCWD, path);
}

long sys_unlink(const char __user *path)
{
	return unlink_user(AT_FDCWD, path);
}

long sys_link(const char __user *oldname, const char __user *newname)
{
	return link_user(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

long sys_symlink(const char __user *target, const char __user *linkpath)
{
	return symlink_user(target, AT_FDCWD, linkpath);
}

long sys_rename(const char __user *oldname, const char __user *newname)
{
	return rename_user(AT_FDCWD, oldname, AT_FDCWD, newname, 0);
}

long sys_chmod(const char __user *filename, u32 mode)
{
	return chmod_user(AT_FDCWD, filename, mode, 0);
}

long sys_chown(const char __user *filename, u32 user, u32 group)
{
	return chown_user(AT_FDCWD, filename, user, group, 0);
}

long sys_lchown(const char __user *filename, u32 user, u32 group)
{
	return chown_user(AT_FDCWD, filename, user, group, AT_SYMLINK_NOFOLLOW);
}

long sys_dup2(int oldfd, int newfd)
{
	struct fdref ref;

	if (oldfd != newfd)
		return sys_dup3(oldfd, newfd, 0);
	ref = fd_get_raw(oldfd);
	if (!ref.file)
		return -EBADF;
	fd_put(ref);
	return oldfd;
}

long sys_pipe(int __user *fds)
{
	return sys_pipe2(fds, 0);
}

/* Times */

static int timeval_ns(const struct timeval_old *tv, s64 *ns)
{
	if (tv->usec < 0 || tv->usec >= (long)USEC_PER_SEC)
		return -EINVAL;
	*ns = tv->sec * (s64)NSEC_PER_SEC + tv->usec * (s64)NSEC_PER_USEC;
	return 0;
}

long sys_utime(const char __user *filename, const struct utimbuf __user *times)
{
	struct utimbuf t;
	s64 ns[2];

	if (!times)
		return utimes_user(AT_FDCWD, filename, NULL, 0);
	if (copy_from_user(&t, times, sizeof(t)))
		return -EFAULT;
	ns[0] = t.actime * (s64)NSEC_PER_SEC;
	ns[1] = t.modtime * (s64)NSEC_PER_SEC;
	return utimes_user(AT_FDCWD, filename, ns, 0);
}

long sys_futimesat(int dfd, const char __user *filename, const struct timeval_old __user *times)
{
	struct timeval_old tv[2];
	s64 ns[2];
	int err;

	if (!times)
		return utimes_user(dfd, filename, NULL, 0);
	if (copy_from_user(tv, times, sizeof(tv)))
		return -EFAULT;
	err = timeval_ns(&tv[0], &ns[0]) ?: timeval_ns(&tv[1], &ns[1]);
	return err ?: utimes_user(dfd, filename, ns, 0);
}

long sys_utimes(const char __user *filename, const struct timeval_old __user *times)
{
	return sys_futimesat(AT_FDCWD, filename, times);
}

/* getdents: the type follows the name, as the record's last byte. */

static bool emit_old(struct dir_context *ctx, const char *name, size_t len, loff_t pos, u64 ino,
		     unsigned type)
{
	struct dents *d = container_of(ctx, struct dents, ctx);
	size_t head = offsetof(struct linux_dirent, d_name),
	       size = ALIGN_UP(head + len + 2, sizeof(long));
	struct linux_dirent *e = dents_room(d, size, pos);

	if (!e)
		return false;
	e->d_ino = ino;
	d->last_off = &e->d_off;
	e->d_reclen = size;
	memcpy(e->d_name, name, len);
	memset(e->d_name + len, 0, size - head - len);
	((char *)e)[size - 1] = type;
	return true;
}

long sys_getdents(int fd, void __user *dirent, unsigned int count)
{
	return dents_user(fd, dirent, count, emit_old);
}

/* Waiting */

static long poll_restart(struct thread *t)
{
	u64 deadline = t->restart.args[2];
	long ret = poll_user((struct pollfd __user *)(vaddr_t)t->restart.args[0],
			     t->restart.args[1], deadline);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

long sys_poll(struct pollfd __user *fds, unsigned int nfds, int timeout)
{
	u64 deadline = timeout < 0 ? KTIME_MAX
		       : timeout   ? clock_deadline(timeout * NSEC_PER_MSEC)
				   : 0;
	long ret = poll_user(fds, nfds, deadline);

	if (ret == -EINTR) {
		struct thread *t = thread_current();

		t->restart.fn = poll_restart;
		t->restart.args[0] = (vaddr_t)fds;
		t->restart.args[1] = nfds;
		t->restart.args[2] = deadline;
		ret = -ERESTART_RESTARTBLOCK;
	}
	return ret;
}

long sys_select(int n, fd_set_t __user *inp, fd_set_t __user *outp, fd_set_t __user *exp,
		struct timeval_old __user *tvp)
{
	u64 deadline = KTIME_MAX, now;
	struct timeval_old tv;
	long ret;

	if (tvp) {
		u64 ns;

		if (copy_from_user(&tv, tvp, sizeof(tv)))
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		ns = (u64)tv.sec > S64_MAX / NSEC_PER_SEC
			     ? (u64)KTIME_MAX
			     : tv.sec * NSEC_PER_SEC + tv.usec * NSEC_PER_USEC;
		deadline = ns ? clock_deadline(ns) : 0;
	}
	ret = select_user(n, inp, outp, exp, deadline);
	if (tvp && deadline != KTIME_MAX) {
		now = clock_mono_ns();
		memset(&tv, 0, sizeof(tv));
		if (deadline > now) {
			tv.sec = (deadline - now) / NSEC_PER_SEC;
			tv.usec = (deadline - now) % NSEC_PER_SEC / NSEC_PER_USEC;
		}
		(void)!copy_to_user(tvp, &tv, sizeof(tv));
	}
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

long sys_ustat(unsigned int dev, struct ustat __user *ubuf)
{
	struct superblock *sb = super_by_dev(dev_decode(dev));
	struct kstatfs k;
	struct ustat u;
	int err;

	if (!sb)
		return -EINVAL;
	err = super_statfs(sb, &k);
	super_put_active(sb);
	if (err)
		return err;
	memset(&u, 0, sizeof(u));
	u.tfree = k.bfree;
	u.tinode = k.ffree;
	return copy_to_user(ubuf, &u, sizeof(u));
}
