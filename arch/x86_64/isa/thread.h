/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ISA_THREAD_H
#define ISA_THREAD_H

#include <kernel/lib/types.h>

struct xstate;

#define FPU_CPU_NONE (~0u)

/*
 * A thread as the machine sees it.  A thread that never was in user mode has no vector state
 * (`fpu` is NULL), and the switch then leaves vector registers and segment bases alone.
 *
 * Fields are private to the thread while it runs and to the switch while it does not.
 */
struct arch_thread {
	vaddr_t sp;	   /* where it switched away: callee-saved registers lie here */
	vaddr_t stack_top; /* [I] the user's frame lies just below */
	u64 canary;	   /* [I] stack protector */
	vaddr_t fs_base, gs_base; /* user's; in the registers while it runs */
	struct xstate *fpu;	  /* the saved vector state */
	u32 fpu_cpu;  /* the CPU whose registers may still hold `fpu`, see fpu.c */
	u32 fpu_load; /* registers must be loaded from `fpu` before user mode */
	u64 trapno, error_code, cr2; /* the latest fault, for signal frames */
	bool single_step;	     /* TF was set by a tracer, not by the program */
};

#endif
