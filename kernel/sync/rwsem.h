/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reader-writer semaphores: sleeping locks, many readers or one writer, fair.
 *
 * Who cannot enter at once queues; the queue is served in order, a run of readers together, and
 * ownership is handed over by the one who leaves, so nobody starves.  A new reader queues behind a
 * waiting writer.  A reader must therefore not take the same semaphore for reading again.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/spinlock.h>

struct rwsem {
	u64 count;             /* [a] RWSEM_* bits, see rwsem.c */
	struct thread *writer; /* [a] hint for spinners */
	struct spinlock wait_lock;
	struct list waiters; /* [w] oldest first */
	struct lock_debug debug;
}; /* w: wait_lock */

#define RWSEM_INIT(name_, rank)                                                                    \
	{                                                                                          \
		.wait_lock = SPINLOCK_INIT(RANK_SYNC_WAIT), .waiters = LIST_INIT((name_).waiters), \
		.debug = LOCK_DEBUG_INIT(rank, #name_)                                             \
	}

void rwsem_init(struct rwsem *s, enum lock_rank rank, const char *name);

/* Context: may sleep. */
void rwsem_read_lock(struct rwsem *s);
void rwsem_read_lock_nested(struct rwsem *s, u32 subclass);
void rwsem_write_lock(struct rwsem *s);
void rwsem_write_lock_nested(struct rwsem *s, u32 subclass);

/* Return 0, or -EINTR when a fatal signal is pending.  Context: may sleep. */
int __must_check rwsem_read_lock_killable(struct rwsem *s);
int __must_check rwsem_write_lock_killable(struct rwsem *s);

/* Context: thread. */
bool rwsem_read_trylock(struct rwsem *s);
bool rwsem_write_trylock(struct rwsem *s);
void rwsem_read_unlock(struct rwsem *s);
void rwsem_write_unlock(struct rwsem *s);

/* The writer becomes a reader without letting another writer in between. */
void rwsem_downgrade(struct rwsem *s);

/* Somebody waits: a long holder may want to let go. */
static inline bool rwsem_contended(const struct rwsem *s)
{
	return !list_empty(&s->waiters);
}

/* Held by somebody for writing. */
bool rwsem_is_write_locked(const struct rwsem *s);

static inline void rwsem_guard_read_drop_(struct rwsem **s)
{
	rwsem_read_unlock(*s);
}

static inline void rwsem_guard_write_drop_(struct rwsem **s)
{
	rwsem_write_unlock(*s);
}

static inline struct rwsem *rwsem_guard_read_take_(struct rwsem *s)
{
	rwsem_read_lock(s);
	return s;
}

static inline struct rwsem *rwsem_guard_write_take_(struct rwsem *s)
{
	rwsem_write_lock(s);
	return s;
}

/* Held until the end of the scope. */
#define guard_read(s)                                                                              \
	struct rwsem *UNIQUE_ID(guard_read_) __cleanup(rwsem_guard_read_drop_) __maybe_unused =    \
		rwsem_guard_read_take_(s)
#define guard_write(s)                                                                             \
	struct rwsem *UNIQUE_ID(guard_write_) __cleanup(rwsem_guard_write_drop_) __maybe_unused =  \
		rwsem_guard_write_take_(s)
