/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dentry: a name in a directory, found or known to be absent.
 *
 * A dentry that is in the tree holds one count of its own (the tree's), so the count falls to zero
 * only once it is taken out, and never rises from zero.  Lookups without locks take a count only if
 * it is not zero.  Idle dentries (count 1) stay until the shrinker takes them; file systems that
 * live in the cache pin theirs with one more count.
 *
 *	field				changed under
 *	hash chain			bucket lock; read under RCU
 *	parent, name, len, hash_val	rename_lock (sequence lock), old and new parent inode W,
 *	dentry.seq; read under RCU + seq inode				parent inode W, dentry.lock, dentry.seq; read
 *	under RCU + seq, or with a reference children, sibling		the parent's dentry.lock
 *	alias				inode.spin
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/seqlock.h>
#include <kernel/sync/rcu.h>

struct dentry;
struct inode;
struct path;
struct seq;
struct superblock;

/* dentry.flags */
enum dentry_flags {
	DENTRY_HASHED = 1 << 0,     /* in the hash (or the root of a superblock: then never) */
	DENTRY_MOUNTED = 1 << 1,    /* something is mounted here, in some namespace */
	DENTRY_REFERENCED = 1 << 2, /* used since the shrinker came by */
	DENTRY_LRU = 1 << 3,
	DENTRY_PINNED = 1 << 4,     /* holds its file system's own count */
	DENTRY_REVALIDATE = 1 << 5, /* ops->revalidate exists */
	DENTRY_DEAD = 1 << 6,
	DENTRY_NO_CACHE = 1 << 7,   /* ops->drop_idle: drop when the last user leaves */
	DENTRY_CANT_MOUNT = 1 << 8, /* removed */
	DENTRY_ANON = 1 << 9,       /* no parent, never in a directory: pipes, sockets, memfds */
	DENTRY_PARENT_WATCHED = 1 << 10,
};

#define DENTRY_INLINE_NAME 40

struct dentry_ops {
	/* Is the cached answer still true?  1 yes, 0 no, negative errno.  NULL rcu dentry means:
	 * -ECHILD if it would sleep. */
	int (*revalidate)(struct dentry *dentry, bool rcu);
	/* Text that stands for the path of an anonymous file ("pipe:[17]"). */
	void (*dname)(struct dentry *dentry, struct seq *out);
	void (*release)(struct dentry *dentry); /* frees fsdata */
};

struct dentry {
	u32 flags;		    /* [a] */
	struct seqcount seq;	    /* odd while name, parent or inode changes */
	struct hlist_node hash;	    /* [bucket, R] */
	struct dentry *parent;	    /* [r, R] itself for a root */
	u32 hash_val, len;	    /* [r, R] */
	/* [r, R] NUL-terminated; inline_name or allocated, freed after a grace period */
	const char *name;
	struct inode *inode;	    /* [l, R] NULL: negative */
	char inline_name[DENTRY_INLINE_NAME];
	refcount_t refs;
	struct spinlock lock;	    /* l */
	struct superblock *sb;	    /* [I] */
	const struct dentry_ops *ops; /* [I] or NULL */
	void *fsdata;		    /* the file system's */
	struct list sibling;	    /* [parent's l] */
	struct list children;	    /* [l] */
	struct list alias;	    /* [inode.spin] */
	union {
		struct list lru;    /* [lru lock] */
		struct rcu_head rcu;
	};
	/* [parent inode W] position in directory listings, file systems that live in the cache */
	u64 cookie;
};

/* A component of a path: bytes, not terminated. */
struct qstr {
	const char *name;
	u32 len, hash;
};

u32 qstr_hash(const struct dentry *parent, const char *name, size_t len);

static inline struct dentry *dentry_get(struct dentry *d)
{
	refcount_get(&d->refs);
	return d;
}

/* Drop a count.  Context: may sleep if it might be the last (it then drops the inode and the
 * parent). */
void dentry_put(struct dentry *d);

/* A new dentry under `parent` (a count on it is taken), negative, not hashed.  NULL: out of
 * memory. */
struct dentry *d_alloc(struct dentry *parent, const struct qstr *name);
/* The root of a superblock; consumes the reference to `root` even on failure.  NULL: out of
 * memory. */
struct dentry *d_make_root(struct superblock *sb, struct inode *root);
/* A dentry in no directory, for anonymous files; consumes no reference.  NULL: out of memory. */
struct dentry *d_alloc_anon(struct superblock *sb, const char *name, const struct dentry_ops *ops);

/* A dentry in no directory for a file whose names are not known: negative, not hashed, a root to
 * who looks up.  NULL: out of memory. */
struct dentry *d_alloc_alone(struct superblock *sb);

/* Give a negative dentry its inode; consumes the reference.  Locks: parent inode W. */
void d_instantiate(struct dentry *d, struct inode *inode);
/* Hash it, with its inode or negative (NULL).  Consumes the inode reference.  Locks: parent inode
 * W. */
void d_add(struct dentry *d, struct inode *inode);
/*
 * As d_add; but a directory inode that already has a dentry is moved here (or returned) instead, so
 * that directories keep one name.  *alias gets it with a count, or NULL.  Returns 0, -ELOOP when it
 * lies above, -ESTALE when a rename is under way there.
 */
int d_splice_alias(struct dentry *d, struct inode *inode, struct dentry **alias) __must_check;
/*
 * The same where a name may be spelled in several ways: when the inode has a dentry in this
 * directory already, that is it.
 */
int d_splice_spelling(struct dentry *d, struct inode *inode,
		      struct dentry **alias) __must_check;

/* Take out of the hash; lookups no longer find it.  Idempotent. */
void d_drop(struct dentry *d);
/* After unlink or rmdir: becomes negative if nobody else uses it, else leaves the hash.  Locks:
 * parent inode W. */
void d_delete(struct dentry *d);
/* Rename `d` to the place of `target` (whose parent is the new directory); `target` leaves the
 * hash.  Locks: as rename. */
void d_move(struct dentry *d, struct dentry *target);
void d_exchange(struct dentry *a, struct dentry *b);

/* The child, with a count, or NULL if the cache has none.  Context: any. */
struct dentry *d_lookup(struct dentry *parent, const struct qstr *name);
/* Under RCU, no count: *seq validates inode and name.  NULL: not cached, or a change was under
 * way. */
struct dentry *d_lookup_rcu(const struct dentry *parent, const struct qstr *name, u32 *seq);

/* Is `d` equal to or below `ancestor`? */
bool d_is_below(struct dentry *d, struct dentry *ancestor);
/* A dentry of the inode, one that lookups find if there is one, with a count, or NULL. */
struct dentry *d_find_alias(struct inode *inode);

/* Drop every idle dentry below `d`; used at umount and rmdir.  Context: may sleep. */
void d_prune_tree(struct dentry *d);
/* A directory's cached children vanished behind its back (process exit): drop them and detach
 * mounts. */
void d_invalidate(struct dentry *d);

static inline bool d_is_negative(const struct dentry *d)
{
	return !READ_ONCE(d->inode);
}

static inline bool d_is_root(const struct dentry *d)
{
	return READ_ONCE(d->parent) == d;
}

static inline bool d_unhashed(const struct dentry *d)
{
	return !(READ_ONCE(d->flags) & DENTRY_HASHED);
}

/* The parent, with a count. */
struct dentry *dentry_get_parent(struct dentry *d);

/* The path from the root of d's file system, as mountinfo prints it: into buf's end.  Returns start
 * or NULL (too long). */
char *dentry_path(struct dentry *d, char *buf, size_t size);

void dcache_init(void);
