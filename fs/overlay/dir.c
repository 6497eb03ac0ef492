/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making and removing names in an overlay.
 *
 * A new name goes straight into the upper directory, unless a whiteout lies there: then the file is
 * made in the scratch directory and takes the whiteout's place in one rename.  A new directory over
 * lower ones is opaque.  A removed name that lower layers still have gets a whiteout.
 */
#include <fs/vfs/dir.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>

#include "overlay_internal.h"

/* What is to be made. */
struct making {
	umode_t mode;
	dev_t rdev;
	const char *target;    /* symlink */
	struct dentry *hard;   /* link: the upper file */
	bool opaque;	       /* directory that hides lower ones */
};

/* Whose it becomes: the caller's, by the rules of the directory as the overlay shows it. */
struct owner {
	u32 uid, gid;
	bool sgid;
};

static int make_at(struct dentry *dir, struct dentry *d, const struct making *m)
{
	if (m->hard)
		return vfs_link(m->hard, dir->inode, d);
	switch (m->mode & S_IFMT) {
	case S_IFREG: return vfs_create(dir->inode, d, m->mode);
	case S_IFDIR: return vfs_mkdir(dir->inode, d, m->mode);
	case S_IFLNK: return vfs_symlink(dir->inode, d, m->target);
	default: return vfs_mknod(dir->inode, d, m->mode, m->rdev);
	}
}

/* The new file belongs to the caller, not to who mounted. */
static int set_owner(struct dentry *d, const struct owner *as)
{
	struct iattr attr = {
		.valid = ATTR_UID | ATTR_GID | ATTR_FORCE, .uid = as->uid, .gid = as->gid};
	struct iattr mode = { .valid = ATTR_MODE | ATTR_FORCE, .mode = d->inode->mode };
	int err;

	if (as->sgid)
		mode.mode |= S_ISGID;
	err = overlay_real_setattr(d, &attr);
	if (!err && (mode.mode & (S_ISUID | S_ISGID)))
		err = overlay_real_setattr(d, &mode);
	return err;
}

static int finish_new(struct overlay *o, struct dentry *d, const struct making *m,
		      const struct owner *as)
{
	int err = m->hard ? 0 : set_owner(d, as);

	if (!err && m->opaque)
		err = overlay_attr_set(o, d, "opaque", "y");
	return err;
}

static void undo_new(struct dentry *dir, struct dentry *d)
{
	rwsem_write_lock(&dir->inode->lock);
	if (d->inode && !d_unhashed(d) && overlay_real_remove(dir, d))
		d_drop(d);
	rwsem_write_unlock(&dir->inode->lock);
}

/* In `dir`, under a fresh name (`name` NULL: the scratch directory) or under `name`. */
static int make_in(struct overlay *o, struct dentry *dir, const struct dentry *name,
		   const struct making *m, const struct owner *as, struct dentry **out)
{
	struct dentry *d;
	int err;

	rwsem_write_lock(&dir->inode->lock);
	err = name ? lookup_one_locked(dir, name->name, name->len, &d) : overlay_temp(o, &d);
	if (!err) {
		err = d->inode ? -EEXIST : make_at(dir, d, m);
		if (err)
			dentry_put(d);
	}
	rwsem_write_unlock(&dir->inode->lock);
	if (err)
		return err;
	err = finish_new(o, d, m, as);
	if (err) {
		undo_new(dir, d);
		dentry_put(d);
		return err;
	}
	*out = d;
	return 0;
}

/* Over the whiteout that lies at `name`. */
static int make_over(struct overlay *o, struct dentry *dir, const struct dentry *name,
		     const struct making *m, const struct owner *as, struct dentry **out)
{
	bool exchange = S_ISDIR(m->mode) && !m->hard;
	struct dentry *whiteout, *temp;
	int err = make_in(o, o->work.dentry, NULL, m, as, &temp);

	if (err)
		return err;
	err = lookup_one(dir, name->name, name->len, &whiteout);
	if (err)
		goto remove;
	err = overlay_real_rename(o, o->work.dentry, temp, dir, name,
				  exchange ? RENAME_EXCHANGE : 0);
	if (!err && exchange)
		overlay_work_remove(o, whiteout);
	dentry_put(whiteout);
	if (!err) {
		*out = temp;
		return 0;
	}
remove:
	overlay_work_remove(o, temp);
	dentry_put(temp);
	return err;
}

static int whiteout_at(struct dentry *dir, const struct dentry *name, bool *is)
{
	struct dentry *d;
	int err = lookup_one(dir, name->name, name->len, &d);

	if (err)
		return err;
	*is = overlay_is_whiteout(d);
	dentry_put(d);
	return 0;
}

static int make_real(struct inode *dir, struct dentry *dentry, struct making *m,
		     const struct owner *as, struct dentry **out)
{
	struct overlay *o = overlay_of(dir->sb);
	struct dentry *upper = overlay_upper(dir);
	bool whiteout;
	int err = whiteout_at(upper, dentry, &whiteout);

	if (err)
		return err;
	m->opaque = S_ISDIR(m->mode) && !m->hard && (whiteout || overlay_inode(dir)->nr_lower);
	return (whiteout ? make_over : make_in)(o, upper, dentry, m, as, out);
}

static int make_new(struct inode *dir, struct dentry *dentry, struct making *m)
{
	struct overlay *o = overlay_of(dir->sb);
	const bool inherits = dir->mode & S_ISGID;
	const struct owner as = {
		.uid = cred_current()->fsuid,
		.gid = inherits ? dir->gid : cred_current()->fsgid,
		.sgid = inherits && S_ISDIR(m->mode),
	};
	const struct cred *old;
	struct inode *inode;
	struct dentry *real;
	int err = overlay_copy_up(dentry->parent);

	if (err)
		return err;
	old = cred_override(o->cred);
	err = make_real(dir, dentry, m, &as, &real);
	if (!err)
		err = overlay_inode_get(dir->sb, real, NULL, 0, &inode);
	cred_revert(old);
	if (err)
		return err;
	overlay_inode(inode)->opaque = m->opaque;
	d_instantiate(dentry, inode);
	overlay_copy_attr(dir);
	return 0;
}

int overlay_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	struct making m = { .mode = mode, .rdev = rdev };

	/* Whiteouts are made by removing. */
	if (S_ISCHR(mode) && !rdev)
		return -EPERM;
	return make_new(dir, dentry, &m);
}

int overlay_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return overlay_mknod(dir, dentry, mode, 0);
}

int overlay_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return overlay_mknod(dir, dentry, mode, 0);
}

int overlay_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	struct making m = { .mode = S_IFLNK | S_IRWXUGO, .target = target };

	return make_new(dir, dentry, &m);
}

int overlay_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct making m = { .mode = old->inode->mode };
	const struct cred *cred;
	struct dentry *real;
	int err = overlay_copy_up(old);

	if (!err)
		err = overlay_copy_up(dentry->parent);
	if (err)
		return err;
	m.hard = overlay_upper(old->inode);
	cred = cred_override(overlay_of(dir->sb)->cred);
	err = make_real(dir, dentry, &m, NULL, &real);
	cred_revert(cred);
	if (err)
		return err;
	dentry_put(real);
	d_instantiate(dentry, inode_get(old->inode));
	overlay_copy_attr(old->inode);
	overlay_copy_attr(dir);
	return 0;
}

/* Removal */

static int whiteout_make(struct overlay *o, struct dentry **out)
{
	struct dentry *work = o->work.dentry;
	int err;

	rwsem_write_lock(&work->inode->lock);
	err = overlay_temp(o, out);
	if (!err) {
		err = vfs_mknod(work->inode, *out, S_IFCHR, 0);
		if (err)
			dentry_put(*out);
	}
	rwsem_write_unlock(&work->inode->lock);
	return err;
}

/* A whiteout takes the place of whatever the upper directory has there. */
static int remove_and_cover(struct overlay *o, struct dentry *dir, struct dentry *dentry,
			    struct dentry *upper)
{
	bool exchange = upper && S_ISDIR(upper->inode->mode);
	struct dentry *whiteout;
	int err = whiteout_make(o, &whiteout);

	if (err)
		return err;
	err = overlay_real_rename(o, o->work.dentry, whiteout, dir, dentry,
				  exchange ? RENAME_EXCHANGE : 0);
	if (err)
		overlay_work_remove(o, whiteout);
	else if (exchange)
		overlay_work_remove(o, upper);
	dentry_put(whiteout);
	return err;
}

static int remove_upper(struct overlay *o, struct dentry *dir, struct dentry *upper, bool is_dir)
{
	int err = is_dir ? overlay_clear_whiteouts(o, upper) : 0;

	if (err)
		return err;
	rwsem_write_lock(&dir->inode->lock);
	err = upper->parent != dir || d_unhashed(upper) ? -ESTALE : overlay_real_remove(dir, upper);
	rwsem_write_unlock(&dir->inode->lock);
	return err;
}

static int remove_real(struct inode *dir, struct dentry *dentry, bool is_dir)
{
	struct overlay *o = overlay_of(dir->sb);
	struct dentry *upper_dir = overlay_upper(dir), *upper;
	bool covered;
	int err = overlay_lower_has(dir, dentry, &covered);

	if (err)
		return err;
	/* By name: a hard link's inode remembers only one of its upper names. */
	err = lookup_one(upper_dir, dentry->name, dentry->len, &upper);
	if (err)
		return err;
	if (covered)
		err = remove_and_cover(o, upper_dir, dentry, upper->inode ? upper : NULL);
	else
		err = upper->inode ? remove_upper(o, upper_dir, upper, is_dir) : -ESTALE;
	dentry_put(upper);
	return err;
}

static int remove_name(struct inode *dir, struct dentry *dentry, bool is_dir)
{
	struct inode *inode = dentry->inode;
	const struct cred *old;
	int err = is_dir ? overlay_dir_empty(inode) : 0;

	if (!err)
		err = overlay_copy_up(dentry->parent);
	if (err)
		return err;
	old = cred_override(overlay_of(dir->sb)->cred);
	err = remove_real(dir, dentry, is_dir);
	cred_revert(old);
	if (err)
		return err;
	overlay_copy_attr(dir);
	if (is_dir)
		inode->nlink = 0;
	else if (overlay_upper(inode))
		overlay_copy_attr(inode);
	else
		inode->nlink = inode->nlink ? inode->nlink - 1 : 0;
	return 0;
}

int overlay_unlink(struct inode *dir, struct dentry *dentry)
{
	return remove_name(dir, dentry, false);
}

int overlay_rmdir(struct inode *dir, struct dentry *dentry)
{
	return remove_name(dir, dentry, true);
}
