/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * signalfd(2): signals as data to read.
 *
 * A read takes pending signals of the reading thread and its process, whoever made the descriptor,
 * so it should be of signals that are blocked.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/eventpoll.h>
#include <kernel/abi/poll.h>
#include <kernel/abi/signal.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/usercopy.h>

struct signalfd {
	u64 mask; /* [a] signals to read */
};

static void to_abi(struct signalfd_siginfo *out, const struct ksiginfo *info)
{
	memset(out, 0, sizeof(*out));
	out->ssi_signo = (u32)info->si_signo;
	out->ssi_errno = info->si_errno;
	out->ssi_code = info->si_code;
	if (info->si_code == SI_TIMER) {
		out->ssi_tid = (u32)info->si_tid;
		out->ssi_overrun = (u32)info->si_overrun;
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
		return;
	}
	if (KSIG_BIT(info->si_signo) & SIGSET_SYNC && info->si_code > 0) {
		out->ssi_addr = (u64)info->si_addr;
		return;
	}
	out->ssi_pid = (u32)info->si_pid;
	out->ssi_uid = info->si_uid;
	if (info->si_signo == SIGCHLD && info->si_code > 0) {
		out->ssi_status = info->si_status;
		out->ssi_utime = (u64)info->si_utime;
		out->ssi_stime = (u64)info->si_stime;
	} else if (info->si_code < 0) {
		out->ssi_ptr = (u64)info->si_ptr;
		out->ssi_int = info->si_int;
	}
}

static bool readable(const struct signalfd *s)
{
	const struct signal_state *st = thread_current()->sig;

	return (READ_ONCE(st->pending.set) | READ_ONCE(st->shared->pending.set)) &
	       READ_ONCE(s->mask);
}

static ssize_t signalfd_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct signalfd *s = file->private;
	struct wait_queue *wq = &thread_current()->sig->shared->signalfd;
	struct signalfd_siginfo out;
	struct ksiginfo info;
	ssize_t total = 0;

	if (iov_iter_count(to) < sizeof(out))
		return -EINVAL;
	while (iov_iter_count(to) >= sizeof(out)) {
		if (!signal_dequeue(READ_ONCE(s->mask), &info)) {
			if (total)
				break;
			if (file->flags & O_NONBLOCK)
				return -EAGAIN;
			int err = wait_event_interruptible(wq, readable(s));
			if (err)
				return err;
			continue;
		}
		job_control->signal_taken(&info);
		to_abi(&out, &info);
		if (copy_to_iter(&out, sizeof(out), to) != sizeof(out))
			return total ? total : -EFAULT;
		total += (ssize_t)sizeof(out);
	}
	return total;
}

static unsigned signalfd_poll(struct file *file, struct poll_table *pt)
{
	poll_wait(file, &thread_current()->sig->shared->signalfd, pt);
	return readable(file->private) ? POLLIN : 0;
}

static int signalfd_release(struct file *file)
{
	kfree(file->private);
	return 0;
}

static void signalfd_show(struct seq *out, struct file *file)
{
	struct signalfd *s = file->private;

	seq_printf(out, "sigmask:\t%016llx\n", READ_ONCE(s->mask));
}

static const struct file_ops signalfd_ops = {
	.read_iter = signalfd_read,
	.poll = signalfd_poll,
	.lseek = noop_lseek,
	.release = signalfd_release,
	.show_fdinfo = signalfd_show,
};

static long change(int ufd, u64 mask)
{
	struct fdref ref = fd_get(ufd);
	long ret = -EINVAL;

	if (!ref.file)
		return -EBADF;
	if (ref.file->ops == &signalfd_ops) {
		struct signalfd *s = ref.file->private;

		WRITE_ONCE(s->mask, mask);
		wake_up_all(&thread_current()->sig->shared->signalfd);
		ret = ufd;
	}
	fd_put(ref);
	return ret;
}

long sys_signalfd4(int ufd, const u64 __user *umask, size_t size, int flags)
{
	struct signalfd *s;
	struct file *file;
	u64 mask;
	int fd, err;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) || size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, umask))
		return -EFAULT;
	mask &= ~SIGSET_ALWAYS;
	if (ufd != -1)
		return change(ufd, mask);
	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->mask = mask;
	err = anon_file_create("[signalfd]", &signalfd_ops, s, O_RDWR | ((u32)flags & O_NONBLOCK),
			       &file);
	if (err) {
		kfree(s);
		return err;
	}
	fd = fd_alloc(file, (u32)flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_signalfd(int ufd, const u64 __user *mask, size_t size)
{
	return sys_signalfd4(ufd, mask, size, 0);
}
