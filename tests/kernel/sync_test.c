/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locks, wait queues and RCU under several threads on all processors. */
#include <kernel/debug/ktest.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <kernel/sync/completion.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/seqlock.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>

#define THREADS 8
#define ROUNDS  640

/* Start THREADS threads, wait until all have returned. */
struct crew {
	void (*fn)(struct crew *c);
	struct completion done;
};

static void crew_main(void *arg)
{
	struct crew *c = arg;

	c->fn(c);
	completion_done(&c->done);
}

static bool crew_run(struct crew *c, void (*fn)(struct crew *c))
{
	unsigned started = 0;

	c->fn = fn;
	completion_init(&c->done);
	for (unsigned i = 0; i < THREADS; i++)
		started += !kthread_run(crew_main, c, "crew/%u", i);
	for (unsigned i = 0; i < started; i++)
		completion_wait(&c->done);
	return started == THREADS;
}

/* --- spinlock, mutex, rwsem ------------------------------------------------------------------- */

struct counter {
	struct crew crew;
	struct spinlock spin;
	struct mutex mutex;
	struct rwsem rwsem;
	u64 value, twin;
	u32 wrong;
};

static void spin_body(struct crew *crew)
{
	struct counter *c = container_of(crew, struct counter, crew);

	for (unsigned i = 0; i < ROUNDS; i++) {
		guard_spin_irq(&c->spin);
		c->value++;
	}
}

KTEST(sync_spinlock_storm)
{
	static struct counter c;

	c.value = 0;
	spin_init(&c.spin, RANK_NONE, "test");
	KREQUIRE(crew_run(&c.crew, spin_body));
	KEXPECT(c.value == THREADS * ROUNDS);
	KEXPECT(!spin_is_locked(&c.spin));
	KEXPECT(spin_trylock(&c.spin));
	KEXPECT(!spin_trylock(&c.spin));
	spin_unlock(&c.spin);
}

static void mutex_body(struct crew *crew)
{
	struct counter *c = container_of(crew, struct counter, crew);

	for (unsigned i = 0; i < ROUNDS; i++) {
		guard_mutex(&c->mutex);
		c->value++;
		if (i % 256 == 0)
			sleep_ns(10 * NSEC_PER_USEC);
	}
}

KTEST(sync_mutex_storm)
{
	static struct counter c;

	c.value = 0;
	mutex_init(&c.mutex, RANK_NONE, "test");
	KREQUIRE(crew_run(&c.crew, mutex_body));
	KEXPECT(c.value == THREADS * ROUNDS);
	KEXPECT(!mutex_is_locked(&c.mutex));
}

static void rwsem_body(struct crew *crew)
{
	struct counter *c = container_of(crew, struct counter, crew);

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 8 == 0) {
			guard_write(&c->rwsem);
			c->value++;
			if (i % 512 == 0)
				cond_resched();
			c->twin++;
		} else {
			guard_read(&c->rwsem);
			if (c->value != c->twin)
				atomic_inc(&c->wrong);
		}
	}
}

KTEST(sync_rwsem_storm)
{
	static struct counter c;

	c.value = c.twin = 0;
	c.wrong = 0;
	rwsem_init(&c.rwsem, RANK_NONE, "test");
	KREQUIRE(crew_run(&c.crew, rwsem_body));
	KEXPECT(c.value == THREADS * ROUNDS / 8);
	KEXPECT(!c.wrong);
	KEXPECT(rwsem_write_trylock(&c.rwsem));
	KEXPECT(!rwsem_read_trylock(&c.rwsem));
	rwsem_downgrade(&c.rwsem);
	KEXPECT(rwsem_read_trylock(&c.rwsem));
	rwsem_read_unlock(&c.rwsem);
	rwsem_read_unlock(&c.rwsem);
	KEXPECT(!c.rwsem.count);
}

/* --- seqlock ---------------------------------------------------------------------------------- */

struct pair {
	struct crew crew;
	struct seqlock lock;
	u64 a, b;
	u32 wrong;
};

static void pair_body(struct crew *crew)
{
	struct pair *p = container_of(crew, struct pair, crew);
	u32 seq;
	u64 a, b;

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 4 == 0) {
			seqlock_write_lock(&p->lock);
			WRITE_ONCE(p->a, p->a + 1);
			WRITE_ONCE(p->b, p->b + 1);
			seqlock_write_unlock(&p->lock);
		}
		do {
			seq = seqlock_read_begin(&p->lock);
			a = READ_ONCE(p->a);
			b = READ_ONCE(p->b);
		} while (seqlock_read_retry(&p->lock, seq));
		if (a != b)
			atomic_inc(&p->wrong);
	}
}

KTEST(sync_seqlock)
{
	static struct pair p;

	p = (struct pair){0};
	seqlock_init(&p.lock, RANK_NONE, "test");
	KREQUIRE(crew_run(&p.crew, pair_body));
	KEXPECT(!p.wrong);
	KEXPECT(p.a == THREADS * ROUNDS / 4);
}

/* --- wait queues ------------------------------------------------------------------------------ */

struct ping {
	struct wait_queue wq;
	u32 turn;
	struct completion done;
};

static void pong(void *arg)
{
	struct ping *p = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_event(&p->wq, atomic_load(&p->turn) == 1);
		atomic_store(&p->turn, 0u);
		wake_up(&p->wq);
	}
	completion_done(&p->done);
}

KTEST(sync_waitqueue_ping_pong)
{
	static struct ping p;

	wait_queue_init(&p.wq);
	completion_init(&p.done);
	p.turn = 0;
	KREQUIRE(!kthread_run(pong, &p, "pong"));
	for (unsigned i = 0; i < ROUNDS; i++) {
		atomic_store(&p.turn, 1u);
		wake_up(&p.wq);
		wait_event(&p.wq, atomic_load(&p.turn) == 0);
	}
	completion_wait(&p.done);
	KEXPECT(list_empty(&p.wq.waiters));
}

KTEST(sync_waitqueue_timeout)
{
	struct wait_queue wq;
	u64 before = clock_mono_ns(), took;

	wait_queue_init(&wq);
	KEXPECT(wait_event_timeout(&wq, false, before + 5 * NSEC_PER_MSEC) == -ETIMEDOUT);
	took = clock_mono_ns() - before;
	KEXPECT(took >= 5 * NSEC_PER_MSEC);
	KEXPECT(wait_event_timeout(&wq, true, before) == 0);
	KEXPECT(list_empty(&wq.waiters));
}

struct herd {
	struct crew crew;
	struct wait_queue wq;
	u32 tickets, served;
};

static bool take_ticket(struct herd *h)
{
	u32 n = atomic_load(&h->tickets);

	while (n)
		if (atomic_cmpxchg(&h->tickets, &n, n - 1))
			return true;
	return false;
}

static void herd_body(struct crew *crew)
{
	struct herd *h = container_of(crew, struct herd, crew);

	for (unsigned i = 0; i < ROUNDS / 10; i++) {
		(void)wait_event_interruptible_exclusive(&h->wq, take_ticket(h));
		atomic_inc(&h->served);
	}
}

static void herd_feeder(void *arg)
{
	struct herd *h = arg;

	for (unsigned i = 0; i < THREADS * (ROUNDS / 10); i++) {
		atomic_inc(&h->tickets);
		wake_up(&h->wq);
		if (i % 64 == 0)
			sleep_ns(NSEC_PER_MSEC / 10);
	}
}

KTEST(sync_waitqueue_exclusive)
{
	static struct herd h;

	h.tickets = h.served = 0;
	wait_queue_init(&h.wq);
	KREQUIRE(!kthread_run(herd_feeder, &h, "feeder"));
	KREQUIRE(crew_run(&h.crew, herd_body));
	KEXPECT(h.served == THREADS * (ROUNDS / 10));
	KEXPECT(!h.tickets);
}

/* --- RCU -------------------------------------------------------------------------------------- */

#define RCU_ALIVE 0x600d600dcafeull
#define RCU_DEAD  0xdeaddeaddeadull

struct rcu_thing {
	u64 magic;
	struct rcu_head rcu;
};

struct rcu_torture {
	struct crew crew;
	struct rcu_thing *shared;
	struct spinlock lock;
	u32 wrong, freed, replaced;
};

static struct rcu_torture torture;

static void thing_free(struct rcu_head *head)
{
	struct rcu_thing *thing = container_of(head, struct rcu_thing, rcu);

	WRITE_ONCE(thing->magic, RCU_DEAD);
	atomic_inc(&torture.freed);
	kfree(thing);
}

static void replace(struct rcu_torture *t)
{
	struct rcu_thing *new = kmalloc(sizeof(*new), GFP_KERNEL), *old;

	if (!new)
		return;
	new->magic = RCU_ALIVE;
	with_spin(&t->lock)
	{
		old = t->shared;
		rcu_assign_pointer(t->shared, new);
	}
	atomic_inc(&t->replaced);
	call_rcu(&old->rcu, thing_free);
}

static void torture_body(struct crew *crew)
{
	struct rcu_torture *t = container_of(crew, struct rcu_torture, crew);

	for (unsigned i = 0; i < ROUNDS; i++) {
		if (i % 16 == 0)
			replace(t);
		guard_rcu();
		const struct rcu_thing *thing = rcu_dereference(t->shared);

		for (unsigned n = 0; n < 50; n++)
			if (READ_ONCE(thing->magic) != RCU_ALIVE)
				atomic_inc(&t->wrong);
	}
}

KTEST(sync_rcu_torture)
{
	struct rcu_torture *t = &torture;

	*t = (struct rcu_torture){0};
	spin_init(&t->lock, RANK_NONE, "test");
	t->shared = kmalloc(sizeof(*t->shared), GFP_KERNEL);
	KREQUIRE(t->shared);
	t->shared->magic = RCU_ALIVE;
	KREQUIRE(crew_run(&t->crew, torture_body));
	rcu_barrier();
	KEXPECT(!t->wrong);
	KEXPECT(t->freed == t->replaced);
	kfree_rcu(t->shared, rcu);
}

KTEST(sync_rcu_synchronize)
{
	u64 before = rcu_snapshot();

	for (unsigned i = 0; i < 10; i++)
		synchronize_rcu();
	KEXPECT(rcu_passed(before) || num_online_cpus() == 1);
}
