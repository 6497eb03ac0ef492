/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the compiler calls when the processor lacks an instruction: on RISC-V without the bit
 * extensions nearly all of these, elsewhere the population count.  Written without the builtins
 * that would call them back.
 */
#include <kernel/lib/types.h>

int __clzdi2(unsigned long x);
int __ctzdi2(unsigned long x);
int __popcountdi2(unsigned long x);
u64 __bswapdi2(u64 x);
u32 __bswapsi2(u32 x);

#define DE_BRUIJN 0x03f79d71b4cb0a89ul

/* The position of the single set bit of b, by the top six bits of b * DE_BRUIJN. */
static const u8 bit_position[64] = {
	0,  47, 1,  56, 48, 27, 2,  60, 57, 49, 41, 37, 28, 16, 3,  61, 54, 58, 35, 52, 50, 42,
	21, 44, 38, 32, 29, 23, 17, 11, 4,  62, 46, 55, 26, 59, 40, 36, 15, 53, 34, 51, 20, 43,
	31, 22, 10, 45, 25, 39, 14, 33, 19, 30, 9,  24, 13, 18, 8,  12, 7,  6,  5,  63,
};

/* The table above answers "highest" for 2^(n+1) - 1, from which both counts follow. */
static unsigned highest_bit(unsigned long x)
{
	x |= x >> 1;
	x |= x >> 2;
	x |= x >> 4;
	x |= x >> 8;
	x |= x >> 16;
	x |= x >> 32;
	return bit_position[(x * DE_BRUIJN) >> 58];
}

int __clzdi2(unsigned long x)
{
	return 63 - (int)highest_bit(x);
}

int __ctzdi2(unsigned long x)
{
	return (int)highest_bit(x & -x);
}

int __popcountdi2(unsigned long x)
{
	x = x - ((x >> 1) & 0x5555555555555555ul);
	x = (x & 0x3333333333333333ul) + ((x >> 2) & 0x3333333333333333ul);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0ful;
	return (int)((x * 0x0101010101010101ul) >> 56);
}

u32 __bswapsi2(u32 x)
{
	return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}

u64 __bswapdi2(u64 x)
{
	x = (x & 0x00ff00ff00ff00ffull) << 8 | (x >> 8 & 0x00ff00ff00ff00ffull);
	x = (x & 0x0000ffff0000ffffull) << 16 | (x >> 16 & 0x0000ffff0000ffffull);
	return x << 32 | x >> 32;
}
