/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reproducible pseudo-random numbers (xoshiro256**), for tests and for spreading load.
 * Not for secrets: those come from security/random.
 */
#pragma once

#include <kernel/lib/compiler.h>

struct prng {
	u64 s[4];
};

void prng_seed(struct prng *p, u64 seed);
u64 prng_next(struct prng *p);

/* Uniform over 0 to bound - 1; bound is not 0. */
u64 prng_below(struct prng *p, u64 bound);
