/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stat(2), statx(2), statfs(2), access(2), readlink(2). */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/statfs.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

int path_at(int dfd, const char __user *name, unsigned flags, struct path *out)
{
	unsigned lookup = flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
	struct filename fn;
	int err;

	if (flags & AT_EMPTY_PATH)
		lookup |= LOOKUP_EMPTY;
	err = filename_get(&fn, name, lookup);
	if (err)
		goto put_name;
	err = path_lookup(dfd, fn.name, lookup, out);
put_name:
	filename_put(&fn);
	return err;
}

int path_at_link(int dfd, const char __user *name, unsigned flags, struct path *out)
{
	return path_at(dfd, name,
		       (flags & AT_EMPTY_PATH) |
			       (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW),
		       out);
}

/* stat */

static void split_time(s64 ns, long *sec, unsigned long *nsec)
{
	s64 s = ns / (s64)NSEC_PER_SEC, rest = ns % (s64)NSEC_PER_SEC;

	if (rest < 0) {
		s--;
		rest += NSEC_PER_SEC;
	}
	*sec = s;
	*nsec = rest;
}

static int stat_to_user(const struct kstat *k, struct stat __user *out)
{
	struct stat st;
	long sec;
	unsigned long nsec;

	memset(&st, 0, sizeof(st));
	st.st_dev = dev_encode(k->dev);
	st.st_ino = k->ino;
	st.st_mode = k->mode;
	st.st_nlink = k->nlink;
	st.st_uid = k->uid;
	st.st_gid = k->gid;
	st.st_rdev = dev_encode(k->rdev);
	st.st_size = k->size;
	st.st_blksize = k->blksize;
	st.st_blocks = k->blocks;
	split_time(k->atime, &sec, &nsec);
	st.st_atime = sec;
	st.st_atime_nsec = nsec;
	split_time(k->mtime, &sec, &nsec);
	st.st_mtime = sec;
	st.st_mtime_nsec = nsec;
	split_time(k->ctime, &sec, &nsec);
	st.st_ctime = sec;
	st.st_ctime_nsec = nsec;
	return copy_to_user(out, &st, sizeof(st));
}

static int fd_getattr(int fd, struct kstat *k, u32 mask, unsigned flags)
{
	struct fdref ref = fd_get_raw(fd);
	int err;

	if (!ref.file)
		return -EBADF;
	err = vfs_getattr(&ref.file->path, k, mask, flags);
	if (!err) {
		k->mnt_id = ref.file->path.mnt->id;
		k->mnt_unique_id = ref.file->path.mnt->unique_id;
	}
	fd_put(ref);
	return err;
}

/* Is the user's path empty (or NULL)?  A fault is left to the real copy. */
static bool name_is_empty(const char __user *name)
{
	char c;

	return !name || (!copy_from_user(&c, name, 1) && !c);
}

static int path_getattr(int dfd, const char __user *name, unsigned flags, u32 mask, struct kstat *k)
{
	struct path path;
	int err;

	if ((flags & AT_EMPTY_PATH) && dfd >= 0 && name_is_empty(name))
		return fd_getattr(dfd, k, mask, flags);
	err = path_at(dfd, name, flags, &path);
	if (err)
		return err;
	err = vfs_getattr(&path, k, mask, flags);
	if (!err) {
		k->mnt_id = path.mnt->id;
		k->mnt_unique_id = path.mnt->unique_id;
		if (path.dentry == path.mnt->root)
			k->attributes |= STATX_ATTR_MOUNT_ROOT;
	}
	path_put(&path);
	return err;
}

long stat_user(int dfd, const char __user *name, unsigned flags, struct stat __user *out)
{
	struct kstat k;
	int err = path_getattr(dfd, name, flags, STATX_BASIC_STATS, &k);

	return err ?: stat_to_user(&k, out);
}

long sys_newfstatat(int dfd, const char __user *filename, struct stat __user *statbuf, int flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	return stat_user(dfd, filename, flags, statbuf);
}

long sys_fstat(int fd, struct stat __user *statbuf)
{
	struct kstat k;
	int err = fd_getattr(fd, &k, STATX_BASIC_STATS, 0);

	return err ?: stat_to_user(&k, statbuf);
}

static struct statx_timestamp statx_time(s64 ns)
{
	long sec;
	unsigned long nsec;

	split_time(ns, &sec, &nsec);
	return (struct statx_timestamp){ .tv_sec = sec, .tv_nsec = nsec };
}

static int statx_to_user(const struct kstat *k, u32 mask, struct statx __user *out)
{
	struct statx x;
	u32 id_kind = mask & STATX_MNT_ID_UNIQUE ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID;

	memset(&x, 0, sizeof(x));
	x.stx_mask =
		(k->result_mask | id_kind) & (mask | STATX_BASIC_STATS | STATX_BTIME | id_kind);
	x.stx_blksize = k->blksize;
	x.stx_attributes = k->attributes;
	x.stx_attributes_mask = k->attributes_mask;
	x.stx_nlink = k->nlink;
	x.stx_uid = k->uid;
	x.stx_gid = k->gid;
	x.stx_mode = k->mode;
	x.stx_ino = k->ino;
	x.stx_size = k->size;
	x.stx_blocks = k->blocks;
	x.stx_atime = statx_time(k->atime);
	x.stx_mtime = statx_time(k->mtime);
	x.stx_ctime = statx_time(k->ctime);
	if (k->result_mask & STATX_BTIME)
		x.stx_btime = statx_time(k->btime);
	x.stx_rdev_major = MAJOR(k->rdev);
	x.stx_rdev_minor = MINOR(k->rdev);
	x.stx_dev_major = MAJOR(k->dev);
	x.stx_dev_minor = MINOR(k->dev);
	x.stx_mnt_id = id_kind == STATX_MNT_ID ? k->mnt_id : k->mnt_unique_id;
	x.stx_dio_mem_align = k->dio_mem_align;
	x.stx_dio_offset_align = k->dio_offset_align;
	return copy_to_user(out, &x, sizeof(x));
}

long sys_statx(int dfd, const char __user *filename, unsigned int flags, unsigned int mask,
	       struct statx __user *buffer)
{
	struct kstat k;
	int err;

	if (mask & STATX__RESERVED)
		return -EINVAL;
	if (flags &
	    ~(unsigned)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE))
		return -EINVAL;
	if ((flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
		return -EINVAL;
	err = path_getattr(dfd, filename, flags, mask, &k);
	return err ?: statx_to_user(&k, mask, buffer);
}

/* statfs */

#define ST_RDONLY     0x0001
#define ST_NOSUID     0x0002
#define ST_NODEV      0x0004
#define ST_NOEXEC     0x0008
#define ST_SYNC	      0x0010
#define ST_VALID      0x0020
#define ST_MANDLOCK   0x0040
#define ST_NOATIME    0x0400
#define ST_NODIRATIME 0x0800
#define ST_RELATIME   0x1000
#define ST_NOSYMFOLLOW 0x2000

static u64 statfs_flags(const struct mount *m)
{
	static const struct {
		u32 mnt, st;
	} map[] = {
		{MNT_READONLY, ST_RDONLY},   {MNT_NOSUID, ST_NOSUID},
		{MNT_NODEV, ST_NODEV},       {MNT_NOEXEC, ST_NOEXEC},
		{MNT_NOATIME, ST_NOATIME},   {MNT_NODIRATIME, ST_NODIRATIME},
		{MNT_RELATIME, ST_RELATIME}, {MNT_NOSYMFOLLOW, ST_NOSYMFOLLOW},
	};
	u64 flags = ST_VALID;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		if (READ_ONCE(m->flags) & map[i].mnt)
			flags |= map[i].st;
	}
	if (m->sb->flags & SB_RDONLY)
		flags |= ST_RDONLY;
	if (m->sb->flags & SB_SYNCHRONOUS)
		flags |= ST_SYNC;
	return flags;
}

int vfs_statfs(const struct path *path, struct kstatfs *out)
{
	int err = super_statfs(path->mnt->sb, out);

	if (!err)
		out->flags = statfs_flags(path->mnt);
	return err;
}

static int statfs_to_user(const struct kstatfs *k, struct statfs __user *out)
{
	struct statfs s;

	memset(&s, 0, sizeof(s));
	s.f_type = k->type;
	s.f_bsize = k->bsize;
	s.f_blocks = k->blocks;
	s.f_bfree = k->bfree;
	s.f_bavail = k->bavail;
	s.f_files = k->files;
	s.f_ffree = k->ffree;
	s.f_fsid.val[0] = (u32)k->fsid;
	s.f_fsid.val[1] = (u32)(k->fsid >> 32);
	s.f_namelen = k->namelen;
	s.f_frsize = k->frsize;
	s.f_flags = k->flags;
	return copy_to_user(out, &s, sizeof(s));
}

long sys_statfs(const char __user *name, struct statfs __user *buf)
{
	struct kstatfs k;
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = vfs_statfs(&path, &k);
	path_put(&path);
	return err ?: statfs_to_user(&k, buf);
}

long sys_fstatfs(int fd, struct statfs __user *buf)
{
	struct fdref ref = fd_get_raw(fd);
	struct kstatfs k;
	int err;

	if (!ref.file)
		return -EBADF;
	err = vfs_statfs(&ref.file->path, &k);
	fd_put(ref);
	return err ?: statfs_to_user(&k, buf);
}

/* access */

static int access_path(const struct path *path, int mode)
{
	struct inode *inode = path->dentry->inode;
	int err;

	if ((mode & MAY_EXEC) && S_ISREG(inode->mode) && path_noexec(path))
		return -EACCES;
	err = inode_permission(inode, mode | MAY_ACCESS);
	if (err || !(mode & MAY_WRITE) || S_ISCHR(inode->mode) || S_ISBLK(inode->mode) ||
	    S_ISFIFO(inode->mode) || S_ISSOCK(inode->mode))
		return err;
	return mount_readonly(path->mnt) || (path->mnt->sb->flags & SB_RDONLY) ? -EROFS : 0;
}

/* Credentials in which the real ids stand for the effective ones.  Returns 0 or -ENOMEM. */
static int real_id_cred(struct cred **out)
{
	struct cred *c;
	int err = cred_prepare(&c);

	if (err)
		return err;
	c->fsuid = c->uid;
	c->fsgid = c->gid;
	if (!(c->securebits & 1 << 2)) /* SECBIT_NO_SETUID_FIXUP */
		c->cap_effective = c->uid ? 0 : c->cap_permitted;
	*out = c;
	return 0;
}

static bool ids_equal(const struct cred *c)
{
	return c->fsuid == c->uid && c->fsgid == c->gid &&
	       (c->uid ? !c->cap_effective : c->cap_effective == c->cap_permitted);
}

long access_user(int dfd, const char __user *name, int mode, unsigned flags)
{
	struct thread *t = thread_current();
	struct cred *saved = t->cred, *real = NULL;
	struct path path;
	int err;

	if (mode & ~(MAY_READ | MAY_WRITE | MAY_EXEC))
		return -EINVAL;
	if (!(flags & AT_EACCESS) && !ids_equal(saved)) {
		err = real_id_cred(&real);
		if (err)
			return err;
		rcu_assign_pointer(t->cred, real);
	}
	err = path_at(dfd, name, flags, &path);
	if (!err) {
		if (mode)
			err = access_path(&path, mode);
		path_put(&path);
	}
	if (real) {
		rcu_assign_pointer(t->cred, saved);
		cred_abandon(real);
	}
	return err;
}

long sys_faccessat(int dfd, const char __user *filename, int mode)
{
	return access_user(dfd, filename, mode, 0);
}

long sys_faccessat2(int dfd, const char __user *filename, int mode, int flags)
{
	if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return access_user(dfd, filename, mode, flags);
}

/* readlink */

long readlink_user(int dfd, const char __user *name, char __user *buf, int size)
{
	struct path path;
	struct inode *inode;
	ssize_t n;
	char *text;
	int err;

	if (size <= 0)
		return -EINVAL;
	err = path_at(dfd, name, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH, &path);
	if (err)
		return err;
	inode = path.dentry->inode;
	n = -EINVAL;
	if (!S_ISLNK(inode->mode)) {
		/* An empty name is the descriptor itself, which must then be a link. */
		if (name_is_empty(name))
			n = -ENOENT;
		goto put_path;
	}
	path_touch_atime(&path);
	if (inode->link) {
		n = min_t(ssize_t, (ssize_t)strlen(inode->link), size);
		if (copy_to_user(buf, inode->link, n))
			n = -EFAULT;
		goto put_path;
	}
	text = kmalloc(PATH_MAX, GFP_KERNEL);
	n = -ENOMEM;
	if (text) {
		n = vfs_readlink(path.dentry, text, min_t(size_t, size, PATH_MAX));
		if (n > 0 && copy_to_user(buf, text, n))
			n = -EFAULT;
		kfree(text);
	}
put_path:
	path_put(&path);
	return n;
}

long sys_readlinkat(int dfd, const char __user *path, void __user *buf, int bufsiz)
{
	return readlink_user(dfd, path, buf, bufsiz);
}
