/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bits within words, byte order, unaligned access.
 *
 * ffs64 and fls64 count from 1 and answer 0 for 0; ctz64 and clz64 need a non-zero argument.
 */
#pragma once

#include <kernel/lib/compiler.h>

#define BIT(n)	      (1ull << (n))
#define GENMASK(h, l) (((~0ull) << (l)) & (~0ull >> (63 - (h))))

static __always_inline unsigned ctz64(u64 x)
{
	return (unsigned)__builtin_ctzll(x);
}

static __always_inline unsigned clz64(u64 x)
{
	return (unsigned)__builtin_clzll(x);
}

static __always_inline unsigned ffs64(u64 x)
{
	return x ? ctz64(x) + 1 : 0;
}

static __always_inline unsigned fls64(u64 x)
{
	return x ? 64 - clz64(x) : 0;
}

static __always_inline unsigned popcount64(u64 x)
{
	x = x - ((x >> 1) & 0x5555555555555555ull);
	x = (x & 0x3333333333333333ull) + ((x >> 2) & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)((x * 0x0101010101010101ull) >> 56);
}

static __always_inline u32 rol32(u32 x, unsigned n)
{
	return (x << (n & 31)) | (x >> (-n & 31));
}

static __always_inline u32 ror32(u32 x, unsigned n)
{
	return rol32(x, -n);
}

static __always_inline u64 rol64(u64 x, unsigned n)
{
	return (x << (n & 63)) | (x >> (-n & 63));
}

static __always_inline u64 ror64(u64 x, unsigned n)
{
	return rol64(x, -n);
}

#define bswap16(x) __builtin_bswap16(x)
#define bswap32(x) __builtin_bswap32(x)
#define bswap64(x) __builtin_bswap64(x)

/* Every supported architecture is little-endian. */
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "byte order");

#define cpu_to_le16(x) ((u16)(x))
#define cpu_to_le32(x) ((u32)(x))
#define cpu_to_le64(x) ((u64)(x))
#define le16_to_cpu(x) ((u16)(x))
#define le32_to_cpu(x) ((u32)(x))
#define le64_to_cpu(x) ((u64)(x))
#define cpu_to_be16(x) bswap16((u16)(x))
#define cpu_to_be32(x) bswap32((u32)(x))
#define cpu_to_be64(x) bswap64((u64)(x))
#define be16_to_cpu(x) bswap16((u16)(x))
#define be32_to_cpu(x) bswap32((u32)(x))
#define be64_to_cpu(x) bswap64((u64)(x))

#define BITS_UNALIGNED(type, p)                                                                    \
	(((const struct { type v; } __attribute__((packed, may_alias)) *)(p))->v)
#define BITS_UNALIGNED_SET(type, p, x) \
	(((struct { type v; } __attribute__((packed, may_alias)) *)(p))->v = (x))

static __always_inline u16 get_unaligned_le16(const void *p)
{
	return le16_to_cpu(BITS_UNALIGNED(u16, p));
}

static __always_inline void put_unaligned_le16(u16 v, void *p)
{
	BITS_UNALIGNED_SET(u16, p, cpu_to_le16(v));
}

static __always_inline u32 get_unaligned_le32(const void *p)
{
	return le32_to_cpu(BITS_UNALIGNED(u32, p));
}

static __always_inline void put_unaligned_le32(u32 v, void *p)
{
	BITS_UNALIGNED_SET(u32, p, cpu_to_le32(v));
}

static __always_inline u64 get_unaligned_le64(const void *p)
{
	return le64_to_cpu(BITS_UNALIGNED(u64, p));
}

static __always_inline void put_unaligned_le64(u64 v, void *p)
{
	BITS_UNALIGNED_SET(u64, p, cpu_to_le64(v));
}

static __always_inline u16 get_unaligned_be16(const void *p)
{
	return be16_to_cpu(BITS_UNALIGNED(u16, p));
}

static __always_inline void put_unaligned_be16(u16 v, void *p)
{
	BITS_UNALIGNED_SET(u16, p, cpu_to_be16(v));
}

static __always_inline u32 get_unaligned_be32(const void *p)
{
	return be32_to_cpu(BITS_UNALIGNED(u32, p));
}

static __always_inline void put_unaligned_be32(u32 v, void *p)
{
	BITS_UNALIGNED_SET(u32, p, cpu_to_be32(v));
}

static __always_inline u64 get_unaligned_be64(const void *p)
{
	return be64_to_cpu(BITS_UNALIGNED(u64, p));
}

static __always_inline void put_unaligned_be64(u64 v, void *p)
{
	BITS_UNALIGNED_SET(u64, p, cpu_to_be64(v));
}

