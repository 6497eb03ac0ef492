/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mount namespaces as files: /proc/PID/ns/mnt, setns(2), ioctl_nsfs(2); pivot_root(2) seen by
 * others. */
#include <linux/mount.h>
#include <linux/nsfs.h>
#include <linux/stat.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statfs.h>

#include "check.h"

#ifndef SYS_statmount
#define SYS_statmount 457
#define SYS_listmount 458
#endif

#define NOBODY 65534

static int raw_setns(int fd, int type)
{
	return syscall(SYS_setns, fd, type);
}

static int ns_open(pid_t p)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", p);
	return open(path, O_RDONLY);
}

static const char *ns_name(pid_t p)
{
	static char text[2][64];
	static int turn;
	char path[64], *to = text[turn ^= 1];
	int n;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", p);
	n = readlink(path, to, sizeof(text[0]) - 1);
	to[n < 0 ? 0 : n] = 0;
	return to;
}

static void new_tree(void)
{
	unshare(CLONE_NEWNS);
	mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

/* A process in a namespace of its own, where "in" is a tmpfs that holds "inside". */
static pid_t elsewhere(void)
{
	int p[2];
	char c;
	pid_t child;

	pipe(p);
	if (!(child = fork())) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		new_tree();
		mount("none", "in", "tmpfs", 0, NULL);
		close(open("in/inside", O_CREAT | O_WRONLY, 0644));
		write(p[1], "x", 1);
		pause();
		_exit(0);
	}
	read(p[0], &c, 1);
	close(p[0]);
	close(p[1]);
	return child;
}

static void end(pid_t p)
{
	kill(p, SIGKILL);
	waitpid(p, NULL, 0);
}

static void the_file(void)
{
	int fd = ns_open(getpid()), again;
	char c, name[64], link[64];
	unsigned long n;
	struct stat st, st2;
	struct statfs fs;

	TRUE("a link with a number", sscanf(ns_name(getpid()), "mnt:[%lu]", &n) == 1);
	fstat(fd, &st);
	TRUE("its inode", st.st_ino == n);
	TRUE("a regular file", S_ISREG(st.st_mode));
	VALUE("mode", st.st_mode & 07777);
	fstatfs(fd, &fs);
	TRUE("of nsfs", fs.f_type == 0x6e736673);
	again = ns_open(getppid());
	fstat(again, &st2);
	TRUE("the same file for the parent", st.st_ino == st2.st_ino && st.st_dev == st2.st_dev);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	n = readlink(name, link, sizeof(link) - 1);
	link[n] = 0;
	TRUE("its name", !strcmp(link, ns_name(getpid())));
	CALL("read", read(fd, &c, 1));
	CALL("no other kind", access("/proc/self/ns/none", F_OK));
	lstat("/proc/self/ns", &st);
	VALUE("directory", st.st_mode & 07777);
	CHILD("another's link", setuid(NOBODY), _exit(ns_open(getppid()) < 0 ? errno : 0));
	CHILD("a dead one's",
	      pid_t p = fork(); if (!p) _exit(0); waitid(P_PID, p, NULL, WEXITED | WNOWAIT);
	      _exit(ns_open(p) < 0 ? errno : 0));
	close(fd);
	close(again);
}

static void asked(void)
{
	struct mnt_ns_info info = { 0 };
	uint64_t id = 0, id2 = 0;
	pid_t p = elsewhere();
	int fd = ns_open(getpid()), other = ns_open(p), got;

	VALUE("type", ioctl(fd, NS_GET_NSTYPE));
	CALL("parent", ioctl(fd, NS_GET_PARENT));
	CALL("owner", ioctl(fd, NS_GET_OWNER_UID, &id));
	CALL("unknown", ioctl(fd, _IO(NSIO, 77)));
	CALL("pid", ioctl(fd, NS_GET_PID_FROM_PIDNS, 1));
	CALL("id", ioctl(fd, NS_GET_MNTNS_ID, &id));
	CALL("id of the other", ioctl(other, NS_GET_MNTNS_ID, &id2));
	TRUE("younger", id2 > id);
	CALL("id to nowhere", ioctl(fd, NS_GET_MNTNS_ID, BAD));
	CALL("info", ioctl(other, NS_MNT_GET_INFO, &info));
	VALUE("size", info.size);
	TRUE("mounts", info.nr_mounts > 1);
	TRUE("the same id", info.mnt_ns_id == id2);
	CALL("info to null", ioctl(fd, NS_MNT_GET_INFO, NULL));
	CALL("info to nowhere", ioctl(fd, NS_MNT_GET_INFO, BAD));
	CALL("too little", ioctl(fd, _IOR(NSIO, 10, int), &info));
	CALL("the last", ioctl(other, NS_MNT_GET_NEXT, &info));
	got = OPEN("before it", ioctl(other, NS_MNT_GET_PREV, &info));
	TRUE("older", info.mnt_ns_id < id2);
	VALUE("closed on exec", fcntl(got, F_GETFD));
	close(got);
	got = OPEN("without being told", ioctl(other, NS_MNT_GET_PREV, NULL));
	VALUE("is one", ioctl(got, NS_GET_NSTYPE));
	close(got);
	CHILD("nobody", setuid(NOBODY),
	      _exit(ioctl(other, NS_MNT_GET_PREV, NULL) < 0 ? errno : 0));
	end(p);
	close(fd);
	close(other);
}

static void entered(void)
{
	pid_t p = elsewhere();
	int fd = ns_open(p), plain = open(".", O_RDONLY), path;
	char cwd[256];

	TRUE("another name", strcmp(ns_name(p), ns_name(getpid())));
	CALL("nothing inside here", access("in/inside", F_OK));
	realpath("in/inside", cwd);
	CALL("not a descriptor", raw_setns(-1, 0));
	CALL("a directory", raw_setns(plain, 0));
	CALL("of another kind", raw_setns(fd, CLONE_NEWUTS));
	CALL("of what kind", raw_setns(fd, 1));
	path = open("/proc/self/ns/mnt", O_PATH);
	CALL("a path", raw_setns(path, 0));
	CHILD("entered", char at[256]; getcwd(at, sizeof(at)); strcat(at, "/in/inside");
	      CALL("setns", raw_setns(fd, CLONE_NEWNS)); CALL("inside", access(at, F_OK));
	      TEXT("working directory", getcwd(at, sizeof(at)));
	      TRUE("the same name", !strcmp(ns_name(p), ns_name(getpid()))));
	CHILD("any kind", _exit(raw_setns(fd, 0) ? errno : 0));
	CHILD("nobody", setuid(NOBODY), _exit(raw_setns(fd, 0) ? errno : 0));
	close(fd);
	close(plain);
	close(path);
	end(p);
}

static int sharer(void *arg)
{
	return raw_setns(*(int *)arg, 0) ? errno : 0;
}

static void by_process(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	pid_t p = elsewhere(), q;
	int fd = syscall(SYS_pidfd_open, p, 0), mnt = ns_open(p), st;

	CHILD("by process", CALL("setns", raw_setns(fd, CLONE_NEWNS));
	      TRUE("the same name", !strcmp(ns_name(p), ns_name(getpid()))));
	CALL("of no kind", raw_setns(fd, 0));
	CALL("of unknown kind", raw_setns(fd, 1));
	CHILD("nobody", setuid(NOBODY), _exit(raw_setns(fd, CLONE_NEWNS) ? errno : 0));
	q = clone(sharer, stack + sizeof(stack), CLONE_FS | SIGCHLD, &mnt);
	waitpid(q, &st, 0);
	show_status("one who shares its directory", st);
	kill(p, SIGKILL);
	waitid(P_PID, p, NULL, WEXITED | WNOWAIT);
	CALL("a dead process", raw_setns(fd, CLONE_NEWNS));
	waitpid(p, NULL, 0);
	CALL("a gone process", raw_setns(fd, CLONE_NEWNS));
	close(fd);
	close(mnt);
}

/* Lines of mountinfo that show the file of a namespace. */
static int bound(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "r");
	char line[512];
	int n = 0;

	while (fgets(line, sizeof(line), f))
		n += strstr(line, " mnt:[") && strstr(line, " - nsfs nsfs ");
	fclose(f);
	return n;
}

static void kept_by_a_mount(void)
{
	pid_t p = elsewhere();
	char from[64], at[256], name[256];
	int fd;

	snprintf(from, sizeof(from), "/proc/%d/ns/mnt", p);
	close(open("held", O_CREAT | O_WRONLY, 0644));
	CALL("one's own cannot be bound", mount("/proc/self/ns/mnt", "held", NULL, MS_BIND, NULL));
	CALL("nor a pipe",
	     (pipe((int[2]){0}), mount("/proc/self/fd/0", "held", NULL, MS_BIND, NULL)));
	CALL("bound", mount(from, "held", NULL, MS_BIND, NULL));
	VALUE("seen", bound());
	end(p);
	fd = open("held", O_RDONLY);
	snprintf(from, sizeof(from), "/proc/self/fd/%d", fd);
	name[readlink(from, name, sizeof(name) - 1)] = 0;
	TRUE("has the name where it is", strstr(name, "/held"));
	getcwd(at, sizeof(at));
	strcat(at, "/in/inside");
	CHILD("its process is gone", CALL("setns", raw_setns(fd, 0));
	      CALL("inside", access(at, F_OK)));
	CHILD("a copy of the tree", new_tree(); VALUE("bound in it", bound()));
	CALL("bound again", mount("held", "in", NULL, MS_BIND, NULL));
	close(open("held2", O_CREAT | O_WRONLY, 0644));
	CALL("bound again", mount("held", "held2", NULL, MS_BIND, NULL));
	VALUE("seen", bound());
	close(fd);
	CALL("umount", umount("held2"));
	CALL("umount", umount("held"));
	VALUE("seen", bound());
}

static long listmount(uint64_t ns, uint64_t *ids, int n)
{
	struct mnt_id_req req = { .size = sizeof(req), .mnt_id = LSMT_ROOT, .mnt_ns_id = ns };

	return syscall(SYS_listmount, &req, ids, n, 0);
}

/* The number of the mount at `path`, in the namespace of `p`. */
static uint64_t mount_number(pid_t p, const char *path)
{
	uint64_t id = 0;
	struct statx sx;
	int q[2], ns = ns_open(p);
	pid_t child;

	pipe(q);
	if (!(child = fork())) {
		raw_setns(ns, 0);
		syscall(SYS_statx, AT_FDCWD, path, 0, STATX_MNT_ID_UNIQUE, &sx);
		write(q[1], &sx.stx_mnt_id, sizeof(id));
		_exit(0);
	}
	read(q[0], &id, sizeof(id));
	waitpid(child, NULL, 0);
	close(q[0]);
	close(q[1]);
	close(ns);
	return id;
}

static void listed(void)
{
	uint64_t id, ids[64], st[128];
	pid_t p = elsewhere();
	int fd = ns_open(p);
	char at[256];
	struct mnt_id_req req = { .size = sizeof(req), .param = STATMOUNT_MNT_NS_ID };
	struct statmount *sm = (void *)st;

	getcwd(at, sizeof(at));
	strcat(at, "/in");
	req.mnt_id = mount_number(p, at);
	ioctl(fd, NS_GET_MNTNS_ID, &id);
	CALL("not here", syscall(SYS_statmount, &req, sm, sizeof(st), 0));
	req.mnt_ns_id = id;
	CALL("there", syscall(SYS_statmount, &req, sm, sizeof(st), 0));
	TRUE("its namespace", sm->mnt_ns_id == id);
	req.param = 0;
	CALL("nothing below", syscall(SYS_listmount, &req, ids, 64, 0));
	CALL("none such", listmount(id + 1000, ids, 64));
	CHILD("nobody", setuid(NOBODY), CALL("list", listmount(id, ids, 64));
	      CALL("stat", syscall(SYS_statmount, &req, sm, sizeof(st), 0)));
	end(p);
	close(fd);
}

/* Everybody who stands on the old root is moved, not only the caller. */
static void pivoted(void)
{
	int p[2], q[2];
	char c;
	pid_t other;

	new_tree();
	mount("none", "in", "tmpfs", 0, NULL);
	chroot("in");
	chdir("/");
	mkdir("new", 0755);
	mount("none", "new", "tmpfs", 0, NULL);
	mkdir("new/old", 0755);
	close(open("new/marker", O_CREAT | O_WRONLY, 0644));
	pipe(p);
	pipe(q);
	if (!(other = fork())) {
		write(q[1], "x", 1);
		read(p[0], &c, 1);
		CALL("root of another", access("/marker", F_OK));
		CALL("directory of another", access("marker", F_OK));
		_exit(0);
	}
	read(q[0], &c, 1);
	CALL("pivot_root", syscall(SYS_pivot_root, "new", "new/old"));
	write(p[1], "x", 1);
	waitpid(other, NULL, 0);
	CALL("root", access("/marker", F_OK));
	_exit(0);
}

int main(void)
{
	new_tree();
	mkdir("in", 0755);
	the_file();
	asked();
	entered();
	by_process();
	kept_by_a_mount();
	listed();
	CHILD("pivoted", pivoted());
	return 0;
}
