/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parting from what a thread shares.  unshare(2), and CLONE_NEWNS of clone(2).
 *
 * Of the namespaces there are mount namespaces; asking for others is EINVAL, as on a Linux built
 * without them.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/mount.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/sched.h>
#include <kernel/proc/process.h>
#include <security/cred.h>

#include "process_internal.h"

#define UNSHARE_KNOWN                                                                              \
	(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |        \
	 CLONE_NEWNS)

int fs_context_new_mounts(struct fs_context *fs)
{
	struct mount_ns *ns, *old;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = mount_ns_copy(fs->mnt_ns, NULL, fs, &ns);
	if (err)
		return err;
	{
		guard_spin(&fs->lock);
		old = fs->mnt_ns;
		fs->mnt_ns = ns;
	}
	mount_ns_put(old);
	return 0;
}

long sys_unshare(unsigned long flags)
{
	int err;

	if (flags & ~(unsigned long)UNSHARE_KNOWN)
		return -EINVAL;
	/* A thread cannot leave its process, nor an address space that others live in. */
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) &&
	    READ_ONCE(process_current()->nr_threads) > 1)
		return -EINVAL;
	if ((flags & CLONE_NEWNS) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = flags & (CLONE_FS | CLONE_NEWNS) ? fs_unshare() : 0;
	if (!err && (flags & CLONE_FILES))
		err = files_unshare();
	if (!err && (flags & CLONE_NEWNS))
		err = fs_context_new_mounts(thread_current()->fs);
	return err;
}
