/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding a name in the layers.
 *
 * The upper layer is asked first, then the lower ones from the top.  A whiteout or an opaque
 * directory ends the search; a file ends it too, and counts only when nothing was found above it.
 * Directories are collected: together they are the merged one.  A redirect changes what the layers
 * below are asked for.
 */
#include <kernel/abi/limits.h>
#include <kernel/abi/xattr.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "overlay_internal.h"

#define ATTR_NAME_SIZE 40

static void attr_name(struct overlay *o, const char *name, char *buf)
{
	snprintf(buf, ATTR_NAME_SIZE, "%s%s", o->prefix, name);
}

bool overlay_is_private_attr(struct overlay *o, const char *name)
{
	return !strncmp(name, o->prefix, strlen(o->prefix));
}

bool overlay_is_whiteout(const struct dentry *d)
{
	return d->inode && S_ISCHR(d->inode->mode) && !d->inode->rdev;
}

static ssize_t attr_get(struct overlay *o, struct dentry *real, const char *name, void *buf,
			size_t size)
{
	char full[ATTR_NAME_SIZE];
	struct inode *inode = real->inode;

	if (!inode->ops->getxattr)
		return -EOPNOTSUPP;
	attr_name(o, name, full);
	return inode->ops->getxattr(inode, full, buf, size);
}

bool overlay_flag_get(struct overlay *o, struct dentry *real, const char *name)
{
	char value;

	return attr_get(o, real, name, &value, 1) == 1 && value == 'y';
}

int overlay_attr_set(struct overlay *o, struct dentry *real, const char *name, const char *value)
{
	char full[ATTR_NAME_SIZE];
	struct inode *inode = real->inode;
	int err;

	if (!inode->ops->setxattr)
		return -EOPNOTSUPP;
	attr_name(o, name, full);
	rwsem_write_lock(&inode->lock);
	err = inode->ops->setxattr(inode, full, value, strlen(value), 0);
	rwsem_write_unlock(&inode->lock);
	return err;
}

/* The redirect of an upper or lower directory, allocated; NULL: none. */
static int redirect_get(struct overlay *o, struct dentry *real, char **out)
{
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	ssize_t n;

	*out = NULL;
	if (!buf)
		return -ENOMEM;
	n = attr_get(o, real, "redirect", buf, PATH_MAX - 1);
	if (n <= 0) {
		kfree(buf);
		return 0;
	}
	buf[n] = '\0';
	/* A name, or a path from the layer's root without empty or dotted components. */
	if ((buf[0] != '/' && strchr(buf, '/')) || strstr(buf, "//") || strstr(buf, "/.") ||
	    (size_t)n != strlen(buf)) {
		kfree(buf);
		return -EIO;
	}
	*out = buf;
	return 0;
}

/* One search. */
struct search {
	struct overlay *o;
	/* what the next layers are asked for: in the parent, or from their root */
	const char *name;
	size_t len;
	char *redirect;	     /* owns `name` when set */
	struct dentry *upper;
	struct overlay_lower *found;
	unsigned nr;
	bool stop;	     /* nothing below shows */
	bool opaque;	     /* of the upper directory */
};

/* What a directory found says about what is below it. */
static int search_directory(struct search *s, struct dentry *real, bool upper)
{
	char *redirect;
	int err;

	if (overlay_flag_get(s->o, real, "opaque")) {
		s->stop = true;
		s->opaque = upper;
		return 0;
	}
	err = redirect_get(s->o, real, &redirect);
	if (err || !redirect)
		return err;
	kfree(s->redirect);
	s->redirect = redirect;
	s->name = redirect;
	s->len = strlen(redirect);
	return 0;
}

static int search_upper(struct search *s, struct dentry *dir)
{
	struct dentry *d;
	int err = lookup_one(dir, s->name, s->len, &d);

	if (err)
		return err;
	if (!d->inode || overlay_is_whiteout(d)) {
		s->stop = d->inode != NULL;
		dentry_put(d);
		return 0;
	}
	s->upper = d;
	if (!S_ISDIR(d->inode->mode)) {
		s->stop = true;
		return 0;
	}
	return search_directory(s, d, true);
}

/* The name in one lower layer: below `dir`, or from the layer's root after a redirect to a path. */
static int lower_lookup(struct search *s, unsigned layer, struct dentry *dir, struct dentry **out)
{
	struct path found;
	int err;

	if (s->name[0] != '/')
		return dir ? lookup_one(dir, s->name, s->len, out) : -ENOENT;
	err = vfs_path_lookup(&s->o->lower[layer], s->name + 1,
			      LOOKUP_BENEATH | LOOKUP_NO_SYMLINKS | LOOKUP_NO_XDEV, &found);
	if (err)
		return err;
	*out = dentry_get(found.dentry);
	path_put(&found);
	return 0;
}

static int search_lower(struct search *s, unsigned layer, struct dentry *dir)
{
	struct dentry *d;
	int err = lower_lookup(s, layer, dir, &d);
	bool is_dir;

	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	if (!d->inode || overlay_is_whiteout(d)) {
		s->stop = d->inode != NULL;
		dentry_put(d);
		return 0;
	}
	is_dir = S_ISDIR(d->inode->mode);
	/* A file below a directory does not show; no more does what is under it. */
	if (!is_dir && (s->upper || s->nr)) {
		s->stop = true;
		dentry_put(d);
		return 0;
	}
	s->found[s->nr++] = (struct overlay_lower){ layer, d };
	if (!is_dir) {
		s->stop = true;
		return 0;
	}
	return search_directory(s, d, false);
}

/* The lower directory of `dir` in `layer`, or NULL. */
static struct dentry *lower_of(const struct overlay_inode *dir, unsigned layer)
{
	for (unsigned i = 0; i < dir->nr_lower; i++) {
		if (dir->lower[i].layer == layer)
			return dir->lower[i].dentry;
	}
	return NULL;
}

static int search_all(struct search *s, struct inode *dir)
{
	struct overlay_inode *od = overlay_inode(dir);
	struct dentry *upper = overlay_upper(dir);
	int err = upper ? search_upper(s, upper) : 0;

	for (unsigned layer = 0; layer < s->o->nr_lower && !err && !s->stop; layer++)
		err = search_lower(s, layer, lower_of(od, layer));
	return err;
}

static void search_end(struct search *s)
{
	for (unsigned i = 0; i < s->nr; i++)
		dentry_put(s->found[i].dentry);
	kfree(s->found);
	if (s->upper)
		dentry_put(s->upper);
	kfree(s->redirect);
}

static int search_begin(struct search *s, struct inode *dir, const struct dentry *dentry)
{
	*s = (struct search){ .o = overlay_of(dir->sb), .name = dentry->name, .len = dentry->len };
	s->found = kcalloc(max(s->o->nr_lower, 1u), sizeof(*s->found), GFP_KERNEL);
	return s->found ? 0 : -ENOMEM;
}

static int lookup_inode(struct search *s, struct superblock *sb, struct inode **out)
{
	struct overlay_inode *oi;
	int err;

	*out = NULL;
	if (!s->upper && !s->nr)
		return 0;
	err = overlay_inode_get(sb, s->upper, s->found, s->nr, out);
	s->upper = NULL;
	s->found = NULL;
	s->nr = 0;
	if (err)
		return err;
	oi = overlay_inode(*out);
	oi->opaque = s->opaque;
	if (s->redirect && !oi->redirect) {
		oi->redirect = s->redirect;
		s->redirect = NULL;
	}
	return 0;
}

int overlay_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	const struct cred *old;
	struct inode *inode;
	struct search s;
	int err = search_begin(&s, dir, dentry);

	if (err)
		return err;
	old = cred_override(overlay_of(dir->sb)->cred);
	err = search_all(&s, dir);
	if (!err)
		err = lookup_inode(&s, dir->sb, &inode);
	cred_revert(old);
	search_end(&s);
	return err ?: d_splice_alias(dentry, inode, alias);
}

int overlay_lower_has(struct inode *dir, const struct dentry *dentry, bool *has)
{
	struct overlay_inode *od = overlay_inode(dir);
	struct search s;
	int err = search_begin(&s, dir, dentry);

	if (err)
		return err;
	for (unsigned layer = 0; layer < s.o->nr_lower && !err && !s.stop && !s.nr; layer++)
		err = search_lower(&s, layer, lower_of(od, layer));
	*has = s.nr != 0;
	search_end(&s);
	return err;
}
