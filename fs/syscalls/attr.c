/* SPDX-License-Identifier: GPL-2.0-or-later */
/* chmod(2), chown(2), utimensat(2), truncate(2), fallocate(2). */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/abi/fcntl.h>
#include <kernel/time/clock.h>
#include <mm/usercopy.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

/* Apply `attr` to what `path` names, mount and inode made ready. */
static int setattr_path(const struct path *path, struct iattr *attr)
{
	struct inode *inode = path->dentry->inode;
	int err = mount_want_write(path->mnt);

	if (err)
		return err;
	rwsem_write_lock(&inode->lock);
	err = vfs_setattr(path->dentry, attr);
	rwsem_write_unlock(&inode->lock);
	mount_drop_write(path->mnt);
	return err;
}

static int chmod_path(const struct path *path, umode_t mode)
{
	struct inode *inode = path->dentry->inode;
	struct iattr attr = {
		.valid = ATTR_MODE | ATTR_CTIME,
		.mode = (mode & S_IALLUGO) | (inode->mode & ~(umode_t)S_IALLUGO),
	};

	if (S_ISLNK(inode->mode))
		return -EOPNOTSUPP;
	return setattr_path(path, &attr);
}

long chmod_user(int dfd, const char __user *name, umode_t mode, unsigned flags)
{
	struct path path;
	int err = path_at(dfd, name, flags, &path);

	if (err)
		return err;
	err = chmod_path(&path, mode);
	path_put(&path);
	return err;
}

long sys_fchmodat(int dfd, const char __user *filename, u32 mode)
{
	return chmod_user(dfd, filename, mode, 0);
}

long sys_fchmodat2(int dfd, const char __user *filename, u32 mode, unsigned int flags)
{
	if (flags & ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chmod_user(dfd, filename, mode, flags);
}

long sys_fchmod(int fd, u32 mode)
{
	struct fdref ref = fd_get(fd);
	int err;

	if (!ref.file)
		return -EBADF;
	err = chmod_path(&ref.file->path, mode);
	fd_put(ref);
	return err;
}

static int chown_path(const struct path *path, u32 uid, u32 gid)
{
	struct inode *inode = path->dentry->inode;
	struct iattr attr = { .valid = ATTR_CTIME };

	if (uid != (u32)-1) {
		attr.valid |= ATTR_UID;
		attr.uid = uid;
	}
	if (gid != (u32)-1) {
		attr.valid |= ATTR_GID;
		attr.gid = gid;
	}
	if (!S_ISDIR(inode->mode)) {
		attr.valid |= ATTR_KILL_SUID;
		if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			attr.valid |= ATTR_KILL_SGID;
	}
	return setattr_path(path, &attr);
}

long chown_user(int dfd, const char __user *name, u32 uid, u32 gid, unsigned flags)
{
	struct path path;
	int err = path_at(dfd, name, flags, &path);

	if (err)
		return err;
	err = chown_path(&path, uid, gid);
	path_put(&path);
	return err;
}

long sys_fchownat(int dfd, const char __user *filename, u32 user, u32 group, int flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chown_user(dfd, filename, user, group, flags);
}

long sys_fchown(int fd, u32 user, u32 group)
{
	struct fdref ref = fd_get(fd);
	int err;

	if (!ref.file)
		return -EBADF;
	err = chown_path(&ref.file->path, user, group);
	fd_put(ref);
	return err;
}

/* Times */

static int utimes_path(const struct path *path, const s64 times[2])
{
	struct iattr attr = { .valid = ATTR_CTIME | ATTR_ATIME | ATTR_MTIME };

	if (times) {
		if (times[0] == TIME_OMIT && times[1] == TIME_OMIT)
			return 0;
		if (times[0] == TIME_OMIT) {
			attr.valid &= ~(u32)ATTR_ATIME;
		} else if (times[0] != TIME_NOW) {
			attr.atime = times[0];
			attr.valid |= ATTR_ATIME_SET;
		}
		if (times[1] == TIME_OMIT) {
			attr.valid &= ~(u32)ATTR_MTIME;
		} else if (times[1] != TIME_NOW) {
			attr.mtime = times[1];
			attr.valid |= ATTR_MTIME_SET;
		}
		/* Anything but "both now" is the owner's alone. */
		if (times[0] == TIME_NOW && times[1] == TIME_NOW)
			attr.valid |= ATTR_TOUCH;
		else if (!(attr.valid & (ATTR_ATIME_SET | ATTR_MTIME_SET)) &&
			 !inode_owner_or_capable(path->dentry->inode))
			return -EPERM;
	} else {
		attr.valid |= ATTR_TOUCH;
	}
	return setattr_path(path, &attr);
}

long utimes_user(int dfd, const char __user *name, const s64 times[2], unsigned flags)
{
	struct fdref ref;
	struct path path;
	int err;

	if (name || dfd == AT_FDCWD) {
		err = path_at(dfd, name, flags, &path);
		if (err)
			return err;
		err = utimes_path(&path, times);
		path_put(&path);
		return err;
	}
	if (flags)
		return -EINVAL;
	ref = fd_get(dfd);
	if (!ref.file)
		return -EBADF;
	err = utimes_path(&ref.file->path, times);
	fd_put(ref);
	return err;
}

static int decode_time(const struct __kernel_timespec *ts, s64 *out)
{
	if (ts->tv_nsec == UTIME_NOW)
		*out = TIME_NOW;
	else if (ts->tv_nsec == UTIME_OMIT)
		*out = TIME_OMIT;
	else if (ts->tv_nsec < 0 || ts->tv_nsec >= (s64)NSEC_PER_SEC)
		return -EINVAL;
	else if (__builtin_mul_overflow(ts->tv_sec, (s64)NSEC_PER_SEC, out) ||
		 __builtin_add_overflow(*out, ts->tv_nsec, out))
		*out = ts->tv_sec < 0 ? S64_MIN + 2 : S64_MAX;
	return 0;
}

long sys_utimensat(int dfd, const char __user *filename,
		   const struct __kernel_timespec __user *utimes, int flags)
{
	struct __kernel_timespec ts[2];
	s64 times[2];
	int err;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!utimes)
		return utimes_user(dfd, filename, NULL, flags);
	if (copy_from_user(ts, utimes, sizeof(ts)))
		return -EFAULT;
	if (ts[0].tv_nsec == UTIME_OMIT && ts[1].tv_nsec == UTIME_OMIT)
		return 0;
	err = decode_time(&ts[0], &times[0]) ?: decode_time(&ts[1], &times[1]);
	return err ?: utimes_user(dfd, filename, times, flags);
}

/* Sizes */

long sys_truncate(const char __user *name, long length)
{
	struct path path;
	int err;

	if (length < 0)
		return -EINVAL;
	err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = vfs_truncate(&path, length);
	path_put(&path);
	return err;
}

long sys_ftruncate(int fd, long length)
{
	struct fdref ref;
	struct file *f;
	int err = -EINVAL;

	if (length < 0)
		return -EINVAL;
	ref = fd_get(fd);
	f = ref.file;
	if (!f)
		return -EBADF;
	if (!S_ISREG(f->inode->mode) || !(f->mode & FMODE_WRITE))
		goto put;
	err = -EPERM;
	if (f->inode->flags & S_APPEND)
		goto put;
	err = do_truncate(&f->path, length, ATTR_MTIME | ATTR_CTIME, f);
put:
	fd_put(ref);
	return err;
}

static int fallocate_check(const struct file *f, int mode, loff_t offset, loff_t len)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE |
			  FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
	const struct inode *inode = f->inode;
	loff_t end;

	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (mode & ~known)
		return -EOPNOTSUPP;
	if ((mode & FALLOC_FL_PUNCH_HOLE) &&
	    ((mode & FALLOC_FL_ZERO_RANGE) || !(mode & FALLOC_FL_KEEP_SIZE)))
		return -EOPNOTSUPP;
	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if ((mode & ~FALLOC_FL_KEEP_SIZE) && (inode->flags & S_APPEND))
		return -EPERM;
	if (inode->flags & S_IMMUTABLE)
		return -EPERM;
	if (S_ISFIFO(inode->mode))
		return -ESPIPE;
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode) && !S_ISBLK(inode->mode))
		return -ENODEV;
	if (__builtin_add_overflow(offset, len, &end) || end > inode->sb->max_bytes)
		return -EFBIG;
	return f->ops->fallocate ? 0 : -EOPNOTSUPP;
}

long sys_fallocate(int fd, int mode, loff_t offset, loff_t len)
{
	struct fdref ref = fd_get(fd);
	long err;

	if (!ref.file)
		return -EBADF;
	err = fallocate_check(ref.file, mode, offset, len);
	if (!err)
		err = ref.file->ops->fallocate(ref.file, mode, offset, len);
	if (!err)
		fsnotify_file(ref.file, IN_MODIFY);
	fd_put(ref);
	return err;
}
