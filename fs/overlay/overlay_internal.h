/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * overlayfs, among its own files.
 *
 * An overlay shows several directory trees as one: an upper one that takes all changes, over lower
 * ones that never change.  An overlay inode stands for one real inode: the upper one once there is
 * one, else the first lower one; a merged directory has a list of them.
 *
 *	whiteout	a character device 0:0 in the upper tree: the lower name is gone
 *	opaque		an attribute of an upper directory: nothing below it shows
 *	redirect	an attribute of an upper directory: where it lay before it was renamed
 *	copy-up		before the first change a lower file is copied into the upper tree
 *
 * Real trees are touched with the credentials of who mounted; what the caller may do is decided on
 * the overlay's own inodes, which carry the real ones' owner and mode.
 *
 * Locks: overlay directory and inode locks (RANK_STACKED_*), then copy_lock, then locks of the real
 * trees.
 */
#pragma once

#include <fs/vfs/core.h>
#include <kernel/sync/mutex.h>
#include <security/cred.h>

struct overlay {
	struct path upper;	  /* [I] dentry NULL: read-only */
	struct path work;	  /* [I] scratch directory on the upper file system */
	unsigned nr_lower;	  /* [I] */
	struct path *lower;	  /* [I] topmost first */
	const struct cred *cred;  /* [I] of who mounted, counted */
	char *lowerdir, *upperdir, *workdir; /* [I] the options */
	const char *prefix;	  /* [I] of attributes: "trusted.overlay." or "user.overlay." */
	bool same_fs;             /* [I] all layers on one: inode numbers are those of the layers */
	bool redirect;		  /* [I] directories of lower layers may be renamed */
	bool volatile_;		  /* [I] never syncs */
	u64 last_temp;		  /* [a] */
};

/* One lower directory or file. */
struct overlay_lower {
	unsigned layer;
	struct dentry *dentry; /* counted */
};

struct overlay_inode {
	struct inode vfs;
	struct dentry *upper;	     /* [a] counted; set once, under copy_lock */
	struct mutex copy_lock;
	unsigned nr_lower;	     /* [I] */
	struct overlay_lower *lower; /* [I] */
	char *redirect;              /* [directory's lock] path below the layers' roots, or NULL */
	bool opaque;		     /* [directory's lock] */
};

static inline struct overlay *overlay_of(const struct superblock *sb)
{
	return sb->private;
}

static inline struct overlay_inode *overlay_inode(const struct inode *inode)
{
	return container_of(inode, struct overlay_inode, vfs);
}

static inline struct dentry *overlay_upper(const struct inode *inode)
{
	return atomic_load_acquire(&overlay_inode(inode)->upper);
}

/* The real file or directory on top. */
static inline struct dentry *overlay_real(const struct inode *inode)
{
	struct dentry *upper = overlay_upper(inode);

	return upper ?: overlay_inode(inode)->lower[0].dentry;
}

/* inode.c */
extern const struct inode_ops overlay_dir_ops, overlay_file_inode_ops, overlay_symlink_ops;
struct inode *overlay_alloc_inode(struct superblock *sb);
void overlay_free_inode(struct inode *inode);
void overlay_evict(struct inode *inode);
void overlay_copy_attr(struct inode *inode);
/* Found by the real inode it shows from now on. */
void overlay_inode_rehash(struct inode *inode);
/* The inode of these real ones; takes over their counts, also on failure.  `redirect` is
 * consumed. */
int overlay_inode_get(struct superblock *sb, struct dentry *upper, struct overlay_lower *lower,
		      unsigned nr_lower, struct inode **out) __must_check;
void overlay_real_path(const struct inode *inode, struct path *out);
void overlay_lowers_put(struct overlay_lower *lower, unsigned nr);

/* lookup.c */
int overlay_lookup(struct inode *dir, struct dentry *dentry, struct dentry **alias);
bool overlay_is_whiteout(const struct dentry *d);
/* Is there anything in lower layers that `name` in `dir` would show? */
int overlay_lower_has(struct inode *dir, const struct dentry *dentry, bool *has) __must_check;
bool overlay_flag_get(struct overlay *o, struct dentry *real, const char *name);
int overlay_attr_set(struct overlay *o, struct dentry *real, const char *name,
		     const char *value) __must_check;
bool overlay_is_private_attr(struct overlay *o, const char *name);

/* copy_up.c.  Context: may sleep, no lock of the real trees held. */
int overlay_copy_up(struct dentry *dentry) __must_check;
/* As overlay_copy_up, of a file about to be cut to `size`: only that much is copied. */
int overlay_copy_up_size(struct dentry *dentry, loff_t size) __must_check;
/* A fresh name in the scratch directory: negative, counted.  Locks: work W. */
int overlay_temp(struct overlay *o, struct dentry **out) __must_check;
/* Rename inside the upper file system; takes its locks.  `new_name` is looked up. */
int overlay_real_rename(struct overlay *o, struct dentry *old_dir, struct dentry *old,
			struct dentry *new_dir, const struct dentry *name,
			unsigned flags) __must_check;
/* vfs_setattr with the real inode's lock. */
int overlay_real_setattr(struct dentry *real, struct iattr *attr) __must_check;
/* Unlink or rmdir.  Locks: dir's inode W. */
int overlay_real_remove(struct dentry *dir, struct dentry *real) __must_check;
/* Remove a scratch file or a directory with nothing but whiteouts.  Best effort. */
void overlay_work_remove(struct overlay *o, struct dentry *temp);
/* Empty the scratch directory of what an earlier mount left. */
int overlay_clear_work(struct overlay *o, struct dentry *work) __must_check;
int overlay_clear_whiteouts(struct overlay *o, struct dentry *dir) __must_check;

/* dir.c */
int overlay_create(struct inode *dir, struct dentry *dentry, umode_t mode);
int overlay_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode);
int overlay_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev);
int overlay_symlink(struct inode *dir, struct dentry *dentry, const char *target);
int overlay_link(struct dentry *old, struct inode *dir, struct dentry *dentry);
int overlay_unlink(struct inode *dir, struct dentry *dentry);
int overlay_rmdir(struct inode *dir, struct dentry *dentry);

/* rename.c */
int overlay_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		   struct dentry *new, unsigned flags);

/* readdir.c */
extern const struct file_ops overlay_dir_file_ops;
/* 0: nothing but whiteouts.  -ENOTEMPTY, ... */
int overlay_dir_empty(struct inode *dir) __must_check;

/* file.c */
extern const struct file_ops overlay_file_ops;
