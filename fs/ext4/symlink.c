/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Symbolic links.  A body of up to 59 bytes stands in the inode, in the place of the block map; a
 * longer one in a block of its own, which is metadata and goes with the transaction that makes it.
 */
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "dir_internal.h"

#define CREDITS_SYMLINK                                                                            \
	(EXT4_CREDITS_INODE_NEW + EXT4_CREDITS_XATTR + EXT4_CREDITS_ENTRY_ADD +                    \
	 EXT4_CREDITS_DATA + 3 * EXT4_CREDITS_INODE)

/* Into the inode, as the VFS reads it too. */
static void body_inside(struct inode *inode, const char *target, size_t len)
{
	struct ext4_inode *ei = ext4_inode(inode);

	ei->flags &= ~EXT4_EXTENTS_FL;
	memset(ei->block, 0, sizeof(ei->block));
	memcpy(ei->block, target, len);
	inode->size = ei->disk_size = (loff_t)len;
}

static int body_outside(struct handle *h, struct inode *inode, const char *target, size_t len)
{
	struct buffer *b;
	u32 lblock;
	int err = ext4_block_append(h, inode, &lblock, &b);

	if (err)
		return err;
	memcpy(b->data, target, len);
	err = journal_dirty(h, b);
	buffer_put(b);
	inode->size = ext4_inode(inode)->disk_size = (loff_t)len;
	inode->link = NULL;
	return err;
}

static int body_store(struct handle *h, struct inode *inode, const char *target, size_t len)
{
	int err = 0;

	if (len < EXT4_BLOCK_BYTES)
		body_inside(inode, target, len);
	else
		err = body_outside(h, inode, target, len);
	ext4_inode_set_ops(inode);
	return err ?: ext4_inode_dirty(h, inode);
}

/* On failure *out is to be put, if there is one. */
static int symlink_in(struct handle *h, struct inode *dir, struct dentry *dentry,
		      const char *target, size_t len, struct inode **out)
{
	int err = ext4_inode_create(h, dir, S_IFLNK | S_IRWXUGO, 0, out);

	if (err) {
		*out = NULL;
		return err;
	}
	err = body_store(h, *out, target, len);
	if (!err)
		err = ext4_entry_add(h, dir, dentry, (u32)(*out)->ino, (*out)->mode);
	if (err)
		ext4_inode_abandon(h, *out);
	return err ?: ext4_inode_dirty(h, dir);
}

static int symlink_once(struct inode *dir, struct dentry *dentry, const char *target, size_t len)
{
	struct ext4_holds holds = {};
	struct inode *inode = NULL;
	struct handle *h;
	int err = ext4_start(dir->sb, dir, CREDITS_SYMLINK, &h), stop;

	if (err)
		return err;
	err = ext4_hold_dir(h, &holds, dir);
	if (!err)
		err = symlink_in(h, dir, dentry, target, len, &inode);
	ext4_holds_end(&holds);
	stop = ext4_stop(h);
	err = err ?: stop;
	if (err) {
		inode_put(inode);
		return err;
	}
	ext4_inode_made(inode);
	d_instantiate(dentry, inode);
	return 0;
}

int ext4_symlink(struct inode *dir, struct dentry *dentry, const char *target)
{
	size_t len = strlen(target);
	unsigned tries = 0;
	int err;

	if (len >= dir->sb->blocksize)
		return -ENAMETOOLONG;
	do {
		err = symlink_once(dir, dentry, target, len);
	} while (ext4_space_retry(dir->sb, err, &tries));
	return err;
}

static void body_free(void *text)
{
	kfree(text);
}

/* The body from its block, copied so that it ends with NUL whatever the disk says. */
static int ext4_get_link(struct dentry *dentry, struct inode *inode, struct link_body *out)
{
	size_t len = (size_t)inode->size;
	struct buffer *b;
	char *text;
	int err;

	if (!dentry)
		return -ECHILD;
	if (!len || len >= inode->sb->blocksize) {
		ext4_error(inode->sb, inode, 0, "symbolic link of %zu bytes", len);
		return -EFSCORRUPTED;
	}
	err = ext4_block_read(inode, 0, &b);
	if (err)
		return err;
	if (!b) {
		ext4_error(inode->sb, inode, 0, "symbolic link without a body");
		return -EFSCORRUPTED;
	}
	text = kstrndup(b->data, len, GFP_NOFS);
	buffer_put(b);
	if (!text)
		return -ENOMEM;
	*out = (struct link_body){text, body_free, text};
	return 0;
}

#define ATTRIBUTE_OPS                                                                              \
	.setattr = ext4_setattr, .getattr = ext4_getattr, .getxattr = ext4_getxattr,               \
	.setxattr = ext4_setxattr, .listxattr = ext4_listxattr

const struct inode_ops ext4_symlink_inode_ops = {.get_link = ext4_get_link, ATTRIBUTE_OPS};
const struct inode_ops ext4_fast_symlink_inode_ops = {ATTRIBUTE_OPS};
