/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtqueues (virtio 1.2, 2.6 to 2.8): how a driver hands buffers to a device and gets them back.
 *
 * A queue is a ring of descriptors in memory that both sides see, in one of two forms, split and
 * packed.  The driver adds buffers with a token of its own, publishes what it added, and takes the
 * tokens of buffers that the device has used.
 *
 * Buffers are added in one of two ways, and a queue keeps to one of them:
 *
 *	virtq_add	a chain of descriptors, taken from those that are free
 *	virtq_add_slot	one descriptor that names a table of descriptors elsewhere
 * (indirect, 2.6.5.3); the caller numbers its buffers itself and never uses one twice at a time
 *
 * The device is not trusted.  What it writes is read once and checked: it can return only buffers
 * that it has, each once.  Anything else breaks the queue: nothing is taken from it or added to it
 * any more, and the owner gives up on the device.  Nothing that the device can write is used to
 * find memory.
 *
 * The ring logic knows no bus and no memory allocator but kmalloc, and is also compiled for the
 * host.
 *
 * Locks: the owner's, one for all calls on a queue, unless it says otherwise.
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/compiler.h>

struct virtio_device;
struct virtq;

/* A descriptor, of rings and of indirect tables (2.7.5); in a packed ring next and flags differ. */
struct virtq_desc {
	u64 addr;
	u32 len;
	u16 flags, next;
};

struct virtq_packed_desc {
	u64 addr;
	u32 len;
	u16 id, flags;
};

#define VIRTQ_DESC_NEXT     1u
#define VIRTQ_DESC_WRITE    2u /* the device writes it */
#define VIRTQ_DESC_INDIRECT 4u
#define VIRTQ_PACKED_AVAIL  (1u << 7)
#define VIRTQ_PACKED_USED   (1u << 15)

/* A piece of a buffer by its bus address. */
struct virtq_piece {
	u64 addr;
	u32 len;
};

/* What the driver remembers of the buffer that has this number. */
struct virtq_state {
	void *token; /* NULL: the device does not have it */
	u16 count;   /* descriptors in the ring */
	u16 next;    /* of the chain, or of the free list */
};

struct virtq {
	/* Hot. */
	struct virtq_state *state; /* [q] `num` of them */
	u16 num, mask;             /* [I]; mask: split rings have a power of two */
	u16 nr_free;               /* [q] descriptors */
	u16 free_head;             /* [q] */
	bool packed, event;        /* [I] */
	bool slots;                /* [I] only virtq_add_slot */
	bool wrap, used_wrap;      /* [q] packed */
	u32 broken;                /* [a] */
	u16 next_add;              /* [q] index the next descriptor (split: entry) goes to */
	u16 published;             /* [q] split: what avail->idx says */
	u16 unannounced;           /* [q] entries since the device was asked to look */
	u16 next_take;             /* [q] */
	u16 used_seen;             /* [q] split: used->idx as last read */
	union {
		struct {
			volatile struct virtq_desc *desc;
			volatile u16 *avail; /* flags, index, ring, used_event */
			volatile u16 *used;  /* flags, index, ring of {u32 id, len}, avail_event */
		} split;
		struct {
			volatile struct virtq_packed_desc *desc;
			volatile u16 *driver_event; /* offset and wrap, flags */
			volatile u16 *device_event;
		} pack;
	};
	volatile void *notify; /* [I] the transport's register */
	u32 notify_value;      /* [I] */
	bool notify_wide;      /* [I] 32 bits */

	/* Cold. */
	struct virtio_device *vdev;     /* [I] */
	unsigned index;                 /* [I] */
	const char *name;               /* [I] */
	void (*done)(struct virtq *vq); /* [I] context: hard interrupt */
	void *owner;                    /* [I] the driver's */
	void *memory;                   /* [I] */
	u64 memory_addr;                /* [I] */
	size_t memory_size;             /* [I] */
	unsigned irq;                   /* [I] of its own, or 0 */
};                                      /* q: the owner's lock */

/* Offsets of the three areas in the memory of a ring, which is aligned to a page. */
struct virtq_layout {
	size_t driver, device, size;
};

#define VIRTQ_NUM_MAX 32768

/* split.c, packed.c: `num` is checked (a power of two if split). */
void virtq_layout(bool packed, unsigned num, struct virtq_layout *out);

/*
 * A queue of `num` descriptors over cleared memory laid out so.  `event`: VIRTIO_F_EVENT_IDX was
 * negotiated.  Returns 0, -EINVAL or -ENOMEM.  Context: may sleep.
 */
int __must_check virtq_init(struct virtq *vq, void *memory, unsigned num, bool packed, bool event,
			    bool slots);
void virtq_fini(struct virtq *vq);
/* Begin anew over the same memory, after the device was reset and all tokens abandoned. */
void virtq_restart(struct virtq *vq);

/*
 * A buffer of `out` pieces the device reads followed by `in` pieces it writes.  Returns 0, -ENOSPC
 * (not enough descriptors now), -EINVAL, -EIO (broken).  Context: any.
 */
int __must_check virtq_add(struct virtq *vq, const struct virtq_piece *pieces, unsigned out,
			   unsigned in, void *token);

/* The owner's buffer number `slot`, described by `n` descriptors at bus address `table`. */
static __always_inline void virtq_add_slot(struct virtq *vq, unsigned slot, u64 table, unsigned n,
					   void *token);

/* Let the device see what was added.  true: it wants to be notified.  Context: any. */
bool virtq_publish(struct virtq *vq);

/* The token of a buffer that the device is done with and how much it wrote, or NULL. */
void *virtq_take(struct virtq *vq, u32 *len);

/* Have the device interrupt when it uses the next buffer.  true: one is there already, take it. */
bool virtq_arm(struct virtq *vq);
/* It need not. */
void virtq_disarm(struct virtq *vq);

/* A token that the device still has, which it then has no more; NULL: none left.  The device was
 * reset. */
void *virtq_abandon(struct virtq *vq, unsigned *cursor);

static inline bool virtq_is_broken(const struct virtq *vq)
{
	return atomic_load(&vq->broken);
}

/*
 * Descriptor `i` of a table for virtq_add_slot; `write`: the device writes there.  The last has
 * `more` false.
 */
static __always_inline void virtq_table_set(const struct virtq *vq, struct virtq_desc *table,
					    unsigned i, u64 addr, u32 len, bool write, bool more)
{
	u64 flags = write ? VIRTQ_DESC_WRITE : 0;
	u64 *d = (u64 *)&table[i];

	d[0] = addr;
	d[1] = len |
	       (vq->packed ? flags << 48
			   : (flags | (more ? VIRTQ_DESC_NEXT : 0)) << 32 | (u64)(i + 1) << 48);
}

/* Split: two stores make the descriptor, one the entry. */
static __always_inline void split_add_slot(struct virtq *vq, unsigned slot, u64 table, unsigned n)
{
	volatile u64 *d = (volatile u64 *)&vq->split.desc[slot];

	d[0] = table;
	d[1] = (u64)VIRTQ_DESC_INDIRECT << 32 | n * (u32)sizeof(struct virtq_desc);
	vq->split.avail[2 + (vq->next_add & vq->mask)] = (u16)slot;
	vq->next_add++;
}

/* Packed: length, number and flags are one store, which makes it available. */
static __always_inline void packed_add_slot(struct virtq *vq, unsigned slot, u64 table, unsigned n)
{
	volatile u64 *d = (volatile u64 *)&vq->pack.desc[vq->next_add];
	u64 flags = VIRTQ_DESC_INDIRECT | (vq->wrap ? VIRTQ_PACKED_AVAIL : VIRTQ_PACKED_USED);

	d[0] = table;
	smp_wmb();
	d[1] = flags << 48 | (u64)slot << 32 | n * (u32)sizeof(struct virtq_desc);
	if (++vq->next_add == vq->num) {
		vq->next_add = 0;
		vq->wrap = !vq->wrap;
	}
}

static __always_inline void virtq_add_slot(struct virtq *vq, unsigned slot, u64 table, unsigned n,
					   void *token)
{
	vq->state[slot].token = token;
	vq->unannounced++;
	if (vq->packed)
		packed_add_slot(vq, slot, table, n);
	else
		split_add_slot(vq, slot, table, n);
}
