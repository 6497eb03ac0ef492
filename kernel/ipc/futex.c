/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Futexes.
 *
 * A waiter stands in a bucket chosen by the hash of its key: what the word is, not where some
 * process maps it.  The kernel compares the word with the expected value and queues the waiter
 * under one bucket lock, and a waker changes the word before it takes that lock:
 *
 *	waiter				waker
 *	lock bucket
 *	read word: still the old value	change word
 *	queue				lock bucket (waits)
 *	unlock, sleep			finds the waiter, wakes it
 *
 * Reading under a spinlock must not fault: the word is read with page faults off, and on failure
 * the lock is dropped, the page brought in, and everything tried again.
 *
 * A waiter is taken off its bucket by whoever wakes it; requeueing moves it, so the waiter finds
 * its bucket through waiter.bucket and checks again once it has that bucket's lock.
 *
 * Two buckets are locked in address order.  Priority inheritance is not provided: FUTEX_LOCK_PI
 * answers ENOSYS, as on a kernel built without it.
 */
#include <kernel/ipc/futex.h>

#include <arch/usercopy.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/futex.h>
#include <kernel/lib/hash.h>
#include <kernel/proc/process.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/space.h>
#include <mm/usercopy.h>

#define FUTEX_BUCKET_BITS 8
#define FUTEX_BUCKETS     (1 << FUTEX_BUCKET_BITS)
#define ROBUST_LIST_LIMIT 2048

struct bucket {
	struct spinlock lock;
	struct list waiters; /* [lock] */
} __aligned(64);

struct waiter {
	struct list link;      /* [bucket lock] */
	struct futex_key key;  /* [bucket lock] */
	struct bucket *bucket; /* [a] changes under both buckets' locks; NULL once woken */
	struct thread *thread; /* [I] */
	u32 bits;              /* [I] */
};

static struct bucket buckets[FUTEX_BUCKETS];

void futex_init(void)
{
	for (int i = 0; i < FUTEX_BUCKETS; i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX, "futex");
		list_init(&buckets[i].waiters);
	}
}

static struct bucket *bucket_of(const struct futex_key *k)
{
	u64 word = k->object + k->index * 0x9e3779b97f4a7c15ull + k->offset;

	return &buckets[hash64(word, FUTEX_BUCKET_BITS)];
}

static bool key_equal(const struct futex_key *a, const struct futex_key *b)
{
	return a->object == b->object && a->index == b->index && a->offset == b->offset;
}

static int key_of(u32 __user *uaddr, bool shared, bool write, struct futex_key *key)
{
	if ((vaddr_t)uaddr & 3)
		return -EINVAL;
	if (!user_access_ok(uaddr, sizeof(*uaddr)))
		return -EFAULT;
	return mm_futex_key((vaddr_t)uaddr, shared, write, key);
}

/* Waking. */

/* Take `w` off its bucket and let it run.  After the store of NULL the waiter's memory may go away.
 */
static void waiter_wake(struct waiter *w)
{
	struct thread *t = thread_get(w->thread);

	list_remove(&w->link);
	atomic_store_release(&w->bucket, NULL);
	thread_wake(t);
	thread_put(t);
}

static unsigned bucket_wake(struct bucket *b, const struct futex_key *key, unsigned n, u32 bits)
{
	struct waiter *w, *next;
	unsigned woken = 0;

	list_for_each_safe (w, next, &b->waiters, link) {
		if (woken == n)
			break;
		if (!key_equal(&w->key, key) || !(w->bits & bits))
			continue;
		waiter_wake(w);
		woken++;
	}
	return woken;
}

static long futex_wake(u32 __user *uaddr, bool shared, unsigned n, u32 bits)
{
	struct futex_key key;
	int err;

	if (!bits)
		return -EINVAL;
	err = key_of(uaddr, shared, false, &key);
	if (err)
		return err;
	struct bucket *b = bucket_of(&key);

	/*
	 * Nobody there: the empty test is ordered after the caller's store by the barrier, as the
	 * waiter queues before it reads.
	 */
	smp_mb();
	if (list_empty(&b->waiters))
		return 0;
	guard_spin(&b->lock);
	return bucket_wake(b, &key, n, bits);
}

long futex_wake_user(vaddr_t addr, bool shared, unsigned n, u32 bits)
{
	return futex_wake((u32 __user *)addr, shared, n, bits);
}

/* Waiting. */

/* The word, without sleeping: the bucket's lock has preemption off. */
static int read_word_atomic(u32 *out, u32 __user *uaddr)
{
	int err;

	pagefault_disable();
	err = get_user(*out, uaddr);
	pagefault_enable();
	return err;
}

/* Queue `w` if the word still has the value.  0, -EWOULDBLOCK, -EFAULT... */
static int queue_if_equal(struct waiter *w, u32 __user *uaddr, bool shared, u32 expected)
{
	u32 value;
	int err;

	for (;;) {
		err = key_of(uaddr, shared, false, &w->key);
		if (err)
			return err;
		struct bucket *b = bucket_of(&w->key);
		{
			guard_spin(&b->lock);
			/*
			 * Queued first: a waker that tests for emptiness without the lock must see
			 * us if we see the old value.
			 */
			list_push_back(&b->waiters, &w->link);
			smp_mb();
			err = read_word_atomic(&value, uaddr);
			if (!err && value == expected) {
				w->bucket = b;
				thread_set_state(THREAD_INTERRUPTIBLE);
				return 0;
			}
			list_remove(&w->link);
		}
		if (!err)
			return -EWOULDBLOCK;
		err = get_user(value, uaddr);
		if (err)
			return err;
	}
}

/* Leave the queue.  Returns false when we were woken. */
static bool unqueue(struct waiter *w)
{
	struct bucket *b;

	while ((b = atomic_load_acquire(&w->bucket))) {
		guard_spin(&b->lock);
		if (w->bucket != b)
			continue;
		list_remove(&w->link);
		w->bucket = NULL;
		return true;
	}
	return false;
}

/* Returns 0 when woken, -ETIMEDOUT, -ERESTARTSYS, -EWOULDBLOCK, ... */
static int futex_wait_until(u32 __user *uaddr, bool shared, u32 value, u32 bits, u64 deadline)
{
	struct waiter w = {.thread = thread_current(), .bits = bits};
	int err;

	if (!bits)
		return -EINVAL;
	list_init(&w.link);
	err = queue_if_equal(&w, uaddr, shared, value);
	if (err)
		return err;
	bool timed_out = false;
	while (atomic_load_acquire(&w.bucket)) {
		if (signal_pending(thread_current()) || timed_out)
			break;
		timed_out = schedule_timeout(deadline) == -ETIMEDOUT;
		if (atomic_load_acquire(&w.bucket) && !timed_out)
			thread_set_state(THREAD_INTERRUPTIBLE);
	}
	thread_set_state(THREAD_RUNNING);
	if (!unqueue(&w))
		return 0;
	return timed_out ? -ETIMEDOUT : -ERESTARTSYS;
}

/* restart.args: address, value, bits, shared, deadline. */
static long futex_wait_restart(struct thread *t)
{
	const u64 *a = t->restart.args;
	int err = futex_wait_until((u32 __user *)(vaddr_t)a[0], a[3], (u32)a[1], (u32)a[2], a[4]);

	if (err != -ERESTARTSYS)
		return err;
	t->restart.fn = futex_wait_restart;
	return -ERESTART_RESTARTBLOCK;
}

static long futex_wait(u32 __user *uaddr, bool shared, u32 value, u32 bits, u64 deadline)
{
	int err = futex_wait_until(uaddr, shared, value, bits, deadline);

	if (err != -ERESTARTSYS || deadline == KTIME_MAX)
		return err;
	/* A relative timeout must not start anew. */
	struct thread *t = thread_current();
	t->restart.args[0] = (vaddr_t)uaddr;
	t->restart.args[1] = value;
	t->restart.args[2] = bits;
	t->restart.args[3] = shared;
	t->restart.args[4] = deadline;
	t->restart.fn = futex_wait_restart;
	return -ERESTART_RESTARTBLOCK;
}

/* Two queues. */

static void lock_two(struct bucket *a, struct bucket *b)
{
	struct bucket *first = a < b ? a : b, *second = a < b ? b : a;

	spin_lock(&first->lock);
	if (first != second)
		spin_lock_nested(&second->lock, 1);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

static void waiter_move(struct waiter *w, const struct futex_key *key, struct bucket *to)
{
	list_remove(&w->link);
	w->key = *key;
	list_push_back(&to->waiters, &w->link);
	atomic_store_release(&w->bucket, to);
}

static long requeue_locked(struct bucket *from, struct bucket *to, const struct futex_key *key1,
			   const struct futex_key *key2, unsigned wake, unsigned move)
{
	struct waiter *w, *next;
	unsigned done = 0;

	list_for_each_safe (w, next, &from->waiters, link) {
		if (done >= wake && done - wake >= move)
			break;
		if (!key_equal(&w->key, key1))
			continue;
		if (done < wake)
			waiter_wake(w);
		else
			waiter_move(w, key2, to);
		done++;
	}
	return done;
}

static long futex_requeue(u32 __user *uaddr, u32 __user *uaddr2, bool shared, unsigned wake,
			  unsigned move, const u32 *expected)
{
	struct futex_key key1, key2;
	u32 value;
	int err;

	if ((int)wake < 0 || (int)move < 0)
		return -EINVAL;
	for (;;) {
		err = key_of(uaddr, shared, false, &key1);
		if (!err)
			err = key_of(uaddr2, shared, false, &key2);
		if (err)
			return err;
		struct bucket *b1 = bucket_of(&key1), *b2 = bucket_of(&key2);

		lock_two(b1, b2);
		err = expected ? read_word_atomic(&value, uaddr) : 0;
		if (!err) {
			long done = -EAGAIN;

			if (!expected || value == *expected)
				done = requeue_locked(b1, b2, &key1, &key2, wake, move);
			unlock_two(b1, b2);
			return done;
		}
		unlock_two(b1, b2);
		err = get_user(value, uaddr);
		if (err)
			return err;
	}
}

static s32 sign_extend12(u32 v)
{
	return (s32)(v << 20) >> 20;
}

/* The encoded operation of FUTEX_WAKE_OP: op:4 cmp:4 oparg:12 cmparg:12. */
static int wake_op_apply(u32 encoded, u32 __user *uaddr, bool *matched)
{
	unsigned op = encoded >> 28 & 7, cmp = encoded >> 24 & 15;
	s32 arg = sign_extend12(encoded >> 12 & 0xfff), cmparg = sign_extend12(encoded & 0xfff);
	u32 old;
	int err;

	if (encoded >> 28 & FUTEX_OP_OPARG_SHIFT) /* the argument is a bit number */
		arg = 1 << (arg & 31);
	pagefault_disable();
	err = arch_user_fetch_op32(uaddr, op, (u32)arg, &old);
	pagefault_enable();
	if (err)
		return err;
	switch (cmp) {
	case FUTEX_OP_CMP_EQ: *matched = (s32)old == cmparg; return 0;
	case FUTEX_OP_CMP_NE: *matched = (s32)old != cmparg; return 0;
	case FUTEX_OP_CMP_LT: *matched = (s32)old < cmparg; return 0;
	case FUTEX_OP_CMP_LE: *matched = (s32)old <= cmparg; return 0;
	case FUTEX_OP_CMP_GT: *matched = (s32)old > cmparg; return 0;
	case FUTEX_OP_CMP_GE: *matched = (s32)old >= cmparg; return 0;
	default: return -ENOSYS;
	}
}

static long futex_wake_op(u32 __user *uaddr, u32 __user *uaddr2, bool shared, unsigned n1,
			  unsigned n2, u32 encoded)
{
	struct futex_key key1, key2;
	bool matched = false;
	int err;

	for (;;) {
		err = key_of(uaddr, shared, false, &key1);
		if (!err)
			err = key_of(uaddr2, shared, true, &key2);
		if (err)
			return err;
		struct bucket *b1 = bucket_of(&key1), *b2 = bucket_of(&key2);

		lock_two(b1, b2);
		err = wake_op_apply(encoded, uaddr2, &matched);
		if (!err) {
			long woken = bucket_wake(b1, &key1, n1, FUTEX_BITSET_MATCH_ANY);

			if (matched)
				woken += bucket_wake(b2, &key2, n2, FUTEX_BITSET_MATCH_ANY);
			unlock_two(b1, b2);
			return woken;
		}
		unlock_two(b1, b2);
		if (err != -EFAULT)
			return err;
		err = fault_in_user(uaddr2, sizeof(*uaddr2), true);
		if (err)
			return err;
	}
}

/* The call. */

/* The deadline on the monotonic clock.  FUTEX_WAIT counts from now; the bitset form names a moment.
 */
static int decode_timeout(const struct __kernel_timespec __user *utime, int cmd, bool realtime,
			  u64 *deadline)
{
	struct __kernel_timespec ts;
	u64 ns;

	*deadline = KTIME_MAX;
	if (!utime)
		return 0;
	if (copy_from_user(&ts, utime, sizeof(ts)))
		return -EFAULT;
	int err = timespec_to_ns(&ts, &ns);
	if (err)
		return err;
	if (cmd == FUTEX_WAIT) {
		*deadline = clock_deadline(ns);
	} else if (realtime) {
		s64 mono = (s64)ns - clock_real_offset();
		*deadline = mono > 0 ? (u64)mono : 0;
	} else {
		*deadline = ns;
	}
	return 0;
}

long sys_futex(u32 __user *uaddr, int op, unsigned int val,
	       const struct __kernel_timespec __user *utime, u32 __user *uaddr2, unsigned int val3)
{
	int cmd = op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
	unsigned val2 = (unsigned)(unsigned long)utime;
	u64 deadline;
	int err;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT)
		return -ENOSYS;
	switch (cmd) {
	case FUTEX_WAIT: val3 = FUTEX_BITSET_MATCH_ANY; __fallthrough;
	case FUTEX_WAIT_BITSET:
		err = decode_timeout(utime, cmd, realtime, &deadline);
		return err ? err : futex_wait(uaddr, shared, val, val3, deadline);
	case FUTEX_WAKE: val3 = FUTEX_BITSET_MATCH_ANY; __fallthrough;
	case FUTEX_WAKE_BITSET: return futex_wake(uaddr, shared, val ? val : 1, val3);
	case FUTEX_REQUEUE: return futex_requeue(uaddr, uaddr2, shared, val, val2, NULL);
	case FUTEX_CMP_REQUEUE: return futex_requeue(uaddr, uaddr2, shared, val, val2, &val3);
	case FUTEX_WAKE_OP: return futex_wake_op(uaddr, uaddr2, shared, val, val2, val3);
	default: return -ENOSYS;
	}
}

/* Robust lists: set_robust_list(2), Documentation/locking/robust-futex-ABI. */

long sys_set_robust_list(const struct robust_list_head __user *head, size_t len)
{
	if (len != sizeof(*head))
		return -EINVAL;
	task_current()->robust_list = (vaddr_t)head;
	return 0;
}

long sys_get_robust_list(int pid, addr_t __user *head, size_t __user *len)
{
	struct thread *t = pid ? pid_thread_get((u32)pid) : thread_get(thread_current());
	vaddr_t list;

	if (!t)
		return -ESRCH;
	bool ok = may_access(t->process);
	list = task_of(t)->robust_list;
	thread_put(t);
	if (!ok)
		return -EPERM;
	if (put_user(sizeof(struct robust_list_head), len))
		return -EFAULT;
	return put_user(list, head);
}

/* The owner of this lock is dying: say so in the word and wake one waiter. */
static void robust_death(u32 __user *uaddr, u32 tid, bool pi, bool pending_op)
{
	u32 word;

	if (((vaddr_t)uaddr & 3) || !user_access_ok(uaddr, sizeof(*uaddr)) || get_user(word, uaddr))
		return;
	/* Between unlocking and waking, the dead left waiters who expect to be woken. */
	if (pending_op && !pi && !word) {
		futex_wake(uaddr, true, 1, FUTEX_BITSET_MATCH_ANY);
		return;
	}
	for (;;) {
		u32 seen = word;

		if ((word & FUTEX_TID_MASK) != tid)
			return;
		if (arch_user_cmpxchg32(uaddr, &seen, (word & FUTEX_WAITERS) | FUTEX_OWNER_DIED))
			return;
		if (seen == word)
			break;
		word = seen;
	}
	if (!pi && (word & FUTEX_WAITERS))
		futex_wake(uaddr, true, 1, FUTEX_BITSET_MATCH_ANY);
}

static int fetch_entry(vaddr_t *entry, bool *pi, const unsigned long __user *from)
{
	unsigned long v;

	if (get_user(v, from))
		return -EFAULT;
	*pi = v & 1;
	*entry = v & ~1ul;
	return 0;
}

static void robust_list_walk(vaddr_t list, u32 tid)
{
	const unsigned long __user *head = (const unsigned long __user *)list;
	vaddr_t entry, pending, next = 0;
	bool pi, pending_pi, next_pi = false;
	long offset;

	/* struct robust_list_head: next, offset of the word, lock being taken or released. */
	if (fetch_entry(&entry, &pi, head) || get_user(offset, (const long __user *)(head + 1)) ||
	    fetch_entry(&pending, &pending_pi, head + 2))
		return;
	for (unsigned n = 0; entry != list && n < ROBUST_LIST_LIMIT; n++) {
		/* Read the link first: waking lets others reuse the memory. */
		int err = fetch_entry(&next, &next_pi, (const unsigned long __user *)entry);

		if (entry != pending)
			robust_death((u32 __user *)(entry + (vaddr_t)offset), tid, pi, false);
		if (err)
			return;
		entry = next;
		pi = next_pi;
		cond_resched();
	}
	if (pending)
		robust_death((u32 __user *)(pending + (vaddr_t)offset), tid, pending_pi, true);
}

void futex_exit(struct task *task)
{
	struct thread *t = thread_current();

	if (!t->mm)
		return;
	if (task->robust_list) {
		robust_list_walk(task->robust_list, t->tid);
		task->robust_list = 0;
	}
	if (task->clear_child_tid) {
		u32 __user *word = (u32 __user *)task->clear_child_tid;

		task->clear_child_tid = 0;
		/* Alone in the space nobody can look. */
		if (refcount_read(&t->mm->users) > 1 && !put_user(0u, word))
			futex_wake(word, true, 1, FUTEX_BITSET_MATCH_ANY);
	}
}

long sys_set_tid_address(int __user *tidptr)
{
	task_current()->clear_child_tid = (vaddr_t)tidptr;
	return thread_current()->tid;
}
