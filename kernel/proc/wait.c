/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting for children.  wait4(2), waitid(2).
 *
 * A waiter scans its children under tree_lock; what it finds is copied into a report, the state
 * consumed (unless WNOWAIT) and only then, with the lock released, written to user memory.  All
 * threads of a process wait for all its children, unless __WNOTHREAD asks for those of the thread
 * alone.
 */
#include <kernel/proc/process.h>

#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/wait.h>
#include <kernel/pid/jobs.h>
#include <kernel/proc/pidfd.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

enum wait_for { WAIT_ANY, WAIT_PID, WAIT_GROUP };

struct wait_request {
	enum wait_for what;
	struct pid *pid; /* counted, for WAIT_PID and WAIT_GROUP */
	int options;
};

/* What was found. */
struct wait_report {
	u32 pid, uid;
	int why;    /* CLD_* */
	int status; /* exit code or signal: si_status */
	int raw;    /* as wait4 reports it */
	struct usage usage;
};

static bool eligible(const struct wait_request *w, const struct process *p)
{
	if (w->what == WAIT_PID && p->pid != w->pid)
		return false;
	if (w->what == WAIT_GROUP && p->group != w->pid)
		return false;
	if ((w->options & __WNOTHREAD) && p->created_by != thread_current())
		return false;
	/* A clone child is one that does not send SIGCHLD. */
	bool clone = p->exit_signal != SIGCHLD;
	return (w->options & __WALL) || clone == !!(w->options & __WCLONE);
}

static void report_init(struct wait_report *r, struct process *p, int why, int status)
{
	const struct cred *cred = cred_of(p->leader);

	r->pid = process_id(p);
	r->uid = cred->uid;
	r->why = why;
	r->status = status;
	cred_put(cred);
	process_usage(p, &r->usage);
	usage_add(&r->usage, &p->children_usage);
}

static bool take_zombie(const struct wait_request *w, struct process *p, struct wait_report *r)
{
	int s = p->exit_status;

	if (p->state != PROCESS_ZOMBIE || !(w->options & WEXITED))
		return false;
	if (s & 0x7f)
		report_init(r, p, s & 0x80 ? CLD_DUMPED : CLD_KILLED, s & 0x7f);
	else
		report_init(r, p, CLD_EXITED, (s >> 8) & 0xff);
	r->raw = s;
	if (w->options & WNOWAIT)
		return true;
	usage_add(&process_current()->children_usage, &r->usage);
	process_reap_locked(p);
	return true;
}

static bool take_stopped(const struct wait_request *w, struct process *p, struct wait_report *r)
{
	guard_spin(&p->sig.lock);

	if (!(w->options & WSTOPPED) || !(p->sig.flags & SIGNAL_STOPPED) || p->reported_stop)
		return false;
	report_init(r, p, CLD_STOPPED, p->sig.stop_signal);
	r->raw = p->sig.stop_signal << 8 | 0x7f;
	if (!(w->options & WNOWAIT))
		p->reported_stop = true;
	return true;
}

static bool take_continued(const struct wait_request *w, struct process *p, struct wait_report *r)
{
	guard_spin(&p->sig.lock);

	if (!(w->options & WCONTINUED) || !(p->sig.flags & SIGNAL_CONTINUED))
		return false;
	report_init(r, p, CLD_CONTINUED, SIGCONT);
	r->raw = 0xffff;
	if (!(w->options & WNOWAIT))
		p->sig.flags &= ~SIGNAL_CONTINUED;
	return true;
}

/* One look at all children.  Returns 1 with a report, 0 to wait, -ECHILD. */
static int wait_scan(const struct wait_request *w, struct wait_report *r)
{
	struct process *us = process_current(), *p;
	bool any = false;
	guard_spin_irq(&tree_lock);

	list_for_each (p, &us->children, sibling) {
		if (!eligible(w, p))
			continue;
		any = true;
		if (take_zombie(w, p, r))
			return 1;
		if (p->state == PROCESS_ALIVE && (take_stopped(w, p, r) || take_continued(w, p, r)))
			return 1;
	}
	return any ? 0 : -ECHILD;
}

/* Returns 1 with a report, 0 (WNOHANG, nothing), or a negative errno. */
static int do_wait(const struct wait_request *w, struct wait_report *r)
{
	struct process *us = process_current();
	int found = wait_scan(w, r);

	if (found || (w->options & WNOHANG))
		return found;
	int err = wait_event_interruptible(&us->child_wait, (found = wait_scan(w, r)) != 0);
	return err ? err : found;
}

static int report_usage(const struct wait_report *r, struct rusage __user *ru)
{
	struct rusage out;

	if (!ru)
		return 0;
	usage_to_rusage(&r->usage, &out);
	return copy_to_user(ru, &out, sizeof(out));
}

long sys_wait4(int pid, int __user *status, int options, struct rusage __user *ru)
{
	struct wait_request w = {.options = options | WEXITED};
	struct wait_report r;
	int found;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid != -1) {
		w.what = pid > 0 ? WAIT_PID : WAIT_GROUP;
		w.pid = pid ? pid_find_get((u32)(pid > 0 ? pid : -pid)) : job_control->group();
		if (!w.pid)
			return -ECHILD;
	}
	found = do_wait(&w, &r);
	pid_put(w.pid);
	if (found <= 0)
		return found;
	if (status && put_user(r.raw, status))
		return -EFAULT;
	int err = report_usage(&r, ru);
	return err ? err : (long)r.pid;
}

static int waitid_target(int which, int upid, struct wait_request *w)
{
	switch (which) {
	case P_ALL: return 0;
	case P_PID:
		if (upid <= 0)
			return -EINVAL;
		w->what = WAIT_PID;
		w->pid = pid_find_get((u32)upid);
		return w->pid ? 0 : -ECHILD;
	case P_PGID:
		if (upid < 0)
			return -EINVAL;
		w->what = WAIT_GROUP;
		w->pid = upid ? pid_find_get((u32)upid) : job_control->group();
		return w->pid ? 0 : -ECHILD;
	case P_PIDFD: w->what = WAIT_PID; return pidfd_get_pid(upid, &w->pid);
	default: return -EINVAL;
	}
}

/* Returns 1 with *r, 0 when there is nothing yet, or an error. */
static int waitid_wait(int which, int upid, int options, struct wait_report *r)
{
	struct wait_request w = {.options = options};
	int err, found;

	if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD |
			__WCLONE | __WALL))
		return -EINVAL;
	if (!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	err = waitid_target(which, upid, &w);
	if (err)
		return err;
	found = do_wait(&w, r);
	pid_put(w.pid);
	return found < 0 ? found : found > 0;
}

long sys_waitid(int which, int upid, struct siginfo __user *infop, int options,
		struct rusage __user *ru)
{
	struct wait_report r = {0};
	struct ksiginfo info;
	int found = waitid_wait(which, upid, options, &r), err;

	if (found > 0) {
		err = report_usage(&r, ru);
		if (err)
			return err;
	}
	memset(&info, 0, sizeof(info));
	if (found > 0) {
		siginfo_user(&info, SIGCHLD, r.why, r.pid, r.uid);
		info.si_status = r.status;
	}
	/* As on Linux an error leaves zeros too, and a bad pointer outdoes it. */
	err = infop ? siginfo_to_user(infop, &info) : 0;
	return err ? err : min(found, 0);
}
