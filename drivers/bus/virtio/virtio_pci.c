/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over PCI (virtio 1.2, 4.1), devices of version 1.0 and later.
 *
 * Vendor capabilities say in which memory range the four structures lie: common configuration,
 * notification, interrupt status, device configuration.  With MSI-X, message 0 is for changes of
 * configuration and each queue has one of its own if there are enough, else all share one; without,
 * the line is shared by everything and the status register says what happened.
 *
 * Locks: the common structure has selectors, so `lock` makes a selection and what follows one.
 */
#define LOG_PREFIX "virtio-pci: "
#include <drivers/bus/pci/pci.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/smp/cpu.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include "virtio_internal.h"

#define VENDOR_VIRTIO 0x1af4
#define DEVICE_MODERN 0x1040 /* plus the device type */
#define DEVICE_LEGACY 0x1000
#define DEVICE_LAST   0x107f

/* Capability (4.1.4). */
#define CAP_TYPE       3
#define CAP_BAR        4
#define CAP_OFFSET     8
#define CAP_LENGTH     12
#define CAP_MULTIPLIER 16

enum { CFG_COMMON = 1, CFG_NOTIFY, CFG_ISR, CFG_DEVICE, NR_CFG };

/* Common configuration (4.1.4.3). */
#define COMMON_DEVICE_SELECT  0x00
#define COMMON_DEVICE_FEATURE 0x04
#define COMMON_DRIVER_SELECT  0x08
#define COMMON_DRIVER_FEATURE 0x0c
#define COMMON_CONFIG_VECTOR  0x10
#define COMMON_STATUS         0x14
#define COMMON_GENERATION     0x15
#define COMMON_QUEUE_SELECT   0x16
#define COMMON_QUEUE_SIZE     0x18
#define COMMON_QUEUE_VECTOR   0x1a
#define COMMON_QUEUE_ENABLE   0x1c
#define COMMON_QUEUE_NOTIFY   0x1e
#define COMMON_QUEUE_DESC     0x20
#define COMMON_QUEUE_DRIVER   0x28
#define COMMON_QUEUE_DEVICE   0x30
#define COMMON_SIZE           0x38

#define NO_VECTOR  0xffff
#define ISR_QUEUE  1
#define ISR_CONFIG 2

struct virtio_pci {
	struct virtio_device vdev;
	struct pci_device *pci;   /* [I] */
	volatile u8 *cfg[NR_CFG]; /* [I] */
	u32 cfg_len[NR_CFG];      /* [I] */
	u32 multiplier;           /* [I] */
	struct mutex lock;        /* RANK_DRIVER_INNER */
	unsigned nr_vectors;      /* [p] 0: the line */
	bool own_vectors;         /* [p] one per queue */
	bool shared_vector;       /* [p] one for configuration and queues */
};                                /* p: as in struct virtio_device */

static struct virtio_pci *to_pci(struct virtio_device *v)
{
	return container_of(v, struct virtio_pci, vdev);
}

static volatile u8 *common(struct virtio_device *v)
{
	return to_pci(v)->cfg[CFG_COMMON];
}

/* --- registers -------------------------------------------------------------------------------- */

static u8 pci_status(struct virtio_device *v)
{
	return atomic_load(&to_pci(v)->pci->gone) ? 0xff : mmio_read8(common(v) + COMMON_STATUS);
}

static void pci_set_status(struct virtio_device *v, u8 status)
{
	mmio_write8(common(v) + COMMON_STATUS, status);
}

static u64 pci_features(struct virtio_device *v)
{
	u64 low;

	guard_mutex(&to_pci(v)->lock);
	mmio_write32(common(v) + COMMON_DEVICE_SELECT, 0);
	low = mmio_read32(common(v) + COMMON_DEVICE_FEATURE);
	mmio_write32(common(v) + COMMON_DEVICE_SELECT, 1);
	return low | (u64)mmio_read32(common(v) + COMMON_DEVICE_FEATURE) << 32;
}

static void pci_set_features(struct virtio_device *v, u64 features)
{
	guard_mutex(&to_pci(v)->lock);
	mmio_write32(common(v) + COMMON_DRIVER_SELECT, 0);
	mmio_write32(common(v) + COMMON_DRIVER_FEATURE, (u32)features);
	mmio_write32(common(v) + COMMON_DRIVER_SELECT, 1);
	mmio_write32(common(v) + COMMON_DRIVER_FEATURE, (u32)(features >> 32));
}

static u32 pci_config_read(struct virtio_device *v, unsigned offset, unsigned len)
{
	const volatile u8 *p = to_pci(v)->cfg[CFG_DEVICE] + offset;

	if (!to_pci(v)->cfg[CFG_DEVICE] || offset + len > to_pci(v)->cfg_len[CFG_DEVICE])
		return 0;
	return virtio_field_read(p, len);
}

static void pci_config_write(struct virtio_device *v, unsigned offset, unsigned len, u32 value)
{
	volatile u8 *p = to_pci(v)->cfg[CFG_DEVICE] + offset;

	if (!to_pci(v)->cfg[CFG_DEVICE] || offset + len > to_pci(v)->cfg_len[CFG_DEVICE])
		return;
	virtio_field_write(p, len, value);
}

static u32 pci_generation(struct virtio_device *v)
{
	return mmio_read8(common(v) + COMMON_GENERATION);
}

/* --- queues ----------------------------------------------------------------------------------- */

static unsigned pci_queue_max(struct virtio_device *v, unsigned index)
{
	guard_mutex(&to_pci(v)->lock);
	mmio_write16(common(v) + COMMON_QUEUE_SELECT, (u16)index);
	return mmio_read16(common(v) + COMMON_QUEUE_SIZE);
}

static void write_address(volatile u8 *reg, u64 value)
{
	mmio_write32(reg, (u32)value);
	mmio_write32(reg + 4, (u32)(value >> 32));
}

static u16 vector_of(const struct virtio_pci *p, const struct virtq *vq)
{
	if (!p->nr_vectors || !vq->done)
		return NO_VECTOR;
	return (u16)(p->own_vectors ? vq->index + 1 : p->shared_vector ? 0 : 1);
}

static int pci_queue_enable(struct virtio_device *v, struct virtq *vq)
{
	struct virtio_pci *p = to_pci(v);
	volatile u8 *c = common(v);
	u16 vector = vector_of(p, vq);
	struct virtq_layout l;
	u64 offset;

	guard_mutex(&p->lock);
	virtq_layout(vq->packed, vq->num, &l);
	if (p->nr_vectors) {
		mmio_write16(c + COMMON_CONFIG_VECTOR, 0);
		if (mmio_read16(c + COMMON_CONFIG_VECTOR) == NO_VECTOR)
			return -EBUSY;
	}
	mmio_write16(c + COMMON_QUEUE_SELECT, (u16)vq->index);
	mmio_write16(c + COMMON_QUEUE_SIZE, vq->num);
	write_address(c + COMMON_QUEUE_DESC, vq->memory_addr);
	write_address(c + COMMON_QUEUE_DRIVER, vq->memory_addr + l.driver);
	write_address(c + COMMON_QUEUE_DEVICE, vq->memory_addr + l.device);
	mmio_write16(c + COMMON_QUEUE_VECTOR, vector);
	if (vector != NO_VECTOR && mmio_read16(c + COMMON_QUEUE_VECTOR) != vector)
		return -EBUSY;
	offset = (u64)mmio_read16(c + COMMON_QUEUE_NOTIFY) * p->multiplier;
	if (offset + 2 > p->cfg_len[CFG_NOTIFY])
		return -EINVAL;
	vq->notify = p->cfg[CFG_NOTIFY] + offset;
	vq->notify_value = vq->index;
	vq->notify_wide = false;
	mmio_write16(c + COMMON_QUEUE_ENABLE, 1);
	return 0;
}

/* --- interrupts ------------------------------------------------------------------------------- */

static enum irq_result config_irq(unsigned irq, void *arg)
{
	virtio_config_event(arg);
	return IRQ_HANDLED;
}

static enum irq_result queues_irq(unsigned irq, void *arg)
{
	virtio_all_queues(arg);
	return IRQ_HANDLED;
}

/* One message for both: nothing says which it was. */
static enum irq_result both_irq(unsigned irq, void *arg)
{
	virtio_config_event(arg);
	virtio_all_queues(arg);
	return IRQ_HANDLED;
}

static enum irq_result line_irq(unsigned irq, void *arg)
{
	struct virtio_pci *p = to_pci(arg);
	u8 isr = mmio_read8(p->cfg[CFG_ISR]);

	if (!isr || isr == 0xff)
		return IRQ_NONE;
	if (isr & ISR_CONFIG)
		virtio_config_event(arg);
	if (isr & ISR_QUEUE)
		virtio_all_queues(arg);
	return IRQ_HANDLED;
}

/* Processors whose number modulo `of` is `which`. */
static void spread(struct virtio_pci *p, unsigned vector, const struct virtio_queue_wish *w)
{
	struct cpumask mask;
	unsigned cpu;

	if (w->spread < 0 || w->spread_of < 1)
		return;
	cpumask_zero(&mask);
	for_each_online_cpu (cpu)
		if (cpu % (unsigned)w->spread_of == (unsigned)w->spread)
			cpumask_set(&mask, cpu);
	pci_irq_spread(p->pci, vector, &mask);
}

static void release(struct virtio_pci *p, unsigned vectors)
{
	struct virtio_device *v = &p->vdev;

	for (unsigned i = vectors; i--;) {
		bool queue = p->own_vectors && i;

		if (!queue || v->queues[i - 1].done)
			irq_free(pci_irq(p->pci, i), queue ? (void *)&v->queues[i - 1] : v);
	}
	pci_irq_free(p->pci);
	p->nr_vectors = 0;
	p->own_vectors = p->shared_vector = false;
}

static int request_messages(struct virtio_pci *p, unsigned queues,
			    const struct virtio_queue_wish *wishes)
{
	struct virtio_device *v = &p->vdev;
	unsigned done = 0;
	int err = 0;

	for (; done < p->nr_vectors && !err; done++) {
		unsigned irq = pci_irq(p->pci, done), q = done - 1;

		if (done && p->own_vectors) {
			spread(p, done, &wishes[q]);
			v->queues[q].irq = irq;
			if (v->queues[q].done)
				err = irq_request(irq, virtio_queue_irq, &v->queues[q], 0,
						  wishes[q].name);
			continue;
		}
		err = irq_request(irq,
				  done               ? queues_irq
				  : p->shared_vector ? both_irq
						     : config_irq,
				  v, 0, v->dev.name);
	}
	if (err)
		release(p, done - 1);
	return err;
}

static int pci_irqs_request(struct virtio_device *v, unsigned n,
			    const struct virtio_queue_wish *wishes)
{
	struct virtio_pci *p = to_pci(v);
	unsigned got;
	int err = pci_irq_alloc(p->pci, n + 1, n + 1, &got);

	if (err)
		err = pci_irq_alloc(p->pci, 1, 2, &got);
	if (err)
		return err;
	if (p->pci->irq_mode == PCI_IRQ_LINE) {
		err = irq_request(pci_irq(p->pci, 0), line_irq, v, IRQ_SHARED, v->dev.name);
		if (err)
			pci_irq_free(p->pci);
		return err;
	}
	p->nr_vectors = got;
	p->own_vectors = got == n + 1;
	p->shared_vector = got == 1;
	return request_messages(p, n, wishes);
}

static void pci_irqs_free(struct virtio_device *v)
{
	struct virtio_pci *p = to_pci(v);

	release(p, p->nr_vectors ? p->nr_vectors : 1);
}

static void pci_irqs_synchronize(struct virtio_device *v)
{
	struct virtio_pci *p = to_pci(v);

	for (unsigned i = 0; i < p->pci->nr_irqs; i++)
		irq_synchronize(pci_irq(p->pci, i));
}

static const struct virtio_transport pci_transport = {
	.status = pci_status,
	.set_status = pci_set_status,
	.features = pci_features,
	.set_features = pci_set_features,
	.config_read = pci_config_read,
	.config_write = pci_config_write,
	.generation = pci_generation,
	.queue_max = pci_queue_max,
	.queue_enable = pci_queue_enable,
	.irqs_request = pci_irqs_request,
	.irqs_free = pci_irqs_free,
	.irqs_synchronize = pci_irqs_synchronize,
};

/* --- the PCI driver --------------------------------------------------------------------------- */

/* Map the first structure of each type that is usable (4.1.4: the driver may pass over others). */
static void map_structures(struct virtio_pci *p)
{
	unsigned cap = 0;

	while ((cap = pci_find_capability(p->pci, PCI_CAP_ID_VNDR, cap))) {
		unsigned type = pci_read8(p->pci, cap + CAP_TYPE);
		u32 len = pci_read32(p->pci, cap + CAP_LENGTH);

		if (type < CFG_COMMON || type >= NR_CFG || p->cfg[type])
			continue;
		p->cfg[type] = pci_map(p->pci, pci_read8(p->pci, cap + CAP_BAR),
				       pci_read32(p->pci, cap + CAP_OFFSET), len);
		p->cfg_len[type] = len;
		if (type == CFG_NOTIFY)
			p->multiplier = pci_read32(p->pci, cap + CAP_MULTIPLIER);
	}
}

static void unmap_structures(struct virtio_pci *p)
{
	for (unsigned i = CFG_COMMON; i < NR_CFG; i++)
		if (p->cfg[i])
			mmio_unmap(p->cfg[i]);
}

static void virtio_pci_release(struct device *dev)
{
	struct virtio_pci *p = to_pci(to_virtio_device(dev));

	unmap_structures(p);
	kfree(p);
}

static u32 type_of(const struct pci_device *d)
{
	return d->device >= DEVICE_MODERN ? d->device - DEVICE_MODERN : d->subdevice;
}

static int virtio_pci_probe(struct device *dev)
{
	struct pci_device *pci = to_pci_device(dev);
	struct virtio_pci *p;
	int err;

	if (pci->device < DEVICE_LEGACY || pci->device > DEVICE_LAST)
		return -ENODEV;
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return -ENOMEM;
	err = pci_enable(pci);
	if (err)
		goto fail;
	p->pci = pci;
	mutex_init(&p->lock, RANK_DRIVER_INNER, "virtio_pci.lock");
	map_structures(p);
	err = -ENODEV;
	if (!p->cfg[CFG_COMMON] || p->cfg_len[CFG_COMMON] < COMMON_SIZE || !p->cfg[CFG_NOTIFY] ||
	    !p->cfg[CFG_ISR] || !type_of(pci))
		goto fail;
	p->vdev.transport = &pci_transport;
	p->vdev.device_id = type_of(pci);
	p->vdev.vendor_id = pci->subvendor;
	p->vdev.dev.parent = dev;
	p->vdev.dev.release = virtio_pci_release;
	dev->driver_data = p;
	err = virtio_device_add(&p->vdev);
	if (!err)
		return 0;
fail:
	unmap_structures(p);
	kfree(p);
	return err;
}

static void virtio_pci_remove(struct device *dev)
{
	struct virtio_pci *p = dev->driver_data;

	virtio_device_remove(&p->vdev);
	if (!atomic_load(&to_pci_device(dev)->gone))
		pci_disable(to_pci_device(dev));
}

static const struct pci_id ids[] = {{PCI_ID(VENDOR_VIRTIO, PCI_ANY)}, {0}};

static const struct driver virtio_pci_driver = {
	.name = "virtio-pci",
	.bus = &pci_bus_type,
	.ids = ids,
	.probe = virtio_pci_probe,
	.remove = virtio_pci_remove,
};
DRIVER(virtio_pci_driver);
