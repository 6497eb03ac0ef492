/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crc32c() by carry-less multiplication (Zbc).
 *
 * The 64 bits that are next, with the running check added to the first 32, are a polynomial S; the
 * new check is S x^32 mod P.  By Barrett: with M = floor(x^96 / P) = x^64 + m, the quotient is
 * floor(S M / x^64) = S + floor(S m / x^64), and the remainder the lower 32 coefficients of
 * quotient times P.  Bits are in reverse order here (the least significant has the highest power),
 * so a product of two reversed words is the reversed product one bit too low: hence the shift by
 * one, and clmulr, whose result is the product's bits from 63 on.
 */
#include <kernel/lib/bits.h>
#include <kernel/lib/crc32.h>
#include "riscv_internal.h"

#define REVERSED_M 0xa434f61c6f5389f8ull /* of floor(x^96 / P), without x^64 */
#define REVERSED_P 0x82f63b78ull	 /* without x^32 */

struct words {
	u64 w[4];
} __attribute__((packed, may_alias));

static __always_inline u64 step(u64 crc, u64 word)
{
	u64 s = crc ^ word, q;

	__asm__(".option push\n\t.option arch, +zbc\n\tclmul %0, %1, %2\n\t.option pop"
		: "=r"(q)
		: "r"(s), "r"(REVERSED_M));
	q = s ^ q << 1;
	__asm__(".option push\n\t.option arch, +zbc\n\tclmulr %0, %1, %2\n\t.option pop"
		: "=r"(crc)
		: "r"(q), "r"(REVERSED_P));
	return crc;
}

/* S is shorter: its highest powers are zero, which come first. */
static __always_inline u64 byte_step(u64 crc, u8 byte)
{
	return step(0, (crc ^ byte) << 56) ^ crc >> 8;
}

/* Loads are aligned: others may trap to the firmware. */
static u32 crc32c_zbc(u32 crc, const void *data, size_t len)
{
	const u8 *p = data;
	u64 sum = crc;

	for (; len && (uintptr_t)p & 7; len--)
		sum = byte_step(sum, *p++);
	for (; len >= sizeof(struct words); len -= sizeof(struct words)) {
		const u64 *w = __builtin_assume_aligned(p, 8);

		sum = step(sum, w[0]);
		sum = step(sum, w[1]);
		sum = step(sum, w[2]);
		sum = step(sum, w[3]);
		p += sizeof(struct words);
	}
	for (; len >= 8; len -= 8, p += 8)
		sum = step(sum, *(const u64 *)__builtin_assume_aligned(p, 8));
	while (len--)
		sum = byte_step(sum, *p++);
	return (u32)sum;
}

void crc_machine_init(void)
{
	if (~riscv_features.set && riscv_has(RISCV_ZBC))
		crc32c_set_machine(crc32c_zbc);
}
