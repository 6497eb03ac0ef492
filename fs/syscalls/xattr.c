/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Extended attributes: setxattr(2) and family, xattr(7). */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/xattr.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "syscalls_internal.h"

struct xattr_name {
	char text[XATTR_NAME_MAX + 1];
};

static int name_get(struct xattr_name *n, const char __user *user)
{
	ssize_t len = strncpy_from_user(n->text, user, sizeof(n->text));

	if (len < 0)
		return len;
	return !len || len == sizeof(n->text) ? -ERANGE : 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

/* A name is a namespace, a dot, and something. */
static bool has_suffix(const char *name)
{
	const char *dot = strchr(name, '.');

	return dot && dot[1];
}

/* Which names exist at all, and who may touch them. */
static int xattr_permission(struct inode *inode, const char *name, int mask)
{
	if (mask & MAY_WRITE) {
		if (inode->flags & (S_IMMUTABLE | S_APPEND))
			return -EPERM;
	}
	if (has_prefix(name, XATTR_SECURITY_PREFIX)) {
		if ((mask & MAY_WRITE) && !strcmp(name, XATTR_NAME_CAPS) && !capable(CAP_SETFCAP))
			return -EPERM;
		return (mask & MAY_WRITE) && strcmp(name, XATTR_NAME_CAPS) &&
				       !capable(CAP_SYS_ADMIN)
			       ? -EPERM
			       : 0;
	}
	if (has_prefix(name, XATTR_SYSTEM_PREFIX))
		return -EOPNOTSUPP;
	if (!strcmp(name, XATTR_TRUSTED_PREFIX) || !strcmp(name, XATTR_USER_PREFIX))
		return -EINVAL;
	if (has_prefix(name, XATTR_TRUSTED_PREFIX)) {
		if (!capable(CAP_SYS_ADMIN))
			return mask & MAY_WRITE ? -EPERM : -ENODATA;
		return 0;
	}
	if (!has_prefix(name, XATTR_USER_PREFIX))
		return -EOPNOTSUPP;
	if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
		return mask & MAY_WRITE ? -EPERM : -ENODATA;
	if (S_ISDIR(inode->mode) && (inode->mode & S_ISVTX) && (mask & MAY_WRITE) &&
	    !inode_owner_or_capable(inode))
		return -EPERM;
	return inode_permission(inode, mask);
}

static int set_locked(struct inode *inode, const char *name, const void *value, size_t size,
		      int flags)
{
	enum posix_acl_type type;
	int err;

	if (posix_acl_xattr_name(name, &type))
		return inode_set_acl_xattr(inode, type, value, size);
	err = xattr_permission(inode, name, MAY_WRITE);
	if (!err && !has_suffix(name))
		err = -EINVAL;
	if (!err)
		err = inode->ops->setxattr ? inode->ops->setxattr(inode, name, value, size, flags)
					   : -EOPNOTSUPP;
	if (!err && value && !strcmp(name, XATTR_NAME_CAPS))
		WRITE_ONCE(inode->flags, inode->flags & ~(u32)S_NOSEC);
	return err;
}

static int do_set(const struct path *path, const char *name, const void *value, size_t size,
		  int flags)
{
	struct inode *inode = path->dentry->inode;
	int err = mount_want_write(path->mnt);

	if (err)
		return err;
	rwsem_write_lock(&inode->lock);
	err = set_locked(inode, name, value, size, flags);
	if (!err)
		fsnotify_dentry(path->dentry, IN_ATTRIB);
	rwsem_write_unlock(&inode->lock);
	mount_drop_write(path->mnt);
	return err;
}

static int set_user(const struct path *path, const char __user *uname, const void __user *uvalue,
		    size_t size, int flags)
{
	struct xattr_name name;
	void *value;
	int err;

	if (flags & ~(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	err = name_get(&name, uname);
	if (err)
		return err;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	value = kvmalloc(size ?: 1, GFP_KERNEL);
	if (!value)
		return -ENOMEM;
	err = size ? copy_from_user(value, uvalue, size) : 0;
	if (!err)
		err = do_set(path, name.text, value, size, flags);
	kvfree(value);
	return err;
}

static int remove_user(const struct path *path, const char __user *uname)
{
	struct xattr_name name;
	int err = name_get(&name, uname);

	return err ?: do_set(path, name.text, NULL, 0, XATTR_REPLACE);
}

static ssize_t get_value(struct inode *inode, const char *name, void *value, size_t size)
{
	enum posix_acl_type type;
	int err;

	if (posix_acl_xattr_name(name, &type))
		return inode_get_acl_xattr(inode, type, value, size);
	err = xattr_permission(inode, name, MAY_READ);
	if (!err && !has_suffix(name))
		err = -EINVAL;
	if (err)
		return err;
	return inode->ops->getxattr ? inode->ops->getxattr(inode, name, value, size) : -EOPNOTSUPP;
}

static ssize_t get_user_value(const struct path *path, const char __user *uname,
			      void __user *uvalue, size_t size)
{
	struct xattr_name name;
	void *value = NULL;
	ssize_t n = name_get(&name, uname);

	if (n)
		return n;
	size = min_t(size_t, size, XATTR_SIZE_MAX);
	if (size) {
		value = kvmalloc(size, GFP_KERNEL);
		if (!value)
			return -ENOMEM;
	}
	n = get_value(path->dentry->inode, name.text, value, size);
	if (n > 0 && size && copy_to_user(uvalue, value, n))
		n = -EFAULT;
	kvfree(value);
	return n;
}

/* Leave the names out that the caller may not see. */
static ssize_t filter_list(char *list, ssize_t len)
{
	bool admin = capable(CAP_SYS_ADMIN);
	char *to = list;

	for (char *p = list; p < list + len;) {
		size_t n = strlen(p) + 1;

		if (admin || !has_prefix(p, XATTR_TRUSTED_PREFIX)) {
			memmove(to, p, n);
			to += n;
		}
		p += n;
	}
	return to - list;
}

static ssize_t list_user(const struct path *path, char __user *ulist, size_t size)
{
	struct inode *inode = path->dentry->inode;
	char *list;
	ssize_t n;

	if (!inode->ops->listxattr)
		return 0;
	list = kvmalloc(XATTR_LIST_MAX, GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	rwsem_read_lock(&inode->lock);
	n = inode->ops->listxattr(inode, list, XATTR_LIST_MAX);
	rwsem_read_unlock(&inode->lock);
	if (n > 0)
		n = filter_list(list, n);
	if (n == -ERANGE)
		n = -E2BIG;
	if (n > 0 && size)
		n = (size_t)n > size ? -ERANGE : copy_to_user(ulist, list, n) ?: n;
	kvfree(list);
	return n;
}

/* One operation on a path or descriptor. */
#define BY_PATH(name, follow, call)                                                                \
	({                                                                                         \
		struct path path;                                                                  \
		long ret = user_path_at(AT_FDCWD, name, (follow) ? LOOKUP_FOLLOW : 0, &path);      \
		if (!ret) {                                                                        \
			ret = (call);                                                              \
			path_put(&path);                                                           \
		}                                                                                  \
		ret;                                                                               \
	})
#define BY_FD(fd, call)                                                                            \
	({                                                                                         \
		struct fdref ref = fd_get(fd);                                                     \
		long ret = -EBADF;                                                                 \
		if (ref.file) {                                                                    \
			struct path path = ref.file->path;                                         \
			ret = (call);                                                              \
			fd_put(ref);                                                               \
		}                                                                                  \
		ret;                                                                               \
	})

long sys_setxattr(const char __user *p, const char __user *name, const void __user *value,
		  size_t size, int flags)
{
	return BY_PATH(p, true, set_user(&path, name, value, size, flags));
}

long sys_lsetxattr(const char __user *p, const char __user *name, const void __user *value,
		   size_t size, int flags)
{
	return BY_PATH(p, false, set_user(&path, name, value, size, flags));
}

long sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size,
		   int flags)
{
	return BY_FD(fd, set_user(&path, name, value, size, flags));
}

long sys_getxattr(const char __user *p, const char __user *name, void __user *value, size_t size)
{
	return BY_PATH(p, true, get_user_value(&path, name, value, size));
}

long sys_lgetxattr(const char __user *p, const char __user *name, void __user *value, size_t size)
{
	return BY_PATH(p, false, get_user_value(&path, name, value, size));
}

long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
	return BY_FD(fd, get_user_value(&path, name, value, size));
}

long sys_listxattr(const char __user *p, void __user *list, size_t size)
{
	return BY_PATH(p, true, list_user(&path, list, size));
}

long sys_llistxattr(const char __user *p, void __user *list, size_t size)
{
	return BY_PATH(p, false, list_user(&path, list, size));
}

long sys_flistxattr(int fd, void __user *list, size_t size)
{
	return BY_FD(fd, list_user(&path, list, size));
}

long sys_removexattr(const char __user *p, const char __user *name)
{
	return BY_PATH(p, true, remove_user(&path, name));
}

long sys_lremovexattr(const char __user *p, const char __user *name)
{
	return BY_PATH(p, false, remove_user(&path, name));
}

long sys_fremovexattr(int fd, const char __user *name)
{
	return BY_FD(fd, remove_user(&path, name));
}
