/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Restartable sequences: user code that runs on one CPU without interruption, or starts again.
 * rseq(2).
 *
 * A registered area in user memory tells the program on which CPU it is.  Whenever the thread was
 * preempted, moved or is about to enter a signal handler, the area is brought up to date before
 * user code goes on, and a sequence that was being executed is abandoned: the program counter goes
 * to its abort handler, which must be preceded by the signature given at registration.
 */
#include <arch/trapframe.h>
#include <gen/syscalls.h>
#include <kernel/abi/errno.h>
#include <kernel/abi/rseq.h>
#include <kernel/proc/process.h>
#include <kernel/smp/cpu.h>
#include <kernel/trap/trap.h>
#include <mm/usercopy.h>

#include "process_internal.h"

#define RSEQ_ORIG_SIZE 32

/* The sequence that `rseq` says is running, if any.  0 or -EINVAL, -EFAULT for nonsense. */
static int read_sequence(const struct rseq __user *rseq, struct rseq_cs *cs, u32 signature)
{
	u64 at;
	u32 seen;

	cs->start_ip = cs->post_commit_offset = cs->abort_ip = 0;
	if (get_user(at, &rseq->rseq_cs))
		return -EFAULT;
	if (!at)
		return 0;
	if (copy_from_user(cs, (const void __user *)(vaddr_t)at, sizeof(*cs)))
		return -EFAULT;
	if (cs->version > 0 || cs->start_ip >= USER_TOP || cs->abort_ip >= USER_TOP ||
	    cs->start_ip + cs->post_commit_offset < cs->start_ip ||
	    cs->abort_ip - cs->start_ip < cs->post_commit_offset)
		return -EINVAL;
	if (get_user(seen, (const u32 __user *)(vaddr_t)(cs->abort_ip - sizeof(seen))))
		return -EFAULT;
	return seen == signature ? 0 : -EINVAL;
}

static int abandon_sequence(struct thread *t, struct arch_trapframe *tf)
{
	struct rseq __user *rseq = (struct rseq __user *)t->rseq;
	struct rseq_cs cs;
	int err = read_sequence(rseq, &cs, t->rseq_sig);

	if (err || !cs.abort_ip)
		return err;
	bool inside = arch_tf_pc(tf) - cs.start_ip < cs.post_commit_offset;

	if (put_user(0ull, &rseq->rseq_cs))
		return -EFAULT;
	if (inside)
		arch_tf_set_pc(tf, cs.abort_ip);
	return 0;
}

static int write_ids(struct thread *t)
{
	struct rseq __user *rseq = (struct rseq __user *)t->rseq;
	u32 cpu = READ_ONCE(t->cpu);

	if (put_user(cpu, &rseq->cpu_id_start) || put_user(cpu, &rseq->cpu_id) ||
	    put_user(0u, &rseq->node_id) || put_user(cpu, &rseq->mm_cid))
		return -EFAULT;
	return 0;
}

void rseq_update(struct arch_trapframe *tf)
{
	struct thread *t = thread_current();
	struct ksiginfo info;

	if (!t->rseq)
		return;
	if (!abandon_sequence(t, tf) && !write_ids(t))
		return;
	siginfo_kernel(&info, SIGSEGV);
	signal_force(&info);
}

void rseq_init(void)
{
	trap_set_rseq_hook(rseq_update);
}

static int forget(struct thread *t)
{
	struct rseq __user *rseq = (struct rseq __user *)t->rseq;

	if (put_user(0u, &rseq->cpu_id_start) ||
	    put_user((u32)RSEQ_CPU_ID_UNINITIALIZED, &rseq->cpu_id) ||
	    put_user(0u, &rseq->node_id) || put_user(0u, &rseq->mm_cid))
		return -EFAULT;
	t->rseq = 0;
	return 0;
}

long sys_rseq(struct rseq __user *rseq, unsigned int len, int flags, unsigned int sig)
{
	struct thread *t = thread_current();

	if (flags & RSEQ_FLAG_UNREGISTER) {
		if ((flags & ~RSEQ_FLAG_UNREGISTER) || !t->rseq || t->rseq != (vaddr_t)rseq ||
		    t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig == sig ? forget(t) : -EPERM;
	}
	if (flags)
		return -EINVAL;
	if (t->rseq) {
		if (t->rseq != (vaddr_t)rseq || t->rseq_len != len)
			return -EINVAL;
		return t->rseq_sig == sig ? -EBUSY : -EPERM;
	}
	if (len < RSEQ_ORIG_SIZE || ((vaddr_t)rseq & (RSEQ_ORIG_SIZE - 1)))
		return -EINVAL;
	if (!user_access_ok(rseq, len))
		return -EFAULT;
	t->rseq_len = len;
	t->rseq_sig = sig;
	WRITE_ONCE(t->rseq, (vaddr_t)rseq);
	/* The area is filled on the way back to user mode. */
	thread_flag_set(t, THREAD_RSEQ);
	return 0;
}
