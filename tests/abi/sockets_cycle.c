/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptors of local sockets under way in each other's queues: what nobody can reach is given up,
 * what somebody can is left alone.  How many descriptors one user may have under way.
 */
#include "check.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

static int send_fds(int s, const int *fds, int n)
{
	char byte = 'x', control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = CMSG_SPACE((size_t)n * sizeof(int))};
	struct cmsghdr *h = (memset(control, 0, sizeof(control)), CMSG_FIRSTHDR(&m));

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN((size_t)n * sizeof(int));
	memcpy(CMSG_DATA(h), fds, (size_t)n * sizeof(int));
	return (int)sendmsg(s, &m, MSG_DONTWAIT);
}

/* The first descriptor of the next message, the others closed; -1: none. */
static int receive_fd(int s, int flags)
{
	char byte, control[CMSG_SPACE(8 * sizeof(int))];
	struct iovec v = {&byte, 1};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	int fds[8];

	if (recvmsg(s, &m, flags | MSG_DONTWAIT) < 0 || !CMSG_FIRSTHDR(&m))
		return -1;
	int n = (int)((CMSG_FIRSTHDR(&m)->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(CMSG_FIRSTHDR(&m)), (size_t)n * sizeof(int));
	for (int i = 1; i < n; i++)
		close(fds[i]);
	return fds[0];
}

static void pair(int type, int *s)
{
	if (socketpair(AF_UNIX, type, 0, s))
		_exit(98);
}

/* The closing of a socket is the moment to look for garbage. */
static void look(void)
{
	int s[2];

	pair(SOCK_STREAM, s);
	close(s[0]);
	close(s[1]);
}

/* Are all writers of the pipe gone, within `ms`? */
static int gone(int pipe, int ms)
{
	struct pollfd p = {.fd = pipe};

	for (int i = 0; i * 20 < ms; i++) {
		look();
		if (poll(&p, 1, 20) == 1)
			return 1;
	}
	return 0;
}

static void itself(int type, const char *name)
{
	int s[2], p[2];

	pair(type, s);
	if (pipe(p))
		_exit(97);
	send_fds(s[1], (int[]){s[0], s[1], p[1]}, 3);
	close(p[1]);
	close(s[0]);
	TRUE("held while one end is open", !gone(p[0], 100));
	close(s[1]);
	TRUE(name, gone(p[0], 10000));
	close(p[0]);
}

/* a lies in b's queue, b in a's; each end's partner is closed. */
static void each_other(void)
{
	int a[2], b[2], p[2], got;

	pair(SOCK_STREAM, a);
	pair(SOCK_DGRAM, b);
	if (pipe(p))
		_exit(97);
	send_fds(a[1], (int[]){b[0], p[1]}, 2);
	send_fds(b[1], (int[]){a[0], p[1]}, 2);
	close(p[1]);
	close(a[1]);
	close(b[1]);
	close(b[0]);
	TRUE("held while one is open", !gone(p[0], 100));
	got = receive_fd(a[0], MSG_PEEK);
	TRUE("peeked", got >= 0);
	close(a[0]);
	TRUE("held by what was peeked", !gone(p[0], 100));
	a[0] = receive_fd(got, 0);
	TRUE("out of its queue again", a[0] >= 0);
	close(got);
	TRUE("held by what was received", !gone(p[0], 100));
	/* b lies in a's queue still; nothing lies in b's. */
	got = receive_fd(a[0], 0);
	TRUE("and the other", got >= 0);
	TRUE("nobody", gone(p[0], 10000));
	send_fds(got, (int[]){a[0]}, 1);
	close(got);
	close(a[0]);
	close(p[0]);
}

/* A chain: garbage that holds what is no socket, and sockets that are no part of the circle. */
static void chain(void)
{
	int s[2], t[2], u[2], p[2];

	pair(SOCK_STREAM, s);
	pair(SOCK_STREAM, t);
	pair(SOCK_SEQPACKET, u);
	if (pipe(p))
		_exit(97);
	send_fds(u[1], (int[]){p[1]}, 1);
	send_fds(t[1], (int[]){u[0], s[0]}, 2);
	send_fds(s[1], (int[]){t[0]}, 1);
	close(p[1]);
	close(s[0]);
	close(s[1]);
	close(u[0]);
	close(u[1]);
	TRUE("chain held at its middle", !gone(p[0], 100));
	close(t[0]);
	close(t[1]);
	TRUE("chain", gone(p[0], 10000));
	close(p[0]);
}

/* A listener in the queue of a connection it has not accepted. */
static void listener(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "listener"};
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), p[2];

	if (pipe(p) || bind(l, (struct sockaddr *)&name, sizeof(name)) || listen(l, 5) ||
	    connect(c, (struct sockaddr *)&name, sizeof(name)))
		_exit(96);
	unlink("listener");
	send_fds(c, (int[]){l, p[1]}, 2);
	close(p[1]);
	TRUE("listener held", !gone(p[0], 100));
	close(l);
	close(c);
	TRUE("listener", gone(p[0], 10000));
	close(p[0]);
}

/* Circles are made and taken apart while others are looked for. */
static void in_use(void)
{
	int wrong = 0;
	pid_t closer = fork();

	if (!closer) {
		for (;;)
			look();
	}
	for (int i = 0; i < 300; i++) {
		int s[2], got;

		pair(SOCK_STREAM, s);
		send_fds(s[1], (int[]){s[0]}, 1);
		send_fds(s[1], (int[]){s[1]}, 1);
		got = receive_fd(s[0], i % 2 ? MSG_PEEK : 0);
		close(s[0]);
		s[0] = got;
		if (i % 2)
			close(receive_fd(s[0], 0));
		got = receive_fd(s[0], 0);
		wrong += got < 0 || write(got, "abc", 3) != 3 || read(s[0], (char[4]){0}, 4) != 3;
		close(got);
		close(s[0]);
		close(s[1]);
	}
	kill(closer, SIGKILL);
	waitpid(closer, NULL, 0);
	VALUE("circles in use that broke", wrong);
}

static void too_many(void)
{
	struct rlimit few = {30, 30};
	int s[2], t[2], sent = 0;

	if (setrlimit(RLIMIT_NOFILE, &few) || setuid(12345))
		_exit(95);
	pair(SOCK_STREAM, s);
	pair(SOCK_STREAM, t);
	while (sent < 1000 && send_fds(s[1], (int[]){t[0], 0, 1}, 3) == 1)
		sent++;
	printf("under way with a limit of 30: %d, then %s\n", sent, error_name(errno));
	CALL("without descriptors", send(s[1], "x", 1, MSG_DONTWAIT));
	close(receive_fd(s[0], 0));
	CALL("one less", send_fds(s[1], (int[]){t[0]}, 1));
	CALL("one more", send_fds(s[1], (int[]){t[0]}, 1));
	fflush(stdout);
}

int main(void)
{
	itself(SOCK_STREAM, "stream in its own queue");
	itself(SOCK_DGRAM, "datagram socket in its own queue");
	itself(SOCK_SEQPACKET, "packet socket in its own queue");
	each_other();
	chain();
	listener();
	in_use();
	CHILD("too many", too_many());
	return 0;
}
