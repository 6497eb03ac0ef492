/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Register sets: one table serves ptrace, core dumps and the debugger stub. */
#ifndef ARCH_PTRACE_H
#define ARCH_PTRACE_H

#include <kernel/lib/types.h>

struct thread;

struct regset {
	unsigned note;	/* NT_PRSTATUS, NT_FPREGSET, ... */
	size_t size;	/* bytes, at most */
	/* Copy from or to a stopped thread.  Return the number of bytes or a negative errno; set
	 * checks every bit. */
	ssize_t (*get)(struct thread *t, void *buf, size_t len);
	ssize_t (*set)(struct thread *t, const void *buf, size_t len);
};

extern const struct regset arch_regsets[];
extern const unsigned arch_nr_regsets;

/* Stop after the next instruction.  Returns false where the ISA cannot (the debugger then plants
 * breakpoints). */
bool arch_single_step(struct thread *t, bool on);

#endif
