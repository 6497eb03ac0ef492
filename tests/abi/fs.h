/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of the file tests: call, print the result and the error's name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static inline const char *ename(int e)
{
	static const struct { int e; const char *n;
	} t[] = {
		{EPERM, "EPERM"},
		{ENOENT, "ENOENT"},
		{EINTR, "EINTR"},
		{EIO, "EIO"},
		{ENXIO, "ENXIO"},
		{EBADF, "EBADF"},
		{EAGAIN, "EAGAIN"},
		{ENOMEM, "ENOMEM"},
		{EACCES, "EACCES"},
		{EFAULT, "EFAULT"},
		{EBUSY, "EBUSY"},
		{EEXIST, "EEXIST"},
		{EXDEV, "EXDEV"},
		{ENODEV, "ENODEV"},
		{ENOTDIR, "ENOTDIR"},
		{EISDIR, "EISDIR"},
		{EINVAL, "EINVAL"},
		{EMFILE, "EMFILE"},
		{ENOTTY, "ENOTTY"},
		{ETXTBSY, "ETXTBSY"},
		{EFBIG, "EFBIG"},
		{ENOSPC, "ENOSPC"},
		{ESPIPE, "ESPIPE"},
		{EROFS, "EROFS"},
		{EMLINK, "EMLINK"},
		{EPIPE, "EPIPE"},
		{ERANGE, "ERANGE"},
		{EDEADLK, "EDEADLK"},
		{ENAMETOOLONG, "ENAMETOOLONG"},
		{ENOSYS, "ENOSYS"},
		{ENOTEMPTY, "ENOTEMPTY"},
		{ELOOP, "ELOOP"},
		{ENODATA, "ENODATA"},
		{EOVERFLOW, "EOVERFLOW"},
		{EOPNOTSUPP, "EOPNOTSUPP"},
		{E2BIG, "E2BIG"},
		{ESRCH, "ESRCH"},
		{ENOTBLK, "ENOTBLK"},
		{ESTALE, "ESTALE"},
		{EILSEQ, "EILSEQ"},
	};
	static char buf[16];

	for (unsigned i = 0; i < sizeof(t) / sizeof(*t); i++)
		if (t[i].e == e)
			return t[i].n;
	snprintf(buf, sizeof(buf), "%d", e);
	return buf;
}

static inline long report(const char *what, long r, int e)
{
	if (r < 0)
		printf("%s: %s\n", what, ename(e));
	else
		printf("%s: %ld\n", what, r);
	return r;
}

/* T(call): print the text of the call and what it returned. */
#define T(call) ({ errno = 0; long r_ = (long)(call); int e_ = errno; report(#call, r_, e_); })
/* OK(call): the same where a success is any number (a descriptor). */
#define OK(call)                                                                                   \
	({                                                                                         \
		errno = 0;                                                                         \
		long r_ = (long)(call);                                                            \
		int e_ = errno;                                                                    \
		report(#call, r_ < 0 ? r_ : 0, e_);                                                \
		r_;                                                                                \
	})
/* V(expression): print a value. */
#define V(x) printf(#x ": %ld\n", (long)(x))
#define S(x) printf(#x ": %s\n", (x))

static inline void put_file(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		printf("put_file %s: %s\n", name, ename(errno));
	close(fd);
}

static inline const char *get_file(const char *name)
{
	static char buf[4][4096];
	static int n;
	char *b = buf[n++ % 4];
	int fd = open(name, O_RDONLY);
	ssize_t r;

	if (fd < 0)
		return ename(errno);
	r = read(fd, b, sizeof(buf[0]) - 1);
	close(fd);
	b[r < 0 ? 0 : r] = 0;
	return b;
}

/* Run the statement as another user in a child. */
#define AS(uid, stmt) \
	do { \
		fflush(stdout); \
		pid_t p_ = fork(); \
		if (!p_) { \
			if (setgroups_none() || setgid(uid) || setuid(uid)) \
				_exit(1); \
			stmt; \
			fflush(stdout); \
			_exit(0); \
		} \
		int st_; \
		waitpid(p_, &st_, 0); \
		if (st_) \
			printf("child status %x\n", st_); \
	} while (0)

static inline int setgroups_none(void)
{
	return syscall(SYS_setgroups, 0, NULL);
}

#define CHILD(stmt) \
	do { \
		fflush(stdout); \
		pid_t p_ = fork(); \
		if (!p_) { \
			stmt; \
			fflush(stdout); \
			_exit(0); \
		} \
		int st_; \
		waitpid(p_, &st_, 0); \
		if (st_) \
			printf("child status %x\n", st_); \
	} while (0)
