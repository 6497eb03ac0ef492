/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute blocks.
 *
 * A block may belong to several inodes, which its header counts (other systems share blocks of
 * equal content).  Whoever wants to change a shared one takes a copy.  The count changes under the
 * buffer's lock, as the inodes that share the block have different locks; the content of a block
 * with one owner is that owner's alone.
 */
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "ext4_space.h"
#include "xattr_internal.h"

static struct ext4_xattr_header *header_of(const void *block)
{
	return (struct ext4_xattr_header *)block;
}

static struct ext4_xattr_area area_of(void *block, u32 size)
{
	return (struct ext4_xattr_area){
		.base = block,
		.first = sizeof(struct ext4_xattr_header),
		.size = size,
		.sorted = true,
	};
}

struct ext4_xattr_area ext4_xattr_block_area(const struct buffer *b)
{
	return area_of(b->data, b->size);
}

static u32 block_csum(const struct ext4_super *es, u64 block, const void *data)
{
	const u32 at = offsetof(struct ext4_xattr_header, checksum);
	u32 zero = 0, csum = ext4_csum(es->csum_seed, &block, sizeof(block));

	csum = ext4_csum(csum, data, at);
	csum = ext4_csum(csum, &zero, sizeof(zero));
	return ext4_csum(csum, (const u8 *)data + at + 4, es->block_size - at - 4);
}

static void block_seal(const struct ext4_super *es, struct buffer *b)
{
	if (es->csum)
		header_of(b->data)->checksum = block_csum(es, b->block, b->data);
}

static const char *header_fault(const struct ext4_super *es, const struct buffer *b)
{
	const struct ext4_xattr_header *h = header_of(b->data);

	if (h->magic != EXT4_XATTR_MAGIC || h->blocks != 1)
		return "attribute block does not look like one";
	if (!h->refcount || h->refcount > EXT4_XATTR_REFCOUNT_MAX)
		return "attribute block has a wrong count of owners";
	return NULL;
}

/* Once, when it comes from the disk. */
static int block_verify(struct inode *inode, struct buffer *b)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	const char *fault = header_fault(es, b);

	if (!fault && es->csum &&
	    header_of(b->data)->checksum != block_csum(es, b->block, b->data)) {
		ext4_error(inode->sb, inode, b->block, "attribute block: wrong checksum");
		return -EFSBADCRC;
	}
	if (fault) {
		ext4_error(inode->sb, inode, b->block, "%s", fault);
		return -EFSCORRUPTED;
	}
	buffer_set(b, BUFFER_VERIFIED);
	return 0;
}

/* Each time, as others may own the block, too. */
static int block_check(struct inode *inode, struct buffer *b)
{
	struct ext4_xattr_area a = ext4_xattr_block_area(b);
	int err = buffer_test(b, BUFFER_VERIFIED) ? 0 : block_verify(inode, b);
	const char *fault;

	if (err)
		return err;
	fault = header_fault(ext4_inode_super(inode), b) ?: ext4_xattr_area_fault(&a);
	if (!fault)
		return 0;
	ext4_error(inode->sb, inode, b->block, "%s", fault);
	return -EFSCORRUPTED;
}

int ext4_xattr_block_read(struct inode *inode, struct buffer **out)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u64 block = ext4_inode(inode)->file_acl;
	int err;

	*out = NULL;
	if (!block)
		return 0;
	if (!ext4_blocks_valid(es, block, 1)) {
		ext4_error(inode->sb, inode, block, "attribute block is out of range");
		return -EFSCORRUPTED;
	}
	err = buffer_read(es->bdev, block, out);
	if (err)
		return err;
	err = block_check(inode, *out);
	if (err) {
		buffer_put(*out);
		*out = NULL;
	}
	return err;
}

/* The inode no longer owns `b`. */
static int block_release(struct handle *h, struct inode *inode, struct buffer *b)
{
	bool last;
	int err = journal_get_write(h, b);

	if (err)
		return err;
	buffer_lock(b);
	last = header_of(b->data)->refcount == 1;
	if (!last) {
		header_of(b->data)->refcount--;
		block_seal(ext4_inode_super(inode), b);
	}
	buffer_unlock(b);
	err = last ? ext4_free_begin(h, inode, b->block, 1) : 0;
	if (err)
		return err;
	ext4_inode(inode)->file_acl = 0;
	if (last)
		return ext4_blocks_free(h, inode, b->block, 1, EXT4_FREE_METADATA);
	ext4_inode_add_blocks(inode, -1);
	return journal_dirty(h, b);
}

/* A new block, with the right to fill it. */
static int block_take(struct handle *h, struct inode *inode, struct buffer **out)
{
	u64 block;
	int err = ext4_meta_alloc(h, inode, &block);

	if (err)
		return err;
	err = buffer_get(ext4_inode_super(inode)->bdev, block, out);
	if (!err) {
		err = journal_get_create(h, *out);
		if (!err)
			return 0;
		buffer_put(*out);
	}
	if (ext4_blocks_free(h, inode, block, 1, 0))
		ext4_warn(inode->sb, "block %llu is lost until e2fsck", block);
	return err;
}

/* A block of the inode's own with the given content. */
static int block_create(struct handle *h, struct inode *inode, const void *content)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct buffer *b;
	int err = ext4_feature_add(h, es, EXT4_COMPAT_EXT_ATTR, 0) ?: block_take(h, inode, &b);

	if (err)
		return err;
	buffer_lock(b);
	memcpy(b->data, content, b->size);
	header_of(b->data)->refcount = 1;
	block_seal(es, b);
	buffer_set(b, BUFFER_UPTODATE);
	buffer_set(b, BUFFER_VERIFIED);
	buffer_clear(b, BUFFER_PRIV0);
	buffer_unlock(b);
	ext4_inode(inode)->file_acl = b->block;
	err = journal_dirty(h, b);
	buffer_put(b);
	return err;
}

static bool area_is_empty(const struct ext4_xattr_area *a)
{
	return ext4_xattr_is_last(ext4_xattr_at(a, a->first));
}

static bool area_has_one(const struct ext4_xattr_area *a)
{
	return !area_is_empty(a) &&
	       ext4_xattr_is_last(ext4_xattr_at(a, ext4_xattr_next(a, a->first)));
}

/* In the place where it is: the inode is the only owner. */
static int set_in_place(struct handle *h, struct inode *inode, struct buffer *b,
			const struct ext4_xattr_name *name, const void *value, size_t size)
{
	struct ext4_xattr_area a = ext4_xattr_block_area(b);
	int err = journal_get_write(h, b);

	/* The block goes with its last attribute: what could fail then comes first. */
	if (!err && !value && area_has_one(&a))
		err = ext4_free_begin(h, inode, b->block, 1);
	if (err)
		return err;
	buffer_lock(b);
	err = ext4_xattr_area_set(&a, name, value, (u32)size);
	if (!err) {
		header_of(b->data)->hash = ext4_xattr_area_hash(&a);
		block_seal(ext4_inode_super(inode), b);
	}
	buffer_unlock(b);
	if (err)
		return err;
	return area_is_empty(&a) ? block_release(h, inode, b) : journal_dirty(h, b);
}

/* In a copy, or (no block so far: `b` NULL) in a new one. */
static int set_in_copy(struct handle *h, struct inode *inode, struct buffer *b,
		       const struct ext4_xattr_name *name, const void *value, size_t size)
{
	u32 block_size = ext4_inode_super(inode)->block_size;
	void *content = b ? kmemdup(b->data, block_size, GFP_NOFS) : kzalloc(block_size, GFP_NOFS);
	struct ext4_xattr_area a = area_of(content, block_size);
	int err;

	if (!content)
		return -ENOMEM;
	*header_of(content) =
		(struct ext4_xattr_header){.magic = EXT4_XATTR_MAGIC, .refcount = 1, .blocks = 1};
	/* The old one goes after the new one is there, by its last owner altogether. */
	err = b ? journal_get_write(h, b) ?: ext4_free_begin(h, inode, b->block, 1) : 0;
	/* What was copied from under other owners is checked again. */
	if (!err)
		err = ext4_xattr_area_fault(&a) ? -EFSCORRUPTED
						: ext4_xattr_area_set(&a, name, value, (u32)size);
	header_of(content)->hash = err ? 0 : ext4_xattr_area_hash(&a);
	if (!err && b && area_is_empty(&a))
		err = block_release(h, inode, b);
	else if (!err)
		err = block_create(h, inode, content);
	if (!err && b && ext4_inode(inode)->file_acl && ext4_inode(inode)->file_acl != b->block) {
		u64 fresh = ext4_inode(inode)->file_acl;

		err = block_release(h, inode, b);
		ext4_inode(inode)->file_acl = fresh;
	}
	kfree(content);
	return err;
}

int ext4_xattr_block_set(struct handle *h, struct inode *inode, const struct ext4_xattr_name *name,
			 const void *value, size_t size)
{
	struct buffer *b;
	int err = ext4_xattr_block_read(inode, &b);

	if (err)
		return err;
	if (b && header_of(b->data)->refcount == 1)
		err = set_in_place(h, inode, b, name, value, size);
	else
		err = set_in_copy(h, inode, b, name, value, size);
	buffer_put(b);
	return err;
}

int ext4_xattr_delete(struct handle *h, struct inode *inode)
{
	struct buffer *b;
	int err = ext4_xattr_block_read(inode, &b);

	/* A block that is not what it should be was reported, and is left to e2fsck. */
	if (err == -EFSCORRUPTED || err == -EFSBADCRC)
		ext4_inode(inode)->file_acl = 0;
	if (err || !b)
		return err == -EFSCORRUPTED || err == -EFSBADCRC ? 0 : err;
	err = block_release(h, inode, b);
	buffer_put(b);
	return err;
}
