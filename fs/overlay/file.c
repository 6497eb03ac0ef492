/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Open files of an overlay: each has a real file behind it, which does the work.
 *
 * Opening for writing copies up first.  A file opened for reading before a copy-up goes on with the
 * lower file until it is next used: then it gets the upper one.  Pages are the real file's
 * (file.mapping), so a mapping made before a copy-up stays with the lower file, as on Linux.
 */
#include <kernel/abi/fcntl.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include <mm/space.h>

#include "overlay_internal.h"

struct overlay_file {
	struct file *real;  /* [I] opened first */
	struct file *later; /* [a] the upper one, after a copy-up; set once */
};

#define NOT_FOR_REAL (O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_DIRECTORY)

static int real_open(struct file *f, struct file **out)
{
	struct path path;

	overlay_real_path(f->inode, &path);
	return file_open(&path, f->flags & ~(u32)NOT_FOR_REAL, overlay_of(f->inode->sb)->cred, out);
}

static int overlay_open(struct inode *inode, struct file *f)
{
	struct overlay_file *of;
	int err = 0;

	if ((f->flags & O_ACCMODE) != O_RDONLY)
		err = f->flags & O_TRUNC ? overlay_copy_up_size(f->path.dentry, 0)
					 : overlay_copy_up(f->path.dentry);
	if (err)
		return err;
	of = kzalloc(sizeof(*of), GFP_KERNEL);
	if (!of)
		return -ENOMEM;
	err = real_open(f, &of->real);
	if (err) {
		kfree(of);
		return err;
	}
	f->private = of;
	f->mapping = of->real->mapping;
	f->mode |= of->real->mode & FMODE_NOWAIT;
	return 0;
}

static int overlay_release(struct file *f)
{
	struct overlay_file *of = f->private;

	file_put(of->real);
	if (of->later)
		file_put(of->later);
	kfree(of);
	return 0;
}

/* The real file of now. */
static int real_file(struct file *f, struct file **out)
{
	struct overlay_file *of = f->private;
	struct file *later = atomic_load_acquire(&of->later), *none = NULL;
	int err;

	*out = later ?: of->real;
	if (later || of->real->inode == overlay_real(f->inode)->inode)
		return 0;
	err = real_open(f, &later);
	if (err)
		return err;
	if (!atomic_cmpxchg(&of->later, &none, later)) {
		file_put(later);
		later = none;
	}
	*out = later;
	return 0;
}

static ssize_t overlay_read_iter(struct file *f, struct iov_iter *to, loff_t *pos)
{
	const struct cred *old;
	struct file *real;
	ssize_t n = real_file(f, &real);

	if (n)
		return n;
	old = cred_override(overlay_of(f->inode->sb)->cred);
	n = vfs_read_iter(real, to, pos);
	cred_revert(old);
	file_accessed(f);
	return n;
}

static ssize_t overlay_write_iter(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = f->inode;
	const struct cred *old;
	struct file *real;
	ssize_t n = real_file(f, &real);

	if (n)
		return n;
	guard_write(&inode->lock);
	n = file_remove_privs(f);
	if (n)
		return n;
	old = cred_override(overlay_of(inode->sb)->cred);
	n = vfs_write_iter(real, from, pos);
	cred_revert(old);
	overlay_copy_attr(inode);
	return n;
}

static int overlay_mmap(struct file *f, struct vma *vma)
{
	struct overlay_file *of = f->private;

	/* The pages of of->real: what f->mapping says. */
	file_accessed(f);
	return of->real->ops->mmap ? of->real->ops->mmap(of->real, vma) : -ENODEV;
}

static int overlay_fsync(struct file *f, loff_t start, loff_t end, bool data_only)
{
	struct file *real;
	int err;

	if (overlay_of(f->inode->sb)->volatile_)
		return 0;
	err = real_file(f, &real);
	if (err || !overlay_upper(f->inode))
		return err;
	return real->ops->fsync ? real->ops->fsync(real, start, end, data_only) : -EINVAL;
}

static loff_t overlay_lseek(struct file *f, loff_t offset, int whence)
{
	struct file *real;
	loff_t pos;
	int err = real_file(f, &real);

	if (err)
		return err;
	/* Ends and holes are the real file's; positions are ours. */
	real->pos = f->pos;
	pos = real->ops->lseek ? real->ops->lseek(real, offset, whence) : -ESPIPE;
	if (pos >= 0)
		f->pos = pos;
	return pos;
}

static long overlay_fallocate(struct file *f, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = f->inode;
	const struct cred *old;
	struct file *real;
	long err = real_file(f, &real);

	if (err)
		return err;
	if (!real->ops->fallocate)
		return -EOPNOTSUPP;
	guard_write(&inode->lock);
	old = cred_override(overlay_of(inode->sb)->cred);
	err = real->ops->fallocate(real, mode, offset, len);
	cred_revert(old);
	overlay_copy_attr(inode);
	return err;
}

/* Where the data is: the rest is not for the file below to say. */
static long overlay_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	const struct cred *old;
	struct file *real;
	long ret;

	if (cmd != FS_IOC_FIEMAP)
		return -ENOIOCTLCMD;
	ret = real_file(f, &real);
	if (ret)
		return ret;
	if (!real->ops->ioctl)
		return -ENOIOCTLCMD;
	old = cred_override(overlay_of(f->inode->sb)->cred);
	ret = real->ops->ioctl(real, cmd, arg);
	cred_revert(old);
	return ret;
}

/* O_APPEND and its like change on the real file too. */
static int overlay_setfl(struct file *f, unsigned flags)
{
	const u32 settable = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
	struct file *real;
	int err = real_file(f, &real);

	if (err)
		return err;
	if (real->ops->setfl)
		err = real->ops->setfl(real, flags);
	if (err)
		return err;
	guard_spin(&real->lock);
	real->flags = (real->flags & ~settable) | (flags & settable);
	return 0;
}

const struct file_ops overlay_file_ops = {
	.open = overlay_open,
	.release = overlay_release,
	.read_iter = overlay_read_iter,
	.write_iter = overlay_write_iter,
	.mmap = overlay_mmap,
	.fsync = overlay_fsync,
	.lseek = overlay_lseek,
	.fallocate = overlay_fallocate,
	.ioctl = overlay_ioctl,
	.setfl = overlay_setfl,
};
