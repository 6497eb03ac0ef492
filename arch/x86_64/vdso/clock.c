/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vDSO's functions: the clocks, the portable body over the time-stamp counter, and getcpu,
 * which reads the processor's number from the limit of a descriptor (GDT_CPU).
 */
#include <kernel/lib/types.h>
#include <kernel/time/vdso_data.h>
#include <arch/timer.h>

#define CPU_SELECTOR 0x7b

extern const struct vdso_data vdso_data __attribute__((visibility("hidden")));

static inline u64 vdso_counter(const struct vdso_data *d)
{
	return arch_clock_read();
}

static inline long vdso_fallback(long nr, long a, long b)
{
	long ret;

	__asm__ __volatile__("syscall"
			     : "=a"(ret)
			     : "0"(nr), "D"(a), "S"(b)
			     : "rcx", "r11", "memory");
	return ret;
}

#include <kernel/time/vdso/gettime.h>

#define EXPORT	    __attribute__((visibility("default")))
#define ALIAS(name) __attribute__((weak, visibility("default"), alias(#name)))

EXPORT int __vdso_clock_gettime(int clock, struct __kernel_timespec *ts);
EXPORT int __vdso_gettimeofday(struct __kernel_old_timeval *tv, void *tz);
EXPORT int __vdso_clock_getres(int clock, struct __kernel_timespec *res);
EXPORT long __vdso_time(long *t);
EXPORT long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

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

/* As the system call: the second of the latest tick. */
long __vdso_time(long *t)
{
	struct __kernel_timespec now;

	if (vdso_clock_gettime(CLOCK_REALTIME_COARSE, &now))
		return -1;
	if (t)
		*t = (long)now.tv_sec;
	return (long)now.tv_sec;
}

long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	unsigned number;

	__asm__ __volatile__("lsl %1, %0" : "=r"(number) : "r"(CPU_SELECTOR));
	if (cpu)
		*cpu = number;
	if (node)
		*node = 0;
	return 0;
}

int clock_gettime(int clock, struct __kernel_timespec *ts) ALIAS(__vdso_clock_gettime);
int gettimeofday(struct __kernel_old_timeval *tv, void *tz) ALIAS(__vdso_gettimeofday);
int clock_getres(int clock, struct __kernel_timespec *res) ALIAS(__vdso_clock_getres);
long time(long *t) ALIAS(__vdso_time);
long getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(__vdso_getcpu);

/* The version of Linux this interface is that of. */
static const struct {
	u32 name_size, size, type;
	char name[8];
	u32 version;
} release __attribute__((section(".note.release"), used, aligned(4))) = {
	.name_size = 6, .size = 4, .type = 0, .name = "Linux", .version = 6 << 16 | 12 << 8,
};
