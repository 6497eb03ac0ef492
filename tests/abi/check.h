/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs of the abi ring share: printing one line a check, `NAME: RESULT`. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline const char *error_name(int e)
{
	static const struct {
		int e;
		const char *name;
	} names[] = {
#define E(x) { x, #x }
		E(EPERM),
		E(ENOENT),
		E(ESRCH),
		E(EINTR),
		E(EIO),
		E(ENXIO),
		E(E2BIG),
		E(ENOEXEC),
		E(EBADF),
		E(ECHILD),
		E(EAGAIN),
		E(ENOMEM),
		E(EACCES),
		E(EFAULT),
		E(EBUSY),
		E(EEXIST),
		E(EXDEV),
		E(ENODEV),
		E(ENOTDIR),
		E(EISDIR),
		E(EINVAL),
		E(ENFILE),
		E(EMFILE),
		E(ENOTTY),
		E(ETXTBSY),
		E(EFBIG),
		E(ENOSPC),
		E(ESPIPE),
		E(EROFS),
		E(EMLINK),
		E(EPIPE),
		E(EDOM),
		E(ERANGE),
		E(EDEADLK),
		E(ENAMETOOLONG),
		E(ENOLCK),
		E(ENOSYS),
		E(ENOTEMPTY),
		E(ELOOP),
		E(ENODATA),
		E(EOVERFLOW),
		E(EILSEQ),
		E(EUSERS),
		E(ENOTSOCK),
		E(EDESTADDRREQ),
		E(EMSGSIZE),
		E(EPROTOTYPE),
		E(ENOPROTOOPT),
		E(EPROTONOSUPPORT),
		E(ESOCKTNOSUPPORT),
		E(EOPNOTSUPP),
		E(EAFNOSUPPORT),
		E(EADDRINUSE),
		E(EADDRNOTAVAIL),
		E(ECONNREFUSED),
		E(ECONNRESET),
		E(ENOBUFS),
		E(EISCONN),
		E(ENOTCONN),
		E(ETIMEDOUT),
		E(EALREADY),
		E(EINPROGRESS),
		E(EOWNERDEAD),
		E(ETOOMANYREFS),
		E(ESTALE),
#undef E
	};

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].e == e)
			return names[i].name;
	}
	return "E?";
}

static inline long show(const char *name, long r)
{
	int e = errno;

	if (r == -1)
		printf("%s: -1 %s\n", name, error_name(e));
	else
		printf("%s: %ld\n", name, r);
	fflush(stdout);
	return r;
}

/* A call: its result, or -1 and the error. */
#define CALL(name, call) (errno = 0, show(name, (long)(call)))
/* The same where success gives a number that means nothing (descriptors, addresses). */
#define OPEN(name, call) \
	({ \
		errno = 0; \
		long open_r_ = (long)(call); \
		show(name, open_r_ == -1 ? -1 : 0); \
		open_r_; \
	})
/* A value, a truth. */
#define VALUE(name, v) (printf("%s: %lld\n", name, (long long)(v)), fflush(stdout))
#define TRUE(name, c)  (printf("%s: %s\n", name, (c) ? "yes" : "no"), fflush(stdout))
#define TEXT(name, s)  (printf("%s: %s\n", name, s), fflush(stdout))

/* An address with nothing behind it, which the compiler does not see through. */
static void *volatile bad_address __attribute__((unused)) = (void *)8;
#define BAD ((void *)bad_address)

/* How a child ended. */
static inline void show_status(const char *name, int status)
{
	if (WIFEXITED(status))
		printf("%s: exited %d\n", name, WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		printf("%s: killed by %d\n", name, WTERMSIG(status));
	else if (WIFSTOPPED(status))
		printf("%s: stopped by %d\n", name, WSTOPSIG(status));
	else if (WIFCONTINUED(status))
		printf("%s: continued\n", name);
	fflush(stdout);
}

/* Run the body in a child and show how it ended. */
#define CHILD(name, ...) \
	do { \
		int child_status_; \
		pid_t child_pid_ = fork(); \
		if (!child_pid_) { \
			__VA_ARGS__; \
			_exit(0); \
		} \
		waitpid(child_pid_, &child_status_, 0); \
		show_status(name, child_status_); \
	} while (0)

static inline void sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}
