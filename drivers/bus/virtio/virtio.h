/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices, as their drivers see them (OASIS Virtual I/O Device 1.2).
 *
 * A driver is a struct virtio_driver around a struct driver of virtio_bus_type:
 *
 *	static const u32 ids[] = { VIRTIO_ID_BLOCK, 0 };
 *	static const struct virtio_driver my = {
 *		.driver = { .name = "my", .bus = &virtio_bus_type }, .ids = ids,
 *		.features = BIT(VIRTIO_BLK_F_FLUSH), .probe = ..., .remove = ... };
 *	VIRTIO_DRIVER(my);
 *
 * Features are negotiated before probe(): vdev->features is what both have.  probe() makes the
 * queues, and may use them after virtio_ready().
 *
 * When a device needs a reset, or a driver asks for one by virtio_fail(), a worker stops it:
 * driver.freeze() ends what is under way (the device is reset and has nothing any more), then the
 * same features are negotiated again and driver.restore() goes on with virtio_queues_restart().
 * A device that lied, or whose reset does not work, stays stopped and `dead`.
 */
#pragma once

#include <arch/io.h>
#include <kernel/device/dma.h>
#include <kernel/lib/bits.h>
#include <kernel/sched/workqueue.h>
#include "virtq.h"

struct cpumask;
struct virtio_device;
struct virtio_transport;

#define VIRTIO_ID_NET   1
#define VIRTIO_ID_BLOCK 2
#define VIRTIO_ID_SCSI  8

#define VIRTIO_F_INDIRECT_DESC   28
#define VIRTIO_F_EVENT_IDX       29
#define VIRTIO_F_VERSION_1       32
#define VIRTIO_F_ACCESS_PLATFORM 33
#define VIRTIO_F_RING_PACKED     34

extern struct bus virtio_bus_type;

struct virtio_device {
	struct device dev;
	const struct virtio_transport *transport; /* [I] */
	u32 device_id, vendor_id;                 /* [I] */
	u64 features;                             /* [I] negotiated */
	bool legacy;                              /* [I] before 1.0: no FEATURES_OK, 32 features */
	unsigned nr_queues;                       /* [p] */
	struct virtq *queues;                     /* [p] */
	struct work config_work, fail_work;
	u32 dead;        /* [a] stopped for good: nothing more reaches the device */
	u32 lied;        /* [a] broke the specification */
	u32 running;     /* [a] DRIVER_OK is set */
	unsigned resets; /* [p] */
};                       /* p: probe, remove, and the fail worker, never at a time */

struct virtio_driver {
	struct driver driver;
	const u32 *ids; /* ends with 0 */
	u64 features;   /* BIT() of what it can use; those of rings are the core's */
	/* All may sleep. */
	int (*probe)(struct virtio_device *vdev);
	/* Queues are quiet once virtio_stop() was called, which remove() does. */
	void (*remove)(struct virtio_device *vdev);
	void (*config_changed)(struct virtio_device *vdev);
	void (*freeze)(struct virtio_device *vdev);
	int (*restore)(struct virtio_device *vdev);
};

#define VIRTIO_DRIVER(drv)                                                                         \
	LINKSET_ENTRY(virtio_drivers, struct virtio_driver, drv);                                  \
	static const struct driver *const linkset_driver_##drv __used __section("linkset_drivers") \
		__attribute__((no_reorder)) = &drv.driver

static inline struct virtio_device *to_virtio_device(const struct device *dev)
{
	return container_of(dev, struct virtio_device, dev);
}

static inline bool virtio_has(const struct virtio_device *v, unsigned feature)
{
	return v->features >> feature & 1;
}

/*
 * The device's configuration.  Fields of up to 4 bytes are read at once; longer reads are repeated
 * until they are of one generation.  Bytes past the device's space read as the transport gives
 * them.  Context: may sleep.
 */
void virtio_config_read(struct virtio_device *v, unsigned offset, void *buf, size_t len);
void virtio_config_write(struct virtio_device *v, unsigned offset, const void *buf, size_t len);
u16 virtio_config16(struct virtio_device *v, unsigned offset);
u32 virtio_config32(struct virtio_device *v, unsigned offset);
u64 virtio_config64(struct virtio_device *v, unsigned offset);
u8 virtio_config8(struct virtio_device *v, unsigned offset);

struct virtio_queue_wish {
	const char *name;               /* kept */
	void (*done)(struct virtq *vq); /* context: hard interrupt; NULL: polled */
	void *owner;
	unsigned max;  /* descriptors, 0: what the device likes */
	bool slots;    /* virtq_add_slot only; needs VIRTIO_F_INDIRECT_DESC */
	int spread;    /* index among queues spread over processors, or negative */
	int spread_of; /* how many there are */
};

/*
 * Make queues 0 to n - 1.  Each has an interrupt of its own where there are enough, and goes to the
 * processors whose number modulo spread_of is spread.  Returns 0, -ENOENT (the device has fewer),
 * -ENOMEM, or another negative errno.  Context: probe.
 */
int __must_check virtio_queues_create(struct virtio_device *v, unsigned n,
				      const struct virtio_queue_wish *wishes);
/* The same queues, empty, after a reset.  Context: restore. */
int __must_check virtio_queues_restart(struct virtio_device *v);

/* The driver is ready (DRIVER_OK); done after probe() and restore() if they did not.  Idempotent.
 */
void virtio_ready(struct virtio_device *v);

/* Reset the device: it touches no buffer any more, and no interrupt runs when this returns.
 * Context: may sleep. */
void virtio_stop(struct virtio_device *v);
/* Free the queues; the device is stopped. */
void virtio_queues_destroy(struct virtio_device *v);

/* The device does not do what it should (a request never ended): have it reset and restored;
 * `lied`: it broke the specification, so stopped for good.  Context: any. */
void virtio_fail(struct virtio_device *v, bool lied);

static inline bool virtio_dead(const struct virtio_device *v)
{
	return atomic_load(&v->dead);
}

/* Tell the device to look at the queue. */
static __always_inline void virtq_notify(struct virtq *vq)
{
	if (vq->notify_wide)
		mmio_write32(vq->notify, vq->notify_value);
	else
		mmio_write16(vq->notify, (u16)vq->notify_value);
}
