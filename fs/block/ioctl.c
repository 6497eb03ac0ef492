/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ioctl(2) on block devices.  Linux: block/ioctl; the numbers are in the UAPI's <linux/fs.h>.
 *
 * Some old requests carry a long or an unsigned short where one expects an int; programs depend on
 * each width.
 */
#include <fs/vfs/file.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/minmax.h>
#include <mm/mapping.h>
#include <mm/page.h>
#include <mm/usercopy.h>
#include <security/cred.h>
#include "block_internal.h"
#include "direct_internal.h"

#define PUT(type, value, arg) put_user((type)(value), (type __user *)(arg))

static bool is_admin(void)
{
	return capable(CAP_SYS_ADMIN);
}

static long set_read_only(struct bdev *b, const void __user *arg)
{
	int on;

	if (!is_admin())
		return -EACCES;
	if (get_user(on, (const int __user *)arg))
		return -EFAULT;
	atomic_store(&b->read_only, (u32) !!on);
	return 0;
}

static long set_readahead(struct bdev *b, unsigned long sectors)
{
	if (!is_admin())
		return -EACCES;
	bdev_set_readahead(b, sectors);
	return 0;
}

static long set_block_size(struct bdev *b, struct file *f, const int __user *arg)
{
	int size, err;

	if (!is_admin())
		return -EACCES;
	if (!arg)
		return -EINVAL;
	if (get_user(size, arg))
		return -EFAULT;
	if (READ_ONCE(b->holder) && READ_ONCE(b->holder) != f)
		return -EBUSY;
	err = bdev_set_block_size(b, (u32)size);
	return err;
}

static long flush_cache(struct bdev *b)
{
	int err;

	if (!is_admin())
		return -EACCES;
	err = bdev_sync(b, true);
	cache_drop_clean(bdev_mapping(b), 0, ~0ull >> PAGE_SHIFT);
	return err;
}

/* BLKDISCARD, BLKZEROOUT: a start and a length.  Not under a file system's feet. */
static long clear(struct bdev *b, struct file *f, const u64 __user *arg, enum clear_how how)
{
	u64 range[2];
	long err;

	if (!(f->mode & FMODE_WRITE))
		return -EBADF;
	if (how == CLEAR_DISCARD && !bdev_can_discard(b))
		return -EOPNOTSUPP;
	if (copy_from_user(range, arg, sizeof(range)))
		return -EFAULT;
	if (!range[1] || (range[0] | range[1]) & (bdev_logical_block(b) - 1))
		return -EINVAL;
	if (range[0] + range[1] < range[0] || range[0] + range[1] > bdev_bytes(b))
		return -EINVAL;
	if (bdev_read_only(b))
		return -EPERM;
	err = bdev_open_ref(b, BDEV_EXCL, f);
	if (err)
		return err;
	err = bdev_clear_range(b, range[0], range[1], how);
	bdev_close(bdev_get(b), BDEV_EXCL, f);
	return err;
}

/* BLKPG: one partition made, removed or resized by the program's word. */
static long change_partition(struct bdev *b, const struct blkpg_ioctl_arg __user *arg)
{
	u32 align = bdev_logical_block(b) - 1;
	struct blkpg_partition p;
	struct blkpg_ioctl_arg a;
	u64 start, sectors;

	if (!is_admin())
		return -EACCES;
	if (copy_from_user(&a, arg, sizeof(a)) ||
	    copy_from_user(&p, (const void __user *)a.data, sizeof(p)))
		return -EFAULT;
	if (b->partno || p.pno <= 0)
		return -EINVAL;
	if (a.op == BLKPG_DEL_PARTITION)
		return partition_delete(b->disk, (u32)p.pno);
	if (p.start < 0 || p.length <= 0 || p.length > S64_MAX - p.start ||
	    ((u64)p.start | (u64)p.length) & align)
		return -EINVAL;
	start = (u64)p.start >> SECTOR_SHIFT;
	sectors = (u64)p.length >> SECTOR_SHIFT;
	switch (a.op) {
	case BLKPG_ADD_PARTITION: return partition_create(b->disk, (u32)p.pno, start, sectors);
	case BLKPG_RESIZE_PARTITION: return partition_resize(b->disk, (u32)p.pno, start, sectors);
	default: return -EINVAL;
	}
}

static long reread_table(struct bdev *b)
{
	if (b->partno)
		return -EINVAL;
	if (!is_admin())
		return -EACCES;
	return disk_rescan(b->disk);
}

static long get_geometry(struct bdev *b, struct hd_geometry __user *arg)
{
	struct hd_geometry geo = {.heads = 64, .sectors = 32};

	if (b->disk->ops->submit)
		return -ENOTTY;
	geo.cylinders = (unsigned short)(READ_ONCE(b->disk->whole->sectors) / (64 * 32));
	geo.start = READ_ONCE(b->start);
	return copy_to_user(arg, &geo, sizeof(geo));
}

static long get_size(struct bdev *b, void __user *arg)
{
	return PUT(unsigned long, bdev_bytes(b) >> SECTOR_SHIFT, arg);
}

/* What the limits answer. */
static long get_limit(struct bdev *b, unsigned cmd, void __user *arg)
{
	const struct disk_limits *l = &b->disk->limits;

	switch (cmd) {
	case BLKSSZGET: return PUT(int, l->logical_block, arg);
	case BLKPBSZGET: return PUT(unsigned, l->physical_block, arg);
	case BLKIOMIN: return PUT(unsigned, l->io_min, arg);
	case BLKIOOPT: return PUT(unsigned, l->io_opt, arg);
	case BLKALIGNOFF: return PUT(int, 0, arg);
	case BLKDISCARDZEROES: return PUT(unsigned, 0, arg);
	case BLKSECTGET: return PUT(unsigned short, min(l->max_sectors, 0xffffu), arg);
	case BLKROTATIONAL: return PUT(unsigned short, l->rotational, arg);
	default: return -ENOIOCTLCMD;
	}
}

static long get_value(struct bdev *b, unsigned cmd, void __user *arg)
{
	switch (cmd) {
	case BLKGETSIZE: return get_size(b, arg);
	case BLKGETSIZE64: return PUT(u64, bdev_bytes(b), arg);
	case BLKROGET: return PUT(int, bdev_read_only(b), arg);
	case BLKBSZGET: return PUT(int, READ_ONCE(b->block_size), arg);
	case BLKRAGET:
	case BLKFRAGET: return arg ? PUT(long, bdev_readahead(b), arg) : -EINVAL;
	case BLKGETDISKSEQ: return PUT(u64, b->disk->seq, arg);
	default: return get_limit(b, cmd, arg);
	}
}

static long common_ioctl(struct bdev *b, struct file *f, unsigned cmd, unsigned long arg)
{
	void __user *ptr = (void __user *)arg;

	switch (cmd) {
	case BLKROSET: return set_read_only(b, ptr);
	case BLKRASET:
	case BLKFRASET: return set_readahead(b, arg);
	case BLKBSZSET: return set_block_size(b, f, ptr);
	case BLKFLSBUF: return flush_cache(b);
	case BLKRRPART: return reread_table(b);
	case BLKPG: return change_partition(b, ptr);
	case BLKDISCARD: return clear(b, f, ptr, CLEAR_DISCARD);
	case BLKSECDISCARD: return f->mode & FMODE_WRITE ? -EOPNOTSUPP : -EBADF;
	case BLKZEROOUT: return clear(b, f, ptr, CLEAR_ZERO);
	default: return get_value(b, cmd, ptr);
	}
}

long bdev_ioctl(struct file *f, unsigned cmd, unsigned long arg)
{
	struct bdev *b = f->private;
	const struct disk_ops *ops = b->disk->ops;
	long ret = common_ioctl(b, f, cmd, arg);

	if (ret == -ENOIOCTLCMD && ops->ioctl && !disk_test(b->disk, DISK_DEAD))
		ret = ops->ioctl(b,
				 (f->mode & FMODE_READ ? BDEV_READ : 0) |
					 (f->mode & FMODE_WRITE ? BDEV_WRITE : 0),
				 cmd, arg);
	/* The driver's geometry, where the device tells one, comes before the invented one. */
	if (ret == -ENOIOCTLCMD && cmd == HDIO_GETGEO)
		ret = arg ? get_geometry(b, (void __user *)arg) : -EINVAL;
	return ret;
}
