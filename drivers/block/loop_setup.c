/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binding loop devices to files, changing them, unbinding: ioctls of /dev/loopN.  loop(4)
 *
 * A device is unbound at once by nobody: LOOP_CLR_FD and LO_FLAGS_AUTOCLEAR both mean "when the
 * last one closes it", which is at the end of the call for a device that only the caller has open.
 */
#include "loop_internal.h"
#include <fs/sysfs/sysfs.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/limits.h>
#include <kernel/device/device.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/mapping.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#define NESTING_LIMIT 10

/* --- backing files ---------------------------------------------------------------------------- */

/* The loop device that an open file is a node of, or NULL. */
static struct loop *loop_of_file(const struct file *f)
{
	const struct bdev *b = f->private;

	return S_ISBLK(f->inode->mode) && disk_is(b->disk, &loop_ops) ? disk_private(b->disk)
								      : NULL;
}

static void file_set(struct loop *l, struct file *f)
{
	guard_spin(&l->lock);
	l->file = f;
}

/* A file or a device, and not in the end this device itself.  Returns 0, -EINVAL, -EBADF. */
static int backing_check(const struct loop *l, const struct file *f)
{
	const struct loop *under;

	for (unsigned depth = 0; (under = loop_of_file(f)) != NULL; depth++) {
		if (under == l || depth == NESTING_LIMIT)
			return -EBADF;
		if (READ_ONCE(under->state) != LOOP_BOUND)
			return -EINVAL;
		f = READ_ONCE(under->file);
	}
	return S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode) ? 0 : -EINVAL;
}

/* What the file's own device asks of direct transfers; 0: there are none. */
static u32 direct_block(const struct file *f)
{
	if (S_ISBLK(f->inode->mode))
		return bdev_logical_block(f->private);
	return f->inode->sb->bdev ? bdev_logical_block(super_bdev(f->inode->sb)) : 0;
}

/* Open or let go of the second file, with O_DIRECT.  Locks: config; nothing runs. */
static int direct_set(struct loop *l, bool on)
{
	u32 block = direct_block(l->file), own = bdev_logical_block(disk_whole(l->disk));
	u32 mode = l->file->flags & (O_ACCMODE | O_LARGEFILE);

	if (on == !!l->direct)
		return 0;
	if (!on) {
		file_put(l->direct);
		l->direct = NULL;
		l->flags &= ~(u32)LO_FLAGS_DIRECT_IO;
		return 0;
	}
	if (!block || own < block || l->offset & (block - 1))
		return -EINVAL;
	if (file_open(&l->file->path, mode | O_DIRECT, l->file->cred, &l->direct)) {
		l->direct = NULL;
		return -EINVAL;
	}
	l->flags |= LO_FLAGS_DIRECT_IO;
	return 0;
}

/* --- what it is ------------------------------------------------------------------------------- */

static int block_size_check(u32 size)
{
	return size < SECTOR_SIZE || size > PAGE_SIZE || size & (size - 1) ? -EINVAL : 0;
}

/* Offset, limit and name; flags are the caller's business.  Locks: config. */
static int info_take(struct loop *l, const struct loop_info64 *info)
{
	if (info->lo_encrypt_type)
		return -EINVAL;
	if (info->lo_offset > S64_MAX || info->lo_sizelimit > S64_MAX)
		return -EOVERFLOW;
	l->offset = info->lo_offset;
	l->size_limit = info->lo_sizelimit;
	memcpy(l->name, info->lo_file_name, LO_NAME_SIZE);
	l->name[LO_NAME_SIZE - 1] = 0;
	return 0;
}

static void limits_set(struct loop *l, u32 block)
{
	struct disk_limits *lim = disk_limits(l->disk);
	bool punch = l->file->ops->fallocate;

	disk_set_blocks(l->disk, block, block);
	lim->discard_granularity = punch ? PAGE_SIZE : 0;
	lim->max_discard_sectors = lim->max_zeroes_sectors = punch ? 1u << 22 : 0;
}

/* Partitions appear, as asked for.  Locks: config. */
static void scan(struct loop *l)
{
	disk_set_partitions(l->disk, true);
	(void)!disk_rescan(l->disk);
}

/* --- binding ---------------------------------------------------------------------------------- */

static u32 default_block(const struct loop *l, const struct loop_config *c)
{
	if (c->block_size)
		return c->block_size;
	return (l->file->flags & O_DIRECT || l->flags & LO_FLAGS_DIRECT_IO)
		       ? direct_block(l->file) ?: SECTOR_SIZE
		       : SECTOR_SIZE;
}

/* Locks: config.  Takes over the reference to `f` on success. */
static int bind(struct loop *l, struct file *f, unsigned mode, const struct loop_config *c)
{
	int err = backing_check(l, f);

	if (err)
		return err;
	if (l->state != LOOP_UNBOUND)
		return -EBUSY;
	if (c->info.lo_flags & ~(u32)LOOP_CONFIGURE_SETTABLE_FLAGS ||
	    (c->block_size && block_size_check(c->block_size)))
		return -EINVAL;
	err = info_take(l, &c->info);
	if (err)
		return err;
	file_set(l, f);
	l->flags = c->info.lo_flags & ~(u32)LO_FLAGS_DIRECT_IO;
	if (!(f->mode & FMODE_CAN_WRITE) || !(mode & BDEV_WRITE))
		l->flags |= LO_FLAGS_READ_ONLY;
	limits_set(l, default_block(l, c));
	if (c->info.lo_flags & LO_FLAGS_DIRECT_IO)
		(void)!direct_set(l, true);
	disk_set_read_only(l->disk, l->flags & LO_FLAGS_READ_ONLY);
	disk_set_write_cache(l->disk, !(l->flags & LO_FLAGS_READ_ONLY) && f->ops->fsync);
	WRITE_ONCE(l->state, LOOP_BOUND);
	disk_set_capacity(l->disk, loop_sectors(l));
	loop_attributes(l, true);
	disk_changed(l->disk);
	if (l->flags & LO_FLAGS_PARTSCAN)
		scan(l);
	return 0;
}

static long configure(struct loop *l, unsigned mode, const struct loop_config *c)
{
	struct file *f = fd_file((int)c->fd);
	int err;

	if (!f)
		return -EBADF;
	with_mutex(&l->config) err = bind(l, f, mode, c);
	if (err)
		file_put(f);
	return err;
}

/*
 * Nobody has it open any more.  Locks: config.  Returns the file, to be put without the lock: its
 * end may unbind the loop device it lies on.
 */
static struct file *unbind(struct loop *l)
{
	struct file *file = l->file;

	WRITE_ONCE(l->state, LOOP_RUNDOWN);
	loop_idle(l);
	disk_set_capacity(l->disk, 0);
	if (l->flags & LO_FLAGS_PARTSCAN)
		(void)!disk_rescan(l->disk);
	disk_set_partitions(l->disk, false);
	loop_attributes(l, false);
	(void)!direct_set(l, false);
	file_set(l, NULL);
	l->offset = l->size_limit = 0;
	l->flags = 0;
	memset(l->name, 0, sizeof(l->name));
	disk_set_read_only(l->disk, false);
	disk_set_write_cache(l->disk, false);
	disk_set_blocks(l->disk, SECTOR_SIZE, SECTOR_SIZE);
	WRITE_ONCE(l->state, LOOP_UNBOUND);
	disk_changed(l->disk);
	return file;
}

void loop_closed(struct disk *disk)
{
	struct loop *l = disk_private(disk);
	struct file *file = NULL;

	with_mutex(&l->config)
	{
		if (!disk_openers(disk) &&
		    (l->state == LOOP_RUNDOWN ||
		     (l->state == LOOP_BOUND && l->flags & LO_FLAGS_AUTOCLEAR)))
			file = unbind(l);
	}
	if (file)
		file_put(file);
}

static long clear_fd(struct loop *l)
{
	guard_mutex(&l->config);
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	l->flags |= LO_FLAGS_AUTOCLEAR;
	if (disk_openers(l->disk) == 1) {
		/* What was written through this opening reaches the file. */
		bdev_sync(disk_whole(l->disk), true);
		WRITE_ONCE(l->state, LOOP_RUNDOWN);
	}
	return 0;
}

/* --- changing --------------------------------------------------------------------------------- */

static long set_status(struct loop *l, const struct loop_info64 *info)
{
	u32 old = l->flags;
	int err;

	if (l->state != LOOP_BOUND)
		return -ENXIO;
	if (l->offset != info->lo_offset || l->size_limit != info->lo_sizelimit)
		disk_forget(l->disk);
	err = info_take(l, info);
	if (err)
		return err;
	l->flags = info->lo_flags & LOOP_SET_STATUS_SETTABLE_FLAGS;
	l->flags |= old & ~(u32)LOOP_SET_STATUS_SETTABLE_FLAGS;
	l->flags |= old & ~(u32)LOOP_SET_STATUS_CLEARABLE_FLAGS;
	if (l->direct && l->offset & (direct_block(l->file) - 1))
		(void)!direct_set(l, false);
	disk_set_capacity(l->disk, loop_sectors(l));
	if (l->flags & LO_FLAGS_PARTSCAN && !(old & LO_FLAGS_PARTSCAN))
		scan(l);
	return 0;
}

static long get_status(struct loop *l, struct loop_info64 *info)
{
	struct inode *inode;

	guard_mutex(&l->config);
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	inode = l->file->inode;
	*info = (struct loop_info64){
		.lo_device = dev_encode(inode->sb->dev),
		.lo_inode = inode->ino,
		.lo_rdevice = S_ISBLK(inode->mode) ? dev_encode(inode->rdev) : 0,
		.lo_offset = l->offset,
		.lo_sizelimit = l->size_limit,
		.lo_number = (u32)l->number,
		.lo_flags = l->flags,
	};
	memcpy(info->lo_file_name, l->name, LO_NAME_SIZE);
	return 0;
}

static long change_fd(struct loop *l, int fd)
{
	struct file *f = fd_file(fd), *old = l->file;
	sector_t before;
	long err;

	if (!f)
		return -EBADF;
	err = backing_check(l, f);
	if (!err && l->state != LOOP_BOUND)
		err = -ENXIO;
	if (!err && !(l->flags & LO_FLAGS_READ_ONLY))
		err = -EINVAL;
	if (err) {
		file_put(f);
		return err;
	}
	before = loop_sectors(l);
	WRITE_ONCE(l->state, LOOP_RUNDOWN);
	loop_idle(l);
	(void)!direct_set(l, false);
	file_set(l, f);
	if (loop_sectors(l) != before) {
		file_set(l, old);
		err = -EINVAL;
	}
	WRITE_ONCE(l->state, LOOP_BOUND);
	file_put_deferred(err ? f : old);
	if (!err)
		disk_forget(l->disk);
	return err;
}

static long set_capacity(struct loop *l)
{
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	disk_set_capacity(l->disk, loop_sectors(l));
	return 0;
}

static long set_block_size(struct loop *l, unsigned long size)
{
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	if (size > PAGE_SIZE || block_size_check((u32)size))
		return -EINVAL;
	if (size == bdev_logical_block(disk_whole(l->disk)))
		return 0;
	disk_forget(l->disk);
	(void)!direct_set(l, false);
	limits_set(l, (u32)size);
	return 0;
}

static long set_direct(struct loop *l, bool on)
{
	long err;

	if (l->state != LOOP_BOUND)
		return -ENXIO;
	disk_forget(l->disk);
	WRITE_ONCE(l->state, LOOP_RUNDOWN);
	loop_idle(l);
	err = direct_set(l, on);
	WRITE_ONCE(l->state, LOOP_BOUND);
	return err;
}

/* Those that change a bound device and need no more than a number. */
static long change(struct loop *l, unsigned cmd, unsigned long arg)
{
	guard_mutex(&l->config);
	switch (cmd) {
	case LOOP_CHANGE_FD: return change_fd(l, (int)arg);
	case LOOP_SET_CAPACITY: return set_capacity(l);
	case LOOP_SET_DIRECT_IO: return set_direct(l, arg);
	default: return set_block_size(l, arg);
	}
}

/* --- old and new structures ------------------------------------------------------------------- */

static void info_widen(const struct loop_info *old, struct loop_info64 *info)
{
	*info = (struct loop_info64){
		.lo_offset = (u64)(s64)old->lo_offset,
		.lo_encrypt_type = (u32)old->lo_encrypt_type,
		.lo_flags = (u32)old->lo_flags,
	};
	memcpy(info->lo_file_name, old->lo_name, LO_NAME_SIZE);
}

static int info_narrow(const struct loop_info64 *info, struct loop_info *old)
{
	*old = (struct loop_info){
		.lo_number = (int)info->lo_number,
		.lo_device = (__kernel_old_dev_t)info->lo_device,
		.lo_inode = info->lo_inode,
		.lo_rdevice = (__kernel_old_dev_t)info->lo_rdevice,
		.lo_offset = (int)info->lo_offset,
		.lo_flags = (int)info->lo_flags,
	};
	memcpy(old->lo_name, info->lo_file_name, LO_NAME_SIZE);
	return old->lo_device != info->lo_device || old->lo_rdevice != info->lo_rdevice ||
			       (u64)(s64)old->lo_offset != info->lo_offset
		       ? -EOVERFLOW
		       : 0;
}

static long ioctl_set_status(struct loop *l, unsigned cmd, const void __user *arg)
{
	struct loop_info64 info;
	struct loop_info old;

	if (cmd == LOOP_SET_STATUS64) {
		if (copy_from_user(&info, arg, sizeof(info)))
			return -EFAULT;
	} else {
		if (copy_from_user(&old, arg, sizeof(old)))
			return -EFAULT;
		info_widen(&old, &info);
	}
	guard_mutex(&l->config);
	return set_status(l, &info);
}

static long ioctl_get_status(struct loop *l, unsigned cmd, void __user *arg)
{
	struct loop_info64 info;
	struct loop_info old;
	long err;

	if (!arg)
		return -EINVAL;
	err = get_status(l, &info);
	if (err)
		return err;
	if (cmd == LOOP_GET_STATUS64)
		return copy_to_user(arg, &info, sizeof(info));
	err = info_narrow(&info, &old);
	return err ?: copy_to_user(arg, &old, sizeof(old));
}

static long ioctl_configure(struct loop *l, unsigned mode, const void __user *arg)
{
	struct loop_config c;

	if (copy_from_user(&c, arg, sizeof(c)))
		return -EFAULT;
	return configure(l, mode, &c);
}

long loop_ioctl(struct bdev *b, unsigned mode, unsigned cmd, unsigned long arg)
{
	struct loop *l = disk_private(b->disk);
	struct loop_config plain = {.fd = (u32)arg};
	bool may = mode & BDEV_WRITE || capable(CAP_SYS_ADMIN);

	switch (cmd) {
	case LOOP_SET_FD: return configure(l, mode, &plain);
	case LOOP_CONFIGURE: return ioctl_configure(l, mode, (const void __user *)arg);
	case LOOP_CLR_FD: return clear_fd(l);
	case LOOP_SET_STATUS:
	case LOOP_SET_STATUS64:
		return may ? ioctl_set_status(l, cmd, (const void __user *)arg) : -EPERM;
	case LOOP_GET_STATUS:
	case LOOP_GET_STATUS64: return ioctl_get_status(l, cmd, (void __user *)arg);
	case LOOP_SET_CAPACITY:
	case LOOP_SET_DIRECT_IO:
	case LOOP_SET_BLOCK_SIZE: return may ? change(l, cmd, arg) : -EPERM;
	case LOOP_CHANGE_FD: return change(l, cmd, arg);
	case HDIO_GETGEO: return -ENOIOCTLCMD;
	default: return -EINVAL; /* as Linux says of any other call on a loop device */
	}
}

/* --- sysfs: loop/ while bound ----------------------------------------------------------------- */

static struct loop *device_loop(struct device *dev)
{
	return disk_private(((struct bdev *)dev->private)->disk);
}

static int backing_file_show(struct device *dev, struct seq *out)
{
	struct loop *l = device_loop(dev);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL), *text;
	struct file *f = NULL;
	struct path root;
	int err = -ENXIO;

	if (!buf)
		return -ENOMEM;
	with_spin(&l->lock) f = l->file ? file_get(l->file) : NULL;
	if (f) {
		fs_get_root(init_fs, &root);
		err = path_text(&f->path, &root, buf, PATH_MAX, &text);
		path_put(&root);
		file_put_deferred(f);
	}
	if (!err)
		seq_printf(out, "%s\n", text);
	kfree(buf);
	return err;
}

static int offset_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "%llu\n", (unsigned long long)READ_ONCE(device_loop(dev)->offset));
	return 0;
}

static int sizelimit_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "%llu\n", (unsigned long long)READ_ONCE(device_loop(dev)->size_limit));
	return 0;
}

static int flag_show(struct device *dev, struct seq *out, u32 flag)
{
	seq_printf(out, "%d\n", !!(READ_ONCE(device_loop(dev)->flags) & flag));
	return 0;
}

static int autoclear_show(struct device *dev, struct seq *out)
{
	return flag_show(dev, out, LO_FLAGS_AUTOCLEAR);
}

static int partscan_show(struct device *dev, struct seq *out)
{
	return flag_show(dev, out, LO_FLAGS_PARTSCAN);
}

static int dio_show(struct device *dev, struct seq *out)
{
	return flag_show(dev, out, LO_FLAGS_DIRECT_IO);
}

static const struct device_attribute attributes[] = {
	{"loop/backing_file", 0444, backing_file_show, NULL},
	{"loop/offset", 0444, offset_show, NULL},
	{"loop/sizelimit", 0444, sizelimit_show, NULL},
	{"loop/autoclear", 0444, autoclear_show, NULL},
	{"loop/partscan", 0444, partscan_show, NULL},
	{"loop/dio", 0444, dio_show, NULL},
};

void loop_attributes(struct loop *l, bool on)
{
	struct device *dev = disk_whole(l->disk)->device;

	if (!dev)
		return;
	if (!on)
		sysfs_attributes_remove(dev, "loop");
	for (unsigned i = 0; on && i < ARRAY_SIZE(attributes); i++)
		sysfs_attribute_add(dev, &attributes[i]);
}
