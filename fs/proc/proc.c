/* SPDX-License-Identifier: GPL-2.0-or-later */
/* procfs: mounting, and the files about file systems.  proc(5). */
#include <fs/proc/proc.h>

#include <fs/block/block.h>
#include <fs/chardev.h>
#include <fs/tty/tty.h>
#include <fs/vfs/file.h>
#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

static struct text_node *root;

struct text_node *proc_root(void)
{
	return root;
}

void proc_set_dynamic(int (*lookup)(struct superblock *sb, const char *name, size_t len,
				    struct inode **out),
		      int (*iterate)(struct file *file, struct dir_context *ctx))
{
	root->lookup = lookup;
	root->iterate = iterate;
}

static bool any(struct superblock *sb, void *arg)
{
	return true;
}

/* The options change nothing yet about who sees what, so only those that mean that are accepted. */
static int check_options(char *options)
{
	char *key, *value;

	while (fs_option_next(&options, &key, &value)) {
		if (strcmp(key, "hidepid") || !value ||
		    (strcmp(value, "0") && strcmp(value, "off")))
			return -EINVAL;
	}
	return 0;
}

static int proc_mount(const struct fs_type *type, const struct fs_params *params,
		      struct superblock **out)
{
	struct superblock *sb;
	int err = check_options(params->options);

	if (err)
		return err;
	err = super_share(type, any, NULL, out);
	if (err != -ENOENT)
		return err;
	err = super_create(type, params, NULL, &sb);
	if (err)
		return err;
	sb->magic = PROC_SUPER_MAGIC;
	err = text_fill_super(sb, root);
	if (err) {
		super_abandon(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static const struct fs_type proc_type = {"proc", FS_USERNS_MOUNT, proc_mount, NULL};
FS_TYPE(proc_type);

static int filesystems_show(struct seq *out, void *arg)
{
	fs_types_show(out);
	return 0;
}

static int devices_show(struct seq *out, void *arg)
{
	seq_puts(out, "Character devices:\n");
	chrdev_show(out);
	blkdev_show(out);
	return 0;
}

static int partitions_show(struct seq *out, void *arg)
{
	disks_show_partitions(out);
	return 0;
}

static int diskstats_show(struct seq *out, void *arg)
{
	disks_show_stats(out);
	return 0;
}

static int tty_drivers_file(struct seq *out, void *arg)
{
	tty_drivers_show(out);
	return 0;
}

void proc_init(void)
{
	root = kzalloc(sizeof(*root) + 1, GFP_KERNEL);
	text_root_init(root);
	root->missing_is_error = true;
	text_add_exports(root, "/proc/");
	text_file(root, "filesystems", 0444, filesystems_show, NULL, NULL);
	text_file(root, "devices", 0444, devices_show, NULL, NULL);
	text_file(root, "tty/drivers", 0444, tty_drivers_file, NULL, NULL);
	text_file(root, "partitions", 0444, partitions_show, NULL, NULL);
	text_file(root, "diskstats", 0444, diskstats_show, NULL, NULL);
	text_dir(root, "fs");
	text_dir(root, "bus");
}
