/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finding processes by number. */
#include <kernel/proc/process.h>
#include <security/cred.h>

struct process *process_find_get(u32 nr)
{
	guard_rcu();
	struct pid *pid = pid_find(nr);
	struct process *p = pid ? rcu_dereference(pid->process) : NULL;

	/* A thread's number finds its process too. */
	if (!p && pid) {
		struct thread *t = rcu_dereference(pid->thread);

		p = t ? t->process : NULL;
	}
	return p && refcount_get_unless_zero(&p->refs) ? p : NULL;
}

struct process *pid_process_get(struct pid *pid)
{
	guard_rcu();
	struct process *p = rcu_dereference(pid->process);

	return p && refcount_get_unless_zero(&p->refs) ? p : NULL;
}

struct thread *process_leader_get(struct process *p)
{
	guard_rcu();
	struct thread *t = rcu_dereference(p->leader);

	return t && refcount_get_unless_zero(&t->refs) ? t : NULL;
}

const struct cred *process_cred(struct process *p)
{
	struct thread *t = process_leader_get(p);
	const struct cred *cred;

	if (!t)
		return NULL;
	cred = cred_of(t);
	thread_put(t);
	return cred;
}
