/* SPDX-License-Identifier: GPL-2.0-or-later */
/* move_mount(2) with MOVE_MOUNT_BENEATH: a mount slips in under another. */
#include <sched.h>
#include <sys/mount.h>

#include "check.h"

#define BENEATH   0x200
#define SET_GROUP 0x100
#define F_EMPTY   4
#define T_EMPTY   0x40

static long move_mount(int from, const char *from_name, int to, const char *to_name, unsigned flags)
{
	return syscall(SYS_move_mount, from, from_name, to, to_name, flags);
}

static long beneath(const char *from, const char *to)
{
	return move_mount(AT_FDCWD, from, AT_FDCWD, to, BENEATH);
}

/* A tmpfs at `at` that holds a file of that name. */
static void put(const char *at, const char *name)
{
	char path[128];

	if (mount("none", at, "tmpfs", 0, NULL))
		printf("no mount at %s: %s\n", at, error_name(errno));
	snprintf(path, sizeof(path), "%s/%s", at, name);
	close(open(path, O_CREAT | O_WRONLY, 0644));
}

static void has(const char *at, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", at, name);
	printf("%s has %s: %s\n", at, name, access(path, F_OK) ? "no" : "yes");
	fflush(stdout);
}

/* A tree nobody sees, as open_tree makes it. */
static int copy_of(const char *path)
{
	return syscall(SYS_open_tree, AT_FDCWD, path, 1);
}

static void layers(const char *at)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[512], where[256];
	char want[128];
	int n = 0;

	realpath(at, want);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d %*d %*s %*s %255s", where) == 1 && !strcmp(where, want))
			n++;
	}
	fclose(f);
	printf("layers at %s: %d\n", at, n);
	fflush(stdout);
}

static void plain(void)
{
	int fd;

	mkdir("b/x", 0755);
	mkdir("b/y", 0755);
	put("b/x", "top");
	put("b/y", "low");
	CALL("both ways", move_mount(AT_FDCWD, "b/y", AT_FDCWD, "b/x", BENEATH | SET_GROUP));
	CALL("beneath", beneath("b/y", "b/x"));
	has("b/x", "top");
	has("b/y", "low");
	layers("b/x");
	CALL("take the top off", umount("b/x"));
	has("b/x", "low");
	layers("b/x");
	/* A tree that was nowhere. */
	put("b/y", "copied");
	fd = copy_of("b/y");
	CALL("a detached tree", move_mount(fd, "", AT_FDCWD, "b/x", BENEATH | F_EMPTY));
	close(fd);
	has("b/x", "low");
	CALL("take the top off", umount("b/x"));
	has("b/x", "copied");
	fd = open("b/x", O_PATH);
	CALL("a third, by descriptor", move_mount(AT_FDCWD, "b/y", fd, "", BENEATH | T_EMPTY));
	close(fd);
	has("b/x", "copied");
	layers("b/x");
	umount("b/x");
	has("b/x", "copied");
	umount("b/x");
	layers("b/x");
}

static void refused(void)
{
	int fd;

	put("b/x", "top");
	put("b/y", "low");
	mkdir("b/x/dir", 0755);
	mkdir("b/z", 0755);
	close(open("b/file", O_CREAT, 0644));
	CALL("no mount there", beneath("b/y", "b/z"));
	CALL("not its root", beneath("b/y", "b/x/dir"));
	CALL("no such place", beneath("b/y", "b/none"));
	CALL("a file", beneath("b/y", "b/file"));
	CALL("under itself", beneath("b/y", "b/y"));
	CALL("no mount to move", beneath("b/z", "b/x"));
	CALL("what is on the root of the tree", beneath("b/y", "/tmp"));
	CALL("the root", beneath("b/y", "/"));
	put("b/x/dir", "inner");
	CALL("what is mounted below", beneath("b/x/dir", "b/x"));
	CALL("what it is mounted on", beneath("b/x", "b/x/dir"));
	umount("b/x/dir");
	fd = open("b/y", O_PATH);
	put("b/y", "covers");
	CALL("covered by another", move_mount(fd, "", AT_FDCWD, "b/x", BENEATH | F_EMPTY));
	close(fd);
	umount("b/y");
	mount("b/file", "b/file", NULL, MS_BIND, NULL);
	CALL("a directory beneath a file", beneath("b/y", "b/file"));
	umount("b/file");
	mount(NULL, "b/y", NULL, MS_UNBINDABLE, NULL);
	CALL("unbindable, no sharing", beneath("b/y", "b/x"));
	has("b/x", "top");
	layers("b/x");
	umount("b/x");
	umount("b/x");
	layers("b/x");
	CHILD("as nobody", setuid(1000); CALL("beneath", beneath("b/y", "b/x")));
	layers("b/y");
}

/* The parent is shared: its peer gets the same. */
static void shared(void)
{
	CALL("share", mount(NULL, "b", NULL, MS_SHARED, NULL));
	mkdir("c", 0755);
	CALL("peer", mount("b", "c", NULL, MS_BIND, NULL));
	put("b/x", "top");
	has("c/x", "top");
	put("p/y", "low");
	CALL("beneath", beneath("p/y", "b/x"));
	has("b/x", "top");
	has("c/x", "top");
	layers("b/x");
	layers("c/x");
	umount("b/x");
	has("b/x", "low");
	has("c/x", "low");
	put("p/y", "no");
	mount(NULL, "p/y", NULL, MS_UNBINDABLE, NULL);
	CALL("unbindable", beneath("p/y", "b/x"));
	umount("p/y");
	put("b/y", "inside");
	CALL("from a shared parent", beneath("b/y", "b/x"));
	umount("b/y");
	umount("b/x");
	/* What is mounted on b/x would also land on the copy of it that lies there. */
	CALL("copy of the place on it", mount("b/x", "b/x", NULL, MS_BIND, NULL));
	put("p/y", "no");
	CALL("propagates to what it goes beneath", beneath("p/y", "b/x"));
	umount2("b/x", MNT_DETACH);
	umount("p/y");
	umount("c");
}

int main(void)
{
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	mkdir("b", 0755);
	mkdir("p", 0755);
	put("b", "base");
	mount(NULL, "b", NULL, MS_PRIVATE, NULL);
	plain();
	refused();
	put("p", "private");
	mkdir("p/y", 0755);
	shared();
	return 0;
}
