/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices: what file systems and swap ask, and what drivers answer.
 *
 *	bio		a transfer between pages of memory and consecutive sectors of one device
 *	request		one or more merged bios, as a driver sees them, with a tag
 *	hw_queue	a submission queue of the device; processors are spread over them
 *	disk		a whole device: its queues, limits and operations; the driver's
 *	bdev		the whole disk or one partition: what is opened, mounted and named /dev/x
 *
 * The way of a bio: bio_submit() checks it against the device's size, moves it from the partition
 * to the disk, and joins it to the requests in the thread's plug, or else gives it a request of the
 * queue of this processor and hands that to the driver.  Disks in memory take the bio itself
 * (disk_ops.submit).  The driver calls request_end(), from its interrupt if it likes; bio.end then
 * runs in that context.  Requests and tags are allocated with the disk; a bio waits for a tag,
 * never for memory.
 *
 * A flush orders nothing: a bio with BIO_PREFLUSH is written after a flush of what had ended before
 * it was submitted, one with BIO_FUA is on stable storage when it ends.  The layer turns both into
 * separate flushes where the device lacks them, and into nothing where it has no volatile cache.
 * A bio of BIO_FLUSH, or an empty write with BIO_PREFLUSH, is a flush alone.
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/lib/types.h>
#include <mm/alloc.h>

struct bio;
struct bdev;
struct device;
struct disk;
struct disk_ops;
struct folio;
struct hw_queue;
struct inode;
struct mapping;
struct page;
struct request;
struct seq;

/* Sectors are of 512 bytes whatever the device's blocks are. */
typedef u64 sector_t;
#define SECTOR_SHIFT 9
#define SECTOR_SIZE  512u

/*
 * --- transfers ---------------------------------------------------------------------------------
 */

enum bio_op { BIO_READ, BIO_WRITE, BIO_FLUSH, BIO_DISCARD, BIO_ZEROES };

/* bio.flags */
#define BIO_SYNC     (1u << 0) /* somebody waits: do not hold back */
#define BIO_META     (1u << 1) /* metadata, for accounting */
#define BIO_FUA      (1u << 2) /* writes: on stable storage at the end */
#define BIO_PREFLUSH (1u << 3) /* writes: flush what ended before, first */
#define BIO_RAHEAD   (1u << 4) /* may fail for lack of anything */
#define BIO_SWAP     (1u << 5)
#define BIO_NOUNMAP  (1u << 6) /* BIO_ZEROES: keep the space allocated */

struct bio_vec {
	struct page *page;
	u32 offset, len; /* multiples of the logical block */
};

struct bio {
	struct bio *next;  /* in a request, or the owner's while not submitted */
	struct bdev *bdev; /* [I] */
	sector_t sector;   /* of bdev; moved to the disk by bio_submit */
	u32 size;          /* bytes; of all vectors, or of the range */
	u8 op;             /* enum bio_op */
	u8 pool;           /* [I] where its memory goes back to */
	u8 stage;          /* the layer's: how far between its flushes */
	u16 flags;         /* BIO_* */
	u16 nr_vecs, max_vecs;
	int error; /* when it ends: 0 or a negative errno */
	u64 start; /* ns, for statistics */
	/* Called once, from the context in which the device is done: does not sleep. */
	void (*end)(struct bio *bio);
	void *private;
	struct bio_vec *vecs;
	struct bio_vec inline_vecs[];
}; /* the submitter's until bio_submit, the layer's until end */

#define BIO_MAX_VECS 256u

/*
 * A bio for up to `nr_vecs` pieces (at most BIO_MAX_VECS).  With __GFP_SLEEP in `gfp` it does not
 * fail: a reserve serves when memory does not.  Context: by gfp.
 */
struct bio *bio_alloc(struct bdev *bdev, unsigned nr_vecs, enum bio_op op, unsigned flags,
		      gfp_t gfp);
void bio_put(struct bio *bio);
/* Storage of the caller's with room for `nr_vecs` vectors behind (or `vecs`). */
void bio_init(struct bio *bio, struct bdev *bdev, struct bio_vec *vecs, unsigned nr_vecs,
	      enum bio_op op, unsigned flags);
/*
 * Append a piece of a page; false: full (vectors, or the device's limits).  Pieces that follow each
 * other in physical memory join, so a vector may be longer than a page: bio_piece_next() walks.
 */
bool bio_add_page(struct bio *bio, struct page *page, unsigned offset, unsigned len);

/* Walks the pieces of a bio, each within one page.  False at the end. */
struct bio_iter {
	unsigned vec;
	u32 offset;
};
bool bio_piece_next(const struct bio *bio, struct bio_iter *it, struct bio_vec *out);

static inline sector_t bio_end_sector(const struct bio *bio)
{
	return bio->sector + (bio->size >> SECTOR_SHIFT);
}

/*
 * Start.  Ends with -EIO beyond the device's end or when not in its logical blocks, -EROFS for a
 * write to a read-only one, -EOPNOTSUPP for what the device lacks (discard, zeroes:
 * bdev_write_zeroes() emulates those), -ENODEV when it is gone.
 * Context: may sleep (for a tag), unless BIO_RAHEAD: then it may end with -EAGAIN.
 */
void bio_submit(struct bio *bio);
/* Start and wait.  Returns bio.error; the bio stays the caller's.  Context: may sleep. */
int bio_submit_wait(struct bio *bio) __must_check;

/* Bytes of a request or bio, sleeping until done.  `buf` is in the linear map.  For scanning and
 * superblocks. */
int bdev_rw(struct bdev *b, enum bio_op op, sector_t sector, void *buf, size_t len) __must_check;

/*
 * Collecting: bios submitted between start and finish are merged and reach the driver together;
 * they also do when the thread sleeps.  Nested plugs do nothing.  Context: the thread's own stack.
 */
struct plug {
	struct request *head, *tail;
	unsigned count;
	bool outer;
};
void plug_start(struct plug *plug);
void plug_finish(struct plug *plug);
/* What the thread collected goes now: called before it sleeps.  Context: may not hold spinlocks. */
void plug_flush_current(void);

/* Flush the volatile cache.  Returns 0, -EIO.  Context: may sleep. */
int bdev_flush(struct bdev *b) __must_check;
/*
 * Write what is dirty in the device's page cache (buffers included); `wait`: until it is there.
 * Does not flush.  Returns 0 or -EIO.
 */
int bdev_sync(struct bdev *b, bool wait);
/*
 * Discard sectors; make them zero and give back their space; write zeroes over them.  Split as the
 * device wants.  The caller looks after the page cache.  Returns 0, -EIO, -EINVAL (not in logical
 * blocks), -EOPNOTSUPP (the first two: the third writes zeroes where the device has no command).
 * Context: may sleep.
 */
int bdev_discard(struct bdev *b, sector_t sector, sector_t nr) __must_check;
int bdev_punch(struct bdev *b, sector_t sector, sector_t nr) __must_check;
int bdev_write_zeroes(struct bdev *b, sector_t sector, sector_t nr, bool nounmap) __must_check;

/*
 * --- devices, from above -----------------------------------------------------------------------
 */

/* Access modes of bdev_open. */
#define BDEV_READ  1u
#define BDEV_WRITE 2u
#define BDEV_EXCL  4u /* claimed by `holder`: nobody else may claim it */

struct bdev {
	struct disk *disk;    /* [I] */
	u32 partno;           /* [I] 0: the whole disk */
	dev_t dev;            /* [I] */
	sector_t start;       /* [b] on the disk; read without */
	sector_t sectors;     /* [b] read without */
	u32 block_size;       /* [b] of buffers; read without */
	u32 block_bits;       /* [b] its log2 */
	u32 read_only;        /* [a] asked for by the user, or the disk's nature */
	u32 gone;             /* [a] the partition was deleted or the disk removed */
	u32 holders;          /* [b] how often `holder` claimed it */
	void *holder;         /* [b] of BDEV_EXCL */
	u32 openers, writers; /* [b] */
	struct inode
		*inode; /* [I] its count is ours; owns the page cache of the device (inode->data) */
	struct device *device;    /* [I] what sysfs and /dev show */
	char name[32];            /* [I] "vda1" */
	char uuid[40], label[72]; /* [I] of the partition table's entry, text */
	struct disk_stats *stats; /* [I] one per processor */
	u64 io_stamp;             /* [a] ms: when io_ticks was counted last */
	struct list link;         /* [b] partitions of the disk */
	struct hlist_node hash;   /* [bdevs_lock] by number */
};                                /* b: disk.lock */

/* The block device of a mounted file system. */
#define super_bdev(sb) ((struct bdev *)(sb)->bdev)

/*
 * Open by number or by path; the path follows the caller's root and must be a block node on a mount
 * that allows devices.  Returns 0, -ENXIO (no such device), -ENOTBLK, -EACCES, -EBUSY (claimed),
 * -EROFS, -ENOENT...  Context: may sleep.
 */
int bdev_open(dev_t dev, unsigned mode, void *holder, struct bdev **out) __must_check;
int bdev_open_path(const char *path, unsigned mode, void *holder, struct bdev **out) __must_check;
void bdev_close(struct bdev *b, unsigned mode, void *holder);
/*
 * root= of the command line: /dev/NAME, MAJOR:MINOR, PARTUUID=, PARTLABEL=, UUID=, LABEL=.  Returns
 * 0 or -ENOENT, -EINVAL.
 */
int bdev_lookup(const char *text, dev_t *out) __must_check;

static inline u64 bdev_bytes(const struct bdev *b)
{
	return READ_ONCE(b->sectors) << SECTOR_SHIFT;
}

/* The page cache of the device: file systems' metadata and what programs read from /dev/x. */
struct mapping *bdev_mapping(struct bdev *b);
/*
 * The size of blocks the user of the device works in: a power of two from the logical block to a
 * page.  Writes back and drops what is cached.  Returns 0, -EINVAL, -EIO, -EBUSY (buffers of
 * another size are in use).  Context: may sleep.
 */
int bdev_set_block_size(struct bdev *b, u32 size) __must_check;
u32 bdev_logical_block(const struct bdev *b);
bool bdev_read_only(const struct bdev *b);
bool bdev_can_discard(const struct bdev *b);
/* Bytes; 0 where it cannot. */
u32 bdev_discard_granularity(const struct bdev *b);
/*
 * The largest read-ahead window of who reads the device or files on it, whole pages in sectors; 0:
 * none.  BLKRASET.  It holds at once, for open files too (on Linux for those opened from then on).
 */
u32 bdev_readahead(const struct bdev *b);
void bdev_set_readahead(struct bdev *b, u64 sectors);

/*
 * For fs_type.mount of a type with FS_REQUIRES_DEV: opens params->source, shares or creates the
 * superblock of that device (sb->bdev, sb->dev, sb->id, flusher), and calls `fill` for a new one
 * with umount held for writing.  Returns 0, -ENOTBLK, -EBUSY, -EACCES, what fill returns...
 */
struct fs_params;
struct fs_type;
struct super_ops;
struct superblock;
int bdev_mount(const struct fs_type *type, const struct fs_params *params,
	       const struct super_ops *ops,
	       int (*fill)(struct superblock *sb, const struct fs_params *params),
	       struct superblock **out) __must_check;
/* fs_type.kill of such a type: writes back and closes the device. */
void bdev_kill_super(struct superblock *sb);

/*
 * --- devices, from below -----------------------------------------------------------------------
 */

/* What the device can; filled before disk_add, changed later only by disk_set_*. */
struct disk_limits {
	u32 logical_block;  /* bytes, power of two from 512 to a page */
	u32 physical_block; /* bytes */
	u32 io_min, io_opt; /* bytes, 0: none */
	u32 max_sectors;    /* of one request */
	u32 max_segments;
	u32 max_segment_size;    /* bytes */
	u32 max_discard_sectors; /* 0: no discard */
	u32 max_discard_segments;
	u32 discard_granularity; /* bytes */
	u32 max_zeroes_sectors;  /* 0: emulated by writes */
	bool write_cache;        /* volatile: needs flushes */
	bool fua;
	bool rotational;
	bool zeroes_unmap; /* BIO_ZEROES may deallocate */
};

/* A request's life is the layer's and the driver's in turn; `tag` is below the queue's depth. */
struct request {
	struct bio *bio, *last; /* chain by next */
	struct hw_queue *hq;    /* [I] */
	struct disk *disk;      /* [I] */
	sector_t sector;        /* of the disk */
	u32 size;               /* bytes */
	u16 tag;                /* [I] */
	u8 op;                  /* enum bio_op */
	u16 flags;              /* BIO_* of all bios */
	u16 nr_segments;        /* at least as many as the physically contiguous pieces */
	u32 state;              /* [a] of the layer: whose it is */
	u32 epoch;              /* [a] the disk's second in which the driver got it */
	u64 start;              /* ns */
	struct request *next;   /* in a plug or a waiting list */
	u64 driver[];           /* disk.request_size bytes, the driver's */
};

/* Walks the pieces of a request; adjacent memory of neighbouring bios is joined up to the limits.
 */
struct request_iter {
	struct bio *bio;
	unsigned vec;
	u32 offset;
};
struct segment {
	paddr_t pa;
	u32 len;
};
void request_iter_init(struct request_iter *it, const struct request *rq);
bool request_iter_next(struct request_iter *it, const struct request *rq, struct segment *out);

/*
 *	operation	locks held		may sleep	optional
 *	queue		none, preemption off	no (1)		one of queue, submit
 *	commit		none, preemption off	no (1)		yes
 *	submit		none			yes		(disks in memory)
 *	timeout		none			yes		yes
 *	open, release	disk.lock		yes		yes
 *	closed, ioctl	none			yes		yes
 *	free		none			yes		yes
 *
 * (1) Perhaps from an interrupt, and for one hw_queue from several processors at once: the driver
 * has a spinlock of its own (RANK_BLOCK_DRIVER, interrupts off).  queue may call request_end() with
 * no lock held.
 */
struct disk_ops {
	/*
	 * Start `rq`.  Returns 0 (request_end() will follow, perhaps already has), or -EBUSY: no
	 * room; the layer keeps it and tries again after the queue's next request_end or
	 * hw_queue_kick.  `last`: nothing follows, tell the device; without it the driver may wait
	 * for `commit`.
	 */
	int (*queue)(struct hw_queue *hq, struct request *rq, bool last);
	void (*commit)(struct hw_queue *hq);
	/* The bio itself; the driver calls bio_end(). */
	void (*submit)(struct disk *disk, struct bio *bio);
	/*
	 * The request with `tag` has been with the device for 30 s of guest time, and may have
	 * ended just now: the driver looks under its own lock (request_by_tag).  Called each
	 * further second.
	 */
	void (*timeout)(struct hw_queue *hq, unsigned tag);
	int (*open)(struct disk *disk, unsigned mode);
	void (*release)(struct disk *disk, unsigned mode);
	/*
	 * Somebody closed the disk or a partition, and nobody has one open, unless it was opened
	 * again: disk_openers() tells.
	 */
	void (*closed)(struct disk *disk);
	/* -ENOIOCTLCMD: not mine. */
	long (*ioctl)(struct bdev *b, unsigned mode, unsigned cmd, unsigned long arg);
	/* The last reference to the disk went. */
	void (*free)(struct disk *disk);
};

struct hw_queue {
	struct disk *disk;         /* [I] */
	unsigned index;            /* [I] */
	void *private;             /* [I] the driver's */
	struct queue_state *state; /* the layer's */
};

struct disk_params {
	const char *name; /* "vda"; kept by copy */
	u32 major, first_minor,
		minors; /* minors 1: partitions get numbers of the extended major 259 */
	const struct disk_ops *ops;
	unsigned nr_queues;
	unsigned depth;        /* requests per queue, from 2: tags are below it */
	size_t request_size;   /* of the driver's part of a request */
	struct device *parent; /* or NULL */
	const struct device_attribute *const
		*attributes; /* of the block device in sysfs, or NULL */
	bool no_partitions;  /* loop without LO_FLAGS_PARTSCAN, RAM disks */
	bool removable;
};

/*
 * Make a disk, not visible yet; set limits and capacity, then disk_add(): it appears in /dev,
 * sysfs and uevents and its partitions are read.  Returns 0, -ENOMEM, -EEXIST.  Context: may sleep.
 */
int disk_create(const struct disk_params *params, void *private, struct disk **out) __must_check;
struct disk_limits *disk_limits(struct disk *disk);
void *disk_private(const struct disk *disk);
struct hw_queue *disk_queue(struct disk *disk, unsigned index);
struct bdev *disk_whole(struct disk *disk);
int disk_add(struct disk *disk) __must_check;
/*
 * The device went: requests not taken by the driver end with -EIO, later ones with -ENODEV.  The
 * driver then ends those it has.  Open files stay, and fail.  Context: may sleep.
 */
void disk_remove(struct disk *disk);
/* The driver's reference: after disk_remove, or for a disk never added. */
void disk_put(struct disk *disk);
/* Sectors; a change is told to the user by an event.  Context: may sleep. */
void disk_set_capacity(struct disk *disk, sector_t sectors);
/* Of the logical and physical block, bytes.  Nothing is cached (disk_forget) and no I/O under way.
 */
void disk_set_blocks(struct disk *disk, u32 logical, u32 physical);
/* Write back and drop what is cached of the whole disk.  Context: may sleep. */
void disk_forget(struct disk *disk);
/* Openings of the disk and its partitions.  Context: any. */
unsigned disk_openers(const struct disk *disk);
/* Is it of this driver? */
bool disk_is(const struct disk *disk, const struct disk_ops *ops);
/* Tell the user that something changed (a "change" event).  Context: may sleep, no locks. */
void disk_changed(struct disk *disk);
void disk_set_read_only(struct disk *disk, bool read_only);
void disk_set_write_cache(struct disk *disk, bool on);
/* Are partitions wanted (LO_FLAGS_PARTSCAN)?  Takes effect at the next disk_rescan(). */
void disk_set_partitions(struct disk *disk, bool on);
/* The index of the next free disk of a family: 0 is "vda". */
unsigned disk_index_get(const char *family);
void disk_index_put(const char *family, unsigned index);
/* "vd", 27 -> "vdab". */
void disk_name_format(const char *prefix, unsigned index, char *buf, size_t size);

/* The request is done: 0 or a negative errno.  Context: any, also from within queue(). */
void request_end(struct request *rq, int error);
/* Many at once: cheaper. */
void request_end_batch(struct request **rqs, unsigned n, int error);
/*
 * The request with this tag that the driver has, or NULL (a lying device).  Only until request_end:
 * the driver's own lock makes look-up and removal one step.  Context: any.
 */
struct request *request_by_tag(struct hw_queue *hq, unsigned tag);
/* There is room again.  Context: any. */
void hw_queue_kick(struct hw_queue *hq);
/* For drivers with `submit`.  Context: any. */
void bio_end(struct bio *bio, int error);

static inline void *request_driver(struct request *rq)
{
	return rq->driver;
}

/* Partitions: read the table again.  Returns 0, -EBUSY (one is in use), -EINVAL, -EIO. */
int disk_rescan(struct disk *disk) __must_check;

/* Text of /proc/partitions and /proc/diskstats; the block half of /proc/devices. */
void disks_show_partitions(struct seq *out);
void disks_show_stats(struct seq *out);
void blkdev_show(struct seq *out);
/* A block major's name in /proc/devices.  0: choose one.  Returns 0 or -EBUSY. */
int blkdev_register(u32 *major, const char *name) __must_check;

void block_init(void);
