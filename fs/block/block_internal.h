/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the block layer share.
 *
 * Locks, outermost first: disk.scan (partitions come and go; device registration happens under it),
 * disk.lock (opening, claims, sizes), bdevs_lock (the table of numbers); spinlocks:
 * queue_state.lock and flush_queue.lock, which never nest in each other, then the driver's own.
 */
#pragma once

#include <fs/block/block.h>
#include <kernel/device/device.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/waitqueue.h>
#include <mm/readahead.h>

/* request.state */
enum request_state {
	REQUEST_FREE,
	REQUEST_HELD,    /* in a plug or waiting */
	REQUEST_STARTED, /* with the driver */
};

/* bio.stage: what has yet to come when the present step is done */
enum bio_stage {
	STAGE_PLAIN,      /* nothing */
	STAGE_PRE,        /* waits for a flush, then the data if there is any */
	STAGE_DATA_FLUSH, /* data is being written, then a flush */
	STAGE_POST,       /* waits for the last flush */
};

/* Groups of /proc/diskstats. */
enum stat_group { STAT_READ, STAT_WRITE, STAT_DISCARD, STAT_FLUSH, NR_STAT_GROUPS };

/* Counters of one processor.  A request may start on one and end on another: only sums count. */
struct disk_stats {
	u64 ios[NR_STAT_GROUPS]; /* [a] all of them */
	u64 merges[NR_STAT_GROUPS];
	u64 sectors[NR_STAT_GROUPS];
	u64 ns[NR_STAT_GROUPS];
	u64 in_flight[2]; /* reads, writes: started less ended */
	u64 io_ticks;     /* STAT_TICK_SHIFT */
} __aligned(64);

/* The unit of io_ticks is 2^20 ns. */
#define STAT_TICK_SHIFT 20

struct queue_state {
	struct spinlock lock;         /* q */
	struct request *first, *last; /* [q] the driver had no room for them */
	struct bio *bios, *last_bio;  /* [q] want a tag, and their submitter could not sleep */
	u32 parked;                   /* [a] 0 only while `first` is empty; changes under q */
	u32 parked_bios;              /* [a] `bios` is not empty; changes under q */
	u32 runs;                     /* [a] who empties `first`, and how often to look again */
	struct wait_queue tag_wait;   /* submitters that sleep for a tag */
	struct hw_queue *hq;          /* [I] */
	struct request **requests;    /* [a] by tag; each is set once */
	unsigned depth, words;        /* [I] */
	size_t driver_size;           /* [I] of the driver's part of a request */
	u32 made;                     /* [a] requests there are, those of the first tags; grows */
	u32 making;                   /* [a] somebody makes more */
	u64 tags[];                   /* [a] bits: in use, or not made */
};

/*
 * Flushes of a disk.  One is with the device at a time; whoever wants one meanwhile waits for the
 * next, which serves all of them.
 */
struct flush_queue {
	struct spinlock lock;      /* f */
	struct bio *wanted, *last; /* [f] for the next flush */
	struct bio *running;       /* [f] served by the present one */
	bool busy;                 /* [f] `request` is with the driver */
	struct request *request;   /* [I] reserved: its tag is never given to a bio */
};

/* disk.state */
#define DISK_ADDED         (1u << 0)
#define DISK_DEAD          (1u << 1) /* nothing reaches the driver any more */
#define DISK_READ_ONLY     (1u << 2)
#define DISK_NO_PARTITIONS (1u << 3)
#define DISK_REMOVABLE     (1u << 4)

struct disk {
	char name[32];              /* [I] */
	u32 state;                  /* [a] DISK_* */
	const struct disk_ops *ops; /* [I] */
	void *private;              /* [I] */
	struct disk_limits limits;  /* [I] after disk_add, but for write_cache [a] */
	struct readahead_limits readahead;
	struct hw_queue *queues;    /* [I] */
	struct hw_queue **by_cpu;   /* [I] */
	unsigned nr_queues, depth;  /* [I] */
	struct flush_queue flush;
	u32 epoch;      /* [a] seconds in which requests were with the driver */
	u32 watched;    /* [a] `watch` is queued */
	u32 idle_looks; /* the watch's own */
	struct delayed_work watch;
	u32 major, first_minor, minors;                   /* [I] */
	u64 seq;                                          /* [I] BLKGETDISKSEQ */
	struct device *parent;                            /* [I] referenced, or NULL */
	const struct device_attribute *const *attributes; /* [I] */
	struct mutex scan;
	struct mutex lock;      /* b */
	struct bdev *whole;     /* [I] */
	u32 openers;            /* [b] of all its bdevs; read without */
	struct list partitions; /* [b] bdev.link; also [scan] for changes */
	struct list link;       /* [disks_lock] */
};

static inline bool disk_test(const struct disk *disk, u32 flag)
{
	return atomic_load(&disk->state) & flag;
}

/* queue.c */
int queues_create(struct disk *disk, const struct disk_params *params) __must_check;
void queues_destroy(struct disk *disk);
/* From bio_submit: checked, on the disk, no flush to come.  Context: may sleep unless BIO_RAHEAD.
 */
void queue_submit(struct disk *disk, struct bio *bio);
/* The same from where nothing may sleep.  Context: any. */
void queue_submit_nowait(struct disk *disk, struct bio *bio);
/* Give a held request to the driver, or keep it until there is room.  Context: any. */
void request_start(struct request *rq, bool last);
/* The disk is dead: what waits ends with -EIO. */
void queues_fail(struct disk *disk);
unsigned queues_in_flight(const struct disk *disk);
void queues_watch(struct work *w);

/* flush.c */
void flush_init(struct disk *disk);
/* A bio with BIO_PREFLUSH, BIO_FUA or of BIO_FLUSH.  True: taken; false: it is now an ordinary one.
 */
bool flush_submit(struct disk *disk, struct bio *bio);
/* A step of a bio with a stage is done.  Context: any. */
void flush_step(struct disk *disk, struct bio *bio, int error);
/* The flush request is done. */
void flush_done(struct disk *disk, int error);

/* stats.c */
void stats_start(struct bdev *b, enum bio_op op, u64 now);
void stats_end(struct bdev *b, enum bio_op op, u32 bytes, u64 start, u64 now);
void stats_merge(struct bdev *b, enum bio_op op);
void stats_sum(const struct bdev *b, struct disk_stats *out);
/* The eleven to seventeen numbers of /proc/diskstats and `stat'. */
void stats_show(struct bdev *b, struct seq *out);

/* disk.c */
extern struct mutex disks_lock; /* the list of disks */
extern struct list disks;       /* [disks_lock] */
struct disk *disk_get(struct disk *disk);
/* The last reference went.  Context: may sleep. */
void disk_free(struct disk *disk);
/* Show to the world: number, sysfs and uevent, /dev.  Locks: disk.scan, or before it matters. */
int bdev_publish(struct bdev *b) __must_check;
void bdev_retract(struct bdev *b);

/* partitions.c */
/* Whoever has them open.  Locks: disk.scan. */
void partitions_remove_all(struct disk *disk);
void extended_minor_put(dev_t dev);
/*
 * BLKPG: sectors of 512 bytes.  Return 0, -EINVAL (outside), -EBUSY (exists, overlaps, is open),
 * -ENXIO (no such).  Context: may sleep.
 */
int partition_create(struct disk *disk, u32 partno, u64 start, u64 sectors) __must_check;
int partition_delete(struct disk *disk, u32 partno) __must_check;
int partition_resize(struct disk *disk, u32 partno, u64 start, u64 sectors) __must_check;

/* sysfs.c */
int block_device_register(struct bdev *b) __must_check;
void block_device_unregister(struct bdev *b);
/* An event; `key` is one more KEY=value, or NULL. */
void block_device_changed(struct bdev *b, const char *key);

/* bdev.c */
void bdev_init(void);
/* Not visible yet, one reference; NULL: no memory. */
struct bdev *bdev_create(struct disk *disk, u32 partno, dev_t dev, const char *name);
struct bdev *bdev_get(struct bdev *b);
void bdev_put(struct bdev *b);
/* Into and out of the table of numbers.  enter: 0 or -EEXIST. */
int bdev_enter(struct bdev *b) __must_check;
void bdev_leave(struct bdev *b);
int bdev_resolve(const char *path, dev_t *out) __must_check;
/* Referenced, or NULL. */
struct bdev *bdev_find(dev_t dev);
/* Open one that the caller has a reference to. */
int bdev_open_ref(struct bdev *b, unsigned mode, void *holder) __must_check;
void bdev_set_default_block_size(struct bdev *b);
extern const struct mapping_ops bdev_mapping_ops;

/* bdev_file.c, ioctl.c */
extern const struct file_ops bdev_file_ops;
long bdev_ioctl(struct file *file, unsigned cmd, unsigned long arg);

/* bio.c */
void bio_init_pools(void);
