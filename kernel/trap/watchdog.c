/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A CPU that has run one thread in the kernel for a minute without a switch is stuck, most likely.
 *
 * Time is counted in ticks this CPU has taken, not by the clock: a virtual CPU that its host did
 * not run is not stuck.
 */
#define LOG_PREFIX "watchdog: "

#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/sched/sched.h>
#include <kernel/smp/percpu.h>
#include <kernel/trap/trap.h>
#include <kernel/trap/trap_frame.h>

#define LIMIT (60 * TICK_HZ)

struct watchdog {
	const struct thread *thread;
	u64 switches;
	u32 ticks;
};

static DEFINE_PER_CPU(struct watchdog, watchdog);

void watchdog_tick(bool user)
{
	struct watchdog *w = &this_cpu(watchdog);
	const struct thread *t = thread_current();
	u64 switches = t->se.nvcsw + t->se.nivcsw;

	if (user || t != w->thread || switches != w->switches || t == cpu_get(cpu_id())->idle) {
		*w = (struct watchdog){.thread = t, .switches = switches};
		return;
	}
	if (++w->ticks != LIMIT)
		return;
	log_warn("CPU %u has been in %s[%u] in the kernel for 60 s\n", cpu_id(), t->comm, t->tid);
	lock_debug_print(t);
	backtrace(LOG_ERR, NULL, trap_irq_frame());
}
