/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Device registers and their ordering.  Atomics and SMP fences are the compiler's
 * (kernel/lib/atomic.h); these are not.
 *
 * The accessors are little-endian and strongly ordered against each other and, by the barriers
 * inside, against earlier stores to memory that the device reads (write) and later loads of memory
 * that it wrote (read).
 */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <kernel/lib/types.h>

static inline void arch_mb_device(void);
static inline void arch_rmb_device(void);
static inline void arch_wmb_device(void);

static inline u8 mmio_read8(const volatile void *p);
static inline u16 mmio_read16(const volatile void *p);
static inline u32 mmio_read32(const volatile void *p);
static inline u64 mmio_read64(const volatile void *p);
static inline void mmio_write8(volatile void *p, u8 v);
static inline void mmio_write16(volatile void *p, u16 v);
static inline void mmio_write32(volatile void *p, u32 v);
static inline void mmio_write64(volatile void *p, u64 v);

/* Make memory visible to a device that does not snoop, or the reverse.  Empty where DMA is
 * coherent. */
void arch_dma_sync(paddr_t pa, size_t len, bool to_device);

#include <isa/io.h>

#endif
