/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Resource limits and resource usage.  getrlimit(2), getrusage(2), times(2). */
#include <kernel/sched/limits.h>

#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/times.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/proc/process.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <fs/vfs/fdtable.h>
#include <mm/space.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

static_assert(NR_RLIMITS == RLIM_NLIMITS, "limits of the headers");

u64 rlimit_get(unsigned which)
{
	struct process *p = process_current();

	return p ? READ_ONCE(p->limits[which].rlim_cur) : RLIM_INFINITY;
}

void limit_check_time(struct process *p, unsigned which, u64 used, u64 second)
{
	struct rlimit *limit = &p->limits[which];
	struct ksiginfo info;
	int signo;

	if (used < READ_ONCE(limit->rlim_cur))
		return;
	with_spin_irq(&p->limits_lock) {
		if (used < limit->rlim_cur)
			return;
		signo = used < limit->rlim_max ? SIGXCPU : SIGKILL;
		if (signo == SIGXCPU)
			WRITE_ONCE(limit->rlim_cur, limit->rlim_cur + second);
	}
	siginfo_kernel(&info, signo);
	signal_send_process(&p->sig, &info);
}

void rlimit_rt_ran(u64 ns)
{
	struct process *p = process_current();

	if (p)
		limit_check_time(p, RLIMIT_RTTIME, ns / NSEC_PER_USEC, USEC_PER_SEC);
}

bool may_access(struct process *p)
{
	const struct cred *us = cred_current(), *them;
	bool same;

	if (p == process_current())
		return true;
	them = process_cred(p);
	if (!them)
		return false;
	same = us->uid == them->euid && us->uid == them->suid && us->uid == them->uid &&
	       us->gid == them->egid && us->gid == them->sgid && us->gid == them->gid;
	bool subset = !(them->cap_permitted & ~us->cap_permitted);
	cred_put(them);
	return capable(CAP_SYS_PTRACE) || (same && subset && READ_ONCE(p->dumpable));
}

int process_look_into(struct process *p, struct thread **out)
{
	*out = p ? process_leader_get(p) : NULL;
	if (!*out)
		return -ESRCH;
	if (may_access(p))
		return 0;
	thread_put(*out);
	return -EPERM;
}

/* prlimit's rule differs from ptrace's: all ids equal, or CAP_SYS_RESOURCE. */
static bool may_limit(struct process *p)
{
	const struct cred *us = cred_current(), *them;
	bool ok;

	if (p == process_current())
		return true;
	them = process_cred(p);
	if (!them)
		return false;
	ok = us->uid == them->euid && us->uid == them->suid && us->uid == them->uid &&
	     us->gid == them->egid && us->gid == them->sgid && us->gid == them->gid;
	cred_put(them);
	return ok || capable(CAP_SYS_RESOURCE);
}

static int limit_exchange(struct process *p, unsigned which, const struct rlimit *want,
			  struct rlimit *old)
{
	if (which >= NR_RLIMITS)
		return -EINVAL;
	if (want && want->rlim_cur > want->rlim_max)
		return -EINVAL;
	if (want && which == RLIMIT_NOFILE && want->rlim_max > sysctl_nr_open)
		return -EPERM;
	{
		guard_spin_irq(&p->limits_lock);
		*old = p->limits[which];
		if (!want)
			return 0;
		if (want->rlim_max > old->rlim_max && !capable(CAP_SYS_RESOURCE))
			return -EPERM;
		p->limits[which] = *want;
	}
	/* The fault handler looks at the address space's copy. */
	if (which == RLIMIT_STACK && p == process_current())
		atomic_store(&thread_current()->mm->stack_limit, want->rlim_cur);
	if (which == RLIMIT_CPU && want->rlim_cur != RLIM_INFINITY)
		process_cpu_watch(p);
	return 0;
}

long sys_getrlimit(unsigned int resource, struct rlimit __user *rlim)
{
	struct rlimit old;
	int err = limit_exchange(process_current(), resource, NULL, &old);

	return err ? err : copy_to_user(rlim, &old, sizeof(old));
}

long sys_setrlimit(unsigned int resource, const struct rlimit __user *rlim)
{
	struct rlimit new, old;

	if (copy_from_user(&new, rlim, sizeof(new)))
		return -EFAULT;
	return limit_exchange(process_current(), resource, &new, &old);
}

long sys_prlimit64(int pid, unsigned int resource, const struct rlimit64 __user *new_rlim,
		   struct rlimit64 __user *old_rlim)
{
	struct rlimit new, old;
	struct process *p;
	int err;

	static_assert(sizeof(struct rlimit) == sizeof(struct rlimit64), "one layout on 64 bits");
	if (new_rlim && copy_from_user(&new, new_rlim, sizeof(new)))
		return -EFAULT;
	p = pid ? process_find_get((u32)pid) : process_get(process_current());
	if (!p)
		return -ESRCH;
	err = may_limit(p) ? limit_exchange(p, resource, new_rlim ? &new : NULL, &old) : -EPERM;
	process_put(p);
	if (err)
		return err;
	return old_rlim ? copy_to_user(old_rlim, &old, sizeof(old)) : 0;
}

/* Usage. */

static void sum(u64 *to, u64 more)
{
	WRITE_ONCE(*to, *to + more);
}

void usage_add(struct usage *to, const struct usage *from)
{
	sum(&to->utime, from->utime);
	sum(&to->stime, from->stime);
	sum(&to->nvcsw, from->nvcsw);
	sum(&to->nivcsw, from->nivcsw);
	sum(&to->minflt, from->minflt);
	sum(&to->majflt, from->majflt);
	sum(&to->inblock, from->inblock);
	sum(&to->oublock, from->oublock);
	WRITE_ONCE(to->maxrss, max(to->maxrss, from->maxrss));
}

/* A copy of what others may be changing; it is of use only if their sequence count says so. */
static void usage_copy(struct usage *to, const struct usage *from)
{
	u64 *out = (u64 *)to;
	const u64 *in = (const u64 *)from;

	static_assert(sizeof(*to) % sizeof(u64) == 0, "numbers of one size");
	for (unsigned i = 0; i < sizeof(*to) / sizeof(u64); i++)
		out[i] = READ_ONCE(in[i]);
}

void usage_of_thread(struct thread *t, struct usage *u)
{
	memset(u, 0, sizeof(*u));
	thread_cputime(t, &u->utime, &u->stime);
	u->nvcsw = READ_ONCE(t->se.nvcsw);
	u->nivcsw = READ_ONCE(t->se.nivcsw);
	u->minflt = READ_ONCE(t->min_faults);
	u->majflt = READ_ONCE(t->maj_faults);
	u->inblock = READ_ONCE(t->io_read) >> 9;
	u->oublock = READ_ONCE(t->io_written) >> 9;
}

static u64 current_maxrss(struct process *p)
{
	struct thread *t = process_leader_get(p);
	struct mm *mm = t ? mm_grab(t) : NULL;
	u64 kib = 0;

	if (t)
		thread_put(t);
	if (mm) {
		kib = max(mm->hiwater_rss, mm_rss_total(mm)) * (PAGE_SIZE / 1024);
		mm_put(mm);
	}
	return kib;
}

/* A thread is counted once, though it may be on its way from the living to the dead. */
void process_usage(struct process *p, struct usage *u)
{
	struct task *task;
	struct usage one;
	u32 seq;
	guard_rcu();

	do {
		seq = seq_read_begin(&p->dead_seq);
		usage_copy(u, &p->dead);
		list_for_each_rcu(task, &p->threads, link)
		{
			if (READ_ONCE(task->counted))
				continue;
			usage_of_thread(task->thread, &one);
			usage_add(u, &one);
		}
	} while (seq_read_retry(&p->dead_seq, seq));
}

void process_cputime(struct process *p, u64 *utime, u64 *stime)
{
	struct usage u;

	process_usage(p, &u);
	*utime = u.utime;
	*stime = u.stime;
}

void usage_to_rusage(const struct usage *u, struct rusage *r)
{
	memset(r, 0, sizeof(*r));
	r->ru_utime.tv_sec = (long)(u->utime / NSEC_PER_SEC);
	r->ru_utime.tv_usec = (long)(u->utime % NSEC_PER_SEC / 1000);
	r->ru_stime.tv_sec = (long)(u->stime / NSEC_PER_SEC);
	r->ru_stime.tv_usec = (long)(u->stime % NSEC_PER_SEC / 1000);
	r->ru_nvcsw = (long)u->nvcsw;
	r->ru_nivcsw = (long)u->nivcsw;
	r->ru_minflt = (long)u->minflt;
	r->ru_majflt = (long)u->majflt;
	r->ru_inblock = (long)u->inblock;
	r->ru_oublock = (long)u->oublock;
	r->ru_maxrss = (long)u->maxrss;
}

long sys_getrusage(int who, struct rusage __user *ru)
{
	struct process *p = process_current();
	struct rusage out;
	struct usage u;

	switch (who) {
	case RUSAGE_SELF:
		process_usage(p, &u);
		u.maxrss = max(u.maxrss, current_maxrss(p));
		break;
	case RUSAGE_THREAD:
		usage_of_thread(thread_current(), &u);
		u.maxrss = current_maxrss(p);
		break;
	case RUSAGE_CHILDREN: {
		guard_spin_irq(&tree_lock);
		u = p->children_usage;
		break;
	}
	default: return -EINVAL;
	}
	usage_to_rusage(&u, &out);
	return copy_to_user(ru, &out, sizeof(out));
}

static long ticks(u64 ns)
{
	return (long)(ns / (NSEC_PER_SEC / 100));
}

long sys_times(struct tms __user *tbuf)
{
	struct process *p = process_current();
	struct usage children;
	struct tms out;
	u64 utime, stime;

	if (tbuf) {
		process_cputime(p, &utime, &stime);
		with_spin_irq(&tree_lock) children = p->children_usage;
		out.tms_utime = ticks(utime);
		out.tms_stime = ticks(stime);
		out.tms_cutime = ticks(children.utime);
		out.tms_cstime = ticks(children.stime);
		if (copy_to_user(tbuf, &out, sizeof(out)))
			return -EFAULT;
	}
	return ticks(clock_boot_ns());
}
