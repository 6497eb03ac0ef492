/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log's superblock; opening and closing a journal.
 *
 * The superblock says where recovery starts.  It is written when the log begins to hold something
 * (before the first commit record), when its tail moved far enough, when it is emptied, and on
 * abort.  A log that was closed well is empty (start 0) and its sequence number goes on from where
 * it was, so that remains of older transactions are never taken for new ones.
 *
 * Features.  Fast commits change the disk in ways that only their own replay understands, so a
 * dirty log that has them is not replayed and such a log is not written.  With asynchronous commits
 * a commit record may be on disk before the blocks it vouches for; a dirty log is refused, a clean
 * one loses the flag when it is written.
 */
#define LOG_PREFIX "jbd2: "
#include <fs/block/block.h>
#include <kernel/debug/log.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <mm/page.h>
#include "journal_internal.h"

#define MIN_LOG_BLOCKS   64u
#define MAX_TRANSACTION  (1u << 21) /* blocks: what the gate can count, twice */
#define DEFAULT_INTERVAL 5000u

/* --- format ----------------------------------------------------------------------------------- */

void journal_set_format(struct journal *j)
{
	u32 incompat = be32_to_cpu(j->super->incompat);
	u32 tag;

	if (be32_to_cpu(j->super->header.type) == JBD_SUPER_V1)
		incompat = 0;
	j->csum3 = incompat & JBD_INCOMPAT_CSUM_V3;
	j->csum2 = incompat & JBD_INCOMPAT_CSUM_V2;
	j->wide = incompat & JBD_INCOMPAT_64BIT;
	if (j->csum3)
		tag = sizeof(struct jbd_tag3);
	else
		tag = (j->wide ? 12 : 8) + (j->csum2 ? 2 : 0);
	j->tag_bytes = tag;
	j->tail_bytes = j->csum2 || j->csum3 ? JBD_TAIL_SIZE : 0;
	j->tags_per_block =
		(j->block_size - sizeof(struct jbd_header) - JBD_UUID_SIZE - j->tail_bytes) / tag;
	j->revokes_per_block =
		(j->block_size - sizeof(struct jbd_revoke) - j->tail_bytes) / (j->wide ? 8 : 4);
}

static u32 super_checksum(const struct jbd_super *super)
{
	struct jbd_super copy = *super;

	copy.checksum = 0;
	return crc32c(~0u, &copy, sizeof(copy));
}

static bool super_has_checksum(const struct jbd_super *s)
{
	return be32_to_cpu(s->header.type) == JBD_SUPER_V2 &&
	       be32_to_cpu(s->incompat) & (JBD_INCOMPAT_CSUM_V2 | JBD_INCOMPAT_CSUM_V3);
}

int super_write(struct journal *j, u32 start, u32 sequence, unsigned flags)
{
	struct jbd_super *s = j->super;
	u32 start_before = s->start, sequence_before = s->sequence;
	int err;

	s->start = cpu_to_be32(start);
	s->sequence = cpu_to_be32(sequence);
	if (super_has_checksum(s))
		s->checksum = cpu_to_be32(super_checksum(s));
	flags = atomic_load(&j->barrier) ? flags | BIO_FUA : 0;
	err = log_write_sync(j, 0, s, flags);
	if (!err) {
		j->empty = !start;
		return 0;
	}
	/* A later attempt must not tell what may have needed the flush that failed. */
	s->start = start_before;
	s->sequence = sequence_before;
	log_err("%s: error %d writing the journal's superblock\n", j->name, err);
	return err;
}

void super_record_error(struct journal *j)
{
	guard_mutex(&j->super_mutex);
	j->super->error = cpu_to_be32((u32)atomic_load(&j->error));
	if (super_write(j, be32_to_cpu(j->super->start), be32_to_cpu(j->super->sequence), 0))
		log_err("%s: the error could not be recorded\n", j->name);
}

/* --- checks ----------------------------------------------------------------------------------- */

static int features_check(struct journal *j, const struct jbd_super *s)
{
	u32 incompat = be32_to_cpu(s->incompat), both = JBD_INCOMPAT_CSUM_V2 | JBD_INCOMPAT_CSUM_V3;

	if (incompat & ~JBD_INCOMPAT_KNOWN || s->ro_compat) {
		log_err("%s: journal has unknown features (incompat %#x, ro_compat %#x)\n", j->name,
			incompat & ~JBD_INCOMPAT_KNOWN, be32_to_cpu(s->ro_compat));
		return -EINVAL;
	}
	if ((incompat & both) == both)
		return -EUCLEAN;
	if (incompat & both && s->checksum_type != JBD_CHECKSUM_CRC32C)
		return -EINVAL;
	if (incompat & both && be32_to_cpu(s->checksum) != super_checksum(s)) {
		log_err("%s: bad checksum of the journal's superblock\n", j->name);
		return -EUCLEAN;
	}
	j->fast_commits = incompat & JBD_INCOMPAT_FAST_COMMIT;
	j->async_commits = incompat & JBD_INCOMPAT_ASYNC_COMMIT;
	return 0;
}

/* Fast commits have the end of the area. */
static u32 ring_end(const struct journal *j, const struct jbd_super *s)
{
	u32 end = be32_to_cpu(s->maxlen), fast = be32_to_cpu(s->num_fc_blocks);

	if (!j->fast_commits)
		return end;
	fast = fast ? fast : JBD_DEFAULT_FC_BLOCKS;
	return fast < end ? end - fast : 0;
}

static int super_check(struct journal *j, u64 blocks)
{
	const struct jbd_super *s = j->super;
	u32 type = be32_to_cpu(s->header.type), start = be32_to_cpu(s->start);
	int err = 0;

	if (be32_to_cpu(s->header.magic) != JBD_MAGIC ||
	    (type != JBD_SUPER_V1 && type != JBD_SUPER_V2))
		return -EUCLEAN;
	if (be32_to_cpu(s->block_size) != j->block_size || be32_to_cpu(s->maxlen) > blocks)
		return -EUCLEAN;
	if (type == JBD_SUPER_V2)
		err = features_check(j, s);
	if (err)
		return err;
	j->first = be32_to_cpu(s->first);
	j->last = ring_end(j, s);
	if (!j->first || j->first >= j->last || j->last - j->first < MIN_LOG_BLOCKS)
		return -EUCLEAN;
	if (start && (start < j->first || start >= j->last))
		return -EUCLEAN;
	return 0;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static void journal_init_fields(struct journal *j, const struct journal_params *p)
{
	j->gate = GATE_CLOSED;
	spin_init(&j->lock, RANK_JOURNAL_STATE, "journal.lock");
	list_init(&j->checkpoints);
	mutex_init(&j->super_mutex, RANK_JOURNAL_SUPER, "journal.super_mutex");
	mutex_init(&j->cp_mutex, RANK_JOURNAL, "journal.cp_mutex");
	wait_queue_init(&j->wait_count);
	wait_queue_init(&j->wait_gate);
	wait_queue_init(&j->wait_done);
	wait_queue_init(&j->wait_work);
	wait_queue_init(&j->wait_log);
	j->fs_bdev = p->fs_bdev;
	j->bdev = p->bdev;
	j->block_size = p->block_size;
	j->block_shift = fls64(p->block_size) - 1;
	j->barrier = p->barrier;
	j->interval = p->commit_interval ? p->commit_interval : DEFAULT_INTERVAL;
	j->fs_blocks = p->fs_blocks;
	j->aborted = p->aborted;
	j->arg = p->arg;
	j->want_checksum = p->checksum;
	j->want_wide = p->wide;
	(void)snprintf(j->name, sizeof(j->name), "%s", p->name);
}

static void journal_free(struct journal *j)
{
	kfree(j->reserve_base);
	kfree(j->super);
	kfree(j->extents);
	kfree(j);
}

static int super_load(struct journal *j, u64 blocks)
{
	int err = log_read_blocks(j, 0, 1, j->super);

	if (err)
		return err;
	err = super_check(j, blocks);
	if (err) {
		log_err("%s: the journal's superblock is unusable (%d)\n", j->name, err);
		return err;
	}
	journal_set_format(j);
	if (be32_to_cpu(j->super->header.type) == JBD_SUPER_V2) {
		j->seed = crc32c(~0u, j->super->uuid, sizeof(j->super->uuid));
		j->recorded_error = (s32)be32_to_cpu(j->super->error);
	}
	j->head = j->tail = j->first;
	j->empty = !j->super->start;
	j->next_tid = be32_to_cpu(j->super->sequence);
	j->committed_tid = j->next_tid - 1;
	return 0;
}

int journal_open(const struct journal_params *params, struct journal **out, bool *dirty)
{
	u64 blocks = min(params->blocks, (u64)U32_MAX);
	struct journal *j;
	int err;

	if (params->block_size < 1024 || params->block_size > PAGE_SIZE ||
	    params->block_size & (params->block_size - 1) || !blocks)
		return -EINVAL;
	err = entry_caches_create();
	if (err)
		return err;
	j = kzalloc(sizeof(*j), GFP_KERNEL);
	if (!j)
		return -ENOMEM;
	journal_init_fields(j, params);
	j->super = kmalloc(j->block_size, GFP_KERNEL);
	err = j->super ? log_map_all(j, params) : -ENOMEM;
	if (!err)
		err = super_load(j, blocks);
	if (err) {
		journal_free(j);
		return err;
	}
	*dirty = !j->empty;
	*out = j;
	return 0;
}

/* The features we write with; the log is empty. */
static int features_choose(struct journal *j)
{
	struct jbd_super *s = j->super;
	u32 incompat;

	guard_mutex(&j->super_mutex);
	if (be32_to_cpu(s->header.type) == JBD_SUPER_V1) {
		memset(&s->compat, 0, j->block_size - offsetof(struct jbd_super, compat));
		s->header.type = cpu_to_be32(JBD_SUPER_V2);
		s->nr_users = cpu_to_be32(1);
		j->seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	}
	incompat = be32_to_cpu(s->incompat) & JBD_INCOMPAT_64BIT;
	incompat |= JBD_INCOMPAT_REVOKE | (j->want_wide ? JBD_INCOMPAT_64BIT : 0) |
		    (j->want_checksum ? JBD_INCOMPAT_CSUM_V3 : 0);
	s->incompat = cpu_to_be32(incompat);
	s->compat &= ~cpu_to_be32(JBD_COMPAT_CHECKSUM);
	s->checksum_type = j->want_checksum ? JBD_CHECKSUM_CRC32C : 0;
	s->checksum = 0;
	journal_set_format(j);
	return super_write(j, 0, j->next_tid, 0);
}

/* What a handle pays for a block, its tag included, and for a revoke record. */
static void costs_choose(struct journal *j)
{
	u32 block = 1u << GATE_BLOCK_SHIFT;

	j->max_blocks = min(log_blocks(j) / 4, MAX_TRANSACTION);
	/* Descriptor and revoke block that are not full, the commit block, and one to round. */
	j->gate_limit = (u64)(j->max_blocks - 4) << GATE_BLOCK_SHIFT;
	j->credit_cost = block + (block + j->tags_per_block - 1) / j->tags_per_block;
	j->revoke_cost = (block + j->revokes_per_block - 1) / j->revokes_per_block;
}

static int reserve_create(struct journal *j)
{
	j->reserve_base = kmalloc((size_t)LOG_RESERVE << j->block_shift, GFP_KERNEL);
	if (!j->reserve_base)
		return -ENOMEM;
	for (unsigned i = 0; i < LOG_RESERVE; i++)
		llist_push(&j->reserve, (struct llist_node *)((char *)j->reserve_base +
							      ((size_t)i << j->block_shift)));
	return 0;
}

int journal_start_writing(struct journal *j)
{
	int err;

	if (j->fast_commits) {
		log_err("%s: the journal has fast commits: not writing\n", j->name);
		return -EROFS;
	}
	if (!j->empty || bdev_read_only(j->bdev))
		return -EROFS;
	err = reserve_create(j);
	if (!err)
		err = features_choose(j);
	if (err)
		return err;
	costs_choose(j);
	err = commit_thread_start(j);
	if (!err)
		atomic_store(&j->writing, 1);
	return err;
}

/* After an abort: what was never written stays so. */
static void checkpoints_drop(struct journal *j)
{
	struct buffer *b;

	for (;;) {
		b = NULL;
		with_spin(&j->lock)
		{
			if (!list_empty(&j->checkpoints)) {
				struct transaction *t =
					list_first(&j->checkpoints, struct transaction, link);

				b = list_first(&t->checkpoint, struct entry, cp_link)->b;
				buffer_hold(b);
			}
		}
		if (!b)
			return;

		struct entry *e = entry_lock(b);

		if (e) {
			if (e->cp)
				entry_uncheckpoint(e);
			entry_unlock(e);
		}
		buffer_put(b);
	}
}

int journal_close(struct journal *j)
{
	int err = 0;

	if (j->writing) {
		err = journal_flush(j);
		commit_thread_stop(j);
		checkpoints_drop(j);
		err = journal_error(j) ? journal_error(j) : err;
	}
	journal_free(j);
	return err;
}

/* --- the rest --------------------------------------------------------------------------------- */

int journal_recorded_error(const struct journal *j)
{
	return READ_ONCE(j->recorded_error);
}

int journal_clear_error(struct journal *j)
{
	guard_mutex(&j->super_mutex);
	if (!j->super->error)
		return 0;
	j->super->error = 0;
	WRITE_ONCE(j->recorded_error, 0);
	return super_write(j, be32_to_cpu(j->super->start), be32_to_cpu(j->super->sequence), 0);
}

int journal_error(const struct journal *j)
{
	return atomic_load(&j->error);
}

unsigned journal_max_credits(const struct journal *j)
{
	return j->gate_limit / j->credit_cost;
}

u32 journal_committed_tid(const struct journal *j)
{
	return atomic_load(&j->committed_tid);
}

void journal_set_commit_interval(struct journal *j, u32 ms)
{
	atomic_store(&j->interval, ms ? ms : DEFAULT_INTERVAL);
}

void journal_set_barrier(struct journal *j, bool barrier)
{
	atomic_store(&j->barrier, barrier);
}
