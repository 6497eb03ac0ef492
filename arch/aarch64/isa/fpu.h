/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vector registers in memory. */
#pragma once

#include <kernel/lib/types.h>

struct arch_fpu {
	u64 v[64]; /* v0..v31, low half first */
	u32 fpsr, fpcr;
	u32 pad[2];
} __attribute__((aligned(16)));

/* fpu.S */
void fpu_save(struct arch_fpu *f);
void fpu_load(const struct arch_fpu *f);
