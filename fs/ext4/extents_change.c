/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extent trees: changing them.
 *
 * Every change first makes room in the one leaf it concerns (extents_room: splitting nodes
 * downwards from a root that can grow), which leaves the map as it was, gets the right to every
 * block it touches, and then edits that leaf, which cannot fail half-way.  So an error never loses
 * a mapping.
 *
 * Extents that continue each other are joined, within a leaf.  A leaf that became empty goes, with
 * the nodes above that have nothing else below; a leaf whose entries fit the root goes, too.  No
 * other nodes are merged.
 *
 * The root is in ext4_inode.block: who calls a function that changes the tree calls
 * ext4_inode_dirty after it, also when it failed.
 *
 * Locks: ext4_inode.map W.
 */
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#include "ext4_space.h"
#include "extents_internal.h"

static void index_set_leaf(struct ext4_extent_index *i, u64 block)
{
	i->leaf_lo = (u32)block;
	i->leaf_hi = (u16)(block >> 32);
	i->unused = 0;
}

static void extent_set(struct ext4_extent *e, u32 block, u32 len, u64 start, bool unwritten)
{
	e->block = block;
	e->len = (u16)(unwritten ? len + EXT4_EXTENT_MAX_LEN : len);
	e->start_lo = (u32)start;
	e->start_hi = (u16)(start >> 32);
}

static u32 extent_max_len(bool unwritten)
{
	return unwritten ? EXT4_EXTENT_MAX_UNWRITTEN : EXT4_EXTENT_MAX_LEN;
}

/* --- changing a node --- */

static int step_begin(struct handle *h, struct step *s)
{
	return s->buffer ? journal_get_write(h, s->buffer) : 0;
}

/* The right to change the leaf, and what leads to it if its first key may change. */
static int way_begin(struct handle *h, struct way *w)
{
	int err = step_begin(h, &w->step[0]);

	for (unsigned d = 1; d <= w->depth && w->step[0].at <= 0 && !err; d++)
		err = step_begin(h, &w->step[d]);
	return err;
}

/* The node changed: its checksum, and into the transaction.  The root goes with the inode. */
static int step_end(struct handle *h, struct inode *inode, struct step *s)
{
	if (!s->buffer)
		return 0;
	if (ext4_inode_super(inode)->csum)
		*node_csum(s->node) = node_crc(inode, s->node);
	return journal_dirty(h, s->buffer);
}

static void entry_insert(struct ext4_extent_header *n, int at, const struct ext4_extent *e)
{
	struct ext4_extent *p = extents_of(n) + at;

	memmove(p + 1, p, (size_t)(n->entries - at) * sizeof(*p));
	*p = *e;
	n->entries++;
}

static void entry_delete(struct ext4_extent_header *n, int at)
{
	struct ext4_extent *p = extents_of(n) + at;

	n->entries--;
	memmove(p, p + 1, (size_t)(n->entries - at) * sizeof(*p));
	memset(extents_of(n) + n->entries, 0, sizeof(*p));
}

/*
 * The first key of the node on level `d` sank or rose: the indices above that lead to it first
 * follow.
 */
static int way_fix_keys(struct handle *h, struct inode *inode, struct way *w, unsigned d)
{
	for (; d < w->depth; d++) {
		struct ext4_extent_header *n = w->step[d].node;
		struct step *up = &w->step[d + 1];
		struct ext4_extent_index *x = indices_of(up->node) + up->at;
		u32 key = extents_of(n)[0].block;
		int err;

		if (!n->entries || x->block == key)
			return 0;
		err = step_begin(h, up);
		if (err)
			return err;
		x->block = key;
		err = step_end(h, inode, up);
		if (err || up->at)
			return err;
	}
	return 0;
}

/* --- making room --- */

static int new_node(struct handle *h, struct inode *inode, struct buffer **out)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u64 block;
	int err = ext4_alloc_tree_block(
		h, inode, ext4_inode(inode)->last_block ?: ext4_inode_goal(inode), &block);

	if (err)
		return err;
	err = buffer_get_zeroed(es->bdev, block, out);
	if (err)
		goto free_block;
	err = journal_get_create(h, *out);
	if (!err)
		return 0;
	buffer_put(*out);
free_block:
	(void)!ext4_blocks_free(h, inode, block, 1, EXT4_FREE_METADATA);
	return err;
}

static int new_node_end(struct handle *h, struct inode *inode, struct buffer *b)
{
	struct step s = {b, b->data, 0};

	buffer_set(b, BUFFER_VERIFIED);
	return step_end(h, inode, &s);
}

/*
 * The root's entries move into a block of their own; the root gets one index to it, and the tree is
 * one deeper.
 */
static int root_grow(struct handle *h, struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_extent_header *root = root_of(inode), *n;
	struct ext4_extent_index *x = indices_of(root);
	struct buffer *b;
	int err;

	if (root->depth >= EXT4_EXTENT_MAX_DEPTH)
		return -ENOSPC;
	err = new_node(h, inode, &b);
	if (err)
		return err;
	n = b->data;
	memcpy(n, root, sizeof(*root) + EXT4_EXTENT_ROOT_MAX * sizeof(struct ext4_extent));
	n->max = node_capacity(es);
	err = new_node_end(h, inode, b);
	root->depth++;
	root->entries = 1;
	memset(x, 0, EXT4_EXTENT_ROOT_MAX * sizeof(*x));
	x->block = extents_of(n)[0].block;
	index_set_leaf(x, b->block);
	buffer_put(b);
	return err;
}

/*
 * The upper part of the node on level `d` moves to a new one: half, or at the right edge of the
 * tree almost nothing, as files grow at the end.  There is room in the node above.
 */
static int node_split(struct handle *h, struct inode *inode, struct way *w, unsigned d, u32 lblock)
{
	struct step *s = &w->step[d], *up = &w->step[d + 1];
	struct ext4_extent_header *old = s->node, *n;
	bool append = w->key_end == EXT4_LBLOCK_END && s->at == old->entries - 1;
	u16 keep = append ? old->entries - 1 : old->entries / 2;
	struct ext4_extent entry;
	struct ext4_extent_index *x = (struct ext4_extent_index *)&entry;
	struct buffer *b;
	int err;

	err = step_begin(h, s) ?: step_begin(h, up);
	if (err)
		return err;
	err = new_node(h, inode, &b);
	if (err)
		return err;
	n = b->data;
	*n = (struct ext4_extent_header){EXT4_EXTENT_MAGIC, (u16)(old->entries - keep),
					 node_capacity(ext4_inode_super(inode)), old->depth, 0};
	memcpy(extents_of(n), extents_of(old) + keep, n->entries * sizeof(struct ext4_extent));
	memset(extents_of(old) + keep, 0, n->entries * sizeof(struct ext4_extent));
	old->entries = keep;
	x->block = extents_of(n)[0].block;
	index_set_leaf(x, b->block);
	entry_insert(up->node, up->at + 1, &entry);
	err = new_node_end(h, inode, b);
	buffer_put(b);
	err = err ?: step_end(h, inode, s);
	err = err ?: step_end(h, inode, up);
	return err;
}

/* Split the highest full node below one with room, or grow the root. */
static int make_room_once(struct handle *h, struct inode *inode, struct way *w, u32 lblock)
{
	unsigned d = 1;

	while (d <= w->depth && w->step[d].node->entries >= w->step[d].node->max)
		d++;
	if (d > w->depth)
		return root_grow(h, inode);
	if (w->step[d - 1].node->entries < 2)
		return -EUCLEAN;
	return node_split(h, inode, w, d - 1, lblock);
}

/*
 * The way to `lblock`, whose leaf has room for `n` (at most 2) more extents, and may be changed.
 * Returns 0, -ENOSPC, -EUCLEAN, -EIO; the map is the same.
 */
static int extents_room(struct handle *h, struct inode *inode, u32 lblock, int n, struct way *w)
{
	int err;

	for (int turns = 0; turns < 4 * (EXT4_EXTENT_MAX_DEPTH + 1); turns++) {
		err = ext4_way_find(inode, lblock, w);
		if (err)
			return err;
		if (w->step[0].node->entries + n <= w->step[0].node->max) {
			err = way_begin(h, w);
			if (err)
				way_put(w);
			return err;
		}
		err = make_room_once(h, inode, w, lblock);
		way_put(w);
		if (err)
			return err;
	}
	ext4_error(inode->sb, inode, 0, "extent tree has nodes too small to split");
	return -EUCLEAN;
}

/* What is in the only leaf fits the root: it moves up, and the leaf goes. */
static int root_shrink(struct handle *h, struct inode *inode, struct way *w)
{
	struct ext4_extent_header *root = root_of(inode), *leaf = w->step[0].node;

	memcpy(extents_of(root), extents_of(leaf), leaf->entries * sizeof(struct ext4_extent));
	memset(extents_of(root) + leaf->entries, 0,
	       (EXT4_EXTENT_ROOT_MAX - leaf->entries) * sizeof(struct ext4_extent));
	root->entries = leaf->entries;
	root->depth = 0;
	return ext4_blocks_free(h, inode, w->step[0].buffer->block, 1, EXT4_FREE_METADATA);
}

/* The leaf of `w` was changed. */
static int extents_done(struct handle *h, struct inode *inode, struct way *w)
{
	int err, err2;

	if (w->depth == 1 && w->step[1].node->entries == 1 &&
	    w->step[0].node->entries <= EXT4_EXTENT_ROOT_MAX &&
	    !ext4_free_begin(h, inode, w->step[0].buffer->block, 1)) {
		err = root_shrink(h, inode, w);
		way_put(w);
		return err;
	}
	err = way_fix_keys(h, inode, w, 0);
	err2 = step_end(h, inode, &w->step[0]);
	way_put(w);
	return err ?: err2;
}

/* --- inserting --- */

static bool extents_join(const struct ext4_extent *a, const struct ext4_extent *b)
{
	return extent_unwritten(a) == extent_unwritten(b) && extent_end(a) == b->block &&
	       extent_start(a) + extent_len(a) == extent_start(b) &&
	       extent_len(a) + extent_len(b) <= extent_max_len(extent_unwritten(a));
}

/* Join entry `at` with the next one if they continue each other. */
static bool leaf_join(struct ext4_extent_header *n, int at)
{
	struct ext4_extent *e = extents_of(n) + at;

	if (at < 0 || at + 1 >= n->entries || !extents_join(e, e + 1))
		return false;
	e->len += (u16)extent_len(e + 1);
	entry_delete(n, at + 1);
	return true;
}

/* Put `e` behind entry `at`; the neighbours take it in if they can.  There is room. */
static void leaf_insert(struct ext4_extent_header *n, int at, const struct ext4_extent *e)
{
	entry_insert(n, at + 1, e);
	leaf_join(n, at + 1);
	leaf_join(n, at);
}

/* Could a neighbour in the leaf take `e` in?  Then no room is needed. */
static bool leaf_absorbs(struct way *w, const struct ext4_extent *e)
{
	struct ext4_extent_header *n = w->step[0].node;
	struct ext4_extent *left = way_extent(w);
	int next = w->step[0].at + 1;

	return (left && extents_join(left, e)) ||
	       (next < n->entries && extents_join(e, extents_of(n) + next));
}

static void leaf_absorb(struct way *w, const struct ext4_extent *e)
{
	struct ext4_extent_header *n = w->step[0].node;
	struct ext4_extent *left = way_extent(w), *right;

	if (left && extents_join(left, e)) {
		left->len += (u16)extent_len(e);
		leaf_join(n, w->step[0].at);
		return;
	}
	right = extents_of(n) + w->step[0].at + 1;
	extent_set(right, e->block, extent_len(e) + extent_len(right), extent_start(e),
		   extent_unwritten(e));
}

/* Does anything in the leaf, or the next key, lie in the way of [lblock, lblock + len)? */
static bool way_blocked(struct way *w, u32 lblock, u32 len)
{
	struct ext4_extent *e = way_extent(w);

	return (e && extent_end(e) > lblock) || way_next_start(w) < (u64)lblock + len;
}

int ext4_extents_insert(struct handle *h, struct inode *inode, const struct ext4_map *map)
{
	struct ext4_extent e;
	struct way w;
	int err = ext4_way_find(inode, map->lblock, &w);

	if (err)
		return err;
	extent_set(&e, map->lblock, map->len, map->block, map->type == EXT4_MAP_UNWRITTEN);
	if (way_blocked(&w, map->lblock, map->len)) {
		way_put(&w);
		ext4_error(inode->sb, inode, map->block,
			   "extent %u+%u is to be inserted where something is", map->lblock,
			   map->len);
		return -EUCLEAN;
	}
	if (leaf_absorbs(&w, &e)) {
		err = way_begin(h, &w);
		if (err) {
			way_put(&w);
			return err;
		}
		leaf_absorb(&w, &e);
		return extents_done(h, inode, &w);
	}
	way_put(&w);
	err = extents_room(h, inode, map->lblock, 1, &w);
	if (err)
		return err;
	leaf_insert(w.step[0].node, w.step[0].at, &e);
	return extents_done(h, inode, &w);
}

/* --- changing the kind of a part --- */

/*
 * [lblock, lblock + len), inside extent `at` of the leaf, changes its kind: what is before and
 * behind keeps it.  There is room for two more.
 */
static void leaf_set_kind(struct ext4_extent_header *n, int at, u32 lblock, u32 len, bool unwritten)
{
	struct ext4_extent *e = extents_of(n) + at, old = *e, piece;
	u32 before = lblock - old.block, behind = extent_len(&old) - before - len;
	bool kind = extent_unwritten(&old);

	extent_set(e, lblock, len, extent_start(&old) + before, unwritten);
	if (behind) {
		extent_set(&piece, lblock + len, behind, extent_start(&old) + before + len, kind);
		entry_insert(n, at + 1, &piece);
	}
	if (before) {
		extent_set(&piece, old.block, before, extent_start(&old), kind);
		entry_insert(n, at, &piece);
		at++;
	}
	leaf_join(n, at);
	leaf_join(n, at - 1);
}

/*
 * The front of an extent passes to its left neighbour, which continues into it: the case of writing
 * on in what was preallocated.
 */
static bool leaf_shift_front(struct ext4_extent_header *n, int at, u32 lblock, u32 len,
			     bool unwritten)
{
	struct ext4_extent *e = extents_of(n) + at, *left = e - 1, front;

	if (at < 1 || e->block != lblock || extent_len(e) <= len)
		return false;
	extent_set(&front, lblock, len, extent_start(e), unwritten);
	if (!extents_join(left, &front))
		return false;
	left->len += (u16)len;
	extent_set(e, lblock + len, extent_len(e) - len, extent_start(e) + len,
		   extent_unwritten(e));
	return true;
}

/* The extent that holds [lblock, lblock + len) and is of the other kind, or -EUCLEAN. */
static int kind_find(struct inode *inode, struct way *w, u32 lblock, u32 len, bool unwritten)
{
	struct ext4_extent *e = way_extent(w);

	if (e && extent_unwritten(e) != unwritten && extent_end(e) >= (u64)lblock + len)
		return 0;
	ext4_error(inode->sb, inode, 0, "extent at %u+%u is not what it was", lblock, len);
	return -EUCLEAN;
}

static int set_kind(struct handle *h, struct inode *inode, u32 lblock, u32 len, bool unwritten)
{
	struct ext4_extent_header *n;
	struct way w;
	int err = ext4_way_find(inode, lblock, &w);

	if (err)
		return err;
	err = kind_find(inode, &w, lblock, len, unwritten) ?: way_begin(h, &w);
	if (err) {
		way_put(&w);
		return err;
	}
	n = w.step[0].node;
	if (leaf_shift_front(n, w.step[0].at, lblock, len, unwritten))
		return extents_done(h, inode, &w);
	if (n->entries + 2 > n->max && extent_len(way_extent(&w)) != len) {
		way_put(&w);
		err = extents_room(h, inode, lblock, 2, &w);
		if (err)
			return err;
	}
	leaf_set_kind(w.step[0].node, w.step[0].at, lblock, len, unwritten);
	return extents_done(h, inode, &w);
}

/* Applies to the whole of [lblock, lblock + len), extent by extent. */
static int set_kind_range(struct handle *h, struct inode *inode, u32 lblock, u32 len,
			  bool unwritten)
{
	u8 from = unwritten ? EXT4_MAP_MAPPED : EXT4_MAP_UNWRITTEN;

	while (len) {
		struct ext4_map m;
		int err = ext4_extents_find(inode, lblock, len, &m);

		if (!err && unwritten)
			m.len = min(m.len, EXT4_EXTENT_MAX_UNWRITTEN);
		if (!err && m.type == from)
			err = set_kind(h, inode, lblock, m.len, unwritten);
		if (err)
			return err;
		lblock += m.len;
		len -= m.len;
	}
	return 0;
}

int ext4_extents_convert(struct handle *h, struct inode *inode, u32 lblock, u32 len)
{
	return set_kind_range(h, inode, lblock, len, false);
}

int ext4_extents_unwrite(struct handle *h, struct inode *inode, u32 lblock, u32 len)
{
	return set_kind_range(h, inode, lblock, len, true);
}

/* --- removing --- */

/* A node without entries goes; its index above too, and so on up to the root. */
static int prune_empty(struct handle *h, struct inode *inode, struct way *w)
{
	struct ext4_extent_header *root = root_of(inode);
	unsigned d;

	for (d = 0; d < w->depth && !w->step[d].node->entries; d++) {
		struct step *s = &w->step[d], *up = &w->step[d + 1];
		u64 block = s->buffer->block;
		int err;

		entry_delete(up->node, up->at);
		err = step_end(h, inode, up);
		err = err ?: ext4_blocks_free(h, inode, block, 1, EXT4_FREE_METADATA);
		if (err)
			return err;
	}
	if (!root->entries)
		root->depth = 0;
	return way_fix_keys(h, inode, w, d);
}

/* Credits of one step of removal: the way, a split, and the groups whose blocks are freed. */
static unsigned remove_credits(const struct inode *inode, u64 block, u32 len)
{
	return 2 * (ext4_extents_depth(inode) + 2) +
	       2 * ext4_groups_of(ext4_inode_super(inode), block, len) + 4;
}

/* Remove [from, to) out of the middle of an extent: two are left. */
static int punch_extent(struct handle *h, struct inode *inode, struct way *w, u32 from, u32 to)
{
	struct ext4_extent *e, right;
	int err;

	if (w->step[0].node->entries >= w->step[0].node->max) {
		way_put(w);
		err = extents_room(h, inode, from, 1, w);
		if (err)
			return err;
	} else {
		err = way_begin(h, w);
		if (err) {
			way_put(w);
			return err;
		}
	}
	e = way_extent(w);
	extent_set(&right, to, (u32)(extent_end(e) - to), extent_start(e) + (to - e->block),
		   extent_unwritten(e));
	extent_set(e, e->block, from - e->block, extent_start(e), extent_unwritten(e));
	entry_insert(w->step[0].node, w->step[0].at + 1, &right);
	return extents_done(h, inode, w);
}

/* Should the leaf (and what is above) become empty, it can be freed. */
static int leaf_free_begin(struct handle *h, struct inode *inode, struct way *w)
{
	int err = 0;

	for (unsigned d = 0; d < w->depth && w->step[d].node->entries == 1 && !err; d++)
		err = ext4_free_begin(h, inode, w->step[d].buffer->block, 1);
	return err;
}

/* Cut [from, to), which reaches one end of the extent at least, off it. */
static int trim_extent(struct handle *h, struct inode *inode, struct way *w, u32 from, u32 to)
{
	struct ext4_extent *e = way_extent(w);
	int err = way_begin(h, w) ?: leaf_free_begin(h, inode, w);

	if (err) {
		way_put(w);
		return err;
	}
	if (from > e->block)
		extent_set(e, e->block, from - e->block, extent_start(e), extent_unwritten(e));
	else if (to < extent_end(e))
		extent_set(e, to, (u32)(extent_end(e) - to), extent_start(e) + (to - e->block),
			   extent_unwritten(e));
	else
		entry_delete(w->step[0].node, w->step[0].at);
	if (w->step[0].node->entries || !w->depth)
		return extents_done(h, inode, w);
	err = prune_empty(h, inode, w);
	way_put(w);
	return err;
}

/*
 * Remove the last mapped piece of [from, *to); *to is then its start.  Returns 1 when the credits
 * do not suffice.
 */
static int remove_last(struct handle *h, struct inode *inode, u32 from, u32 *to)
{
	struct ext4_extent *e;
	struct way w;
	u32 lo, hi;
	u64 block;
	unsigned flags = ext4_free_flags(inode);
	int err = ext4_way_find(inode, *to - 1, &w);

	if (err)
		return err;
	e = way_extent(&w);
	if (!e) {
		/*
		 * Keys above may be lower than the first extent below them: go on before this leaf.
		 */
		u32 key = w.depth ? indices_of(w.step[1].node)[w.step[1].at].block : 0;

		*to = key > from && key < *to ? key : from;
		way_put(&w);
		return 0;
	}
	lo = max(from, e->block);
	hi = (u32)min((u64)*to, extent_end(e));
	if (hi <= lo) {
		*to = max(from, (u32)min(extent_end(e), (u64)*to - 1));
		way_put(&w);
		return 0;
	}
	/* Journalled blocks each cost a revoke record. */
	if (flags && hi - lo > 64)
		lo = hi - 64;
	block = extent_start(e) + (lo - e->block);
	if (ext4_handle_short(h, inode, remove_credits(inode, block, hi - lo),
			      flags ? hi - lo + w.depth : w.depth)) {
		way_put(&w);
		return 1;
	}
	err = ext4_free_begin(h, inode, block, hi - lo);
	if (err) {
		way_put(&w);
		return err;
	}
	err = lo > e->block && hi < extent_end(e) ? punch_extent(h, inode, &w, lo, hi)
						  : trim_extent(h, inode, &w, lo, hi);
	if (err)
		return err;
	*to = lo;
	return ext4_blocks_free(h, inode, block, hi - lo, flags);
}

int ext4_extents_remove(struct handle *h, struct inode *inode, u32 from, u32 to)
{
	int err = 0;

	while (from < to && !err)
		err = remove_last(h, inode, from, &to);
	return err;
}

/* --- moving --- */

int ext4_extents_split(struct handle *h, struct inode *inode, u32 lblock)
{
	struct ext4_extent *e, right;
	struct way w;
	int err = extents_room(h, inode, lblock, 1, &w);

	if (err)
		return err;
	e = way_extent(&w);
	if (!e || e->block == lblock || extent_end(e) <= lblock) {
		way_put(&w);
		return 0;
	}
	extent_set(&right, lblock, (u32)(extent_end(e) - lblock),
		   extent_start(e) + (lblock - e->block), extent_unwritten(e));
	extent_set(e, e->block, lblock - e->block, extent_start(e), extent_unwritten(e));
	entry_insert(w.step[0].node, w.step[0].at + 1, &right);
	return extents_done(h, inode, &w);
}

static void leaf_move(struct ext4_extent_header *n, int at, u32 delta)
{
	for (struct ext4_extent *e = extents_of(n) + at; at < n->entries; at++, e++)
		e->block += delta;
}

int ext4_extents_move_down(struct handle *h, struct inode *inode, u32 *from, u32 delta)
{
	struct way w;
	int at, err = ext4_way_find(inode, *from, &w);
	u64 next;

	if (err)
		return err;
	next = w.key_end;
	at = w.step[0].at;
	if (at < 0 || extents_of(w.step[0].node)[at].block < *from)
		at++;
	if (at >= w.step[0].node->entries) {
		way_put(&w);
	} else if (extents_of(w.step[0].node)[at].block < delta) {
		way_put(&w);
		return -EUCLEAN;
	} else {
		err = way_begin(h, &w);
		if (err) {
			way_put(&w);
			return err;
		}
		leaf_move(w.step[0].node, at, -delta);
		leaf_join(w.step[0].node, at - 1);
		err = extents_done(h, inode, &w);
		if (err)
			return err;
	}
	if (next >= EXT4_LBLOCK_END || next <= *from)
		return 0;
	*from = (u32)next;
	return 1;
}

/* The first entry of the leaf at or behind `from`. */
static int leaf_first_from(struct ext4_extent_header *n, u32 from)
{
	int at = ext4_node_search(n, from);

	return at >= 0 && extents_of(n)[at].block == from ? at : at + 1;
}

/* The right to the whole way: the first entry of the leaf moves though another was looked for. */
static int moves_begin(struct handle *h, struct way *w)
{
	int err = 0;

	for (unsigned d = 0; d <= w->depth && !err; d++)
		err = step_begin(h, &w->step[d]);
	return err;
}

int ext4_extents_move_up(struct handle *h, struct inode *inode, u32 from, u32 *before, u32 delta)
{
	struct ext4_extent_header *n;
	struct way w;
	u32 first;
	int at, err = ext4_way_find(inode, *before - 1, &w);

	if (err)
		return err;
	n = w.step[0].node;
	at = leaf_first_from(n, from);
	if (at >= n->entries || extents_of(n)[at].block >= *before) {
		way_put(&w);
		return 0;
	}
	first = extents_of(n)[at].block;
	err = extent_end(extents_of(n) + n->entries - 1) + delta > EXT4_LBLOCK_END
		      ? -EINVAL
		      : moves_begin(h, &w);
	if (err) {
		way_put(&w);
		return err;
	}
	leaf_move(n, at, delta);
	err = extents_done(h, inode, &w);
	if (err || at || first <= from)
		return err;
	*before = first;
	return 1;
}
