/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trees of mounts that stand in no namespace, held by a file: what fsmount(2) and open_tree(2) make
 * and move_mount(2) puts in place; and mount_setattr(2).
 *
 * Such a tree's mounts have no `ns`; its top is its own parent and not marked MNT_DETACHED.  The
 * file is an O_PATH file with FMODE_NEED_UNMOUNT: when it goes and the tree was not attached
 * meanwhile, the tree is taken apart.
 */
#include <fs/vfs/mount.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/bits.h>
#include <security/cred.h>

#include "mount_internal.h"

static bool mount_is_detached_top(const struct mount *m)
{
	return !m->ns && m->parent == m && !(m->flags & (MNT_DETACHED | MNT_INTERNAL));
}

int mount_detached_file(struct mount *top, struct file **out)
{
	struct path path = { top, top->root };
	int err = file_open(&path, O_PATH, cred_current(), out);

	if (err)
		mount_dissolve(top);
	else
		(*out)->mode |= FMODE_NEED_UNMOUNT;
	return err;
}

void mount_dissolve(struct mount *top)
{
	struct list gone = LIST_INIT(gone);

	rwsem_write_lock(&mounts_lock);
	if (mount_is_detached_top(top))
		mount_detach_tree(top, false, &gone);
	rwsem_write_unlock(&mounts_lock);
	mount_batch_put(&gone);
}

int mount_clone_tree(const struct path *path, bool recursive, struct mount **out)
{
	guard_write(&mounts_lock);
	return mount_copy_shown(path, recursive, out);
}

/* move_mount(2): a tree nobody sees yet. */
static int attach_allowed(const struct path *from, const struct path *to,
			  const struct mount *parent)
{
	if (!mount_is_ours(to->mnt) || from->dentry != from->mnt->root)
		return -EINVAL;
	if (S_ISDIR(from->dentry->inode->mode) != S_ISDIR(to->dentry->inode->mode))
		return -EINVAL;
	if ((parent->flags & MNT_SHARED) && mount_tree_has_unbindable(from->mnt))
		return -EINVAL;
	return mount_tree_would_loop(from->mnt) ? -ELOOP : 0;
}

/* As child of `parent`, at `at`; `to` is the mount there, or where that is. */
static int move_to(struct path *from, const struct path *to, struct mount *parent,
		   struct dentry *at)
{
	int err;

	if (mount_is_detached_top(from->mnt)) {
		err = attach_allowed(from, to, parent);
		return err ?: mount_attach_tree(from->mnt, parent, at);
	}
	err = mount_move_allowed(from, to, parent);
	return err ?: mount_move_tree(from->mnt, parent, at);
}

int mount_move_path(struct path *from, struct path *to)
{
	int err = mountpoint_lock(to);

	if (err)
		return err;
	err = move_to(from, to, to->mnt, to->dentry);
	mountpoint_unlock(to);
	return err;
}

/*
 * May `from` slip in between `to` and what that is mounted on?  Not where a copy of it would by
 * propagation come to lie on one of the two, so that they would cover each other.
 */
static int beneath_allowed(const struct path *from, const struct path *to, const struct dentry *at)
{
	struct mount *m = to->mnt, *parent = m->parent;
	struct path root;
	bool is_root;

	if (parent == m || to->dentry != m->root || (m->flags & MNT_LOCKED))
		return -EINVAL;
	if (mount_lookup_rcu(from->mnt, from->dentry) || mount_is_below(from->mnt, m))
		return -EINVAL;
	fs_get_root(fs_current(), &root);
	is_root = root.mnt == m;
	path_put(&root);
	if (is_root || (m->ns && parent == m->ns->root))
		return -EINVAL;
	if (mount_would_overmount(parent, m, at))
		return -EINVAL;
	return mount_is_ours(from->mnt) && mount_would_overmount(parent, from->mnt, at) ? -EINVAL
											 : 0;
}

int mount_move_beneath(struct path *from, struct path *to)
{
	struct dentry *at;
	int err = mountpoint_lock_beneath(to, &at);

	if (err)
		return err;
	err = mount_is_ours(to->mnt) ? beneath_allowed(from, to, at) : -EINVAL;
	err = err ?: move_to(from, to, to->mnt->parent, at);
	mountpoint_unlock_beneath(at);
	return err;
}

int mount_set_group(const struct path *from_path, const struct path *to_path)
{
	struct mount *from = from_path->mnt, *to = to_path->mnt;

	guard_write(&mounts_lock);
	if (!mount_is_ours(from) || !mount_is_ours(to))
		return -EINVAL;
	if (from_path->dentry != from->root || to_path->dentry != to->root)
		return -EINVAL;
	if (!(from->flags & MNT_SHARED) && !from->master)
		return -EINVAL;
	if ((to->flags & MNT_SHARED) || to->master || from->sb != to->sb ||
	    !d_is_below(to->root, from->root) || mount_has_locked_children(from, to->root))
		return -EINVAL;
	return mount_join_copy(to, from, 0);
}

/*
 * mount_setattr(2).  First every mount that becomes read-only refuses new writers; only when all
 * could, the flags change, so that a busy one leaves all as they were.
 */

static const struct {
	u32 flag, attr;
} attr_map[] = {
	{ MNT_READONLY, MOUNT_ATTR_RDONLY },	   { MNT_NOSUID, MOUNT_ATTR_NOSUID },
	{ MNT_NODEV, MOUNT_ATTR_NODEV },	   { MNT_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MNT_NODIRATIME, MOUNT_ATTR_NODIRATIME }, { MNT_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

u32 mount_flags_of_attr(u64 attr)
{
	u32 flags = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(attr_map); i++)
		flags |= attr & attr_map[i].attr ? attr_map[i].flag : 0;
	return flags;
}

u64 mount_attr_of_flags(u32 flags)
{
	u64 attr = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(attr_map); i++)
		attr |= flags & attr_map[i].flag ? attr_map[i].attr : 0;
	return attr;
}

static u32 attr_flags(const struct mount_change *c, const struct mount *m)
{
	return (m->flags & MNT_USER_FLAGS & ~c->clear) | c->set;
}

static struct mount *next_of(struct mount *m, struct mount *top, bool recursive)
{
	return recursive ? mount_next_in_tree(m, top) : NULL;
}

/* On failure *stop is the first mount that was not asked. */
static int hold_writers(struct mount *top, const struct mount_change *c, struct mount **stop)
{
	int err = 0;

	for (struct mount *m = top; m; m = next_of(m, top, c->recursive)) {
		*stop = m;
		if (!(attr_flags(c, m) & MNT_READONLY) || (m->flags & MNT_READONLY))
			continue;
		seqlock_write_lock(&mount_seq);
		err = mount_make_readonly(m);
		if (!err)
			m->mark = c->mark;
		seqlock_write_unlock(&mount_seq);
		if (err)
			return err;
	}
	*stop = NULL;
	return 0;
}

static void release_writers(struct mount *top, const struct mount_change *c, struct mount *stop)
{
	for (struct mount *m = top; m != stop; m = next_of(m, top, c->recursive)) {
		if (m->mark == c->mark)
			atomic_and(&m->flags, ~(u32)MNT_READONLY);
	}
}

int mount_change_attributes(const struct path *path, struct mount_change *c)
{
	struct mount *top = path->mnt, *stop;
	int err = 0;

	if (path->dentry != top->root)
		return -EINVAL;
	guard_write(&mounts_lock);
	if (!mount_is_ours(top) && !mount_is_detached_top(top))
		return -EINVAL;
	c->mark = mount_mark_new();
	err = hold_writers(top, c, &stop);
	if (err) {
		release_writers(top, c, stop);
		return err;
	}
	for (struct mount *m = top; m; m = next_of(m, top, c->recursive)) {
		/* Cannot fail: nobody writes where that would matter. */
		err = mount_set_flags(m, attr_flags(c, m));
		if (!err && c->propagation)
			err = mount_set_type(m, c->propagation);
		if (err)
			return err;
	}
	return 0;
}
