/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock is the time-stamp counter.  The fence keeps it from being read before earlier loads: a
 * time must not lie before one that another CPU took first.
 */
#ifndef ISA_TIMER_H
#define ISA_TIMER_H

#include <kernel/lib/compiler.h>

static __always_inline u64 arch_clock_read(void)
{
	u32 lo, hi;

	__asm__ __volatile__("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}

#endif
