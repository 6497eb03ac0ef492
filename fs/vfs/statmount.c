/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * statmount(2), listmount(2): the tree of mountinfo, one mount at a time and without text to parse.
 *
 * Mounts are named by numbers that are never used again.  A caller sees what its root can reach;
 * who is privileged sees all of its namespace.
 */
#include <fs/vfs/statmount.h>
#include <fs/vfs/super.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/limits.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "mount_internal.h"

/* A namespace, counted, and where its mounts are seen from: the caller's root in its own. */
struct view {
	struct mount_ns *ns;
	struct path root;
};

/* Of the namespace `id`, 0: the caller's.  Returns 0, -ENOENT, or -EPERM: not the caller's to
 * see. */
static int view_open(struct view *v, u64 id)
{
	struct mount_ns *ours = fs_current()->mnt_ns;

	v->ns = id ? mount_ns_find(id) : mount_ns_get(ours);
	if (!v->ns)
		return -ENOENT;
	if (v->ns == ours) {
		fs_get_root(fs_current(), &v->root);
		return 0;
	}
	if (!capable(CAP_SYS_ADMIN)) {
		mount_ns_put(v->ns);
		return -EPERM;
	}
	mount_ns_root(v->ns, &v->root);
	return 0;
}

static void view_close(struct view *v)
{
	path_put(&v->root);
	mount_ns_put(v->ns);
}

static struct mount *find_unique(struct mount_ns *ns, u64 id)
{
	struct mount *m;

	list_for_each (m, &ns->mounts, ns_link) {
		if (m->unique_id == id)
			return m;
	}
	return NULL;
}

/* Is `m`'s place below `root`? */
static bool reachable(const struct mount *m, const struct path *root)
{
	const struct dentry *at = m->root;

	while (m != root->mnt) {
		if (m->parent == m)
			return false;
		at = m->mountpoint;
		m = m->parent;
	}
	return d_is_below((struct dentry *)at, root->dentry);
}

static u64 mount_attr_bits(const struct mount *m)
{
	u64 attr = mount_attr_of_flags(m->flags);

	if (m->flags & MNT_NOATIME)
		return attr | MOUNT_ATTR_NOATIME;
	return m->flags & MNT_RELATIME ? attr : attr | MOUNT_ATTR_STRICTATIME;
}

static u64 mount_propagation_bits(const struct mount *m)
{
	u64 bits = 0;

	if (m->flags & MNT_SHARED)
		bits |= MS_SHARED;
	if (m->master)
		bits |= MS_SLAVE;
	if (m->flags & MNT_UNBINDABLE)
		bits |= MS_UNBINDABLE;
	return bits ?: MS_PRIVATE;
}

static void stat_super(const struct mount *m, struct statmount *out)
{
	const struct superblock *sb = m->sb;

	out->sb_dev_major = MAJOR(sb->dev);
	out->sb_dev_minor = MINOR(sb->dev);
	out->sb_magic = sb->magic;
	out->sb_flags = sb->flags & (SB_RDONLY | SB_SYNCHRONOUS | SB_DIRSYNC | SB_LAZYTIME);
}

static void stat_basic(const struct mount *m, struct statmount *out)
{
	out->mnt_id = m->unique_id;
	out->mnt_parent_id = m->parent->unique_id;
	out->mnt_id_old = m->id;
	out->mnt_parent_id_old = m->parent->id;
	out->mnt_attr = mount_attr_bits(m);
	out->mnt_propagation = mount_propagation_bits(m);
	out->mnt_peer_group = m->flags & MNT_SHARED ? m->group : 0;
	out->mnt_master = m->master ? m->master->group : 0;
}

static int stat_text(struct mount *m, const struct path *root, u64 bit, char *buf, struct seq *text)
{
	struct path at = { m, m->root };
	char *path;

	switch (bit) {
	case STATMOUNT_FS_TYPE: seq_puts(text, m->sb->type->name); return 0;
	case STATMOUNT_MNT_ROOT:
		if (!m->sb->ops || !m->sb->ops->show_path || m->sb->ops->show_path(text, m->root))
			seq_puts(text, dentry_path(m->root, buf, PATH_MAX) ?: "/");
		return 0;
	case STATMOUNT_MNT_POINT:
		if (path_text(&at, root, buf, PATH_MAX, &path))
			return -EOVERFLOW;
		seq_puts(text, path);
		return 0;
	default: /* STATMOUNT_MNT_OPTS */
		mount_show_super_options(m->sb, text);
		return 0;
	}
}

/* Each text that is asked for, with its NUL; its place is told in the structure. */
static int stat_texts(struct mount *m, const struct path *root, u64 mask, struct statmount *out,
		      struct seq *text)
{
	const struct {
		u64 bit;
		u32 *offset;
	} parts[] = {
		{ STATMOUNT_FS_TYPE, &out->fs_type },
		{ STATMOUNT_MNT_ROOT, &out->mnt_root },
		{ STATMOUNT_MNT_POINT, &out->mnt_point },
		{ STATMOUNT_MNT_OPTS, &out->mnt_opts },
	};
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	int err = 0;

	if (!buf)
		return -ENOMEM;
	for (unsigned i = 0; i < ARRAY_SIZE(parts) && !err; i++) {
		size_t start = text->len;

		if (!(mask & parts[i].bit))
			continue;
		err = stat_text(m, root, parts[i].bit, buf, text);
		/* No options: nothing is told. */
		if (parts[i].bit == STATMOUNT_MNT_OPTS && text->len == start)
			continue;
		*parts[i].offset = start;
		seq_putc(text, '\0');
		out->mask |= parts[i].bit;
	}
	kfree(buf);
	return err ?: seq_overflowed(text) ? -EOVERFLOW : 0;
}

static int mount_stat_locked(const struct view *v, u64 id, u64 mask, struct statmount *out,
			     struct seq *text)
{
	const struct path *root = &v->root;
	struct mount *m = find_unique(v->ns, id);
	const struct mount *from;

	if (!m)
		return -ENOENT;
	if (!reachable(m, root) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (mask & STATMOUNT_SB_BASIC)
		stat_super(m, out);
	if (mask & STATMOUNT_MNT_BASIC)
		stat_basic(m, out);
	if (mask & STATMOUNT_MNT_NS_ID)
		out->mnt_ns_id = v->ns->id;
	if ((mask & STATMOUNT_PROPAGATE_FROM) && m->master) {
		from = mount_dominating(m, root);
		out->propagate_from = from ? from->group : 0;
	}
	out->mask = mask & (STATMOUNT_SB_BASIC | STATMOUNT_MNT_BASIC | STATMOUNT_MNT_NS_ID |
			    STATMOUNT_PROPAGATE_FROM);
	return stat_texts(m, root, mask, out, text);
}

int mount_stat(u64 ns, u64 id, u64 mask, struct statmount *out, char *text, size_t size,
	       size_t *len)
{
	struct view v;
	struct seq s;
	int err = view_open(&v, ns);

	if (err)
		return err;
	memset(out, 0, sizeof(*out));
	seq_init(&s, text, size);
	rwsem_read_lock(&mounts_lock);
	err = mount_stat_locked(&v, id, mask, out, &s);
	rwsem_read_unlock(&mounts_lock);
	view_close(&v);
	*len = s.len;
	return err;
}

static int id_order(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* All below `from`, in order of their numbers.  Locks: mounts_lock R. */
static int collect(struct mount_ns *ns, const struct path *from, u64 except, u64 **out, size_t *n)
{
	u64 *ids = kmalloc_array(ns->count, sizeof(*ids), GFP_KERNEL);
	struct mount *m;

	if (!ids)
		return -ENOMEM;
	*n = 0;
	list_for_each (m, &ns->mounts, ns_link) {
		if (m->unique_id != except && reachable(m, from))
			ids[(*n)++] = m->unique_id;
	}
	sort(ids, *n, sizeof(*ids), id_order);
	*out = ids;
	return 0;
}

static int mount_list_locked(const struct view *v, u64 id, u64 **all, size_t *n)
{
	struct path from = v->root;

	if (id != LSMT_ROOT) {
		from.mnt = find_unique(v->ns, id);
		if (!from.mnt)
			return -ENOENT;
		from.dentry = from.mnt->root;
		if (!reachable(from.mnt, &v->root) && !capable(CAP_SYS_ADMIN))
			return -EPERM;
	}
	return collect(v->ns, &from, id, all, n);
}

/* The part of the list that was asked for.  Returns how many. */
static size_t choose(const u64 *all, size_t total, u64 last, bool reverse, u64 *ids, size_t n)
{
	size_t got = 0;

	for (size_t i = 0; i < total && got < n; i++) {
		u64 id = all[reverse ? total - 1 - i : i];

		if (!last || (reverse ? id < last : id > last))
			ids[got++] = id;
	}
	return got;
}

ssize_t mount_list(u64 ns, u64 id, u64 last, bool reverse, u64 *ids, size_t n)
{
	struct view v;
	size_t total;
	u64 *all;
	int err = view_open(&v, ns);

	/* Unlike statmount(2) it does not tell those that may not be seen from those that are
	 * not. */
	if (err)
		return -ENOENT;
	rwsem_read_lock(&mounts_lock);
	err = mount_list_locked(&v, id, &all, &total);
	rwsem_read_unlock(&mounts_lock);
	view_close(&v);
	if (err)
		return err;
	n = choose(all, total, last, reverse, ids, n);
	kfree(all);
	return (ssize_t)n;
}
