/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flag per host thread; nothing interrupts. */
#pragma once

extern __thread bool toy_irqs_on;

static inline void arch_irq_enable(void)
{
	toy_irqs_on = true;
}

static inline void arch_irq_disable(void)
{
	toy_irqs_on = false;
}

static inline irqflags_t arch_irq_save(void)
{
	irqflags_t f = toy_irqs_on;

	toy_irqs_on = false;
	return f;
}

static inline void arch_irq_restore(irqflags_t f)
{
	toy_irqs_on = f;
}

static inline bool arch_irq_enabled(void)
{
	return toy_irqs_on;
}
