/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers that send signals: alarm(2), setitimer(2), timer_create(2).
 *
 * Every timer stands on one kernel timer.  The kernel timer's function runs in an interrupt and
 * sends the signal.  The timer is started again only when the signal is taken; the periods that
 * passed meanwhile are a POSIX timer's overrun count (timer_getoverrun(2)).  So a process that does
 * not take signals costs nothing, and one that does no more than it uses of its own time.  A POSIX
 * timer whose signal is ignored goes on, at most once a tick; ITIMER_REAL stands still, as on
 * Linux.
 *
 * Timers on a CPU-time clock (ITIMER_VIRTUAL, ITIMER_PROF, CLOCK_*_CPUTIME_ID) and RLIMIT_CPU run
 * as watches: the kernel timer fires no later than the CPU time could have been reached if every
 * CPU ran the process, looks at the clock, and starts again for the rest.
 *
 * Lock order: process.timers_lock (mutex: the table), signal_shared.lock (values), timer base.
 */
#include <kernel/proc/process.h>

#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/signal.h>
#include <kernel/abi/time.h>
#include <kernel/lib/minmax.h>
#include <kernel/proc/clocks.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/sched.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>

#include "process_internal.h"

/* A CPU-time watch looks at least this far apart. */
#define WATCH_MIN_NS 1000000ull

struct posix_timer {
	struct list link;        /* [timers_lock] */
	int id;                  /* [I] */
	int clock;               /* [I] */
	int notify;              /* [I] SIGEV_* */
	struct process *process; /* [I] */
	struct thread *target;   /* [I] counted, SIGEV_THREAD_ID */
	struct thread *watched;  /* [I] counted, a thread's CPU-time clock */
	struct timer timer;
	u64 value;                 /* [s] next expiry on its clock, 0: disarmed */
	u64 interval;              /* [s] */
	u64 overrun, last_overrun; /* [s] */
	bool pending;              /* [s] its signal is queued */
	struct sigqueue *queue;    /* [I] */
	struct rcu_head rcu;
}; /* s: process's signal lock */

/* ITIMER_REAL and alarm. */

static void real_timer_fn(struct timer *t)
{
	struct process *p = container_of(t, struct process, real_timer);
	struct ksiginfo info;

	siginfo_kernel(&info, SIGALRM);
	signal_send_process(&p->sig, &info);
}

/* How many periods after `last` the next one begins that is yet to come. */
static u64 periods_since(u64 last, u64 interval, u64 now)
{
	return now < last ? 0 : (now - last) / interval + 1;
}

/* A SIGALRM was taken. */
static void real_timer_again(struct process *p)
{
	struct timer *t = &p->real_timer;
	u64 last, interval;
	guard_spin_irq(&p->sig.lock);

	last = timer_deadline(t);
	interval = p->real_interval;
	if (interval && !timer_pending(t))
		timer_start(t, last + periods_since(last, interval, clock_mono_ns()) * interval, 0);
}

static void cpu_timer_check(struct process *p, struct cpu_itimer *it, u64 now, int signo)
{
	struct ksiginfo info;
	{
		guard_spin_irq(&p->sig.lock);
		if (!it->value || now < it->value)
			return;
		it->value = it->interval ? it->value + it->interval : 0;
	}
	siginfo_kernel(&info, signo);
	signal_send_process(&p->sig, &info);
}

static u64 limit_ns(u64 seconds)
{
	return seconds < KTIME_MAX / NSEC_PER_SEC ? seconds * NSEC_PER_SEC : KTIME_MAX;
}

/* From `now` to `then` of a CPU clock. */
static u64 span(u64 now, u64 then)
{
	return then > now ? then - now : 0;
}

/*
 * What became due of the process's CPU-time itimers and of its limit, and when to look again.
 * Under the lock a look that is decided on older values cannot replace an earlier one.
 */
void process_cpu_watch(struct process *p)
{
	u64 utime, stime, now, limit, rest = KTIME_MAX;

	process_cputime(p, &utime, &stime);
	now = utime + stime;
	cpu_timer_check(p, &p->virt, utime, SIGVTALRM);
	cpu_timer_check(p, &p->prof, now, SIGPROF);
	limit_check_time(p, RLIMIT_CPU, now / NSEC_PER_SEC, 1);
	guard_spin_irq(&p->sig.lock);
	if (!atomic_load(&p->live) || p->sig.flags & SIGNAL_GROUP_EXIT)
		return;
	limit = limit_ns(READ_ONCE(p->limits[RLIMIT_CPU].rlim_cur));
	if (p->virt.value)
		rest = span(utime, p->virt.value);
	if (p->prof.value)
		rest = min(rest, span(now, p->prof.value));
	if (limit != KTIME_MAX)
		rest = min(rest, span(now, limit));
	if (rest != KTIME_MAX)
		timer_start(&p->cpu_watch, clock_deadline(max(rest / nr_cpus, WATCH_MIN_NS)), 0);
}

static void cpu_watch_fn(struct timer *t)
{
	process_cpu_watch(container_of(t, struct process, cpu_watch));
}

void process_timers_init(struct process *p)
{
	timer_init(&p->real_timer, real_timer_fn);
	timer_init(&p->cpu_watch, cpu_watch_fn);
}

static u64 real_timer_left(struct process *p)
{
	u64 now = clock_mono_ns(), at = timer_deadline(&p->real_timer);

	if (!timer_pending(&p->real_timer))
		return 0;
	return at > now ? at - now : 1000;
}

static void real_timer_set(struct process *p, u64 value, u64 interval)
{
	/* A signal taken meanwhile must not start it. */
	with_spin_irq(&p->sig.lock)
	{
		p->real_interval = 0;
	}
	timer_cancel_sync(&p->real_timer);
	guard_spin_irq(&p->sig.lock);
	p->real_interval = interval;
	if (value)
		timer_start(&p->real_timer, clock_deadline(value), 0);
}

struct itimer_ns {
	u64 value, interval;
};

static int itimer_read(int which, struct itimer_ns *out)
{
	struct process *p = process_current();
	u64 utime, stime;

	if (which == ITIMER_REAL) {
		out->value = real_timer_left(p);
		out->interval = READ_ONCE(p->real_interval);
		return 0;
	}
	if (which != ITIMER_VIRTUAL && which != ITIMER_PROF)
		return -EINVAL;
	process_cputime(p, &utime, &stime);
	struct cpu_itimer *it = which == ITIMER_VIRTUAL ? &p->virt : &p->prof;
	u64 now = which == ITIMER_VIRTUAL ? utime : utime + stime;
	guard_spin_irq(&p->sig.lock);
	out->value = !it->value ? 0 : it->value > now ? it->value - now : 1000;
	out->interval = it->interval;
	return 0;
}

static void itimer_write(int which, const struct itimer_ns *new)
{
	struct process *p = process_current();
	u64 utime, stime;

	if (which == ITIMER_REAL) {
		real_timer_set(p, new->value, new->interval);
		return;
	}
	process_cputime(p, &utime, &stime);
	struct cpu_itimer *it = which == ITIMER_VIRTUAL ? &p->virt : &p->prof;
	u64 now = which == ITIMER_VIRTUAL ? utime : utime + stime;
	{
		guard_spin_irq(&p->sig.lock);
		it->value = new->value ? ktime_add(now, new->value) : 0;
		it->interval = new->interval;
	}
	if (new->value)
		process_cpu_watch(p);
}

static int itimer_from_user(struct itimer_ns *to, const struct __kernel_old_itimerval __user *from)
{
	struct __kernel_old_itimerval v;

	if (copy_from_user(&v, from, sizeof(v)))
		return -EFAULT;
	if (v.it_value.tv_sec < 0 || v.it_interval.tv_sec < 0 || v.it_value.tv_usec < 0 ||
	    v.it_interval.tv_usec < 0 || v.it_value.tv_usec >= (long)USEC_PER_SEC ||
	    v.it_interval.tv_usec >= (long)USEC_PER_SEC)
		return -EINVAL;
	to->value = min((u64)v.it_value.tv_sec, (u64)KTIME_MAX / NSEC_PER_SEC - 1) * NSEC_PER_SEC +
		    (u64)v.it_value.tv_usec * 1000;
	to->interval =
		min((u64)v.it_interval.tv_sec, (u64)KTIME_MAX / NSEC_PER_SEC - 1) * NSEC_PER_SEC +
		(u64)v.it_interval.tv_usec * 1000;
	return 0;
}

static int itimer_to_user(struct __kernel_old_itimerval __user *to, const struct itimer_ns *from)
{
	/* Microseconds, rounded up: a running timer never reads as stopped. */
	u64 v = DIV_ROUND_UP(from->value, 1000), i = from->interval / 1000;
	struct __kernel_old_itimerval out = {
		.it_value = {(long)(v / USEC_PER_SEC), (long)(v % USEC_PER_SEC)},
		.it_interval = {(long)(i / USEC_PER_SEC), (long)(i % USEC_PER_SEC)},
	};

	return copy_to_user(to, &out, sizeof(out));
}

long sys_getitimer(int which, struct __kernel_old_itimerval __user *value)
{
	struct itimer_ns now;
	int err = itimer_read(which, &now);

	return err ? err : itimer_to_user(value, &now);
}

long sys_setitimer(int which, const struct __kernel_old_itimerval __user *value,
		   struct __kernel_old_itimerval __user *ovalue)
{
	struct itimer_ns new = {0}, old;
	int err = value ? itimer_from_user(&new, value) : 0;

	if (!err)
		err = itimer_read(which, &old);
	if (err)
		return err;
	itimer_write(which, &new);
	return ovalue ? itimer_to_user(ovalue, &old) : 0;
}

long sys_alarm(unsigned int seconds)
{
	struct process *p = process_current();
	u64 left = real_timer_left(p);

	real_timer_set(p, (u64)seconds * NSEC_PER_SEC, 0);
	/* Half a second and more counts as one, and a running alarm never reads 0. */
	u64 rounded = (left + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	return left && !rounded ? 1 : (long)rounded;
}

/* POSIX timers. */

static bool is_cpu_clock(int clock)
{
	return clock < 0 || clock == CLOCK_PROCESS_CPUTIME_ID || clock == CLOCK_THREAD_CPUTIME_ID;
}

/* Now on the timer's clock, from an interrupt as well. */
static u64 timer_clock_now(const struct posix_timer *pt)
{
	u64 ns = 0, utime, stime;

	if (!is_cpu_clock(pt->clock))
		return clock_read(pt->clock, &ns) ? 0 : ns;
	if (pt->watched)
		return thread_runtime(pt->watched);
	process_cputime(pt->process, &utime, &stime);
	return utime + stime;
}

/* Start the kernel timer for the moment `value` of the timer's clock. */
static void posix_timer_program(struct posix_timer *pt, u64 now)
{
	u64 rest = pt->value > now ? pt->value - now : 0;

	if (is_cpu_clock(pt->clock) && rest)
		rest = max(pt->watched ? rest : rest / nr_cpus, WATCH_MIN_NS);
	timer_start(&pt->timer, clock_deadline(rest), 0);
}

/* Whole intervals between value and now; value moves past now.  Locks: signal lock held. */
static u64 forward(struct posix_timer *pt, u64 now)
{
	u64 periods;

	if (!pt->interval || !pt->value || now < pt->value)
		return 0;
	periods = periods_since(pt->value, pt->interval, now);
	pt->value += periods * pt->interval;
	return periods - 1;
}

/* Nobody will take the signal, and so start the timer again. */
static void posix_timer_ignored(struct posix_timer *pt, u64 now)
{
	guard_spin_irq(&pt->process->sig.lock);
	pt->pending = false;
	if (!pt->interval || !pt->value)
		return;
	forward(pt, pt->interval < TICK_NS ? now + TICK_NS : now);
	posix_timer_program(pt, now);
}

static void posix_timer_fn(struct timer *t)
{
	struct posix_timer *pt = container_of(t, struct posix_timer, timer);
	u64 now = timer_clock_now(pt);
	bool send = false;
	{
		guard_spin_irq(&pt->process->sig.lock);
		if (!pt->value)
			return;
		if (now < pt->value) {
			/* A CPU clock that has not run so far, or a clock that was set back. */
			posix_timer_program(pt, now);
			return;
		}
		if (pt->notify != SIGEV_NONE && !pt->pending) {
			pt->pending = true;
			send = true;
		}
		if (!pt->interval)
			pt->value = 0;
	}
	if (send &&
	    !signal_send_owned(&pt->process->sig, pt->target ? pt->target->sig : NULL, pt->queue))
		posix_timer_ignored(pt, now);
}

static struct posix_timer *timer_find(struct process *p, int id)
{
	struct posix_timer *pt;

	list_for_each (pt, &p->timers, link) {
		if (pt->id == id)
			return pt;
	}
	return NULL;
}

void process_timer_delivered(struct ksiginfo *info)
{
	struct process *p = process_current();
	struct posix_timer *pt;

	if (info->si_signo == SIGALRM)
		real_timer_again(p);
	if (info->si_code != SI_TIMER)
		return;
	guard_mutex(&p->timers_lock);
	pt = timer_find(p, info->si_tid);
	if (!pt || pt->queue->info.si_signo != info->si_signo)
		return;
	u64 now = timer_clock_now(pt);
	guard_spin_irq(&p->sig.lock);
	pt->pending = false;
	pt->last_overrun = min(forward(pt, now), (u64)INT_MAX);
	info->si_overrun = (int)pt->last_overrun;
	if (pt->interval && pt->value)
		posix_timer_program(pt, now);
}

static int timer_target(struct posix_timer *pt, const struct sigevent *ev)
{
	if (pt->notify != (SIGEV_SIGNAL | SIGEV_THREAD_ID))
		return 0;
	pt->target = pid_thread_get((u32)ev->sigev_notify_thread_id);
	if (!pt->target)
		return -EINVAL;
	return pt->target->process == pt->process ? 0 : -EINVAL;
}

static int check_event(const struct sigevent *ev)
{
	switch (ev->sigev_notify) {
	case SIGEV_NONE: return 0;
	case SIGEV_SIGNAL:
	case SIGEV_THREAD:
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		return ev->sigev_signo >= 1 && ev->sigev_signo <= KSIG_COUNT ? 0 : -EINVAL;
	default: return -EINVAL;
	}
}

static void timer_free(struct posix_timer *pt)
{
	if (pt->queue)
		sigqueue_destroy_owned(&pt->process->sig, pt->queue);
	if (pt->target)
		thread_put(pt->target);
	if (pt->watched)
		thread_put(pt->watched);
	kfree(pt);
}

static int timer_build(int clock, const struct sigevent *ev, struct posix_timer **out)
{
	struct posix_timer *pt = kzalloc(sizeof(*pt), GFP_KERNEL);
	int err;

	if (!pt)
		return -EAGAIN;
	pt->clock = clock;
	pt->notify = ev->sigev_notify;
	pt->process = process_current();
	timer_init(&pt->timer, posix_timer_fn);
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		pt->watched = thread_get(thread_current());
	pt->queue = sigqueue_create_owned();
	err = pt->queue ? timer_target(pt, ev) : -EAGAIN;
	if (err) {
		timer_free(pt);
		return err;
	}
	*out = pt;
	return 0;
}

static bool clock_has_timers(int clock)
{
	u64 now;

	if (clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
	    clock == CLOCK_MONOTONIC_COARSE)
		return false;
	return !clock_read(clock, &now);
}

long sys_timer_create(int clock, const struct sigevent __user *event, int __user *timerid)
{
	struct process *p = process_current();
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
	struct posix_timer *pt;
	int err;

	if (event && copy_from_user(&ev, event, sizeof(ev)))
		return -EFAULT;
	if (!clock_has_timers(clock))
		return clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
				       clock == CLOCK_MONOTONIC_COARSE
			       ? -EOPNOTSUPP
			       : -EINVAL;
	err = check_event(&ev);
	if (!err)
		err = timer_build(clock, &ev, &pt);
	if (err)
		return err;
	guard_mutex(&p->timers_lock);
	pt->id = p->next_timer;
	if (put_user(pt->id, timerid)) {
		timer_free(pt);
		return -EFAULT;
	}
	p->next_timer = p->next_timer == INT_MAX ? 0 : p->next_timer + 1;
	struct ksiginfo *info = &pt->queue->info;

	info->si_signo = ev.sigev_signo;
	info->si_code = SI_TIMER;
	info->si_tid = pt->id;
	if (event)
		info->si_value = ev.sigev_value;
	else
		info->si_int = pt->id;
	list_push_back(&p->timers, &pt->link);
	return 0;
}

static void timer_value(struct posix_timer *pt, struct itimer_ns *out)
{
	u64 now = timer_clock_now(pt);
	guard_spin_irq(&pt->process->sig.lock);

	if (pt->pending || pt->notify == SIGEV_NONE)
		pt->overrun += forward(pt, now);
	out->interval = pt->interval;
	out->value = !pt->value ? 0 : pt->value > now ? pt->value - now : 1;
}

static void timer_set(struct posix_timer *pt, const struct itimer_ns *new, bool absolute)
{
	u64 now;

	timer_cancel_sync(&pt->timer);
	now = timer_clock_now(pt);
	guard_spin_irq(&pt->process->sig.lock);
	/* The signal of the old setting is void. */
	if (pt->pending) {
		list_remove(&pt->queue->link);
		pt->pending = false;
	}
	pt->interval = new->interval;
	pt->last_overrun = 0;
	pt->value = !new->value ? 0 : absolute ? new->value : ktime_add(now, new->value);
	if (pt->value && pt->notify != SIGEV_NONE)
		posix_timer_program(pt, now);
}

static int itimerspec_to_ns(const struct __kernel_itimerspec *its, u64 *value, u64 *interval)
{
	int err = timespec_to_ns(&its->it_value, value);

	return err ? err : timespec_to_ns(&its->it_interval, interval);
}

static int put_itimerspec(struct __kernel_itimerspec __user *to, const struct itimer_ns *v)
{
	struct __kernel_itimerspec out = {ns_to_timespec(v->interval), ns_to_timespec(v->value)};

	return copy_to_user(to, &out, sizeof(out));
}

long sys_timer_settime(int timerid, int flags, const struct __kernel_itimerspec __user *value,
		       struct __kernel_itimerspec __user *ovalue)
{
	struct process *p = process_current();
	struct __kernel_itimerspec its;
	struct itimer_ns new, old;
	int err;

	if (!value)
		return -EINVAL;
	if (copy_from_user(&its, value, sizeof(its)))
		return -EFAULT;
	err = itimerspec_to_ns(&its, &new.value, &new.interval);
	if (err)
		return err;
	{
		guard_mutex(&p->timers_lock);
		struct posix_timer *pt = timer_find(p, timerid);

		if (!pt)
			return -EINVAL;
		timer_value(pt, &old);
		timer_set(pt, &new, flags & TIMER_ABSTIME);
	}
	return ovalue ? put_itimerspec(ovalue, &old) : 0;
}

long sys_timer_gettime(int timerid, struct __kernel_itimerspec __user *value)
{
	struct process *p = process_current();
	struct itimer_ns now;
	{
		guard_mutex(&p->timers_lock);
		struct posix_timer *pt = timer_find(p, timerid);

		if (!pt)
			return -EINVAL;
		timer_value(pt, &now);
	}
	return put_itimerspec(value, &now);
}

long sys_timer_getoverrun(int timerid)
{
	struct process *p = process_current();
	guard_mutex(&p->timers_lock);
	struct posix_timer *pt = timer_find(p, timerid);

	return pt ? (long)pt->last_overrun : -EINVAL;
}

static void timer_destroy(struct posix_timer *pt)
{
	{
		guard_spin_irq(&pt->process->sig.lock);
		pt->value = 0;
	}
	timer_cancel_sync(&pt->timer);
	list_remove(&pt->link);
	timer_free(pt);
}

long sys_timer_delete(int timerid)
{
	struct process *p = process_current();
	guard_mutex(&p->timers_lock);
	struct posix_timer *pt = timer_find(p, timerid);

	if (!pt)
		return -EINVAL;
	timer_destroy(pt);
	return 0;
}

/* exec keeps interval timers and deletes POSIX ones; exit ends all. */

void process_timers_exec(struct process *p)
{
	struct posix_timer *pt, *next;
	guard_mutex(&p->timers_lock);

	list_for_each_safe (pt, next, &p->timers, link)
		timer_destroy(pt);
}

void process_timers_exit(struct process *p)
{
	real_timer_set(p, 0, 0);
	/* Who saw the process live has started it by now: the signal lock was taken since. */
	timer_cancel_sync(&p->cpu_watch);
	process_timers_exec(p);
}
