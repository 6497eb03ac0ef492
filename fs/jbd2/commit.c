/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A transaction goes to disk.
 *
 *	close		no handle enters; wait until all have left
 *	switch		it is the committing one; the next may run
 *	log		revoke records; descriptors and copies of the blocks
 *	record		when all that has ended: flush, then the commit block
 *	end		its blocks may be written in place; freed ones reused; waiters go on
 *
 * What the record vouches for must be on stable storage before it: that is what BIO_PREFLUSH on
 * the commit block is for.  It covers file data too: a file system names blocks in a transaction
 * whose data was written before.  When the log is on another device, that of the file system is
 * flushed apart.  BIO_FUA makes the record itself durable, and only then does anybody hear of it.
 *
 * A commit waits for open handles and for the log, never for file data.
 *
 * Handles of the next transaction run all the while, save during `close`.  They copy blocks that
 * are not logged yet before changing them (entry.c).
 *
 * One thread commits, so many callers of fsync who come while it is busy are all served by the next
 * commit.
 */
#define LOG_PREFIX "jbd2: "
#include <fs/block/block.h>
#include <kernel/debug/log.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include "journal_internal.h"

int transaction_create(struct journal *j, struct transaction **out)
{
	struct transaction *t = kzalloc(sizeof(*t), GFP_NOFS);

	*out = t;
	if (!t)
		return -ENOMEM;
	t->journal = j;
	list_init(&t->parts);
	list_init(&t->checkpoint);
	list_init(&t->callbacks);
	list_init(&t->link);
	spin_init(&t->revoke_lock, RANK_JOURNAL_REVOKE, "transaction.revoke_lock");
	revoke_table_init(&t->revokes);
	return 0;
}

void transaction_free(struct transaction *t)
{
	kfree(t);
}

/* --- close and switch ------------------------------------------------------------------------- */

static void gate_close(struct journal *j)
{
	with_spin(&j->lock)
	{
		(void)atomic_fetch_or(&j->gate, GATE_CLOSED);
		j->commit_wanted = false;
	}
	wait_event(&j->wait_count, !(atomic_load(&j->gate) & GATE_COUNT_MASK));
	/* What handles wrote before they left is seen after. */
	smp_mb();
}

static struct transaction *transaction_switch(struct journal *j)
{
	struct transaction *t;

	with_spin(&j->lock)
	{
		u64 space = atomic_load(&j->gate) & GATE_SPACE_MASK;

		t = j->running;
		t->log_start = j->head;
		t->log_bound =
			(u32)((space + (1u << GATE_BLOCK_SHIFT) - 1) >> GATE_BLOCK_SHIFT) + 3;
		j->promised -= j->max_blocks - t->log_bound;
		j->committing = t;
		WRITE_ONCE(j->running, NULL);
		atomic_store(&j->gate, GATE_CLOSED);
	}
	wake_up_all(&j->wait_gate);
	return t;
}

/* --- log -------------------------------------------------------------------------------------- */

static void header_set(void *block, u32 type, u32 tid)
{
	struct jbd_header *h = block;

	h->magic = cpu_to_be32(JBD_MAGIC);
	h->type = cpu_to_be32(type);
	h->sequence = cpu_to_be32(tid);
}

static void *block_begin(struct log_writer *w, u32 type, u32 tid)
{
	void *block = log_mem(w);

	memset(block, 0, w->j->block_size);
	header_set(block, type, tid);
	return block;
}

static void tail_set(const struct journal *j, char *block)
{
	if (j->tail_bytes)
		put_unaligned_be32(block_checksum(j, block), block + j->block_size - JBD_TAIL_SIZE);
}

static void revoke_block_put(struct log_writer *w, char *block, u32 count)
{
	struct jbd_revoke *r = (struct jbd_revoke *)block;

	r->used = cpu_to_be32(sizeof(*r) + count * (w->j->wide ? 8 : 4));
	tail_set(w->j, block);
	log_put(w, block);
}

static void write_revokes(struct log_writer *w, struct transaction *t)
{
	struct journal *j = w->j;
	char *block = NULL;
	struct revoke *r;
	u32 count = 0;

	list_for_each (r, &t->revokes.all, link) {
		char *at;

		if (count == j->revokes_per_block) {
			revoke_block_put(w, block, count);
			block = NULL;
			count = 0;
		}
		if (!block)
			block = block_begin(w, JBD_REVOKE, t->tid);
		at = block + sizeof(struct jbd_revoke) + count++ * (j->wide ? 8 : 4);
		if (j->wide)
			put_unaligned_be64(r->block, at);
		else
			put_unaligned_be32((u32)r->block, at);
	}
	if (block)
		revoke_block_put(w, block, count);
}

/* A descriptor being filled. */
struct descriptor {
	char *block; /* NULL: none */
	char *at;    /* where the next tag goes */
	char *last;  /* the newest tag */
	u32 count;
};

static void tag_put(const struct journal *j, char *at, u64 block, u32 flags, u32 checksum)
{
	put_unaligned_be32((u32)block, at);
	if (j->csum3) {
		put_unaligned_be32(flags, at + offsetof(struct jbd_tag3, flags));
		put_unaligned_be32((u32)(block >> 32), at + offsetof(struct jbd_tag3, block_high));
		put_unaligned_be32(checksum, at + offsetof(struct jbd_tag3, checksum));
		return;
	}
	put_unaligned_be16((u16)flags, at + offsetof(struct jbd_tag, flags));
	put_unaligned_be16(j->csum2 ? (u16)checksum : 0, at + offsetof(struct jbd_tag, checksum));
	if (j->wide)
		put_unaligned_be32((u32)(block >> 32), at + offsetof(struct jbd_tag, block_high));
}

static void descriptor_end(struct log_writer *w, struct descriptor *d)
{
	if (!d->block)
		return;
	/* The low byte of the flags: both forms of the tag have it there. */
	d->last[7] |= JBD_TAG_LAST;
	tail_set(w->j, d->block);
	log_release(w);
	*d = (struct descriptor){0};
}

static void descriptor_add(struct log_writer *w, struct descriptor *d, struct transaction *t,
			   u64 block, void *data)
{
	struct journal *j = w->j;
	u32 flags = d->count ? JBD_TAG_SAME_UUID : 0;

	if (get_unaligned_be32(data) == JBD_MAGIC) {
		memset(data, 0, 4);
		flags |= JBD_TAG_ESCAPED;
	}
	tag_put(j, d->at, block, flags, j->tail_bytes ? data_checksum(j, t->tid, data) : 0);
	d->last = d->at;
	d->at += j->tag_bytes;
	if (!d->count++) {
		memcpy(d->at, j->super->uuid, JBD_UUID_SIZE);
		d->at += JBD_UUID_SIZE;
	}
	log_put(w, data);
}

static void descriptor_begin(struct log_writer *w, struct descriptor *d, u32 tid)
{
	d->block = block_begin(w, JBD_DESCRIPTOR, tid);
	d->at = d->block + sizeof(struct jbd_header);
	log_hold(w, d->block);
}

static void write_blocks(struct log_writer *w, struct transaction *t)
{
	struct descriptor d = {0};
	void *spare = NULL, *data;
	struct part *p;

	list_for_each (p, &t->parts, link) {
		struct entry *e = part_entry(p, t->slot);

		if (!spare)
			spare = log_mem(w);
		if (!part_copy(p, e, &spare, &data))
			continue;
		if (d.count == w->j->tags_per_block)
			descriptor_end(w, &d);
		if (!d.block)
			descriptor_begin(w, &d, t->tid);
		descriptor_add(w, &d, t, e->b->block, data);
	}
	descriptor_end(w, &d);
	if (spare)
		log_mem_free(w->j, spare);
}

/* --- record ----------------------------------------------------------------------------------- */

static int write_record(struct log_writer *w, struct transaction *t)
{
	struct journal *j = w->j;
	struct jbd_commit *c = block_begin(w, JBD_COMMIT, t->tid);
	u64 now = clock_real_ns();
	int err;

	c->seconds = cpu_to_be64(now / NSEC_PER_SEC);
	c->nanoseconds = cpu_to_be32((u32)(now % NSEC_PER_SEC));
	if (j->tail_bytes)
		c->checksum[0] = cpu_to_be32(crc32c(j->seed, c, j->block_size));
	with_spin(&j->lock) t->recording = true;
	err = log_write_sync(j, w->block, c, atomic_load(&j->barrier) ? BIO_PREFLUSH | BIO_FUA : 0);
	log_mem_free(j, c);
	w->block = log_next(j, w->block);
	return err;
}

/* The log is about to hold something: recovery must look there. */
static int log_begin(struct journal *j, struct transaction *t)
{
	guard_mutex(&j->super_mutex);
	if (!j->empty)
		return 0;
	with_spin(&j->lock) j->tail = t->log_start;
	return super_write(j, t->log_start, t->tid, 0);
}

static int transaction_write(struct journal *j, struct transaction *t, struct log_writer *w)
{
	int err = log_begin(j, t);

	if (err)
		return err;
	write_revokes(w, t);
	write_blocks(w, t);
	err = log_finish(w);
	if (!err && j->fs_bdev != j->bdev && atomic_load(&j->barrier))
		err = bdev_flush(j->fs_bdev);
	if (!err && journal_aborted(j))
		err = journal_error(j);
	if (!err)
		err = write_record(w, t);
	return err;
}

/* --- end -------------------------------------------------------------------------------------- */

static void parts_end(struct transaction *t, int error)
{
	while (!list_empty(&t->parts)) {
		struct part *p = list_first(&t->parts, struct part, link);

		part_end(t, p, part_entry(p, t->slot), error);
	}
}

static void callbacks_run(struct transaction *t, int error)
{
	while (!list_empty(&t->callbacks)) {
		struct journal_callback *cb =
			list_first(&t->callbacks, struct journal_callback, link);

		list_remove(&cb->link);
		cb->fn(cb, error);
	}
}

static void transaction_end(struct journal *j, struct transaction *t, u32 head, int error)
{
	parts_end(t, error);
	callbacks_run(t, error);
	revoke_table_clear(&t->revokes);
	with_spin(&j->lock)
	{
		j->promised -= t->log_bound;
		j->committing = NULL;
		if (!error) {
			j->head = head;
			atomic_store(&j->committed_tid, t->tid);
			if (!list_empty(&t->checkpoint)) {
				list_push_back(&j->checkpoints, &t->link);
				t = NULL;
			}
		}
	}
	if (t)
		transaction_free(t);
	wake_up_all(&j->wait_done);
}

void journal_commit(struct journal *j)
{
	struct transaction *t;
	struct log_writer w;
	u32 tail, tail_tid;
	int err;

	gate_close(j);
	t = transaction_switch(j);
	checkpoint_trim(j);
	with_spin(&j->lock) log_tail(j, &tail, &tail_tid);
	log_writer_init(&w, j, t->log_start, t->log_bound);
	err = journal_error(j);
	if (!err)
		err = transaction_write(j, t, &w);
	if (err)
		journal_abort(j, err);
	transaction_end(j, t, w.block, err);
	/* The record's flush came after the tail was taken. */
	if (!err)
		tail_advance(j, tail, tail_tid);
}
