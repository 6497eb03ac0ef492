/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tp holds the running thread while in the kernel; the thread knows its CPU. */
#ifndef ISA_CPU_H
#define ISA_CPU_H

#include <isa/thread.h>
#include <kernel/lib/compiler.h>

struct arch_cpu {
	u64 hart;			 /* [I] */
	const struct thread *fpu_thread; /* [P] whose state the floating-point registers hold */
	u64 ipi_pending;		 /* [a] bit per enum ipi */
	u64 start_stack;		 /* [I] stack top that the starting hart takes */
};

register struct thread *riscv_tp __asm__("tp");

static inline struct thread *arch_thread_self(void)
{
	return riscv_tp;
}

static inline struct cpu *arch_cpu_self(void)
{
	return READ_ONCE(((struct arch_thread *)riscv_tp)->cpu);
}

/* `pause` of Zihintpause: a fence without effect where it is not known. */
static inline void arch_cpu_relax(void)
{
	__asm__ __volatile__(".insn i 0x0f, 0, x0, x0, 0x010" : : : "memory");
}

#endif
