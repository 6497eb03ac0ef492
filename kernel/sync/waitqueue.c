/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wait queues.
 *
 * No wake-up is lost because a sleeper links itself and sets its state *before* it tests the
 * condition:
 *
 *	sleeper				waker
 *	link, state = asleep		make the condition true
 *	full barrier			full barrier (in thread_wake, or wait_queue_active)
 *	test the condition: false	read the queue: finds the sleeper
 *	switch away			wake it
 *
 * Either the sleeper sees the condition or the waker sees the sleeper.
 *
 * The default wake function unlinks the entry, after waking: a sleeper that finds itself unlinked
 * knows the waker is done with the entry, and need not take the queue's lock on its way out.
 *
 * Lock order: the condition's lock, wait_queue.lock, the run queue.
 */
#include <kernel/sched/thread.h>
#include <kernel/sync/waitqueue.h>

void wait_queue_init(struct wait_queue *wq)
{
	spin_init(&wq->lock, RANK_WAITQ, "wait_queue.lock");
	list_init(&wq->waiters);
}

void wait_entry_init(struct wait_entry *e)
{
	*e = (struct wait_entry){.wake = wait_entry_wake, .thread = thread_current()};
	list_init(&e->link);
}

void wait_entry_init_callback(struct wait_entry *e,
			      int (*wake)(struct wait_entry *e, unsigned mode, u64 key))
{
	*e = (struct wait_entry){.wake = wake, .thread = thread_current()};
	list_init(&e->link);
}

/* Unlink so that the owner, once it sees itself unlinked, may free the entry. */
static void entry_unlink(struct wait_entry *e)
{
	struct list *l = &e->link;

	l->next->prev = l->prev;
	/* The head's is read without the lock by wait_queue_active. */
	WRITE_ONCE(l->prev->next, l->next);
	WRITE_ONCE(l->prev, l);
	atomic_store_release(&l->next, l);
}

static bool entry_unlinked(const struct wait_entry *e)
{
	return atomic_load_acquire(&e->link.next) == &e->link;
}

int wait_entry_wake(struct wait_entry *e, unsigned mode, u64 key)
{
	bool woken = mode & WAIT_MODE_SYNC ? thread_wake_sync(e->thread, mode & ~WAIT_MODE_SYNC)
					   : thread_wake_state(e->thread, mode);

	if (!woken)
		return 0;
	entry_unlink(e);
	return 1;
}

static void link_locked(struct wait_queue *wq, struct wait_entry *e)
{
	if (e->flags & WAIT_EXCLUSIVE && !(e->flags & WAIT_PRIORITY))
		list_push_back(&wq->waiters, &e->link);
	else
		list_push_front(&wq->waiters, &e->link);
}

void wait_queue_add(struct wait_queue *wq, struct wait_entry *e)
{
	guard_spin_irq(&wq->lock);
	e->flags &= ~WAIT_EXCLUSIVE;
	link_locked(wq, e);
}

void wait_queue_add_exclusive(struct wait_queue *wq, struct wait_entry *e)
{
	guard_spin_irq(&wq->lock);
	e->flags |= WAIT_EXCLUSIVE;
	link_locked(wq, e);
}

void wait_queue_remove(struct wait_queue *wq, struct wait_entry *e)
{
	guard_spin_irq(&wq->lock);
	entry_unlink(e);
}

unsigned wake_up_locked(struct wait_queue *wq, unsigned mode, unsigned n, u64 key)
{
	struct wait_entry *e, *next;
	unsigned woken = 0;

	list_for_each_safe (e, next, &wq->waiters, link) {
		unsigned flags = e->flags;
		int ret = e->wake(e, mode, key);

		if (ret < 0)
			break;
		if (ret && flags & WAIT_EXCLUSIVE && ++woken == n)
			break;
	}
	return woken;
}

static unsigned wake(struct wait_queue *wq, unsigned mode, unsigned n, u64 key)
{
	if (!wait_queue_active(wq))
		return 0;
	guard_spin_irq(&wq->lock);
	return wake_up_locked(wq, mode, n, key);
}

unsigned wake_up(struct wait_queue *wq)
{
	return wake(wq, THREAD_NORMAL, 1, 0);
}

unsigned wake_up_n(struct wait_queue *wq, unsigned n)
{
	return n ? wake(wq, THREAD_NORMAL, n, 0) : 0;
}

unsigned wake_up_all(struct wait_queue *wq)
{
	return wake(wq, THREAD_NORMAL, 0, 0);
}

unsigned wake_up_key(struct wait_queue *wq, u64 key)
{
	return wake(wq, THREAD_NORMAL, 1, key);
}

unsigned wake_up_all_key(struct wait_queue *wq, u64 key)
{
	return wake(wq, THREAD_NORMAL, 0, key);
}

unsigned wake_up_sync(struct wait_queue *wq, u64 key)
{
	return wake(wq, THREAD_NORMAL | WAIT_MODE_SYNC, 1, key);
}

unsigned wake_up_interruptible(struct wait_queue *wq)
{
	return wake(wq, THREAD_INTERRUPTIBLE, 1, 0);
}

unsigned wake_up_nested(struct wait_queue *wq, u64 key, u32 subclass)
{
	unsigned woken;
	irqflags_t f;

	if (!wait_queue_active(wq))
		return 0;
	f = arch_irq_save();
	spin_lock_nested(&wq->lock, subclass);
	woken = wake_up_locked(wq, THREAD_NORMAL, 1, key);
	spin_unlock_irqrestore(&wq->lock, f);
	return woken;
}

void wake_up_free(struct wait_queue *wq, u64 key)
{
	struct wait_entry *e, *next;

	guard_spin_irq(&wq->lock);
	list_for_each_safe (e, next, &wq->waiters, link) {
		e->wake(e, THREAD_NORMAL, key);
		if (!entry_unlinked(e))
			entry_unlink(e);
	}
}

static bool signal_ends(unsigned state)
{
	const struct thread *t = thread_current();

	if (state & THREAD_INTERRUPTIBLE)
		return thread_flag_test(t, THREAD_SIGPENDING | THREAD_KILLED);
	return state & THREAD_KILLABLE && thread_flag_test(t, THREAD_KILLED);
}

int wait_prepare(struct wait_queue *wq, struct wait_entry *e, unsigned state)
{
	assert_may_sleep();
	if (signal_ends(state)) {
		/* Unlinked before the last test, so that a wake-up of one does not pick us in vain.
		 */
		if (!entry_unlinked(e))
			wait_queue_remove(wq, e);
		return -ERESTARTSYS;
	}
	/* Under the lock, because a waker wakes first and unlinks then: in between we look linked.
	 */
	guard_spin_irq(&wq->lock);
	if (entry_unlinked(e))
		link_locked(wq, e);
	thread_set_state(state);
	return 0;
}

void wait_finish(struct wait_queue *wq, struct wait_entry *e)
{
	atomic_store(&thread_current()->state, (u32)THREAD_RUNNING);
	if (!entry_unlinked(e))
		wait_queue_remove(wq, e);
}

int wait_schedule(u64 deadline)
{
	if (deadline == (u64)KTIME_MAX) {
		schedule();
		return 0;
	}
	return schedule_timeout(deadline);
}
