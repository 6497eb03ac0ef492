/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reader-writer semaphores.
 *
 * The count word holds the number of readers inside, a bit for a writer inside, and a bit that says
 * the queue is not empty.  Without the last bit, entering and leaving are one atomic operation.
 * With it, everybody new queues, and whoever leaves last grants the head of the queue: one writer,
 * or the run of readers at the front.  Granting is done by changing the count on behalf of the
 * waiter under wait_lock; the waiter only has to see its flag.  So the order of arrival is the
 * order of service.
 *
 * A reader that finds the queue bit after adding itself takes itself back under wait_lock.  Until
 * then its presence may have kept a writer from being granted, so taking back grants too.
 */
#include <kernel/abi/errno.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/rwsem.h>

#define RWSEM_WAITERS 1ull
#define RWSEM_WRITER  2ull
#define RWSEM_READER  4ull
#define RWSEM_READERS (~3ull)

struct rwsem_waiter {
	struct list link; /* [w] */
	struct thread *thread;
	u32 writer;
	u32 granted; /* [a] set under wait_lock, read by the waiter */
};

void rwsem_init(struct rwsem *s, enum lock_rank rank, const char *name)
{
	s->count = 0;
	s->writer = NULL;
	spin_init(&s->wait_lock, RANK_SYNC_WAIT, "rwsem.wait_lock");
	list_init(&s->waiters);
	lock_debug_init(&s->debug, rank, name);
}

bool rwsem_is_write_locked(const struct rwsem *s)
{
	return atomic_load(&s->count) & RWSEM_WRITER;
}

/* Let `w` in.  Afterwards it may be gone, so its thread is referenced first. */
static void grant(struct rwsem *s, struct rwsem_waiter *w)
{
	struct thread *t = thread_get(w->thread);

	list_remove(&w->link);
	atomic_fetch_add(&s->count, w->writer ? RWSEM_WRITER : RWSEM_READER);
	atomic_store_release(&w->granted, 1u);
	thread_wake(t);
	thread_put(t);
}

/* Serve the head of the queue as far as the count allows.  Locks: wait_lock held. */
static void grant_queue(struct rwsem *s)
{
	while (!list_empty(&s->waiters)) {
		struct rwsem_waiter *w = list_first(&s->waiters, struct rwsem_waiter, link);
		u64 count = atomic_load(&s->count);

		if (count & RWSEM_WRITER || (w->writer && count & RWSEM_READERS))
			return;
		grant(s, w);
	}
	atomic_fetch_and(&s->count, ~RWSEM_WAITERS);
}

static bool fatal_pending(unsigned state)
{
	return state == THREAD_KILLABLE && thread_flag_test(thread_current(), THREAD_KILLED);
}

/* Wait in the queue.  Returns 0 or -EINTR.  Locks: wait_lock held at entry, released. */
static int queue_and_wait(struct rwsem *s, bool writer, unsigned state)
{
	struct rwsem_waiter self = {.thread = thread_current(), .writer = writer};
	int ret = 0;

	list_push_back(&s->waiters, &self.link);
	atomic_fetch_or(&s->count, RWSEM_WAITERS);
	grant_queue(s);
	thread_current()->blocked_on = s;
	for (;;) {
		thread_set_state(state);
		if (self.granted)
			break;
		if (fatal_pending(state)) {
			list_remove(&self.link);
			grant_queue(s);
			ret = -EINTR;
			break;
		}
		spin_unlock(&s->wait_lock);
		schedule();
		if (atomic_load_acquire(&self.granted))
			goto out;
		spin_lock(&s->wait_lock);
	}
	spin_unlock(&s->wait_lock);
out:
	thread_set_state(THREAD_RUNNING);
	thread_current()->blocked_on = NULL;
	return ret;
}

/* We are counted as a reader although a writer is inside or somebody waits. */
static int read_slow(struct rwsem *s, unsigned state)
{
	spin_lock(&s->wait_lock);

	u64 count = atomic_sub_return(&s->count, RWSEM_READER);

	if (!(count & (RWSEM_WRITER | RWSEM_WAITERS))) {
		/* All of them went meanwhile; queueing serves us at once. */
		return queue_and_wait(s, false, state);
	}
	if (count & RWSEM_WAITERS)
		grant_queue(s);
	return queue_and_wait(s, false, state);
}

static int read_lock(struct rwsem *s, unsigned state, u32 subclass)
{
	int ret = 0;

	assert_may_sleep();
	lock_debug_before(s, &s->debug, subclass);
	if (unlikely(__atomic_add_fetch(&s->count, RWSEM_READER, __ATOMIC_ACQUIRE) &
		     (RWSEM_WRITER | RWSEM_WAITERS)))
		ret = read_slow(s, state);
	if (likely(!ret))
		lock_debug_acquired(s, &s->debug, subclass, false);
	return ret;
}

/* Spin for the end of a writer that runs, as long as nobody queues.  Returns true when we got in.
 */
static bool spin_for_write(struct rwsem *s)
{
	guard_preempt();

	while (!need_resched()) {
		u64 count = atomic_load(&s->count);
		const struct thread *writer = atomic_load(&s->writer);

		if (!count && atomic_cmpxchg_acquire(&s->count, &count, RWSEM_WRITER))
			return true;
		if (count & (RWSEM_WAITERS | RWSEM_READERS))
			return false;
		if (count && (!writer || !atomic_load(&writer->on_cpu)))
			return false;
		arch_cpu_relax();
	}
	return false;
}

static int write_lock(struct rwsem *s, unsigned state, u32 subclass)
{
	u64 none = 0;
	int ret = 0;

	assert_may_sleep();
	lock_debug_before(s, &s->debug, subclass);
	if (unlikely(!atomic_cmpxchg_acquire(&s->count, &none, RWSEM_WRITER)) &&
	    !spin_for_write(s)) {
		spin_lock(&s->wait_lock);
		ret = queue_and_wait(s, true, state);
	}
	if (likely(!ret)) {
		atomic_store(&s->writer, thread_current());
		lock_debug_acquired(s, &s->debug, subclass, true);
	}
	return ret;
}

void rwsem_read_lock(struct rwsem *s)
{
	(void)read_lock(s, THREAD_UNINTERRUPTIBLE, 0);
}

void rwsem_read_lock_nested(struct rwsem *s, u32 subclass)
{
	(void)read_lock(s, THREAD_UNINTERRUPTIBLE, subclass);
}

int rwsem_read_lock_killable(struct rwsem *s)
{
	return read_lock(s, THREAD_KILLABLE, 0);
}

void rwsem_write_lock(struct rwsem *s)
{
	(void)write_lock(s, THREAD_UNINTERRUPTIBLE, 0);
}

void rwsem_write_lock_nested(struct rwsem *s, u32 subclass)
{
	(void)write_lock(s, THREAD_UNINTERRUPTIBLE, subclass);
}

int rwsem_write_lock_killable(struct rwsem *s)
{
	return write_lock(s, THREAD_KILLABLE, 0);
}

bool rwsem_read_trylock(struct rwsem *s)
{
	u64 old = atomic_load(&s->count);

	do {
		if (old & (RWSEM_WRITER | RWSEM_WAITERS))
			return false;
	} while (!atomic_cmpxchg_acquire(&s->count, &old, old + RWSEM_READER));
	lock_debug_acquired(s, &s->debug, 0, false);
	return true;
}

bool rwsem_write_trylock(struct rwsem *s)
{
	u64 none = 0;

	if (!atomic_cmpxchg_acquire(&s->count, &none, RWSEM_WRITER))
		return false;
	atomic_store(&s->writer, thread_current());
	lock_debug_acquired(s, &s->debug, 0, true);
	return true;
}

static void serve(struct rwsem *s)
{
	spin_lock(&s->wait_lock);
	grant_queue(s);
	spin_unlock(&s->wait_lock);
}

void rwsem_read_unlock(struct rwsem *s)
{
	lock_debug_release(s, &s->debug, false);

	u64 count = __atomic_sub_fetch(&s->count, RWSEM_READER, __ATOMIC_RELEASE);

	if (unlikely(count & RWSEM_WAITERS && !(count & RWSEM_READERS)))
		serve(s);
}

void rwsem_write_unlock(struct rwsem *s)
{
	lock_debug_release(s, &s->debug, true);
	atomic_store(&s->writer, (struct thread *)NULL);
	if (unlikely(__atomic_and_fetch(&s->count, ~RWSEM_WRITER, __ATOMIC_RELEASE) &
		     RWSEM_WAITERS))
		serve(s);
}

void rwsem_downgrade(struct rwsem *s)
{
	lock_debug_release(s, &s->debug, true);
	atomic_store(&s->writer, (struct thread *)NULL);
	lock_debug_acquired(s, &s->debug, 0, false);
	if (atomic_add_return(&s->count, RWSEM_READER - RWSEM_WRITER) & RWSEM_WAITERS)
		serve(s);
}
