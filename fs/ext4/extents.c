/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extent trees: the map of a file as a B+ tree of ranges.  How they look, and looking in them;
 * changing them is extents_change.c.
 *
 * The root is in the inode and has room for four entries; every other node is a block.  Leaves
 * (depth 0) hold extents, the others indices, whose key is the first file block of what is below
 * (or less).  All leaves are at the same depth, at most five down.
 *
 * A node is checked completely when it comes from the disk (BUFFER_VERIFIED), and its header each
 * time it is used, because an evil image may have the same block in two places.  Positions in a
 * node come only from searches in it.
 *
 * Locks: ext4_inode.map, R to look, W to change.
 */
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#include "extents_internal.h"

unsigned ext4_extents_depth(const struct inode *inode)
{
	return ((const struct ext4_extent_header *)ext4_inode(inode)->block)->depth;
}

void ext4_extents_init_root(struct inode *inode)
{
	struct ext4_inode *ei = ext4_inode(inode);

	memset(ei->block, 0, sizeof(ei->block));
	*root_of(inode) =
		(struct ext4_extent_header){EXT4_EXTENT_MAGIC, 0, EXT4_EXTENT_ROOT_MAX, 0, 0};
	ei->flags |= EXT4_EXTENTS_FL;
}

/* --- checks --- */

static const char *header_fault(const struct ext4_extent_header *n, unsigned depth, u16 capacity)
{
	if (n->magic != EXT4_EXTENT_MAGIC)
		return "invalid magic";
	if (n->depth != depth)
		return "unexpected eh_depth";
	if (!n->max || n->max > capacity)
		return "invalid eh_max";
	if (n->entries > n->max)
		return "invalid eh_entries";
	if (!n->entries && depth)
		return "eh_entries is 0 but eh_depth is > 0";
	return NULL;
}

static const char *extents_fault(const struct inode *inode, struct ext4_extent_header *n)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_extent *e = extents_of(n);
	u64 end = 0;

	for (u16 i = 0; i < n->entries; i++, e++) {
		if (!extent_len(e) || extent_end(e) > EXT4_LBLOCK_END || (i && e->block < end))
			return "overlapping extents";
		if (!ext4_blocks_valid_for(es, inode, extent_start(e), extent_len(e)))
			return "invalid extent entries";
		end = extent_end(e);
	}
	return NULL;
}

static const char *indices_fault(const struct inode *inode, struct ext4_extent_header *n)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_extent_index *x = indices_of(n);

	for (u16 i = 0; i < n->entries; i++, x++) {
		if (i && x->block <= x[-1].block)
			return "invalid index entries";
		if (!ext4_blocks_valid_for(es, inode, index_leaf(x), 1))
			return "invalid index entries";
	}
	return NULL;
}

static int node_check(struct inode *inode, struct ext4_extent_header *n, unsigned depth,
		      u16 capacity, u64 block, bool csum)
{
	const char *fault = header_fault(n, depth, capacity);

	if (!fault)
		fault = depth ? indices_fault(inode, n) : extents_fault(inode, n);
	if (fault) {
		ext4_error(inode->sb, inode, block,
			   "bad header/extent: %s - magic %x, entries %u, max %u(%u), depth %u(%u)",
			   fault, n->magic, n->entries, n->max, capacity, n->depth, depth);
		return -EUCLEAN;
	}
	if (csum && ext4_inode_super(inode)->csum && *node_csum(n) != node_crc(inode, n)) {
		ext4_error(inode->sb, inode, block, "extent tree corrupted: checksum invalid");
		return -EBADMSG;
	}
	return 0;
}

int ext4_extents_check_root(struct inode *inode)
{
	struct ext4_extent_header *n = root_of(inode);

	if (n->depth > EXT4_EXTENT_MAX_DEPTH) {
		ext4_error(inode->sb, inode, 0, "bad header/extent: too large eh_depth %u",
			   n->depth);
		return -EUCLEAN;
	}
	return node_check(inode, n, n->depth, EXT4_EXTENT_ROOT_MAX, 0, false);
}

static int node_verify(struct inode *inode, struct buffer *b, unsigned depth)
{
	u16 capacity = node_capacity(ext4_inode_super(inode));
	int err = 0;

	if (buffer_test(b, BUFFER_VERIFIED)) {
		if (likely(!header_fault(b->data, depth, capacity)))
			return 0;
		return node_check(inode, b->data, depth, capacity, b->block, false);
	}
	buffer_lock(b);
	if (!buffer_test(b, BUFFER_VERIFIED)) {
		err = node_check(inode, b->data, depth, capacity, b->block, true);
		if (!err)
			buffer_set(b, BUFFER_VERIFIED);
	}
	buffer_unlock(b);
	return err;
}

static int node_read(struct inode *inode, u64 block, unsigned depth, struct buffer **out)
{
	int err;

	if (!ext4_blocks_valid_for(ext4_inode_super(inode), inode, block, 1)) {
		ext4_error(inode->sb, inode, block, "extent tree corrupted: index points outside");
		return -EUCLEAN;
	}
	err = buffer_read(ext4_inode_super(inode)->bdev, block, out);
	if (err)
		return err;
	err = node_verify(inode, *out, depth);
	if (err) {
		buffer_put(*out);
		*out = NULL; /* the way has no such step */
	}
	return err;
}

/* --- finding --- */

int ext4_node_search(struct ext4_extent_header *n, u32 lblock)
{
	const struct ext4_extent *e = extents_of(n);
	int lo = 0, hi = n->entries;

	while (lo < hi) {
		int mid = (lo + hi) / 2;

		if (e[mid].block <= lblock)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

int ext4_way_find(struct inode *inode, u32 lblock, struct way *w)
{
	struct ext4_extent_header *n = root_of(inode);
	unsigned d = n->depth;

	memset(w, 0, sizeof(*w));
	if (d > EXT4_EXTENT_MAX_DEPTH)
		return -EUCLEAN;
	w->depth = d;
	w->key_end = EXT4_LBLOCK_END;
	for (;; d--) {
		struct step *s = &w->step[d];
		struct ext4_extent_index *x;
		int err;

		s->node = n;
		s->at = ext4_node_search(n, lblock);
		if (!d)
			return 0;
		s->at = max(s->at, 0);
		x = indices_of(n) + s->at;
		if (s->at + 1 < n->entries)
			w->key_end = min(w->key_end, (u64)x[1].block);
		err = node_read(inode, index_leaf(x), d - 1, &w->step[d - 1].buffer);
		if (err) {
			way_put(w);
			return err;
		}
		n = w->step[d - 1].buffer->data;
	}
}

int ext4_extents_find(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out)
{
	struct ext4_extent *e;
	struct way w;
	int err = ext4_way_find(inode, lblock, &w);

	if (err)
		return err;
	e = way_extent(&w);
	if (e && lblock < extent_end(e)) {
		u32 skip = lblock - e->block;

		*out = (struct ext4_map){
			lblock, min(max, extent_len(e) - skip), extent_start(e) + skip,
			extent_unwritten(e) ? EXT4_MAP_UNWRITTEN : EXT4_MAP_MAPPED};
		if (unlikely(!ext4_blocks_valid_for(ext4_inode_super(inode), inode, out->block,
						    out->len))) {
			ext4_error(inode->sb, inode, out->block,
				   "lblock %u mapped to illegal pblock %llu (length %u)", lblock,
				   out->block, out->len);
			err = -EUCLEAN;
		}
	} else {
		u64 next = way_next_start(&w);

		*out = (struct ext4_map){lblock,
					 next > lblock ? (u32)min((u64)max, next - lblock) : 1, 0,
					 EXT4_MAP_HOLE};
	}
	way_put(&w);
	return err;
}
