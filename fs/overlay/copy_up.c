/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copy-up: a lower file gets a copy in the upper tree, before the first change.
 *
 * The copy is made in the scratch directory, complete with data, attributes, owner, mode and times,
 * synced, and then renamed to its place: whoever looks sees the old file or the whole new one, also
 * after a crash. Parents are copied first, from the top, each under its own copy_lock alone.
 */
#include <fs/vfs/dir.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/limits.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "overlay_internal.h"

#define CHUNK 65536u

int overlay_temp(struct overlay *o, struct dentry **out)
{
	char name[24];
	int err;

	/* Names left by a crash were removed at mount; others may still meet one of a second
	 * overlay. */
	do {
		int len =
			snprintf(name, sizeof(name), "#%llx", atomic_add_return(&o->last_temp, 1));

		err = lookup_one_locked(o->work.dentry, name, (size_t)len, out);
		if (err || !(*out)->inode)
			return err;
		dentry_put(*out);
	} while (true);
}

int overlay_real_rename(struct overlay *o, struct dentry *old_dir, struct dentry *old,
			struct dentry *new_dir, const struct dentry *name, unsigned flags)
{
	struct dentry *trap = rename_lock_parents(old_dir, new_dir), *new;
	int err;

	/* Somebody may have changed the real tree behind our back. */
	err = old->parent != old_dir || d_unhashed(old) || !old->inode ? -ESTALE : 0;
	if (!err)
		err = lookup_one_locked(new_dir, name->name, name->len, &new);
	if (err)
		goto unlock;
	err = old == trap || new == trap
		      ? -EINVAL
		      : vfs_rename(old_dir->inode, old, new_dir->inode, new, flags);
	dentry_put(new);
unlock:
	rename_unlock_parents(old_dir, new_dir);
	return err;
}

int overlay_real_setattr(struct dentry *real, struct iattr *attr)
{
	guard_write(&real->inode->lock);
	return vfs_setattr(real, attr);
}

int overlay_real_remove(struct dentry *dir, struct dentry *real)
{
	return S_ISDIR(real->inode->mode) ? vfs_rmdir(dir->inode, real)
					  : vfs_unlink(dir->inode, real);
}

/* Cleaning the scratch directory */

struct name_list {
	struct dir_context ctx;
	struct name_entry {
		struct name_entry *next;
		size_t len;
		char name[];
	} *first;
	bool failed;
};

static bool name_list_add(struct dir_context *ctx, const char *name, size_t len, loff_t pos,
			  u64 ino, unsigned type)
{
	struct name_list *list = container_of(ctx, struct name_list, ctx);
	struct name_entry *e;

	if (name_is_dots(name, len))
		return true;
	e = kmalloc(sizeof(*e) + len, GFP_KERNEL);
	if (!e) {
		list->failed = true;
		return false;
	}
	memcpy(e->name, name, len);
	e->len = len;
	e->next = list->first;
	list->first = e;
	return true;
}

static int remove_child(struct dentry *dir, const struct name_entry *e, bool only_whiteouts)
{
	struct dentry *d;
	int err;

	rwsem_write_lock(&dir->inode->lock);
	err = lookup_one_locked(dir, e->name, e->len, &d);
	if (!err) {
		if (!d->inode)
			err = 0;
		else if (only_whiteouts && !overlay_is_whiteout(d))
			err = -ENOTEMPTY;
		else
			/* A directory that is not empty stays: a later mount tries again. */
			err = overlay_real_remove(dir, d);
		dentry_put(d);
	}
	rwsem_write_unlock(&dir->inode->lock);
	return err;
}

/* Remove what is in a real directory.  `mnt` is any mount of its file system. */
static int clear_directory(struct mount *mnt, struct dentry *dir, bool only_whiteouts)
{
	struct name_list list = { .ctx.actor = name_list_add };
	struct path path = { mnt, dir };
	struct file *f;
	int err = file_open(&path, O_RDONLY | O_DIRECTORY, cred_current(), &f);

	if (err)
		return err;
	err = dir_iterate(f, &list.ctx);
	file_put(f);
	if (list.failed)
		err = -ENOMEM;
	while (list.first) {
		struct name_entry *e = list.first;

		list.first = e->next;
		if (!err)
			err = remove_child(dir, e, only_whiteouts);
		kfree(e);
	}
	return err;
}

int overlay_clear_whiteouts(struct overlay *o, struct dentry *dir)
{
	return clear_directory(o->upper.mnt, dir, true);
}

int overlay_clear_work(struct overlay *o, struct dentry *work)
{
	return clear_directory(o->upper.mnt, work, false);
}

void overlay_work_remove(struct overlay *o, struct dentry *temp)
{
	struct dentry *work = o->work.dentry;

	if (temp->inode && S_ISDIR(temp->inode->mode) && clear_directory(o->upper.mnt, temp, true))
		return;
	rwsem_write_lock(&work->inode->lock);
	if (temp->inode && temp->parent == work && !d_unhashed(temp)) {
		/* What cannot be removed is removed by the next mount. */
		if (overlay_real_remove(work, temp))
			d_drop(temp);
	}
	rwsem_write_unlock(&work->inode->lock);
}

/* The copy */

static int copy_bytes(struct file *from, struct file *to, loff_t size)
{
	void *buf = kvmalloc(CHUNK, GFP_KERNEL);
	loff_t in = 0, out = 0;
	ssize_t n = 0;

	if (!buf)
		return -ENOMEM;
	while (in < size) {
		loff_t data = from->ops->lseek ? from->ops->lseek(from, in, SEEK_DATA) : in;

		/* Holes stay holes; a file system that knows none says so. */
		if (data == -ENXIO)
			break;
		if (data > in)
			in = out = data;
		n = file_read(from, buf, (size_t)min(size - in, (loff_t)CHUNK), &in);
		if (n > 0) {
			size_t len = (size_t)n;

			n = file_write(to, buf, len, &out);
			if (n >= 0 && (size_t)n < len)
				n = -ENOSPC;
		}
		if (n <= 0)
			break;
	}
	kvfree(buf);
	return n < 0 ? (int)n : 0;
}

static int copy_data(struct overlay *o, const struct path *lower, struct dentry *temp, loff_t size)
{
	struct path upper = { o->upper.mnt, temp };
	struct iattr attr = { .valid = ATTR_SIZE | ATTR_FORCE, .size = size };
	struct file *from, *to;
	int err = file_open(lower, O_RDONLY | O_LARGEFILE, o->cred, &from);

	if (err)
		return err;
	err = file_open(&upper, O_WRONLY | O_LARGEFILE, o->cred, &to);
	if (!err) {
		err = copy_bytes(from, to, size);
		if (!err)
			err = overlay_real_setattr(temp, &attr);
		if (!err && !o->volatile_ && to->ops->fsync)
			err = to->ops->fsync(to, 0, S64_MAX, false);
		file_put(to);
	}
	file_put(from);
	return err;
}

static int copy_one_attribute(struct inode *from, struct inode *to, const char *name)
{
	ssize_t size = from->ops->getxattr(from, name, NULL, 0);
	void *value;
	int err;

	if (size < 0)
		return size == -ENODATA || size == -EOPNOTSUPP ? 0 : (int)size;
	value = kvmalloc(max((size_t)size, (size_t)1), GFP_KERNEL);
	if (!value)
		return -ENOMEM;
	size = from->ops->getxattr(from, name, value, (size_t)size);
	err = (int)min(size, (ssize_t)0);
	if (!err) {
		rwsem_write_lock(&to->lock);
		err = to->ops->setxattr(to, name, value, (size_t)size, 0);
		rwsem_write_unlock(&to->lock);
	}
	kvfree(value);
	/* What the upper file system cannot keep is lost, as long as it is not about security. */
	return err == -EOPNOTSUPP && strncmp(name, "security.", 9) ? 0 : err;
}

static int copy_attributes(struct overlay *o, struct inode *from, struct inode *to)
{
	ssize_t n;
	char *names;
	int err = 0;

	if (!from->ops->listxattr || !from->ops->getxattr || !to->ops->setxattr)
		return 0;
	n = from->ops->listxattr(from, NULL, 0);
	if (n <= 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	names = kvmalloc((size_t)n, GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	n = from->ops->listxattr(from, names, (size_t)n);
	for (ssize_t at = 0; at < n && !err; at += (ssize_t)strlen(names + at) + 1) {
		if (!overlay_is_private_attr(o, names + at))
			err = copy_one_attribute(from, to, names + at);
	}
	kvfree(names);
	return err ?: (int)min(n, (ssize_t)0);
}

static int copy_owner_and_times(struct dentry *temp, const struct kstat *st)
{
	struct iattr attr = {
		.valid = ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME | ATTR_ATIME_SET |
			 ATTR_MTIME_SET | ATTR_FORCE,
		.uid = st->uid,
		.gid = st->gid,
		.atime = st->atime,
		.mtime = st->mtime,
	};
	struct iattr mode = { .valid = ATTR_MODE | ATTR_FORCE, .mode = st->mode };
	int err = overlay_real_setattr(temp, &attr);

	/* After the owner, whose change takes set-id bits away. */
	if (!err && !S_ISLNK(st->mode))
		err = overlay_real_setattr(temp, &mode);
	return err;
}

static int make_symlink(struct overlay *o, struct dentry *lower, struct dentry *temp)
{
	char *body = kmalloc(PATH_MAX, GFP_KERNEL);
	ssize_t n;
	int err;

	if (!body)
		return -ENOMEM;
	n = vfs_readlink(lower, body, PATH_MAX - 1);
	err = (int)min(n, (ssize_t)0);
	if (!err) {
		body[n] = '\0';
		err = vfs_symlink(o->work.dentry->inode, temp, body);
	}
	kfree(body);
	return err;
}

/* An empty file of the right kind in the scratch directory. */
static int make_temp(struct overlay *o, struct dentry *lower, const struct kstat *st,
		     struct dentry **out)
{
	struct inode *work = o->work.dentry->inode;
	struct dentry *temp;
	int err;

	rwsem_write_lock(&work->lock);
	err = overlay_temp(o, &temp);
	if (err)
		goto unlock;
	switch (st->mode & S_IFMT) {
	case S_IFREG: err = vfs_create(work, temp, 0600); break;
	case S_IFDIR: err = vfs_mkdir(work, temp, 0700); break;
	case S_IFLNK: err = make_symlink(o, lower, temp); break;
	default: err = vfs_mknod(work, temp, st->mode, st->rdev); break;
	}
	if (err)
		dentry_put(temp);
	else
		*out = temp;
unlock:
	rwsem_write_unlock(&work->lock);
	return err;
}

static int fill_temp(struct overlay *o, const struct path *lower, struct dentry *temp,
		     const struct kstat *st, loff_t size)
{
	int err = 0;

	if (S_ISREG(st->mode))
		err = copy_data(o, lower, temp, size);
	if (!err)
		err = copy_attributes(o, lower->dentry->inode, temp->inode);
	return err ?: copy_owner_and_times(temp, st);
}

/* A file whose name is gone is copied too, for who still has it open: under no name. */
static int place_temp(struct overlay *o, struct dentry *dentry, struct dentry *temp)
{
	struct dentry *parent = overlay_upper(dentry->parent->inode);

	if (!d_unhashed(dentry))
		return overlay_real_rename(o, o->work.dentry, temp, parent, dentry, 0);
	if (S_ISDIR(temp->inode->mode))
		return -ESTALE;
	dentry_get(temp);
	overlay_work_remove(o, temp);
	dentry_put(temp);
	return 0;
}

/* Locks: copy_lock held, none of the real trees. */
static int copy_one(struct dentry *dentry, loff_t limit)
{
	struct inode *inode = dentry->inode;
	struct overlay *o = overlay_of(inode->sb);
	struct dentry *temp;
	struct path lower;
	struct kstat st;
	int err;

	overlay_real_path(inode, &lower);
	err = vfs_getattr(&lower, &st, STATX_BASIC_STATS, 0);
	if (!err)
		err = make_temp(o, lower.dentry, &st, &temp);
	if (err)
		return err;
	err = fill_temp(o, &lower, temp, &st, min(limit, st.size));
	if (!err)
		err = place_temp(o, dentry, temp);
	if (err) {
		overlay_work_remove(o, temp);
		dentry_put(temp);
		return err;
	}
	atomic_store_release(&overlay_inode(inode)->upper, temp);
	/* Nobody looks for either: the name is in the cache, and the copy has no other yet. */
	overlay_inode_rehash(inode);
	return 0;
}

static int copy_up_locked(struct dentry *dentry, loff_t limit)
{
	struct overlay_inode *oi = overlay_inode(dentry->inode);
	int err = 0;

	mutex_lock(&oi->copy_lock);
	if (!oi->upper)
		err = copy_one(dentry, limit);
	mutex_unlock(&oi->copy_lock);
	if (!err)
		overlay_copy_attr(dentry->inode);
	return err;
}

/* The topmost directory above `dentry`, or itself, that has no upper one; with a count. */
static struct dentry *first_missing(struct dentry *dentry)
{
	struct dentry *d = dentry_get(dentry);

	for (;;) {
		struct dentry *parent = dentry_get_parent(d);

		if (parent == d || overlay_upper(parent->inode)) {
			dentry_put(parent);
			return d;
		}
		dentry_put(d);
		d = parent;
	}
}

int overlay_copy_up_size(struct dentry *dentry, loff_t size)
{
	struct overlay *o = overlay_of(dentry->sb);
	const struct cred *old;
	int err = 0;

	if (overlay_upper(dentry->inode))
		return 0;
	if (!o->upper.dentry)
		return -EROFS;
	old = cred_override(o->cred);
	while (!err && !overlay_upper(dentry->inode)) {
		struct dentry *d = first_missing(dentry);

		err = copy_up_locked(d, d == dentry ? size : S64_MAX);
		dentry_put(d);
	}
	cred_revert(old);
	return err;
}

int overlay_copy_up(struct dentry *dentry)
{
	return overlay_copy_up_size(dentry, S64_MAX);
}
