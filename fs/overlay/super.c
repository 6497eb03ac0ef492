/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overlayfs: mounting.  Options as Linux: lowerdir=A:B:C (topmost first), upperdir=, workdir=,
 * redirect_dir=, volatile, userxattr; index=, metacopy=, nfs_export=, xino=, uuid= are known and
 * may only be off.
 *
 * Each layer is held by a mount of its own outside every tree, so that what happens to the tree the
 * layer was found in does not matter to the overlay.
 */
#define LOG_PREFIX "overlayfs: "
#include <fs/vfs/dir.h>
#include <fs/vfs/export.h>
#include <kernel/abi/magic.h>
#include <kernel/abi/xattr.h>
#include <kernel/debug/log.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "overlay_internal.h"

#define MAX_LAYERS 500
#define MAX_STACK  2 /* overlays on overlays */

static void layer_put(struct path *p)
{
	if (!p->dentry)
		return;
	dentry_put(p->dentry);
	mount_put_internal(p->mnt);
}

static void overlay_free(struct overlay *o)
{
	layer_put(&o->work);
	layer_put(&o->upper);
	for (unsigned i = 0; i < o->nr_lower; i++)
		layer_put(&o->lower[i]);
	kfree(o->lower);
	kfree(o->lowerdir);
	kfree(o->upperdir);
	kfree(o->workdir);
	if (o->cred)
		cred_put(o->cred);
	kfree(o);
}

/* Options */

static int set_text(char **field, const char *value)
{
	if (!value || !*value)
		return -EINVAL;
	kfree(*field);
	*field = kstrdup(value, GFP_KERNEL);
	return *field ? 0 : -ENOMEM;
}

static int parse_redirect(struct overlay *o, const char *value)
{
	if (!value)
		return -EINVAL;
	o->redirect = !strcmp(value, "on");
	return o->redirect || !strcmp(value, "off") || !strcmp(value, "follow") ? 0 : -EINVAL;
}

/* Features that are not here: naming them to switch them off is no error. */
static int parse_absent(const char *key, const char *value)
{
	static const char *const absent[] = {"index", "metacopy", "nfs_export",
					     "xino",  "uuid",     "verity"};

	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		if (!strcmp(key, absent[i]))
			return value && (!strcmp(value, "off") || !strcmp(value, "auto") ||
					 !strcmp(value, "null"))
				       ? 0
				       : -EINVAL;
	}
	return -EINVAL;
}

static int parse_option(struct overlay *o, const char *key, const char *value)
{
	if (!strcmp(key, "lowerdir"))
		return set_text(&o->lowerdir, value);
	if (!strcmp(key, "upperdir"))
		return set_text(&o->upperdir, value);
	if (!strcmp(key, "workdir"))
		return set_text(&o->workdir, value);
	if (!strcmp(key, "redirect_dir"))
		return parse_redirect(o, value);
	if (!strcmp(key, "volatile")) {
		o->volatile_ = true;
		return 0;
	}
	if (!strcmp(key, "userxattr")) {
		o->prefix = "user.overlay.";
		return 0;
	}
	return parse_absent(key, value);
}

static int parse_options(struct overlay *o, char *options)
{
	char *key, *value;

	while (fs_option_next(&options, &key, &value)) {
		int err = parse_option(o, key, value);

		if (err) {
			log_err("unrecognized mount option \"%s\" or missing value\n", key);
			return err;
		}
	}
	if (!o->lowerdir) {
		log_err("missing 'lowerdir'\n");
		return -EINVAL;
	}
	return !o->upperdir != !o->workdir ? -EINVAL : 0;
}

/* Layers */

/* A directory by name, behind a mount of its own. */
static int layer_get(const char *name, struct path *out)
{
	struct path found;
	struct mount *mnt;
	int err = kern_path(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &found);

	if (err)
		return err;
	if (found.dentry->sb->stack_depth + 1 > MAX_STACK) {
		err = -EINVAL;
	} else {
		refcount_get(&found.dentry->sb->active);
		err = mount_internal(found.dentry->sb, &mnt);
		if (err)
			super_put_active(found.dentry->sb);
	}
	if (!err)
		*out = (struct path){ mnt, dentry_get(found.dentry) };
	path_put(&found);
	return err;
}

static unsigned count_layers(const char *list)
{
	unsigned n = 1;

	for (; *list; list++) {
		if (*list == '\\' && list[1])
			list++;
		else if (*list == ':')
			n++;
	}
	return n;
}

/* Cut the next name out of a list separated by colons, backslashes escaping. */
static char *next_layer(char **list)
{
	char *name = *list, *in = name, *out = name;

	for (; *in && *in != ':'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*list = *in ? in + 1 : in;
	*out = '\0';
	return name;
}

static int get_lowers(struct overlay *o)
{
	unsigned n = count_layers(o->lowerdir);
	char *copy, *list;
	int err = 0;

	if (n > MAX_LAYERS)
		return -EINVAL;
	o->lower = kcalloc(n, sizeof(*o->lower), GFP_KERNEL);
	copy = list = kstrdup(o->lowerdir, GFP_KERNEL);
	if (!o->lower || !copy)
		err = -ENOMEM;
	while (!err && o->nr_lower < n) {
		const char *name = next_layer(&list);

		err = *name ? layer_get(name, &o->lower[o->nr_lower]) : -EINVAL;
		if (!err)
			o->nr_lower++;
		else
			log_err("failed to resolve '%s': %i\n", name, err);
	}
	kfree(copy);
	return err;
}

/* The directory "work" in the work directory, empty. */
static int make_scratch(struct overlay *o, struct path *base)
{
	struct dentry *dir = base->dentry, *d;
	int err;

	rwsem_write_lock(&dir->inode->lock);
	err = lookup_one_locked(dir, "work", 4, &d);
	if (!err && !d->inode)
		err = vfs_mkdir(dir->inode, d, 0);
	rwsem_write_unlock(&dir->inode->lock);
	if (err)
		return err;
	o->work = (struct path){ base->mnt, d };
	base->mnt = NULL;
	return S_ISDIR(d->inode->mode) ? overlay_clear_work(o, d) : -ENOTDIR;
}

static int get_upper(struct overlay *o)
{
	struct path base;
	int err = layer_get(o->upperdir, &o->upper);

	if (err)
		return err;
	err = layer_get(o->workdir, &base);
	if (err)
		return err;
	if (base.dentry->sb != o->upper.dentry->sb || d_is_below(base.dentry, o->upper.dentry) ||
	    d_is_below(o->upper.dentry, base.dentry)) {
		log_err("workdir and upperdir must be separate subtrees of one file system\n");
		err = -EINVAL;
	} else {
		err = make_scratch(o, &base);
	}
	dentry_put(base.dentry);
	if (base.mnt)
		mount_put_internal(base.mnt);
	return err;
}

static int get_layers(struct superblock *sb, struct overlay *o)
{
	struct superblock *top;
	unsigned depth = 0;
	int err = get_lowers(o);

	if (!err && o->upperdir)
		err = get_upper(o);
	if (err)
		return err;
	top = o->upper.dentry ? o->upper.dentry->sb : o->lower[0].dentry->sb;
	o->same_fs = true;
	depth = top->stack_depth;
	for (unsigned i = 0; i < o->nr_lower; i++) {
		const struct superblock *l = o->lower[i].dentry->sb;

		o->same_fs &= l == top;
		depth = l->stack_depth > depth ? l->stack_depth : depth;
		if (o->upper.dentry && d_is_below(o->upper.dentry, o->lower[i].dentry) &&
		    l == top && o->upper.dentry == o->lower[i].dentry)
			return -ELOOP;
	}
	sb->stack_depth = depth + 1;
	mutex_init(&sb->rename, depth ? RANK_STACKED2_RENAME : RANK_STACKED_RENAME,
		   "overlay rename");
	if (!o->upper.dentry || mount_readonly(o->upper.mnt) ||
	    (o->upper.dentry->sb->flags & SB_RDONLY))
		sb->flags |= SB_RDONLY;
	return 0;
}

/* The root: all layers' roots, merged. */
static int make_root(struct superblock *sb, struct overlay *o)
{
	struct overlay_lower *lower = kcalloc(o->nr_lower, sizeof(*lower), GFP_KERNEL);
	struct inode *inode;
	int err;

	if (!lower)
		return -ENOMEM;
	for (unsigned i = 0; i < o->nr_lower; i++)
		lower[i] = (struct overlay_lower){ i, dentry_get(o->lower[i].dentry) };
	err = overlay_inode_get(sb, o->upper.dentry ? dentry_get(o->upper.dentry) : NULL, lower,
				o->nr_lower, &inode);
	if (err)
		return err;
	sb->root = d_make_root(sb, inode);
	return sb->root ? 0 : -ENOMEM;
}

static int overlay_statfs(struct superblock *sb, struct kstatfs *out)
{
	struct overlay *o = overlay_of(sb);
	const struct path *top = o->upper.dentry ? &o->upper : &o->lower[0];
	int err = vfs_statfs(top, out);

	out->type = OVERLAYFS_SUPER_MAGIC;
	return err;
}

static int overlay_sync(struct superblock *sb, bool wait)
{
	struct overlay *o = overlay_of(sb);
	struct superblock *upper = o->upper.dentry ? o->upper.dentry->sb : NULL;
	int err;

	if (!upper || o->volatile_ || !wait)
		return 0;
	rwsem_read_lock_nested(&upper->umount, sb->stack_depth);
	err = super_sync(upper, true);
	rwsem_read_unlock(&upper->umount);
	return err;
}

static int overlay_remount(struct superblock *sb, u32 flags, char *options)
{
	struct overlay *o = overlay_of(sb);

	if (!(flags & SB_RDONLY) && (!o->upper.dentry || (o->upper.dentry->sb->flags & SB_RDONLY)))
		return -EROFS;
	return 0;
}

static void show_escaped(struct seq *out, const char *key, const char *value)
{
	if (!value)
		return;
	seq_printf(out, ",%s=", key);
	seq_escape(out, value, " \t\n\\");
}

static void overlay_show_options(struct superblock *sb, struct seq *out)
{
	struct overlay *o = overlay_of(sb);

	show_escaped(out, "lowerdir", o->lowerdir);
	show_escaped(out, "upperdir", o->upperdir);
	show_escaped(out, "workdir", o->workdir);
	if (o->redirect)
		seq_puts(out, ",redirect_dir=on");
	if (o->volatile_)
		seq_puts(out, ",volatile");
	if (o->prefix[0] == 'u')
		seq_puts(out, ",userxattr");
}

/* No handles: they would have to be those of the real files. */
static const struct export_ops overlay_export_ops = {};

static const struct super_ops overlay_super_ops = {
	.alloc_inode = overlay_alloc_inode,
	.free_inode = overlay_free_inode,
	.evict = overlay_evict,
	.sync = overlay_sync,
	.statfs = overlay_statfs,
	.remount = overlay_remount,
	.show_options = overlay_show_options,
};

static int overlay_fill(struct superblock *sb, char *options)
{
	struct overlay *o = kzalloc(sizeof(*o), GFP_KERNEL);
	int err;

	if (!o)
		return -ENOMEM;
	sb->private = o;
	o->prefix = "trusted.overlay.";
	o->cred = cred_get(cred_current());
	err = parse_options(o, options);
	if (!err)
		err = get_layers(sb, o);
	if (err)
		return err;
	sb->magic = OVERLAYFS_SUPER_MAGIC;
	sb->exports = &overlay_export_ops;
	sb->flags |= SB_POSIXACL;
	sb->max_bytes = S64_MAX & ~4095ll;
	sb->namelen = (o->upper.dentry ?: o->lower[0].dentry)->sb->namelen;
	return make_root(sb, o);
}

static int overlay_mount(const struct fs_type *type, const struct fs_params *params,
			 struct superblock **out)
{
	int err = super_create(type, params, &overlay_super_ops, out);

	if (err)
		return err;
	err = overlay_fill(*out, params->options);
	if (err)
		super_abandon(*out);
	return err;
}

static void overlay_kill(struct superblock *sb)
{
	if (sb->private)
		overlay_free(sb->private);
}

static const struct fs_type overlay_type = { "overlay", 0, overlay_mount, overlay_kill };
FS_TYPE(overlay_type);
