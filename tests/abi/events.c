/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Waiting for events: poll, select, epoll, eventfd, timerfd, signalfd, inotify. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static void polled(const char *name, int fd, int events)
{
	struct pollfd p = { fd, events, 0 };
	int r = poll(&p, 1, 0);

	printf("%s: %d %#x\n", name, r, p.revents);
	fflush(stdout);
}

static void nothing(int sig)
{
}

static void polls(void)
{
	int p[2], fd = open("f", O_CREAT | O_RDWR, 0600);
	char junk[4096] = { 0 };
	struct timeval tv = { 0, 0 };
	fd_set r, w, x;

	pipe2(p, O_NONBLOCK);
	polled("empty pipe", p[0], POLLIN);
	polled("its writing end", p[1], POLLOUT);
	write(p[1], "x", 1);
	polled("data", p[0], POLLIN | POLLRDNORM | POLLPRI);
	while (write(p[1], junk, sizeof(junk)) > 0)
		;
	polled("full", p[1], POLLOUT);
	polled("regular file", fd, POLLIN | POLLOUT | POLLPRI);
	polled("bad descriptor", 999, POLLIN);
	polled("negative", -1, POLLIN);
	polled("null device", open("/dev/null", O_RDWR), POLLIN | POLLOUT);
	polled("directory", open(".", O_RDONLY), POLLIN);
	polled("asking for nothing", p[0], 0);
	close(p[1]);
	polled("hung up with data", p[0], POLLIN);
	while (read(p[0], junk, sizeof(junk)) > 0)
		;
	polled("hung up", p[0], POLLIN);
	polled("hung up, asking for nothing", p[0], 0);
	close(p[0]);
	pipe(p);
	close(p[0]);
	polled("no reader", p[1], POLLOUT);
	close(p[1]);
	CALL("poll timeout", poll(NULL, 0, 1));
	CALL("poll bad pointer", poll(BAD, 1, 0));
	CALL("poll too many", syscall(SYS_ppoll, BAD, 1 << 30, NULL, NULL, 8));
	CALL("ppoll bad time", ppoll(NULL, 0, &(struct timespec){ 0, 2000000000 }, NULL));
	CALL("ppoll size", syscall(SYS_ppoll, NULL, 0, NULL, &(long){ 0 }, 4));
	pipe(p);
	write(p[1], "x", 1);
	FD_ZERO(&r);
	FD_ZERO(&w);
	FD_ZERO(&x);
	FD_SET(p[0], &r);
	FD_SET(p[1], &w);
	CALL("select", select(p[1] + 1, &r, &w, &x, &tv));
	TRUE("both ready", FD_ISSET(p[0], &r) && FD_ISSET(p[1], &w));
	CALL("select less", select(p[0] + 1, &r, &w, &x, &tv));
	FD_ZERO(&r);
	FD_SET(900, &r);
	CALL("select bad descriptor", select(901, &r, NULL, NULL, &tv));
	CALL("select negative", select(-1, NULL, NULL, NULL, &tv));
	tv.tv_sec = -1;
	CALL("select bad time", select(0, NULL, NULL, NULL, &tv));
	CALL("select time", (tv = (struct timeval){ 0, 1000 }, select(0, NULL, NULL, NULL, &tv)));
	VALUE("time left", tv.tv_sec + tv.tv_usec);

	/* The mask of ppoll holds only while it waits, and lets a pending signal through. */
	sigset_t s, e;
	sigemptyset(&e);
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	signal(SIGUSR1, nothing);
	sigprocmask(SIG_BLOCK, &s, NULL);
	raise(SIGUSR1);
	CALL("ppoll with a pending signal", ppoll(NULL, 0, NULL, &e));
	raise(SIGUSR1);
	CALL("pselect with a pending signal", pselect(0, NULL, NULL, NULL, NULL, &e));
	sigpending(&e);
	TRUE("handled", !sigismember(&e, SIGUSR1));
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	pid_t c = fork();
	if (!c) {
		sleep_ms(50);
		write(p[1], "y", 1);
		_exit(0);
	}
	read(p[0], junk, 1);
	struct pollfd pf = { p[0], POLLIN, 0 };
	CALL("poll wakes", poll(&pf, 1, 10000));
	waitpid(c, NULL, 0);
}

static struct epoll_event evs[8];

static int ep_wait(int ep)
{
	return epoll_wait(ep, evs, 8, 0);
}

static int add(int ep, int fd, uint32_t events, int data)
{
	struct epoll_event e = { events, { .u32 = data } };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static int mod(int ep, int fd, uint32_t events, int data)
{
	struct epoll_event e = { events, { .u32 = data } };

	return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}

static void epolls(void)
{
	int ep = OPEN("epoll_create1", epoll_create1(EPOLL_CLOEXEC)), p[2], q[2],
	    ep2 = epoll_create1(0);
	char c;

	CALL("epoll_create1 flags", epoll_create1(1));
	OPEN("epoll_create zero", epoll_create(0));
	pipe(p);
	pipe(q);
	CALL("add", add(ep, p[0], EPOLLIN, 1));
	CALL("add again", add(ep, p[0], EPOLLIN, 1));
	CALL("mod unknown", mod(ep, q[0], EPOLLIN, 1));
	CALL("del unknown", epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL));
	CALL("bad op", epoll_ctl(ep, 9, q[0], &(struct epoll_event){ 0 }));
	CALL("bad pointer", epoll_ctl(ep, EPOLL_CTL_ADD, q[0], BAD));
	CALL("add bad", add(ep, 999, EPOLLIN, 1));
	CALL("add to no epoll", add(p[0], q[0], EPOLLIN, 1));
	CALL("add itself", add(ep, ep, EPOLLIN, 1));
	CALL("add a file", add(ep, open("f", O_RDWR), EPOLLIN, 1));
	CALL("none ready", ep_wait(ep));
	CALL("wait for none", epoll_wait(ep, evs, 0, 0));
	CALL("wait bad pointer", (write(p[1], "a", 1), epoll_wait(ep, BAD, 1, 0)));
	CALL("level", ep_wait(ep));
	VALUE("events", evs[0].events);
	VALUE("data", evs[0].data.u32);
	CALL("level again", ep_wait(ep));
	CALL("to edge", mod(ep, p[0], EPOLLIN | EPOLLET, 2));
	CALL("edge", ep_wait(ep));
	CALL("edge once", ep_wait(ep));
	write(p[1], "b", 1);
	CALL("edge at new data", ep_wait(ep));
	CALL("edge then none", ep_wait(ep));
	CALL("to oneshot", mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 3));
	CALL("oneshot", ep_wait(ep));
	CALL("oneshot once", ep_wait(ep));
	write(p[1], "c", 1);
	CALL("oneshot disarmed", ep_wait(ep));
	CALL("rearmed", mod(ep, p[0], EPOLLIN | EPOLLONESHOT, 4));
	CALL("oneshot again", ep_wait(ep));
	VALUE("its data", evs[0].data.u32);
	mod(ep, p[0], EPOLLIN, 5);
	CALL("nest", add(ep2, ep, EPOLLIN, 6));
	CALL("loop", add(ep, ep2, EPOLLIN, 7));
	CALL("nested ready", ep_wait(ep2));
	VALUE("nested data", evs[0].data.u32);
	polled("epoll is polled", ep, POLLIN);
	read(p[0], &c, 1);
	read(p[0], &c, 1);
	read(p[0], &c, 1);
	CALL("drained", ep_wait(ep));
	CALL("nested drained", ep_wait(ep2));
	CALL("exclusive", add(ep, q[0], EPOLLIN | EPOLLEXCLUSIVE, 8));
	CALL("mod of exclusive", mod(ep, q[0], EPOLLIN, 8));
	CALL("exclusive with oneshot", add(ep2, q[0], EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT, 8));
	write(q[1], "d", 1);
	CALL("exclusive ready", ep_wait(ep));
	CALL("del", epoll_ctl(ep, EPOLL_CTL_DEL, q[0], NULL));
	CALL("none", ep_wait(ep));
	add(ep, q[0], EPOLLIN, 9);
	int d = dup(q[0]);
	close(q[0]);
	CALL("duplicate keeps it", ep_wait(ep));
	close(d);
	CALL("last close drops it", ep_wait(ep));
	close(p[1]);
	CALL("hangup", ep_wait(ep));
	VALUE("events", evs[0].events);
	CALL("timeout", (close(p[0]), epoll_wait(ep, evs, 8, 5)));
	CALL("pwait2", syscall(SYS_epoll_pwait2, ep, evs, 8, &(struct timespec){0, 1000}, NULL, 8));
	CALL("pwait2 bad time",
	     syscall(SYS_epoll_pwait2, ep, evs, 8, &(struct timespec){0, -1}, NULL, 8));
	pipe(p);
	pipe(q);
	ep = epoll_create1(0);
	add(ep, p[0], EPOLLIN, 1);
	add(ep, q[0], EPOLLIN, 2);
	write(q[1], "x", 1);
	write(p[1], "x", 1);
	CALL("two ready", ep_wait(ep));
	VALUE("in order of readiness", evs[0].data.u32 * 10 + evs[1].data.u32);
	epoll_wait(ep, evs, 1, 0);
	int first = evs[0].data.u32;
	epoll_wait(ep, evs, 1, 0);
	TRUE("one at a time takes turns", (int)evs[0].data.u32 != first);
	CALL("read of an epoll", read(ep, &c, 1));
}

static void eventfds(void)
{
	uint64_t v = 5;
	int fd = OPEN("eventfd", eventfd(3, EFD_NONBLOCK));

	CALL("flags", eventfd(0, 0x100));
	CALL("write", write(fd, &v, 8));
	polled("readable", fd, POLLIN | POLLOUT);
	CALL("read short", read(fd, &v, 4));
	CALL("read", read(fd, &v, 8));
	VALUE("sum", v);
	CALL("empty", read(fd, &v, 8));
	v = ~0ull;
	CALL("write all ones", write(fd, &v, 8));
	v--;
	CALL("write the most", write(fd, &v, 8));
	polled("full", fd, POLLIN | POLLOUT);
	v = 1;
	CALL("write more", write(fd, &v, 8));
	close(fd);
	fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
	read(fd, &v, 8);
	VALUE("semaphore", v);
	CALL("second", read(fd, &v, 8));
	CALL("third", read(fd, &v, 8));
	CALL("pread", pread(fd, &v, 8, 0));
}

static void timerfds(void)
{
	struct itimerspec t = { .it_value = { 0, 5000000 } }, old;
	uint64_t n;
	int fd = OPEN("timerfd", timerfd_create(CLOCK_MONOTONIC, 0));

	CALL("clock", timerfd_create(99, 0));
	CALL("flags", timerfd_create(CLOCK_MONOTONIC, 1));
	CALL("settime", timerfd_settime(fd, 0, &t, NULL));
	CALL("read waits", read(fd, &n, 8));
	VALUE("expirations", n);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	CALL("none", read(fd, &n, 8));
	t.it_value.tv_sec = 1000;
	CALL("settime", timerfd_settime(fd, 0, &t, NULL));
	CALL("gettime", timerfd_gettime(fd, &old));
	TRUE("time left", old.it_value.tv_sec > 900 && old.it_value.tv_sec <= 1000);
	t.it_value = (struct timespec){ 0, 1000000 };
	t.it_interval = (struct timespec){ 0, 1000000 };
	timerfd_settime(fd, 0, &t, &old);
	TRUE("old value", old.it_value.tv_sec > 900);
	sleep_ms(30);
	read(fd, &n, 8);
	TRUE("periodic", n >= 10);
	t.it_value.tv_nsec = 1000000000;
	CALL("bad nanoseconds", timerfd_settime(fd, 0, &t, NULL));
	CALL("bad flags", timerfd_settime(fd, 99, &t, NULL));
	CALL("not a timerfd", timerfd_settime(0, 0, &(struct itimerspec){ 0 }, NULL));
	t = (struct itimerspec){ 0 };
	timerfd_settime(fd, 0, &t, NULL);
	polled("disarmed", fd, POLLIN);
	t.it_value.tv_nsec = 1;
	CALL("absolute in the past", timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
	sleep_ms(20);
	polled("is due", fd, POLLIN);
	CALL("read short", read(fd, &n, 7));
}

static void signalfds(void)
{
	struct signalfd_siginfo si[3];
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	sigaddset(&s, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &s, NULL);
	int fd = OPEN("signalfd", signalfd(-1, &s, SFD_NONBLOCK));
	CALL("flags", signalfd(-1, &s, 1));
	CALL("not a signalfd", signalfd(1, &s, 0));
	CALL("size", syscall(SYS_signalfd4, -1, &s, 4, 0));
	CALL("none", read(fd, si, sizeof(si)));
	polled("not ready", fd, POLLIN);
	raise(SIGUSR1);
	sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 4 });
	polled("ready", fd, POLLIN);
	CALL("read short", read(fd, si, 10));
	CALL("read", read(fd, si, sizeof(si)) / sizeof(si[0]));
	VALUE("signal", si[0].ssi_signo);
	VALUE("value", si[1].ssi_int);
	TRUE("sender", si[1].ssi_pid == (uint32_t)getpid());
	sigdelset(&s, SIGUSR1);
	CALL("change", signalfd(fd, &s, 0) == fd);
	raise(SIGUSR1);
	CALL("no longer", read(fd, si, sizeof(si)));
	sigaddset(&s, SIGUSR1);
	sigtimedwait(&s, NULL, &(struct timespec){ 0 });
}

static char ibuf[4096];

static void show_inotify(const char *name, int fd)
{
	ssize_t n = read(fd, ibuf, sizeof(ibuf));

	if (n < 0)
		printf("%s: none %s\n", name, error_name(errno));
	for (char *p = ibuf; n > 0 && p < ibuf + n;) {
		struct inotify_event *e = (void *)p;
		printf("%s: wd %d mask %#x cookie %s name %s\n", name, e->wd, e->mask,
		       e->cookie ? "yes" : "no", e->len ? e->name : "-");
		p += sizeof(*e) + e->len;
	}
	fflush(stdout);
}

static void inotifies(void)
{
	int fd = OPEN("inotify", inotify_init1(IN_NONBLOCK)), f;
	char c;

	CALL("flags", inotify_init1(1));
	mkdir("d", 0700);
	CALL("watch", inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	CALL("watch again", inotify_add_watch(fd, "d", IN_ALL_EVENTS));
	CALL("create only", inotify_add_watch(fd, "d", IN_ALL_EVENTS | 0x10000000));
	CALL("watch nothing", inotify_add_watch(fd, "nope", IN_ALL_EVENTS));
	CALL("no events", inotify_add_watch(fd, "d", 0));
	CALL("only directories", inotify_add_watch(fd, "f", IN_CREATE | IN_ONLYDIR));
	CALL("not an inotify", inotify_add_watch(0, "d", IN_ALL_EVENTS));
	show_inotify("quiet", fd);
	f = open("d/a", O_CREAT | O_RDWR, 0600);
	show_inotify("create", fd);
	write(f, "abc", 3);
	show_inotify("write", fd);
	pread(f, &c, 1, 0);
	show_inotify("read", fd);
	write(f, "d", 1);
	write(f, "e", 1);
	show_inotify("equal events merge", fd);
	fchmod(f, 0644);
	show_inotify("chmod", fd);
	ftruncate(f, 0);
	show_inotify("truncate", fd);
	close(f);
	show_inotify("close", fd);
	rename("d/a", "d/b");
	show_inotify("rename", fd);
	rename("d/b", "outside");
	show_inotify("move out", fd);
	rename("outside", "d/c");
	show_inotify("move in", fd);
	mkdir("d/sub", 0700);
	show_inotify("mkdir", fd);
	link("d/c", "d/e");
	show_inotify("link", fd);
	unlink("d/e");
	show_inotify("unlink", fd);
	rmdir("d/sub");
	show_inotify("rmdir", fd);
	int wd = inotify_add_watch(fd, "d/c", IN_MODIFY | IN_ONESHOT);
	VALUE("second watch", wd);
	truncate("d/c", 5);
	show_inotify("oneshot", fd);
	CALL("it is gone", inotify_rm_watch(fd, wd));
	unlink("d/c");
	rename("d", "dd");
	rmdir("dd");
	show_inotify("end", fd);
	CALL("read too small", read(fd, ibuf, 4));
	CALL("rm unknown", inotify_rm_watch(fd, 1));
}

int main(void)
{
	umask(022);
	polls();
	epolls();
	eventfds();
	timerfds();
	signalfds();
	inotifies();
	return 0;
}
