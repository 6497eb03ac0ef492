/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serial ports of the 8250 family (National Semiconductor PC16550D): COM ports of the PC, the
 * ns16550 of device trees.
 *
 * The console writes by polling and works in any context.  The tty receives and sends by interrupt;
 * a port without one is looked at by a timer.
 */
#define LOG_PREFIX "8250: "

#include "8250.h"

#include <arch/cpu.h>
#include <arch/io.h>
#include <fs/tty/serial.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/irq/irq.h>
#include <kernel/time/timer.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>

#define UART_DATA 0 /* with DLAB: divisor, low */
#define UART_IER  1 /* with DLAB: divisor, high */
#define UART_IIR  2
#define UART_FCR  2
#define UART_LCR  3
#define UART_MCR  4
#define UART_LSR  5
#define UART_SCR  7

#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1          0x03
#define LCR_DLAB         0x80
#define MCR_DTR_RTS_OUT2 0x0b
#define LCR_BREAK        0x40
#define IER_RECEIVE      0x01
#define IER_TRANSMIT     0x02
#define IER_LINE         0x04
#define IIR_NONE         0x01
#define LSR_DATA         0x01
#define LSR_OVERRUN      0x02
#define LSR_PARITY       0x04
#define LSR_FRAME        0x08
#define LSR_BREAK        0x10
#define LSR_THRE         0x20
#define LSR_IDLE         0x40

#define FIFO_SIZE       16
#define INTERRUPT_LOOPS 64 /* a device that never ends must not hang us */
#define POLL_PERIOD     (10 * NSEC_PER_MSEC)
#define BUSY_PERIOD     (100 * NSEC_PER_USEC)

#define DEFAULT_BAUD 115200
#define POLL_LIMIT   1000000

struct uart_8250 {
	struct uart_8250_place place; /* [I] */
	struct console console;
	struct serial_port port;
	u8 ier;            /* [port.lock] what the register holds */
	struct timer poll; /* for ports without an interrupt, or with too many */
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

/* --- the tty --- */

static struct uart_8250 *port_uart(struct serial_port *p)
{
	return container_of(p, struct uart_8250, port);
}

static void set_ier(struct uart_8250 *u, u8 set, u8 clear)
{
	u8 v = (u8)((u->ier & ~clear) | set);

	if (v != u->ier) {
		u->ier = v;
		uart_write(u, UART_IER, v);
	}
}

static void uart_tx_start(struct serial_port *p)
{
	set_ier(port_uart(p), IER_TRANSMIT, 0);
}

static bool uart_tx_idle(struct serial_port *p)
{
	return uart_read(port_uart(p), UART_LSR) & LSR_IDLE;
}

static void uart_startup(struct serial_port *p)
{
	struct uart_8250 *u = port_uart(p);

	uart_write(u, UART_FCR, FCR_ENABLE_CLEAR);
	set_ier(u, IER_RECEIVE | IER_LINE, 0);
	if (!u->place.irq)
		timer_start(&u->poll, clock_deadline(POLL_PERIOD), POLL_PERIOD);
}

static void uart_shutdown(struct serial_port *p)
{
	set_ier(port_uart(p), 0, IER_RECEIVE | IER_LINE);
}

static void uart_set_break(struct serial_port *p, bool on)
{
	uart_write(port_uart(p), UART_LCR, (u8)(LCR_8N1 | (on ? LCR_BREAK : 0)));
}

static const struct serial_ops uart_serial_ops = {
	.tx_start = uart_tx_start,
	.tx_idle = uart_tx_idle,
	.startup = uart_startup,
	.shutdown = uart_shutdown,
	.set_break = uart_set_break,
};

static u8 receive_flag(u8 lsr)
{
	return lsr & LSR_BREAK    ? TTY_BREAK
	       : lsr & LSR_PARITY ? TTY_PARITY
	       : lsr & LSR_FRAME  ? TTY_FRAME
				  : TTY_NORMAL;
}

/* Take what came in.  Returns how many bytes. */
static unsigned uart_receive(struct uart_8250 *u)
{
	unsigned n = 0;
	u8 lsr;

	while (n < INTERRUPT_LOOPS && ((lsr = uart_read(u, UART_LSR)) & (LSR_DATA | LSR_BREAK))) {
		u8 c = uart_read(u, UART_DATA), flag = receive_flag(lsr);

		if (flag == TTY_NORMAL)
			tty_receive(u->port.tty, &c, 1);
		else
			tty_receive_flagged(u->port.tty, c, flag);
		n++;
	}
	return n;
}

static void uart_transmit(struct uart_8250 *u)
{
	u8 c;
	{
		guard_spin_irq(&u->port.lock);
		if (!(u->ier & IER_TRANSMIT) || !(uart_read(u, UART_LSR) & LSR_THRE))
			return;
		for (unsigned i = 0; i < FIFO_SIZE; i++) {
			if (!serial_tx_next(&u->port, &c)) {
				set_ier(u, 0, IER_TRANSMIT);
				break;
			}
			uart_write(u, UART_DATA, c);
		}
	}
	serial_tx_done(&u->port);
}

/*
 * Do what the device asks for until it asks for nothing.  An edge-triggered line that stays high
 * says nothing more, so when it never ends the timer goes on with it.
 */
static enum irq_result uart_interrupt(unsigned irq, void *arg)
{
	struct uart_8250 *u = arg;
	unsigned i;

	for (i = 0; i < INTERRUPT_LOOPS && !(uart_read(u, UART_IIR) & IIR_NONE); i++) {
		uart_receive(u);
		uart_transmit(u);
	}
	if (i == INTERRUPT_LOOPS)
		timer_start(&u->poll, clock_deadline(BUSY_PERIOD), 0);
	return i ? IRQ_HANDLED : IRQ_NONE;
}

static void uart_poll(struct timer *t)
{
	struct uart_8250 *u = container_of(t, struct uart_8250, poll);

	uart_interrupt(u->place.irq, u);
	if (!u->place.irq && READ_ONCE(u->ier))
		timer_start(t, clock_deadline(POLL_PERIOD), POLL_PERIOD);
}

static struct tty_driver uart_driver = {
	.name = "ttyS",
	.major = 4,
	.minor_first = 64,
	.count = 32,
	.ops = &serial_tty_ops,
};

static void uart_add_tty(struct uart_8250 *u, unsigned index)
{
	int err;

	uart_driver.initial = serial_termios;
	timer_init(&u->poll, uart_poll);
	err = serial_port_add(&u->port, &uart_serial_ops, &uart_driver, index);
	if (!err && u->place.irq &&
	    irq_request(u->place.irq, uart_interrupt, u, IRQ_SHARED, "serial"))
		u->place.irq = 0;
	if (err)
		log_warn("no tty for port %u: error %d", index, -err);
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
	uart_add_tty(u, (unsigned)u->console.index);
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

static const struct uart_8250_access mmio_access = {.read = mmio_uart_read,
						    .write = mmio_uart_write};

static int uart_fdt_probe(const struct fdt *fdt, int node)
{
	struct uart_8250_place place = {.access = &mmio_access, .width = 1};
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

static const char *const uart_ids[] = {"ns16550a", "ns16550", "ns8250", "snps,dw-apb-uart", NULL};

FDT_DRIVER(uart_8250) = {.name = "8250", .compatible = uart_ids, .probe = uart_fdt_probe};
FDT_DRIVER_ENTRY(uart_8250);
