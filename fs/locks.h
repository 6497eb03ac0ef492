/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Advisory locks on files: flock(2); POSIX and open-file-description record locks, fcntl(2).
 */
#pragma once

#include <fs/vfs/types.h>
#include <kernel/lib/list.h>
#include <kernel/sync/waitqueue.h>

struct file;
struct flock;
struct seq;

struct file_lock {
	/* [c] in the inode's list, ordered by first byte for each owner kind */
	struct list link;
	short type;	     /* F_RDLCK, F_WRLCK; F_UNLCK in requests */
	bool ofd;	     /* owner is the open file */
	s32 pid;	     /* for F_GETLK and /proc/locks; -1: none */
	void *owner;	     /* struct files of a process, or the struct file */
	loff_t first, last;  /* bytes, inclusive */
}; /* c: flock_context.lock */

/* flock(2): type F_RDLCK, F_WRLCK, F_UNLCK.  Returns 0, -EAGAIN, -ERESTARTSYS, -ENOMEM. */
int flock_file(struct file *f, unsigned type, bool wait) __must_check;

/* Is there a lock in the way of *lock?  *lock becomes it, or type F_UNLCK. */
void posix_lock_test(struct file *f, struct file_lock *lock);
/* Set, change or remove.  Returns 0, -EAGAIN, -EDEADLK, -ERESTARTSYS, -ENOMEM. */
int posix_lock_set(struct file *f, const struct file_lock *lock, bool wait) __must_check;

/* The process number to record as owner; kernel/proc says which (until then: the thread's). */
u32 lock_owner_pid(void);
void lock_set_owner_pid(u32 (*fn)(void));

/* F_GETLK, F_SETLK and relatives: fs/syscalls/lock.c */
long lock_get_user(struct file *f, struct flock __user *user, bool ofd);
long lock_set_user(int fd, struct file *f, unsigned cmd, const struct flock __user *user);

/* /proc/locks */
void locks_show(struct seq *out);
