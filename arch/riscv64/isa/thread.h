/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Machine state of a thread.  Assembly knows the offsets through offsets.c. */
#ifndef ISA_THREAD_H
#define ISA_THREAD_H

#include <kernel/lib/types.h>

struct cpu;

/* The user's floating-point registers, in the shape of struct __riscv_d_ext_state. */
struct riscv_fpu {
	u64 f[32];
	u32 fcsr;
	u32 pad;
};

struct arch_thread {
	struct cpu *cpu;	/* [P] where it runs; kept by arch_switch */
	u64 canary;		/* [I] of the stack protector: offset 8 is in flags.mk */
	u64 user_frame;         /* [I] the user's struct arch_trapframe, at the top of the stack */
	u64 stack_low;		/* [I] lowest usable address of the stack */
	u64 scratch[2];		/* [P] of the trap entry */

	u64 ra, sp, s[12];	/* [rq] while switched away */

	struct riscv_fpu fpu;   /* [P] valid unless the registers of fpu_cpu are newer (FS dirty) */
	struct cpu *fpu_cpu;	/* [P] CPU that last loaded fpu into its registers */

	vaddr_t fault_pc, fault_addr; /* [P] the last page fault, to notice stale absent entries */
};

#endif
