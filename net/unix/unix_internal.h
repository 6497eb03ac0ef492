/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Local sockets, between the files of this folder.  unix(7).
 *
 * A message lies in the receiver's queue and counts against its sender's buffer until it is read.
 * References: a socket holds its peer, a message its sender; the program's struct socket holds its
 * own struct unix_sock until release.
 *
 * Lock order: table_lock; unix_sock.lock, of two sockets by address (subclass 1 the second).
 * read_lock (a mutex) keeps the head of a queue still while it is copied to the reader; it is
 * outside all of these.
 */
#pragma once

#include <fs/vfs/mount.h>
#include <kernel/abi/un.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/spinlock.h>
#include <net/socket.h>

#define UNIX_DGRAM_QUEUE                                                                           \
	10 /* messages a datagram socket holds for strangers: net.unix.max_dgram_qlen */
#define UNIX_CHUNK    32768 /* bytes of one message of a stream */
#define UNIX_OVERHEAD 256   /* what a message costs besides its bytes */

/* A name: as bind(2) got it. */
struct unix_addr {
	refcount_t refs;
	int len; /* of the whole struct sockaddr_un in use */
	struct sockaddr_un name;
};

enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED, UNIX_DEAD };

struct unix_sock {
	refcount_t refs;
	struct spinlock lock;
	int type;                   /* [I] */
	u64 ino;                    /* [I] of the socket's file, 0 before accept */
	enum unix_state state;      /* [l] */
	bool read_shut, write_shut; /* [l; read without] */
	struct unix_sock *peer;     /* [l] counted */
	struct unix_addr *addr;     /* [l, set once] counted */
	struct path path;           /* [I once bound] the node in the file system */
	struct hlist_node link;     /* [table_lock] */
	struct list all_link;       /* [table_lock] */
	struct list queue;          /* [l] struct unix_message.link */
	unsigned queued;            /* [l; read without] messages in it */
	size_t bytes;               /* [l] unread bytes in it */
	u32 sent;                   /* [a] bytes of ours that others have not read */
	struct list pending;        /* [l] of a listener: struct unix_sock.pending_link */
	struct list pending_link;
	unsigned nr_pending, backlog; /* [l; read without] */
	struct ucred creds; /* [l] of who made, bound or connected it: the peer's SO_PEERCRED */
	struct ucred peer_creds;    /* [l] */
	struct socket_options *opt; /* [I while the program has it] */
	struct socket *socket;      /* [l] NULL before accept and after release */
	struct mutex read_lock;
	struct wait_queue wait; /* readers and writers; keys tell */
	/* Under way as a descriptor, [f]: */
	unsigned in_flight;      /* places in queued messages */
	unsigned outside;        /* of them, those that are not in a suspect's queue */
	bool suspect;            /* nothing else refers to it, while garbage is looked for */
	struct list flight_link; /* while in_flight */
};                               /* l: lock, f: flight_lock in flight.c */

struct unix_message {
	struct list link;
	struct unix_sock *sender; /* counted */
	struct unix_addr *from;   /* counted, or NULL */
	struct scm scm;
	struct user *user; /* counted: whose descriptors are under way; NULL: none are */
	u32 charge; /* against sender->sent */
	size_t len, done;
	u8 data[];
};

/* socket.c */
struct unix_sock *unix_sock_create(int type);
void unix_sock_put(struct unix_sock *u);
static inline struct unix_sock *unix_sock_get(struct unix_sock *u)
{
	refcount_get(&u->refs);
	return u;
}
struct unix_sock *unix_peer_get(struct unix_sock *u);
void unix_lock_two(struct unix_sock *a, struct unix_sock *b);
void unix_unlock_two(struct unix_sock *a, struct unix_sock *b);
void unix_our_creds(struct ucred *c);

/* address.c */
void unix_addr_put(struct unix_addr *a);
int __must_check unix_bind(struct unix_sock *u, const struct sockaddr_un *name, int len);
int __must_check unix_autobind(struct unix_sock *u);
/* The socket bound to a name, counted; -ECONNREFUSED, -ENOENT, -EPROTOTYPE, ... */
int __must_check unix_find(const struct sockaddr_un *name, int len, int type,
			   struct unix_sock **out);
void unix_unbind(struct unix_sock *u);
int __must_check unix_check_name(const struct sockaddr_storage *addr, int len);
void unix_enlist(struct unix_sock *u);

/* flight.c */
/* The descriptors of `m`, which is not queued yet, are under way.  Returns 0 or -ETOOMANYREFS. */
int __must_check unix_flight_begin(struct unix_message *m);
/* They are no more: before its files go to a reader, or away.  May be called again. */
void unix_flight_end(struct unix_message *m);
/* A reader has taken references of its own, and is about to use them. */
void unix_flight_peek(void);
/* Soon look for sockets that can be reached only from each other's queues.  Context: any. */
void unix_collect(void);

/* transfer.c */
ssize_t unix_send(struct socket *s, struct message *m, bool nonblock);
ssize_t unix_receive(struct socket *s, struct message *m, bool nonblock);
void unix_message_free(struct unix_message *m);
void unix_messages_free(struct list *messages);
/* Move all messages of u's queue to `out`.  Locks: u->lock held. */
void unix_take_queue(struct unix_sock *u, struct list *out);
bool unix_writable(const struct unix_sock *u);
