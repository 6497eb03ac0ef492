/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the scheduler knows about a thread.
 *
 * Everything marked [r] changes only under the lock of the run queue the thread belongs to, [p]
 * under param_lock.
 */
#pragma once

#include <kernel/lib/cpumask.h>
#include <kernel/lib/list.h>
#include <kernel/lib/rbtree.h>
#include <kernel/sync/spinlock.h>
#include <kernel/time/timer.h>

/* The order in which classes are asked for the next thread. */
enum sched_class { CLASS_STOP, CLASS_DEADLINE, CLASS_RT, CLASS_FAIR, CLASS_IDLE };

struct sched_dl {
	u64 runtime, deadline, period; /* [p] parameters, ns */
	u64 bandwidth;                 /* [p] runtime / period << 20, admitted */
	s64 left;                      /* [r] budget left of this period */
	u64 absolute;                  /* [r] current absolute deadline */
	u32 throttled;                 /* [r] waits for its next period */
	struct rb_node node;           /* [r] */
	struct timer timer;            /* ends the throttling */
};

struct sched_entity {
	/* What user mode asks for.  Changed under param_lock, taken over at the next enqueueing
	 * (stale). */
	struct spinlock param_lock;
	u32 policy;              /* [p] SCHED_NORMAL, ... */
	u32 rt_priority;         /* [p] 1 to 99 for FIFO and RR */
	s32 nice;                /* [p] -20 to 19 */
	u32 reset_on_fork;       /* [p] */
	s32 boosted_rt;          /* [p] priority lent by a waiter, 0 none */
	struct cpumask affinity; /* [a] where it may run */

	/* What follows from it. */
	enum sched_class class; /* [r] */
	u32 weight;             /* [r] 1024 is nice 0 */
	u32 on_rq;              /* [r] runnable (running included) */
	u32 new;                /* [r] has not been on a queue yet */
	u32 counts_as_load;     /* [r] sleeps uninterruptibly */
	u32 stale;              /* [a] user mode's wishes are newer than what follows from them */
	u32 active_policy;      /* [r] as of the last enqueueing */
	u32 active_rt;          /* [r] priority, lent ones included */
	struct rb_node node;    /* [r] fair: in the tree, unless running */
	s64 vruntime;           /* [r] weighted ns */
	s64 vdeadline;          /* [r] */
	s64 min_vruntime;       /* [r] of the subtree */
	s64 vlag;               /* [r] saved while off the queue */
	u64 slice;              /* [r] ns */
	u64 exec_start;         /* [r] when this stretch on the CPU was last accounted */
	u64 slice_start;        /* [r] sum_exec when it was picked */
	struct list rt_link;    /* [r] */
	u64 rr_left;            /* [r] ns of the round-robin slice */
	u64 rt_sleeps;          /* [r] nvcsw at the last tick, real-time classes */
	u64 rt_since;           /* [r] sum_exec at the first tick after it last slept */
	struct sched_dl dl;

	/* Accounting. */
	u64 sum_exec;                 /* [r] ns on CPUs */
	u64 utime, stime;             /* [P] ticks' worth, ns: proportions of sum_exec */
	u64 shown_user, shown_system; /* [p] what thread_cputime said last */
	u32 iowait_cpu;               /* [P] */
	u64 nvcsw, nivcsw;            /* [P] switches by sleeping, by preemption */
	u64 migrations;               /* [r] */
	u64 wait_start, wait_sum;     /* [r] runnable but waiting, ns */
	u64 last_ran;                 /* [r] for the balancer: cache-hot? */
};
