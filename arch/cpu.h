/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One processor: who am I, wait a little, wait for an interrupt, stop.
 *
 * <isa/cpu.h> supplies struct arch_cpu, embedded as the first member of struct cpu
 * (kernel/smp/cpu.h).
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <kernel/lib/types.h>

struct cpu;
struct thread;
struct seq;

/* This CPU.  One register read (RISC-V: one load through tp).  Context: preemption off, or the
 * answer may be stale. */
static inline struct cpu *arch_cpu_self(void);

/* The running thread.  Context: any. */
static inline struct thread *arch_thread_self(void);

/* Hint inside a spin loop. */
static inline void arch_cpu_relax(void);

/* Sleep until an interrupt is pending.  Interrupts are off on entry and on return; a pending one
 * wakes at once. */
void arch_cpu_idle(void);

/* Stop this CPU for good.  Context: any. */
_Noreturn void arch_cpu_halt(void);

/* 64 random bits from the CPU.  Returns false if it has no such instruction or the instruction
 * failed. */
bool arch_cpu_random(u64 *out);

/* The block of /proc/cpuinfo for `c`, as Linux prints it on this ISA. */
void arch_cpu_describe(const struct cpu *c, struct seq *out);

#include <isa/cpu.h>

#endif
