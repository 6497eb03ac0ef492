/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * N_TTY, the way out: output processing (termios(3), c_oflag) and echo.
 *
 * Programs wait until the driver has room; echo does not wait: what finds no room is lost, as on a
 * terminal that is too slow for its typist.  The column is tracked so that erasing a tab knows how
 * far to go back.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <mm/iov_iter.h>

#include "tty_internal.h"

static size_t driver_room(struct tty *tty)
{
	return tty->driver->ops->write_room(tty);
}

static size_t driver_write(struct tty *tty, const u8 *buf, size_t n)
{
	return READ_ONCE(tty->stopped) && !tty->master ? 0 : tty->driver->ops->write(tty, buf, n);
}

/* One processed character.  Returns false when there is no room for what it becomes. */
static bool output_char(struct tty *tty, u8 c, size_t room)
{
	struct tty_input *in = &tty->in;
	u8 expanded[8];
	size_t n = 1;

	expanded[0] = c;
	switch (c) {
	case '\n':
		if (O_FLAG(tty, ONLRET))
			in->column = 0;
		if (O_FLAG(tty, ONLCR)) {
			expanded[0] = '\r';
			expanded[1] = '\n';
			n = 2;
		}
		break;
	case '\r':
		if (O_FLAG(tty, ONOCR) && !in->column)
			return true;
		if (O_FLAG(tty, OCRNL))
			expanded[0] = '\n';
		break;
	case '\t':
		if (O_FLAG(tty, TABDLY) == XTABS) {
			n = 8 - (in->column & 7);
			for (size_t i = 0; i < n; i++)
				expanded[i] = ' ';
		}
		break;
	default:
		if (O_FLAG(tty, OLCUC))
			expanded[0] = (u8)toupper(c);
	}
	if (n > room || driver_write(tty, expanded, n) != n)
		return false;

	switch (c) {
	case '\n':
		if (O_FLAG(tty, ONLCR))
			in->column = 0;
		break;
	case '\r': in->column = 0; break;
	case '\t': in->column += 8 - (in->column & 7); break;
	case '\b':
		if (in->column)
			in->column--;
		break;
	default:
		/* Continuation bytes of UTF-8 take no column. */
		if (!iscntrl(c) && !(I_FLAG(tty, IUTF8) && (c & 0xc0) == 0x80))
			in->column++;
	}
	return true;
}

/* Does `c` pass output processing as it is? */
static bool plain(const struct tty *tty, u8 c)
{
	return c >= ' ' && c < 0x7f && !O_FLAG(tty, OLCUC);
}

/* As many of the bytes as the driver takes.  Locks: output held. */
static size_t output_locked(struct tty *tty, const u8 *buf, size_t n)
{
	size_t done = 0;

	if (!O_FLAG(tty, OPOST))
		return driver_write(tty, buf, n);
	while (done < n) {
		size_t run = 0;

		while (done + run < n && plain(tty, buf[done + run]))
			run++;
		if (run) {
			size_t taken = driver_write(tty, buf + done, run);

			tty->in.column += (unsigned)taken;
			done += taken;
			if (taken < run)
				break;
		} else {
			if (!output_char(tty, buf[done], driver_room(tty)))
				break;
			done++;
		}
	}
	return done;
}

size_t n_tty_output(struct tty *tty, const u8 *buf, size_t n)
{
	guard_mutex(&tty->output);
	return output_locked(tty, buf, n);
}

void n_tty_echo(struct tty *tty, u8 c)
{
	guard_mutex(&tty->output);
	if (O_FLAG(tty, OPOST))
		output_char(tty, c, driver_room(tty));
	else
		driver_write(tty, &c, 1);
}

void n_tty_echo_ctl(struct tty *tty, u8 c)
{
	if (L_FLAG(tty, ECHOCTL) && iscntrl(c) && c != '\t') {
		u8 shown[2] = {'^', c ^ 0100};
		guard_mutex(&tty->output);

		if (driver_room(tty) >= 2 && driver_write(tty, shown, 2) == 2)
			tty->in.column += 2;
		return;
	}
	n_tty_echo(tty, c);
}

/* Write one chunk, waiting for room.  Returns bytes written, or an error when none were. */
static ssize_t write_chunk(struct file *file, struct tty *tty, const u8 *buf, size_t n)
{
	size_t done = 0;
	ssize_t err = 0;

	while (done < n) {
		{
			guard_read(&tty->termios_lock);
			done += n_tty_output(tty, buf + done, n - done);
		}
		if (done == n)
			break;
		if (tty_hung_up(file) || READ_ONCE(tty->other_closed)) {
			err = -EIO;
			break;
		}
		if (file->flags & O_NONBLOCK) {
			err = -EAGAIN;
			break;
		}
		err = wait_event_interruptible(
			&tty->write_wait,
			tty_hung_up(file) || READ_ONCE(tty->other_closed) ||
				(!READ_ONCE(tty->stopped) && driver_room(tty) > 7));
		if (err)
			break;
	}
	return done ? (ssize_t)done : err;
}

ssize_t n_tty_write(struct file *file, struct tty *tty, struct iov_iter *from)
{
	u8 chunk[512];
	ssize_t total = 0;

	int err = mutex_lock_interruptible(&tty->write_lock);
	if (err)
		return -ERESTARTSYS;
	while (iov_iter_count(from)) {
		size_t n = min(iov_iter_count(from), sizeof(chunk));
		ssize_t put;

		if (copy_from_iter(chunk, n, from) != n) {
			put = -EFAULT;
		} else {
			put = write_chunk(file, tty, chunk, n);
		}
		if (put < 0) {
			total = total ? total : put;
			break;
		}
		total += put;
		if ((size_t)put < n) {
			iov_iter_revert(from, n - (size_t)put);
			break;
		}
		if (signal_pending(thread_current()) && iov_iter_count(from)) {
			break;
		}
	}
	mutex_unlock(&tty->write_lock);
	return total;
}
