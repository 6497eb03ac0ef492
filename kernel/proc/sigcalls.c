/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The system calls on signals: actions, masks, sending, waiting. */
#include <kernel/proc/process.h>

#include <arch/signal.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

long sys_rt_sigaction(int sig, const struct abi_sigaction __user *act,
		      struct abi_sigaction __user *oact, size_t size)
{
	struct abi_sigaction new, old;

	if (size != sizeof(ksigset_t))
		return -EINVAL;
	if (act && copy_from_user(&new, act, sizeof(new)))
		return -EFAULT;
	int err = signal_set_action(sig, act ? &new : NULL, &old);
	if (err)
		return err;
	return oact ? copy_to_user(oact, &old, sizeof(old)) : 0;
}

static int read_sigset(ksigset_t *set, const u64 __user *from, size_t size)
{
	return size == sizeof(*set) ? copy_from_user(set, from, sizeof(*set)) : -EINVAL;
}

long sys_rt_sigprocmask(int how, const u64 __user *set, u64 __user *oset, size_t size)
{
	ksigset_t old = thread_current()->sig->blocked, new;

	if (size != sizeof(new))
		return -EINVAL;
	if (set) {
		if (get_user(new, set))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK: new |= old; break;
		case SIG_UNBLOCK: new = old & ~new; break;
		case SIG_SETMASK: break;
		default: return -EINVAL;
		}
		signal_set_blocked(new);
	}
	return oset ? put_user(old, oset) : 0;
}

long sys_rt_sigpending(u64 __user *set, size_t size)
{
	struct signal_state *st = thread_current()->sig;
	ksigset_t pending;

	if (size > sizeof(pending))
		return -EINVAL;
	{
		guard_spin_irq(&st->shared->lock);
		pending = (st->pending.set | st->shared->pending.set) & st->blocked;
	}
	return copy_to_user(set, &pending, size);
}

long sys_rt_sigsuspend(const u64 __user *set, size_t size)
{
	ksigset_t mask;
	int err = read_sigset(&mask, set, size);

	if (err)
		return err;
	signal_set_blocked_until_return(mask);
	while (!signal_pending(thread_current())) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		if (signal_pending(thread_current()))
			break;
		schedule();
	}
	thread_set_state(THREAD_RUNNING);
	return -ERESTARTNOHAND;
}

long sys_pause(void)
{
	while (!signal_pending(thread_current())) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		if (signal_pending(thread_current()))
			break;
		schedule();
	}
	thread_set_state(THREAD_RUNNING);
	return -ERESTARTNOHAND;
}

/*
 * Sleep until one of `these` is there, any other signal comes, or the deadline.  Returns the number
 * or 0.
 */
static int wait_for_signal(ksigset_t these, u64 deadline, struct ksiginfo *info)
{
	struct signal_state *st = thread_current()->sig;
	struct signal_shared *sh = st->shared;
	ksigset_t blocked = st->blocked;
	int signo;

	{
		/*
		 * Unblocked for the wait, so that arrivals wake us; `waited` keeps them from being
		 * delivered as a handler's.
		 */
		guard_spin_irq(&sh->lock);
		signo = signal_dequeue_locked(st, these, info);
		if (signo)
			return signo;
		st->waited = these & blocked;
		st->blocked &= ~these;
		signal_recalc_locked(st);
		thread_set_state(THREAD_INTERRUPTIBLE);
	}
	if (!signal_pending(thread_current()) && deadline)
		schedule_timeout(deadline);
	thread_set_state(THREAD_RUNNING);
	guard_spin_irq(&sh->lock);
	st->blocked = blocked;
	st->waited = 0;
	signo = signal_dequeue_locked(st, these, info);
	signal_recalc_locked(st);
	return signo;
}

long sys_rt_sigtimedwait(const u64 __user *uthese, struct siginfo __user *uinfo,
			 const struct __kernel_timespec __user *uts, size_t size)
{
	struct __kernel_timespec ts;
	struct ksiginfo info;
	u64 wait, deadline = KTIME_MAX;
	ksigset_t these;
	int err = read_sigset(&these, uthese, size);

	if (err)
		return err;
	if (uts) {
		if (copy_from_user(&ts, uts, sizeof(ts)))
			return -EFAULT;
		err = timespec_to_ns(&ts, &wait);
		if (err)
			return err;
		deadline = wait ? clock_deadline(wait) : 0;
	}
	int signo = wait_for_signal(these & ~SIGSET_ALWAYS, deadline, &info);
	if (!signo)
		return signal_pending(thread_current()) ? -EINTR : -EAGAIN;
	process_timer_delivered(&info);
	if (uinfo && siginfo_to_user(uinfo, &info))
		return -EFAULT;
	return signo;
}

/* Sending. */

static void info_from_us(struct ksiginfo *info, int sig, int code)
{
	siginfo_user(info, sig, code, process_id(process_current()), cred_current()->uid);
}

static int send_to_process(u32 nr, const struct ksiginfo *info)
{
	struct process *p = process_find_get(nr);
	int err = 0;

	if (!p)
		return -ESRCH;
	{
		guard_spin_irq(&tree_lock);
		if (p->state == PROCESS_REAPED)
			err = -ESRCH;
		else if (!may_signal(p, info->si_signo))
			err = -EPERM;
		else if (info->si_signo && p->state == PROCESS_ALIVE)
			err = signal_send_process(&p->sig, info);
	}
	process_put(p);
	return err;
}

/* kill(-1): everybody but init and ourselves. */
static int send_to_all(const struct ksiginfo *info)
{
	struct process *p, *us = process_current();
	int err = -ESRCH;
	bool sent = false;
	guard_spin_irq(&tree_lock);

	list_for_each (p, &all_processes, all_link) {
		if (p == init_process || p == us || p->state != PROCESS_ALIVE)
			continue;
		if (!may_signal(p, info->si_signo)) {
			err = -EPERM;
			continue;
		}
		if (info->si_signo)
			signal_send_process(&p->sig, info);
		sent = true;
	}
	return sent ? 0 : err;
}

static int send_to_group(u32 nr, const struct ksiginfo *info)
{
	struct pid *group = nr ? pid_find_get(nr) : job_control->group();
	int err;

	if (!group)
		return -ESRCH;
	err = signal_send_group(group, info, true);
	pid_put(group);
	return err;
}

long sys_kill(int pid, int sig)
{
	struct ksiginfo info;

	if (sig < 0 || sig > KSIG_COUNT)
		return -EINVAL;
	info_from_us(&info, sig, SI_USER);
	if (pid > 0)
		return send_to_process((u32)pid, &info);
	if (pid == -1)
		return send_to_all(&info);
	if (pid == INT_MIN)
		return -ESRCH;
	return send_to_group((u32)-pid, &info);
}

static int send_to_thread(int tgid, int tid, const struct ksiginfo *info)
{
	struct thread *t;
	int err = 0;

	if (tid <= 0 || (tgid != -1 && tgid <= 0))
		return -EINVAL;
	t = pid_thread_get((u32)tid);
	if (!t)
		return -ESRCH;
	{
		guard_spin_irq(&tree_lock);
		struct process *p = t->process;

		if (tgid != -1 && process_id(p) != (u32)tgid)
			err = -ESRCH;
		else if (!may_signal(p, info->si_signo))
			err = -EPERM;
		else if (info->si_signo && !t->sig->exiting)
			err = signal_send_thread(t->sig, info);
	}
	thread_put(t);
	return err;
}

long sys_tgkill(int tgid, int pid, int sig)
{
	struct ksiginfo info;

	if (tgid <= 0 || sig < 0 || sig > KSIG_COUNT)
		return -EINVAL;
	info_from_us(&info, sig, SI_TKILL);
	return send_to_thread(tgid, pid, &info);
}

long sys_tkill(int pid, int sig)
{
	struct ksiginfo info;

	if (sig < 0 || sig > KSIG_COUNT)
		return -EINVAL;
	info_from_us(&info, sig, SI_TKILL);
	return send_to_thread(-1, pid, &info);
}

/* A program may not pretend to be the kernel or kill(), except to itself. */
static int read_queue_info(struct ksiginfo *info, int sig, const struct siginfo __user *uinfo,
			   u32 target)
{
	if (sig < 0 || sig > KSIG_COUNT)
		return -EINVAL;
	if (siginfo_from_user(info, uinfo))
		return -EFAULT;
	info->si_signo = sig;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
	    target != process_id(process_current()))
		return -EPERM;
	return 0;
}

long sys_rt_sigqueueinfo(int pid, int sig, const struct siginfo __user *uinfo)
{
	struct ksiginfo info;
	int err = read_queue_info(&info, sig, uinfo, (u32)pid);

	if (err)
		return err;
	return pid > 0 ? send_to_process((u32)pid, &info) : -ESRCH;
}

long sys_rt_tgsigqueueinfo(int tgid, int pid, int sig, const struct siginfo __user *uinfo)
{
	struct ksiginfo info;
	int err;

	if (tgid <= 0 || pid <= 0)
		return -EINVAL;
	err = read_queue_info(&info, sig, uinfo, (u32)tgid);
	return err ? err : send_to_thread(tgid, pid, &info);
}

long sys_restart_syscall(void)
{
	struct thread *t = thread_current();
	long (*fn)(struct thread *) = t->restart.fn;

	t->restart.fn = NULL;
	return fn ? fn(t) : -EINTR;
}
