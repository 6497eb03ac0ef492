/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AF_UNIX sockets. */
#include "check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

static struct sockaddr_un addr;
static socklen_t addr_len;

/* The address of `name`; a leading @ is the abstract namespace. */
static struct sockaddr *at(const char *name)
{
	size_t n = strlen(name);

	memset(&addr, 0, sizeof(addr));
	addr.sun_family = AF_UNIX;
	memcpy(addr.sun_path, name, n);
	if (name[0] == '@')
		addr.sun_path[0] = 0;
	addr_len = offsetof(struct sockaddr_un, sun_path) + n + (name[0] != '@');
	return (struct sockaddr *)&addr;
}

static int bind_to(int s, const char *name)
{
	struct sockaddr *a = at(name);

	return bind(s, a, addr_len);
}

static int connect_to(int s, const char *name)
{
	struct sockaddr *a = at(name);

	return connect(s, a, addr_len);
}

static int option(int s, int opt)
{
	int v = -1;
	socklen_t n = sizeof(v);

	return getsockopt(s, SOL_SOCKET, opt, &v, &n) ? -1 : v;
}

static void making(void)
{
	int p[2];

	CALL("unknown family", socket(99, SOCK_STREAM, 0));
	CALL("unknown type", socket(AF_UNIX, 9, 0));
	CALL("unknown protocol", socket(AF_UNIX, SOCK_STREAM, 99));
	CALL("unknown flags", socket(AF_UNIX, SOCK_STREAM | 0x100000, 0));
	CALL("socketpair bad pointer", socketpair(AF_UNIX, SOCK_STREAM, 0, BAD));
	int s = OPEN("socket", socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
	CALL("close on exec", fcntl(s, F_GETFD));
	CALL("nonblocking", !!(fcntl(s, F_GETFL) & O_NONBLOCK));
	VALUE("type", option(s, SO_TYPE));
	VALUE("domain", option(s, SO_DOMAIN));
	VALUE("protocol", option(s, SO_PROTOCOL));
	VALUE("error", option(s, SO_ERROR));
	VALUE("accepts", option(s, SO_ACCEPTCONN));
	CALL("unknown option", option(s, 9999));
	CALL("unknown level", getsockopt(s, 9999, 1, &(int){ 0 }, &(socklen_t){ 4 }));
	CALL("not a socket", getsockopt(0, SOL_SOCKET, SO_TYPE, &(int){ 0 }, &(socklen_t){ 4 }));
	CALL("bad descriptor", send(999, "x", 1, 0));
	CALL("send unconnected", send(s, "x", 1, MSG_NOSIGNAL));
	CALL("recv unconnected", recv(s, &(char){ 0 }, 1, 0));
	CALL("shutdown unconnected", shutdown(s, SHUT_RD));
	CALL("getpeername unconnected", getpeername(s, (void *)&addr, &(socklen_t){sizeof(addr)}));
	CALL("accept not listening", accept(s, NULL, NULL));
	CALL("listen unbound", listen(s, 1));
	CALL("lseek", lseek(s, 0, SEEK_SET));
	CALL("connect nothing", connect_to(s, "none"));
	CALL("connect abstract nothing", connect_to(s, "@none"));
	close(open("file", O_CREAT | O_WRONLY, 0600));
	CALL("connect a file", connect_to(s, "file"));
	CALL("bind a file", bind_to(s, "file"));
	CALL("bind short", bind(s, (void *)&addr, 1));
	CALL("bind long", bind(s, (void *)&addr, 200));
	addr.sun_family = AF_INET;
	CALL("bind family", bind(s, (void *)&addr, sizeof(addr)));
	CALL("bind below nothing", bind_to(s, "no/s"));
	CALL("bind", bind_to(s, "s"));
	CALL("bind again", bind_to(s, "s2"));
	struct stat st;
	stat("s", &st);
	TRUE("a socket", S_ISSOCK(st.st_mode));
	CALL("open of a socket", open("s", O_RDWR));
	int c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect not listening", connect_to(c, "s"));
	CALL("bind to a taken name", bind_to(c, "s"));
	int d = socket(AF_UNIX, SOCK_DGRAM, 0);
	CALL("connect of another type", (listen(s, 1), connect_to(d, "s")));
	CALL("listen dgram", listen(d, 1));
	CALL("accept empty", accept(s, NULL, NULL));
	CALL("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	close(s);
	CALL("connect after close", connect_to(c, "s"));
	unlink("s");
}

static void streams(void)
{
	int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0), s, p[2];
	char buf[64] = { 0 };
	socklen_t n = sizeof(addr);
	struct ucred cred;

	CALL("bind abstract", bind_to(l, "@name"));
	CALL("listen", listen(l, 2));
	VALUE("accepts", option(l, SO_ACCEPTCONN));
	CALL("connect", connect_to(c, "@name"));
	CALL("connect again", connect_to(c, "@name"));
	s = OPEN("accept", accept(l, (void *)&addr, &n));
	VALUE("address of an unbound peer", n);
	n = sizeof(addr);
	CALL("getpeername", getpeername(c, (void *)&addr, &n));
	VALUE("length", n);
	TRUE("name", !memcmp(addr.sun_path, "\0name", 5));
	n = sizeof(cred);
	CALL("SO_PEERCRED", getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &n));
	TRUE("is me", cred.pid == getpid() && cred.uid == 0 && cred.gid == 0);
	CALL("send", send(c, "hello world", 11, 0));
	int in = 0;
	CALL("FIONREAD", ioctl(s, FIONREAD, &in));
	VALUE("in queue", in);
	CALL("peek", recv(s, buf, 5, MSG_PEEK));
	CALL("recv", recv(s, buf, 5, 0));
	TEXT("text", buf);
	CALL("recv rest", recv(s, buf, sizeof(buf), 0));
	CALL("recv nonblocking", recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	CALL("sendto connected", sendto(c, "x", 1, 0, at("@other"), addr_len));
	pid_t pid = fork();
	if (!pid) {
		for (int i = 0; i < 4; i++) {
			write(c, "1234", 4);
			sleep_ms(20);
		}
		_exit(0);
	}
	CALL("WAITALL", recv(s, buf, 16, MSG_WAITALL));
	waitpid(pid, NULL, 0);
	CALL("shutdown", shutdown(c, SHUT_WR));
	CALL("end", recv(s, buf, 1, 0));
	signal(SIGPIPE, SIG_IGN);
	CALL("send after shutdown", send(c, "x", 1, 0));
	CALL("the other way", send(s, "y", 1, 0));
	CALL("arrives", recv(c, buf, 1, 0));
	struct pollfd pf = { s, POLLIN | POLLOUT | POLLRDHUP, 0 };
	poll(&pf, 1, 0);
	VALUE("poll of half closed", pf.revents);
	CALL("shutdown bad", shutdown(s, 9));
	write(s, "unread", 6);
	close(s);
	poll(&(struct pollfd){ 0 }, 0, 0);
	pf.fd = c;
	poll(&pf, 1, 0);
	VALUE("poll of closed", pf.revents);
	CALL("data first", read(c, buf, 64));
	CALL("then end", read(c, buf, 64));
	close(c);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	write(p[0], "lost", 4);
	close(p[1]);
	CALL("reset when data is lost", read(p[0], buf, 1));
	CALL("write to closed", write(p[0], "x", 1));
	CHILD("SIGPIPE", {
		signal(SIGPIPE, SIG_DFL);
		CALL("NOSIGNAL", send(p[0], "x", 1, MSG_NOSIGNAL));
		write(p[0], "x", 1);
	});
	close(p[0]);
	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	struct timeval tv = { 0, 10000 };
	CALL("SO_RCVTIMEO", setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	CALL("times out", read(p[0], buf, 1));
	tv.tv_usec = 1000000;
	CALL("bad timeout", setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)));
	char big[4096] = { 0 };
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while (write(p[0], big, sizeof(big)) > 0)
		;
	TEXT("full", error_name(errno));
	pf = (struct pollfd){ p[0], POLLOUT, 0 };
	CALL("not writable", poll(&pf, 1, 0));
	close(p[0]);
	close(p[1]);
	/* A full backlog refuses who does not wait. */
	int x;
	for (x = 0; x < 10; x++) {
		c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect_to(c, "@name"))
			break;
	}
	TEXT("backlog full", error_name(errno));
	VALUE("after", x);
	close(l);
	int auto_bound = socket(AF_UNIX, SOCK_DGRAM, 0);
	addr.sun_family = AF_UNIX;
	CALL("autobind", bind(auto_bound, (void *)&addr, sizeof(sa_family_t)));
	n = sizeof(addr);
	getsockname(auto_bound, (void *)&addr, &n);
	VALUE("length", n);
}

static void packets(int type, const char *what)
{
	int p[2];
	char buf[16] = { 0 };
	struct iovec v = { buf, 3 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	TEXT("type", what);
	CALL("socketpair", socketpair(AF_UNIX, type, 0, p));
	send(p[0], "first", 5, 0);
	send(p[0], "second", 6, 0);
	CALL("peek with TRUNC", recv(p[1], buf, 2, MSG_PEEK | MSG_TRUNC));
	CALL("cut", recvmsg(p[1], &m, 0));
	VALUE("flags", m.msg_flags);
	CALL("whole", recv(p[1], buf, sizeof(buf), 0));
	TEXT("text", buf);
	CALL("empty packet", send(p[0], "", 0, 0));
	CALL("is received", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	CALL("nothing more", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	send(p[0], "abc", 3, 0);
	CALL("read cuts", read(p[1], buf, 1));
	CALL("the rest is gone", recv(p[1], buf, 1, MSG_DONTWAIT));
	char *big = calloc(1, 1 << 22);
	CALL("too large", send(p[0], big, 1 << 22, MSG_DONTWAIT));
	free(big);
	close(p[1]);
	CALL("send to closed", send(p[0], "x", 1, MSG_NOSIGNAL));
	CALL("recv of closed", recv(p[0], buf, 1, MSG_DONTWAIT));
	close(p[0]);
}

static void datagrams(void)
{
	int a = socket(AF_UNIX, SOCK_DGRAM, 0), b = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[16] = { 0 };
	socklen_t n = sizeof(addr);

	bind_to(a, "@a");
	bind_to(b, "b");
	CALL("sendto", sendto(b, "hi", 2, 0, at("@a"), addr_len));
	memset(&addr, 0, sizeof(addr));
	n = sizeof(addr);
	CALL("recvfrom", recvfrom(a, buf, sizeof(buf), 0, (void *)&addr, &n));
	VALUE("length of sender", n);
	TEXT("sender", addr.sun_path);
	CALL("sendto nobody", sendto(b, "hi", 2, 0, at("@zz"), addr_len));
	CALL("send without peer", send(b, "hi", 2, 0));
	CALL("connect", connect_to(b, "@a"));
	CALL("send", send(b, "hi", 2, 0));
	CALL("others may not be connected to", (connect_to(a, "b"), connect_to(b, "@a")));
	int c = socket(AF_UNIX, SOCK_DGRAM, 0);
	CALL("a stranger", sendto(c, "x", 1, 0, at("@a"), addr_len));
	close(a);
	CALL("peer is gone", send(b, "hi", 2, 0));
	CALL("and again", send(b, "hi", 2, 0));
	addr.sun_family = AF_UNSPEC;
	CALL("disconnect", connect(b, (void *)&addr, sizeof(sa_family_t)));
	CALL("no peer", send(b, "hi", 2, 0));
}

static int send_fd(int s, int fd, int n)
{
	char c[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec v = { "d", n };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof(c)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(fd));
	return sendmsg(s, &m, 0);
}

static int recv_fd(int s, int flags, int room, int *msg_flags)
{
	char c[CMSG_SPACE(sizeof(int))] __attribute__((aligned(8))) = { 0 }, data[8];
	struct iovec v = { data, 8 };
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = c,
			   .msg_controllen = room ? sizeof(c) : 0};
	int fd = -1;

	if (recvmsg(s, &m, flags) < 0)
		return -1;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	if (h && h->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	*msg_flags = m.msg_flags;
	return fd;
}

static void rights(void)
{
	int s[2], p[2], f = 0, fd;
	char c;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	pipe(p);
	CALL("send a descriptor", send_fd(s[0], p[0], 1));
	close(p[0]);
	write(p[1], "z", 1);
	fd = recv_fd(s[1], MSG_CMSG_CLOEXEC, 1, &f);
	VALUE("flags", f & ~MSG_CMSG_CLOEXEC);
	CALL("works", read(fd, &c, 1));
	VALUE("byte", c);
	CALL("close on exec", fcntl(fd, F_GETFD));
	CALL("send a bad one", send_fd(s[0], 999, 1));
	send_fd(s[0], fd, 1);
	VALUE("no room", recv_fd(s[1], 0, 0, &f));
	VALUE("flags", f);
	/* Bytes before and after descriptors are not joined with them. */
	write(s[0], "a", 1);
	send_fd(s[0], fd, 1);
	write(s[0], "b", 1);
	char buf[8];
	CALL("before", read(s[1], buf, 8));
	CALL("after", read(s[1], buf, 8));
	/* A socket sent through itself, and closed: nothing to see, but the collector's work. */
	CALL("a cycle", send_fd(s[0], s[1], 1));
	CALL("a cycle", send_fd(s[1], s[0], 1));
	close(s[0]);
	close(s[1]);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, s);
	CALL("SO_PASSCRED", setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)));
	send(s[0], "x", 1, 0);
	char ctl[128] __attribute__((aligned(8)));
	struct iovec v = { buf, 8 };
	struct msghdr m = {
		.msg_iov = &v, .msg_iovlen = 1, .msg_control = ctl, .msg_controllen = sizeof(ctl)};
	CALL("recvmsg", recvmsg(s[1], &m, 0));
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	TRUE("credentials", h && h->cmsg_type == SCM_CREDENTIALS &&
				    ((struct ucred *)CMSG_DATA(h))->pid == getpid());
	struct mmsghdr mm[3] = {{.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}},
				{.msg_hdr = {.msg_iov = &v, .msg_iovlen = 1}}};
	CALL("sendmmsg", sendmmsg(s[0], mm, 2, 0));
	CALL("recvmmsg", recvmmsg(s[1], mm, 3, MSG_DONTWAIT, NULL));
	m = (struct msghdr){ .msg_iov = &v, .msg_iovlen = 5000 };
	CALL("too many vectors", sendmsg(s[0], &m, 0));
	m = (struct msghdr){ .msg_iov = BAD, .msg_iovlen = 1 };
	CALL("bad vectors", sendmsg(s[0], &m, 0));
	CALL("bad header", syscall(SYS_sendmsg, s[0], BAD, 0));
	CALL("bad buffer", send(s[0], BAD, 5, 0));
}

int main(void)
{
	making();
	streams();
	packets(SOCK_SEQPACKET, "seqpacket");
	packets(SOCK_DGRAM, "dgram");
	datagrams();
	rights();
	return 0;
}
