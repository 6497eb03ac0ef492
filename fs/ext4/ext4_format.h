/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ext2, ext3 and ext4 keep on the disk.
 *
 * All numbers are little-endian, as is every machine Vireo runs on (kernel/lib/bits.h asserts it),
 * so fields are used as they stand; what is split over two fields has an accessor here.  Every
 * structure's size is asserted, every structure may be met at any multiple of four bytes.
 *
 * Specification: "ext4 Data Structures and Algorithms" of the kernel's documentation, ext2fs(5).
 */
#pragma once

#include <kernel/lib/bits.h>
#include <kernel/lib/types.h>

/*
 * --- superblock: 1024 bytes at byte 1024 of the device -------------------------------------------
 */

#define EXT4_SUPER_OFFSET 1024u
#define EXT4_SUPER_SIZE   1024u
#define EXT4_MAGIC        0xef53

struct ext4_disk_super {
	u32 inodes_count;
	u32 blocks_count_lo;
	u32 r_blocks_count_lo;
	u32 free_blocks_count_lo;
	u32 free_inodes_count;
	u32 first_data_block;
	u32 log_block_size; /* block size = 1024 << this */
	u32 log_cluster_size;
	u32 blocks_per_group;
	u32 clusters_per_group;
	u32 inodes_per_group;
	u32 mtime;
	u32 wtime;
	u16 mnt_count;
	u16 max_mnt_count;
	u16 magic;
	u16 state;
	u16 errors;
	u16 minor_rev_level;
	u32 lastcheck;
	u32 checkinterval;
	u32 creator_os;
	u32 rev_level;
	u16 def_resuid;
	u16 def_resgid;
	/* from here on with rev_level >= 1 only */
	u32 first_ino;
	u16 inode_size;
	u16 block_group_nr;
	u32 feature_compat;
	u32 feature_incompat;
	u32 feature_ro_compat;
	u8 uuid[16];
	char volume_name[16];
	char last_mounted[64];
	u32 algorithm_usage_bitmap;
	u8 prealloc_blocks;
	u8 prealloc_dir_blocks;
	u16 reserved_gdt_blocks;
	u8 journal_uuid[16];
	u32 journal_inum;
	u32 journal_dev;
	u32 last_orphan;
	u32 hash_seed[4];
	u8 def_hash_version;
	u8 jnl_backup_type;
	u16 desc_size;
	u32 default_mount_opts;
	u32 first_meta_bg;
	u32 mkfs_time;
	u32 jnl_blocks[17];
	/* with the 64bit feature */
	u32 blocks_count_hi;
	u32 r_blocks_count_hi;
	u32 free_blocks_count_hi;
	u16 min_extra_isize;
	u16 want_extra_isize;
	u32 flags;
	u16 raid_stride;
	u16 mmp_interval;
	u64 mmp_block;
	u32 raid_stripe_width;
	u8 log_groups_per_flex;
	u8 checksum_type;
	u8 encryption_level;
	u8 reserved_pad;
	u64 kbytes_written;
	u32 snapshot_inum;
	u32 snapshot_id;
	u64 snapshot_r_blocks_count;
	u32 snapshot_list;
	u32 error_count;
	u32 first_error_time;
	u32 first_error_ino;
	u64 first_error_block;
	char first_error_func[32];
	u32 first_error_line;
	u32 last_error_time;
	u32 last_error_ino;
	u32 last_error_line;
	u64 last_error_block;
	char last_error_func[32];
	char mount_opts[64];
	u32 usr_quota_inum;
	u32 grp_quota_inum;
	u32 overhead_clusters;
	u32 backup_bgs[2];
	u8 encrypt_algos[4];
	u8 encrypt_pw_salt[16];
	u32 lpf_ino;
	u32 prj_quota_inum;
	u32 checksum_seed;
	u8 wtime_hi;
	u8 mtime_hi;
	u8 mkfs_time_hi;
	u8 lastcheck_hi;
	u8 first_error_time_hi;
	u8 last_error_time_hi;
	u8 first_error_errcode;
	u8 last_error_errcode;
	u16 encoding;
	u16 encoding_flags;
	u32 orphan_file_inum;
	u32 reserved[94];
	u32 checksum; /* crc32c of all before, from ~0 */
} __attribute__((packed, aligned(4)));
static_assert(sizeof(struct ext4_disk_super) == EXT4_SUPER_SIZE, "superblock");
static_assert(offsetof(struct ext4_disk_super, blocks_count_hi) == 0x150, "superblock");
static_assert(offsetof(struct ext4_disk_super, checksum_seed) == 0x270, "superblock");

/* state */
#define EXT4_FS_VALID   1 /* unmounted cleanly */
#define EXT4_FS_ERROR   2 /* errors were seen */
#define EXT4_FS_ORPHANS 4 /* orphans are being recovered */

/* errors: what to do about them */
#define EXT4_ERRORS_CONTINUE 1
#define EXT4_ERRORS_RO       2
#define EXT4_ERRORS_PANIC    3

/* flags */
#define EXT4_SUPER_SIGNED_HASH   1
#define EXT4_SUPER_UNSIGNED_HASH 2

/* default_mount_opts */
#define EXT4_DEFM_DEBUG          0x0001
#define EXT4_DEFM_BSDGROUPS      0x0002
#define EXT4_DEFM_XATTR_USER     0x0004
#define EXT4_DEFM_ACL            0x0008
#define EXT4_DEFM_UID16          0x0010
#define EXT4_DEFM_JMODE          0x0060
#define EXT4_DEFM_JMODE_DATA     0x0020
#define EXT4_DEFM_JMODE_ORDERED  0x0040
#define EXT4_DEFM_JMODE_WBACK    0x0060
#define EXT4_DEFM_NOBARRIER      0x0100
#define EXT4_DEFM_BLOCK_VALIDITY 0x0200
#define EXT4_DEFM_DISCARD        0x0400
#define EXT4_DEFM_NODELALLOC     0x0800

/* Numbers with a meaning. */
#define EXT4_BAD_INO      1
#define EXT4_ROOT_INO     2
#define EXT4_USR_QUOTA    3
#define EXT4_GRP_QUOTA    4
#define EXT4_RESIZE_INO   7
#define EXT4_JOURNAL_INO  8
#define EXT4_FIRST_INO_0  11 /* of revision 0 */
#define EXT4_INODE_SIZE_0 128

/* feature_compat */
#define EXT4_COMPAT_DIR_PREALLOC  0x0001u
#define EXT4_COMPAT_IMAGIC_INODES 0x0002u
#define EXT4_COMPAT_HAS_JOURNAL   0x0004u
#define EXT4_COMPAT_EXT_ATTR      0x0008u
#define EXT4_COMPAT_RESIZE_INODE  0x0010u
#define EXT4_COMPAT_DIR_INDEX     0x0020u
#define EXT4_COMPAT_SPARSE_SUPER2 0x0200u
#define EXT4_COMPAT_FAST_COMMIT   0x0400u
#define EXT4_COMPAT_STABLE_INODES 0x0800u
#define EXT4_COMPAT_ORPHAN_FILE   0x1000u

/* feature_incompat */
#define EXT4_INCOMPAT_COMPRESSION 0x0001u
#define EXT4_INCOMPAT_FILETYPE    0x0002u
#define EXT4_INCOMPAT_RECOVER     0x0004u
#define EXT4_INCOMPAT_JOURNAL_DEV 0x0008u
#define EXT4_INCOMPAT_META_BG     0x0010u
#define EXT4_INCOMPAT_EXTENTS     0x0040u
#define EXT4_INCOMPAT_64BIT       0x0080u
#define EXT4_INCOMPAT_MMP         0x0100u
#define EXT4_INCOMPAT_FLEX_BG     0x0200u
#define EXT4_INCOMPAT_EA_INODE    0x0400u
#define EXT4_INCOMPAT_DIRDATA     0x1000u
#define EXT4_INCOMPAT_CSUM_SEED   0x2000u
#define EXT4_INCOMPAT_LARGEDIR    0x4000u
#define EXT4_INCOMPAT_INLINE_DATA 0x8000u
#define EXT4_INCOMPAT_ENCRYPT     0x10000u
#define EXT4_INCOMPAT_CASEFOLD    0x20000u

/* feature_ro_compat */
#define EXT4_RO_SPARSE_SUPER   0x0001u
#define EXT4_RO_LARGE_FILE     0x0002u
#define EXT4_RO_BTREE_DIR      0x0004u
#define EXT4_RO_HUGE_FILE      0x0008u
#define EXT4_RO_GDT_CSUM       0x0010u
#define EXT4_RO_DIR_NLINK      0x0020u
#define EXT4_RO_EXTRA_ISIZE    0x0040u
#define EXT4_RO_QUOTA          0x0100u
#define EXT4_RO_BIGALLOC       0x0200u
#define EXT4_RO_METADATA_CSUM  0x0400u
#define EXT4_RO_READONLY       0x1000u
#define EXT4_RO_PROJECT        0x2000u
#define EXT4_RO_VERITY         0x8000u
#define EXT4_RO_ORPHAN_PRESENT 0x10000u

static inline u64 ext4_lo_hi(u32 lo, u32 hi)
{
	return (u64)hi << 32 | lo;
}

/*
 * --- group descriptors ---------------------------------------------------------------------------
 */

struct ext4_disk_group {
	u32 block_bitmap_lo;
	u32 inode_bitmap_lo;
	u32 inode_table_lo;
	u16 free_blocks_lo;
	u16 free_inodes_lo;
	u16 used_dirs_lo;
	u16 flags;
	u32 exclude_bitmap_lo;
	u16 block_bitmap_csum_lo;
	u16 inode_bitmap_csum_lo;
	u16 itable_unused_lo;
	u16 checksum;
	/* from here on with desc_size >= 64 only */
	u32 block_bitmap_hi;
	u32 inode_bitmap_hi;
	u32 inode_table_hi;
	u16 free_blocks_hi;
	u16 free_inodes_hi;
	u16 used_dirs_hi;
	u16 itable_unused_hi;
	u32 exclude_bitmap_hi;
	u16 block_bitmap_csum_hi;
	u16 inode_bitmap_csum_hi;
	u32 reserved;
} __attribute__((packed, aligned(4)));
#define EXT4_DESC_SIZE_32 32u
#define EXT4_DESC_SIZE_64 64u
static_assert(sizeof(struct ext4_disk_group) == EXT4_DESC_SIZE_64, "group descriptor");

/* flags */
#define EXT4_BG_INODE_UNINIT 1 /* no inode is used: the bitmap is not on disk */
#define EXT4_BG_BLOCK_UNINIT 2 /* only the group's own metadata is used: likewise */
#define EXT4_BG_INODE_ZEROED 4 /* the inode table was cleared */

/*
 * --- inodes --------------------------------------------------------------------------------------
 */

#define EXT4_NDIR_BLOCKS 12
#define EXT4_IND_BLOCK   12
#define EXT4_DIND_BLOCK  13
#define EXT4_TIND_BLOCK  14
#define EXT4_N_BLOCKS    15
#define EXT4_BLOCK_BYTES (EXT4_N_BLOCKS * 4u)

struct ext4_disk_inode {
	u16 mode;
	u16 uid_lo;
	u32 size_lo;
	u32 atime;
	u32 ctime;
	u32 mtime;
	u32 dtime;
	u16 gid_lo;
	u16 links_count;
	u32 blocks_lo; /* 512-byte units, or blocks with EXT4_HUGE_FILE_FL */
	u32 flags;
	u32 version_lo;
	u32 block[EXT4_N_BLOCKS];
	u32 generation;
	u32 file_acl_lo;
	u32 size_hi;
	u32 obsolete_faddr;
	u16 blocks_hi;
	u16 file_acl_hi;
	u16 uid_hi;
	u16 gid_hi;
	u16 checksum_lo;
	u16 reserved;
	/* from here on with inode_size > 128 only, as far as extra_isize says */
	u16 extra_isize;
	u16 checksum_hi;
	u32 ctime_extra;
	u32 mtime_extra;
	u32 atime_extra;
	u32 crtime;
	u32 crtime_extra;
	u32 version_hi;
	u32 projid;
} __attribute__((packed, aligned(4)));
static_assert(sizeof(struct ext4_disk_inode) == 160, "inode");
#define EXT4_GOOD_OLD_INODE 128u

/* Is `field` inside what an inode with this extra_isize has? */
#define EXT4_EXTRA_FITS(extra_isize, field)                                                        \
	(EXT4_GOOD_OLD_INODE + (extra_isize) >=                                                    \
	 offsetof(struct ext4_disk_inode, field) + sizeof(((struct ext4_disk_inode *)0)->field))

/* flags */
#define EXT4_SECRM_FL        0x00000001u
#define EXT4_UNRM_FL         0x00000002u
#define EXT4_COMPR_FL        0x00000004u
#define EXT4_SYNC_FL         0x00000008u
#define EXT4_IMMUTABLE_FL    0x00000010u
#define EXT4_APPEND_FL       0x00000020u
#define EXT4_NODUMP_FL       0x00000040u
#define EXT4_NOATIME_FL      0x00000080u
#define EXT4_ENCRYPT_FL      0x00000800u
#define EXT4_INDEX_FL        0x00001000u
#define EXT4_IMAGIC_FL       0x00002000u
#define EXT4_JOURNAL_DATA_FL 0x00004000u
#define EXT4_NOTAIL_FL       0x00008000u
#define EXT4_DIRSYNC_FL      0x00010000u
#define EXT4_TOPDIR_FL       0x00020000u
#define EXT4_HUGE_FILE_FL    0x00040000u
#define EXT4_EXTENTS_FL      0x00080000u
#define EXT4_VERITY_FL       0x00100000u
#define EXT4_EA_INODE_FL     0x00200000u
#define EXT4_DAX_FL          0x02000000u
#define EXT4_INLINE_DATA_FL  0x10000000u
#define EXT4_PROJINHERIT_FL  0x20000000u
#define EXT4_CASEFOLD_FL     0x40000000u

/*
 * --- extents -------------------------------------------------------------------------------------
 *
 * A node is a header and `max` entries of 12 bytes: extents at depth 0, indices above.  The root is
 * in the inode (4 entries); other nodes are blocks, which end with a checksum when metadata_csum is
 * on.
 */

#define EXT4_EXTENT_MAGIC         0xf30a
#define EXT4_EXTENT_MAX_DEPTH     5
#define EXT4_EXTENT_MAX_LEN       32768u /* longest written; unwritten ones: one less */
#define EXT4_EXTENT_MAX_UNWRITTEN 32767u

struct ext4_extent_header {
	u16 magic;
	u16 entries;
	u16 max;
	u16 depth;
	u32 generation;
};

struct ext4_extent {
	u32 block; /* first block of the file */
	u16 len;   /* above EXT4_EXTENT_MAX_LEN: unwritten, that much less */
	u16 start_hi;
	u32 start_lo;
};

struct ext4_extent_index {
	u32 block;
	u32 leaf_lo;
	u16 leaf_hi;
	u16 unused;
};

struct ext4_extent_tail {
	u32 checksum;
};
static_assert(sizeof(struct ext4_extent_header) == 12, "extent header");
static_assert(sizeof(struct ext4_extent) == 12 && sizeof(struct ext4_extent_index) == 12, "extent");

/*
 * --- directories ---------------------------------------------------------------------------------
 */

struct ext4_dirent {
	u32 inode; /* 0: unused */
	u16 rec_len;
	u8 name_len;
	u8 file_type; /* EXT4_FT_*; without the filetype feature the high byte of name_len */
	char name[];
};
static_assert(sizeof(struct ext4_dirent) == 8, "directory entry");

#define EXT4_NAME_LEN              255u
#define EXT4_DIRENT_ALIGN          4u
#define EXT4_DIRENT_SIZE(name_len) (((name_len) + 8u + 3u) & ~3u)

#define EXT4_FT_UNKNOWN  0
#define EXT4_FT_REG_FILE 1
#define EXT4_FT_DIR      2
#define EXT4_FT_CHRDEV   3
#define EXT4_FT_BLKDEV   4
#define EXT4_FT_FIFO     5
#define EXT4_FT_SOCK     6
#define EXT4_FT_SYMLINK  7
#define EXT4_FT_MAX      8
#define EXT4_FT_DIR_CSUM 0xde

/* The last 12 bytes of a leaf with metadata_csum: looks like an unused entry. */
struct ext4_dirent_tail {
	u32 zero1;
	u16 rec_len; /* 12 */
	u8 zero2;
	u8 file_type; /* EXT4_FT_DIR_CSUM */
	u32 checksum; /* of the block up to here, from the inode's seed */
};
static_assert(sizeof(struct ext4_dirent_tail) == 12, "directory tail");

/* Hash tree: block 0 of an indexed directory holds "." and "..", then this. */
struct ext4_htree_info {
	u32 zero;
	u8 hash_version; /* EXT4_HASH_* */
	u8 info_length;  /* 8 */
	u8 indirect_levels;
	u8 unused_flags;
};
struct ext4_htree_entry {
	u32 hash;
	u32 block;
};
/* In the place of the first entry's hash. */
struct ext4_htree_count {
	u16 limit;
	u16 count;
};
struct ext4_htree_tail {
	u32 reserved;
	u32 checksum;
};
#define EXT4_HTREE_ROOT_INFO           24u /* offset of ext4_htree_info in block 0 */
#define EXT4_HTREE_NODE_SKIP           8u  /* of entries in the other index blocks */
#define EXT4_HTREE_MAX_LEVELS          2u
#define EXT4_HTREE_MAX_LEVELS_LARGEDIR 3u

#define EXT4_HASH_LEGACY            0
#define EXT4_HASH_HALF_MD4          1
#define EXT4_HASH_TEA               2
#define EXT4_HASH_LEGACY_UNSIGNED   3
#define EXT4_HASH_HALF_MD4_UNSIGNED 4
#define EXT4_HASH_TEA_UNSIGNED      5
#define EXT4_HASH_SIPHASH           6

/*
 * --- extended attributes -------------------------------------------------------------------------
 */

#define EXT4_XATTR_MAGIC        0xea020000u
#define EXT4_XATTR_REFCOUNT_MAX 1024u

struct ext4_xattr_header { /* of a block */
	u32 magic;
	u32 refcount;
	u32 blocks;
	u32 hash;
	u32 checksum; /* of block number and block with this field 0 */
	u32 reserved[3];
};
struct ext4_xattr_ibody_header { /* in the inode, behind extra_isize */
	u32 magic;
};
struct ext4_xattr_entry {
	u8 name_len;
	u8 name_index; /* EXT4_XATTR_INDEX_* */
	u16 value_offs;
	u32 value_inum;
	u32 value_size;
	u32 hash;
	char name[];
};
static_assert(sizeof(struct ext4_xattr_header) == 32, "xattr header");
static_assert(sizeof(struct ext4_xattr_entry) == 16, "xattr entry");

#define EXT4_XATTR_INDEX_USER        1
#define EXT4_XATTR_INDEX_ACL_ACCESS  2
#define EXT4_XATTR_INDEX_ACL_DEFAULT 3
#define EXT4_XATTR_INDEX_TRUSTED     4
#define EXT4_XATTR_INDEX_LUSTRE      5
#define EXT4_XATTR_INDEX_SECURITY    6
#define EXT4_XATTR_INDEX_SYSTEM      7
#define EXT4_XATTR_INDEX_RICHACL     8
#define EXT4_XATTR_INDEX_ENCRYPTION  9

/* Access control lists as attribute values. */
#define EXT4_ACL_VERSION 1u
struct ext4_acl_header {
	u32 version;
};
struct ext4_acl_entry {
	u16 tag;
	u16 perm;
	u32 id; /* only ACL_USER and ACL_GROUP entries have it */
};
#define EXT4_ACL_ENTRY_SHORT 4u

/*
 * --- orphan file ---------------------------------------------------------------------------------
 */

#define EXT4_ORPHAN_MAGIC 0x0b10ca04u
struct ext4_orphan_tail { /* last 8 bytes of a block of inode numbers */
	u32 magic;
	u32 checksum;
};
