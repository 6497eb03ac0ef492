/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clusters of a file, in order.
 *
 * Finding the n-th one means following the table from the first, so what was seen is remembered as
 * runs, by index: random access costs a search in an array and the entries behind the last known
 * place.  A file in very many pieces is remembered coarsely: when the array is full every second
 * run is forgotten, and from then on runs are kept only at twice the distance; what lies between is
 * followed again, a bounded way.
 *
 * A chain that is longer than any file, or directory, can be loops.
 */
#include <fs/iomap/iomap.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "fat_internal.h"

#define RUNS_MAX 2048u

void fat_chain_init(struct fat_inode *fi)
{
	mutex_init(&fi->map_lock, RANK_INODE_MAP, "fat.map");
	fi->runs = NULL;
	fi->nr_runs = fi->max_runs = 0;
	fi->stride = 0;
	fi->start = 0;
	fi->clusters = 0;
	fi->clusters_known = false;
}

void fat_chain_fini(struct fat_inode *fi)
{
	kvfree(fi->runs);
	fi->runs = NULL;
	fi->nr_runs = fi->max_runs = 0;
}

/* --- what is remembered; locks: map_lock ------------------------------------------------------ */

/* The last run that begins at or before `index`, or NULL. */
static struct fat_run *run_before(struct fat_inode *fi, u32 index)
{
	u32 lo = 0, hi = fi->nr_runs;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (fi->runs[mid].index <= index)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &fi->runs[lo - 1] : NULL;
}

static void thin_out(struct fat_inode *fi)
{
	u32 kept = 0;

	for (u32 i = 0; i < fi->nr_runs; i += 2)
		fi->runs[kept++] = fi->runs[i];
	fi->stride = max(fi->stride * 2, fi->runs[kept - 1].index / kept * 2);
	fi->nr_runs = kept;
}

/* Room for one more.  False: there is no memory, do without. */
static bool runs_room(struct fat_inode *fi)
{
	u32 max = fi->max_runs ? fi->max_runs * 2 : 8;
	struct fat_run *runs;

	if (fi->nr_runs < fi->max_runs)
		return true;
	if (fi->max_runs >= RUNS_MAX) {
		thin_out(fi);
		return true;
	}
	runs = kvmalloc(max * sizeof(*runs), GFP_NOFS | __GFP_NOWARN);
	if (!runs)
		return false;
	if (fi->nr_runs)
		memcpy(runs, fi->runs, fi->nr_runs * sizeof(*runs));
	kvfree(fi->runs);
	fi->runs = runs;
	fi->max_runs = max;
	return true;
}

/* Remember a run that was just followed. */
static void remember(struct fat_inode *fi, const struct fat_run *run)
{
	struct fat_run *last = fi->nr_runs ? &fi->runs[fi->nr_runs - 1] : NULL;

	if (last && last->index == run->index) {
		last->count = max(last->count, run->count);
		return;
	}
	if (last && (run->index < last->index || run->index - last->index < fi->stride))
		return;
	if (runs_room(fi))
		fi->runs[fi->nr_runs++] = *run;
}

/* --- following -------------------------------------------------------------------------------- */

/* Make the run reach `want` clusters if they follow directly.  *next: what comes behind it. */
static int extend_run(struct fat_cursor *c, struct fat_run *run, u32 want, u32 *next)
{
	int err = 0;

	for (*next = 0; run->count < want; run->count++) {
		err = fat_table_next(c, run->cluster + run->count - 1, next);
		if (err || *next != run->cluster + run->count)
			break;
	}
	return err;
}

/* No chain is longer, in clusters. */
static u64 chain_limit(const struct inode *inode)
{
	const struct fat_sb *fs = fat_sb(inode->sb);
	u64 bytes = S_ISDIR(inode->mode) ? FAT_DIR_MAX_BYTES : 1ull << 32;

	return min((bytes >> fs->cluster_bits) + 1, (u64)fs->cluster_limit);
}

/* The run behind `run`: *next is its first cluster, or FAT_EOC. */
static int follow(const struct inode *inode, struct fat_run *run, u32 next)
{
	u64 index = (u64)run->index + run->count;

	if (index > chain_limit(inode))
		return fat_error(fat_sb(inode->sb), "the chain through cluster %u has no end",
				 run->cluster);
	run->index = (u32)index;
	run->cluster = next;
	run->count = next == FAT_EOC ? 0 : 1;
	return 0;
}

/* Follow the chain from `run` until `index` is in it.  run->count 0: it ended. */
static int seek_run(struct inode *inode, struct fat_cursor *c, struct fat_run *run, u32 index,
		    u32 want)
{
	u32 next;
	int err;

	for (;;) {
		u32 reach = index - run->index + want;

		err = extend_run(c, run, reach < want ? U32_MAX : reach, &next);
		if (err)
			return err;
		remember(fat_i(inode), run);
		if (index - run->index < run->count)
			return 0;
		err = follow(inode, run, next);
		if (err || !run->count)
			return err;
	}
}

int fat_chain_map(struct inode *inode, u32 index, u32 want, u32 *cluster, u32 *count)
{
	struct fat_inode *fi = fat_i(inode);
	struct fat_sb *fs = fat_sb(inode->sb);
	struct fat_run run, *known;
	struct fat_cursor c;
	int err;

	*count = 0;
	want = max(want, 1u);
	guard_mutex(&fi->map_lock);
	if (!fi->start)
		return 0;
	known = run_before(fi, index);
	run = known ? *known : (struct fat_run){0, fi->start, 1};
	fat_cursor_init(&c, fs);
	err = index - run.index + want <= run.count ? 0 : seek_run(inode, &c, &run, index, want);
	fat_cursor_fini(&c);
	if (err || !run.count)
		return err;
	*cluster = run.cluster + (index - run.index);
	*count = run.count - (index - run.index);
	return 0;
}

int fat_chain_count(struct inode *inode, u32 *out)
{
	struct fat_inode *fi = fat_i(inode);
	u32 index = 0, cluster, count;
	int err;

	if (!fi->clusters_known) {
		do {
			err = fat_chain_map(inode, index, 1u << 20, &cluster, &count);
			if (err)
				return err;
			index += count;
			if (index > chain_limit(inode))
				return fat_error(fat_sb(inode->sb), "a chain is too long");
		} while (count);
		fi->clusters = index;
		fi->clusters_known = true;
	}
	*out = fi->clusters;
	return 0;
}

/* --- changing; locks: inode W ----------------------------------------------------------------- */

static void set_start(struct inode *inode, u32 start)
{
	struct fat_inode *fi = fat_i(inode);

	with_mutex(&fi->map_lock)
	{
		fi->start = start;
		fi->nr_runs = 0;
	}
	inode_mark_dirty(inode, I_DIRTY_SYNC | I_DIRTY_DATA);
}

static void set_count(struct inode *inode, u32 clusters)
{
	struct fat_inode *fi = fat_i(inode);

	fi->clusters = clusters;
	fi->clusters_known = true;
	WRITE_ONCE(inode->blocks,
		   (u64)clusters << (fat_sb(inode->sb)->cluster_bits - SECTOR_SHIFT));
}

/* The last cluster of a chain that has one. */
static int last_cluster(struct inode *inode, u32 *out)
{
	u32 nr, count;
	int err = fat_chain_count(inode, &nr);

	if (err)
		return err;
	err = fat_chain_map(inode, nr - 1, 1, out, &count);
	return !err && !count ? -EIO : err;
}

int fat_chain_link(struct inode *inode, u32 first, u32 last, u32 nr)
{
	struct fat_inode *fi = fat_i(inode);
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 old, tail;
	int err = fat_chain_count(inode, &old);

	if (!err && old) {
		err = last_cluster(inode, &tail);
		if (!err)
			err = fat_table_set(fs, tail, first);
	} else if (!err) {
		set_start(inode, first);
	}
	if (err) {
		/* A directory grows by one cluster, and has cleared it. */
		if (S_ISDIR(inode->mode))
			fat_dir_unmake(fs, first);
		else
			(void)fat_free_chain(fs, first);
		return err;
	}
	set_count(inode, fi->clusters + nr);
	return 0;
}

int fat_chain_grow(struct inode *inode, u32 want, u32 *got)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 old, tail = 0, first, last;
	int err = fat_chain_count(inode, &old);

	if (!err && old)
		err = last_cluster(inode, &tail);
	if (!err)
		err = fat_alloc(fs, tail ? tail + 1 : 0, want, &first, &last, got);
	return err ? err : fat_chain_link(inode, first, last, *got);
}

/* Forget the clusters from `keep` on. */
static void forget_from(struct fat_inode *fi, u32 keep)
{
	guard_mutex(&fi->map_lock);
	while (fi->nr_runs && fi->runs[fi->nr_runs - 1].index >= keep)
		fi->nr_runs--;
	if (fi->nr_runs) {
		struct fat_run *last = &fi->runs[fi->nr_runs - 1];

		last->count = min(last->count, keep - last->index);
	}
}

int fat_chain_cut(struct inode *inode, u32 keep)
{
	struct fat_inode *fi = fat_i(inode);
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 first, count, tail = 0;
	int err = fat_chain_map(inode, keep, 1, &first, &count);

	if (err || !count)
		return err;
	if (keep) {
		err = fat_chain_map(inode, keep - 1, 1, &tail, &count);
		if (!err && !count)
			err = -EIO;
		if (!err)
			err = fat_table_set(fs, tail, FAT_EOC);
		if (err)
			return err;
		forget_from(fi, keep);
	} else {
		set_start(inode, 0);
	}
	set_count(inode, keep);
	inode_map_changed(inode);
	return fat_free_chain(fs, first);
}
