/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes: from the inode table.
 *
 * A directory entry has a reference to the inode, and its number.  An inode is of one of seven
 * types, in a short form or in a long one with room for attributes, link counts and large sizes.
 * What belongs to it and varies in length (sizes of blocks, an index, the text of a link) stands
 * behind it.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/stat.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "squashfs_internal.h"

static struct slab_cache *sq_inode_cache;

void sq_inode_cache_init(void)
{
	sq_inode_cache = SLAB_CACHE(sq_inode, SLAB_RECLAIMABLE | SLAB_ACCOUNT);
	VERIFY(sq_inode_cache);
}

struct inode *sq_alloc_inode(struct superblock *sb)
{
	struct sq_inode *si = slab_alloc(sq_inode_cache, GFP_KERNEL);

	if (!si)
		return NULL;
	si->xattrs = SQ_NO_XATTRS;
	si->link = NULL;
	si->last = (struct sq_point){};
	si->points = NULL;
	si->nr_points = si->max_points = 0;
	mutex_init(&si->lock, RANK_INODE_MAP, "squashfs.blocks");
	return &si->inode;
}

/* The text of a link may be looked at without a reference until now. */
void sq_free_inode(struct inode *inode)
{
	kfree(sq_i(inode)->link);
	slab_free(sq_inode_cache, sq_i(inode));
}

void sq_evict_inode(struct inode *inode)
{
	mapping_fini(&inode->data);
	kfree(sq_i(inode)->points);
	sq_i(inode)->points = NULL;
}

/* --- fields common to all --------------------------------------------------------------------- */

#define NS_PER_S   1000000000ll
#define BASE_BYTES 16u

static int base_read(struct sq_sb *fs, struct sq_cursor *at, u8 *base)
{
	return sq_meta_read(fs, at, base, BASE_BYTES);
}

int sq_inode_number(struct sq_sb *fs, u64 ref, u32 *ino)
{
	struct sq_cursor at = sq_cursor_of(fs->inode_table, ref);
	u8 base[BASE_BYTES];
	int err = base_read(fs, &at, base);

	*ino = get_unaligned_le32(base + 12);
	return err;
}

static int take_base(struct sq_sb *fs, struct inode *inode, const u8 *base)
{
	u32 uid = get_unaligned_le16(base + 4), gid = get_unaligned_le16(base + 6);

	if (get_unaligned_le32(base + 12) != (u32)inode->ino || uid >= fs->nr_ids ||
	    gid >= fs->nr_ids)
		return sq_error(fs, "inode %llu is not where it should be, or has no owner",
				inode->ino);
	inode->mode = get_unaligned_le16(base + 2) & 07777;
	inode->uid = fs->ids[uid];
	inode->gid = fs->ids[gid];
	inode->atime = inode->mtime = inode->ctime = (s64)get_unaligned_le32(base + 8) * NS_PER_S;
	return 0;
}

/* --- directories ------------------------------------------------------------------------------ */

static int fill_dir(struct sq_sb *fs, struct inode *inode, struct sq_cursor *at, bool extended)
{
	struct sq_inode *si = sq_i(inode);
	u8 raw[24];
	u32 start, offset;
	int err = sq_meta_read(fs, at, raw, extended ? 24 : 16);

	if (err)
		return err;
	start = get_unaligned_le32(raw + (extended ? 8 : 0));
	offset = get_unaligned_le16(raw + (extended ? 18 : 10));
	inode->nlink = get_unaligned_le32(raw + (extended ? 0 : 4));
	inode->size = extended ? get_unaligned_le32(raw + 4) : get_unaligned_le16(raw + 8);
	si->dir.indexes = extended ? get_unaligned_le16(raw + 16) : 0;
	si->xattrs = extended ? get_unaligned_le32(raw + 20) : SQ_NO_XATTRS;
	si->dir.at = (struct sq_cursor){.block = fs->dir_table + start, .offset = offset};
	si->dir.index = *at;
	inode->mode |= S_IFDIR;
	inode->ops = &sq_dir_inode_ops;
	inode->fops = &sq_dir_ops;
	return 0;
}

/* --- files ------------------------------------------------------------------------------------ */

static const struct inode_ops sq_inode_ops = {.getxattr = sq_getxattr, .listxattr = sq_listxattr};

static int set_data(struct sq_sb *fs, struct inode *inode, u64 size, u64 sparse)
{
	struct sq_inode *si = sq_i(inode);
	u32 rest = (u32)size & (fs->block_size - 1);

	if (size > (u64)inode->sb->max_bytes || sparse > size ||
	    (si->file.fragment != SQ_NO_FRAGMENT && si->file.offset > fs->block_size - rest))
		return sq_error(fs, "file %llu cannot have %llu bytes", inode->ino, size);
	si->file.blocks = size >> fs->block_log;
	if (rest && si->file.fragment == SQ_NO_FRAGMENT)
		si->file.blocks++;
	inode->size = (loff_t)size;
	inode->blocks = (size - sparse + SECTOR_SIZE - 1) >> SECTOR_SHIFT;
	inode->mode |= S_IFREG;
	inode->ops = &sq_inode_ops;
	inode->fops = &sq_file_ops;
	inode->data.ops = &sq_mapping_ops;
	return 0;
}

static int fill_file(struct sq_sb *fs, struct inode *inode, struct sq_cursor *at, bool extended)
{
	struct sq_inode *si = sq_i(inode);
	u8 raw[40];
	int err = sq_meta_read(fs, at, raw, extended ? 40 : 16);

	if (err)
		return err;
	si->file.list = *at;
	if (!extended) {
		si->file.start = get_unaligned_le32(raw);
		si->file.fragment = get_unaligned_le32(raw + 4);
		si->file.offset = get_unaligned_le32(raw + 8);
		inode->nlink = 1;
		return set_data(fs, inode, get_unaligned_le32(raw + 12), 0);
	}
	si->file.start = get_unaligned_le64(raw);
	inode->nlink = get_unaligned_le32(raw + 24);
	si->file.fragment = get_unaligned_le32(raw + 28);
	si->file.offset = get_unaligned_le32(raw + 32);
	si->xattrs = get_unaligned_le32(raw + 36);
	return set_data(fs, inode, get_unaligned_le64(raw + 8), get_unaligned_le64(raw + 16));
}

/* --- the others ------------------------------------------------------------------------------- */

static int read_xattrs(struct sq_sb *fs, struct inode *inode, struct sq_cursor *at, bool extended)
{
	u8 raw[4];
	int err = extended ? sq_meta_read(fs, at, raw, sizeof(raw)) : 0;

	if (!err && extended)
		sq_i(inode)->xattrs = get_unaligned_le32(raw);
	return err;
}

static const struct inode_ops sq_symlink_inode_ops = {.getxattr = sq_getxattr,
						      .listxattr = sq_listxattr};

static int fill_symlink(struct sq_sb *fs, struct inode *inode, struct sq_cursor *at, bool extended)
{
	struct sq_inode *si = sq_i(inode);
	u8 raw[8];
	u32 len;
	int err = sq_meta_read(fs, at, raw, sizeof(raw));

	if (err)
		return err;
	inode->nlink = get_unaligned_le32(raw);
	len = get_unaligned_le32(raw + 4);
	if (!len || len >= PAGE_SIZE)
		return sq_error(fs, "symbolic link %llu has %u bytes", inode->ino, len);
	si->link = kmalloc(len + 1, GFP_KERNEL);
	if (!si->link)
		return -ENOMEM;
	err = sq_meta_read(fs, at, si->link, len);
	si->link[len] = 0;
	if (!err)
		err = read_xattrs(fs, inode, at, extended);
	inode->link = si->link;
	inode->size = len;
	inode->mode |= S_IFLNK;
	inode->ops = &sq_symlink_inode_ops;
	return !err && strlen(si->link) != len
		       ? sq_error(fs, "symbolic link %llu has a NUL in it", inode->ino)
		       : err;
}

/* Devices have a number; FIFOs and sockets have none. */
static int fill_special(struct sq_sb *fs, struct inode *inode, struct sq_cursor *at, u32 type,
			bool extended)
{
	static const umode_t modes[] = {
		[SQ_BLOCK] = S_IFBLK,
		[SQ_CHAR] = S_IFCHR,
		[SQ_FIFO] = S_IFIFO,
		[SQ_SOCKET] = S_IFSOCK,
	};
	bool is_device = type == SQ_BLOCK || type == SQ_CHAR;
	u8 raw[8] = {};
	int err = sq_meta_read(fs, at, raw, is_device ? 8 : 4);

	if (!err)
		err = read_xattrs(fs, inode, at, extended);
	if (err)
		return err;
	inode->nlink = get_unaligned_le32(raw);
	inode->ops = &sq_inode_ops;
	inode_init_special(inode, inode->mode | modes[type],
			   dev_decode(get_unaligned_le32(raw + 4)));
	return 0;
}

static int fill(struct inode *inode, u64 ref)
{
	struct sq_sb *fs = sq_sb(inode->sb);
	struct sq_cursor at = sq_cursor_of(fs->inode_table, ref);
	u8 base[BASE_BYTES];
	bool extended;
	u32 type;
	int err = base_read(fs, &at, base);

	if (!err)
		err = take_base(fs, inode, base);
	if (err)
		return err;
	inode->rdev = 0;
	inode->blkbits = inode->sb->blkbits;
	type = get_unaligned_le16(base);
	extended = type > SQ_EXTENDED;
	type -= extended ? SQ_EXTENDED : 0;
	switch (type) {
	case SQ_DIR: return fill_dir(fs, inode, &at, extended);
	case SQ_FILE: return fill_file(fs, inode, &at, extended);
	case SQ_SYMLINK: return fill_symlink(fs, inode, &at, extended);
	case SQ_BLOCK:
	case SQ_CHAR:
	case SQ_FIFO:
	case SQ_SOCKET: return fill_special(fs, inode, &at, type, extended);
	default: return sq_error(fs, "inode %llu is of no type", inode->ino);
	}
}

int sq_iget(struct superblock *sb, u32 ino, u64 ref, struct inode **out)
{
	struct inode *inode;
	int err;

	if (!ino)
		return sq_error(sq_sb(sb), "there is no inode 0");
	err = inode_iget(sb, ino, &inode);
	if (err)
		return err;
	*out = inode;
	if (!(inode->state & I_NEW))
		return 0;
	err = fill(inode, ref);
	if (err)
		inode_iget_failed(inode);
	else
		inode_unlock_new(inode);
	return err;
}
