/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mm needs of processes when memory is exhausted: who there is, and an end to one of them. */
#include <kernel/abi/errno.h>
#include <kernel/lib/string.h>
#include <kernel/proc/process.h>
#include <mm/reclaim.h>
#include <mm/space.h>
#include <security/cred.h>

#include "process_internal.h"

/* Describe `p`, with references.  False when it has no memory to give. */
static bool candidate_fill(struct oom_candidate *c, struct process *p)
{
	struct thread *leader = p == init_process ? NULL : process_leader_get(p);
	const struct cred *cred;

	if (!leader)
		return false;
	c->mm = mm_grab(leader);
	if (c->mm) {
		cred = cred_of(leader);
		c->process = process_get(p);
		c->score_adj = READ_ONCE(p->oom_score_adj);
		c->dying = READ_ONCE(p->sig.flags) & SIGNAL_GROUP_EXIT;
		c->pid = process_id(p);
		c->uid = cred->uid;
		strscpy(c->comm, leader->comm, sizeof(c->comm));
		cred_put(cred);
	}
	thread_put(leader);
	return c->mm != NULL;
}

static void candidate_release(struct oom_candidate *c)
{
	mm_put(c->mm);
	process_put(c->process);
}

/* The next process after `p` in the list, counted; the first when `p` is NULL.  Puts `p`. */
static struct process *next_process(struct process *p)
{
	struct process *next = NULL;
	{
		guard_spin_irq(&tree_lock);
		struct list *at =
			p && p->state != PROCESS_REAPED ? p->all_link.next : all_processes.next;

		/*
		 * A process that was reaped meanwhile ends the walk: the next attempt sees the
		 * rest.
		 */
		if (at != &all_processes && !(p && p->state == PROCESS_REAPED))
			next = process_get(list_entry(at, struct process, all_link));
	}
	process_put(p);
	return next;
}

static void walk(bool (*see)(const struct oom_candidate *c, void *ctx), void *ctx)
{
	struct oom_candidate c;
	struct process *p = NULL;

	while ((p = next_process(p))) {
		if (candidate_fill(&c, p) && !see(&c, ctx))
			candidate_release(&c);
	}
}

static void kill_candidate(struct oom_candidate *c)
{
	struct process *p = c->process;
	struct ksiginfo info;

	siginfo_kernel(&info, SIGKILL);
	signal_send_process(&p->sig, &info);
}

static const struct oom_ops ops = {
	.walk = walk, .release = candidate_release, .kill = kill_candidate};

void oom_init(void)
{
	oom_set_ops(&ops);
}
