/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SCHED_DEADLINE: earliest deadline first, each thread in a constant bandwidth server.
 *
 * A thread may run `runtime` in every `period`, and its jobs are due `deadline` after their begin.
 * A thread that has used its budget is throttled until its next period, so it cannot take more than
 * it was granted; one that wakes may go on with its old deadline only if what is left of the budget
 * fits into what is left of the time, else it begins a new period.  (Abeni and Buttazzo 1998;
 * sched(7).)
 */
#include "sched_internal.h"

static struct thread *thread_of(struct rb_node *n)
{
	return container_of(rb_entry(n, struct sched_dl, node), struct thread, se.dl);
}

static bool earlier(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct sched_dl, node)->absolute <
	       rb_entry(b, struct sched_dl, node)->absolute;
}

bool dl_before(const struct thread *a, const struct thread *b)
{
	return a->se.dl.absolute < b->se.dl.absolute;
}

static void new_period(struct sched_dl *dl, u64 now)
{
	dl->absolute = now + dl->deadline;
	dl->left = (s64)dl->runtime;
}

/* May the thread go on with its old deadline?  left / (absolute - now) <= runtime / period. */
static bool budget_fits(const struct sched_dl *dl, u64 now)
{
	if (dl->absolute <= now || dl->left <= 0)
		return false;
	return (unsigned __int128)(u64)dl->left * dl->period <=
	       (unsigned __int128)(dl->absolute - now) * dl->runtime;
}

void dl_enqueue(struct runqueue *rq, struct thread *t, enum enqueue_why why)
{
	struct sched_dl *dl = &t->se.dl;

	t->se.new = 0;
	if (why != ENQUEUE_MOVE && !dl->throttled && !budget_fits(dl, rq->now))
		new_period(dl, rq->now);
	if (dl->throttled)
		return; /* the timer brings it back */
	rb_insert(&rq->dl.tree, &dl->node, earlier);
	rq->dl.nr++;
}

void dl_dequeue(struct runqueue *rq, struct thread *t)
{
	if (!rb_node_linked(&t->se.dl.node))
		return;
	rb_erase(&rq->dl.tree, &t->se.dl.node);
	rq->dl.nr--;
}

struct thread *dl_pick(struct runqueue *rq)
{
	return thread_of(rb_first(&rq->dl.tree));
}

/* The next period's begin is one period after this one's: absolute - deadline + period. */
static void arm(struct thread *t)
{
	struct sched_dl *dl = &t->se.dl;
	u64 begin = dl->absolute - dl->deadline + dl->period, now = clock_sched_ns();

	timer_start(&dl->timer, clock_mono_ns() + (begin > now ? begin - now : 0), 0);
}

/* Out of the tree until the next period begins. */
static void throttle(struct runqueue *rq, struct thread *t)
{
	struct sched_dl *dl = &t->se.dl;

	dl->throttled = 1;
	dl_dequeue(rq, t);
	arm(t);
	rq_resched(rq);
}

void dl_charge(struct runqueue *rq, struct thread *t, u64 delta)
{
	t->se.dl.left -= (s64)delta;
	if (t->se.dl.left <= 0 && !t->se.dl.throttled && t->se.on_rq)
		throttle(rq, t);
}

void dl_yield(struct runqueue *rq, struct thread *t)
{
	t->se.dl.left = 0;
	if (!t->se.dl.throttled)
		throttle(rq, t);
}

/* A period begins: refill, and let the thread compete again.  Hard interrupt. */
static void replenish(struct timer *timer)
{
	struct thread *t = container_of(timer, struct thread, se.dl.timer);
	struct sched_dl *dl = &t->se.dl;
	irqflags_t f;
	struct runqueue *rq = rq_lock_of(t, &f);

	rq_update_clock(rq);
	if (dl->throttled) {
		dl->throttled = 0;
		while (dl->left <= 0) {
			dl->left += (s64)dl->runtime;
			dl->absolute += dl->period;
		}
		if (dl->absolute < rq->now)
			new_period(dl, rq->now);
		if (t->se.on_rq && t->se.class == CLASS_DEADLINE) {
			rb_insert(&rq->dl.tree, &dl->node, earlier);
			rq->dl.nr++;
			rq_check_preempt(rq, t);
		}
	}
	rq_unlock(rq, f);
}

void dl_init(struct thread *t)
{
	rb_node_init(&t->se.dl.node);
	timer_init(&t->se.dl.timer, replenish);
}

void dl_fini(struct thread *t)
{
	timer_cancel_sync(&t->se.dl.timer);
}
