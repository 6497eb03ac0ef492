/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal against a model, across power cuts.
 *
 * Threads change blocks in transactions at random; each block's history notes what it held after
 * which transaction. The disk records its writes.  For cuts anywhere in the record, with unflushed
 * writes dropped or torn, recovery must find the state after some transaction: all blocks as their
 * histories have it then, and no transaction missing that was reported durable before the cut.
 *
 * Blocks are metadata, free, or data: freed metadata may become data once that is on disk.  Data is
 * written to its place before the transaction that makes the block data ends, and never through the
 * journal: an old copy in the log that comes back shows, and so does a record that is on the disk
 * without the data.
 *
 * link: hostfs
 */
#include <fs/jbd2/journal.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <kernel/sched/kthread.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/completion.h>
#include <mm/mapping.h>
#include <coroutine.h>
#include <disk.h>
#include <host.h>
#include <hostfs.h>
#include "../../fs/jbd2/journal_internal.h"

#define BLOCK	   1024u
#define FS_BLOCKS  256u
#define BYTES	   (FS_BLOCKS * BLOCK)
#define LOG_BLOCKS 81u
#define LOG_FIRST  16u /* in two stretches, with a gap of eight after half of it */
#define META_FIRST 128u
#define META	   48u
#define THREADS	   4
#define HISTORY	   512u

enum use { META_USE, FREE_USE, DATA_USE };

struct moment {
	u32 tid; /* the transaction that made it so */
	u32 version;
	enum use use;
};

struct model_block {
	struct mutex lock;
	struct moment history[HISTORY]; /* [lock] */
	u32 n;
	u32 versions;
};

static struct model_block model[META];
static struct host_disk *disk, *copy;
static struct bdev *bdev;
static struct journal *journal;

static struct {
	u32 at, tid;
} durable[4096];
static u32 nr_durable;

struct config {
	bool checksum, wide, barrier;
	u32 sequence;
};

/* --- the disk --------------------------------------------------------------------------------- */

static int map_log(void *arg, u64 block, u64 *physical, u64 *run)
{
	bool late = block >= LOG_BLOCKS / 2;

	*physical = LOG_FIRST + block + (late ? 8 : 0);
	*run = late ? LOG_BLOCKS - block : LOG_BLOCKS / 2 - block;
	return 0;
}

static u64 log_place(u32 block)
{
	u64 physical, run;

	map_log(NULL, block, &physical, &run);
	return physical;
}

static void pattern(u8 *out, u32 block, u32 version)
{
	struct prng p;

	prng_seed(&p, (u64)block << 32 | version);
	for (u32 i = 0; i < BLOCK; i += 8) {
		u64 word = prng_below(&p, ~0ull);

		memcpy(out + i, &word, 8);
	}
	if (version % 4 == 1)
		put_unaligned_be32(JBD_MAGIC, out);
}

static void format(u8 *media, const struct config *c)
{
	struct jbd_super *s = (struct jbd_super *)(media + log_place(0) * BLOCK);

	for (u32 i = 0; i < BYTES; i++)
		media[i] = (u8)host_random(256);
	memset(s, 0, BLOCK);
	s->header.magic = cpu_to_be32(JBD_MAGIC);
	s->header.type = cpu_to_be32(JBD_SUPER_V2);
	s->block_size = cpu_to_be32(BLOCK);
	s->maxlen = cpu_to_be32(LOG_BLOCKS);
	s->first = cpu_to_be32(1);
	s->sequence = cpu_to_be32(c->sequence);
	s->nr_users = cpu_to_be32(1);
	for (u32 i = 0; i < 16; i++)
		s->uuid[i] = (u8)host_random(256);
}

static int aborted_with;

static void note_abort(void *arg, int error)
{
	aborted_with = error;
}

static int open_on(struct bdev *b, const struct config *c, struct journal **out, bool *dirty)
{
	struct journal_params p = {
		.fs_bdev = b,
		.bdev = b,
		.block_size = BLOCK,
		.blocks = LOG_BLOCKS,
		.fs_blocks = FS_BLOCKS,
		.map = map_log,
		.name = "test",
		.aborted = note_abort,
		.barrier = true,
		.checksum = c->checksum,
		.wide = c->wide,
		.commit_interval = 50,
	};

	EXPECT_EQ(bdev_set_block_size(b, BLOCK), 0);
	return journal_open(&p, out, dirty);
}

static struct bdev *device_open(struct host_disk *d)
{
	struct bdev *b = NULL;
	char path[40];

	(void)snprintf(path, sizeof(path), "/dev/%s", d == disk ? "rec" : "copy");
	EXPECT_EQ(bdev_open_path(path, BDEV_READ | BDEV_WRITE, NULL, &b), 0);
	return b;
}

static void device_close(struct bdev *b)
{
	struct mapping *m = bdev_mapping(b);

	bdev_close(b, BDEV_READ | BDEV_WRITE, NULL);
	EXPECT_EQ(READ_ONCE(m->nr_pages), 0);
}

static void disks_create(void)
{
	hostfs_boot();
	if (disk)
		return;
	disk = host_disk_create("rec", BYTES);
	copy = host_disk_create("copy", BYTES);
	EXPECT_EQ(entry_caches_create(), 0);
}

/* --- the model -------------------------------------------------------------------------------- */

static const struct moment *now_of(const struct model_block *m)
{
	return &m->history[m->n - 1];
}

static void note(struct model_block *m, u32 tid, enum use use, u32 version)
{
	struct moment *last = m->n ? &m->history[m->n - 1] : NULL;

	if (last && last->tid == tid) {
		*last = (struct moment){ tid, version, use };
		return;
	}
	if (m->n == HISTORY) {
		memmove(m->history, m->history + 1, sizeof(m->history[0]) * (HISTORY - 1));
		m->n--;
	}
	m->history[m->n++] = (struct moment){ tid, version, use };
}

static void model_reset(u8 *media, u32 tid)
{
	for (u32 i = 0; i < META; i++) {
		struct model_block *m = &model[i];

		memset(m, 0, sizeof(*m));
		mutex_init(&m->lock, RANK_NONE, "model");
		note(m, tid, META_USE, m->versions);
		pattern(media + (META_FIRST + i) * BLOCK, i, m->versions);
	}
	nr_durable = 0;
	aborted_with = 0;
}

static const struct moment *moment_at(const struct model_block *m, u32 tid)
{
	u32 i = m->n;

	while (i && tid_before(tid, m->history[i - 1].tid))
		i--;
	return i ? &m->history[i - 1] : NULL;
}

static void note_durable(u32 tid)
{
	if (nr_durable == ARRAY_SIZE(durable))
		return;
	durable[nr_durable].at = host_disk_events(disk);
	durable[nr_durable++].tid = tid;
}

/* --- operations ------------------------------------------------------------------------------- */

static bool tolerant; /* of errors: some are injected */

static bool fine_at(int err, int line)
{
	if (err && !tolerant)
		host_test_fail(__FILE__, line, "error %d", err);
	return !err;
}

#define FINE(call) fine_at(call, __LINE__)

static void block_change(struct handle *h, u32 i, struct buffer *b)
{
	struct model_block *m = &model[i];

	if (!FINE(journal_get_write(h, b)) || !host_random(8))
		return;
	pattern(b->data, i, ++m->versions);
	if (!host_random(3))
		cond_resched();
	if (FINE(journal_dirty(h, b)))
		note(m, handle_tid(h), META_USE, m->versions);
}

static void block_free(struct handle *h, u32 i, struct buffer *b)
{
	if (FINE(journal_revoke(h, META_FIRST + i, host_random(2) ? b : NULL)))
		note(&model[i], handle_tid(h), FREE_USE, 0);
}

static void block_make_meta(struct handle *h, u32 i)
{
	struct model_block *m = &model[i];
	struct buffer *b;

	if (!FINE(buffer_get_zeroed(bdev, META_FIRST + i, &b)))
		return;
	if (FINE(journal_get_create(h, b))) {
		pattern(b->data, i, ++m->versions);
		if (FINE(journal_dirty(h, b)))
			note(m, handle_tid(h), META_USE, m->versions);
	}
	buffer_put(b);
}

static void block_make_data(struct handle *h, u32 i)
{
	static u8 buf[META][BLOCK] __aligned(BLOCK);
	struct model_block *m = &model[i];

	if (tid_before(journal_committed_tid(journal), now_of(m)->tid))
		return;
	pattern(buf[i], i, ++m->versions);
	/* Should it fail, the block stays free, and anything may be there. */
	if (FINE(bdev_rw(bdev, BIO_WRITE, (META_FIRST + i) * (BLOCK / 512), buf[i], BLOCK)))
		note(m, handle_tid(h), DATA_USE, m->versions);
}

static void block_touch(struct handle *h, u32 i)
{
	struct model_block *m = &model[i];
	struct buffer *b;

	switch (now_of(m)->use) {
	case META_USE:
		if (!FINE(buffer_read(bdev, META_FIRST + i, &b)))
			return;
		if (host_random(6))
			block_change(h, i, b);
		else
			block_free(h, i, b);
		buffer_put(b);
		break;
	case FREE_USE:
		if (host_random(2))
			block_make_meta(h, i);
		else
			block_make_data(h, i);
		break;
	case DATA_USE:
		if (!host_random(3))
			note(m, handle_tid(h), FREE_USE, 0);
		break;
	}
}

#define MOST 5u

static bool blocks_touch(struct handle *h, u32 first, u32 n)
{
	for (u32 i = first; i < first + n; i++) {
		int left = (int)(first + n - i);

		mutex_lock(&model[i].lock);
		block_touch(h, i);
		mutex_unlock(&model[i].lock);
		if (!host_random(10) && (!FINE(min(journal_extend(h, 0, 0), 0)) ||
					 !FINE(journal_restart(h, left, left))))
			return false;
	}
	return true;
}

static void operation(void)
{
	u32 n = 1 + (u32)host_random(MOST), first = (u32)host_random(META - MOST), tid;
	bool sync = !host_random(5), direct = host_random(2);
	struct handle *h, *inner;

	if (!FINE(journal_start(journal, n, n, &h)))
		return;
	EXPECT_EQ(journal_start(journal, 1, 0, &inner), 0);
	EXPECT(inner == h);
	sync &= blocks_touch(h, first, n);
	(void)FINE(journal_stop(inner));
	tid = handle_tid(h);
	if (sync && direct)
		handle_set_sync(h);
	sync &= FINE(journal_stop(h));
	if (sync && !direct)
		sync = FINE(journal_commit_tid(journal, tid));
	if (sync)
		note_durable(tid);
}

struct worker {
	u32 operations;
	struct completion done;
};

static void worker_main(void *arg)
{
	struct worker *w = arg;

	for (u32 i = 0; i < w->operations; i++) {
		operation();
		if (!host_random(20))
			(void)FINE(
				cache_write_range(bdev_mapping(bdev), 0, S64_MAX, host_random(2)));
		if (!host_random(10))
			sleep_ns(host_random(30000000));
	}
	completion_done(&w->done);
}

static void work(u32 operations)
{
	static struct worker workers[THREADS];

	for (int i = 0; i < THREADS; i++) {
		workers[i].operations = operations;
		completion_init(&workers[i].done);
		if (!FINE(kthread_run(worker_main, &workers[i], "worker%d", i)))
			completion_done(&workers[i].done);
	}
	for (int i = 0; i < THREADS; i++)
		completion_wait(&workers[i].done);
}

/* --- cuts ------------------------------------------------------------------------------------- */

enum cut_style {
	CUT_ALL,    /* all that ended, nothing else */
	CUT_NONE,   /* what must be there, nothing else */
	CUT_RANDOM, /* any whole writes besides */
	CUT_TORN,   /* any sectors of them */
	NR_CUTS,
};

#define NEVER (~0u)

/* Cuts of one recording, in order. */
struct cutter {
	struct host_disk *d;
	u8 *stable; /* what is on the disk at every later cut too */
	u32 *ends;  /* of each event: when what it began ended */
	u32 *order; /* writes (their first events) by their ends */
	u32 nr, folded;
};

static const u32 *sort_ends;

static int by_end(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	if (sort_ends[x] != sort_ends[y])
		return sort_ends[x] < sort_ends[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void cutter_init(struct cutter *c, struct host_disk *d, const u8 *base)
{
	u32 n = host_disk_events(d);

	*c = (struct cutter){ .d = d };
	c->stable = host_alloc_uncounted(BYTES);
	memcpy(c->stable, base, BYTES);
	c->ends = host_alloc_uncounted((n + 1) * sizeof(u32));
	c->order = host_alloc_uncounted((n + 1) * sizeof(u32));
	memset(c->ends, 0xff, n * sizeof(u32));
	for (u32 i = 0; i < n; i++) {
		const struct host_event *e = host_disk_event(d, i);

		if (e->kind == HOST_WRITE_BEGUN)
			c->order[c->nr++] = i;
		else if (e->kind != HOST_FLUSH_BEGUN)
			c->ends[e->begun] = i;
	}
	sort_ends = c->ends;
	sort(c->order, c->nr, sizeof(u32), by_end);
}

static void cutter_fini(struct cutter *c)
{
	host_free_uncounted(c->stable);
	host_free_uncounted(c->ends);
	host_free_uncounted(c->order);
}

/* What ended before this event is on the disk. */
static u32 flushed_before(const struct cutter *c, u32 at)
{
	u32 best = 0;

	for (u32 i = 0; i < at; i++)
		if (host_disk_event(c->d, i)->kind == HOST_FLUSH_BEGUN && c->ends[i] < at)
			best = i;
	return best;
}

static void write_apply(const struct host_event *e, u8 *out, bool torn)
{
	u32 chance = torn ? (u32)host_random(4) : 3;

	for (u32 i = 0; i < e->sectors; i++)
		if (host_random(4) <= chance)
			memcpy(out + (e->sector + i) * 512, e->data + i * 512, 512);
}

static bool failed(const struct cutter *c, u32 begun)
{
	u32 end = c->ends[begun];

	return end != NEVER && host_disk_event(c->d, end)->kind == HOST_WRITE_FAILED;
}

/* The disk after a cut at moment `at`, not before that of the last call. */
static void cut(struct cutter *c, u32 at, enum cut_style style, u8 *out)
{
	u32 flushed = flushed_before(c, at), chance = (u32)host_random(5);

	for (; c->folded < c->nr && c->ends[c->order[c->folded]] < flushed; c->folded++) {
		u32 begun = c->order[c->folded];

		write_apply(host_disk_event(c->d, begun), c->stable, failed(c, begun));
	}
	memcpy(out, c->stable, BYTES);
	for (u32 i = c->folded; i < c->nr; i++) {
		u32 begun = c->order[i];
		const struct host_event *e = host_disk_event(c->d, begun);
		bool ended = c->ends[begun] < at && !failed(c, begun);

		if (begun >= at)
			continue;
		if ((ended && (e->fua || style == CUT_ALL)) ||
		    (style == CUT_RANDOM && host_random(4) < chance))
			write_apply(e, out, false);
		else if (style == CUT_TORN)
			write_apply(e, out, true);
	}
}

/* --- after a cut ------------------------------------------------------------------------------ */

static bool state_matches(const u8 *media, u32 tid, u32 *bad)
{
	static u8 want[BLOCK];

	for (u32 i = 0; i < META; i++) {
		const struct moment *m = moment_at(&model[i], tid);

		if (!m || m->use == FREE_USE)
			continue;
		pattern(want, i, m->version);
		*bad = i;
		if (memcmp(media + (META_FIRST + i) * BLOCK, want, BLOCK))
			return false;
	}
	return true;
}

/* Recover `copy`.  Returns the last transaction that is there. */
static u32 recover(const struct config *c)
{
	struct bdev *b = device_open(copy);
	struct journal *j;
	bool dirty;
	u32 tid = 0;

	EXPECT_EQ(open_on(b, c, &j, &dirty), 0);
	EXPECT_EQ(journal_replay(j), 0);
	tid = journal_committed_tid(j) - dirty;
	EXPECT_EQ(journal_close(j), 0);
	device_close(b);
	return tid;
}

static void explain(u32 bad)
{
	const struct model_block *m = &model[bad];
	static u8 want[BLOCK];

	for (u32 v = 0; v <= m->versions; v++) {
		pattern(want, bad, v);
		if (!memcmp(want, host_disk_image(copy) + (META_FIRST + bad) * BLOCK, BLOCK))
			host_print("# it is version %u\n", v);
	}
	for (u32 i = 0; i < m->n; i++)
		host_print("# after %u: %s version %u\n", m->history[i].tid,
			   (const char *[]){"metadata", "free", "data"}[m->history[i].use],
			   m->history[i].version);
}

static void check_state(u32 at, u32 tid)
{
	u32 bad;

	if (state_matches(host_disk_image(copy), tid, &bad))
		return;
	host_test_fail(__FILE__, __LINE__, "cut at %u: block %u is not as after %u", at, bad, tid);
	explain(bad);
}

static u32 check_cut(const struct config *c, u32 at, const u8 *image)
{
	u32 required = c->sequence - 1, tid;

	memcpy(host_disk_image(copy), image, BYTES);
	tid = recover(c);
	for (u32 i = 0; i < nr_durable; i++)
		if (durable[i].at <= at && tid_before(required, durable[i].tid))
			required = durable[i].tid;
	if (tid_before(tid, required))
		host_test_fail(__FILE__, __LINE__, "cut at %u: recovered to %u, %u was durable", at,
			       tid, required);
	check_state(at, tid);
	return tid;
}

/* Power fails during recovery as well: the second finds what the first did. */
static void check_cut_twice(const struct config *c, u32 at, const u8 *image)
{
	struct cutter again;
	u32 tid;

	memcpy(host_disk_image(copy), image, BYTES);
	host_disk_record(copy);
	tid = check_cut(c, at, image);
	cutter_init(&again, copy, image);
	cut(&again, (u32)host_random(host_disk_events(copy) + 1), CUT_TORN, host_disk_image(copy));
	cutter_fini(&again);
	host_disk_stop(copy);
	(void)recover(c);
	check_state(at, tid);
}

static void check_cuts(const struct config *c, const u8 *base, u32 cuts)
{
	u8 *image = host_alloc_uncounted(BYTES);
	u32 end = host_disk_events(disk), step = max(end / cuts, 1u);
	struct cutter cutter;

	cutter_init(&cutter, disk, base);
	for (u32 at = 0; at <= end; at += 1 + (u32)host_random(2 * step - 1)) {
		cut(&cutter, at, (enum cut_style)host_random(NR_CUTS), image);
		if (host_random(8))
			check_cut(c, at, image);
		else
			check_cut_twice(c, at, image);
	}
	cut(&cutter, end, CUT_NONE, image);
	check_cut(c, end, image);
	cutter_fini(&cutter);
	host_free_uncounted(image);
}

/* What goes wrong while the threads work. */
enum trouble { NO_TROUBLE, NO_MEMORY, WRITES_FAIL, DEVICE_DIES };

static void trouble_begin(enum trouble t)
{
	tolerant = t != NO_TROUBLE;
	if (t == NO_MEMORY)
		hostfs_fail_every(20);
	else if (t == WRITES_FAIL)
		host_disk_fail(disk, 0, 100, 0);
	else if (t == DEVICE_DIES)
		host_disk_die_after(disk, host_random(300));
}

static void trouble_end(void)
{
	hostfs_fail_every(0);
	host_disk_fail(disk, 0, 0, 0);
	host_disk_die_after(disk, ~0ull);
}

static void run(const struct config *c, enum trouble trouble, u32 operations, u32 cuts)
{
	struct hostfs_usage before;
	bool dirty;
	u8 *base;
	int err;

	disks_create();
	before = hostfs_usage_settled();
	format(host_disk_image(disk), c);
	model_reset(host_disk_image(disk), c->sequence - 1);
	base = host_alloc_uncounted(BYTES);
	memcpy(base, host_disk_image(disk), BYTES);
	host_disk_record(disk);
	bdev = device_open(disk);
	REQUIRE(!open_on(bdev, c, &journal, &dirty));
	EXPECT(!dirty);
	REQUIRE(!journal_start_writing(journal));
	trouble_begin(trouble);
	work(operations);
	(void)FINE(host_random(2) ? journal_force(journal) : 0);
	err = journal_error(journal);
	(void)FINE(journal_close(journal));
	trouble_end();
	device_close(bdev);
	host_disk_stop(disk);
	EXPECT_EQ(host_disk_counts(disk).unstable, 0);
	if (trouble == NO_TROUBLE || trouble == NO_MEMORY)
		EXPECT_EQ(err, 0);
	check_cuts(c, base, cuts);
	host_free_uncounted(base);
	hostfs_expect_usage(before);
}

TEST(power_cuts_plain)
{
	run(&(struct config){ .sequence = 1 }, NO_TROUBLE, 60, 60);
}

TEST(power_cuts_checksum)
{
	run(&(struct config){ .checksum = true, .wide = true, .sequence = 7 }, NO_TROUBLE, 60, 60);
}

TEST(power_cuts_tid_wrap)
{
	run(&(struct config){ .checksum = true, .sequence = 0xfffffff8 }, NO_TROUBLE, 60, 60);
}

TEST(no_memory)
{
	run(&(struct config){ .checksum = true, .sequence = 100 }, NO_MEMORY, 60, 40);
}

TEST(writes_fail)
{
	for (int i = 0; i < 5; i++)
		run(&(struct config){ .checksum = true, .sequence = 100 }, WRITES_FAIL, 40, 15);
}

TEST(device_dies)
{
	for (int i = 0; i < 5; i++)
		run(&(struct config){ .checksum = true, .sequence = 100 }, DEVICE_DIES, 40, 15);
}
