/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What time it is.
 *
 * All times are nanoseconds in 64 bits.  The monotonic clock counts from boot and is the base of
 * all others: real time is monotonic plus an offset that settimeofday and NTP move, boot time
 * equals monotonic plus the time suspended (none), raw is monotonic without NTP's slewing.
 */
#pragma once

#include <kernel/abi/time.h>
#include <kernel/lib/types.h>

#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_USEC 1000ULL
#define USEC_PER_SEC  1000000ULL
#define KTIME_MAX     S64_MAX

/* Context: any, NMI included. */
u64 clock_mono_ns(void);
u64 clock_boot_ns(void);
u64 clock_raw_ns(void);
u64 clock_real_ns(void); /* since 1970-01-01 UTC; before 1970 does not occur */
u64 clock_tai_ns(void);
/* The value at the last tick: cheap, 4 ms coarse. */
u64 clock_mono_coarse_ns(void);
u64 clock_real_coarse_ns(void);
/* A fast clock for the scheduler: monotonic, never slewed. */
u64 clock_sched_ns(void);

/* real = mono + this. */
s64 clock_real_offset(void);
s64 clock_tai_offset(void); /* nanoseconds: real to TAI */

/*
 * What the counter will be at `mono_ns` of the monotonic clock, at the rate of now, rounded up; what
 * it is now for a time that is past.  One far away may be early by some parts in a million.
 * Context: any.
 */
u64 clock_ns_to_counter(u64 mono_ns);

/*
 * Set the wall clock.  Timers on it are told through the observer.  Returns 0 or -EINVAL (out of
 * range). Context: any thread.
 */
int __must_check clock_set_real(u64 ns);
/* Add `delta` to it at once. */
int __must_check clock_step_real(s64 delta);
/* Called after each jump of the wall clock, interrupts on, thread context. */
void clock_set_jump_observer(void (*jumped)(void));

/* adjtimex(2): reads and, by tx->modes, changes the NTP state.  Returns TIME_* or -EINVAL. */
int clock_adjust(struct __kernel_timex *tx);

/* Validate and convert.  timespec_to_ns: 0 or -EINVAL (negative or nanoseconds out of range);
 * saturates at KTIME_MAX. */
int __must_check timespec_to_ns(const struct __kernel_timespec *ts, u64 *ns);
struct __kernel_timespec ns_to_timespec(u64 ns);

/* now + delta, saturated at KTIME_MAX. */
static inline u64 ktime_add(u64 a, u64 b)
{
	u64 sum = a + b;

	return sum < a || sum > (u64)KTIME_MAX ? (u64)KTIME_MAX : sum;
}

/* Absolute deadline `delta` from now. */
static inline u64 clock_deadline(u64 delta)
{
	return ktime_add(clock_mono_ns(), delta);
}

/* Busy-wait.  Context: any. */
void delay_ns(u64 ns);
static inline void delay_us(u64 us)
{
	delay_ns(us * NSEC_PER_USEC);
}

/* Boot: after arch_timer_init.  Until then all clocks read 0. */
void clock_init(void);
/* A driver found the wall clock (seconds since 1970) and nothing better has set it yet. */
void clock_set_persistent(u64 seconds);
/* Bring the coarse clocks and the vDSO page up to date: the tick, and leaving idle. */
void clock_tick(void);
