/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which CPU runs what.
 *
 * Placement does most of the work: a waking thread goes to its former CPU if that idles, to the
 * waker's if the waker is about to sleep, else to any idle CPU, else stays where its cache is.  An
 * idle CPU is claimed by clearing its bit in sched_idle_cpus, so that two wakers do not choose the
 * same one.
 *
 * What placement cannot foresee, balancing mends: a CPU that runs out of work takes a waiting
 * thread from the longest queue, a busy CPU's tick gives a waiting thread to an idle CPU, and now
 * and then pulls from a CPU with clearly more to do.  Running threads are never taken.
 */
#include "sched_internal.h"

#define BALANCE_PERIOD (16 * NSEC_PER_MSEC)
#define LOOK_AT        16 /* candidates examined on one queue */

static bool allowed(const struct thread *t, unsigned cpu)
{
	return cpumask_test(&t->se.affinity, cpu) && cpu_online(cpu);
}

static bool claim_idle(unsigned cpu)
{
	return cpumask_test(&sched_idle_cpus, cpu) && cpumask_test_and_clear(&sched_idle_cpus, cpu);
}

static unsigned load(unsigned cpu)
{
	return READ_ONCE(rq_of(cpu)->nr_running);
}

/* An idle CPU `t` may use, claimed; or CONFIG_NR_CPUS. */
static unsigned find_idle(const struct thread *t)
{
	struct cpumask candidates;
	unsigned cpu;

	if (!cpumask_and(&candidates, &sched_idle_cpus, &t->se.affinity))
		return CONFIG_NR_CPUS;
	for_each_cpu (cpu, &candidates)
		if (cpu_online(cpu) && claim_idle(cpu))
			return cpu;
	return CONFIG_NR_CPUS;
}

/* The allowed CPU with the least to do, `prefer` among equals. */
static unsigned find_least_loaded(const struct thread *t, unsigned prefer)
{
	unsigned best = allowed(t, prefer) ? prefer : CONFIG_NR_CPUS, cpu;

	for_each_cpu (cpu, &t->se.affinity)
		if (cpu_online(cpu) && (best == CONFIG_NR_CPUS || load(cpu) < load(best)))
			best = cpu;
	return best == CONFIG_NR_CPUS ? 0 : best;
}

/* For a real-time thread: a CPU that runs something weaker. */
static unsigned find_weaker(const struct thread *t, unsigned prefer)
{
	unsigned cpu;

	for_each_cpu (cpu, &t->se.affinity) {
		const struct thread *curr;

		if (!cpu_online(cpu))
			continue;
		curr = READ_ONCE(rq_of(cpu)->curr);
		if (READ_ONCE(curr->se.class) > t->se.class)
			return cpu;
	}
	return find_least_loaded(t, prefer);
}

unsigned select_cpu(struct thread *t, bool sync)
{
	unsigned prev = atomic_load(&t->cpu), here = cpu_id(), cpu;

	if (sync && allowed(t, here) && load(here) <= 1)
		return here;
	if (allowed(t, prev) && claim_idle(prev))
		return prev;
	cpu = find_idle(t);
	if (cpu != CONFIG_NR_CPUS)
		return cpu;
	if (t->se.class != CLASS_FAIR)
		return find_weaker(t, prev);
	if (!allowed(t, prev) || t->se.new)
		return find_least_loaded(t, prev);
	return allowed(t, here) && load(here) + 1 < load(prev) ? here : prev;
}

/* --- pulling and pushing -------------------------------------------------------------------- */

static bool movable(const struct thread *t, unsigned to)
{
	return !atomic_load(&t->on_cpu) && cpumask_test(&t->se.affinity, to);
}

/* A thread waiting on `src` that may run on `to`: real-time first, then the fair one served last.
 */
static struct thread *find_waiting(struct runqueue *src, unsigned to)
{
	struct rb_node *n;
	struct thread *t;
	unsigned looked = 0;

	for (unsigned level = 0; src->rt.nr && level < RT_LEVELS; level++)
		list_for_each (t, &src->rt.lists[level], se.rt_link)
			if (movable(t, to))
				return t;
	for (n = rb_last(&src->fair.tree); n && looked < LOOK_AT; n = rb_prev(n), looked++) {
		t = container_of(rb_entry(n, struct sched_entity, node), struct thread, se);
		if (movable(t, to))
			return t;
	}
	return NULL;
}

/* Move one.  Locks: both queues'. */
static bool pull_one(struct runqueue *src, struct runqueue *dst)
{
	struct thread *t = find_waiting(src, dst->cpu);

	if (!t)
		return false;
	rq_update_clock(src);
	thread_dequeue(src, t, false);
	t->se.migrations++;
	thread_enqueue(dst, t, ENQUEUE_MOVE);
	return true;
}

/* The longest queue with at least `least` threads, or NULL. */
static struct runqueue *busiest(unsigned self, unsigned least)
{
	struct runqueue *best = NULL;
	unsigned cpu, most = 0;

	for_each_online_cpu (cpu) {
		unsigned nr = load(cpu);

		if (cpu == self || nr < least)
			continue;
		if (!best || nr > most) {
			best = rq_of(cpu);
			most = nr;
		}
	}
	return best;
}

bool balance_new_idle(struct runqueue *rq)
{
	struct runqueue *src = busiest(rq->cpu, 2);

	if (!src)
		return false;
	if (src->cpu > rq->cpu) {
		spin_lock_nested(&src->lock, 1);
	} else {
		spin_unlock(&rq->lock);
		spin_lock(&src->lock);
		spin_lock_nested(&rq->lock, 1);
		rq_update_clock(rq);
	}
	if (!rq->nr_running && src->nr_running > 1)
		pull_one(src, rq);
	spin_unlock(&src->lock);
	return rq->nr_running;
}

/* Give one waiting thread to an idle CPU. */
static void push_to_idle(struct runqueue *rq)
{
	struct thread *t = NULL;
	unsigned cpu;

	spin_lock(&rq->lock);
	rq_update_clock(rq);
	for_each_cpu (cpu, &sched_idle_cpus) {
		t = find_waiting(rq, cpu);
		if (t && claim_idle(cpu))
			break;
		t = NULL;
	}
	if (t)
		thread_dequeue(rq, t, false);
	spin_unlock(&rq->lock);
	if (t) {
		t->se.migrations++;
		rq_send(t, cpu);
	}
}

void balance_tick(struct runqueue *rq, u64 now)
{
	unsigned ours = load(rq->cpu);
	struct runqueue *src;

	if (ours > 1 && !cpumask_empty(&sched_idle_cpus)) {
		push_to_idle(rq);
		return;
	}
	if (now < rq->next_balance)
		return;
	rq->next_balance = now + BALANCE_PERIOD;
	src = busiest(rq->cpu, ours + 2);
	if (!src)
		return;
	rq_lock_pair(rq, src);
	rq_update_clock(rq);
	/* The tick of a CPU that just went idle pulls too, and idle must notice. */
	if (src->nr_running >= rq->nr_running + 2 && pull_one(src, rq) && rq->curr == rq->idle)
		rq_resched(rq);
	rq_unlock_pair(rq, src);
}
