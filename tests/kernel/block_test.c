/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block layer over a disk made for the test: its memory is an array, its requests wait until
 * the test or a thread ends them, and it answers -EBUSY, fails or forgets as it is told.
 *
 * The disk keeps two images: what was written, and what was written before the last flush ended;
 * so a test can say what a power cut would have left.
 */
#include <fs/block/block_internal.h>
#include <fs/block/buffer.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/ktest.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <kernel/time/clock.h>
#include <mm/mapping.h>
#include <mm/page.h>

#define SECTORS 4096u
#define DEPTH   32u /* more than a queue has from the start */

struct fake {
	struct disk *disk;
	struct spinlock lock;            /* f */
	u8 *data, *stable;               /* [f] */
	struct request *held[2 * DEPTH]; /* [f] by queue and tag */
	unsigned nr_held;                /* [f] */
	bool hold;                       /* [f] keep requests until fake_release */
	unsigned room;                   /* [f] 0: any number, else -EBUSY beyond */
	int error;                       /* [f] for the next requests */
	sector_t bad;                    /* [f] a sector that cannot be read or written, or ~0 */
	unsigned requests, flushes, fuas, commits, lasts; /* [f] */
	sector_t last_sector;
	u32 last_size;
};

static void fake_copy(struct fake *f, struct request *rq)
{
	u8 *at = f->data + rq->sector * SECTOR_SIZE;
	struct request_iter it;
	struct segment s;

	request_iter_init(&it, rq);
	while (request_iter_next(&it, rq, &s)) {
		if (rq->op == BIO_WRITE)
			memcpy(at, phys_to_virt(s.pa), s.len);
		else
			memcpy(phys_to_virt(s.pa), at, s.len);
		at += s.len;
	}
}

/* Locks: f. */
static int fake_do(struct fake *f, struct request *rq)
{
	u32 n = rq->size >> SECTOR_SHIFT;

	if (f->error)
		return f->error;
	if (f->bad >= rq->sector && f->bad < rq->sector + n)
		return -EIO;
	switch (rq->op) {
	case BIO_FLUSH:
		f->flushes++;
		memcpy(f->stable, f->data, SECTORS * SECTOR_SIZE);
		break;
	case BIO_READ: fake_copy(f, rq); break;
	case BIO_WRITE:
		fake_copy(f, rq);
		if (rq->flags & BIO_FUA) {
			f->fuas++;
			memcpy(f->stable + rq->sector * SECTOR_SIZE,
			       f->data + rq->sector * SECTOR_SIZE, rq->size);
		}
		break;
	case BIO_DISCARD:
	case BIO_ZEROES: memset(f->data + rq->sector * SECTOR_SIZE, 0, rq->size); break;
	}
	return 0;
}

static int fake_queue(struct hw_queue *hq, struct request *rq, bool last)
{
	struct fake *f = disk_private(hq->disk);
	int err;

	with_spin_irq(&f->lock)
	{
		if (f->room && f->nr_held >= f->room)
			return -EBUSY;
		f->requests++;
		f->lasts += last;
		f->last_sector = rq->sector;
		f->last_size = rq->size;
		if (f->hold) {
			f->held[hq->index * DEPTH + rq->tag] = rq;
			f->nr_held++;
			return 0;
		}
		err = fake_do(f, rq);
	}
	request_end(rq, err);
	return 0;
}

static void fake_commit(struct hw_queue *hq)
{
	struct fake *f = disk_private(hq->disk);

	guard_spin_irq(&f->lock);
	f->commits++;
}

/* End one held request, or say that there is none. */
static bool fake_end_one(struct fake *f)
{
	struct request *rq = NULL;
	int err = 0;

	with_spin_irq(&f->lock)
	{
		for (unsigned i = 0; i < 2 * DEPTH && !rq; i++)
			if (f->held[i]) {
				rq = f->held[i];
				f->held[i] = NULL;
				f->nr_held--;
				err = fake_do(f, rq);
			}
	}
	if (rq)
		request_end(rq, err);
	return rq != NULL;
}

static void fake_release(struct fake *f)
{
	with_spin_irq(&f->lock) f->hold = false;
	while (fake_end_one(f))
		;
}

static const struct disk_ops fake_ops = {.queue = fake_queue, .commit = fake_commit};

static struct fake *fake_create(unsigned queues, void (*setup)(struct disk_limits *l))
{
	struct disk_params params = {
		.name = "fake",
		.major = 240,
		.minors = 1,
		.ops = &fake_ops,
		.nr_queues = queues,
		.depth = DEPTH,
		.no_partitions = true,
	};
	struct fake *f = kzalloc(sizeof(*f), GFP_KERNEL);
	struct disk_limits *l;

	if (!f)
		return NULL;
	spin_init(&f->lock, RANK_BLOCK_DRIVER, "fake");
	f->bad = ~0ull;
	f->data = vzalloc(SECTORS * SECTOR_SIZE);
	f->stable = vzalloc(SECTORS * SECTOR_SIZE);
	if (!f->data || !f->stable || disk_create(&params, f, &f->disk))
		return NULL;
	l = disk_limits(f->disk);
	l->max_sectors = 64;
	l->max_segments = 16;
	l->max_discard_sectors = 32;
	l->max_zeroes_sectors = 32;
	if (setup)
		setup(l);
	disk_set_capacity(f->disk, SECTORS);
	if (disk_add(f->disk)) {
		disk_put(f->disk);
		return NULL;
	}
	return f;
}

static void fake_destroy(struct fake *f)
{
	disk_remove(f->disk);
	disk_put(f->disk);
	vfree(f->data);
	vfree(f->stable);
	kfree(f);
}

static void with_cache(struct disk_limits *l)
{
	l->write_cache = true;
}

static void with_fua(struct disk_limits *l)
{
	l->write_cache = l->fua = true;
}

/* --- a bio that counts its end ---------------------------------------------------------------- */

struct probe {
	struct bio bio;
	struct bio_vec vecs[4];
	u32 ended; /* [a] */
	struct page *page;
};

static void probe_end(struct bio *bio)
{
	struct probe *p = bio->private;

	atomic_inc(&p->ended);
}

static void probe_init(struct probe *p, struct fake *f, enum bio_op op, unsigned flags,
		       sector_t sector, unsigned len)
{
	bio_init(&p->bio, disk_whole(f->disk), p->vecs, 4, op, flags);
	p->bio.sector = sector;
	p->bio.end = probe_end;
	p->bio.private = p;
	p->ended = 0;
	p->page = page_alloc(GFP_KERNEL | __GFP_ZERO);
	if (len && p->page)
		KEXPECT(bio_add_page(&p->bio, p->page, 0, len));
}

static void probe_fini(struct probe *p)
{
	if (p->page)
		page_put(p->page);
}

static void fill(struct page *page, u8 byte)
{
	memset(page_address(page), byte, PAGE_SIZE);
}

/* --- tests ------------------------------------------------------------------------------------ */

KTEST(block_read_write)
{
	struct fake *f = fake_create(1, NULL);
	u8 *buf = kmalloc(8192, GFP_KERNEL);

	KREQUIRE(f && buf);
	memset(buf, 0x5a, 8192);
	KEXPECT(!bdev_rw(disk_whole(f->disk), BIO_WRITE, 8, buf, 8192));
	KEXPECT(f->data[8 * 512] == 0x5a && f->data[24 * 512 - 1] == 0x5a);
	KEXPECT(!f->data[8 * 512 - 1] && !f->data[24 * 512]);
	memset(buf, 0, 8192);
	KEXPECT(!bdev_rw(disk_whole(f->disk), BIO_READ, 8, buf, 8192));
	KEXPECT(buf[0] == 0x5a && buf[8191] == 0x5a);
	/* Beyond the end; across it; not in blocks. */
	KEXPECT(bdev_rw(disk_whole(f->disk), BIO_READ, SECTORS, buf, 512) == -EIO);
	KEXPECT(bdev_rw(disk_whole(f->disk), BIO_READ, SECTORS - 1, buf, 1024) == -EIO);
	KEXPECT(bdev_rw(disk_whole(f->disk), BIO_READ, ~0ull, buf, 512) == -EIO);
	f->bad = 10;
	KEXPECT(bdev_rw(disk_whole(f->disk), BIO_READ, 8, buf, 4096) == -EIO);
	KEXPECT(!bdev_rw(disk_whole(f->disk), BIO_READ, 16, buf, 4096));
	disk_set_read_only(f->disk, true);
	KEXPECT(bdev_rw(disk_whole(f->disk), BIO_WRITE, 16, buf, 512) == -EROFS);
	kfree(buf);
	fake_destroy(f);
}

/* In a plug: at the back, at the front, not over a gap, not beyond the limits. */
KTEST(block_plug_merges)
{
	static const sector_t order[] = {16, 24, 8, 40, 0};
	struct fake *f = fake_create(1, NULL);
	struct probe p[ARRAY_SIZE(order)];
	struct plug plug;

	KREQUIRE(f);
	plug_start(&plug);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		probe_init(&p[i], f, BIO_WRITE, 0, order[i], 4096);
		fill(p[i].page, (u8)(order[i] + 1));
		bio_submit(&p[i].bio);
		KEXPECT(!atomic_load(&p[i].ended));
	}
	KEXPECT(f->requests == 0);
	plug_finish(&plug);
	KEXPECT(f->requests == 2 && f->lasts == 1);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		KEXPECT(atomic_load(&p[i].ended) == 1 && !p[i].bio.error);
		KEXPECT(f->data[order[i] * 512] == (u8)(order[i] + 1));
		probe_fini(&p[i]);
	}
	fake_destroy(f);
}

KTEST(block_merge_limit)
{
	struct fake *f = fake_create(1, NULL);
	struct probe *p = kcalloc(12, sizeof(*p), GFP_KERNEL);
	struct plug plug;

	KREQUIRE(f && p);
	plug_start(&plug);
	for (unsigned i = 0; i < 12; i++) {
		probe_init(&p[i], f, BIO_READ, 0, i * 8, 4096);
		bio_submit(&p[i].bio);
	}
	plug_finish(&plug);
	/* 64 sectors are eight pages. */
	KEXPECT(f->requests == 2 && f->last_sector == 64 && f->last_size == 4 * 4096);
	for (unsigned i = 0; i < 12; i++)
		probe_fini(&p[i]);
	kfree(p);
	fake_destroy(f);
}

/* A thread that sleeps sends what it collected: the wait inside a plug ends. */
KTEST(block_plug_sleep)
{
	struct fake *f = fake_create(1, NULL);
	struct plug plug;
	u8 *buf = kzalloc(512, GFP_KERNEL);

	KREQUIRE(f && buf);
	plug_start(&plug);
	KEXPECT(!bdev_rw(disk_whole(f->disk), BIO_READ, 0, buf, 512));
	plug_finish(&plug);
	kfree(buf);
	fake_destroy(f);
}

KTEST(block_flush_without_cache)
{
	struct fake *f = fake_create(1, NULL);

	KREQUIRE(f);
	KEXPECT(!bdev_flush(disk_whole(f->disk)));
	KEXPECT(f->requests == 0 && f->flushes == 0);
	fake_destroy(f);
}

static void write_flagged(struct fake *f, unsigned flags, sector_t sector, u8 byte)
{
	struct probe p;

	probe_init(&p, f, BIO_WRITE, flags, sector, 4096);
	fill(p.page, byte);
	KEXPECT(!bio_submit_wait(&p.bio));
	probe_fini(&p);
}

KTEST(block_flush_steps)
{
	struct fake *f = fake_create(1, with_cache), *g = fake_create(1, with_fua);

	/* Both are called "fake": the second is refused. */
	KREQUIRE(f && !g);
	write_flagged(f, 0, 0, 1);
	KEXPECT(f->data[0] == 1 && f->stable[0] == 0);
	write_flagged(f, BIO_PREFLUSH, 8, 2);
	KEXPECT(f->flushes == 1 && f->stable[0] == 1 && f->stable[4096] == 0);
	/* FUA without the device's help: data, then a flush. */
	write_flagged(f, BIO_FUA, 16, 3);
	KEXPECT(f->flushes == 2 && f->fuas == 0 && f->stable[2 * 4096] == 3);
	write_flagged(f, BIO_FUA | BIO_PREFLUSH, 24, 4);
	KEXPECT(f->flushes == 4 && f->stable[3 * 4096] == 4);
	KEXPECT(!bdev_flush(disk_whole(f->disk)) && f->flushes == 5);
	f->error = -EIO;
	KEXPECT(bdev_flush(disk_whole(f->disk)) == -EIO);
	fake_destroy(f);
}

KTEST(block_flush_fua)
{
	struct fake *f = fake_create(1, with_fua);

	KREQUIRE(f);
	write_flagged(f, BIO_FUA | BIO_PREFLUSH, 8, 7);
	KEXPECT(f->flushes == 1 && f->fuas == 1 && f->stable[4096] == 7);
	fake_destroy(f);
}

/* Many who flush at once share: one under way, one for all who came later. */
KTEST(block_flush_coalesce)
{
	struct fake *f = fake_create(1, with_cache);
	struct probe p[6];

	KREQUIRE(f);
	f->hold = true;
	for (unsigned i = 0; i < 6; i++) {
		probe_init(&p[i], f, BIO_FLUSH, BIO_PREFLUSH, 0, 0);
		bio_submit(&p[i].bio);
	}
	KEXPECT(f->nr_held == 1);
	KEXPECT(fake_end_one(f));
	KEXPECT(atomic_load(&p[0].ended) == 1 && atomic_load(&p[1].ended) == 0);
	KEXPECT(f->nr_held == 1);
	fake_release(f);
	for (unsigned i = 0; i < 6; i++) {
		KEXPECT(atomic_load(&p[i].ended) == 1);
		probe_fini(&p[i]);
	}
	KEXPECT(f->flushes == 2);
	fake_destroy(f);
}

/* The driver has room for two: the rest waits in order and goes on as requests end. */
KTEST(block_busy_driver)
{
	struct fake *f = fake_create(1, NULL);
	struct probe p[6];

	KREQUIRE(f);
	f->hold = true;
	f->room = 2;
	for (unsigned i = 0; i < 6; i++) {
		probe_init(&p[i], f, BIO_READ, 0, i * 16, 4096);
		bio_submit(&p[i].bio);
	}
	KEXPECT(f->nr_held == 2);
	for (unsigned i = 0; i < 6; i++)
		KEXPECT(fake_end_one(f));
	for (unsigned i = 0; i < 6; i++) {
		KEXPECT(atomic_load(&p[i].ended) == 1 && !p[i].bio.error);
		probe_fini(&p[i]);
	}
	KEXPECT(f->nr_held == 0 && f->requests == 6);
	fake_destroy(f);
}

static void slow_ender(void *arg)
{
	struct fake *f = arg;

	while (!kthread_should_stop()) {
		if (!fake_end_one(f))
			sleep_ns(50 * NSEC_PER_USEC);
	}
}

/* More bios than tags: submitters sleep, read-ahead is refused. */
KTEST(block_tags_run_out)
{
	struct fake *f = fake_create(1, NULL);
	struct probe *p = kcalloc(4 * DEPTH, sizeof(*p), GFP_KERNEL);
	struct probe ahead;
	struct thread *ender;
	unsigned n = 0;

	KREQUIRE(f && p);
	f->hold = true;
	for (; n < DEPTH - 1; n++) {
		probe_init(&p[n], f, BIO_READ, 0, n * 16, 4096);
		bio_submit(&p[n].bio);
	}
	probe_init(&ahead, f, BIO_READ, BIO_RAHEAD, 2048, 4096);
	bio_submit(&ahead.bio);
	KEXPECT(atomic_load(&ahead.ended) == 1 && ahead.bio.error == -EAGAIN);
	probe_fini(&ahead);
	KREQUIRE(!kthread_create(&ender, slow_ender, f, "ender"));
	thread_start(ender);
	for (; n < 4 * DEPTH; n++) {
		probe_init(&p[n], f, BIO_READ, 0, n * 16, 4096);
		bio_submit(&p[n].bio);
	}
	while (READ_ONCE(f->nr_held))
		sleep_ns(NSEC_PER_MSEC);
	kthread_stop(ender);
	fake_release(f);
	for (unsigned i = 0; i < n; i++) {
		KEXPECT(atomic_load(&p[i].ended) == 1 && !p[i].bio.error);
		probe_fini(&p[i]);
	}
	kfree(p);
	fake_destroy(f);
}

/* Removal while requests are with the driver and others wait. */
KTEST(block_remove_busy)
{
	struct fake *f = fake_create(1, with_cache);
	struct bdev *b;
	struct probe p[5], late;

	KREQUIRE(f);
	KREQUIRE(!bdev_open(MKDEV(240, 0), BDEV_READ | BDEV_EXCL, f, &b));
	KEXPECT(bdev_open(MKDEV(240, 0), BDEV_READ | BDEV_EXCL, b, &b) == -EBUSY);
	f->hold = true;
	f->room = 2;
	for (unsigned i = 0; i < 5; i++) {
		probe_init(&p[i], f, BIO_WRITE, i == 4 ? BIO_PREFLUSH : 0, i * 16, 4096);
		bio_submit(&p[i].bio);
	}
	disk_remove(f->disk);
	for (unsigned i = 0; i < 5; i++)
		KEXPECT(atomic_load(&p[i].ended) == (i >= 2));
	KEXPECT(p[2].bio.error == -EIO && p[4].bio.error == -EIO);
	fake_release(f);
	for (unsigned i = 0; i < 5; i++) {
		KEXPECT(atomic_load(&p[i].ended) == 1);
		probe_fini(&p[i]);
	}
	probe_init(&late, f, BIO_READ, 0, 0, 512);
	KEXPECT(bio_submit_wait(&late.bio) == -ENODEV);
	probe_fini(&late);
	KEXPECT(bdev_open(MKDEV(240, 0), BDEV_READ, NULL, &b) == -ENXIO);
	bdev_close(b, BDEV_READ | BDEV_EXCL, f);
	disk_put(f->disk);
	vfree(f->data);
	vfree(f->stable);
	kfree(f);
}

KTEST(block_discard_zeroes)
{
	struct fake *f = fake_create(1, NULL);
	struct bdev *b;

	KREQUIRE(f);
	b = disk_whole(f->disk);
	memset(f->data, 0xff, SECTORS * SECTOR_SIZE);
	KEXPECT(!bdev_discard(b, 10, 100));
	KEXPECT(f->requests == 4);
	KEXPECT(f->data[10 * 512 - 1] == 0xff && !f->data[10 * 512] && !f->data[110 * 512 - 1] &&
		f->data[110 * 512] == 0xff);
	disk_limits(f->disk)->max_zeroes_sectors = 0;
	disk_limits(f->disk)->max_discard_sectors = 0;
	KEXPECT(bdev_discard(b, 0, 8) == -EOPNOTSUPP);
	KEXPECT(bdev_punch(b, 200, 300) == -EOPNOTSUPP && f->data[200 * 512] == 0xff);
	KEXPECT(!bdev_write_zeroes(b, 200, 300, true));
	KEXPECT(f->data[200 * 512 - 1] == 0xff && !f->data[200 * 512] && !f->data[500 * 512 - 1] &&
		f->data[500 * 512] == 0xff);
	fake_destroy(f);
}

/* --- partitions ------------------------------------------------------------------------------- */

static void mbr_entry(struct fake *f, unsigned i, u8 start, u8 sectors)
{
	u8 *p = f->data + 446 + i * 16;

	p[4] = 0x83;
	p[8] = start;
	p[12] = sectors;
	f->data[510] = 0x55;
	f->data[511] = 0xaa;
}

KTEST(block_partitions)
{
	struct fake *f = fake_create(1, NULL);
	struct bdev *one, *two;
	u8 *buf = kzalloc(512, GFP_KERNEL);

	KREQUIRE(f && buf);
	mbr_entry(f, 0, 64, 32);
	mbr_entry(f, 1, 128, 64);
	f->data[64 * 512] = 11;
	f->data[128 * 512] = 22;
	KEXPECT(disk_rescan(f->disk) == -EINVAL);
	disk_set_partitions(f->disk, true);
	KREQUIRE(!disk_rescan(f->disk));
	KREQUIRE(!bdev_open(MKDEV(259, 0), BDEV_READ | BDEV_EXCL, f, &one));
	KREQUIRE(!bdev_open(MKDEV(259, 1), BDEV_READ, NULL, &two));
	KEXPECT(!strcmp(one->name, "fake1") && one->start == 64 && one->sectors == 32);
	KEXPECT(!bdev_rw(one, BIO_READ, 0, buf, 512) && buf[0] == 11);
	KEXPECT(!bdev_rw(two, BIO_READ, 0, buf, 512) && buf[0] == 22);
	KEXPECT(bdev_rw(one, BIO_READ, 32, buf, 512) == -EIO);
	/* A claimed partition keeps the disk from being claimed; an open one from being read
	 * anew. */
	KEXPECT(bdev_open(MKDEV(240, 0), BDEV_READ | BDEV_EXCL, two, &two) == -EBUSY);
	KEXPECT(disk_rescan(f->disk) == -EBUSY);
	KEXPECT(partition_delete(f->disk, 1) == -EBUSY);
	KEXPECT(partition_create(f->disk, 3, 100, 29) == -EBUSY);
	KEXPECT(partition_create(f->disk, 1, 1000, 8) == -EBUSY);
	KEXPECT(partition_create(f->disk, 3, SECTORS - 8, 9) == -EINVAL);
	KEXPECT(!partition_create(f->disk, 3, 100, 28));
	KEXPECT(partition_resize(f->disk, 3, 100, 29) == -EBUSY);
	KEXPECT(partition_resize(f->disk, 3, 101, 8) == -EINVAL);
	KEXPECT(!partition_resize(f->disk, 3, 100, 8));
	KEXPECT(!partition_delete(f->disk, 3));
	KEXPECT(partition_delete(f->disk, 3) == -ENXIO);
	bdev_close(one, BDEV_READ | BDEV_EXCL, f);
	disk_remove(f->disk);
	KEXPECT(bdev_rw(two, BIO_READ, 0, buf, 512) == -ENODEV);
	bdev_close(two, BDEV_READ, NULL);
	KEXPECT(bdev_open(MKDEV(259, 1), BDEV_READ, NULL, &two) == -ENXIO);
	disk_put(f->disk);
	vfree(f->data);
	vfree(f->stable);
	kfree(f);
	kfree(buf);
}

/* --- buffers ---------------------------------------------------------------------------------- */

KTEST(block_buffers)
{
	struct fake *f = fake_create(1, NULL);
	struct buffer *a, *b, *c;
	struct bdev *dev;

	KREQUIRE(f);
	KREQUIRE(!bdev_open(MKDEV(240, 0), BDEV_READ | BDEV_WRITE, NULL, &dev));
	KREQUIRE(!bdev_set_block_size(dev, 1024));
	for (unsigned i = 0; i < 64; i++)
		memset(f->data + i * 1024, (int)i, 1024);
	KREQUIRE(!buffer_read(dev, 5, &a));
	KEXPECT(a->size == 1024 && ((u8 *)a->data)[0] == 5 && f->requests == 1);
	KREQUIRE(!buffer_read(dev, 6, &b));
	KEXPECT(a->folio == b->folio && ((u8 *)b->data)[1023] == 6 && f->requests == 2);
	c = buffer_find(dev, 5);
	KEXPECT(c == a);
	buffer_put(c);
	KEXPECT(!buffer_find(dev, 32));
	KEXPECT(buffer_read(dev, SECTORS / 2, &c) == -EIO);
	/* The rest of the page is read when a program reads the device. */
	KREQUIRE(!buffer_get_zeroed(dev, 7, &c));
	buffer_mark_dirty(c);
	memset(a->data, 0xaa, 1024);
	memset(b->data, 0xbb, 1024);
	buffer_mark_dirty(a);
	buffer_mark_dirty(b);
	f->requests = 0;
	KEXPECT(!bdev_sync(dev, true));
	/* Three neighbours, one request; the block beside them is not touched. */
	KEXPECT(f->requests == 1 && f->last_size == 3 * 1024 && f->last_sector == 10);
	KEXPECT(f->data[5 * 1024] == 0xaa && f->data[6 * 1024] == 0xbb && !f->data[7 * 1024] &&
		f->data[4 * 1024] == 4);
	KEXPECT(!buffer_test(a, BUFFER_DIRTY) && !buffer_test(a, BUFFER_WRITING));
	/* In use: nothing of another size, no release. */
	KEXPECT(bdev_set_block_size(dev, 4096) == -EBUSY);
	/* Journaled: write-back leaves it. */
	buffer_set(a, BUFFER_JOURNALED);
	memset(a->data, 0xcc, 1024);
	buffer_mark_dirty(a);
	KEXPECT(!bdev_sync(dev, true) && f->data[5 * 1024] == 0xaa);
	buffer_clear(a, BUFFER_JOURNALED);
	buffer_mark_dirty(a);
	KEXPECT(!bdev_sync(dev, true) && f->data[5 * 1024] == 0xcc);
	/* Errors. */
	f->bad = 10;
	buffer_mark_dirty(a);
	KEXPECT(buffer_sync(a, 0) == -EIO && buffer_test(a, BUFFER_ERROR));
	buffer_mark_dirty(a);
	KEXPECT(bdev_sync(dev, true) == -EIO);
	f->bad = ~0ull;
	KEXPECT(!buffer_sync(a, 0));
	buffer_mark_dirty(b);
	buffer_forget(b);
	memset(b->data, 1, 1024);
	KEXPECT(!bdev_sync(dev, true) && f->data[6 * 1024] == 0xbb);
	buffers_invalidate(dev, 6, 1);
	buffer_put(b);
	KREQUIRE(!buffer_read(dev, 6, &b));
	KEXPECT(((u8 *)b->data)[0] == 0xbb);
	buffer_put(a);
	buffer_put(b);
	buffer_put(c);
	KEXPECT(!bdev_set_block_size(dev, 4096));
	KREQUIRE(!buffer_read(dev, 1, &a));
	KEXPECT(a->size == 4096 && ((u8 *)a->data)[1024] == 0xcc);
	buffer_put(a);
	bdev_close(dev, BDEV_READ | BDEV_WRITE, NULL);
	fake_destroy(f);
}

/* --- a storm ---------------------------------------------------------------------------------- */

#define STORM_THREADS 4u
#define STORM_BLOCKS  64u
#define STORM_ROUNDS  400u

struct storm {
	struct fake *f;
	unsigned index;
	u64 seed;
	struct completion done;
	unsigned wrong;
};

/* Each thread owns the blocks whose number is its own modulo the threads. */
static void storm_thread(void *arg)
{
	struct storm *s = arg;
	struct bdev *b = disk_whole(s->f->disk);
	u8 *model = kzalloc(STORM_BLOCKS, GFP_KERNEL), *buf = kmalloc(1024, GFP_KERNEL);
	struct prng rng;

	prng_seed(&rng, s->seed + s->index);
	for (unsigned i = 0; model && buf && i < STORM_ROUNDS; i++) {
		unsigned k = (unsigned)(prng_next(&rng) % STORM_BLOCKS), block;
		u64 what = prng_next(&rng) % 8;

		block = k * STORM_THREADS + s->index;
		if (what < 3) {
			model[k] = (u8)prng_next(&rng);
			memset(buf, model[k], 1024);
			s->wrong += bdev_rw(b, BIO_WRITE, block * 2, buf, 1024) != 0;
		} else if (what < 4) {
			s->wrong += bdev_flush(b) != 0;
		} else if (what < 5) {
			model[k] = 0;
			s->wrong += bdev_write_zeroes(b, block * 2, 2, false) != 0;
		} else {
			s->wrong += bdev_rw(b, BIO_READ, block * 2, buf, 1024) != 0;
			s->wrong += buf[0] != model[k] || buf[1023] != model[k];
		}
	}
	kfree(model);
	kfree(buf);
	completion_done(&s->done);
}

KTEST(block_storm)
{
	struct fake *f = fake_create(2, with_cache);
	struct storm s[STORM_THREADS];
	struct thread *ender;
	u64 seed = prng_next(ktest_prng());

	KREQUIRE(f);
	f->hold = true;
	f->room = 3;
	memset(f->data, 0, SECTORS * SECTOR_SIZE);
	KREQUIRE(!kthread_create(&ender, slow_ender, f, "ender"));
	thread_start(ender);
	for (unsigned i = 0; i < STORM_THREADS; i++) {
		s[i] = (struct storm){.f = f, .index = i, .seed = seed};
		completion_init(&s[i].done);
		KEXPECT(!kthread_run(storm_thread, &s[i], "storm%u", i));
	}
	for (unsigned i = 0; i < STORM_THREADS; i++) {
		completion_wait(&s[i].done);
		KEXPECT(!s[i].wrong);
	}
	kthread_stop(ender);
	fake_release(f);
	fake_destroy(f);
}
