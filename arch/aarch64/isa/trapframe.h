/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What entry code pushes.  The first part has the shape of struct user_pt_regs, which ptrace shows.
 */
#pragma once

#include <isa/sysreg.h>
#include <isa/thread.h>

struct arch_trapframe {
	u64 regs[31];
	u64 sp;
	u64 pc;
	u64 pstate;
	u64 orig_x0;	/* first argument of the system call */
	s32 syscall;	/* its number, -1 outside system calls */
	u32 pad;
	u64 frame[2];	/* frame record, so that stack walks pass through */
};

static_assert(sizeof(struct arch_trapframe) % 16 == 0, "the stack pointer stays aligned");

static inline bool arch_tf_user(const struct arch_trapframe *tf)
{
	return (tf->pstate & PSR_MODE_MASK) == PSR_MODE_EL0T;
}

static inline bool arch_tf_irqs_on(const struct arch_trapframe *tf)
{
	return !(tf->pstate & PSR_I);
}

static inline vaddr_t arch_tf_pc(const struct arch_trapframe *tf)
{
	return tf->pc;
}

static inline void arch_tf_set_pc(struct arch_trapframe *tf, vaddr_t pc)
{
	tf->pc = pc;
}

static inline vaddr_t arch_tf_sp(const struct arch_trapframe *tf)
{
	return tf->sp;
}

static inline void arch_tf_set_sp(struct arch_trapframe *tf, vaddr_t sp)
{
	tf->sp = sp;
}

static inline struct arch_trapframe *arch_user_frame(const struct thread *t)
{
	return (struct arch_trapframe *)((const struct arch_thread *)t)->stack_top - 1;
}
