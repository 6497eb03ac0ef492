/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where this ISA keeps number, arguments and result of a system call.  All inline: they are on the
 * hottest path. */
#ifndef ARCH_SYSCALL_H
#define ARCH_SYSCALL_H

#include <arch/trapframe.h>

static inline long arch_syscall_nr(const struct arch_trapframe *tf);
static inline void arch_syscall_args(const struct arch_trapframe *tf, long args[6]);
static inline long arch_syscall_result(const struct arch_trapframe *tf);
static inline void arch_syscall_set_result(struct arch_trapframe *tf, long ret);

/* Whether `tf` came from a system call (not a fault or interrupt), and forget that it did. */
static inline bool arch_in_syscall(const struct arch_trapframe *tf);
static inline void arch_syscall_forget(struct arch_trapframe *tf);

/* Back to the system-call instruction with the first argument restored. */
static inline void arch_syscall_restart(struct arch_trapframe *tf);
/* The same, but the call becomes restart_syscall(2). */
static inline void arch_syscall_restart_block(struct arch_trapframe *tf);

#include <isa/syscall.h>

#endif
