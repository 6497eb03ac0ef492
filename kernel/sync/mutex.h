/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutexes: sleeping locks with one owner.
 *
 * A thread that finds the mutex taken spins while the owner runs on another CPU and sleeps
 * otherwise. A spinner may overtake the sleepers, but the oldest sleeper that was woken in vain
 * once is handed the mutex directly.  Only the owner unlocks.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/spinlock.h>

struct mutex {
	uintptr_t owner; /* [a] struct thread *, or'ed with MUTEX_WAITERS and MUTEX_HANDOFF */
	struct spinlock wait_lock;
	struct list waiters; /* [w] oldest first */
	struct lock_debug debug;
}; /* w: wait_lock */

#define MUTEX_INIT(name_, rank)                                                                    \
	{                                                                                          \
		.wait_lock = SPINLOCK_INIT(RANK_SYNC_WAIT), .waiters = LIST_INIT((name_).waiters), \
		.debug = LOCK_DEBUG_INIT(rank, #name_)                                             \
	}

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name);

/* Context: may sleep. */
void mutex_lock(struct mutex *m);
void mutex_lock_nested(struct mutex *m, u32 subclass);

/* Give up when a signal (killable: a fatal one) is pending.  Return 0 or -EINTR.  Context: may
 * sleep. */
int __must_check mutex_lock_interruptible(struct mutex *m);
int __must_check mutex_lock_killable(struct mutex *m);

/* Context: thread. */
bool mutex_trylock(struct mutex *m);
void mutex_unlock(struct mutex *m);

static inline bool mutex_is_locked(const struct mutex *m)
{
	return atomic_load(&m->owner) != 0;
}

static inline void mutex_guard_drop_(struct mutex **m)
{
	mutex_unlock(*m);
}

static inline struct mutex *mutex_guard_take_(struct mutex *m)
{
	mutex_lock(m);
	return m;
}

/* Held until the end of the scope. */
#define guard_mutex(m)                                                                             \
	struct mutex *UNIQUE_ID(guard_mutex_) __cleanup(mutex_guard_drop_) __maybe_unused =        \
		mutex_guard_take_(m)
#define with_mutex(m)                                                                              \
	for (struct mutex * with_guard_ __cleanup(mutex_guard_drop_) = mutex_guard_take_(m),       \
					*with_once_ = with_guard_;                                 \
	     with_once_; with_once_ = NULL)
