/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What both forms of virtqueue have in common: memory, checks, giving up.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include "virtq_internal.h"

/* Legacy transports want the device's area of a split ring on a page of its own. */
#define DEVICE_AREA_ALIGN 4096ul

void virtq_layout(bool packed, unsigned num, struct virtq_layout *out)
{
	size_t desc = num * sizeof(struct virtq_desc);

	out->driver = desc;
	if (packed) {
		out->device = desc + 4;
		out->size = desc + 8;
		return;
	}
	out->device = ALIGN_UP(desc + 2 * (3 + (size_t)num), DEVICE_AREA_ALIGN);
	out->size = out->device + 6 + 8 * (size_t)num;
}

void virtq_restart(struct virtq *vq)
{
	vq->next_add = vq->published = vq->unannounced = vq->next_take = vq->used_seen = 0;
	vq->wrap = vq->used_wrap = true;
	vq->nr_free = vq->num;
	vq->free_head = 0;
	for (unsigned i = 0; i < vq->num; i++)
		vq->state[i] = (struct virtq_state){.next = (u16)(i + 1)};
	if (vq->packed)
		packed_restart(vq);
	else
		split_restart(vq);
	atomic_store(&vq->broken, 0u);
}

int virtq_init(struct virtq *vq, void *memory, unsigned num, bool packed, bool event, bool slots)
{
	struct virtq_layout l;

	if (!num || num > VIRTQ_NUM_MAX || (!packed && num & (num - 1)))
		return -EINVAL;
	virtq_layout(packed, num, &l);
	vq->state = kcalloc(num, sizeof(*vq->state), GFP_KERNEL);
	if (!vq->state)
		return -ENOMEM;
	vq->num = (u16)num;
	vq->mask = (u16)(num - 1);
	vq->packed = packed;
	vq->event = event;
	vq->slots = slots;
	vq->memory = memory;
	vq->memory_size = l.size;
	if (packed) {
		vq->pack.desc = memory;
		vq->pack.driver_event = (u16 *)((u8 *)memory + l.driver);
		vq->pack.device_event = (u16 *)((u8 *)memory + l.device);
	} else {
		vq->split.desc = memory;
		vq->split.avail = (u16 *)((u8 *)memory + l.driver);
		vq->split.used = (u16 *)((u8 *)memory + l.device);
	}
	virtq_restart(vq);
	return 0;
}

void virtq_fini(struct virtq *vq)
{
	kfree(vq->state);
	vq->state = NULL;
}

void *virtq_break(struct virtq *vq)
{
	atomic_store(&vq->broken, 1u);
	return NULL;
}

int virtq_add(struct virtq *vq, const struct virtq_piece *pieces, unsigned out, unsigned in,
	      void *token)
{
	unsigned n = out + in;

	if (!n || n > vq->num || vq->slots || !token)
		return -EINVAL;
	if (unlikely(virtq_is_broken(vq)))
		return -EIO;
	if (n > vq->nr_free)
		return -ENOSPC;
	if (vq->packed)
		packed_add(vq, pieces, out, in, token);
	else
		split_add(vq, pieces, out, in, token);
	return 0;
}

bool virtq_publish(struct virtq *vq)
{
	return vq->packed ? packed_publish(vq) : split_publish(vq);
}

void *virtq_take(struct virtq *vq, u32 *len)
{
	return vq->packed ? packed_take(vq, len) : split_take(vq, len);
}

bool virtq_arm(struct virtq *vq)
{
	return vq->packed ? packed_arm(vq) : split_arm(vq);
}

void virtq_disarm(struct virtq *vq)
{
	if (vq->packed)
		packed_disarm(vq);
	else
		split_disarm(vq);
}

void *virtq_abandon(struct virtq *vq, unsigned *cursor)
{
	for (; *cursor < vq->num; ++*cursor) {
		void *token = vq->state[*cursor].token;

		if (!token)
			continue;
		vq->state[*cursor].token = NULL;
		return token;
	}
	return NULL;
}
