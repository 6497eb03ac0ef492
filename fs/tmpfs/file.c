/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Content of tmpfs files, and files of the internal mount: memfd and shared memory. */
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/fs.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>

#include "tmpfs_internal.h"

static struct shmem *inode_shmem(struct inode *inode)
{
	return &tmpfs_inode(inode)->shmem;
}

static ssize_t tmpfs_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	ssize_t n = shmem_read_iter(inode_shmem(f->inode), to, pos);

	file_accessed(f);
	return n;
}

static ssize_t tmpfs_write(struct file *f, struct iov_iter *from, loff_t *pos)
{
	struct inode *inode = f->inode;
	struct shmem *s = inode_shmem(inode);
	ssize_t n;

	rwsem_write_lock(&inode->lock);
	n = generic_write_prepare(f, from, pos);
	if (n > 0) {
		n = shmem_write_iter(s, from, pos);
		WRITE_ONCE(inode->size, (loff_t)s->size);
	}
	rwsem_write_unlock(&inode->lock);
	return n;
}

static loff_t tmpfs_lseek(struct file *f, loff_t offset, int whence)
{
	struct inode *inode = f->inode;

	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		if (offset < 0 || offset >= READ_ONCE(inode->size))
			return -ENXIO;
		offset = shmem_seek(inode_shmem(inode), offset, whence == SEEK_DATA);
		if (offset >= 0)
			f->pos = offset;
		return offset;
	}
	return generic_lseek(f, offset, whence);
}

static int tmpfs_mmap(struct file *f, struct vma *vma)
{
	file_accessed(f);
	return shmem_mmap(inode_shmem(f->inode), vma);
}

static long tmpfs_fallocate(struct file *f, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = f->inode;
	struct shmem *s = inode_shmem(inode);
	int err = 0;

	rwsem_write_lock(&inode->lock);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		err = inode_newsize_ok(inode, offset + len);
	if (!err)
		err = shmem_fallocate(s, mode, offset, len);
	if (!err) {
		WRITE_ONCE(inode->size, (loff_t)s->size);
		inode_touch(inode,
			    mode & FALLOC_FL_PUNCH_HOLE ? ATTR_MTIME | ATTR_CTIME : ATTR_CTIME);
	}
	rwsem_write_unlock(&inode->lock);
	return err;
}

const struct file_ops tmpfs_file_ops = {
	.read_iter = tmpfs_read,
	.write_iter = tmpfs_write,
	.lseek = tmpfs_lseek,
	.mmap = tmpfs_mmap,
	.fsync = noop_fsync,
	.splice_read = splice_read_pages,
	.fallocate = tmpfs_fallocate,
};

/* ramfs, which on Linux knows no fallocate(2). */
const struct file_ops ramfs_file_ops = {
	.read_iter = tmpfs_read,
	.write_iter = tmpfs_write,
	.lseek = tmpfs_lseek,
	.mmap = tmpfs_mmap,
	.fsync = noop_fsync,
	.splice_read = splice_read_pages,
};

int tmpfs_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *attr)
{
	struct iattr a = *attr;
	int err = setattr_prepare(inode, &a);

	if (err)
		return err;
	if ((a.valid & ATTR_SIZE) && S_ISREG(inode->mode)) {
		struct shmem *s = inode_shmem(inode);

		if ((u64)a.size != s->size) {
			err = shmem_truncate(s, a.size);
			if (err)
				return err;
			WRITE_ONCE(inode->size, a.size);
			a.valid |= ATTR_MTIME | ATTR_CTIME;
		}
	}
	setattr_copy(inode, &a);
	return a.valid & ATTR_MODE ? posix_acl_chmod(inode) : 0;
}

int tmpfs_getattr(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		  unsigned flags)
{
	generic_fillattr(inode, out);
	out->result_mask |= STATX_BTIME;
	if (S_ISREG(inode->mode))
		out->blocks = READ_ONCE(inode_shmem(inode)->allocated) * 8;
	return 0;
}

/* Files of no directory */

static struct mount *shm_mount;

static void shm_name(struct dentry *d, struct seq *out)
{
	seq_printf(out, "/%s (deleted)", d->name);
}

static const struct dentry_ops shm_dentry_ops = { .dname = shm_name };

int tmpfs_file_create(const char *name, loff_t size, u32 seals, umode_t mode, u32 flags,
		      struct file **out)
{
	struct inode *inode = tmpfs_new_inode(shm_mount->sb, NULL, S_IFREG | mode, 0);
	int err;

	if (!inode)
		return -ENOSPC;
	inode->nlink = 0;
	inode->size = size;
	inode_shmem(inode)->size = size;
	inode_shmem(inode)->seals = seals;
	err = inode_file_create(shm_mount, inode, name, &shm_dentry_ops, &tmpfs_file_ops, flags,
				out);
	if (err) {
		inode_put(inode);
		return err;
	}
	(*out)->mode |= FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS;
	return 0;
}

struct shmem *file_shmem(struct file *f)
{
	return f->ops == &tmpfs_file_ops ? inode_shmem(f->inode) : NULL;
}

void tmpfs_init(void)
{
	VERIFY(!kern_mount_internal("tmpfs", &shm_mount));
	struct tmpfs_sb *ts = shm_mount->sb->private;

	ts->max_pages = ts->max_inodes = 0;
}
