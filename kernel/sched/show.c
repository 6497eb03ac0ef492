/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What runs where, to the log: sysrq and hang reports. */
#define LOG_PREFIX "sched: "

#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/debug/sysrq.h>
#include "sched_internal.h"

static void show_cpu(unsigned cpu)
{
	const struct runqueue *rq = rq_of(cpu);
	const struct thread *t = READ_ONCE(rq->curr);

	log_info("CPU %u: %u runnable, %llu switches, runs %s[%u]\n", cpu, rq->nr_running,
		 rq->nr_switches, t->comm, t->tid);
}

void sched_show(void)
{
	struct thread *t;
	unsigned cpu;

	guard_rcu();
	for_each_online_cpu (cpu)
		show_cpu(cpu);
	for_each_thread_rcu(t)
	{
		log_info("%c %5u %-16s cpu %u flags %#x%s\n", thread_state_letter(t), t->tid,
			 t->comm, t->cpu, t->flags, t->blocked_on ? " waits for a lock" : "");
		lock_debug_print(t);
		if (!atomic_load(&t->on_cpu))
			backtrace(LOG_ERR, t, NULL);
	}
}

static void sysrq_threads(char key)
{
	sched_show();
}

SYSRQ('t', "show threads", sysrq_threads);
