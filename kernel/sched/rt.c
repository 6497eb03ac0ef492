/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The real-time classes SCHED_FIFO and SCHED_RR: one list per priority, the first of the highest
 * runs.
 *
 * The running thread stays at the head of its list, so preemption by a higher priority leaves it
 * first among equals, as POSIX wants it.
 */
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include "sched_internal.h"

#define RT_PERIOD  (1000 * NSEC_PER_MSEC)
#define RT_RUNTIME (950 * NSEC_PER_MSEC)

u32 rt_level(const struct thread *t)
{
	return RT_LEVELS - 1 - t->se.active_rt;
}

void rt_enqueue(struct runqueue *rq, struct thread *t, bool head)
{
	u32 level = rt_level(t);

	if (head)
		list_push_front(&rq->rt.lists[level], &t->se.rt_link);
	else
		list_push_back(&rq->rt.lists[level], &t->se.rt_link);
	rq->rt.levels[level / 64] |= 1ull << level % 64;
	rq->rt.nr++;
	t->se.new = 0;
	if (!t->se.rr_left)
		t->se.rr_left = RR_SLICE;
}

void rt_dequeue(struct runqueue *rq, struct thread *t)
{
	u32 level = rt_level(t);

	list_remove(&t->se.rt_link);
	if (list_empty(&rq->rt.lists[level]))
		rq->rt.levels[level / 64] &= ~(1ull << level % 64);
	rq->rt.nr--;
}

struct thread *rt_pick(struct runqueue *rq)
{
	u32 level = rq->rt.levels[0] ? ctz64(rq->rt.levels[0]) : 64 + ctz64(rq->rt.levels[1]);

	return list_first(&rq->rt.lists[level], struct thread, se.rt_link);
}

void rt_yield(struct runqueue *rq, struct thread *t)
{
	list_move_back(&rq->rt.lists[rt_level(t)], &t->se.rt_link);
}

void rt_charge(struct runqueue *rq, struct thread *t, u64 delta)
{
	t->se.rr_left -= min(delta, t->se.rr_left);
	rq->rt.used += delta;
}

bool rt_exhausted(struct runqueue *rq)
{
	if (rq->now - rq->rt.period_start >= RT_PERIOD) {
		rq->rt.period_start = rq->now;
		rq->rt.used = 0;
	}
	return rq->rt.used >= RT_RUNTIME;
}

u64 rt_ran(struct thread *t)
{
	u64 sleeps = READ_ONCE(t->se.nvcsw);

	if (t->se.rt_sleeps != sleeps) {
		t->se.rt_sleeps = sleeps;
		t->se.rt_since = t->se.sum_exec;
	}
	return t->se.sum_exec - t->se.rt_since;
}

void rt_tick(struct runqueue *rq, struct thread *t)
{
	if (rq->fair.nr && rt_exhausted(rq))
		rq_resched(rq);
	if (t->se.active_policy != SCHED_RR || t->se.rr_left)
		return;
	t->se.rr_left = RR_SLICE;
	if (list_is_singular(&rq->rt.lists[rt_level(t)]))
		return;
	rt_yield(rq, t);
	rq_resched(rq);
}
