/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the virtual file system offers the rest of fs; other rooms use the headers beside it. */
#pragma once

#include <fs/vfs/dentry.h>
#include <fs/vfs/file.h>
#include <fs/vfs/fs_context.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <fs/vfs/namei.h>
#include <fs/vfs/super.h>
#include <kernel/sync/seqlock.h>

/* dcache.c */
extern struct seqlock rename_lock; /* names and parents of all dentries */

static __always_inline u32 qstr_hash_step(u32 h, u8 c)
{
	return (h + c) * 0x9e3779b1u;
}

static __always_inline u32 qstr_hash_end(u32 h, const struct dentry *parent)
{
	u64 x = (u64)h ^ (u64)(vaddr_t)parent * 0x9e3779b97f4a7c15ull >> 17;

	return (u32)(x ^ x >> 32 ^ h >> 15);
}

enum dentry_check { DENTRY_VALID, DENTRY_GONE, DENTRY_CHANGED };
enum dentry_check dentry_get_seq(struct dentry *d, u32 seq);
bool dentry_put_unless_last(struct dentry *d);
/* A count for the file system itself; dropped by d_delete() and d_move()'s target. */
void d_pin(struct dentry *d);
void d_unpin(struct dentry *d);
void d_unpin_tree(struct dentry *top);
u64 dcache_shrink(u64 scan);
u64 dcache_idle_count(void);

/* path.c: put "/name" before `p`, which is in [buf, ...); NULL when it does not fit or p is
 * NULL. */
int cwd_text(char *buf, size_t size, char **out) __must_check;
char *path_prepend_name(char *p, const char *buf, const struct dentry *d);

/* mount.c */
extern struct rwsem mounts_lock;
extern struct seqlock mount_seq;
struct mount *mount_lookup_rcu(const struct mount *parent, const struct dentry *at);
/* A count, and whether no mount changed since `seq` was read.  False: the count is dropped by
 * mount_put() outside RCU, unless *m became NULL. */
bool mount_get_seq(struct mount **m, u32 seq);
/* What is mounted on `path`, counted; NULL: nothing. */
struct mount *mount_lookup(const struct path *path);
/* Take off everything mounted on `d`, in every namespace. */
void mount_detach_dentry(struct dentry *d);
/* mount_ops.c */
int do_mount(const char *source, struct path *path, const char *fstype, unsigned long flags,
	     char *options) __must_check;
int do_umount(const struct path *path, int flags) __must_check;
int do_pivot_root(struct path *new_root, struct path *put_old) __must_check;
int super_reconfigure(struct superblock *sb, u32 flags, char *options, bool force) __must_check;
/* mount_detached.c: trees in no namespace.  *out is an O_PATH file that keeps the tree; on failure
 * the tree is gone. */
int mount_detached_file(struct mount *top, struct file **out) __must_check;
/* Its file goes: take the tree apart unless it was attached. */
void mount_dissolve(struct mount *top);
/* A copy of what `path` shows, in no tree.  0, -EINVAL, -ENOMEM. */
int mount_clone_tree(const struct path *path, bool recursive, struct mount **out) __must_check;
/* move_mount(2), of an attached tree or not; `to` may move to the mount on top. */
int mount_move_path(struct path *from, struct path *to) __must_check;
/* The same under the mount at `to`, which comes to lie on top. */
int mount_move_beneath(struct path *from, struct path *to) __must_check;
int mount_set_group(const struct path *from, const struct path *to) __must_check;
/* MOUNT_ATTR_* of one bit each as MNT_* flags, and back; the rule of access times is the
 * caller's. */
u32 mount_flags_of_attr(u64 attr);
u64 mount_attr_of_flags(u32 flags);
/* mount_setattr(2): MNT_* flags to clear and set, MS_SHARED... or 0. */
struct mount_change {
	u32 set, clear;
	unsigned propagation;
	bool recursive;
	u32 mark; /* of this operation */
};
int mount_change_attributes(const struct path *path, struct mount_change *c) __must_check;
struct mount *mount_alloc(struct superblock *sb, struct dentry *root, const char *source);
s32 mount_users(const struct mount *m);
/* Is anything of the namespace of the current thread mounted on `d`? */
bool dentry_is_mountpoint_here(struct dentry *d);
/* namei.c: the bodies of unlink(2), rmdir(2), rename(2), link(2), with names in kernel memory */
int do_unlink(int dfd, const char *name) __must_check;
int do_rmdir(int dfd, const char *name) __must_check;
int do_rename(int old_dfd, const char *old_name, int new_dfd, const char *new_name,
	      unsigned flags) __must_check;
int do_link(const struct path *old, int dfd, const char *name) __must_check;

/* Lock two directories, ancestors first; *trap: the child of one that leads to the other.  Takes
 * sb->rename. */
struct dentry *rename_lock_parents(struct dentry *a, struct dentry *b);
void rename_unlock_parents(struct dentry *a, struct dentry *b);

/* permission.c */
int inode_permission_slow(struct inode *inode, int mask);

/* open.c */
bool path_noexec(const struct path *path);
int do_truncate(const struct path *path, loff_t size, unsigned extra, struct file *f) __must_check;

/* atime.c: a symlink was followed, a directory or file read; by the mount's rules */
void path_touch_atime(const struct path *path);

/* file.c */
/* An empty file with one reference.  Returns 0, -ENFILE (file-max), -ENOMEM. */
int file_alloc(struct file **out) __must_check;
void file_free(struct file *f);
struct file_owner *file_owner_make(struct file *f);
s32 file_get_owner(struct file *f);
void anon_files_init(void);
void files_init(void);
void mm_glue_init(void);

/* inode.c */
void inode_init_caches(void);

/* writeback.c: for mm */
extern const struct writeback_ops writeback_ops;
void super_drop_all_pages(void);

/* rw.c */
ssize_t generic_write_sync(struct file *f, loff_t end, ssize_t n);
/* write_iter, of which `part` is what happens under the inode's lock. */
static __always_inline ssize_t write_iter_by(ssize_t (*part)(struct file *f, struct iov_iter *from,
							     loff_t *pos),
					     struct file *f, struct iov_iter *from, loff_t *pos)
{
	ssize_t n;

	rwsem_write_lock(&f->inode->lock);
	n = part(f, from, pos);
	rwsem_write_unlock(&f->inode->lock);
	return generic_write_sync(f, *pos, n);
}

/* super.c; fn is called with `umount` held for reading, for each live superblock */
void supers_for_each(void (*fn)(struct superblock *sb, void *arg), void *arg);
struct superblock *super_by_dev(dev_t dev);

/* locks.c */
void locks_free_context(struct inode *inode);
void locks_file_released(struct file *f);
void locks_close_posix(struct file *f, void *owner);

/* The caller exceeded RLIMIT_FSIZE: SIGXFSZ, by way of kernel/proc. */
void fsize_limit_hit(void);
