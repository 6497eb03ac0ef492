/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Atomic accesses to plain variables of 4 or 8 bytes.
 *
 * The variable keeps its ordinary type; these macros are how it is touched when shared.
 * Plain loads and stores are relaxed; _acquire and _release say so; every read-modify-write is
 * sequentially consistent, except atomic_inc, _dec, _add, _sub, _or and _and, which return nothing
 * and order nothing.  Smaller sizes do not exist: RISC-V has no instruction for them.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define ATOMIC_CHECK_(p) \
	static_assert(sizeof(*(p)) == 4 || sizeof(*(p)) == 8, "atomics are 4 or 8 bytes")

#define atomic_load(p) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_load_n((p), __ATOMIC_RELAXED); \
	})
#define atomic_load_acquire(p) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_load_n((p), __ATOMIC_ACQUIRE); \
	})
#define atomic_store(p, v) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_store_n((p), (v), __ATOMIC_RELAXED); \
	})
#define atomic_store_release(p, v) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_store_n((p), (v), __ATOMIC_RELEASE); \
	})
#define atomic_xchg(p, v) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_exchange_n((p), (v), __ATOMIC_SEQ_CST); \
	})

/* If *p is *old make it new and say true; else say false and leave what was seen in *old. */
#define atomic_cmpxchg(p, old, new) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST, \
					    __ATOMIC_RELAXED); \
	})
#define atomic_cmpxchg_acquire(p, old, new) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_ACQUIRE, \
					    __ATOMIC_RELAXED); \
	})
#define atomic_cmpxchg_release(p, old, new) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_RELEASE, \
					    __ATOMIC_RELAXED); \
	})
#define atomic_cmpxchg_relaxed(p, old, new) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_RELAXED, \
					    __ATOMIC_RELAXED); \
	})

#define atomic_fetch_add(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_fetch_add((p), (n), __ATOMIC_SEQ_CST); \
	})
#define atomic_fetch_sub(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_fetch_sub((p), (n), __ATOMIC_SEQ_CST); \
	})
#define atomic_fetch_or(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_fetch_or((p), (n), __ATOMIC_SEQ_CST); \
	})
#define atomic_fetch_and(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_fetch_and((p), (n), __ATOMIC_SEQ_CST); \
	})
#define atomic_fetch_xor(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_fetch_xor((p), (n), __ATOMIC_SEQ_CST); \
	})
#define atomic_add_return(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_add_fetch((p), (n), __ATOMIC_SEQ_CST); \
	})
#define atomic_sub_return(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		__atomic_sub_fetch((p), (n), __ATOMIC_SEQ_CST); \
	})

#define atomic_add(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		(void)__atomic_fetch_add((p), (n), __ATOMIC_RELAXED); \
	})
#define atomic_sub(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		(void)__atomic_fetch_sub((p), (n), __ATOMIC_RELAXED); \
	})
#define atomic_or(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		(void)__atomic_fetch_or((p), (n), __ATOMIC_RELAXED); \
	})
#define atomic_and(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		(void)__atomic_fetch_and((p), (n), __ATOMIC_RELAXED); \
	})
#define atomic_xor(p, n) \
	({ \
		ATOMIC_CHECK_(p); \
		(void)__atomic_fetch_xor((p), (n), __ATOMIC_RELAXED); \
	})
#define atomic_inc(p)	     atomic_add(p, 1)
#define atomic_dec(p)	     atomic_sub(p, 1)
#define atomic_inc_return(p) atomic_add_return(p, 1)
#define atomic_dec_return(p) atomic_sub_return(p, 1)

/* Ordering between processors' memory accesses; device ordering is <arch/barrier.h>. */
#define smp_mb()  __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
