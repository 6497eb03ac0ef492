/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that assembly needs, cut out of this file's assembly text into <gen/offsets.h>. */
#include <arch/thread.h>
#include <arch/trapframe.h>
#include <kernel/sched/preempt.h>
#include "riscv_internal.h"

#define VALUE(name, value)        __asm__ volatile("\n.ascii \"->" #name " %0\"" : : "i"(value))
#define OFFSET(name, type, field) VALUE(name, offsetof(type, field))

void offsets(void);
void offsets(void)
{
	OFFSET(TF_STATUS, struct arch_trapframe, status);
	OFFSET(TF_BADADDR, struct arch_trapframe, badaddr);
	OFFSET(TF_CAUSE, struct arch_trapframe, cause);
	OFFSET(TF_ORIG_A0, struct arch_trapframe, orig_a0);
	OFFSET(TF_REWRITTEN, struct arch_trapframe, rewritten);
	OFFSET(TF_LINK, struct arch_trapframe, link_fp);
	VALUE(TF_SIZE, sizeof(struct arch_trapframe));

	OFFSET(AT_CPU, struct arch_thread, cpu);
	OFFSET(AT_USER_FRAME, struct arch_thread, user_frame);
	OFFSET(AT_STACK_LOW, struct arch_thread, stack_low);
	OFFSET(AT_SCRATCH, struct arch_thread, scratch);
	OFFSET(AT_RA, struct arch_thread, ra);
	OFFSET(AT_SP, struct arch_thread, sp);
	OFFSET(AT_S, struct arch_thread, s);

	OFFSET(THREAD_FLAGS, struct thread_head, flags);
	VALUE(EXIT_WORK, THREAD_EXIT_WORK);

	OFFSET(SECONDARY_ENTRY, struct boot_secondary, entry);
	OFFSET(SECONDARY_SATP, struct boot_secondary, satp);
	OFFSET(SECONDARY_THREAD, struct boot_secondary, thread);
	OFFSET(SECONDARY_STACK, struct boot_secondary, stack);
}

static_assert(sizeof(struct arch_trapframe) % 16 == 0, "stack alignment");
static_assert(offsetof(struct arch_thread, canary) == 8, "the offset in flags.mk");
