/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serial ports of the 8250 family (National Semiconductor PC16550D): COM ports of the PC, the ns16550
 * of device trees.
 *
 * The console writes by polling and works in any context.
 */
#define LOG_PREFIX "8250: "

#include "8250.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/irq/irq.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>

#define UART_DATA 0 /* with DLAB: divisor, low */
#define UART_IER  1 /* with DLAB: divisor, high */
#define UART_FCR  2
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_SCR  7

#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1		 0x03
#define LCR_DLAB	 0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define LSR_THRE	 0x20

#define DEFAULT_BAUD 115200
#define POLL_LIMIT   1000000

struct uart_8250 {
	struct uart_8250_place place; /* [I] */
	struct console console;
};

const struct uart_8250_place *uart_8250_place(const struct uart_8250 *u)
{
	return &u->place;
}

static u8 uart_read(const struct uart_8250 *u, unsigned reg)
{
	return u->place.access->read(u, reg);
}

static void uart_write(const struct uart_8250 *u, unsigned reg, u8 v)
{
	u->place.access->write(u, reg, v);
}

static void uart_put_polled(struct uart_8250 *u, char c)
{
	for (unsigned i = 0; i < POLL_LIMIT && !(uart_read(u, UART_LSR) & LSR_THRE); i++)
		arch_cpu_relax();
	uart_write(u, UART_DATA, (u8)c);
}

static void uart_console_write(struct console *c, const char *text, size_t len)
{
	struct uart_8250 *u = c->private;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			uart_put_polled(u, '\r');
		uart_put_polled(u, text[i]);
	}
}

/* The scratch register keeps what is written; where nothing is, all bits read as one. */
static bool uart_present(const struct uart_8250 *u)
{
	uart_write(u, UART_SCR, 0x5a);
	if (uart_read(u, UART_SCR) != 0x5a)
		return false;
	uart_write(u, UART_SCR, 0xa5);
	return uart_read(u, UART_SCR) == 0xa5;
}

static void uart_set_speed(const struct uart_8250 *u, u32 baud)
{
	u32 divisor = u->place.clock_hz / 16 / baud;

	if (!u->place.clock_hz || !divisor)
		return;
	uart_write(u, UART_LCR, LCR_8N1 | LCR_DLAB);
	uart_write(u, UART_DATA, (u8)divisor);
	uart_write(u, UART_IER, (u8)(divisor >> 8));
	uart_write(u, UART_LCR, LCR_8N1);
}

static void uart_setup(const struct uart_8250 *u)
{
	uart_write(u, UART_IER, 0);
	uart_set_speed(u, DEFAULT_BAUD);
	uart_write(u, UART_LCR, LCR_8N1);
	uart_write(u, UART_FCR, FCR_ENABLE_CLEAR);
	uart_write(u, UART_MCR, MCR_DTR_RTS_OUT2);
}

int uart_8250_add(const struct uart_8250_place *place)
{
	static int ports;
	struct uart_8250 *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return -ENOMEM;
	u->place = *place;
	if (!uart_present(u)) {
		kfree(u);
		return -ENODEV;
	}
	uart_setup(u);
	u->console = (struct console){
		.name = "ttyS",
		.index = ports++,
		.write = uart_console_write,
		.private = u,
	};
	console_register(&u->console);
	return 0;
}

/* --- registers in memory, told by a device tree --- */

static u8 mmio_uart_read(const struct uart_8250 *u, unsigned reg)
{
	volatile u8 *p = u->place.mmio + (reg << u->place.shift);

	return u->place.width == 4 ? (u8)mmio_read32(p) : mmio_read8(p);
}

static void mmio_uart_write(const struct uart_8250 *u, unsigned reg, u8 v)
{
	volatile u8 *p = u->place.mmio + (reg << u->place.shift);

	if (u->place.width == 4)
		mmio_write32(p, v);
	else
		mmio_write8(p, v);
}

static const struct uart_8250_access mmio_access = { .read = mmio_uart_read, .write = mmio_uart_write };

static int uart_fdt_probe(const struct fdt *fdt, int node)
{
	struct uart_8250_place place = { .access = &mmio_access, .width = 1 };
	paddr_t pa;
	u64 size;
	int err;

	if (!fdt_reg(fdt, node, 0, &pa, &size))
		return -ENODEV;
	place.shift = (u8)(fdt_u32(fdt, node, "reg-shift", 0) & 3);
	if (fdt_u32(fdt, node, "reg-io-width", 1) == 4)
		place.width = 4;
	place.clock_hz = fdt_u32(fdt, node, "clock-frequency", 0);
	if (irq_from_fdt(node, 0, &place.irq))
		place.irq = 0;
	place.mmio = mmio_map(pa, size);
	if (!place.mmio)
		return -ENOMEM;
	err = uart_8250_add(&place);
	if (err)
		mmio_unmap(place.mmio);
	return err;
}

static const char *const uart_ids[] = { "ns16550a", "ns16550", "ns8250", "snps,dw-apb-uart", NULL };

FDT_DRIVER(uart_8250) = { .name = "8250", .compatible = uart_ids, .probe = uart_fdt_probe };
FDT_DRIVER_ENTRY(uart_8250);
