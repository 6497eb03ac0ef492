/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Renaming in an overlay.
 *
 * Both names are brought into the upper tree first.  What the old place leaves uncovered gets a
 * whiteout in the same rename.  A directory that lower layers share can be moved only by
 * remembering where it was (a redirect); without that, EXDEV tells the caller to copy, as between
 * file systems.
 */
#include <kernel/abi/fs.h>
#include <kernel/abi/limits.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "overlay_internal.h"

struct renaming {
	struct overlay *o;
	struct dentry *old_dir, *new_dir; /* upper */
	struct dentry *old, *new;	  /* overlay's */
	unsigned flags;
	bool cover_old, cover_new;	  /* lower layers would show through */
};

static bool has_lower(const struct inode *inode)
{
	return overlay_inode(inode)->nr_lower && !overlay_inode(inode)->opaque;
}

/* Where the directory lies in the lower layers: down from the last ancestor that was itself
 * moved. */
static int origin_path(struct dentry *d, char *buf, size_t size, char **out)
{
	char *p = buf + size;

	*--p = '\0';
	while (!d_is_root(d)) {
		const char *redirect = overlay_inode(d->inode)->redirect;
		bool whole = redirect && *redirect == '/';
		size_t len = redirect ? strlen(redirect) : d->len;

		if ((size_t)(p - buf) < len + 1)
			return -ENAMETOOLONG;
		p -= len;
		memcpy(p, redirect ?: d->name, len);
		if (whole) {
			*out = p;
			return 0;
		}
		*--p = '/';
		d = d->parent;
	}
	*out = p;
	return 0;
}

static int set_redirect(struct overlay *o, struct dentry *dentry)
{
	struct overlay_inode *oi = overlay_inode(dentry->inode);
	char *buf, *path;
	int err;

	if (oi->redirect && *oi->redirect == '/')
		return 0;
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = origin_path(dentry, buf, PATH_MAX, &path);
	if (!err)
		err = overlay_attr_set(o, overlay_upper(dentry->inode), "redirect", path);
	if (!err) {
		char *copy = kstrdup(path, GFP_KERNEL);

		if (copy) {
			kfree(oi->redirect);
			oi->redirect = copy;
		} else {
			err = -ENOMEM;
		}
	}
	kfree(buf);
	return err;
}

static int set_opaque(struct overlay *o, struct dentry *dentry)
{
	int err = overlay_attr_set(o, overlay_upper(dentry->inode), "opaque", "y");

	if (!err)
		overlay_inode(dentry->inode)->opaque = true;
	return err;
}

/* A directory on the move: it must neither lose what is below it nor gain what its new place
 * covers. */
static int prepare_directory(struct renaming *r, struct dentry *moved, bool covers)
{
	if (!S_ISDIR(moved->inode->mode))
		return 0;
	if (has_lower(moved->inode))
		return set_redirect(r->o, moved);
	return covers && !overlay_inode(moved->inode)->opaque ? set_opaque(r->o, moved) : 0;
}

/* The target, if it is a directory, is empty for the user: for the upper file system too. */
static int empty_target(struct renaming *r)
{
	struct inode *target = r->new->inode;
	struct dentry *upper = target ? overlay_upper(target) : NULL;
	int err;

	if (!upper || !S_ISDIR(target->mode) || (r->flags & RENAME_EXCHANGE))
		return 0;
	err = set_opaque(r->o, r->new);
	return err ?: overlay_clear_whiteouts(r->o, upper);
}

static int rename_real(struct renaming *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE, over = false;
	struct dentry *upper_new, *upper_old;
	unsigned flags = r->flags & RENAME_EXCHANGE;
	int err = lookup_one(r->old_dir, r->old->name, r->old->len, &upper_old);

	if (err)
		return err;
	err = lookup_one(r->new_dir, r->new->name, r->new->len, &upper_new);
	if (err)
		goto put_old;
	if (!exchange && overlay_is_whiteout(upper_new) && S_ISDIR(r->old->inode->mode)) {
		/* A directory cannot replace a whiteout: they change places. */
		over = true;
		flags |= RENAME_EXCHANGE;
	} else if (!exchange && r->cover_old) {
		flags |= RENAME_WHITEOUT;
	}
	err = overlay_real_rename(r->o, r->old_dir, upper_old, r->new_dir, r->new, flags);
	if (!err && over && !r->cover_old) {
		rwsem_write_lock(&r->old_dir->inode->lock);
		err = vfs_unlink(r->old_dir->inode, upper_new);
		rwsem_write_unlock(&r->old_dir->inode->lock);
	}
	dentry_put(upper_new);
put_old:
	dentry_put(upper_old);
	return err;
}

static int rename_prepared(struct renaming *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE;
	int err = overlay_lower_has(r->old->parent->inode, r->old, &r->cover_old);

	if (!err)
		err = overlay_lower_has(r->new->parent->inode, r->new, &r->cover_new);
	if (!err)
		err = prepare_directory(r, r->old, r->cover_new);
	if (!err && exchange)
		err = prepare_directory(r, r->new, r->cover_old);
	if (!err)
		err = empty_target(r);
	return err ?: rename_real(r);
}

static int rename_allowed(const struct overlay *o, const struct dentry *old,
			  const struct dentry *new, unsigned flags)
{
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!o->redirect && S_ISDIR(old->inode->mode) && has_lower(old->inode))
		return -EXDEV;
	if ((flags & RENAME_EXCHANGE) && !o->redirect && S_ISDIR(new->inode->mode) &&
	    has_lower(new->inode))
		return -EXDEV;
	if (!(flags & RENAME_EXCHANGE) && new->inode && S_ISDIR(new->inode->mode))
		return overlay_dir_empty(new->inode);
	return 0;
}

int overlay_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		   struct dentry *new, unsigned flags)
{
	struct renaming r = {.o = overlay_of(old_dir->sb), .old = old, .new = new, .flags = flags};
	const struct cred *cred;
	int err = rename_allowed(r.o, old, new, flags);

	if (!err)
		err = overlay_copy_up(old);
	if (!err)
		err = overlay_copy_up(new->parent);
	if (!err && (flags & RENAME_EXCHANGE))
		err = overlay_copy_up(new);
	if (err)
		return err;
	r.old_dir = overlay_upper(old_dir);
	r.new_dir = overlay_upper(new_dir);
	cred = cred_override(r.o->cred);
	err = rename_prepared(&r);
	cred_revert(cred);
	if (err)
		return err;
	overlay_copy_attr(old_dir);
	overlay_copy_attr(new_dir);
	overlay_copy_attr(old->inode);
	if (new->inode && !(flags & RENAME_EXCHANGE)) {
		if (S_ISDIR(new->inode->mode))
			new->inode->nlink = 0;
		else if (overlay_upper(new->inode))
			overlay_copy_attr(new->inode);
	}
	return 0;
}
