/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Descriptor tables.
 *
 * A table is read without locks: alone in its table, a thread uses files[fd] as it stands, for the
 * entry cannot be closed under it; sharing, it takes a reference under RCU.  Writers hold
 * files.lock.
 */
#pragma once

#include <fs/vfs/file.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/spinlock.h>

#define FDTABLE_INLINE 64

struct fdtable {
	u32 max;	     /* [I] slots, a multiple of 64 */
	struct file **files; /* [l, R] */
	u64 *open;	     /* [l] bit: number taken (reserved or installed) */
	u64 *cloexec;	     /* [l] */
	union {
		struct rcu_head rcu;
		struct llist_node dead;
	};
};

struct files {
	refcount_t users;	 /* threads and others that may change it */
	struct spinlock lock;	 /* l */
	struct fdtable *table;	 /* [l, R] */
	u32 next;		 /* [l] no free number below */
	struct fdtable first;	 /* the table until it grows */
	struct file *first_files[FDTABLE_INLINE];
	u64 first_open, first_cloexec;
};

/* A file got from a number: with a reference only where needed. */
struct fdref {
	struct file *file; /* NULL: bad descriptor */
	unsigned flags;
};
#define FDREF_COUNTED  1
#define FDREF_POS_LOCK 2

/*
 * The file of `fd`, for the length of this system call, O_PATH files excluded (_raw: included).
 * Context: the thread itself.  Pair with fd_put().
 */
struct fdref fd_get(int fd);
struct fdref fd_get_raw(int fd);
/* With the file's position locked if it must be: read, write, lseek, getdents. */
struct fdref fd_get_pos(int fd);
void fd_put_slow(struct fdref ref);
static inline void fd_put(struct fdref ref)
{
	if (unlikely(ref.flags))
		fd_put_slow(ref);
}
/* A counted reference, or NULL.  O_PATH excluded (_raw: included). */
struct file *fd_file(int fd);
struct file *fd_file_raw(int fd);
/* The file of another thread's table, counted, or NULL. */
struct file *files_get_file(struct files *files, int fd);
/* The first file at or after *fd, counted, or NULL; *fd becomes its number.  For /proc/<pid>/fd. */
struct file *files_next(struct files *files, unsigned *fd);
bool files_cloexec(struct files *files, int fd);

/*
 * Take the lowest free number (from `min`), closed on exec if flags has O_CLOEXEC, below the
 * caller's RLIMIT_NOFILE. Returns the number, -EMFILE, -ENOMEM.  Then fd_install() or fd_release().
 */
int fd_reserve_from(unsigned min, u32 flags) __must_check;
static inline int fd_reserve(u32 flags)
{
	return fd_reserve_from(0, flags);
}
void fd_release(int fd);
/* Make it live; consumes the reference. */
void fd_install(int fd, struct file *f);
/* Both: returns the number and consumes the reference, or a negative errno and does not. */
int fd_alloc(struct file *f, u32 flags) __must_check;
/* close(2): 0, -EBADF, or what flush said. */
int fd_close(int fd);
/* dup2(2) and friends: put `f` (a reference is taken) at `fd`. */
int fd_replace(int fd, struct file *f, u32 flags) __must_check;

/* fork: a copy, or with CLONE_FILES (share) the same with one more user. */
int files_create(struct files **out) __must_check;
int files_fork(struct files *old, bool share, struct files **out) __must_check;
void files_put(struct files *files);
static inline struct files *files_get(struct files *files)
{
	refcount_get(&files->users);
	return files;
}
/* The table of a thread that may be parting with it, counted; NULL when it has none any more.
 * Context: any thread. */
struct files *files_grab(struct thread *t);
/* How many numbers that has room for; 0 when there is none any more. */
unsigned files_size_of(struct thread *t);
/* exec: close what is marked; a shared table has been replaced by files_unshare() before. */
void files_exec(struct files *files);
/* Make current's table its own.  Returns 0 or -ENOMEM. */
int files_unshare(void) __must_check;

/* close_range(2): close, or mark for exec, all from `first` to `last`. */
void files_close_range(struct files *files, unsigned first, unsigned last, bool cloexec);
/* FD_CLOEXEC of one of the current thread's.  Return 0 or -EBADF. */
int fd_get_cloexec(int fd, bool *cloexec) __must_check;
int fd_set_cloexec(int fd, bool cloexec) __must_check;

/* files-max and the like: /proc/sys/fs/nr_open */
extern u32 sysctl_nr_open;
