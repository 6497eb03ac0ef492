/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PSCI, the firmware that starts processors and ends the machine (Arm DEN 0022).
 *
 * The call goes to EL2 (hvc) or EL3 (smc) as the device tree says.
 */
#include <arch/cpu.h>
#include <arch/power.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/string.h>
#include "arm_internal.h"

#define PSCI_CPU_ON	  0xc4000003u
#define PSCI_SYSTEM_OFF	  0x84000008u
#define PSCI_SYSTEM_RESET 0x84000009u

static enum conduit { PSCI_NONE, PSCI_HVC, PSCI_SMC } conduit;

/* The calling convention lets firmware change x0 to x17. */
static long psci_call(u64 function, u64 a, u64 b, u64 c)
{
	/* Read first: instrumentation of a load must not come between the registers and the
	 * call. */
	enum conduit how = conduit;
	register u64 x0 __asm__("x0") = function;
	register u64 x1 __asm__("x1") = a;
	register u64 x2 __asm__("x2") = b;
	register u64 x3 __asm__("x3") = c;

#define PSCI_DO(insn)                                                                              \
	__asm__ __volatile__(insn                                                                  \
			     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)                              \
			     :                                                                     \
			     : "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",     \
			       "x14", "x15", "x16", "x17", "memory")
	if (how == PSCI_NONE)
		return -1;
	if (how == PSCI_HVC)
		PSCI_DO("hvc #0");
	else
		PSCI_DO("smc #0");
	return (long)x0;
}

void psci_init(void)
{
	static const char *const ids[] = { "arm,psci-1.0", "arm,psci-0.2" };
	const struct fdt *fdt = fdt_system();

	for (unsigned i = 0; fdt && i < ARRAY_SIZE(ids); i++) {
		int node = fdt_find_compatible(fdt, FDT_NONE, ids[i]);
		const char *method = node >= 0 ? fdt_string(fdt, node, "method") : NULL;

		if (!method)
			continue;
		conduit = !strcmp(method, "hvc") ? PSCI_HVC
			: !strcmp(method, "smc") ? PSCI_SMC
						 : PSCI_NONE;
		break;
	}
	if (conduit == PSCI_NONE)
		log_warn("psci: not found: one processor, no power-off\n");
}

long psci_cpu_on(u64 mpidr, paddr_t entry, u64 context)
{
	return psci_call(PSCI_CPU_ON, mpidr, entry, context);
}

_Noreturn void arch_reboot(void)
{
	psci_call(PSCI_SYSTEM_RESET, 0, 0, 0);
	arch_cpu_halt();
}

_Noreturn void arch_poweroff(void)
{
	psci_call(PSCI_SYSTEM_OFF, 0, 0, 0);
	arch_cpu_halt();
}
