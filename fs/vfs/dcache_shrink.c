/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Getting dentries out of the cache: the oldest when memory is short, and those of a tree that
 * goes.
 *
 * Dentries that may be idle are in a list, and go round it as the hand of a clock: one that was
 * looked up since the last round stays.  One that has users stays too, and costs a look each round.
 *
 * Every name that is made or goes passes through that list, so there are several, each for the
 * dentries of some addresses and with a lock of its own; memory is taken from all of them.
 */
#include <kernel/lib/hash.h>
#include <kernel/lib/minmax.h>
#include <kernel/sync/spinlock.h>

#include "dcache_internal.h"

#define LRU_BITS 3

struct lru {
	struct spinlock lock; /* RANK_DENTRY_LRU */
	struct list oldest;   /* [l] struct dentry.lru, oldest first */
	u64 count;            /* [l; read without] */
} __aligned(64);              /* l: lock */

static struct lru lrus[1 << LRU_BITS];

void dentry_lru_init(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(lrus); i++) {
		spin_init(&lrus[i].lock, RANK_DENTRY_LRU, "dentry.lru");
		list_init(&lrus[i].oldest);
	}
}

static struct lru *lru_of(const struct dentry *d)
{
	return &lrus[hash64((u64)(vaddr_t)d, LRU_BITS)];
}

/* Locks: l->lock. */
static void lru_unlink(struct lru *l, struct dentry *d)
{
	atomic_and(&d->flags, ~(u32)DENTRY_LRU);
	list_remove(&d->lru);
	WRITE_ONCE(l->count, l->count - 1);
}

void dentry_lru_remove(struct dentry *d)
{
	struct lru *l = lru_of(d);

	guard_spin(&l->lock);
	if (d->flags & DENTRY_LRU)
		lru_unlink(l, d);
}

void dentry_lru_add(struct dentry *d)
{
	struct lru *l = lru_of(d);

	guard_spin(&l->lock);
	if (!(d->flags & DENTRY_LRU)) {
		atomic_or(&d->flags, DENTRY_LRU);
		list_push_back(&l->oldest, &d->lru);
		WRITE_ONCE(l->count, l->count + 1);
	}
}

/*
 * Bring an idle dentry's count from 1 to 0.  Then it is ours to destroy.  While it is hashed, and
 * d->lock keeps it so, that one count is the tree's.  Locks: d->lock.
 */
static bool dentry_claim_idle(struct dentry *d)
{
	u32 one = 1;

	if (d_unhashed(d) || !atomic_cmpxchg(&d->refs.n, &one, 0))
		return false;
	dentry_unhash(d);
	return true;
}

/* Its eviction would have to write: that is the flusher's work, not that of one who needs
 * memory. */
static bool inode_is_busy(const struct inode *inode)
{
	return inode && ((READ_ONCE(inode->state) & (I_DIRTY_ALL | I_DIRTY_TIME)) ||
			 xa_marked(&inode->data.pages, MAPPING_WRITEBACK));
}

/* May `d` go now?  The LRU lock is held, and d->lock comes before it, so only if that is free. */
static bool lru_claim(struct dentry *d)
{
	bool claimed;

	if (refcount_read(&d->refs) != 1 || inode_is_busy(READ_ONCE(d->inode)) ||
	    !spin_trylock(&d->lock))
		return false;
	claimed = dentry_claim_idle(d);
	spin_unlock(&d->lock);
	return claimed;
}

/* One step of the clock.  Returns a dentry to destroy, or NULL when it was given another round.
 * Locks: l->lock. */
static struct dentry *lru_step(struct lru *l)
{
	struct dentry *d = list_first(&l->oldest, struct dentry, lru);
	u32 flags = READ_ONCE(d->flags);

	if (!(flags & DENTRY_REFERENCED) && lru_claim(d)) {
		lru_unlink(l, d);
		return d;
	}
	if (flags & DENTRY_REFERENCED)
		atomic_and(&d->flags, ~(u32)DENTRY_REFERENCED);
	list_move_back(&l->oldest, &d->lru);
	return NULL;
}

static u64 lru_shrink(struct lru *l, u64 scan)
{
	u64 freed = 0;

	while (scan--) {
		struct dentry *d = NULL;

		with_spin(&l->lock) {
			if (!list_empty(&l->oldest))
				d = lru_step(l);
			else
				scan = 0;
		}
		if (d) {
			dentry_put(dentry_destroy(d));
			freed++;
		}
	}
	return freed;
}

u64 dcache_idle_count(void)
{
	u64 n = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(lrus); i++)
		n += READ_ONCE(lrus[i].count);
	return n;
}

/* Look at about `scan` dentries, of each list in proportion, and free the idle ones.  Returns how
 * many were freed.  Context: may sleep. */
u64 dcache_shrink(u64 scan)
{
	u64 freed = 0, all = max(dcache_idle_count(), scan);

	for (unsigned i = 0; i < ARRAY_SIZE(lrus); i++) {
		u64 count = READ_ONCE(lrus[i].count);

		if (count)
			freed += lru_shrink(&lrus[i], max(scan * count / all, 1ull));
	}
	return freed;
}

/* An idle child of `parent` that could be claimed, or NULL; *busy: a child with users, counted, to
 * descend into. */
static struct dentry *prune_pick(struct dentry *parent, struct dentry *after, struct dentry **busy)
{
	struct dentry *c;
	bool past = !after;

	*busy = NULL;
	guard_spin(&parent->lock);
	list_for_each (c, &parent->children, sibling) {
		if (!past) {
			past = c == after;
			continue;
		}
		spin_lock_nested(&c->lock, 1);
		bool claimed = dentry_claim_idle(c);

		spin_unlock(&c->lock);
		if (claimed)
			return c;
		if (!list_empty(&c->children) && refcount_get_unless_zero(&c->refs)) {
			*busy = c;
			return NULL;
		}
	}
	return NULL;
}

void d_prune_tree(struct dentry *top)
{
	struct dentry *at = dentry_get(top), *after = NULL;

	for (;;) {
		struct dentry *busy, *idle = prune_pick(at, after, &busy);

		if (idle) {
			dentry_put(dentry_destroy(idle));
			continue;
		}
		if (after) {
			dentry_put(after);
			after = NULL;
		}
		if (busy) {
			dentry_put(at);
			at = busy;
			continue;
		}
		if (at == top)
			break;

		/* Done below `at`: go on behind it in its parent. */
		struct dentry *up = dentry_get_parent(at);

		after = at;
		at = up;
	}
	dentry_put(at);
}

/* All pinned children of a tree that is going away for good. */
void d_unpin_tree(struct dentry *top)
{
	for (;;) {
		struct dentry *c, *found = NULL;

		spin_lock(&top->lock);
		list_for_each (c, &top->children, sibling) {
			if (refcount_get_unless_zero(&c->refs)) {
				found = c;
				break;
			}
		}
		spin_unlock(&top->lock);
		if (!found)
			return;
		d_unpin_tree(found);
		d_unpin(found);
		d_drop(found);
		dentry_put(found);
		if (!list_empty(&top->children))
			arch_cpu_relax();
	}
}

void d_invalidate(struct dentry *d)
{
	d_prune_tree(d);
	if (READ_ONCE(d->flags) & DENTRY_MOUNTED)
		mount_detach_dentry(d);
	d_drop(d);
}
