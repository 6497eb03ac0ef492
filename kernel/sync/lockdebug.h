/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Checks on every lock: rank order, ownership, what is held at sleep and at return to user mode.
 *
 * In debug builds each lock carries its name, rank and owner, and each thread the stack of locks it
 * holds.  In release builds all of this is empty.  A failed check prints the held locks and panics.
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/sync/ranks.h>

struct thread;

#define LOCK_HELD_MAX 24

#ifdef CONFIG_DEBUG

struct lock_debug {
	const char *name;     /* [I] */
	u32 rank;             /* [I] enum lock_rank */
	struct thread *owner; /* [a] NULL when free, or held by readers */
};

struct held_lock {
	const void *lock;
	const struct lock_debug *debug;
	u32 rank;
	u32 subclass;
	u32 in_irq; /* taken in a hard interrupt: not a sleeping offence of the thread below */
	vaddr_t where;
};

/* Embedded in struct thread. */
struct held_locks {
	u32 count;                            /* [P] */
	struct held_lock held[LOCK_HELD_MAX]; /* [P] outermost first */
};

#define LOCK_DEBUG_INIT(rank_, name_)                                                              \
	{                                                                                          \
		.name = (name_), .rank = (rank_)                                                   \
	}

void lock_debug_init(struct lock_debug *d, enum lock_rank rank, const char *name);

/* Before waiting for the lock; `trying` skips the order check.  Then once it is held; then before
 * release. */
void lock_debug_before(const void *lock, const struct lock_debug *d, u32 subclass);
void lock_debug_acquired(const void *lock, struct lock_debug *d, u32 subclass, bool exclusive);
void lock_debug_release(const void *lock, struct lock_debug *d, bool exclusive);
bool lock_debug_held(const void *lock);

/* Panic when the running thread holds any lock.  `what` says what it is about to do. */
void lock_debug_check_none(const char *what);
/* Print the locks of `t` to the log.  Context: any. */
void lock_debug_print(const struct thread *t);

#else

struct lock_debug {
};
struct held_locks {
};

#define LOCK_DEBUG_INIT(rank_, name_)                                                              \
	{                                                                                          \
	}

static inline void lock_debug_init(struct lock_debug *d, enum lock_rank rank, const char *name)
{
}
static inline void lock_debug_before(const void *lock, const struct lock_debug *d, u32 subclass)
{
}
static inline void lock_debug_acquired(const void *lock, struct lock_debug *d, u32 subclass,
				       bool exclusive)
{
}
static inline void lock_debug_release(const void *lock, struct lock_debug *d, bool exclusive)
{
}
static inline bool lock_debug_held(const void *lock)
{
	return true;
}
static inline void lock_debug_check_none(const char *what)
{
}
static inline void lock_debug_print(const struct thread *t)
{
}

#endif
