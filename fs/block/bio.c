/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bios: their memory, what is put into them, and how they start and end.
 *
 * Memory comes from one slab per size.  A bio is needed to write pages out, which is how memory
 * becomes free, so each size keeps a few in reserve: an allocation that may sleep takes one of
 * those when the slab has nothing, and waits for one to come back when they are out.  Those of file
 * data may stay out until a worker found memory and room in a journal (fs/iomap), whose commit may
 * be who waits here; so the slab is asked again now and then, too.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/debug/assert.h>
#include <kernel/sched/sched.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include <mm/page.h>
#include "block_internal.h"

#define RETRY (20 * NSEC_PER_MSEC)

struct bio_pool {
	const char *name;
	unsigned vecs;           /* [I] */
	unsigned most;           /* [I] in the reserve */
	struct slab_cache *slab; /* [I] */
	struct spinlock lock;    /* p */
	struct bio *reserve;     /* [p] */
	u32 count;               /* [p] of the reserve; read without */
	struct wait_queue wait;
};

static struct bio_pool pools[] = {
	{.name = "bio-4", .vecs = 4, .most = 16},
	{.name = "bio-32", .vecs = 32, .most = 16},
	/* Of 4 KiB each; with one of them a MiB is under way. */
	{.name = "bio-256", .vecs = BIO_MAX_VECS, .most = 4},
};

#define POOL_NONE 0xffu

/* --- memory ----------------------------------------------------------------------------------- */

static struct bio *reserve_take(struct bio_pool *p)
{
	guard_spin_irq(&p->lock);
	struct bio *bio = p->reserve;

	if (bio) {
		p->reserve = bio->next;
		p->count--;
	}
	return bio;
}

/* False: the reserve is full. */
static bool reserve_put(struct bio_pool *p, struct bio *bio)
{
	with_spin_irq(&p->lock)
	{
		if (p->count >= p->most)
			return false;
		bio->next = p->reserve;
		p->reserve = bio;
		p->count++;
	}
	wake_up(&p->wait);
	return true;
}

static struct bio *pool_alloc(struct bio_pool *p, gfp_t gfp)
{
	for (;;) {
		struct bio *bio = slab_alloc(p->slab, gfp | __GFP_NOWARN | __GFP_NORETRY);

		if (likely(bio) || !(gfp & __GFP_SLEEP))
			return bio;
		(void)wait_event_timeout(&p->wait, (bio = reserve_take(p)) != NULL,
					 clock_deadline(RETRY));
		if (bio)
			return bio;
	}
}

void bio_init_pools(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pools); i++) {
		struct bio_pool *p = &pools[i];
		size_t size = sizeof(struct bio) + p->vecs * sizeof(struct bio_vec);

		spin_init(&p->lock, RANK_REQUEST, p->name);
		wait_queue_init(&p->wait);
		p->slab = slab_create(p->name, size, 8, 0, NULL);
		VERIFY(p->slab);
		while (p->count < p->most) {
			struct bio *bio = slab_alloc(p->slab, GFP_KERNEL);

			VERIFY(bio);
			(void)reserve_put(p, bio);
		}
	}
}

void bio_init(struct bio *bio, struct bdev *bdev, struct bio_vec *vecs, unsigned nr_vecs,
	      enum bio_op op, unsigned flags)
{
	bio->next = NULL;
	bio->bdev = bdev;
	bio->sector = 0;
	bio->size = 0;
	bio->op = (u8)op;
	bio->pool = POOL_NONE;
	bio->stage = STAGE_PLAIN;
	bio->flags = (u16)flags;
	bio->nr_vecs = 0;
	bio->max_vecs = (u16)nr_vecs;
	bio->error = 0;
	bio->start = 0;
	bio->end = NULL;
	bio->private = NULL;
	bio->vecs = vecs ? vecs : bio->inline_vecs;
}

struct bio *bio_alloc(struct bdev *bdev, unsigned nr_vecs, enum bio_op op, unsigned flags,
		      gfp_t gfp)
{
	unsigned i = 0;
	struct bio *bio;

	while (i < ARRAY_SIZE(pools) - 1 && pools[i].vecs < nr_vecs)
		i++;
	bio = pool_alloc(&pools[i], gfp);
	if (!bio)
		return NULL;
	bio_init(bio, bdev, NULL, min(nr_vecs, pools[i].vecs), op, flags);
	bio->pool = (u8)i;
	return bio;
}

void bio_put(struct bio *bio)
{
	struct bio_pool *p;

	if (!bio || bio->pool == POOL_NONE)
		return;
	p = &pools[bio->pool];
	if (unlikely(READ_ONCE(p->count) < p->most) && reserve_put(p, bio))
		return;
	slab_free(p->slab, bio);
}

/* --- content ---------------------------------------------------------------------------------- */

static bool vec_join(struct bio_vec *v, const struct page *page, unsigned offset, unsigned len,
		     u32 max)
{
	if (page_to_phys(v->page) + v->offset + v->len != page_to_phys(page) + offset ||
	    v->len + len > max)
		return false;
	v->len += len;
	return true;
}

bool bio_add_page(struct bio *bio, struct page *page, unsigned offset, unsigned len)
{
	const struct disk_limits *l = &bio->bdev->disk->limits;

	if (((bio->size + len) >> SECTOR_SHIFT) > l->max_sectors)
		return false;
	if (!bio->nr_vecs ||
	    !vec_join(&bio->vecs[bio->nr_vecs - 1], page, offset, len, l->max_segment_size)) {
		if (bio->nr_vecs >= min((u32)bio->max_vecs, l->max_segments))
			return false;
		bio->vecs[bio->nr_vecs++] = (struct bio_vec){page, offset, len};
	}
	bio->size += len;
	return true;
}

bool bio_piece_next(const struct bio *bio, struct bio_iter *it, struct bio_vec *out)
{
	const struct bio_vec *v = &bio->vecs[it->vec];
	u32 at;

	if (it->vec >= bio->nr_vecs)
		return false;
	at = v->offset + it->offset;
	out->page = v->page + at / PAGE_SIZE;
	out->offset = at % PAGE_SIZE;
	out->len = min(v->len - it->offset, (u32)PAGE_SIZE - out->offset);
	it->offset += out->len;
	if (it->offset == v->len) {
		it->vec++;
		it->offset = 0;
	}
	return true;
}

/* --- start and end ---------------------------------------------------------------------------- */

static bool op_writes(unsigned op)
{
	return op == BIO_WRITE || op == BIO_DISCARD || op == BIO_ZEROES;
}

static bool op_supported(const struct disk *disk, unsigned op, u32 size)
{
	u32 sectors = size >> SECTOR_SHIFT;

	switch (op) {
	case BIO_DISCARD: return sectors <= disk->limits.max_discard_sectors;
	case BIO_ZEROES: return sectors <= disk->limits.max_zeroes_sectors;
	default: return true;
	}
}

/* May it start?  Moves it from the partition to the disk. */
static int bio_check(struct bio *bio, struct disk *disk)
{
	struct bdev *b = bio->bdev;
	u64 size = READ_ONCE(b->sectors), sectors = bio->size >> SECTOR_SHIFT;
	u32 unaligned = disk->limits.logical_block - 1;

	if (unlikely(disk_test(disk, DISK_DEAD) || READ_ONCE(b->gone)))
		return -ENODEV;
	if (unlikely(bio->sector > size || sectors > size - bio->sector))
		return -EIO;
	if (unlikely((bio->sector << SECTOR_SHIFT | bio->size) & unaligned))
		return -EIO;
	if (op_writes(bio->op) && bio->size) {
		if (unlikely(READ_ONCE(b->read_only) || disk_test(disk, DISK_READ_ONLY)))
			return -EROFS;
		if (unlikely(!op_supported(disk, bio->op, bio->size)))
			return -EOPNOTSUPP;
	}
	bio->sector += READ_ONCE(b->start);
	return 0;
}

static void bio_finish(struct bio *bio, int error)
{
	bio->error = error;
	if (bio->end)
		bio->end(bio);
}

void bio_submit(struct bio *bio)
{
	struct disk *disk = bio->bdev->disk;
	int err = bio_check(bio, disk);

	bio->next = NULL;
	bio->error = 0;
	if (unlikely(err)) {
		bio_finish(bio, err);
		return;
	}
	if (disk->ops->submit) {
		bio->start = clock_mono_ns();
		stats_start(bio->bdev, bio->op, bio->start);
		disk->ops->submit(disk, bio);
		return;
	}
	if (unlikely(bio->flags & (BIO_PREFLUSH | BIO_FUA) || bio->op == BIO_FLUSH) &&
	    flush_submit(disk, bio))
		return;
	if (unlikely(!bio->size)) {
		bio_finish(bio, 0);
		return;
	}
	queue_submit(disk, bio);
}

void bio_end(struct bio *bio, int error)
{
	if (bio->start)
		stats_end(bio->bdev, bio->op, bio->size, bio->start, clock_mono_ns());
	bio_finish(bio, error);
}

/* --- waiting ---------------------------------------------------------------------------------- */

/* On the waiter's stack. */
struct bio_waiter {
	struct thread *thread;
	u32 done; /* [a] */
};

static void waiter_done(struct bio *bio)
{
	struct bio_waiter *w = bio->private;
	struct thread *t = w->thread;

	/* The waiter may be gone as soon as it sees `done`; RCU keeps the thread. */
	guard_rcu();
	atomic_store_release(&w->done, 1u);
	thread_wake_state(t, THREAD_UNINTERRUPTIBLE);
}

static void waiter_sleep(struct bio_waiter *w)
{
	if (atomic_load_acquire(&w->done))
		return;
	sched_iowait_begin();
	for (;;) {
		thread_set_state(THREAD_UNINTERRUPTIBLE);
		if (atomic_load_acquire(&w->done))
			break;
		schedule();
	}
	thread_set_state(THREAD_RUNNING);
	sched_iowait_end();
}

int bio_submit_wait(struct bio *bio)
{
	struct bio_waiter w = {.thread = thread_current()};

	bio->end = waiter_done;
	bio->private = &w;
	bio->flags |= BIO_SYNC;
	bio_submit(bio);
	waiter_sleep(&w);
	return bio->error;
}

/* --- conveniences ----------------------------------------------------------------------------- */

#define RW_VECS 16u

int bdev_rw(struct bdev *b, enum bio_op op, sector_t sector, void *buf, size_t len)
{
	char *at = buf;

	while (len) {
		struct bio_vec vecs[RW_VECS];
		struct bio bio;
		int err;

		bio_init(&bio, b, vecs, RW_VECS, op, BIO_SYNC | BIO_META);
		bio.sector = sector;
		while (len) {
			unsigned offset = (unsigned)((uintptr_t)at & (PAGE_SIZE - 1));
			unsigned n = (unsigned)min(len, PAGE_SIZE - offset);

			if (!bio_add_page(&bio, virt_to_page(at), offset, n))
				break;
			at += n;
			len -= n;
		}
		if (!bio.size)
			return -EIO;
		sector += bio.size >> SECTOR_SHIFT;
		err = bio_submit_wait(&bio);
		if (err)
			return err;
	}
	return 0;
}

int bdev_flush(struct bdev *b)
{
	struct bio bio;

	bio_init(&bio, b, NULL, 0, BIO_FLUSH, BIO_PREFLUSH);
	return bio_submit_wait(&bio);
}

/* One operation without data over a range, in pieces of at most `most` sectors. */
static int range_op(struct bdev *b, enum bio_op op, unsigned flags, sector_t sector, sector_t nr,
		    u32 most)
{
	u32 align = b->disk->limits.logical_block >> SECTOR_SHIFT;

	if ((sector | nr) & (align - 1))
		return -EINVAL;
	most = min(most, 1u << 22) & ~(align - 1);
	if (!most)
		return -EOPNOTSUPP;
	while (nr) {
		u32 n = (u32)min(nr, (sector_t)most);
		struct bio bio;
		int err;

		bio_init(&bio, b, NULL, 0, op, flags);
		bio.sector = sector;
		bio.size = n << SECTOR_SHIFT;
		err = bio_submit_wait(&bio);
		if (err)
			return err;
		sector += n;
		nr -= n;
		cond_resched();
	}
	return 0;
}

int bdev_discard(struct bdev *b, sector_t sector, sector_t nr)
{
	return range_op(b, BIO_DISCARD, 0, sector, nr, b->disk->limits.max_discard_sectors);
}

static int zeroes_by_device(struct bdev *b, sector_t sector, sector_t nr, unsigned flags)
{
	return range_op(b, BIO_ZEROES, flags, sector, nr, b->disk->limits.max_zeroes_sectors);
}

int bdev_punch(struct bdev *b, sector_t sector, sector_t nr)
{
	return zeroes_by_device(b, sector, nr, 0);
}

/* Zeroes as data, from one page. */
static int write_zero_pages(struct bdev *b, sector_t sector, sector_t nr)
{
	struct page *zero = page_alloc(GFP_KERNEL | __GFP_ZERO);
	struct bio *bio = bio_alloc(b, BIO_MAX_VECS, BIO_WRITE, 0, GFP_KERNEL);
	u64 left = nr << SECTOR_SHIFT;
	int err = zero ? 0 : -ENOMEM;

	while (!err && left) {
		bio->nr_vecs = 0;
		bio->size = 0;
		bio->sector = sector;
		while (left) {
			unsigned n = (unsigned)min(left, (u64)PAGE_SIZE);

			if (!bio_add_page(bio, zero, 0, n))
				break;
			left -= n;
		}
		sector += bio->size >> SECTOR_SHIFT;
		err = bio_submit_wait(bio);
		cond_resched();
	}
	bio_put(bio);
	if (zero)
		page_put(zero);
	return err;
}

int bdev_write_zeroes(struct bdev *b, sector_t sector, sector_t nr, bool nounmap)
{
	int err = zeroes_by_device(b, sector, nr, nounmap ? BIO_NOUNMAP : 0);

	return err == -EOPNOTSUPP ? write_zero_pages(b, sector, nr) : err;
}
