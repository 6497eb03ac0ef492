/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading directories; and directories that consist of their cached dentries.
 *
 * Such a directory lists its children in the order they came: each gets a cookie greater than all
 * before, which is its position for getdents and seekdir. A file remembers the dentry it stopped
 * at, so that going on does not search.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/dir.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <kernel/sched/sched.h>

#include <fs/vfs/core.h>

bool dir_emit_dots(struct file *file, struct dir_context *ctx)
{
	if (ctx->pos == 0) {
		if (!dir_emit(ctx, ".", 1, file->inode->ino, DT_DIR))
			return false;
		ctx->pos = 1;
	}
	if (ctx->pos == 1) {
		struct dentry *up = dentry_get_parent(file->path.dentry);
		bool ok = dir_emit(ctx, "..", 2, up->inode->ino, DT_DIR);

		dentry_put(up);
		if (!ok)
			return false;
		ctx->pos = 2;
	}
	return true;
}

int dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct inode *inode = file->inode;
	int err = -ENOENT;

	if (!file->ops->iterate)
		return -ENOTDIR;
	err = rwsem_read_lock_killable(&inode->lock);
	if (err)
		return err;
	err = -ENOENT;
	if (!(inode->flags & S_DEAD)) {
		ctx->pos = file->pos;
		err = file->ops->iterate(file, ctx);
		file->pos = ctx->pos;
		fsnotify_file(file, IN_ACCESS | IN_ISDIR);
		file_accessed(file);
	}
	rwsem_read_unlock(&inode->lock);
	return err;
}

/* Directories in the cache */

/* fsdata of a directory counts the cookies it gave; 0 and 1 are "." and "..".  Locks: dir->lock. */
static u64 next_cookie(struct dentry *dir)
{
	u64 given = (uintptr_t)dir->fsdata + 1;

	dir->fsdata = (void *)(uintptr_t)given;
	return given + 1;
}

static void place_last(struct dentry *d, struct dentry *dir)
{
	guard_spin(&dir->lock);
	d->cookie = next_cookie(dir);
	if (d->parent == dir) {
		list_remove(&d->sibling);
		list_push_back(&dir->children, &d->sibling);
	}
}

void dcache_dir_enter(struct dentry *d)
{
	place_last(d, d->parent);
	if (!(READ_ONCE(d->flags) & DENTRY_PINNED))
		d_pin(d);
}

void dcache_dir_leave(struct dentry *d, struct dentry *to)
{
	place_last(d, to);
}

bool dcache_dir_empty(struct dentry *dir)
{
	struct dentry *c;

	guard_spin(&dir->lock);
	list_for_each (c, &dir->children, sibling) {
		if (READ_ONCE(c->inode) && !d_unhashed(c))
			return false;
	}
	return true;
}

static bool listable(const struct dentry *c)
{
	return READ_ONCE(c->inode) && !d_unhashed(c);
}

/* The child with the smallest cookie >= pos, counted.  `hint` is where a search may begin. */
static struct dentry *next_child(struct dentry *dir, struct dentry *hint, u64 pos)
{
	struct dentry *c;

	guard_spin(&dir->lock);
	if (hint && READ_ONCE(hint->parent) == dir && !list_empty(&hint->sibling) && hint->cookie &&
	    hint->cookie <= pos) {
		c = hint;
		do {
			if (listable(c) && c->cookie >= pos)
				return dentry_get(c);
			if (c->sibling.next == &dir->children)
				return NULL;
			c = list_next_entry(c, sibling);
		} while (true);
	}
	list_for_each (c, &dir->children, sibling) {
		if (listable(c) && c->cookie >= pos)
			return dentry_get(c);
	}
	return NULL;
}

static int dcache_iterate(struct file *file, struct dir_context *ctx)
{
	struct dentry *dir = file->path.dentry, *hint = file->private, *c;

	if (!dir_emit_dots(file, ctx))
		return 0;
	file->private = NULL;
	while ((c = next_child(dir, hint, ctx->pos)) != NULL) {
		struct inode *inode = c->inode;

		if (hint)
			dentry_put(hint);
		hint = c;
		ctx->pos = c->cookie;
		if (!dir_emit(ctx, c->name, c->len, inode->ino, DT_OF_MODE(inode->mode)))
			break;
		ctx->pos = c->cookie + 1;
	}
	file->private = hint;
	return 0;
}

static int dcache_release(struct file *file)
{
	if (file->private)
		dentry_put(file->private);
	return 0;
}

static loff_t dcache_lseek(struct file *f, loff_t offset, int whence)
{
	return generic_lseek_size(f, offset, whence, S64_MAX, 0);
}

static ssize_t dcache_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	return -EISDIR;
}

const struct file_ops dcache_dir_ops = {
	.read_iter = dcache_read,
	.lseek = dcache_lseek,
	.iterate = dcache_iterate,
	.release = dcache_release,
	.fsync = noop_fsync,
};
