/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ioctl(2): what every file knows, then the file's own. */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/ioctl.h>
#include <kernel/abi/termios.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

static long set_flag(struct file *f, u32 flag, const int __user *arg)
{
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	guard_spin(&f->lock);
	WRITE_ONCE(f->flags, on ? f->flags | flag : f->flags & ~flag);
	return 0;
}

static long set_async(struct file *f, const int __user *arg)
{
	int on;

	if (get_user(on, arg))
		return -EFAULT;
	if (!on == !(f->flags & FASYNC))
		return 0;
	return f->ops->fasync ? f->ops->fasync(f, on) : -ENOTTY;
}

static long get_size(struct file *f, void __user *arg)
{
	umode_t mode = f->inode->mode;
	loff_t size = f->inode->size;

	if (!S_ISDIR(mode) && !S_ISREG(mode) && !S_ISLNK(mode))
		return -ENOTTY;
	return copy_to_user(arg, &size, sizeof(size));
}

/* Inode flags: FS_IOC_GETFLAGS, lsattr(1). */
static long get_fs_flags(struct file *f, u32 __user *arg)
{
	u32 flags;
	int err;

	if (!f->inode->ops->fileattr_get)
		return -ENOTTY;
	err = f->inode->ops->fileattr_get(f->inode, &flags);
	return err ?: put_user(flags, arg);
}

static long set_fs_flags(struct file *f, const u32 __user *arg)
{
	struct inode *inode = f->inode;
	u32 flags, old = 0;
	int err;

	if (!inode->ops->fileattr_set)
		return -ENOTTY;
	if (get_user(flags, arg))
		return -EFAULT;
	if (!inode_owner_or_capable(inode))
		return -EPERM;
	err = mount_want_write(f->path.mnt);
	if (err)
		return err;
	rwsem_write_lock(&inode->lock);
	err = inode->ops->fileattr_get(inode, &old);
	if (!err && ((flags ^ old) & (FS_IMMUTABLE_FL | FS_APPEND_FL)) && !capable(CAP_LINUX_IMMUTABLE))
		err = -EPERM;
	if (!err)
		err = inode->ops->fileattr_set(inode, flags);
	rwsem_write_unlock(&inode->lock);
	mount_drop_write(f->path.mnt);
	return err;
}

/* What regular files answer by themselves. */
static long file_ioctl(struct file *f, unsigned cmd, void __user *arg)
{
	switch (cmd) {
	case FIONREAD: return put_user((int)(READ_ONCE(f->inode->size) - f->pos), (int __user *)arg);
	case FIBMAP: return capable(CAP_SYS_RAWIO) ? -EINVAL : -EPERM;
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE: return -EOPNOTSUPP;
	default: return -ENOTTY;
	}
}

static long generic_ioctl(int fd, struct file *f, unsigned cmd, unsigned long arg)
{
	void __user *ptr = (void __user *)arg;

	switch (cmd) {
	case FIOCLEX: return fd_set_cloexec(fd, true);
	case FIONCLEX: return fd_set_cloexec(fd, false);
	case FIONBIO: return set_flag(f, O_NONBLOCK, ptr);
	case FIOASYNC: return set_async(f, ptr);
	case FIOQSIZE: return get_size(f, ptr);
	case FIGETBSZ: return f->inode->sb->blocksize ? put_user((int)f->inode->sb->blocksize, (int __user *)ptr) : -EINVAL;
	case FS_IOC_GETFLAGS: return get_fs_flags(f, ptr);
	case FS_IOC_SETFLAGS: return set_fs_flags(f, ptr);
	case FIFREEZE:
	case FITHAW: return capable(CAP_SYS_ADMIN) ? -EOPNOTSUPP : -EPERM;
	default: return -ENOIOCTLCMD;
	}
}

long sys_ioctl(int fd, unsigned int cmd, unsigned long arg)
{
	struct fdref ref = fd_get(fd);
	struct file *f = ref.file;
	long ret;

	if (!f)
		return -EBADF;
	ret = generic_ioctl(fd, f, cmd, arg);
	if (ret == -ENOIOCTLCMD && S_ISREG(f->inode->mode)) {
		ret = f->ops->ioctl ? f->ops->ioctl(f, cmd, arg) : -ENOIOCTLCMD;
		if (ret == -ENOIOCTLCMD)
			ret = file_ioctl(f, cmd, (void __user *)arg);
	} else if (ret == -ENOIOCTLCMD && f->ops->ioctl) {
		ret = f->ops->ioctl(f, cmd, arg);
	}
	fd_put(ref);
	return ret == -ENOIOCTLCMD ? -ENOTTY : ret;
}
