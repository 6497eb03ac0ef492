/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names: links, renames, directories, permissions, attributes. */
#include "check.h"
#include <dirent.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include <sys/xattr.h>

static void make(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

static void links(void)
{
	struct stat st;
	char buf[64] = { 0 };

	make("f", "one");
	CALL("link", link("f", "g"));
	stat("f", &st);
	VALUE("links", st.st_nlink);
	CALL("link exists", link("f", "g"));
	CALL("link of a directory", link(".", "dir"));
	CALL("link of nothing", link("nope", "x"));
	CALL("symlink", symlink("f", "s"));
	CALL("symlink exists", symlink("f", "s"));
	CALL("symlink empty", symlink("", "e"));
	CALL("readlink", readlink("s", buf, sizeof(buf)));
	TEXT("text", buf);
	CALL("readlink short", readlink("s", buf, 0));
	CALL("readlink of a file", readlink("f", buf, sizeof(buf)));
	symlink("loop2", "loop1");
	symlink("loop1", "loop2");
	CALL("loop", open("loop1", O_RDONLY));
	CALL("link to a symlink", link("s", "s2"));
	lstat("s2", &st);
	TRUE("is a symlink", S_ISLNK(st.st_mode));
	CALL("linkat follow", linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
	lstat("s3", &st);
	TRUE("is a file", S_ISREG(st.st_mode));
	CALL("unlink", unlink("g"));
	CALL("unlink again", unlink("g"));
	CALL("unlink of a directory", unlink("."));
	char longname[300];
	memset(longname, 'n', 299);
	longname[299] = 0;
	CALL("name too long", open(longname, O_CREAT | O_WRONLY, 0600));
	longname[255] = 0;
	CALL("255 is not", close(open(longname, O_CREAT | O_WRONLY, 0600)));
	char *path = malloc(5000);
	memset(path, '/', 4999);
	path[4999] = 0;
	CALL("path too long", open(path, O_RDONLY));
}

static void directories(void)
{
	struct stat st;

	CALL("mkdir", mkdir("d", 0755));
	CALL("mkdir exists", mkdir("d", 0755));
	CALL("mkdir below nothing", mkdir("no/d", 0755));
	CALL("mkdir below a file", mkdir("f/d", 0755));
	stat("d", &st);
	VALUE("links of an empty directory", st.st_nlink);
	mkdir("d/e", 0700);
	stat("d", &st);
	VALUE("links with one below", st.st_nlink);
	CALL("rmdir full", rmdir("d"));
	CALL("rmdir of a file", rmdir("f"));
	CALL("rmdir of dot", rmdir("d/."));
	CALL("rmdir of dotdot", rmdir("d/e/.."));
	CALL("rmdir", rmdir("d/e"));
	int dfd = open("d", O_RDONLY | O_DIRECTORY);
	CALL("rmdir while open", rmdir("d"));
	CALL("create in the dead", openat(dfd, "x", O_CREAT | O_WRONLY, 0600));
	CALL("list the dead", syscall(SYS_getdents64, dfd, (char[1024]){ 0 }, 1024));
	close(dfd);
	mkdir("list", 0755);
	for (int i = 0; i < 40; i++) {
		char name[16];
		snprintf(name, sizeof(name), "list/%02d", i);
		make(name, "");
	}
	DIR *dir = opendir("list");
	int n = 0;
	while (readdir(dir))
		n++;
	VALUE("entries", n);
	closedir(dir);
	dfd = open("list", O_RDONLY);
	CALL("getdents too small", syscall(SYS_getdents64, dfd, (char[8]){ 0 }, 8));
	CALL("read of a directory", read(dfd, (char[8]){ 0 }, 8));
	close(dfd);
	char cwd[256];
	mkdir("gone", 0755);
	chdir("gone");
	rmdir("../gone");
	CALL("getcwd of the dead", (long)getcwd(cwd, sizeof(cwd)) ? 0 : -1);
	CALL("chdir up from the dead", chdir(".."));
	CALL("getcwd too small", (long)getcwd(cwd, 1) ? 0 : -1);
	CALL("chdir to a file", chdir("f"));
}

static void renames(void)
{
	make("r1", "1");
	make("r2", "22");
	struct stat st;
	CALL("rename over", rename("r1", "r2"));
	stat("r2", &st);
	VALUE("size", st.st_size);
	CALL("rename nothing", rename("r1", "r3"));
	CALL("rename to itself", rename("r2", "r2"));
	mkdir("rd", 0755);
	mkdir("rd/sub", 0755);
	CALL("file over directory", rename("r2", "rd"));
	CALL("directory over file", rename("rd", "r2"));
	CALL("into itself", rename("rd", "rd/sub/x"));
	mkdir("rd2", 0755);
	CALL("directory over empty", rename("rd/sub", "rd2"));
	mkdir("rd3", 0755);
	make("rd3/x", "");
	CALL("directory over full", rename("rd2", "rd3"));
	make("r4", "4444");
	CALL("NOREPLACE", syscall(SYS_renameat2, AT_FDCWD, "r2", AT_FDCWD, "r4", RENAME_NOREPLACE));
	CALL("EXCHANGE", syscall(SYS_renameat2, AT_FDCWD, "r2", AT_FDCWD, "r4", RENAME_EXCHANGE));
	stat("r2", &st);
	VALUE("exchanged size", st.st_size);
	CALL("EXCHANGE with nothing",
	     syscall(SYS_renameat2, AT_FDCWD, "r2", AT_FDCWD, "zz", RENAME_EXCHANGE));
	CALL("both flags", syscall(SYS_renameat2, AT_FDCWD, "r2", AT_FDCWD, "r4",
				   RENAME_EXCHANGE | RENAME_NOREPLACE));
	CALL("rename of dot", rename(".", "x"));
	CALL("across file systems", rename("r2", "/proc/x"));
}

static void permissions(void)
{
	chmod(".", 0755);
	mkdir("open", 0777);
	chmod("open", 01777);
	make("open/root", "r");
	make("secret", "s");
	chmod("secret", 0600);
	mkdir("closed", 0700);
	make("closed/f", "");
	CHILD("as nobody", {
		setgid(65534);
		setuid(65534);
		CALL("open secret", open("secret", O_RDONLY));
		CALL("access secret", access("secret", R_OK));
		CALL("search closed", open("closed/f", O_RDONLY));
		CALL("create here", open("new", O_CREAT | O_WRONLY, 0600));
		CALL("create in sticky", close(open("open/mine", O_CREAT | O_WRONLY, 0600)));
		CALL("unlink another's in sticky", unlink("open/root"));
		CALL("rename another's in sticky", rename("open/root", "open/x"));
		CALL("unlink mine", unlink("open/mine"));
		CALL("chmod another's", chmod("open/root", 0777));
		CALL("chown", chown("open/root", 65534, 65534));
		CALL("utimensat now", utimensat(AT_FDCWD, "secret", NULL, 0));
		CALL("mknod device", mknod("open/dev", S_IFCHR | 0600, 0x103));
		CALL("mknod fifo", mknod("open/fifo", S_IFIFO | 0600, 0));
		CALL("chroot", chroot("/"));
		CALL("mount", syscall(SYS_mount, "x", "open", "tmpfs", 0, 0));
		CALL("link another's", link("secret", "open/link"));
	});
	struct stat st;
	make("suid", "");
	chmod("suid", 06755);
	chown("suid", 1, 1);
	stat("suid", &st);
	VALUE("chown clears set-id", st.st_mode & 07777);
	CALL("faccessat2 eaccess", syscall(SYS_faccessat2, AT_FDCWD, "secret", R_OK, AT_EACCESS));
	CALL("access bad mode", access("secret", 99));
	CALL("fchmodat2", syscall(452, AT_FDCWD, "secret", 0640, 0));
	CALL("umask", umask(077));
	CALL("umask back", umask(022));
}

static void times_and_stat(void)
{
	struct timespec ts[2] = { { 1000, 5 }, { 2000, 7 } };
	struct stat st;
	struct statx sx;

	make("t", "time");
	CALL("utimensat", utimensat(AT_FDCWD, "t", ts, 0));
	stat("t", &st);
	VALUE("atime", st.st_atim.tv_sec);
	VALUE("mtime ns", st.st_mtim.tv_nsec);
	ts[0].tv_nsec = UTIME_OMIT;
	ts[1].tv_nsec = 2000000000;
	CALL("bad nanoseconds", utimensat(AT_FDCWD, "t", ts, 0));
	ts[1].tv_nsec = UTIME_OMIT;
	CALL("both omitted", utimensat(AT_FDCWD, "t", ts, 0));
	CALL("statx", syscall(SYS_statx, AT_FDCWD, "t", 0, STATX_BASIC_STATS, &sx));
	VALUE("statx size", sx.stx_size);
	VALUE("statx mode", sx.stx_mode);
	CALL("statx empty path",
	     syscall(SYS_statx, AT_FDCWD, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &sx));
	CALL("statx bad flags",
	     syscall(SYS_statx, AT_FDCWD, "t", 0x10000000, STATX_BASIC_STATS, &sx));
	CALL("fstatat empty", fstatat(AT_FDCWD, "", &st, 0));
	CALL("stat bad pointer", syscall(SYS_newfstatat, AT_FDCWD, "t", (void *)8, 0));
}

static void attributes(void)
{
	char buf[256];

	CALL("setxattr", setxattr("t", "user.a", "value", 5, 0));
	CALL("getxattr size", getxattr("t", "user.a", NULL, 0));
	CALL("getxattr", getxattr("t", "user.a", buf, sizeof(buf)));
	CALL("getxattr short", getxattr("t", "user.a", buf, 2));
	CALL("create exists", setxattr("t", "user.a", "v", 1, XATTR_CREATE));
	CALL("replace nothing", setxattr("t", "user.b", "v", 1, XATTR_REPLACE));
	CALL("listxattr", listxattr("t", buf, sizeof(buf)));
	CALL("removexattr", removexattr("t", "user.a"));
	CALL("removexattr again", removexattr("t", "user.a"));
	CALL("unknown namespace", setxattr("t", "what.a", "v", 1, 0));
	CALL("empty suffix", setxattr("t", "user.", "v", 1, 0));
	CALL("trusted", setxattr("t", "trusted.a", "v", 1, 0));
	CALL("bad flags", setxattr("t", "user.a", "v", 1, 8));
	symlink("t", "tl");
	CALL("user on a symlink", lsetxattr("tl", "user.a", "v", 1, 0));
}

int main(void)
{
	umask(022);
	links();
	directories();
	renames();
	permissions();
	times_and_stat();
	attributes();
	return 0;
}
