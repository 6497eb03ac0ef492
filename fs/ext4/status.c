/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extent status: what is known of a file's blocks, in memory (ext4_map.h).
 *
 * A red-black tree of disjoint ranges by file block; neighbours that continue each other are one.
 * Sequential writing therefore moves the ends of two entries and allocates nothing.  Entries that
 * repeat what the disk says are dropped all together when an inode has too many of them.
 *
 * Changes take memory before they touch the tree, so one that fails leaves it as it was.
 */
#include <kernel/lib/minmax.h>
#include <mm/alloc.h>

#include "ext4_map.h"
#include "ext4_space.h"

#define STATUS_MAX_CACHED 256u

struct ext4_extent_status {
	struct rb_node node;
	u32 lblock, len;
	u64 block;
	u8 type;
};

static struct slab_cache *status_cache;

int ext4_status_init_cache(void)
{
	if (!status_cache)
		status_cache = SLAB_CACHE(ext4_extent_status, SLAB_RECLAIMABLE | SLAB_ACCOUNT);
	return status_cache ? 0 : -ENOMEM;
}

void ext4_status_init(struct ext4_inode *ei)
{
	spin_init(&ei->es_lock, RANK_FS_EXTENTS, "ext4_inode.es_lock");
	rb_root_init(&ei->es);
	ei->es_last = NULL;
	ei->es_cached = ei->delayed = ei->pending = ei->spare = 0;
}

static struct ext4_extent_status *to_status(struct rb_node *n)
{
	return rb_entry_or_null(n, struct ext4_extent_status, node);
}

static u32 status_end(const struct ext4_extent_status *s)
{
	return s->lblock + s->len;
}

static bool has_place(u8 type)
{
	return type == EXT4_MAP_MAPPED || type == EXT4_MAP_UNWRITTEN || type == EXT4_MAP_PENDING;
}

static bool is_promise(u8 type)
{
	return type == EXT4_MAP_DELAYED || type == EXT4_MAP_PENDING;
}

/* The entry that holds `lblock`, else the first behind it.  Locks: es. */
static struct ext4_extent_status *status_at_or_after(struct ext4_inode *ei, u32 lblock)
{
	struct ext4_extent_status *s = ei->es_last, *best = NULL;
	struct rb_node *n = ei->es.node;

	if (s && s->lblock <= lblock && lblock < status_end(s))
		return s;
	while (n) {
		s = to_status(n);
		if (lblock < s->lblock) {
			best = s;
			n = n->left;
		} else if (lblock >= status_end(s)) {
			n = n->right;
		} else {
			best = s;
			break;
		}
	}
	if (best)
		ei->es_last = best;
	return best;
}

static void count(struct ext4_inode *ei, u8 type, s32 blocks, s32 entries)
{
	if (type == EXT4_MAP_DELAYED)
		WRITE_ONCE(ei->delayed, ei->delayed + (u32)blocks);
	else if (type == EXT4_MAP_PENDING)
		WRITE_ONCE(ei->pending, ei->pending + (u32)blocks);
	else
		ei->es_cached += (u32)entries;
}

static void status_erase(struct ext4_inode *ei, struct ext4_extent_status *s)
{
	if (ei->es_last == s)
		ei->es_last = NULL;
	rb_erase(&ei->es, &s->node);
	count(ei, s->type, -(s32)s->len, -1);
	slab_free(status_cache, s);
}

static bool status_less(const struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct ext4_extent_status, node)->lblock <
	       rb_entry(b, struct ext4_extent_status, node)->lblock;
}

static void status_link(struct ext4_inode *ei, struct ext4_extent_status *s,
			const struct ext4_map *m)
{
	s->lblock = m->lblock;
	s->len = m->len;
	s->block = m->block;
	s->type = m->type;
	rb_insert(&ei->es, &s->node, status_less);
	count(ei, s->type, (s32)s->len, 1);
	ei->es_last = s;
}

/* Cut the first `n` blocks off an entry. */
static void status_cut_front(struct ext4_inode *ei, struct ext4_extent_status *s, u32 n)
{
	s->lblock += n;
	s->len -= n;
	if (has_place(s->type))
		s->block += n;
	count(ei, s->type, -(s32)n, 0);
}

static void status_cut_back(struct ext4_inode *ei, struct ext4_extent_status *s, u32 n)
{
	s->len -= n;
	count(ei, s->type, -(s32)n, 0);
}

/* Promises of [from, to) of the entry go back to the file system. */
static void give_back(struct ext4_super *es, const struct ext4_extent_status *s, u32 from, u32 to)
{
	if (s->type == EXT4_MAP_DELAYED)
		ext4_unclaim(es, to - from);
	else if (s->type == EXT4_MAP_PENDING)
		ext4_untake(es, s->block + (from - s->lblock), to - from, true);
}

/*
 * Nothing is known of [from, to) any more.  `split` is used when the range is inside one entry.
 * `es` not NULL: promises go back. Locks: es.
 */
static void status_clear(struct ext4_inode *ei, u32 from, u32 to, struct ext4_extent_status **split,
			 struct ext4_super *es)
{
	struct ext4_extent_status *s = status_at_or_after(ei, from);

	while (s && s->lblock < to) {
		struct ext4_extent_status *next = to_status(rb_next(&s->node));
		u32 lo = max(from, s->lblock), hi = min(to, status_end(s));

		if (es)
			give_back(es, s, lo, hi);
		if (lo > s->lblock && hi < status_end(s)) {
			struct ext4_map right = {
				hi, status_end(s) - hi,
				has_place(s->type) ? s->block + (hi - s->lblock) : 0, s->type};

			status_cut_back(ei, s, status_end(s) - lo);
			status_link(ei, *split, &right);
			*split = NULL;
			return;
		}
		if (lo > s->lblock)
			status_cut_back(ei, s, hi - lo);
		else if (hi < status_end(s))
			status_cut_front(ei, s, hi - lo);
		else
			status_erase(ei, s);
		s = next;
	}
}

static bool continues(const struct ext4_extent_status *s, const struct ext4_map *m)
{
	return s->type == m->type && status_end(s) == m->lblock &&
	       (!has_place(m->type) || s->block + s->len == m->block);
}

static bool precedes(const struct ext4_map *m, const struct ext4_extent_status *s)
{
	return s->type == m->type && m->lblock + m->len == s->lblock &&
	       (!has_place(m->type) || m->block + m->len == s->block);
}

/*
 * Enter a range of which nothing is known, joined to its neighbours.  `fresh` may be left.  Locks:
 * es.
 */
static void status_enter(struct ext4_inode *ei, const struct ext4_map *m,
			 struct ext4_extent_status **fresh)
{
	struct ext4_extent_status *right = status_at_or_after(ei, m->lblock);
	struct ext4_extent_status *left =
		right ? to_status(rb_prev(&right->node)) : to_status(rb_last(&ei->es));

	if (left && continues(left, m)) {
		left->len += m->len;
		count(ei, m->type, (s32)m->len, 0);
		ei->es_last = left;
		if (right && right->type == m->type && precedes(m, right)) {
			u32 len = right->len;

			status_erase(ei, right);
			left->len += len;
			count(ei, m->type, (s32)len, 0);
		}
		return;
	}
	if (right && precedes(m, right)) {
		right->lblock = m->lblock;
		right->block = m->block;
		right->len += m->len;
		count(ei, m->type, (s32)m->len, 0);
		return;
	}
	status_link(ei, *fresh, m);
	*fresh = NULL;
}

/* Would entering `m` need an entry of its own?  Errs on the side of yes. */
static bool needs_entry(struct ext4_inode *ei, const struct ext4_map *m)
{
	struct ext4_extent_status *s = status_at_or_after(ei, m->lblock);
	struct ext4_extent_status *left;

	if (s && s->lblock < m->lblock)
		return true;
	left = s ? to_status(rb_prev(&s->node)) : to_status(rb_last(&ei->es));
	return !left || !continues(left, m);
}

static bool needs_split(struct ext4_inode *ei, u32 from, u32 to)
{
	struct ext4_extent_status *s = status_at_or_after(ei, from);

	return s && s->lblock < from && status_end(s) > to;
}

/* Memory for a change, taken before it. */
struct spare {
	struct ext4_extent_status *split, *fresh;
};

static void spare_free(struct spare *sp)
{
	if (sp->split)
		slab_free(status_cache, sp->split);
	if (sp->fresh)
		slab_free(status_cache, sp->fresh);
}

static bool spare_fill(struct spare *sp, bool split, bool fresh, gfp_t gfp)
{
	if (split && !sp->split)
		sp->split = slab_alloc(status_cache, gfp);
	if (fresh && !sp->fresh)
		sp->fresh = slab_alloc(status_cache, gfp);
	return (!split || sp->split) && (!fresh || sp->fresh);
}

/* Set the range's type under es_lock.  False: memory first. */
static bool status_try_set(struct ext4_inode *ei, const struct ext4_map *m, struct spare *sp)
{
	u32 to = m->lblock + m->len;

	if (!spare_fill(sp, needs_split(ei, m->lblock, to), needs_entry(ei, m),
			GFP_ATOMIC | __GFP_NOWARN))
		return false;
	status_clear(ei, m->lblock, to, &sp->split, NULL);
	status_enter(ei, m, &sp->fresh);
	return true;
}

int ext4_status_set(struct ext4_inode *ei, const struct ext4_map *m)
{
	struct spare sp = {NULL, NULL};
	bool done = false;

	while (!done) {
		with_spin(&ei->es_lock) done = status_try_set(ei, m, &sp);
		/*
		 * Promises that were kept have to be struck out, so for all else memory has to
		 * come.
		 */
		if (!done && !spare_fill(&sp, true, true, GFP_NOFS) && m->type == EXT4_MAP_PENDING)
			break;
	}
	spare_free(&sp);
	return done ? 0 : -ENOMEM;
}

bool ext4_status_find(struct ext4_inode *ei, u32 lblock, struct ext4_map *out)
{
	const struct ext4_extent_status *s;
	u32 skip;

	guard_spin(&ei->es_lock);
	s = status_at_or_after(ei, lblock);
	if (!s || s->lblock > lblock)
		return false;
	skip = lblock - s->lblock;
	*out = (struct ext4_map){lblock, s->len - skip, has_place(s->type) ? s->block + skip : 0,
				 s->type};
	return true;
}

bool ext4_status_next_promise(struct ext4_inode *ei, u32 lblock, struct ext4_map *out)
{
	guard_spin(&ei->es_lock);
	for (struct ext4_extent_status *s = status_at_or_after(ei, lblock); s;
	     s = to_status(rb_next(&s->node))) {
		if (is_promise(s->type)) {
			*out = (struct ext4_map){s->lblock, s->len, s->block, s->type};
			return true;
		}
	}
	return false;
}

void ext4_status_learn(struct ext4_inode *ei, const struct ext4_map *map)
{
	struct ext4_map m = *map;
	struct ext4_extent_status *next;
	struct spare sp = {NULL, NULL};

	if (ei->es_cached > STATUS_MAX_CACHED)
		ext4_status_trim(ei);
	with_spin(&ei->es_lock)
	{
		next = status_at_or_after(ei, m.lblock);
		if (next && next->lblock <= m.lblock)
			m.len = 0;
		else if (next)
			m.len = min(m.len, next->lblock - m.lblock);
		if (m.len && spare_fill(&sp, false, needs_entry(ei, &m), GFP_ATOMIC | __GFP_NOWARN))
			status_enter(ei, &m, &sp.fresh);
	}
	spare_free(&sp);
}

/* The first piece at or behind *pos that may be delayed, cut to `end`.  False: none.  Locks: es. */
static bool next_to_delay(struct ext4_inode *ei, u32 *pos, u32 end, struct ext4_map *out)
{
	while (*pos < end) {
		struct ext4_extent_status *s = status_at_or_after(ei, *pos);
		bool inside = s && s->lblock <= *pos;
		u32 stop = !s ? end : min(end, inside ? status_end(s) : s->lblock);

		if (!inside || s->type == EXT4_MAP_HOLE) {
			*out = (struct ext4_map){*pos, stop - *pos, 0, EXT4_MAP_DELAYED};
			return true;
		}
		*pos = stop;
	}
	return false;
}

int ext4_status_delay(struct ext4_inode *ei, u32 lblock, u32 len, u32 spare, u32 *added)
{
	struct spare sp = {NULL, NULL};
	u32 pos = lblock, end = lblock + len;
	bool more = true;
	int err = 0;

	*added = 0;
	while (more && !err) {
		struct ext4_map m;
		bool done = true;

		with_spin(&ei->es_lock)
		{
			more = next_to_delay(ei, &pos, end, &m);
			if (more)
				done = status_try_set(ei, &m, &sp);
			if (more && done) {
				WRITE_ONCE(ei->spare, ei->spare + (*added ? 0 : spare));
				*added += m.len;
				pos += m.len;
			}
		}
		if (!done && !spare_fill(&sp, true, true, GFP_NOFS))
			err = -ENOMEM;
	}
	spare_free(&sp);
	return err;
}

void ext4_status_add_spare(struct ext4_inode *ei, u32 blocks)
{
	guard_spin(&ei->es_lock);
	WRITE_ONCE(ei->spare, ei->spare + blocks);
}

bool ext4_status_use_spare(struct ext4_inode *ei)
{
	guard_spin(&ei->es_lock);
	if (!ei->spare)
		return false;
	WRITE_ONCE(ei->spare, ei->spare - 1);
	return true;
}

void ext4_status_settle(struct inode *inode)
{
	struct ext4_inode *ei = ext4_inode(inode);

	if (!READ_ONCE(ei->spare))
		return;
	guard_spin(&ei->es_lock);
	if (ei->delayed || ei->pending)
		return;
	ext4_unclaim(ext4_inode_super(inode), ei->spare);
	WRITE_ONCE(ei->spare, 0);
}

void ext4_status_drop(struct inode *inode, u32 lblock, u32 len)
{
	struct ext4_inode *ei = ext4_inode(inode);
	struct spare sp = {NULL, NULL};
	bool done = rb_empty(&ei->es);

	while (!done) {
		with_spin(&ei->es_lock)
		{
			done = !needs_split(ei, lblock, lblock + len) || sp.split;
			if (done)
				status_clear(ei, lblock, lblock + len, &sp.split,
					     ext4_inode_super(inode));
		}
		/*
		 * A hole in the middle of something: it has to be remembered, so memory has to
		 * come.
		 */
		if (!done)
			(void)spare_fill(&sp, true, false, GFP_NOFS);
	}
	spare_free(&sp);
	ext4_status_settle(inode);
}

void ext4_status_trim(struct ext4_inode *ei)
{
	guard_spin(&ei->es_lock);
	for (struct ext4_extent_status *s = to_status(rb_first(&ei->es)), *next; s; s = next) {
		next = to_status(rb_next(&s->node));
		if (!is_promise(s->type))
			status_erase(ei, s);
	}
}
