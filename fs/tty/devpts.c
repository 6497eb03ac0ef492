/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * devpts: a directory with one node for each pseudo-terminal in use, and ptmx to make more.
 *
 * Each mount is an instance with numbers of its own.  /dev/ptmx belongs to the instance mounted on
 * "pts" beside it.  The instance outlives its mount while ptys of it exist, because they must give
 * their numbers back.
 *
 * Documentation/filesystems/devpts.rst.
 */
#include <fs/tty/devpts.h>

#include <fs/vfs/dentry.h>
#include <fs/vfs/dir.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/lib/idr.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "tty_internal.h"

#define PTY_LIMIT        4096
#define PTMX_INO         2
#define FIRST_SLAVE_INO  3
#define UNIX98_PTY_MAJOR 136

struct devpts {
	refcount_t refs;
	struct mutex lock;
	struct ida numbers;    /* [lock] */
	unsigned used;         /* [lock] */
	struct superblock *sb; /* [lock] NULL once unmounted */
	struct dentry *ptmx;
	u32 uid, gid;
	bool uid_given, gid_given;
	umode_t mode, ptmx_mode;
	unsigned max;
};

void devpts_put(struct devpts *pts)
{
	if (refcount_put(&pts->refs)) {
		ida_destroy(&pts->numbers);
		kfree(pts);
	}
}

int devpts_index_get(struct devpts *pts)
{
	guard_mutex(&pts->lock);
	if (pts->used >= pts->max)
		return -ENOSPC;
	int n = ida_alloc(&pts->numbers, 0, PTY_LIMIT - 1);

	pts->used += n >= 0;
	return n;
}

void devpts_index_put(struct devpts *pts, int index)
{
	guard_mutex(&pts->lock);
	ida_free(&pts->numbers, index);
	pts->used--;
}

/* Nodes. */

static void devpts_evict(struct inode *inode)
{
	tty_put(inode->private);
	inode->private = NULL;
}

static int devpts_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	d_add(dentry, NULL);
	return 0;
}

static const struct inode_ops devpts_dir_ops = {.lookup = devpts_lookup};
static const struct inode_ops devpts_node_ops = {0};

int devpts_node_add(struct devpts *pts, struct tty *slave)
{
	char name[12];
	int len = snprintf(name, sizeof(name), "%u", slave->index);
	guard_mutex(&pts->lock);

	if (!pts->sb)
		return -ENODEV;
	struct dentry *root = pts->sb->root, *d;
	struct inode *inode = inode_create(pts->sb);
	if (!inode)
		return -ENOMEM;
	inode->ino = slave->index + FIRST_SLAVE_INO;
	inode->uid = pts->uid_given ? pts->uid : cred_current()->fsuid;
	inode->gid = pts->gid_given ? pts->gid : cred_current()->fsgid;
	inode->mode = S_IFCHR | pts->mode;
	inode->ops = &devpts_node_ops;
	inode_init_special(inode, inode->mode, MKDEV(UNIX98_PTY_MAJOR, slave->index));
	inode->private = tty_get(slave);

	guard_write(&root->inode->lock);
	int err = lookup_one_locked(root, name, (size_t)len, &d);
	if (err) {
		inode_put(inode);
		return err;
	}
	dcache_dir_enter(d);
	d_instantiate(d, inode);
	dentry_put(d);
	return 0;
}

void devpts_node_remove(struct devpts *pts, struct tty *slave)
{
	char name[12];
	int len = snprintf(name, sizeof(name), "%u", slave->index);
	struct dentry *d;
	guard_mutex(&pts->lock);

	if (!pts->sb)
		return;
	struct dentry *root = pts->sb->root;
	guard_write(&root->inode->lock);
	if (lookup_one_locked(root, name, (size_t)len, &d))
		return;
	if (d->inode) {
		WRITE_ONCE(d->inode->nlink, 0);
		d_delete(d);
	}
	dentry_put(d);
}

struct tty *devpts_slave(struct inode *inode)
{
	if (inode->sb->magic != DEVPTS_SUPER_MAGIC || !inode->private)
		return NULL;
	return tty_get(inode->private);
}

/* The instance of a ptmx node. */

static struct devpts *instance_of(struct superblock *sb)
{
	struct devpts *pts = sb->magic == DEVPTS_SUPER_MAGIC ? sb->private : NULL;

	if (pts)
		refcount_get(&pts->refs);
	return pts;
}

/* "pts" beside the ptmx node, with references. */
static int beside(struct file *ptmx, struct path *out)
{
	struct path dir = {.mnt = ptmx->path.mnt, .dentry = dentry_get_parent(ptmx->path.dentry)};
	int err = vfs_path_lookup(&dir, "pts", LOOKUP_FOLLOW | LOOKUP_DIRECTORY, out);

	dentry_put(dir.dentry);
	return err;
}

int devpts_of(struct file *ptmx, struct devpts **out)
{
	struct path pts;

	*out = instance_of(ptmx->inode->sb);
	if (*out)
		return 0;
	if (beside(ptmx, &pts))
		return -ENODEV;
	*out = instance_of(pts.dentry->inode->sb);
	path_put(&pts);
	return *out ? 0 : -ENODEV;
}

int devpts_open_peer(struct file *master, struct tty *slave, u32 flags, struct file **out)
{
	struct path dir, node;
	char name[12];
	int err;

	snprintf(name, sizeof(name), "%u", slave->index);
	if (master->inode->sb->magic == DEVPTS_SUPER_MAGIC) {
		dir = (struct path){master->path.mnt, dentry_get_parent(master->path.dentry)};
		err = vfs_path_lookup(&dir, name, 0, &node);
		dentry_put(dir.dentry);
	} else {
		err = beside(master, &dir);
		if (err)
			return err;
		err = vfs_path_lookup(&dir, name, 0, &node);
		path_put(&dir);
	}
	if (err)
		return err;
	err = file_open(&node, flags, cred_current(), out);
	path_put(&node);
	return err;
}

/* Mounting. */

static int parse_option(struct devpts *pts, const char *key, const char *value)
{
	u64 n = 0;

	if (!strcmp(key, "newinstance"))
		return value ? -EINVAL : 0;
	if (!value ||
	    parse_u64(value, !strcmp(key, "mode") || !strcmp(key, "ptmxmode") ? 8 : 10, &n))
		return -EINVAL;
	if (!strcmp(key, "uid")) {
		pts->uid = (u32)n;
		pts->uid_given = true;
	} else if (!strcmp(key, "gid")) {
		pts->gid = (u32)n;
		pts->gid_given = true;
	} else if (!strcmp(key, "mode")) {
		pts->mode = n & 0777;
	} else if (!strcmp(key, "ptmxmode")) {
		pts->ptmx_mode = n & 0777;
	} else if (!strcmp(key, "max")) {
		if (n > PTY_LIMIT)
			return -EINVAL;
		pts->max = (unsigned)n;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int parse_options(struct devpts *pts, char *options)
{
	char *key, *value;
	int err = 0;

	/* A remount names what it changes; the rest returns to the defaults, as on Linux. */
	pts->uid_given = pts->gid_given = false;
	pts->mode = 0600;
	pts->ptmx_mode = 0;
	pts->max = PTY_LIMIT;
	while (!err && fs_option_next(&options, &key, &value))
		err = parse_option(pts, key, value);
	return err;
}

static int make_ptmx(struct superblock *sb, struct devpts *pts)
{
	struct inode *inode = inode_create(sb);
	struct dentry *d;

	if (!inode)
		return -ENOMEM;
	inode->ino = PTMX_INO;
	inode->mode = S_IFCHR | pts->ptmx_mode;
	inode->ops = &devpts_node_ops;
	inode_init_special(inode, inode->mode, MKDEV(5, 2));
	guard_write(&sb->root->inode->lock);
	int err = lookup_one_locked(sb->root, "ptmx", 4, &d);
	if (err) {
		inode_put(inode);
		return err;
	}
	dcache_dir_enter(d);
	d_instantiate(d, inode);
	pts->ptmx = d;
	dentry_put(d);
	return 0;
}

static int make_root(struct superblock *sb)
{
	struct inode *inode = inode_create(sb);

	if (!inode)
		return -ENOMEM;
	inode->ino = 1;
	inode->mode = S_IFDIR | 0755;
	inode->nlink = 2;
	inode->ops = &devpts_dir_ops;
	inode->fops = &dcache_dir_ops;
	sb->root = d_make_root(sb, inode);
	return sb->root ? 0 : -ENOMEM;
}

static int devpts_remount(struct superblock *sb, u32 flags, char *options)
{
	struct devpts *pts = sb->private;
	int err = parse_options(pts, options);

	if (!err)
		pts->ptmx->inode->mode = S_IFCHR | pts->ptmx_mode;
	return err;
}

static void devpts_put_super(struct superblock *sb)
{
	struct devpts *pts = sb->private;
	guard_mutex(&pts->lock);

	pts->sb = NULL;
}

static void devpts_kill(struct superblock *sb)
{
	if (sb->private)
		devpts_put(sb->private);
}

static void devpts_show_options(struct superblock *sb, struct seq *out)
{
	const struct devpts *pts = sb->private;

	if (pts->uid_given)
		seq_printf(out, ",uid=%u", pts->uid);
	if (pts->gid_given)
		seq_printf(out, ",gid=%u", pts->gid);
	seq_printf(out, ",mode=%03o,ptmxmode=%03o", pts->mode, pts->ptmx_mode);
	if (pts->max < PTY_LIMIT)
		seq_printf(out, ",max=%u", pts->max);
}

static const struct super_ops devpts_super_ops = {
	.evict = devpts_evict,
	.remount = devpts_remount,
	.put = devpts_put_super,
	.show_options = devpts_show_options,
};

static int devpts_mount(const struct fs_type *type, const struct fs_params *params,
			struct superblock **out)
{
	struct devpts *pts = kzalloc(sizeof(*pts), GFP_KERNEL);
	struct superblock *sb;
	int err;

	if (!pts)
		return -ENOMEM;
	refcount_set(&pts->refs, 1);
	mutex_init(&pts->lock, RANK_DEVPTS, "devpts");
	ida_init(&pts->numbers);
	err = parse_options(pts, params->options);
	if (!err)
		err = super_create(type, params, &devpts_super_ops, &sb);
	if (err) {
		devpts_put(pts);
		return err;
	}
	sb->private = pts;
	sb->magic = DEVPTS_SUPER_MAGIC;
	pts->sb = sb;
	err = make_root(sb);
	if (!err)
		err = make_ptmx(sb, pts);
	if (err) {
		super_abandon(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static const struct fs_type devpts_type = {"devpts", FS_USERNS_MOUNT, devpts_mount, devpts_kill};
FS_TYPE(devpts_type);
