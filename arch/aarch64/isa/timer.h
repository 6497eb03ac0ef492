/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The generic timer's virtual counter. */
#pragma once

#include <isa/sysreg.h>

static inline u64 arch_clock_read(void)
{
	u64 v;

	/* The barrier keeps the read from being speculated ahead of earlier instructions. */
	__asm__ __volatile__("isb\n\tmrs %0, cntvct_el0" : "=r"(v) : : "memory");
	return v;
}
