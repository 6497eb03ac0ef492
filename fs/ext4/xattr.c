/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes, xattr(7): in the inode behind its fields as long as they fit, else in a
 * block.
 *
 * An attribute is in one of the two places.  Setting it tries the inode first, then the block, and
 * then removes it from where it was.
 */
#include <kernel/abi/xattr.h>
#include <kernel/lib/string.h>

#include "xattr_internal.h"

/* Namespaces */

static const struct {
	const char *prefix;
	u8 index;
} namespaces[] = {
	{XATTR_USER_PREFIX, EXT4_XATTR_INDEX_USER},
	{XATTR_TRUSTED_PREFIX, EXT4_XATTR_INDEX_TRUSTED},
	{XATTR_SECURITY_PREFIX, EXT4_XATTR_INDEX_SECURITY},
	/* Whole names; programs reach them through the access lists of the VFS. */
	{XATTR_NAME_POSIX_ACL_ACCESS, EXT4_XATTR_INDEX_ACL_ACCESS},
	{XATTR_NAME_POSIX_ACL_DEFAULT, EXT4_XATTR_INDEX_ACL_DEFAULT},
};

static bool index_is_offered(const struct inode *inode, u8 index)
{
	switch (index) {
	case EXT4_XATTR_INDEX_USER: return ext4_opt(ext4_inode_super(inode), EXT4_OPT_XATTR_USER);
	case EXT4_XATTR_INDEX_ACL_ACCESS:
	case EXT4_XATTR_INDEX_ACL_DEFAULT: return inode->sb->flags & SB_POSIXACL;
	default: return true;
	}
}

/* A name as programs give it.  Returns 0, -EOPNOTSUPP (no such namespace here), -ERANGE (too long).
 */
static int name_parse(const struct inode *inode, const char *text, struct ext4_xattr_name *out)
{
	for (unsigned i = 0; i < ARRAY_SIZE(namespaces); i++) {
		size_t skip = strlen(namespaces[i].prefix), len;

		if (strncmp(text, namespaces[i].prefix, skip))
			continue;
		if (!index_is_offered(inode, namespaces[i].index))
			return -EOPNOTSUPP;
		len = strlen(text + skip);
		if (len > 255)
			return -ERANGE;
		*out = (struct ext4_xattr_name){namespaces[i].index, (u8)len, text + skip};
		return 0;
	}
	return -EOPNOTSUPP;
}

/* The inode's own room */

/* False: it has none. */
static bool body_area(const struct inode *inode, struct ext4_disk_inode *raw,
		      struct ext4_xattr_area *a)
{
	u32 from, to;

	ext4_inode_xattr_space(inode, &from, &to);
	if (to < from + sizeof(struct ext4_xattr_ibody_header) + sizeof(struct ext4_xattr_entry))
		return false;
	from += sizeof(struct ext4_xattr_ibody_header);
	*a = (struct ext4_xattr_area){.base = (u8 *)raw + from, .size = to - from};
	return true;
}

static struct ext4_xattr_ibody_header *body_header(const struct ext4_xattr_area *a)
{
	return (struct ext4_xattr_ibody_header *)a->base - 1;
}

static int body_fault(const struct inode *inode, const struct ext4_xattr_area *a)
{
	const char *fault = ext4_xattr_area_fault(a);

	if (!fault)
		return 0;
	ext4_error(inode->sb, inode, 0, "in the inode: %s", fault);
	return -EFSCORRUPTED;
}

int ext4_xattr_check_body(struct inode *inode, const struct ext4_disk_inode *raw)
{
	struct ext4_xattr_area a;
	int err;

	if (!body_area(inode, (struct ext4_disk_inode *)raw, &a) ||
	    body_header(&a)->magic != EXT4_XATTR_MAGIC)
		return 0;
	err = body_fault(inode, &a);
	if (!err)
		ext4_state_set(inode, EXT4_STATE_XATTR);
	return err;
}

/* Before it is changed: attributes there are sound, or it is made ready for the first. */
static int body_prepare(struct inode *inode, struct ext4_xattr_area *a)
{
	if (ext4_state_test(inode, EXT4_STATE_XATTR))
		return body_fault(inode, a);
	memset(body_header(a), 0, a->size + sizeof(struct ext4_xattr_ibody_header));
	return 0;
}

static int body_set(struct inode *inode, struct ext4_xattr_area *a,
		    const struct ext4_xattr_name *name, const void *value, size_t size)
{
	int err;

	guard_spin(&ext4_inode(inode)->raw_lock);
	err = ext4_xattr_area_set(a, name, value, (u32)size);
	if (err)
		return err;
	if (ext4_xattr_is_last(ext4_xattr_at(a, a->first))) {
		body_header(a)->magic = 0;
		ext4_state_clear(inode, EXT4_STATE_XATTR);
	} else {
		body_header(a)->magic = EXT4_XATTR_MAGIC;
		ext4_state_set(inode, EXT4_STATE_XATTR);
	}
	return 0;
}

/* Reading */

static ssize_t area_get(const struct ext4_xattr_area *a, const struct ext4_xattr_name *name,
			void *value, size_t size)
{
	const struct ext4_xattr_entry *e;
	u32 off;
	int err = ext4_xattr_area_find(a, name, &off);

	if (err)
		return err;
	e = ext4_xattr_at(a, off);
	if (!value || !size)
		return e->value_size;
	if (e->value_size > size)
		return -ERANGE;
	memcpy(value, a->base + e->value_offs, e->value_size);
	return e->value_size;
}

/* Run a query on both places, one after the other. */
static ssize_t body_get(struct inode *inode, const struct ext4_xattr_name *name, void *value,
			size_t size)
{
	struct ext4_inode_loc loc;
	struct ext4_xattr_area a;
	ssize_t n;

	if (!ext4_state_test(inode, EXT4_STATE_XATTR))
		return -ENODATA;
	n = ext4_inode_locate(inode, &loc);
	if (n)
		return n;
	n = body_area(inode, loc.raw, &a) ? body_fault(inode, &a) : -ENODATA;
	if (!n)
		n = area_get(&a, name, value, size);
	buffer_put(loc.buffer);
	return n;
}

static ssize_t block_get(struct inode *inode, const struct ext4_xattr_name *name, void *value,
			 size_t size)
{
	struct ext4_xattr_area a;
	struct buffer *b;
	ssize_t n = ext4_xattr_block_read(inode, &b);

	if (n || !b)
		return n ?: -ENODATA;
	a = ext4_xattr_block_area(b);
	n = area_get(&a, name, value, size);
	buffer_put(b);
	return n;
}

ssize_t ext4_xattr_get(struct inode *inode, const struct ext4_xattr_name *name, void *value,
		       size_t size)
{
	ssize_t n;

	if (!ext4_state_test(inode, EXT4_STATE_XATTR) && !READ_ONCE(ext4_inode(inode)->file_acl))
		return -ENODATA;
	rwsem_read_lock(&ext4_inode(inode)->xattr);
	n = body_get(inode, name, value, size);
	if (n == -ENODATA)
		n = block_get(inode, name, value, size);
	rwsem_read_unlock(&ext4_inode(inode)->xattr);
	return n;
}

ssize_t ext4_getxattr(struct inode *inode, const char *text, void *buf, size_t size)
{
	struct ext4_xattr_name name;
	int err = name_parse(inode, text, &name);

	return err ?: ext4_xattr_get(inode, &name, buf, size);
}

static const char *prefix_of(u8 index)
{
	for (unsigned i = 0; i < ARRAY_SIZE(namespaces); i++) {
		if (namespaces[i].index == index)
			return namespaces[i].prefix;
	}
	return NULL;
}

/* Names of one place behind *used bytes of the list. */
static int area_list(const struct inode *inode, const struct ext4_xattr_area *a, char *buf,
		     size_t size, size_t *used)
{
	ext4_xattr_for_each(a, off)
	{
		const struct ext4_xattr_entry *e = ext4_xattr_at(a, off);
		const char *prefix = prefix_of(e->name_index);
		size_t skip, len;

		if (!prefix || !index_is_offered(inode, e->name_index))
			continue;
		skip = strlen(prefix);
		len = skip + e->name_len + 1;
		if (buf && size) {
			if (*used + len > size)
				return -ERANGE;
			memcpy(buf + *used, prefix, skip);
			memcpy(buf + *used + skip, e->name, e->name_len);
			buf[*used + len - 1] = 0;
		}
		*used += len;
	}
	return 0;
}

static int list_both(struct inode *inode, char *buf, size_t size, size_t *used)
{
	struct ext4_inode_loc loc;
	struct ext4_xattr_area a;
	struct buffer *b;
	int err = 0;

	if (ext4_state_test(inode, EXT4_STATE_XATTR)) {
		err = ext4_inode_locate(inode, &loc);
		if (err)
			return err;
		if (body_area(inode, loc.raw, &a))
			err = body_fault(inode, &a) ?: area_list(inode, &a, buf, size, used);
		buffer_put(loc.buffer);
	}
	if (!err)
		err = ext4_xattr_block_read(inode, &b);
	if (err || !b)
		return err;
	a = ext4_xattr_block_area(b);
	err = area_list(inode, &a, buf, size, used);
	buffer_put(b);
	return err;
}

ssize_t ext4_listxattr(struct inode *inode, char *buf, size_t size)
{
	size_t used = 0;
	int err;

	rwsem_read_lock(&ext4_inode(inode)->xattr);
	err = list_both(inode, buf, size, &used);
	rwsem_read_unlock(&ext4_inode(inode)->xattr);
	return err ?: (ssize_t)used;
}

/* Changing */

/* Is it there?  1, 0, or an error. */
static int block_has(struct inode *inode, const struct ext4_xattr_name *name)
{
	ssize_t n = block_get(inode, name, NULL, 0);

	return n == -ENODATA ? 0 : n < 0 ? (int)n : 1;
}

/* It has its new value in the body: the old one goes from the block, or the new one goes again. */
static int move_to_body(struct handle *h, struct inode *inode, struct ext4_xattr_area *body,
			const struct ext4_xattr_name *name)
{
	int err = ext4_xattr_block_set(h, inode, name, NULL, 0);

	if (err)
		(void)!body_set(inode, body, name, NULL, 0);
	return err;
}

/* Set or remove, knowing where it is now.  On failure it is as it was. */
static int place(struct handle *h, struct inode *inode, struct ext4_xattr_area *body, bool in_body,
		 bool in_block, const struct ext4_xattr_name *name, const void *value, size_t size)
{
	int err = -ENOSPC;

	if (!value)
		return in_body ? body_set(inode, body, name, NULL, 0)
			       : ext4_xattr_block_set(h, inode, name, NULL, 0);
	if (body)
		err = body_set(inode, body, name, value, size);
	if (!err)
		return in_block ? move_to_body(h, inode, body, name) : 0;
	if (err != -ENOSPC)
		return err;
	err = ext4_xattr_block_set(h, inode, name, value, size);
	return err || !in_body ? err : body_set(inode, body, name, NULL, 0);
}

static int set_at(struct handle *h, struct inode *inode, struct ext4_disk_inode *raw,
		  const struct ext4_xattr_name *name, const void *value, size_t size, int flags)
{
	struct ext4_xattr_area area, *body = body_area(inode, raw, &area) ? &area : NULL;
	int err = body ? body_prepare(inode, body) : 0, in_block;
	bool in_body;
	u32 off;

	if (err)
		return err;
	in_body = body && !ext4_xattr_area_find(body, name, &off);
	in_block = in_body ? 0 : block_has(inode, name);
	if (in_block < 0)
		return in_block;
	if (!in_body && !in_block) {
		if (flags & XATTR_REPLACE)
			return -ENODATA;
		if (!value)
			return 0;
	} else if (flags & XATTR_CREATE) {
		return -EEXIST;
	}
	return place(h, inode, body, in_body, in_block, name, value, size);
}

static int set_locked(struct handle *h, struct inode *inode, const struct ext4_xattr_name *name,
		      const void *value, size_t size, int flags)
{
	struct ext4_inode_loc loc;
	int err, store;

	/* Storing a new inode for the first time clears its place. */
	if (ext4_state_test(inode, EXT4_STATE_NEW)) {
		err = ext4_inode_dirty(h, inode);
		if (err)
			return err;
	}
	err = ext4_inode_reserve(h, inode, &loc);
	if (err)
		return err;
	err = set_at(h, inode, loc.raw, name, value, size, flags);
	store = ext4_inode_store(h, inode, &loc);
	return err ?: store;
}

int ext4_xattr_set(struct handle *h, struct inode *inode, const struct ext4_xattr_name *name,
		   const void *value, size_t size, int flags)
{
	int err;

	rwsem_write_lock(&ext4_inode(inode)->xattr);
	err = set_locked(h, inode, name, value, size, flags);
	rwsem_write_unlock(&ext4_inode(inode)->xattr);
	return err;
}

static int set_once(struct inode *inode, const struct ext4_xattr_name *name, const void *value,
		    size_t size, int flags)
{
	s64 ctime = inode->ctime;
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_XATTR + 2 * EXT4_CREDITS_INODE, &h),
	    stop;

	if (err)
		return err;
	if (ext4_inode(inode)->flags & EXT4_SYNC_FL)
		handle_set_sync(h);
	WRITE_ONCE(inode->ctime, inode_now(inode));
	WRITE_ONCE(inode->version, inode->version + 1);
	err = ext4_xattr_set(h, inode, name, value, size, flags);
	if (err)
		WRITE_ONCE(inode->ctime, ctime);
	stop = ext4_stop(h);
	return err ?: stop;
}

int ext4_setxattr(struct inode *inode, const char *text, const void *value, size_t size, int flags)
{
	struct ext4_xattr_name name;
	unsigned tries = 0;
	int err = name_parse(inode, text, &name);

	if (err)
		return err;
	/* What no block can hold does not begin a transaction. */
	if (value && size > ext4_inode_super(inode)->block_size)
		return -ENOSPC;
	do {
		err = set_once(inode, &name, value, size, flags);
	} while (err == -ENOSPC && ext4_retry_alloc(inode->sb, &tries));
	return err;
}
