/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of pids: an id allocator that hands numbers out in a circle, so that a number is not
 * reused soon.
 *
 * Lookups run under RCU; a struct pid leaves the table when its last use ends and is freed, a grace
 * period later, when its last reference goes.  pid_lock is a leaf below tree_lock.
 */
#include <kernel/pid/pid.h>

#include <kernel/abi/errno.h>
#include <kernel/lib/idr.h>
#include <kernel/pid/jobs.h>
#include <kernel/sched/thread.h>
#include <kernel/sync/spinlock.h>
#include <mm/alloc.h>

/* After the first lap numbers below this stay with the daemons of the first minutes. */
#define PID_RESERVED 300

u32 pid_max = PID_MAX_DEFAULT;
static struct spinlock pid_lock = SPINLOCK_INIT(RANK_PID);
static struct idr pid_table = IDR_INIT; /* [l] pid_lock; read under RCU */
static u32 last_nr;                     /* [l] */

static int number_alloc(struct pid *pid)
{
	int max = (int)READ_ONCE(pid_max) - 1;
	guard_spin_irq(&pid_lock);

	int nr = idr_alloc(&pid_table, pid, (int)last_nr + 1, max);
	if (nr == -ENOSPC || ((int)last_nr >= max && nr < 0))
		nr = idr_alloc(&pid_table, pid, last_nr >= PID_RESERVED ? PID_RESERVED : 1, max);
	if (nr > 0) {
		pid->nr = (u32)nr;
		WRITE_ONCE(last_nr, (u32)nr);
	}
	return nr;
}

int pid_create(struct pid **out)
{
	struct pid *pid = kzalloc(sizeof(*pid), GFP_KERNEL);
	if (!pid)
		return -ENOMEM;
	refcount_set(&pid->refs, 1);
	pid->uses = 1;
	list_init(&pid->group_members);
	list_init(&pid->session_members);
	wait_queue_init(&pid->exited);

	int nr = number_alloc(pid);
	if (nr < 0) {
		kfree(pid);
		return nr == -ENOSPC ? -EAGAIN : nr;
	}
	*out = pid;
	return 0;
}

void pid_use(struct pid *pid)
{
	pid->uses++;
}

void pid_unuse(struct pid *pid)
{
	if (--pid->uses)
		return;
	guard_spin_irq(&pid_lock);
	idr_remove(&pid_table, (int)pid->nr);
}

void pid_put(struct pid *pid)
{
	if (pid && refcount_put(&pid->refs))
		kfree_rcu(pid, rcu);
}

struct pid *pid_find(u32 nr)
{
	if (!nr || nr >= PID_MAX_LIMIT)
		return NULL;
	return idr_find(&pid_table, (int)nr);
}

struct pid *pid_find_get(u32 nr)
{
	guard_rcu();
	struct pid *pid = pid_find(nr);

	if (pid && !refcount_get_unless_zero(&pid->refs))
		pid = NULL;
	return pid;
}

struct thread *pid_thread_get(u32 nr)
{
	guard_rcu();
	struct pid *pid = pid_find(nr);
	struct thread *t = pid ? rcu_dereference(pid->thread) : NULL;

	if (t && !refcount_get_unless_zero(&t->refs))
		t = NULL;
	return t;
}

u32 pid_last(void)
{
	return READ_ONCE(last_nr);
}

struct pid *pid_next(u32 nr)
{
	int id = (int)nr;

	return idr_next(&pid_table, &id);
}

const struct job_control *job_control;
