/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Processes: threads that share an identity, an address space and a fate.
 *
 *	struct process		one per process: family, group and session, limits, accounting,
 *				signals of the process
 *	struct task		one per thread of a process: the process's half of a thread
 *	struct thread		(kernel/sched) what runs
 *
 * The family tree, thread lists, groups and sessions change under tree_lock.  A process is found by
 * its struct pid under RCU; its memory stays until its last reference goes.
 *
 * Life: process_fork() -> running -> every thread exited: zombie -> reaped by wait, or at once when
 * nobody wants to know.
 *
 * Lock order: tree_lock, signal_shared.lock, process.limits_lock.
 */
#pragma once

#include <kernel/abi/resource.h>
#include <kernel/lib/list.h>
#include <kernel/pid/pid.h>
#include <kernel/sched/thread.h>
#include <kernel/signal/signal.h>
#include <kernel/sync/mutex.h>
#include <kernel/sync/seqlock.h>
#include <kernel/sync/spinlock.h>
#include <kernel/time/timer.h>
#include <kernel/trap/trap.h>

struct file;
struct posix_timer;
struct tty;

#define NR_RLIMITS 16

/* Time and events of threads that are gone, or of children that were waited for. */
struct usage {
	u64 utime, stime; /* ns */
	u64 nvcsw, nivcsw, minflt, majflt;
	u64 inblock, oublock;
	u64 maxrss; /* KiB */
};

enum process_state {
	PROCESS_ALIVE,
	PROCESS_ZOMBIE, /* all threads exited; the status waits for the parent */
	PROCESS_REAPED, /* out of the tree */
};

/* One of ITIMER_VIRTUAL and ITIMER_PROF. */
struct cpu_itimer {
	u64 value;    /* [s] expires at this much CPU time (ns), 0: off */
	u64 interval; /* [s] */
};

struct process {
	refcount_t refs;
	struct pid *pid;               /* [I] */
	struct thread *leader;         /* [t] counted; NULL once reaped */
	struct list threads;           /* [t, R] struct task.link */
	unsigned nr_threads;           /* [t; read without] not yet exited */
	unsigned live;                 /* [a] of them, those that have not begun to */
	enum process_state state;      /* [t] */
	int exit_status;               /* [t] as wait4 returns it, valid for a zombie */
	int exit_signal;               /* [t] sent to the parent at the end; 0: none */
	struct process *parent;        /* [t, R] */
	struct list children, sibling; /* [t] */
	struct thread *created_by;     /* [t] uncounted: the parent's thread, for __WNOTHREAD */
	struct pid *group, *session;   /* [t, R] counted */
	struct list group_link, session_link; /* [t] in those pids' member lists */
	bool did_exec;                        /* [a] */
	bool subreaper;                       /* [t] orphans below come to us */
	bool has_subreaper;                   /* [t] an ancestor is one */
	bool session_leader;                  /* [t] */
	bool reported_stop;                   /* [t] wait has seen this stop */
	u32 death_signal;                     /* [P] PR_SET_PDEATHSIG */
	struct tty *tty;                      /* [sig] controlling terminal, opaque here */
	struct signal_shared sig;
	struct wait_queue child_wait; /* threads in wait4 */
	struct list all_link;         /* [t, R] all_processes */

	struct spinlock limits_lock;
	struct rlimit limits[NR_RLIMITS]; /* [limits_lock] */

	struct seqcount dead_seq;    /* for who reads `dead` and the threads without tree_lock */
	struct usage dead;           /* [t, dead_seq] threads that exited */
	struct usage children_usage; /* [t] children that were waited for */
	u64 start_boot_ns;           /* [I] */

	struct timer real_timer; /* ITIMER_REAL */
	struct timer cpu_watch;  /* [started: sig.lock] looks at virt, prof and RLIMIT_CPU */
	u64 real_interval;       /* [sig.lock] */
	struct cpu_itimer virt, prof;
	struct mutex timers_lock;
	struct list timers; /* [timers_lock] POSIX timers */
	int next_timer;     /* [timers_lock] */

	struct completion *vfork_done; /* [P of the child] the parent of a vfork waits here */
	int oom_score_adj;             /* [a] */
	u32 personality;               /* [P] */
	bool dumpable;                 /* [a] PR_SET_DUMPABLE */
	bool thp_disable;              /* [P] */
	struct rcu_head rcu;
}; /* t: tree_lock */

/* The process's half of a thread.  thread.sig points to `sig`. */
struct task {
	struct signal_state sig;                /* first */
	struct thread *thread;                  /* [I] */
	struct process *process;                /* [I] */
	struct pid *pid;                        /* [I] counted */
	struct list link;                       /* [t, R] process.threads */
	bool counted;                           /* [t, process.dead_seq] in process.dead */
	vaddr_t set_child_tid, clear_child_tid; /* [P] */
	vaddr_t robust_list;                    /* [P] */
	u64 start_boot_ns;                      /* [I] */
	int io_priority;                        /* [a] */
	struct notify_work set_tid_work;        /* CLONE_CHILD_SETTID */
	struct rcu_head rcu;
};

extern struct spinlock tree_lock;
extern struct process *init_process; /* pid 1 */
extern struct list all_processes;    /* [tree_lock, R] */
extern u32 nr_threads_total;         /* [a] threads of processes */
extern u64 total_forks;              /* [a] */

static inline struct process *process_current(void)
{
	return thread_current()->process;
}

static inline struct task *task_of(struct thread *t)
{
	return container_of(t->sig, struct task, sig);
}

static inline struct task *task_current(void)
{
	return task_of(thread_current());
}

static inline struct process *process_get(struct process *p)
{
	refcount_get(&p->refs);
	return p;
}

void process_put(struct process *p);

/* The process `nr`, with a reference; or of the thread `nr`.  NULL if there is none. */
struct process *process_find_get(u32 nr);
/* The process that `pid` numbers, with a reference; NULL once it was waited for. */
struct process *pid_process_get(struct pid *pid);
/* Its first thread, with a reference; NULL once it has none. */
struct thread *process_leader_get(struct process *p);
/* Its first thread's credentials, counted, for cred_put(); NULL once it has none. */
const struct cred *process_cred(struct process *p);

static inline u32 process_id(const struct process *p)
{
	return p->pid->nr;
}

/* The parent's id as getppid() says it. */
u32 process_parent_id(struct process *p);

/* CPU time of all threads, dead and alive, in ns.  Context: any. */
void process_cputime(struct process *p, u64 *utime, u64 *stime);
/* Everything getrusage(RUSAGE_SELF) reports. */
void process_usage(struct process *p, struct usage *u);
void usage_add(struct usage *to, const struct usage *from);
void usage_of_thread(struct thread *t, struct usage *u);
struct rusage;
void usage_to_rusage(const struct usage *u, struct rusage *r);

/* fork.c: what clone3(2) asks, decoded. */
struct fork_request {
	u64 flags; /* CLONE_* without the exit signal */
	int exit_signal;
	vaddr_t stack; /* user stack pointer, 0: the parent's */
	vaddr_t tls;
	int __user *parent_tid;
	int __user *child_tid;
	int __user *pidfd;
	const int *set_tid; /* kernel copy, or NULL */
	unsigned set_tid_count;
};
/* Returns the child's id or a negative errno.  Context: thread of a process, may sleep. */
long process_fork(const struct fork_request *req);

/*
 * exec.c: the kernel's own first program.  Returns 0 or a negative errno; the thread then goes to
 * user mode.
 */
int process_exec_kernel(const char *path, const char *const *argv,
			const char *const *envp) __must_check;

/* exit.c */
_Noreturn void process_exit_thread(int status); /* this thread; the process if it is the last */
_Noreturn void process_exit_group(int status);  /* every thread */
/*
 * exec: kill the other threads and wait until this one is alone, as leader.  Returns 0 or -EAGAIN
 * (killed meanwhile).
 */
int process_become_single(void) __must_check;
/* mm of a vfork child is released: wake the parent. */
void vfork_release(struct process *p);

/* group.c */
bool group_is_orphaned(struct pid *group, struct process *ignore); /* tree_lock held */
/* Send to every process of a group.  Returns 0, -ESRCH, -EPERM.  Takes tree_lock. */
int signal_send_group(struct pid *group, const struct ksiginfo *info, bool check);
/* Kernel's own signals to a group or process: no permission asked. */
int group_kill(struct pid *group, int signo);

/* deliver.c: on the way to user mode. */
struct arch_trapframe;
void signal_deliver(struct arch_trapframe *tf);

/* Tell the parent that `p` stopped, continued or died.  Locks: tree_lock held. */
void notify_parent(struct process *p, int why, int status);

/* May the running thread signal `p`?  kill(2). */
bool may_signal(struct process *p, int signo);
/* May the running thread look into `p` (ptrace access mode)? */
bool may_access(struct process *p);
/* The first thread, with a reference, of a process that the caller may look into.  0, -ESRCH (it
 * has none, or `p` is NULL), -EPERM. */
int __must_check process_look_into(struct process *p, struct thread **out);

/* timers.c */
/* A signal of a timer was taken: fill in its overrun, rearm it. */
void process_timer_delivered(struct ksiginfo *info);
void process_timers_exit(struct process *p);
/* See what is due of p's limit of CPU time and timers on it, and when to look again: to be called
 * when one of them has changed.  Context: any. */
void process_cpu_watch(struct process *p);
void process_timers_exec(struct process *p);

/* init.c: boot */
void process_init(void);
/* The process part of /proc, after proc_init(). */
void procfs_init(void);
/* The process of an open directory /proc/PID, which counts it; NULL when that is another file. */
struct pid *procfs_dir_pid(const struct file *file);

/* What the command line says about the first program.  All strings live for ever. */
struct init_request {
	const char *init;   /* init=, or NULL */
	const char *rdinit; /* rdinit=, or NULL: /init of the initramfs */
	bool initramfs;     /* the root is one */
	const char **argv;  /* argv[0] is filled in here; the rest is for init */
	const char *const *envp;
};
/* Start process 1.  Panics without memory, or, in that process, without a program to run. */
void init_process_start(const struct init_request *req);
