/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Root, working directory, umask and mount namespace of threads.
 *
 * The two paths change under `lock` and `seq`; a path walk under RCU reads them by `seq` without
 * counts.
 */
#include <fs/vfs/fs_context.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>

#include "mount_internal.h"

static struct fs_context first_context;
struct fs_context *init_fs = &first_context;

struct fs_context *fs_current(void)
{
	return thread_current()->fs ?: init_fs;
}

u32 current_umask(void)
{
	return READ_ONCE(fs_current()->umask);
}

void fs_context_init_first(struct mount_ns *ns, const struct path *root)
{
	struct fs_context *fs = &first_context;

	refcount_set(&fs->users, 1);
	spin_init(&fs->lock, RANK_FS_CONTEXT, "fs_context");
	seqcount_init(&fs->seq);
	fs->umask = 022;
	path_get(root);
	path_get(root);
	fs->root = fs->cwd = *root;
	fs->mnt_ns = ns;
}

int fs_fork(struct fs_context *old, bool share, struct fs_context **out)
{
	struct fs_context *fs;

	if (share) {
		with_spin(&old->lock) {
			if (old->in_exec)
				return -EAGAIN;
			refcount_get(&old->users);
		}
		*out = old;
		return 0;
	}
	fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	if (!fs)
		return -ENOMEM;
	refcount_set(&fs->users, 1);
	spin_init(&fs->lock, RANK_FS_CONTEXT, "fs_context");
	seqcount_init(&fs->seq);
	spin_lock(&old->lock);
	fs->umask = old->umask;
	fs->root = old->root;
	fs->cwd = old->cwd;
	fs->mnt_ns = mount_ns_get(old->mnt_ns);
	path_get(&fs->root);
	path_get(&fs->cwd);
	spin_unlock(&old->lock);
	*out = fs;
	return 0;
}

void fs_put(struct fs_context *fs)
{
	if (!fs || !refcount_put(&fs->users))
		return;
	/* Who looks has seen a user, under the lock, or will see none. */
	spin_lock(&fs->lock);
	spin_unlock(&fs->lock);
	path_put(&fs->root);
	path_put(&fs->cwd);
	mount_ns_put(fs->mnt_ns);
	kfree_rcu(fs, rcu);
}

int fs_unshare(void)
{
	struct thread *t = thread_current();
	struct fs_context *old = t->fs, *fs;
	int err;

	if (refcount_read(&old->users) == 1)
		return 0;
	err = fs_fork(old, false, &fs);
	if (err)
		return err;
	WRITE_ONCE(t->fs, fs);
	fs_put(old);
	return 0;
}

static void get_path(struct fs_context *fs, const struct path *from, struct path *out)
{
	guard_spin(&fs->lock);
	*out = *from;
	path_get(out);
}

void fs_get_root(struct fs_context *fs, struct path *out)
{
	get_path(fs, &fs->root, out);
}

void fs_get_cwd(struct fs_context *fs, struct path *out)
{
	get_path(fs, &fs->cwd, out);
}

static void set_path(struct fs_context *fs, struct path *slot, const struct path *path)
{
	struct path old;

	path_get(path);
	spin_lock(&fs->lock);
	seq_write_begin(&fs->seq);
	old = *slot;
	*slot = *path;
	seq_write_end(&fs->seq);
	spin_unlock(&fs->lock);
	path_put(&old);
}

/* Returns false when nobody uses it any more. */
static bool look(struct fs_context *fs, struct path *root, struct path *cwd, struct mount_ns **ns)
{
	guard_spin(&fs->lock);
	if (!refcount_read(&fs->users))
		return false;
	if (root) {
		*root = fs->root;
		path_get(root);
	}
	if (cwd) {
		*cwd = fs->cwd;
		path_get(cwd);
	}
	if (ns)
		*ns = mount_ns_get(fs->mnt_ns);
	return true;
}

int fs_look(struct thread *t, struct path *root, struct path *cwd, struct mount_ns **ns)
{
	struct fs_context *fs;
	guard_rcu();

	while ((fs = READ_ONCE(t->fs)) != NULL) {
		if (look(fs, root, cwd, ns))
			return 0;
	}
	return -ENOENT;
}

u32 fs_umask_of(struct thread *t)
{
	guard_rcu();
	struct fs_context *fs = READ_ONCE(t->fs);

	return fs ? READ_ONCE(fs->umask) : 0;
}

void fs_set_mount_ns(struct fs_context *fs, struct mount_ns *ns)
{
	struct mount_ns *old;

	with_spin(&fs->lock) {
		old = fs->mnt_ns;
		fs->mnt_ns = ns;
	}
	mount_ns_put(old);
}

void fs_set_root(struct fs_context *fs, const struct path *path)
{
	set_path(fs, &fs->root, path);
}

void fs_set_cwd(struct fs_context *fs, const struct path *path)
{
	set_path(fs, &fs->cwd, path);
}

/* Who walks all threads; kernel/pid's registration. */
static void (*for_each_fs)(void (*fn)(struct fs_context *fs, void *arg), void *arg);

void fs_context_set_walker(void (*walk)(void (*fn)(struct fs_context *fs, void *arg), void *arg))
{
	for_each_fs = walk;
}

struct move {
	const struct path *from, *to;
	u32 moved; /* references to `from` that nobody has any more */
};

static void move_one(struct fs_context *fs, void *arg)
{
	struct move *m = arg;
	struct path *slots[2] = { &fs->root, &fs->cwd };

	guard_spin(&fs->lock);
	if (!refcount_read(&fs->users))
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(slots); i++) {
		if (!path_equal(slots[i], m->from))
			continue;
		path_get(m->to);
		seq_write_begin(&fs->seq);
		*slots[i] = *m->to;
		seq_write_end(&fs->seq);
		m->moved++;
	}
}

void fs_move_all(const struct path *from, const struct path *to)
{
	struct move m = { from, to, 0 };

	for_each_fs(move_one, &m);
	while (m.moved--)
		path_put(from);
}
