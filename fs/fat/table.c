/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The allocation table: for each cluster what follows it, on the disk as 12, 16 or 28 bits.
 *
 * A cursor keeps the sector it touched last, as neighbours are asked for in turn; when it leaves a
 * sector that changed, the sector is copied to the other tables.  The first table is the one that
 * counts: what could not be copied is not an error of the operation, a sync copies everything
 * again.
 *
 * Entries are changed under fat_sb.lock and read without: each is read and written as whole bytes
 * in an order that does not matter, since a chain changes only for the holder of its inode, and of
 * the byte that two 12-bit entries share the neighbour's half is written back as it was.
 *
 * Free clusters are looked for from where the last search ended, so that a file grows in one piece
 * while there is one.  How many there are is counted once, on demand: the number on the disk is
 * only a hint, which `usefree` trusts.
 */
#define LOG_PREFIX "fat: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>

#include "fat_internal.h"

#define READAHEAD 32u /* sectors of the table */

/* --- a sector at hand ------------------------------------------------------------------------- */

void fat_cursor_init(struct fat_cursor *c, struct fat_sb *fs)
{
	*c = (struct fat_cursor){.fs = fs};
}

static int copy_to_mirror(struct fat_cursor *c, unsigned table)
{
	u64 block = c->block + (u64)table * c->fs->table_sectors;
	struct buffer *b;
	int err = buffer_get(c->fs->bdev, block, &b);

	if (err)
		return err;
	buffer_lock(b);
	memcpy(b->data, c->buffer->data, b->size);
	buffer_set(b, BUFFER_UPTODATE);
	buffer_mark_dirty(b);
	buffer_unlock(b);
	buffer_put(b);
	return 0;
}

static void copy_to_mirrors(struct fat_cursor *c)
{
	for (unsigned i = 1; i < c->fs->tables; i++) {
		if (copy_to_mirror(c, i))
			atomic_store(&c->fs->mirrors_behind, 1u);
	}
}

void fat_cursor_fini(struct fat_cursor *c)
{
	if (!c->buffer)
		return;
	if (c->dirty) {
		buffer_mark_dirty(c->buffer);
		copy_to_mirrors(c);
	}
	buffer_put(c->buffer);
	c->buffer = NULL;
	c->dirty = false;
}

/* The byte `offset` of the table, in memory. */
static int table_byte(struct fat_cursor *c, u64 offset, u8 **out)
{
	u64 block = c->fs->table_start + (offset >> c->fs->sb->blkbits);
	int err;

	if (!c->buffer || c->block != block) {
		fat_cursor_fini(c);
		if (!(block % READAHEAD))
			buffer_readahead(c->fs->bdev, block, READAHEAD);
		err = buffer_read(c->fs->bdev, block, &c->buffer);
		if (err) {
			c->buffer = NULL;
			return err;
		}
		c->block = block;
	}
	*out = (u8 *)c->buffer->data + (offset & (c->fs->sb->blocksize - 1));
	return 0;
}

int fat_mirror_all(struct fat_sb *fs)
{
	struct fat_cursor c;
	int err = 0;
	u8 *p;

	if (!atomic_xchg(&fs->mirrors_behind, 0u))
		return 0;
	guard_mutex(&fs->lock);
	fat_cursor_init(&c, fs);
	for (u32 i = 0; i < fs->table_sectors && !err; i++) {
		err = table_byte(&c, (u64)i << fs->sb->blkbits, &p);
		if (!err)
			copy_to_mirrors(&c);
	}
	fat_cursor_fini(&c);
	if (err)
		atomic_store(&fs->mirrors_behind, 1u);
	return err;
}

/* --- one entry -------------------------------------------------------------------------------- */

static int get12(struct fat_cursor *c, u32 cluster, u32 *value)
{
	u64 offset = cluster + cluster / 2;
	u32 low = 0;
	u8 *p;
	int err = table_byte(c, offset, &p);

	if (err)
		return err;
	low = *p;
	err = table_byte(c, offset + 1, &p);
	if (!err)
		*value = cluster & 1 ? low >> 4 | (u32)*p << 4 : low | (u32)(*p & 15) << 8;
	return err;
}

/* Both bytes or none: the second may be in the next sector, which is made sure of first. */
static int set12(struct fat_cursor *c, u32 cluster, u32 value)
{
	u64 offset = cluster + cluster / 2;
	struct buffer *second;
	u8 *p;
	int err = buffer_read(c->fs->bdev,
			      c->fs->table_start + ((offset + 1) >> c->fs->sb->blkbits), &second);

	if (err)
		return err;
	err = table_byte(c, offset, &p);
	if (!err) {
		*p = cluster & 1 ? (u8)((*p & 0x0f) | value << 4) : (u8)value;
		c->dirty = true;
		err = table_byte(c, offset + 1, &p);
	}
	if (!err) {
		*p = cluster & 1 ? (u8)(value >> 4) : (u8)((*p & 0xf0) | (value >> 8 & 15));
		c->dirty = true;
	}
	buffer_put(second);
	return err;
}

/* FAT16 and FAT32: entries are aligned and do not cross sectors. */
static int entry_at(struct fat_cursor *c, u32 cluster, u8 **p)
{
	return table_byte(c, (u64)cluster * (c->fs->bits / 8), p);
}

/* Numbers from here on mean something else than a cluster. */
static u32 special_from(const struct fat_sb *fs)
{
	return fs->bits == 12 ? 0xff7 : fs->bits == 16 ? 0xfff7 : 0x0ffffff7;
}

int fat_table_get(struct fat_cursor *c, u32 cluster, u32 *value)
{
	u32 v = 0, special = special_from(c->fs);
	u8 *p;
	int err;

	if (c->fs->bits == 12) {
		err = get12(c, cluster, &v);
	} else {
		err = entry_at(c, cluster, &p);
		if (!err)
			v = c->fs->bits == 16 ? fat_get16(p) : fat_get32(p) & 0x0fffffff;
	}
	if (err)
		return err;
	*value = v < special ? v : v == special ? FAT_BAD : FAT_EOC;
	return 0;
}

int fat_table_next(struct fat_cursor *c, u32 cluster, u32 *next)
{
	int err = fat_table_get(c, cluster, next);

	if (err)
		return err;
	if (*next == FAT_EOC || fat_cluster_valid(c->fs, *next))
		return 0;
	return fat_error(c->fs, "cluster %u is followed by %#x, which is none", cluster, *next);
}

static int cursor_set(struct fat_cursor *c, u32 cluster, u32 value)
{
	u8 *p;
	int err;

	if (c->fs->bits == 12)
		return set12(c, cluster, value & 0xfff);
	err = entry_at(c, cluster, &p);
	if (err)
		return err;
	if (c->fs->bits == 16)
		fat_put16(p, (u16)value);
	else
		fat_put32(p, (value & 0x0fffffff) | (fat_get32(p) & 0xf0000000));
	c->dirty = true;
	return 0;
}

int fat_table_set(struct fat_sb *fs, u32 cluster, u32 value)
{
	struct fat_cursor c;
	int err;

	guard_mutex(&fs->lock);
	fat_cursor_init(&c, fs);
	err = cursor_set(&c, cluster, value);
	fat_cursor_fini(&c);
	return err;
}

/* --- allocation ------------------------------------------------------------------------------- */

/* A chain being made. */
struct new_chain {
	u32 first, last, nr;
};

/* Append a free cluster. */
static int chain_append(struct fat_cursor *c, struct new_chain *n, u32 cluster)
{
	int err = cursor_set(c, cluster, FAT_EOC);

	if (!err && n->nr) {
		err = cursor_set(c, n->last, cluster);
		if (err)
			(void)cursor_set(c, cluster, FAT_FREE);
	}
	if (err)
		return err;
	if (!n->nr)
		n->first = cluster;
	n->last = cluster;
	n->nr++;
	return 0;
}

/* Take free clusters from `from` on, once around.  Locks: fat_sb.lock. */
static int collect_free(struct fat_cursor *c, u32 from, u32 want, struct new_chain *n)
{
	u32 limit = c->fs->cluster_limit, cluster = fat_cluster_valid(c->fs, from) ? from : 2,
	    value;
	int err;

	for (u32 seen = 2; seen < limit && n->nr < want; seen++) {
		err = fat_table_get(c, cluster, &value);
		if (!err && value == FAT_FREE)
			err = chain_append(c, n, cluster);
		if (err)
			return err;
		if (++cluster == limit)
			cluster = 2;
		if (!(seen & 0xfff))
			cond_resched();
	}
	return 0;
}

static void account(struct fat_sb *fs, s64 freed)
{
	if (fs->free_known)
		fs->free_clusters =
			(u32)min((s64)fs->free_clusters + freed, (s64)fs->cluster_limit - 2);
	fs->info_dirty = true;
}

/* Give back what was taken before an error. */
static void undo_chain(struct fat_cursor *c, const struct new_chain *n)
{
	u32 cluster = n->first, next;

	for (u32 i = 0; i < n->nr; i++, cluster = next) {
		if (fat_table_get(c, cluster, &next) || cursor_set(c, cluster, FAT_FREE))
			return;
	}
}

int fat_alloc(struct fat_sb *fs, u32 hint, u32 want, u32 *first, u32 *last, u32 *got)
{
	struct new_chain n = {};
	struct fat_cursor c;
	int err;

	if (READ_ONCE(fs->sb->flags) & SB_RDONLY)
		return -EROFS;
	guard_mutex(&fs->lock);
	if (fs->free_known && !fs->free_clusters)
		return -ENOSPC;
	fat_cursor_init(&c, fs);
	err = collect_free(&c, hint ? hint : fs->next_free, want, &n);
	if (err && n.nr)
		undo_chain(&c, &n);
	fat_cursor_fini(&c);
	if (err)
		return err;
	if (!n.nr) {
		fs->free_clusters = 0;
		fs->free_known = true;
		return -ENOSPC;
	}
	account(fs, -(s64)n.nr);
	fs->next_free = n.last + 1;
	*first = n.first;
	*last = n.last;
	*got = n.nr;
	return 0;
}

static void discard_run(struct fat_sb *fs, u32 cluster, u32 nr)
{
	unsigned shift = fs->sb->blkbits - SECTOR_SHIFT;
	sector_t sector = (sector_t)fat_cluster_sector(fs, cluster) << shift;

	if (nr && fs->o.discard &&
	    bdev_discard(fs->bdev, sector, (sector_t)nr * fs->cluster_sectors << shift) ==
		    -EOPNOTSUPP)
		fs->o.discard = false;
}

/* A run of free clusters ended.  Locks: fat_sb.lock, so nobody takes them meanwhile. */
static int trim_run(struct fat_sb *fs, u32 end, u32 nr, u32 least, u64 *trimmed)
{
	unsigned shift = fs->sb->blkbits - SECTOR_SHIFT;
	int err;

	if (!nr || nr < least)
		return 0;
	err = bdev_discard(fs->bdev, (sector_t)fat_cluster_sector(fs, end - nr) << shift,
			   (sector_t)nr * fs->cluster_sectors << shift);
	if (!err)
		*trimmed += nr;
	return err == -EOPNOTSUPP ? 0 : err;
}

int fat_trim(struct fat_sb *fs, u32 first, u32 end, u32 least, u64 *trimmed)
{
	struct fat_cursor c;
	u32 nr = 0, value;
	int err = 0;

	*trimmed = 0;
	guard_mutex(&fs->lock);
	fat_cursor_init(&c, fs);
	for (u32 i = first; i < end && !err; i++) {
		err = fat_table_get(&c, i, &value);
		if (!err && value == FAT_FREE) {
			nr++;
		} else if (!err) {
			err = trim_run(fs, i, nr, least, trimmed);
			nr = 0;
		}
		if (!(i & 0xfff) && signal_fatal_pending(thread_current()))
			err = -ERESTARTSYS;
		cond_resched();
	}
	err = err ?: trim_run(fs, end, nr, least, trimmed);
	fat_cursor_fini(&c);
	return err;
}

/* Free one cluster of a chain.  *next: the one behind it, or FAT_EOC. */
static int free_one(struct fat_cursor *c, u32 cluster, u32 *next)
{
	int err = fat_table_get(c, cluster, next);

	if (err)
		return err;
	if (*next == FAT_FREE)
		return fat_error(c->fs, "cluster %u is freed twice", cluster);
	if (*next != FAT_EOC && !fat_cluster_valid(c->fs, *next)) {
		(void)fat_error(c->fs, "cluster %u is followed by %#x, which is none", cluster,
				*next);
		*next = FAT_EOC;
	}
	return cursor_set(c, cluster, FAT_FREE);
}

int fat_free_chain(struct fat_sb *fs, u32 first)
{
	u32 cluster = first, next = FAT_EOC, nr = 0, run = first, run_nr = 0;
	struct fat_cursor c;
	int err = 0;

	guard_mutex(&fs->lock);
	fat_cursor_init(&c, fs);
	/* What is freed reads as free: a chain that loops ends there. */
	for (; cluster != FAT_EOC; cluster = next) {
		err = until_memory(free_one(&c, cluster, &next));
		if (err)
			break;
		nr++;
		if (cluster != run + run_nr) {
			discard_run(fs, run, run_nr);
			run = cluster;
			run_nr = 0;
		}
		run_nr++;
		if (!(nr & 0xfff))
			cond_resched();
	}
	discard_run(fs, run, run_nr);
	fat_cursor_fini(&c);
	account(fs, nr);
	return err;
}

int fat_count_free(struct fat_sb *fs, u32 *out)
{
	struct fat_cursor c;
	u32 free = 0, value;
	int err = 0;

	guard_mutex(&fs->lock);
	if (fs->free_known) {
		*out = fs->free_clusters;
		return 0;
	}
	fat_cursor_init(&c, fs);
	for (u32 i = 2; i < fs->cluster_limit && !err; i++) {
		if (!(i & 0x1fff))
			cond_resched();
		err = fat_table_get(&c, i, &value);
		free += !err && value == FAT_FREE;
	}
	fat_cursor_fini(&c);
	if (err)
		return err;
	fs->free_clusters = *out = free;
	fs->free_known = true;
	fs->info_dirty = true;
	return 0;
}
