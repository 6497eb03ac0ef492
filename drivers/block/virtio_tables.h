/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Long descriptor tables of a queue, for requests of more pieces than their own table takes.  A
 * page each; one is there from the start, so that I/O goes on without memory, others are made when
 * all are lent and stay.
 *
 * A table goes by its number, 1 and up; 0 is none, and a request whose number is 0 uses its own.
 * Locks: the queue's, but for long_tables_destroy(); and for long_table_make() nobody may use the
 * queue yet, or the lock is held and `gfp` does not sleep.
 */
#pragma once

#include <drivers/bus/virtio/virtio.h>
#include <mm/alloc.h>

#define LONG_TABLES 8u

struct long_tables {
	u32 free; /* a bit each */
	struct virtq_desc *table[LONG_TABLES];
};

/* One more, if there may be more. */
static inline bool long_table_make(struct long_tables *l, gfp_t gfp)
{
	for (unsigned i = 0; i < LONG_TABLES; i++) {
		if (l->table[i])
			continue;
		l->table[i] = kmalloc(PAGE_SIZE, gfp);
		if (l->table[i])
			l->free |= 1u << i;
		return l->table[i] != NULL;
	}
	return false;
}

/* Lend one: its number, or 0. */
static inline u8 long_table_lend(struct long_tables *l)
{
	u8 nr;

	if (!l->free && !long_table_make(l, GFP_NOWAIT))
		return 0;
	nr = (u8)ffs64(l->free);
	l->free &= l->free - 1;
	return nr;
}

/* It is back; *nr becomes 0. */
static __always_inline void long_table_return(struct long_tables *l, u8 *nr)
{
	if (likely(!*nr))
		return;
	l->free |= 1u << (*nr - 1);
	*nr = 0;
}

static inline void long_tables_destroy(struct long_tables *l)
{
	for (unsigned i = 0; i < LONG_TABLES; i++)
		kfree(l->table[i]);
}
