/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Drivers of devices that a device tree describes.
 *
 * A driver lists the `compatible` strings it knows; drivers/bus/fdt walks the tree and calls the
 * probe of the first driver that matches each enabled node, in the order of the node's own
 * strings, most specific first.  Interrupt controllers are a set of their own because everything
 * else needs them: arch_init() has them probed first.
 *
 *	static const char *const pl011_ids[] = { "arm,pl011", NULL };
 *	FDT_DRIVER(pl011) = { .name = "pl011", .compatible = pl011_ids, .probe = pl011_probe };
 *	FDT_DRIVER_ENTRY(pl011);
 */
#pragma once

#include <kernel/lib/linkset.h>

struct fdt;

struct fdt_driver {
	const char *name;		/* [I] for the log */
	const char *const *compatible;	/* [I] ends with NULL */

	/* Returns 0, -ENODEV when the device is not usable after all, or another errno, which is
	 * logged.  The node stays valid for ever.  Context: may sleep (irqchips: early boot). */
	int (*probe)(const struct fdt *fdt, int node);

	/* Irqchips: what each processor does for itself when it starts, the boot one too; may be
	 * called again.  Or NULL.  Context: interrupts off. */
	void (*init_cpu)(void);
};

#define FDT_DRIVER(id)	     static const struct fdt_driver fdt_driver_##id
#define FDT_DRIVER_ENTRY(id) LINKSET_ENTRY(fdt_drivers, struct fdt_driver, fdt_driver_##id)

/* The same for interrupt controllers. */
#define FDT_IRQCHIP(id)	      static const struct fdt_driver fdt_irqchip_##id
#define FDT_IRQCHIP_ENTRY(id) LINKSET_ENTRY(fdt_irqchips, struct fdt_driver, fdt_irqchip_##id)

/*
 * Probe the interrupt controllers, parents before children.  Called by arch_init().
 * Implemented in drivers/bus/fdt.
 */
void fdt_probe_irqchips(void);

/* Call init_cpu of each interrupt controller found.  Called by arch_init_cpu(). */
void fdt_irqchips_init_cpu(void);

/* Probe everything else.  Called once from the boot order, when drivers may sleep and map. */
void fdt_probe_devices(void);
