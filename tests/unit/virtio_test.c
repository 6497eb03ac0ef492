/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices that fail: a block device made for the test, whose driver, rings and disk are the
 * real ones.
 *
 * A thread is the device: it looks at the ring once a millisecond and, as told, serves what it
 * finds, forgets it, or answers with the number of a buffer that does not exist.  What the driver
 * does about it (reset and send again, or give up) must show to who reads the disk as no more than
 * delay, or EIO.
 *
 * link: hostfs drivers/bus/virtio/virtio.c drivers/bus/virtio/virtq.c drivers/bus/virtio/split.c
 * link: drivers/bus/virtio/packed.c drivers/block/virtio_blk.c
 *
 * Locks: `step`, held over each look and the handlers that follow it, so that a reset and
 * irqs_synchronize exclude them, as they do interrupts.
 */
#include <drivers/bus/virtio/virtio_internal.h>
#include <fs/block/block.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/virtio_blk.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/page.h>
#include <host.h>
#include <hostfs.h>

#define SECTORS 256u
#define DEPTH	16u
#define RING	2 /* u16 before the entries of a ring: flags, index */

enum manner { SERVE, FORGET, LIE };

struct toy {
	struct virtio_device v;
	struct mutex step;
	struct virtq *vq;	     /* [step] enabled, or NULL */
	u16 seen, used;		     /* [step] entries taken, entries given back */
	enum manner manner;	     /* [a] */
	u32 status;		     /* [a] */
	u32 stuck;		     /* [a] a reset does not take */
	u32 resets, served, forgotten; /* [a] */
	struct virtio_blk_config config;
	u8 *data;
	u16 doorbell;
	struct thread *thread;
	u32 *gone; /* [a] set when the memory goes */
};

static struct toy *toy_of(struct virtio_device *v)
{
	return container_of(v, struct toy, v);
}

/* --- the device ------------------------------------------------------------------------------- */

static void toy_transfer(struct toy *t, const struct virtio_blk_outhdr *header,
			 struct virtq_desc *piece)
{
	u8 *memory = phys_to_virt(piece->addr), *at = t->data + header->sector * SECTOR_SIZE;

	if (header->type == VIRTIO_BLK_T_IN)
		memcpy(memory, at, piece->len);
	else if (header->type == VIRTIO_BLK_T_OUT)
		memcpy(at, memory, piece->len);
	else
		memset(memory, 0, piece->len);
}

/* A header, pieces, a status byte, in a table that the descriptor names. */
static void toy_serve(struct toy *t, u16 head)
{
	volatile struct virtq_desc *d = &t->vq->split.desc[head];
	struct virtq_desc *table = phys_to_virt(d->addr);
	unsigned n = d->len / sizeof(*table);
	struct virtio_blk_outhdr header;

	memcpy(&header, phys_to_virt(table[0].addr), sizeof(header));
	for (unsigned i = 1; i < n - 1; i++) {
		toy_transfer(t, &header, &table[i]);
		header.sector += table[i].len / SECTOR_SIZE;
	}
	*(u8 *)phys_to_virt(table[n - 1].addr) = VIRTIO_BLK_S_OK;
	atomic_inc(&t->served);
}

/* Locks: step. */
static void toy_give_back(struct toy *t, u32 id)
{
	volatile u32 *entry =
		(volatile u32 *)&t->vq->split.used[RING + 4 * (t->used & t->vq->mask)];

	entry[0] = id;
	entry[1] = 1;
	smp_wmb();
	t->vq->split.used[1] = ++t->used;
}

/* Locks: step.  Returns whether there is something to hear of. */
static bool toy_look(struct toy *t)
{
	bool told = false;

	while (t->vq && t->seen != t->vq->split.avail[1]) {
		u16 head = t->vq->split.avail[RING + (t->seen++ & t->vq->mask)];

		smp_rmb();
		if (atomic_load(&t->manner) == FORGET) {
			atomic_inc(&t->forgotten);
			continue;
		}
		if (atomic_load(&t->manner) == SERVE)
			toy_serve(t, head);
		toy_give_back(t, atomic_load(&t->manner) == LIE ? 0xdead : head);
		told = true;
	}
	return told;
}

static void toy_thread(void *arg)
{
	struct toy *t = arg;

	while (!kthread_should_stop()) {
		with_mutex(&t->step)
		{
			if (toy_look(t)) {
				guard_preempt();
				virtio_all_queues(&t->v);
			}
		}
		sleep_ns(NSEC_PER_MSEC);
	}
}

/* --- the transport ---------------------------------------------------------------------------- */

static u8 toy_status(struct virtio_device *v)
{
	return (u8)atomic_load(&toy_of(v)->status);
}

static void toy_set_status(struct virtio_device *v, u8 status)
{
	struct toy *t = toy_of(v);

	if (!status) {
		guard_mutex(&t->step);
		t->vq = NULL;
		t->seen = t->used = 0;
		atomic_inc(&t->resets);
		if (atomic_load(&t->stuck))
			return;
	}
	atomic_store(&t->status, (u32)status);
}

static u64 toy_features(struct virtio_device *v)
{
	return BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_BLK_F_SEG_MAX);
}

static void toy_set_features(struct virtio_device *v, u64 features)
{
}

static u32 toy_config_read(struct virtio_device *v, unsigned offset, unsigned len)
{
	u32 value = 0;

	if (offset + len <= sizeof(struct virtio_blk_config))
		memcpy(&value, (u8 *)&toy_of(v)->config + offset, len);
	return value;
}

static void toy_config_write(struct virtio_device *v, unsigned offset, unsigned len, u32 value)
{
}

static u32 toy_generation(struct virtio_device *v)
{
	return 0;
}

static unsigned toy_queue_max(struct virtio_device *v, unsigned index)
{
	return index ? 0 : DEPTH;
}

static int toy_queue_enable(struct virtio_device *v, struct virtq *vq)
{
	struct toy *t = toy_of(v);

	guard_mutex(&t->step);
	vq->notify = &t->doorbell;
	vq->notify_value = 0;
	vq->notify_wide = false;
	t->vq = vq;
	return 0;
}

static int toy_irqs_request(struct virtio_device *v, unsigned n,
			    const struct virtio_queue_wish *wishes)
{
	return 0;
}

static void toy_irqs_free(struct virtio_device *v)
{
	guard_mutex(&toy_of(v)->step);
	toy_of(v)->vq = NULL;
}

static void toy_irqs_synchronize(struct virtio_device *v)
{
	guard_mutex(&toy_of(v)->step);
}

static const struct virtio_transport toy_transport = {
	.status = toy_status,
	.set_status = toy_set_status,
	.features = toy_features,
	.set_features = toy_set_features,
	.config_read = toy_config_read,
	.config_write = toy_config_write,
	.generation = toy_generation,
	.queue_max = toy_queue_max,
	.queue_enable = toy_queue_enable,
	.irqs_request = toy_irqs_request,
	.irqs_free = toy_irqs_free,
	.irqs_synchronize = toy_irqs_synchronize,
};

/* --- its life --------------------------------------------------------------------------------- */

static void toy_release(struct device *dev)
{
	struct toy *t = toy_of(to_virtio_device(dev));

	atomic_store(t->gone, 1u);
	kfree(t->data);
	kfree(t);
}

/* A device in service and its disk, opened; every sector begins with its number. */
static bool toy_create(struct toy **out, struct bdev **bdev, u32 *gone)
{
	struct toy *t;
	dev_t dev = 0;
	char name[16];

	hostfs_boot();
	device_init_drivers();
	t = kzalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return false;
	t->data = kzalloc(SECTORS * SECTOR_SIZE, GFP_KERNEL);
	if (!t->data || kthread_create(&t->thread, toy_thread, t, "toy")) {
		kfree(t->data);
		kfree(t);
		return false;
	}
	for (u32 s = 0; s < SECTORS; s++)
		memcpy(t->data + s * SECTOR_SIZE, &s, sizeof(s));
	*gone = 0;
	t->gone = gone;
	mutex_init(&t->step, RANK_DRIVER_INNER, "toy.step");
	t->config.capacity = SECTORS;
	t->config.seg_max = 4;
	t->v.transport = &toy_transport;
	t->v.device_id = VIRTIO_ID_BLOCK;
	t->v.dev.release = toy_release;
	thread_start(t->thread);
	*out = t;
	/* The newest disk is the last of the names. */
	if (virtio_device_add(&t->v))
		return false;
	for (unsigned i = 26; i-- && !dev;) {
		disk_name_format("/dev/vd", i, name, sizeof(name));
		if (bdev_lookup(name, &dev))
			dev = 0;
	}
	return dev && !bdev_open(dev, BDEV_READ | BDEV_WRITE, NULL, bdev);
}

static void toy_destroy(struct toy *t, struct bdev *bdev, const u32 *gone)
{
	struct thread *thread = t->thread;

	device_get(&t->v.dev);
	virtio_device_remove(&t->v);
	kthread_stop(thread);
	bdev_close(bdev, BDEV_READ | BDEV_WRITE, NULL);
	device_put(&t->v.dev);
	EXPECT(atomic_load(gone));
}

/* --- who uses it ------------------------------------------------------------------------------ */

struct reader {
	struct bdev *bdev;
	sector_t sector;
	int err;
	u32 found;
	struct completion done;
	u8 *buf;
};

static void reader_main(void *arg)
{
	struct reader *r = arg;

	r->err = bdev_rw(r->bdev, BIO_READ, r->sector, r->buf, SECTOR_SIZE);
	memcpy(&r->found, r->buf, sizeof(r->found));
	completion_done(&r->done);
}

static bool reader_start(struct reader *r, struct bdev *bdev, sector_t sector)
{
	*r = (struct reader){
		.bdev = bdev, .sector = sector, .buf = kzalloc(SECTOR_SIZE, GFP_KERNEL)};
	completion_init(&r->done);
	return r->buf && !kthread_run(reader_main, r, "reader");
}

static int reader_end(struct reader *r)
{
	int err = completion_wait_timeout(&r->done, clock_deadline(60 * NSEC_PER_SEC));

	if (err)
		return err; /* its memory is still in use */
	kfree(r->buf);
	return r->err;
}

static void wait_forgotten(struct toy *t, u32 n)
{
	for (unsigned i = 0; i < 60000 && atomic_load(&t->forgotten) < n; i++)
		sleep_ns(NSEC_PER_MSEC);
	EXPECT(atomic_load(&t->forgotten) >= n);
}

static bool sector_right(struct bdev *bdev, sector_t sector)
{
	struct reader r;

	return reader_start(&r, bdev, sector) && !reader_end(&r) && r.found == (u32)sector;
}

#define READERS 3

/* It says that it needs a reset while it has requests: they are sent again. */
TEST(needs_reset)
{
	static struct reader r[READERS];
	struct toy *t;
	struct bdev *b;
	u32 gone;
	u32 resets;

	EXPECT(toy_create(&t, &b, &gone));
	EXPECT(sector_right(b, 7));
	for (unsigned round = 0; round < 3; round++) {
		resets = atomic_load(&t->resets);
		atomic_store(&t->forgotten, 0u);
		atomic_store(&t->manner, FORGET);
		for (unsigned i = 0; i < READERS; i++)
			EXPECT(reader_start(&r[i], b, 100 + 2 * i));
		wait_forgotten(t, READERS);
		atomic_store(&t->manner, SERVE);
		atomic_or(&t->status, VIRTIO_S_NEEDS_RESET);
		virtio_config_event(&t->v);
		for (unsigned i = 0; i < READERS; i++) {
			EXPECT(!reader_end(&r[i]));
			EXPECT(r[i].found == 100 + 2 * i);
		}
		EXPECT(atomic_load(&t->resets) > resets);
		EXPECT(sector_right(b, 8));
	}
	toy_destroy(t, b, &gone);
}

/* A request never ends: as the block layer's time-out does, the driver has it reset. */
TEST(request_lost)
{
	static struct reader r;
	struct toy *t;
	struct bdev *b;
	u32 gone;

	EXPECT(toy_create(&t, &b, &gone));
	atomic_store(&t->manner, FORGET);
	EXPECT(reader_start(&r, b, 33));
	wait_forgotten(t, 1);
	atomic_store(&t->manner, SERVE);
	virtio_fail(&t->v, false);
	EXPECT(!reader_end(&r) && r.found == 33);
	toy_destroy(t, b, &gone);
}

/* An answer that nobody asked for: it is not trusted any more. */
TEST(liar)
{
	static struct reader r;
	struct toy *t;
	struct bdev *b;
	u32 gone;

	EXPECT(toy_create(&t, &b, &gone));
	atomic_store(&t->manner, LIE);
	EXPECT(reader_start(&r, b, 33));
	EXPECT(reader_end(&r) == -EIO);
	atomic_store(&t->manner, SERVE);
	EXPECT(reader_start(&r, b, 34));
	EXPECT(reader_end(&r) == -EIO);
	EXPECT(virtio_dead(&t->v));
	toy_destroy(t, b, &gone);
}

/* A reset that does not take: given up. */
TEST(reset_stuck)
{
	static struct reader r;
	struct toy *t;
	struct bdev *b;
	u32 gone;

	EXPECT(toy_create(&t, &b, &gone));
	atomic_store(&t->manner, FORGET);
	EXPECT(reader_start(&r, b, 33));
	wait_forgotten(t, 1);
	atomic_store(&t->stuck, 1u);
	virtio_fail(&t->v, false);
	EXPECT(reader_end(&r) == -EIO);
	EXPECT(virtio_dead(&t->v));
	toy_destroy(t, b, &gone);
}

/* It is reset again and again and never answers: after some times it is given up. */
TEST(never_answers)
{
	static struct reader r;
	struct toy *t;
	struct bdev *b;
	u32 gone;

	EXPECT(toy_create(&t, &b, &gone));
	atomic_store(&t->manner, FORGET);
	EXPECT(reader_start(&r, b, 33));
	wait_forgotten(t, 1);
	for (unsigned i = 0; i < 2000 && !virtio_dead(&t->v); i++) {
		virtio_fail(&t->v, false);
		sleep_ns(10 * NSEC_PER_MSEC);
	}
	EXPECT(virtio_dead(&t->v));
	EXPECT(reader_end(&r) == -EIO);
	toy_destroy(t, b, &gone);
}

/* It goes while it has requests. */
TEST(goes_with_requests)
{
	static struct reader r;
	struct toy *t;
	struct bdev *b;
	u32 gone;

	EXPECT(toy_create(&t, &b, &gone));
	atomic_store(&t->manner, FORGET);
	EXPECT(reader_start(&r, b, 33));
	wait_forgotten(t, 1);
	toy_destroy(t, b, &gone);
	EXPECT(reader_end(&r) == -EIO);
}

/* Coming, failing and going leave nothing behind. */
TEST(nothing_leaks)
{
	struct hostfs_usage before;
	static struct reader r;
	struct toy *t;
	struct bdev *b;
	u32 gone;

	for (unsigned round = 0; round < 3; round++) {
		EXPECT(toy_create(&t, &b, &gone));
		atomic_store(&t->manner, FORGET);
		EXPECT(reader_start(&r, b, 33));
		wait_forgotten(t, 1);
		virtio_fail(&t->v, round == 1);
		hostfs_sleep(2 * NSEC_PER_SEC);
		toy_destroy(t, b, &gone);
		EXPECT(reader_end(&r) == -EIO);
		if (!round)
			before = hostfs_usage_settled();
		else
			hostfs_expect_usage(before);
	}
}
