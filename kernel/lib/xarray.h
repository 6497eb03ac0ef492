/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arrays indexed by 64 bits, sparse: a radix tree of 64-way nodes.
 *
 * An entry is a pointer (aligned to 4) or a small integer made by xa_value().  Loads, finds and
 * mark tests need only an RCU read section; they see each slot before or after a change, never
 * between. Writers (store, erase, marks) are serialised by the caller's lock.  A node that empties
 * is unlinked and given to free_rcu(), so a reader still inside finds NULL slots or old entries.
 *
 * Each entry carries three marks.  A mark on a node's slot means that the entry, or some entry
 * below, has it, so marked entries are found without visiting the others.
 */
#pragma once

#include <kernel/lib/atomic.h>

#define XA_SHIFT 6
#define XA_SLOTS 64
#define XA_MARKS 3

enum xa_mark { XA_MARK_0, XA_MARK_1, XA_MARK_2 };

struct xa_node {
	void *rcu[2];		/* for the allocator's free_rcu */
	u32 shift;		/* [I] bits of the index below this node's six */
	u32 offset;		/* [I] our slot in the parent */
	struct xa_node *parent; /* [x] NULL at the top */
	u64 present;		/* [x, R] slots not empty */
	u64 full;		/* [x] slots with no empty index below */
	u64 marks[XA_MARKS];	/* [x, R] */
	void *slots[XA_SLOTS];	/* [x, R] */
};				/* x: the caller's lock */

struct xarray {
	void *head; /* [x, R] a node, or the entry at index 0, or NULL */
	u32 marks;  /* [x, R] bit m: some entry has mark m */
};

#define XARRAY_INIT { NULL, 0 }

/*
 * Where nodes come from; set once by mm.  alloc() may be called under spin locks and so never
 * sleeps; its node need not be cleared.  free_rcu() frees after a grace period.
 */
struct xarray_ops {
	struct xa_node *(*alloc)(void);
	void (*free_rcu)(struct xa_node *node);
};

void xarray_set_ops(const struct xarray_ops *ops);

static inline void xa_init(struct xarray *xa)
{
	xa->head = NULL;
	xa->marks = 0;
}

static inline bool xa_empty(const struct xarray *xa)
{
	return !READ_ONCE(xa->head);
}

/* Integers of 63 bits as entries. */
static inline void *xa_value(unsigned long n)
{
	return (void *)(n << 1 | 1);
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static __always_inline bool xa_is_node_(const void *entry)
{
	return ((unsigned long)entry & 3) == 2;
}

static __always_inline struct xa_node *xa_to_node_(const void *entry)
{
	return (struct xa_node *)((unsigned long)entry - 2);
}

/*
 * The entry at `index`, or NULL.
 * Context: any, in an RCU read section or under the writers' lock.
 */
static __always_inline void *xa_load(const struct xarray *xa, u64 index)
{
	void *entry = READ_ONCE(xa->head);

	if (!xa_is_node_(entry))
		return index ? NULL : entry;

	const struct xa_node *node = xa_to_node_(entry);

	if (index >> node->shift >= XA_SLOTS)
		return NULL;
	for (;;) {
		entry = READ_ONCE(node->slots[(index >> node->shift) % XA_SLOTS]);
		if (!node->shift || !entry)
			return entry;
		node = xa_to_node_(entry);
	}
}

/*
 * Store a non-NULL entry; its marks start clear when the index was empty, and stay otherwise.
 * `old`, if not NULL, receives what was there.  Returns 0 or -ENOMEM, and nothing changed then.
 * Replacing an entry never fails.  Context: any.  Locks: the caller's, held.
 */
int __must_check xa_store(struct xarray *xa, u64 index, void *entry, void **old);

/* Empty an index.  Returns what was there, or NULL.  Never fails.  Locks: the caller's, held. */
void *xa_erase(struct xarray *xa, u64 index);

/*
 * The first entry at or after *index and not beyond `max`, or NULL.  *index becomes its index.
 * Context: any, in an RCU read section or under the writers' lock.
 */
void *xa_find(const struct xarray *xa, u64 *index, u64 max);

/* The last entry at or before *index and not below `min`, or NULL; on the same terms. */
void *xa_find_last(const struct xarray *xa, u64 *index, u64 min);

/* As xa_find, passing over entries without the mark. */
void *xa_find_marked(const struct xarray *xa, u64 *index, u64 max, enum xa_mark mark);

/*
 * Up to `n` entries in index order from *index to `max`.  Returns how many; *index becomes one past
 * the last one found.  The terms of xa_find.
 */
unsigned xa_gather(const struct xarray *xa, u64 *index, u64 max, void **entries, unsigned n);

/* Gather marked entries only. */
unsigned xa_gather_marked(const struct xarray *xa, u64 *index, u64 max, enum xa_mark mark,
			  void **entries, unsigned n);

/* The first empty index from `min` to `max`.  Returns false when there is none.  Locks: the
 * caller's. */
bool xa_find_empty(const struct xarray *xa, u64 min, u64 max, u64 *index);

/* Marks of the entry at `index`; nothing happens at an empty one.  Locks: the caller's, held. */
void xa_set_mark(struct xarray *xa, u64 index, enum xa_mark mark);
void xa_clear_mark(struct xarray *xa, u64 index, enum xa_mark mark);

/*
 * Give mark `to` to every entry of [first, last] that has `from`: 64 at a time.  Returns whether
 * there was one.  Locks: the caller's, held.
 */
bool xa_copy_marks(struct xarray *xa, u64 first, u64 last, enum xa_mark from, enum xa_mark to);

/* The terms of xa_load. */
bool xa_get_mark(const struct xarray *xa, u64 index, enum xa_mark mark);

static inline bool xa_marked(const struct xarray *xa, enum xa_mark mark)
{
	return READ_ONCE(xa->marks) >> mark & 1;
}

/* Empty the array.  The entries are the caller's business.  Locks: the caller's, held. */
void xa_destroy(struct xarray *xa);

/* Every entry in index order; `index` is a u64 and `entry` a pointer. */
#define xa_for_each(xa, index, entry) \
	for ((index) = 0, (entry) = xa_find(xa, &(index), U64_MAX); (entry); \
	     (entry) = (index) == U64_MAX ? NULL : ((index)++, xa_find(xa, &(index), U64_MAX)))
