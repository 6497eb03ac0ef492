/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Time stands still unless a test moves it. */
#pragma once

extern u64 toy_clock;

static inline u64 arch_clock_read(void)
{
	return __atomic_load_n(&toy_clock, __ATOMIC_RELAXED);
}
