/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Write-back of inodes: who is dirty since when, and the thread that sees to it.
 *
 * A file system whose inodes reach a disk has super_ops.write_inode; everything here follows from
 * that.  It calls inode_mark_dirty() for attributes and has inode_dirty_folio() (or its own, which
 * calls inode_mark_dirty(inode, I_DIRTY_PAGES)) as mapping_ops.dirty_folio.  Its fsync writes and
 * waits with file_write_and_wait(), then deals with the inode (inode_sync_attrs(), or its journal).
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitqueue.h>

struct file;
struct folio;
struct inode;
struct mapping;
struct superblock;
struct thread;

/* In the superblock.  An inode is on one of the lists while it is dirty or its pages may be on
 * their way. */
struct writeback {
	struct spinlock lock;	/* w */
	struct list dirty;	/* [w] by inode.dirtied_when, oldest first */
	struct list more;	/* [w] partly written in this round of the flusher */
	struct list times;	/* [w] nothing but times, which may wait (lazytime) */
	struct list sent;	/* [w] written; pages may still be on their way */
	bool times_mixed;	/* [w] some of `times` are dirty in other ways too */
	u32 round;		/* [w] reviews of `sent`, for inode.visited */
	u64 syncs;              /* [w] how often a sync took all lists; changes under `sync` only */
	bool armed;		/* [w, a] the flusher looks by itself every while */
	u32 kicked;		/* [a] it is asked to look now, or does */
	u64 wanted;		/* [a] pages that reclaim wants written */
	u64 evicting, evicted;	/* [a] dirty inodes that began and ended their eviction */
	struct mutex sync;	/* one sync at a time */
	struct thread *flusher; /* [I] or NULL */
	struct wait_queue wait; /* the flusher's, and for evictions */
	struct list link;	/* [list of flushers] */
};

void writeback_init(struct superblock *sb);
/* Begin write-back in a thread "flush-MAJOR:MINOR"; again is nothing.  Returns 0 or -ENOMEM.
 * Context: may sleep. */
int writeback_start(struct superblock *sb) __must_check;
/* End the thread.  Context: may sleep, no inode locks held. */
void writeback_stop(struct superblock *sb);

/* mapping_ops.dirty_folio of inode->data. */
void inode_dirty_folio(struct mapping *m, struct folio *f);
/* The inode goes: write what is dirty unless it has no name; off the lists.  Nobody counts it.
 * Context: may sleep. */
void inode_writeback_evict(struct inode *inode);
/*
 * Write attributes only, if dirty; data_only: if those are dirty that fdatasync must write.  With
 * `wait`, also wait for another's write of them.  Returns 0 or what write_inode returned.  Context:
 * may sleep.
 */
int inode_sync_attrs(struct inode *inode, bool wait, bool data_only);
/* Start writing every dirty inode of `sb`; wait: and wait for it.  Returns the first error.
 * Context: may sleep. */
int super_sync_inodes(struct superblock *sb, bool wait);
/* The flusher shall work until nothing is dirty that is now; does not wait.  For a full disk with
 * reservations. */
void writeback_kick(struct superblock *sb);

/* Errors of write-back since `f` was opened or last told, of its file; of its whole file system. */
int file_check_wb_err(struct file *f);
int file_check_sb_err(struct file *f);
/* The first half of an fsync: pages of [start, end] written, on the device, errors told.  Returns 0
 * or an error. */
int file_write_and_wait(struct file *f, loff_t start, loff_t end);
