/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the two files that read device trees. */
#pragma once

#include <kernel/firmware/fdt.h>
#include <kernel/lib/bits.h>

static inline u32 fdt_be32(const void *p)
{
	return get_unaligned_be32(p);
}

/* `cells` cells as a number; of more than two, the low two. */
static inline u64 fdt_number(const u8 *p, u32 cells)
{
	u64 n = 0;

	while (cells--) {
		n = n << 32 | fdt_be32(p);
		p += 4;
	}
	return n;
}
