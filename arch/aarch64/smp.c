/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other processors: named by /cpus of the device tree, started by PSCI.
 *
 * A processor's hwid is the affinity part of its MPIDR_EL1.  It comes up in boot.S with the MMU off
 * and its struct cpu in x0, takes the translation registers of the boot processor, and arrives in
 * secondary_main() on the stack of its idle thread.
 */
#include <arch/cpu.h>
#include <arch/smp.h>
#include <kernel/abi/errno.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <isa/sysreg.h>
#include "arm_internal.h"
#include "boot_internal.h"

static bool cpu_usable(const struct fdt *fdt, int node)
{
	const char *type = fdt_string(fdt, node, "device_type");
	const char *method = fdt_string(fdt, node, "enable-method");

	return type && !strcmp(type, "cpu") && fdt_enabled(fdt, node) && method &&
	       !strcmp(method, "psci");
}

unsigned arch_smp_enumerate(void (*found)(u64 hwid, void *ctx), void *ctx)
{
	const struct fdt *fdt = fdt_system();
	u64 boot = read_sysreg(mpidr_el1) & MPIDR_HWID_MASK, hwid, size;
	unsigned n = 1;
	int node;

	found(boot, ctx);
	if (!fdt)
		return n;

	int cpus = fdt_find_path(fdt, "/cpus");

	fdt_for_each_child (node, fdt, cpus) {
		if (!cpu_usable(fdt, node) || !fdt_reg_raw(fdt, node, 0, &hwid, &size) ||
		    hwid == boot)
			continue;
		found(hwid, ctx);
		n++;
	}
	return n;
}

#define EMERGENCY_STACK_SIZE 4096

int arch_smp_start(struct cpu *c)
{
	if (!c->arch.emergency_stack) {
		char *stack = kmalloc(EMERGENCY_STACK_SIZE, GFP_KERNEL);

		if (!stack)
			return -EIO;
		c->arch.emergency_stack = (vaddr_t)stack + EMERGENCY_STACK_SIZE;
	}
	thread_prepare(c->idle);
	c->arch.current = c->idle;
	/* It is read through its own MMU, but the store must be out before firmware runs. */
	dsb(sy);
	return psci_cpu_on(c->hwid, image_pa(secondary_entry), (u64)(uintptr_t)c) ? -EIO : 0;
}

_Noreturn void secondary_main(void)
{
	mmu_init_cpu();
	__asm__ __volatile__("msr daifclr, #4" : : : "memory");
	smp_secondary_main();
}

_Noreturn void arch_smp_park(void)
{
	arch_cpu_halt();
}
