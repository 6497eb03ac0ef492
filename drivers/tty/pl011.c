/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PL011 serial ports (Arm DDI 0183), as consoles.
 *
 * Firmware has set speed and format.  The console writes by polling and so works in any context.
 */
#include <arch/cpu.h>
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>

#define UART_DR	     0x00
#define UART_FR	     0x18
#define UART_FR_TXFF (1u << 5)

struct pl011 {
	struct console console;
	volatile u8 *regs;	/* [I] */
};

static void pl011_putc(struct pl011 *u, char c)
{
	while (mmio_read32(u->regs + UART_FR) & UART_FR_TXFF)
		arch_cpu_relax();
	mmio_write32(u->regs + UART_DR, (u8)c);
}

static void pl011_console_write(struct console *c, const char *text, size_t len)
{
	struct pl011 *u = c->private;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			pl011_putc(u, '\r');
		pl011_putc(u, text[i]);
	}
}

static int pl011_probe(const struct fdt *fdt, int node)
{
	static int ports;
	struct pl011 *u;
	paddr_t pa;
	u64 size;

	if (!fdt_reg(fdt, node, 0, &pa, &size))
		return -ENODEV;
	u = kzalloc(sizeof(*u), GFP_KERNEL);
	if (!u)
		return -ENOMEM;
	u->regs = mmio_map(pa, size);
	if (!u->regs) {
		kfree(u);
		return -ENOMEM;
	}
	u->console = (struct console){
		.name = "ttyAMA",
		.index = ports++,
		.write = pl011_console_write,
		.private = u,
	};
	console_register(&u->console);
	return 0;
}

static const char *const pl011_ids[] = { "arm,pl011", NULL };

FDT_DRIVER(pl011) = { .name = "pl011", .compatible = pl011_ids, .probe = pl011_probe };
FDT_DRIVER_ENTRY(pl011);
