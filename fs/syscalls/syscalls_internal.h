/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bodies that several calls share. */
#pragma once

#include <gen/syscalls.h>
#include <fs/vfs/types.h>

struct file;
struct fsxattr;
struct kstat;
struct path;

/* The path of a *at call that knows AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW; flags are AT_*. */
int path_at(int dfd, const char __user *name, unsigned flags, struct path *out) __must_check;
/* The same for a call that follows a link at the end only when asked to, by AT_SYMLINK_FOLLOW. */
int path_at_link(int dfd, const char __user *name, unsigned flags, struct path *out) __must_check;

/* Not on every architecture, but its body is the same everywhere. */
long sys_renameat(int olddfd, const char __user *oldname, int newdfd, const char __user *newname);

/* What open(2) makes of its arguments. */
struct open_how open_how_of(u32 flags, umode_t mode);
long open_user(int dfd, const char __user *name, u32 flags, umode_t mode);
long stat_user(int dfd, const char __user *name, unsigned flags, struct stat __user *out);
long mkdir_user(int dfd, const char __user *name, umode_t mode);
long mknod_user(int dfd, const char __user *name, umode_t mode, u32 dev);
long unlink_user(int dfd, const char __user *name);
long rmdir_user(int dfd, const char __user *name);
long symlink_user(const char __user *target, int dfd, const char __user *name);
long link_user(int old_dfd, const char __user *old, int new_dfd, const char __user *new,
	       unsigned flags);
long rename_user(int old_dfd, const char __user *old, int new_dfd, const char __user *new,
		 unsigned flags);
long readlink_user(int dfd, const char __user *name, char __user *buf, int size);
long access_user(int dfd, const char __user *name, int mode, unsigned flags);
long chmod_user(int dfd, const char __user *name, umode_t mode, unsigned flags);
long chown_user(int dfd, const char __user *name, u32 uid, u32 gid, unsigned flags);
/* times: two values in ns with markers, or NULL for now. */
#define UTIME_NOW  ((1l << 30) - 1l)
#define UTIME_OMIT ((1l << 30) - 2l)
#define TIME_NOW  S64_MIN
#define TIME_OMIT (S64_MIN + 1)
long utimes_user(int dfd, const char __user *name, const s64 times[2], unsigned flags);
long ioctl_get_flags(struct file *f, u32 __user *arg);
long ioctl_set_flags(struct file *f, const u32 __user *arg);
long ioctl_get_xattr(struct file *f, struct fsxattr __user *arg);
long ioctl_set_xattr(struct file *f, const struct fsxattr __user *arg);
long poll_user(struct pollfd __user *fds, unsigned n, u64 deadline);
long select_user(int n, fd_set_t __user *in, fd_set_t __user *out, fd_set_t __user *ex,
		 u64 deadline);

/* mount.c: a string of fewer than `max` bytes, allocated.  Returns 0, -EFAULT, -EINVAL (too long),
 * -ENOMEM. */
int copy_user_string(const char __user *user, size_t max, char **out) __must_check;
