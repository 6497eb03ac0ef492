/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Port-mapped I/O.  Not part of the contract: the drivers that need it depend on ARCH_HAS_PORTIO.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define X86_PORT_ACCESS(suffix, type) \
	static __always_inline type in##suffix(u16 port) \
	{ \
		type v; \
		__asm__ __volatile__("in" #suffix " %1, %0" : "=a"(v) : "Nd"(port) : "memory"); \
		return v; \
	} \
	static __always_inline void out##suffix(u16 port, type v) \
	{ \
		__asm__ __volatile__("out" #suffix " %0, %1" ::"a"(v), "Nd"(port) : "memory"); \
	}
X86_PORT_ACCESS(b, u8)
X86_PORT_ACCESS(w, u16)
X86_PORT_ACCESS(l, u32)
#undef X86_PORT_ACCESS
