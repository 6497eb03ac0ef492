/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Permissions, owners, modes, times: chmod, chown, access, sticky, set-id, utimensat, statx. */
#include "fs.h"
#include <sys/fsuid.h>

static int mode_of(const char *p)
{
	struct stat st;
	return lstat(p, &st) ? -1 : (int)(st.st_mode & 07777);
}

static void modes(void)
{
	umask(027);
	close(open("m1", O_CREAT | O_WRONLY, 0666));
	V(mode_of("m1"));
	mkdir("md", 0777);
	V(mode_of("md"));
	close(open("m2", O_CREAT | O_WRONLY, 06777));
	V(mode_of("m2"));
	umask(022);
	T(chmod("m1", 07777));
	V(mode_of("m1"));
	T(chmod("none", 0600));
	T(fchmodat(AT_FDCWD, "m1", 0600, 0));
	symlink("m1", "ml");
	T(chmod("ml", 0640));
	V(mode_of("m1"));
	V(mode_of("ml"));
	T(chown("m1", 1000, 1000));
	T(chmod("m1", 06755));
	V(mode_of("m1"));
	T(chown("m1", 1001, -1));
	V(mode_of("m1"));
	T(chmod("m1", 02644));
	T(chown("m1", -1, 1002));
	V(mode_of("m1"));
	T(lchown("ml", 1000, 1000));
	struct stat st;
	lstat("ml", &st);
	V(st.st_uid);
	stat("ml", &st);
	V(st.st_uid);
	V(st.st_gid);
	T(chown("md", 1000, 1000));
	T(chmod("md", 02775));
	close(open("md/inherit", O_CREAT | O_WRONLY, 0644));
	lstat("md/inherit", &st);
	V(st.st_gid);
	mkdir("md/dir", 0755);
	V(mode_of("md/dir"));
	/* Writing clears set-id. */
	put_file("suid", "x");
	chmod("suid", 06755);
	chown("suid", 1000, 1000);
	chmod("suid", 06777);
	AS(1001, { int fd = open("suid", O_WRONLY); T(write(fd, "yy", 2)); });
	V(mode_of("suid"));
	chmod("suid", 06777);
	AS(1001, T(truncate("suid", 1)));
	V(mode_of("suid"));
	chmod("suid", 06777);
	{ int fd = open("suid", O_WRONLY); T(write(fd, "yy", 2)); close(fd); }
	V(mode_of("suid"));
}

static void checks(void)
{
	put_file("p", "secret");
	chmod("p", 0600);
	mkdir("pd", 0700);
	put_file("pd/f", "f");
	chmod(".", 0755);
	AS(1000, {
		OK(open("p", O_RDONLY));
		T(access("p", R_OK));
		T(access("p", F_OK));
		T(access("pd/f", F_OK));
		T(chdir("pd"));
		T(mkdir("nope", 0700));
		T(unlink("p"));
		T(chmod("p", 0644));
		T(chown("p", 1000, 1000));
		T(truncate("p", 0));
		OK(open("p", O_WRONLY | O_TRUNC));
		OK(open("p", O_PATH));
		T(rename("p", "q"));
		T(link("p", "q"));
		T(symlink("p", "q"));
		T(mknod("x", S_IFCHR | 0600, makedev(1, 3)));
		T(mount("none", "/mnt", "tmpfs", 0, ""));
		T(chroot("."));
	});
	chmod("p", 0604);
	chown("p", 0, 1000);
	/* The group's bits count, even if those of others would allow. */
	AS(1000, OK(open("p", O_RDONLY)));
	AS(1001, OK(open("p", O_RDONLY)));
	chmod("p", 0);
	OK(open("p", O_RDWR));
	T(access("p", R_OK | W_OK));
	T(access("p", X_OK));
	chmod("p", 0100);
	T(access("p", X_OK));
	T(access("p", 8));
	/* Sticky directories. */
	mkdir("st", 01777);
	chmod("st", 01777);
	AS(1000, put_file("st/mine", "m"));
	AS(1001, {
		T(unlink("st/mine"));
		T(rename("st/mine", "st/yours"));
		put_file("st/other", "o");
		T(rename("st/other", "st/mine"));
		OK(open("st/mine", O_WRONLY));
		T(link("st/mine", "st/hard"));
	});
	AS(1000, T(unlink("st/mine")));
	/* A directory that can be searched but not read, and the reverse. */
	mkdir("so", 0711);
	put_file("so/f", "f");
	chmod("so/f", 0644);
	mkdir("ro", 0744);
	put_file("ro/f", "f");
	AS(1000, {
		OK(open("so", O_RDONLY));
		OK(open("so/f", O_RDONLY));
		OK(open("ro", O_RDONLY));
		OK(open("ro/f", O_RDONLY));
	});
	/* Real against effective ids. */
	chmod("p", 0600);
	CHILD({
		T(setresuid(1000, 0, 0));
		T(access("p", R_OK));
		T(faccessat(AT_FDCWD, "p", R_OK, AT_EACCESS));
		OK(open("p", O_RDONLY));
	});
	put_file("x.sh", "#!/bin/sh\necho hi\n");
	T(execl("./x.sh", "x.sh", NULL));
	chmod("x.sh", 0644);
	T(execl("./x.sh", "x.sh", NULL));
	T(execl("./pd", "pd", NULL));
	T(execl("./none", "none", NULL));
	T(execl("./x.sh/y", "y", NULL));
}

static void times(void)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;

	put_file("tf", "t");
	T(utimensat(AT_FDCWD, "tf", ts, 0));
	stat("tf", &st);
	V(st.st_atim.tv_sec);
	V(st.st_atim.tv_nsec);
	V(st.st_mtim.tv_sec);
	V(st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_sec = -3;
	ts[1].tv_nsec = 999999999;
	T(utimensat(AT_FDCWD, "tf", ts, 0));
	stat("tf", &st);
	V(st.st_atim.tv_sec);
	V(st.st_mtim.tv_sec);
	V(st.st_mtim.tv_nsec);
	ts[1].tv_nsec = 1000000000;
	T(utimensat(AT_FDCWD, "tf", ts, 0));
	ts[1].tv_nsec = UTIME_NOW;
	T(utimensat(AT_FDCWD, "tf", ts, 0));
	stat("tf", &st);
	V(st.st_mtim.tv_sec > 1000000);
	V(st.st_atim.tv_sec);
	T(utimensat(AT_FDCWD, "none", ts, 0));
	T(utimensat(AT_FDCWD, "tf", ts, 0x8000));
	int fd = open("tf", O_RDONLY);
	T(futimens(fd, NULL));
	close(fd);
	chmod("tf", 0666);
	AS(1000, {
		T(utimensat(AT_FDCWD, "tf", NULL, 0));
		ts[0].tv_sec = 1;
		ts[0].tv_nsec = 1;
		ts[1].tv_nsec = 1;
		T(utimensat(AT_FDCWD, "tf", ts, 0));
	});
	chmod("tf", 0644);
	AS(1000, T(utimensat(AT_FDCWD, "tf", NULL, 0)));
	ts[0] = (struct timespec){ 10, 0 };
	ts[1] = (struct timespec){ 20, 0 };
	symlink("tf", "tl");
	T(utimensat(AT_FDCWD, "tl", ts, AT_SYMLINK_NOFOLLOW));
	lstat("tl", &st);
	V(st.st_mtim.tv_sec);
	stat("tl", &st);
	V(st.st_mtim.tv_sec > 1000000);
	/* ctime and mtime move with content, ctime with attributes. */
	utimensat(AT_FDCWD, "tf", ts, 0);
	chmod("tf", 0600);
	stat("tf", &st);
	V(st.st_mtim.tv_sec);
	fd = open("tf", O_WRONLY);
	T(write(fd, "z", 1));
	close(fd);
	stat("tf", &st);
	V(st.st_mtim.tv_sec > 1000000);
	utimensat(AT_FDCWD, "tf", ts, 0);
	T(truncate("tf", 1));
	stat("tf", &st);
	V(st.st_mtim.tv_sec > 1000000);
	mkdir("td", 0700);
	utimensat(AT_FDCWD, "td", ts, 0);
	put_file("td/x", "x");
	stat("td", &st);
	V(st.st_mtim.tv_sec > 1000000);
}

static void statxs(void)
{
	struct {
		unsigned mask, blksize;
		unsigned long long attrs;
		unsigned nlink, uid, gid;
		unsigned short mode, pad;
		unsigned long long ino, size, blocks, amask;
		char rest[160];
	} x;
	struct stat st;

	put_file("sx", "hello");
	T(syscall(SYS_statx, AT_FDCWD, "sx", 0, 0x7ff, &x));
	V(x.mask & 0x7ff);
	V(x.size);
	V(x.blocks);
	V(x.nlink);
	V(x.mode);
	V(x.blksize);
	T(syscall(SYS_statx, AT_FDCWD, "sx", 0, 0x80000000, &x));
	T(syscall(SYS_statx, AT_FDCWD, "", 0, 0x7ff, &x));
	T(syscall(SYS_statx, AT_FDCWD, "", AT_EMPTY_PATH, 0x7ff, &x));
	V(x.mode & S_IFMT);
	T(syscall(SYS_statx, AT_FDCWD, "sx", 0x6000, 0x7ff, &x));
	T(syscall(SYS_statx, AT_FDCWD, "sx", 0x80, 0x7ff, &x));
	int fd = open("sx", O_PATH);
	T(fstatat(fd, "", &st, AT_EMPTY_PATH));
	V(st.st_size);
	T(fstat(fd, &st));
	T(fstatat(fd, "x", &st, 0));
	T(fstatat(-1, "sx", &st, 0));
	T(fstatat(AT_FDCWD, "sx", &st, 0x8000));
	T(syscall(SYS_newfstatat, AT_FDCWD, "sx", (void *)8, 0));
	T(syscall(SYS_newfstatat, AT_FDCWD, (void *)8, &st, 0));
	stat("/dev/null", &st);
	V(major(st.st_rdev));
	V(minor(st.st_rdev));
	struct statfs sf;
	T(statfs(".", &sf));
	V(sf.f_type);
	V(sf.f_namelen);
	V(sf.f_bsize);
	T(statfs("none", &sf));
	T(fstatfs(fd, &sf));
	T(fstatfs(-1, &sf));
	stat(".", &st);
	V(S_ISDIR(st.st_mode));
	mkdir("se", 0700);
	stat("se", &st);
	V(st.st_size);
	put_file("se/one", "1");
	stat("se", &st);
	V(st.st_size);
}

int main(void)
{
	modes();
	checks();
	times();
	statxs();
	return 0;
}
