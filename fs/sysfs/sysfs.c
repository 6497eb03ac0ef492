/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sysfs: mounting, the fixed folders, processors.  sysfs(5).
 */
#include <fs/sysfs/sysfs.h>

#include <fs/vfs/super.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/smp/cpu.h>
#include <mm/alloc.h>
#include "sysfs_internal.h"

static struct text_node *root;

struct text_node *sysfs_root(void)
{
	return root;
}

static bool any(struct superblock *sb, void *arg)
{
	return true;
}

static int sysfs_mount(const struct fs_type *type, const struct fs_params *params,
		       struct superblock **out)
{
	struct superblock *sb;
	int err = super_share(type, any, NULL, out);

	if (err != -ENOENT)
		return err;
	err = super_create(type, params, NULL, &sb);
	if (err)
		return err;
	sb->magic = SYSFS_MAGIC;
	err = text_fill_super(sb, root);
	if (err) {
		super_abandon(sb);
		return err;
	}
	*out = sb;
	return 0;
}

static const struct fs_type sysfs_type = {"sysfs", FS_USERNS_MOUNT, sysfs_mount, NULL};
FS_TYPE(sysfs_type);

/* Processors: what the C libraries count. */

static int cpu_range(struct seq *out, unsigned n)
{
	if (n == 1)
		seq_puts(out, "0\n");
	else
		seq_printf(out, "0-%u\n", n - 1);
	return 0;
}

static int possible_show(struct seq *out, void *arg)
{
	return cpu_range(out, nr_cpus);
}

/* CPUs come up in order and stay: the online ones are the first so many. */
static int online_show(struct seq *out, void *arg)
{
	return cpu_range(out, num_online_cpus());
}

static int offline_show(struct seq *out, void *arg)
{
	unsigned online = num_online_cpus();

	if (online + 1 == nr_cpus)
		seq_printf(out, "%u", online);
	else if (online < nr_cpus)
		seq_printf(out, "%u-%u", online, nr_cpus - 1);
	seq_putc(out, '\n');
	return 0;
}

static int kernel_max_show(struct seq *out, void *arg)
{
	seq_printf(out, "%d\n", CONFIG_NR_CPUS - 1);
	return 0;
}

static int core_id_show(struct seq *out, void *arg)
{
	seq_printf(out, "%lu\n", (unsigned long)arg);
	return 0;
}

static int package_show(struct seq *out, void *arg)
{
	seq_puts(out, "0\n");
	return 0;
}

static int own_list_show(struct seq *out, void *arg)
{
	return core_id_show(out, arg);
}

static void add_cpu(struct text_node *cpus, unsigned long id)
{
	char path[64];
	static const struct {
		const char *name;
		text_show_fn show;
	} files[] = {
		{"core_id", core_id_show},
		{"physical_package_id", package_show},
		{"thread_siblings_list", own_list_show},
		{"core_cpus_list", own_list_show},
		{"core_siblings_list", possible_show},
		{"package_cpus_list", possible_show},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "cpu%lu/topology/%s", id, files[i].name);
		text_file(cpus, path, 0444, files[i].show, NULL, (void *)id);
	}
}

void sysfs_init(void)
{
	static const char *const folders[] = {
		"block",    "bus", "class",  "dev/block", "dev/char", "devices/virtual",
		"firmware", "fs",  "kernel", "module",    "power"};
	struct text_node *cpus;

	root = kzalloc(sizeof(*root) + 1, GFP_KERNEL);
	text_root_init(root);
	for (unsigned i = 0; i < ARRAY_SIZE(folders); i++)
		text_dir(root, folders[i]);
	text_add_exports(root, "/sys/");
	cpus = text_dir(root, "devices/system/cpu");
	text_file(cpus, "possible", 0444, possible_show, NULL, NULL);
	text_file(cpus, "present", 0444, possible_show, NULL, NULL);
	text_file(cpus, "online", 0444, online_show, NULL, NULL);
	text_file(cpus, "offline", 0444, offline_show, NULL, NULL);
	text_file(cpus, "kernel_max", 0444, kernel_max_show, NULL, NULL);
	for (unsigned id = 0; id < nr_cpus; id++)
		add_cpu(cpus, id);
	sysfs_devices_init();
}
