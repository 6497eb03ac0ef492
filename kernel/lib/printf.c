/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted text.
 *
 * One pass over the format.  Each conversion is decoded into a struct spec and rendered through
 * struct out, which counts every character and stores those that fit: that is how the length of a
 * text that was cut is known.
 */
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>

struct out {
	char *buf;
	size_t size, len;
};

enum spec_flags {
	SPEC_LEFT = 1,
	SPEC_PLUS = 2,
	SPEC_SPACE = 4,
	SPEC_ALT = 8,
	SPEC_ZERO = 16,
	SPEC_UPPER = 32,
	SPEC_SIGNED = 64,
};

struct spec {
	unsigned flags;
	int width;
	int precision; /* -1: none given */
	int size;      /* bytes of an integer argument */
	unsigned base;
};

static printf_symbol_fn symbol_of;

void printf_set_symbols(printf_symbol_fn fn)
{
	symbol_of = fn;
}

static __always_inline void out_char(struct out *o, char c)
{
	if (o->len < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void out_bytes(struct out *o, const char *s, size_t n)
{
	if (o->len < o->size)
		memcpy(o->buf + o->len, s, min(n, o->size - o->len));
	o->len += n;
}

static void out_fill(struct out *o, char c, int n)
{
	while (n-- > 0)
		out_char(o, c);
}

static void out_text(struct out *o, const struct spec *sp, const char *s, size_t len)
{
	int pad = sp->width - (int)len;

	if (!(sp->flags & SPEC_LEFT))
		out_fill(o, ' ', pad);
	out_bytes(o, s, len);
	if (sp->flags & SPEC_LEFT)
		out_fill(o, ' ', pad);
}

static void out_string(struct out *o, const struct spec *sp, const char *s)
{
	if (!s)
		s = "(null)";
	out_text(o, sp, s, sp->precision >= 0 ? strnlen(s, (size_t)sp->precision) : strlen(s));
}

/* The digits of `n`, backwards from `end`.  Returns where they begin. */
static char *digits_before(char *end, u64 n, unsigned base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	switch (base) {
	case 16:
		for (; n; n >>= 4)
			*--end = digits[n & 15];
		break;
	case 8:
		for (; n; n >>= 3)
			*--end = digits[n & 7];
		break;
	default:
		for (; n; n /= 10)
			*--end = digits[n % 10];
		break;
	}
	return end;
}

static const char *number_prefix(const struct spec *sp, bool negative, u64 n)
{
	if (negative)
		return "-";
	if (sp->flags & SPEC_SIGNED)
		return sp->flags & SPEC_PLUS ? "+" : sp->flags & SPEC_SPACE ? " " : "";
	if (!(sp->flags & SPEC_ALT) || !n)
		return "";
	if (sp->base == 16)
		return sp->flags & SPEC_UPPER ? "0X" : "0x";
	return sp->base == 8 ? "0" : "";
}

static void out_number(struct out *o, const struct spec *sp, u64 n)
{
	char text[24], *end = text + sizeof(text);
	bool negative = sp->flags & SPEC_SIGNED && (s64)n < 0;
	char *start = digits_before(end, negative ? -n : n, sp->base, sp->flags & SPEC_UPPER);
	const char *prefix = number_prefix(sp, negative, n);
	int digits = (int)(end - start), before = (int)strlen(prefix);
	int zeroes = max(sp->precision < 0 ? 1 : sp->precision, digits) - digits;

	if (sp->flags & SPEC_ZERO && !(sp->flags & SPEC_LEFT) && sp->precision < 0)
		zeroes = max(zeroes, sp->width - before - digits);

	int pad = sp->width - before - zeroes - digits;

	if (!(sp->flags & SPEC_LEFT))
		out_fill(o, ' ', pad);
	out_bytes(o, prefix, (size_t)before);
	out_fill(o, '0', zeroes);
	out_bytes(o, start, (size_t)digits);
	if (sp->flags & SPEC_LEFT)
		out_fill(o, ' ', pad);
}

static void out_hex(struct out *o, u64 n, int digits)
{
	struct spec sp = {.flags = SPEC_ZERO, .width = digits, .precision = -1, .base = 16};

	out_number(o, &sp, n);
}

static void out_decimal(struct out *o, u64 n)
{
	struct spec sp = {.precision = -1, .base = 10};

	out_number(o, &sp, n);
}

/* The symbol that holds addr - back, and the offset of addr. */
static void out_symbol_offset(struct out *o, vaddr_t addr, unsigned back, bool with_offset)
{
	const char *name;
	size_t offset, size;

	if (!symbol_of || !symbol_of(addr - back, &name, &offset, &size)) {
		out_bytes(o, "0x", 2);
		out_hex(o, addr, 1);
		return;
	}
	out_bytes(o, name, strlen(name));
	if (!with_offset)
		return;
	out_bytes(o, "+0x", 3);
	out_hex(o, offset + back, 1);
	out_bytes(o, "/0x", 3);
	out_hex(o, size, 1);
}

static void out_symbol(struct out *o, vaddr_t addr, bool with_offset)
{
	out_symbol_offset(o, addr, 0, with_offset);
}

/* A call at a function's very end returns into the next function: look for the call. */
static void out_return_address(struct out *o, vaddr_t addr)
{
	out_symbol_offset(o, addr, 1, true);
}

static void out_ethernet(struct out *o, const u8 *b)
{
	for (int i = 0; i < 6; i++) {
		if (i)
			out_char(o, ':');
		out_hex(o, b[i], 2);
	}
}

static void out_ipv4(struct out *o, const u8 *b)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			out_char(o, '.');
		out_decimal(o, b[i]);
	}
}

/* RFC 5952: the longest run of two or more zero groups becomes "::". */
static void out_ipv6(struct out *o, const u8 *b)
{
	int best = -1, best_len = 1, run = 0;

	for (int i = 0; i < 8; i++) {
		run = b[2 * i] | b[2 * i + 1] ? 0 : run + 1;
		if (run > best_len) {
			best_len = run;
			best = i + 1 - run;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			out_bytes(o, "::", 2);
			i += best_len - 1;
			continue;
		}
		if (i && (best < 0 || i != best + best_len))
			out_char(o, ':');
		out_hex(o, (u64)b[2 * i] << 8 | b[2 * i + 1], 1);
	}
}

static void out_uuid(struct out *o, const u8 *b)
{
	for (int i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out_char(o, '-');
		out_hex(o, b[i], 2);
	}
}

static void out_format(struct out *o, const char *fmt, va_list args);

static void out_nested(struct out *o, const struct va_format *vf)
{
	va_list args;

	va_copy(args, *vf->args);
	out_format(o, vf->fmt, args);
	va_end(args);
}

static void out_plain_pointer(struct out *o, const struct spec *sp, const void *p)
{
	struct spec hex = *sp;

	hex.base = 16;
	hex.flags |= SPEC_ZERO;
	hex.width = max(hex.width, 16);
	out_number(o, &hex, (u64)(uintptr_t)p);
}

/* Returns how many letters of the format belong to the pointer conversion. */
static int out_pointer(struct out *o, const struct spec *sp, const char *kind, const void *p)
{
	switch (*kind) {
	case 'S': out_symbol(o, (vaddr_t)p, true); return 1;
	case 's': out_symbol(o, (vaddr_t)p, false); return 1;
	case 'B': out_return_address(o, (vaddr_t)p); return 1;
	case 'a':
		out_bytes(o, "0x", 2);
		out_hex(o, *(const paddr_t *)p, 16);
		return 1;
	case 'M': out_ethernet(o, p); return 1;
	case 'U': out_uuid(o, p); return 1;
	case 'V': out_nested(o, p); return 1;
	case 'I':
		if (kind[1] == '4')
			out_ipv4(o, p);
		else
			out_ipv6(o, p);
		return kind[1] ? 2 : 1;
	default: out_plain_pointer(o, sp, p); return 0;
	}
}

static const char *parse_flags(const char *f, struct spec *sp)
{
	for (;; f++) {
		switch (*f) {
		case '-': sp->flags |= SPEC_LEFT; break;
		case '+': sp->flags |= SPEC_PLUS; break;
		case ' ': sp->flags |= SPEC_SPACE; break;
		case '#': sp->flags |= SPEC_ALT; break;
		case '0': sp->flags |= SPEC_ZERO; break;
		default: return f;
		}
	}
}

static const char *parse_count(const char *f, int *out)
{
	int n = 0;

	for (; isdigit((u8)*f); f++) {
		if (n < 1 << 20)
			n = n * 10 + *f - '0';
	}
	*out = n;
	return f;
}

static const char *parse_length(const char *f, struct spec *sp)
{
	sp->size = 4;
	switch (*f) {
	case 'h': sp->size = f[1] == 'h' ? 1 : 2; return f + (f[1] == 'h' ? 2 : 1);
	case 'l': sp->size = 8; return f + (f[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
	case 'j':
	case 'L': sp->size = 8; return f + 1;
	default: return f;
	}
}

/* Bring an integer argument, fetched as 64 bits, to the size and sign it was declared with. */
static u64 narrow(u64 n, int size, bool is_signed)
{
	switch (size) {
	case 1: return is_signed ? (u64)(s8)n : (u8)n;
	case 2: return is_signed ? (u64)(s16)n : (u16)n;
	case 4: return is_signed ? (u64)(s32)n : (u32)n;
	default: return n;
	}
}

/* The conversions that print an integer.  Returns false for other letters. */
static bool spec_integer(struct spec *sp, char letter)
{
	switch (letter) {
	case 'd':
	case 'i':
		sp->flags |= SPEC_SIGNED;
		sp->base = 10;
		return true;
	case 'u': sp->base = 10; return true;
	case 'o': sp->base = 8; return true;
	case 'X':
		sp->flags |= SPEC_UPPER;
		sp->base = 16;
		return true;
	case 'x': sp->base = 16; return true;
	default: return false;
	}
}

/* A va_list inside a structure can be advanced by a callee on every architecture. */
struct arguments {
	va_list list;
};

static const char *out_conversion(struct out *o, const char *f, struct arguments *args)
{
	struct spec sp = {.precision = -1};
	char c;

	f = parse_flags(f, &sp);
	if (*f == '*') {
		sp.width = va_arg(args->list, int);
		f++;
	} else {
		f = parse_count(f, &sp.width);
	}
	if (sp.width < 0) {
		sp.flags |= SPEC_LEFT;
		sp.width = -sp.width;
	}
	if (*f == '.') {
		if (*++f == '*') {
			sp.precision = va_arg(args->list, int);
			f++;
		} else {
			f = parse_count(f, &sp.precision);
		}
	}
	f = parse_length(f, &sp);
	if (spec_integer(&sp, *f)) {
		u64 n = sp.size == 8 ? va_arg(args->list, u64) : va_arg(args->list, unsigned);

		out_number(o, &sp, narrow(n, sp.size, sp.flags & SPEC_SIGNED));
		return f + 1;
	}
	switch (*f) {
	case 's': out_string(o, &sp, va_arg(args->list, const char *)); break;
	case 'p': return f + 1 + out_pointer(o, &sp, f + 1, va_arg(args->list, const void *));
	case 'c':
		c = (char)va_arg(args->list, int);
		out_text(o, &sp, &c, 1);
		break;
	case '%': out_char(o, '%'); break;
	case '\0': return f;
	default: out_char(o, *f); break;
	}
	return f + 1;
}

static void out_format(struct out *o, const char *fmt, va_list list)
{
	struct arguments args;

	va_copy(args.list, list);
	while (*fmt) {
		const char *percent = strchrnul(fmt, '%');

		out_bytes(o, fmt, (size_t)(percent - fmt));
		fmt = percent;
		if (*fmt)
			fmt = out_conversion(o, fmt + 1, &args);
	}
	va_end(args.list);
}

int vsnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out o = {.buf = buf, .size = size};

	out_format(&o, fmt, args);
	if (size)
		buf[min(o.len, size - 1)] = '\0';
	return (int)o.len;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list args)
{
	int len = vsnprintf(buf, size, fmt, args);

	if ((size_t)len < size)
		return len;
	return size ? (int)size - 1 : 0;
}

int snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);

	int len = vsnprintf(buf, size, fmt, args);

	va_end(args);
	return len;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);

	int len = vscnprintf(buf, size, fmt, args);

	va_end(args);
	return len;
}
