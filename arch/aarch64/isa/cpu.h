/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tpidr_el1 holds the struct cpu, sp_el0 (in the kernel) the struct thread.
 */
#pragma once

#include <isa/fpu.h>

struct arch_cpu {
	struct thread *current;		/* [P] what sp_el0 becomes at entry from user mode */
	vaddr_t emergency_stack;	/* [I] top of the stack for reports of a stack overflow */
	struct thread *fpu_owner;	/* [P] whose vector state the registers hold, or NULL */
	unsigned fpu_depth;		/* [P] nested arch_fpu_kernel_begin() */
	u64 asid_active;		/* [a] identifier in use; 0 after a generation's end */
	u64 asid_reserved;		/* [asid_lock] what was in use at the generation's end */
	bool asid_flush;		/* [asid_lock] forget all before the next switch */
	u64 midr, revidr;		/* [I] identification */
};

static inline struct cpu *arch_cpu_self(void)
{
	struct cpu *c;

	/* Volatile, because the answer changes when the thread moves. */
	__asm__ __volatile__("mrs %0, tpidr_el1" : "=r"(c));
	return c;
}

static inline struct thread *arch_thread_self(void)
{
	struct thread *t;

	/* Not volatile: one thread's code always sees one answer. */
	__asm__("mrs %0, sp_el0" : "=r"(t));
	return t;
}

static inline void arch_cpu_relax(void)
{
	__asm__ __volatile__("yield" : : : "memory");
}
