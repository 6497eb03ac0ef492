/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount namespaces: whole trees, copied at CLONE_NEWNS; and the first one, made at boot.
 */
#include <fs/vfs/fs_context.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/super.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "mount_internal.h"

static u32 ns_last_id = 0; /* [a] */
#define NS_INO_BASE 4026531840ull

static struct mount_ns *ns_alloc(void *user_ns)
{
	struct mount_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return NULL;
	refcount_set(&ns->refs, 1);
	list_init(&ns->mounts);
	wait_queue_init(&ns->poll);
	ns->id = NS_INO_BASE + 0x10000 + atomic_add_return(&ns_last_id, 1);
	ns->user_ns = user_ns;
	return ns;
}

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
	refcount_get(&ns->refs);
	return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
	struct list gone = LIST_INIT(gone);

	if (!refcount_put(&ns->refs))
		return;
	rwsem_write_lock(&mounts_lock);
	if (ns->root)
		mount_detach_tree(ns->root, false, &gone);
	rwsem_write_unlock(&mounts_lock);
	mount_batch_put(&gone);
	kfree(ns);
}

/* The mount of `copy`'s tree that stands where `m` stands in `orig`'s.  Both trees have the same
 * shape. */
static struct mount *counterpart(struct mount *m, struct mount *orig, struct mount *copy)
{
	struct mount *o, *c = copy;

	for_each_in_tree (o, orig) {
		if (o == m)
			return c;
		c = mount_next_in_tree(c, copy);
	}
	return NULL;
}

static void move_path(struct path *path, struct mount *orig, struct mount *copy)
{
	struct mount *to = counterpart(path->mnt, orig, copy);

	if (to) {
		struct mount *from = path->mnt;

		path->mnt = mount_get(to);
		mount_put(from);
	}
}

int mount_ns_copy(struct mount_ns *old, void *user_ns, struct fs_context *fs, struct mount_ns **out)
{
	struct mount_ns *ns = ns_alloc(user_ns);
	struct path root, cwd;
	struct mount *copy, *m;
	int err;

	if (!ns)
		return -ENOMEM;
	fs_get_root(fs, &root);
	fs_get_cwd(fs, &cwd);
	rwsem_write_lock(&mounts_lock);
	err = mount_copy_tree(old->root, old->root->root, COPY_UNBINDABLE, &copy);
	if (err)
		goto unlock;
	ns->root = copy;
	for_each_in_tree (m, copy) {
		WRITE_ONCE(m->ns, ns);
		list_push_back(&ns->mounts, &m->ns_link);
		ns->count++;
	}
	move_path(&root, old->root, copy);
	move_path(&cwd, old->root, copy);
unlock:
	rwsem_write_unlock(&mounts_lock);
	if (!err) {
		fs_set_root(fs, &root);
		fs_set_cwd(fs, &cwd);
		*out = ns;
	} else {
		kfree(ns);
	}
	path_put(&root);
	path_put(&cwd);
	return err;
}

int mount_ns_install(struct mount_ns *ns, struct fs_context *fs)
{
	struct mount_ns *old;
	struct path root;
	struct mount *above;

	if (refcount_read(&fs->users) != 1)
		return -EINVAL;
	rwsem_read_lock(&mounts_lock);
	root = (struct path){ mount_get(ns->root), dentry_get(ns->root->root) };
	rwsem_read_unlock(&mounts_lock);
	while ((above = mount_lookup(&root)) != NULL) {
		path_put(&root);
		root = (struct path){ above, dentry_get(above->root) };
	}
	mount_ns_get(ns);
	spin_lock(&fs->lock);
	old = fs->mnt_ns;
	fs->mnt_ns = ns;
	spin_unlock(&fs->lock);
	mount_ns_put(old);
	fs_set_root(fs, &root);
	fs_set_cwd(fs, &root);
	path_put(&root);
	return 0;
}

int kern_mount_internal(const char *fstype, struct mount **out)
{
	const struct fs_type *type = fs_type_find(fstype);
	struct fs_params params = { .source = fstype };
	struct superblock *sb;
	int err;

	if (!type)
		return -ENODEV;
	err = super_mount(type, &params, &sb);
	if (err)
		return err;
	rwsem_write_unlock(&sb->umount);
	err = mount_internal(sb, out);
	if (err)
		super_put_active(sb);
	return err;
}

/* The boot thread's context and the tree's first mount: an empty tmpfs that is never taken off. */
void mount_init(void)
{
	struct mount_ns *ns;
	struct mount *m;

	mount_init_caches();
	VERIFY(!kern_mount_internal("rootfs", &m));
	ns = ns_alloc(NULL);
	VERIFY(ns);
	ns->id = NS_INO_BASE;
	atomic_and(&m->flags, ~(u32)MNT_INTERNAL);
	atomic_or(&m->flags, MNT_RELATIME);
	ns->root = m;
	m->ns = ns;
	list_push_back(&ns->mounts, &m->ns_link);
	ns->count = 1;
	fs_context_init_first(ns, &(struct path){ m, m->root });
}
