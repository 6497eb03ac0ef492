/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces as files.  Each time one is looked up there is a new inode and a nameless dentry; what
 * makes them the same file is the number.
 *
 * A file may hold the last reference to a namespace of mounts in which such files are bound again,
 * and so on: the end of a namespace waits until the thread returns to user mode, so that there is
 * one on the stack at a time.
 */
#include <fs/vfs/nsfs.h>

#include <fs/services.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/inode.h>
#include <kernel/abi/magic.h>
#include <kernel/abi/nsfs.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/thread.h>

#define NS_FIRST_INO 0xF0000001u

static struct mount *ns_mount;
static u32 ns_count = 0; /* [a] */

void ns_common_init(struct ns_common *ns, const struct ns_kind *kind)
{
	ns->kind = kind;
	ns->ino = NS_FIRST_INO + atomic_fetch_add(&ns_count, 1);
	refcount_set(&ns->refs, 1);
}

static void free_at_return(struct notify_work *w)
{
	struct ns_common *ns = container_of(w, struct ns_common, free_work);

	ns->kind->free(ns);
}

static void nsfs_evict(struct inode *inode)
{
	struct ns_common *ns = inode->private;

	if (!ns || !refcount_put(&ns->refs))
		return;
	ns->free_work.fn = free_at_return;
	if (thread_current()->kthread || notify_work_add(thread_current(), &ns->free_work))
		ns->kind->free(ns);
}

static void ns_text(struct seq *out, const struct ns_common *ns)
{
	seq_printf(out, "%s:[%llu]", ns->kind->name, ns->ino);
}

static void ns_dname(struct dentry *dentry, struct seq *out)
{
	ns_text(out, dentry->inode->private);
}

static int nsfs_show_path(struct seq *out, struct dentry *root)
{
	ns_text(out, root->inode->private);
	return 0;
}

static long ns_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	struct ns_common *ns = ns_of_file(file);

	switch (cmd) {
	case NS_GET_NSTYPE: return ns->kind->flag;
	/* There are no user namespaces, so that no owner can be reached. */
	case NS_GET_USERNS: return -EPERM;
	case NS_GET_PARENT:
	case NS_GET_OWNER_UID: return -EINVAL;
	}
	return ns->kind->ioctl(ns, cmd, (void __user *)arg);
}

static const struct file_ops ns_file_ops = { .ioctl = ns_ioctl };
static const struct dentry_ops ns_dentry_ops = { .dname = ns_dname };

struct ns_common *ns_of_dentry(const struct dentry *dentry)
{
	return dentry->ops == &ns_dentry_ops ? dentry->inode->private : NULL;
}

struct ns_common *ns_of_file(const struct file *file)
{
	return file->ops == &ns_file_ops ? file->inode->private : NULL;
}

int ns_path(struct ns_common *ns, struct path *out)
{
	struct inode *inode = inode_create(ns_mount->sb);
	struct dentry *d;

	if (!inode)
		return -ENOMEM;
	d = d_alloc_anon(ns_mount->sb, ns->kind->name, &ns_dentry_ops);
	if (!d) {
		inode_put(inode);
		return -ENOMEM;
	}
	refcount_get(&ns->refs);
	inode->private = ns;
	inode->ino = ns->ino;
	inode->mode = S_IFREG | 0444;
	inode->fops = &ns_file_ops;
	d_instantiate(d, inode);
	*out = (struct path){ mount_get(ns_mount), d };
	return 0;
}

static const struct super_ops nsfs_ops = {
	.evict = nsfs_evict,
	.show_path = nsfs_show_path,
};

static int nsfs_mount(const struct fs_type *type, const struct fs_params *params,
		      struct superblock **out)
{
	int err = pseudo_mount(type, params, NSFS_MAGIC, out);

	if (!err)
		(*out)->ops = &nsfs_ops;
	return err;
}

static const struct fs_type nsfs_type = { "nsfs", FS_NO_USER, nsfs_mount, NULL };
FS_TYPE(nsfs_type);

void nsfs_init(void)
{
	VERIFY(!kern_mount_internal("nsfs", &ns_mount));
}
