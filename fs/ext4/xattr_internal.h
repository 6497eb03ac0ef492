/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about extended attributes share. */
#pragma once

#include "ext4_internal.h"
#include "xattr_area.h"

/*
 * Attributes of an inode; `value` NULL asks for the size.  Returns bytes, -ENODATA, -ERANGE,
 * -EUCLEAN, -EIO, -ENOMEM. Locks: takes ext4_inode.xattr.
 */
ssize_t ext4_xattr_get(struct inode *inode, const struct ext4_xattr_name *name, void *value,
		       size_t size);
/*
 * Set, or remove with value NULL, in the caller's handle (EXT4_CREDITS_XATTR and an inode); stores
 * the inode.  flags: XATTR_CREATE, XATTR_REPLACE.  Removing what is not there is no error without
 * XATTR_REPLACE.  Locks: takes ext4_inode.xattr.
 */
int ext4_xattr_set(struct handle *h, struct inode *inode, const struct ext4_xattr_name *name,
		   const void *value, size_t size, int flags) __must_check;

/*
 * xattr_block.c: the block of attributes that did not fit the inode.  Locks: ext4_inode.xattr, R to
 * read, W to change.
 */

/* The block, checked; *out NULL: there is none.  Returns 0, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM. */
int ext4_xattr_block_read(struct inode *inode, struct buffer **out) __must_check;
struct ext4_xattr_area ext4_xattr_block_area(const struct buffer *b);
/* Set or remove in it; takes, copies, shares and frees blocks.  The inode is the caller's to store.
 */
int ext4_xattr_block_set(struct handle *h, struct inode *inode, const struct ext4_xattr_name *name,
			 const void *value, size_t size) __must_check;
