/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes: from records.
 *
 * A record says where the data is, how much, and a time; who may do what is up to the mount
 * options, or to Rock Ridge.  A file in several extents has its records behind each other; each but
 * the last is in whole blocks.  fs/iomap does the reading.
 */
#include <fs/iomap/iomap.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "isofs_internal.h"

static struct slab_cache *iso_inode_cache;

void iso_inode_cache_init(void)
{
	iso_inode_cache = SLAB_CACHE(iso_inode, SLAB_RECLAIMABLE | SLAB_ACCOUNT);
	VERIFY(iso_inode_cache);
}

struct inode *iso_alloc_inode(struct superblock *sb)
{
	struct iso_inode *ii = slab_alloc(iso_inode_cache, GFP_KERNEL);

	if (!ii)
		return NULL;
	ii->first = (struct iso_extent){};
	ii->extents = &ii->first;
	ii->nr_extents = 0;
	ii->link = NULL;
	return &ii->inode;
}

/* The text of a link may be looked at without a reference until now. */
void iso_free_inode(struct inode *inode)
{
	kfree(iso_i(inode)->link);
	slab_free(iso_inode_cache, iso_i(inode));
}

void iso_evict_inode(struct inode *inode)
{
	struct iso_inode *ii = iso_i(inode);

	if (ii->extents != &ii->first)
		kfree(ii->extents);
	ii->extents = &ii->first;
	ii->nr_extents = 0;
}

/* --- data ------------------------------------------------------------------------------------- */

/* Bytes of the file that extent `i` holds. */
static u64 extent_bytes(const struct iso_inode *ii, unsigned i)
{
	u64 bytes = ii->extents[i].bytes, mask = ii->inode.sb->blocksize - 1;

	return i + 1 < ii->nr_extents ? bytes & ~mask : (bytes + mask) & ~mask;
}

static int iso_iomap_begin(struct inode *inode, u64 pos, u64 len, unsigned flags, struct iomap *out)
{
	const struct iso_inode *ii = iso_i(inode);
	u64 start = 0;

	for (unsigned i = 0; i < ii->nr_extents; i++) {
		u64 bytes = extent_bytes(ii, i);

		if (pos < start + bytes) {
			out->type = IOMAP_MAPPED;
			out->flags = IOMAP_F_MERGED;
			out->offset = start;
			out->length = bytes;
			out->addr = (u64)ii->extents[i].block << inode->sb->blkbits;
			return 0;
		}
		start += bytes;
	}
	out->type = IOMAP_HOLE;
	out->offset = start;
	out->length = pos + len - start;
	return pos < (u64)inode->size
		       ? iso_error(iso_sb(inode->sb), "file %llu ends early", inode->ino)
		       : 0;
}

static const struct iomap_ops iso_iomap_ops = {.begin = iso_iomap_begin};

static long iso_ioctl(struct file *file, unsigned cmd, unsigned long arg)
{
	return cmd == FIBMAP ? iomap_ioctl(file, cmd, arg) : -ENOIOCTLCMD;
}

static const struct file_ops iso_file_ops = {
	.read_iter = iomap_read_iter,
	.splice_read = splice_read_pages,
	.lseek = generic_lseek,
	.mmap = generic_file_mmap,
	.ioctl = iso_ioctl,
};

static const struct inode_ops iso_file_inode_ops = {};

/* --- extents ---------------------------------------------------------------------------------- */

/* Those of a file whose first record is flagged that there are more. */
static int read_extents(struct iso_sb *fs, struct buffer **held, struct inode *inode,
			struct iso_record *r)
{
	struct iso_inode *ii = iso_i(inode);
	int err = 0;

	ii->extents = kmalloc(ISO_MAX_EXTENTS * sizeof(*ii->extents), GFP_KERNEL);
	if (!ii->extents) {
		ii->extents = &ii->first;
		return -ENOMEM;
	}
	inode->size = 0;
	for (;;) {
		ii->extents[ii->nr_extents++] =
			(struct iso_extent){iso_record_extent(r), iso_record_size(r)};
		inode->size += iso_record_size(r);
		if (!(iso_record_flags(r) & ISO_FLAG_MORE))
			return 0;
		if (ii->nr_extents == ISO_MAX_EXTENTS)
			return iso_error(fs, "file %llu has too many extents", inode->ino);
		/* The directory ends somewhere, but not before the next sector does. */
		err = iso_record_at(fs, held, r->place + r->len, r->place + r->len + ISO_SECTOR, r);
		if (err)
			return err == -ENOENT
				       ? iso_error(fs, "file %llu lacks an extent", inode->ino)
				       : err;
	}
}

static int fill_extents(struct iso_sb *fs, struct buffer **held, struct inode *inode,
			struct iso_record *r)
{
	struct iso_inode *ii = iso_i(inode);

	inode->size = iso_record_size(r);
	if (iso_record_is_interleaved(r)) {
		iso_error(fs, "file %llu is interleaved, which is not supported", inode->ino);
		inode->size = 0;
	}
	if (fs->o.cruft)
		inode->size &= 0xffffff;
	ii->first = (struct iso_extent){iso_record_extent(r), (u32)inode->size};
	ii->nr_extents = 1;
	if (!(iso_record_flags(r) & ISO_FLAG_MORE) || iso_record_flags(r) & ISO_FLAG_DIR)
		return 0;
	ii->nr_extents = 0;
	return read_extents(fs, held, inode, r);
}

/* --- attributes ------------------------------------------------------------------------------- */

static void fill_plain(struct iso_sb *fs, struct inode *inode, const struct iso_record *r)
{
	if (iso_record_flags(r) & ISO_FLAG_DIR)
		inode->mode = S_IFDIR | (fs->o.dmode == ISO_MODE_UNSET ? 0555 : fs->o.dmode);
	else
		inode->mode = S_IFREG | (fs->o.mode == ISO_MODE_UNSET ? 0555 : fs->o.mode);
	inode->uid = fs->o.uid;
	inode->gid = fs->o.gid;
	/* Of directories too: find(1) then does not count on two and one for each that is in it. */
	inode->nlink = 1;
	inode->mtime = inode->atime = inode->ctime = iso_date_short(iso_record_date(r));
}

/* What the mount options want whatever Rock Ridge says. */
static void override(const struct iso_sb *fs, struct inode *inode)
{
	if (fs->o.uid_set)
		inode->uid = fs->o.uid;
	if (fs->o.gid_set)
		inode->gid = fs->o.gid;
	if (!fs->o.override_rock)
		return;
	if (S_ISDIR(inode->mode) && fs->o.dmode != ISO_MODE_UNSET)
		inode->mode = S_IFDIR | fs->o.dmode;
	if (S_ISREG(inode->mode) && fs->o.mode != ISO_MODE_UNSET)
		inode->mode = S_IFREG | fs->o.mode;
}

static int fill_record(struct iso_sb *fs, struct buffer **held, struct inode *inode,
		       struct iso_record *r, u64 *moved_to)
{
	int err;

	*moved_to = 0;
	fill_plain(fs, inode, r);
	inode->size = 0;
	if (fs->rock) {
		err = iso_rock_inode(fs, inode, r, moved_to);
		if (err || *moved_to)
			return err;
	}
	return S_ISLNK(inode->mode) ? 0 : fill_extents(fs, held, inode, r);
}

/* The record at `place`, or that which it points to: a directory that was moved is all there. */
static int fill_from(struct iso_sb *fs, struct buffer **held, struct inode *inode, u64 place)
{
	struct iso_record *r = kmalloc(sizeof(*r), GFP_KERNEL);
	u64 moved_to, again;
	int err;

	if (!r)
		return -ENOMEM;
	err = iso_record_at(fs, held, place, place + 1, r);
	if (!err)
		err = fill_record(fs, held, inode, r, &moved_to);
	if (!err && moved_to) {
		err = iso_record_at(fs, held, moved_to, moved_to + 1, r);
		if (!err)
			err = fill_record(fs, held, inode, r, &again);
		if (!err && (again || !S_ISDIR(inode->mode)))
			err = iso_error(fs, "directory %llu was moved to where none is",
					inode->ino);
	}
	kfree(r);
	return err == -ENOENT ? iso_error(fs, "there is no record at byte %llu", place) : err;
}

static int set_ops(struct iso_sb *fs, struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &iso_file_inode_ops;
		inode->fops = &iso_file_ops;
		inode_set_iomap(inode, &iso_iomap_ops);
		return 0;
	case S_IFDIR:
		inode->ops = &iso_dir_inode_ops;
		inode->fops = &iso_dir_ops;
		return 0;
	case S_IFLNK: inode->ops = &symlink_inode_ops; return 0;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: inode_init_special(inode, inode->mode, inode->rdev); return 0;
	default: return iso_error(fs, "inode %llu is of no type: mode %o", inode->ino, inode->mode);
	}
}

static int fill(struct inode *inode, u64 place)
{
	struct iso_sb *fs = iso_sb(inode->sb);
	struct buffer *held = NULL;
	int err;

	inode->rdev = 0;
	inode->blkbits = inode->sb->blkbits;
	err = fill_from(fs, &held, inode, place);
	buffer_put(held);
	if (err)
		return err;
	override(fs, inode);
	inode->blocks = ((u64)inode->size + SECTOR_SIZE - 1) >> SECTOR_SHIFT;
	return set_ops(fs, inode);
}

int iso_iget(struct superblock *sb, u64 place, struct inode **out)
{
	struct inode *inode;
	int err = inode_iget(sb, place >> 5, &inode);

	if (err)
		return err;
	*out = inode;
	if (!(inode->state & I_NEW))
		return 0;
	err = fill(inode, place);
	if (err)
		inode_iget_failed(inode);
	else
		inode_unlock_new(inode);
	return err;
}
