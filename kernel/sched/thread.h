/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads: what is scheduled.
 *
 * A thread is a stack, saved registers, a scheduling entity, and pointers to what its owners gave
 * it: address space, files, credentials, signal state.  The scheduler knows none of those; their
 * rooms do.
 *
 * Life: thread_create (THREAD_NEW, one reference for the creator), thread_start, thread_exit (the
 * last switch away; drops the scheduler's own reference), freed a grace period after the last
 * reference went, so a thread found under RCU stays readable.
 */
#pragma once

#include <kernel/lib/cpumask.h>
#include <kernel/lib/list.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/refcount.h>
#include <kernel/sched/entity.h>
#include <kernel/sched/preempt.h>
#include <kernel/sched/thread_state.h>
#include <kernel/smp/cpu.h>
#include <kernel/sync/lockdebug.h>
#include <kernel/sync/rcu.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitqueue.h>

struct arch_mmu;
struct cgroup;
struct cred;
struct files;
struct fs_context;
struct io_context;
struct mm;
struct ns_set;
struct pid;
struct process;
struct ptrace_state;
struct seccomp_state;
struct signal_state;

#define THREAD_COMM_LEN 16

struct thread {
	struct arch_thread arch; /* first: the entry code finds it here */
	u32 preempt_count;       /* [P] second, and flags third: see struct thread_head */
	u32 flags;               /* [a] enum thread_flags */

	u32 state;   /* [a] enum thread_state */
	u32 on_cpu;  /* [a] 1 from the switch to it until the switch away is complete */
	u32 cpu;     /* [a] where it runs, or ran last; changes with the run queue's lock */
	u32 kthread; /* [I] runs in the kernel only */
	struct sched_entity se;
	void *stack;          /* [I] lowest address, KSTACK_SIZE bytes */
	struct arch_mmu *mmu; /* [P] address space to load; NULL: keep whatever is loaded */

	u32 tid;                    /* [I] global number; 0: idle and boot threads */
	char comm[THREAD_COMM_LEN]; /* [a] by thread_set_comm; readers may see a mixture of two
				       names */
	u64 start_time_ns;          /* [I] monotonic */
	u64 timer_slack_ns;         /* [P] prctl(PR_SET_TIMERSLACK) */

	/* Owned by other rooms; each says how in its header. */
	struct mm *mm;
	struct cred *cred; /* [R] replaced whole, by the thread itself */
	struct files *files;
	struct fs_context *fs;
	struct ns_set *ns;
	struct signal_state *sig;
	struct process *process;
	struct cgroup *cgroup; /* [R] */
	struct io_context *io;
	struct ptrace_state *ptrace;
	struct seccomp_state *seccomp; /* [R] */
	void *journal;                 /* [P] the file system transaction the thread is in */
	void *plug;                    /* [P] block requests being collected */
	u32 pagefault_disabled;        /* [P] nesting; mm */
	u32 alloc_flags;               /* [P] what allocations of this thread must not do; mm */
	u64 min_faults, maj_faults;    /* [P; read without] */
	u64 io_read, io_written;       /* [P; read without] bytes through system calls */

	/* Return to user mode. */
	struct llist_head notify_work; /* [a] struct notify_work; NOTIFY_CLOSED at exit */

	/* User-visible odds and ends; the rest of a process's half of a thread is in kernel/proc.
	 */
	vaddr_t rseq;           /* [P] user area, 0: none */
	u32 rseq_len, rseq_sig; /* [P] */
	struct {
		long (*fn)(struct thread *t); /* [P] what restart_syscall(2) continues */
		u64 args[6];
	} restart;
	void (*release)(struct thread *t); /* [I] called a grace period after the last reference
					      went, or NULL */

	/* Kernel threads. */
	void (*kthread_fn)(void *arg); /* [I] */
	void *kthread_arg;             /* [I] */
	u32 kthread_stop;              /* [a] KTHREAD_STOP, KTHREAD_GONE in kthread.c */

	/* Waiting for locks. */
	const void *blocked_on; /* [P] the lock, for the hang report */

	struct llist_node wake_link; /* in a run queue's wake list; state is THREAD_WAKING */
	struct list all_link;        /* [t] list of all threads */
	refcount_t refs;
	struct rcu_head rcu;
	struct held_locks locks; /* [P] debug builds */
};                               /* t: thread_list_lock */

static_assert(offsetof(struct thread, arch) == 0, "the entry code finds arch first");
static_assert(offsetof(struct thread, preempt_count) == offsetof(struct thread_head, preempt_count),
	      "struct thread_head mirrors struct thread");
static_assert(offsetof(struct thread, flags) == offsetof(struct thread_head, flags),
	      "struct thread_head mirrors struct thread");

/* The boot processor's first thread, which becomes its idle thread, and its stack (KSTACK_SIZE
 * bytes). */
extern struct thread boot_thread;
extern char boot_stack[];

/* The running thread. */
static __always_inline struct thread *thread_current(void)
{
	return arch_thread_self();
}

static inline void thread_count_major_fault(void)
{
	struct thread *t = thread_current();

	WRITE_ONCE(t->maj_faults, t->maj_faults + 1);
}

static inline struct thread *thread_get(struct thread *t)
{
	refcount_get(&t->refs);
	return t;
}

/* Context: any. */
void thread_put(struct thread *t);

static inline void thread_flag_set(struct thread *t, u32 flag)
{
	atomic_fetch_or(&t->flags, flag);
}

static inline void thread_flag_clear(struct thread *t, u32 flag)
{
	atomic_fetch_and(&t->flags, ~flag);
}

static __always_inline bool thread_flag_test(const struct thread *t, u32 flag)
{
	return atomic_load(&t->flags) & flag;
}

static inline bool need_resched(void)
{
	return thread_flag_test(thread_current(), THREAD_NEED_RESCHED);
}

/*
 * A thread with a stack and the scheduling parameters of the current one, not started; its number
 * comes from the owner (kernel/proc) or stays 0.  The caller prepares registers through
 * arch_thread_kernel or _fork. Returns 0 or -ENOMEM.  Context: may sleep.
 */
int __must_check thread_create(struct thread **out, const char *name);
/* Undo thread_create for one never started; what owners attached is theirs to detach. */
void thread_abandon(struct thread *t);

/* Let a new thread run.  Takes the scheduler's reference.  Context: any thread. */
void thread_start(struct thread *t);

/*
 * End the current thread: switch away for ever.  Owners have detached everything.  Context: thread,
 * no locks.
 */
_Noreturn void thread_exit(void);

/* Wake from an ordinary sleep.  Returns true when this call did it.  Full barrier before.  Context:
 * any. */
bool thread_wake(struct thread *t);
/* The same for sleeps in any state of `mask`. */
bool thread_wake_state(struct thread *t, unsigned mask);
/* The same, and the caller is about to sleep: the woken may have this CPU. */
bool thread_wake_sync(struct thread *t, unsigned mask);
/* Make a thread that runs user code on another CPU enter the kernel and look at its flags. Context:
 * any. */
void thread_kick(struct thread *t);

/* Set before testing the condition one sleeps for; contains a full barrier. */
static inline void thread_set_state(unsigned state)
{
	(void)atomic_xchg(&thread_current()->state, (u32)state);
}

static inline unsigned thread_state(const struct thread *t)
{
	return atomic_load(&t->state);
}

/* Wait until `t`, which will not run again by itself (stopped, dead), is off its CPU.  Context: may
 * sleep. */
void thread_wait_inactive(struct thread *t);

/* R S D T t Z I, as /proc shows. */
char thread_state_letter(const struct thread *t);
void thread_set_comm(struct thread *t, const char *name);

/* Restrict to `mask`; moves the thread if needed.  Returns 0 or -EINVAL (no possible CPU in it).
 * May sleep. */
int __must_check thread_set_affinity(struct thread *t, const struct cpumask *mask);
int __must_check thread_set_cpu(struct thread *t, unsigned cpu);

/* User and system time in ns; exact in sum, split by ticks.  Context: any. */
void thread_cputime(struct thread *t, u64 *user_ns, u64 *system_ns);
/* Exact time on CPUs, up to now.  Context: any. */
u64 thread_runtime(struct thread *t);

/* Finish hook: what the machine's code calls first in a thread that never ran, with arch_switch's
 * result. */
void thread_first_run(struct thread *prev);

/* Boot: the cache of thread structures. */
void thread_init(void);

/* All threads, under thread_list_lock or RCU. */
extern struct spinlock thread_list_lock;
extern struct list thread_list;
#define for_each_thread_rcu(t) list_for_each_rcu(t, &thread_list, all_link)

/* --- sleeping and yielding ------------------------------------------------------------------ */

/* Run something else; return when this thread's turn comes (at once if its state is RUNNING and
 * nothing is better). */
void schedule(void);
/*
 * What schedule() calls first when the thread has a plug (thread.plug): requests it collected go to
 * their devices before it sleeps.  `flush` does not sleep.  Boot.
 */
void sched_set_plug_flush(void (*flush)(void));
/* Sleep in the state already set until woken or the deadline.  Returns 0 or -ETIMEDOUT (deadline
 * reached). */
int schedule_timeout(u64 deadline_ns);
/* Sleep for so long, uninterruptibly. */
void sleep_ns(u64 ns);
/* sched_yield(2). */
void sched_yield_current(void);
/* A place where a long loop lets others run; also reports quiescence.  Context: may sleep. */
void cond_resched(void);

#define assert_may_sleep() assert_may_sleep_at_(__FILE__, __LINE__)
void may_sleep_failed(const char *file, int line) __cold;
static __always_inline void assert_may_sleep_at_(const char *file, int line)
{
	if (IS_ENABLED(CONFIG_DEBUG) && unlikely(!preemptible()))
		may_sleep_failed(file, line);
}

#include <kernel/sched/kthread.h>
