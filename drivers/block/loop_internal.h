/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A loop device, for its two halves: transfers (loop.c) and set-up (loop_setup.c).
 *
 * `config` is held while the device is bound, changed and unbound; transfers hold nothing: they use
 * what was bound until then, and unbinding waits until none is under way (loop_idle).
 */
#pragma once

#include <fs/block/block.h>
#include <kernel/abi/loop.h>
#include <kernel/lib/list.h>
#include <kernel/sched/workqueue.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/waitqueue.h>

struct file;

enum loop_state {
	LOOP_UNBOUND,
	LOOP_BOUND,
	LOOP_RUNDOWN, /* LOOP_CLR_FD: unbound at the last close */
};

struct loop {
	int number;              /* [I] */
	struct disk *disk;       /* [I] */
	struct mutex config;     /* c */
	u32 state;               /* [c] enum loop_state; read without */
	struct spinlock lock;    /* f: so that sysfs may ask for the file */
	struct file *file;       /* [c, f] referenced; transfers read it while bound */
	struct file *direct;     /* [c] the same opened with O_DIRECT, or NULL */
	u64 offset, size_limit;  /* [c] bytes */
	u32 flags;               /* [c] LO_FLAGS_* */
	char name[LO_NAME_SIZE]; /* [c] what LOOP_SET_STATUS gave */
	u32 running;             /* [a] transfers */
	struct wait_queue idle;
	struct list link; /* [loops_lock] by number */
};

/* loop.c */
extern const struct disk_ops loop_ops;
extern const size_t loop_request_size;
/* Bytes from the offset on that the device shows, as sectors. */
sector_t loop_sectors(const struct loop *l);
/* Wait until no transfer uses the files.  No new ones come: the state is not BOUND. */
void loop_idle(struct loop *l);
int loop_workers_create(void) __must_check;

/* loop_setup.c */
long loop_ioctl(struct bdev *b, unsigned mode, unsigned cmd, unsigned long arg);
void loop_closed(struct disk *disk);
void loop_attributes(struct loop *l, bool on);
