/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounting by descriptors: fsopen(2) and its family, mount_setattr(2), statmount(2),
 * listmount(2). */
#include <fs/vfs/fs_config.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/statmount.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/limits.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include <fs/vfs/core.h>

#include "syscalls_internal.h"

static long install(int err, struct file *f, bool cloexec)
{
	int fd;

	if (err)
		return err;
	fd = fd_alloc(f, cloexec ? O_CLOEXEC : 0);
	if (fd < 0)
		file_put(f);
	return fd;
}

long sys_fsopen(const char __user *fs_name, unsigned int flags)
{
	const struct fs_type *type;
	struct file *f;
	char *name;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)FSOPEN_CLOEXEC)
		return -EINVAL;
	err = copy_user_string(fs_name, PAGE_SIZE, &name);
	if (err)
		return err;
	type = fs_type_find(name);
	kfree(name);
	if (!type)
		return -ENODEV;
	err = fs_config_open(type, &f);
	return install(err, f, flags & FSOPEN_CLOEXEC);
}

static unsigned lookup_flags(bool nofollow, bool empty)
{
	return (nofollow ? 0 : LOOKUP_FOLLOW) | (empty ? LOOKUP_EMPTY : 0);
}

long sys_fspick(int dfd, const char __user *filename, unsigned int flags)
{
	struct path path;
	struct file *f;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT |
				FSPICK_EMPTY_PATH))
		return -EINVAL;
	err = user_path_at(dfd, filename,
			   lookup_flags(flags & FSPICK_SYMLINK_NOFOLLOW, flags & FSPICK_EMPTY_PATH),
			   &path);
	if (err)
		return err;
	err = fs_config_pick(&path, &f);
	path_put(&path);
	return install(err, f, flags & FSPICK_CLOEXEC);
}

/* Which arguments go with which command. */
static int fsconfig_check(unsigned cmd, bool key, bool value, int aux)
{
	bool ok;

	switch (cmd) {
	case FSCONFIG_SET_FLAG: ok = key && !value && !aux; break;
	case FSCONFIG_SET_STRING: ok = key && value && !aux; break;
	case FSCONFIG_SET_BINARY: ok = key && value && aux > 0 && aux <= 1024 * 1024; break;
	case FSCONFIG_SET_PATH:
	case FSCONFIG_SET_PATH_EMPTY: ok = key && value && (aux == AT_FDCWD || aux >= 0); break;
	case FSCONFIG_SET_FD: ok = key && !value && aux >= 0; break;
	case FSCONFIG_CMD_CREATE:
	case FSCONFIG_CMD_CREATE_EXCL:
	case FSCONFIG_CMD_RECONFIGURE: ok = !key && !value && !aux; break;
	default: return -EOPNOTSUPP;
	}
	return ok ? 0 : -EINVAL;
}

#define OPTION_MAX 256

static int fsconfig_set(struct file *f, const char __user *user_key, const char __user *user_value)
{
	char *key, *value = NULL;
	int err = copy_user_string(user_key, OPTION_MAX, &key);

	if (err)
		return err;
	if (user_value)
		err = copy_user_string(user_value, OPTION_MAX, &value);
	if (!err)
		err = fs_config_set(f, key, value);
	kfree(value);
	kfree(key);
	return err;
}

long sys_fsconfig(int fs_fd, unsigned int cmd, const char __user *key, const void __user *value,
		  int aux)
{
	struct fdref ref;
	int err;

	if (fs_fd < 0)
		return -EINVAL;
	err = fsconfig_check(cmd, key, value, aux);
	if (err)
		return err;
	ref = fd_get(fs_fd);
	if (!ref.file)
		return -EBADF;
	if (!file_is_fs_config(ref.file))
		err = -EINVAL;
	else if (cmd == FSCONFIG_SET_FLAG || cmd == FSCONFIG_SET_STRING)
		err = fsconfig_set(ref.file, key, value);
	else if (cmd == FSCONFIG_CMD_CREATE)
		err = fs_config_create(ref.file);
	else if (cmd == FSCONFIG_CMD_RECONFIGURE)
		err = fs_config_reconfigure(ref.file);
	else
		err = -EOPNOTSUPP;
	fd_put(ref);
	return err;
}

#define SIMPLE_ATTRS                                                                               \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |            \
	 MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)
#define ALL_ATTRS (SIMPLE_ATTRS | MOUNT_ATTR__ATIME)

static int atime_flags(u64 attr, u32 *flags)
{
	switch (attr & MOUNT_ATTR__ATIME) {
	case MOUNT_ATTR_RELATIME: *flags |= MNT_RELATIME; return 0;
	case MOUNT_ATTR_NOATIME: *flags |= MNT_NOATIME; return 0;
	case MOUNT_ATTR_STRICTATIME: return 0;
	default: return -EINVAL;
	}
}

static int fsmount_from(int fs_fd, u32 mnt_flags, struct file **out)
{
	struct fdref ref = fd_get(fs_fd);
	struct mount *m;
	int err;

	if (!ref.file)
		return -EBADF;
	err = file_is_fs_config(ref.file) ? fs_config_mount(ref.file, mnt_flags, &m) : -EINVAL;
	fd_put(ref);
	return err ?: mount_detached_file(m, out);
}

long sys_fsmount(int fs_fd, unsigned int flags, unsigned int attr_flags)
{
	u32 mnt_flags = mount_flags_of_attr(attr_flags);
	struct file *f;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if ((flags & ~(unsigned)FSMOUNT_CLOEXEC) || (attr_flags & ~(unsigned)ALL_ATTRS) ||
	    atime_flags(attr_flags, &mnt_flags))
		return -EINVAL;
	err = fsmount_from(fs_fd, mnt_flags, &f);
	return install(err, f, flags & FSMOUNT_CLOEXEC);
}

#define OPEN_TREE_VALID                                                                            \
	(AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE |  \
	 OPEN_TREE_CLOEXEC)

static int clone_tree(const struct path *path, bool recursive, struct file **out)
{
	struct mount *copy;
	int err = mount_clone_tree(path, recursive, &copy);

	return err ?: mount_detached_file(copy, out);
}

long sys_open_tree(int dfd, const char __user *filename, unsigned int flags)
{
	struct path path;
	struct file *f;
	int err;

	if (flags & ~(unsigned)OPEN_TREE_VALID)
		return -EINVAL;
	if ((flags & (AT_RECURSIVE | OPEN_TREE_CLONE)) == AT_RECURSIVE)
		return -EINVAL;
	if ((flags & OPEN_TREE_CLONE) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = user_path_at(dfd, filename,
			   lookup_flags(flags & AT_SYMLINK_NOFOLLOW, flags & AT_EMPTY_PATH), &path);
	if (err)
		return err;
	if (flags & OPEN_TREE_CLONE)
		err = clone_tree(&path, flags & AT_RECURSIVE, &f);
	else
		err = file_open(&path, O_PATH, cred_current(), &f);
	path_put(&path);
	return install(err, f, flags & OPEN_TREE_CLOEXEC);
}

#define MOVE_FROM_FLAGS (MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_F_AUTOMOUNTS | MOVE_MOUNT_F_EMPTY_PATH)
#define MOVE_TO_FLAGS   (MOVE_MOUNT_T_SYMLINKS | MOVE_MOUNT_T_AUTOMOUNTS | MOVE_MOUNT_T_EMPTY_PATH)
#define MOVE_HOW_FLAGS  (MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH)

static int move_how(struct path *from, struct path *to, unsigned flags)
{
	if (flags & MOVE_MOUNT_SET_GROUP)
		return mount_set_group(from, to);
	return flags & MOVE_MOUNT_BENEATH ? mount_move_beneath(from, to)
					  : mount_move_path(from, to);
}

long sys_move_mount(int from_dfd, const char __user *from_name, int to_dfd,
		    const char __user *to_name, unsigned int flags)
{
	struct path from, to;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (flags & ~(unsigned)(MOVE_FROM_FLAGS | MOVE_TO_FLAGS | MOVE_HOW_FLAGS))
		return -EINVAL;
	if ((flags & MOVE_HOW_FLAGS) == MOVE_HOW_FLAGS)
		return -EINVAL;
	err = user_path_at(
		from_dfd, from_name,
		lookup_flags(!(flags & MOVE_MOUNT_F_SYMLINKS), flags & MOVE_MOUNT_F_EMPTY_PATH),
		&from);
	if (err)
		return err;
	err = user_path_at(
		to_dfd, to_name,
		lookup_flags(!(flags & MOVE_MOUNT_T_SYMLINKS), flags & MOVE_MOUNT_T_EMPTY_PATH),
		&to);
	if (!err) {
		err = move_how(&from, &to, flags);
		path_put(&to);
	}
	path_put(&from);
	return err;
}

/* Decode and check struct mount_attr. */
static int decode_attr(const struct mount_attr *attr, struct mount_change *c)
{
	const u64 kinds = MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED;

	if (attr->propagation & ~kinds || (attr->propagation && !is_pow2(attr->propagation)))
		return -EINVAL;
	if ((attr->attr_set | attr->attr_clr) & ~(u64)ALL_ATTRS || attr->userns_fd)
		return -EINVAL;
	c->propagation = attr->propagation;
	c->set = mount_flags_of_attr(attr->attr_set);
	c->clear = mount_flags_of_attr(attr->attr_clr);
	/* The times' rule is one value: it is changed by clearing all of it. */
	if (!(attr->attr_clr & MOUNT_ATTR__ATIME))
		return attr->attr_set & MOUNT_ATTR__ATIME ? -EINVAL : 0;
	if ((attr->attr_clr & MOUNT_ATTR__ATIME) != MOUNT_ATTR__ATIME)
		return -EINVAL;
	c->clear |= MNT_RELATIME | MNT_NOATIME;
	return atime_flags(attr->attr_set, &c->set);
}

long sys_mount_setattr(int dfd, const char __user *filename, unsigned int flags,
		       struct mount_attr __user *uattr, size_t usize)
{
	struct mount_change c = { .recursive = flags & AT_RECURSIVE };
	struct mount_attr attr;
	struct path path;
	int err;

	if (flags &
	    ~(unsigned)(AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	if (usize < MOUNT_ATTR_SIZE_VER0)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = copy_struct_from_user(&attr, sizeof(attr), uattr, usize);
	if (err)
		return err;
	if (!attr.attr_set && !attr.attr_clr && !attr.propagation)
		return 0;
	err = decode_attr(&attr, &c);
	if (err)
		return err;
	err = user_path_at(dfd, filename,
			   lookup_flags(flags & AT_SYMLINK_NOFOLLOW, flags & AT_EMPTY_PATH), &path);
	if (err)
		return err;
	err = mount_change_attributes(&path, &c);
	path_put(&path);
	return err;
}

/* Numbers up to this one are the old, reusable ids. */
#define UNIQUE_ID_BASE (1ull << 31)

static int copy_id_request(const struct mnt_id_req __user *user, struct mnt_id_req *req)
{
	u32 size;
	int err;

	memset(req, 0, sizeof(*req));
	if (get_user(size, &user->size))
		return -EFAULT;
	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < MNT_ID_REQ_SIZE_VER0)
		return -EINVAL;
	err = copy_struct_from_user(req, sizeof(*req), user, size);
	if (err)
		return err;
	return req->mnt_ns_fd || req->mnt_id <= UNIQUE_ID_BASE ? -EINVAL : 0;
}

#define STATMOUNT_TEXT (3 * PATH_MAX)

long sys_statmount(const struct mnt_id_req __user *user_req, struct statmount __user *buf,
		   size_t bufsize, unsigned int flags)
{
	struct mnt_id_req req;
	struct statmount st;
	size_t len, head;
	char *text;
	int err;

	if (flags)
		return -EINVAL;
	err = copy_id_request(user_req, &req);
	if (err)
		return err;
	text = kmalloc(STATMOUNT_TEXT, GFP_KERNEL);
	if (!text)
		return -ENOMEM;
	err = mount_stat(req.mnt_ns_id, req.mnt_id, req.param, &st, text, STATMOUNT_TEXT, &len);
	if (!err && len && bufsize < sizeof(st) + len)
		err = -EOVERFLOW;
	if (!err) {
		head = min(bufsize, sizeof(st));
		st.size = head + len;
		err = copy_to_user(buf, &st, head);
	}
	if (!err && len)
		err = copy_to_user((char __user *)buf + sizeof(st), text, len);
	kfree(text);
	return err;
}

#define LISTMOUNT_MAX 1000000

long sys_listmount(const struct mnt_id_req __user *user_req, u64 __user *mnt_ids, size_t nr,
		   unsigned int flags)
{
	struct mnt_id_req req;
	ssize_t n;
	u64 *ids;
	int err;

	if ((flags & ~(unsigned)LISTMOUNT_REVERSE))
		return -EINVAL;
	if (nr > LISTMOUNT_MAX)
		return -EOVERFLOW;
	err = copy_id_request(user_req, &req);
	if (err)
		return err;
	if (req.param && req.param <= UNIQUE_ID_BASE)
		return -EINVAL;
	ids = kvmalloc(max(nr, (size_t)1) * sizeof(*ids), GFP_KERNEL);
	if (!ids)
		return -ENOMEM;
	n = mount_list(req.mnt_ns_id, req.mnt_id, req.param, flags & LISTMOUNT_REVERSE, ids, nr);
	if (n > 0 && copy_to_user(mnt_ids, ids, (size_t)n * sizeof(*ids)))
		n = -EFAULT;
	kvfree(ids);
	return n;
}
