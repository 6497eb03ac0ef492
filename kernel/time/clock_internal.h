/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <kernel/sync/spinlock.h>
#include <kernel/time/clock.h>

extern struct spinlock
	clock_lock; /* RANK_CLOCK_SET: writers of the timekeeper and of the NTP state */

/* Rates: `mult` follows the NTP frequency.  Locks: clock_lock, interrupts off. */
void clock_set_rate_ppb_scaled(s64 freq_shifted);
void clock_publish(void);
/* Move the wall clock by `delta` within a tick (NTP's offset), or as a step. */
void clock_shift_real_locked(s64 delta);
void clock_set_tai_locked(s32 seconds);
s32 clock_tai_seconds(void);

/* Once a second, from the tick.  Locks: clock_lock. */
void ntp_second(u64 real_ns);
/* The wall clock was set: NTP starts over.  Locks: clock_lock. */
void ntp_reset(void);
