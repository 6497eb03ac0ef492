/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pidfds of processes and threads: opening, polling, pidfd_send_signal(2) with its scopes. */
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>

#include "check.h"

#define THREAD        1
#define THREAD_GROUP  2
#define PROCESS_GROUP 4
#define OPEN_THREAD   O_EXCL

static long pidfd_open(int nr, unsigned flags)
{
	return syscall(SYS_pidfd_open, nr, flags);
}

static long send(int fd, int sig, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}

static long tid(void)
{
	return syscall(SYS_gettid);
}

static volatile int got_by, got_code, got_count;
static volatile int main_tid, other_tid;

static void handler(int sig, siginfo_t *info, void *context)
{
	got_by = tid();
	got_code = info->si_code;
	got_count++;
}

/* Who got it, and how it says it was sent. */
static void arrived(const char *name, long r)
{
	CALL(name, r);
	for (int i = 0; i < 200 && !got_count && r == 0; i++)
		sleep_ms(10);
	printf("%s: came %d times, to %s, code %d\n", name, got_count,
	       !got_count            ? "nobody"
	       : got_by == main_tid  ? "main"
	       : got_by == other_tid ? "other"
				     : "?",
	       got_code);
	got_by = got_code = got_count = 0;
}

static void polls(const char *name, int fd, int timeout)
{
	struct pollfd p = { fd, POLLIN | POLLHUP };
	int n = poll(&p, 1, timeout);

	printf("%s: %d, in %s, hung up %s\n", name, n, p.revents & POLLIN ? "yes" : "no",
	       p.revents & POLLHUP ? "yes" : "no");
}

static int hold[2];

static void *other(void *arg)
{
	char c;

	other_tid = tid();
	while (read(hold[0], &c, 1) < 0 && errno == EINTR)
		;
	return NULL;
}

static void threads(void)
{
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	pthread_t t;
	sigset_t set, old;
	int whole, mine, its;

	main_tid = tid();
	pipe(hold);
	pthread_create(&t, NULL, other, NULL);
	while (!other_tid)
		sleep_ms(1);
	whole = OPEN("process", pidfd_open(getpid(), 0));
	mine = OPEN("main thread", pidfd_open(getpid(), OPEN_THREAD));
	its = OPEN("other thread", pidfd_open(other_tid, OPEN_THREAD));
	TRUE("keeps the flag", fcntl(its, F_GETFL) & OPEN_THREAD);
	arrived("to the main thread", send(mine, SIGUSR1, NULL, 0));
	arrived("to the other thread", send(its, SIGUSR1, NULL, 0));
	arrived("to the other, as thread", send(its, SIGUSR1, NULL, THREAD));
	arrived("process, as thread", send(whole, SIGUSR1, NULL, THREAD));
	/* The main thread blocks it, so the other gets what is for the process. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, &old);
	arrived("to the process", send(whole, SIGUSR1, NULL, 0));
	arrived("to the process of the main thread", send(mine, SIGUSR1, NULL, THREAD_GROUP));
	arrived("to the process of the other thread", send(its, SIGUSR1, NULL, THREAD_GROUP));
	sigpending(&set);
	VALUE("pending", sigismember(&set, SIGUSR1));
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	arrived("with information", send(mine, SIGUSR1, &info, 0));
	arrived("with information, to the other", send(its, SIGUSR1, &info, 0));
	info.si_code = SI_USER;
	arrived("as if by kill", send(mine, SIGUSR1, &info, 0));
	arrived("as if by kill, process", send(whole, SIGUSR1, &info, 0));
	CALL("as if by kill, other", send(its, SIGUSR1, &info, 0));
	info.si_code = SI_TKILL;
	CALL("as if by tkill, other", send(its, SIGUSR1, &info, THREAD));
	arrived("as if by tkill", send(mine, SIGUSR1, &info, THREAD));
	info.si_code = SI_USER;
	CALL("as if by kill, group", send(whole, SIGUSR1, &info, PROCESS_GROUP));
	polls("other lives", its, 0);
	close(hold[1]);
	pthread_join(t, NULL);
	/* It is dead before it is gone. */
	for (int i = 0; i < 500; i++) {
		struct pollfd p = { its, POLLIN };

		if (poll(&p, 1, 5000) == 1 && p.revents & POLLHUP)
			break;
		sleep_ms(10);
	}
	polls("other is gone", its, 0);
	polls("main lives", mine, 0);
	CALL("to the gone", send(its, SIGUSR1, NULL, 0));
	CALL("to the process of the gone", send(its, SIGUSR1, NULL, THREAD_GROUP));
	CALL("gone thread", pidfd_open(other_tid, OPEN_THREAD));
	close(whole);
	close(mine);
	close(its);
}

static void arguments(void)
{
	siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
	int fd = pidfd_open(getpid(), 0), null = open("/dev/null", O_RDONLY);

	CALL("unknown flag", send(fd, 0, NULL, 8));
	CALL("unknown flag of open", pidfd_open(getpid(), O_CREAT));
	CALL("two scopes", send(fd, 0, NULL, THREAD | THREAD_GROUP));
	CALL("two scopes, bad descriptor", send(-1, 0, NULL, THREAD | PROCESS_GROUP));
	CALL("bad descriptor, bad signal", send(-1, 100, NULL, 0));
	CALL("no pidfd", send(null, 0, NULL, 0));
	CALL("no pidfd, bad signal", send(null, -1, NULL, THREAD));
	CALL("bad signal", send(fd, 65, NULL, 0));
	CALL("bad signal, thread", send(fd, -1, NULL, THREAD));
	CALL("bad signal, group", send(fd, 65, NULL, PROCESS_GROUP));
	CALL("another signal in the information", send(fd, SIGUSR1, &info, 0));
	CALL("bad information", send(fd, SIGUSR1, BAD, 0));
	CALL("nothing", send(fd, 0, NULL, THREAD));
	CALL("nothing, process", send(fd, 0, NULL, THREAD_GROUP));
	CALL("nothing, group", send(fd, 0, NULL, PROCESS_GROUP));
	close(fd);
	close(null);
}

/* Children in a group of their own. */
static void groups(void)
{
	pid_t first, second;
	int one, two, status;

	fflush(stdout);
	first = fork();
	if (!first)
		for (;;)
			pause();
	second = fork();
	if (!second)
		for (;;)
			pause();
	setpgid(first, first);
	setpgid(second, first);
	one = pidfd_open(first, 0);
	two = pidfd_open(second, 0);
	CALL("no leader of a group", send(two, SIGTERM, NULL, PROCESS_GROUP));
	polls("lives", one, 0);
	CHILD("as nobody", setuid(1000); CALL("to the process", send(one, 0, NULL, 0));
	      CALL("to the thread", send(one, 0, NULL, THREAD));
	      CALL("to the group", send(one, 0, NULL, PROCESS_GROUP)));
	CALL("leader of a group", send(one, SIGTERM, NULL, PROCESS_GROUP));
	polls("dead", one, 5000);
	polls("dead", two, 5000);
	CALL("to the dead", send(one, SIGTERM, NULL, 0));
	CALL("to the dead thread", send(one, SIGTERM, NULL, THREAD));
	CALL("to the group of the dead", send(one, SIGTERM, NULL, PROCESS_GROUP));
	waitpid(first, &status, 0);
	show_status("first", status);
	polls("waited for", one, 0);
	CALL("to who was waited for", send(one, SIGTERM, NULL, 0));
	CALL("to the group, one left", send(one, SIGTERM, NULL, PROCESS_GROUP));
	waitpid(second, &status, 0);
	show_status("second", status);
	CALL("to nobody", send(one, SIGTERM, NULL, PROCESS_GROUP));
	CALL("to nobody", send(one, SIGTERM, NULL, THREAD));
	close(one);
	close(two);
}

/* Directories of /proc stand for their processes here, and nowhere else. */
static void directories(void)
{
	int dir = open("/proc/self", O_RDONLY | O_DIRECTORY), tasks = open("/proc/self/task", O_RDONLY),
	    proc = open("/proc", O_RDONLY), path = open("/proc/self", O_PATH), task, dead;
	char name[64];
	pid_t child;

	snprintf(name, sizeof(name), "/proc/self/task/%d", getpid());
	task = open(name, O_RDONLY);
	arrived("by directory", send(dir, SIGUSR1, NULL, 0));
	arrived("by directory, to the group", send(dir, SIGUSR1, NULL, PROCESS_GROUP));
	CALL("by the directory of a thread", send(task, SIGUSR1, NULL, 0));
	CALL("by the directory of threads", send(tasks, SIGUSR1, NULL, 0));
	CALL("by the root of proc", send(proc, SIGUSR1, NULL, 0));
	CALL("by a path", send(path, SIGUSR1, NULL, 0));
	CALL("a file of the directory", syscall(SYS_pidfd_getfd, dir, 0, 0));
	CALL("waitid", waitid(P_PIDFD, dir, NULL, WEXITED | WNOHANG));
	child = fork();
	if (!child)
		_exit(0);
	snprintf(name, sizeof(name), "/proc/%d", child);
	dead = open(name, O_RDONLY);
	waitpid(child, NULL, 0);
	CALL("by the directory of the gone", send(dead, SIGUSR1, NULL, 0));
	close(dead);
	close(dir);
	close(tasks);
	close(proc);
	close(path);
	close(task);
}

int main(void)
{
	struct sigaction a = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };

	sigaction(SIGUSR1, &a, NULL);
	setpgid(0, 0);
	arguments();
	threads();
	groups();
	directories();
	return 0;
}
