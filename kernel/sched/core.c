/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The switch, the wake-up, and what holds them together.
 *
 * Every CPU has a run queue with the threads that want to run there.  schedule() decides, under the
 * queue's lock, whether the running thread leaves, picks the next and switches; the lock is held
 * across the switch and released by the thread switched to.
 *
 * The state word decides who wakes a sleeper:
 *
 *	sleeper					waker
 *	state = ASLEEP (full barrier)		make the condition true (full barrier)
 *	test condition
 *	schedule: ASLEEP -> ASLEEP|PARKED	ASLEEP -> RUNNING: still on its queue, done
 *	off the queue				ASLEEP|PARKED -> WAKING: ours to enqueue
 *
 * All four are compare-and-exchange, so exactly one waker wins, and a thread is never parked after
 * it was woken.  The winner may find the thread still on its way out of its old CPU (on_cpu); it
 * then leaves the enqueueing to that CPU, which looks at its wake list after the switch.  Remote
 * wake-ups in general go by the target's wake list and an interrupt, without touching the target's
 * lock.
 *
 * A thread changes CPU only while it is on no queue (WAKING, or in the `moving` slot of the queue
 * it left) or under the locks of both queues.  t->cpu is stored under the lock of the queue it
 * joins.
 */
#define LOG_PREFIX "sched: "

#include <arch/thread.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/irq/deferred.h>
#include <kernel/sched/mmu.h>
#include <kernel/smp/ipi.h>
#include <security/cred.h>
#include "sched_internal.h"

DEFINE_PER_CPU(struct runqueue, runqueue);

struct cpumask sched_idle_cpus;
static bool sched_started; /* [I] once the boot thread idles */

/* --- locks ---------------------------------------------------------------------------------- */

struct runqueue *rq_lock_of(struct thread *t, irqflags_t *f)
{
	for (;;) {
		unsigned cpu = atomic_load(&t->cpu);
		struct runqueue *rq = rq_of(cpu);

		*f = spin_lock_irqsave(&rq->lock);
		if (likely(atomic_load(&t->cpu) == cpu))
			return rq;
		spin_unlock_irqrestore(&rq->lock, *f);
	}
}

void rq_lock_pair(struct runqueue *a, struct runqueue *b)
{
	spin_lock(&(a->cpu < b->cpu ? a : b)->lock);
	spin_lock_nested(&(a->cpu < b->cpu ? b : a)->lock, 1);
}

void rq_unlock_pair(struct runqueue *a, struct runqueue *b)
{
	spin_unlock(&a->lock);
	spin_unlock(&b->lock);
}

/* --- queues --------------------------------------------------------------------------------- */

void rq_resched(struct runqueue *rq)
{
	struct thread *curr = rq->curr;

	if (thread_flag_test(curr, THREAD_NEED_RESCHED))
		return;
	thread_flag_set(curr, THREAD_NEED_RESCHED);
	if (rq->cpu != cpu_id())
		ipi_send_cpu(rq->cpu, IPI_RESCHEDULE);
}

void update_curr(struct runqueue *rq)
{
	struct thread *t = rq->curr;
	s64 delta = (s64)(rq->now - t->se.exec_start);

	if (unlikely(delta <= 0))
		return;
	t->se.exec_start = rq->now;
	WRITE_ONCE(t->se.sum_exec, t->se.sum_exec + (u64)delta);
	switch (t->se.class) {
	case CLASS_FAIR:
		if (likely(t->se.on_rq))
			fair_charge(rq, t, (u64)delta);
		break;
	case CLASS_DEADLINE: dl_charge(rq, t, (u64)delta); break;
	case CLASS_RT: rt_charge(rq, t, (u64)delta); break;
	case CLASS_STOP:
	case CLASS_IDLE: break;
	}
}

void thread_enqueue(struct runqueue *rq, struct thread *t, enum enqueue_why why)
{
	if (t->rseq && t->cpu != rq->cpu)
		thread_flag_set(t, THREAD_RSEQ);
	atomic_store(&t->cpu, rq->cpu);
	smp_mb(); /* against policy.c: either it sees the new queue or we see what it wants */
	entity_apply(t);
	t->se.on_rq = 1;
	t->se.wait_start = rq->now;
	WRITE_ONCE(rq->nr_running, rq->nr_running + 1);
	switch (t->se.class) {
	case CLASS_DEADLINE: dl_enqueue(rq, t, why); break;
	case CLASS_RT: rt_enqueue(rq, t, false); break;
	case CLASS_FAIR:
	case CLASS_STOP:
	case CLASS_IDLE: fair_enqueue(rq, t, why); break;
	}
}

void thread_dequeue(struct runqueue *rq, struct thread *t, bool sleeping)
{
	t->se.on_rq = 0;
	WRITE_ONCE(rq->nr_running, rq->nr_running - 1);
	switch (t->se.class) {
	case CLASS_DEADLINE: dl_dequeue(rq, t); break;
	case CLASS_RT: rt_dequeue(rq, t); break;
	case CLASS_FAIR:
	case CLASS_STOP:
	case CLASS_IDLE: fair_dequeue(rq, t); break;
	}
}

void rq_check_preempt(struct runqueue *rq, struct thread *t)
{
	struct thread *curr = rq->curr;
	bool yes = false;

	if (curr->se.class != t->se.class) {
		yes = t->se.class < curr->se.class;
	} else {
		switch (t->se.class) {
		case CLASS_DEADLINE: yes = dl_before(t, curr); break;
		case CLASS_RT: yes = rt_level(t) < rt_level(curr); break;
		case CLASS_FAIR:
			update_curr(rq);
			yes = fair_should_preempt(rq, curr, t);
			break;
		case CLASS_STOP:
		case CLASS_IDLE: break;
		}
	}
	if (yes)
		rq_resched(rq);
}

/* --- waking --------------------------------------------------------------------------------- */

/* `t` may not run on `cpu` and has somewhere else to go. */
static bool must_leave(const struct thread *t, unsigned cpu)
{
	return unlikely(!cpumask_test(&t->se.affinity, cpu)) &&
	       cpumask_intersects(&t->se.affinity, &cpu_online_mask);
}

void rq_send(struct thread *t, unsigned cpu)
{
	if (llist_push(&rq_of(cpu)->wake_list, &t->wake_link))
		ipi_send_cpu(cpu, IPI_RESCHEDULE);
}

/* Enqueue `t`, which is ours, on the locked queue of this CPU. */
static void activate(struct runqueue *rq, struct thread *t, enum enqueue_why why)
{
	u32 waking = THREAD_WAKING;

	if (t->se.counts_as_load) {
		t->se.counts_as_load = 0;
		WRITE_ONCE(rq->nr_uninterruptible, rq->nr_uninterruptible - 1);
	}
	thread_enqueue(rq, t, why);
	/* A thread moved while it was about to sleep keeps the state it set. */
	(void)atomic_cmpxchg(&t->state, &waking, THREAD_RUNNING);
	rq_check_preempt(rq, t);
}

/* Enqueue what others put on the wake list.  Locks: rq->lock. */
static void drain_wake_list(struct runqueue *rq)
{
	struct llist_node *n = llist_reverse(llist_take_all(&rq->wake_list));

	while (n) {
		struct thread *t = llist_entry(n, struct thread, wake_link);

		n = n->next;
		/* It may still be leaving this very CPU, but then it may as well stay. */
		if (must_leave(t, rq->cpu) && !atomic_load_acquire(&t->on_cpu))
			rq_send(t, select_cpu(t, false));
		else
			activate(rq, t, t->se.new ? ENQUEUE_NEW : ENQUEUE_WAKE);
	}
}

/* Put `t`, which is ours, on a queue.  Interrupts off. */
static void place(struct thread *t, bool sync)
{
	unsigned cpu;
	struct runqueue *rq;

	preempt_disable();
	if (atomic_load_acquire(&t->on_cpu)) {
		cpu = atomic_load(&t->cpu);
	} else {
		cpu = select_cpu(t, sync);
	}
	if (cpu != cpu_id()) {
		if (cpu != atomic_load(&t->cpu))
			t->se.migrations++;
		rq_send(t, cpu);
		preempt_enable_no_resched();
		return;
	}
	rq = rq_this();
	spin_lock(&rq->lock);
	rq_update_clock(rq);
	activate(rq, t, t->se.new ? ENQUEUE_NEW : ENQUEUE_WAKE);
	spin_unlock(&rq->lock);
	preempt_enable_no_resched();
}

static bool wake(struct thread *t, unsigned mask, bool sync)
{
	irqflags_t f;
	u32 state;

	smp_mb();
	state = atomic_load(&t->state);
	for (;;) {
		if (!(state & mask))
			return false;
		if (state & THREAD_PARKED) {
			if (atomic_cmpxchg(&t->state, &state, THREAD_WAKING))
				break;
		} else if (atomic_cmpxchg(&t->state, &state, THREAD_RUNNING)) {
			return true;
		}
	}
	f = arch_irq_save();
	place(t, sync);
	arch_irq_restore(f);
	if (need_resched() && preemptible())
		preempt_schedule();
	return true;
}

bool thread_wake(struct thread *t)
{
	return wake(t, THREAD_NORMAL, false);
}

bool thread_wake_state(struct thread *t, unsigned mask)
{
	return wake(t, mask, false);
}

bool thread_wake_sync(struct thread *t, unsigned mask)
{
	return wake(t, mask, true);
}

void thread_start(struct thread *t)
{
	irqflags_t f = arch_irq_save();

	thread_get(t); /* the scheduler's, dropped after the last switch away */
	WRITE_ONCE(this_cpu(runqueue).nr_started, this_cpu(runqueue).nr_started + 1);
	atomic_store(&t->state, (u32)THREAD_WAKING);
	place(t, false);
	arch_irq_restore(f);
	if (need_resched() && preemptible())
		preempt_schedule();
}

void thread_kick(struct thread *t)
{
	guard_preempt();

	unsigned cpu = atomic_load(&t->cpu);

	if (atomic_load(&t->on_cpu) && cpu != cpu_id())
		ipi_send_cpu(cpu, IPI_RESCHEDULE);
}

void sched_ipi(void)
{
	struct runqueue *rq = rq_this();

	if (llist_empty(&rq->wake_list))
		return;
	spin_lock(&rq->lock);
	rq_update_clock(rq);
	drain_wake_list(rq);
	spin_unlock(&rq->lock);
}

/* --- the switch ----------------------------------------------------------------------------- */

/*
 * The second half of a switch, in the thread switched to: release the thread switched from, then
 * the queue. Interrupts off.
 */
static void finish_switch(struct thread *prev)
{
	struct runqueue *rq = rq_this();
	struct thread *moving = rq->moving;
	bool dead = atomic_load(&prev->state) & THREAD_DEAD;

	lock_debug_acquired(&rq->lock, &rq->lock.debug, 0, true);
	rq->moving = NULL;
	atomic_store_release(&prev->on_cpu, 0u);
	spin_unlock(&rq->lock);
	if (unlikely(moving))
		rq_send(moving, select_cpu(moving, false));
	if (unlikely(dead))
		thread_put(prev);
}

void thread_first_run(struct thread *prev)
{
	finish_switch(prev);
	arch_irq_enable();
}

/* Switch to `next`.  Locks: rq->lock held, released by the other side. */
static void context_switch(struct runqueue *rq, struct thread *prev, struct thread *next)
{
	WRITE_ONCE(rq->curr, next);
	WRITE_ONCE(rq->nr_switches, rq->nr_switches + 1);
	atomic_store(&next->on_cpu, 1u);
	next->se.exec_start = rq->now;
	next->se.wait_sum += next->se.on_rq ? rq->now - next->se.wait_start : 0;
	prev->se.wait_start = rq->now;
	prev->se.last_ran = rq->now;
	if (prev->rseq && prev->se.on_rq)
		thread_flag_set(prev, THREAD_RSEQ);
	sched_mmu_switch(next->mmu);
	lock_debug_release(&rq->lock, &rq->lock.debug, true);
	prev = arch_switch(prev, next);
	finish_switch(prev);
}

static bool signal_ends(const struct thread *t, u32 state)
{
	if (state & THREAD_INTERRUPTIBLE)
		return thread_flag_test(t, THREAD_SIGPENDING | THREAD_KILLED);
	return state & THREAD_KILLABLE && thread_flag_test(t, THREAD_KILLED);
}

/* The running thread asked to sleep: take it off the queue, unless it was woken or a signal is
 * pending. */
static void try_park(struct runqueue *rq, struct thread *t)
{
	u32 state = atomic_load(&t->state);

	if (state == THREAD_RUNNING)
		return;
	if (signal_ends(t, state)) {
		atomic_store(&t->state, (u32)THREAD_RUNNING);
		return;
	}
	/* Counted before the exchange: afterwards a waker may own the thread. */
	bool load = state & (THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE);

	if (load) {
		t->se.counts_as_load = 1;
		WRITE_ONCE(rq->nr_uninterruptible, rq->nr_uninterruptible + 1);
	}
	thread_dequeue(rq, t, true);
	if (atomic_cmpxchg(&t->state, &state, state | THREAD_PARKED))
		return;
	/* Woken at the last moment. */
	if (load) {
		t->se.counts_as_load = 0;
		WRITE_ONCE(rq->nr_uninterruptible, rq->nr_uninterruptible - 1);
	}
	thread_enqueue(rq, t, ENQUEUE_MOVE);
}

static struct thread *pick_next(struct runqueue *rq, struct thread *prev)
{
	struct thread *curr = prev->se.on_rq && prev->se.class == CLASS_FAIR ? prev : NULL;

	if (likely(rq->nr_running == rq->fair.nr))
		return rq->fair.nr ? fair_pick(rq, curr) : NULL;
	if (rq->dl.nr)
		return dl_pick(rq);
	if (rq->rt.nr && !(rt_exhausted(rq) && rq->fair.nr))
		return rt_pick(rq);
	return fair_pick(rq, curr);
}

/* The running thread may no longer run here: let it go after the switch. */
static void push_away(struct runqueue *rq, struct thread *t)
{
	thread_dequeue(rq, t, false);
	rq->moving = t;
}

void schedule_inner(bool preempted)
{
	struct runqueue *rq = rq_this();
	struct thread *prev = rq->curr, *next;

	spin_lock(&rq->lock);
	rcu_note_switch();
	rq_update_clock(rq);
	update_curr(rq);
	if (!preempted && prev != rq->idle)
		try_park(rq, prev);
	if (!llist_empty(&rq->wake_list))
		drain_wake_list(rq);
	if (prev->se.on_rq && must_leave(prev, rq->cpu) && prev != rq->idle)
		push_away(rq, prev);
	next = pick_next(rq, prev);
	if (!next && !rq->moving && balance_new_idle(rq))
		next = pick_next(rq, prev);
	if (!next)
		next = rq->idle;
	if (need_resched())
		thread_flag_clear(prev, THREAD_NEED_RESCHED);
	if (next == prev) {
		spin_unlock(&rq->lock);
		return;
	}
	if (prev->se.on_rq && prev->se.class == CLASS_FAIR)
		fair_put_prev(rq, prev);
	if (next->se.class == CLASS_FAIR)
		fair_set_next(rq, next);
	if (prev->se.on_rq)
		WRITE_ONCE(prev->se.nivcsw, prev->se.nivcsw + 1);
	else
		WRITE_ONCE(prev->se.nvcsw, prev->se.nvcsw + 1);
	context_switch(rq, prev, next);
}

static void (*plug_flush)(void); /* [I after boot] */

void sched_set_plug_flush(void (*flush)(void))
{
	plug_flush = flush;
}

void schedule(void)
{
	irqflags_t f;

	if (IS_ENABLED(CONFIG_DEBUG) && unlikely(preempt_count()))
		may_sleep_failed(__FILE__, __LINE__);
	if (unlikely(thread_current()->plug))
		plug_flush();
	f = arch_irq_save();
	do
		schedule_inner(false);
	while (need_resched());
	arch_irq_restore(f);
}

void preempt_schedule(void)
{
	irqflags_t f;

	if (!preemptible())
		return;
	f = arch_irq_save();
	do
		schedule_inner(true);
	while (need_resched());
	arch_irq_restore(f);
}

void sched_preempt_irq(void)
{
	schedule_inner(true);
}

void cond_resched(void)
{
	if (need_resched())
		preempt_schedule();
}

void may_sleep_failed(const char *file, int line)
{
	/* Before there is a second thread nothing ever sleeps. */
	if (!sched_started || panicking())
		return;
	lock_debug_print(thread_current());
	panic("%s:%d: may sleep, but preempt count is %#x, interrupts %s", file, line,
	      preempt_count(), arch_irq_enabled() ? "on" : "off");
}

void sched_yield_current(void)
{
	struct runqueue *rq;
	irqflags_t f = arch_irq_save();
	struct thread *t = thread_current();

	rq = rq_this();
	spin_lock(&rq->lock);
	rq_update_clock(rq);
	update_curr(rq);
	switch (t->se.class) {
	case CLASS_DEADLINE: dl_yield(rq, t); break;
	case CLASS_RT: rt_yield(rq, t); break;
	case CLASS_FAIR: fair_yield(rq, t); break;
	case CLASS_STOP:
	case CLASS_IDLE: break;
	}
	spin_unlock(&rq->lock);
	arch_irq_restore(f);
	schedule();
}

void thread_exit(void)
{
	struct thread *t = thread_current();

	lock_debug_check_none("thread exit");
	arch_irq_disable();
	atomic_store(&t->state, (u32)THREAD_DEAD);
	schedule_inner(false);
	panic("a dead thread runs");
}

void thread_wait_inactive(struct thread *t)
{
	while (atomic_load_acquire(&t->on_cpu) || !(thread_state(t) & THREAD_PARKED))
		sleep_ns(20 * NSEC_PER_USEC);
}

/* --- idling --------------------------------------------------------------------------------- */

/* Wait for something to do.  Interrupts off at entry and exit. */
static void idle_wait(struct runqueue *rq)
{
	cpumask_set(&sched_idle_cpus, rq->cpu);
	smp_mb();
	if (!need_resched() && llist_empty(&rq->wake_list)) {
		atomic_store(&rq->idle_since, clock_sched_ns());
		rcu_idle_enter();
		arch_cpu_idle();
		rcu_idle_exit();
		u64 slept = clock_sched_ns() - rq->idle_since;

		WRITE_ONCE(rq->idle_sum, rq->idle_sum + slept);
		if (atomic_load(&rq->nr_iowait))
			WRITE_ONCE(rq->iowait_sum, rq->iowait_sum + slept);
		atomic_store(&rq->idle_since, 0ull);
	}
	cpumask_clear(&sched_idle_cpus, rq->cpu);
}

void sched_idle(void)
{
	struct runqueue *rq = rq_this();

	WRITE_ONCE(sched_started, true);
	/* Never preempted: an interrupt must not switch away between idle_enter and idle_exit. */
	thread_current()->preempt_count = PREEMPT_ONE;
	for (;;) {
		arch_irq_disable();
		if (rcu_needs_cpu() && deferred_pending())
			deferred_run();
		if (!need_resched() && llist_empty(&rq->wake_list))
			idle_wait(rq);
		if (need_resched() || !llist_empty(&rq->wake_list)) {
			clock_tick();
			tick_start(rq);
			schedule_inner(false);
		}
		arch_irq_enable();
	}
}

/* --- boot ----------------------------------------------------------------------------------- */

static void rq_init(struct runqueue *rq, unsigned cpu, struct thread *idle)
{
	spin_init(&rq->lock, RANK_RUNQUEUE, "runqueue.lock");
	rq->cpu = cpu;
	rq->idle = rq->curr = idle;
	for (unsigned i = 0; i < RT_LEVELS; i++)
		list_init(&rq->rt.lists[i]);
	idle->cpu = cpu;
	idle->on_cpu = 1;
	idle->state = THREAD_RUNNING;
	idle->cred = &init_cred; /* timers send signals in its interrupts */
	idle->se.class = CLASS_IDLE;
	/* Interrupts that find the processor idle act with these. */
	idle->cred = &init_cred;
	idle->kthread = 1;
	cpumask_zero(&idle->se.affinity);
	cpumask_set(&idle->se.affinity, cpu);
	tick_init(rq);
}

void sched_init(void)
{
	boot_cpu.idle = &boot_thread;
	boot_cpu.rq = rq_of(0);
	rq_init(rq_of(0), 0, &boot_thread);
}

int sched_init_possible(struct cpu *c)
{
	struct thread *idle;
	int err = thread_create(&idle, "idle");

	if (err)
		return err;
	c->idle = idle;
	c->rq = rq_of(c->id);
	rq_init(c->rq, c->id, idle);
	return 0;
}

void sched_init_cpu(void)
{
	this_cpu(mmu_loaded) = &arch_kernel_mmu;
}
