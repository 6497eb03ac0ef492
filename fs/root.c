/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The root file system from a device, when no initramfs brings one.
 * Linux: Documentation/admin-guide/kernel-parameters.txt (root=, rootfstype=, rootwait, ...)
 *
 * The node /dev/root of the first tree leads to the device; it is mounted on /root there, moved
 * over
 * "/", and becomes everybody's root.  Types are tried one after another: a type that does not know
 * the content says EINVAL.  A device that may only be read is mounted so.
 */
#define LOG_PREFIX "VFS: "
#include <fs/block/block.h>
#include <fs/init.h>
#include <fs/vfs/core.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/mount.h>
#include <kernel/debug/log.h>
#include <kernel/debug/panic.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>

#define NODE      "/dev/root"
#define POINT     "/root"
#define POLL_NS   (5 * NSEC_PER_MSEC)
#define LIST_SIZE 8192

/* --- the device ------------------------------------------------------------------------------- */

static int device_find(const struct root_request *req, dev_t *out)
{
	u64 deadline = req->wait_s ? clock_deadline(req->wait_s * NSEC_PER_SEC) : KTIME_MAX;
	int err;

	if (req->delay_s)
		sleep_ns(req->delay_s * NSEC_PER_SEC);
	for (;;) {
		err = bdev_lookup(req->device, out);
		if (!err || err == -EINVAL || !req->wait || clock_mono_ns() > deadline)
			return err;
		sleep_ns(POLL_NS);
	}
}

/* The partitions there are, a line each. */
static void devices_list(void)
{
	char *text = kzalloc(LIST_SIZE, GFP_KERNEL), *line, *end;
	struct seq out;

	if (!text)
		return;
	seq_init(&out, text, LIST_SIZE - 1);
	disks_show_partitions(&out);
	for (line = text; *line; line = end) {
		end = line;
		while (*end && *end != '\n')
			end++;
		if (*end)
			*end++ = 0;
		log_emerg("%s\n", line);
	}
	kfree(text);
}

static void __noreturn give_up(const struct root_request *req, const char *what, int err)
{
	log_emerg("cannot %s root device \"%s\": error %d; these are the partitions:\n", what,
		  req->device, -err);
	devices_list();
	panic("VFS: unable to mount root fs on \"%s\" (error %d)", req->device, -err);
}

/* --- mounting --------------------------------------------------------------------------------- */

static int make(const char *name, umode_t mode, dev_t dev)
{
	struct path parent;
	struct dentry *d;
	int err = path_create(AT_FDCWD, name, S_ISDIR(mode) ? LOOKUP_DIRECTORY : 0, &parent, &d);

	if (err)
		return err == -EEXIST ? 0 : err;
	if (S_ISDIR(mode))
		err = vfs_mkdir(parent.dentry->inode, d, mode & S_IALLUGO);
	else
		err = vfs_mknod(parent.dentry->inode, d, mode, dev);
	path_create_done(&parent, d);
	return err;
}

static int mount_as(const struct root_request *req, const char *type, unsigned long flags)
{
	char *options = req->flags ? kstrdup(req->flags, GFP_KERNEL) : NULL;
	int err = kern_mount(NODE, POINT, type, flags, options);

	kfree(options);
	return err;
}

/* A type that does not know what it sees; others may. */
static bool try_next(int err)
{
	return err == -EINVAL || err == -EUCLEAN || err == -ENODEV;
}

/* The types named by rootfstype=, or else all that need a device. */
static int mount_listed(const struct root_request *req, unsigned long flags, char *list)
{
	int err = -EINVAL;

	while (list && *list && err && try_next(err)) {
		char *comma = strchr(list, ',');

		if (comma)
			*comma = 0;
		err = mount_as(req, list, flags);
		list = comma ? comma + 1 : NULL;
	}
	return err;
}

static int mount_any(const struct root_request *req, unsigned long flags)
{
	const struct fs_type *type;
	int err = -EINVAL;

	for (unsigned i = 0; err && try_next(err) && (type = fs_type_on_device(i)); i++)
		err = mount_as(req, type->name, flags);
	return err;
}

static int mount_types(const struct root_request *req, unsigned long flags)
{
	char *list;
	int err;

	if (!req->types)
		return mount_any(req, flags);
	list = kstrdup(req->types, GFP_KERNEL);
	err = list ? mount_listed(req, flags, list) : -ENOMEM;
	kfree(list);
	return err;
}

/* What is mounted on POINT becomes "/" of this thread and all that descend from it. */
static int become_root(void)
{
	struct path old, new;
	int err = kern_path("/", LOOKUP_FOLLOW, &old);

	if (err)
		return err;
	err = kern_path(POINT, LOOKUP_FOLLOW, &new);
	if (!err) {
		err = do_mount(POINT, &old, NULL, MS_MOVE, NULL);
		if (!err) {
			fs_set_root(fs_current(), &new);
			fs_set_cwd(fs_current(), &new);
		}
		path_put(&new);
	}
	path_put(&old);
	return err;
}

void root_mount(const struct root_request *req)
{
	unsigned long flags = MS_SILENT | (req->read_only ? MS_RDONLY : 0);
	dev_t dev;
	int err = device_find(req, &dev);

	if (err)
		give_up(req, "find", err);
	err = make("/dev", S_IFDIR | 0755, 0) ?: make(POINT, S_IFDIR | 0700, 0);
	if (!err) {
		(void)!do_unlink(AT_FDCWD, NODE);
		err = make(NODE, S_IFBLK | 0600, dev);
	}
	if (!err)
		err = mount_types(req, flags);
	if ((err == -EACCES || err == -EROFS) && !req->read_only)
		err = mount_types(req, flags | MS_RDONLY);
	if (!err)
		err = become_root();
	if (err)
		give_up(req, "mount", err);
	err = kern_mount("devtmpfs", "/dev", "devtmpfs", MS_SILENT, NULL);
	if (err)
		log_warn("no devtmpfs on /dev: error %d\n", -err);
}

bool root_has(const char *path)
{
	struct path p;

	if (kern_path(path, LOOKUP_FOLLOW, &p))
		return false;
	path_put(&p);
	return true;
}
