/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ioctls of terminals.  ioctl_tty(2), termios(3). */
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/ioctl.h>
#include <kernel/abi/signal.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "tty_internal.h"

/* Flow. */

void tty_stop_output(struct tty *tty)
{
	{
		guard_spin_irq(&tty->ctrl);
		if (tty->stopped)
			return;
		WRITE_ONCE(tty->stopped, true);
	}
	if (tty->driver->ops->stop)
		tty->driver->ops->stop(tty);
	if (tty->peer)
		pty_packet_event(tty, TIOCPKT_STOP, TIOCPKT_START);
}

void tty_start_output(struct tty *tty)
{
	{
		guard_spin_irq(&tty->ctrl);
		if (!tty->stopped)
			return;
		WRITE_ONCE(tty->stopped, false);
	}
	if (tty->driver->ops->start)
		tty->driver->ops->start(tty);
	if (tty->peer)
		pty_packet_event(tty, TIOCPKT_START, TIOCPKT_STOP);
	tty_wake_writers(tty);
}

void tty_flush_output(struct tty *tty)
{
	if (tty->driver->ops->flush_output)
		tty->driver->ops->flush_output(tty);
	if (tty->peer)
		pty_packet_event(tty, TIOCPKT_FLUSHWRITE, 0);
	tty_wake_writers(tty);
}

static size_t unsent(struct tty *tty)
{
	return tty->driver->ops->chars_in_buffer ? tty->driver->ops->chars_in_buffer(tty) : 0;
}

/* Until everything written has left.  0 or -ERESTARTSYS. */
static int drain(struct tty *tty)
{
	while (unsent(tty)) {
		int err = wait_event_interruptible_timeout(&tty->write_wait, !unsent(tty),
							   clock_deadline(20 * NSEC_PER_MSEC));
		if (err && err != -ETIMEDOUT)
			return err;
	}
	return 0;
}

/* Termios. */

static const unsigned speeds[] = {0,   50,   75,   110,  134,  150,  200,   300,
				  600, 1200, 1800, 2400, 4800, 9600, 19200, 38400};
static const unsigned high_speeds[] = {57600,   115200,  230400,  460800,  500000,
				       576000,  921600,  1000000, 1152000, 1500000,
				       2000000, 2500000, 3000000, 3500000, 4000000};

static unsigned decode_speed(unsigned code, unsigned explicit_speed)
{
	if ((code & CBAUD) == BOTHER)
		return explicit_speed;
	if (code & CBAUDEX) {
		unsigned i = (code & CBAUD & ~CBAUDEX) - 1;

		return i < ARRAY_SIZE(high_speeds) ? high_speeds[i] : 38400;
	}
	return speeds[code & CBAUD];
}

static void fix_speeds(struct ktermios *t)
{
	unsigned in = t->c_cflag >> IBSHIFT;

	t->c_ospeed = decode_speed(t->c_cflag, t->c_ospeed);
	t->c_ispeed = in & CBAUD ? decode_speed(in, t->c_ispeed) : t->c_ospeed;
}

static void apply(struct tty *tty, struct ktermios *new)
{
	guard_write(&tty->termios_lock);
	guard_mutex(&tty->input);
	struct ktermios old = tty->termios;
	bool extproc_changed = (old.c_lflag ^ new->c_lflag) & EXTPROC;

	fix_speeds(new);
	tty->termios = *new;
	if (tty->driver->ops->set_termios)
		tty->driver->ops->set_termios(tty, &old);
	n_tty_termios_changed(tty, &old);
	if (!(new->c_iflag &IXON) && (old.c_iflag & IXON))
		tty_start_output(tty);
	if (tty->peer) {
		bool was =
			(old.c_iflag & IXON) && old.c_cc[VSTOP] == 023 && old.c_cc[VSTART] == 021;
		bool now =
			(new->c_iflag &IXON) && new->c_cc[VSTOP] == 023 && new->c_cc[VSTART] == 021;

		if (was != now)
			pty_packet_event(tty, now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP,
					 now ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP);
		if (extproc_changed || (new->c_lflag &EXTPROC))
			pty_packet_event(tty, TIOCPKT_IOCTL, 0);
	}
}

enum when { NOW, AFTER_OUTPUT, AFTER_OUTPUT_FLUSH_INPUT };

static long change(struct tty *tty, struct tty *real, struct ktermios *new, enum when when)
{
	int err = tty_check_change(tty);

	if (err)
		return err;
	if (when != NOW) {
		err = drain(real);
		if (err)
			return err;
	}
	if (when == AFTER_OUTPUT_FLUSH_INPUT) {
		guard_read(&real->termios_lock);
		guard_mutex(&real->input);
		n_tty_flush_input(real);
	}
	apply(real, new);
	return 0;
}

static void snapshot(struct tty *tty, struct ktermios *out)
{
	guard_read(&tty->termios_lock);
	*out = tty->termios;
}

static long get_termios(struct tty *tty, void __user *to, bool two)
{
	struct ktermios k;

	snapshot(tty, &k);
	if (two) {
		struct termios2 t = {.c_iflag = k.c_iflag,
				     .c_oflag = k.c_oflag,
				     .c_cflag = k.c_cflag,
				     .c_lflag = k.c_lflag,
				     .c_line = k.c_line,
				     .c_ispeed = k.c_ispeed,
				     .c_ospeed = k.c_ospeed};

		memcpy(t.c_cc, k.c_cc, sizeof(t.c_cc));
		return copy_to_user(to, &t, sizeof(t));
	}
	struct termios t = {.c_iflag = k.c_iflag,
			    .c_oflag = k.c_oflag,
			    .c_cflag = k.c_cflag,
			    .c_lflag = k.c_lflag,
			    .c_line = k.c_line};

	memcpy(t.c_cc, k.c_cc, sizeof(t.c_cc));
	return copy_to_user(to, &t, sizeof(t));
}

static long set_termios(struct tty *tty, struct tty *real, const void __user *from, bool two,
			enum when when)
{
	struct ktermios k;
	struct termios2 t;

	/* struct termios is the beginning of termios2. */
	if (copy_from_user(&t, from, two ? sizeof(t) : sizeof(struct termios)))
		return -EFAULT;
	snapshot(real, &k);
	k.c_iflag = t.c_iflag;
	k.c_oflag = t.c_oflag;
	k.c_cflag = t.c_cflag;
	k.c_lflag = t.c_lflag;
	k.c_line = t.c_line;
	memcpy(k.c_cc, t.c_cc, sizeof(t.c_cc));
	if (two) {
		k.c_ispeed = t.c_ispeed;
		k.c_ospeed = t.c_ospeed;
	}
	return change(tty, real, &k, when);
}

static_assert(offsetof(struct termios2, c_ispeed) >= offsetof(struct termios, c_cc) + NCCS,
	      "termios2 extends termios");

/* The System V form: 16-bit flags, eight characters. */
static long get_termio(struct tty *tty, struct termio __user *to)
{
	struct termio t = {0};
	struct ktermios k;

	snapshot(tty, &k);
	t.c_iflag = (u16)k.c_iflag;
	t.c_oflag = (u16)k.c_oflag;
	t.c_cflag = (u16)k.c_cflag;
	t.c_lflag = (u16)k.c_lflag;
	t.c_line = k.c_line;
	memcpy(t.c_cc, k.c_cc, NCC);
	return copy_to_user(to, &t, sizeof(t));
}

static long set_termio(struct tty *tty, struct tty *real, const struct termio __user *from,
		       enum when when)
{
	struct ktermios k;
	struct termio t;

	if (copy_from_user(&t, from, sizeof(t)))
		return -EFAULT;
	snapshot(real, &k);
	k.c_iflag = (k.c_iflag & 0xffff0000) | t.c_iflag;
	k.c_oflag = (k.c_oflag & 0xffff0000) | t.c_oflag;
	k.c_cflag = (k.c_cflag & 0xffff0000) | t.c_cflag;
	k.c_lflag = (k.c_lflag & 0xffff0000) | t.c_lflag;
	k.c_line = t.c_line;
	memcpy(k.c_cc, t.c_cc, NCC);
	return change(tty, real, &k, when);
}

/* Window size. */

int tty_set_winsize(struct tty *tty, const struct winsize *ws)
{
	{
		guard_spin_irq(&tty->ctrl);
		if (!memcmp(ws, &tty->winsize, sizeof(*ws)))
			return 0;
		tty->winsize = *ws;
	}
	tty_signal_foreground(tty, SIGWINCH);
	return 0;
}

static long get_winsize(struct tty *tty, struct winsize __user *to)
{
	struct winsize ws;
	{
		guard_spin_irq(&tty->ctrl);
		ws = tty->winsize;
	}
	return copy_to_user(to, &ws, sizeof(ws));
}

static long set_winsize(struct tty *tty, struct tty *real, const struct winsize __user *from)
{
	struct winsize ws;

	if (copy_from_user(&ws, from, sizeof(ws)))
		return -EFAULT;
	tty_set_winsize(real, &ws);
	/* Both ends of a pty show one window. */
	return real->peer ? tty_set_winsize(real->peer, &ws) : 0;
}

/* The rest. */

static long flush(struct tty *tty, struct tty *real, unsigned long which)
{
	int err = tty_check_change(tty);

	if (err)
		return err;
	if (which > TCIOFLUSH)
		return -EINVAL;
	if (which == TCIFLUSH || which == TCIOFLUSH) {
		guard_read(&real->termios_lock);
		guard_mutex(&real->input);
		n_tty_flush_input(real);
	}
	if (which == TCOFLUSH || which == TCIOFLUSH)
		tty_flush_output(real);
	return 0;
}

static long flow(struct tty *tty, struct tty *real, unsigned long what)
{
	int err = tty_check_change(tty);
	u8 c;

	if (err)
		return err;
	switch (what) {
	case TCOOFF: tty_stop_output(real); return 0;
	case TCOON: tty_start_output(real); return 0;
	case TCIOFF:
	case TCION: {
		guard_read(&real->termios_lock);
		c = CC(real, what == TCIOFF ? VSTOP : VSTART);
		if (c)
			real->driver->ops->write(real, &c, 1);
		return 0;
	}
	default: return -EINVAL;
	}
}

static long send_break(struct tty *tty, unsigned ms)
{
	if (!tty->driver->ops->send_break)
		return 0;
	int err = tty->driver->ops->send_break(tty, true);

	if (err)
		return err;
	sleep_ns(ms * NSEC_PER_MSEC);
	return tty->driver->ops->send_break(tty, false);
}

static long drain_and_break(struct tty *tty, unsigned ms)
{
	int err = tty_check_change(tty);

	if (!err)
		err = drain(tty);
	if (err)
		return err;
	return ms ? send_break(tty, ms) : 0;
}

static long input_count(struct tty *tty, int __user *to)
{
	size_t n;
	{
		guard_read(&tty->termios_lock);
		guard_mutex(&tty->input);
		n = n_tty_available(tty);
	}
	return put_user((int)n, to);
}

/*
 * TIOCSTI puts words into another's mouth: refused without CAP_SYS_ADMIN, as with
 * dev.tty.legacy_tiocsti=0.
 */
static long simulate_input(struct tty *tty, const char __user *from)
{
	u8 c;

	if (!capable(CAP_SYS_ADMIN))
		return -EIO;
	if (copy_from_user(&c, from, 1))
		return -EFAULT;
	guard_read(&tty->termios_lock);
	guard_mutex(&tty->input);
	n_tty_receive(tty, &c, NULL, 1);
	return 0;
}

static long set_exclusive(struct tty *tty, bool on)
{
	guard_mutex(&tty->open_lock);
	tty->exclusive = on;
	return 0;
}

static long modem_change(struct tty *tty, unsigned cmd, const int __user *from)
{
	unsigned bits;

	if (!tty->driver->ops->modem_set)
		return -ENOTTY;
	if (get_user(bits, (const unsigned __user *)from))
		return -EFAULT;
	switch (cmd) {
	case TIOCMBIS: return tty->driver->ops->modem_set(tty, bits, 0);
	case TIOCMBIC: return tty->driver->ops->modem_set(tty, 0, bits);
	default: return tty->driver->ops->modem_set(tty, bits, ~bits);
	}
}

static long modem_status(struct tty *tty, int __user *to)
{
	if (!tty->driver->ops->modem_get)
		return -ENOTTY;
	int bits = tty->driver->ops->modem_get(tty);

	return bits < 0 ? bits : put_user(bits, to);
}

static long set_discipline(const int __user *from)
{
	int n;

	if (get_user(n, from))
		return -EFAULT;
	return n == N_TTY ? 0 : -EINVAL;
}

static long soft_carrier(struct tty *tty, const int __user *from)
{
	int on;

	if (get_user(on, from))
		return -EFAULT;
	guard_write(&tty->termios_lock);
	if (on)
		tty->termios.c_cflag |= CLOCAL;
	else
		tty->termios.c_cflag &= ~(unsigned)CLOCAL;
	return 0;
}

static long termios_ioctl(struct tty *tty, struct tty *real, unsigned cmd, void __user *p)
{
	switch (cmd) {
	case TCGETS: return get_termios(real, p, false);
	case TCGETS2: return get_termios(real, p, true);
	case TCSETS: return set_termios(tty, real, p, false, NOW);
	case TCSETSW: return set_termios(tty, real, p, false, AFTER_OUTPUT);
	case TCSETSF: return set_termios(tty, real, p, false, AFTER_OUTPUT_FLUSH_INPUT);
	case TCSETS2: return set_termios(tty, real, p, true, NOW);
	case TCSETSW2: return set_termios(tty, real, p, true, AFTER_OUTPUT);
	case TCSETSF2: return set_termios(tty, real, p, true, AFTER_OUTPUT_FLUSH_INPUT);
	case TCGETA: return get_termio(real, p);
	case TCSETA: return set_termio(tty, real, p, NOW);
	case TCSETAW: return set_termio(tty, real, p, AFTER_OUTPUT);
	case TCSETAF: return set_termio(tty, real, p, AFTER_OUTPUT_FLUSH_INPUT);
	default: return -ENOIOCTLCMD;
	}
}

static long common_ioctl(struct tty *tty, struct tty *real, unsigned cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case TIOCGWINSZ: return get_winsize(real, p);
	case TIOCSWINSZ: return set_winsize(tty, real, p);
	case TCFLSH: return flush(tty, real, arg);
	case TCXONC: return flow(tty, real, arg);
	case TCSBRK: return drain_and_break(real, arg ? 0 : 250);
	case TCSBRKP: return drain_and_break(real, arg ? (unsigned)min(arg, 100ul) * 100 : 250);
	case TIOCSBRK:
		return tty->driver->ops->send_break ? tty->driver->ops->send_break(tty, true) : 0;
	case TIOCCBRK:
		return tty->driver->ops->send_break ? tty->driver->ops->send_break(tty, false) : 0;
	case TIOCINQ: return input_count(tty, p);
	case TIOCOUTQ: return put_user((int)unsent(tty), (int __user *)p);
	case TIOCSTI: return simulate_input(real, p);
	case TIOCEXCL: return set_exclusive(tty, true);
	case TIOCNXCL: return set_exclusive(tty, false);
	case TIOCGEXCL: return put_user((int)tty->exclusive, (int __user *)p);
	case TIOCGETD: return put_user(N_TTY, (int __user *)p);
	case TIOCSETD: return set_discipline(p);
	case TIOCGDEV:
		return put_user(MAJOR(real->dev) << 8 | MINOR(real->dev), (unsigned __user *)p);
	case TIOCGSOFTCAR: return put_user(!!(real->termios.c_cflag & CLOCAL), (int __user *)p);
	case TIOCSSOFTCAR: return soft_carrier(real, p);
	case TIOCMGET: return modem_status(tty, p);
	case TIOCMSET:
	case TIOCMBIS:
	case TIOCMBIC: return modem_change(tty, cmd, p);
	case TIOCVHANGUP:
		if (!capable(CAP_SYS_ADMIN))
			return -EPERM;
		tty_hangup(tty);
		return 0;
	default: return -ENOIOCTLCMD;
	}
}

long tty_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	struct tty *tty = file_tty(file);
	/* Settings of a pty are those of its slave. */
	struct tty *real = tty->master ? tty->peer : tty;
	long ret;

	if (tty_hung_up(file))
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	ret = termios_ioctl(tty, real, cmd, (void __user *)arg);
	if (ret == -ENOIOCTLCMD)
		ret = common_ioctl(tty, real, cmd, arg);
	if (ret == -ENOIOCTLCMD)
		ret = tty_job_ioctl(tty, real, file, cmd, arg);
	if (ret == -ENOIOCTLCMD && tty->driver->ops->ioctl)
		ret = tty->driver->ops->ioctl(tty, cmd, arg);
	if (ret == -ENOIOCTLCMD && tty->peer)
		ret = pty_ioctl(tty, file, cmd, arg);
	return ret;
}
