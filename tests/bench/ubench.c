/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ubench - one-file system-call micro-benchmark for kernels with the Linux ABI.
 *
 * Build (static):  musl-gcc -std=c11 -O2 -static -o ubench ubench.c -lpthread
 *                  aarch64-linux-gnu-gcc -std=c11 -O2 -static ... (same options)
 *                  riscv64-linux-gnu-gcc -std=c11 -O2 -static ... (same options)
 *
 * Output, one line per result:   <name> <value> <unit>
 * A test the kernel cannot run:  <name> - SKIP(<reason>)
 *
 * Two ways to run it:
 *   time mode (default)   iterations are calibrated so that a round lasts at
 *                         least -t ms; the median of -r rounds is printed.
 *   count mode (-C)       a fixed number of iterations per test, each round
 *                         bracketed by marker instructions which are no-ops on
 *                         hardware and which an instruction-counting emulator
 *                         plugin recognises. Prints "#mark <name> <iters>" per
 *                         round, in the order the plugin sees the marks.
 *
 * Options: -l list   -r rounds  -t ms  -C count mode
 *          -k scale fixed iterations (x/100): count mode, par_*, lock_contended
 *          -R time from the raw counter (tsc/cntvct/rdtime), value in ticks
 *          -d dir for files (/tmp)   -P max parallel processes (2)
 *          -b block device or big file for blk_*   -H host:port for net_*
 *          -v also print every round     names or name prefixes* select tests
 *          --serve PORT runs the far end of net_* (on the host or a peer)
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ------------------------------------------------------------------ clock */

static int use_raw;

static inline uint64_t raw_counter(void)
{
#if defined(__x86_64__)
	uint32_t lo, hi;
	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi) :: "memory");
	return ((uint64_t)hi << 32) | lo;
#elif defined(__aarch64__)
	uint64_t v;
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(v) :: "memory");
	return v;
#elif defined(__riscv)
	uint64_t v;
	__asm__ volatile("rdtime %0" : "=r"(v) :: "memory");
	return v;
#endif
}

static uint64_t now(void)
{
	struct timespec ts;
	if (use_raw)
		return raw_counter();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Marker instructions: architectural no-ops with a recognisable encoding. */
#if defined(__x86_64__)
#define MARK_BEGIN() __asm__ volatile(".byte 0x0f,0x1f,0x80,0x01,0x52,0x49,0x56" ::: "memory")
#define MARK_END()   __asm__ volatile(".byte 0x0f,0x1f,0x80,0x02,0x52,0x49,0x56" ::: "memory")
#elif defined(__aarch64__)
#define MARK_BEGIN() __asm__ volatile("movz xzr, #0x5601" ::: "memory")
#define MARK_END()   __asm__ volatile("movz xzr, #0x5602" ::: "memory")
#elif defined(__riscv)
#define MARK_BEGIN() __asm__ volatile(".word 0x56491037" ::: "memory")
#define MARK_END()   __asm__ volatile(".word 0x56492037" ::: "memory")
#endif

/* ---------------------------------------------------------------- globals */

static const char *dir = "/tmp", *blkpath, *nethost, *self;
static int max_par = 2, verbose, count_mode, rounds = 5, scale = 100;
static long ncpu;
static double target_ms = 30;
static char path_a[256], path_b[256];
static int fd0 = -1, fd1 = -1, fds[128], nfds, epfd = -1;
static int pa[2] = {-1, -1}, pb[2] = {-1, -1};
static pid_t kid = -1;
static char *buf;			/* 1 MiB, page aligned */
static size_t blksize_total = 16u << 20;
static volatile uint64_t sink;

#define KB 1024u
#define MB (1024u * 1024u)
#define FILE_SZ (4u * MB)
#define CHECK(x) do { if ((long)(x) < 0) return errno ? errno : -1; } while (0)

static void die(const char *m) { perror(m); exit(1); }

static void pin(int cpu)
{
	cpu_set_t s;
	if (cpu < 0)
		memset(&s, 0xff, sizeof s);
	else {
		CPU_ZERO(&s);
		CPU_SET(cpu, &s);
	}
	(void)sched_setaffinity(0, sizeof s, &s);
}

static const char *in_dir(char *b, const char *n)
{
	snprintf(b, 256, "%s/ub.%s", dir, n);
	return b;
}

static void reap(void)
{
	if (kid > 0) {
		kill(kid, SIGKILL);
		waitpid(kid, NULL, 0);
	}
	kid = -1;
}

static void closep(int *p)
{
	if (p[0] >= 0) close(p[0]);
	if (p[1] >= 0) close(p[1]);
	p[0] = p[1] = -1;
}

static void closeall(void)
{
	reap();
	closep(pa);
	closep(pb);
	if (fd0 >= 0) close(fd0);
	if (fd1 >= 0) close(fd1);
	if (epfd >= 0) close(epfd);
	fd0 = fd1 = epfd = -1;
	while (nfds > 0)
		close(fds[--nfds]);
}

static void rmfiles(void)
{
	closeall();
	unlink(path_a);
	unlink(path_b);
}

static int wr(int fd, size_t n)
{
	size_t d = 0;
	while (d < n) {
		ssize_t r = write(fd, buf + d, n - d);
		if (r <= 0) return -1;
		d += (size_t)r;
	}
	return 0;
}

static int rd(int fd, size_t n)
{
	size_t d = 0;
	while (d < n) {
		ssize_t r = read(fd, buf + d, n - d);
		if (r <= 0) return -1;
		d += (size_t)r;
	}
	return 0;
}

/* ------------------------------------------------------- simple syscalls */

static void r_ref(uint64_t n)
{
	uint64_t x = 88172645463325252u;
	while (n--)
		for (int i = 0; i < 1000; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
		}
	sink = x;
}

static void r_getppid(uint64_t n) { while (n--) syscall(SYS_getppid); }

static int s_zero(void) { CHECK(fd0 = open("/dev/zero", O_RDONLY)); return 0; }
static void r_read(uint64_t n) { char c; while (n--) if (read(fd0, &c, 1) != 1) die("read"); }
static int s_null(void) { CHECK(fd0 = open("/dev/null", O_WRONLY)); return 0; }
static void r_write(uint64_t n)
{
	char c = 0;
	while (n--)
		if (write(fd0, &c, 1) != 1)
			die("write");
}

static int s_file(void)
{
	in_dir(path_a, "f");
	in_dir(path_b, "g");
	CHECK(fd0 = open(path_a, O_RDWR | O_CREAT | O_TRUNC, 0644));
	return 0;
}
static int s_bigfile(void)
{
	int e = s_file();
	if (e) return e;
	for (unsigned i = 0; i < FILE_SZ / MB; i++)
		if (wr(fd0, MB)) return errno;
	return 0;
}
static void r_stat(uint64_t n) { struct stat st; while (n--) if (stat(path_a, &st)) die("stat"); }
static void r_fstat(uint64_t n) { struct stat st; while (n--) if (fstat(fd0, &st)) die("fstat"); }
static void r_open(uint64_t n)
{
	while (n--) {
		int fd = open(path_a, O_RDONLY);
		if (fd < 0) die("open");
		close(fd);
	}
}

static int s_fds100(void)
{
	CHECK(pipe(pa));
	for (nfds = 0; nfds < 100; nfds++) {
		int fd = dup(pa[0]);
		if (fd < 0) return errno;
		fds[nfds] = fd;
	}
	return 0;
}
static void r_select(uint64_t n)
{
	fd_set in;
	int top = fds[nfds - 1] + 1;
	while (n--) {
		struct timeval tv = {0, 0};
		FD_ZERO(&in);
		for (int i = 0; i < nfds; i++)
			FD_SET(fds[i], &in);
		if (select(top, &in, NULL, NULL, &tv) != 0) die("select");
	}
}
static int s_epoll(void)
{
	CHECK(epfd = epoll_create1(0));
	for (nfds = 0; nfds < 100; nfds++) {
		struct epoll_event ev = {.events = EPOLLIN};
		CHECK(fds[nfds] = eventfd(nfds == 50, 0));
		ev.data.fd = fds[nfds];
		CHECK(epoll_ctl(epfd, EPOLL_CTL_ADD, fds[nfds], &ev));
	}
	return 0;
}
static void r_epoll(uint64_t n)
{
	struct epoll_event ev[8];
	while (n--)
		if (epoll_wait(epfd, ev, 8, 0) != 1) die("epoll_wait");
}

static void on_sig(int s) { (void)s; sink++; }
static void r_siginst(uint64_t n)
{
	struct sigaction sa = {.sa_handler = on_sig};
	while (n--)
		if (sigaction(SIGUSR1, &sa, NULL)) die("sigaction");
}
static int s_sig(void)
{
	struct sigaction sa = {.sa_handler = on_sig};
	CHECK(sigaction(SIGUSR1, &sa, NULL));
	return 0;
}
static void r_sighnd(uint64_t n)
{
	pid_t me = getpid();
	while (n--)
		if (syscall(SYS_kill, me, SIGUSR1)) die("kill");
}

/* A store to a read-only page faults again after each handler return, so the
 * handler itself counts and finally makes the page writable. */
static char *protpage;
static volatile uint64_t prot_left;
static void on_segv(int s)
{
	(void)s;
	if (--prot_left == 0 && mprotect(protpage, 4096, PROT_READ | PROT_WRITE))
		_exit(9);
}
static int s_prot(void)
{
	struct sigaction sa = {.sa_handler = on_segv};
	CHECK(sigaction(SIGSEGV, &sa, NULL));
	protpage = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (protpage == MAP_FAILED) return errno;
	protpage[0] = 1;
	return 0;
}
static void r_prot(uint64_t n)
{
	if (mprotect(protpage, 4096, PROT_READ)) die("mprotect");
	prot_left = n;
	*(volatile char *)protpage = 2;
}
static void d_prot(void) { signal(SIGSEGV, SIG_DFL); munmap(protpage, 4096); }

static void r_clock(uint64_t n)
{
	struct timespec ts;
	while (n--)
		clock_gettime(CLOCK_MONOTONIC, &ts);
}
static void r_clocksys(uint64_t n)
{
	struct timespec ts;
	while (n--)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
}
static void r_nsleep(uint64_t n)
{
	struct timespec ts = {0, 1000};
	while (n--) nanosleep(&ts, NULL);
}
static void r_yield(uint64_t n) { while (n--) sched_yield(); }

/* ----------------------------------------------------------------- memory */

#define PF_PAGES 1024u
static void pf_anon(uint64_t n, int adv)
{
	while (n--) {
		char *p = mmap(NULL, PF_PAGES * 4096, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) die("mmap");
		if (adv) madvise(p, PF_PAGES * 4096, 15 /* MADV_NOHUGEPAGE */);
		for (unsigned i = 0; i < PF_PAGES; i++)
			*(volatile char *)(p + i * 4096) = 1;
		munmap(p, PF_PAGES * 4096);
	}
}
static void r_pfanon(uint64_t n) { pf_anon(n, 1); }
static void r_pfanon_def(uint64_t n) { pf_anon(n, 0); }
static void pf_file(uint64_t n, unsigned step)
{
	while (n--) {
		char *p = mmap(NULL, FILE_SZ, PROT_READ, MAP_SHARED, fd0, 0);
		if (p == MAP_FAILED) die("mmap");
		for (unsigned i = 0; i < FILE_SZ; i += step)
			(void)*(volatile char *)(p + i);
		munmap(p, FILE_SZ);
	}
}
static void r_pffile(uint64_t n) { pf_file(n, 4096); }
static void r_pffile64(uint64_t n) { pf_file(n, 64 * KB); }
static char *cowp;
static size_t cow_len;
static int cow_map(size_t len)	/* resident anonymous memory in 4 KiB pages */
{
	cowp = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (cowp == MAP_FAILED) return errno;
	cow_len = len;
	madvise(cowp, len, 15);
	memset(cowp, 1, len);
	return 0;
}
static int s_cow(void) { return cow_map(MB); }
static int s_rss16(void) { return cow_map(16 * MB); }
static int s_rss256(void) { return cow_map(256 * MB); }
static void r_cow(uint64_t n)	/* fork, write 256 shared pages, exit */
{
	while (n--) {
		pid_t p = fork();
		if (p < 0) die("fork");
		if (p == 0) {
			for (int i = 0; i < 256; i++)
				*(volatile char *)(cowp + i * 4096) = 2;
			_exit(0);
		}
		waitpid(p, NULL, 0);
	}
}
static void d_cow(void) { munmap(cowp, cow_len); }
static void r_mmap(uint64_t n)	/* map and unmap 64 KiB, untouched */
{
	while (n--) {
		void *p = mmap(NULL, 64 * KB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		if (p == MAP_FAILED) die("mmap");
		munmap(p, 64 * KB);
	}
}
static void r_mmap1(uint64_t n)	/* map, touch one page, unmap */
{
	while (n--) {
		char *p = mmap(NULL, 64 * KB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			       -1, 0);
		if (p == MAP_FAILED) die("mmap");
		*(volatile char *)p = 1;
		munmap(p, 64 * KB);
	}
}
static void r_mprotect(uint64_t n)
{
	while (n--) {
		mprotect(cowp, 4096, PROT_READ);
		mprotect(cowp, 4096, PROT_READ | PROT_WRITE);
	}
}
static void r_brk(uint64_t n)
{
	char *b = (char *)syscall(SYS_brk, 0);
	while (n--) {
		syscall(SYS_brk, b + 64 * KB);
		syscall(SYS_brk, b);
	}
}

/* -------------------------------------------------------------- processes */

static void r_fork(uint64_t n)
{
	while (n--) {
		pid_t p = fork();
		if (p < 0) die("fork");
		if (p == 0) _exit(0);
		waitpid(p, NULL, 0);
	}
}
static void r_forkexec(uint64_t n)
{
	char *av[] = {(char *)self, "--true", NULL};
	while (n--) {
		pid_t p = fork();
		if (p < 0) die("fork");
		if (p == 0) { execve(self, av, environ); _exit(127); }
		int st;
		waitpid(p, &st, 0);
		if (st) { errno = ENOEXEC; die("exec"); }
	}
}
static void r_spawn(uint64_t n)
{
	char *av[] = {(char *)self, "--true", NULL};
	while (n--) {
		pid_t p;
		int st, e = posix_spawn(&p, self, NULL, NULL, av, environ);
		if (e) { errno = e; die("posix_spawn"); }
		waitpid(p, &st, 0);
	}
}
static int s_sh(void) { CHECK(access("/bin/sh", X_OK)); return 0; }
static void r_sh(uint64_t n)
{
	char cmd[300];
	snprintf(cmd, sizeof cmd, "%s --true", self);
	char *av[] = {"sh", "-c", cmd, NULL};
	while (n--) {
		pid_t p = fork();
		if (p < 0) die("fork");
		if (p == 0) { execve("/bin/sh", av, environ); _exit(127); }
		waitpid(p, NULL, 0);
	}
}
static void *thr_nop(void *a) { return a; }
static void r_thread(uint64_t n)
{
	while (n--) {
		pthread_t t;
		if (pthread_create(&t, NULL, thr_nop, NULL)) die("pthread_create");
		pthread_join(t, NULL);
	}
}

/* -------------------------------------------------------------- ping-pong */

static void pong(int in, int out)
{
	char c;
	while (read(in, &c, 1) == 1)
		if (write(out, &c, 1) != 1) break;
	_exit(0);
}
static int pingpong_pipe(int cpu)
{
	CHECK(pipe(pa));
	CHECK(pipe(pb));
	CHECK(kid = fork());
	if (kid == 0) {
		if (cpu) pin(cpu);
		close(pa[1]);
		close(pb[0]);
		pong(pa[0], pb[1]);
	}
	close(pa[0]);
	close(pb[1]);
	fd0 = pb[0];
	fd1 = pa[1];
	pa[0] = pa[1] = pb[0] = pb[1] = -1;
	return 0;
}
static int s_pipe(void) { return pingpong_pipe(0); }
static int s_pipex(void)
{
	if (ncpu < 2) return ENODEV;
	return pingpong_pipe(1);
}
static void r_pp(uint64_t n)
{
	char c = 'x';
	while (n--)
		if (write(fd1, &c, 1) != 1 || read(fd0, &c, 1) != 1) die("pingpong");
}
static int s_unix(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pa));
	CHECK(kid = fork());
	if (kid == 0) { close(pa[0]); pong(pa[1], pa[1]); }
	fd0 = pa[0];
	CHECK(fd1 = dup(fd0));
	close(pa[1]);
	pa[0] = pa[1] = -1;
	return 0;
}
static int s_pipe_self(void)
{
	CHECK(pipe(pa));
	fd0 = pa[0];
	fd1 = pa[1];
	pa[0] = pa[1] = -1;
	return 0;
}
static int s_eventfd(void)
{
	CHECK(fd0 = eventfd(0, 0));
	CHECK(fd1 = eventfd(0, 0));
	CHECK(kid = fork());
	if (kid == 0) {
		uint64_t v;
		while (read(fd1, &v, 8) == 8 && write(fd0, &v, 8) == 8) ;
		_exit(0);
	}
	return 0;
}
static void r_eventfd(uint64_t n)
{
	uint64_t v = 1;
	while (n--)
		if (write(fd1, &v, 8) != 8 || read(fd0, &v, 8) != 8) die("eventfd");
}

/* futex hand-off between two threads: state 0 = ours, 1 = theirs, 2 = quit */
static _Atomic int fx;
static pthread_t fxt;
static void fx_wait(int v)
{
	while (atomic_load(&fx) == v)
		syscall(SYS_futex, &fx, 128 /*WAIT|PRIVATE*/, v, NULL, NULL, 0);
}
static void fx_set(int v)
{
	atomic_store(&fx, v);
	syscall(SYS_futex, &fx, 129 /*WAKE|PRIVATE*/, 1, NULL, NULL, 0);
}
static void *fx_thread(void *a)
{
	(void)a;
	for (;;) {
		fx_wait(0);
		if (atomic_load(&fx) == 2) return NULL;
		fx_set(0);
	}
}
static int s_futex(void)
{
	atomic_store(&fx, 0);
	return pthread_create(&fxt, NULL, fx_thread, NULL);
}
static void r_futex(uint64_t n) { while (n--) { fx_set(1); fx_wait(1); } }
static void d_futex(void) { fx_set(2); pthread_join(fxt, NULL); }
static void r_futexwake(uint64_t n) { while (n--) syscall(SYS_futex, &fx, 129, 1, NULL, NULL, 0); }

/* --------------------------------------- lat_ctx style: ring of processes */

#define RING_MAX 16
static int ring_n, ring_in, ring_out;
static size_t ring_kb;
static pid_t ring_pid[RING_MAX];
static void touch(size_t kb)
{
	uint64_t s = 0;
	for (size_t i = 0; i < kb * KB / 8; i += 8)
		s += ((volatile uint64_t *)(void *)buf)[i];
	sink = s;
}
static int ring_start(int n, size_t kb)
{
	int p[RING_MAX][2];
	ring_n = n;
	ring_kb = kb;
	for (int i = 0; i < n; i++) CHECK(pipe(p[i]));
	for (int i = 1; i < n; i++) {
		CHECK(ring_pid[i] = fork());
		if (ring_pid[i] == 0) {
			char c;
			int in = p[i - 1][0], out = p[i][1];
			memset(buf, i, kb * KB + 1);
			while (read(in, &c, 1) == 1) {
				touch(kb);
				if (write(out, &c, 1) != 1) break;
			}
			_exit(0);
		}
	}
	ring_in = p[n - 1][0];
	ring_out = p[0][1];
	for (int i = 0; i < n; i++) {
		if (p[i][0] != ring_in) close(p[i][0]);
		if (p[i][1] != ring_out) close(p[i][1]);
	}
	return 0;
}
static int s_ring2(void) { return ring_start(2, 0); }
static int s_ring8(void) { return ring_start(8, 16); }
static void r_ring(uint64_t n)	/* n hops in all */
{
	char c = 'x';
	for (uint64_t i = 0; i < n; i += (uint64_t)ring_n) {
		if (write(ring_out, &c, 1) != 1 || read(ring_in, &c, 1) != 1) die("ring");
		touch(ring_kb);
	}
}
static void d_ring(void)
{
	for (int i = 1; i < ring_n; i++) {
		kill(ring_pid[i], SIGKILL);
		waitpid(ring_pid[i], NULL, 0);
	}
	close(ring_in);
	close(ring_out);
}
/* cost of the same pipe hop and touch without a switch, to be subtracted */
static void r_ring_self(uint64_t n)
{
	char c = 'x';
	while (n--) {
		if (write(fd1, &c, 1) != 1 || read(fd0, &c, 1) != 1) die("pipe");
		touch(ring_kb);
	}
}
static int s_self0(void) { ring_kb = 0; return s_pipe_self(); }
static int s_self16(void) { ring_kb = 16; return s_pipe_self(); }

/* -------------------------------------------------------------- bandwidth */

#define CHUNK (64u * KB)
static void drain(int fd)
{
	while (read(fd, buf, CHUNK) > 0) ;
	_exit(0);
}
static int s_pipebw(void)
{
	CHECK(pipe(pa));
	CHECK(kid = fork());
	if (kid == 0) { close(pa[1]); drain(pa[0]); }
	close(pa[0]);
	fd1 = pa[1];
	pa[0] = pa[1] = -1;
	return 0;
}
static int s_unixbw(void)
{
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pa));
	CHECK(kid = fork());
	if (kid == 0) { close(pa[0]); drain(pa[1]); }
	close(pa[1]);
	fd1 = pa[0];
	pa[0] = pa[1] = -1;
	return 0;
}
static void r_wr64k(uint64_t n) { while (n--) if (wr(fd1, CHUNK)) die("write"); }
/* the odd offset keeps both halves apart in an emulator's direct-mapped TLB */
static void r_memcpy(uint64_t n)
{
	while (n--)
		memcpy(buf, buf + MB / 2 + 5 * 4096, CHUNK), sink += (unsigned char)buf[n % CHUNK];
}

/* --------------------------------------------------------------- loopback */

static void lo_up(void)
{
	struct ifreq r;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	if (s < 0) return;
	memset(&r, 0, sizeof r);
	strcpy(r.ifr_name, "lo");
	if (ioctl(s, SIOCGIFFLAGS, &r) == 0 && !(r.ifr_flags & IFF_UP)) {
		r.ifr_flags |= IFF_UP;
		ioctl(s, SIOCSIFFLAGS, &r);
	}
	close(s);
}
static struct sockaddr_in lo_addr;
static int lo_listen(void)
{
	socklen_t l = sizeof lo_addr;
	int s;
	lo_up();
	memset(&lo_addr, 0, sizeof lo_addr);
	lo_addr.sin_family = AF_INET;
	lo_addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(s = socket(AF_INET, SOCK_STREAM, 0));
	CHECK(bind(s, (void *)&lo_addr, sizeof lo_addr));
	CHECK(listen(s, 128));
	CHECK(getsockname(s, (void *)&lo_addr, &l));
	fd0 = s;
	return 0;
}
static int lo_dial(void)
{
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	if (s < 0) return -1;
	if (connect(s, (void *)&lo_addr, sizeof lo_addr)) { close(s); return -1; }
	setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	return s;
}
static int tcp_pair(void (*peer)(int))
{
	int e = lo_listen();
	if (e) return e;
	CHECK(kid = fork());
	if (kid == 0) {
		int one = 1, c = accept(fd0, NULL, NULL);
		if (c < 0) _exit(1);
		setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		peer(c);
	}
	CHECK(fd1 = lo_dial());
	close(fd0);
	CHECK(fd0 = dup(fd1));
	return 0;
}
static void peer_pong(int c) { pong(c, c); }
static int s_tcp(void) { return tcp_pair(peer_pong); }
static int s_tcpbw(void) { return tcp_pair(drain); }
static int s_conn(void)
{
	int e = lo_listen();
	if (e) return e;
	CHECK(kid = fork());
	if (kid == 0)
		for (;;) {
			int c = accept(fd0, NULL, NULL);
			if (c < 0) _exit(0);
			close(c);
		}
	return 0;
}
static void r_conn(uint64_t n)	/* socket + connect + close (reset) */
{
	struct linger lg = {1, 0};
	while (n--) {
		int s = lo_dial();
		if (s < 0) die("connect");
		setsockopt(s, SOL_SOCKET, SO_LINGER, &lg, sizeof lg);
		close(s);
	}
}
static int s_udp(void)
{
	struct sockaddr_in a, b;
	socklen_t l = sizeof a;
	lo_up();
	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	b = a;
	CHECK(fd0 = socket(AF_INET, SOCK_DGRAM, 0));
	CHECK(fd1 = socket(AF_INET, SOCK_DGRAM, 0));
	CHECK(bind(fd0, (void *)&a, sizeof a));
	CHECK(bind(fd1, (void *)&b, sizeof b));
	CHECK(getsockname(fd0, (void *)&a, &l));
	CHECK(getsockname(fd1, (void *)&b, &l));
	CHECK(connect(fd0, (void *)&b, sizeof b));
	CHECK(connect(fd1, (void *)&a, sizeof a));
	CHECK(kid = fork());
	if (kid == 0) { close(fd0); pong(fd1, fd1); }
	close(fd1);
	CHECK(fd1 = dup(fd0));
	return 0;
}

/* ------------------------------------------------------------------ files */

static void create_n(uint64_t n, size_t sz)
{
	while (n--) {
		int fd = open(path_b, O_CREAT | O_WRONLY | O_EXCL, 0644);
		if (fd < 0) die("create");
		if (sz && write(fd, buf, sz) != (ssize_t)sz) die("write");
		close(fd);
		unlink(path_b);
	}
}
static void r_create0(uint64_t n) { create_n(n, 0); }
static void r_create10(uint64_t n) { create_n(n, 10 * KB); }
static void r_rename(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (rename(i & 1 ? path_b : path_a, i & 1 ? path_a : path_b)) die("rename");
	if (n & 1 && rename(path_b, path_a)) die("rename");
}
static void r_fread(uint64_t n)	/* n * 64 KiB from a cached 4 MiB file */
{
	for (uint64_t i = 0; i < n; i++)
		if (pread(fd0, buf, CHUNK, (off_t)(i * CHUNK % FILE_SZ)) != CHUNK) die("pread");
}
static void r_fread4(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (pread(fd0, buf, 4096, (off_t)(i * 4096 % FILE_SZ)) != 4096) die("pread");
}
static void r_fwrite(uint64_t n)	/* overwrite, page cache already filled */
{
	for (uint64_t i = 0; i < n; i++)
		if (pwrite(fd0, buf, CHUNK, (off_t)(i * CHUNK % FILE_SZ)) != CHUNK) die("pwrite");
}
static void r_fwritenew(uint64_t n)	/* grow the file from empty, pages allocated */
{
	for (uint64_t i = 0; i < n; i++) {
		if (i * CHUNK % FILE_SZ == 0 && ftruncate(fd0, 0)) die("ftruncate");
		if (pwrite(fd0, buf, CHUNK, (off_t)(i * CHUNK % FILE_SZ)) != CHUNK) die("pwrite");
	}
}
static char *mfile;
static int s_mread(void)
{
	int e = s_bigfile();
	if (e) return e;
	mfile = mmap(NULL, FILE_SZ, PROT_READ, MAP_SHARED, fd0, 0);
	return mfile == MAP_FAILED ? errno : 0;
}
static void r_mread(uint64_t n)	/* 64 KiB each, one load per 64 bytes */
{
	uint64_t s = 0;
	for (uint64_t i = 0; i < n; i++) {
		volatile uint64_t *p = (volatile uint64_t *)(void *)(mfile + i * CHUNK % FILE_SZ);
		for (unsigned j = 0; j < CHUNK / 8; j += 8) s += p[j];
	}
	sink = s;
}
static void d_mread(void) { munmap(mfile, FILE_SZ); rmfiles(); }

static char bigdir[256];
static int s_dir(void)
{
	char p[300];
	snprintf(bigdir, sizeof bigdir, "%s/ub.dir", dir);
	if (mkdir(bigdir, 0755) && errno != EEXIST) return errno;
	for (int i = 0; i < 1000; i++) {
		snprintf(p, sizeof p, "%s/file%04d", bigdir, i);
		int fd = open(p, O_CREAT | O_WRONLY, 0644);
		if (fd < 0) return errno;
		close(fd);
	}
	CHECK(fd0 = open(bigdir, O_RDONLY | O_DIRECTORY));
	return 0;
}
static void r_readdir(uint64_t n)
{
	while (n--) {
		DIR *d = opendir(bigdir);
		int k = 0;
		if (!d) die("opendir");
		while (readdir(d)) k++;
		closedir(d);
		if (k < 1000) { errno = EIO; die("readdir"); }
	}
}
static void r_getdents(uint64_t n)
{
	while (n--) {
		lseek(fd0, 0, SEEK_SET);
		while (syscall(SYS_getdents64, fd0, buf, 32 * KB) > 0) ;
	}
}
static void d_dir(void)
{
	char p[300];
	closeall();
	for (int i = 0; i < 1000; i++) {
		snprintf(p, sizeof p, "%s/file%04d", bigdir, i);
		unlink(p);
	}
	rmdir(bigdir);
}

/* ------------------------------------------------------- block and network */

static int direct = O_DIRECT;
static unsigned long rng = 12345;
static off_t rnd_block(void)
{
	rng = rng * 6364136223846793005ul + 1442695040888963407ul;
	return (off_t)((rng >> 33) % (blksize_total / 4096)) * 4096;
}
static int blk_open(int flags)
{
	if (!blkpath) return EINVAL;
	CHECK(fd0 = open(blkpath, O_RDWR | O_CREAT | flags, 0644));
	return 0;
}
static int s_blkd(void)
{
	int e = blk_open(0);
	if (e) return e;
	for (size_t o = 0; o < blksize_total; o += MB)
		if (pwrite(fd0, buf, MB, (off_t)o) != (ssize_t)MB) return errno;
	fsync(fd0);
	close(fd0);
	return blk_open(direct);
}
static int s_blkb(void)
{
	int e = s_blkd();
	if (e) return e;
	close(fd0);
	return blk_open(0);
}
static void r_blksr(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (pread(fd0, buf, CHUNK, (off_t)(i * CHUNK % blksize_total)) != CHUNK)
			die("pread");
}
static void r_blksw(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		if (pwrite(fd0, buf, CHUNK, (off_t)(i * CHUNK % blksize_total)) != CHUNK)
			die("pwrite");
}
static void r_blkrr(uint64_t n)
{
	while (n--)
		if (pread(fd0, buf, 4096, rnd_block()) != 4096)
			die("pread");
}
static void r_blkrw(uint64_t n)
{
	while (n--)
		if (pwrite(fd0, buf, 4096, rnd_block()) != 4096)
			die("pwrite");
}
static void r_blkcold(uint64_t n)	/* buffered read of the whole area, cache dropped first */
{
	while (n--) {
		posix_fadvise(fd0, 0, 0, POSIX_FADV_DONTNEED);
		for (size_t o = 0; o < blksize_total; o += CHUNK)
			if (pread(fd0, buf, CHUNK, (off_t)o) != CHUNK) die("pread");
	}
}
static void r_blkbw(uint64_t n)	/* buffered write of the whole area, then fsync */
{
	while (n--) {
		for (size_t o = 0; o < blksize_total; o += CHUNK)
			if (pwrite(fd0, buf, CHUNK, (off_t)o) != CHUNK) die("pwrite");
		if (fsync(fd0)) die("fsync");
	}
}
static void r_fsync(uint64_t n)
{
	while (n--)
		if (pwrite(fd0, buf, 4096, rnd_block()) != 4096 || fsync(fd0)) die("fsync");
}

/* far end: first byte of a connection chooses: 'S' sink, 'E' echo, 'G' source */
static int serve(int port)
{
	struct sockaddr_in a;
	int one = 1, s = socket(AF_INET, SOCK_STREAM, 0);
	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_port = htons((uint16_t)port);
	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	if (bind(s, (void *)&a, sizeof a) || listen(s, 8)) die("serve");
	signal(SIGCHLD, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	for (;;) {
		char c;
		int f = accept(s, NULL, NULL);
		if (f < 0) continue;
		if (fork() == 0) {
			setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
			if (read(f, &c, 1) != 1) _exit(0);
			if (c == 'S') drain(f);
			if (c == 'E') pong(f, f);
			for (;;) if (wr(f, CHUNK)) _exit(0);
		}
		close(f);
	}
}
static int net_dial(char c)
{
	char h[64];
	if (!nethost) return EINVAL;
	snprintf(h, sizeof h, "%s", nethost);
	char *p = strchr(h, ':');
	if (!p) return EINVAL;
	*p++ = 0;
	memset(&lo_addr, 0, sizeof lo_addr);
	lo_addr.sin_family = AF_INET;
	lo_addr.sin_port = htons((uint16_t)atoi(p));
	lo_addr.sin_addr.s_addr = inet_addr(h);
	CHECK(fd1 = lo_dial());
	CHECK(write(fd1, &c, 1));
	CHECK(fd0 = dup(fd1));
	return 0;
}
static int s_nettx(void) { return net_dial('S'); }
static int s_netrr(void) { return net_dial('E'); }
static int s_netrx(void) { return net_dial('G'); }
static void r_rd64k(uint64_t n) { while (n--) if (rd(fd0, CHUNK)) die("read"); }

/* ------------------------------------------------- parallel (scalability) */

static void p_getppid(uint64_t n) { r_getppid(n); }
static void p_open(uint64_t n) { r_open(n); }
static void p_pf(uint64_t n) { pf_anon(n, 1); }
static void p_mmap(uint64_t n) { r_mmap1(n); }

/* ------------------------------------------------------------------ table */

enum { LAT, BW, OVER };
struct bench {
	const char *name;
	int (*setup)(void);
	void (*run)(uint64_t);
	void (*done)(void);
	int kind;
	double div;		/* LAT: operations per iteration; BW: bytes; OVER: ns expected */
	unsigned fixed;		/* iterations in count mode */
	int opt;		/* 1, 2: when named or -b / -H given; 3: only when named */
};

static const struct bench tab[] = {
	{"ref_loop", NULL, r_ref, NULL, LAT, 1, 20, 0},
	{"null_syscall", NULL, r_getppid, NULL, LAT, 1, 1000, 0},
	{"read_zero_1", s_zero, r_read, closeall, LAT, 1, 1000, 0},
	{"write_null_1", s_null, r_write, closeall, LAT, 1, 1000, 0},
	{"stat", s_file, r_stat, rmfiles, LAT, 1, 500, 0},
	{"fstat", s_file, r_fstat, rmfiles, LAT, 1, 500, 0},
	{"open_close", s_file, r_open, rmfiles, LAT, 1, 500, 0},
	{"select_100", s_fds100, r_select, closeall, LAT, 1, 200, 0},
	{"epoll_wait_1of100", s_epoll, r_epoll, closeall, LAT, 1, 500, 0},
	{"sig_install", NULL, r_siginst, NULL, LAT, 1, 500, 0},
	{"sig_handle", s_sig, r_sighnd, NULL, LAT, 1, 500, 0},
	{"prot_fault", s_prot, r_prot, d_prot, LAT, 1, 300, 0},
	{"clock_gettime", NULL, r_clock, NULL, LAT, 1, 1000, 0},
	{"clock_gettime_sys", NULL, r_clocksys, NULL, LAT, 1, 1000, 0},
	{"nanosleep_1us_over", NULL, r_nsleep, NULL, OVER, 1000, 50, 0},
	{"sched_yield", NULL, r_yield, NULL, LAT, 1, 500, 0},
	{"pf_anon", NULL, r_pfanon, NULL, LAT, PF_PAGES, 2, 0},
	{"pf_anon_default", NULL, r_pfanon_def, NULL, LAT, PF_PAGES, 2, 0},
	{"pf_file", s_bigfile, r_pffile, rmfiles, LAT, FILE_SZ / 4096, 2, 0},
	{"pf_file_64k", s_bigfile, r_pffile64, rmfiles, LAT, FILE_SZ / 65536, 4, 0},
	{"fork_cow_256", s_cow, r_cow, d_cow, LAT, 1, 5, 0},
	{"mmap_munmap", NULL, r_mmap, NULL, LAT, 1, 300, 0},
	{"mmap_touch_munmap", NULL, r_mmap1, NULL, LAT, 1, 300, 0},
	{"mprotect", s_cow, r_mprotect, d_cow, LAT, 2, 200, 0},
	{"brk", NULL, r_brk, NULL, LAT, 2, 200, 0},
	{"fork_exit", NULL, r_fork, NULL, LAT, 1, 20, 0},
	{"fork_rss_1m", s_cow, r_fork, d_cow, LAT, 1, 20, 3},
	{"fork_rss_16m", s_rss16, r_fork, d_cow, LAT, 1, 10, 3},
	{"fork_rss_256m", s_rss256, r_fork, d_cow, LAT, 1, 4, 3},
	{"fork_exec", NULL, r_forkexec, NULL, LAT, 1, 10, 0},
	{"spawn_exec", NULL, r_spawn, NULL, LAT, 1, 10, 0},
	{"fork_sh_c", s_sh, r_sh, NULL, LAT, 1, 5, 0},
	{"thread_create_join", NULL, r_thread, NULL, LAT, 1, 50, 0},
	{"pipe_self_hop", s_self0, r_ring_self, closeall, LAT, 1, 300, 0},
	{"ctx_2p_0k_hop", s_ring2, r_ring, d_ring, LAT, 1, 600, 0},
	{"pipe_self_hop_16k", s_self16, r_ring_self, closeall, LAT, 1, 200, 0},
	{"ctx_8p_16k_hop", s_ring8, r_ring, d_ring, LAT, 1, 800, 0},
	{"pipe_lat", s_pipe, r_pp, closeall, LAT, 1, 300, 0},
	{"pipe_lat_2cpu", s_pipex, r_pp, closeall, LAT, 1, 300, 0},
	{"unix_lat", s_unix, r_pp, closeall, LAT, 1, 300, 0},
	{"eventfd_lat", s_eventfd, r_eventfd, closeall, LAT, 1, 300, 0},
	{"futex_lat", s_futex, r_futex, d_futex, LAT, 1, 300, 0},
	{"futex_wake_none", NULL, r_futexwake, NULL, LAT, 1, 500, 0},
	{"udp_lat", s_udp, r_pp, closeall, LAT, 1, 200, 0},
	{"tcp_lat", s_tcp, r_pp, closeall, LAT, 1, 200, 0},
	{"tcp_connect", s_conn, r_conn, closeall, LAT, 1, 50, 0},
	{"memcpy_bw", NULL, r_memcpy, NULL, BW, CHUNK, 20, 0},
	{"pipe_bw", s_pipebw, r_wr64k, closeall, BW, CHUNK, 20, 0},
	{"unix_bw", s_unixbw, r_wr64k, closeall, BW, CHUNK, 20, 0},
	{"tcp_bw", s_tcpbw, r_wr64k, closeall, BW, CHUNK, 20, 0},
	{"file_create_del_0k", s_file, r_create0, rmfiles, LAT, 1, 200, 0},
	{"file_create_del_10k", s_file, r_create10, rmfiles, LAT, 1, 100, 0},
	{"file_rename", s_file, r_rename, rmfiles, LAT, 1, 200, 0},
	{"file_read_4k", s_bigfile, r_fread4, rmfiles, LAT, 1, 500, 0},
	{"file_read_bw", s_bigfile, r_fread, rmfiles, BW, CHUNK, 64, 0},
	{"file_write_bw", s_bigfile, r_fwrite, rmfiles, BW, CHUNK, 64, 0},
	{"file_write_new_bw", s_bigfile, r_fwritenew, rmfiles, BW, CHUNK, 64, 0},
	{"mmap_read_bw", s_mread, r_mread, d_mread, BW, CHUNK, 64, 0},
	{"readdir_1000", s_dir, r_readdir, d_dir, LAT, 1, 5, 0},
	{"getdents_1000", s_dir, r_getdents, d_dir, LAT, 1, 5, 0},
	{"blk_seq_read_direct", s_blkd, r_blksr, closeall, BW, CHUNK, 64, 1},
	{"blk_seq_write_direct", s_blkd, r_blksw, closeall, BW, CHUNK, 64, 1},
	{"blk_rand_read_4k_direct", s_blkd, r_blkrr, closeall, LAT, 1, 200, 1},
	{"blk_rand_write_4k_direct", s_blkd, r_blkrw, closeall, LAT, 1, 200, 1},
	{"blk_read_cold_buffered", s_blkb, r_blkcold, closeall, BW, 16u << 20, 1, 1},
	{"blk_write_fsync_buffered", s_blkb, r_blkbw, closeall, BW, 16u << 20, 1, 1},
	{"blk_fsync_4k", s_blkb, r_fsync, closeall, LAT, 1, 50, 1},
	{"net_tcp_tx", s_nettx, r_wr64k, closeall, BW, CHUNK, 50, 2},
	{"net_tcp_rx", s_netrx, r_rd64k, closeall, BW, CHUNK, 50, 2},
	{"net_tcp_rr", s_netrr, r_pp, closeall, LAT, 1, 100, 2},
};
#define NTAB (sizeof tab / sizeof tab[0])

struct par {
	const char *name;
	int (*setup)(void);
	void (*run)(uint64_t);
	void (*done)(void);
	unsigned n;
	double div;
};
static const struct par ptab[] = {
	/* no kernel: what the machine itself gains */
	{"par_ref", NULL, r_ref, NULL, 10000, 1},
	{"par_getppid", NULL, p_getppid, NULL, 20000, 1},
	{"par_open_close", s_file, p_open, rmfiles, 2000, 1},
	{"par_pf_anon", NULL, p_pf, NULL, 4, PF_PAGES},
	{"par_mmap", NULL, p_mmap, NULL, 1000, 1},
	{"par_fork", NULL, r_fork, NULL, 100, 1},
};

static int nsel;
static char **sel;
static int selected(const char *name, int opt)
{
	for (int i = 0; i < nsel; i++) {
		size_t l = strlen(sel[i]);
		if (l && sel[i][l - 1] == '*' ? !strncmp(sel[i], name, l - 1)
					      : !strcmp(sel[i], name))
			return 1;
	}
	return nsel == 0 && (opt == 0 || (opt == 1 && blkpath) || (opt == 2 && nethost));
}

static int cmpd(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static void skip(const char *name, int e)
{
	printf("%s - SKIP(%s)\n", name, strerror(e > 0 ? e : ENOSYS));
	fflush(stdout);
}

static uint64_t scaled(unsigned n)	/* -k */
{
	uint64_t v = (uint64_t)n * (unsigned)scale / 100;
	return v ? v : 1;
}

static void run_one(const struct bench *b)
{
	double v[64];
	int e;
	errno = 0;
	if (b->setup && (e = b->setup())) {
		skip(b->name, e);
		if (b->done == closeall || b->done == rmfiles) b->done();
		return;
	}
	if (count_mode) {
		uint64_t n = scaled(b->fixed);
		b->run(n);			/* warm up */
		b->run(n);
		for (int r = 0; r < rounds; r++) {
			uint64_t t0 = now();
			MARK_BEGIN();
			b->run(n);
			MARK_END();
			uint64_t t1 = now();
			printf("#mark %s %g %g\n", b->name,
			       (double)n * (b->kind == LAT ? b->div : 1), (double)(t1 - t0));
		}
	} else {
		uint64_t n = 1, t;
		double want = target_ms * 1e6;	/* raw ticks are taken as 1 ns here */
		for (;;) {
			uint64_t t0 = now();
			b->run(n);
			t = now() - t0;
			if ((double)t >= want || n > (1u << 30)) break;
			if ((double)t < want / 16) n *= 8;
			else n = (uint64_t)((double)n * want * 1.1 / (double)t) + 1;
		}
		for (int r = 0; r < rounds; r++) {
			uint64_t t0 = now();
			b->run(n);
			t = now() - t0;
			double per = (double)t / (double)n;
			if (b->kind == LAT) v[r] = per / b->div;
			else if (b->kind == OVER) v[r] = per - b->div;
			else v[r] = b->div / per * 1e3;	/* bytes/ns -> MB/s */
		}
		if (verbose)
			for (int r = 0; r < rounds; r++)
				printf("#round %s %.2f\n", b->name, v[r]);
		qsort(v, (size_t)rounds, sizeof v[0], cmpd);
		printf("%s %.2f %s\n", b->name, v[rounds / 2],
		       b->kind == BW ? (use_raw ? "B/kilotick" : "MB/s")
				     : (use_raw ? "ticks" : "ns"));
	}
	fflush(stdout);
	if (b->done) b->done();
}

struct shm { _Atomic int ready, go; uint64_t t0[64], t1[64]; };

static void run_par(const struct par *b, int np)
{
	double v[64];
	int e;
	struct shm *sh =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sh == MAP_FAILED) { skip(b->name, errno); return; }
	if (b->setup && (e = b->setup())) { skip(b->name, e); return; }
	int rr = rounds > 5 ? 5 : rounds;
	uint64_t n = scaled(b->n);
	for (int r = 0; r < rr; r++) {
		pid_t pid[64];
		memset(sh, 0, sizeof *sh);
		for (int i = 0; i < np; i++) {
			if ((pid[i] = fork()) == 0) {
				pin(i);
				b->run(n / 10 + 1);
				atomic_fetch_add(&sh->ready, 1);
				while (!atomic_load(&sh->go)) sched_yield();
				sh->t0[i] = now();
				b->run(n);
				sh->t1[i] = now();
				_exit(0);
			}
			if (pid[i] < 0) die("fork");
		}
		while (atomic_load(&sh->ready) < np) sched_yield();
		atomic_store(&sh->go, 1);
		double rate = 0;
		for (int i = 0; i < np; i++) {
			waitpid(pid[i], NULL, 0);
			rate += (double)n * b->div / (double)(sh->t1[i] - sh->t0[i]);
		}
		v[r] = rate * 1e9;
	}
	qsort(v, (size_t)rr, sizeof v[0], cmpd);
	printf("%s_%dp %.0f ops/s\n", b->name, np, v[rr / 2]);
	fflush(stdout);
	if (b->done) b->done();
	munmap(sh, 4096);
}

/* contended mutex: nt threads, n lock/unlock each */
static pthread_mutex_t mx = PTHREAD_MUTEX_INITIALIZER;
static volatile uint64_t mcount;
static void *lock_thread(void *a)
{
	uint64_t n = *(uint64_t *)a;
	pin(-1);
	while (n--) {
		pthread_mutex_lock(&mx);
		mcount++;
		pthread_mutex_unlock(&mx);
	}
	return NULL;
}
static void run_lock(int nt)
{
	double v[64];
	pthread_t t[64];
	uint64_t n = scaled(20000);
	for (int r = 0; r < rounds; r++) {
		uint64_t t0 = now();
		for (int i = 0; i < nt; i++)
			if (pthread_create(&t[i], NULL, lock_thread, &n)) {
				skip("lock_contended", errno);
				return;
			}
		for (int i = 0; i < nt; i++) pthread_join(t[i], NULL);
		v[r] = (double)(now() - t0) / (double)(n * (unsigned)nt);
	}
	qsort(v, (size_t)rounds, sizeof v[0], cmpd);
	printf("lock_contended_%dt %.2f %s\n", nt, v[rounds / 2], use_raw ? "ticks" : "ns");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static char selfbuf[256];
	int c, list = 0;
	if (argc > 1 && !strcmp(argv[1], "--true")) return 0;
	buf = mmap(NULL, MB + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED) die("mmap");
	memset(buf, 0x5a, MB);
	if (argc > 2 && !strcmp(argv[1], "--serve")) return serve(atoi(argv[2]));
	self = argv[0];
	ssize_t l = readlink("/proc/self/exe", selfbuf, sizeof selfbuf - 1);
	if (l > 0) { selfbuf[l] = 0; self = selfbuf; }
	while ((c = getopt(argc, argv, "lr:t:Ck:Rd:P:b:BH:v")) != -1)
		switch (c) {
		case 'l': list = 1; break;
		case 'r': rounds = atoi(optarg); break;
		case 't': target_ms = atof(optarg); break;
		case 'C': count_mode = 1; break;
		case 'k': scale = atoi(optarg); break;
		case 'R': use_raw = 1; break;
		case 'd': dir = optarg; break;
		case 'P': max_par = atoi(optarg); break;
		case 'b': blkpath = optarg; break;
		case 'B': direct = 0; break;
		case 'H': nethost = optarg; break;
		case 'v': verbose = 1; break;
		default: return 2;
		}
	nsel = argc - optind;
	sel = argv + optind;
	if (rounds < 1) rounds = 1;
	if (rounds > 63) rounds = 63;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOFBF, 8192);
	ncpu = sysconf(_SC_NPROCESSORS_ONLN);
	printf("#ubench 1 cpus %ld mode %s rounds %d clock %s\n", ncpu,
	       count_mode ? "count" : "time", rounds, use_raw ? "raw" : "monotonic");
	fflush(stdout);
	for (size_t i = 0; i < NTAB; i++) {
		if (list) { printf("%s\n", tab[i].name); continue; }
		if (!selected(tab[i].name, tab[i].opt)) continue;
		pin(0);
		run_one(&tab[i]);
	}
	if (list || count_mode) return 0;
	for (int np = 1; np <= max_par && np <= 64; np *= 2)
		for (size_t i = 0; i < sizeof ptab / sizeof ptab[0]; i++)
			if (np <= ncpu && selected(ptab[i].name, 0)) {
				pin(-1);
				run_par(&ptab[i], np);
			}
	pin(-1);
	if (selected("lock_contended", 0))
		for (int nt = 1; nt <= 4; nt *= 2) run_lock(nt);
	printf("#done\n");
	return 0;
}
