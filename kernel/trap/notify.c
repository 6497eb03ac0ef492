/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that a thread does before it returns to user mode or exits.
 *
 * The list is a lock-free stack.  An exiting thread replaces it by a mark, after which nothing can
 * be added.
 */
#include <kernel/abi/errno.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>
#include "trap_internal.h"

struct llist_node notify_closed;

int notify_work_add(struct thread *t, struct notify_work *w)
{
	struct llist_node *first = atomic_load(&t->notify_work.first);

	do {
		if (first == &notify_closed)
			return -ESRCH;
		w->link.next = first;
	} while (!atomic_cmpxchg(&t->notify_work.first, &first, &w->link));
	thread_flag_set(t, THREAD_NOTIFY);
	if (t != thread_current())
		thread_kick(t);
	return 0;
}

void notify_work_run(bool last)
{
	struct thread *t = thread_current();
	struct llist_node *n;

	do {
		thread_flag_clear(t, THREAD_NOTIFY);
		n = atomic_load(&t->notify_work.first);
		/* Only an empty list is closed. */
		if (!n && last)
			(void)atomic_cmpxchg(&t->notify_work.first, &n, &notify_closed);
		if (!n || n == &notify_closed)
			return;
		n = llist_reverse(atomic_xchg(&t->notify_work.first, NULL));
		while (n) {
			struct notify_work *w = llist_entry(n, struct notify_work, link);

			n = n->next;
			w->fn(w);
		}
	} while (last || atomic_load(&t->notify_work.first));
}
