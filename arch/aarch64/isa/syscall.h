/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `svc #0`: number in x8, arguments in x0 to x5, result in x0. */
#pragma once

static inline long arch_syscall_nr(const struct arch_trapframe *tf)
{
	return tf->syscall;
}

static inline void arch_syscall_args(const struct arch_trapframe *tf, long args[6])
{
	args[0] = tf->orig_x0;
	args[1] = tf->regs[1];
	args[2] = tf->regs[2];
	args[3] = tf->regs[3];
	args[4] = tf->regs[4];
	args[5] = tf->regs[5];
}

static inline long arch_syscall_result(const struct arch_trapframe *tf)
{
	return tf->regs[0];
}

static inline void arch_syscall_set_result(struct arch_trapframe *tf, long ret)
{
	tf->regs[0] = ret;
}

static inline bool arch_in_syscall(const struct arch_trapframe *tf)
{
	return tf->syscall != -1;
}

static inline void arch_syscall_forget(struct arch_trapframe *tf)
{
	tf->syscall = -1;
}

static inline void arch_syscall_restart(struct arch_trapframe *tf)
{
	tf->regs[0] = tf->orig_x0;
	tf->pc -= 4;
}

#define ARCH_NR_RESTART_SYSCALL 128

static inline void arch_syscall_restart_block(struct arch_trapframe *tf)
{
	arch_syscall_restart(tf);
	tf->regs[8] = ARCH_NR_RESTART_SYSCALL;
}
