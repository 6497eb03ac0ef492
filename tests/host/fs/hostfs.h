/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's file systems in a host program (README.md here has the idea and the limits).
 *
 *	 * link: hostfs						in the opening comment of tests/unit/NAME_test.c
 *
 *	TEST(create)
 *	{
 *		hostfs_boot();
 *		EXPECT_EQ(hf_mkdir("/mnt", 0755), 0);
 *		EXPECT_EQ(hf_mount("none", "/mnt", "tmpfs", 0, NULL), 0);
 *		...
 *	}
 *
 * hf_* are the system calls themselves, with buffers and names of the test: they return what a user
 * program finds in the return register, a negative errno included.
 */
#pragma once

#include <kernel/abi/errno.h>
#include <kernel/abi/fcntl.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

struct iovec;
struct stat;
struct statfs;
struct statx;
struct thread;

/* --- the machine ----------------------------------------------------------------------------- */

/*
 * Bring up memory, scheduler and files once; later calls do nothing.  The calling test is then a
 * process: root, in the empty tmpfs "/".
 */
void hostfs_boot(void);

/* A thread is switched away at about one in `every` ends of a section without preemption; 0: only
 * where it sleeps. */
void hostfs_preempt(unsigned every);
/* The program fails after so many steps (switches, calls of cond_resched) from now; 0: no limit. */
void hostfs_limit(u64 steps);
/* So many frames more than are in use now, then reclaim; 0: plenty. */
void hostfs_memory(u64 pages);
/* Each allocation of the kernel fails with a chance of one in `every`; 0: none.  host_fail_after()
 * counts them. */
void hostfs_fail_every(unsigned every);
/* Nothing fails by that chance until as many ends as beginnings: for what a test itself needs. */
void hostfs_must_allocate(bool begin);
/* Drop clean pages and unused names and inodes: echo 3 > /proc/sys/vm/drop_caches. */
void hostfs_drop_caches(void);

/* Let time pass: threads, timers and write-back run. */
void hostfs_sleep(u64 ns);
/* Let all others run until they sleep, and all deferred callbacks. */
void hostfs_settle(void);

/* What is in use; equal before and after means nothing leaked.  Settles, and drops the caches,
 * first. */
struct hostfs_usage {
	u64 objects, frames;
};
struct hostfs_usage hostfs_usage_settled(void);
struct hostfs_usage hostfs_usage(void);
/* Expect that what is in use is `before`; prints the table of caches otherwise. */
void hostfs_expect_usage(struct hostfs_usage before);
void hostfs_print_usage(void);
/* A number from the environment: how much to do. */
u64 hostfs_number(const char *name, u64 otherwise);
/* Messages of level error or worse since last asked. */
unsigned hostfs_errors_logged(void);
/* A function to call before the program ends with a panic: print the failing sequence. */
void hostfs_set_on_failure(void (*fn)(void));
void hostfs_on_failure(void);

/* --- processes ------------------------------------------------------------------------------- */

struct hf_process;

/* A process with a copy of the caller's descriptors and directories and an empty address space. */
struct hf_process *hf_spawn(const char *name, void (*fn)(void *arg), void *arg);
/* Wait for its end. */
void hf_wait(struct hf_process *p);
/* Become another user for good. */
void hf_setuid(u32 uid, u32 gid);

/* --- memory mappings ------------------------------------------------------------------------- */

/* User addresses below this are those of hf_mmap; all others are the test's own memory. */
#define USER_MAPPED_END 0x100000000000ul

long hf_mmap(size_t len, int prot, int flags, int fd, loff_t offset);
long hf_munmap(unsigned long addr, size_t len);
long hf_msync(unsigned long addr, size_t len, int flags);
/* Access as the program's own instructions do.  0, -EFAULT (SIGSEGV), -EIO (SIGBUS), -ENOMEM. */
int hf_load(unsigned long addr, void *buf, size_t n);
int hf_store(unsigned long addr, const void *buf, size_t n);

/* --- calls ----------------------------------------------------------------------------------- */

long hf_open(const char *path, int flags, u32 mode);
long hf_close(int fd);
long hf_read(int fd, void *buf, size_t n);
long hf_write(int fd, const void *buf, size_t n);
long hf_pread(int fd, void *buf, size_t n, loff_t pos);
long hf_pwrite(int fd, const void *buf, size_t n, loff_t pos);
long hf_lseek(int fd, loff_t offset, unsigned whence);
long hf_fadvise(int fd, loff_t offset, size_t n, int advice);
long hf_truncate(const char *path, loff_t size);
long hf_ftruncate(int fd, loff_t size);
long hf_fallocate(int fd, int mode, loff_t offset, loff_t len);
long hf_copy_file_range(int in, loff_t *in_pos, int out, loff_t *out_pos, size_t n);
long hf_fsync(int fd);
long hf_fdatasync(int fd);
long hf_sync_file_range(int fd, loff_t offset, loff_t n, unsigned flags);
long hf_syncfs(int fd);
long hf_sync(void);
long hf_ioctl(int fd, unsigned cmd, void *arg);

long hf_mkdir(const char *path, u32 mode);
long hf_mknod(const char *path, u32 mode, unsigned dev);
long hf_rmdir(const char *path);
long hf_unlink(const char *path);
long hf_link(const char *old, const char *new);
long hf_symlink(const char *target, const char *path);
long hf_readlink(const char *path, char *buf, size_t n);
long hf_rename(const char *old, const char *new, unsigned flags);
/* struct linux_dirent64 records. */
long hf_getdents(int fd, void *buf, size_t n);
long hf_chdir(const char *path);

long hf_stat(const char *path, struct stat *out);
long hf_lstat(const char *path, struct stat *out);
long hf_fstat(int fd, struct stat *out);
long hf_statfs(const char *path, struct statfs *out);
long hf_chmod(const char *path, u32 mode);
long hf_chown(const char *path, u32 uid, u32 gid);
/* times: access and modification, {seconds, nanoseconds} each; NULL: now. */
long hf_utimens(const char *path, const s64 times[4]);

long hf_setxattr(const char *path, const char *name, const void *value, size_t n, int flags);
long hf_getxattr(const char *path, const char *name, void *value, size_t n);
long hf_listxattr(const char *path, char *list, size_t n);
long hf_removexattr(const char *path, const char *name);

long hf_mount(const char *source, const char *dir, const char *type, unsigned long flags,
	      const char *data);
long hf_umount(const char *dir, int flags);
long hf_swapon(const char *path, int flags);
long hf_swapoff(const char *path);
