/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers that name threads, processes, process groups and sessions.
 *
 * One struct pid stands for one number.  It stays in the table while anything uses the number: a
 * thread with that id, a process whose leader had it, members of a group or session named by it.
 * The structure outlives the number while references remain, so a holder (a pidfd, a terminal's
 * foreground group) never confuses two users of one number.
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/waitqueue.h>

struct process;
struct thread;

#define PID_MAX_DEFAULT 32768
#define PID_MAX_LIMIT   4194304

struct pid {
	refcount_t refs;
	u32 nr;                      /* [I] */
	u32 uses;                    /* [t] users of the number; 0: out of the table */
	struct thread *thread;       /* [R,t] the thread with this id */
	struct process *process;     /* [R,t] the process whose id this is */
	struct list group_members;   /* [t] struct process.group_link */
	struct list session_members; /* [t] struct process.session_link */
	struct wait_queue exited;    /* pidfd pollers */
	struct rcu_head rcu;
}; /* t: tree_lock (kernel/proc) */

extern u32 pid_max; /* [a] numbers are below this */

/*
 * A new number with uses == 1 and one reference.  Returns 0, -EAGAIN (numbers exhausted) or
 * -ENOMEM.
 */
int __must_check pid_create(struct pid **out);

/* One more, one fewer use of the number; it leaves the table with the last.  Locks: tree_lock held.
 */
void pid_use(struct pid *pid);
void pid_unuse(struct pid *pid);

static inline struct pid *pid_get(struct pid *pid)
{
	if (pid)
		refcount_get(&pid->refs);
	return pid;
}

void pid_put(struct pid *pid);

/* The structure of `nr`, or NULL.  Context: RCU read side; the answer is valid within it. */
struct pid *pid_find(u32 nr);

/* The same with a reference. */
struct pid *pid_find_get(u32 nr);

/* The thread, or process, with this number and a reference to it; NULL if there is none. */
struct thread *pid_thread_get(u32 nr);

static inline u32 pid_nr(const struct pid *pid)
{
	return pid ? pid->nr : 0;
}

/* The last number handed out, for /proc/loadavg. */
u32 pid_last(void);

/* The first structure in use at or above `nr`, for walking.  Context: RCU read side. */
struct pid *pid_next(u32 nr);
