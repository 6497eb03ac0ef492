/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls of the exerciser, and of mutants' use, as those of a user program; processes are forked
 * and share the models.
 */
#pragma once

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE	 2
#endif
#ifndef FALLOC_FL_KEEP_SIZE
#define FALLOC_FL_KEEP_SIZE 1
#define FALLOC_FL_PUNCH_HOLE 2
#endif
#ifndef FALLOC_FL_COLLAPSE_RANGE
#define FALLOC_FL_COLLAPSE_RANGE 8
#define FALLOC_FL_ZERO_RANGE	 16
#define FALLOC_FL_INSERT_RANGE	 32
#endif

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static inline long ex_ret(long ret)
{
	return ret < 0 ? -errno : ret;
}

#define ex_open(path, flags, mode)	     ex_ret(open(path, flags, mode))
#define ex_close(fd)			     ex_ret(close(fd))
#define ex_read(fd, buf, n)		     ex_ret(read(fd, buf, n))
#define ex_pread(fd, buf, n, pos)	     ex_ret(pread(fd, buf, n, pos))
#define ex_pwrite(fd, buf, n, pos)	     ex_ret(pwrite(fd, buf, n, pos))
#define ex_lseek(fd, offset, whence)	     ex_ret(lseek(fd, offset, whence))
#define ex_advise(fd, from, n, advice)	     ex_ret(-posix_fadvise(fd, from, n, advice))
#define ex_write(fd, buf, n)		     ex_ret(write(fd, buf, n))
#define ex_truncate(path, size)		     ex_ret(truncate(path, size))
#define ex_ftruncate(fd, size)		     ex_ret(ftruncate(fd, size))
#define ex_fallocate(fd, mode, from, n)                                                            \
	ex_ret(syscall(SYS_fallocate, fd, mode, (long)(from), (long)(n)))
#define ex_copy_range(in, ipos, out, opos, n)                                                      \
	ex_ret(syscall(SYS_copy_file_range, in, ipos, out, opos, (size_t)(n), 0))
#define ex_fsync(fd)			     ex_ret(fsync(fd))
#define ex_fdatasync(fd)		     ex_ret(fdatasync(fd))
#define ex_sync()			     sync()
#define ex_ioctl(fd, cmd, arg)		     ex_ret(ioctl(fd, cmd, arg))
#define ex_mkdir(path, mode)		     ex_ret(mkdir(path, mode))
#define ex_rmdir(path)			     ex_ret(rmdir(path))
#define ex_unlink(path)			     ex_ret(unlink(path))
#define ex_link(old, new)		     ex_ret(link(old, new))
#define ex_symlink(target, path)	     ex_ret(symlink(target, path))
#define ex_readlink(path, buf, n)	     ex_ret(readlink(path, buf, n))
#define ex_rename(old, new, flags)                                                                 \
	ex_ret(syscall(SYS_renameat2, AT_FDCWD, old, AT_FDCWD, new, flags))
#define ex_getdents(fd, buf, n)              ex_ret(syscall(SYS_getdents64, fd, buf, (size_t)(n)))
#define ex_lstat(path, st)		     ex_ret(lstat(path, st))
#define ex_fstat(fd, st)		     ex_ret(fstat(fd, st))
#define ex_statfs(path, st)		     ex_ret(statfs(path, st))
#define ex_chmod(path, mode)		     ex_ret(chmod(path, mode))
#define ex_setxattr(path, name, value, n, f) ex_ret(setxattr(path, name, value, n, f))
#define ex_getxattr(path, name, value, n)    ex_ret(getxattr(path, name, value, n))
#define ex_listxattr(path, list, n)	     ex_ret(listxattr(path, list, n))
#define ex_removexattr(path, name)	     ex_ret(removexattr(path, name))
#define ex_mmap(len, prot, flags, fd, off)   ex_ret((long)mmap(NULL, len, prot, flags, fd, off))
#define ex_munmap(addr, n)		     ex_ret(munmap((void *)(addr), n))
#define ex_msync(addr, n, flags)	     ex_ret(msync((void *)(addr), n, flags))
#define ex_failed(text)			     fflush(stdout)
#define ex_print			     printf
#define ex_alloc			     malloc
#define ex_free				     free

/* Without the right, or on a read-only /proc, caches stay. */
static inline void ex_drop_caches(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		if (write(fd, "3", 1) < 0)
			errno = 0;
		close(fd);
	}
}

/* Copies that come back when a page cannot be had: SIGBUS. */
static sigjmp_buf ex_bus;

static void ex_on_bus(int signo)
{
	siglongjmp(ex_bus, 1);
}

static inline long ex_copy(void *to, const void *from, size_t n)
{
	signal(SIGBUS, ex_on_bus);
	if (sigsetjmp(ex_bus, 1))
		return -EIO;
	memcpy(to, from, n);
	return 0;
}

#define ex_load(addr, buf, n)  ex_copy(buf, (const void *)(addr), n)
#define ex_store(addr, buf, n) ex_copy((void *)(addr), buf, n)

static inline void *ex_shared_alloc(size_t n)
{
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline void ex_shared_free(void *p, size_t n)
{
	munmap(p, n);
}

/* Returns how many died of something else than their end. */
static inline unsigned ex_run_processes(unsigned n, void (*fn)(void *ctx, unsigned i), void *ctx)
{
	pid_t pid[16];
	unsigned died = 0;

	fflush(stdout);
	for (unsigned i = 0; i < n; i++) {
		pid[i] = fork();
		if (pid[i])
			continue;
		fn(ctx, i);
		fflush(stdout);
		_exit(0);
	}
	for (unsigned i = 0; i < n; i++) {
		int status = -1;

		if (pid[i] > 0)
			waitpid(pid[i], &status, 0);
		if (!status)
			continue;
		died++;
		printf("# process %u died: status %#x\n", i, (unsigned)status);
	}
	return died;
}

/* xoshiro256** through splitmix64, as kernel/lib/random.c has it, so that a seed means the same on
 * both sides. */
struct prng {
	uint64_t s[4];
};

static inline void prng_seed(struct prng *p, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15ull;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
		z = (z ^ z >> 27) * 0x94d049bb133111ebull;
		p->s[i] = z ^ z >> 31;
	}
}

static inline uint64_t prng_rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline uint64_t prng_next(struct prng *p)
{
	uint64_t *s = p->s, result = prng_rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = prng_rotate(s[3], 45);
	return result;
}

static inline uint64_t prng_below(struct prng *p, uint64_t bound)
{
	uint64_t result, limit = -bound % bound;

	do
		result = prng_next(p);
	while (result < limit);
	return result % bound;
}
