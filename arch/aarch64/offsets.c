/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offsets and constants for the assembly files: compiled to text, cut into <gen/offsets.h>. */
#include <arch/thread.h>
#include <arch/trapframe.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/cpu.h>
#include "boot_internal.h"

#define DEFINE(name, value) __asm__ __volatile__("\n.ascii \"->" #name " %0\"" : : "i"(value))

void offsets(void);
void offsets(void)
{
	DEFINE(TF_SIZE, sizeof(struct arch_trapframe));
	DEFINE(TF_LR, offsetof(struct arch_trapframe, regs[30]));
	DEFINE(TF_PC, offsetof(struct arch_trapframe, pc));
	DEFINE(TF_ORIG_X0, offsetof(struct arch_trapframe, orig_x0));
	DEFINE(TF_SYSCALL, offsetof(struct arch_trapframe, syscall));
	DEFINE(TF_FRAME, offsetof(struct arch_trapframe, frame));

	DEFINE(THREAD_STACK, offsetof(struct thread, arch.stack));
	DEFINE(THREAD_STACK_TOP, offsetof(struct thread, arch.stack_top));
	DEFINE(THREAD_CTX, offsetof(struct thread, arch.ctx));
	DEFINE(THREAD_FLAGS_OFFSET, offsetof(struct thread, flags));
	DEFINE(THREAD_EXIT_WORK_MASK, THREAD_EXIT_WORK);

	DEFINE(CPU_CURRENT, offsetof(struct cpu, arch.current));
	DEFINE(CPU_EMERGENCY_STACK, offsetof(struct cpu, arch.emergency_stack));

	DEFINE(BOOT_MAP_IDMAP, offsetof(struct boot_map, idmap));
	DEFINE(BOOT_MAP_ROOT, offsetof(struct boot_map, root));
	DEFINE(BOOT_MAP_TCR, offsetof(struct boot_map, tcr));
	DEFINE(BOOT_MAP_SCTLR, offsetof(struct boot_map, sctlr));
	DEFINE(BOOT_MAP_IMAGE_VA, offsetof(struct boot_map, image_va));
}
