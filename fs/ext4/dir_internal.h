/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories as files of blocks: what the directory half of the driver shares.
 *
 * Everything here wants the directory's inode lock: for writing, but for listings and the check
 * that a directory is empty, which read.  Blocks of a directory never change their kind (leaf,
 * index), save block 0, which becomes the root of the index; and a directory never shrinks.
 */
#pragma once

#include <fs/vfs/dentry.h>
#include <kernel/lib/minmax.h>

#include "dirent.h"
#include "ext4_internal.h"

/* BUFFER_VERIFIED says that a block is a sound leaf, this that it is a sound index node. */
#define BUFFER_HTREE_VERIFIED BUFFER_PRIV0

/* Blocks a handle needs to add a name, split and index included; and to take one out. */
#define EXT4_CREDITS_ENTRY_ADD (EXT4_CREDITS_HTREE + EXT4_CREDITS_DATA + 12u)
#define EXT4_CREDITS_ENTRY_DEL 1u

static inline bool ext4_dir_is_indexed(const struct inode *dir)
{
	return (ext4_inode(dir)->flags & EXT4_INDEX_FL) &&
	       ext4_has_compat(ext4_inode_super(dir), EXT4_COMPAT_DIR_INDEX);
}

static inline u32 ext4_dir_blocks(const struct inode *dir)
{
	return (u32)min_t(u64, (u64)dir->size >> dir->sb->blkbits, ~0u);
}

static inline u32 ext4_leaf_end(const struct inode *dir)
{
	const struct ext4_super *es = ext4_inode_super(dir);

	return ext4_dirblock_end(es->block_size, es->csum);
}

/* The hash function of an index that names `version`, with the signedness of the file system. */
static inline unsigned ext4_hash_version(const struct ext4_super *es, u8 version)
{
	return version <= EXT4_HASH_TEA && es->hash_unsigned ? version + EXT4_HASH_LEGACY_UNSIGNED
							     : version;
}

/* EXT4_FT_* for a mode, 0 on file systems without the feature; and DT_* of that. */
u8 ext4_file_type(const struct superblock *sb, umode_t mode);
unsigned ext4_dirent_dt(const struct superblock *sb, u8 type);

/*
 * entry.c
 */

enum ext4_dirblock_kind { EXT4_DIR_LEAF, EXT4_DIR_ROOT, EXT4_DIR_NODE, EXT4_DIR_ANY };

/*
 * Block `lblock` of the directory, referenced and checked for what it should be.  ANY: whatever it
 * looks like.  Returns 0, -EUCLEAN (a hole, too), -EBADMSG, -EIO, -ENOMEM; faults are reported.
 */
int ext4_dir_read(struct inode *dir, u32 lblock, enum ext4_dirblock_kind kind,
		  struct buffer **out) __must_check;
/* Where entries of a block read as ANY end. */
u32 ext4_dir_any_end(const struct inode *dir, u32 lblock, const struct buffer *b);

/* An entry of a directory; `b` is referenced. */
struct ext4_entry {
	struct buffer *b;
	u32 lblock, off, prev; /* see struct ext4_dirslot */
	u32 ino;
};

static inline struct ext4_dirent *ext4_entry_dirent(const struct ext4_entry *e)
{
	return ext4_dirent_at(e->b->data, e->off);
}

/* What dentry.cookie holds for it. */
static inline u64 ext4_entry_cookie(const struct ext4_entry *e)
{
	return (u64)e->lblock << 20 | e->off | 1;
}

static inline void ext4_entry_put(struct ext4_entry *e)
{
	buffer_put(e->b);
	e->b = NULL;
}

/*
 * The entry called `name`.  On -ENOENT, and with `room_for`, the place where the name would fit is
 * remembered for that dentry. Returns 0, -ENOENT, -ENAMETOOLONG, -EUCLEAN, -EBADMSG, -EIO, -ENOMEM.
 */
int ext4_entry_find(struct inode *dir, const char *name, u32 len, const struct dentry *room_for,
		    struct ext4_entry *out) __must_check;
/* The same for a dentry, whose cookie tells where the entry was last seen. */
int ext4_entry_find_dentry(struct inode *dir, struct dentry *dentry,
			   struct ext4_entry *out) __must_check;

/*
 * Add an entry for inode `ino`; times of the directory change in memory, ext4_inode_dirty(dir) is
 * the caller's.  The handle has EXT4_CREDITS_ENTRY_ADD.  Returns 0, -ENOSPC, ...
 */
int ext4_entry_add(struct handle *h, struct inode *dir, struct dentry *dentry, u32 ino,
		   umode_t mode) __must_check;
/* Remove it, likewise.  `dentry`, or NULL, is to be made again most likely. */
int ext4_entry_remove(struct handle *h, struct inode *dir, const struct dentry *dentry,
		      const struct ext4_entry *e) __must_check;
/* Another inode for it, likewise. */
int ext4_entry_set(struct handle *h, struct inode *dir, const struct ext4_entry *e, u32 ino,
		   umode_t mode) __must_check;

/* The first block of a new directory.  The handle has EXT4_CREDITS_DATA. */
int ext4_dir_init(struct handle *h, struct inode *dir, u32 parent) __must_check;
/* The entry ".." of a directory, and another inode for it; times stay as they are. */
int ext4_dir_parent(struct inode *dir, struct ext4_entry *out) __must_check;
int ext4_dir_set_parent(struct handle *h, struct inode *dir, const struct ext4_entry *up,
			u32 parent) __must_check;
/* 1: nothing but "." and ".."; 0; or a negative errno. */
int ext4_dir_is_empty(struct inode *dir);

/* A leaf has room: journal it and put the entry in.  *off where. */
int ext4_leaf_insert(struct handle *h, struct inode *dir, struct buffer *b, u32 room,
		     const struct dentry *dentry, u32 ino, umode_t mode, u32 *off) __must_check;
/* A new leaf at the end, zeroed. */
int ext4_leaf_append(struct handle *h, struct inode *dir, u32 *lblock,
		     struct buffer **out) __must_check;

/*
 * namei.c
 */

#define EXT4_LINK_MAX 65000u

/* Directories count their subdirectories, up to a point: with dir_nlink 1 says "many". */
bool ext4_dir_links_full(const struct inode *dir);
int ext4_dir_link_add(struct handle *h, struct inode *dir) __must_check;
void ext4_dir_link_del(struct inode *dir);
/*
 * Buffers an operation is going to change, which it asks for before it changes any: after that only
 * an aborted journal can stop it, and nothing of what it did then reaches the disk.  Begins zeroed.
 * The first failure ends the operation.
 */
struct ext4_holds {
	unsigned count;
	struct buffer *held[8];
};
/* NULL is nothing. */
int ext4_hold(struct handle *h, struct ext4_holds *c, struct buffer *b) __must_check;
int ext4_hold_inode(struct handle *h, struct ext4_holds *c, struct inode *inode) __must_check;
/* A directory's inode, and the superblock with its list of orphans. */
int ext4_hold_dir(struct handle *h, struct ext4_holds *c, struct inode *dir) __must_check;
void ext4_holds_end(struct ext4_holds *c);

/* No space: blocks freed lately may become usable.  True: try once more. */
bool ext4_space_retry(struct superblock *sb, int err, unsigned *tries);
/* One name less for an inode, ctime included; an orphan when it was the last.  Held: the inode,
 * the superblock. */
int ext4_link_drop(struct handle *h, struct inode *inode, s64 now) __must_check;

/* rename.c */
int ext4_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		struct dentry *new, unsigned flags);
/* symlink.c */
int ext4_symlink(struct inode *dir, struct dentry *dentry, const char *target);

/*
 * htree.c
 */

struct ext4_htree_frame {
	struct buffer *b;
	struct ext4_htree_entry *entries;
	u32 at;
};

/* The way from the root to a leaf. */
struct ext4_htree {
	struct ext4_htree_frame frame[EXT4_HTREE_MAX_LEVELS_LARGEDIR];
	u32 levels;       /* index nodes on the way */
	unsigned version; /* EXT4_HASH_*, signedness applied */
	struct ext4_hash hash;
};

/*
 * Find the leaf for a name (NULL: for hash->major as it stands in *t).  Returns 0, EXT4_HTREE_BAD
 * (reported; the directory can still be searched block by block), or a negative errno.
 * ext4_htree_end() after success only.
 */
#define EXT4_HTREE_BAD 1
int ext4_htree_begin(struct inode *dir, const char *name, u32 len,
		     struct ext4_htree *t) __must_check;
void ext4_htree_end(struct ext4_htree *t);
u32 ext4_htree_leaf(const struct ext4_htree *t);
/* The next leaf: 1 and the hash it begins with (lowest bit: it goes on with hashes of the one
 * before), 0: no more, or as begin. */
int ext4_htree_next(struct inode *dir, struct ext4_htree *t, u32 *hash) __must_check;
/* Does the next leaf go on with the same hash?  Moves there and answers 1; else 0, or a negative
 * errno. */
int ext4_htree_next_same(struct inode *dir, struct ext4_htree *t) __must_check;

/* Add an entry to an indexed directory.  *lblock, *off: where it is.  Returns 0, EXT4_HTREE_BAD, or
 * a negative errno. */
int ext4_htree_add(struct handle *h, struct inode *dir, const struct dentry *dentry, u32 ino,
		   umode_t mode, u32 *lblock, u32 *off) __must_check;
/* Give a directory of one full block an index. */
int ext4_htree_make(struct handle *h, struct inode *dir) __must_check;
