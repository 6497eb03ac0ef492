/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at a running kernel: stack walks and text patches. */
#ifndef ARCH_DEBUG_H
#define ARCH_DEBUG_H

#include <kernel/lib/types.h>

struct thread;
struct arch_trapframe;

struct unwind {
	vaddr_t pc, sp, fp;
};

/* Begin at `tf`, or where the sleeping thread `t` switched away, or (both NULL) at the caller. */
void arch_unwind_start(struct unwind *u, const struct thread *t, const struct arch_trapframe *tf);
/* Step to the caller.  Returns false at the end or at a frame that cannot be trusted; never
 * faults. */
bool arch_unwind_next(struct unwind *u);

#endif
