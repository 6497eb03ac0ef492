/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Partitions of disks: read from the table, made and removed by programs, numbered.
 *
 * They come and go under disk.scan, which device registration needs; the list also changes under
 * disk.lock and disks_lock, one of which is enough to walk it.  A partition that somebody has open
 * is not removed; one that is being removed is marked gone first, under the lock that opening
 * takes.
 *
 * The table is read past the page cache, whose dirt is written before: a program that wrote a new
 * table need not sync.
 */
#define LOG_PREFIX "block: "
#include <fs/block/partition/partition.h>
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/ctype.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include "block_internal.h"

#define EXTENDED_MAJOR  259u
#define EXTENDED_MINORS 4096u

static u64 extended_used[EXTENDED_MINORS / 64]; /* [disks_lock] */

/* --- numbers ---------------------------------------------------------------------------------- */

static int extended_get(dev_t *out)
{
	guard_mutex(&disks_lock);
	for (u32 i = 0; i < EXTENDED_MINORS / 64; i++) {
		u64 free = ~extended_used[i];

		if (free) {
			u32 bit = (u32)ctz64(free);

			extended_used[i] |= 1ull << bit;
			*out = MKDEV(EXTENDED_MAJOR, i * 64 + bit);
			return 0;
		}
	}
	return -EBUSY;
}

void extended_minor_put(dev_t dev)
{
	u32 minor = MINOR(dev);

	if (MAJOR(dev) != EXTENDED_MAJOR)
		return;
	guard_mutex(&disks_lock);
	extended_used[minor / 64] &= ~(1ull << minor % 64);
}

static int partition_number(struct disk *disk, u32 partno, dev_t *out)
{
	if (partno >= disk->minors)
		return extended_get(out);
	*out = MKDEV(disk->major, disk->first_minor + partno);
	return 0;
}

/* "vda1", but "loop0p1". */
static void partition_name(const struct disk *disk, u32 partno, char *buf, size_t size)
{
	const char *last = disk->name + strlen(disk->name) - 1;

	snprintf(buf, size, isdigit(*last) ? "%sp%u" : "%s%u", disk->name, partno);
}

/* --- one partition ---------------------------------------------------------------------------- */

/* Referenced, or NULL.  Locks: takes disk.lock. */
static struct bdev *partition_find(struct disk *disk, u32 partno)
{
	struct bdev *b;

	guard_mutex(&disk->lock);
	list_for_each (b, &disk->partitions, link)
		if (b->partno == partno)
			return bdev_get(b);
	return NULL;
}

/* In order of numbers. */
static void partition_link(struct disk *disk, struct bdev *b)
{
	struct bdev *other;

	guard_mutex(&disk->lock);
	guard_mutex(&disks_lock);
	list_for_each (other, &disk->partitions, link)
		if (other->partno > b->partno)
			break;
	list_insert_before(&other->link, &b->link);
}

static int partition_add(struct disk *disk, const struct partition_entry *e)
{
	char name[sizeof(disk->name)];
	struct bdev *b;
	dev_t dev;
	int err;

	assert_held(&disk->scan);
	err = partition_number(disk, e->number, &dev);
	if (err)
		return err;
	partition_name(disk, e->number, name, sizeof(name));
	b = bdev_create(disk, e->number, dev, name);
	if (!b) {
		extended_minor_put(dev);
		return -ENOMEM;
	}
	b->start = e->start;
	b->sectors = e->sectors;
	strscpy(b->uuid, e->uuid, sizeof(b->uuid));
	strscpy(b->label, e->label, sizeof(b->label));
	bdev_set_default_block_size(b);
	partition_link(disk, b);
	err = bdev_publish(b);
	if (!err)
		return 0;
	with_mutex(&disk->lock) with_mutex(&disks_lock) list_remove(&b->link);
	bdev_put(b);
	return err;
}

/* It is marked gone and off the list: out of sight, and the list's reference with it. */
static void partition_remove(struct bdev *b)
{
	assert_held(&b->disk->scan);
	bdev_retract(b);
	bdev_sync(b, true);
	bdev_put(b);
}

/* Take partitions off the list, all or (partno not 0) one.  -EBUSY: one is open, and none goes. */
static int partitions_unlink(struct disk *disk, u32 partno, bool force, struct list *gone)
{
	struct bdev *b, *next;

	guard_mutex(&disk->lock);
	guard_mutex(&disks_lock);
	list_for_each (b, &disk->partitions, link)
		if ((!partno || b->partno == partno) && b->openers && !force)
			return -EBUSY;
	list_for_each_safe (b, next, &disk->partitions, link) {
		if (partno && b->partno != partno)
			continue;
		WRITE_ONCE(b->gone, 1);
		list_remove(&b->link);
		list_push_back(gone, &b->link);
	}
	return 0;
}

static int partitions_drop(struct disk *disk, u32 partno, bool force)
{
	struct list gone = LIST_INIT(gone);
	struct bdev *b, *next;
	int err = partitions_unlink(disk, partno, force, &gone);

	list_for_each_safe (b, next, &gone, link) {
		list_remove(&b->link);
		partition_remove(b);
	}
	return err;
}

void partitions_remove_all(struct disk *disk)
{
	(void)!partitions_drop(disk, 0, true);
}

/* --- the table -------------------------------------------------------------------------------- */

static int table_read(void *arg, u64 sector, void *buf, size_t len)
{
	return bdev_rw(arg, BIO_READ, sector, buf, len);
}

static int partitions_add(struct disk *disk, struct partition_list *list)
{
	struct partition_source src = {
		.read = table_read,
		.arg = disk->whole,
		.sectors = disk->whole->sectors,
		.block = disk->limits.logical_block,
		.scratch = kmalloc(PARTITION_SCRATCH, GFP_KERNEL),
	};
	int err = -ENOMEM;

	if (src.scratch)
		err = partitions_read(&src, list);
	kfree(src.scratch);
	if (err)
		return err;
	if (list->backup)
		log_warn("%s: the first GPT is damaged: using the one at the end\n", disk->name);
	for (unsigned i = 0; i < list->nr; i++) {
		int one = partition_add(disk, &list->entries[i]);

		if (one)
			log_warn("%s: partition %u: error %d\n", disk->name,
				 list->entries[i].number, -one);
	}
	return 0;
}

int disk_rescan(struct disk *disk)
{
	struct partition_list *list;
	int err;

	if (disk_test(disk, DISK_NO_PARTITIONS))
		return -EINVAL;
	guard_mutex(&disk->scan);
	if (disk_test(disk, DISK_DEAD))
		return -ENODEV;
	err = bdev_sync(disk->whole, true) ?: partitions_drop(disk, 0, false);
	if (err)
		return err;
	list = kvmalloc(sizeof(*list), GFP_KERNEL);
	if (!list)
		return -ENOMEM;
	err = partitions_add(disk, list);
	kvfree(list);
	block_device_changed(disk->whole, NULL);
	return err;
}

/* --- BLKPG ------------------------------------------------------------------------------------ */

static bool overlaps(struct disk *disk, u64 start, u64 sectors, u32 except)
{
	struct bdev *b;

	guard_mutex(&disk->lock);
	list_for_each (b, &disk->partitions, link)
		if (b->partno != except && start < b->start + b->sectors &&
		    b->start < start + sectors)
			return true;
	return false;
}

static bool outside(const struct disk *disk, u64 start, u64 sectors)
{
	u64 size = READ_ONCE(disk->whole->sectors);

	return start >= size || sectors > size - start;
}

int partition_create(struct disk *disk, u32 partno, u64 start, u64 sectors)
{
	struct partition_entry e = {.number = partno, .start = start, .sectors = sectors};
	struct bdev *b;

	guard_mutex(&disk->scan);
	if (disk_test(disk, DISK_DEAD))
		return -ENXIO;
	if (outside(disk, start, sectors))
		return -EINVAL;
	b = partition_find(disk, partno);
	if (b)
		bdev_put(b);
	if (b || overlaps(disk, start, sectors, 0))
		return -EBUSY;
	return partition_add(disk, &e);
}

int partition_delete(struct disk *disk, u32 partno)
{
	struct bdev *b;

	guard_mutex(&disk->scan);
	b = partition_find(disk, partno);
	if (!b)
		return -ENXIO;
	bdev_put(b);
	return partitions_drop(disk, partno, false);
}

int partition_resize(struct disk *disk, u32 partno, u64 start, u64 sectors)
{
	struct bdev *b;
	int err = 0;

	guard_mutex(&disk->scan);
	b = partition_find(disk, partno);
	if (!b)
		return -ENXIO;
	if (b->start != start || outside(disk, start, sectors))
		err = -EINVAL;
	else if (overlaps(disk, start, sectors, partno))
		err = -EBUSY;
	else
		with_mutex(&disk->lock) WRITE_ONCE(b->sectors, sectors);
	bdev_put(b);
	return err;
}
