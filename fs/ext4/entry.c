/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries of directories: finding, adding and removing them, with or without an index.
 *
 * Two hints save searches.  A dentry's cookie says where its entry was last seen; since entries
 * move only within and between leaves, it is checked (an entry begins there, with that name and
 * inode) and otherwise forgotten.  A lookup that finds nothing, and a removal, remember where the
 * name would fit: a creation that follows goes there.  That place is void as soon as anything in
 * the directory changes.
 */
#include <fs/vfs/dir.h>
#include <kernel/lib/string.h>

#include "dir_internal.h"

/* Types */

u8 ext4_file_type(const struct superblock *sb, umode_t mode)
{
	static const u8 type[16] = {
		[S_IFREG >> 12] = EXT4_FT_REG_FILE, [S_IFDIR >> 12] = EXT4_FT_DIR,
		[S_IFCHR >> 12] = EXT4_FT_CHRDEV,   [S_IFBLK >> 12] = EXT4_FT_BLKDEV,
		[S_IFIFO >> 12] = EXT4_FT_FIFO,     [S_IFSOCK >> 12] = EXT4_FT_SOCK,
		[S_IFLNK >> 12] = EXT4_FT_SYMLINK,
	};

	return ext4_has_incompat(ext4_super(sb), EXT4_INCOMPAT_FILETYPE)
		       ? type[(mode & S_IFMT) >> 12]
		       : 0;
}

unsigned ext4_dirent_dt(const struct superblock *sb, u8 type)
{
	static const u8 dt[EXT4_FT_MAX] = {
		DT_UNKNOWN, DT_REG, DT_DIR, DT_CHR, DT_BLK, DT_FIFO, DT_SOCK, DT_LNK,
	};

	if (!ext4_has_incompat(ext4_super(sb), EXT4_INCOMPAT_FILETYPE) || type >= EXT4_FT_MAX)
		return DT_UNKNOWN;
	return dt[type];
}

/* Blocks */

static bool looks_like_node(const struct buffer *b)
{
	const struct ext4_dirent *de = (const void *)b->data;

	return !de->inode && de->rec_len == b->size;
}

/* What a block read as ANY is. */
static enum ext4_dirblock_kind kind_of(const struct inode *dir, u32 lblock, const struct buffer *b)
{
	if (!ext4_dir_is_indexed(dir))
		return EXT4_DIR_LEAF;
	if (!lblock)
		return EXT4_DIR_ROOT;
	return looks_like_node(b) ? EXT4_DIR_NODE : EXT4_DIR_LEAF;
}

u32 ext4_dir_any_end(const struct inode *dir, u32 lblock, const struct buffer *b)
{
	return kind_of(dir, lblock, b) == EXT4_DIR_LEAF ? ext4_leaf_end(dir) : b->size;
}

static int chain_check(struct inode *dir, u32 lblock, struct buffer *b)
{
	u32 end = ext4_dir_any_end(dir, lblock, b), off;
	const char *fault = ext4_dirblock_fault(b->data, end, ext4_inode_super(dir)->inodes, &off);

	if (!fault)
		return 0;
	ext4_error(dir->sb, dir, b->block, "directory block %u, offset %u: %s", lblock, off, fault);
	return -EFSCORRUPTED;
}

static int leaf_check(struct inode *dir, u32 lblock, struct buffer *b)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	int err;

	if (es->csum && !ext4_dirblock_tail_ok(b->data, b->size, ext4_inode(dir)->csum_seed)) {
		ext4_error(dir->sb, dir, b->block, "directory block %u: wrong checksum", lblock);
		return -EFSBADCRC;
	}
	err = chain_check(dir, lblock, b);
	if (!err)
		buffer_set(b, BUFFER_VERIFIED);
	return err;
}

/* Only what concerns the chain of entries, and the checksum: the index itself checks the rest. */
static int node_check(struct inode *dir, u32 lblock, struct buffer *b, bool root)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	const char *fault = ext4_htree_node_fault(b->data, b->size, root, es->csum);
	u32 off;

	if (root)
		fault = ext4_dirblock_fault(b->data, b->size, es->inodes, &off) ?: fault;
	if (!fault && es->csum && !ext4_htree_tail_ok(b->data, root, ext4_inode(dir)->csum_seed)) {
		ext4_error(dir->sb, dir, b->block, "index block %u: wrong checksum", lblock);
		return -EFSBADCRC;
	}
	if (fault) {
		ext4_error(dir->sb, dir, b->block, "index block %u: %s", lblock, fault);
		return -EFSCORRUPTED;
	}
	buffer_set(b, BUFFER_HTREE_VERIFIED);
	return 0;
}

static int block_check(struct inode *dir, u32 lblock, enum ext4_dirblock_kind kind,
		       struct buffer *b)
{
	bool any = kind == EXT4_DIR_ANY;

	if (any)
		kind = kind_of(dir, lblock, b);
	if (kind == EXT4_DIR_LEAF)
		return likely(buffer_test(b, BUFFER_VERIFIED)) ? 0 : leaf_check(dir, lblock, b);
	if (likely(buffer_test(b, BUFFER_HTREE_VERIFIED)))
		return 0;
	/* Whoever goes block by block does not need the index to be sound; only with checksums it
	 * must be. */
	if (any && !ext4_inode_super(dir)->csum)
		return chain_check(dir, lblock, b);
	return node_check(dir, lblock, b, kind == EXT4_DIR_ROOT);
}

int ext4_dir_read(struct inode *dir, u32 lblock, enum ext4_dirblock_kind kind, struct buffer **out)
{
	struct buffer *b = NULL;
	int err = ext4_block_read(dir, lblock, &b);

	if (err)
		return err;
	if (!b) {
		ext4_error(dir->sb, dir, 0, "directory block %u is a hole", lblock);
		return -EFSCORRUPTED;
	}
	err = block_check(dir, lblock, kind, b);
	if (err) {
		buffer_put(b);
		return err;
	}
	*out = b;
	return 0;
}

/* Finding */

/* The name in one block that is referenced by the caller; the reference moves to *e on success. */
static int block_find(struct inode *dir, u32 lblock, struct buffer *b, u32 end, const char *name,
		      u32 len, struct ext4_dirslot *slot, struct ext4_entry *e)
{
	int err = ext4_dirblock_find(b->data, end, name, len, slot);

	if (!err)
		*e = (struct ext4_entry){b, lblock, slot->off, slot->prev,
					 ext4_dirent_at(b->data, slot->off)->inode};
	else if (err == -EUCLEAN)
		ext4_error(dir->sb, dir, b->block, "directory block %u is not a chain of entries",
			   lblock);
	return err;
}

static void remember_room(struct inode *dir, const struct dentry *dentry, u32 lblock, u32 off)
{
	struct ext4_inode *ei = ext4_inode(dir);

	ei->room_for = dentry;
	ei->room_block = lblock;
	ei->room_offset = off;
}

/* Block after block, beginning where the last search ended. */
static int linear_find(struct inode *dir, const char *name, u32 len, const struct dentry *room_for,
		       struct ext4_entry *e)
{
	struct ext4_inode *ei = ext4_inode(dir);
	u32 blocks = ext4_dir_blocks(dir), lblock = ei->dir_start < blocks ? ei->dir_start : 0;

	for (u32 n = 0; n < blocks; n++, lblock = lblock + 1 < blocks ? lblock + 1 : 0) {
		struct ext4_dirslot slot;
		struct buffer *b;
		int err;

		if (n == 1)
			ext4_block_readahead(dir, lblock, min(blocks - lblock, 32u));
		err = ext4_dir_read(dir, lblock, EXT4_DIR_ANY, &b);
		if (err)
			return err;
		err = block_find(dir, lblock, b, ext4_dir_any_end(dir, lblock, b), name, len, &slot,
				 e);
		if (!err) {
			ei->dir_start = lblock;
			return 0;
		}
		buffer_put(b);
		if (err != -ENOENT)
			return err;
		if (room_for && slot.room != EXT4_DIR_NONE && !ei->room_for &&
		    !ext4_dir_is_indexed(dir))
			remember_room(dir, room_for, lblock, slot.room);
	}
	return -ENOENT;
}

static int leaf_find(struct inode *dir, u32 lblock, const char *name, u32 len,
		     struct ext4_dirslot *slot, struct ext4_entry *e)
{
	struct buffer *b;
	int err = ext4_dir_read(dir, lblock, EXT4_DIR_LEAF, &b);

	if (err)
		return err;
	err = block_find(dir, lblock, b, ext4_leaf_end(dir), name, len, slot, e);
	if (err)
		buffer_put(b);
	return err;
}

/* By the index; EXT4_HTREE_BAD: it cannot be used. */
static int indexed_find(struct inode *dir, const char *name, u32 len, const struct dentry *room_for,
			struct ext4_entry *e)
{
	struct ext4_htree t;
	struct ext4_dirslot slot;
	int err = ext4_htree_begin(dir, name, len, &t), more;

	if (err)
		return err;
	err = leaf_find(dir, ext4_htree_leaf(&t), name, len, &slot, e);
	if (err == -ENOENT && room_for && slot.room != EXT4_DIR_NONE)
		remember_room(dir, room_for, ext4_htree_leaf(&t), slot.room);
	while (err == -ENOENT) {
		more = ext4_htree_next_same(dir, &t);
		if (more <= 0) {
			err = more ?: -ENOENT;
			break;
		}
		err = leaf_find(dir, ext4_htree_leaf(&t), name, len, &slot, e);
	}
	ext4_htree_end(&t);
	return err;
}

int ext4_entry_find(struct inode *dir, const char *name, u32 len, const struct dentry *room_for,
		    struct ext4_entry *out)
{
	if (len > EXT4_NAME_LEN)
		return -ENAMETOOLONG;
	ext4_inode(dir)->room_for = NULL;
	if (ext4_dir_is_indexed(dir) && !name_is_dots(name, len)) {
		int err = indexed_find(dir, name, len, room_for, out);

		if (err != EXT4_HTREE_BAD)
			return err;
	}
	return linear_find(dir, name, len, room_for, out);
}

static bool entry_is(const struct ext4_dirent *de, u32 room, const struct dentry *dentry)
{
	return de->inode == dentry->inode->ino && de->name_len == dentry->len &&
	       de->rec_len <= room && EXT4_DIRENT_SIZE(dentry->len) <= de->rec_len &&
	       !memcmp(de->name, dentry->name, dentry->len);
}

/* Is the entry still where the cookie says?  No: -ENOENT. */
static int cookie_find(struct inode *dir, const struct dentry *dentry, struct ext4_entry *e)
{
	u32 lblock = (u32)(dentry->cookie >> 20), off = (u32)dentry->cookie & 0xffffe, prev;
	u32 end = ext4_leaf_end(dir);
	struct buffer *b;
	int err;

	if (!dentry->cookie || lblock >= ext4_dir_blocks(dir) ||
	    (!lblock && ext4_dir_is_indexed(dir)))
		return -ENOENT;
	err = ext4_dir_read(dir, lblock, EXT4_DIR_ANY, &b);
	if (err)
		return err;
	if (kind_of(dir, lblock, b) != EXT4_DIR_LEAF ||
	    ext4_dirblock_seek(b->data, end, off, &prev) ||
	    !entry_is(ext4_dirent_at(b->data, off), end - off, dentry)) {
		buffer_put(b);
		return -ENOENT;
	}
	*e = (struct ext4_entry){b, lblock, off, prev, (u32)dentry->inode->ino};
	return 0;
}

int ext4_entry_find_dentry(struct inode *dir, struct dentry *dentry, struct ext4_entry *out)
{
	int err = dentry->inode ? cookie_find(dir, dentry, out) : -ENOENT;

	if (err != -ENOENT)
		return err;
	err = ext4_entry_find(dir, dentry->name, dentry->len, NULL, out);
	if (!err)
		dentry->cookie = ext4_entry_cookie(out);
	return err;
}

/* Changing */

/* The directory's content changed: times, version, and what hints and listings rely on. */
static void dir_changed(struct inode *dir)
{
	struct ext4_inode *ei = ext4_inode(dir);
	s64 now = inode_now(dir);

	WRITE_ONCE(dir->mtime, now);
	WRITE_ONCE(dir->ctime, now);
	WRITE_ONCE(dir->version, dir->version + 1);
	ei->dir_seq++;
	ei->room_for = NULL;
}

int ext4_leaf_insert(struct handle *h, struct inode *dir, struct buffer *b, u32 room,
		     const struct dentry *dentry, u32 ino, umode_t mode, u32 *off)
{
	int err = journal_get_write(h, b);

	if (err)
		return err;
	*off = ext4_dirblock_insert(b->data, ext4_leaf_end(dir), ext4_inode_super(dir)->csum, room,
				    ino, ext4_file_type(dir->sb, mode), dentry->name, dentry->len);
	return journal_dirty(h, b);
}

int ext4_leaf_append(struct handle *h, struct inode *dir, u32 *lblock, struct buffer **out)
{
	int err = ext4_block_append(h, dir, lblock, out);

	if (!err) {
		buffer_clear(*out, BUFFER_HTREE_VERIFIED);
		buffer_set(*out, BUFFER_VERIFIED);
	}
	return err;
}

/* Where the lookup before saw room.  -ENOENT: it did not look, or too much happened since. */
static int hinted_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
		      umode_t mode, u32 *lblock, u32 *off)
{
	struct ext4_inode *ei = ext4_inode(dir);
	const struct ext4_dirent *de;
	struct buffer *b;
	int err;

	if (ei->room_for != dentry)
		return -ENOENT;
	err = ext4_dir_read(dir, ei->room_block, EXT4_DIR_LEAF, &b);
	if (err)
		return err;
	de = ext4_dirent_at(b->data, ei->room_offset);
	*lblock = ei->room_block;
	if (de->rec_len > ext4_leaf_end(dir) - ei->room_offset ||
	    !ext4_dirent_has_room(de, dentry->len))
		err = -ENOENT;
	else
		err = ext4_leaf_insert(h, dir, b, ei->room_offset, dentry, ino, mode, off);
	buffer_put(b);
	return err;
}

/* The first block with room.  -ENOSPC: none. */
static int linear_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
		      umode_t mode, u32 *lblock, u32 *off)
{
	u32 blocks = ext4_dir_blocks(dir), room;

	for (*lblock = 0; *lblock < blocks; (*lblock)++) {
		struct buffer *b;
		int err = ext4_dir_read(dir, *lblock, EXT4_DIR_ANY, &b);

		if (err)
			return err;
		err = ext4_dirblock_room(b->data, ext4_leaf_end(dir), dentry->len, &room);
		if (!err)
			err = ext4_leaf_insert(h, dir, b, room, dentry, ino, mode, off);
		buffer_put(b);
		if (err != -ENOSPC)
			return err;
	}
	return -ENOSPC;
}

static int append_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
		      umode_t mode, u32 *lblock, u32 *off)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	struct buffer *b;
	int err = ext4_leaf_append(h, dir, lblock, &b);

	if (err)
		return err;
	ext4_dirblock_clear(b->data, 0, ext4_leaf_end(dir));
	if (es->csum)
		ext4_dirblock_tail_set_sparse(b->data, b->size, ext4_inode(dir)->csum_seed,
					      sizeof(struct ext4_dirent));
	err = ext4_leaf_insert(h, dir, b, 0, dentry, ino, mode, off);
	buffer_put(b);
	return err;
}

/* The index is of no use: without checksums it may be given up, else somebody has to look. */
static int index_give_up(struct inode *dir)
{
	if (ext4_inode_super(dir)->csum)
		return -EFSCORRUPTED;
	ext4_inode(dir)->flags &= ~EXT4_INDEX_FL;
	return 0;
}

static int indexed_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
		       umode_t mode, u32 *lblock, u32 *off)
{
	int err = ext4_htree_add(h, dir, dentry, ino, mode, lblock, off);

	return err == EXT4_HTREE_BAD ? index_give_up(dir) ?: -EAGAIN : err;
}

static bool may_index(const struct inode *dir)
{
	const struct ext4_super *es = ext4_inode_super(dir);

	return ext4_has_compat(es, EXT4_COMPAT_DIR_INDEX) && ext4_dir_blocks(dir) == 1 &&
	       es->hash_version <= EXT4_HASH_TEA_UNSIGNED;
}

static int unindexed_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
			 umode_t mode, u32 *lblock, u32 *off)
{
	int err;

	ext4_inode(dir)->flags &= ~EXT4_INDEX_FL;
	err = linear_add(h, dir, dentry, ino, mode, lblock, off);
	if (err != -ENOSPC)
		return err;
	err = may_index(dir) ? ext4_htree_make(h, dir) : -ENOSPC;
	if (err == -ENOSPC)
		return append_add(h, dir, dentry, ino, mode, lblock, off);
	return err ?: indexed_add(h, dir, dentry, ino, mode, lblock, off);
}

int ext4_entry_add(struct handle *h, struct inode *dir, struct dentry *dentry, u32 ino,
		   umode_t mode)
{
	u32 lblock, off;
	int err;

	if (dentry->len > EXT4_NAME_LEN)
		return -ENAMETOOLONG;
	err = hinted_add(h, dir, dentry, ino, mode, &lblock, &off);
	if (err == -ENOENT)
		err = ext4_dir_is_indexed(dir)
			      ? indexed_add(h, dir, dentry, ino, mode, &lblock, &off)
			      : -EAGAIN;
	if (err == -EAGAIN)
		err = unindexed_add(h, dir, dentry, ino, mode, &lblock, &off);
	if (err)
		return err;
	dir_changed(dir);
	dentry->cookie = ext4_entry_cookie(&(struct ext4_entry){.lblock = lblock, .off = off});
	return 0;
}

/* Entries of block 0 of an indexed directory (".." alone changes) are followed by index and its own
 * checksum. */
static bool in_root(const struct inode *dir, const struct ext4_entry *e)
{
	return !e->lblock && ext4_dir_is_indexed(dir);
}

int ext4_entry_remove(struct handle *h, struct inode *dir, const struct dentry *dentry,
		      const struct ext4_entry *e)
{
	int err = journal_get_write(h, e->b);

	if (err)
		return err;
	ext4_dirblock_remove(e->b->data, ext4_leaf_end(dir), ext4_inode_super(dir)->csum, e->off,
			     e->prev);
	dir_changed(dir);
	remember_room(dir, dentry, e->lblock, e->prev == EXT4_DIR_NONE ? e->off : e->prev);
	return journal_dirty(h, e->b);
}

static int entry_write(struct handle *h, struct inode *dir, const struct ext4_entry *e, u32 ino,
		       umode_t mode)
{
	bool csum = ext4_inode_super(dir)->csum, root = in_root(dir, e);
	int err = journal_get_write(h, e->b);

	if (err)
		return err;
	ext4_dirblock_set(e->b->data, ext4_leaf_end(dir), csum && !root, e->off, ino,
			  ext4_file_type(dir->sb, mode));
	if (csum && root)
		ext4_htree_tail_set(e->b->data, true, ext4_inode(dir)->csum_seed);
	return journal_dirty(h, e->b);
}

int ext4_entry_set(struct handle *h, struct inode *dir, const struct ext4_entry *e, u32 ino,
		   umode_t mode)
{
	dir_changed(dir);
	return entry_write(h, dir, e, ino, mode);
}

int ext4_dir_set_parent(struct handle *h, struct inode *dir, const struct ext4_entry *up,
			u32 parent)
{
	ext4_inode(dir)->dir_seq++;
	return entry_write(h, dir, up, parent, S_IFDIR);
}

/* Whole directories */

int ext4_dir_init(struct handle *h, struct inode *dir, u32 parent)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	struct buffer *b;
	u32 lblock;
	int err = ext4_leaf_append(h, dir, &lblock, &b);

	if (err)
		return err;
	ext4_dirblock_dots(b->data, ext4_leaf_end(dir), dir->ino, parent,
			   ext4_file_type(dir->sb, S_IFDIR));
	if (es->csum)
		ext4_dirblock_tail_set_sparse(b->data, b->size, ext4_inode(dir)->csum_seed, 24);
	err = journal_dirty(h, b);
	buffer_put(b);
	return err;
}

/* "." first, then "..": what tells block 0 of a directory from a block of anything else. */
static bool dots_are_there(const struct inode *dir, const struct buffer *b, u32 end)
{
	const struct ext4_dirent *dot = (const void *)b->data, *up;

	if (dot->inode != dir->ino || dot->name_len != 1 || dot->name[0] != '.' ||
	    dot->rec_len > end - 12)
		return false;
	up = ext4_dirent_at(b->data, dot->rec_len);
	return up->inode && up->name_len == 2 && up->name[0] == '.' && up->name[1] == '.';
}

int ext4_dir_parent(struct inode *dir, struct ext4_entry *out)
{
	const struct ext4_dirent *dot;
	struct buffer *b;
	int err = ext4_dir_read(dir, 0, EXT4_DIR_ANY, &b);

	if (err)
		return err;
	if (!dots_are_there(dir, b, ext4_dir_any_end(dir, 0, b))) {
		ext4_error(dir->sb, dir, b->block,
			   "directory does not begin with \".\" and \"..\"");
		buffer_put(b);
		return -EFSCORRUPTED;
	}
	dot = (const void *)b->data;
	*out = (struct ext4_entry){b, 0, dot->rec_len, 0,
				   ext4_dirent_at(b->data, dot->rec_len)->inode};
	return 0;
}

int ext4_dir_is_empty(struct inode *dir)
{
	struct ext4_entry up;
	u32 blocks = ext4_dir_blocks(dir);
	int err = ext4_dir_parent(dir, &up);

	if (err)
		return err;
	ext4_entry_put(&up);
	for (u32 lblock = 0; lblock < blocks; lblock++) {
		struct buffer *b;

		err = ext4_dir_read(dir, lblock, EXT4_DIR_ANY, &b);
		if (err)
			return err;
		err = ext4_dirblock_empty(b->data, ext4_dir_any_end(dir, lblock, b));
		buffer_put(b);
		if (err <= 0)
			return err;
	}
	return 1;
}
