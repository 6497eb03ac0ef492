/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directory blocks as bytes: entries, index nodes, hashes of names.
 *
 * Nothing here knows buffers, inodes or transactions: a block is memory of a given size, of which
 * entries use the first `end` bytes; where a checksum follows, the functions that change entries
 * keep it right.  All functions may be given blocks of a hostile disk: they stay inside the block
 * and end.  Offsets are bytes in the block.
 */
#pragma once

#include <fs/ext4/ext4_format.h>
#include <kernel/lib/compiler.h>

#define EXT4_DIR_NONE (~0u)

static inline struct ext4_dirent *ext4_dirent_at(const void *block, u32 off)
{
	return (struct ext4_dirent *)((u8 *)block + off);
}

/* Bytes of a block that entries may use, with and without metadata_csum. */
static inline u32 ext4_dirblock_end(u32 block_size, bool csum)
{
	return csum ? block_size - sizeof(struct ext4_dirent_tail) : block_size;
}

/*
 * dirent.c
 */

/* Where a search ended. */
struct ext4_dirslot {
	u32 off;  /* the entry with the name */
	u32 prev; /* the entry before it in the block, or EXT4_DIR_NONE */
	u32 room; /* not found: an entry that surely has room for it, or EXT4_DIR_NONE */
};

/* Look for a name of 1 to 255 bytes.  Returns 0, -ENOENT or -EUCLEAN. */
int ext4_dirblock_find(const void *block, u32 end, const char *name, u32 len,
		       struct ext4_dirslot *slot) __must_check;
/* The entry at `off`, if one begins there; *prev the one before.  Returns 0, -ENOENT or -EUCLEAN.
 */
int ext4_dirblock_seek(const void *block, u32 end, u32 off, u32 *prev) __must_check;
/* The first entry with room for a name of `len` bytes.  Returns 0, -ENOSPC or -EUCLEAN. */
int ext4_dirblock_room(const void *block, u32 end, u32 len, u32 *off) __must_check;
/* Does the entry at `off`, known to begin there, have that room? */
bool ext4_dirent_has_room(const struct ext4_dirent *de, u32 len);
/* Put an entry into that room; returns its offset.  csum: the block ends with a checksum. */
u32 ext4_dirblock_insert(void *block, u32 end, bool csum, u32 off, u32 ino, u8 type,
			 const char *name, u32 len);
/* Take out the entry at `off`, which follows the one at `prev` (EXT4_DIR_NONE: the first). */
void ext4_dirblock_remove(void *block, u32 end, bool csum, u32 off, u32 prev);
/* Another inode under the same name. */
void ext4_dirblock_set(void *block, u32 end, bool csum, u32 off, u32 ino, u8 type);
/* One unused entry over [from, end). */
void ext4_dirblock_clear(void *block, u32 from, u32 end);
/* Bytes that used entries need; the block was checked. */
u32 ext4_dirblock_used(const void *block, u32 end);
/* Join all room at the end.  The checksum is the caller's. */
void ext4_dirblock_compact(void *block, u32 end);
/* "." and ".." of a new directory in a zeroed block. */
void ext4_dirblock_dots(void *block, u32 end, u32 self, u32 parent, u8 type);
/* Is the only thing in it "." and ".." or nothing?  1, 0 or -EUCLEAN. */
int ext4_dirblock_empty(const void *block, u32 end);

/* What is wrong with the entry at `off`, or NULL.  Inode numbers above `max_ino` are. */
const char *ext4_dirent_fault(const void *block, u32 end, u32 off, u32 max_ino);
/* The first fault of a whole block, *off where. */
const char *ext4_dirblock_fault(const void *block, u32 end, u32 max_ino, u32 *off);

/* Checksums of a leaf.  seed: the inode's. */
u32 ext4_dirblock_csum(const void *block, u32 block_size, u32 seed);
void ext4_dirblock_tail_set(void *block, u32 block_size, u32 seed);
/* The same for a block that is zero from byte `used` on, cheaper. */
void ext4_dirblock_tail_set_sparse(void *block, u32 block_size, u32 seed, u32 used);
bool ext4_dirblock_tail_ok(const void *block, u32 block_size, u32 seed);

/*
 * hash.c
 */

struct ext4_hash {
	u32 major, minor;
};

/* version: EXT4_HASH_*; seed all zero: the default one.  Returns 0 or -EINVAL (version unknown). */
int ext4_name_hash(unsigned version, const u32 seed[4], const char *name, size_t len,
		   struct ext4_hash *out) __must_check;

/*
 * Splitting a leaf: entries in the order of their hashes.
 */
struct ext4_dirmap {
	u32 hash;
	u16 off, size;
};

/* All used entries, sorted.  Room for EXT4_DIRMAP_MAX(end).  Returns how many, or -EUCLEAN. */
#define EXT4_DIRMAP_MAX(end) ((end) / 12)
int ext4_dirblock_map(const void *block, u32 end, unsigned version, const u32 seed[4],
		      struct ext4_dirmap *map) __must_check;
/* Where to cut, so that both halves have about the same bytes: 1 to count - 1.  count > 1. */
u32 ext4_dirmap_cut(const struct ext4_dirmap *map, u32 count);
/* Move the entries of `map` from one block to a zeroed one, and close the gaps they leave.  Returns
 * the bytes used there. */
u32 ext4_dirblock_move(void *from, void *to, u32 end, const struct ext4_dirmap *map, u32 count);

/*
 * Index nodes.  Entry 0's hash is 0 by meaning; in its place stand limit and count.
 */
struct ext4_htree_node {
	struct ext4_htree_entry *entries;
	u32 limit; /* what the geometry allows */
};

static inline u32 ext4_htree_limit(u32 block_size, bool root, bool csum)
{
	u32 skip = root ? EXT4_HTREE_ROOT_INFO + (u32)sizeof(struct ext4_htree_info)
			: EXT4_HTREE_NODE_SKIP;

	return (block_size - skip - (csum ? sizeof(struct ext4_htree_tail) : 0)) /
	       sizeof(struct ext4_htree_entry);
}

static inline struct ext4_htree_entry *ext4_htree_entries(const void *block, bool root)
{
	u32 skip = root ? EXT4_HTREE_ROOT_INFO + (u32)sizeof(struct ext4_htree_info)
			: EXT4_HTREE_NODE_SKIP;

	return (struct ext4_htree_entry *)((u8 *)block + skip);
}

static inline struct ext4_htree_info *ext4_htree_root_info(const void *block)
{
	return (struct ext4_htree_info *)((u8 *)block + EXT4_HTREE_ROOT_INFO);
}

static inline struct ext4_htree_count *ext4_htree_counts(struct ext4_htree_entry *entries)
{
	return (struct ext4_htree_count *)entries;
}

static inline u32 ext4_htree_entry_block(const struct ext4_htree_entry *e)
{
	return e->block & 0x0fffffff;
}

/* The entry whose range holds `hash`. */
u32 ext4_htree_search(const struct ext4_htree_entry *entries, u32 count, u32 hash);
/* Put (hash, block) behind entry `at`; count < limit. */
void ext4_htree_insert(struct ext4_htree_entry *entries, u32 at, u32 hash, u32 block);

/* What is wrong with block 0 of an indexed directory, or NULL. */
const char *ext4_htree_root_fault(const void *block, u32 block_size, bool csum, u32 max_levels);
/* Likewise the counts of a node (or of that root). */
const char *ext4_htree_node_fault(const void *block, u32 block_size, bool root, bool csum);

/* The checksum of a node whose counts are right. */
void ext4_htree_tail_set(void *block, bool root, u32 seed);
bool ext4_htree_tail_ok(const void *block, bool root, u32 seed);
