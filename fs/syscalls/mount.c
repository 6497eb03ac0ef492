/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mount(2), umount2(2), pivot_root(2), ustat(2). */
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

/* A page of options; NULL stays NULL.  What lies beyond unreadable memory is not copied, as the
 * data may be binary. */
static int copy_options(const void __user *data, char **out)
{
	char *page;
	size_t left;

	*out = NULL;
	if (!data)
		return 0;
	page = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	left = copy_from_user_partial(page, data, PAGE_SIZE - 1);
	if (left == PAGE_SIZE - 1) {
		kfree(page);
		return -EFAULT;
	}
	memset(page + PAGE_SIZE - 1 - left, 0, left + 1);
	*out = page;
	return 0;
}

int copy_user_string(const char __user *user, size_t max, char **out)
{
	char *buf = kmalloc(max, GFP_KERNEL);
	ssize_t len;

	if (!buf)
		return -ENOMEM;
	len = strncpy_from_user(buf, user, max);
	if (len < 0 || len == (ssize_t)max) {
		kfree(buf);
		return len < 0 ? (int)len : -EINVAL;
	}
	*out = buf;
	return 0;
}

/* An argument that may be NULL. */
static int copy_string(const char __user *user, char **out)
{
	*out = NULL;
	return user ? copy_user_string(user, PATH_MAX, out) : 0;
}

long sys_mount(const char __user *dev_name, const char __user *dir_name, const char __user *type,
	       unsigned long flags, const void __user *data)
{
	char *source = NULL, *fstype = NULL, *options = NULL;
	struct path path;
	int err;

	err = copy_string(type, &fstype);
	if (!err)
		err = copy_string(dev_name, &source);
	if (!err)
		err = copy_options(data, &options);
	if (!err)
		err = user_path_at(AT_FDCWD, dir_name, LOOKUP_FOLLOW, &path);
	if (!err) {
		err = do_mount(source, &path, fstype, flags, options);
		path_put(&path);
	}
	kfree(options);
	kfree(source);
	kfree(fstype);
	return err;
}

long sys_umount2(const char __user *name, int flags)
{
	struct path path;
	int err;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = user_path_at(AT_FDCWD, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &path);
	if (err)
		return err;
	err = capable(CAP_SYS_ADMIN) ? do_umount(&path, flags) : -EPERM;
	path_put(&path);
	return err;
}

long sys_pivot_root(const char __user *new_root, const char __user *put_old)
{
	struct path new, old;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(AT_FDCWD, new_root, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &new);
	if (err)
		return err;
	err = user_path_at(AT_FDCWD, put_old, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &old);
	if (!err) {
		err = do_pivot_root(&new, &old);
		path_put(&old);
	}
	path_put(&new);
	return err;
}
