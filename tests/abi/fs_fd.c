/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors: dup, close, fcntl, close_range, limits, read and write forms, lseek, O_PATH,
 * memfd. */
#include "fs.h"
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

static void dups(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644);

	V(fd);
	T(dup(fd));
	T(dup2(fd, 10));
	T(dup2(fd, fd));
	T(dup2(99, 5));
	T(dup2(99, 99));
	T(dup2(fd, -1));
	T(dup2(fd, 1 << 20));
	T(dup3(fd, fd, 0));
	T(dup3(fd, 11, O_CLOEXEC));
	T(fcntl(11, F_GETFD));
	T(dup3(fd, 11, O_APPEND));
	T(fcntl(fd, F_DUPFD, 20));
	T(fcntl(fd, F_DUPFD_CLOEXEC, 20));
	T(fcntl(21, F_GETFD));
	T(fcntl(fd, F_DUPFD, -1));
	T(fcntl(fd, F_DUPFD, 1 << 20));
	T(fcntl(99, F_GETFD));
	T(fcntl(fd, F_SETFD, FD_CLOEXEC));
	T(fcntl(fd, F_GETFD));
	V(fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK));
	T(fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK | O_RDONLY));
	V((fcntl(fd, F_GETFL) & (O_ACCMODE | O_APPEND | O_NONBLOCK)) ==
	  (O_RDWR | O_APPEND | O_NONBLOCK));
	T(fcntl(10, F_GETFL) == fcntl(fd, F_GETFL));
	T(fcntl(fd, 9999, 0));
	T(close(10));
	T(close(10));
	T(close(-1));
	T(syscall(SYS_close_range, 11, 12, 0));
	T(fcntl(11, F_GETFD));
	T(syscall(SYS_close_range, 20, ~0u, 4));
	T(fcntl(20, F_GETFD));
	T(syscall(SYS_close_range, 20, ~0u, 0));
	T(fcntl(20, F_GETFD));
	T(syscall(SYS_close_range, 5, 3, 0));
	T(syscall(SYS_close_range, 50, 60, 64));
	struct rlimit rl = { 8, 8 };
	CHILD({
		T(setrlimit(RLIMIT_NOFILE, &rl));
		int n = 0;
		while (dup(0) >= 0)
			n++;
		T(dup(0));
		T(dup2(0, 8));
		T(dup2(0, 7));
		OK(open("f", O_RDONLY));
		int p[2];
		T(pipe(p));
	});
	close(fd);
}

static void io(void)
{
	char buf[64] = "";
	int fd = open("io", O_CREAT | O_RDWR | O_TRUNC, 0644);
	int ro = open("io", O_RDONLY), wo = open("io", O_WRONLY);
	struct iovec v[3] = { { "ab", 2 }, { NULL, 0 }, { "cd", 2 } };

	T(write(fd, "0123456789", 10));
	T(write(ro, "x", 1));
	T(read(wo, buf, 1));
	T(read(fd, buf, 5));
	T(lseek(fd, 0, SEEK_SET));
	T(read(fd, buf, 5));
	T(pread(fd, buf, 3, 4));
	printf("%.3s\n", buf);
	T(lseek(fd, 0, SEEK_CUR));
	T(pread(fd, buf, 3, -1));
	T(pread(fd, buf, 3, 100));
	T(pwrite(fd, "XY", 2, 8));
	T(pwrite(fd, "Z", 1, 12));
	T(pread(fd, buf, 64, 0));
	V(buf[10]);
	T(lseek(fd, -1, SEEK_SET));
	T(lseek(fd, -100, SEEK_CUR));
	T(lseek(fd, 2, SEEK_END));
	T(lseek(fd, 0, 99));
	T(lseek(fd, 0, SEEK_DATA));
	T(lseek(fd, 0, SEEK_HOLE));
	T(lseek(fd, 100, SEEK_DATA));
	T(lseek(fd, 1L << 40, SEEK_SET));
	T(read(fd, buf, 5));
	T(lseek(fd, 0, SEEK_SET));
	T(writev(fd, v, 3));
	T(writev(fd, v, -1));
	T(writev(fd, v, 1025));
	T(writev(fd, v, 0));
	T(lseek(fd, 0, SEEK_SET));
	struct iovec r[2] = { { buf, 3 }, { buf + 10, 10 } };
	T(readv(fd, r, 2));
	printf("%.3s %.10s\n", buf, buf + 10);
	T(preadv(fd, r, 2, 1));
	T(read(fd, (void *)8, 10));
	T(write(fd, (void *)8, 10));
	T(read(fd, buf, 0));
	T(write(fd, buf, 0));
	T(read(-1, buf, 1));
	T(read(open(".", O_RDONLY), buf, 1));
	T(lseek(0, 0, SEEK_CUR) >= 0);
	T(ftruncate(fd, 4));
	T(lseek(fd, 0, SEEK_END));
	T(ftruncate(fd, 10000));
	T(pread(fd, buf, 4, 9996));
	T(ftruncate(ro, 1));
	T(ftruncate(fd, -1));
	T(truncate("io", -1));
	T(truncate("none", 1));
	T(truncate(".", 1));
	T(fallocate(fd, 0, 0, 20000));
	T(lseek(fd, 0, SEEK_END));
	T(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 40000));
	T(lseek(fd, 0, SEEK_END));
	T(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096));
	T(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	T(fallocate(fd, 0, -1, 10));
	T(fallocate(fd, 0, 0, 0));
	T(fallocate(ro, 0, 0, 10));
	T(fallocate(fd, 0x1000, 0, 10));
	T(fsync(fd));
	T(fdatasync(fd));
	T(fsync(-1));
	T(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	T(posix_fadvise(fd, 0, 0, 99));
	T(syscall(SYS_readahead, fd, 0L, 100L));
	int ap = open("io", O_WRONLY | O_APPEND);
	T(pwrite(ap, "end", 3, 0));
	T(lseek(ap, 0, SEEK_END));
	/* Sparse and large. */
	int sp = open("sparse", O_CREAT | O_RDWR, 0600);
	T(pwrite(sp, "x", 1, 1 << 20));
	struct stat st;
	fstat(sp, &st);
	V(st.st_blocks);
	V(st.st_size);
	T(lseek(sp, 0, SEEK_DATA));
	T(lseek(sp, 1 << 20, SEEK_HOLE));
	T(lseek(sp, 5, SEEK_HOLE));
	struct rlimit rl = { 100, 100 };
	CHILD({
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &rl);
		int q = open("lim", O_CREAT | O_WRONLY, 0600);
		char big[200];
		T(write(q, big, 200));
		T(write(q, big, 1));
		T(ftruncate(q, 101));
		T(ftruncate(q, 50));
	});
}

static void opath(void)
{
	char b[8];
	int fd = open("io", O_PATH);
	struct stat st;

	T(read(fd, b, 1));
	T(fchmod(fd, 0600));
	T(ioctl(fd, FIONREAD, b));
	T(fcntl(fd, F_GETFD));
	V(fcntl(fd, F_GETFL) & O_PATH ? 1 : 0);
	T(fcntl(fd, F_SETFL, 0));
	T(fstat(fd, &st));
	T(dup(fd) >= 0);
	T(fchdir(fd));
	int d = open(".", O_PATH | O_DIRECTORY);
	T(fchdir(d));
	OK(openat(d, "io", O_RDONLY));
	OK(openat(fd, "io", O_RDONLY));
	OK(openat(-1, "io", O_RDONLY));
	T(fsync(fd));
	T(close(fd));
}

static void memfds(void)
{
	char buf[300];
	int fd = OK(syscall(SYS_memfd_create, "name", 1));

	T(fcntl(fd, F_GETFD));
	T(fcntl(fd, F_GET_SEALS));
	T(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	T(write(fd, "mem", 3));
	T(ftruncate(fd, 8192));
	fd = syscall(SYS_memfd_create, "seal", 2);
	T(fcntl(fd, F_GET_SEALS));
	T(ftruncate(fd, 4096));
	T(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK));
	T(ftruncate(fd, 8192));
	T(ftruncate(fd, 0));
	T(pwrite(fd, "x", 1, 4095));
	T(pwrite(fd, "x", 1, 4096));
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	V(p != MAP_FAILED);
	T(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(p, 4096);
	T(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
	T(write(fd, "y", 1));
	T(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	T(fcntl(fd, F_GET_SEALS));
	memset(buf, 'a', 299);
	buf[299] = 0;
	OK(syscall(SYS_memfd_create, buf, 0));
	buf[249] = 0;
	OK(syscall(SYS_memfd_create, buf, 0));
	OK(syscall(SYS_memfd_create, "x", 0x8000));
	T(fcntl(0, F_GET_SEALS));
}

static void ioctls(void)
{
	int fd = open("io", O_RDWR), n = 0, p[2];
	loff_t q;

	T(ioctl(fd, FIOCLEX));
	T(fcntl(fd, F_GETFD));
	T(ioctl(fd, FIONCLEX));
	T(fcntl(fd, F_GETFD));
	n = 1;
	T(ioctl(fd, FIONBIO, &n));
	V(fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0);
	T(ioctl(fd, FIONREAD, &n));
	T(ioctl(fd, FIOQSIZE, &q));
	T(ioctl(fd, 0x1234, &n));
	T(ioctl(fd, TIOCGWINSZ, &n));
	T(ioctl(-1, FIONREAD, &n));
	T(ioctl(fd, FIONREAD, (void *)8));
	pipe(p);
	write(p[1], "abcde", 5);
	T(ioctl(p[0], FIONREAD, &n));
	V(n);
	T(ioctl(p[0], 0x1234, &n));
}

/* Opening a descriptor's name in /proc: again the file, or ENXIO where only a call makes such
 * files. */
static int open_again(int fd, int flags)
{
	char name[40];

	sprintf(name, "/proc/self/fd/%d", fd);
	return open(name, flags);
}

static void reopened(void)
{
	int p[2], s[2], fd;
	char c = 0;

	pipe(p);
	fd = open_again(p[0], O_RDONLY);
	OK(fd);
	OK(close(p[0]));
	T(write(p[1], "x", 1));
	T(read(fd, &c, 1));
	V(c);
	OK(close(p[1]));
	T(read(fd, &c, 1));
	p[1] = open_again(fd, O_WRONLY);
	OK(p[1]);
	OK(close(fd));
	OK(close(p[1]));
	OK(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
	T(open_again(s[0], O_RDWR));
	T(open_again(syscall(SYS_eventfd2, 0, 0), O_RDWR));
	T(open_again(syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0), O_RDWR));
	T(open_again(syscall(SYS_epoll_create1, 0), O_RDWR));
	T(open_again(syscall(SYS_inotify_init1, 0), O_RDONLY));
	OK(open_again(syscall(SYS_memfd_create, "m", 0), O_RDWR));
}

int main(void)
{
	dups();
	io();
	opath();
	memfds();
	ioctls();
	reopened();
	return 0;
}
