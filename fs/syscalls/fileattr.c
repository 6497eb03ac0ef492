/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inode flags as chattr(1) and lsattr(1) see them: ioctl_iflags(2), and the form XFS introduced
 * (FS_IOC_FSGETXATTR), which knows a part of them by other numbers.
 */
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fs.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "syscalls_internal.h"

static const struct {
	u32 flag, xflag;
} both_forms[] = {
	{FS_SYNC_FL, FS_XFLAG_SYNC},
	{FS_IMMUTABLE_FL, FS_XFLAG_IMMUTABLE},
	{FS_APPEND_FL, FS_XFLAG_APPEND},
	{FS_NODUMP_FL, FS_XFLAG_NODUMP},
	{FS_NOATIME_FL, FS_XFLAG_NOATIME},
	{FS_DAX_FL, FS_XFLAG_DAX},
	{FS_PROJINHERIT_FL, FS_XFLAG_PROJINHERIT},
};

static u32 xflags_of(u32 flags)
{
	u32 x = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(both_forms); i++)
		x |= flags & both_forms[i].flag ? both_forms[i].xflag : 0;
	return x;
}

/* `flags` with those that have an xflag taken from `xflags`. */
static u32 flags_with(u32 flags, u32 xflags)
{
	for (unsigned i = 0; i < ARRAY_SIZE(both_forms); i++) {
		flags &= ~both_forms[i].flag;
		flags |= xflags & both_forms[i].xflag ? both_forms[i].flag : 0;
	}
	return flags;
}

static int attr_get(struct inode *inode, struct fileattr *out)
{
	*out = (struct fileattr){};
	return inode->ops->fileattr_get ? inode->ops->fileattr_get(inode, out) : -ENOTTY;
}

/* `change` turns the present attributes into the wanted ones.  Locks: inode W. */
static int attr_set_locked(struct inode *inode, void (*change)(struct fileattr *, const void *),
			   const void *arg)
{
	struct fileattr old, attr;
	int err = attr_get(inode, &old);

	if (err)
		return err;
	attr = old;
	change(&attr, arg);
	if (((attr.flags ^ old.flags) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) &&
	    !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	return inode->ops->fileattr_set(inode, &attr);
}

static int attr_set(struct file *f, void (*change)(struct fileattr *, const void *),
		    const void *arg)
{
	struct inode *inode = f->inode;
	int err = mount_want_write(f->path.mnt);

	if (err)
		return err;
	if (!inode->ops->fileattr_set) {
		err = -ENOTTY;
	} else if (!inode_owner_or_capable(inode)) {
		err = -EPERM;
	} else {
		rwsem_write_lock(&inode->lock);
		err = attr_set_locked(inode, change, arg);
		rwsem_write_unlock(&inode->lock);
	}
	mount_drop_write(f->path.mnt);
	return err;
}

static void change_flags(struct fileattr *attr, const void *arg)
{
	attr->flags = *(const u32 *)arg;
}

static void change_xflags(struct fileattr *attr, const void *arg)
{
	const struct fsxattr *x = arg;

	attr->flags = flags_with(attr->flags, x->fsx_xflags);
	attr->project = x->fsx_projid;
}

long ioctl_get_flags(struct file *f, u32 __user *arg)
{
	struct fileattr attr;
	int err = attr_get(f->inode, &attr);

	return err ?: put_user(attr.flags, arg);
}

long ioctl_set_flags(struct file *f, const u32 __user *arg)
{
	u32 flags;

	if (!f->inode->ops->fileattr_set)
		return -ENOTTY;
	if (get_user(flags, arg))
		return -EFAULT;
	return attr_set(f, change_flags, &flags);
}

long ioctl_get_xattr(struct file *f, struct fsxattr __user *arg)
{
	struct fsxattr x = {};
	struct fileattr attr;
	int err = attr_get(f->inode, &attr);

	if (err)
		return err;
	x.fsx_xflags = xflags_of(attr.flags);
	x.fsx_projid = attr.project;
	return copy_to_user(arg, &x, sizeof(x));
}

long ioctl_set_xattr(struct file *f, const struct fsxattr __user *arg)
{
	struct fsxattr x;

	if (!f->inode->ops->fileattr_set)
		return -ENOTTY;
	if (copy_from_user(&x, arg, sizeof(x)))
		return -EFAULT;
	/* Hints for the size of extents exist only where a file system keeps them, which none here
	 * does. */
	if (x.fsx_xflags &
	    ~(FS_XFLAG_SYNC | FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_NODUMP |
	      FS_XFLAG_NOATIME | FS_XFLAG_DAX | FS_XFLAG_PROJINHERIT))
		return -EOPNOTSUPP;
	return attr_set(f, change_xflags, &x);
}
