/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Preemption and context.
 *
 * One word per thread says what the CPU is in the middle of: how often preemption was disabled, and
 * whether a deferred function, a hard interrupt or an NMI runs on top of the thread.  The thread
 * may be switched away involuntarily only when the whole word is zero.
 *
 * The word and the flags lie at the start of struct thread, right behind the machine's part, so
 * that the locks can reach them without knowing the rest: struct thread_head mirrors that.
 */
#pragma once

#include <arch/cpu.h>
#include <arch/irqflags.h>
#include <arch/thread.h>
#include <kernel/lib/atomic.h>

struct thread_head {
	struct arch_thread arch;
	u32 preempt_count; /* [P] */
	u32 flags;         /* [a] enum thread_flags */
};

enum preempt_bits {
	PREEMPT_ONE = 1u << 0, /* nested preempt_disable(), 8 bits */
	PREEMPT_DEFERRED_ONE =
		1u << 8, /* nested deferred_disable() or running deferred functions, 8 bits */
	PREEMPT_HARDIRQ_ONE = 1u << 16, /* nested interrupts, 4 bits */
	PREEMPT_NMI_ONE = 1u << 20,     /* 4 bits */

	PREEMPT_MASK = 0xffu,
	PREEMPT_DEFERRED_MASK = 0xff00u,
	PREEMPT_HARDIRQ_MASK = 0xf0000u,
	PREEMPT_NMI_MASK = 0xf00000u,
};

/* What happened to a thread and must be looked at: bits of thread.flags. */
enum thread_flags {
	THREAD_NEED_RESCHED = 1u << 0, /* another thread should run here */
	THREAD_SIGPENDING = 1u << 1,   /* a signal may be deliverable */
	THREAD_KILLED = 1u << 2,       /* a fatal signal: even killable sleeps end */
	THREAD_NOTIFY = 1u << 3,       /* notify_work is not empty */
	THREAD_RESTORE_MASK =
		1u << 4,       /* the signal mask saved by sigsuspend and the like comes back */
	THREAD_RSEQ = 1u << 5, /* migrated or preempted: the rseq area is to be written */
	THREAD_TRACED_SYSCALL = 1u << 6, /* stop at entry and exit of system calls */
	THREAD_SECCOMP = 1u << 7,        /* filters apply to system calls */
	THREAD_SYSCALL_AUX = 1u << 8,    /* some other slow path at system call entry */
	THREAD_SINGLESTEP = 1u << 9,
	THREAD_STOP_REQUEST = 1u << 10, /* a tracer or group stop wants this thread */
	THREAD_DEFERRED_WAKE =
		1u << 11, /* for the use of the room that sets it, at exit to user mode */

	/* What trap_return_to_user() must handle before user code runs. */
	THREAD_EXIT_WORK = THREAD_NEED_RESCHED | THREAD_SIGPENDING | THREAD_KILLED | THREAD_NOTIFY |
			   THREAD_RESTORE_MASK | THREAD_RSEQ | THREAD_STOP_REQUEST |
			   THREAD_DEFERRED_WAKE,
	/* What sends a system call through the slow entry and exit. */
	THREAD_SYSCALL_WORK =
		THREAD_TRACED_SYSCALL | THREAD_SECCOMP | THREAD_SYSCALL_AUX | THREAD_SINGLESTEP,
};

static __always_inline struct thread_head *thread_head_self(void)
{
	return (struct thread_head *)arch_thread_self();
}

/* Reschedule now if that is asked for and allowed.  Context: any. */
void preempt_schedule(void);

/* From here to preempt_enable() this thread keeps the CPU and the CPU keeps this thread.  Nests. */
static __always_inline void preempt_disable(void)
{
	struct thread_head *t = thread_head_self();

	WRITE_ONCE(t->preempt_count, t->preempt_count + PREEMPT_ONE);
	barrier();
}

static __always_inline void preempt_enable_no_resched(void)
{
	struct thread_head *t = thread_head_self();

	barrier();
	WRITE_ONCE(t->preempt_count, t->preempt_count - PREEMPT_ONE);
}

static __always_inline void preempt_enable(void)
{
	struct thread_head *t = thread_head_self();
	u32 count = t->preempt_count - PREEMPT_ONE;

	barrier();
	WRITE_ONCE(t->preempt_count, count);
	barrier();
	if (unlikely(!count && (atomic_load(&t->flags) & THREAD_NEED_RESCHED)))
		preempt_schedule();
}

static __always_inline u32 preempt_count(void)
{
	return READ_ONCE(thread_head_self()->preempt_count);
}

/* In a hard interrupt or NMI. */
static __always_inline bool in_hardirq(void)
{
	return preempt_count() & (PREEMPT_HARDIRQ_MASK | PREEMPT_NMI_MASK);
}

/* In an interrupt or a deferred function (or with those disabled): not a thread's own business. */
static __always_inline bool in_interrupt(void)
{
	return preempt_count() & (PREEMPT_HARDIRQ_MASK | PREEMPT_NMI_MASK | PREEMPT_DEFERRED_MASK);
}

static __always_inline bool preemptible(void)
{
	return !preempt_count() && arch_irq_enabled();
}

/* Deferred functions (kernel/irq/deferred.h) do not run on this CPU between the two.  Nests. */
static __always_inline void deferred_disable(void)
{
	struct thread_head *t = thread_head_self();

	WRITE_ONCE(t->preempt_count, t->preempt_count + PREEMPT_DEFERRED_ONE);
	barrier();
}

/* Runs what was raised meanwhile.  Context: thread, interrupts on. */
void deferred_enable(void);

static __always_inline void preempt_guard_drop_(const char *unused)
{
	preempt_enable();
}

/* Preemption is off until the end of the scope. */
#define guard_preempt()                                                                            \
	const char UNIQUE_ID(guard_preempt_) __cleanup(preempt_guard_drop_) __maybe_unused =       \
		(preempt_disable(), 0)
