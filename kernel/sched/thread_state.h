/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a thread is doing: thread.state.
 *
 * A thread sets its own state to a kind of sleep, tests its condition, and calls schedule(); a
 * waker whose mask names that state makes it run again.  THREAD_PARKED is added by the scheduler
 * once the thread has left its run queue; the exchange that removes it elects the one waker.
 */
#pragma once

enum thread_state {
	THREAD_RUNNING = 0,             /* running or on a run queue */
	THREAD_INTERRUPTIBLE = 1u << 0, /* any signal ends the sleep */
	THREAD_UNINTERRUPTIBLE = 1u << 1,
	THREAD_KILLABLE = 1u << 2, /* a fatal signal ends the sleep */
	THREAD_STOPPED = 1u << 3,  /* by job control */
	THREAD_TRACED = 1u << 4,   /* by a tracer */
	THREAD_DEAD = 1u << 5,     /* will not run again */
	THREAD_NEW = 1u << 6,      /* has not run yet */
	THREAD_IDLE = 1u << 7,     /* uninterruptible, but waits for work: no load */
	THREAD_WAKING = 1u << 8,   /* a waker is putting it on a run queue */
	THREAD_PARKED = 1u << 9,   /* off the run queue */

	/* What an ordinary wake-up wakes. */
	THREAD_NORMAL =
		THREAD_INTERRUPTIBLE | THREAD_UNINTERRUPTIBLE | THREAD_KILLABLE | THREAD_IDLE,
};
