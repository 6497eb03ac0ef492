/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an ext4 image is worth spoiling: the fields of its structures, each kind of structure as
 * often as the others however few of it there are.
 */
#pragma once

#include "ext4_reseal.h"

/* From what reseal_learn() learned of `image`, until the next call. */
void aim_learn(const struct reseal *r, const u8 *image, u64 bytes);
/* A byte's place in the image, as the random number has it. */
u64 aim(u64 random);
