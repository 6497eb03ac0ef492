/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount tree: linking, copying, attaching, detaching.  What mount(2) and its like make of that
 * is in mount_ops.c.
 *
 * Every change happens under mounts_lock W; the links that path walks read change under mount_seq
 * as well. What leaves the tree is collected in a batch and released after the lock, past a grace
 * period.
 *
 * Lock order: inode lock of the mount point, mounts_lock, mount_seq.
 */
#include <fs/vfs/mount.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/mount.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "mount_internal.h"

struct mount *mount_next_in_tree(struct mount *at, struct mount *top)
{
	if (!list_empty(&at->children))
		return list_first(&at->children, struct mount, child_link);
	while (at != top) {
		struct mount *parent = at->parent;

		if (at->child_link.next != &parent->children)
			return list_next_entry(at, child_link);
		at = parent;
	}
	return NULL;
}

void ns_changed(struct mount_ns *ns)
{
	WRITE_ONCE(ns->event, ns->event + 1);
	wake_up_all(&ns->poll);
}

/* Enter one mount in the tree: a child of `parent` at `at`, which it counts. */
void mount_link(struct mount *m, struct mount *parent, struct dentry *at, struct mount_ns *ns)
{
	mount_get(parent);
	dentry_get(at);
	atomic_or(&at->flags, DENTRY_MOUNTED);
	seqlock_write_lock(&mount_seq);
	m->parent = parent;
	m->mountpoint = at;
	WRITE_ONCE(m->ns, ns);
	list_push_back(&parent->children, &m->child_link);
	mount_hash_insert(m);
	seqlock_write_unlock(&mount_seq);
}

/* Undo mount_link; the counts on parent and mount point are the caller's to drop. */
void mount_unlink(struct mount *m)
{
	seqlock_write_lock(&mount_seq);
	mount_hash_remove(m);
	list_remove(&m->child_link);
	seqlock_write_unlock(&mount_seq);
}

static void ns_enter_tree(struct mount_ns *ns, struct mount *top)
{
	struct mount *m;

	for_each_in_tree (m, top) {
		WRITE_ONCE(m->ns, ns);
		list_push_back(&ns->mounts, &m->ns_link);
		ns->count++;
	}
}

/* Copying */

static int mount_copy_one(struct mount *from, struct dentry *root, unsigned flags,
			  struct mount **out)
{
	struct mount *m;
	int err;

	if (!refcount_get_unless_zero(&from->sb->active))
		return -EINVAL;
	m = mount_alloc(from->sb, root, from->source);
	if (!m) {
		super_put_active(from->sb);
		return -ENOMEM;
	}
	m->flags = from->flags & (MNT_USER_FLAGS | MNT_LOCKED);
	if ((from->flags & MNT_UNBINDABLE) && (flags & COPY_UNBINDABLE))
		m->flags |= MNT_UNBINDABLE;
	err = mount_join_copy(m, from, flags);
	if (err) {
		mount_put(m);
		return err;
	}
	*out = m;
	return 0;
}

void mount_discard_tree(struct mount *top)
{
	struct list gone = LIST_INIT(gone);

	mount_detach_tree(top, false, &gone);
	rwsem_write_unlock(&mounts_lock);
	mount_batch_put(&gone);
	rwsem_write_lock(&mounts_lock);
}

/* May a copy hold `m`, which shows `root`? */
static bool may_copy(const struct mount *m, const struct dentry *root, unsigned flags)
{
	if ((m->flags & MNT_UNBINDABLE) && !(flags & COPY_UNBINDABLE))
		return false;
	return (flags & COPY_NS_FILES) || !mount_is_ns_file(root);
}

int mount_copy_tree(struct mount *top, struct dentry *root, unsigned flags, struct mount **out)
{
	struct mount *from = top, *copy, *copy_top, *at;
	int err;

	if (!may_copy(top, root, flags))
		return -EINVAL;
	err = mount_copy_one(top, root, flags, &copy_top);
	if (err)
		return err;
	at = copy_top;
	while (!(flags & COPY_SINGLE)) {
		struct mount *next = mount_next_in_tree(from, top);
		bool skip;

		/* Step over what is outside `root` or may not be bound, with all below it. */
		while (next) {
			skip = (next->parent == top && !d_is_below(next->mountpoint, root)) ||
			       !may_copy(next, next->root, flags);
			if (!skip)
				break;
			struct mount *last = next, *m;

			for_each_in_tree (m, next)
				last = m;
			next = mount_next_in_tree(last, top);
		}
		if (!next)
			break;
		/* `at` is the copy of `from`; climb to the copy of next's parent. */
		while (from != next->parent) {
			from = from->parent;
			at = at->parent;
		}
		err = mount_copy_one(next, next->root, flags, &copy);
		if (err) {
			mount_discard_tree(copy_top);
			return err;
		}
		mount_link(copy, at, next->mountpoint, NULL);
		from = next;
		at = copy;
	}
	*out = copy_top;
	return 0;
}

/* Attaching */

/* Something mounted right at `at` of `parent` before comes to lie on top of the tree that slips in
 * under it. */
static void mount_tuck(struct mount *above, struct mount *top)
{
	struct mount *old_parent = above->parent;
	struct dentry *old_at = above->mountpoint;

	mount_unlink(above);
	mount_link(above, top, top->root, above->ns);
	dentry_put(old_at);
	mount_put(old_parent);
}

static void mount_commit(struct mount *top, struct mount *parent, struct dentry *at)
{
	struct mount *above = mount_lookup_rcu(parent, at);

	mount_link(top, parent, at, parent->ns);
	ns_enter_tree(parent->ns, top);
	if (above && above != top)
		mount_tuck(above, top);
	ns_changed(parent->ns);
}

/* Make the replicas that `top`'s arrival at (parent, at) asks for.  On failure none remain. */
static int mount_replicate(struct mount *top, struct mount *parent, struct dentry *at,
			   struct list *pending)
{
	int err = mount_propagate(top, parent, at, pending);

	while (err && !list_empty(pending)) {
		struct mount *m = list_first(pending, struct mount, batch);

		list_remove(&m->batch);
		m->parent = m;
		m->mountpoint = m->root;
		mount_discard_tree(m);
	}
	return err;
}

static void mount_commit_pending(struct list *pending)
{
	while (!list_empty(pending)) {
		struct mount *m = list_first(pending, struct mount, batch);
		struct mount *to = m->parent;
		struct dentry *at = m->mountpoint;

		list_remove(&m->batch);
		mount_commit(m, to, at);
	}
}

int mount_attach_tree(struct mount *top, struct mount *parent, struct dentry *at)
{
	struct list pending = LIST_INIT(pending);
	int err = mount_replicate(top, parent, at, &pending);

	if (err)
		return err;
	mount_commit(top, parent, at);
	mount_commit_pending(&pending);
	return 0;
}

int mount_move_tree(struct mount *top, struct mount *parent, struct dentry *at)
{
	struct mount *old_parent = top->parent;
	struct dentry *old_at = top->mountpoint;
	struct list pending = LIST_INIT(pending);
	struct mount *above;
	int err = mount_replicate(top, parent, at, &pending);

	if (err)
		return err;
	mount_unlink(top);
	above = mount_lookup_rcu(parent, at);
	mount_link(top, parent, at, parent->ns);
	if (above)
		mount_tuck(above, top);
	mount_commit_pending(&pending);
	dentry_put(old_at);
	mount_put(old_parent);
	ns_changed(parent->ns);
	return 0;
}

/* Detaching */

void mount_detach_tree(struct mount *top, bool propagate, struct list *gone)
{
	struct list set = LIST_INIT(set);
	struct mount *m;

	for_each_in_tree (m, top)
		list_push_back(&set, &m->batch);
	if (propagate)
		mount_propagate_detach(&set);
	list_for_each (m, &set, batch) {
		if (m->ns) {
			struct mount_ns *ns = m->ns;

			list_remove(&m->ns_link);
			ns->count--;
			ns_changed(ns);
		}
		seqlock_write_lock(&mount_seq);
		mount_hash_remove(m);
		list_remove(&m->child_link);
		WRITE_ONCE(m->ns, NULL);
		atomic_or(&m->flags, MNT_DETACHED);
		seqlock_write_unlock(&mount_seq);
		mount_make_private(m);
	}
	list_splice_back(gone, &set);
}

void mount_batch_put(struct list *gone)
{
	if (list_empty(gone))
		return;
	synchronize_rcu();
	while (!list_empty(gone)) {
		struct mount *m = list_first(gone, struct mount, batch);
		struct mount *parent = m->parent;
		struct dentry *at = m->mountpoint;

		list_remove(&m->batch);
		if (parent != m) {
			m->parent = m;
			m->mountpoint = m->root;
			dentry_put(at);
			mount_put(parent);
		}
		mount_put(m);
	}
}

/* Where to mount */

/* Lock the top of what is mounted at `path`: its directory inode W and mounts_lock W.  path->mnt,
 * dentry follow upwards. */
int mountpoint_lock(struct path *path)
{
	for (;;) {
		struct dentry *d = path->dentry;
		struct mount *m;

		rwsem_write_lock(&d->inode->lock);
		if (READ_ONCE(d->flags) & DENTRY_CANT_MOUNT) {
			rwsem_write_unlock(&d->inode->lock);
			return -ENOENT;
		}
		rwsem_write_lock(&mounts_lock);
		m = mount_lookup(path);
		if (!m)
			return 0;
		rwsem_write_unlock(&mounts_lock);
		rwsem_write_unlock(&d->inode->lock);
		path_put(path);
		path->mnt = m;
		path->dentry = dentry_get(m->root);
	}
}

static struct dentry *mountpoint_of(struct mount *m)
{
	guard_read(&mounts_lock);
	return dentry_get(m->mountpoint);
}

int mountpoint_lock_beneath(struct path *path, struct dentry **out)
{
	for (;;) {
		struct mount *m = path->mnt, *above = NULL;
		struct dentry *d = mountpoint_of(m);
		bool stays;

		rwsem_write_lock(&d->inode->lock);
		rwsem_write_lock(&mounts_lock);
		stays = !(READ_ONCE(d->flags) & DENTRY_CANT_MOUNT) && m->mountpoint == d &&
			!(m->flags & MNT_DETACHED);
		if (stays)
			above = mount_lookup(path);
		*out = d;
		if (stays && !above)
			return 0;
		mountpoint_unlock_beneath(d);
		if (!stays)
			return -ENOENT;
		path_put(path);
		path->mnt = above;
		path->dentry = dentry_get(above->root);
	}
}

void mountpoint_unlock_beneath(struct dentry *at)
{
	rwsem_write_unlock(&mounts_lock);
	rwsem_write_unlock(&at->inode->lock);
	dentry_put(at);
}

void mountpoint_unlock(const struct path *path)
{
	rwsem_write_unlock(&mounts_lock);
	rwsem_write_unlock(&path->dentry->inode->lock);
}

void mount_detach_dentry(struct dentry *d)
{
	struct list gone = LIST_INIT(gone);
	struct mount *m;

	rwsem_write_lock(&mounts_lock);
	while ((m = mount_find_at(d)) != NULL)
		mount_detach_tree(m, false, &gone);
	rwsem_write_unlock(&mounts_lock);
	mount_batch_put(&gone);
}
