/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Content of files: extents for fs/iomap, sizes, preallocation, the FAT ioctls.
 *
 * A file has no holes: its chain covers its size, and every byte below the size was written.  A
 * write beyond the end therefore writes the zeroes in between (iomap_extend does, as `begin`
 * answers with blocks).  Clusters are allocated when a write comes, not when it is written back, so
 * a full disk is known at once; what a write did not use is given back by `end`.
 *
 * The chain may be longer than the size: fallocate(2) with FALLOC_FL_KEEP_SIZE, until the file is
 * last used.
 */
#include <fs/iomap/iomap.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/ioctl.h>
#include <kernel/abi/msdos.h>
#include <kernel/lib/minmax.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "fat_internal.h"

/* --- extents ---------------------------------------------------------------------------------- */

#define HOLE_END (1ull << 40)

/* Answer with what follows `pos` in the chain; a hole behind its end. */
static int map_chain(struct inode *inode, u64 pos, u64 len, struct iomap *out)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 index = (u32)(pos >> fs->cluster_bits), cluster, count;
	u64 want = ((pos + min(len, 1ull << 31) - 1) >> fs->cluster_bits) - index + 1;
	int err = pos >> 32 ? 0 : fat_chain_map(inode, index, (u32)want, &cluster, &count);

	if (err)
		return err;
	out->offset = pos & ~((1ull << fs->cluster_bits) - 1);
	out->type = IOMAP_HOLE;
	out->length = HOLE_END;
	if (pos >> 32 || !count)
		return 0;
	out->type = IOMAP_MAPPED;
	out->flags = IOMAP_F_MERGED;
	out->addr = (u64)fat_cluster_sector(fs, cluster) << fs->sb->blkbits;
	out->length = (u64)count << fs->cluster_bits;
	return 0;
}

/* Make the chain cover [0, end), or as much of it as the disk has, but more than `pos`. */
static int reserve(struct inode *inode, u64 pos, u64 end)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 need = fat_size_clusters(fs, end), must = (u32)(pos >> fs->cluster_bits) + 1, have, got;
	int err = fat_chain_count(inode, &have);

	while (!err && have < need) {
		err = fat_chain_grow(inode, need - have, &got);
		if (!err)
			have += got;
	}
	return err == -ENOSPC && have >= must ? 0 : err;
}

static int fat_iomap_begin(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *out)
{
	bool grows = flags & IOMAP_WRITE && !(flags & IOMAP_FAULT);
	u32 before;
	int err;

	if (grows) {
		if (flags & IOMAP_DIRECT && pos + len > (u64)inode->size)
			return -ENOTBLK;
		err = fat_chain_count(inode, &before);
		if (!err)
			err = reserve(inode, pos, pos + len);
		if (err)
			return err;
		out->private = (void *)((unsigned long)before + 1);
	}
	err = map_chain(inode, pos, len, out);
	if (!err && out->type == IOMAP_HOLE && (flags & IOMAP_WRITE || pos < (u64)inode->size) &&
	    !(flags & IOMAP_REPORT))
		err = fat_error(fat_sb(inode->sb),
				"the chain of file %llu is shorter than its size",
				inode->ino);
	return err;
}

static int fat_iomap_end(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags,
			 struct iomap *map)
{
	u32 before = (u32)(unsigned long)map->private - 1, keep;

	if (!map->private || done >= min(len, map->offset + map->length - pos))
		return 0;
	keep = max(before, fat_size_clusters(fat_sb(inode->sb), inode->size));
	return fat_i(inode)->clusters > keep ? fat_chain_cut(inode, keep) : 0;
}

static int fat_map_writeback(struct inode *inode, u64 pos, u64 len, struct iomap *out)
{
	return map_chain(inode, pos, len, out);
}

static void fat_iomap_cut(struct inode *inode, u64 size)
{
	(void)fat_truncate(inode, size);
}

const struct iomap_ops fat_iomap_ops = {
	.begin = fat_iomap_begin,
	.end = fat_iomap_end,
	.map_writeback = fat_map_writeback,
	.cut = fat_iomap_cut,
};

/* --- sizes ------------------------------------------------------------------------------------ */

int fat_truncate(struct inode *inode, u64 size)
{
	int err = iomap_truncate_page(inode, size);

	if (err)
		return err;
	WRITE_ONCE(inode->size, (loff_t)size);
	cache_truncate(&inode->data, (loff_t)size);
	err = fat_chain_cut(inode, fat_size_clusters(fat_sb(inode->sb), size));
	inode_touch(inode, ATTR_MTIME | ATTR_CTIME);
	inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
	return err;
}

static int preallocate(struct inode *inode, u64 end)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 have, got, need = fat_size_clusters(fs, end);
	int err = fat_chain_count(inode, &have);

	for (; !err && have < need; have += got)
		err = fat_chain_grow(inode, need - have, &got);
	return err;
}

static long fat_fallocate(struct file *file, int mode, loff_t offset, loff_t len)
{
	struct inode *inode = file->inode;
	long err = 0;

	if (mode & ~FALLOC_FL_KEEP_SIZE || !S_ISREG(inode->mode))
		return -EOPNOTSUPP;
	rwsem_write_lock(&inode->lock);
	if (mode & FALLOC_FL_KEEP_SIZE)
		err = preallocate(inode, (u64)(offset + len));
	else if (offset + len > inode->size)
		err = iomap_extend(inode, (u64)(offset + len));
	rwsem_write_unlock(&inode->lock);
	return err;
}

int fat_fsync(struct file *file, loff_t start, loff_t end, bool data_only)
{
	struct fat_sb *fs = fat_sb(file->inode->sb);
	int err = generic_fsync(file, start, end, data_only), later;

	later = bdev_sync(fs->bdev, true);
	err = err ? err : later;
	later = bdev_flush(fs->bdev);
	return err ? err : later;
}

/* With `flush` a file that was written goes to the disk when it is closed: for media that get
 * pulled. */
static int fat_release(struct file *file)
{
	struct fat_sb *fs = fat_sb(file->inode->sb);

	if (file->mode & FMODE_WRITE && fs->o.flush) {
		(void)inode_sync(file->inode, false, false);
		(void)bdev_sync(fs->bdev, false);
	}
	return 0;
}

/* --- ioctl ------------------------------------------------------------------------------------ */

static int change_attrs(struct file *file, u8 attr)
{
	struct inode *inode = file->inode;
	struct fat_sb *fs = fat_sb(inode->sb);
	bool is_dir = S_ISDIR(inode->mode);
	struct iattr change = {.valid = ATTR_MODE | ATTR_CTIME};
	u8 old = fat_make_attrs(inode);
	int err;

	attr = (attr & (u8) ~(FAT_ATTR_VOLUME | FAT_ATTR_DIR)) |
	       (old & (FAT_ATTR_VOLUME | FAT_ATTR_DIR));
	if (inode->ino == FAT_ROOT_INO && attr != FAT_ATTR_DIR)
		return -EINVAL;
	if (fs->o.sys_immutable && (attr ^ old) & FAT_ATTR_SYS && !capable(CAP_LINUX_IMMUTABLE))
		return -EPERM;
	change.mode = fat_make_mode(fs, attr, is_dir ? 0777 : 0666 | (inode->mode & 0111));
	change.ctime = inode->ctime;
	err = fat_setattr(file->path.dentry, inode, &change);
	if (err)
		return err;
	if (fs->o.sys_immutable)
		inode->flags = attr & FAT_ATTR_SYS ? inode->flags | S_IMMUTABLE
						   : inode->flags & ~(u32)S_IMMUTABLE;
	fat_save_attrs(inode, attr);
	inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
	return 0;
}

static long set_attrs(struct file *file, const u32 __user *arg)
{
	u32 attr;
	int err;

	if (get_user(attr, arg))
		return -EFAULT;
	err = mount_want_write(file->path.mnt);
	if (err)
		return err;
	rwsem_write_lock(&file->inode->lock);
	err = change_attrs(file, (u8)attr);
	rwsem_write_unlock(&file->inode->lock);
	mount_drop_write(file->path.mnt);
	return err;
}

/* The range in clusters, where the first byte of the first cluster that may be free is 2's. */
static int trim_range(struct fat_sb *fs, struct fstrim_range *range)
{
	u64 first = max(range->start >> fs->cluster_bits, (u64)2),
	    end = min(first + (range->len >> fs->cluster_bits), (u64)fs->cluster_limit), trimmed;
	int err;

	range->minlen = max(range->minlen, (u64)bdev_discard_granularity(fs->bdev));
	if (first >= fs->cluster_limit || range->len < 1u << fs->cluster_bits)
		return -EINVAL;
	err = fat_trim(fs, (u32)first, (u32)end,
		       (u32)min(range->minlen >> fs->cluster_bits, (u64)U32_MAX), &trimmed);
	range->len = trimmed << fs->cluster_bits;
	return err;
}

static long trim(struct fat_sb *fs, struct fstrim_range __user *arg)
{
	struct fstrim_range range;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!bdev_can_discard(fs->bdev))
		return -EOPNOTSUPP;
	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	err = trim_range(fs, &range);
	return err ?: copy_to_user(arg, &range, sizeof(range));
}

long fat_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	u32 __user *to = (u32 __user *)arg;

	switch (cmd) {
	case FAT_IOCTL_GET_ATTRIBUTES: return put_user((u32)fat_make_attrs(file->inode), to);
	case FAT_IOCTL_SET_ATTRIBUTES: return set_attrs(file, to);
	case FITRIM: return trim(fat_sb(file->inode->sb), (struct fstrim_range __user *)arg);
	case FAT_IOCTL_GET_VOLUME_ID: return put_user(fat_sb(file->inode->sb)->volume_id, to);
	case FIBMAP: return iomap_ioctl(file, cmd, arg);
	default: return -ENOIOCTLCMD;
	}
}

const struct file_ops fat_file_ops = {
	.read_iter = iomap_read_iter,
	.write_iter = iomap_write_iter,
	.splice_read = splice_read_pages,
	.lseek = generic_lseek,
	.mmap = generic_file_mmap,
	.fsync = fat_fsync,
	.fallocate = fat_fallocate,
	.release = fat_release,
	.ioctl = fat_ioctl,
};

const struct inode_ops fat_file_inode_ops = {
	.setattr = fat_setattr,
	.getattr = fat_getattr,
	.update_time = fat_update_time,
	.extents = iomap_for_each_extent,
};
