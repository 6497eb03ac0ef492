/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ecall: number in a7, arguments in a0 to a5, result in a0. */
#ifndef ISA_SYSCALL_H
#define ISA_SYSCALL_H

#define RISCV_NR_RESTART_SYSCALL 128

static inline long arch_syscall_nr(const struct arch_trapframe *tf)
{
	return (long)tf->regs[REG_A7];
}

static inline void arch_syscall_args(const struct arch_trapframe *tf, long args[6])
{
	args[0] = (long)tf->orig_a0;
	for (unsigned i = 1; i < 6; i++)
		args[i] = (long)tf->regs[REG_A0 + i];
}

static inline long arch_syscall_result(const struct arch_trapframe *tf)
{
	return (long)tf->regs[REG_A0];
}

static inline void arch_syscall_set_result(struct arch_trapframe *tf, long ret)
{
	tf->regs[REG_A0] = (u64)ret;
}

static inline bool arch_in_syscall(const struct arch_trapframe *tf)
{
	return tf->cause == CAUSE_ECALL_USER;
}

static inline void arch_syscall_forget(struct arch_trapframe *tf)
{
	tf->cause = CAUSE_NONE;
}

static inline void arch_syscall_restart(struct arch_trapframe *tf)
{
	tf->regs[REG_A0] = tf->orig_a0;
	tf->regs[REG_PC] -= 4;
}

static inline void arch_syscall_restart_block(struct arch_trapframe *tf)
{
	arch_syscall_restart(tf);
	tf->regs[REG_A7] = RISCV_NR_RESTART_SYSCALL;
}

#endif
