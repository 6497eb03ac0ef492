/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting by steps (fs_config.h).
 *
 *	PARAMS		fsopen: options are collected
 *	MOUNTABLE	create made the superblock: fsmount may take it, once
 *	RECONFIGURE	after fsmount, and from fspick on: options are collected for a remount
 *	FAILED		create or reconfigure failed: nothing more can be done
 *
 * Options are kept as the text that mount(2) would have been given; the file system judges them
 * when the superblock is made, as Linux does for file systems that know only mount(2)'s form.
 *
 * Lock order: config.lock before superblock.umount.
 */
#include <fs/vfs/fs_config.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/mount.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "mount_internal.h"

enum config_phase { CONFIG_PARAMS, CONFIG_MOUNTABLE, CONFIG_RECONFIGURE, CONFIG_FAILED };

struct fs_config {
	struct mutex lock;	    /* c */
	const struct fs_type *type; /* [I] */
	enum config_phase phase;    /* [c] */
	struct superblock *sb;	    /* [c] active reference; NULL in PARAMS */
	u32 flags;		    /* [c] SB_* */
	u32 flags_given;	    /* [c] those that an option named */
	char *source;		    /* [c] */
	char *options;		    /* [c] a page, or NULL */
	size_t len;		    /* [c] of options */
};

static int config_release(struct file *f)
{
	struct fs_config *c = f->private;

	if (c->sb)
		super_put_active(c->sb);
	kfree(c->source);
	kfree(c->options);
	kfree(c);
	return 0;
}

/* Messages of the file system: there are none yet. */
static ssize_t config_read(struct file *f, struct iov_iter *to, loff_t *pos)
{
	return -ENODATA;
}

static const struct file_ops config_ops = { .read_iter = config_read, .release = config_release };

bool file_is_fs_config(const struct file *f)
{
	return f->ops == &config_ops;
}

static int config_make(const struct fs_type *type, enum config_phase phase, struct file **out)
{
	struct fs_config *c = kzalloc(sizeof(*c), GFP_KERNEL);
	int err;

	if (!c)
		return -ENOMEM;
	mutex_init(&c->lock, RANK_FS_CONFIG, "fs config");
	c->type = type;
	c->phase = phase;
	err = anon_file_create("[fscontext]", &config_ops, c, O_RDWR, out);
	if (err)
		kfree(c);
	return err;
}

int fs_config_open(const struct fs_type *type, struct file **out)
{
	return config_make(type, CONFIG_PARAMS, out);
}

int fs_config_pick(const struct path *path, struct file **out)
{
	struct superblock *sb = path->mnt->sb;
	struct fs_config *c;
	int err;

	if (path->dentry != path->mnt->root)
		return -EINVAL;
	err = config_make(sb->type, CONFIG_RECONFIGURE, out);
	if (err)
		return err;
	/* The mount keeps its superblock active. */
	refcount_get(&sb->active);
	c = (*out)->private;
	c->sb = sb;
	c->flags = sb->flags & SB_USER_FLAGS;
	return 0;
}

/* Options that are flags of every superblock. */
static bool config_set_flag(struct fs_config *c, const char *key)
{
	static const struct {
		const char *key;
		u32 flag;
		bool on;
	} words[] = {
		{ "ro", SB_RDONLY, true },	   { "rw", SB_RDONLY, false },
		{ "sync", SB_SYNCHRONOUS, true },  { "async", SB_SYNCHRONOUS, false },
		{ "dirsync", SB_DIRSYNC, true },   { "lazytime", SB_LAZYTIME, true },
		{ "nolazytime", SB_LAZYTIME, false }, { "mand", SB_MANDLOCK, true },
		{ "nomand", SB_MANDLOCK, false },
	};

	for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].key, key))
			continue;
		c->flags = words[i].on ? c->flags | words[i].flag : c->flags & ~words[i].flag;
		c->flags_given |= words[i].flag;
		return true;
	}
	return false;
}

static int config_append(struct fs_config *c, const char *key, const char *value)
{
	size_t need = strlen(key) + (value ? 1 + strlen(value) : 0);

	if (strchr(key, ',') || (value && strchr(value, ',')) || c->len + 1 + need + 1 > PAGE_SIZE)
		return -EINVAL;
	if (!c->options)
		c->options = kzalloc(PAGE_SIZE, GFP_KERNEL);
	if (!c->options)
		return -ENOMEM;
	c->len += snprintf(c->options + c->len, PAGE_SIZE - c->len, "%s%s%s%s", c->len ? "," : "",
			   key, value ? "=" : "", value ?: "");
	return 0;
}

static int config_set_source(struct fs_config *c, const char *value)
{
	if (!value || c->source)
		return -EINVAL;
	c->source = kstrdup(value, GFP_KERNEL);
	return c->source ? 0 : -ENOMEM;
}

int fs_config_set(struct file *f, const char *key, const char *value)
{
	struct fs_config *c = f->private;

	guard_mutex(&c->lock);
	if (c->phase != CONFIG_PARAMS && c->phase != CONFIG_RECONFIGURE)
		return -EBUSY;
	if (config_set_flag(c, key))
		return 0;
	if (!strcmp(key, "source"))
		return config_set_source(c, value);
	return config_append(c, key, value);
}

/* What was collected is used up. */
static void config_clear(struct fs_config *c)
{
	kfree(c->options);
	c->options = NULL;
	c->len = 0;
	c->flags_given = 0;
}

int fs_config_create(struct file *f)
{
	struct fs_config *c = f->private;
	int err;

	guard_mutex(&c->lock);
	if (c->phase != CONFIG_PARAMS)
		return -EBUSY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;

	struct fs_params params = { .source = c->source, .flags = c->flags, .options = c->options };

	err = c->type->mount(c->type, &params, &c->sb);
	config_clear(c);
	if (err) {
		c->sb = NULL;
		c->phase = CONFIG_FAILED;
		return err;
	}
	rwsem_write_unlock(&c->sb->umount);
	c->phase = CONFIG_MOUNTABLE;
	return 0;
}

int fs_config_reconfigure(struct file *f)
{
	struct fs_config *c = f->private;
	struct superblock *sb;
	u32 flags;
	int err;

	guard_mutex(&c->lock);
	if (c->phase != CONFIG_RECONFIGURE)
		return -EBUSY;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	sb = c->sb;
	rwsem_write_lock(&sb->umount);
	flags = (sb->flags & ~c->flags_given) | (c->flags & c->flags_given);
	err = super_reconfigure(sb, flags & SB_USER_FLAGS, c->options, false);
	rwsem_write_unlock(&sb->umount);
	config_clear(c);
	if (err)
		c->phase = CONFIG_FAILED;
	return err;
}

int fs_config_mount(struct file *f, u32 flags, struct mount **out)
{
	struct fs_config *c = f->private;
	struct mount *m;

	guard_mutex(&c->lock);
	if (!c->sb)
		return -EINVAL;
	if (c->phase != CONFIG_MOUNTABLE)
		return -EBUSY;
	if (c->type->flags & FS_NO_USER)
		return -EINVAL;
	m = mount_alloc(c->sb, c->sb->root, c->source);
	if (!m)
		return -ENOMEM;
	/* One active reference becomes the mount's, this file keeps another. */
	refcount_get(&c->sb->active);
	m->flags = flags;
	c->phase = CONFIG_RECONFIGURE;
	*out = m;
	return 0;
}
