/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing directories: entries come and go, clusters are added, short names made unique.
 *
 * A new entry takes the first run of free slots that is long enough; behind the last one the
 * directory grows by a cluster of zeroes.  The long name's slots are written before the entry that
 * makes them count, and removed after it is gone.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>

#include "fat_internal.h"

static int slot_buffer(struct superblock *sb, u64 slot, struct buffer **b, struct fat_dirent **de)
{
	u32 per_block = sb->blocksize / FAT_DIRENT_SIZE;
	int err = buffer_read(fat_sb(sb)->bdev, slot / per_block, b);

	if (!err)
		*de = (struct fat_dirent *)(*b)->data + slot % per_block;
	return err;
}

int fat_entry_update(struct superblock *sb, u64 slot, const struct fat_dirent *de)
{
	struct fat_dirent *at;
	struct buffer *b;
	int err = slot_buffer(sb, slot, &b, &at);

	if (err)
		return err;
	*at = *de;
	buffer_mark_dirty(b);
	buffer_put(b);
	return 0;
}

int fat_dir_sync(struct inode *dir)
{
	if (!(dir->sb->flags & (SB_DIRSYNC | SB_SYNCHRONOUS)))
		return 0;
	return bdev_sync(fat_sb(dir->sb)->bdev, true);
}

/* --- short names ------------------------------------------------------------------------------ */

/* Calls fn for each entry's short name until it returns true.  Returns 1 then, 0, or an error. */
static int for_each_short(struct inode *dir, bool (*fn)(const u8 *name, void *arg), void *arg)
{
	struct fat_dir_cursor c;
	struct fat_dirent *de;
	u64 slot;
	int err;

	fat_dir_begin(&c, dir, 0);
	while (!(err = fat_dir_next(&c, &de, &slot))) {
		if (de->name[0] && de->name[0] != FAT_DELETED && de->attr != FAT_ATTR_LFN &&
		    !(de->attr & FAT_ATTR_VOLUME) && fn(de->name, arg))
			break;
	}
	fat_dir_end(&c);
	return err == -ENOENT ? 0 : err ? err : 1;
}

static bool is_name(const u8 *name, void *arg)
{
	return !memcmp(name, arg, 11);
}

int fat_short_taken(struct inode *dir, const u8 *name)
{
	return for_each_short(dir, is_name, (void *)name);
}

/* Which of ~1 to ~9 are taken behind a base. */
struct tails {
	const struct fat_short *s;
	unsigned at; /* of the tilde */
	u32 taken;
};

static bool note_tail(const u8 *name, void *arg)
{
	struct tails *t = arg;
	u8 digit = name[t->at + 1];

	if (!memcmp(name, t->s->name, t->at) && name[t->at] == '~' && digit >= '1' &&
	    digit <= '9' && (t->at == 6 || name[t->at + 2] == ' ') &&
	    !memcmp(name + 8, t->s->name + 8, 3))
		t->taken |= 1u << (digit - '0');
	return false;
}

static void put_tail(struct fat_short *s, unsigned at, const char *tail)
{
	while (*tail)
		s->name[at++] = (u8)*tail++;
	while (at < 8)
		s->name[at++] = ' ';
}

/* ~1 to ~9.  Returns 1 when one of them is free, 0, or an error. */
static int try_digits(struct inode *dir, struct fat_short *s)
{
	struct tails t = {s, min(s->base_len, 6), 0};
	char tail[3] = "~1";
	int err = for_each_short(dir, note_tail, &t);

	if (err < 0)
		return err;
	for (unsigned digit = 1; digit <= 9; digit++) {
		if (t.taken >> digit & 1)
			continue;
		tail[1] = (char)('0' + digit);
		put_tail(s, t.at, tail);
		return 1;
	}
	return 0;
}

/* Two characters of the base, four digits of anything, ~1. */
static int try_numbers(struct inode *dir, struct fat_short *s)
{
	static const char digits[] = "0123456789ABCDEF";
	u32 number = (u32)(clock_real_ns() >> 20);
	char tail[7] = "0000~1";
	int ret;

	for (unsigned i = 0; i < 65536; i++, number += 11) {
		for (unsigned d = 0; d < 4; d++)
			tail[d] = digits[number >> (12 - 4 * d) & 15];
		put_tail(s, min(s->base_len, 2), tail);
		ret = fat_short_taken(dir, s->name);
		if (ret <= 0)
			return ret;
	}
	return -EEXIST;
}

int fat_short_unique(struct inode *dir, struct fat_short *s)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	int ret;

	if (s->is_exact || fs->o.nonumtail) {
		ret = fat_short_taken(dir, s->name);
		if (ret <= 0)
			return ret;
	}
	ret = try_digits(dir, s);
	return ret < 0 ? ret : ret ? 0 : try_numbers(dir, s);
}

/* --- room ------------------------------------------------------------------------------------- */

static int clear_cluster(struct fat_sb *fs, u32 cluster)
{
	u64 first = fat_cluster_sector(fs, cluster);
	struct buffer *b;
	int err;

	for (u32 i = 0; i < fs->cluster_sectors; i++) {
		err = buffer_get_zeroed(fs->bdev, first + i, &b);
		if (err)
			return err;
		buffer_mark_dirty(b);
		buffer_put(b);
	}
	return 0;
}

void fat_dir_unmake(struct fat_sb *fs, u32 cluster)
{
	buffers_invalidate(fs->bdev, fat_cluster_sector(fs, cluster), fs->cluster_sectors);
	(void)fat_free_chain(fs, cluster);
}

/* One more cluster, cleared before it belongs to the directory. */
static int dir_grow(struct inode *dir)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	u32 first, last, got, nr;
	int err;

	if (fat_is_fixed_root(dir))
		return -ENOSPC;
	err = fat_chain_count(dir, &nr);
	if (err)
		return err;
	if (((u64)(nr + 1) << fs->cluster_bits) > FAT_DIR_MAX_BYTES)
		return -ENOSPC;
	err = fat_alloc(fs, 0, 1, &first, &last, &got);
	if (err)
		return err;
	err = clear_cluster(fs, first);
	if (err) {
		fat_dir_unmake(fs, first);
		return err;
	}
	err = fat_chain_link(dir, first, last, 1);
	if (!err)
		WRITE_ONCE(dir->size, (loff_t)(nr + 1) << fs->cluster_bits);
	return err;
}

/* Where `nr` free slots in a row begin, as far as there are any at the end.  -ENOENT: too few. */
static int find_free(struct inode *dir, unsigned nr, u64 *pos)
{
	struct fat_dir_cursor c;
	struct fat_dirent *de;
	unsigned run = 0;
	u64 slot;
	int err;

	fat_dir_begin(&c, dir, 0);
	*pos = 0;
	while (run < nr && !(err = fat_dir_next(&c, &de, &slot))) {
		if (de->name[0] && de->name[0] != FAT_DELETED) {
			run = 0;
			*pos = c.pos;
		} else {
			run++;
		}
	}
	fat_dir_end(&c);
	return run == nr ? 0 : err;
}

static int find_room(struct inode *dir, unsigned nr, u64 *pos)
{
	int err;

	while ((err = find_free(dir, nr, pos)) == -ENOENT) {
		err = dir_grow(dir);
		if (err)
			return err;
	}
	return err;
}

/* --- adding ----------------------------------------------------------------------------------- */

static const u8 lfn_offsets[FAT_LFN_CHARS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

/* Part `number` (from 1) of a long name of `nr` parts. */
static void make_long(struct fat_dirent *de, const struct fat_name *n, unsigned number, unsigned nr,
		      u8 checksum)
{
	u8 *raw = (u8 *)de;

	memset(raw, 0, FAT_DIRENT_SIZE);
	raw[0] = (u8)(number | (number == nr ? FAT_LFN_LAST : 0));
	raw[11] = FAT_ATTR_LFN;
	raw[13] = checksum;
	for (unsigned i = 0; i < FAT_LFN_CHARS; i++) {
		unsigned at = (number - 1) * FAT_LFN_CHARS + i;

		fat_put16(raw + lfn_offsets[i], at < n->len    ? n->chars[at]
						: at == n->len ? 0
							       : 0xffff);
	}
}

/* Write the slots of the new entry from c on, the entry proper last. */
static int write_slots(struct fat_dir_cursor *c, const struct fat_name *n,
		       const struct fat_dirent *de, struct fat_entry *e)
{
	u8 checksum = fat_short_checksum(de->name);
	struct fat_dirent *at;
	int err;

	for (unsigned left = e->nr; left; left--) {
		err = fat_dir_next(c, &at, &e->slot);
		if (err)
			return err;
		if (left > 1)
			make_long(at, n, left - 1, e->nr - 1, checksum);
		else
			*at = *de;
		buffer_mark_dirty(c->buffer);
	}
	return 0;
}

/* Mark up to `nr` slots from `pos` on as deleted. */
static int delete_slots(struct inode *dir, u64 pos, unsigned nr)
{
	struct fat_dir_cursor c;
	struct fat_dirent *at;
	u64 slot;
	int err = 0;

	fat_dir_begin(&c, dir, pos);
	while (nr-- && !(err = fat_dir_next(&c, &at, &slot))) {
		at->name[0] = FAT_DELETED;
		buffer_mark_dirty(c.buffer);
	}
	fat_dir_end(&c);
	return err;
}

int fat_entry_add(struct inode *dir, const struct fat_name *n, const struct fat_dirent *de,
		  struct fat_entry *e)
{
	struct fat_dir_cursor c;
	int err;

	e->nr = 1 + (n ? DIV_ROUND_UP(n->len, FAT_LFN_CHARS) : 0);
	err = find_room(dir, e->nr, &e->pos);
	if (err)
		return err;
	fat_dir_begin(&c, dir, e->pos);
	err = write_slots(&c, n, de, e);
	if (err)
		(void)until_memory(delete_slots(
			dir, e->pos, (unsigned)((c.pos - e->pos) / FAT_DIRENT_SIZE)));
	fat_dir_end(&c);
	return err;
}

int fat_entry_remove(struct inode *dir, const struct fat_entry *e)
{
	int err = delete_slots(dir, e->pos + (u64)(e->nr - 1) * FAT_DIRENT_SIZE, 1);

	return err || e->nr == 1 ? err : until_memory(delete_slots(dir, e->pos, e->nr - 1));
}

/* --- new directories -------------------------------------------------------------------------- */

static void fill_dot(const struct fat_sb *fs, struct fat_dirent *de, const char *name, u32 cluster,
		     s64 now)
{
	memset(de, 0, sizeof(*de));
	memcpy(de->name, name, 11);
	de->attr = FAT_ATTR_DIR;
	fat_dirent_set_start(de, cluster);
	fat_time_encode(fs, now, de->time, de->date, NULL);
	if (fs->vfat) {
		fat_time_encode(fs, now, de->ctime, de->cdate, &de->ctime_cs);
		memcpy(de->adate, de->cdate, 2);
	}
}

/* What ".." says of a parent: 0 for the root, wherever that is. */
static u32 parent_cluster(const struct inode *parent)
{
	return parent == parent->sb->root->inode ? 0 : fat_i(parent)->start;
}

int fat_dir_make(struct inode *parent, s64 now, u32 *cluster)
{
	struct fat_sb *fs = fat_sb(parent->sb);
	struct buffer *b;
	u32 last, got;
	int err = fat_alloc(fs, 0, 1, cluster, &last, &got);

	if (err)
		return err;
	err = clear_cluster(fs, *cluster);
	if (!err)
		err = buffer_read(fs->bdev, fat_cluster_sector(fs, *cluster), &b);
	if (err) {
		fat_dir_unmake(fs, *cluster);
		return err;
	}
	fill_dot(fs, b->data, ".          ", *cluster, now);
	fill_dot(fs, (struct fat_dirent *)b->data + 1, "..         ", parent_cluster(parent), now);
	buffer_mark_dirty(b);
	buffer_put(b);
	return 0;
}

int fat_dotdot_set(struct inode *dir, u32 cluster)
{
	struct fat_dir_cursor c;
	struct fat_dirent *de;
	u64 slot;
	int err;

	fat_dir_begin(&c, dir, 0);
	while (!(err = fat_dir_next(&c, &de, &slot))) {
		if (!memcmp(de->name, "..         ", 11)) {
			fat_dirent_set_start(de, cluster);
			buffer_mark_dirty(c.buffer);
			break;
		}
	}
	fat_dir_end(&c);
	return err == -ENOENT
		       ? fat_error(fat_sb(dir->sb), "directory %llu has no \"..\"", dir->ino)
		       : err;
}
