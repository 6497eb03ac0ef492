/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Disks: made by drivers, shown to everybody, taken away again.
 *
 * A disk is referenced by its driver, by who opened it, and by its partitions.  disk_remove() takes
 * it out of sight and cuts the way to the driver: DISK_DEAD is seen by whoever comes, and a grace
 * period waits for those who had passed.  Open files keep the memory and get errors.
 */
#define LOG_PREFIX "block: "
#include <fs/devtmpfs.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/stat.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/rcu.h>
#include <mm/mapping.h>
#include <mm/page.h>
#include "block_internal.h"
#include "buffer_internal.h"

#define EXTENDED_MAJOR 259u
#define MAJORS         512u

struct mutex disks_lock = MUTEX_INIT(disks_lock, RANK_SLEEP_LEAF);
struct list disks = LIST_INIT(disks);
static u64 disk_sequence; /* [a] */

/* --- names and numbers ------------------------------------------------------------------------ */

static char major_names[MAJORS][16]; /* [disks_lock] */

int blkdev_register(u32 *major, const char *name)
{
	guard_mutex(&disks_lock);
	for (u32 m = 254; !*major && m > 233; m--)
		if (!major_names[m][0])
			*major = m;
	if (!*major || *major >= MAJORS || major_names[*major][0])
		return -EBUSY;
	strscpy(major_names[*major], name, sizeof(major_names[0]));
	return 0;
}

void blkdev_show(struct seq *out)
{
	guard_mutex(&disks_lock);
	seq_puts(out, "\nBlock devices:\n");
	for (u32 m = 0; m < MAJORS; m++)
		if (major_names[m][0])
			seq_printf(out, "%3u %s\n", m, major_names[m]);
}

void disk_name_format(const char *prefix, unsigned index, char *buf, size_t size)
{
	char letters[8];
	unsigned n = sizeof(letters) - 1;

	letters[n] = 0;
	do {
		letters[--n] = (char)('a' + index % 26);
		index /= 26;
	} while (index-- && n);
	snprintf(buf, size, "%s%s", prefix, letters + n);
}

struct family {
	char name[16];
	u64 used[4];
};
static struct family families[8]; /* [disks_lock] */

static struct family *family_find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
		struct family *f = &families[i];

		if (!f->name[0])
			strscpy(f->name, name, sizeof(f->name));
		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

unsigned disk_index_get(const char *name)
{
	guard_mutex(&disks_lock);
	struct family *f = family_find(name);

	for (unsigned i = 0; f && i < sizeof(f->used) * 8; i++)
		if (!(f->used[i / 64] >> i % 64 & 1)) {
			f->used[i / 64] |= 1ull << i % 64;
			return i;
		}
	return sizeof(f->used) * 8;
}

void disk_index_put(const char *name, unsigned index)
{
	guard_mutex(&disks_lock);
	struct family *f = family_find(name);

	if (f && index < sizeof(f->used) * 8)
		f->used[index / 64] &= ~(1ull << index % 64);
}

/* --- existence -------------------------------------------------------------------------------- */

struct disk *disk_get(struct disk *disk)
{
	bdev_get(disk->whole);
	return disk;
}

void disk_put(struct disk *disk)
{
	bdev_put(disk->whole);
}

void disk_free(struct disk *disk)
{
	delayed_work_cancel_sync(&disk->watch);
	if (disk->ops->free)
		disk->ops->free(disk);
	queues_destroy(disk);
	device_put(disk->parent);
	kfree(disk);
}

static struct disk *disk_alloc(const struct disk_params *params, void *private)
{
	struct disk *disk = kzalloc(sizeof(*disk), GFP_KERNEL);

	if (!disk)
		return NULL;
	strscpy(disk->name, params->name, sizeof(disk->name));
	disk->ops = params->ops;
	disk->private = private;
	disk->major = params->major;
	disk->first_minor = params->first_minor;
	disk->minors = params->minors ?: 1;
	disk->attributes = params->attributes;
	disk->state = (params->no_partitions ? DISK_NO_PARTITIONS : 0) |
		      (params->removable ? DISK_REMOVABLE : 0);
	disk->seq = atomic_add_return(&disk_sequence, 1ull);
	mutex_init(&disk->scan, RANK_DISK_SCAN, "disk.scan");
	mutex_init(&disk->lock, RANK_BLOCK, "disk");
	list_init(&disk->partitions);
	list_init(&disk->link);
	delayed_work_init(&disk->watch, queues_watch);
	return disk;
}

int disk_create(const struct disk_params *params, void *private, struct disk **out)
{
	struct disk *disk = disk_alloc(params, private);
	int err = 0;

	if (!disk)
		return -ENOMEM;
	if (!params->ops->submit)
		err = queues_create(disk, params);
	if (!err) {
		disk->whole =
			bdev_create(disk, 0, MKDEV(disk->major, disk->first_minor), disk->name);
		err = disk->whole ? 0 : -ENOMEM;
	}
	if (err) {
		queues_destroy(disk);
		kfree(disk);
		return err;
	}
	disk->parent = device_get(params->parent);
	*out = disk;
	return 0;
}

struct disk_limits *disk_limits(struct disk *disk)
{
	return &disk->limits;
}

void *disk_private(const struct disk *disk)
{
	return disk->private;
}

struct hw_queue *disk_queue(struct disk *disk, unsigned index)
{
	return &disk->queues[index];
}

struct bdev *disk_whole(struct disk *disk)
{
	return disk->whole;
}

/* --- coming ----------------------------------------------------------------------------------- */

/* What the driver left at 0 gets a usual value.  Returns 0 or -EINVAL. */
static int limits_complete(struct disk_limits *l)
{
	l->logical_block = l->logical_block ?: SECTOR_SIZE;
	if (l->logical_block < SECTOR_SIZE || l->logical_block > PAGE_SIZE ||
	    l->logical_block & (l->logical_block - 1))
		return -EINVAL;
	l->physical_block = max(l->physical_block, l->logical_block);
	l->io_min = max(l->io_min, l->physical_block);
	l->max_sectors = min(l->max_sectors ?: 2560u, 1u << 20);
	l->max_segments = min(l->max_segments ?: 128u, 0x7fffu);
	l->max_segment_size = l->max_segment_size ?: 65536u;
	if (l->max_segment_size < PAGE_SIZE || l->max_sectors < PAGE_SIZE >> SECTOR_SHIFT)
		return -EINVAL;
	if (l->max_discard_sectors && !l->discard_granularity)
		l->discard_granularity = l->logical_block;
	if (l->max_discard_sectors && !l->max_discard_segments)
		l->max_discard_segments = 1;
	return 0;
}

int bdev_publish(struct bdev *b)
{
	int err = bdev_enter(b);

	if (err)
		return err;
	err = block_device_register(b);
	if (err) {
		bdev_leave(b);
		return err;
	}
	err = devtmpfs_create(b->name, S_IFBLK | 0600, b->dev);
	if (err)
		log_warn("%s: no node in /dev: error %d\n", b->name, -err);
	return 0;
}

void bdev_retract(struct bdev *b)
{
	(void)!devtmpfs_remove(b->name);
	block_device_unregister(b);
	bdev_leave(b);
}

int disk_add(struct disk *disk)
{
	int err = limits_complete(&disk->limits);

	if (err)
		return err;
	WRITE_ONCE(disk->readahead.request, disk->limits.max_sectors);
	bdev_set_default_block_size(disk->whole);
	err = bdev_publish(disk->whole);
	if (err)
		return err;
	with_mutex(&disks_lock) list_push_back(&disks, &disk->link);
	atomic_fetch_or(&disk->state, DISK_ADDED);
	if (disk->whole->sectors && !disk_test(disk, DISK_NO_PARTITIONS) && disk_rescan(disk))
		log_warn("%s: cannot read the partition table\n", disk->name);
	return 0;
}

/* --- going ------------------------------------------------------------------------------------ */

void disk_remove(struct disk *disk)
{
	guard_mutex(&disk->scan);
	with_mutex(&disk->lock)
	{
		WRITE_ONCE(disk->whole->gone, 1);
		atomic_fetch_or(&disk->state, DISK_DEAD);
	}
	partitions_remove_all(disk);
	if (disk_test(disk, DISK_ADDED)) {
		bdev_retract(disk->whole);
		with_mutex(&disks_lock) list_remove(&disk->link);
	}
	synchronize_rcu();
	queues_fail(disk);
}

/* --- changing --------------------------------------------------------------------------------- */

void disk_set_capacity(struct disk *disk, sector_t sectors)
{
	struct bdev *b = disk->whole;
	sector_t old;

	with_mutex(&disk->lock)
	{
		old = b->sectors;
		WRITE_ONCE(b->sectors, sectors);
	}
	if (disk_test(disk, DISK_ADDED) && old != sectors && old && sectors)
		block_device_changed(b, "RESIZE=1");
}

static void state_set(struct disk *disk, u32 flag, bool on)
{
	if (on)
		atomic_fetch_or(&disk->state, flag);
	else
		atomic_fetch_and(&disk->state, ~flag);
}

void disk_set_read_only(struct disk *disk, bool read_only)
{
	if (disk_test(disk, DISK_READ_ONLY) == (read_only ? DISK_READ_ONLY : 0))
		return;
	state_set(disk, DISK_READ_ONLY, read_only);
	if (disk_test(disk, DISK_ADDED))
		block_device_changed(disk->whole, read_only ? "DISK_RO=1" : "DISK_RO=0");
}

void disk_set_blocks(struct disk *disk, u32 logical, u32 physical)
{
	struct disk_limits *l = &disk->limits;

	with_mutex(&disk->lock)
	{
		WRITE_ONCE(l->logical_block, logical);
		WRITE_ONCE(l->physical_block, physical);
		WRITE_ONCE(l->io_min, physical);
		bdev_set_default_block_size(disk->whole);
	}
}

void disk_forget(struct disk *disk)
{
	bdev_sync(disk->whole, true);
	cache_drop_clean(bdev_mapping(disk->whole), 0, ~0ull >> PAGE_SHIFT);
}

unsigned disk_openers(const struct disk *disk)
{
	return READ_ONCE(disk->openers);
}

bool disk_is(const struct disk *disk, const struct disk_ops *ops)
{
	return disk->ops == ops;
}

void disk_changed(struct disk *disk)
{
	if (disk_test(disk, DISK_ADDED))
		block_device_changed(disk->whole, NULL);
}

void disk_set_write_cache(struct disk *disk, bool on)
{
	WRITE_ONCE(disk->limits.write_cache, on);
}

void disk_set_partitions(struct disk *disk, bool on)
{
	state_set(disk, DISK_NO_PARTITIONS, !on);
}

/* --- all of them ------------------------------------------------------------------------------ */

/* Whole disks and partitions in order.  Locks: takes disks_lock and each disk.lock. */
static void show_each(void (*show)(struct bdev *b, struct seq *out), struct seq *out)
{
	struct disk *disk;
	struct bdev *part;

	guard_mutex(&disks_lock);
	list_for_each (disk, &disks, link) {
		if (!disk->whole->sectors)
			continue;
		show(disk->whole, out);
		list_for_each (part, &disk->partitions, link)
			show(part, out);
	}
}

static void partition_line(struct bdev *b, struct seq *out)
{
	seq_printf(out, "%4u  %7u %10llu %s\n", MAJOR(b->dev), MINOR(b->dev),
		   (unsigned long long)b->sectors / 2, b->name);
}

void disks_show_partitions(struct seq *out)
{
	seq_puts(out, "major minor  #blocks  name\n\n");
	show_each(partition_line, out);
}

static void stats_line(struct bdev *b, struct seq *out)
{
	seq_printf(out, "%4u %7u %s", MAJOR(b->dev), MINOR(b->dev), b->name);
	stats_show(b, out);
	seq_putc(out, '\n');
}

void disks_show_stats(struct seq *out)
{
	show_each(stats_line, out);
}

void block_init(void)
{
	u32 extended = EXTENDED_MAJOR;

	bio_init_pools();
	buffer_init();
	bdev_init();
	sched_set_plug_flush(plug_flush_current);
	VERIFY(!blkdev_register(&extended, "blkext"));
}
