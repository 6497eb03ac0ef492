/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The time CSR, which user mode may read as well. */
#ifndef ISA_TIMER_H
#define ISA_TIMER_H

static inline u64 arch_clock_read(void)
{
	unsigned long t;

	__asm__ __volatile__("rdtime %0" : "=r"(t) : : "memory");
	return t;
}

#endif
