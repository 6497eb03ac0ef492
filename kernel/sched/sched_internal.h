/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the scheduler.
 *
 * Lock order: a thread's parameters (param_lock), run queues by CPU number.  Everything marked [r]
 * belongs to the run queue's lock; interrupts are off whenever it is held.
 */
#pragma once

#include <kernel/sched/sched.h>
#include <kernel/smp/percpu.h>
#include <kernel/time/timer.h>

#define RT_LEVELS   100 /* real-time priorities 1 to 99; level = 99 - priority */
#define BASE_SLICE  (3 * 1000000ull)
#define RR_SLICE    (100 * 1000000ull)
#define NICE_WEIGHT 1024u

struct fair_rq {
	struct rb_root tree; /* by virtual deadline, without the running entity */
	s64 zero;            /* origin of the sums; follows the smallest vruntime */
	s64 sum_weighted;    /* of weight * (vruntime - zero), over the tree */
	u64 sum_weight;      /* over the tree */
	u32 nr;              /* runnable, the running one included */
};

struct rt_rq {
	u64 levels[2]; /* bit set: list not empty */
	struct list lists[RT_LEVELS];
	u32 nr;
	u64 period_start, used; /* ns: what the class used of the current period */
};

struct dl_rq {
	struct rb_root tree; /* by absolute deadline, the running one included */
	u32 nr;
};

struct runqueue {
	struct spinlock lock;        /* RANK_RUNQUEUE */
	unsigned cpu;                /* [I] */
	u32 nr_running;              /* [r,a] of all classes, idle excluded */
	struct thread *curr;         /* [r,a] */
	struct thread *idle;         /* [I] */
	struct llist_head wake_list; /* [a] threads that others want enqueued here */
	u64 now;                     /* [r] clock when last updated */
	struct fair_rq fair;         /* [r] */
	struct rt_rq rt;             /* [r] */
	struct dl_rq dl;             /* [r] */
	struct thread *moving;       /* [r] switched away from and to be placed elsewhere */
	s64 nr_uninterruptible; /* [r] sleeps counted as load, minus wake-ups here: only the sum
				   over CPUs means something */
	u64 nr_switches;        /* [r; read without] */
	u64 nr_started;         /* [r] */
	struct timer tick;
	u32 tick_on;            /* [P] the tick's timer is armed */
	u64 next_balance;       /* [P] */
	u64 last_tick;          /* [P] */
	struct cpu_times times; /* [P] by the tick; idle is computed */
	u64 idle_since;         /* [a] 0 when not idle */
	u64 idle_sum;           /* [P] */
	u64 iowait_sum; /* [P] the part of it while somebody who slept here waited for a device */
	u32 nr_iowait;  /* [a] sleepers for devices that slept here */
};

DECLARE_PER_CPU(struct runqueue, runqueue);

static inline struct runqueue *rq_of(unsigned cpu)
{
	return &per_cpu(runqueue, cpu);
}

static __always_inline struct runqueue *rq_this(void)
{
	return &this_cpu(runqueue);
}

extern struct cpumask sched_idle_cpus; /* [a] CPUs that idle and have not been promised work */

/* Lock the run queue `t` belongs to, wherever it goes meanwhile. */
struct runqueue *rq_lock_of(struct thread *t, irqflags_t *f);
static inline void rq_unlock(struct runqueue *rq, irqflags_t f)
{
	spin_unlock_irqrestore(&rq->lock, f);
}
/* Lock two, by CPU number; interrupts off. */
void rq_lock_pair(struct runqueue *a, struct runqueue *b);
void rq_unlock_pair(struct runqueue *a, struct runqueue *b);

static __always_inline void rq_update_clock(struct runqueue *rq)
{
	rq->now = clock_sched_ns();
}

/* Charge the running thread up to rq->now.  Locks: rq->lock. */
void update_curr(struct runqueue *rq);

enum enqueue_why { ENQUEUE_NEW, ENQUEUE_WAKE, ENQUEUE_MOVE };

/* Onto and off the queue of the thread's class, with all counts.  Locks: rq->lock. */
void thread_enqueue(struct runqueue *rq, struct thread *t, enum enqueue_why why);
void thread_dequeue(struct runqueue *rq, struct thread *t, bool sleeping);
/* Make the running thread of `rq` pass through schedule() soon.  Locks: rq->lock. */
void rq_resched(struct runqueue *rq);
/* `t` was just enqueued: should it run instead of the current one?  Locks: rq->lock. */
void rq_check_preempt(struct runqueue *rq, struct thread *t);
/* Hand `t`, which is on no queue, to CPU `cpu` without its lock.  Interrupts off. */
void rq_send(struct thread *t, unsigned cpu);

/* Derive class and weight from what user mode asked for.  Locks: rq->lock; `t` on no queue. */
void entity_apply(struct thread *t);

/* --- classes: Locks: rq->lock in all ---------------------------------------------------------- */

void fair_enqueue(struct runqueue *rq, struct thread *t, enum enqueue_why why);
void fair_dequeue(struct runqueue *rq, struct thread *t);
/* The next to run, `curr` (a fair thread still runnable, or NULL) included. */
struct thread *fair_pick(struct runqueue *rq, struct thread *curr);
void fair_set_next(struct runqueue *rq, struct thread *t); /* leaves the tree */
void fair_put_prev(struct runqueue *rq, struct thread *t); /* joins it again */
void fair_charge(struct runqueue *rq, struct thread *t, u64 delta);
bool fair_should_preempt(struct runqueue *rq, struct thread *curr, struct thread *t);
void fair_yield(struct runqueue *rq, struct thread *t);
void fair_update(struct rb_node *node);

void rt_enqueue(struct runqueue *rq, struct thread *t, bool head);
void rt_dequeue(struct runqueue *rq, struct thread *t);
struct thread *rt_pick(struct runqueue *rq);
void rt_tick(struct runqueue *rq, struct thread *t);
/* For how long has the running `t` run without sleeping?  Asked at each tick. */
u64 rt_ran(struct thread *t);
void rt_charge(struct runqueue *rq, struct thread *t, u64 delta);
/* The class has had its share of this second: fair threads come first until the next. */
bool rt_exhausted(struct runqueue *rq);
void rt_yield(struct runqueue *rq, struct thread *t);
u32 rt_level(const struct thread *t);

void dl_enqueue(struct runqueue *rq, struct thread *t, enum enqueue_why why);
void dl_dequeue(struct runqueue *rq, struct thread *t);
struct thread *dl_pick(struct runqueue *rq);
void dl_charge(struct runqueue *rq, struct thread *t, u64 delta);
void dl_yield(struct runqueue *rq, struct thread *t);
void dl_init(struct thread *t);
void dl_fini(struct thread *t);
/* The thread is destroyed: give back what it held. */
void sched_fini(struct thread *t);
bool dl_before(const struct thread *a, const struct thread *b);

/* --- placement and balance -------------------------------------------------------------------- */

/* Where a waking or new thread should run.  Preemption off. */
unsigned select_cpu(struct thread *t, bool sync);
/* This CPU is about to idle: take something from another.  Locks: rq->lock held, may be dropped and
 * retaken. */
bool balance_new_idle(struct runqueue *rq);
/* Now and then from the tick.  Interrupts off. */
void balance_tick(struct runqueue *rq, u64 now);

/* --- time ------------------------------------------------------------------------------------- */

void tick_init(struct runqueue *rq);
void tick_start(struct runqueue *rq); /* leaving idle */
void loadavg_tick(u64 now);

/* Interrupts off at entry and exit. */
void schedule_inner(bool preempted);
