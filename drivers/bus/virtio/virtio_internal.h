/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the core and the transports. */
#pragma once

#include <kernel/irq/irq.h>
#include "virtio.h"

/* Device status (2.1). */
#define VIRTIO_S_ACKNOWLEDGE 1u
#define VIRTIO_S_DRIVER      2u
#define VIRTIO_S_DRIVER_OK   4u
#define VIRTIO_S_FEATURES_OK 8u
#define VIRTIO_S_NEEDS_RESET 64u
#define VIRTIO_S_FAILED      128u

/* All may sleep but status. */
struct virtio_transport {
	u8 (*status)(struct virtio_device *v);                  /* all ones: the device is gone */
	void (*set_status)(struct virtio_device *v, u8 status); /* 0: resets */
	u64 (*features)(struct virtio_device *v);
	void (*set_features)(struct virtio_device *v, u64 features);
	/* `len` is 1, 2 or 4 and the offset aligned to it. */
	u32 (*config_read)(struct virtio_device *v, unsigned offset, unsigned len);
	void (*config_write)(struct virtio_device *v, unsigned offset, unsigned len, u32 value);
	u32 (*generation)(struct virtio_device *v);
	/* Descriptors queue `index` may have at most; 0: there is no such queue. */
	unsigned (*queue_max)(struct virtio_device *v, unsigned index);
	/* Tell the device where the queue is and which interrupt it has, and enable it; fills
	 * notify, notify_value, notify_wide.  Returns 0 or a negative errno. */
	int (*queue_enable)(struct virtio_device *v, struct virtq *vq);
	/* Interrupts for `n` queues, requested; v->queues is filled and their irq set where each
	 * has one.  Freed by irqs_free. */
	int (*irqs_request)(struct virtio_device *v, unsigned n,
			    const struct virtio_queue_wish *wishes);
	void (*irqs_free)(struct virtio_device *v);
	/* No interrupt handler runs any more. */
	void (*irqs_synchronize)(struct virtio_device *v);
};

/* A new device; the transport filled transport, device_id, vendor_id, dev.parent, dev.release. */
int __must_check virtio_device_add(struct virtio_device *v);
void virtio_device_remove(struct virtio_device *v);

/* From interrupt handlers. */
void virtio_config_event(struct virtio_device *v);
enum irq_result virtio_queue_irq(unsigned irq, void *vq);
/* All queues that share one interrupt. */
void virtio_all_queues(struct virtio_device *v);

/* A field of the device's configuration: of one, two or four bytes, as every transport must access
 * it. */
static inline u32 virtio_field_read(const volatile u8 *p, unsigned len)
{
	return len == 1 ? mmio_read8(p) : len == 2 ? mmio_read16(p) : mmio_read32(p);
}

static inline void virtio_field_write(volatile u8 *p, unsigned len, u32 value)
{
	if (len == 1)
		mmio_write8(p, (u8)value);
	else if (len == 2)
		mmio_write16(p, (u16)value);
	else
		mmio_write32(p, value);
}
