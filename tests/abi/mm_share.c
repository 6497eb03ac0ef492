/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies and sharing: fork, shared anonymous memory, files, memfd and its seals, remote access. */
#include "mm.h"
#include <sys/uio.h>

static void forks(void)
{
	char *priv = mmap(NULL, 4 * PG, RW, ANON, -1, 0);
	char *shared = mmap(NULL, 4 * PG, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int st;

	priv[0] = 1;
	shared[0] = 1;
	if (!fork()) {
		priv[0] = 2;
		priv[PG] = 3;
		shared[0] = 2;
		shared[PG] = 3;
		_exit(priv[0] + shared[PG]);
	}
	wait(&st);
	SHOW("child saw", WEXITSTATUS(st));
	printf("private: %d %d\n", priv[0], priv[PG]);
	printf("shared: %d %d\n", shared[0], shared[PG]);
	/* A chain of generations, each changing one page. */
	for (int i = 0; i < 4; i++)
		priv[i * PG] = (char)(10 + i);
	if (!fork()) {
		priv[0] = 20;
		if (!fork()) {
			priv[PG] = 30;
			_exit(priv[0] + priv[PG] + priv[2 * PG]);
		}
		wait(&st);
		_exit(WEXITSTATUS(st) == 20 + 30 + 12 && priv[PG] == 11 ? 7 : 8);
	}
	wait(&st);
	printf("generations: %d %d %d\n", WEXITSTATUS(st), priv[0], priv[1]);
}

static void files(void)
{
	int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0600), st;
	char *a, *b, c;

	ftruncate(fd, 4 * PG);
	a = mmap(NULL, 4 * PG, RW, MAP_SHARED, fd, 0);
	b = mmap(NULL, 4 * PG, RW, MAP_PRIVATE, fd, 0);
	a[0] = 5;
	printf("private sees shared before its copy: %d\n", b[0]);
	b[0] = 6;
	a[0] = 7;
	printf("and not after: %d %d\n", a[0], b[0]);
	if (!fork()) {
		a[PG] = 8;
		b[PG] = 9;
		_exit(b[0]);
	}
	wait(&st);
	printf("child: %d file %d private %d\n", WEXITSTATUS(st), a[PG], b[PG]);
	pread(fd, &c, 1, PG);
	SHOW("read sees it", c);
	unlink("f");
	SHOW("after unlink", a[0]);
	close(fd);
}

static void memfds(void)
{
	int fd = syscall(SYS_memfd_create, "thing", 2),
	    plain = syscall(SYS_memfd_create, "plain", 0);
	char *p, link[64] = "", path[64];

	CALL("memfd bad flag", syscall(SYS_memfd_create, "x", 0x1000));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readlink(path, link, sizeof(link) - 1);
	printf("link: %s\n", link);
	SHOW("seals", fcntl(fd, F_GET_SEALS));
	SHOW("seals of plain", fcntl(plain, F_GET_SEALS));
	CALL("seal plain", fcntl(plain, F_ADD_SEALS, F_SEAL_GROW));
	ftruncate(fd, 2 * PG);
	p = mmap(NULL, 2 * PG, RW, MAP_SHARED, fd, 0);
	p[0] = 'a';
	CALL("seal write while mapped", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CALL("seal shrink", fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	CALL("shrink", ftruncate(fd, PG));
	CALL("grow", ftruncate(fd, 3 * PG));
	CALL("seal grow", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	CALL("grow", ftruncate(fd, 4 * PG));
	CALL("write at end", pwrite(fd, "x", 1, 3 * PG));
	CALL("write within", pwrite(fd, "x", 1, 0));
	munmap(p, 2 * PG);
	CALL("seal write", fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	CALL("write", pwrite(fd, "x", 1, 0));
	CALL("map for writing", mmap(NULL, PG, RW, MAP_SHARED, fd, 0));
	p = mmap(NULL, PG, PROT_READ, MAP_SHARED, fd, 0);
	SHOW("map for reading", p != MAP_FAILED && p[0] == 'x');
	CALL("then make writable", mprotect(p, PG, RW));
	p = mmap(NULL, PG, RW, MAP_PRIVATE, fd, 0);
	SHOW("map privately", p != MAP_FAILED);
	CALL("seal seal", fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	CALL("no more", fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SHOW("seals", fcntl(fd, F_GET_SEALS));
}

static void remote(void)
{
	char *p = mmap(NULL, 4 * PG, RW, ANON, -1, 0), buf[2 * PG];
	int to[2], st;
	pid_t pid;

	memset(p, 'A', 4 * PG);
	pipe(to);
	pid = fork();
	if (!pid) {
		char c;

		memset(p, 'B', 4 * PG);
		munmap(p + 2 * PG, PG);
		mprotect(p + 3 * PG, PG, PROT_READ);
		write(to[1], "x", 1);
		pause();
		_exit(c = 0);
	}
	read(to[0], buf, 1);

	struct iovec l = {buf, sizeof(buf)}, r = {p, 2 * PG};

	SHOW("read both pages", process_vm_readv(pid, &l, 1, &r, 1, 0));
	printf("they say: %c %c\n", buf[0], buf[2 * PG - 1]);
	r.iov_base = p + PG;
	SHOW("up to the hole", process_vm_readv(pid, &l, 1, &r, 1, 0));
	r.iov_base = p + 2 * PG;
	CALL("in the hole", process_vm_readv(pid, &l, 1, &r, 1, 0));
	r.iov_base = p + PG;
	r.iov_len = 1;
	l.iov_len = 1;
	buf[0] = 'C';
	SHOW("write", process_vm_writev(pid, &l, 1, &r, 1, 0));
	buf[0] = 0;
	SHOW("read back", process_vm_readv(pid, &l, 1, &r, 1, 0));
	printf("it says: %c, ours %c\n", buf[0], p[PG]);
	r.iov_base = p + 3 * PG;
	CALL("write of read-only", process_vm_writev(pid, &l, 1, &r, 1, 0));
	CALL("flags", process_vm_readv(pid, &l, 1, &r, 1, 1));
	CALL("no such process", process_vm_readv(999999, &l, 1, &r, 1, 0));

	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDWR);
	SHOW("mem opens", fd >= 0);
	SHOW("mem reads", pread(fd, buf, 10, (long)p));
	SHOW("mem writes read-only", pwrite(fd, "Z", 1, (long)(p + 3 * PG)));
	pread(fd, buf, 1, (long)(p + 3 * PG));
	printf("mem says: %c\n", buf[0]);
	CALL("mem of nothing", pread(fd, buf, 1, (long)(p + 2 * PG)));
	kill(pid, SIGKILL);
	wait(&st);
	SHOW("mem of the dead", pread(fd, buf, 1, (long)p));
}

int main(void)
{
	setbuf(stdout, NULL);
	forks();
	files();
	memfds();
	remote();
	return 0;
}
