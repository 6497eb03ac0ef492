/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * File systems on block devices: one superblock for each device and type, which claims the device.
 */
#include <fs/vfs/core.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include "block_internal.h"

/* Between looking for a superblock and entering a new one. */
static struct mutex mount_lock = MUTEX_INIT(mount_lock, RANK_DISK_MOUNT);

static bool on_device(struct superblock *sb, void *arg)
{
	return READ_ONCE(sb->bdev) && sb->dev == *(dev_t *)arg;
}

/* Open the device for a new superblock. */
static int super_open(struct superblock *sb, dev_t dev)
{
	struct bdev *b;
	dev_t anonymous = sb->dev;
	int err = bdev_open(dev, BDEV_READ | BDEV_WRITE | BDEV_EXCL, sb, &b);

	if (err)
		return err;
	if (!(sb->flags & SB_RDONLY) && bdev_read_only(b)) {
		bdev_close(b, BDEV_READ | BDEV_WRITE | BDEV_EXCL, sb);
		return -EACCES;
	}
	sb->dev = dev;
	strscpy(sb->id, b->name, sizeof(sb->id));
	sb->device = bdev_mapping(b);
	sb->readahead = &b->disk->readahead;
	WRITE_ONCE(sb->bdev, b);
	anon_dev_put(anonymous);
	return 0;
}

/* 0: *out is shared; 1: *out is new and must be filled; else a negative errno. */
static int super_find_or_open(const struct fs_type *type, const struct fs_params *params,
			      const struct super_ops *ops, dev_t dev, struct superblock **out)
{
	int err;

	guard_mutex(&mount_lock);
	err = super_share(type, on_device, &dev, out);
	if (!err && ((*out)->flags ^ params->flags) & SB_RDONLY) {
		super_abandon(*out);
		return -EBUSY;
	}
	if (err != -ENOENT)
		return err;
	err = super_create(type, params, ops, out);
	if (err)
		return err;
	err = super_open(*out, dev);
	if (!err)
		return 1;
	super_abandon(*out);
	return err;
}

int bdev_mount(const struct fs_type *type, const struct fs_params *params,
	       const struct super_ops *ops,
	       int (*fill)(struct superblock *sb, const struct fs_params *params),
	       struct superblock **out)
{
	dev_t dev;
	int err;

	if (!params->source || !*params->source)
		return -EINVAL;
	err = bdev_resolve(params->source, &dev);
	if (err)
		return err;
	err = super_find_or_open(type, params, ops, dev, out);
	if (err <= 0)
		return err;
	err = fill(*out, params);
	if (err)
		super_abandon(*out);
	return err;
}

void bdev_kill_super(struct superblock *sb)
{
	struct bdev *b = sb->bdev;

	if (!b)
		return;
	bdev_sync(b, true);
	if (!bdev_read_only(b))
		(void)!bdev_flush(b);
	bdev_close(b, BDEV_READ | BDEV_WRITE | BDEV_EXCL, sb);
}
