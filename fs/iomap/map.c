/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extents as file systems answer them.
 *
 * A file system may be misled by a hostile image, and its answer decides which sectors are written;
 * so each is checked: that it covers the position, that it lies on the device, that it is of whole
 * blocks.
 */
#include <kernel/abi/errno.h>

#include "iomap_internal.h"

const struct mapping_ops iomap_mapping_ops = {
	.read_folio = iomap_read_folio,
	.readahead = iomap_readahead,
	.writepages = iomap_writepages,
	.page_mkwrite = iomap_page_mkwrite,
	.invalidate_folio = iomap_invalidate_folio,
	.dirty_folio = iomap_dirty_folio,
};

void inode_set_iomap(struct inode *inode, const struct iomap_ops *ops)
{
	inode->iomap = ops;
	inode->data.ops = &iomap_mapping_ops;
}

static bool has_place(const struct iomap *map)
{
	return map->type == IOMAP_MAPPED || map->type == IOMAP_UNWRITTEN;
}

int map_check(const struct inode *inode, u64 pos, const struct iomap *map)
{
	u64 mask = (1ull << inode_blkbits(inode)) - 1, disk;

	if (!map_covers(map, pos) || map->offset + map->length < map->length)
		return -EUCLEAN;
	if (map->type == IOMAP_INLINE)
		return map->offset || map->length > PAGE_SIZE ? -EUCLEAN : 0;
	if ((map->offset | map->length) & mask)
		return -EUCLEAN;
	if (!has_place(map))
		return 0;
	disk = bdev_bytes(inode_bdev(inode));
	if ((map->addr & (SECTOR_SIZE - 1)) || map->addr > disk || map->length > disk - map->addr)
		return -EUCLEAN;
	return 0;
}

int map_begin(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *map)
{
	int err, end_err = 0;

	map->flags = 0;
	map->private = NULL;
	err = inode->iomap->begin(inode, pos, len, flags, map);
	if (err)
		return err;
	err = map_check(inode, pos, map);
	if (unlikely(err))
		end_err = map_end_op(inode, pos, len, 0, flags, map);
	return err ? err : end_err;
}

int map_end_op(struct inode *inode, u64 pos, u64 len, u64 done, unsigned flags, struct iomap *map)
{
	return inode->iomap->end ? inode->iomap->end(inode, pos, len, done, flags, map) : 0;
}

bool bio_append(struct bio *bio, u64 addr, struct page *page, unsigned offset, unsigned len)
{
	return bio && ((bio->sector << SECTOR_SHIFT) + bio->size) == addr &&
	       bio_add_page(bio, page, offset, len);
}
