/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ChaCha20 block function (RFC 8439 section 2.3). */
#pragma once

#include <kernel/lib/types.h>

#define CHACHA_BLOCK_SIZE 64

/* out = block(state): sixteen words of little-endian key stream.  The caller advances state[12]. */
void chacha20_block(const u32 state[16], u8 out[CHACHA_BLOCK_SIZE]);

/* state = constants, key, counter and nonce 0. */
void chacha20_init(u32 state[16], const u8 key[32]);
