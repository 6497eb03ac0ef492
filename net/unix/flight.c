/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local sockets: descriptors under way.
 *
 * A message that carries descriptors holds their files.  A local socket may so lie in its own
 * queue, or two in each other's, and live though no program can reach them: garbage.
 *
 * Each local socket counts in how many places of queued messages it lies (in_flight).  A socket
 * whose file has no other references is a suspect.  A suspect that lies in the queue of one that is
 * none can be reached, and so can what lies in its own queue; what is left over can be reached only
 * from itself, and its queues are emptied: references go, the files close.  The queue of a listener
 * includes those of the connections nobody has accepted.
 *
 * flight_lock keeps that true while it is being found out.  Descriptors come to a program out of a
 * message only by way of the lock: in_flight goes down before a reader gets a file, and a reader
 * that only peeks waits for whoever looks.  So no program comes to hold a suspect meanwhile, and
 * none can read from a suspect's queue.  in_flight goes up before the message is queued: a socket
 * under way to a queue counts as reached from outside.
 *
 * Looking for garbage is worth while when a local socket is closed and others are under way, and
 * when very many are.
 *
 * Lock order: flight_lock; unix_sock.lock, a listener's before its connections' (subclass 1).
 */
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/resource.h>
#include <kernel/sched/limits.h>
#include <kernel/sched/workqueue.h>
#include <security/cred.h>

#include "unix_internal.h"

/* So many sockets under way are looked through at each message more. */
#define FLIGHT_MANY 16000

static struct mutex flight_lock = MUTEX_INIT(flight_lock, RANK_SOCKET_INNER);
static struct list flight = LIST_INIT(flight); /* [flight_lock] struct unix_sock.flight_link */
static unsigned nr_flying;                     /* [flight_lock; read without] places in messages */

static void collect_run(struct work *w);
static struct work collect_work = WORK_INIT(collect_work, collect_run);

static struct unix_sock *unix_of(struct file *f)
{
	struct socket *s = file_socket(f);

	return s && s->family == AF_UNIX ? s->private : NULL;
}

void unix_collect(void)
{
	if (READ_ONCE(nr_flying))
		work_queue(&collect_work);
}

int unix_flight_begin(struct unix_message *m)
{
	struct user *user = cred_current()->user;

	if (!m->scm.nr_files)
		return 0;
	if (atomic_load(&user->nr_in_flight) > rlimit_get(RLIMIT_NOFILE) &&
	    !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN))
		return -ETOOMANYREFS;
	if (READ_ONCE(nr_flying) > FLIGHT_MANY)
		unix_collect();
	guard_mutex(&flight_lock);
	for (unsigned i = 0; i < m->scm.nr_files; i++) {
		struct unix_sock *u = unix_of(m->scm.files[i]);

		if (!u)
			continue;
		if (!u->in_flight++)
			list_push_back(&flight, &u->flight_link);
		WRITE_ONCE(nr_flying, nr_flying + 1);
	}
	atomic_add(&user->nr_in_flight, m->scm.nr_files);
	refcount_get(&user->refs);
	m->user = user;
	return 0;
}

void unix_flight_end(struct unix_message *m)
{
	if (!m->user)
		return;
	guard_mutex(&flight_lock);
	for (unsigned i = 0; i < m->scm.nr_files; i++) {
		struct unix_sock *u = unix_of(m->scm.files[i]);

		if (!u)
			continue;
		if (!--u->in_flight)
			list_remove(&u->flight_link);
		WRITE_ONCE(nr_flying, nr_flying - 1);
	}
	atomic_sub(&m->user->nr_in_flight, m->scm.nr_files);
	user_put(m->user);
	m->user = NULL;
}

void unix_flight_peek(void)
{
	guard_mutex(&flight_lock);
}

/* --- finding garbage --- */

typedef void (*sock_fn)(struct unix_sock *u, struct list *arg);

/* Call `fn` for `u` and the connections that wait at it: theirs are its queues.  `fn` is called
 * with the lock of the one it gets. */
static void each_queue(struct unix_sock *u, sock_fn fn, struct list *arg)
{
	struct unix_sock *child;
	guard_spin(&u->lock);

	fn(u, arg);
	list_for_each (child, &u->pending, pending_link) {
		spin_lock_nested(&child->lock, 1);
		fn(child, arg);
		spin_unlock(&child->lock);
	}
}

/* Call `fn` for each local socket in u's own queue.  Locks: flight_lock, u->lock held. */
static void each_found(struct unix_sock *u, sock_fn fn, struct list *arg)
{
	struct unix_message *m;

	list_for_each (m, &u->queue, link) {
		for (unsigned i = 0; i < m->scm.nr_files; i++) {
			struct unix_sock *found = unix_of(m->scm.files[i]);

			if (found)
				fn(found, arg);
		}
	}
}

static void reached_from_suspect(struct unix_sock *u, struct list *unused)
{
	u->outside--;
}

/* `u` can be reached: so can what lies within, once that is looked at. */
static void reached(struct unix_sock *u, struct list *live)
{
	if (!u->suspect)
		return;
	u->suspect = false;
	list_remove(&u->flight_link);
	list_push_back(live, &u->flight_link);
}

static void count_found(struct unix_sock *u, struct list *unused)
{
	each_found(u, reached_from_suspect, NULL);
}

static void reach_found(struct unix_sock *u, struct list *live)
{
	each_found(u, reached, live);
}

/* Locks: flight_lock held. */
static void find_garbage(struct list *out)
{
	struct list live = LIST_INIT(live);
	struct unix_sock *u, *next;

	list_for_each (u, &flight, flight_link) {
		u->suspect = refcount_read(&u->socket->file->refs) == u->in_flight;
		u->outside = u->in_flight;
	}
	list_for_each (u, &flight, flight_link)
		if (u->suspect)
			each_queue(u, count_found, NULL);
	list_for_each_safe (u, next, &flight, flight_link)
		if (u->suspect && u->outside)
			reached(u, &live);
	/* The list grows while it is walked. */
	list_for_each (u, &live, flight_link)
		each_queue(u, reach_found, &live);
	list_for_each (u, &flight, flight_link)
		if (u->suspect)
			each_queue(u, unix_take_queue, out);
	list_splice_back(&flight, &live);
}

static void collect_run(struct work *w)
{
	struct list garbage = LIST_INIT(garbage);
	{
		guard_mutex(&flight_lock);
		find_garbage(&garbage);
	}
	unix_messages_free(&garbage);
}
