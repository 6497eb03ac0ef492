/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PL031 real-time clock: a counter of seconds since 1970 (Arm DDI 0224). */
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/time/clock.h>
#include <mm/vmalloc.h>

#define PL031_DR 0x00

static int pl031_probe(const struct fdt *fdt, int node)
{
	volatile u8 *regs;
	paddr_t pa;
	u64 size;

	if (!fdt_reg(fdt, node, 0, &pa, &size))
		return -ENODEV;
	regs = mmio_map(pa, size);
	if (!regs)
		return -ENOMEM;
	clock_set_persistent(mmio_read32(regs + PL031_DR));
	mmio_unmap(regs);
	return 0;
}

static const char *const pl031_ids[] = { "arm,pl031", NULL };

FDT_DRIVER(pl031) = { .name = "pl031", .compatible = pl031_ids, .probe = pl031_probe };
FDT_DRIVER_ENTRY(pl031);
