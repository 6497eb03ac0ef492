/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Revoked blocks: a hash by block number, which also keeps the order of insertion.
 *
 * The table of buckets is an optimisation.  When there is no memory for a (larger) one, chains are
 * longer, or, with none at all, the list is searched.
 */
#include <kernel/lib/hash.h>
#include <mm/alloc.h>
#include "journal_internal.h"

#define FIRST_BITS 4u
#define MAX_BITS   16u

void revoke_table_init(struct revoke_table *t)
{
	*t = (struct revoke_table){0};
	list_init(&t->all);
}

static struct hlist_head *bucket_of(const struct revoke_table *t, u64 block)
{
	return &t->buckets[hash64(block, t->bits)];
}

struct revoke *revoke_alloc(u64 block)
{
	struct revoke *r = kmalloc(sizeof(*r), GFP_NOFS);

	if (!r)
		return NULL;
	hlist_node_init(&r->node);
	list_init(&r->link);
	r->block = block;
	r->tid = 0;
	return r;
}

void revoke_free(struct revoke *r)
{
	kfree(r);
}

struct revoke *revoke_find(const struct revoke_table *t, u64 block)
{
	struct revoke *r;

	if (t->buckets) {
		hlist_for_each(r, bucket_of(t, block), node)
		{
			if (r->block == block)
				return r;
		}
		return NULL;
	}
	list_for_each (r, &t->all, link) {
		if (r->block == block)
			return r;
	}
	return NULL;
}

void revoke_insert(struct revoke_table *t, struct revoke *r)
{
	if (t->buckets)
		hlist_push(bucket_of(t, r->block), &r->node);
	list_push_back(&t->all, &r->link);
	WRITE_ONCE(t->count, t->count + 1);
}

void revoke_remove(struct revoke_table *t, struct revoke *r)
{
	hlist_remove(&r->node);
	list_remove(&r->link);
	WRITE_ONCE(t->count, t->count - 1);
}

void revoke_table_clear(struct revoke_table *t)
{
	struct revoke *r, *after;

	list_for_each_safe (r, after, &t->all, link)
		revoke_free(r);
	kvfree(t->buckets);
	revoke_table_init(t);
}

static void rehash(struct revoke_table *t, struct hlist_head *buckets, unsigned bits)
{
	struct revoke *r;

	t->buckets = buckets;
	t->bits = bits;
	list_for_each (r, &t->all, link) {
		hlist_node_init(&r->node);
		hlist_push(bucket_of(t, r->block), &r->node);
	}
}

void revoke_table_grow(struct revoke_table *t, struct spinlock *lock)
{
	unsigned bits = READ_ONCE(t->bits);
	struct hlist_head *buckets, *old;

	if (READ_ONCE(t->count) >> 1 < (bits ? 1u << bits : 1u) || bits == MAX_BITS)
		return;
	bits = bits ? bits + 2 : FIRST_BITS;
	old = buckets = kvzalloc(sizeof(*buckets) << bits, GFP_NOFS | __GFP_NOWARN);
	if (!buckets)
		return;
	with_spin(lock)
	{
		if (t->bits < bits) {
			old = t->buckets;
			rehash(t, buckets, bits);
		}
	}
	kvfree(old);
}
