/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the memory programs of this ring share. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PG   4096ul
#define RW   (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

/* "NAME: 0" or "NAME: -1 errno N". */
#define CALL(name, expr)                                                                           \
	do {                                                                                       \
		errno = 0;                                                                         \
		long call_ = (long)(expr);                                                         \
		if (call_ == -1)                                                                   \
			printf("%s: -1 errno %d\n", name, errno);                                  \
		else                                                                               \
			printf("%s: %s\n", name, call_ ? "ok" : "0");                              \
	} while (0)

#define SHOW(name, value) printf("%s: %ld\n", name, (long)(value))

static sigjmp_buf fault_jump;
static volatile int fault_signal, fault_code;
static void *volatile fault_address;

static void fault_handler(int sig, siginfo_t *info, void *ctx)
{
	fault_signal = sig;
	fault_code = info->si_code;
	fault_address = info->si_addr;
	siglongjmp(fault_jump, 1);
}

static inline void faults_catch(void)
{
	struct sigaction sa = {.sa_sigaction = fault_handler, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* "NAME: value" or "NAME: signal N code N at +offset". */
static inline void probe(const char *name, volatile char *p, int write)
{
	if (!sigsetjmp(fault_jump, 1)) {
		int v = *p;

		if (write)
			*p = (char)write;
		printf("%s: %d\n", name, write ? write : v);
		return;
	}
	printf("%s: signal %d code %d at %s\n", name, fault_signal, fault_code,
	       fault_address == (void *)p ? "address" : "elsewhere");
}

/* Lines of /proc/self/maps that touch [from, to), as "start+len perms offset". */
static inline void maps(const char *name, void *from, void *to)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long a, b, off;
		char perms[8];

		if (sscanf(line, "%lx-%lx %7s %lx", &a, &b, perms, &off) != 4)
			continue;
		if (b <= (unsigned long)from || a >= (unsigned long)to)
			continue;
		printf("%s: %ld+%ld %s\n", name, (long)(a - (unsigned long)from) / (long)PG,
		       (long)(b - a) / (long)PG, perms);
	}
	if (f)
		fclose(f);
}

/* A range of `pages` with nothing mapped. */
static inline char *hole(size_t pages)
{
	char *p = mmap(NULL, (pages + 2) * PG, PROT_NONE, ANON, -1, 0);

	munmap(p, (pages + 2) * PG);
	return p + PG;
}

static inline long vm_kb(const char *field)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, field, strlen(field)))
			kb = atol(line + strlen(field));
	if (f)
		fclose(f);
	return kb;
}
