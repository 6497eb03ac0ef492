/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Credentials: copies, commits, and the users they count against.
 *
 * A committed struct cred is immutable, so sharing needs only a reference count, and replacing one
 * is a pointer store.  The old one is freed after a grace period because other threads read it
 * under RCU (cred_of).
 *
 * Users live in a hash table under users_lock; a user is removed when its last reference goes,
 * under the lock, so a lookup never finds a dying one.
 */
#include <security/cred.h>

#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/lib/sort.h>
#include <kernel/lib/string.h>
#include <kernel/sync/spinlock.h>
#include <mm/alloc.h>

static_assert(CAP_LAST == CAP_LAST_CAP, "capabilities of the headers");

#define USER_BUCKETS 64

static struct spinlock users_lock = SPINLOCK_INIT(RANK_CRED);
static struct hlist_head users[USER_BUCKETS]; /* [u] users_lock */
static struct slab_cache *cred_cache;

static struct group_list no_groups = {.refs = REFCOUNT_INIT(2)};
static struct user root_user = {.refs = REFCOUNT_INIT(2)};

struct cred init_cred = {
	.refs = REFCOUNT_INIT(2),
	.cap_permitted = CAP_FULL_SET,
	.cap_effective = CAP_FULL_SET,
	.cap_bounding = CAP_FULL_SET,
	.groups = &no_groups,
	.user = &root_user,
};

void cred_init(void)
{
	cred_cache = slab_create("cred", sizeof(struct cred), 0, 0, NULL);
	hlist_push(&users[0], &root_user.link);
}

static struct user *user_find_locked(u32 uid)
{
	struct user *u;

	hlist_for_each(u, &users[uid % USER_BUCKETS], link)
	{
		if (u->uid == uid) {
			refcount_get(&u->refs);
			return u;
		}
	}
	return NULL;
}

struct user *user_get(u32 uid)
{
	struct user *u, *fresh;

	irqflags_t flags = spin_lock_irqsave(&users_lock);
	u = user_find_locked(uid);
	spin_unlock_irqrestore(&users_lock, flags);
	if (u)
		return u;

	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return NULL;
	refcount_set(&fresh->refs, 1);
	fresh->uid = uid;
	/* Unlocked by hand: the loser of a race frees its copy outside the lock. */
	flags = spin_lock_irqsave(&users_lock);
	u = user_find_locked(uid);
	if (!u) {
		hlist_push(&users[uid % USER_BUCKETS], &fresh->link);
		u = fresh;
		fresh = NULL;
	}
	spin_unlock_irqrestore(&users_lock, flags);
	kfree(fresh);
	return u;
}

void user_put(struct user *u)
{
	u32 n = refcount_read(&u->refs);

	while (n > 1) {
		if (atomic_cmpxchg(&u->refs.n, &n, n - 1))
			return;
	}
	/* The last put must be seen by no lookup: it happens under the lock that lookups hold. */
	irqflags_t flags = spin_lock_irqsave(&users_lock);
	bool last = refcount_put(&u->refs);
	if (last)
		hlist_remove(&u->link);
	spin_unlock_irqrestore(&users_lock, flags);
	if (last)
		kfree(u);
}

struct group_list *group_list_create(u32 count)
{
	struct group_list *g = kvmalloc(sizeof(*g) + count * sizeof(g->gids[0]), GFP_KERNEL);

	if (!g)
		return NULL;
	refcount_set(&g->refs, 1);
	g->count = count;
	return g;
}

void group_list_put(struct group_list *g)
{
	if (refcount_put(&g->refs))
		kvfree(g);
}

static int gid_compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

void group_list_sort(struct group_list *g)
{
	sort(g->gids, g->count, sizeof(g->gids[0]), gid_compare);
}

bool cred_in_group(const struct cred *c, u32 gid)
{
	const struct group_list *g = c->groups;
	u32 low = 0, high = g->count;

	if (gid == c->fsgid)
		return true;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (g->gids[mid] == gid)
			return true;
		if (g->gids[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

static void cred_free(struct cred *c)
{
	group_list_put(c->groups);
	user_put(c->user);
	slab_free(cred_cache, c);
}

static void cred_free_rcu(struct rcu_head *head)
{
	cred_free(container_of(head, struct cred, rcu));
}

void cred_put(const struct cred *c)
{
	struct cred *gone = (struct cred *)c;

	if (gone && refcount_put(&gone->refs))
		call_rcu(&gone->rcu, cred_free_rcu);
}

const struct cred *cred_of(struct thread *t)
{
	guard_rcu();
	for (;;) {
		struct cred *c = (struct cred *)rcu_dereference(t->cred);

		if (refcount_get_unless_zero(&c->refs))
			return c;
	}
}

int cred_prepare(struct cred **out)
{
	struct cred *new = slab_alloc(cred_cache, GFP_KERNEL);

	if (!new)
		return -ENOMEM;
	memcpy(new, cred_current(), sizeof(*new));
	refcount_set(&new->refs, 1);
	refcount_get(&new->groups->refs);
	refcount_get(&new->user->refs);
	*out = new;
	return 0;
}

void cred_abandon(struct cred *new)
{
	cred_free(new);
}

int cred_set_user(struct cred *new, u32 uid)
{
	struct user *u = user_get(uid);

	if (!u)
		return -ENOMEM;
	user_put(new->user);
	new->user = u;
	return 0;
}

void cred_commit(struct cred *new)
{
	struct thread *t = thread_current();
	const struct cred *old = t->cred;

	/* The count of processes follows the thread to its new user. */
	if (new->user != old->user) {
		atomic_inc(&new->user->nr_processes);
		atomic_dec(&old->user->nr_processes);
	}
	rcu_assign_pointer(t->cred, new);
	cred_put(old);
}
