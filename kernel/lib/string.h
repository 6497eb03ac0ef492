/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory and strings, with the meanings of ISO C.
 *
 * The C bodies are weak: an architecture may define faster memcpy, memmove, memset and copy_page.
 * The macros let the compiler expand small constant sizes in place.
 */
#pragma once

#include <kernel/lib/compiler.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n) __pure;
void *memchr(const void *s, int c, size_t n) __pure;

/* The first byte that is not `c`, or NULL. */
void *memchr_inv(const void *s, int c, size_t n) __pure;

/* One page, both aligned to a page. */
void copy_page(void *restrict dst, const void *restrict src);
void clear_page(void *dst);

/* memset that the compiler keeps although nobody reads the result: for secrets. */
void memzero_explicit(void *dst, size_t n);

/* memcmp() == 0 in time that does not depend on the content. */
bool memequal_ct(const void *a, const void *b, size_t n);

size_t strlen(const char *s) __pure;
size_t strnlen(const char *s, size_t max) __pure;
int strcmp(const char *a, const char *b) __pure;
int strncmp(const char *a, const char *b, size_t n) __pure;
int strcasecmp(const char *a, const char *b) __pure;
int strncasecmp(const char *a, const char *b, size_t n) __pure;
char *strchr(const char *s, int c) __pure;
char *strrchr(const char *s, int c) __pure;
char *strchrnul(const char *s, int c) __pure;
char *strnchr(const char *s, size_t n, int c) __pure;
char *strstr(const char *s, const char *what) __pure;
char *strpbrk(const char *s, const char *accept) __pure;
size_t strspn(const char *s, const char *accept) __pure;
size_t strcspn(const char *s, const char *reject) __pure;
char *strsep(char **s, const char *delimiters);

/*
 * Copy what fits and always terminate (when size is not 0).
 * Returns the length copied, or -E2BIG when `src` was cut short.
 */
ssize_t strscpy(char *dst, const char *src, size_t size);

/* Does `s` begin with `prefix`? */
bool strstarts(const char *s, const char *prefix) __pure;

/* Remove white space at both ends, in place.  Returns the new beginning. */
char *strstrip(char *s);

#if IS_ENABLED(CONFIG_KASAN)
/* The compiler leaves these to the functions, which may be assembly: check the ranges here. */
void kasan_check(const void *addr, size_t len, bool write) __attribute__((access(none, 1)));

static __always_inline void *string_checked_(void *dst, const void *src, size_t n)
{
	kasan_check(dst, n, true);
	if (src)
		kasan_check(src, n, false);
	return dst;
}

#define memcpy(d, s, n)                                                                            \
	({                                                                                         \
		const void *checked_s_ = (s);                                                      \
		size_t checked_n_ = (n);                                                           \
		__builtin_memcpy(string_checked_((d), checked_s_, checked_n_), checked_s_,         \
				 checked_n_);                                                      \
	})
#define memmove(d, s, n) \
	({ \
		const void *checked_s_ = (s); \
		size_t checked_n_ = (n); \
		__builtin_memmove(string_checked_((d), checked_s_, checked_n_), checked_s_, \
				  checked_n_); \
	})
#define memset(d, c, n) \
	({ \
		size_t checked_n_ = (n); \
		__builtin_memset(string_checked_((d), NULL, checked_n_), (c), checked_n_); \
	})
#else
#define memcpy(d, s, n)	 __builtin_memcpy(d, s, n)
#define memmove(d, s, n) __builtin_memmove(d, s, n)
#define memset(d, c, n)	 __builtin_memset(d, c, n)
#endif
#define memcmp(a, b, n)	 __builtin_memcmp(a, b, n)
#define strlen(s)	 __builtin_strlen(s)
#define strcmp(a, b)	 __builtin_strcmp(a, b)
