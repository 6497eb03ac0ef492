/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poll(2), ppoll(2).
 *
 * Each file is asked in turn; as long as none is ready the poller links itself into the wait queues
 * they name.  A wake-up of any sets `triggered`, which the sleeper tests after it declared itself
 * asleep:
 *
 *	poller				waker
 *	link into queue			make ready
 *	state = INTERRUPTIBLE		triggered = 1
 *	triggered?  no: sleep		wake
 */
#include <fs/vfs/fdtable.h>
#include <kernel/abi/resource.h>
#include <kernel/abi/signal.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>

#include "poll_internal.h"
#include "syscalls_internal.h"

static int poller_wake(struct wait_entry *e, unsigned mode, u64 key)
{
	struct poll_link *link = container_of(e, struct poll_link, entry);

	if (key && !(key & e->key))
		return 0;
	WRITE_ONCE(link->poller->triggered, 1);
	return thread_wake(link->poller->thread);
}

static struct poll_link *link_alloc(struct poller *p)
{
	struct poll_block *b = p->blocks;

	if (p->used < POLL_INLINE_LINKS)
		return &p->links[p->used++];
	if (!b || b->used == ARRAY_SIZE(b->links)) {
		b = kmalloc(sizeof(*b), GFP_KERNEL);
		if (!b) {
			p->error = -ENOMEM;
			return NULL;
		}
		b->next = p->blocks;
		b->used = 0;
		p->blocks = b;
	}
	return &b->links[b->used++];
}

static void poller_queue(struct file *file, struct wait_queue *wq, struct poll_table *pt)
{
	struct poller *p = container_of(pt, struct poller, table);
	struct poll_link *link = link_alloc(p);

	if (!link)
		return;
	link->poller = p;
	link->wq = wq;
	link->file = file_get(file);
	wait_entry_init_callback(&link->entry, poller_wake);
	link->entry.key = pt->key;
	wait_queue_add(wq, &link->entry);
}

void poller_init(struct poller *p)
{
	p->table.queue = poller_queue;
	p->table.key = 0;
	p->thread = thread_current();
	p->triggered = 0;
	p->error = 0;
	p->used = 0;
	p->blocks = NULL;
}

static void unlink_all(struct poll_link *links, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		wait_queue_remove(links[i].wq, &links[i].entry);
		file_put(links[i].file);
	}
}

void poller_fini(struct poller *p)
{
	unlink_all(p->links, p->used);
	while (p->blocks) {
		struct poll_block *b = p->blocks;

		unlink_all(b->links, b->used);
		p->blocks = b->next;
		kfree(b);
	}
}

/* Sleep until a queue we are linked in is woken, a signal, or the deadline.  Returns 0 or
 * -ETIMEDOUT. */
int poller_sleep(struct poller *p, u64 deadline)
{
	int err = 0;

	thread_set_state(THREAD_INTERRUPTIBLE);
	if (!READ_ONCE(p->triggered) && !signal_pending(p->thread))
		err = wait_schedule(deadline);
	thread_set_state(THREAD_RUNNING);
	/* Clear before the files are asked again, so that what comes then is seen. */
	(void)atomic_xchg(&p->triggered, 0);
	return err;
}

/* Ask one entry.  Returns whether it has something to report. */
static bool poll_one(struct pollfd *pfd, struct poll_table *pt)
{
	struct fdref ref;
	unsigned filter, events;

	pfd->revents = 0;
	if (pfd->fd < 0)
		return false;
	ref = fd_get(pfd->fd);
	if (!ref.file) {
		pfd->revents = POLLNVAL;
		return true;
	}
	filter = (u16)pfd->events | POLLERR | POLLHUP;
	pt->key = filter;
	events = file_poll(ref.file, pt) & filter;
	fd_put(ref);
	pfd->revents = events;
	return events;
}

/* Returns how many are ready, 0 at the deadline, -EINTR, -ENOMEM. */
static long poll_loop(struct pollfd *fds, unsigned n, struct poller *p, u64 deadline)
{
	bool late = !deadline;
	long ready;

	if (late)
		p->table.queue = NULL;
	for (;;) {
		ready = 0;
		for (unsigned i = 0; i < n; i++) {
			if (poll_one(&fds[i], &p->table)) {
				ready++;
				p->table.queue = NULL;
			}
		}
		/* Linked into all queues after the first round. */
		p->table.queue = NULL;
		if (ready)
			return ready;
		if (p->error)
			return p->error;
		if (signal_pending(p->thread))
			return -EINTR;
		if (late)
			return 0;
		late = poller_sleep(p, deadline) == -ETIMEDOUT;
	}
}

#define POLL_STACK_FDS 24

long poll_user(struct pollfd __user *ufds, unsigned n, u64 deadline)
{
	struct pollfd few[POLL_STACK_FDS], *fds = few;
	struct poller p;
	long ret = -EFAULT;

	if (n > rlimit_get(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > POLL_STACK_FDS) {
		fds = kvmalloc(n * sizeof(*fds), GFP_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	if (n && copy_from_user(fds, ufds, n * sizeof(*fds)))
		goto free;
	poller_init(&p);
	ret = poll_loop(fds, n, &p, deadline);
	poller_fini(&p);
	for (unsigned i = 0; i < n && ret >= 0; i++) {
		if (put_user(fds[i].revents, &ufds[i].revents))
			ret = -EFAULT;
	}
free:
	if (fds != few)
		kvfree(fds);
	return ret;
}

/* Time and masks, for ppoll and pselect6 alike */

int deadline_from_timespec(const struct __kernel_timespec __user *user, u64 *deadline)
{
	struct __kernel_timespec ts;
	u64 ns;
	int err;

	*deadline = KTIME_MAX;
	if (!user)
		return 0;
	if (copy_from_user(&ts, user, sizeof(ts)))
		return -EFAULT;
	err = timespec_to_ns(&ts, &ns);
	if (!err)
		*deadline = ns ? clock_deadline(ns) : 0;
	return err;
}

void remaining_to_timespec(struct __kernel_timespec __user *user, u64 deadline)
{
	struct __kernel_timespec ts = {};
	u64 now;

	if (!user || deadline == KTIME_MAX)
		return;
	now = clock_mono_ns();
	if (deadline > now)
		ts = ns_to_timespec(deadline - now);
	/* A result that cannot be told is no error of the call. */
	(void)!copy_to_user(user, &ts, sizeof(ts));
}

int sigmask_from_user(const u64 __user *mask, size_t size)
{
	ksigset_t set;

	if (!mask)
		return 0;
	if (size != sizeof(set))
		return -EINVAL;
	if (copy_from_user(&set, mask, sizeof(set)))
		return -EFAULT;
	signal_set_blocked_until_return(set);
	return 0;
}

long sys_ppoll(struct pollfd __user *fds, unsigned int nfds, struct __kernel_timespec __user *tmo,
	       const u64 __user *sigmask, size_t sigsetsize)
{
	u64 deadline;
	long ret = deadline_from_timespec(tmo, &deadline);

	if (!ret)
		ret = sigmask_from_user(sigmask, sigsetsize);
	if (ret)
		return ret;
	ret = poll_user(fds, nfds, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	remaining_to_timespec(tmo, deadline);
	return ret;
}
