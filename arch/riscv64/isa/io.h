/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device registers.  A write is ordered after earlier stores to memory by `fence w,o` in front, a
 * read before later accesses by `fence i,ir` behind; the I/O region itself is strongly ordered.
 */
#ifndef ISA_IO_H
#define ISA_IO_H

static inline void arch_mb_device(void)
{
	__asm__ __volatile__("fence iorw, iorw" : : : "memory");
}

static inline void arch_rmb_device(void)
{
	__asm__ __volatile__("fence ir, ir" : : : "memory");
}

static inline void arch_wmb_device(void)
{
	__asm__ __volatile__("fence ow, ow" : : : "memory");
}

#define RISCV_MMIO(bits, load, store)                                                              \
	static inline u##bits mmio_read##bits(const volatile void *p)                              \
	{                                                                                          \
		u##bits v;                                                                         \
                                                                                                   \
		__asm__ __volatile__(load " %0, 0(%1)\n\tfence i, ir"                              \
				     : "=r"(v)                                                     \
				     : "r"(p)                                                      \
				     : "memory");                                                  \
		return v;                                                                          \
	}                                                                                          \
	static inline void mmio_write##bits(volatile void *p, u##bits v)                           \
	{                                                                                          \
		__asm__ __volatile__("fence w, o\n\t" store " %0, 0(%1)"                           \
				     :                                                             \
				     : "r"(v), "r"(p)                                              \
				     : "memory");                                                  \
	}

RISCV_MMIO(8, "lbu", "sb")
RISCV_MMIO(16, "lhu", "sh")
RISCV_MMIO(32, "lw", "sw")
RISCV_MMIO(64, "ld", "sd")

#undef RISCV_MMIO

#endif
