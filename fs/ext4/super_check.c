/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether a superblock can be believed, and what follows from it: features, geometry, sizes.
 *
 * Each field is checked before anything is computed from it, and what is computed goes into
 * struct ext4_super: the rest of the driver does not look at the superblock's geometry again.  What
 * is refused is said in one line, with the words Linux uses where it refuses the same.
 *
 * It is read twice, as it tells the size of the blocks in which the device is read from then on;
 * and checked again after the log was replayed, which may have changed it.
 *
 * "ext2" and "ext3" only accept the features those have.
 */
#define LOG_PREFIX "EXT4-fs "
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>

#include "super_internal.h"

#define COMPAT_EXT2_RO (EXT4_RO_SPARSE_SUPER | EXT4_RO_LARGE_FILE | EXT4_RO_BTREE_DIR)
#define INCOMPAT_EXT2  (EXT4_INCOMPAT_FILETYPE | EXT4_INCOMPAT_META_BG)
#define INCOMPAT_EXT3  (INCOMPAT_EXT2 | EXT4_INCOMPAT_RECOVER)
#define INCOMPAT_KNOWN                                                                             \
	(INCOMPAT_EXT3 | EXT4_INCOMPAT_EXTENTS | EXT4_INCOMPAT_64BIT | EXT4_INCOMPAT_FLEX_BG |     \
	 EXT4_INCOMPAT_CSUM_SEED | EXT4_INCOMPAT_LARGEDIR)
#define RO_COMPAT_KNOWN                                                                            \
	(COMPAT_EXT2_RO | EXT4_RO_HUGE_FILE | EXT4_RO_GDT_CSUM | EXT4_RO_DIR_NLINK |               \
	 EXT4_RO_EXTRA_ISIZE | EXT4_RO_METADATA_CSUM | EXT4_RO_READONLY | EXT4_RO_ORPHAN_PRESENT | \
	 EXT4_RO_VERITY)

static int check_magic(struct ext4_super *es, bool silent)
{
	struct ext4_disk_super *d = es->disk;

	if (d->magic != EXT4_MAGIC) {
		if (!silent)
			log_err("(%s): VFS: Can't find ext4 filesystem\n", es->sb->id);
		return -EINVAL;
	}
	if (d->rev_level > 1)
		return refuse(es,
			      "revision level too high, forcing read-only mode is not possible");
	return 0;
}

static int check_checksums(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;

	es->csum = ext4_has_ro(es, EXT4_RO_METADATA_CSUM);
	if (!es->csum)
		return 0;
	if (ext4_has_ro(es, EXT4_RO_GDT_CSUM))
		log_warn(
			"(%s): metadata_csum and uninit_bg are redundant flags; please run fsck.\n",
			es->sb->id);
	if (d->checksum_type != 1)
		return refuse(es, "VFS: Found ext4 filesystem with unknown checksum algorithm.");
	if (ext4_csum(~0u, d, offsetof(struct ext4_disk_super, checksum)) != d->checksum) {
		log_err("(%s): VFS: Found ext4 filesystem with invalid superblock checksum.  Run "
			"e2fsck?\n",
			es->sb->id);
		return -EBADMSG;
	}
	es->csum_seed = ext4_has_incompat(es, EXT4_INCOMPAT_CSUM_SEED)
				? d->checksum_seed
				: ext4_csum(~0u, d->uuid, sizeof(d->uuid));
	return 0;
}

static int check_type(struct ext4_super *es, bool silent)
{
	const struct fs_type *type = es->sb->type;
	bool read_only = es->sb->flags & SB_RDONLY;
	u32 incompat = type == &ext2_type ? INCOMPAT_EXT2 : INCOMPAT_EXT3;
	bool ok = !(es->incompat & ~incompat) && (read_only || !(es->ro_compat & ~COMPAT_EXT2_RO));

	if (type == &ext4_type)
		return 0;
	if (type == &ext3_type)
		ok = ok && ext4_has_compat(es, EXT4_COMPAT_HAS_JOURNAL);
	if (ok)
		log_info("(%s): mounting %s file system using the ext4 subsystem\n", es->sb->id,
			 type->name);
	else if (!silent)
		return refuse(es, "couldn't mount as %s due to feature incompatibilities",
			      type->name);
	return ok ? 0 : -EINVAL;
}

int ext4_check_features(struct ext4_super *es, bool read_only)
{
	u32 unknown = es->incompat & ~INCOMPAT_KNOWN;

	if (es->incompat & EXT4_INCOMPAT_CASEFOLD)
		return refuse(es, "Filesystem with casefold feature cannot be mounted without "
				  "CONFIG_UNICODE");
	if (unknown)
		return refuse(es, "couldn't mount because of unsupported optional features (%x)",
			      unknown);
	if (es->ro_compat & EXT4_RO_BIGALLOC)
		return refuse(es, "couldn't mount because of unsupported optional features (%x)",
			      EXT4_RO_BIGALLOC);
	if (read_only)
		return 0;
	if (es->ro_compat & (EXT4_RO_QUOTA | EXT4_RO_PROJECT))
		return refuse(es, "The kernel was not built with CONFIG_QUOTA and CONFIG_QFMT_V2");
	unknown = es->ro_compat & ~RO_COMPAT_KNOWN;
	if (unknown)
		return refuse(es,
			      "couldn't mount RDWR because of unsupported optional features (%x)",
			      unknown);
	return 0;
}

static int check_inode_geometry(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;

	es->inode_size = d->rev_level ? d->inode_size : EXT4_INODE_SIZE_0;
	es->first_ino = d->rev_level ? d->first_ino : EXT4_FIRST_INO_0;
	if (es->inode_size < EXT4_INODE_SIZE_0 || es->inode_size & (es->inode_size - 1) ||
	    es->inode_size > es->block_size)
		return refuse(es, "unsupported inode size: %u", es->inode_size);
	if (es->first_ino < EXT4_FIRST_INO_0)
		return refuse(es, "invalid first ino: %u", es->first_ino);
	es->inodes_per_group = d->inodes_per_group;
	es->inodes_per_block = es->block_size / es->inode_size;
	if (es->inodes_per_group < es->inodes_per_block ||
	    es->inodes_per_group > es->block_size * 8 || es->inodes_per_group % 8)
		return refuse(es, "invalid inodes per group: %u", es->inodes_per_group);
	es->itable_blocks = DIV_ROUND_UP(es->inodes_per_group, es->inodes_per_block);
	es->want_extra_isize = 0;
	if (es->inode_size > EXT4_GOOD_OLD_INODE) {
		u32 want = sizeof(struct ext4_disk_inode) - EXT4_GOOD_OLD_INODE,
		    room = es->inode_size - EXT4_GOOD_OLD_INODE;

		if (ext4_has_ro(es, EXT4_RO_EXTRA_ISIZE))
			want = max(want, (u32)max(d->want_extra_isize, d->min_extra_isize));
		es->want_extra_isize = want > room || want & 3 ? sizeof(struct ext4_disk_inode) -
									 EXT4_GOOD_OLD_INODE
							       : want;
	}
	es->sb->time_gran = es->inode_size > EXT4_GOOD_OLD_INODE ? 1 : (u32)NSEC_PER_SEC;
	return 0;
}

static int check_block_size(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;

	if (d->log_block_size > 6)
		return refuse(es, "Invalid log block size: %u", d->log_block_size);
	es->block_bits = 10 + d->log_block_size;
	es->block_size = 1u << es->block_bits;
	if (es->block_size > PAGE_SIZE || es->block_size < bdev_logical_block(es->bdev))
		return refuse(es, "bad block size %u", es->block_size);
	if (d->log_cluster_size != d->log_block_size)
		return refuse(es, "fragment/cluster size (%u) != block size (%u)",
			      1024u << min(d->log_cluster_size, 20u), es->block_size);
	es->desc_size = EXT4_DESC_SIZE_32;
	if (ext4_has_incompat(es, EXT4_INCOMPAT_64BIT)) {
		es->desc_size = d->desc_size;
		if (es->desc_size < EXT4_DESC_SIZE_64 || es->desc_size > 1024 ||
		    es->desc_size & (es->desc_size - 1))
			return refuse(es, "unsupported descriptor size %u", es->desc_size);
	}
	es->desc_per_block = es->block_size / es->desc_size;
	es->addr_per_block = es->block_size / sizeof(u32);
	return 0;
}

static int check_group_geometry(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;
	u64 groups;

	es->blocks_per_group = d->blocks_per_group;
	if (!es->blocks_per_group || es->blocks_per_group > es->block_size * 8 ||
	    es->blocks_per_group % 8)
		return refuse(es, "#blocks per group too big: %u", es->blocks_per_group);
	if (d->clusters_per_group != es->blocks_per_group)
		return refuse(es, "blocks per group (%u) and clusters per group (%u) inconsistent",
			      es->blocks_per_group, d->clusters_per_group);
	es->first_data_block = d->first_data_block;
	es->blocks =
		ext4_lo_hi(d->blocks_count_lo,
			   ext4_has_incompat(es, EXT4_INCOMPAT_64BIT) ? d->blocks_count_hi : 0);
	if (es->blocks > bdev_bytes(es->bdev) >> es->block_bits)
		return refuse(es,
			      "bad geometry: block count %llu exceeds size of device (%llu blocks)",
			      es->blocks, bdev_bytes(es->bdev) >> es->block_bits);
	if (es->first_data_block != (es->block_size == 1024) || es->first_data_block >= es->blocks)
		return refuse(
			es, "bad geometry: first data block %u is beyond end of filesystem (%llu)",
			es->first_data_block, es->blocks);
	groups = DIV_ROUND_UP(es->blocks - es->first_data_block, (u64)es->blocks_per_group);
	if (groups > U32_MAX / es->inodes_per_group ||
	    groups * es->inodes_per_group != d->inodes_count)
		return refuse(es, "inodes count not valid: %u vs %llu", d->inodes_count,
			      groups * es->inodes_per_group);
	es->groups = (u32)groups;
	es->inodes = d->inodes_count;
	es->desc_blocks = DIV_ROUND_UP(es->groups, es->desc_per_block);
	if (ext4_has_incompat(es, EXT4_INCOMPAT_META_BG) && d->first_meta_bg > es->desc_blocks)
		return refuse(
			es,
			"first meta block group too large: %u (group descriptor block count %u)",
			d->first_meta_bg, es->desc_blocks);
	if (d->reserved_gdt_blocks > es->block_size / 4)
		return refuse(es, "Number of reserved GDT blocks insanely large: %u",
			      d->reserved_gdt_blocks);
	es->flex_bits = ext4_has_incompat(es, EXT4_INCOMPAT_FLEX_BG) && d->log_groups_per_flex < 32
				? d->log_groups_per_flex
				: 0;
	return 0;
}

static void set_hash(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;

	memcpy(es->hash_seed, d->hash_seed, sizeof(es->hash_seed));
	es->hash_unsigned = !(d->flags & EXT4_SUPER_SIGNED_HASH);
	es->hash_version = d->def_hash_version;
	if (es->hash_version <= EXT4_HASH_TEA && es->hash_unsigned)
		es->hash_version += EXT4_HASH_LEGACY_UNSIGNED - EXT4_HASH_LEGACY;
}

static void take_features(struct ext4_super *es)
{
	struct ext4_disk_super *d = es->disk;
	bool dynamic = d->rev_level > 0;

	es->compat = dynamic ? d->feature_compat : 0;
	es->incompat = dynamic ? d->feature_incompat : 0;
	es->ro_compat = dynamic ? d->feature_ro_compat : 0;
}

int ext4_super_check(struct ext4_super *es, bool silent)
{
	int err = check_magic(es, silent);

	if (err)
		return err;
	take_features(es);
	err = check_checksums(es) ?: check_type(es, silent);
	err = err ?: ext4_check_features(es, es->sb->flags & SB_RDONLY);
	err = err ?: check_block_size(es);
	err = err ?: check_inode_geometry(es);
	err = err ?: check_group_geometry(es);
	if (err)
		return err;
	if (es->ro_compat & EXT4_RO_READONLY && !(es->sb->flags & SB_RDONLY)) {
		log_info("(%s): filesystem is read-only\n", es->sb->id);
		es->sb->flags |= SB_RDONLY;
	}
	set_hash(es);
	return 0;
}

/* The superblock in a buffer of `size` bytes, the device's unit from now on. */
static int super_read(struct ext4_super *es, u32 size)
{
	u64 offset = es->opt.sb_block * EXT4_SUPER_SIZE;
	int err;

	buffer_put(es->super_buffer);
	es->super_buffer = NULL;
	err = bdev_set_block_size(es->bdev, size);
	if (err)
		return refuse(es, "unable to set blocksize");
	err = buffer_read(es->bdev, offset / size, &es->super_buffer);
	if (err) {
		log_err("(%s): unable to read superblock\n", es->sb->id);
		return err;
	}
	es->disk = (struct ext4_disk_super *)((char *)es->super_buffer->data + offset % size);
	return 0;
}

int ext4_super_find(struct ext4_super *es, bool silent)
{
	u32 size = max(1024u, bdev_logical_block(es->bdev));
	int err = super_read(es, size);

	err = err ?: check_magic(es, silent);
	err = err ?: check_block_size(es);
	if (!err && es->block_size != size)
		err = super_read(es, es->block_size);
	return err ?: ext4_super_check(es, silent);
}
