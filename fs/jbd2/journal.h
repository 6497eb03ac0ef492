/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: changes of several metadata blocks that reach the disk together or not at all.
 *
 * Format and rules are those of the JBD2 log that e2fsprogs writes (superblock version 2; checksums
 * v2 and v3; 64-bit block numbers; revoke records; fast commits are not used).
 *
 *	handle		one operation's part in a transaction: nests its changes into the running
 *one transaction	running (handles join), locked (waits for them), committing, then in the
 *			checkpoint list until its blocks are in place
 *
 * A file system changes a metadata block like this:
 *
 *	journal_start(j, credits, 0, &h);
 *	journal_get_write(h, b);	before the change: keeps what an older transaction must
 *write
 *	... change b->data ...
 *	journal_dirty(h, b);		the block is part of the transaction
 *	journal_stop(h);
 *
 * Journal-less file systems (ext2, or ext4 without has_journal) use the same calls with a NULL
 *journal: the handle is then empty and journal_dirty marks the buffer dirty for write-back.
 *
 * Ordered mode: journal_order_inode() makes the commit write and wait for an inode's dirty pages
 * first.
 *
 * Locks: journal_start may wait for a commit and for checkpoint, so it is called before any lock
 *that a commit or a block write needs: after inode locks, before group and block-map locks.  While
 *a handle is open, allocations of the thread do not enter file systems.
 */
#pragma once

#include <fs/block/buffer.h>

struct handle;
struct inode;
struct journal;
struct seq;

/*
 * A journal in blocks of `bdev` that `map` gives (an inode's extents, or linear on a device of its
 * own). `map` is called with journal block numbers below `blocks`.
 */
struct journal_params {
	struct bdev *fs_bdev; /* the file system's */
	struct bdev *bdev;    /* the log's: usually the same */
	u32 block_size;
	u64 blocks;
	int (*map)(void *arg, u64 block, u64 *physical);
	void *arg;
	const char *name; /* for messages: "vda1" */
	/* The log cannot be written any more: make the file system read-only. */
	void (*aborted)(void *arg, int error);
	/* Write and wait for the data of an ordered inode. */
	int (*write_ordered)(struct inode *inode);
	bool barrier;        /* flushes around the commit record */
	u32 commit_interval; /* ms; 5000 */
};

/*
 * Read the journal's superblock and check it.  `dirty` tells whether there is something to replay.
 * Returns 0, -EUCLEAN, -EINVAL (features unknown), -EIO, -ENOMEM.  Context: may sleep.
 */
int journal_open(const struct journal_params *params, struct journal **out,
		 bool *dirty) __must_check;
/* Copy what committed transactions hold to its place.  Returns 0, -EIO, -EUCLEAN, -EROFS. */
int journal_replay(struct journal *j) __must_check;
/* Begin writing: starts the commit thread.  After replay.  Returns 0, -EIO, -ENOMEM. */
int journal_start_writing(struct journal *j) __must_check;
/* Commit, checkpoint everything, mark the log empty and free.  Returns the first error. */
int journal_close(struct journal *j);

/*
 * Join the running transaction with the right to dirty `credits` blocks and revoke `revokes`.  j
 * may be NULL. A thread in a handle of the same journal gets it again, counted.  Returns 0, -EROFS
 * (aborted), -ENOMEM, -ENOSPC (more than the log can hold).  Context: may sleep.
 */
int journal_start(struct journal *j, unsigned credits, unsigned revokes,
		  struct handle **out) __must_check;
/* More credits, if there is room in this transaction.  1: no room: restart, or -errno. */
int journal_extend(struct handle *h, unsigned credits, unsigned revokes) __must_check;
/* End this part and begin another, perhaps in a new transaction: the caller's metadata is
 * consistent here. */
int journal_restart(struct handle *h, unsigned credits, unsigned revokes) __must_check;
unsigned journal_credits(const struct handle *h);
/* Returns what went wrong with the journal meanwhile.  Commits at once if handle_sync was asked. */
int journal_stop(struct handle *h);
void handle_set_sync(struct handle *h);
/* The handle the running thread is in, or NULL. */
struct handle *handle_current(void);

/*
 * Rights to a buffer.  get_write: of a block that has content; get_create: of a new one, whose old
 * content nobody needs; get_undo: keeps the committed content readable (allocation bitmaps),
 * journal_committed_data. Return 0, -EROFS, -ENOMEM, -EIO.  Context: may sleep.
 */
int journal_get_write(struct handle *h, struct buffer *b) __must_check;
int journal_get_create(struct handle *h, struct buffer *b) __must_check;
/* Part of the transaction from now.  `trigger`-like work (checksums) is done by the caller before.
 */
int journal_dirty(struct handle *h, struct buffer *b) __must_check;
/* The block is being freed: take it out of the transaction; may drop `b`'s content.  b may be NULL.
 */
int journal_forget(struct handle *h, u64 block, struct buffer *b) __must_check;
/* As forget, and older copies in the log must not be replayed over whatever the block becomes. */
int journal_revoke(struct handle *h, u64 block, struct buffer *b) __must_check;
/* Undo a pending revoke: the block is metadata again. */
void journal_cancel_revoke(struct handle *h, u64 block);
/* Commit waits for this inode's dirty pages. */
int journal_order_inode(struct handle *h, struct inode *inode) __must_check;
void journal_forget_inode(struct journal *j, struct inode *inode);
/* Called when the transaction of `h` is on disk (0) or lost: freed blocks may be reused.  Does not
 * sleep. */
struct journal_callback {
	struct list link;
	void (*fn)(struct journal_callback *cb, int error);
};
void journal_on_commit(struct handle *h, struct journal_callback *cb);

/* Transaction numbers, which wrap. */
u32 handle_tid(const struct handle *h);
/* Make sure that transaction `tid` is on disk.  Returns 0, -EROFS, -EIO.  Context: may sleep. */
int journal_commit_tid(struct journal *j, u32 tid) __must_check;
/* Start the commit of what is running, if anything; *tid tells which. */
bool journal_commit_start(struct journal *j, u32 *tid);
/* Commit everything and wait. */
int journal_force(struct journal *j) __must_check;
/* Commit, checkpoint all and mark the log empty: freeze, remount read-only. */
int journal_flush(struct journal *j) __must_check;

/* Fatal: nothing is written any more; journal_start answers -EROFS. */
void journal_abort(struct journal *j, int error);
int journal_error(const struct journal *j);
void journal_clear_error(struct journal *j);
/* Largest credits a single handle may ask. */
unsigned journal_max_credits(const struct journal *j);
void journal_set_commit_interval(struct journal *j, u32 ms);
void journal_show(struct journal *j, struct seq *out);
