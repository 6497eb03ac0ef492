/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the files of the journal.
 *
 *	super.c		the log's superblock, opening, closing, features
 *	log.c		where log blocks are; reading and writing them
 *	recover.c	the three passes after a crash
 *	revoke.c	which blocks must not be replayed
 *	handle.c	joining and leaving the running transaction
 *	entry.c		buffers in transactions
 *	commit.c	a transaction goes to disk
 *	checkpoint.c	old transactions leave the log
 *	thread.c	who commits when; waiting, aborting
 *
 * One transaction at most is running and one committing; theirs are successive numbers, so the
 * parity of its number is a transaction's *slot* in what may belong to both.
 *
 * The gate.  Handles enter and leave the running transaction by one atomic operation on
 * journal.gate, which holds the count of open handles, the log space they and the finished ones
 * claim, and a bit that it is closed.  While a handle is open journal.running does not change:
 * whoever replaces it closes the gate first and waits for the count to be 0.  So a thread in a
 * handle uses the running transaction without lock or reference.
 *
 * Entries.  A buffer that belongs to a transaction has a struct entry.  Its *part* in a transaction
 * is claimed (somebody may change it), dirty (will be logged), or forgotten (freed).  A part keeps
 * the entry, the entry keeps the buffer.  Rules:
 *
 *	1  While an entry has a part, the buffer is BUFFER_JOURNALED and not BUFFER_DIRTY: nobody
 *	   writes it in place.  `owed` remembers that it must be once the parts are gone.
 *	2  A part is made under the buffer lock and entry.lock, so not while the buffer is being
 *	   written, and after an unlogged dirty part of the other slot got its copy: the memory of
 *	   the buffer changes only after.
 *	3  Parts of the running transaction stay until it is committed, so that a thread in a handle
 *	   that sees one needs no lock to rely on it.
 *	4  `cp` is the youngest transaction whose log copy of the block may be needed, because the
 *	   block may not yet be in place; the log is reused behind the oldest such transaction only.
 *
 * Entries are found by buffer.journal under RCU (type-safe memory) and pinned by their lock: see
 * entry_lock().  Locks in order: cp_mutex, super_mutex, buffer lock, entry.lock, journal.lock.
 */
#pragma once

#include <fs/jbd2/journal.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/list.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitqueue.h>
#include "format_internal.h"

struct entry;

/* --- revoke tables ---------------------------------------------------------------------------- */

struct revoke {
	struct hlist_node node;
	struct list link; /* in the order they came */
	u64 block;
	u32 tid; /* recovery: the youngest that revokes it */
};

/* Grows with what it holds.  Locks: the owner's. */
struct revoke_table {
	struct hlist_head *buckets; /* NULL: none yet */
	unsigned bits;
	u32 count;
	struct list all;
};

void revoke_table_init(struct revoke_table *t);
void revoke_table_clear(struct revoke_table *t);
struct revoke *revoke_find(const struct revoke_table *t, u64 block);
/* `r` is not in the table and keeps its block. */
void revoke_insert(struct revoke_table *t, struct revoke *r);
void revoke_remove(struct revoke_table *t, struct revoke *r);
/* Make room for one more, before locking: may sleep; a failure costs speed only. */
void revoke_table_grow(struct revoke_table *t, struct spinlock *lock);
struct revoke *revoke_alloc(u64 block) __must_check;
void revoke_free(struct revoke *r);

/* --- transactions ----------------------------------------------------------------------------- */

struct transaction {
	struct journal *journal; /* [I] */
	u32 tid;                 /* [I] */
	u32 slot;                /* [I] tid & 1 */
	u64 expires;             /* [I] monotonic ns: commit then */
	u32 log_start;           /* [j] first block in the log, from commit on */
	u32 log_bound;           /* [j] blocks it may take there, from commit on */
	bool recording;          /* [j] the commit record was given to the device */
	struct list parts;       /* [j] of entries; the commit's own once the gate is closed */
	struct list checkpoint;  /* [j] entry.cp_link */
	struct list callbacks;   /* [j] struct journal_callback.link */
	struct spinlock revoke_lock;
	struct revoke_table revokes; /* [revoke_lock]; the commit's own once the gate is closed */
	struct list link;            /* [j] journal.checkpoints */
};                                   /* j: journal.lock */

enum part_state { PART_FORGOTTEN, PART_CLAIMED, PART_DIRTY }; /* has_part() compares */

struct part {
	struct transaction *t; /* [e, R] NULL: none */
	struct list link;      /* [j] transaction.parts */
	void *copy;  /* [e] what it must log, when the buffer has changed since; kmalloc */
	u32 state;   /* [e, R] enum part_state */
	bool logged; /* [e] the log has it, or a copy for it */
};

struct entry {
	struct spinlock lock;
	struct buffer *b; /* [e, R] referenced; NULL: the entry is free */
	struct part part[2];
	struct transaction *cp; /* [e, j] */
	struct list cp_link;    /* [j] */
	bool owed;              /* [e] */
};                              /* e: entry.lock; R: read without it, see the rules */

struct handle {
	struct journal *journal;
	struct transaction *t; /* NULL: lost by a failed restart */
	u32 credits, revokes;  /* left */
	u32 nested;
	u32 alloc_before;
	bool sync;
	struct handle *outer; /* of another journal */
};                            /* the thread's own */

/* journal.gate */
#define GATE_CLOSED      BIT(63)
#define GATE_ONE         BIT(40) /* an open handle */
#define GATE_COUNT_MASK  GENMASK(62, 40)
#define GATE_SPACE_MASK  GENMASK(39, 0)
#define GATE_BLOCK_SHIFT 16 /* space is counted in parts of a block */

/* The log's blocks, in stretches that are contiguous on the device. */
struct log_extent {
	u32 block, len; /* [I] of the log */
	u64 physical;   /* [I] */
};

#define LOG_RESERVE 8u /* blocks to write the log with when there is no memory */

struct journal {
	u64 gate;                                  /* [a] */
	struct transaction *running __aligned(64); /* [j, gate] */
	u64 gate_limit;                            /* [I] space a transaction may claim */
	u32 credit_cost, revoke_cost;              /* [I] in units of the gate */
	int error;                                 /* [a] aborted: a negative errno */

	struct spinlock lock;           /* j */
	struct transaction *committing; /* [j] */
	struct list checkpoints;        /* [j] struct transaction.link, oldest first */
	u32 next_tid;                   /* [j] of the next transaction to be made */
	u32 committed_tid;              /* [a, j] */
	u32 head;                       /* [j] next block of the log to write */
	u32 promised;                   /* [j] blocks that running and committing may need */
	u32 tail;                       /* [s, j] where recovery would start */
	bool empty;                     /* [s] on disk, the log is marked empty */
	bool commit_wanted;             /* [j] of the running transaction */
	bool dozing;                    /* [j] the thread sleeps without deadline */
	bool abort_pending;             /* [j] the thread has to tell of it */
	u64 last_start;                 /* [j] ns, when the last transaction was made */

	struct mutex super_mutex;     /* s: the superblock in memory and on disk */
	struct mutex cp_mutex;        /* one makes room in the log */
	struct jbd_super *super;      /* [s] the whole first block */
	s32 recorded_error;           /* [s; read without] as found at opening: -errno */
	struct wait_queue wait_count; /* the commit: no handle is open any more */
	struct wait_queue wait_gate;  /* starters: the running transaction was replaced */
	struct wait_queue wait_done;  /* a commit ended, or the journal */
	struct wait_queue wait_work;  /* the thread */
	struct thread *thread;        /* [I after start] */

	struct bdev *fs_bdev, *bdev; /* [I] */
	u32 block_size, block_shift; /* [I] */
	u32 first, last;             /* [I] the ring is [first, last) */
	u32 max_blocks;              /* [I] of a transaction in the log */
	u32 tag_bytes, tail_bytes;   /* [I after start] as written; recovery's while it runs */
	u32 tags_per_block, revokes_per_block; /* [I after start] */
	bool csum3, csum2, wide;               /* [I after start] */
	bool fast_commits, async_commits;      /* [I] features that forbid writing, or replay */
	bool want_checksum, want_wide;         /* [I] features to write with */
	u32 barrier;                           /* [a] */
	u32 writing;                           /* [a] handles may start */
	u32 seed;                              /* [I] of checksums */
	u32 interval;                          /* [a] ms */
	u64 fs_blocks;                         /* [I] */
	void (*aborted)(void *arg, int error); /* [I] */
	void *arg;
	char name[32];

	struct log_extent *extents; /* [I] in order */
	u32 nr_extents;

	/* Log writes in flight. */
	u32 pending;               /* [a] bios */
	int log_error;             /* [a] */
	struct llist_head reserve; /* [a] blocks of `reserve_base` that are free */
	struct llist_node *spare;  /* [commit thread] taken from it */
	void *reserve_base;        /* [I] LOG_RESERVE blocks */
	struct wait_queue wait_log;
};

static inline u32 log_blocks(const struct journal *j)
{
	return j->last - j->first;
}

static inline u32 log_next(const struct journal *j, u32 block)
{
	return block + 1 == j->last ? j->first : block + 1;
}

/* Blocks from `from` forward to `to`. */
static inline u32 log_distance(const struct journal *j, u32 from, u32 to)
{
	return to >= from ? to - from : to + log_blocks(j) - from;
}

static inline bool tid_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline bool journal_aborted(const struct journal *j)
{
	return atomic_load(&j->error) != 0;
}

/* --- super.c ---------------------------------------------------------------------------------- */

/* What the features make of tags and blocks. */
void journal_set_format(struct journal *j);
/*
 * Write the superblock: where recovery starts (0: the log is empty), at which transaction. `flags`:
 * BIO_PREFLUSH or 0.  Locks: super_mutex.
 */
int super_write(struct journal *j, u32 start, u32 sequence, unsigned flags) __must_check;
/* Put j->error there.  Context: may sleep. */
void super_record_error(struct journal *j);

/* --- log.c ------------------------------------------------------------------------------------ */

int log_map_all(struct journal *j, const struct journal_params *params) __must_check;
/* Where a block of the log is, and how many follow it there. */
u64 log_physical(const struct journal *j, u32 block, u32 *run);
/* Read blocks that are contiguous on the device into linear memory. */
int log_read_blocks(struct journal *j, u32 block, u32 nr, void *buf) __must_check;
/* One block, now. */
int log_write_sync(struct journal *j, u32 block, void *buf, unsigned flags) __must_check;
u32 block_checksum(const struct journal *j, const void *block);
u32 data_checksum(const struct journal *j, u32 tid, const void *data);

/*
 * Writing a transaction: log_mem() gives a block of memory, log_put() sends it to the next place of
 * the log; it is freed when written.  A descriptor's place comes before that of its data though it
 * is finished after: log_hold() puts it and keeps its bio back until log_release().
 */
struct log_writer {
	struct journal *j;
	u32 block;        /* next place */
	struct bio *bio;  /* being filled, or NULL */
	struct bio *held; /* with an unfinished descriptor, or NULL; may be == bio */
	u64 next;         /* physical block that bio would continue with */
	u32 expected;     /* blocks still to come, a guess, at least 1 */
};
void log_writer_init(struct log_writer *w, struct journal *j, u32 block, u32 expected);
/* Zeroed or not.  Never fails: waits for writes in flight rather.  Context: the commit thread. */
void *log_mem(struct log_writer *w);
/* Give back what log_mem() gave.  Context: any. */
void log_mem_free(struct journal *j, void *mem);
void log_put(struct log_writer *w, void *mem);
void log_hold(struct log_writer *w, void *mem);
void log_release(struct log_writer *w);
/* Send what is collected and wait.  Returns 0 or the first error since log_writer_init. */
int log_finish(struct log_writer *w) __must_check;

/* --- handle.c --------------------------------------------------------------------------------- */

struct slab_cache *handle_cache(void);
/* Blocks of the log that are neither needed nor promised.  Locks: j->lock. */
u32 log_available(const struct journal *j);

/* --- entry.c ---------------------------------------------------------------------------------- */

int entry_caches_create(void) __must_check;
/* The entry of a buffer, locked; or NULL.  Context: any but hard interrupt. */
struct entry *entry_lock(struct buffer *b);
/*
 * Unlock, and free an entry that has neither part nor checkpoint.  The caller has a reference to
 * the buffer.
 */
void entry_unlock(struct entry *e);
/* Leave the checkpoint list; frees a transaction that nobody needs in the log any more.  Locks:
 * e. */
void entry_uncheckpoint(struct entry *e);
/* The part of `t` is over: written (error 0) or lost.  Locks: none. */
void part_end(struct transaction *t, struct part *p, struct entry *e, int error);
/*
 * What a committing transaction logs of this part, in memory that is the caller's: *spare, which is
 * NULL then, or another.  False: nothing.  Locks: none.
 */
bool part_copy(struct part *p, struct entry *e, void **spare, void **out);

static inline struct entry *part_entry(struct part *p, u32 slot)
{
	return (struct entry *)((char *)p - offsetof(struct entry, part) -
				slot * sizeof(struct part));
}

/* --- commit.c --------------------------------------------------------------------------------- */

/* Commit the running transaction, which exists.  In the commit thread, or alone. */
void journal_commit(struct journal *j);
void transaction_free(struct transaction *t);
int transaction_create(struct journal *j, struct transaction **out) __must_check;

/* --- checkpoint.c ----------------------------------------------------------------------------- */

/* What recovery must start with: a transaction's block and number.  Locks: j->lock. */
void log_tail(const struct journal *j, u32 *block, u32 *tid);
/*
 * Tell the superblock of this tail if it is worth it; a commit record was flushed and written since
 * it was taken.  Context: may sleep.
 */
void tail_advance(struct journal *j, u32 block, u32 tid);
/* Until `blocks` are free.  Returns 0, -EROFS, -EIO, -ENOSPC.  Context: may sleep, no handle. */
int log_make_room(struct journal *j, u32 blocks) __must_check;
/* Until no transaction is left in the log. */
int checkpoint_all(struct journal *j) __must_check;
/* Without waiting: drop what write-back has written already. */
void checkpoint_trim(struct journal *j);

/* --- thread.c --------------------------------------------------------------------------------- */

int commit_thread_start(struct journal *j) __must_check;
void commit_thread_stop(struct journal *j);
/* Have `tid` committed and wait until it is, or lost. */
void journal_wait_tid(struct journal *j, u32 tid);
/* Ask for the commit of the running transaction.  Locks: j->lock. */
void commit_request_locked(struct journal *j);
