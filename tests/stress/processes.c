/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LIMIT 900 */
/*
 * Many processes: a thousand alive at once, thousands of fork, exec and wait on all processors, and
 * a fork bomb inside its limit, after each of which the machine is as it was.
 */
#include "stress.h"

#include <sys/resource.h>
#include <sys/sysinfo.h>

static long scale(long short_form, long long_form)
{
	return seconds() > 10 ? long_form : short_form;
}

static void many_at_once(void)
{
	int n = scale(300, 1000), p[2], started = 0;
	pid_t *pid = calloc(n, sizeof(*pid));
	char c;

	must(pid && pipe(p) == 0);
	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			break;
		if (!pid[i]) {
			close(p[1]);
			/* End of file is the sign to end. */
			_exit(read(p[0], &c, 1) == 0 ? 3 : 1);
		}
		started++;
	}
	printf("alive at once: %s\n", started == n ? "all" : "too few");
	close(p[1]);
	for (int i = 0; i < started; i++) {
		int status;

		must(waitpid(pid[i], &status, 0) == pid[i] && WEXITSTATUS(status) == 3);
	}
	printf("all reaped: %d\n", wait(NULL) == -1 && errno == ECHILD);
}

static void fork_exec_wait(void)
{
	int each = scale(100, 5000), bad = 0;

	fflush(stdout);
	for (int w = 0; w < 4; w++) {
		if (fork())
			continue;
		for (int i = 0; i < each; i++) {
			pid_t child = fork();
			int status;

			must(child >= 0);
			if (!child) {
				execl("/bin/busybox", "true", NULL);
				_exit(127);
			}
			must(waitpid(child, &status, 0) == child && status == 0);
		}
		_exit(0);
	}
	for (int w = 0; w < 4; w++) {
		int status;

		must(wait(&status) > 0);
		bad += status != 0;
	}
	printf("fork, exec, wait: %s\n", bad ? "failed" : "ok");
}

static void bomb(void)
{
	struct rlimit limit = { 60, 60 };
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		setpgid(0, 0);
		must(setrlimit(RLIMIT_NPROC, &limit) == 0 && setuid(65534) == 0);
		double until = now() + 2;

		while (now() < until)
			if (fork() < 0)
				sched_yield();
		_exit(0);
	}
	sleep(1);
	pid_t other = fork();

	if (!other)
		execl("/bin/busybox", "true", NULL);
	must(waitpid(other, &status, 0) == other);
	printf("usable beside a fork bomb: %s\n", status == 0 ? "yes" : "no");
	sleep(2);
	kill(-child, SIGKILL);
	must(waitpid(child, &status, 0) == child);
	printf("fork bomb ended: yes\n");
}

/* Zombies of others, descriptors and memory: pid numbers come round and nothing runs out. */
static void exhaustion(void)
{
	struct rlimit limit = { 64, 64 };
	int fd[80], n = 0, status;

	fflush(stdout);
	if (!fork()) {
		must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
		while (n < 80 && (fd[n] = dup(0)) >= 0)
			n++;
		must(n < 64 && errno == EMFILE);
		close(fd[0]);
		must(dup(0) == fd[0]);
		limit.rlim_cur = limit.rlim_max = 64 << 20;
		must(setrlimit(RLIMIT_AS, &limit) == 0);
		must(mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
			     MAP_FAILED &&
		     errno == ENOMEM);
		_exit(0);
	}
	must(wait(&status) > 0);
	printf("limits: %s\n", status == 0 ? "ok" : "failed");
}

int main(void)
{
	many_at_once();
	fork_exec_wait();
	exhaustion();
	bomb();
	return 0;
}
