/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices in the device model: /sys/block, /sys/class/block, uevents.
 * Linux: Documentation/ABI/stable/sysfs-block
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/stat.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include "block_internal.h"

static struct bdev *device_bdev(const struct device *dev)
{
	return dev->private;
}

static const struct disk_limits *device_limits(const struct device *dev)
{
	return &device_bdev(dev)->disk->limits;
}

static int show_u64(struct seq *out, u64 v)
{
	seq_printf(out, "%llu\n", (unsigned long long)v);
	return 0;
}

/* --- of every block device -------------------------------------------------------------------- */

static int size_show(struct device *dev, struct seq *out)
{
	return show_u64(out, READ_ONCE(device_bdev(dev)->sectors));
}

static int ro_show(struct device *dev, struct seq *out)
{
	return show_u64(out, bdev_read_only(device_bdev(dev)));
}

static int stat_show(struct device *dev, struct seq *out)
{
	struct disk_stats s;
	struct bdev *b = device_bdev(dev);
	u64 ns = 0;

	stats_sum(b, &s);
	for (unsigned g = 0; g < NR_STAT_GROUPS; g++)
		ns += s.ns[g];
	for (unsigned g = STAT_READ; g <= STAT_WRITE; g++)
		seq_printf(out, "%8llu %8llu %8llu %8llu ", s.ios[g], s.merges[g], s.sectors[g],
			   s.ns[g] / 1000000);
	seq_printf(out, "%8llu %8llu %8llu ", s.in_flight[0] + s.in_flight[1],
		   (s.io_ticks << STAT_TICK_SHIFT) / 1000000, ns / 1000000);
	seq_printf(out, "%8llu %8llu %8llu %8llu ", s.ios[STAT_DISCARD], s.merges[STAT_DISCARD],
		   s.sectors[STAT_DISCARD], s.ns[STAT_DISCARD] / 1000000);
	seq_printf(out, "%8llu %8llu\n", s.ios[STAT_FLUSH], s.ns[STAT_FLUSH] / 1000000);
	return 0;
}

static int inflight_show(struct device *dev, struct seq *out)
{
	struct disk_stats s;

	stats_sum(device_bdev(dev), &s);
	seq_printf(out, "%8llu %8llu\n", s.in_flight[0], s.in_flight[1]);
	return 0;
}

static int zero_show(struct device *dev, struct seq *out)
{
	return show_u64(out, 0);
}

#define ATTR(name, mode, show, store) (&(const struct device_attribute){name, mode, show, store})
#define BOTH_ATTRIBUTES                                                                            \
	ATTR("size", 0444, size_show, NULL), ATTR("ro", 0444, ro_show, NULL),                      \
		ATTR("stat", 0444, stat_show, NULL), ATTR("inflight", 0444, inflight_show, NULL),  \
		ATTR("alignment_offset", 0444, zero_show, NULL),                                   \
		ATTR("discard_alignment", 0444, zero_show, NULL),                                  \
		ATTR("holders", S_IFDIR | 0755, NULL, NULL)

/* --- of partitions ---------------------------------------------------------------------------- */

static int start_show(struct device *dev, struct seq *out)
{
	return show_u64(out, READ_ONCE(device_bdev(dev)->start));
}

static int partition_show(struct device *dev, struct seq *out)
{
	return show_u64(out, device_bdev(dev)->partno);
}

static const struct device_attribute *const part_attributes[] = {
	BOTH_ATTRIBUTES,
	ATTR("partition", 0444, partition_show, NULL),
	ATTR("start", 0444, start_show, NULL),
	NULL,
};

/* --- of whole disks --------------------------------------------------------------------------- */

static int range_show(struct device *dev, struct seq *out)
{
	return show_u64(out, device_bdev(dev)->disk->minors);
}

static int ext_range_show(struct device *dev, struct seq *out)
{
	return show_u64(out, disk_test(device_bdev(dev)->disk, DISK_NO_PARTITIONS) ? 1 : 256);
}

static int removable_show(struct device *dev, struct seq *out)
{
	return show_u64(out, disk_test(device_bdev(dev)->disk, DISK_REMOVABLE) != 0);
}

static int capability_show(struct device *dev, struct seq *out)
{
	seq_printf(out, "%x\n", disk_test(device_bdev(dev)->disk, DISK_REMOVABLE) ? 1 : 0);
	return 0;
}

static int diskseq_show(struct device *dev, struct seq *out)
{
	return show_u64(out, device_bdev(dev)->disk->seq);
}

#define LIMIT_SHOW(name, expression)                                                               \
	static int name##_show(struct device *dev, struct seq *out)                                \
	{                                                                                          \
		const struct disk_limits *l = device_limits(dev);                                  \
		return show_u64(out, expression);                                                  \
	}

LIMIT_SHOW(logical_block, l->logical_block)
LIMIT_SHOW(physical_block, l->physical_block)
LIMIT_SHOW(io_min, l->io_min)
LIMIT_SHOW(io_opt, l->io_opt)
LIMIT_SHOW(max_kb, l->max_sectors / 2)
LIMIT_SHOW(max_segments, l->max_segments)
LIMIT_SHOW(max_segment_size, l->max_segment_size)
LIMIT_SHOW(discard_granularity, l->discard_granularity)
LIMIT_SHOW(discard_max, (u64)l->max_discard_sectors << SECTOR_SHIFT)
LIMIT_SHOW(zeroes_max, (u64)l->max_zeroes_sectors << SECTOR_SHIFT)
LIMIT_SHOW(discard_segments, l->max_discard_segments)
LIMIT_SHOW(rotational, l->rotational)
LIMIT_SHOW(fua, l->fua)

static int scheduler_show(struct device *dev, struct seq *out)
{
	seq_puts(out, device_bdev(dev)->disk->ops->submit ? "none\n" : "[none]\n");
	return 0;
}

static ssize_t scheduler_store(struct device *dev, const char *buf, size_t len)
{
	return !strncmp(buf, "none", 4) ? (ssize_t)len : -EINVAL;
}

static int nr_requests_show(struct device *dev, struct seq *out)
{
	return show_u64(out, device_bdev(dev)->disk->depth ?: 128);
}

static int write_cache_show(struct device *dev, struct seq *out)
{
	seq_puts(out,
		 READ_ONCE(device_limits(dev)->write_cache) ? "write back\n" : "write through\n");
	return 0;
}

static ssize_t write_cache_store(struct device *dev, const char *buf, size_t len)
{
	if (!strncmp(buf, "write back", 10))
		disk_set_write_cache(device_bdev(dev)->disk, true);
	else if (!strncmp(buf, "write through", 13) || !strncmp(buf, "none", 4))
		disk_set_write_cache(device_bdev(dev)->disk, false);
	else
		return -EINVAL;
	return (ssize_t)len;
}

static int read_ahead_show(struct device *dev, struct seq *out)
{
	return show_u64(out, bdev_readahead(device_bdev(dev)) / 2);
}

static ssize_t read_ahead_store(struct device *dev, const char *buf, size_t len)
{
	const char *end;
	u64 kb = parse_digits(buf, &end, 10);

	if (end == buf || (*end && *end != '\n') || kb > U32_MAX)
		return -EINVAL;
	bdev_set_readahead(device_bdev(dev), kb * 2);
	return (ssize_t)len;
}

static int zoned_show(struct device *dev, struct seq *out)
{
	seq_puts(out, "none\n");
	return 0;
}

static int one_show(struct device *dev, struct seq *out)
{
	return show_u64(out, 1);
}

static const struct device_attribute *const disk_attributes[] = {
	BOTH_ATTRIBUTES,
	ATTR("slaves", S_IFDIR | 0755, NULL, NULL),
	ATTR("range", 0444, range_show, NULL),
	ATTR("ext_range", 0444, ext_range_show, NULL),
	ATTR("removable", 0444, removable_show, NULL),
	ATTR("hidden", 0444, zero_show, NULL),
	ATTR("capability", 0444, capability_show, NULL),
	ATTR("diskseq", 0444, diskseq_show, NULL),
	ATTR("queue/logical_block_size", 0444, logical_block_show, NULL),
	ATTR("queue/hw_sector_size", 0444, logical_block_show, NULL),
	ATTR("queue/physical_block_size", 0444, physical_block_show, NULL),
	ATTR("queue/minimum_io_size", 0444, io_min_show, NULL),
	ATTR("queue/optimal_io_size", 0444, io_opt_show, NULL),
	ATTR("queue/max_sectors_kb", 0444, max_kb_show, NULL),
	ATTR("queue/max_hw_sectors_kb", 0444, max_kb_show, NULL),
	ATTR("queue/max_segments", 0444, max_segments_show, NULL),
	ATTR("queue/max_segment_size", 0444, max_segment_size_show, NULL),
	ATTR("queue/discard_granularity", 0444, discard_granularity_show, NULL),
	ATTR("queue/discard_max_bytes", 0444, discard_max_show, NULL),
	ATTR("queue/discard_max_hw_bytes", 0444, discard_max_show, NULL),
	ATTR("queue/max_discard_segments", 0444, discard_segments_show, NULL),
	ATTR("queue/discard_zeroes_data", 0444, zero_show, NULL),
	ATTR("queue/write_zeroes_max_bytes", 0444, zeroes_max_show, NULL),
	ATTR("queue/rotational", 0444, rotational_show, NULL),
	ATTR("queue/fua", 0444, fua_show, NULL),
	ATTR("queue/scheduler", 0644, scheduler_show, scheduler_store),
	ATTR("queue/nr_requests", 0444, nr_requests_show, NULL),
	ATTR("queue/write_cache", 0644, write_cache_show, write_cache_store),
	ATTR("queue/read_ahead_kb", 0644, read_ahead_show, read_ahead_store),
	ATTR("queue/zoned", 0444, zoned_show, NULL),
	ATTR("queue/chunk_sectors", 0444, zero_show, NULL),
	ATTR("queue/dma_alignment", 0444, zero_show, NULL),
	ATTR("queue/iostats", 0444, one_show, NULL),
	ATTR("queue/nomerges", 0444, zero_show, NULL),
	NULL,
};

/* --- the class -------------------------------------------------------------------------------- */

static void block_uevent(const struct device *dev, struct seq *env)
{
	const struct bdev *b = device_bdev(dev);

	seq_printf(env, "DEVTYPE=%s\n", b->partno ? "partition" : "disk");
	seq_printf(env, "DISKSEQ=%llu\n", (unsigned long long)b->disk->seq);
	if (b->partno)
		seq_printf(env, "PARTN=%u\n", b->partno);
	if (b->partno && b->label[0])
		seq_printf(env, "PARTNAME=%s\n", b->label);
	if (b->partno && b->uuid[0])
		seq_printf(env, "PARTUUID=%s\n", b->uuid);
}

static const struct device_class block_class = {.name = "block", .uevent = block_uevent};

/* What the driver adds stands behind what all disks have. */
static const struct device_attribute *const *attributes_of(struct bdev *b)
{
	const struct device_attribute *const *own = b->disk->attributes;
	const struct device_attribute **all;
	unsigned n = 0;

	if (b->partno)
		return part_attributes;
	if (!own)
		return disk_attributes;
	while (own[n])
		n++;
	all = kcalloc(ARRAY_SIZE(disk_attributes) + n, sizeof(*all), GFP_KERNEL);
	if (!all)
		return disk_attributes;
	memcpy(all, disk_attributes, sizeof(disk_attributes));
	memcpy(all + ARRAY_SIZE(disk_attributes) - 1, own, n * sizeof(*own));
	return all;
}

static void device_release(struct device *dev)
{
	struct bdev *b = device_bdev(dev);

	if (dev->attributes != part_attributes && dev->attributes != disk_attributes)
		kfree(dev->attributes);
	kfree(dev);
	bdev_put(b);
}

int block_device_register(struct bdev *b)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return -ENOMEM;
	device_init(dev, "%s", b->name);
	dev->parent = b->partno ? b->disk->whole->device : b->disk->parent;
	dev->class = &block_class;
	dev->devt = b->dev;
	dev->block = 1;
	dev->private = bdev_get(b);
	dev->attributes = attributes_of(b);
	dev->release = device_release;
	WRITE_ONCE(b->device, dev);
	err = device_register(dev);
	if (!err)
		return 0;
	WRITE_ONCE(b->device, NULL);
	dev->parent = NULL;
	device_put(dev);
	return err;
}

void block_device_unregister(struct bdev *b)
{
	struct device *dev = b->device;

	WRITE_ONCE(b->device, NULL);
	if (dev)
		device_unregister(dev);
}

/* Context: may sleep, no locks. */
void block_device_changed(struct bdev *b, const char *key)
{
	struct device *dev = READ_ONCE(b->device);
	char env[64] = {};

	if (!dev)
		return;
	if (key)
		strscpy(env, key, sizeof(env) - 1);
	device_changed(dev, key ? env : NULL);
}
