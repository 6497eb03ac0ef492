/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking for kernel memory.  Prototypes only, so that rooms below mm may use them.
 *
 *	up to 8 KiB		kmalloc, or a slab_cache of one's own for many equal objects
 *	whole pages		pages_alloc (mm/page.h)
 *	large, not contiguous	vmalloc
 *
 * Every allocation may fail and the caller copes.  Memory from kmalloc of a power of two is aligned
 * to its size up to a page; every other to at least 8 bytes.
 */
#pragma once

#include <stdarg.h>
#include <kernel/lib/compiler.h>

typedef u32 gfp_t;

#define __GFP_SLEEP   (1u << 0) /* may sleep: reclaim directly, write back, kill */
#define __GFP_FS      (1u << 1) /* reclaim may call into file systems */
#define __GFP_HIGH    (1u << 2) /* may use the emergency reserve */
#define __GFP_ZERO    (1u << 3) /* cleared */
#define __GFP_NOWARN  (1u << 4) /* failure is no news */
#define __GFP_DMA32   (1u << 5) /* below 4 GiB of physical address space */
#define __GFP_MOVABLE (1u << 6) /* user memory and page cache */
#define __GFP_NORETRY (1u << 7) /* one attempt at reclaim, no killing */
#define __GFP_ACCOUNT (1u << 8) /* charged to the caller's memory control group */

#define GFP_KERNEL (__GFP_SLEEP | __GFP_FS)
#define GFP_NOFS   (__GFP_SLEEP)
#define GFP_ATOMIC (__GFP_HIGH)
#define GFP_NOWAIT (__GFP_NOWARN)
#define GFP_USER   (__GFP_SLEEP | __GFP_FS | __GFP_MOVABLE | __GFP_ACCOUNT)
#define GFP_DMA32  (__GFP_SLEEP | __GFP_FS | __GFP_DMA32)

#define KMALLOC_MAX (4ul << 20)

/*
 * `size` bytes.  kmalloc(0) gives a unique pointer.  Returns NULL when there is no memory.
 * Context: GFP_KERNEL may sleep; GFP_ATOMIC and GFP_NOWAIT any, interrupts included.
 */
void *kmalloc(size_t size, gfp_t gfp) __malloc_like __must_check;

static inline void *kzalloc(size_t size, gfp_t gfp)
{
	return kmalloc(size, gfp | __GFP_ZERO);
}

/* An array, cleared; NULL also when n * size overflows. */
static inline void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kzalloc(bytes, gfp);
}

static inline void *kmalloc_array(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	return __builtin_mul_overflow(n, size, &bytes) ? NULL : kmalloc(bytes, gfp);
}

/* As realloc: NULL leaves `p` as it was. */
void *krealloc(const void *p, size_t size, gfp_t gfp) __must_check;

/* Context: any.  NULL is fine. */
void kfree(const void *p);

/* How many bytes behind `p` may be used. */
size_t ksize(const void *p);

void *kmemdup(const void *src, size_t len, gfp_t gfp) __must_check;
char *kstrdup(const char *s, gfp_t gfp) __must_check;
char *kstrndup(const char *s, size_t max, gfp_t gfp) __must_check;
char *kasprintf(gfp_t gfp, const char *fmt, ...) __printf(2, 3) __must_check;
char *kvasprintf(gfp_t gfp, const char *fmt, va_list args) __printf(2, 0) __must_check;

/* Whole pages, contiguous only virtually, with a guard page behind.  Context: may sleep. */
void *vmalloc(size_t size) __must_check;
void *vzalloc(size_t size) __must_check;
/* Context: any but interrupts.  NULL is fine. */
void vfree(const void *p);

/* kmalloc if that is easy, else vmalloc.  Context: may sleep. */
void *kvmalloc(size_t size, gfp_t gfp) __must_check;

static inline void *kvzalloc(size_t size, gfp_t gfp)
{
	return kvmalloc(size, gfp | __GFP_ZERO);
}

void kvfree(const void *p);

/*
 * A kernel stack of KSTACK_SIZE bytes, its lowest address, with an unmapped page below.
 * stack_alloc: may sleep; NULL when there is no memory.  stack_free: any context but hard
 * interrupts.
 */
void *stack_alloc(void) __must_check;
void stack_free(void *stack);

/*
 * Caches of equal objects.
 */
struct slab_cache;

#define SLAB_TYPESAFE_BY_RCU (1u << 0) /* memory stays of this type until a grace period passed */
#define SLAB_ACCOUNT         (1u << 1) /* objects are charged to the memory control group */
#define SLAB_HWALIGN         (1u << 2) /* align to cache lines */
#define SLAB_RECLAIMABLE     (1u << 3) /* a shrinker gives objects back: counted as SReclaimable */
#define SLAB_NOMAGAZINE      (1u << 4) /* rare objects: nothing cached per processor */

/*
 * `ctor`, optional, prepares an object once, when its memory first joins the cache; an object is
 * given back in the state the constructor left.  With SLAB_TYPESAFE_BY_RCU a freed object may be
 * handed out again at once, but its memory is not used for anything else while RCU readers that
 * found it remain. Returns NULL for want of memory.  `name` is kept, not copied.  Context: may
 * sleep.
 */
struct slab_cache *slab_create(const char *name, size_t size, size_t align, unsigned flags,
			       void (*ctor)(void *obj)) __must_check;
/* Every object is back.  Context: may sleep (a grace period for SLAB_TYPESAFE_BY_RCU). */
void slab_destroy(struct slab_cache *cache);

/* Context: by `gfp`, as kmalloc.  __GFP_ZERO only without constructor. */
void *slab_alloc(struct slab_cache *cache, gfp_t gfp) __must_check;
/* Context: any.  NULL is fine. */
void slab_free(struct slab_cache *cache, void *obj);

/* A cache for `struct type`. */
#define SLAB_CACHE(type, flags)                                                                    \
	slab_create(#type, sizeof(struct type), __alignof__(struct type), flags, NULL)
