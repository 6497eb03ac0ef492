/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes: making, finding by number, evicting.
 *
 * An inode lives as long as someone counts it: dentries, files.  The last put evicts it at once;
 * names that stay in the dentry cache are what keeps inodes cached.  File systems that find inodes
 * by number use the hash: an inode whose count is zero is not resurrected, the finder waits until
 * it is gone and makes it anew.
 *
 * Lock order: inode.lock, inode.spin, superblock.inodes_lock, bucket lock.
 */
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/hash_size.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/posix_acl.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/waitqueue.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/page.h>
#include <security/cred.h>

#include <fs/vfs/core.h>

#define INODE_WAIT_BITS	 6

struct inode_bucket {
	struct spinlock lock;
	struct hlist_head chain; /* [lock] */
};

static struct inode_bucket *inode_hash; /* [I] */
static unsigned inode_hash_bits;	/* [I] */
static struct wait_queue inode_waits[1 << INODE_WAIT_BITS]; /* for I_NEW and I_FREEING to pass */
static struct slab_cache *inode_cache;

static struct inode_bucket *inode_bucket(const struct superblock *sb, u64 ino)
{
	return &inode_hash[hash64(ino ^ (u64)(vaddr_t)sb, inode_hash_bits)];
}

static struct wait_queue *inode_wait(const struct superblock *sb, u64 ino)
{
	return &inode_waits[hash64(ino ^ (u64)(vaddr_t)sb, INODE_WAIT_BITS)];
}

static loff_t inode_mapping_size(const struct mapping *m)
{
	return READ_ONCE(((struct inode *)m->host)->size);
}

static const struct mapping_ops no_mapping_ops;
static const struct inode_ops no_inode_ops;

/* Files that only their own call makes (sockets, event files): not to be opened through
 * /proc/PID/fd. */
static int no_open(struct inode *inode, struct file *f)
{
	return -ENXIO;
}

static const struct file_ops no_file_ops = { .open = no_open };

/* Files of an overlay are locked before the real ones. */
static const enum lock_rank stacked_ranks[] = {RANK_INODE, RANK_STACKED_INODE, RANK_STACKED2_INODE};

/* Fields every inode begins with.  The memory may hold anything. */
static void inode_prepare(struct inode *inode, struct superblock *sb)
{
	s64 now;

	memset(inode, 0, offsetof(struct inode, data));
	inode->sb = sb;
	inode->ops = &no_inode_ops;
	inode->fops = &no_file_ops;
	inode->nlink = 1;
	inode->blkbits = sb->blkbits;
	refcount_set(&inode->refs, 1);
	rwsem_init(&inode->lock, stacked_ranks[min(sb->stack_depth, 2u)], "inode");
	spin_init(&inode->spin, RANK_INODE_SPIN, "inode.spin");
	list_init(&inode->aliases);
	list_init(&inode->sb_link);
	list_init(&inode->dirty_link);
	mapping_init(&inode->data, &no_mapping_ops, inode, inode_mapping_size);
	inode->data.owner_error_seq = &sb->wb_err;
	inode->data.readahead = sb->readahead;
	inode->mapping = &inode->data;
	now = inode_now(inode);
	inode->atime = inode->mtime = inode->ctime = inode->btime = now;
}

struct inode *inode_create(struct superblock *sb)
{
	struct inode *inode;

	if (sb->ops && sb->ops->alloc_inode)
		inode = sb->ops->alloc_inode(sb);
	else
		inode = slab_alloc(inode_cache, GFP_KERNEL);
	if (!inode)
		return NULL;
	inode_prepare(inode, sb);
	spin_lock(&sb->inodes_lock);
	list_push_back(&sb->inodes, &inode->sb_link);
	spin_unlock(&sb->inodes_lock);
	return inode;
}

static void inode_free_rcu(struct rcu_head *head)
{
	struct inode *inode = container_of(head, struct inode, rcu);

	if (inode->sb->ops && inode->sb->ops->free_inode)
		inode->sb->ops->free_inode(inode);
	else
		slab_free(inode_cache, inode);
}

void inode_unhash(struct inode *inode)
{
	if (!(inode->state & I_HASHED))
		return;
	struct inode_bucket *b = inode_bucket(inode->sb, inode->key);

	spin_lock(&b->lock);
	hlist_remove(&inode->hash);
	inode->state &= ~(u32)I_HASHED;
	spin_unlock(&b->lock);
	wake_up_all(inode_wait(inode->sb, inode->key));
}

/* Nobody counts the inode: write back what must survive, release all. */
static void inode_evict(struct inode *inode)
{
	struct superblock *sb = inode->sb;

	if (sb->ops && sb->ops->write_inode)
		inode_writeback_evict(inode);
	/* Its number may be given out again before eviction is over. */
	if (!inode->nlink)
		inode_unhash(inode);
	with_spin(&sb->inodes_lock)
		list_remove(&inode->sb_link);
	if (READ_ONCE(inode->notify_marks))
		fsnotify_inode_gone(inode);
	if (sb->ops && sb->ops->evict)
		sb->ops->evict(inode);
	mapping_fini(&inode->data);
	inode_acl_release(inode);
	locks_free_context(inode);
	inode_unhash(inode);
	call_rcu(&inode->rcu, inode_free_rcu);
}

void inode_put(struct inode *inode)
{
	if (inode && refcount_put(&inode->refs))
		inode_evict(inode);
}

/* By number */

static struct inode *bucket_find(struct inode_bucket *b, const struct superblock *sb, u64 key)
{
	struct inode *i;

	hlist_for_each (i, &b->chain, hash) {
		if (i->key == key && i->sb == sb)
			return i;
	}
	return NULL;
}

/* Is nothing in the hash under that number, or something that can be counted? */
static bool bucket_settled(struct inode_bucket *b, const struct superblock *sb, u64 ino)
{
	guard_spin(&b->lock);

	struct inode *i = bucket_find(b, sb, ino);

	return !i || refcount_read(&i->refs);
}

static int inode_wait_new(struct inode *inode)
{
	wait_event(inode_wait(inode->sb, inode->key),
		   !(atomic_load_acquire(&inode->state) & I_NEW));
	if (READ_ONCE(inode->state) & I_BAD) {
		inode_put(inode);
		return -EIO;
	}
	return 0;
}

/* The inode with a count; NULL: none.  *dying: there is one, without counts. */
static struct inode *inode_find(struct superblock *sb, u64 ino, bool *dying)
{
	struct inode_bucket *b = inode_bucket(sb, ino);
	struct inode *i;

	*dying = false;
	guard_spin(&b->lock);
	i = bucket_find(b, sb, ino);
	if (i && !refcount_get_unless_zero(&i->refs)) {
		*dying = true;
		i = NULL;
	}
	return i;
}

static bool inode_hash_add(struct inode *inode)
{
	struct inode_bucket *b = inode_bucket(inode->sb, inode->key);

	guard_spin(&b->lock);
	if (bucket_find(b, inode->sb, inode->key))
		return false;
	inode->state |= I_HASHED;
	hlist_push(&b->chain, &inode->hash);
	return true;
}

int inode_iget(struct superblock *sb, u64 ino, struct inode **out)
{
	struct inode_bucket *b = inode_bucket(sb, ino);
	struct inode *fresh = NULL;
	bool dying;

	for (;;) {
		struct inode *i = inode_find(sb, ino, &dying);

		if (i) {
			inode_put(fresh);
			int err = inode_wait_new(i);

			*out = i;
			return err;
		}
		if (dying) {
			wait_event(inode_wait(sb, ino), bucket_settled(b, sb, ino));
			continue;
		}
		if (!fresh) {
			fresh = inode_create(sb);
			if (!fresh)
				return -ENOMEM;
			fresh->key = fresh->ino = ino;
			fresh->nlink = 0; /* nothing to write back should another be first */
		}
		fresh->state = I_NEW;
		if (inode_hash_add(fresh)) {
			fresh->nlink = 1;
			*out = fresh;
			return 0;
		}
		fresh->state = 0;
	}
}

struct inode *inode_lookup(struct superblock *sb, u64 ino)
{
	bool dying;
	struct inode *i = inode_find(sb, ino, &dying);

	return i && !inode_wait_new(i) ? i : NULL;
}

struct inode *inode_search(struct superblock *sb, bool (*match)(const struct inode *, u64),
			   u64 arg)
{
	struct inode *i;

	guard_spin(&sb->inodes_lock);
	list_for_each (i, &sb->inodes, sb_link) {
		if (match(i, arg) && refcount_get_unless_zero(&i->refs))
			return i;
	}
	return NULL;
}

int inode_insert(struct inode *inode)
{
	inode->key = inode->ino;
	while (!inode_hash_add(inode)) {
		bool dying;
		struct inode *other = inode_find(inode->sb, inode->key, &dying);

		if (dying)
			return -EEXIST;
		/* Somebody may be reading an inode of that number, only to find that there is
		 * none. */
		if (other && !inode_wait_new(other)) {
			inode_put(other);
			return -EEXIST;
		}
	}
	return 0;
}

void inode_hash_live(struct inode *inode)
{
	if (READ_ONCE(inode->state) & I_HASHED)
		return;
	guard_spin(&inode->spin);
	if (!(inode->state & I_HASHED)) {
		inode->key = inode->ino;
		(void)inode_hash_add(inode);
	}
}

void inode_rekey(struct inode *inode, u64 key)
{
	inode_unhash(inode);
	if (!key)
		return;
	inode->key = key;
	(void)inode_hash_add(inode);
}

void inode_unlock_new(struct inode *inode)
{
	spin_lock(&inode->spin);
	atomic_store_release(&inode->state, inode->state & ~(u32)I_NEW);
	spin_unlock(&inode->spin);
	wake_up_all(inode_wait(inode->sb, inode->key));
}

void inode_iget_failed(struct inode *inode)
{
	inode->nlink = 0;
	inode->state |= I_BAD;
	inode_unhash(inode);
	inode_unlock_new(inode);
	inode_put(inode);
}

/* New inodes */

void inode_init_owner(struct inode *inode, const struct inode *dir, umode_t mode)
{
	const struct cred *cred = cred_current();

	inode->uid = cred->fsuid;
	inode->gid = cred->fsgid;
	if (dir && (dir->mode & S_ISGID)) {
		inode->gid = dir->gid;
		if (S_ISDIR(mode))
			mode |= S_ISGID;
		else if ((mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
			 !cred_in_group(cred, dir->gid) && !capable(CAP_FSETID))
			mode &= ~(umode_t)S_ISGID;
	}
	inode->mode = mode;
}

s64 inode_now(const struct inode *inode)
{
	s64 now = clock_real_ns();
	u32 gran = inode->sb->time_gran;

	if (gran > 1)
		now -= now % gran;
	return now;
}

void inode_touch(struct inode *inode, unsigned which)
{
	s64 now = inode_now(inode);

	if (unlikely(inode->ops->update_time)) {
		(void)inode->ops->update_time(inode, now, which);
		return;
	}
	if (which & ATTR_ATIME)
		WRITE_ONCE(inode->atime, now);
	if (which & ATTR_MTIME)
		WRITE_ONCE(inode->mtime, now);
	if (which & ATTR_CTIME) {
		WRITE_ONCE(inode->ctime, now);
		WRITE_ONCE(inode->version, inode->version + 1);
	}
	inode_mark_dirty(inode, inode->sb->flags & SB_LAZYTIME ? I_DIRTY_TIME : I_DIRTY_SYNC);
}

/* Writers against those who forbid them */

static int write_count_step(struct inode *inode, s32 step)
{
	s32 old = atomic_load(&inode->write_count);

	do {
		if (step > 0 ? old < 0 : old > 0)
			return -ETXTBSY;
	} while (!atomic_cmpxchg(&inode->write_count, &old, old + step));
	return 0;
}

int inode_get_write(struct inode *inode)
{
	return write_count_step(inode, 1);
}

void inode_put_write(struct inode *inode)
{
	atomic_dec(&inode->write_count);
}

int inode_deny_write(struct inode *inode)
{
	return write_count_step(inode, -1);
}

void inode_allow_write(struct inode *inode)
{
	atomic_inc(&inode->write_count);
}

void inode_lock_two(struct inode *a, struct inode *b)
{
	if (a > b)
		swap(a, b);
	if (a && a != b)
		rwsem_write_lock(&a->lock);
	if (b)
		rwsem_write_lock_nested(&b->lock, a && a != b);
}

void inode_unlock_two(struct inode *a, struct inode *b)
{
	if (a)
		rwsem_write_unlock(&a->lock);
	if (b && a != b)
		rwsem_write_unlock(&b->lock);
}

void inode_init_caches(void)
{
	inode_cache = slab_create("inode", sizeof(struct inode), 8, SLAB_RECLAIMABLE | SLAB_ACCOUNT,
				  NULL);
	inode_hash_bits = vfs_hash_bits();
	inode_hash = kvzalloc(sizeof(*inode_hash) << inode_hash_bits, GFP_KERNEL);
	VERIFY(inode_cache && inode_hash);
	for (unsigned i = 0; i < 1u << inode_hash_bits; i++)
		spin_init(&inode_hash[i].lock, RANK_INODE_HASH, "inode hash");
	for (unsigned i = 0; i < ARRAY_SIZE(inode_waits); i++)
		wait_queue_init(&inode_waits[i]);
}
