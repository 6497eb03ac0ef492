/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name_to_handle_at(2), open_by_handle_at(2). */
#include <fs/vfs/dentry.h>
#include <fs/vfs/export.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <kernel/abi/capability.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include <fs/vfs/core.h>

#include "syscalls_internal.h"

static int mount_id_put(const struct mount *mnt, bool unique, void __user *out)
{
	if (unique)
		return put_user(mnt->unique_id, (u64 __user *)out) ? -EFAULT : 0;
	return put_user((int)mnt->id, (int __user *)out) ? -EFAULT : 0;
}

/* When there is no handle, its size and the mount are told all the same. */
static long handle_encode(const struct path *path, struct file_handle __user *user,
			  void __user *mnt_id, int flags)
{
	struct file_handle head = {};
	u32 fid[EXPORT_MAX_WORDS] = {}, words = 0, room;
	/* What has no handles says so before it looks at the arguments. */
	int type = export_encode(path->dentry->inode, flags & AT_HANDLE_FID, fid, &words), err;

	if (type == -EOPNOTSUPP)
		return type;
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (head.handle_bytes > MAX_HANDLE_SZ)
		return -EINVAL;
	words = room = head.handle_bytes / sizeof(u32);
	type = export_encode(path->dentry->inode, flags & AT_HANDLE_FID, fid, &words);
	head.handle_type = type;
	head.handle_bytes = words * (u32)sizeof(u32);
	err = type == EXPORT_TOO_SMALL ? -EOVERFLOW : type < 0 ? type : 0;
	if (mount_id_put(path->mnt, flags & AT_HANDLE_MNT_ID_UNIQUE, mnt_id) ||
	    copy_to_user(user, &head, sizeof(head)))
		return -EFAULT;
	return err ?: copy_to_user(user->f_handle, fid, head.handle_bytes);
}

long sys_name_to_handle_at(int dfd, const char __user *name, struct file_handle __user *handle,
			   int __user *mnt_id, int flags)
{
	struct path path;
	long err;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE))
		return -EINVAL;
	err = path_at_link(dfd, name, flags, &path);
	if (err)
		return err;
	err = handle_encode(&path, handle, mnt_id, flags);
	path_put(&path);
	return err;
}

/* The mount whose file system a handle is of: any open file on it stands for it. */
static int mount_of_fd(int fd, struct mount **out)
{
	struct fdref ref;
	struct path cwd;

	if (fd == AT_FDCWD) {
		fs_get_cwd(fs_current(), &cwd);
		*out = mount_get(cwd.mnt);
		path_put(&cwd);
		return 0;
	}
	ref = fd_get(fd);
	if (!ref.file)
		return -EBADF;
	*out = mount_get(ref.file->path.mnt);
	fd_put(ref);
	return 0;
}

static int handle_decode(struct mount *mnt, const struct file_handle __user *user,
			 struct path *out)
{
	struct file_handle head;
	u32 fid[EXPORT_MAX_WORDS] = {};

	/* A handle goes past the permissions of all directories above. */
	if (!capable(CAP_DAC_READ_SEARCH))
		return -EPERM;
	if (copy_from_user(&head, user, sizeof(head)))
		return -EFAULT;
	if (!head.handle_bytes || head.handle_bytes > MAX_HANDLE_SZ)
		return -EINVAL;
	if (copy_from_user(fid, user->f_handle, head.handle_bytes))
		return -EFAULT;
	out->mnt = mnt;
	return export_decode(mnt, fid, head.handle_bytes / (u32)sizeof(u32), head.handle_type,
			     &out->dentry);
}

static long open_path_user(const struct path *path, u32 flags)
{
	struct open_how how = open_how_of(flags, 0);
	struct file *f;
	int err, fd = fd_reserve(how.flags);

	if (fd < 0)
		return fd;
	err = do_open_path(path, &how, &f);
	if (err) {
		fd_release(fd);
		return err;
	}
	fd_install(fd, f);
	return fd;
}

long sys_open_by_handle_at(int mountdirfd, const struct file_handle __user *handle, int flags)
{
	struct mount *mnt;
	struct path path;
	long ret = mount_of_fd(mountdirfd, &mnt);

	if (ret)
		return ret;
	ret = handle_decode(mnt, handle, &path);
	if (!ret) {
		ret = open_path_user(&path, (u32)flags);
		dentry_put(path.dentry);
	}
	mount_put(mnt);
	return ret;
}
