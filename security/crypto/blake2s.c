/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * BLAKE2s (RFC 7693).  The last block is compressed only by blake2s_final, with the finalisation
 * flag, so a full buffer waits until more data proves that it is not the last.
 */
#include <security/crypto/blake2s.h>

#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

static const u32 iv[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

static const u8 sigma[10][16] = {
	{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
	{14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
	{11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
	{7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
	{9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
	{2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
	{12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
	{13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
	{6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
	{10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline u32 rotr(u32 x, unsigned n)
{
	return x >> n | x << (32 - n);
}

static inline void mix(u32 *v, unsigned a, unsigned b, unsigned c, unsigned d, u32 x, u32 y)
{
	v[a] += v[b] + x;
	v[d] = rotr(v[d] ^ v[a], 16);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 12);
	v[a] += v[b] + y;
	v[d] = rotr(v[d] ^ v[a], 8);
	v[c] += v[d];
	v[b] = rotr(v[b] ^ v[c], 7);
}

static void compress(struct blake2s *s, bool last)
{
	u32 v[16], m[16];

	memcpy(m, s->block, sizeof(m));
	memcpy(v, s->h, sizeof(s->h));
	memcpy(v + 8, iv, sizeof(iv));
	v[12] ^= (u32)s->total;
	v[13] ^= (u32)(s->total >> 32);
	if (last)
		v[14] = ~v[14];
	for (int r = 0; r < 10; r++) {
		const u8 *p = sigma[r];

		mix(v, 0, 4, 8, 12, m[p[0]], m[p[1]]);
		mix(v, 1, 5, 9, 13, m[p[2]], m[p[3]]);
		mix(v, 2, 6, 10, 14, m[p[4]], m[p[5]]);
		mix(v, 3, 7, 11, 15, m[p[6]], m[p[7]]);
		mix(v, 0, 5, 10, 15, m[p[8]], m[p[9]]);
		mix(v, 1, 6, 11, 12, m[p[10]], m[p[11]]);
		mix(v, 2, 7, 8, 13, m[p[12]], m[p[13]]);
		mix(v, 3, 4, 9, 14, m[p[14]], m[p[15]]);
	}
	for (int i = 0; i < 8; i++)
		s->h[i] ^= v[i] ^ v[i + 8];
}

void blake2s_init(struct blake2s *s)
{
	memset(s, 0, sizeof(*s));
	memcpy(s->h, iv, sizeof(iv));
	s->h[0] ^= 0x01010000 ^ BLAKE2S_SIZE;
}

void blake2s_update(struct blake2s *s, const void *data, size_t n)
{
	const u8 *p = data;

	while (n) {
		if (s->fill == sizeof(s->block)) {
			s->total += sizeof(s->block);
			compress(s, false);
			s->fill = 0;
		}
		size_t part = min(n, sizeof(s->block) - s->fill);

		memcpy(s->block + s->fill, p, part);
		s->fill += part;
		p += part;
		n -= part;
	}
}

void blake2s_final(struct blake2s *s, u8 out[BLAKE2S_SIZE])
{
	s->total += s->fill;
	memset(s->block + s->fill, 0, sizeof(s->block) - s->fill);
	compress(s, true);
	memcpy(out, s->h, BLAKE2S_SIZE);
}
