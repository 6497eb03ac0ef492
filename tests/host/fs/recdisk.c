/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk that records (recdisk.h). */
#include <fs/block/block.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/list.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <mm/mapping.h>
#include <mm/page.h>
#include <host.h>
#include "hostfs_internal.h"
#include "recdisk.h"

#define DEPTH	 32u
#define NO_EVENT (~0u)

struct rec_write {
	sector_t sector;
	u32 size;
	u32 begin, end; /* events */
	bool fua;
	u8 *data;
};

struct rec_flush {
	u32 begin, end;
};

struct recdisk {
	struct disk *disk;
	u32 minor;
	u64 size;
	u8 *media, *base;
	bool recording;
	u32 now;
	struct rec_write *writes;
	u32 nr_writes, room_writes;
	struct rec_flush *flushes;
	u32 nr_flushes, room_flushes;
	u32 unstable;
	s64 fail_after;
	struct request *pending[DEPTH];
	u32 nr_pending;
	struct wait_queue wait;
	struct thread *thread;
};

/* With each request: its record, if it is recorded. */
struct rec_request {
	u32 record;
};

/* --- memory of the recording, apart from the machine's -------------------------------------------------------------- */

static void *grown(void *old, u32 used, u32 *room, size_t size)
{
	void *p;

	if (used < *room)
		return old;
	*room = *room ? *room * 2 : 256;
	p = host_alloc(*room * size);
	if (used)
		memcpy(p, old, used * size);
	host_free(old);
	return p;
}

/* --- requests ------------------------------------------------------------------------------------------------------ */

static void request_copy(const struct request *rq, u8 *data, bool to_memory)
{
	struct request_iter it;
	struct segment s;

	request_iter_init(&it, rq);
	while (request_iter_next(&it, rq, &s)) {
		void *va = phys_to_virt(s.pa);

		if (to_memory)
			memcpy(va, data, s.len);
		else
			memcpy(data, va, s.len);
		data += s.len;
	}
}

static u32 write_begins(struct recdisk *d, const struct request *rq)
{
	struct rec_write *w;

	d->writes = grown(d->writes, d->nr_writes, &d->room_writes, sizeof(*w));
	w = &d->writes[d->nr_writes];
	*w = (struct rec_write){
		.sector = rq->sector,
		.size = rq->size,
		.begin = d->now++,
		.end = NO_EVENT,
		.fua = rq->flags & BIO_FUA,
		.data = host_alloc(rq->size),
	};
	request_copy(rq, w->data, false);
	return d->nr_writes++;
}

static u32 flush_begins(struct recdisk *d)
{
	d->flushes = grown(d->flushes, d->nr_flushes, &d->room_flushes, sizeof(*d->flushes));
	d->flushes[d->nr_flushes] = (struct rec_flush){ d->now++, NO_EVENT };
	return d->nr_flushes++;
}

static int recdisk_queue(struct hw_queue *hq, struct request *rq, bool last)
{
	struct recdisk *d = disk_private(hq->disk);
	struct rec_request *r = request_driver(rq);

	if (d->nr_pending == DEPTH)
		return -EBUSY;
	r->record = NO_EVENT;
	if (d->recording && rq->op == BIO_WRITE)
		r->record = write_begins(d, rq);
	if (d->recording && rq->op == BIO_FLUSH)
		r->record = flush_begins(d);
	d->pending[d->nr_pending++] = rq;
	wake_up(&d->wait);
	return 0;
}

/* The device reads memory at some time while it writes: at the beginning or the end. */
static void write_ends(struct recdisk *d, struct rec_write *w, const struct request *rq)
{
	u8 *now = host_alloc(w->size);

	request_copy(rq, now, false);
	if (memcmp(now, w->data, w->size)) {
		d->unstable++;
		if (machine_random(2))
			memcpy(w->data, now, w->size);
	}
	host_free(now);
	memcpy(d->media + (w->sector << SECTOR_SHIFT), w->data, w->size);
	w->end = d->now++;
}

static bool must_fail(struct recdisk *d, const struct request *rq)
{
	if (rq->op == BIO_READ || d->fail_after < 0)
		return false;
	if (d->fail_after) {
		d->fail_after--;
		return false;
	}
	return true;
}

static int request_perform(struct recdisk *d, struct request *rq)
{
	struct rec_request *r = request_driver(rq);
	u8 *at = d->media + (rq->sector << SECTOR_SHIFT);

	if (must_fail(d, rq))
		return -EIO;
	switch (rq->op) {
	case BIO_READ:
		request_copy(rq, at, true);
		return 0;
	case BIO_WRITE:
		if (r->record == NO_EVENT)
			request_copy(rq, at, false);
		else
			write_ends(d, &d->writes[r->record], rq);
		return 0;
	case BIO_FLUSH:
		if (r->record != NO_EVENT)
			d->flushes[r->record].end = d->now++;
		return 0;
	}
	return -EOPNOTSUPP;
}

static void recdisk_main(void *arg)
{
	struct recdisk *d = arg;

	for (;;) {
		struct request *rq;
		u32 n;

		wait_event(&d->wait, d->nr_pending || kthread_should_stop());
		if (!d->nr_pending)
			return;
		/* Others may give more to choose from. */
		while (machine_random(3))
			sched_yield_current();
		n = machine_random(d->nr_pending);
		rq = d->pending[n];
		d->pending[n] = d->pending[--d->nr_pending];
		request_end(rq, request_perform(d, rq));
	}
}

static const struct disk_ops recdisk_ops = { .queue = recdisk_queue };

/* --- the disk ------------------------------------------------------------------------------------------------------ */

struct recdisk *recdisk_create(const char *name, u64 bytes, unsigned flags)
{
	static u32 minors;
	struct recdisk *d = host_alloc(sizeof(*d));
	struct disk_params params = {
		.name = name,
		.major = 240,
		.first_minor = minors++,
		.minors = 1,
		.ops = &recdisk_ops,
		.nr_queues = 1,
		.depth = DEPTH,
		.request_size = sizeof(struct rec_request),
		.no_partitions = true,
	};
	struct disk_limits *l;

	*d = (struct recdisk){ .size = bytes, .minor = params.first_minor, .fail_after = -1 };
	d->media = host_alloc(bytes);
	memset(d->media, 0, bytes);
	wait_queue_init(&d->wait);
	VERIFY(!disk_create(&params, d, &d->disk));
	l = disk_limits(d->disk);
	l->write_cache = true;
	l->fua = flags & RECDISK_FUA;
	disk_set_capacity(d->disk, bytes >> SECTOR_SHIFT);
	VERIFY(!kthread_create(&d->thread, recdisk_main, d, "%s", name));
	thread_start(d->thread);
	VERIFY(!disk_add(d->disk));
	return d;
}

void recdisk_destroy(struct recdisk *d)
{
	disk_remove(d->disk);
	kthread_stop(d->thread);
	disk_put(d->disk);
	recdisk_forget(d);
	host_free(d->writes);
	host_free(d->flushes);
	host_free(d->media);
	host_free(d);
}

struct bdev *recdisk_open(struct recdisk *d)
{
	struct bdev *b;

	VERIFY(!bdev_open(recdisk_dev(d), BDEV_READ | BDEV_WRITE, NULL, &b));
	return b;
}

void recdisk_close(struct recdisk *d, struct bdev *b)
{
	struct mapping *m = bdev_mapping(b);

	bdev_close(b, BDEV_READ | BDEV_WRITE, NULL);
	if (READ_ONCE(m->nr_pages))
		panic("%llu pages of the device stay in use", (unsigned long long)m->nr_pages);
}

u32 recdisk_dev(const struct recdisk *d)
{
	return MKDEV(240, d->minor);
}

u8 *recdisk_media(struct recdisk *d)
{
	return d->media;
}

u64 recdisk_size(const struct recdisk *d)
{
	return d->size;
}

/* --- recording ----------------------------------------------------------------------------------------------------- */

void recdisk_forget(struct recdisk *d)
{
	for (u32 i = 0; i < d->nr_writes; i++)
		host_free(d->writes[i].data);
	d->nr_writes = d->nr_flushes = d->now = d->unstable = 0;
	host_free(d->base);
	d->base = NULL;
	d->recording = false;
}

void recdisk_record(struct recdisk *d)
{
	VERIFY(!d->nr_pending);
	recdisk_forget(d);
	d->base = host_alloc(d->size);
	memcpy(d->base, d->media, d->size);
	d->recording = true;
}

u32 recdisk_now(const struct recdisk *d)
{
	return d->now;
}

u32 recdisk_unstable(const struct recdisk *d)
{
	return d->unstable;
}

void recdisk_fail_writes(struct recdisk *d, s64 after)
{
	d->fail_after = after;
}

void recdisk_print(const struct recdisk *d)
{
	for (u32 i = 0, f = 0; i < d->nr_writes || f < d->nr_flushes;) {
		const struct rec_write *w = &d->writes[i];

		if (f < d->nr_flushes && (i == d->nr_writes || d->flushes[f].begin < w->begin)) {
			host_print("# flush %u..%d\n", d->flushes[f].begin, (int)d->flushes[f].end);
			f++;
			continue;
		}
		host_print("# write %u..%d sector %llu size %u%s\n", w->begin, (int)w->end, (unsigned long long)w->sector,
			   w->size, w->fua ? " fua" : "");
		i++;
	}
}

/* --- power cuts ---------------------------------------------------------------------------------------------------- */

static struct rec_write *sort_writes;

static int by_end(const void *a, const void *b)
{
	const struct rec_write *x = &sort_writes[*(const u32 *)a], *y = &sort_writes[*(const u32 *)b];

	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	return x->begin < y->begin ? -1 : x->begin > y->begin;
}

void recdisk_cutter_init(struct recdisk_cutter *c, struct recdisk *d)
{
	*c = (struct recdisk_cutter){ .d = d, .nr_order = d->nr_writes };
	c->stable = host_alloc(d->size);
	memcpy(c->stable, d->base, d->size);
	c->order = host_alloc(sizeof(u32) * (d->nr_writes + 1));
	for (u32 i = 0; i < d->nr_writes; i++)
		c->order[i] = i;
	sort_writes = d->writes;
	sort(c->order, d->nr_writes, sizeof(u32), by_end);
}

void recdisk_cutter_fini(struct recdisk_cutter *c)
{
	host_free(c->stable);
	host_free(c->order);
}

/* What ended before this event is on the disk. */
static u32 flushed_before(const struct recdisk *d, u32 at)
{
	u32 best = 0;

	for (u32 i = 0; i < d->nr_flushes; i++)
		if (d->flushes[i].end < at)
			best = max(best, d->flushes[i].begin);
	return best;
}

static void write_apply(const struct rec_write *w, u8 *out)
{
	memcpy(out + (w->sector << SECTOR_SHIFT), w->data, w->size);
}

static void write_apply_torn(const struct rec_write *w, u8 *out)
{
	u32 chance = (u32)host_random(4);

	for (u32 at = 0; at < w->size; at += SECTOR_SIZE)
		if (host_random(4) <= chance)
			memcpy(out + (w->sector << SECTOR_SHIFT) + at, w->data + at, SECTOR_SIZE);
}

void recdisk_cut(struct recdisk_cutter *c, u32 at, enum recdisk_cut_style style, u8 *out)
{
	struct recdisk *d = c->d;
	u32 flushed = flushed_before(d, at);
	u32 chance = (u32)host_random(5);

	VERIFY(at >= c->last);
	c->last = at;
	for (; c->folded < c->nr_order && d->writes[c->order[c->folded]].end < flushed; c->folded++)
		write_apply(&d->writes[c->order[c->folded]], c->stable);
	memcpy(out, c->stable, d->size);
	for (u32 i = c->folded; i < c->nr_order; i++) {
		const struct rec_write *w = &d->writes[c->order[i]];
		bool ended = w->end < at;

		if (w->begin >= at)
			continue;
		if ((ended && w->fua) || (ended && style == RECDISK_CUT_ALL))
			write_apply(w, out);
		else if (style == RECDISK_CUT_RANDOM && host_random(4) < chance)
			write_apply(w, out);
		else if (style == RECDISK_CUT_TORN)
			write_apply_torn(w, out);
	}
}
