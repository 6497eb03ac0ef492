/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers and command lines out of text.
 */
#pragma once

#include <kernel/lib/compiler.h>

/*
 * The whole string is one number; one trailing newline is allowed.  Base 0 takes the 0x and 0
 * prefixes.  Returns 0, -EINVAL (not a number) or -ERANGE (does not fit).
 */
int __must_check parse_u64(const char *s, unsigned base, u64 *out);
int __must_check parse_s64(const char *s, unsigned base, s64 *out);
int __must_check parse_u32(const char *s, unsigned base, u32 *out);
int __must_check parse_int(const char *s, unsigned base, int *out);
int __must_check parse_bool(const char *s, bool *out);

/*
 * The digits at the beginning of `s`; *end, if not NULL, is where they stop.  Overflow sticks at
 * U64_MAX.
 */
u64 parse_digits(const char *s, const char **end, unsigned base);

/* A number with an optional suffix K M G T P E, powers of 1024.  *end is where it stops. */
u64 memparse(const char *s, char **end);

/*
 * The value of `key` in a command line: "key=value" or the bare word "key" (value "").  The last
 * occurrence counts; quotes may enclose blanks.  Returns false when absent; `buf` may be NULL.
 */
bool cmdline_get(const char *cmdline, const char *key, char *buf, size_t size);

/* As cmdline_get, the nth occurrence (from 0): console= may be given several times. */
bool cmdline_get_nth(const char *cmdline, const char *key, unsigned nth, char *buf, size_t size);

/* The number after "key=", or `otherwise`. */
u64 cmdline_u64(const char *cmdline, const char *key, u64 otherwise);

/*
 * Walk the words: *pos starts at the command line; each call copies the next word, unquoted, to buf
 * (cut to size).  Returns false at the end.
 */
bool cmdline_next(const char **pos, char *buf, size_t size);
