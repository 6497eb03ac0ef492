/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The timekeeper: what a counter of any frequency and any slew says, and what a timer is set to.
 *
 * link: kernel/time/clock.c kernel/time/ntp.c kernel/lib/bitmap.c tests/host/isa/toy.c
 */
#include <arch/timer.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/minmax.h>
#include <kernel/sync/spinlock.h>
#include <host.h>
#include "../../kernel/time/clock_internal.h"

#define DAY   (86400 * NSEC_PER_SEC)
#define TICK  (4 * NSEC_PER_MSEC)
#define PPM   (1ll << 16)

/* What the two files need of the rest; there is nobody to lock out. */
struct boot_info boot_info;
char __image_start[1];

void preempt_schedule(void)
{
}

void spin_wait(struct spinlock *l, u32 ticket)
{
}

void lock_debug_before(const void *lock, const struct lock_debug *d, u32 subclass)
{
}

void lock_debug_acquired(const void *lock, struct lock_debug *d, u32 subclass, bool exclusive)
{
}

void lock_debug_release(const void *lock, struct lock_debug *d, bool exclusive)
{
}

void log_raw(enum log_level level, const char *fmt, ...)
{
}

static u64 hz;

u64 arch_clock_hz(void)
{
	return hz;
}

u64 arch_wallclock_seconds(void)
{
	return 0;
}

static const u64 frequencies[] = { 1000000, 10000000, 24000000, 62500000, 2199997321, 3999999999 };

/* Let `ns` pass by the counter's own rate, without anybody touching the timekeeper. */
static void pass(u64 ns)
{
	toy_clock += (u64)((unsigned __int128)ns * hz / NSEC_PER_SEC);
}

static void slew(s64 freq)
{
	spin_lock(&clock_lock);
	clock_set_rate_ppb_scaled(freq);
	spin_unlock(&clock_lock);
}

/* A timer for `ns` from now: by how much of that does it fire early (negative) or late? */
static s64 error_of(u64 ns)
{
	u64 deadline = clock_mono_ns() + ns, before = toy_clock;
	s64 error;

	toy_clock = clock_ns_to_counter(deadline);
	error = (s64)(clock_mono_ns() - deadline);
	toy_clock = before;
	return error;
}

TEST(timers_of_a_clock_that_was_slewed_long_ago)
{
	static const s64 freqs[] = {0,         20 * PPM,     -500 * PPM,
				    500 * PPM, 100000 * PPM, -100000 * PPM};

	for (unsigned f = 0; f < ARRAY_SIZE(frequencies); f++) {
		hz = frequencies[f];
		clock_init();
		for (unsigned i = 0; i < ARRAY_SIZE(freqs); i++) {
			s64 count = (s64)(NSEC_PER_SEC / hz) + 2;

			slew(freqs[i]);
			pass(30 * DAY);
			EXPECT(error_of(TICK) >= -count && error_of(TICK) <= 2 * count);
			EXPECT(error_of(1) >= -count && error_of(1) <= 2 * count);
			/* One part in a million of what is far away: it waits again for the
			 * rest. */
			EXPECT(error_of(DAY) >= -(s64)(DAY / 1000000));
			EXPECT(error_of(DAY) <= (s64)(DAY / 1000000));
		}
		slew(0);
	}
}

TEST(timers_far_ahead)
{
	for (unsigned f = 0; f < ARRAY_SIZE(frequencies); f++) {
		hz = frequencies[f];
		clock_init();
		pass(DAY);
		EXPECT(clock_ns_to_counter(KTIME_MAX - 1) - toy_clock > hz * 86400);
		EXPECT_EQ(clock_ns_to_counter(0), toy_clock);
		EXPECT_EQ(clock_ns_to_counter(clock_mono_ns()), toy_clock);
	}
}

TEST(a_slewed_clock_does_not_jump)
{
	hz = 10000000;
	clock_init();
	for (int i = -500; i <= 500; i += 100) {
		u64 before = clock_mono_ns();

		slew(i * PPM);
		EXPECT(clock_mono_ns() - before <= 1);
		pass(NSEC_PER_SEC);
		EXPECT((s64)(clock_mono_ns() - before - NSEC_PER_SEC) - i * 1000 <= 2);
		EXPECT((s64)(clock_mono_ns() - before - NSEC_PER_SEC) - i * 1000 >= -2);
	}
}
