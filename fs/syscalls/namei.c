/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mkdir(2), mknod(2), unlink(2), rmdir(2), link(2), symlink(2), rename(2), chdir(2), getcwd(2),
 * chroot(2), umask(2). */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

long mkdir_user(int dfd, const char __user *name, umode_t mode)
{
	struct filename fn;
	struct path parent;
	struct dentry *d;
	int err = filename_get(&fn, name, 0);

	if (!err)
		err = path_create(dfd, fn.name, LOOKUP_DIRECTORY, &parent, &d);
	if (!err) {
		err = vfs_mkdir(parent.dentry->inode, d, creation_mode(parent.dentry->inode, mode));
		path_create_done(&parent, d);
	}
	filename_put(&fn);
	return err;
}

long sys_mkdirat(int dfd, const char __user *path, u32 mode)
{
	return mkdir_user(dfd, path, mode);
}

static int make_node(struct inode *dir, struct dentry *d, umode_t mode, u32 dev)
{
	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG: return vfs_create(dir, d, mode);
	case S_IFCHR:
	case S_IFBLK: return vfs_mknod(dir, d, mode, dev_decode(dev));
	default: return vfs_mknod(dir, d, mode, 0);
	}
}

long mknod_user(int dfd, const char __user *name, umode_t mode, u32 dev)
{
	struct filename fn;
	struct path parent;
	struct dentry *d;
	int err;

	switch (mode & S_IFMT) {
	case 0:
	case S_IFREG:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: break;
	case S_IFDIR: return -EPERM;
	default: return -EINVAL;
	}
	err = filename_get(&fn, name, 0);
	if (!err)
		err = path_create(dfd, fn.name, 0, &parent, &d);
	if (!err) {
		err = make_node(parent.dentry->inode, d, creation_mode(parent.dentry->inode, mode),
				dev);
		path_create_done(&parent, d);
	}
	filename_put(&fn);
	return err;
}

long sys_mknodat(int dfd, const char __user *filename, u32 mode, unsigned int dev)
{
	return mknod_user(dfd, filename, mode, dev);
}

long unlink_user(int dfd, const char __user *name)
{
	struct filename fn;
	int err = filename_get(&fn, name, 0);

	if (!err)
		err = do_unlink(dfd, fn.name);
	filename_put(&fn);
	return err;
}

long rmdir_user(int dfd, const char __user *name)
{
	struct filename fn;
	int err = filename_get(&fn, name, 0);

	if (!err)
		err = do_rmdir(dfd, fn.name);
	filename_put(&fn);
	return err;
}

long sys_unlinkat(int dfd, const char __user *path, int flags)
{
	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	return flags & AT_REMOVEDIR ? rmdir_user(dfd, path) : unlink_user(dfd, path);
}

long symlink_user(const char __user *target, int dfd, const char __user *name)
{
	struct filename to, fn;
	struct path parent;
	struct dentry *d;
	int err = filename_get(&to, target, 0);

	if (err)
		goto put_target;
	err = filename_get(&fn, name, 0);
	if (!err)
		err = path_create(dfd, fn.name, 0, &parent, &d);
	if (!err) {
		err = vfs_symlink(parent.dentry->inode, d, to.name);
		path_create_done(&parent, d);
	}
	filename_put(&fn);
put_target:
	filename_put(&to);
	return err;
}

long sys_symlinkat(const char __user *target, int newdfd, const char __user *linkpath)
{
	return symlink_user(target, newdfd, linkpath);
}

long link_user(int old_dfd, const char __user *old, int new_dfd, const char __user *new,
	       unsigned flags)
{
	struct filename fn;
	struct path path;
	int err;

	if ((flags & AT_EMPTY_PATH) && !capable(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	err = path_at_link(old_dfd, old, flags, &path);
	if (err)
		return err;
	err = filename_get(&fn, new, 0);
	if (!err)
		err = do_link(&path, new_dfd, fn.name);
	filename_put(&fn);
	path_put(&path);
	return err;
}

long sys_linkat(int olddfd, const char __user *oldname, int newdfd, const char __user *newname,
		int flags)
{
	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return link_user(olddfd, oldname, newdfd, newname, flags);
}

long rename_user(int old_dfd, const char __user *old, int new_dfd, const char __user *new,
		 unsigned flags)
{
	struct filename from, to;
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	if ((flags & RENAME_WHITEOUT) && !capable(CAP_MKNOD))
		return -EPERM;
	err = filename_get(&from, old, 0);
	if (err)
		goto put_from;
	err = filename_get(&to, new, 0);
	if (!err)
		err = do_rename(old_dfd, from.name, new_dfd, to.name, flags);
	filename_put(&to);
put_from:
	filename_put(&from);
	return err;
}

long sys_renameat2(int olddfd, const char __user *oldname, int newdfd, const char __user *newname,
		   unsigned int flags)
{
	return rename_user(olddfd, oldname, newdfd, newname, flags);
}

long sys_renameat(int olddfd, const char __user *oldname, int newdfd, const char __user *newname)
{
	return rename_user(olddfd, oldname, newdfd, newname, 0);
}

/* Where we are */

static int chdir_path(const struct path *path)
{
	int err = inode_permission(path->dentry->inode, MAY_EXEC | MAY_CHDIR);

	if (!err)
		fs_set_cwd(fs_current(), path);
	return err;
}

long sys_chdir(const char __user *name)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = chdir_path(&path);
	path_put(&path);
	return err;
}

long sys_fchdir(int fd)
{
	struct fdref ref = fd_get_raw(fd);
	int err;

	if (!ref.file)
		return -EBADF;
	err = S_ISDIR(ref.file->inode->mode) ? chdir_path(&ref.file->path) : -ENOTDIR;
	fd_put(ref);
	return err;
}

long sys_chroot(const char __user *name)
{
	struct path path;
	int err = user_path_at(AT_FDCWD, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);

	if (err)
		return err;
	err = inode_permission(path.dentry->inode, MAY_EXEC | MAY_CHDIR);
	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		fs_set_root(fs_current(), &path);
	path_put(&path);
	return err;
}

long sys_getcwd(void __user *buf, unsigned long size)
{
	char *page = kmalloc(PATH_MAX, GFP_KERNEL), *text;
	size_t len;
	int err;

	if (!page)
		return -ENOMEM;
	err = cwd_text(page, PATH_MAX, &text);
	if (!err) {
		len = strlen(text) + 1;
		if (len > size)
			err = -ERANGE;
		else
			err = copy_to_user(buf, text, len) ?: (int)len;
	}
	kfree(page);
	return err;
}

long sys_umask(int mask)
{
	struct fs_context *fs = fs_current();
	u32 old;

	guard_spin(&fs->lock);
	old = fs->umask;
	WRITE_ONCE(fs->umask, mask & S_IRWXUGO);
	return old;
}
