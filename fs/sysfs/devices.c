/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The device model in /sys: an observer that keeps directories and links.
 *
 * A device's directory lies in its parent's; one without parent lies in /sys/devices, or, if it is
 * of a class, in /sys/devices/virtual.  A device of a class has a directory named after the class
 * between itself and a parent that is not of that class.  Links lead there from the lists of buses,
 * classes, drivers and numbers.
 *
 * An attribute's file holds a reference to its device until the last inode of the file went, so it
 * may be read while the device goes; it then says ENODEV.
 *
 * All of this happens in events, under device_lock, which guards struct sysfs_device.
 */
#include <fs/sysfs/sysfs.h>

#include <fs/vfs/inode.h>
#include <kernel/abi/errno.h>
#include <kernel/device/device.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/iov_iter.h>
#include "sysfs_internal.h"

#define PATH_MAX_DEPTH 16
#define LINK_LENGTH    512

/* observer_data of a device: its directory, and the links elsewhere that lead to it. */
struct sysfs_device {
	struct text_node *dir;
	struct text_node *lists[4]; /* subsystem, number, driver, /sys/block */
	struct text_node *driver;   /* the device's own link */
};

enum { LIST_SUBSYSTEM, LIST_NUMBER, LIST_DRIVER, LIST_BLOCK };

struct attribute_file {
	struct device *dev; /* referenced */
	const struct device_attribute *attr;
	const struct device_binary *bin;
};

static struct sysfs_device *entry_of(const struct device *dev)
{
	return dev ? dev->observer_data[DEVICE_OBSERVER_SYSFS] : NULL;
}

/* --- attributes ------------------------------------------------------------------------------ */

static int attribute_show(struct seq *out, void *arg)
{
	struct attribute_file *f = arg;

	return READ_ONCE(f->dev->registered) ? f->attr->show(f->dev, out) : -ENODEV;
}

static ssize_t attribute_store(const char *buf, size_t len, void *arg)
{
	struct attribute_file *f = arg;

	return READ_ONCE(f->dev->registered) ? f->attr->store(f->dev, buf, len) : -ENODEV;
}

static void attribute_drop(void *arg)
{
	struct attribute_file *f = arg;

	device_put(f->dev);
	kfree(f);
}

static void attribute_add(struct text_node *dir, struct device *dev,
			  const struct device_attribute *attr, const struct device_binary *bin,
			  const struct file_ops *fops)
{
	struct attribute_file *f;

	if (attr && S_ISDIR(attr->mode)) {
		text_dir(dir, attr->name);
		return;
	}
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return;
	*f = (struct attribute_file){device_get(dev), attr, bin};
	if (!text_owned(dir, attr ? attr->name : bin->name, attr ? attr->mode : bin->mode,
			attr && attr->show ? attribute_show : NULL,
			attr && attr->store ? attribute_store : NULL, fops, f, attribute_drop))
		attribute_drop(f);
}

void sysfs_attribute_add(struct device *dev, const struct device_attribute *attr)
{
	guard_mutex(&device_lock);
	if (entry_of(dev))
		attribute_add(entry_of(dev)->dir, dev, attr, NULL, NULL);
}

void sysfs_attributes_remove(struct device *dev, const char *folder)
{
	struct text_node *node;

	guard_mutex(&device_lock);
	node = entry_of(dev) ? text_find(entry_of(dev)->dir, folder) : NULL;
	if (node)
		text_remove(node);
}

/* Bytes at `pos` within the file's size; 0 at its end. */
static size_t binary_span(const struct attribute_file *f, loff_t pos, size_t want)
{
	size_t size = f->bin->size(f->dev);

	return pos < 0 || (u64)pos >= size ? 0
					   : min(min(want, size - (size_t)pos), (size_t)PAGE_SIZE);
}

static ssize_t binary_read(struct file *file, struct iov_iter *to, loff_t *pos)
{
	struct attribute_file *f = text_inode_arg(file->inode);
	size_t len = binary_span(f, *pos, iov_iter_count(to));
	ssize_t n;
	u8 *buf;

	if (!READ_ONCE(f->dev->registered))
		return -ENODEV;
	if (!len)
		return 0;
	buf = kzalloc(len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	n = f->bin->read(f->dev, buf, (size_t)*pos, len);
	if (n > 0)
		n = (ssize_t)copy_to_iter(buf, (size_t)n, to) ?: -EFAULT;
	if (n > 0)
		*pos += n;
	kfree(buf);
	return n;
}

static ssize_t binary_write(struct file *file, struct iov_iter *from, loff_t *pos)
{
	struct attribute_file *f = text_inode_arg(file->inode);
	size_t len = binary_span(f, *pos, iov_iter_count(from));
	ssize_t n = -EFAULT;
	u8 *buf;

	if (!READ_ONCE(f->dev->registered))
		return -ENODEV;
	if (!f->bin->write)
		return -EIO;
	if (!len)
		return 0;
	buf = kmalloc(len, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (copy_from_iter(buf, len, from) == len)
		n = f->bin->write(f->dev, buf, (size_t)*pos, len);
	if (n > 0)
		*pos += n;
	kfree(buf);
	return n;
}

static loff_t binary_lseek(struct file *file, loff_t offset, int whence)
{
	struct attribute_file *f = text_inode_arg(file->inode);
	loff_t size = (loff_t)f->bin->size(f->dev);

	return generic_lseek_size(file, offset, whence, S64_MAX, size);
}

static const struct file_ops binary_fops = {
	.read_iter = binary_read,
	.write_iter = binary_write,
	.lseek = binary_lseek,
};

/* --- attributes that every device has -------------------------------------------------------- */

static int uevent_show(struct device *dev, struct seq *out)
{
	device_show_uevent(dev, out);
	return 0;
}

/* Writing an action has its event told again, as udev does at start. */
static ssize_t uevent_store(struct device *dev, const char *buf, size_t len)
{
	device_changed(dev, NULL);
	return (ssize_t)len;
}

static int dev_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "%u:%u\n", dev->devt >> 20, dev->devt & 0xfffff);
	return 0;
}

static const struct device_attribute uevent_attr = {"uevent", 0644, uevent_show, uevent_store};
static const struct device_attribute dev_attr = {"dev", 0444, dev_show, NULL};

static void attributes_add(struct text_node *dir, struct device *dev)
{
	attribute_add(dir, dev, &uevent_attr, NULL, NULL);
	if (dev->devt)
		attribute_add(dir, dev, &dev_attr, NULL, NULL);
	for (unsigned i = 0; dev->attributes && dev->attributes[i]; i++)
		attribute_add(dir, dev, dev->attributes[i], NULL, NULL);
	for (unsigned i = 0; dev->binaries && dev->binaries[i]; i++)
		attribute_add(dir, dev, NULL, dev->binaries[i], &binary_fops);
}

/* --- links ------------------------------------------------------------------------------------ */

/* Nodes from below the root down to `n`; returns how many. */
static unsigned path_nodes(const struct text_node *n, const struct text_node **path)
{
	unsigned depth = 0;

	for (const struct text_node *p = n; p->parent && depth < PATH_MAX_DEPTH; p = p->parent)
		depth++;
	for (unsigned i = depth; i; i--, n = n->parent)
		path[i - 1] = n;
	return depth;
}

/* A link `name` in `from` that leads to `to`: up to where their paths part, and down. */
static struct text_node *link_make(struct text_node *from, const char *name, struct text_node *to)
{
	const struct text_node *a[PATH_MAX_DEPTH], *b[PATH_MAX_DEPTH];
	unsigned na = path_nodes(from, a), nb = path_nodes(to, b), same = 0;
	struct text_node *link;
	struct seq text;
	char *buf = kmalloc(LINK_LENGTH, GFP_KERNEL);

	if (!buf)
		return NULL;
	while (same < na && same < nb && a[same] == b[same])
		same++;
	seq_init(&text, buf, LINK_LENGTH - 1);
	for (unsigned i = same; i < na; i++)
		seq_puts(&text, "../");
	for (unsigned i = same; i < nb; i++)
		seq_printf(&text, "%s%s", b[i]->name, i + 1 < nb ? "/" : "");
	buf[text.len] = 0;
	link = seq_overflowed(&text) ? NULL : text_link(from, name, buf);
	kfree(buf);
	return link;
}

/* A link in the list at `path`, made if it is the first there. */
static struct text_node *list_link(const char *path, const char *name, struct text_node *to)
{
	struct text_node *list = text_dir(sysfs_root(), path);

	return list ? link_make(list, name, to) : NULL;
}

/* Linux has no directory for disks apart from partitions; /sys/block lists the disks. */
static bool is_whole_disk(const struct device *dev)
{
	return dev->class && !strcmp(dev->class->name, "block") &&
	       (!dev->parent || dev->parent->class != dev->class);
}

static void subsystem_links(struct device *dev, struct sysfs_device *e)
{
	char path[96];

	if (dev->bus) {
		snprintf(path, sizeof(path), "bus/%s/devices", dev->bus->name);
		e->lists[LIST_SUBSYSTEM] = list_link(path, dev->name, e->dir);
		snprintf(path, sizeof(path), "bus/%s", dev->bus->name);
		link_make(e->dir, "subsystem", text_dir(sysfs_root(), path));
	} else if (dev->class) {
		snprintf(path, sizeof(path), "class/%s", dev->class->name);
		e->lists[LIST_SUBSYSTEM] = list_link(path, dev->name, e->dir);
		link_make(e->dir, "subsystem", text_dir(sysfs_root(), path));
		if (entry_of(dev->parent) && dev->parent->class != dev->class)
			link_make(e->dir, "device", entry_of(dev->parent)->dir);
	}
}

static void number_links(struct device *dev, struct sysfs_device *e)
{
	char name[24];

	if (is_whole_disk(dev))
		e->lists[LIST_BLOCK] = list_link("block", dev->name, e->dir);
	if (!dev->devt)
		return;
	snprintf(name, sizeof(name), "%u:%u", dev->devt >> 20, dev->devt & 0xfffff);
	e->lists[LIST_NUMBER] = list_link(dev->block ? "dev/block" : "dev/char", name, e->dir);
}

/* --- events ----------------------------------------------------------------------------------- */

static struct text_node *directory_make(struct device *dev)
{
	struct sysfs_device *parent = entry_of(dev->parent);
	char path[112];

	if (!dev->class)
		snprintf(path, sizeof(path), "%s", dev->name);
	else if (parent && dev->parent->class == dev->class)
		snprintf(path, sizeof(path), "%s", dev->name);
	else
		snprintf(path, sizeof(path), "%s%s/%s", parent ? "" : "virtual/", dev->class->name,
			 dev->name);
	return text_dir(parent ? parent->dir : text_dir(sysfs_root(), "devices"), path);
}

static void device_added(struct device *dev)
{
	struct sysfs_device *e = kzalloc(sizeof(*e), GFP_KERNEL);

	if (!e)
		return;
	e->dir = directory_make(dev);
	if (!e->dir) {
		kfree(e);
		return;
	}
	dev->observer_data[DEVICE_OBSERVER_SYSFS] = e;
	attributes_add(e->dir, dev);
	subsystem_links(dev, e);
	number_links(dev, e);
}

static void device_unbound(struct sysfs_device *e)
{
	text_remove(e->lists[LIST_DRIVER]);
	text_remove(e->driver);
	e->lists[LIST_DRIVER] = e->driver = NULL;
}

static void device_bound(struct device *dev, struct sysfs_device *e)
{
	char path[96];
	struct text_node *dir;

	snprintf(path, sizeof(path), "bus/%s/drivers/%s", dev->bus->name, dev->driver->name);
	dir = text_dir(sysfs_root(), path);
	if (!dir)
		return;
	e->driver = link_make(e->dir, "driver", dir);
	e->lists[LIST_DRIVER] = link_make(dir, dev->name, e->dir);
}

static void device_removed(struct device *dev, struct sysfs_device *e)
{
	device_unbound(e);
	for (unsigned i = 0; i < ARRAY_SIZE(e->lists); i++)
		text_remove(e->lists[i]);
	text_remove(e->dir);
	dev->observer_data[DEVICE_OBSERVER_SYSFS] = NULL;
	kfree(e);
}

static void sysfs_event(struct device_observer *o, struct device *dev, enum device_event ev,
			const char *env)
{
	struct sysfs_device *e = entry_of(dev);

	if (ev == DEVICE_ADD)
		device_added(dev);
	else if (!e)
		return;
	else if (ev == DEVICE_REMOVE)
		device_removed(dev, e);
	else if (ev == DEVICE_BIND && dev->bus)
		device_bound(dev, e);
	else if (ev == DEVICE_UNBIND)
		device_unbound(e);
}

static struct device_observer observer = {
	.name = "sysfs",
	.slot = DEVICE_OBSERVER_SYSFS,
	.event = sysfs_event,
};

void sysfs_devices_init(void)
{
	device_observer_register(&observer);
}
