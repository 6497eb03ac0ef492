/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pidfds: a descriptor that names one process, or with PIDFD_THREAD one thread, for ever, whatever
 * happens to its number.  It polls readable once that is dead, and hung up once it was waited for.
 * pidfd_open(2), pidfd_send_signal(2), pidfd_getfd(2).
 */
#include <kernel/proc/pidfd.h>

#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/pidfd.h>
#include <kernel/abi/poll.h>
#include <kernel/lib/seq.h>
#include <kernel/proc/process.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#define OPEN_FLAGS   (PIDFD_NONBLOCK | PIDFD_THREAD)
#define SIGNAL_FLAGS (PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP)

enum life { ALIVE, DEAD, GONE };

static enum life process_life(struct pid *pid)
{
	guard_rcu();
	struct process *p = rcu_dereference(pid->process);

	if (!p)
		return GONE;
	return READ_ONCE(p->state) == PROCESS_ALIVE ? ALIVE : DEAD;
}

static enum life thread_life(struct pid *pid)
{
	guard_rcu();
	struct thread *t = rcu_dereference(pid->thread);

	if (!t)
		return GONE;
	return READ_ONCE(t->sig->exiting) ? DEAD : ALIVE;
}

static unsigned pidfd_poll(struct file *file, struct poll_table *pt)
{
	static const unsigned events[] = {
		[DEAD] = POLLIN | POLLRDNORM,
		[GONE] = POLLIN | POLLRDNORM | POLLHUP,
	};
	struct pid *pid = file->private;

	poll_wait(file, &pid->exited, pt);
	/* A thread pidfd of a dead leader is hung up when the whole process was waited for. */
	return events[file->flags & PIDFD_THREAD ? thread_life(pid) : process_life(pid)];
}

static int pidfd_release(struct file *file)
{
	pid_put(file->private);
	return 0;
}

static void pidfd_show(struct seq *out, struct file *file)
{
	struct pid *pid = file->private;

	seq_printf(out, "Pid:\t%d\n",
		   READ_ONCE(pid->thread) || READ_ONCE(pid->process) ? (int)pid->nr : -1);
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
				   O_RDWR | (flags & OPEN_FLAGS), file);
	if (err) {
		pid_put(pid);
		fd_release(n);
		return err;
	}
	*fd = n;
	return 0;
}

struct pid *pidfd_pid(const struct file *file)
{
	return file->ops == &pidfd_ops ? file->private : NULL;
}

/* What `of` finds behind a descriptor, counted, and the flags it was opened with.  0 or -EBADF. */
static int pidfd_get(int fd, struct pid *(*of)(const struct file *), struct pid **out,
		     unsigned *flags)
{
	struct fdref ref = fd_get(fd);
	struct pid *pid = ref.file ? of(ref.file) : NULL;

	if (pid) {
		*out = pid_get(pid);
		*flags = ref.file->flags;
	}
	fd_put(ref);
	return pid ? 0 : -EBADF;
}

int pidfd_get_pid(int fd, struct pid **out)
{
	unsigned flags;

	return pidfd_get(fd, pidfd_pid, out, &flags);
}

/* 0, -ESRCH, or -EINVAL: a thread that is not its process's first. */
static int may_open(struct pid *pid, unsigned flags)
{
	if (READ_ONCE(pid->process))
		return 0;
	if (!READ_ONCE(pid->thread))
		return -ESRCH;
	return flags & PIDFD_THREAD ? 0 : -EINVAL;
}

long sys_pidfd_open(int nr, unsigned int flags)
{
	struct file *file;
	struct pid *pid;
	int fd, err;

	if ((flags & ~(unsigned)OPEN_FLAGS) || nr <= 0)
		return -EINVAL;
	pid = pid_find_get((u32)nr);
	if (!pid)
		return -ESRCH;
	err = may_open(pid, flags);
	if (!err)
		err = pidfd_create(pid, flags, &fd, &file);
	if (!err)
		fd_install(fd, file);
	pid_put(pid);
	return err ? err : fd;
}

/* The thread, or the process it belongs to. */
static int signal_pid(struct pid *pid, const struct ksiginfo *info, bool thread)
{
	guard_spin_irq(&tree_lock);
	struct thread *t = pid->thread;
	struct process *p = t ? t->process : pid->process;

	if (!p || p->state == PROCESS_REAPED)
		return -ESRCH;
	if (!may_signal(p, info->si_signo))
		return -EPERM;
	if (!info->si_signo || p->state != PROCESS_ALIVE)
		return 0;
	if (!thread)
		return signal_send_process(&p->sig, info);
	return t && !t->sig->exiting ? signal_send_thread(t->sig, info) : 0;
}

/* What the caller says of the signal.  `own`: it goes to nobody else. */
static int read_info(struct ksiginfo *info, int sig, const struct siginfo __user *uinfo, bool own)
{
	if (siginfo_from_user(info, uinfo))
		return -EFAULT;
	if (info->si_signo != sig)
		return -EINVAL;
	/* Nobody may pretend to be the kernel or kill(2) towards others. */
	return !own && (info->si_code >= 0 || info->si_code == SI_TKILL) ? -EPERM : 0;
}

static int send_to_scope(struct pid *pid, int sig, const struct siginfo __user *uinfo,
			 unsigned scope)
{
	bool thread = scope == PIDFD_SIGNAL_THREAD, group = scope == PIDFD_SIGNAL_PROCESS_GROUP;
	struct ksiginfo info;

	if (uinfo) {
		int err = read_info(&info, sig, uinfo, pid == task_current()->pid && !group);

		if (err)
			return err;
	} else {
		siginfo_user(&info, sig, thread ? SI_TKILL : SI_USER,
			     process_id(process_current()), cred_current()->uid);
	}
	if (group)
		return signal_send_group(pid, &info, true);
	return signal_pid(pid, &info, thread);
}

/* Before there were pidfds, their place was taken by directories of /proc. */
static struct pid *target_of(const struct file *file)
{
	return pidfd_pid(file) ?: procfs_dir_pid(file);
}

long sys_pidfd_send_signal(int pidfd, int sig, const struct siginfo __user *uinfo,
			   unsigned int flags)
{
	unsigned opened;
	struct pid *pid;
	int err;

	if ((flags & ~(unsigned)SIGNAL_FLAGS) || (flags & (flags - 1)))
		return -EINVAL;
	err = pidfd_get(pidfd, target_of, &pid, &opened);
	if (err)
		return err;
	if (!flags)
		flags = opened & PIDFD_THREAD ? PIDFD_SIGNAL_THREAD : PIDFD_SIGNAL_THREAD_GROUP;
	err = sig < 0 || sig > KSIG_COUNT ? -EINVAL : send_to_scope(pid, sig, uinfo, flags);
	pid_put(pid);
	return err;
}

static int file_of_process(struct pid *pid, int fd, struct file **out)
{
	struct process *p = pid_process_get(pid);
	struct files *files;
	struct thread *t;
	int err = process_look_into(p, &t);

	process_put(p);
	if (err)
		return err;
	files = files_grab(t);
	thread_put(t);
	/* One that has let go of its files is as good as gone. */
	if (!files)
		return -ESRCH;
	*out = files_get_file(files, fd);
	files_put(files);
	return *out ? 0 : -EBADF;
}

long sys_pidfd_getfd(int pidfd, int fd, unsigned int flags)
{
	struct file *file = NULL;
	struct pid *pid;
	int err;

	if (flags)
		return -EINVAL;
	err = pidfd_get_pid(pidfd, &pid);
	if (err)
		return err;
	err = file_of_process(pid, fd, &file);
	pid_put(pid);
	if (err)
		return err;
	err = fd_alloc(file, O_CLOEXEC);
	if (err < 0)
		file_put(file);
	return err;
}
