/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * N_TTY, the way in: line editing, special characters, reading.  termios(3).
 *
 * Input lies in a ring.  In canonical mode a reader sees only whole lines: those before canon_head,
 * the byte that ends each marked in line_end.  An end-of-file character is stored as a marked NUL
 * and never handed out.  What is typed after canon_head is being edited.
 *
 *	tail ......... canon_head ......... head
 *	  whole lines		  being edited
 *
 * Everything is under tty->input, taken by the work that feeds received bytes in and by readers;
 * bytes are copied to a bounce buffer under it, and to the program's memory outside it.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/poll.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <kernel/time/clock.h>
#include <mm/iov_iter.h>

#include "tty_internal.h"

#define DISABLED                                                                                   \
	'\0' /* a special character set to this does not exist; also the stored EOF mark           \
	      */
#define INDEX(pos) ((pos) & (TTY_BUF_SIZE - 1))

static void set_line_end(struct tty_input *in, size_t pos, bool on)
{
	u64 bit = 1ull << (INDEX(pos) % 64);

	if (on)
		in->line_end[INDEX(pos) / 64] |= bit;
	else
		in->line_end[INDEX(pos) / 64] &= ~bit;
}

static bool is_line_end(const struct tty_input *in, size_t pos)
{
	return in->line_end[INDEX(pos) / 64] >> (INDEX(pos) % 64) & 1;
}

static void put(struct tty_input *in, u8 c, bool line_end)
{
	in->buf[INDEX(in->head)] = c;
	set_line_end(in, in->head, line_end);
	WRITE_ONCE(in->head, in->head + 1);
}

/* Bytes the buffer can still take.  A line being edited leaves one for its newline. */
size_t n_tty_room(const struct tty *tty)
{
	const struct tty_input *in = &tty->in;
	size_t room = TTY_BUF_SIZE - 1 - (READ_ONCE(in->head) - READ_ONCE(in->tail));

	/* A single overlong line must not block input for ever: its excess is thrown away. */
	if (!room && L_FLAG(tty, ICANON) && READ_ONCE(in->canon_head) == READ_ONCE(in->tail))
		return 1;
	return room;
}

static bool full(const struct tty_input *in)
{
	return in->head - in->tail >= TTY_BUF_SIZE - 1;
}

size_t n_tty_available(const struct tty *tty)
{
	const struct tty_input *in = &tty->in;
	size_t n = 0;

	if (!L_FLAG(tty, ICANON))
		return in->head - in->tail;
	for (size_t p = in->tail; p != in->canon_head; p++)
		n += !(is_line_end(in, p) && in->buf[INDEX(p)] == DISABLED);
	return n;
}

bool n_tty_readable(const struct tty *tty, bool poll)
{
	const struct tty_input *in = &tty->in;
	size_t want = poll && !CC(tty, VTIME) && CC(tty, VMIN) ? CC(tty, VMIN) : 1;

	if (L_FLAG(tty, ICANON) && !L_FLAG(tty, EXTPROC))
		return READ_ONCE(in->canon_head) != READ_ONCE(in->tail);
	return READ_ONCE(in->head) - READ_ONCE(in->tail) >= want;
}

void n_tty_flush_input(struct tty *tty)
{
	struct tty_input *in = &tty->in;

	WRITE_ONCE(in->head, 0);
	WRITE_ONCE(in->canon_head, 0);
	WRITE_ONCE(in->tail, 0);
	in->lnext = in->erasing = false;
	memset(in->line_end, 0, sizeof(in->line_end));
	if (tty->peer)
		pty_packet_event(tty, TIOCPKT_FLUSHREAD, 0);
}

/* Echo of erasing. */

static void finish_erasing(struct tty *tty)
{
	if (tty->in.erasing) {
		n_tty_echo(tty, '/');
		tty->in.erasing = false;
	}
}

static void echo(struct tty *tty, u8 c)
{
	if (tty->in.canon_head == tty->in.head)
		tty->in.canon_column = tty->in.column;
	if (c == '\n')
		n_tty_echo(tty, c);
	else
		n_tty_echo_ctl(tty, c);
}

static bool is_continuation(const struct tty *tty, u8 c)
{
	return I_FLAG(tty, IUTF8) && (c & 0xc0) == 0x80;
}

static void back_one(struct tty *tty)
{
	n_tty_echo(tty, '\b');
	n_tty_echo(tty, ' ');
	n_tty_echo(tty, '\b');
}

/* Where the column is after the bytes being edited up to the new head: how wide the erased tab was.
 */
static unsigned column_before_tab(const struct tty *tty)
{
	const struct tty_input *in = &tty->in;
	unsigned column = in->canon_column;

	for (size_t p = in->canon_head; p != in->head; p++) {
		u8 c = in->buf[INDEX(p)];

		if (c == '\t')
			column = (column | 7) + 1;
		else if (iscntrl(c))
			column += L_FLAG(tty, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(tty, c))
			column++;
	}
	return column;
}

static void show_erased(struct tty *tty, u8 c, size_t bytes)
{
	struct tty_input *in = &tty->in;

	if (L_FLAG(tty, ECHOPRT)) {
		if (!in->erasing) {
			n_tty_echo(tty, '\\');
			in->erasing = true;
		}
		/* The bytes just taken off still lie beyond head. */
		n_tty_echo_ctl(tty, c);
		for (size_t i = 1; i < bytes; i++)
			n_tty_echo(tty, in->buf[INDEX(in->head + i)]);
	} else if (c == '\t') {
		unsigned to = column_before_tab(tty);

		while (in->column > to) {
			unsigned was = in->column;

			n_tty_echo(tty, '\b');
			if (in->column == was)
				break;
		}
	} else {
		if (iscntrl(c) && L_FLAG(tty, ECHOCTL))
			back_one(tty);
		if (!iscntrl(c) || L_FLAG(tty, ECHOCTL))
			back_one(tty);
	}
}

/* Take the last character off the line.  Returns its first byte. */
static u8 take_char(struct tty *tty, size_t *bytes)
{
	struct tty_input *in = &tty->in;
	size_t head = in->head;
	u8 c;

	do {
		c = in->buf[INDEX(--head)];
	} while (is_continuation(tty, c) && head != in->canon_head);
	*bytes = in->head - head;
	return c;
}

static void erase_char_or_word(struct tty *tty, bool word)
{
	struct tty_input *in = &tty->in;
	bool seen = false;

	while (in->head != in->canon_head) {
		size_t bytes;
		u8 c = take_char(tty, &bytes);

		if (is_continuation(tty, c))
			return; /* half a character: leave it */
		if (word) {
			if (isalnum(c) || c == '_')
				seen = true;
			else if (seen)
				return;
		}
		WRITE_ONCE(in->head, in->head - bytes);
		if (L_FLAG(tty, ECHO)) {
			if (!word && !L_FLAG(tty, ECHOE))
				n_tty_echo_ctl(tty, CC(tty, VERASE));
			else
				show_erased(tty, c, bytes);
		}
		if (!word)
			return;
	}
	if (!word || in->head == in->canon_head)
		finish_erasing(tty);
}

static void erase_line(struct tty *tty)
{
	struct tty_input *in = &tty->in;

	if (!L_FLAG(tty, ECHO)) {
		WRITE_ONCE(in->head, in->canon_head);
		return;
	}
	if (!L_FLAG(tty, ECHOK) || !L_FLAG(tty, ECHOKE) || !L_FLAG(tty, ECHOE)) {
		WRITE_ONCE(in->head, in->canon_head);
		finish_erasing(tty);
		n_tty_echo_ctl(tty, CC(tty, VKILL));
		/* The newline is only asked for by ECHOK. */
		if (L_FLAG(tty, ECHOK))
			n_tty_echo(tty, '\n');
		return;
	}
	while (in->head != in->canon_head) {
		size_t bytes;
		u8 c = take_char(tty, &bytes);

		WRITE_ONCE(in->head, in->head - bytes);
		show_erased(tty, c, bytes);
	}
	finish_erasing(tty);
}

static void reprint(struct tty *tty)
{
	struct tty_input *in = &tty->in;

	finish_erasing(tty);
	n_tty_echo_ctl(tty, CC(tty, VREPRINT));
	n_tty_echo(tty, '\n');
	for (size_t p = in->canon_head; p != in->head; p++)
		n_tty_echo_ctl(tty, in->buf[INDEX(p)]);
}

/* Receiving. */

static bool is(const struct tty *tty, unsigned which, u8 c)
{
	return c == CC(tty, which) && c != DISABLED;
}

static void signal_char(struct tty *tty, int signo, u8 c)
{
	if (!L_FLAG(tty, NOFLSH)) {
		n_tty_flush_input(tty);
		tty_flush_output(tty);
	}
	if (I_FLAG(tty, IXON))
		tty_start_output(tty);
	if (L_FLAG(tty, ECHO))
		n_tty_echo_ctl(tty, c);
	tty_signal_foreground(tty, signo);
}

static void line_done(struct tty *tty, u8 c)
{
	struct tty_input *in = &tty->in;

	/* A full buffer holds an overlong line: its end takes the last place. */
	if (in->head - in->tail >= TTY_BUF_SIZE)
		WRITE_ONCE(in->head, in->head - 1);
	put(in, c, true);
	WRITE_ONCE(in->canon_head, in->head);
	wake_up_key(&tty->read_wait, POLLIN | POLLRDNORM);
}

static void put_data(struct tty *tty, u8 c)
{
	struct tty_input *in = &tty->in;

	if (full(in)) {
		if (I_FLAG(tty, IMAXBEL))
			n_tty_echo(tty, '\a');
		return;
	}
	if (L_FLAG(tty, ECHO)) {
		finish_erasing(tty);
		echo(tty, c);
	}
	/* With PARMRK a real 0377 is doubled, as it introduces marks. */
	if (c == 0377 && I_FLAG(tty, PARMRK) && !full(in))
		put(in, c, false);
	put(in, c, false);
}

/* Canonical editing.  Returns true when `c` was a special character. */
static bool edit(struct tty *tty, u8 c)
{
	bool extended = L_FLAG(tty, IEXTEN);

	if (is(tty, VERASE, c)) {
		erase_char_or_word(tty, false);
	} else if (is(tty, VKILL, c)) {
		erase_line(tty);
	} else if (extended && is(tty, VWERASE, c)) {
		erase_char_or_word(tty, true);
	} else if (extended && is(tty, VLNEXT, c)) {
		tty->in.lnext = true;
		if (L_FLAG(tty, ECHO)) {
			finish_erasing(tty);
			if (L_FLAG(tty, ECHOCTL)) {
				n_tty_echo(tty, '^');
				n_tty_echo(tty, '\b');
			}
		}
	} else if (extended && is(tty, VREPRINT, c) && L_FLAG(tty, ECHO)) {
		reprint(tty);
	} else if (c == '\n') {
		if (L_FLAG(tty, ECHO) || L_FLAG(tty, ECHONL))
			n_tty_echo(tty, '\n');
		line_done(tty, c);
	} else if (is(tty, VEOF, c)) {
		line_done(tty, DISABLED);
	} else if (is(tty, VEOL, c) || (extended && is(tty, VEOL2, c))) {
		if (L_FLAG(tty, ECHO))
			echo(tty, c);
		line_done(tty, c);
	} else {
		return false;
	}
	return true;
}

/* ^S and ^Q.  Returns true when `c` was one. */
static bool flow_control(struct tty *tty, u8 c)
{
	if (!I_FLAG(tty, IXON))
		return false;
	if (is(tty, VSTART, c)) {
		tty_start_output(tty);
		return true;
	}
	if (is(tty, VSTOP, c)) {
		tty_stop_output(tty);
		return true;
	}
	return false;
}

static bool signals(struct tty *tty, u8 c)
{
	int signo = is(tty, VINTR, c)   ? SIGINT
		    : is(tty, VQUIT, c) ? SIGQUIT
		    : is(tty, VSUSP, c) ? SIGTSTP
					: 0;

	if (!L_FLAG(tty, ISIG) || !signo)
		return false;
	signal_char(tty, signo, c);
	return true;
}

static void receive_char(struct tty *tty, u8 c)
{
	struct tty_input *in = &tty->in;

	if (I_FLAG(tty, ISTRIP))
		c &= 0x7f;
	if (I_FLAG(tty, IUCLC) && L_FLAG(tty, IEXTEN))
		c = (u8)tolower(c);
	if (L_FLAG(tty, EXTPROC)) {
		if (!full(in))
			put(in, c, false);
		return;
	}
	if (in->lnext) {
		in->lnext = false;
		put_data(tty, c);
		return;
	}
	if (flow_control(tty, c))
		return;
	if (READ_ONCE(tty->stopped) && I_FLAG(tty, IXON) && I_FLAG(tty, IXANY))
		tty_start_output(tty);
	if (signals(tty, c))
		return;
	if (c == '\r') {
		if (I_FLAG(tty, IGNCR))
			return;
		if (I_FLAG(tty, ICRNL))
			c = '\n';
	} else if (c == '\n' && I_FLAG(tty, INLCR)) {
		c = '\r';
	}
	if (L_FLAG(tty, ICANON) && edit(tty, c))
		return;
	put_data(tty, c);
}

static void receive_marked(struct tty *tty, u8 c)
{
	struct tty_input *in = &tty->in;

	if (I_FLAG(tty, PARMRK)) {
		if (in->head - in->tail + 3 < TTY_BUF_SIZE) {
			put(in, 0377, false);
			put(in, 0, false);
			put(in, c, false);
		}
		return;
	}
	put_data(tty, 0);
}

static void receive_flagged(struct tty *tty, u8 c, u8 flag)
{
	switch (flag) {
	case TTY_BREAK:
		if (I_FLAG(tty, IGNBRK))
			return;
		if (I_FLAG(tty, BRKINT)) {
			signal_char(tty, SIGINT, 0);
			return;
		}
		receive_marked(tty, 0);
		return;
	case TTY_PARITY:
	case TTY_FRAME:
		if (!I_FLAG(tty, INPCK))
			receive_char(tty, c);
		else if (!I_FLAG(tty, IGNPAR))
			receive_marked(tty, c);
		return;
	default: receive_char(tty, c);
	}
}

void n_tty_receive(struct tty *tty, const u8 *buf, const u8 *flags, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (flags && flags[i] != TTY_NORMAL)
			receive_flagged(tty, buf[i], flags[i]);
		else
			receive_char(tty, buf[i]);
	}
	/*
	 * A reader who waits for MIN bytes takes them out as they come: whatever is there concerns
	 * it.
	 */
	if (n_tty_readable(tty, false))
		wake_up_key(&tty->read_wait, POLLIN | POLLRDNORM);
}

/*
 * Leaving canonical mode makes the line being edited readable; entering it ends what is there as a
 * line.
 */
void n_tty_termios_changed(struct tty *tty, const struct ktermios *old)
{
	struct tty_input *in = &tty->in;
	bool was = old->c_lflag & ICANON, is_now = L_FLAG(tty, ICANON);

	if (was != is_now) {
		memset(in->line_end, 0, sizeof(in->line_end));
		WRITE_ONCE(in->canon_head, in->head);
		if (is_now && in->head != in->tail)
			set_line_end(in, in->head - 1, true);
		in->erasing = in->lnext = false;
	}
	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
}

/* Reading. */

/* Up to n bytes of one line to `to`.  *done tells that the line ended.  Locks: input held. */
static size_t copy_line(struct tty_input *in, u8 *to, size_t n, bool *done)
{
	size_t copied = 0;

	*done = false;
	while (in->tail != in->canon_head) {
		u8 c = in->buf[INDEX(in->tail)];
		bool end = is_line_end(in, in->tail);

		/*
		 * An EOF mark right behind a full buffer goes with it, or the next read would see
		 * end of file.
		 */
		if (copied == n && !(end && c == DISABLED))
			break;
		set_line_end(in, in->tail, false);
		WRITE_ONCE(in->tail, in->tail + 1);
		if (!(end && c == DISABLED))
			to[copied++] = c;
		if (end) {
			*done = true;
			break;
		}
	}
	return copied;
}

static size_t copy_raw(struct tty_input *in, u8 *to, size_t n)
{
	size_t avail = min(n, in->head - in->tail),
	       first = min(avail, TTY_BUF_SIZE - INDEX(in->tail));

	memcpy(to, in->buf + INDEX(in->tail), first);
	memcpy(to + first, in->buf, avail - first);
	WRITE_ONCE(in->tail, in->tail + avail);
	WRITE_ONCE(in->canon_head, in->head);
	return avail;
}

static void maybe_unthrottle(struct tty *tty)
{
	if (tty->throttled && n_tty_room(tty) > TTY_BUF_SIZE / 2) {
		tty->throttled = false;
		if (tty->driver->ops->unthrottle)
			tty->driver->ops->unthrottle(tty);
	}
	/* Bytes may wait before the discipline, or a writer at the other end of a pty. */
	if (tty->peer)
		tty_wake_writers(tty->peer);
	else
		work_queue(&tty->flip_work);
}

static ssize_t take_input(struct tty *tty, u8 *to, size_t n, bool *line_done_out)
{
	guard_read(&tty->termios_lock);
	guard_mutex(&tty->input);
	size_t got;

	if (L_FLAG(tty, ICANON) && !L_FLAG(tty, EXTPROC)) {
		got = copy_line(&tty->in, to, n, line_done_out);
	} else {
		got = copy_raw(&tty->in, to, n);
		*line_done_out = false;
	}
	maybe_unthrottle(tty);
	return (ssize_t)got;
}

static bool readable(struct tty *tty)
{
	guard_read(&tty->termios_lock);
	guard_mutex(&tty->input);
	return n_tty_readable(tty, false);
}

struct read_wait {
	bool canonical;
	size_t minimum;
	u64 between;  /* VTIME as an inter-byte timer, ns; 0: none */
	u64 deadline; /* of the whole read or of the next byte; KTIME_MAX: none */
};

static void decide_wait(struct tty *tty, struct read_wait *w)
{
	guard_read(&tty->termios_lock);
	u64 tenths = CC(tty, VTIME);

	w->canonical = L_FLAG(tty, ICANON);
	w->minimum = 1;
	w->between = 0;
	w->deadline = KTIME_MAX;
	if (w->canonical)
		return;
	if (CC(tty, VMIN)) {
		w->minimum = CC(tty, VMIN);
		w->between = tenths * 100 * NSEC_PER_MSEC;
	} else {
		w->deadline = clock_deadline(tenths * 100 * NSEC_PER_MSEC);
	}
}

/* 1: there is something; 0: end (timeout, hang-up); negative: why not. */
static int wait_for_input(struct file *file, struct tty *tty, struct read_wait *w)
{
	if (readable(tty))
		return 1;
	if (tty_hung_up(file))
		return 0;
	if (READ_ONCE(tty->other_closed))
		return -EIO;
	if (file->flags & O_NONBLOCK)
		return -EAGAIN;
	int err = wait_event_interruptible_timeout(
		&tty->read_wait, readable(tty) || tty_hung_up(file) || READ_ONCE(tty->other_closed),
		w->deadline);
	if (err == -ETIMEDOUT)
		return 0;
	if (err)
		return err;
	return wait_for_input(file, tty, w);
}

ssize_t n_tty_read(struct file *file, struct tty *tty, struct iov_iter *to)
{
	u8 chunk[256];
	ssize_t total = 0;
	struct read_wait w;

	int err = tty_check_read(tty);
	if (err)
		return err;
	decide_wait(tty, &w);
	while (iov_iter_count(to)) {
		bool line_ended = false;

		err = wait_for_input(file, tty, &w);
		if (err <= 0)
			break;
		ssize_t n =
			take_input(tty, chunk, min(iov_iter_count(to), sizeof(chunk)), &line_ended);
		if (n && copy_to_iter(chunk, (size_t)n, to) != (size_t)n)
			return total ? total : -EFAULT;
		total += n;
		err = 0;
		if (line_ended || (w.canonical && (size_t)n < sizeof(chunk)))
			break;
		if (!w.canonical && (size_t)total >= w.minimum)
			break;
		if (w.between)
			w.deadline = clock_deadline(w.between);
	}
	return total ? total : err;
}

unsigned n_tty_poll_in(const struct tty *tty)
{
	return n_tty_readable(tty, true) ? POLLIN | POLLRDNORM : 0;
}
