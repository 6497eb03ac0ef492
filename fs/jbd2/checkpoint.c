/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Old transactions leave the log.
 *
 * A committed transaction stays in the log until each of its blocks is in place, or has been logged
 * again by a younger one.  Its checkpoint list has the blocks for which that is not known yet.
 * Write-back writes them in its own time; who needs room in the log does not wait for that.
 *
 * The tail, where recovery starts, is the oldest transaction with such a list.  It is advanced on
 * disk before the space behind it is used: first a flush, so that blocks written in place are there
 * for good, then the superblock.  The commit record's own flush serves too, for what was in place
 * before it.
 *
 * A block whose buffer has a part in a younger transaction cannot be written, as the memory may
 * hold more than what is committed.  Then that transaction is committed, and takes the block over.
 */
#define LOG_PREFIX "jbd2: "
#include <fs/block/block.h>
#include <kernel/debug/log.h>
#include <kernel/lib/sort.h>
#include "journal_internal.h"

#define BATCH 64u
#define TRIM  32u /* entries looked at per commit */

/* --- the tail --------------------------------------------------------------------------------- */

void log_tail(const struct journal *j, u32 *block, u32 *tid)
{
	const struct transaction *t = j->committing;

	if (!list_empty(&j->checkpoints))
		t = list_first(&j->checkpoints, struct transaction, link);
	if (t) {
		*block = t->log_start;
		*tid = t->tid;
		return;
	}
	*block = j->head;
	*tid = j->running ? j->running->tid : j->next_tid;
}

/*
 * Tell the superblock how far the log is needed.  `flushed`: all that left the checkpoint lists
 * before the tail was taken is on stable storage.  An error aborts the journal.
 */
static void tail_write(struct journal *j, u32 block, u32 tid, bool flushed)
{
	bool barrier = atomic_load(&j->barrier);
	int err = 0;

	guard_mutex(&j->super_mutex);
	/* Another may have written a younger one meanwhile. */
	if (j->empty || journal_aborted(j) || block == j->tail ||
	    tid_before(tid, be32_to_cpu(j->super->sequence)))
		return;
	if (!flushed && barrier && j->fs_bdev != j->bdev)
		err = bdev_flush(j->fs_bdev);
	if (!err)
		err = super_write(j, block, tid, flushed ? 0 : BIO_PREFLUSH);
	if (err) {
		journal_abort(j, err);
		return;
	}
	with_spin(&j->lock) j->tail = block;
}

static void tail_update(struct journal *j)
{
	u32 block, tid;

	with_spin(&j->lock) log_tail(j, &block, &tid);
	tail_write(j, block, tid, false);
}

void tail_advance(struct journal *j, u32 block, u32 tid)
{
	u32 gain;

	with_spin(&j->lock) gain = log_distance(j, j->tail, block);
	if (gain >= log_blocks(j) / 8 && gain < log_blocks(j))
		tail_write(j, block, tid, j->fs_bdev == j->bdev);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* The buffer of some block of the oldest transaction, referenced; it moves to the list's end. */
static struct buffer *oldest_next(struct journal *j)
{
	struct transaction *t;
	struct entry *e;

	guard_spin(&j->lock);
	if (list_empty(&j->checkpoints))
		return NULL;
	t = list_first(&j->checkpoints, struct transaction, link);
	e = list_first(&t->checkpoint, struct entry, cp_link);
	list_move_back(&t->checkpoint, &e->cp_link);
	buffer_hold(e->b);
	return e->b;
}

enum entry_need { NEED_NOTHING, NEED_WRITE, NEED_WAIT, NEED_COMMIT };

/* What must happen to the buffer; nothing: it was taken off the list. */
static enum entry_need entry_look(struct journal *j, struct buffer *b, u32 *tid)
{
	struct entry *e = entry_lock(b);
	enum entry_need need = NEED_NOTHING;
	bool failed = false;

	if (!e)
		return NEED_NOTHING;
	for (int slot = 0; slot < 2; slot++) {
		if (e->part[slot].t) {
			*tid = e->part[slot].t->tid;
			need = NEED_COMMIT;
		}
	}
	if (need == NEED_NOTHING && buffer_test(b, BUFFER_DIRTY))
		need = NEED_WRITE;
	/* Write-back locks, then clears the dirty bit, and unlocks when done. */
	smp_rmb();
	if (need == NEED_NOTHING && buffer_test(b, BUFFER_LOCKED))
		need = NEED_WAIT;
	if (need == NEED_NOTHING) {
		failed = buffer_test(b, BUFFER_ERROR);
		if (!failed)
			entry_uncheckpoint(e);
	}
	entry_unlock(e);
	if (failed) {
		log_err("%s: block %llu could not be written in place\n", j->name, b->block);
		journal_abort(j, -EIO);
	}
	return need;
}

void checkpoint_trim(struct journal *j)
{
	u32 used, tid;

	with_spin(&j->lock) used = log_distance(j, j->tail, j->head);
	if (used < log_blocks(j) / 4)
		return;
	for (unsigned i = 0; i < TRIM; i++) {
		struct buffer *b = oldest_next(j);
		enum entry_need need;

		if (!b)
			return;
		need = entry_look(j, b, &tid);
		buffer_put(b);
		if (need != NEED_NOTHING)
			return;
	}
}

/* --- writing ---------------------------------------------------------------------------------- */

static int by_block(const void *a, const void *b)
{
	const struct buffer *x = *(struct buffer *const *)a, *y = *(struct buffer *const *)b;

	return x->block < y->block ? -1 : x->block > y->block;
}

static void write_one(struct buffer *b)
{
	buffer_lock(b);
	if (buffer_test(b, BUFFER_JOURNALED) || !buffer_test_and_clear(b, BUFFER_DIRTY))
		buffer_unlock(b);
	else
		buffer_submit_write(b, BIO_META | BIO_SYNC, NULL);
}

static void write_batch(struct buffer **batch, unsigned n)
{
	struct plug plug;

	sort(batch, n, sizeof(*batch), by_block);
	plug_start(&plug);
	for (unsigned i = 0; i < n; i++)
		write_one(batch[i]);
	plug_finish(&plug);
	for (unsigned i = 0; i < n; i++) {
		buffer_wait(batch[i]);
		buffer_put(batch[i]);
	}
}

/*
 * Bring blocks of the oldest transaction nearer to their place; at most a batch is written and
 * waited for.
 */
static void checkpoint_step(struct journal *j)
{
	struct buffer *batch[BATCH], *b;
	enum entry_need need = NEED_NOTHING;
	unsigned n = 0;
	u32 tid;

	while (n < BATCH && !journal_aborted(j) && (b = oldest_next(j))) {
		need = entry_look(j, b, &tid);
		if (need == NEED_WRITE && !(n && batch[0] == b)) {
			batch[n++] = b;
			continue;
		}
		if (need == NEED_WAIT && !n)
			buffer_wait(b);
		buffer_put(b);
		if (need != NEED_NOTHING)
			break;
	}
	write_batch(batch, n);
	if (need == NEED_COMMIT && !n)
		journal_wait_tid(j, tid);
}

/* --- room ------------------------------------------------------------------------------------- */

struct room {
	u32 now;       /* blocks available */
	u32 potential; /* once the superblock has the tail */
	bool idle;     /* nothing waits for checkpoint */
	u32 busy;      /* is the committing transaction, if any */
	bool busy_any;
};

static struct room room_look(struct journal *j)
{
	struct room r = {0};
	u32 tail, tid;

	guard_spin(&j->lock);
	log_tail(j, &tail, &tid);
	r.now = log_available(j);
	r.potential = r.now + log_distance(j, j->tail, tail);
	r.idle = list_empty(&j->checkpoints);
	r.busy_any = j->committing;
	r.busy = r.busy_any ? j->committing->tid : 0;
	return r;
}

static int room_step(struct journal *j, const struct room *r, u32 blocks)
{
	u32 plenty = blocks + log_blocks(j) / 4;

	if (r->potential >= plenty || (r->idle && r->potential >= blocks))
		tail_update(j);
	else if (!r->idle)
		checkpoint_step(j);
	else if (r->busy_any)
		journal_wait_tid(j, r->busy);
	else
		return -ENOSPC;
	return journal_error(j) ? -EROFS : 0;
}

int log_make_room(struct journal *j, u32 blocks)
{
	struct room r;
	int err = 0;

	guard_mutex(&j->cp_mutex);
	while (!err && (r = room_look(j)).now < blocks)
		err = room_step(j, &r, blocks);
	return err;
}

int checkpoint_all(struct journal *j)
{
	guard_mutex(&j->cp_mutex);
	while (!journal_aborted(j)) {
		if (room_look(j).idle)
			return 0;
		checkpoint_step(j);
	}
	return journal_error(j);
}
