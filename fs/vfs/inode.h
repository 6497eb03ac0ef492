/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inode: a file apart from its names.
 *
 * Locking of struct inode_ops (dir is the inode of the parent; W: its lock held for writing, R: for
 * reading):
 *
 *	operation	locks held			may sleep	called in RCU walk
 *	lookup		dir W				yes		no
 *	create mkdir	dir W				yes		no
 *	mknod symlink	dir W				yes		no
 *	tmpfile		dir R				yes		no
 *	link		dir W, then the inode W		yes		no
 *	unlink rmdir	dir W, then the victim W	yes		no
 *	rename		both dirs W (and the superblock's rename lock when they differ), victims W	yes	no
 *	get_link	none				yes unless dentry is NULL	yes, dentry NULL
 *	permission	none				yes unless MAY_NOT_BLOCK	yes, with MAY_NOT_BLOCK
 *	setattr		inode W				yes		no
 *	getattr		none				yes		no
 *	setxattr	inode W				yes		no
 *	getxattr	none				yes		no
 *	listxattr	inode R				yes		no
 *	update_time	none				yes		no
 *	get_acl		none				yes		no
 *	set_acl		inode W, or a new inode		yes		no
 *	fileattr_get	none				yes		no
 *	fileattr_set	inode W				yes		no
 *
 * Order of locks: superblock rename lock; directory inodes, ancestors first; other inodes, by
 * address; mapping.invalidate; dentry locks; inode.spin.
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/rcu.h>
#include <kernel/abi/stat.h>
#include <kernel/abi/errno.h>
#include <mm/mapping.h>

struct dentry;
struct file;
struct file_ops;
struct flock_context;
struct inode_ops;
struct path;
struct pipe;
struct posix_acl;
struct superblock;

/* Permission masks of inode_permission(); the low three bits are those of access(2). */
#define MAY_EXEC      1
#define MAY_WRITE     2
#define MAY_READ      4
#define MAY_APPEND    8
#define MAY_ACCESS    16
#define MAY_OPEN      32
#define MAY_CHDIR     64
#define MAY_NOT_BLOCK 128 /* RCU walk: answer -ECHILD rather than sleep */

/* inode.flags */
enum inode_flags {
	S_SYNC_ = 1 << 0,
	S_IMMUTABLE = 1 << 1,
	S_APPEND = 1 << 2,
	S_NOATIME_ = 1 << 3,
	S_DEAD = 1 << 4,      /* removed directory, still open: nothing can be made in it */
	/* no set-id bits, no capability attribute: writes need not strip any */
	S_NOSEC = 1 << 5,
	S_PRIVATE = 1 << 6,   /* internal to the kernel: anonymous files */
	S_NOCMTIME = 1 << 7,
	S_MAGIC_LINK = 1 << 8, /* following it jumps to an object, not to a name */
	S_NO_PERM_OP = 1 << 9, /* ops->permission is NULL: mode bits decide */
	S_KERNEL_FILE = 1 << 10, /* proc, sysfs: size and position rules of generated text */
	S_SWAPFILE = 1 << 11, /* swap lies in its blocks: no writes, no truncation */
	S_DIRSYNC = 1 << 12, /* changes of this directory reach the disk before the call returns */
};

/* inode.state */
enum inode_state {
	I_NEW = 1 << 0,	    /* being filled by inode_iget()'s caller */
	I_FREEING = 1 << 1, /* last reference gone */
	I_DIRTY_SYNC = 1 << 2,	/* attributes that fdatasync need not write */
	I_DIRTY_DATA = 1 << 3,	/* attributes that fdatasync must write */
	I_DIRTY_PAGES = 1 << 4, /* pages in the mapping */
	I_WRITEBACK = 1 << 5,	/* somebody is in write_inode() */
	I_HASHED = 1 << 6,
	I_BAD = 1 << 7,
	I_LINKABLE = 1 << 8, /* O_TMPFILE without O_EXCL: link() may name it */
	/* times, which may wait (lazytime); never with SYNC or DATA, which include them */
	I_DIRTY_TIME = 1 << 9,
};
#define I_DIRTY_ALL (I_DIRTY_SYNC | I_DIRTY_DATA | I_DIRTY_PAGES)

struct inode {
	umode_t mode;			/* [i] */
	u32 uid, gid;			/* [i] */
	u32 flags;			/* [i] enum inode_flags */
	const struct inode_ops *ops;	/* [I] */
	struct superblock *sb;		/* [I] */
	/* [I] body of a symlink in memory, or NULL: then get_link */
	const char *link;
	u32 notify_mask;		/* [a] events somebody watches, IN_* bits */
	s32 write_count;		/* [a] writers; negative: write access denied that often */
	struct posix_acl *acl;          /* [i, R] access list, NULL: none, or POSIX_ACL_UNKNOWN */
	struct mapping *mapping;	/* [I] &data, or the block device's */
	const struct file_ops *fops;	/* [I] for struct file on open */
	u64 ino;			/* [I] what users see */
	/* [bucket lock] inode_iget() finds it by this, mostly the number */
	u64 key;
	u32 nlink;			/* [i] */
	dev_t rdev;			/* [I] */
	/* [i] written under the lock; any may read it (64-bit load) */
	loff_t size;
	s64 atime, mtime, ctime, btime; /* [a] ns since 1970, each stored whole */
	u64 blocks;			/* [s] 512-byte units in use */
	u64 version;			/* [a] change counter */
	u32 generation;			/* [I] */
	u32 blkbits;			/* [I] log2 of the preferred I/O unit */
	refcount_t refs;
	u32 state;			/* [s] enum inode_state */
	struct rwsem lock;		/* i */
	struct spinlock spin;		/* s */
	union {
		struct pipe *pipe;	/* [s] of a FIFO with openers */
		/* [s] block device or character device found on first open */
		void *device;
	};
	struct flock_context *locks;	/* [a] installed once, on the first lock */
	struct posix_acl *default_acl;	/* [i, R] of directories, as acl */
	void *notify_marks;		/* [s] owned by inotify */
	struct list aliases;		/* [s] dentries */
	struct list sb_link;		/* [superblock.inodes_lock] */
	struct list dirty_link;		/* [superblock.wb.lock] */
	u64 dirtied_when;		/* [a] monotonic ns, with dirty_link */
	u32 visited;			/* [superblock.wb.lock] */
	struct hlist_node hash;         /* [bucket] by inode number, file systems that ask for it */
	void *private;			/* [I] the file system's */
	const struct iomap_ops *iomap;	/* [I] how its data is found, see fs/iomap; or NULL */
	u32 map_seq;			/* [a] counts removals of blocks, see fs/iomap */
	struct rcu_head rcu;
	struct mapping data;
}; /* i: lock, s: spin, I: immutable once unlocked new */

/* What get_link hands back: the text, and how to release it. */
struct link_body {
	const char *text;
	void (*done)(void *arg); /* or NULL */
	void *arg;
};

/* What lsattr(1) and chattr(1) see of an inode. */
struct fileattr {
	u32 flags;   /* FS_*_FL */
	u32 project; /* quota project, 0 where there are none */
};

struct inode_ops {
	/*
	 * Find `dentry`'s name in `dir` and d_add() the inode, or NULL when there is none (which is
	 * success; -ENOENT instead where nothing can be created). A directory that already has a
	 * dentry elsewhere is returned through *alias with a reference instead.
	 */
	int (*lookup)(struct inode *dir, struct dentry *dentry, struct dentry **alias);
	int (*create)(struct inode *dir, struct dentry *dentry, umode_t mode);
	int (*link)(struct dentry *old, struct inode *dir, struct dentry *dentry);
	int (*unlink)(struct inode *dir, struct dentry *dentry);
	int (*symlink)(struct inode *dir, struct dentry *dentry, const char *target);
	int (*mkdir)(struct inode *dir, struct dentry *dentry, umode_t mode);
	int (*rmdir)(struct inode *dir, struct dentry *dentry);
	int (*mknod)(struct inode *dir, struct dentry *dentry, umode_t mode, dev_t rdev);
	int (*rename)(struct inode *old_dir, struct dentry *old, struct inode *new_dir,
		      struct dentry *new, unsigned flags);
	/* Create an unnamed file and d_instantiate() `dentry`, which is hashed nowhere. */
	int (*tmpfile)(struct inode *dir, struct dentry *dentry, umode_t mode);

	/* Optional: the body of a symlink when inode->link is NULL.  dentry NULL: must not sleep,
	 * -ECHILD if it would. */
	int (*get_link)(struct dentry *dentry, struct inode *inode, struct link_body *out);
	/* Magic links (S_MAGIC_LINK) only: where following leads, with references. */
	int (*jump_link)(struct dentry *dentry, struct inode *inode, struct path *out);

	/* All below are optional; absent means the generic behaviour, or EOPNOTSUPP for
	 * attributes. */
	int (*permission)(struct inode *inode, int mask);
	int (*setattr)(struct dentry *dentry, struct inode *inode, const struct iattr *attr);
	int (*getattr)(const struct path *path, struct inode *inode, struct kstat *out, u32 mask,
		       unsigned flags);
	ssize_t (*getxattr)(struct inode *inode, const char *name, void *buf, size_t size);
	/* value NULL removes; flags XATTR_CREATE, XATTR_REPLACE. */
	int (*setxattr)(struct inode *inode, const char *name, const void *value, size_t size,
			int flags);
	ssize_t (*listxattr)(struct inode *inode, char *buf, size_t size);
	int (*update_time)(struct inode *inode, s64 now, unsigned which); /* ATTR_ATIME and so on */
	/* POSIX lists, fs/vfs/posix_acl.h; type is enum posix_acl_type.  Read: *out NULL when there
	 * is none. */
	int (*get_acl)(struct inode *inode, int type, struct posix_acl **out);
	/* Store (NULL: remove), change the mode with it, inode_cache_acl(). */
	int (*set_acl)(struct inode *inode, int type, struct posix_acl *acl);
	/* Flags, and what FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR carry besides. */
	/*
	 * Where the data is on the superblock's device: calls fn for each extent of the whole file
	 * in order (bytes), until it fails; a hole is -EINVAL.  For swap files.  Locks: inode W.
	 */
	int (*extents)(struct inode *inode, int (*fn)(void *arg, u64 pos, u64 addr, u64 len),
		       void *arg);
	int (*fileattr_get)(struct inode *inode, struct fileattr *out);
	int (*fileattr_set)(struct inode *inode, const struct fileattr *attr);
};

/*
 * A new inode of `sb`: one reference, times now, size 0, nlink 1, empty mapping with `&data` as
 * mapping. Returns NULL when out of memory.  Context: may sleep.
 */
struct inode *inode_create(struct superblock *sb);

/*
 * The inode `ino` of `sb` from the hash; or a new one with I_NEW set, which the caller fills and
 * then passes to inode_unlock_new() or inode_iget_failed(); it may give it another number to show.
 * Others that ask meanwhile wait.
 * Returns 0 or -ENOMEM.  Context: may sleep.
 */
int inode_iget(struct superblock *sb, u64 ino, struct inode **out) __must_check;
void inode_unlock_new(struct inode *inode);
void inode_iget_failed(struct inode *inode);
/* The inode `ino` of `sb` if it is in the hash and complete, with a count, or NULL.  Context: may
 * sleep. */
struct inode *inode_lookup(struct superblock *sb, u64 ino);
/* The first inode of `sb`, hashed or not, that `match` accepts (called under a spinlock), with a
 * count, or NULL. */
struct inode *inode_search(struct superblock *sb, bool (*match)(const struct inode *, u64),
			   u64 arg);
/* Enter a new inode (I_NEW not needed) into the hash, so that inode_iget() finds it; waits for one
 * of that number that is being filled.  Returns 0 or -EEXIST.  Context: may sleep. */
int inode_insert(struct inode *inode) __must_check;
/* Enter an inode that its owner has not entered, if it is not there yet.  Context: any thread. */
void inode_hash_live(struct inode *inode);
/* By evict, before the number can be given to another inode. */
void inode_unhash(struct inode *inode);
/*
 * For file systems that find inodes by something that changes, as their place: found by
 * inode_iget() as `key` from now on, or (0) not at all; its number stays.  Nobody asks for either
 * key meanwhile. Context: may not hold spinlocks.
 */
void inode_rekey(struct inode *inode, u64 key);

static inline struct inode *inode_get(struct inode *inode)
{
	refcount_get(&inode->refs);
	return inode;
}

/* Drop a reference; the last one evicts.  NULL is nothing.  Context: may sleep. */
void inode_put(struct inode *inode);

/*
 * Note what (I_DIRTY_*) needs to reach the disk, after the change itself; calls
 * super_ops.dirty_inode for attributes. Context: any but hard interrupt, if dirty_inode allows.
 * Locks: takes inode.spin.
 */
void inode_mark_dirty(struct inode *inode, u32 what);

/* Write pages and attributes of one inode; see also fs/vfs/writeback.h.  Returns 0 or the first
 * error.  Context: may sleep. */
int inode_sync(struct inode *inode, bool wait, bool data_only);

/* Owner, group and mode of a new inode in `dir`: fsuid, fsgid or the directory's under set-gid. */
void inode_init_owner(struct inode *inode, const struct inode *dir, umode_t mode);

/* Set fops, rdev for a device, FIFO or socket node. */
void inode_init_special(struct inode *inode, umode_t mode, dev_t rdev);

/* Now, in the granularity of the superblock. */
s64 inode_now(const struct inode *inode);
/* Set the times named by ATTR_ATIME, ATTR_MTIME, ATTR_CTIME to now and mark dirty.  Context: may
 * sleep. */
void inode_touch(struct inode *inode, unsigned which);

/*
 * May the current credentials do `mask` to `inode`?  The one place of permission checks: read-only
 * superblock, immutable, the inode's own operation or mode bits and access list, capabilities.
 * Returns 0, -EACCES, -EROFS, -EPERM, or -ECHILD under MAY_NOT_BLOCK.  Context: as mask says.
 */
int inode_permission(struct inode *inode, int mask) __must_check;
/* The mode-bit part, for file systems that implement permission(). */
int generic_permission(struct inode *inode, int mask) __must_check;
/* Is the caller the owner, or capable of acting as one? */
bool inode_owner_or_capable(const struct inode *inode);
/* capable(cap) with respect to the inode's ids. */
bool inode_capable(const struct inode *inode, int cap);

/* Check the change in `attr` (and adjust it: set-gid clearing).  Returns 0 or -EPERM, -EACCES.
 * Locks: inode W. */
int setattr_prepare(struct inode *inode, struct iattr *attr) __must_check;
/* Copy everything but the size into the inode and mark it dirty.  Locks: inode W. */
void setattr_copy(struct inode *inode, const struct iattr *attr);
/* May the size become `size`: RLIMIT_FSIZE (sends SIGXFSZ), maximum of the file system.  Returns 0,
 * -EFBIG. */
int inode_newsize_ok(const struct inode *inode, loff_t size) __must_check;
/* Fill `out` from the inode: what getattr does when there is no operation. */
void generic_fillattr(struct inode *inode, struct kstat *out);

/* Writers against executables and the like.  Return 0 or -ETXTBSY. */
int inode_get_write(struct inode *inode) __must_check;
void inode_put_write(struct inode *inode);
int inode_deny_write(struct inode *inode) __must_check;
void inode_allow_write(struct inode *inode);

static inline bool inode_is_dir(const struct inode *i)
{
	return S_ISDIR(i->mode);
}

/* What readlink, execve and set-id writes need. */
int inode_remove_privs(struct dentry *dentry, struct inode *inode);

/* Two inodes in a fixed order; a == b or NULL allowed. */
void inode_lock_two(struct inode *a, struct inode *b);
void inode_unlock_two(struct inode *a, struct inode *b);

extern const struct inode_ops symlink_inode_ops; /* body in inode->link */
