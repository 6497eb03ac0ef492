/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device memory.  It is mapped uncached, which the processor orders by itself; only write-combining
 * mappings and non-temporal stores need the fences.
 */
#ifndef ISA_IO_H
#define ISA_IO_H

#include <kernel/lib/compiler.h>

static __always_inline void arch_mb_device(void)
{
	__asm__ __volatile__("mfence" ::: "memory");
}

static __always_inline void arch_rmb_device(void)
{
	__asm__ __volatile__("lfence" ::: "memory");
}

static __always_inline void arch_wmb_device(void)
{
	__asm__ __volatile__("sfence" ::: "memory");
}

#define ISA_MMIO(bits, type, mov, constraint) \
	static __always_inline type mmio_read##bits(const volatile void *p) \
	{ \
		type v; \
		__asm__ __volatile__(mov " %1, %0" \
				     : "=" constraint(v) \
				     : "m"(*(const volatile type *)p) \
				     : "memory"); \
		return v; \
	} \
	static __always_inline void mmio_write##bits(volatile void *p, type v) \
	{ \
		__asm__ __volatile__(mov " %0, %1" \
				     : \
				     : constraint(v), "m"(*(volatile type *)p) \
				     : "memory"); \
	}

ISA_MMIO(8, u8, "movb", "q")
ISA_MMIO(16, u16, "movw", "r")
ISA_MMIO(32, u32, "movl", "r")
ISA_MMIO(64, u64, "movq", "r")
#undef ISA_MMIO

#endif
