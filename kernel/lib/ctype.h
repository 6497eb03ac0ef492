/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Classes of ASCII characters. */
#pragma once

#include <kernel/lib/types.h>

static inline bool isdigit(int c)
{
	return (unsigned)c - '0' < 10;
}

static inline bool islower(int c)
{
	return (unsigned)c - 'a' < 26;
}

static inline bool isupper(int c)
{
	return (unsigned)c - 'A' < 26;
}

static inline bool isalpha(int c)
{
	return ((unsigned)c | 0x20) - 'a' < 26;
}

static inline bool isalnum(int c)
{
	return isalpha(c) || isdigit(c);
}

static inline bool isspace(int c)
{
	return c == ' ' || (unsigned)c - '\t' < 5;
}

static inline bool isprint(int c)
{
	return (unsigned)c - 0x20 < 0x5f;
}

static inline bool isgraph(int c)
{
	return (unsigned)c - 0x21 < 0x5e;
}

static inline bool isxdigit(int c)
{
	return isdigit(c) || ((unsigned)c | 0x20) - 'a' < 6;
}

static inline int tolower(int c)
{
	return isupper(c) ? c | 0x20 : c;
}

static inline int toupper(int c)
{
	return islower(c) ? c & ~0x20 : c;
}

/* The value of a digit in bases up to 36, or 36 for anything else. */
static inline unsigned digit_value(int c)
{
	if (isdigit(c))
		return (unsigned)c - '0';
	return isalpha(c) ? ((unsigned)c | 0x20) - 'a' + 10 : 36;
}

static inline bool iscntrl(int c)
{
	return (unsigned)c < 0x20 || c == 0x7f;
}
