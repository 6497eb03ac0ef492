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
static bool gate_claim(struct journal *j, u64 more, u64 cost)
{
	u64 gate = atomic_load(&j->gate);

	do {
		if (gate & GATE_CLOSED || (gate & GATE_SPACE_MASK) + cost > j->gate_limit)
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
	wait_event(&j->wait_gate, !transaction_runs(j, tid));
}

/* Blocks of the log that are neither needed nor promised. */
u32 log_available(const struct journal *j)
{
	u32 used = log_distance(j, j->tail, j->head) + j->promised + 1;

	return used < log_blocks(j) ? log_blocks(j) - used : 0;
}

/* Make `t` the running transaction.  False: there is one already, or no room for it. */
static bool transaction_install(struct journal *j, struct transaction *t, bool *room)
{
	u64 now = clock_mono_ns();

	guard_spin(&j->lock);
	*room = log_available(j) >= j->max_blocks;
	if (j->running || journal_aborted(j) || !*room)
		return false;
	t->tid = j->next_tid++;
	t->slot = t->tid & 1;
	t->expires = now + atomic_load(&j->interval) * NSEC_PER_MSEC;
	j->promised += j->max_blocks;
	WRITE_ONCE(j->running, t);
	j->last_start = now;
	if (j->dozing)
		wake_up(&j->wait_work);
	atomic_store_release(&j->gate, 0);
	return true;
}

static int transaction_begin(struct journal *j)
{
	struct transaction *t;
	bool room;
	int err = transaction_create(j, &t);

	while (!err) {
		if (transaction_install(j, t, &room))
			return 0;
		if (room || journal_aborted(j))
			break;
		err = log_make_room(j, j->max_blocks);
	}
	transaction_free(t);
	return err;
}

static int join_slow(struct journal *j, u64 cost)
{
	if (!atomic_load(&j->writing))
		return -EROFS;
	if (cost > j->gate_limit)
		return -ENOSPC;
	while (!gate_claim(j, GATE_ONE, cost)) {
		int err = 0;

		if (journal_aborted(j))
			return -EROFS;
		if (READ_ONCE(j->running))
			wait_for_turn(j);
		else
			err = transaction_begin(j);
		if (err)
			return err;
	}
	return 0;
}

static int join(struct journal *j, struct handle *h, unsigned credits, unsigned revokes)
{
	u64 cost = cost_of(j, credits, revokes);

	if (unlikely(!gate_claim(j, GATE_ONE, cost))) {
		int err = join_slow(j, cost);

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

static int handle_create(struct journal *j, unsigned credits, unsigned revokes, struct handle **out)
{
	struct handle *h = slab_alloc(handle_cache(), GFP_NOFS);
	struct thread *self = thread_current();
	int err;

	if (!h)
		return -ENOMEM;
	h->journal = j;
	h->nested = 0;
	h->sync = false;
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

int journal_start(struct journal *j, unsigned credits, unsigned revokes, struct handle **out)
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
	return handle_create(j, credits, revokes, out);
}

int journal_extend(struct handle *h, unsigned credits, unsigned revokes)
{
	struct journal *j;

	if (!h)
		return 0;
	j = h->journal;
	if (!h->t || journal_aborted(j))
		return -EROFS;
	if (!gate_claim(j, 0, cost_of(j, credits, revokes)))
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
