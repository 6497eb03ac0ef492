/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The operations of mount(2), umount2(2) and pivot_root(2): who may do what to which mount, and
 * then mount_tree.c's steps.
 */
#include <fs/vfs/mount.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <security/cred.h>

#include "mount_internal.h"

static struct mount_ns *current_ns(void)
{
	return fs_current()->mnt_ns;
}

bool mount_is_ours(const struct mount *m)
{
	return m->ns && m->ns == current_ns();
}

static int attach_at(struct mount *top, const struct path *path)
{
	if (!mount_is_ours(path->mnt))
		return -EINVAL;
	if (S_ISDIR(top->root->inode->mode) != S_ISDIR(path->dentry->inode->mode))
		return -ENOTDIR;
	return mount_attach_tree(top, path->mnt, path->dentry);
}

/* The operations of mount(2).  `path` holds references; they may move to the mount on top. */

static int do_new_mount(struct path *path, const struct fs_type *type, u32 sb_flags, u32 mnt_flags,
			const char *source, char *options)
{
	struct fs_params params = { .source = source, .flags = sb_flags, .options = options };
	struct superblock *sb;
	struct mount *m;
	int err;

	if (type->flags & FS_NO_USER)
		return -ENODEV;
	err = super_mount(type, &params, &sb);
	if (err)
		return err;
	rwsem_write_unlock(&sb->umount);
	m = mount_alloc(sb, sb->root, source);
	if (!m) {
		super_put_active(sb);
		return -ENOMEM;
	}
	m->flags = mnt_flags;
	err = mountpoint_lock(path);
	if (err)
		goto put_mount;
	if (path->mnt->sb == sb && path->mnt->root == path->dentry && path->mnt->root == m->root)
		err = -EBUSY;
	else if (S_ISLNK(m->root->inode->mode))
		err = -EINVAL;
	else
		err = attach_at(m, path);
	mountpoint_unlock(path);
put_mount:
	if (err)
		mount_put(m);
	return err;
}

/* Is a mount of a more privileged namespace on something below `root` of m?  Then binding would
 * uncover it. */
bool mount_has_locked_children(struct mount *m, struct dentry *root)
{
	struct mount *c;

	list_for_each (c, &m->children, child_link) {
		if ((c->flags & MNT_LOCKED) && d_is_below(c->mountpoint, root))
			return true;
	}
	return false;
}

/* The tree that mount(2) names as its source. */
static int source_path(const char *source, struct path *out)
{
	return source && *source ? kern_path(source, LOOKUP_FOLLOW, out) : -EINVAL;
}

int mount_copy_shown(const struct path *path, bool recursive, struct mount **out)
{
	unsigned flags = COPY_NS_FILES | (recursive ? 0 : COPY_SINGLE);
	int err;

	if (!mount_is_ours(path->mnt) && !ns_of_dentry(path->dentry))
		return -EINVAL;
	if (!recursive && mount_has_locked_children(path->mnt, path->dentry))
		return -EINVAL;
	err = mount_copy_tree(path->mnt, path->dentry, flags, out);
	if (!err)
		atomic_and(&(*out)->flags, ~(u32)MNT_LOCKED);
	return err;
}

static int do_bind(struct path *path, const char *source, bool recursive)
{
	struct path old;
	struct mount *m;
	int err;

	err = source_path(source, &old);
	if (err)
		return err;
	err = mount_ns_would_loop(old.dentry) ? -EINVAL : mountpoint_lock(path);
	if (err)
		goto put_old;
	err = mount_is_ours(path->mnt) ? mount_copy_shown(&old, recursive, &m) : -EINVAL;
	if (err)
		goto unlock;
	err = attach_at(m, path);
	if (err)
		mount_discard_tree(m);
unlock:
	mountpoint_unlock(path);
put_old:
	path_put(&old);
	return err;
}

bool mount_is_below(const struct mount *m, const struct mount *top)
{
	for (; m != top; m = m->parent) {
		if (m->parent == m)
			return false;
	}
	return true;
}

bool mount_tree_has_unbindable(struct mount *top)
{
	struct mount *m;

	for_each_in_tree (m, top) {
		if (m->flags & MNT_UNBINDABLE)
			return true;
	}
	return false;
}

int mount_move_allowed(const struct path *old, const struct path *to, struct mount *parent)
{
	struct mount *m = old->mnt;

	if (!mount_is_ours(to->mnt) || !mount_is_ours(m) || (m->flags & MNT_LOCKED))
		return -EINVAL;
	if (old->dentry != m->root || m->parent == m)
		return -EINVAL;
	if (S_ISDIR(old->dentry->inode->mode) != S_ISDIR(to->dentry->inode->mode))
		return -EINVAL;
	if (m->parent->flags & MNT_SHARED)
		return -EINVAL;
	if ((parent->flags & MNT_SHARED) && mount_tree_has_unbindable(m))
		return -EINVAL;
	return mount_tree_would_loop(m) || mount_is_below(parent, m) ? -ELOOP : 0;
}

static int do_move(struct path *path, const char *source)
{
	struct path old;
	int err;

	err = source_path(source, &old);
	if (err)
		return err;
	err = mountpoint_lock(path);
	if (!err) {
		err = mount_move_allowed(&old, path, path->mnt);
		if (!err)
			err = mount_move_tree(old.mnt, path->mnt, path->dentry);
		mountpoint_unlock(path);
	}
	path_put(&old);
	return err;
}

/* New per-mount flags.  Locks: mounts_lock W. */
int mount_set_flags(struct mount *m, u32 flags)
{
	int err = 0;

	seqlock_write_lock(&mount_seq);
	if ((flags & MNT_READONLY) && !(m->flags & MNT_READONLY))
		err = mount_make_readonly(m);
	if (!err) {
		atomic_and(&m->flags, ~(u32)MNT_USER_FLAGS | flags);
		atomic_or(&m->flags, flags);
	}
	seqlock_write_unlock(&mount_seq);
	if (!err && m->ns)
		ns_changed(m->ns);
	return err;
}

static int do_remount_bind(const struct path *path, u32 mnt_flags)
{
	if (path->dentry != path->mnt->root || !mount_is_ours(path->mnt))
		return -EINVAL;
	guard_write(&mounts_lock);
	return mount_set_flags(path->mnt, mnt_flags);
}

/* Do files of any mount of `sb` in our sight write? */
static bool super_has_writers(struct superblock *sb)
{
	struct inode *i;

	guard_spin(&sb->inodes_lock);
	list_for_each (i, &sb->inodes, sb_link) {
		if (S_ISREG(i->mode) &&
		    (atomic_load(&i->write_count) > 0 || (!i->nlink && refcount_read(&i->refs))))
			return true;
	}
	return false;
}

int super_reconfigure(struct superblock *sb, u32 flags, char *options, bool force)
{
	bool to_ro = (flags & SB_RDONLY) && !(sb->flags & SB_RDONLY);
	int err = 0;

	if (sb->type->flags & FS_READ_ONLY)
		flags |= SB_RDONLY;
	if (to_ro) {
		super_sync(sb, true);
		if (!force && super_has_writers(sb))
			return -EBUSY;
	}
	if (sb->ops && sb->ops->remount)
		err = sb->ops->remount(sb, flags, options);
	if (!err)
		WRITE_ONCE(sb->flags, (sb->flags & ~(u32)SB_USER_FLAGS) | (flags & SB_USER_FLAGS));
	return err;
}

static int do_remount(const struct path *path, u32 sb_flags, u32 mnt_flags, char *options)
{
	struct superblock *sb = path->mnt->sb;
	int err;

	if (path->dentry != path->mnt->root || !mount_is_ours(path->mnt))
		return -EINVAL;
	rwsem_write_lock(&sb->umount);
	err = super_reconfigure(sb, sb_flags, options, false);
	if (!err) {
		rwsem_write_lock(&mounts_lock);
		err = mount_set_flags(path->mnt, mnt_flags);
		rwsem_write_unlock(&mounts_lock);
	}
	rwsem_write_unlock(&sb->umount);
	return err;
}

static int do_change_type(const struct path *path, unsigned long flags)
{
	unsigned type = flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);
	bool recursive = flags & MS_REC;
	struct mount *top = path->mnt, *m;
	int err = 0;

	if (flags & ~(unsigned long)(MS_REC | MS_SILENT | MS_SHARED | MS_PRIVATE | MS_SLAVE |
				     MS_UNBINDABLE))
		return -EINVAL;
	if (!is_pow2(type) || path->dentry != top->root || !mount_is_ours(top))
		return -EINVAL;
	guard_write(&mounts_lock);
	for (m = top; m && !err; m = recursive ? mount_next_in_tree(m, top) : NULL)
		err = mount_set_type(m, type);
	ns_changed(top->ns);
	return err;
}

static u32 mount_flags_from(unsigned long flags, const struct mount *old)
{
	static const struct {
		unsigned long ms;
		u32 mnt;
	} map[] = {
		{MS_NOSUID, MNT_NOSUID},           {MS_NODEV, MNT_NODEV},
		{MS_NOEXEC, MNT_NOEXEC},           {MS_NOATIME, MNT_NOATIME},
		{MS_NODIRATIME, MNT_NODIRATIME},   {MS_RDONLY, MNT_READONLY},
		{MS_NOSYMFOLLOW, MNT_NOSYMFOLLOW},
	};
	const u32 times = MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME;
	u32 out = flags & MS_NOATIME ? 0 : MNT_RELATIME;

	for (unsigned i = 0; i < ARRAY_SIZE(map); i++) {
		if (flags & map[i].ms)
			out |= map[i].mnt;
	}
	if (flags & MS_STRICTATIME)
		out &= ~(u32)(MNT_RELATIME | MNT_NOATIME);
	if ((flags & MS_REMOUNT) &&
	    !(flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)))
		out = (out & ~times) | (old->flags & times);
	return out;
}

int do_mount(const char *source, struct path *path, const char *fstype, unsigned long flags,
	     char *options)
{
	const struct fs_type *type;
	u32 mnt_flags, sb_flags;

	if ((flags & MS_MGC_MSK) == MS_MGC_VAL)
		flags &= ~(unsigned long)MS_MGC_MSK;
	if (flags & (unsigned long)SB_NOUSER)
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	mnt_flags = mount_flags_from(flags, path->mnt);
	sb_flags = flags & (SB_USER_FLAGS | SB_SILENT | SB_POSIXACL);
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		return do_remount_bind(path, mnt_flags);
	if (flags & MS_REMOUNT)
		return do_remount(path, sb_flags, mnt_flags, options);
	if (flags & MS_BIND)
		return do_bind(path, source, flags & MS_REC);
	if (flags & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		return do_change_type(path, flags);
	if (flags & MS_MOVE)
		return do_move(path, source);
	if (!fstype)
		return -EINVAL;
	type = fs_type_find(fstype);
	return type ? do_new_mount(path, type, sb_flags, mnt_flags, source, options) : -ENODEV;
}

int kern_mount(const char *source, const char *dir, const char *fstype, unsigned long flags,
	       char *data)
{
	struct path path;
	int err = kern_path(dir, LOOKUP_FOLLOW, &path);

	if (err)
		return err;
	err = do_mount(source, &path, fstype, flags, data);
	path_put(&path);
	return err;
}

/* umount2(2) */

static int umount_plain(struct mount *m, struct list *gone)
{
	/* One count is the tree's, one the caller's lookup. */
	bool busy;

	if (!list_empty(&m->children))
		return -EBUSY;
	seqlock_write_lock(&mount_seq);
	busy = mount_users(m) > 2;
	seqlock_write_unlock(&mount_seq);
	if (busy || mount_propagate_busy(m))
		return -EBUSY;
	mount_detach_tree(m, true, gone);
	return 0;
}

/* umount of the root of the namespace means: remount read-only. */
static int umount_root(struct mount *m)
{
	struct superblock *sb = m->sb;
	int err = 0;

	guard_write(&sb->umount);
	if (!(sb->flags & SB_RDONLY))
		err = super_reconfigure(sb, sb->flags | SB_RDONLY, NULL, false);
	return err;
}

int do_umount(const struct path *path, int flags)
{
	struct mount *m = path->mnt;
	struct list gone = LIST_INIT(gone);
	struct path root;
	bool is_root;
	int err = 0;

	if (path->dentry != m->root || !mount_is_ours(m) ||
	    ((m->flags & MNT_LOCKED) && !capable(CAP_SYS_ADMIN)))
		return -EINVAL;
	fs_get_root(fs_current(), &root);
	is_root = root.mnt == m;
	path_put(&root);
	if (flags & MNT_EXPIRE) {
		if (is_root || (flags & (MNT_FORCE | MNT_DETACH)))
			return -EINVAL;
		if (mount_users(m) > 2)
			return -EBUSY;
		if (!(atomic_fetch_or(&m->flags, MNT_EXPIRE_MARK) & MNT_EXPIRE_MARK))
			return -EAGAIN;
	}
	if (is_root && !(flags & MNT_DETACH))
		return umount_root(m);

	rwsem_write_lock(&mounts_lock);
	if (!m->ns || (m->parent == m && !(flags & MNT_DETACH)))
		err = -EINVAL;
	else if (flags & MNT_DETACH)
		mount_detach_tree(m, true, &gone);
	else
		err = umount_plain(m, &gone);
	rwsem_write_unlock(&mounts_lock);
	mount_batch_put(&gone);
	return err;
}

bool dentry_is_mountpoint_here(struct dentry *d)
{
	struct mount_ns *ns = current_ns();
	struct mount *m;

	if (!(READ_ONCE(d->flags) & DENTRY_MOUNTED))
		return false;
	guard_read(&mounts_lock);
	list_for_each (m, &ns->mounts, ns_link) {
		if (m->mountpoint == d && m->parent != m)
			return true;
	}
	return false;
}

/* pivot_root(2) */

static int pivot_allowed(const struct path *new, const struct path *old, const struct path *root)
{
	struct mount *n = new->mnt, *r = root->mnt;

	if ((old->mnt->flags & MNT_SHARED) || (n->parent->flags & MNT_SHARED) ||
	    (r->parent->flags & MNT_SHARED))
		return -EINVAL;
	if (!mount_is_ours(r) || !mount_is_ours(n) || (n->flags & MNT_LOCKED))
		return -EINVAL;
	if (n == r || old->mnt == r)
		return -EBUSY;
	if (r->root != root->dentry || r->parent == r || n->root != new->dentry || n->parent == n)
		return -EINVAL;
	/* The old root's new place must be reachable from the new root, and that from the old. */
	if (!mount_is_below(old->mnt, n) || (old->mnt == n && !d_is_below(old->dentry, n->root)))
		return -EINVAL;
	return mount_is_below(n, r) ? 0 : -EINVAL;
}

int do_pivot_root(struct path *new, struct path *old)
{
	struct path root, root_parent, new_parent;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	fs_get_root(fs_current(), &root);
	err = mountpoint_lock(old);
	if (err)
		goto put_root;
	err = pivot_allowed(new, old, &root);
	if (err)
		goto unlock;
	root_parent = (struct path){ root.mnt->parent, root.mnt->mountpoint };
	new_parent = (struct path){ new->mnt->parent, new->mnt->mountpoint };
	mount_unlink(new->mnt);
	mount_unlink(root.mnt);
	mount_link(root.mnt, old->mnt, old->dentry, root.mnt->ns);
	mount_link(new->mnt, root_parent.mnt, root_parent.dentry, new->mnt->ns);
	ns_changed(new->mnt->ns);
unlock:
	mountpoint_unlock(old);
	if (!err) {
		path_put(&root_parent);
		path_put(&new_parent);
		fs_move_all(&root, new);
	}
put_root:
	path_put(&root);
	return err;
}
