/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LIMIT 3000 */
/*
 * Random instructions and disturbed signal frames, by nobody, for SECONDS_EACH seconds.  The kernel
 * must stay alive; what becomes of the program does not matter.
 *
 * Two supervisors fork victims in a session each.  One's jump into a page of random words, which on
 * x86_64 begin with one of the instructions that have the processor look into the kernel's tables.
 * The other's change some words of a signal's frame and return through it, as long as that goes
 * well.  Whatever exception a victim meets ends it, and a timer does when it meets none.
 */
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>

#include "fuzz.h"

#define PAGE   4096
#define FRAMES 200

#if defined(__x86_64__)
/* Far returns, calls and jumps, interrupts, segments, the flags. */
static const char *const first[] = {
	"\xcb", "\x48\xcb", "\xca\x08", "\xcf", "\x48\xcf", "\x66\xcf",
	"\xff\x18", "\x48\xff\x18", "\xff\x28", "\x48\xff\x28", "\xcd\x80", "\xcd\x0e",
	"\xcd\x02", "\xcd\x08", "\xcc", "\xf1", "\x8e\xd0", "\x8e\xe0",
	"\x8e\xe8", "\x8e\xd8", "\x0f\xb4", "\x0f\xb2", "\x0f\x02\xc0", "\x0f\x03\xc0",
	"\x9d", "\x0f", "\x0f\x34", "\x0f\x05", "\xf4", "\x0f\x0b",
	"\xc8", "\x0f\xc7",
};
#endif

static void fill(unsigned char *page)
{
	for (int i = 0; i < PAGE; i += 8) {
		uint64_t w = draw();

		memcpy(page + i, &w, 8);
	}
#if defined(__x86_64__)
	const char *how = first[draw() % (sizeof(first) / sizeof(first[0]))];

	memcpy(page, how, strlen(how));
#endif
	__builtin___clear_cache((char *)page, (char *)page + PAGE);
}

static char stack[65536];

static void end(int signo)
{
	_exit(0);
}

/* What is restored lies from `context` on, at the upper end of the stack. */
static void disturb(int signo, siginfo_t *info, void *context)
{
	uint64_t *words = context;
	unsigned nr = (stack + sizeof(stack) - (char *)context) / 8;

	for (int i = draw() % 4; i >= 0; i--) {
		uint64_t *w = &words[draw() % nr];

		switch (draw() % 4) {
		case 0: *w = draw(); break;
		case 1: *w ^= 1ull << draw() % 64; break;
		case 2: *w = draw() % 256; break;
		case 3: *w = words[draw() % nr]; break;
		}
	}
}

static void instructions(unsigned char *page)
{
	fill(page);
	((void (*)(void))(page + (draw() % 4 ? 0 : draw() % (PAGE / 4) * 4)))();
}

static void frames(void)
{
	struct sigaction action = {.sa_sigaction = disturb, .sa_flags = SA_ONSTACK | SA_SIGINFO};

	sigaction(SIGUSR1, &action, NULL);
	for (int i = 0; i < FRAMES; i++)
		raise(SIGUSR1);
}

static void victim(int role, uint64_t seed)
{
	struct sigaction action = {.sa_handler = end, .sa_flags = SA_ONSTACK};
	struct rlimit none = {0, 0}, few = {64, 64}, space = {256ul << 20, 256ul << 20};
	unsigned char *page;

	draw_from(seed);
	setsid();
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &none);
	setrlimit(RLIMIT_NPROC, &few);
	setrlimit(RLIMIT_AS, &space);
	if (page == MAP_FAILED || setgroups(0, NULL) || setgid(65534) || setuid(65534))
		_exit(9);
	sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &action, NULL);
	setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 20000}, NULL);
	if (role)
		frames();
	else
		instructions(page);
	_exit(0);
}

/* It ends by itself, or its timer did not end it. */
static void attend(pid_t child)
{
	struct timespec step = {0, 1000000};

	for (int i = 0; i < 200; i++) {
		if (waitpid(child, NULL, WNOHANG) == child) {
			kill(-child, SIGKILL);
			return;
		}
		nanosleep(&step, NULL);
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void supervise(int role, uint64_t seed, double until)
{
	while (now() < until) {
		pid_t child = fork();

		if (!child)
			victim(role, seed + role);
		if (child > 0)
			attend(child);
		seed += 2;
	}
	_exit(0);
}

int main(void)
{
	static const char *const roles[] = {"random instructions", "disturbed signal frames"};

	return supervisors(2, roles, 3, supervise);
}
