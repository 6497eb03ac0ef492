/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crc32c() by FEAT_CRC32, which works on general registers (Arm ARM, CRC32CX). */
#include <kernel/lib/bits.h>
#include <kernel/lib/crc32.h>
#include "arm_internal.h"

struct words {
	u64 w[8];
} __attribute__((packed, may_alias));

static __always_inline u32 step(u32 crc, u64 word)
{
	__asm__(".arch_extension crc\n\tcrc32cx %w0, %w0, %1" : "+r"(crc) : "r"(word));
	return crc;
}

static u32 crc32c_arm(u32 crc, const void *data, size_t len)
{
	const struct words *at = data;
	const u8 *p;

	for (; len >= sizeof(*at); len -= sizeof(*at), at++) {
		crc = step(crc, at->w[0]);
		crc = step(crc, at->w[1]);
		crc = step(crc, at->w[2]);
		crc = step(crc, at->w[3]);
		crc = step(crc, at->w[4]);
		crc = step(crc, at->w[5]);
		crc = step(crc, at->w[6]);
		crc = step(crc, at->w[7]);
	}
	p = (const u8 *)at;
	for (; len >= 8; len -= 8, p += 8)
		crc = step(crc, get_unaligned_le64(p));
	for (; len; len--, p++)
		__asm__(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(crc) : "r"((u32)*p));
	return crc;
}

void crc_machine_init(bool present)
{
	if (present)
		crc32c_set_machine(crc32c_arm);
}
