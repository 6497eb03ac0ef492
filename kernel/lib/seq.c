/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text under construction: what does not fit is dropped whole, so the buffer ends at a whole piece.
 */
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/lib/printf.h>

void seq_write(struct seq *s, const void *data, size_t len)
{
	if (unlikely(len > s->size - s->len)) {
		s->overflow = true;
		return;
	}
	memcpy(s->buf + s->len, data, len);
	s->len += len;
}

void seq_puts(struct seq *s, const char *str)
{
	seq_write(s, str, strlen(str));
}

/* vsnprintf needs a byte for the NUL that is not part of the text. */
void seq_vprintf(struct seq *s, const char *fmt, va_list args)
{
	size_t room = s->size - s->len;
	size_t len = (size_t)vsnprintf(s->buf + s->len, room, fmt, args);

	if (unlikely(len >= room)) {
		s->overflow = true;
		return;
	}
	s->len += len;
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	seq_vprintf(s, fmt, args);
	va_end(args);
}

/* The digits of n up to `end`.  Returns where they begin. */
static char *decimal(char *end, u64 n)
{
	do {
		*--end = (char)('0' + n % 10);
		n /= 10;
	} while (n);
	return end;
}

static void put_number(struct seq *s, const char *before, bool negative, u64 n)
{
	char text[21], *p = decimal(text + sizeof(text), n);

	if (negative)
		*--p = '-';
	if (before)
		seq_puts(s, before);
	seq_write(s, p, (size_t)(text + sizeof(text) - p));
}

void seq_put_u64(struct seq *s, const char *before, u64 n)
{
	put_number(s, before, false, n);
}

void seq_put_s64(struct seq *s, const char *before, s64 n)
{
	put_number(s, before, n < 0, n < 0 ? -(u64)n : (u64)n);
}

void seq_put_right(struct seq *s, u64 n, unsigned width)
{
	char text[20], *end = text + sizeof(text), *p = decimal(end, n);

	for (size_t len = (size_t)(end - p); len < width; len++)
		seq_putc(s, ' ');
	seq_write(s, p, (size_t)(end - p));
}

void seq_put_hex(struct seq *s, u64 n, unsigned width)
{
	char text[16], *end = text + sizeof(text), *p = end;

	do {
		*--p = "0123456789abcdef"[n & 15];
		n >>= 4;
	} while (n || p > end - width);
	seq_write(s, p, (size_t)(end - p));
}

void seq_put_kb(struct seq *s, const char *name, u64 kb)
{
	seq_puts(s, name);
	seq_pad_to(s, 15);
	seq_putc(s, ' ');
	seq_put_right(s, kb, 8);
	seq_puts(s, " kB\n");
}

void seq_escape(struct seq *s, const char *str, const char *chars)
{
	for (; *str; str++) {
		u8 c = (u8)*str;

		if (c != '\\' && !strchr(chars, c)) {
			seq_putc(s, (char)c);
			continue;
		}

		const char octal[4] = {'\\', (char)('0' + (c >> 6)), (char)('0' + (c >> 3 & 7)),
				       (char)('0' + (c & 7))};

		seq_write(s, octal, sizeof(octal));
	}
}

void seq_pad_to(struct seq *s, size_t column)
{
	size_t at = 0;

	while (at < s->len && s->buf[s->len - at - 1] != '\n')
		at++;
	for (; at < column; at++)
		seq_putc(s, ' ');
}
