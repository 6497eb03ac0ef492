/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CPU time that is limited (RLIMIT_CPU, RLIMIT_RTTIME), CPU-time interval timers beside it, and
 * processes whose threads end together with such timers running.  What a process is told of the
 * time and memory of its children and theirs.  Timers, by who takes their signals.  Positions of
 * descriptors that have none, names in /proc that nobody can make.
 */
/* LIMIT 300 */
#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static double cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Most of it in user mode. */
static void burn_until(double seconds)
{
	while (cpu_seconds() < seconds) {
		for (volatile int i = 0; i < 20000; i++)
			;
	}
}

static void limit(rlim_t soft, rlim_t hard)
{
	struct rlimit l = {soft, hard};

	if (setrlimit(RLIMIT_CPU, &l))
		_exit(99);
}

static volatile sig_atomic_t times_told, alarms;
static double told_at;

static void told(int signo)
{
	times_told++;
	told_at = cpu_seconds();
}

static void alarmed(int signo)
{
	alarms++;
}

static void by_default(void)
{
	limit(1, RLIM_INFINITY);
	burn_until(60);
}

static void burn_until_told(int times)
{
	while (times_told < times && cpu_seconds() < 60)
		;
}

/* Told at one second, and at each one after it, of which the soft limit keeps count. */
static void told_twice(void)
{
	struct rlimit now;

	signal(SIGXCPU, told);
	limit(1, RLIM_INFINITY);
	burn_until_told(1);
	getrlimit(RLIMIT_CPU, &now);
	TRUE("told, no sooner than a second", times_told && told_at >= 1);
	TRUE("the soft limit has grown", now.rlim_cur >= 2 && now.rlim_cur < 60);
	burn_until_told(2);
	TRUE("told again, no sooner than two", times_told >= 2 && told_at >= 2);
}

static void inherited(void)
{
	limit(1, 1);
	CHILD("child of a limited one", burn_until(60));
}

/* RLIMIT_RTTIME, in microseconds, of a real-time thread that does not sleep. */
static void real_time(rlim_t soft, rlim_t hard)
{
	struct sched_param param = {.sched_priority = 1};
	struct rlimit l = {soft, hard};

	if (setrlimit(RLIMIT_RTTIME, &l) || syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &param))
		_exit(99);
}

static void real_time_told(void)
{
	struct rlimit now;

	signal(SIGXCPU, told);
	real_time(100000, RLIM_INFINITY);
	burn_until_told(1);
	getrlimit(RLIMIT_RTTIME, &now);
	TRUE("real time: told", times_told && told_at >= 0.05);
	TRUE("a second more", now.rlim_cur >= 1100000 && now.rlim_cur < 60000000);
}

static void real_time_asleep(void)
{
	signal(SIGXCPU, told);
	real_time(400000, RLIM_INFINITY);
	for (int i = 0; i < 20; i++) {
		burn_until(cpu_seconds() + 0.05);
		sleep_ms(1);
	}
	VALUE("who sleeps is not told", times_told);
}

/* A long timer does not keep a short one waiting. */
static void timers_beside(void)
{
	struct itimerval soon = {.it_value.tv_usec = 100000}, late = {.it_value.tv_sec = 1000};

	signal(SIGVTALRM, alarmed);
	setitimer(ITIMER_VIRTUAL, &soon, NULL);
	setitimer(ITIMER_PROF, &late, NULL);
	limit(1000, 1000);
	while (!alarms && cpu_seconds() < 60)
		burn_until(cpu_seconds() + 0.01);
	VALUE("timers that were due", alarms);
}

static void *wait_for_all(void *arg)
{
	pthread_barrier_wait(arg);
	return NULL;
}

/* Both threads at their ends at once, while timers of the process run. */
static void end_together(void)
{
	struct itimerval often = {{0, 1000}, {0, 1000}};
	pthread_barrier_t both;
	pthread_t thread;

	signal(SIGALRM, SIG_IGN);
	signal(SIGPROF, SIG_IGN);
	setitimer(ITIMER_REAL, &often, NULL);
	setitimer(ITIMER_PROF, &often, NULL);
	pthread_barrier_init(&both, NULL, 2);
	if (pthread_create(&thread, NULL, wait_for_all, &both))
		_exit(1);
	pthread_barrier_wait(&both);
	syscall(SYS_exit, 0);
}

static void ends(void)
{
	int bad = 0;

	for (int i = 0; i < 200; i++) {
		pid_t child = fork();
		int status;

		if (!child)
			end_together();
		bad += waitpid(child, &status, 0) != child || status;
	}
	VALUE("processes that ended otherwise", bad);
}

static void *nothing(void *arg)
{
	return NULL;
}

/* Threads that end neither leave the process's CPU time nor count twice. */
static void time_goes_on(void)
{
	double before = cpu_seconds(), now;
	int back = 0;

	for (int i = 0; i < 200; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL))
			_exit(1);
		for (int j = 0; j < 50; j++, before = now) {
			now = cpu_seconds();
			back += now < before;
		}
		pthread_join(thread, NULL);
	}
	VALUE("CPU time went back", back);
}

static double seconds_of(const struct rusage *u)
{
	return (double)u->ru_utime.tv_sec + (double)u->ru_stime.tv_sec +
	       (double)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) / 1e6;
}

/* A grandchild uses half a second and 16 MiB. */
static void usage(void)
{
	struct rusage u;
	pid_t child = fork();

	if (!child) {
		pid_t grandchild = fork();

		if (!grandchild) {
			volatile char *memory = malloc(16 << 20);

			for (int i = 0; i < 16 << 20; i += 1024)
				memory[i] = 1;
			burn_until(0.5);
			_exit(0);
		}
		waitpid(grandchild, NULL, 0);
		getrusage(RUSAGE_SELF, &u);
		_exit(seconds_of(&u) > 0.4 || u.ru_maxrss > 15000);
	}
	int status;
	CALL("wait4", wait4(child, &status, 0, &u) == child ? 0 : -1);
	show_status("child", status);
	TRUE("its rusage has its children's time", seconds_of(&u) > 0.4);
	TRUE("and memory", u.ru_maxrss > 15000 && u.ru_maxrss < 64000);
	getrusage(RUSAGE_CHILDREN, &u);
	TRUE("so has ours of children", seconds_of(&u) > 0.4 && u.ru_maxrss > 15000);
}

static void count(int signo)
{
	alarms++;
}

/* The signals of a periodic timer, taken in the one way and the other. */
static void taken(void)
{
	struct itimerspec often = {{0, 5000000}, {0, 5000000}};
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
	struct timespec long_time = {20, 0};
	struct signalfd_siginfo si;
	siginfo_t info;
	timer_t timer;
	sigset_t set;
	int got = 0, fd;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, 0);
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	timer_settime(timer, 0, &often, NULL);
	for (int i = 0; i < 3; i++)
		got += read(fd, &si, sizeof(si)) == sizeof(si) && si.ssi_code == SI_TIMER;
	VALUE("taken by signalfd", got);
	for (got = 0; got < 3; got++)
		if (sigtimedwait(&set, &info, &long_time) != SIGUSR1)
			break;
	VALUE("taken by sigtimedwait", got);
	sleep_ms(50);
	sigtimedwait(&set, &info, &long_time);
	TRUE("some were missed", timer_getoverrun(timer) >= 8);
	signal(SIGUSR1, SIG_IGN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	timer_settime(timer, 0, &often, NULL);
	sleep_ms(50);
	alarms = 0;
	signal(SIGUSR1, count);
	for (int i = 0; i < 2000 && alarms < 3; i++)
		sleep_ms(10);
	TRUE("goes on after it was ignored", alarms >= 3);
	timer_delete(timer);
}

static void real_timer(void)
{
	struct itimerval often = {{0, 5000}, {0, 5000}}, now, hectic = {{0, 1}, {0, 1}};
	struct itimerval none = {{0, 0}, {0, 0}};
	sigset_t set;

	signal(SIGALRM, count);
	alarms = 0;
	setitimer(ITIMER_REAL, &often, NULL);
	for (int i = 0; i < 2000 && alarms < 3; i++)
		sleep_ms(10);
	TRUE("real timer goes on", alarms >= 3);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sleep_ms(100);
	getitimer(ITIMER_REAL, &now);
	printf("while its signal waits: %ld %ld, every %ld %ld\n", (long)now.it_value.tv_sec,
	       (long)now.it_value.tv_usec, (long)now.it_interval.tv_sec,
	       (long)now.it_interval.tv_usec);
	alarms = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	for (int i = 0; i < 2000 && alarms < 3; i++)
		sleep_ms(10);
	TRUE("goes on when it is taken", alarms >= 3);
	signal(SIGALRM, SIG_IGN);
	sleep_ms(100);
	alarms = 0;
	signal(SIGALRM, count);
	sleep_ms(200);
	VALUE("after it was ignored", alarms);
	setitimer(ITIMER_REAL, &hectic, NULL);
	for (int i = 0; i < 2000 && alarms < 100; i++)
		sleep_ms(10);
	TRUE("a microsecond", alarms >= 100);
	setitimer(ITIMER_REAL, &none, NULL);
}

static void positions(void)
{
	sigset_t none;

	sigemptyset(&none);
	int fds[] = {eventfd(0, 0), epoll_create1(0), timerfd_create(CLOCK_MONOTONIC, 0),
		     inotify_init1(0), signalfd(-1, &none, 0)};
	static const char *const names[] = {"eventfd", "epoll", "timerfd", "inotify", "signalfd"};
	char name[40], byte;

	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		snprintf(name, sizeof(name), "lseek of %s", names[i]);
		CALL(name, lseek(fds[i], 5, SEEK_SET));
		snprintf(name, sizeof(name), "pread of %s", names[i]);
		CALL(name, pread(fds[i], &byte, 1, 0));
	}
}

static void names_in_proc(void)
{
	static const char *const names[] = {
		"/proc/new",      "/proc/sys/new",        "/proc/sys/kernel/new",
		"/proc/self/new", "/proc/self/fd/99",     "/proc/self/task/new",
		"/proc/99999999", "/proc/self/fdinfo/new"};
	char name[60];

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(name, sizeof(name), "open %s", names[i]);
		CALL(name, open(names[i], O_CREAT | O_RDWR, 0644));
		snprintf(name, sizeof(name), "mkdir %s", names[i]);
		CALL(name, mkdir(names[i], 0755));
		snprintf(name, sizeof(name), "symlink %s", names[i]);
		CALL(name, symlink("x", names[i]));
		snprintf(name, sizeof(name), "rename to %s", names[i]);
		CALL(name, rename("/proc/uptime", names[i]));
	}
}

int main(void)
{
	CHILD("limit by default", by_default());
	CHILD("told twice", told_twice());
	CHILD("limited", inherited());
	CHILD("none at all", limit(0, 0), burn_until(60));
	CHILD("real time", real_time(100000, RLIM_INFINITY), burn_until(60));
	CHILD("real time told", real_time_told());
	CHILD("real time ended", signal(SIGXCPU, told), real_time(100000, 200000), burn_until(60));
	CHILD("real time asleep", real_time_asleep());
	CHILD("timers", timers_beside());
	ends();
	time_goes_on();
	CHILD("usage", usage());
	CHILD("signals of timers", taken());
	CHILD("real timer", real_timer());
	positions();
	names_in_proc();
	return 0;
}
