/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the storms share.  A storm prints its name and "ok", or what went wrong; how long it lasts
 * is SECONDS in the environment, so that the short form of `make test' and the long one of `make
 * soak' are the same program.
 */
#ifndef STRESS_H
#define STRESS_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline long seconds(void)
{
	const char *s = getenv("SECONDS_EACH");

	return s ? atol(s) : 1;
}

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Ends the process that finds something wrong; the parent sees the status. */
#define must(x)                                                                                    \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			printf("%s:%d: %s (errno %d)\n", __FILE__ + 13, __LINE__, #x, errno);      \
			fflush(stdout);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static inline uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* Run fn in `n' processes for the given time each; prints one line. */
static inline void storm(const char *name, int n, void (*fn)(int id, double until))
{
	double until = now() + seconds();
	int bad = 0;

	fflush(stdout);
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		must(pid >= 0);
		if (!pid) {
			fn(i, until);
			_exit(0);
		}
	}
	for (int i = 0; i < n; i++) {
		int status;

		must(wait(&status) > 0);
		bad += status != 0;
	}
	if (bad)
		printf("%s: %d of %d failed\n", name, bad, n);
	else
		printf("%s: ok\n", name);
	fflush(stdout);
}

#endif
