/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LIMIT 3000 */
/*
 * Random system calls, by two processes as root and two as nobody, for SECONDS_EACH seconds.  The
 * kernel must stay alive; what the calls answer does not matter.
 *
 * A supervisor forks victims one after the other.  A victim makes some thousand calls whose
 * arguments follow the kinds of kernel/syscall/syscalls.tbl (grammar.h is made from it):
 * descriptors it has, memory of its own with pointers at its very edge, values around every power
 * of two; now and then plain noise.  Its memory lies by itself and comes back when it was unmapped;
 * its signals all have handlers; the supervisor interrupts it when it sleeps and replaces it when
 * it makes no progress. Left out is what a program may rightly do to itself at once or to the whole
 * machine.
 *
 * The numbers come from SEED (environment), the role and the victim's number alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <asm/unistd.h>

struct call {
	const char *name;
	long number;
	int nr_args;
	const char *kinds[6];
	unsigned long flags[6];
};

#include <grammar.h>

#include "fuzz.h"

#define NR_CALLS (sizeof(calls) / sizeof(calls[0]))
#define ARENA_PAGES 64
#define NR_FDS 24
#define CALLS_PER_VICTIM 20000
/* Far from everything else, so that unmapping too much hits nothing. */
#define ARENA ((char *)0x1000000000)
#define TEXT  ((char *)0x1800000000)
#define TALLY ((void *)0x2000000000)

static const char *const spared[] = {"reboot", "exit",   "exit_group", "rt_sigreturn",
				     "vfork",  "execve", "execveat"};

static const char *const paths[] = {
	"a",
	"b",
	"c",
	"d",
	"d/e",
	"d/f",
	"a/",
	"./a",
	"../fuzz",
	".",
	"..",
	"",
	"/",
	"/tmp",
	"no/such/name",
	"/proc/self/maps",
	"/proc/self/mem",
	"/proc/self/status",
	"/proc/self/fd/3",
	"/proc/meminfo",
	"/proc/self/oom_score_adj",
	"/proc/self/environ",
	"/proc/mounts",
	"/proc/self/task",
	"/dev/null",
	"/dev/zero",
	"/dev/full",
	"/dev/random",
	"/dev/ptmx",
	"/dev/tty",
	"/sys",
	"/sys/kernel",
	"/dev/pts/0",
	"l",
};

/* Shared with the supervisor, for the line it leaves in the log. */
static struct tally {
	unsigned long made, succeeded;
} *tally;

static unsigned below(unsigned n)
{
	return (unsigned)(draw() >> 20) % n;
}

/* A number near something that matters. */
static unsigned long value(void)
{
	switch (below(8)) {
	case 0: return 0;
	case 1: return below(16);
	case 2: return (1ul << below(64)) + below(3) - 1;
	case 3: return -(1ul << below(64)) + below(3) - 1;
	case 4: return 4096ul * below(ARENA_PAGES + 8);
	case 5: return ~0ul - below(3);
	case 6: return below(100000);
	default: return draw();
	}
}

static unsigned long size(void)
{
	return below(16) ? below(3) ? below(64) : below(40000) : value();
}

/* Memory: mostly the arena, sometimes its edge, a hole, the kernel, text, or nothing. */
static unsigned long pointer(void)
{
	switch (below(24)) {
	case 0: return 0;
	case 1: return (unsigned long)ARENA + ARENA_PAGES * 4096ul - below(64);
	case 2: return (unsigned long)ARENA + (ARENA_PAGES + 1) * 4096ul;
	case 3: return draw();
	case 4: return 0xffff800000000000ul + value();
	case 5: return (unsigned long)TEXT + 4096 - below(64);
	default: return (unsigned long)ARENA + (draw() >> 9) % (ARENA_PAGES * 4096ul - 256) / 8 * 8;
	}
}

/* What a structure may hold: small numbers, sizes, pointers. */
static unsigned long structure(void)
{
	unsigned long p = pointer();
	unsigned long *word = (unsigned long *)p;

	if (p < (unsigned long)ARENA || p + 256 > (unsigned long)ARENA + ARENA_PAGES * 4096ul ||
	    p % 8)
		return p;
	for (int i = 0; i < 16; i++)
		switch (below(4)) {
		case 0: word[i] = value(); break;
		case 1: word[i] = pointer(); break;
		case 2: word[i] = size(); break;
		case 3: word[i] = below(NR_FDS) | (uint64_t)below(64) << 32; break;
		}
	return p;
}

static unsigned long flags(unsigned long known)
{
	unsigned long f = 0;

	for (int i = 0; i < 64; i++)
		if (known >> i & 1 && !below(3))
			f |= 1ul << i;
	return below(16) ? f : f | value();
}

static unsigned long pid(void)
{
	switch (below(4)) {
	case 0: return 0;
	case 1: return 0x3ffffff0ul + below(8);
	default: return (unsigned long)syscall(SYS_getpid);
	}
}

/* Not the two that nobody survives. */
static unsigned harmless(unsigned signo)
{
	return signo == SIGKILL || signo == SIGSTOP ? SIGUSR1 : signo;
}

static unsigned long argument(const struct call *c, int i)
{
	const char *k = c->kinds[i];

	if (!below(200))
		return strcmp(k, "pid") ? value() : pid();
	if (!strcmp(k, "fd"))
		return below(20) ? 3 + below(NR_FDS) : (unsigned)value();
	if (!strcmp(k, "dfd"))
		return below(3) ? (unsigned long)AT_FDCWD : 3 + below(NR_FDS);
	if (!strcmp(k, "path") || !strcmp(k, "str"))
		return below(20) ? (unsigned long)paths[below(sizeof(paths) / sizeof(paths[0]))]
				 : pointer();
	if (!strcmp(k, "size") || !strcmp(k, "ssize"))
		return size();
	if (!strcmp(k, "off"))
		return below(2) ? size() : value();
	if (!strcmp(k, "mode"))
		return below(010000);
	if (!strcmp(k, "pid"))
		return pid();
	if (!strcmp(k, "uid"))
		return below(2) ? 65534 : value();
	if (!strcmp(k, "sig"))
		return harmless(below(66));
	if (!strcmp(k, "clockid"))
		return below(14);
	if (!strcmp(k, "bin") || !strcmp(k, "bout") || !strcmp(k, "out"))
		return pointer();
	if (!strcmp(k, "in") || !strcmp(k, "io"))
		return structure();
	if (!strcmp(k, "addr"))
		return pointer() & (below(4) ? ~4095ul : ~0ul);
	return c->flags[i] ? flags(c->flags[i]) : value();
}

static int is_spared(const struct call *c)
{
	for (unsigned i = 0; i < sizeof(spared) / sizeof(spared[0]); i++)
		if (!strcmp(c->name, spared[i]))
			return 1;
	return 0;
}

/* A signal to everybody, and what would leave the program without its handlers, stack or thread
 * area. */
static int ends_the_game(const struct call *c, const unsigned long *a)
{
	if (!strcmp(c->name, "kill") || !strcmp(c->name, "setpriority"))
		return (int)a[0] < 0;
	if (!strcmp(c->name, "rt_sigaction"))
		return a[0] == SIGSEGV || a[0] == SIGALRM || a[0] == SIGBUS;
	if (!strcmp(c->name, "clone"))
		return a[0] & 0x100; /* CLONE_VM */
	return !strcmp(c->name, "clone3") || !strcmp(c->name, "arch_prctl") ||
	       !strcmp(c->name, "sigaltstack");
}

static void one_call(void)
{
	const struct call *c = &calls[below(NR_CALLS)];
	unsigned long a[6] = { 0 };
	long me = syscall(SYS_gettid), result;

	if (is_spared(c))
		return;
	for (int i = 0; i < c->nr_args; i++)
		a[i] = argument(c, i);
	if (ends_the_game(c, a))
		return;
	result = syscall(c->number, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (syscall(SYS_gettid) != me)
		syscall(SYS_exit, 0);
	tally->made++;
	tally->succeeded += result >= 0;
}

static void on_signal(int signo)
{
}

static void map_arena(void)
{
	mmap(ARENA, ARENA_PAGES * 4096, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/*
 * A page that cannot be written, until a call makes it so: none of the program's own, whose
 * constants say which numbers are processes.
 */
static void map_text(void)
{
	mmap(TEXT, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* The arena was unmapped or protected: have it again, and go on. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	char *at = info->si_addr;

	if (at < ARENA || at >= ARENA + ARENA_PAGES * 4096)
		_exit(7);
	map_arena();
}

static void take_signals(void)
{
	struct sigaction plain = {.sa_handler = on_signal},
			 fault = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	for (int signo = 1; signo < NSIG; signo++)
		sigaction(signo, &plain, NULL);
	sigaction(SIGSEGV, &fault, NULL);
	sigaction(SIGBUS, &fault, NULL);
}

/*
 * Root may rightly change the modes of every file.  So a victim lives in a mount namespace where
 * all is read-only but its own directory; what it reaches beyond by chance mounts is little.
 */
static void jail(const char *dir)
{
	static const char *const shared[] = { "/", "/proc", "/dev", "/sys" };

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", dir, "tmpfs", 0, "mode=777,size=16m") || chdir(dir))
		_exit(8);
	mkdir("d", 0777);
	for (unsigned i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		mount(NULL, shared[i], NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
}

/* Descriptors of every kind, numbers 3 and up. */
static void open_some(void)
{
	int p[2];

	open(".", O_RDONLY | O_DIRECTORY);
	open("a", O_RDWR | O_CREAT, 0666);
	open("b", O_RDWR | O_CREAT | O_APPEND, 0666);
	open("/dev/zero", O_RDWR);
	open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
	open("/proc/self/maps", O_RDONLY);
	pipe2(p, O_NONBLOCK);
	pipe2(p, 0);
	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, p);
	socket(AF_UNIX, SOCK_SEQPACKET, 0);
	epoll_create1(0);
	eventfd(0, EFD_NONBLOCK);
	timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	inotify_init1(IN_NONBLOCK);
	syscall(SYS_memfd_create, "m", 2);
	open("/tmp", O_PATH);
}

static void victim(const char *dir, uint64_t seed, int nobody)
{
	struct rlimit files = {64, 64}, procs = {64, 64}, core = {0, 0},
		      space = {512ul << 20, 512ul << 20}, fsize = {1 << 20, 1 << 20};

	draw_from(seed);
	setsid();
	for (int fd = 0; fd < 3; fd++)
		dup2(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
	take_signals();
	jail(dir);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_AS, &space);
	setrlimit(RLIMIT_FSIZE, &fsize);
	if (nobody) {
		setrlimit(RLIMIT_NPROC, &procs);
		if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
			_exit(9);
	}
	map_arena();
	map_text();
	for (int i = 0; i < CALLS_PER_VICTIM; i++) {
		if (i % 400 == 0) {
			syscall(__NR_close_range, 3, ~0u, 0);
			open_some();
		}
		one_call();
	}
	_exit(0);
}

/* Wake it while it goes on; when it does not, make an end of it.  What it left ends with it. */
static void attend(pid_t child)
{
	struct timespec step = { 0, 4000000 };
	unsigned long seen = 0;
	int status, still = 0;

	while (still < 40) {
		if (waitpid(child, &status, WNOHANG) == child) {
			kill(-child, SIGKILL);
			return;
		}
		nanosleep(&step, NULL);
		if (tally->made == seen)
			kill(child, SIGALRM);
		still = tally->made == seen ? still + 1 : 0;
		seen = tally->made;
	}
	kill(-child, SIGKILL);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

static void supervise(int role, uint64_t seed, double until)
{
	char dir[32];
	uint64_t n;

	snprintf(dir, sizeof(dir), "/tmp/fuzz.%d", role);
	tally = mmap(TALLY, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (mkdir(dir, 0777) || tally == MAP_FAILED)
		_exit(1);
	for (n = 0; now() < until; n++) {
		pid_t child = fork();

		if (!child)
			victim(dir, seed + role * 1000003ull + n * 4, role & 1);
		if (child > 0)
			attend(child);
	}
	note("role %d, %lu programs, %lu calls, %lu succeeded", role, (unsigned long)n, tally->made,
	     tally->succeeded);
	_exit(0);
}

int main(void)
{
	static const char *const roles[] = {"as root", "as nobody", "as root", "as nobody"};

	return supervisors(4, roles, 8, supervise);
}
