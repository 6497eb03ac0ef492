/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address sanitizer: which bytes of RAM may be touched.
 *
 * One shadow byte tells of eight bytes: 0 all, 1 to 7 only the first so many, larger values none
 * and why.  RAM is tracked through its linear map, where the page and slab allocators' memory lies;
 * stacks and vmalloc areas have guard pages instead.  Without CONFIG_KASAN all this is nothing.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define KASAN_GRANULE 8

enum kasan_poison {
	KASAN_PAGE_FREE = 0xff,
	KASAN_REDZONE = 0xfc,	/* beyond an object */
	KASAN_SLAB_FREE = 0xfb,
};

#if IS_ENABLED(CONFIG_KASAN)

/* Make the shadow, all of it "may be touched", and start checking.  After mm_init.  Context: may
 * sleep. */
void kasan_init(void);

/*
 * Forbid [addr, addr + len), or allow it; addr is a multiple of 8.  Forbidding rounds len up,
 * allowing a length that is no multiple of 8 allows just that.  Context: any.
 */
void kasan_poison(const void *addr, size_t len, enum kasan_poison why);
void kasan_unpoison(const void *addr, size_t len);

/* What the string functions ask before they touch [addr, addr + len). */
void kasan_check(const void *addr, size_t len, bool write) __attribute__((access(none, 1)));

/* No reports from any processor between the two; they nest. */
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

static inline void kasan_check(const void *addr, size_t len, bool write)
{
}

static inline void kasan_disable(void)
{
}

static inline void kasan_enable(void)
{
}

#endif
