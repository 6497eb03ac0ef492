/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handing out blocks and taking them back.
 *
 * Each group has a bitmap in memory, `taken`, that says what may be handed out (ext4_space.h has
 * the states).  A search needs no journal and touches one group at a time under its spinlock.
 * `longest` bounds the runs of free blocks in a group from above: a search that fails makes it
 * exact, so groups that cannot serve are passed over without a look.
 *
 *	1. at the goal, which usually continues the file: however few are there, no new extent;
 *	2. the first run that is long enough, from the goal on, through the groups in a circle;
 *	3. the longest run of the group that promises most.
 *
 * New files begin where the group handed out last, so that files written together lie together.
 *
 * Freed blocks leave the bitmap on disk with the transaction, and `taken` when it is on disk,
 * discarded before if that was asked: what a file held before a crash is never overwritten by
 * another that the crash forgets.
 */
#define LOG_PREFIX "EXT4-fs "
#include <kernel/abi/capability.h>
#include <kernel/lib/bitmap.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "ext4_map.h"
#include "ext4_space.h"

/* --- promises --- */

static bool may_use_reserved(const struct ext4_super *es)
{
	const struct cred *cred = cred_current();

	return cred->fsuid == es->opt.resuid ||
	       (es->opt.resgid && cred_in_group(cred, es->opt.resgid)) || capable(CAP_SYS_RESOURCE);
}

int ext4_claim(struct ext4_super *es, u64 n, enum ext4_claim how)
{
	/* What is being freed cannot be handed out before its transaction is on disk. */
	s64 promised = atomic_add_return(&es->promised, (s64)n),
	    left = atomic_load(&es->free_blocks);

	left -= atomic_load(&es->freeing) + promised;

	if (likely(left >= (s64)(READ_ONCE(es->reserved_root) + es->reserved_pool)))
		return 0;
	if (left >= 0 && how == EXT4_CLAIM_POOL)
		return 0;
	if (left >= (s64)es->reserved_pool && may_use_reserved(es))
		return 0;
	ext4_unclaim(es, n);
	return -ENOSPC;
}

void ext4_unclaim(struct ext4_super *es, u64 n)
{
	atomic_sub(&es->promised, (s64)n);
}

/* --- one group --- */

static void group_set_taken(struct ext4_group *g, u32 bit, u32 n)
{
	if (n == 1)
		bitmap_set(g->taken, bit);
	else
		bitmap_set_range(g->taken, bit, n);
	WRITE_ONCE(g->avail, g->avail - n);
	WRITE_ONCE(g->recent, bit + n);
	if (g->cursor >= bit && g->cursor < bit + n)
		g->cursor = bit + n;
}

/* How many blocks are free from `bit` on, up to `want`.  Locks: group. */
static u32 group_run_at(const struct ext4_group *g, u32 bit, u32 want)
{
	u32 end = bit + min(want, g->blocks - bit);

	return (u32)bitmap_find_next_bit(g->taken, end, bit) - bit;
}

struct run {
	u32 bit, len;
};

/* The first run of `want` blocks in [from, to), or the longest there is.  Locks: group. */
static struct run group_search(const struct ext4_group *g, u32 from, u32 to, u32 want)
{
	struct run best = {0, 0};

	while (from < to) {
		u32 bit = (u32)bitmap_find_next_zero(g->taken, to, from), len;

		if (bit >= to)
			break;
		len = group_run_at(g, bit, want);
		if (len > best.len)
			best = (struct run){bit, len};
		if (len >= want)
			break;
		from = bit + len + 1;
	}
	return best;
}

/*
 * Take `want` blocks in one piece, searching from `from` on; with `any`, the longest run if there
 * is none.  Returns how many.
 */
static u32 group_take(struct ext4_group *g, u32 from, u32 want, bool any, u32 *bit)
{
	struct run r;

	guard_spin(&g->lock);
	if (!g->avail || (!any && g->longest < want))
		return 0;
	r = group_search(g, from, g->blocks, want);
	if (r.len < want) {
		struct run low = group_search(g, g->cursor, g->blocks, want);

		if (low.len > r.len)
			r = low;
		if (low.len < want)
			WRITE_ONCE(g->longest, r.len);
	}
	if (r.len < want && !any)
		return 0;
	if (r.len)
		group_set_taken(g, r.bit, r.len);
	*bit = r.bit;
	return r.len;
}

static u32 group_take_at(struct ext4_group *g, u32 bit, u32 want)
{
	u32 n;

	guard_spin(&g->lock);
	if (!g->avail || bit >= g->blocks)
		return 0;
	n = group_run_at(g, bit, want);
	if (n)
		group_set_taken(g, bit, n);
	return n;
}

/* --- the search --- */

/* Can the group have a run of `want` blocks?  A guess from above. */
static bool group_may_serve(const struct ext4_group *g, u32 want)
{
	return READ_ONCE(g->avail) && READ_ONCE(g->longest) >= want &&
	       !(READ_ONCE(g->flags) & EXT4_GROUP_BLOCKS_BAD);
}

/* Step 2. */
static u32 take_long_run(struct ext4_super *es, u32 group, u32 from, u32 want, u64 *start)
{
	for (u32 i = 0; i < es->groups; i++) {
		u32 n = group + i, bit, got;

		if (n >= es->groups)
			n -= es->groups;
		if (!group_may_serve(&es->group[n], want) || ext4_group_load(es, n))
			continue;
		got = group_take(&es->group[n], i ? READ_ONCE(es->group[n].recent) : from, want,
				 false, &bit);
		if (got) {
			*start = ext4_group_first(es, n) + bit;
			return got;
		}
	}
	return 0;
}

static u32 group_of_longest(const struct ext4_super *es, u32 group, u32 *longest)
{
	u32 best = group;

	*longest = 0;
	for (u32 i = 0; i < es->groups; i++) {
		u32 n = group + i < es->groups ? group + i : group + i - es->groups;

		if (group_may_serve(&es->group[n], *longest + 1)) {
			*longest = es->group[n].longest;
			best = n;
		}
	}
	return best;
}

/* Step 3: each turn takes something, or makes the bound of a group exact. */
static int take_longest(struct ext4_super *es, u32 group, u32 want, u64 *start, u32 *got)
{
	for (u32 turn = 0; turn < es->groups * 2; turn++) {
		u32 longest, n = group_of_longest(es, group, &longest), bit;
		int err;

		if (!longest)
			return -ENOSPC;
		err = ext4_group_load(es, n);
		if (err == -ENOMEM)
			return err;
		if (err) {
			with_spin(&es->group[n].lock) WRITE_ONCE(es->group[n].longest, 0);
			continue;
		}
		*got = group_take(&es->group[n], 0, min(want, longest), true, &bit);
		if (*got) {
			*start = ext4_group_first(es, n) + bit;
			return 0;
		}
		with_spin(&es->group[n].lock)
		{
			if (!es->group[n].avail)
				WRITE_ONCE(es->group[n].longest, 0);
		}
		cond_resched();
	}
	return -ENOSPC;
}

static int take_anywhere(struct ext4_super *es, u32 group, u32 from, u32 want, u64 *start, u32 *got)
{
	*got = take_long_run(es, group, from, want, start);
	return *got ? 0 : take_longest(es, group, want, start, got);
}

int ext4_take(struct ext4_super *es, u64 goal, u32 want, u64 *start, u32 *got)
{
	u32 group, bit, from;
	int err;

	if (goal < es->first_data_block || goal >= es->blocks)
		goal = es->first_data_block;
	group = ext4_block_group(es, goal, &bit);
	want = min(want, es->blocks_per_group);
	if (bit && !ext4_group_load(es, group)) {
		*got = group_take_at(&es->group[group], bit, want);
		*start = goal;
		if (*got)
			return 0;
	}
	from = bit ?: READ_ONCE(es->group[group].recent);
	err = take_anywhere(es, group, from, want, start, got);
	if (err == -ENOSPC) {
		/* What is being trimmed looks taken. */
		guard_mutex(&es->trim_lock);
		err = take_anywhere(es, group, from, want, start, got);
	}
	return err;
}

u32 ext4_take_free_run(struct ext4_super *es, u32 group, u32 *bit, u32 last, u32 least)
{
	struct ext4_group *g = &es->group[group];

	assert_held(&es->trim_lock);
	guard_spin(&g->lock);
	for (u32 at = max(*bit, g->cursor), len; g->avail >= least; at += len + 1) {
		at = (u32)bitmap_find_next_zero(g->taken, last + 1, at);
		if (at > last)
			break;
		len = group_run_at(g, at, g->blocks);
		if (len < least)
			continue;
		bitmap_set_range(g->taken, at, len);
		WRITE_ONCE(g->avail, g->avail - len);
		*bit = at;
		return len;
	}
	return 0;
}

u32 ext4_take_at(struct ext4_super *es, u64 start, u32 want)
{
	u32 group, bit;

	if (start <= es->first_data_block || start >= es->blocks)
		return 0;
	group = ext4_block_group(es, start, &bit);
	return ext4_group_load(es, group) ? 0 : group_take_at(&es->group[group], bit, want);
}

/* Bits [bit, bit + n) may be handed out again. */
static void group_release(struct ext4_group *g, u32 bit, u32 n)
{
	u32 lo, hi;

	guard_spin(&g->lock);
	if (!g->taken || g->flags & EXT4_GROUP_BLOCKS_BAD)
		return;
	bitmap_clear_range(g->taken, bit, n);
	WRITE_ONCE(g->avail, g->avail + n);
	g->cursor = min(g->cursor, bit);
	/*
	 * The run it is part of now is no longer than this; finding out costs less than a failed
	 * search.
	 */
	lo = bit;
	while (lo && !bitmap_test(g->taken, lo - 1) && bit - lo < 64)
		lo--;
	hi = (u32)bitmap_find_next_bit(g->taken, g->blocks, bit + n - 1);
	WRITE_ONCE(g->longest, max(g->longest, bit - lo < 64 ? hi - lo : g->avail));
}

/* Calls fn for the part of [block, block + n) in each group. */
static void for_each_part(struct ext4_super *es, u64 block, u64 n,
			  void (*fn)(struct ext4_group *, u32, u32))
{
	while (n) {
		u32 bit, group = ext4_block_group(es, block, &bit);
		u32 part = (u32)min(n, (u64)es->group[group].blocks - bit);

		fn(&es->group[group], bit, part);
		block += part;
		n -= part;
	}
}

void ext4_untake(struct ext4_super *es, u64 start, u64 n, bool promised)
{
	for_each_part(es, start, n, group_release);
	if (promised)
		ext4_unclaim(es, n);
}

u32 ext4_groups_of(const struct ext4_super *es, u64 block, u64 n)
{
	u32 bit, first = ext4_block_group(es, block, &bit);

	return ext4_block_group(es, block + n - 1, &bit) - first + 1;
}

/* --- on disk --- */

static int change_begin(struct handle *h, struct ext4_super *es, u32 group,
			struct ext4_group_change *c)
{
	int err = ext4_block_bitmap_read(es, group, &c->bitmap);

	if (err)
		return err;
	c->es = es;
	c->group = group;
	err = journal_get_write(h, c->bitmap);
	if (!err)
		err = journal_get_write(h, ext4_desc_buffer(es, group));
	if (err)
		buffer_put(c->bitmap);
	return err;
}

static int change_end(struct handle *h, struct ext4_group_change *c)
{
	int err = journal_dirty(h, c->bitmap);
	int err2 = journal_dirty(h, ext4_desc_buffer(c->es, c->group));

	buffer_put(c->bitmap);
	return err ?: err2;
}

/* Descriptor and checksums after bits [bit, bit + n) flipped.  Locks: group. */
static void change_account(struct ext4_group_change *c, u32 bit, u32 n, s32 free)
{
	struct ext4_super *es = c->es;
	struct ext4_group *g = &es->group[c->group];
	struct ext4_disk_group *d = ext4_desc(es, c->group);

	ext4_desc_set_free_blocks(es, d, ext4_desc_free_blocks(es, d) + (u32)free);
	d->flags &= (u16)~EXT4_BG_BLOCK_UNINIT;
	if (es->csum) {
		g->block_csum =
			ext4_bitmap_csum_flip(g->block_csum, es->blocks_per_group / 8, bit, n);
		ext4_desc_set_block_bitmap_csum(es, d, g->block_csum);
	}
	ext4_desc_seal(es, c->group, d);
}

static bool change_clear(struct ext4_group_change *c, u32 bit, u32 n)
{
	u64 *map = c->bitmap->data;

	guard_spin(&c->es->group[c->group].lock);
	if (bitmap_find_next_zero(map, bit + n, bit) < bit + n)
		return false;
	bitmap_clear_range(map, bit, n);
	change_account(c, bit, n, (s32)n);
	return true;
}

static void group_distrust(struct ext4_super *es, u32 group)
{
	struct ext4_group *g = &es->group[group];

	guard_spin(&g->lock);
	WRITE_ONCE(g->flags, g->flags | EXT4_GROUP_BLOCKS_BAD);
	WRITE_ONCE(g->avail, 0);
	WRITE_ONCE(g->longest, 0);
}

int ext4_use_begin(struct handle *h, struct inode *inode, u64 start, u32 n, struct ext4_use *u)
{
	struct ext4_super *es = ext4_inode_super(inode);
	const u64 *map;
	bool clear;
	int err;

	u->n = n;
	u->c.group = ext4_block_group(es, start, &u->bit);
	if (!ext4_blocks_valid(es, start, n)) {
		ext4_error(es->sb, inode, start,
			   "Allocating blocks %llu-%llu which overlap fs metadata", start,
			   start + n);
		group_distrust(es, u->c.group);
		return -EUCLEAN;
	}
	err = change_begin(h, es, u->c.group, &u->c);
	if (err)
		return err;
	map = u->c.bitmap->data;
	with_spin(&es->group[u->c.group].lock) clear =
		bitmap_find_next_bit(map, u->bit + n, u->bit) >= u->bit + n &&
		ext4_desc_free_blocks(es, ext4_desc(es, u->c.group)) >= n;
	if (clear)
		return 0;
	ext4_error(es->sb, inode, start, "group %u: %u free blocks are in use on disk", u->c.group,
		   n);
	group_distrust(es, u->c.group);
	buffer_put(u->c.bitmap);
	return -EUCLEAN;
}

int ext4_use_end(struct handle *h, struct ext4_use *u, bool use)
{
	struct ext4_super *es = u->c.es;

	if (!use) {
		buffer_put(u->c.bitmap);
		return 0;
	}
	with_spin(&es->group[u->c.group].lock)
	{
		bitmap_set_range(u->c.bitmap->data, u->bit, u->n);
		change_account(&u->c, u->bit, u->n, -(s32)u->n);
	}
	atomic_sub(&es->free_blocks, (s64)u->n);
	ext4_unclaim(es, u->n);
	return change_end(h, &u->c);
}

/* Take and use what was claimed. */
static int take_and_use(struct handle *h, struct inode *inode, u64 goal, u32 want, u64 *start,
			u32 *got)
{
	struct ext4_super *es = ext4_inode_super(inode);
	struct ext4_use u;
	int err = ext4_take(es, goal, want, start, got);

	if (err) {
		ext4_unclaim(es, want);
		return err;
	}
	ext4_unclaim(es, want - *got);
	err = ext4_use_begin(h, inode, *start, *got, &u);
	if (err) {
		ext4_untake(es, *start, *got, true);
		return err;
	}
	ext4_inode_add_blocks(inode, *got);
	return ext4_use_end(h, &u, true);
}

int ext4_alloc(struct handle *h, struct inode *inode, u64 goal, u32 want, enum ext4_claim how,
	       u64 *start, u32 *got)
{
	struct ext4_super *es = ext4_inode_super(inode);
	int err = ext4_claim(es, want, how);

	if (err && want > 1) {
		want = 1;
		err = ext4_claim(es, want, how);
	}
	return err ?: take_and_use(h, inode, goal, want, start, got);
}

int ext4_alloc_tree_block(struct handle *h, struct inode *inode, u64 goal, u64 *block)
{
	u32 got;

	if (ext4_status_use_spare(ext4_inode(inode)))
		return take_and_use(h, inode, goal, 1, block, &got);
	return ext4_alloc(h, inode, goal, 1, EXT4_CLAIM_POOL, block, &got);
}

u64 ext4_inode_goal(const struct inode *inode)
{
	const struct ext4_super *es = ext4_inode_super(inode);
	u32 group = ext4_inode(inode)->group;

	/* With large flexible groups their first group is for directories and attribute blocks. */
	if (es->flex_bits >= 2) {
		group &= ~((1u << es->flex_bits) - 1);
		if (S_ISREG(inode->mode) && group + 1 < es->groups)
			group++;
	}
	return ext4_group_first(es, group);
}

int ext4_meta_alloc(struct handle *h, struct inode *inode, u64 *block)
{
	u32 got;

	return ext4_alloc(h, inode, ext4_inode_goal(inode), 1, EXT4_CLAIM_USER, block, &got);
}

/* --- freeing --- */

struct ext4_freed {
	struct journal_callback cb;
	struct list link; /* [discard_lock] */
	struct ext4_super *es;
	u64 block;
	u32 count;
};

static void group_untrimmed(struct ext4_group *g, u32 bit, u32 n)
{
	guard_spin(&g->lock);
	WRITE_ONCE(g->flags, g->flags & ~(u32)EXT4_GROUP_TRIMMED);
}

static void freed_release(struct ext4_freed *f)
{
	if (!ext4_opt(f->es, EXT4_OPT_DISCARD))
		for_each_part(f->es, f->block, f->count, group_untrimmed);
	ext4_untake(f->es, f->block, f->count, false);
	atomic_sub(&f->es->freeing, (s64)f->count);
	kfree(f);
}

static void discard_run(struct work *w)
{
	struct ext4_super *es = container_of(w, struct ext4_super, discard_work);

	for (;;) {
		struct ext4_freed *f = NULL;
		u32 shift = es->block_bits - SECTOR_SHIFT;

		with_spin(&es->discard_lock)
		{
			if (!list_empty(&es->discards)) {
				f = list_first(&es->discards, struct ext4_freed, link);
				list_remove(&f->link);
			}
		}
		if (!f)
			return;
		/* A hint: the blocks are free whether the device takes it or not. */
		(void)!bdev_discard(es->bdev, f->block << shift, (sector_t)f->count << shift);
		freed_release(f);
	}
}

void ext4_discard_init(struct ext4_super *es)
{
	spin_init(&es->discard_lock, RANK_FS_GROUP, "ext4_super.discard_lock");
	list_init(&es->discards);
	work_init(&es->discard_work, discard_run);
	mutex_init(&es->trim_lock, RANK_FS_ALLOC, "ext4_super.trim_lock");
}

static void freed_committed(struct journal_callback *cb, int error)
{
	struct ext4_freed *f = container_of(cb, struct ext4_freed, cb);
	struct ext4_super *es = f->es;

	if (error || !ext4_opt(es, EXT4_OPT_DISCARD)) {
		freed_release(f);
		return;
	}
	with_spin(&es->discard_lock) list_push_back(&es->discards, &f->link);
	work_queue(&es->discard_work);
}

static int freed_create(struct ext4_freed **out)
{
	*out = kmalloc(sizeof(**out), GFP_NOFS);
	return *out ? 0 : -ENOMEM;
}

/* The blocks are free on disk once the handle's transaction is. */
static void free_later(struct handle *h, struct ext4_super *es, u64 block, u32 count)
{
	struct ext4_freed *f;

	/* The bitmap says that they are free: there is no way back. */
	(void)until_memory(freed_create(&f));
	atomic_add(&es->freeing, (s64)count);
	*f = (struct ext4_freed){
		.cb.fn = freed_committed, .es = es, .block = block, .count = count};
	list_init(&f->link);
	if (es->journal)
		journal_on_commit(h, &f->cb);
	else
		freed_committed(&f->cb, 0);
}

/* Blocks of one group. */
static int free_in_group(struct handle *h, struct inode *inode, u32 group, u32 bit, u32 n)
{
	struct ext4_super *es = ext4_inode_super(inode);
	u64 block = ext4_group_first(es, group) + bit;
	struct ext4_group_change c;
	int err = until_memory(change_begin(h, es, group, &c)), err2;

	if (err)
		return err;
	if (!change_clear(&c, bit, n)) {
		ext4_error(es->sb, inode, block,
			   "freeing already freed block (bit %u, %u blocks); block bitmap corrupt.",
			   bit, n);
		group_distrust(es, group);
		err = -EUCLEAN;
	}
	err2 = change_end(h, &c);
	if (err)
		return err;
	/* In this order: a claim must not see them as free before it sees them as being freed. */
	free_later(h, es, block, n);
	atomic_add(&es->free_blocks, (s64)n);
	return err2;
}

int ext4_free_begin(struct handle *h, struct inode *inode, u64 block, u64 count)
{
	struct ext4_super *es = ext4_inode_super(inode);

	if (!ext4_blocks_valid(es, block, count))
		return 0; /* ext4_blocks_free will say so */
	while (count) {
		u32 bit, group = ext4_block_group(es, block, &bit);
		u32 part = (u32)min(count, (u64)es->group[group].blocks - bit);
		struct ext4_group_change c;
		int err = change_begin(h, es, group, &c);

		if (err)
			return err == -EUCLEAN || err == -EBADMSG ? 0 : err;
		buffer_put(c.bitmap);
		block += part;
		count -= part;
	}
	return 0;
}

/* Metadata must not come back from the log over what the blocks become. */
static int forget_blocks(struct handle *h, struct ext4_super *es, u64 block, u64 count)
{
	for (u64 i = 0; i < count; i++) {
		struct buffer *b = buffer_find(es->bdev, block + i);
		int err = 0;

		/* What named them has changed: there is no way back. */
		err = until_memory(es->journal ? journal_revoke(h, block + i, b) : 0);
		if (!es->journal && b)
			buffer_forget(b);
		buffer_put(b);
		if (err)
			return err;
	}
	return 0;
}

int ext4_blocks_free(struct handle *h, struct inode *inode, u64 block, u64 count, unsigned flags)
{
	struct ext4_super *es = ext4_inode_super(inode);
	int err = 0;

	if (!ext4_blocks_valid(es, block, count)) {
		ext4_error(es->sb, inode, block,
			   "Freeing blocks not in datazone - block = %llu, count = %llu", block,
			   count);
		return -EUCLEAN;
	}
	if (flags & EXT4_FREE_METADATA)
		err = forget_blocks(h, es, block, count);
	for (u64 left = count; left && !err;) {
		u32 bit, group = ext4_block_group(es, block, &bit);
		u32 part = (u32)min(left, (u64)es->group[group].blocks - bit);

		err = free_in_group(h, inode, group, bit, part);
		block += part;
		left -= part;
	}
	if (!err && !(flags & EXT4_FREE_UNMAPPED))
		ext4_inode_add_blocks(inode, -(s64)count);
	return err;
}

bool ext4_retry_alloc(struct superblock *sb, unsigned *tries)
{
	struct ext4_super *es = ext4_super(sb);

	if ((*tries)++ > 1 || !atomic_load(&es->freeing))
		return false;
	if (es->journal && journal_force(es->journal))
		return false;
	work_flush(&es->discard_work);
	return true;
}
