/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ranges of bits. */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>

/* The bits of the word that [bit, bit + n) covers from `bit` on; at least one, at most the rest of
 * the word. */
static u64 word_mask(size_t bit, size_t n)
{
	u64 mask = ~0ull << (bit % 64);
	size_t end = bit % 64 + n;

	return end < 64 ? mask & (BIT(end) - 1) : mask;
}

void bitmap_set_range(u64 *map, size_t bit, size_t n)
{
	while (n) {
		size_t step = min(n, 64 - bit % 64);

		map[bit / 64] |= word_mask(bit, n);
		bit += step;
		n -= step;
	}
}

void bitmap_clear_range(u64 *map, size_t bit, size_t n)
{
	while (n) {
		size_t step = min(n, 64 - bit % 64);

		map[bit / 64] &= ~word_mask(bit, n);
		bit += step;
		n -= step;
	}
}

size_t bitmap_find_zero_range(const u64 *map, size_t nbits, size_t from, size_t n, size_t align)
{
	for (;;) {
		from = ALIGN_UP(bitmap_find_next_zero(map, nbits, from), align);
		if (from >= nbits || n > nbits - from)
			return nbits;

		size_t set = bitmap_find_next_bit(map, from + n, from);

		if (set == from + n)
			return from;
		from = set + 1;
	}
}
