/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes of tmpfs inodes: a list, short in practice.  xattr(7). */
#include <fs/vfs/inode.h>
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/xattr.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "tmpfs_internal.h"

#define TMPFS_XATTR_LIMIT                                                                          \
	(128 * 1024) /* bytes of names and values of one inode, as other file systems bound it */

static struct tmpfs_xattr *find(struct tmpfs_inode *ti, const char *name)
{
	struct tmpfs_xattr *x;

	list_for_each (x, &ti->xattrs, link) {
		if (!strcmp(x->name, name))
			return x;
	}
	return NULL;
}

ssize_t tmpfs_getxattr(struct inode *inode, const char *name, void *buf, size_t size)
{
	struct tmpfs_xattr *x;

	guard_spin(&inode->spin);
	x = find(tmpfs_inode(inode), name);
	if (!x)
		return -ENODATA;
	if (size) {
		if (size < x->size)
			return -ERANGE;
		memcpy(buf, x->value, x->size);
	}
	return x->size;
}

static struct tmpfs_xattr *xattr_alloc(const char *name, const void *value, size_t size)
{
	size_t len = strlen(name) + 1;
	struct tmpfs_xattr *x = kvmalloc(sizeof(*x) + size + len, GFP_KERNEL);

	if (!x)
		return NULL;
	x->size = size;
	x->name = (char *)x->value + size;
	memcpy(x->value, value, size);
	memcpy(x->name, name, len);
	return x;
}

static size_t xattr_cost(const struct tmpfs_xattr *x)
{
	return x->size + strlen(x->name) + 1;
}

int tmpfs_setxattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);
	struct tmpfs_xattr *fresh = NULL, *old;
	int err = 0;

	if (value) {
		fresh = xattr_alloc(name, value, size);
		if (!fresh)
			return -ENOMEM;
	}
	spin_lock(&inode->spin);
	old = find(ti, name);
	if (old && (flags & XATTR_CREATE))
		err = -EEXIST;
	else if (!old && ((flags & XATTR_REPLACE) || !value))
		err = -ENODATA;
	else if (fresh && ti->xattr_bytes + xattr_cost(fresh) > TMPFS_XATTR_LIMIT)
		err = -ENOSPC;
	if (!err) {
		if (old) {
			list_remove(&old->link);
			ti->xattr_bytes -= xattr_cost(old);
		}
		if (fresh) {
			list_push_back(&ti->xattrs, &fresh->link);
			ti->xattr_bytes += xattr_cost(fresh);
		}
	}
	spin_unlock(&inode->spin);
	kvfree(err ? fresh : old);
	if (!err)
		inode_touch(inode, ATTR_CTIME);
	return err;
}

ssize_t tmpfs_listxattr(struct inode *inode, char *buf, size_t size)
{
	struct tmpfs_xattr *x;
	ssize_t lists = posix_acl_list_cached(inode, buf, size);
	size_t used = lists;

	if (lists < 0)
		return lists;
	guard_spin(&inode->spin);
	list_for_each (x, &tmpfs_inode(inode)->xattrs, link) {
		size_t len = strlen(x->name) + 1;

		if (size) {
			if (used + len > size)
				return -ERANGE;
			memcpy(buf + used, x->name, len);
		}
		used += len;
	}
	return used;
}

void tmpfs_free_xattrs(struct inode *inode)
{
	struct tmpfs_inode *ti = tmpfs_inode(inode);

	while (!list_empty(&ti->xattrs)) {
		struct tmpfs_xattr *x = list_first(&ti->xattrs, struct tmpfs_xattr, link);

		list_remove(&x->link);
		kvfree(x);
	}
}
