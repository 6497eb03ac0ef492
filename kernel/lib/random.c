/* SPDX-License-Identifier: GPL-2.0-or-later */
/* xoshiro256** (Blackman and Vigna), seeded through splitmix64. */
#include <kernel/lib/random.h>
#include <kernel/lib/bits.h>

void prng_seed(struct prng *p, u64 seed)
{
	for (int i = 0; i < 4; i++) {
		u64 z = seed += 0x9e3779b97f4a7c15ull;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ z >> 27) * 0x94d049bb133111ebull;
		p->s[i] = z ^ z >> 31;
	}
}

u64 prng_next(struct prng *p)
{
	u64 *s = p->s, result = rol64(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rol64(s[3], 45);
	return result;
}

/* Draws above the largest multiple of `bound` would favour small numbers and are thrown away. */
u64 prng_below(struct prng *p, u64 bound)
{
	u64 limit = -bound % bound, n;

	do {
		n = prng_next(p);
	} while (n < limit);
	return n % bound;
}
