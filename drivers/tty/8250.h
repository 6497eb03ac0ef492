/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the finders of 8250s tell the driver. */
#pragma once

#include <kernel/lib/compiler.h>

struct uart_8250;

/* How its registers are reached: by number, 0 to 7. */
struct uart_8250_access {
	u8 (*read)(const struct uart_8250 *u, unsigned reg);
	void (*write)(const struct uart_8250 *u, unsigned reg, u8 v);
};

struct uart_8250_place {
	const struct uart_8250_access *access;
	volatile u8 *mmio; /* registers in memory ... */
	u16 port;          /* ... or the first I/O port */
	u8 shift;          /* distance between registers in memory, as a power of two */
	u8 width;          /* bytes of one access in memory: 1 or 4 */
	u32 clock_hz; /* input clock, 16 times the highest speed; 0: keep the firmware's speed */
	unsigned irq; /* 0: none, the port is polled by its timer */
};

/* Where the device is, for the accessors. */
const struct uart_8250_place *uart_8250_place(const struct uart_8250 *u);

/* Add a port.  Returns 0, -ENODEV when no UART answers, -ENOMEM.  Context: may sleep. */
int __must_check uart_8250_add(const struct uart_8250_place *place);
