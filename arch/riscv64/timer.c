/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The time CSR and this hart's comparator: stimecmp where the Sstc extension gives it to supervisor
 * mode, else through the firmware.
 */
#include <arch/timer.h>
#include <isa/csr.h>
#include "riscv_internal.h"

#define SCOUNTEREN_TM 2

void arch_timer_init(void)
{
	/* The frequency is the device tree's (riscv_features_init). */
}

/* User mode may read the time; it is disarmed. */
void arch_timer_init_cpu(void)
{
	csr_write(scounteren, SCOUNTEREN_TM);
	arch_timer_set(~0ull);
}

u64 arch_clock_hz(void)
{
	return riscv_features.hz;
}

void arch_timer_set(u64 deadline)
{
	if (riscv_has(RISCV_SSTC))
		__asm__ __volatile__("csrw %0, %1" : : "i"(CSR_STIMECMP), "r"(deadline) : "memory");
	else
		sbi_set_timer(deadline);
}

/* The line stays raised until the comparator moves. */
void riscv_timer_stop(void)
{
	arch_timer_set(~0ull);
}

/* The platform's clock is a driver's. */
u64 arch_wallclock_seconds(void)
{
	return 0;
}
