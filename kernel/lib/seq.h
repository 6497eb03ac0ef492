/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Text under construction in the caller's memory.
 *
 * Writers add and never fail; what does not fit is dropped whole and remembered, so that the owner
 * can retry with a larger buffer.
 */
#pragma once

#include <stdarg.h>
#include <kernel/lib/compiler.h>

struct seq {
	char *buf;
	size_t size;
	size_t len;    /* not NUL-terminated */
	bool overflow; /* something was dropped */
	size_t whole;  /* bytes of whole records: seq_record */
	u64 at;        /* the record after them; 0: the first */
};

static inline void seq_init(struct seq *s, char *buf, size_t size)
{
	s->buf = buf;
	s->size = size;
	s->len = 0;
	s->overflow = false;
	s->whole = 0;
	s->at = 0;
}

static inline bool seq_overflowed(const struct seq *s)
{
	return s->overflow;
}

static __always_inline void seq_putc(struct seq *s, char c)
{
	if (likely(s->len < s->size))
		s->buf[s->len++] = c;
	else
		s->overflow = true;
}

/*
 * For texts without bound, which are asked for a part at a time.  The writer begins with the record
 * s->at and calls this after each, with a number from which it will know the next.  False: it did
 * not fit, and the writer stops.
 */
static inline bool seq_record(struct seq *s, u64 next)
{
	if (s->overflow)
		return false;
	s->whole = s->len;
	s->at = next;
	return true;
}

void seq_write(struct seq *s, const void *data, size_t len);
void seq_puts(struct seq *s, const char *str);
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
void seq_vprintf(struct seq *s, const char *fmt, va_list args) __printf(2, 0);

/* A decimal number, preceded by `before` unless that is NULL: faster than seq_printf. */
void seq_put_u64(struct seq *s, const char *before, u64 n);
void seq_put_s64(struct seq *s, const char *before, s64 n);
/* At least `width` characters, blanks before a decimal number, zeros (16 at most) before a
 * hexadecimal. */
void seq_put_right(struct seq *s, u64 n, unsigned width);
void seq_put_hex(struct seq *s, u64 n, unsigned width);

/* A line of /proc/meminfo and its like: `name` up to column 15, the number, its unit. */
void seq_put_kb(struct seq *s, const char *name, u64 kb);

/* `str` with each character of `chars`, and the backslash, as \ooo. */
void seq_escape(struct seq *s, const char *str, const char *chars);

/* Blanks up to column `column` of the current line. */
void seq_pad_to(struct seq *s, size_t column);
