/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes: from the disk into memory, and back into the block of the inode table that holds them.
 *
 * A change of an inode is stored into its block at once, in the handle of the operation
 * (ext4_inode_dirty).  The exception are times that reading and writing touch: they only mark the
 * inode (EXT4_STATE_STALE), and are stored with the next change, by fsync or by write-back.  Of a
 * regular file's size the disk knows `disk_size`, which follows inode.size when the data is
 * written.
 *
 * What the disk says is checked here before anything else sees it: numbers in range, known types
 * and flags, roots of block maps.
 */
#include <fs/ext4/ext4_format.h>
#include <fs/vfs/posix_acl.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>

#include "ext4_map.h"
#include "ext4_space.h"

/* --- times --- */

#define NS 1000000000ll

static s64 time_decode(u32 lo, u32 extra, bool wide)
{
	s64 secs = (s32)lo;

	if (!wide)
		return secs * NS;
	secs += (s64)(extra & 3) << 32;
	return min(secs, S64_MAX / NS - 1) * NS + min(extra >> 2, (u32)NS - 1);
}

static void time_encode(s64 t, u32 *lo, u32 *extra)
{
	s64 secs = t / NS, ns = t % NS;

	if (ns < 0) {
		ns += NS;
		secs--;
	}
	*lo = (u32)secs;
	if (extra)
		*extra = (u32)((secs - (s32)secs) >> 32 & 3) | (u32)ns << 2;
}

/* The fields behind 128 bytes exist as far as extra_isize reaches. */
#define HAS(extra_isize, field) EXT4_EXTRA_FITS(extra_isize, field)

static void times_decode(struct inode *inode, const struct ext4_disk_inode *raw, u16 extra)
{
	inode->atime = time_decode(raw->atime, HAS(extra, atime_extra) ? raw->atime_extra : 0,
				   HAS(extra, atime_extra));
	inode->mtime = time_decode(raw->mtime, HAS(extra, mtime_extra) ? raw->mtime_extra : 0,
				   HAS(extra, mtime_extra));
	inode->ctime = time_decode(raw->ctime, HAS(extra, ctime_extra) ? raw->ctime_extra : 0,
				   HAS(extra, ctime_extra));
	inode->btime =
		HAS(extra, crtime)
			? time_decode(raw->crtime, HAS(extra, crtime_extra) ? raw->crtime_extra : 0,
				      HAS(extra, crtime_extra))
			: 0;
}

static void times_encode(const struct inode *inode, struct ext4_disk_inode *raw, u16 extra)
{
	time_encode(READ_ONCE(inode->atime), &raw->atime,
		    HAS(extra, atime_extra) ? &raw->atime_extra : NULL);
	time_encode(READ_ONCE(inode->mtime), &raw->mtime,
		    HAS(extra, mtime_extra) ? &raw->mtime_extra : NULL);
	time_encode(READ_ONCE(inode->ctime), &raw->ctime,
		    HAS(extra, ctime_extra) ? &raw->ctime_extra : NULL);
	if (HAS(extra, crtime))
		time_encode(inode->btime, &raw->crtime,
			    HAS(extra, crtime_extra) ? &raw->crtime_extra : NULL);
}

/* --- checksums --- */

static u32 inode_crc(const struct inode *inode, const struct ext4_disk_inode *raw)
{
	const u32 size = ext4_inode_super(inode)->inode_size;
	const u32 lo = offsetof(struct ext4_disk_inode, checksum_lo),
		  hi = offsetof(struct ext4_disk_inode, checksum_hi);
	const char *p = (const char *)raw;
	u32 crc = ext4_csum(ext4_inode(inode)->csum_seed, p, lo), at = lo + 2;
	u16 zero = 0;

	crc = ext4_csum(crc, &zero, sizeof(zero));
	if (size > EXT4_GOOD_OLD_INODE && HAS(raw->extra_isize, checksum_hi)) {
		crc = ext4_csum(crc, p + at, hi - at);
		crc = ext4_csum(crc, &zero, sizeof(zero));
		at = hi + 2;
	}
	return ext4_csum(crc, p + at, size - at);
}

static bool inode_csum_ok(const struct inode *inode, const struct ext4_disk_inode *raw)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	bool wide = es->inode_size > EXT4_GOOD_OLD_INODE && HAS(raw->extra_isize, checksum_hi);
	u32 crc;

	if (!es->csum)
		return true;
	crc = inode_crc(inode, raw);
	return raw->checksum_lo == (crc & 0xffff) && (!wide || raw->checksum_hi == crc >> 16);
}

/* In one pass, as the fields are there to be written. */
static void inode_seal(const struct inode *inode, struct ext4_disk_inode *raw)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	bool wide = es->inode_size > EXT4_GOOD_OLD_INODE && HAS(raw->extra_isize, checksum_hi);
	u32 crc;

	if (!es->csum)
		return;
	raw->checksum_lo = 0;
	if (wide)
		raw->checksum_hi = 0;
	crc = ext4_csum(ext4_inode(inode)->csum_seed, raw, es->inode_size);
	raw->checksum_lo = (u16)crc;
	if (wide)
		raw->checksum_hi = (u16)(crc >> 16);
}

void ext4_inode_seed(struct inode *inode)
{
	u32 ino = (u32)inode->ino, generation = inode->generation;

	ext4_inode(inode)->csum_seed =
		ext4_csum(ext4_csum(ext4_inode_super(inode)->csum_seed, &ino, sizeof(ino)),
			  &generation, sizeof(generation));
}

/* --- where they are --- */

static u64 inode_block(const struct ext4_super *es, u32 ino, u32 *offset)
{
	u32 group = (ino - 1) / es->inodes_per_group, index = (ino - 1) % es->inodes_per_group;

	*offset = index % es->inodes_per_block * es->inode_size;
	return ext4_desc_inode_table(es, ext4_desc(es, group)) + index / es->inodes_per_block;
}

/* Reading one inode of a table, its neighbours usually follow. */
static void table_readahead(struct ext4_super *es, u32 ino, u64 block)
{
	u32 window = max(es->opt.readahead_blocks, 1u), offset;
	u32 first_ino = (ino - 1) / es->inodes_per_group * es->inodes_per_group + 1;
	u64 first = inode_block(es, first_ino, &offset),
	    at = first + (block - first) / window * window;
	struct buffer *b = buffer_find(es->bdev, block);

	if (!b)
		buffer_readahead(es->bdev, at,
				 (unsigned)min((u64)window, first + es->itable_blocks - at));
	buffer_put(b);
}

int ext4_inode_locate(struct inode *inode, struct ext4_inode_loc *loc)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u32 offset;
	u64 block = inode_block(es, (u32)inode->ino, &offset);
	int err = buffer_read(es->bdev, block, &loc->buffer);

	if (err) {
		/* That memory is short says nothing about the disk. */
		if (err != -ENOMEM)
			ext4_error(inode->sb, inode, block, "unable to read itable block");
		return err;
	}
	loc->raw = (struct ext4_disk_inode *)((char *)loc->buffer->data + offset);
	return 0;
}

/*
 * The place of a new inode in a block where no other is used: what the disk has there is nobody's.
 */
int ext4_inode_locate_fresh(struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct buffer *b;
	u32 offset;
	int err = buffer_get(es->bdev, inode_block(es, (u32)inode->ino, &offset), &b);

	if (err)
		return err;
	if (!buffer_test(b, BUFFER_UPTODATE)) {
		buffer_lock(b);
		if (!buffer_test(b, BUFFER_UPTODATE)) {
			memset(b->data, 0, b->size);
			buffer_set(b, BUFFER_UPTODATE);
		}
		buffer_unlock(b);
	}
	buffer_put(b);
	return 0;
}

int ext4_inode_reserve(struct handle *h, struct inode *inode, struct ext4_inode_loc *loc)
{
	int err = ext4_inode_locate(inode, loc);

	if (err)
		return err;
	err = journal_get_write(h, loc->buffer);
	if (err)
		buffer_put(loc->buffer);
	return err;
}

void ext4_inode_xattr_space(const struct inode *inode, u32 *from, u32 *to)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	u16 extra = ext4_inode(inode)->extra_isize;

	*from = *to = 0;
	if (es->inode_size == EXT4_GOOD_OLD_INODE || !extra)
		return;
	*from = EXT4_GOOD_OLD_INODE + extra;
	*to = es->inode_size;
}

/* --- writing --- */

static dev_t rdev_decode(const u32 *block)
{
	u32 old = block[0];

	return old ? MKDEV(old >> 8 & 0xff, old & 0xff) : dev_decode(block[1]);
}

/* Small numbers in the form of old kernels, larger ones in the next word. */
static void rdev_encode(dev_t rdev, u32 *block)
{
	bool old = MAJOR(rdev) < 256 && MINOR(rdev) < 256;

	block[0] = old ? MAJOR(rdev) << 8 | MINOR(rdev) : 0;
	block[1] = old ? 0 : (u32)dev_encode(rdev);
}

/* inode.blocks into the forms the disk has for it. */
static int blocks_encode(struct inode *inode, struct ext4_disk_inode *raw)
{
	struct ext4_inode *ei = ext4_inode(inode);
	const struct ext4_super *es = ext4_inode_super(inode);
	u64 blocks = READ_ONCE(inode->blocks);

	ei->flags &= ~EXT4_HUGE_FILE_FL;
	if (blocks > U32_MAX && !ext4_has_ro(es, EXT4_RO_HUGE_FILE))
		return -EFBIG;
	if (blocks > 0xffffffffffffull) {
		ei->flags |= EXT4_HUGE_FILE_FL;
		blocks >>= es->block_bits - SECTOR_SHIFT;
	}
	raw->blocks_lo = (u32)blocks;
	raw->blocks_hi = (u16)(blocks >> 32);
	return 0;
}

static u64 blocks_decode(const struct inode *inode, const struct ext4_disk_inode *raw)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	u64 blocks = raw->blocks_lo;

	if (!ext4_has_ro(es, EXT4_RO_HUGE_FILE))
		return blocks;
	blocks |= (u64)raw->blocks_hi << 32;
	return raw->flags & EXT4_HUGE_FILE_FL ? blocks << (es->block_bits - SECTOR_SHIFT) : blocks;
}

static void owner_encode(const struct inode *inode, struct ext4_disk_inode *raw)
{
	raw->mode = (u16)inode->mode;
	raw->uid_lo = (u16)inode->uid;
	raw->gid_lo = (u16)inode->gid;
	raw->uid_hi = (u16)(inode->uid >> 16);
	raw->gid_hi = (u16)(inode->gid >> 16);
	raw->links_count = (u16)(inode->nlink >= 65000 && S_ISDIR(inode->mode) ? 1 : inode->nlink);
}

static void raw_fill(struct inode *inode, struct ext4_disk_inode *raw)
{
	struct ext4_inode *ei = ext4_inode(inode);
	u64 size = S_ISREG(inode->mode) ? (u64)ei->disk_size : (u64)inode->size;

	owner_encode(inode, raw);
	times_encode(inode, raw, ei->extra_isize);
	raw->size_lo = (u32)size;
	raw->size_hi = (u32)(size >> 32);
	raw->dtime = ei->dtime;
	raw->flags = ei->flags;
	raw->file_acl_lo = (u32)ei->file_acl;
	raw->file_acl_hi = (u16)(ei->file_acl >> 32);
	raw->generation = inode->generation;
	raw->version_lo = (u32)inode->version;
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode))
		rdev_encode(inode->rdev, ei->block);
	memcpy(raw->block, ei->block, sizeof(raw->block));
	if (ext4_inode_super(inode)->inode_size > EXT4_GOOD_OLD_INODE) {
		raw->extra_isize = ei->extra_isize;
		if (HAS(ei->extra_isize, version_hi))
			raw->version_hi = (u32)(inode->version >> 32);
		if (HAS(ei->extra_isize, projid) &&
		    ext4_has_ro(ext4_inode_super(inode), EXT4_RO_PROJECT))
			raw->projid = ei->projid;
	}
}

/* Does fdatasync have to wait for this change? */
static bool data_changed(const struct ext4_disk_inode *raw, const struct ext4_disk_inode *old)
{
	return raw->size_lo != old->size_lo || raw->size_hi != old->size_hi ||
	       raw->blocks_lo != old->blocks_lo ||
	       memcmp(raw->block, old->block, sizeof(raw->block));
}

int ext4_inode_store(struct handle *h, struct inode *inode, struct ext4_inode_loc *loc)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	struct ext4_disk_inode *raw = loc->raw, old;
	int err = 0;

	ext4_state_clear(inode, EXT4_STATE_STALE);
	/* Two changes may come at once: a write's size and a read's time. */
	with_spin(&ei->raw_lock)
	{
		if (ext4_state_test(inode, EXT4_STATE_NEW)) {
			memset(raw, 0, es->inode_size);
			ext4_state_clear(inode, EXT4_STATE_NEW);
		}
		memcpy(&old, raw, EXT4_GOOD_OLD_INODE);
		err = blocks_encode(inode, raw);
		raw_fill(inode, raw);
		inode_seal(inode, raw);
	}
	if (!err && raw->size_hi && S_ISREG(inode->mode) && !ext4_has_ro(es, EXT4_RO_LARGE_FILE))
		err = ext4_feature_add(h, es, 0, EXT4_RO_LARGE_FILE);
	if (!err)
		err = journal_dirty(h, loc->buffer);
	if (es->journal) {
		WRITE_ONCE(ei->sync_tid, handle_tid(h));
		if (data_changed(raw, &old))
			WRITE_ONCE(ei->datasync_tid, ei->sync_tid);
	}
	buffer_put(loc->buffer);
	return err;
}

int ext4_inode_dirty(struct handle *h, struct inode *inode)
{
	struct ext4_inode_loc loc;
	int err = ext4_inode_reserve(h, inode, &loc);

	return err ?: ext4_inode_store(h, inode, &loc);
}

int ext4_start_held(struct inode *inode, unsigned credits, struct handle **h,
		    struct ext4_inode_loc *held)
{
	int err = ext4_start(inode->sb, NULL, credits, h), err2;

	if (err)
		return err;
	err = ext4_inode_reserve(*h, inode, held);
	if (!err)
		return 0;
	err2 = ext4_stop(*h);
	return err ?: err2;
}

int ext4_stop_held(struct handle *h, struct ext4_inode_loc *held)
{
	buffer_put(held->buffer);
	return ext4_stop(h);
}

/* super_ops */

void ext4_dirty_inode(struct inode *inode, u32 what)
{
	ext4_state_set(inode, EXT4_STATE_STALE);
}

/* Does the disk know less than could be stored now? */
static bool disk_behind(const struct inode *inode)
{
	const struct ext4_inode *ei = ext4_inode(inode);

	return ext4_state_test(inode, EXT4_STATE_STALE) ||
	       READ_ONCE(ei->disk_size) < READ_ONCE(ei->written_end);
}

static int write_behind(struct inode *inode, bool wait)
{
	struct handle *h;
	int err = wait ? ext4_tail_settle(inode) : 0, err2;

	err = err ?: ext4_start(inode->sb, NULL, EXT4_CREDITS_INODE + 1, &h);
	if (err)
		return err;
	ext4_size_reached(inode, 0, 0);
	err = ext4_inode_dirty(h, inode);
	err2 = ext4_stop(h);
	return err ?: err2;
}

int ext4_write_inode(struct inode *inode, bool wait)
{
	struct superblock *sb = inode->sb;
	int err;

	/* Who changed it was told of success: it is not lost for want of memory. */
	do {
		bool due = disk_behind(inode) && !(READ_ONCE(sb->flags) & SB_RDONLY);

		err = due ? write_behind(inode, wait) : 0;
	} while (no_memory_yet(err));
	if (wait && !err && !ext4_super(sb)->journal) {
		struct ext4_inode_loc loc;

		err = ext4_inode_locate(inode, &loc);
		if (err)
			return err;
		err = buffer_sync(loc.buffer, BIO_SYNC | BIO_META);
		buffer_put(loc.buffer);
	}
	return err;
}

/* --- reading --- */

void ext4_inode_apply_flags(struct inode *inode)
{
	static const struct {
		u32 disk, vfs;
	} same[] = {
		{EXT4_SYNC_FL, S_SYNC_},          {EXT4_APPEND_FL, S_APPEND},
		{EXT4_IMMUTABLE_FL, S_IMMUTABLE}, {EXT4_NOATIME_FL, S_NOATIME_},
		{EXT4_DIRSYNC_FL, S_DIRSYNC},
	};
	u32 flags = inode->flags, disk = ext4_inode(inode)->flags;

	for (unsigned i = 0; i < ARRAY_SIZE(same); i++)
		flags = disk & same[i].disk ? flags | same[i].vfs : flags & ~same[i].vfs;
	WRITE_ONCE(inode->flags, flags);
}

static int bad_inode(struct inode *inode, const char *what, u64 value)
{
	ext4_error(inode->sb, inode, 0, "iget: %s (%llu)", what, value);
	return -EUCLEAN;
}

static int check_extra(struct inode *inode, const struct ext4_disk_inode *raw)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	u16 extra;

	ext4_inode(inode)->extra_isize = 0;
	if (es->inode_size == EXT4_GOOD_OLD_INODE)
		return 0;
	extra = raw->extra_isize;
	if (EXT4_GOOD_OLD_INODE + extra > es->inode_size || extra & 3)
		return bad_inode(inode, "bad extra_isize", extra);
	ext4_inode(inode)->extra_isize = extra;
	return 0;
}

static void fields_decode(struct inode *inode, const struct ext4_disk_inode *raw)
{
	struct ext4_inode *ei = ext4_inode(inode);

	inode->mode = raw->mode;
	inode->uid = raw->uid_lo | (u32)raw->uid_hi << 16;
	inode->gid = raw->gid_lo | (u32)raw->gid_hi << 16;
	inode->nlink = raw->links_count;
	inode->size = (loff_t)ext4_lo_hi(raw->size_lo, raw->size_hi);
	inode->blocks = blocks_decode(inode, raw);
	inode->version = raw->version_lo;
	ei->flags = raw->flags;
	ei->dtime = raw->dtime;
	ei->file_acl = ext4_lo_hi(raw->file_acl_lo,
				  ext4_has_incompat(ext4_inode_super(inode), EXT4_INCOMPAT_64BIT)
					  ? raw->file_acl_hi
					  : 0);
	ei->disk_size = ei->written_end = inode->size;
	memcpy(ei->block, raw->block, sizeof(ei->block));
	if (HAS(ei->extra_isize, version_hi) && ei->extra_isize)
		inode->version |= (u64)raw->version_hi << 32;
	if (HAS(ei->extra_isize, projid) && ei->extra_isize)
		ei->projid = raw->projid;
	times_decode(inode, raw, ei->extra_isize);
}

static int check_fields(struct inode *inode)
{
	struct ext4_inode *ei = ext4_inode(inode);
	const struct ext4_super *es = ext4_inode_super(inode);

	if (inode->size < 0)
		return bad_inode(inode, "bad i_size value", (u64)inode->size);
	if (S_ISDIR(inode->mode) && (u64)inode->size >> es->block_bits >= EXT4_LBLOCK_END)
		return bad_inode(inode, "directory too large", (u64)inode->size);
	if (ei->file_acl && !ext4_blocks_valid(es, ei->file_acl, 1))
		return bad_inode(inode, "bad extended attribute block", ei->file_acl);
	if (ei->flags &
	    (EXT4_INLINE_DATA_FL | EXT4_EA_INODE_FL | EXT4_ENCRYPT_FL | EXT4_CASEFOLD_FL))
		return bad_inode(inode, "flags of a feature that is not there", ei->flags);
	if (ei->flags & EXT4_EXTENTS_FL && !ext4_has_incompat(es, EXT4_INCOMPAT_EXTENTS) &&
	    S_ISLNK(inode->mode))
		return bad_inode(inode, "extents without the feature", ei->flags);
	return 0;
}

static int check_map(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFLNK:
		if (ext4_is_fast_symlink(inode))
			return (u64)inode->size < EXT4_BLOCK_BYTES
				       ? 0
				       : bad_inode(inode, "fast symlink too long",
						   (u64)inode->size);
		break;
	case S_IFREG:
	case S_IFDIR: break;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK: ext4_inode(inode)->flags &= ~EXT4_EXTENTS_FL; return 0;
	default: return bad_inode(inode, "bogus i_mode", inode->mode);
	}
	return ext4_has_extents(inode) ? ext4_extents_check_root(inode)
				       : ext4_indirect_check_root(inode);
}

void ext4_inode_set_ops(struct inode *inode)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->ops = &ext4_file_inode_ops;
		inode->fops = &ext4_file_ops;
		ext4_set_mapping_ops(inode);
		break;
	case S_IFDIR:
		inode->ops = &ext4_dir_inode_ops;
		inode->fops = &ext4_dir_ops;
		inode->iomap = &ext4_iomap_ops; /* to tell where its blocks are */
		break;
	case S_IFLNK:
		inode->ops = ext4_is_fast_symlink(inode) ? &ext4_fast_symlink_inode_ops
							 : &ext4_symlink_inode_ops;
		if (ext4_is_fast_symlink(inode)) {
			((char *)ext4_inode(inode)
				 ->block)[min((u64)inode->size, (u64)EXT4_BLOCK_BYTES - 1)] = 0;
			inode->link = (const char *)ext4_inode(inode)->block;
		}
		break;
	default: inode->ops = &ext4_special_inode_ops; break;
	}
}

static int inode_decode(struct inode *inode, const struct ext4_disk_inode *raw)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);
	int err;

	inode->generation = raw->generation;
	ext4_inode_seed(inode);
	err = check_extra(inode, raw);
	if (err)
		return err;
	if (!inode_csum_ok(inode, raw)) {
		ext4_error(inode->sb, inode, 0, "iget: checksum invalid");
		return -EBADMSG;
	}
	fields_decode(inode, raw);
	ei->sync_tid = ei->datasync_tid = es->journal ? journal_committed_tid(es->journal) : 0;
	err = check_fields(inode) ?: check_map(inode);
	if (err)
		return err;
	if (inode->sb->flags & SB_POSIXACL && !S_ISLNK(inode->mode))
		inode_acl_unknown(inode);
	err = ext4_xattr_check_body(inode, raw);
	if (err)
		return err;
	if (!ei->file_acl && !ext4_state_test(inode, EXT4_STATE_XATTR))
		inode->acl = inode->default_acl = NULL;
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode) || S_ISFIFO(inode->mode) ||
	    S_ISSOCK(inode->mode))
		inode_init_special(inode, inode->mode, rdev_decode(ei->block));
	ext4_inode_set_ops(inode);
	ext4_inode_apply_flags(inode);
	return 0;
}

static int inode_load(struct superblock *sb, u32 ino, bool special, struct inode **out)
{
	struct ext4_super *es = ext4_super(sb);
	struct ext4_inode_loc loc;
	struct inode *inode;
	u32 offset;
	int err = inode_iget(sb, ino, &inode);

	if (err)
		return err;
	if (!(READ_ONCE(inode->state) & I_NEW)) {
		*out = inode;
		return 0;
	}
	ext4_inode(inode)->group = (ino - 1) / es->inodes_per_group;
	table_readahead(es, ino, inode_block(es, ino, &offset));
	err = ext4_inode_locate(inode, &loc);
	if (err)
		goto fail;
	if (!special && !loc.raw->links_count)
		err = -ESTALE;
	else
		err = inode_decode(inode, loc.raw);
	buffer_put(loc.buffer);
	if (err)
		goto fail;
	inode_unlock_new(inode);
	*out = inode;
	return 0;
fail:
	ext4_state_set(inode, EXT4_STATE_BAD);
	inode_iget_failed(inode);
	return err;
}

int ext4_inode_get(struct superblock *sb, u32 ino, struct inode **out)
{
	struct ext4_super *es = ext4_super(sb);
	int err;

	if ((ino < es->first_ino && ino != EXT4_ROOT_INO) || ino > es->inodes)
		return -EUCLEAN;
	err = inode_load(sb, ino, false, out);
	if (!err && !READ_ONCE((*out)->nlink)) {
		inode_put(*out);
		return -ESTALE;
	}
	return err;
}

int ext4_inode_get_open(struct superblock *sb, u32 ino, struct inode **out)
{
	struct ext4_super *es = ext4_super(sb);
	int err;

	if ((ino < es->first_ino && ino != EXT4_ROOT_INO) || ino > es->inodes ||
	    !ext4_inode_in_use(es, ino))
		return -ESTALE;
	err = inode_load(sb, ino, false, out);
	if (!err && ext4_state_test(*out, EXT4_STATE_MAKING)) {
		inode_put(*out);
		return -ESTALE;
	}
	return err;
}

int ext4_inode_get_special(struct superblock *sb, u32 ino, struct inode **out)
{
	if (!ino || ino > ext4_super(sb)->inodes)
		return -EUCLEAN;
	return inode_load(sb, ino, true, out);
}

/* --- existence --- */

static struct slab_cache *inode_cache;

int ext4_inode_init_cache(void)
{
	if (!inode_cache)
		inode_cache = slab_create("ext4_inode_cache", sizeof(struct ext4_inode), 8,
					  SLAB_RECLAIMABLE | SLAB_ACCOUNT, NULL);
	return inode_cache ? 0 : -ENOMEM;
}

struct inode *ext4_alloc_inode(struct superblock *sb)
{
	struct ext4_inode *ei = slab_alloc(inode_cache, GFP_NOFS);

	if (!ei)
		return NULL;
	memset(ei, 0, offsetof(struct ext4_inode, inode));
	rwsem_init(&ei->map, RANK_INODE_MAP, "ext4_inode.map");
	rwsem_init(&ei->xattr, RANK_INODE_MAP, "ext4_inode.xattr");
	spin_init(&ei->raw_lock, RANK_FS_GROUP, "ext4_inode.raw_lock");
	list_init(&ei->orphan);
	ext4_status_init(ei);
	return &ei->inode;
}

void ext4_free_inode(struct inode *inode)
{
	slab_free(inode_cache, ext4_inode(inode));
}

static bool has_map(const struct inode *inode)
{
	return S_ISREG(inode->mode) || S_ISDIR(inode->mode) ||
	       (S_ISLNK(inode->mode) && !ext4_is_fast_symlink(inode));
}

#define CREDITS_DELETE                                                                             \
	(EXT4_CREDITS_TRUNCATE + EXT4_CREDITS_XATTR + EXT4_CREDITS_INODE_NEW + EXT4_CREDITS_ORPHAN)

/*
 * Blocks, attributes, the number: all goes.  The inode is an orphan until the last transaction of
 * this.
 */
static int inode_delete(struct handle *h, struct inode *inode)
{
	int err = 0;

	if (has_map(inode)) {
		inode->size = ext4_inode(inode)->disk_size = ext4_inode(inode)->written_end = 0;
		err = ext4_inode_dirty(h, inode)
			      ?: ext4_blocks_remove(h, inode, 0, EXT4_LBLOCK_END);
	}
	err = err
		      ?: ext4_handle_refill(h, inode,
					    EXT4_CREDITS_XATTR + EXT4_CREDITS_INODE_NEW +
						    EXT4_CREDITS_ORPHAN);
	err = err ?: ext4_xattr_delete(h, inode);
	if (err)
		return err;
	err = ext4_orphan_del(h, inode);
	ext4_inode(inode)->dtime = (u32)(clock_real_coarse_ns() / NS);
	err = err ?: ext4_inode_dirty(h, inode);
	return err ?: ext4_inode_free(h, inode);
}

static int delete_once(struct inode *inode)
{
	struct handle *h;
	int err = READ_ONCE(inode->sb->flags) & SB_RDONLY ? -EROFS : 0, err2;

	/* Never synchronous: whoever gets the number next may be in the same transaction. */
	err = err
		      ?: journal_start(ext4_inode_super(inode)->journal, CREDITS_DELETE,
				       EXT4_REVOKES, &h);
	if (err)
		return err;
	err = inode_delete(h, inode);
	err2 = ext4_stop(h);
	return err ?: err2;
}

static void inode_evict_deleted(struct inode *inode)
{
	int err = until_memory(delete_once(inode));

	if (err && err != -EROFS)
		ext4_failed(inode->sb, inode, err, "deleting an inode");
}

void ext4_evict(struct inode *inode)
{
	bool deleted = !inode->nlink && !ext4_state_test(inode, EXT4_STATE_BAD);

	cache_truncate(&inode->data, 0);
	if (deleted)
		inode_evict_deleted(inode);
	else if (disk_behind(inode) && !ext4_state_test(inode, EXT4_STATE_BAD))
		/* Its last pages arrived after it was seen to. */
		(void)!ext4_write_inode(inode, false);
	ext4_orphan_del(NULL, inode);
	ext4_status_drop(inode, 0, EXT4_LBLOCK_END);
	ext4_status_trim(ext4_inode(inode));
}
