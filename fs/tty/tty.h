/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Terminals.
 *
 *	program <-> file <-> struct tty <-> line discipline (N_TTY)
 *		<-> struct tty_driver's operations <-> device, or the other end of a pty
 *
 * A driver registers its ports once and hands in received bytes from its interrupt; everything else
 * (editing, echo, signals, blocking, ioctls) is here.  tty(4), termios(3), pty(7).
 *
 * Lock order: tty_list_lock, tty.open_lock, tty.write_lock, tty.termios_lock, tty.input,
 * tty.output, then the spinlocks tty.ctrl, port.lock.
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/abi/termios.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitqueue.h>

struct file;
struct pid;
struct seq;
struct tty;

#define TTY_BUF_SIZE 4096 /* bytes of input kept; a power of two */
#define TTY_FLIP_SIZE                                                                              \
	2048 /* bytes between the interrupt and the line discipline; a power of two                \
	      */

/*
 * What a kind of terminal can do.  Context: all but receive-side calls may sleep unless said
 * otherwise; write and write_room may not.
 */
struct tty_ops {
	int (*open)(struct tty *tty);   /* first open */
	void (*close)(struct tty *tty); /* last close */
	/* Queue up to n bytes for output; returns how many were taken.  Must not sleep. */
	size_t (*write)(struct tty *tty, const u8 *buf, size_t n);
	size_t (*write_room)(struct tty *tty);
	/* Optional: */
	size_t (*chars_in_buffer)(struct tty *tty); /* not yet sent */
	void (*flush_output)(struct tty *tty);
	void (*set_termios)(struct tty *tty, const struct ktermios *old);
	void (*stop)(struct tty *tty);     /* pause output: no sleep */
	void (*start)(struct tty *tty);    /* resume: no sleep */
	void (*throttle)(struct tty *tty); /* input is filling up */
	void (*unthrottle)(struct tty *tty);
	int (*send_break)(struct tty *tty, bool on);
	int (*modem_get)(struct tty *tty); /* TIOCM_* or errno */
	int (*modem_set)(struct tty *tty, unsigned set, unsigned clear);
	long (*ioctl)(struct tty *tty, unsigned cmd, unsigned long arg);
	int (*resize)(struct tty *tty, const struct winsize *ws);
	void (*hangup)(struct tty *tty);
	void (*remove)(struct tty *tty); /* the tty is being freed */
};

struct tty_driver {
	const char *name; /* "ttyS": nodes are name + index */
	unsigned major, minor_first, count;
	const struct tty_ops *ops;
	struct ktermios initial; /* of a tty opened for the first time */
};

/* N_TTY's state.  Offsets count up for ever; the buffer index is the low bits. */
struct tty_input {
	u8 buf[TTY_BUF_SIZE];
	u64 line_end[TTY_BUF_SIZE / 64]; /* bit: the byte ends a line (or is an EOF mark) */
	size_t head;                     /* next free */
	size_t canon_head;               /* end of the complete lines */
	size_t tail;                     /* next to be read */
	unsigned column,
		canon_column; /* of output, for erasing; at the start of the line being edited */
	bool lnext, erasing;
};

struct tty {
	refcount_t refs;
	const struct tty_driver *driver; /* [I] */
	unsigned index;                  /* [I] */
	dev_t dev;                       /* [I] */
	char name[16];                   /* [I] "ttyS0", "pts/3" */
	void *port;                      /* [I] the driver's */
	struct tty *peer;                /* [I] other end of a pty, uncounted, or NULL */

	struct mutex open_lock;
	unsigned opens; /* [open_lock] files */
	u32 generation; /* [a] counts hang-ups */
	bool master;    /* [I] of a pty */
	bool exclusive; /* [open_lock] TIOCEXCL */

	struct rwsem termios_lock;
	struct ktermios termios; /* [termios_lock] */
	struct winsize winsize;  /* [ctrl] */

	struct mutex input;
	struct tty_input in; /* [input] */
	bool throttled;      /* [input] */

	struct mutex write_lock; /* one write(2) at a time */
	struct mutex output;     /* column and driver's queue order */

	struct spinlock ctrl;
	struct pid *session, *group; /* [ctrl] counted */
	bool stopped;                /* [ctrl] ^S */
	bool packet;                 /* [ctrl] of a master: TIOCPKT */
	u8 packet_status;            /* [ctrl; read without] of a slave: for the master to read */
	bool other_closed;           /* [a] the peer has no file */

	struct wait_queue read_wait, write_wait;

	/* From the interrupt to the discipline. */
	struct spinlock flip_lock;
	u8 flip[TTY_FLIP_SIZE], flip_flag[TTY_FLIP_SIZE]; /* [flip_lock] */
	unsigned flip_head, flip_tail;                    /* [flip_lock] */
	struct work flip_work;
	struct list link; /* [tty_list_lock] */
};

/* Flags of received bytes. */
enum { TTY_NORMAL, TTY_BREAK, TTY_FRAME, TTY_PARITY, TTY_OVERRUN };

extern const struct ktermios tty_std_termios;

/*
 * Announce port `index` of `driver`: creates the tty and its node.  Returns 0, -ENOMEM, -EBUSY.
 * Context: may sleep.
 */
int __must_check tty_register(const struct tty_driver *driver, unsigned index, void *port,
			      struct tty **out);

/* Bytes came in.  Returns how many found room.  Context: any, interrupts included. */
size_t tty_receive(struct tty *tty, const u8 *buf, size_t n);
void tty_receive_flagged(struct tty *tty, u8 byte, u8 flag);

/* The driver has room again.  Context: any. */
void tty_wake_writers(struct tty *tty);

/* Carrier lost, vhangup(2), or the session's leader went.  Context: may sleep. */
void tty_hangup(struct tty *tty);

static inline struct tty *tty_get(struct tty *tty)
{
	refcount_get(&tty->refs);
	return tty;
}

void tty_put(struct tty *tty);

/* The tty registered under `name`, counted, or NULL. */
struct tty *tty_find(const char *name);

/* For /proc: the device number of a process's terminal (0: none) and its foreground group. */
dev_t tty_devnum(struct tty *tty);
u32 tty_foreground(struct tty *tty);
/* /proc/tty/drivers, /sys/class/tty/console/active */
void tty_drivers_show(struct seq *out);

void tty_init(void);
