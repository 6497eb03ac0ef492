/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls made without the C library between, which would answer some of them itself, make others of
 * them, or correct their arguments: names relative to directories, scheduling attributes, clocks,
 * identity of the system.
 */
#include "check.h"
#include <dirent.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/utsname.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static char room[4096];

/* --- files ------------------------------------------------------------------------------------ */

static void directory_names(int d)
{
	struct stat st;

	CALL("mkdirat", syscall(SYS_mkdirat, d, "sub", 0777));
	CALL("mkdirat again", syscall(SYS_mkdirat, d, "sub", 0777));
	CALL("mkdirat of a bad descriptor", syscall(SYS_mkdirat, -1, "sub2", 0777));
	CALL("mknodat fifo", syscall(SYS_mknodat, d, "fifo", S_IFIFO | 0640, 0));
	CALL("mknodat device", syscall(SYS_mknodat, d, "null", S_IFCHR | 0600, 0x103));
	CALL("mknodat nothing", syscall(SYS_mknodat, d, "plain", 0644, 0));
	CALL("mknodat directory", syscall(SYS_mknodat, d, "dir", S_IFDIR | 0644, 0));
	CALL("mknodat link", syscall(SYS_mknodat, d, "link", S_IFLNK | 0644, 0));
	fstatat(d, "fifo", &st, 0);
	VALUE("mode of the fifo", st.st_mode);
	fstatat(d, "null", &st, 0);
	VALUE("number of the device", st.st_rdev);
	fstatat(d, "plain", &st, 0);
	VALUE("mode of the plain one", st.st_mode);
	CALL("symlinkat", syscall(SYS_symlinkat, "plain", d, "link"));
	CALL("symlinkat again", syscall(SYS_symlinkat, "plain", d, "link"));
	CALL("symlinkat to nothing", syscall(SYS_symlinkat, "", d, "link2"));
	memset(room, 0, sizeof(room));
	CALL("readlinkat", syscall(SYS_readlinkat, d, "link", room, 100));
	TEXT("it", room);
	CALL("readlinkat short", syscall(SYS_readlinkat, d, "link", room, 2));
	CALL("readlinkat of no room", syscall(SYS_readlinkat, d, "link", room, 0));
	CALL("readlinkat of a file", syscall(SYS_readlinkat, d, "plain", room, 10));
	CALL("fchownat", syscall(SYS_fchownat, d, "link", 5, 6, 0));
	CALL("fchownat of the link", syscall(SYS_fchownat, d, "link", 7, -1, AT_SYMLINK_NOFOLLOW));
	CALL("fchownat flags", syscall(SYS_fchownat, d, "link", 7, 8, 0x80000));
	CALL("fchownat of the descriptor", syscall(SYS_fchownat, d, "", 9, 10, AT_EMPTY_PATH));
	fstatat(d, "plain", &st, 0);
	VALUE("owner", st.st_uid);
	VALUE("group", st.st_gid);
	fstatat(d, "link", &st, AT_SYMLINK_NOFOLLOW);
	VALUE("owner of the link", st.st_uid);
	VALUE("group of the link", st.st_gid);
	fstat(d, &st);
	VALUE("owner of the directory", st.st_uid);
	CALL("fchmodat2", syscall(SYS_fchmodat2, d, "link", 0604, 0));
	CALL("fchmodat2 of the link", syscall(SYS_fchmodat2, d, "link", 0604, AT_SYMLINK_NOFOLLOW));
	CALL("fchmodat2 of the file",
	     syscall(SYS_fchmodat2, d, "plain", 0614, AT_SYMLINK_NOFOLLOW));
	CALL("fchmodat2 of the descriptor", syscall(SYS_fchmodat2, d, "", 0701, AT_EMPTY_PATH));
	CALL("fchmodat2 flags", syscall(SYS_fchmodat2, d, "plain", 0604, 0x80000));
	fstatat(d, "plain", &st, 0);
	VALUE("mode", st.st_mode);
	fstat(d, &st);
	VALUE("mode of the directory", st.st_mode);
}

static void positions(int d)
{
	struct iovec { void *p; size_t n; } v[2] = { { "abc", 3 }, { "defg", 4 } };
	int fd = openat(d, "positions", O_RDWR | O_CREAT, 0600), p[2];

	pipe(p);
	CALL("pwrite64", syscall(SYS_pwrite64, fd, "0123456789", 10, 5L));
	CALL("pwrite64 before", syscall(SYS_pwrite64, fd, "0", 1, -1L));
	CALL("pwrite64 pipe", syscall(SYS_pwrite64, p[1], "0", 1, 0L));
	CALL("pwritev", syscall(SYS_pwritev, fd, v, 2, 3L, 0L));
	CALL("pwritev before", syscall(SYS_pwritev, fd, v, 2, -1L, -1L));
	CALL("pwritev pipe", syscall(SYS_pwritev, p[1], v, 2, 0L, 0L));
	memset(room, 0, sizeof(room));
	CALL("pread64", syscall(SYS_pread64, fd, room, 100, 2L));
	TEXT("after a zero", room + 1);
	CALL("pread64 beyond", syscall(SYS_pread64, fd, room, 100, 1L << 40));
	CALL("pread64 before", syscall(SYS_pread64, fd, room, 100, -1L));
	CALL("pread64 pipe", syscall(SYS_pread64, p[0], room, 100, 0L));
	CALL("position", lseek(fd, 0, SEEK_CUR));
	CALL("fadvise64", syscall(SYS_fadvise64, fd, 0L, 0L, 2));
	CALL("fadvise64 dontneed", syscall(SYS_fadvise64, fd, 0L, 4096L, 4));
	CALL("fadvise64 none", syscall(SYS_fadvise64, fd, 0L, 0L, 9));
	CALL("fadvise64 length", syscall(SYS_fadvise64, fd, 0L, -1L, 2));
	CALL("fadvise64 pipe", syscall(SYS_fadvise64, p[0], 0L, 0L, 2));
	CALL("fadvise64 bad descriptor", syscall(SYS_fadvise64, -1, 0L, 0L, 2));
	close(fd);
	close(p[0]);
	close(p[1]);
}

/* Two descriptors of one open file: its position is locked while it is read. */
static void shared_position(void)
{
	int fd = open("/proc/self/status", O_RDONLY), twin = dup(fd);

	CALL("read of one", read(fd, room, 5));
	CALL("read of the other", read(twin, room, 5));
	CALL("position", lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(twin);
}

#ifdef SYS_getdents
struct old_entry {
	unsigned long ino, off;
	unsigned short len;
	char name[];
};

static void old_directories(void)
{
	int d, n, at, seen = 0, kinds = 0;

	mkdir("old", 0700);
	mkdir("old/sub", 0700);
	close(open("old/a", O_CREAT | O_WRONLY, 0600));
	close(open("old/long-name", O_CREAT | O_WRONLY, 0600));
	d = open("old", O_RDONLY);
	CALL("getdents small", syscall(SYS_getdents, d, room, 20));
	n = syscall(SYS_getdents, d, room, sizeof(room));
	for (at = 0; at < n;) {
		struct old_entry *e = (void *)(room + at);

		seen++;
		if (room[at + e->len - 1] ==
		    (e->name[0] == '.' || e->name[0] == 's' ? DT_DIR : DT_REG))
			kinds++;
		at += e->len;
	}
	VALUE("entries", seen);
	VALUE("of the right kind", kinds);
	VALUE("bytes", n);
	CALL("getdents end", syscall(SYS_getdents, d, room, sizeof(room)));
	close(d);
	d = open("old/a", O_RDONLY);
	CALL("getdents of a file", syscall(SYS_getdents, d, room, sizeof(room)));
	CALL("getdents of nothing", syscall(SYS_getdents, -1, room, sizeof(room)));
	close(d);
}
#endif

/* --- waiting with a mask ---------------------------------------------------------------------- */

static volatile int caught;

static void on_signal(int sig)
{
	caught++;
}

static void masks(void)
{
	uint64_t none = 0, usr1 = 1ull << (SIGUSR1 - 1), got = 0;
	struct { const void *mask; size_t size; } arg = { &none, 8 };
	struct timespec ts = { 10, 0 }, zero = { 0, 0 }, bad = { 0, 1000000000 };
	struct epoll_event ev;
	sigset_t blocked;
	int e = epoll_create1(0), p[2];
	fd_set set;

	pipe(p);
	signal(SIGUSR1, on_signal);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	raise(SIGUSR1);
	CALL("rt_sigpending", syscall(SYS_rt_sigpending, &got, 8));
	TRUE("pending", got == usr1);
	CALL("rt_sigpending half", syscall(SYS_rt_sigpending, &got, 4));
	CALL("rt_sigpending double", syscall(SYS_rt_sigpending, &got, 16));
	CALL("pselect6 with nothing", syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, NULL));
	VALUE("caught", caught);
	CALL("pselect6 lets it in", syscall(SYS_pselect6, 0, NULL, NULL, NULL, &ts, &arg));
	VALUE("caught", caught);
	TRUE("time is left", ts.tv_sec >= 5);
	arg.size = 4;
	CALL("pselect6 size of the mask", syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &arg));
	CALL("pselect6 time", syscall(SYS_pselect6, 0, NULL, NULL, NULL, &bad, NULL));
	CALL("pselect6 number", syscall(SYS_pselect6, -1, NULL, NULL, NULL, &zero, NULL));
	FD_ZERO(&set);
	FD_SET(p[1], &set);
	CALL("pselect6 ready", syscall(SYS_pselect6, p[1] + 1, NULL, &set, NULL, NULL, NULL));
	raise(SIGUSR1);
	CALL("epoll_pwait blocked", syscall(SYS_epoll_pwait, e, &ev, 1, 0, NULL, 8));
	CALL("epoll_pwait lets it in", syscall(SYS_epoll_pwait, e, &ev, 1, 10000, &none, 8));
	VALUE("caught", caught);
	CALL("epoll_pwait size of the mask", syscall(SYS_epoll_pwait, e, &ev, 1, 0, &none, 4));
	CALL("epoll_pwait no room", syscall(SYS_epoll_pwait, e, &ev, 0, 0, NULL, 8));
	raise(SIGUSR1);
	CALL("rt_sigsuspend", syscall(SYS_rt_sigsuspend, &none, 8));
	VALUE("caught", caught);
	CALL("rt_sigsuspend size", syscall(SYS_rt_sigsuspend, &none, 4));
	CALL("rt_sigsuspend nowhere", syscall(SYS_rt_sigsuspend, BAD, 8));
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	close(e);
	close(p[0]);
	close(p[1]);
}

static void accepting(void)
{
	struct sockaddr_un un = { AF_UNIX, "accepting" }, peer;
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c, a;
	socklen_t len = sizeof(peer);

	bind(s, (void *)&un, sizeof(un));
	listen(s, 5);
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	CALL("connect", connect(c, (void *)&un, sizeof(un)));
	a = syscall(SYS_accept4, s, &peer, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	TRUE("accept4", a >= 0);
	VALUE("length of the peer's name", len);
	VALUE("closes on exec", fcntl(a, F_GETFD));
	VALUE("does not block", !!(fcntl(a, F_GETFL) & O_NONBLOCK));
	CALL("accept4 flags", syscall(SYS_accept4, s, NULL, NULL, 1));
	fcntl(s, F_SETFL, O_NONBLOCK);
	CALL("accept4 nobody", syscall(SYS_accept4, s, NULL, NULL, 0));
	CALL("accept4 not listening", syscall(SYS_accept4, c, NULL, NULL, 0));
	CALL("accept4 no socket", syscall(SYS_accept4, 0, NULL, NULL, 0));
	close(s);
	close(c);
	close(a);
}

/* --- scheduling ------------------------------------------------------------------------------- */

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t min, max;
	uint64_t more;
};

static void show_attr(const char *name)
{
	struct attr a;

	memset(&a, 0xff, sizeof(a));
	if (CALL(name, syscall(SYS_sched_getattr, 0, &a, 56, 0)))
		return;
	printf("  size: %u\n  policy: %u\n  flags: %llu\n  nice: %d\n  priority: %u\n", a.size,
	       a.policy, (unsigned long long)a.flags, a.nice, a.priority);
	if (a.policy == 6)
		printf("  times: %llu %llu %llu\n", (unsigned long long)a.runtime,
		       (unsigned long long)a.deadline, (unsigned long long)a.period);
	fflush(stdout);
}

static void attributes(void)
{
	struct attr a = { .size = 48, .policy = 3, .nice = 5 };

	show_attr("sched_getattr");
	CALL("sched_setattr batch", syscall(SYS_sched_setattr, 0, &a, 0));
	show_attr("sched_getattr");
	a = (struct attr){ .size = 48, .policy = 1, .priority = 7, .flags = 1 };
	CALL("sched_setattr fifo", syscall(SYS_sched_setattr, 0, &a, 0));
	show_attr("sched_getattr");
	CHILD("reset on fork", show_attr("sched_getattr"));
	a = (struct attr){.size = 48,
			  .policy = 6,
			  .runtime = 10000000,
			  .deadline = 30000000,
			  .period = 100000000};
	CALL("sched_setattr deadline", syscall(SYS_sched_setattr, 0, &a, 0));
	show_attr("sched_getattr");
	a.runtime = 40000000;
	CALL("sched_setattr more than its time", syscall(SYS_sched_setattr, 0, &a, 0));
	a = (struct attr){ .size = 48, .policy = 0, .nice = -5 };
	CALL("sched_setattr other", syscall(SYS_sched_setattr, 0, &a, 0));
	show_attr("sched_getattr");
	a.size = 0;
	CALL("sched_setattr size 0", syscall(SYS_sched_setattr, 0, &a, 0));
	a.size = 40;
	CALL("sched_setattr too short", syscall(SYS_sched_setattr, 0, &a, 0));
	VALUE("size told", a.size);
	a.size = 64;
	CALL("sched_setattr longer", syscall(SYS_sched_setattr, 0, &a, 0));
	a.more = 1;
	CALL("sched_setattr longer and not zero", syscall(SYS_sched_setattr, 0, &a, 0));
	VALUE("size told", a.size);
	a = (struct attr){ .size = 48, .policy = 1, .priority = 100 };
	CALL("sched_setattr priority", syscall(SYS_sched_setattr, 0, &a, 0));
	a = (struct attr){ .size = 48, .policy = 0, .flags = 1 << 20 };
	CALL("sched_setattr flags within", syscall(SYS_sched_setattr, 0, &a, 0));
	a.flags = 0;
	CALL("sched_setattr flags", syscall(SYS_sched_setattr, 0, &a, 1));
	CALL("sched_setattr nobody", syscall(SYS_sched_setattr, 999999, &a, 0));
	CALL("sched_setattr -1", syscall(SYS_sched_setattr, -1, &a, 0));
	CALL("sched_getattr short", syscall(SYS_sched_getattr, 0, &a, 40, 0));
	CALL("sched_getattr flags", syscall(SYS_sched_getattr, 0, &a, 56, 1));
	CALL("sched_getattr nobody", syscall(SYS_sched_getattr, 999999, &a, 56, 0));
}

static void parameters(void)
{
	struct sched_param p = { 0 };
	struct timespec ts = { 7, 7 };

	CALL("sched_setparam", syscall(SYS_sched_setparam, 0, &p));
	p.sched_priority = 1;
	CALL("sched_setparam of no priority", syscall(SYS_sched_setparam, 0, &p));
	CALL("sched_rr_get_interval", syscall(SYS_sched_rr_get_interval, 0, &ts));
	p.sched_priority = 5;
	CALL("fifo", syscall(SYS_sched_setscheduler, 0, 1, &p));
	CALL("sched_rr_get_interval of fifo", syscall(SYS_sched_rr_get_interval, 0, &ts));
	VALUE("none", ts.tv_sec + ts.tv_nsec);
	p.sched_priority = 10;
	CALL("sched_setparam", syscall(SYS_sched_setparam, 0, &p));
	p.sched_priority = 0;
	syscall(SYS_sched_getparam, 0, &p);
	VALUE("priority", p.sched_priority);
	CALL("round robin", syscall(SYS_sched_setscheduler, 0, 2, &p));
	CALL("sched_rr_get_interval of round robin", syscall(SYS_sched_rr_get_interval, 0, &ts));
	VALUE("nanoseconds", ts.tv_nsec);
	p.sched_priority = 100;
	CALL("sched_setparam too much", syscall(SYS_sched_setparam, 0, &p));
	CALL("sched_setparam nobody", syscall(SYS_sched_setparam, 999999, &p));
	CALL("sched_setparam -1", syscall(SYS_sched_setparam, -1, &p));
	CALL("sched_rr_get_interval nobody", syscall(SYS_sched_rr_get_interval, 999999, &ts));
	CALL("sched_rr_get_interval -1", syscall(SYS_sched_rr_get_interval, -1, &ts));
}

static void processors(void)
{
	unsigned cpu = 99, node = 99;
	cpu_set_t set;
	void *head = &set, *got = NULL;
	size_t len = 0;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	CALL("getcpu", syscall(SYS_getcpu, &cpu, &node, NULL));
	VALUE("cpu", cpu);
	VALUE("node", node);
	CALL("getcpu of nothing", syscall(SYS_getcpu, NULL, NULL, NULL));
	CALL("set_robust_list", syscall(SYS_set_robust_list, head, 24));
	CALL("get_robust_list", syscall(SYS_get_robust_list, 0, &got, &len));
	TRUE("head", got == head);
	VALUE("length", len);
	CALL("get_robust_list by id", syscall(SYS_get_robust_list, getpid(), &got, &len));
	CALL("get_robust_list nobody", syscall(SYS_get_robust_list, 999999, &got, &len));
	CALL("get_robust_list nowhere", syscall(SYS_get_robust_list, 0, BAD, &len));
	syscall(SYS_set_robust_list, NULL, 24);
	setuid(65534);
	CALL("get_robust_list of init", syscall(SYS_get_robust_list, 1, &got, &len));
}

/* --- clocks ----------------------------------------------------------------------------------- */

static void clocks(void)
{
	struct timeval tv = { 0 }, bad = { 0, 1000000 };
	struct timezone tz = { 5, 5 }, far = { 15 * 60 + 1, 0 };
	struct timespec ts;
	struct timex tx = { 0 };

	CALL("gettimeofday", syscall(SYS_gettimeofday, &tv, &tz));
	clock_gettime(CLOCK_REALTIME, &ts);
	TRUE("the time",
	     ts.tv_sec - tv.tv_sec >= 0 && ts.tv_sec - tv.tv_sec < 60 && tv.tv_usec < 1000000);
	VALUE("minutes west", tz.tz_minuteswest);
	VALUE("summer time", tz.tz_dsttime);
	CALL("gettimeofday of nothing", syscall(SYS_gettimeofday, NULL, NULL));
	CALL("gettimeofday nowhere", syscall(SYS_gettimeofday, BAD, NULL));
	CALL("settimeofday", syscall(SYS_settimeofday, &tv, NULL));
	CALL("settimeofday microseconds", syscall(SYS_settimeofday, &bad, NULL));
	CALL("settimeofday zone", syscall(SYS_settimeofday, NULL, &far));
	CALL("settimeofday nowhere", syscall(SYS_settimeofday, BAD, NULL));
	TRUE("adjtimex", syscall(SYS_adjtimex, &tx) >= 0);
	VALUE("tick", tx.tick);
	tx.modes = ADJ_TICK;
	tx.tick = 20000;
	CALL("adjtimex tick", syscall(SYS_adjtimex, &tx));
	CHILD("as nobody", {
		setuid(65534);
		CALL("settimeofday", syscall(SYS_settimeofday, &tv, NULL));
		CALL("adjtimex", syscall(SYS_adjtimex, &tx));
	});
}

static void timers(void)
{
	struct itimerspec set = { { 5, 0 }, { 100, 0 } }, got;
	int id = -1;

	CALL("timer_create", syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id));
	CALL("timer_gettime", syscall(SYS_timer_gettime, id, &got));
	VALUE("disarmed", got.it_value.tv_sec + got.it_value.tv_nsec + got.it_interval.tv_sec);
	CALL("timer_settime", syscall(SYS_timer_settime, id, 0, &set, NULL));
	CALL("timer_gettime", syscall(SYS_timer_gettime, id, &got));
	VALUE("interval", got.it_interval.tv_sec);
	TRUE("left", got.it_value.tv_sec <= 100 && got.it_value.tv_sec >= 50);
	CALL("timer_gettime nowhere", syscall(SYS_timer_gettime, id, BAD));
	CALL("timer_gettime of none", syscall(SYS_timer_gettime, id + 1, &got));
	CALL("timer_delete", syscall(SYS_timer_delete, id));
	CALL("timer_gettime of the deleted", syscall(SYS_timer_gettime, id, &got));
}

/* --- the system ------------------------------------------------------------------------------- */

static void personalities(void)
{
	struct utsname u;

	CALL("personality", syscall(SYS_personality, 0xffffffff));
	CALL("personality no randomisation", syscall(SYS_personality, 0x40000));
	CALL("personality", syscall(SYS_personality, 0xffffffff));
	CHILD("inherited", _exit(syscall(SYS_personality, 0xffffffff) == 0x40000 ? 0 : 1));
	CALL("personality release 2.6", syscall(SYS_personality, 0x20000));
	uname(&u);
	TRUE("release 2.6", !strncmp(u.release, "2.6.", 4));
	CALL("personality plain", syscall(SYS_personality, 0));
	uname(&u);
	TRUE("release 6.12", !strncmp(u.release, "6.12", 4));
}

static void domain(void)
{
	struct utsname u;

	CALL("setdomainname", syscall(SYS_setdomainname, "vireo.test", 10));
	uname(&u);
	TEXT("domain", u.domainname);
	CALL("setdomainname too long", syscall(SYS_setdomainname, room, 65));
	CALL("setdomainname negative", syscall(SYS_setdomainname, room, -1));
	CALL("setdomainname back", syscall(SYS_setdomainname, "(none)", 6));
	CHILD("as nobody", setuid(65534),
	      CALL("setdomainname", syscall(SYS_setdomainname, "x", 1)));
}

static void state(void)
{
	struct sysinfo s;

	memset(&s, 0xff, sizeof(s));
	CALL("sysinfo", syscall(SYS_sysinfo, &s));
	TRUE("memory", s.totalram > 0 && s.freeram > 0 && s.freeram < s.totalram);
	VALUE("unit", s.mem_unit);
	VALUE("swap", s.totalswap);
	VALUE("high memory", s.totalhigh);
	TRUE("processes", s.procs > 0 && s.procs < 1000);
	TRUE("up", s.uptime >= 0 && s.uptime < 100000);
}

static void logs(void)
{
	TRUE("syslog size", syscall(SYS_syslog, 10, NULL, 0) > 4096);
	CALL("syslog open", syscall(SYS_syslog, 1, NULL, 0));
	CALL("syslog close", syscall(SYS_syslog, 0, NULL, 0));
	TRUE("syslog read all", syscall(SYS_syslog, 3, room, sizeof(room)) > 0);
	CALL("syslog no room", syscall(SYS_syslog, 3, NULL, 10));
	CALL("syslog negative", syscall(SYS_syslog, 3, room, -1));
	CALL("syslog zero", syscall(SYS_syslog, 3, room, 0));
	CALL("syslog level 0", syscall(SYS_syslog, 8, NULL, 0));
	CALL("syslog level 9", syscall(SYS_syslog, 8, NULL, 9));
	CALL("syslog none", syscall(SYS_syslog, 11, NULL, 0));
	CHILD("as nobody", setuid(65534), CALL("syslog clear", syscall(SYS_syslog, 5, NULL, 0)),
	      CALL("syslog level", syscall(SYS_syslog, 8, NULL, 5)));
}

static void random_bytes(void)
{
	unsigned char a[32] = { 0 }, b[32] = { 0 };

	CALL("getrandom", syscall(SYS_getrandom, a, 32, 0));
	CALL("getrandom at once", syscall(SYS_getrandom, b, 32, 1));
	TRUE("differ", memcmp(a, b, 32));
	CALL("getrandom random", syscall(SYS_getrandom, b, 32, 2));
	CALL("getrandom insecure", syscall(SYS_getrandom, b, 32, 4));
	CALL("getrandom both", syscall(SYS_getrandom, b, 32, 6));
	CALL("getrandom flags", syscall(SYS_getrandom, b, 32, 8));
	CALL("getrandom none", syscall(SYS_getrandom, b, 0, 0));
	CALL("getrandom nowhere", syscall(SYS_getrandom, BAD, 1, 0));
}

static void keys(void)
{
	CALL("reboot by keys", syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, NULL));
	CALL("reboot not by keys", syscall(SYS_reboot, 0xfee1dead, 0x28121969, 0, NULL));
	CALL("reboot first word", syscall(SYS_reboot, 1, 672274793, 0, NULL));
	CALL("reboot second word", syscall(SYS_reboot, 0xfee1dead, 1, 0, NULL));
	CALL("reboot what", syscall(SYS_reboot, 0xfee1dead, 672274793, 12345, NULL));
	CHILD("as nobody", setuid(65534),
	      CALL("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL)));
}

int main(void)
{
	int d;

	umask(022);
	mkdir("d", 0755);
	d = open("d", O_RDONLY);
	directory_names(d);
	positions(d);
	close(d);
	shared_position();
#ifdef SYS_getdents
	old_directories();
#endif
	masks();
	accepting();
	CHILD("attributes", attributes());
	CHILD("parameters", parameters());
	CHILD("processors", processors());
	clocks();
	timers();
	CHILD("personalities", personalities());
	domain();
	state();
	logs();
	random_bytes();
	keys();
	return 0;
}
