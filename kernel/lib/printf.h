/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Formatted text into a caller's buffer.
 *
 * ISO C conversions d i u o x X c s p % with flags, width, precision and hh h l ll z t j; no
 * floating point and no %n.  Further, after %p:
 *	%pS %ps	symbol and offset, symbol alone, of a kernel address
 *	%pB	the same of a return address, which may lie just behind its function
 *	%pa	a paddr_t, by pointer
 *	%pM	six bytes of an Ethernet address
 *	%pI4 %pI6	four or sixteen bytes of an Internet address
 *	%pU	sixteen bytes of a UUID, big-endian order
 *	%pV	a struct va_format: a format and its arguments within another
 */
#pragma once

#include <stdarg.h>
#include <kernel/lib/compiler.h>

struct va_format {
	const char *fmt;
	va_list *args;
};

/* Return the length the whole text has; what did not fit (and room for the NUL) is cut off. */
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vsnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);

/* Return the length written, without the NUL. */
int scnprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int vscnprintf(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);

/*
 * How %pS finds names: given an address, the start of its symbol's name in *name and the offset and
 * size, or false.  Set once, at boot.
 */
typedef bool (*printf_symbol_fn)(vaddr_t addr, const char **name, size_t *offset, size_t *size);
void printf_set_symbols(printf_symbol_fn fn);
