/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Loop devices: a file as a disk.  loop(4)
 *
 * A request is a piece of work; workers read and write the file as a program would, through its
 * cache or (LO_FLAGS_DIRECT_IO) past it.  Its flushes are fsync, its discards punch holes.
 *
 * A write to the device that came from write-back dirties pages of the file.  A worker is not made
 * to wait until there is less dirt, as a program would be: those who wrote to the device waited
 * already, and some of the dirt can only go through this worker.  Nor do its allocations enter file
 * systems, which might wait for the device.
 */
#include "loop_internal.h"
#include <fs/vfs/file.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/minmax.h>
#include <mm/alloc_scope.h>
#include <mm/iov_iter.h>
#include <mm/page.h>

struct loop_command {
	struct work work;
};

const size_t loop_request_size = sizeof(struct loop_command);
static struct workqueue *workers;

int loop_workers_create(void)
{
	workers = workqueue_create("loop");
	return workers ? 0 : -ENOMEM;
}

sector_t loop_sectors(const struct loop *l)
{
	struct mapping *m = l->file->mapping;
	u64 size = (u64)m->size(m);

	size = size > l->offset ? size - l->offset : 0;
	if (l->size_limit)
		size = min(size, l->size_limit);
	return size >> SECTOR_SHIFT;
}

/* --- one request ------------------------------------------------------------------------------ */

/* A piece of memory, contiguous, at a place of the file.  What the file lacks reads as zeroes. */
static int piece(struct file *f, bool write, const struct segment *s, loff_t pos)
{
	struct iter_page page = {phys_to_page(s->pa), (u32)(s->pa & (PAGE_SIZE - 1)), s->len};
	struct iov_iter it;

	iov_iter_pages(&it, write ? ITER_SOURCE : ITER_DEST, &page, 1, s->len);
	while (iov_iter_count(&it)) {
		ssize_t n = write ? vfs_write_iter(f, &it, &pos) : vfs_read_iter(f, &it, &pos);

		if (n < 0)
			return (int)n;
		if (!n && write)
			return -EIO;
		if (!n)
			iov_iter_zero(iov_iter_count(&it), &it);
	}
	return 0;
}

static int transfer(struct loop *l, const struct request *rq)
{
	loff_t pos = (loff_t)(l->offset + (rq->sector << SECTOR_SHIFT));
	struct file *f = l->direct ? l->direct : l->file;
	struct request_iter it;
	struct segment s;
	int err = 0;

	request_iter_init(&it, rq);
	while (!err && request_iter_next(&it, rq, &s)) {
		err = piece(f, rq->op == BIO_WRITE, &s, pos);
		pos += s.len;
	}
	return err == -ENOSPC || !err ? err : -EIO;
}

static int clear(struct loop *l, const struct request *rq, int mode)
{
	loff_t pos = (loff_t)(l->offset + (rq->sector << SECTOR_SHIFT));
	long err = -EOPNOTSUPP;

	if (l->file->ops->fallocate)
		err = l->file->ops->fallocate(l->file, mode | FALLOC_FL_KEEP_SIZE, pos, rq->size);
	return !err || err == -EOPNOTSUPP ? (int)err : -EIO;
}

static int flush(struct loop *l)
{
	int err = l->file->ops->fsync ? l->file->ops->fsync(l->file, 0, S64_MAX, false) : 0;

	return err && err != -EINVAL ? -EIO : 0;
}

static int perform(struct loop *l, const struct request *rq)
{
	switch (rq->op) {
	case BIO_READ: return transfer(l, rq);
	case BIO_WRITE: return l->flags & LO_FLAGS_READ_ONLY ? -EIO : transfer(l, rq);
	case BIO_FLUSH: return flush(l);
	case BIO_DISCARD: return clear(l, rq, FALLOC_FL_PUNCH_HOLE);
	case BIO_ZEROES:
		return clear(l, rq,
			     rq->flags & BIO_NOUNMAP ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE);
	default: return -EOPNOTSUPP;
	}
}

static void command_run(struct work *w)
{
	struct loop_command *c = container_of(w, struct loop_command, work);
	struct request *rq = container_of((void *)c, struct request, driver);
	struct loop *l = disk_private(rq->disk);
	u32 before = alloc_writer_begin();
	int err = perform(l, rq);

	alloc_scope_end(before);
	request_end(rq, err);
	if (!atomic_sub_return(&l->running, 1u))
		wake_up_all(&l->idle);
}

static int loop_queue(struct hw_queue *hq, struct request *rq, bool last)
{
	struct loop *l = disk_private(hq->disk);
	struct loop_command *c = request_driver(rq);

	atomic_add_return(&l->running, 1u);
	if (READ_ONCE(l->state) != LOOP_BOUND) {
		if (!atomic_sub_return(&l->running, 1u))
			wake_up_all(&l->idle);
		return -EIO;
	}
	work_init(&c->work, command_run);
	workqueue_queue(workers, &c->work);
	return 0;
}

void loop_idle(struct loop *l)
{
	smp_mb(); /* the state is seen by whoever counts itself from here on */
	wait_event(&l->idle, !atomic_load(&l->running));
}

static void loop_free(struct disk *disk)
{
	kfree(disk_private(disk));
}

const struct disk_ops loop_ops = {
	.free = loop_free,
	.queue = loop_queue,
	.closed = loop_closed,
	.ioctl = loop_ioctl,
};
