/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pipes, FIFOs, poll, select, splice, sendfile. */
#include "fs.h"

static volatile int pipes;
static void on_pipe(int s) { pipes++; }

static void basics(void)
{
	int p[2], q[2];
	char buf[70000];
	struct stat st;

	T(pipe2(p, O_NONBLOCK | O_CLOEXEC));
	T(pipe2(q, 0x40));
	T(pipe((void *)8));
	T(fcntl(p[0], F_GETFD));
	V(fcntl(p[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK) & O_ACCMODE);
	V(fcntl(p[1], F_GETFL) & O_ACCMODE);
	T(read(p[0], buf, 1));
	T(write(p[1], "hello", 5));
	T(write(p[0], "x", 1));
	T(read(p[1], buf, 1));
	T(lseek(p[0], 0, SEEK_CUR));
	T(pread(p[0], buf, 1, 0));
	T(read(p[0], buf, 2));
	T(read(p[0], buf, 100));
	T(fcntl(p[0], F_GETPIPE_SZ));
	long n = 0, w;
	memset(buf, 'q', sizeof(buf));
	while ((w = write(p[1], buf, 1000)) > 0)
		n += w;
	V(n);
	V(errno == EAGAIN);
	T(write(p[1], buf, 4096));
	T(write(p[1], buf, 4097));
	T(read(p[0], buf, 4096));
	T(write(p[1], buf, 8192));
	T(fcntl(p[0], F_SETPIPE_SZ, 4096));
	T(read(p[0], buf, sizeof(buf)) > 60000);
	T(fcntl(p[0], F_SETPIPE_SZ, 4096));
	T(fcntl(p[0], F_SETPIPE_SZ, 5000));
	T(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	T(write(p[1], buf, 70000));
	T(fcntl(p[1], F_SETPIPE_SZ, 65536));
	T(read(p[0], buf, sizeof(buf)));
	T(fcntl(0, F_GETPIPE_SZ));
	fstat(p[0], &st);
	V(S_ISFIFO(st.st_mode));
	V(st.st_mode & 0777);
	T(close(p[1]));
	T(read(p[0], buf, 1));
	pipe(p);
	close(p[0]);
	signal(SIGPIPE, on_pipe);
	T(write(p[1], "x", 1));
	V(pipes);
	close(p[1]);
	/* Packets. */
	T(pipe2(p, O_DIRECT));
	T(write(p[1], "abc", 3));
	T(write(p[1], "defg", 4));
	T(read(p[0], buf, 2));
	T(read(p[0], buf, 100));
	close(p[0]);
	close(p[1]);
	/* A writer that must wait. */
	pipe(p);
	fflush(stdout);
	if (!fork()) {
		close(p[0]);
		for (int i = 0; i < 10; i++)
			if (write(p[1], buf, 30000) != 30000)
				_exit(1);
		_exit(0);
	}
	close(p[1]);
	n = 0;
	while ((w = read(p[0], buf, 7777)) > 0)
		n += w;
	V(n);
	int status;
	wait(&status);
	V(status);
	close(p[0]);
}

static void fifos(void)
{
	char b[10];

	T(mkfifo("ff", 0600));
	OK(open("ff", O_WRONLY | O_NONBLOCK));
	int r = OK(open("ff", O_RDONLY | O_NONBLOCK));
	T(read(r, b, 1));
	struct pollfd pf = { r, POLLIN, 0 };
	T(poll(&pf, 1, 0));
	V(pf.revents);
	int w = OK(open("ff", O_WRONLY | O_NONBLOCK));
	T(read(r, b, 1));
	T(write(w, "fifo", 4));
	T(poll(&pf, 1, 0));
	V(pf.revents);
	T(close(w));
	T(poll(&pf, 1, 0));
	V(pf.revents);
	T(read(r, b, 10));
	T(poll(&pf, 1, 0));
	V(pf.revents);
	close(r);
	int rw = OK(open("ff", O_RDWR));
	T(write(rw, "self", 4));
	T(read(rw, b, 10));
	close(rw);
	fflush(stdout);
	if (!fork()) {
		int f = open("ff", O_WRONLY);
		write(f, "child", 5);
		_exit(0);
	}
	r = open("ff", O_RDONLY);
	T(read(r, b, 10));
	T(read(r, b, 10));
	wait(NULL);
	close(r);
	T(unlink("ff"));
}

static void polls(void)
{
	int p[2];
	struct pollfd f[3];
	fd_set in, out;
	struct timeval tv = { 0, 20000 };

	pipe(p);
	f[0] = (struct pollfd){ p[0], POLLIN, 0 };
	f[1] = (struct pollfd){ p[1], POLLOUT, 0 };
	f[2] = (struct pollfd){ 99, POLLIN, 0 };
	T(poll(f, 2, 0));
	V(f[0].revents);
	V(f[1].revents);
	T(poll(f, 3, 0));
	V(f[2].revents);
	f[2].fd = -1;
	T(poll(f, 3, 0));
	T(poll(f, 1, 30));
	write(p[1], "x", 1);
	T(poll(f, 1, -1));
	V(f[0].revents);
	T(poll((void *)8, 1, 0));
	T(poll(NULL, 0, 10));
	close(p[1]);
	T(poll(f, 1, 0));
	V(f[0].revents);
	char c;
	read(p[0], &c, 1);
	T(poll(f, 1, 0));
	V(f[0].revents);
	close(p[0]);
	pipe(p);
	close(p[0]);
	f[0] = (struct pollfd){ p[1], POLLOUT, 0 };
	T(poll(f, 1, 0));
	V(f[0].revents);
	close(p[1]);
	int reg = open("reg", O_CREAT | O_RDWR, 0600);
	f[0] = (struct pollfd){ reg, POLLIN | POLLOUT | POLLPRI, 0 };
	T(poll(f, 1, 0));
	V(f[0].revents);
	pipe(p);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(p[0], &in);
	FD_SET(p[1], &out);
	FD_SET(reg, &in);
	T(select(20, &in, &out, NULL, &tv));
	V(!!FD_ISSET(p[0], &in));
	V(!!FD_ISSET(reg, &in));
	V(!!FD_ISSET(p[1], &out));
	FD_ZERO(&in);
	FD_SET(p[0], &in);
	T(select(20, &in, NULL, NULL, &tv));
	V(!!FD_ISSET(p[0], &in));
	FD_ZERO(&in);
	FD_SET(15, &in);
	T(select(20, &in, NULL, NULL, &tv));
	T(select(-1, &in, NULL, NULL, &tv));
	tv.tv_sec = -1;
	T(select(0, NULL, NULL, NULL, &tv));
	tv = (struct timeval){ 0, 1000 };
	T(select(0, NULL, NULL, NULL, &tv));
	/* Woken by another process. */
	fflush(stdout);
	if (!fork()) {
		usleep(20000);
		write(p[1], "z", 1);
		_exit(0);
	}
	f[0] = (struct pollfd){ p[0], POLLIN, 0 };
	T(poll(f, 1, 5000));
	wait(NULL);
	/* Interrupted by a signal. */
	read(p[0], &c, 1);
	signal(SIGALRM, on_pipe);
	struct itimerval it = { { 0, 0 }, { 0, 20000 } };
	setitimer(ITIMER_REAL, &it, NULL);
	T(poll(f, 1, 5000));
	setitimer(ITIMER_REAL, &it, NULL);
	FD_ZERO(&in);
	FD_SET(p[0], &in);
	T(select(20, &in, NULL, NULL, NULL));
	struct sigaction sa = { .sa_handler = on_pipe, .sa_flags = 0 };
	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &it, NULL);
	T(read(p[0], &c, 1));
}

static void splices(void)
{
	int p[2], q[2], fd, out;
	char buf[100] = "";
	loff_t off = 3;
	off_t o = 2;

	put_file("src", "The quick brown fox jumps over the lazy dog");
	fd = open("src", O_RDONLY);
	out = open("dst", O_CREAT | O_RDWR | O_TRUNC, 0600);
	pipe(p);
	pipe(q);
	T(splice(fd, NULL, p[1], NULL, 10, 0));
	T(lseek(fd, 0, SEEK_CUR));
	T(splice(fd, &off, p[1], NULL, 5, 0));
	V(off);
	T(lseek(fd, 0, SEEK_CUR));
	T(tee(p[0], q[1], 100, 0));
	T(read(q[0], buf, 100));
	printf("%.15s\n", buf);
	T(splice(p[0], NULL, out, NULL, 100, 0));
	S(get_file("dst"));
	T(splice(fd, NULL, out, NULL, 5, 0));
	T(splice(p[0], &off, out, NULL, 5, 0));
	T(splice(p[0], NULL, q[1], NULL, 5, SPLICE_F_NONBLOCK));
	T(write(p[1], "0123456789", 10));
	T(splice(p[0], NULL, q[1], NULL, 4, 0));
	T(read(q[0], buf, 100));
	T(read(p[0], buf, 100));
	T(splice(fd, NULL, p[1], NULL, 0, 0));
	T(splice(fd, NULL, p[1], NULL, 5, 0x100));
	T(splice(99, NULL, p[1], NULL, 5, 0));
	T(lseek(fd, 0, SEEK_END));
	T(splice(fd, NULL, p[1], NULL, 5, 0));
	struct iovec v = { "vmsplice", 8 };
	T(vmsplice(p[1], &v, 1, 0));
	T(read(p[0], buf, 100));
	T(vmsplice(fd, &v, 1, 0));
	lseek(fd, 0, SEEK_SET);
	T(ftruncate(out, 0));
	T(lseek(out, 0, SEEK_SET));
	T(sendfile(out, fd, NULL, 9));
	T(sendfile(out, fd, &o, 4));
	V(o);
	S(get_file("dst"));
	T(sendfile(p[1], fd, NULL, 1000));
	T(read(p[0], buf, 100));
	T(sendfile(out, p[0], NULL, 10));
	T(sendfile(fd, out, NULL, 10));
	T(sendfile(out, 99, NULL, 10));
	T(sendfile(out, fd, NULL, 0));
	loff_t a = 4, b = 1;
	T(syscall(SYS_copy_file_range, fd, &a, out, &b, 5L, 0));
	S(get_file("dst"));
	V(a);
	V(b);
	T(syscall(SYS_copy_file_range, fd, &a, out, &b, 5L, 1));
	T(syscall(SYS_copy_file_range, fd, &a, p[1], NULL, 5L, 0));
	a = 0;
	b = 2;
	T(syscall(SYS_copy_file_range, out, &a, out, &b, 5L, 0));
	a = 1000;
	T(syscall(SYS_copy_file_range, fd, &a, out, &b, 5L, 0));
	/* A change of the file after splice shows: the page is shared. */
	int m = open("share", O_CREAT | O_RDWR, 0600);
	write(m, "before", 6);
	lseek(m, 0, SEEK_SET);
	T(splice(m, NULL, p[1], NULL, 6, 0));
	T(read(p[0], buf, 6));
}

int main(void)
{
	basics();
	fifos();
	polls();
	splices();
	return 0;
}
