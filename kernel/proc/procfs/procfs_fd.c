/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * /proc/PID: descriptors, and the links to directories and files.  proc_pid_fd(5).
 *
 * The links are magic: following one leads to the object itself, whatever its name is now.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "procfs_internal.h"

int link_cwd(struct thread *t, struct path *out)
{
	return fs_look(t, NULL, out, NULL);
}

int link_root(struct thread *t, struct path *out)
{
	return fs_look(t, out, NULL, NULL);
}

static int show_mount_list(struct seq *out, struct thread *t,
			   void (*show)(struct mount_ns *, const struct path *, struct seq *))
{
	struct mount_ns *ns;
	struct path root;

	if (fs_look(t, &root, NULL, &ns))
		return -EINVAL;
	show(ns, &root, out);
	mount_ns_put(ns);
	path_put(&root);
	return 0;
}

int show_mounts(struct seq *out, struct thread *t, bool thread)
{
	return show_mount_list(out, t, mount_show_mounts);
}

int show_mountinfo(struct seq *out, struct thread *t, bool thread)
{
	return show_mount_list(out, t, mount_show_mountinfo);
}

/* Links. */

static struct file *thread_file(struct thread *t, int fd)
{
	struct files *files = files_grab(t);
	struct file *file;

	if (!files)
		return NULL;
	file = files_get_file(files, fd);
	files_put(files);
	return file;
}

static int link_target(struct inode *inode, struct path *out)
{
	struct pid_node *n = PID_NODE(inode);
	struct thread *t = pid_node_thread(n);
	int err = -EACCES;

	if (!t)
		return -ESRCH;
	if (!may_access(t->process)) {
		thread_put(t);
		return err;
	}
	if (n->fd >= 0) {
		struct file *file = thread_file(t, n->fd);

		err = file ? 0 : -ENOENT;
		if (file) {
			*out = file->path;
			path_get(out);
			file_put(file);
		}
	} else {
		err = n->entry->link(t, out);
	}
	thread_put(t);
	return err;
}

static int jump(struct dentry *dentry, struct inode *inode, struct path *out)
{
	return link_target(inode, out);
}

static void free_body(void *arg)
{
	kfree(arg);
}

static int read_link(struct dentry *dentry, struct inode *inode, struct link_body *out)
{
	struct path path;
	char *buf, *text;
	int err;

	if (!dentry)
		return -ECHILD;
	err = link_target(inode, &path);
	if (err)
		return err;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	err = buf ? d_path(&path, buf, PAGE_SIZE, &text) : -ENOMEM;
	path_put(&path);
	if (err) {
		kfree(buf);
		return err;
	}
	*out = (struct link_body){.text = text, .done = free_body, .arg = buf};
	return 0;
}

const struct inode_ops pid_link_iops = {.get_link = read_link, .jump_link = jump};

/* fd and fdinfo. */

static int parse_fd(const struct dentry *d)
{
	u64 v;

	if (!d->len || d->len > 10 || (d->name[0] == '0' && d->len > 1) ||
	    parse_u64(d->name, 10, &v) || v > INT_MAX)
		return -1;
	return (int)v;
}

/*
 * The number may be closed at any time, and without sleeping we cannot ask: it is looked up again
 * each time.
 */
static bool fd_alive(struct text_owner *owner)
{
	return false;
}

static int fd_lookup(struct inode *dir, struct dentry *dentry, const struct pid_entry *entry,
		     u32 mode)
{
	struct pid_node *n = PID_NODE(dir);
	struct thread *t = pid_node_thread(n);
	int fd = parse_fd(dentry);
	struct file *file = t && fd >= 0 ? thread_file(t, fd) : NULL;
	struct inode *inode;

	if (t)
		thread_put(t);
	if (!file)
		return -ENOENT;
	if (S_ISLNK(mode))
		mode |= (file->mode & FMODE_READ ? 0500u : 0) |
			(file->mode & FMODE_WRITE ? 0300u : 0);
	file_put(file);
	inode = pid_inode(dir->sb, n->pid, entry, mode, n->thread, fd);
	if (!inode)
		return -ENOMEM;
	((struct text_owner *)inode->private)->alive = fd_alive;
	if (S_ISLNK(mode))
		inode->ops = &pid_link_iops;
	d_add(dentry, inode);
	return 0;
}

static int fd_dir_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	return fd_lookup(dir, dentry, NULL, S_IFLNK);
}

static int iterate(struct file *dir, struct dir_context *ctx, unsigned type)
{
	struct pid_node *n = PID_NODE(dir->inode);
	struct thread *t = pid_node_thread(n);
	struct files *files;
	struct file *file;
	char name[12];

	if (!t)
		return -ENOENT;
	files = files_grab(t);
	thread_put(t);
	if (!files)
		return 0;
	if (!dir_emit_dots(dir, ctx))
		goto put;
	unsigned fd = (unsigned)(ctx->pos - 2);
	while ((file = files_next(files, &fd))) {
		int len = snprintf(name, sizeof(name), "%u", fd);

		file_put(file);
		ctx->pos = (loff_t)fd + 2;
		if (!dir_emit(ctx, name, (size_t)len, (u64)n->pid->nr << 20 | (0x1000 + fd), type))
			goto put;
		ctx->pos = (loff_t)++fd + 2;
	}
put:
	files_put(files);
	return 0;
}

static int fd_dir_iterate(struct file *file, struct dir_context *ctx)
{
	return iterate(file, ctx, DT_LNK);
}

const struct inode_ops fd_dir_iops = {.lookup = fd_dir_lookup};
const struct file_ops fd_dir_ops = {.iterate = fd_dir_iterate, .lseek = generic_lseek};

/* fdinfo */

static int fdinfo_show(struct seq *out, void *arg)
{
	struct inode *inode = arg;
	struct pid_node *n = PID_NODE(inode);
	struct thread *t = pid_node_thread(n);
	struct files *files;
	struct file *file = NULL;

	if (!t)
		return -ENOENT;
	files = may_access(t->process) ? files_grab(t) : NULL;
	thread_put(t);
	if (files) {
		file = files_get_file(files, n->fd);
		if (file) {
			unsigned flags =
				file->flags | (files_cloexec(files, n->fd) ? O_CLOEXEC : 0);

			seq_printf(out, "pos:\t%lli\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n",
				   file->pos, flags, file->path.mnt->id, file->inode->ino);
			if (file->ops->show_fdinfo)
				file->ops->show_fdinfo(out, file);
			file_put(file);
		}
		files_put(files);
	}
	return file ? 0 : -ENOENT;
}

static void put_inode(void *arg)
{
	inode_put(arg);
}

static int fdinfo_open(struct inode *inode, struct file *file)
{
	int err = text_file_open(file, fdinfo_show, NULL, inode_get(inode), put_inode);

	if (err)
		inode_put(inode);
	return err;
}

static const struct file_ops fdinfo_ops = {.open = fdinfo_open};
static const struct pid_entry fdinfo_entry = {.fops = &fdinfo_ops};

static int fdinfo_dir_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	return fd_lookup(dir, dentry, &fdinfo_entry, S_IFREG | 0444);
}

static int fdinfo_dir_iterate(struct file *file, struct dir_context *ctx)
{
	return iterate(file, ctx, DT_REG);
}

const struct inode_ops fdinfo_dir_iops = {.lookup = fdinfo_dir_lookup};
const struct file_ops fdinfo_dir_ops = {.iterate = fdinfo_dir_iterate, .lseek = generic_lseek};
