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

static struct list namespaces = LIST_INIT(namespaces); /* [mounts_lock] */
static u64 last_id = 0;				       /* [mounts_lock W] */

static struct mount_ns *ns_alloc(void *user_ns)
{
	struct mount_ns *ns = kzalloc(sizeof(*ns), GFP_KERNEL);

	if (!ns)
		return NULL;
	ns_common_init(&ns->common, &mount_ns_kind);
	list_init(&ns->mounts);
	wait_queue_init(&ns->poll);
	ns->user_ns = user_ns;
	return ns;
}

/* Locks: mounts_lock W. */
static void ns_register(struct mount_ns *ns, struct mount *root)
{
	ns->id = ++last_id;
	ns->root = root;
	list_push_back(&namespaces, &ns->link);
}

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
	refcount_get(&ns->common.refs);
	return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
	if (refcount_put(&ns->common.refs))
		mount_ns_kind.free(&ns->common);
}

struct ns_common *mount_ns_common(struct mount_ns *ns)
{
	return &ns->common;
}

void mount_ns_free(struct mount_ns *ns)
{
	struct list gone = LIST_INIT(gone);

	rwsem_write_lock(&mounts_lock);
	list_remove(&ns->link);
	mount_detach_tree(ns->root, false, &gone);
	rwsem_write_unlock(&mounts_lock);
	mount_batch_put(&gone);
	kfree(ns);
}

/* Counted, unless it is going. */
static struct mount_ns *grab(struct mount_ns *ns)
{
	return refcount_get_unless_zero(&ns->common.refs) ? ns : NULL;
}

struct mount_ns *mount_ns_find(u64 id)
{
	struct mount_ns *ns;
	guard_read(&mounts_lock);

	list_for_each (ns, &namespaces, link) {
		if (ns->id == id)
			return grab(ns);
	}
	return NULL;
}

struct mount_ns *mount_ns_beside(struct mount_ns *ns, bool before)
{
	struct list *at = &ns->link;
	guard_read(&mounts_lock);

	while ((at = before ? at->prev : at->next) != &namespaces) {
		ns = grab(container_of(at, struct mount_ns, link));
		if (ns)
			return ns;
	}
	return NULL;
}

void mount_ns_root(struct mount_ns *ns, struct path *out)
{
	struct mount *above;

	rwsem_read_lock(&mounts_lock);
	*out = (struct path){ mount_get(ns->root), dentry_get(ns->root->root) };
	rwsem_read_unlock(&mounts_lock);
	while ((above = mount_lookup(out)) != NULL) {
		path_put(out);
		*out = (struct path){ above, dentry_get(above->root) };
	}
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
	ns_register(ns, copy);
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
	struct path root;

	if (refcount_read(&fs->users) != 1)
		return -EINVAL;
	mount_ns_root(ns, &root);
	fs_set_mount_ns(fs, mount_ns_get(ns));
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
	atomic_and(&m->flags, ~(u32)MNT_INTERNAL);
	atomic_or(&m->flags, MNT_RELATIME);
	ns_register(ns, m);
	m->ns = ns;
	list_push_back(&ns->mounts, &m->ns_link);
	ns->count = 1;
	fs_context_init_first(ns, &(struct path){ m, m->root });
}
