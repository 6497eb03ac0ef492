/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asking files whether they are ready, and being told.
 *
 * A file's poll operation names the wait queues that change its answer by poll_wait(), then returns
 * the answer.  Those that only want the answer pass a table with queue NULL.
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/sync/waitqueue.h>
#include <kernel/abi/poll.h>
#include <fs/vfs/file.h>

struct file;

struct poll_table {
	/* Link a waiter into the queue; NULL: nobody will wait. */
	void (*queue)(struct file *file, struct wait_queue *wq, struct poll_table *pt);
	u32 key; /* POLL* bits of interest */
};

static inline void poll_wait(struct file *file, struct wait_queue *wq, struct poll_table *pt)
{
	if (pt && pt->queue)
		pt->queue(file, wq, pt);
}

/* Will the caller sleep if the answer is no?  Then the operation may be worth extra work. */
static inline bool poll_will_wait(const struct poll_table *pt)
{
	return pt && pt->queue;
}

#define POLL_DEFAULT (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM)

static inline unsigned file_poll(struct file *file, struct poll_table *pt)
{
	if (unlikely(!file->ops->poll))
		return POLL_DEFAULT;
	return file->ops->poll(file, pt);
}
