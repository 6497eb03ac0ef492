/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events for watchers.  Every place where a file changes calls one of these inlines; where nobody
 * watches they test a mask and are done.  inotify registers what happens otherwise.
 */
#pragma once

#include <fs/vfs/inode.h>
#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <kernel/abi/inotify.h>

struct fsnotify_ops {
	/* `mask` happened to `inode`; name is not NULL when it happened to that entry of it.
	 * cookie pairs the halves of a rename. */
	void (*event)(struct inode *inode, u32 mask, const char *name, u32 cookie);
	/* The inode goes away: drop its marks. */
	void (*inode_gone)(struct inode *inode);
	void (*sb_gone)(struct superblock *sb);
};
void fsnotify_set_ops(const struct fsnotify_ops *ops);
void fsnotify_slow(struct inode *inode, u32 mask, const char *name, u32 cookie);
void fsnotify_child_slow(struct dentry *dentry, u32 mask);
void fsnotify_inode_gone(struct inode *inode);
void fsnotify_sb_gone(struct superblock *sb);
/* How many watches exist: none lets the parent check go unmade.  Kept by inotify. */
extern u32 fsnotify_watches;

/* Something happened in the directory `dir` to its entry `name`. */
static inline void fsnotify_dir(struct inode *dir, u32 mask, const char *name, u32 cookie)
{
	if (unlikely(READ_ONCE(dir->notify_mask) & mask & IN_ALL_EVENTS))
		fsnotify_slow(dir, mask, name, cookie);
}

/* Something happened to a file: tell its own watchers and those of its directory. */
static inline void fsnotify_dentry(struct dentry *dentry, u32 mask)
{
	if (unlikely(READ_ONCE(fsnotify_watches)))
		fsnotify_child_slow(dentry, mask);
}

static inline void fsnotify_file(struct file *f, u32 mask)
{
	if (unlikely(READ_ONCE(fsnotify_watches)) && !(f->mode & (FMODE_NONOTIFY | FMODE_PATH)))
		fsnotify_child_slow(f->path.dentry, mask);
}

static inline void fsnotify_inode(struct inode *inode, u32 mask)
{
	if (unlikely(READ_ONCE(inode->notify_mask) & mask & IN_ALL_EVENTS))
		fsnotify_slow(inode, mask, NULL, 0);
}
