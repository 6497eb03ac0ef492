/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One name in one directory: from the cache, else from the file system.
 *
 * What the cache says needs no lock.  What it does not say is asked of the file system with the
 * directory's inode locked for writing, after another look into the cache: of two who ask for the
 * same name the second finds the first's dentry.
 */
#include <fs/vfs/dir.h>
#include <kernel/lib/string.h>

#include "walk_internal.h"

static int check_name(const struct dentry *dir, const struct qstr *name)
{
	return name->len > dir->sb->namelen ? -ENAMETOOLONG : 0;
}

/* Ask the file system.  Locks: dir's inode W. */
static int lookup_real(struct dentry *dir, const struct qstr *name, struct dentry **out)
{
	struct inode *inode = dir->inode;
	struct dentry *d, *alias = NULL;
	int err = check_name(dir, name);

	if (err)
		return err;
	if (unlikely(inode->flags & S_DEAD))
		return -ENOENT;
	d = d_alloc(dir, name);
	if (!d)
		return -ENOMEM;
	err = inode->ops->lookup(inode, d, &alias);
	if (err || alias) {
		dentry_put(d);
		d = alias;
	}
	*out = d;
	return err;
}

/* Still true?  If not, it leaves the cache, and *dp becomes NULL. */
static int revalidate(struct dentry **dp)
{
	struct dentry *d = *dp;
	int ret;

	if (likely(!(d->flags & DENTRY_REVALIDATE)))
		return 0;
	ret = d->ops->revalidate(d, false);
	if (ret > 0)
		return 0;
	if (!ret)
		d_invalidate(d);
	dentry_put(d);
	*dp = NULL;
	return ret;
}

int lookup_hashed(struct dentry *dir, const struct qstr *name, struct dentry **out)
{
	*out = d_lookup(dir, name);
	return *out ? revalidate(out) : 0;
}

static int lookup_locked(struct dentry *dir, const struct qstr *name, struct dentry **out)
{
	int err = lookup_hashed(dir, name, out);

	return err || *out ? err : lookup_real(dir, name, out);
}

int lookup_counted(struct dentry *dir, const struct qstr *name, struct dentry **out)
{
	int err = lookup_hashed(dir, name, out);

	if (err || *out)
		return err;
	if (!dir->inode->ops->lookup)
		return -ENOTDIR;
	rwsem_write_lock(&dir->inode->lock);
	err = lookup_locked(dir, name, out);
	rwsem_write_unlock(&dir->inode->lock);
	return err;
}

static int lookup_one_name(struct dentry *parent, const char *name, size_t len, struct qstr *q)
{
	if (!len || name_is_dots(name, len) || memchr(name, '/', len))
		return -EACCES;
	*q = (struct qstr){ name, len, qstr_hash(parent, name, len) };
	return 0;
}

int lookup_one_locked(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
	struct qstr q;
	int err = lookup_one_name(parent, name, len, &q);

	return err ?: lookup_locked(parent, &q, out);
}

int lookup_one(struct dentry *parent, const char *name, size_t len, struct dentry **out)
{
	struct qstr q;
	int err = lookup_one_name(parent, name, len, &q);

	return err ?: lookup_counted(parent, &q, out);
}
