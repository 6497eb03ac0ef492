/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a place in the tree back to text.
 *
 * The text is built from its end: each name is put before what is there.  Reading goes without
 * locks under RCU and is repeated when a rename or a mount happened meanwhile.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/mount.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>

#include "mount_internal.h"

static char *prepend(char *p, const char *buf, const char *text, size_t len)
{
	if (!p || (size_t)(p - buf) < len)
		return NULL;
	return memcpy(p - len, text, len);
}

char *path_prepend_name(char *p, const char *buf, const struct dentry *d)
{
	const char *name = READ_ONCE(d->name);
	size_t len = strnlen(name, READ_ONCE(d->len));

	return prepend(prepend(p, buf, name, len), buf, "/", 1);
}

/* Put the path of `at` below `root` before `p`.  *reached: root was met, and not the top of the
 * tree or of a detached mount. */
static char *prepend_path(char *p, const char *buf, const struct path *at, const struct path *root,
			  bool *reached)
{
	const struct dentry *d = at->dentry;
	const struct mount *m = at->mnt;

	*reached = true;
	while (p && (d != root->dentry || m != root->mnt)) {
		if (d == m->root || d_is_root(d)) {
			const struct mount *parent = READ_ONCE(m->parent);

			if (parent == m || d != m->root) {
				*reached = false;
				break;
			}
			d = READ_ONCE(m->mountpoint);
			m = parent;
			continue;
		}
		p = path_prepend_name(p, buf, d);
		d = READ_ONCE(d->parent);
	}
	return p;
}

static bool is_deleted(const struct dentry *d)
{
	return d_unhashed(d) && !d_is_root(d);
}

/* Returns start of text or NULL. */
static char *build(const struct path *path, const struct path *root, char *buf, size_t size,
		   bool *reached)
{
	u32 mseq, rseq;
	char *p, *end;

	do {
		mseq = seqlock_read_begin(&mount_seq);
		rseq = seqlock_read_begin(&rename_lock);
		rcu_read_lock();
		end = buf + size - 1;
		*end = 0;
		if (is_deleted(path->dentry))
			end = prepend(end, buf, " (deleted)", 10);
		p = prepend_path(end, buf, path, root, reached);
		if (p && p == end)
			p = prepend(p, buf, "/", 1);
		rcu_read_unlock();
	} while (seqlock_read_retry(&rename_lock, rseq) || seqlock_read_retry(&mount_seq, mseq));
	return p;
}

static int anon_text(struct dentry *d, char *buf, size_t size, char **out)
{
	struct seq s;

	seq_init(&s, buf, size - 1);
	if (d->ops && d->ops->dname)
		d->ops->dname(d, &s);
	else
		seq_printf(&s, "%s%s", d->name, is_deleted(d) ? " (deleted)" : "");
	buf[s.len] = 0;
	*out = buf;
	return seq_overflowed(&s) ? -ENAMETOOLONG : 0;
}

int path_text(const struct path *path, const struct path *root, char *buf, size_t size, char **out)
{
	bool reached;
	char *p;

	if (size < 2)
		return -ENAMETOOLONG;
	/* One that is mounted somewhere has a path. */
	if ((path->dentry->flags & DENTRY_ANON) && path->dentry != path->mnt->root)
		return anon_text(path->dentry, buf, size, out);
	p = build(path, root, buf, size, &reached);
	*out = p;
	return p ? 0 : -ENAMETOOLONG;
}

int d_path(const struct path *path, char *buf, size_t size, char **out)
{
	struct path root;
	int err;

	fs_get_root(fs_current(), &root);
	err = path_text(path, &root, buf, size, out);
	path_put(&root);
	return err;
}

/* getcwd(2)'s form: "(unreachable)" before what the root cannot see.  -ENOENT when deleted. */
int cwd_text(char *buf, size_t size, char **out)
{
	struct path root, cwd;
	bool reached;
	char *p;
	int err = 0;

	fs_get_root(fs_current(), &root);
	fs_get_cwd(fs_current(), &cwd);
	if (is_deleted(cwd.dentry)) {
		err = -ENOENT;
	} else {
		p = build(&cwd, &root, buf, size, &reached);
		if (p && !reached)
			p = prepend(p, buf, "(unreachable)", 13);
		*out = p;
		err = p ? 0 : -ENAMETOOLONG;
	}
	path_put(&cwd);
	path_put(&root);
	return err;
}
