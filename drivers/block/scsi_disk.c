/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block devices of SCSI disks (/dev/sdX) and CD-ROMs (/dev/srN): SBC-3, MMC-6.
 *
 * A request becomes one command; the command lies in the driver's part of the request.  What the
 * unit can is asked once, in pages of vital product data and the caching mode page, and its size
 * again when it says that it changed.
 *
 * A command that failed only because the unit wanted to tell something (attention), or was busy, is
 * sent again by a worker, a few times.  When a unit refuses to unmap or to write zeroes after all,
 * that is not offered any more.
 *
 * Lock: `lock` guards the list of commands to be sent again.
 */
#define LOG_PREFIX "sd: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/preempt.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/spinlock.h>
#include <mm/page.h>
#include "scsi.h"

#define MINORS       16u
#define SECTORS_MOST 2560u
#define RETRIES_MAX  5
#define PARAM_SIZE   24 /* of UNMAP with one range */
#define PAGE_BUF     512
#define BUSY_TRIES   5000

#define VITAL_SUPPORTED    0x00
#define VITAL_LIMITS       0xb0
#define VITAL_CHARACTER    0xb1
#define VITAL_PROVISIONING 0xb2

#define SD_CDB_FUA   0x08
#define SD_CDB_UNMAP 0x08 /* of WRITE SAME */

struct scsi_disk {
	struct scsi_unit *unit;  /* [I] valid until destroy */
	struct scsi_host *host;  /* [I] likewise */
	struct disk *disk;       /* [I] */
	bool cd;                 /* [I] */
	unsigned index;          /* [I] */
	u32 block_shift;         /* [I] log2 of sectors per block */
	bool lbpme;              /* [I] logical block provisioning */
	bool unmap, write_same;  /* [I] VPD: which forms the unit has */
	bool can_fua;            /* [I] */
	u32 no_unmap, no_zeroes; /* [a] it refused */
	u32 gone;                /* [a] */
	u8 *zeroes;              /* [I] one block */
	struct work retry_work, size_work;
	struct spinlock lock;
	struct scsi_command *retry; /* [lock] */
};

/* The driver's part of a request; the adapter's follows the command. */
struct sd_request {
	u8 param[PARAM_SIZE];
	struct scsi_command cmd;
};

/* --- commands --------------------------------------------------------------------------------- */

static bool lba_needs_16(u64 lba, u32 blocks)
{
	return lba + blocks > U32_MAX || blocks > 0xffff;
}

static void build_transfer(struct scsi_disk *d, struct scsi_command *c, const struct request *rq)
{
	u64 lba = rq->sector >> d->block_shift;
	u32 blocks = rq->size >> (SECTOR_SHIFT + d->block_shift);
	u8 fua = rq->op == BIO_WRITE && rq->flags & BIO_FUA && d->can_fua ? SD_CDB_FUA : 0;

	c->write = rq->op == BIO_WRITE;
	c->cdb[1] = fua;
	if (lba_needs_16(lba, blocks)) {
		c->cdb_len = 16;
		c->cdb[0] = c->write ? SCSI_WRITE_16 : SCSI_READ_16;
		put_unaligned_be64(lba, c->cdb + 2);
		put_unaligned_be32(blocks, c->cdb + 10);
		c->cdb[14] = c->cdb[15] = 0;
		return;
	}
	c->cdb_len = 10;
	c->cdb[0] = c->write ? SCSI_WRITE_10 : SCSI_READ_10;
	put_unaligned_be32((u32)lba, c->cdb + 2);
	c->cdb[6] = 0;
	put_unaligned_be16((u16)blocks, c->cdb + 7);
	c->cdb[9] = 0;
}

static void build_unmap(struct scsi_disk *d, struct sd_request *r, const struct request *rq)
{
	struct scsi_command *c = &r->cmd;

	memset(c->cdb, 0, sizeof(c->cdb));
	c->cdb_len = 10;
	c->cdb[0] = SCSI_UNMAP;
	c->cdb[8] = PARAM_SIZE;
	memset(r->param, 0, sizeof(r->param));
	put_unaligned_be16(PARAM_SIZE - 2, r->param);
	put_unaligned_be16(PARAM_SIZE - 8, r->param + 2);
	put_unaligned_be64(rq->sector >> d->block_shift, r->param + 8);
	put_unaligned_be32(rq->size >> (SECTOR_SHIFT + d->block_shift), r->param + 16);
	c->rq = NULL;
	c->buf = r->param;
	c->len = PARAM_SIZE;
	c->write = true;
}

static void build_same(struct scsi_disk *d, struct scsi_command *c, const struct request *rq,
		       bool unmap)
{
	memset(c->cdb, 0, sizeof(c->cdb));
	c->cdb_len = 16;
	c->cdb[0] = SCSI_WRITE_SAME_16;
	c->cdb[1] = unmap ? SD_CDB_UNMAP : 0;
	put_unaligned_be64(rq->sector >> d->block_shift, c->cdb + 2);
	put_unaligned_be32(rq->size >> (SECTOR_SHIFT + d->block_shift), c->cdb + 10);
	c->rq = NULL;
	c->buf = d->zeroes;
	c->len = SECTOR_SIZE << d->block_shift;
	c->write = true;
}

static void build_flush(struct scsi_command *c)
{
	memset(c->cdb, 0, sizeof(c->cdb));
	c->cdb_len = 10;
	c->cdb[0] = SCSI_SYNC_CACHE_10;
	c->rq = NULL;
	c->len = 0;
	c->write = true;
}

/* 0, or -EOPNOTSUPP. */
static int build(struct scsi_disk *d, struct sd_request *r, struct request *rq)
{
	struct scsi_command *c = &r->cmd;
	bool keep = rq->flags & BIO_NOUNMAP;

	switch (rq->op) {
	case BIO_READ:
	case BIO_WRITE: build_transfer(d, c, rq); return 0;
	case BIO_FLUSH: build_flush(c); return 0;
	case BIO_DISCARD:
		if (atomic_load(&d->no_unmap))
			return -EOPNOTSUPP;
		if (d->unmap)
			build_unmap(d, r, rq);
		else
			build_same(d, c, rq, true);
		return 0;
	default:
		if (atomic_load(&d->no_zeroes))
			return -EOPNOTSUPP;
		build_same(d, c, rq, d->write_same && !keep);
		return 0;
	}
}

/* --- the end ---------------------------------------------------------------------------------- */

static struct request *request_of(struct scsi_command *c)
{
	struct sd_request *r = container_of(c, struct sd_request, cmd);

	return container_of((void *)r, struct request, driver);
}

static bool retry_later(struct scsi_disk *d, struct scsi_command *c)
{
	if (c->retries++ >= RETRIES_MAX || atomic_load(&d->gone))
		return false;
	with_spin_irq(&d->lock)
	{
		c->next = d->retry;
		d->retry = c;
	}
	work_queue(&d->retry_work);
	return true;
}

/* What the unit objects to, as an errno; -EAGAIN: send again. */
static int judge_sense(struct scsi_disk *d, const struct scsi_command *c, const struct request *rq)
{
	struct scsi_sense s;

	if (!scsi_sense_decode(c->sense, c->sense_len, &s))
		return -EIO;
	switch (s.key) {
	case SENSE_NONE:
	case SENSE_RECOVERED: return 0;
	case SENSE_UNIT_ATTENTION:
		/* Parameters or capacity changed. */
		if (s.asc == 0x2a)
			work_queue(&d->size_work);
		return -EAGAIN;
	case SENSE_ABORTED: return -EAGAIN;
	case SENSE_NOT_READY: return s.asc == 0x04 ? -EAGAIN : -EIO;
	case SENSE_DATA_PROTECT: return s.asc == 0x27 && s.ascq == 0x07 ? -ENOSPC : -EIO;
	case SENSE_ILLEGAL_REQUEST: break;
	default: return -EIO;
	}
	if (rq->op == BIO_DISCARD)
		atomic_store(&d->no_unmap, 1u);
	else if (rq->op == BIO_ZEROES)
		atomic_store(&d->no_zeroes, 1u);
	else
		return -EIO;
	return -EOPNOTSUPP;
}

static int judge(struct scsi_disk *d, const struct scsi_command *c, const struct request *rq)
{
	if (unlikely(c->error))
		return -EIO;
	if (likely(c->status == SCSI_GOOD))
		return c->rq && unlikely(c->residual) ? -EIO : 0;
	if (c->status == SCSI_BUSY || c->status == SCSI_TASK_SET_FULL)
		return -EAGAIN;
	return c->status == SCSI_CHECK_CONDITION ? judge_sense(d, c, rq) : -EIO;
}

static void sd_done(struct scsi_command *c)
{
	struct request *rq = request_of(c);
	struct scsi_disk *d = disk_private(rq->disk);
	int err = judge(d, c, rq);

	if (unlikely(err == -EAGAIN)) {
		if (retry_later(d, c))
			return;
		err = -EIO;
	}
	request_end(rq, err);
}

/* --- sending ---------------------------------------------------------------------------------- */

static int sd_queue(struct hw_queue *hq, struct request *rq, bool last)
{
	struct scsi_disk *d = hq->private;
	struct sd_request *r = request_driver(rq);
	int err;

	r->cmd.rq = rq;
	r->cmd.buf = NULL;
	r->cmd.len = 0;
	r->cmd.retries = 0;
	r->cmd.unit = d->unit;
	r->cmd.done = sd_done;
	err = build(d, r, rq);
	return err ? err : d->host->ops->queue(d->host, hq->index, &r->cmd, last);
}

static void sd_commit(struct hw_queue *hq)
{
	struct scsi_disk *d = hq->private;

	d->host->ops->commit(d->host, hq->index);
}

static void sd_timeout(struct hw_queue *hq, unsigned tag)
{
	struct scsi_disk *d = hq->private;

	if (!atomic_load(&d->gone))
		d->host->ops->timeout(d->host);
}

static struct scsi_command *retry_take(struct scsi_disk *d)
{
	guard_spin_irq(&d->lock);
	struct scsi_command *c = d->retry;

	if (c)
		d->retry = c->next;
	return c;
}

static void retry_run(struct work *w)
{
	struct scsi_disk *d = container_of(w, struct scsi_disk, retry_work);
	struct scsi_command *c;

	while ((c = retry_take(d))) {
		struct request *rq = request_of(c);
		int err = -EBUSY;

		for (unsigned i = 0; i < BUSY_TRIES && err == -EBUSY; i++) {
			sleep_ns(1000000);
			if (atomic_load(&d->gone)) {
				err = -EIO;
				break;
			}
			preempt_disable();
			err = d->host->ops->queue(d->host, rq->hq->index, c, true);
			preempt_enable();
		}
		if (err)
			request_end(rq, -EIO);
	}
}

/* --- asking ----------------------------------------------------------------------------------- */

/* Blocks and their size in bytes.  0, or -EIO: no medium, or a size that is not usable. */
static int read_capacity(struct scsi_disk *d, u8 *buf, u64 *blocks, u32 *size)
{
	u8 ten[10] = {SCSI_READ_CAPACITY_10};
	u8 sixteen[16] = {SCSI_SERVICE_IN_16, SCSI_ACTION_READ_CAPACITY_16, [13] = 32};
	u32 got;
	int err = scsi_execute(d->unit, ten, sizeof(ten), buf, 8, false, &got);

	if (err || got < 8)
		return -EIO;
	*blocks = (u64)get_unaligned_be32(buf) + 1;
	*size = get_unaligned_be32(buf + 4);
	if (d->cd)
		return 0;
	err = scsi_execute(d->unit, sixteen, sizeof(sixteen), buf, 32, false, &got);
	if (err || got < 16)
		return *blocks > U32_MAX ? -EIO : 0;
	*blocks = get_unaligned_be64(buf) + 1;
	*size = get_unaligned_be32(buf + 8);
	d->lbpme = buf[14] & 0x80;
	return *blocks ? 0 : -EIO;
}

static bool has_page(const u8 *list, u32 got, u8 page)
{
	u32 n = min((u32)get_unaligned_be16(list + 2), got - 4);

	for (u32 i = 0; i < n; i++)
		if (list[4 + i] == page)
			return true;
	return false;
}

static void read_block_limits(struct scsi_disk *d, struct disk_limits *l, const u8 *buf)
{
	u64 block = l->logical_block, most = U32_MAX >> SECTOR_SHIFT;
	u64 transfer = (u64)get_unaligned_be32(buf + 8) << d->block_shift;
	u64 unmap = (u64)get_unaligned_be32(buf + 20) << d->block_shift;
	u64 same = get_unaligned_be64(buf + 36);

	l->io_min = (u32)min(get_unaligned_be16(buf + 6) * block, (u64)U32_MAX);
	l->io_opt = (u32)min(get_unaligned_be32(buf + 12) * block, (u64)U32_MAX);
	if (transfer)
		l->max_sectors = (u32)min((u64)l->max_sectors, transfer);
	if (unmap)
		l->max_discard_sectors = (u32)min(unmap, most);
	if (get_unaligned_be32(buf + 28))
		l->discard_granularity =
			(u32)min(get_unaligned_be32(buf + 28) * block, (u64)1 << 30);
	if (same)
		l->max_zeroes_sectors = (u32)min(min(same, most) << d->block_shift, most);
}

/* Pages of vital product data; what is absent leaves the limits as they are. */
static void read_vital(struct scsi_disk *d, struct disk_limits *l, u8 *buf)
{
	u8 list[64];
	u32 got, n;

	if (scsi_vital_page(d->unit, VITAL_SUPPORTED, buf, sizeof(list), &got))
		return;
	memcpy(list, buf, sizeof(list));
	got = min(got, (u32)sizeof(list));
	if (has_page(list, got, VITAL_PROVISIONING) &&
	    !scsi_vital_page(d->unit, VITAL_PROVISIONING, buf, 64, &n) && n >= 6) {
		d->unmap = buf[5] & 0x80;
		d->write_same = buf[5] & 0x40;
	}
	if (has_page(list, got, VITAL_CHARACTER) &&
	    !scsi_vital_page(d->unit, VITAL_CHARACTER, buf, 64, &n) && n >= 6)
		l->rotational = get_unaligned_be16(buf + 4) != 1;
	if (has_page(list, got, VITAL_LIMITS) &&
	    !scsi_vital_page(d->unit, VITAL_LIMITS, buf, 64, &n) && n >= 44)
		read_block_limits(d, l, buf);
}

/* The caching page: write cache, FUA, protection. */
static void read_caching(struct scsi_disk *d, struct disk_limits *l, u8 *buf)
{
	u8 cdb[6] = {SCSI_MODE_SENSE_6, 0x08, 0x08, 0, 192};
	u32 got, at;

	memset(buf, 0, 192);
	if (scsi_execute(d->unit, cdb, sizeof(cdb), buf, 192, false, &got) || got < 4)
		return;
	disk_set_read_only(d->disk, buf[2] & 0x80);
	d->can_fua = buf[2] & 0x10;
	at = 4u + buf[3];
	if (at + 3 <= got && (buf[at] & 0x3f) == 0x08)
		l->write_cache = buf[at + 2] & 0x04;
	l->fua = l->write_cache && d->can_fua;
}

static void read_limits(struct scsi_disk *d, u32 block)
{
	struct disk_limits *l = disk_limits(d->disk);
	u32 most = U32_MAX >> SECTOR_SHIFT;
	u8 *buf = kzalloc(PAGE_BUF, GFP_KERNEL);

	l->logical_block = l->physical_block = block;
	l->max_sectors = min(d->host->max_sectors, SECTORS_MOST);
	l->max_segments = d->host->max_segments;
	l->max_segment_size = 1u << 22;
	l->rotational = true;
	if (!buf || d->cd) {
		kfree(buf);
		return;
	}
	l->max_discard_segments = 1;
	l->discard_granularity = block;
	l->max_discard_sectors = l->max_zeroes_sectors = most & ~((1u << d->block_shift) - 1);
	read_vital(d, l, buf);
	read_caching(d, l, buf);
	if (!d->lbpme || (!d->unmap && !d->write_same))
		l->max_discard_sectors = l->max_discard_segments = l->discard_granularity = 0;
	if (!d->lbpme)
		d->write_same = false;
	l->zeroes_unmap = d->write_same;
	kfree(buf);
}

void scsi_disk_revalidate(struct scsi_disk *d)
{
	u8 *buf = kzalloc(32, GFP_KERNEL);
	u64 blocks;
	u32 size;

	if (buf && !read_capacity(d, buf, &blocks, &size) && size == SECTOR_SIZE << d->block_shift)
		disk_set_capacity(d->disk, blocks << d->block_shift);
	kfree(buf);
}

static void size_run(struct work *w)
{
	struct scsi_disk *d = container_of(w, struct scsi_disk, size_work);

	if (!atomic_load(&d->gone))
		scsi_disk_revalidate(d);
}

/* --- coming and going ---------------------------------------------------------------------------
 */

static void sd_free(struct disk *disk)
{
	struct scsi_disk *d = disk_private(disk);

	kfree(d->zeroes);
	kfree(d);
}

static const struct disk_ops sd_ops = {
	.queue = sd_queue,
	.commit = sd_commit,
	.timeout = sd_timeout,
	.free = sd_free,
};

static const char *family_of(const struct scsi_disk *d)
{
	return d->cd ? "sr" : "sd";
}

/* The old numbers: major 8 and 65 to 71 for 128 disks, major 11 for CD-ROMs. */
static int choose_numbers(struct scsi_disk *d, struct disk_params *p)
{
	static u32 registered; /* [a] bits: major 8, 65..71, 11 */
	unsigned group = d->cd ? 8 : d->index / 16;
	u32 major = d->cd ? 11 : group ? 64 + group : 8;

	if (group > 8 || (group == 8 && !d->cd))
		return -ENOSPC;
	if (!(atomic_fetch_or(&registered, 1u << group) >> group & 1)) {
		int err = blkdev_register(&major, family_of(d));

		if (err)
			return err;
	}
	p->major = major;
	p->first_minor = d->cd ? d->index : d->index % 16 * MINORS;
	p->minors = d->cd ? 1 : MINORS;
	return 0;
}

static int make_disk(struct scsi_disk *d, u64 blocks, u32 size)
{
	struct disk_params p = {
		.ops = &sd_ops,
		.nr_queues = d->host->nr_queues,
		.depth = d->host->depth,
		.request_size = sizeof(struct sd_request) + d->host->command_size,
		.parent = &d->unit->dev,
		.removable = d->cd,
		.no_partitions = d->cd,
	};
	char name[16];
	int err = choose_numbers(d, &p);

	if (err)
		return err;
	if (d->cd)
		snprintf(name, sizeof(name), "sr%u", d->index);
	else
		disk_name_format("sd", d->index, name, sizeof(name));
	p.name = name;
	err = disk_create(&p, d, &d->disk);
	if (err)
		return err;
	for (unsigned i = 0; i < p.nr_queues; i++)
		disk_queue(d->disk, i)->private = d;
	read_limits(d, size);
	if (d->cd)
		disk_set_read_only(d->disk, true);
	disk_set_capacity(d->disk, blocks << d->block_shift);
	return 0;
}

/* Empty drives have no size; blocks must be usable. */
static int find_size(struct scsi_disk *d, u64 *blocks, u32 *size)
{
	u8 *buf = kzalloc(32, GFP_KERNEL);
	int err = buf ? read_capacity(d, buf, blocks, size) : -ENOMEM;

	kfree(buf);
	if (err == -EIO && d->cd) {
		*blocks = 0;
		*size = 2048;
		err = 0;
	}
	if (err)
		return err;
	if (*size < SECTOR_SIZE || *size > PAGE_SIZE || *size & (*size - 1) ||
	    *blocks > U64_MAX >> 12)
		return -EINVAL;
	d->block_shift = ctz64(*size) - SECTOR_SHIFT;
	return 0;
}

int scsi_disk_create(struct scsi_unit *u)
{
	struct scsi_disk *d = kzalloc(sizeof(*d), GFP_KERNEL);
	u64 blocks = 0;
	u32 size = 0;
	int err;

	if (!d)
		return -ENOMEM;
	d->unit = u;
	d->host = u->host;
	d->cd = u->type == SCSI_TYPE_CD;
	d->zeroes = kzalloc(PAGE_SIZE, GFP_KERNEL);
	spin_init(&d->lock, RANK_BLOCK_DRIVER, "scsi_disk.lock");
	work_init(&d->retry_work, retry_run);
	work_init(&d->size_work, size_run);
	err = d->zeroes ? find_size(d, &blocks, &size) : -ENOMEM;
	if (err)
		goto fail;
	d->index = disk_index_get(family_of(d));
	err = make_disk(d, blocks, size);
	if (err) {
		disk_index_put(family_of(d), d->index);
		goto fail;
	}
	u->disk = d;
	err = disk_add(d->disk);
	if (!err)
		return 0;
	u->disk = NULL;
	atomic_store(&d->gone, 1u);
	scsi_disk_destroy(d);
	return err;
fail:
	kfree(d->zeroes);
	kfree(d);
	return err;
}

/* Commands that the adapter has: their memory is the disk's. */
static unsigned in_flight(const struct scsi_disk *d)
{
	unsigned n = 0;

	for (unsigned q = 0; q < d->host->nr_queues; q++)
		for (unsigned tag = 0; tag < d->host->depth; tag++)
			n += request_by_tag(disk_queue(d->disk, q), tag) != NULL;
	return n;
}

void scsi_disk_remove(struct scsi_disk *d)
{
	atomic_store(&d->gone, 1u);
	disk_remove(d->disk);
	/* The adapter ends each: by the unit's answer, or when it is reset. */
	for (unsigned ms = 0; in_flight(d); ms++) {
		if (ms == 30000)
			d->host->ops->timeout(d->host);
		sleep_ns(1000000);
	}
}

void scsi_disk_destroy(struct scsi_disk *d)
{
	work_cancel_sync(&d->retry_work);
	work_cancel_sync(&d->size_work);
	disk_index_put(family_of(d), d->index);
	disk_put(d->disk);
}

void scsi_disk_kick(struct scsi_disk *d, unsigned queue)
{
	hw_queue_kick(disk_queue(d->disk, queue));
}
