/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making threads and switching between them.
 *
 * The user's frame is at the top of the stack; a thread that has not run yet has a saved context
 * whose return address is the assembly that makes its first steps (switch.S).
 */
#include <arch/syscall.h>
#include <arch/thread.h>
#include <arch/trapframe.h>
#include <arch/types.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <security/random.h>
#include "riscv_internal.h"

void riscv_thread_prepare(struct thread *t, struct cpu *cpu)
{
	struct arch_thread *at = &t->arch;
	vaddr_t low = (vaddr_t)t->stack;

	memset(at, 0, sizeof(*at));
	at->cpu = cpu;
	at->canary = random_u64() & ~0xffull;
	at->stack_low = low;
	at->user_frame = low + KSTACK_SIZE - sizeof(struct arch_trapframe);
	at->sp = at->user_frame;
}

static void thread_prepare(struct thread *t, void (*start)(void))
{
	riscv_thread_prepare(t, arch_cpu_self());
	t->arch.ra = (u64)start;
}

void arch_thread_kernel(struct thread *t, void (*fn)(void *), void *arg)
{
	thread_prepare(t, thread_start_kernel);
	memset(arch_user_frame(t), 0, sizeof(struct arch_trapframe));
	t->arch.s[1] = (u64)fn;
	t->arch.s[2] = (u64)arg;
}

int arch_thread_fork(struct thread *child, vaddr_t sp)
{
	struct thread *parent = thread_current();
	struct arch_trapframe *tf;

	thread_prepare(child, ret_from_fork);
	riscv_fpu_save(parent);
	child->arch.fpu = parent->arch.fpu;
	tf = arch_user_frame(child);
	*tf = *arch_user_frame(parent);
	arch_syscall_set_result(tf, 0);
	if (sp)
		arch_tf_set_sp(tf, sp);
	return 0;
}

void arch_thread_exec(struct arch_trapframe *tf, vaddr_t entry, vaddr_t sp)
{
	memset(tf, 0, sizeof(*tf));
	tf->cause = CAUSE_NONE;
	tf->rewritten = 1;
	/* FS off: most short programs never touch floating point, the others trap once. */
	tf->status = SR_SPIE | (csr_read(sstatus) & SR_UXL);
	arch_tf_set_pc(tf, entry);
	arch_tf_set_sp(tf, sp);
}

void arch_thread_destroy(struct thread *t)
{
	/* Everything is inside struct thread; a CPU that still names `t` in fpu_thread compares
	 * only. */
}

struct thread *arch_switch(struct thread *prev, struct thread *next)
{
	riscv_fpu_leave(prev);
	next->arch.cpu = prev->arch.cpu;
	riscv_fpu_enter(next);
	return riscv_switch(prev, next);
}

vaddr_t arch_tls(const struct thread *t)
{
	return arch_user_frame(t)->regs[REG_TP];
}

void arch_set_tls(struct thread *t, vaddr_t tls)
{
	arch_user_frame(t)->regs[REG_TP] = tls;
}
