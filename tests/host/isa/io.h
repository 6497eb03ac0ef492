/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device registers of the toy machine are memory of the test's. */
#pragma once

#define TOY_FENCE __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline void arch_mb_device(void)
{
	TOY_FENCE;
}

static inline void arch_rmb_device(void)
{
	TOY_FENCE;
}

static inline void arch_wmb_device(void)
{
	TOY_FENCE;
}

#define TOY_MMIO(bits) \
	static inline u##bits mmio_read##bits(const volatile void *p) \
	{ \
		return *(const volatile u##bits *)p; \
	} \
	static inline void mmio_write##bits(volatile void *p, u##bits v) \
	{ \
		*(volatile u##bits *)p = v; \
	}

TOY_MMIO(8)
TOY_MMIO(16)
TOY_MMIO(32)
TOY_MMIO(64)

#undef TOY_MMIO
