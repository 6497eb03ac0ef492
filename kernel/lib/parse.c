/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and command lines out of text.
 *
 * A command line is words separated by white space.  A double quote begins and ends a stretch in
 * which white space does not separate; the quotes themselves vanish.
 */
#include <kernel/lib/parse.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/abi/errno.h>

/* Resolve base 0 and step over a prefix that goes with the base. */
static const char *skip_prefix(const char *s, unsigned *base)
{
	bool hex = s[0] == '0' && (s[1] | 0x20) == 'x' && isxdigit((u8)s[2]);

	if (!*base)
		*base = hex ? 16 : s[0] == '0' ? 8 : 10;
	return hex && *base == 16 ? s + 2 : s;
}

static const char *digits(const char *s, unsigned base, u64 *out, bool *overflow)
{
	u64 n = 0;
	unsigned d;

	*overflow = false;
	for (; (d = digit_value((u8)*s)) < base; s++) {
		if (__builtin_mul_overflow(n, (u64)base, &n) ||
		    __builtin_add_overflow(n, (u64)d, &n))
			*overflow = true;
	}
	*out = *overflow ? U64_MAX : n;
	return s;
}

u64 parse_digits(const char *s, const char **end, unsigned base)
{
	bool overflow;
	u64 n;

	s = skip_prefix(s, &base);
	s = digits(s, base, &n, &overflow);
	if (end)
		*end = s;
	return n;
}

int parse_u64(const char *s, unsigned base, u64 *out)
{
	bool overflow;
	u64 n;

	if (*s == '+')
		s++;

	const char *start = skip_prefix(s, &base), *end = digits(start, base, &n, &overflow);

	if (end == start)
		return -EINVAL;
	if (*end == '\n')
		end++;
	if (*end)
		return -EINVAL;
	if (overflow)
		return -ERANGE;
	*out = n;
	return 0;
}

int parse_s64(const char *s, unsigned base, s64 *out)
{
	bool negative = *s == '-';
	u64 n;
	int err = parse_u64(s + negative, base, &n);

	if (err)
		return err;
	if (negative && s[1] == '+')
		return -EINVAL;
	if (n > (u64)S64_MAX + negative)
		return -ERANGE;
	*out = (s64)(negative ? -n : n);
	return 0;
}

int parse_u32(const char *s, unsigned base, u32 *out)
{
	u64 n;
	int err = parse_u64(s, base, &n);

	if (err)
		return err;
	if (n > U32_MAX)
		return -ERANGE;
	*out = (u32)n;
	return 0;
}

int parse_int(const char *s, unsigned base, int *out)
{
	s64 n;
	int err = parse_s64(s, base, &n);

	if (err)
		return err;
	if (n > S32_MAX || n < S32_MIN)
		return -ERANGE;
	*out = (int)n;
	return 0;
}

int parse_bool(const char *s, bool *out)
{
	switch (*s | 0x20) {
	case 'y':
	case 't':
	case '1': *out = true; return 0;
	case 'n':
	case 'f':
	case '0': *out = false; return 0;
	case 'o':
		if ((s[1] | 0x20) != 'n' && (s[1] | 0x20) != 'f')
			return -EINVAL;
		*out = (s[1] | 0x20) == 'n';
		return 0;
	default: return -EINVAL;
	}
}

u64 memparse(const char *s, char **end)
{
	const char *stop;
	u64 n = parse_digits(s, &stop, 0);
	static const char suffixes[] = "kmgtpe";
	const char *suffix = *stop && stop != s ? strchr(suffixes, *stop | 0x20) : NULL;

	if (suffix) {
		unsigned shift = 10 * (unsigned)(suffix - suffixes + 1);

		n = n > U64_MAX >> shift ? U64_MAX : n << shift;
		stop++;
	}
	if (end)
		*end = (char *)stop;
	return n;
}

bool cmdline_next(const char **pos, char *buf, size_t size)
{
	const char *s = *pos;
	bool quoted = false;
	size_t n = 0;

	while (isspace((u8)*s))
		s++;
	if (!*s)
		return false;
	for (; *s && (quoted || !isspace((u8)*s)); s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			buf[n++] = *s;
	}
	if (size)
		buf[n] = '\0';
	*pos = s;
	return true;
}

/* Copy the value that begins at `s` and ends with its word. */
static void copy_value(const char *s, char *buf, size_t size)
{
	bool quoted = false;
	size_t n = 0;

	for (; *s && (quoted || !isspace((u8)*s)); s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (n + 1 < size)
			buf[n++] = *s;
	}
	if (size)
		buf[n] = '\0';
}

/* If the word at `s` is "key" or "key=...", where its value begins; else NULL. */
static const char *value_of(const char *s, const char *key, size_t len)
{
	if (*s == '"')
		s++;
	if (strncmp(s, key, len))
		return NULL;
	if (s[len] == '=')
		return s + len + 1;
	return !s[len] || isspace((u8)s[len]) || s[len] == '"' ? s + len : NULL;
}

static const char *next_word(const char *s)
{
	bool quoted = false;

	for (; *s && (quoted || !isspace((u8)*s)); s++)
		quoted ^= *s == '"';
	while (isspace((u8)*s))
		s++;
	return s;
}

static const char *find_nth(const char *cmdline, const char *key, unsigned nth, bool last)
{
	size_t len = strlen(key);
	const char *found = NULL;

	for (const char *s = cmdline; *s; s = next_word(s)) {
		const char *value = value_of(s, key, len);

		if (!value)
			continue;
		if (!last && !nth--)
			return value;
		if (last)
			found = value;
	}
	return found;
}

bool cmdline_get_nth(const char *cmdline, const char *key, unsigned nth, char *buf, size_t size)
{
	const char *value = find_nth(cmdline, key, nth, false);

	if (value && buf)
		copy_value(value, buf, size);
	return value != NULL;
}

bool cmdline_get(const char *cmdline, const char *key, char *buf, size_t size)
{
	const char *value = find_nth(cmdline, key, 0, true);

	if (value && buf)
		copy_value(value, buf, size);
	return value != NULL;
}

u64 cmdline_u64(const char *cmdline, const char *key, u64 otherwise)
{
	char text[32];
	u64 n;

	if (!cmdline_get(cmdline, key, text, sizeof(text)) || parse_u64(text, 0, &n))
		return otherwise;
	return n;
}
