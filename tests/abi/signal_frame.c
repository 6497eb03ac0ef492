/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the machine's half of signals must keep: registers, fault addresses, stacks, and where the
 * clocks are read. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int seen_signo, seen_code;
static void *volatile seen_addr;
static volatile int on_alt;
static char alt[65536];

static void fault(int signo, siginfo_t *si, void *uc)
{
	char here;

	seen_signo = signo;
	seen_code = si->si_code;
	seen_addr = si->si_addr;
	on_alt = &here >= alt && &here < alt + sizeof(alt);
	siglongjmp(back, 1);
}

static void catch(int signo, void (*fn)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = fn, .sa_flags = SA_SIGINFO | flags };

	sigaction(signo, &sa, NULL);
}

static void try_access(const char *name, volatile char *p, int write)
{
	seen_signo = 0;
	if (!sigsetjmp(back, 1)) {
		if (write)
			*p = 1;
		else
			(void)*p;
	}
	printf("%s: signal %d code %d address %s alt %d\n", name, seen_signo, seen_code,
	       seen_signo ? (seen_addr == (void *)p ? "right" : "wrong") : "none", on_alt);
}

static void faults(void)
{
	char *page = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) };

	catch(SIGSEGV, fault, 0);
	catch(SIGBUS, fault, 0);
	try_access("null", (char *)8, 0);
	try_access("read-only", page + 100, 1);
	mprotect(page, 4096, PROT_NONE);
	try_access("none", page + 4000, 0);
	munmap(page + 4096, 4096);
	try_access("unmapped", page + 4096, 0);
	try_access("kernel half", (char *)0xffffffff80001000ul, 0);
	sigaltstack(&ss, NULL);
	catch(SIGSEGV, fault, SA_ONSTACK);
	try_access("on alternate stack", page + 4096, 1);

	FILE *f = tmpfile();
	char *map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(f), 0);

	try_access("beyond the file", map + 4096, 0);
	seen_signo = 0;
	if (!sigsetjmp(back, 1))
		((void (*)(void))page)();
	printf("jump: signal %d code %d address %s\n", seen_signo, seen_code,
	       seen_addr == page ? "right" : "wrong");
}

static volatile sig_atomic_t ticks;

/* Uses floating point itself, so that the frame must hold the interrupted code's. */
static void tick(int signo, siginfo_t *si, void *uc)
{
	volatile double x = ticks;

	for (int i = 0; i < 50; i++)
		x = x * 1.0001 + 3.0;
	ticks = ticks + 1;
}

static void *spin(void *arg)
{
	double sum = (uintptr_t)arg, want = sum;
	long wrong = 0;

	for (int i = 0; i < 2000000; i++) {
		sum += 1.0;
		want += 1.0;
		if (sum != want)
			wrong++;
	}
	return (void *)wrong;
}

static void floating_point(void)
{
	struct itimerval it = { { 0, 2000 }, { 0, 2000 } };
	pthread_t t[6];
	void *wrong;
	long total = 0;

	catch(SIGALRM, tick, SA_RESTART);
	setitimer(ITIMER_REAL, &it, NULL);
	for (long i = 0; i < 6; i++)
		pthread_create(&t[i], NULL, spin, (void *)(i * 1000));
	for (int i = 0; i < 6; i++) {
		pthread_join(t[i], &wrong);
		total += (long)wrong;
	}
	memset(&it, 0, sizeof(it));
	setitimer(ITIMER_REAL, &it, NULL);
	printf("floating point: wrong %ld, signals %s\n", total, ticks > 0 ? "some" : "none");
}

static void masks(int signo, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;
	sigset_t now;

	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("handler: blocked usr1 %d usr2 %d, saved usr2 %d, code %d, value %d\n",
	       sigismember(&now, SIGUSR1), sigismember(&now, SIGUSR2),
	       sigismember(&uc->uc_sigmask, SIGUSR2), si->si_code, si->si_value.sival_int);
	/* What is put here is in force after the return. */
	sigaddset(&uc->uc_sigmask, SIGUSR2);
}

static void return_mask(void)
{
	struct sigaction sa = { .sa_sigaction = masks, .sa_flags = SA_SIGINFO };
	sigset_t now;

	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaction(SIGUSR1, &sa, NULL);
	sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 });
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("after: blocked usr1 %d usr2 %d\n", sigismember(&now, SIGUSR1),
	       sigismember(&now, SIGUSR2));
}

static void bad_frame(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		/* No frame lies there. */
		syscall(SYS_rt_sigreturn);
		_exit(1);
	}
	waitpid(pid, &status, 0);
	printf("sigreturn without a frame: %s %d\n", WIFSIGNALED(status) ? "signal" : "exit",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static void clocks(void)
{
	static const clockid_t ids[] = {CLOCK_REALTIME,        CLOCK_MONOTONIC,
					CLOCK_MONOTONIC_RAW,   CLOCK_BOOTTIME,
					CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE};

	printf("vdso: %s\n", getauxval(AT_SYSINFO_EHDR) ? "yes" : "no");
	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct timespec a, b, c;
		int bad = 0;

		for (int n = 0; n < 1000; n++) {
			syscall(SYS_clock_gettime, ids[i], &a);
			clock_gettime(ids[i], &b);
			syscall(SYS_clock_gettime, ids[i], &c);
			bad += (a.tv_sec - b.tv_sec) * 1000000000ll + a.tv_nsec - b.tv_nsec > 0 ||
			       (b.tv_sec - c.tv_sec) * 1000000000ll + b.tv_nsec - c.tv_nsec > 0;
		}
		clock_getres(ids[i], &a);
		printf("clock %d: out of order %d\n", ids[i], bad);
	}

	int bad = clock_gettime(99, &(struct timespec){ 0 });

	printf("bad clock: %d %s\n", bad, strerror(errno));
}

int main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	faults();
	floating_point();
	return_mask();
	bad_frame();
	clocks();
	return 0;
}
