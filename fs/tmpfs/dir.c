/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names in tmpfs: make, remove, move.  The dentry cache keeps them; here only inodes and counts
 * change. */
#include <fs/vfs/dentry.h>
#include <fs/vfs/dir.h>
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/limits.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "tmpfs_internal.h"

#define DIRENT_SIZE 20

static int tmpfs_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	d_add(dentry, NULL);
	return 0;
}

static void dir_changed(struct inode *dir, s64 entries)
{
	WRITE_ONCE(dir->size, dir->size + entries * DIRENT_SIZE);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

static int no_inode(struct superblock *sb)
{
	struct tmpfs_sb *ts = sb->private;

	return ts->max_inodes && atomic_load(&ts->used_inodes) >= ts->max_inodes ? -ENOSPC
										 : -ENOMEM;
}

/* A new inode with the access lists that `dir` hands down. */
static int new_inode(struct inode *dir, umode_t mode, dev_t rdev, struct inode **out)
{
	struct posix_acl *def, *acc;
	struct inode *inode;
	int err = posix_acl_inherit(dir, &mode, &def, &acc);

	if (err)
		return err;
	inode = tmpfs_new_inode(dir->sb, dir, mode, rdev);
	if (inode) {
		inode->acl = acc;
		inode->default_acl = def;
		*out = inode;
		return 0;
	}
	posix_acl_put(acc);
	posix_acl_put(def);
	return no_inode(dir->sb);
}

static int tmpfs_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	struct inode *inode;
	int err = new_inode(dir, mode, rdev, &inode);

	if (err)
		return err;
	dcache_dir_enter(dentry);
	d_instantiate(dentry, inode);
	dir_changed(dir, 1);
	return 0;
}

static int tmpfs_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return tmpfs_mknod(dir, dentry, mode, 0);
}

static int tmpfs_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = tmpfs_mknod(dir, dentry, mode, 0);

	if (!err)
		WRITE_ONCE(dir->nlink, dir->nlink + 1);
	return err;
}

static int tmpfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	size_t len = strlen(target);
	struct inode *inode;
	char *body;

	if (len >= PATH_MAX)
		return -ENAMETOOLONG;
	body = kmemdup(target, len + 1, GFP_KERNEL);
	if (!body)
		return -ENOMEM;
	inode = tmpfs_new_inode(dir->sb, dir, S_IFLNK | S_IRWXUGO, 0);
	if (!inode) {
		kfree(body);
		return no_inode(dir->sb);
	}
	inode->link = body;
	inode->size = len;
	dcache_dir_enter(dentry);
	d_instantiate(dentry, inode);
	dir_changed(dir, 1);
	return 0;
}

static int tmpfs_tmpfile(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode;
	int err = new_inode(dir, mode, 0, &inode);

	if (err)
		return err;
	inode->nlink = 0;
	d_instantiate(dentry, inode);
	return 0;
}

static int tmpfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = old->inode;

	WRITE_ONCE(inode->nlink, inode->nlink + 1);
	inode_touch(inode, ATTR_CTIME);
	dcache_dir_enter(dentry);
	d_instantiate(dentry, inode_get(inode));
	dir_changed(dir, 1);
	return 0;
}

static int tmpfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->inode;

	WRITE_ONCE(inode->nlink, inode->nlink - 1);
	dir_changed(dir, -1);
	WRITE_ONCE(inode->ctime, dir->ctime);
	return 0;
}

static int tmpfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	if (!dcache_dir_empty(dentry))
		return -ENOTEMPTY;
	WRITE_ONCE(dentry->inode->nlink, 0);
	WRITE_ONCE(dir->nlink, dir->nlink - 1);
	dir_changed(dir, -1);
	return 0;
}

static void move_subdir(struct inode *from, struct inode *to)
{
	WRITE_ONCE(from->nlink, from->nlink - 1);
	WRITE_ONCE(to->nlink, to->nlink + 1);
}

static int tmpfs_exchange(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
			  struct dentry *new)
{
	bool a = S_ISDIR(old->inode->mode), b = S_ISDIR(new->inode->mode);

	if (old_dir != new_dir) {
		if (a && !b)
			move_subdir(old_dir, new_dir);
		else if (b && !a)
			move_subdir(new_dir, old_dir);
		dcache_dir_leave(old, new->parent);
		dcache_dir_leave(new, old->parent);
	}
	inode_touch(old->inode, ATTR_CTIME);
	inode_touch(new->inode, ATTR_CTIME);
	dir_changed(old_dir, 0);
	dir_changed(new_dir, 0);
	return 0;
}

/*
 * RENAME_WHITEOUT: a second dentry of the old name, with a character device 0:0; the caller's
 * d_move() then takes the first one away.
 */
struct whiteout {
	struct dentry *dentry;
	struct inode *inode;
};

static int whiteout_prepare(struct inode *dir, struct dentry *old, struct whiteout *w)
{
	w->inode = tmpfs_new_inode(dir->sb, dir, S_IFCHR, 0);
	if (!w->inode)
		return no_inode(dir->sb);
	w->dentry = d_alloc(old->parent, &(struct qstr){ old->name, old->len, old->hash_val });
	if (w->dentry)
		return 0;
	inode_put(w->inode);
	return -ENOMEM;
}

static void whiteout_enter(struct inode *dir, const struct whiteout *w)
{
	dcache_dir_enter(w->dentry);
	d_add(w->dentry, w->inode);
	dentry_put(w->dentry);
	dir_changed(dir, 1);
}

static int tmpfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
			struct dentry *new, unsigned flags)
{
	struct inode *target = new->inode;
	bool is_dir = S_ISDIR(old->inode->mode);
	struct whiteout whiteout;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		return tmpfs_exchange(old_dir, old, new_dir, new);
	if (target && is_dir && !dcache_dir_empty(new))
		return -ENOTEMPTY;
	if (flags & RENAME_WHITEOUT) {
		int err = whiteout_prepare(old_dir, old, &whiteout);

		if (err)
			return err;
	}
	if (target) {
		WRITE_ONCE(target->nlink, is_dir ? 0 : target->nlink - 1);
		if (is_dir)
			WRITE_ONCE(new_dir->nlink, new_dir->nlink - 1);
		inode_touch(target, ATTR_CTIME);
	}
	if (is_dir)
		move_subdir(old_dir, new_dir);
	dcache_dir_leave(old, new->parent);
	dir_changed(old_dir, -1);
	dir_changed(new_dir, target ? 0 : 1);
	inode_touch(old->inode, ATTR_CTIME);
	if (flags & RENAME_WHITEOUT)
		whiteout_enter(old_dir, &whiteout);
	return 0;
}

#define TMPFS_ATTR_OPS                                                                             \
	.setattr = tmpfs_setattr, .getattr = tmpfs_getattr, .getxattr = tmpfs_getxattr,            \
	.setxattr = tmpfs_setxattr, .listxattr = tmpfs_listxattr, .set_acl = posix_acl_set_cached

const struct inode_ops tmpfs_dir_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.symlink = tmpfs_symlink,
	.mkdir = tmpfs_mkdir,
	.rmdir = tmpfs_rmdir,
	.mknod = tmpfs_mknod,
	.rename = tmpfs_rename,
	.tmpfile = tmpfs_tmpfile,
	TMPFS_ATTR_OPS,
};

const struct inode_ops tmpfs_file_inode_ops = { TMPFS_ATTR_OPS };
const struct inode_ops tmpfs_special_ops = { TMPFS_ATTR_OPS };
const struct inode_ops tmpfs_symlink_ops = { TMPFS_ATTR_OPS };
