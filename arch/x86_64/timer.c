/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time: the time-stamp counter as the clock, the local APIC's timer to be woken.
 *
 * The counter's frequency comes from CPUID (leaf 0x15, a hypervisor's 0x40000010) or is measured
 * against the ACPI PM timer or the PIT's channel 2, whichever is there, for a few milliseconds; the
 * same interval measures the APIC timer.  Each reading of the reference is bracketed by two of the
 * counter and repeated until they are close, so that a stalled host does not spoil it.
 *
 * The timer is armed by the TSC-deadline MSR where it exists (unverified on hardware), else by a
 * count of bus ticks.
 */
#include <arch/io.h>
#include <arch/timer.h>
#include <kernel/debug/panic.h>
#include <kernel/firmware/acpi.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include "lapic.h"
#include "msr.h"
#include "port.h"
#include "x86_internal.h"

#define LOG_PREFIX "timer: "
#include <kernel/debug/log.h>

#define LVT_DEADLINE (2u << 17)
#define LVT_MASKED   0x10000
#define DIVIDE_BY_1  0xb

#define PIT_HZ	    1193182
#define PMTIMER_HZ  3579545
#define PMTIMER_MASK 0xffffff
#define CALIBRATE_MS 4

static u64 tsc_hz;
static u64 apic_hz;
static u64 apic_mult; /* bus ticks per TSC tick, 32.32 */

u64 arch_clock_hz(void)
{
	return tsc_hz;
}

/* --- calibration --- */

/* A reference counter that counts up or down at `hz`. */
struct reference {
	const char *name;
	u64 hz;
	u32 mask;
	u32 (*read)(void);
	bool down;
};

static u16 pm_port;

static u32 pm_read(void)
{
	return inl(pm_port) & PMTIMER_MASK;
}

/* Channel 2, mode 0, counting down from 0xffff with its gate open. */
static void pit_start(void)
{
	outb(0x61, (inb(0x61) & ~2) | 1);
	outb(0x43, 0xb0);
	outb(0x42, 0xff);
	outb(0x42, 0xff);
}

static u32 pit_read(void)
{
	u32 v;

	outb(0x43, 0x80); /* latch */
	v = inb(0x42);
	return v | (u32)inb(0x42) << 8;
}

struct sample {
	u64 tsc;
	u32 ref, apic;
};

static struct sample take_sample(const struct reference *r)
{
	struct sample best = { 0 };
	u64 width = ~0ull;

	for (unsigned i = 0; i < 16; i++) {
		u64 before = arch_clock_read();
		u32 ref = r->read();
		u64 after = arch_clock_read();

		if (after - before < width) {
			width = after - before;
			best = (struct sample){ before + width / 2, ref, 0 };
			best.apic = x86_lapic_read(LAPIC_TIMER_CURRENT);
		}
	}
	return best;
}

static u32 elapsed(const struct reference *r, u32 from, u32 to)
{
	return (r->down ? from - to : to - from) & r->mask;
}

static void calibrate(const struct reference *r)
{
	u32 want = (u32)(r->hz * CALIBRATE_MS / 1000);
	struct sample a, b;
	u64 ticks;

	x86_lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	x86_lapic_write(LAPIC_LVT_TIMER, LVT_MASKED);
	x86_lapic_write(LAPIC_TIMER_INITIAL, ~0u);
	a = take_sample(r);
	for (u32 spins = 0; elapsed(r, a.ref, r->read()) < want; spins++) {
		if (spins == 100000000)
			panic("the %s stands still", r->name);
	}
	b = take_sample(r);
	x86_lapic_write(LAPIC_TIMER_INITIAL, 0);

	ticks = max(elapsed(r, a.ref, b.ref), 1u);
	if (!tsc_hz)
		tsc_hz = (b.tsc - a.tsc) * r->hz / ticks;
	apic_hz = (u64)(a.apic - b.apic) * r->hz / ticks;
	log_info("counter %llu kHz, APIC timer %llu kHz, by the %s\n", tsc_hz / 1000,
		 apic_hz / 1000, r->name);
}

/* What the processor or the hypervisor says about the counter; 0 when they are silent. */
static u64 told_hz(void)
{
	if (x86_has(X86_HYPERVISOR) && cpuid(0x40000000, 0).eax >= 0x40000010)
		return cpuid(0x40000010, 0).eax * 1000ull;
	if (cpuid(0, 0).eax >= 0x15) {
		struct cpuid_regs r = cpuid(0x15, 0);

		if (r.eax && r.ebx && r.ecx)
			return (u64)r.ecx * r.ebx / r.eax;
	}
	return 0;
}

void arch_timer_init(void)
{
	struct reference pit = { "PIT", PIT_HZ, 0xffff, pit_read, true };
	struct reference pm = { "PM timer", PMTIMER_HZ, PMTIMER_MASK, pm_read, false };
	struct acpi_fadt fadt;

	tsc_hz = told_hz();
	if (!acpi_fadt(&fadt) && fadt.pm_timer.space == ACPI_SPACE_IO && fadt.pm_timer.address) {
		pm_port = (u16)fadt.pm_timer.address;
		calibrate(&pm);
	} else {
		pit_start();
		calibrate(&pit);
	}
	apic_mult = apic_hz * ((1ull << 32) / 1000000) / (tsc_hz / 1000000 ? tsc_hz / 1000000 : 1);
	arch_timer_init_cpu();
}

/* --- the timer of this CPU --- */

void arch_timer_init_cpu(void)
{
	x86_lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_1);
	x86_lapic_write(LAPIC_LVT_TIMER,
			LAPIC_VEC_TIMER | (x86_has(X86_TSC_DEADLINE) ? LVT_DEADLINE : 0));
	/* The mode must be set before the first deadline is (SDM 11.5.4.1). */
	arch_mb_device();
}

static void arm_count(u64 deadline)
{
	u64 now = arch_clock_read();
	u64 delta = deadline > now ? deadline - now : 0;
	u64 ticks = (u64)((unsigned __int128)delta * apic_mult >> 32);

	x86_lapic_write(LAPIC_TIMER_INITIAL, (u32)clamp(ticks, 1ull, 0xffffffffull));
}

void arch_timer_set(u64 deadline)
{
	if (x86_has(X86_TSC_DEADLINE))
		wrmsr(MSR_TSC_DEADLINE, deadline == ~0ull ? 0 : max(deadline, 1ull));
	else if (deadline == ~0ull)
		x86_lapic_write(LAPIC_TIMER_INITIAL, 0);
	else
		arm_count(deadline);
}

/* --- CMOS clock (MC146818) --- */

#define CMOS_UPDATING 0x80 /* register A */
#define CMOS_24H      0x02 /* register B */
#define CMOS_BINARY   0x04

static u8 cmos(u8 reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

struct cmos_time {
	u8 second, minute, hour, day, month, year;
};

static struct cmos_time cmos_read(void)
{
	for (unsigned i = 0; i < 100000 && (cmos(10) & CMOS_UPDATING); i++)
		arch_cpu_relax();
	return (struct cmos_time){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8), cmos(9) };
}

static u8 from_bcd(u8 v)
{
	return (u8)((v & 15) + (v >> 4) * 10);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, counting years from March. */
static u64 days_from_civil(u32 year, u32 month, u32 day)
{
	u32 y = year - (month <= 2), m = (month + 9) % 12;

	return (u64)y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468;
}

u64 arch_wallclock_seconds(void)
{
	struct cmos_time t, again = cmos_read();
	u8 mode = cmos(11);
	bool pm;

	/* Twice the same: no update in between. */
	for (unsigned i = 0; i < 10; i++) {
		t = again;
		again = cmos_read();
		if (!memcmp(&t, &again, sizeof(t)))
			break;
	}
	pm = !(mode & CMOS_24H) && (t.hour & 0x80);
	t.hour &= 0x7f;
	if (!(mode & CMOS_BINARY))
		t = (struct cmos_time){from_bcd(t.second), from_bcd(t.minute), from_bcd(t.hour),
				       from_bcd(t.day),    from_bcd(t.month),  from_bcd(t.year)};
	if (!(mode & CMOS_24H))
		t.hour = (u8)(t.hour % 12 + (pm ? 12 : 0));
	if (!t.month || t.month > 12 || !t.day || t.day > 31)
		return 0;
	return days_from_civil(2000 + t.year, t.month, t.day) * 86400 + t.hour * 3600ull +
	       t.minute * 60ull + t.second;
}
