/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who commits when: the commit thread, those who wait for it, and aborting.
 *
 * The thread commits when asked (fsync, a full transaction), and a transaction that is older than
 * the interval.  It looks at the clock once per interval while there are transactions and sleeps
 * without a limit ("dozing") after an interval without: so making a transaction wakes it only then.
 *
 * Aborting closes the gate for good.  The transaction that is running is thrown away by the thread
 * like a commit that failed: its buffers keep their content in memory and are never written.  The
 * thread also tells the file system and notes the error in the superblock, as who aborts may hold
 * any lock.
 */
#define LOG_PREFIX "jbd2: "
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include "journal_internal.h"

/* --- the thread ------------------------------------------------------------------------------- */

static bool commit_due(const struct journal *j)
{
	return j->running &&
	       (j->commit_wanted || journal_aborted(j) || clock_mono_ns() >= j->running->expires);
}

static bool work_due(struct journal *j)
{
	guard_spin(&j->lock);
	return commit_due(j) || (j->dozing && j->running) || j->abort_pending ||
	       kthread_should_stop();
}

/* When to look again; also says whether who makes a transaction must wake us. */
static u64 doze_until(struct journal *j)
{
	u64 now = clock_mono_ns(), interval = atomic_load(&j->interval) * NSEC_PER_MSEC;

	guard_spin(&j->lock);
	j->dozing = !j->running && now - j->last_start >= interval;
	if (j->dozing)
		return KTIME_MAX;
	return j->running ? j->running->expires : now + interval;
}

static void abort_tell(struct journal *j)
{
	int err = journal_error(j);

	with_spin(&j->lock) j->abort_pending = false;
	super_record_error(j);
	if (j->aborted)
		j->aborted(j->arg, err);
}

static bool take_commit(struct journal *j)
{
	guard_spin(&j->lock);
	return j->running && (commit_due(j) || kthread_should_stop());
}

static bool take_abort(struct journal *j)
{
	guard_spin(&j->lock);
	return j->abort_pending;
}

static void commit_thread(void *arg)
{
	struct journal *j = arg;

	for (;;) {
		if (take_abort(j))
			abort_tell(j);
		else if (take_commit(j))
			journal_commit(j);
		else if (kthread_should_stop())
			return;
		else
			(void)wait_event_idle_timeout(&j->wait_work, work_due(j), doze_until(j));
	}
}

int commit_thread_start(struct journal *j)
{
	int err = kthread_create(&j->thread, commit_thread, j, "jbd2/%s", j->name);

	if (!err)
		thread_start(j->thread);
	return err;
}

void commit_thread_stop(struct journal *j)
{
	atomic_store(&j->writing, 0);
	kthread_stop(j->thread);
}

/* --- asking and waiting ----------------------------------------------------------------------- */

void commit_request_locked(struct journal *j)
{
	if (j->commit_wanted || atomic_load(&j->gate) & GATE_CLOSED)
		return;
	j->commit_wanted = true;
	wake_up(&j->wait_work);
}

/* Running, or committing: not on disk. */
static bool tid_open(struct journal *j, u32 tid)
{
	guard_spin(&j->lock);
	return (j->running && j->running->tid == tid) ||
	       (j->committing && j->committing->tid == tid);
}

void journal_wait_tid(struct journal *j, u32 tid)
{
	with_spin(&j->lock)
	{
		if (j->running && j->running->tid == tid)
			commit_request_locked(j);
	}
	wait_event(&j->wait_done, !tid_open(j, tid));
}

int journal_commit_tid(struct journal *j, u32 tid)
{
	journal_wait_tid(j, tid);
	return journal_error(j);
}

bool journal_will_flush(struct journal *j, u32 tid)
{
	if (!atomic_load(&j->barrier) || j->fs_bdev != j->bdev)
		return false;
	guard_spin(&j->lock);
	return (j->running && j->running->tid == tid) ||
	       (j->committing && j->committing->tid == tid && !j->committing->recording);
}

bool journal_commit_start(struct journal *j, u32 *tid)
{
	guard_spin(&j->lock);
	if (j->running) {
		commit_request_locked(j);
		*tid = j->running->tid;
		return true;
	}
	if (j->committing)
		*tid = j->committing->tid;
	return j->committing;
}

int journal_force(struct journal *j)
{
	u32 tid;

	if (journal_commit_start(j, &tid))
		return journal_commit_tid(j, tid);
	return journal_error(j);
}

/* Nothing is in the log: say so.  -EAGAIN: something is. */
static int log_mark_empty(struct journal *j)
{
	u32 head, tid;

	guard_mutex(&j->super_mutex);
	with_spin(&j->lock)
	{
		log_tail(j, &head, &tid);
		if (j->committing || !list_empty(&j->checkpoints))
			return -EAGAIN;
	}
	if (journal_aborted(j))
		return journal_error(j);
	if (j->empty)
		return 0;
	if (atomic_load(&j->barrier) && j->fs_bdev != j->bdev) {
		int err = bdev_flush(j->fs_bdev);

		if (err)
			return err;
	}
	with_spin(&j->lock) j->tail = head;
	return super_write(j, 0, tid, BIO_PREFLUSH);
}

int journal_flush(struct journal *j)
{
	int err;

	if (!atomic_load(&j->writing))
		return 0;
	do {
		err = journal_force(j);
		if (!err)
			err = checkpoint_all(j);
		if (!err)
			err = log_mark_empty(j);
	} while (err == -EAGAIN);
	return err;
}

/* --- aborting --------------------------------------------------------------------------------- */

void journal_abort(struct journal *j, int error)
{
	int none = 0;

	error = error < 0 ? error : -EIO;
	if (!atomic_cmpxchg(&j->error, &none, error))
		return;
	log_err("%s: journal aborted (error %d)\n", j->name, error);
	with_spin(&j->lock)
	{
		(void)atomic_fetch_or(&j->gate, GATE_CLOSED);
		j->abort_pending = true;
	}
	wake_up_all(&j->wait_work);
	wake_up_all(&j->wait_gate);
}
