/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts: tmpfs options, bind, move, remount, propagation, umount, pivot_root, mountinfo. */
#include "fs.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* Lines of mountinfo below our directory, with what is the same everywhere: place, options,
 * propagation, type. */
static void show(const char *title)
{
	char line[512], cwd[200];
	FILE *f = fopen("/proc/self/mountinfo", "r");
	int groups[20], n = 0;

	getcwd(cwd, sizeof(cwd));
	printf("[%s]\n", title);
	while (f && fgets(line, sizeof(line), f)) {
		char root[200], place[200], opts[200], rest[300];
		if (sscanf(line, "%*d %*d %*s %199s %199s %199s %299[^\n]", root, place, opts,
			   rest) != 4)
			continue;
		if (strncmp(place, cwd, strlen(cwd)))
			continue;
		char *dash = strstr(rest, "- "), prop[100] = "";
		char *tag = rest;
		while (tag < dash) {
			int g;
			char kind[20];
			if (sscanf(tag, "%19[^:]:%d", kind, &g) == 2) {
				int i;
				for (i = 0; i < n && groups[i] != g; i++)
					;
				if (i == n)
					groups[n++] = g;
				sprintf(prop + strlen(prop), " %s:%c", kind, 'A' + i);
			} else if (!strncmp(tag, "unbindable", 10)) {
				strcat(prop, " unbindable");
			}
			tag = strchr(tag, ' ') + 1;
		}
		char type[50] = "", src[100] = "";
		sscanf(dash, "- %49s %99s", type, src);
		char *r = strstr(root, cwd) ? root + strlen(cwd) : root;
		printf("  %s%s %s %s%s %s %s\n", r == root ? "" : "~", r, place + strlen(cwd), opts,
		       prop, type, src);
	}
	if (f)
		fclose(f);
}

int main(void)
{
	struct statfs sf;
	struct stat st, st2;

	T(unshare(CLONE_NEWNS));
	T(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	mkdir("a", 0755);
	mkdir("b", 0755);
	mkdir("c", 0755);
	put_file("file", "file");
	T(mount("tm", "a", "tmpfs", 0, "size=64k,nr_inodes=5,mode=0711,uid=5,gid=6"));
	stat("a", &st);
	V(st.st_mode & 07777);
	V(st.st_uid);
	V(st.st_gid);
	statfs("a", &sf);
	V(sf.f_blocks);
	V(sf.f_files);
	V(sf.f_ffree);
	show("tmpfs");
	put_file("a/1", "1");
	put_file("a/2", "2");
	put_file("a/3", "3");
	put_file("a/4", "4");
	OK(open("a/5", O_CREAT | O_WRONLY, 0600));
	int fd = open("a/1", O_WRONLY);
	char big[40000];
	T(write(fd, big, sizeof(big)));
	T(write(fd, big, sizeof(big)));
	T(write(fd, big, sizeof(big)));
	T(umount("a"));
	close(fd);
	T(mount("tm", "a", NULL, MS_REMOUNT, "size=128k,nr_inodes=10"));
	statfs("a", &sf);
	V(sf.f_blocks);
	T(mount("tm", "a", NULL, MS_REMOUNT, "size=4k"));
	T(mount("tm", "a", NULL, MS_REMOUNT | MS_RDONLY, "size=128k"));
	OK(open("a/9", O_CREAT | O_WRONLY, 0600));
	T(mkdir("a/d", 0700));
	T(unlink("a/1"));
	OK(open("a/1", O_WRONLY));
	OK(open("a/1", O_RDONLY));
	T(access("a/1", W_OK));
	T(chmod("a/1", 0600));
	show("read-only");
	T(mount(NULL, "a", NULL, MS_REMOUNT, NULL));
	T(unlink("a/1"));
	/* Same place, again. */
	T(mount("tm2", "a", "tmpfs", MS_NOEXEC | MS_NOSUID | MS_NODEV | MS_NOATIME, NULL));
	T(access("a/2", F_OK));
	show("stacked");
	T(mknod("a/null", S_IFCHR | 0666, makedev(1, 3)));
	OK(open("a/null", O_RDONLY));
	put_file("a/sh", "#!/bin/sh\n");
	chmod("a/sh", 0755);
	T(execl("a/sh", "sh", NULL));
	T(access("a/sh", X_OK));
	T(umount("a"));
	T(access("a/2", F_OK));
	T(mount("x", "a", "nosuchfs", 0, NULL));
	T(mount("x", "file", "tmpfs", 0, NULL));
	T(mount("x", "none", "tmpfs", 0, NULL));
	T(mount("x", "a", "tmpfs", 0, "bogus=1"));
	T(mount("x", "a", "tmpfs", 0, "size=bogus"));
	T(umount("b"));
	T(umount("none"));
	T(umount2("a", 64));
	T(rmdir("a"));
	T(rename("a", "z"));
	/* Bind. */
	T(mount("a", "b", NULL, MS_BIND, NULL));
	put_file("b/through", "bind");
	S(get_file("a/through"));
	stat("a", &st);
	stat("b", &st2);
	V(st.st_dev == st2.st_dev && st.st_ino == st2.st_ino);
	T(link("a/through", "b/hard"));
	T(rename("a/through", "b/moved"));
	T(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	OK(open("b/x", O_CREAT | O_WRONLY, 0600));
	OK(open("a/x", O_CREAT | O_WRONLY, 0600));
	T(mount("file", "c", NULL, MS_BIND, NULL));
	T(mount("a", "file", NULL, MS_BIND, NULL));
	put_file("file2", "two");
	T(mount("file2", "file", NULL, MS_BIND, NULL));
	S(get_file("file"));
	T(unlink("file"));
	show("bind");
	T(umount("file"));
	S(get_file("file"));
	/* A directory of a mount. */
	mkdir("a/dir", 0700);
	put_file("a/dir/in", "in");
	T(mount("a/dir", "c", NULL, MS_BIND, NULL));
	S(get_file("c/in"));
	T(access("c/..", F_OK));
	stat("c/..", &st);
	stat(".", &st2);
	V(st.st_ino == st2.st_ino);
	show("bind of a directory");
	T(umount("c"));
	/* Recursion. */
	mkdir("a/m", 0700);
	T(mount("inner", "a/m", "tmpfs", 0, NULL));
	put_file("a/m/deep", "deep");
	T(mount("a", "c", NULL, MS_BIND, NULL));
	S(get_file("c/m/deep"));
	T(umount("c"));
	T(mount("a", "c", NULL, MS_BIND | MS_REC, NULL));
	S(get_file("c/m/deep"));
	show("rbind");
	T(umount("c"));
	T(umount2("c", MNT_DETACH));
	show("after detach");
	/* Move. */
	T(mount("a/m", "c", NULL, MS_MOVE, NULL));
	S(get_file("c/deep"));
	T(access("a/m/deep", F_OK));
	T(mount("b", "a/m", NULL, MS_MOVE, NULL));
	mkdir("c/sub", 0700);
	T(mount("c", "c/sub", NULL, MS_MOVE, NULL));
	T(mount("file", "c", NULL, MS_MOVE, NULL));
	T(mount("c/sub", "a/dir", NULL, MS_MOVE, NULL));
	show("move");
	/* Lazy umount of something in use. */
	fd = open("c/deep", O_RDONLY);
	T(umount("c"));
	T(umount2("c", MNT_DETACH));
	T(read(fd, big, 10));
	close(fd);
	T(umount2("a/m", MNT_DETACH));
	T(umount2("a", MNT_DETACH));
	show("clean");
	/* Propagation. */
	mkdir("s", 0755);
	mkdir("t", 0755);
	T(mount("s", "s", "tmpfs", 0, NULL));
	T(mount("s", "s", NULL, MS_SHARED, NULL));
	T(mount("s", "t", NULL, MS_BIND, NULL));
	mkdir("s/x", 0755);
	T(mount("px", "s/x", "tmpfs", 0, NULL));
	put_file("s/x/p", "propagated");
	S(get_file("t/x/p"));
	show("shared");
	T(umount("t/x"));
	T(access("s/x/p", F_OK));
	T(mount(NULL, "t", NULL, MS_SLAVE, NULL));
	T(mount("px", "s/x", "tmpfs", 0, NULL));
	put_file("s/x/p", "to slave");
	S(get_file("t/x/p"));
	show("slave");
	T(umount("t/x"));
	S(get_file("s/x/p"));
	T(mount("py", "t/x", "tmpfs", 0, NULL));
	put_file("t/x/q", "own");
	T(access("s/x/q", F_OK));
	T(mount(NULL, "t", NULL, MS_SHARED, NULL));
	show("slave and shared");
	T(umount("s/x"));
	S(get_file("t/x/q"));
	T(mount(NULL, "t", NULL, MS_PRIVATE, NULL));
	T(mount(NULL, "t", NULL, MS_UNBINDABLE, NULL));
	T(mount("t", "c", NULL, MS_BIND, NULL));
	T(mount(NULL, "t", NULL, MS_SHARED | MS_PRIVATE, NULL));
	T(mount(NULL, "b", NULL, MS_PRIVATE, NULL));
	show("unbindable");
	T(umount("t/x"));
	T(umount("t"));
	/* A namespace of its own sees, and is seen, by propagation. */
	CHILD({
		T(unshare(CLONE_NEWNS));
		mkdir("s/y", 0755);
		T(mount("ns", "s/y", "tmpfs", 0, NULL));
		put_file("s/y/f", "from child");
		T(mount(NULL, "s", NULL, MS_PRIVATE, NULL));
		mkdir("s/w", 0755);
		T(mount("ns2", "s/w", "tmpfs", 0, NULL));
		put_file("s/w/f", "private");
	});
	S(get_file("s/y/f"));
	T(access("s/w/f", F_OK));
	T(umount("s/y"));
	T(umount("s"));
	/* pivot_root. */
	CHILD({
		T(mount("newroot", "c", "tmpfs", 0, NULL));
		mkdir("c/old", 0755);
		put_file("c/mark", "new root");
		T(syscall(SYS_pivot_root, "c", "a"));
		T(syscall(SYS_pivot_root, "c", "c/old"));
		T(chdir("/"));
		S(get_file("/mark"));
		T(access("/old/tmp", F_OK));
		T(umount2("/old", MNT_DETACH));
		T(access("/old/tmp", F_OK));
	});
	/* chroot and "..". */
	mkdir("jail", 0755);
	mkdir("jail/in", 0755);
	CHILD({
		char b[100];
		T(chroot("jail"));
		printf("cwd: %.13s\n", getcwd(b, 100) ?: "NULL");
		T(chdir("/"));
		T(access("../../in", F_OK));
		printf("cwd: %s\n", getcwd(b, 100) ?: "NULL");
		T(chdir("in"));
		printf("cwd: %s\n", getcwd(b, 100) ?: "NULL");
	});
	return 0;
}
