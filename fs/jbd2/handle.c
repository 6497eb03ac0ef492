/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Joining and leaving the running transaction.
 *
 * The usual case is one compare-and-swap on the gate to enter and one subtraction to leave; see
 * journal_internal.h.  Space is claimed in full when a handle enters and what it did not use given
 * back when it leaves, so the sum in the gate, once nobody is inside, is what the log needs.
 *
 * Entry needs more when there is no running transaction (make one, once the log has room for the
 * largest there can be), when it is full (have it committed), or being closed (wait).
 *
 * Urgent handles are those that a commit may wait for: it writes data of ordered inodes, and
 * write-back of that may end only when somebody has recorded in the next transaction what was
 * written.  So that this next transaction can always be entered, each has some space that only
 * urgent handles get, and some blocks of the log are kept back from which a small transaction for
 * urgent handles alone can be made when there is no room for a real one.
 */
#define LOG_PREFIX "jbd2: "
#include <kernel/debug/log.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/alloc_scope.h>
#include "journal_internal.h"

static u64 cost_of(const struct journal *j, unsigned credits, unsigned revokes)
{
	return (u64)credits * j->credit_cost + (u64)revokes * j->revoke_cost;
}

/* --- the gate --------------------------------------------------------------------------------- */

/* Claim `cost`, and with `more` GATE_ONE become one more handle. */
static bool gate_claim(struct journal *j, u64 more, u64 cost, bool urgent)
{
	u64 gate = atomic_load(&j->gate), limit = j->gate_limit + (urgent ? j->gate_urgent : 0);

	do {
		if (gate & GATE_CLOSED || (gate & GATE_SPACE_MASK) + cost > limit)
			return false;
	} while (!atomic_cmpxchg(&j->gate, &gate, gate + more + cost));
	return true;
}

static void gate_leave(struct journal *j, u64 unused)
{
	u64 gate = atomic_sub_return(&j->gate, GATE_ONE + unused);

	if (unlikely(gate & GATE_CLOSED && !(gate & GATE_COUNT_MASK)))
		wake_up_all(&j->wait_count);
}

static bool transaction_runs(struct journal *j, u32 tid)
{
	guard_spin(&j->lock);
	return j->running && j->running->tid == tid && !journal_aborted(j);
}

/* Full or being closed: until it is another's turn. */
static void wait_for_turn(struct journal *j)
{
	u32 tid;

	with_spin(&j->lock)
	{
		if (!j->running)
			return;
		tid = j->running->tid;
		commit_request_locked(j);
	}
	atomic_inc(&j->nr_waited);
	wait_event(&j->wait_gate, !transaction_runs(j, tid));
}

/* Blocks of the log that are neither needed nor promised. */
u32 log_available(const struct journal *j)
{
	u32 used = log_distance(j, j->tail, j->head) + j->promised + 1;

	return used < log_blocks(j) ? log_blocks(j) - used : 0;
}

/* What a new transaction is promised in the log: 0: there is no room.  Locks: j->lock. */
static u32 promise(struct journal *j, bool urgent)
{
	u32 available = log_available(j);

	/* What is kept back stays, for an urgent handle after this transaction. */
	if (available >= j->max_blocks + 2 * j->urgent_blocks)
		return j->max_blocks + j->urgent_blocks;
	return urgent && available >= j->urgent_blocks ? j->urgent_blocks : 0;
}

/* Make `t` the running transaction.  False: there is one already, or no room for it. */
static bool transaction_install(struct journal *j, struct transaction *t, bool urgent, bool *room)
{
	u64 now = clock_mono_ns();

	guard_spin(&j->lock);
	t->promised = promise(j, urgent);
	*room = t->promised;
	if (j->running || journal_aborted(j) || !*room)
		return false;
	/* A small one is full from the beginning, but for urgent handles. */
	t->precharge = t->promised > j->urgent_blocks ? 0 : j->gate_limit;
	t->tid = j->next_tid++;
	t->slot = t->tid & 1;
	t->expires = now + atomic_load(&j->interval) * NSEC_PER_MSEC;
	j->promised += t->promised;
	WRITE_ONCE(j->running, t);
	j->last_start = now;
	if (j->dozing)
		wake_up(&j->wait_work);
	atomic_store_release(&j->gate, t->precharge);
	return true;
}

static int transaction_begin(struct journal *j, bool urgent)
{
	struct transaction *t;
	bool room;
	int err = transaction_create(j, &t);

	while (!err) {
		if (transaction_install(j, t, urgent, &room))
			return 0;
		if (room || journal_aborted(j))
			break;
		err = log_make_room(j, j->max_blocks + 2 * j->urgent_blocks);
	}
	transaction_free(t);
	return err;
}

static int join_slow(struct journal *j, u64 cost, bool urgent)
{
	if (!atomic_load(&j->writing))
		return -EROFS;
	if (cost > j->gate_limit)
		return -ENOSPC;
	/* More than is kept back for it: it waits like everybody. */
	urgent &= cost <= j->gate_urgent;
	while (!gate_claim(j, GATE_ONE, cost, urgent)) {
		int err = 0;

		if (journal_aborted(j))
			return -EROFS;
		if (READ_ONCE(j->running))
			wait_for_turn(j);
		else
			err = transaction_begin(j, urgent);
		if (err)
			return err;
	}
	return 0;
}

static int join(struct journal *j, struct handle *h, unsigned credits, unsigned revokes)
{
	u64 cost = cost_of(j, credits, revokes);

	if (unlikely(!gate_claim(j, GATE_ONE, cost, h->urgent))) {
		int err = join_slow(j, cost, h->urgent);

		if (err)
			return err;
	}
	h->t = READ_ONCE(j->running);
	h->credits = credits;
	h->revokes = revokes;
	return 0;
}

static void leave(struct journal *j, struct handle *h)
{
	if (!h->t)
		return;
	h->t = NULL;
	gate_leave(j, cost_of(j, h->credits, h->revokes));
	h->credits = h->revokes = 0;
}

/* --- handles ---------------------------------------------------------------------------------- */

static int handle_create(struct journal *j, unsigned credits, unsigned revokes, bool urgent,
			 struct handle **out)
{
	struct handle *h = slab_alloc(handle_cache(), GFP_NOFS);
	struct thread *self = thread_current();
	int err;

	if (!h)
		return -ENOMEM;
	h->journal = j;
	h->nested = 0;
	h->sync = false;
	h->urgent = urgent;
	err = join(j, h, credits, revokes);
	if (err) {
		slab_free(handle_cache(), h);
		return err;
	}
	h->outer = self->journal;
	h->alloc_before = alloc_nofs_begin();
	self->journal = h;
	*out = h;
	return 0;
}

static int start(struct journal *j, unsigned credits, unsigned revokes, bool urgent,
		 struct handle **out)
{
	struct handle *h = handle_current();

	if (!j) {
		*out = NULL;
		return 0;
	}
	if (h && h->journal == j) {
		h->nested++;
		*out = h;
		return 0;
	}
	return handle_create(j, credits, revokes, urgent, out);
}

int journal_start(struct journal *j, unsigned credits, unsigned revokes, struct handle **out)
{
	return start(j, credits, revokes, false, out);
}

int journal_start_urgent(struct journal *j, unsigned credits, unsigned revokes, struct handle **out)
{
	return start(j, credits, revokes, true, out);
}

int journal_extend(struct handle *h, unsigned credits, unsigned revokes)
{
	struct journal *j;

	if (!h)
		return 0;
	j = h->journal;
	if (!h->t || journal_aborted(j))
		return -EROFS;
	if (!gate_claim(j, 0, cost_of(j, credits, revokes), h->urgent))
		return 1;
	h->credits += credits;
	h->revokes += revokes;
	return 0;
}

int journal_restart(struct handle *h, unsigned credits, unsigned revokes)
{
	if (!h)
		return 0;
	leave(h->journal, h);
	return join(h->journal, h, credits, revokes);
}

unsigned journal_credits(const struct handle *h)
{
	return h ? h->credits : ~0u;
}

int journal_stop(struct handle *h)
{
	struct journal *j;
	bool sync;
	u32 tid;

	if (!h)
		return 0;
	j = h->journal;
	if (h->nested) {
		h->nested--;
		return journal_error(j);
	}
	sync = h->sync && h->t;
	tid = sync ? h->t->tid : 0;
	leave(j, h);
	thread_current()->journal = h->outer;
	alloc_scope_end(h->alloc_before);
	slab_free(handle_cache(), h);
	return unlikely(sync) ? journal_commit_tid(j, tid) : journal_error(j);
}

void handle_set_sync(struct handle *h)
{
	if (h)
		h->sync = true;
}

struct handle *handle_current(void)
{
	return thread_current()->journal;
}

u32 handle_tid(const struct handle *h)
{
	return h && h->t ? h->t->tid : 0;
}

/* --- what rides on a transaction -------------------------------------------------------------- */

void journal_on_commit(struct handle *h, struct journal_callback *cb)
{
	if (!h || !h->t) {
		cb->fn(cb, h ? -EROFS : 0);
		return;
	}
	guard_spin(&h->journal->lock);
	list_push_back(&h->t->callbacks, &cb->link);
}

void journal_inode_init(struct journal_inode *ji, struct inode *inode)
{
	*ji = (struct journal_inode){.inode = inode};
	list_init(&ji->link[0]);
	list_init(&ji->link[1]);
}

void journal_order_inode(struct handle *h, struct journal_inode *ji)
{
	struct transaction *t = h ? h->t : NULL;

	if (!t || READ_ONCE(ji->t[t->slot]) == t)
		return;
	guard_spin(&h->journal->lock);
	if (ji->t[t->slot] == t)
		return;
	WRITE_ONCE(ji->t[t->slot], t);
	list_push_back(&t->inodes, &ji->link[t->slot]);
}

static bool inode_idle(struct journal *j, struct journal_inode *ji)
{
	guard_spin(&j->lock);
	return !ji->busy;
}

bool journal_inode_committing(struct journal *j, struct journal_inode *ji)
{
	if (!j)
		return false;
	guard_spin(&j->lock);
	return ji->busy || (j->committing && ji->t[j->committing->slot] == j->committing);
}

void journal_forget_inode(struct journal *j, struct journal_inode *ji)
{
	if (!j)
		return;
	with_spin(&j->lock)
	{
		for (int slot = 0; slot < 2; slot++) {
			list_remove(&ji->link[slot]);
			WRITE_ONCE(ji->t[slot], NULL);
		}
	}
	wait_event(&j->wait_done, inode_idle(j, ji));
}
