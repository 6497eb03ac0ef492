/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parting from what a thread shares, and coming to share it.  unshare(2), CLONE_NEWNS of clone(2),
 * setns(2).
 *
 * Of the namespaces there are mount namespaces; asking for others is EINVAL, as on a Linux built
 * without them.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/nsfs.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/sched.h>
#include <kernel/proc/pidfd.h>
#include <kernel/proc/process.h>
#include <security/cred.h>

#include "process_internal.h"

#define UNSHARE_KNOWN                                                                              \
	(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM |        \
	 CLONE_NEWNS)

int fs_context_new_mounts(struct fs_context *fs)
{
	struct mount_ns *ns;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = mount_ns_copy(fs->mnt_ns, NULL, fs, &ns);
	if (!err)
		fs_set_mount_ns(fs, ns);
	return err;
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

/* The namespaces of the process of a pidfd: there is one kind. */
static int enter_those_of(struct pid *pid)
{
	struct process *p = pid_process_get(pid);
	struct ns_common *common;
	struct mount_ns *ns;
	struct thread *t;
	int err = process_look_into(p, &t);

	process_put(p);
	if (err)
		return err;
	err = fs_look(t, NULL, NULL, &ns);
	thread_put(t);
	if (err)
		return -ESRCH;
	common = mount_ns_common(ns);
	err = common->kind->enter(common);
	mount_ns_put(ns);
	return err;
}

long sys_setns(int fd, int nstype)
{
	struct file *file = fd_file(fd);
	struct ns_common *ns;
	struct pid *pid;
	int err = -EINVAL;

	if (!file)
		return -EBADF;
	ns = ns_of_file(file);
	pid = pidfd_pid(file);
	if (ns && (!nstype || (u32)nstype == ns->kind->flag))
		err = ns->kind->enter(ns);
	else if (pid && nstype == CLONE_NEWNS)
		err = enter_those_of(pid);
	file_put(file);
	return err;
}

/* For pivot_root(2), which moves everybody who stands on the old root. */
static void for_each_context(void (*fn)(struct fs_context *fs, void *arg), void *arg)
{
	struct process *p;
	struct task *task;
	guard_rcu();

	list_for_each_rcu(p, &all_processes, all_link)
	{
		list_for_each_rcu(task, &p->threads, link)
		{
			struct fs_context *fs = READ_ONCE(task->thread->fs);

			if (fs)
				fn(fs, arg);
		}
	}
	fn(init_fs, arg);
}

void unshare_init(void)
{
	fs_context_set_walker(for_each_context);
}
