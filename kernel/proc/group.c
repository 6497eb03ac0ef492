/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Process groups and sessions, and the signals sent to them.  setpgid(2), setsid(2), kill(2),
 * credentials(7).
 *
 * A group or session is the list of its members on the struct pid that names it.  A group is
 * orphaned when no member has a parent in another group of the same session: nobody could continue
 * it, so job control must not stop it.
 */
#include <kernel/proc/process.h>

#include <fs/tty/session.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/pid/jobs.h>
#include <security/cred.h>

#include "process_internal.h"

#define for_each_member(p, group) list_for_each (p, &(group)->group_members, group_link)

bool group_is_orphaned(struct pid *group, struct process *ignore)
{
	struct process *p;

	for_each_member(p, group)
	{
		if (p == ignore || p->state != PROCESS_ALIVE || p->parent == init_process)
			continue;
		if (p->parent->group != group && p->parent->session == p->session)
			return false;
	}
	return true;
}

bool group_has_stopped(struct pid *group)
{
	struct process *p;

	for_each_member(p, group)
	{
		if (p->sig.flags & SIGNAL_STOPPED)
			return true;
	}
	return false;
}

void group_kill_locked(struct pid *group, int signo)
{
	struct ksiginfo info;
	struct process *p;

	siginfo_kernel(&info, signo);
	for_each_member(p, group) signal_send_process(&p->sig, &info);
}

int group_kill(struct pid *group, int signo)
{
	guard_spin_irq(&tree_lock);
	if (list_empty(&group->group_members))
		return -ESRCH;
	group_kill_locked(group, signo);
	return 0;
}

bool may_signal(struct process *p, int signo)
{
	const struct cred *us = cred_current(), *them;
	bool ok;

	if (p == process_current() || capable(CAP_KILL))
		return true;
	them = process_cred(p);
	if (!them)
		return false;
	ok = us->euid == them->suid || us->euid == them->uid || us->uid == them->suid ||
	     us->uid == them->uid;
	cred_put(them);
	/* Within a session SIGCONT is always allowed. */
	return ok || (signo == SIGCONT && p->session == process_current()->session);
}

/* Success if one member was reached; else the error of the last. */
int signal_send_group(struct pid *group, const struct ksiginfo *info, bool check)
{
	int err = -ESRCH;
	bool sent = false;
	struct process *p;
	guard_spin_irq(&tree_lock);

	for_each_member(p, group)
	{
		if (check && !may_signal(p, info->si_signo)) {
			err = -EPERM;
			continue;
		}
		if (info->si_signo)
			signal_send_process(&p->sig, info);
		sent = true;
	}
	return sent ? 0 : err;
}

/* Groups and sessions: the calls. */

/* The process `nr` names, 0 for ourselves.  Locks: tree_lock held. */
static struct process *find_locked(u32 nr)
{
	struct pid *pid;

	if (!nr)
		return process_current();
	pid = pid_find(nr);
	return pid ? pid->process : NULL;
}

static void move_to_group(struct process *p, struct pid *group)
{
	struct pid *old = p->group;

	pid_use(group);
	list_remove(&p->group_link);
	list_push_back(&group->group_members, &p->group_link);
	rcu_assign_pointer(p->group, pid_get(group));
	pid_unuse(old);
	pid_put(old);
}

static int setpgid_locked(struct process *us, struct process *p, u32 pgid)
{
	struct pid *group;

	if (!p)
		return -ESRCH;
	if (p->parent == us) {
		if (p->session != us->session)
			return -EPERM;
		if (READ_ONCE(p->did_exec))
			return -EACCES;
	} else if (p != us) {
		return -ESRCH;
	}
	if (p->session_leader)
		return -EPERM;
	group = !pgid || pgid == process_id(p) ? p->pid : pid_find(pgid);
	if (!group)
		return -EPERM;
	if (group != p->pid) {
		/* Joining: the group must have a member in our session. */
		if (list_empty(&group->group_members) ||
		    list_first(&group->group_members, struct process, group_link)->session !=
			    us->session)
			return -EPERM;
	}
	if (group != p->group)
		move_to_group(p, group);
	return 0;
}

long sys_setpgid(int pid, int pgid)
{
	if (pgid < 0 || (!pgid && pid < 0))
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	guard_spin_irq(&tree_lock);
	return setpgid_locked(process_current(), find_locked((u32)pid), (u32)pgid);
}

long sys_getpgid(int pid)
{
	if (pid < 0)
		return -ESRCH;
	guard_spin_irq(&tree_lock);
	struct process *p = find_locked((u32)pid);

	return p ? (long)p->group->nr : -ESRCH;
}

long sys_getpgrp(void)
{
	guard_rcu();
	return rcu_dereference(process_current()->group)->nr;
}

long sys_getsid(int pid)
{
	if (pid < 0)
		return -ESRCH;
	guard_spin_irq(&tree_lock);
	struct process *p = find_locked((u32)pid);

	return p ? (long)p->session->nr : -ESRCH;
}

long sys_setsid(void)
{
	struct process *p = process_current();
	guard_spin_irq(&tree_lock);

	/*
	 * Leading a group, even one whose leader moved away: a new session of that number would mix
	 * with it.
	 */
	if (p->session_leader || !list_empty(&p->pid->group_members))
		return -EPERM;
	move_to_group(p, p->pid);
	struct pid *old = p->session;

	pid_use(p->pid);
	list_remove(&p->session_link);
	list_push_back(&p->pid->session_members, &p->session_link);
	rcu_assign_pointer(p->session, pid_get(p->pid));
	pid_unuse(old);
	pid_put(old);
	p->session_leader = true;
	p->tty = NULL;
	return process_id(p);
}

/* What terminals ask. */

static u32 our_process_id(void)
{
	return process_id(process_current());
}

static struct pid *our_group(void)
{
	guard_spin_irq(&tree_lock);
	return pid_get(process_current()->group);
}

static struct pid *our_session(void)
{
	guard_spin_irq(&tree_lock);
	return pid_get(process_current()->session);
}

static bool leads_session(void)
{
	return READ_ONCE(process_current()->session_leader);
}

static struct tty *our_tty(void)
{
	return READ_ONCE(process_current()->tty);
}

static void set_our_tty(struct tty *tty)
{
	guard_spin_irq(&tree_lock);
	WRITE_ONCE(process_current()->tty, tty);
}

static void drop_tty(struct pid *session, struct tty *tty)
{
	struct process *p;
	guard_spin_irq(&tree_lock);

	list_for_each (p, &session->session_members, session_link) {
		if (p->tty == tty)
			WRITE_ONCE(p->tty, NULL);
	}
}

static void kill_session_leader(struct pid *session, int signo)
{
	struct ksiginfo info;
	guard_spin_irq(&tree_lock);
	struct process *p = session->process;

	siginfo_kernel(&info, signo);
	if (p && p->session == session)
		signal_send_process(&p->sig, &info);
}

static bool our_group_orphaned(void)
{
	guard_spin_irq(&tree_lock);
	return group_is_orphaned(process_current()->group, NULL);
}

static bool signal_ignored(int signo)
{
	struct signal_state *st = thread_current()->sig;

	return (st->blocked & KSIG_BIT(signo)) ||
	       READ_ONCE(st->shared->actions->action[signo - 1].handler) == (unsigned long)SIG_IGN;
}

static bool group_in_session(struct pid *group, struct pid *session)
{
	guard_spin_irq(&tree_lock);
	return !list_empty(&group->group_members) &&
	       list_first(&group->group_members, struct process, group_link)->session == session;
}

static const struct job_control jobs = {
	.process_id = our_process_id,
	.group = our_group,
	.session = our_session,
	.leads_session = leads_session,
	.tty = our_tty,
	.set_tty = set_our_tty,
	.drop_tty = drop_tty,
	.kill_group = group_kill,
	.kill_session_leader = kill_session_leader,
	.group_orphaned = our_group_orphaned,
	.signal_ignored = signal_ignored,
	.signal_taken = process_timer_delivered,
	.group_in_session = group_in_session,
};

void jobs_init(void)
{
	job_control = &jobs;
}

void session_leader_exit(struct process *p)
{
	if (READ_ONCE(p->tty))
		tty_session_leader_exit();
}
