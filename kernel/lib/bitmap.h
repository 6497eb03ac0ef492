/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays of bits in 64-bit words.
 *
 * Sizes and positions are in bits.  Searches answer `nbits` when they find nothing.  Bits beyond
 * `nbits` in the last word are ignored by the searches and by bitmap_weight.
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/bits.h>

#define BITMAP_WORDS(nbits)	   (((nbits) + 63) / 64)
#define BITMAP_DECLARE(name, nbits) u64 name[BITMAP_WORDS(nbits)]

static __always_inline void bitmap_set(u64 *map, size_t bit)
{
	map[bit / 64] |= BIT(bit % 64);
}

static __always_inline void bitmap_clear(u64 *map, size_t bit)
{
	map[bit / 64] &= ~BIT(bit % 64);
}

static __always_inline bool bitmap_test(const u64 *map, size_t bit)
{
	return READ_ONCE(map[bit / 64]) >> (bit % 64) & 1;
}

static __always_inline void set_bit_atomic(u64 *map, size_t bit)
{
	atomic_or(&map[bit / 64], BIT(bit % 64));
}

static __always_inline void clear_bit_atomic(u64 *map, size_t bit)
{
	atomic_and(&map[bit / 64], ~BIT(bit % 64));
}

/* Return what the bit was; sequentially consistent. */
static __always_inline bool test_and_set_bit_atomic(u64 *map, size_t bit)
{
	return atomic_fetch_or(&map[bit / 64], BIT(bit % 64)) >> (bit % 64) & 1;
}

static __always_inline bool test_and_clear_bit_atomic(u64 *map, size_t bit)
{
	return atomic_fetch_and(&map[bit / 64], ~BIT(bit % 64)) >> (bit % 64) & 1;
}

static inline void bitmap_zero(u64 *map, size_t nbits)
{
	for (size_t i = 0; i < BITMAP_WORDS(nbits); i++)
		map[i] = 0;
}

static inline void bitmap_fill(u64 *map, size_t nbits)
{
	for (size_t i = 0; i < BITMAP_WORDS(nbits); i++)
		map[i] = ~0ull;
	if (nbits % 64)
		map[nbits / 64] = BIT(nbits % 64) - 1;
}

/* The first bit at or after `from` in the map xor `flip`; shared by the two searches. */
static inline size_t bitmap_find_(const u64 *map, size_t nbits, size_t from, u64 flip)
{
	if (from >= nbits)
		return nbits;

	size_t i = from / 64;
	u64 word = (READ_ONCE(map[i]) ^ flip) & (~0ull << (from % 64));

	while (!word) {
		if (++i >= BITMAP_WORDS(nbits))
			return nbits;
		word = READ_ONCE(map[i]) ^ flip;
	}
	from = i * 64 + ctz64(word);
	return from < nbits ? from : nbits;
}

static inline size_t bitmap_find_next_bit(const u64 *map, size_t nbits, size_t from)
{
	return bitmap_find_(map, nbits, from, 0);
}

static inline size_t bitmap_find_next_zero(const u64 *map, size_t nbits, size_t from)
{
	return bitmap_find_(map, nbits, from, ~0ull);
}

static inline size_t bitmap_find_first_bit(const u64 *map, size_t nbits)
{
	return bitmap_find_(map, nbits, 0, 0);
}

static inline size_t bitmap_find_first_zero(const u64 *map, size_t nbits)
{
	return bitmap_find_(map, nbits, 0, ~0ull);
}

static inline size_t bitmap_weight(const u64 *map, size_t nbits)
{
	size_t n = 0;

	for (size_t i = 0; i < nbits / 64; i++)
		n += popcount64(map[i]);
	if (nbits % 64)
		n += popcount64(map[nbits / 64] & (BIT(nbits % 64) - 1));
	return n;
}

static inline bool bitmap_empty(const u64 *map, size_t nbits)
{
	return bitmap_find_first_bit(map, nbits) == nbits;
}

/* Set or clear the `n` bits from `bit` on. */
void bitmap_set_range(u64 *map, size_t bit, size_t n);
void bitmap_clear_range(u64 *map, size_t bit, size_t n);

/*
 * The first run of `n` clear bits at or after `from` whose start is a multiple of `align` (a power
 * of two).  Returns its start, or nbits.
 */
size_t bitmap_find_zero_range(const u64 *map, size_t nbits, size_t from, size_t n, size_t align);

#define bitmap_for_each_set(bit, map, nbits) \
	for ((bit) = bitmap_find_next_bit(map, nbits, 0); (bit) < (nbits); \
	     (bit) = bitmap_find_next_bit(map, nbits, (bit) + 1))
