/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: its superblock, mounting, the end.
 *
 * The superblock says how large blocks are, how they are compressed (zlib here, nothing else), how
 * many inodes, fragments and owners there are, and where the tables begin.  That the image is not
 * larger than the device is checked here; that what is read lies within the image, where it is
 * read.
 *
 * There is no writing to an image, so it is mounted read-only whatever was asked for.
 */
#define LOG_PREFIX "squashfs: "
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/assert.h>
#include <kernel/debug/log.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sync/rcu.h>
#include <mm/alloc.h>
#include <fs/squashfs/squashfs.h>

#include "squashfs_internal.h"

/* Offsets in the superblock. */
enum {
	SB_AT_MAGIC = 0,
	SB_AT_INODES = 4,
	SB_AT_BLOCK_SIZE = 12,
	SB_AT_FRAGMENTS = 16,
	SB_AT_COMPRESSION = 20,
	SB_AT_BLOCK_LOG = 22,
	SB_AT_IDS = 26,
	SB_AT_MAJOR = 28,
	SB_AT_MINOR = 30,
	SB_AT_ROOT = 32,
	SB_AT_BYTES = 40,
	SB_AT_ID_INDEX = 48,
	SB_AT_XATTR_INDEX = 56,
	SB_AT_INODE_TABLE = 64,
	SB_AT_DIR_TABLE = 72,
	SB_AT_FRAGMENT_INDEX = 80,
};

#define BLOCK_LOG_MIN   12u
#define BLOCK_LOG_MAX   20u
#define DEVICE_BLOCK    1024u
#define ERRORS_LOGGED   10u
#define READAHEAD_BLOCKS 2u

int sq_error(struct sq_sb *fs, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (atomic_add_return(&fs->errors_logged, 1) <= ERRORS_LOGGED)
		log_err("%s: %s\n", fs->sb->id, text);
	if (fs->panic)
		panic("squashfs: %s: %s", fs->sb->id, text);
	return -EIO;
}

/* --- options ---------------------------------------------------------------------------------- */

static int parse_options(char *text, bool *panic)
{
	char *key, *value;

	while (fs_option_next(&text, &key, &value)) {
		if (strcmp(key, "errors") || !value)
			return -EINVAL;
		if (strcmp(value, "panic") && strcmp(value, "continue"))
			return -EINVAL;
		*panic = *value == 'p';
	}
	return 0;
}

static void sq_show_options(struct superblock *sb, struct seq *out)
{
	seq_printf(out, ",errors=%s", sq_sb(sb)->panic ? "panic" : "continue");
}

/* --- the superblock --------------------------------------------------------------------------- */

static const char *compression_name(u32 n)
{
	static const char *const names[] = {"no", "zlib", "lzma", "lzo", "xz", "lz4", "zstd"};

	return n < ARRAY_SIZE(names) ? names[n] : "unknown";
}

/* Returns what is wrong, or NULL. */
static const char *complaint(const struct sq_sb *fs, const u8 *raw)
{
	if (get_unaligned_le32(raw + SB_AT_MAGIC) != SQ_MAGIC)
		return "no superblock";
	if (get_unaligned_le16(raw + SB_AT_MAJOR) != 4 || get_unaligned_le16(raw + SB_AT_MINOR))
		return "not version 4.0";
	if (fs->bytes < SQ_SUPER_BYTES || fs->bytes > bdev_bytes(fs->bdev))
		return "the image is larger than the device";
	if (fs->block_log < BLOCK_LOG_MIN || fs->block_log > BLOCK_LOG_MAX ||
	    fs->block_size != 1u << fs->block_log)
		return "impossible block size";
	if (!fs->nr_ids)
		return "no owners";
	if (fs->inode_table >= fs->bytes || fs->dir_table >= fs->bytes || fs->id_index >= fs->bytes)
		return "tables outside of the image";
	return NULL;
}

static void take_super(struct sq_sb *fs, const u8 *raw)
{
	fs->inodes = get_unaligned_le32(raw + SB_AT_INODES);
	fs->block_size = get_unaligned_le32(raw + SB_AT_BLOCK_SIZE);
	fs->block_log = get_unaligned_le16(raw + SB_AT_BLOCK_LOG);
	fs->nr_fragments = get_unaligned_le32(raw + SB_AT_FRAGMENTS);
	fs->nr_ids = get_unaligned_le16(raw + SB_AT_IDS);
	fs->bytes = get_unaligned_le64(raw + SB_AT_BYTES);
	fs->id_index = get_unaligned_le64(raw + SB_AT_ID_INDEX);
	fs->xattr_index = get_unaligned_le64(raw + SB_AT_XATTR_INDEX);
	fs->inode_table = get_unaligned_le64(raw + SB_AT_INODE_TABLE);
	fs->dir_table = get_unaligned_le64(raw + SB_AT_DIR_TABLE);
	fs->fragment_index = get_unaligned_le64(raw + SB_AT_FRAGMENT_INDEX);
}

/* The largest blocks of up to a page that the device has nothing but. */
static int set_device_blocks(struct sq_sb *fs)
{
	u32 size = PAGE_SIZE;

	while (size > bdev_logical_block(fs->bdev) && bdev_bytes(fs->bdev) & (size - 1))
		size /= 2;
	return bdev_set_block_size(fs->bdev, size);
}

static int read_super(struct sq_sb *fs, u64 *root, bool silent)
{
	u8 raw[SQ_SUPER_BYTES];
	const char *wrong;
	u32 compression;
	int err = set_device_blocks(fs);

	fs->bytes = bdev_bytes(fs->bdev);
	if (!err)
		err = fs->bytes < sizeof(raw) ? -EINVAL : sq_read_bytes(fs, 0, raw, sizeof(raw));
	if (err)
		return err;
	take_super(fs, raw);
	*root = get_unaligned_le64(raw + SB_AT_ROOT);
	wrong = complaint(fs, raw);
	if (wrong) {
		if (!silent)
			log_err("%s: %s: not a squashfs image\n", fs->sb->id, wrong);
		return -EINVAL;
	}
	compression = get_unaligned_le16(raw + SB_AT_COMPRESSION);
	if (compression == 1)
		return 0;
	log_err("%s: %s compression is not supported\n", fs->sb->id, compression_name(compression));
	return -EINVAL;
}

/* --- what is read at once --------------------------------------------------------------------- */

/* Behind 16 bytes: where the attributes are, how many sets. */
static int find_xattrs(struct sq_sb *fs)
{
	u8 raw[16];
	int err;

	if (fs->xattr_index == SQ_NO_TABLE)
		return 0;
	err = sq_read_bytes(fs, fs->xattr_index, raw, sizeof(raw));
	if (err)
		return err;
	fs->xattr_table = get_unaligned_le64(raw);
	fs->nr_xattrs = get_unaligned_le32(raw + 8);
	fs->xattr_index += sizeof(raw);
	return 0;
}

static int make_root(struct superblock *sb, u64 ref)
{
	struct sq_sb *fs = sq_sb(sb);
	struct inode *root;
	u32 ino;
	int err = sq_inode_number(fs, ref, &ino);

	if (!err)
		err = sq_iget(sb, ino, ref, &root);
	if (err)
		return err;
	if (!S_ISDIR(root->mode)) {
		inode_put(root);
		return sq_error(fs, "the root is no directory");
	}
	sb->root = d_make_root(sb, root);
	return sb->root ? 0 : -ENOMEM;
}

/* --- operations ------------------------------------------------------------------------------- */

static int sq_statfs(struct superblock *sb, struct kstatfs *out)
{
	struct sq_sb *fs = sq_sb(sb);

	out->bsize = out->frsize = fs->block_size;
	out->blocks = ((fs->bytes - 1) >> fs->block_log) + 1;
	out->files = fs->inodes;
	out->namelen = 256;
	return 0;
}

static int sq_remount(struct superblock *sb, u32 flags, char *options)
{
	bool panic = sq_sb(sb)->panic;
	int err = parse_options(options, &panic);

	if (!err)
		WRITE_ONCE(sq_sb(sb)->panic, panic);
	return err;
}

static const struct super_ops sq_super_ops = {
	.alloc_inode = sq_alloc_inode,
	.free_inode = sq_free_inode,
	.evict = sq_evict_inode,
	.statfs = sq_statfs,
	.remount = sq_remount,
	.show_options = sq_show_options,
};

/* --- mounting --------------------------------------------------------------------------------- */

static void set_super(struct superblock *sb)
{
	struct sq_sb *fs = sq_sb(sb);

	sb->flags |= SB_RDONLY;
	sb->blocksize = max(DEVICE_BLOCK, bdev_logical_block(fs->bdev));
	sb->blkbits = ctz64(sb->blocksize);
	sb->magic = SQUASHFS_MAGIC;
	sb->max_bytes = S64_MAX;
	sb->namelen = 256;
	/* Whole blocks, so that one is on its way while another is worked on. */
	fs->readahead.window =
		max(bdev_readahead(fs->bdev), READAHEAD_BLOCKS << (fs->block_log - SECTOR_SHIFT));
	sb->readahead = &fs->readahead;
}

static int set_up(struct superblock *sb, const struct fs_params *params)
{
	struct sq_sb *fs = sq_sb(sb);
	u64 root;
	int err = parse_options(params->options, &fs->panic);

	if (!err)
		err = read_super(fs, &root, params->flags & SB_SILENT);
	if (err)
		return err;
	set_super(sb);
	err = sq_meta_init(fs);
	if (!err)
		err = sq_decoders_init(fs);
	if (!err)
		err = sq_ids_load(fs);
	if (!err)
		err = find_xattrs(fs);
	return err ? err : make_root(sb, root);
}

static loff_t fragments_size(const struct mapping *m)
{
	return S64_MAX;
}

static int fill(struct superblock *sb, const struct fs_params *params)
{
	struct sq_sb *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	sb->private = fs;
	fs->sb = sb;
	fs->bdev = sb->bdev;
	mapping_init(&fs->fragments, &sq_fragment_ops, fs, fragments_size);
	return set_up(sb, params);
}

static int sq_mount(const struct fs_type *type, const struct fs_params *params,
		    struct superblock **out)
{
	return bdev_mount(type, params, &sq_super_ops, fill, out);
}

static void sq_kill(struct superblock *sb)
{
	struct sq_sb *fs = sb->private;

	bdev_kill_super(sb);
	if (!fs)
		return;
	mapping_fini(&fs->fragments);
	/* Reclaim may be looking at the mapping still. */
	synchronize_rcu();
	sq_meta_fini(fs);
	sq_decoders_fini(fs);
	kvfree(fs->ids);
	kfree(fs);
}

static const struct fs_type squashfs_type = {"squashfs", FS_REQUIRES_DEV | FS_READ_ONLY, sq_mount,
					     sq_kill};
FS_TYPE(squashfs_type);

void squashfs_init(void)
{
	sq_inode_cache_init();
}
