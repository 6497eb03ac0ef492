/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtio over memory-mapped registers (virtio 1.2, 4.2), and the version before 1.0 (4.2.4) that
 * QEMU offers unless told otherwise.
 *
 * Devices are found in the device tree ("virtio,mmio") and on the command line
 * (virtio_mmio.device=SIZE@ADDRESS:INTERRUPT[:ID], Linux's virtio_mmio.c and kernel-parameters);
 * the machine offers slots, and most of them are empty, which DeviceID 0 says.
 *
 * One interrupt serves the device; InterruptStatus says what happened.
 *
 * Locks: QueueSel and the feature selectors make `lock` guard a selection and what follows.
 */
#define LOG_PREFIX "virtio-mmio: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/device/bus_scan.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/lib/parse.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include "virtio_internal.h"

#define R_MAGIC            0x000
#define R_VERSION          0x004
#define R_DEVICE_ID        0x008
#define R_VENDOR_ID        0x00c
#define R_DEVICE_FEATURES  0x010
#define R_DEVICE_SELECT    0x014
#define R_DRIVER_FEATURES  0x020
#define R_DRIVER_SELECT    0x024
#define R_GUEST_PAGE_SIZE  0x028 /* legacy */
#define R_QUEUE_SEL        0x030
#define R_QUEUE_NUM_MAX    0x034
#define R_QUEUE_NUM        0x038
#define R_QUEUE_ALIGN      0x03c /* legacy */
#define R_QUEUE_PFN        0x040 /* legacy */
#define R_QUEUE_READY      0x044
#define R_QUEUE_NOTIFY     0x050
#define R_INTERRUPT_STATUS 0x060
#define R_INTERRUPT_ACK    0x064
#define R_STATUS           0x070
#define R_QUEUE_DESC       0x080
#define R_QUEUE_DRIVER     0x090
#define R_QUEUE_DEVICE     0x0a0
#define R_GENERATION       0x0fc
#define R_CONFIG           0x100

#define MAGIC      0x74726976
#define IRQ_QUEUE  1
#define IRQ_CONFIG 2

struct virtio_mmio {
	struct virtio_device vdev;
	volatile u8 *regs;      /* [I] */
	u64 size;               /* [I] */
	unsigned irq;           /* [I] */
	struct mutex lock;      /* RANK_DRIVER_INNER */
	struct device platform; /* its place in the tree */
};

static struct virtio_mmio *to_mmio(struct virtio_device *v)
{
	return container_of(v, struct virtio_mmio, vdev);
}

static u32 get(struct virtio_device *v, unsigned reg)
{
	return mmio_read32(to_mmio(v)->regs + reg);
}

static void put(struct virtio_device *v, unsigned reg, u32 value)
{
	mmio_write32(to_mmio(v)->regs + reg, value);
}

static u8 mmio_status(struct virtio_device *v)
{
	return (u8)get(v, R_STATUS);
}

static void mmio_set_status(struct virtio_device *v, u8 status)
{
	put(v, R_STATUS, status);
	if (!status && v->legacy)
		put(v, R_GUEST_PAGE_SIZE, PAGE_SIZE);
}

static u64 mmio_features(struct virtio_device *v)
{
	u64 low;

	guard_mutex(&to_mmio(v)->lock);
	put(v, R_DEVICE_SELECT, 0);
	low = get(v, R_DEVICE_FEATURES);
	if (v->legacy)
		return low;
	put(v, R_DEVICE_SELECT, 1);
	return low | (u64)get(v, R_DEVICE_FEATURES) << 32;
}

static void mmio_set_features(struct virtio_device *v, u64 features)
{
	guard_mutex(&to_mmio(v)->lock);
	put(v, R_DRIVER_SELECT, 0);
	put(v, R_DRIVER_FEATURES, (u32)features);
	if (v->legacy)
		return;
	put(v, R_DRIVER_SELECT, 1);
	put(v, R_DRIVER_FEATURES, (u32)(features >> 32));
}

static u32 mmio_config_read(struct virtio_device *v, unsigned offset, unsigned len)
{
	const volatile u8 *p = to_mmio(v)->regs + R_CONFIG + offset;

	if (R_CONFIG + offset + len > to_mmio(v)->size)
		return 0;
	return virtio_field_read(p, len);
}

static void mmio_config_write(struct virtio_device *v, unsigned offset, unsigned len, u32 value)
{
	volatile u8 *p = to_mmio(v)->regs + R_CONFIG + offset;

	if (R_CONFIG + offset + len > to_mmio(v)->size)
		return;
	virtio_field_write(p, len, value);
}

static u32 mmio_generation(struct virtio_device *v)
{
	return v->legacy ? 0 : get(v, R_GENERATION);
}

static unsigned mmio_queue_max(struct virtio_device *v, unsigned index)
{
	guard_mutex(&to_mmio(v)->lock);
	put(v, R_QUEUE_SEL, index);
	return get(v, R_QUEUE_NUM_MAX);
}

static void put_address(struct virtio_device *v, unsigned reg, u64 value)
{
	put(v, reg, (u32)value);
	put(v, reg + 4, (u32)(value >> 32));
}

static int mmio_queue_enable(struct virtio_device *v, struct virtq *vq)
{
	struct virtq_layout l;

	guard_mutex(&to_mmio(v)->lock);
	virtq_layout(vq->packed, vq->num, &l);
	put(v, R_QUEUE_SEL, vq->index);
	put(v, R_QUEUE_NUM, vq->num);
	if (v->legacy) {
		if (vq->memory_addr >> PAGE_SHIFT > U32_MAX)
			return -ENOMEM;
		put(v, R_QUEUE_ALIGN, PAGE_SIZE);
		put(v, R_QUEUE_PFN, (u32)(vq->memory_addr >> PAGE_SHIFT));
	} else {
		put_address(v, R_QUEUE_DESC, vq->memory_addr);
		put_address(v, R_QUEUE_DRIVER, vq->memory_addr + l.driver);
		put_address(v, R_QUEUE_DEVICE, vq->memory_addr + l.device);
		put(v, R_QUEUE_READY, 1);
	}
	vq->notify = to_mmio(v)->regs + R_QUEUE_NOTIFY;
	vq->notify_value = vq->index;
	vq->notify_wide = true;
	return 0;
}

static enum irq_result mmio_irq(unsigned irq, void *arg)
{
	struct virtio_device *v = arg;
	u32 status = get(v, R_INTERRUPT_STATUS);

	if (!(status & (IRQ_QUEUE | IRQ_CONFIG)))
		return IRQ_NONE;
	put(v, R_INTERRUPT_ACK, status);
	if (status & IRQ_CONFIG)
		virtio_config_event(v);
	if (status & IRQ_QUEUE)
		virtio_all_queues(v);
	return IRQ_HANDLED;
}

static int mmio_irqs_request(struct virtio_device *v, unsigned n,
			     const struct virtio_queue_wish *wishes)
{
	return irq_request(to_mmio(v)->irq, mmio_irq, v, IRQ_SHARED, v->dev.name);
}

static void mmio_irqs_free(struct virtio_device *v)
{
	irq_free(to_mmio(v)->irq, v);
}

static void mmio_irqs_synchronize(struct virtio_device *v)
{
	irq_synchronize(to_mmio(v)->irq);
}

static const struct virtio_transport mmio_transport = {
	.status = mmio_status,
	.set_status = mmio_set_status,
	.features = mmio_features,
	.set_features = mmio_set_features,
	.config_read = mmio_config_read,
	.config_write = mmio_config_write,
	.generation = mmio_generation,
	.queue_max = mmio_queue_max,
	.queue_enable = mmio_queue_enable,
	.irqs_request = mmio_irqs_request,
	.irqs_free = mmio_irqs_free,
	.irqs_synchronize = mmio_irqs_synchronize,
};

/* --- finding ---------------------------------------------------------------------------------- */

/* Slots lie side by side, several on a page, and most are empty: the page last looked at stays
 * mapped until another is. */
static volatile u8 *slot_peek(paddr_t pa)
{
	static volatile u8 *page;
	static paddr_t page_pa;
	paddr_t base = pa & ~(paddr_t)(PAGE_SIZE - 1);

	if (!page || page_pa != base) {
		if (page)
			mmio_unmap(page);
		page = mmio_map(base, PAGE_SIZE);
		page_pa = base;
	}
	return page ? page + (pa - base) : NULL;
}

static int slot_check(paddr_t pa, u64 size)
{
	volatile u8 *regs;
	u32 version;

	if (size < R_CONFIG || (pa & (PAGE_SIZE - 1)) + R_CONFIG > PAGE_SIZE)
		return -EINVAL;
	regs = slot_peek(pa);
	if (!regs)
		return -ENOMEM;
	if (mmio_read32(regs + R_MAGIC) != MAGIC || !mmio_read32(regs + R_DEVICE_ID))
		return -ENODEV;
	version = mmio_read32(regs + R_VERSION);
	return version == 1 || version == 2 ? 0 : -ENODEV;
}

static void virtio_mmio_release(struct device *dev)
{
	struct virtio_mmio *m = to_mmio(to_virtio_device(dev));

	mmio_unmap(m->regs);
	kfree(m);
}

/* A device at `pa`, known to be there. */
static int device_make(paddr_t pa, u64 size, unsigned irq)
{
	struct virtio_mmio *m = kzalloc(sizeof(*m), GFP_KERNEL);
	struct virtio_device *v = &m->vdev;
	int err;

	if (!m)
		return -ENOMEM;
	m->regs = mmio_map(pa, size);
	m->size = size;
	m->irq = irq;
	if (!m->regs) {
		kfree(m);
		return -ENOMEM;
	}
	mutex_init(&m->lock, RANK_DRIVER_INNER, "virtio_mmio.lock");
	v->transport = &mmio_transport;
	v->legacy = get(v, R_VERSION) == 1;
	v->device_id = get(v, R_DEVICE_ID);
	v->vendor_id = get(v, R_VENDOR_ID);
	v->dev.release = virtio_mmio_release;
	device_init(&m->platform, "%llx.virtio_mmio", (unsigned long long)pa);
	err = device_register(&m->platform);
	if (!err) {
		v->dev.parent = &m->platform;
		err = virtio_device_add(v);
	}
	if (err)
		log_err("%#llx: error %d\n", (unsigned long long)pa, err);
	return err;
}

static int fdt_mmio_probe(const struct fdt *fdt, int node)
{
	unsigned irq;
	paddr_t pa;
	u64 size;
	int err;

	if (!fdt_reg(fdt, node, 0, &pa, &size))
		return -EINVAL;
	err = slot_check(pa, size);
	if (!err)
		err = irq_from_fdt(node, 0, &irq);
	return err ? err : device_make(pa, size, irq);
}

static const char *const mmio_ids[] = {"virtio,mmio", NULL};

FDT_DRIVER(virtio_mmio) = {.name = "virtio-mmio", .compatible = mmio_ids, .probe = fdt_mmio_probe};
FDT_DRIVER_ENTRY(virtio_mmio);

/* SIZE@ADDRESS:INTERRUPT[:ID].  The interrupt is the machine's global number. */
static int cmdline_device(const char *text)
{
	char *end;
	u64 size = memparse(text, &end), pa, gsi;
	const char *p;
	unsigned irq;
	int err;

	if (*end != '@')
		return -EINVAL;
	pa = memparse(end + 1, &end);
	if (*end != ':')
		return -EINVAL;
	gsi = parse_digits(end + 1, &p, 0);
	if (p == end + 1 || (*p && *p != ':') || gsi > U32_MAX || !size)
		return -EINVAL;
	err = slot_check(pa, size);
	if (!err)
		err = irq_from_gsi((u32)gsi, IRQ_TRIGGER_HIGH, &irq);
	return err ? err : device_make(pa, size, irq);
}

static void cmdline_scan(void)
{
	char text[96];

	for (unsigned n = 0;
	     cmdline_get_nth(boot_info.cmdline, "virtio_mmio.device", n, text, sizeof(text)); n++) {
		int err = cmdline_device(text);

		if (err && err != -ENODEV)
			log_err("virtio_mmio.device=%s: error %d\n", text, err);
	}
}

BUS_SCAN(virtio_mmio, cmdline_scan);
