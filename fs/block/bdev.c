/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices as things to open: numbers, claims, their inodes.
 *
 * Each has an inode in a superblock of its own, which is mounted nowhere; the inode's mapping is
 * the device's page cache, shared by all device nodes with the number and by the file system on it.
 * The whole disk and its partitions have different caches.
 *
 * A bdev lives as long as its inode, whose count is its own, because write-back finds the inode by
 * itself.  The whole disk's bdev carries the disk with it: a reference to the disk is one to that
 * inode, and the last put frees everything.  A partition holds a reference to the disk.  The table
 * of numbers holds none: a bdev is taken out of it before its last one goes.
 *
 * A claim (BDEV_EXCL) keeps others from claiming the same device, a disk from being claimed while
 * its partitions are, and the other way round.
 */
#include <fs/vfs/core.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/mapping.h>
#include <fs/chardev.h>
#include <fs/services.h>
#include <kernel/smp/cpu.h>
#include "block_internal.h"
#include "buffer_internal.h"

#define BUCKETS 64u

static struct mutex bdevs_lock = MUTEX_INIT(bdevs_lock, RANK_SLEEP_LEAF);
static struct hlist_head bdevs[BUCKETS]; /* [bdevs_lock] */
static struct mount *bdev_mount_point;

/* --- existence -------------------------------------------------------------------------------- */

static int bdev_write_inode(struct inode *inode, bool wait)
{
	return 0; /* it has no attributes on any disk; its pages are written by the mapping */
}

static void bdev_evict(struct inode *inode)
{
	struct bdev *b = inode->private;
	struct disk *disk = b->disk;

	mapping_fini(&inode->data);
	kfree(b->stats);
	if (b->partno) {
		extended_minor_put(b->dev);
		disk_put(disk);
	} else {
		disk_free(disk);
	}
	kfree(b);
}

static const struct super_ops bdev_super_ops = {
	.write_inode = bdev_write_inode,
	.evict = bdev_evict,
};

static int bdevfs_mount(const struct fs_type *type, const struct fs_params *params,
			struct superblock **out)
{
	int err = pseudo_mount(type, params, BDEVFS_MAGIC, out);

	if (!err)
		(*out)->ops = &bdev_super_ops;
	return err;
}

static const struct fs_type bdevfs_type = {"bdev", FS_NO_USER, bdevfs_mount, NULL};
FS_TYPE(bdevfs_type);

void bdev_init(void)
{
	VERIFY(!kern_mount_internal("bdev", &bdev_mount_point));
	blkdev_set_open_ops(&bdev_file_ops);
}

static loff_t bdev_mapping_size(const struct mapping *m)
{
	const struct inode *inode = m->host;

	return (loff_t)bdev_bytes(inode->private);
}

static struct inode *bdev_inode(struct bdev *b)
{
	struct inode *inode = inode_create(bdev_mount_point->sb);

	if (!inode)
		return NULL;
	inode->mode = S_IFBLK | 0600;
	inode->ino = b->dev;
	inode->rdev = b->dev;
	inode->private = b;
	mapping_init(&inode->data, &bdev_mapping_ops, inode, bdev_mapping_size);
	/* File systems allocate buffers while they hold what reclaim would want. */
	inode->data.gfp = GFP_NOFS | __GFP_MOVABLE;
	inode->data.readahead = &b->disk->readahead;
	mapping_set(&inode->data, MAPPING_BUFFERS);
	return inode;
}

struct bdev *bdev_create(struct disk *disk, u32 partno, dev_t dev, const char *name)
{
	struct bdev *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	b->disk = disk;
	b->partno = partno;
	b->dev = dev;
	strscpy(b->name, name, sizeof(b->name));
	list_init(&b->link);
	b->block_size = disk->limits.logical_block ?: SECTOR_SIZE;
	b->block_bits = ctz64(b->block_size);
	b->stats = kcalloc(nr_cpus, sizeof(*b->stats), GFP_KERNEL);
	b->inode = b->stats ? bdev_inode(b) : NULL;
	if (!b->inode) {
		kfree(b->stats);
		kfree(b);
		return NULL;
	}
	if (partno)
		disk_get(disk);
	return b;
}

struct bdev *bdev_get(struct bdev *b)
{
	inode_get(b->inode);
	return b;
}

void bdev_put(struct bdev *b)
{
	inode_put(b->inode);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static struct hlist_head *bucket(dev_t dev)
{
	return &bdevs[(dev ^ dev >> MINOR_BITS) % BUCKETS];
}

static struct bdev *find_locked(dev_t dev)
{
	struct bdev *b;

	hlist_for_each(b, bucket(dev), hash) if (b->dev == dev) return b;
	return NULL;
}

struct bdev *bdev_find(dev_t dev)
{
	guard_mutex(&bdevs_lock);
	struct bdev *b = find_locked(dev);

	return b && refcount_get_unless_zero(&b->inode->refs) ? b : NULL;
}

int bdev_enter(struct bdev *b)
{
	guard_mutex(&bdevs_lock);
	if (find_locked(b->dev))
		return -EEXIST;
	hlist_push(bucket(b->dev), &b->hash);
	return 0;
}

void bdev_leave(struct bdev *b)
{
	guard_mutex(&bdevs_lock);
	hlist_remove(&b->hash);
}

/* --- opening ---------------------------------------------------------------------------------- */

/* Locks: disk.lock. */
static bool may_claim(struct bdev *b, const void *holder)
{
	struct bdev *part;

	if (b->holder)
		return b->holder == holder;
	if (b->partno)
		return !b->disk->whole->holder;
	list_for_each (part, &b->disk->partitions, link)
		if (part->holder)
			return false;
	return true;
}

void bdev_set_default_block_size(struct bdev *b)
{
	u32 size = b->disk->limits.logical_block;
	u64 bytes = bdev_bytes(b);

	while (size < PAGE_SIZE && !(bytes & size))
		size <<= 1;
	WRITE_ONCE(b->block_size, size);
	WRITE_ONCE(b->block_bits, ctz64(size));
}

static int open_locked(struct bdev *b, unsigned mode, void *holder)
{
	const struct disk_ops *ops = b->disk->ops;
	int err = 0;

	if (b->gone || disk_test(b->disk, DISK_DEAD))
		return -ENXIO;
	if ((mode & BDEV_EXCL) && !may_claim(b, holder))
		return -EBUSY;
	if (ops->open)
		err = ops->open(b->disk, mode);
	if (err)
		return err;
	if (!b->openers)
		bdev_set_default_block_size(b);
	if (mode & BDEV_EXCL) {
		WRITE_ONCE(b->holder, holder);
		b->holders++;
	}
	WRITE_ONCE(b->openers, b->openers + 1);
	WRITE_ONCE(b->disk->openers, b->disk->openers + 1);
	b->writers += !!(mode & BDEV_WRITE);
	return 0;
}

int bdev_open_ref(struct bdev *b, unsigned mode, void *holder)
{
	guard_mutex(&b->disk->lock);
	return open_locked(b, mode, holder);
}

int bdev_open(dev_t dev, unsigned mode, void *holder, struct bdev **out)
{
	struct bdev *b = bdev_find(dev);
	int err;

	if (!b)
		return -ENXIO;
	err = bdev_open_ref(b, mode, holder);
	if (err) {
		bdev_put(b);
		return err;
	}
	*out = b;
	return 0;
}

/* The number a path leads to. */
int bdev_resolve(const char *path, dev_t *out)
{
	struct path p;
	int err = kern_path(path, LOOKUP_FOLLOW, &p);

	if (err)
		return err;
	if (!S_ISBLK(p.dentry->inode->mode))
		err = -ENOTBLK;
	else if (READ_ONCE(p.mnt->flags) & MNT_NODEV || p.mnt->sb->flags & SB_NODEV)
		err = -EACCES;
	else
		*out = p.dentry->inode->rdev;
	path_put(&p);
	return err;
}

int bdev_open_path(const char *path, unsigned mode, void *holder, struct bdev **out)
{
	dev_t dev;
	int err = bdev_resolve(path, &dev);

	return err ?: bdev_open(dev, mode, holder, out);
}

/* Nobody uses it any more: what it wrote is on the disk, and what is read next comes from there. */
static void bdev_settle(struct bdev *b)
{
	bdev_sync(b, true);
	cache_drop_clean(bdev_mapping(b), 0, ~0ull >> PAGE_SHIFT);
}

void bdev_close(struct bdev *b, unsigned mode, void *holder)
{
	if (READ_ONCE(b->openers) == 1)
		bdev_settle(b);
	with_mutex(&b->disk->lock)
	{
		if ((mode & BDEV_EXCL) && !--b->holders)
			WRITE_ONCE(b->holder, NULL);
		WRITE_ONCE(b->openers, b->openers - 1);
		WRITE_ONCE(b->disk->openers, b->disk->openers - 1);
		b->writers -= !!(mode & BDEV_WRITE);
		if (b->disk->ops->release)
			b->disk->ops->release(b->disk, mode);
	}
	if (b->disk->ops->closed && !disk_openers(b->disk))
		b->disk->ops->closed(b->disk);
	bdev_put(b);
}

/* --- what users ask --------------------------------------------------------------------------- */

struct mapping *bdev_mapping(struct bdev *b)
{
	return &b->inode->data;
}

#define EMPTY_TRIES    100u
#define EMPTY_PAUSE_NS 1000000u

/* Wait for the transfers of what is cached. */
static void transfers_wait(struct mapping *m)
{
	struct folio *batch[16];
	u64 index = 0;
	unsigned n;

	while ((n = cache_gather(m, &index, ~0ull >> PAGE_SHIFT, batch, ARRAY_SIZE(batch))) != 0)
		for (unsigned i = 0; i < n; i++) {
			folio_lock(batch[i]);
			folio_wait_writeback(batch[i]);
			folio_unlock(batch[i]);
			folio_put(batch[i]);
		}
}

/*
 * Nothing is cached any more.  What is being read or written is waited for; what somebody looks at
 * without lock (reclaim, a reader) is let go of soon, but says so to nobody: pause for it.
 */
static bool bdev_empty(struct mapping *m)
{
	for (unsigned i = 0; i < EMPTY_TRIES; i++) {
		if (i > 1)
			sleep_ns(EMPTY_PAUSE_NS);
		cache_drop_clean(m, 0, ~0ull >> PAGE_SHIFT);
		if (!READ_ONCE(m->nr_pages))
			return true;
		transfers_wait(m);
	}
	return false;
}

int bdev_set_block_size(struct bdev *b, u32 size)
{
	struct mapping *m = bdev_mapping(b);
	int err;

	if (size < bdev_logical_block(b) || size > PAGE_SIZE || size & (size - 1))
		return -EINVAL;
	if (size == b->block_size)
		return 0;
	err = bdev_sync(b, true);
	if (err)
		return err;
	if (!bdev_empty(m))
		return -EBUSY;
	guard_mutex(&b->disk->lock);
	WRITE_ONCE(b->block_size, size);
	WRITE_ONCE(b->block_bits, ctz64(size));
	return 0;
}

u32 bdev_logical_block(const struct bdev *b)
{
	return b->disk->limits.logical_block;
}

bool bdev_read_only(const struct bdev *b)
{
	return READ_ONCE(b->read_only) || disk_test(b->disk, DISK_READ_ONLY);
}

bool bdev_can_discard(const struct bdev *b)
{
	return b->disk->limits.max_discard_sectors != 0;
}

u32 bdev_discard_granularity(const struct bdev *b)
{
	return b->disk->limits.discard_granularity;
}

#define DEFAULT_READAHEAD (128u << 10 >> SECTOR_SHIFT)
#define SECTORS_PER_PAGE  (u32)(PAGE_SIZE >> SECTOR_SHIFT)

u32 bdev_readahead(const struct bdev *b)
{
	u32 window = READ_ONCE(b->disk->readahead.window) ?: DEFAULT_READAHEAD;

	return window & ~(SECTORS_PER_PAGE - 1);
}

void bdev_set_readahead(struct bdev *b, u64 sectors)
{
	u32 whole = (u32)min(sectors, (u64)U32_MAX) & ~(SECTORS_PER_PAGE - 1);

	/* 0 would be the default: what is less than a page is none. */
	WRITE_ONCE(b->disk->readahead.window, whole ?: 1);
}
