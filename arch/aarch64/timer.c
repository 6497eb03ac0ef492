/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The generic timer: the virtual counter, and this CPU's virtual timer as one-shot (Arm ARM, D12).
 */
#define LOG_PREFIX "timer: "
#include <arch/timer.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/firmware/fdt.h>
#include <kernel/irq/irq.h>
#include <kernel/time/timer.h>

#define CTL_ENABLE BIT(0)

/* Order of the interrupts in an arm,armv8-timer node. */
#define TIMER_PPI_VIRTUAL 2

static u64 hz;		/* [I] */
static unsigned irq;	/* [I] */

u64 arch_clock_hz(void)
{
	return hz;
}

u64 arch_wallclock_seconds(void)
{
	return 0; /* the PL031 driver tells later */
}

void arch_timer_set(u64 deadline)
{
	if (deadline == ~0ull) {
		write_sysreg(cntv_ctl_el0, 0);
	} else {
		write_sysreg(cntv_cval_el0, deadline);
		write_sysreg(cntv_ctl_el0, CTL_ENABLE);
	}
	isb();
}

static enum irq_result timer_irq(unsigned number, void *arg)
{
	/* The line is level: silence it before anything can come back. */
	arch_timer_set(~0ull);
	timer_interrupt();
	return IRQ_HANDLED;
}

void arch_timer_init(void)
{
	const struct fdt *fdt = fdt_system();
	int node = fdt ? fdt_find_compatible(fdt, FDT_NONE, "arm,armv8-timer") : FDT_NONE;

	hz = read_sysreg(cntfrq_el0);
	if (node >= 0)
		hz = fdt_u32(fdt, node, "clock-frequency", (u32)hz);
	if (!hz)
		panic("timer: frequency unknown");
	if (node < 0 || irq_from_fdt(node, TIMER_PPI_VIRTUAL, &irq) ||
	    irq_request_percpu(irq, timer_irq, NULL, "arch_timer"))
		panic("timer: no interrupt");
}

void arch_timer_init_cpu(void)
{
	arch_timer_set(~0ull);
	irq_enable_percpu(irq);
}
