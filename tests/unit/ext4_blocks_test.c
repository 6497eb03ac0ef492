/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The block allocator against a list of what each block is: taken, given back, used, freed at
 * random, with goals, allocations failing now and then.  After each step the bitmaps in memory and
 * of the disk, the descriptors and the counters must say what the list says (fs/ext4/ext4_space.h
 * has the states); at the end e2fsck looks.
 *
 * STEPS= steps of each round (default 1200).
 *
 * link: hostfs
 */
#include <fs/ext4/ext4_map.h>
#include <fs/ext4/ext4_space.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <suite.h>

#define MAX_BLOCKS 24576u

enum state { FREE, TAKEN, USED, FREED, FIXED };

static u8 state[MAX_BLOCKS];
static u32 blocks, count[FIXED + 1];
static struct host_disk *disk;
static struct fdref file;
static struct inode *inode;
static struct ext4_super *es;
static struct handle *h;
static int fd;
static bool failing;

static void set(u64 start, u32 n, enum state from, enum state to)
{
	for (u64 b = start; b < start + n; b++) {
		if (b >= blocks || state[b] != from) {
			host_test_fail(__FILE__, __LINE__, "block %llu is in state %u, not %u", b,
				       b < blocks ? state[b] : 9, from);
			return;
		}
		state[b] = (u8)to;
		count[from]--;
		count[to]++;
	}
}

/* How many from `start` on are in the state, in one group, at most `max`. */
static u32 run(u64 start, enum state s, u32 max)
{
	u32 bit, group, n = 0;

	if (start <= es->first_data_block || start >= blocks)
		return 0;
	group = ext4_block_group(es, start, &bit);
	while (n < max && bit + n < es->group[group].blocks && state[start + n] == s)
		n++;
	return n;
}

static u32 longest_run(enum state s)
{
	u32 longest = 0, n;

	for (u64 b = es->first_data_block + 1; b < blocks; b += n ?: 1) {
		n = run(b, s, MAX_BLOCKS);
		longest = max(longest, n);
	}
	return longest;
}

/* A run of blocks in a state, at a random place; false: there is none. */
static bool some_run(enum state s, u64 *start, u32 *n)
{
	u64 b = host_random(blocks);

	for (u32 i = 0; i < blocks; i++, b = b + 1 < blocks ? b + 1 : 0) {
		*n = run(b, s, 1 + (u32)host_random(100));
		*start = b;
		if (*n)
			return true;
	}
	return false;
}

/* --- checks ------------------------------------------------------------------------------------
 */

static bool check_group(u32 group)
{
	const struct ext4_group *g = &es->group[group];
	const struct ext4_disk_group *d = ext4_desc(es, group);
	u64 first = ext4_group_first(es, group);
	bool made = d->flags & EXT4_BG_BLOCK_UNINIT; /* the bitmap: the disk has none yet */
	u32 avail = 0, free = 0, longest = 0, length = 0, crc;
	struct buffer *b;
	bool same = true;

	if (!g->taken) /* not needed yet: more must not seem lost than is */
		return g->avail && g->longest >= min(g->avail, 1u) && !g->flags;
	if (ext4_block_bitmap_read(es, group, &b))
		return false;
	for (u32 i = 0; i < g->blocks; i++) {
		u8 s = state[first + i];

		same &= bitmap_test(g->taken, i) == (s != FREE);
		same &= bitmap_test(b->data, i) == (s == USED || s == FIXED);
		avail += s == FREE;
		free += s == FREE || s == TAKEN || s == FREED;
		length = s == FREE ? length + 1 : 0;
		longest = max(longest, length);
		same &= s != FREE || i >= g->cursor;
	}
	crc = crc32c(es->csum_seed, b->data, es->blocks_per_group / 8);
	buffer_put(b);
	return same && g->avail == avail && g->longest >= longest && !g->flags &&
	       ext4_desc_free_blocks(es, d) == free &&
	       (!es->csum ||
		(g->block_csum == crc && (made || ext4_desc_block_bitmap_csum(es, d) == crc)));
}

static bool check(void)
{
	u32 freeing = (u32)atomic_load(&es->freeing);

	/* A commit came by itself. */
	if (freeing < count[FREED]) {
		EXPECT_EQ(hf_sync(), 0);
		work_flush(&es->discard_work);
		for (u64 b = 0; b < blocks; b++)
			if (state[b] == FREED)
				set(b, 1, FREED, FREE);
		freeing = (u32)atomic_load(&es->freeing);
	}
	for (u32 group = 0; group < es->groups; group++)
		if (!check_group(group))
			return false;
	return freeing == count[FREED] && (u32)atomic_load(&es->promised) == count[TAKEN] &&
	       (u32)atomic_load(&es->free_blocks) == count[FREE] + count[TAKEN] + count[FREED] &&
	       inode->blocks == (u64)count[USED] * (es->block_size / 512);
}

/* --- steps -------------------------------------------------------------------------------------
 */

static void handle_begin(void)
{
	EXPECT_EQ(ext4_start(inode->sb, NULL, 60, &h), 0);
}

static void may_fail(void)
{
	if (failing && host_random(2))
		host_fail_after((long)host_random(6));
}

static void handle_end(void)
{
	host_fail_after(-1);
	EXPECT_EQ(ext4_stop(h), 0);
}

static u32 some_length(void)
{
	return 1 + (u32)host_random(host_random(4) ? 60 : 9000);
}

static u64 some_goal(void)
{
	u64 start;
	u32 n;

	if (host_random(2) && some_run(USED, &start, &n))
		return start + n;
	return host_random(blocks + 100);
}

/* What was got is as much, and where it was wanted, as can be. */
static void check_got(u64 goal, u32 want, u64 start, u32 got)
{
	/* The first block of a group stands for the group. */
	bool group = (goal - es->first_data_block) % es->blocks_per_group == 0;
	u32 at_goal = group ? 0 : run(goal, FREE, want);

	EXPECT(got && got <= want);
	if (at_goal && !failing)
		EXPECT(start == goal && got == at_goal);
	else if (got < want && !failing)
		EXPECT(longest_run(FREE) < want);
	EXPECT_EQ(run(start, FREE, got), got);
}

static void take(void)
{
	u32 want = some_length(), got;
	u64 goal = some_goal(), start;
	int err = ext4_claim(es, want, EXT4_CLAIM_USER);

	if (err) {
		EXPECT_EQ(err, -ENOSPC);
		EXPECT(want + count[TAKEN] + es->reserved_pool > count[FREE] + count[TAKEN]);
		return;
	}
	may_fail();
	err = ext4_take(es, goal, want, &start, &got);
	host_fail_after(-1);
	ext4_unclaim(es, err ? want : want - got);
	EXPECT(!err || (failing && err == -ENOMEM));
	if (err)
		return;
	check_got(goal, min(want, es->blocks_per_group), start, got);
	set(start, got, FREE, TAKEN);
}

static void take_at(void)
{
	u64 start = some_goal();
	u32 want = some_length(), got;

	if (ext4_claim(es, want, EXT4_CLAIM_USER))
		return;
	got = ext4_take_at(es, start, want);
	ext4_unclaim(es, want - got);
	EXPECT(failing || got == run(start, FREE, want));
	set(start, got, FREE, TAKEN);
}

static void untake(void)
{
	u64 start;
	u32 n;

	if (!some_run(TAKEN, &start, &n))
		return;
	ext4_untake(es, start, n, true);
	set(start, n, TAKEN, FREE);
}

static void use(void)
{
	bool really = host_random(8);
	struct ext4_use u;
	u64 start;
	u32 n;
	int err;

	if (!some_run(TAKEN, &start, &n))
		return;
	handle_begin();
	may_fail();
	err = ext4_use_begin(h, inode, start, n, &u);
	host_fail_after(-1);
	EXPECT(!err || (failing && err == -ENOMEM));
	if (!err)
		EXPECT_EQ(ext4_use_end(h, &u, really), 0);
	if (!err && really) {
		ext4_inode_add_blocks(inode, n);
		set(start, n, TAKEN, USED);
	}
	handle_end();
}

static void alloc(void)
{
	u32 want = some_length(), got;
	u64 goal = some_goal(), start;
	int err;

	handle_begin();
	may_fail();
	err = ext4_alloc(h, inode, goal, want, EXT4_CLAIM_USER, &start, &got);
	host_fail_after(-1);
	EXPECT(!err || err == -ENOSPC || (failing && err == -ENOMEM));
	if (!err) {
		EXPECT(got && got <= want);
		set(start, got, FREE, USED);
	}
	handle_end();
}

static void free_some(void)
{
	u64 start;
	u32 n;
	int err;

	if (!some_run(USED, &start, &n))
		return;
	handle_begin();
	may_fail();
	err = ext4_free_begin(h, inode, start, n);
	host_fail_after(-1);
	EXPECT(!err || (failing && err == -ENOMEM));
	if (!err) {
		EXPECT_EQ(ext4_blocks_free(h, inode, start, n, 0), 0);
		set(start, n, USED, FREED);
	}
	handle_end();
}

static void step(bool more)
{
	switch (host_random(12)) {
	case 0: return take_at();
	case 1: return untake();
	case 2:
	case 3: return use();
	case 4:
	case 5: return more ? alloc() : free_some();
	case 6: return more ? take() : untake();
	case 7:
	case 8: return take();
	default: return free_some();
	}
}

static void steps(u32 n)
{
	for (u32 i = 0; i < n; i++) {
		/* To the brim, and back. */
		step(i / 200 % 2 == 0);
		if (!check()) {
			host_test_fail(__FILE__, __LINE__, "wrong after step %u", i);
			return;
		}
	}
}

static void give_back(void)
{
	u64 start;
	u32 n;

	while (some_run(TAKEN, &start, &n)) {
		ext4_untake(es, start, n, true);
		set(start, n, TAKEN, FREE);
	}
	while (some_run(USED, &start, &n)) {
		handle_begin();
		EXPECT_EQ(ext4_blocks_free(h, inode, start, n, 0), 0);
		set(start, n, USED, FREED);
		handle_end();
	}
}

/* --- rounds ------------------------------------------------------------------------------------
 */

/* As the disk has it, which leaves the loading of groups to the steps. */
static void learn_group(u32 group)
{
	const struct ext4_disk_group *d = ext4_desc(es, group);
	const void *map = host_disk_image(disk) + d->block_bitmap_lo * (u64)es->block_size;
	struct buffer *b = NULL;

	if (d->flags & EXT4_BG_BLOCK_UNINIT) {
		EXPECT_EQ(ext4_block_bitmap_read(es, group, &b), 0);
		map = b->data;
	}
	for (u32 i = 0; i < es->group[group].blocks; i++)
		if (!bitmap_test(map, i))
			state[ext4_group_first(es, group) + i] = FREE;
	buffer_put(b);
}

static void learn(void)
{
	memset(count, 0, sizeof(count));
	memset(state, FIXED, sizeof(state));
	blocks = (u32)es->blocks;
	for (u32 group = 0; group < es->groups; group++)
		learn_group(group);
	for (u64 block = 0; block < blocks; block++)
		count[state[block]]++;
}

static void begin(const char *mkfs, const char *options)
{
	hostfs_boot();
	(void)hf_mkdir("/mnt", 0755);
	disk = suite_disk("disk", 20 << 20, mkfs);
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "ext4", 0, options), 0);
	fd = (int)hf_open("/mnt/file", O_RDWR | O_CREAT, 0644);
	file = fd_get(fd);
	inode = file.file->inode;
	es = ext4_inode_super(inode);
	EXPECT_EQ(hf_sync(), 0);
	learn();
}

static void end(void)
{
	fd_put(file);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(suite_fsck(disk, "e2fsck -fn"));
	host_disk_destroy(disk);
}

static void round(const char *mkfs, const char *options, bool fail)
{
	begin(mkfs, options);
	failing = fail;
	steps((u32)hostfs_number("STEPS", 1200));
	failing = false;
	give_back();
	EXPECT(check());
	EXPECT_EQ(hostfs_errors_logged(), 0);
	end();
}

TEST(model)
{
	round("mke2fs -q -F -t ext4 -b 1024 %s", NULL, false);
	round("mke2fs -q -F -t ext4 -b 1024 -O ^has_journal,^flex_bg %s", NULL, false);
	round("mke2fs -q -F -t ext4 -b 1024 %s", "discard", false);
}

TEST(allocations_fail)
{
	round("mke2fs -q -F -t ext4 -b 1024 %s", NULL, true);
	round("mke2fs -q -F -t ext3 -b 1024 %s", "discard", true);
}

/* The search that looks for whatever there is meets groups that cannot be loaded. */
TEST(loading_fails)
{
	for (long n = 0; n < 12; n++) {
		u64 start;
		u32 got = 0;
		int err;

		begin("mke2fs -q -F -t ext3 -b 1024 %s", NULL);
		EXPECT_EQ(ext4_claim(es, 8000, EXT4_CLAIM_USER), 0);
		host_fail_after(n);
		err = ext4_take(es, 1, 8192, &start, &got);
		host_fail_after(-1);
		EXPECT(!err || err == -ENOMEM);
		if (!err)
			set(start, got, FREE, TAKEN);
		ext4_unclaim(es, 8000 - got);
		EXPECT(check());
		give_back();
		EXPECT_EQ(hostfs_errors_logged(), 0);
		end();
	}
}
