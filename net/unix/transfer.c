/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local sockets: moving data.
 *
 * A sender builds a message without locks, waits until its own buffer has room for it, and queues
 * it at the receiver.  A stream is cut into messages only for that; its reader sees bytes, but one
 * read never goes on past bytes that came with descriptors, nor mixes, when it asked for them,
 * different credentials.
 */
#include <kernel/abi/errno.h>
#include <kernel/abi/poll.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/sched/sched.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <security/cred.h>

#include "unix_internal.h"

static struct unix_sock *of(struct socket *s)
{
	return s->private;
}

/* Messages. */

void unix_message_free(struct unix_message *m)
{
	struct unix_sock *sender = m->sender;

	if (sender) {
		atomic_sub(&sender->sent, m->charge);
		if (wait_queue_active(&sender->wait) && unix_writable(sender))
			wake_up_key(&sender->wait, POLLOUT | POLLWRNORM);
		unix_sock_put(sender);
	}
	unix_addr_put(m->from);
	unix_flight_end(m);
	scm_destroy(&m->scm);
	kvfree(m);
}

void unix_messages_free(struct list *messages)
{
	struct unix_message *m, *next;

	list_for_each_safe (m, next, messages, link)
		unix_message_free(m);
}

void unix_take_queue(struct unix_sock *u, struct list *out)
{
	list_splice_back(out, &u->queue);
	WRITE_ONCE(u->queued, 0);
	u->bytes = 0;
}

static int message_build(struct unix_sock *u, struct message *in, size_t len, bool first,
			 struct unix_message **out)
{
	struct unix_message *m = kvmalloc(sizeof(*m) + len, GFP_KERNEL);

	if (!m)
		return -ENOBUFS;
	memset(m, 0, sizeof(*m));
	m->len = len;
	m->charge = (u32)len + UNIX_OVERHEAD;
	if (copy_from_iter(m->data, len, &in->iter) != len) {
		kvfree(m);
		return -EFAULT;
	}
	m->sender = unix_sock_get(u);
	atomic_add(&u->sent, m->charge);
	{
		guard_spin(&u->lock);
		m->from = u->addr;
		if (m->from)
			refcount_get(&m->from->refs);
	}
	if (in->scm.has_creds)
		m->scm.creds = in->scm.creds;
	else
		unix_our_creds(&m->scm.creds);
	m->scm.has_creds = true;
	/* Descriptors go with the first byte. */
	if (first && in->scm.nr_files) {
		m->scm.files = in->scm.files;
		m->scm.nr_files = in->scm.nr_files;
		in->scm.files = NULL;
		in->scm.nr_files = 0;
	}
	int err = unix_flight_begin(m);
	if (err)
		unix_message_free(m);
	else
		*out = m;
	return err;
}

/* Sending. */

bool unix_writable(const struct unix_sock *u)
{
	const struct socket_options *opt = READ_ONCE(u->opt);

	return opt && atomic_load(&u->sent) * 4 <= READ_ONCE(opt->sndbuf);
}

static bool room_for(const struct unix_sock *u, size_t len)
{
	const struct socket_options *opt = READ_ONCE(u->opt);

	/* One message always goes, however large. */
	return !opt || !atomic_load(&u->sent) ||
	       atomic_load(&u->sent) + len + UNIX_OVERHEAD <= READ_ONCE(opt->sndbuf);
}

static int wait_for_room(struct unix_sock *u, size_t len, bool nonblock, u64 deadline)
{
	if (room_for(u, len))
		return 0;
	if (nonblock)
		return -EAGAIN;
	int err = wait_event_interruptible_timeout(
		&u->wait, room_for(u, len) || READ_ONCE(u->write_shut), deadline);
	return err == -ETIMEDOUT ? -EAGAIN : err;
}

/* Queue `m`, or say why not; the message is the caller's then. */
static int enqueue(struct unix_sock *to, struct unix_message *m)
{
	{
		guard_spin(&to->lock);
		if (to->state == UNIX_DEAD)
			return to->type == SOCK_DGRAM ? -ECONNREFUSED : -EPIPE;
		if (to->read_shut)
			return -EPIPE;
		list_push_back(&to->queue, &m->link);
		WRITE_ONCE(to->queued, to->queued + 1);
		to->bytes += m->len;
	}
	if (wait_queue_active(&to->wait))
		wake_up_sync(&to->wait, POLLIN | POLLRDNORM);
	return 0;
}

static ssize_t send_stream(struct unix_sock *u, struct unix_sock *peer, struct message *in,
			   bool nonblock, u64 deadline)
{
	ssize_t total = 0;
	int err = 0;

	while (iov_iter_count(&in->iter)) {
		size_t n = min(iov_iter_count(&in->iter), (size_t)UNIX_CHUNK);
		struct unix_message *m;

		n = min(n, (size_t)max(READ_ONCE(u->opt->sndbuf) / 2, 1u));
		err = wait_for_room(u, n, nonblock, deadline);
		if (!err && READ_ONCE(u->write_shut))
			err = -EPIPE;
		if (!err)
			err = message_build(u, in, n, !total, &m);
		if (err)
			break;
		err = enqueue(peer, m);
		if (err) {
			unix_message_free(m);
			break;
		}
		total += (ssize_t)n;
	}
	return total ? total : err;
}

/* A datagram socket that is not our partner holds only a few messages. */
static bool queue_has_room(struct unix_sock *to, struct unix_sock *u)
{
	return READ_ONCE(to->peer) == u || READ_ONCE(to->queued) < UNIX_DGRAM_QUEUE ||
	       READ_ONCE(to->state) == UNIX_DEAD;
}

static int wait_for_queue(struct unix_sock *u, struct unix_sock *to, bool nonblock, u64 deadline)
{
	if (u->type != SOCK_DGRAM || queue_has_room(to, u))
		return 0;
	if (nonblock)
		return -EAGAIN;
	int err = wait_event_interruptible_timeout(&to->wait, queue_has_room(to, u), deadline);
	return err == -ETIMEDOUT ? -EAGAIN : err;
}

static bool may_send_to(struct unix_sock *u, struct unix_sock *to)
{
	struct unix_sock *theirs = unix_peer_get(to);
	bool ok = u->type != SOCK_DGRAM || !theirs || theirs == u;

	unix_sock_put(theirs);
	return ok;
}

static ssize_t send_packet(struct unix_sock *u, struct unix_sock *to, struct message *in,
			   bool nonblock, u64 deadline)
{
	size_t n = iov_iter_count(&in->iter);
	struct unix_message *m;
	int err;

	if (n > READ_ONCE(u->opt->sndbuf) - 32)
		return -EMSGSIZE;
	if (!may_send_to(u, to))
		return -EPERM;
	err = wait_for_room(u, n, nonblock, deadline);
	if (!err)
		err = wait_for_queue(u, to, nonblock, deadline);
	if (!err)
		err = message_build(u, in, n, true, &m);
	if (err)
		return err;
	err = enqueue(to, m);
	if (err) {
		unix_message_free(m);
		return err;
	}
	return (ssize_t)n;
}

/* Whom the message is for, counted. */
static int destination(struct unix_sock *u, struct message *in, struct unix_sock **out)
{
	if (in->namelen) {
		if (u->type != SOCK_DGRAM)
			return READ_ONCE(u->state) == UNIX_CONNECTED ? -EISCONN : -EOPNOTSUPP;
		int err = unix_check_name(&in->name, in->namelen);
		return err ? err
			   : unix_find((const struct sockaddr_un *)&in->name, in->namelen, u->type,
				       out);
	}
	*out = unix_peer_get(u);
	if (*out)
		return 0;
	return u->type != SOCK_DGRAM && READ_ONCE(u->write_shut) ? -EPIPE : -ENOTCONN;
}

/* The partner of a datagram socket is gone: the next send finds none. */
static void unix_peer_forget(struct unix_sock *u, struct unix_sock *gone)
{
	{
		guard_spin(&u->lock);
		if (u->peer != gone)
			return;
		u->peer = NULL;
		u->state = UNIX_IDLE;
	}
	unix_sock_put(gone);
}

ssize_t unix_send(struct socket *s, struct message *in, bool nonblock)
{
	struct unix_sock *u = of(s), *to;
	u64 deadline = ktime_add(clock_mono_ns(), READ_ONCE(s->opt.snd_timeout));
	ssize_t n;
	int err;

	if (in->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (READ_ONCE(s->opt.passcred) && !READ_ONCE(u->addr) && (err = unix_autobind(u)))
		return err;
	err = destination(u, in, &to);
	if (err)
		return err;
	if (READ_ONCE(u->write_shut))
		n = -EPIPE;
	else if (u->type == SOCK_STREAM)
		n = send_stream(u, to, in, nonblock, deadline);
	else
		n = send_packet(u, to, in, nonblock, deadline);
	if (n == -ECONNREFUSED && !in->namelen)
		unix_peer_forget(u, to);
	unix_sock_put(to);
	return n;
}

/* Receiving. */

static struct unix_message *queue_head(struct unix_sock *u)
{
	guard_spin(&u->lock);
	return list_first_or_null(&u->queue, struct unix_message, link);
}

/* The head has been read, all or `part` bytes of it.  Locks: read_lock held. */
static void consume(struct unix_sock *u, struct unix_message *m, size_t part, bool whole)
{
	{
		guard_spin(&u->lock);
		u->bytes -= whole ? m->len - m->done : part;
		m->done += part;
		if (!whole)
			return;
		list_remove(&m->link);
		WRITE_ONCE(u->queued, u->queued - 1);
	}
	if (u->type == SOCK_DGRAM && wait_queue_active(&u->wait))
		wake_up_key(&u->wait, POLLOUT | POLLWRNORM);
	unix_message_free(m);
}

static int nothing_there(struct socket *s, struct unix_sock *u)
{
	int err = atomic_xchg(&s->error, 0);

	if (err)
		return err;
	if (READ_ONCE(u->read_shut))
		return 0;
	if (u->type != SOCK_DGRAM && READ_ONCE(u->state) == UNIX_IDLE)
		return u->type == SOCK_STREAM ? -EINVAL : -ENOTCONN;
	return -EAGAIN;
}

static bool readable(struct unix_sock *u)
{
	return !list_empty(&u->queue) || READ_ONCE(u->read_shut);
}

/*
 * The head of the queue with read_lock held; NULL with *err when there is none: 0 is end of file.
 */
static struct unix_message *wait_for_message(struct socket *s, struct unix_sock *u, bool nonblock,
					     u64 deadline, int *err)
{
	struct unix_message *m;

	for (;;) {
		*err = mutex_lock_interruptible(&u->read_lock);
		if (*err) {
			*err = -ERESTARTSYS;
			return NULL;
		}
		m = queue_head(u);
		if (m)
			return m;
		mutex_unlock(&u->read_lock);
		*err = nothing_there(s, u);
		if (*err != -EAGAIN || nonblock)
			return NULL;
		*err = wait_event_interruptible_exclusive_timeout(&u->wait, readable(u), deadline);
		if (*err) {
			*err = *err == -ETIMEDOUT ? -EAGAIN : *err;
			return NULL;
		}
	}
}

static void take_name(struct message *out, const struct unix_message *m)
{
	memset(&out->name, 0, sizeof(out->name));
	out->namelen = 0;
	if (m->from) {
		out->namelen = m->from->len;
		memcpy(&out->name, &m->from->name,
		       min((size_t)m->from->len, sizeof(m->from->name)));
	}
}

/* Descriptors move to the reader; a peek gets references of its own. */
static int take_scm(struct message *out, struct unix_message *m, bool peek)
{
	struct scm *from = &m->scm;

	out->scm.creds = from->creds;
	out->scm.has_creds = true;
	if (!from->nr_files || out->scm.nr_files)
		return 0;
	if (peek) {
		out->scm.files =
			kmemdup(from->files, from->nr_files * sizeof(*from->files), GFP_KERNEL);
		if (!out->scm.files)
			return -ENOMEM;
		for (unsigned i = 0; i < from->nr_files; i++)
			file_get(from->files[i]);
		out->scm.nr_files = from->nr_files;
		unix_flight_peek();
		return 0;
	}
	unix_flight_end(m);
	out->scm.files = from->files;
	out->scm.nr_files = from->nr_files;
	from->files = NULL;
	from->nr_files = 0;
	return 0;
}

static bool same_sender(const struct message *out, const struct unix_message *m)
{
	return out->scm.creds.pid == m->scm.creds.pid && out->scm.creds.uid == m->scm.creds.uid &&
	       out->scm.creds.gid == m->scm.creds.gid;
}

/*
 * Bytes from the head of a stream, as far as they belong together.  Locks: read_lock held.  *stop:
 * a border was met.
 */
static ssize_t read_some(struct socket *s, struct unix_sock *u, struct message *out, bool first,
			 bool peek, bool *stop)
{
	struct unix_message *m = queue_head(u);
	bool border = !first && m && READ_ONCE(s->opt.passcred) && !same_sender(out, m);

	*stop = !m || border;
	if (*stop)
		return 0;
	size_t n = min(iov_iter_count(&out->iter), m->len - m->done);
	size_t copied = copy_to_iter(m->data + m->done, n, &out->iter);

	if (n && !copied)
		return -EFAULT;
	if (first)
		take_name(out, m);
	int err = take_scm(out, m, peek);
	if (err)
		return err;
	*stop = peek || copied < n || out->scm.nr_files;
	if (!peek)
		consume(u, m, copied, m->done + copied == m->len);
	return (ssize_t)copied;
}

static ssize_t receive_stream(struct socket *s, struct message *out, bool nonblock, u64 deadline)
{
	struct unix_sock *u = of(s);
	size_t target = out->flags & MSG_WAITALL ? iov_iter_count(&out->iter) : 1;
	bool peek = out->flags & MSG_PEEK, stop = false;
	ssize_t total = 0, n;
	int err;

	do {
		if (!wait_for_message(s, u, nonblock, deadline, &err))
			return total ? total : err;
		do {
			n = read_some(s, u, out, !total, peek, &stop);
			total += n > 0 ? n : 0;
		} while (n > 0 && !stop && iov_iter_count(&out->iter));
		mutex_unlock(&u->read_lock);
		if (n < 0)
			return total ? total : n;
		if (out->scm.nr_files || peek)
			break;
	} while ((size_t)total < target && iov_iter_count(&out->iter));
	return total;
}

static ssize_t receive_packet(struct socket *s, struct message *out, bool nonblock, u64 deadline)
{
	struct unix_sock *u = of(s);
	bool peek = out->flags & MSG_PEEK;
	struct unix_message *m;
	ssize_t n;
	int err;

	m = wait_for_message(s, u, nonblock, deadline, &err);
	if (!m)
		return err;
	size_t want = min(iov_iter_count(&out->iter), m->len);

	if (copy_to_iter(m->data, want, &out->iter) != want) {
		mutex_unlock(&u->read_lock);
		return -EFAULT;
	}
	n = (ssize_t)(out->flags & MSG_TRUNC ? m->len : want);
	if (want < m->len)
		out->out_flags |= MSG_TRUNC;
	take_name(out, m);
	err = take_scm(out, m, peek);
	if (!peek)
		consume(u, m, 0, true);
	mutex_unlock(&u->read_lock);
	return err ? err : n;
}

ssize_t unix_receive(struct socket *s, struct message *out, bool nonblock)
{
	u64 deadline = ktime_add(clock_mono_ns(), READ_ONCE(s->opt.rcv_timeout));

	if (out->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (s->type != SOCK_STREAM)
		return receive_packet(s, out, nonblock, deadline);
	if (!iov_iter_count(&out->iter))
		return 0;
	return receive_stream(s, out, nonblock, deadline);
}
