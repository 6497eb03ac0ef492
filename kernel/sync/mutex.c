/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mutexes.
 *
 * The owner word holds the owner's thread pointer and two flags.  MUTEX_WAITERS: somebody sleeps,
 * so unlocking must take the slow path.  MUTEX_HANDOFF: the oldest sleeper was woken in vain, so
 * the next unlock gives it the mutex instead of freeing it.
 *
 * While an owner runs, newcomers spin: it will be done sooner than two context switches.  Reading
 * whether the owner runs is safe because preemption is off while spinning, and a thread structure
 * is freed a grace period after its last use.
 *
 * No wake-up is lost: a sleeper is linked and has set MUTEX_WAITERS under wait_lock before it tests
 * the owner word for the last time, and an unlocker that does not see MUTEX_WAITERS has cleared the
 * owner before.
 */
#include <kernel/abi/errno.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/mutex.h>

#define MUTEX_WAITERS 1ul
#define MUTEX_HANDOFF 2ul
#define MUTEX_FLAGS   3ul

struct mutex_waiter {
	struct list link; /* [w] */
	struct thread *thread;
};

void mutex_init(struct mutex *m, enum lock_rank rank, const char *name)
{
	m->owner = 0;
	spin_init(&m->wait_lock, RANK_SYNC_WAIT, "mutex.wait_lock");
	list_init(&m->waiters);
	lock_debug_init(&m->debug, rank, name);
}

static uintptr_t self_word(void)
{
	return (uintptr_t)thread_current();
}

/* Take the mutex if it has no owner. */
static bool try_take(struct mutex *m)
{
	uintptr_t old = atomic_load(&m->owner);

	do {
		if (old & ~MUTEX_FLAGS)
			return false;
	} while (!atomic_cmpxchg_acquire(&m->owner, &old, self_word() | (old & MUTEX_FLAGS)));
	return true;
}

/* Spin while the owner runs.  Returns true when the mutex was taken. */
static bool spin_for(struct mutex *m)
{
	guard_preempt();

	while (!need_resched()) {
		uintptr_t word = atomic_load(&m->owner);
		const struct thread *owner = (const struct thread *)(word & ~MUTEX_FLAGS);

		if (!owner) {
			if (try_take(m))
				return true;
			continue;
		}
		if (word & MUTEX_HANDOFF || !atomic_load(&owner->on_cpu))
			return false;
		arch_cpu_relax();
	}
	return false;
}

static bool signal_ends(unsigned state)
{
	const struct thread *t = thread_current();

	if (state == THREAD_INTERRUPTIBLE)
		return thread_flag_test(t, THREAD_SIGPENDING | THREAD_KILLED);
	return state == THREAD_KILLABLE && thread_flag_test(t, THREAD_KILLED);
}

/* Is the mutex ours now?  The caller is the waiter `first` or not; wait_lock held. */
static bool take_as_waiter(struct mutex *m, bool first, bool woken)
{
	uintptr_t old = atomic_load(&m->owner);

	for (;;) {
		uintptr_t owner = old & ~MUTEX_FLAGS;

		if (owner == self_word())
			return true; /* handed over */
		if (!owner) {
			if (atomic_cmpxchg_acquire(&m->owner, &old,
						   self_word() | (old & MUTEX_WAITERS)))
				return true;
			continue;
		}
		uintptr_t want = old | MUTEX_WAITERS | (first && woken ? MUTEX_HANDOFF : 0);

		if (want == old || atomic_cmpxchg(&m->owner, &old, want))
			return false;
	}
}

static int lock_slow(struct mutex *m, unsigned state)
{
	struct mutex_waiter self = {.thread = thread_current()};
	bool woken = false;
	int ret = 0;

	thread_current()->blocked_on = m;
	spin_lock(&m->wait_lock);
	list_push_back(&m->waiters, &self.link);
	for (;;) {
		thread_set_state(state);
		if (take_as_waiter(m, m->waiters.next == &self.link, woken))
			break;
		if (signal_ends(state)) {
			ret = -EINTR;
			break;
		}
		spin_unlock(&m->wait_lock);
		schedule();
		woken = true;
		spin_lock(&m->wait_lock);
	}
	thread_set_state(THREAD_RUNNING);
	list_remove(&self.link);
	if (list_empty(&m->waiters))
		atomic_fetch_and(&m->owner, ~MUTEX_FLAGS);
	spin_unlock(&m->wait_lock);
	thread_current()->blocked_on = NULL;
	return ret;
}

static int lock_common(struct mutex *m, unsigned state, u32 subclass)
{
	uintptr_t none = 0;
	int ret = 0;

	assert_may_sleep();
	lock_debug_before(m, &m->debug, subclass);
	if (unlikely(!atomic_cmpxchg_acquire(&m->owner, &none, self_word())) && !spin_for(m))
		ret = lock_slow(m, state);
	if (likely(!ret))
		lock_debug_acquired(m, &m->debug, subclass, true);
	return ret;
}

void mutex_lock(struct mutex *m)
{
	(void)lock_common(m, THREAD_UNINTERRUPTIBLE, 0);
}

void mutex_lock_nested(struct mutex *m, u32 subclass)
{
	(void)lock_common(m, THREAD_UNINTERRUPTIBLE, subclass);
}

int mutex_lock_interruptible(struct mutex *m)
{
	return lock_common(m, THREAD_INTERRUPTIBLE, 0);
}

int mutex_lock_killable(struct mutex *m)
{
	return lock_common(m, THREAD_KILLABLE, 0);
}

bool mutex_trylock(struct mutex *m)
{
	if (!try_take(m))
		return false;
	lock_debug_acquired(m, &m->debug, 0, true);
	return true;
}

/* There are waiters: hand over or free, and wake the oldest. */
static void unlock_slow(struct mutex *m)
{
	struct thread *next = NULL;

	spin_lock(&m->wait_lock);
	if (!list_empty(&m->waiters))
		next = thread_get(list_first(&m->waiters, struct mutex_waiter, link)->thread);

	uintptr_t old = atomic_load(&m->owner), new;

	do {
		if (next && old & MUTEX_HANDOFF)
			new = (uintptr_t)next | MUTEX_WAITERS;
		else
			new = next ? MUTEX_WAITERS : 0;
	} while (!atomic_cmpxchg_release(&m->owner, &old, new));
	spin_unlock(&m->wait_lock);
	if (next) {
		thread_wake(next);
		thread_put(next);
	}
}

void mutex_unlock(struct mutex *m)
{
	uintptr_t self = self_word();

	lock_debug_release(m, &m->debug, true);
	if (unlikely(!atomic_cmpxchg_release(&m->owner, &self, 0)))
		unlock_slow(m);
}
