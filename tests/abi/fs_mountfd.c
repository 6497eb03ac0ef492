/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounting by descriptors: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount, mount_setattr,
 * statmount, listmount. */
#include "fs.h"

#include <asm/unistd.h>
#include <stdint.h>

#define AT_RECURSIVE_ 0x8000
enum {
	SET_FLAG,
	SET_STRING,
	SET_BINARY,
	SET_PATH,
	SET_PATH_EMPTY,
	SET_FD,
	CMD_CREATE,
	CMD_RECONFIGURE,
	CMD_CREATE_EXCL
};
enum {
	RDONLY = 1,
	NOSUID = 2,
	NODEV = 4,
	NOEXEC = 8,
	ATIME = 0x70,
	NOATIME = 0x10,
	STRICTATIME = 0x20,
	NODIRATIME = 0x80
};

struct attr {
	uint64_t set, clear, propagation, userns;
};

struct id_req {
	uint32_t size, ns_fd;
	uint64_t id, param, ns_id;
};

struct smount {
	uint32_t size, mnt_opts;
	uint64_t mask;
	uint32_t dev_major, dev_minor;
	uint64_t magic;
	uint32_t sb_flags, fs_type;
	uint64_t id, parent;
	uint32_t id_old, parent_old;
	uint64_t attr, propagation, peer, master, from;
	uint32_t root, point;
	uint64_t ns_id, spare[49];
	char str[2000];
};

#define fsopen(name, flags) syscall(__NR_fsopen, name, flags)
#define fsconfig(fd, cmd, key, value, aux) syscall(__NR_fsconfig, fd, cmd, key, value, aux)
#define fsmount(fd, flags, attr) syscall(__NR_fsmount, fd, flags, attr)
#define fspick(dfd, path, flags) syscall(__NR_fspick, dfd, path, flags)
#define open_tree(dfd, path, flags) syscall(__NR_open_tree, dfd, path, flags)
#define move_mount(a, b, c, d, flags) syscall(__NR_move_mount, a, b, c, d, flags)
#define mount_setattr(dfd, path, flags, attr, size)                                                \
	syscall(__NR_mount_setattr, dfd, path, flags, attr, size)
#define statmount(req, buf, size, flags) syscall(__NR_statmount, req, buf, size, flags)
#define listmount(req, ids, n, flags) syscall(__NR_listmount, req, ids, n, flags)

/* Options of the mount at our directory's `name`, from mountinfo. */
static void options(const char *name)
{
	char line[512], want[300], place[200], opts[200], rest[300];
	FILE *f = fopen("/proc/self/mountinfo", "r");

	getcwd(want, 200);
	strcat(want, "/");
	strcat(want, name);
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %*s %199s %199s %299[^\n]", place, opts, rest) == 3 &&
		    !strcmp(place, want))
			printf("  at %s: %s %s\n", name, opts, strstr(rest, "- ") + 2);
	fclose(f);
}

static void steps(void)
{
	int fs, m;
	char c;

	T(fsopen("nosuchfs", 0));
	T(fsopen("tmpfs", 2));
	T(fsopen(NULL, 0));
	fs = OK(fsopen("tmpfs", 1));
	V(fcntl(fs, F_GETFD));
	T(read(fs, &c, 1));
	T(fsconfig(-1, SET_FLAG, "ro", NULL, 0));
	T(fsconfig(99, SET_FLAG, "ro", NULL, 0));
	T(fsconfig(0, SET_FLAG, "ro", NULL, 0));
	T(fsconfig(fs, SET_FLAG, "ro", "x", 0));
	T(fsconfig(fs, SET_FLAG, NULL, NULL, 0));
	T(fsconfig(fs, SET_FLAG, "ro", NULL, 1));
	T(fsconfig(fs, SET_STRING, "size", NULL, 0));
	T(fsconfig(fs, SET_BINARY, "size", "x", 0));
	T(fsconfig(fs, 77, "size", "x", 0));
	T(fsconfig(fs, CMD_CREATE, "x", NULL, 0));
	T(fsconfig(fs, CMD_RECONFIGURE, NULL, NULL, 0));
	T(fsmount(fs, 0, 0));
	T(fsconfig(fs, SET_STRING, "source", "here", 0));
	T(fsconfig(fs, SET_STRING, "size", "64k", 0));
	T(fsconfig(fs, SET_STRING, "mode", "750", 0));
	T(fsconfig(fs, CMD_CREATE, NULL, NULL, 0));
	T(fsconfig(fs, CMD_CREATE, NULL, NULL, 0));
	T(fsconfig(fs, SET_FLAG, "ro", NULL, 0));
	T(fsmount(fs, 2, 0));
	T(fsmount(fs, 0, 0x400));
	T(fsmount(fs, 0, NOATIME | STRICTATIME));
	T(fsmount(0, 0, 0));
	m = OK(fsmount(fs, 1, NOSUID | NOEXEC | NOATIME));
	V(fcntl(m, F_GETFD));
	T(fsmount(fs, 0, 0));
	/* Used before it is anywhere. */
	OK(openat(m, "inside", O_CREAT | O_RDWR, 0600));
	mkdir("a", 0755);
	T(move_mount(m, "", AT_FDCWD, "a", 0));
	T(move_mount(m, "", AT_FDCWD, "nothing", 4));
	T(move_mount(m, "", AT_FDCWD, "a", 4 | 0x1000));
	T(move_mount(m, "", AT_FDCWD, "a", 4));
	T(access("a/inside", F_OK));
	options("a");
	T(move_mount(m, "", AT_FDCWD, "a", 4));
	close(m);
	T(access("a/inside", F_OK));
	/* The context now reconfigures. */
	T(fsconfig(fs, SET_FLAG, "ro", NULL, 0));
	T(fsconfig(fs, CMD_RECONFIGURE, NULL, NULL, 0));
	options("a");
	close(fs);
	fs = OK(fspick(AT_FDCWD, "a", 0));
	T(fspick(AT_FDCWD, "a/inside", 0));
	T(fspick(AT_FDCWD, "a", 0x80));
	T(fsconfig(fs, SET_FLAG, "rw", NULL, 0));
	T(fsconfig(fs, CMD_RECONFIGURE, NULL, NULL, 0));
	options("a");
	T(fsconfig(fs, CMD_CREATE, NULL, NULL, 0));
	close(fs);
}

static void thrown_away(void)
{
	int fs = fsopen("tmpfs", 0), m;

	T(fsconfig(fs, CMD_CREATE, NULL, NULL, 0));
	m = OK(fsmount(fs, 0, 0));
	OK(openat(m, "x", O_CREAT | O_RDWR, 0600));
	T(close(fs));
	T(faccessat(m, "x", F_OK, 0));
	T(close(m));
}

static void trees(void)
{
	int t;

	mkdir("a/sub", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	mkdir("d", 0755);
	mount("under", "a/sub", "tmpfs", 0, NULL);
	put_file("a/sub/deep", "deep");
	T(open_tree(AT_FDCWD, "a", 2));
	T(open_tree(AT_FDCWD, "a", AT_RECURSIVE_));
	T(open_tree(AT_FDCWD, "nothing", 1));
	t = OK(open_tree(AT_FDCWD, "a", 0));
	T(faccessat(t, "sub/deep", F_OK, 0));
	close(t);
	t = OK(open_tree(AT_FDCWD, "a", 1));
	T(faccessat(t, "sub/deep", F_OK, 0));
	T(faccessat(t, "inside", F_OK, 0));
	T(move_mount(t, "", AT_FDCWD, "b", 4));
	close(t);
	T(access("b/inside", F_OK));
	T(access("b/sub/deep", F_OK));
	t = OK(open_tree(AT_FDCWD, "a", 1 | AT_RECURSIVE_ | O_CLOEXEC));
	T(faccessat(t, "sub/deep", F_OK, 0));
	T(move_mount(t, "sub", AT_FDCWD, "c", 0));
	T(move_mount(t, "", AT_FDCWD, "c", 4));
	close(t);
	T(access("c/sub/deep", F_OK));
	options("c");
	options("c/sub");
	/* A tree dropped whole. */
	t = OK(open_tree(AT_FDCWD, "a", 1 | AT_RECURSIVE_));
	T(close(t));
	/* Files on directories, and moving what is attached. */
	t = OK(open_tree(AT_FDCWD, "a/inside", 1));
	T(move_mount(t, "", AT_FDCWD, "d", 4));
	close(t);
	T(move_mount(AT_FDCWD, "c", AT_FDCWD, "d", 0));
	T(access("d/sub/deep", F_OK));
	T(move_mount(AT_FDCWD, "c", AT_FDCWD, "b", 0));
	T(move_mount(AT_FDCWD, "d", AT_FDCWD, "d/sub", 0));
}

static void attributes(void)
{
	struct attr a = { 0 };
	int fd;

	T(mount_setattr(AT_FDCWD, "d", 0, &a, 8));
	T(mount_setattr(AT_FDCWD, "d", 0, &a, 5000));
	T(mount_setattr(AT_FDCWD, "d", 1, &a, sizeof(a)));
	T(mount_setattr(AT_FDCWD, "nothing", 0, &a, sizeof(a)));
	a.set = NODEV;
	T(mount_setattr(AT_FDCWD, "nothing", 0, &a, sizeof(a)));
	T(mount_setattr(AT_FDCWD, "d/inside", 0, &a, sizeof(a)));
	T(mount_setattr(AT_FDCWD, "d", 0, &a, sizeof(a)));
	options("d");
	options("d/sub");
	a = (struct attr){ .set = RDONLY | NODIRATIME, .clear = NODEV };
	T(mount_setattr(AT_FDCWD, "d", AT_RECURSIVE_, &a, sizeof(a)));
	options("d");
	options("d/sub");
	T(open("d/sub/new", O_CREAT | O_RDWR, 0600));
	a = (struct attr){ .set = NOATIME };
	T(mount_setattr(AT_FDCWD, "d", 0, &a, sizeof(a)));
	a = (struct attr){ .set = STRICTATIME, .clear = NOATIME };
	T(mount_setattr(AT_FDCWD, "d", 0, &a, sizeof(a)));
	a = (struct attr){ .set = STRICTATIME, .clear = ATIME | RDONLY };
	T(mount_setattr(AT_FDCWD, "d", AT_RECURSIVE_, &a, sizeof(a)));
	options("d");
	options("d/sub");
	/* One busy mount keeps all as they were. */
	fd = OK(open("d/sub/deep", O_RDWR));
	a = (struct attr){ .set = RDONLY };
	T(mount_setattr(AT_FDCWD, "d", AT_RECURSIVE_, &a, sizeof(a)));
	options("d");
	close(fd);
	a = (struct attr){ .propagation = MS_SHARED | MS_PRIVATE };
	T(mount_setattr(AT_FDCWD, "d", 0, &a, sizeof(a)));
	a = (struct attr){ .set = 0x4000 };
	T(mount_setattr(AT_FDCWD, "d", 0, &a, sizeof(a)));
	a = (struct attr){ .propagation = MS_UNBINDABLE };
	T(mount_setattr(AT_FDCWD, "d/sub", 0, &a, sizeof(a)));
	T(open_tree(AT_FDCWD, "d/sub", 1));
	a = (struct attr){ .propagation = MS_PRIVATE };
	T(mount_setattr(AT_FDCWD, "d/sub", 0, &a, sizeof(a)));
}

static uint64_t unique_id(const char *path)
{
	struct {
		uint32_t mask, pad[35];
		uint64_t mnt_id;
		uint64_t rest[32];
	} x = { 0 };

	if (syscall(__NR_statx, AT_FDCWD, path, 0, 0x4000, &x) || !(x.mask & 0x4000))
		return 0;
	return x.mnt_id;
}

static void stats(void)
{
	struct id_req req = { .size = 24 };
	static struct smount s;
	uint64_t d = unique_id("d"), sub = unique_id("d/sub"), ids[64];
	char cwd[200];
	long n;

	V(d > 1ull << 31);
	V(sub != d);
	req.id = d;
	req.param = 0xff;
	T(statmount(&req, &s, sizeof(s), 1));
	T(statmount(&req, &s, sizeof(s), 0));
	S(s.str + s.fs_type);
	S(s.str + s.root);
	getcwd(cwd, sizeof(cwd));
	V(!strncmp(s.str + s.point, cwd, strlen(cwd)));
	S(s.str + s.point + strlen(cwd));
	V(s.id == d);
	V(s.magic == 0x01021994);
	V(s.attr);
	V(s.propagation == MS_PRIVATE);
	V((s.mask & 0x3b) == 0x3b);
	T(statmount(&req, &s, 520, 0));
	req.param = 2;
	T(statmount(&req, &s, 600, 0));
	V(s.mask);
	req.id = sub;
	T(statmount(&req, &s, sizeof(s), 0));
	V(s.parent == d);
	req.id = 5;
	T(statmount(&req, &s, sizeof(s), 0));
	req.id = 1ull << 50;
	T(statmount(&req, &s, sizeof(s), 0));
	req.size = 8;
	T(statmount(&req, &s, sizeof(s), 0));
	req = (struct id_req){ .size = 24, .id = d };
	n = T(listmount(&req, ids, 64, 0));
	V(n == 1 && ids[0] == sub);
	T(listmount(&req, ids, 64, 2));
	req.id = ~0ull;
	n = listmount(&req, ids, 64, 0);
	V(n > 3);
	for (long i = 1; i < n; i++)
		if (ids[i] <= ids[i - 1])
			printf("out of order\n");
	req.param = ids[1];
	V(listmount(&req, ids + 32, 1, 0) == 1 && ids[32] == ids[2]);
	req.param = 0;
	V(listmount(&req, ids + 32, 1, 1) == 1 && ids[32] == ids[n - 1]);
	req.param = 5;
	T(listmount(&req, ids, 64, 0));
}

static void unprivileged(void)
{
	struct attr a = { .set = NODEV };

	fflush(stdout);
	if (!fork()) {
		setuid(65534);
		T(fsopen("tmpfs", 0));
		T(fspick(AT_FDCWD, "d", 0));
		T(open_tree(AT_FDCWD, "/", 1));
		OK(open_tree(AT_FDCWD, "/", 0));
		T(move_mount(AT_FDCWD, "d", AT_FDCWD, "b", 0));
		T(mount_setattr(AT_FDCWD, "d", 0, &a, sizeof(a)));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(void)
{
	T(unshare(CLONE_NEWNS));
	T(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	steps();
	thrown_away();
	trees();
	attributes();
	stats();
	unprivileged();
	return 0;
}
