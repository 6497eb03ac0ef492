/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dentry cache.
 *
 * Dentries hang in a hash table by (parent, name) that is read under RCU, and in their parent's
 * list of children.
 *
 * Counting.  A hashed dentry has one count that belongs to the tree, so:
 *	(1) a dentry whose count is zero is out of the tree or being taken out by the one who
 *	    brought it to zero;
 *	(2) dropping a user's count of a hashed dentry is one atomic subtraction, nothing else;
 *	(3) the shrinker frees an idle dentry by moving its count from exactly 1 to 0.
 * Each child counts its parent, so idle leaves go first.
 *
 * A lookup without locks takes its count first and checks dentry.seq afterwards; those who turn a
 * dentry negative make seq odd first and look at the count afterwards.  One of the two sees the
 * other:
 *
 *	lookup				d_delete
 *	count++				seq odd
 *	full barrier			full barrier
 *	seq changed?  retry		count higher?  unhash instead
 *
 * Lock order: inode.spin, dentry.lock (parent, then child), bucket lock or LRU lock.  The rename
 * lock comes before them.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/hash_size.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/page.h>

#include "dcache_internal.h"

#define DCACHE_LOCKS 256

static struct hlist_head *dentry_hash;
static u32 dentry_hash_mask;
static struct spinlock dentry_hash_locks[DCACHE_LOCKS];
static struct slab_cache *dentry_cache;

struct seqlock rename_lock;

/* A name too long for the dentry itself; dentries that were renamed over each other share it. */
struct long_name {
	refcount_t refs;
	struct rcu_head rcu;
	char text[];
};

static struct long_name *dentry_long_name(const struct dentry *d)
{
	return d->name == d->inline_name ? NULL : container_of(d->name, struct long_name, text[0]);
}

static struct hlist_head *hash_bucket(u32 hash)
{
	return &dentry_hash[hash & dentry_hash_mask];
}

static struct spinlock *hash_lock(u32 hash)
{
	return &dentry_hash_locks[hash & dentry_hash_mask & (DCACHE_LOCKS - 1)];
}

u32 qstr_hash(const struct dentry *parent, const char *name, size_t len)
{
	u32 h = 0;

	for (size_t i = 0; i < len; i++)
		h = qstr_hash_step(h, (u8)name[i]);
	return qstr_hash_end(h, parent);
}

static void hash_insert(struct dentry *d)
{
	struct spinlock *lock = hash_lock(d->hash_val);

	spin_lock(lock);
	hlist_push_rcu(hash_bucket(d->hash_val), &d->hash);
	spin_unlock(lock);
}

static void hash_remove(struct dentry *d)
{
	struct spinlock *lock = hash_lock(d->hash_val);

	spin_lock(lock);
	hlist_remove_rcu(&d->hash);
	spin_unlock(lock);
}

void dentry_unhash(struct dentry *d)
{
	atomic_and(&d->flags, ~(u32)DENTRY_HASHED);
	hash_remove(d);
}

/* Equal for `len` bytes, both readable so far. */
static __always_inline bool name_equal(const char *a, const char *b, u32 len)
{
	while (len >= 8) {
		if (get_unaligned_le64(a) != get_unaligned_le64(b))
			return false;
		a += 8;
		b += 8;
		len -= 8;
	}
	while (len--) {
		if (*a++ != *b++)
			return false;
	}
	return true;
}

struct dentry *d_lookup_rcu(const struct dentry *parent, const struct qstr *name, u32 *seqp)
{
	struct dentry *d;

	hlist_for_each_rcu (d, hash_bucket(name->hash), hash) {
		if (READ_ONCE(d->hash_val) != name->hash)
			continue;

		u32 seq = seq_read_peek(&d->seq);

		if (READ_ONCE(d->parent) != parent || d_unhashed(d))
			continue;

		/* Name and length belong together only if nothing changed while we read both. */
		const char *text = READ_ONCE(d->name);
		u32 len = READ_ONCE(d->len);

		if (len != name->len || seq_read_retry(&d->seq, seq))
			continue;
		if (!name_equal(text, name->name, len))
			continue;
		*seqp = seq;
		return d;
	}
	return NULL;
}

/*
 * A count on `d`, and whether it still is what `seq` was read with.
 * Returns DENTRY_VALID; DENTRY_GONE (no count was taken); DENTRY_CHANGED (one was: the caller drops
 * it outside RCU).
 */
enum dentry_check dentry_get_seq(struct dentry *d, u32 seq)
{
	if (!refcount_get_unless_zero(&d->refs))
		return DENTRY_GONE;
	smp_mb();
	if (unlikely(seq_read_retry(&d->seq, seq)))
		return DENTRY_CHANGED;
	if (unlikely(!(READ_ONCE(d->flags) & DENTRY_REFERENCED)))
		atomic_or(&d->flags, DENTRY_REFERENCED);
	return DENTRY_VALID;
}

struct dentry *d_lookup(struct dentry *parent, const struct qstr *name)
{
	for (;;) {
		u32 rename = seqlock_read_begin(&rename_lock), seq;

		rcu_read_lock();
		struct dentry *d = d_lookup_rcu(parent, name, &seq);
		bool got = d && refcount_get_unless_zero(&d->refs);

		smp_mb();
		bool valid = got && !seq_read_retry(&d->seq, seq) && !d_unhashed(d);

		rcu_read_unlock();
		if (valid)
			return d;
		if (got)
			dentry_put(d);
		if (!got && !seqlock_read_retry(&rename_lock, rename))
			return NULL;
		arch_cpu_relax();
	}
}

/* Existence */

static void dentry_ctor(void *obj)
{
	struct dentry *d = obj;

	memset(d, 0, sizeof(*d));
	spin_init(&d->lock, RANK_DENTRY, "dentry");
	list_init(&d->children);
	list_init(&d->sibling);
	list_init(&d->alias);
	list_init(&d->lru);
}

static struct dentry *dentry_alloc(const char *name, u32 len)
{
	struct dentry *d = slab_alloc(dentry_cache, GFP_KERNEL);
	char *text;

	if (!d)
		return NULL;
	text = d->inline_name;
	if (len >= DENTRY_INLINE_NAME) {
		struct long_name *n = kmalloc(sizeof(*n) + len + 1, GFP_KERNEL);

		if (!n) {
			slab_free(dentry_cache, d);
			return NULL;
		}
		refcount_set(&n->refs, 1);
		text = n->text;
	}
	memcpy(text, name, len);
	text[len] = 0;
	d->name = text;
	d->len = len;
	d->flags = 0;
	d->inode = NULL;
	d->ops = NULL;
	d->fsdata = NULL;
	d->cookie = 0;
	seqcount_init(&d->seq);
	refcount_set(&d->refs, 1);
	list_init(&d->lru);
	return d;
}

static void dentry_set_ops(struct dentry *d, const struct dentry_ops *ops)
{
	d->ops = ops;
	if (ops && ops->revalidate)
		d->flags |= DENTRY_REVALIDATE;
}

struct dentry *d_alloc(struct dentry *parent, const struct qstr *name)
{
	struct dentry *d = dentry_alloc(name->name, name->len);

	if (!d)
		return NULL;
	d->hash_val = name->hash;
	d->sb = parent->sb;
	d->parent = dentry_get(parent);
	dentry_set_ops(d, parent->sb->dops);
	spin_lock(&parent->lock);
	list_push_back(&parent->children, &d->sibling);
	spin_unlock(&parent->lock);
	return d;
}

struct dentry *d_alloc_anon(struct superblock *sb, const char *name, const struct dentry_ops *ops)
{
	struct dentry *d = dentry_alloc(name, strlen(name));

	if (!d)
		return NULL;
	d->hash_val = 0;
	d->sb = sb;
	d->parent = d;
	d->flags = DENTRY_ANON;
	dentry_set_ops(d, ops);
	return d;
}

struct dentry *d_alloc_alone(struct superblock *sb)
{
	struct dentry *d = dentry_alloc("/", 1);

	if (!d)
		return NULL;
	d->hash_val = 0;
	d->sb = sb;
	d->parent = d;
	dentry_set_ops(d, sb->dops);
	return d;
}

struct dentry *d_make_root(struct superblock *sb, struct inode *root)
{
	struct dentry *d = d_alloc_alone(sb);

	if (d)
		d_instantiate(d, root);
	else
		inode_put(root);
	return d;
}

static void dentry_free_rcu(struct rcu_head *head)
{
	struct dentry *d = container_of(head, struct dentry, rcu);
	struct long_name *n = dentry_long_name(d);

	if (n && refcount_put(&n->refs))
		kfree(n);
	list_init(&d->lru);
	slab_free(dentry_cache, d);
}

/* Take the inode from a dentry.  Locks: takes inode.spin and d->lock. */
static struct inode *dentry_detach_inode(struct dentry *d)
{
	struct inode *inode = d->inode;

	if (!inode)
		return NULL;
	spin_lock(&inode->spin);
	spin_lock(&d->lock);
	seq_write_begin(&d->seq);
	WRITE_ONCE(d->inode, NULL);
	seq_write_end(&d->seq);
	list_remove(&d->alias);
	spin_unlock(&d->lock);
	spin_unlock(&inode->spin);
	return inode;
}

struct dentry *dentry_destroy(struct dentry *d)
{
	struct dentry *parent = d->parent == d ? NULL : d->parent;

	if (!d_unhashed(d))
		dentry_unhash(d);
	atomic_or(&d->flags, DENTRY_DEAD);
	dentry_lru_leave(d);

	struct inode *inode = dentry_detach_inode(d);

	if (parent) {
		spin_lock(&parent->lock);
		list_remove(&d->sibling);
		spin_unlock(&parent->lock);
	}
	if (d->ops && d->ops->release)
		d->ops->release(d);
	inode_put(inode);
	call_rcu(&d->rcu, dentry_free_rcu);
	return parent;
}

void dentry_put(struct dentry *d)
{
	while (d && unlikely(refcount_put(&d->refs)))
		d = dentry_destroy(d);
}

/* Drop a count if it is not the last. */
bool dentry_put_unless_last(struct dentry *d)
{
	u32 old = atomic_load(&d->refs.n);

	while (old > 1) {
		if (atomic_cmpxchg(&d->refs.n, &old, old - 1))
			return true;
	}
	return false;
}

/* State */

void d_instantiate(struct dentry *d, struct inode *inode)
{
	ASSERT(!d->inode);
	spin_lock(&inode->spin);
	list_push_back(&inode->aliases, &d->alias);
	spin_lock(&d->lock);
	seq_write_begin(&d->seq);
	WRITE_ONCE(d->inode, inode);
	seq_write_end(&d->seq);
	spin_unlock(&d->lock);
	spin_unlock(&inode->spin);
}

static void d_rehash(struct dentry *d)
{
	dentry_get(d); /* the tree's */
	atomic_or(&d->flags, DENTRY_HASHED);
	hash_insert(d);
}

void d_add(struct dentry *d, struct inode *inode)
{
	if (inode)
		d_instantiate(d, inode);
	d_rehash(d);
	if (!(READ_ONCE(d->flags) & DENTRY_PINNED))
		dentry_lru_add(d);
}

void d_pin(struct dentry *d)
{
	dentry_get(d);
	atomic_or(&d->flags, DENTRY_PINNED);
	dentry_lru_leave(d);
}

void d_unpin(struct dentry *d)
{
	u32 old = atomic_fetch_and(&d->flags, ~(u32)DENTRY_PINNED);

	if (old & DENTRY_PINNED)
		dentry_put(d);
}

void d_drop(struct dentry *d)
{
	spin_lock(&d->lock);
	bool was = !d_unhashed(d);

	if (was)
		dentry_unhash(d);
	spin_unlock(&d->lock);
	if (was)
		dentry_put(d);
}

/* Only the tree and the caller hold it: turn it negative, keeping the name known as absent. */
static bool d_make_negative(struct dentry *d, struct inode *inode)
{
	bool alone;

	spin_lock(&inode->spin);
	spin_lock(&d->lock);
	seq_write_begin(&d->seq);
	smp_mb();
	alone = !d_unhashed(d) && refcount_read(&d->refs) == 2;
	if (alone) {
		WRITE_ONCE(d->inode, NULL);
		list_remove(&d->alias);
	}
	seq_write_end(&d->seq);
	spin_unlock(&d->lock);
	spin_unlock(&inode->spin);
	return alone;
}

void d_delete(struct dentry *d)
{
	struct inode *inode = d->inode;

	d_unpin(d);
	if (inode && !S_ISDIR(inode->mode) && d_make_negative(d, inode)) {
		dentry_lru_add(d);
		inode_put(inode);
		return;
	}
	atomic_or(&d->flags, DENTRY_CANT_MOUNT);
	d_drop(d);
}

/* Move from one parent's list of children to another's.  Counts of the parents are the caller's. */
static void d_reparent(struct dentry *d, struct dentry *parent)
{
	struct dentry *old = d->parent;

	if (old == parent)
		return;
	spin_lock(&old->lock);
	list_remove(&d->sibling);
	spin_unlock(&old->lock);
	WRITE_ONCE(d->parent, parent);
	spin_lock(&parent->lock);
	list_push_back(&parent->children, &d->sibling);
	spin_unlock(&parent->lock);
}

static void d_swap_names(struct dentry *a, struct dentry *b)
{
	const char *a_name = a->name == a->inline_name ? NULL : a->name;
	const char *b_name = b->name == b->inline_name ? NULL : b->name;
	char text[DENTRY_INLINE_NAME];

	memcpy(text, a->inline_name, sizeof(text));
	memcpy(a->inline_name, b->inline_name, sizeof(text));
	memcpy(b->inline_name, text, sizeof(text));
	WRITE_ONCE(a->name, b_name ?: a->inline_name);
	WRITE_ONCE(b->name, a_name ?: b->inline_name);
	swap(a->len, b->len);
}

static void d_copy_name(struct dentry *d, const struct dentry *from)
{
	struct long_name *mine = dentry_long_name(d), *theirs = dentry_long_name(from);

	if (theirs) {
		refcount_get(&theirs->refs);
		WRITE_ONCE(d->name, from->name);
	} else {
		memcpy(d->inline_name, from->inline_name, DENTRY_INLINE_NAME);
		WRITE_ONCE(d->name, d->inline_name);
	}
	WRITE_ONCE(d->len, from->len);
	if (mine && refcount_put(&mine->refs))
		kfree_rcu(mine, rcu);
}

void d_move(struct dentry *d, struct dentry *target)
{
	struct dentry *old_parent = d->parent;
	bool hashed = !d_unhashed(d);

	d_unpin(target);
	d_drop(target);
	dentry_get(target->parent);
	seqlock_write_lock(&rename_lock);
	seq_write_begin(&d->seq);
	if (hashed)
		hash_remove(d);
	d_copy_name(d, target);
	WRITE_ONCE(d->hash_val, target->hash_val);
	d_reparent(d, target->parent);
	if (hashed)
		hash_insert(d);
	seq_write_end(&d->seq);
	seqlock_write_unlock(&rename_lock);
	dentry_put(old_parent);
}

void d_exchange(struct dentry *a, struct dentry *b)
{
	struct dentry *a_parent = a->parent, *b_parent = b->parent;

	seqlock_write_lock(&rename_lock);
	seq_write_begin(&a->seq);
	seq_write_begin(&b->seq);
	hash_remove(a);
	hash_remove(b);
	d_swap_names(a, b);
	swap(a->hash_val, b->hash_val);
	/* The counts on the parents change hands with them. */
	d_reparent(a, b_parent);
	d_reparent(b, a_parent);
	hash_insert(a);
	hash_insert(b);
	seq_write_end(&b->seq);
	seq_write_end(&a->seq);
	seqlock_write_unlock(&rename_lock);
}

struct dentry *d_find_alias(struct inode *inode)
{
	struct dentry *d;

	guard_spin(&inode->spin);
	list_for_each (d, &inode->aliases, alias) {
		if (!d_unhashed(d) && refcount_get_unless_zero(&d->refs))
			return d;
	}
	list_for_each (d, &inode->aliases, alias) {
		if (refcount_get_unless_zero(&d->refs))
			return d;
	}
	return NULL;
}

/* Move `old` from another directory to the place of `d`.  Locks: the superblock's rename lock. */
static int come_over(struct dentry *old, struct dentry *d)
{
	struct dentry *from = dentry_get(old->parent);
	bool locked = rwsem_read_trylock(&from->inode->lock);

	if (locked) {
		d_move(old, d);
		rwsem_read_unlock(&from->inode->lock);
	}
	dentry_put(from);
	return locked ? 0 : -ESTALE;
}

/*
 * The dentry `old` of a directory takes the place of `d`, which was found to be the same directory.
 * From another directory that is a rename, whose locks come before the one the caller has on d's
 * parent: if somebody else has them this gives up.
 */
static int take_place(struct dentry *old, struct dentry *d)
{
	bool locked;
	int err;

	if (old->parent == d->parent) {
		d_move(old, d);
		return 0;
	}
	locked = mutex_trylock(&d->sb->rename);
	/* A damaged directory names itself, or one above. */
	if (d_is_below(d->parent, old))
		err = -ELOOP;
	else
		err = locked ? come_over(old, d) : -ESTALE;
	if (locked)
		mutex_unlock(&d->sb->rename);
	return err;
}

int d_splice_alias(struct dentry *d, struct inode *inode, struct dentry **alias)
{
	struct dentry *old = inode && S_ISDIR(inode->mode) ? d_find_alias(inode) : NULL;
	int err;

	*alias = NULL;
	if (!old) {
		d_add(d, inode);
		return 0;
	}
	err = take_place(old, d);
	inode_put(inode);
	if (err) {
		dentry_put(old);
		return err;
	}
	if (d_unhashed(old))
		d_rehash(old);
	*alias = old;
	return 0;
}

int d_splice_spelling(struct dentry *d, struct inode *inode, struct dentry **alias)
{
	struct dentry *old = d_find_alias(inode);

	if (old && old->parent == d->parent && !d_unhashed(old)) {
		inode_put(inode);
		*alias = old;
		return 0;
	}
	dentry_put(old);
	return d_splice_alias(d, inode, alias);
}

/* Ancestry */

bool d_is_below(struct dentry *d, struct dentry *ancestor)
{
	u32 seq;
	bool below;

	if (d == ancestor)
		return true;
	do {
		seq = seqlock_read_begin(&rename_lock);
		below = false;
		rcu_read_lock();
		for (const struct dentry *p = d; !d_is_root(p);) {
			p = READ_ONCE(p->parent);
			if (p == ancestor) {
				below = true;
				break;
			}
		}
		rcu_read_unlock();
	} while (seqlock_read_retry(&rename_lock, seq));
	return below;
}

struct dentry *dentry_get_parent(struct dentry *d)
{
	for (;;) {
		struct dentry *parent;
		bool got;

		rcu_read_lock();
		parent = READ_ONCE(d->parent);
		got = refcount_get_unless_zero(&parent->refs);
		rcu_read_unlock();
		if (got && parent == READ_ONCE(d->parent))
			return parent;
		if (got)
			dentry_put(parent);
		arch_cpu_relax();
	}
}

/* Text */

char *dentry_path(struct dentry *d, char *buf, size_t size)
{
	u32 seq;
	char *p;

	if (size < 2)
		return NULL;
	do {
		seq = seqlock_read_begin(&rename_lock);
		p = buf + size - 1;
		*p = 0;
		rcu_read_lock();
		for (const struct dentry *at = d; p && !d_is_root(at); at = READ_ONCE(at->parent))
			p = path_prepend_name(p, buf, at);
		rcu_read_unlock();
	} while (seqlock_read_retry(&rename_lock, seq));
	if (p && !*p)
		*--p = '/';
	return p;
}

void dcache_init(void)
{
	u32 buckets = 1u << vfs_hash_bits();

	seqlock_init(&rename_lock, RANK_DENTRY_RENAME, "rename");
	dentry_lru_init();
	for (unsigned i = 0; i < DCACHE_LOCKS; i++)
		spin_init(&dentry_hash_locks[i], RANK_DENTRY_HASH, "dentry hash");
	dentry_hash = kvzalloc(buckets * sizeof(*dentry_hash), GFP_KERNEL);
	VERIFY(dentry_hash);
	dentry_hash_mask = buckets - 1;
	dentry_cache = slab_create("dentry", sizeof(struct dentry), 8,
				   SLAB_RECLAIMABLE | SLAB_ACCOUNT, dentry_ctor);
	VERIFY(dentry_cache);
}
