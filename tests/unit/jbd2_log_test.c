/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's single rules, and logs of any content.
 *
 * link: hostfs
 */
#include <fs/jbd2/journal.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <mm/mapping.h>
#include <coroutine.h>
#include <disk.h>
#include <host.h>
#include <hostfs.h>
#include "../../fs/jbd2/journal_internal.h"

#define BLOCK	   1024u
#define FS_BLOCKS  256u
#define BYTES	   (FS_BLOCKS * BLOCK)
#define LOG_BLOCKS 101u
#define LOG_FIRST  8u
#define META	   128u

static struct host_disk *disk;
static struct bdev *bdev;
static struct journal *journal;
static bool checksum;
static u64 fs_blocks = FS_BLOCKS;
static int aborted_with;

static int map_log(void *arg, u64 block, u64 *physical, u64 *run)
{
	*physical = LOG_FIRST + block;
	*run = LOG_BLOCKS - block;
	return 0;
}

static void note_abort(void *arg, int error)
{
	aborted_with = error;
}

static struct jbd_super *super_of(u8 *image)
{
	return (struct jbd_super *)(image + LOG_FIRST * BLOCK);
}

static u8 *log_block(u8 *image, u32 block)
{
	return image + (LOG_FIRST + block) * BLOCK;
}

static void format(void)
{
	u8 *image;
	struct jbd_super *s;

	hostfs_boot();
	if (!disk)
		disk = host_disk_create("log", BYTES);
	image = host_disk_image(disk);
	memset(image, 0x5a, BYTES);
	s = super_of(image);
	memset(s, 0, BLOCK);
	s->header.magic = cpu_to_be32(JBD_MAGIC);
	s->header.type = cpu_to_be32(JBD_SUPER_V2);
	s->block_size = cpu_to_be32(BLOCK);
	s->maxlen = cpu_to_be32(LOG_BLOCKS);
	s->first = cpu_to_be32(1);
	s->sequence = cpu_to_be32(10);
	s->nr_users = cpu_to_be32(1);
	aborted_with = 0;
}

static int device_open(bool *dirty)
{
	struct journal_params p = {
		.block_size = BLOCK,
		.blocks = LOG_BLOCKS,
		.fs_blocks = fs_blocks,
		.map = map_log,
		.name = "log",
		.aborted = note_abort,
		.barrier = true,
		.checksum = checksum,
		.wide = checksum,
		.commit_interval = 1000,
	};
	int err;

	EXPECT_EQ(bdev_open_path("/dev/log", BDEV_READ | BDEV_WRITE, NULL, &bdev), 0);
	EXPECT_EQ(bdev_set_block_size(bdev, BLOCK), 0);
	p.fs_bdev = p.bdev = bdev;
	err = journal_open(&p, &journal, dirty);
	if (err)
		journal = NULL;
	return err;
}

static void device_close(void)
{
	bdev_close(bdev, BDEV_READ | BDEV_WRITE, NULL);
	EXPECT_EQ(READ_ONCE(bdev_mapping(bdev)->nr_pages), 0);
}

static void begin(void)
{
	bool dirty;

	format();
	EXPECT_EQ(device_open(&dirty), 0);
	EXPECT(!dirty);
	EXPECT_EQ(journal_start_writing(journal), 0);
}

static void end(void)
{
	EXPECT_EQ(journal_close(journal), 0);
	device_close();
}

static struct handle *start(unsigned credits, unsigned revokes)
{
	struct handle *h = NULL;

	EXPECT_EQ(journal_start(journal, credits, revokes, &h), 0);
	return h;
}

static struct buffer *block_of(u32 i)
{
	struct buffer *b = NULL;

	EXPECT_EQ(buffer_read(bdev, META + i, &b), 0);
	return b;
}

static void set(struct handle *h, u32 i, u8 value)
{
	struct buffer *b = block_of(i);

	EXPECT_EQ(journal_get_write(h, b), 0);
	memset(b->data, value, BLOCK);
	EXPECT_EQ(journal_dirty(h, b), 0);
	buffer_put(b);
}

static bool on_disk(u32 i, u8 value)
{
	u8 *p = host_disk_image(disk) + (META + i) * BLOCK;

	for (u32 k = 0; k < BLOCK; k++)
		if (p[k] != value)
			return false;
	return true;
}

/* --- rules ------------------------------------------------------------------------------------ */

TEST(credits)
{
	struct handle *h, *other;
	struct buffer *b;

	begin();
	EXPECT_EQ(journal_start(journal, journal_max_credits(journal) + 1, 0, &h), -ENOSPC);
	h = start(1, 0);
	EXPECT_EQ(journal_credits(h), 1);
	set(h, 0, 1);
	set(h, 0, 2);
	EXPECT_EQ(journal_credits(h), 0);
	EXPECT_EQ(journal_extend(h, 2, 0), 0);
	set(h, 1, 1);
	EXPECT_EQ(journal_credits(h), 1);
	EXPECT_EQ(journal_extend(h, journal_max_credits(journal), 0), 1);
	b = block_of(9);
	EXPECT_EQ(journal_dirty(h, b), -EINVAL);
	EXPECT_EQ(journal_get_write(h, b), 0);
	buffer_put(b);
	EXPECT_EQ(journal_start(journal, 99999, 0, &other), 0);
	EXPECT(other == h && handle_current() == h);
	EXPECT_EQ(journal_stop(other), 0);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT(!handle_current());
	end();
	EXPECT(on_disk(0, 2) && on_disk(1, 1));
}

/* Nothing is in its place before the commit record, whoever writes back; afterwards write-back
 * may. */
TEST(in_place_after_commit)
{
	struct mapping *m;
	struct handle *h;

	begin();
	m = bdev_mapping(bdev);
	h = start(2, 0);
	set(h, 0, 0x11);
	EXPECT_EQ(cache_write_range(m, 0, S64_MAX, true), 0);
	EXPECT(on_disk(0, 0x5a));
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	EXPECT(on_disk(0, 0x5a));
	/* The next transaction's content does not go, and is not lost by the older one's
	 * checkpoint. */
	h = start(2, 0);
	set(h, 0, 0x22);
	EXPECT_EQ(cache_write_range(m, 0, S64_MAX, true), 0);
	EXPECT(on_disk(0, 0x5a));
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	EXPECT_EQ(cache_write_range(m, 0, S64_MAX, true), 0);
	EXPECT(on_disk(0, 0x22));
	end();
}

/* A right that was not used leaves an older transaction's block to be written. */
TEST(unused_right)
{
	struct handle *h;
	struct buffer *b;

	begin();
	h = start(1, 0);
	set(h, 0, 0x11);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	h = start(1, 0);
	b = block_of(0);
	EXPECT_EQ(journal_get_write(h, b), 0);
	EXPECT(!buffer_test(b, BUFFER_DIRTY));
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	EXPECT(buffer_test(b, BUFFER_DIRTY) && !buffer_test(b, BUFFER_JOURNALED));
	buffer_put(b);
	end();
	EXPECT(on_disk(0, 0x11));
}

TEST(forgotten)
{
	struct handle *h;
	struct buffer *b;

	begin();
	h = start(2, 2);
	set(h, 0, 0x11);
	set(h, 1, 0x11);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	h = start(1, 1);
	b = block_of(0);
	EXPECT_EQ(journal_revoke(h, META, b), 0);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	EXPECT(!buffer_test(b, BUFFER_DIRTY) && !b->journal);
	buffer_put(b);
	end();
	EXPECT(on_disk(0, 0x5a) && on_disk(1, 0x11));
}

static u32 called;

static void count_call(struct journal_callback *cb, int error)
{
	called += error ? 1000 : 1;
}

TEST(callbacks)
{
	struct journal_callback one = { .fn = count_call }, two = { .fn = count_call };
	struct handle *h;

	called = 0;
	journal_on_commit(NULL, &one);
	EXPECT_EQ(called, 1);
	begin();
	h = start(1, 0);
	journal_on_commit(h, &one);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(called, 1);
	EXPECT_EQ(journal_force(journal), 0);
	EXPECT_EQ(called, 2);
	h = start(1, 0);
	journal_on_commit(h, &two);
	journal_abort(journal, -EUCLEAN);
	EXPECT_EQ(journal_stop(h), -EUCLEAN);
	EXPECT_EQ(journal_start(journal, 1, 0, &h), -EROFS);
	EXPECT_EQ(journal_close(journal), -EUCLEAN);
	EXPECT_EQ(called, 1002);
	EXPECT_EQ(aborted_with, -EUCLEAN);
	device_close();
}

TEST(abort_is_recorded)
{
	struct handle *h;
	bool dirty;

	begin();
	h = start(1, 0);
	set(h, 0, 0x11);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	h = start(1, 0);
	set(h, 0, 0x22);
	journal_abort(journal, -EIO);
	EXPECT_EQ(journal_stop(h), -EIO);
	EXPECT_EQ(journal_flush(journal), -EIO);
	EXPECT_EQ(journal_close(journal), -EIO);
	device_close();
	EXPECT(on_disk(0, 0x5a));
	EXPECT_EQ(device_open(&dirty), 0);
	EXPECT(dirty);
	EXPECT_EQ(journal_recorded_error(journal), -EIO);
	EXPECT_EQ(journal_replay(journal), 0);
	EXPECT_EQ(journal_clear_error(journal), 0);
	EXPECT_EQ(journal_recorded_error(journal), 0);
	end();
	EXPECT(on_disk(0, 0x11));
}

/* The interval commits without being asked, and only then. */
TEST(interval)
{
	struct handle *h;
	u32 tid;

	begin();
	for (int i = 0; i < 3; i++) {
		h = start(1, 0);
		set(h, 0, (u8)i);
		tid = handle_tid(h);
		EXPECT_EQ(journal_stop(h), 0);
		hostfs_sleep(900000000);
		EXPECT(journal_committed_tid(journal) != tid);
		EXPECT(journal_will_flush(journal, tid));
		hostfs_sleep(300000000);
		EXPECT_EQ(journal_committed_tid(journal), tid);
		EXPECT(!journal_will_flush(journal, tid));
		hostfs_sleep(i * 3000000000ull);
	}
	end();
}

/* A block that looks like one of the log's: it must not end the log, nor be taken for a commit. */
TEST(escape)
{
	struct handle *h;
	struct buffer *b;
	u8 *image;
	bool dirty;

	begin();
	h = start(1, 0);
	b = block_of(0);
	EXPECT_EQ(journal_get_write(h, b), 0);
	memset(b->data, 0, BLOCK);
	put_unaligned_be32(JBD_MAGIC, b->data);
	put_unaligned_be32(JBD_COMMIT, (u8 *)b->data + 4);
	put_unaligned_be32(handle_tid(h), (u8 *)b->data + 8);
	EXPECT_EQ(journal_dirty(h, b), 0);
	buffer_put(b);
	EXPECT_EQ(journal_stop(h), 0);
	EXPECT_EQ(journal_force(journal), 0);
	image = host_alloc_uncounted(BYTES);
	memcpy(image, host_disk_image(disk), BYTES);
	EXPECT_EQ(get_unaligned_be32(log_block(image, 2)), 0);
	end();
	memcpy(host_disk_image(disk), image, BYTES);
	host_free_uncounted(image);
	EXPECT_EQ(device_open(&dirty), 0);
	EXPECT_EQ(journal_replay(journal), 0);
	end();
	EXPECT_EQ(get_unaligned_be32(host_disk_image(disk) + META * BLOCK), JBD_MAGIC);
}

TEST(features)
{
	static const struct {
		u32 incompat;
		int open, write;
	} cases[] = {
		{ JBD_INCOMPAT_REVOKE, 0, 0 },
		{ 0x40, -EINVAL, 0 },
		{ JBD_INCOMPAT_CSUM_V2 | JBD_INCOMPAT_CSUM_V3, -EUCLEAN, 0 },
		{ JBD_INCOMPAT_CSUM_V3, -EINVAL, 0 }, /* no checksum type */
		{ JBD_INCOMPAT_ASYNC_COMMIT, 0, 0 },
		{ JBD_INCOMPAT_FAST_COMMIT, -EUCLEAN, 0 }, /* no room for its 256 blocks */
	};
	bool dirty;

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		format();
		super_of(host_disk_image(disk))->incompat = cpu_to_be32(cases[i].incompat);
		EXPECT_EQ(device_open(&dirty), cases[i].open);
		if (journal) {
			EXPECT_EQ(journal_start_writing(journal), cases[i].write);
			EXPECT_EQ(journal_close(journal), 0);
			EXPECT(!(super_of(host_disk_image(disk))->incompat &
				 cpu_to_be32(JBD_INCOMPAT_ASYNC_COMMIT)));
		}
		device_close();
	}
	format();
	super_of(host_disk_image(disk))->incompat = cpu_to_be32(JBD_INCOMPAT_FAST_COMMIT);
	super_of(host_disk_image(disk))->num_fc_blocks = cpu_to_be32(20);
	EXPECT_EQ(device_open(&dirty), 0);
	EXPECT_EQ(journal_start_writing(journal), -EROFS);
	EXPECT_EQ(journal_close(journal), 0);
	device_close();
}

TEST(version_1)
{
	struct handle *h;

	format();
	super_of(host_disk_image(disk))->header.type = cpu_to_be32(JBD_SUPER_V1);
	super_of(host_disk_image(disk))->incompat = 0xffffffff;
	{
		bool dirty;

		EXPECT_EQ(device_open(&dirty), 0);
		EXPECT_EQ(journal_start_writing(journal), 0);
	}
	h = start(1, 1);
	set(h, 0, 0x11);
	EXPECT_EQ(journal_stop(h), 0);
	end();
	EXPECT(on_disk(0, 0x11));
	EXPECT_EQ(super_of(host_disk_image(disk))->header.type, cpu_to_be32(JBD_SUPER_V2));
	EXPECT_EQ(super_of(host_disk_image(disk))->incompat, cpu_to_be32(JBD_INCOMPAT_REVOKE));
}

/* Many threads that want their changes on disk share commits. */
static u32 syncing;

static void sync_main(void *arg)
{
	for (int i = 0; i < 20; i++) {
		struct handle *h = start(2, 0);

		set(h, (u32)(uintptr_t)arg, (u8)i);
		handle_set_sync(h);
		EXPECT_EQ(journal_stop(h), 0);
	}
	syncing--;
}

TEST(group_commit)
{
	u32 before;

	begin();
	before = journal_committed_tid(journal);
	syncing = 10;
	for (u32 i = 0; i < 10; i++)
		EXPECT_EQ(kthread_run(sync_main, (void *)(uintptr_t)i, "sync%u", i), 0);
	while (syncing)
		hostfs_sleep(1000000);
	EXPECT(journal_committed_tid(journal) - before <= 80);
	end();
}

/* Threads that each want the most there is wait for room and for one another, and all get it. */
static u32 filling;

static void fill_main(void *arg)
{
	u32 most = journal_max_credits(journal), first = (u32)(uintptr_t)arg * most;

	for (u8 round = 0; round < 12; round++) {
		struct handle *h = start(most, 0);

		for (u32 i = first; i < first + most; i++)
			set(h, i, round);
		EXPECT_EQ(journal_stop(h), 0);
		h = start(1, 0);
		set(h, first, round);
		EXPECT_EQ(journal_stop(h), 0);
	}
	filling--;
}

TEST(full_log)
{
	u32 blocks;

	begin();
	filling = 4;
	blocks = filling * journal_max_credits(journal);
	EXPECT(blocks <= FS_BLOCKS - META);
	for (u32 i = 0; i < 4; i++)
		EXPECT_EQ(kthread_run(fill_main, (void *)(uintptr_t)i, "fill%u", i), 0);
	while (filling)
		hostfs_sleep(1000000);
	end();
	for (u32 i = 0; i < blocks; i++)
		EXPECT(on_disk(i, 11));
}

/* --- any content ------------------------------------------------------------------------------ */

/* A log of several transactions, with revokes, that was not checkpointed. */
static u8 *dirty_image(void)
{
	u8 *image = host_alloc_uncounted(BYTES);

	begin();
	for (u8 n = 1; n < 8; n++) {
		struct handle *h = start(10, 10);

		for (u32 i = 0; i < 6; i++)
			set(h, (u32)host_random(40), n);
		for (u32 i = 0; i < 3; i++)
			EXPECT_EQ(journal_revoke(h, META + 40 + (u32)host_random(40), NULL), 0);
		EXPECT_EQ(journal_stop(h), 0);
		EXPECT_EQ(journal_force(journal), 0);
	}
	memcpy(image, host_disk_image(disk), BYTES);
	end();
	return image;
}

static u32 nasty(void)
{
	static const u32 values[] = {0,
				     1,
				     2,
				     3,
				     4,
				     5,
				     8,
				     0x7fffffff,
				     0x80000000,
				     0xffffffff,
				     JBD_MAGIC,
				     10,
				     11,
				     12,
				     LOG_BLOCKS,
				     LOG_BLOCKS - 1,
				     BLOCK,
				     FS_BLOCKS,
				     FS_BLOCKS - 1,
				     LOG_FIRST};

	return host_random(3) ? values[host_random(ARRAY_SIZE(values))]
			      : (u32)host_random(1ull << 32);
}

/* So that what is changed gets past the checksums. */
static void checksums_repair(u8 *image)
{
	struct jbd_super *s = super_of(image);
	u32 seed = crc32c(~0u, s->uuid, 16);

	s->checksum = 0;
	s->checksum = cpu_to_be32(crc32c(~0u, s, sizeof(*s)));
	for (u32 i = 1; i < LOG_BLOCKS; i++) {
		u8 *p = log_block(image, i);
		struct jbd_header *h = (struct jbd_header *)p;

		if (h->magic != cpu_to_be32(JBD_MAGIC))
			continue;
		if (h->type == cpu_to_be32(JBD_COMMIT)) {
			((struct jbd_commit *)p)->checksum[0] = 0;
			((struct jbd_commit *)p)->checksum[0] = cpu_to_be32(crc32c(seed, p, BLOCK));
		} else {
			put_unaligned_be32(0, p + BLOCK - 4);
			put_unaligned_be32(crc32c(seed, p, BLOCK), p + BLOCK - 4);
		}
	}
}

static void mutate(u8 *image)
{
	u32 changes = 1 + (u32)host_random(4);

	while (changes--) {
		u8 *block = log_block(image, host_random(4) ? (u32)host_random(70) : 0);
		u32 at = (u32)host_random(host_random(2) ? 100 : BLOCK);

		switch (host_random(4)) {
		case 0: block[at] ^= (u8)(1u << host_random(8)); break;
		case 1: block[at] = (u8)host_random(256); break;
		case 2: memcpy(block, log_block(image, (u32)host_random(70)), BLOCK); break;
		default: put_unaligned_be32(nasty(), block + (at & ~3u & (BLOCK - 4))); break;
		}
	}
	if (host_random(4))
		checksums_repair(image);
}

static void mutants(u32 rounds)
{
	u8 *image, *mutant = host_alloc_uncounted(BYTES);

	fs_blocks = FS_BLOCKS - 32;
	image = dirty_image();
	for (u32 i = 0; i < rounds; i++) {
		bool dirty = false;
		u8 *now = host_disk_image(disk);

		memcpy(mutant, image, BYTES);
		mutate(mutant);
		memcpy(now, mutant, BYTES);
		if (!device_open(&dirty)) {
			int err = journal_replay(journal);

			EXPECT(err == 0 || err == -EUCLEAN || err == -EINVAL);
			EXPECT(!memcmp(now + fs_blocks * BLOCK, mutant + fs_blocks * BLOCK,
				       32 * BLOCK));
			if (!err && !journal_start_writing(journal)) {
				struct handle *h = start(1, 0);

				set(h, 0, 1);
				EXPECT_EQ(journal_stop(h), 0);
			}
			EXPECT_EQ(journal_close(journal), 0);
		}
		device_close();
	}
	fs_blocks = FS_BLOCKS;
	host_free_uncounted(image);
	host_free_uncounted(mutant);
}

TEST(mutants_plain)
{
	checksum = false;
	mutants(800);
}

TEST(mutants_checksum)
{
	checksum = true;
	mutants(800);
	checksum = false;
}

/* Reads of the log and of the file system fail. */
TEST(replay_errors)
{
	u8 *image = dirty_image();

	for (u32 i = 0; i < 50; i++) {
		bool dirty;

		memcpy(host_disk_image(disk), image, BYTES);
		host_disk_fail(disk, 10, 30, 3);
		if (!device_open(&dirty)) {
			int err = journal_replay(journal);

			EXPECT(!err || err == -EIO);
			EXPECT_EQ(journal_close(journal), 0);
		}
		host_disk_fail(disk, 0, 0, 0);
		device_close();
		EXPECT_EQ(device_open(&dirty), 0);
		EXPECT_EQ(journal_replay(journal), 0);
		EXPECT_EQ(journal_close(journal), 0);
		device_close();
	}
	host_free_uncounted(image);
}
