/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bad descriptors, bad pointers and unknown numbers for every call: the errors. */
#include "check.h"
#include <sys/mman.h>

#define B ((long)bad_address)
#define FD 999

struct call {
	const char *name;
	long nr, a[6];
};

static void run(const char *what, struct call *c, int n)
{
	char name[80];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s %s", c[i].name, what);
		CALL(name, syscall(c[i].nr, c[i].a[0], c[i].a[1], c[i].a[2], c[i].a[3], c[i].a[4], c[i].a[5]));
	}
}

#define C(name, ...) { #name, SYS_##name, { __VA_ARGS__ } }
#define RUN(what, table) run(what, table, sizeof(table) / sizeof(table[0]))

int main(void)
{
	static char buf[4096];
	long m = (long)buf;
	struct call bad_fd[] = {
		C(read, FD, m, 1), C(write, FD, m, 1), C(close, FD), C(lseek, FD), C(fstat, FD, m), C(ioctl, FD, 0x5401, m),
		C(pread64, FD, m, 1, 0), C(pwrite64, FD, m, 1, 0), C(readv, FD, m, 1), C(writev, FD, m, 1), C(preadv, FD, m, 1),
		C(pwritev, FD, m, 1), C(dup, FD), C(dup3, FD, 5, 0), C(fcntl, FD, F_GETFD), C(flock, FD, 1), C(fsync, FD),
		C(fdatasync, FD), C(ftruncate, FD, 0), C(fallocate, FD, 0, 0, 1), C(getdents64, FD, m, 100), C(fchdir, FD),
		C(fchmod, FD, 0), C(fchown, FD, 0, 0), C(fstatfs, FD, m), C(openat, FD, (long)"x", 0), C(mkdirat, FD, (long)"x", 0),
		C(mknodat, FD, (long)"x", 0100000, 0), C(unlinkat, FD, (long)"x", 0), C(symlinkat, (long)"x", FD, (long)"y"), C(linkat, FD, (long)"x", FD, (long)"y", 0),
		C(renameat2, FD, (long)"x", FD, (long)"y", 0), C(readlinkat, FD, (long)"x", m, 10), C(fchmodat, FD, (long)"x", 0), C(fchownat, FD, (long)"x", 0, 0, 0),
		C(faccessat, FD, (long)"x", 0), C(utimensat, FD, (long)"x", 0, 0), C(statx, FD, (long)"x", 0, 0, m), C(sendfile, FD, FD, 0, 1),
		C(splice, FD, 0, FD, 0, 1, 0), C(tee, FD, FD, 1, 0), C(vmsplice, FD, m, 1, 0), C(copy_file_range, FD, 0, FD, 0, 1, 0),
		C(sync_file_range, FD, 0, 1, 0), C(syncfs, FD), C(readahead, FD, 0, 1), C(fadvise64, FD, 0, 1, 0),
		C(fgetxattr, FD, (long)"user.a", m, 1), C(fsetxattr, FD, (long)"user.a", m, 1, 0), C(flistxattr, FD, m, 1),
		C(fremovexattr, FD, (long)"user.a"), C(mmap, 0, 4096, 1, 2, FD, 0), C(epoll_ctl, FD, 1, 0, m), C(epoll_pwait, FD, m, 1, 0, 0, 8),
		C(signalfd4, FD, m, 8, 0), C(timerfd_settime, FD, 0, m, 0), C(timerfd_gettime, FD, m), C(inotify_add_watch, FD, (long)"x", 1),
		C(inotify_rm_watch, FD, 1), C(bind, FD, m, 10), C(connect, FD, m, 10), C(listen, FD, 1), C(accept4, FD, 0, 0, 0),
		C(getsockname, FD, m, m), C(getpeername, FD, m, m), C(sendto, FD, m, 1, 0, 0, 0), C(recvfrom, FD, m, 1, 0, 0, 0),
		C(setsockopt, FD, 1, 2, m, 4), C(getsockopt, FD, 1, 2, m, m), C(shutdown, FD, 1), C(sendmsg, FD, m, 0), C(recvmsg, FD, m, 0),
		C(pidfd_send_signal, FD, 0, 0, 0), C(execveat, FD, (long)"x", 0, 0, 0),
	};
	struct call bad_pointer[] = {
		C(openat, AT_FDCWD, B, 0), C(mkdirat, AT_FDCWD, B, 0), C(mknodat, AT_FDCWD, B, 0100000, 0), C(unlinkat, AT_FDCWD, B, 0),
		C(symlinkat, B, AT_FDCWD, (long)"y"), C(symlinkat, (long)"y", AT_FDCWD, B), C(linkat, AT_FDCWD, B, AT_FDCWD, (long)"y", 0),
		C(renameat2, AT_FDCWD, B, AT_FDCWD, (long)"y", 0), C(readlinkat, AT_FDCWD, B, m, 10), C(readlinkat, AT_FDCWD, (long)"/proc/self", B, 10),
		C(fchmodat, AT_FDCWD, B, 0), C(fchownat, AT_FDCWD, B, 0, 0, 0), C(faccessat, AT_FDCWD, B, 0), C(chdir, B), C(chroot, B),
		C(truncate, B, 0), C(statfs, B, m), C(statfs, (long)"/", B), C(statx, AT_FDCWD, (long)"/", 0, 0, B), C(utimensat, AT_FDCWD, (long)"/", B, 0),
		C(getcwd, B, 4096), C(pipe2, B, 0), C(getxattr, B, (long)"user.a", 0, 0), C(getxattr, (long)"/", B, 0, 0), C(mount, B, B, B, 0, 0),
		C(umount2, B, 0), C(pivot_root, B, B), C(uname, B), C(sysinfo, B), C(getrusage, 0, B), C(prlimit64, 0, 7, 0, B),
		C(prlimit64, 0, 7, B, 0), C(clock_gettime, 1, B), C(clock_getres, 1, B), C(clock_settime, 0, B), C(nanosleep, B, 0),
		C(clock_nanosleep, 1, 0, B, 0), C(gettimeofday, B, 0), C(settimeofday, B, 0), C(getitimer, 0, B), C(setitimer, 0, B, 0),
		C(timer_create, 1, B, m), C(timer_create, 1, 0, B), C(timer_gettime, 77, m), C(adjtimex, B), C(getrandom, B, 10, 0),
		C(sethostname, B, 5), C(setdomainname, B, 5), C(getgroups, 20, B), C(getresuid, B, B, B), C(getresgid, B, B, B),
		C(capget, B, B), C(capset, B, B), C(sched_setparam, 0, B), C(sched_getparam, 0, B), C(sched_setattr, 0, B, 0),
		C(sched_getattr, 0, B, 48, 0), C(sched_setaffinity, 0, 8, B), C(sched_getaffinity, 0, 128, B), C(sched_rr_get_interval, 0, B),
		C(rt_sigprocmask, 0, 0, B, 8), C(rt_sigpending, B, 8), C(rt_sigsuspend, B, 8), C(rt_sigtimedwait, B, 0, 0, 8),
		C(rt_sigqueueinfo, 1, 10, B), C(sigaltstack, B, 0), C(rt_sigaction, 10, 0, B, 8), C(ppoll, B, 1, 0, 0, 8), C(ppoll, 0, 0, B, 0, 8),
		C(pselect6, 1, B, 0, 0, 0, 0), C(eventfd2, 0, 12345), C(signalfd4, -1, B, 8, 0), C(memfd_create, B, 0), C(execve, B, 0, 0),
		C(wait4, -1, B, 0, 0), C(waitid, 0, 0, B, 4, 0), C(socketpair, 1, 1, 0, B), C(set_robust_list, B, 1), C(get_robust_list, 0, B, B),
		C(mincore, 4096, 4096, B), C(times, B), C(getcpu, B, 0, 0), C(setgroups, 3, B), C(prctl, 16, B),
		C(openat2, AT_FDCWD, (long)"/", B, 24), C(openat2, AT_FDCWD, (long)"/", m, 5),
	};
	struct call bad_value[] = {
		C(mlockall, 77), C(getrandom, m, 1, 77), C(sethostname, m, -1), C(sethostname, m, 65), C(reboot, 1, 2, 3, 0), C(personality, 0xffffffff),
		C(clock_getres, 99, 0), C(clock_gettime, -1, m), C(sched_get_priority_max, -1), C(mremap, 1, 2, 3, 0), C(syslog, 77, 0, 0),
		C(umount2, (long)"/tmp", 0x100), C(umount2, (long)"/nowhere", 0), C(mount, (long)"x", (long)"/nowhere", (long)"tmpfs", 0, 0), C(mount, (long)"x", (long)"/tmp", (long)"nosuchfs", 0, 0),
		C(unlinkat, AT_FDCWD, (long)"x", 0x1), C(fchownat, AT_FDCWD, (long)"x", 0, 0, 0x1), C(linkat, AT_FDCWD, (long)"x", AT_FDCWD, (long)"y", 1),
		C(faccessat, AT_FDCWD, (long)"/", 8), C(pipe2, m, 1), C(dup3, 0, 5, 1), C(getdents64, 0, m, 100), C(ftruncate, 0, 5), C(lseek, 0, 0, 99),
		C(fadvise64, 0, 0, 0, 99), C(copy_file_range, 0, 0, 0, 0, 1, 1), C(splice, 0, 0, 0, 0, 1, 0), C(tee, 0, 0, 1, 0),
		C(epoll_ctl, 0, 1, 0, m), C(inotify_init1, 5), C(socket, 0, 0, 0), C(getpriority, 5, 0), C(setpgid, -5, 0),
		C(sched_setattr, 0, m, 1), C(madvise, 1, 1, 0), C(munmap, 1, 1), C(mprotect, 1, 1, 0), C(openat, AT_FDCWD, (long)"/", 0x40),
		C(pidfd_open, 0, 0), C(futex, m, 200, 0, 0, 0, 0), C(timer_settime, 99, 0, m, 0), C(timer_gettime, 99, m), C(timer_getoverrun, 99),
		C(timer_delete, 99),
	};
	static const long unknown[] = { 463 + 200, 999, 2000, 100000, -1, 0x7fffffff };
	char name[40];

	RUN("bad descriptor", bad_fd);
	RUN("bad pointer", bad_pointer);
	RUN("bad value", bad_value);
	for (unsigned i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		snprintf(name, sizeof(name), "unknown call %ld", unknown[i]);
		CALL(name, syscall(unknown[i], 1, 2, 3, 4, 5, 6));
	}
	return 0;
}
