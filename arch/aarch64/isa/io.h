/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device registers.  Single instructions without writeback, so that a hypervisor can decode them.
 */
#pragma once

static inline void arch_mb_device(void)
{
	__asm__ __volatile__("dsb sy" : : : "memory");
}

static inline void arch_rmb_device(void)
{
	__asm__ __volatile__("dsb ld" : : : "memory");
}

static inline void arch_wmb_device(void)
{
	__asm__ __volatile__("dsb st" : : : "memory");
}

/* A load is ordered before what follows, a store after what precedes. */
#define ARCH_MMIO_ACCESSORS(bits, suffix, reg) \
	static inline u##bits mmio_read##bits(const volatile void *p) \
	{ \
		u##bits v; \
		__asm__ __volatile__("ldr" suffix " %" reg "0, %1\n\tdmb oshld" \
				     : "=r"(v) \
				     : "Q"(*(const volatile u##bits *)p) \
				     : "memory"); \
		return v; \
	} \
	static inline void mmio_write##bits(volatile void *p, u##bits v) \
	{ \
		__asm__ __volatile__("dmb oshst\n\tstr" suffix " %" reg "1, %0" \
				     : "=Q"(*(volatile u##bits *)p) \
				     : "rZ"(v) \
				     : "memory"); \
	}

ARCH_MMIO_ACCESSORS(8, "b", "w")
ARCH_MMIO_ACCESSORS(16, "h", "w")
ARCH_MMIO_ACCESSORS(32, "", "w")
ARCH_MMIO_ACCESSORS(64, "", "x")
