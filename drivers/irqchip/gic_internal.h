/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the parts of the GIC driver. */
#pragma once

#include <kernel/irq/irq.h>

#define GIC_FIRST_LPI 8192

/* gic.c: operations on a line, for chips stacked upon it. */
void gic_mask(struct irq_desc *d);
void gic_unmask(struct irq_desc *d);
void gic_eoi(struct irq_desc *d);
void gic_retrigger(struct irq_desc *d);
int gic_set_type(struct irq_desc *d, unsigned trigger);
int gic_set_affinity(struct irq_desc *d, const struct cpumask *mask);

/* Have interrupts of line d->hwirq dispatched as d->irq. */
int gic_attach(struct irq_desc *d);

/* End of interrupt. */
void gic_finish(u32 iar);

/* Version 3: this CPU's redistributor; who handles message interrupts. */
volatile u8 *gic_redistributor(void);
void gic_set_lpi_handler(bool (*fn)(u32 hwirq));
