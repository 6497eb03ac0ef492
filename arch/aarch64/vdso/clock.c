/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks, for user mode: the portable body over the virtual counter. */
#include <kernel/lib/types.h>
#include <kernel/time/vdso_data.h>

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

static inline u64 vdso_counter(const struct vdso_data *d)
{
	unsigned long long t;

	/* The barrier keeps the counter from being read before the sequence. */
	__asm__ __volatile__("isb\n\tmrs %0, cntvct_el0" : "=r"(t) : : "memory");
	return t;
}

static inline long vdso_fallback(long nr, long a, long b)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;

	__asm__ __volatile__("svc #0" : "+r"(x0) : "r"(x1), "r"(x8) : "memory");
	return x0;
}

#include <kernel/time/vdso/gettime.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int __kernel_clock_gettime(int clock, struct __kernel_timespec *ts);
EXPORT int __kernel_gettimeofday(struct __kernel_old_timeval *tv, void *tz);
EXPORT int __kernel_clock_getres(int clock, struct __kernel_timespec *res);

int __kernel_clock_gettime(int clock, struct __kernel_timespec *ts)
{
	return (int)vdso_clock_gettime(clock, ts);
}

int __kernel_gettimeofday(struct __kernel_old_timeval *tv, void *tz)
{
	return (int)vdso_gettimeofday(tv, tz);
}

int __kernel_clock_getres(int clock, struct __kernel_timespec *res)
{
	return (int)vdso_clock_getres(clock, res);
}
