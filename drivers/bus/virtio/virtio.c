/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio devices: the bus, negotiation, queues, and what happens when a device fails.
 *
 * Initialisation follows 3.1.1: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK and whether it
 * stuck, the driver's set-up, DRIVER_OK.
 *
 * Two workers per device run driver code outside interrupts: one for changes of configuration, one
 * for failures.  The fail worker and remove exclude each other by cancelling: remove waits for it.
 */
#define LOG_PREFIX "virtio: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/sched.h>
#include <kernel/time/timer.h>
#include <mm/alloc.h>
#include "virtio_internal.h"

#define RING_FEATURES                                                                              \
	(BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_VERSION_1) |         \
	 BIT(VIRTIO_F_ACCESS_PLATFORM) | BIT(VIRTIO_F_RING_PACKED))

#define RESET_WAIT_MS    1000
#define RESETS_MAX       8 /* then it is given up */
#define SIZE_DEFAULT     256
#define GENERATION_TRIES 16

LINKSET_DECLARE(virtio_drivers, struct virtio_driver);

static const struct virtio_driver *driver_of(const struct device *dev)
{
	return container_of(dev->driver, struct virtio_driver, driver);
}

/* --- status and features ---------------------------------------------------------------------- */

static void add_status(struct virtio_device *v, u8 bits)
{
	v->transport->set_status(v, v->transport->status(v) | bits);
}

/* Returns false when the device does not come back from a reset. */
static bool reset(struct virtio_device *v)
{
	u8 status;

	v->transport->set_status(v, 0);
	for (unsigned ms = 0; ms < RESET_WAIT_MS; ms++) {
		status = v->transport->status(v);
		if (!status || status == 0xff)
			return !status;
		sleep_ns(1000000);
	}
	return false;
}

static int negotiate(struct virtio_device *v, u64 wanted)
{
	u64 offered = v->transport->features(v);

	if (!v->legacy && !(offered >> VIRTIO_F_VERSION_1 & 1))
		return -ENODEV;
	v->features = offered & wanted;
	v->transport->set_features(v, v->features);
	if (v->legacy)
		return 0;
	add_status(v, VIRTIO_S_FEATURES_OK);
	return v->transport->status(v) & VIRTIO_S_FEATURES_OK ? 0 : -EINVAL;
}

/* From reset to negotiated features. */
static int begin(struct virtio_device *v, u64 wanted)
{
	if (!reset(v))
		return -EIO;
	add_status(v, VIRTIO_S_ACKNOWLEDGE);
	add_status(v, VIRTIO_S_DRIVER);
	return negotiate(v, wanted);
}

void virtio_ready(struct virtio_device *v)
{
	if (!atomic_xchg(&v->running, 1u))
		add_status(v, VIRTIO_S_DRIVER_OK);
}

void virtio_stop(struct virtio_device *v)
{
	atomic_store(&v->running, 0u);
	if (!reset(v))
		atomic_store(&v->dead, 1u);
	if (v->queues)
		v->transport->irqs_synchronize(v);
}

/* --- configuration ---------------------------------------------------------------------------- */

static void read_once(struct virtio_device *v, unsigned offset, u8 *buf, size_t len)
{
	while (len) {
		unsigned n = !(offset & 3) && len >= 4 ? 4 : !(offset & 1) && len >= 2 ? 2 : 1;
		u32 value = v->transport->config_read(v, offset, n);

		for (unsigned i = 0; i < n; i++)
			buf[i] = (u8)(value >> 8 * i);
		buf += n;
		offset += n;
		len -= n;
	}
}

void virtio_config_read(struct virtio_device *v, unsigned offset, void *buf, size_t len)
{
	u32 before;

	for (unsigned tries = 0; tries < GENERATION_TRIES; tries++) {
		before = v->transport->generation(v);
		read_once(v, offset, buf, len);
		if (v->transport->generation(v) == before)
			return;
	}
}

void virtio_config_write(struct virtio_device *v, unsigned offset, const void *buf, size_t len)
{
	const u8 *p = buf;

	while (len--)
		v->transport->config_write(v, offset++, 1, *p++);
}

u8 virtio_config8(struct virtio_device *v, unsigned offset)
{
	return (u8)v->transport->config_read(v, offset, 1);
}

u16 virtio_config16(struct virtio_device *v, unsigned offset)
{
	return (u16)v->transport->config_read(v, offset, 2);
}

u32 virtio_config32(struct virtio_device *v, unsigned offset)
{
	return v->transport->config_read(v, offset, 4);
}

u64 virtio_config64(struct virtio_device *v, unsigned offset)
{
	u64 value = 0;

	virtio_config_read(v, offset, &value, sizeof(value));
	return value;
}

/* --- queues ----------------------------------------------------------------------------------- */

static int queue_create(struct virtio_device *v, unsigned index, const struct virtio_queue_wish *w)
{
	struct virtq *vq = &v->queues[index];
	bool packed = virtio_has(v, VIRTIO_F_RING_PACKED);
	unsigned max = v->transport->queue_max(v, index);
	unsigned num = min(min(max, (unsigned)VIRTQ_NUM_MAX), w->max ? w->max : SIZE_DEFAULT);
	struct virtq_layout l;
	void *memory;
	dma_addr_t addr;
	int err;

	if (!num)
		return -ENOENT;
	if (!packed)
		num = 1u << (fls64(num) - 1);
	virtq_layout(packed, num, &l);
	memory = dma_alloc(&v->dev, l.size, &addr, GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	vq->vdev = v;
	vq->index = index;
	vq->name = w->name;
	vq->done = w->done;
	vq->owner = w->owner;
	vq->memory_addr = addr;
	err = virtq_init(vq, memory, num, packed, virtio_has(v, VIRTIO_F_EVENT_IDX), w->slots);
	if (err) {
		dma_free(&v->dev, l.size, memory, addr);
		vq->memory = NULL;
	}
	return err;
}

static void queue_free(struct virtio_device *v, struct virtq *vq)
{
	virtq_fini(vq);
	dma_free(&v->dev, vq->memory_size, vq->memory, vq->memory_addr);
}

static int queues_enable(struct virtio_device *v)
{
	int err = 0;

	for (unsigned i = 0; i < v->nr_queues && !err; i++)
		err = v->transport->queue_enable(v, &v->queues[i]);
	return err;
}

int virtio_queues_create(struct virtio_device *v, unsigned n,
			 const struct virtio_queue_wish *wishes)
{
	int err = 0;

	v->queues = kcalloc(n, sizeof(*v->queues), GFP_KERNEL);
	if (!v->queues)
		return -ENOMEM;
	for (v->nr_queues = 0; v->nr_queues < n && !err; v->nr_queues++)
		err = queue_create(v, v->nr_queues, &wishes[v->nr_queues]);
	if (!err)
		err = v->transport->irqs_request(v, n, wishes);
	if (!err) {
		err = queues_enable(v);
		if (err)
			v->transport->irqs_free(v);
	}
	if (err) {
		for (unsigned i = 0; i < v->nr_queues; i++)
			queue_free(v, &v->queues[i]);
		kfree(v->queues);
		v->queues = NULL;
		v->nr_queues = 0;
	}
	return err;
}

int virtio_queues_restart(struct virtio_device *v)
{
	for (unsigned i = 0; i < v->nr_queues; i++)
		virtq_restart(&v->queues[i]);
	return queues_enable(v);
}

void virtio_queues_destroy(struct virtio_device *v)
{
	if (!v->queues)
		return;
	v->transport->irqs_free(v);
	for (unsigned i = 0; i < v->nr_queues; i++)
		queue_free(v, &v->queues[i]);
	kfree(v->queues);
	v->queues = NULL;
	v->nr_queues = 0;
}

enum irq_result virtio_queue_irq(unsigned irq, void *arg)
{
	struct virtq *vq = arg;

	vq->done(vq);
	return IRQ_HANDLED;
}

void virtio_all_queues(struct virtio_device *v)
{
	for (unsigned i = 0; i < v->nr_queues; i++)
		if (v->queues[i].done)
			v->queues[i].done(&v->queues[i]);
}

/* --- failure ---------------------------------------------------------------------------------- */

void virtio_fail(struct virtio_device *v, bool lied)
{
	if (lied)
		atomic_store(&v->lied, 1u);
	work_queue(&v->fail_work);
}

static int restore(struct virtio_device *v, const struct virtio_driver *drv)
{
	int err = begin(v, v->features);

	if (!err)
		err = drv->restore(v);
	if (!err)
		virtio_ready(v);
	return err;
}

static void fail_run(struct work *w)
{
	struct virtio_device *v = container_of(w, struct virtio_device, fail_work);
	const struct virtio_driver *drv = READ_ONCE(v->dev.driver) ? driver_of(&v->dev) : NULL;
	bool again = drv && drv->restore && !atomic_load(&v->lied) && v->resets++ < RESETS_MAX;

	if (!drv || virtio_dead(v) || !atomic_load(&v->running))
		return;
	log_err("%s: %s; %s\n", v->dev.name,
		atomic_load(&v->lied) ? "breaks the specification" : "does not work",
		again ? "reset" : "given up");
	if (!again)
		atomic_store(&v->dead, 1u);
	virtio_stop(v);
	if (drv->freeze)
		drv->freeze(v);
	if (again && !virtio_dead(v) && restore(v, drv)) {
		atomic_store(&v->dead, 1u);
		virtio_stop(v);
		drv->freeze(v);
	}
}

void virtio_config_event(struct virtio_device *v)
{
	work_queue(&v->config_work);
}

static void config_run(struct work *w)
{
	struct virtio_device *v = container_of(w, struct virtio_device, config_work);
	const struct device *dev = &v->dev;

	if (!atomic_load(&v->running) || !READ_ONCE(dev->driver))
		return;
	if (v->transport->status(v) & VIRTIO_S_NEEDS_RESET)
		virtio_fail(v, false);
	else if (driver_of(dev)->config_changed)
		driver_of(dev)->config_changed(v);
}

/* --- the bus ---------------------------------------------------------------------------------- */

static bool virtio_match(const struct device *dev, const struct driver *drv)
{
	const struct virtio_driver *d = container_of(drv, struct virtio_driver, driver);

	for (const u32 *id = d->ids; *id; id++)
		if (*id == to_virtio_device(dev)->device_id)
			return true;
	return false;
}

static int virtio_probe(struct device *dev, const struct driver *drv)
{
	const struct virtio_driver *d = container_of(drv, struct virtio_driver, driver);
	struct virtio_device *v = to_virtio_device(dev);
	int err = begin(v, d->features | RING_FEATURES);

	if (!err)
		err = d->probe(v);
	if (!err) {
		virtio_ready(v);
		return 0;
	}
	add_status(v, VIRTIO_S_FAILED);
	return err;
}

static void virtio_remove(struct device *dev, const struct driver *drv)
{
	struct virtio_device *v = to_virtio_device(dev);

	work_cancel_sync(&v->config_work);
	work_cancel_sync(&v->fail_work);
	container_of(drv, struct virtio_driver, driver)->remove(v);
	work_cancel_sync(&v->config_work);
	work_cancel_sync(&v->fail_work);
}

static void virtio_uevent(const struct device *dev, struct seq *env)
{
	const struct virtio_device *v = to_virtio_device(dev);

	seq_printf(env, "MODALIAS=virtio:d%08Xv%08X\n", v->device_id, v->vendor_id);
}

struct bus virtio_bus_type = {
	.name = "virtio",
	.match = virtio_match,
	.probe = virtio_probe,
	.remove = virtio_remove,
	.uevent = virtio_uevent,
	.devices = LIST_INIT(virtio_bus_type.devices),
};

/* --- files ------------------------------------------------------------------------------------ */

static int device_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "0x%04x\n", to_virtio_device(dev)->device_id);
	return 0;
}

static int vendor_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "0x%04x\n", to_virtio_device(dev)->vendor_id);
	return 0;
}

static int modalias_show(struct device *dev, struct seq *out)
{
	const struct virtio_device *v = to_virtio_device(dev);

	seq_printf(out, "virtio:d%08Xv%08X\n", v->device_id, v->vendor_id);
	return 0;
}

static int status_show(struct device *dev, struct seq *out)
{
	struct virtio_device *v = to_virtio_device(dev);

	seq_printf(out, "0x%08x\n", v->transport->status(v));
	return 0;
}

/* Bit 0 first, as Linux has it. */
static int features_show(struct device *dev, struct seq *out)
{
	const struct virtio_device *v = to_virtio_device(dev);

	for (unsigned i = 0; i < 64; i++)
		seq_putc(out, virtio_has(v, i) ? '1' : '0');
	seq_putc(out, '\n');
	return 0;
}

static const struct device_attribute device_attr = {"device", 0444, device_show, NULL};
static const struct device_attribute vendor_attr = {"vendor", 0444, vendor_show, NULL};
static const struct device_attribute modalias_attr = {"modalias", 0444, modalias_show, NULL};
static const struct device_attribute status_attr = {"status", 0444, status_show, NULL};
static const struct device_attribute features_attr = {"features", 0444, features_show, NULL};

static const struct device_attribute *const attributes[] = {
	&device_attr, &vendor_attr, &modalias_attr, &status_attr, &features_attr, NULL,
};

/* --- coming and going ------------------------------------------------------------------------- */

int virtio_device_add(struct virtio_device *v)
{
	static u32 next_number;

	work_init(&v->config_work, config_run);
	work_init(&v->fail_work, fail_run);
	v->dev.bus = &virtio_bus_type;
	v->dev.attributes = attributes;
	device_init(&v->dev, "virtio%u", atomic_fetch_add(&next_number, 1u));
	return device_register(&v->dev);
}

void virtio_device_remove(struct virtio_device *v)
{
	device_unregister(&v->dev);
}
