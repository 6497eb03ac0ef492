/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extent trees against an array: ranges come, go, change their kind and move, allocations failing
 * now and then; after each step the tree is walked, must keep its rules and say what the array
 * says.  The tree is that of a file of a mounted ext4 with small nodes, so that it gets three
 * levels; at the end e2fsck looks at it too.
 *
 * STEPS= steps of each round (default 3000).
 *
 * link: hostfs
 */
#include <fs/ext4/ext4_map.h>
#include <fs/ext4/ext4_space.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <host.h>
#include <hostfs.h>
#include <disk.h>
#include <suite.h>

#define BLOCKS 4000u /* of the file, from `base` on */

/* --- the array ------------------------------------------------------------------------------- */

struct place {
	u32 block; /* 0: a hole */
	bool unwritten;
};

static struct place model[BLOCKS];
static u32 base; /* the file's block that model[0] is */
static u64 free_before;

/* The end of what is like model[i], at most `end`: one hole, or one kind. */
static u32 like(u32 i, u32 end)
{
	u32 j = i + 1;

	while (j < end && !model[j].block == !model[i].block &&
	       model[j].unwritten == model[i].unwritten)
		j++;
	return j;
}

/* --- the tree ----------------------------------------------------------------------------------
 */

static struct host_disk *disk;
static struct fdref file;
static struct inode *inode;
static struct ext4_super *es;

struct walk {
	u32 next;  /* model[] up to here was seen */
	u32 nodes; /* beside the root */
};

static const struct ext4_extent_index *index_of(const struct ext4_extent_header *n, u32 i)
{
	return (const struct ext4_extent_index *)(n + 1) + i;
}

static const struct ext4_extent *extent_of(const struct ext4_extent_header *n, u32 i)
{
	return (const struct ext4_extent *)(n + 1) + i;
}

/* An extent says what the array does, and the array has nothing before it. */
static bool check_extent(struct walk *w, const struct ext4_extent *e)
{
	bool unwritten = e->len > EXT4_EXTENT_MAX_LEN;
	u32 len = e->len - (unwritten ? EXT4_EXTENT_MAX_LEN : 0), at = e->block - base;

	if (e->block < base || at < w->next || at + len > BLOCKS || !len || e->start_hi)
		return false;
	for (; w->next < at; w->next++)
		if (model[w->next].block)
			return false;
	for (u32 i = 0; i < len; i++, w->next++)
		if (model[w->next].block != e->start_lo + i ||
		    model[w->next].unwritten != unwritten)
			return false;
	return true;
}

/* A node whose first key is at least `low` and whose blocks are all before `high`. */
static bool check_node(struct walk *w, const struct ext4_extent_header *n, u32 depth, u32 max,
		       u64 low, u64 high)
{
	bool root = max == 4;

	if (n->magic != EXT4_EXTENT_MAGIC || n->max != max || n->entries > max ||
	    n->depth != depth || (!n->entries && (!root || depth)))
		return false;
	for (u32 i = 0; i < n->entries; i++) {
		u64 key = depth ? index_of(n, i)->block : extent_of(n, i)->block;
		u64 next = i + 1 < n->entries ? (depth ? index_of(n, i + 1)->block
						       : extent_of(n, i + 1)->block)
					      : high;
		struct buffer *b;
		bool good;

		if (key < low || key >= next)
			return false;
		if (!depth) {
			good = check_extent(w, extent_of(n, i)) && base + w->next <= next;
		} else {
			if (buffer_read(es->bdev, index_of(n, i)->leaf_lo, &b))
				return false;
			w->nodes++;
			good = check_node(w, (const void *)b->data, depth - 1,
					  (es->block_size - 12) / 12, key, next);
			buffer_put(b);
		}
		if (!good)
			return false;
	}
	return true;
}

/* ... and the blocks are counted right. */
static bool check(void)
{
	const struct ext4_extent_header *root = (const void *)ext4_inode(inode)->block;
	struct walk w = {0};
	u32 used = 0;

	if (!check_node(&w, root, root->depth, 4, 0, EXT4_LBLOCK_END))
		return false;
	for (u32 i = 0; i < BLOCKS; i++) {
		if (i >= w.next && model[i].block)
			return false;
		used += model[i].block != 0;
	}
	return inode->blocks == (u64)(used + w.nodes) * (es->block_size / 512) &&
	       free_before - (u64)atomic_load(&es->free_blocks) == used + w.nodes;
}

static void check_find(u32 i)
{
	struct ext4_map m;
	u32 max = 1 + (u32)host_random(BLOCKS - i);

	EXPECT_EQ(ext4_extents_find(inode, base + i, max, &m), 0);
	EXPECT_EQ(m.lblock, base + i);
	EXPECT(m.len && m.len <= max);
	EXPECT_EQ(m.type, !model[i].block      ? EXT4_MAP_HOLE
			  : model[i].unwritten ? EXT4_MAP_UNWRITTEN
					       : EXT4_MAP_MAPPED);
	EXPECT(m.len <= like(i, i + max) - i);
	if (model[i].block)
		EXPECT_EQ(m.block, model[i].block);
}

/* --- steps -------------------------------------------------------------------------------------
 */

static struct handle *h;
static struct ext4_inode_loc held;
static bool failing; /* allocations may fail in this run of steps */

static void step_begin(void)
{
	EXPECT_EQ(ext4_start_held(inode, EXT4_CREDITS_TRUNCATE * 2, &h, &held), 0);
	rwsem_write_lock(&ext4_inode(inode)->map);
	if (failing && host_random(2))
		host_fail_after((long)host_random(8));
}

static void step_end(void)
{
	host_fail_after(-1);
	rwsem_write_unlock(&ext4_inode(inode)->map);
	EXPECT_EQ(ext4_inode_dirty(h, inode), 0);
	EXPECT_EQ(ext4_stop_held(h, &held), 0);
}

/* 1: the same again, with a fresh handle; so does the want of memory. */
static bool again(int err)
{
	EXPECT(err == 0 || err == 1 || (failing && err == -ENOMEM));
	if (err != 1 && err != -ENOMEM)
		return false;
	host_fail_after(-1);
	rwsem_write_unlock(&ext4_inode(inode)->map);
	EXPECT_EQ(ext4_inode_dirty(h, inode), 0);
	if (err == 1)
		EXPECT_EQ(journal_restart(h, EXT4_CREDITS_TRUNCATE * 2, EXT4_REVOKES_TRUNCATE), 0);
	rwsem_write_lock(&ext4_inode(inode)->map);
	if (failing && !host_random(4))
		host_fail_after((long)host_random(8));
	return true;
}

/* Blocks for a hole, often where they continue what is before it. */
static void insert(u32 i)
{
	u32 want = min(1 + (u32)host_random(host_random(2) ? 3 : 40), like(i, BLOCKS) - i), got;
	u64 goal = i && model[i - 1].block && host_random(2) ? model[i - 1].block + 1
							     : host_random(es->blocks);
	struct ext4_map m = {.lblock = base + i,
			     .type = host_random(2) ? EXT4_MAP_MAPPED : EXT4_MAP_UNWRITTEN};
	int err;

	step_begin();
	if (!ext4_alloc(h, inode, goal, want, EXT4_CLAIM_USER, &m.block, &got)) {
		m.len = got;
		err = ext4_extents_insert(h, inode, &m);
		host_fail_after(-1);
		EXPECT(!err || (failing && err == -ENOMEM));
		if (err)
			EXPECT_EQ(ext4_blocks_free(h, inode, m.block, m.len, 0), 0);
		for (u32 k = 0; !err && k < got; k++)
			model[i + k] =
				(struct place){(u32)m.block + k, m.type == EXT4_MAP_UNWRITTEN};
	}
	step_end();
}

static void remove(u32 i, u32 n)
{
	step_begin();
	while (again(ext4_extents_remove(h, inode, base + i, base + i + n)))
		;
	memset(&model[i], 0, n * sizeof(model[0]));
	step_end();
}

static void set_kind(u32 i, u32 n, bool unwritten)
{
	step_begin();
	while (again(unwritten ? ext4_extents_unwrite(h, inode, base + i, n)
			       : ext4_extents_convert(h, inode, base + i, n)))
		;
	for (u32 k = i; k < i + n; k++)
		model[k].unwritten = unwritten && model[k].block;
	step_end();
}

/* [i, i + n) goes, what is behind comes down. */
static void collapse(u32 i, u32 n)
{
	u32 from = base + i + n;

	remove(i, n);
	step_begin();
	while (again(ext4_extents_move_down(h, inode, &from, n)))
		;
	memmove(&model[i], &model[i + n], (BLOCKS - i - n) * sizeof(model[0]));
	memset(&model[BLOCKS - n], 0, n * sizeof(model[0]));
	step_end();
}

/* A hole of `n` at `i`; what would move out of the array goes before. */
static void spread(u32 i, u32 n)
{
	u32 before = EXT4_LBLOCK_END;

	remove(BLOCKS - n, n);
	step_begin();
	while (again(ext4_extents_split(h, inode, base + i)))
		;
	while (again(ext4_extents_move_up(h, inode, base + i, &before, n)))
		;
	memmove(&model[i + n], &model[i], (BLOCKS - i - n) * sizeof(model[0]));
	memset(&model[i], 0, n * sizeof(model[0]));
	step_end();
}

static void step(u32 removals)
{
	u32 i = (u32)host_random(BLOCKS - 1);
	u32 n = 1 + (u32)host_random(min(BLOCKS - i - 1, host_random(50) ? 12u : 600u));

	switch (host_random(20)) {
	case 0: return collapse(i, n);
	case 1: return spread(i, n);
	case 2:
	case 3:
	case 4: return set_kind(i, n, false);
	case 5:
	case 6: return set_kind(i, n, true);
	default:
		if (host_random(10) < removals)
			remove(i, n);
		else if (!model[i].block)
			insert(i);
	}
}

static int fd;

static void tree_open(void)
{
	EXPECT_EQ(hf_mount("/dev/disk", "/mnt", "ext4", 0, NULL), 0);
	fd = (int)hf_open("/mnt/file", O_RDWR | O_CREAT, 0644);
	file = fd_get(fd);
	inode = file.file->inode;
	es = ext4_inode_super(inode);
}

static void tree_close(void)
{
	fd_put(file);
	EXPECT_EQ(hf_close(fd), 0);
	EXPECT_EQ(hf_umount("/mnt", 0), 0);
	EXPECT(suite_fsck(disk, "e2fsck -fn"));
}

static unsigned deepest;

static void steps(u32 n, u32 removals)
{
	for (u32 i = 0; i < n; i++) {
		step(removals);
		if (!check()) {
			host_test_fail(__FILE__, __LINE__, "the tree is wrong after step %u", i);
			return;
		}
		check_find((u32)host_random(BLOCKS));
		deepest = max(deepest, ext4_extents_depth(inode));
	}
}

static void round(u32 first, bool fail)
{
	u32 n = (u32)hostfs_number("STEPS", 3000);

	hostfs_boot();
	(void)hf_mkdir("/mnt", 0755);
	disk = suite_disk("disk", 24 << 20, "mke2fs -q -F -t ext4 -b 1024 %s");
	base = first;
	failing = fail;
	deepest = 0;
	memset(model, 0, sizeof(model));
	tree_open();
	EXPECT_EQ(hf_ftruncate(fd, ((loff_t)base + BLOCKS) * 1024), 0);
	free_before = (u64)atomic_load(&es->free_blocks);
	steps(n, 2);
	EXPECT(deepest == 2 || n < 3000);
	/* As it is on the disk; most of it goes, and the tree shrinks. */
	tree_close();
	tree_open();
	EXPECT(check());
	steps(n / 2, 8);
	tree_close();
	EXPECT_EQ(hostfs_errors_logged(), 0);
	host_disk_destroy(disk);
}

TEST(model)
{
	round(0, false);
}

TEST(far_out)
{
	round(4000000000u, false);
}

TEST(allocations_fail)
{
	round(0, true);
}
