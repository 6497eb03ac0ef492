/* SPDX-License-Identifier: GPL-2.0-or-later */
/* BLAKE2s (RFC 7693), 32-byte digests, unkeyed. */
#pragma once

#include <kernel/lib/types.h>

#define BLAKE2S_SIZE 32

struct blake2s {
	u32 h[8];
	u64 total;
	u8 block[64];
	unsigned fill;
};

void blake2s_init(struct blake2s *s);
void blake2s_update(struct blake2s *s, const void *data, size_t n);
/* The digest of everything so far; `s` is finished. */
void blake2s_final(struct blake2s *s, u8 out[BLAKE2S_SIZE]);
