/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work queues.
 *
 * A pool is a list of pending items and the workers that take from it.  The system queue is one
 * pool per CPU; a queue of one's own is one pool.  Idle workers lie in a list, the one that worked
 * last in front.  An item that comes wakes that one, but only one is on its way at any time: it
 * wakes the next when it finds more than it can take, and mostly those that are awake have taken it
 * by then.  (Many that wake for one item cost more than the item.)
 *
 * When an item waits and no worker is idle or on its way, the pool's spawner (itself an item of a
 * small pool kept for that) adds one, up to the pool's limit.  Both moments count at which that may
 * become so.  A worker begins an item while more wait: at once. An item comes: the workers may
 * sleep for a long time, perhaps until this very item has run, but mostly they are only busy; so
 * the spawner looks a little later whether it still waits.
 *
 * An item never runs on two workers at once: a worker that finds it running on another passes it to
 * that worker, which runs it again afterwards.
 *
 * `pending` elects the one who queues an item, and is cleared under the pool's lock when it begins,
 * so that it may be queued again while it runs.
 */
#define LOG_PREFIX "workqueue: "

#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/workqueue.h>
#include <kernel/smp/percpu.h>
#include <mm/alloc.h>
#include "sched_internal.h"

#define WORKERS_MAX 16
#define PATIENCE    NSEC_PER_MSEC /* for workers that may only be busy */

struct workqueue {
	struct spinlock lock;       /* RANK_WORK_POOL */
	struct list pending;        /* [p] struct work.link */
	struct list workers;        /* [p] struct worker.link */
	struct list idle;           /* [p] struct worker.idle_link */
	bool waking;                /* [p] one has left that list and not come yet */
	struct wait_queue finished; /* those who flush */
	u32 count, limit;           /* [p] workers */
	u32 spawning;               /* [a] a spawner is on its way */
	struct work spawner;
	struct delayed_work later;  /* calls the spawner */
	int cpu;                    /* [I] negative: any */
	u32 stopping;               /* [a] */
	char name[THREAD_COMM_LEN]; /* [I] */
};                                  /* p: lock */

struct worker {
	struct list link;       /* [p] */
	struct list idle_link;  /* [p] in the pool's list while it sleeps */
	struct list again;      /* [p] items that came while they ran here */
	struct work *current;   /* [p] */
	struct workqueue *pool; /* [I] */
	struct thread *thread;  /* [I] */
};

static DEFINE_PER_CPU(struct workqueue, system_pool);
static struct workqueue spawn_pool; /* runs spawners */
static u32 nr_workers;              /* [a] */

unsigned workqueue_workers(void)
{
	return atomic_load(&nr_workers);
}

void work_init(struct work *w, void (*fn)(struct work *w))
{
	*w = (struct work){.fn = fn};
	list_init(&w->link);
}

/* --- workers -------------------------------------------------------------------------------- */

static struct worker *worker_running(struct workqueue *p, const struct work *w)
{
	struct worker *k;

	list_for_each (k, &p->workers, link)
		if (k->current == w)
			return k;
	return NULL;
}

/* The next item for `k`, or NULL.  Locks: p->lock. */
static struct work *take_item(struct workqueue *p, struct worker *k)
{
	struct work *w, *next;

	if (!list_empty(&k->again))
		return list_first(&k->again, struct work, link);
	list_for_each_safe (w, next, &p->pending, link) {
		struct worker *other = worker_running(p, w);

		if (!other)
			return w;
		list_move_back(&other->again, &w->link);
	}
	return NULL;
}

static bool want_worker(struct workqueue *p)
{
	return !list_empty(&p->pending) && list_empty(&p->idle) && !p->waking &&
	       p->count < p->limit;
}

/* Locks: p->lock. */
static void wake_one(struct workqueue *p)
{
	struct worker *k;

	if (p->waking || list_empty(&p->idle) || list_empty(&p->pending))
		return;
	k = list_first(&p->idle, struct worker, idle_link);
	list_remove(&k->idle_link);
	p->waking = true;
	thread_wake(k->thread);
}

static void call_spawner(struct workqueue *p)
{
	if (!atomic_xchg(&p->spawning, 1u))
		workqueue_queue(&spawn_pool, &p->spawner);
}

static void run_item(struct workqueue *p, struct worker *k, struct work *w)
{
	void (*fn)(struct work * w) = w->fn;
	bool spawn;

	list_remove(&w->link);
	k->current = w;
	atomic_store_release(&w->pending, 0u);
	wake_one(p);
	spawn = want_worker(p);
	spin_unlock_irq(&p->lock);
	if (spawn)
		call_spawner(p);
	fn(w);
	lock_debug_check_none("a work function returned");
	spin_lock_irq(&p->lock);
	k->current = NULL;
}

/* Until woken for an item, or to stop.  Locks: p->lock, which it leaves meanwhile. */
static void worker_idle(struct workqueue *p, struct worker *k)
{
	list_push_front(&p->idle, &k->idle_link);
	thread_set_state(THREAD_IDLE);
	spin_unlock_irq(&p->lock);
	if (!kthread_should_stop())
		(void)wait_schedule(KTIME_MAX);
	thread_set_state(THREAD_RUNNING);
	spin_lock_irq(&p->lock);
	if (list_empty(&k->idle_link))
		p->waking = false;
	else
		list_remove(&k->idle_link);
}

static void worker_main(void *arg)
{
	struct worker *k = arg;
	struct workqueue *p = k->pool;

	spin_lock_irq(&p->lock);
	while (!kthread_should_stop()) {
		struct work *w = take_item(p, k);

		if (w) {
			run_item(p, k, w);
			if (wait_queue_active(&p->finished))
				wake_up_all(&p->finished);
		} else {
			worker_idle(p, k);
		}
	}
	spin_unlock_irq(&p->lock);
}

static int worker_create(struct workqueue *p)
{
	struct worker *k = kzalloc(sizeof(*k), GFP_KERNEL);
	int err;

	if (!k)
		return -ENOMEM;
	k->pool = p;
	list_init(&k->again);
	list_init(&k->idle_link);
	err = kthread_create(&k->thread, worker_main, k, "%s", p->name);
	if (err) {
		kfree(k);
		return err;
	}
	if (p->cpu >= 0)
		VERIFY(!thread_set_cpu(k->thread, (unsigned)p->cpu));
	with_spin_irq(&p->lock)
	{
		list_push_back(&p->workers, &k->link);
		p->count++;
	}
	atomic_inc(&nr_workers);
	thread_start(k->thread);
	return 0;
}

static void spawn(struct work *w)
{
	struct workqueue *p = container_of(w, struct workqueue, spawner);
	bool wanted;

	/* Before the look: whoever finds it set afterwards has been seen. */
	atomic_xchg(&p->spawning, 0u);
	with_spin_irq(&p->lock) wanted = want_worker(p);
	/* Without memory the workers there are must do. */
	if (wanted && !atomic_load(&p->stopping))
		(void)worker_create(p);
}

static void spawn_later(struct work *w)
{
	spawn(&container_of(to_delayed_work(w), struct workqueue, later)->spawner);
}

/* --- queueing ------------------------------------------------------------------------------- */

static void push(struct workqueue *p, struct work *w)
{
	bool spawn;

	with_spin_irq(&p->lock)
	{
		w->queue = p;
		list_push_back(&p->pending, &w->link);
		wake_one(p);
		spawn = want_worker(p);
	}
	if (unlikely(spawn))
		workqueue_queue_delayed(&spawn_pool, &p->later, PATIENCE);
}

bool workqueue_queue(struct workqueue *wq, struct work *w)
{
	if (atomic_xchg(&w->pending, 1u))
		return false;
	push(wq, w);
	return true;
}

bool work_queue_on(struct work *w, unsigned cpu)
{
	return workqueue_queue(&per_cpu(system_pool, cpu_online(cpu) ? cpu : 0), w);
}

bool work_queue(struct work *w)
{
	guard_preempt();
	return work_queue_on(w, cpu_id());
}

static void delayed_due(struct timer *timer)
{
	struct delayed_work *dw = container_of(timer, struct delayed_work, timer);

	push(dw->queue ? dw->queue : &this_cpu(system_pool), &dw->work);
}

void delayed_work_init(struct delayed_work *dw, void (*fn)(struct work *w))
{
	work_init(&dw->work, fn);
	timer_init(&dw->timer, delayed_due);
	dw->queue = NULL;
}

static void arm(struct delayed_work *dw, u64 delay_ns)
{
	timer_start(&dw->timer, clock_deadline(delay_ns), delay_ns / 16);
}

bool workqueue_queue_delayed(struct workqueue *wq, struct delayed_work *dw, u64 delay_ns)
{
	if (atomic_xchg(&dw->work.pending, 1u))
		return false;
	dw->queue = wq;
	arm(dw, delay_ns);
	return true;
}

bool delayed_work_queue(struct delayed_work *dw, u64 delay_ns)
{
	return workqueue_queue_delayed(NULL, dw, delay_ns);
}

void delayed_work_restart(struct delayed_work *dw, u64 delay_ns)
{
	if (!atomic_xchg(&dw->work.pending, 1u) || timer_cancel(&dw->timer))
		arm(dw, delay_ns);
}

/* --- waiting -------------------------------------------------------------------------------- */

/* Is `w` queued in or run by its pool?  With `cancel`, take it out of the queue. */
static bool busy(struct work *w, bool cancel, bool *cancelled)
{
	struct workqueue *p = atomic_load(&w->queue);

	if (!p)
		return false;
	guard_spin_irq(&p->lock);
	if (cancel && !list_empty(&w->link)) {
		list_remove(&w->link);
		atomic_store_release(&w->pending, 0u);
		*cancelled = true;
	}
	return !list_empty(&w->link) || worker_running(p, w);
}

static void wait_idle(struct work *w, bool cancel, bool *cancelled)
{
	struct workqueue *p;

	while (busy(w, cancel, cancelled)) {
		p = atomic_load(&w->queue);
		(void)wait_event_timeout(&p->finished, !busy(w, cancel, cancelled),
					 clock_deadline(100 * NSEC_PER_MSEC));
	}
}

bool work_cancel_sync(struct work *w)
{
	bool cancelled = false;

	wait_idle(w, true, &cancelled);
	return cancelled;
}

void work_flush(struct work *w)
{
	bool unused;

	wait_idle(w, false, &unused);
}

bool delayed_work_cancel_sync(struct delayed_work *dw)
{
	bool cancelled = timer_cancel_sync(&dw->timer);

	if (cancelled)
		atomic_store_release(&dw->work.pending, 0u);
	return work_cancel_sync(&dw->work) || cancelled;
}

void delayed_work_flush(struct delayed_work *dw)
{
	if (timer_cancel_sync(&dw->timer))
		push(dw->queue ? dw->queue : &per_cpu(system_pool, 0), &dw->work);
	work_flush(&dw->work);
}

/* --- queues --------------------------------------------------------------------------------- */

static void pool_init(struct workqueue *p, const char *name, int cpu, u32 limit)
{
	spin_init(&p->lock, RANK_WORK_POOL, "workqueue.lock");
	list_init(&p->pending);
	list_init(&p->workers);
	list_init(&p->idle);
	wait_queue_init(&p->finished);
	work_init(&p->spawner, spawn);
	delayed_work_init(&p->later, spawn_later);
	p->cpu = cpu;
	p->limit = limit;
	strscpy(p->name, name, sizeof(p->name));
}

struct workqueue *workqueue_create(const char *name)
{
	struct workqueue *p = kzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	pool_init(p, name, -1, WORKERS_MAX);
	if (worker_create(p)) {
		kfree(p);
		return NULL;
	}
	return p;
}

static bool pool_quiet(struct workqueue *p)
{
	struct worker *k;

	guard_spin_irq(&p->lock);
	if (!list_empty(&p->pending))
		return false;
	list_for_each (k, &p->workers, link)
		if (k->current || !list_empty(&k->again))
			return false;
	return true;
}

void workqueue_flush(struct workqueue *wq)
{
	while (!pool_quiet(wq))
		(void)wait_event_timeout(&wq->finished, pool_quiet(wq),
					 clock_deadline(100 * NSEC_PER_MSEC));
}

void workqueue_destroy(struct workqueue *wq)
{
	struct worker *k, *next;

	workqueue_flush(wq);
	atomic_store(&wq->stopping, 1u);
	work_flush(&wq->spawner);
	delayed_work_cancel_sync(&wq->later);
	list_for_each_safe (k, next, &wq->workers, link) {
		kthread_stop(k->thread);
		kfree(k);
		atomic_dec(&nr_workers);
	}
	kfree(wq);
}

void workqueue_init(void)
{
	char name[THREAD_COMM_LEN];
	unsigned cpu;

	pool_init(&spawn_pool, "work/spawn", -1, 1);
	VERIFY(!worker_create(&spawn_pool));
	for_each_possible_cpu(cpu)
	{
		struct workqueue *p = &per_cpu(system_pool, cpu);

		snprintf(name, sizeof(name), "work/%u", cpu);
		pool_init(p, name, (int)cpu, WORKERS_MAX);
		VERIFY(!worker_create(p));
	}
}
