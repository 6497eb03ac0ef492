/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names: looking them up, making and removing them.
 *
 * Each operation is one transaction: inode, entry and directory reach the disk together.  A file
 * without names that is still open stands on the orphan list, so that the next mount frees it if
 * the machine stops before its last close.
 */
#include <fs/vfs/dentry.h>
#include <kernel/abi/fs.h>
#include <kernel/sched/thread.h>

#include "dir_internal.h"

#define CREDITS_MAKE                                                                               \
	(EXT4_CREDITS_INODE_NEW + EXT4_CREDITS_XATTR + EXT4_CREDITS_ENTRY_ADD +                    \
	 2 * EXT4_CREDITS_INODE)
#define CREDITS_UNLINK (EXT4_CREDITS_ENTRY_DEL + 2 * EXT4_CREDITS_INODE + EXT4_CREDITS_ORPHAN)

static int ext4_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct inode *inode = NULL;
	struct ext4_entry e;
	int err = ext4_entry_find(dir, dentry->name, dentry->len, dentry, &e);

	if (!err) {
		dentry->cookie = ext4_entry_cookie(&e);
		ext4_entry_put(&e);
		if (e.ino == dir->ino) {
			ext4_error(dir->sb, dir, 0, "directory holds itself");
			return -EFSCORRUPTED;
		}
		err = ext4_inode_get(dir->sb, e.ino, &inode);
		if (err == -ESTALE) {
			ext4_error(dir->sb, dir, 0, "entry names inode %u, which is not in use",
				   e.ino);
			return -EFSCORRUPTED;
		}
	} else if (err == -ENOENT) {
		err = 0;
	}
	return err ?: d_splice_alias(dentry, inode, alias);
}

/* Holds */

int ext4_hold(struct handle *h, struct ext4_holds *c, struct buffer *b)
{
	int err = b ? journal_get_write(h, b) : 0;

	if (b && !err) {
		buffer_hold(b);
		c->held[c->count++] = b;
	}
	return err;
}

int ext4_hold_inode(struct handle *h, struct ext4_holds *c, struct inode *inode)
{
	struct ext4_inode_loc loc;
	int err = ext4_inode_reserve(h, inode, &loc);

	if (!err)
		c->held[c->count++] = loc.buffer;
	return err;
}

int ext4_hold_dir(struct handle *h, struct ext4_holds *c, struct inode *dir)
{
	int err = journal_get_write(h, ext4_inode_super(dir)->super_buffer);

	return err ?: ext4_hold_inode(h, c, dir);
}

void ext4_holds_end(struct ext4_holds *c)
{
	while (c->count)
		buffer_put(c->held[--c->count]);
}

/* Links */

bool ext4_dir_links_full(const struct inode *dir)
{
	if (likely(dir->nlink < EXT4_LINK_MAX))
		return false;
	return !ext4_has_compat(ext4_inode_super(dir), EXT4_COMPAT_DIR_INDEX);
}

int ext4_dir_link_add(struct handle *h, struct inode *dir)
{
	u32 links = dir->nlink + 1;

	if (dir->nlink > 1 && likely(links < EXT4_LINK_MAX)) {
		WRITE_ONCE(dir->nlink, links);
		return 0;
	}
	WRITE_ONCE(dir->nlink, 1);
	return ext4_feature_add(h, ext4_inode_super(dir), 0, EXT4_RO_DIR_NLINK);
}

void ext4_dir_link_del(struct inode *dir)
{
	if (dir->nlink > 2)
		WRITE_ONCE(dir->nlink, dir->nlink - 1);
}

int ext4_link_drop(struct handle *h, struct inode *inode, s64 now)
{
	if (inode->nlink)
		WRITE_ONCE(inode->nlink, inode->nlink - 1);
	else
		ext4_warn(inode->sb, "inode %llu: removing a name it does not count", inode->ino);
	WRITE_ONCE(inode->ctime, now);
	WRITE_ONCE(inode->version, inode->version + 1);
	/* Becoming an orphan stores the inode. */
	if (!inode->nlink && ext4_inode_super(inode)->journal &&
	    list_empty(&ext4_inode(inode)->orphan))
		return ext4_orphan_add(h, inode);
	return ext4_inode_dirty(h, inode);
}

bool ext4_space_retry(struct superblock *sb, int err, unsigned *tries)
{
	const struct ext4_super *es = ext4_super(sb);
	bool waited = false;

	if (likely(err != -ENOSPC))
		return false;
	/* Inodes may be free and just not to be had while their table is being cleared. */
	for (unsigned n = 0; n < 1000 && atomic_load(&es->clearing); n++) {
		sleep_ns(1000000);
		waited = true;
	}
	return waited || ext4_retry_alloc(sb, tries);
}

/* Making */

/* The entry for a new inode; on failure the inode is given up. */
static int add_entry(struct handle *h, struct inode *dir, struct dentry *dentry,
		     struct inode *inode)
{
	int err = ext4_entry_add(h, dir, dentry, (u32)inode->ino, inode->mode);

	if (!err && S_ISDIR(inode->mode))
		err = ext4_dir_link_add(h, dir);
	return err ?: ext4_inode_dirty(h, dir);
}

/* A handle's end after an operation that said `err`. */
static int finish(struct handle *h, int err)
{
	int stop = ext4_stop(h);

	return err ?: stop;
}

/* What makes a directory of a new inode. */
static int start_dir(struct handle *h, struct inode *dir, struct inode *inode)
{
	int err = ext4_dir_init(h, inode, (u32)dir->ino);

	if (err)
		return err;
	WRITE_ONCE(inode->nlink, 2);
	return ext4_inode_dirty(h, inode);
}

/* A new inode under a new name.  On failure *out is to be put, if there is one. */
static int make_in(struct handle *h, struct inode *dir, struct dentry *dentry, umode_t mode,
		   dev_t rdev, struct inode **out)
{
	int err = ext4_inode_create(h, dir, mode, rdev, out);

	if (err) {
		*out = NULL;
		return err;
	}
	if (S_ISDIR(mode))
		err = start_dir(h, dir, *out);
	if (!err)
		err = add_entry(h, dir, dentry, *out);
	if (err)
		ext4_inode_abandon(h, *out);
	return err;
}

static void instantiate(struct dentry *dentry, struct inode *inode)
{
	ext4_inode_made(inode);
	d_instantiate(dentry, inode);
}

static int make_once(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	unsigned credits = CREDITS_MAKE + (S_ISDIR(mode) ? EXT4_CREDITS_DATA : 0);
	struct ext4_holds holds = {};
	struct inode *inode = NULL;
	struct handle *h;
	int err = ext4_start(dir->sb, dir, credits, &h);

	if (err)
		return err;
	err = ext4_hold_dir(h, &holds, dir);
	if (!err)
		err = make_in(h, dir, dentry, mode, rdev, &inode);
	ext4_holds_end(&holds);
	err = finish(h, err);
	if (err)
		inode_put(inode);
	else
		instantiate(dentry, inode);
	return err;
}

static int make(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	unsigned tries = 0;
	int err;

	do {
		err = make_once(dir, dentry, mode, rdev);
	} while (ext4_space_retry(dir->sb, err, &tries));
	return err;
}

static int ext4_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return make(dir, dentry, mode, 0);
}

static int ext4_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev)
{
	return make(dir, dentry, mode, rdev);
}

static int ext4_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	return ext4_dir_links_full(dir) ? -EMLINK : make(dir, dentry, mode, 0);
}

static int tmpfile_once(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode;
	struct handle *h;
	int err = ext4_start(dir->sb, NULL, CREDITS_MAKE + EXT4_CREDITS_ORPHAN, &h);

	if (err)
		return err;
	err = journal_get_write(h, ext4_super(dir->sb)->super_buffer);
	if (!err)
		err = ext4_inode_create(h, dir, mode, 0, &inode);
	if (err)
		return finish(h, err);
	WRITE_ONCE(inode->nlink, 0);
	err = ext4_orphan_add(h, inode);
	if (!err)
		err = ext4_inode_dirty(h, inode);
	err = finish(h, err);
	if (err)
		inode_put(inode);
	else
		instantiate(dentry, inode);
	return err;
}

static int ext4_tmpfile(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	unsigned tries = 0;
	int err;

	do {
		err = tmpfile_once(dir, dentry, mode);
	} while (ext4_space_retry(dir->sb, err, &tries));
	return err;
}

/* One name more for an inode, which may be an orphan so far. */
static int add_link(struct handle *h, struct inode *inode, struct inode *dir, struct dentry *dentry)
{
	int err = ext4_entry_add(h, dir, dentry, (u32)inode->ino, inode->mode);

	if (err)
		return err;
	WRITE_ONCE(inode->nlink, inode->nlink + 1);
	WRITE_ONCE(inode->ctime, dir->ctime);
	WRITE_ONCE(inode->version, inode->version + 1);
	if (inode->nlink == 1)
		err = ext4_orphan_del(h, inode);
	if (!err)
		err = ext4_inode_dirty(h, inode);
	return err ?: ext4_inode_dirty(h, dir);
}

static int link_once(struct inode *inode, struct inode *dir, struct dentry *dentry)
{
	struct ext4_holds holds = {};
	struct handle *h;
	int err = ext4_start(dir->sb, dir,
			     EXT4_CREDITS_ENTRY_ADD + 2 * EXT4_CREDITS_INODE + EXT4_CREDITS_ORPHAN,
			     &h);

	if (err)
		return err;
	err = ext4_hold_dir(h, &holds, dir);
	if (!err)
		err = ext4_hold_inode(h, &holds, inode);
	if (!err)
		err = add_link(h, inode, dir, dentry);
	ext4_holds_end(&holds);
	return finish(h, err);
}

static int ext4_link(struct dentry *old, struct inode *dir, struct dentry *dentry)
{
	struct inode *inode = old->inode;
	unsigned tries = 0;
	int err;

	if (inode->nlink >= EXT4_LINK_MAX)
		return -EMLINK;
	do {
		err = link_once(inode, dir, dentry);
	} while (ext4_space_retry(dir->sb, err, &tries));
	if (!err)
		d_instantiate(dentry, inode_get(inode));
	return err;
}

/* Removing */

/* The entry must name the inode that the cache says it does. */
static int find_victim(struct inode *dir, struct dentry *dentry, struct ext4_entry *e)
{
	int err = ext4_entry_find_dentry(dir, dentry, e);

	if (err || e->ino == dentry->inode->ino)
		return err;
	ext4_error(dir->sb, dir, e->b->block, "entry names inode %u, not %llu", e->ino,
		   dentry->inode->ino);
	ext4_entry_put(e);
	return -EFSCORRUPTED;
}

/* Everything that taking out the entry of `inode` changes. */
static int claim_removal(struct handle *h, struct ext4_holds *c, struct inode *dir,
			 struct inode *inode, const struct ext4_entry *e)
{
	int err = ext4_hold_dir(h, c, dir);

	if (!err)
		err = ext4_hold_inode(h, c, inode);
	return err ?: ext4_hold(h, c, e->b);
}

static int unlink_in(struct handle *h, struct inode *dir, struct dentry *dentry,
		     const struct ext4_entry *e)
{
	int err = ext4_entry_remove(h, dir, dentry, e);

	if (!err)
		err = ext4_link_drop(h, dentry->inode, dir->ctime);
	return err ?: ext4_inode_dirty(h, dir);
}

static int rmdir_in(struct handle *h, struct inode *dir, struct dentry *dentry,
		    const struct ext4_entry *e)
{
	struct inode *inode = dentry->inode;
	int err = ext4_entry_remove(h, dir, NULL, e);

	if (err)
		return err;
	if (inode->nlink > 2)
		ext4_warn(inode->sb, "directory %llu: empty with %u links", inode->ino,
			  inode->nlink);
	WRITE_ONCE(inode->nlink, 1);
	inode->size = 0;
	err = ext4_link_drop(h, inode, dir->ctime);
	ext4_dir_link_del(dir);
	return err ?: ext4_inode_dirty(h, dir);
}

static int remove_entry(struct inode *dir, struct dentry *dentry,
			int (*body)(struct handle *, struct inode *, struct dentry *,
				    const struct ext4_entry *))
{
	struct ext4_holds holds = {};
	struct ext4_entry e;
	struct handle *h;
	int err = find_victim(dir, dentry, &e);

	if (err)
		return err;
	err = ext4_start(dir->sb, dir, CREDITS_UNLINK, &h);
	if (!err) {
		err = claim_removal(h, &holds, dir, dentry->inode, &e);
		if (!err)
			err = body(h, dir, dentry, &e);
		ext4_holds_end(&holds);
		err = finish(h, err);
	}
	ext4_entry_put(&e);
	return err;
}

static int ext4_unlink(struct inode *dir, struct dentry *dentry)
{
	return remove_entry(dir, dentry, unlink_in);
}

static int ext4_rmdir(struct inode *dir, struct dentry *dentry)
{
	int empty = ext4_dir_is_empty(dentry->inode);

	return empty > 0 ? remove_entry(dir, dentry, rmdir_in) : empty ?: -ENOTEMPTY;
}

#define ATTRIBUTE_OPS                                                                              \
	.setattr = ext4_setattr, .getattr = ext4_getattr, .getxattr = ext4_getxattr,               \
	.setxattr = ext4_setxattr, .listxattr = ext4_listxattr, .get_acl = ext4_get_acl,           \
	.set_acl = ext4_set_acl

const struct inode_ops ext4_dir_inode_ops = {
	.lookup = ext4_lookup,
	.create = ext4_create,
	.link = ext4_link,
	.unlink = ext4_unlink,
	.symlink = ext4_symlink,
	.mkdir = ext4_mkdir,
	.rmdir = ext4_rmdir,
	.mknod = ext4_mknod,
	.rename = ext4_rename,
	.tmpfile = ext4_tmpfile,
	.fileattr_get = ext4_fileattr_get,
	.fileattr_set = ext4_fileattr_set,
	ATTRIBUTE_OPS,
};

const struct inode_ops ext4_special_inode_ops = {ATTRIBUTE_OPS};
