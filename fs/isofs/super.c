/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The volume: its descriptors, mounting, the end.
 *
 * Descriptors are one to a sector from the sixteenth on, each with its type and "CD001", to the one
 * that says it is the last.  Those of other kinds are passed over.  Where the primary tree has Rock
 * Ridge it is used; else the Joliet tree, if there is one; else the primary tree as it is.
 *
 * The blocks in which records count are of 512, 1024 or 2048 bytes, nearly always 2048.
 */
#define LOG_PREFIX "isofs: "
#include <kernel/abi/errno.h>
#include <kernel/abi/magic.h>
#include <kernel/debug/log.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <fs/isofs/isofs.h>

#include "isofs_internal.h"

/* Offsets in a volume descriptor. */
enum {
	VD_TYPE = 0,
	VD_ID = 1,
	VD_BLOCKS = 80,
	VD_ESCAPE = 88,
	VD_BLOCK_SIZE = 128,
	VD_ROOT = 156,
	VD_BYTES = 190, /* as far as it is read */
};

enum { TYPE_PRIMARY = 1, TYPE_SUPPLEMENTARY = 2, TYPE_LAST = 255 };

#define FIRST_DESCRIPTOR 16u
#define MAX_DESCRIPTORS  84u
#define ERRORS_LOGGED    10u

/* What the descriptors say. */
struct volume {
	bool found;
	u32 block_size, blocks, root; /* root: first block of its extent */
	u32 joliet_root;
	u8 joliet; /* level, 0: none */
};

int iso_error(struct iso_sb *fs, const char *fmt, ...)
{
	char text[128];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (atomic_add_return(&fs->errors_logged, 1) <= ERRORS_LOGGED)
		log_err("%s: %s\n", fs->sb->id, text);
	return -EIO;
}

/* --- descriptors ------------------------------------------------------------------------------ */

static u32 root_block(const u8 *vd)
{
	return get_unaligned_le32(vd + VD_ROOT + 2) + vd[VD_ROOT + 1];
}

static u8 joliet_level(const u8 *vd)
{
	const u8 *escape = vd + VD_ESCAPE;

	if (escape[0] != '%' || escape[1] != '/')
		return 0;
	return escape[2] == '@' ? 1 : escape[2] == 'C' ? 2 : escape[2] == 'E' ? 3 : 0;
}

static void take_descriptor(const u8 *vd, struct volume *v)
{
	if (vd[VD_TYPE] == TYPE_PRIMARY && !v->found) {
		v->found = true;
		v->block_size = get_unaligned_le16(vd + VD_BLOCK_SIZE);
		v->blocks = get_unaligned_le32(vd + VD_BLOCKS);
		v->root = root_block(vd);
	} else if (vd[VD_TYPE] == TYPE_SUPPLEMENTARY && !v->joliet && joliet_level(vd)) {
		v->joliet = joliet_level(vd);
		v->joliet_root = root_block(vd);
	}
}

static int read_descriptors(struct iso_sb *fs, struct volume *v)
{
	u64 sector = fs->o.sbsector == ISO_NO_SECTOR ? 0 : fs->o.sbsector;
	struct buffer *held = NULL;
	u8 vd[VD_BYTES];
	int err = 0;

	*v = (struct volume){};
	for (unsigned i = 0; i < MAX_DESCRIPTORS && !err; i++) {
		err = iso_read(fs, &held, (sector + FIRST_DESCRIPTOR + i) * ISO_SECTOR, vd,
			       sizeof(vd));
		if (err || memcmp(vd + VD_ID, "CD001", 5))
			continue;
		if (vd[VD_TYPE] == TYPE_LAST)
			break;
		take_descriptor(vd, v);
	}
	buffer_put(held);
	return err == -EIO ? v->found ? 0 : -EINVAL : err;
}

/* Returns what is wrong, or NULL. */
static const char *complaint(const struct iso_sb *fs, const struct volume *v)
{
	u32 size = v->block_size;

	if (!v->found)
		return "no volume descriptor";
	if (size != 512 && size != 1024 && size != 2048)
		return "impossible block size";
	if (size < fs->o.block_size || size < bdev_logical_block(fs->bdev))
		return "blocks smaller than the device's";
	return NULL;
}

static int find_volume(struct iso_sb *fs, struct volume *v, bool silent)
{
	int err = bdev_set_block_size(fs->bdev, max(ISO_SECTOR, bdev_logical_block(fs->bdev)));
	const char *wrong;

	if (!err)
		err = read_descriptors(fs, v);
	if (err && err != -EINVAL)
		return err;
	wrong = err ? "cannot read the volume descriptors" : complaint(fs, v);
	if (!wrong)
		return bdev_set_block_size(fs->bdev, v->block_size);
	if (!silent)
		log_err("%s: %s: not an ISO 9660 volume\n", fs->sb->id, wrong);
	return -EINVAL;
}

/* --- which tree ------------------------------------------------------------------------------- */

static int look_for_rock(struct iso_sb *fs, const struct volume *v)
{
	u64 place = (u64)v->root << fs->sb->blkbits;
	struct buffer *held = NULL;
	struct iso_record r;
	int err = iso_record_at(fs, &held, place, place + 1, &r);

	buffer_put(held);
	if (err == -ENOMEM)
		return err;
	return err ? 0 : iso_rock_detect(fs, &r);
}

/* Returns 0 and the root's first block, or a negative errno. */
static int choose_tree(struct iso_sb *fs, const struct volume *v, u32 *root)
{
	int err = fs->o.rock ? look_for_rock(fs, v) : 0;

	if (err)
		return err;
	if (!fs->rock && fs->o.joliet)
		fs->joliet = v->joliet;
	if (fs->o.check == 'u')
		fs->o.check = fs->joliet ? 'r' : 's';
	*root = fs->joliet ? v->joliet_root : v->root;
	return 0;
}

static int make_root(struct superblock *sb, u32 block)
{
	struct inode *root;
	int err = iso_iget(sb, (u64)block << sb->blkbits, &root);

	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	if (!S_ISDIR(root->mode)) {
		log_err("%s: the root is no directory\n", sb->id);
		inode_put(root);
		return -EINVAL;
	}
	sb->root = d_make_root(sb, root);
	return sb->root ? 0 : -ENOMEM;
}

/* --- operations ------------------------------------------------------------------------------- */

static int iso_statfs(struct superblock *sb, struct kstatfs *out)
{
	out->bsize = out->frsize = sb->blocksize;
	out->blocks = iso_sb(sb)->blocks;
	out->namelen = 255;
	return 0;
}

/* No option can be changed; so what is given is not even looked at, as on Linux. */
static int iso_remount(struct superblock *sb, u32 flags, char *options)
{
	return flags & SB_RDONLY ? 0 : -EROFS;
}

static const struct super_ops iso_super_ops = {
	.alloc_inode = iso_alloc_inode,
	.free_inode = iso_free_inode,
	.evict = iso_evict_inode,
	.statfs = iso_statfs,
	.remount = iso_remount,
	.show_options = iso_show_options,
};

/* --- mounting --------------------------------------------------------------------------------- */

static int set_up(struct superblock *sb, const struct fs_params *params)
{
	struct iso_sb *fs = iso_sb(sb);
	struct volume v;
	u32 root;
	int err;

	iso_default_options(&fs->o);
	err = iso_parse_options(&fs->o, params->options);
	if (!err)
		err = find_volume(fs, &v, params->flags & SB_SILENT);
	if (err)
		return err;
	if (!(sb->flags & SB_RDONLY))
		return -EACCES;
	sb->blocksize = v.block_size;
	sb->blkbits = ctz64(v.block_size);
	sb->magic = ISOFS_SUPER_MAGIC;
	sb->max_bytes = 1ll << 47;
	sb->namelen = 255;
	fs->blocks = v.blocks;
	err = choose_tree(fs, &v, &root);
	return err ? err : make_root(sb, root);
}

static int fill(struct superblock *sb, const struct fs_params *params)
{
	struct iso_sb *fs = kzalloc(sizeof(*fs), GFP_KERNEL);

	if (!fs)
		return -ENOMEM;
	sb->private = fs;
	fs->sb = sb;
	fs->bdev = sb->bdev;
	return set_up(sb, params);
}

static int iso_mount(const struct fs_type *type, const struct fs_params *params,
		     struct superblock **out)
{
	return bdev_mount(type, params, &iso_super_ops, fill, out);
}

static void iso_kill(struct superblock *sb)
{
	bdev_kill_super(sb);
	kfree(sb->private);
}

static const struct fs_type iso9660_type = {"iso9660", FS_REQUIRES_DEV, iso_mount, iso_kill};
FS_TYPE(iso9660_type);

void isofs_init(void)
{
	iso_inode_cache_init();
}
