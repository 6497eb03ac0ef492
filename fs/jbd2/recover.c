/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * After a crash: three passes over the log.
 *
 *	scan	which transactions are complete: each has a valid commit block and the number that
 *		follows its predecessor's
 *	revoke	which blocks must not be written by them, up to which transaction
 *	replay	the others go to their place
 *
 * The log may hold anything.  What it says is believed only as far as it is harmless: block numbers
 * are compared with the file system's size, lengths with the block they are in, and a pass ends
 * after as many blocks as the log has, since a descriptor can lead round the ring.
 *
 * A transaction ends the scan when its commit block is missing or has a bad checksum: it was being
 * written when the machine stopped.  A descriptor with a bad checksum before a good commit block,
 * or a data block that does not match its tag, is damage: what is sound is replayed, and the log is
 * kept for a checker.
 *
 * Replayed blocks go through the buffers of the file system, so that what is cached of them is
 * right afterwards.
 */
#define LOG_PREFIX "jbd2: "
#include <fs/block/block.h>
#include <kernel/debug/log.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>
#include "journal_internal.h"

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

#define WINDOW_BYTES 65536u
#define FLYING       32u

struct recovery {
	struct journal *j;
	enum pass pass;
	u32 block;    /* next of the log */
	u32 tid;      /* of the transaction we are in */
	u32 end;      /* the first that is not complete */
	u32 steps;    /* blocks seen in this pass */
	bool finish;  /* this pass is over */
	bool suspect; /* scan: this transaction has a block with a bad checksum */
	bool damaged;
	struct revoke_table revokes;
	char *window; /* blocks of the log, as read */
	u32 window_first, window_len, window_room;
	struct buffer *flying[FLYING]; /* being written */
	u32 next_flying;
	u32 replayed, revoked;
};

/* --- reading ---------------------------------------------------------------------------------- */

static int window_create(struct recovery *r)
{
	u32 bytes = max(WINDOW_BYTES, r->j->block_size);

	r->window = kmalloc(bytes, GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY);
	if (!r->window) {
		bytes = r->j->block_size;
		r->window = kmalloc(bytes, GFP_KERNEL);
	}
	r->window_room = bytes >> r->j->block_shift;
	return r->window ? 0 : -ENOMEM;
}

/* The next block of the log; valid until the next call. */
static int block_next(struct recovery *r, char **out)
{
	struct journal *j = r->j;
	u32 block = r->block, run;

	r->block = log_next(j, block);
	if (r->steps++ > log_blocks(j))
		return -EUCLEAN;
	if (block < r->window_first || block - r->window_first >= r->window_len) {
		int err;

		(void)log_physical(j, block, &run);
		run = min(min(run, r->window_room), j->last - block);
		r->window_len = 0;
		err = log_read_blocks(j, block, run, r->window);
		if (err)
			return err;
		r->window_first = block;
		r->window_len = run;
		cond_resched();
	}
	*out = r->window + ((size_t)(block - r->window_first) << j->block_shift);
	return 0;
}

static bool tail_valid(const struct journal *j, const char *block)
{
	return !j->tail_bytes || get_unaligned_be32(block + j->block_size - JBD_TAIL_SIZE) ==
					 block_checksum(j, block);
}

static bool commit_valid(const struct journal *j, char *block)
{
	struct jbd_commit *c = (struct jbd_commit *)block;
	u32 stored = c->checksum[0];

	if (!j->tail_bytes)
		return true;
	c->checksum[0] = 0;

	u32 sum = crc32c(j->seed, block, j->block_size);

	c->checksum[0] = stored;
	return be32_to_cpu(stored) == sum;
}

/* --- tags ------------------------------------------------------------------------------------- */

struct tag {
	u64 block;
	u32 flags, checksum;
};

static void tag_get(const struct journal *j, const char *at, struct tag *tag)
{
	tag->block = get_unaligned_be32(at);
	if (j->csum3) {
		tag->flags = get_unaligned_be32(at + offsetof(struct jbd_tag3, flags));
		tag->checksum = get_unaligned_be32(at + offsetof(struct jbd_tag3, checksum));
		at += offsetof(struct jbd_tag3, block_high);
	} else {
		tag->flags = get_unaligned_be16(at + offsetof(struct jbd_tag, flags));
		tag->checksum = get_unaligned_be16(at + offsetof(struct jbd_tag, checksum));
		at += offsetof(struct jbd_tag, block_high);
	}
	if (j->wide)
		tag->block |= (u64)get_unaligned_be32(at) << 32;
}

static bool data_valid(const struct recovery *r, const struct tag *tag, const char *data)
{
	const struct journal *j = r->j;
	u32 sum;

	if (!j->tail_bytes)
		return true;
	sum = data_checksum(j, r->tid, data);
	return tag->checksum == (j->csum3 ? sum : (u16)sum);
}

/* --- replay ----------------------------------------------------------------------------------- */

static int flying_land(struct recovery *r, u32 n)
{
	struct buffer *b = r->flying[n];
	int err = 0;

	if (!b)
		return 0;
	buffer_wait(b);
	if (buffer_test(b, BUFFER_ERROR))
		err = -EIO;
	buffer_put(b);
	r->flying[n] = NULL;
	return err;
}

static int flying_land_all(struct recovery *r)
{
	int err = 0;

	for (u32 n = 0; n < FLYING; n++) {
		int one = flying_land(r, n);

		err = err ? err : one;
	}
	return err;
}

static int block_place(struct recovery *r, const struct tag *tag, const char *data)
{
	struct journal *j = r->j;
	struct buffer *b;
	int err = flying_land(r, r->next_flying);

	if (!err)
		err = buffer_get(j->fs_bdev, tag->block, &b);
	if (err)
		return err;
	buffer_lock(b);
	memcpy(b->data, data, j->block_size);
	if (tag->flags & JBD_TAG_ESCAPED)
		put_unaligned_be32(JBD_MAGIC, b->data);
	buffer_set(b, BUFFER_UPTODATE);
	buffer_clear(b, BUFFER_VERIFIED);
	buffer_clear(b, BUFFER_NEW);
	buffer_clear(b, BUFFER_DIRTY);
	buffer_clear(b, BUFFER_ERROR);
	buffer_submit_write(b, BIO_META | BIO_SYNC, NULL);
	r->flying[r->next_flying] = b;
	r->next_flying = (r->next_flying + 1) % FLYING;
	r->replayed++;
	return 0;
}

static int block_replay(struct recovery *r, const struct tag *tag)
{
	struct revoke *v = revoke_find(&r->revokes, tag->block);
	char *data;
	int err = block_next(r, &data);

	if (err)
		return err;
	if (v && !tid_before(v->tid, r->tid)) {
		r->revoked++;
		return 0;
	}
	if (tag->flags & JBD_TAG_DELETED)
		return 0;
	if (tag->block >= r->j->fs_blocks || !data_valid(r, tag, data)) {
		log_err("%s: block %llu of transaction %u is damaged in the journal\n", r->j->name,
			tag->block, r->tid);
		r->damaged = true;
		return 0;
	}
	return block_place(r, tag, data);
}

/* --- blocks of the log ------------------------------------------------------------------------ */

/* The tags are copied out first: reading data moves the window. */
static int descriptor_walk(struct recovery *r, const char *block)
{
	const struct journal *j = r->j;
	const char *at = block + sizeof(struct jbd_header);
	const char *limit = block + j->block_size - j->tail_bytes;
	struct tag tag = {0};
	int err = 0;

	while (!err && !(tag.flags & JBD_TAG_LAST) && limit - at >= j->tag_bytes) {
		tag_get(j, at, &tag);
		at += j->tag_bytes + (tag.flags & JBD_TAG_SAME_UUID ? 0 : JBD_UUID_SIZE);
		if (r->pass == PASS_REPLAY) {
			err = block_replay(r, &tag);
		} else {
			r->block = log_next(j, r->block);
			r->steps++;
		}
		if (at > limit)
			break;
	}
	return err;
}

static int descriptor_take(struct recovery *r, const char *block)
{
	char *copy;
	int err;

	if (!tail_valid(r->j, block)) {
		r->suspect = true;
		if (r->pass == PASS_REPLAY)
			r->damaged = true;
	}
	if (r->pass != PASS_REPLAY)
		return descriptor_walk(r, block);
	copy = kmemdup(block, r->j->block_size, GFP_KERNEL);
	if (!copy)
		return -ENOMEM;
	err = descriptor_walk(r, copy);
	kfree(copy);
	return err;
}

static int revoke_note(struct recovery *r, u64 block)
{
	struct revoke *v = revoke_find(&r->revokes, block);
	static struct spinlock alone;

	if (!v) {
		v = revoke_alloc(block);
		if (!v)
			return -ENOMEM;
		revoke_table_grow(&r->revokes, &alone);
		revoke_insert(&r->revokes, v);
	}
	/* Passes go forward: the youngest comes last. */
	v->tid = r->tid;
	return 0;
}

static int revokes_take(struct recovery *r, const char *block)
{
	const struct journal *j = r->j;
	u32 size = j->wide ? 8 : 4, at = sizeof(struct jbd_revoke);
	u32 used = be32_to_cpu(((const struct jbd_revoke *)block)->used);
	int err = 0;

	if (!tail_valid(j, block)) {
		r->suspect = true;
		return 0;
	}
	if (r->pass != PASS_REVOKE)
		return 0;
	if (used > j->block_size - j->tail_bytes) {
		r->damaged = true;
		return 0;
	}
	for (; !err && at + size <= used; at += size)
		err = revoke_note(r, j->wide ? get_unaligned_be64(block + at)
					     : get_unaligned_be32(block + at));
	return err;
}

static int commit_take(struct recovery *r, char *block)
{
	if (r->pass == PASS_SCAN) {
		if (!commit_valid(r->j, block)) {
			r->finish = true;
			return 0;
		}
		/* It was complete once. */
		if (r->suspect) {
			log_err("%s: transaction %u is damaged in the journal\n", r->j->name,
				r->tid);
			r->damaged = r->finish = true;
			return 0;
		}
	}
	r->tid++;
	return 0;
}

static int block_take(struct recovery *r, char *block)
{
	const struct jbd_header *h = (const struct jbd_header *)block;

	if (be32_to_cpu(h->magic) == JBD_MAGIC && be32_to_cpu(h->sequence) == r->tid) {
		switch (be32_to_cpu(h->type)) {
		case JBD_DESCRIPTOR: return descriptor_take(r, block);
		case JBD_REVOKE: return revokes_take(r, block);
		case JBD_COMMIT: return commit_take(r, block);
		}
	}
	r->finish = true;
	return 0;
}

/* --- passes ----------------------------------------------------------------------------------- */

static int pass_run(struct recovery *r, enum pass pass)
{
	struct journal *j = r->j;
	int err = 0;

	r->pass = pass;
	r->block = be32_to_cpu(j->super->start);
	r->tid = be32_to_cpu(j->super->sequence);
	r->steps = 0;
	r->finish = r->suspect = false;
	while (!err && !r->finish && r->steps <= log_blocks(j)) {
		char *block;

		if (pass != PASS_SCAN && r->tid == r->end)
			break;
		err = block_next(r, &block);
		if (!err)
			err = block_take(r, block);
	}
	if (pass == PASS_SCAN)
		r->end = r->tid;
	/* Later passes see what the scan saw. */
	if (pass != PASS_SCAN && !err && r->tid != r->end)
		r->damaged = true;
	return err;
}

static int passes_run(struct recovery *r)
{
	int err = pass_run(r, PASS_SCAN), landed;

	if (!err)
		err = pass_run(r, PASS_REVOKE);
	if (!err)
		err = pass_run(r, PASS_REPLAY);
	landed = flying_land_all(r);
	return err ? err : landed;
}

/* Everything is in place: forget the log. */
static int recovery_finish(struct recovery *r)
{
	struct journal *j = r->j;
	int err = bdev_flush(j->fs_bdev);

	if (err)
		return err;
	/* One number is left out, so that nothing of the transaction that was cut short fits. */
	j->next_tid = r->end + 1;
	j->committed_tid = r->end;
	guard_mutex(&j->super_mutex);
	return super_write(j, 0, j->next_tid, 0);
}

static int replay_allowed(const struct journal *j)
{
	if (j->fast_commits || j->async_commits) {
		log_err("%s: cannot replay a journal with %s commits: run e2fsck\n", j->name,
			j->fast_commits ? "fast" : "asynchronous");
		return -EINVAL;
	}
	return bdev_read_only(j->fs_bdev) || bdev_read_only(j->bdev) ? -EROFS : 0;
}

int journal_replay(struct journal *j)
{
	struct recovery r = {.j = j};
	int err;

	if (j->empty)
		return 0;
	err = replay_allowed(j);
	if (!err)
		err = window_create(&r);
	if (err)
		return err;
	revoke_table_init(&r.revokes);
	err = passes_run(&r);
	if (!err && r.damaged)
		err = -EUCLEAN;
	if (!err)
		err = recovery_finish(&r);
	log_info("%s: journal replayed up to transaction %u: %u blocks, %u revoked (%d)\n", j->name,
		 r.end, r.replayed, r.revoked, err);
	revoke_table_clear(&r.revokes);
	kfree(r.window);
	return err;
}
