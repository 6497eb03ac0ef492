/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The host machine's disk (disk.h): a driver under the real request queues.
 *
 * A request is with the device until a timer of its own goes off, so requests end in an order of
 * chance.  The data of a write is taken when it begins, or when it ends if it changed meanwhile,
 * and reaches the sectors when it ends.
 */
#include <fs/block/block.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/string.h>
#include <kernel/time/timer.h>
#include <mm/page.h>
#include <host.h>
#include <coroutine.h>
#include "disk.h"
#include "hostfs_internal.h"

/* No more than a queue has from the start: what it makes on demand it keeps, as if it had
 * leaked. */
#define DEPTH	    8u
#define MAX_LATENCY 200000u
#define HOST_MAJOR  240u

struct saved_page {
	struct saved_page *next;
	u64 number;
	u8 data[PAGE_SIZE];
};

struct in_flight {
	struct timer timer;
	struct host_disk *disk;
	struct request *rq;
	u32 begun;
	u8 *data;
};

struct host_disk {
	struct disk *disk;
	char name[32];
	u8 *image;
	u8 *sectors_read;
	u64 bytes;
	struct in_flight in_flight[DEPTH];
	/* Failing. */
	unsigned fail_reads, fail_writes, fail_flushes;
	u64 die_after;
	/* Going back. */
	bool marked;
	u8 *page_saved;
	struct saved_page *saved;
	/* Recording. */
	bool recording;
	struct host_event *events;
	u32 nr_events, max_events;
	struct host_disk_counts counts;
};

/* --- contents --------------------------------------------------------------------------------- */

static void save_page(struct host_disk *d, u64 number)
{
	struct saved_page *s;

	if (!d->marked || d->page_saved[number])
		return;
	d->page_saved[number] = 1;
	s = host_alloc_uncounted(sizeof(*s));
	s->number = number;
	memcpy(s->data, d->image + number * PAGE_SIZE, PAGE_SIZE);
	s->next = d->saved;
	d->saved = s;
}

void host_disk_store(struct host_disk *d, u64 pos, const void *data, size_t n)
{
	if (pos + n > d->bytes)
		panic("a write of %zu bytes at %llu of a disk of %llu", n, pos, d->bytes);
	for (u64 page = pos / PAGE_SIZE; n && page <= (pos + n - 1) / PAGE_SIZE; page++)
		save_page(d, page);
	memcpy(d->image + pos, data, n);
}

void host_disk_mark(struct host_disk *d)
{
	if (!d->page_saved) {
		d->page_saved = host_alloc_uncounted(d->bytes / PAGE_SIZE);
		memset(d->page_saved, 0, d->bytes / PAGE_SIZE);
	}
	d->marked = true;
}

void host_disk_restore(struct host_disk *d)
{
	while (d->saved) {
		struct saved_page *s = d->saved;

		d->saved = s->next;
		memcpy(d->image + s->number * PAGE_SIZE, s->data, PAGE_SIZE);
		d->page_saved[s->number] = 0;
		host_free_uncounted(s);
	}
}

const char *host_disk_name(const struct host_disk *d)
{
	return d->name;
}

const u8 *host_disk_sectors_read(const struct host_disk *d)
{
	return d->sectors_read;
}

u8 *host_disk_image(struct host_disk *d)
{
	return d->image;
}

u64 host_disk_bytes(const struct host_disk *d)
{
	return d->bytes;
}

int host_disk_load(struct host_disk *d, const char *path)
{
	return host_file_read(path, d->image, d->bytes);
}

int host_disk_save(struct host_disk *d, const char *path)
{
	return host_file_write(path, d->image, d->bytes);
}

/* --- recording -------------------------------------------------------------------------------- */

static struct host_event *event_add(struct host_disk *d, enum host_event_kind kind)
{
	struct host_event *e;

	if (d->nr_events == d->max_events) {
		d->max_events = d->max_events ? d->max_events * 2 : 1024;
		e = host_alloc_uncounted(d->max_events * sizeof(*e));
		if (d->events)
			memcpy(e, d->events, d->nr_events * sizeof(*e));
		host_free_uncounted(d->events);
		d->events = e;
	}
	e = &d->events[d->nr_events++];
	*e = (struct host_event){ .kind = kind };
	return e;
}

static void events_forget(struct host_disk *d)
{
	for (u32 i = 0; i < d->nr_events; i++)
		host_free_uncounted(d->events[i].data);
	d->nr_events = 0;
}

void host_disk_record(struct host_disk *d)
{
	events_forget(d);
	d->recording = true;
}

void host_disk_stop(struct host_disk *d)
{
	d->recording = false;
}

u32 host_disk_events(const struct host_disk *d)
{
	return d->nr_events;
}

const struct host_event *host_disk_event(const struct host_disk *d, u32 n)
{
	return &d->events[n];
}

static void record_begun(struct in_flight *f)
{
	struct host_disk *d = f->disk;
	struct request *rq = f->rq;
	struct host_event *e;

	if (!d->recording)
		return;
	f->begun = d->nr_events;
	e = event_add(d, rq->op == BIO_FLUSH ? HOST_FLUSH_BEGUN : HOST_WRITE_BEGUN);
	if (rq->op == BIO_FLUSH)
		return;
	e->fua = rq->flags & BIO_FUA;
	e->sector = rq->sector;
	e->sectors = rq->size / SECTOR_SIZE;
	e->data = host_alloc_uncounted(rq->size);
	memcpy(e->data, f->data, rq->size);
}

static void record_done(struct in_flight *f, int err)
{
	struct host_disk *d = f->disk;

	if (!d->recording || f->begun >= d->nr_events)
		return;
	if (f->rq->op == BIO_WRITE)
		event_add(d, err ? HOST_WRITE_FAILED : HOST_WRITE_DONE)->begun = f->begun;
	else if (!err)
		event_add(d, HOST_FLUSH_DONE)->begun = f->begun;
}

/* Between the request's memory and `buf`. */
static void copy(const struct request *rq, u8 *buf, bool from_request)
{
	struct request_iter it;
	struct segment s;

	request_iter_init(&it, rq);
	while (request_iter_next(&it, rq, &s)) {
		if (from_request)
			memcpy(buf, phys_to_virt(s.pa), s.len);
		else
			memcpy(phys_to_virt(s.pa), buf, s.len);
		buf += s.len;
	}
}

/* The device may read the memory at any time until the end. */
static void take_again(struct in_flight *f)
{
	struct host_disk *d = f->disk;
	u8 *now = host_alloc_uncounted(f->rq->size);

	copy(f->rq, now, true);
	if (memcmp(now, f->data, f->rq->size)) {
		d->counts.unstable++;
		if (machine_random(2)) {
			memcpy(f->data, now, f->rq->size);
			if (d->recording && f->begun < d->nr_events)
				memcpy(d->events[f->begun].data, now, f->rq->size);
		}
	}
	host_free_uncounted(now);
}

/* --- requests --------------------------------------------------------------------------------- */

static bool by_chance(unsigned every)
{
	return every && !machine_random(every);
}

static int fate(struct host_disk *d, unsigned op)
{
	if (d->die_after != ~0ull && !d->die_after--) {
		d->die_after = 0;
		return -EIO;
	}
	switch (op) {
	case BIO_READ:
		return by_chance(d->fail_reads) ? -EIO : 0;
	case BIO_FLUSH:
		return by_chance(d->fail_flushes) ? -EIO : 0;
	default:
		return by_chance(d->fail_writes) ? -EIO : 0;
	}
}

static int transfer(struct in_flight *f)
{
	struct host_disk *d = f->disk;
	struct request *rq = f->rq;
	u64 pos = rq->sector * SECTOR_SIZE;

	switch (rq->op) {
	case BIO_READ:
		if (pos + rq->size > d->bytes)
			panic("a read of %u bytes at %llu of a disk of %llu", rq->size, pos,
			      d->bytes);
		copy(rq, d->image + pos, false);
		memset(d->sectors_read + rq->sector, 1, rq->size / SECTOR_SIZE);
		d->counts.reads++;
		d->counts.read_sectors += rq->size / SECTOR_SIZE;
		return 0;
	case BIO_WRITE:
		host_disk_store(d, pos, f->data, rq->size);
		d->counts.writes++;
		d->counts.written_sectors += rq->size / SECTOR_SIZE;
		return 0;
	case BIO_FLUSH:
		d->counts.flushes++;
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}

static void complete(struct timer *timer)
{
	struct in_flight *f = container_of(timer, struct in_flight, timer);
	struct request *rq = f->rq;
	int err = fate(f->disk, rq->op);

	if (rq->op == BIO_WRITE)
		take_again(f);
	if (!err)
		err = transfer(f);
	if (rq->op != BIO_READ)
		record_done(f, err);
	host_free_uncounted(f->data);
	f->data = NULL;
	f->rq = NULL;
	request_end(rq, err);
}

static int host_queue(struct hw_queue *hq, struct request *rq, bool last)
{
	struct host_disk *d = disk_private(hq->disk);
	struct in_flight *f = &d->in_flight[rq->tag];

	VERIFY(!f->rq);
	f->disk = d;
	f->rq = rq;
	f->begun = ~0u;
	if (rq->op == BIO_WRITE) {
		f->data = host_alloc_uncounted(rq->size);
		copy(rq, f->data, true);
	}
	if (rq->op != BIO_READ)
		record_begun(f);
	timer_init(&f->timer, complete);
	timer_start(&f->timer, clock_mono_ns() + 1000 + machine_random(MAX_LATENCY), 0);
	return 0;
}

static const struct disk_ops host_ops = { .queue = host_queue };

/* --- existence -------------------------------------------------------------------------------- */

struct host_disk *host_disk_create(const char *name, u64 bytes)
{
	static unsigned minor;
	struct disk_params params = {
		.name = name,
		.major = HOST_MAJOR,
		.first_minor = minor++,
		.minors = 1,
		.ops = &host_ops,
		.nr_queues = 1,
		.depth = DEPTH,
		.no_partitions = true,
	};
	struct host_disk *d = host_alloc_uncounted(sizeof(*d));
	struct disk_limits *l;

	memset(d, 0, sizeof(*d));
	d->bytes = bytes;
	strscpy(d->name, name, sizeof(d->name));
	d->image = host_reserve(bytes);
	d->sectors_read = host_alloc_uncounted(bytes / SECTOR_SIZE);
	memset(d->sectors_read, 0, bytes / SECTOR_SIZE);
	d->die_after = ~0ull;
	VERIFY(!disk_create(&params, d, &d->disk));
	l = disk_limits(d->disk);
	l->write_cache = true;
	l->fua = true;
	disk_set_capacity(d->disk, bytes / SECTOR_SIZE);
	VERIFY(!disk_add(d->disk));
	return d;
}

void host_disk_destroy(struct host_disk *d)
{
	disk_remove(d->disk);
	disk_put(d->disk);
	hostfs_settle();
	host_disk_restore(d);
	events_forget(d);
	host_free_uncounted(d->events);
	host_free_uncounted(d->page_saved);
	host_unreserve(d->image, d->bytes);
	host_free_uncounted(d->sectors_read);
	host_free_uncounted(d);
}

void host_disk_fail(struct host_disk *d, unsigned reads, unsigned writes, unsigned flushes)
{
	d->fail_reads = reads;
	d->fail_writes = writes;
	d->fail_flushes = flushes;
}

void host_disk_die_after(struct host_disk *d, u64 n)
{
	d->die_after = n;
}

void host_disk_read_only(struct host_disk *d, bool on)
{
	disk_set_read_only(d->disk, on);
}

void host_disk_features(struct host_disk *d, bool cache, bool fua)
{
	disk_limits(d->disk)->write_cache = cache;
	disk_limits(d->disk)->fua = fua;
}

struct host_disk_counts host_disk_counts(const struct host_disk *d)
{
	return d->counts;
}
