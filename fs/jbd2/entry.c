/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Buffers in transactions: rights, dirtying, forgetting.
 *
 * The first right to a buffer in a transaction makes its part there, with the buffer locked so that
 * no transfer of the buffer is under way, now or later; every further call of any handle finds the
 * part without a lock.  See the rules in journal_internal.h.
 *
 * Why has_part() may read without a lock.  It needs: if it says yes, the buffer has a part in the
 * handle's transaction T until the handle is closed.
 *	It read part.t == T in some entry, then that the entry's buffer is b.  Parts of T stay until
 *	T is committed, hence while the handle is open; an entry with a part keeps its buffer.  So
 *	the buffer it read second is the one the part was made for.
 *	RCU keeps the memory an entry in between.
 */
#define LOG_PREFIX "jbd2: "
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sync/rcu.h>
#include <mm/alloc.h>
#include "journal_internal.h"

static struct slab_cache *entries, *handles; /* [I] once created */

/* --- entries ---------------------------------------------------------------------------------- */

static void entry_construct(void *obj)
{
	struct entry *e = obj;

	memset(e, 0, sizeof(*e));
	spin_init(&e->lock, RANK_JOURNAL_BUFFER, "journal entry");
	list_init(&e->part[0].link);
	list_init(&e->part[1].link);
	list_init(&e->cp_link);
}

int entry_caches_create(void)
{
	static struct mutex once = MUTEX_INIT(once, RANK_JOURNAL);

	guard_mutex(&once);
	if (!entries)
		entries = slab_create("journal_entry", sizeof(struct entry),
				      __alignof__(struct entry),
				      SLAB_TYPESAFE_BY_RCU | SLAB_RECLAIMABLE, entry_construct);
	if (!handles)
		handles = SLAB_CACHE(handle, 0);
	return entries && handles ? 0 : -ENOMEM;
}

struct slab_cache *handle_cache(void)
{
	return handles;
}

struct entry *entry_lock(struct buffer *b)
{
	guard_rcu();
	for (;;) {
		struct entry *e = __atomic_load_n((struct entry **)&b->journal, __ATOMIC_ACQUIRE);

		if (!e)
			return NULL;
		spin_lock(&e->lock);
		if (READ_ONCE(e->b) == b)
			return e;
		spin_unlock(&e->lock);
	}
}

/* An entry for a buffer that has none.  Locks: the buffer lock. */
static int entry_attach(struct buffer *b)
{
	struct entry *e = slab_alloc(entries, GFP_NOFS);

	if (!e)
		return -ENOMEM;
	buffer_hold(b);
	with_spin(&e->lock)
	{
		WRITE_ONCE(e->b, b);
		rcu_assign_pointer(b->journal, e);
	}
	return 0;
}

void entry_unlock(struct entry *e)
{
	struct buffer *b = e->b;

	if (e->part[0].t || e->part[1].t || e->cp) {
		spin_unlock(&e->lock);
		return;
	}
	WRITE_ONCE(b->journal, NULL);
	WRITE_ONCE(e->b, NULL);
	e->owed = false;
	spin_unlock(&e->lock);
	slab_free(entries, e);
	buffer_put(b);
}

void entry_uncheckpoint(struct entry *e)
{
	struct transaction *t = e->cp, *done = NULL;

	if (!t)
		return;
	e->cp = NULL;
	with_spin(&t->journal->lock)
	{
		list_remove(&e->cp_link);
		if (list_empty(&t->checkpoint)) {
			list_remove(&t->link);
			done = t;
		}
	}
	if (done)
		transaction_free(done);
}

static void entry_checkpoint(struct entry *e, struct transaction *t)
{
	entry_uncheckpoint(e);
	e->cp = t;
	guard_spin(&t->journal->lock);
	list_push_back(&t->checkpoint, &e->cp_link);
}

/* --- parts ------------------------------------------------------------------------------------ */

static bool has_part(const struct transaction *t, const struct buffer *b, u32 state)
{
	guard_rcu();

	struct entry *e = __atomic_load_n((struct entry *const *)&b->journal, __ATOMIC_ACQUIRE);

	if (!e || __atomic_load_n(&e->part[t->slot].t, __ATOMIC_ACQUIRE) != t)
		return false;
	return READ_ONCE(e->b) == b && atomic_load(&e->part[t->slot].state) >= state;
}

/* Locks: the buffer lock, e. */
static void part_begin(struct entry *e, struct transaction *t)
{
	struct part *p = &e->part[t->slot];
	struct buffer *b = e->b;

	p->state = PART_CLAIMED;
	if (buffer_test_and_clear(b, BUFFER_DIRTY))
		e->owed = true;
	buffer_set(b, BUFFER_JOURNALED);
	with_spin(&t->journal->lock) list_push_back(&t->parts, &p->link);
	atomic_store_release(&p->t, t);
}

/* The committing transaction has still to log what the buffer holds now. */
static bool part_needs_copy(const struct part *p)
{
	return p->t && p->state == PART_DIRTY && !p->logged && !p->copy;
}

bool part_copy(struct part *p, struct entry *e, void **spare, void **out)
{
	guard_spin(&e->lock);
	if (p->state != PART_DIRTY)
		return false;
	p->logged = true;
	*out = p->copy;
	p->copy = NULL;
	if (!*out) {
		memcpy(*spare, e->b->data, e->b->size);
		swap(*out, *spare);
	}
	return true;
}

void part_end(struct transaction *t, struct part *p, struct entry *e, int error)
{
	struct journal *j = t->journal;

	spin_lock(&e->lock);
	kfree(p->copy);
	p->copy = NULL;
	if (!error && p->state == PART_DIRTY) {
		entry_checkpoint(e, t);
		e->owed = true;
	} else if (!error && p->state == PART_FORGOTTEN) {
		entry_uncheckpoint(e);
		e->owed = false;
	} else if (p->state != PART_CLAIMED) {
		e->owed = false;
	}
	/* Nobody's content, or one that must never be written. */
	if (!e->owed && p->state != PART_CLAIMED)
		buffer_clear(e->b, BUFFER_DIRTY);
	with_spin(&j->lock) list_remove(&p->link);
	p->logged = false;
	WRITE_ONCE(p->t, NULL);
	if (!e->part[!t->slot].t) {
		if (e->owed)
			buffer_mark_dirty(e->b);
		e->owed = false;
		buffer_clear(e->b, BUFFER_JOURNALED);
	}
	entry_unlock(e);
}

/* --- rights ----------------------------------------------------------------------------------- */

static bool commit_pending(struct journal *j, u32 tid)
{
	guard_spin(&j->lock);
	return j->committing && j->committing->tid == tid;
}

/* No memory for a copy: when that transaction is on disk none is needed. */
static int wait_for_log(struct journal *j, u32 tid)
{
	wait_event(&j->wait_done, !commit_pending(j, tid));
	return -EAGAIN;
}

/* One attempt: -EAGAIN when it had to give up the entry's lock.  Locks: the buffer lock. */
static int claim_step(struct transaction *t, struct buffer *b, void **spare)
{
	struct entry *e = entry_lock(b);
	int err = 0;

	if (!e) {
		err = entry_attach(b);
		return err ? err : -EAGAIN;
	}

	struct part *old = &e->part[!t->slot];

	if (e->part[t->slot].t == t)
		goto out;
	if (part_needs_copy(old)) {
		if (!*spare) {
			entry_unlock(e);
			*spare = kmalloc(b->size, GFP_NOFS | __GFP_NOWARN);
			return *spare ? -EAGAIN : wait_for_log(t->journal, t->tid - 1);
		}
		memcpy(*spare, b->data, b->size);
		old->copy = *spare;
		*spare = NULL;
	}
	part_begin(e, t);
out:
	entry_unlock(e);
	return err;
}

static int claim_slow(struct handle *h, struct buffer *b)
{
	void *spare = NULL;
	int err;

	if (journal_aborted(h->journal))
		return -EROFS;
	buffer_lock(b);
	do {
		err = claim_step(h->t, b, &spare);
	} while (err == -EAGAIN);
	buffer_unlock(b);
	kfree(spare);
	return err;
}

int journal_get_write(struct handle *h, struct buffer *b)
{
	if (!h)
		return 0;
	if (unlikely(!h->t))
		return -EROFS;
	return likely(has_part(h->t, b, PART_CLAIMED)) ? 0 : claim_slow(h, b);
}

int journal_get_create(struct handle *h, struct buffer *b)
{
	return journal_get_write(h, b);
}

/* --- dirty and forgotten ---------------------------------------------------------------------- */

/* The block is metadata again, and newer than what its revoke record voids. */
static void revoke_cancel(struct handle *h, u64 block)
{
	struct transaction *t = h->t;
	struct revoke *r;

	if (likely(!READ_ONCE(t->revokes.count)))
		return;
	with_spin(&t->revoke_lock)
	{
		r = revoke_find(&t->revokes, block);
		if (r)
			revoke_remove(&t->revokes, r);
	}
	if (r) {
		revoke_free(r);
		h->revokes++;
	}
}

static __cold int misuse(struct handle *h, struct buffer *b, int err, const char *what)
{
	log_err("%s: block %llu dirtied with no %s\n", h->journal->name, b->block, what);
	return err;
}

static int dirty_slow(struct handle *h, struct buffer *b)
{
	struct entry *e = entry_lock(b);
	struct part *p;

	if (!e)
		return misuse(h, b, -EINVAL, "right");
	p = &e->part[h->t->slot];
	if (p->t != h->t) {
		entry_unlock(e);
		return misuse(h, b, -EINVAL, "right");
	}
	if (p->state != PART_DIRTY) {
		if (!h->credits && journal_extend(h, 1, 0)) {
			entry_unlock(e);
			return misuse(h, b, -ENOSPC, "credit left");
		}
		h->credits--;
		atomic_store(&p->state, PART_DIRTY);
	}
	entry_unlock(e);
	revoke_cancel(h, b->block);
	return 0;
}

int journal_dirty(struct handle *h, struct buffer *b)
{
	if (!h) {
		buffer_mark_dirty(b);
		return 0;
	}
	if (unlikely(!h->t))
		return -EROFS;
	return likely(has_part(h->t, b, PART_DIRTY)) ? 0 : dirty_slow(h, b);
}

static int forget_buffer(struct handle *h, struct buffer *b)
{
	struct entry *e;
	struct part *p;
	int err;

	buffer_clear(b, BUFFER_VERIFIED);
	if (!READ_ONCE(b->journal)) {
		buffer_forget(b);
		return 0;
	}
	err = journal_get_write(h, b);
	if (err)
		return err;
	e = entry_lock(b);
	p = &e->part[h->t->slot];
	if (p->state == PART_DIRTY)
		h->credits++;
	atomic_store(&p->state, PART_FORGOTTEN);
	entry_unlock(e);
	return 0;
}

/* Take the block out of the transaction; `b` may be NULL: looked up. */
static int forget(struct handle *h, u64 block, struct buffer *b)
{
	struct buffer *found = NULL;
	int err = 0;

	if (!b && h)
		b = found = buffer_find(h->journal->fs_bdev, block);
	if (b && h)
		err = forget_buffer(h, b);
	else if (b)
		buffer_forget(b);
	buffer_put(found);
	return err;
}

static int revoke_record(struct handle *h, u64 block)
{
	struct transaction *t = h->t;
	struct revoke *r, *known;

	if (!h->revokes && journal_extend(h, 0, 1))
		return -ENOSPC;
	r = revoke_alloc(block);
	if (!r)
		return -ENOMEM;
	revoke_table_grow(&t->revokes, &t->revoke_lock);
	with_spin(&t->revoke_lock)
	{
		known = revoke_find(&t->revokes, block);
		if (!known)
			revoke_insert(&t->revokes, r);
	}
	if (known)
		revoke_free(r);
	else
		h->revokes--;
	return 0;
}

int journal_revoke(struct handle *h, u64 block, struct buffer *b)
{
	int err = 0;

	if (h)
		err = h->t ? revoke_record(h, block) : -EROFS;
	return err ? err : forget(h, block, b);
}
