/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls on clocks: reading, setting, sleeping.  clock_gettime(2), clock_nanosleep(2),
 * adjtimex(2).
 *
 * Besides the fixed clocks there are CPU-time clocks of processes and threads, with numbers made of
 * an id, as clock_getcpuclockid(3) makes them: ~pid << 3 | per-thread << 2 | which.
 */
#include <kernel/proc/clocks.h>

#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/time.h>
#include <kernel/proc/process.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

struct timeval_old {
	long tv_sec, tv_usec;
};

#define CPUCLOCK_THREAD 4
#define CPUCLOCK_WHICH  3

/* CPU time of a process or thread named by a dynamic clock number, in ns: all, user or system. */
static int cpu_clock_read(int clock, u64 *ns)
{
	u32 nr = (u32) ~(clock >> 3);
	u64 utime = 0, stime = 0;

	if ((clock & CPUCLOCK_WHICH) == 3)
		return -EINVAL;
	if (clock & CPUCLOCK_THREAD) {
		struct thread *t = nr ? pid_thread_get(nr) : thread_get(thread_current());

		if (!t || t->process != process_current()) {
			if (t)
				thread_put(t);
			return -EINVAL;
		}
		thread_cputime(t, &utime, &stime);
		thread_put(t);
	} else {
		struct process *p = nr ? process_find_get(nr) : process_get(process_current());

		if (!p)
			return -EINVAL;
		process_cputime(p, &utime, &stime);
		process_put(p);
	}
	switch (clock & CPUCLOCK_WHICH) {
	case 0: *ns = utime + stime; break;
	case 1: *ns = utime; break;
	default: *ns = utime + stime; break;
	}
	return 0;
}

int clock_read(int clock, u64 *ns)
{
	u64 utime, stime;

	if (clock < 0)
		return cpu_clock_read(clock, ns);
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_ALARM: *ns = clock_real_ns(); return 0;
	case CLOCK_MONOTONIC: *ns = clock_mono_ns(); return 0;
	case CLOCK_MONOTONIC_RAW: *ns = clock_raw_ns(); return 0;
	case CLOCK_REALTIME_COARSE: *ns = clock_real_coarse_ns(); return 0;
	case CLOCK_MONOTONIC_COARSE: *ns = clock_mono_coarse_ns(); return 0;
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM: *ns = clock_boot_ns(); return 0;
	case CLOCK_TAI: *ns = clock_tai_ns(); return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		process_cputime(process_current(), &utime, &stime);
		*ns = utime + stime;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID: *ns = thread_runtime(thread_current()); return 0;
	default: return -EINVAL;
	}
}

static int put_ns(struct __kernel_timespec __user *to, u64 ns)
{
	struct __kernel_timespec ts = ns_to_timespec(ns);

	return copy_to_user(to, &ts, sizeof(ts));
}

long sys_clock_gettime(int clock, struct __kernel_timespec __user *tp)
{
	u64 ns;
	int err = clock_read(clock, &ns);

	return err ? err : put_ns(tp, ns);
}

long sys_clock_getres(int clock, struct __kernel_timespec __user *tp)
{
	bool coarse = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE;
	u64 now;
	int err = clock_read(clock, &now);

	if (err)
		return err;
	return tp ? put_ns(tp, coarse ? TICK_NS : 1) : 0;
}

long sys_clock_settime(int clock, const struct __kernel_timespec __user *tp)
{
	struct __kernel_timespec ts;
	u64 ns;

	if (clock != CLOCK_REALTIME)
		return -EINVAL;
	if (copy_from_user(&ts, tp, sizeof(ts)))
		return -EFAULT;
	int err = timespec_to_ns(&ts, &ns);
	if (err)
		return err;
	return capable(CAP_SYS_TIME) ? clock_set_real(ns) : -EPERM;
}

long sys_gettimeofday(struct timeval_old __user *tv, struct timezone __user *tz)
{
	static const struct timezone utc;
	u64 now = clock_real_ns();
	struct timeval_old out = {(long)(now / NSEC_PER_SEC), (long)(now % NSEC_PER_SEC / 1000)};

	if (tv && copy_to_user(tv, &out, sizeof(out)))
		return -EFAULT;
	return tz ? copy_to_user(tz, &utc, sizeof(utc)) : 0;
}

long sys_settimeofday(const struct timeval_old __user *tv, const struct timezone __user *tz)
{
	struct timeval_old in;
	struct timezone zone;

	if (tv && copy_from_user(&in, tv, sizeof(in)))
		return -EFAULT;
	if (tz && copy_from_user(&zone, tz, sizeof(zone)))
		return -EFAULT;
	if (tv && (in.tv_usec < 0 || in.tv_usec >= (long)USEC_PER_SEC || in.tv_sec < 0))
		return -EINVAL;
	if (!capable(CAP_SYS_TIME))
		return -EPERM;
	if (tz && (zone.tz_minuteswest > 15 * 60 || zone.tz_minuteswest < -15 * 60))
		return -EINVAL;
	return tv ? clock_set_real((u64)in.tv_sec * NSEC_PER_SEC + (u64)in.tv_usec * 1000) : 0;
}

long sys_time(long __user *tloc)
{
	long now = (long)(clock_real_ns() / NSEC_PER_SEC);

	return tloc && put_user(now, tloc) ? -EFAULT : now;
}

long sys_clock_adjtime(int clock, struct __kernel_timex __user *utx)
{
	struct __kernel_timex tx;

	if (clock != CLOCK_REALTIME)
		return clock >= 0 && clock <= CLOCK_TAI ? -EOPNOTSUPP : -EINVAL;
	if (copy_from_user(&tx, utx, sizeof(tx)))
		return -EFAULT;
	if (tx.modes && tx.modes != ADJ_OFFSET_SS_READ && !capable(CAP_SYS_TIME))
		return -EPERM;
	int ret = clock_adjust(&tx);
	if (ret >= 0 && copy_to_user(utx, &tx, sizeof(tx)))
		return -EFAULT;
	return ret;
}

long sys_adjtimex(struct __kernel_timex __user *tx)
{
	return sys_clock_adjtime(CLOCK_REALTIME, tx);
}

/* Sleeping. */

/*
 * Sleep until the monotonic deadline.  0, or -ERESTART_RESTARTBLOCK/-ERESTARTNOHAND as the caller
 * decides.
 */
static int sleep_until(u64 deadline)
{
	for (;;) {
		thread_set_state(THREAD_INTERRUPTIBLE);
		if (signal_pending(thread_current())) {
			thread_set_state(THREAD_RUNNING);
			return -EINTR;
		}
		if (schedule_timeout(deadline) == -ETIMEDOUT || clock_mono_ns() >= deadline)
			return 0;
	}
}

/* restart.args: deadline, where the rest is told. */
static long nanosleep_continue(struct thread *t)
{
	u64 deadline = t->restart.args[0], now;
	struct __kernel_timespec __user *rem =
		(struct __kernel_timespec __user *)(vaddr_t)t->restart.args[1];

	if (!sleep_until(deadline))
		return 0;
	now = clock_mono_ns();
	if (rem && put_ns(rem, deadline > now ? deadline - now : 0))
		return -EFAULT;
	t->restart.fn = nanosleep_continue;
	return -ERESTART_RESTARTBLOCK;
}

static long sleep_for(u64 ns, struct __kernel_timespec __user *rem)
{
	struct thread *t = thread_current();

	t->restart.args[0] = clock_deadline(ns);
	t->restart.args[1] = (vaddr_t)rem;
	return nanosleep_continue(t);
}

/* A moment of `clock` as one of the monotonic clock. */
static int to_monotonic(int clock, u64 ns, u64 *deadline)
{
	u64 now;
	int err = clock_read(clock, &now);

	if (!err)
		*deadline = ns > now ? clock_deadline(ns - now) : 0;
	return err;
}

static long sleep_until_clock(int clock, u64 ns)
{
	u64 deadline;
	int err = to_monotonic(clock, ns, &deadline);

	if (err)
		return err;
	/* The clock may be set while we sleep: look again. */
	while (deadline) {
		if (sleep_until(deadline))
			return -ERESTARTNOHAND;
		err = to_monotonic(clock, ns, &deadline);
		if (err)
			return err;
	}
	return 0;
}

static bool can_sleep_on(int clock, int *err)
{
	u64 now;

	*err = clock_read(clock, &now);
	if (*err)
		return false;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI: return true;
	case CLOCK_THREAD_CPUTIME_ID: *err = -EINVAL; return false;
	default: *err = -EOPNOTSUPP; return false;
	}
}

long sys_clock_nanosleep(int clock, int flags, const struct __kernel_timespec __user *rqtp,
			 struct __kernel_timespec __user *rmtp)
{
	struct __kernel_timespec ts;
	u64 ns;
	int err;

	if (!can_sleep_on(clock, &err))
		return err;
	if (copy_from_user(&ts, rqtp, sizeof(ts)))
		return -EFAULT;
	err = timespec_to_ns(&ts, &ns);
	if (err)
		return err;
	return flags & TIMER_ABSTIME ? sleep_until_clock(clock, ns) : sleep_for(ns, rmtp);
}

long sys_nanosleep(const struct __kernel_timespec __user *rqtp,
		   struct __kernel_timespec __user *rmtp)
{
	struct __kernel_timespec ts;
	u64 ns;

	if (copy_from_user(&ts, rqtp, sizeof(ts)))
		return -EFAULT;
	int err = timespec_to_ns(&ts, &ns);
	return err ? err : sleep_for(ns, rmtp);
}
