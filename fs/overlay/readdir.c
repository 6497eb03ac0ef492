/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listing a merged directory.
 *
 * A first read, or a rewind, reads all layers into one list, without names that appeared above and
 * without whiteouts; positions are indices into it.  So a listing shows the directory as it was
 * when it began.
 */
#include <fs/vfs/dir.h>
#include <kernel/abi/limits.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "overlay_internal.h"

struct listed {
	struct rb_node node; /* by name */
	struct listed *next; /* in order of arrival */
	u64 ino;
	unsigned type;
	unsigned layer_mark; /* the pass that brought it */
	bool whiteout;
	u32 len;
	char name[];
};

struct listing {
	struct dir_context ctx; /* of the real directory being read */
	struct rb_root names;
	struct listed *first, **last;
	unsigned pass;
	int err;
};

static int name_compare(const char *a, size_t an, const char *b, size_t bn)
{
	int order = memcmp(a, b, an < bn ? an : bn);

	return order ?: an < bn ? -1 : an > bn;
}

static bool listing_add(struct dir_context *ctx, const char *name, size_t len, loff_t pos, u64 ino,
			unsigned type)
{
	struct listing *l = container_of(ctx, struct listing, ctx);
	struct rb_node **link = &l->names.node, *parent = NULL;
	bool leftmost = true;
	struct listed *e;

	if (name_is_dots(name, len))
		return true;
	while (*link) {
		int order;

		parent = *link;
		e = container_of(parent, struct listed, node);
		order = name_compare(name, len, e->name, e->len);
		if (!order)
			return true;
		link = order < 0 ? &parent->left : &parent->right;
		leftmost &= order < 0;
	}
	e = kmalloc(sizeof(*e) + len + 1, GFP_KERNEL);
	if (!e) {
		l->err = -ENOMEM;
		return false;
	}
	*e = (struct listed){ .ino = ino, .type = type, .layer_mark = l->pass, .len = (u32)len };
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	rb_link(&e->node, parent, link);
	rb_insert_fixup(&l->names, &e->node, leftmost);
	*l->last = e;
	l->last = &e->next;
	return true;
}

/* Character devices that this pass brought may be whiteouts. */
static int mark_whiteouts(struct listing *l, struct dentry *dir)
{
	for (struct listed *e = l->first; e; e = e->next) {
		struct dentry *d;
		int err;

		if (e->layer_mark != l->pass || e->type != DT_CHR)
			continue;
		err = lookup_one(dir, e->name, e->len, &d);
		if (err)
			return err;
		e->whiteout = overlay_is_whiteout(d);
		dentry_put(d);
	}
	return 0;
}

static int listing_read(struct listing *l, struct mount *mnt, struct dentry *dir)
{
	struct path path = { mnt, dir };
	struct file *f;
	int err = file_open(&path, O_RDONLY | O_DIRECTORY, cred_current(), &f);

	if (err)
		return err;
	l->pass++;
	l->ctx.pos = 0;
	err = dir_iterate(f, &l->ctx);
	file_put(f);
	return err ?: l->err ?: mark_whiteouts(l, dir);
}

static void listing_free(struct listing *l)
{
	while (l->first) {
		struct listed *e = l->first;

		l->first = e->next;
		kfree(e);
	}
	kfree(l);
}

static int read_layers(struct listing *l, struct inode *dir)
{
	struct overlay *o = overlay_of(dir->sb);
	const struct overlay_inode *oi = overlay_inode(dir);
	struct dentry *upper = overlay_upper(dir);
	int err = upper ? listing_read(l, o->upper.mnt, upper) : 0;

	for (unsigned i = 0; i < oi->nr_lower && !err && !(upper && oi->opaque); i++)
		err = listing_read(l, o->lower[oi->lower[i].layer].mnt, oi->lower[i].dentry);
	return err;
}

static int listing_make(struct inode *dir, struct listing **out)
{
	struct listing *l = kzalloc(sizeof(*l), GFP_KERNEL);
	const struct cred *old;
	int err;

	if (!l)
		return -ENOMEM;
	rb_root_init(&l->names);
	l->last = &l->first;
	l->ctx.actor = listing_add;
	old = cred_override(overlay_of(dir->sb)->cred);
	err = read_layers(l, dir);
	cred_revert(old);
	if (err)
		listing_free(l);
	else
		*out = l;
	return err;
}

int overlay_dir_empty(struct inode *dir)
{
	struct listing *l;
	int err = listing_make(dir, &l);

	if (err)
		return err;
	for (struct listed *e = l->first; e && !err; e = e->next)
		err = e->whiteout ? 0 : -ENOTEMPTY;
	listing_free(l);
	return err;
}

static int overlay_iterate(struct file *f, struct dir_context *ctx)
{
	struct listing *l = f->private;
	loff_t at = 2;
	int err;

	if (l && ctx->pos == 0) {
		listing_free(l);
		f->private = l = NULL;
	}
	if (!l) {
		err = listing_make(f->inode, &l);
		if (err)
			return err;
		f->private = l;
	}
	if (!dir_emit_dots(f, ctx))
		return 0;
	for (struct listed *e = l->first; e; e = e->next, at++) {
		if (at < ctx->pos)
			continue;
		if (!e->whiteout && !dir_emit(ctx, e->name, e->len, e->ino, e->type))
			return 0;
		ctx->pos = at + 1;
	}
	return 0;
}

static int overlay_dir_release(struct file *f)
{
	if (f->private)
		listing_free(f->private);
	return 0;
}

static int overlay_dir_fsync(struct file *f, loff_t start, loff_t end, bool data_only)
{
	struct overlay *o = overlay_of(f->inode->sb);
	struct dentry *upper = overlay_upper(f->inode);
	struct path path = { o->upper.mnt, upper };
	struct file *real;
	int err;

	if (!upper || o->volatile_)
		return 0;
	err = file_open(&path, O_RDONLY | O_DIRECTORY, o->cred, &real);
	if (err)
		return err;
	err = real->ops->fsync ? real->ops->fsync(real, start, end, data_only) : -EINVAL;
	file_put(real);
	return err;
}

const struct file_ops overlay_dir_file_ops = {
	.iterate = overlay_iterate,
	.lseek = generic_lseek,
	.release = overlay_dir_release,
	.fsync = overlay_dir_fsync,
};
