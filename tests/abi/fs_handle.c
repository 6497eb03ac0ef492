/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name_to_handle_at(2), open_by_handle_at(2) on tmpfs, ext4, vfat, and where there are no
 * handles. */
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "check.h"

#ifndef AT_HANDLE_FID
#define AT_HANDLE_FID 0x200
#endif
#ifndef AT_HANDLE_MNT_ID_UNIQUE
#define AT_HANDLE_MNT_ID_UNIQUE 1
#endif

struct handle {
	unsigned bytes;
	int type;
	unsigned char data[256];
};

#define M "/tmp/fs_handle/m"

static long encode(int dfd, const char *name, struct handle *h, void *mnt_id, int flags)
{
	return syscall(SYS_name_to_handle_at, dfd, name, h, mnt_id, flags);
}

static long open_handle(int dfd, struct handle *h, int flags)
{
	return syscall(SYS_open_by_handle_at, dfd, h, flags);
}

static struct handle handle_of(const char *name)
{
	struct handle h = { 128 };
	int id;

	if (encode(AT_FDCWD, name, &h, &id, 0))
		printf("no handle of %s: %s\n", name, error_name(errno));
	return h;
}

/* Does the descriptor lead to the file of that name? */
static bool same(int fd, const char *name)
{
	struct stat a, b;

	return !fstat(fd, &a) && !lstat(name, &b) && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

static bool here(const char *name)
{
	int fd = open(".", O_PATH);
	bool is = same(fd, name);

	close(fd);
	return is;
}

static void where(const char *what, int fd)
{
	char link[64], text[256];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = 0;
	printf("%s: %s\n", what, text);
}

static void touch(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_WRONLY, 0644);

	write(fd, text, strlen(text));
	close(fd);
}

static void sizes(const char *name)
{
	static const unsigned room[] = { 0, 3, 4, 7, 8, 11, 12, 128, 129 };
	struct handle h;
	int id;

	for (unsigned i = 0; i < sizeof(room) / sizeof(room[0]); i++) {
		h = (struct handle){ room[i], 77 };
		id = -1;
		printf("room for %u", room[i]);
		CALL("", encode(AT_FDCWD, name, &h, &id, 0));
		printf("takes %u, type %d, mount told: %s\n", h.bytes, h.type,
		       id == -1 ? "no" : "yes");
	}
	h = (struct handle){ 0, 77 };
	CALL("only to compare", encode(AT_FDCWD, name, &h, &id, AT_HANDLE_FID));
	printf("takes %u, type %d\n", h.bytes, h.type);
	h.bytes = 128;
	CALL("only to compare", encode(AT_FDCWD, name, &h, &id, AT_HANDLE_FID));
	printf("takes %u, type %d\n", h.bytes, h.type);
}

static void arguments(const char *name)
{
	struct handle h = { 128 };
	uint64_t unique = 0;
	int id, fd, other;

	CALL("bad flag", encode(AT_FDCWD, name, &h, &id, AT_REMOVEDIR << 8));
	CALL("no name", encode(AT_FDCWD, "", &h, &id, 0));
	CALL("no such file", encode(AT_FDCWD, M "/none", &h, &id, 0));
	CALL("bad handle", encode(AT_FDCWD, name, BAD, &id, 0));
	CALL("bad mount id", encode(AT_FDCWD, name, &h, BAD, 0));
	CALL("unique id", encode(AT_FDCWD, name, &h, &unique, AT_HANDLE_MNT_ID_UNIQUE));
	TRUE("is no old mount id", unique >> 31);
	fd = open(name, O_PATH);
	h.bytes = 128;
	CALL("by descriptor", encode(fd, "", &h, &id, AT_EMPTY_PATH));
	close(fd);
	h = handle_of(name);
	CALL("open: bad descriptor", open_handle(-1, &h, O_RDONLY));
	fd = open(M, O_PATH);
	CALL("open: O_PATH descriptor", open_handle(fd, &h, O_RDONLY));
	close(fd);
	fd = open(M, O_RDONLY);
	CALL("open: bad handle", open_handle(fd, BAD, O_RDONLY));
	h.bytes = 0;
	CALL("open: no bytes", open_handle(fd, &h, O_RDONLY));
	h.bytes = 129;
	CALL("open: too many bytes", open_handle(fd, &h, O_RDONLY));
	h = handle_of(name);
	h.type = 17;
	other = open_handle(fd, &h, O_RDONLY);
	TRUE("open: another type", other >= 0);
	close(other);
	h = handle_of(name);
	h.bytes = 4;
	CALL("open: too short", open_handle(fd, &h, O_RDONLY));
	h = handle_of(name);
	memset(h.data, 0xff, h.bytes);
	CALL("open: nonsense", open_handle(fd, &h, O_RDONLY));
	memset(h.data, 0, h.bytes);
	CALL("open: zeroes", open_handle(fd, &h, O_RDONLY));
	h = handle_of(name);
	h.data[5] ^= 1;
	CALL("open: one bit is wrong", open_handle(fd, &h, O_RDONLY));
	h = handle_of(name);
	CALL("open: directory wanted", open_handle(fd, &h, O_RDONLY | O_DIRECTORY));
	CALL("open: create exclusively", open_handle(fd, &h, O_RDWR | O_CREAT | O_EXCL));
	CALL("open: nonsense flags", open_handle(fd, &h, O_RDWR | O_CREAT | O_DIRECTORY));
	CHILD("as nobody", setuid(1000); CALL("open", open_handle(fd, &h, O_RDONLY));
	      CALL("open directory", open_handle(fd, &h, O_RDONLY | O_DIRECTORY));
	      CALL("open bad handle", open_handle(fd, BAD, O_RDONLY));
	      CALL("bad descriptor", open_handle(-1, &h, O_RDONLY));
	      h.bytes = 128; CALL("encode", encode(AT_FDCWD, name, &h, &id, 0)));
	close(fd);
}

/* Files, directories and links, with their names in the cache. */
static void leads_back(bool links)
{
	struct handle h;
	char text[8] = "";
	int fd, dir = open(M, O_RDONLY);

	h = handle_of(M "/d/e/file");
	fd = OPEN("file", open_handle(dir, &h, O_RDWR));
	TRUE("is the file", same(fd, M "/d/e/file"));
	where("is at", fd);
	VALUE("reads", read(fd, text, 5));
	VALUE("writes", write(fd, "more", 4));
	close(fd);
	fd = OPEN("to truncate", open_handle(dir, &h, O_WRONLY | O_TRUNC | O_CREAT));
	VALUE("size", lseek(fd, 0, SEEK_END));
	close(fd);
	fd = OPEN("for its path", open_handle(dir, &h, O_PATH));
	CALL("does not read", read(fd, text, 1));
	close(fd);
	h = handle_of(M "/d/e");
	fd = OPEN("directory", open_handle(dir, &h, O_RDONLY | O_DIRECTORY));
	TRUE("is the directory", same(fd, M "/d/e"));
	where("is at", fd);
	CALL("goes there", fchdir(fd));
	TRUE("and up", !chdir("..") && here(M "/d"));
	chdir("/tmp/fs_handle");
	CALL("to write", open_handle(dir, &h, O_WRONLY));
	CALL("to create", open_handle(dir, &h, O_RDONLY | O_CREAT));
	close(fd);
	h = handle_of(M);
	fd = OPEN("root", open_handle(dir, &h, O_RDONLY));
	where("is at", fd);
	close(fd);
	if (links) {
		h = handle_of(M "/link");
		CALL("symbolic link", open_handle(dir, &h, O_RDONLY));
		fd = OPEN("symbolic link for its path", open_handle(dir, &h, O_PATH));
		VALUE("is read", readlinkat(fd, "", text, sizeof(text)));
		close(fd);
		h = (struct handle){ 128 };
		CALL("followed", encode(AT_FDCWD, M "/link", &h, &(int){ 0 }, AT_SYMLINK_FOLLOW));
		fd = OPEN("opens", open_handle(dir, &h, O_RDONLY));
		TRUE("is what it leads to", same(fd, M "/d/e/file"));
		close(fd);
	}
	/* Which mount of the file system is named does not matter. */
	fd = open("/proc/self", O_RDONLY);
	h = handle_of(M "/d");
	CALL("on another file system", open_handle(fd, &h, O_RDONLY));
	close(fd);
	close(dir);
}

/* Names come and go, the file stays, until it goes. */
static void lasts(void)
{
	struct handle h, other;
	int fd, again, dir = open(M, O_RDONLY);

	touch(M "/name", "x");
	h = handle_of(M "/name");
	rename(M "/name", M "/d/other");
	fd = OPEN("renamed", open_handle(dir, &h, O_RDONLY));
	where("is at", fd);
	unlink(M "/d/other");
	again = OPEN("removed, and open", open_handle(dir, &h, O_RDONLY));
	where("is at", again);
	close(again);
	close(fd);
	CALL("removed", open_handle(dir, &h, O_RDONLY));
	touch(M "/name", "x");
	other = handle_of(M "/name");
	TRUE("another file, another handle", memcmp(&h, &other, sizeof(unsigned) * 2 + h.bytes));
	CALL("the old handle", open_handle(dir, &h, O_RDONLY));
	mkdir(M "/gone", 0755);
	h = handle_of(M "/gone");
	rmdir(M "/gone");
	CALL("removed directory", open_handle(dir, &h, O_RDONLY));
	close(dir);
}

static void two_names(void)
{
	struct handle a, b;

	link(M "/d/e/file", M "/second");
	a = handle_of(M "/d/e/file");
	b = handle_of(M "/second");
	TRUE("two names, one handle", !memcmp(&a, &b, sizeof(unsigned) * 2 + a.bytes));
	unlink(M "/second");
}

static void tree(bool links)
{
	mkdir(M "/d", 0755);
	mkdir(M "/d/e", 0755);
	touch(M "/d/e/file", "content");
	if (links)
		symlink("d/e/file", M "/link");
}

static void tmpfs(void)
{
	TEXT("---", "tmpfs");
	VALUE("mount", mount("none", M, "tmpfs", 0, NULL));
	tree(true);
	sizes(M "/d/e/file");
	arguments(M "/d/e/file");
	leads_back(true);
	lasts();
	two_names();
	VALUE("unmount", umount(M));
}

/* After a new mount nothing is in the cache: directories are found from below. */
static void from_disk(const char *command)
{
	struct handle file = handle_of(M "/d/e/file"), dir = handle_of(M "/d/e"), deep;
	int fd, top;
	char name[300] = M "/d/e";

	for (int i = 0; i < 20; i++) {
		strcat(name, "/deep");
		mkdir(name, 0755);
	}
	deep = handle_of(name);
	VALUE("unmount", umount(M));
	VALUE("mount", system(command));
	top = open(M, O_RDONLY);
	fd = OPEN("file", open_handle(top, &file, O_RDONLY));
	where("is at", fd);
	TRUE("is the file", same(fd, M "/d/e/file"));
	close(fd);
	close(top);
	VALUE("unmount", umount(M));
	VALUE("mount", system(command));
	top = open(M, O_RDONLY);
	fd = OPEN("directory", open_handle(top, &dir, O_RDONLY));
	where("is at", fd);
	close(fd);
	fd = OPEN("deep directory", open_handle(top, &deep, O_RDONLY));
	where("is at", fd);
	CALL("goes there", fchdir(fd));
	CALL("and up", chdir("../../../.."));
	TRUE("is right", here(M "/d/e/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/deep/"
				"deep/deep/deep/deep"));
	chdir("/tmp/fs_handle");
	close(fd);
	close(top);
}

static void ext4(void)
{
	static const char command[] = "mount -t ext4 /tmp/fs_handle/image " M;
	struct handle h;
	int top, fd;

	TEXT("---", "ext4");
	system("cp /abi/image.ext4 /tmp/fs_handle/image");
	VALUE("mount", system(command));
	tree(true);
	sizes(M "/d/e/file");
	arguments(M "/d/e/file");
	leads_back(true);
	lasts();
	two_names();
	/* Generation 0 stands for any. */
	top = open(M, O_RDONLY);
	h = handle_of(M "/d/e/file");
	memset(h.data + 4, 0, 4);
	fd = OPEN("no generation", open_handle(top, &h, O_RDONLY));
	TRUE("is the file", same(fd, M "/d/e/file"));
	close(fd);
	for (unsigned ino = 0; ino < 12; ino++) {
		memcpy(h.data, &ino, sizeof(ino));
		printf("inode %u", ino);
		close(OPEN("", open_handle(top, &h, O_RDONLY)));
	}
	for (unsigned ino = 3000; ino < 3100; ino += 33) {
		memcpy(h.data, &ino, sizeof(ino));
		printf("inode %u", ino);
		close(OPEN("", open_handle(top, &h, O_RDONLY)));
	}
	close(top);
	system("umount " M);
	VALUE("mount", system(command));
	from_disk(command);
	VALUE("unmount", system("umount " M));
}

static void vfat(void)
{
	TEXT("---", "vfat");
	system("dd if=/dev/zero of=/tmp/fs_handle/image bs=1M count=8 2>/dev/null; mkfs.vfat "
	       "/tmp/fs_handle/image");
	VALUE("mount", system("mount -t vfat /tmp/fs_handle/image " M));
	tree(false);
	sizes(M "/d/e/file");
	leads_back(false);
	VALUE("unmount", system("umount " M));
}

/* Handles that only tell files apart; and none. */
static void others(void)
{
	static const char *const names[] = {"/proc/self/status", "/sys/kernel", "/dev/null",
					    "/dev/pts"};
	struct handle h;
	int id, fds[2];

	TEXT("---", "others");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		h = (struct handle){ 128 };
		printf("%s", names[i]);
		CALL("", encode(AT_FDCWD, names[i], &h, &id, AT_SYMLINK_FOLLOW));
		h = (struct handle){ 128 };
		CALL("only to compare",
		     encode(AT_FDCWD, names[i], &h, &id, AT_SYMLINK_FOLLOW | AT_HANDLE_FID));
		printf("takes %u, type %d\n", h.bytes, h.type);
	}
	CALL("bad handle", encode(AT_FDCWD, "/proc/self/status", BAD, &id, 0));
	pipe(fds);
	h = (struct handle){ 128 };
	CALL("pipe", encode(fds[0], "", &h, &id, AT_EMPTY_PATH));
	CALL("pipe, only to compare", encode(fds[0], "", &h, &id, AT_EMPTY_PATH | AT_HANDLE_FID));
	printf("takes %u, type %d\n", h.bytes, h.type);
	h = (struct handle){ 128 };
	fds[0] = syscall(SYS_pidfd_open, getpid(), 0);
	CALL("pidfd", encode(fds[0], "", &h, &id, AT_EMPTY_PATH));
	CALL("pidfd, only to compare", encode(fds[0], "", &h, &id, AT_EMPTY_PATH | AT_HANDLE_FID));
	printf("takes %u, type %d\n", h.bytes, h.type);
	h = (struct handle){ 128 };
	fds[0] = syscall(SYS_memfd_create, "m", 0);
	CALL("memfd", encode(fds[0], "", &h, &id, AT_EMPTY_PATH));
	printf("takes %u, type %d\n", h.bytes, h.type);
	fds[1] = OPEN("opens", open_handle(fds[0], &h, O_RDWR));
	where("is at", fds[1]);
	mount("none", M, "ramfs", 0, NULL);
	h = (struct handle){ 128 };
	CALL("ramfs", encode(AT_FDCWD, M, &h, &id, 0));
	CALL("ramfs, only to compare", encode(AT_FDCWD, M, &h, &id, AT_HANDLE_FID));
	printf("takes %u, type %d\n", h.bytes, h.type);
	umount(M);
}

int main(void)
{
	mkdir(M, 0755);
	tmpfs();
	ext4();
	vfat();
	others();
	return 0;
}
