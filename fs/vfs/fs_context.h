/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a thread stands in the tree: working directory, root, umask, mount namespace.  Shared by
 * CLONE_FS.
 *
 * `users` are the threads that share it and nobody else: setns(2) refuses what is shared.  So who
 * looks at another thread's takes no count but copies what it wants under RCU and `lock`; a context
 * without users has been emptied, or soon will be.
 */
#pragma once

#include <fs/vfs/mount.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/seqlock.h>
#include <kernel/sync/spinlock.h>

struct fs_context {
	refcount_t users;
	struct spinlock lock;	  /* l */
	struct seqcount seq;	  /* for path walks under RCU */
	u32 umask;		  /* [l], read alone */
	bool in_exec;		  /* [l] */
	struct path root, cwd;	  /* [l, seq] */
	struct mount_ns *mnt_ns;  /* [l] */
	struct rcu_head rcu;
};

/* A copy, or with CLONE_FS (share) the same with one more user.  Returns 0 or -ENOMEM. */
int fs_fork(struct fs_context *old, bool share, struct fs_context **out) __must_check;
void fs_put(struct fs_context *fs);
/* Make current's own.  Returns 0 or -ENOMEM. */
int fs_unshare(void) __must_check;

/* Copies with references. */
void fs_get_root(struct fs_context *fs, struct path *out);
void fs_get_cwd(struct fs_context *fs, struct path *out);
/* Set, taking references. */
void fs_set_root(struct fs_context *fs, const struct path *path);
void fs_set_cwd(struct fs_context *fs, const struct path *path);
/* Every thread's root and cwd that is `from` becomes `to`: pivot_root(2). */
void fs_move_all(const struct path *from, const struct path *to);

/* Copies with references of what another thread has; NULL where not wanted.  Returns 0 or -ENOENT:
 * it is ending.  Context: any thread. */
int fs_look(struct thread *t, struct path *root, struct path *cwd, struct mount_ns **ns);
/* Another thread's umask; 0 when it is ending. */
u32 fs_umask_of(struct thread *t);
/* Put `ns` in the place of the mount namespace; consumes the reference. */
void fs_set_mount_ns(struct fs_context *fs, struct mount_ns *ns);

/* Supplied by the room that knows all threads: call fn under RCU for the context of each; it may
 * have lost its users. */
void fs_context_set_walker(void (*walk)(void (*fn)(struct fs_context *fs, void *arg), void *arg));

struct fs_context *fs_current(void);
u32 current_umask(void);

extern struct fs_context *init_fs; /* the boot thread's, after mount_init() */
