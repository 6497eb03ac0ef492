/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks of the log: where they are, reading them, and writing a transaction.
 *
 * The log bypasses the page cache: what is written is a copy made for the purpose, and is read
 * again only after a crash.
 *
 * Memory.  A copy is a block from kmalloc, freed by the end of its transfer.  When there is none,
 * the blocks of a small reserve serve, which return to it when written: a commit, on which freeing
 * of memory may depend, always goes on.  A block of the reserve never joins a bio that is held
 * back for its descriptor, so that waiting for it is waiting for a transfer under way.
 */
#define LOG_PREFIX "jbd2: "
#include <fs/block/block.h>
#include <kernel/debug/log.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <mm/page.h>
#include "journal_internal.h"

#define BIOS_IN_FLIGHT 16u

/* --- where ------------------------------------------------------------------------------------ */

static int extent_add(struct journal *j, u32 *room, u32 block, u64 physical, u32 len)
{
	struct log_extent *last = j->nr_extents ? &j->extents[j->nr_extents - 1] : NULL;

	if (last && last->physical + last->len == physical) {
		last->len += len;
		return 0;
	}
	if (j->nr_extents == *room) {
		size_t more = *room ? *room * 2 : 4;
		struct log_extent *p = krealloc(j->extents, more * sizeof(*p), GFP_NOFS);

		if (!p)
			return -ENOMEM;
		j->extents = p;
		*room = more;
	}
	j->extents[j->nr_extents++] = (struct log_extent){block, len, physical};
	return 0;
}

int log_map_all(struct journal *j, const struct journal_params *params)
{
	u64 device = bdev_bytes(j->bdev) >> j->block_shift;
	u64 limit = j->bdev == j->fs_bdev ? min(device, j->fs_blocks) : device;
	u32 room = 0;

	for (u64 block = 0; block < params->blocks;) {
		u64 physical, run = 0;
		int err = params->map(params->arg, block, &physical, &run);

		if (err)
			return err;
		run = min(run, params->blocks - block);
		if (!run || physical >= limit || run > limit - physical)
			return -EUCLEAN;
		err = extent_add(j, &room, block, physical, run);
		if (err)
			return err;
		block += run;
	}
	return 0;
}

u64 log_physical(const struct journal *j, u32 block, u32 *run)
{
	u32 low = 0, high = j->nr_extents;

	while (high - low > 1) {
		u32 mid = (low + high) / 2;

		if (j->extents[mid].block <= block)
			low = mid;
		else
			high = mid;
	}

	const struct log_extent *x = &j->extents[low];

	if (run)
		*run = x->len - (block - x->block);
	return x->physical + (block - x->block);
}

static sector_t log_sector(const struct journal *j, u64 physical)
{
	return physical << (j->block_shift - SECTOR_SHIFT);
}

/* --- one piece at a time ---------------------------------------------------------------------- */

int log_read_blocks(struct journal *j, u32 block, u32 nr, void *buf)
{
	u64 physical = log_physical(j, block, NULL);

	return bdev_rw(j->bdev, BIO_READ, log_sector(j, physical), buf,
		       (size_t)nr << j->block_shift);
}

static bool bio_add_block(struct bio *bio, const struct journal *j, void *mem)
{
	return bio_add_page(bio, virt_to_page(mem), (uintptr_t)mem & (PAGE_SIZE - 1),
			    j->block_size);
}

int log_write_sync(struct journal *j, u32 block, void *buf, unsigned flags)
{
	struct bio *bio = bio_alloc(j->bdev, 1, BIO_WRITE, flags | BIO_SYNC | BIO_META, GFP_NOFS);
	int err;

	bio->sector = log_sector(j, log_physical(j, block, NULL));
	if (bio_add_block(bio, j, buf))
		err = bio_submit_wait(bio);
	else
		err = -EIO;
	bio_put(bio);
	return err;
}

/* Of a block with a tail, whose last word counts as zero. */
u32 block_checksum(const struct journal *j, const void *block)
{
	static const u32 none;
	size_t body = j->block_size - JBD_TAIL_SIZE;

	return crc32c(crc32c(j->seed, block, body), &none, sizeof(none));
}

u32 data_checksum(const struct journal *j, u32 tid, const void *data)
{
	u32 sequence = cpu_to_be32(tid);

	return crc32c(crc32c(j->seed, &sequence, sizeof(sequence)), data, j->block_size);
}

/* --- memory ----------------------------------------------------------------------------------- */

static bool mem_reserved(const struct journal *j, const void *mem)
{
	const char *base = j->reserve_base;

	return (const char *)mem >= base &&
	       (const char *)mem < base + ((size_t)LOG_RESERVE << j->block_shift);
}

void log_mem_free(struct journal *j, void *mem)
{
	if (mem_reserved(j, mem))
		llist_push(&j->reserve, mem);
	else
		kfree(mem);
}

static void bio_close(struct log_writer *w);

static void *reserve_take(struct log_writer *w)
{
	struct journal *j = w->j;
	struct llist_node *n;

	if (!j->spare) {
		if (w->bio != w->held)
			bio_close(w);
		wait_event(&j->wait_log, !llist_empty(&j->reserve));
		j->spare = llist_take_all(&j->reserve);
	}
	n = j->spare;
	j->spare = n->next;
	return n;
}

void *log_mem(struct log_writer *w)
{
	void *mem = kmalloc(w->j->block_size, GFP_NOFS | __GFP_NOWARN | __GFP_NORETRY);

	return mem ? mem : reserve_take(w);
}

/* --- a transaction ---------------------------------------------------------------------------- */

void log_writer_init(struct log_writer *w, struct journal *j, u32 block, u32 expected)
{
	*w = (struct log_writer){.j = j, .block = block, .expected = max(expected, 1u)};
	atomic_store(&j->log_error, 0);
}

/* Adjacent blocks of memory may have been joined. */
static void bio_free_blocks(struct journal *j, struct bio *bio)
{
	for (unsigned i = 0; i < bio->nr_vecs; i++) {
		char *p = (char *)page_address(bio->vecs[i].page) + bio->vecs[i].offset;

		for (u32 at = 0; at < bio->vecs[i].len; at += j->block_size)
			log_mem_free(j, p + at);
	}
}

static void bio_written(struct bio *bio)
{
	struct journal *j = bio->private;

	if (bio->error)
		atomic_store(&j->log_error, bio->error);
	bio_free_blocks(j, bio);
	bio_put(bio);
	/* Once the lock is free again this function is done with the journal. */
	with_spin_irq(&j->wait_log.lock)
	{
		atomic_fetch_sub(&j->pending, 1);
		(void)wake_up_locked(&j->wait_log, THREAD_UNINTERRUPTIBLE, 0, 0);
	}
}

static void bio_send(struct log_writer *w, struct bio *bio)
{
	struct journal *j = w->j;

	if (atomic_load(&j->pending) >= BIOS_IN_FLIGHT)
		wait_event(&j->wait_log, atomic_load(&j->pending) < BIOS_IN_FLIGHT);
	atomic_inc(&j->pending);
	bio_submit(bio);
}

/* Nothing joins this bio any more. */
static void bio_close(struct log_writer *w)
{
	struct bio *bio = w->bio;

	w->bio = NULL;
	if (bio && bio != w->held)
		bio_send(w, bio);
}

static void bio_begin(struct log_writer *w, u64 physical)
{
	struct bio *bio = bio_alloc(w->j->bdev, min(w->expected, BIO_MAX_VECS), BIO_WRITE,
				    BIO_SYNC | BIO_META, GFP_NOFS);

	bio->sector = log_sector(w->j, physical);
	bio->private = w->j;
	bio->end = bio_written;
	w->bio = bio;
}

static bool bio_takes(struct log_writer *w, u64 physical, void *mem)
{
	return w->bio && physical == w->next && !(w->bio == w->held && mem_reserved(w->j, mem)) &&
	       bio_add_block(w->bio, w->j, mem);
}

void log_put(struct log_writer *w, void *mem)
{
	struct journal *j = w->j;
	u64 physical = log_physical(j, w->block, NULL);

	if (!bio_takes(w, physical, mem)) {
		bio_close(w);
		bio_begin(w, physical);
		/* A bio takes one block at least. */
		if (!bio_add_block(w->bio, j, mem)) {
			atomic_store(&j->log_error, -EIO);
			log_mem_free(j, mem);
		}
	}
	w->next = physical + 1;
	w->block = log_next(j, w->block);
	w->expected -= w->expected > 1;
}

void log_hold(struct log_writer *w, void *mem)
{
	log_put(w, mem);
	w->held = w->bio;
}

void log_release(struct log_writer *w)
{
	struct bio *held = w->held;

	w->held = NULL;
	if (held && held != w->bio)
		bio_send(w, held);
}

int log_finish(struct log_writer *w)
{
	struct journal *j = w->j;

	log_release(w);
	bio_close(w);
	wait_event(&j->wait_log, !atomic_load(&j->pending));
	spin_lock_irq(&j->wait_log.lock);
	spin_unlock_irq(&j->wait_log.lock);
	return atomic_load(&j->log_error);
}
