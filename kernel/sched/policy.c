/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies, priorities and affinity.
 *
 * What is asked for is stored under the thread's param_lock and marked stale; entity_apply() turns
 * it into class and weight when the thread is next enqueued.  A thread that is on a queue is taken
 * off and put back at once; one that sleeps, or is between queues, finds out by itself:
 *
 *	here					enqueueing (under its queue's lock)
 *	stale = 1				t->cpu = that queue
 *	full barrier				full barrier
 *	lock queue of t->cpu: not there		stale seen: apply
 *
 * Either we see the new queue, and wait for its lock, or it sees the mark.
 *
 * Deadline threads are admitted while the sum of their bandwidths is at most 95 % of the
 * processors.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include "sched_internal.h"

#define DL_SHIFT       20
#define DL_LIMIT       ((95ull << DL_SHIFT) / 100) /* per processor */
#define DL_RUNTIME_MIN 1024

static struct spinlock dl_lock = SPINLOCK_INIT(RANK_SCHED_DL);
static u64 dl_admitted; /* dl_lock */

static u32 weight_of(u32 policy, int nice)
{
	u64 w = (u64)NICE_WEIGHT << 20;

	if (policy == SCHED_IDLE)
		return 3;
	/* Each step of nice is a quarter more or less of the CPU. */
	for (; nice > 0; nice--)
		w = w * 4 / 5;
	for (; nice < 0; nice++)
		w = w * 5 / 4;
	return (u32)max(w >> 20, 3ull);
}

void entity_apply(struct thread *t)
{
	struct sched_entity *se = &t->se;

	if (likely(!atomic_load(&se->stale)))
		return;
	guard_spin(&se->param_lock);
	atomic_store(&se->stale, 0u);
	se->active_policy = se->policy;
	se->active_rt =
		max(se->policy == SCHED_FIFO || se->policy == SCHED_RR ? se->rt_priority : 0u,
		    (u32)se->boosted_rt);
	se->weight = weight_of(se->policy, se->nice);
	if (se->policy == SCHED_DEADLINE)
		se->class = CLASS_DEADLINE;
	else
		se->class = se->active_rt ? CLASS_RT : CLASS_FAIR;
}

/* Make a change of the parameters of `t` effective, wherever it is. */
static void refresh(struct thread *t)
{
	irqflags_t f;
	struct runqueue *rq;

	atomic_store(&t->se.stale, 1u);
	smp_mb();
	rq = rq_lock_of(t, &f);
	rq_update_clock(rq);
	if (t->se.on_rq) {
		update_curr(rq);
		thread_dequeue(rq, t, false);
		thread_enqueue(rq, t, ENQUEUE_MOVE);
		if (rq->curr == t)
			rq_resched(rq);
		else
			rq_check_preempt(rq, t);
	}
	rq_unlock(rq, f);
}

void sched_fork(struct thread *child)
{
	const struct sched_entity *parent = &thread_current()->se;
	struct sched_entity *se = &child->se;
	bool reset = parent->reset_on_fork || parent->class == CLASS_IDLE ||
		     parent->policy == SCHED_DEADLINE;

	spin_init(&se->param_lock, RANK_SCHED_PARAM, "sched_entity.param_lock");
	se->policy = reset ? SCHED_NORMAL : parent->policy;
	se->rt_priority = reset ? 0 : parent->rt_priority;
	se->nice = reset ? max(0, parent->reset_on_fork ? 0 : parent->nice) : parent->nice;
	if (parent->class == CLASS_IDLE)
		cpumask_set_all(&se->affinity);
	else
		cpumask_copy(&se->affinity, &parent->affinity);
	se->class = CLASS_FAIR;
	se->weight = NICE_WEIGHT;
	se->slice = BASE_SLICE;
	se->stale = 1;
	se->new = 1;
	rb_node_init(&se->node);
	list_init(&se->rt_link);
	dl_init(child);
	preempt_disable();
	child->cpu = cpu_id();
	preempt_enable();
}

/* --- policies ------------------------------------------------------------------------------- */

static int check_dl(const struct sched_attrs *a)
{
	u64 period = a->period ? a->period : a->deadline;

	if (a->priority || a->runtime < DL_RUNTIME_MIN || a->runtime > a->deadline ||
	    a->deadline > period || period >> 63)
		return -EINVAL;
	return 0;
}

static int check(const struct sched_attrs *a)
{
	if (a->flags & ~(u64)SCHED_FLAG_RESET_ON_FORK)
		return -EINVAL;
	switch (a->policy) {
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE: return a->priority ? -EINVAL : 0;
	case SCHED_FIFO:
	case SCHED_RR: return a->priority < 1 || a->priority > 99 ? -EINVAL : 0;
	case SCHED_DEADLINE: return check_dl(a);
	}
	return -EINVAL;
}

static u64 bandwidth_of(const struct sched_attrs *a)
{
	u64 period = a->period ? a->period : a->deadline;

	if (a->policy != SCHED_DEADLINE)
		return 0;
	/* Without 128-bit division: scale both down until the product fits. */
	u64 runtime = a->runtime;

	while (runtime >> (63 - DL_SHIFT)) {
		runtime >>= 1;
		period >>= 1;
	}
	return (runtime << DL_SHIFT) / period;
}

/* Exchange the bandwidth `t` holds for `want`.  Returns 0 or -EBUSY. */
static int admit(struct thread *t, u64 want)
{
	guard_spin_irq(&dl_lock);

	u64 sum = dl_admitted - t->se.dl.bandwidth + want;

	if (want > t->se.dl.bandwidth && sum > DL_LIMIT * num_online_cpus())
		return -EBUSY;
	dl_admitted = sum;
	t->se.dl.bandwidth = want;
	return 0;
}

int sched_setscheduler(struct thread *t, const struct sched_attrs *a)
{
	struct sched_entity *se = &t->se;
	int err = check(a);

	if (err)
		return err;
	err = admit(t, bandwidth_of(a));
	if (err)
		return err;
	with_spin_irq(&se->param_lock)
	{
		se->policy = a->policy;
		se->reset_on_fork = !!(a->flags & SCHED_FLAG_RESET_ON_FORK);
		se->rt_priority = a->priority;
		if (a->policy == SCHED_NORMAL || a->policy == SCHED_BATCH)
			se->nice = clamp(a->nice, -20, 19);
		if (a->policy == SCHED_DEADLINE) {
			se->dl.runtime = a->runtime;
			se->dl.deadline = a->deadline;
			se->dl.period = a->period ? a->period : a->deadline;
		}
	}
	refresh(t);
	return 0;
}

void sched_getattr(struct thread *t, struct sched_attrs *a)
{
	struct sched_entity *se = &t->se;

	guard_spin_irq(&se->param_lock);
	*a = (struct sched_attrs){.policy = se->policy,
				  .flags = se->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0};
	if (se->policy == SCHED_DEADLINE) {
		a->runtime = se->dl.runtime;
		a->deadline = se->dl.deadline;
		a->period = se->dl.period;
	} else if (se->policy == SCHED_FIFO || se->policy == SCHED_RR) {
		a->priority = se->rt_priority;
	} else {
		a->nice = se->nice;
	}
}

void sched_set_nice(struct thread *t, int nice)
{
	with_spin_irq(&t->se.param_lock) t->se.nice = clamp(nice, -20, 19);
	refresh(t);
}

int sched_nice(const struct thread *t)
{
	return READ_ONCE(t->se.nice);
}

void sched_boost(struct thread *t, u32 rt_priority)
{
	with_spin_irq(&t->se.param_lock) t->se.boosted_rt = (s32)rt_priority;
	refresh(t);
}

u32 sched_rt_priority(const struct thread *t)
{
	u32 policy = READ_ONCE(t->se.policy);
	u32 own = policy == SCHED_FIFO || policy == SCHED_RR ? READ_ONCE(t->se.rt_priority) : 0;

	return policy == SCHED_DEADLINE ? 99 : max(own, (u32)READ_ONCE(t->se.boosted_rt));
}

u64 sched_rr_interval(struct thread *t)
{
	switch (READ_ONCE(t->se.policy)) {
	case SCHED_RR: return RR_SLICE;
	case SCHED_NORMAL:
	case SCHED_BATCH:
	case SCHED_IDLE: return READ_ONCE(t->se.slice);
	}
	return 0;
}

int sched_proc_priority(const struct thread *t)
{
	u32 policy = READ_ONCE(t->se.policy);

	if (policy == SCHED_DEADLINE)
		return -101;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return -1 - (int)READ_ONCE(t->se.rt_priority);
	return 20 + READ_ONCE(t->se.nice);
}

void sched_fini(struct thread *t)
{
	(void)admit(t, 0);
	dl_fini(t);
}

/* --- affinity ------------------------------------------------------------------------------- */

/* `t` is on a queue whose CPU it must leave and does not run: send it on.  Locks: rq->lock,
 * released. */
static void move_queued(struct runqueue *rq, struct thread *t, irqflags_t f)
{
	thread_dequeue(rq, t, false);
	spin_unlock(&rq->lock);
	rq_send(t, select_cpu(t, false));
	arch_irq_restore(f);
	preempt_enable_no_resched();
}

static void enforce_affinity(struct thread *t)
{
	irqflags_t f;
	struct runqueue *rq;

	preempt_disable();
	smp_mb();
	rq = rq_lock_of(t, &f);
	if (!t->se.on_rq || cpumask_test(&t->se.affinity, rq->cpu)) {
		rq_unlock(rq, f);
	} else if (atomic_load(&t->on_cpu)) {
		rq_resched(rq); /* schedule() pushes it away */
		rq_unlock(rq, f);
	} else {
		rq_update_clock(rq);
		move_queued(rq, t, f);
		return;
	}
	preempt_enable();
}

int sched_setaffinity(struct thread *t, const struct cpumask *mask)
{
	struct cpumask usable;

	if (!cpumask_and(&usable, mask, &cpu_possible_mask))
		return -EINVAL;
	with_spin_irq(&t->se.param_lock) cpumask_copy(&t->se.affinity, &usable);
	enforce_affinity(t);
	/* Whoever asked for it sees it done. */
	if (t == thread_current())
		cond_resched();
	return 0;
}

void sched_getaffinity(struct thread *t, struct cpumask *out)
{
	cpumask_and(out, &t->se.affinity, &cpu_possible_mask);
}

int thread_set_affinity(struct thread *t, const struct cpumask *mask)
{
	return sched_setaffinity(t, mask);
}

int thread_set_cpu(struct thread *t, unsigned cpu)
{
	struct cpumask mask = {{0}};

	mask.bits[cpu / 64] = 1ull << (cpu % 64);
	return sched_setaffinity(t, &mask);
}
