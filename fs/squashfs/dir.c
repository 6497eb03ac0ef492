/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories: listing and looking up.
 *
 * A listing is in the directory table: a header for up to 256 entries, whose inodes are all in one
 * metadata block and have numbers near each other, then these entries; and so on.  Names are in
 * order. A large directory has an index behind its inode: for some headers their byte in the
 * listing, their metadata block, and their first name.
 *
 * Positions are 0 and 1 for "." and "..", then 3 more than the byte in the listing, as the size is.
 */
#include <fs/vfs/dir.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>

#include "squashfs_internal.h"

#define DOTS         3u
#define HEADER_BYTES 12u
#define ENTRY_BYTES  8u
#define MAX_COUNT    256u

/* --- walking ---------------------------------------------------------------------------------- */

struct walk {
	struct inode *dir;
	struct sq_sb *fs;
	struct sq_cursor at;
	u64 pos, end; /* bytes of the listing */
	u32 count;    /* entries to come of this header */
	u32 block, base; /* its inodes: metadata block in the inode table, number */
	/* The entry at hand. */
	u64 ref;
	u32 ino;
	unsigned type, len;
	char name[SQ_NAME_MAX + 1];
};

static u64 listing_bytes(const struct inode *dir)
{
	return dir->size > DOTS ? (u64)dir->size - DOTS : 0;
}

static int walk_read(struct walk *w, void *to, u32 len)
{
	if (len > w->end - w->pos)
		return sq_error(w->fs, "directory %llu ends in an entry", w->dir->ino);
	w->pos += len;
	return sq_meta_read(w->fs, &w->at, to, len);
}

static int read_header(struct walk *w)
{
	u8 raw[HEADER_BYTES];
	int err = walk_read(w, raw, sizeof(raw));

	if (err)
		return err;
	w->count = get_unaligned_le32(raw) + 1;
	w->block = get_unaligned_le32(raw + 4);
	w->base = get_unaligned_le32(raw + 8);
	return w->count - 1 < MAX_COUNT
		       ? 0
		       : sq_error(w->fs, "directory %llu has a header for %u entries", w->dir->ino,
				  w->count);
}

static int read_entry(struct walk *w)
{
	u8 raw[ENTRY_BYTES];
	int err = walk_read(w, raw, sizeof(raw));

	if (err)
		return err;
	w->count--;
	w->ref = (u64)w->block << 16 | get_unaligned_le16(raw);
	w->ino = w->base + (u32)(s16)get_unaligned_le16(raw + 2);
	w->type = get_unaligned_le16(raw + 4);
	w->len = get_unaligned_le16(raw + 6) + 1u;
	if (w->len > SQ_NAME_MAX)
		return sq_error(w->fs, "directory %llu has a name of %u bytes", w->dir->ino,
				w->len);
	err = walk_read(w, w->name, w->len);
	if (!err && (memchr(w->name, '/', w->len) || memchr(w->name, 0, w->len)))
		err = sq_error(w->fs, "directory %llu has a name that is none", w->dir->ino);
	return err;
}

/* -ENOENT at the end. */
static int walk_next(struct walk *w)
{
	int err;

	cond_resched();
	if (!w->count) {
		if (w->pos >= w->end)
			return -ENOENT;
		err = read_header(w);
		if (err)
			return err;
	}
	return read_entry(w);
}

/* --- the index -------------------------------------------------------------------------------- */

struct index_entry {
	u32 pos, block, len;
	char name[SQ_NAME_MAX + 1];
};

static int index_next(struct walk *w, struct sq_cursor *at, struct index_entry *e)
{
	u8 raw[12];
	int err = sq_meta_read(w->fs, at, raw, sizeof(raw));

	if (err)
		return err;
	e->pos = get_unaligned_le32(raw);
	e->block = get_unaligned_le32(raw + 4);
	e->len = get_unaligned_le32(raw + 8) + 1;
	if (!e->len || e->len > SQ_NAME_MAX)
		return sq_error(w->fs, "the index of directory %llu has a name of %u bytes",
				w->dir->ino, e->len);
	return sq_meta_read(w->fs, at, e->name, e->len);
}

/* As qsort compares: bytes, then length. */
static int name_compare(const char *a, unsigned alen, const char *b, unsigned blen)
{
	int order = memcmp(a, b, min(alen, blen));

	return order ? order : alen < blen ? -1 : alen > blen;
}

/* Is what the entry names not behind what is looked for? */
static bool index_is_before(const struct index_entry *e, const struct dentry *name, u64 pos)
{
	return name ? name_compare(e->name, e->len, name->name, name->len) <= 0 : e->pos <= pos;
}

/* Begin at the last header of the index that is not behind the name, or (NULL) the byte of the
 * listing. */
static int walk_skip(struct walk *w, const struct dentry *name, u64 pos)
{
	const struct sq_inode *si = sq_i(w->dir);
	struct sq_cursor at = si->dir.index;
	struct index_entry *e = kmalloc(sizeof(*e), GFP_KERNEL);
	int err = 0;

	if (!e)
		return -ENOMEM;
	for (u32 i = 0; i < si->dir.indexes && !err; i++) {
		err = index_next(w, &at, e);
		if (err || !index_is_before(e, name, pos))
			break;
		if (e->pos >= w->end) {
			err = sq_error(w->fs, "the index of directory %llu leads out of it",
				       w->dir->ino);
			break;
		}
		w->pos = e->pos;
		w->at.block = w->fs->dir_table + e->block;
		w->at.offset = (u32)((si->dir.at.offset + (u64)e->pos) % SQ_META_SIZE);
	}
	kfree(e);
	return err;
}

static int walk_begin(struct inode *dir, const struct dentry *name, u64 pos, struct walk **out)
{
	struct walk *w = kmalloc(sizeof(*w), GFP_KERNEL);
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->dir = dir;
	w->fs = sq_sb(dir->sb);
	w->at = sq_i(dir)->dir.at;
	w->pos = w->count = 0;
	w->end = listing_bytes(dir);
	if (sq_i(dir)->dir.indexes && (name || pos))
		err = walk_skip(w, name, pos);
	*out = w;
	if (err)
		kfree(w);
	return err;
}

/* --- listing ---------------------------------------------------------------------------------- */

static unsigned dirent_type(unsigned type)
{
	static const u8 types[] = {
		[SQ_DIR] = DT_DIR,   [SQ_FILE] = DT_REG, [SQ_SYMLINK] = DT_LNK, [SQ_BLOCK] = DT_BLK,
		[SQ_CHAR] = DT_CHR, [SQ_FIFO] = DT_FIFO, [SQ_SOCKET] = DT_SOCK,
	};

	return type < ARRAY_SIZE(types) ? types[type] : DT_UNKNOWN;
}

/* Entries from the byte `from` of the listing on. */
static int list(struct inode *dir, struct dir_context *ctx, u64 from)
{
	struct walk *w;
	u64 before;
	int err;

	if (from >= listing_bytes(dir))
		return 0;
	err = walk_begin(dir, NULL, from, &w);
	if (err)
		return err;
	for (before = w->pos; !(err = walk_next(w)); before = w->pos) {
		if (before < from)
			continue;
		if (!dir_emit(ctx, w->name, w->len, w->ino, dirent_type(w->type)))
			break;
		ctx->pos = (loff_t)(w->pos + DOTS);
	}
	kfree(w);
	return err == -ENOENT ? 0 : err;
}

static int sq_iterate(struct file *file, struct dir_context *ctx)
{
	if (!dir_emit_dots(file, ctx))
		return 0;
	if (ctx->pos < (loff_t)DOTS)
		ctx->pos = DOTS;
	return list(file->inode, ctx, (u64)ctx->pos - DOTS);
}

const struct file_ops sq_dir_ops = {
	.lseek = generic_lseek,
	.iterate = sq_iterate,
};

/* --- looking up ------------------------------------------------------------------------------- */

static int find(struct inode *dir, const struct dentry *dentry, u32 *ino, u64 *ref)
{
	struct walk *w;
	int err = listing_bytes(dir) ? walk_begin(dir, dentry, 0, &w) : -ENOENT;

	if (err)
		return err;
	while (!(err = walk_next(w))) {
		if (w->len == dentry->len && !memcmp(w->name, dentry->name, w->len))
			break;
		/* In order, at least by their first letters. */
		if ((u8)w->name[0] > (u8)dentry->name[0]) {
			err = -ENOENT;
			break;
		}
	}
	*ino = w->ino;
	*ref = w->ref;
	kfree(w);
	return err;
}

static int sq_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct inode *inode;
	u32 ino;
	u64 ref;
	int err;

	if (dentry->len > SQ_NAME_MAX)
		return -ENAMETOOLONG;
	err = find(dir, dentry, &ino, &ref);
	if (err == -ENOENT) {
		d_add(dentry, NULL);
		return 0;
	}
	if (!err)
		err = sq_iget(dir->sb, ino, ref, &inode);
	return err ? err : d_splice_alias(dentry, inode, alias);
}

const struct inode_ops sq_dir_inode_ops = {
	.lookup = sq_lookup,
	.getxattr = sq_getxattr,
	.listxattr = sq_listxattr,
};
