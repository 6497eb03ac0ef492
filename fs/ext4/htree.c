/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The index of a directory: a tree of hashes over its blocks.
 *
 * Block 0 is the root: "." and "..", then entries of (hash, block).  An entry's block holds the
 * names whose hashes are at or above its hash and below the next entry's; below the last index
 * level the blocks are leaves, ordinary blocks of entries in no order.  A driver without index sees
 * each index block as one unused entry that fills it.
 *
 * Names of equal hash can lie on both sides of a cut: the upper leaf's hash then has its lowest bit
 * set, which names' hashes never have.
 *
 * Growing: a full leaf is cut in two by hash, which needs a place in the index node above; a full
 * index node is cut likewise; a full root hands its entries to a new node below it.  Each step
 * leaves a correct tree, and adding begins anew from the root after every step above the leaf.
 */
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "dir_internal.h"

static u32 max_levels(const struct ext4_super *es)
{
	return ext4_has_incompat(es, EXT4_INCOMPAT_LARGEDIR) ? EXT4_HTREE_MAX_LEVELS_LARGEDIR
							     : EXT4_HTREE_MAX_LEVELS;
}

/* The way down */

void ext4_htree_end(struct ext4_htree *t)
{
	while (t->levels)
		buffer_put(t->frame[--t->levels].b);
}

static int bad_index(struct inode *dir, struct buffer *b, const char *fault)
{
	ext4_error(dir->sb, dir, b ? b->block : 0, "directory index: %s", fault);
	return EXT4_HTREE_BAD;
}

/* Counts once more: they bound what is read, and buffers outlive the check. */
static bool counts_ok(const struct ext4_htree_frame *f, u32 block_size, bool root, bool csum)
{
	const struct ext4_htree_count *c = ext4_htree_counts(f->entries);

	return c->count && c->count <= c->limit &&
	       c->limit == ext4_htree_limit(block_size, root, csum);
}

/* Take the node in block `lblock` as frame `level`. */
static int frame_enter(struct inode *dir, struct ext4_htree *t, u32 level, u32 lblock)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	struct ext4_htree_frame *f = &t->frame[level];
	int err;

	if (lblock >= ext4_dir_blocks(dir) || !lblock != !level)
		return bad_index(dir, NULL, "block is outside the directory");
	err = ext4_dir_read(dir, lblock, level ? EXT4_DIR_NODE : EXT4_DIR_ROOT, &f->b);
	if (err)
		return err == -EFSCORRUPTED ? EXT4_HTREE_BAD : err;
	f->entries = ext4_htree_entries(f->b->data, !level);
	f->at = 0;
	if (unlikely(!counts_ok(f, f->b->size, !level, es->csum))) {
		err = bad_index(dir, f->b, "wrong counts");
		buffer_put(f->b);
		return err;
	}
	t->levels = level + 1;
	return 0;
}

/* What the root says about the rest.  *depth: index nodes on the way to a leaf. */
static int read_root(struct inode *dir, struct ext4_htree *t, u32 *depth)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	const struct ext4_htree_info *info;
	const char *fault;
	int err = frame_enter(dir, t, 0, 0);

	if (err)
		return err;
	fault = ext4_htree_root_fault(t->frame[0].b->data, es->block_size, es->csum,
				      max_levels(es));
	if (unlikely(fault))
		return bad_index(dir, t->frame[0].b, fault);
	info = ext4_htree_root_info(t->frame[0].b->data);
	t->version = ext4_hash_version(es, info->hash_version);
	*depth = info->indirect_levels + 1;
	return 0;
}

int ext4_htree_begin(struct inode *dir, const char *name, u32 len, struct ext4_htree *t)
{
	u32 depth;
	int err;

	t->levels = 0;
	err = read_root(dir, t, &depth);
	if (!err && name)
		err = ext4_name_hash(t->version, ext4_inode_super(dir)->hash_seed, name, len,
				     &t->hash);
	while (!err) {
		struct ext4_htree_frame *f = &t->frame[t->levels - 1];

		f->at = ext4_htree_search(f->entries, ext4_htree_counts(f->entries)->count,
					  t->hash.major);
		if (t->levels == depth)
			break;
		err = frame_enter(dir, t, t->levels, ext4_htree_entry_block(&f->entries[f->at]));
	}
	if (!err && (!ext4_htree_leaf(t) || ext4_htree_leaf(t) >= ext4_dir_blocks(dir)))
		err = bad_index(dir, t->frame[t->levels - 1].b, "leaf is outside the directory");
	if (err)
		ext4_htree_end(t);
	return err;
}

u32 ext4_htree_leaf(const struct ext4_htree *t)
{
	const struct ext4_htree_frame *f = &t->frame[t->levels - 1];

	return ext4_htree_entry_block(&f->entries[f->at]);
}

/* The lowest level at which the way can go on to the right; `levels` of them: none. */
static u32 level_with_next(const struct ext4_htree *t)
{
	for (u32 level = t->levels; level--;) {
		if (t->frame[level].at + 1 < ext4_htree_counts(t->frame[level].entries)->count)
			return level;
	}
	return t->levels;
}

int ext4_htree_next(struct inode *dir, struct ext4_htree *t, u32 *hash)
{
	u32 depth = t->levels, level = level_with_next(t);
	struct ext4_htree_frame *f = &t->frame[level];
	int err;

	if (level == depth)
		return 0;
	*hash = f->entries[++f->at].hash;
	while (t->levels > level + 1)
		buffer_put(t->frame[--t->levels].b);
	while (t->levels < depth) {
		f = &t->frame[t->levels - 1];
		err = frame_enter(dir, t, t->levels, ext4_htree_entry_block(&f->entries[f->at]));
		if (err)
			return err == EXT4_HTREE_BAD ? -EFSCORRUPTED : err;
	}
	if (!ext4_htree_leaf(t) || ext4_htree_leaf(t) >= ext4_dir_blocks(dir)) {
		bad_index(dir, t->frame[depth - 1].b, "leaf is outside the directory");
		return -EFSCORRUPTED;
	}
	return 1;
}

int ext4_htree_next_same(struct inode *dir, struct ext4_htree *t)
{
	u32 level = level_with_next(t), hash;
	const struct ext4_htree_frame *f = &t->frame[level];

	if (level == t->levels || (f->entries[f->at + 1].hash & ~1u) != t->hash.major)
		return 0;
	return ext4_htree_next(dir, t, &hash);
}

/* Growing */

static int node_changed(struct handle *h, struct inode *dir, struct buffer *b, bool root)
{
	if (ext4_inode_super(dir)->csum)
		ext4_htree_tail_set(b->data, root, ext4_inode(dir)->csum_seed);
	return journal_dirty(h, b);
}

/* A new index block with the given entries. */
static int node_append(struct handle *h, struct inode *dir, const struct ext4_htree_entry *entries,
		       u32 count, u32 *lblock)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	struct ext4_htree_entry *to;
	struct buffer *b;
	int err = ext4_block_append(h, dir, lblock, &b);

	if (err)
		return err;
	ext4_dirblock_clear(b->data, 0, b->size);
	to = ext4_htree_entries(b->data, false);
	memcpy(to, entries, count * sizeof(*to));
	*ext4_htree_counts(to) =
		(struct ext4_htree_count){ext4_htree_limit(es->block_size, false, es->csum), count};
	buffer_clear(b, BUFFER_VERIFIED);
	buffer_set(b, BUFFER_HTREE_VERIFIED);
	err = node_changed(h, dir, b, false);
	buffer_put(b);
	return err;
}

/* Put (hash, lblock) into the index node at `level`, behind where the way goes through; it has a
 * place. */
static int index_insert(struct handle *h, struct inode *dir, struct ext4_htree *t, u32 level,
			u32 hash, u32 lblock)
{
	struct ext4_htree_frame *f = &t->frame[level];

	ext4_htree_insert(f->entries, f->at, hash, lblock);
	return node_changed(h, dir, f->b, !level);
}

/* Cut the full node at `level` > 0; the one above has a place. */
static int node_split(struct handle *h, struct inode *dir, struct ext4_htree *t, u32 level)
{
	struct ext4_htree_frame *f = &t->frame[level];
	struct ext4_htree_count *c = ext4_htree_counts(f->entries);
	u32 keep = c->count / 2, hash = f->entries[keep].hash, lblock;
	int err = journal_get_write(h, t->frame[level - 1].b);

	if (!err)
		err = journal_get_write(h, f->b);
	if (!err)
		err = node_append(h, dir, f->entries + keep, c->count - keep, &lblock);
	if (err)
		return err;
	c->count = keep;
	err = node_changed(h, dir, f->b, false);
	return err ?: index_insert(h, dir, t, level - 1, hash, lblock);
}

/* The full root's entries move into a new node, its only child. */
static int root_deepen(struct handle *h, struct inode *dir, struct ext4_htree *t)
{
	struct ext4_htree_frame *root = &t->frame[0];
	struct ext4_htree_count *c = ext4_htree_counts(root->entries);
	u32 lblock;
	int err;

	if (t->levels == max_levels(ext4_inode_super(dir))) {
		ext4_warn(dir->sb, "directory %llu: its index is full", dir->ino);
		return -ENOSPC;
	}
	err = journal_get_write(h, root->b);
	if (!err)
		err = node_append(h, dir, root->entries, c->count, &lblock);
	if (err)
		return err;
	c->count = 1;
	root->entries[0].block = lblock;
	ext4_htree_root_info(root->b->data)->indirect_levels++;
	return node_changed(h, dir, root->b, true);
}

static bool frame_is_full(const struct ext4_htree_frame *f)
{
	const struct ext4_htree_count *c = ext4_htree_counts(f->entries);

	return c->count == c->limit;
}

/* See that the lowest node has a place.  1: the tree changed above it; 0: it has. */
static int index_make_room(struct handle *h, struct inode *dir, struct ext4_htree *t)
{
	u32 level = t->levels;
	int err;

	while (level && frame_is_full(&t->frame[level - 1]))
		level--;
	if (level == t->levels)
		return 0;
	err = level ? node_split(h, dir, t, level) : root_deepen(h, dir, t);
	return err ?: 1;
}

static void leaf_seal(struct inode *dir, struct buffer *b)
{
	if (ext4_inode_super(dir)->csum)
		ext4_dirblock_tail_set(b->data, b->size, ext4_inode(dir)->csum_seed);
}

/* Move the upper entries of `leaf` to a new block `upper`.  *hash: where it begins. */
static int leaf_cut(struct handle *h, struct inode *dir, struct ext4_htree *t, struct buffer *leaf,
		    u32 *hash, u32 *lblock, struct buffer **upper)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	u32 end = ext4_leaf_end(dir), cut, used;
	struct ext4_dirmap *map = kmalloc_array(EXT4_DIRMAP_MAX(end), sizeof(*map), GFP_NOFS);
	int n, err;

	if (!map)
		return -ENOMEM;
	n = ext4_dirblock_map(leaf->data, end, t->version, es->hash_seed, map);
	err = n < 2 ? -EFSCORRUPTED : ext4_leaf_append(h, dir, lblock, upper);
	if (!err) {
		cut = ext4_dirmap_cut(map, n);
		*hash = map[cut].hash | (map[cut].hash == map[cut - 1].hash);
		used = ext4_dirblock_move(leaf->data, (*upper)->data, end, map + cut, n - cut);
		if (es->csum)
			ext4_dirblock_tail_set_sparse((*upper)->data, leaf->size,
						      ext4_inode(dir)->csum_seed, used);
		leaf_seal(dir, leaf);
	}
	kfree(map);
	return err;
}

/* Cut a full leaf; *leaf becomes the half where the new name belongs.  The index node above has a
 * place. */
static int leaf_split(struct handle *h, struct inode *dir, struct ext4_htree *t,
		      struct buffer **leaf, u32 *lblock)
{
	struct buffer *upper;
	u32 hash, upper_lblock;
	int err = journal_get_write(h, t->frame[t->levels - 1].b);

	if (!err)
		err = journal_get_write(h, *leaf);
	if (!err)
		err = leaf_cut(h, dir, t, *leaf, &hash, &upper_lblock, &upper);
	if (err)
		return err;
	err = index_insert(h, dir, t, t->levels - 1, hash, upper_lblock);
	if (!err)
		err = journal_dirty(h, *leaf);
	if (!err)
		err = journal_dirty(h, upper);
	if (t->hash.major >= hash) {
		swap(*leaf, upper);
		*lblock = upper_lblock;
	}
	buffer_put(upper);
	return err;
}

/* A leaf whose room is in many places is put in order instead, if that gains enough to last.
 * -ENOSPC: it does not. */
static int leaf_compact(struct handle *h, struct inode *dir, struct buffer *leaf, u32 len)
{
	u32 end = ext4_leaf_end(dir);
	int err;

	if (ext4_dirblock_used(leaf->data, end) + EXT4_DIRENT_SIZE(len) > end - end / 4)
		return -ENOSPC;
	err = journal_get_write(h, leaf);
	if (err)
		return err;
	ext4_dirblock_compact(leaf->data, end);
	leaf_seal(dir, leaf);
	return 0;
}

/* Into the leaf the way leads to.  1: the index changed, begin anew. */
static int leaf_add(struct handle *h, struct inode *dir, struct ext4_htree *t,
		    const struct dentry *dentry, u32 ino, umode_t mode, u32 *lblock, u32 *off)
{
	u32 end = ext4_leaf_end(dir), room;
	struct buffer *leaf;
	int err;

	*lblock = ext4_htree_leaf(t);
	err = ext4_dir_read(dir, *lblock, EXT4_DIR_LEAF, &leaf);
	if (err)
		return err;
	err = ext4_dirblock_room(leaf->data, end, dentry->len, &room);
	if (err == -ENOSPC) {
		err = leaf_compact(h, dir, leaf, dentry->len);
		if (err == -ENOSPC)
			err = index_make_room(h, dir, t) ?: leaf_split(h, dir, t, &leaf, lblock);
		if (!err)
			err = ext4_dirblock_room(leaf->data, end, dentry->len, &room);
	}
	if (!err)
		err = ext4_leaf_insert(h, dir, leaf, room, dentry, ino, mode, off);
	buffer_put(leaf);
	return err;
}

int ext4_htree_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
		   umode_t mode, u32 *lblock, u32 *off)
{
	struct ext4_htree t;
	int err;

	do {
		err = ext4_htree_begin(dir, dentry->name, dentry->len, &t);
		if (err)
			return err;
		err = leaf_add(h, dir, &t, dentry, ino, mode, lblock, off);
		ext4_htree_end(&t);
	} while (err == 1);
	return err;
}

/* Everything behind ".." goes to a new leaf, at the same distance from each other. */
static u32 move_names(struct inode *dir, const struct buffer *from, u32 start, struct buffer *to)
{
	u32 end = ext4_leaf_end(dir), off = 0, last = 0;

	memcpy(to->data, (const u8 *)from->data + start, end - start);
	while (off < end - start) {
		last = off;
		off += ext4_dirent_at(to->data, off)->rec_len;
	}
	if (off)
		ext4_dirent_at(to->data, last)->rec_len = end - last;
	else
		ext4_dirblock_clear(to->data, 0, end);
	return off ?: sizeof(struct ext4_dirent);
}

static void root_format(struct inode *dir, struct buffer *b, u32 leaf)
{
	const struct ext4_super *es = ext4_inode_super(dir);
	struct ext4_htree_entry *e = ext4_htree_entries(b->data, true);
	u32 parent = ext4_dirent_at(b->data, 12)->inode;

	memset(b->data, 0, b->size);
	ext4_dirblock_dots(b->data, b->size, dir->ino, parent, ext4_file_type(dir->sb, S_IFDIR));
	*ext4_htree_root_info(b->data) = (struct ext4_htree_info){
		.hash_version = es->hash_version % EXT4_HASH_LEGACY_UNSIGNED,
		.info_length = sizeof(struct ext4_htree_info),
	};
	*ext4_htree_counts(e) =
		(struct ext4_htree_count){ext4_htree_limit(es->block_size, true, es->csum), 1};
	e[0].block = leaf;
	buffer_clear(b, BUFFER_VERIFIED);
	buffer_set(b, BUFFER_HTREE_VERIFIED);
}

/* Locks: as for adding.  `up` is "..". */
static int make_index(struct handle *h, struct inode *dir, const struct ext4_entry *up)
{
	struct buffer *leaf;
	u32 lblock, used;
	int err = journal_get_write(h, up->b);

	if (!err)
		err = ext4_leaf_append(h, dir, &lblock, &leaf);
	if (err)
		return err;
	used = move_names(dir, up->b, up->off + ext4_entry_dirent(up)->rec_len, leaf);
	if (ext4_inode_super(dir)->csum)
		ext4_dirblock_tail_set_sparse(leaf->data, leaf->size, ext4_inode(dir)->csum_seed,
					      used);
	root_format(dir, up->b, lblock);
	ext4_inode(dir)->flags |= EXT4_INDEX_FL;
	err = journal_dirty(h, leaf);
	buffer_put(leaf);
	return err ?: node_changed(h, dir, up->b, true);
}

int ext4_htree_make(struct handle *h, struct inode *dir)
{
	struct ext4_entry up;
	int err = ext4_dir_parent(dir, &up);

	if (err)
		return err;
	if (up.off == 12 && ext4_entry_dirent(&up)->rec_len <= ext4_leaf_end(dir) - up.off - 12)
		err = make_index(h, dir, &up);
	else
		err = -ENOSPC;
	ext4_entry_put(&up);
	return err;
}
