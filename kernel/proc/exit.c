/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The end of threads and processes.  _exit(2), exit_group(2).
 *
 * A thread gives back what it holds, address space first, so that the memory of a large process is
 * free before anybody is told of its death.  Then, under tree_lock, it leaves the family.  The last
 * thread of a process turns it into a zombie:
 *
 *	children go to the nearest subreaper, or init;
 *	stopped groups that its death orphans get SIGHUP and SIGCONT;
 *	the parent is told, unless it does not want to know: then nobody waits and the process is
 * reaped on the spot.
 *
 * A leader that exits before the other threads stays in the list, dead, until the process is
 * reaped, because the process's id is its.
 */
#include <kernel/proc/process.h>

#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/prctl.h>
#include <kernel/abi/wait.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/ipc/futex.h>
#include <kernel/lib/minmax.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

/* Reaping. */

void process_reap_locked(struct process *p)
{
	struct thread *leader = p->leader;

	assert_held(&tree_lock);
	p->state = PROCESS_REAPED;
	list_remove(&p->sibling);
	list_remove_rcu(&p->all_link);
	list_remove(&p->group_link);
	list_remove(&p->session_link);
	pid_unuse(p->group);
	pid_unuse(p->session);
	list_remove_rcu(&task_of(leader)->link);
	rcu_assign_pointer(p->pid->thread, NULL);
	rcu_assign_pointer(p->pid->process, NULL);
	pid_unuse(p->pid);
	p->leader = NULL;
	wake_up_all(&p->pid->exited);
	/* The task keeps the process's memory until the thread's last reference goes. */
	thread_put(leader);
}

/* Telling the parent. */

static bool parent_ignores_children(struct process *parent, bool *silent)
{
	const struct abi_sigaction *a = &parent->sig.actions->action[SIGCHLD - 1];

	*silent = a->handler == (unsigned long)SIG_IGN;
	return *silent || (a->flags & SA_NOCLDWAIT);
}

void notify_parent(struct process *p, int why, int status)
{
	struct process *parent = p->parent;
	const struct cred *cred = cred_of(p->leader);
	struct ksiginfo info;
	u64 utime, stime;

	assert_held(&tree_lock);
	siginfo_user(&info, SIGCHLD, why, process_id(p), cred->uid);
	cred_put(cred);
	process_cputime(p, &utime, &stime);
	info.si_status = status;
	info.si_utime = (long)(utime / (1000000000 / 100));
	info.si_stime = (long)(stime / (1000000000 / 100));

	bool exited = why == CLD_EXITED || why == CLD_KILLED || why == CLD_DUMPED;
	if (exited)
		info.si_signo = p->exit_signal;
	bool no_stop = parent->sig.actions->action[SIGCHLD - 1].flags & SA_NOCLDSTOP;
	/* clone(2) takes any number, and sends what is a signal. */
	if (info.si_signo && info.si_signo <= KSIG_COUNT && (exited || !no_stop))
		signal_send_process(&parent->sig, &info);
	wake_up_all(&parent->child_wait);
}

/* The process is dead.  Returns true when nobody will wait for it. */
static bool notify_death(struct process *p)
{
	int status = p->exit_status;
	int why = !(status & 0x7f) ? CLD_EXITED : status & 0x80 ? CLD_DUMPED : CLD_KILLED;
	bool silent, unwanted = false;

	if (p->exit_signal == SIGCHLD)
		unwanted = parent_ignores_children(p->parent, &silent);
	notify_parent(p, why, why == CLD_EXITED ? (status >> 8) & 0xff : status & 0x7f);
	return unwanted;
}

/* Children of the dead. */

static struct process *find_reaper(struct process *p)
{
	if (p->has_subreaper) {
		for (struct process *q = p->parent; q && q != init_process; q = q->parent) {
			if (q->subreaper && q->state == PROCESS_ALIVE)
				return q;
			if (!q->has_subreaper)
				break;
		}
	}
	return init_process;
}

static void reparent(struct process *child, struct process *reaper)
{
	rcu_assign_pointer(child->parent, reaper);
	child->created_by = NULL;
	list_move_back(&reaper->children, &child->sibling);
	if (child->death_signal) {
		struct ksiginfo info;

		siginfo_kernel(&info, (int)child->death_signal);
		signal_send_process(&child->sig, &info);
	}
	child->exit_signal = SIGCHLD;
	if (child->state == PROCESS_ZOMBIE && notify_death(child))
		process_reap_locked(child);
}

/*
 * A stopped group that lost its last link to its session would never be continued: POSIX 3.2.2.2
 * ends that.
 */
static void orphaned_group_check(struct process *p, struct process *parent)
{
	struct process *ignore = p;

	if (!parent) {
		/* The dying process itself is the link between its parent and its group. */
		parent = p->parent;
	} else {
		ignore = NULL;
	}
	if (parent->group == p->group || parent->session != p->session)
		return;
	if (!group_is_orphaned(p->group, ignore) || !group_has_stopped(p->group))
		return;
	group_kill_locked(p->group, SIGHUP);
	group_kill_locked(p->group, SIGCONT);
}

static void orphan_children(struct process *p)
{
	struct process *child, *next, *reaper = find_reaper(p);

	list_for_each_safe (child, next, &p->children, sibling) {
		struct pid *group = child->group;
		bool ours = group != p->group && child->session == p->session;

		reparent(child, reaper);
		if (ours && group_is_orphaned(group, NULL) && group_has_stopped(group)) {
			group_kill_locked(group, SIGHUP);
			group_kill_locked(group, SIGCONT);
		}
	}
}

static void become_zombie(struct process *p)
{
	p->state = PROCESS_ZOMBIE;
	orphan_children(p);
	orphaned_group_check(p, NULL);
	wake_up_all(&p->pid->exited);
	if (notify_death(p))
		process_reap_locked(p);
}

/* One thread leaves. */

static void leave_family(int status, u64 maxrss)
{
	struct thread *t = thread_current();
	struct task *task = task_of(t);
	struct process *p = task->process;
	struct usage u;
	guard_spin_irq(&tree_lock);

	/* Within: nobody counts more of the living than will be counted of the dead. */
	seq_write_begin(&p->dead_seq);
	usage_of_thread(t, &u);
	u.maxrss = maxrss;
	usage_add(&p->dead, &u);
	WRITE_ONCE(task->counted, true);
	seq_write_end(&p->dead_seq);
	signal_thread_remove(&task->sig);
	WRITE_ONCE(p->nr_threads, p->nr_threads - 1);
	if (t != p->leader) {
		list_remove_rcu(&task->link);
		rcu_assign_pointer(task->pid->thread, NULL);
		pid_unuse(task->pid);
	}
	wake_up_all(&task->pid->exited);
	if (p->nr_threads) {
		/* exec may be waiting to be alone. */
		wake_up_all(&p->child_wait);
		return;
	}
	p->exit_status = p->sig.flags & SIGNAL_GROUP_EXIT ? p->sig.exit_code : status;
	become_zombie(p);
}

/* Nobody signals a thread that is past this point; what is pending for the process goes to another.
 */
static void stop_taking_signals(struct task *task)
{
	struct signal_shared *sh = task->sig.shared;
	guard_spin_irq(&sh->lock);

	task->sig.exiting = true;
	if (task->sig.stop_pending && sh->stop_count)
		sh->stop_count--;
	task->sig.stop_pending = false;
}

/* Returns the most memory that was resident (KiB), or 0 when the process lives on. */
static u64 release_address_space(struct thread *t, struct process *p, bool last)
{
	u64 pages = last ? max(READ_ONCE(t->mm->hiwater_rss), mm_rss_total(t->mm)) : 0;

	futex_exit(task_of(t));
	mm_switch_to(NULL);
	vfork_release(p);
	return pages * (PAGE_SIZE / 1024);
}

/* Out of others' sight before it is taken apart. */
static void let_go_of_files(struct thread *t)
{
	struct files *files = t->files;
	struct fs_context *fs = t->fs;

	WRITE_ONCE(t->files, NULL);
	files_put(files);
	WRITE_ONCE(t->fs, NULL);
	fs_put(fs);
}

_Noreturn void process_exit_thread(int status)
{
	struct thread *t = thread_current();
	struct task *task = task_of(t);
	struct process *p = task->process;

	/* Decided once: two threads may be here at the same time. */
	bool last = !atomic_dec_return(&p->live);
	if (last && p == init_process)
		panic("init exited with status 0x%x", status);
	stop_taking_signals(task);
	if (last)
		process_timers_exit(p);
	u64 maxrss = release_address_space(t, p, last);
	let_go_of_files(t);
	notify_work_run(true);
	if (p->session_leader && last)
		session_leader_exit(p);
	atomic_dec(&cred_current()->user->nr_processes);
	atomic_dec(&nr_threads_total);
	leave_family(status, maxrss);
	thread_exit();
}

_Noreturn void process_exit_group(int status)
{
	struct signal_shared *sh = &process_current()->sig;

	{
		guard_spin_irq(&sh->lock);
		if (sh->flags & SIGNAL_GROUP_EXIT)
			status = sh->exit_code;
		else
			signal_group_exit_locked(sh, thread_current()->sig, status);
	}
	process_exit_thread(status);
}

/* exec: the last thread standing. */

static bool alone(struct process *p)
{
	guard_spin_irq(&tree_lock);
	return p->nr_threads == 1;
}

/* We live on under the leader's number. */
static void become_leader(struct process *p)
{
	struct thread *t = thread_current(), *old;
	struct task *task = task_of(t), *old_task;
	struct pid *mine = task->pid;

	{
		guard_spin_irq(&tree_lock);
		old = p->leader;
		old_task = task_of(old);
		task->pid = p->pid;
		old_task->pid = mine;
		t->tid = p->pid->nr;
		list_remove_rcu(&old_task->link);
		rcu_assign_pointer(mine->thread, NULL);
		rcu_assign_pointer(p->pid->thread, t);
		wake_up_all(&mine->exited);
		pid_unuse(mine);
		p->leader = thread_get(t);
	}
	thread_put(old);
}

int process_become_single(void)
{
	struct process *p = process_current();
	struct signal_shared *sh = &p->sig;
	struct signal_state *us = thread_current()->sig, *st;

	if (READ_ONCE(p->nr_threads) == 1 && p->leader == thread_current())
		return 0;
	{
		guard_spin_irq(&sh->lock);
		if (sh->flags & (SIGNAL_GROUP_EXIT | SIGNAL_EXEC))
			return -EAGAIN;
		sh->flags |= SIGNAL_EXEC;
		sh->exec_by = us;
		list_for_each (st, &sh->threads, link) {
			if (st != us)
				signal_kill_thread_locked(st);
		}
	}
	int err = wait_event_killable(&p->child_wait, alone(p));
	if (!err && p->leader != thread_current())
		become_leader(p);
	guard_spin_irq(&sh->lock);
	sh->flags &= ~SIGNAL_EXEC;
	sh->exec_by = NULL;
	return err ? -EAGAIN : 0;
}

long sys_exit(int code)
{
	process_exit_thread((code & 0xff) << 8);
}

long sys_exit_group(int code)
{
	process_exit_group((code & 0xff) << 8);
}
