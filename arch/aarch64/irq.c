/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Boot steps that need the heap: power firmware and interrupt controllers, and what each CPU does
 * for itself.  The interrupt controller proper (GIC) is a driver; trap_irq() reaches it as the
 * root.
 */
#include <arch/boot.h>
#include <kernel/firmware/fdt_driver.h>
#include "arm_internal.h"

void arch_init(void)
{
	psci_init();
	dma_init();
	fdt_probe_irqchips();
}

void arch_init_cpu(void)
{
	cpu_identify();
	fdt_irqchips_init_cpu();
}
