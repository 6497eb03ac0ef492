/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading the clocks in user mode: the body of every architecture's vDSO.
 *
 * The file that includes this one supplies, before it does so:
 *
 *	static inline u64 vdso_counter(const struct vdso_data *d)	the counter, ordered after earlier
 *	loads static inline long vdso_fallback(long nr, long a, long b)	a system call
 *	extern const struct vdso_data vdso_data				the page, hidden
 *
 * It is compiled for user mode, so it calls nothing; shifts of 128-bit numbers are spelled out
 * because compilers call a library for them.
 */
#pragma once

#include <kernel/abi/errno.h>
#include <kernel/abi/time.h>
#include <kernel/abi/unistd.h>
#include <kernel/lib/compiler.h>
#include <kernel/time/vdso_data.h>

#define VDSO_NSEC_PER_SEC 1000000000ull

static __always_inline u32 vdso_read_begin(const struct vdso_data *d)
{
	u32 seq;

	while ((seq = __atomic_load_n(&d->sequence, __ATOMIC_ACQUIRE)) & 1)
		;
	return seq;
}

static __always_inline bool vdso_read_retry(const struct vdso_data *d, u32 seq)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return unlikely(__atomic_load_n(&d->sequence, __ATOMIC_RELAXED) != seq);
}

/* (base + delta * mult) >> shift, 0 < shift < 64; the result fits. */
static __always_inline u64 vdso_scale(u64 base, u64 delta, u64 mult, u32 shift)
{
	unsigned __int128 product = (unsigned __int128)delta * mult + base;

	return (u64)product >> shift | (u64)(product >> 64) << (64 - shift);
}

static __always_inline void vdso_set(struct __kernel_timespec *ts, u64 sec, u64 nsec)
{
	ts->tv_sec = (s64)(sec + nsec / VDSO_NSEC_PER_SEC);
	ts->tv_nsec = (s64)(nsec % VDSO_NSEC_PER_SEC);
}

/* Returns false when the page has not been set up. */
static __always_inline bool vdso_read_clock(const struct vdso_data *d,
					    const struct vdso_clock *clock, const u64 *multiplier,
					    struct __kernel_timespec *ts)
{
	u64 sec, nsec, mult;
	u32 seq;

	do {
		seq = vdso_read_begin(d);
		mult = READ_ONCE(*multiplier);
		if (unlikely(!mult))
			return false;

		/* A counter slightly behind the page's (another processor wrote it) counts as
		 * equal. */
		u64 now = vdso_counter(d), then = READ_ONCE(d->counter_base);
		u64 delta = (s64)(now - then) > 0 ? now - then : 0;

		sec = READ_ONCE(clock->sec);
		nsec = vdso_scale(READ_ONCE(clock->nsec_shifted), delta, mult, READ_ONCE(d->shift));
	} while (vdso_read_retry(d, seq));
	vdso_set(ts, sec, nsec);
	return true;
}

static __always_inline void vdso_read_coarse(const struct vdso_data *d, bool real,
					     struct __kernel_timespec *ts)
{
	const u64 *sec = real ? &d->coarse_real.sec : &d->coarse_mono.sec;
	const u64 *nsec = real ? &d->coarse_real.nsec : &d->coarse_mono.nsec;
	u32 seq;

	do {
		seq = vdso_read_begin(d);
		ts->tv_sec = (s64)READ_ONCE(*sec);
		ts->tv_nsec = (s64)READ_ONCE(*nsec);
	} while (vdso_read_retry(d, seq));
}

static __always_inline long vdso_clock_gettime(long clock, struct __kernel_timespec *ts)
{
	const struct vdso_data *d = &vdso_data;
	bool done = false;

	if (clock == CLOCK_MONOTONIC) {
		done = vdso_read_clock(d, &d->base[VDSO_MONO], &d->mult, ts);
	} else if (clock == CLOCK_REALTIME) {
		done = vdso_read_clock(d, &d->base[VDSO_REAL], &d->mult, ts);
	} else if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE) {
		vdso_read_coarse(d, clock == CLOCK_REALTIME_COARSE, ts);
		done = true;
	} else if (clock == CLOCK_MONOTONIC_RAW) {
		done = vdso_read_clock(d, &d->raw, &d->raw_mult, ts);
	} else if (clock == CLOCK_BOOTTIME) {
		done = vdso_read_clock(d, &d->base[VDSO_BOOT], &d->mult, ts);
	} else if (clock == CLOCK_TAI) {
		done = vdso_read_clock(d, &d->base[VDSO_TAI], &d->mult, ts);
	}
	return done ? 0 : vdso_fallback(__NR_clock_gettime, clock, (long)ts);
}

static __always_inline long vdso_gettimeofday(struct __kernel_old_timeval *tv, void *tz)
{
	struct __kernel_timespec ts;

	if (unlikely(tz))
		return vdso_fallback(__NR_gettimeofday, (long)tv, (long)tz);
	if (tv) {
		if (!vdso_read_clock(&vdso_data, &vdso_data.base[VDSO_REAL], &vdso_data.mult, &ts))
			return vdso_fallback(__NR_gettimeofday, (long)tv, 0);
		tv->tv_sec = ts.tv_sec;
		tv->tv_usec = (long)((u64)ts.tv_nsec / 1000);
	}
	return 0;
}

static __always_inline long vdso_clock_getres(long clock, struct __kernel_timespec *res)
{
	u32 ns;

	if (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW ||
	    clock == CLOCK_BOOTTIME || clock == CLOCK_TAI)
		ns = 1;
	else if (clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		ns = READ_ONCE(vdso_data.resolution_coarse);
	else
		return vdso_fallback(__NR_clock_getres, clock, (long)res);
	if (res) {
		res->tv_sec = 0;
		res->tv_nsec = ns;
	}
	return 0;
}
