/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the dentry cache. */
#pragma once

#include <fs/vfs/core.h>

/* dcache.c */
/* Out of the hash table.  Locks: d->lock, or nobody else has `d`. */
void dentry_unhash(struct dentry *d);
/*
 * `d` has count zero.  Destroy it; returns the parent, whose count by this child is now the
 * caller's, or NULL.  Context: may sleep.
 */
struct dentry *dentry_destroy(struct dentry *d);

/* dcache_shrink.c: the lists of what may be idle */
void dentry_lru_init(void);
void dentry_lru_add(struct dentry *d);
void dentry_lru_remove(struct dentry *d);

static inline void dentry_lru_leave(struct dentry *d)
{
	if (READ_ONCE(d->flags) & DENTRY_LRU)
		dentry_lru_remove(d);
}
