/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding and starting the other processors. */
#ifndef ARCH_SMP_H
#define ARCH_SMP_H

#include <kernel/lib/types.h>

struct cpu;

/* Call `found` for every usable processor of the machine, the boot one first.  Returns how many. */
unsigned arch_smp_enumerate(void (*found)(u64 hwid, void *ctx), void *ctx);

/*
 * Start `c` on its idle thread's stack; it arrives in smp_secondary_main() (kernel/smp) with
 * interrupts off. Returns 0 or -EIO when the machine refuses.  Context: may sleep.
 */
int arch_smp_start(struct cpu *c) __must_check;

/* This CPU, for panic and power-off: interrupts off, for ever. */
_Noreturn void arch_smp_park(void);

#endif
