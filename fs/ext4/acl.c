/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * POSIX access lists on disk: attributes with empty names, whose entries leave out the id where the
 * tag needs none.  What the lists mean is fs/vfs/posix_acl.c's business.
 */
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/xattr.h>
#include <mm/alloc.h>

#include "xattr_internal.h"

static struct ext4_xattr_name acl_name(int type)
{
	return (struct ext4_xattr_name){
		type == POSIX_ACL_ACCESS ? EXT4_XATTR_INDEX_ACL_ACCESS
					 : EXT4_XATTR_INDEX_ACL_DEFAULT,
		0,
		"",
	};
}

static bool tag_has_id(u16 tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

static size_t entry_size(u16 tag)
{
	return tag_has_id(tag) ? sizeof(struct ext4_acl_entry) : EXT4_ACL_ENTRY_SHORT;
}

/* How many entries `size` bytes hold; -1: they are not entries. */
static int count_entries(const u8 *p, size_t size)
{
	int n = 0;

	for (; size; n++) {
		size_t len = size < EXT4_ACL_ENTRY_SHORT
				     ? size + 1
				     : entry_size(((const struct ext4_acl_entry *)p)->tag);

		if (len > size)
			return -1;
		p += len;
		size -= len;
	}
	return n;
}

static int acl_decode(const void *value, size_t size, struct posix_acl **out)
{
	const struct ext4_acl_header *h = value;
	const u8 *p = (const u8 *)(h + 1);
	struct posix_acl *acl;
	int n;

	if (size < sizeof(*h) || h->version != EXT4_ACL_VERSION)
		return -EINVAL;
	n = count_entries(p, size - sizeof(*h));
	if (n <= 0)
		return n ? -EINVAL : 0;
	acl = posix_acl_alloc(n);
	if (!acl)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		const struct ext4_acl_entry *e = (const void *)p;

		acl->entries[i] =
			(struct posix_acl_entry){e->tag, e->perm, tag_has_id(e->tag) ? e->id : ~0u};
		p += entry_size(e->tag);
	}
	if (posix_acl_valid(acl)) {
		posix_acl_put(acl);
		return -EINVAL;
	}
	*out = acl;
	return 0;
}

static size_t acl_size(const struct posix_acl *acl)
{
	size_t size = sizeof(struct ext4_acl_header);

	for (u32 i = 0; i < acl->count; i++)
		size += entry_size(acl->entries[i].tag);
	return size;
}

static void acl_encode(const struct posix_acl *acl, void *value)
{
	struct ext4_acl_header *h = value;
	u8 *p = (u8 *)(h + 1);

	h->version = EXT4_ACL_VERSION;
	for (u32 i = 0; i < acl->count; i++) {
		struct ext4_acl_entry *e = (void *)p;

		e->tag = acl->entries[i].tag;
		e->perm = acl->entries[i].perm;
		if (tag_has_id(e->tag))
			e->id = acl->entries[i].id;
		p += entry_size(e->tag);
	}
}

int ext4_get_acl(struct inode *inode, int type, struct posix_acl **out)
{
	struct ext4_xattr_name name = acl_name(type);
	ssize_t n = ext4_xattr_get(inode, &name, NULL, 0);
	void *value;

	*out = NULL;
	if (n <= 0)
		return n == -ENODATA ? 0 : (int)n;
	value = kmalloc(n, GFP_NOFS);
	if (!value)
		return -ENOMEM;
	n = ext4_xattr_get(inode, &name, value, n);
	if (n >= 0)
		n = acl_decode(value, n, out);
	kfree(value);
	return n == -ENODATA ? 0 : (int)n;
}

/* Write a list, or with NULL that there is none. */
static int acl_store(struct handle *h, struct inode *inode, int type, const struct posix_acl *acl)
{
	struct ext4_xattr_name name = acl_name(type);
	size_t size = acl ? acl_size(acl) : 0;
	void *value = NULL;
	int err;

	if (acl) {
		value = kmalloc(size, GFP_NOFS);
		if (!value)
			return -ENOMEM;
		acl_encode(acl, value);
	}
	err = ext4_xattr_set(h, inode, &name, value, size, 0);
	kfree(value);
	return err;
}

static int set_once(struct inode *inode, int type, const struct posix_acl *acl, umode_t mode)
{
	umode_t old_mode = inode->mode;
	s64 old_ctime = inode->ctime;
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_XATTR + 2 * EXT4_CREDITS_INODE, &h),
	    stop;

	if (err)
		return err;
	WRITE_ONCE(inode->mode, mode);
	WRITE_ONCE(inode->ctime, inode_now(inode));
	err = acl_store(h, inode, type, acl);
	if (err) {
		WRITE_ONCE(inode->mode, old_mode);
		WRITE_ONCE(inode->ctime, old_ctime);
	}
	stop = ext4_stop(h);
	return err ?: stop;
}

int ext4_set_acl(struct inode *inode, int type, struct posix_acl *acl)
{
	umode_t mode = inode->mode;
	unsigned tries = 0;
	int err;

	if (type == POSIX_ACL_ACCESS && acl)
		posix_acl_update_mode(inode, &mode, &acl);
	do {
		err = set_once(inode, type, acl, mode);
	} while (err == -ENOSPC && ext4_retry_alloc(inode->sb, &tries));
	if (!err)
		inode_cache_acl(inode, type, acl);
	return err;
}

int ext4_acl_init(struct handle *h, struct inode *inode, struct inode *dir)
{
	struct posix_acl *def, *acc;
	umode_t mode = inode->mode;
	int err = posix_acl_inherit(dir, &mode, &def, &acc);

	if (err)
		return err;
	inode->mode = mode;
	if (def)
		err = acl_store(h, inode, POSIX_ACL_DEFAULT, def);
	if (!err && acc)
		err = acl_store(h, inode, POSIX_ACL_ACCESS, acc);
	/* The references become the inode's. */
	inode->default_acl = def;
	inode->acl = acc;
	return err;
}
