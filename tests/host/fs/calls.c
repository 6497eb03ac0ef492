/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The system calls, called as functions.
 *
 * leave() stands for the return to user mode: work left for that moment runs (the last put of a
 * file, say), and the thread holds nothing.
 */
#include <gen/syscalls.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/stat.h>
#include <kernel/debug/panic.h>
#include <kernel/sched/thread.h>
#include <kernel/trap/trap.h>
#include "hostfs_internal.h"

static long leave(long ret)
{
	struct thread *t = thread_current();

	lock_debug_check_none("return to user mode");
	if (t->preempt_count || !arch_irq_enabled())
		panic("return to user mode: preempt count %#x", t->preempt_count);
	if (t->journal || t->pagefault_disabled)
		panic("return to user mode inside a transaction or without page faults");
	if (thread_flag_test(t, THREAD_NOTIFY)) {
		thread_flag_clear(t, THREAD_NOTIFY);
		notify_work_run(false);
	}
	cond_resched();
	return ret;
}

long hf_mmap(size_t len, int prot, int flags, int fd, loff_t offset)
{
	return leave(sys_mmap(0, len, (unsigned long)prot, (unsigned long)flags, fd,
			      (unsigned long)offset));
}

long hf_munmap(unsigned long addr, size_t len)
{
	return leave(sys_munmap(addr, len));
}

long hf_msync(unsigned long addr, size_t len, int flags)
{
	return leave(sys_msync(addr, len, flags));
}

long hf_open(const char *path, int flags, u32 mode)
{
	return leave(sys_openat(AT_FDCWD, path, flags | O_LARGEFILE, mode));
}

long hf_close(int fd)
{
	return leave(sys_close(fd));
}

long hf_read(int fd, void *buf, size_t n)
{
	return leave(sys_read(fd, buf, n));
}

long hf_write(int fd, const void *buf, size_t n)
{
	return leave(sys_write(fd, buf, n));
}

long hf_pread(int fd, void *buf, size_t n, loff_t pos)
{
	return leave(sys_pread64(fd, buf, n, pos));
}

long hf_pwrite(int fd, const void *buf, size_t n, loff_t pos)
{
	return leave(sys_pwrite64(fd, buf, n, pos));
}

long hf_lseek(int fd, loff_t offset, unsigned whence)
{
	return leave(sys_lseek(fd, offset, whence));
}

long hf_fadvise(int fd, loff_t offset, size_t n, int advice)
{
	return leave(sys_fadvise64(fd, offset, n, advice));
}

long hf_truncate(const char *path, loff_t size)
{
	return leave(sys_truncate(path, size));
}

long hf_ftruncate(int fd, loff_t size)
{
	return leave(sys_ftruncate(fd, size));
}

long hf_fallocate(int fd, int mode, loff_t offset, loff_t len)
{
	return leave(sys_fallocate(fd, mode, offset, len));
}

long hf_copy_file_range(int in, loff_t *in_pos, int out, loff_t *out_pos, size_t n)
{
	return leave(sys_copy_file_range(in, in_pos, out, out_pos, n, 0));
}

long hf_fsync(int fd)
{
	return leave(sys_fsync(fd));
}

long hf_fdatasync(int fd)
{
	return leave(sys_fdatasync(fd));
}

long hf_sync_file_range(int fd, loff_t offset, loff_t n, unsigned flags)
{
	return leave(sys_sync_file_range(fd, offset, n, flags));
}

long hf_syncfs(int fd)
{
	return leave(sys_syncfs(fd));
}

long hf_sync(void)
{
	return leave(sys_sync());
}

long hf_ioctl(int fd, unsigned cmd, void *arg)
{
	return leave(sys_ioctl(fd, cmd, (unsigned long)arg));
}

long hf_mkdir(const char *path, u32 mode)
{
	return leave(sys_mkdirat(AT_FDCWD, path, mode));
}

long hf_mknod(const char *path, u32 mode, unsigned dev)
{
	return leave(sys_mknodat(AT_FDCWD, path, mode, dev));
}

long hf_rmdir(const char *path)
{
	return leave(sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR));
}

long hf_unlink(const char *path)
{
	return leave(sys_unlinkat(AT_FDCWD, path, 0));
}

long hf_link(const char *old, const char *new)
{
	return leave(sys_linkat(AT_FDCWD, old, AT_FDCWD, new, 0));
}

long hf_symlink(const char *target, const char *path)
{
	return leave(sys_symlinkat(target, AT_FDCWD, path));
}

long hf_readlink(const char *path, char *buf, size_t n)
{
	return leave(sys_readlinkat(AT_FDCWD, path, buf, (int)n));
}

long hf_rename(const char *old, const char *new, unsigned flags)
{
	return leave(sys_renameat2(AT_FDCWD, old, AT_FDCWD, new, flags));
}

long hf_getdents(int fd, void *buf, size_t n)
{
	return leave(sys_getdents64(fd, buf, (unsigned)n));
}

long hf_chdir(const char *path)
{
	return leave(sys_chdir(path));
}

long hf_stat(const char *path, struct stat *out)
{
	return leave(sys_newfstatat(AT_FDCWD, path, out, 0));
}

long hf_lstat(const char *path, struct stat *out)
{
	return leave(sys_newfstatat(AT_FDCWD, path, out, AT_SYMLINK_NOFOLLOW));
}

long hf_fstat(int fd, struct stat *out)
{
	return leave(sys_fstat(fd, out));
}

long hf_statfs(const char *path, struct statfs *out)
{
	return leave(sys_statfs(path, out));
}

long hf_chmod(const char *path, u32 mode)
{
	return leave(sys_fchmodat(AT_FDCWD, path, mode));
}

long hf_chown(const char *path, u32 uid, u32 gid)
{
	return leave(sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW));
}

long hf_utimens(const char *path, const s64 times[4])
{
	return leave(sys_utimensat(AT_FDCWD, path, (const struct __kernel_timespec *)times,
				   AT_SYMLINK_NOFOLLOW));
}

long hf_setxattr(const char *path, const char *name, const void *value, size_t n, int flags)
{
	return leave(sys_setxattr(path, name, value, n, flags));
}

long hf_getxattr(const char *path, const char *name, void *value, size_t n)
{
	return leave(sys_getxattr(path, name, value, n));
}

long hf_listxattr(const char *path, char *list, size_t n)
{
	return leave(sys_listxattr(path, list, n));
}

long hf_removexattr(const char *path, const char *name)
{
	return leave(sys_removexattr(path, name));
}

long hf_mount(const char *source, const char *dir, const char *type, unsigned long flags,
	      const char *data)
{
	return leave(sys_mount(source, dir, type, flags, data));
}

long hf_swapon(const char *path, int flags)
{
	return leave(sys_swapon(path, flags));
}

long hf_swapoff(const char *path)
{
	return leave(sys_swapoff(path));
}

long hf_umount(const char *dir, int flags)
{
	return leave(sys_umount2(dir, flags));
}
