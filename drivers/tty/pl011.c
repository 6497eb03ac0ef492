/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PL011 serial ports (Arm DDI 0183), as consoles.
 *
 * Firmware has set speed and format.  The console writes by polling and so works in any context;
 * the tty receives and sends by interrupt.
 */
#define LOG_PREFIX "pl011: "

#include <arch/cpu.h>
#include <arch/io.h>
#include <fs/tty/serial.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/irq/irq.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>

#define UART_DR      0x00
#define UART_FR      0x18
#define UART_FR_BUSY (1u << 3)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_CR      0x30
#define UART_LCRH    0x2c
#define UART_IFLS    0x34
#define UART_IMSC    0x38
#define UART_MIS     0x40
#define UART_ICR     0x44

#define CR_ON           0x301u /* enable, transmit, receive */
#define LCRH_BREAK      (1u << 0)
#define LCRH_8N1_FIFO   0x70u
#define INT_RECEIVE     (1u << 4 | 1u << 6) /* level reached, or silence with bytes waiting */
#define INT_TRANSMIT    (1u << 5)
#define DR_FRAME        (1u << 8)
#define DR_PARITY       (1u << 9)
#define DR_BREAK        (1u << 10)
#define INTERRUPT_LOOPS 256 /* a device that never ends must not hang us */

struct pl011 {
	struct console console;
	volatile u8 *regs; /* [I] */
	struct serial_port port;
	u32 mask; /* [port.lock] what IMSC holds */
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

/* --- the tty --- */

static struct pl011 *port_uart(struct serial_port *p)
{
	return container_of(p, struct pl011, port);
}

static void set_mask(struct pl011 *u, u32 set, u32 clear)
{
	u->mask = (u->mask & ~clear) | set;
	mmio_write32(u->regs + UART_IMSC, u->mask);
}

/*
 * Fill the FIFO.  The interrupt says when it has drained; it does not come by itself for an empty
 * one.
 */
static void pl011_tx_start(struct serial_port *p)
{
	struct pl011 *u = port_uart(p);
	u8 c;

	while (!(mmio_read32(u->regs + UART_FR) & UART_FR_TXFF)) {
		if (!serial_tx_next(p, &c)) {
			set_mask(u, 0, INT_TRANSMIT);
			return;
		}
		mmio_write32(u->regs + UART_DR, c);
	}
	set_mask(u, INT_TRANSMIT, 0);
}

static bool pl011_tx_idle(struct serial_port *p)
{
	return !(mmio_read32(port_uart(p)->regs + UART_FR) & UART_FR_BUSY);
}

static void pl011_startup(struct serial_port *p)
{
	struct pl011 *u = port_uart(p);

	mmio_write32(u->regs + UART_CR, CR_ON);
	set_mask(u, INT_RECEIVE, 0);
}

static void pl011_shutdown(struct serial_port *p)
{
	set_mask(port_uart(p), 0, INT_RECEIVE);
}

static void pl011_set_break(struct serial_port *p, bool on)
{
	mmio_write32(port_uart(p)->regs + UART_LCRH, LCRH_8N1_FIFO | (on ? LCRH_BREAK : 0));
}

static const struct serial_ops pl011_serial_ops = {
	.tx_start = pl011_tx_start,
	.tx_idle = pl011_tx_idle,
	.startup = pl011_startup,
	.shutdown = pl011_shutdown,
	.set_break = pl011_set_break,
};

static void pl011_receive(struct pl011 *u)
{
	for (unsigned i = 0;
	     i < INTERRUPT_LOOPS && !(mmio_read32(u->regs + UART_FR) & UART_FR_RXFE); i++) {
		u32 d = mmio_read32(u->regs + UART_DR);
		u8 c = (u8)d;

		if (likely(!(d & (DR_FRAME | DR_PARITY | DR_BREAK))))
			tty_receive(u->port.tty, &c, 1);
		else
			tty_receive_flagged(u->port.tty, c,
					    d & DR_BREAK    ? TTY_BREAK
					    : d & DR_PARITY ? TTY_PARITY
							    : TTY_FRAME);
	}
}

static enum irq_result pl011_interrupt(unsigned irq, void *arg)
{
	struct pl011 *u = arg;
	u32 status = mmio_read32(u->regs + UART_MIS);

	if (!status)
		return IRQ_NONE;
	mmio_write32(u->regs + UART_ICR, status);
	if (status & INT_RECEIVE)
		pl011_receive(u);
	if (status & INT_TRANSMIT) {
		{
			guard_spin_irq(&u->port.lock);
			pl011_tx_start(&u->port);
		}
		serial_tx_done(&u->port);
	}
	return IRQ_HANDLED;
}

static struct tty_driver pl011_driver = {
	.name = "ttyAMA",
	.major = 204,
	.minor_first = 64,
	.count = 16,
	.ops = &serial_tty_ops,
};

static void pl011_add_tty(struct pl011 *u, unsigned index, unsigned irq)
{
	int err;

	pl011_driver.initial = serial_termios;
	err = serial_port_add(&u->port, &pl011_serial_ops, &pl011_driver, index);
	if (!err)
		err = irq_request(irq, pl011_interrupt, u, IRQ_SHARED, "uart-pl011");
	if (err)
		log_warn("no tty for port %u: error %d", index, -err);
}

static int pl011_probe(const struct fdt *fdt, int node)
{
	static int ports;
	struct pl011 *u;
	unsigned irq;
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
	if (!irq_from_fdt(node, 0, &irq))
		pl011_add_tty(u, (unsigned)u->console.index, irq);
	return 0;
}

static const char *const pl011_ids[] = {"arm,pl011", NULL};

FDT_DRIVER(pl011) = {.name = "pl011", .compatible = pl011_ids, .probe = pl011_probe};
FDT_DRIVER_ENTRY(pl011);
