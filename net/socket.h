/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets: files that talk.
 *
 *	program -> system call (net/calls.c) -> struct socket (net/socket.c) -> struct socket_ops of
 * the family
 *
 * A family registers itself; a family that is not there answers EAFNOSUPPORT.  The system-call
 * layer copies addresses and message headers, so families see kernel memory and struct iov_iter
 * only.  socket(7).
 */
#pragma once

#include <fs/vfs/file.h>
#include <kernel/abi/socket.h>
#include <kernel/lib/linkset.h>
#include <kernel/sync/waitqueue.h>
#include <mm/iov_iter.h>

struct poll_table;
struct socket;

/* File descriptors and credentials that travel with a message.  SCM_RIGHTS, SCM_CREDENTIALS. */
#define SCM_MAX_FDS 253

struct scm {
	struct file **files; /* counted, or NULL */
	unsigned nr_files;
	struct ucred creds;
	bool has_creds;
};

/* One sendmsg or recvmsg. */
struct message {
	struct iov_iter iter;
	struct sockaddr_storage name; /* send: destination; receive: filled with the source */
	int namelen;                  /* 0: none */
	unsigned flags;               /* MSG_* asked for */
	unsigned out_flags;           /* receive: MSG_TRUNC, MSG_EOR, ... */
	struct scm scm;
};

/*
 *	operation	may sleep	returns
 *	bind connect accept	yes	0 or a negative errno
 *	send receive	yes		bytes or a negative errno
 *	poll		no		POLL*
 *	release		yes
 *
 * All are called without locks.  NULL operations answer EOPNOTSUPP.
 */
struct socket_ops {
	int (*bind)(struct socket *s, const struct sockaddr_storage *addr, int len);
	int (*connect)(struct socket *s, const struct sockaddr_storage *addr, int len,
		       bool nonblock);
	int (*listen)(struct socket *s, int backlog);
	int (*accept)(struct socket *s, struct socket *new, bool nonblock);
	/* Own or (peer) the other's name.  Returns the length or a negative errno. */
	int (*name)(struct socket *s, struct sockaddr_storage *out, bool peer);
	int (*pair)(struct socket *a, struct socket *b);
	ssize_t (*send)(struct socket *s, struct message *m, bool nonblock);
	ssize_t (*receive)(struct socket *s, struct message *m, bool nonblock);
	unsigned (*poll)(struct socket *s, struct file *file, struct poll_table *pt);
	int (*shutdown)(struct socket *s, int how);
	int (*ioctl)(struct socket *s, unsigned cmd, unsigned long arg);
	/* Options of the family and of SOL_SOCKET that need it.  -ENOPROTOOPT: not mine. */
	int (*setsockopt)(struct socket *s, int level, int name, const void *value, int len);
	int (*getsockopt)(struct socket *s, int level, int name, void *value, int *len);
	void (*release)(struct socket *s);
};

/* Options of SOL_SOCKET that every family honours or merely keeps. */
struct socket_options {
	u32 sndbuf, rcvbuf;           /* [a] bytes */
	u64 rcv_timeout, snd_timeout; /* [a] ns, KTIME_MAX: none */
	u32 passcred, passpidfd;      /* [a] */
	u32 reuseaddr, keepalive, broadcast, oobinline, priority, reuseport, dontroute,
		timestamp; /* [a] kept */
	u32 mark;          /* [a] */
	struct linger linger;
	int rcvlowat; /* [a] */
};

struct socket {
	const struct socket_ops *ops; /* [I] */
	struct file *file;            /* [I] uncounted: it owns us */
	int family, type, protocol;   /* [I] */
	void *private;                /* [I] the family's */
	int error;                    /* [a] SO_ERROR: read once */
	struct socket_options opt;
};

struct socket_family {
	int family;
	const char *name;
	/* Set ops and private.  Returns 0, -EPROTONOSUPPORT, -ESOCKTNOSUPPORT, -ENOMEM. */
	int (*create)(struct socket *s, int protocol);
};

/* At file scope: SOCKET_FAMILY(unix_family); */
#define SOCKET_FAMILY(f) LINKSET_ENTRY(socket_families, struct socket_family, f)

#define SOCKET_BUF_DEFAULT 212992
#define SOCKET_BUF_MIN     4608
extern u32 sysctl_wmem_max, sysctl_rmem_max, sysctl_somaxconn;

/* A new socket and its file.  flags: SOCK_NONBLOCK.  Returns 0 or a negative errno. */
int __must_check socket_create(int family, int type, int protocol, u32 flags, struct socket **out);
/* A socket for accept: of the same family and type, private not yet set. */
int __must_check socket_clone(const struct socket *like, u32 flags, struct socket **out);

/* The socket of a file, NULL when it is none. */
struct socket *file_socket(struct file *file);

/*
 * What a send returned; a stream without a reader raises SIGPIPE too, unless `flags` has
 * MSG_NOSIGNAL.  Returns n.
 */
ssize_t socket_sent(struct socket *s, unsigned flags, ssize_t n);

/* Options at SOL_SOCKET (net/options.c). */
int socket_setsockopt(struct socket *s, int name, const void *value, int len);
int socket_getsockopt(struct socket *s, int name, void *value, int *len);

/* Drop what travels. */
void scm_destroy(struct scm *scm);

void net_init(void);
