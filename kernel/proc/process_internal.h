/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#pragma once

#include <kernel/proc/process.h>

extern u32 threads_max; /* [a] */

void fork_init(void);
struct process *process_create(void);
/* Give `t` its process half.  Returns 0 or -ENOMEM. */
int __must_check task_create(struct thread *t, struct process *p);

/*
 * limits.c: `used` against RLIMIT_`which`, a limit of CPU time that counts `second` to the second.
 * At the hard limit the end; at the soft one a signal, and another for each second more.  Context:
 * any.
 */
void limit_check_time(struct process *p, unsigned which, u64 used, u64 second);

struct __kernel_itimerspec;
void process_timers_init(struct process *p);

/*
 * Take a process out of everything once its status was read or nobody wants it.  Locks: tree_lock
 * held.
 */
void process_reap_locked(struct process *p);

/* group.c.  Locks: tree_lock held. */
bool group_has_stopped(struct pid *group);
void group_kill_locked(struct pid *group, int signo);
/* The session's terminal is hung up when its leader goes. */
void session_leader_exit(struct process *p);

/* unshare.c: a mount namespace of its own for a context nobody shares.  0, -EPERM, -ENOMEM. */
struct fs_context;
int __must_check fs_context_new_mounts(struct fs_context *fs);

void unshare_init(void);
void oom_init(void);
void sigio_init(void);
void rseq_init(void);
/* Bring the current thread's rseq area up to date, before a handler or user code runs. */
void rseq_update(struct arch_trapframe *tf);

void jobs_init(void);
void deliver_init(void);
