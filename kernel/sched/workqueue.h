/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work queues: run a function soon in a kernel thread, where it may sleep.
 *
 * The system queue has a pool of workers on each CPU, a queue of one's own has one whose workers go
 * where the scheduler likes.  A pool starts another worker when all of its own sleep and work waits,
 * so one sleeping work item does not delay the others.  An item runs on at most one worker at a
 * time, and may queue itself again.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/completion.h>
#include <kernel/time/timer.h>

struct workqueue;

struct work {
	struct list link;           /* [p] */
	void (*fn)(struct work *w); /* [I] */
	u32 pending;                /* [a] queued and not yet begun */
	struct workqueue *queue;    /* [p] where it was queued last */
};                                  /* p: lock of the pool, RANK_WORK_POOL */

struct delayed_work {
	struct work work;
	struct timer timer;
	struct workqueue *queue;
};

#define WORK_INIT(name, fn_)                                                                       \
	{                                                                                          \
		.link = LIST_INIT((name).link), .fn = (fn_)                                        \
	}

void work_init(struct work *w, void (*fn)(struct work *w));
void delayed_work_init(struct delayed_work *dw, void (*fn)(struct work *w));

static inline struct delayed_work *to_delayed_work(struct work *w)
{
	return container_of(w, struct delayed_work, work);
}

/* On the system queue.  Return false when it was pending already.  Context: any. */
bool work_queue(struct work *w);
bool work_queue_on(struct work *w, unsigned cpu);
bool delayed_work_queue(struct delayed_work *dw, u64 delay_ns);
/* Queue for `delay_ns` from now whether pending or not. */
void delayed_work_restart(struct delayed_work *dw, u64 delay_ns);

/* On a queue of one's own. */
bool workqueue_queue(struct workqueue *wq, struct work *w);
bool workqueue_queue_delayed(struct workqueue *wq, struct delayed_work *dw, u64 delay_ns);

/* Pull it out if pending, and wait if it runs.  Return true when it was pending.  Context: may
 * sleep. */
bool work_cancel_sync(struct work *w);
bool delayed_work_cancel_sync(struct delayed_work *dw);
/* Wait until what was queued last has run.  Context: may sleep. */
void work_flush(struct work *w);
void delayed_work_flush(struct delayed_work *dw);

static inline bool work_pending(const struct work *w)
{
	return atomic_load(&w->pending);
}

/*
 * A first worker is there from the start, so that memory reclaim may wait for items.  Returns NULL
 * when out of memory.  destroy runs what is queued first.  Context: may sleep.
 */
struct workqueue *workqueue_create(const char *name);
void workqueue_flush(struct workqueue *wq);
void workqueue_destroy(struct workqueue *wq);
/* How many workers all pools keep, for those who count what is in use. */
unsigned workqueue_workers(void);

void workqueue_init(void); /* boot: when kernel threads can be made */
