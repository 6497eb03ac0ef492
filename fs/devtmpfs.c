/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devtmpfs: one tmpfs that the kernel fills with device nodes.
 *
 * Nodes are made directly in its tree, whatever is mounted where and whoever the current thread is.
 * What is asked for before the file system exists is remembered and made then.
 */
#define LOG_PREFIX "devtmpfs: "
#include <fs/devtmpfs.h>
#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/lib/list.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

struct early_node {
	struct list link;
	const char *target; /* symlink's, or NULL */
	umode_t mode;
	dev_t dev;
	u32 uid, gid;
	char name[];
};

static struct mount *dev_mount;
static struct list early = LIST_INIT(early);	/* [early_lock] */
static struct mutex early_lock = MUTEX_INIT(early_lock, RANK_NAMESPACE);

static bool is_devtmpfs(struct superblock *sb, void *arg)
{
	return true;
}

static int devtmpfs_mount(const struct fs_type *type, const struct fs_params *params,
			  struct superblock **out)
{
	char options[] = "mode=0755";
	struct fs_params p = *params;
	int err = super_share(type, is_devtmpfs, NULL, out);

	if (err != -ENOENT)
		return err;
	p.options = options;
	return tmpfs_mount(type, &p, out);
}

static const struct fs_type devtmpfs_type = { "devtmpfs", 0, devtmpfs_mount, tmpfs_kill };
FS_TYPE(devtmpfs_type);

/* The child `name` of `dir`, a directory, made if absent.  Consumes the count on dir. */
static int enter_dir(struct dentry *dir, const char *name, size_t len, bool make,
		     struct dentry **out)
{
	struct inode *inode = dir->inode;
	struct dentry *d;
	int err;

	rwsem_write_lock(&inode->lock);
	err = lookup_one_locked(dir, name, len, &d);
	if (!err && !d->inode && make)
		err = inode->ops->mkdir(inode, d, S_IFDIR | 0755);
	rwsem_write_unlock(&inode->lock);
	dentry_put(dir);
	if (err)
		return err;
	if (!d->inode || !S_ISDIR(d->inode->mode)) {
		err = d->inode ? -ENOTDIR : -ENOENT;
		dentry_put(d);
		return err;
	}
	*out = d;
	return 0;
}

/* The directory that `name` lies in, counted; *last is the component in it. */
static int find_parent(const char *name, bool make, struct dentry **out, const char **last)
{
	struct dentry *dir = dentry_get(dev_mount->root);
	const char *slash;

	while ((slash = strchr(name, '/')) != NULL) {
		int err = enter_dir(dir, name, slash - name, make, &dir);

		if (err)
			return err;
		name = slash + 1;
	}
	*out = dir;
	*last = name;
	return 0;
}

static int make_node(const char *name, const char *target, umode_t mode, dev_t dev, u32 uid,
		     u32 gid)
{
	struct dentry *dir, *d;
	struct inode *inode;
	const char *last;
	int err = find_parent(name, true, &dir, &last);

	if (err)
		return err;
	inode = dir->inode;
	rwsem_write_lock(&inode->lock);
	err = lookup_one_locked(dir, last, strlen(last), &d);
	if (err)
		goto unlock;
	if (d->inode)
		err = -EEXIST;
	else
		err = target ? inode->ops->symlink(inode, d, target)
			     : inode->ops->mknod(inode, d, mode, dev);
	if (!err) {
		d->inode->uid = uid;
		d->inode->gid = gid;
		fsnotify_dir(inode, IN_CREATE, d->name, 0);
	}
	dentry_put(d);
unlock:
	rwsem_write_unlock(&inode->lock);
	dentry_put(dir);
	return err;
}

static int remember(const char *name, const char *target, umode_t mode, dev_t dev, u32 uid, u32 gid)
{
	size_t len = strlen(name) + 1;
	struct early_node *n = kzalloc(sizeof(*n) + len, GFP_KERNEL);

	if (!n)
		return -ENOMEM;
	n->target = target;
	n->mode = mode;
	n->dev = dev;
	n->uid = uid;
	n->gid = gid;
	memcpy(n->name, name, len);
	list_push_back(&early, &n->link);
	return 0;
}

static int make_or_remember(const char *name, const char *target, umode_t mode, dev_t dev, u32 uid,
			    u32 gid)
{
	with_mutex(&early_lock) {
		if (!dev_mount)
			return remember(name, target, mode, dev, uid, gid);
	}
	return make_node(name, target, mode, dev, uid, gid);
}

int devtmpfs_create(const char *name, umode_t mode, dev_t dev)
{
	return make_or_remember(name, NULL, mode, dev, 0, 0);
}

int devtmpfs_create_owned(const char *name, umode_t mode, dev_t dev, u32 uid, u32 gid)
{
	return make_or_remember(name, NULL, mode, dev, uid, gid);
}

int devtmpfs_symlink(const char *name, const char *target)
{
	return make_or_remember(name, target, S_IFLNK | 0777, 0, 0, 0);
}

static int remove_last(struct dentry *dir, const char *last, bool is_dir)
{
	struct inode *inode = dir->inode, *victim;
	struct dentry *d;
	int err;

	rwsem_write_lock(&inode->lock);
	err = lookup_one_locked(dir, last, strlen(last), &d);
	if (err)
		goto unlock;
	victim = d->inode;
	if (!victim) {
		err = -ENOENT;
	} else {
		inode_get(victim);
		err = is_dir ? inode->ops->rmdir(inode, d) : inode->ops->unlink(inode, d);
		if (!err) {
			fsnotify_dir(inode, IN_DELETE, d->name, 0);
			d_delete(d);
		}
		inode_put(victim);
	}
	dentry_put(d);
unlock:
	rwsem_write_unlock(&inode->lock);
	return err;
}

int devtmpfs_remove(const char *name)
{
	struct dentry *dir;
	const char *last;
	char *parent, *slash;
	int err = find_parent(name, false, &dir, &last);

	if (err)
		return err;
	err = remove_last(dir, last, false);
	dentry_put(dir);
	if (err || last == name)
		return err;
	/* Empty directories go as well. */
	parent = kstrdup(name, GFP_KERNEL);
	while (parent && (slash = strrchr(parent, '/')) != NULL) {
		*slash = 0;
		if (find_parent(parent, false, &dir, &last))
			break;
		bool gone = !remove_last(dir, last, true);

		dentry_put(dir);
		if (!gone)
			break;
	}
	kfree(parent);
	return 0;
}

void devtmpfs_init(void)
{
	guard_mutex(&early_lock);
	VERIFY(!kern_mount_internal("devtmpfs", &dev_mount));
	while (!list_empty(&early)) {
		struct early_node *n = list_first(&early, struct early_node, link);
		int err = make_node(n->name, n->target, n->mode, n->dev, n->uid, n->gid);

		if (err)
			log_warn("%s: error %d\n", n->name, err);
		list_remove(&n->link);
		kfree(n);
	}
}
