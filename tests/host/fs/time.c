/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time, timers and RCU of the host machine.
 *
 * The clock is a number: it grows a little with each look and each switch, and jumps to the next
 * timer when nothing can run.  So a test that waits thirty seconds for write-back takes none, and
 * runs are repeatable.
 *
 * A grace period passes at every point where a thread may be switched away, as nobody can be in a
 * read section then.  Callbacks wait there for chance to run them, in the deferred context's
 * clothes: sometimes at once, sometimes after many operations.
 */
#include <kernel/debug/panic.h>
#include <kernel/lib/list.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <kernel/sync/rcu.h>
#include <kernel/time/timer.h>
#include <mm/alloc.h>
#include <host.h>
#include "hostfs_internal.h"

#define BOOT_REAL_NS 1700000000000000000ull

static u64 now = 1000000000;

void time_advance(u64 ns)
{
	now += ns;
}

u64 clock_mono_ns(void)
{
	return now += 37;
}

u64 clock_real_ns(void)
{
	return BOOT_REAL_NS + clock_mono_ns();
}

/* Four milliseconds coarse, as with a real tick. */
u64 clock_real_coarse_ns(void)
{
	return (BOOT_REAL_NS + now) / 4000000 * 4000000;
}

u64 clock_mono_coarse_ns(void)
{
	return now / 4000000 * 4000000;
}

u64 clock_sched_ns(void)
{
	return clock_mono_ns();
}

u64 clock_boot_ns(void)
{
	return clock_mono_ns();
}

void delay_ns(u64 ns)
{
	now += ns;
}

/* --- timers ----------------------------------------------------------------------------------- */

enum { TIMER_IDLE, TIMER_QUEUED };

static struct list timers = LIST_INIT(timers); /* earliest first */

void timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

void timer_start(struct timer *t, u64 deadline_ns, u64 slack_ns)
{
	struct list *at = timers.next;

	timer_cancel(t);
	t->deadline = deadline_ns;
	t->state = TIMER_QUEUED;
	while (at != &timers && container_of(at, struct timer, link)->deadline <= deadline_ns)
		at = at->next;
	list_push_back(at, &t->link);
}

bool timer_cancel(struct timer *t)
{
	if (t->state != TIMER_QUEUED)
		return false;
	list_remove(&t->link);
	t->state = TIMER_IDLE;
	return true;
}

bool timer_cancel_sync(struct timer *t)
{
	return timer_cancel(t);
}

bool timer_pending(const struct timer *t)
{
	return t->state == TIMER_QUEUED;
}

static void interrupt(struct timer *t)
{
	struct thread *self = thread_current();
	irqflags_t f = arch_irq_save();

	self->preempt_count += PREEMPT_HARDIRQ_ONE;
	t->fn(t);
	self->preempt_count -= PREEMPT_HARDIRQ_ONE;
	arch_irq_restore(f);
}

bool timers_run_due(void)
{
	bool any = false;

	while (!list_empty(&timers)) {
		struct timer *t = list_first(&timers, struct timer, link);

		if (t->deadline > now)
			break;
		timer_cancel(t);
		interrupt(t);
		any = true;
	}
	return any;
}

bool timers_skip_ahead(void)
{
	struct timer *t;

	if (list_empty(&timers))
		return false;
	t = list_first(&timers, struct timer, link);
	if (t->deadline > now)
		now = t->deadline;
	return timers_run_due();
}

/* --- RCU -------------------------------------------------------------------------------------- */

static struct rcu_head *callbacks, **callbacks_end = &callbacks; /* through link.next */
static unsigned nr_callbacks;
static u64 periods = 1;

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	head->fn = fn;
	head->link.next = NULL;
	*callbacks_end = head;
	callbacks_end = (struct rcu_head **)&head->link.next;
	nr_callbacks++;
}

static void free_offset(struct rcu_head *head, size_t offset)
{
	kfree((char *)head - offset);
}

/* A function pointer below a page is an offset, as in the kernel's own. */
void kfree_rcu_(struct rcu_head *head, size_t offset)
{
	call_rcu(head, (void (*)(struct rcu_head *))(offset + 1));
}

static void call_back(struct rcu_head *head)
{
	uintptr_t fn = (uintptr_t)head->fn;

	if (fn <= 4096)
		free_offset(head, fn - 1);
	else
		head->fn(head);
}

bool rcu_run(void)
{
	struct rcu_head *head = callbacks, *next;
	struct thread *self = thread_current();

	static_assert(offsetof(struct rcu_head, link) == 0 &&
			      offsetof(struct llist_node, next) == 0,
		      "a link leads to the head around it");
	periods++;
	if (!head)
		return false;
	callbacks = NULL;
	callbacks_end = &callbacks;
	nr_callbacks = 0;
	self->preempt_count += PREEMPT_DEFERRED_ONE;
	for (; head; head = next) {
		next = (struct rcu_head *)head->link.next;
		call_back(head);
	}
	self->preempt_count -= PREEMPT_DEFERRED_ONE;
	return true;
}

struct rcu_waiter {
	struct rcu_head head;
	struct completion done;
};

static void waiter_done(struct rcu_head *head)
{
	completion_done(&container_of(head, struct rcu_waiter, head)->done);
}

void synchronize_rcu(void)
{
	struct rcu_waiter w;

	assert_may_sleep();
	completion_init(&w.done);
	call_rcu(&w.head, waiter_done);
	completion_wait(&w.done);
}

void rcu_barrier(void)
{
	synchronize_rcu();
}

u64 rcu_snapshot(void)
{
	return periods;
}

bool rcu_passed(u64 snapshot)
{
	return periods > snapshot;
}

/* --- turns ------------------------------------------------------------------------------------ */

void machine_turn(void)
{
	static bool inside;

	if (inside || preempt_count())
		return;
	inside = true;
	now += 1000;
	timers_run_due();
	if (callbacks && (nr_callbacks > 2000 || !machine_random(8)))
		rcu_run();
	inside = false;
}

bool machine_idle(void)
{
	return rcu_run() || timers_skip_ahead();
}
