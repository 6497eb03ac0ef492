/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls on files that other programs reach by newer names: creat, utime and its family, renameat,
 * ustat, inotify_init; and the rarer ones: preadv2, pwritev2, cachestat, lremovexattr, vhangup.
 */
#include "fs.h"
#include <sched.h>
#include <sys/inotify.h>
#include <time.h>
#include <utime.h>

#define RWF_HIPRI    0x01
#define RWF_DSYNC    0x02
#define RWF_SYNC     0x04
#define RWF_NOWAIT   0x08
#define RWF_APPEND   0x10
#define RWF_NOAPPEND 0x20
#ifndef SYS_cachestat
#define SYS_cachestat 451
#endif

static struct iovec one[1], two[2];
static char a[16], b[16];

static void vectors(void)
{
	int fd = open("vectors", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];

	two[0] = (struct iovec){ "abcd", 4 };
	two[1] = (struct iovec){ "efgh", 4 };
	T(syscall(SYS_pwritev2, fd, two, 2, 0L, 0L, 0));
	T(syscall(SYS_pwritev2, fd, two, 1, 6L, 0L, RWF_DSYNC));
	T(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, RWF_SYNC | RWF_HIPRI));
	V(lseek(fd, 0, SEEK_CUR));
	T(syscall(SYS_pwritev2, fd, two + 1, 1, -1L, -1L, 0));
	V(lseek(fd, 0, SEEK_CUR));
	S(get_file("vectors"));
	T(syscall(SYS_pwritev2, fd, two + 1, 1, 0L, 0L, RWF_APPEND));
	V(lseek(fd, 0, SEEK_CUR));
	S(get_file("vectors"));
	T(syscall(SYS_pwritev2, fd, two + 1, 1, -1L, -1L, RWF_APPEND));
	V(lseek(fd, 0, SEEK_CUR));
	T(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, RWF_APPEND | RWF_NOAPPEND));
	T(fcntl(fd, F_SETFL, O_APPEND));
	T(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, RWF_NOAPPEND));
	T(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, 0));
	S(get_file("vectors"));
	T(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, 0x10000));
	T(syscall(SYS_pwritev2, fd, two, 1, 0L, 0L, 0x80000000));
	T(syscall(SYS_pwritev2, fd, two, 1, -2L, 0L, 0));
	T(syscall(SYS_pwritev2, fd, two, 1025, 0L, 0L, 0));
	T(syscall(SYS_pwritev2, fd, two, 0, 0L, 0L, 0));
	T(syscall(SYS_pwritev2, fd, (void *)8, 1, 0L, 0L, 0));
	T(syscall(SYS_pwritev2, -1, two, 1, 0L, 0L, 0));

	two[0] = (struct iovec){ a, 3 };
	two[1] = (struct iovec){ b, 3 };
	T(syscall(SYS_preadv2, fd, two, 2, 1L, 0L, 0));
	S(a);
	S(b);
	T(lseek(fd, 2, SEEK_SET));
	T(syscall(SYS_preadv2, fd, two, 2, -1L, -1L, RWF_HIPRI));
	S(a);
	V(lseek(fd, 0, SEEK_CUR));
	T(syscall(SYS_preadv2, fd, two, 2, 1000L, 0L, 0));
	T(syscall(SYS_preadv2, fd, two, 2, 0L, 0L, 0x10000));
	T(syscall(SYS_preadv2, fd, two, 2, -2L, 0L, 0));
	T(syscall(SYS_preadv2, fd, two, -1L, 0L, 0L, 0));
	one[0] = (struct iovec){ (void *)8, 4 };
	T(syscall(SYS_preadv2, fd, one, 1, 0L, 0L, 0));
	close(fd);
	fd = open("vectors", O_WRONLY);
	T(syscall(SYS_preadv2, fd, two, 2, 0L, 0L, 0));
	close(fd);

	pipe(p);
	T(syscall(SYS_preadv2, p[0], two, 2, -1L, -1L, RWF_NOWAIT));
	one[0] = (struct iovec){ "pipe", 4 };
	T(syscall(SYS_pwritev2, p[1], one, 1, -1L, -1L, RWF_NOWAIT));
	T(syscall(SYS_preadv2, p[0], two, 2, -1L, -1L, RWF_NOWAIT));
	S(a);
	T(syscall(SYS_preadv2, p[0], two, 2, 0L, 0L, 0));
	T(syscall(SYS_pwritev2, p[1], one, 1, 0L, 0L, 0));
	close(p[0]);
	close(p[1]);
}

struct cache_range {
	unsigned long long off, len;
};
struct cache_stat {
	unsigned long long cache, dirty, writeback, evicted, recently;
};

static void cached(void)
{
	int fd = open("cached", O_RDWR | O_CREAT | O_TRUNC, 0600), p[2];
	struct cache_range r = { 0, 0 };
	struct cache_stat s;

	pwrite(fd, "x", 1, 0);
	pwrite(fd, "x", 1, 4096);
	pwrite(fd, "x", 1, 5 * 4096);
	memset(&s, 0xff, sizeof(s));
	T(syscall(SYS_cachestat, fd, &r, &s, 0));
	V(s.cache);
	V(s.writeback);
	V(s.evicted);
	V(s.recently);
	r = (struct cache_range){ 4096, 4096 };
	T(syscall(SYS_cachestat, fd, &r, &s, 0));
	V(s.cache);
	r = (struct cache_range){ 4095, 2 };
	T(syscall(SYS_cachestat, fd, &r, &s, 0));
	V(s.cache);
	r = (struct cache_range){ 8192, 8192 };
	T(syscall(SYS_cachestat, fd, &r, &s, 0));
	V(s.cache);
	r = (struct cache_range){ 1 << 30, 0 };
	T(syscall(SYS_cachestat, fd, &r, &s, 0));
	V(s.cache);
	T(syscall(SYS_cachestat, fd, &r, &s, 1));
	T(syscall(SYS_cachestat, fd, (void *)8, &s, 0));
	T(syscall(SYS_cachestat, fd, &r, (void *)8, 0));
	T(syscall(SYS_cachestat, -1, &r, &s, 0));
	close(fd);
	pipe(p);
	r.off = 0;
	T(syscall(SYS_cachestat, p[0], &r, &s, 0));
	V(s.cache);
	close(p[0]);
	close(p[1]);
}

static void attributes(void)
{
	put_file("attr", "x");
	symlink("attr", "attr-link");
	T(setxattr("attr", "user.one", "1", 1, 0));
	T(lsetxattr("attr-link", "user.one", "1", 1, 0));
	T(lsetxattr("attr-link", "trusted.one", "1", 1, 0));
	T(syscall(SYS_lremovexattr, "attr-link", "user.one"));
	T(syscall(SYS_lremovexattr, "attr-link", "trusted.one"));
	T(syscall(SYS_lremovexattr, "attr-link", "trusted.one"));
	T(syscall(SYS_lremovexattr, "attr", "user.one"));
	T(syscall(SYS_lremovexattr, "attr", "user.one"));
	T(syscall(SYS_lremovexattr, "attr", "none.one"));
	T(syscall(SYS_lremovexattr, "attr", ""));
	T(syscall(SYS_lremovexattr, "attr", (void *)8));
	T(syscall(SYS_lremovexattr, (void *)8, "user.one"));
	T(syscall(SYS_lremovexattr, "none", "user.one"));
	setxattr("attr", "user.two", "2", 1, 0);
	AS(65534, T(syscall(SYS_lremovexattr, "attr", "user.two")));
	AS(65534, T(syscall(SYS_lremovexattr, "attr", "trusted.two")));
}

static void hangups(void)
{
	CHILD(setsid(); T(syscall(SYS_vhangup)));
	AS(65534, T(syscall(SYS_vhangup)));
}

#ifdef SYS_renameat
static void old_renames(void)
{
	int d;

	mkdir("rd", 0700);
	put_file("rd/f", "x");
	put_file("rg", "y");
	d = open("rd", O_RDONLY);
	T(syscall(SYS_renameat, d, "f", AT_FDCWD, "rf"));
	T(syscall(SYS_renameat, d, "f", AT_FDCWD, "rf"));
	T(syscall(SYS_renameat, AT_FDCWD, "rf", AT_FDCWD, "rg"));
	S(get_file("rg"));
	T(syscall(SYS_renameat, AT_FDCWD, "rg", d, "h"));
	T(syscall(SYS_renameat, AT_FDCWD, "rd", d, "below"));
	T(syscall(SYS_renameat, -1, "rg", d, "h"));
	T(syscall(SYS_renameat, d, "h", -1, "h"));
	T(syscall(SYS_renameat, d, "h", d, (void *)8));
	T(syscall(SYS_renameat, d, "h", d, ""));
	close(d);
}
#endif

#ifdef SYS_creat
static void show_times(const char *name)
{
	struct stat st;

	if (stat(name, &st))
		printf("times of %s: %s\n", name, ename(errno));
	else
		printf("times of %s: %ld.%09ld %ld.%09ld\n", name, (long)st.st_atim.tv_sec,
		       st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static void creation(void)
{
	struct stat st;
	int fd;

	umask(022);
	fd = OK(syscall(SYS_creat, "new", 0666));
	stat("new", &st);
	V(st.st_mode & 07777);
	V(fcntl(fd, F_GETFL) & O_ACCMODE);
	T(write(fd, "12345", 5));
	T(read(fd, a, 1));
	close(fd);
	close(OK(syscall(SYS_creat, "new", 0600)));
	stat("new", &st);
	V(st.st_mode & 07777);
	V(st.st_size);
	T(syscall(SYS_creat, ".", 0666));
	T(syscall(SYS_creat, "none/new", 0666));
	T(syscall(SYS_creat, "", 0666));
	T(syscall(SYS_creat, (void *)8, 0666));
}

static void times(void)
{
	struct utimbuf u = { 1000, 2000 };
	struct timeval tv[2] = { { 3000, 999999 }, { 4000, 1 } };
	time_t before = time(NULL);
	struct stat st;
	int d;

	put_file("t", "x");
	T(syscall(SYS_utime, "t", &u));
	show_times("t");
	T(syscall(SYS_utimes, "t", tv));
	show_times("t");
	tv[0].tv_usec = 1000000;
	T(syscall(SYS_utimes, "t", tv));
	tv[0].tv_usec = -1;
	T(syscall(SYS_utimes, "t", tv));
	show_times("t");
	tv[0].tv_usec = 5;
	T(syscall(SYS_utime, "t", NULL));
	stat("t", &st);
	V(st.st_atime >= before && st.st_mtime >= before);
	T(syscall(SYS_utimes, "t", tv));
	T(syscall(SYS_utimes, "t", NULL));
	stat("t", &st);
	V(st.st_atime >= before && st.st_mtime >= before);
	mkdir("td", 0700);
	put_file("td/f", "x");
	d = open("td", O_RDONLY);
	T(syscall(SYS_futimesat, d, "f", tv));
	show_times("td/f");
	T(syscall(SYS_futimesat, d, NULL, tv));
	show_times("td");
	T(syscall(SYS_futimesat, AT_FDCWD, "t", tv));
	show_times("t");
	T(syscall(SYS_futimesat, AT_FDCWD, NULL, tv));
	T(syscall(SYS_futimesat, -1, NULL, tv));
	T(syscall(SYS_futimesat, -1, "f", tv));
	T(syscall(SYS_futimesat, d, "none", tv));
	T(syscall(SYS_futimesat, d, "f", (void *)8));
	close(d);
	T(syscall(SYS_utime, "none", &u));
	T(syscall(SYS_utime, "t", (void *)8));
	T(syscall(SYS_utimes, "none", tv));
	T(syscall(SYS_utimes, "t", (void *)8));
	T(syscall(SYS_utimes, (void *)8, tv));
	chmod("t", 0644);
	AS(65534, T(syscall(SYS_utime, "t", &u)));
	AS(65534, T(syscall(SYS_utime, "t", NULL)));
	AS(65534, T(syscall(SYS_utimes, "t", tv)));
	chmod("t", 0666);
	chmod(".", 0755);
	AS(65534, T(syscall(SYS_utime, "t", NULL)));
	AS(65534, T(syscall(SYS_utime, "t", &u)));
}

static void old_statistics(void)
{
	struct {
		int free;
		unsigned long inodes;
		char name[6], pack[6], room[32];
	} u;
	struct stat st;

	stat("/", &st);
	memset(&u, 0xff, sizeof(u));
	T(syscall(SYS_ustat, (unsigned)st.st_dev, &u));
	V(u.name[0]);
	V(u.pack[0]);
	T(syscall(SYS_ustat, (unsigned)st.st_dev, (void *)8));
	T(syscall(SYS_ustat, 0xfff00, &u));
}

static void old_inotify(void)
{
	char room[512];
	struct inotify_event *e = (void *)room;
	int fd = OK(syscall(SYS_inotify_init)), w;

	V(fcntl(fd, F_GETFD));
	V(fcntl(fd, F_GETFL) & O_NONBLOCK);
	mkdir("watched", 0700);
	w = inotify_add_watch(fd, "watched", IN_CREATE);
	V(w);
	put_file("watched/seen", "x");
	V(read(fd, room, sizeof(room)));
	V(e->mask == IN_CREATE && e->wd == w);
	S(e->name);
	close(fd);
}
#endif

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	vectors();
	cached();
	attributes();
	hangups();
#ifdef SYS_renameat
	old_renames();
#endif
#ifdef SYS_creat
	creation();
	times();
	old_statistics();
	old_inotify();
#endif
	return 0;
}
