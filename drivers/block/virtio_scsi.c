/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio SCSI hosts (virtio 1.2, 5.6).
 *
 * Queue 0 is for management, which is not used; queue 1 brings events (units that come, go or
 * change size); the others take commands.  A command's header, response, and the table that names
 * them and the data lie in the adapter's part of the command.  The number of its buffer comes from
 * a stack of the virtqueue, as several disks share it; when the stack is empty the disks are told
 * later.
 *
 * Each command queue has a lock, for its virtqueue, stack and long tables.  After a reset what the
 * device had is sent again, as in virtio_blk.c.
 */
#define LOG_PREFIX "virtio_scsi: "
#include <drivers/bus/virtio/virtio.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/virtio_scsi.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <kernel/time/clock.h>
#include <mm/page.h>
#include "scsi.h"
#include "virtio_tables.h"

#define FIXED_QUEUES 2 /* management, events */
#define SHORT_PIECES 13
#define LONG_PIECES  252
#define DEPTH_MOST   128
#define NR_EVENTS    8
#define GRACE_NS     (30 * NSEC_PER_SEC)

/* The adapter's part of a command. */
struct vscsi_command {
	struct virtq_desc table[SHORT_PIECES + 3];
	struct virtio_scsi_cmd_req req;
	struct virtio_scsi_cmd_resp resp;
	u8 long_table;
	u16 pieces;
	u16 slot;
};

struct vscsi_queue {
	struct spinlock lock;                        /* RANK_BLOCK_DRIVER */
	struct virtq *vq;                            /* [I] while not stopped */
	struct vscsi *host;                          /* [I] */
	unsigned index;                              /* [I] among command queues */
	bool stopped;                                /* [q] */
	u32 starved;                                 /* [a] somebody was turned away */
	u16 *slots;                                  /* [q] the stack */
	unsigned nr_slots;                           /* [q] */
	struct long_tables long_tables; /* [q] */
	struct scsi_command *retry;                  /* [q] */
	char name[32];                               /* [I] */
} __aligned(64);

struct vscsi_event {
	struct virtio_scsi_event data; /* the device writes it */
};

struct vscsi {
	struct scsi_host scsi;
	struct virtio_device *vdev; /* [I] */
	u32 gone;                   /* [a] */
	u64 restored;               /* [a] */
	struct spinlock event_lock; /* e */
	struct vscsi_event *events; /* [e] NR_EVENTS, with the device or waiting for event_work */
	u32 events_ready;           /* [e] bits: for event_work */
	bool events_stopped;        /* [e] */
	struct work event_work, kick_work;
	unsigned nr_queues;
	struct vscsi_queue queues[];
};

static struct vscsi *to_vscsi(struct scsi_host *h)
{
	return container_of(h, struct vscsi, scsi);
}

static struct vscsi_command *part_of(struct scsi_command *c)
{
	return (struct vscsi_command *)c->adapter;
}

static u64 bus_address(const void *p)
{
	return virt_to_phys(p);
}

/* --- building --------------------------------------------------------------------------------- */

static void fill_header(struct vscsi_command *v, const struct scsi_command *c)
{
	const struct scsi_unit *u = c->unit;

	memset(&v->req, 0, sizeof(v->req));
	v->req.lun[0] = 1;
	v->req.lun[1] = (u8)u->target;
	v->req.lun[2] = (u8)(u->lun >> 8 | 0x40);
	v->req.lun[3] = (u8)u->lun;
	v->req.tag = bus_address(v);
	memcpy(v->req.cdb, c->cdb, c->cdb_len);
	v->resp.response = VIRTIO_SCSI_S_FAILURE;
	v->resp.sense_len = 0;
	v->resp.resid = 0;
}

static unsigned add_data(struct virtq *vq, struct virtq_desc *table, unsigned n, unsigned most,
			 const struct scsi_command *c)
{
	struct request_iter it;
	struct segment s;
	bool in = !c->write;

	if (!c->rq) {
		if (c->len)
			virtq_table_set(vq, table, n++, bus_address(c->buf), c->len, in, true);
		return n;
	}
	request_iter_init(&it, c->rq);
	while (most-- && request_iter_next(&it, c->rq, &s))
		virtq_table_set(vq, table, n++, s.pa, s.len, in, true);
	return n;
}

static void build_table(struct virtq *vq, struct virtq_desc *table, struct vscsi_command *v,
			const struct scsi_command *c, unsigned most)
{
	unsigned n = 1;

	virtq_table_set(vq, table, 0, bus_address(&v->req), sizeof(v->req), false, true);
	if (c->write)
		n = add_data(vq, table, n, most, c);
	virtq_table_set(vq, table, n++, bus_address(&v->resp), sizeof(v->resp), true, true);
	if (!c->write)
		n = add_data(vq, table, n, most, c);
	v->pieces = (u16)n;
	/* The last has no successor. */
	if (!vq->packed)
		table[n - 1].flags &= (u16)~VIRTQ_DESC_NEXT;
}

/* --- sending ---------------------------------------------------------------------------------- */

/* Locks: q->lock.  0 or -EBUSY. */
static int reserve(struct vscsi_queue *q, struct vscsi_command *v, bool long_table)
{
	v->long_table = 0;
	if (!q->nr_slots)
		return -EBUSY;
	if (long_table) {
		v->long_table = long_table_lend(&q->long_tables);
		if (!v->long_table)
			return -EBUSY;
	}
	v->slot = q->slots[--q->nr_slots];
	return 0;
}

/* Locks: q->lock. */
static void unreserve(struct vscsi_queue *q, struct vscsi_command *v)
{
	q->slots[q->nr_slots++] = v->slot;
	long_table_return(&q->long_tables, &v->long_table);
}

static struct virtq_desc *table_of(struct vscsi_queue *q, struct vscsi_command *v)
{
	return v->long_table ? q->long_tables.table[v->long_table - 1] : v->table;
}

/* Locks: q->lock. */
static void send(struct vscsi_queue *q, struct scsi_command *c)
{
	struct vscsi_command *v = part_of(c);

	virtq_add_slot(q->vq, v->slot, bus_address(table_of(q, v)), v->pieces, c);
}

static int start(struct vscsi_queue *q, struct scsi_command *c)
{
	struct vscsi_command *v = part_of(c);
	bool many = c->rq && c->rq->op <= BIO_WRITE && c->rq->nr_segments > SHORT_PIECES;
	int err;

	if (q->stopped)
		return atomic_load(&q->host->gone) ? -EIO : -EBUSY;
	err = reserve(q, v, many);
	if (err) {
		atomic_store(&q->starved, 1u);
		return err;
	}
	build_table(q->vq, table_of(q, v), v, c, many ? LONG_PIECES : SHORT_PIECES);
	send(q, c);
	return 0;
}

static int vscsi_queue(struct scsi_host *h, unsigned queue, struct scsi_command *c, bool last)
{
	struct vscsi_queue *q = &to_vscsi(h)->queues[queue];
	bool notify = false;
	int err;

	fill_header(part_of(c), c);
	with_spin_irq(&q->lock)
	{
		err = start(q, c);
		if (!err && last)
			notify = virtq_publish(q->vq);
	}
	if (notify)
		virtq_notify(q->vq);
	return err;
}

static void vscsi_commit(struct scsi_host *h, unsigned queue)
{
	struct vscsi_queue *q = &to_vscsi(h)->queues[queue];
	bool notify;

	with_spin_irq(&q->lock) notify = !q->stopped && virtq_publish(q->vq);
	if (notify)
		virtq_notify(q->vq);
}

static void vscsi_timeout(struct scsi_host *h)
{
	struct vscsi *s = to_vscsi(h);
	u64 since = atomic_load(&s->restored);

	if (!since || clock_mono_ns() - since >= GRACE_NS)
		virtio_fail(s->vdev, false);
}

static const struct scsi_host_ops vscsi_ops = {
	.queue = vscsi_queue,
	.commit = vscsi_commit,
	.timeout = vscsi_timeout,
};

/* --- ending ----------------------------------------------------------------------------------- */

static void finish(struct scsi_command *c)
{
	struct vscsi_command *v = part_of(c);
	u8 response = READ_ONCE(v->resp.response);

	c->status = READ_ONCE(v->resp.status);
	c->residual = READ_ONCE(v->resp.resid);
	c->sense = v->resp.sense;
	c->sense_len = (u8)min(READ_ONCE(v->resp.sense_len), (u32)sizeof(v->resp.sense));
	switch (response) {
	case VIRTIO_SCSI_S_OK: c->error = 0; break;
	case VIRTIO_SCSI_S_BUSY:
		c->error = 0;
		c->status = SCSI_BUSY;
		break;
	case VIRTIO_SCSI_S_BAD_TARGET:
	case VIRTIO_SCSI_S_INCORRECT_LUN: c->error = -ENODEV; break;
	default: c->error = -EIO;
	}
	c->done(c);
}

#define BATCH 16

static unsigned collect(struct vscsi_queue *q, struct scsi_command **done, bool *more)
{
	struct scsi_command *c;
	unsigned n = 0;
	u32 len;

	guard_spin_irq(&q->lock);
	*more = false;
	if (q->stopped)
		return 0;
	while (n < BATCH && (c = virtq_take(q->vq, &len))) {
		unreserve(q, part_of(c));
		done[n++] = c;
	}
	*more = n == BATCH || virtq_arm(q->vq);
	return n;
}

static void commands_done(struct virtq *vq)
{
	struct vscsi_queue *q = vq->owner;
	struct scsi_command *done[BATCH];
	bool more;

	do {
		unsigned n = collect(q, done, &more);

		for (unsigned i = 0; i < n; i++)
			finish(done[i]);
	} while (more);
	if (unlikely(atomic_load(&q->starved)))
		work_queue(&q->host->kick_work);
	if (unlikely(virtq_is_broken(vq)))
		virtio_fail(vq->vdev, true);
}

/* There is room again: whichever disk was turned away tries anew. */
static void kick_run(struct work *w)
{
	struct vscsi *s = container_of(w, struct vscsi, kick_work);
	struct scsi_unit *u;

	guard_mutex(&s->scsi.scan_lock);
	for (unsigned i = 0; i < s->nr_queues; i++) {
		if (!atomic_xchg(&s->queues[i].starved, 0u))
			continue;
		list_for_each (u, &s->scsi.units, link)
			if (u->disk)
				scsi_disk_kick(u->disk, i);
	}
}

/* --- events ----------------------------------------------------------------------------------- */

static struct virtq *event_queue(struct vscsi *s)
{
	return &s->vdev->queues[1];
}

/* Locks: event_lock. */
static void event_post(struct vscsi *s, unsigned i)
{
	struct virtq_piece p = {bus_address(&s->events[i].data), sizeof(s->events[i].data)};

	/* There is room for all of them, so only a broken queue refuses. */
	(void)!virtq_add(event_queue(s), &p, 0, 1, &s->events[i]);
}

static void events_post_all(struct vscsi *s)
{
	bool notify;

	with_spin_irq(&s->event_lock)
	{
		for (unsigned i = 0; i < NR_EVENTS; i++)
			event_post(s, i);
		s->events_stopped = false;
		notify = virtq_publish(event_queue(s));
	}
	if (notify)
		virtq_notify(event_queue(s));
}

static void events_done(struct virtq *vq)
{
	struct vscsi *s = vq->owner;
	struct vscsi_event *e;
	u32 len;

	with_spin_irq(&s->event_lock)
	{
		do {
			while (!s->events_stopped && (e = virtq_take(vq, &len)))
				s->events_ready |= 1u << (e - s->events);
		} while (!s->events_stopped && virtq_arm(vq));
	}
	work_queue(&s->event_work);
}

static void event_handle(struct vscsi *s, const struct virtio_scsi_event *e)
{
	u32 target = e->lun[1], lun = ((u32)e->lun[2] << 8 | e->lun[3]) & 0x3fff;

	if (e->event & VIRTIO_SCSI_T_EVENTS_MISSED)
		scsi_host_scan(&s->scsi);
	switch (e->event & ~VIRTIO_SCSI_T_EVENTS_MISSED) {
	case VIRTIO_SCSI_T_TRANSPORT_RESET: scsi_unit_check(&s->scsi, target, lun); break;
	case VIRTIO_SCSI_T_PARAM_CHANGE: scsi_unit_changed(&s->scsi, target, lun); break;
	default: break;
	}
}

static void event_run(struct work *w)
{
	struct vscsi *s = container_of(w, struct vscsi, event_work);
	bool notify = false;
	u32 ready;

	with_spin_irq(&s->event_lock)
	{
		ready = s->events_ready;
		s->events_ready = 0;
	}
	for (u32 bits = ready; bits; bits &= bits - 1)
		event_handle(s, &s->events[ctz64(bits)].data);
	with_spin_irq(&s->event_lock)
	{
		for (; ready && !s->events_stopped; ready &= ready - 1)
			event_post(s, ctz64(ready));
		if (!s->events_stopped)
			notify = virtq_publish(event_queue(s));
	}
	if (notify)
		virtq_notify(event_queue(s));
}

/* --- stopping and restoring ---------------------------------------------------------------------
 */

static void queue_reclaim(struct vscsi_queue *q)
{
	struct scsi_command *c;
	unsigned cursor = 0;

	guard_spin_irq(&q->lock);
	q->stopped = true;
	while ((c = virtq_abandon(q->vq, &cursor))) {
		c->next = q->retry;
		q->retry = c;
	}
}

static struct scsi_command *retry_next(struct vscsi_queue *q)
{
	guard_spin_irq(&q->lock);
	struct scsi_command *c = q->retry;

	if (c) {
		q->retry = c->next;
		unreserve(q, part_of(c));
	}
	return c;
}

static void queue_fail(struct vscsi_queue *q)
{
	struct scsi_command *c;

	while ((c = retry_next(q))) {
		part_of(c)->resp.response = VIRTIO_SCSI_S_FAILURE;
		finish(c);
	}
	atomic_store(&q->starved, 1u);
}

static void stop_all(struct vscsi *s, bool dead)
{
	if (dead)
		atomic_store(&s->gone, 1u);
	with_spin_irq(&s->event_lock) s->events_stopped = true;
	for (unsigned i = 0; i < s->nr_queues; i++) {
		queue_reclaim(&s->queues[i]);
		if (dead)
			queue_fail(&s->queues[i]);
	}
	if (dead)
		work_queue(&s->kick_work);
}

static void vscsi_freeze(struct virtio_device *v)
{
	stop_all(v->dev.driver_data, virtio_dead(v));
}

static void queue_resume(struct vscsi_queue *q)
{
	bool notify;

	with_spin_irq(&q->lock)
	{
		for (; q->retry; q->retry = q->retry->next)
			send(q, q->retry);
		q->stopped = false;
		notify = virtq_publish(q->vq) || virtq_arm(q->vq);
	}
	if (notify)
		virtq_notify(q->vq);
	atomic_store(&q->starved, 1u);
}

static int vscsi_restore(struct virtio_device *v)
{
	struct vscsi *s = v->dev.driver_data;
	int err = virtio_queues_restart(v);

	if (err)
		return err;
	virtio_ready(v);
	atomic_store(&s->restored, clock_mono_ns());
	for (unsigned i = 0; i < s->nr_queues; i++)
		queue_resume(&s->queues[i]);
	events_post_all(s);
	work_queue(&s->kick_work);
	return 0;
}

/* --- coming and going ---------------------------------------------------------------------------
 */

#define CONFIG(width, v, field) virtio_config##width(v, offsetof(struct virtio_scsi_config, field))

static void vscsi_free(struct vscsi *s)
{
	for (unsigned i = 0; i < s->nr_queues; i++) {
		kfree(s->queues[i].slots);
		long_tables_destroy(&s->queues[i].long_tables);
	}
	kfree(s->events);
	kfree(s);
}

static int queue_prepare(struct vscsi_queue *q)
{
	q->nr_slots = q->vq->num;
	q->slots = kmalloc_array(q->nr_slots, sizeof(*q->slots), GFP_KERNEL);
	if (!q->slots)
		return -ENOMEM;
	for (unsigned i = 0; i < q->nr_slots; i++)
		q->slots[i] = (u16)i;
	return long_table_make(&q->long_tables, GFP_KERNEL) ? 0 : -ENOMEM;
}

static int make_queues(struct vscsi *s)
{
	struct virtio_queue_wish *w = kcalloc(FIXED_QUEUES + s->nr_queues, sizeof(*w), GFP_KERNEL);
	int err;

	if (!w)
		return -ENOMEM;
	w[0] = (struct virtio_queue_wish){.name = "virtio_scsi-control", .spread = -1};
	w[1] = (struct virtio_queue_wish){
		.name = "virtio_scsi-event", .done = events_done, .owner = s, .spread = -1};
	for (unsigned i = 0; i < s->nr_queues; i++) {
		struct vscsi_queue *q = &s->queues[i];

		spin_init(&q->lock, RANK_BLOCK_DRIVER, "virtio_scsi.queue");
		q->host = s;
		q->index = i;
		snprintf(q->name, sizeof(q->name), "%.16s-request.%u", s->vdev->dev.name, i);
		w[FIXED_QUEUES + i] = (struct virtio_queue_wish){
			.name = q->name,
			.done = commands_done,
			.owner = q,
			.slots = true,
			.spread = (int)i,
			.spread_of = (int)s->nr_queues,
		};
	}
	err = virtio_queues_create(s->vdev, FIXED_QUEUES + s->nr_queues, w);
	kfree(w);
	if (err)
		return err;
	for (unsigned i = 0; i < s->nr_queues && !err; i++) {
		s->queues[i].vq = &s->vdev->queues[FIXED_QUEUES + i];
		err = queue_prepare(&s->queues[i]);
	}
	if (!err && event_queue(s)->num < NR_EVENTS)
		err = -EINVAL;
	if (err)
		virtio_queues_destroy(s->vdev);
	return err;
}

static void fill_host(struct vscsi *s)
{
	struct virtio_device *v = s->vdev;
	struct scsi_host *h = &s->scsi;
	u32 segments = CONFIG(32, v, seg_max), sectors = CONFIG(32, v, max_sectors);
	u32 depth = CONFIG(32, v, cmd_per_lun);

	scsi_host_init(h);
	h->ops = &vscsi_ops;
	h->parent = &v->dev;
	h->nr_queues = s->nr_queues;
	h->depth = min(clamp(depth, 2u, (u32)DEPTH_MOST), (u32)s->queues[0].vq->num);
	h->command_size = sizeof(struct vscsi_command);
	h->max_segments = clamp(segments, 1u, (u32)LONG_PIECES);
	h->max_sectors = sectors ? sectors : 65535;
	h->max_target = min((u32)CONFIG(16, v, max_target), 255u);
	h->max_lun = min(CONFIG(32, v, max_lun), 0x3fffu);
}

static int vscsi_probe(struct virtio_device *v)
{
	u32 n = min(CONFIG(32, v, num_queues), nr_cpus);
	struct vscsi *s;
	int err;

	if (!n || !virtio_has(v, VIRTIO_F_INDIRECT_DESC))
		return -ENODEV;
	s = kzalloc(sizeof(*s) + n * sizeof(s->queues[0]), GFP_KERNEL);
	if (!s)
		return -ENOMEM;
	s->vdev = v;
	s->nr_queues = n;
	spin_init(&s->event_lock, RANK_BLOCK_DRIVER, "virtio_scsi.event");
	work_init(&s->event_work, event_run);
	work_init(&s->kick_work, kick_run);
	s->events = kcalloc(NR_EVENTS, sizeof(*s->events), GFP_KERNEL);
	err = s->events ? make_queues(s) : -ENOMEM;
	if (err) {
		vscsi_free(s);
		return err;
	}
	fill_host(s);
	v->dev.driver_data = s;
	virtio_ready(v);
	events_post_all(s);
	scsi_host_scan(&s->scsi);
	return 0;
}

static void vscsi_remove(struct virtio_device *v)
{
	struct vscsi *s = v->dev.driver_data;

	/* First the device is made quiet, so that what the disks wait for has ended. */
	virtio_stop(v);
	stop_all(s, true);
	work_cancel_sync(&s->event_work);
	scsi_host_remove(&s->scsi);
	work_cancel_sync(&s->kick_work);
	virtio_queues_destroy(v);
	vscsi_free(s);
}

static const u32 ids[] = {VIRTIO_ID_SCSI, 0};

static const struct virtio_driver virtio_scsi = {
	.driver = {.name = "virtio_scsi", .bus = &virtio_bus_type},
	.ids = ids,
	.features = BIT(VIRTIO_SCSI_F_HOTPLUG) | BIT(VIRTIO_SCSI_F_CHANGE),
	.probe = vscsi_probe,
	.remove = vscsi_remove,
	.freeze = vscsi_freeze,
	.restore = vscsi_restore,
};
VIRTIO_DRIVER(virtio_scsi);
