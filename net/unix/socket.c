/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local sockets: life, connections, readiness.  unix(7). */
#include <fs/vfs/inode.h>
#include <fs/vfs/poll.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/ioctl.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "unix_internal.h"

static struct unix_sock *of(struct socket *s)
{
	return s->private;
}

void unix_our_creds(struct ucred *c)
{
	const struct cred *cred = cred_current();

	c->pid = job_control->process_id();
	c->uid = cred->euid;
	c->gid = cred->egid;
}

struct unix_sock *unix_sock_create(int type)
{
	struct unix_sock *u = kzalloc(sizeof(*u), GFP_KERNEL);

	if (!u)
		return NULL;
	refcount_set(&u->refs, 1);
	spin_init(&u->lock, RANK_SOCKET_QUEUE, "unix socket");
	mutex_init(&u->read_lock, RANK_SOCKET, "unix read");
	u->type = type;
	list_init(&u->queue);
	list_init(&u->pending);
	list_init(&u->pending_link);
	list_init(&u->all_link);
	list_init(&u->flight_link);
	wait_queue_init(&u->wait);
	unix_enlist(u);
	return u;
}

void unix_sock_put(struct unix_sock *u)
{
	if (!u || !refcount_put(&u->refs))
		return;
	unix_addr_put(u->addr);
	kfree(u);
}

struct unix_sock *unix_peer_get(struct unix_sock *u)
{
	guard_spin(&u->lock);
	return u->peer ? unix_sock_get(u->peer) : NULL;
}

void unix_lock_two(struct unix_sock *a, struct unix_sock *b)
{
	struct unix_sock *first = a < b ? a : b, *second = a < b ? b : a;

	spin_lock(&first->lock);
	if (first != second)
		spin_lock_nested(&second->lock, 1);
}

void unix_unlock_two(struct unix_sock *a, struct unix_sock *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* The end. */

static void drop_queue(struct unix_sock *u)
{
	struct list gone = LIST_INIT(gone);
	{
		guard_spin(&u->lock);
		unix_take_queue(u, &gone);
	}
	unix_messages_free(&gone);
}

/* Our side is gone: the peer reads what is left, then end of file; its writes fail. */
static void tell_peer(struct unix_sock *u, struct unix_sock *peer, bool lost)
{
	if (u->type == SOCK_DGRAM) {
		wake_up_all(&peer->wait);
		return;
	}
	{
		guard_spin(&peer->lock);
		WRITE_ONCE(peer->read_shut, true);
		WRITE_ONCE(peer->write_shut, true);
		/* What we never read was lost to them. */
		if (lost && peer->socket)
			atomic_store(&peer->socket->error, -ECONNRESET);
	}
	wake_up_all(&peer->wait);
}

static void sock_close(struct unix_sock *u)
{
	struct unix_sock *peer, *child, *next;
	struct list orphans = LIST_INIT(orphans);
	bool lost;

	unix_unbind(u);
	{
		guard_spin(&u->lock);
		u->state = UNIX_DEAD;
		u->socket = NULL;
		u->opt = NULL;
		u->read_shut = u->write_shut = true;
		peer = u->peer;
		u->peer = NULL;
		lost = !list_empty(&u->queue);
		list_splice_back(&orphans, &u->pending);
	}
	if (peer) {
		tell_peer(u, peer, lost);
		unix_sock_put(peer);
	}
	/* Connections nobody accepted. */
	list_for_each_safe (child, next, &orphans, pending_link) {
		list_remove(&child->pending_link);
		struct unix_sock *client = unix_peer_get(child);

		if (client) {
			tell_peer(child, client, true);
			unix_sock_put(client);
		}
		sock_close(child);
	}
	wake_up_all(&u->wait);
	drop_queue(u);
	unix_sock_put(u);
}

static void unix_release(struct socket *s)
{
	sock_close(of(s));
	unix_collect();
}

/* Creation. */

static const struct socket_ops unix_ops;

static void attach(struct unix_sock *u, struct socket *s)
{
	guard_spin(&u->lock);
	u->socket = s;
	u->opt = &s->opt;
	u->ino = s->file ? s->file->inode->ino : 0;
	s->private = u;
}

static int unix_create(struct socket *s, int protocol)
{
	struct unix_sock *u;

	if (protocol && protocol != PF_UNIX)
		return -EPROTONOSUPPORT;
	/* Raw local sockets have always been datagram ones. */
	if (s->type == SOCK_RAW)
		s->type = SOCK_DGRAM;
	if (s->type != SOCK_STREAM && s->type != SOCK_DGRAM && s->type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	u = unix_sock_create(s->type);
	if (!u)
		return -ENOMEM;
	s->ops = &unix_ops;
	attach(u, s);
	return 0;
}

static const struct socket_family unix_family = {AF_UNIX, "UNIX", unix_create};
SOCKET_FAMILY(unix_family);

static int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = of(sa), *b = of(sb);

	unix_our_creds(&a->creds);
	b->creds = a->peer_creds = b->peer_creds = a->creds;
	a->peer = unix_sock_get(b);
	b->peer = unix_sock_get(a);
	a->state = b->state = UNIX_CONNECTED;
	return 0;
}

static int unix_op_bind(struct socket *s, const struct sockaddr_storage *addr, int len)
{
	if (len == (int)sizeof(sa_family_t) && addr->ss_family == AF_UNIX)
		return unix_autobind(of(s));
	int err = unix_check_name(addr, len);

	return err ? err : unix_bind(of(s), (const struct sockaddr_un *)addr, len);
}

static int unix_listen(struct socket *s, int backlog)
{
	struct unix_sock *u = of(s);

	if (u->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	guard_spin(&u->lock);
	if (!u->addr || (u->state != UNIX_IDLE && u->state != UNIX_LISTENING))
		return -EINVAL;
	u->state = UNIX_LISTENING;
	WRITE_ONCE(u->backlog, (unsigned)backlog);
	unix_our_creds(&u->creds);
	return 0;
}

/* Connecting. */

/* Give `child` to the listener.  0, -EAGAIN (full), -ECONNREFUSED, -EISCONN, ... */
static int try_connect(struct unix_sock *u, struct unix_sock *listener, struct unix_sock *child)
{
	int err = 0;

	unix_lock_two(u, listener);
	if (listener->state != UNIX_LISTENING || listener->read_shut)
		err = -ECONNREFUSED;
	else if (u->state == UNIX_CONNECTED)
		err = -EISCONN;
	else if (u->state != UNIX_IDLE)
		err = -EINVAL;
	else if (listener->nr_pending > listener->backlog)
		err = -EAGAIN;
	if (!err) {
		unix_our_creds(&u->creds);
		child->creds = listener->creds;
		child->peer_creds = u->creds;
		u->peer_creds = listener->creds;
		child->addr = listener->addr;
		refcount_get(&child->addr->refs);
		child->state = u->state = UNIX_CONNECTED;
		child->peer = unix_sock_get(u);
		u->peer = unix_sock_get(child);
		list_push_back(&listener->pending, &child->pending_link);
		WRITE_ONCE(listener->nr_pending, listener->nr_pending + 1);
	}
	unix_unlock_two(u, listener);
	return err;
}

static bool listener_has_room(struct unix_sock *l)
{
	return READ_ONCE(l->nr_pending) <= READ_ONCE(l->backlog) ||
	       READ_ONCE(l->state) != UNIX_LISTENING;
}

static int connect_stream(struct unix_sock *u, const struct sockaddr_un *name, int len,
			  bool nonblock)
{
	struct unix_sock *listener, *child;
	int err = unix_find(name, len, u->type, &listener);

	if (err)
		return err;
	child = unix_sock_create(u->type);
	if (!child) {
		unix_sock_put(listener);
		return -ENOMEM;
	}
	u64 deadline = ktime_add(clock_mono_ns(), READ_ONCE(u->opt->snd_timeout));
	while ((err = try_connect(u, listener, child)) == -EAGAIN && !nonblock) {
		err = wait_event_interruptible_timeout(&listener->wait, listener_has_room(listener),
						       deadline);
		if (err) {
			err = err == -ETIMEDOUT ? -EAGAIN : err;
			break;
		}
	}
	if (err)
		sock_close(child);
	else
		wake_up_key(&listener->wait, POLLIN | POLLRDNORM);
	unix_sock_put(listener);
	return err;
}

static int connect_dgram(struct unix_sock *u, const struct sockaddr_storage *addr, int len)
{
	struct unix_sock *other = NULL, *old;
	int err;

	if (addr->ss_family != AF_UNSPEC) {
		err = unix_check_name(addr, len);
		if (!err)
			err = unix_find((const struct sockaddr_un *)addr, len, u->type, &other);
		if (err)
			return err;
		struct unix_sock *theirs = unix_peer_get(other);
		bool taken = theirs && theirs != u;

		unix_sock_put(theirs);
		if (taken) {
			unix_sock_put(other);
			return -EPERM;
		}
	}
	{
		guard_spin(&u->lock);
		old = u->peer;
		u->peer = other;
		u->state = other ? UNIX_CONNECTED : UNIX_IDLE;
	}
	unix_sock_put(old);
	return 0;
}

static int unix_connect(struct socket *s, const struct sockaddr_storage *addr, int len,
			bool nonblock)
{
	struct unix_sock *u = of(s);
	int err;

	if (len < (int)sizeof(sa_family_t))
		return -EINVAL;
	if (u->type == SOCK_DGRAM)
		return connect_dgram(u, addr, len);
	err = unix_check_name(addr, len);
	if (!err && READ_ONCE(s->opt.passcred) && !READ_ONCE(u->addr))
		err = unix_autobind(u);
	return err ? err : connect_stream(u, (const struct sockaddr_un *)addr, len, nonblock);
}

static struct unix_sock *take_pending(struct unix_sock *u)
{
	guard_spin(&u->lock);
	struct unix_sock *child = list_first_or_null(&u->pending, struct unix_sock, pending_link);

	if (child) {
		list_remove(&child->pending_link);
		WRITE_ONCE(u->nr_pending, u->nr_pending - 1);
	}
	return child;
}

static int unix_accept(struct socket *s, struct socket *new, bool nonblock)
{
	struct unix_sock *u = of(s), *child;
	u64 deadline = ktime_add(clock_mono_ns(), READ_ONCE(s->opt.rcv_timeout));

	if (u->type == SOCK_DGRAM)
		return -EOPNOTSUPP;
	if (READ_ONCE(u->state) != UNIX_LISTENING)
		return -EINVAL;
	while (!(child = take_pending(u))) {
		if (nonblock)
			return -EAGAIN;
		if (READ_ONCE(u->read_shut))
			return -EINVAL;
		int err = wait_event_interruptible_exclusive_timeout(
			&u->wait, !list_empty(&u->pending) || READ_ONCE(u->read_shut), deadline);
		if (err)
			return err == -ETIMEDOUT ? -EAGAIN : err;
	}
	/* Room for those who wait to connect. */
	wake_up_all(&u->wait);
	attach(child, new);
	return 0;
}

static int unix_name(struct socket *s, struct sockaddr_storage *out, bool peer)
{
	struct unix_sock *u = peer ? unix_peer_get(of(s)) : unix_sock_get(of(s));
	int len = sizeof(sa_family_t);

	if (!u)
		return -ENOTCONN;
	memset(out, 0, sizeof(*out));
	out->ss_family = AF_UNIX;
	{
		guard_spin(&u->lock);
		if (u->addr) {
			len = u->addr->len;
			memcpy(out, &u->addr->name, min((size_t)len, sizeof(u->addr->name)));
		}
	}
	unix_sock_put(u);
	return len;
}

static int unix_shutdown(struct socket *s, int how)
{
	struct unix_sock *u = of(s), *peer;
	bool rd = how != SHUT_WR, wr = how != SHUT_RD;
	{
		guard_spin(&u->lock);
		WRITE_ONCE(u->read_shut, u->read_shut | rd);
		WRITE_ONCE(u->write_shut, u->write_shut | wr);
		peer = u->peer && u->type != SOCK_DGRAM ? unix_sock_get(u->peer) : NULL;
	}
	if (peer) {
		{
			guard_spin(&peer->lock);
			WRITE_ONCE(peer->read_shut, peer->read_shut | wr);
			WRITE_ONCE(peer->write_shut, peer->write_shut | rd);
		}
		wake_up_all(&peer->wait);
		unix_sock_put(peer);
	}
	wake_up_all(&u->wait);
	return 0;
}

/* Readiness. */

static unsigned unix_poll(struct socket *s, struct file *file, struct poll_table *pt)
{
	struct unix_sock *u = of(s);
	unsigned mask = 0;

	poll_wait(file, &u->wait, pt);
	if (READ_ONCE(s->error))
		mask |= POLLERR;
	bool rd = READ_ONCE(u->read_shut), wr = READ_ONCE(u->write_shut);
	if (rd && wr)
		mask |= POLLHUP;
	if (rd)
		mask |= POLLRDHUP | POLLIN | POLLRDNORM;
	if (READ_ONCE(u->state) == UNIX_LISTENING)
		return mask | (list_empty(&u->pending) ? 0 : POLLIN | POLLRDNORM);
	if (!list_empty(&u->queue))
		mask |= POLLIN | POLLRDNORM;
	if (u->type != SOCK_DGRAM && READ_ONCE(u->state) == UNIX_IDLE)
		mask |= POLLHUP;
	if (unix_writable(u))
		mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
	return mask;
}

static int unix_ioctl(struct socket *s, unsigned cmd, unsigned long arg)
{
	struct unix_sock *u = of(s);
	int n;

	switch (cmd) {
	case SIOCOUTQ: return put_user((int)atomic_load(&u->sent), (int __user *)arg);
	case FIONREAD: {
		guard_spin(&u->lock);
		if (u->state == UNIX_LISTENING)
			return -EINVAL;
		n = (int)u->bytes;
		if (u->type == SOCK_DGRAM)
			n = list_empty(&u->queue)
				    ? 0
				    : (int)list_first(&u->queue, struct unix_message, link)->len;
		break;
	}
	default: return -ENOIOCTLCMD;
	}
	return put_user(n, (int __user *)arg);
}

static int unix_getsockopt(struct socket *s, int level, int name, void *value, int *len)
{
	struct unix_sock *u = of(s);
	int v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_PEERCRED: {
		struct ucred none = {0, U32_MAX, U32_MAX};
		guard_spin(&u->lock);

		*len = min(*len, (int)sizeof(none));
		memcpy(value,
		       u->state == UNIX_CONNECTED && u->type != SOCK_DGRAM ? &u->peer_creds
		       : u->peer_creds.pid                                 ? &u->peer_creds
									   : &none,
		       (size_t)*len);
		return 0;
	}
	case SO_ACCEPTCONN:
		v = READ_ONCE(u->state) == UNIX_LISTENING;
		*len = min(*len, (int)sizeof(v));
		memcpy(value, &v, (size_t)*len);
		return 0;
	default: return -ENOPROTOOPT;
	}
}

static int unix_setsockopt(struct socket *s, int level, int name, const void *value, int len)
{
	return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static const struct socket_ops unix_ops = {
	.bind = unix_op_bind,
	.connect = unix_connect,
	.listen = unix_listen,
	.accept = unix_accept,
	.name = unix_name,
	.pair = unix_pair,
	.send = unix_send,
	.receive = unix_receive,
	.poll = unix_poll,
	.shutdown = unix_shutdown,
	.ioctl = unix_ioctl,
	.setsockopt = unix_setsockopt,
	.getsockopt = unix_getsockopt,
	.release = unix_release,
};
