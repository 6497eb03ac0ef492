/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the programs of the ring share: numbers, time, the machine's log, and their supervisors. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static uint64_t state;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void draw_from(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15ull | 1;
	for (int i = 0; i < 8; i++)
		draw();
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* A line for the machine's log. */
__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
	int fd = open("/dev/kmsg", O_WRONLY);
	va_list args;
	char line[128];

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	dprintf(fd, "<1>%s: %s\n", program_invocation_short_name, line);
	close(fd);
}

/* A supervisor for each of `nr` roles, which ends at `until`; says of each whether it lived. */
static int supervisors(int nr, const char *const *roles, double seconds,
		       void (*supervise)(int role, uint64_t seed, double until))
{
	const char *s = getenv("SECONDS_EACH"), *r = getenv("SEED");
	double until = now() + (s ? atof(s) : seconds);
	uint64_t seed = r && *r ? strtoull(r, NULL, 0) : (uint64_t)time(NULL);
	pid_t who[nr];

	note("SEED=%llu", (unsigned long long)seed);
	for (int role = 0; role < nr; role++)
		if (!(who[role] = fork()))
			supervise(role, seed, until);
	for (int role = 0; role < nr; role++) {
		int status = -1;

		waitpid(who[role], &status, 0);
		printf("%s: %s\n", roles[role], status == 0 ? "alive" : "the supervisor died");
	}
	return 0;
}
