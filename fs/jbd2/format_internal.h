/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log on disk.  All numbers are big-endian.
 *
 * The log is a ring of blocks [first, maxlen) behind its superblock.  A transaction is
 *
 *	revoke blocks	block numbers whose copies in older transactions are void
 *	descriptor	tags that tell where the data blocks behind it belong; repeated as needed
 *	data blocks	as they are to be, but a block that begins with the log's magic has that
 *			word zeroed and its tag says so
 *	commit block	makes it all valid
 *
 * Every block but data begins with a header with the transaction's number.  Recovery starts at the
 * superblock's `start` and takes transactions as long as numbers follow each other.
 *
 * Checksums are crc32c seeded with that of the log's UUID: v3 has the whole of a data block's in
 * its tag, v2 the lower half; descriptors and revoke blocks have one in their last word, commit
 * blocks and the superblock inside.
 */
#pragma once

#include <kernel/lib/bits.h>

#define JBD_MAGIC 0xc03b3998u

enum jbd_block_type {
	JBD_DESCRIPTOR = 1,
	JBD_COMMIT = 2,
	JBD_SUPER_V1 = 3,
	JBD_SUPER_V2 = 4,
	JBD_REVOKE = 5,
};

#define JBD_COMPAT_CHECKSUM       0x01u /* v1: crc32 of the transaction in the commit block */
#define JBD_INCOMPAT_REVOKE       0x01u
#define JBD_INCOMPAT_64BIT        0x02u
#define JBD_INCOMPAT_ASYNC_COMMIT 0x04u
#define JBD_INCOMPAT_CSUM_V2      0x08u
#define JBD_INCOMPAT_CSUM_V3      0x10u
#define JBD_INCOMPAT_FAST_COMMIT  0x20u
#define JBD_INCOMPAT_KNOWN        0x3fu

#define JBD_CHECKSUM_CRC32C 4

struct jbd_header {
	u32 magic;
	u32 type;
	u32 sequence;
};

struct jbd_super {
	struct jbd_header header;
	u32 block_size;
	u32 maxlen; /* blocks, superblock included */
	u32 first;
	u32 sequence; /* first transaction expected in the log */
	u32 start;    /* its block; 0: the log is empty */
	u32 error;    /* errno of the last abort */
	/* Version 2 from here. */
	u32 compat, incompat, ro_compat;
	u8 uuid[16];
	u32 nr_users;
	u32 dynsuper;
	u32 max_transaction, max_trans_data;
	u8 checksum_type;
	u8 pad1[3];
	u32 num_fc_blocks;
	u32 head;
	u32 pad2[40];
	u32 checksum;
	u8 users[16 * 48];
};
static_assert(sizeof(struct jbd_super) == 1024, "the log's superblock");
static_assert(offsetof(struct jbd_super, checksum) == 0xfc, "the log's superblock");

#define JBD_DEFAULT_FC_BLOCKS 256u

/* Without checksums v3; 64-bit logs have block_high, those with v2 two bytes more behind that. */
struct jbd_tag {
	u32 block;
	u16 checksum; /* v2 */
	u16 flags;
	u32 block_high;
};

struct jbd_tag3 {
	u32 block;
	u32 flags;
	u32 block_high;
	u32 checksum;
};

#define JBD_TAG_ESCAPED   1u
#define JBD_TAG_SAME_UUID 2u /* no UUID follows the tag */
#define JBD_TAG_DELETED   4u
#define JBD_TAG_LAST      8u

#define JBD_UUID_SIZE 16u
#define JBD_TAIL_SIZE 4u /* of descriptors and revoke blocks with checksums v2 and v3 */

struct jbd_revoke {
	struct jbd_header header;
	u32 used; /* bytes, this header included; 4 or 8 per block number follow */
};

struct jbd_commit {
	struct jbd_header header;
	u8 checksum_type, checksum_size;
	u8 pad[2];
	u32 checksum[8];
	u64 seconds;
	u32 nanoseconds;
} __packed;
static_assert(sizeof(struct jbd_commit) == 60, "commit block");
