/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inodes that must reach the disk.
 *
 * inode.state says what is dirty: attributes (I_DIRTY_SYNC, I_DIRTY_DATA), pages (I_DIRTY_PAGES),
 * times that may wait (I_DIRTY_TIME).  The lists of the superblock's struct writeback say where
 * write-back finds the inode.  They hold no count: a visitor counts the inode under the list lock
 * unless it is being evicted, and eviction takes it off.
 *
 * An inode stays on some list from the moment it is dirty until nothing of it is on its way any
 * more, so a sync that goes through the lists misses nothing:
 *
 *	dirty	-> sent		the flusher starts with it; it stays there when clean, until its pages
 *	arrived sent	-> more		a piece was written, and there is more
 *	times	-> dirty	found dirty otherwise too, or old enough
 *	any	-> a sync's own list, until that sync visited it
 *	any	-> dirty	dirty again after a visit
 *
 * Marking never moves an inode that is on a list, and an fsync takes one off only when it is clean.
 * The flusher puts back what it took, unless a sync took all lists meanwhile (`syncs` changed): the
 * inode is the sync's business then.
 *
 * Pages: marking a folio sets the tree's mark first, then I_DIRTY_PAGES; cleaning clears
 * I_DIRTY_PAGES first, then looks at the mark.  With a barrier between on both sides one of the two
 * sees the other.
 *
 * I_WRITEBACK serialises write_inode() of one inode; pages need no such thing, they have their
 * folio locks.
 *
 * The flusher looks every dirty_writeback_centisecs for inodes dirty longer than
 * dirty_expire_centisecs, and for any while more memory is dirty than the background limit, or
 * reclaim asks.  It writes a piece of each inode in turn, so that a large file does not hold up the
 * others.  When nothing is dirty it sleeps until the first inode is.
 *
 * Lock order: inode.spin, writeback.lock.
 */
#include <fs/vfs/file.h>
#include <fs/vfs/inode.h>
#include <fs/vfs/super.h>
#include <kernel/lib/errseq.h>
#include <kernel/lib/minmax.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include <mm/dirty.h>
#include <mm/reclaim.h>

#include <fs/vfs/core.h>

#define PIECE	1024u /* pages of one inode in a row */
#define I_ATTRS (I_DIRTY_SYNC | I_DIRTY_DATA)

static struct spinlock flushers_lock = SPINLOCK_INIT(RANK_SUPER_LIST);
/* [flushers_lock] struct writeback */
static struct list flushers = LIST_INIT(flushers);
static struct wait_queue attrs_wait = WAIT_QUEUE_INIT(attrs_wait); /* for I_WRITEBACK to pass */

/* Marking */

static void flusher_wake(struct writeback *wb)
{
	wake_up_all(&wb->wait);
}

/* The inode became dirty: onto a list, unless a visitor will put it there.  `lazy`: it may be on
 * `times`.  Locks: inode.spin. */
static void inode_enlist(struct inode *inode, bool lazy)
{
	struct writeback *wb = &inode->sb->wb;
	bool wake = false;

	WRITE_ONCE(inode->dirtied_when, clock_mono_coarse_ns());
	with_spin(&wb->lock) {
		if (list_empty(&inode->dirty_link))
			list_push_back(inode->state & I_DIRTY_ALL ? &wb->dirty : &wb->times,
				       &inode->dirty_link);
		wb->times_mixed |= lazy;
		wake = !wb->armed;
		WRITE_ONCE(wb->armed, true);
	}
	if (wake)
		flusher_wake(wb);
}

void inode_mark_dirty(struct inode *inode, u32 what)
{
	const struct super_ops *ops = inode->sb->ops;

	if (!ops || !ops->write_inode)
		return;
	if (ops->dirty_inode && (what & I_ATTRS))
		ops->dirty_inode(inode, what);
	smp_mb(); /* the change before the test; see inode_pages_clean and write_attrs */
	if ((READ_ONCE(inode->state) & what) == what)
		return;
	guard_spin(&inode->spin);

	u32 old = inode->state;
	u32 now = old | what;

	if (now & I_ATTRS)
		now &= ~(u32)I_DIRTY_TIME; /* times go along with the rest */
	WRITE_ONCE(inode->state, now);
	if (old & (I_FREEING | I_DIRTY_ALL) || now == old)
		return;
	inode_enlist(inode, old & I_DIRTY_TIME);
}

void inode_dirty_folio(struct mapping *m, struct folio *f)
{
	inode_mark_dirty(m->host, I_DIRTY_PAGES);
}

/* Writing one inode */

static bool inode_in_flight(const struct inode *inode)
{
	return xa_marked(&inode->data.pages, MAPPING_WRITEBACK);
}

/*
 * After a visit that began when wb->syncs was `syncs`: where does the inode belong?  `piece`: a
 * part was written, and the rest keeps its age.
 */
static void inode_requeue(struct inode *inode, bool piece, u64 syncs)
{
	struct writeback *wb = &inode->sb->wb;

	guard_spin(&inode->spin);
	guard_spin(&wb->lock);
	if (wb->syncs != syncs)
		return;
	if (inode->state & I_FREEING)
		list_remove(&inode->dirty_link);
	else if ((inode->state & I_DIRTY_ALL) && piece)
		list_move_back(&wb->more, &inode->dirty_link);
	else if (inode->state & I_DIRTY_ALL)
		list_move_back(&wb->dirty, &inode->dirty_link);
	else if (inode->state & I_DIRTY_TIME)
		list_move_back(&wb->times, &inode->dirty_link);
	else if (inode_in_flight(inode))
		list_move_back(&wb->sent, &inode->dirty_link);
	else
		list_remove(&inode->dirty_link);
}

/* After an fsync: nothing more to do here? */
static void inode_delist_clean(struct inode *inode)
{
	if (list_empty(&inode->dirty_link) ||
	    READ_ONCE(inode->state) & (I_DIRTY_ALL | I_DIRTY_TIME))
		return;
	guard_spin(&inode->spin);
	guard_spin(&inode->sb->wb.lock);
	if (!(inode->state & (I_DIRTY_ALL | I_DIRTY_TIME)) && !inode_in_flight(inode))
		list_remove(&inode->dirty_link);
}

/* The pages were written: say so, unless some were dirtied meanwhile.  Returns whether none was. */
static bool inode_pages_clean(struct inode *inode)
{
	if (!(READ_ONCE(inode->state) & I_DIRTY_PAGES))
		return true;
	guard_spin(&inode->spin);
	WRITE_ONCE(inode->state, inode->state & ~(u32)I_DIRTY_PAGES);
	smp_mb();
	if (!xa_marked(&inode->data.pages, MAPPING_DIRTY))
		return true;
	WRITE_ONCE(inode->state, inode->state | I_DIRTY_PAGES);
	WRITE_ONCE(inode->dirtied_when, clock_mono_coarse_ns());
	return false;
}

/* Get the right to call write_inode(), or false: another has it and we do not wait. */
static bool attrs_begin(struct inode *inode, bool wait)
{
	for (;;) {
		with_spin(&inode->spin) {
			if (!(inode->state & I_WRITEBACK)) {
				WRITE_ONCE(inode->state, inode->state | I_WRITEBACK);
				return true;
			}
		}
		if (!wait)
			return false;
		wait_event(&attrs_wait, !(READ_ONCE(inode->state) & I_WRITEBACK));
	}
}

static void attrs_end(struct inode *inode)
{
	with_spin(&inode->spin)
		WRITE_ONCE(inode->state, inode->state & ~(u32)I_WRITEBACK);
	smp_mb();
	if (unlikely(wait_queue_active(&attrs_wait)))
		wake_up_all(&attrs_wait);
}

/* Write the attributes if one of `which` is dirty. */
static int write_attrs(struct inode *inode, bool wait, u32 which)
{
	const struct super_ops *ops = inode->sb->ops;
	bool due;
	int err = 0;

	if (!(READ_ONCE(inode->state) & (which | I_WRITEBACK)) || !attrs_begin(inode, wait))
		return 0;
	with_spin(&inode->spin) {
		due = inode->state & which;
		if (due)
			WRITE_ONCE(inode->state, inode->state & ~(u32)I_ATTRS);
	}
	smp_mb(); /* what is dirtied from here on is marked again */
	if (due && ops && ops->write_inode)
		err = ops->write_inode(inode, wait);
	attrs_end(inode);
	if (err && !wait)
		mapping_set_error(&inode->data, err); /* nobody listens: an fsync will */
	return err;
}

/* Times that waited are attributes like others now. */
static void times_due(struct inode *inode)
{
	if (unlikely(READ_ONCE(inode->state) & I_DIRTY_TIME))
		inode_mark_dirty(inode, I_DIRTY_SYNC);
}

int inode_sync_attrs(struct inode *inode, bool wait, bool data_only)
{
	int err;

	if (!data_only)
		times_due(inode);
	err = write_attrs(inode, wait, data_only ? I_DIRTY_DATA : I_ATTRS);
	inode_pages_clean(inode);
	inode_delist_clean(inode);
	return err;
}

int inode_sync(struct inode *inode, bool wait, bool data_only)
{
	int err = 0, later;

	if (inode->data.nr_pages)
		err = cache_write_range(&inode->data, 0, S64_MAX, wait);
	later = inode_sync_attrs(inode, wait, data_only);
	return err ?: later;
}

void inode_writeback_evict(struct inode *inode)
{
	struct writeback *wb = &inode->sb->wb;
	u32 dirty = READ_ONCE(inode->state) & (I_DIRTY_ALL | I_DIRTY_TIME);

	if (inode->nlink && dirty) {
		atomic_inc(&wb->evicting);
		if (inode_sync(inode, true, false))
			mapping_set_error(&inode->data, -EIO);
		atomic_inc(&wb->evicted);
		if (wait_queue_active(&wb->wait))
			wake_up_all(&wb->wait);
	}
	guard_spin(&inode->spin);
	WRITE_ONCE(inode->state, inode->state | I_FREEING);
	with_spin(&wb->lock)
		list_remove(&inode->dirty_link);
}

/* Whole file systems */

/* The first inode of `list` that can be counted, moved to `to`; those on their way out drop off.
 * Locks: wb->lock. */
static struct inode *list_take(struct list *list, struct list *to)
{
	while (!list_empty(list)) {
		struct inode *inode = list_first(list, struct inode, dirty_link);

		if (refcount_get_unless_zero(&inode->refs)) {
			list_move_back(to, &inode->dirty_link);
			return inode;
		}
		list_remove(&inode->dirty_link);
	}
	return NULL;
}

/* Locks: wb->sync. */
static int sync_list(struct superblock *sb, struct list *todo, bool wait)
{
	u64 syncs = sb->wb.syncs;
	struct list seen = LIST_INIT(seen);
	struct inode *inode;
	int err = 0, one;

	for (;;) {
		with_spin(&sb->wb.lock)
			inode = list_take(todo, &seen);
		if (!inode)
			return err;
		one = inode_sync(inode, wait, false);
		err = err ?: one;
		inode_requeue(inode, false, syncs);
		inode_put(inode);
		cond_resched();
	}
}

int super_sync_inodes(struct superblock *sb, bool wait)
{
	struct writeback *wb = &sb->wb;
	struct list todo = LIST_INIT(todo);
	u64 leaving = atomic_load(&wb->evicting);
	int err;

	if (!sb->ops || !sb->ops->write_inode)
		return 0;
	guard_mutex(&wb->sync);
	with_spin(&wb->lock) {
		wb->syncs++;
		list_splice_back(&todo, &wb->sent);
		list_splice_back(&todo, &wb->more);
		list_splice_back(&todo, &wb->dirty);
		list_splice_back(&todo, &wb->times);
	}
	err = sync_list(sb, &todo, wait);
	if (wait)
		wait_event(&wb->wait, atomic_load(&wb->evicted) >= leaving);
	return err;
}

/* The flusher */

/* The first of `list`, counted and on `sent` meanwhile, for inode_requeue with *syncs. */
static struct inode *flusher_take(struct writeback *wb, struct list *list, u64 *syncs)
{
	assert_held(&wb->lock);
	*syncs = wb->syncs;
	return list_take(list, &wb->sent);
}

/* The oldest inode of `list`, if dirty since before `limit`. */
static struct inode *flusher_pick(struct writeback *wb, struct list *list, u64 limit, u64 *syncs)
{
	guard_spin(&wb->lock);
	if (list_empty(list) ||
	    READ_ONCE(list_first(list, struct inode, dirty_link)->dirtied_when) > limit)
		return NULL;
	return flusher_take(wb, list, syncs);
}

/* Of the inodes with lazy times, those that are dirty in other ways by now. */
static void times_unmix(struct writeback *wb)
{
	struct inode *inode, *next;

	guard_spin(&wb->lock);
	if (!wb->times_mixed)
		return;
	wb->times_mixed = false;
	list_for_each_safe(inode, next, &wb->times, dirty_link)
		if (READ_ONCE(inode->state) & I_DIRTY_ALL)
			list_move_back(&wb->dirty, &inode->dirty_link);
}

/* Lazy times marked before `limit` are due. */
static void times_expire(struct writeback *wb, u64 limit)
{
	struct inode *inode;
	u64 syncs;

	while ((inode = flusher_pick(wb, &wb->times, limit, &syncs))) {
		times_due(inode);
		inode_requeue(inode, false, syncs);
		inode_put(inode);
	}
}

/* The next of `sent` that was not looked at in this round. */
static struct inode *sent_next(struct writeback *wb, u64 *syncs)
{
	struct inode *inode;

	guard_spin(&wb->lock);
	if (list_empty(&wb->sent) ||
	    list_first(&wb->sent, struct inode, dirty_link)->visited == wb->round)
		return NULL;
	inode = flusher_take(wb, &wb->sent, syncs);
	if (inode)
		inode->visited = wb->round;
	return inode;
}

/* Those whose pages arrived, or that are dirty again, need not stay on `sent`. */
static void sent_review(struct writeback *wb)
{
	struct inode *inode;
	u64 syncs;

	with_spin(&wb->lock)
		wb->round++;
	while ((inode = sent_next(wb, &syncs))) {
		inode_requeue(inode, false, syncs);
		inode_put(inode);
	}
}

/* What was partly written comes next.  False: there is nothing. */
static bool flusher_again(struct writeback *wb)
{
	struct list rest = LIST_INIT(rest);

	guard_spin(&wb->lock);
	if (list_empty(&wb->more))
		return false;
	list_splice_back(&rest, &wb->more);
	list_splice_back(&rest, &wb->dirty);
	list_splice_back(&wb->dirty, &rest);
	return true;
}

/* A piece of the inode's pages, and its attributes. */
static void flush_inode(struct inode *inode, u64 syncs)
{
	bool more = false;
	int err = 0;

	if (READ_ONCE(inode->state) & I_NEW) {
		inode_requeue(inode, true, syncs);
		return;
	}
	if (READ_ONCE(inode->state) & I_DIRTY_PAGES)
		err = cache_write_some(&inode->data, PIECE, &more);
	if (!more)
		inode_pages_clean(inode);
	(void)write_attrs(inode, false, I_ATTRS);
	if (err && more) {
		/* Not again at once. */
		with_spin(&inode->spin)
			WRITE_ONCE(inode->dirtied_when, clock_mono_coarse_ns());
	}
	inode_requeue(inode, more && !err, syncs);
}

static void flusher_work(struct superblock *sb)
{
	struct writeback *wb = &sb->wb;
	u64 now = clock_mono_coarse_ns(), expire = dirty_expire_ns(), lazy = dirty_time_expire_ns();
	u64 wanted = atomic_xchg(&wb->wanted, 0ull), syncs;

	times_unmix(wb);
	times_expire(wb, now > lazy ? now - lazy : 0);
	sent_review(wb);
	while (!kthread_should_stop()) {
		bool all = wanted || dirty_over_background();
		struct inode *inode = flusher_pick(wb, &wb->dirty,
						   all            ? now
						   : now > expire ? now - expire
								  : 0,
						   &syncs);

		if (!inode && !flusher_again(wb))
			break;
		if (!inode)
			continue;
		flush_inode(inode, syncs);
		inode_put(inode);
		wanted -= min(wanted, (u64)PIECE);
		cond_resched();
	}
	flusher_again(wb);
}

static bool flusher_idle(struct writeback *wb)
{
	guard_spin(&wb->lock);
	if (list_empty(&wb->dirty) && list_empty(&wb->times) && list_empty(&wb->sent))
		WRITE_ONCE(wb->armed, false);
	return !wb->armed;
}

/* Until it is time to look again. */
static void flusher_wait(struct writeback *wb)
{
	u64 pause = dirty_interval_ns();

	atomic_store(&wb->kicked, 0u);
	if (flusher_idle(wb))
		wait_event_idle(&wb->wait, READ_ONCE(wb->armed) || atomic_load(&wb->kicked) ||
						   kthread_should_stop());
	wait_event_idle_timeout(&wb->wait, atomic_load(&wb->kicked) || kthread_should_stop(),
				pause ? clock_deadline(pause) : KTIME_MAX);
}

static void flusher_main(void *arg)
{
	struct superblock *sb = arg;

	while (!kthread_should_stop()) {
		flusher_wait(&sb->wb);
		flusher_work(sb);
	}
}

static void writeback_ask(struct writeback *wb, u64 pages)
{
	if (pages)
		atomic_add(&wb->wanted, pages);
	if (!atomic_load(&wb->kicked) && !atomic_xchg(&wb->kicked, 1u))
		flusher_wake(wb);
}

void writeback_kick(struct superblock *sb)
{
	writeback_ask(&sb->wb, U32_MAX);
}

/* mm asks all. */
static void flushers_start(u64 pages)
{
	struct writeback *wb;

	guard_spin(&flushers_lock);
	list_for_each (wb, &flushers, link) {
		if (!list_empty(&wb->dirty) || !pages)
			writeback_ask(wb, pages);
	}
}

const struct writeback_ops writeback_ops = { .start = flushers_start };

void writeback_init(struct superblock *sb)
{
	struct writeback *wb = &sb->wb;

	spin_init(&wb->lock, RANK_WRITEBACK, "writeback");
	list_init(&wb->dirty);
	list_init(&wb->more);
	list_init(&wb->times);
	list_init(&wb->sent);
	list_init(&wb->link);
	mutex_init(&wb->sync, RANK_SUPER_SYNC, "writeback.sync");
	wait_queue_init(&wb->wait);
}

int writeback_start(struct superblock *sb)
{
	struct writeback *wb = &sb->wb;
	int err;

	if (wb->flusher)
		return 0;
	err = kthread_create(&wb->flusher, flusher_main, sb, "flush-%u:%u", MAJOR(sb->dev),
			     MINOR(sb->dev));
	if (err)
		return err;
	thread_start(wb->flusher);
	with_spin(&flushers_lock)
		list_push_back(&flushers, &wb->link);
	return 0;
}

void writeback_stop(struct superblock *sb)
{
	struct writeback *wb = &sb->wb;

	if (!wb->flusher)
		return;
	with_spin(&flushers_lock)
		list_remove(&wb->link);
	kthread_stop(wb->flusher);
	wb->flusher = NULL;
}

/* drop_caches: clean pages of every inode. */
static void super_drop_pages(struct superblock *sb, void *unused)
{
	struct inode *inode, *before = NULL;

	spin_lock(&sb->inodes_lock);
	list_for_each (inode, &sb->inodes, sb_link) {
		if (!READ_ONCE(inode->data.nr_pages) || !refcount_get_unless_zero(&inode->refs))
			continue;
		spin_unlock(&sb->inodes_lock);
		cache_drop_clean(&inode->data, 0, U64_MAX);
		/* Counted until the next one is: our place in the list. */
		inode_put(before);
		before = inode;
		cond_resched();
		spin_lock(&sb->inodes_lock);
	}
	spin_unlock(&sb->inodes_lock);
	inode_put(before);
}

void super_drop_all_pages(void)
{
	supers_for_each(super_drop_pages, NULL);
}

/* Open files */

static int file_tell(struct file *f, u32 *seq, u32 *seen)
{
	if (likely(atomic_load(seq) == READ_ONCE(*seen)))
		return 0;
	guard_spin(&f->lock);
	return errseq_tell(seq, seen);
}

int file_check_wb_err(struct file *f)
{
	struct mapping *m = f->mapping;

	if (likely(atomic_load(&m->error_seq) == READ_ONCE(f->wb_err)))
		return 0;
	guard_spin(&f->lock);
	return mapping_check_error(m, &f->wb_err);
}

int file_check_sb_err(struct file *f)
{
	return file_tell(f, &f->inode->sb->wb_err, &f->sb_err);
}

int file_write_and_wait(struct file *f, loff_t start, loff_t end)
{
	int err = cache_write_range(f->mapping, start, end, true);
	int told = file_check_wb_err(f);

	return err ?: told;
}
