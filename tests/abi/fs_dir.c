/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories: getdents, positions, removal while reading; xattrs; openat2; getcwd. */
#include "fs.h"
#include <dirent.h>

static int cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *d)
{
	char *names[100];
	int n = 0;
	DIR *dir = opendir(d);
	struct dirent *e;

	if (!dir) {
		printf("list %s: %s\n", d, ename(errno));
		return;
	}
	while ((e = readdir(dir)) != NULL && n < 100) {
		char b[300];
		snprintf(b, sizeof(b), "%s(%d)", e->d_name, e->d_type);
		names[n++] = strdup(b);
	}
	closedir(dir);
	qsort(names, n, sizeof(*names), cmp);
	for (int i = 0; i < n; i++)
		printf("%s ", names[i]);
	printf("\n");
}

static void dirs(void)
{
	char buf[4096], name[40];
	long n, total = 0;

	mkdir("d", 0755);
	put_file("d/reg", "");
	mkdir("d/dir", 0755);
	symlink("x", "d/lnk");
	mkfifo("d/fifo", 0600);
	mknod("d/chr", S_IFCHR | 0600, makedev(1, 3));
	mknod("d/sock", S_IFSOCK | 0600, 0);
	list("d");
	list("d/reg");
	list("none");
	int fd = open("d", O_RDONLY);
	T(syscall(SYS_getdents64, fd, buf, 10));
	T(syscall(SYS_getdents64, fd, (void *)8, 1000));
	T(syscall(SYS_getdents64, fd, buf, 0));
	V(syscall(SYS_getdents64, fd, buf, 4096) > 0);
	T(syscall(SYS_getdents64, fd, buf, 4096));
	T(lseek(fd, 0, SEEK_SET));
	V(syscall(SYS_getdents64, fd, buf, 4096) > 0);
	T(syscall(SYS_getdents64, 0, buf, 4096));
	T(syscall(SYS_getdents64, 99, buf, 4096));
	T(read(fd, buf, 10));
	T(write(fd, buf, 10));
	close(fd);
	/* Many entries in small pieces, each seen once; removal while reading. */
	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		sprintf(name, "many/file%03d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	char seen[500] = "";
	int twice = 0;
	fd = open("many", O_RDONLY);
	while ((n = syscall(SYS_getdents64, fd, buf, 200)) > 0) {
		for (long o = 0; o < n;) {
			struct dirent *e = (void *)(buf + o);
			if (e->d_name[0] == 'f') {
				int k = atoi(e->d_name + 4);
				twice += seen[k]++;
				total++;
			}
			o += e->d_reclen;
		}
	}
	V(total);
	V(twice);
	lseek(fd, 0, SEEK_SET);
	total = 0;
	while ((n = syscall(SYS_getdents64, fd, buf, 300)) > 0) {
		for (long o = 0; o < n;) {
			struct dirent *e = (void *)(buf + o);
			if (e->d_name[0] == 'f') {
				total++;
				unlinkat(fd, e->d_name, 0);
			}
			o += e->d_reclen;
		}
	}
	V(total);
	T(rmdir("many"));
	T(syscall(SYS_getdents64, fd, buf, 300));
	close(fd);
	/* telldir and seekdir. */
	DIR *dir = opendir("d");
	struct dirent *e;
	readdir(dir);
	readdir(dir);
	readdir(dir);
	long pos = telldir(dir);
	e = readdir(dir);
	strcpy(name, e ? e->d_name : "");
	readdir(dir);
	seekdir(dir, pos);
	e = readdir(dir);
	V(e && !strcmp(name, e->d_name));
	closedir(dir);
}

static void xattrs(void)
{
	char b[200];
	long n;

	put_file("x", "x");
	T(setxattr("x", "user.one", "1", 1, 0));
	T(setxattr("x", "user.one", "11", 2, XATTR_CREATE));
	T(setxattr("x", "user.two", "2", 1, XATTR_REPLACE));
	T(setxattr("x", "user.one", "111", 3, XATTR_REPLACE));
	T(setxattr("x", "user.two", "", 0, 0));
	T(getxattr("x", "user.one", b, 200));
	T(getxattr("x", "user.one", b, 2));
	T(getxattr("x", "user.one", NULL, 0));
	T(getxattr("x", "user.two", b, 200));
	T(getxattr("x", "user.none", b, 200));
	T(getxattr("x", "bogus", b, 200));
	T(setxattr("x", "bogus.x", "1", 1, 0));
	T(setxattr("x", "", "1", 1, 0));
	T(setxattr("x", "user.one", "1", 1, 99));
	T(setxattr("x", "trusted.t", "t", 1, 0));
	T(setxattr("x", "security.s", "s", 1, 0));
	n = listxattr("x", b, 200);
	V(n);
	T(listxattr("x", b, 5));
	T(listxattr("x", NULL, 0));
	T(removexattr("x", "user.two"));
	T(removexattr("x", "user.two"));
	symlink("x", "xl");
	T(lsetxattr("xl", "user.l", "l", 1, 0));
	T(lsetxattr("xl", "trusted.l", "l", 1, 0));
	T(lgetxattr("xl", "trusted.l", b, 10));
	T(getxattr("xl", "user.one", b, 10));
	T(llistxattr("xl", b, 100));
	int fd = open("x", O_RDONLY);
	T(fsetxattr(fd, "user.f", "f", 1, 0));
	T(fgetxattr(fd, "user.f", b, 10));
	T(fremovexattr(fd, "user.f"));
	T(flistxattr(fd, b, 100));
	T(setxattr("none", "user.a", "a", 1, 0));
	chmod("x", 0644);
	AS(1000, {
		T(getxattr("x", "user.one", b, 200));
		T(getxattr("x", "trusted.t", b, 200));
		T(setxattr("x", "user.b", "b", 1, 0));
		T(setxattr("x", "trusted.b", "b", 1, 0));
		T(listxattr("x", b, 200));
	});
	T(getxattr("/proc/self/status", "user.x", b, 10));
}

struct how { unsigned long long flags, mode, resolve; };
static long o2(int d, const char *p, unsigned long long f, unsigned long long m,
	       unsigned long long r)
{
	struct how h = { f, m, r };
	long fd = syscall(SYS_openat2, d, p, &h, sizeof(h));
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

#define NO_XDEV 1
#define NO_MAGIC 2
#define NO_SYM 4
#define BENEATH 8
#define IN_ROOT 16
#define CACHED 32

static void openat2s(void)
{
	mkdir("o", 0755);
	mkdir("o/sub", 0755);
	put_file("o/f", "f");
	symlink("f", "o/l");
	symlink("../x", "o/up");
	symlink("/f", "o/abs");
	symlink("sub/../f", "o/around");
	int d = open("o", O_PATH);
	T(o2(d, "f", O_RDONLY, 0, 0));
	T(o2(d, "f", O_RDONLY, 1, 0));
	T(o2(d, "f", 1ull << 40, 0, 0));
	T(o2(d, "f", O_RDONLY, 0, 64));
	T(o2(d, "f", O_RDONLY, 0, BENEATH | IN_ROOT));
	T(o2(d, "new", O_CREAT | O_WRONLY, 010000, 0));
	T(o2(d, "new", O_CREAT | O_WRONLY, 0600, BENEATH));
	T(o2(d, "f", O_PATH | O_RDWR, 0, 0));
	T(o2(d, "l", O_RDONLY, 0, NO_SYM));
	T(o2(d, "l", O_RDONLY | O_NOFOLLOW, 0, 0));
	T(o2(d, "up", O_RDONLY, 0, BENEATH));
	T(o2(d, "up", O_RDONLY, 0, IN_ROOT));
	T(o2(d, "../x", O_RDONLY, 0, BENEATH));
	T(o2(d, "../x", O_RDONLY, 0, IN_ROOT));
	T(o2(d, "../f", O_RDONLY, 0, IN_ROOT));
	T(o2(d, "abs", O_RDONLY, 0, BENEATH));
	T(o2(d, "abs", O_RDONLY, 0, IN_ROOT));
	T(o2(d, "/f", O_RDONLY, 0, BENEATH));
	T(o2(d, "/f", O_RDONLY, 0, IN_ROOT));
	T(o2(d, "around", O_RDONLY, 0, BENEATH));
	T(o2(d, "sub/../../o/f", O_RDONLY, 0, BENEATH));
	T(o2(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, NO_MAGIC));
	T(o2(AT_FDCWD, "/proc/version", O_RDONLY, 0, NO_XDEV));
	T(o2(d, "f", O_RDONLY, 0, CACHED));
	struct { struct how h; unsigned long long more; } big = { { O_RDONLY, 0, 0 }, 0 };
	V(syscall(SYS_openat2, d, "f", &big, sizeof(big)) >= 0);
	big.more = 1;
	T(syscall(SYS_openat2, d, "f", &big, sizeof(big)));
	T(syscall(SYS_openat2, d, "f", &big, 16));
}

static void cwds(void)
{
	char b[5000], *base = getcwd(NULL, 0);

	mkdir("deep", 0755);
	chdir("deep");
	for (int i = 0; i < 40; i++) {
		char n[101];
		memset(n, 'a' + i % 26, 100);
		n[100] = 0;
		mkdir(n, 0755);
		chdir(n);
	}
	V((long)strlen(getcwd(b, sizeof(b)) ?: "") - (long)strlen(base));
	T(syscall(SYS_getcwd, b, 10));
	T(syscall(SYS_getcwd, (void *)8, 5000));
	for (int i = 0; i < 8; i++) {
		char n[101];
		memset(n, 'a' + i, 100);
		n[100] = 0;
		mkdir(n, 0755);
		chdir(n);
	}
	T(syscall(SYS_getcwd, b, 5000));
	T(chdir(base));
	T(chdir("none"));
	T(chdir("x"));
	T(chdir(""));
	T(fchdir(open("x", O_RDONLY)));
}

int main(void)
{
	dirs();
	xattrs();
	openat2s();
	cwds();
	return 0;
}
