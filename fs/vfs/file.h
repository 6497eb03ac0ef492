/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The open file.
 *
 * Locking of struct file_ops:
 *
 *	operation		locks held		may sleep
 *	read_iter write_iter	pos_lock if pos is the file's and the file is shared	yes, unless
 *	O_NONBLOCK lseek			pos_lock		yes
 *	iterate			pos_lock, inode R	yes
 *	poll			none			no
 *	ioctl			none			yes
 *	mmap			mm lock W		yes
 *	open			none			yes
 *	flush			none			yes	at each close(2)
 *	release			none			yes	once, after the last reference
 *	fsync fallocate		none			yes
 *	fasync			file.lock not held	yes
 *	splice_read splice_write none			yes
 *	lock flock		none			yes
 *	show_fdinfo		none			no
 *
 * struct file memory is type-stable under RCU: a lookup under rcu_read_lock() may find a file that
 * is being reused, so it takes a reference unless zero and then checks that the table still has it.
 */
#pragma once

#include <fs/vfs/types.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/mount.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>
#include <kernel/abi/fcntl.h>
#include <kernel/abi/fs.h>
#include <mm/iov_iter.h>
#include <mm/readahead.h>

struct cred;
struct dentry_ops;
struct dir_context;
struct file_lock;
struct file_owner;
struct iov_iter;
struct pipe;
struct poll_table;
struct seq;
struct vma;

/* file.mode */
enum file_mode {
	FMODE_READ = 1 << 0,
	FMODE_WRITE = 1 << 1,
	FMODE_LSEEK = 1 << 2,
	FMODE_PREAD = 1 << 3,
	FMODE_PWRITE = 1 << 4,
	FMODE_EXEC = 1 << 5,
	FMODE_PATH = 1 << 6,	   /* O_PATH */
	FMODE_ATOMIC_POS = 1 << 7, /* regular files and directories: position under pos_lock */
	FMODE_WRITER = 1 << 8,	   /* counted in inode.write_count and the mount's writers */
	FMODE_OPENED = 1 << 9,
	FMODE_STREAM = 1 << 10,	   /* no position at all */
	FMODE_NOWAIT = 1 << 11,	   /* honours RWF_NOWAIT */
	FMODE_NONOTIFY = 1 << 12,
	FMODE_CREATED = 1 << 14,
	FMODE_CAN_READ = 1 << 15,  /* read_iter exists */
	FMODE_CAN_WRITE = 1 << 16,
	FMODE_NEED_UNMOUNT = 1 << 17,
	FMODE_DENY_WRITE = 1 << 18, /* opened for execution: keeps writers out until released */
};

struct file {
	refcount_t refs;
	u32 mode;		    /* [I] FMODE_* */
	u32 flags;		    /* [f] O_*; read without */
	const struct file_ops *ops; /* [I] after open */
	struct inode *inode;	    /* [I] path.dentry's */
	struct mapping *mapping;    /* [I] where pages come from */
	void *private;		    /* the file's type decides */
	loff_t pos;		    /* [p] */
	struct path path;	    /* [I] */
	const struct cred *cred;    /* [I] of the opener */
	struct mutex pos_lock;	    /* p */
	struct spinlock lock;	    /* f */
	struct file_owner *owner;   /* [f] F_SETOWN, SIGIO; made on demand */
	void *epoll;		    /* [f] owned by epoll: the interest list of this file */
	struct file_ra ra;	    /* mm's; benign races */
	/* [f] write-back errors last seen, of the mapping and the superblock */
	u32 wb_err, sb_err;
	union {
		struct llist_node deferred;
		struct rcu_head rcu;
	};
};

struct file_ops {
	/* *pos advances by what was transferred.  Returns bytes, or a negative errno when none. */
	ssize_t (*read_iter)(struct file *file, struct iov_iter *to, loff_t *pos);
	ssize_t (*write_iter)(struct file *file, struct iov_iter *from, loff_t *pos);
	/* NULL: no position (ESPIPE), unless FMODE_LSEEK was set at open: then generic_lseek. */
	loff_t (*lseek)(struct file *file, loff_t offset, int whence);
	/* Emit entries from file->pos on through dir_emit(). */
	int (*iterate)(struct file *file, struct dir_context *ctx);
	/* NULL: always ready for both.  Calls poll_wait(), returns POLL* bits. */
	unsigned (*poll)(struct file *file, struct poll_table *pt);
	/* -ENOIOCTLCMD: not mine, ask the generic layer. */
	long (*ioctl)(struct file *file, unsigned cmd, unsigned long arg);
	int (*mmap)(struct file *file, struct vma *vma);
	int (*open)(struct inode *inode, struct file *file);
	int (*flush)(struct file *file, void *owner);
	int (*release)(struct file *file);
	int (*fsync)(struct file *file, loff_t start, loff_t end, bool data_only);
	/* Start or stop sending SIGIO: keep file's owner with fasync_set(). */
	int (*fasync)(struct file *file, bool on);
	/* Move up to len bytes from *pos into the pipe.  NULL: through read_iter and pages. */
	ssize_t (*splice_read)(struct file *file, loff_t *pos, struct pipe *pipe, size_t len,
			       unsigned flags);
	ssize_t (*splice_write)(struct pipe *pipe, struct file *file, loff_t *pos, size_t len,
				unsigned flags);
	long (*fallocate)(struct file *file, int mode, loff_t offset, loff_t len);
	/* NULL: the generic ones. */
	int (*lock)(struct file *file, int cmd, struct file_lock *lock);
	int (*flock)(struct file *file, int cmd, struct file_lock *lock);
	/* Whole-file copy offload; -EOPNOTSUPP or -EXDEV: fall back. */
	ssize_t (*copy_range)(struct file *in, loff_t in_pos, struct file *out, loff_t out_pos,
			      size_t len);
	loff_t (*clone_range)(struct file *in, loff_t in_pos, struct file *out, loff_t out_pos,
			      loff_t len);
	void (*show_fdinfo)(struct seq *out, struct file *file);
	int (*setfl)(struct file *file, unsigned flags); /* veto of F_SETFL */
	int (*fadvise)(struct file *file, loff_t offset, loff_t len, int advice);
};

static inline struct file *file_get(struct file *f)
{
	refcount_get(&f->refs);
	return f;
}

/*
 * Drop a reference; the last one releases the file at once.
 * Context: may sleep.  Where that is not possible: file_put_deferred().
 */
void file_put(struct file *f);
/* As file_put, from any thread context, under any lock but spinlocks ranked below file's: never
 * sleeps. */
void file_put_deferred(struct file *f);
/* Wait until all files given to file_put_deferred() by now are released. */
void file_flush_deferred(void);

/*
 * Open what `path` names: the inode's fops->open, access counts, FMODE bits.  Permissions are the
 * caller's business. Takes its own references.  Returns 0 or a negative errno.  Context: may sleep.
 */
int file_open(const struct path *path, u32 flags, const struct cred *cred,
	      struct file **out) __must_check;
/* Open a kernel-chosen name with the current credentials, permissions checked. */
int filp_open(const char *name, u32 flags, umode_t mode, struct file **out) __must_check;

/* I/O with kernel memory; no RLIMIT, no position lock.  Return bytes or a negative errno. */
ssize_t file_read(struct file *f, void *buf, size_t len, loff_t *pos) __must_check;
ssize_t file_write(struct file *f, const void *buf, size_t len, loff_t *pos) __must_check;
/* Read all of it into kvmalloc'ed memory (one NUL behind), at most `max`.  Returns 0, -EFBIG,
 * -ENOMEM... */
int file_read_all(struct file *f, size_t max, void **out, size_t *len) __must_check;

/* Where a write_iter goes, and whether it may wait: as the file says, or the one call (it->rwf). */
static inline bool file_appends(const struct file *f, const struct iov_iter *it)
{
	return (it->rwf & RWF_APPEND) || ((f->flags & O_APPEND) && !(it->rwf & RWF_NOAPPEND));
}

static inline bool file_nonblocking(const struct file *f, const struct iov_iter *it)
{
	return (f->flags & O_NONBLOCK) || (it->rwf & RWF_NOWAIT);
}

/* read_iter and write_iter with every check that read(2) makes (mode, RLIMIT_FSIZE is in the
 * generic write). */
ssize_t vfs_read_iter(struct file *f, struct iov_iter *to, loff_t *pos) __must_check;
ssize_t vfs_write_iter(struct file *f, struct iov_iter *from, loff_t *pos) __must_check;

/*
 * A file of no directory: eventfd, epoll, ...  `name` is what /proc shows ("anon_inode:[eventfd]").
 * All share one inode. Returns 0, -ENFILE, -ENOMEM.
 */
int anon_file_create(const char *name, const struct file_ops *ops, void *private, u32 flags,
		     struct file **out) __must_check;
/* A file on an inode of its own in an internal mount (sockets, pipes, memfds).  Consumes `inode` on
 * success. */
int inode_file_create(struct mount *mnt, struct inode *inode, const char *name,
		      const struct dentry_ops *dops, const struct file_ops *ops, u32 flags,
		      struct file **out) __must_check;

/* file.ops for regular files over the page cache. */
ssize_t generic_read_iter(struct file *f, struct iov_iter *to, loff_t *pos);
/* The part of write_iter before generic_write_sync().  Locks: inode W. */
ssize_t generic_write_locked(struct file *f, struct iov_iter *from, loff_t *pos);
int generic_file_mmap(struct file *f, struct vma *vma);
int generic_fsync(struct file *f, loff_t start, loff_t end, bool data_only);
int noop_fsync(struct file *f, loff_t start, loff_t end, bool data_only);
loff_t generic_lseek(struct file *f, loff_t offset, int whence);
/* lseek within `eof`, with SEEK_DATA and SEEK_HOLE treating all as data. */
loff_t generic_lseek_size(struct file *f, loff_t offset, int whence, loff_t max, loff_t eof);
loff_t no_lseek(struct file *f, loff_t offset, int whence); /* -ESPIPE */
loff_t noop_lseek(struct file *f, loff_t offset, int whence); /* position unchanged, success */
ssize_t splice_read_pages(struct file *f, loff_t *pos, struct pipe *pipe, size_t len,
			  unsigned flags);

/*
 * Before a write at *pos (O_APPEND moves it): the limits, RLIMIT_FSIZE and the file system's
 * maximum, shorten `from`; set-id bits go, times move.  Returns bytes allowed (0: nothing to do),
 * -EFBIG, -ETXTBSY (swapped to), or what storing the attributes returned.  Locks: inode W.
 */
ssize_t generic_write_prepare(struct file *f, struct iov_iter *from, loff_t *pos) __must_check;

/* Not seekable, whatever fops say: to be called in open(). */
static inline int nonseekable_open(struct inode *inode, struct file *f)
{
	f->mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS);
	return 0;
}
static inline int stream_open(struct inode *inode, struct file *f)
{
	f->mode &= ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE | FMODE_ATOMIC_POS);
	f->mode |= FMODE_STREAM;
	return 0;
}

void file_accessed(struct file *f); /* atime, by the mount's rules */
int file_update_time(struct file *f);	/* mtime and ctime before a write */
/* Strip set-id bits and capability attributes before a write.  Locks: inode W. */
int file_remove_privs(struct file *f);

/* How many files are open, and the limit: /proc/sys/fs/file-nr. */
u64 files_open_count(void);

/*
 * SIGIO.  kernel/proc supplies how a signal is sent; until then nothing is.
 */
struct file_owner {
	struct file *file;
	void *pid;	/* struct pid of the owner, counted through the hooks */
	u32 pid_type;	/* F_OWNER_TID, _PID, _PGRP */
	u32 uid, euid;	/* of who set it */
	u32 signum;	/* F_SETSIG, 0: SIGIO */
};

struct file_owner_ops {
	/* A counted struct pid for the number, or NULL. */
	void *(*pid_get)(s32 nr);
	void (*pid_put)(void *pid);
	s32 (*pid_nr)(void *pid);
	void (*send)(struct file_owner *owner, int fd, unsigned band); /* POLL_IN, ... */
	void (*send_urg)(struct file_owner *owner);
};
void file_owner_set_ops(const struct file_owner_ops *ops);
int file_set_owner(struct file *f, s32 who, u32 pid_type, bool force) __must_check;

/* The list of files that want SIGIO for one object. */
struct fasync {
	struct fasync *next;
	struct file *file;
	int fd;
	struct rcu_head rcu;
};
/* Add or remove `f`; *list is guarded inside.  Returns 0 or -ENOMEM. */
int fasync_set(struct file *f, int fd, bool on, struct fasync **list) __must_check;
/* Send to all on the list.  Context: any. */
void fasync_kill(struct fasync **list, unsigned band);

void file_init(void);

/* Set by epoll: called once for each file that had file->epoll set, before release. */
extern void (*file_epoll_release)(struct file *f);
