/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page through which user code reads the clocks without a system call.
 *
 * Written by timekeeping under a sequence count, mapped read-only into every process just below the
 * vDSO image.  time(counter) = base + ((counter - counter_base) * mult >> shift), the product in
 * 128 bits.
 */
#pragma once

#include <kernel/lib/types.h>

struct vdso_clock {
	u64 sec;
	u64 nsec_shifted; /* nanoseconds << shift, at counter_base */
};

enum vdso_base { VDSO_REAL, VDSO_MONO, VDSO_TAI, VDSO_BOOT, VDSO_NR_BASES };

struct vdso_data {
	u32 sequence; /* [a] odd while being written */
	u32 shift;
	u64 counter_base;
	u64 mult;
	struct vdso_clock base[VDSO_NR_BASES];
	u64 raw_mult;
	struct vdso_clock raw;
	struct {
		u64 sec, nsec;
	} coarse_real, coarse_mono;
	u32 resolution_coarse;
	u32 unused;
	u64 arch[8]; /* the ISA's vDSO may want something */
};

/* The page.  mm maps it by its frame. */
struct vdso_data *vdso_data_page(void);
/* Its physical address. */
paddr_t vdso_data_phys(void);
