/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Grace periods and callbacks.
 *
 * Grace periods are numbered.  `started` is the number of the one running or finished last;
 * `completed` the last finished.  One kernel thread runs them: it increments `started`, then waits
 * until every online CPU has been quiescent since, then publishes `completed`.
 *
 * A CPU is quiescent at a context switch, at a tick that finds it in user mode or in the kernel
 * with preemption on, and all the time while idle.  At such a point it copies `started` into its
 * own `seen`. Idle CPUs are not disturbed: each keeps a counter that is even while it idles; the
 * grace period is satisfied with an even counter, or one that has moved.
 *
 * Requirements:
 *	(1) a reader that may hold an object unlinked before the grace period began is waited for;
 *	(2) a reader that begins later sees the object unlinked.
 * Consequences:
 *	(a) a CPU reads `started` with acquire: it has then seen everything the updater did before
 * (2); (b) it writes `seen` with release: its readers are over when that is seen (1); (c) entering
 * and leaving idle are full barriers around the counter, and so is the increment of `started`, so
 * that of an idle CPU waking up and a grace period beginning at least one notices the other.
 *
 * Callbacks go onto a lock-free stack of the CPU that asks.  Its deferred function moves the stack
 * to the waiting list, notes which grace period that list needs (the one after `started`: the
 * current one may have begun too early), and later runs the list.  The tick raises the deferred
 * function; a CPU about to idle with callbacks raises it itself, and the grace-period thread kicks
 * idle CPUs whose list is due.
 */
#include <kernel/debug/assert.h>
#include <kernel/irq/deferred.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/ipi.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/completion.h>
#include <kernel/sync/rcu.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>

struct rcu_cpu {
	u64 seen;                   /* [a] grace period known at the last quiescent point */
	u32 dynticks;               /* [a] even: idle */
	u32 idle;                   /* [P] between idle_enter and idle_exit */
	u32 irq_depth;              /* [P] interrupts on top of idle */
	struct llist_head incoming; /* [a] new callbacks */
	struct llist_node *waiting; /* [P] oldest first; run after grace period `due` */
	u64 due;                    /* [a] 0: nothing waits */
	struct deferred deferred;
};

static DEFINE_PER_CPU(struct rcu_cpu, rcu_cpu);

static u64 started;              /* [a] */
static u64 completed;            /* [a] */
static u64 wanted;               /* [a] the thread works until completed reaches this */
static u32 expedite;             /* [a] somebody sleeps for it: disturb busy CPUs */
static u32 running;              /* [I after boot] the grace-period thread exists */
static struct thread *gp_thread; /* [I after boot] */
static struct wait_queue gp_wait = WAIT_QUEUE_INIT(gp_wait); /* the thread, for work */
static struct wait_queue gp_done = WAIT_QUEUE_INIT(gp_done); /* synchronize_rcu, for `completed` */

#define BATCH     64 /* callbacks between two looks at the clock */
#define BUDGET_NS (2 * NSEC_PER_MSEC)

/* --- quiescent states ----------------------------------------------------------------------- */

static void note_quiescent(struct rcu_cpu *rc)
{
	u64 now = atomic_load_acquire(&started);

	if (rc->seen != now)
		atomic_store_release(&rc->seen, now);
}

void rcu_note_switch(void)
{
	note_quiescent(&this_cpu(rcu_cpu));
}

static void idle_counter_move(struct rcu_cpu *rc)
{
	atomic_fetch_add(&rc->dynticks, 1u);
}

void rcu_idle_enter(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	rc->idle = 1;
	idle_counter_move(rc);
}

void rcu_idle_exit(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	rc->idle = 0;
	idle_counter_move(rc);
}

void rcu_irq_enter(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	if (rc->idle && !rc->irq_depth++)
		idle_counter_move(rc);
}

void rcu_irq_exit(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	if (rc->idle && !--rc->irq_depth)
		idle_counter_move(rc);
}

/* --- callbacks ------------------------------------------------------------------------------ */

static void want_grace_period(u64 number)
{
	u64 old = atomic_load(&wanted);

	while (old < number)
		if (atomic_cmpxchg(&wanted, &old, number))
			break;
	wake_up(&gp_wait);
}

static bool has_callbacks(struct rcu_cpu *rc)
{
	return rc->waiting || !llist_empty(&rc->incoming);
}

static bool list_due(struct rcu_cpu *rc)
{
	u64 due = atomic_load(&rc->due);

	return due && atomic_load_acquire(&completed) >= due;
}

/* A "function" in the first page is an offset: kfree_rcu. */
static void invoke(struct rcu_head *head)
{
	uintptr_t offset = (uintptr_t)head->fn;

	if (offset < 4096)
		kfree((char *)head - offset);
	else
		head->fn(head);
}

/* Run callbacks until the list is empty or the budget is spent. */
static void run_due(struct rcu_cpu *rc)
{
	u64 end = clock_sched_ns() + BUDGET_NS;
	unsigned n = 0;

	while (rc->waiting) {
		struct rcu_head *head = llist_entry(rc->waiting, struct rcu_head, link);

		rc->waiting = rc->waiting->next;
		invoke(head);
		if (!(++n % BATCH) && clock_sched_ns() > end)
			break;
	}
	if (!rc->waiting)
		atomic_store(&rc->due, 0ull);
}

static void rcu_deferred(struct deferred *d)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	if (list_due(rc))
		run_due(rc);
	if (!rc->waiting && !llist_empty(&rc->incoming)) {
		rc->waiting = llist_reverse(llist_take_all(&rc->incoming));
		smp_mb();
		atomic_store(&rc->due, atomic_load(&started) + 1);
		want_grace_period(rc->due);
	} else if (list_due(rc)) {
		deferred_raise(d);
	}
}

void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	head->fn = fn;
	guard_preempt();
	llist_push(&this_cpu(rcu_cpu).incoming, &head->link);
}

void rcu_tick(bool quiescent)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	if (quiescent)
		note_quiescent(rc);
	if (list_due(rc) || (!rc->waiting && !llist_empty(&rc->incoming)))
		deferred_raise(&rc->deferred);
}

bool rcu_needs_cpu(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	if (!running || !has_callbacks(rc))
		return false;
	if (!list_due(rc) && rc->waiting)
		return false; /* the grace-period thread kicks us */
	deferred_raise(&rc->deferred);
	return true;
}

void kfree_rcu_(struct rcu_head *head, size_t offset)
{
	call_rcu(head, (void (*)(struct rcu_head *))offset);
}

/* --- the grace-period thread ---------------------------------------------------------------- */

/* Which CPUs have not been quiescent since number `gp` began; `was[]` holds their idle counters
 * then. */
static bool cpu_holds_out(unsigned cpu, u64 gp, const u32 *was)
{
	struct rcu_cpu *rc = &per_cpu(rcu_cpu, cpu);
	u32 now = atomic_load_acquire(&rc->dynticks);

	if (!(now & 1) || now != was[cpu])
		return false;
	return atomic_load_acquire(&rc->seen) < gp;
}

static void kick_busy(void *unused)
{
	thread_flag_set(thread_current(), THREAD_NEED_RESCHED);
}

static void wait_for_cpus(u64 gp)
{
	static u32 was[CONFIG_NR_CPUS];
	struct cpumask left;
	unsigned cpu, rounds = 0;

	cpumask_copy(&left, &cpu_online_mask);
	for_each_cpu (cpu, &left)
		was[cpu] = atomic_load_acquire(&per_cpu(rcu_cpu, cpu).dynticks);
	for (;;) {
		preempt_disable();
		note_quiescent(&this_cpu(rcu_cpu)); /* a thread outside read sections */
		preempt_enable();
		for_each_cpu (cpu, &left)
			if (!cpu_holds_out(cpu, gp, was))
				cpumask_clear(&left, cpu);
		if (cpumask_empty(&left))
			return;
		if (atomic_load(&expedite))
			smp_call(&left, kick_busy, NULL, true);
		thread_set_state(THREAD_IDLE);
		(void)schedule_timeout(clock_deadline(rounds++ || !atomic_load(&expedite)
							      ? 2 * NSEC_PER_MSEC
							      : 50 * NSEC_PER_USEC));
	}
}

/* Idle CPUs take no ticks: tell those whose callbacks are due. */
static void kick_idle(void)
{
	unsigned cpu;

	for_each_online_cpu (cpu) {
		struct rcu_cpu *rc = &per_cpu(rcu_cpu, cpu);

		if (list_due(rc) && !(atomic_load(&rc->dynticks) & 1))
			ipi_send_cpu(cpu, IPI_RESCHEDULE);
	}
}

static void grace_periods(void *unused)
{
	for (;;) {
		wait_event_idle(&gp_wait, atomic_load(&wanted) > completed);

		u64 gp = started + 1;

		(void)atomic_xchg(&started, gp);
		wait_for_cpus(gp);
		atomic_store(&expedite, 0u);
		(void)atomic_xchg(&completed, gp);
		wake_up_all(&gp_done);
		kick_idle();
	}
}

/* --- waiting -------------------------------------------------------------------------------- */

u64 rcu_snapshot(void)
{
	smp_mb();
	return atomic_load(&started) + 1;
}

bool rcu_passed(u64 snapshot)
{
	return atomic_load_acquire(&completed) >= snapshot;
}

void synchronize_rcu(void)
{
	u64 need;

	assert_may_sleep();
	if (num_online_cpus() == 1 || !atomic_load(&running))
		return; /* the only CPU runs us, so no read section is open */
	need = rcu_snapshot();
	atomic_store(&expedite, 1u);
	want_grace_period(need);
	wait_event(&gp_done, rcu_passed(need));
}

struct barrier_head {
	struct rcu_head rcu;
	u32 *left;
	struct completion *done;
};

static void barrier_reached(struct rcu_head *head)
{
	struct barrier_head *b = container_of(head, struct barrier_head, rcu);

	if (!atomic_sub_return(b->left, 1u))
		completion_done(b->done);
}

void rcu_barrier(void)
{
	struct barrier_head *heads;
	struct completion done;
	u32 left = nr_cpus;
	unsigned cpu;

	heads = kcalloc(nr_cpus, sizeof(*heads), GFP_KERNEL);
	while (!heads) {
		sleep_ns(NSEC_PER_MSEC);
		heads = kcalloc(nr_cpus, sizeof(*heads), GFP_KERNEL);
	}
	completion_init(&done);
	for_each_possible_cpu(cpu)
	{
		unsigned at = cpu_online(cpu) ? cpu : 0;

		heads[cpu] = (struct barrier_head){{.fn = barrier_reached}, &left, &done};
		llist_push(&per_cpu(rcu_cpu, at).incoming, &heads[cpu].rcu.link);
		ipi_send_cpu(at, IPI_RESCHEDULE);
	}
	completion_wait(&done);
	kfree(heads);
}

/* --- boot ----------------------------------------------------------------------------------- */

void rcu_init_cpu(void)
{
	struct rcu_cpu *rc = &this_cpu(rcu_cpu);

	atomic_store(&rc->dynticks, 1u);
	atomic_store(&rc->seen, atomic_load(&started));
	deferred_init(&rc->deferred, rcu_deferred);
}

void rcu_init(void)
{
	rcu_init_cpu();
}

void rcu_start(void)
{
	VERIFY(!kthread_create(&gp_thread, grace_periods, NULL, "rcu"));
	thread_start(gp_thread);
	atomic_store(&running, 1u);
}
