/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes: fork, wait, exec, groups and sessions, subreapers, limits, scheduling calls. */
#include "check.h"
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

extern char **environ;

static void waits(void)
{
	int st;
	siginfo_t si;
	struct rusage ru;
	pid_t p;

	CALL("wait without children", wait(&st));
	CALL("waitid without children", waitid(P_ALL, 0, &si, WEXITED));
	CALL("waitid without events", waitid(P_ALL, 0, &si, 0));
	CALL("waitid bad type", waitid(77, 0, &si, WEXITED));
	CALL("wait4 bad options", syscall(SYS_wait4, -1, &st, 0x100, NULL));
	CALL("wait4 INT_MIN", syscall(SYS_wait4, 0x80000000, &st, 0, NULL));
	CHILD("exit 0", _exit(0));
	CHILD("exit 255", _exit(255));
	CHILD("exit 256 wraps", _exit(256));
	CHILD("exit -1", _exit(-1));
	if (!(p = fork()))
		_exit(9);
	CALL("another's child", waitpid(1, &st, 0));
	CALL("waitid WNOWAIT", waitid(P_PID, p, &si, WEXITED | WNOWAIT));
	VALUE("code", si.si_code);
	VALUE("status", si.si_status);
	VALUE("signal", si.si_signo);
	TRUE("wait4 takes it", wait4(p, &st, 0, &ru) == p);
	show_status("status", st);
	CALL("gone", waitpid(p, &st, 0));
	if (!(p = fork())) {
		setpgid(0, 0);
		_exit(4);
	}
	setpgid(p, p);
	TRUE("wait for the group", waitpid(-p, &st, 0) == p);
	if (!(p = fork()))
		pause();
	si.si_pid = 5;
	CALL("waitid WNOHANG", waitid(P_PID, p, &si, WEXITED | WNOHANG));
	VALUE("pid zero", si.si_pid);
	kill(p, SIGKILL);
	waitid(P_PID, p, &si, WEXITED);
	VALUE("killed code", si.si_code);
	VALUE("killed status", si.si_status);
	int fd = syscall(SYS_pidfd_open, getpid(), 0);
	TRUE("pidfd_open", fd >= 0);
	close(fd);
	CALL("pidfd_open nobody", syscall(SYS_pidfd_open, 99999999, 0));
	CALL("pidfd_open flags", syscall(SYS_pidfd_open, getpid(), 1));
	if (!(p = fork()))
		_exit(6);
	fd = syscall(SYS_pidfd_open, p, 0);
	CALL("waitid P_PIDFD", waitid(3, fd, &si, WEXITED));
	VALUE("status", si.si_status);
	CALL("pidfd_send_signal to the dead", syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
	close(fd);
}

static int shared_value;

static void forks(void)
{
	int st;
	volatile int *s =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHILD("memory is copied", {
		shared_value = 1;
		*s = 1;
	});
	VALUE("private", shared_value);
	VALUE("shared", *s);
	pid_t p = vfork();
	if (!p)
		_exit(11);
	waitpid(p, &st, 0);
	show_status("vfork", st);
	int fd = open("pos", O_CREAT | O_RDWR, 0600);
	CHILD("position is shared", write(fd, "abc", 3));
	VALUE("position", lseek(fd, 0, SEEK_CUR));
	CHILD("child's child", {
		pid_t me = getpid();
		CHILD("parent", TRUE("ppid", getppid() == me));
	});
	CHILD("pending signals are not inherited", {
		sigset_t s1, pend;
		sigfillset(&s1);
		sigprocmask(SIG_BLOCK, &s1, NULL);
		raise(SIGUSR1);
		CHILD("grandchild", {
			sigpending(&pend);
			TRUE("nothing pending", !sigismember(&pend, SIGUSR1));
			sigprocmask(SIG_BLOCK, NULL, &pend);
			TRUE("mask inherited", sigismember(&pend, SIGUSR1));
		});
	});
	CALL("clone THREAD without SIGHAND", syscall(SYS_clone, 0x10000, 0, 0, 0, 0));
	CALL("clone SIGHAND without VM", syscall(SYS_clone, 0x800, 0, 0, 0, 0));
	CALL("clone3 too small", syscall(SYS_clone3, &(long[16]){ 0 }, 8));
	CALL("clone3 bad pointer", syscall(SYS_clone3, BAD, 64));
}

/* The signal a child sends at its end may be any number: what is no signal is not sent. */
static void end_signals(void)
{
	static const int numbers[] = { 0, SIGUSR1, 64, 65, 66, 127, 200, 255 };
	sigset_t all, pend;
	int st;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		long pid = syscall(SYS_clone, numbers[i], 0, 0, 0, 0);

		if (!pid)
			_exit(3);
		CALL("no child of fork's", waitpid(pid, &st, 0));
		TRUE("waited for", waitpid(pid, &st, __WCLONE) == pid);
		show_status("its end", st);
		sigpending(&pend);
		for (int sig = 1; sig <= 64; sig++)
			if (sigismember(&pend, sig) == 1)
				VALUE("pending", sig);
		while (sigtimedwait(&all, NULL, &(struct timespec){ 0 }) > 0)
			;
	}
	sigprocmask(SIG_UNBLOCK, &all, NULL);
}

static void orphans(void)
{
	int st, p[2];
	pid_t ppid = 0;

	pipe(p);
	CALL("subreaper", prctl(PR_SET_CHILD_SUBREAPER, 1));
	int sub = 0;
	prctl(PR_GET_CHILD_SUBREAPER, &sub);
	VALUE("it is", sub);
	CHILD("middle", {
		pid_t middle = getpid();
		if (!fork()) {
			while (getppid() == middle)
				sleep_ms(5);
			ppid = getppid();
			write(p[1], &ppid, sizeof(ppid));
			_exit(21);
		}
	});
	read(p[0], &ppid, sizeof(ppid));
	TRUE("comes to the subreaper", ppid == getpid());
	wait(&st);
	show_status("and is waited for", st);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	CHILD("parent death signal", {
		prctl(PR_SET_CHILD_SUBREAPER, 1);
		pipe(p);
		pid_t mid = fork();
		if (!mid) {
			if (!fork()) {
				prctl(PR_SET_PDEATHSIG, SIGUSR1);
				write(p[1], "x", 1);
				for (;;)
					pause();
			}
			char c;
			read(p[0], &c, 1);
			_exit(0);
		}
		waitpid(mid, &st, 0);
		wait(&st);
		show_status("orphan", st);
	});
}

static void groups(void)
{
	pid_t me = getpid();

	TRUE("leader", getpgrp() == getsid(0));
	CHILD("groups", {
		me = getpid();
		CALL("setpgid", setpgid(0, 0));
		TRUE("own group", getpgrp() == me);
		CALL("setsid of a leader", setsid());
		CALL("setpgid negative", setpgid(0, -1));
		CALL("setpgid to no group", setpgid(0, 99999999));
		CALL("setpgid of nobody", setpgid(99999999, 0));
		CALL("setpgid of parent", setpgid(getppid(), 0));
		CALL("getpgid nobody", getpgid(99999999));
		CALL("getsid nobody", getsid(99999999));
	});
	CHILD("sessions", {
		me = getpid();
		TRUE("setsid", setsid() == me);
		CALL("setsid again", setsid());
		CALL("setpgid of a session leader", setpgid(0, 0));
		pid_t p = fork();
		if (!p) {
			setsid();
			for (;;)
				pause();
		}
		while (getsid(p) == me)
			sleep_ms(2);
		CALL("setpgid across sessions", setpgid(p, me));
		kill(p, SIGKILL);
	});
	int p[2];
	pipe(p);
	CHILD("setpgid after exec", {
		int up[2];
		pipe2(up, O_CLOEXEC);
		pid_t c = fork();
		if (!c)
			execl("/bin/busybox", "sleep", "100", NULL);
		close(up[1]);
		char b;
		read(up[0], &b, 1);
		CALL("EACCES", setpgid(c, c));
		kill(c, SIGKILL);
	});
}

static void make(const char *name, const char *text, int mode)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0700);

	write(fd, text, strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static void execs(void)
{
	char *none[] = { NULL }, *argv[] = { "x", "a b", "", NULL }, *env[] = { "V=w", "W=", NULL };
	struct rlimit rl;

	CALL("exec nothing", execve("nope", argv, env));
	make("plain", "echo hi\n", 0755);
	CALL("no format", execve("./plain", argv, env));
	make("empty", "", 0755);
	CALL("empty", execve("./empty", argv, env));
	make("noexec", "#!/bin/sh\n", 0644);
	CALL("not executable", execve("./noexec", argv, env));
	CALL("directory", execve(".", argv, env));
	CALL("below a file", execve("plain/x", argv, env));
	make("nointerp", "#!/no/such\n", 0755);
	CALL("no interpreter", execve("./nointerp", argv, env));
	make("blank", "#!  \n", 0755);
	CALL("blank interpreter", execve("./blank", argv, env));
	make("shortelf", "\177ELF", 0755);
	CALL("short ELF", execve("./shortelf", argv, env));
	CALL("bad pointer", execve(BAD, argv, env));
	CALL("bad argv", execve("/bin/busybox", BAD, env));
	char *huge = malloc(200000);
	memset(huge, 'a', 199999);
	huge[199999] = 0;
	CALL("argument too long", execve("/bin/busybox", (char *[]){ "true", huge, NULL }, env));
	int fd = open("busy", O_CREAT | O_WRONLY, 0755);
	CALL("open for writing", execve("./busy", argv, env));
	close(fd);
	make("script", "#!/bin/sh -e\necho \"script: $0 $# $1 $2\"\n", 0755);
	CHILD("script", execve("./script", argv, env));
	make("nest", "#!./script\nxx\n", 0755);
	CHILD("script of a script", execve("./nest", argv, env));
	CHILD("environment", execve("/bin/busybox", (char *[]){ "env", NULL }, env));
	make("shebang", "#! /bin/echo one two  three \n", 0755);
	CHILD("one argument of the interpreter", execve("./shebang", argv, env));
	CHILD("close on exec", {
		int a = open("plain", O_RDONLY | O_CLOEXEC), b = open("plain", O_RDONLY);
		dup2(b, 20);
		dup3(a, 21, O_CLOEXEC);
		execl("/bin/sh", "sh", "-c",
		      "test -e /proc/self/fd/20 && echo 20 stays; test -e /proc/self/fd/21 || echo "
		      "21 goes",
		      NULL);
	});
	CHILD("handlers reset, ignored stays", {
		signal(SIGUSR1, (void (*)(int))abort);
		signal(SIGUSR2, SIG_IGN);
		execl("/bin/sh", "sh", "-c", "kill -USR2 $$; kill -USR1 $$; echo not here", NULL);
	});
	CHILD("empty argv", execve("/bin/busybox", none, env));
	CHILD("fexecve", {
		int b = open("/bin/busybox", O_PATH);
		syscall(SYS_execveat, b, "", (char *[]){"echo", "by descriptor", NULL}, env,
			AT_EMPTY_PATH);
	});
	CALL("execveat flags", syscall(SYS_execveat, AT_FDCWD, "x", argv, env, 0x8000));
	CALL("execveat nofollow",
	     (symlink("/bin/busybox", "ln"),
	      syscall(SYS_execveat, AT_FDCWD, "ln", argv, env, AT_SYMLINK_NOFOLLOW)));
	CALL("prlimit", prlimit(0, RLIMIT_NOFILE, NULL, &rl));
	CALL("prlimit resource", syscall(SYS_prlimit64, 0, 99, NULL, &rl));
	CALL("prlimit nobody", prlimit(99999999, RLIMIT_NOFILE, NULL, &rl));
	rl.rlim_cur = 10;
	rl.rlim_max = 5;
	CALL("soft above hard", setrlimit(RLIMIT_NOFILE, &rl));
	CHILD("NOFILE", {
		rl.rlim_cur = rl.rlim_max = 5;
		CALL("set", setrlimit(RLIMIT_NOFILE, &rl));
		while (open("/", O_RDONLY) >= 0)
			;
		CALL("EMFILE", open("/", O_RDONLY));
		CALL("dup2 beyond", dup2(0, 9));
		CALL("F_DUPFD beyond", fcntl(0, F_DUPFD, 5));
		CALL("pipe", pipe((int[2]){ 0 }));
	});
	CHILD("FSIZE", {
		signal(SIGXFSZ, SIG_IGN);
		/* What this prints goes to a file too: only after the limit is back. */
		struct rlimit was;
		getrlimit(RLIMIT_FSIZE, &was);
		int f = open("fsize", O_CREAT | O_RDWR, 0600);
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100, was.rlim_max });
		long n = write(f, huge, 1000), more = write(f, "x", 1), e = errno,
		     cut = ftruncate(f, 101), e2 = errno;
		setrlimit(RLIMIT_FSIZE, &was);
		VALUE("write clipped", n);
		VALUE("write more", more);
		TEXT("error", error_name(e));
		VALUE("truncate", cut);
		TEXT("error", error_name(e2));
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ 100, 100 });
		signal(SIGXFSZ, SIG_DFL);
		write(f, "x", 1);
	});
	CHILD("raise hard limit without privilege", {
		rl.rlim_cur = rl.rlim_max = 64;
		setrlimit(RLIMIT_NOFILE, &rl);
		setuid(1000);
		rl.rlim_max = 65;
		CALL("EPERM", setrlimit(RLIMIT_NOFILE, &rl));
	});
	CHILD("NPROC", {
		rl.rlim_cur = rl.rlim_max = 0;
		setrlimit(RLIMIT_NPROC, &rl);
		setgid(1234);
		setuid(1234);
		CALL("fork", fork());
	});
}

static void scheduling(void)
{
	struct sched_param sp = { 0 };

	CALL("getscheduler", sched_getscheduler(0));
	CALL("policy", syscall(SYS_sched_getscheduler, 0));
	CALL("policy of nobody", syscall(SYS_sched_getscheduler, 99999999));
	CALL("policy negative", syscall(SYS_sched_getscheduler, -1));
	CALL("max FIFO", sched_get_priority_max(SCHED_FIFO));
	CALL("min FIFO", sched_get_priority_min(SCHED_FIFO));
	CALL("max OTHER", sched_get_priority_max(SCHED_OTHER));
	CALL("max bad", sched_get_priority_max(99));
	CALL("getparam", syscall(SYS_sched_getparam, 0, &sp));
	VALUE("priority", sp.sched_priority);
	sp.sched_priority = 5;
	CALL("OTHER with priority", syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &sp));
	CALL("FIFO", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp));
	CALL("policy", syscall(SYS_sched_getscheduler, 0));
	sp.sched_priority = 100;
	CALL("FIFO too high", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp));
	sp.sched_priority = 0;
	CALL("FIFO zero", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp));
	CALL("BATCH", syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &sp));
	CALL("OTHER", syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &sp));
	CALL("bad policy", syscall(SYS_sched_setscheduler, 0, 77, &sp));
	CALL("nice", nice(5));
	CALL("getpriority", getpriority(PRIO_PROCESS, 0));
	CALL("setpriority clamps", setpriority(PRIO_PROCESS, 0, 100));
	CALL("getpriority", getpriority(PRIO_PROCESS, 0));
	CALL("setpriority which", setpriority(9, 0, 1));
	CALL("setpriority nobody", setpriority(PRIO_PROCESS, 99999999, 1));
	setpriority(PRIO_PROCESS, 0, 0);
	CHILD("unprivileged", {
		setuid(1000);
		CALL("nice up", setpriority(PRIO_PROCESS, 0, -1));
		CALL("nice down", setpriority(PRIO_PROCESS, 0, 3));
		CALL("nice back", setpriority(PRIO_PROCESS, 0, 2));
		sp.sched_priority = 1;
		CALL("FIFO", syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &sp));
	});
	unsigned long mask[16] = { 1 };
	CALL("affinity", syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	mask[0] = 0;
	TRUE("getaffinity", syscall(SYS_sched_getaffinity, 0, sizeof(mask), mask) > 0);
	VALUE("on CPU 0", mask[0]);
	VALUE("getcpu", sched_getcpu());
	mask[0] = 0;
	CALL("affinity none", syscall(SYS_sched_setaffinity, 0, sizeof(mask), mask));
	CALL("getaffinity size", syscall(SYS_sched_getaffinity, 0, 3, mask));
	CALL("affinity nobody", syscall(SYS_sched_setaffinity, 99999999, sizeof(mask), mask));
	CALL("yield", sched_yield());
	struct tms t;
	TRUE("times", times(&t) != -1);
	struct rusage ru;
	CALL("getrusage", getrusage(RUSAGE_SELF, &ru));
	CALL("getrusage who", getrusage(77, &ru));
}

int main(void)
{
	setsid();
	waits();
	forks();
	end_signals();
	orphans();
	groups();
	execs();
	scheduling();
	return 0;
}
