/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread's wait for many files: poll and select. */
#pragma once

#include <fs/vfs/poll.h>
#include <kernel/abi/time.h>
#include <kernel/sync/waitqueue.h>

struct poller;

struct poll_link {
	struct wait_entry entry;
	struct wait_queue *wq;
	struct file *file; /* counted: the queue lives in it */
	struct poller *poller;
};

#define POLL_INLINE_LINKS 9

struct poll_block {
	struct poll_block *next;
	unsigned used;
	struct poll_link links[36];
};

struct poller {
	struct poll_table table;
	struct thread *thread;
	u32 triggered; /* [a] a queue was woken since the last sleep */
	int error;
	unsigned used;
	struct poll_link links[POLL_INLINE_LINKS];
	struct poll_block *blocks;
};

void poller_init(struct poller *p);
void poller_fini(struct poller *p);
int poller_sleep(struct poller *p, u64 deadline) __must_check;

/* Deadlines are absolute monotonic ns; 0: do not wait; KTIME_MAX: for ever. */
int deadline_from_timespec(const struct __kernel_timespec __user *user, u64 *deadline) __must_check;
void remaining_to_timespec(struct __kernel_timespec __user *user, u64 deadline);
int sigmask_from_user(const u64 __user *mask, size_t size) __must_check;
