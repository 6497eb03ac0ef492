/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <kernel/irq/irq.h>
#include <kernel/sync/mutex.h>

extern struct mutex irq_table_lock;         /* domains, allocation of numbers, actions */
extern struct irq_desc *irq_table[NR_IRQS]; /* [R] published once, never removed */

/* A descriptor of `dom` for `hwirq`.  Returns 0 for failure.  Locks: irq_table_lock held. */
unsigned irq_desc_create(struct irq_domain *dom, u64 hwirq, unsigned trigger);
