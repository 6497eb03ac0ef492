/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Smaller, larger, between, and rounding to multiples and powers of two.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define min(a, b) \
	({ \
		typeof(a) min_a_ = (a); \
		typeof(b) min_b_ = (b); \
		min_a_ < min_b_ ? min_a_ : min_b_; \
	})
#define max(a, b) \
	({ \
		typeof(a) max_a_ = (a); \
		typeof(b) max_b_ = (b); \
		max_a_ > max_b_ ? max_a_ : max_b_; \
	})
#define min_t(type, a, b) \
	({ \
		type mint_a_ = (a); \
		type mint_b_ = (b); \
		mint_a_ < mint_b_ ? mint_a_ : mint_b_; \
	})
#define max_t(type, a, b) \
	({ \
		type maxt_a_ = (a); \
		type maxt_b_ = (b); \
		maxt_a_ > maxt_b_ ? maxt_a_ : maxt_b_; \
	})
#define clamp(x, lo, hi) \
	({ \
		typeof(x) clamp_x_ = (x); \
		typeof(x) clamp_lo_ = (lo); \
		typeof(x) clamp_hi_ = (hi); \
		clamp_x_ < clamp_lo_ ? clamp_lo_ : clamp_x_ > clamp_hi_ ? clamp_hi_ : clamp_x_; \
	})
#define swap(a, b) \
	do { \
		typeof(a) swap_tmp_ = (a); \
		(a) = (b); \
		(b) = swap_tmp_; \
	} while (0)

/* To multiples of a power of two; constant expressions when their arguments are. */
#define ALIGN_MASK_(x, m)  (((x) + (m)) & ~(m))
#define ALIGN_UP(x, a)	   ALIGN_MASK_(x, (typeof(x))(a) - 1)
#define ALIGN_DOWN(x, a)   ((x) & ~((typeof(x))(a) - 1))
#define IS_ALIGNED(x, a)   (((x) & ((typeof(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define ROUND_UP(n, d)	   (DIV_ROUND_UP(n, d) * (d))

static inline bool is_pow2(u64 n)
{
	return n && !(n & (n - 1));
}

/* Floor of the logarithm; the argument is not 0. */
#define ilog2(n) (63u - (unsigned)__builtin_clzll((u64)(n)))

/* The smallest power of two not below n; n is 1 to 2^63. */
static inline u64 roundup_pow2(u64 n)
{
	return n <= 1 ? 1 : 1ull << (64 - __builtin_clzll(n - 1));
}

static inline u64 rounddown_pow2(u64 n)
{
	return 1ull << ilog2(n);
}
