/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the blocks of a file are, whichever way its map is kept; and the blocks of directories,
 * which are metadata.
 *
 * A lookup asks the extent status in memory first.  Only when that knows nothing, the map on disk
 * is read, in the largest piece it can tell, and remembered.
 */
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

#include "ext4_map.h"
#include "ext4_space.h"

u64 ext4_max_blocks(const struct ext4_super *es, bool extents)
{
	u64 apb = es->addr_per_block, n = EXT4_NDIR_BLOCKS + apb + apb * apb + apb * apb * apb;

	if (extents)
		return EXT4_LBLOCK_END;
	/*
	 * The count of 512-byte units has 32 bits without huge_file, 48 with it; the map's own
	 * blocks count too.
	 */
	if (!ext4_has_ro(es, EXT4_RO_HUGE_FILE))
		n = min(n, ((u64)U32_MAX >> (es->block_bits - SECTOR_SHIFT)) -
				   (1 + (1 + apb) + (1 + apb + apb * apb)));
	return min(n, (u64)EXT4_LBLOCK_END);
}

static int map_find_disk(struct inode *inode, u32 lblock, struct ext4_map *out)
{
	u32 max = EXT4_LBLOCK_END - lblock;

	return ext4_has_extents(inode) ? ext4_extents_find(inode, lblock, max, out)
				       : ext4_indirect_find(inode, lblock, max, out);
}

int ext4_map_find_locked(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_map promise;
	int err;

	if (!ext4_status_find(ei, lblock, out)) {
		err = map_find_disk(inode, lblock, out);
		if (err)
			return err;
		ext4_status_learn(ei, out);
		/* A hole on disk may hold promises further on. */
		if (out->type == EXT4_MAP_HOLE && ext4_status_next_promise(ei, lblock, &promise) &&
		    promise.lblock > lblock)
			out->len = min(out->len, promise.lblock - lblock);
	}
	out->len = min(out->len, max);
	return 0;
}

int ext4_map_find(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out)
{
	struct ext4_inode *ei = ext4_inode(inode);

	if (ext4_status_find(ei, lblock, out)) {
		out->len = min(out->len, max);
		return 0;
	}
	guard_read(&ei->map);
	return ext4_map_find_locked(inode, lblock, max, out);
}

u32 ext4_map_insert_max(const struct inode *inode, u32 lblock)
{
	u32 apb = ext4_inode_super(inode)->addr_per_block;

	if (ext4_has_extents(inode))
		return EXT4_EXTENT_MAX_UNWRITTEN;
	if (lblock < EXT4_NDIR_BLOCKS)
		return EXT4_NDIR_BLOCKS - lblock;
	return apb - (lblock - EXT4_NDIR_BLOCKS) % apb;
}

int ext4_map_insert(struct handle *h, struct inode *inode, const struct ext4_map *map)
{
	struct ext4_inode *ei = ext4_inode(inode);
	int err, err2;

	assert_held(&ei->map);
	err = ext4_has_extents(inode) ? ext4_extents_insert(h, inode, map)
				      : ext4_indirect_insert(h, inode, map);
	if (!err) {
		err = ext4_status_set(ei, map);
		ei->last_block = map->block + map->len;
		ei->last_lblock = map->lblock + map->len;
	}
	err2 = ext4_inode_dirty(h, inode);
	return err ?: err2;
}

u64 ext4_map_goal(struct inode *inode, u32 lblock)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_map m;

	if (ei->last_block && lblock >= ei->last_lblock && lblock - ei->last_lblock < 1024)
		return ei->last_block + (lblock - ei->last_lblock);
	if (lblock && !ext4_map_find_locked(inode, lblock - 1, 1, &m) && m.block)
		return m.block + 1;
	return ext4_inode_goal(inode);
}

unsigned ext4_map_credits(const struct inode *inode, u32 blocks)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	unsigned groups = blocks / es->blocks_per_group + 2;

	/*
	 * The path split on every level, each new block with bitmap and descriptor; the data's
	 * groups; the inode.
	 */
	if (ext4_has_extents(inode))
		return (ext4_extents_depth(inode) + 1) * 4 + 2 * groups + 2;
	return 3 * 3 + 2 * groups + 2;
}

unsigned ext4_free_flags(const struct inode *inode)
{
	return !S_ISREG(inode->mode) || ext4_journals_data(inode) ? EXT4_FREE_METADATA : 0;
}

void ext4_inode_add_blocks(struct inode *inode, s64 blocks)
{
	guard_spin(&inode->spin);
	WRITE_ONCE(inode->blocks,
		   inode->blocks + (u64)(blocks * (inode->sb->blocksize >> SECTOR_SHIFT)));
}

/* --- blocks that are metadata --- */

int ext4_block_read(struct inode *inode, u32 lblock, struct buffer **out)
{
	struct ext4_map m;
	int err = ext4_map_find(inode, lblock, 1, &m);

	*out = NULL;
	if (err || m.type == EXT4_MAP_HOLE)
		return err;
	if (m.type != EXT4_MAP_MAPPED) {
		ext4_error(inode->sb, inode, m.block,
			   "block %u of a directory or link is unwritten", lblock);
		return -EUCLEAN;
	}
	return buffer_read(ext4_inode_super(inode)->bdev, m.block, out);
}

void ext4_block_readahead(struct inode *inode, u32 lblock, u32 nr)
{
	struct ext4_map m;

	for (; nr; lblock += m.len, nr -= m.len) {
		if (ext4_map_find(inode, lblock, nr, &m))
			return;
		if (m.type == EXT4_MAP_MAPPED)
			buffer_readahead(ext4_inode_super(inode)->bdev, m.block, m.len);
	}
}

/* A buffer for the fresh block of the map, zeroed, with the right to change it. */
static int block_create(struct handle *h, struct inode *inode, u64 block, struct buffer **out)
{
	int err = buffer_get_zeroed(ext4_inode_super(inode)->bdev, block, out);

	if (err)
		return err;
	err = journal_get_create(h, *out);
	if (err)
		buffer_put(*out);
	return err;
}

int ext4_block_fill(struct handle *h, struct inode *inode, u32 lblock, struct buffer **out)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_map m = {lblock, 1, 0, EXT4_MAP_MAPPED};
	u32 got;
	int err;

	guard_write(&ei->map);
	err = ext4_alloc(h, inode, ext4_map_goal(inode, lblock), 1, EXT4_CLAIM_USER, &m.block,
			 &got);
	if (err)
		return err;
	err = block_create(h, inode, m.block, out);
	if (err)
		goto free_block;
	err = ext4_map_insert(h, inode, &m);
	if (!err)
		return 0;
	buffer_put(*out);
free_block:
	(void)!ext4_blocks_free(h, inode, m.block, 1, EXT4_FREE_METADATA);
	(void)!ext4_inode_dirty(h, inode);
	return err;
}

static void set_size(struct inode *inode, loff_t size)
{
	WRITE_ONCE(inode->size, size);
	ext4_inode(inode)->disk_size = size;
}

int ext4_block_append(struct handle *h, struct inode *inode, u32 *lblock, struct buffer **out)
{
	loff_t size = inode->size;
	u64 block = (u64)size >> inode->sb->blkbits;
	int err;

	if (block >= ext4_max_blocks(ext4_inode_super(inode), ext4_has_extents(inode)))
		return -EFBIG;
	*lblock = (u32)block;
	set_size(inode, (loff_t)((block + 1) << inode->sb->blkbits));
	err = ext4_block_fill(h, inode, *lblock, out);
	if (err) {
		set_size(inode, size);
		(void)!ext4_inode_dirty(h, inode);
	}
	return err;
}
