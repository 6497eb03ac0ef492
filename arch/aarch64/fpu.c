/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who owns the vector registers.
 *
 * A user thread's state is saved whenever it is switched away from, and loaded when it comes back,
 * unless the registers still hold it: the CPU remembers the thread (fpu_owner) and the thread the
 * CPU (fpu_cpu), and both must agree.  Kernel threads leave the registers alone, so a trip through
 * the idle thread costs a save only.
 *
 * Kernel code that wants vector registers brackets itself; the user state is saved first and loaded
 * again last.  A deferred function may do so on top of a thread that does: the inner section then
 * saves the outer one's registers.
 */
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <kernel/debug/assert.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include <kernel/smp/percpu.h>
#include "arm_internal.h"

static DEFINE_PER_CPU(struct arch_fpu, fpu_outer);

static bool fpu_in_registers(struct thread *t, struct cpu *c)
{
	return c->arch.fpu_owner == t && t->arch.fpu_cpu == c->id;
}

/* Context: interrupts off. */
void fpu_switch(struct thread *prev, struct thread *next)
{
	struct cpu *c = arch_cpu_self();

	if (prev->arch.user)
		fpu_save(&prev->arch.fpu);
	if (!next->arch.user || fpu_in_registers(next, c))
		return;
	fpu_load(&next->arch.fpu);
	c->arch.fpu_owner = next;
	next->arch.fpu_cpu = c->id;
}

void fpu_flush_current(void)
{
	irqflags_t f = arch_irq_save();
	struct thread *t = thread_current();

	if (t->arch.user)
		fpu_save(&t->arch.fpu);
	arch_irq_restore(f);
}

/* Of the current thread: load at once.  Of another, not running: at its next switch. */
void fpu_discard(struct thread *t)
{
	irqflags_t f = arch_irq_save();
	struct cpu *c = arch_cpu_self();

	if (t == thread_current() && t->arch.user) {
		fpu_load(&t->arch.fpu);
		c->arch.fpu_owner = t;
		t->arch.fpu_cpu = c->id;
	} else {
		t->arch.fpu_cpu = ~0u;
	}
	arch_irq_restore(f);
}

void arch_fpu_kernel_begin(void)
{
	preempt_disable();

	irqflags_t f = arch_irq_save();
	struct arch_cpu *c = &arch_cpu_self()->arch;
	struct thread *t = thread_current();

	if (c->fpu_depth++) {
		ASSERT(c->fpu_depth == 2);
		fpu_save(&this_cpu(fpu_outer));
	} else if (t->arch.user) {
		fpu_save(&t->arch.fpu);
	}
	c->fpu_owner = NULL;
	arch_irq_restore(f);
}

void arch_fpu_kernel_end(void)
{
	irqflags_t f = arch_irq_save();
	struct cpu *c = arch_cpu_self();
	struct thread *t = thread_current();

	if (--c->arch.fpu_depth) {
		fpu_load(&this_cpu(fpu_outer));
	} else if (t->arch.user) {
		fpu_load(&t->arch.fpu);
		c->arch.fpu_owner = t;
		t->arch.fpu_cpu = c->id;
	}
	arch_irq_restore(f);
	preempt_enable();
}
