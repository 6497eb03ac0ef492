/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes: from directory entries, and back.
 *
 * The inode cache finds an inode by the slot of its entry.  A rename gives it another slot; what
 * stat says stays, the number of the slot it had first, unless that is already the number of one
 * that moved away.  Those are on a list: few at a time.
 *
 * Owner and mode come from mount options; of the mode only the write bits are kept, as the
 * read-only attribute.  Times are those of the disk as soon as they are set: two seconds for a
 * change, which is also the time of the last change of attributes, a day for the last access.
 */
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/stat.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>
#include <security/random.h>
#include <fs/iomap/iomap.h>
#include <fs/vfs/export.h>

#include "fat_internal.h"

static struct slab_cache *fat_inode_cache;

void fat_inode_caches_init(void)
{
	fat_inode_cache = SLAB_CACHE(fat_inode, SLAB_RECLAIMABLE | SLAB_ACCOUNT);
	VERIFY(fat_inode_cache);
}

struct inode *fat_alloc_inode(struct superblock *sb)
{
	struct fat_inode *fi = slab_alloc(fat_inode_cache, GFP_KERNEL);

	if (!fi)
		return NULL;
	fat_chain_init(fi);
	fi->attrs = 0;
	fi->slot = 0;
	list_init(&fi->moved);
	return &fi->inode;
}

void fat_free_inode(struct inode *inode)
{
	slab_free(fat_inode_cache, fat_i(inode));
}

/* --- times ------------------------------------------------------------------------------------ */

#define NS_PER_S  1000000000ll
#define S_PER_DAY 86400ll

/* Days from 1970-01-01 to the first of a month. */
static s64 days_of(unsigned year, unsigned month)
{
	s64 y = (s64)year - (month <= 2);
	s64 m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 - 719468;
}

s64 fat_time_decode(const struct fat_sb *fs, const u8 *time, const u8 *date, u8 cs)
{
	unsigned d = fat_get16(date), t = time ? fat_get16(time) : 0;
	unsigned month = clamp(d >> 5 & 15, 1u, 12u), day = max(d & 31, 1u);
	s64 s = (days_of(1980 + (d >> 9), month) + day - 1) * S_PER_DAY;

	s += (t >> 11) * 3600 + (t >> 5 & 63) * 60 + (t & 31) * 2 + (s64)fs->o.time_offset * -60;
	return s * NS_PER_S + (s64)cs * 10000000;
}

static s64 floor_div(s64 a, s64 b)
{
	return a / b - (a % b < 0);
}

/* Year, month and day of a day since 1970-01-01 that is not before 1980. */
static unsigned date_of(s64 day)
{
	unsigned year = (unsigned)(1970 + day / 366), month = 1;

	while (days_of(year + 1, 1) <= day)
		year++;
	while (month < 12 && days_of(year, month + 1) <= day)
		month++;
	return (year - 1980) << 9 | month << 5 | (unsigned)(day - days_of(year, month) + 1);
}

void fat_time_encode(const struct fat_sb *fs, s64 ns, u8 *time, u8 *date, u8 *cs)
{
	s64 s = floor_div(ns, NS_PER_S) + (s64)fs->o.time_offset * 60, day;
	unsigned t, d, c;

	s = s < days_of(1980, 1) * S_PER_DAY ? days_of(1980, 1) * S_PER_DAY : s;
	if (s >= days_of(2108, 1) * S_PER_DAY) {
		s = days_of(2108, 1) * S_PER_DAY - 1;
		ns = NS_PER_S - 1;
	}
	day = s / S_PER_DAY;
	s %= S_PER_DAY;
	t = (unsigned)(s / 3600) << 11 | (unsigned)(s / 60 % 60) << 5 | (unsigned)(s % 60 / 2);
	d = date_of(day);
	c = (unsigned)(s & 1) * 100 +
	    (unsigned)((ns - floor_div(ns, NS_PER_S) * NS_PER_S) / 10000000);
	if (time)
		fat_put16(time, (u16)t);
	fat_put16(date, (u16)d);
	if (cs)
		*cs = (u8)c;
}

s64 fat_time_round(s64 ns)
{
	return floor_div(ns, 2 * NS_PER_S) * 2 * NS_PER_S;
}

s64 fat_atime_round(const struct fat_sb *fs, s64 ns)
{
	s64 off = (s64)fs->o.time_offset * 60 * NS_PER_S;

	return floor_div(ns + off, S_PER_DAY * NS_PER_S) * S_PER_DAY * NS_PER_S - off;
}

static bool is_root(const struct inode *inode)
{
	return inode->ino == FAT_ROOT_INO;
}

int fat_update_time(struct inode *inode, s64 now, unsigned which)
{
	if (is_root(inode))
		return 0;
	if (which & ATTR_ATIME)
		WRITE_ONCE(inode->atime, fat_atime_round(fat_sb(inode->sb), now));
	if (which & (ATTR_MTIME | ATTR_CTIME)) {
		now = fat_time_round(now);
		WRITE_ONCE(inode->mtime, now);
		WRITE_ONCE(inode->ctime, now);
		if (!S_ISDIR(inode->mode))
			WRITE_ONCE(inode->version, inode->version + 1);
	}
	inode_mark_dirty(inode, I_DIRTY_SYNC);
	return 0;
}

/* --- modes ------------------------------------------------------------------------------------ */

umode_t fat_make_mode(const struct fat_sb *fs, u8 attrs, umode_t mode)
{
	if (attrs & FAT_ATTR_RO && !(attrs & FAT_ATTR_DIR && !fs->o.rodir))
		mode &= ~(umode_t)0222;
	return attrs & FAT_ATTR_DIR ? (mode & ~(umode_t)fs->o.dmask) | S_IFDIR
				    : (mode & ~(umode_t)fs->o.fmask) | S_IFREG;
}

static umode_t mask_of(const struct inode *inode)
{
	const struct fat_options *o = &fat_sb(inode->sb)->o;

	return S_ISDIR(inode->mode) ? o->dmask : o->fmask;
}

/* Can the read-only attribute show in the mode, and so be kept by it? */
static bool mode_can_hold_ro(const struct inode *inode)
{
	if (S_ISDIR(inode->mode) && !fat_sb(inode->sb)->o.rodir)
		return false;
	return ~mask_of(inode) & 0222;
}

#define ATTRS_KEPT (FAT_ATTR_VOLUME | FAT_ATTR_ARCH | FAT_ATTR_SYS | FAT_ATTR_HIDDEN)

u8 fat_make_attrs(const struct inode *inode)
{
	u8 attrs = fat_i(inode)->attrs;

	if (S_ISDIR(inode->mode))
		attrs |= FAT_ATTR_DIR;
	if (mode_can_hold_ro(inode) && !(inode->mode & 0222))
		attrs |= FAT_ATTR_RO;
	return attrs;
}

void fat_save_attrs(struct inode *inode, u8 attrs)
{
	fat_i(inode)->attrs = attrs & (ATTRS_KEPT | (mode_can_hold_ro(inode) ? 0 : FAT_ATTR_RO));
}

/* Change `mode` to what the volume can keep.  False: it cannot, and nothing changes. */
static bool sanitize_mode(const struct inode *inode, umode_t *mode)
{
	umode_t mask = mask_of(inode), perm = *mode & ~mask & 07777, all = 0222 & ~mask;

	if ((perm & 0555) != (inode->mode & 0555))
		return false;
	if ((perm & 0222) != all && (!mode_can_hold_ro(inode) || perm & 0222))
		return false;
	*mode &= S_IFMT | perm;
	return true;
}

/* --- from the disk ---------------------------------------------------------------------------- */

u32 fat_dirent_start(const struct fat_sb *fs, const struct fat_dirent *de)
{
	u32 start = fat_get16(de->start);

	return fs->bits == 32 ? start | (u32)fat_get16(de->start_hi) << 16 : start;
}

void fat_dirent_set_start(struct fat_dirent *de, u32 cluster)
{
	fat_put16(de->start, (u16)cluster);
	fat_put16(de->start_hi, (u16)(cluster >> 16));
}

static bool is_program(const u8 *ext)
{
	return !memcmp(ext, "EXE", 3) || !memcmp(ext, "COM", 3) || !memcmp(ext, "BAT", 3);
}

/* A directory: its size is that of its chain, its links those of its subdirectories. */
static int fill_dir(struct inode *inode)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 clusters, subdirs;
	int err;

	inode->ops = &fat_dir_inode_ops;
	inode->fops = &fat_dir_ops;
	err = fat_chain_count(inode, &clusters);
	if (err)
		return err;
	inode->size = min((u64)clusters << fs->cluster_bits, (u64)FAT_DIR_MAX_BYTES);
	inode->blocks = (u64)clusters << (fs->cluster_bits - SECTOR_SHIFT);
	err = fat_dir_count_subdirs(inode, &subdirs);
	inode->nlink = subdirs + 2;
	return err;
}

static void fill_file(struct inode *inode, const struct fat_dirent *de)
{
	struct fat_sb *fs = fat_sb(inode->sb);

	inode->size = fat_get32(de->size);
	inode->blocks = (u64)fat_size_clusters(fs, inode->size)
			<< (fs->cluster_bits - SECTOR_SHIFT);
	inode->ops = &fat_file_inode_ops;
	inode->fops = &fat_file_ops;
	inode_set_iomap(inode, &fat_iomap_ops);
	inode->nlink = 1;
}

static void fill_times(struct inode *inode, const struct fat_dirent *de)
{
	struct fat_sb *fs = fat_sb(inode->sb);

	inode->mtime = inode->ctime = inode->atime = inode->btime =
		fat_time_decode(fs, de->time, de->date, 0);
	if (!fs->vfat)
		return;
	inode->atime = fat_time_decode(fs, NULL, de->adate, 0);
	inode->btime = fat_time_decode(fs, de->ctime, de->cdate, de->ctime_cs);
}

/* The number that stat says.  Takes slot_lock. */
static u64 choose_ino(struct fat_sb *fs, u64 slot)
{
	struct fat_inode *fi;

	guard_spin(&fs->slot_lock);
	list_for_each (fi, &fs->moved, moved) {
		if (fi->inode.ino == slot)
			return ++fs->next_ino;
	}
	return slot;
}

static void fill_owner(struct inode *inode)
{
	struct fat_sb *fs = fat_sb(inode->sb);

	inode->uid = fs->o.uid;
	inode->gid = fs->o.gid;
	inode->blkbits = fs->cluster_bits;
}

static int fill(struct inode *inode, const struct fat_dirent *de, u64 slot)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	struct fat_inode *fi = fat_i(inode);
	umode_t mode = 0777;
	u32 start = fat_dirent_start(fs, de);

	inode->ino = choose_ino(fs, slot);
	fi->slot = slot;
	inode->generation = random_u32();
	fi->start = fat_cluster_valid(fs, start) ? start : 0;
	if (start && !fi->start)
		return fat_error(fs, "an entry begins at cluster %u, which is none", start);
	fill_owner(inode);
	if (fs->o.showexec && !(de->attr & FAT_ATTR_DIR) && !is_program(de->name + 8))
		mode = 0666;
	inode->mode = fat_make_mode(fs, de->attr, mode);
	fat_save_attrs(inode, de->attr);
	if (de->attr & FAT_ATTR_SYS && fs->o.sys_immutable)
		inode->flags |= S_IMMUTABLE;
	fill_times(inode, de);
	if (de->attr & FAT_ATTR_DIR)
		return fill_dir(inode);
	fill_file(inode, de);
	return 0;
}

int fat_iget(struct superblock *sb, const struct fat_dirent *de, u64 slot, struct inode **out)
{
	struct inode *inode;
	int err = inode_iget(sb, slot, &inode);

	if (err)
		return err;
	*out = inode;
	if (!(inode->state & I_NEW))
		return 0;
	err = fill(inode, de, slot);
	if (err)
		inode_iget_failed(inode);
	else
		inode_unlock_new(inode);
	return err;
}

int fat_root_create(struct superblock *sb, struct inode **out)
{
	struct fat_sb *fs = fat_sb(sb);
	struct inode *inode = inode_create(sb);
	u32 clusters, subdirs;
	int err = 0;

	if (!inode)
		return -ENOMEM;
	inode->ino = FAT_ROOT_INO;
	fat_i(inode)->start = fs->root_cluster;
	fill_owner(inode);
	inode->mode = fat_make_mode(fs, FAT_ATTR_DIR, 0777);
	inode->atime = inode->mtime = inode->ctime = inode->btime = 0;
	inode->ops = &fat_dir_inode_ops;
	inode->fops = &fat_dir_ops;
	inode->size = (loff_t)fs->root_entries * FAT_DIRENT_SIZE;
	if (fs->bits == 32) {
		err = fat_chain_count(inode, &clusters);
		inode->size = (loff_t)clusters << fs->cluster_bits;
	}
	inode->blocks = (u64)(inode->size + SECTOR_SIZE - 1) >> SECTOR_SHIFT;
	*out = inode;
	if (err) {
		inode_put(inode);
		return err;
	}
	sb->root = d_make_root(sb, inode);
	if (!sb->root)
		return -ENOMEM;
	err = fat_dir_count_subdirs(inode, &subdirs);
	inode->nlink = subdirs + 2;
	return err;
}

/* --- to the disk ------------------------------------------------------------------------------ */

void fat_inode_move(struct inode *inode, u64 slot)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	struct fat_inode *fi = fat_i(inode);

	with_spin(&fs->slot_lock)
	{
		fi->slot = slot;
		if (list_empty(&fi->moved))
			list_push_back(&fs->moved, &fi->moved);
	}
	inode_rekey(inode, slot);
}

u64 fat_slot_ino(struct superblock *sb, u64 slot)
{
	struct fat_sb *fs = fat_sb(sb);
	struct fat_inode *fi;

	guard_spin(&fs->slot_lock);
	list_for_each (fi, &fs->moved, moved) {
		if (fi->slot == slot)
			return fi->inode.ino;
	}
	return slot;
}

static void fill_dirent(const struct inode *inode, struct fat_dirent *de)
{
	struct fat_sb *fs = fat_sb(inode->sb);

	fat_put32(de->size, S_ISDIR(inode->mode) ? 0 : (u32)inode->size);
	de->attr = fat_make_attrs(inode);
	fat_dirent_set_start(de, READ_ONCE(fat_i(inode)->start));
	fat_time_encode(fs, inode->mtime, de->time, de->date, NULL);
	if (!fs->vfat)
		return;
	fat_time_encode(fs, inode->atime, NULL, de->adate, NULL);
	fat_time_encode(fs, inode->btime, de->ctime, de->cdate, &de->ctime_cs);
}

/* Write the entry if it is still at `slot`.  Returns whether it was. */
static bool store_entry(struct inode *inode, struct buffer *b, u64 slot)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 per_block = inode->sb->blocksize / FAT_DIRENT_SIZE;

	guard_spin(&fs->slot_lock);
	if (fat_i(inode)->slot != slot)
		return false;
	fill_dirent(inode, (struct fat_dirent *)b->data + slot % per_block);
	return true;
}

static int write_entry(struct inode *inode, bool wait)
{
	u32 per_block = inode->sb->blocksize / FAT_DIRENT_SIZE;
	struct fat_sb *fs = fat_sb(inode->sb);
	struct buffer *b;
	u64 slot;
	bool stored;
	int err;

	do {
		with_spin(&fs->slot_lock) slot = fat_i(inode)->slot;
		if (!slot)
			return 0;
		err = buffer_read(fs->bdev, slot / per_block, &b);
		if (err)
			return err;
		stored = store_entry(inode, b, slot);
		if (stored)
			buffer_mark_dirty(b);
		if (stored && wait)
			err = buffer_sync(b, BIO_SYNC);
		buffer_put(b);
	} while (!stored);
	return err;
}

/* Who changed the file was told of success: that is not lost for want of memory. */
int fat_write_inode(struct inode *inode, bool wait)
{
	return until_memory(write_entry(inode, wait));
}

/* What is cached of the clusters of a directory must not be written over what comes there next. */
static void forget_blocks(struct inode *dir)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	u32 index = 0, cluster, count;

	while (!fat_chain_map(dir, index, 64, &cluster, &count) && count) {
		buffers_invalidate(fs->bdev, fat_cluster_sector(fs, cluster),
				   (u64)count * fs->cluster_sectors);
		index += count;
	}
}

/* Preallocated clusters behind the end go when the file is no longer used. */
static void free_behind_end(struct inode *inode)
{
	struct fat_sb *fs = fat_sb(inode->sb);
	u32 keep = fat_size_clusters(fs, inode->size);

	if (fat_i(inode)->clusters_known && fat_i(inode)->clusters > keep &&
	    !until_memory(fat_chain_cut(inode, keep)))
		(void)fat_write_inode(inode, false);
}

void fat_evict_inode(struct inode *inode)
{
	struct fat_inode *fi = fat_i(inode);
	struct fat_sb *fs = fat_sb(inode->sb);

	if (!inode->nlink && inode->mode && !(inode->state & I_BAD)) {
		if (S_ISDIR(inode->mode))
			forget_blocks(inode);
		WRITE_ONCE(inode->size, 0);
		cache_truncate(&inode->data, 0);
		(void)until_memory(fat_chain_cut(inode, 0)); /* nobody will later */
	} else if (S_ISREG(inode->mode) && !(inode->state & I_BAD)) {
		free_behind_end(inode);
	}
	with_spin(&fs->slot_lock) list_remove(&fi->moved);
	fat_chain_fini(fi);
}

/* --- attributes ------------------------------------------------------------------------------- */

int fat_getattr(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		unsigned flags)
{
	generic_fillattr(inode, out);
	out->blksize = 1u << fat_sb(inode->sb)->cluster_bits;
	if (fat_sb(inode->sb)->vfat)
		out->result_mask |= STATX_BTIME;
	return 0;
}

/* May the caller set times although it does not own the file?  allow_utime= */
static bool may_set_times(const struct inode *inode)
{
	u16 allow = fat_sb(inode->sb)->o.allow_utime;
	const struct cred *cred = cred_current();

	if (cred->fsuid == inode->uid)
		return false;
	if (cred_in_group(cred, inode->gid))
		allow >>= 3;
	return allow & 2;
}

static int check_change(struct inode *inode, struct iattr *attr)
{
	const struct fat_options *o = &fat_sb(inode->sb)->o;
	const u32 times = ATTR_MTIME_SET | ATTR_ATIME_SET | ATTR_TOUCH;
	u32 valid = attr->valid;
	int err;

	if (attr->valid & times && may_set_times(inode))
		attr->valid &= ~times;
	err = setattr_prepare(inode, attr);
	attr->valid = valid;
	return err && o->quiet && !(valid & ATTR_SIZE) ? 1 : err;
}

/* What the volume cannot keep: owners, and most of the mode. */
static int check_kept(const struct inode *inode, const struct iattr *attr)
{
	const struct fat_options *o = &fat_sb(inode->sb)->o;

	if ((attr->valid & ATTR_UID && attr->uid != o->uid) ||
	    (attr->valid & ATTR_GID && attr->gid != o->gid) ||
	    (attr->valid & ATTR_MODE && attr->mode & ~(umode_t)(S_IFREG | S_IFDIR | 0777)))
		return o->quiet ? 1 : -EPERM;
	return 0;
}

static void apply(struct inode *inode, struct iattr *attr)
{
	attr->valid &= ~(u32)ATTR_CTIME;
	if (attr->valid & ATTR_ATIME)
		attr->atime = fat_atime_round(fat_sb(inode->sb), attr->atime);
	if (attr->valid & ATTR_MTIME) {
		attr->mtime = attr->ctime = fat_time_round(attr->mtime);
		attr->valid |= ATTR_CTIME;
	}
	setattr_copy(inode, attr);
}

int fat_setattr(struct dentry *dentry, struct inode *inode, const struct iattr *asked)
{
	struct iattr attr = *asked;
	int err = check_change(inode, &attr);

	if (err)
		return min(err, 0);
	if (attr.valid & ATTR_SIZE && attr.size > inode->size) {
		err = iomap_extend(inode, attr.size);
		if (err)
			return err;
		attr.valid &= ~(u32)ATTR_SIZE;
	}
	err = check_kept(inode, &attr);
	if (err)
		return min(err, 0);
	if (attr.valid & ATTR_MODE && !sanitize_mode(inode, &attr.mode))
		attr.valid &= ~(u32)ATTR_MODE;
	if (attr.valid & ATTR_SIZE)
		err = fat_truncate(inode, attr.size);
	if (!err)
		apply(inode, &attr);
	return err;
}

/* --- handles ---------------------------------------------------------------------------------- */

/* The volume has no place for a generation: a handle lasts as long as the inode is in memory. */

static bool ino_is(const struct inode *inode, u64 ino)
{
	return (u32)inode->ino == ino && !(READ_ONCE(inode->state) & (I_NEW | I_BAD));
}

static int fat_export_decode(struct superblock *sb, const u32 *fid, u32 words, int type,
			     struct inode **out)
{
	u32 ino, generation;
	int err = export_decode_ino32(fid, words, type, &ino, &generation);

	if (err)
		return err;
	*out = inode_search(sb, ino_is, ino);
	if (*out && generation && (*out)->generation != generation) {
		inode_put(*out);
		*out = NULL;
	}
	return *out ? 0 : -ESTALE;
}

const struct export_ops fat_export_ops = {
	.encode = export_encode_ino32,
	.decode = fat_export_decode,
};
