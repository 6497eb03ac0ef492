/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The deferred context: work of interrupts that can run with interrupts on.
 *
 * A raised function runs once on the CPU that raised it, soon: at the end of the hard interrupt, or
 * when deferred_enable() ends a section.  Interrupts are on, preemption is off, it must not sleep.
 * One deferred function never interrupts another on the same CPU.  When a round takes longer than
 * its budget, a kernel thread of that CPU continues.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sched/preempt.h>

struct deferred {
	struct llist_node link;
	void (*fn)(struct deferred *d);
	u32 raised; /* [a] queued and not yet running */
};

#define DEFERRED_INIT(fn_)                                                                         \
	{                                                                                          \
		.fn = (fn_)                                                                        \
	}

static inline void deferred_init(struct deferred *d, void (*fn)(struct deferred *d))
{
	*d = (struct deferred){.fn = fn};
}

/* Have d->fn(d) run soon on this CPU, once, however often raised before it starts.  Context: any.
 */
void deferred_raise(struct deferred *d);

/* Something is raised on this CPU.  Interrupts off. */
bool deferred_pending(void);
/* Run what is raised, within the budget.  Context: interrupts off at entry and exit, not nested. */
void deferred_run(void);

void deferred_start(void); /* boot: when kernel threads can be made */
