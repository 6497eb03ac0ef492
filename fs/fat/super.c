/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The volume: its parameters, mounting, counting, its end.
 *
 * Nothing the boot sector says is believed before it is checked: that sizes are powers of two, that
 * tables and directory fit before the clusters, that there are no more clusters than the table has
 * entries.  How many clusters there are decides whether an entry has 12 or 16 bits; FAT32 shows by
 * having no 16-bit table length.
 *
 * While mounted for writing the volume is marked dirty in the boot sector; a mark that was there
 * before stays.
 */
#define LOG_PREFIX "fat: "
#include <fs/iomap/iomap.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <fs/fat/fat.h>

#include "fat_internal.h"

#define STATE_DIRTY 1u

/* Offsets in the boot sector. */
enum {
	BOOT_SECTOR_SIZE = 11,
	BOOT_CLUSTER_SECTORS = 13,
	BOOT_RESERVED = 14,
	BOOT_TABLES = 16,
	BOOT_ROOT_ENTRIES = 17,
	BOOT_SECTORS16 = 19,
	BOOT_MEDIA = 21,
	BOOT_TABLE16 = 22,
	BOOT_SECTORS32 = 32,
	BOOT_TABLE32 = 36,
	BOOT_ROOT_CLUSTER = 44,
	BOOT_INFO = 48,
	BOOT_STATE32 = 65,
	BOOT_ID32 = 67,
	BOOT_STATE16 = 37,
	BOOT_ID16 = 39,
};

#define INFO_SIGN1 0x41615252u
#define INFO_SIGN2 0x61417272u
enum { INFO_AT_SIGN1 = 0, INFO_AT_SIGN2 = 484, INFO_AT_FREE = 488, INFO_AT_NEXT = 492 };

/* --- errors ----------------------------------------------------------------------------------- */

int fat_error(struct fat_sb *fs, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (atomic_add_return(&fs->errors_logged, 1) <= 10)
		log_err("%s: %s\n", fs->sb->id, text);
	if (fs->o.errors == FAT_ERRORS_PANIC)
		panic("fat: %s: %s", fs->sb->id, text);
	if (fs->o.errors == FAT_ERRORS_RO && !(READ_ONCE(fs->sb->flags) & SB_RDONLY)) {
		atomic_or(&fs->sb->flags, SB_RDONLY);
		log_err("%s: read-only from now on\n", fs->sb->id);
	}
	return -EIO;
}

/* --- the boot sector -------------------------------------------------------------------------- */

struct boot {
	u32 sector_size, cluster_sectors, reserved, tables, root_entries, sectors, media,
		table_sectors;
	u32 root_cluster, info, id;
	bool is_fat32, is_dirty;
};

static void boot_read(const u8 *p, struct boot *b)
{
	memset(b, 0, sizeof(*b));
	b->sector_size = fat_get16(p + BOOT_SECTOR_SIZE);
	b->cluster_sectors = p[BOOT_CLUSTER_SECTORS];
	b->reserved = fat_get16(p + BOOT_RESERVED);
	b->tables = p[BOOT_TABLES];
	b->root_entries = fat_get16(p + BOOT_ROOT_ENTRIES);
	b->media = p[BOOT_MEDIA];
	b->sectors = fat_get16(p + BOOT_SECTORS16);
	if (!b->sectors)
		b->sectors = fat_get32(p + BOOT_SECTORS32);
	b->table_sectors = fat_get16(p + BOOT_TABLE16);
	b->is_fat32 = !b->table_sectors && fat_get32(p + BOOT_TABLE32);
	b->id = fat_get32(p + (b->is_fat32 ? BOOT_ID32 : BOOT_ID16));
	b->is_dirty = p[b->is_fat32 ? BOOT_STATE32 : BOOT_STATE16] & STATE_DIRTY;
	if (!b->is_fat32)
		return;
	b->table_sectors = fat_get32(p + BOOT_TABLE32);
	b->root_cluster = fat_get32(p + BOOT_ROOT_CLUSTER);
	b->info = fat_get16(p + BOOT_INFO);
}

/* What is wrong with it, or NULL. */
static const char *boot_complaint(const struct boot *b)
{
	if (!b->reserved)
		return "no reserved sectors";
	if (!b->tables)
		return "no allocation tables";
	if (b->media != 0xf0 && b->media < 0xf8)
		return "unknown medium";
	if (popcount64(b->sector_size) != 1 || b->sector_size < 512 || b->sector_size > 4096)
		return "impossible sector size";
	if (popcount64(b->cluster_sectors) != 1)
		return "impossible cluster size";
	if (!b->table_sectors)
		return "no allocation table";
	if (!b->is_fat32 && b->root_entries % (b->sector_size / FAT_DIRENT_SIZE))
		return "impossible number of root entries";
	return NULL;
}

/* Where everything is.  Returns what is wrong, or NULL. */
static const char *lay_out(struct fat_sb *fs, const struct boot *b)
{
	u64 tables = (u64)b->tables * b->table_sectors, data, clusters, entries;

	fs->tables = b->tables;
	fs->table_start = b->reserved;
	fs->table_sectors = b->table_sectors;
	fs->cluster_sectors = b->cluster_sectors;
	fs->cluster_bits = ctz64(b->sector_size) + ctz64(b->cluster_sectors);
	fs->root_entries = b->is_fat32 ? 0 : b->root_entries;
	data = b->reserved + tables;
	fs->root_start = (u32)data;
	data += (u64)fs->root_entries * FAT_DIRENT_SIZE / b->sector_size;
	if (data >= b->sectors)
		return "no room for clusters";
	fs->data_start = (u32)data;
	clusters = (b->sectors - data) / b->cluster_sectors;
	fs->bits = b->is_fat32 ? 32 : clusters > 0xff4 ? 16 : 12;
	entries = (u64)b->table_sectors * b->sector_size * 8 / fs->bits;
	clusters = min(clusters, entries < 2 ? 0 : entries - 2);
	if (!clusters)
		return "no clusters";
	if (clusters > (fs->bits == 32 ? 0x0ffffff5u : fs->bits == 16 ? 0xfff4u : 0xff4u))
		return "too many clusters";
	fs->cluster_limit = (u32)clusters + 2;
	if (fs->bits != 32)
		return NULL;
	fs->root_cluster = b->root_cluster;
	fs->info_sector = b->info ? b->info : 1;
	return fat_cluster_valid(fs, b->root_cluster) ? NULL : "the root directory is nowhere";
}

/* Read and check the boot sector; sets the block size. */
static int read_boot(struct fat_sb *fs, struct boot *b, bool silent)
{
	u32 logical = bdev_logical_block(fs->bdev);
	const char *wrong;
	struct buffer *buf;
	int err = bdev_set_block_size(fs->bdev, logical);

	if (!err)
		err = buffer_read(fs->bdev, 0, &buf);
	if (err)
		return err;
	boot_read(buf->data, b);
	buffer_put(buf);
	wrong = boot_complaint(b);
	if (!wrong && b->sector_size < logical)
		wrong = "sectors smaller than the device's";
	if (!wrong)
		wrong = lay_out(fs, b);
	if (!wrong)
		return bdev_set_block_size(fs->bdev, b->sector_size);
	if (!silent)
		log_err("%s: %s: not a FAT volume\n", fs->sb->id, wrong);
	return -EINVAL;
}

/* Mark the volume as in use, or as left in order. */
static void mark_volume(struct fat_sb *fs, bool dirty)
{
	struct buffer *b;
	u8 *state;

	if (fs->was_dirty || buffer_read(fs->bdev, 0, &b))
		return;
	state = (u8 *)b->data + (fs->bits == 32 ? BOOT_STATE32 : BOOT_STATE16);
	*state = (u8)(dirty ? *state | STATE_DIRTY : *state & ~STATE_DIRTY);
	buffer_mark_dirty(b);
	fs->is_marked = dirty;
	if (buffer_sync(b, BIO_SYNC))
		log_err("%s: the boot sector cannot be written\n", fs->sb->id);
	buffer_put(b);
}

/* --- the information sector of FAT32 ---------------------------------------------------------- */

static bool info_valid(const u8 *p)
{
	return fat_get32(p + INFO_AT_SIGN1) == INFO_SIGN1 &&
	       fat_get32(p + INFO_AT_SIGN2) == INFO_SIGN2;
}

static void read_info(struct fat_sb *fs)
{
	struct buffer *b;
	const u8 *p;

	if (!fs->info_sector || buffer_read(fs->bdev, fs->info_sector, &b))
		return;
	p = b->data;
	if (!info_valid(p)) {
		log_warn("%s: the information sector has no signature\n", fs->sb->id);
		fs->info_sector = 0;
	} else {
		fs->next_free = fat_get32(p + INFO_AT_NEXT);
		fs->free_clusters = fat_get32(p + INFO_AT_FREE);
		fs->free_known = fs->o.usefree && fs->free_clusters <= fs->cluster_limit - 2;
	}
	buffer_put(b);
}

static int write_info(struct fat_sb *fs, bool wait)
{
	struct buffer *b;
	int err = 0;

	guard_mutex(&fs->lock);
	if (!fs->info_dirty || !fs->info_sector || fs->bits != 32)
		return 0;
	err = buffer_read(fs->bdev, fs->info_sector, &b);
	if (err)
		return err;
	if (info_valid(b->data)) {
		fat_put32((u8 *)b->data + INFO_AT_FREE, fs->free_known ? fs->free_clusters : ~0u);
		fat_put32((u8 *)b->data + INFO_AT_NEXT, fs->next_free);
		buffer_mark_dirty(b);
		fs->info_dirty = false;
		if (wait)
			err = buffer_sync(b, BIO_SYNC);
	}
	buffer_put(b);
	return err;
}

/* --- operations ------------------------------------------------------------------------------- */

static int fat_sync_fs(struct superblock *sb, bool wait)
{
	struct fat_sb *fs = fat_sb(sb);
	int err = write_info(fs, wait), later = fat_mirror_all(fs);

	err = err ? err : later;
	later = bdev_sync(fs->bdev, wait);
	err = err ? err : later;
	later = wait ? bdev_flush(fs->bdev) : 0;
	return err ? err : later;
}

static int fat_statfs(struct superblock *sb, struct kstatfs *out)
{
	struct fat_sb *fs = fat_sb(sb);
	u32 free;
	int err = fat_count_free(fs, &free);

	if (err)
		return err;
	out->bsize = out->frsize = 1ull << fs->cluster_bits;
	out->blocks = fs->cluster_limit - 2;
	out->bfree = out->bavail = free;
	out->namelen = (fs->vfat ? FAT_LFN_MAX : 12) * 6;
	return 0;
}

static int fat_remount(struct superblock *sb, u32 flags, char *options)
{
	struct fat_sb *fs = fat_sb(sb);
	struct fat_options o = fs->o;
	int err = fat_parse_options(&o, options, fs->vfat, true);

	if (err)
		return err;
	fs->o.errors = o.errors;
	fs->o.quiet = o.quiet;
	fs->o.flush = o.flush;
	if (flags & SB_RDONLY && fs->is_marked) {
		err = fat_sync_fs(sb, true);
		mark_volume(fs, false);
	} else if (!(flags & SB_RDONLY) && !fs->is_marked) {
		mark_volume(fs, true);
	}
	return err;
}

static void fat_put_super(struct superblock *sb)
{
	struct fat_sb *fs = fat_sb(sb);

	if (fs->is_marked) {
		(void)fat_sync_fs(sb, true);
		mark_volume(fs, false);
	}
}

static const struct super_ops fat_super_ops = {
	.alloc_inode = fat_alloc_inode,
	.free_inode = fat_free_inode,
	.evict = fat_evict_inode,
	.write_inode = fat_write_inode,
	.sync = fat_sync_fs,
	.statfs = fat_statfs,
	.remount = fat_remount,
	.put = fat_put_super,
	.show_options = fat_show_options,
};

/* --- mounting --------------------------------------------------------------------------------- */

static int set_up(struct superblock *sb, const struct fs_params *params)
{
	struct fat_sb *fs = fat_sb(sb);
	bool silent = params->flags & SB_SILENT;
	struct boot b;
	int err;

	fat_default_options(&fs->o, fs->vfat);
	err = fat_parse_options(&fs->o, params->options, fs->vfat, false);
	if (!err)
		err = read_boot(fs, &b, silent);
	if (err)
		return err;
	sb->blocksize = b.sector_size;
	sb->blkbits = ctz64(b.sector_size);
	sb->magic = MSDOS_SUPER_MAGIC;
	sb->max_bytes = U32_MAX;
	sb->exports = &fat_export_ops;
	sb->namelen = (fs->vfat ? FAT_LFN_MAX : 12) * 6;
	if (fs->vfat)
		sb->dops = &fat_dentry_ops;
	fs->volume_id = b.id;
	fs->was_dirty = b.is_dirty;
	if (fs->bits == 32)
		read_info(fs);
	if (b.is_dirty && !silent)
		log_warn("%s: was not unmounted properly; run fsck\n", sb->id);
	return 0;
}

static int fill(struct superblock *sb, const struct fs_params *params)
{
	struct fat_sb *fs = kzalloc(sizeof(*fs), GFP_KERNEL);
	struct inode *root;
	int err;

	if (!fs)
		return -ENOMEM;
	sb->private = fs;
	fs->sb = sb;
	fs->bdev = sb->bdev;
	fs->vfat = !strcmp(sb->type->name, "vfat");
	fs->next_free = 2;
	fs->next_ino = 1ull << 48;
	mutex_init(&fs->lock, RANK_FS_ALLOC, "fat");
	spin_init(&fs->slot_lock, RANK_INODE_SPIN, "fat.slots");
	list_init(&fs->moved);
	err = set_up(sb, params);
	if (!err)
		err = fat_root_create(sb, &root);
	if (!err && !(sb->flags & SB_RDONLY))
		mark_volume(fs, true);
	return err;
}

static int fat_mount(const struct fs_type *type, const struct fs_params *params,
		     struct superblock **out)
{
	return bdev_mount(type, params, &fat_super_ops, fill, out);
}

static void fat_kill(struct superblock *sb)
{
	bdev_kill_super(sb);
	kfree(sb->private);
}

static const struct fs_type vfat_type = {"vfat", FS_REQUIRES_DEV, fat_mount, fat_kill};
FS_TYPE(vfat_type);

static const struct fs_type msdos_type = {"msdos", FS_REQUIRES_DEV, fat_mount, fat_kill};
FS_TYPE(msdos_type);

void fat_init(void)
{
	fat_inode_caches_init();
}
