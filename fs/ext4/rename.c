/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Renaming, exchanging, and leaving a whiteout behind.
 *
 * The new entry is written before the old one goes, all in one transaction.  Adding the new entry
 * can move the old one (a leaf is cut), so that is looked for again.  A directory that changes
 * parents gets a new ".."; the parents' link counts follow.
 *
 * Everything that can be wrong is found before the handle begins.
 */
#include <kernel/abi/fs.h>
#include <mm/mapping.h>

#include "dir_internal.h"

#define CREDITS_RENAME                                                                             \
	(2 * EXT4_CREDITS_ENTRY_ADD + 3 * EXT4_CREDITS_ENTRY_DEL + 4 * EXT4_CREDITS_INODE +        \
	 EXT4_CREDITS_ORPHAN)

/* One of the two names. */
struct side {
	struct inode *dir;
	struct dentry *dentry;
	struct inode *inode;     /* NULL: the name is free */
	struct ext4_entry entry; /* of the name, if it is not */
	struct ext4_entry
		up; /* ".." of the inode, if it is a directory that moves to the other parent */
};

static bool side_is_dir(const struct side *s)
{
	return s->inode && S_ISDIR(s->inode->mode);
}

static void side_put(struct side *s)
{
	buffer_put(s->entry.b);
	buffer_put(s->up.b);
}

/* The entry, which must name the inode. */
static int side_find(struct side *s)
{
	int err = ext4_entry_find_dentry(s->dir, s->dentry, &s->entry);

	if (err)
		return err;
	if (s->entry.ino == s->inode->ino)
		return 0;
	ext4_error(s->dir->sb, s->dir, s->entry.b->block, "entry names inode %u, not %llu",
		   s->entry.ino, s->inode->ino);
	return -EFSCORRUPTED;
}

/* ".." of a directory that is to move: it must name the parent. */
static int side_find_parent(struct side *s)
{
	int err = ext4_dir_parent(s->inode, &s->up);

	if (err || s->up.ino == s->dir->ino)
		return err;
	ext4_error(s->dir->sb, s->inode, s->up.b->block, "\"..\" names inode %u, not %llu",
		   s->up.ino, s->dir->ino);
	return -EFSCORRUPTED;
}

static int side_prepare(struct side *s, const struct side *other)
{
	int err = s->inode ? side_find(s) : 0;

	if (!err && side_is_dir(s) && s->dir != other->dir)
		err = side_find_parent(s);
	return err;
}

/* Write the other inode under this name. */
static int side_set(struct handle *h, struct side *s, const struct side *other)
{
	return ext4_entry_set(h, s->dir, &s->entry, (u32)other->inode->ino, other->inode->mode);
}

/* The inode's ctime, and its parent if that changed. */
static int side_moved(struct handle *h, struct side *s, const struct side *to, s64 now)
{
	int err = 0;

	WRITE_ONCE(s->inode->ctime, now);
	WRITE_ONCE(s->inode->version, s->inode->version + 1);
	if (s->up.b)
		err = ext4_dir_set_parent(h, s->inode, &s->up, (u32)to->dir->ino);
	return err ?: ext4_inode_dirty(h, s->inode);
}

static int side_claim(struct handle *h, struct ext4_holds *c, const struct side *s)
{
	int err = ext4_hold_dir(h, c, s->dir);

	if (!err && s->inode)
		err = ext4_hold_inode(h, c, s->inode);
	if (!err)
		err = ext4_hold(h, c, s->entry.b);
	return err ?: ext4_hold(h, c, s->up.b);
}

static int sides_claim(struct handle *h, struct ext4_holds *c, const struct side *a,
		       const struct side *b)
{
	return side_claim(h, c, a) ?: side_claim(h, c, b);
}

static int dirs_dirty(struct handle *h, const struct side *a, const struct side *b)
{
	int err = ext4_inode_dirty(h, a->dir);

	return err || a->dir == b->dir ? err : ext4_inode_dirty(h, b->dir);
}

static int finish(struct handle *h, int err)
{
	int stop = ext4_stop(h);

	return err ?: stop;
}

/* The new name: over what was there, or added.  Where it is goes to new->dentry.cookie. */
static int write_new(struct handle *h, struct side *old, struct side *new)
{
	if (!new->inode)
		return ext4_entry_add(h, new->dir, new->dentry, (u32)old->inode->ino,
				      old->inode->mode);
	new->dentry->cookie = ext4_entry_cookie(&new->entry);
	return side_set(h, new, old);
}

/* The old name goes, or comes to name the whiteout. */
static int write_old(struct handle *h, struct side *old, struct inode *whiteout)
{
	int err;

	ext4_entry_put(&old->entry);
	err = side_find(old);
	if (err)
		return err;
	if (whiteout)
		return ext4_entry_set(h, old->dir, &old->entry, (u32)whiteout->ino, whiteout->mode);
	return ext4_entry_remove(h, old->dir, NULL, &old->entry);
}

/* What was replaced loses its name; a directory, both its links. */
static int drop_target(struct handle *h, struct side *new, s64 now)
{
	if (side_is_dir(new)) {
		WRITE_ONCE(new->inode->nlink, 1);
		new->inode->size = 0;
	}
	return ext4_link_drop(h, new->inode, now);
}

static int move_links(struct handle *h, struct side *old, struct side *new)
{
	if (!side_is_dir(old))
		return 0;
	ext4_dir_link_del(old->dir);
	/* A directory in the place of another: the parent's count of the latter is the former's
	 * now. */
	return new->inode ? 0 : ext4_dir_link_add(h, new->dir);
}

static int rename_in(struct handle *h, struct side *old, struct side *new, struct inode *whiteout)
{
	int err = write_new(h, old, new);
	s64 now = new->dir->ctime;

	if (!err)
		err = side_moved(h, old, new, now);
	if (!err)
		err = write_old(h, old, whiteout);
	if (!err)
		err = move_links(h, old, new);
	if (!err && new->inode)
		err = drop_target(h, new, now);
	if (!err)
		err = dirs_dirty(h, old, new);
	if (!err)
		old->dentry->cookie = new->dentry->cookie;
	return err;
}

static int make_whiteout(struct handle *h, struct side *old, struct inode **out)
{
	int err = ext4_inode_create(h, old->dir, S_IFCHR, 0, out);

	if (err)
		*out = NULL;
	return err;
}

static int rename_once(struct side *old, struct side *new, bool whiteout)
{
	struct ext4_holds holds = {};
	struct inode *white = NULL;
	struct handle *h;
	unsigned credits = CREDITS_RENAME + (whiteout ? EXT4_CREDITS_INODE_NEW : 0);
	bool sync = (ext4_inode(old->dir)->flags | ext4_inode(new->dir)->flags) &
		    (EXT4_SYNC_FL | EXT4_DIRSYNC_FL);
	int err = ext4_start(old->dir->sb, NULL, credits, &h);

	if (err)
		return err;
	if (sync || (old->dir->sb->flags & SB_DIRSYNC))
		handle_set_sync(h);
	err = sides_claim(h, &holds, old, new);
	if (!err && whiteout)
		err = make_whiteout(h, old, &white);
	if (!err)
		err = rename_in(h, old, new, white);
	ext4_holds_end(&holds);
	if (err && white)
		ext4_inode_abandon(h, white);
	err = finish(h, err);
	if (!err && white)
		ext4_inode_made(white);
	inode_put(white);
	return err;
}

/* A replaced directory must be empty; a parent must have room for one more. */
static int rename_check(const struct side *old, const struct side *new)
{
	int empty;

	if (side_is_dir(new)) {
		empty = ext4_dir_is_empty(new->inode);
		return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
	}
	if (side_is_dir(old) && old->dir != new->dir && ext4_dir_links_full(new->dir))
		return -EMLINK;
	return 0;
}

static int do_rename_sides(struct side *old, struct side *new, bool whiteout)
{
	unsigned tries = 0;
	int err = side_prepare(old, new);

	if (!err)
		err = rename_check(old, new);
	if (!err && new->inode)
		err = side_find(new);
	if (err)
		return err;
	/* Programs that write a new file and rename it over the old one rely on finding one or the
	 * other. */
	if (new->inode && S_ISREG(old->inode->mode) && old->inode->data.nr_pages)
		(void)cache_write_range(&old->inode->data, 0, S64_MAX, false);
	do {
		err = rename_once(old, new, whiteout);
	} while (ext4_space_retry(old->dir->sb, err, &tries));
	return err;
}

/* Exchange */

static int exchange_links(struct handle *h, struct side *a, struct side *b)
{
	if (a->dir == b->dir || side_is_dir(a) == side_is_dir(b))
		return 0;
	if (side_is_dir(b))
		swap(a, b);
	ext4_dir_link_del(a->dir);
	return ext4_dir_link_add(h, b->dir);
}

static int exchange_in(struct handle *h, struct side *a, struct side *b)
{
	int err = side_set(h, a, b);

	if (!err)
		err = side_set(h, b, a);
	if (!err)
		err = side_moved(h, a, b, a->dir->ctime);
	if (!err)
		err = side_moved(h, b, a, b->dir->ctime);
	if (!err)
		err = exchange_links(h, a, b);
	if (!err)
		err = dirs_dirty(h, a, b);
	if (!err) {
		a->dentry->cookie = ext4_entry_cookie(&b->entry);
		b->dentry->cookie = ext4_entry_cookie(&a->entry);
	}
	return err;
}

static int exchange_full(const struct side *a, const struct side *b)
{
	if (a->dir == b->dir || side_is_dir(a) == side_is_dir(b))
		return 0;
	return ext4_dir_links_full(side_is_dir(a) ? b->dir : a->dir) ? -EMLINK : 0;
}

static int do_exchange(struct side *a, struct side *b)
{
	struct ext4_holds holds = {};
	struct handle *h;
	int err = side_prepare(a, b);

	if (!err)
		err = side_prepare(b, a);
	if (!err)
		err = exchange_full(a, b);
	if (!err)
		err = ext4_start(a->dir->sb, a->dir, CREDITS_RENAME, &h);
	if (err)
		return err;
	if (ext4_inode(b->dir)->flags & (EXT4_SYNC_FL | EXT4_DIRSYNC_FL))
		handle_set_sync(h);
	err = sides_claim(h, &holds, a, b);
	if (!err)
		err = exchange_in(h, a, b);
	ext4_holds_end(&holds);
	return finish(h, err);
}

int ext4_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		struct dentry *new, unsigned flags)
{
	struct side a = {.dir = old_dir, .dentry = old, .inode = old->inode};
	struct side b = {.dir = new_dir, .dentry = new, .inode = new->inode};
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE)
		err = do_exchange(&a, &b);
	else
		err = do_rename_sides(&a, &b, flags & RENAME_WHITEOUT);
	side_put(&a);
	side_put(&b);
	return err;
}
