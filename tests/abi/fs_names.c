/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: making, removing, renaming, linking; trailing slashes, dots, loops, long names. */
#include "fs.h"

#ifndef RENAME_EXCHANGE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif
static int renameat2_(int a, const char *b, int c, const char *d, unsigned f)
{
	return syscall(SYS_renameat2, a, b, c, d, f);
}

static int nlink_of(const char *p)
{
	struct stat st;
	return lstat(p, &st) ? -1 : (int)st.st_nlink;
}

static void creation(void)
{
	char name[300];

	umask(022);
	OK(open("a", O_CREAT | O_EXCL | O_WRONLY, 0666));
	OK(open("a", O_CREAT | O_EXCL | O_WRONLY, 0666));
	OK(open("a/", O_RDONLY));
	OK(open("a/", O_CREAT | O_WRONLY, 0666));
	OK(open("b/", O_CREAT | O_WRONLY, 0666));
	OK(open("a/b", O_RDONLY));
	OK(open("nodir/b", O_CREAT | O_WRONLY, 0666));
	OK(open("", O_RDONLY));
	OK(open(".", O_RDONLY));
	OK(open(".", O_WRONLY));
	OK(open(".", O_CREAT | O_RDONLY, 0666));
	OK(open("/", O_RDWR));
	OK(open("a", O_RDONLY | O_DIRECTORY));
	OK(open(".", O_RDONLY | O_DIRECTORY));
	OK(open("x", O_CREAT | O_DIRECTORY, 0600));
	memset(name, 'n', 255);
	name[255] = 0;
	OK(open(name, O_CREAT | O_WRONLY, 0600));
	T(unlink(name));
	name[255] = 'n';
	name[256] = 0;
	OK(open(name, O_CREAT | O_WRONLY, 0600));
	T(mkdir(name, 0700));
	T(access(name, F_OK));
	T(mkdir("d", 0777));
	T(mkdir("d", 0777));
	T(mkdir("d/", 0777));
	T(mkdir("e/", 0777));
	T(mkdir("d/.", 0777));
	T(mkdir("d/..", 0777));
	T(mkdir("/", 0777));
	T(mkdir("a/x", 0777));
	T(mkdir("none/x", 0777));
	V(nlink_of("."));
	V(nlink_of("d"));
	T(mkdir("d/sub", 0777));
	V(nlink_of("d"));
	T(mknod("f1", S_IFREG | 0600, 0));
	T(mknod("f2", 0600, 0));
	T(mknod("f3", S_IFDIR | 0600, 0));
	T(mknod("f4", S_IFLNK | 0600, 0));
	T(mknod("fifo", S_IFIFO | 0600, 0));
	T(mknod("sock", S_IFSOCK | 0600, 0));
	T(mknod("null", S_IFCHR | 0600, makedev(1, 3)));
	T(mknod("fifo", S_IFIFO | 0600, 0));
	OK(open("sock", O_RDONLY));
	OK(open("null", O_RDWR));
}

static void removal(void)
{
	T(rmdir("d"));
	T(rmdir("d/sub"));
	T(rmdir("d/."));
	T(rmdir("d/.."));
	T(rmdir("."));
	T(rmdir(".."));
	T(rmdir("/"));
	T(rmdir("a"));
	T(rmdir("none"));
	T(unlink("d"));
	T(unlink("d/"));
	T(unlink("a/"));
	T(unlink("none"));
	T(unlink("none/"));
	T(unlink("."));
	T(unlink("/"));
	T(unlink(""));
	T(rmdir("d"));
	T(rmdir("e/"));
	T(unlinkat(AT_FDCWD, "a", AT_REMOVEDIR));
	T(unlinkat(AT_FDCWD, "a", 0x4000));
	T(unlinkat(12345, "a", 0));
	T(unlink("a"));
	T(unlink("a"));
	/* A removed working directory. */
	mkdir("gone", 0700);
	CHILD({
		T(chdir("gone"));
		T(rmdir("../gone"));
		OK(open("x", O_CREAT | O_WRONLY, 0600));
		T(mkdir("y", 0700));
		OK(open(".", O_RDONLY));
		T(access("..", F_OK));
		char b[100];
		errno = 0;
		printf("getcwd: %s", getcwd(b, sizeof(b)) ?: "NULL");
		printf(" %s\n", ename(errno));
	});
	/* An open file outlives its name. */
	int fd = open("ghost", O_CREAT | O_RDWR, 0600);
	struct stat st;
	T(unlink("ghost"));
	T(write(fd, "boo", 3));
	T(lseek(fd, 0, SEEK_SET));
	fstat(fd, &st);
	V(st.st_nlink);
	V(st.st_size);
	close(fd);
}

static void links(void)
{
	char buf[64], path[64];

	put_file("t", "text");
	T(link("t", "t2"));
	V(nlink_of("t"));
	T(link("t", "t2"));
	T(link("none", "t3"));
	mkdir("ld", 0700);
	T(link("ld", "ld2"));
	T(link("t", "ld/"));
	T(link("t/", "t3"));
	T(link("t", "none/t3"));
	T(symlink("t", "s"));
	T(symlink("t", "s"));
	T(symlink("", "s0"));
	T(symlink("t", ""));
	T(symlink("t", "t"));
	T(readlink("s", buf, sizeof(buf)));
	T(readlink("s", buf, 0));
	T(readlink("t", buf, sizeof(buf)));
	T(readlink("none", buf, sizeof(buf)));
	T(readlink("s/", buf, sizeof(buf)));
	T(link("s", "hs"));
	T(readlink("hs", buf, sizeof(buf)));
	T(linkat(AT_FDCWD, "s", AT_FDCWD, "hs2", AT_SYMLINK_FOLLOW));
	T(readlink("hs2", buf, sizeof(buf)));
	V(nlink_of("t"));
	OK(open("s", O_RDONLY | O_NOFOLLOW));
	OK(open("s", O_RDONLY | O_PATH | O_NOFOLLOW));
	OK(open("s", O_RDONLY));
	symlink("loop1", "loop2");
	symlink("loop2", "loop1");
	OK(open("loop1", O_RDONLY));
	T(access("loop1/x", F_OK));
	symlink("nothere", "dangling");
	OK(open("dangling", O_RDONLY));
	OK(open("dangling", O_CREAT | O_EXCL | O_WRONLY, 0600));
	OK(open("dangling", O_CREAT | O_WRONLY, 0600));
	T(access("nothere", F_OK));
	OK(open("dangling/", O_CREAT | O_WRONLY, 0600));
	symlink("ld/", "lslash");
	OK(open("lslash", O_RDONLY | O_DIRECTORY));
	symlink("t/", "tslash");
	OK(open("tslash", O_RDONLY));
	T(rmdir("lslash"));
	T(unlink("lslash"));
	/* A chain of 40 is followed, of 41 not. */
	put_file("c0", "end");
	for (int i = 1; i <= 41; i++) {
		snprintf(buf, sizeof(buf), "c%d", i - 1);
		snprintf(path, sizeof(path), "c%d", i);
		symlink(buf, path);
	}
	S(get_file("c40"));
	S(get_file("c41"));
	/* Nested: a link in the middle of a link. */
	mkdir("n1", 0700);
	mkdir("n1/n2", 0700);
	put_file("n1/n2/deep", "deep");
	symlink("n1", "L1");
	symlink("L1/n2", "L2");
	symlink("L2/../n2/deep", "L3");
	S(get_file("L3"));
	S(get_file("L2/deep"));
	S(get_file("L1/../L1/./n2//deep"));
	symlink("/", "root");
	OK(open("root", O_RDONLY));
	T(access("root/tmp", F_OK));
	T(mkdir("dangling", 0700));
	T(mkdir("s", 0700));
	T(mkdir("newlink", 0700));
}

static void renames(void)
{
	put_file("r1", "one");
	put_file("r2", "two");
	T(rename("r1", "r1"));
	T(rename("r1", "r2"));
	S(get_file("r2"));
	T(access("r1", F_OK));
	mkdir("rd", 0700);
	mkdir("rd/in", 0700);
	mkdir("re", 0700);
	T(rename("r2", "rd"));
	T(rename("rd", "r2"));
	T(rename("rd", "rd/in/x"));
	T(rename("rd/in", "rd"));
	T(rename("rd", "re"));
	T(access("re/in", F_OK));
	mkdir("rf", 0700);
	put_file("rf/x", "x");
	T(rename("re", "rf"));
	T(rename("r2", "none/x"));
	T(rename("none", "x"));
	T(rename("r2", "r3/"));
	T(rename("r2/", "r3"));
	T(rename("re/", "rg/"));
	T(rename("rg", "rg/."));
	T(rename(".", "rh"));
	T(rename("rg", "."));
	T(rename("rg", ".."));
	T(rename("rg", "/"));
	T(renameat2_(AT_FDCWD, "r2", AT_FDCWD, "rf", RENAME_NOREPLACE));
	T(renameat2_(AT_FDCWD, "r2", AT_FDCWD, "r9", RENAME_NOREPLACE));
	T(renameat2_(AT_FDCWD, "r9", AT_FDCWD, "rf", RENAME_EXCHANGE));
	S(get_file("rf"));
	S(get_file("r9/x"));
	T(renameat2_(AT_FDCWD, "r9", AT_FDCWD, "nope", RENAME_EXCHANGE));
	T(renameat2_(AT_FDCWD, "r9", AT_FDCWD, "nope", RENAME_EXCHANGE | RENAME_NOREPLACE));
	T(renameat2_(AT_FDCWD, "r9", AT_FDCWD, "nope", 64));
	put_file("h1", "h");
	link("h1", "h2");
	T(rename("h1", "h2"));
	T(access("h1", F_OK));
	T(access("h2", F_OK));
	V(nlink_of("rg"));
	mkdir("rg/sub", 0700);
	V(nlink_of("rg"));
	rename("rg/sub", "sub");
	V(nlink_of("rg"));
	T(rename("/proc/self", "x"));
	T(rename("r9", "/proc/x"));
	put_file("aveyveryveryveryveryverylongnamethatisnotinline1", "L1");
	T(rename("aveyveryveryveryveryverylongnamethatisnotinline1",
		 "aveyveryveryveryveryverylongnamethatisnotinline2"));
	S(get_file("aveyveryveryveryveryverylongnamethatisnotinline2"));
	put_file("short", "S");
	T(rename("short", "aveyveryveryveryveryverylongnamethatisnotinline2"));
	S(get_file("aveyveryveryveryveryverylongnamethatisnotinline2"));
	T(rename("aveyveryveryveryveryverylongnamethatisnotinline2", "short"));
	S(get_file("short"));
	T(access("aveyveryveryveryveryverylongnamethatisnotinline2", F_OK));
}

static void tmpfiles(void)
{
	char path[64];
	struct stat st;
	int fd = OK(open(".", O_TMPFILE | O_RDWR, 0640));

	OK(open(".", O_TMPFILE | O_RDONLY, 0640));
	OK(open("r9", O_TMPFILE | O_RDWR, 0640));
	OK(open("h2", O_TMPFILE | O_RDWR, 0640));
	T(write(fd, "tmp", 3));
	fstat(fd, &st);
	V(st.st_nlink);
	V(st.st_mode & 07777);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	T(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	S(get_file("named"));
	fstat(fd, &st);
	V(st.st_nlink);
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
	T(linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
	close(fd);
	fd = open(".", O_TMPFILE | O_RDWR, 0600);
	T(linkat(fd, "", AT_FDCWD, "named3", AT_EMPTY_PATH));
	close(fd);
}

int main(void)
{
	creation();
	removal();
	links();
	renames();
	tmpfiles();
	return 0;
}
