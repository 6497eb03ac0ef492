/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading directories.
 *
 * A directory is a sequence of 32-byte slots.  A long name takes the slots before the entry of its
 * file, last part first, each with a number, and a checksum of the short name that ties them to it;
 * a sequence that is not right to the last detail is passed over and the short name counts.
 *
 * Slots that begin with zero are free like deleted ones, and the search goes on behind them, as on
 * Linux: some systems leave them in the middle.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <fs/vfs/dir.h>
#include <mm/alloc.h>

#include "fat_internal.h"

/* --- slots ------------------------------------------------------------------------------------ */

void fat_dir_begin(struct fat_dir_cursor *c, struct inode *dir, u64 pos)
{
	*c = (struct fat_dir_cursor){.dir = dir, .pos = pos};
}

void fat_dir_end(struct fat_dir_cursor *c)
{
	buffer_put(c->buffer);
	c->buffer = NULL;
}

/* The block that holds byte `pos` of a directory; -ENOENT behind its end. */
static int dir_block(struct inode *dir, u64 pos, u64 *block)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	u32 cluster, count;
	int err;

	if (pos >= FAT_DIR_MAX_BYTES)
		return -ENOENT;
	if (fat_is_fixed_root(dir)) {
		*block = fs->root_start + (pos >> fs->sb->blkbits);
		return pos < (u64)fs->root_entries * FAT_DIRENT_SIZE ? 0 : -ENOENT;
	}
	err = fat_chain_map(dir, (u32)(pos >> fs->cluster_bits), 1, &cluster, &count);
	if (err || !count)
		return err ? err : -ENOENT;
	*block = fat_cluster_sector(fs, cluster) +
		 ((pos & ((1u << fs->cluster_bits) - 1)) >> fs->sb->blkbits);
	return 0;
}

int fat_dir_next(struct fat_dir_cursor *c, struct fat_dirent **out, u64 *slot)
{
	struct superblock *sb = c->dir->sb;
	unsigned in_block = c->pos & (sb->blocksize - 1);
	u64 block;
	int err;

	if (!c->buffer || !in_block) {
		fat_dir_end(c);
		err = dir_block(c->dir, c->pos, &block);
		if (!err)
			err = buffer_read(fat_sb(sb)->bdev, block, &c->buffer);
		if (err) {
			c->buffer = NULL;
			return err;
		}
		c->block = block;
	}
	*out = (struct fat_dirent *)((char *)c->buffer->data + in_block);
	*slot = c->block * (sb->blocksize / FAT_DIRENT_SIZE) + in_block / FAT_DIRENT_SIZE;
	c->pos += FAT_DIRENT_SIZE;
	return 0;
}

/* --- entries ---------------------------------------------------------------------------------- */

/* A long name coming in, last part first. */
struct long_name {
	unsigned slots, missing; /* 0: none in progress */
	u8 checksum;
	u64 pos;
	u16 chars[20 * FAT_LFN_CHARS];
};

static const u8 lfn_offsets[FAT_LFN_CHARS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};

static void long_feed(struct long_name *l, const struct fat_dirent *de, u64 pos)
{
	const u8 *raw = (const u8 *)de;
	unsigned number = raw[0] & ~(unsigned)FAT_LFN_LAST & 0x3f;

	if (raw[0] & FAT_LFN_LAST && number && number <= 20) {
		l->slots = l->missing = number;
		l->checksum = raw[13];
		l->pos = pos;
	} else if (!l->missing || number != l->missing || raw[13] != l->checksum) {
		l->slots = 0;
		return;
	}
	l->missing = number - 1;
	for (unsigned i = 0; i < FAT_LFN_CHARS; i++)
		l->chars[l->missing * FAT_LFN_CHARS + i] = fat_get16(raw + lfn_offsets[i]);
}

/* Does the long name belong to the entry?  Then *name is it. */
static bool long_complete(const struct long_name *l, const struct fat_dirent *de,
			  struct fat_name *name)
{
	unsigned len = 0, max = l->slots * FAT_LFN_CHARS;

	if (!l->slots || l->missing || l->checksum != fat_short_checksum(de->name))
		return false;
	while (len < max && l->chars[len])
		len++;
	if (!len || len > FAT_LFN_MAX)
		return false;
	for (unsigned i = 0; i < len; i++) {
		if (l->chars[i] == '/')
			return false;
	}
	memcpy(name->chars, l->chars, len * sizeof(u16));
	name->len = len;
	return true;
}

static void entry_fill(struct fat_sb *fs, struct fat_entry *e, const struct long_name *l,
		       const struct fat_dirent *de, u64 pos)
{
	e->de = *de;
	e->short_len = fat_short_decode(fs, de, e->short_chars);
	e->is_long = fs->vfat && long_complete(l, de, &e->name);
	e->pos = e->is_long ? l->pos : pos;
	e->nr = (unsigned)((pos - e->pos) / FAT_DIRENT_SIZE) + 1;
	if (!e->is_long) {
		memcpy(e->name.chars, e->short_chars, e->short_len * sizeof(u16));
		e->name.len = e->short_len;
	}
}

static bool is_free(const struct fat_dirent *de)
{
	return !de->name[0] || de->name[0] == FAT_DELETED;
}

/* A short name with a slash or nothing in it is of no use to anybody. */
static bool is_usable(const struct fat_entry *e)
{
	for (unsigned i = 0; i < e->name.len; i++) {
		if (e->name.chars[i] == '/' || !e->name.chars[i])
			return false;
	}
	return e->name.len != 0;
}

int fat_entry_next(struct fat_dir_cursor *c, struct fat_entry *e)
{
	struct long_name l = {.slots = 0};
	struct fat_dirent *de;
	int err;

	for (;;) {
		u64 pos = c->pos;

		err = fat_dir_next(c, &de, &e->slot);
		if (err)
			return err;
		if (is_free(de)) {
			l.slots = 0;
		} else if (de->attr == FAT_ATTR_LFN) {
			long_feed(&l, de, pos);
		} else if (de->attr & FAT_ATTR_VOLUME) {
			l.slots = 0;
		} else {
			entry_fill(fat_sb(c->dir->sb), e, &l, de, pos);
			if (is_usable(e))
				return 0;
			l.slots = 0;
		}
	}
}

static bool is_dot_entry(const struct fat_entry *e)
{
	return e->de.name[0] == '.';
}

int fat_entry_find(struct inode *dir, const struct fat_name *name, struct fat_entry *e)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	struct fat_dir_cursor c;
	int err;

	fat_dir_begin(&c, dir, 0);
	while (!(err = fat_entry_next(&c, e))) {
		if (is_dot_entry(e))
			continue;
		if (fat_name_equal(fs, e->name.chars, e->name.len, name->chars, name->len))
			break;
		if (e->is_long &&
		    fat_name_equal(fs, e->short_chars, e->short_len, name->chars, name->len))
			break;
	}
	fat_dir_end(&c);
	return err;
}

int fat_entry_of(struct inode *dir, const struct inode *inode, struct fat_entry *e)
{
	u64 slot = fat_i(inode)->slot;
	struct fat_dir_cursor c;
	int err;

	fat_dir_begin(&c, dir, 0);
	while (!(err = fat_entry_next(&c, e)) && e->slot != slot)
		continue;
	fat_dir_end(&c);
	return err == -ENOENT ? fat_error(fat_sb(dir->sb), "an entry of directory %llu vanished",
					  dir->ino)
			      : err;
}

int fat_dir_is_empty(struct inode *dir)
{
	struct fat_dir_cursor c;
	struct fat_entry e;
	int err;

	fat_dir_begin(&c, dir, 0);
	do
		err = fat_entry_next(&c, &e);
	while (!err && is_dot_entry(&e));
	fat_dir_end(&c);
	return err == -ENOENT ? 0 : err ? err : -ENOTEMPTY;
}

int fat_dir_count_subdirs(struct inode *dir, u32 *out)
{
	struct fat_dir_cursor c;
	struct fat_dirent *de;
	u64 slot;
	int err;

	*out = 0;
	fat_dir_begin(&c, dir, 0);
	while (!(err = fat_dir_next(&c, &de, &slot))) {
		if (!is_free(de) && de->attr != FAT_ATTR_LFN && !(de->attr & FAT_ATTR_VOLUME) &&
		    de->attr & FAT_ATTR_DIR && de->name[0] != '.')
			++*out;
	}
	fat_dir_end(&c);
	return err == -ENOENT ? 0 : err;
}

/* --- listing ---------------------------------------------------------------------------------- */

/* Positions: 0 and 1 are "." and "..", then two more than the byte in the directory. */
#define LIST_BASE 2

static bool emit_entry(struct dir_context *ctx, struct superblock *sb, const struct fat_entry *e,
		       char *buf)
{
	size_t len = fat_name_encode(fat_sb(sb), e->name.chars, e->name.len, buf, FAT_NAME_BYTES);

	return dir_emit(ctx, buf, len, fat_slot_ino(sb, e->slot),
			e->de.attr & FAT_ATTR_DIR ? DT_DIR : DT_REG);
}

static int list_entries(struct inode *dir, struct dir_context *ctx, char *buf)
{
	struct fat_dir_cursor c;
	struct fat_entry e;
	int err;

	fat_dir_begin(&c, dir, (u64)(ctx->pos - LIST_BASE) & ~(u64)(FAT_DIRENT_SIZE - 1));
	while (!(err = fat_entry_next(&c, &e))) {
		if (!is_dot_entry(&e) && !emit_entry(ctx, dir->sb, &e, buf))
			break;
		ctx->pos = (loff_t)c.pos + LIST_BASE;
	}
	fat_dir_end(&c);
	return err == -ENOENT ? 0 : err;
}

static int fat_iterate(struct file *file, struct dir_context *ctx)
{
	char *buf;
	int err;

	if (!dir_emit_dots(file, ctx))
		return 0;
	buf = kmalloc(FAT_NAME_BYTES, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	err = list_entries(file->inode, ctx, buf);
	kfree(buf);
	return err;
}

const struct file_ops fat_dir_ops = {
	.lseek = generic_lseek,
	.iterate = fat_iterate,
	.ioctl = fat_ioctl,
	.fsync = fat_fsync,
};
