/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ring of log records.
 *
 * A record's number is its place: number n lives in slot n % LOG_SLOTS.  A writer formats its text
 * on its own stack, takes as many numbers as it has pieces by one atomic addition, and fills the
 * slots. Each slot's stamp says what it holds:
 *
 *	2n + 1	record n is being written
 *	2n + 2	record n is complete
 *
 * Requirements: (1) no writer waits, for it may be an NMI on top of another writer; (2) a reader
 * never returns a mixture of two records.
 *
 * (1) A writer claims its slot by compare-and-exchange.  When it finds an older record there still
 * being written, by a processor that stalled for a whole turn of the ring, it drops its own piece.
 *
 * (2) The reader checks the stamp before and after copying:
 *
 *	writer of n + LOG_SLOTS		reader of n
 *	stamp = 2(n + LOG_SLOTS) + 1	stamp is 2n + 2
 *	  write barrier			copy
 *	overwrite			  read barrier
 *					stamp is still 2n + 2: the copy is of n
 */
#include <arch/irqflags.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/irq/deferred.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/preempt.h>
#include <kernel/sync/waitqueue.h>
#include <kernel/time/clock.h>
#include "log_internal.h"

#define LOG_SLOTS   ((1u << CONFIG_LOG_BUF_SHIFT) / sizeof(struct slot))
#define LOG_MESSAGE 512
#define TEXT_WORDS  (LOG_RECORD_TEXT / 8)

struct slot {
	u64 stamp; /* [a] */
	u64 time;  /* [s] */
	u32 about; /* [s] level, facility, more, length: a byte each */
	u32 unused;
	u64 text[TEXT_WORDS]; /* [s] */
};                            /* s: written under the stamp */

static_assert(sizeof(struct slot) == 256, "slots are a power of two");

static struct slot ring[LOG_SLOTS];
static u64 next_seq;  /* [a] */
static u64 clear_seq; /* [a] */
static u32 can_wake;  /* [a] wait queues work */

static struct wait_queue readers = WAIT_QUEUE_INIT(readers);

static void readers_wake(struct deferred *d)
{
	wake_up_all(&readers);
}

static struct deferred wake_deferred = DEFERRED_INIT(readers_wake);

/* Copying word by word with marked accesses: readers may look at the same time. */
static void slot_fill(struct slot *s, const char *text, size_t len)
{
	for (size_t i = 0; i * 8 < len; i++) {
		u64 word = 0;

		memcpy(&word, text + i * 8, len - i * 8 < 8 ? len - i * 8 : 8);
		WRITE_ONCE(s->text[i], word);
	}
}

static void record_write(u64 seq, u64 time, u32 about, const char *text, size_t len)
{
	struct slot *s = &ring[seq % LOG_SLOTS];
	u64 stamp = atomic_load(&s->stamp);

	if (stamp & 1 || stamp > 2 * seq || !atomic_cmpxchg(&s->stamp, &stamp, 2 * seq + 1))
		return;
	smp_wmb();
	WRITE_ONCE(s->time, time);
	WRITE_ONCE(s->about, about | (u32)len << 24);
	slot_fill(s, text, len);
	atomic_store_release(&s->stamp, 2 * seq + 2);
}

/* How much of the text goes into one record, and how much of it is consumed. */
static size_t piece_length(const char *text, size_t len, size_t *consumed)
{
	const char *newline = memchr(text, '\n', len);
	size_t line = newline ? (size_t)(newline - text) : len;

	if (line > LOG_RECORD_TEXT) {
		*consumed = LOG_RECORD_TEXT;
		return LOG_RECORD_TEXT;
	}
	*consumed = line + (newline != NULL);
	return line;
}

static void tell_readers(void)
{
	if (!atomic_load(&can_wake) || !wait_queue_active(&readers))
		return;
	if (preemptible())
		readers_wake(&wake_deferred);
	else
		deferred_raise(&wake_deferred);
}

static void log_text(unsigned level, unsigned facility, const char *text, size_t len)
{
	u64 time = clock_boot_ns();
	u64 pieces = 0, seq;
	size_t consumed = 0;

	if (len && text[len - 1] == '\n')
		len--;
	for (size_t at = 0; at < len || !pieces; at += consumed, pieces++)
		piece_length(text + at, len - at, &consumed);
	seq = atomic_fetch_add(&next_seq, pieces);
	for (u64 i = 0; i < pieces; i++) {
		size_t piece = piece_length(text, len, &consumed);
		u32 about = level | facility << 8 | (i ? 1u << 16 : 0);

		record_write(seq + i, time, about, text, piece);
		text += consumed;
		len -= consumed;
	}
	console_flush();
	tell_readers();
}

void log_vraw(enum log_level level, const char *fmt, va_list args)
{
	char text[LOG_MESSAGE];
	int len = vscnprintf(text, sizeof(text), fmt, args);

	log_text(level, 0, text, (size_t)len);
}

void log_raw(enum log_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_vraw(level, fmt, args);
	va_end(args);
}

void log_user(unsigned level, unsigned facility, const char *text, size_t len)
{
	log_text(level & 7, facility & 0xff, text, len < LOG_MESSAGE * 2 ? len : LOG_MESSAGE * 2);
}

static void record_copy(const struct slot *s, u64 seq, struct log_record *out)
{
	u32 about = READ_ONCE(s->about);

	out->seq = seq;
	out->time_ns = READ_ONCE(s->time);
	out->level = (u8)about;
	out->facility = (u8)(about >> 8);
	out->more = (u8)(about >> 16);
	out->len = (u8)(about >> 24);
	for (size_t i = 0; i < TEXT_WORDS && i * 8 < out->len; i++) {
		u64 word = READ_ONCE(s->text[i]);

		memcpy(out->text + i * 8, &word, 8);
	}
}

u64 log_next_seq(void)
{
	return atomic_load_acquire(&next_seq);
}

u64 log_first_seq(void)
{
	u64 next = log_next_seq();

	return next > LOG_SLOTS ? next - LOG_SLOTS : 0;
}

int log_read(u64 *seq, struct log_record *out)
{
	for (;;) {
		u64 next = log_next_seq(), first = next > LOG_SLOTS ? next - LOG_SLOTS : 0;

		if (*seq < first)
			*seq = first;
		if (*seq >= next)
			return -EAGAIN;

		const struct slot *s = &ring[*seq % LOG_SLOTS];
		u64 stamp = atomic_load_acquire(&s->stamp);

		if (stamp == 2 * *seq + 2) {
			record_copy(s, *seq, out);
			smp_rmb();
			if (atomic_load(&s->stamp) == stamp)
				return 0;
		} else if (stamp < 2 * *seq + 2) {
			/* Not complete; if half a ring has passed since, it was dropped. */
			if (next - *seq < LOG_SLOTS / 2)
				return -EAGAIN;
			++*seq;
		}
	}
}

void log_clear(void)
{
	atomic_store(&clear_seq, log_next_seq());
}

u64 log_clear_seq(void)
{
	u64 cleared = atomic_load(&clear_seq), first = log_first_seq();

	return cleared > first ? cleared : first;
}

size_t log_size(void)
{
	return (u32)LOG_SLOTS * LOG_RECORD_TEXT;
}

struct wait_queue *log_wait_queue(void)
{
	return &readers;
}

void log_init(const char *cmdline)
{
	u64 level = cmdline_u64(cmdline, "loglevel", CONFIG_LOG_LEVEL);

	if (cmdline_get(cmdline, "quiet", NULL, 0))
		level = 4;
	if (cmdline_get(cmdline, "debug", NULL, 0) ||
	    cmdline_get(cmdline, "ignore_loglevel", NULL, 0))
		level = LOG_DEBUG + 1;
	log_set_console_level(level > 15 ? 15 : (int)level);
	console_init(cmdline);
}

void log_init_late(void)
{
	atomic_store(&can_wake, 1);
}
