/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From handles to dentries.
 *
 * A file may be opened without any of its names: if none is cached, it gets a dentry that is in no
 * directory and ends with its last user.  A directory must stand in the tree, since it has one
 * dentry only, and "..".  So the way up is followed through the file system until a directory with
 * a dentry is met, the root at the latest; then each step down is looked up by its name, which is
 * found by reading the directory above.  Renames on the way make a step fail, and it starts anew.
 */
#include <fs/vfs/dir.h>
#include <fs/vfs/export.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/limits.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include <fs/vfs/core.h>

/* Of renames, and of directories above: what is deeper was made by an enemy. */
#define CONNECT_TRIES 16
#define CONNECT_DEPTH 4096

static int encode_ino64(const struct inode *inode, u32 *fid, u32 *words)
{
	u32 room = *words;

	*words = 3;
	if (room < 3)
		return EXPORT_TOO_SMALL;
	fid[0] = (u32)inode->ino;
	fid[1] = (u32)(inode->ino >> 32);
	fid[2] = inode->generation;
	return EXPORT_INO64;
}

int export_encode_ino32(struct inode *inode, u32 *fid, u32 *words)
{
	u32 room = *words;

	*words = 2;
	if (room < 2)
		return EXPORT_TOO_SMALL;
	fid[0] = (u32)inode->ino;
	fid[1] = inode->generation;
	return EXPORT_INO32;
}

int export_decode_ino32(const u32 *fid, u32 words, int type, u32 *ino, u32 *generation)
{
	if (words < 2 || (type != EXPORT_INO32 && type != EXPORT_INO32_PARENT))
		return -ESTALE;
	*ino = fid[0];
	*generation = fid[1];
	return 0;
}

int export_encode(struct inode *inode, bool identify, u32 *fid, u32 *words)
{
	const struct export_ops *ops = inode->sb->exports;

	if (!ops)
		return identify ? encode_ino64(inode, fid, words) : -EOPNOTSUPP;
	if (!ops->encode || (!identify && !ops->decode))
		return -EOPNOTSUPP;
	return ops->encode(inode, fid, words);
}

/* Looks for the name of an inode in a directory. */
struct name_search {
	struct dir_context ctx;
	u64 ino;
	u32 len; /* 0: not found */
	char name[NAME_MAX];
};

static bool name_seen(struct dir_context *ctx, const char *name, size_t len, loff_t pos, u64 ino,
		      unsigned type)
{
	struct name_search *s = container_of(ctx, struct name_search, ctx);

	if (ino != s->ino || name_is_dots(name, len) || len > NAME_MAX)
		return true;
	memcpy(s->name, name, len);
	s->len = (u32)len;
	return false;
}

/* Read the directory until the name was seen, or its end. */
static int name_find(const struct path *dir, struct name_search *s)
{
	struct file *f;
	int err = file_open(dir, O_RDONLY | O_DIRECTORY, cred_current(), &f);

	if (err)
		return err;
	for (loff_t before = -1; !err && !s->len && f->pos != before;) {
		before = f->pos;
		err = dir_iterate(f, &s->ctx);
	}
	file_put(f);
	return err ?: s->len ? 0 : -ESTALE;
}

/* The dentry of `dir`, which is in the directory at `parent`, by its name there. */
static int connect_step(const struct path *parent, const struct inode *dir, struct dentry **out)
{
	struct name_search *s = kmalloc(sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return -ENOMEM;
	*s = (struct name_search){.ctx.actor = name_seen, .ino = dir->ino};
	err = name_find(parent, s);
	err = err ?: lookup_one(parent->dentry, s->name, s->len, out);
	if (!err && (*out)->inode != dir) {
		dentry_put(*out);
		err = -ESTALE;
	}
	kfree(s);
	return err;
}

/* The lowest directory above `dir` without a dentry, the directory above that, and its dentry. */
static int connect_top(struct inode *dir, struct inode **low, struct dentry **top)
{
	const struct export_ops *ops = dir->sb->exports;
	struct inode *at = inode_get(dir), *up;

	for (unsigned depth = 0; depth < CONNECT_DEPTH && ops->parent; depth++) {
		int err = ops->parent(at, &up);

		if (err) {
			inode_put(at);
			return err;
		}
		*low = at;
		*top = S_ISDIR(up->mode) ? d_find_alias(up) : NULL;
		if (*top) {
			inode_put(up);
			return 0;
		}
		inode_put(at);
		at = up;
		if (!S_ISDIR(at->mode))
			break;
	}
	inode_put(at);
	return -ESTALE;
}

/* One more directory on the way to `dir` gets its dentry. */
static int connect_once(struct mount *mnt, struct inode *dir)
{
	struct path parent = {.mnt = mnt};
	struct dentry *d;
	struct inode *low;
	int err = connect_top(dir, &low, &parent.dentry);

	if (err)
		return err;
	err = connect_step(&parent, low, &d);
	if (!err)
		dentry_put(d);
	inode_put(low);
	dentry_put(parent.dentry);
	return err;
}

/*
 * A dentry for a directory.  Steps down may be forgotten again before the next is made, when memory
 * is short.
 */
static int connect(struct mount *mnt, struct inode *dir, struct dentry **out)
{
	unsigned failures = 0;
	int err = 0;

	for (unsigned steps = 0; steps < CONNECT_DEPTH && failures < CONNECT_TRIES; steps++) {
		*out = d_find_alias(dir);
		if (*out)
			return 0;
		err = connect_once(mnt, dir);
		if (err == -ENOMEM)
			return err;
		failures += err != 0;
	}
	return -ESTALE;
}

/* A dentry in no directory.  Consumes nothing. */
static struct dentry *dentry_alone(struct inode *inode)
{
	struct dentry *d = d_alloc_alone(inode->sb);

	if (d)
		d_instantiate(d, inode_get(inode));
	return d;
}

static int dentry_of(struct mount *mnt, struct inode *inode, struct dentry **out)
{
	if (S_ISDIR(inode->mode))
		return connect(mnt, inode, out);
	*out = d_find_alias(inode) ?: dentry_alone(inode);
	return *out ? 0 : -ENOMEM;
}

int export_decode(struct mount *mnt, const u32 *fid, u32 words, int type, struct dentry **out)
{
	const struct export_ops *ops = mnt->sb->exports;
	struct inode *inode;
	int err = ops && ops->decode ? ops->decode(mnt->sb, fid, words, type, &inode) : -ESTALE;

	if (!err) {
		err = dentry_of(mnt, inode, out);
		inode_put(inode);
	}
	return !err || err == -ENOMEM ? err : -ESTALE;
}
