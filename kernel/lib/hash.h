/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hash functions: multiplicative for trusted keys, SipHash for keys an adversary chooses.
 */
#pragma once

#include <kernel/lib/bits.h>

/* Spread a key over `bits` bits (1 to 32; 1 to 64). */
static __always_inline u32 hash32(u32 key, unsigned bits)
{
	return (key * 0x9e3779b1u) >> (32 - bits);
}

static __always_inline u64 hash64(u64 key, unsigned bits)
{
	return (key * 0x9e3779b97f4a7c15ull) >> (64 - bits);
}

static __always_inline u64 hash_ptr(const void *p, unsigned bits)
{
	return hash64((u64)(unsigned long)p, bits);
}

/* All 64 bits depend on all 64 bits; a bijection. */
static __always_inline u64 hash_mix64(u64 x)
{
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93ull;
	return x ^ (x >> 32);
}

/* A name of `len` bytes: eight bytes a step; not for adversaries' keys unless salted. */
u32 hash_string(const char *s, size_t len, u64 salt);

struct siphash_key {
	u64 k[2];
};

/* SipHash-2-4 (Aumasson and Bernstein). */
u64 siphash_2_4(const struct siphash_key *key, const void *data, size_t len);
