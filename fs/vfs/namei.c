/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making, removing and moving names.
 *
 * Each vfs_ function checks permission, then calls the file system, then tells watchers.  The
 * directory is locked by the caller; the victim is locked here, so that a removal excludes rename
 * and mount of it.
 */
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "walk_internal.h"

int sysctl_protected_hardlinks = 1, sysctl_protected_fifos = 1, sysctl_protected_regular = 1;

/* Permissions of directories */

static bool sticky_forbids(const struct inode *dir, const struct inode *inode)
{
	u32 fsuid = cred_current()->fsuid;

	if (likely(!(dir->mode & S_ISVTX)) || inode->uid == fsuid || dir->uid == fsuid)
		return false;
	return !inode_capable(inode, CAP_FOWNER);
}

static int may_delete(struct inode *dir, const struct dentry *victim, bool want_dir)
{
	struct inode *inode = victim->inode;
	int err;

	if (!inode)
		return -ENOENT;
	err = inode_permission(dir, MAY_WRITE | MAY_EXEC);
	if (err)
		return err;
	if ((dir->flags & S_APPEND) || sticky_forbids(dir, inode) ||
	    (inode->flags & (S_APPEND | S_IMMUTABLE)))
		return -EPERM;
	if (want_dir) {
		if (!S_ISDIR(inode->mode))
			return -ENOTDIR;
		if (d_is_root(victim))
			return -EBUSY;
	} else if (S_ISDIR(inode->mode)) {
		return -EISDIR;
	}
	return dir->flags & S_DEAD ? -ENOENT : 0;
}

static int may_create(struct inode *dir, const struct dentry *child)
{
	if (child->inode)
		return -EEXIST;
	if (dir->flags & S_DEAD)
		return -ENOENT;
	return inode_permission(dir, MAY_WRITE | MAY_EXEC);
}

int may_create_in_sticky(const struct inode *dir, const struct inode *inode)
{
	int level = S_ISFIFO(inode->mode) ? sysctl_protected_fifos : sysctl_protected_regular;

	if (!(S_ISFIFO(inode->mode) || S_ISREG(inode->mode)) || !level)
		return 0;
	if (likely(!(dir->mode & S_ISVTX)) || inode->uid == dir->uid ||
	    inode->uid == cred_current()->fsuid)
		return 0;
	if ((dir->mode & S_IWOTH) || ((dir->mode & S_IWGRP) && level >= 2))
		return -EACCES;
	return 0;
}

/* Creation */

static umode_t strip_sgid(const struct inode *dir, umode_t mode)
{
	if ((mode & (S_ISGID | S_IXGRP)) != (S_ISGID | S_IXGRP) || S_ISDIR(mode) ||
	    !(dir->mode & S_ISGID))
		return mode;
	if (cred_in_group(cred_current(), dir->gid) || capable(CAP_FSETID))
		return mode;
	return mode & ~(umode_t)S_ISGID;
}

int vfs_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = may_create(dir, dentry);

	if (err)
		return err;
	if (!dir->ops->create)
		return -EACCES;
	err = dir->ops->create(dir, dentry, strip_sgid(dir, mode & S_IALLUGO) | S_IFREG);
	if (!err)
		fsnotify_dir(dir, IN_CREATE, dentry->name, 0);
	return err;
}

int vfs_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	int err = may_create(dir, dentry);

	if (err)
		return err;
	if (!dir->ops->mkdir)
		return -EPERM;
	if (dir->sb->max_links && dir->nlink >= dir->sb->max_links)
		return -EMLINK;
	err = dir->ops->mkdir(dir, dentry, (mode & (S_IRWXUGO | S_ISVTX)) | S_IFDIR);
	if (!err)
		fsnotify_dir(dir, IN_CREATE | IN_ISDIR, dentry->name, 0);
	return err;
}

int vfs_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev)
{
	bool whiteout = S_ISCHR(mode) && !dev;
	int err = may_create(dir, dentry);

	if (err)
		return err;
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && !whiteout && !capable(CAP_MKNOD))
		return -EPERM;
	if (!dir->ops->mknod)
		return -EPERM;
	err = dir->ops->mknod(dir, dentry, strip_sgid(dir, mode), dev);
	if (!err)
		fsnotify_dir(dir, IN_CREATE, dentry->name, 0);
	return err;
}

int vfs_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	int err = may_create(dir, dentry);

	if (err)
		return err;
	if (!dir->ops->symlink)
		return -EPERM;
	err = dir->ops->symlink(dir, dentry, target);
	if (!err)
		fsnotify_dir(dir, IN_CREATE, dentry->name, 0);
	return err;
}

int vfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = old->inode;
	int err;

	if (!inode)
		return -ENOENT;
	err = may_create(dir, dentry);
	if (err)
		return err;
	if (dir->sb != inode->sb)
		return -EXDEV;
	if (inode->flags & (S_APPEND | S_IMMUTABLE))
		return -EPERM;
	if (!dir->ops->link || S_ISDIR(inode->mode))
		return -EPERM;
	rwsem_write_lock_nested(&inode->lock, 1);
	if (!inode->nlink && !(READ_ONCE(inode->state) & I_LINKABLE))
		err = -ENOENT;
	else if (dir->sb->max_links && inode->nlink >= dir->sb->max_links)
		err = -EMLINK;
	else
		err = dir->ops->link(old, dir, dentry);
	if (!err) {
		with_spin(&inode->spin) WRITE_ONCE(inode->state, inode->state & ~(u32)I_LINKABLE);
		fsnotify_inode(inode, IN_ATTRIB);
		fsnotify_dir(dir, IN_CREATE, dentry->name, 0);
	}
	rwsem_write_unlock(&inode->lock);
	return err;
}

/* Removal */

static void notify_removed(struct inode *dir, struct dentry *dentry, u32 extra)
{
	fsnotify_dir(dir, IN_DELETE | extra, dentry->name, 0);
}

int vfs_unlink(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	int err = may_delete(dir, dentry, false);

	if (err)
		return err;
	if (!dir->ops->unlink)
		return -EPERM;
	inode_get(inode);
	rwsem_write_lock_nested(&inode->lock, 1);
	if (inode->flags & S_SWAPFILE)
		err = -EPERM;
	else if (dentry_is_mountpoint_here(dentry))
		err = -EBUSY;
	else
		err = dir->ops->unlink(dir, dentry);
	rwsem_write_unlock(&inode->lock);
	if (!err) {
		if (READ_ONCE(dentry->flags) & DENTRY_MOUNTED)
			mount_detach_dentry(dentry);
		notify_removed(dir, dentry, 0);
		d_delete(dentry);
		fsnotify_inode(inode, inode->nlink ? IN_ATTRIB : IN_ATTRIB | IN_DELETE_SELF);
	}
	inode_put(inode);
	return err;
}

int vfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = dentry->inode;
	int err = may_delete(dir, dentry, true);

	if (err)
		return err;
	if (!dir->ops->rmdir)
		return -EPERM;
	rwsem_write_lock_nested(&inode->lock, 1);
	if (dentry_is_mountpoint_here(dentry)) {
		err = -EBUSY;
	} else {
		err = dir->ops->rmdir(dir, dentry);
		if (!err) {
			inode->flags |= S_DEAD;
			atomic_or(&dentry->flags, DENTRY_CANT_MOUNT);
		}
	}
	rwsem_write_unlock(&inode->lock);
	if (err)
		return err;
	if (READ_ONCE(dentry->flags) & DENTRY_MOUNTED)
		mount_detach_dentry(dentry);
	d_prune_tree(dentry);
	notify_removed(dir, dentry, IN_ISDIR);
	fsnotify_inode(inode, IN_DELETE_SELF | IN_ISDIR);
	d_delete(dentry);
	return 0;
}

/* Renaming */

static int rename_permissions(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
			      struct dentry *new, unsigned flags)
{
	bool is_dir = old->inode && S_ISDIR(old->inode->mode), new_is_dir;
	int err = may_delete(old_dir, old, is_dir);

	if (err)
		return err;
	if (!new->inode) {
		err = may_create(new_dir, new);
	} else {
		new_is_dir = S_ISDIR(new->inode->mode);
		err = may_delete(new_dir, new, flags & RENAME_EXCHANGE ? new_is_dir : is_dir);
	}
	if (err)
		return err;
	/* A directory that changes parents is written: its "..". */
	if (old_dir == new_dir)
		return 0;
	if (is_dir)
		err = inode_permission(old->inode, MAY_WRITE);
	if (!err && (flags & RENAME_EXCHANGE) && S_ISDIR(new->inode->mode))
		err = inode_permission(new->inode, MAY_WRITE);
	return err;
}

static void notify_renamed(struct inode *old_dir, struct inode *new_dir, const char *old_name,
			   const char *new_name, struct inode *moved, struct inode *target)
{
	static u32 last_cookie;
	u32 dir = S_ISDIR(moved->mode) ? IN_ISDIR : 0;
	u32 cookie = atomic_add_return(&last_cookie, 1);

	fsnotify_dir(old_dir, IN_MOVED_FROM | dir, old_name, cookie);
	fsnotify_dir(new_dir, IN_MOVED_TO | dir, new_name, cookie);
	fsnotify_inode(moved, IN_MOVE_SELF);
	if (target)
		fsnotify_inode(target, target->nlink ? IN_ATTRIB : IN_ATTRIB | IN_DELETE_SELF);
}

/* The victims' locks: files by address, directories only when replaced or exchanged. */
static void lock_victims(struct inode *a, struct inode *b)
{
	if (b && b < a)
		swap(a, b);
	rwsem_write_lock_nested(&a->lock, 2);
	if (b && b != a)
		rwsem_write_lock_nested(&b->lock, 3);
}

static void unlock_victims(struct inode *a, struct inode *b)
{
	rwsem_write_unlock(&a->lock);
	if (b && b != a)
		rwsem_write_unlock(&b->lock);
}

static int rename_do(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		     struct dentry *new, unsigned flags)
{
	struct inode *target = new->inode;
	bool exchange = flags & RENAME_EXCHANGE;
	u32 max = new_dir->sb->max_links;

	if (old->inode->flags & S_SWAPFILE || (target && target->flags & S_SWAPFILE))
		return -EPERM;
	if (dentry_is_mountpoint_here(old) || dentry_is_mountpoint_here(new))
		return -EBUSY;
	if (max && new_dir != old_dir && S_ISDIR(old->inode->mode) && !target &&
	    new_dir->nlink >= max)
		return -EMLINK;
	if (target && !exchange && S_ISDIR(target->mode))
		d_prune_tree(new);

	int err = old_dir->ops->rename(old_dir, old, new_dir, new, flags);

	if (err)
		return err;
	if (!exchange && target) {
		if (S_ISDIR(target->mode))
			target->flags |= S_DEAD;
		atomic_or(&new->flags, DENTRY_CANT_MOUNT);
		if (READ_ONCE(new->flags) & DENTRY_MOUNTED)
			mount_detach_dentry(new);
	}
	if (exchange)
		d_exchange(old, new);
	else
		d_move(old, new);
	return 0;
}

int vfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new,
	       unsigned flags)
{
	struct inode *inode = old->inode, *target = new->inode;
	char *old_name;
	int err;

	if (inode == target)
		return 0;
	err = rename_permissions(old_dir, old, new_dir, new, flags);
	if (err)
		return err;
	if (!old_dir->ops->rename)
		return -EPERM;
	old_name = kstrdup(old->name, GFP_KERNEL);
	if (!old_name)
		return -ENOMEM;
	if (target)
		inode_get(target);
	lock_victims(inode, target);
	err = rename_do(old_dir, old, new_dir, new, flags);
	unlock_victims(inode, target);
	if (!err) {
		notify_renamed(old_dir, new_dir, old_name, old->name, inode,
			       flags & RENAME_EXCHANGE ? NULL : target);
		if (flags & RENAME_EXCHANGE)
			notify_renamed(new_dir, old_dir, old->name, new->name, target, NULL);
	}
	inode_put(target);
	kfree(old_name);
	return err;
}

/* Paths to dentries in locked directories */

static int parent_walk_once(struct walk *w, int dfd, const char *name, unsigned flags)
{
	int err = walk_parent(w, dfd, name, flags & ~(unsigned)LOOKUP_FOLLOW);

	if (!err && (w->state & WALK_RCU))
		err = walk_leave_rcu(w);
	if (err)
		walk_end(w);
	return err;
}

/* The parent directory with counts, the last component in w->last; the caller ends the walk. */
static int parent_walk(struct walk *w, int dfd, const char *name, unsigned flags)
{
	int err = parent_walk_once(w, dfd, name, flags);

	return err == -ECHILD ? parent_walk_once(w, dfd, name, flags | WALK_NO_RCU) : err;
}

int path_create(int dfd, const char *name, unsigned flags, struct path *parent, struct dentry **out)
{
	struct walk w;
	struct dentry *d;
	int err = parent_walk(&w, dfd, name, flags), ro;

	if (err)
		return err;
	err = -EEXIST;
	if (w.last_type != LAST_NAME)
		goto end;
	err = S_ISDIR(w.inode->mode) ? 0 : -ENOTDIR;
	if (err)
		goto end;
	ro = mount_want_write(w.path.mnt);
	rwsem_write_lock(&w.inode->lock);
	err = lookup_one_locked(w.path.dentry, w.last.name, w.last.len, &d);
	if (err)
		goto unlock;
	if (d->inode)
		err = -EEXIST;
	else if (walk_trailing_slash(&w) && !(flags & LOOKUP_DIRECTORY))
		err = -ENOENT; /* only directories have names that end in '/' */
	else
		err = ro;
	if (err) {
		dentry_put(d);
		goto unlock;
	}
	*parent = w.path;
	w.path = (struct path){};
	*out = d;
	walk_end(&w);
	return 0;
unlock:
	rwsem_write_unlock(&w.inode->lock);
	if (!ro)
		mount_drop_write(w.path.mnt);
end:
	walk_end(&w);
	return err;
}

void path_create_done(const struct path *parent, struct dentry *dentry)
{
	dentry_put(dentry);
	rwsem_write_unlock(&parent->dentry->inode->lock);
	mount_drop_write(parent->mnt);
	path_put(parent);
}

int do_unlink(int dfd, const char *name)
{
	struct inode *inode = NULL;
	struct walk w;
	struct dentry *d;
	int err = parent_walk(&w, dfd, name, 0);

	if (err)
		return err;
	err = -EISDIR;
	if (w.last_type != LAST_NAME)
		goto end;
	err = mount_want_write(w.path.mnt);
	if (err)
		goto end;
	rwsem_write_lock(&w.inode->lock);
	err = lookup_one_locked(w.path.dentry, w.last.name, w.last.len, &d);
	if (!err) {
		inode = d->inode;
		if (!inode)
			err = -ENOENT;
		else if (walk_trailing_slash(&w))
			err = S_ISDIR(inode->mode) ? -EISDIR : -ENOTDIR;
		if (inode)
			inode_get(inode);
		if (!err)
			err = vfs_unlink(w.inode, d);
		dentry_put(d);
	}
	rwsem_write_unlock(&w.inode->lock);
	inode_put(inode); /* truncation of the last link happens here, outside the lock */
	mount_drop_write(w.path.mnt);
end:
	walk_end(&w);
	return err;
}

int do_rmdir(int dfd, const char *name)
{
	struct walk w;
	struct dentry *d;
	int err = parent_walk(&w, dfd, name, 0);

	if (err)
		return err;
	switch (w.last_type) {
	case LAST_DOTDOT: err = -ENOTEMPTY; goto end;
	case LAST_DOT: err = -EINVAL; goto end;
	case LAST_ROOT: err = -EBUSY; goto end;
	case LAST_NAME: break;
	}
	err = mount_want_write(w.path.mnt);
	if (err)
		goto end;
	rwsem_write_lock(&w.inode->lock);
	err = lookup_one_locked(w.path.dentry, w.last.name, w.last.len, &d);
	if (!err) {
		err = d->inode ? vfs_rmdir(w.inode, d) : -ENOENT;
		dentry_put(d);
	}
	rwsem_write_unlock(&w.inode->lock);
	mount_drop_write(w.path.mnt);
end:
	walk_end(&w);
	return err;
}

/*
 * Lock both parents; ancestors first.  *trap: the child of one that is an ancestor of the other, or
 * NULL. Locks: takes the superblock's rename lock when the parents differ.
 */
struct dentry *rename_lock_parents(struct dentry *a, struct dentry *b)
{
	struct dentry *p;

	if (a == b) {
		rwsem_write_lock(&a->inode->lock);
		return NULL;
	}
	mutex_lock(&a->sb->rename);
	for (p = b; p->parent != p; p = p->parent) {
		if (p->parent == a) {
			rwsem_write_lock(&a->inode->lock);
			rwsem_write_lock_nested(&b->inode->lock, 1);
			return p;
		}
	}
	for (p = a; p->parent != p; p = p->parent) {
		if (p->parent == b) {
			rwsem_write_lock(&b->inode->lock);
			rwsem_write_lock_nested(&a->inode->lock, 1);
			return p;
		}
	}
	if (a->inode > b->inode)
		swap(a, b);
	rwsem_write_lock(&a->inode->lock);
	rwsem_write_lock_nested(&b->inode->lock, 1);
	return NULL;
}

void rename_unlock_parents(struct dentry *a, struct dentry *b)
{
	rwsem_write_unlock(&a->inode->lock);
	if (a == b)
		return;
	rwsem_write_unlock(&b->inode->lock);
	mutex_unlock(&a->sb->rename);
}

static int rename_check(struct walk *ow, struct dentry *old, struct walk *nw, struct dentry *new,
			const struct dentry *trap, unsigned flags)
{
	bool old_dir, new_dir;

	if (!old->inode)
		return -ENOENT;
	if ((flags & RENAME_NOREPLACE) && new->inode)
		return -EEXIST;
	if ((flags & RENAME_EXCHANGE) && !new->inode)
		return -ENOENT;
	old_dir = S_ISDIR(old->inode->mode);
	new_dir = new->inode && S_ISDIR(new->inode->mode);
	if (flags & RENAME_EXCHANGE) {
		if (!new_dir && walk_trailing_slash(nw))
			return -ENOTDIR;
	} else if (!old_dir && walk_trailing_slash(nw)) {
		return -ENOTDIR;
	}
	if (!old_dir && walk_trailing_slash(ow))
		return -ENOTDIR;
	if (old == trap)
		return -EINVAL;
	if (new == trap)
		return flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
	return 0;
}

static int rename_locked(struct walk *ow, struct walk *nw, unsigned flags)
{
	struct dentry *trap = rename_lock_parents(ow->path.dentry, nw->path.dentry);
	struct dentry *old, *new;
	int err;

	err = lookup_one_locked(ow->path.dentry, ow->last.name, ow->last.len, &old);
	if (err)
		goto unlock;
	err = lookup_one_locked(nw->path.dentry, nw->last.name, nw->last.len, &new);
	if (err)
		goto put_old;
	err = rename_check(ow, old, nw, new, trap, flags);
	if (!err)
		err = vfs_rename(ow->inode, old, nw->inode, new, flags);
	dentry_put(new);
put_old:
	dentry_put(old);
unlock:
	rename_unlock_parents(ow->path.dentry, nw->path.dentry);
	return err;
}

int do_rename(int old_dfd, const char *old_name, int new_dfd, const char *new_name, unsigned flags)
{
	struct walk ow, nw;
	int err = parent_walk(&ow, old_dfd, old_name, 0);

	if (err)
		return err;
	err = parent_walk(&nw, new_dfd, new_name, 0);
	if (err)
		goto end_old;
	err = -EXDEV;
	if (ow.path.mnt != nw.path.mnt)
		goto end_new;
	err = -EBUSY;
	if (ow.last_type != LAST_NAME)
		goto end_new;
	if (nw.last_type != LAST_NAME) {
		err = flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
		goto end_new;
	}
	err = mount_want_write(ow.path.mnt);
	if (err)
		goto end_new;
	err = rename_locked(&ow, &nw, flags);
	mount_drop_write(ow.path.mnt);
end_new:
	walk_end(&nw);
end_old:
	walk_end(&ow);
	return err;
}

/* Links */

static bool safe_hardlink_source(struct inode *inode)
{
	if (!S_ISREG(inode->mode) || (inode->mode & S_ISUID))
		return false;
	if ((inode->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		return false;
	return !inode_permission(inode, MAY_READ | MAY_WRITE);
}

static int may_hardlink(struct inode *inode)
{
	if (!sysctl_protected_hardlinks || safe_hardlink_source(inode) ||
	    inode_owner_or_capable(inode))
		return 0;
	return -EPERM;
}

int do_link(const struct path *old, int dfd, const char *name)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(dfd, name, 0, &parent, &d);

	if (err)
		return err;
	err = -EXDEV;
	if (old->mnt == parent.mnt)
		err = may_hardlink(old->dentry->inode);
	if (!err)
		err = vfs_link(old->dentry, parent.dentry->inode, d);
	path_create_done(&parent, d);
	return err;
}

ssize_t vfs_readlink(struct dentry *dentry, char *buf, size_t size)
{
	struct inode *inode = dentry->inode;
	struct link_body body = { .text = inode->link };
	size_t len;

	if (!body.text) {
		int err =
			inode->ops->get_link ? inode->ops->get_link(dentry, inode, &body) : -EINVAL;

		if (err)
			return err;
	}
	len = min(strlen(body.text), size);
	memcpy(buf, body.text, len);
	if (body.done)
		body.done(body.arg);
	return len;
}

const struct inode_ops symlink_inode_ops = {};
