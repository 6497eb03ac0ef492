/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reference counts that saturate instead of wrapping.
 *
 * A count starts at 1 or more and is never raised from 0: an object whose count reached 0 is being
 * destroyed, and a lookup that may meet such an object uses refcount_get_unless_zero().  A count
 * that climbs past 2^31 or is misused sticks at the middle of the upper half, so that the object
 * leaks rather than being freed under a user.
 */
#pragma once

#include <kernel/lib/atomic.h>

typedef struct {
	u32 n; /* [a] */
} refcount_t;

#define REFCOUNT_INIT(v)   { .n = (v) }
#define REFCOUNT_SATURATED 0xc0000000u

static inline void refcount_set(refcount_t *r, u32 v)
{
	atomic_store(&r->n, v);
}

static inline u32 refcount_read(const refcount_t *r)
{
	return atomic_load(&r->n);
}

/*
 * Take one more reference, from one that the caller holds (or that cannot vanish).
 * Context: any.
 */
static __always_inline void refcount_get(refcount_t *r)
{
	u32 old = __atomic_fetch_add(&r->n, 1, __ATOMIC_RELAXED);

	if (unlikely((s32)old <= 0))
		atomic_store(&r->n, REFCOUNT_SATURATED);
}

/* Take several references at once, on the same terms. */
static __always_inline void refcount_get_many(refcount_t *r, u32 many)
{
	u32 old = __atomic_fetch_add(&r->n, many, __ATOMIC_RELAXED);

	if (unlikely((s32)old <= 0 || (s32)(old + many) <= 0))
		atomic_store(&r->n, REFCOUNT_SATURATED);
}

/*
 * Take a reference to an object found by a lookup that holds none.
 * Returns false when the object is already on its way out.  Context: any.
 */
static __always_inline bool refcount_get_unless_zero(refcount_t *r)
{
	u32 old = atomic_load(&r->n);

	do {
		if (!old)
			return false;
		if (unlikely((s32)old < 0))
			return true;
	} while (!__atomic_compare_exchange_n(&r->n, &old, old + 1, true, __ATOMIC_ACQUIRE,
					      __ATOMIC_RELAXED));
	return true;
}

/*
 * Drop references.  Returns true when the last one went: the caller destroys the object, and sees
 * every store made by those who dropped theirs before.  Context: any.
 */
static __always_inline __must_check bool refcount_put_many(refcount_t *r, u32 many)
{
	u32 old = __atomic_fetch_sub(&r->n, many, __ATOMIC_RELEASE);

	if (old == many) {
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		return true;
	}
	if (unlikely((s32)old <= 0 || old < many))
		atomic_store(&r->n, REFCOUNT_SATURATED);
	return false;
}

static __always_inline __must_check bool refcount_put(refcount_t *r)
{
	return refcount_put_many(r, 1);
}
