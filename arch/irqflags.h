/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Interrupts of this CPU: on, off, as they were. */
#ifndef ARCH_IRQFLAGS_H
#define ARCH_IRQFLAGS_H

#include <kernel/lib/types.h>

typedef unsigned long irqflags_t;

static inline void arch_irq_enable(void);
static inline void arch_irq_disable(void);
static inline irqflags_t arch_irq_save(void);		/* disable; returns the state to restore */
static inline void arch_irq_restore(irqflags_t f);
static inline bool arch_irq_enabled(void);

#include <isa/irqflags.h>

#endif
