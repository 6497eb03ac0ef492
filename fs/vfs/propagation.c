/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shared subtrees: which mounts follow which.
 *
 * Mounts of a peer group (`peers`, a ring, and one `group` number) replicate mount and umount
 * events to each other. A slave has a master, a member of a peer group, hangs in the master's
 * `slaves`, and receives events without sending any. A mount can be both. mount_namespaces(7).
 *
 * All under mounts_lock W.
 */
#include <fs/vfs/mount.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/idr.h>

#include "mount_internal.h"

static u32 last_group, last_mark;
#define GROUPS 4096
static u64 group_map[GROUPS / 64]; /* numbers are reused, as tools show the lowest ones */

u32 mount_group_new(void)
{
	for (u32 i = 0; i < GROUPS / 64; i++) {
		u64 used = group_map[i] | (i == 0);

		if (~used) {
			u32 bit = ctz64(~used);

			group_map[i] |= 1ull << bit;
			return i * 64 + bit;
		}
	}
	return GROUPS + ++last_group;
}

void mount_group_free(u32 group)
{
	if (group && group < GROUPS)
		group_map[group / 64] &= ~(1ull << group % 64);
}

u32 mount_mark_new(void)
{
	return ++last_mark;
}

static bool is_shared(const struct mount *m)
{
	return m->flags & MNT_SHARED;
}

static struct mount *next_peer(struct mount *m)
{
	return list_next_entry(m, peers);
}

/* Slaves of `m` go to another master, or stand alone. */
static void move_slaves(struct mount *m, struct mount *to)
{
	while (!list_empty(&m->slaves)) {
		struct mount *s = list_first(&m->slaves, struct mount, slave_link);

		list_remove(&s->slave_link);
		s->master = to;
		if (to)
			list_push_back(&to->slaves, &s->slave_link);
	}
}

/* Leave the peer group.  Returns a remaining peer, or NULL. */
static struct mount *leave_peers(struct mount *m)
{
	struct mount *peer = list_empty(&m->peers) ? NULL : next_peer(m);

	list_remove(&m->peers);
	if (is_shared(m) && !peer)
		mount_group_free(m->group);
	m->group = 0;
	atomic_and(&m->flags, ~(u32)MNT_SHARED);
	return peer;
}

static void leave_master(struct mount *m)
{
	if (!m->master)
		return;
	list_remove(&m->slave_link);
	m->master = NULL;
}

void mount_make_private(struct mount *m)
{
	struct mount *old_master = m->master, *peer = leave_peers(m);

	move_slaves(m, peer ?: old_master);
	leave_master(m);
	atomic_and(&m->flags, ~(u32)MNT_UNBINDABLE);
}

static void make_slave(struct mount *m)
{
	struct mount *old_master = m->master, *peer;

	if (!is_shared(m))
		return;
	peer = leave_peers(m);
	move_slaves(m, peer ?: old_master);
	if (peer) {
		leave_master(m);
		m->master = peer;
		list_push_back(&peer->slaves, &m->slave_link);
	}
}

int mount_set_type(struct mount *m, unsigned type)
{
	switch (type) {
	case MS_SHARED:
		if (!is_shared(m)) {
			m->group = mount_group_new();
			atomic_or(&m->flags, MNT_SHARED);
		}
		atomic_and(&m->flags, ~(u32)MNT_UNBINDABLE);
		return 0;
	case MS_SLAVE: make_slave(m); return 0;
	case MS_PRIVATE: mount_make_private(m); return 0;
	case MS_UNBINDABLE:
		mount_make_private(m);
		atomic_or(&m->flags, MNT_UNBINDABLE);
		return 0;
	default: return -EINVAL;
	}
}

/* Place a fresh copy in relation to its original. */
int mount_join_copy(struct mount *copy, struct mount *from, unsigned flags)
{
	if (flags & COPY_PRIVATE)
		return 0;
	if (flags & COPY_SLAVE) {
		if (is_shared(from)) {
			copy->master = from;
			list_push_back(&from->slaves, &copy->slave_link);
		} else if (from->master) {
			copy->master = from->master;
			list_push_back(&from->master->slaves, &copy->slave_link);
		}
	} else {
		if (is_shared(from)) {
			list_insert_before(&from->peers, &copy->peers);
			copy->group = from->group;
			atomic_or(&copy->flags, MNT_SHARED);
		}
		if (from->master) {
			copy->master = from->master;
			list_push_back(&from->master->slaves, &copy->slave_link);
		}
	}
	return flags & COPY_MAKE_SHARED ? mount_set_type(copy, MS_SHARED) : 0;
}

static bool reaches(struct mount *m, struct dentry *at)
{
	return m->ns && d_is_below(at, m->root);
}

/* One replica of `source` for `to`, kept in `pending` until all could be made. */
static int propagate_one(struct mount *source, struct mount *to, struct dentry *at, unsigned flags,
			 struct list *pending, struct mount **out)
{
	int err = mount_copy_tree(source, source->root, flags, out);

	if (err)
		return err;
	(*out)->parent = to;
	(*out)->mountpoint = at;
	list_push_back(pending, &(*out)->batch);
	return 0;
}

/* Replicate to the peers of `dest` and, below, to its group's slaves. */
static int propagate_group(struct mount *source, struct mount *dest, struct dentry *at, u32 mark,
			   struct list *pending)
{
	struct mount *p = dest, *s, *copy;
	int err;

	do {
		if (p->mark != mark) {
			p->mark = mark;
			if (reaches(p, at)) {
				err = propagate_one(source, p, at, 0, pending, &copy);
				if (err)
					return err;
			}
		}
		list_for_each (s, &p->slaves, slave_link) {
			struct mount *from = source;

			if (s->mark == mark)
				continue;
			s->mark = mark;
			if (reaches(s, at)) {
				unsigned flags = COPY_SLAVE | (is_shared(s) ? COPY_MAKE_SHARED : 0);

				err = propagate_one(source, s, at, flags, pending, &copy);
				if (err)
					return err;
				from = copy;
			}
			err = propagate_group(from, s, at, mark, pending);
			if (err)
				return err;
		}
		p = next_peer(p);
	} while (p != dest);
	return 0;
}

int mount_propagate(struct mount *top, struct mount *dest, struct dentry *at, struct list *pending)
{
	struct mount *m;
	u32 mark;

	if (!is_shared(dest))
		return 0;
	/* What is mounted on a shared mount becomes shared. */
	for_each_in_tree (m, top) {
		int err = mount_set_type(m, MS_SHARED);

		if (err)
			return err;
	}
	mark = mount_mark_new();
	dest->mark = mark;
	return propagate_group(top, dest, at, mark, pending);
}

static bool propagates_to(struct mount *from, const struct mount *to, u32 mark)
{
	struct mount *p = from, *s;

	do {
		if (p == to)
			return true;
		p->mark = mark;
		list_for_each (s, &p->slaves, slave_link) {
			if (s->mark != mark && propagates_to(s, to, mark))
				return true;
		}
		p = next_peer(p);
	} while (p != from);
	return false;
}

bool mount_would_overmount(struct mount *from, const struct mount *to, const struct dentry *at)
{
	return is_shared(from) && to->root == at && propagates_to(from, to, mount_mark_new());
}

/* Call fn for what is mounted at `at` of every mount that `from` propagates to. */
static bool each_replica(struct mount *from, struct dentry *at, u32 mark,
			 bool (*fn)(struct mount *c, void *arg), void *arg)
{
	struct mount *p = from, *s;

	do {
		if (p->mark != mark) {
			struct mount *c = mount_lookup_rcu(p, at);

			p->mark = mark;
			if (c && fn(c, arg))
				return true;
		}
		list_for_each (s, &p->slaves, slave_link) {
			if (s->mark == mark)
				continue;

			struct mount *c = mount_lookup_rcu(s, at);

			s->mark = mark;
			if ((c && fn(c, arg)) || each_replica(s, at, mark, fn, arg))
				return true;
		}
		p = next_peer(p);
	} while (p != from);
	return false;
}

static bool replica_busy(struct mount *c, void *arg)
{
	return list_empty(&c->children) && mount_users(c) > 1;
}

bool mount_propagate_busy(struct mount *m)
{
	u32 mark = mount_mark_new();

	if (m->parent == m)
		return false;
	m->parent->mark = mark;
	return each_replica(m->parent, m->mountpoint, mark, replica_busy, NULL);
}

/* A replica goes with its original when nothing else is mounted on it. */
static bool replica_detach(struct mount *c, void *arg)
{
	struct list *set = arg;
	struct mount *child;

	if (!list_empty(&c->batch) || (c->flags & MNT_LOCKED))
		return false;
	list_for_each (child, &c->children, child_link) {
		if (list_empty(&child->batch))
			return false;
	}
	list_push_front(set, &c->batch);
	return false;
}

void mount_propagate_detach(struct list *set)
{
	struct list more = LIST_INIT(more);
	struct mount *m;

	/* Children come after their parents in the set: go backwards. */
	list_for_each_reverse (m, set, batch) {
		u32 mark = mount_mark_new();

		if (m->parent == m)
			continue;
		m->parent->mark = mark;
		each_replica(m->parent, m->mountpoint, mark, replica_detach, &more);
	}
	list_splice_back(set, &more);
}

/* The closest master or peer of m's masters that is visible below `root`: mountinfo's
 * propagate_from. */
struct mount *mount_dominating(const struct mount *m, const struct path *root)
{
	for (struct mount *master = m->master; master; master = master->master) {
		struct mount *p = master;

		do {
			if (p->ns == m->ns && d_is_below(p->root, root->dentry))
				return p;
			p = next_peer(p);
		} while (p != master);
	}
	return NULL;
}
