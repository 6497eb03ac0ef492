/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names in FAT directories: find, make, remove, move.
 *
 * A file may be asked for by any spelling of its long name and by its short one, but the dentry
 * cache knows a name only as it is spelled.  So lookup answers with the dentry the file already
 * has, if it has one in this directory, and the other spellings stay out of the cache.  A negative
 * dentry is true only as long as the directory has not changed since: a file may have come under
 * another spelling.  dentry->cookie keeps inode->version of that moment.
 */
#include <fs/vfs/dentry.h>
#include <fs/vfs/namei.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/fs.h>
#include <kernel/lib/string.h>
#include <mm/alloc.h>

#include "fat_internal.h"

/* --- lookup ----------------------------------------------------------------------------------- */

static int fat_revalidate(struct dentry *d, bool rcu)
{
	const struct dentry *parent = READ_ONCE(d->parent);
	const struct inode *dir;

	if (!d_is_negative(d) || !parent)
		return 1;
	dir = READ_ONCE(parent->inode);
	return dir && READ_ONCE(dir->version) == READ_ONCE(d->cookie);
}

const struct dentry_ops fat_dentry_ops = {.revalidate = fat_revalidate};

static void add_negative(struct inode *dir, struct dentry *dentry)
{
	dentry->cookie = dir->version;
	d_add(dentry, NULL);
}

/* The name of a dentry as compared.  -ENOENT: nothing can have it. */
static int dentry_name(const struct fat_sb *fs, const struct dentry *dentry, struct fat_name *n)
{
	int err = fat_name_decode(fs, dentry->name, dentry->len, n);

	if (err)
		return err;
	fat_name_strip(n);
	return n->len ? 0 : -ENOENT;
}

static int fat_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias)
{
	struct inode *inode;
	struct fat_entry e;
	struct fat_name n;
	int err = dentry_name(fat_sb(dir->sb), dentry, &n);

	if (err == -ENAMETOOLONG)
		return err;
	if (!err)
		err = fat_entry_find(dir, &n, &e);
	if (err == -ENOENT || err == -EINVAL) {
		add_negative(dir, dentry);
		return 0;
	}
	if (!err)
		err = fat_iget(dir->sb, &e.de, e.slot, &inode);
	return err ? err : d_splice_spelling(dentry, inode, alias);
}

/* --- entries ---------------------------------------------------------------------------------- */

/* The directory changed just now. */
static void dir_changed(struct inode *dir)
{
	WRITE_ONCE(dir->version, dir->version + 1);
	inode_touch(dir, ATTR_MTIME | ATTR_CTIME);
}

/* msdos: a name of 8.3, and hidden if it began with a dot. */
static int msdos_name(struct inode *dir, const struct dentry *dentry, struct fat_dirent *de)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	int err = fat_msdos_make(fs, dentry->name, dentry->len, de->name);

	if (err)
		return err;
	if (*dentry->name == '.')
		de->attr |= FAT_ATTR_HIDDEN;
	err = fat_short_taken(dir, de->name);
	return err > 0 ? -EINVAL : err;
}

/* Enter `de` under the dentry's name; only the name in it is made here. */
static int enter(struct inode *dir, const struct dentry *dentry, struct fat_dirent *de,
		 struct fat_entry *e)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	struct fat_short s;
	struct fat_name n;
	int err;

	if (!fs->vfat) {
		err = msdos_name(dir, dentry, de);
		return err ? err : fat_entry_add(dir, NULL, de, e);
	}
	err = dentry_name(fs, dentry, &n);
	if (!err)
		err = fat_name_check(fs, &n);
	if (!err)
		err = fat_short_make(fs, &n, &s);
	if (!err)
		err = fat_short_unique(dir, &s);
	if (err)
		return err;
	memcpy(de->name, s.name, sizeof(de->name));
	de->lcase = s.lcase;
	return fat_entry_add(dir, s.lossless ? NULL : &n, de, e);
}

static void stamp(const struct fat_sb *fs, struct fat_dirent *de, s64 now)
{
	fat_time_encode(fs, now, de->time, de->date, NULL);
	if (fs->vfat) {
		fat_time_encode(fs, now, de->ctime, de->cdate, &de->ctime_cs);
		memcpy(de->adate, de->cdate, 2);
	}
}

/* A new entry and its inode. */
static int make(struct inode *dir, struct dentry *dentry, u8 attr, u32 cluster, struct inode **out)
{
	struct fat_sb *fs = fat_sb(dir->sb);
	struct fat_dirent de = {.attr = attr};
	struct fat_entry e;
	int err;

	fat_dirent_set_start(&de, cluster);
	stamp(fs, &de, inode_now(dir));
	err = enter(dir, dentry, &de, &e);
	if (err)
		return err;
	err = fat_iget(dir->sb, &de, e.slot, out);
	if (err)
		(void)until_memory(fat_entry_remove(dir, &e));
	return err;
}

static int fat_create(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode;
	int err = make(dir, dentry, FAT_ATTR_ARCH, 0, &inode);

	if (err)
		return err;
	dir_changed(dir);
	d_instantiate(dentry, inode);
	return fat_dir_sync(dir);
}

static int fat_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode)
{
	struct inode *inode;
	u32 cluster;
	int err = fat_dir_make(dir, inode_now(dir), &cluster);

	if (err)
		return err;
	err = make(dir, dentry, FAT_ATTR_DIR, cluster, &inode);
	if (err) {
		fat_dir_unmake(fat_sb(dir->sb), cluster);
		return err;
	}
	WRITE_ONCE(dir->nlink, dir->nlink + 1);
	dir_changed(dir);
	d_instantiate(dentry, inode);
	return fat_dir_sync(dir);
}

static int remove_entry(struct inode *dir, struct inode *inode)
{
	struct fat_entry e;
	int err = fat_entry_of(dir, inode, &e);

	return err ? err : fat_entry_remove(dir, &e);
}

/* The inode has no entry any more. */
static void forget(struct inode *inode)
{
	fat_inode_move(inode, 0);
	WRITE_ONCE(inode->nlink, 0);
	inode_touch(inode, ATTR_ATIME | ATTR_MTIME);
}

static int fat_unlink(struct inode *dir, struct dentry *dentry)
{
	int err = remove_entry(dir, dentry->inode);

	if (err)
		return err;
	forget(dentry->inode);
	dir_changed(dir);
	return fat_dir_sync(dir);
}

static int fat_rmdir(struct inode *dir, struct dentry *dentry)
{
	int err = fat_dir_is_empty(dentry->inode);

	if (!err)
		err = remove_entry(dir, dentry->inode);
	if (err)
		return err;
	forget(dentry->inode);
	WRITE_ONCE(dir->nlink, dir->nlink - 1);
	dir_changed(dir);
	return fat_dir_sync(dir);
}

/* --- rename ----------------------------------------------------------------------------------- */

static u32 dotdot_for(const struct inode *dir)
{
	return dir == dir->sb->root->inode ? 0 : fat_i(dir)->start;
}

/* A directory moved: "..", and the counts of the parents. */
static int moved_dir(struct inode *inode, struct inode *from, struct inode *to)
{
	if (!S_ISDIR(inode->mode) || from == to)
		return 0;
	WRITE_ONCE(from->nlink, from->nlink - 1);
	WRITE_ONCE(to->nlink, to->nlink + 1);
	return until_memory(fat_dotdot_set(inode, dotdot_for(to)));
}

/* Let the entry that e describes be `inode`'s: all but the name. */
static int take_over(struct inode *inode, const struct fat_entry *mine, const struct fat_entry *e)
{
	struct fat_dirent de = mine->de;

	memcpy(de.name, e->de.name, sizeof(de.name));
	de.lcase = e->de.lcase;
	return fat_entry_update(inode->sb, e->slot, &de);
}

static int exchange(struct inode *old_dir, struct inode *a, struct inode *new_dir, struct inode *b)
{
	struct fat_entry ea, eb;
	int err = fat_entry_of(old_dir, a, &ea), later;

	if (!err)
		err = fat_entry_of(new_dir, b, &eb);
	if (!err)
		err = take_over(a, &ea, &eb);
	if (err)
		return err;
	err = until_memory(take_over(b, &eb, &ea));
	if (err)
		return err;
	fat_inode_move(a, 0);
	fat_inode_move(b, ea.slot);
	fat_inode_move(a, eb.slot);
	err = moved_dir(a, old_dir, new_dir);
	later = moved_dir(b, new_dir, old_dir);
	return err ? err : later;
}

/* Put `inode` in the place of `target`. */
static int replace(struct inode *new_dir, struct inode *inode, const struct fat_entry *mine,
		   struct inode *target)
{
	struct fat_entry theirs;
	int err = S_ISDIR(target->mode) ? fat_dir_is_empty(target) : 0;

	if (!err)
		err = fat_entry_of(new_dir, target, &theirs);
	if (!err)
		err = take_over(inode, mine, &theirs);
	if (err)
		return err;
	if (S_ISDIR(target->mode))
		WRITE_ONCE(new_dir->nlink, new_dir->nlink - 1);
	forget(target);
	fat_inode_move(inode, theirs.slot);
	return 0;
}

/* Enter `inode` under a new name. */
static int enter_anew(struct inode *new_dir, struct dentry *new, struct inode *inode,
		      const struct fat_entry *mine)
{
	struct fat_dirent de = mine->de;
	struct fat_entry e;
	int err;

	if (!fat_sb(inode->sb)->vfat)
		de.attr &= (u8)~FAT_ATTR_HIDDEN;
	err = enter(new_dir, new, &de, &e);
	if (!err)
		fat_inode_move(inode, e.slot);
	return err;
}

static int move(struct inode *old_dir, struct inode *inode, struct inode *new_dir,
		struct dentry *new)
{
	struct fat_entry mine;
	int err = fat_write_inode(inode, false), later;

	if (!err)
		err = fat_entry_of(old_dir, inode, &mine);
	if (!err)
		err = new->inode ? replace(new_dir, inode, &mine, new->inode)
				 : enter_anew(new_dir, new, inode, &mine);
	if (err)
		return err;
	err = until_memory(fat_entry_remove(old_dir, &mine));
	later = moved_dir(inode, old_dir, new_dir);
	return err ? err : later;
}

static int fat_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		      struct dentry *new, unsigned flags)
{
	int err;

	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE) {
		err = fat_write_inode(old->inode, false);
		if (!err)
			err = fat_write_inode(new->inode, false);
		if (!err)
			err = exchange(old_dir, old->inode, new_dir, new->inode);
	} else {
		err = move(old_dir, old->inode, new_dir, new);
	}
	if (err)
		return err;
	inode_mark_dirty(old->inode, I_DIRTY_SYNC);
	dir_changed(old_dir);
	if (new_dir != old_dir)
		dir_changed(new_dir);
	return fat_dir_sync(old_dir);
}

const struct inode_ops fat_dir_inode_ops = {
	.lookup = fat_lookup,
	.create = fat_create,
	.unlink = fat_unlink,
	.mkdir = fat_mkdir,
	.rmdir = fat_rmdir,
	.rename = fat_rename,
	.setattr = fat_setattr,
	.getattr = fat_getattr,
	.update_time = fat_update_time,
};
