/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end: SBI system reset. */
#include <arch/cpu.h>
#include <arch/power.h>
#include "riscv_internal.h"

_Noreturn void arch_reboot(void)
{
	sbi_reset(true);
	arch_cpu_halt();
}

_Noreturn void arch_poweroff(void)
{
	sbi_reset(false);
	arch_cpu_halt();
}
