/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal: changes of several metadata blocks that reach the disk together or not at all.
 *
 * Format and rules are those of the JBD2 log that e2fsprogs writes (superblock version 2; checksums
 * v2 and v3; 64-bit block numbers; revoke records; fast commits are not used).
 *
 *	handle		one operation's part in a transaction: nests its changes into the running
 *			one
 *	transaction	running (handles join), locked (waits for them), committing, then in the
 *			checkpoint list until its blocks are in place
 *
 * A file system changes a metadata block like this:
 *
 *	journal_start(j, credits, 0, &h);
 *	journal_get_write(h, b);	before the change: keeps what an older transaction must
 *					write
 *	... change b->data ...
 *	journal_dirty(h, b);		the block is part of the transaction
 *	journal_stop(h);
 *
 * Journal-less file systems (ext2, or ext4 without has_journal) use the same calls with a NULL
 * journal: the handle is then NULL as well, and journal_dirty marks the buffer dirty for
 * write-back.
 *
 * File data: a commit neither writes nor waits for it.  What must be on the disk before a
 * transaction names it is written before that transaction is joined; the flush that goes before
 * each commit record makes both durable in that order.  Data journalling: the file system copies
 * file data into buffers of the device (journal_get_create) when it writes it back, and revokes
 * those blocks when it frees them.
 *
 * Freed blocks: what a transaction frees must not become file data before that transaction is on
 * disk (journal_on_commit tells when), and a block that was ever logged is revoked when freed.
 *
 * Locks: journal_start may wait for a commit and for checkpoint, and a commit waits for all open
 * handles.  So it is called before any lock that the owner of a handle, a commit or a block write
 * takes: after inode locks, before group and block-map locks.  While a handle is open, allocations
 * of the thread do not enter file systems (mm/alloc_scope.h), and the thread must not wait for
 * other handles' owners, nor for write-back of file data that ends with a handle.  Buffers are
 * given unlocked.
 */
#pragma once

#include <fs/block/buffer.h>

struct handle;
struct journal;
struct transaction;

/*
 * A journal in blocks of `bdev` that `map` gives (an inode's extents, or linear on a device of its
 * own).  `map` is called by journal_open only, with journal block numbers below `blocks`: it tells
 * where `block` is and how many blocks from there on are contiguous (at least 1).
 */
struct journal_params {
	struct bdev *fs_bdev; /* the file system's */
	struct bdev *bdev;    /* the log's: usually the same */
	u32 block_size;       /* also of fs_bdev's buffers */
	u64 blocks;           /* room for the log */
	u64 fs_blocks;        /* of the file system: nothing is replayed beyond */
	int (*map)(void *arg, u64 block, u64 *physical, u64 *run);
	void *arg;
	const char *name; /* for messages: "vda1"; kept by copy */
	/* Nothing can be written any more: make the file system read-only.  In the commit thread.
	 */
	void (*aborted)(void *arg, int error);
	bool barrier;        /* flushes around the commit record */
	bool checksum;       /* write checksums v3 (file systems with metadata_csum) */
	bool wide;           /* write 64-bit block numbers */
	u32 commit_interval; /* ms; 0: 5000 */
};

/*
 * Read the journal's superblock and check it.  `dirty` tells whether there is something to replay.
 * Returns 0, -EUCLEAN, -EINVAL (features unknown), -EIO, -ENOMEM.  Context: may sleep.
 */
int journal_open(const struct journal_params *params, struct journal **out,
		 bool *dirty) __must_check;
/*
 * Copy what committed transactions hold to its place, flush, and mark the log empty.  Content read
 * before through buffers of the blocks concerned changes under its reader.  Returns 0, -EIO,
 * -EUCLEAN (a committed block is damaged: what could be replayed was, the log stays), -EROFS,
 * -EINVAL (fast or asynchronous commits), -ENOMEM.
 */
int journal_replay(struct journal *j) __must_check;
/*
 * Begin writing: starts the commit thread.  After replay.  Returns 0, -EIO, -ENOMEM, -EROFS
 * (features that forbid it, device).
 */
int journal_start_writing(struct journal *j) __must_check;
/* Commit, checkpoint everything, mark the log empty and free.  Returns the first error. */
int journal_close(struct journal *j);

/*
 * Join the running transaction with the right to dirty `credits` blocks and revoke `revokes`.  j
 * may be NULL: *out is NULL then.  A thread in a handle of the same journal gets it again, counted,
 * and no credits besides those it has.  Returns 0, -EROFS (aborted, or not writing), -ENOMEM,
 * -ENOSPC (more than the log can hold).  Context: may sleep.
 */
int journal_start(struct journal *j, unsigned credits, unsigned revokes,
		  struct handle **out) __must_check;
/* More credits, if there is room in this transaction.  Returns 0, 1 (no room: restart), -EROFS. */
int journal_extend(struct handle *h, unsigned credits, unsigned revokes) __must_check;
/*
 * End this part and begin another, perhaps in a new transaction: the caller's metadata is
 * consistent here, and rights to buffers are lost.  On error the handle has no credits; stop it.
 * Returns as journal_start.
 */
int journal_restart(struct handle *h, unsigned credits, unsigned revokes) __must_check;
unsigned journal_credits(const struct handle *h);
/*
 * Returns what went wrong with the journal meanwhile; waits for the commit if handle_set_sync was
 * asked.  h may be NULL.
 */
int journal_stop(struct handle *h);
void handle_set_sync(struct handle *h);
/* The handle the running thread is in, or NULL. */
struct handle *handle_current(void);

/*
 * Rights to a buffer, per transaction.  get_write: of a block that has content; get_create: of a
 * new one, whose old content nobody needs.  Return 0, -EROFS, -ENOMEM.  Context: may sleep.
 */
int journal_get_write(struct handle *h, struct buffer *b) __must_check;
int journal_get_create(struct handle *h, struct buffer *b) __must_check;
/*
 * Part of the transaction from now.  Checksums and the like are set by the caller before.
 * Returns 0, -ENOSPC (no credit left: a mistake of the caller), -EINVAL (no right: likewise).
 * Context: any but hard interrupt, may hold spinlocks of ranks before RANK_JOURNAL_BUFFER.
 */
int journal_dirty(struct handle *h, struct buffer *b) __must_check;
/*
 * The block is being freed: it leaves the transaction, its content is nobody's any more, and older
 * copies in the log will not be replayed over whatever it becomes.  b may be NULL: looked up.  The
 * caller keeps its reference.  Returns 0, -EROFS, -ENOMEM, -ENOSPC (no right to a revoke record).
 * Context: may sleep.
 */
int journal_revoke(struct handle *h, u64 block, struct buffer *b) __must_check;

/*
 * Called when the transaction of `h` is on disk (0) or lost: freed blocks may be reused.  Does not
 * sleep.  With h NULL it is called at once.
 */
struct journal_callback {
	struct list link;
	void (*fn)(struct journal_callback *cb, int error);
};
void journal_on_commit(struct handle *h, struct journal_callback *cb);

/* Transaction numbers, which wrap.  Of a NULL handle: 0. */
u32 handle_tid(const struct handle *h);
/* The last one that is on disk: for inodes without changes. */
u32 journal_committed_tid(const struct journal *j);
/*
 * Make sure that transaction `tid` is on disk.  Returns 0, -EROFS, -EIO.  Not in a handle.
 * Context: may sleep.
 */
int journal_commit_tid(struct journal *j, u32 tid) __must_check;
/* The commit of `tid` will flush the device's cache later than now: no need to do it oneself. */
bool journal_will_flush(struct journal *j, u32 tid);
/* Start the commit of what is running.  True: *tid is not on disk yet, wait for it. */
bool journal_commit_start(struct journal *j, u32 *tid);
/* Commit everything and wait. */
int journal_force(struct journal *j) __must_check;
/*
 * Commit, checkpoint all and mark the log empty: freeze, remount read-only.  The caller keeps
 * others from starting handles.
 */
int journal_flush(struct journal *j) __must_check;

/*
 * Fatal: nothing is written any more; journal_start answers -EROFS.  Context: any but hard
 * interrupt.
 */
void journal_abort(struct journal *j, int error);
/* Why it was aborted, or 0. */
int journal_error(const struct journal *j);
/* The error an earlier mount recorded in the log's superblock, unchecked, and its removal. */
int journal_recorded_error(const struct journal *j);
int journal_clear_error(struct journal *j) __must_check;
/* Largest credits a single handle may ask. */
unsigned journal_max_credits(const struct journal *j);
void journal_set_commit_interval(struct journal *j, u32 ms);
void journal_set_barrier(struct journal *j, bool barrier);
