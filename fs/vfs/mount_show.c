/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mount tree as text: /proc/<pid>/mounts and mountinfo.  proc_pid_mountinfo(5).
 */
#include <fs/vfs/mount.h>
#include <fs/vfs/super.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <kernel/abi/limits.h>

#include "mount_internal.h"

#define ESCAPED " \t\n\\#"

static void show_sb_options(struct superblock *sb, struct seq *out)
{
	static const struct {
		u32 flag;
		const char *text;
	} opts[] = {
		{SB_SYNCHRONOUS, ",sync"},
		{SB_DIRSYNC, ",dirsync"},
		{SB_MANDLOCK, ",mand"},
		{SB_LAZYTIME, ",lazytime"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(opts); i++) {
		if (sb->flags & opts[i].flag)
			seq_puts(out, opts[i].text);
	}
}

static void show_mount_options(const struct mount *m, struct seq *out)
{
	static const struct {
		u32 flag;
		const char *text;
	} opts[] = {
		{MNT_NOSUID, ",nosuid"},           {MNT_NODEV, ",nodev"},
		{MNT_NOEXEC, ",noexec"},           {MNT_NOATIME, ",noatime"},
		{MNT_NODIRATIME, ",nodiratime"},   {MNT_RELATIME, ",relatime"},
		{MNT_NOSYMFOLLOW, ",nosymfollow"},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(opts); i++) {
		if (m->flags & opts[i].flag)
			seq_puts(out, opts[i].text);
	}
}

static void show_source(const struct mount *m, struct seq *out)
{
	if (m->sb->ops && m->sb->ops->show_source)
		m->sb->ops->show_source(m->sb, out);
	else
		seq_escape(out, *m->source ? m->source : "none", ESCAPED);
}

/* Where `m` lies, as seen from `root`.  False: outside. */
static bool mount_place(const struct mount *m, const struct path *root, char *buf, const char **out)
{
	char *text;
	struct path at = { (struct mount *)m, m->root };

	if (m == root->mnt) {
		*out = "/";
		return true;
	}
	for (const struct mount *p = m; p != root->mnt; p = p->parent) {
		if (p->parent == p)
			return false;
		if (p->parent == root->mnt && !d_is_below(p->mountpoint, root->dentry))
			return false;
	}
	if (path_text(&at, root, buf, PATH_MAX, &text))
		return false;
	*out = text;
	return true;
}

static void show_mounts_line(struct mount *m, const char *place, struct seq *out)
{
	struct superblock *sb = m->sb;

	show_source(m, out);
	seq_putc(out, ' ');
	seq_escape(out, place, ESCAPED);
	seq_printf(out, " %s %s", sb->type->name,
		   (m->flags & MNT_READONLY) || (sb->flags & SB_RDONLY) ? "ro" : "rw");
	show_sb_options(sb, out);
	show_mount_options(m, out);
	if (sb->ops && sb->ops->show_options)
		sb->ops->show_options(sb, out);
	seq_puts(out, " 0 0\n");
}

void mount_show_super_options(struct superblock *sb, struct seq *out)
{
	size_t start = out->len;

	if (sb->ops && sb->ops->show_options)
		sb->ops->show_options(sb, out);
	/* Each option brings its comma; the first is one too many. */
	if (out->len > start) {
		memmove(out->buf + start, out->buf + start + 1, out->len - start - 1);
		out->len--;
	}
}

static void show_propagation(const struct mount *m, const struct path *root, struct seq *out)
{
	if (m->flags & MNT_SHARED)
		seq_printf(out, " shared:%u", m->group);
	if (m->master) {
		const struct mount *dom = mount_dominating(m, root);

		seq_printf(out, " master:%u", m->master->group);
		if (dom && dom->group != m->master->group)
			seq_printf(out, " propagate_from:%u", dom->group);
	}
	if (m->flags & MNT_UNBINDABLE)
		seq_puts(out, " unbindable");
}

static void show_mountinfo_line(struct mount *m, const char *place, const struct path *root,
				char *buf, struct seq *out)
{
	struct superblock *sb = m->sb;
	char *inner;

	seq_printf(out, "%u %u %u:%u ", m->id, m->parent->id, MAJOR(sb->dev), MINOR(sb->dev));
	if (!sb->ops || !sb->ops->show_path || sb->ops->show_path(out, m->root)) {
		inner = dentry_path(m->root, buf, PATH_MAX);
		seq_escape(out, inner ?: "/", ESCAPED);
	}
	seq_putc(out, ' ');
	seq_escape(out, place, ESCAPED);
	seq_puts(out, m->flags & MNT_READONLY ? " ro" : " rw");
	show_mount_options(m, out);
	show_propagation(m, root, out);
	seq_printf(out, " - %s ", sb->type->name);
	show_source(m, out);
	seq_puts(out, sb->flags & SB_RDONLY ? " ro" : " rw");
	show_sb_options(sb, out);
	if (sb->ops && sb->ops->show_options)
		sb->ops->show_options(sb, out);
	seq_putc(out, '\n');
}

static void show_all(struct mount_ns *ns, const struct path *root, bool info, struct seq *out)
{
	char *buf = kmalloc(2 * PATH_MAX, GFP_KERNEL);
	const char *place;
	struct mount *m;

	if (!buf)
		return;
	rwsem_read_lock(&mounts_lock);
	list_for_each (m, &ns->mounts, ns_link) {
		if (!mount_place(m, root, buf, &place))
			continue;
		if (info)
			show_mountinfo_line(m, place, root, buf + PATH_MAX, out);
		else
			show_mounts_line(m, place, out);
	}
	rwsem_read_unlock(&mounts_lock);
	kfree(buf);
}

void mount_show_mounts(struct mount_ns *ns, const struct path *root, struct seq *out)
{
	show_all(ns, root, false, out);
}

void mount_show_mountinfo(struct mount_ns *ns, const struct path *root, struct seq *out)
{
	show_all(ns, root, true, out);
}
