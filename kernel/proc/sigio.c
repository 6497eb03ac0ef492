/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals that files send: SIGIO and SIGURG to the owner set by F_SETOWN.  fcntl(2), "Managing
 * signals".
 */
#include <fs/locks.h>
#include <fs/vfs/file.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/poll.h>
#include <kernel/proc/process.h>
#include <security/cred.h>

#include "process_internal.h"

static void *owner_get(s32 nr)
{
	return pid_find_get((u32)nr);
}

static void owner_put(void *pid)
{
	pid_put(pid);
}

static s32 owner_nr(void *pid)
{
	return (s32)pid_nr(pid);
}

/* Could the one who set the owner signal `t`? */
static bool allowed(const struct file_owner *o, struct thread *t)
{
	const struct cred *c = cred_of(t);
	bool ok = !o->euid || o->euid == c->suid || o->euid == c->uid || o->uid == c->suid ||
		  o->uid == c->uid;

	cred_put(c);
	return ok;
}

static void send_one(const struct file_owner *o, struct process *p, struct thread *t,
		     const struct ksiginfo *info)
{
	if (!t || !allowed(o, t))
		return;
	if (o->pid_type == F_OWNER_TID)
		signal_send_thread(t->sig, info);
	else
		signal_send_process(&p->sig, info);
}

static void send(struct file_owner *o, const struct ksiginfo *info)
{
	struct pid *pid = o->pid;
	struct process *p;
	guard_spin_irq(&tree_lock);

	switch (o->pid_type) {
	case F_OWNER_TID:
		if (pid->thread)
			send_one(o, pid->thread->process, pid->thread, info);
		break;
	case F_OWNER_PID:
		if (pid->process)
			send_one(o, pid->process, pid->process->leader, info);
		break;
	default: list_for_each (p, &pid->group_members, group_link) send_one(o, p, p->leader, info);
	}
}

static void send_io(struct file_owner *o, int fd, unsigned band)
{
	struct ksiginfo info;

	if (!o->signum || o->signum == SIGIO) {
		siginfo_kernel(&info, SIGIO);
	} else {
		siginfo_kernel(&info, (int)o->signum);
		info.si_code = (int)band;
		info.si_fd = fd;
		info.si_band = band == POLL_IN    ? POLLIN | POLLRDNORM
			       : band == POLL_OUT ? POLLOUT | POLLWRNORM
						  : 0;
	}
	send(o, &info);
}

static void send_urg(struct file_owner *o)
{
	struct ksiginfo info;

	siginfo_kernel(&info, SIGURG);
	send(o, &info);
}

static const struct file_owner_ops ops = {
	.pid_get = owner_get,
	.pid_put = owner_put,
	.pid_nr = owner_nr,
	.send = send_io,
	.send_urg = send_urg,
};

static u32 our_id(void)
{
	return process_id(process_current());
}

void sigio_init(void)
{
	file_owner_set_ops(&ops);
	lock_set_owner_pid(our_id);
}
