/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making one mutant and using it; what the host's driver (mutate.c) and the guest's
 * (tests/fs/mutants.c) share.
 *
 * A mutant is wholly decided by its number: the same number spoils the same bytes and does the same
 * things afterwards.
 */
#pragma once

#include "exercise_platform.h"

#define MUTANT_ROOT    "/mutant"
#define MUTANT_SECTOR  512u
#define MUTANT_CHANGES 4u

struct mutant {
	const u8 *image;
	u64 bytes;
	/* Change the image, as `image` shows at once. */
	void (*store)(u64 at, const void *data, size_t n);
	/* The sectors most mutations go to; 0: all are alike. */
	const u32 *metadata;
	u32 nr_metadata;
	/* Half of the mutations go where this says; or NULL. */
	u64 (*aim)(u64 random);

	u64 number;
	struct prng prng;
	char what[MUTANT_CHANGES][100]; /* what was done to it, in words */
	unsigned nr_what;
};

static inline u64 mutant_chance(struct mutant *m, u64 bound)
{
	return prng_below(&m->prng, bound);
}

/* --- mutate_make.c ---------------------------------------------------------------------------- */

/* Spoil the image as `number` says. */
void mutant_make(struct mutant *m, u64 number);

/* --- mutate_use.c ----------------------------------------------------------------------------- */

/* Walk what is mounted on MUTANT_ROOT; with `contents` files are read too. */
void mutant_look(bool contents);
/* Write a bit, next to what is there and on top of it. */
void mutant_change(struct mutant *m);
