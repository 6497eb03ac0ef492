/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The scheduler as seen by those who set policies and read statistics.
 * sched(7), sched_setattr(2), sched_setaffinity(2), getloadavg(3), proc_stat(5).
 */
#pragma once

#include <kernel/abi/sched.h>
#include <kernel/sched/thread.h>

#define TICK_HZ 250
#define TICK_NS (1000000000ull / TICK_HZ)

/* Parameters as sched_setattr(2) passes them. */
struct sched_attrs {
	u32 policy;
	u64 flags; /* SCHED_FLAG_RESET_ON_FORK */
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
};

/* Initialise a child's entity from the current thread's.  thread_create calls it. */
void sched_fork(struct thread *child);

/*
 * Change policy and parameters.  Permissions are the caller's business; values are checked here.
 * Returns 0, -EINVAL, -EBUSY (deadline bandwidth).  Context: any thread.
 */
int __must_check sched_setscheduler(struct thread *t, const struct sched_attrs *attr);
void sched_getattr(struct thread *t, struct sched_attrs *attr);
void sched_set_nice(struct thread *t, int nice);
int sched_nice(const struct thread *t);

/* Lend `t` the real-time priority of a waiter; 0 takes it back.  Context: any. */
void sched_boost(struct thread *t, u32 rt_priority);
/* The priority a waiter of `t`'s standing would lend: its real-time priority, 0 if fair. */
u32 sched_rt_priority(const struct thread *t);

/* thread_set_affinity with the errors of sched_setaffinity(2); reading. */
int __must_check sched_setaffinity(struct thread *t, const struct cpumask *mask);
void sched_getaffinity(struct thread *t, struct cpumask *out);

/* sched_rr_get_interval(2). */
u64 sched_rr_interval(struct thread *t);

/* The number top and ps show (-100 to 39), as in /proc/PID/stat. */
int sched_proc_priority(const struct thread *t);

/* 1, 5 and 15 minutes, fixed point with 11 bits of fraction. */
void sched_loadavg(u64 avg[3]);
#define SCHED_LOAD_SHIFT 11

/* Where the time of a CPU went, ns. */
struct cpu_times {
	u64 user, nice, system, idle, iowait, irq, deferred, steal, guest;
};
void sched_cpu_times(unsigned cpu, struct cpu_times *out);

u64 nr_context_switches(void);
u64 nr_forks(void);        /* threads ever started */
unsigned nr_running(void); /* on all run queues, idle excluded */
unsigned nr_threads(void);
unsigned nr_iowait(void);

/* Around a sleep that waits for a device, so that idle counts as iowait. */
void sched_iowait_begin(void);
void sched_iowait_end(void);

/* The interrupt of the tick, from the tick's timer.  Interrupts off. */
void sched_tick(bool user);
/* An interrupt (IPI_RESCHEDULE) asks this CPU to look at its wake list.  Hard interrupt. */
void sched_ipi(void);

/* At the end of an interrupt of preemptible kernel code: switch.  Interrupts off at entry and exit.
 */
void sched_preempt_irq(void);

/* Boot: the boot CPU's run queue around boot_thread; a run queue and idle thread for another CPU;
 * each CPU as it starts. */
void sched_init(void);
int __must_check sched_init_possible(struct cpu *c);
void sched_init_cpu(void);
/* The boot thread and secondaries end here. */
_Noreturn void sched_idle(void);

struct seq;
/* Print what runs where to the log (sysrq). */
void sched_show(void);
