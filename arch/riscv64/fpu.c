/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The user's floating-point registers.
 *
 * sstatus.FS of the user frame tells their state: Off until the program's first floating-point
 * instruction traps, Clean while the registers equal the save area, Dirty after a write.  The
 * kernel is compiled without floating point and runs with FS Off, so a thread's registers stay
 * where they are across traps.
 *
 * At a switch only dirty registers are saved, and registers are loaded only when this CPU's hold
 * another thread's: cpu.fpu_thread and thread.fpu_cpu must name each other for them to be current.
 */
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/trapframe.h>
#include <kernel/lib/string.h>
#include <kernel/sched/preempt.h>
#include <kernel/smp/cpu.h>
#include <isa/csr.h>
#include "riscv_internal.h"

void riscv_fpu_store(struct riscv_fpu *to);
void riscv_fpu_load(const struct riscv_fpu *from);

static void fpu_load(struct thread *t)
{
	struct arch_thread *at = (struct arch_thread *)t;
	struct cpu *cpu = arch_cpu_self();

	riscv_fpu_load(&at->fpu);
	at->fpu_cpu = cpu;
	cpu->arch.fpu_thread = t;
}

/* `t` leaves this CPU.  Context: interrupts off. */
void riscv_fpu_leave(struct thread *t)
{
	struct arch_thread *at = (struct arch_thread *)t;

	if (!at->user_frame)
		return;

	struct arch_trapframe *tf = arch_user_frame(t);

	if ((tf->status & SR_FS) == FS_DIRTY) {
		riscv_fpu_store(&at->fpu);
		tf->status = (tf->status & ~SR_FS) | FS_CLEAN;
	}
}

/* `t` is about to run here.  Context: interrupts off. */
void riscv_fpu_enter(struct thread *t)
{
	struct arch_thread *at = (struct arch_thread *)t;
	struct cpu *cpu = arch_cpu_self();

	if (!at->user_frame || !(arch_user_frame(t)->status & SR_FS))
		return;
	if (at->fpu_cpu != cpu || cpu->arch.fpu_thread != t)
		fpu_load(t);
}

/* Make t->fpu current: `t` is this thread or stands still.  Context: any. */
void riscv_fpu_save(struct thread *t)
{
	irqflags_t f = arch_irq_save();

	if (t == arch_thread_self())
		riscv_fpu_leave(t);
	arch_irq_restore(f);
}

/* t->fpu was written: use it instead of the registers.  `t` is this thread or stands still. */
void riscv_fpu_changed(struct thread *t)
{
	struct arch_trapframe *tf = arch_user_frame(t);
	irqflags_t f = arch_irq_save();

	tf->status = (tf->status & ~SR_FS) | FS_CLEAN;
	((struct arch_thread *)t)->fpu_cpu = NULL;
	if (t == arch_thread_self())
		fpu_load(t);
	arch_irq_restore(f);
}

/*
 * An illegal instruction with the unit off: give the thread zeroed registers and let it try again.
 */
bool riscv_fpu_first_use(struct arch_trapframe *tf)
{
	struct thread *t = arch_thread_self();

	if ((tf->status & SR_FS) != FS_OFF)
		return false;
	memset(&((struct arch_thread *)t)->fpu, 0, sizeof(struct riscv_fpu));
	riscv_fpu_changed(t);
	return true;
}

void arch_fpu_kernel_begin(void)
{
	preempt_disable();

	irqflags_t f = arch_irq_save();

	riscv_fpu_leave(arch_thread_self());
	arch_cpu_self()->arch.fpu_thread = NULL;
	arch_irq_restore(f);
	csr_set(sstatus, FS_INITIAL);
}

void arch_fpu_kernel_end(void)
{
	csr_clear(sstatus, SR_FS);

	irqflags_t f = arch_irq_save();

	riscv_fpu_enter(arch_thread_self());
	arch_irq_restore(f);
	preempt_enable();
}
