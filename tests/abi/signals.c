/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signals: default actions, masks, siginfo, flags, queues, waits, permissions, stop and
 * continue. */
#include "check.h"
#include <sys/time.h>

static volatile sig_atomic_t count, last_code, last_value, depth, deepest;
static volatile int order[64], n_order;

static void counts(int sig)
{
	count++;
}

static void noted(int sig, siginfo_t *si, void *uc)
{
	count++;
	last_code = si->si_code;
	last_value = si->si_value.sival_int;
	if (n_order < 64)
		order[n_order++] = sig * 1000 + si->si_value.sival_int;
}

static void nested(int sig)
{
	if (++depth > deepest)
		deepest = depth;
	if (depth < 3 && count++ < 3)
		raise(sig);
	depth--;
}

static int act(int sig, void (*h)(int), int flags)
{
	struct sigaction sa = { .sa_handler = h, .sa_flags = flags };

	return sigaction(sig, &sa, NULL);
}

static int act_info(int sig, int flags)
{
	struct sigaction sa = { .sa_sigaction = noted, .sa_flags = flags | SA_SIGINFO };

	return sigaction(sig, &sa, NULL);
}

static void block(int how, int sig)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, sig);
	sigprocmask(how, &s, NULL);
}

static void defaults(void)
{
	static const int sigs[] = {SIGHUP,   SIGINT,  SIGQUIT, SIGILL,  SIGTRAP, SIGABRT,   SIGBUS,
				   SIGFPE,   SIGKILL, SIGUSR1, SIGSEGV, SIGUSR2, SIGPIPE,   SIGALRM,
				   SIGTERM,  SIGCHLD, SIGURG,  SIGXCPU, SIGXFSZ, SIGVTALRM, SIGPROF,
				   SIGWINCH, SIGIO,   SIGPWR,  SIGSYS,  SIGCONT, 40,        64};
	char name[32];

	for (unsigned i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++) {
		snprintf(name, sizeof(name), "default of %d", sigs[i]);
		CHILD(name, {
			signal(sigs[i], SIG_DFL);
			kill(getpid(), sigs[i]);
			_exit(7);
		});
	}
	CHILD("ignored SIGTERM", {
		signal(SIGTERM, SIG_IGN);
		raise(SIGTERM);
		_exit(8);
	});
	CHILD("ignored SIGSEGV by fault still kills", {
		signal(SIGSEGV, SIG_IGN);
		*(volatile int *)8 = 1;
	});
	CHILD("blocked SIGSEGV by fault still kills", {
		block(SIG_BLOCK, SIGSEGV);
		*(volatile int *)8 = 1;
	});
}

static void actions(void)
{
	struct sigaction sa;

	CALL("sigaction KILL", act(SIGKILL, SIG_IGN, 0));
	CALL("sigaction STOP", act(SIGSTOP, counts, 0));
	CALL("sigaction query KILL", sigaction(SIGKILL, NULL, &sa));
	CALL("sigaction 0", syscall(SYS_rt_sigaction, 0, NULL, NULL, 8));
	CALL("sigaction 65", syscall(SYS_rt_sigaction, 65, NULL, NULL, 8));
	CALL("sigaction set size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
	CALL("sigaction bad pointer", syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8));
	CALL("sigprocmask how", syscall(SYS_rt_sigprocmask, 9, &(uint64_t){ 0 }, NULL, 8));
	CALL("sigprocmask how without set", syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8));
	CALL("sigprocmask size", syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, NULL, 16));
	CALL("sigprocmask bad pointer", syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD, NULL, 8));
	uint64_t all = ~0ull, now = 0, none = 0;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, NULL, 8);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, &now, 8);
	TRUE("KILL and STOP stay unblocked",
	     now == ~((1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1))));

	count = 0;
	act(SIGUSR1, counts, SA_RESETHAND);
	raise(SIGUSR1);
	VALUE("RESETHAND ran", count);
	sigaction(SIGUSR1, NULL, &sa);
	TRUE("RESETHAND reset", sa.sa_handler == SIG_DFL);

	act(SIGUSR1, nested, 0);
	deepest = depth = count = 0;
	block(SIG_UNBLOCK, SIGUSR1);
	raise(SIGUSR1);
	VALUE("without NODEFER depth", deepest);
	CHILD("with NODEFER", {
		act(SIGUSR2, nested, SA_NODEFER);
		deepest = depth = count = 0;
		raise(SIGUSR2);
		VALUE("depth", deepest);
	});
}

static void queues(void)
{
	sigset_t s;
	siginfo_t si;

	act_info(SIGUSR1, 0);
	act_info(SIGRTMIN, 0);
	act_info(SIGRTMIN + 1, 0);
	sigfillset(&s);
	sigprocmask(SIG_SETMASK, &s, NULL);
	count = n_order = 0;
	for (int i = 1; i <= 3; i++) {
		sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i });
		sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i });
		sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = i });
	}
	sigset_t pend;
	sigpending(&pend);
	TRUE("USR1 pending", sigismember(&pend, SIGUSR1));
	TRUE("USR2 not pending", !sigismember(&pend, SIGUSR2));
	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	CALL("sigtimedwait takes USR1", sigtimedwait(&s, &si, &(struct timespec){ 0 }));
	VALUE("with the first value", si.si_value.sival_int);
	VALUE("code", si.si_code);
	TRUE("of me", si.si_pid == getpid() && si.si_uid == 0);
	CALL("nothing more", sigtimedwait(&s, &si, &(struct timespec){ 0, 1000000 }));
	CALL("bad timeout", sigtimedwait(&s, &si, &(struct timespec){ 0, 1000000000 }));
	CALL("sigtimedwait size", syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 4));
	struct sigaction sa = { .sa_sigaction = noted, .sa_flags = SA_SIGINFO };
	sigfillset(&sa.sa_mask);
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	sigemptyset(&s);
	sigprocmask(SIG_SETMASK, &s, NULL);
	VALUE("real-time ran", count);
	for (int i = 0; i < n_order; i++)
		VALUE("order", order[i] - SIGRTMIN * 1000);

	act_info(SIGUSR2, 0);
	kill(getpid(), SIGUSR2);
	VALUE("kill's code", last_code);
	raise(SIGUSR2);
	VALUE("tkill's code", last_code);
	syscall(SYS_tgkill, getpid(), getpid(), SIGUSR2);
	VALUE("tgkill's code", last_code);
	CALL("tgkill wrong group", syscall(SYS_tgkill, getppid(), getpid(), SIGUSR2));
	CALL("tgkill zero", syscall(SYS_tgkill, 0, getpid(), SIGUSR2));
	CALL("tkill negative", syscall(SYS_tkill, -1, SIGUSR2));
	CALL("tkill sig 65", syscall(SYS_tkill, getpid(), 65));
	CALL("kill sig 0", kill(getpid(), 0));
	CALL("kill sig 65", kill(getpid(), 65));
	CALL("kill nobody", kill(99999999, 0));
	CALL("kill no group", kill(-99999999, 0));
	CALL("kill INT_MIN", syscall(SYS_kill, 0x80000000, 0));
	CALL("sigqueue nobody", sigqueue(99999999, 0, (union sigval){ 0 }));
	CALL("sigqueue 65", sigqueue(getpid(), 65, (union sigval){ 0 }));
	siginfo_t fake = { .si_signo = SIGUSR2, .si_code = SI_USER };
	CALL("rt_sigqueueinfo to me as user",
	     syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR2, &fake));
	CHILD("to my parent as user", {
		CALL("as user", syscall(SYS_rt_sigqueueinfo, getppid(), SIGURG, &fake));
		fake.si_code = SI_TKILL;
		CALL("as tkill", syscall(SYS_rt_sigqueueinfo, getppid(), SIGURG, &fake));
		fake.si_code = -60;
		CALL("as mine", syscall(SYS_rt_sigqueueinfo, getppid(), SIGURG, &fake));
	});
}

static pid_t nag(int sig, int ms)
{
	pid_t p = fork();

	if (!p) {
		for (;;) {
			sleep_ms(ms);
			kill(getppid(), sig);
		}
	}
	return p;
}

static void interruption(void)
{
	int p[2];
	char c;

	pipe(p);
	act(SIGUSR1, counts, 0);
	pid_t child = nag(SIGUSR1, 100);
	CALL("read interrupted", read(p[0], &c, 1));
	CALL("pause", pause());
	CALL("nanosleep", nanosleep(&(struct timespec){ 100, 0 }, NULL));
	struct timespec left = { 0 };
	nanosleep(&(struct timespec){ 100, 0 }, &left);
	TRUE("time left", left.tv_sec > 50 && left.tv_sec < 100);
	CALL("clock_nanosleep",
	     clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){100, 0}, NULL) == EINTR);
	sigset_t s;
	sigemptyset(&s);
	CALL("sigsuspend", sigsuspend(&s));
	sigaddset(&s, SIGUSR2);
	CALL("sigwaitinfo", syscall(SYS_rt_sigtimedwait, &s, NULL, NULL, 8)); /* musl would go on */
	CALL("wait", waitpid(child, NULL, 0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);

	/* With SA_RESTART the read goes on until there is something. */
	act(SIGUSR1, counts, SA_RESTART);
	count = 0;
	if (!(child = fork())) {
		sleep_ms(100);
		kill(getppid(), SIGUSR1);
		sleep_ms(100);
		kill(getppid(), SIGUSR1);
		sleep_ms(100);
		write(p[1], "x", 1);
		_exit(3);
	}
	CALL("read restarted", read(p[0], &c, 1));
	VALUE("handlers ran", count);
	int st;
	waitpid(child, &st, 0);
	child = nag(SIGUSR1, 100);
	CALL("pause is not restarted", pause());
	CALL("sleep is not restarted", nanosleep(&(struct timespec){ 100, 0 }, NULL));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	/* An ignored or default-ignored signal interrupts nothing. */
	signal(SIGUSR1, SIG_IGN);
	child = nag(SIGUSR1, 20);
	CALL("ignored does not interrupt", nanosleep(&(struct timespec){ 0, 100000000 }, NULL));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static char alt[65536];
static volatile int on_alt;

static void where(int sig)
{
	char here;

	on_alt = &here >= alt && &here < alt + sizeof(alt);
	stack_t ss;
	sigaltstack(NULL, &ss);
	count = ss.ss_flags;
	last_code = sigaltstack(&(stack_t){.ss_sp = alt, .ss_size = sizeof(alt)}, NULL) ? errno : 0;
}

static void stacks(void)
{
	stack_t ss = { .ss_sp = alt, .ss_size = sizeof(alt) }, old;

	CALL("sigaltstack", sigaltstack(&ss, NULL));
	sigaltstack(NULL, &old);
	VALUE("flags", old.ss_flags);
	VALUE("size", old.ss_size);
	act(SIGUSR1, where, SA_ONSTACK);
	raise(SIGUSR1);
	TRUE("on the alternate stack", on_alt);
	VALUE("flags there", count);
	TEXT("change there", error_name(last_code));
	act(SIGUSR1, where, 0);
	raise(SIGUSR1);
	TRUE("without the flag not", !on_alt);
	ss.ss_size = 100;
	CALL("too small", sigaltstack(&ss, NULL));
	ss.ss_size = sizeof(alt);
	ss.ss_flags = 77;
	CALL("flags wrong", sigaltstack(&ss, NULL));
	ss.ss_flags = SS_DISABLE;
	CALL("disable", sigaltstack(&ss, NULL));
	CHILD("stack overflow handled on it", {
		ss.ss_size = sizeof(alt);
		ss.ss_flags = 0;
		sigaltstack(&ss, NULL);
		act(SIGSEGV, (void (*)(int))_exit, SA_ONSTACK);
		volatile char *sp = __builtin_frame_address(0);
		for (;;) {
			*sp = 1;
			sp -= 4096;
		}
	});
}

static void stops(void)
{
	int st;
	pid_t p = fork();

	if (!p) {
		for (;;)
			pause();
	}
	CALL("running, WNOHANG", waitpid(p, &st, WNOHANG | WUNTRACED | WCONTINUED));
	kill(p, SIGSTOP);
	waitpid(p, &st, WUNTRACED);
	show_status("after STOP", st);
	CALL("told once", waitpid(p, &st, WUNTRACED | WNOHANG));
	kill(p, SIGUSR2);
	kill(p, SIGCONT);
	if (0)
		return;
	waitpid(p, &st, WCONTINUED);
	TRUE("after CONT continued or dead", WIFCONTINUED(st) || WIFSIGNALED(st));
	if (WIFCONTINUED(st)) {
		kill(p, SIGKILL);
		waitpid(p, &st, 0);
	}
	static const int stop[] = { SIGTSTP, SIGTTIN, SIGTTOU };
	for (int i = 0; i < 3; i++) {
		if (!(p = fork())) {
			signal(SIGUSR2, SIG_DFL);
			setpgid(0, 0);
			raise(stop[i]);
			raise(SIGSTOP);
			_exit(0);
		}
		siginfo_t si = { 0 };
		waitid(P_PID, p, &si, WSTOPPED);
		VALUE("stop status", si.si_status);
		VALUE("stop code", si.si_code);
		kill(p, SIGKILL);
		waitpid(p, &st, 0);
		show_status("killed while stopped", st);
	}
	CHILD("kill as another", {
		pid_t root = getppid();
		setgid(1000);
		setuid(1000);
		CALL("kill root's", kill(root, SIGTERM));
		CALL("kill root's with 0", kill(root, 0));
		CALL("kill all", kill(1, SIGCONT));
		CALL("queue to root's", sigqueue(root, SIGURG, (union sigval){ 0 }));
	});
}

static void chld(void)
{
	siginfo_t si;
	sigset_t s;
	pid_t p;

	sigemptyset(&s);
	sigaddset(&s, SIGCHLD);
	sigprocmask(SIG_BLOCK, &s, NULL);
	while (sigtimedwait(&s, NULL, &(struct timespec){ 0 }) > 0)
		;
	if (!(p = fork()))
		_exit(42);
	CALL("SIGCHLD", sigwaitinfo(&s, &si));
	VALUE("code", si.si_code);
	VALUE("status", si.si_status);
	TRUE("of the child", si.si_pid == p);
	waitpid(p, NULL, 0);
	if (!(p = fork()))
		abort();
	CALL("SIGCHLD of abort", sigwaitinfo(&s, &si));
	VALUE("code", si.si_code);
	VALUE("status", si.si_status);
	waitpid(p, NULL, 0);
	sigprocmask(SIG_UNBLOCK, &s, NULL);
	signal(SIGCHLD, SIG_IGN);
	if (!(p = fork()))
		_exit(1);
	CALL("ignored SIGCHLD leaves nothing to wait for", waitpid(p, NULL, 0));
	struct sigaction sa = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
	sigaction(SIGCHLD, &sa, NULL);
	if (!(p = fork()))
		_exit(1);
	CALL("nor does SA_NOCLDWAIT", waitpid(p, NULL, 0));
	signal(SIGCHLD, SIG_DFL);
}

static void timers(void)
{
	struct itimerval it = { .it_value = { 0, 20000 } }, old;
	timer_t t;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGRTMIN + 2,
			      .sigev_value.sival_int = 77};
	sigset_t s;
	siginfo_t si;

	sigemptyset(&s);
	sigaddset(&s, SIGALRM);
	sigaddset(&s, SIGRTMIN + 2);
	sigaddset(&s, SIGVTALRM);
	sigprocmask(SIG_BLOCK, &s, NULL);
	CALL("setitimer", setitimer(ITIMER_REAL, &it, NULL));
	CALL("SIGALRM comes", sigwaitinfo(&s, &si));
	VALUE("code", si.si_code);
	CALL("setitimer which", setitimer(9, &it, NULL));
	it.it_value.tv_usec = 1000000;
	CALL("setitimer microseconds", setitimer(ITIMER_REAL, &it, NULL));
	CALL("getitimer", getitimer(ITIMER_REAL, &old));
	VALUE("none left", old.it_value.tv_sec + old.it_value.tv_usec);
	alarm(100);
	TRUE("alarm left", alarm(0) >= 90);
	it = (struct itimerval){ .it_value = { 0, 10000 } };
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	while (sigtimedwait(&s, &si, &(struct timespec){ 0 }) < 0)
		;
	VALUE("SIGVTALRM comes", si.si_signo);
	CALL("timer_create", timer_create(CLOCK_MONOTONIC, &ev, &t));
	struct itimerspec its = { .it_value = { 0, 10000000 } };
	CALL("timer_settime", timer_settime(t, 0, &its, NULL));
	CALL("it fires", sigwaitinfo(&s, &si) == SIGRTMIN + 2);
	VALUE("code", si.si_code);
	VALUE("value", si.si_value.sival_int);
	VALUE("overruns", timer_getoverrun(t));
	its.it_value.tv_nsec = 1000000000;
	CALL("timer_settime nanoseconds", timer_settime(t, 0, &its, NULL));
	CALL("timer_delete", timer_delete(t));
	CALL("timer_delete bad", syscall(SYS_timer_delete, 12345));
	CALL("timer_create clock", timer_create(99, &ev, &t));
	ev.sigev_signo = 99;
	CALL("timer_create signal", timer_create(CLOCK_MONOTONIC, &ev, &t));
	CALL("clock_gettime bad", clock_gettime(99, &its.it_value));
	CALL("clock_nanosleep bad clock", clock_nanosleep(99, 0, &its.it_value, NULL) == EINVAL);
	CALL("clock_nanosleep past",
	     clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){1, 0}, NULL));
	CALL("nanosleep nanoseconds", nanosleep(&its.it_value, NULL));
	CALL("nanosleep negative", nanosleep(&(struct timespec){ -1, 0 }, NULL));
	CALL("clock_settime monotonic", clock_settime(CLOCK_MONOTONIC, &(struct timespec){ 1, 0 }));
}

int main(void)
{
	defaults();
	actions();
	queues();
	interruption();
	stacks();
	stops();
	chld();
	timers();
	return 0;
}
