/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The checks behind every lock of a debug build.
 *
 * Each thread keeps a stack of what it holds.  An interrupt pushes onto the stack of the thread it
 * interrupted and pops before it returns; its entries are marked, because an interrupt that takes a
 * lock says nothing about the order in which the thread takes its own, except that it comes later.
 *
 * Early in boot there is one thread and its stack works from the first instruction.  Once the
 * kernel panics all checks stop: the panic itself must get through.
 */
#define LOG_PREFIX "lock: "

#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/lockdebug.h>

void lock_debug_init(struct lock_debug *d, enum lock_rank rank, const char *name)
{
	d->name = name;
	d->rank = rank;
	d->owner = NULL;
}

static struct held_locks *held_by_current(void)
{
	return &thread_current()->locks;
}

/* The innermost entry of `lock`, or NULL. */
static struct held_lock *held_find(struct held_locks *h, const void *lock)
{
	for (u32 i = h->count; i-- > 0;)
		if (h->held[i].lock == lock)
			return &h->held[i];
	return NULL;
}

static void complain(const struct lock_debug *d, const char *what)
{
	lock_debug_print(thread_current());
	panic("lock %s (rank %u): %s", d->name ? d->name : "?", d->rank, what);
}

void lock_debug_before(const void *lock, const struct lock_debug *d, u32 subclass)
{
	struct held_locks *h = held_by_current();

	if (panicking())
		return;
	if (held_find(h, lock))
		complain(d, "taken twice by one thread");
	if (d->rank == RANK_NONE)
		return;
	for (u32 i = h->count; i-- > 0;) {
		const struct held_lock *top = &h->held[i];

		if (top->rank == RANK_NONE)
			continue;
		if (top->rank > d->rank)
			complain(d, "taken under a lock of a later rank");
		if (top->rank == d->rank && subclass <= top->subclass)
			complain(d, "taken under a lock of the same rank");
		return;
	}
}

void lock_debug_acquired(const void *lock, struct lock_debug *d, u32 subclass, bool exclusive)
{
	struct held_locks *h = held_by_current();
	irqflags_t f;

	if (exclusive)
		WRITE_ONCE(d->owner, thread_current());
	f = arch_irq_save();
	if (h->count < LOCK_HELD_MAX)
		h->held[h->count++] = (struct held_lock){
			.lock = lock,
			.debug = d,
			.rank = d->rank,
			.subclass = subclass,
			.in_irq = in_hardirq(),
			.where = (vaddr_t)__builtin_return_address(0),
		};
	else if (!panicking())
		complain(d, "too many locks held");
	arch_irq_restore(f);
}

void lock_debug_release(const void *lock, struct lock_debug *d, bool exclusive)
{
	struct held_locks *h = held_by_current();
	irqflags_t f = arch_irq_save();
	struct held_lock *e = held_find(h, lock);

	if (e) {
		u32 at = (u32)(e - h->held);

		for (u32 i = at; i + 1 < h->count; i++)
			h->held[i] = h->held[i + 1];
		h->count--;
	} else if (!panicking()) {
		complain(d, "released by a thread that does not hold it");
	}
	if (exclusive)
		WRITE_ONCE(d->owner, NULL);
	arch_irq_restore(f);
}

bool lock_debug_held(const void *lock)
{
	return panicking() || held_find(held_by_current(), lock);
}

void lock_debug_check_none(const char *what)
{
	struct held_locks *h = held_by_current();

	if (likely(!h->count) || panicking())
		return;
	lock_debug_print(thread_current());
	panic("%s with locks held", what);
}

void lock_debug_print(const struct thread *t)
{
	const struct held_locks *h = &t->locks;

	for (u32 i = 0; i < h->count && i < LOCK_HELD_MAX; i++)
		log_err("%s[%u] holds %s (%p), rank %u.%u, taken at %pS\n", t->comm, t->tid,
			h->held[i].debug->name ? h->held[i].debug->name : "?", h->held[i].lock,
			h->held[i].rank, h->held[i].subclass, (void *)h->held[i].where);
}
