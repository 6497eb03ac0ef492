/* SPDX-License-Identifier: GPL-2.0-or-later */
/* System V AMD64 psABI, A.2.1: number in rax, arguments in rdi rsi rdx r10 r8 r9, result in rax. */
#ifndef ISA_SYSCALL_H
#define ISA_SYSCALL_H

#include <kernel/lib/compiler.h>

#define X86_SYSCALL_INSN_SIZE	  2   /* of `syscall' and of `int $0x80' */
#define X86_NR_RESTART_SYSCALL	  219
#define X86_ORIG_RAX_NO_SYSCALL (~0ull)

static __always_inline long arch_syscall_nr(const struct arch_trapframe *tf)
{
	return (long)tf->orig_rax;
}

static __always_inline void arch_syscall_args(const struct arch_trapframe *tf, long args[6])
{
	args[0] = (long)tf->rdi;
	args[1] = (long)tf->rsi;
	args[2] = (long)tf->rdx;
	args[3] = (long)tf->r10;
	args[4] = (long)tf->r8;
	args[5] = (long)tf->r9;
}

static __always_inline long arch_syscall_result(const struct arch_trapframe *tf)
{
	return (long)tf->rax;
}

static __always_inline void arch_syscall_set_result(struct arch_trapframe *tf, long ret)
{
	tf->rax = (u64)ret;
}

static __always_inline bool arch_in_syscall(const struct arch_trapframe *tf)
{
	return (s64)tf->orig_rax >= 0;
}

static __always_inline void arch_syscall_forget(struct arch_trapframe *tf)
{
	tf->orig_rax = X86_ORIG_RAX_NO_SYSCALL;
}

static __always_inline void arch_syscall_restart(struct arch_trapframe *tf)
{
	tf->rax = tf->orig_rax;
	tf->rip -= X86_SYSCALL_INSN_SIZE;
}

static __always_inline void arch_syscall_restart_block(struct arch_trapframe *tf)
{
	tf->rax = X86_NR_RESTART_SYSCALL;
	tf->rip -= X86_SYSCALL_INSN_SIZE;
}

#endif
