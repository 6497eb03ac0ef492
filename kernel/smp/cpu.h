/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processors: one struct cpu each, found through a register of the CPU itself.
 *
 * Numbers are dense, 0 is the boot processor.  "Possible" are all that were found (nr_cpus of
 * them), "online" those that run threads.  Processors come up at boot and stay.
 */
#pragma once

#include <arch/cpu.h>
#include <arch/smp.h>
#include <kernel/lib/cpumask.h>

struct thread;
struct runqueue;

struct cpu {
	struct arch_cpu arch;  /* first: the machine finds it here */
	unsigned id;           /* [I] */
	u64 hwid;              /* [I] the machine's number: APIC id, MPIDR, hart */
	u32 online;            /* [a] */
	uintptr_t percpu_base; /* [I] added to the address of a per-CPU variable */
	struct thread *idle;   /* [I] */
	struct runqueue *rq;   /* [I] */
};

/* The boot processor's, complete enough before main() for arch_cpu_self() to return it. */
extern struct cpu boot_cpu;

extern unsigned nr_cpus; /* [I after boot] possible processors */
extern struct cpumask cpu_possible_mask;
extern struct cpumask cpu_online_mask; /* [a] */
extern struct cpu *cpu_table[CONFIG_NR_CPUS];

/* Processor `id`, which is below nr_cpus. */
static inline struct cpu *cpu_get(unsigned id)
{
	return cpu_table[id];
}

/* The number of this CPU.  Context: preemption off, or the answer may be stale. */
static __always_inline unsigned cpu_id(void)
{
	return arch_cpu_self()->id;
}

static inline unsigned num_online_cpus(void)
{
	return cpumask_weight(&cpu_online_mask);
}

static inline bool cpu_online(unsigned id)
{
	return cpumask_test(&cpu_online_mask, id);
}

#define for_each_possible_cpu(cpu) for ((cpu) = 0; (cpu) < nr_cpus; (cpu)++)
#define for_each_online_cpu(cpu)   for_each_cpu (cpu, &cpu_online_mask)

/* Before anything else: the boot CPU is number 0 and online. */
void cpu_init_boot(void);
/* Find all processors (at most `max`), give each its struct cpu, per-CPU area and idle thread.
 * After the heap. */
void cpu_init_all(unsigned max);

/* Start every possible processor and wait for each.  Context: thread. */
void smp_start_all(void);

/* Where a started processor arrives: interrupts off, on its idle thread's stack. */
_Noreturn void smp_secondary_main(void);
