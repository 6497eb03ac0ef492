/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers: single blocks of a device's page cache.
 *
 * File systems keep their metadata in them.  A buffer is one block (bdev.block_size) of a folio of
 * the device's mapping; the folio knows its buffers (page->private, PG_private) and stays while one
 * is referenced.  What a program reads from the device is the same memory.
 *
 *	uptodate	the memory is what the disk has, or newer
 *	dirty		newer than the disk; the folio is then dirty too, and write-back finds it
 *	journaled	belongs to a transaction: write-back leaves it alone until the journal has
 *			it, see fs/jbd2; `journal` is then the journal's.  The owner of the bit
 *			calls buffer_mark_dirty() after clearing it if the block is still newer
 *			than the disk: write-back may have passed by meanwhile
 *
 * A cached buffer has one reference for being cached, so refs is 1 when nobody uses it.  Reclaim
 * takes buffers that nobody uses and that are neither dirty, locked nor journaled; their memory is
 * then freed after a grace period.
 *
 * Locking: the buffer lock (a bit, may sleep) is held while the block is read or written, and by
 * the journal while it takes a copy.  Write-back holds several, in ascending order, and starts what
 * it has before it waits for another.  Contents are guarded by whoever owns the block: the inode
 * lock, the group lock, the journal's rule that a frozen buffer is copied before it changes.
 */
#pragma once

#include <fs/block/block.h>

enum buffer_flag {
	BUFFER_UPTODATE,
	BUFFER_DIRTY,
	BUFFER_LOCKED,
	BUFFER_WAITERS,
	BUFFER_WRITING,   /* on its way to the disk */
	BUFFER_NEW,       /* never on disk: reading gives zeroes */
	BUFFER_ERROR,     /* the last write failed */
	BUFFER_VERIFIED,  /* the file system checked content and checksum: cleared by a new read */
	BUFFER_JOURNALED, /* in a transaction or its checkpoint: not written by write-back */
	BUFFER_REVOKED,   /* the journal's: a revoke record is pending */
	BUFFER_REVOKE_VALID,
	BUFFER_PRIV0, /* the file system's own */
	BUFFER_PRIV1,
};

struct buffer {
	u32 flags; /* [a] BIT(enum buffer_flag) */
	refcount_t refs;
	u64 block;                                /* [I] on bdev, in units of size */
	u32 size;                                 /* [I] bytes */
	void *data;                               /* [I] in the folio */
	struct bdev *bdev;                        /* [I] */
	struct folio *folio;                      /* [I] */
	struct buffer *sibling;                   /* [folio] next block of the folio, circular */
	void *journal;                            /* [the journal's] or NULL */
	void (*end)(struct buffer *b, int error); /* of the transfer in progress */
	void *private;                            /* of that transfer's owner */
};

static inline bool buffer_test(const struct buffer *b, enum buffer_flag flag)
{
	return atomic_load(&b->flags) >> flag & 1;
}

static inline void buffer_set(struct buffer *b, enum buffer_flag flag)
{
	atomic_or(&b->flags, 1u << flag);
}

static inline void buffer_clear(struct buffer *b, enum buffer_flag flag)
{
	atomic_and(&b->flags, ~(1u << flag));
}

static inline bool buffer_test_and_set(struct buffer *b, enum buffer_flag flag)
{
	return atomic_fetch_or(&b->flags, 1u << flag) >> flag & 1;
}

static inline bool buffer_test_and_clear(struct buffer *b, enum buffer_flag flag)
{
	return atomic_fetch_and(&b->flags, ~(1u << flag)) >> flag & 1;
}

/*
 * The block, referenced, its content valid.  Returns 0, -EIO (device, or beyond its end), -ENOMEM.
 * Context: may sleep.
 */
int buffer_read(struct bdev *bdev, u64 block, struct buffer **out) __must_check;
/* The block whatever its content: to be overwritten whole (mark uptodate under its lock), or found.
 */
int buffer_get(struct bdev *bdev, u64 block, struct buffer **out) __must_check;
/* As buffer_get and filled with zeroes, uptodate; not dirty yet. */
int buffer_get_zeroed(struct bdev *bdev, u64 block, struct buffer **out) __must_check;
/* Only if it is in memory: a reference, or NULL. */
struct buffer *buffer_find(struct bdev *bdev, u64 block);
/* Start reading, best effort. */
void buffer_readahead(struct bdev *bdev, u64 block, unsigned nr);

static inline void buffer_hold(struct buffer *b)
{
	refcount_get(&b->refs);
}

/* NULL is nothing.  Context: any but hard interrupt. */
void buffer_put(struct buffer *b);

/* Context: may sleep. */
void buffer_lock(struct buffer *b);
bool buffer_trylock(struct buffer *b);
void buffer_unlock(struct buffer *b);
void buffer_wait(struct buffer *b); /* until nobody holds the lock */

/*
 * Newer than the disk: write-back will see to it.  Also for one that is dirty already.  Locks:
 * takes the mapping's and the inode's spinlocks.  Context: any but hard interrupt.
 */
void buffer_mark_dirty(struct buffer *b);
/* The block is free again: what it held needs no writing.  Context: may sleep. */
void buffer_forget(struct buffer *b);
/*
 * Write a locked buffer whose dirty bit was cleared by the caller; unlocks when done, then calls
 * `end` (may be NULL), in the context of the device.  `flags`: BIO_*.
 */
void buffer_submit_write(struct buffer *b, unsigned flags,
			 void (*end)(struct buffer *b, int error));
/* Write it now if dirty, and wait for that or a write in progress.  Returns 0 or -EIO.  Context:
 * may sleep. */
int buffer_sync(struct buffer *b, unsigned flags) __must_check;
/* Drop [block, block+nr) from memory, dirty or not: freed metadata that becomes file data. */
void buffers_invalidate(struct bdev *bdev, u64 block, u64 nr);
