/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advisory locks.  flock(2), fcntl(2) "Advisory record locking".
 *
 * An inode that was ever locked has a flock_context with two lists: whole-file locks of open files
 * (flock) and record locks of processes or open files.  Waiters sleep on one queue for each inode
 * and try again at every release; conflicts on one file are few, so waking all is cheap enough and
 * never wrong.
 *
 * Deadlock of processes waiting for each other's record locks is found by walking from the holder
 * to whom it waits for.
 *
 * Lock order: flock_context.lock, then blocked_lock.
 */
#include <fs/locks.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/debug/assert.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/alloc.h>
#include <fs/vfs/core.h>

struct flock_context {
	struct spinlock lock;	  /* c */
	struct list flocks;	  /* [c] struct file_lock.link */
	struct list records;	  /* [c] by owner together, then by first byte */
	struct wait_queue wait;	  /* for a release */
	struct inode *inode;	  /* [I] */
	struct list all;	  /* [contexts_lock] */
};

/* A process that sleeps for a record lock of another. */
struct blocked {
	struct list link; /* [blocked_lock] */
	void *owner, *holder;
};

static struct spinlock blocked_lock = SPINLOCK_INIT(RANK_FLOCK);
static struct list blocked_list = LIST_INIT(blocked_list);
static struct mutex contexts_lock = MUTEX_INIT(contexts_lock, RANK_SLEEP_LEAF);
static struct list contexts = LIST_INIT(contexts);
static u32 (*owner_pid)(void);

u32 lock_owner_pid(void)
{
	return owner_pid ? owner_pid() : thread_current()->tid;
}

void lock_set_owner_pid(u32 (*fn)(void))
{
	owner_pid = fn;
}

/* The context, made if need be.  NULL: out of memory. */
static struct flock_context *context_make(struct inode *inode)
{
	struct flock_context *c = atomic_load_acquire(&inode->locks), *fresh, *none = NULL;

	if (c)
		return c;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL);
	if (!fresh)
		return NULL;
	spin_init(&fresh->lock, RANK_FLOCK, "flock");
	list_init(&fresh->flocks);
	list_init(&fresh->records);
	wait_queue_init(&fresh->wait);
	fresh->inode = inode;
	if (!atomic_cmpxchg(&inode->locks, &none, fresh)) {
		kfree(fresh);
		return none;
	}
	with_mutex(&contexts_lock)
		list_push_back(&contexts, &fresh->all);
	return fresh;
}

void locks_free_context(struct inode *inode)
{
	struct flock_context *c = inode->locks;

	if (!c)
		return;
	ASSERT(list_empty(&c->flocks) && list_empty(&c->records));
	with_mutex(&contexts_lock)
		list_remove(&c->all);
	inode->locks = NULL;
	kfree(c);
}

/* flock */

static bool types_conflict(short a, short b)
{
	return a == F_WRLCK || b == F_WRLCK;
}

static bool flock_conflict(const struct flock_context *c, const struct file *f, unsigned type)
{
	struct file_lock *l;

	list_for_each (l, &c->flocks, link) {
		if (l->owner != f && types_conflict(l->type, type))
			return true;
	}
	return false;
}

static struct file_lock *flock_find(const struct flock_context *c, const struct file *f)
{
	struct file_lock *l;

	list_for_each (l, &c->flocks, link) {
		if (l->owner == f)
			return l;
	}
	return NULL;
}

/* Try once.  *freed: a lock to kfree.  Returns 0 or -EAGAIN.  A conversion drops the old lock
 * first, as on Linux. */
static int flock_try(struct flock_context *c, struct file *f, unsigned type,
		     struct file_lock **fresh, struct file_lock **freed)
{
	struct file_lock *mine;

	guard_spin(&c->lock);
	mine = flock_find(c, f);
	if (mine && mine->type == (short)type)
		return 0;
	if (mine) {
		list_remove(&mine->link);
		*freed = mine;
	}
	if (type == F_UNLCK)
		return 0;
	if (flock_conflict(c, f, type))
		return -EAGAIN;
	**fresh = (struct file_lock){
		.type = type, .owner = f, .pid = lock_owner_pid(), .last = S64_MAX};
	list_push_back(&c->flocks, &(*fresh)->link);
	*fresh = NULL;
	return 0;
}

static bool flock_free_now(struct flock_context *c, struct file *f, unsigned type)
{
	guard_spin(&c->lock);
	return !flock_conflict(c, f, type);
}

int flock_file(struct file *f, unsigned type, bool wait)
{
	struct flock_context *c =
		type == F_UNLCK ? atomic_load_acquire(&f->inode->locks) : context_make(f->inode);
	struct file_lock *fresh = NULL;
	int err;

	if (!c)
		return type == F_UNLCK ? 0 : -ENOMEM;
	if (type != F_UNLCK) {
		fresh = kmalloc(sizeof(*fresh), GFP_KERNEL);
		if (!fresh)
			return -ENOMEM;
	}
	for (;;) {
		struct file_lock *freed = NULL;

		err = flock_try(c, f, type, &fresh, &freed);
		if (freed) {
			kfree(freed);
			wake_up_all(&c->wait);
		}
		if (err != -EAGAIN || !wait)
			break;
		err = wait_event_interruptible(&c->wait, flock_free_now(c, f, type));
		if (err)
			break;
	}
	kfree(fresh);
	return err;
}

/* Record locks */

static bool ranges_meet(const struct file_lock *a, const struct file_lock *b)
{
	return a->first <= b->last && b->first <= a->last;
}

static struct file_lock *record_conflict(const struct flock_context *c,
					 const struct file_lock *want)
{
	struct file_lock *l;

	list_for_each (l, &c->records, link) {
		if (l->owner != want->owner && ranges_meet(l, want) &&
		    types_conflict(l->type, want->type))
			return l;
	}
	return NULL;
}

void posix_lock_test(struct file *f, struct file_lock *want)
{
	struct flock_context *c = atomic_load_acquire(&f->inode->locks);
	struct file_lock *l = NULL;

	if (c) {
		guard_spin(&c->lock);
		l = record_conflict(c, want);
		if (l) {
			want->type = l->type;
			want->first = l->first;
			want->last = l->last;
			want->pid = l->ofd ? -1 : l->pid;
		}
	}
	if (!l)
		want->type = F_UNLCK;
}

static void record_insert(struct flock_context *c, struct file_lock *l)
{
	struct file_lock *at;
	bool seen = false;

	list_for_each (at, &c->records, link) {
		if (at->owner == l->owner) {
			seen = true;
			if (at->first > l->first)
				break;
		} else if (seen) {
			break;
		}
	}
	list_insert_before(&at->link, &l->link);
}

/*
 * Put `want` in place of whatever its owner has there: equal neighbours merge, others are cut.
 * `spare` are two locks to use up. Locks removed go to `dead`.  Locks: c->lock.
 */
static void record_apply(struct flock_context *c, const struct file_lock *want,
			 struct file_lock **spare, struct list *dead)
{
	struct file_lock new = *want, *l, *next;

	list_for_each_safe (l, next, &c->records, link) {
		if (l->owner != want->owner)
			continue;
		if (l->type == new.type) {
			/* Same kind: touching or overlapping ranges become one. */
			if (l->last < (new.first ? new.first - 1 : 0) ||
			    (l->first && l->first - 1 > new.last))
				continue;
			new.first = min(new.first, l->first);
			new.last = max(new.last, l->last);
			list_remove(&l->link);
			list_push_back(dead, &l->link);
			continue;
		}
		if (!ranges_meet(l, &new))
			continue;
		if (l->first < new.first && l->last > new.last) {
			/* The middle goes: what follows is a lock of its own. */
			struct file_lock *tail = spare[1];

			spare[1] = NULL;
			*tail = *l;
			tail->first = new.last + 1;
			l->last = new.first - 1;
			record_insert(c, tail);
		} else if (l->first < new.first) {
			l->last = new.first - 1;
		} else if (l->last > new.last) {
			l->first = new.last + 1;
		} else {
			list_remove(&l->link);
			list_push_back(dead, &l->link);
		}
	}
	if (new.type != F_UNLCK) {
		*spare[0] = new;
		record_insert(c, spare[0]);
		spare[0] = NULL;
	}
}

/* Would waiting for `holder` close a circle?  If not, note that we wait. */
static int block_on(struct blocked *b, void *owner, void *holder)
{
	void *at = holder;

	guard_spin(&blocked_lock);
	for (int depth = 0; depth < 32; depth++) {
		struct blocked *o, *found = NULL;

		list_for_each (o, &blocked_list, link) {
			if (o->owner == at) {
				found = o;
				break;
			}
		}
		if (!found)
			break;
		at = found->holder;
		if (at == owner)
			return -EDEADLK;
	}
	b->owner = owner;
	b->holder = holder;
	list_push_back(&blocked_list, &b->link);
	return 0;
}

static void unblock(struct blocked *b)
{
	guard_spin(&blocked_lock);
	list_remove(&b->link);
}

static bool record_free_now(struct flock_context *c, const struct file_lock *want)
{
	guard_spin(&c->lock);
	return !record_conflict(c, want);
}

static int record_wait(struct flock_context *c, const struct file_lock *want, void *holder)
{
	struct blocked b;
	int err;

	list_init(&b.link);
	if (!want->ofd) {
		err = block_on(&b, want->owner, holder);
		if (err)
			return err;
	}
	err = wait_event_interruptible(&c->wait, record_free_now(c, want));
	if (!want->ofd)
		unblock(&b);
	return err;
}

static int record_set(struct flock_context *c, const struct file_lock *want, bool wait,
		      struct file_lock **spare, struct list *dead)
{
	for (;;) {
		struct file_lock *l;
		void *holder = NULL;
		int err;

		spin_lock(&c->lock);
		l = want->type == F_UNLCK ? NULL : record_conflict(c, want);
		if (!l)
			record_apply(c, want, spare, dead);
		else
			holder = l->owner;
		spin_unlock(&c->lock);
		if (!l)
			return 0;
		if (!wait)
			return -EAGAIN;
		err = record_wait(c, want, holder);
		if (err)
			return err;
	}
}

static void free_list(struct list *dead)
{
	while (!list_empty(dead)) {
		struct file_lock *l = list_first(dead, struct file_lock, link);

		list_remove(&l->link);
		kfree(l);
	}
}

int posix_lock_set(struct file *f, const struct file_lock *want, bool wait)
{
	struct flock_context *c = want->type == F_UNLCK ? atomic_load_acquire(&f->inode->locks)
							: context_make(f->inode);
	struct file_lock *spare[2];
	struct list dead = LIST_INIT(dead);
	int err = -ENOMEM;

	if (!c)
		return want->type == F_UNLCK ? 0 : -ENOMEM;
	spare[0] = kmalloc(sizeof(*spare[0]), GFP_KERNEL);
	spare[1] = kmalloc(sizeof(*spare[1]), GFP_KERNEL);
	if (spare[0] && spare[1])
		err = record_set(c, want, wait, spare, &dead);
	kfree(spare[0]);
	kfree(spare[1]);
	free_list(&dead);
	if (!err)
		wake_up_all(&c->wait);
	return err;
}

/* Endings */

void locks_close_posix(struct file *f, void *owner)
{
	struct flock_context *c = atomic_load_acquire(&f->inode->locks);
	struct list dead = LIST_INIT(dead);
	struct file_lock *l, *next;

	if (!c)
		return;
	with_spin(&c->lock) {
		list_for_each_safe (l, next, &c->records, link) {
			if (l->owner == owner && !l->ofd) {
				list_remove(&l->link);
				list_push_back(&dead, &l->link);
			}
		}
	}
	if (!list_empty(&dead))
		wake_up_all(&c->wait);
	free_list(&dead);
}

void locks_file_released(struct file *f)
{
	struct flock_context *c = atomic_load_acquire(&f->inode->locks);
	struct list dead = LIST_INIT(dead);
	struct file_lock *l, *next;

	if (!c)
		return;
	with_spin(&c->lock) {
		l = flock_find(c, f);
		if (l) {
			list_remove(&l->link);
			list_push_back(&dead, &l->link);
		}
		list_for_each_safe (l, next, &c->records, link) {
			if (l->ofd && l->owner == f) {
				list_remove(&l->link);
				list_push_back(&dead, &l->link);
			}
		}
	}
	if (!list_empty(&dead))
		wake_up_all(&c->wait);
	free_list(&dead);
}

/* /proc/locks */

static void show_lock(struct seq *out, unsigned n, const struct inode *inode,
		      const struct file_lock *l, const char *kind)
{
	seq_printf(out, "%u: %s  ADVISORY  %s %d %02x:%02x:%llu %lld ", n, kind,
		   l->type == F_WRLCK ? "WRITE" : "READ ", l->pid, MAJOR(inode->sb->dev),
		   MINOR(inode->sb->dev), inode->ino, l->first);
	if (l->last == S64_MAX)
		seq_puts(out, "EOF\n");
	else
		seq_printf(out, "%lld\n", l->last);
}

void locks_show(struct seq *out)
{
	struct flock_context *c;
	unsigned n = 0;

	guard_mutex(&contexts_lock);
	list_for_each (c, &contexts, all) {
		struct file_lock *l;

		guard_spin(&c->lock);
		list_for_each (l, &c->flocks, link)
			show_lock(out, ++n, c->inode, l, "FLOCK");
		list_for_each (l, &c->records, link)
			show_lock(out, ++n, c->inode, l, l->ofd ? "OFDLCK" : "POSIX");
	}
}
