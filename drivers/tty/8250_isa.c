/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial ports a PC has at fixed addresses, COM1 to COM4. */
#include "8250.h"

#include <apic.h>
#include <kernel/device/bus_scan.h>
#include <kernel/irq/irq.h>
#include <port.h>

#define CLOCK_HZ 1843200

static u8 port_read(const struct uart_8250 *u, unsigned reg)
{
	return inb((u16)(uart_8250_place(u)->port + reg));
}

static void port_write(const struct uart_8250 *u, unsigned reg, u8 v)
{
	outb((u16)(uart_8250_place(u)->port + reg), v);
}

static const struct uart_8250_access port_access = {.read = port_read, .write = port_write};

static unsigned isa_irq(unsigned line)
{
	u32 gsi;
	unsigned trigger, irq;

	x86_isa_irq(line, &gsi, &trigger);
	return irq_from_gsi(gsi, trigger, &irq) ? 0 : irq;
}

static void com_scan(void)
{
	static const struct {
		u16 port;
		u8 line;
	} com[] = {{0x3f8, 4}, {0x2f8, 3}, {0x3e8, 4}, {0x2e8, 3}};

	for (unsigned i = 0; i < ARRAY_SIZE(com); i++) {
		struct uart_8250_place place = {
			.access = &port_access,
			.port = com[i].port,
			.clock_hz = CLOCK_HZ,
			.irq = isa_irq(com[i].line),
		};

		/* Most machines have one or none. */
		if (uart_8250_add(&place) && !i)
			break;
	}
}

BUS_SCAN(com, com_scan);
