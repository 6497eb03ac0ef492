/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hashes of names, by which hash trees order directories.
 *
 * A name gives a major hash, whose lowest bit is free (it marks a chain of equal hashes that goes
 * on in the next leaf) and whose largest value is the end of every directory, and a minor hash,
 * which only refines positions of listings.  Which function a directory uses stands in its root;
 * the seed stands in the superblock.
 *
 * "Unsigned" variants take the bytes of names as 0 to 255, the others as -128 to 127: a relic of
 * machines that disagree about char.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/string.h>

#include "dirent.h"

#define HASH_EOF 0x7fffffffu /* in 31 bits */

static const u32 default_seed[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};

static inline u32 name_byte(const char *name, size_t i, bool is_signed)
{
	return is_signed ? (u32)(s32)(signed char)name[i] : (u32)(u8)name[i];
}

static u32 hash_legacy(const char *name, size_t len, bool is_signed)
{
	u32 last = 0x12a3fe2d, before = 0x37abe8f9;

	for (size_t i = 0; i < len; i++) {
		u32 h = before + (last ^ name_byte(name, i, is_signed) * 7152373u);

		if (h & 0x80000000)
			h -= 0x7fffffff;
		before = last;
		last = h;
	}
	return last << 1;
}

/* The next `words` words of the message; what the name does not fill holds its length. */
static void load_words(const char *name, size_t len, bool is_signed, u32 *out, unsigned words)
{
	u32 pad = (u32)len | (u32)len << 8;
	size_t n = len < words * 4 ? len : words * 4;
	size_t i = 0;
	u32 word;

	pad |= pad << 16;
	word = pad;
	/* Four bytes at a time, as long as signs do not matter. */
	for (; i + 4 <= n; i += 4) {
		u32 four = get_unaligned_le32(name + i);

		if (is_signed && (four & 0x80808080))
			break;
		*out++ = bswap32(four);
		words--;
	}
	for (; i < n; i++) {
		word = name_byte(name, i, is_signed) + (word << 8);
		if (i % 4 == 3) {
			*out++ = word;
			word = pad;
			words--;
		}
	}
	if (words) {
		*out++ = word;
		words--;
	}
	while (words--)
		*out++ = pad;
}

static void tea_mix(u32 h[4], const u32 key[4])
{
	u32 sum = 0, x = h[0], y = h[1];

	for (unsigned round = 0; round < 16; round++) {
		sum += 0x9e3779b9;
		x += ((y << 4) + key[0]) ^ (y + sum) ^ ((y >> 5) + key[1]);
		y += ((x << 4) + key[2]) ^ (x + sum) ^ ((x >> 5) + key[3]);
	}
	h[0] += x;
	h[1] += y;
}

/* One step of MD4: a takes in f(b, c, d) and a word. */
#define MD4_STEP(f, a, b, c, d, word, shift) ((a) = rol32((a) + f(b, c, d) + (word), shift))
#define MD4_CHOOSE(x, y, z)                  ((z) ^ ((x) & ((y) ^ (z))))
#define MD4_MAJORITY(x, y, z)                (((x) & (y)) + (((x) ^ (y)) & (z)))
#define MD4_PARITY(x, y, z)                  ((x) ^ (y) ^ (z))

/* Four steps with words of `w` that `i0` to `i3` choose. */
#define MD4_FOUR(f, w, k, i0, i1, i2, i3, s0, s1, s2, s3)                                          \
	do {                                                                                       \
		MD4_STEP(f, a, b, c, d, (w)[i0] + (k), s0);                                        \
		MD4_STEP(f, d, a, b, c, (w)[i1] + (k), s1);                                        \
		MD4_STEP(f, c, d, a, b, (w)[i2] + (k), s2);                                        \
		MD4_STEP(f, b, c, d, a, (w)[i3] + (k), s3);                                        \
	} while (0)

/* MD4's three rounds, half as many steps each. */
static void half_md4_mix(u32 h[4], const u32 w[8])
{
	u32 a = h[0], b = h[1], c = h[2], d = h[3];

	MD4_FOUR(MD4_CHOOSE, w, 0, 0, 1, 2, 3, 3, 7, 11, 19);
	MD4_FOUR(MD4_CHOOSE, w, 0, 4, 5, 6, 7, 3, 7, 11, 19);
	MD4_FOUR(MD4_MAJORITY, w, 0x5a827999, 1, 3, 5, 7, 3, 5, 9, 13);
	MD4_FOUR(MD4_MAJORITY, w, 0x5a827999, 0, 2, 4, 6, 3, 5, 9, 13);
	MD4_FOUR(MD4_PARITY, w, 0x6ed9eba1, 3, 7, 2, 6, 3, 9, 11, 15);
	MD4_FOUR(MD4_PARITY, w, 0x6ed9eba1, 1, 5, 0, 4, 3, 9, 11, 15);
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

static void hash_blocks(const char *name, size_t len, bool is_signed, bool tea, u32 h[4])
{
	unsigned words = tea ? 4 : 8;
	u32 w[8];

	for (size_t done = 0; done < len; done += words * 4) {
		load_words(name + done, len - done, is_signed, w, words);
		if (tea)
			tea_mix(h, w);
		else
			half_md4_mix(h, w);
	}
}

int ext4_name_hash(unsigned version, const u32 seed[4], const char *name, size_t len,
		   struct ext4_hash *out)
{
	bool is_signed = version < EXT4_HASH_LEGACY_UNSIGNED;
	unsigned kind = is_signed ? version : version - EXT4_HASH_LEGACY_UNSIGNED;
	u32 h[4];

	if (version > EXT4_HASH_TEA_UNSIGNED)
		return -EINVAL;
	memcpy(h, seed[0] | seed[1] | seed[2] | seed[3] ? seed : default_seed, sizeof(h));
	if (kind == EXT4_HASH_LEGACY) {
		out->major = hash_legacy(name, len, is_signed);
		out->minor = 0;
	} else {
		hash_blocks(name, len, is_signed, kind == EXT4_HASH_TEA, h);
		out->major = kind == EXT4_HASH_TEA ? h[0] : h[1];
		out->minor = kind == EXT4_HASH_TEA ? h[1] : h[2];
	}
	out->major &= ~1u;
	if (out->major == HASH_EOF << 1)
		out->major = (HASH_EOF - 1) << 1;
	return 0;
}
