/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signals: what is pending, what is blocked, who is woken.  signal(7).
 *
 * A signal is sent to a process or to one of its threads, waits in the queue of its addressee, and
 * is taken by a thread that does not block it, on its way to user mode (kernel/proc/deliver.c) or
 * in a call that asks for it (sigtimedwait, signalfd).
 *
 *	struct signal_shared	one per process: shared queue, group stop and group exit,
 *				the threads
 *	struct signal_actions	the 64 actions; shared between processes cloned with CLONE_SIGHAND
 *	struct signal_state	one per thread: its own queue, its mask, its alternate stack
 *
 * THREAD_SIGPENDING of a thread is set whenever it has something to do: an unblocked pending
 * signal, a group stop or exit to join.  It may be set in vain, never clear in error.
 *
 * Lock order: tree_lock (kernel/proc), signal_shared.lock, signal_actions.lock.  All are taken with
 * interrupts off, as timers send signals.
 */
#pragma once

#include <kernel/abi/signal.h>
#include <kernel/lib/list.h>
#include <kernel/lib/refcount.h>
#include <kernel/sync/spinlock.h>
#include <kernel/sync/waitqueue.h>

struct thread;
struct user;

/* The part of siginfo_t that is ever filled: the same layout, without the padding to 128 bytes. */
struct ksiginfo {
	__SIGINFO;
};

static_assert(sizeof(struct ksiginfo) == 48, "siginfo_t keeps its fields in 48 bytes");

struct sigqueue {
	struct list link;     /* [s] */
	struct ksiginfo info; /* [s] */
	struct user *user;    /* [I] charged for it, or NULL */
	bool owned;           /* [I] belongs to a timer, which frees it */
};

struct signal_pending {
	struct list queue; /* [s] struct sigqueue */
	ksigset_t set;     /* [s] */
};

struct signal_actions {
	refcount_t refs;
	struct spinlock lock;
	struct abi_sigaction action[KSIG_COUNT]; /* [lock] of signal n at n - 1 */
};

/* signal_shared.flags */
enum {
	SIGNAL_GROUP_EXIT = 1u << 0,    /* every thread is to exit with exit_code */
	SIGNAL_STOPPED = 1u << 1,       /* every thread stands still */
	SIGNAL_CONTINUED = 1u << 2,     /* continued, and no wait has seen it */
	SIGNAL_CLD_STOPPED = 1u << 3,   /* the parent must be told of the stop */
	SIGNAL_CLD_CONTINUED = 1u << 4, /* ... that it was continued */
	SIGNAL_UNKILLABLE = 1u << 5,    /* init: default actions of signals do nothing */
	SIGNAL_EXEC = 1u << 6,          /* exec is killing the other threads */
};

struct signal_shared {
	struct spinlock lock;
	struct signal_pending pending;  /* [s] */
	struct signal_actions *actions; /* [s] replaced by exec only */
	struct list threads;            /* [s] struct signal_state.link */
	unsigned nr_threads;            /* [s] */
	u32 flags;                      /* [s] SIGNAL_* */
	int exit_code;                  /* [s] wait status of a group exit */
	int stop_signal;                /* [s] of the group stop in progress or done */
	unsigned stop_count;            /* [s] threads that have yet to join the stop */
	struct signal_state *exec_by;   /* [s] the thread that outlives the others */
	struct wait_queue signalfd;     /* pollers of signalfds */
	struct thread *last_target;     /* [s] where the last shared signal went */
};                                      /* s: lock */

struct signal_state {
	struct thread *thread;         /* [I] */
	struct signal_shared *shared;  /* [I] */
	struct list link;              /* [s] */
	struct signal_pending pending; /* [s] */
	ksigset_t blocked;             /* [P to read, P and s to write] */
	ksigset_t saved_mask;          /* [P] to restore when a call that changed it returns */
	ksigset_t waited;              /* [s] what sigtimedwait is waiting for */
	bool stop_pending;             /* [s] join the group stop */
	bool exiting;                  /* [s] takes no more signals */
	stack_t altstack;              /* [P] */
};

/* What arch_signal_push() needs to enter one handler. */
struct signal_delivery {
	int signo;
	const struct ksiginfo *info;
	vaddr_t handler, restorer; /* restorer 0: use the vDSO's trampoline */
	unsigned long flags;       /* SA_* */
	ksigset_t saved_mask;      /* for uc_sigmask */
	stack_t altstack;          /* for uc_stack */
	vaddr_t sp;       /* where the frame goes: below this; the red zone is not yet subtracted */
	bool on_altstack; /* sp is the top of the alternate stack: no red zone there */
};

/* Ignored or stopping by default; signals that cannot be caught; those a fault raises. */
#define SIGSET_STOP (KSIG_BIT(SIGSTOP) | KSIG_BIT(SIGTSTP) | KSIG_BIT(SIGTTIN) | KSIG_BIT(SIGTTOU))
#define SIGSET_IGNORED                                                                             \
	(KSIG_BIT(SIGCHLD) | KSIG_BIT(SIGCONT) | KSIG_BIT(SIGURG) | KSIG_BIT(SIGWINCH))
#define SIGSET_ALWAYS (KSIG_BIT(SIGKILL) | KSIG_BIT(SIGSTOP))
#define SIGSET_SYNC                                                                                \
	(KSIG_BIT(SIGSEGV) | KSIG_BIT(SIGBUS) | KSIG_BIT(SIGILL) | KSIG_BIT(SIGTRAP) |             \
	 KSIG_BIT(SIGFPE) | KSIG_BIT(SIGSYS))
#define SIGSET_CORE                                                                                \
	(KSIG_BIT(SIGQUIT) | KSIG_BIT(SIGILL) | KSIG_BIT(SIGTRAP) | KSIG_BIT(SIGABRT) |            \
	 KSIG_BIT(SIGFPE) | KSIG_BIT(SIGSEGV) | KSIG_BIT(SIGBUS) | KSIG_BIT(SIGSYS) |              \
	 KSIG_BIT(SIGXCPU) | KSIG_BIT(SIGXFSZ))

void signal_init(void);

/* Storage of the caller.  Context: any. */
void signal_shared_init(struct signal_shared *sh, struct signal_actions *actions);
void signal_state_init(struct signal_state *st, struct thread *t, struct signal_shared *sh);

/* Add to, remove from the threads a process signal may choose.  Locks: takes sh->lock. */
void signal_thread_add(struct signal_state *st);
void signal_thread_remove(struct signal_state *st);

/* A copy of `from` (NULL: all default).  NULL when out of memory. */
struct signal_actions *signal_actions_create(const struct signal_actions *from);
void signal_actions_put(struct signal_actions *a);

/* exec: caught signals become default, ignored ones stay. */
void signal_actions_reset(struct signal_actions *a);

/* Fill `info`: from the kernel, a process (kill), a fault. */
void siginfo_kernel(struct ksiginfo *info, int signo);
void siginfo_user(struct ksiginfo *info, int signo, int code, u32 pid, u32 uid);
void siginfo_fault(struct ksiginfo *info, int signo, int code, vaddr_t addr);

/* To user memory, zero-filled to 128 bytes; from it.  Return 0 or -EFAULT. */
int __must_check siginfo_to_user(siginfo_t __user *to, const struct ksiginfo *info);
int __must_check siginfo_from_user(struct ksiginfo *info, const siginfo_t __user *from);

/*
 * Send.  An ignored signal succeeds and leaves nothing behind.  Returns 0, or -EAGAIN when a queued
 * real-time signal of a user finds no room (RLIMIT_SIGPENDING).  Context: any.  Locks: takes the
 * process's lock.
 */
int signal_send_process(struct signal_shared *sh, const struct ksiginfo *info);
int signal_send_thread(struct signal_state *st, const struct ksiginfo *info);

/* The running thread did this: it cannot ignore or block it, only catch it. */
void signal_force(const struct ksiginfo *info);

/*
 * A timer's queue entry: sent when not already pending.  True if it is pending then, to be taken;
 * false: it is ignored.
 */
struct sigqueue *sigqueue_create_owned(void);
void sigqueue_destroy_owned(struct signal_shared *sh, struct sigqueue *q);
bool signal_send_owned(struct signal_shared *sh, struct signal_state *st, struct sigqueue *q);

/*
 * Take the most urgent signal of `mask` from the running thread's queues.  Returns its number or 0.
 * Locks: takes the lock.  _locked: holds it.
 */
int signal_dequeue(ksigset_t mask, struct ksiginfo *info);
int signal_dequeue_locked(struct signal_state *st, ksigset_t mask, struct ksiginfo *info);

/* Throw away what is pending in `set`, everywhere in the process. */
void signal_flush(struct signal_shared *sh, ksigset_t set);
void signal_pending_destroy(struct signal_pending *p);

/* The running thread's mask becomes `mask`; SIGKILL and SIGSTOP never stay in it. */
void signal_set_blocked(ksigset_t mask);

/*
 * Set `mask` until the call returns: a handler that runs before sees it, then the old one comes
 * back.  sigsuspend, ppoll.
 */
void signal_set_blocked_until_return(ksigset_t mask);

/* sigaction(2) on the running process. */
int __must_check signal_set_action(int signo, const struct abi_sigaction *act,
				   struct abi_sigaction *old);

/*
 * Kill every other thread (or all, `keep` NULL) and let them exit with `status`.  Locks: sh->lock
 * held.
 */
void signal_group_exit_locked(struct signal_shared *sh, struct signal_state *keep, int status);

/* This one thread is to exit, whatever it is doing.  Locks: the process's lock held. */
void signal_kill_thread_locked(struct signal_state *st);

/* Recompute THREAD_SIGPENDING of the running thread.  Locks: the lock held. */
void signal_recalc_locked(struct signal_state *st);

/*
 * Is there something the running thread must leave the kernel for?  Inline tests of thread flags.
 * Context: thread.
 */
#define signal_pending(t)       ((READ_ONCE((t)->flags) & (THREAD_SIGPENDING | THREAD_KILLED)) != 0)
#define signal_fatal_pending(t) ((READ_ONCE((t)->flags) & THREAD_KILLED) != 0)
