/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and strings.
 *
 * Copies and fills go by words of eight bytes, four at a time, once the destination is aligned.  A
 * source that then is not aligned is read by shifting pairs of aligned words together: nothing here
 * makes an unaligned access, which AArch64 forbids before its MMU is on and RISC-V may emulate.
 * Comparisons and searches look at whole words for the byte they seek by the carry trick.
 *
 * The functions an architecture is likely to do better are weak.
 */
#include <kernel/lib/string.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/ctype.h>
#include <kernel/abi/errno.h>

#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strcmp

typedef u64 __attribute__((may_alias)) word;

#define WORD       sizeof(word)
#define PAGE_BYTES 4096
#define ONES       0x0101010101010101ull
#define HIGHS      0x8080808080808080ull

static __always_inline bool aligned(const void *p)
{
	return !((uintptr_t)p % WORD);
}

/* Non-zero when a byte of `w` is zero; the lowest set bit is in the first such byte. */
static __always_inline u64 zero_bytes(u64 w)
{
	return (w - ONES) & ~w & HIGHS;
}

static __always_inline void copy_words_up(word *d, const word *s, size_t words)
{
	for (; words >= 4; words -= 4, d += 4, s += 4) {
		word a = s[0], b = s[1], c = s[2], e = s[3];

		d[0] = a;
		d[1] = b;
		d[2] = c;
		d[3] = e;
	}
	while (words--)
		*d++ = *s++;
}

/*
 * `d` is aligned and `s` is not.  The words read all hold at least one byte of the source, so they
 * lie in pages the source lies in.
 */
static __no_sanitize __noinline void copy_shifted_up(word *d, const u8 *s, size_t words)
{
	unsigned low = (unsigned)((uintptr_t)s % WORD) * 8, high = 64 - low;
	const word *from = (const word *)(s - low / 8);
	word left = *from++;

	while (words--) {
		word right = *from++;

		*d++ = left >> low | right << high;
		left = right;
	}
}

static __always_inline void *copy_up(void *dst, const void *src, size_t n)
{
	u8 *d = dst;
	const u8 *s = src;

	if (n >= 2 * WORD) {
		for (; !aligned(d); n--)
			*d++ = *s++;
		if (aligned(s))
			copy_words_up((word *)d, (const word *)s, n / WORD);
		else
			copy_shifted_up((word *)d, s, n / WORD);
		d += n & ~(WORD - 1);
		s += n & ~(WORD - 1);
		n %= WORD;
	}
	while (n--)
		*d++ = *s++;
	return dst;
}

__weak void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	return copy_up(dst, src, n);
}

static void copy_down(void *dst, const void *src, size_t n)
{
	u8 *d = (u8 *)dst + n;
	const u8 *s = (const u8 *)src + n;

	if (n >= 2 * WORD && ((uintptr_t)d ^ (uintptr_t)s) % WORD == 0) {
		for (; !aligned(d); n--)
			*--d = *--s;
		for (; n >= WORD; n -= WORD) {
			d -= WORD;
			s -= WORD;
			*(word *)d = *(const word *)s;
		}
	}
	while (n--)
		*--d = *--s;
}

/*
 * Copying upwards is right unless the destination begins within the source.  When it lies below,
 * the word-wise copy still reads every word before it writes past it, but the shifted one reads one
 * word ahead, which may be overwritten only after it was read.
 */
__weak void *memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst - (uintptr_t)src >= n)
		return copy_up(dst, src, n);
	copy_down(dst, src, n);
	return dst;
}

__weak void *memset(void *dst, int c, size_t n)
{
	u8 *d = dst;
	word w = (u8)c * ONES;

	if (n >= 2 * WORD) {
		for (; !aligned(d); n--)
			*d++ = (u8)c;
		for (; n >= 4 * WORD; n -= 4 * WORD, d += 4 * WORD) {
			((word *)d)[0] = w;
			((word *)d)[1] = w;
			((word *)d)[2] = w;
			((word *)d)[3] = w;
		}
		for (; n >= WORD; n -= WORD, d += WORD)
			*(word *)d = w;
	}
	while (n--)
		*d++ = (u8)c;
	return dst;
}

__weak void copy_page(void *restrict dst, const void *restrict src)
{
	memcpy(dst, src, PAGE_BYTES);
}

__weak void clear_page(void *dst)
{
	memset(dst, 0, PAGE_BYTES);
}

void memzero_explicit(void *dst, size_t n)
{
	memset(dst, 0, n);
	__asm__ __volatile__("" : : "r"(dst) : "memory");
}

bool memequal_ct(const void *a, const void *b, size_t n)
{
	const volatile u8 *p = a, *q = b;
	u8 differ = 0;

	while (n--)
		differ |= *p++ ^ *q++;
	return !differ;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *p = a, *q = b;

	if (aligned(p) && aligned(q)) {
		while (n >= WORD && *(const word *)p == *(const word *)q) {
			p += WORD;
			q += WORD;
			n -= WORD;
		}
	}
	for (; n; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	const u8 *p = s;
	u64 pattern = (u8)c * ONES;

	for (; n && !aligned(p); n--, p++) {
		if (*p == (u8)c)
			return (void *)p;
	}
	while (n >= WORD && !zero_bytes(*(const word *)p ^ pattern)) {
		p += WORD;
		n -= WORD;
	}
	for (; n; n--, p++) {
		if (*p == (u8)c)
			return (void *)p;
	}
	return NULL;
}

void *memchr_inv(const void *s, int c, size_t n)
{
	const u8 *p = s;
	u64 pattern = (u8)c * ONES;

	for (; n && !aligned(p); n--, p++) {
		if (*p != (u8)c)
			return (void *)p;
	}
	while (n >= WORD && *(const word *)p == pattern) {
		p += WORD;
		n -= WORD;
	}
	for (; n; n--, p++) {
		if (*p != (u8)c)
			return (void *)p;
	}
	return NULL;
}

/* Whole aligned words are read, which may go past the terminator but never past its word. */
__no_sanitize size_t strlen(const char *s)
{
	const char *p = s;

	for (; !aligned(p); p++) {
		if (!*p)
			return (size_t)(p - s);
	}

	u64 zero;

	while (!(zero = zero_bytes(*(const word *)p)))
		p += WORD;
	return (size_t)(p - s) + ctz64(zero) / 8;
}

/* As strlen; a word in which the string or the limit ends is read whole. */
__no_sanitize size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	for (; n < max && !aligned(s + n); n++) {
		if (!s[n])
			return n;
	}
	for (; n < max; n += WORD) {
		u64 zero = zero_bytes(*(const word *)(s + n));

		if (zero) {
			n += ctz64(zero) / 8;
			break;
		}
	}
	return n < max ? n : max;
}

int strcmp(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (u8)*a - (u8)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b)
			return (u8)*a - (u8)*b;
		if (!*a)
			return 0;
	}
	return 0;
}

int strncasecmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		int x = tolower((u8)*a), y = tolower((u8)*b);

		if (x != y)
			return x - y;
		if (!x)
			return 0;
	}
	return 0;
}

int strcasecmp(const char *a, const char *b)
{
	return strncasecmp(a, b, SIZE_MAX);
}

char *strchrnul(const char *s, int c)
{
	while (*s && *s != (char)c)
		s++;
	return (char *)s;
}

char *strchr(const char *s, int c)
{
	s = strchrnul(s, c);
	return *s == (char)c ? (char *)s : NULL;
}

char *strnchr(const char *s, size_t n, int c)
{
	for (; n; n--, s++) {
		if (*s == (char)c)
			return (char *)s;
		if (!*s)
			return NULL;
	}
	return NULL;
}

char *strrchr(const char *s, int c)
{
	const char *found = NULL;

	do {
		if (*s == (char)c)
			found = s;
	} while (*s++);
	return (char *)found;
}

char *strstr(const char *s, const char *what)
{
	size_t len = strlen(what);

	for (; (s = strchr(s, *what)); s++) {
		if (!strncmp(s, what, len))
			return (char *)s;
		if (!*s)
			return NULL;
	}
	return NULL;
}

size_t strspn(const char *s, const char *accept)
{
	size_t n = 0;

	while (s[n] && strchr(accept, s[n]))
		n++;
	return n;
}

size_t strcspn(const char *s, const char *reject)
{
	size_t n = 0;

	while (s[n] && !strchr(reject, s[n]))
		n++;
	return n;
}

char *strpbrk(const char *s, const char *accept)
{
	s += strcspn(s, accept);
	return *s ? (char *)s : NULL;
}

char *strsep(char **s, const char *delimiters)
{
	char *token = *s;

	if (!token)
		return NULL;

	char *end = strpbrk(token, delimiters);

	if (end)
		*end++ = '\0';
	*s = end;
	return token;
}

ssize_t strscpy(char *dst, const char *src, size_t size)
{
	if (!size)
		return -E2BIG;

	size_t len = strnlen(src, size);
	bool cut = len == size;

	len -= cut;
	memcpy(dst, src, len);
	dst[len] = '\0';
	return cut ? -E2BIG : (ssize_t)len;
}

bool strstarts(const char *s, const char *prefix)
{
	while (*prefix) {
		if (*s++ != *prefix++)
			return false;
	}
	return true;
}

char *strstrip(char *s)
{
	while (isspace((u8)*s))
		s++;

	size_t len = strlen(s);

	while (len && isspace((u8)s[len - 1]))
		len--;
	s[len] = '\0';
	return s;
}
