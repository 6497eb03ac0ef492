/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers for new inodes.
 *
 * An inode lies in the group of its directory when there is room, so that a directory's inodes
 * share blocks and their data lies near; otherwise in groups ever further away.  Directories
 * themselves are spread: those just below the root (or below one marked as a top) over the whole
 * disk, others near their parent unless its group is fuller than the average.
 *
 * A number is taken by setting its bit under the group's lock, in a bitmap block that the handle
 * may change.  Bits are taken from the lowest on: what lies behind the highest ever used
 * (itable_unused) has not been written since mke2fs, and need not be.
 */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/time/clock.h>

#include "ext4_map.h"
#include "ext4_space.h"

/* --- which group --- */

static u32 free_inodes(const struct ext4_super *es, u32 g)
{
	if (READ_ONCE(es->group[g].flags) & EXT4_GROUP_INODES_BAD)
		return 0;
	return ext4_desc_free_inodes(es, ext4_desc(es, g));
}

static u32 free_blocks(const struct ext4_super *es, u32 g)
{
	return ext4_desc_free_blocks(es, ext4_desc(es, g));
}

static u32 used_dirs(const struct ext4_super *es, u32 g)
{
	return ext4_desc_used_dirs(es, ext4_desc(es, g));
}

struct averages {
	u32 inodes, blocks, dirs; /* free, free, used; per group */
};

static struct averages averages_of(const struct ext4_super *es)
{
	return (struct averages){
		(u32)((u64)max(atomic_load(&es->free_inodes), (s64)0) / es->groups),
		(u32)((u64)max(atomic_load(&es->free_blocks), (s64)0) / es->groups),
		(u32)((u64)max(atomic_load(&es->dirs), (s64)0) / es->groups),
	};
}

/* Of the groups that are no fuller than most, the one with fewest directories. */
static bool group_for_top(struct ext4_super *es, u32 *out)
{
	struct averages avg = averages_of(es);
	u32 start = atomic_add_return(&es->goal_seed, 0x9e3779b1u) % es->groups, best = ~0u;

	for (u32 i = 0; i < es->groups; i++) {
		u32 g = start + i < es->groups ? start + i : start + i - es->groups;

		if (!free_inodes(es, g) || used_dirs(es, g) >= best ||
		    free_inodes(es, g) < avg.inodes || free_blocks(es, g) < avg.blocks)
			continue;
		best = used_dirs(es, g);
		*out = g;
	}
	return best != ~0u;
}

/* The first group from the parent's on that is not crowded. */
static bool group_near(struct ext4_super *es, u32 parent, u32 *out)
{
	struct averages avg = averages_of(es);
	u32 least_inodes =
		avg.inodes > es->inodes_per_group / 4 ? avg.inodes - es->inodes_per_group / 4 : 1;
	u32 least_blocks =
		avg.blocks > es->blocks_per_group / 4 ? avg.blocks - es->blocks_per_group / 4 : 0;
	u32 most_dirs = avg.dirs + es->inodes_per_group / 16;

	for (u32 i = 0; i < es->groups; i++) {
		u32 g = parent + i < es->groups ? parent + i : parent + i - es->groups;

		if (free_inodes(es, g) >= least_inodes && free_blocks(es, g) >= least_blocks &&
		    used_dirs(es, g) < most_dirs) {
			*out = g;
			return true;
		}
	}
	return false;
}

static u32 group_for_dir(struct ext4_super *es, const struct inode *dir)
{
	u32 parent = ext4_inode(dir)->group, g;

	if ((dir->ino == EXT4_ROOT_INO || ext4_inode(dir)->flags & EXT4_TOPDIR_FL) &&
	    group_for_top(es, &g))
		return g;
	return group_near(es, parent, &g) ? g : parent;
}

/* The parent's group, or one of those at distances 1, 3, 7... that still has blocks. */
static u32 group_for_file(struct ext4_super *es, const struct inode *dir)
{
	u32 parent = ext4_inode(dir)->group, g = parent;

	if (free_inodes(es, g) && free_blocks(es, g))
		return g;
	g = (parent + (u32)dir->ino) % es->groups;
	for (u32 step = 1; step < es->groups; step <<= 1) {
		g = (g + step) % es->groups;
		if (free_inodes(es, g) && free_blocks(es, g))
			return g;
	}
	return parent;
}

/* --- taking a number --- */

/* What is known of the number that was taken. */
struct taken {
	u32 ino, group;
	bool fresh; /* no other inode in its block of the table is in use */
};

/* Descriptor and checksums after bit `bit` flipped.  Locks: group. */
static void account(struct ext4_super *es, u32 group, u32 bit, s32 used, bool dir)
{
	struct ext4_group *g = &es->group[group];
	struct ext4_disk_group *d = ext4_desc(es, group);

	ext4_desc_set_free_inodes(es, d, ext4_desc_free_inodes(es, d) - (u32)used);
	if (dir)
		ext4_desc_set_used_dirs(es, d, ext4_desc_used_dirs(es, d) + (u32)used);
	if (used > 0 && ext4_has_desc_csum(es)) {
		u32 first_unused = es->inodes_per_group -
				   min(ext4_desc_itable_unused(es, d), es->inodes_per_group);

		if (d->flags & EXT4_BG_INODE_UNINIT)
			first_unused = 0;
		d->flags &= (u16)~EXT4_BG_INODE_UNINIT;
		if (bit >= first_unused)
			ext4_desc_set_itable_unused(es, d, es->inodes_per_group - bit - 1);
	}
	if (es->csum) {
		g->inode_csum =
			ext4_bitmap_csum_flip(g->inode_csum, es->inodes_per_group / 8, bit, 1);
		ext4_desc_set_inode_bitmap_csum(es, d, g->inode_csum);
	}
	ext4_desc_seal(es, group, d);
}

/* Is `bit` the only one set of those whose inodes share its block? */
static bool alone_in_block(const struct ext4_super *es, const u64 *map, u32 bit)
{
	u32 first = bit / es->inodes_per_block * es->inodes_per_block;
	u32 end = min(first + es->inodes_per_block, es->inodes_per_group);
	u32 at = (u32)bitmap_find_next_bit(map, end, first);

	return at == bit && bitmap_find_next_bit(map, end, bit + 1) >= end;
}

static bool take_bit(struct ext4_super *es, u32 group, u64 *map, bool dir, struct taken *t)
{
	struct ext4_group *g = &es->group[group];
	u32 from, bit;

	guard_spin(&g->lock);
	from = group ? 0 : es->first_ino - 1;
	bit = (u32)bitmap_find_next_zero(map, es->inodes_per_group, max(from, g->ino_cursor));
	g->ino_cursor = bit;
	if (bit >= g->zero_from || !ext4_desc_free_inodes(es, ext4_desc(es, group)))
		return false;
	bitmap_set(map, bit);
	g->ino_cursor = bit + 1;
	account(es, group, bit, 1, dir);
	*t = (struct taken){group * es->inodes_per_group + bit + 1, group,
			    alone_in_block(es, map, bit)};
	return true;
}

/* Returns 0, -ENOSPC (none here), -EIO... */
static int take_in_group(struct handle *h, struct ext4_super *es, u32 group, bool dir,
			 struct taken *t)
{
	struct buffer *b;
	int err = ext4_inode_bitmap_read(es, group, &b);

	/* A group that cannot be read is passed over like a full one. */
	if (err)
		return err == -ENOMEM ? err : -ENOSPC;
	err = journal_get_write(h, b) ?: journal_get_write(h, ext4_desc_buffer(es, group));
	if (err)
		goto out;
	if (!take_bit(es, group, b->data, dir, t)) {
		err = -ENOSPC;
		goto out;
	}
	err = journal_dirty(h, b) ?: journal_dirty(h, ext4_desc_buffer(es, group));
out:
	buffer_put(b);
	return err;
}

static int take_number(struct handle *h, const struct inode *dir, umode_t mode, struct taken *t)
{
	struct ext4_super *es = ext4_inode_super(dir);
	u32 group = S_ISDIR(mode) ? group_for_dir(es, dir) : group_for_file(es, dir);

	for (u32 i = 0; i < es->groups; i++, group = group + 1 < es->groups ? group + 1 : 0) {
		int err;

		if (!free_inodes(es, group))
			continue;
		err = take_in_group(h, es, group, S_ISDIR(mode), t);
		if (err != -ENOSPC)
			return err;
	}
	return -ENOSPC;
}

/* The bit goes back; only a mistake on the disk makes this fail. */
static int give_back(struct handle *h, struct ext4_super *es, u32 ino, bool dir)
{
	u32 group = (ino - 1) / es->inodes_per_group, bit = (ino - 1) % es->inodes_per_group;
	struct ext4_group *g = &es->group[group];
	struct buffer *b;
	bool was;
	int err = ext4_inode_bitmap_read(es, group, &b);

	if (err)
		return err;
	err = journal_get_write(h, b) ?: journal_get_write(h, ext4_desc_buffer(es, group));
	if (err)
		goto out;
	with_spin(&g->lock)
	{
		was = bitmap_test(b->data, bit);
		if (was) {
			bitmap_clear(b->data, bit);
			g->ino_cursor = min(g->ino_cursor, bit);
			account(es, group, bit, -1, dir);
		}
	}
	if (!was) {
		ext4_error(es->sb, NULL, b->block, "bit already cleared for inode %u", ino);
		err = -EUCLEAN;
		goto out;
	}
	atomic_inc(&es->free_inodes);
	if (dir)
		atomic_dec(&es->dirs);
	err = journal_dirty(h, b) ?: journal_dirty(h, ext4_desc_buffer(es, group));
out:
	buffer_put(b);
	return err;
}

bool ext4_inode_in_use(struct ext4_super *es, u32 ino)
{
	u32 group = (ino - 1) / es->inodes_per_group, bit = (ino - 1) % es->inodes_per_group;
	struct buffer *b;
	bool used;

	if (ext4_inode_bitmap_read(es, group, &b))
		return false;
	with_spin(&es->group[group].lock) used = bitmap_test(b->data, bit);
	buffer_put(b);
	return used;
}

/* --- the inode --- */

static void fields_init(struct inode *inode, struct inode *dir, umode_t mode, const struct taken *t)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_inode *ei = ext4_inode(inode);

	inode->ino = t->ino;
	inode_init_owner(inode, dir, mode);
	if (ext4_opt(es, EXT4_OPT_GRPID))
		inode->gid = dir->gid;
	inode->generation = atomic_add_return(&es->next_generation, 1);
	ei->group = t->group;
	ei->flags = ext4_inherit_flags(ext4_inode(dir)->flags, inode->mode);
	ei->extra_isize = es->inode_size > EXT4_GOOD_OLD_INODE ? (u16)es->want_extra_isize : 0;
	ei->projid = ei->flags & EXT4_PROJINHERIT_FL ? ext4_inode(dir)->projid : 0;
	ei->sync_tid = ei->datasync_tid = 0;
	ext4_inode_seed(inode);
	ext4_state_set(inode, EXT4_STATE_NEW);
	ext4_state_set(inode, EXT4_STATE_MAKING);
	if (ext4_has_incompat(es, EXT4_INCOMPAT_EXTENTS) && (S_ISREG(mode) || S_ISDIR(mode)))
		ext4_extents_init_root(inode);
}

static int inode_finish(struct handle *h, struct inode *inode, struct inode *dir, dev_t rdev,
			const struct taken *t)
{
	int err = t->fresh ? ext4_inode_locate_fresh(inode) : 0;

	if (err)
		return err;
	err = inode_insert(inode);
	if (err) {
		ext4_error(inode->sb, inode, 0,
			   "new inode cannot be entered: a used number was free on disk");
		return -EUCLEAN;
	}
	if (S_ISCHR(inode->mode) || S_ISBLK(inode->mode) || S_ISFIFO(inode->mode) ||
	    S_ISSOCK(inode->mode))
		inode_init_special(inode, inode->mode, rdev);
	ext4_inode_set_ops(inode);
	ext4_inode_apply_flags(inode);
	err = ext4_inode_dirty(h, inode);
	return err ?: ext4_acl_init(h, inode, dir);
}

int ext4_inode_create(struct handle *h, struct inode *dir, umode_t mode, dev_t rdev,
		      struct inode **out)
{
	struct superblock *sb = dir->sb;
	struct ext4_super *es = ext4_super(sb);
	struct inode *inode = inode_create(sb);
	struct taken t = {0, 0, false};
	int err;

	if (!inode)
		return -ENOMEM;
	err = take_number(h, dir, mode, &t);
	if (err) {
		ext4_state_set(inode, EXT4_STATE_BAD);
		goto fail;
	}
	atomic_dec(&es->free_inodes);
	if (S_ISDIR(mode))
		atomic_inc(&es->dirs);
	fields_init(inode, dir, mode, &t);
	err = inode_finish(h, inode, dir, rdev, &t);
	if (err)
		goto give_number;
	*out = inode;
	return 0;
give_number:
	ext4_state_set(inode, EXT4_STATE_BAD);
	(void)!give_back(h, es, t.ino, S_ISDIR(mode));
fail:
	inode->nlink = 0;
	inode_put(inode);
	return err;
}

void ext4_inode_abandon(struct handle *h, struct inode *inode)
{
	inode->nlink = 0;
	if (ext4_orphan_add(h, inode) || ext4_inode_dirty(h, inode))
		ext4_warn(inode->sb, "inode %llu could not be made an orphan", inode->ino);
}

int ext4_inode_free(struct handle *h, struct inode *inode)
{
	struct ext4_super *es = ext4_inode_super(inode);

	if (inode->ino < es->first_ino || inode->ino > es->inodes) {
		ext4_error(inode->sb, inode, 0, "reserved or nonexistent inode");
		return -EUCLEAN;
	}
	inode_unhash(inode);
	return give_back(h, es, (u32)inode->ino, S_ISDIR(inode->mode));
}
