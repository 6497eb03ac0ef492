/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One mount: memory, counts, finding what is mounted where.
 *
 * Users are counted in a cell per CPU, so that path walks on many CPUs do not share a line.  While
 * a mount is in a tree nobody needs the sum.  Who takes it out of the tree clears `ns`, waits for a
 * grace period, and drops the tree's own count; from then on every put sums the cells under
 * mount_seq's lock, and the one who finds zero frees the mount.
 *
 *	walker (RCU)			umount
 *	cell++				mount_seq odd, ns = NULL
 *	full barrier			...
 *	mount_seq changed?  drop	sum of cells (plain umount: > expected?  busy)
 *
 * Lock order: mounts_lock, mount_seq.
 */
#include <fs/vfs/mount.h>
#include <fs/vfs/super.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/string.h>
#include <kernel/smp/cpu.h>
#include <mm/alloc.h>

#include "mount_internal.h"

#define MOUNT_HASH_BITS 10

struct rwsem mounts_lock;
struct seqlock mount_seq;

static struct hlist_head mount_hash[1 << MOUNT_HASH_BITS]; /* [mounts_lock and mount_seq, R] */
static struct slab_cache *mount_cache;
static u32 mount_last_id; /* [a] */

static struct hlist_head *mount_bucket(const struct mount *parent, const struct dentry *at)
{
	return &mount_hash[hash64((u64)(vaddr_t)parent ^ (u64)(vaddr_t)at << 7, MOUNT_HASH_BITS)];
}

static struct mount_cell *mount_cell(const struct mount *m)
{
	return &m->cells[cpu_id()];
}

struct mount *mount_alloc(struct superblock *sb, struct dentry *root, const char *source)
{
	struct mount *m = slab_alloc(mount_cache, GFP_KERNEL);

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m));
	m->cells = kcalloc(nr_cpus, sizeof(*m->cells), GFP_KERNEL);
	m->source = kstrdup(source ?: "none", GFP_KERNEL);
	if (!m->cells || !m->source) {
		kfree(m->cells);
		kfree(m->source);
		slab_free(mount_cache, m);
		return NULL;
	}
	m->id = atomic_add_return(&mount_last_id, 1);
	m->unique_id = (1ull << 32) + m->id;
	m->sb = sb;
	m->root = dentry_get(root);
	m->parent = m;
	m->mountpoint = m->root;
	m->cells[0].users = 1;
	list_init(&m->children);
	list_init(&m->child_link);
	list_init(&m->ns_link);
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave_link);
	list_init(&m->batch);
	return m;
}

/* Counts */

static s32 mount_sum(const struct mount *m, bool writers)
{
	s32 sum = 0;

	for (unsigned i = 0; i < nr_cpus; i++)
		sum += atomic_load(writers ? &m->cells[i].writers : &m->cells[i].users);
	return sum;
}

s32 mount_users(const struct mount *m)
{
	return mount_sum(m, false);
}

struct mount *mount_get(struct mount *m)
{
	atomic_inc(&mount_cell(m)->users);
	return m;
}

static void mount_free_rcu(struct rcu_head *head)
{
	struct mount *m = container_of(head, struct mount, rcu);

	kfree(m->cells);
	kfree(m->source);
	slab_free(mount_cache, m);
}

static void mount_destroy(struct mount *m)
{
	struct superblock *sb = m->sb;

	dentry_put(m->root);
	call_rcu(&m->rcu, mount_free_rcu);
	super_put_active(sb);
}

void mount_put(struct mount *m)
{
	bool last;

	rcu_read_lock();
	if (likely(READ_ONCE(m->ns)) || (READ_ONCE(m->flags) & MNT_INTERNAL)) {
		/* In a tree: the tree's own count keeps it from being the last. */
		atomic_dec(&mount_cell(m)->users);
		rcu_read_unlock();
		return;
	}
	rcu_read_unlock();

	seqlock_write_lock(&mount_seq);
	smp_mb();
	atomic_dec(&mount_cell(m)->users);
	last = !mount_sum(m, false) && !(m->flags & MNT_DOOMED);
	if (last)
		atomic_or(&m->flags, MNT_DOOMED);
	seqlock_write_unlock(&mount_seq);
	if (!last)
		return;

	mount_destroy(m);
}

bool mount_get_seq(struct mount **mp, u32 seq)
{
	struct mount *m = *mp;

	if (unlikely(seqlock_read_retry(&mount_seq, seq))) {
		*mp = NULL;
		return false;
	}
	atomic_inc(&mount_cell(m)->users);
	smp_mb();
	if (likely(!seqlock_read_retry(&mount_seq, seq)))
		return true;
	if (READ_ONCE(m->flags) & MNT_DOOMED) {
		/* Its last user is freeing it and no longer looks at the count. */
		atomic_dec(&mount_cell(m)->users);
		*mp = NULL;
	}
	return false;
}

void path_get(const struct path *p)
{
	mount_get(p->mnt);
	dentry_get(p->dentry);
}

void path_put(const struct path *p)
{
	dentry_put(p->dentry);
	mount_put(p->mnt);
}

/* Writers */

int mount_want_write(struct mount *m)
{
	int err = 0;

	preempt_disable();
	atomic_inc(&mount_cell(m)->writers);
	smp_mb();
	while (unlikely(atomic_load(&m->flags) & MNT_WRITE_HOLD))
		arch_cpu_relax();
	if (unlikely((atomic_load(&m->flags) & MNT_READONLY) ||
		     (READ_ONCE(m->sb->flags) & SB_RDONLY))) {
		atomic_dec(&mount_cell(m)->writers);
		err = -EROFS;
	}
	preempt_enable();
	return err;
}

void mount_drop_write(struct mount *m)
{
	atomic_dec(&mount_cell(m)->writers);
}

/* Forbid new writers; -EBUSY when there are some.  Locks: mounts_lock W and mount_seq. */
int mount_make_readonly(struct mount *m)
{
	int err = 0;

	atomic_or(&m->flags, MNT_WRITE_HOLD);
	smp_mb();
	if (mount_sum(m, true) > 0)
		err = -EBUSY;
	else
		atomic_or(&m->flags, MNT_READONLY);
	smp_mb();
	atomic_and(&m->flags, ~(u32)MNT_WRITE_HOLD);
	return err;
}

/* The hash */

void mount_hash_insert(struct mount *m)
{
	hlist_push_rcu(mount_bucket(m->parent, m->mountpoint), &m->hash);
}

void mount_hash_remove(struct mount *m)
{
	if (hlist_hashed(&m->hash))
		hlist_remove_rcu(&m->hash);
}

struct mount *mount_lookup_rcu(const struct mount *parent, const struct dentry *at)
{
	struct mount *m;

	hlist_for_each_rcu (m, mount_bucket(parent, at), hash) {
		if (READ_ONCE(m->parent) == parent && READ_ONCE(m->mountpoint) == at)
			return m;
	}
	return NULL;
}

/* Any mount that lies on `d`, in whatever namespace.  Locks: mounts_lock. */
struct mount *mount_find_at(const struct dentry *d)
{
	struct mount *m;

	for (unsigned i = 0; i < ARRAY_SIZE(mount_hash); i++) {
		hlist_for_each (m, &mount_hash[i], hash) {
			if (m->mountpoint == d)
				return m;
		}
	}
	return NULL;
}

struct mount *mount_lookup(const struct path *path)
{
	for (;;) {
		u32 seq = seqlock_read_begin(&mount_seq);
		struct mount *m;
		bool got;

		rcu_read_lock();
		m = mount_lookup_rcu(path->mnt, path->dentry);
		if (!m) {
			bool changed = seqlock_read_retry(&mount_seq, seq);

			rcu_read_unlock();
			if (!changed)
				return NULL;
			continue;
		}
		got = mount_get_seq(&m, seq);
		rcu_read_unlock();
		if (got)
			return m;
		if (m)
			mount_put(m);
	}
}

int mount_internal(struct superblock *sb, struct mount **out)
{
	struct mount *m = mount_alloc(sb, sb->root, sb->type->name);

	if (!m)
		return -ENOMEM;
	m->flags = MNT_INTERNAL;
	*out = m;
	return 0;
}

void mount_put_internal(struct mount *m)
{
	atomic_and(&m->flags, ~(u32)MNT_INTERNAL);
	mount_put(m);
}

void mount_init_caches(void)
{
	rwsem_init(&mounts_lock, RANK_MOUNT, "mounts");
	seqlock_init(&mount_seq, RANK_MOUNT_HASH, "mount hash");
	mount_cache = slab_create("mount", sizeof(struct mount), 8, 0, NULL);
	VERIFY(mount_cache);
}
