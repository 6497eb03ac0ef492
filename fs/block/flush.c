/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flushes: a bio with BIO_PREFLUSH or BIO_FUA as steps that the device knows.
 *
 *	asked			device with fua		without
 *	flush			flush			flush
 *	PREFLUSH, data		flush, data		flush, data
 *	FUA, data		data with fua		data, flush
 *	both			flush, data with fua	flush, data, flush
 *
 * A flush writes everything that had ended before it began.  So those who ask while one is under
 * way must wait for another, and all of them share it: however many threads fsync, at most two
 * flushes are ahead of each.
 *
 * The flush's request is reserved (the first tag of the first queue), because the next one begins
 * in the interrupt that ends the last, where nobody can wait for a tag.  Data after a flush begins
 * there as well, and is parked when there is no tag.
 */
#include <kernel/time/clock.h>
#include "block_internal.h"

void flush_init(struct disk *disk)
{
	struct queue_state *q = disk->queues[0].state;

	spin_init(&disk->flush.lock, RANK_REQUEST, "disk.flush");
	disk->flush.request = q->requests[0];
	q->tags[0] |= 1;
}

/* What is wanted becomes what runs.  Locks: flush.lock. */
static void flush_take(struct flush_queue *f)
{
	f->running = f->wanted;
	f->wanted = f->last = NULL;
	f->busy = true;
}

static void flush_begin(struct disk *disk)
{
	struct request *rq = disk->flush.request;

	rq->bio = rq->last = NULL;
	rq->sector = 0;
	rq->size = 0;
	rq->op = BIO_FLUSH;
	rq->flags = BIO_PREFLUSH;
	rq->nr_segments = 0;
	rq->next = NULL;
	rq->start = clock_mono_ns();
	atomic_store(&rq->state, REQUEST_HELD);
	stats_start(disk->whole, BIO_FLUSH, rq->start);
	request_start(rq, true);
}

static void flush_want(struct disk *disk, struct bio *bio)
{
	struct flush_queue *f = &disk->flush;
	bool begin = false;

	bio->next = NULL;
	with_spin_irq(&f->lock)
	{
		if (f->wanted)
			f->last->next = bio;
		else
			f->wanted = bio;
		f->last = bio;
		if (!f->busy) {
			flush_take(f);
			begin = true;
		}
	}
	if (begin)
		flush_begin(disk);
}

void flush_done(struct disk *disk, int error)
{
	struct flush_queue *f = &disk->flush;
	struct bio *bio, *next;
	bool again;

	with_spin_irq(&f->lock)
	{
		bio = f->running;
		f->running = NULL;
		again = f->wanted != NULL;
		if (again)
			flush_take(f);
		else
			f->busy = false;
	}
	if (again)
		flush_begin(disk);
	for (; bio; bio = next) {
		next = bio->next;
		bio->next = NULL;
		flush_step(disk, bio, error);
	}
}

/* The data of `bio`, and what must follow it. */
static void data_prepare(const struct disk *disk, struct bio *bio)
{
	bool after = bio->flags & BIO_FUA && !disk->limits.fua;

	bio->flags &= (u16)~BIO_PREFLUSH;
	if (after)
		bio->flags &= (u16)~BIO_FUA;
	bio->stage = after ? STAGE_DATA_FLUSH : STAGE_PLAIN;
}

void flush_step(struct disk *disk, struct bio *bio, int error)
{
	enum bio_stage stage = bio->stage;

	bio->stage = STAGE_PLAIN;
	if (error || stage == STAGE_POST || (stage == STAGE_PRE && !bio->size)) {
		bio_end(bio, error);
	} else if (stage == STAGE_PRE) {
		data_prepare(disk, bio);
		queue_submit_nowait(disk, bio);
	} else {
		bio->stage = STAGE_POST;
		flush_want(disk, bio);
	}
}

bool flush_submit(struct disk *disk, struct bio *bio)
{
	if (!READ_ONCE(disk->limits.write_cache)) {
		bio->flags &= (u16) ~(BIO_PREFLUSH | BIO_FUA);
		return false;
	}
	if (!(bio->flags & BIO_PREFLUSH) && bio->op != BIO_FLUSH) {
		data_prepare(disk, bio);
		return false;
	}
	bio->stage = STAGE_PRE;
	flush_want(disk, bio);
	return true;
}
