/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID/ns: a magic link to each namespace the process is in.  namespaces(7).
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/nsfs.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>

#include "procfs_internal.h"

static int link_mnt(struct thread *t, struct path *out)
{
	struct mount_ns *ns;
	int err = fs_look(t, NULL, NULL, &ns);

	if (err)
		return err;
	err = ns_path(mount_ns_common(ns), out);
	mount_ns_put(ns);
	return err;
}

static const struct pid_entry entries[] = {
	{
		.name = "mnt",
		.mode = S_IFLNK | 0777,
		.link = link_mnt,
		.iops = &pid_link_iops,
		.ino = 0x800,
	},
};

static int ns_dir_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct pid_node *n = PID_NODE(dir);
	struct inode *inode;

	for (unsigned i = 0; i < ARRAY_SIZE(entries); i++) {
		const struct pid_entry *e = &entries[i];

		if (strcmp(dentry->name, e->name))
			continue;
		inode = pid_inode(dir->sb, n->pid, e, e->mode, n->thread, -1);
		if (!inode)
			return -ENOMEM;
		d_add(dentry, inode);
		return 0;
	}
	return -ENOENT;
}

static int ns_dir_iterate(struct file *file, struct dir_context *ctx)
{
	struct pid_node *n = PID_NODE(file->inode);

	if (!dir_emit_dots(file, ctx))
		return 0;
	for (; ctx->pos - 2 < (loff_t)ARRAY_SIZE(entries); ctx->pos++) {
		const struct pid_entry *e = &entries[ctx->pos - 2];

		if (!dir_emit(ctx, e->name, strlen(e->name), (u64)n->pid->nr << 20 | e->ino,
			      DT_LNK))
			return 0;
	}
	return 0;
}

const struct inode_ops ns_dir_iops = {.lookup = ns_dir_lookup};
const struct file_ops ns_dir_ops = {.iterate = ns_dir_iterate, .lseek = generic_lseek};
