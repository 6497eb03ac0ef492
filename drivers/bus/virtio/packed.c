/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packed virtqueues (virtio 1.2, 2.8).
 *
 * One ring of descriptors that both sides write.  Two bits of each say whose it is: a descriptor is
 * available when AVAIL equals the driver's wrap bit and USED does not, used when both equal the
 * wrap bit of the side that looks.  The wrap bits start as 1 and flip with each round.  Buffers
 * carry a number (id) that the driver chose; the device may return them in any order, each at the
 * next place, and the place after skips as many descriptors as the buffer had.
 *
 * The flags of a chain's first descriptor are written last, behind a fence: they make it available.
 * Events name a place and its wrap bit instead of a counter.
 */
#include <kernel/lib/string.h>
#include "virtq_internal.h"

#define OFFSET 0 /* of an event area: place, wrap bit on top */
#define FLAGS  1

#define EVENT_ENABLE  0
#define EVENT_DISABLE 1
#define EVENT_PLACE   2

#define WRAP_SHIFT 15

void packed_restart(struct virtq *vq)
{
	memset(vq->memory, 0, vq->memory_size);
	vq->pack.driver_event[FLAGS] = EVENT_ENABLE;
}

static u16 owner_bits(bool wrap)
{
	return wrap ? VIRTQ_PACKED_AVAIL : VIRTQ_PACKED_USED;
}

void packed_add(struct virtq *vq, const struct virtq_piece *pieces, unsigned out, unsigned in,
		void *token)
{
	unsigned n = out + in, at = vq->next_add;
	volatile struct virtq_packed_desc *first = &vq->pack.desc[at];
	u16 id = vq->free_head, first_flags = 0;

	for (unsigned i = 0; i < n; i++) {
		volatile struct virtq_packed_desc *d = &vq->pack.desc[at];
		u16 flags = (u16)((i < out ? 0 : VIRTQ_DESC_WRITE) |
				  (i + 1 < n ? VIRTQ_DESC_NEXT : 0) | owner_bits(vq->wrap));

		d->addr = pieces[i].addr;
		d->len = pieces[i].len;
		d->id = id;
		if (i)
			d->flags = flags;
		else
			first_flags = flags;
		if (++at == vq->num) {
			at = 0;
			vq->wrap = !vq->wrap;
		}
	}
	vq->next_add = (u16)at;
	vq->free_head = vq->state[id].next;
	vq->nr_free = (u16)(vq->nr_free - n);
	vq->state[id].token = token;
	vq->state[id].count = (u16)n;
	vq->unannounced = (u16)(vq->unannounced + n);
	smp_wmb();
	first->flags = first_flags;
}

bool packed_publish(struct virtq *vq)
{
	u16 added = vq->unannounced, flags, event;

	if (!added)
		return false;
	vq->unannounced = 0;
	smp_mb();
	flags = vq->pack.device_event[FLAGS];
	if (flags != EVENT_PLACE)
		return flags != EVENT_DISABLE;
	event = vq->pack.device_event[OFFSET];
	if (event >> WRAP_SHIFT == vq->wrap)
		event &= (1u << WRAP_SHIFT) - 1;
	else
		event = (u16)((event & ((1u << WRAP_SHIFT) - 1)) - vq->num);
	return virtq_passed(event, vq->next_add, (u16)(vq->next_add - added));
}

static bool used_at(const struct virtq *vq, u16 at)
{
	u16 flags = vq->pack.desc[at].flags;
	bool avail = flags & VIRTQ_PACKED_AVAIL, used = flags & VIRTQ_PACKED_USED;

	return avail == used && used == vq->used_wrap;
}

void *packed_take(struct virtq *vq, u32 *len)
{
	u16 at = vq->next_take, id, count = 1;
	void *token;

	if (!used_at(vq, at) || unlikely(virtq_is_broken(vq)))
		return NULL;
	smp_rmb();
	id = vq->pack.desc[at].id;
	*len = vq->pack.desc[at].len;
	if (unlikely(id >= vq->num))
		return virtq_break(vq);
	token = vq->state[id].token;
	if (unlikely(!token))
		return virtq_break(vq);
	vq->state[id].token = NULL;
	if (!vq->slots) {
		count = vq->state[id].count;
		vq->nr_free = (u16)(vq->nr_free + count);
		vq->state[id].next = vq->free_head;
		vq->free_head = id;
	}
	at = (u16)(at + count);
	if (at >= vq->num) {
		at = (u16)(at - vq->num);
		vq->used_wrap = !vq->used_wrap;
	}
	vq->next_take = at;
	return token;
}

bool packed_arm(struct virtq *vq)
{
	volatile u16 *event = vq->pack.driver_event;

	if (vq->event)
		event[OFFSET] = (u16)(vq->next_take | (unsigned)vq->used_wrap << WRAP_SHIFT);
	smp_wmb();
	event[FLAGS] = vq->event ? EVENT_PLACE : EVENT_ENABLE;
	smp_mb();
	return used_at(vq, vq->next_take) && !virtq_is_broken(vq);
}

void packed_disarm(struct virtq *vq)
{
	vq->pack.driver_event[FLAGS] = EVENT_DISABLE;
}
