/* SPDX-License-Identifier: GPL-2.0-or-later */
/* open(2), openat2(2), close(2), close_range(2), dup(2), pipe(2), memfd_create(2). */
#include <fs/pipe.h>
#include <fs/tmpfs/tmpfs.h>
#include <fs/vfs/fdtable.h>
#include <fs/vfs/namei.h>
#include <kernel/abi/fs.h>
#include <kernel/abi/memfd.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <mm/shmem.h>
#include <mm/usercopy.h>

#include <fs/services.h>
#include "syscalls_internal.h"

/* Open and give it a number. */
static long open_how_user(int dfd, const char __user *name, const struct open_how *how)
{
	struct filename fn;
	struct file *f;
	int fd, err;

	err = filename_get(&fn, name, 0);
	if (err)
		goto put_name;
	fd = err = fd_reserve(how->flags);
	if (err < 0)
		goto put_name;
	err = do_open(dfd, fn.name, how, &f);
	if (err) {
		fd_release(fd);
	} else {
		fd_install(fd, f);
		err = fd;
	}
put_name:
	filename_put(&fn);
	return err;
}

#define OPEN_FLAGS                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |      \
	 O_DSYNC | FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME |        \
	 O_CLOEXEC | O_PATH | __O_TMPFILE)

struct open_how open_how_of(u32 flags, umode_t mode)
{
	struct open_how how = { .flags = flags & OPEN_FLAGS, .mode = mode & 07777 };

	/* open(2) ignores what openat2(2) refuses. */
	if (how.flags & O_PATH)
		how.flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
	if (!(how.flags & (O_CREAT | __O_TMPFILE)))
		how.mode = 0;
	return how;
}

long open_user(int dfd, const char __user *name, u32 flags, umode_t mode)
{
	struct open_how how = open_how_of(flags, mode);

	return open_how_user(dfd, name, &how);
}

long sys_openat(int dfd, const char __user *filename, int flags, u32 mode)
{
	return open_user(dfd, filename, flags, mode);
}

long sys_openat2(int dfd, const char __user *filename, const struct open_how __user *uhow,
		 size_t usize)
{
	struct open_how how;
	int err;

	if (usize < sizeof(how))
		return -EINVAL;
	if (usize > PAGE_SIZE)
		return -E2BIG;
	err = copy_struct_from_user(&how, sizeof(how), uhow, usize);
	return err ?: open_how_user(dfd, filename, &how);
}

/* An interrupted close has closed: it is never restarted. */
static long close_result(int err)
{
	if (err == -ERESTARTSYS || err == -ERESTARTNOINTR || err == -ERESTARTNOHAND ||
	    err == -ERESTART_RESTARTBLOCK)
		return -EINTR;
	return err;
}

long sys_close(int fd)
{
	return close_result(fd_close(fd));
}

long sys_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	int err;

	if (flags & ~(unsigned)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC) || first > last)
		return -EINVAL;
	if (flags & CLOSE_RANGE_UNSHARE) {
		err = files_unshare();
		if (err)
			return err;
	}
	files_close_range(thread_current()->files, first, last, flags & CLOSE_RANGE_CLOEXEC);
	return 0;
}

long sys_dup(int fd)
{
	struct file *f = fd_file_raw(fd);
	int ret;

	if (!f)
		return -EBADF;
	ret = fd_alloc(f, 0);
	if (ret < 0)
		file_put(f);
	return ret;
}

long sys_dup3(int oldfd, int newfd, int flags)
{
	struct fdref ref;
	int ret;

	if ((flags & ~O_CLOEXEC) || oldfd == newfd)
		return -EINVAL;
	ref = fd_get_raw(oldfd);
	if (!ref.file)
		return -EBADF;
	file_get(ref.file);
	ret = fd_replace(newfd, ref.file, flags);
	file_put(ref.file);
	fd_put(ref);
	return ret;
}

static long pipe_user(int __user *fds, int flags)
{
	struct file *ends[2];
	int fd[2], err;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
		return -EINVAL;
	err = pipe_files(flags, &ends[0], &ends[1]);
	if (err)
		return err;
	fd[0] = err = fd_reserve(flags);
	if (err < 0)
		goto put_files;
	fd[1] = err = fd_reserve(flags);
	if (err < 0)
		goto release_first;
	err = copy_to_user(fds, fd, sizeof(fd));
	if (err)
		goto release_second;
	fd_install(fd[0], ends[0]);
	fd_install(fd[1], ends[1]);
	return 0;
release_second:
	fd_release(fd[1]);
release_first:
	fd_release(fd[0]);
put_files:
	file_put(ends[0]);
	file_put(ends[1]);
	return err;
}

long sys_pipe2(int __user *fds, int flags)
{
	return pipe_user(fds, flags);
}

#define MEMFD_PREFIX "memfd:"
#define MEMFD_NAME_MAX (NAME_MAX - (sizeof(MEMFD_PREFIX) - 1))

static int memfd_seals(unsigned flags, umode_t *mode, u32 *seals)
{
	*seals = flags & MFD_ALLOW_SEALING ? 0 : SHMEM_SEAL_SEAL;
	*mode = 0777;
	if (flags & MFD_NOEXEC_SEAL) {
		*mode = 0666;
		*seals = SHMEM_SEAL_EXEC;
	}
	return 0;
}

long sys_memfd_create(const char __user *uname, unsigned int flags)
{
	char name[NAME_MAX + 1] = MEMFD_PREFIX;
	const size_t at = sizeof(MEMFD_PREFIX) - 1;
	struct file *f;
	umode_t mode;
	ssize_t len;
	u32 seals;
	int fd, err;

	if (flags & ~(unsigned)(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC))
		return -EINVAL;
	if ((flags & MFD_EXEC) && (flags & MFD_NOEXEC_SEAL))
		return -EINVAL;
	len = strncpy_from_user(name + at, uname, MEMFD_NAME_MAX + 1);
	if (len < 0)
		return len;
	if (len > (ssize_t)MEMFD_NAME_MAX)
		return -EINVAL;
	memfd_seals(flags, &mode, &seals);
	fd = fd_reserve(flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
	if (fd < 0)
		return fd;
	err = tmpfs_file_create(name, 0, seals, mode, O_RDWR | O_LARGEFILE, &f);
	if (err) {
		fd_release(fd);
		return err;
	}
	fd_install(fd, f);
	return fd;
}
