/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The registers saved at entry to the kernel.  The user's frame sits at the top of the thread's
 * kernel stack.
 *
 * <isa/trapframe.h> supplies struct arch_trapframe.
 */
#ifndef ARCH_TRAPFRAME_H
#define ARCH_TRAPFRAME_H

#include <kernel/lib/types.h>

struct thread;
struct arch_trapframe;

static inline bool arch_tf_user(const struct arch_trapframe *tf);	/* taken from user mode? */
static inline bool arch_tf_irqs_on(const struct arch_trapframe *tf);    /* were interrupts on? */
static inline vaddr_t arch_tf_pc(const struct arch_trapframe *tf);
static inline void arch_tf_set_pc(struct arch_trapframe *tf, vaddr_t pc);
static inline vaddr_t arch_tf_sp(const struct arch_trapframe *tf);
static inline void arch_tf_set_sp(struct arch_trapframe *tf, vaddr_t sp);

/* The frame `t` entered the kernel with from user mode.  Meaningless for kernel threads. */
static inline struct arch_trapframe *arch_user_frame(const struct thread *t);

/* Print all registers to the log.  Context: any. */
void arch_tf_dump(const struct arch_trapframe *tf);

#include <isa/trapframe.h>

#endif
