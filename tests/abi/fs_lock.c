/* SPDX-License-Identifier: GPL-2.0-or-later */
/* flock, record locks of processes and of open files. */
#include "fs.h"

static int lk(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	return fcntl(fd, cmd, &l);
}

static void get(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	int r = fcntl(fd, cmd, &l);

	if (r < 0)
		printf("get: %s\n", ename(errno));
	else
		printf("get: type %d start %ld len %ld pid %d\n", l.l_type, (long)l.l_start,
		       (long)l.l_len,
		       l.l_type == F_UNLCK    ? 0
		       : l.l_pid == getppid() ? 1
		       : l.l_pid == -1        ? -1
					      : 2);
}

int main(void)
{
	int fd = open("l", O_CREAT | O_RDWR, 0600), fd2 = open("l", O_RDWR),
	    ro = open("l", O_RDONLY), p[2];
	char c;

	T(flock(fd, LOCK_SH));
	T(flock(fd2, LOCK_SH | LOCK_NB));
	T(flock(fd2, LOCK_EX | LOCK_NB));
	T(flock(fd2, LOCK_UN));
	T(flock(fd, LOCK_EX | LOCK_NB));
	T(flock(fd2, LOCK_SH | LOCK_NB));
	T(flock(fd, 99));
	T(flock(99, LOCK_SH));
	int d = dup(fd);
	close(fd);
	T(flock(fd2, LOCK_SH | LOCK_NB));
	close(d);
	T(flock(fd2, LOCK_SH | LOCK_NB));
	T(flock(fd2, LOCK_UN));
	fd = open("l", O_RDWR);

	T(lk(fd, F_SETLK, F_WRLCK, 0, 100));
	T(lk(fd2, F_SETLK, F_WRLCK, 50, 100));
	T(lk(ro, F_SETLK, F_WRLCK, 500, 1));
	T(lk(ro, F_SETLK, F_RDLCK, 500, 1));
	T(lk(fd, F_SETLK, 9, 0, 1));
	T(lk(fd, F_SETLK, F_RDLCK, -5, 1));
	T(lk(fd, F_SETLK, F_RDLCK, 5, -6));
	T(lk(fd, F_SETLK, F_RDLCK, 505, -5));
	CHILD({
		get(fd, F_GETLK, F_RDLCK, 0, 0);
		get(fd, F_GETLK, F_WRLCK, 150, 0);
		get(fd, F_GETLK, F_RDLCK, 150, 0);
		T(lk(fd, F_SETLK, F_RDLCK, 10, 1));
		T(lk(fd, F_SETLK, F_RDLCK, 200, 10));
		T(lk(fd, F_SETLK, F_RDLCK, 500, 10));
		T(lk(fd, F_SETLK, F_WRLCK, 500, 10));
	});
	T(lk(fd, F_SETLK, F_UNLCK, 40, 20));
	CHILD({
		get(fd, F_GETLK, F_WRLCK, 0, 0);
		get(fd, F_GETLK, F_WRLCK, 40, 20);
		get(fd, F_GETLK, F_WRLCK, 41, 30);
	});
	T(lk(fd, F_SETLK, F_RDLCK, 0, 20));
	CHILD({
		get(fd, F_GETLK, F_RDLCK, 0, 0);
		get(fd, F_GETLK, F_WRLCK, 0, 0);
	});
	/* Closing any descriptor of the file drops the locks of the process. */
	close(ro);
	CHILD(get(fd, F_GETLK, F_WRLCK, 0, 0));
	/* Waiting. */
	lk(fd, F_SETLK, F_WRLCK, 0, 0);
	pipe(p);
	fflush(stdout);
	if (!fork()) {
		write(p[1], "r", 1);
		int r = lk(fd, F_SETLKW, F_WRLCK, 0, 10);
		write(p[1], r ? "e" : "k", 1);
		_exit(0);
	}
	read(p[0], &c, 1);
	usleep(20000);
	lk(fd, F_SETLK, F_UNLCK, 0, 0);
	read(p[0], &c, 1);
	V(c == 'k');
	wait(NULL);
	/* Deadlock. */
	lk(fd, F_SETLK, F_WRLCK, 0, 1);
	fflush(stdout);
	if (!fork()) {
		lk(fd, F_SETLK, F_WRLCK, 10, 1);
		write(p[1], "r", 1);
		int r = lk(fd, F_SETLKW, F_WRLCK, 0, 1);
		_exit(r ? 1 : 0);
	}
	read(p[0], &c, 1);
	usleep(50000);
	T(lk(fd, F_SETLKW, F_WRLCK, 10, 1));
	lk(fd, F_SETLK, F_UNLCK, 0, 0);
	int st;
	wait(&st);
	V(st);
	/* Locks of open files. */
	T(lk(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
	T(lk(fd2, F_OFD_SETLK, F_WRLCK, 5, 10));
	T(lk(fd2, F_OFD_SETLK, F_RDLCK, 10, 10));
	get(fd2, F_OFD_GETLK, F_WRLCK, 0, 0);
	get(fd2, F_GETLK, F_WRLCK, 0, 0);
	T(lk(fd2, F_SETLK, F_WRLCK, 0, 5));
	close(fd);
	T(lk(fd2, F_SETLK, F_WRLCK, 0, 5));
	return 0;
}
