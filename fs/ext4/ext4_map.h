/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the blocks of a file are: on disk (extent trees, indirect blocks) and in memory (extent
 * status).
 *
 * The extent status tree of an inode remembers answers of the map on disk, and holds what is not on
 * disk yet:
 *
 *	HOLE, MAPPED, UNWRITTEN		as the map on disk says; may be forgotten at any time
 *	DELAYED				promised (es->promised), no place yet; a hole on disk
 *	PENDING				taken, being written; a hole on disk until the data is there
 *
 * Locks: the map on disk changes under ext4_inode.map W and is read under R.  The status tree is
 * under es_lock.  An answer of the map on disk enters the status tree before map is released, and
 * DELAYED is entered under map R, so the two never disagree.
 */
#pragma once

#include "ext4_internal.h"

struct seq;

enum ext4_map_type {
	EXT4_MAP_HOLE,
	EXT4_MAP_MAPPED,
	EXT4_MAP_UNWRITTEN,
	EXT4_MAP_DELAYED,
	EXT4_MAP_PENDING
};

struct ext4_map {
	u32 lblock, len; /* blocks of the file; len > 0 */
	u64 block;       /* on disk; MAPPED, UNWRITTEN, PENDING */
	u8 type;         /* enum ext4_map_type */
};

#define EXT4_LBLOCK_END 0xffffffffu /* no file has this block */

/*
 * status.c: in memory.  All take es_lock themselves.
 */
void ext4_status_init(struct ext4_inode *ei);
/* Called once, before the first mount.  Returns 0 or -ENOMEM. */
int ext4_status_init_cache(void) __must_check;
/* What is known of `lblock`, cut to begin there.  False: nothing. */
bool ext4_status_find(struct ext4_inode *ei, u32 lblock, struct ext4_map *out);
/* The first entry of DELAYED or PENDING type that ends behind `lblock`, not cut.  False: none. */
bool ext4_status_next_promise(struct ext4_inode *ei, u32 lblock, struct ext4_map *out);
/* Remember an answer of the disk, where nothing is known yet.  Locks: map. */
void ext4_status_learn(struct ext4_inode *ei, const struct ext4_map *map);
/*
 * [lblock, lblock+len) is now of this type (all but DELAYED), whatever it was: promises in it are
 * counted out, but neither their blocks nor the super's counters are touched.  Returns 0; -ENOMEM
 * only for PENDING.
 */
int ext4_status_set(struct ext4_inode *ei, const struct ext4_map *map);
/*
 * Where nothing or a hole is known in the range, DELAYED; *added: how many blocks that were.  If
 * any, `spare` blocks more are counted as promised to the map itself.  Returns 0 or -ENOMEM.
 * Locks: map.
 */
int ext4_status_delay(struct ext4_inode *ei, u32 lblock, u32 len, u32 spare,
		      u32 *added) __must_check;
/* More of them, claimed by the caller, for what is PENDING. */
void ext4_status_add_spare(struct ext4_inode *ei, u32 blocks);
/* Use one of those spare blocks, if there is one. */
bool ext4_status_use_spare(struct ext4_inode *ei);
/* When nothing is promised any more, spare blocks go back to the file system. */
void ext4_status_settle(struct inode *inode);
/*
 * Forget [lblock, lblock+len).  Promises are counted out and given back to the file system, taken
 * blocks too.
 */
void ext4_status_drop(struct inode *inode, u32 lblock, u32 len);
/* Forget answers of the disk only. */
void ext4_status_trim(struct ext4_inode *ei);

/*
 * map.c
 */

/*
 * The extent that begins at `lblock`, at most `max` blocks of it, promises included.  Returns 0,
 * -EUCLEAN, -EIO, -ENOMEM.
 */
int ext4_map_find(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out) __must_check;
/* The same, map held by the caller. */
int ext4_map_find_locked(struct inode *inode, u32 lblock, u32 max,
			 struct ext4_map *out) __must_check;
/*
 * [map] enters the map on disk and the status tree, where a hole was; blocks are used already.
 * MAPPED or UNWRITTEN. Locks: map W.  Returns 0, -ENOSPC (for the tree's own blocks), -EUCLEAN (not
 * a hole), -EIO.
 */
int ext4_map_insert(struct handle *h, struct inode *inode, const struct ext4_map *map) __must_check;
/* A preferred place for `lblock`.  Locks: map. */
u64 ext4_map_goal(struct inode *inode, u32 lblock);
/* Credits for one ext4_map_insert of up to `blocks` blocks. */
unsigned ext4_map_credits(const struct inode *inode, u32 blocks);
/* Does the file have extents? */
static inline bool ext4_has_extents(const struct inode *inode)
{
	return ext4_inode(inode)->flags & EXT4_EXTENTS_FL;
}
/* How many blocks from `lblock` on one ext4_map_insert takes at most. */
u32 ext4_map_insert_max(const struct inode *inode, u32 lblock);
/* Flags of ext4_blocks_free for the data of a file. */
unsigned ext4_free_flags(const struct inode *inode);
/* Blocks a file of this kind can have at most. */
u64 ext4_max_blocks(const struct ext4_super *es, bool extents);
bool ext4_blocks_valid_for(const struct ext4_super *es, const struct inode *inode, u64 block,
			   u64 count);

/*
 * extents.c, indirect.c: map held R to look, W to change.  What changes leaves the inode (root,
 * block count) to be dirtied by the caller, on errors too.
 */
void ext4_extents_init_root(struct inode *inode);
int ext4_extents_check_root(struct inode *inode) __must_check;
int ext4_extents_find(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out) __must_check;
int ext4_extents_insert(struct handle *h, struct inode *inode,
			const struct ext4_map *map) __must_check;
/* [lblock, lblock+len) of one unwritten extent becomes written. */
int ext4_extents_convert(struct handle *h, struct inode *inode, u32 lblock, u32 len) __must_check;
/* ... or the other way, MAPPED to UNWRITTEN. */
int ext4_extents_unwrite(struct handle *h, struct inode *inode, u32 lblock, u32 len) __must_check;
/*
 * Remove and free what is mapped in [from, to), back to front, as far as the credits of `h` go.
 * Returns 1: more to do, restart the handle; 0: done; or -errno.
 */
int ext4_extents_remove(struct handle *h, struct inode *inode, u32 from, u32 to) __must_check;
/*
 * Move the extents at or behind *from by `delta` blocks down, into space that is empty; a leaf at a
 * time.  *from: where to go on. Returns 1: more to do; 0: done; or -errno.
 */
int ext4_extents_move_down(struct handle *h, struct inode *inode, u32 *from,
			   u32 delta) __must_check;
/*
 * The extents in [from, *before) up, from the end on.  *before is EXT4_LBLOCK_END at first.  None
 * straddles `from`.
 */
int ext4_extents_move_up(struct handle *h, struct inode *inode, u32 from, u32 *before,
			 u32 delta) __must_check;
/* No extent straddles `lblock` any more. */
int ext4_extents_split(struct handle *h, struct inode *inode, u32 lblock) __must_check;
unsigned ext4_extents_depth(const struct inode *inode);

int ext4_indirect_check_root(struct inode *inode) __must_check;
int ext4_indirect_find(struct inode *inode, u32 lblock, u32 max, struct ext4_map *out) __must_check;
/* All in one indirect block: see ext4_map_insert_max. */
int ext4_indirect_insert(struct handle *h, struct inode *inode,
			 const struct ext4_map *map) __must_check;
/* As ext4_extents_remove. */
int ext4_indirect_remove(struct handle *h, struct inode *inode, u32 from, u32 to) __must_check;

/*
 * truncate.c
 */

/*
 * Free what is mapped or promised in [from, to), in several transactions if need be; *h may be
 * another one after.  Locks: takes map.
 */
int ext4_blocks_remove(struct handle *h, struct inode *inode, u32 from, u32 to) __must_check;
/* Credits of the handle given to it, at least. */
#define EXT4_CREDITS_TRUNCATE 32u
#define EXT4_REVOKES_TRUNCATE 128u
/*
 * Does the handle lack `credits` and room for `revokes`, and cannot get them in this transaction?
 */
bool ext4_handle_short(struct handle *h, const struct inode *inode, unsigned credits,
		       unsigned revokes);
/* More credits in this handle or a new one.  Locks: none of ext4's. */
int ext4_handle_refill(struct handle *h, struct inode *inode, unsigned credits) __must_check;

/* data.c */

/*
 * A place for what is DELAYED or a hole at `lblock`, at most `max` blocks: *m is PENDING then, or
 * what is there already. Locks: map W.  Returns 0, -ENOSPC, -ENOMEM, ...
 */
int ext4_data_take(struct inode *inode, u32 lblock, u32 max, struct ext4_map *m) __must_check;
/*
 * How much of a PENDING range can become the file's at once: what is in one group and in one
 * indirect block.
 */
u32 ext4_data_piece(struct inode *inode, const struct ext4_map *m);
/*
 * Taken blocks become the file's: MAPPED if *m says PENDING (the data is there), else as *m says.
 * On error they are a hole.  Locks: map W.
 */
int ext4_data_keep(struct handle *h, struct inode *inode, struct ext4_map *m) __must_check;
extern const struct iomap_ops ext4_iomap_ops;
/*
 * Holes in [pos, pos + len) become DELAYED.  `fault`: do not wait for a commit if the disk is full.
 * Returns 0, -ENOSPC, -EFBIG...
 */
int ext4_data_promise(struct inode *inode, u64 pos, u64 len, bool fault) __must_check;

/* jdata.c */
extern const struct mapping_ops ext4_jdata_mapping_ops;
bool ext4_journals_data(const struct inode *inode);
/* As iomap_zero_range, iomap_truncate_page and iomap_extend, for both ways of writing. */
int ext4_zero_range(struct inode *inode, u64 pos, u64 len) __must_check;
int ext4_truncate_page(struct inode *inode, u64 size) __must_check;
int ext4_extend(struct inode *inode, u64 size) __must_check;

/*
 * [from, end) is on disk (0, 0: nothing new): the size there follows, if it can now.  Locks: takes
 * map.
 */
void ext4_size_reached(struct inode *inode, u64 from, u64 end);
/*
 * The size of file and disk is set.  A cut inside a block is remembered.  Locks: inode W; takes
 * map.
 */
void ext4_size_set(struct inode *inode, s64 size);
/*
 * Before a larger size is set: where the file was cut is zero on the disk.  Locks: inode W, no
 * handle.
 */
int ext4_tail_settle(struct inode *inode) __must_check;

/* fallocate.c */
long ext4_fallocate(struct file *file, int mode, loff_t offset, loff_t len);

/*
 * error.c, super.c, options.c, orphan.c
 */
void ext4_error_init(struct ext4_super *es);
/*
 * Counters, time and checksum into the superblock, which is written at once.  No transaction has
 * it.
 */
int ext4_super_write(struct ext4_super *es) __must_check;
/*
 * Mark it as what replay or an orderly end makes of it, by `changes`; journalled, or written at
 * once without a journal.
 */
int ext4_feature_clear_orphan_present(struct superblock *sb) __must_check;
void ext4_super_seal(struct ext4_super *es);

/*
 * Start from the superblock's defaults.  `options` may be NULL.  Returns 0 or -EINVAL, said in the
 * log.
 */
void ext4_options_default(struct ext4_super *es, struct ext4_options *opt);
int ext4_options_parse(struct ext4_super *es, struct ext4_options *opt, char *options,
		       bool remount) __must_check;
/* Only sb=, which is needed before the rest can be read. */
u64 ext4_options_super(const char *options);
void ext4_show_options(struct superblock *sb, struct seq *out);

/* Clears inode tables that mke2fs left, in the background. */
void ext4_itable_start(struct superblock *sb);
void ext4_itable_stop(struct superblock *sb);

/*
 * inode.c
 */
int ext4_inode_init_cache(void) __must_check;
struct inode *ext4_alloc_inode(struct superblock *sb);
void ext4_free_inode(struct inode *inode);
void ext4_evict(struct inode *inode);
void ext4_dirty_inode(struct inode *inode, u32 what);
int ext4_write_inode(struct inode *inode, bool wait);
/* ext4_inode.csum_seed, from number and generation. */
void ext4_inode_seed(struct inode *inode);
/* The inode's block in the table holds no other inode in use: it need not be read. */
int ext4_inode_locate_fresh(struct inode *inode) __must_check;

/* data.c: mapping_ops of a regular file, by its data mode. */
void ext4_set_mapping_ops(struct inode *inode);
