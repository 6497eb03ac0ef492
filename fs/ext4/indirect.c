/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Indirect blocks: the map of files of ext2 and ext3.
 *
 * Twelve slots in the inode name the first blocks; the next three name trees of one, two and three
 * levels of blocks full of slots.  A slot of 0 is a hole, of a block or of everything below.  There
 * is no room for "unwritten": files with this map get their blocks only after the data is written.
 *
 * Slots come from the disk, so each is checked when it is followed.  Locks: ext4_inode.map, R to
 * look, W to change.
 */
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#include "ext4_map.h"
#include "ext4_space.h"

/* From the inode down: which slot on each level. */
struct slots {
	u32 at[4];
	unsigned levels; /* of indirect blocks: 0 to 3 */
	u64 base;        /* first file block of the tree (levels > 0) */
};

static u64 tree_span(const struct ext4_super *es, unsigned levels)
{
	u64 n = 1;

	while (levels--)
		n *= es->addr_per_block;
	return n;
}

/* Returns false beyond the largest file. */
static bool slots_of(const struct ext4_super *es, u32 lblock, struct slots *s)
{
	u64 base = EXT4_NDIR_BLOCKS, rest;

	s->levels = 0;
	s->base = 0;
	s->at[0] = lblock;
	if (lblock < EXT4_NDIR_BLOCKS)
		return true;
	for (unsigned l = 1; l <= 3; base += tree_span(es, l), l++) {
		if (lblock >= base + tree_span(es, l))
			continue;
		s->levels = l;
		s->base = base;
		s->at[0] = EXT4_IND_BLOCK + l - 1;
		rest = lblock - base;
		for (unsigned k = l; k >= 1; k--) {
			s->at[k] = (u32)(rest % es->addr_per_block);
			rest /= es->addr_per_block;
		}
		return true;
	}
	return false;
}

static int slot_check(struct inode *inode, u32 block)
{
	if (ext4_blocks_valid_for(ext4_inode_super(inode), inode, block, 1))
		return 0;
	ext4_error(inode->sb, inode, block, "invalid block in the map of the file");
	return -EUCLEAN;
}

int ext4_indirect_check_root(struct inode *inode)
{
	for (unsigned i = 0; i < EXT4_N_BLOCKS; i++) {
		u32 block = ext4_inode(inode)->block[i];

		if (block && slot_check(inode, block))
			return -EUCLEAN;
	}
	return 0;
}

static int table_read(struct inode *inode, u32 block, struct buffer **out)
{
	int err = slot_check(inode, block);

	return err ?: buffer_read(ext4_inode_super(inode)->bdev, block, out);
}

/* How far slots from p[0] on continue each other, or are all 0. */
static u32 slots_run(const u32 *p, u32 max)
{
	u32 n = 1;

	while (n < max && p[n] == (p[0] ? p[0] + n : 0))
		n++;
	return n;
}

int ext4_indirect_find(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u32 *p = ext4_inode(inode)->block, room = EXT4_NDIR_BLOCKS;
	struct buffer *b = NULL, *child;
	struct slots s;
	int err = 0;

	*out = (struct ext4_map){lblock, max, 0, EXT4_MAP_HOLE};
	if (!slots_of(es, lblock, &s))
		return 0;
	for (unsigned l = 0; l < s.levels; l++) {
		if (!p[s.at[l]]) {
			u64 span = tree_span(es, s.levels - l);

			out->len = (u32)min((u64)max, span - (lblock - s.base) % span);
			buffer_put(b);
			return 0;
		}
		err = table_read(inode, p[s.at[l]], &child);
		buffer_put(b);
		if (err)
			return err;
		b = child;
		p = b->data;
		room = es->addr_per_block;
	}
	p += s.at[s.levels];
	out->len = slots_run(p, min(max, room - s.at[s.levels]));
	out->block = READ_ONCE(*p);
	if (out->block) {
		out->type = EXT4_MAP_MAPPED;
		if (!ext4_blocks_valid_for(es, inode, out->block, out->len)) {
			ext4_error(inode->sb, inode, out->block,
				   "lblock %u mapped to illegal pblock %llu (length %u)", lblock,
				   out->block, out->len);
			err = -EUCLEAN;
		}
	}
	buffer_put(b);
	return err;
}

/* --- inserting --- */

/* The block of slots behind `slot` of `owner` (NULL: the inode), made if there is none. */
static int table_get(struct handle *h, struct inode *inode, struct buffer *owner, u32 *slot,
		     struct buffer **out)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u64 block;
	int err;

	if (*slot)
		return table_read(inode, *slot, out);
	err = owner ? journal_get_write(h, owner) : 0;
	if (err)
		return err;
	err = ext4_alloc_tree_block(
		h, inode, ext4_inode(inode)->last_block ?: ext4_inode_goal(inode), &block);
	if (err)
		return err;
	err = block > U32_MAX ? -EFBIG : buffer_get_zeroed(es->bdev, block, out);
	if (err)
		goto free_block;
	err = journal_get_create(h, *out) ?: journal_dirty(h, *out);
	if (err)
		goto put;
	*slot = (u32)block;
	return owner ? journal_dirty(h, owner) : 0;
put:
	buffer_put(*out);
free_block:
	(void)!ext4_blocks_free(h, inode, block, 1, EXT4_FREE_METADATA);
	return err;
}

static int slots_fill(struct inode *inode, u32 *p, const struct ext4_map *map)
{
	for (u32 i = 0; i < map->len; i++) {
		if (p[i]) {
			ext4_error(inode->sb, inode, map->block,
				   "block %u is to be inserted where something is",
				   map->lblock + i);
			return -EUCLEAN;
		}
	}
	for (u32 i = 0; i < map->len; i++)
		p[i] = (u32)(map->block + i);
	return 0;
}

int ext4_indirect_insert(struct handle *h, struct inode *inode, const struct ext4_map *map)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u32 *p = ext4_inode(inode)->block;
	struct buffer *b = NULL, *child;
	struct slots s;
	int err = 0;

	if (map->block + map->len > U32_MAX || !slots_of(es, map->lblock, &s))
		return -EFBIG;
	for (unsigned l = 0; l < s.levels; l++) {
		err = table_get(h, inode, b, &p[s.at[l]], &child);
		if (err)
			goto out;
		buffer_put(b);
		b = child;
		p = b->data;
	}
	err = b ? journal_get_write(h, b) : 0;
	if (err)
		goto out;
	err = slots_fill(inode, p + s.at[s.levels], map);
	if (!err && b)
		err = journal_dirty(h, b);
out:
	buffer_put(b);
	return err;
}

/* --- removing --- */

/* What one removal is about. */
struct removal {
	struct handle *h;
	struct inode *inode;
	u64 from, to;
	unsigned flags;
};

/* Returns 0 when `n` blocks may be freed now, 1 when the handle has to be restarted first. */
static int removal_room(const struct removal *r, u64 block, u32 n, unsigned level)
{
	unsigned credits = 2 * ext4_groups_of(ext4_inode_super(r->inode), block, n) + level + 4;

	return ext4_handle_short(r->h, r->inode, credits, (r->flags ? n : 0) + (level ? 1 : 0));
}

/* Slots [lo, hi) of data blocks become holes, back to front, in runs. */
static int slots_free(const struct removal *r, struct buffer *owner, u32 *p, u32 lo, u32 hi)
{
	while (hi > lo) {
		u32 first = hi - 1, n = 1, block = p[first];
		int err;

		if (!block) {
			hi--;
			continue;
		}
		while (first > lo && p[first - 1] == block - 1 && n < 2048) {
			first--;
			block--;
			n++;
		}
		if (!ext4_blocks_valid(ext4_inode_super(r->inode), block, n))
			return slot_check(r->inode, block) ?: -EUCLEAN;
		if (removal_room(r, block, n, 0))
			return 1;
		err = owner ? journal_get_write(r->h, owner) : 0;
		err = err ?: ext4_free_begin(r->h, r->inode, block, n);
		if (err)
			return err;
		memset(p + first, 0, n * sizeof(*p));
		err = owner ? journal_dirty(r->h, owner) : 0;
		err = err ?: ext4_blocks_free(r->h, r->inode, block, n, r->flags);
		if (err)
			return err;
		hi = first;
	}
	return 0;
}

/* The table behind *slot has nothing left: it goes. */
static int table_free(const struct removal *r, struct buffer *owner, u32 *slot)
{
	u32 block = *slot;
	int err;

	if (removal_room(r, block, 1, 1))
		return 1;
	err = owner ? journal_get_write(r->h, owner) : 0;
	err = err ?: ext4_free_begin(r->h, r->inode, block, 1);
	if (err)
		return err;
	*slot = 0;
	err = owner ? journal_dirty(r->h, owner) : 0;
	return err ?: ext4_blocks_free(r->h, r->inode, block, 1, EXT4_FREE_METADATA);
}

static int tree_free(const struct removal *r, struct buffer *owner, u32 *slot, unsigned levels,
		     u64 base);

/* Inside a table whose slots each span `span` file blocks, the first of them at `base`. */
static int table_remove(const struct removal *r, struct buffer *b, unsigned levels, u64 base)
{
	struct ext4_super *es = ext4_inode_super(r->inode);
	u64 span = tree_span(es, levels - 1);
	u32 lo = r->from > base ? (u32)((r->from - base) / span) : 0;
	u32 hi = (u32)min((u64)es->addr_per_block, DIV_ROUND_UP(r->to - base, span));
	u32 *p = b->data;
	int err = 0;

	if (levels == 1)
		return slots_free(r, b, p, lo, hi);
	while (hi > lo && !err) {
		hi--;
		err = tree_free(r, b, &p[hi], levels - 1, base + hi * span);
	}
	return err;
}

/* Free what [from, to) covers of the tree behind *slot, and the tree's blocks that become empty. */
static int tree_free(const struct removal *r, struct buffer *owner, u32 *slot, unsigned levels,
		     u64 base)
{
	struct ext4_super *es = ext4_inode_super(r->inode);
	struct buffer *b;
	int err;

	if (!*slot || r->to <= base || r->from >= base + tree_span(es, levels))
		return 0;
	err = table_read(r->inode, *slot, &b);
	if (err)
		return err;
	err = table_remove(r, b, levels, base);
	if (!err && !memchr_inv(b->data, 0, es->block_size))
		err = table_free(r, owner, slot);
	buffer_put(b);
	return err;
}

int ext4_indirect_remove(struct handle *h, struct inode *inode, u32 from, u32 to)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct removal r = {h, inode, from, to, ext4_free_flags(inode)};
	u64 base = EXT4_NDIR_BLOCKS + tree_span(es, 1) + tree_span(es, 2);
	u32 *p = ext4_inode(inode)->block;
	int err = 0;

	for (unsigned l = 3; l >= 1 && !err; l--) {
		err = tree_free(&r, NULL, &p[EXT4_IND_BLOCK + l - 1], l, base);
		base -= tree_span(es, l - 1);
	}
	if (err || from >= EXT4_NDIR_BLOCKS)
		return err;
	return slots_free(&r, NULL, p, from, min(to, (u32)EXT4_NDIR_BLOCKS));
}
