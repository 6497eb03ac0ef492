/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names to files.
 *
 * The walk goes from component to component under RCU, taking no reference and no lock, validated
 * by sequence counts of dentries and mounts.  What it cannot do so (a name not cached, a symlink to
 * be read, a sleep) it continues with references from where it stands, or, if something changed
 * under it, from the start.
 */
#pragma once

#include <fs/vfs/types.h>
#include <fs/vfs/mount.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/limits.h>

struct file;
struct inode;

enum lookup_flags {
	LOOKUP_FOLLOW = 1 << 0,	    /* a symlink as last component is followed */
	LOOKUP_DIRECTORY = 1 << 1,  /* must be a directory */
	LOOKUP_EMPTY = 1 << 2,	    /* "" is dfd itself (AT_EMPTY_PATH) */
	LOOKUP_NO_MOUNT = 1 << 3,   /* do not cross onto a mount at the last component (umount) */
	LOOKUP_NO_XDEV = 1 << 4,    /* RESOLVE_* */
	LOOKUP_NO_MAGICLINKS = 1 << 5,
	LOOKUP_NO_SYMLINKS = 1 << 6,
	LOOKUP_BENEATH = 1 << 7,
	LOOKUP_IN_ROOT = 1 << 8,
	LOOKUP_CACHED = 1 << 9,
	LOOKUP_OPEN = 1 << 10,
	LOOKUP_CREATE = 1 << 11,
	LOOKUP_EXCL = 1 << 12,
	LOOKUP_RENAME_TARGET = 1 << 13,
};

/* A path name copied in; small ones need no allocation. */
#define FILENAME_INLINE 152
struct filename {
	const char *name; /* NUL-terminated */
	u32 len;
	bool heap;
	char inline_name[FILENAME_INLINE];
};

/*
 * Copy a user's path.  Returns 0, -EFAULT, -ENAMETOOLONG, -ENOENT ("" without LOOKUP_EMPTY in
 * flags), -ENOMEM. Context: may sleep.  Pair with filename_put().
 */
int filename_get(struct filename *fn, const char __user *user, unsigned flags) __must_check;
void filename_free(struct filename *fn);
static inline void filename_put(struct filename *fn)
{
	if (unlikely(fn->heap))
		filename_free(fn);
}

/* Look `user` up, relative to dfd (or AT_FDCWD).  *out has references.  Returns 0 or a negative
 * errno. */
int user_path_at(int dfd, const char __user *user, unsigned flags, struct path *out) __must_check;
/* The same with a name in kernel memory. */
int path_lookup(int dfd, const char *name, unsigned flags, struct path *out) __must_check;
/* From the current root, AT_FDCWD. */
int kern_path(const char *name, unsigned flags, struct path *out) __must_check;
/* Relative to a given directory, which is also the root when LOOKUP_IN_ROOT or LOOKUP_BENEATH is
 * set. */
int vfs_path_lookup(const struct path *base, const char *name, unsigned flags,
		    struct path *out) __must_check;

/*
 * For creation: the parent directory, locked W, write access to its mount taken, and a negative
 * dentry in it. Returns 0, -EEXIST, ...  End with path_create_done(), which unlocks and drops
 * everything.
 */
int path_create(int dfd, const char *name, unsigned flags, struct path *parent,
		struct dentry **out) __must_check;
void path_create_done(const struct path *parent, struct dentry *dentry);

/* openat2(2) with a name in kernel memory. */
struct open_how;
int do_open(int dfd, const char *name, const struct open_how *how, struct file **out) __must_check;
/* The same for a file already found.  Consumes nothing. */
int do_open_path(const struct path *path, const struct open_how *how,
		 struct file **out) __must_check;

/* A mode asked for a new file in `dir` without what the umask takes; access lists take its place
 * where there are any. */
umode_t creation_mode(const struct inode *dir, umode_t mode);

/*
 * Operations on dentries: permission checks, events, then the file system's.  Write access to the
 * mount is the caller's. Locks: as struct inode_ops says for the directory; the victim's are taken
 * inside.
 */
int vfs_create(struct inode *dir, struct dentry *dentry, umode_t mode) __must_check;
int vfs_mkdir(struct inode *dir, struct dentry *dentry, umode_t mode) __must_check;
int vfs_mknod(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t dev) __must_check;
int vfs_symlink(struct inode *dir, struct dentry *dentry, const char *target) __must_check;
int vfs_link(struct dentry *old, struct inode *dir, struct dentry *dentry) __must_check;
int vfs_unlink(struct inode *dir, struct dentry *dentry) __must_check;
int vfs_rmdir(struct inode *dir, struct dentry *dentry) __must_check;
int vfs_rename(struct inode *old_dir, struct dentry *old, struct inode *new_dir, struct dentry *new,
	       unsigned flags) __must_check;
/* Symlink body into a kernel buffer.  Returns length (not terminated) or a negative errno. */
ssize_t vfs_readlink(struct dentry *dentry, char *buf, size_t size) __must_check;
int vfs_getattr(const struct path *path, struct kstat *out, u32 mask, unsigned flags) __must_check;
int vfs_setattr(struct dentry *dentry, struct iattr *attr) __must_check; /* inode W held */
int vfs_truncate(const struct path *path, loff_t size) __must_check;
int vfs_statfs(const struct path *path, struct kstatfs *out) __must_check;

/* The child `name` (one component) of `parent`, with a count, read from the file system if need be.
 * Locks: parent inode W. */
int lookup_one_locked(struct dentry *parent, const char *name, size_t len,
		      struct dentry **out) __must_check;
/* The same, taking the lock if the cache does not have it. */
int lookup_one(struct dentry *parent, const char *name, size_t len,
	       struct dentry **out) __must_check;

/* Sticky directories: /proc/sys/fs/protected_{symlinks,hardlinks,fifos,regular}. */
extern int sysctl_protected_symlinks, sysctl_protected_hardlinks, sysctl_protected_fifos,
	sysctl_protected_regular;
