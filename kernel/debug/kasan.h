/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address sanitizer: which bytes of kernel memory may be touched.
 *
 * One shadow byte tells of eight bytes: 0 all, 1 to 7 only the first so many, negative none and why.
 * Shadow of address a lies at KASAN_SHADOW_OFFSET + (a >> 3).  Without CONFIG_KASAN all this is
 * nothing.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define KASAN_GRANULE 8

enum kasan_poison {
	KASAN_PAGE_FREE = 0xff,
	KASAN_REDZONE = 0xfc,	/* beyond an object */
	KASAN_SLAB_FREE = 0xfb,
	KASAN_GLOBAL_REDZONE = 0xf9,
	KASAN_VMALLOC_INVALID = 0xf8,
	KASAN_STACK_LEFT = 0xf1,
	KASAN_STACK_MID = 0xf2,
	KASAN_STACK_RIGHT = 0xf3,
	KASAN_STACK_SCOPE = 0xf8,
};

#if IS_ENABLED(CONFIG_KASAN)

/* Start checking: shadow is mapped for all memory in use.  Context: boot CPU. */
void kasan_init(void);

/* Forbid [addr, addr + len), or allow it; addr is a multiple of 8.  Context: any. */
void kasan_poison(const void *addr, size_t len, enum kasan_poison why);
void kasan_unpoison(const void *addr, size_t len);

/* A new thread runs on this stack: what the former one forbade is forgotten. */
void kasan_unpoison_stack(const void *stack, size_t len);

/* No reports from this thread of execution between the two; they nest. */
void kasan_disable(void);
void kasan_enable(void);

#else

static inline void kasan_init(void)
{
}

static inline void kasan_poison(const void *addr, size_t len, enum kasan_poison why)
{
}

static inline void kasan_unpoison(const void *addr, size_t len)
{
}

static inline void kasan_unpoison_stack(const void *stack, size_t len)
{
}

static inline void kasan_disable(void)
{
}

static inline void kasan_enable(void)
{
}

#endif
