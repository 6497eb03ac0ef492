/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Listing directories.
 *
 * A position must mean the same entry whatever is added and removed meanwhile, and whatever blocks
 * are cut.  Where the file system indexes directories it is therefore the hash of the name:
 * listings go in the order of hashes, "." and ".." first, from the leaf that holds the position.  A
 * directory of one block is listed so, too, as it may become an indexed one.  Others have bytes as
 * positions.
 *
 * An open file keeps the sorted entries of the leaf it is in; they point into its block, which does
 * not change as long as the directory's change count does not.  Names of equal hash share a
 * position: going on within them works by that memory alone, and after a change they may come
 * twice.
 */
#include <fs/vfs/dir.h>
#include <fs/vfs/file.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "dir_internal.h"

#define POS_END      ((loff_t)(~0ull >> 1)) /* of listings by hash */
#define HASH_NO_MORE (~0u)
#define MAX_HELD     4096u /* leaves that equal hashes may chain */

struct listed {
	loff_t pos;
	const struct ext4_dirent *de; /* in a held block */
};

/* file->private of a directory listed by hash.  Locks: the file's position. */
struct listing {
	bool filled;
	u32 seq;       /* ext4_inode.dir_seq it is true for */
	loff_t pos;    /* of entry[next], or where the batch behind begins */
	u32 next_hash; /* where that batch begins, HASH_NO_MORE: nowhere */
	u32 next, count, room;
	struct listed *entry;
	u32 held, held_room;
	struct buffer **block;
};

static bool listed_by_hash(const struct inode *dir)
{
	const struct ext4_super *es = ext4_inode_super(dir);

	if (!ext4_has_compat(es, EXT4_COMPAT_DIR_INDEX))
		return false;
	return (ext4_inode(dir)->flags & EXT4_INDEX_FL) ||
	       (ext4_dir_blocks(dir) == 1 && es->hash_version <= EXT4_HASH_TEA_UNSIGNED);
}

static loff_t hash_pos(u32 major, u32 minor)
{
	return (loff_t)(major >> 1) << 32 | minor;
}

/* The memory of a listing */

static void listing_empty(struct listing *l)
{
	while (l->held)
		buffer_put(l->block[--l->held]);
	l->count = l->next = 0;
	l->filled = false;
}

static void listing_free(struct listing *l)
{
	if (!l)
		return;
	listing_empty(l);
	kvfree(l->entry);
	kvfree(l->block);
	kfree(l);
}

/* *array, of *room elements with `used` in use, gets more. */
static int grow(void **array, u32 *room, u32 used, size_t size, u32 first)
{
	u32 more = *room ? *room * 2 : first;
	void *fresh = kvmalloc((size_t)more * size, GFP_KERNEL);

	if (!fresh)
		return -ENOMEM;
	if (used)
		memcpy(fresh, *array, used * size);
	kvfree(*array);
	*array = fresh;
	*room = more;
	return 0;
}

/* Takes over the reference to `b`, also when it fails. */
static int listing_hold(struct listing *l, struct buffer *b)
{
	int err = l->held == MAX_HELD ? -EFSCORRUPTED : 0;

	if (!err && l->held == l->held_room)
		err = grow((void **)&l->block, &l->held_room, l->held, sizeof(*l->block), 4);
	if (err)
		buffer_put(b);
	else
		l->block[l->held++] = b;
	return err;
}

static int listing_put(struct listing *l, loff_t pos, const struct ext4_dirent *de)
{
	if (unlikely(l->count == l->room)) {
		int err = grow((void **)&l->entry, &l->room, l->count, sizeof(*l->entry), 128);

		if (err)
			return err;
	}
	l->entry[l->count++] = (struct listed){pos, de};
	return 0;
}

/* "." and "..", whose hashes are 0 and 2 in listings. */
static bool dots_hash(const struct ext4_dirent *de, struct ext4_hash *h)
{
	if (de->name[0] != '.' || (de->name_len == 2 && de->name[1] != '.') || de->name_len > 2)
		return false;
	*h = (struct ext4_hash){de->name_len == 1 ? 0 : 2, 0};
	return true;
}

/* Entries of a held block at or behind `from`. */
static int take_block(struct inode *dir, struct listing *l, const void *block, u32 end,
		      unsigned version, loff_t from)
{
	const u32 *seed = ext4_inode_super(dir)->hash_seed;

	for (u32 off = 0; off < end;) {
		const struct ext4_dirent *de = ext4_dirent_at(block, off);
		struct ext4_hash h;
		int err;

		if (ext4_dirent_fault(block, end, off, ~0u))
			return -EFSCORRUPTED;
		off += de->rec_len;
		if (!de->inode)
			continue;
		if (!dots_hash(de, &h)) {
			err = ext4_name_hash(version, seed, de->name, de->name_len, &h);
			if (err)
				return err;
		}
		if (hash_pos(h.major, h.minor) < from)
			continue;
		err = listing_put(l, hash_pos(h.major, h.minor), de);
		if (err)
			return err;
	}
	return 0;
}

/* By Shell's method: the entries of a leaf are a few dozen, and comparing costs no call. */
static void listing_sort(struct listed *e, u32 n)
{
	static const u16 gaps[] = {10000, 1750, 701, 301, 132, 57, 23, 10, 4, 1};

	for (unsigned g = 0; g < ARRAY_SIZE(gaps); g++) {
		u32 gap = gaps[g];

		for (u32 i = gap; i < n; i++) {
			struct listed x = e[i];
			u32 k = i;

			for (; k >= gap && e[k - gap].pos > x.pos; k -= gap)
				e[k] = e[k - gap];
			e[k] = x;
		}
	}
}

/* The leaf the way leads to. */
static int take_leaf(struct inode *dir, struct listing *l, const struct ext4_htree *t, loff_t from)
{
	struct buffer *b;
	int err = ext4_dir_read(dir, ext4_htree_leaf(t), EXT4_DIR_LEAF, &b);

	if (!err)
		err = listing_hold(l, b);
	return err ?: take_block(dir, l, b->data, ext4_leaf_end(dir), t->version, from);
}

static int take_dots(struct inode *dir, struct listing *l, const struct ext4_htree *t, loff_t from)
{
	struct buffer *root = t->frame[0].b;
	int err;

	if (from > hash_pos(2, 0))
		return 0;
	buffer_hold(root);
	err = listing_hold(l, root);
	return err ?: take_block(dir, l, root->data, root->size, t->version, from);
}

/* Leaves from the one that holds `from` until there is an entry, and on as long as equal hashes do.
 */
static int fill_indexed(struct inode *dir, struct listing *l, loff_t from)
{
	struct ext4_htree t;
	u32 hash = 0;
	int err, more = 1;

	t.hash.major = (u32)(from >> 32) << 1;
	err = ext4_htree_begin(dir, NULL, 0, &t);
	if (err)
		return err;
	err = take_dots(dir, l, &t, from);
	while (!err) {
		err = take_leaf(dir, l, &t, from);
		if (!err)
			more = ext4_htree_next(dir, &t, &hash);
		if (!err && more < 0)
			err = more;
		if (!more || (l->count && !(hash & 1)))
			break;
	}
	l->next_hash = more > 0 ? hash & ~1u : HASH_NO_MORE;
	ext4_htree_end(&t);
	if (err || l->next_hash == HASH_NO_MORE || hash_pos(l->next_hash, 0) > from)
		return err;
	/* Going there would be going round in circles. */
	ext4_error(dir->sb, dir, 0, "directory index: hashes are not in order");
	return -EFSCORRUPTED;
}

static int fill_single(struct inode *dir, struct listing *l, loff_t from)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	struct buffer *b;
	int err = ext4_dir_read(dir, 0, EXT4_DIR_LEAF, &b);

	l->next_hash = HASH_NO_MORE;
	if (!err)
		err = listing_hold(l, b);
	return err
		       ?: take_block(dir, l, b->data, ext4_leaf_end(dir),
				     ext4_hash_version(es, es->hash_version), from);
}

/* The batch that `from` is in.  Locks: inode R. */
static int listing_fill(struct inode *dir, struct listing *l, loff_t from)
{
	int err;

	listing_empty(l);
	err = ext4_dir_is_indexed(dir) ? fill_indexed(dir, l, from) : fill_single(dir, l, from);
	if (err) {
		listing_empty(l);
		return err;
	}
	listing_sort(l->entry, l->count);
	l->seq = ext4_inode(dir)->dir_seq;
	l->pos = from;
	l->filled = true;
	return 0;
}

/* Emit what is left of the batch.  False: the reader has enough. */
static bool listing_emit(struct inode *dir, struct listing *l, struct dir_context *ctx)
{
	for (; l->next < l->count; l->next++) {
		const struct listed *e = &l->entry[l->next];

		l->pos = ctx->pos = e->pos;
		if (!dir_emit(ctx, e->de->name, e->de->name_len, e->de->inode,
			      ext4_dirent_dt(dir->sb, e->de->file_type)))
			return false;
	}
	l->pos = ctx->pos = l->next_hash == HASH_NO_MORE ? POS_END : hash_pos(l->next_hash, 0);
	return true;
}

static int iterate_hash(struct inode *dir, struct listing *l, struct dir_context *ctx)
{
	while (ctx->pos < POS_END) {
		if (!l->filled || l->seq != ext4_inode(dir)->dir_seq || l->pos != ctx->pos ||
		    l->next == l->count) {
			int err = listing_fill(dir, l, ctx->pos);

			if (err)
				return err;
		}
		if (!listing_emit(dir, l, ctx))
			break;
	}
	return 0;
}

/* By bytes */

/* Entries of one block from ctx->pos on.  1: the reader has enough. */
static int emit_block(struct inode *dir, struct dir_context *ctx, const struct buffer *b, u32 end)
{
	loff_t base = ctx->pos & ~(loff_t)(b->size - 1);

	for (u32 off = 0; off < end;) {
		const struct ext4_dirent *de = ext4_dirent_at(b->data, off);

		if (ext4_dirent_fault(b->data, end, off, ~0u))
			return -EFSCORRUPTED;
		if (de->inode && base + off >= ctx->pos) {
			ctx->pos = base + off;
			if (!dir_emit(ctx, de->name, de->name_len, de->inode,
				      ext4_dirent_dt(dir->sb, de->file_type)))
				return 1;
			ctx->pos++;
		}
		off += de->rec_len;
	}
	ctx->pos = base + b->size;
	return 0;
}

static int iterate_bytes(struct inode *dir, struct dir_context *ctx)
{
	while (ctx->pos < dir->size) {
		u32 lblock = (u32)(ctx->pos >> dir->sb->blkbits);
		struct buffer *b;
		int err = ext4_dir_read(dir, lblock, EXT4_DIR_ANY, &b);

		if (err)
			return err;
		err = emit_block(dir, ctx, b, ext4_dir_any_end(dir, lblock, b));
		buffer_put(b);
		if (err)
			return err < 0 ? err : 0;
	}
	return 0;
}

/* Operations */

static int ext4_iterate(struct file *file, struct dir_context *ctx)
{
	struct inode *dir = file->inode;
	u32 blocks = ext4_dir_blocks(dir);
	int err;

	if (!ctx->pos && blocks > 1)
		ext4_block_readahead(dir, 0, min(blocks, 32u));
	if (!listed_by_hash(dir))
		return iterate_bytes(dir, ctx);
	if (!file->private)
		file->private = kzalloc(sizeof(struct listing), GFP_KERNEL);
	if (!file->private)
		return -ENOMEM;
	err = iterate_hash(dir, file->private, ctx);
	return err == EXT4_HTREE_BAD ? iterate_bytes(dir, ctx) : err;
}

static loff_t ext4_dir_lseek(struct file *file, loff_t offset, int whence)
{
	struct inode *dir = file->inode;

	if (listed_by_hash(dir))
		return generic_lseek_size(file, offset, whence, POS_END, POS_END);
	return generic_lseek_size(file, offset, whence, dir->sb->max_bytes, dir->size);
}

static ssize_t ext4_dir_read_iter(struct file *file, struct iov_iter *to, loff_t *pos)
{
	return -EISDIR;
}

static int ext4_dir_release(struct file *file)
{
	listing_free(file->private);
	return 0;
}

const struct file_ops ext4_dir_ops = {
	.read_iter = ext4_dir_read_iter,
	.lseek = ext4_dir_lseek,
	.iterate = ext4_iterate,
	.ioctl = ext4_ioctl,
	.release = ext4_dir_release,
	.fsync = ext4_fsync,
};
