/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wall clock of QEMU's virt machine on RISC-V (and of the Android emulator): nanoseconds since
 * 1970 in two halves, where reading the low half latches the high one.
 */
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/time/clock.h>
#include <mm/vmalloc.h>

#define GOLDFISH_TIME_LOW  0x0
#define GOLDFISH_TIME_HIGH 0x4

static int goldfish_rtc_probe(const struct fdt *fdt, int node)
{
	paddr_t base;
	u64 size;

	if (!fdt_reg(fdt, node, 0, &base, &size) || size < 8)
		return -ENODEV;

	u8 __iomem *regs = mmio_map(base, size);

	if (!regs)
		return -ENOMEM;

	u64 ns = mmio_read32(regs + GOLDFISH_TIME_LOW);

	ns |= (u64)mmio_read32(regs + GOLDFISH_TIME_HIGH) << 32;
	mmio_unmap(regs);
	clock_set_persistent(ns / NSEC_PER_SEC);
	return 0;
}

static const char *const goldfish_rtc_ids[] = { "google,goldfish-rtc", NULL };
FDT_DRIVER(goldfish_rtc) = {
	.name = "goldfish-rtc", .compatible = goldfish_rtc_ids, .probe = goldfish_rtc_probe,
};
FDT_DRIVER_ENTRY(goldfish_rtc);
