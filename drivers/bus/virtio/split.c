/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Split virtqueues (virtio 1.2, 2.7).
 *
 * Three areas: the descriptors; the driver's ring of heads of chains (avail); the device's ring of
 * heads that it used, with lengths.  Each ring has an index that only grows, modulo 2^16.
 *
 *	driver					device
 *	writes descriptors, entry		reads avail->idx
 *	writes avail->idx			reads entry, descriptors
 *	reads avail_event			writes used entry, used->idx
 *
 * Publishing: entries, then the index, then a full fence, then the event: either we see that the
 * device wants to be told, or it sees the index when it looks a last time after asking (2.7.13.4).
 * Arming is the mirror image: used_event, full fence, used->idx.
 */
#include <kernel/lib/string.h>
#include "virtq_internal.h"

#define FLAGS 0
#define INDEX 1
#define RING  2

#define NO_INTERRUPT 1 /* avail flags */
#define NO_NOTIFY    1 /* used flags */

static volatile u16 *used_event(const struct virtq *vq)
{
	return &vq->split.avail[RING + vq->num];
}

static volatile u16 *avail_event(const struct virtq *vq)
{
	return &vq->split.used[RING + 4 * vq->num];
}

void split_restart(struct virtq *vq)
{
	memset(vq->memory, 0, vq->memory_size);
}

void split_add(struct virtq *vq, const struct virtq_piece *pieces, unsigned out, unsigned in,
	       void *token)
{
	unsigned n = out + in, at = vq->free_head;
	u16 head = vq->free_head;

	for (unsigned i = 0; i < n; i++) {
		volatile struct virtq_desc *d = &vq->split.desc[at];
		u16 next = vq->state[at].next;

		d->addr = pieces[i].addr;
		d->len = pieces[i].len;
		d->flags =
			(u16)((i < out ? 0 : VIRTQ_DESC_WRITE) | (i + 1 < n ? VIRTQ_DESC_NEXT : 0));
		d->next = next;
		at = next;
	}
	vq->free_head = (u16)at;
	vq->nr_free = (u16)(vq->nr_free - n);
	vq->state[head].token = token;
	vq->state[head].count = (u16)n;
	vq->split.avail[RING + (vq->next_add & vq->mask)] = head;
	vq->next_add++;
	vq->unannounced++;
}

bool split_publish(struct virtq *vq)
{
	u16 old = vq->published, new = vq->next_add;

	if (old == new)
		return false;
	smp_wmb();
	vq->split.avail[INDEX] = new;
	vq->published = new;
	vq->unannounced = 0;
	smp_mb();
	return vq->event ? virtq_passed(*avail_event(vq), new, old)
			 : !(vq->split.used[FLAGS] & NO_NOTIFY);
}

/* The chain of `head` is free again. */
static void chain_free(struct virtq *vq, u16 head)
{
	u16 last = head, n = vq->state[head].count;

	for (u16 i = 1; i < n; i++)
		last = vq->state[last].next;
	vq->state[last].next = vq->free_head;
	vq->free_head = head;
	vq->nr_free = (u16)(vq->nr_free + n);
}

void *split_take(struct virtq *vq, u32 *len)
{
	volatile const u32 *entry;
	void *token;
	u32 id;

	if (vq->next_take == vq->used_seen) {
		vq->used_seen = vq->split.used[INDEX];
		if (vq->next_take == vq->used_seen || unlikely(virtq_is_broken(vq))) {
			vq->used_seen = vq->next_take;
			return NULL;
		}
		/* No more than were ever made available. */
		if (unlikely((u16)(vq->used_seen - vq->next_take) >
			     (u16)(vq->published - vq->next_take))) {
			vq->used_seen = vq->next_take;
			return virtq_break(vq);
		}
		smp_rmb();
	}
	entry = (volatile const u32 *)&vq->split.used[RING + 4 * (vq->next_take & vq->mask)];
	id = entry[0];
	*len = entry[1];
	if (unlikely(id >= vq->num))
		return virtq_break(vq);
	token = vq->state[id].token;
	if (unlikely(!token))
		return virtq_break(vq);
	vq->state[id].token = NULL;
	vq->next_take++;
	if (!vq->slots)
		chain_free(vq, (u16)id);
	return token;
}

bool split_arm(struct virtq *vq)
{
	if (vq->event)
		*used_event(vq) = vq->next_take;
	else
		vq->split.avail[FLAGS] = 0;
	smp_mb();
	return vq->split.used[INDEX] != vq->next_take && !virtq_is_broken(vq);
}

/* With event indices the device keeps quiet until the one armed last is passed again. */
void split_disarm(struct virtq *vq)
{
	if (!vq->event)
		vq->split.avail[FLAGS] = NO_INTERRUPT;
	else
		*used_event(vq) = (u16)(vq->next_take - 1);
}
