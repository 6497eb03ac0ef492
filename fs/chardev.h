/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Character devices: which numbers belong to whom.  Opening a node looks its number up and gives
 * the file the driver's operations.
 */
#pragma once

#include <fs/vfs/types.h>

struct file;
struct file_ops;
struct inode;
struct seq;

/*
 * Numbers first .. first+count-1 are `ops`'.  `name` is what /proc/devices shows.  ops->open may
 * find its instance by MINOR(inode->rdev).  Returns 0, -EBUSY, -ENOMEM.  Context: may sleep.
 */
int chrdev_register(dev_t first, unsigned count, const char *name,
		    const struct file_ops *ops) __must_check;
void chrdev_unregister(dev_t first, unsigned count);
/* A free major number (234 downwards), all minors; MAJOR in *first. */
int chrdev_register_dynamic(unsigned count, const char *name, const struct file_ops *ops,
			    dev_t *first) __must_check;

/* Miscellaneous devices: major 10. */
#define MISC_DYNAMIC_MINOR 255
/* Register under major 10 and create /dev/<name>.  MISC_DYNAMIC_MINOR picks one. */
int misc_register(unsigned minor, const char *name, umode_t mode, const struct file_ops *ops,
		  dev_t *out) __must_check;

/* What an opened character node does first: replace the file's operations. */
extern const struct file_ops chrdev_open_ops;

/* The character half of /proc/devices. */
void chrdev_show(struct seq *out);

/*
 * Block devices are fs/block's; it tells here what opening a block node does.  Until then: -ENXIO.
 */
void blkdev_set_open_ops(const struct file_ops *ops);
const struct file_ops *blkdev_open_ops(void);

/* /dev/null and its family. */
void mem_devices_init(void);
