/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regular files: the calls on them, and attributes of all inodes.
 *
 * fsync writes the data, which records itself (data.c), stores times that wait, and then makes sure
 * that the last transaction that changed the inode is on disk; fdatasync the last that changed size
 * or blocks.  Without a journal it writes the metadata of the whole file system in place instead,
 * as there is no telling what the file's reachability depends on.
 */
#include <fs/iomap/iomap.h>
#include <fs/vfs/core.h>
#include <fs/vfs/file.h>
#include <fs/vfs/fsnotify.h>
#include <fs/vfs/posix_acl.h>
#include <fs/vfs/writeback.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/minmax.h>
#include <mm/iov_iter.h>

#include "ext4_map.h"
#include "ext4_space.h"

/* --- syncing --- */

static int sync_in_place(struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);
	int err = cache_write_range(bdev_mapping(es->bdev), 0, S64_MAX, true);

	if (!err && ext4_opt(es, EXT4_OPT_BARRIER))
		err = bdev_flush(es->bdev);
	return err;
}

static int sync_journal(struct inode *inode, bool data_only)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	u32 tid = READ_ONCE(*(data_only ? &ei->datasync_tid : &ei->sync_tid));
	bool flush = ext4_opt(es, EXT4_OPT_BARRIER) && !journal_will_flush(es->journal, tid);
	int err = journal_commit_tid(es->journal, tid);

	if (!err && flush)
		err = bdev_flush(es->bdev);
	return err;
}

int ext4_fsync(struct file *file, loff_t start, loff_t end, bool data_only)
{
	struct inode *inode = file->inode;
	struct ext4_super *es = ext4_inode_super(inode);
	int err = 0, err2;

	if (READ_ONCE(inode->sb->flags) & SB_RDONLY)
		return READ_ONCE(es->aborted) ? -EROFS : 0;
	if (S_ISREG(inode->mode))
		err = file_write_and_wait(file, start, end);
	err2 = inode_sync_attrs(inode, true, data_only);
	err = err ?: err2;
	if (err)
		return err;
	return es->journal ? sync_journal(inode, data_only) : sync_in_place(inode);
}

/* --- reading and writing --- */

/* A direct read of a file whose data turns out to be in the log, data_begin() refuses. */
static ssize_t ext4_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return unlikely(ext4_journals_data(file->inode)) ? generic_read_iter(file, to, pos)
							 : iomap_read_iter(file, to, pos);
}

/* Files without extents end earlier than the superblock says. */
static bool beyond_map(const struct inode *inode, loff_t pos)
{
	return !ext4_has_extents(inode) &&
	       (u64)pos >> inode->sb->blkbits >= ext4_max_blocks(ext4_inode_super(inode), false);
}

/* Locks: inode W, under which alone a file changes its way of writing. */
static ssize_t write_locked(struct file *file, struct iov_iter *from, loff_t *pos)
{
	if (unlikely(beyond_map(file->inode, *pos)))
		return -EFBIG;
	return unlikely(ext4_journals_data(file->inode)) ? generic_write_locked(file, from, pos)
							 : iomap_write_locked(file, from, pos);
}

static ssize_t ext4_write_iter(struct file *file, struct iov_iter *from, loff_t *pos)
{
	return write_iter_by(write_locked, file, from, pos);
}

/*
 * Its content is to be believed only after comparison with a tree of hashes, which is not there:
 * such files can be seen and removed.
 */
static bool is_sealed(const struct inode *inode)
{
	return ext4_inode(inode)->flags & EXT4_VERITY_FL;
}

static int ext4_open(struct inode *inode, struct file *file)
{
	if (is_sealed(inode))
		return -EOPNOTSUPP;
	return 0;
}

/*
 * A file that was cut to nothing and written anew is on its way to the disk when it is closed:
 * rename and replace by other means.
 */
static int ext4_release(struct file *file)
{
	struct inode *inode = file->inode;

	if (ext4_state_test(inode, EXT4_STATE_DA_ALLOC) && file->mode & FMODE_WRITE) {
		ext4_state_clear(inode, EXT4_STATE_DA_ALLOC);
		cache_write_range(&inode->data, 0, S64_MAX, false);
	}
	return 0;
}

/* --- attributes --- */

/* What depends on the size, before it is stored.  Locks: inode W. */
static int size_prepare(struct inode *inode, loff_t size)
{
	int err;

	if (size > inode->size)
		return beyond_map(inode, size - 1) ? -EFBIG : 0;
	/* Blocks beyond the end may exist even if the size stays. */
	err = ext4_truncate_page(inode, (u64)size);
	/* What is under way without the zeroes arrives first (advance_size). */
	return err
		       ?: cache_wait_range(&inode->data, size & ~(loff_t)(PAGE_SIZE - 1),
					   size | (loff_t)(PAGE_SIZE - 1));
}

/* The new size into inode and transaction, with the times. */
static int size_store(struct inode *inode, const struct iattr *attr, bool shrink)
{
	struct ext4_inode_loc loc;
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_ORPHAN + EXT4_CREDITS_INODE + 1, &h),
	    err2;

	if (err)
		return err;
	err = ext4_inode_reserve(h, inode, &loc);
	if (err)
		goto stop;
	if (shrink)
		err = ext4_orphan_add(h, inode);
	if (err) {
		buffer_put(loc.buffer);
		goto stop;
	}
	ext4_size_set(inode, attr->size);
	setattr_copy(inode, attr);
	err = ext4_inode_store(h, inode, &loc);
stop:
	err2 = ext4_stop(h);
	return err ?: err2;
}

/* The page cache is as it will be: for want of memory alone there is no way back. */
static int size_store_surely(struct inode *inode, const struct iattr *attr, bool shrink)
{
	return until_memory(size_store(inode, attr, shrink));
}

static int size_grow(struct inode *inode, const struct iattr *attr)
{
	u64 old = (u64)inode->size, last = old >> PAGE_SHIFT;
	int err = ext4_extend(inode, (u64)attr->size) ?: ext4_tail_settle(inode);

	if (err) {
		WRITE_ONCE(inode->size, (loff_t)old);
		cache_truncate(&inode->data, (loff_t)old);
		return err;
	}
	/* A store behind the old end has to ask again. */
	mapping_unmap(&inode->data, last, last, false);
	return size_store_surely(inode, attr, false);
}

static int set_size(struct inode *inode, const struct iattr *attr)
{
	bool shrink = attr->size <= inode->size;
	int err;

	if (!S_ISREG(inode->mode))
		return S_ISDIR(inode->mode) ? -EISDIR : -EINVAL;
	err = size_prepare(inode, attr->size);
	if (err)
		return err;
	if (!shrink)
		return size_grow(inode, attr);
	if (!attr->size && inode->size)
		ext4_state_set(inode, EXT4_STATE_DA_ALLOC);
	err = size_store_surely(inode, attr, true);
	if (err)
		return err;
	cache_truncate(&inode->data, attr->size);
	return ext4_truncate(inode);
}

static int set_others(struct inode *inode, const struct iattr *attr)
{
	struct ext4_inode_loc loc;
	struct handle *h;
	int err = ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE + 1, &h), err2;

	if (err)
		return err;
	err = ext4_inode_reserve(h, inode, &loc);
	if (!err) {
		setattr_copy(inode, attr);
		err = ext4_inode_store(h, inode, &loc);
	}
	err2 = ext4_stop(h);
	return err ?: err2;
}

int ext4_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *attr)
{
	struct iattr a = *attr;
	int err = setattr_prepare(inode, &a);

	if (!err && is_sealed(inode))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	err = a.valid & ATTR_SIZE ? set_size(inode, &a) : set_others(inode, &a);
	/* The mode is stored: the list has to follow. */
	if (!err && a.valid & ATTR_MODE)
		err = until_memory(posix_acl_chmod(inode));
	return err;
}

int ext4_getattr(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		 unsigned flags)
{
	static const struct {
		u32 flag;
		u64 attribute;
	} same[] = {
		{EXT4_APPEND_FL, STATX_ATTR_APPEND},     {EXT4_COMPR_FL, STATX_ATTR_COMPRESSED},
		{EXT4_ENCRYPT_FL, STATX_ATTR_ENCRYPTED}, {EXT4_IMMUTABLE_FL, STATX_ATTR_IMMUTABLE},
		{EXT4_NODUMP_FL, STATX_ATTR_NODUMP},     {EXT4_VERITY_FL, STATX_ATTR_VERITY},
	};
	const struct ext4_inode *ei = ext4_inode(inode);

	generic_fillattr(inode, out);
	if (mask & STATX_BTIME && EXT4_EXTRA_FITS(ei->extra_isize, crtime) && ei->extra_isize)
		out->result_mask |= STATX_BTIME;
	for (unsigned i = 0; i < ARRAY_SIZE(same); i++) {
		out->attributes_mask |= same[i].attribute;
		if (ei->flags & same[i].flag)
			out->attributes |= same[i].attribute;
	}
	if (mask & STATX_DIOALIGN && S_ISREG(inode->mode)) {
		out->result_mask |= STATX_DIOALIGN;
		out->dio_mem_align = out->dio_offset_align =
			bdev_logical_block(ext4_inode_super(inode)->bdev);
	}
	/* What is promised counts as had. */
	out->blocks += (u64)(READ_ONCE(ei->delayed) + READ_ONCE(ei->pending))
		       << (inode->sb->blkbits - SECTOR_SHIFT);
	return 0;
}

const struct file_ops ext4_file_ops = {
	.read_iter = ext4_read_iter,
	.write_iter = ext4_write_iter,
	.lseek = iomap_lseek,
	.mmap = generic_file_mmap,
	.open = ext4_open,
	.release = ext4_release,
	.fsync = ext4_fsync,
	.fallocate = ext4_fallocate,
	.ioctl = ext4_ioctl,
	.splice_read = splice_read_pages,
};

const struct inode_ops ext4_file_inode_ops = {
	.setattr = ext4_setattr,
	.getattr = ext4_getattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
	.get_acl = ext4_get_acl,
	.set_acl = ext4_set_acl,
	.fileattr_get = ext4_fileattr_get,
	.fileattr_set = ext4_fileattr_set,
	.extents = iomap_for_each_extent,
};
