/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Superblocks and file-system types.
 *
 * Locking of struct super_ops:
 *
 *	operation	locks held		may sleep
 *	alloc_inode	none			yes
 *	free_inode	none, after a grace period	no
 *	evict		none, inode unreachable	yes
 *	write_inode	none			yes
 *	sync		superblock.umount R	yes
 *	statfs		none			yes
 *	remount		superblock.umount W	yes
 *	put		superblock.umount W, all inodes gone	yes
 *	show_options	mounts_lock R		no (text only)
 */
#pragma once

#include <fs/vfs/types.h>
#include <fs/vfs/writeback.h>
#include <kernel/lib/linkset.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/rwsem.h>
#include <kernel/sync/spinlock.h>

struct dentry;
struct dentry_ops;
struct export_ops;
struct fs_type;
struct inode;
struct seq;
struct super_ops;

/* superblock.flags: MS_* numbers of mount(2) that belong to the superblock */
#define SB_RDONLY      1
#define SB_NOSUID      2
#define SB_NODEV       4
#define SB_NOEXEC      8
#define SB_SYNCHRONOUS 16
#define SB_MANDLOCK    64
#define SB_DIRSYNC     128
#define SB_NOATIME     1024
#define SB_SILENT      32768
#define SB_POSIXACL    (1 << 16)
#define SB_LAZYTIME    (1 << 25)
#define SB_NOUSER      (1u << 31)
#define SB_USER_FLAGS  (SB_RDONLY | SB_SYNCHRONOUS | SB_MANDLOCK | SB_DIRSYNC | SB_LAZYTIME)

struct superblock {
	const struct fs_type *type;	/* [I] */
	const struct super_ops *ops;	/* [I] */
	const struct dentry_ops *dops;	/* [I] for new dentries, or NULL */
	const struct export_ops *exports; /* [I] handles of its files, or NULL */
	u32 flags;			/* [u] SB_* */
	dev_t dev;                      /* [I] the block device, or an anonymous number (major 0) */
	u32 magic;			/* [I] f_type */
	u32 blocksize;			/* [I] bytes */
	u32 blkbits;			/* [I] */
	u32 time_gran;			/* [I] ns */
	u32 stack_depth;		/* [I] how many overlays are below, itself included */
	u32 max_links;			/* [I] 0: no limit of its own */
	u32 namelen;			/* [I] */
	loff_t max_bytes;		/* [I] largest file */
	struct dentry *root;		/* [I] once mounted */
	void *private;			/* [I] the file system's */
	void *bdev;			/* [I] block device, or NULL */
	char id[32];			/* [I] "vda1", or the type's name */
	u64 uuid[2];			/* [I] */
	refcount_t active;              /* mounts and others that keep it alive; 0: shutting down */
	refcount_t refs;		/* memory only */
	struct rwsem umount;		/* u: R to use, W to mount, remount, shut down */
	struct mutex rename;		/* cross-directory renames */
	struct spinlock inodes_lock;	/* n */
	struct list inodes;		/* [n] */
	struct writeback wb;            /* inodes to be written; used with ops->write_inode only */
	/* [I] pages of the block device, written by super_sync; or NULL */
	struct mapping *device;
	/* [I] for mapping.readahead of its inodes, or NULL */
	const struct readahead_limits *readahead;
	struct list link;		/* [supers lock] all superblocks */
	/* [a] watches on anything here: 0 lets events skip the lookup */
	u32 notify_count;
	u32 wb_err;                     /* [a] write-back error sequence (errseq.h), for syncfs */
	void *user_ns;			/* [I] opaque owner */
	struct rcu_head rcu;
};

struct super_ops {
	/* All optional but evict, which has a default that drops the pages. */
	/* memory with struct inode inside, not cleared */
	struct inode *(*alloc_inode)(struct superblock *sb);
	void (*free_inode)(struct inode *inode);
	/* Last reference: drop pages (cache_truncate), free blocks when nlink is 0, release private
	 * data. */
	void (*evict)(struct inode *inode);
	int (*write_inode)(struct inode *inode, bool wait);
	/* I_DIRTY_SYNC or I_DIRTY_DATA is being marked, again or not. */
	void (*dirty_inode)(struct inode *inode, u32 what);
	int (*sync)(struct superblock *sb, bool wait);
	int (*statfs)(struct superblock *sb, struct kstatfs *out);
	int (*remount)(struct superblock *sb, u32 flags, char *options);
	void (*put)(struct superblock *sb);
	void (*show_options)(struct superblock *sb, struct seq *out); /* ",size=4k" */
	void (*show_source)(struct superblock *sb, struct seq *out);
	int (*show_path)(struct seq *out, struct dentry *root);
	int (*freeze)(struct superblock *sb);
	int (*unfreeze)(struct superblock *sb);
};

/* What mount(2) was given. */
struct fs_params {
	const char *source;  /* may be NULL */
	u32 flags;	     /* SB_* */
	char *options;	     /* the data string, writable, or NULL */
};

/*
 * The next "key" or "key=value" of options; *pos advances, the text is cut in place.  *value is
 * NULL when there is no '='. Returns false at the end.
 */
bool fs_option_next(char **pos, char **key, char **value);

enum fs_type_flags {
	FS_REQUIRES_DEV = 1 << 0, /* /proc/filesystems: without "nodev" */
	FS_USERNS_MOUNT = 1 << 1, /* may be mounted by the root of a user namespace */
	FS_NO_USER = 1 << 2,	  /* not by mount(2) at all */
	/* cannot be written: stays SB_RDONLY whatever a remount asks for */
	FS_READ_ONLY = 1 << 3,
};

struct fs_type {
	const char *name;
	u32 flags;
	/*
	 * Produce a superblock with an active reference and `umount` held for writing: by
	 * super_create(), filled until sb->root is set, or an existing one by super_share().
	 * Returns 0 or a negative errno.  Context: may sleep.
	 */
	int (*mount)(const struct fs_type *type, const struct fs_params *params,
		     struct superblock **out);
	void (*kill)(struct superblock *sb); /* or NULL; after put: free sb->private */
};

/* At file scope, beside the type: FS_TYPE(tmpfs_type); */
#define FS_TYPE(type) LINKSET_ENTRY(fs_types, struct fs_type, type)

const struct fs_type *fs_type_find(const char *name);
/* The types that need a device, in some order; NULL after the last. */
const struct fs_type *fs_type_on_device(unsigned index);

/* A new superblock with an anonymous device number; umount held W, active 1.  Returns 0 or -ENOMEM,
 * -EMFILE. */
int super_create(const struct fs_type *type, const struct fs_params *params,
		 const struct super_ops *ops, struct superblock **out) __must_check;
/* The existing superblock of `type` that `match` accepts, made active and locked; -ENOENT when
 * there is none. */
int super_share(const struct fs_type *type, bool (*match)(struct superblock *, void *), void *arg,
		struct superblock **out) __must_check;
/* type->mount(), and write-back for what it made.  Returns and locks as that. */
int super_mount(const struct fs_type *type, const struct fs_params *params,
		struct superblock **out) __must_check;
/* Undo a half-made superblock in mount(). */
void super_abandon(struct superblock *sb);
/* Drop an active reference; the last one shuts the file system down.  Context: may sleep, umount
 * not held. */
void super_put_active(struct superblock *sb);

int super_statfs(struct superblock *sb, struct kstatfs *out) __must_check;
/* Write everything dirty.  Returns 0 or the first error. */
int super_sync(struct superblock *sb, bool wait);
void super_sync_all(bool wait);
/* All superblocks read-only, as far as possible: the end of the world. */
void super_remount_all_readonly(void);

/* Anonymous device numbers. */
int anon_dev_get(dev_t *out) __must_check;
void anon_dev_put(dev_t dev);

/* /proc/filesystems */
void fs_types_show(struct seq *out);
