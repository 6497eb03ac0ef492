/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers at kernel entry; the first 32 words are struct user_regs_struct. */
#ifndef ISA_TRAPFRAME_H
#define ISA_TRAPFRAME_H

#include <isa/csr.h>
#include <isa/thread.h>
#include <kernel/lib/types.h>

struct arch_trapframe {
	u64 regs[32]; /* [0] is pc, [n] is xn */
	u64 status;
	u64 badaddr;
	s64 cause;    /* scause; CAUSE_NONE once a system call is forgotten */
	u64 orig_a0;
	u64 rewritten; /* during a system call: s1 to s11 of the frame were replaced */
	u64 pad;
	u64 link_fp, link_pc; /* frame record of a trap from the kernel, for the unwinder */
};

/* Indices into regs. */
enum riscv_reg { REG_PC, REG_RA, REG_SP, REG_GP, REG_TP, REG_FP = 8, REG_A0 = 10, REG_A7 = 17 };

#define CAUSE_NONE 63

static inline bool arch_tf_user(const struct arch_trapframe *tf)
{
	return !(tf->status & SR_SPP);
}

static inline bool arch_tf_irqs_on(const struct arch_trapframe *tf)
{
	return tf->status & SR_SPIE;
}

static inline vaddr_t arch_tf_pc(const struct arch_trapframe *tf)
{
	return tf->regs[REG_PC];
}

static inline void arch_tf_set_pc(struct arch_trapframe *tf, vaddr_t pc)
{
	tf->regs[REG_PC] = pc;
}

static inline vaddr_t arch_tf_sp(const struct arch_trapframe *tf)
{
	return tf->regs[REG_SP];
}

static inline void arch_tf_set_sp(struct arch_trapframe *tf, vaddr_t sp)
{
	tf->regs[REG_SP] = sp;
}

static inline struct arch_trapframe *arch_user_frame(const struct thread *t)
{
	return (struct arch_trapframe *)((const struct arch_thread *)t)->user_frame;
}

#endif
