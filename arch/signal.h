/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Signal frames, exactly as Linux lays them out on this ISA (asm/sigcontext.h, asm/ucontext.h). */
#ifndef ARCH_SIGNAL_H
#define ARCH_SIGNAL_H

#include <kernel/lib/types.h>

struct arch_trapframe;
struct signal_delivery;

/*
 * Push a frame for one signal on the user stack (or the alternate one: `d` has chosen) and enter
 * the handler. Returns 0, or -EFAULT when the stack cannot be written (the caller then forces
 * SIGSEGV).  Context: may sleep.
 */
int arch_signal_push(struct arch_trapframe *tf, const struct signal_delivery *d) __must_check;

/*
 * rt_sigreturn(2): restore registers from the frame at the user stack pointer, checking, never
 * trusting.  `*mask` is the signal mask to restore, `*altstack` the stack_t found there.  Returns 0
 * or -EFAULT.
 */
int arch_signal_pop(struct arch_trapframe *tf, u64 *mask, void *altstack) __must_check;

/* Smallest stack a frame fits on: AT_MINSIGSTKSZ. */
size_t arch_signal_frame_size(void);

#endif
