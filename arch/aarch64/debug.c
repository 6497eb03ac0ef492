/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack walks along the frame records (x29 chain), and single stepping of user code.
 */
#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/ptrace.h>
#include <arch/trapframe.h>
#include <arch/types.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include "arm_internal.h"

void arch_unwind_start(struct unwind *u, const struct thread *t, const struct arch_trapframe *tf)
{
	if (tf) {
		u->pc = tf->pc;
		u->sp = tf->sp;
		u->fp = tf->regs[29];
	} else if (t && t != thread_current()) {
		u->pc = t->arch.ctx.pc;
		u->sp = t->arch.ctx.sp;
		u->fp = t->arch.ctx.fp;
	} else {
		u->fp = (vaddr_t)__builtin_frame_address(0);
		u->pc = (vaddr_t)__builtin_return_address(0);
		u->sp = u->fp;
		arch_unwind_next(u);
	}
}

/* A frame record is aligned, in the kernel half, and lies above the last one, not far away. */
static bool frame_plausible(const struct unwind *u)
{
	return !(u->fp & 15) && u->fp >= u->sp && u->fp - u->sp < KSTACK_SIZE &&
	       u->fp >= PHYSMAP_BASE;
}

bool arch_unwind_next(struct unwind *u)
{
	u64 record[2];

	if (!frame_plausible(u) || kernel_read_pair(record, u->fp))
		return false;
	u->sp = u->fp + 16;
	u->fp = record[0];
	u->pc = record[1];
	return u->pc != 0;
}

/* MDSCR_EL1.SS is the CPU's, PSTATE.SS the thread's: set together only for a stepped thread. */
void user_step_update(struct thread *next)
{
	u64 v = read_sysreg(mdscr_el1);

	write_sysreg(oslar_el1, 0);
	write_sysreg(mdscr_el1, next->arch.step ? v | MDSCR_SS : v & ~(u64)MDSCR_SS);
	isb();
}

bool arch_single_step(struct thread *t, bool on)
{
	struct arch_trapframe *tf = arch_user_frame(t);

	t->arch.step = on;
	if (on)
		tf->pstate |= PSR_SS;
	else
		tf->pstate &= ~(u64)PSR_SS;
	if (t == thread_current())
		user_step_update(t);
	return true;
}
