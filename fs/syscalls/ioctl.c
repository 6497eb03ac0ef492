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

/* What regular files answer by themselves. */
static long file_ioctl(struct file *f, unsigned cmd, void __user *arg)
{
	switch (cmd) {
	case FIONREAD:
		return put_user((int)(READ_ONCE(f->inode->size) - f->pos), (int __user *)arg);
	case FIBMAP: return capable(CAP_SYS_RAWIO) ? -EINVAL : -EPERM;
	case FICLONE:
	case FICLONERANGE:
	case FIDEDUPERANGE: return -EOPNOTSUPP;
	default: return -ENOIOCTLCMD;
	}
}

/* What nobody has answered. */
static long unknown_ioctl(unsigned cmd)
{
	return cmd == FS_IOC_FIEMAP ? -EOPNOTSUPP : -ENOTTY;
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
	case FIGETBSZ:
		return f->inode->sb->blocksize
			       ? put_user((int)f->inode->sb->blocksize, (int __user *)ptr)
			       : -EINVAL;
	case FS_IOC_GETFLAGS: return ioctl_get_flags(f, ptr);
	case FS_IOC_SETFLAGS: return ioctl_set_flags(f, ptr);
	case FS_IOC_FSGETXATTR: return ioctl_get_xattr(f, ptr);
	case FS_IOC_FSSETXATTR: return ioctl_set_xattr(f, ptr);
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
	return ret == -ENOIOCTLCMD ? unknown_ioctl(cmd) : ret;
}
