/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Telling where data is: lseek(2) with SEEK_DATA and SEEK_HOLE, FS_IOC_FIEMAP, FIBMAP, swap files.
 */
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "iomap_internal.h"

/* Calls fn for each extent of [pos, end); it returns 0 to go on, else what the walk returns. */
static int walk_extents(struct inode *inode, u64 pos, u64 end,
			int (*fn)(struct inode *inode, const struct iomap *map, u64 pos, u64 end,
				  void *arg),
			void *arg)
{
	int err = 0, end_err;

	while (pos < end && !err) {
		struct iomap map;
		u64 stop;

		err = map_begin(inode, pos, end - pos, IOMAP_REPORT, &map);
		if (err)
			break;
		stop = min(end, map_end(&map));
		err = fn(inode, &map, pos, stop, arg);
		end_err = map_end_op(inode, pos, end - pos, stop - pos, IOMAP_REPORT, &map);
		err = err ? err : end_err;
		pos = stop;
	}
	return err;
}

/* --- lseek ------------------------------------------------------------------------------------ */

struct seek {
	bool data;
	u64 found;
};

/* Is there data in memory that an extent reading as zeroes does not know of yet? */
static bool cached_data(struct inode *inode, u64 pos, u64 end, u64 *at)
{
	u64 index = pos >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
	struct folio *f;

	while (index <= last && cache_gather(&inode->data, &index, last, &f, 1)) {
		bool valid = folio_test(f, PG_uptodate) || blocks_uptodate(f, inode_blkbits(inode));

		*at = max(pos, folio_pos(f));
		folio_put(f);
		if (valid)
			return true;
	}
	return false;
}

static int seek_in(struct inode *inode, const struct iomap *map, u64 pos, u64 end, void *arg)
{
	struct seek *s = arg;
	bool is_data = map->type != IOMAP_HOLE;
	u64 at = pos;

	if (map->type == IOMAP_UNWRITTEN) {
		is_data = cached_data(inode, pos, end, &at);
		if (is_data && !s->data && at > pos) {
			s->found = pos;
			return 1;
		}
	}
	if (is_data != s->data)
		return 0;
	s->found = is_data ? at : pos;
	return 1;
}

static loff_t seek_extents(struct inode *inode, loff_t offset, bool data)
{
	struct seek s = {.data = data};
	int ret;

	guard_read(&inode->lock);
	if (offset < 0 || offset >= inode->size)
		return -ENXIO;
	ret = walk_extents(inode, offset, inode->size, seek_in, &s);
	if (ret < 0)
		return ret;
	if (!ret)
		return data ? -ENXIO : inode->size;
	return (loff_t)s.found;
}

loff_t iomap_lseek(struct file *file, loff_t offset, int whence)
{
	if (whence == SEEK_DATA || whence == SEEK_HOLE) {
		offset = seek_extents(file->inode, offset, whence == SEEK_DATA);
		if (offset < 0)
			return offset;
		whence = SEEK_SET;
	}
	return generic_lseek(file, offset, whence);
}

/* --- fiemap ----------------------------------------------------------------------------------- */

struct fiemap_walk {
	struct fiemap_extent __user *to;
	u32 max, count;
	/* `last` waits to be told, until it is known whether it is the last */
	bool held;
	struct fiemap_extent last;
};

static u32 fiemap_flags(const struct iomap *map)
{
	u32 flags = 0;

	switch (map->type) {
	case IOMAP_DELALLOC: flags = FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN; break;
	case IOMAP_UNWRITTEN: flags = FIEMAP_EXTENT_UNWRITTEN; break;
	case IOMAP_INLINE: flags = FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_NOT_ALIGNED; break;
	default: break;
	}
	if (map->flags & IOMAP_F_MERGED)
		flags |= FIEMAP_EXTENT_MERGED;
	if (map->flags & IOMAP_F_SHARED)
		flags |= FIEMAP_EXTENT_SHARED;
	return flags;
}

/* Tell the extent that waits.  Returns 0, 1 when there is room for no more, or -EFAULT. */
static int fiemap_flush(struct fiemap_walk *w)
{
	if (!w->held)
		return 0;
	w->held = false;
	if (w->max && copy_to_user(w->to + w->count, &w->last, sizeof(w->last)))
		return -EFAULT;
	w->count++;
	return w->max && w->count == w->max;
}

static int fiemap_see(struct inode *inode, const struct iomap *map, u64 pos, u64 end, void *arg)
{
	struct fiemap_walk *w = arg;
	int ret;

	if (map->type == IOMAP_HOLE)
		return 0;
	ret = fiemap_flush(w);
	if (ret)
		return ret;
	w->last = (struct fiemap_extent){
		.fe_logical = map->offset,
		.fe_physical =
			map->type == IOMAP_MAPPED || map->type == IOMAP_UNWRITTEN ? map->addr : 0,
		.fe_length = map->length,
		.fe_flags = fiemap_flags(map),
	};
	w->held = true;
	return 0;
}

/* Preallocated space may lie behind the end of the file. */
static int fiemap_fill(struct inode *inode, u64 start, u64 end, struct fiemap_walk *w)
{
	int ret;

	guard_read(&inode->lock);
	end = min(end, (u64)inode->sb->max_bytes);
	ret = walk_extents(inode, start, end, fiemap_see, w);
	if (ret)
		return ret < 0 ? ret : 0;
	/* As on Linux it is the last of those asked for that says so. */
	w->last.fe_flags |= FIEMAP_EXTENT_LAST;
	return fiemap_flush(w);
}

static long ioctl_fiemap(struct file *file, struct fiemap __user *arg)
{
	struct fiemap_walk w = {.to = (struct fiemap_extent __user *)(arg + 1)};
	struct inode *inode = file->inode;
	struct fiemap head;
	int err = 0;

	if (copy_from_user(&head, arg, sizeof(head)))
		return -EFAULT;
	if (head.fm_extent_count > (U32_MAX - sizeof(head)) / sizeof(struct fiemap_extent))
		return -EINVAL;
	if (!head.fm_length)
		return -EINVAL;
	if (head.fm_start > (u64)inode->sb->max_bytes)
		return -EFBIG;
	/* The map is in memory once it was read, whether that was asked for or not. */
	head.fm_flags &= ~(u32)FIEMAP_FLAG_CACHE;
	if (head.fm_flags & ~(u32)FIEMAP_FLAG_SYNC) {
		head.fm_flags &= ~(u32)FIEMAP_FLAG_SYNC;
		err = -EBADR;
	}
	if (!err && head.fm_flags & FIEMAP_FLAG_SYNC)
		err = cache_write_range(&inode->data, 0, S64_MAX, true);
	w.max = head.fm_extent_count;
	if (!err) {
		u64 end = head.fm_start + head.fm_length;

		err = fiemap_fill(inode, head.fm_start, end < head.fm_start ? U64_MAX : end, &w);
		err = min(err, 0);
	}
	head.fm_mapped_extents = w.count;
	if (copy_to_user(arg, &head, sizeof(head)))
		return -EFAULT;
	return err;
}

/* --- bmap, swap files ------------------------------------------------------------------------- */

u64 iomap_bmap(struct inode *inode, u64 block)
{
	unsigned blkbits = inode->sb->blkbits;
	u64 pos = block << blkbits, result = 0;
	struct iomap map;

	if (pos >> blkbits != block || pos > (u64)inode->sb->max_bytes)
		return 0;
	if (xa_marked(&inode->data.pages, MAPPING_DIRTY) &&
	    cache_write_range(&inode->data, 0, S64_MAX, true))
		return 0;
	if (map_begin(inode, pos, 1ull << blkbits, IOMAP_REPORT, &map))
		return 0;
	if (map.type == IOMAP_MAPPED)
		result = map_addr(&map, pos) >> blkbits;
	return map_end_op(inode, pos, 1ull << blkbits, 0, IOMAP_REPORT, &map) ? 0 : result;
}

static long ioctl_bmap(struct file *file, int __user *arg)
{
	int block;
	u64 found;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (get_user(block, arg))
		return -EFAULT;
	if (block < 0)
		return -EINVAL;
	found = iomap_bmap(file->inode, block);
	if (found > S32_MAX)
		found = 0;
	return put_user((int)found, arg);
}

struct extent_caller {
	int (*fn)(void *arg, u64 pos, u64 addr, u64 len);
	void *arg;
};

static int call_mapped(struct inode *inode, const struct iomap *map, u64 pos, u64 end, void *arg)
{
	struct extent_caller *c = arg;

	if (map->type != IOMAP_MAPPED && map->type != IOMAP_UNWRITTEN)
		return -EINVAL;
	return c->fn(c->arg, pos, map_addr(map, pos), end - pos);
}

int iomap_for_each_extent(struct inode *inode, int (*fn)(void *arg, u64 pos, u64 addr, u64 len),
			  void *arg)
{
	struct extent_caller c = {fn, arg};

	return walk_extents(inode, 0, inode->size, call_mapped, &c);
}

long iomap_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	switch (cmd) {
	case FS_IOC_FIEMAP: return ioctl_fiemap(file, (struct fiemap __user *)arg);
	case FIBMAP:
		return S_ISREG(file->inode->mode) ? ioctl_bmap(file, (int __user *)arg)
						  : -ENOIOCTLCMD;
	default: return -ENOIOCTLCMD;
	}
}
