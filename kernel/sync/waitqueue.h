/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wait queues: threads waiting for a condition that somebody will make true.
 *
 * The condition and the lock that guards it belong to the caller; the queue's own lock is held only
 * to link, unlink and wake.  wait_event() and its variants are the usual way to sleep.  An entry
 * with its own wake function gets a callback instead (epoll, asynchronous I/O).
 *
 * Deadlines are absolute CLOCK_MONOTONIC nanoseconds; KTIME_MAX never comes.
 */
#pragma once

#include <kernel/abi/errno.h>
#include <kernel/lib/list.h>
#include <kernel/sched/thread_state.h>
#include <kernel/sync/spinlock.h>

struct thread;

struct wait_queue {
	struct spinlock lock; /* RANK_WAITQ */
	struct list waiters;  /* [q] struct wait_entry.link: the non-exclusive, then the exclusive,
				 oldest first */
};                            /* q: lock */

enum wait_flags {
	WAIT_EXCLUSIVE = 1u << 0, /* a wake-up of n wakes at most n of these */
	WAIT_PRIORITY =
		1u << 1, /* exclusive and ahead of the others; for entries that consume the event */
};

struct wait_entry {
	struct list link; /* [q] */
	/*
	 * Called by a waker with the queue's lock held, interrupts off.  `mode` is the mask of
	 * thread states to wake, `key` what the waker passed (poll events; 0: anything). Returns 1
	 * when it woke somebody, 0 when not, negative to stop the walk.
	 */
	int (*wake)(struct wait_entry *e, unsigned mode, u64 key);
	struct thread *thread;
	unsigned flags;
	u64 key; /* [I] the owner's */
};

#define WAIT_QUEUE_INIT(name)                                                                      \
	{                                                                                          \
		.lock = SPINLOCK_INIT(RANK_WAITQ), .waiters = LIST_INIT((name).waiters)            \
	}

/* Or into the mode of a wake function: the waker is about to sleep. */
#define WAIT_MODE_SYNC (1u << 31)

void wait_queue_init(struct wait_queue *wq);

/* An entry that wakes the running thread and leaves the queue when it does. */
void wait_entry_init(struct wait_entry *e);
/* An entry with a callback, which stays on the queue until it is removed. */
void wait_entry_init_callback(struct wait_entry *e,
			      int (*wake)(struct wait_entry *e, unsigned mode, u64 key));

/* Link and unlink.  Context: any. */
void wait_queue_add(struct wait_queue *wq, struct wait_entry *e);
void wait_queue_add_exclusive(struct wait_queue *wq, struct wait_entry *e);
void wait_queue_remove(struct wait_queue *wq, struct wait_entry *e);

/* The default callback: wake e->thread, and unlink `e` if that woke it. */
int wait_entry_wake(struct wait_entry *e, unsigned mode, u64 key);

/*
 * Wake.  wake_up: all non-exclusive waiters and one exclusive; _n: and n exclusive; _all:
 * everybody; _key: as wake_up, telling callbacks which events; _interruptible: only those in
 * interruptible sleep; _sync: as wake_up_key, and the waker is about to sleep, so the woken may
 * take its CPU. Return how many exclusive waiters were woken.  Context: any.  Locks: wq->lock, the
 * run queue's.
 */
unsigned wake_up(struct wait_queue *wq);
unsigned wake_up_n(struct wait_queue *wq, unsigned n);
unsigned wake_up_all(struct wait_queue *wq);
unsigned wake_up_key(struct wait_queue *wq, u64 key);
unsigned wake_up_all_key(struct wait_queue *wq, u64 key);
unsigned wake_up_sync(struct wait_queue *wq, u64 key);
unsigned wake_up_interruptible(struct wait_queue *wq);
/* The caller holds wq->lock with interrupts off.  `n` 0 means everybody. */
unsigned wake_up_locked(struct wait_queue *wq, unsigned mode, unsigned n, u64 key);
/* Wake from inside a wake function: another queue's lock is held already. */
unsigned wake_up_nested(struct wait_queue *wq, u64 key, u32 subclass);
/* The queue is about to be freed: wake everybody with POLLFREE-like `key` and unlink all entries.
 */
void wake_up_free(struct wait_queue *wq, u64 key);

/*
 * Is anybody there?  A waker that tests this first has made the condition true before, with a full
 * barrier between; this function contains the barrier.
 */
static inline bool wait_queue_active(const struct wait_queue *wq)
{
	smp_mb();
	return !list_empty(&wq->waiters);
}

/*
 * The three steps of a sleep: prepare (link, set the state), test, schedule; at the end finish.
 * wait_prepare returns -ERESTARTSYS when a signal must end a sleep in `state`, else 0.
 * Context: may sleep.
 */
int wait_prepare(struct wait_queue *wq, struct wait_entry *e, unsigned state);
void wait_finish(struct wait_queue *wq, struct wait_entry *e);
/* Sleep until woken or `deadline`.  Returns 0 or -ETIMEDOUT. */
int wait_schedule(u64 deadline);

#define KTIME_MAX S64_MAX

#define wait_event_common_(wq, cond, state, flags_, deadline)                                      \
	({                                                                                         \
		int wait_ret_ = 0;                                                                 \
		if (!(cond)) {                                                                     \
			struct wait_queue *wait_wq_ = (wq);                                        \
			u64 wait_deadline_ = (deadline);                                           \
			struct wait_entry wait_entry_;                                             \
			int wait_late_ = 0;                                                        \
			wait_entry_init(&wait_entry_);                                             \
			wait_entry_.flags = (flags_);                                              \
			for (;;) {                                                                 \
				wait_ret_ = wait_prepare(wait_wq_, &wait_entry_, (state));         \
				if (cond) {                                                        \
					wait_ret_ = 0;                                             \
					break;                                                     \
				}                                                                  \
				if (!wait_ret_)                                                    \
					wait_ret_ = wait_late_;                                    \
				if (wait_ret_)                                                     \
					break;                                                     \
				wait_late_ = wait_schedule(wait_deadline_);                        \
			}                                                                          \
			wait_finish(wait_wq_, &wait_entry_);                                       \
		}                                                                                  \
		wait_ret_;                                                                         \
	})

/* Sleep until `cond`.  Context: may sleep; `cond` is evaluated several times and must not sleep. */
#define wait_event(wq, cond)                                                                       \
	((void)wait_event_common_(wq, cond, THREAD_UNINTERRUPTIBLE, 0, KTIME_MAX))
/* Return 0, or -ERESTARTSYS when a signal is pending. */
#define wait_event_interruptible(wq, cond)                                                         \
	wait_event_common_(wq, cond, THREAD_INTERRUPTIBLE, 0, KTIME_MAX)
#define wait_event_interruptible_exclusive(wq, cond)                                               \
	wait_event_common_(wq, cond, THREAD_INTERRUPTIBLE, WAIT_EXCLUSIVE, KTIME_MAX)
/* Return 0, or -ERESTARTSYS when a fatal signal is pending. */
#define wait_event_killable(wq, cond) wait_event_common_(wq, cond, THREAD_KILLABLE, 0, KTIME_MAX)
/* Return 0 or -ETIMEDOUT. */
#define wait_event_timeout(wq, cond, deadline_ns)                                                  \
	wait_event_common_(wq, cond, THREAD_UNINTERRUPTIBLE, 0, deadline_ns)
/* Return 0, -ETIMEDOUT or -ERESTARTSYS. */
#define wait_event_interruptible_timeout(wq, cond, deadline_ns)                                    \
	wait_event_common_(wq, cond, THREAD_INTERRUPTIBLE, 0, deadline_ns)
#define wait_event_interruptible_exclusive_timeout(wq, cond, deadline_ns)                          \
	wait_event_common_(wq, cond, THREAD_INTERRUPTIBLE, WAIT_EXCLUSIVE, deadline_ns)
#define wait_event_killable_timeout(wq, cond, deadline_ns)                                         \
	wait_event_common_(wq, cond, THREAD_KILLABLE, 0, deadline_ns)
/* A kernel thread's wait for work: does not count as load, cannot be interrupted. */
#define wait_event_idle(wq, cond) ((void)wait_event_common_(wq, cond, THREAD_IDLE, 0, KTIME_MAX))
#define wait_event_idle_timeout(wq, cond, deadline_ns)                                             \
	wait_event_common_(wq, cond, THREAD_IDLE, 0, deadline_ns)
