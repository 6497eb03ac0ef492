/* SPDX-License-Identifier: GPL-2.0-or-later */
/* crc32c() by the instruction of SSE 4.2, which works on general registers (SDM, CRC32). */
#include <kernel/lib/bits.h>
#include <kernel/lib/crc32.h>
#include "x86_internal.h"

struct words {
	u64 w[8];
} __attribute__((packed, may_alias));

#define STEP(i) __asm__("crc32q %1, %0" : "+r"(sum) : "m"(at->w[i]))

static u32 crc32c_sse42(u32 crc, const void *data, size_t len)
{
	const struct words *at = data;
	const u8 *p;
	u64 sum = crc;

	for (; len >= sizeof(*at); len -= sizeof(*at), at++) {
		STEP(0);
		STEP(1);
		STEP(2);
		STEP(3);
		STEP(4);
		STEP(5);
		STEP(6);
		STEP(7);
	}
	p = (const u8 *)at;
	for (; len >= 8; len -= 8, p += 8)
		__asm__("crc32q %1, %0" : "+r"(sum) : "r"(get_unaligned_le64(p)));
	for (; len; len--, p++)
		__asm__("crc32b %1, %k0" : "+r"(sum) : "r"(*p));
	return (u32)sum;
}

void crc_machine_init(void)
{
	if (x86_has(X86_SSE42))
		crc32c_set_machine(crc32c_sse42);
}
