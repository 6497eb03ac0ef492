/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prctl(2) and personality(2): settings of a process or thread that have no call of their own. */
#include <kernel/proc/process.h>

#include <gen/syscalls.h>
#include <kernel/abi/capability.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/prctl.h>
#include <kernel/lib/string.h>
#include <mm/usercopy.h>
#include <security/cred.h>

#include "process_internal.h"

#define DEFAULT_SLACK_NS 50000

static long set_name(const char __user *from)
{
	char name[THREAD_COMM_LEN] = {0};
	ssize_t n = strncpy_from_user(name, from, sizeof(name) - 1);

	if (n < 0)
		return n;
	thread_set_comm(thread_current(), name);
	return 0;
}

static long get_name(char __user *to)
{
	char name[THREAD_COMM_LEN] = {0};

	memcpy(name, thread_current()->comm, sizeof(name) - 1);
	return copy_to_user(to, name, sizeof(name));
}

static long drop_bounding(unsigned long cap)
{
	struct cred *new;

	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST)
		return -EINVAL;
	int err = cred_prepare(&new);
	if (err)
		return err;
	new->cap_bounding &= ~(1ull << cap);
	cred_commit(new);
	return 0;
}

#define SECURE_ALL_BITS                                                                            \
	(issecure_mask(SECURE_NOROOT) | issecure_mask(SECURE_NO_SETUID_FIXUP) |                    \
	 issecure_mask(SECURE_KEEP_CAPS) | issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE))
#define SECURE_ALL_LOCKS (SECURE_ALL_BITS << 1)

static long set_securebits(unsigned long bits)
{
	u32 old = cred_current()->securebits;
	u32 locks = old & SECURE_ALL_LOCKS;
	struct cred *new;

	/* No unknown bits, no lock undone, no locked bit changed. */
	if ((bits & ~(SECURE_ALL_BITS | SECURE_ALL_LOCKS)) || (locks & ~bits) ||
	    ((old ^ bits) & (locks >> 1)) || !capable(CAP_SETPCAP))
		return -EPERM;
	int err = cred_prepare(&new);
	if (err)
		return err;
	new->securebits = (u32)bits;
	cred_commit(new);
	return 0;
}

static long set_keepcaps(unsigned long on)
{
	u32 old = cred_current()->securebits;
	struct cred *new;

	if (on > 1)
		return -EINVAL;
	if (old & issecure_mask(SECURE_KEEP_CAPS_LOCKED))
		return -EPERM;
	int err = cred_prepare(&new);
	if (err)
		return err;
	if (on)
		new->securebits |= issecure_mask(SECURE_KEEP_CAPS);
	else
		new->securebits &= ~issecure_mask(SECURE_KEEP_CAPS);
	cred_commit(new);
	return 0;
}

static long change_ambient(unsigned long op, unsigned long cap, unsigned long a4, unsigned long a5)
{
	const struct cred *old = cred_current();
	struct cred *new;

	if (op == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (cap | a4 | a5)
			return -EINVAL;
	} else if ((a4 | a5) || cap > CAP_LAST) {
		return -EINVAL;
	}
	if (op == PR_CAP_AMBIENT_IS_SET)
		return old->cap_ambient >> cap & 1;
	if (op != PR_CAP_AMBIENT_RAISE && op != PR_CAP_AMBIENT_LOWER &&
	    op != PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_RAISE &&
	    (!(old->cap_permitted & old->cap_inheritable & 1ull << cap) ||
	     (old->securebits & issecure_mask(SECURE_NO_CAP_AMBIENT_RAISE))))
		return -EPERM;
	int err = cred_prepare(&new);
	if (err)
		return err;
	if (op == PR_CAP_AMBIENT_CLEAR_ALL)
		new->cap_ambient = 0;
	else if (op == PR_CAP_AMBIENT_RAISE)
		new->cap_ambient |= 1ull << cap;
	else
		new->cap_ambient &= ~(1ull << cap);
	cred_commit(new);
	return 0;
}

static long set_no_new_privs(void)
{
	struct cred *new;
	int err = cred_prepare(&new);

	if (err)
		return err;
	new->no_new_privs = 1;
	cred_commit(new);
	return 0;
}

static void mark_has_subreaper(struct process *p)
{
	struct process *child;

	/* Breadth first without recursion: walk the tree by its links. */
	struct process *at = p;
	for (;;) {
		if (!list_empty(&at->children)) {
			at = list_first(&at->children, struct process, sibling);
			at->has_subreaper = true;
			continue;
		}
		while (at != p && at->sibling.next == &at->parent->children)
			at = at->parent;
		if (at == p)
			return;
		child = list_next_entry(at, sibling);
		child->has_subreaper = true;
		at = child;
	}
}

static long set_subreaper(bool on)
{
	struct process *p = process_current();
	guard_spin_irq(&tree_lock);

	p->subreaper = on;
	if (on)
		mark_has_subreaper(p);
	return 0;
}

static long set_timer_slack(unsigned long ns)
{
	thread_current()->timer_slack_ns = (long)ns > 0 ? ns : DEFAULT_SLACK_NS;
	return 0;
}

long sys_prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4,
	       unsigned long arg5)
{
	struct process *p = process_current();

	switch (option) {
	case PR_SET_PDEATHSIG:
		if (arg2 > KSIG_COUNT)
			return -EINVAL;
		p->death_signal = (u32)arg2;
		return 0;
	case PR_GET_PDEATHSIG: return put_user((int)p->death_signal, (int __user *)arg2);
	case PR_GET_DUMPABLE: return READ_ONCE(p->dumpable);
	case PR_SET_DUMPABLE:
		if (arg2 > 1)
			return -EINVAL;
		WRITE_ONCE(p->dumpable, arg2);
		return 0;
	case PR_GET_KEEPCAPS:
		return !!(cred_current()->securebits & issecure_mask(SECURE_KEEP_CAPS));
	case PR_SET_KEEPCAPS: return set_keepcaps(arg2);
	case PR_SET_NAME: return set_name((const char __user *)arg2);
	case PR_GET_NAME: return get_name((char __user *)arg2);
	case PR_GET_TIMERSLACK: return (long)thread_current()->timer_slack_ns;
	case PR_SET_TIMERSLACK: return set_timer_slack(arg2);
	case PR_CAPBSET_READ:
		return arg2 > CAP_LAST ? -EINVAL : (long)(cred_current()->cap_bounding >> arg2 & 1);
	case PR_CAPBSET_DROP: return drop_bounding(arg2);
	case PR_GET_SECUREBITS: return cred_current()->securebits;
	case PR_SET_SECUREBITS: return set_securebits(arg2);
	case PR_CAP_AMBIENT: return change_ambient(arg2, arg3, arg4, arg5);
	case PR_SET_CHILD_SUBREAPER: return set_subreaper(arg2);
	case PR_GET_CHILD_SUBREAPER: return put_user((int)p->subreaper, (int __user *)arg2);
	case PR_SET_NO_NEW_PRIVS:
		return arg2 != 1 || arg3 || arg4 || arg5 ? -EINVAL : set_no_new_privs();
	case PR_GET_NO_NEW_PRIVS:
		return arg2 || arg3 || arg4 || arg5 ? -EINVAL : (long)cred_current()->no_new_privs;
	case PR_GET_TID_ADDRESS:
		return put_user(task_current()->clear_child_tid, (unsigned long __user *)arg2);
	default: return -EINVAL;
	}
}

long sys_personality(unsigned int personality)
{
	struct process *p = process_current();
	u32 old = p->personality;

	if (personality != 0xffffffff)
		p->personality = personality;
	return old;
}
