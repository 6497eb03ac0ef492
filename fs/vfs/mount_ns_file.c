/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The file of a mount namespace: setns(2), and the part of ioctl_nsfs(2) that is about mounts.
 *
 * A file holds its namespace and a mount of the file holds the file.  So that no namespace holds
 * itself by way of others, such a file is bound only in an older namespace than its own, and copies
 * of namespaces leave out these mounts.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/nsfs.h>
#include <kernel/abi/sched.h>
#include <kernel/lib/minmax.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "mount_internal.h"

static struct mount_ns *of_common(struct ns_common *ns)
{
	return container_of(ns, struct mount_ns, common);
}

static void free_ns(struct ns_common *ns)
{
	mount_ns_free(of_common(ns));
}

static int enter(struct ns_common *ns)
{
	if (!capable(CAP_SYS_ADMIN) || !capable(CAP_SYS_CHROOT))
		return -EPERM;
	return mount_ns_install(of_common(ns), fs_current());
}

bool mount_is_ns_file(const struct dentry *dentry)
{
	const struct ns_common *ns = ns_of_dentry(dentry);

	return ns && ns->kind == &mount_ns_kind;
}

bool mount_ns_would_loop(const struct dentry *dentry)
{
	return mount_is_ns_file(dentry) &&
	       fs_current()->mnt_ns->id >= of_common(ns_of_dentry(dentry))->id;
}

bool mount_tree_would_loop(struct mount *top)
{
	struct mount *m;

	for_each_in_tree (m, top) {
		if (mount_ns_would_loop(m->root))
			return true;
	}
	return false;
}

static int copy_info(const struct mount_ns *ns, struct mnt_ns_info __user *to, size_t size)
{
	struct mnt_ns_info info = {
		.size = MNT_NS_INFO_SIZE_VER0,
		.nr_mounts = READ_ONCE(ns->count),
		.mnt_ns_id = ns->id,
	};

	return copy_to_user(to, &info, min(size, sizeof(info)));
}

/* A descriptor of `ns`, about which *to says more if the caller wants that. */
static int open_ns(struct mount_ns *ns, struct mnt_ns_info __user *to, size_t size)
{
	struct path path;
	struct file *file;
	int fd = fd_reserve(O_CLOEXEC), err;

	if (fd < 0)
		return fd;
	err = ns_path(&ns->common, &path);
	if (err)
		goto release;
	err = file_open(&path, O_RDONLY, cred_current(), &file);
	path_put(&path);
	if (err)
		goto release;
	err = to ? copy_info(ns, to, size) : 0;
	if (err) {
		file_put(file);
		goto release;
	}
	fd_install(fd, file);
	return fd;
release:
	fd_release(fd);
	return err;
}

static int open_beside(struct mount_ns *ns, bool before, struct mnt_ns_info __user *to, size_t size)
{
	struct mount_ns *other;
	int ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	other = mount_ns_beside(ns, before);
	if (!other)
		return -ENOENT;
	ret = open_ns(other, to, size);
	mount_ns_put(other);
	return ret;
}

static long mount_ns_ioctl(struct ns_common *common, unsigned cmd, void __user *arg)
{
	struct mount_ns *ns = of_common(common);
	size_t size = _IOC_SIZE(cmd);

	switch (cmd) {
	case NS_GET_MNTNS_ID: return put_user(ns->id, (u64 __user *)arg);
	/* Process numbers are asked of another kind. */
	case NS_GET_PID_FROM_PIDNS:
	case NS_GET_TGID_FROM_PIDNS:
	case NS_GET_PID_IN_PIDNS:
	case NS_GET_TGID_IN_PIDNS: return -EINVAL;
	}
	/* These may grow: any size says which part of the answer is known to the caller. */
	switch (_IOC_NR(cmd)) {
	case _IOC_NR(NS_MNT_GET_INFO):
		if (!arg || size < MNT_NS_INFO_SIZE_VER0)
			return -EINVAL;
		return copy_info(ns, arg, size);
	case _IOC_NR(NS_MNT_GET_PREV):
	case _IOC_NR(NS_MNT_GET_NEXT):
		if (arg && size < MNT_NS_INFO_SIZE_VER0)
			return -EINVAL;
		return open_beside(ns, _IOC_NR(cmd) == _IOC_NR(NS_MNT_GET_PREV), arg, size);
	}
	return -ENOTTY;
}

const struct ns_kind mount_ns_kind = {
	.name = "mnt",
	.flag = CLONE_NEWNS,
	.free = free_ns,
	.enter = enter,
	.ioctl = mount_ns_ioctl,
};
