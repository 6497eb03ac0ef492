/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * epoll(7): many files, one place to wait.
 *
 * An item stands for one (file, descriptor) pair of interest.  It hangs callbacks on the wait
 * queues that the file names in its poll operation; a callback puts the item on the ready list and
 * wakes those in epoll_wait.  epoll_wait asks each ready file again what is ready and reports that:
 * so its cost follows the number of ready files, not of all.  A level-triggered item goes back to
 * the end of the ready list; an edge-triggered one waits for the next callback.
 *
 * A closed file takes its items with it (file->epoll is the list of them).  epolls may watch
 * epolls, without loops and not too deep.
 *
 * Lock order: nest_lock (adding epolls to epolls, and every removal that starts from a file),
 * epoll.lock (items), then, from callbacks under a wait queue's lock, epoll.ready_lock.
 */
#include <fs/vfs/fdtable.h>
#include <fs/vfs/file.h>
#include <fs/vfs/poll.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/eventpoll.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/sched.h>
#include <kernel/signal/signal.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>

#include "epoll.h"

#define EPOLL_MAX_EVENTS (INT_MAX / (int)sizeof(struct epoll_event))
#define EPOLL_MAX_DEPTH  5
#define EPOLL_PRIVATE    (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE)
/* With EPOLLEXCLUSIVE only these make sense. */
#define EXCLUSIVE_OK                                                                               \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)

struct epoll {
	struct mutex lock;
	struct rb_root items; /* [lock] by file, then descriptor */
	struct spinlock ready_lock;
	struct list ready;           /* [ready_lock] items to look at */
	struct wait_queue wait;      /* epoll_wait */
	struct wait_queue poll_wait; /* those that poll the epoll file itself */
	struct file *file;           /* [I] uncounted: it owns us */
};

struct hook {
	struct wait_entry entry;
	struct wait_queue *wq; /* [I] NULL once it went away */
	struct item *item;
	struct hook *next; /* [I] */
};

struct item {
	struct rb_node node;
	struct epoll *ep;          /* [I] */
	struct file *file;         /* [I] uncounted: its release removes us */
	int fd;                    /* [I] */
	struct list ready_link;    /* [ready_lock] */
	struct hook *hooks;        /* [lock] */
	struct hook first;         /* most files have one queue */
	bool first_used, failed;   /* while hooking */
	u32 events;                /* [lock to write, a] */
	u64 data;                  /* [lock] */
	struct item *next_of_file; /* [nest_lock] file->epoll list */
};

static struct mutex nest_lock = MUTEX_INIT(nest_lock, RANK_EPOLL_TREE);
static const struct file_ops epoll_ops;

/* Ready. */

static bool make_ready(struct item *it)
{
	struct epoll *ep = it->ep;
	irqflags_t flags = spin_lock_irqsave(&ep->ready_lock);
	bool was = !list_empty(&it->ready_link);

	if (!was)
		list_push_back(&ep->ready, &it->ready_link);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	return !was;
}

static int hook_wake(struct wait_entry *e, unsigned mode, u64 key)
{
	struct hook *h = container_of(e, struct hook, entry);
	struct item *it = h->item;
	u32 events = READ_ONCE(it->events);
	struct epoll *ep = it->ep;

	if (key & EPOLL_QUEUE_GONE) {
		list_remove(&e->link);
		WRITE_ONCE(h->wq, NULL);
		return 1;
	}
	/* Disarmed by EPOLLONESHOT, or not what we wait for. */
	if (!(events & ~EPOLL_PRIVATE) || (key && !(key & events)))
		return 0;
	make_ready(it);
	int woken = (int)wake_up_nested(&ep->wait, EPOLLIN, 1);
	if (wait_queue_active(&ep->poll_wait))
		wake_up_nested(&ep->poll_wait, EPOLLIN, 2);
	return events & EPOLLEXCLUSIVE ? woken > 0 : 1;
}

struct hook_table {
	struct poll_table pt;
	struct item *item;
};

static void hook_queue(struct file *file, struct wait_queue *wq, struct poll_table *pt)
{
	struct item *it = container_of(pt, struct hook_table, pt)->item;
	struct hook *h = &it->first;

	if (it->first_used)
		h = kzalloc(sizeof(*h), GFP_KERNEL);
	if (!h) {
		it->failed = true;
		return;
	}
	it->first_used = true;
	h->item = it;
	h->wq = wq;
	h->next = it->hooks;
	it->hooks = h;
	wait_entry_init_callback(&h->entry, hook_wake);
	if (it->events & EPOLLEXCLUSIVE)
		wait_queue_add_exclusive(wq, &h->entry);
	else
		wait_queue_add(wq, &h->entry);
}

static void unhook(struct item *it)
{
	struct hook *h, *next;

	for (h = it->hooks; h; h = next) {
		struct wait_queue *wq = READ_ONCE(h->wq);

		next = h->next;
		if (wq)
			wait_queue_remove(wq, &h->entry);
		if (h != &it->first)
			kfree(h);
	}
	it->hooks = NULL;
}

/* What is ready of what the item wants. */
static u32 item_poll(const struct item *it)
{
	struct poll_table pt = {.key = it->events};

	return file_poll(it->file, &pt) & it->events;
}

/* Items. */

static int compare(struct file *file, int fd, const struct item *it)
{
	if (file != it->file)
		return file < it->file ? -1 : 1;
	return fd < it->fd ? -1 : fd > it->fd;
}

static bool item_less(const struct rb_node *a, const struct rb_node *b)
{
	const struct item *x = container_of(a, struct item, node);

	return compare(x->file, x->fd, container_of(b, struct item, node)) < 0;
}

static struct item *find(struct epoll *ep, struct file *file, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct item *it = container_of(n, struct item, node);
		int c = compare(file, fd, it);

		if (!c)
			return it;
		n = c < 0 ? n->left : n->right;
	}
	return NULL;
}

static void file_list_remove(struct item *it)
{
	struct item **p = (struct item **)&it->file->epoll;

	while (*p && *p != it)
		p = &(*p)->next_of_file;
	if (*p)
		*p = it->next_of_file;
}

/* Locks: nest_lock and ep->lock held. */
static void item_remove(struct item *it)
{
	struct epoll *ep = it->ep;

	unhook(it);
	file_list_remove(it);
	rb_erase(&ep->items, &it->node);
	{
		guard_spin_irq(&ep->ready_lock);
		list_remove(&it->ready_link);
	}
	kfree(it);
}

static void wake_waiters(struct epoll *ep)
{
	wake_up_key(&ep->wait, EPOLLIN);
	if (wait_queue_active(&ep->poll_wait))
		wake_up_key(&ep->poll_wait, EPOLLIN);
}

static int item_add(struct epoll *ep, const struct epoll_event *ev, struct file *file, int fd)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL);
	struct hook_table table = {.pt = {.queue = hook_queue, .key = U32_MAX}};
	u32 ready;

	if (!it)
		return -ENOMEM;
	it->ep = ep;
	it->file = file;
	it->fd = fd;
	it->events = ev->events;
	it->data = ev->data;
	list_init(&it->ready_link);
	it->next_of_file = file->epoll;
	file->epoll = it;
	rb_insert(&ep->items, &it->node, item_less);

	table.item = it;
	ready = file_poll(file, &table.pt) & it->events;
	if (it->failed) {
		item_remove(it);
		return -ENOMEM;
	}
	if (ready) {
		make_ready(it);
		wake_waiters(ep);
	}
	return 0;
}

static void item_modify(struct item *it, const struct epoll_event *ev)
{
	WRITE_ONCE(it->events, ev->events);
	it->data = ev->data;
	/*
	 * A callback before the store used the old mask; the poll after it sees what that one
	 * missed.
	 */
	smp_mb();
	if (item_poll(it)) {
		make_ready(it);
		wake_waiters(it->ep);
	}
}

/* Nesting: would `ep`, watched by `by`, make a loop or too deep a tower?  Locks: nest_lock held. */
static int depth_below(struct epoll *ep, const struct epoll *by, int depth)
{
	int deepest = depth;

	if (ep == by || depth > EPOLL_MAX_DEPTH)
		return -ELOOP;
	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct item *it = container_of(n, struct item, node);
		int d;

		if (it->file->ops != &epoll_ops)
			continue;
		d = depth_below(it->file->private, by, depth + 1);
		if (d < 0)
			return d;
		deepest = max(deepest, d);
	}
	return deepest;
}

static bool exclusive_ok(int op, const struct epoll_event *ev, const struct file *file)
{
	if (!(ev->events & EPOLLEXCLUSIVE))
		return true;
	return op == EPOLL_CTL_ADD && file->ops != &epoll_ops && !(ev->events & ~(u32)EXCLUSIVE_OK);
}

static int control_locked(struct epoll *ep, int op, struct file *file, int fd,
			  struct epoll_event *ev)
{
	struct item *it = find(ep, file, fd);

	ev->events |= EPOLLERR | EPOLLHUP;
	switch (op) {
	case EPOLL_CTL_ADD: return it ? -EEXIST : item_add(ep, ev, file, fd);
	case EPOLL_CTL_DEL:
		if (!it)
			return -ENOENT;
		item_remove(it);
		return 0;
	case EPOLL_CTL_MOD:
		if (!it)
			return -ENOENT;
		if (it->events & EPOLLEXCLUSIVE)
			return -EINVAL;
		item_modify(it, ev);
		return 0;
	default: return -EINVAL;
	}
}

static int control(struct file *epfile, int op, struct file *file, int fd, struct epoll_event *ev)
{
	struct epoll *ep = epfile->private;

	if (!file->ops->poll)
		return -EPERM;
	if (file == epfile || epfile->ops != &epoll_ops || !exclusive_ok(op, ev, file))
		return -EINVAL;
	guard_mutex(&nest_lock);
	if (op == EPOLL_CTL_ADD && file->ops == &epoll_ops) {
		int depth = depth_below(file->private, ep, 1);
		if (depth < 0)
			return depth;
	}
	guard_mutex(&ep->lock);
	return control_locked(ep, op, file, fd, ev);
}

long sys_epoll_ctl(int epfd, int op, int fd, const struct epoll_event __user *event)
{
	struct epoll_event ev = {0};
	struct fdref ref, target;
	long err;

	if (op != EPOLL_CTL_DEL && copy_from_user(&ev, event, sizeof(ev)))
		return -EFAULT;
	ref = fd_get(epfd);
	if (!ref.file)
		return -EBADF;
	target = fd_get(fd);
	err = target.file ? control(ref.file, op, target.file, fd, &ev) : -EBADF;
	if (target.file)
		fd_put(target);
	fd_put(ref);
	return err;
}

/* Waiting. */

static struct item *next_ready(struct epoll *ep)
{
	guard_spin_irq(&ep->ready_lock);
	struct item *it = list_first_or_null(&ep->ready, struct item, ready_link);

	if (it)
		list_remove(&it->ready_link);
	return it;
}

static unsigned ready_count(struct epoll *ep)
{
	unsigned n = 0;
	struct item *it;
	guard_spin_irq(&ep->ready_lock);

	list_for_each (it, &ep->ready, ready_link)
		n++;
	return n;
}

static int send_event(struct epoll_event __user *to, const struct item *it, u32 ready)
{
	struct epoll_event ev = {.events = ready, .data = it->data};

	return copy_to_user(to, &ev, sizeof(ev));
}

/* Report up to `max` ready files.  Returns how many, or -EFAULT. */
static int harvest(struct epoll *ep, struct epoll_event __user *events, int max)
{
	struct list again = LIST_INIT(again);
	struct item *it;
	int n = 0, err = 0;
	guard_mutex(&ep->lock);

	/* Each item once: those that stay ready are put back at the end. */
	for (unsigned left = ready_count(ep); left && n < max && (it = next_ready(ep)); left--) {
		u32 ready = item_poll(it);

		if (!ready)
			continue;
		err = send_event(&events[n], it, ready);
		if (err) {
			make_ready(it);
			break;
		}
		n++;
		if (it->events & EPOLLONESHOT)
			WRITE_ONCE(it->events, it->events & EPOLL_PRIVATE);
		else if (!(it->events & EPOLLET))
			make_ready(it);
	}
	return n ? n : err;
}

static bool any_ready(struct epoll *ep)
{
	return !list_empty(&ep->ready);
}

static long epoll_wait_until(int epfd, struct epoll_event __user *events, int max, u64 deadline,
			     bool block)
{
	struct fdref ref;
	long n = -EINVAL;

	if (max <= 0 || max > EPOLL_MAX_EVENTS)
		return -EINVAL;
	if (!user_access_ok(events, (size_t)max * sizeof(*events)))
		return -EFAULT;
	ref = fd_get(epfd);
	if (!ref.file)
		return -EBADF;
	if (ref.file->ops == &epoll_ops) {
		struct epoll *ep = ref.file->private;

		for (;;) {
			n = any_ready(ep) ? harvest(ep, events, max) : 0;
			if (n || !block)
				break;
			int err = wait_event_interruptible_exclusive_timeout(
				&ep->wait, any_ready(ep), deadline);
			if (err) {
				n = err == -ETIMEDOUT ? 0 : -EINTR;
				break;
			}
		}
	}
	fd_put(ref);
	return n;
}

static u64 ms_deadline(int ms)
{
	return ms < 0 ? (u64)KTIME_MAX : clock_deadline((u64)ms * NSEC_PER_MSEC);
}

long sys_epoll_wait(int epfd, struct epoll_event __user *events, int maxevents, int timeout)
{
	return epoll_wait_until(epfd, events, maxevents, timeout ? ms_deadline(timeout) : 0,
				timeout != 0);
}

/* The mask for the wait only; it comes back when the call returns, after a handler if one runs. */
static int swap_mask(const u64 __user *umask, size_t size)
{
	u64 mask;

	if (!umask)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (get_user(mask, umask))
		return -EFAULT;
	signal_set_blocked_until_return(mask);
	return 0;
}

/*
 * Interrupted: the way to user mode restores the mask, behind the handler's frame.  Otherwise
 * restore it now.
 */
static void unswap_mask(const u64 __user *umask, long ret)
{
	struct thread *t = thread_current();

	if (umask && ret != -EINTR && thread_flag_test(t, THREAD_RESTORE_MASK)) {
		thread_flag_clear(t, THREAD_RESTORE_MASK);
		signal_set_blocked(t->sig->saved_mask);
	}
}

long sys_epoll_pwait(int epfd, struct epoll_event __user *events, int maxevents, int timeout,
		     const u64 __user *sigmask, size_t sigsetsize)
{
	long ret = swap_mask(sigmask, sigsetsize);

	if (ret)
		return ret;
	ret = sys_epoll_wait(epfd, events, maxevents, timeout);
	unswap_mask(sigmask, ret);
	return ret;
}

long sys_epoll_pwait2(int epfd, struct epoll_event __user *events, int maxevents,
		      const struct __kernel_timespec __user *timeout, const u64 __user *sigmask,
		      size_t sigsetsize)
{
	struct __kernel_timespec ts;
	u64 ns = 0, deadline = KTIME_MAX;
	long ret;

	if (timeout) {
		if (copy_from_user(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (timespec_to_ns(&ts, &ns))
			return -EINVAL;
		deadline = clock_deadline(ns);
	}
	ret = swap_mask(sigmask, sigsetsize);
	if (ret)
		return ret;
	ret = epoll_wait_until(epfd, events, maxevents, deadline, !timeout || ns);
	unswap_mask(sigmask, ret);
	return ret;
}

/* The epoll as a file. */

static unsigned epoll_poll(struct file *file, struct poll_table *pt)
{
	struct epoll *ep = file->private;
	unsigned mask = 0;

	poll_wait(file, &ep->poll_wait, pt);
	if (!any_ready(ep))
		return 0;
	/*
	 * Items on the list may be stale: ask the files.  By hand, as we may be asked from inside
	 * another epoll.
	 */
	mutex_lock_nested(&ep->lock, 1);
	for (struct rb_node *n = rb_first(&ep->items); n && !mask; n = rb_next(n)) {
		struct item *it = container_of(n, struct item, node);

		if (!list_empty(&it->ready_link) && item_poll(it))
			mask = EPOLLIN | EPOLLRDNORM;
	}
	mutex_unlock(&ep->lock);
	return mask;
}

static int epoll_release(struct file *file)
{
	struct epoll *ep = file->private;
	struct rb_node *n;
	{
		guard_mutex(&nest_lock);
		guard_mutex(&ep->lock);
		while ((n = rb_first(&ep->items)))
			item_remove(container_of(n, struct item, node));
	}
	kfree(ep);
	return 0;
}

static void epoll_show(struct seq *out, struct file *file)
{
	struct epoll *ep = file->private;
	struct rb_node *n;
	guard_mutex(&ep->lock);

	for (n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct item *it = container_of(n, struct item, node);

		seq_printf(out, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%x\n",
			   it->fd, it->events, it->data, it->file->pos, it->file->inode->ino, 0u);
	}
}

static const struct file_ops epoll_ops = {
	.poll = epoll_poll,
	.lseek = noop_lseek,
	.release = epoll_release,
	.show_fdinfo = epoll_show,
};

/* A watched file is closed for good. */
static void file_gone(struct file *file)
{
	guard_mutex(&nest_lock);
	while (file->epoll) {
		struct item *it = file->epoll;
		guard_mutex(&it->ep->lock);

		item_remove(it);
	}
}

void epoll_init(void)
{
	file_epoll_release = file_gone;
}

long sys_epoll_create1(int flags)
{
	struct epoll *ep;
	struct file *file;
	int fd, err;

	if (flags & ~EPOLL_CLOEXEC)
		return -EINVAL;
	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return -ENOMEM;
	mutex_init(&ep->lock, RANK_EPOLL, "epoll");
	spin_init(&ep->ready_lock, RANK_EPOLL_READY_LEAF, "epoll ready");
	list_init(&ep->ready);
	wait_queue_init(&ep->wait);
	wait_queue_init(&ep->poll_wait);
	err = anon_file_create("[eventpoll]", &epoll_ops, ep, O_RDWR, &file);
	if (err) {
		kfree(ep);
		return err;
	}
	ep->file = file;
	fd = fd_alloc(file, (u32)flags & O_CLOEXEC);
	if (fd < 0)
		file_put(file);
	return fd;
}

long sys_epoll_create(int size)
{
	return size <= 0 ? -EINVAL : sys_epoll_create1(0);
}
