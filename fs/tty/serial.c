/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Serial ports: the transmit ring and its flow control, between tty operations and UART drivers. */
#include <fs/tty/serial.h>

#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>

static struct serial_port *ports; /* [I after boot] */

const struct ktermios serial_termios = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B9600 | CS8 | CREAD | HUPCL | CLOCAL,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_ispeed = 9600,
	.c_ospeed = 9600,
	.c_cc = {[VINTR] = 3,
		 [VQUIT] = 034,
		 [VERASE] = 0177,
		 [VKILL] = 025,
		 [VEOF] = 4,
		 [VMIN] = 1,
		 [VSTART] = 021,
		 [VSTOP] = 023,
		 [VSUSP] = 032,
		 [VREPRINT] = 022,
		 [VDISCARD] = 017,
		 [VWERASE] = 027,
		 [VLNEXT] = 026},
};

/* Bytes in the ring.  Locks: the port's. */
static unsigned used(const struct serial_port *p)
{
	return p->head - p->tail;
}

static unsigned used_now(struct serial_port *p)
{
	guard_spin_irq(&p->lock);
	return used(p);
}

static int serial_open(struct tty *tty)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);

	p->ops->startup(p);
	return 0;
}

static void serial_close(struct tty *tty)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);

	/* What is in the ring is still sent: the interrupt stays on until it is dry. */
	p->ops->shutdown(p);
}

static size_t serial_write(struct tty *tty, const u8 *buf, size_t n)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);
	size_t taken = min(n, (size_t)(SERIAL_TX_SIZE - used(p)));

	for (size_t i = 0; i < taken; i++)
		p->ring[p->head++ & (SERIAL_TX_SIZE - 1)] = buf[i];
	if (taken && !p->stopped)
		p->ops->tx_start(p);
	return taken;
}

static size_t serial_write_room(struct tty *tty)
{
	return SERIAL_TX_SIZE - used_now(tty->port);
}

static size_t serial_chars(struct tty *tty)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);
	size_t n = used(p);

	/* The device's own buffer counts as one until it is empty. */
	return n ? n : !p->ops->tx_idle(p);
}

static void serial_flush(struct tty *tty)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);

	p->tail = p->head;
}

static void serial_stop(struct tty *tty)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);

	p->stopped = true;
}

static void serial_start(struct tty *tty)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);

	p->stopped = false;
	if (used(p))
		p->ops->tx_start(p);
}

static int serial_break(struct tty *tty, bool on)
{
	struct serial_port *p = tty->port;
	guard_spin_irq(&p->lock);

	if (p->ops->set_break)
		p->ops->set_break(p, on);
	return 0;
}

const struct tty_ops serial_tty_ops = {
	.open = serial_open,
	.close = serial_close,
	.write = serial_write,
	.write_room = serial_write_room,
	.chars_in_buffer = serial_chars,
	.flush_output = serial_flush,
	.stop = serial_stop,
	.start = serial_start,
	.send_break = serial_break,
};

int serial_port_add(struct serial_port *port, const struct serial_ops *ops,
		    const struct tty_driver *driver, unsigned index)
{
	int err;

	spin_init(&port->lock, RANK_TTY_PORT_INNER, "serial");
	port->ops = ops;
	err = tty_register(driver, index, port, &port->tty);
	if (err)
		return err;
	port->next = ports;
	ports = port;
	return 0;
}

void serial_drain_all(void)
{
	u64 end = clock_mono_ns() + NSEC_PER_SEC;

	for (struct serial_port *p = ports; p; p = p->next)
		while (serial_chars(p->tty) && clock_mono_ns() < end)
			sleep_ns(NSEC_PER_MSEC);
}

bool serial_tx_next(struct serial_port *port, u8 *byte)
{
	if (port->stopped || port->head == port->tail)
		return false;
	*byte = port->ring[port->tail++ & (SERIAL_TX_SIZE - 1)];
	return true;
}

void serial_tx_done(struct serial_port *port)
{
	if (used_now(port) < SERIAL_TX_SIZE / 2)
		tty_wake_writers(port->tty);
}
