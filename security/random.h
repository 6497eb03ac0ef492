/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random numbers for the kernel and for getrandom(2).
 *
 * One ChaCha20 key per CPU, each request erases the key it used; all reseed from a BLAKE2s pool
 * into which boot seed, the CPU's generator and interrupt timing are mixed.  Never blocks: the boot
 * seed and the CPU's generator are there before the first caller.
 */
#pragma once

#include <kernel/lib/types.h>

void random_init(const void *seed, size_t len);

/* Fill `buf`.  Context: any. */
void random_bytes(void *buf, size_t n);
u64 random_u64(void);
static inline u32 random_u32(void)
{
	return (u32)random_u64();
}
/* Uniform below `bound` (not 0). */
u64 random_below(u64 bound);

/* Mix in `n` bytes; `bits` of them are unknown to an attacker.  Context: any. */
void random_add(const void *data, size_t n, unsigned bits);
