/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The counter every CPU and the vDSO can read, and this CPU's one-shot timer. */
#ifndef ARCH_TIMER_H
#define ARCH_TIMER_H

#include <kernel/lib/types.h>

/* Boot CPU: find frequency, calibrate where needed (busy waits at most 5 ms).  After irqchips are
 * up. */
void arch_timer_init(void);
/* Each CPU, itself. */
void arch_timer_init_cpu(void);

/* Monotonic, synchronised across CPUs, readable in user mode.  Context: any. */
static inline u64 arch_clock_read(void);
u64 arch_clock_hz(void);

/* Fire timer_interrupt() on this CPU when the clock reaches `deadline` (ticks); ~0 disarms.
 * Context: interrupts off. */
void arch_timer_set(u64 deadline);

/* Wall-clock seconds since 1970 from a CPU-local or platform clock, 0 if none is known here (a
 * driver may tell later). */
u64 arch_wallclock_seconds(void);

#include <isa/timer.h>

#endif
