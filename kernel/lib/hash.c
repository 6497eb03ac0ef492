/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Hashes of byte strings. */
#include <kernel/lib/hash.h>
#include <kernel/lib/string.h>

/* The last 0 to 7 bytes as a number. */
static u64 tail(const u8 *p, size_t n)
{
	u64 w = 0;

	while (n--)
		w = w << 8 | p[n];
	return w;
}

u32 hash_string(const char *s, size_t len, u64 salt)
{
	const u8 *p = (const u8 *)s;
	u64 h = salt ^ len * 0x9e3779b97f4a7c15ull;

	for (; len >= 8; len -= 8, p += 8)
		h = rol64(h ^ get_unaligned_le64(p), 29) * 0xd6e8feb86659fd93ull;
	h = rol64(h ^ tail(p, len), 29) * 0xd6e8feb86659fd93ull;
	return (u32)(h ^ h >> 32);
}

struct sip {
	u64 v0, v1, v2, v3;
};

static __always_inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rol64(s->v1, 13) ^ s->v0;
	s->v0 = rol64(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rol64(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rol64(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rol64(s->v1, 17) ^ s->v2;
	s->v2 = rol64(s->v2, 32);
}

static __always_inline void sip_word(struct sip *s, u64 m)
{
	s->v3 ^= m;
	sip_round(s);
	sip_round(s);
	s->v0 ^= m;
}

u64 siphash_2_4(const struct siphash_key *key, const void *data, size_t len)
{
	const u8 *p = data;
	struct sip s = {
		.v0 = key->k[0] ^ 0x736f6d6570736575ull,
		.v1 = key->k[1] ^ 0x646f72616e646f6dull,
		.v2 = key->k[0] ^ 0x6c7967656e657261ull,
		.v3 = key->k[1] ^ 0x7465646279746573ull,
	};
	u64 last = (u64)len << 56;

	for (; len >= 8; len -= 8, p += 8)
		sip_word(&s, get_unaligned_le64(p));
	sip_word(&s, last | tail(p, len));
	s.v2 ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
