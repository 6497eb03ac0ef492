/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PSTATE.I.  The flags are the value of DAIF. */
#pragma once

#include <isa/sysreg.h>

static inline void arch_irq_enable(void)
{
	__asm__ __volatile__("msr daifclr, #2" : : : "memory");
}

static inline void arch_irq_disable(void)
{
	__asm__ __volatile__("msr daifset, #2" : : : "memory");
}

static inline irqflags_t arch_irq_save(void)
{
	irqflags_t f;

	__asm__ __volatile__("mrs %0, daif\n\tmsr daifset, #2" : "=r"(f) : : "memory");
	return f;
}

static inline void arch_irq_restore(irqflags_t f)
{
	__asm__ __volatile__("msr daif, %0" : : "r"(f) : "memory");
}

static inline bool arch_irq_enabled(void)
{
	irqflags_t f;

	__asm__ __volatile__("mrs %0, daif" : "=r"(f));
	return !(f & PSR_I);
}
