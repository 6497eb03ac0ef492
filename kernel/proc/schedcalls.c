/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls on scheduling: policies, priorities, affinity.  sched(7), setpriority(2),
 * ioprio_set(2).
 */
#include <kernel/proc/process.h>

#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/resource.h>
#include <kernel/abi/sched.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/usercopy.h>
#include <security/cred.h>

struct sched_param {
	int sched_priority;
};

/* A thread by number, 0 for ourselves, with a reference. */
static struct thread *find_thread(int pid)
{
	if (pid < 0)
		return NULL;
	return pid ? pid_thread_get((u32)pid) : thread_get(thread_current());
}

static bool may_schedule(struct thread *t)
{
	const struct cred *us = cred_current(), *them = cred_of(t);
	bool ok = us->euid == them->euid || us->euid == them->uid;

	cred_put(them);
	return ok || capable(CAP_SYS_NICE);
}

static int nice_limit_ok(int nice)
{
	/* RLIMIT_NICE counts 20 - nice. */
	return (u64)(20 - nice) <= rlimit_get(RLIMIT_NICE);
}

/* May the running thread give `t` these parameters? */
static int check_permission(struct thread *t, const struct sched_attrs *new)
{
	struct sched_attrs old;

	sched_getattr(t, &old);
	if (capable(CAP_SYS_NICE))
		return 0;
	if (!may_schedule(t))
		return -EPERM;
	if (new->policy == SCHED_DEADLINE)
		return -EPERM;
	if (new->policy == SCHED_FIFO || new->policy == SCHED_RR) {
		u64 limit = rlimit_get(RLIMIT_RTPRIO);

		if (new->policy != old.policy && !limit)
			return -EPERM;
		if (new->priority > old.priority &&new->priority > limit)
			return -EPERM;
	} else if (new->nice < old.nice && !nice_limit_ok(new->nice)) {
		return -EPERM;
	}
	if ((old.flags & SCHED_FLAG_RESET_ON_FORK) && !(new->flags &SCHED_FLAG_RESET_ON_FORK))
		return -EPERM;
	return 0;
}

static long set_attrs(struct thread *t, const struct sched_attrs *attr)
{
	int err = check_permission(t, attr);

	return err ? err : sched_setscheduler(t, attr);
}

static bool policy_known(int policy)
{
	return policy == SCHED_NORMAL || policy == SCHED_FIFO || policy == SCHED_RR ||
	       policy == SCHED_BATCH || policy == SCHED_IDLE || policy == SCHED_DEADLINE;
}

static long set_policy(int pid, int policy, const struct sched_param __user *uparam,
		       bool keep_policy)
{
	struct sched_param param;
	struct sched_attrs attr;
	struct thread *t;
	long err;

	if (pid < 0 || !uparam)
		return -EINVAL;
	if (copy_from_user(&param, uparam, sizeof(param)))
		return -EFAULT;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	sched_getattr(t, &attr);
	if (!keep_policy) {
		attr.flags = policy & SCHED_RESET_ON_FORK ? SCHED_FLAG_RESET_ON_FORK : 0;
		attr.policy = (u32)(policy & ~SCHED_RESET_ON_FORK);
	}
	attr.priority = (u32)param.sched_priority;
	err = policy_known((int)attr.policy) && attr.policy != SCHED_DEADLINE ? set_attrs(t, &attr)
									      : -EINVAL;
	thread_put(t);
	return err;
}

long sys_sched_setscheduler(int pid, int policy, const struct sched_param __user *param)
{
	return policy < 0 ? -EINVAL : set_policy(pid, policy, param, false);
}

long sys_sched_setparam(int pid, const struct sched_param __user *param)
{
	return set_policy(pid, 0, param, true);
}

long sys_sched_getscheduler(int pid)
{
	struct sched_attrs attr;
	struct thread *t;

	if (pid < 0)
		return -EINVAL;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	sched_getattr(t, &attr);
	thread_put(t);
	return (long)(attr.policy |
		      (attr.flags & SCHED_FLAG_RESET_ON_FORK ? SCHED_RESET_ON_FORK : 0));
}

long sys_sched_getparam(int pid, struct sched_param __user *uparam)
{
	struct sched_param param = {0};
	struct sched_attrs attr;
	struct thread *t;

	if (pid < 0 || !uparam)
		return -EINVAL;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	sched_getattr(t, &attr);
	thread_put(t);
	if (attr.policy == SCHED_FIFO || attr.policy == SCHED_RR)
		param.sched_priority = (int)attr.priority;
	return copy_to_user(uparam, &param, sizeof(param));
}

long sys_sched_setattr(int pid, struct sched_attr __user *uattr, unsigned int flags)
{
	struct sched_attr in = {0};
	struct thread *t;
	u32 size;
	long err;

	if (pid < 0 || !uattr || flags)
		return -EINVAL;
	if (get_user(size, &uattr->size))
		return -EFAULT;
	if (!size)
		size = SCHED_ATTR_SIZE_VER0;
	err = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE
		      ? -E2BIG
		      : copy_struct_from_user(&in, sizeof(in), uattr, size);
	if (err == -E2BIG && put_user((u32)sizeof(in), &uattr->size))
		return -EFAULT;
	if (err)
		return err;
	if (!policy_known((int)in.sched_policy) ||
	    (in.sched_flags & ~(u64)SCHED_FLAG_RESET_ON_FORK))
		return -EINVAL;
	struct sched_attrs attr = {
		.policy = in.sched_policy,
		.flags = in.sched_flags,
		.nice = clamp(in.sched_nice, -20, 19),
		.priority = in.sched_priority,
		.runtime = in.sched_runtime,
		.deadline = in.sched_deadline,
		.period = in.sched_period,
	};
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	err = set_attrs(t, &attr);
	thread_put(t);
	return err;
}

long sys_sched_getattr(int pid, struct sched_attr __user *uattr, unsigned int size,
		       unsigned int flags)
{
	struct sched_attr out = {0};
	struct sched_attrs attr;
	struct thread *t;

	if (pid < 0 || !uattr || flags || size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		return -EINVAL;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	sched_getattr(t, &attr);
	thread_put(t);
	out.size = min(size, (unsigned)sizeof(out));
	out.sched_policy = attr.policy;
	out.sched_flags = attr.flags;
	out.sched_nice = attr.nice;
	if (attr.policy == SCHED_FIFO || attr.policy == SCHED_RR)
		out.sched_priority = attr.priority;
	out.sched_runtime = attr.runtime;
	out.sched_deadline = attr.deadline;
	out.sched_period = attr.period;
	out.sched_util_max = 1024;
	return copy_to_user(uattr, &out, out.size);
}

long sys_sched_get_priority_max(int policy)
{
	if (!policy_known(policy))
		return -EINVAL;
	return policy == SCHED_FIFO || policy == SCHED_RR ? 99 : 0;
}

long sys_sched_get_priority_min(int policy)
{
	if (!policy_known(policy))
		return -EINVAL;
	return policy == SCHED_FIFO || policy == SCHED_RR ? 1 : 0;
}

long sys_sched_rr_get_interval(int pid, struct __kernel_timespec __user *interval)
{
	struct __kernel_timespec ts;
	struct thread *t;

	if (pid < 0)
		return -EINVAL;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	ts = ns_to_timespec(sched_rr_interval(t));
	thread_put(t);
	return copy_to_user(interval, &ts, sizeof(ts));
}

long sys_sched_yield(void)
{
	sched_yield_current();
	return 0;
}

long sys_sched_setaffinity(int pid, unsigned int len, const ulong_t __user *mask)
{
	struct cpumask m = {0};
	struct thread *t;
	long err;

	if (copy_from_user(&m, mask, min((size_t)len, sizeof(m))))
		return -EFAULT;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	err = may_schedule(t) ? sched_setaffinity(t, &m) : -EPERM;
	thread_put(t);
	return err;
}

long sys_sched_getaffinity(int pid, unsigned int len, ulong_t __user *mask)
{
	struct cpumask m;
	struct thread *t;

	if (len * 8 < nr_cpus || (len & (sizeof(long) - 1)))
		return -EINVAL;
	t = find_thread(pid);
	if (!t)
		return -ESRCH;
	sched_getaffinity(t, &m);
	thread_put(t);
	size_t n = min((size_t)len, sizeof(m));
	return copy_to_user(mask, &m, n) ? -EFAULT : (long)n;
}

long sys_getcpu(u32 __user *cpu, u32 __user *node, void __user *unused)
{
	if (cpu && put_user(cpu_id(), cpu))
		return -EFAULT;
	return node ? put_user(0u, node) : 0;
}

/* Nice values of threads, groups, users. */

typedef void (*each_thread_fn)(struct thread *t, void *arg);

static void for_each_of_process(struct process *p, each_thread_fn fn, void *arg)
{
	struct task *task;

	list_for_each_rcu(task, &p->threads, link) fn(task->thread, arg);
}

/*
 * Call fn for what (which, who) names.  Returns 0, -EINVAL, -ESRCH.  fn runs under RCU and perhaps
 * tree_lock.
 */
static int for_each_named(int which, int who, each_thread_fn fn, void *arg)
{
	struct process *p;
	int found = -ESRCH;

	switch (which) {
	case PRIO_PROCESS: {
		struct thread *t = find_thread(who);

		if (!t)
			return -ESRCH;
		fn(t, arg);
		thread_put(t);
		return 0;
	}
	case PRIO_PGRP: {
		struct pid *group = who ? pid_find_get((u32)who) : job_control->group();

		if (!group)
			return -ESRCH;
		{
			guard_spin_irq(&tree_lock);
			list_for_each (p, &group->group_members, group_link) {
				for_each_of_process(p, fn, arg);
				found = 0;
			}
		}
		pid_put(group);
		return found;
	}
	case PRIO_USER: {
		u32 uid = who ? (u32)who : cred_current()->uid;
		guard_rcu();

		list_for_each_rcu(p, &all_processes, all_link)
		{
			struct thread *t = READ_ONCE(p->leader);

			if (t && rcu_dereference(t->cred)->uid == uid) {
				for_each_of_process(p, fn, arg);
				found = 0;
			}
		}
		return found;
	}
	default: return -EINVAL;
	}
}

struct nice_change {
	int nice, err;
	bool done;
};

static void set_one_nice(struct thread *t, void *arg)
{
	struct nice_change *c = arg;
	const struct cred *us = cred_current(), *them = rcu_dereference(t->cred);

	if (us->euid != them->euid && us->euid != them->uid && us->uid != them->uid &&
	    !capable(CAP_SYS_NICE)) {
		c->err = -EPERM;
		return;
	}
	if (c->nice < sched_nice(t) && !capable(CAP_SYS_NICE) && !nice_limit_ok(c->nice)) {
		c->err = -EACCES;
		return;
	}
	sched_set_nice(t, c->nice);
	c->done = true;
}

long sys_setpriority(int which, int who, int niceval)
{
	struct nice_change c = {.nice = clamp(niceval, -20, 19)};
	guard_rcu();
	int err = for_each_named(which, who, set_one_nice, &c);

	return err ? err : c.err;
}

static void best_nice(struct thread *t, void *arg)
{
	long *best = arg;

	*best = max(*best, 20l - sched_nice(t));
}

/* As Linux: 20 - nice, 1 to 40, so that no result looks like an error. */
long sys_getpriority(int which, int who)
{
	long best = 0;
	int err = for_each_named(which, who, best_nice, &best);

	return err ? err : best;
}

/* I/O priorities are kept for those who read them back and for the block layer. */

#define IOPRIO_CLASS_SHIFT 13
#define IOPRIO_WHO_PROCESS 1

#define IOPRIO_CLASS(ioprio) ((ioprio) >> IOPRIO_CLASS_SHIFT & 7)
#define IOPRIO_LEVEL(ioprio) ((ioprio) & 7) /* between the two stand hints, which are kept */

struct ioprio_change {
	int ioprio, err;
};

/* The first that may not be changed ends it. */
static void set_one_ioprio(struct thread *t, void *arg)
{
	struct ioprio_change *c = arg;
	const struct cred *us = cred_current(), *them = rcu_dereference(t->cred);

	if (us->euid != them->uid && us->uid != them->uid && !capable(CAP_SYS_NICE))
		c->err = -EPERM;
	if (!c->err && t->sig)
		WRITE_ONCE(task_of(t)->io_priority, c->ioprio);
}

/* A single thread's is told as it was set, 0 for never; of many, the one that counts most. */
static void own_ioprio(struct thread *t, void *arg)
{
	*(int *)arg = t->sig ? READ_ONCE(task_of(t)->io_priority) : 0;
}

static void best_ioprio(struct thread *t, void *arg)
{
	int *best = arg, one = t->sig ? READ_ONCE(task_of(t)->io_priority) : 0;

	/* None set: as the nice value says, in the best-effort class. */
	if (!one)
		one = 2 << IOPRIO_CLASS_SHIFT | (sched_nice(t) + 20) / 5;
	if (*best < 0 || one < *best)
		*best = one;
}

static int ioprio_which(int which)
{
	static const int map[] = {-1, PRIO_PROCESS, PRIO_PGRP, PRIO_USER};

	return which >= 1 && which <= 3 ? map[which] : -1;
}

long sys_ioprio_set(int which, int who, int ioprio)
{
	struct ioprio_change c = {.ioprio = (u16)ioprio};
	int class = IOPRIO_CLASS(ioprio);

	if (class > 3 || (!class && IOPRIO_LEVEL(ioprio)))
		return -EINVAL;
	if (class == 1 && !capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
		return -EPERM;
	guard_rcu();
	int err = for_each_named(ioprio_which(which), who, set_one_ioprio, &c);

	return err ? err : c.err;
}

long sys_ioprio_get(int which, int who)
{
	int best = -1;
	guard_rcu();
	int err = for_each_named(ioprio_which(which), who,
				 which == IOPRIO_WHO_PROCESS ? own_ioprio : best_ioprio, &best);

	return err ? err : best;
}
