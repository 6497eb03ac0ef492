/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LIMIT 900 */
/*
 * Storms on one subject each, by several processes, all at once: what is written must be read, what
 * is sent must arrive, and everything must be there again afterwards.
 */
#include "stress.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <termios.h>

static void storm_pipe(int id, double until)
{
	char out[5000], in[5000];
	uint32_t r = 77 + id;

	while (now() < until) {
		int p[2];

		must(pipe(p) == 0);
		pid_t child = fork();

		must(child >= 0);
		if (!child) {
			close(p[0]);
			for (int i = 0; i < 40; i++) {
				memset(out, i, sizeof(out));
				must(write(p[1], out, 1 + i * 120) == 1 + i * 120);
			}
			_exit(0);
		}
		close(p[1]);
		size_t total = 0, want = 0;
		ssize_t n;

		for (int i = 0; i < 40; i++)
			want += 1 + i * 120;
		while ((n = read(p[0], in, 1 + next_random(&r) % sizeof(in))) > 0)
			total += n;
		must(n == 0 && total == want);
		close(p[0]);
		must(waitpid(child, NULL, 0) == child);
	}
}

static volatile sig_atomic_t got;

static void on_signal(int signo)
{
	got++;
}

static void storm_signal(int id, double until)
{
	struct sigaction sa = { .sa_handler = on_signal };
	sigset_t set, old;

	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, &old);
	while (now() < until) {
		pid_t child = fork();

		must(child >= 0);
		if (!child) {
			got = 0;
			for (int i = 0; i < 200; i++) {
				kill(getppid(), SIGUSR1);
				while (got <= i)
					sigsuspend(&old);
			}
			_exit(0);
		}
		got = 0;
		for (int i = 0; i < 200; i++) {
			while (got <= i)
				sigsuspend(&old);
			kill(child, SIGUSR1);
		}
		int status;

		must(waitpid(child, &status, 0) == child && status == 0);
	}
}

static void storm_mmap(int id, double until)
{
	uint32_t r = 99 + id;
	unsigned char *slot[32] = { 0 };
	size_t size[32];

	while (now() < until) {
		int i = next_random(&r) % 32;

		if (slot[i]) {
			must(slot[i][0] == (unsigned char)i &&
			     slot[i][size[i] - 1] == (unsigned char)i);
			if (next_random(&r) % 3 == 0) {
				size_t bigger = size[i] + 4096 * (next_random(&r) % 16);

				slot[i] = mremap(slot[i], size[i], bigger, MREMAP_MAYMOVE);
				must(slot[i] != MAP_FAILED && slot[i][0] == (unsigned char)i);
				slot[i][bigger - 1] = i;
				size[i] = bigger;
			} else {
				must(munmap(slot[i], size[i]) == 0);
				slot[i] = NULL;
			}
			continue;
		}
		size[i] = 4096 * (1 + next_random(&r) % 64);
		slot[i] = mmap(NULL, size[i], PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		must(slot[i] != MAP_FAILED);
		slot[i][0] = slot[i][size[i] - 1] = i;
		must(mprotect(slot[i], 4096, PROT_READ) == 0 && slot[i][0] == (unsigned char)i);
		must(mprotect(slot[i], size[i], PROT_READ | PROT_WRITE) == 0);
		if (next_random(&r) % 8 == 0) {
			pid_t child = fork();

			must(child >= 0);
			if (!child) {
				memset(slot[i], 255, size[i]);
				_exit(0);
			}
			must(waitpid(child, NULL, 0) == child && slot[i][0] == (unsigned char)i);
		}
	}
}

struct shared {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	long count;
	double until;
};

static void *futex_thread(void *arg)
{
	struct shared *s = arg;

	while (now() < s->until) {
		for (int i = 0; i < 50; i++) {
			pthread_mutex_lock(&s->lock);
			s->count++;
			if (s->count % 4 == 0)
				pthread_cond_broadcast(&s->cond);
			else {
				struct timespec t;

				clock_gettime(CLOCK_REALTIME, &t);
				t.tv_nsec = (t.tv_nsec + 1000000) % 1000000000;
				pthread_cond_timedwait(&s->cond, &s->lock, &t);
			}
			pthread_mutex_unlock(&s->lock);
		}
	}
	return NULL;
}

static void storm_futex(int id, double until)
{
	struct shared s = {.lock = PTHREAD_MUTEX_INITIALIZER,
			   .cond = PTHREAD_COND_INITIALIZER,
			   .until = until};
	pthread_t t[16];

	for (int i = 0; i < 16; i++)
		must(pthread_create(&t[i], NULL, futex_thread, &s) == 0);
	for (int i = 0; i < 16; i++)
		must(pthread_join(t[i], NULL) == 0);
	must(s.count % 50 == 0);
}

static void *thread_nothing(void *arg)
{
	return arg;
}

static void storm_threads(int id, double until)
{
	while (now() < until) {
		pthread_t t[8];

		for (long i = 0; i < 8; i++)
			must(pthread_create(&t[i], NULL, thread_nothing, (void *)i) == 0);
		for (long i = 0; i < 8; i++) {
			void *back;

			must(pthread_join(t[i], &back) == 0 && back == (void *)i);
		}
	}
}

static void storm_tmpfs(int id, double until)
{
	char dir[64], a[96], b[96], buf[3000];
	uint32_t r = 5 + id;

	snprintf(dir, sizeof(dir), "/tmp/storm%d.%d", id, getpid());
	must(mkdir(dir, 0700) == 0);
	while (now() < until) {
		int n = next_random(&r) % 50;

		snprintf(a, sizeof(a), "%s/a%d", dir, n);
		snprintf(b, sizeof(b), "%s/b%d", dir, n);
		int fd = open(a, O_CREAT | O_RDWR | O_TRUNC, 0600);

		must(fd >= 0);
		memset(buf, n, sizeof(buf));
		for (int i = 0; i < 8; i++)
			must(pwrite(fd, buf, sizeof(buf), i * 5000L) == sizeof(buf));
		must(lseek(fd, 0, SEEK_END) == 7 * 5000 + 3000);
		must(pread(fd, buf, 100, 4950) == 100 && buf[49] == 0 && buf[50] == n);
		must(ftruncate(fd, 10) == 0 && rename(a, b) == 0);
		must(pread(fd, buf, 100, 0) == 10);
		close(fd);
		must(access(a, F_OK) == -1 && unlink(b) == 0);
	}
	must(rmdir(dir) == 0);
}

static void storm_pty(int id, double until)
{
	while (now() < until) {
		char buf[200], *name;
		int master = open("/dev/ptmx", O_RDWR | O_NOCTTY);

		must(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
		must((name = ptsname(master)) != NULL);
		int slave = open(name, O_RDWR | O_NOCTTY);

		must(slave >= 0);
		for (int i = 0; i < 20; i++) {
			must(write(master, "hello\n", 6) == 6);
			must(read(slave, buf, sizeof(buf)) == 6 && !memcmp(buf, "hello\n", 6));
			int n = 0;

			while (n < 7) {
				int k = read(master, buf + n, sizeof(buf) - n);

				must(k > 0);
				n += k;
			}
			must(n == 7 && !memcmp(buf, "hello\r\n", 7));
		}
		close(slave);
		close(master);
	}
}

static void storm_unix(int id, double until)
{
	while (now() < until) {
		int s[2], passed[2];
		char c = 'x', space[CMSG_SPACE(sizeof(int))] = { 0 };
		struct iovec iov = { &c, 1 };
		struct msghdr m = {.msg_iov = &iov,
				   .msg_iovlen = 1,
				   .msg_control = space,
				   .msg_controllen = sizeof(space)};

		must(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0 && pipe(passed) == 0);
		struct cmsghdr *h = CMSG_FIRSTHDR(&m);

		h->cmsg_level = SOL_SOCKET;
		h->cmsg_type = SCM_RIGHTS;
		h->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(h), &passed[1], sizeof(int));
		must(sendmsg(s[0], &m, 0) == 1);
		close(passed[1]);
		must(recvmsg(s[1], &m, 0) == 1 && m.msg_controllen);
		int fd;

		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(int));
		must(write(fd, "y", 1) == 1 && read(passed[0], &c, 1) == 1 && c == 'y');
		close(fd);
		must(read(passed[0], &c, 1) == 0);
		close(passed[0]);
		close(s[0]);
		close(s[1]);
	}
}

static void storm_epoll(int id, double until)
{
	int ep = epoll_create1(0), fd[64];

	must(ep >= 0);
	for (int i = 0; i < 64; i++) {
		struct epoll_event e = { .events = EPOLLIN, .data.u32 = i };

		fd[i] = eventfd(0, EFD_NONBLOCK);
		must(fd[i] >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd[i], &e) == 0);
	}
	uint32_t r = id + 3;

	while (now() < until) {
		uint64_t v = 1 + next_random(&r) % 1000, back;
		unsigned i = next_random(&r) % 64;
		struct epoll_event e[8];

		must(write(fd[i], &v, 8) == 8);
		must(epoll_wait(ep, e, 8, -1) == 1 && e[0].data.u32 == i);
		must(read(fd[i], &back, 8) == 8 && back == v);
		must(epoll_wait(ep, e, 8, 0) == 0);
	}
}

int main(void)
{
	struct storm storms[] = {
		{"pipes", 4, storm_pipe},      {"signals", 4, storm_signal},
		{"mappings", 4, storm_mmap},   {"futexes", 2, storm_futex},
		{"threads", 4, storm_threads}, {"tmpfs", 4, storm_tmpfs},
		{"terminals", 4, storm_pty},   {"unix sockets", 4, storm_unix},
		{"epoll", 4, storm_epoll},
	};

	storms_run(storms, sizeof(storms) / sizeof(storms[0]));
	return 0;
}
