/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls on processes and threads that the C library makes in its own way or not at all: exit_group,
 * set_tid_address, restart_syscall, rt_tgsigqueueinfo, rseq, pidfd_getfd, process_madvise, ioprio,
 * the plain identity calls, clock_adjtime, and what single architectures have.
 */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/uio.h>

/* --- ends and identities ---------------------------------------------------------------------- */

static void *leave(void *arg)
{
	syscall(SYS_exit_group, (long)arg);
	return NULL;
}

static void leave_from_thread(long code)
{
	pthread_t t;

	pthread_create(&t, NULL, leave, (void *)code);
	for (;;)
		pause();
}

static void ends(void)
{
	CHILD("exit_group", syscall(SYS_exit_group, 3));
	CHILD("exit_group from a thread", leave_from_thread(7));
	CHILD("exit_group wraps", leave_from_thread(0x1ff));
}

static void identities(void)
{
	CHILD("identities", {
		syscall(SYS_setresgid, 11, 12, 13);
		syscall(SYS_setresuid, 21, 22, 23);
		CALL("getuid", syscall(SYS_getuid));
		CALL("geteuid", syscall(SYS_geteuid));
		CALL("getgid", syscall(SYS_getgid));
		CALL("getegid", syscall(SYS_getegid));
		CALL("setfsgid to the saved", syscall(SYS_setfsgid, 13));
		CALL("setfsgid to another", syscall(SYS_setfsgid, 99));
		CALL("setfsgid did not", syscall(SYS_setfsgid, -1));
	});
	CHILD("setfsgid as root", {
		CALL("setfsgid", syscall(SYS_setfsgid, 99));
		CALL("setfsgid did", syscall(SYS_setfsgid, -1));
		syscall(SYS_setresgid, -1, 5, -1);
		CALL("setresgid sets it", syscall(SYS_setfsgid, -1));
	});
}

static volatile int cleared;

static int clears(void *arg)
{
	cleared = 1;
	syscall(SYS_set_tid_address, &cleared);
	return 0;
}

static void tid_address(void)
{
	static char stack[16384] __attribute__((aligned(16)));
	int st;

	TRUE("set_tid_address gives the id",
	     syscall(SYS_set_tid_address, NULL) == syscall(SYS_gettid));
	cleared = 1;
	waitpid(clone(clears, stack + sizeof(stack), CLONE_VM | SIGCHLD, NULL), &st, 0);
	show_status("it", st);
	VALUE("the word is cleared", cleared);
	CHILD("an address that is none", syscall(SYS_set_tid_address, 8));
}

static void restarts(void)
{
	struct timespec ts = { 4, 0 };
	pid_t p;
	int st;

	CALL("restart_syscall of nothing", syscall(SYS_restart_syscall));
	if (!(p = fork()))
		_exit(nanosleep(&ts, &ts) ? errno : 0);
	sleep_ms(50);
	kill(p, SIGSTOP);
	waitpid(p, &st, WUNTRACED);
	show_status("sleeper", st);
	kill(p, SIGCONT);
	waitpid(p, &st, 0);
	show_status("sleeper slept on", st);
}

/* --- signals with a value --------------------------------------------------------------------- */

static volatile siginfo_t last;
static volatile int caught;

static void catch(int sig, siginfo_t *si, void *ctx)
{
	last = *si;
	caught++;
}

static void queued_signals(void)
{
	struct sigaction sa = { .sa_sigaction = catch, .sa_flags = SA_SIGINFO };
	siginfo_t si = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	pid_t me = getpid(), p;
	int st;

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	si.si_pid = 77;
	si.si_uid = 78;
	si.si_value.sival_int = 79;
	CALL("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, me, me, SIGUSR1, &si));
	VALUE("caught", caught);
	VALUE("code", last.si_code);
	VALUE("pid", last.si_pid);
	VALUE("uid", last.si_uid);
	VALUE("value", last.si_value.sival_int);
	si.si_signo = 5;
	CALL("the number is the argument's",
	     syscall(SYS_rt_tgsigqueueinfo, me, me, SIGRTMIN + 1, &si));
	VALUE("caught", caught);
	TRUE("signo", last.si_signo == SIGRTMIN + 1);
	si.si_code = SI_USER;
	CALL("SI_USER to oneself", syscall(SYS_rt_tgsigqueueinfo, me, me, SIGUSR1, &si));
	si.si_code = SI_TKILL;
	CALL("SI_TKILL to oneself", syscall(SYS_rt_tgsigqueueinfo, me, me, SIGUSR1, &si));
	VALUE("caught", caught);
	if (!(p = fork())) {
		pause();
		_exit(0);
	}
	CALL("SI_TKILL to another", syscall(SYS_rt_tgsigqueueinfo, p, p, SIGTERM, &si));
	si.si_code = SI_USER;
	CALL("SI_USER to another", syscall(SYS_rt_tgsigqueueinfo, p, p, SIGTERM, &si));
	si.si_code = SI_QUEUE;
	CALL("signal 0", syscall(SYS_rt_tgsigqueueinfo, p, p, 0, &si));
	CALL("thread of another group", syscall(SYS_rt_tgsigqueueinfo, me, p, SIGTERM, &si));
	CALL("to another", syscall(SYS_rt_tgsigqueueinfo, p, p, SIGTERM, &si));
	waitpid(p, &st, 0);
	show_status("another", st);
	CALL("gone", syscall(SYS_rt_tgsigqueueinfo, p, p, SIGTERM, &si));
	CALL("group 0", syscall(SYS_rt_tgsigqueueinfo, 0, me, SIGUSR1, &si));
	CALL("thread -1", syscall(SYS_rt_tgsigqueueinfo, me, -1, SIGUSR1, &si));
	CALL("signal 65", syscall(SYS_rt_tgsigqueueinfo, me, me, 65, &si));
	CALL("no information", syscall(SYS_rt_tgsigqueueinfo, me, me, SIGUSR1, BAD));
}

/* --- restartable sequences -------------------------------------------------------------------- */

struct rseq_area {
	uint32_t cpu_id_start, cpu_id;
	uint64_t cs;
	uint32_t flags, node_id, mm_cid, end;
} __attribute__((aligned(32)));

struct rseq_section {
	uint32_t version, flags;
	uint64_t start, length, abort;
} __attribute__((aligned(32)));

#define SIGNATURE "0x53053053"

/* Enters a section and never leaves it but by its abort: long section_run(u64 *cs, struct
 * rseq_section *) is then 1. */
long section_run(uint64_t *cs, struct rseq_section *section);
extern char section_start[], section_end[], section_abort[];

#if defined(__x86_64__)
asm(".text\n.globl section_run, section_start, section_end, section_abort\n"
    "section_run: mov %rsi, (%rdi)\n"
    "section_start: nop\n jmp section_start\nsection_end: xor %eax, %eax\n ret\n"
    ".balign 4\n .long " SIGNATURE "\nsection_abort: mov $1, %eax\n ret\n");
#elif defined(__aarch64__)
asm(".text\n.globl section_run, section_start, section_end, section_abort\n"
    "section_run: str x1, [x0]\n"
    "section_start: nop\n b section_start\nsection_end: mov x0, 0\n ret\n"
    ".balign 4\n .word " SIGNATURE "\nsection_abort: mov x0, 1\n ret\n");
#else
asm(".text\n.globl section_run, section_start, section_end, section_abort\n"
    "section_run: sd a1, 0(a0)\n"
    "section_start: nop\n j section_start\nsection_end: li a0, 0\n ret\n"
    ".balign 4\n .word " SIGNATURE "\nsection_abort: li a0, 1\n ret\n");
#endif

static struct rseq_area area;
static struct rseq_section section;

static long rseq(void *p, unsigned len, int flags, unsigned sig)
{
	return syscall(SYS_rseq, p, len, flags, sig);
}

static void on_alarm(int sig)
{
	caught++;
}

/* Losing the processor aborts the section as well: again, until the signal came. */
static long run_section(void)
{
	struct itimerval often = { .it_interval.tv_usec = 30000, .it_value.tv_usec = 30000 };
	long r;

	section.start = (uintptr_t)section_start;
	section.length = section_end - section_start;
	section.abort = (uintptr_t)section_abort;
	setitimer(ITIMER_REAL, &often, NULL);
	do
		r = section_run(&area.cs, &section);
	while (!caught && r == 1);
	setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
	return r;
}

static void sequences(void)
{
	cpu_set_t set;

	CALL("rseq not aligned", rseq((char *)&area + 4, 32, 0, 0x53053053));
	CALL("rseq too short", rseq(&area, 16, 0, 0x53053053));
	CALL("rseq flags", rseq(&area, 32, 2, 0x53053053));
	CALL("rseq leaves what is not there", rseq(&area, 32, 1, 0x53053053));
	CALL("rseq at no address", rseq((void *)-4096L, 32, 0, 0x53053053));
	CALL("rseq", rseq(&area, 32, 0, 0x53053053));
	CALL("rseq again", rseq(&area, 32, 0, 0x53053053));
	CALL("rseq elsewhere", rseq(&section, 32, 0, 0x53053053));
	CALL("rseq with another signature", rseq(&area, 32, 0, 1));
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	VALUE("processor", area.cpu_id);
	VALUE("processor at the start", area.cpu_id_start);
	VALUE("node", area.node_id);
	signal(SIGALRM, on_alarm);
	caught = 0;
	VALUE("a signal aborts the section", run_section());
	VALUE("caught", caught > 0);
	VALUE("the section is left", area.cs);
	CHILD("a section of another version", section.version = 1, run_section());
	CHILD("a section with another signature", section.version = 0,
	      *(uint32_t *)&section.abort += 1, section.abort = (uintptr_t)section_run,
	      setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_usec = 30000}, NULL),
	      section_run(&area.cs, &section));
	CALL("rseq leaves with another signature", rseq(&area, 32, 1, 1));
	CALL("rseq leaves with another length", rseq(&area, 64, 1, 0x53053053));
	CALL("rseq leaves", rseq(&area, 32, 1, 0x53053053));
	VALUE("no processor", (int)area.cpu_id);
	CALL("rseq comes back", rseq(&area, 32, 0, 0x53053053));
	CHILD("a child has it too", _exit(rseq(&area, 32, 0, 0x53053053) ? errno == EBUSY : 2));
	rseq(&area, 32, 1, 0x53053053);
}

/* --- other processes -------------------------------------------------------------------------- */

static void descriptors_of_others(void)
{
	int p[2], q[2], fd, got, st;
	char c = 0;
	pid_t child;

	pipe(q);
	if (!(child = fork())) {
		close(q[1]);
		pipe(p);
		dup2(p[0], 100);
		write(p[1], "z", 1);
		/* The parent learns from the end of file that 100 is there. */
		read(q[0], &c, 1);
		write(p[1], "y", 1);
		pause();
		_exit(0);
	}
	close(q[0]);
	fd = syscall(SYS_pidfd_open, child, 0);
	while ((got = syscall(SYS_pidfd_getfd, fd, 100, 0)) < 0 && errno == EBADF)
		sleep_ms(5);
	TRUE("pidfd_getfd", got >= 0);
	VALUE("closes on exec", fcntl(got, F_GETFD));
	CALL("reads", read(got, &c, 1));
	VALUE("what it reads", c);
	write(q[1], "x", 1);
	CALL("reads more", read(got, &c, 1));
	VALUE("what it reads", c);
	CALL("pidfd_getfd flags", syscall(SYS_pidfd_getfd, fd, 100, 1));
	CALL("pidfd_getfd of none", syscall(SYS_pidfd_getfd, fd, 999, 0));
	CALL("pidfd_getfd from no process", syscall(SYS_pidfd_getfd, got, 100, 0));
	CALL("pidfd_getfd from nothing", syscall(SYS_pidfd_getfd, -1, 100, 0));
	kill(child, SIGKILL);
	waitid(P_PID, child, &(siginfo_t){ 0 }, WEXITED | WNOWAIT);
	CALL("pidfd_getfd from the dead", syscall(SYS_pidfd_getfd, fd, 100, 0));
	waitpid(child, &st, 0);
	CALL("pidfd_getfd from the buried", syscall(SYS_pidfd_getfd, fd, 100, 0));
	close(fd);
	close(got);
	close(q[1]);
}

static void advice_to_others(void)
{
	char *m = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec v[2] = { { m, 4096 }, { m + 3 * 4096, 2 * 4096 } };
	int fd = syscall(SYS_pidfd_open, getpid(), 0), other, st;
	pid_t child;

	memset(m, 7, 8 * 4096);
	CALL("process_madvise cold", syscall(SYS_process_madvise, fd, v, 2, 20, 0));
	CALL("process_madvise pageout", syscall(SYS_process_madvise, fd, v, 1, 21, 0));
	CALL("process_madvise willneed", syscall(SYS_process_madvise, fd, v, 2, 3, 0));
	VALUE("contents stay", m[0] + m[4 * 4096]);
	CALL("process_madvise flags", syscall(SYS_process_madvise, fd, v, 1, 20, 1));
	CALL("process_madvise no advice", syscall(SYS_process_madvise, fd, v, 1, 99, 0));
	CALL("process_madvise of nothing", syscall(SYS_process_madvise, -1, v, 1, 20, 0));
	CALL("process_madvise no vectors", syscall(SYS_process_madvise, fd, BAD, 1, 20, 0));
	CALL("process_madvise zero vectors", syscall(SYS_process_madvise, fd, v, 0, 20, 0));
	CALL("process_madvise too many", syscall(SYS_process_madvise, fd, v, 1025, 20, 0));
	v[1].iov_base = m + 1;
	CALL("process_madvise second is odd", syscall(SYS_process_madvise, fd, v, 2, 20, 0));
	v[0].iov_base = m + 1;
	CALL("process_madvise first is odd", syscall(SYS_process_madvise, fd, v, 2, 20, 0));
	v[0].iov_base = m;
	if (!(child = fork())) {
		pause();
		_exit(0);
	}
	other = syscall(SYS_pidfd_open, child, 0);
	CALL("process_madvise another cold", syscall(SYS_process_madvise, other, v, 1, 20, 0));
	CALL("process_madvise another dontneed",
	     syscall(SYS_process_madvise, other, v, 1, MADV_DONTNEED, 0));
	kill(child, SIGKILL);
	waitpid(child, &st, 0);
	CALL("process_madvise the buried", syscall(SYS_process_madvise, other, v, 1, 20, 0));
	munmap(m, 8 * 4096);
	close(fd);
	close(other);
}

#define PRIO(class, n) ((class) << 13 | (n))

static void io_priorities(void)
{
	CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
	CHILD("ioprio as root", {
		CALL("ioprio_set best effort", syscall(SYS_ioprio_set, 1, 0, PRIO(2, 7)));
		CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
		CALL("ioprio_get by id", syscall(SYS_ioprio_get, 1, getpid()));
		CALL("ioprio_set idle", syscall(SYS_ioprio_set, 1, 0, PRIO(3, 0)));
		CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
		CALL("ioprio_set real time", syscall(SYS_ioprio_set, 1, 0, PRIO(1, 4)));
		CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
		CHILD("a child has it", _exit(syscall(SYS_ioprio_get, 1, 0) == PRIO(1, 4) ? 0 : 1));
		CALL("ioprio_set none", syscall(SYS_ioprio_set, 1, 0, 0));
		CALL("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
		CALL("ioprio_set none with a level", syscall(SYS_ioprio_set, 1, 0, PRIO(0, 3)));
		CALL("ioprio_set class 4", syscall(SYS_ioprio_set, 1, 0, PRIO(4, 0)));
		CALL("ioprio_set level 8", syscall(SYS_ioprio_set, 1, 0, PRIO(2, 8)));
		setpgid(0, 0);
		CALL("ioprio_set group", syscall(SYS_ioprio_set, 2, 0, PRIO(2, 6)));
		CALL("ioprio_get group", syscall(SYS_ioprio_get, 2, 0));
		CALL("ioprio_get group by id", syscall(SYS_ioprio_get, 2, getpgrp()));
	});
	CHILD("ioprio as nobody", {
		setuid(65534);
		CALL("ioprio_set real time", syscall(SYS_ioprio_set, 1, 0, PRIO(1, 4)));
		CALL("ioprio_set best effort", syscall(SYS_ioprio_set, 1, 0, PRIO(2, 1)));
		CALL("ioprio_set idle", syscall(SYS_ioprio_set, 1, 0, PRIO(3, 0)));
		CALL("ioprio_set init", syscall(SYS_ioprio_set, 1, 1, PRIO(2, 1)));
		CALL("ioprio_get user", syscall(SYS_ioprio_get, 3, 65534));
	});
	CALL("ioprio_get nobody there", syscall(SYS_ioprio_get, 1, 999999));
	CALL("ioprio_set nobody there", syscall(SYS_ioprio_set, 1, 999999, PRIO(2, 1)));
	CALL("ioprio_get whom", syscall(SYS_ioprio_get, 4, 0));
	CALL("ioprio_set whom", syscall(SYS_ioprio_set, 0, 0, PRIO(2, 1)));
}

/* --- clocks and architectures ----------------------------------------------------------------- */

static void adjustments(void)
{
	struct timex tx = { 0 };

	TRUE("clock_adjtime tells", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
	VALUE("tick", tx.tick);
	VALUE("frequency", tx.freq);
	TRUE("not synchronised", tx.status & STA_UNSYNC);
	TRUE("time", tx.time.tv_sec >= 0);
	memset(&tx, 0, sizeof(tx));
	CALL("clock_adjtime monotonic", syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &tx));
	CALL("clock_adjtime processor time",
	     syscall(SYS_clock_adjtime, CLOCK_PROCESS_CPUTIME_ID, &tx));
	CALL("clock_adjtime no clock", syscall(SYS_clock_adjtime, 99, &tx));
	CALL("clock_adjtime nowhere", syscall(SYS_clock_adjtime, CLOCK_REALTIME, BAD));
	tx.modes = ADJ_TICK;
	tx.tick = 1;
	CALL("clock_adjtime tick too small", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx));
	tx.modes = ADJ_SETOFFSET;
	tx.time.tv_usec = 1000000;
	CALL("clock_adjtime offset too far", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx));
	tx.time.tv_usec = 0;
	TRUE("clock_adjtime offset", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
	CHILD("clock_adjtime as nobody", {
		setuid(65534);
		tx.modes = ADJ_SETOFFSET;
		CALL("clock_adjtime offset", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx));
		tx.modes = ADJ_FREQUENCY;
		CALL("clock_adjtime frequency", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx));
		tx.modes = 0;
		TRUE("clock_adjtime tells", syscall(SYS_clock_adjtime, CLOCK_REALTIME, &tx) >= 0);
	});
}

#ifdef SYS_arch_prctl
static void segments(void)
{
	unsigned long fs = 0, gs = 1, own;

	asm volatile("mov %%fs:0, %0" : "=r"(own));
	CALL("arch_prctl get fs", syscall(SYS_arch_prctl, 0x1003, &fs));
	TRUE("fs is the thread's", fs == own);
	CALL("arch_prctl get gs", syscall(SYS_arch_prctl, 0x1004, &gs));
	VALUE("gs", gs);
	CALL("arch_prctl set gs", syscall(SYS_arch_prctl, 0x1001, &own));
	asm volatile("mov %%gs:0, %0" : "=r"(gs));
	TRUE("gs reads", gs == own);
	syscall(SYS_arch_prctl, 0x1004, &gs);
	TRUE("gs is", gs == (unsigned long)&own);
	CALL("arch_prctl set gs above", syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000ul));
	CALL("arch_prctl set fs above", syscall(SYS_arch_prctl, 0x1002, 0xffff800000000000ul));
	CALL("arch_prctl set fs odd", syscall(SYS_arch_prctl, 0x1002, 0x8000000000000000ul));
	CALL("arch_prctl get fs nowhere", syscall(SYS_arch_prctl, 0x1003, 8));
	CALL("arch_prctl set gs 0", syscall(SYS_arch_prctl, 0x1001, 0));
	CALL("arch_prctl cpuid allowed", syscall(SYS_arch_prctl, 0x1011, 0));
	CALL("arch_prctl none", syscall(SYS_arch_prctl, 0x1999, 0));
}
#endif

#ifdef __riscv
#ifndef SYS_riscv_hwprobe
#define SYS_riscv_hwprobe 258
#endif
#ifndef SYS_riscv_flush_icache
#define SYS_riscv_flush_icache 259
#endif
struct probe {
	int64_t key;
	uint64_t value;
};

static void riscv(void)
{
	struct probe p[3] = { { 3, 9 }, { 4, 9 }, { 100000, 9 } };
	uint32_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned long cpus = 1;

	CALL("riscv_hwprobe", syscall(SYS_riscv_hwprobe, p, 3, 0, NULL, 0));
	VALUE("base", p[0].value);
	VALUE("F, D and C", p[1].value & 3);
	VALUE("unknown key", p[2].key);
	VALUE("unknown value", p[2].value);
	p[0].key = 3;
	CALL("riscv_hwprobe of one", syscall(SYS_riscv_hwprobe, p, 1, 8, &cpus, 0));
	CALL("riscv_hwprobe flags", syscall(SYS_riscv_hwprobe, p, 1, 0, NULL, 0x80));
	CALL("riscv_hwprobe nowhere", syscall(SYS_riscv_hwprobe, BAD, 1, 0, NULL, 0));
	CALL("riscv_hwprobe of nothing", syscall(SYS_riscv_hwprobe, p, 0, 0, NULL, 0));
	/* li a0, 5; ret and then li a0, 6; ret */
	code[0] = 0x00500513;
	code[1] = 0x00008067;
	CALL("riscv_flush_icache", syscall(SYS_riscv_flush_icache, code, code + 2, 0));
	VALUE("code", ((int (*)(void))code)());
	code[0] = 0x00600513;
	CALL("riscv_flush_icache here", syscall(SYS_riscv_flush_icache, code, code + 2, 1));
	VALUE("code", ((int (*)(void))code)());
	CALL("riscv_flush_icache flags", syscall(SYS_riscv_flush_icache, code, code + 2, 2));
}
#endif

int main(void)
{
	ends();
	identities();
	tid_address();
	restarts();
	queued_signals();
	sequences();
	descriptors_of_others();
	advice_to_others();
	io_priorities();
	adjustments();
#ifdef SYS_arch_prctl
	segments();
#endif
#ifdef __riscv
	riscv();
#endif
	return 0;
}
