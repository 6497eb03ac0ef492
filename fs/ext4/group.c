/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Groups: where their descriptors and bitmaps are, and whether they can be believed.
 *
 * Descriptors stay in memory in the buffers they were read into.  A bitmap is checked once after
 * each read (BUFFER_VERIFIED): its checksum, that the group's own metadata is marked used, and that
 * the count of free blocks agrees.  A group whose bitmap fails is marked bad and hands nothing out.
 *
 * What belongs to the file system itself is a sorted array of ranges, the zones, made at mount: no
 * block of a file may be in one.
 */
#define LOG_PREFIX "EXT4-fs "
#include <kernel/debug/log.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>

#include "ext4_map.h"
#include "ext4_space.h"

struct ext4_zone {
	u64 start, end; /* [start, end) */
	u32 ino;        /* of the inode that may map it, 0: none */
};

/* --- layout --- */

static bool is_power_of(u32 n, u32 base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

bool ext4_group_has_super(const struct ext4_super *es, u32 group)
{
	if (!group)
		return true;
	if (ext4_has_compat(es, EXT4_COMPAT_SPARSE_SUPER2))
		return group == es->disk->backup_bgs[0] || group == es->disk->backup_bgs[1];
	if (group == 1 || !ext4_has_ro(es, EXT4_RO_SPARSE_SUPER))
		return true;
	return group & 1 &&
	       (is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7));
}

static bool in_meta_bg(const struct ext4_super *es, u32 desc_block)
{
	return ext4_has_incompat(es, EXT4_INCOMPAT_META_BG) &&
	       desc_block >= es->disk->first_meta_bg;
}

u64 ext4_desc_block(const struct ext4_super *es, u32 i)
{
	u32 group;
	u64 super = es->opt.sb_block * EXT4_SUPER_SIZE >> es->block_bits;

	if (!in_meta_bg(es, i))
		return super + 1 + i;
	group = i * es->desc_per_block;
	/*
	 * A superblock in the first kilobyte of a larger block fills that block; at 1 KiB with
	 * block 0 in the group, two.
	 */
	return ext4_group_first(es, group) + ext4_group_has_super(es, group) +
	       (es->block_size == 1024 && !i && !es->first_data_block);
}

u32 ext4_group_base_blocks(const struct ext4_super *es, u32 group)
{
	u32 super = ext4_group_has_super(es, group);
	u32 meta = group / es->desc_per_block, first = es->disk->first_meta_bg,
	    in_group = group % es->desc_per_block;

	if (!ext4_has_incompat(es, EXT4_INCOMPAT_META_BG) || meta < first) {
		u32 descs = ext4_has_incompat(es, EXT4_INCOMPAT_META_BG) ? first : es->desc_blocks;

		return super ? 1 + descs + es->disk->reserved_gdt_blocks : 0;
	}
	return super + (in_group == 0 || in_group == 1 || in_group == es->desc_per_block - 1);
}

u32 ext4_group_blocks(const struct ext4_super *es, u32 group)
{
	if (group + 1 < es->groups)
		return es->blocks_per_group;
	return (u32)(es->blocks - ext4_group_first(es, group));
}

struct ext4_disk_group *ext4_desc(const struct ext4_super *es, u32 group)
{
	return (struct ext4_disk_group *)((char *)ext4_desc_buffer(es, group)->data +
					  group % es->desc_per_block * es->desc_size);
}

/* --- descriptors --- */

static u16 desc_crc(const struct ext4_super *es, u32 group, const struct ext4_disk_group *d)
{
	const u32 at = offsetof(struct ext4_disk_group, checksum),
		  behind = at + sizeof(d->checksum);
	u16 zero = 0, crc16_value;

	if (es->csum) {
		u32 crc = ext4_csum(es->csum_seed, &group, sizeof(group));

		crc = ext4_csum(crc, d, at);
		crc = ext4_csum(crc, &zero, sizeof(zero));
		if (es->desc_size > behind)
			crc = ext4_csum(crc, (const char *)d + behind, es->desc_size - behind);
		return (u16)crc;
	}
	crc16_value = crc16(0xffff, es->disk->uuid, sizeof(es->disk->uuid));
	crc16_value = crc16(crc16_value, &group, sizeof(group));
	crc16_value = crc16(crc16_value, d, at);
	if (es->desc_size > behind && ext4_has_incompat(es, EXT4_INCOMPAT_64BIT))
		crc16_value = crc16(crc16_value, (const char *)d + behind, es->desc_size - behind);
	return crc16_value;
}

void ext4_desc_seal(const struct ext4_super *es, u32 group, struct ext4_disk_group *d)
{
	if (ext4_has_desc_csum(es))
		d->checksum = desc_crc(es, group, d);
}

/* Is [block, block + n) in the range where the group's metadata may be? */
static bool place_ok(const struct ext4_super *es, u32 group, u64 block, u64 n)
{
	u64 first = es->first_data_block, end = es->blocks;

	if (!ext4_has_incompat(es, EXT4_INCOMPAT_FLEX_BG)) {
		first = ext4_group_first(es, group);
		end = first + ext4_group_blocks(es, group);
	}
	return block >= first && block < end && n <= end - block && block > es->first_data_block;
}

static int desc_check(struct ext4_super *es, u32 group)
{
	const struct ext4_disk_group *d = ext4_desc(es, group);
	const char *id = es->sb->id;

	if (!place_ok(es, group, ext4_desc_block_bitmap(es, d), 1)) {
		log_err("(%s): ext4_check_descriptors: Block bitmap for group %u not in group "
			"(block %llu)!\n",
			id, group, ext4_desc_block_bitmap(es, d));
		return -EUCLEAN;
	}
	if (!place_ok(es, group, ext4_desc_inode_bitmap(es, d), 1)) {
		log_err("(%s): ext4_check_descriptors: Inode bitmap for group %u not in group "
			"(block %llu)!\n",
			id, group, ext4_desc_inode_bitmap(es, d));
		return -EUCLEAN;
	}
	if (!place_ok(es, group, ext4_desc_inode_table(es, d), es->itable_blocks)) {
		log_err("(%s): ext4_check_descriptors: Inode table for group %u not in group "
			"(block %llu)!\n",
			id, group, ext4_desc_inode_table(es, d));
		return -EUCLEAN;
	}
	if (ext4_has_desc_csum(es) && desc_crc(es, group, d) != d->checksum) {
		log_err("(%s): ext4_check_descriptors: Checksum for group %u failed (%u!=%u)\n", id,
			group, desc_crc(es, group, d), d->checksum);
		return -EBADMSG;
	}
	return 0;
}

static int descs_read(struct ext4_super *es)
{
	es->desc = kvzalloc(es->desc_blocks * sizeof(*es->desc), GFP_KERNEL);
	if (!es->desc)
		return -ENOMEM;
	for (u32 i = 0; i < es->desc_blocks; i++)
		buffer_readahead(es->bdev, ext4_desc_block(es, i), 1);
	for (u32 i = 0; i < es->desc_blocks; i++) {
		u64 block = ext4_desc_block(es, i);
		int err = buffer_read(es->bdev, block, &es->desc[i]);

		if (err) {
			log_err("(%s): can't read group descriptor %u\n", es->sb->id, i);
			es->desc[i] = NULL;
			return err;
		}
	}
	return 0;
}

/* --- zones --- */

static int zone_compare(const void *a, const void *b)
{
	const struct ext4_zone *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* Sort, and join what touches. */
static void zones_settle(struct ext4_super *es)
{
	struct ext4_zone *z = es->zones;
	u32 n = 0;

	sort(z, es->nr_zones, sizeof(*z), zone_compare);
	for (u32 i = 0; i < es->nr_zones; i++) {
		if (n && z[i].ino == z[n - 1].ino && z[i].start <= z[n - 1].end)
			z[n - 1].end = max(z[n - 1].end, z[i].end);
		else
			z[n++] = z[i];
	}
	es->nr_zones = n;
}

static void zone_add(struct ext4_super *es, u64 start, u64 n)
{
	if (n)
		es->zones[es->nr_zones++] = (struct ext4_zone){start, start + n, 0};
}

static int zones_build(struct ext4_super *es)
{
	es->zones = kvmalloc((size_t)es->groups * 4 * sizeof(*es->zones), GFP_KERNEL);
	if (!es->zones)
		return -ENOMEM;
	es->nr_zones = 0;
	for (u32 g = 0; g < es->groups; g++) {
		const struct ext4_disk_group *d = ext4_desc(es, g);

		zone_add(es, ext4_group_first(es, g),
			 min(ext4_group_base_blocks(es, g), ext4_group_blocks(es, g)));
		zone_add(es, ext4_desc_block_bitmap(es, d), 1);
		zone_add(es, ext4_desc_inode_bitmap(es, d), 1);
		zone_add(es, ext4_desc_inode_table(es, d), es->itable_blocks);
	}
	zones_settle(es);
	return 0;
}

/* The last zone that starts before `end`, or NULL. */
static const struct ext4_zone *zone_before(const struct ext4_super *es, u64 end)
{
	u32 lo = 0, hi = es->nr_zones;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (es->zones[mid].start < end)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &es->zones[lo - 1] : NULL;
}

static bool range_on_device(const struct ext4_super *es, u64 block, u64 count)
{
	return block > es->first_data_block && count && block < es->blocks &&
	       count <= es->blocks - block;
}

bool ext4_blocks_valid(const struct ext4_super *es, u64 block, u64 count)
{
	const struct ext4_zone *z;

	if (!range_on_device(es, block, count))
		return false;
	z = zone_before(es, block + count);
	return !z || z->end <= block;
}

/* As ext4_blocks_valid for the map of `ino`, which may own a zone. */
bool ext4_blocks_valid_for(const struct ext4_super *es, const struct inode *inode, u64 block,
			   u64 count)
{
	const struct ext4_zone *z;

	if (!range_on_device(es, block, count))
		return false;
	z = zone_before(es, block + count);
	return !z || z->end <= block || (z->ino && z->ino == inode->ino);
}

/* Collects the extents of an inode. */
struct zone_list {
	struct ext4_zone *z;
	u32 nr, max;
};

static int zone_list_add(struct zone_list *l, u64 block, u64 n, u32 ino)
{
	if (l->nr == l->max) {
		u32 max = l->max ? l->max * 2 : 64;
		struct ext4_zone *z = kvmalloc(max * sizeof(*z), GFP_KERNEL);

		if (!z)
			return -ENOMEM;
		if (l->nr)
			memcpy(z, l->z, l->nr * sizeof(*z));
		kvfree(l->z);
		l->z = z;
		l->max = max;
	}
	l->z[l->nr++] = (struct ext4_zone){block, block + n, ino};
	return 0;
}

/* Copy the list behind the zones there are. */
static int zones_extend(struct ext4_super *es, const struct zone_list *l)
{
	struct ext4_zone *z = kvmalloc(((size_t)es->nr_zones + l->nr) * sizeof(*z), GFP_KERNEL);

	if (!z)
		return -ENOMEM;
	memcpy(z, es->zones, es->nr_zones * sizeof(*z));
	if (l->nr)
		memcpy(z + es->nr_zones, l->z, l->nr * sizeof(*z));
	kvfree(es->zones);
	es->zones = z;
	es->nr_zones += l->nr;
	zones_settle(es);
	return 0;
}

int ext4_zone_add_inode(struct ext4_super *es, struct inode *inode)
{
	u32 blocks = (u32)((u64)inode->size >> es->block_bits);
	struct zone_list list = {NULL, 0, 0};
	struct ext4_map map;
	int err = 0;

	for (u32 at = 0; at < blocks && !err; at += map.len) {
		err = ext4_map_find(inode, at, blocks - at, &map);
		if (!err && map.type != EXT4_MAP_HOLE)
			err = zone_list_add(&list, map.block, map.len, (u32)inode->ino);
		if (err)
			break;
	}
	err = err ?: zones_extend(es, &list);
	kvfree(list.z);
	return err;
}

/* --- all groups --- */

static void counters_add(struct ext4_super *es, u32 g)
{
	const struct ext4_disk_group *d = ext4_desc(es, g);
	struct ext4_group *grp = &es->group[g];

	es->free_blocks += ext4_desc_free_blocks(es, d);
	es->free_inodes += ext4_desc_free_inodes(es, d);
	es->dirs += ext4_desc_used_dirs(es, d);
	grp->avail = grp->longest = min(ext4_desc_free_blocks(es, d), grp->blocks);
}

int ext4_groups_load(struct ext4_super *es, bool read_only)
{
	int err = descs_read(es);

	if (err)
		return err;
	for (u32 g = 0; g < es->groups; g++) {
		err = desc_check(es, g);
		/*
		 * Linux lets a wrong checksum pass on read-only mounts, so that data can be
		 * rescued.
		 */
		if (err && !(err == -EBADMSG && read_only)) {
			log_err("(%s): group descriptors corrupted!\n", es->sb->id);
			return -EUCLEAN;
		}
		if (!(g % 1024))
			cond_resched();
	}
	es->group = kvzalloc(es->groups * sizeof(*es->group), GFP_KERNEL);
	if (!es->group)
		return -ENOMEM;
	es->free_blocks = es->free_inodes = es->dirs = 0;
	for (u32 g = 0; g < es->groups; g++) {
		spin_init(&es->group[g].lock, RANK_FS_GROUP, "ext4_group.lock");
		es->group[g].blocks = ext4_group_blocks(es, g);
		es->group[g].zero_from = es->inodes_per_group;
		counters_add(es, g);
	}
	return zones_build(es);
}

void ext4_groups_free(struct ext4_super *es)
{
	for (u32 i = 0; es->desc && i < es->desc_blocks; i++)
		buffer_put(es->desc[i]);
	for (u32 g = 0; es->group && g < es->groups; g++)
		kvfree(es->group[g].taken);
	kvfree(es->desc);
	kvfree(es->group);
	kvfree(es->zones);
	es->desc = NULL;
	es->group = NULL;
	es->zones = NULL;
	es->nr_zones = 0;
}

/* --- bitmaps --- */

u32 ext4_bitmap_csum_flip(u32 csum, u32 size, u32 bit, u32 n)
{
	static const u8 zero[64];
	u8 diff[64];

	/* A checksum is linear: what flips can stand for a change from zeroes. */
	while (n) {
		u32 first = bit / 8, take = min(n, (u32)(sizeof(diff) * 8 - bit % 8));
		u32 bytes = (bit % 8 + take + 7) / 8;

		memset(diff, 0xff, bytes);
		diff[0] &= (u8)(0xff << bit % 8);
		if ((bit + take) % 8)
			diff[bytes - 1] &= (u8)(0xff >> (8 - (bit + take) % 8));
		csum = crc32c_change(csum, zero, diff, bytes, size - first - bytes);
		bit += take;
		n -= take;
	}
	return csum;
}

static void group_mark_bad(struct ext4_super *es, u32 group, u32 flag)
{
	struct ext4_group *g = &es->group[group];

	guard_spin(&g->lock);
	WRITE_ONCE(g->flags, g->flags | flag);
	if (flag == EXT4_GROUP_BLOCKS_BAD)
		g->avail = g->longest = 0;
}

/* If [block, block+n) touches the group, its bits. */
static void mark_place(const struct ext4_super *es, u64 *map, u32 group, u64 block, u64 n)
{
	u64 first = ext4_group_first(es, group), end = first + ext4_group_blocks(es, group);
	u64 from = max(block, first), to = min(block + n, end);

	if (from < to)
		bitmap_set_range(map, from - first, to - from);
}

/* What the bitmap of a group is in which only the file system's own metadata is used. */
static void block_bitmap_make(const struct ext4_super *es, u32 group, u64 *map)
{
	const struct ext4_disk_group *d = ext4_desc(es, group);
	u32 bits = es->block_size * 8, blocks = ext4_group_blocks(es, group);

	memset(map, 0, es->block_size);
	bitmap_set_range(map, 0, min(ext4_group_base_blocks(es, group), blocks));
	mark_place(es, map, group, ext4_desc_block_bitmap(es, d), 1);
	mark_place(es, map, group, ext4_desc_inode_bitmap(es, d), 1);
	mark_place(es, map, group, ext4_desc_inode_table(es, d), es->itable_blocks);
	bitmap_set_range(map, blocks, bits - blocks);
}

/*
 * What of the file system's own lies in the group must be marked: data goes to what is free before
 * anything else looks at where that is.
 */
static bool own_blocks_marked(const struct ext4_super *es, u32 group, const u64 *map)
{
	u64 first = ext4_group_first(es, group), end = first + ext4_group_blocks(es, group);
	const struct ext4_zone *z;

	while ((z = zone_before(es, end)) && z->end > first) {
		u64 from = max(z->start, first) - first, to = min(z->end, end) - first;

		if (bitmap_find_next_zero(map, to, from) < to)
			return false;
		end = z->start;
	}
	return true;
}

/* Does the stored checksum (16 bits of it in narrow descriptors) say the same? */
static bool bitmap_csum_ok(const struct ext4_super *es, u32 crc, u32 stored)
{
	return !es->csum || stored == (ext4_desc_wide(es) ? crc : crc & 0xffff);
}

static int own_blocks_free(struct ext4_super *es, u32 group, const struct buffer *b)
{
	group_mark_bad(es, group, EXT4_GROUP_BLOCKS_BAD);
	ext4_error(es->sb, NULL, b->block, "bg %u: block bitmap lacks the file system's own blocks",
		   group);
	return -EUCLEAN;
}

/* The first look at a bitmap after it was read.  Locks: buffer. */
static int block_bitmap_check(struct ext4_super *es, u32 group, struct buffer *b)
{
	struct ext4_group *g = &es->group[group];
	const struct ext4_disk_group *d = ext4_desc(es, group);
	const u64 *map = b->data;
	u32 crc = es->csum ? ext4_csum(es->csum_seed, map, es->blocks_per_group / 8) : 0;
	u32 clear;

	if (!bitmap_csum_ok(es, crc, ext4_desc_block_bitmap_csum(es, d))) {
		group_mark_bad(es, group, EXT4_GROUP_BLOCKS_BAD);
		ext4_error(es->sb, NULL, b->block, "bg %u: bad block bitmap checksum", group);
		return -EBADMSG;
	}
	if (!own_blocks_marked(es, group, map))
		return own_blocks_free(es, group, b);
	clear = g->blocks - (u32)bitmap_weight(map, g->blocks);
	if (clear != ext4_desc_free_blocks(es, d)) {
		group_mark_bad(es, group, EXT4_GROUP_BLOCKS_BAD);
		ext4_error(es->sb, NULL, b->block,
			   "group %u: block bitmap and bg descriptor inconsistent: %u vs %u free "
			   "clusters",
			   group, clear, ext4_desc_free_blocks(es, d));
		return -EUCLEAN;
	}
	with_spin(&g->lock) g->block_csum = crc;
	return 0;
}

/*
 * A bitmap block whose content is valid but perhaps not looked at: read, or made by `make` when the
 * descriptor says it is not on disk.
 */
static int bitmap_get(struct ext4_super *es, u64 block, bool uninit,
		      void (*make)(const struct ext4_super *, u32, u64 *), u32 group,
		      struct buffer **out)
{
	int err;

	if (!uninit)
		return buffer_read(es->bdev, block, out);
	err = buffer_get(es->bdev, block, out);
	if (err)
		return err;
	if (buffer_test(*out, BUFFER_VERIFIED))
		return 0;
	buffer_lock(*out);
	if (!buffer_test(*out, BUFFER_VERIFIED)) {
		make(es, group, (*out)->data);
		buffer_set(*out, BUFFER_UPTODATE);
	}
	buffer_unlock(*out);
	return 0;
}

/* Under its lock, look at a bitmap once. */
static int bitmap_verify(struct ext4_super *es, u32 group, struct buffer *b,
			 int (*check)(struct ext4_super *, u32, struct buffer *))
{
	int err = 0;

	if (buffer_test(b, BUFFER_VERIFIED))
		return 0;
	buffer_lock(b);
	if (!buffer_test(b, BUFFER_VERIFIED)) {
		err = check(es, group, b);
		if (!err)
			buffer_set(b, BUFFER_VERIFIED);
	}
	buffer_unlock(b);
	return err;
}

/* The in-memory copy, in which what is promised to files will be marked too. */
static int taken_make(struct ext4_super *es, u32 group, const struct buffer *b)
{
	struct ext4_group *g = &es->group[group];
	u64 *map = kvmalloc(es->block_size, GFP_NOFS);

	if (!map)
		return -ENOMEM;
	with_spin(&g->lock)
	{
		if (!g->taken) {
			memcpy(map, b->data, es->block_size);
			if (g->blocks < es->block_size * 8)
				bitmap_set_range(map, g->blocks, es->block_size * 8 - g->blocks);
			g->avail = g->longest = g->blocks - (u32)bitmap_weight(map, g->blocks);
			g->cursor = (u32)bitmap_find_first_zero(map, g->blocks);
			WRITE_ONCE(g->taken, map);
			map = NULL;
		}
	}
	kvfree(map);
	return 0;
}

static int block_bitmap_check_made(struct ext4_super *es, u32 group, struct buffer *b)
{
	struct ext4_group *g = &es->group[group];

	if (!own_blocks_marked(es, group, b->data))
		return own_blocks_free(es, group, b);
	with_spin(&g->lock) g->block_csum =
		es->csum ? ext4_csum(es->csum_seed, b->data, es->blocks_per_group / 8) : 0;
	return 0;
}

static bool desc_flag(const struct ext4_super *es, u32 group, u16 flag)
{
	return ext4_has_desc_csum(es) && READ_ONCE(ext4_desc(es, group)->flags) & flag;
}

/* That memory is short says nothing about the disk. */
static void cannot_read(struct ext4_super *es, const char *what, u32 group, u64 block, int err)
{
	if (err != -ENOMEM)
		ext4_error(es->sb, NULL, block, "Cannot read %s bitmap - block_group = %u", what,
			   group);
}

int ext4_block_bitmap_read(struct ext4_super *es, u32 group, struct buffer **out)
{
	struct ext4_group *g = &es->group[group];
	u64 block = ext4_desc_block_bitmap(es, ext4_desc(es, group));
	bool uninit = desc_flag(es, group, EXT4_BG_BLOCK_UNINIT);
	int err;

	if (READ_ONCE(g->flags) & EXT4_GROUP_BLOCKS_BAD)
		return -EUCLEAN;
	err = bitmap_get(es, block, uninit, block_bitmap_make, group, out);
	if (err) {
		cannot_read(es, "block", group, block, err);
		return err;
	}
	err = bitmap_verify(es, group, *out, uninit ? block_bitmap_check_made : block_bitmap_check);
	if (!err && !READ_ONCE(g->taken))
		err = taken_make(es, group, *out);
	if (err)
		buffer_put(*out);
	return err;
}

int ext4_group_load(struct ext4_super *es, u32 group)
{
	struct buffer *b;
	int err;

	if (likely(READ_ONCE(es->group[group].taken)))
		return 0;
	err = ext4_block_bitmap_read(es, group, &b);
	if (!err)
		buffer_put(b);
	return err;
}

static void inode_bitmap_make(const struct ext4_super *es, u32 group, u64 *map)
{
	memset(map, 0, es->block_size);
	bitmap_set_range(map, es->inodes_per_group, es->block_size * 8 - es->inodes_per_group);
}

static int inode_bitmap_check(struct ext4_super *es, u32 group, struct buffer *b)
{
	struct ext4_group *g = &es->group[group];
	const struct ext4_disk_group *d = ext4_desc(es, group);
	u32 crc = es->csum ? ext4_csum(es->csum_seed, b->data, es->inodes_per_group / 8) : 0;

	if (!desc_flag(es, group, EXT4_BG_INODE_UNINIT) &&
	    !bitmap_csum_ok(es, crc, ext4_desc_inode_bitmap_csum(es, d))) {
		group_mark_bad(es, group, EXT4_GROUP_INODES_BAD);
		ext4_error(es->sb, NULL, b->block, "Corrupt inode bitmap - block_group = %u",
			   group);
		return -EBADMSG;
	}
	with_spin(&g->lock)
	{
		g->inode_csum = crc;
		g->inode_loaded = true;
	}
	return 0;
}

int ext4_inode_bitmap_read(struct ext4_super *es, u32 group, struct buffer **out)
{
	u64 block = ext4_desc_inode_bitmap(es, ext4_desc(es, group));
	int err;

	if (READ_ONCE(es->group[group].flags) & EXT4_GROUP_INODES_BAD)
		return -EUCLEAN;
	err = bitmap_get(es, block, desc_flag(es, group, EXT4_BG_INODE_UNINIT), inode_bitmap_make,
			 group, out);
	if (err) {
		cannot_read(es, "inode", group, block, err);
		return err;
	}
	err = bitmap_verify(es, group, *out, inode_bitmap_check);
	if (err)
		buffer_put(*out);
	return err;
}
