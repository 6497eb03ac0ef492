/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clocks, for user mode: the portable body over the time CSR. */
#include <kernel/lib/types.h>
#include <kernel/time/vdso_data.h>

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

/* The counter is read after the sequence: a fence orders a CSR read of a counter like an input. */
static inline u64 vdso_counter(const struct vdso_data *d)
{
	unsigned long t;

	__asm__ __volatile__("fence r, i\n\trdtime %0" : "=r"(t) : : "memory");
	return t;
}

static inline long vdso_fallback(long nr, long a, long b)
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;

	__asm__ __volatile__("ecall" : "+r"(a0) : "r"(a1), "r"(a7) : "memory");
	return a0;
}

#include <kernel/time/vdso/gettime.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *tv, void *tz);
EXPORT int __vdso_clock_getres(int clock, struct __kernel_timespec *res);

int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts)
{
	return (int)vdso_clock_gettime(clock, ts);
}

int __vdso_gettimeofday(struct __kernel_old_timeval *tv, void *tz)
{
	return (int)vdso_gettimeofday(tv, tz);
}

int __vdso_clock_getres(int clock, struct __kernel_timespec *res)
{
	return (int)vdso_clock_getres(clock, res);
}
