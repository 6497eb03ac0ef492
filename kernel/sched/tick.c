/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tick, 250 times a second on every CPU that does not idle, and the statistics it feeds.
 *
 * How long a thread ran is known exactly from the switches; how that divides into user and system
 * time is sampled by the tick.  An idle CPU lets its tick lapse and starts it again when it leaves
 * idle.
 */
#include <arch/trapframe.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/limits.h>
#include <kernel/trap/trap_frame.h>
#include <kernel/trap/trap.h>
#include "sched_internal.h"

#define LOAD_PERIOD (5 * NSEC_PER_SEC)

static void tick(struct timer *timer)
{
	struct runqueue *rq = container_of(timer, struct runqueue, tick);
	const struct arch_trapframe *tf = trap_irq_frame();

	sched_tick(tf && arch_tf_user(tf));
	if (rq->curr == rq->idle && llist_empty(&rq->wake_list)) {
		rq->tick_on = 0;
		return;
	}
	timer_start(timer, clock_mono_ns() + TICK_NS, 0);
}

void tick_init(struct runqueue *rq)
{
	timer_init(&rq->tick, tick);
}

void tick_start(struct runqueue *rq)
{
	if (rq->tick_on)
		return;
	rq->tick_on = 1;
	timer_start(&rq->tick, clock_mono_ns() + TICK_NS, 0);
}

static void account(struct runqueue *rq, struct thread *t, bool user)
{
	if (t == rq->idle)
		return;
	if (user) {
		WRITE_ONCE(t->se.utime, t->se.utime + TICK_NS);
		if (t->se.nice > 0)
			rq->times.nice += TICK_NS;
		else
			rq->times.user += TICK_NS;
	} else {
		WRITE_ONCE(t->se.stime, t->se.stime + TICK_NS);
		if (t->preempt_count & PREEMPT_DEFERRED_MASK)
			rq->times.deferred += TICK_NS;
		else
			rq->times.system += TICK_NS;
	}
}

void sched_tick(bool user)
{
	struct runqueue *rq = rq_this();
	struct thread *t = thread_current();
	u64 now, ran = 0;

	/* Only the tick's own hard interrupt above the thread: no read section is open. */
	rcu_tick(user || t == rq->idle || t->preempt_count == PREEMPT_HARDIRQ_ONE);
	clock_tick();
	account(rq, t, user);
	spin_lock(&rq->lock);
	rq_update_clock(rq);
	now = rq->now;
	update_curr(rq);
	if (t->se.class == CLASS_RT) {
		rt_tick(rq, t);
		ran = rt_ran(t);
	} else if (rq->rt.nr && t->se.class == CLASS_FAIR && !rt_exhausted(rq)) {
		rq_resched(rq); /* a new second for the real-time threads */
	}
	spin_unlock(&rq->lock);
	if (ran)
		rlimit_rt_ran(ran);
	balance_tick(rq, now);
	loadavg_tick(now);
	watchdog_tick(user);
}

/* --- load average --------------------------------------------------------------------------- */

static u64 load_avg[3]; /* [a] */
static u64 load_next;   /* [a] */

/* e^(-5s/60s), e^(-5s/300s), e^(-5s/900s) with 11 bits of fraction. */
static const u64 load_decay[3] = {1884, 2014, 2037};

static u64 count_active(void)
{
	s64 n = 0;
	unsigned cpu;

	for_each_online_cpu (cpu)
		n += READ_ONCE(rq_of(cpu)->nr_running) + READ_ONCE(rq_of(cpu)->nr_uninterruptible);
	return n > 0 ? (u64)n : 0;
}

static u64 decayed(u64 avg, u64 decay, u64 active)
{
	u64 sum = avg * decay + active * (2048 - decay);

	/* Round towards the goal, or it is never reached. */
	return (sum + (active > avg ? 2047 : 0)) >> SCHED_LOAD_SHIFT;
}

void loadavg_tick(u64 now)
{
	u64 next = atomic_load(&load_next), active;

	if (now < next || !atomic_cmpxchg(&load_next, &next, now + LOAD_PERIOD))
		return;
	if (!next)
		return; /* the first period begins */
	active = count_active() << SCHED_LOAD_SHIFT;
	/* All CPUs may have been idle for many periods. */
	u64 periods = min((now - next) / LOAD_PERIOD + 1, 720ull);

	for (unsigned i = 0; i < 3; i++) {
		u64 avg = load_avg[i];

		for (u64 n = 1; n < periods; n++)
			avg = decayed(avg, load_decay[i], 0);
		atomic_store(&load_avg[i], decayed(avg, load_decay[i], active));
	}
}

void sched_loadavg(u64 avg[3])
{
	for (unsigned i = 0; i < 3; i++)
		avg[i] = atomic_load(&load_avg[i]);
}

/* --- statistics ----------------------------------------------------------------------------- */

void sched_cpu_times(unsigned cpu, struct cpu_times *out)
{
	struct runqueue *rq = rq_of(cpu);
	u64 since = atomic_load(&rq->idle_since), idle = READ_ONCE(rq->idle_sum),
	    now = clock_sched_ns();

	*out = rq->times;
	if (since && now > since)
		idle += now - since;
	out->iowait = READ_ONCE(rq->iowait_sum);
	out->idle = idle - min(idle, out->iowait);
}

u64 nr_context_switches(void)
{
	u64 sum = 0;
	unsigned cpu;

	for_each_possible_cpu(cpu) sum += READ_ONCE(rq_of(cpu)->nr_switches);
	return sum;
}

u64 nr_forks(void)
{
	u64 sum = 0;
	unsigned cpu;

	for_each_possible_cpu(cpu) sum += READ_ONCE(rq_of(cpu)->nr_started);
	return sum;
}

unsigned nr_running(void)
{
	unsigned sum = 0, cpu;

	for_each_possible_cpu(cpu) sum += READ_ONCE(rq_of(cpu)->nr_running);
	return sum;
}

unsigned nr_iowait(void)
{
	unsigned sum = 0, cpu;

	for_each_possible_cpu(cpu) sum += atomic_load(&rq_of(cpu)->nr_iowait);
	return sum;
}

void sched_iowait_begin(void)
{
	guard_preempt();
	thread_current()->se.iowait_cpu = cpu_id();
	atomic_inc(&rq_this()->nr_iowait);
}

void sched_iowait_end(void)
{
	atomic_dec(&rq_of(thread_current()->se.iowait_cpu)->nr_iowait);
}

u64 thread_runtime(struct thread *t)
{
	irqflags_t f;
	struct runqueue *rq = rq_lock_of(t, &f);
	u64 sum;

	if (rq->curr == t) {
		rq_update_clock(rq);
		update_curr(rq);
	}
	sum = t->se.sum_exec;
	rq_unlock(rq, f);
	return sum;
}

void thread_cputime(struct thread *t, u64 *user_ns, u64 *system_ns)
{
	struct sched_entity *se = &t->se;
	u64 total = thread_runtime(t), user = READ_ONCE(se->utime), sys = READ_ONCE(se->stime);
	u64 share;

	if (!user)
		share = 0;
	else if (!sys)
		share = total;
	else /* ticks as small numbers, so that the product fits */
		share = total / ((user + sys) / TICK_NS) * (user / TICK_NS);
	guard_spin_irq(&se->param_lock);
	/* Neither may ever go back: times(2). */
	se->shown_user = max(se->shown_user, min(share, total));
	/* Of two who ask at once the one with the older total may come here second. */
	if (total > se->shown_user + se->shown_system)
		se->shown_system = total - se->shown_user;
	*user_ns = se->shown_user;
	*system_ns = se->shown_system;
}
