/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sleeping until a deadline. */
#include <kernel/abi/errno.h>
#include "sched_internal.h"

struct sleeper {
	struct timer timer;
	struct thread *thread;
};

static void sleeper_wake(struct timer *timer)
{
	struct sleeper *s = container_of(timer, struct sleeper, timer);

	thread_wake(s->thread);
}

int schedule_timeout(u64 deadline_ns)
{
	struct sleeper s = {.thread = thread_current()};

	if (deadline_ns >= (u64)KTIME_MAX) {
		schedule();
		return 0;
	}
	timer_init(&s.timer, sleeper_wake);
	timer_start(&s.timer, deadline_ns,
		    s.thread->se.class == CLASS_FAIR ? s.thread->timer_slack_ns : 0);
	schedule();
	if (timer_cancel_sync(&s.timer))
		return 0;
	return -ETIMEDOUT;
}

void sleep_ns(u64 ns)
{
	u64 deadline = clock_deadline(ns);

	do
		thread_set_state(THREAD_UNINTERRUPTIBLE);
	while (schedule_timeout(deadline) != -ETIMEDOUT);
}
