/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfds: a descriptor that names one process for ever, whatever happens to its number.  It polls
 * readable once the process is a zombie or gone.  pidfd_open(2), pidfd_send_signal(2),
 * pidfd_getfd(2).
 */
#include <kernel/proc/pidfd.h>

#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/poll.h>
#include <kernel/lib/seq.h>
#include <kernel/proc/process.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#define PIDFD_FLAG_NONBLOCK O_NONBLOCK

static bool process_is_dead(struct pid *pid)
{
	guard_rcu();
	struct process *p = rcu_dereference(pid->process);

	return !p || READ_ONCE(p->state) != PROCESS_ALIVE;
}

static unsigned pidfd_poll(struct file *file, struct poll_table *pt)
{
	struct pid *pid = file->private;

	poll_wait(file, &pid->exited, pt);
	return process_is_dead(pid) ? POLLIN | POLLRDNORM : 0;
}

static int pidfd_release(struct file *file)
{
	pid_put(file->private);
	return 0;
}

static void pidfd_show(struct seq *out, struct file *file)
{
	struct pid *pid = file->private;

	seq_printf(out, "Pid:\t%d\n", process_is_dead(pid) && !pid->process ? -1 : (int)pid->nr);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.release = pidfd_release,
	.show_fdinfo = pidfd_show,
};

int pidfd_create(struct pid *pid, unsigned flags, int *fd, struct file **file)
{
	int n = fd_reserve(O_CLOEXEC);

	if (n < 0)
		return n;
	int err = anon_file_create("[pidfd]", &pidfd_ops, pid_get(pid),
				   O_RDWR | (flags & PIDFD_FLAG_NONBLOCK), file);
	if (err) {
		pid_put(pid);
		fd_release(n);
		return err;
	}
	*fd = n;
	return 0;
}

int pidfd_get_pid(int fd, struct pid **out)
{
	struct fdref ref = fd_get(fd);
	int err = -EBADF;

	if (!ref.file)
		return -EBADF;
	if (ref.file->ops == &pidfd_ops) {
		*out = pid_get(ref.file->private);
		err = 0;
	}
	fd_put(ref);
	return err;
}

long sys_pidfd_open(int nr, unsigned int flags)
{
	struct file *file;
	struct pid *pid;
	int fd, err;

	if ((flags & ~(unsigned)PIDFD_FLAG_NONBLOCK) || nr <= 0)
		return -EINVAL;
	pid = pid_find_get((u32)nr);
	if (!pid)
		return -ESRCH;
	err = -EINVAL;
	if (READ_ONCE(pid->process)) {
		err = pidfd_create(pid, flags, &fd, &file);
		if (!err)
			fd_install(fd, file);
	} else if (!READ_ONCE(pid->thread)) {
		err = -ESRCH;
	}
	pid_put(pid);
	return err ? err : fd;
}

static int signal_pid(struct pid *pid, const struct ksiginfo *info)
{
	guard_spin_irq(&tree_lock);
	struct process *p = pid->process;

	if (!p || p->state == PROCESS_REAPED)
		return -ESRCH;
	if (!may_signal(p, info->si_signo))
		return -EPERM;
	if (info->si_signo && p->state == PROCESS_ALIVE)
		return signal_send_process(&p->sig, info);
	return 0;
}

long sys_pidfd_send_signal(int pidfd, int sig, const struct siginfo __user *uinfo,
			   unsigned int flags)
{
	struct ksiginfo info;
	struct pid *pid;
	int err;

	if (flags || sig < 0 || sig > KSIG_COUNT)
		return -EINVAL;
	err = pidfd_get_pid(pidfd, &pid);
	if (err)
		return err;
	if (!uinfo) {
		siginfo_user(&info, sig, SI_USER, process_id(process_current()),
			     cred_current()->uid);
	} else if (siginfo_from_user(&info, uinfo)) {
		err = -EFAULT;
	} else if (info.si_signo != sig) {
		err = -EINVAL;
	} else if (pid != process_current()->pid &&
		   (info.si_code >= 0 || info.si_code == SI_TKILL)) {
		err = -EPERM;
	}
	if (!err)
		err = signal_pid(pid, &info);
	pid_put(pid);
	return err;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	struct process *p;
	struct file *file = NULL;
	struct pid *pid;
	int err;

	if (flags)
		return -EINVAL;
	err = pidfd_get_pid(pidfd, &pid);
	if (err)
		return err;
	p = process_find_get(pid->nr);
	err = -ESRCH;
	if (p && p->pid == pid) {
		err = may_access(p) ? -EBADF : -EPERM;
		guard_spin_irq(&tree_lock);
		struct files *files = p->leader ? p->leader->files : NULL;
		/* One that has let go of its files is as good as gone. */
		if (err == -EBADF && files)
			file = files_get_file(files, fd);
		else if (err == -EBADF)
			err = -ESRCH;
	}
	process_put(p);
	pid_put(pid);
	if (!file)
		return err;
	err = fd_alloc(file, O_CLOEXEC);
	if (err < 0)
		file_put(file);
	return err;
}
