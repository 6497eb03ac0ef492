/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The saved registers, in the order of Linux's pt_regs, which is also how ptrace(2) and core files
 * show them.  `orig_rax` is the number of the system call, or -1 after anything else.
 */
#ifndef ISA_TRAPFRAME_H
#define ISA_TRAPFRAME_H

#include <kernel/lib/compiler.h>
#include <arch/thread.h>

struct arch_trapframe {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	u64 orig_rax;
	u64 rip, cs, rflags, rsp, ss; /* pushed by the processor */
};

static_assert(sizeof(struct arch_trapframe) == 168, "trap_entry.S builds this");

static __always_inline bool arch_tf_user(const struct arch_trapframe *tf)
{
	return tf->cs & 3;
}

static __always_inline bool arch_tf_irqs_on(const struct arch_trapframe *tf)
{
	return tf->rflags & 0x200;
}

static __always_inline vaddr_t arch_tf_pc(const struct arch_trapframe *tf)
{
	return (vaddr_t)tf->rip;
}

static __always_inline void arch_tf_set_pc(struct arch_trapframe *tf, vaddr_t pc)
{
	tf->rip = pc;
}

static __always_inline vaddr_t arch_tf_sp(const struct arch_trapframe *tf)
{
	return (vaddr_t)tf->rsp;
}

static __always_inline void arch_tf_set_sp(struct arch_trapframe *tf, vaddr_t sp)
{
	tf->rsp = sp;
}

static __always_inline struct arch_trapframe *arch_user_frame(const struct thread *t)
{
	/* struct thread begins with struct arch_thread. */
	return (struct arch_trapframe *)((const struct arch_thread *)t)->stack_top - 1;
}

#endif
