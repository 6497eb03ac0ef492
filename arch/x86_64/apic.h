/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Vectors and the local APIC, as interrupt controller drivers see them.  Every device vector is the
 * same on all CPUs; which CPU gets an interrupt is in the message or in the redirection entry.
 */
#pragma once

#include <kernel/lib/cpumask.h>

struct irq_desc;

/*
 * `n` consecutive vectors, aligned to their number rounded up to a power of two as PCI MSI wants.
 * Returns the first, or 0 when there are none.  Context: any.  Locks: takes the table's.
 */
unsigned x86_vector_alloc(unsigned n);
void x86_vector_free(unsigned vector, unsigned n);

/* Interrupts of `vector` are irq `irq` from now on (0: nobody's). */
void x86_vector_bind(unsigned vector, unsigned irq);

/* Tell the local APIC that the interrupt in service is done. */
void x86_apic_eoi(void);

/* The local APIC id of the first online CPU of `mask`. */
u32 x86_apic_target(const struct cpumask *mask);

/* Global interrupt and trigger (enum irq_trigger) of a line of the old PC: what MADT overrides
 * say. */
void x86_isa_irq(unsigned line, u32 *gsi, unsigned *trigger);
