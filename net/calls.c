/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls of sockets: descriptors, addresses and message headers come from the user here,
 * and go back.
 *
 * Control messages that any family may carry (descriptors, credentials) are taken apart here:
 * SCM_RIGHTS holds files, not numbers, while under way.  cmsg(3), unix(7).
 */
#include <fs/vfs/fdtable.h>
#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/uio.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>
#include <kernel/pid/jobs.h>
#include <kernel/time/clock.h>
#include <mm/alloc.h>
#include <mm/usercopy.h>
#include <net/socket.h>
#include <security/cred.h>

#define OPTION_MAX  4096
#define CONTROL_MAX 20480
#define MMSG_MAX    1024

/* Looking up. */

struct sockref {
	struct fdref fd;
	struct socket *s;
};

static int sock_get(int fd, struct sockref *r)
{
	r->fd = fd_get(fd);
	if (!r->fd.file)
		return -EBADF;
	r->s = file_socket(r->fd.file);
	if (r->s)
		return 0;
	fd_put(r->fd);
	return -ENOTSOCK;
}

static void sock_put(struct sockref *r)
{
	fd_put(r->fd);
}

static bool nonblocking(const struct sockref *r, unsigned flags)
{
	return (r->fd.file->flags & O_NONBLOCK) || (flags & MSG_DONTWAIT);
}

/* Addresses. */

static int address_from_user(struct sockaddr_storage *to, const void __user *from, int len)
{
	if (len < 0 || len > (int)sizeof(*to))
		return -EINVAL;
	memset(to, 0, sizeof(*to));
	return len ? copy_from_user(to, from, (size_t)len) : 0;
}

/* The buffer may be shorter than the name: the length tells how long it would have been. */
static int address_to_user(void __user *to, int __user *ulen, const struct sockaddr_storage *from,
			   int len)
{
	int room;

	if (get_user(room, ulen))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_to_user(to, from, (size_t)min(room, len)))
		return -EFAULT;
	return put_user(len, ulen);
}

/* Creation. */

static int socket_fd(struct socket *s, int flags)
{
	int fd = fd_alloc(s->file, flags & SOCK_CLOEXEC ? O_CLOEXEC : 0);

	if (fd < 0)
		file_put(s->file);
	return fd;
}

long sys_socket(int family, int type, int protocol)
{
	int flags = type & ~SOCK_TYPE_MASK;
	struct socket *s;
	int err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = socket_create(family, type & SOCK_TYPE_MASK, protocol, (u32)flags, &s);
	return err ? err : socket_fd(s, flags);
}

static int install_pair(struct socket *a, struct socket *b, int flags, int __user *sv)
{
	u32 cloexec = flags & SOCK_CLOEXEC ? O_CLOEXEC : 0;
	int fd[2], err;

	fd[0] = fd_reserve(cloexec);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_reserve(cloexec);
	err = fd[1] < 0 ? fd[1] : copy_to_user(sv, fd, sizeof(fd));
	if (err) {
		if (fd[1] >= 0)
			fd_release(fd[1]);
		fd_release(fd[0]);
		return err;
	}
	fd_install(fd[0], a->file);
	fd_install(fd[1], b->file);
	return 0;
}

long sys_socketpair(int family, int type, int protocol, int __user *sv)
{
	int flags = type & ~SOCK_TYPE_MASK, err;
	struct socket *a, *b;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = socket_create(family, type & SOCK_TYPE_MASK, protocol, (u32)flags, &a);
	if (err)
		return err;
	err = socket_create(family, type & SOCK_TYPE_MASK, protocol, (u32)flags, &b);
	if (err)
		goto put_a;
	err = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
	if (!err)
		err = install_pair(a, b, flags, sv);
	if (!err)
		return 0;
	file_put(b->file);
put_a:
	file_put(a->file);
	return err;
}

/* Names and connections. */

long sys_bind(int fd, const struct sockaddr __user *uaddr, int addrlen)
{
	struct sockaddr_storage addr;
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	err = address_from_user(&addr, uaddr, addrlen);
	if (!err)
		err = r.s->ops->bind ? r.s->ops->bind(r.s, &addr, addrlen) : -EOPNOTSUPP;
	sock_put(&r);
	return err;
}

long sys_connect(int fd, const struct sockaddr __user *uaddr, int addrlen)
{
	struct sockaddr_storage addr;
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	err = address_from_user(&addr, uaddr, addrlen);
	if (!err)
		err = r.s->ops->connect ? r.s->ops->connect(r.s, &addr, addrlen, nonblocking(&r, 0))
					: -EOPNOTSUPP;
	sock_put(&r);
	return err;
}

long sys_listen(int fd, int backlog)
{
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	if ((unsigned)backlog > sysctl_somaxconn)
		backlog = (int)sysctl_somaxconn;
	err = r.s->ops->listen ? r.s->ops->listen(r.s, backlog) : -EOPNOTSUPP;
	sock_put(&r);
	return err;
}

static int name_to_user(struct socket *s, struct sockaddr __user *uaddr, int __user *ulen,
			bool peer)
{
	struct sockaddr_storage name;
	int len = s->ops->name(s, &name, peer);

	return len < 0 ? len : address_to_user(uaddr, ulen, &name, len);
}

static int do_accept(struct sockref *r, struct sockaddr __user *uaddr, int __user *ulen, int flags)
{
	struct socket *new;
	int err, fd;

	if (!r->s->ops->accept)
		return -EOPNOTSUPP;
	fd = fd_reserve(flags & SOCK_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		return fd;
	err = socket_clone(r->s, (u32)flags, &new);
	if (err)
		goto release;
	err = r->s->ops->accept(r->s, new, nonblocking(r, 0));
	if (!err && uaddr)
		err = name_to_user(new, uaddr, ulen, true);
	if (err) {
		file_put(new->file);
		goto release;
	}
	fd_install(fd, new->file);
	return fd;
release:
	fd_release(fd);
	return err;
}

long sys_accept4(int fd, struct sockaddr __user *addr, int __user *addrlen, int flags)
{
	struct sockref r;
	int err;

	if (flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK))
		return -EINVAL;
	err = sock_get(fd, &r);
	if (err)
		return err;
	err = do_accept(&r, addr, addrlen, flags);
	sock_put(&r);
	return err;
}

long sys_accept(int fd, struct sockaddr __user *addr, int __user *addrlen)
{
	return sys_accept4(fd, addr, addrlen, 0);
}

long sys_getsockname(int fd, struct sockaddr __user *addr, int __user *addrlen)
{
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	err = name_to_user(r.s, addr, addrlen, false);
	sock_put(&r);
	return err;
}

long sys_getpeername(int fd, struct sockaddr __user *addr, int __user *addrlen)
{
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	err = name_to_user(r.s, addr, addrlen, true);
	sock_put(&r);
	return err;
}

long sys_shutdown(int fd, int how)
{
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	if (how < SHUT_RD || how > SHUT_RDWR)
		err = -EINVAL;
	else
		err = r.s->ops->shutdown ? r.s->ops->shutdown(r.s, how) : -EOPNOTSUPP;
	sock_put(&r);
	return err;
}

/* Control messages. */

static int scm_take_files(struct scm *scm, const int *fds, unsigned n)
{
	if (n > SCM_MAX_FDS - scm->nr_files)
		return -EINVAL;
	if (!scm->files) {
		scm->files = kcalloc(SCM_MAX_FDS, sizeof(*scm->files), GFP_KERNEL);
		if (!scm->files)
			return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++) {
		struct file *f = fd_file_raw(fds[i]);

		if (!f)
			return -EBADF;
		scm->files[scm->nr_files++] = f;
	}
	return 0;
}

static int scm_take_creds(struct scm *scm, const struct ucred *u)
{
	const struct cred *c = cred_current();

	/* Only privilege lets one speak for another. */
	if ((u->pid != job_control->process_id() && !capable(CAP_SYS_ADMIN)) ||
	    (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid && !capable(CAP_SETUID)) ||
	    (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid && !capable(CAP_SETGID)))
		return -EPERM;
	scm->creds = *u;
	scm->has_creds = true;
	return 0;
}

static int scm_parse(struct scm *scm, const u8 *control, size_t len)
{
	size_t at = 0;

	while (at + sizeof(struct cmsghdr) <= len) {
		const struct cmsghdr *h = (const struct cmsghdr *)(control + at);
		const void *data = h + 1;
		size_t size = h->cmsg_len - sizeof(*h);
		int err = 0;

		if (h->cmsg_len < sizeof(*h) || h->cmsg_len > len - at)
			return -EINVAL;
		if (h->cmsg_level == SOL_SOCKET) {
			if (h->cmsg_type == SCM_RIGHTS)
				err = scm_take_files(scm, data, (unsigned)(size / sizeof(int)));
			else if (h->cmsg_type == SCM_CREDENTIALS)
				err = size == sizeof(struct ucred) ? scm_take_creds(scm, data)
								   : -EINVAL;
			else
				err = -EINVAL;
		}
		if (err)
			return err;
		at += CMSG_ALIGN(h->cmsg_len);
	}
	return 0;
}

static int control_from_user(struct scm *scm, const struct msghdr *h)
{
	void *control;
	int err;

	if (!h->msg_controllen)
		return 0;
	if (h->msg_controllen > CONTROL_MAX)
		return -ENOBUFS;
	control = kmalloc(h->msg_controllen, GFP_KERNEL);
	if (!control)
		return -ENOBUFS;
	err = copy_from_user(control, h->msg_control, h->msg_controllen);
	if (!err)
		err = scm_parse(scm, control, h->msg_controllen);
	kfree(control);
	if (err)
		scm_destroy(scm);
	return err;
}

/* Where control messages to the user go. */
struct control_out {
	char __user *at;
	size_t room, used;
	unsigned flags; /* MSG_CTRUNC */
};

static int put_control(struct control_out *c, int type, const void *data, size_t size)
{
	struct cmsghdr h = {
		.cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = type};

	if (c->room < sizeof(h)) {
		c->flags |= MSG_CTRUNC;
		return 0;
	}
	if (c->room < h.cmsg_len) {
		c->flags |= MSG_CTRUNC;
		h.cmsg_len = c->room;
	}
	if (copy_to_user(c->at, &h, sizeof(h)) ||
	    copy_to_user(c->at + sizeof(h), data, h.cmsg_len - sizeof(h)))
		return -EFAULT;
	size_t space = min(CMSG_ALIGN(h.cmsg_len), c->room);
	c->at += space;
	c->room -= space;
	c->used += space;
	return 0;
}

/* New descriptors for the files that came.  Those that find no room are closed. */
static int put_files(struct control_out *c, struct scm *scm, bool cloexec)
{
	unsigned max = c->room > sizeof(struct cmsghdr)
			       ? (unsigned)((c->room - sizeof(struct cmsghdr)) / sizeof(int))
			       : 0;
	unsigned n = min(max, scm->nr_files), done = 0;
	int fds[SCM_MAX_FDS];
	int err = 0;

	for (; done < n; done++) {
		int fd = fd_alloc(file_get(scm->files[done]), cloexec ? O_CLOEXEC : 0);

		if (fd < 0) {
			file_put(scm->files[done]);
			break;
		}
		fds[done] = fd;
	}
	if (done)
		err = put_control(c, SCM_RIGHTS, fds, done * sizeof(int));
	if (done < scm->nr_files || !max)
		c->flags |= MSG_CTRUNC;
	return err;
}

static int control_to_user(struct socket *s, struct message *m, struct control_out *c)
{
	int err = 0;

	if (READ_ONCE(s->opt.passcred) && m->scm.has_creds)
		err = put_control(c, SCM_CREDENTIALS, &m->scm.creds, sizeof(m->scm.creds));
	if (!err && m->scm.nr_files)
		err = put_files(c, &m->scm, m->flags & MSG_CMSG_CLOEXEC);
	return err;
}

/* Sending. */

static long do_send(struct sockref *r, struct message *m)
{
	if (!r->s->ops->send)
		return -EOPNOTSUPP;
	return socket_sent(r->s, m->flags, r->s->ops->send(r->s, m, nonblocking(r, m->flags)));
}

long sys_sendto(int fd, const void __user *buf, size_t len, unsigned int flags,
		const struct sockaddr __user *uaddr, int addrlen)
{
	struct message m = {.flags = flags};
	struct sockref r;
	long n = sock_get(fd, &r);

	if (n)
		return n;
	n = import_ubuf(&m.iter, ITER_SOURCE, (void __user *)buf, len);
	if (!n && uaddr) {
		n = address_from_user(&m.name, uaddr, addrlen);
		m.namelen = addrlen;
	}
	if (!n)
		n = do_send(&r, &m);
	sock_put(&r);
	return n;
}

static long send_message(struct sockref *r, const struct msghdr __user *umsg, unsigned flags)
{
	struct iter_vec fast[ITER_FAST_VECS];
	struct message m = {.flags = flags};
	void *alloc = NULL;
	struct msghdr h;
	long n;

	if (copy_from_user(&h, umsg, sizeof(h)))
		return -EFAULT;
	if (h.msg_iovlen > ITER_MAX_VECS)
		return -EMSGSIZE;
	if (h.msg_name && h.msg_namelen) {
		n = address_from_user(&m.name, h.msg_name, h.msg_namelen);
		if (n)
			return n;
		m.namelen = h.msg_namelen;
	}
	n = import_iovec(&m.iter, ITER_SOURCE, h.msg_iov, h.msg_iovlen, fast, &alloc);
	if (!n)
		n = control_from_user(&m.scm, &h);
	if (!n)
		n = do_send(r, &m);
	scm_destroy(&m.scm);
	kfree(alloc);
	return n;
}

long sys_sendmsg(int fd, const struct msghdr __user *msg, unsigned int flags)
{
	struct sockref r;
	long n = sock_get(fd, &r);

	if (n)
		return n;
	n = send_message(&r, msg, flags);
	sock_put(&r);
	return n;
}

long sys_sendmmsg(int fd, struct mmsghdr __user *vec, unsigned int vlen, unsigned int flags)
{
	struct sockref r;
	unsigned done = 0;
	long n = sock_get(fd, &r);

	if (n)
		return n;
	for (vlen = min(vlen, (unsigned)MMSG_MAX); done < vlen; done++) {
		n = send_message(&r, &vec[done].msg_hdr, flags);
		if (n < 0 || put_user((unsigned)n, &vec[done].msg_len))
			break;
	}
	sock_put(&r);
	return done ? (long)done : n < 0 ? n : 0;
}

/* Receiving. */

static long do_receive(struct sockref *r, struct message *m)
{
	if (!r->s->ops->receive)
		return -EOPNOTSUPP;
	return r->s->ops->receive(r->s, m, nonblocking(r, m->flags));
}

long sys_recvfrom(int fd, void __user *buf, size_t len, unsigned int flags,
		  struct sockaddr __user *addr, int __user *addrlen)
{
	struct message m = {.flags = flags};
	struct sockref r;
	long n = sock_get(fd, &r);

	if (n)
		return n;
	n = import_ubuf(&m.iter, ITER_DEST, buf, len);
	if (!n)
		n = do_receive(&r, &m);
	if (n >= 0 && addr && address_to_user(addr, addrlen, &m.name, m.namelen))
		n = -EFAULT;
	scm_destroy(&m.scm);
	sock_put(&r);
	return n;
}

static int message_to_user(struct sockref *r, struct msghdr __user *umsg, const struct msghdr *h,
			   struct message *m)
{
	struct control_out c = {.at = h->msg_control,
				.room = h->msg_control ? h->msg_controllen : 0};
	int err = control_to_user(r->s, m, &c);

	if (err)
		return err;
	if (h->msg_name) {
		if (copy_to_user(h->msg_name, &m->name,
				 (size_t)min(max(h->msg_namelen, 0), m->namelen)) ||
		    put_user(m->namelen, &umsg->msg_namelen))
			return -EFAULT;
	}
	if (put_user(m->out_flags | c.flags | (m->flags & MSG_CMSG_CLOEXEC), &umsg->msg_flags) ||
	    put_user(c.used, &umsg->msg_controllen))
		return -EFAULT;
	return 0;
}

static long receive_message(struct sockref *r, struct msghdr __user *umsg, unsigned flags)
{
	struct iter_vec fast[ITER_FAST_VECS];
	struct message m = {.flags = flags};
	void *alloc = NULL;
	struct msghdr h;
	long n;

	if (copy_from_user(&h, umsg, sizeof(h)))
		return -EFAULT;
	if (h.msg_iovlen > ITER_MAX_VECS)
		return -EMSGSIZE;
	if (h.msg_name && h.msg_namelen < 0)
		return -EINVAL;
	n = import_iovec(&m.iter, ITER_DEST, h.msg_iov, h.msg_iovlen, fast, &alloc);
	if (!n)
		n = do_receive(r, &m);
	if (n >= 0) {
		int err = message_to_user(r, umsg, &h, &m);
		n = err ? err : n;
	}
	scm_destroy(&m.scm);
	kfree(alloc);
	return n;
}

long sys_recvmsg(int fd, struct msghdr __user *msg, unsigned int flags)
{
	struct sockref r;
	long n = sock_get(fd, &r);

	if (n)
		return n;
	n = receive_message(&r, msg, flags);
	sock_put(&r);
	return n;
}

long sys_recvmmsg(int fd, struct mmsghdr __user *vec, unsigned int vlen, unsigned int flags,
		  struct __kernel_timespec __user *timeout)
{
	struct __kernel_timespec ts;
	u64 wait, deadline = KTIME_MAX;
	struct sockref r;
	unsigned done = 0;
	long n;

	if (timeout) {
		if (copy_from_user(&ts, timeout, sizeof(ts)))
			return -EFAULT;
		if (timespec_to_ns(&ts, &wait))
			return -EINVAL;
		deadline = clock_deadline(wait);
	}
	n = sock_get(fd, &r);
	if (n)
		return n;
	for (vlen = min(vlen, (unsigned)MMSG_MAX); done < vlen; done++) {
		n = receive_message(&r, &vec[done].msg_hdr, flags & ~(unsigned)MSG_WAITFORONE);
		if (n < 0 || put_user((unsigned)n, &vec[done].msg_len))
			break;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		/* As on Linux the time is looked at only between messages. */
		if (clock_mono_ns() >= deadline) {
			done++;
			break;
		}
	}
	sock_put(&r);
	return done ? (long)done : n < 0 ? n : 0;
}

/* Options. */

long sys_setsockopt(int fd, int level, int optname, const void __user *optval, int optlen)
{
	u8 value[64];
	struct sockref r;
	int err = sock_get(fd, &r);

	if (err)
		return err;
	if (optlen < 0)
		err = -EINVAL;
	else if (copy_from_user(value, optval, (size_t)min(optlen, (int)sizeof(value))))
		err = -EFAULT;
	if (!err) {
		int len = min(optlen, (int)sizeof(value));

		err = r.s->ops->setsockopt ? r.s->ops->setsockopt(r.s, level, optname, value, len)
					   : -ENOPROTOOPT;
		if (err == -ENOPROTOOPT && level == SOL_SOCKET)
			err = socket_setsockopt(r.s, optname, value, len);
		else if (err == -ENOPROTOOPT && level != SOL_SOCKET && !r.s->ops->setsockopt)
			err = -EOPNOTSUPP;
	}
	sock_put(&r);
	return err;
}

long sys_getsockopt(int fd, int level, int optname, void __user *optval, int __user *optlen)
{
	u8 value[128];
	struct sockref r;
	int len, err = sock_get(fd, &r);

	if (err)
		return err;
	err = get_user(len, optlen);
	if (!err && len < 0)
		err = -EINVAL;
	if (!err) {
		len = min(len, (int)sizeof(value));
		err = r.s->ops->getsockopt ? r.s->ops->getsockopt(r.s, level, optname, value, &len)
					   : -ENOPROTOOPT;
		if (err == -ENOPROTOOPT && level == SOL_SOCKET)
			err = socket_getsockopt(r.s, optname, value, &len);
	}
	sock_put(&r);
	if (err)
		return err;
	if (copy_to_user(optval, value, (size_t)len))
		return -EFAULT;
	return put_user(len, optlen);
}
