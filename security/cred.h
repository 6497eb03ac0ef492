/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credentials: who a thread is, and what it may do.
 *
 * A struct cred never changes once a thread or file refers to it.  A thread changes identity by
 * preparing a copy, changing the copy and committing it: readers of another thread's credentials
 * look under RCU and see the old or the new, never a mixture.  capabilities(7), credentials(7).
 */
#pragma once

#include <kernel/lib/refcount.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/rcu.h>

/*
 * Capability numbers beyond the last are refused; the last is what /proc/sys/kernel/cap_last_cap
 * says.
 */
#define CAP_LAST     40
#define CAP_FULL_SET ((1ull << (CAP_LAST + 1)) - 1)

#define NGROUPS_LIMIT 65536

/* Supplementary groups, sorted for binary search. */
struct group_list {
	refcount_t refs;
	u32 count;  /* [I] */
	u32 gids[]; /* [I] ascending */
};

/*
 * What all processes of one real user share: the counts that RLIMIT_NPROC and RLIMIT_SIGPENDING
 * bound.
 */
struct user {
	refcount_t refs;
	u32 uid;                /* [I] */
	u32 nr_processes;       /* [a] threads, as Linux counts */
	u32 nr_sigqueue;        /* [a] queued signals */
	u32 nr_in_flight;       /* [a] descriptors under way in local sockets */
	struct hlist_node link; /* [u] users_lock */
};

struct cred {
	refcount_t refs;
	u32 uid, euid, suid, fsuid;
	u32 gid, egid, sgid, fsgid;
	u32 securebits;
	u32 no_new_privs;
	u64 cap_inheritable, cap_permitted, cap_effective, cap_bounding, cap_ambient;
	struct group_list *groups;
	struct user *user;
	struct rcu_head rcu;
};

/* The first credentials: root with every capability. */
extern struct cred init_cred;

/*
 * The running thread's.  Valid until it commits others; take a reference to keep.  Context: any
 * thread.
 */
static inline const struct cred *cred_current(void)
{
	return thread_current()->cred;
}

static inline const struct cred *cred_get(const struct cred *c)
{
	refcount_get(&((struct cred *)c)->refs);
	return c;
}

/* Drop a reference; the last frees after a grace period.  Context: any. */
void cred_put(const struct cred *c);

/* `t`'s credentials with a reference.  Context: any; takes the RCU read side. */
const struct cred *cred_of(struct thread *t);

/*
 * Act as `c` for a while, for work on behalf of somebody else (an overlay's mounter): returns what
 * cred_revert() takes.  `c` stays the caller's and must outlast it.  Others see `c` as the thread's
 * meanwhile.  Nests.
 */
static inline const struct cred *cred_override(const struct cred *c)
{
	struct thread *t = thread_current();
	const struct cred *old = t->cred;

	atomic_store_release(&t->cred, c);
	return old;
}

static inline void cred_revert(const struct cred *old)
{
	atomic_store_release(&thread_current()->cred, old);
}

/* A private copy of the running thread's credentials.  Returns 0 or -ENOMEM.  Context: may sleep.
 */
int __must_check cred_prepare(struct cred **out);
void cred_abandon(struct cred *new);

/*
 * Make `new` the running thread's and consume it.  When an id that others' access to us depends on
 * changed, the process is no longer dumpable.  Context: may sleep.
 */
void cred_commit(struct cred *new);

/*
 * Set the uid whose counts we use; called on `new` after its uid changed.  Returns 0 or -ENOMEM
 * (old user kept).
 */
int __must_check cred_set_user(struct cred *new, u32 uid);

bool cred_in_group(const struct cred *c, u32 gid);

static inline bool cred_capable(const struct cred *c, int cap)
{
	return c->cap_effective >> cap & 1;
}

/* Has the running thread `cap` (CAP_*)?  Context: thread. */
static inline bool capable(int cap)
{
	return cred_capable(cred_current(), cap);
}

/* Find or create the user structure of `uid`.  Returns NULL when out of memory. */
struct user *user_get(u32 uid);
void user_put(struct user *u);

/* A group list of `count` entries, to be filled and sorted by the caller.  NULL when out of memory.
 */
struct group_list *group_list_create(u32 count);
void group_list_put(struct group_list *g);
void group_list_sort(struct group_list *g);

void cred_init(void);
