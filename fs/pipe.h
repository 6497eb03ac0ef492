/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pipes and FIFOs: a ring of page references between readers and writers.
 *
 * The ring has a power-of-two number of slots; head counts slots filled, tail slots drained, both
 * without wrapping. A slot refers to a page that the pipe owns, or that splice lent it: then it is
 * read, never appended to.
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/waitqueue.h>

struct fasync;
struct file;
struct file_ops;
struct page;

#define PIPE_DEFAULT_SLOTS 16
#define PIPE_MAX_SIZE	   1048576

enum pipe_buf_flags {
	PIPE_BUF_MERGE = 1 << 0,  /* ours alone: a later write may append */
	PIPE_BUF_PACKET = 1 << 1, /* one read takes it whole (O_DIRECT) */
	PIPE_BUF_SHARED = 1 << 2, /* page of the page cache or of another pipe */
};

struct pipe_buf {
	struct page *page;
	u32 offset, len;
	u32 flags;
};

struct pipe {
	struct mutex lock;	  /* m */
	u32 inner; /* [I] the one inside a sendfile: RANK_SPLICE_PIPE */
	u32 head, tail;		  /* [m], read without for poll */
	u32 slots;		  /* [m] power of two */
	u32 readers, writers;	  /* [m] files, read without for poll */
	u32 files;		  /* [inode.spin] opens, the pipe dies with the last */
	u32 reader_opens, writer_opens; /* [m] how many ever opened, for FIFO open */
	u32 polled;               /* [m] somebody polls: wake at each change, for edge triggers */
	struct page *spare[2];	  /* [m] pages kept for the next write */
	struct pipe_buf *bufs;	  /* [m] */
	struct wait_queue rd_wait, wr_wait;
	struct fasync *fasync_readers, *fasync_writers;
	struct pipe_buf first[PIPE_DEFAULT_SLOTS];
};

extern const struct file_ops pipe_read_ops, pipe_write_ops, pipe_rdwr_ops, fifo_open_ops;

int pipe_create(struct pipe **out) __must_check;
void pipe_destroy(struct pipe *p);

/* The two ends: pipe2(2) without the descriptors.  flags: O_NONBLOCK, O_DIRECT. */
int pipe_files(u32 flags, struct file **read_end, struct file **write_end) __must_check;

/* The pipe of a pipe or FIFO file, or NULL. */
struct pipe *file_pipe(struct file *f);

long pipe_set_size(struct file *f, unsigned long size);
long pipe_get_size(struct file *f);

static inline bool pipe_empty(const struct pipe *p)
{
	return READ_ONCE(p->head) == READ_ONCE(p->tail);
}

static inline bool pipe_full(const struct pipe *p)
{
	return READ_ONCE(p->head) - READ_ONCE(p->tail) >= READ_ONCE(p->slots);
}

/*
 * Move a page reference into the pipe (consumed).  Locks: pipe.lock; the ring is not full.
 */
void pipe_push(struct pipe *p, struct page *page, u32 offset, u32 len, u32 flags);

/*
 * Wait until the pipe has room (data).  Returns 0, -EAGAIN under `nonblock`, -EPIPE (with SIGPIPE)
 * without readers, -ERESTARTSYS; pipe_wait_data: 1 for data, 0 for the end.  Locks: pipe.lock held;
 * dropped and taken again.
 */
int pipe_wait_room(struct pipe *p, bool nonblock) __must_check;
int pipe_wait_data(struct pipe *p, bool nonblock) __must_check;
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
/* Drop the oldest slot's page and the slot.  Locks: pipe.lock. */
void pipe_consume(struct pipe *p);

static inline struct pipe_buf *pipe_slot(struct pipe *p, u32 n)
{
	return &p->bufs[n & (p->slots - 1)];
}

extern u32 sysctl_pipe_max_size;
void pipe_init(void);
