/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads as the machine sees them.
 *
 * Every kernel stack keeps room for a user frame at its top, kernel threads' too, so that a kernel
 * thread can become a user program by exec and simply return.
 */
#include <arch/cpu.h>
#include <arch/thread.h>
#include <arch/timer.h>
#include <arch/trapframe.h>
#include <arch/types.h>
#include <kernel/lib/hash.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include "arm_internal.h"
#include "boot_internal.h"

/* A canary nobody can guess from outside.  Its low byte is zero, which stops string functions. */
u64 thread_new_canary(void)
{
	static u64 state;
	u64 r;

	if (!arch_cpu_random(&r))
		r = arch_clock_read() ^ hash_mix64(boot_map.seed);
	r = hash_mix64(atomic_fetch_add(&state, 0x9e3779b97f4a7c15ull) ^ r);
	return r & ~0xffull;
}

void thread_prepare(struct thread *t)
{
	struct arch_thread *a = &t->arch;

	memset(a, 0, sizeof(*a));
	a->canary = thread_new_canary();
	a->stack = (vaddr_t)t->stack;
	a->stack_top = a->stack + KSTACK_SIZE;
	a->fpu_cpu = ~0u;
	a->ctx.sp = (u64)(uintptr_t)arch_user_frame(t);
	a->ctx.pc = (u64)(uintptr_t)thread_begin;
}

void arch_thread_kernel(struct thread *t, void (*fn)(void *), void *arg)
{
	thread_prepare(t);
	memset(arch_user_frame(t), 0, sizeof(struct arch_trapframe));
	t->arch.ctx.x19 = (u64)(uintptr_t)fn;
	t->arch.ctx.x20 = (u64)(uintptr_t)arg;
}

int arch_thread_fork(struct thread *child, vaddr_t sp)
{
	struct thread *self = thread_current();
	struct arch_trapframe *tf;

	thread_prepare(child);
	tf = arch_user_frame(child);
	*tf = *arch_user_frame(self);
	tf->regs[0] = 0;
	tf->pstate &= ~(u64)PSR_SS;
	if (sp)
		tf->sp = sp;
	fpu_flush_current();
	child->arch.fpu = self->arch.fpu;
	child->arch.user = true;
	child->arch.tls = read_sysreg(tpidr_el0);
	return 0;
}

void arch_thread_exec(struct arch_trapframe *tf, vaddr_t entry, vaddr_t sp)
{
	struct thread *self = thread_current();

	memset(tf, 0, sizeof(*tf));
	tf->pc = entry;
	tf->sp = sp;
	tf->pstate = PSR_MODE_EL0T;
	tf->syscall = -1;

	irqflags_t f = arch_irq_save();

	memset(&self->arch.fpu, 0, sizeof(self->arch.fpu));
	self->arch.user = true;
	self->arch.fault_address = self->arch.fault_code = 0;
	fpu_discard(self);
	write_sysreg(tpidr_el0, 0);
	arch_irq_restore(f);
}

void arch_thread_destroy(struct thread *t)
{
	/* Nothing was allocated; no CPU may still take its registers for a later thread's. */
	fpu_discard(t);
}

struct thread *arch_switch(struct thread *prev, struct thread *next)
{
	prev->arch.tls = read_sysreg(tpidr_el0);
	write_sysreg(tpidr_el0, next->arch.tls);
	fpu_switch(prev, next);
	if (prev->arch.step != next->arch.step)
		user_step_update(next);
	return switch_context(prev, next);
}

vaddr_t arch_tls(const struct thread *t)
{
	return t == thread_current() ? read_sysreg(tpidr_el0) : t->arch.tls;
}

void arch_set_tls(struct thread *t, vaddr_t tls)
{
	if (t == thread_current())
		write_sysreg(tpidr_el0, tls);
	else
		t->arch.tls = tls;
}
