/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests: tags, merging, and the way to the driver.
 *
 * A queue owns up to `depth` requests, one per tag; a bit in `tags` says which are in use.
 * REQUESTS_READY of them are made with the queue, so that I/O goes on without memory; tags above
 * `made` are marked as in use until requests for them are made, when all others are taken and there
 * is memory to be had without waiting.  A bio that finds none free sleeps, or is parked on the
 * queue when its submitter cannot sleep.
 *
 * The driver takes a request or answers -EBUSY; then the request is parked, and so are later ones,
 * in order.  `parked` is set before the driver is asked a last time, so an end of a request either
 * makes room that this attempt finds, or comes after and sees `parked`:
 *
 *	submitter				request_end
 *	parked = 1				room for one more
 *	queue() answers -EBUSY			parked?  run the queue
 *
 * One processor at a time empties the parked list (`runs` counts the others, for whom it looks
 * again), so a driver that ends requests inside queue() does not recurse.
 *
 * The driver is called with preemption off; disk_remove() marks the disk dead and waits for a grace
 * period, after which the driver gets no more calls.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <kernel/time/clock.h>
#include <mm/page.h>
#include "block_internal.h"

#define TIMEOUT_SECONDS 30u
#define PLUG_MOST       32u
#define REQUESTS_READY  8u /* per queue: a disk at rest has few, and one queue per processor */
#define REQUESTS_MORE   16u

/* --- tags ------------------------------------------------------------------------------------- */

static struct request *tag_find(struct queue_state *q)
{
	for (unsigned w = 0; w < q->words; w++) {
		u64 old = atomic_load(&q->tags[w]);

		while (~old) {
			unsigned bit = ctz64(~old);

			if (atomic_cmpxchg_acquire(&q->tags[w], &old, old | 1ull << bit))
				return q->requests[w * 64 + bit];
		}
	}
	return NULL;
}

/* Requests are in the linear map, so that a device may read and write the driver's part. */
static bool request_make(struct queue_state *q, unsigned tag, gfp_t gfp)
{
	struct request *rq = kzalloc(sizeof(*rq) + q->driver_size, gfp);

	if (!rq)
		return false;
	rq->hq = q->hq;
	rq->disk = q->hq->disk;
	rq->tag = (u16)tag;
	/* A device may name any tag at any time: who looks the request up finds it whole. */
	atomic_store_release(&q->requests[tag], rq);
	return true;
}

static void tag_free(struct queue_state *q, unsigned tag)
{
	__atomic_fetch_and(&q->tags[tag / 64], ~(1ull << tag % 64), __ATOMIC_RELEASE);
}

/*
 * Make some of the requests that are missing.  The first is the caller's, the others are free.  One
 * does this at a time; who comes meanwhile goes on as if all requests were there, and is woken for
 * those that are new; a bio that was parked meanwhile begins when a request ends, at the latest the
 * caller's.  Returns NULL when there are no more, or no memory at once.
 */
static __noinline struct request *tags_make(struct queue_state *q)
{
	if (atomic_load(&q->made) == q->depth || atomic_xchg(&q->making, 1u))
		return NULL;

	unsigned first = atomic_load(&q->made), made = first;

	while (made < min(first + REQUESTS_MORE, q->depth) &&
	       request_make(q, made, GFP_NOWAIT | __GFP_NORETRY))
		made++;
	atomic_store_release(&q->made, made);
	for (unsigned tag = first + 1; tag < made; tag++)
		tag_free(q, tag);
	atomic_store_release(&q->making, 0u);
	if (made == first)
		return NULL;
	if (wait_queue_active(&q->tag_wait))
		wake_up_all(&q->tag_wait);
	return q->requests[first];
}

static __always_inline struct request *tag_take(struct queue_state *q)
{
	struct request *rq = tag_find(q);

	return likely(rq) ? rq : tags_make(q);
}

static struct request *tag_wait(struct queue_state *q)
{
	struct request *rq = NULL;

	plug_flush_current();
	(void)wait_event_common_(&q->tag_wait, (rq = tag_take(q)) != NULL, THREAD_UNINTERRUPTIBLE,
				 WAIT_EXCLUSIVE, KTIME_MAX);
	/* A wake-up that came although we needed none is the next one's. */
	wake_up(&q->tag_wait);
	return rq;
}

static void request_fill(struct request *rq, struct bio *bio)
{
	rq->bio = rq->last = bio;
	rq->sector = bio->sector;
	rq->size = bio->size;
	rq->op = bio->op;
	rq->flags = bio->flags;
	rq->nr_segments = bio->nr_vecs;
	rq->next = NULL;
	rq->start = clock_mono_ns();
	atomic_store(&rq->state, REQUEST_HELD);
	stats_start(bio->bdev, bio->op, rq->start);
}

static struct bio *bio_unpark(struct queue_state *q)
{
	guard_spin_irq(&q->lock);
	struct bio *bio = q->bios;

	if (bio) {
		q->bios = bio->next;
		bio->next = NULL;
	}
	if (!q->bios)
		atomic_store(&q->parked_bios, 0u);
	return bio;
}

static void bio_park(struct queue_state *q, struct bio *bio)
{
	guard_spin_irq(&q->lock);
	bio->next = NULL;
	if (q->bios)
		q->last_bio->next = bio;
	else
		q->bios = bio;
	q->last_bio = bio;
	atomic_store(&q->parked_bios, 1u);
}

/* Bios that wait for a tag without a thread: give them those that are free. */
static void run_parked_bios(struct queue_state *q)
{
	while (atomic_load(&q->parked_bios)) {
		struct request *rq = tag_take(q);
		struct bio *bio;

		if (!rq)
			return;
		bio = bio_unpark(q);
		if (bio) {
			request_fill(rq, bio);
			request_start(rq, true);
			continue;
		}
		tag_free(q, rq->tag);
		wake_up(&q->tag_wait);
		smp_mb();
	}
}

static void tag_put(struct queue_state *q, struct request *rq)
{
	atomic_store(&rq->state, REQUEST_FREE);
	tag_free(q, rq->tag);
	if (unlikely(wait_queue_active(&q->tag_wait)))
		wake_up(&q->tag_wait);
	if (unlikely(atomic_load(&q->parked_bios)))
		run_parked_bios(q);
}

/* --- to the driver ---------------------------------------------------------------------------- */

static void watch_arm(struct disk *disk)
{
	if (likely(atomic_load(&disk->watched)) || atomic_xchg(&disk->watched, 1u))
		return;
	delayed_work_queue(&disk->watch, NSEC_PER_SEC);
}

/* Ask the driver.  0: it has the request (or ended it); -EBUSY: it is ours. */
static int driver_queue(struct request *rq, bool last)
{
	struct hw_queue *hq = rq->hq;
	struct disk *disk = hq->disk;
	int err;

	preempt_disable();
	if (unlikely(disk_test(disk, DISK_DEAD))) {
		err = -EIO;
	} else {
		atomic_store(&rq->epoch, atomic_load(&disk->epoch));
		atomic_store(&rq->state, REQUEST_STARTED);
		err = disk->ops->queue(hq, rq, last);
		if (unlikely(err == -EBUSY))
			atomic_store(&rq->state, REQUEST_HELD);
	}
	preempt_enable();
	watch_arm(disk);
	if (unlikely(err && err != -EBUSY)) {
		request_end(rq, err);
		err = 0;
	}
	return err;
}

static void driver_commit(struct hw_queue *hq)
{
	struct disk *disk = hq->disk;

	guard_preempt();
	if (disk->ops->commit && !disk_test(disk, DISK_DEAD))
		disk->ops->commit(hq);
}

/* --- requests the driver had no room for ------------------------------------------------------ */

static void park_back(struct queue_state *q, struct request *rq)
{
	rq->next = NULL;
	if (q->first)
		q->last->next = rq;
	else
		q->first = rq;
	q->last = rq;
	atomic_store(&q->parked, 1u);
}

static void park_front(struct queue_state *q, struct request *rq)
{
	guard_spin_irq(&q->lock);
	rq->next = q->first;
	if (!q->first)
		q->last = rq;
	q->first = rq;
}

static struct request *unpark(struct queue_state *q, bool *more)
{
	guard_spin_irq(&q->lock);
	struct request *rq = q->first;

	if (!rq) {
		atomic_store(&q->parked, 0u);
		return NULL;
	}
	q->first = rq->next;
	rq->next = NULL;
	*more = q->first != NULL;
	return rq;
}

static void run_once(struct hw_queue *hq)
{
	struct queue_state *q = hq->state;
	struct request *rq;
	bool more;

	while ((rq = unpark(q, &more)) != NULL) {
		if (driver_queue(rq, !more) != -EBUSY)
			continue;
		park_front(q, rq);
		driver_commit(hq);
		return;
	}
}

static void queue_run(struct hw_queue *hq)
{
	struct queue_state *q = hq->state;
	u32 seen;

	if (atomic_fetch_add(&q->runs, 1u))
		return;
	do {
		seen = atomic_load(&q->runs);
		run_once(hq);
	} while (!atomic_cmpxchg(&q->runs, &seen, 0u));
}

void hw_queue_kick(struct hw_queue *hq)
{
	smp_mb();
	if (atomic_load(&hq->state->parked))
		queue_run(hq);
}

/* Behind those that are parked already.  False: none are. */
static bool park_behind(struct queue_state *q, struct request *rq)
{
	if (likely(!atomic_load(&q->parked)))
		return false;
	guard_spin_irq(&q->lock);
	if (!atomic_load(&q->parked))
		return false;
	park_back(q, rq);
	return true;
}

void request_start(struct request *rq, bool last)
{
	struct hw_queue *hq = rq->hq;
	struct queue_state *q = hq->state;

	if (unlikely(park_behind(q, rq))) {
		if (last)
			driver_commit(hq);
		return;
	}
	if (likely(driver_queue(rq, last) != -EBUSY))
		return;
	with_spin_irq(&q->lock) park_back(q, rq);
	driver_commit(hq);
	queue_run(hq);
}

void queues_fail(struct disk *disk)
{
	for (unsigned i = 0; i < disk->nr_queues; i++) {
		queue_run(&disk->queues[i]);
		run_parked_bios(disk->queues[i].state);
	}
}

/* --- merging ---------------------------------------------------------------------------------- */

static bool may_join(const struct request *rq, const struct bio *bio)
{
	const struct disk_limits *l = &rq->disk->limits;

	return rq->disk == bio->bdev->disk && rq->op == bio->op && bio->op <= BIO_WRITE &&
	       !((rq->flags ^ bio->flags) & (BIO_FUA | BIO_RAHEAD)) && !bio->stage &&
	       !rq->bio->stage && ((rq->size + bio->size) >> SECTOR_SHIFT) <= l->max_sectors &&
	       (u32)rq->nr_segments + bio->nr_vecs <= l->max_segments;
}

static bool request_join(struct request *rq, struct bio *bio)
{
	if (!may_join(rq, bio))
		return false;
	if (rq->sector + (rq->size >> SECTOR_SHIFT) == bio->sector) {
		rq->last->next = bio;
		rq->last = bio;
	} else if (bio_end_sector(bio) == rq->sector) {
		bio->next = rq->bio;
		rq->bio = bio;
		rq->sector = bio->sector;
	} else {
		return false;
	}
	rq->size += bio->size;
	rq->nr_segments = (u16)(rq->nr_segments + bio->nr_vecs);
	rq->flags |= bio->flags;
	stats_merge(bio->bdev, bio->op);
	return true;
}

/* The last one first: most I/O goes on where it was. */
static bool plug_join(struct plug *plug, struct bio *bio)
{
	struct request *rq;

	if (plug->tail && request_join(plug->tail, bio))
		return true;
	for (rq = plug->head; rq && rq != plug->tail; rq = rq->next)
		if (request_join(rq, bio))
			return true;
	return false;
}

/* --- plugs ------------------------------------------------------------------------------------ */

void plug_start(struct plug *plug)
{
	struct thread *t = thread_current();

	*plug = (struct plug){.outer = !t->plug};
	if (plug->outer)
		t->plug = plug;
}

static void plug_send(struct plug *plug)
{
	struct request *rq = plug->head, *next;

	plug->head = plug->tail = NULL;
	plug->count = 0;
	for (; rq; rq = next) {
		next = rq->next;
		rq->next = NULL;
		request_start(rq, !next || next->hq != rq->hq);
	}
}

void plug_finish(struct plug *plug)
{
	if (!plug->outer)
		return;
	thread_current()->plug = NULL;
	plug_send(plug);
}

void plug_flush_current(void)
{
	struct plug *plug = thread_current()->plug;

	if (plug && plug->head)
		plug_send(plug);
}

static void plug_add(struct plug *plug, struct request *rq)
{
	if (plug->tail)
		plug->tail->next = rq;
	else
		plug->head = rq;
	plug->tail = rq;
	if (++plug->count >= PLUG_MOST)
		plug_send(plug);
}

/* --- from bios -------------------------------------------------------------------------------- */

static struct hw_queue *queue_here(const struct disk *disk)
{
	return disk->by_cpu[cpu_id()];
}

void queue_submit(struct disk *disk, struct bio *bio)
{
	struct plug *plug = thread_current()->plug;
	struct queue_state *q;
	struct request *rq;

	if (plug && plug_join(plug, bio))
		return;
	q = queue_here(disk)->state;
	rq = tag_take(q);
	if (unlikely(!rq)) {
		if (bio->flags & BIO_RAHEAD) {
			bio_end(bio, -EAGAIN);
			return;
		}
		rq = tag_wait(q);
	}
	request_fill(rq, bio);
	if (plug)
		plug_add(plug, rq);
	else
		request_start(rq, true);
}

void queue_submit_nowait(struct disk *disk, struct bio *bio)
{
	struct queue_state *q = queue_here(disk)->state;
	struct request *rq = tag_take(q);

	if (rq) {
		request_fill(rq, bio);
		request_start(rq, true);
		return;
	}
	bio_park(q, bio);
	smp_mb();
	run_parked_bios(q);
}

/* --- the end ---------------------------------------------------------------------------------- */

static void bios_end(struct disk *disk, struct bio *bio, int error)
{
	while (bio) {
		struct bio *next = bio->next;

		bio->next = NULL;
		if (unlikely(bio->stage))
			flush_step(disk, bio, error);
		else
			bio_end(bio, error);
		bio = next;
	}
}

void request_end(struct request *rq, int error)
{
	struct hw_queue *hq = rq->hq;
	struct disk *disk = hq->disk;
	struct bio *bio = rq->bio;

	if (unlikely(!bio)) {
		stats_end(disk->whole, BIO_FLUSH, 0, rq->start, clock_mono_ns());
		atomic_store(&rq->state, REQUEST_FREE);
		flush_done(disk, error);
	} else {
		stats_end(bio->bdev, rq->op, rq->size, rq->start, clock_mono_ns());
		tag_put(hq->state, rq);
		bios_end(disk, bio, error);
	}
	if (unlikely(atomic_load(&hq->state->parked)))
		queue_run(hq);
}

void request_end_batch(struct request **rqs, unsigned n, int error)
{
	for (unsigned i = 0; i < n; i++)
		request_end(rqs[i], error);
}

struct request *request_by_tag(struct hw_queue *hq, unsigned tag)
{
	struct queue_state *q = hq->state;
	struct request *rq;

	if (tag >= q->depth)
		return NULL;
	rq = atomic_load(&q->requests[tag]);
	return rq && atomic_load(&rq->state) == REQUEST_STARTED ? rq : NULL;
}

/* --- pieces ----------------------------------------------------------------------------------- */

void request_iter_init(struct request_iter *it, const struct request *rq)
{
	*it = (struct request_iter){.bio = rq->bio};
}

static const struct bio_vec *iter_vec(struct request_iter *it)
{
	while (it->bio && it->vec >= it->bio->nr_vecs) {
		it->bio = it->bio->next;
		it->vec = 0;
	}
	return it->bio ? &it->bio->vecs[it->vec] : NULL;
}

bool request_iter_next(struct request_iter *it, const struct request *rq, struct segment *out)
{
	u32 most = rq->disk->limits.max_segment_size;
	const struct bio_vec *v = iter_vec(it);

	if (!v)
		return false;
	out->pa = page_to_phys(v->page) + v->offset + it->offset;
	out->len = 0;
	do {
		u32 n = min(v->len - it->offset, most - out->len);

		out->len += n;
		it->offset += n;
		if (it->offset < v->len)
			break;
		it->offset = 0;
		it->vec++;
		v = iter_vec(it);
	} while (v && out->len < most && page_to_phys(v->page) + v->offset == out->pa + out->len);
	return true;
}

/* --- time-outs -------------------------------------------------------------------------------- */

/* Returns whether anything is under way. */
static bool watch_queue(struct hw_queue *hq, u32 now)
{
	struct disk *disk = hq->disk;
	struct queue_state *q = hq->state;
	unsigned made = atomic_load_acquire(&q->made);
	bool busy = false;

	for (unsigned tag = 0; tag < made; tag++) {
		struct request *rq = q->requests[tag];

		if (atomic_load(&rq->state) != REQUEST_STARTED)
			continue;
		busy = true;
		if (now - atomic_load(&rq->epoch) >= TIMEOUT_SECONDS && disk->ops->timeout)
			disk->ops->timeout(hq, tag);
	}
	if (atomic_load(&q->parked)) {
		busy = true;
		queue_run(hq);
	}
	return busy;
}

/*
 * Once a second while requests are with the driver.  Seconds are counted by these calls, so a stall
 * of the whole machine counts as one.  It stops after two looks that found nothing.
 */
void queues_watch(struct work *w)
{
	struct disk *disk = container_of(to_delayed_work(w), struct disk, watch);
	u32 now = atomic_add_return(&disk->epoch, 1u);
	bool busy = false;

	for (unsigned i = 0; i < disk->nr_queues; i++)
		busy |= watch_queue(&disk->queues[i], now);
	disk->idle_looks = busy ? 0 : disk->idle_looks + 1;
	if (disk->idle_looks < 2) {
		delayed_work_queue(&disk->watch, NSEC_PER_SEC);
		return;
	}
	disk->idle_looks = 0;
	atomic_xchg(&disk->watched, 0u);
	if (queues_in_flight(disk))
		watch_arm(disk);
}

unsigned queues_in_flight(const struct disk *disk)
{
	unsigned n = 0;

	for (unsigned i = 0; i < disk->nr_queues; i++) {
		const struct queue_state *q = disk->queues[i].state;
		unsigned made = atomic_load_acquire(&q->made);

		for (unsigned tag = 0; tag < made; tag++)
			n += atomic_load(&q->requests[tag]->state) == REQUEST_STARTED;
	}
	return n;
}

/* --- memory ----------------------------------------------------------------------------------- */

static void queue_destroy(struct queue_state *q)
{
	if (!q)
		return;
	for (unsigned i = 0; q->requests && i < q->depth; i++)
		kfree(q->requests[i]);
	kvfree(q->requests);
	kfree(q);
}

static void tags_mark(struct queue_state *q, unsigned from, unsigned to)
{
	for (unsigned tag = from; tag < to; tag++)
		q->tags[tag / 64] |= 1ull << tag % 64;
}

static int queue_create(struct hw_queue *hq, unsigned depth, size_t driver_size)
{
	unsigned words = (depth + 63) / 64;
	struct queue_state *q = kzalloc(sizeof(*q) + words * sizeof(u64), GFP_KERNEL);

	if (!q)
		return -ENOMEM;
	spin_init(&q->lock, RANK_REQUEST, "hw_queue");
	wait_queue_init(&q->tag_wait);
	q->hq = hq;
	q->depth = depth;
	q->words = words;
	q->driver_size = driver_size;
	hq->state = q;
	q->requests = kvzalloc(depth * sizeof(*q->requests), GFP_KERNEL);
	if (!q->requests)
		return -ENOMEM;
	for (; q->made < min(depth, REQUESTS_READY); q->made++)
		if (!request_make(q, q->made, GFP_KERNEL))
			return -ENOMEM;
	tags_mark(q, q->made, words * 64);
	return 0;
}

int queues_create(struct disk *disk, const struct disk_params *params)
{
	unsigned n = params->nr_queues, depth = min(params->depth, 0xffffu);

	if (!n || depth < 2)
		return -EINVAL;
	disk->queues = kcalloc(n, sizeof(*disk->queues), GFP_KERNEL);
	disk->by_cpu = kcalloc(nr_cpus, sizeof(*disk->by_cpu), GFP_KERNEL);
	if (!disk->queues || !disk->by_cpu)
		return -ENOMEM;
	disk->nr_queues = n;
	disk->depth = depth;
	for (unsigned i = 0; i < n; i++) {
		struct hw_queue *hq = &disk->queues[i];
		int err;

		hq->disk = disk;
		hq->index = i;
		err = queue_create(hq, depth, params->request_size);
		if (err)
			return err;
	}
	for (unsigned cpu = 0; cpu < nr_cpus; cpu++)
		disk->by_cpu[cpu] = &disk->queues[cpu % n];
	flush_init(disk);
	return 0;
}

void queues_destroy(struct disk *disk)
{
	for (unsigned i = 0; i < disk->nr_queues; i++)
		queue_destroy(disk->queues[i].state);
	kfree(disk->by_cpu);
	kfree(disk->queues);
}
