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

	return s ? atol(s) : 5;
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

struct storm {
	const char *name;
	int processes;
	void (*fn)(int id, double until);
	int bad;
};

/* All storms at once, each in its processes, for the given time; a line each. */
static inline void storms_run(struct storm *storms, int n)
{
	double until = now() + seconds();
	struct {
		pid_t pid;
		struct storm *storm;
	} child[64];
	int children = 0, status;

	fflush(stdout);
	for (int s = 0; s < n; s++)
		for (int i = 0; i < storms[s].processes; i++) {
			pid_t pid = fork();

			must(pid >= 0);
			if (!pid) {
				storms[s].fn(i, until);
				_exit(0);
			}
			child[children].pid = pid;
			child[children++].storm = &storms[s];
		}
	for (int left = children; left; left--) {
		pid_t pid = wait(&status);

		for (int i = 0; i < children; i++)
			if (child[i].pid == pid)
				child[i].storm->bad += status != 0;
	}
	for (int s = 0; s < n; s++)
		if (storms[s].bad)
			printf("%s: %d of %d failed\n", storms[s].name, storms[s].bad,
			       storms[s].processes);
		else
			printf("%s: ok\n", storms[s].name);
	fflush(stdout);
}

#endif
