/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sstatus.SIE. */
#ifndef ISA_IRQFLAGS_H
#define ISA_IRQFLAGS_H

#include <isa/csr.h>

static inline void arch_irq_enable(void)
{
	csr_set(sstatus, SR_SIE);
}

static inline void arch_irq_disable(void)
{
	csr_clear(sstatus, SR_SIE);
}

static inline irqflags_t arch_irq_save(void)
{
	irqflags_t f;

	__asm__ __volatile__("csrrci %0, sstatus, %1" : "=r"(f) : "i"(SR_SIE) : "memory");
	return f & SR_SIE;
}

static inline void arch_irq_restore(irqflags_t f)
{
	csr_set(sstatus, f);
}

static inline bool arch_irq_enabled(void)
{
	return csr_read(sstatus) & SR_SIE;
}

#endif
