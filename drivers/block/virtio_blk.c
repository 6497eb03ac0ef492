/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio block devices (virtio 1.2, 5.2).
 *
 * A request is a header, the data, and a byte that the device sets to say how it went.  All three
 * are named by a table of descriptors that lies, with header and byte, in the driver's part of the
 * block layer's request; the request's tag is the number of its buffer in the virtqueue.  So
 * sending takes no memory and no search, and the device's answer leads straight to the request.  A
 * request of many pieces borrows one of a few long tables of its queue, of which there is one from
 * the start and more when several are needed at a time.  A device without indirect
 * descriptors gets chains instead.
 *
 * Each queue of the disk is a virtqueue with its lock, which guards the virtqueue, the long tables
 * and `stopped`.  Requests end outside it.
 *
 * When the device is reset after a failure, what it had is sent again; when it is given up or goes,
 * that ends with EIO.  The disk outlives the device while it is open.
 */
#define LOG_PREFIX "virtio_blk: "
#include <drivers/bus/virtio/virtio.h>
#include <fs/block/block.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/virtio_blk.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <kernel/sync/completion.h>
#include <kernel/time/clock.h>
#include <mm/page.h>
#include <mm/usercopy.h>
#include "virtio_tables.h"

#define SHORT_PIECES 14 /* of data, in a request's own table */
#define LONG_PIECES  254
#define QUEUE_DEPTH  128
#define MINORS       16
#define SECTORS_MOST 2560 /* as Linux starts with: 1280 KiB */
#define ID_BYTES     VIRTIO_BLK_ID_BYTES
#define GRACE_NS     (30 * NSEC_PER_SEC)
#define STATUS_NONE  0xff

/* The driver's part of a request; the device reads table, header and range, and writes status. */
struct vblk_request {
	struct virtq_desc table[SHORT_PIECES + 2];
	struct virtio_blk_outhdr header;
	struct virtio_blk_discard_write_zeroes range;
	u8 status;
	u8 long_table;         /* number + 1 of the borrowed one, or 0 */
	u16 pieces;            /* descriptors in the table */
	struct request *retry; /* [q] next of the queue's list */
};

struct vblk_queue {
	struct spinlock lock;                        /* RANK_BLOCK_DRIVER */
	struct virtq *vq;                            /* [I] while not stopped */
	struct hw_queue *hq;                         /* [I] */
	struct vblk *disk;                           /* [I] */
	bool stopped;                                /* [q] nothing goes to the device */
	struct long_tables long_tables; /* [q] */
	struct request *retry;                       /* [q] to be sent again */
	char name[32];                               /* [I] of its interrupt */
} __aligned(64);                                     /* q: lock */

struct vblk {
	struct virtio_device *vdev; /* [I]; valid while `gone` is 0 */
	struct disk *disk;          /* [I] */
	unsigned index;             /* [I] of the name */
	bool slots;                 /* [I] indirect descriptors */
	u32 gone;                   /* [a] removed */
	u64 restored;               /* [a] ns, when the device was last reset */
	struct mutex own_lock;      /* one request of the driver's own at a time */
	struct completion own_done;
	struct vblk_request *own;  /* [own_lock] number `depth` of queue 0 */
	void *own_data;            /* [own_lock] a page */
	struct hd_geometry geometry; /* [I] all 0: the device has none */
	unsigned nr_queues, depth; /* [I] */
	struct vblk_queue queues[];
};

static u32 major; /* [I] once the first disk is there */

/* --- building --------------------------------------------------------------------------------- */

static __always_inline struct vblk_request *part_of(struct request *rq)
{
	return request_driver(rq);
}

static __always_inline u64 bus_address(const void *p)
{
	return virt_to_phys(p);
}

static u32 type_of(const struct request *rq)
{
	static const u8 types[] = {
		[BIO_READ] = VIRTIO_BLK_T_IN,
		[BIO_WRITE] = VIRTIO_BLK_T_OUT,
		[BIO_FLUSH] = VIRTIO_BLK_T_FLUSH,
		[BIO_DISCARD] = VIRTIO_BLK_T_DISCARD,
		[BIO_ZEROES] = VIRTIO_BLK_T_WRITE_ZEROES,
	};

	return types[rq->op];
}

/* Data of one piece, as most requests are; returns the number of descriptors so far. */
static __always_inline unsigned add_single(struct virtq *vq, struct virtq_desc *table,
					   const struct bio_vec *v, bool write)
{
	virtq_table_set(vq, table, 1, page_to_phys(v->page) + v->offset, v->len, write, true);
	return 2;
}

static unsigned add_pieces(struct virtq *vq, struct virtq_desc *table, const struct request *rq,
			   unsigned most)
{
	struct request_iter it;
	struct segment s;
	unsigned n = 1;

	request_iter_init(&it, rq);
	while (n <= most && request_iter_next(&it, rq, &s))
		virtq_table_set(vq, table, n++, s.pa, s.len, rq->op == BIO_READ, true);
	return n;
}

static unsigned add_range(struct virtq *vq, struct virtq_desc *table, const struct request *rq,
			  struct vblk_request *r)
{
	bool unmap = rq->op == BIO_ZEROES && !(rq->flags & BIO_NOUNMAP) &&
		     disk_limits(rq->disk)->zeroes_unmap;

	r->header.sector = 0;
	r->range.sector = rq->sector;
	r->range.num_sectors = rq->size >> SECTOR_SHIFT;
	r->range.flags = unmap ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0;
	virtq_table_set(vq, table, 1, bus_address(&r->range), sizeof(r->range), false, true);
	return 2;
}

static __always_inline void finish_table(struct virtq *vq, struct virtq_desc *table,
					 struct vblk_request *r, unsigned n)
{
	virtq_table_set(vq, table, 0, bus_address(&r->header), sizeof(r->header), false, true);
	virtq_table_set(vq, table, n, bus_address(&r->status), 1, true, false);
	r->status = STATUS_NONE;
	r->pieces = (u16)(n + 1);
}

/* Borrow a long table.  Locks: takes the queue's. */
static bool long_borrow(struct vblk_queue *q, struct vblk_request *r)
{
	guard_spin_irq(&q->lock);
	r->long_table = long_table_lend(&q->long_tables);
	return r->long_table;
}

/* Locks: q->lock. */
static __always_inline void long_return(struct vblk_queue *q, struct vblk_request *r)
{
	long_table_return(&q->long_tables, &r->long_table);
}

static struct virtq_desc *table_of(const struct vblk_queue *q, struct vblk_request *r)
{
	return r->long_table ? q->long_tables.table[r->long_table - 1] : r->table;
}

/* Fill the request's part.  0, or -EBUSY: no long table is free. */
static int build(struct vblk_queue *q, struct request *rq, struct vblk_request *r)
{
	const struct bio *bio = rq->bio;
	struct virtq_desc *table = r->table;
	struct virtq *vq = q->vq;
	unsigned n;

	r->header.type = type_of(rq);
	r->header.ioprio = 0;
	r->header.sector = rq->sector;
	r->long_table = 0;
	if (rq->op <= BIO_WRITE && bio == rq->last && bio->nr_vecs == 1) {
		n = add_single(vq, table, bio->vecs, rq->op == BIO_READ);
	} else if (rq->op <= BIO_WRITE) {
		bool fits = rq->nr_segments <= SHORT_PIECES || !q->disk->slots;

		if (!fits && !long_borrow(q, r))
			return -EBUSY;
		table = table_of(q, r);
		n = add_pieces(vq, table, rq, fits ? SHORT_PIECES : LONG_PIECES);
	} else if (rq->op == BIO_FLUSH) {
		r->header.sector = 0;
		n = 1;
	} else {
		n = add_range(vq, table, rq, r);
	}
	finish_table(vq, table, r, n);
	return 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* The table as a chain, for devices without indirect descriptors; `in` of them at its end are
 * written by the device. */
static int send_chain(struct vblk_queue *q, const struct vblk_request *r, unsigned in, void *token)
{
	struct virtq_piece pieces[SHORT_PIECES + 2];
	int err;

	for (unsigned i = 0; i < r->pieces; i++)
		pieces[i] = (struct virtq_piece){r->table[i].addr, r->table[i].len};
	err = virtq_add(q->vq, pieces, r->pieces - in, in, token);
	return err == -ENOSPC ? -EBUSY : err;
}

/* Locks: q->lock.  0, or -EBUSY, -EIO. */
static __always_inline int send_table(struct vblk_queue *q, unsigned slot,
				      const struct virtq_desc *table, const struct vblk_request *r,
				      unsigned in, void *token)
{
	if (unlikely(!q->disk->slots))
		return send_chain(q, r, in, token);
	virtq_add_slot(q->vq, slot, bus_address(table), r->pieces, token);
	return 0;
}

static __always_inline int send(struct vblk_queue *q, struct request *rq, struct vblk_request *r)
{
	unsigned in = rq->op == BIO_READ ? r->pieces - 1u : 1u;

	return send_table(q, rq->tag, table_of(q, r), r, in, rq);
}

static int vblk_queue(struct hw_queue *hq, struct request *rq, bool last)
{
	struct vblk_queue *q = hq->private;
	struct vblk_request *r = part_of(rq);
	bool notify = false;
	irqflags_t f;
	int err = build(q, rq, r);

	if (unlikely(err))
		return err;
	f = spin_lock_irqsave(&q->lock);
	err = unlikely(q->stopped) ? atomic_load(&q->disk->gone) ? -EIO : -EBUSY : send(q, rq, r);
	if (unlikely(err))
		long_return(q, r);
	else if (last)
		notify = virtq_publish(q->vq);
	spin_unlock_irqrestore(&q->lock, f);
	if (notify)
		virtq_notify(q->vq);
	return err;
}

static void vblk_commit(struct hw_queue *hq)
{
	struct vblk_queue *q = hq->private;
	bool notify;

	with_spin_irq(&q->lock) notify = !q->stopped && virtq_publish(q->vq);
	if (notify)
		virtq_notify(q->vq);
}

/* --- ending ----------------------------------------------------------------------------------- */

static __always_inline int result_of(const struct vblk_request *r)
{
	switch (READ_ONCE(r->status)) {
	case VIRTIO_BLK_S_OK: return 0;
	case VIRTIO_BLK_S_UNSUPP: return -EOPNOTSUPP;
	default: return -EIO;
	}
}

#define BATCH 16

/* Up to BATCH requests that the device is done with; *more: look again. */
static unsigned collect(struct vblk_queue *q, struct request **done, bool *more)
{
	struct request *rq;
	unsigned n = 0;
	u32 len;

	guard_spin_irq(&q->lock);
	*more = false;
	if (unlikely(q->stopped))
		return 0;
	while (n < BATCH && (rq = virtq_take(q->vq, &len))) {
		if (unlikely((void *)rq == q->disk)) {
			completion_done(&q->disk->own_done);
			continue;
		}
		long_return(q, part_of(rq));
		done[n++] = rq;
	}
	*more = n == BATCH || virtq_arm(q->vq);
	return n;
}

static void vblk_done(struct virtq *vq)
{
	struct vblk_queue *q = vq->owner;
	struct request *done[BATCH];
	bool more;

	do {
		unsigned n = collect(q, done, &more);

		for (unsigned i = 0; i < n; i++)
			request_end(done[i], result_of(part_of(done[i])));
	} while (more);
	if (unlikely(virtq_is_broken(vq)))
		virtio_fail(vq->vdev, true);
}

static void vblk_timeout(struct hw_queue *hq, unsigned tag)
{
	struct vblk_queue *q = hq->private;
	struct vblk *b = q->disk;
	u64 since = atomic_load(&b->restored);

	/* What was sent again gets its time again. */
	if (since && clock_mono_ns() - since < GRACE_NS)
		return;
	with_spin_irq(&q->lock)
	{
		if (!q->stopped && request_by_tag(hq, tag))
			virtio_fail(b->vdev, false);
	}
}

/* --- requests of the driver's own ---------------------------------------------------------------
 */

/*
 * The device's serial number, up to 20 bytes, not terminated by the device if it has them all.
 * Returns 0 or a negative errno.
 */
static int own_identify(struct vblk *b, char *id)
{
	struct vblk_queue *q = &b->queues[0];
	struct vblk_request *r = b->own;
	bool notify;

	guard_mutex(&b->own_lock);
	completion_init(&b->own_done);
	with_spin_irq(&q->lock)
	{
		int err;

		if (q->stopped)
			return -ENODEV;
		r->header = (struct virtio_blk_outhdr){.type = VIRTIO_BLK_T_GET_ID};
		virtq_table_set(q->vq, r->table, 1, bus_address(b->own_data), ID_BYTES, true, true);
		finish_table(q->vq, r->table, r, 2);
		err = send_table(q, b->depth, r->table, r, 2, b);
		if (err)
			return err;
		notify = virtq_publish(q->vq);
	}
	if (notify)
		virtq_notify(q->vq);
	completion_wait(&b->own_done);
	memcpy(id, b->own_data, ID_BYTES);
	return result_of(r);
}

static struct vblk *vblk_of(const struct device *dev)
{
	const struct bdev *bdev = dev->private;

	return disk_private(bdev->disk);
}

static int serial_show(struct device *dev, struct seq *out)
{
	char id[ID_BYTES + 1] = {0};
	int err = own_identify(vblk_of(dev), id);

	if (!err)
		seq_puts(out, id);
	return err == -EIO || err == -EOPNOTSUPP ? 0 : err;
}

static int cache_type_show(struct device *dev, struct seq *out)
{
	const struct bdev *bdev = dev->private;

	seq_puts(out, READ_ONCE(disk_limits(bdev->disk)->write_cache) ? "write back\n"
								      : "write through\n");
	return 0;
}

static ssize_t cache_type_store(struct device *dev, const char *buf, size_t len)
{
	struct vblk *b = vblk_of(dev);
	u8 on = !strncmp(buf, "write back", 10);

	if (!on && strncmp(buf, "write through", 13))
		return -EINVAL;
	if (atomic_load(&b->gone) || !virtio_has(b->vdev, VIRTIO_BLK_F_CONFIG_WCE))
		return -EINVAL;
	virtio_config_write(b->vdev, offsetof(struct virtio_blk_config, wce), &on, 1);
	disk_set_write_cache(b->disk, on);
	return (ssize_t)len;
}

static const struct device_attribute serial_attr = {"serial", 0444, serial_show, NULL};
static const struct device_attribute cache_type_attr = {"cache_type", 0644, cache_type_show,
							cache_type_store};
static const struct device_attribute *const attributes[] = {&serial_attr, &cache_type_attr, NULL};

/* --- stopping and restoring ---------------------------------------------------------------------
 */

static void queue_stop(struct vblk_queue *q)
{
	guard_spin_irq(&q->lock);
	q->stopped = true;
}

/* Take from the stopped device's queue what it had, into the list of what is to be sent again. */
static void queue_reclaim(struct vblk_queue *q)
{
	struct request *rq;
	unsigned cursor = 0;

	guard_spin_irq(&q->lock);
	while ((rq = virtq_abandon(q->vq, &cursor))) {
		if ((void *)rq == q->disk) {
			q->disk->own->status = VIRTIO_BLK_S_IOERR;
			completion_done(&q->disk->own_done);
			continue;
		}
		part_of(rq)->retry = q->retry;
		q->retry = rq;
	}
}

static struct request *retry_next(struct vblk_queue *q)
{
	guard_spin_irq(&q->lock);
	struct request *rq = q->retry;

	if (rq)
		q->retry = part_of(rq)->retry;
	return rq;
}

static void queue_fail(struct vblk_queue *q)
{
	struct request *rq;

	while ((rq = retry_next(q))) {
		with_spin_irq(&q->lock) long_return(q, part_of(rq));
		request_end(rq, -EIO);
	}
	hw_queue_kick(q->hq);
}

/* The device is reset: nothing is sent any more, and nothing comes. */
static void vblk_freeze(struct virtio_device *v)
{
	struct vblk *b = v->dev.driver_data;

	if (virtio_dead(v))
		atomic_store(&b->gone, 1u);
	for (unsigned i = 0; i < b->nr_queues; i++) {
		queue_stop(&b->queues[i]);
		queue_reclaim(&b->queues[i]);
		if (virtio_dead(v))
			queue_fail(&b->queues[i]);
	}
}

static void queue_resume(struct vblk_queue *q)
{
	bool notify;

	with_spin_irq(&q->lock)
	{
		struct request *rq = q->retry;

		for (; rq; rq = part_of(rq)->retry)
			if (send(q, rq, part_of(rq)))
				break;
		q->retry = rq;
		q->stopped = false;
		notify = virtq_publish(q->vq) || virtq_arm(q->vq);
	}
	if (notify)
		virtq_notify(q->vq);
	hw_queue_kick(q->hq);
}

static int vblk_restore(struct virtio_device *v)
{
	struct vblk *b = v->dev.driver_data;
	int err = virtio_queues_restart(v);

	if (err)
		return err;
	virtio_ready(v);
	atomic_store(&b->restored, clock_mono_ns());
	for (unsigned i = 0; i < b->nr_queues; i++)
		queue_resume(&b->queues[i]);
	return 0;
}

/* --- limits ----------------------------------------------------------------------------------- */

#define CONFIG(width, v, field) virtio_config##width(v, offsetof(struct virtio_blk_config, field))

/* A block size that is usable, or 512. */
static u32 block_size(struct virtio_device *v)
{
	u32 size = virtio_has(v, VIRTIO_BLK_F_BLK_SIZE) ? CONFIG(32, v, blk_size) : 0;

	return size >= SECTOR_SIZE && size <= PAGE_SIZE && !(size & (size - 1)) ? size
										: SECTOR_SIZE;
}

static void read_topology(struct virtio_device *v, struct disk_limits *l)
{
	unsigned exp = CONFIG(8, v, physical_block_exp);

	if (exp < 16)
		l->physical_block = l->logical_block << exp;
	l->io_min = CONFIG(16, v, min_io_size) * l->logical_block;
	l->io_opt = CONFIG(32, v, opt_io_size) * l->logical_block;
}

static void read_ranges(struct virtio_device *v, struct disk_limits *l)
{
	u32 most = U32_MAX >> SECTOR_SHIFT;

	if (virtio_has(v, VIRTIO_BLK_F_DISCARD)) {
		u32 align = CONFIG(32, v, discard_sector_alignment);

		l->max_discard_sectors = min(CONFIG(32, v, max_discard_sectors), most);
		l->max_discard_segments = 1;
		l->discard_granularity =
			align && align < 1u << 20 ? align << SECTOR_SHIFT : l->logical_block;
	}
	if (virtio_has(v, VIRTIO_BLK_F_WRITE_ZEROES)) {
		l->max_zeroes_sectors = min(CONFIG(32, v, max_write_zeroes_sectors), most);
		l->zeroes_unmap = CONFIG(8, v, write_zeroes_may_unmap);
	}
}

static void read_limits(struct vblk *b, struct disk_limits *l)
{
	struct virtio_device *v = b->vdev;
	u32 most = b->slots ? LONG_PIECES : SHORT_PIECES;
	u32 pieces = virtio_has(v, VIRTIO_BLK_F_SEG_MAX) ? CONFIG(32, v, seg_max) : 1;
	u32 bytes = virtio_has(v, VIRTIO_BLK_F_SIZE_MAX) ? CONFIG(32, v, size_max) : U32_MAX;

	l->logical_block = l->physical_block = block_size(v);
	l->max_segments = clamp(pieces, 1u, most);
	l->max_segment_size = max(bytes & ~(u32)(PAGE_SIZE - 1), (u32)PAGE_SIZE);
	l->max_sectors = SECTORS_MOST;
	l->rotational = true;
	l->write_cache = virtio_has(v, VIRTIO_BLK_F_FLUSH);
	if (virtio_has(v, VIRTIO_BLK_F_CONFIG_WCE))
		l->write_cache = CONFIG(8, v, wce);
	if (virtio_has(v, VIRTIO_BLK_F_TOPOLOGY))
		read_topology(v, l);
	if (virtio_has(v, VIRTIO_BLK_F_GEOMETRY))
		b->geometry = (struct hd_geometry){
			.cylinders = CONFIG(16, v, geometry.cylinders),
			.heads = CONFIG(8, v, geometry.heads),
			.sectors = CONFIG(8, v, geometry.sectors),
		};
	read_ranges(v, l);
}

static long vblk_ioctl(struct bdev *bdev, unsigned mode, unsigned cmd, unsigned long arg)
{
	struct vblk *b = disk_private(bdev->disk);
	struct hd_geometry geo = b->geometry;

	if (cmd != HDIO_GETGEO || !geo.heads)
		return -ENOIOCTLCMD;
	geo.start = READ_ONCE(bdev->start);
	return copy_to_user((void __user *)arg, &geo, sizeof(geo)) ? -EFAULT : 0;
}

/* --- coming and going ---------------------------------------------------------------------------
 */

static void vblk_free(struct vblk *b)
{
	for (unsigned i = 0; i < b->nr_queues; i++)
		long_tables_destroy(&b->queues[i].long_tables);
	kfree(b->own);
	kfree(b->own_data);
	kfree(b);
}

/* The last user of the disk went, perhaps long after the device. */
static void vblk_disk_free(struct disk *disk)
{
	vblk_free(disk_private(disk));
}

static const struct disk_ops vblk_ops = {
	.queue = vblk_queue,
	.commit = vblk_commit,
	.timeout = vblk_timeout,
	.ioctl = vblk_ioctl,
	.free = vblk_disk_free,
};

static int queue_prepare(struct vblk *b, struct vblk_queue *q)
{
	spin_init(&q->lock, RANK_BLOCK_DRIVER, "virtio_blk.queue");
	q->disk = b;
	return !b->slots || long_table_make(&q->long_tables, GFP_KERNEL) ? 0 : -ENOMEM;
}

/* Memory for `n` queues; freed by vblk_free. */
static int vblk_create(struct virtio_device *v, unsigned n, struct vblk **out)
{
	struct vblk *b = kzalloc(sizeof(*b) + n * sizeof(b->queues[0]), GFP_KERNEL);
	int err = 0;

	if (!b)
		return -ENOMEM;
	b->vdev = v;
	b->nr_queues = n;
	b->slots = virtio_has(v, VIRTIO_F_INDIRECT_DESC);
	mutex_init(&b->own_lock, RANK_DRIVER, "virtio_blk.own");
	b->own = kzalloc(sizeof(*b->own), GFP_KERNEL);
	b->own_data = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!b->own || !b->own_data)
		err = -ENOMEM;
	for (unsigned i = 0; i < n && !err; i++)
		err = queue_prepare(b, &b->queues[i]);
	if (err)
		vblk_free(b);
	else
		*out = b;
	return err;
}

static int make_queues(struct vblk *b)
{
	struct virtio_queue_wish *wishes = kcalloc(b->nr_queues, sizeof(*wishes), GFP_KERNEL);
	unsigned least = U32_MAX;
	int err;

	if (!wishes)
		return -ENOMEM;
	for (unsigned i = 0; i < b->nr_queues; i++) {
		snprintf(b->queues[i].name, sizeof(b->queues[i].name), "%.16s-req.%u",
			 b->vdev->dev.name, i);
		wishes[i] = (struct virtio_queue_wish){
			.name = b->queues[i].name,
			.done = vblk_done,
			.owner = &b->queues[i],
			/* A request is one slot, so more would never be in use. */
			.max = b->slots ? QUEUE_DEPTH : 0,
			.slots = b->slots,
			.spread = (int)i,
			.spread_of = (int)b->nr_queues,
		};
	}
	err = virtio_queues_create(b->vdev, b->nr_queues, wishes);
	kfree(wishes);
	for (unsigned i = 0; i < b->nr_queues && !err; i++) {
		b->queues[i].vq = &b->vdev->queues[i];
		least = min(least, (unsigned)b->vdev->queues[i].num);
	}
	/* With slots, the number after the last tag is the driver's own. */
	b->depth = min(least - 1, (unsigned)QUEUE_DEPTH);
	if (!err && b->depth < 2) {
		virtio_queues_destroy(b->vdev);
		err = -EINVAL;
	}
	return err;
}

static int make_disk(struct vblk *b)
{
	struct virtio_device *v = b->vdev;
	struct disk_params p = {
		.minors = MINORS,
		.ops = &vblk_ops,
		.nr_queues = b->nr_queues,
		.depth = b->depth,
		.request_size = sizeof(struct vblk_request),
		.parent = &v->dev,
		.attributes = attributes,
	};
	char name[16];
	int err = major ? 0 : blkdev_register(&major, "virtblk");

	if (err)
		return err;
	b->index = disk_index_get("vd");
	disk_name_format("vd", b->index, name, sizeof(name));
	p.name = name;
	p.major = major;
	p.first_minor = b->index * MINORS;
	err = disk_create(&p, b, &b->disk);
	if (err) {
		disk_index_put("vd", b->index);
		return err;
	}
	for (unsigned i = 0; i < b->nr_queues; i++) {
		b->queues[i].hq = disk_queue(b->disk, i);
		b->queues[i].hq->private = &b->queues[i];
	}
	read_limits(b, disk_limits(b->disk));
	disk_set_read_only(b->disk, virtio_has(v, VIRTIO_BLK_F_RO));
	disk_set_capacity(b->disk, CONFIG(64, v, capacity));
	return 0;
}

/* The device is stopped: end what it had, free its queues, and leave the disk to its users. */
static void vblk_end(struct vblk *b)
{
	atomic_store(&b->gone, 1u);
	for (unsigned i = 0; i < b->nr_queues; i++) {
		queue_stop(&b->queues[i]);
		queue_reclaim(&b->queues[i]);
		queue_fail(&b->queues[i]);
	}
	virtio_queues_destroy(b->vdev);
	disk_index_put("vd", b->index);
	disk_put(b->disk);
}

static int vblk_probe(struct virtio_device *v)
{
	unsigned n = virtio_has(v, VIRTIO_BLK_F_MQ) ? CONFIG(16, v, num_queues) : 1;
	struct vblk *b;
	int err = vblk_create(v, clamp(n, 1u, nr_cpus), &b);

	if (err)
		return err;
	err = make_queues(b);
	if (!err) {
		err = make_disk(b);
		if (err)
			virtio_queues_destroy(v);
	}
	if (err) {
		vblk_free(b);
		return err;
	}
	v->dev.driver_data = b;
	virtio_ready(v);
	err = disk_add(b->disk);
	if (err) {
		virtio_stop(v);
		vblk_end(b);
	}
	return err;
}

static void vblk_remove(struct virtio_device *v)
{
	struct vblk *b = v->dev.driver_data;

	disk_remove(b->disk);
	virtio_stop(v);
	vblk_end(b);
}

static void vblk_config_changed(struct virtio_device *v)
{
	struct vblk *b = v->dev.driver_data;
	u64 sectors = CONFIG(64, v, capacity);

	if (sectors != disk_whole(b->disk)->sectors)
		log_notice("%s: %llu sectors\n", disk_whole(b->disk)->name,
			   (unsigned long long)sectors);
	disk_set_capacity(b->disk, sectors);
}

static const u32 ids[] = {VIRTIO_ID_BLOCK, 0};

static const struct virtio_driver virtio_blk = {
	.driver = {.name = "virtio_blk", .bus = &virtio_bus_type},
	.ids = ids,
	.features = BIT(VIRTIO_BLK_F_SIZE_MAX) | BIT(VIRTIO_BLK_F_SEG_MAX) |
		    BIT(VIRTIO_BLK_F_GEOMETRY) | BIT(VIRTIO_BLK_F_RO) | BIT(VIRTIO_BLK_F_BLK_SIZE) |
		    BIT(VIRTIO_BLK_F_TOPOLOGY) | BIT(VIRTIO_BLK_F_MQ) | BIT(VIRTIO_BLK_F_DISCARD) |
		    BIT(VIRTIO_BLK_F_WRITE_ZEROES) | BIT(VIRTIO_BLK_F_FLUSH) |
		    BIT(VIRTIO_BLK_F_CONFIG_WCE),
	.probe = vblk_probe,
	.remove = vblk_remove,
	.config_changed = vblk_config_changed,
	.freeze = vblk_freeze,
	.restore = vblk_restore,
};
VIRTIO_DRIVER(virtio_blk);
