/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Spinlocks: tickets in one word, so waiters are served in the order they came.
 *
 * The upper half of the word is the next ticket to hand out, the lower half the ticket being
 * served; they are equal when the lock is free.  Holding one disables preemption.  A lock also
 * taken in interrupt context is taken with interrupts off everywhere (the _irq forms).
 *
 * A zeroed spinlock is free and unranked; spin_init gives it its place in the order.
 */
#pragma once

#include <kernel/sched/preempt.h>
#include <kernel/sync/lockdebug.h>

struct spinlock {
	u32 tickets; /* [a] next << 16 | serving */
	struct lock_debug debug;
};

#define SPINLOCK_INIT(rank)                                                                        \
	{                                                                                          \
		.debug = LOCK_DEBUG_INIT(rank, #rank)                                              \
	}

static inline void spin_init(struct spinlock *l, enum lock_rank rank, const char *name)
{
	l->tickets = 0;
	lock_debug_init(&l->debug, rank, name);
}

#define SPIN_TICKET 0x10000u

/* Wait until `ticket` is served. */
void spin_wait(struct spinlock *l, u32 ticket);

static __always_inline void spin_acquire_(struct spinlock *l)
{
	u32 old = __atomic_fetch_add(&l->tickets, SPIN_TICKET, __ATOMIC_ACQUIRE);

	if (unlikely((old >> 16) != (old & 0xffff)))
		spin_wait(l, old >> 16);
}

/* Only the holder writes the lower half, and a store of half a word needs no atomic instruction. */
static __always_inline void spin_release_(struct spinlock *l)
{
	unsigned short *serving = (unsigned short *)&l->tickets;

	__atomic_store_n(serving, (unsigned short)(*(volatile unsigned short *)serving + 1),
			 __ATOMIC_RELEASE);
}

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	      "the ticket served is the first half-word");

/* Context: any that does not already hold it; interrupts must be off if interrupts take it too. */
static __always_inline void spin_lock(struct spinlock *l)
{
	preempt_disable();
	lock_debug_before(l, &l->debug, 0);
	spin_acquire_(l);
	lock_debug_acquired(l, &l->debug, 0, true);
}

/* Take `l` while a lock of the same rank is held; `subclass` (1, 2, ...) grows inwards. */
static __always_inline void spin_lock_nested(struct spinlock *l, u32 subclass)
{
	preempt_disable();
	lock_debug_before(l, &l->debug, subclass);
	spin_acquire_(l);
	lock_debug_acquired(l, &l->debug, subclass, true);
}

static __always_inline bool spin_trylock(struct spinlock *l)
{
	preempt_disable();

	u32 old = atomic_load(&l->tickets);

	if (likely((old >> 16) == (old & 0xffff) &&
		   atomic_cmpxchg_acquire(&l->tickets, &old, old + SPIN_TICKET))) {
		lock_debug_acquired(l, &l->debug, 0, true);
		return true;
	}
	preempt_enable();
	return false;
}

static __always_inline void spin_unlock(struct spinlock *l)
{
	lock_debug_release(l, &l->debug, true);
	spin_release_(l);
	preempt_enable();
}

static __always_inline bool spin_is_locked(const struct spinlock *l)
{
	u32 now = atomic_load(&l->tickets);

	return (now >> 16) != (now & 0xffff);
}

static __always_inline irqflags_t spin_lock_irqsave(struct spinlock *l)
{
	irqflags_t f = arch_irq_save();

	spin_lock(l);
	return f;
}

static __always_inline void spin_unlock_irqrestore(struct spinlock *l, irqflags_t f)
{
	lock_debug_release(l, &l->debug, true);
	spin_release_(l);
	arch_irq_restore(f);
	preempt_enable();
}

/* Interrupts are known to be on. */
static __always_inline void spin_lock_irq(struct spinlock *l)
{
	arch_irq_disable();
	spin_lock(l);
}

static __always_inline void spin_unlock_irq(struct spinlock *l)
{
	lock_debug_release(l, &l->debug, true);
	spin_release_(l);
	arch_irq_enable();
	preempt_enable();
}

struct spin_guard_ {
	struct spinlock *lock;
	irqflags_t flags;
};

static __always_inline void spin_guard_drop_(struct spin_guard_ *g)
{
	spin_unlock(g->lock);
}

static __always_inline void spin_guard_irq_drop_(struct spin_guard_ *g)
{
	spin_unlock_irqrestore(g->lock, g->flags);
}

static __always_inline struct spin_guard_ spin_guard_take_(struct spinlock *l)
{
	spin_lock(l);
	return (struct spin_guard_){.lock = l};
}

static __always_inline struct spin_guard_ spin_guard_irq_take_(struct spinlock *l)
{
	irqflags_t f = spin_lock_irqsave(l);

	return (struct spin_guard_){.lock = l, .flags = f};
}

/* Held until the end of the scope. */
#define guard_spin(l)                                                                              \
	struct spin_guard_ UNIQUE_ID(guard_spin_) __cleanup(spin_guard_drop_) __maybe_unused =     \
		spin_guard_take_(l)
/* The same with interrupts off; they become what they were. */
#define guard_spin_irq(l)                                                                          \
	struct spin_guard_ UNIQUE_ID(guard_spin_) __cleanup(spin_guard_irq_drop_) __maybe_unused = \
		spin_guard_irq_take_(l)

/* with_spin(&l) { ... } */
#define with_spin(l)                                                                               \
	for (struct spin_guard_ with_guard_ __cleanup(spin_guard_drop_) = spin_guard_take_(l),     \
					    *with_once_ = &with_guard_;                            \
	     with_once_; with_once_ = NULL)
#define with_spin_irq(l)                                                                           \
	for (struct spin_guard_ with_guard_                                                        \
		     __cleanup(spin_guard_irq_drop_) = spin_guard_irq_take_(l),                    \
		     *with_once_ = &with_guard_;                                                   \
	     with_once_; with_once_ = NULL)

/* Debug builds panic when the running thread does not hold `l` (any lock type).  Context: any. */
#define assert_held(l) lock_assert_held_((l), #l)
void lock_assert_failed(const char *what) __noreturn __cold;

static __always_inline void lock_assert_held_(const void *lock, const char *what)
{
	if (IS_ENABLED(CONFIG_DEBUG) && unlikely(!lock_debug_held(lock)))
		lock_assert_failed(what);
}
