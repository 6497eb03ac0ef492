/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timekeeping.
 *
 * The timekeeper turns the counter into time: mono = base + (counter - counter_base) * mult, in
 * fixed point with 32 fractional bits and a 128-bit product, so no regular update is needed for
 * correctness.  A change of rate or offset moves the base to now.
 *
 * There are two copies.  A writer, under clock_lock, makes the sequence odd, which sends readers to
 * copy 1, changes copy 0, makes it even, which sends them back, and changes copy 1.  A reader
 * therefore never waits, not even an NMI that interrupted the writer; it retries only when the
 * writer was faster.
 *
 * The wall clock is mono + real_offset, TAI is that + tai_offset.  The vDSO page holds the same
 * numbers under its own sequence count.
 */
#define LOG_PREFIX "clock: "

#include <arch/timer.h>
#include <arch/types.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/smp/cpu.h>
#include <kernel/sync/seqlock.h>
#include <kernel/time/vdso_data.h>
#include "clock_internal.h"

#define SHIFT 32

struct timekeeper {
	u64 counter_base;
	u64 mult;      /* ns << SHIFT per count, slewed */
	s64 slew;      /* counts << SHIFT to add to each count that `inverse` gives */
	u64 mono, raw; /* ns at counter_base */
	u32 mono_fraction, raw_fraction;
	s64 real_offset;
	s64 tai_offset; /* ns */
};

struct spinlock clock_lock = SPINLOCK_INIT(RANK_CLOCK_SET);

static struct {
	u32 sequence;              /* [a] */
	struct timekeeper copy[2]; /* [s] by sequence */
} keeper;

static u64 raw_mult;                /* [I after boot] */
static u64 inverse;                 /* [I after boot] counts << SHIFT per ns */
static u64 coarse_mono;             /* [a] written by coarse_store() */
static bool wall_known;             /* clock_lock */
static u64 next_second;             /* clock_lock: wall time at which NTP wants to be called */
static void (*jump_observer)(void); /* [a] */

static union {
	struct vdso_data data;
	char page[PAGE_SIZE];
} vdso_page __aligned(PAGE_SIZE) = {.data = {.shift = SHIFT}};

struct vdso_data *vdso_data_page(void)
{
	return &vdso_page.data;
}

paddr_t vdso_data_phys(void)
{
	return boot_info.image_base + ((vaddr_t)&vdso_page - (vaddr_t)__image_start);
}

/* --- reading -------------------------------------------------------------------------------- */

static __always_inline u64 scale(u64 delta, u64 mult, u32 fraction)
{
	return (u64)(((unsigned __int128)delta * mult + fraction) >> SHIFT);
}

static __always_inline u32 keeper_begin(const struct timekeeper **tk)
{
	u32 seq = atomic_load_acquire(&keeper.sequence);

	*tk = &keeper.copy[seq & 1];
	return seq;
}

static __always_inline bool keeper_retry(u32 seq)
{
	smp_rmb();
	return unlikely(atomic_load(&keeper.sequence) != seq);
}

/* A counter read on another CPU may lie a little behind the base: never go back. */
static __always_inline u64 counts_since(const struct timekeeper *tk)
{
	s64 delta = (s64)(arch_clock_read() - READ_ONCE(tk->counter_base));

	return delta > 0 ? (u64)delta : 0;
}

u64 clock_mono_ns(void)
{
	const struct timekeeper *tk;
	u32 seq;
	u64 ns;

	do {
		seq = keeper_begin(&tk);
		ns = READ_ONCE(tk->mono) +
		     scale(counts_since(tk), READ_ONCE(tk->mult), READ_ONCE(tk->mono_fraction));
	} while (keeper_retry(seq));
	return ns;
}

u64 clock_boot_ns(void)
{
	return clock_mono_ns();
}

u64 clock_raw_ns(void)
{
	const struct timekeeper *tk;
	u32 seq;
	u64 ns;

	do {
		seq = keeper_begin(&tk);
		ns = READ_ONCE(tk->raw) +
		     scale(counts_since(tk), raw_mult, READ_ONCE(tk->raw_fraction));
	} while (keeper_retry(seq));
	return ns;
}

u64 clock_sched_ns(void)
{
	return (u64)(((unsigned __int128)arch_clock_read() * raw_mult) >> SHIFT);
}

static u64 mono_plus(s64 (*offset)(const struct timekeeper *tk))
{
	const struct timekeeper *tk;
	u32 seq;
	u64 ns;

	do {
		seq = keeper_begin(&tk);
		ns = READ_ONCE(tk->mono) + (u64)offset(tk) +
		     scale(counts_since(tk), READ_ONCE(tk->mult), READ_ONCE(tk->mono_fraction));
	} while (keeper_retry(seq));
	return ns;
}

static s64 real_offset_of(const struct timekeeper *tk)
{
	return READ_ONCE(tk->real_offset);
}

static s64 tai_sum_of(const struct timekeeper *tk)
{
	return READ_ONCE(tk->real_offset) + READ_ONCE(tk->tai_offset);
}

u64 clock_real_ns(void)
{
	return mono_plus(real_offset_of);
}

u64 clock_tai_ns(void)
{
	return mono_plus(tai_sum_of);
}

static s64 read_offset(s64 (*offset)(const struct timekeeper *tk))
{
	const struct timekeeper *tk;
	u32 seq;
	s64 value;

	do {
		seq = keeper_begin(&tk);
		value = offset(tk);
	} while (keeper_retry(seq));
	return value;
}

s64 clock_real_offset(void)
{
	return read_offset(real_offset_of);
}

s64 clock_tai_offset(void)
{
	return read_offset(tai_sum_of) - clock_real_offset();
}

u64 clock_mono_coarse_ns(void)
{
	return atomic_load_acquire(&coarse_mono);
}

u64 clock_real_coarse_ns(void)
{
	return atomic_load_acquire(&coarse_mono) + (u64)clock_real_offset();
}

/* Far enough for a timer that finds itself early and waits again; the products stay in range. */
#define AHEAD_MAX (1ull << 56)

static u64 counts_of(u64 ns)
{
	return (u64)(((unsigned __int128)ns * inverse) >> SHIFT) + 1;
}

/*
 * The distance is measured from now, not from the base, which may be days old: `inverse` and `slew`
 * are rounded, and what they are wrong by grows with the distance.  A timer that fires early by an
 * error that is larger than its whole distance would fire again at once, for ever.
 */
u64 clock_ns_to_counter(u64 mono_ns)
{
	const struct timekeeper *tk;
	u64 counter, counts;
	s64 ahead, slew;
	u32 seq;

	do {
		seq = keeper_begin(&tk);
		counts = counts_since(tk);
		counter = READ_ONCE(tk->counter_base) + counts;
		ahead = (s64)(mono_ns - READ_ONCE(tk->mono) -
			      scale(counts, READ_ONCE(tk->mult), READ_ONCE(tk->mono_fraction)));
		slew = READ_ONCE(tk->slew);
	} while (keeper_retry(seq));
	if (ahead <= 0)
		return counter;
	counts = counts_of(min((u64)ahead, AHEAD_MAX));
	return counter + counts + (u64)(((__int128)counts * slew) >> SHIFT);
}

void delay_ns(u64 ns)
{
	u64 start = arch_clock_read();
	u64 counts = raw_mult ? counts_of(ns) : ns;

	while (arch_clock_read() - start < counts)
		arch_cpu_relax();
}

/* --- writing -------------------------------------------------------------------------------- */

/* Move the base of `tk` to counter value `now`. */
static void rebase(struct timekeeper *tk, u64 now)
{
	u64 delta = now - tk->counter_base;
	unsigned __int128 product;

	if ((s64)delta < 0)
		return;
	product = (unsigned __int128)delta * tk->mult + tk->mono_fraction;
	tk->mono += (u64)(product >> SHIFT);
	tk->mono_fraction = (u32)product;
	product = (unsigned __int128)delta * raw_mult + tk->raw_fraction;
	tk->raw += (u64)(product >> SHIFT);
	tk->raw_fraction = (u32)product;
	tk->counter_base = now;
}

static void keeper_store(const struct timekeeper *new)
{
	WRITE_ONCE(keeper.sequence, keeper.sequence + 1);
	smp_mb();
	keeper.copy[0] = *new;
	smp_mb();
	WRITE_ONCE(keeper.sequence, keeper.sequence + 1);
	smp_mb();
	keeper.copy[1] = *new;
	smp_mb();
}

static void vdso_set(struct vdso_clock *c, u64 ns, u32 fraction)
{
	WRITE_ONCE(c->sec, ns / NSEC_PER_SEC);
	WRITE_ONCE(c->nsec_shifted, (ns % NSEC_PER_SEC) << SHIFT | fraction);
}

static void vdso_begin(struct vdso_data *v)
{
	WRITE_ONCE(v->sequence, v->sequence + 1);
	smp_wmb();
}

static void vdso_end(struct vdso_data *v)
{
	atomic_store_release(&v->sequence, v->sequence + 1);
}

/* The coarse clocks, for both who call and who read the page.  Inside vdso_begin and vdso_end, so
 * that a thread that asks one way and then the other never goes back: who has seen the new
 * coarse_mono finds the page being written, or written; who has read the new page finds the new
 * coarse_mono.
 */
static void coarse_store(struct vdso_data *v, u64 mono, s64 offset)
{
	u64 real = mono + (u64)offset;

	atomic_store(&coarse_mono, mono);
	WRITE_ONCE(v->coarse_mono.sec, mono / NSEC_PER_SEC);
	WRITE_ONCE(v->coarse_mono.nsec, mono % NSEC_PER_SEC);
	WRITE_ONCE(v->coarse_real.sec, real / NSEC_PER_SEC);
	WRITE_ONCE(v->coarse_real.nsec, real % NSEC_PER_SEC);
}

/* Everything user mode computes with.  Locks: clock_lock. */
static void vdso_store(const struct timekeeper *tk)
{
	struct vdso_data *v = &vdso_page.data;

	vdso_begin(v);
	WRITE_ONCE(v->counter_base, tk->counter_base);
	WRITE_ONCE(v->mult, tk->mult);
	WRITE_ONCE(v->raw_mult, raw_mult);
	vdso_set(&v->base[VDSO_MONO], tk->mono, tk->mono_fraction);
	vdso_set(&v->base[VDSO_BOOT], tk->mono, tk->mono_fraction);
	vdso_set(&v->base[VDSO_REAL], tk->mono + (u64)tk->real_offset, tk->mono_fraction);
	vdso_set(&v->base[VDSO_TAI], tk->mono + (u64)(tk->real_offset + tk->tai_offset),
		 tk->mono_fraction);
	vdso_set(&v->raw, tk->raw, tk->raw_fraction);
	coarse_store(v, tk->mono, tk->real_offset);
	vdso_end(v);
}

/* Change the timekeeper: `change` sees it with the base at now.  Locks: clock_lock, interrupts off.
 */
static void keeper_change(void (*change)(struct timekeeper *tk, s64 arg), s64 arg)
{
	struct timekeeper tk = keeper.copy[0];

	rebase(&tk, arch_clock_read());
	change(&tk, arg);
	keeper_store(&tk);
	vdso_store(&tk);
}

static void change_rate(struct timekeeper *tk, s64 freq)
{
	/* freq is parts per million << 16 */
	s64 adjust = (s64)(((__int128)(s64)raw_mult * freq) >> 16) / 1000000;

	tk->mult = raw_mult + (u64)adjust;
	/* -adjust / mult, in steps that fit 64 bits */
	tk->slew = -(adjust * (1 << 20)) / (s64)(tk->mult >> (SHIFT - 20));
}

static void change_offset(struct timekeeper *tk, s64 delta)
{
	tk->real_offset += delta;
}

static void change_tai(struct timekeeper *tk, s64 ns)
{
	tk->tai_offset = ns;
}

void clock_set_rate_ppb_scaled(s64 freq_shifted)
{
	keeper_change(change_rate, freq_shifted);
}

void clock_shift_real_locked(s64 delta)
{
	keeper_change(change_offset, delta);
}

void clock_set_tai_locked(s32 seconds)
{
	keeper_change(change_tai, (s64)seconds * (s64)NSEC_PER_SEC);
}

s32 clock_tai_seconds(void)
{
	return (s32)(clock_tai_offset() / (s64)NSEC_PER_SEC);
}

void clock_set_jump_observer(void (*jumped)(void))
{
	atomic_store_release(&jump_observer, jumped);
}

int clock_step_real(s64 delta)
{
	void (*observer)(void);

	with_spin_irq(&clock_lock)
	{
		s64 offset = keeper.copy[0].real_offset;
		s64 sum;

		/* The result may be neither before 1970 nor beyond what a file's time can say. */
		if (__builtin_add_overflow(offset, delta, &sum) || sum + (s64)clock_mono_ns() < 0 ||
		    sum > KTIME_MAX / 2)
			return -EINVAL;
		clock_shift_real_locked(delta);
		wall_known = true;
		next_second = 0;
		ntp_reset();
	}
	observer = atomic_load_acquire(&jump_observer);
	if (observer)
		observer();
	return 0;
}

int clock_set_real(u64 ns)
{
	if (ns > (u64)KTIME_MAX / 2)
		return -EINVAL;
	return clock_step_real((s64)(ns - clock_real_ns()));
}

void clock_set_persistent(u64 seconds)
{
	guard_spin_irq(&clock_lock);
	if (wall_known || !seconds)
		return;
	wall_known = true;
	clock_shift_real_locked((s64)(seconds * NSEC_PER_SEC - clock_real_ns()));
}

/* --- regular work --------------------------------------------------------------------------- */

void clock_tick(void)
{
	u64 now = clock_mono_ns();
	s64 offset;

	if (now - atomic_load(&coarse_mono) < 2 * NSEC_PER_MSEC || !spin_trylock(&clock_lock))
		return;
	if (now > coarse_mono) {
		offset = keeper.copy[0].real_offset;
		vdso_begin(&vdso_page.data);
		coarse_store(&vdso_page.data, now, offset);
		vdso_end(&vdso_page.data);
		if (now + (u64)offset >= next_second) {
			next_second = ((now + (u64)offset) / NSEC_PER_SEC + 1) * NSEC_PER_SEC;
			ntp_second(now + (u64)offset);
		}
	}
	spin_unlock(&clock_lock);
}

/* ns << 32 per count of `hz`, and its inverse, without 128-bit division. */
static void set_frequency(u64 hz)
{
	u64 whole = NSEC_PER_SEC / hz, rest = NSEC_PER_SEC % hz;

	/* rest < hz < 2^36, so both steps of 16 bits fit 64. */
	u64 high = (rest << 16) / hz, rest2 = (rest << 16) % hz;

	raw_mult = whole << SHIFT | high << 16 | (rest2 << 16) / hz;
	inverse = (hz << SHIFT >> 0) / NSEC_PER_SEC;
	if (hz >> 32) {
		u64 top = hz / NSEC_PER_SEC, left = hz % NSEC_PER_SEC;

		inverse = top << SHIFT | (left << SHIFT) / NSEC_PER_SEC;
	}
}

void clock_init(void)
{
	struct timekeeper tk = {0};

	set_frequency(arch_clock_hz());
	tk.counter_base = arch_clock_read();
	tk.mult = raw_mult;
	with_spin_irq(&clock_lock)
	{
		keeper_store(&tk);
		vdso_page.data.resolution_coarse = 4 * NSEC_PER_MSEC;
		vdso_store(&tk);
	}
	clock_set_persistent(arch_wallclock_seconds());
	log_info("counter at %llu.%06llu MHz\n", arch_clock_hz() / USEC_PER_SEC,
		 arch_clock_hz() % USEC_PER_SEC);
}
