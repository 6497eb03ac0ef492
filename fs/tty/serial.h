/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Serial ports: what all UART drivers share between struct tty and registers.
 *
 * A port has a ring of bytes to send.  The driver's transmit interrupt takes from it; when it runs
 * dry the driver turns that interrupt off, and tx_start turns it on again.
 */
#pragma once

#include <fs/tty/tty.h>

#define SERIAL_TX_SIZE 4096 /* a power of two */

struct serial_port;

/* Called with port->lock held, interrupts off. */
struct serial_ops {
	void (*tx_start)(struct serial_port *port); /* there is something to send: move it or enable
						       the interrupt */
	bool (*tx_idle)(struct serial_port *port);  /* has everything left the device? */
	void (*startup)(struct serial_port *port);  /* enable receiving */
	void (*shutdown)(struct serial_port *port);
	void (*set_break)(struct serial_port *port, bool on); /* optional */
};

struct serial_port {
	const struct serial_ops *ops; /* [I] */
	struct spinlock lock;
	struct tty *tty;         /* [I] */
	unsigned head, tail;     /* [lock] of the ring */
	bool stopped;            /* [lock] ^S */
	struct serial_port *next; /* [I] of all there are */
	u8 ring[SERIAL_TX_SIZE]; /* [lock] */
};

/* Operations for the struct tty_driver of a serial port; its ports are struct serial_port. */
extern const struct tty_ops serial_tty_ops;

/* The settings a serial tty starts with. */
extern const struct ktermios serial_termios;

/* Register `port`.  Returns 0 or what tty_register says. */
int __must_check serial_port_add(struct serial_port *port, const struct serial_ops *ops,
				 const struct tty_driver *driver, unsigned index);

/*
 * The machine is about to go: let every port send what it was given, which takes some interrupts,
 * for at most a second in all (a port may be stopped, or not taken from).  Context: may sleep.
 */
void serial_drain_all(void);

/* Interrupt side.  One byte to send, or false when there is none.  Locks: port->lock held. */
bool serial_tx_next(struct serial_port *port, u8 *byte);
/* After taking bytes, lock released: let writers go on. */
void serial_tx_done(struct serial_port *port);
