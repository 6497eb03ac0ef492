/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The discipline behind adjtimex(2): a frequency, an offset being slewed in, and leap seconds.
 *
 * Once a second part of the remaining offset is put into the rate for the next second, so that the
 * wall clock closes in on the reference without jumping (RFC 5905 names the variables).
 * adjtime(3)'s single-shot offset is slewed at 500 parts per million.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include "clock_internal.h"

#define MAX_FREQ         (500ll << 16) /* ppm << 16 */
#define MAX_OFFSET       (500 * (s64)NSEC_PER_MSEC)
#define SINGLE_STEP      500000ll /* ns per second: 500 ppm */
#define MAX_ERROR_GROWTH 500      /* us per second */
#define SHIFT_PLL        2
#define ADJ_ADJTIME      0x8000 /* the bit that makes ADJ_OFFSET_SINGLESHOT what it is */

/* All under clock_lock. */
static struct {
	s64 freq;   /* ppm << 16 */
	s64 offset; /* ns still to slew in (PLL) */
	s64 single; /* ns still to slew in (adjtime) */
	s64 slew;   /* ns per second now in the rate */
	s64 constant;
	s64 maxerror, esterror; /* us */
	s64 reftime;            /* s, of the last offset update */
	s64 tick;               /* us per nominal 10 ms tick */
	int status;
	int state; /* TIME_* */
} ntp = {.maxerror = 16000000,
	 .esterror = 16000000,
	 .status = STA_UNSYNC,
	 .tick = 10000,
	 .constant = 2,
	 .state = TIME_OK};

static void apply_rate(void)
{
	s64 tick_ppm = (ntp.tick - 10000) * 100; /* 1 us in 10 ms is 100 ppm */

	/* slew ns per second is slew / 1000 ppm */
	clock_set_rate_ppb_scaled(ntp.freq + (tick_ppm << 16) + ntp.slew * 65536 / 1000);
}

void ntp_reset(void)
{
	ntp.offset = ntp.single = 0;
	ntp.status |= STA_UNSYNC;
	ntp.state = ntp.state == TIME_ERROR ? TIME_OK : ntp.state;
	ntp.maxerror = ntp.esterror = 16000000;
	if (ntp.slew) {
		ntp.slew = 0;
		apply_rate();
	}
}

/* Leap seconds happen at midnight UTC.  `real_ns` has just entered a new second. */
static void leap(u64 real_ns)
{
	bool midnight = real_ns / NSEC_PER_SEC % 86400 == 0;

	switch (ntp.state) {
	case TIME_OK:
		if (ntp.status & STA_INS)
			ntp.state = TIME_INS;
		else if (ntp.status & STA_DEL)
			ntp.state = TIME_DEL;
		break;
	case TIME_INS:
		if (!(ntp.status & STA_INS)) {
			ntp.state = TIME_OK;
		} else if (midnight) {
			ntp.state = TIME_OOP;
			clock_shift_real_locked(-(s64)NSEC_PER_SEC);
			clock_set_tai_locked(clock_tai_seconds() + 1);
		}
		break;
	case TIME_DEL:
		if (!(ntp.status & STA_DEL)) {
			ntp.state = TIME_OK;
		} else if ((real_ns / NSEC_PER_SEC + 1) % 86400 == 0) {
			ntp.state = TIME_WAIT;
			clock_shift_real_locked((s64)NSEC_PER_SEC);
			clock_set_tai_locked(clock_tai_seconds() - 1);
		}
		break;
	case TIME_OOP: ntp.state = TIME_WAIT; break;
	case TIME_WAIT:
		if (!(ntp.status & (STA_INS | STA_DEL)))
			ntp.state = TIME_OK;
		break;
	}
}

void ntp_second(u64 real_ns)
{
	s64 slew = 0, part;

	leap(real_ns);
	ntp.maxerror = min(ntp.maxerror + MAX_ERROR_GROWTH, (s64)16000000);
	if (ntp.maxerror == 16000000)
		ntp.status |= STA_UNSYNC;
	if (ntp.single) {
		part = clamp(ntp.single, -SINGLE_STEP, SINGLE_STEP);
		ntp.single -= part;
		slew += part;
	}
	if (ntp.offset) {
		part = ntp.offset >> (SHIFT_PLL + min(ntp.constant, (s64)10));
		if (!part)
			part = ntp.offset;
		part = clamp(part, -SINGLE_STEP, SINGLE_STEP);
		ntp.offset -= part;
		slew += part;
	}
	if (slew == ntp.slew)
		return;
	ntp.slew = slew;
	apply_rate();
}

/* A measured offset arrives: phase, and by the time since the last one, frequency. */
static void update_offset(s64 ns)
{
	s64 now = (s64)(clock_real_ns() / NSEC_PER_SEC);
	s64 since = ntp.status & STA_FREQHOLD || !ntp.reftime ? 0 : now - ntp.reftime;

	ns = clamp(ns, -MAX_OFFSET, MAX_OFFSET);
	since = min(since, (s64)1 << (SHIFT_PLL + 1 + min(ntp.constant, (s64)10)));
	ntp.reftime = now;
	/* ns per second over 4^(constant + 2) as ppm << 16 */
	ntp.freq = clamp(ntp.freq + ((ns * since * 65536 / 1000) >>
				     (2 * (SHIFT_PLL + 2 + min(ntp.constant, (s64)10)))),
			 -MAX_FREQ, MAX_FREQ);
	ntp.offset = ns;
}

static void apply_modes(const struct __kernel_timex *tx)
{
	if (tx->modes & ADJ_STATUS) {
		ntp.status = (ntp.status & STA_RONLY) | (tx->status & ~STA_RONLY);
		if (!(ntp.status & STA_PLL))
			ntp.reftime = 0;
	}
	if (tx->modes & ADJ_NANO)
		ntp.status |= STA_NANO;
	if (tx->modes & ADJ_MICRO)
		ntp.status &= ~STA_NANO;
	if (tx->modes & ADJ_FREQUENCY)
		ntp.freq = clamp((s64)tx->freq, -MAX_FREQ, MAX_FREQ);
	if (tx->modes & ADJ_MAXERROR)
		ntp.maxerror = clamp((s64)tx->maxerror, 0ll, 16000000ll);
	if (tx->modes & ADJ_ESTERROR)
		ntp.esterror = clamp((s64)tx->esterror, 0ll, 16000000ll);
	if (tx->modes & ADJ_TIMECONST)
		ntp.constant =
			clamp((s64)tx->constant + (ntp.status & STA_NANO ? 0 : 4), 0ll, 10ll);
	if (tx->modes & ADJ_TAI && tx->constant >= 0)
		clock_set_tai_locked((s32)tx->constant);
	if (tx->modes & ADJ_OFFSET && ntp.status & STA_PLL)
		update_offset(ntp.status & STA_NANO ? tx->offset : tx->offset * 1000);
	if (tx->modes & ADJ_TICK)
		ntp.tick = tx->tick;
	if (tx->modes & (ADJ_TICK | ADJ_FREQUENCY | ADJ_OFFSET))
		apply_rate();
}

static void fill(struct __kernel_timex *tx)
{
	bool nano = ntp.status & STA_NANO;
	u64 real = clock_real_ns();

	tx->freq = ntp.freq;
	tx->maxerror = ntp.maxerror;
	tx->esterror = ntp.esterror;
	tx->status = ntp.status;
	tx->constant = ntp.constant;
	tx->precision = 1;
	tx->tolerance = MAX_FREQ;
	tx->tick = ntp.tick;
	tx->tai = clock_tai_seconds();
	tx->ppsfreq = tx->jitter = tx->stabil = tx->jitcnt = tx->calcnt = tx->errcnt = tx->stbcnt =
		0;
	tx->shift = 0;
	tx->time.tv_sec = (s64)(real / NSEC_PER_SEC);
	tx->time.tv_usec = (s64)(real % NSEC_PER_SEC / (nano ? 1 : 1000));
	if (tx->modes != ADJ_OFFSET_SS_READ && tx->modes != ADJ_OFFSET_SINGLESHOT)
		tx->offset = nano ? ntp.offset : ntp.offset / 1000;
}

static int check(const struct __kernel_timex *tx)
{
	if (tx->modes & ADJ_ADJTIME)
		return tx->modes & ADJ_OFFSET_SINGLESHOT & ~ADJ_ADJTIME ? 0 : -EINVAL;
	if (tx->modes & ADJ_TICK && (tx->tick < 9000 || tx->tick > 11000))
		return -EINVAL;
	if (tx->modes & ADJ_SETOFFSET &&
	    (tx->time.tv_usec < 0 ||
	     tx->time.tv_usec >= (tx->modes & ADJ_NANO ? (s64)NSEC_PER_SEC : (s64)USEC_PER_SEC)))
		return -EINVAL;
	return 0;
}

int clock_adjust(struct __kernel_timex *tx)
{
	int err = check(tx);

	if (err)
		return err;
	if (!(tx->modes & ADJ_ADJTIME) && tx->modes & ADJ_SETOFFSET) {
		s64 part = tx->modes & ADJ_NANO ? tx->time.tv_usec : tx->time.tv_usec * 1000;

		err = clock_step_real((s64)tx->time.tv_sec * (s64)NSEC_PER_SEC + part);
		if (err)
			return err;
	}
	guard_spin_irq(&clock_lock);
	if (tx->modes & ADJ_ADJTIME) {
		s64 left = ntp.single / 1000;

		if (tx->modes == ADJ_OFFSET_SINGLESHOT)
			ntp.single = tx->offset * 1000;
		tx->offset = left;
	} else {
		apply_modes(tx);
	}
	fill(tx);
	return ntp.status & (STA_UNSYNC | STA_CLOCKERR) ? TIME_ERROR : ntp.state;
}
