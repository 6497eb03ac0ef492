/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack walks along frame pointers: s0 points just above the saved return address (s0 - 8) and the
 * caller's s0 (s0 - 16).  A trap from the kernel leaves such a record too, so a walk goes on
 * through it; a trap from user mode begins with s0 = 0, which ends it.
 */
#include <arch/cpu.h>
#include <arch/debug.h>
#include <arch/mmu.h>
#include <arch/trapframe.h>
#include <kernel/lib/sections.h>
#include "riscv_internal.h"

struct frame_record {
	vaddr_t fp, pc;
};

void arch_unwind_start(struct unwind *u, const struct thread *t, const struct arch_trapframe *tf)
{
	const struct arch_thread *at = (const struct arch_thread *)t;

	if (tf)
		*u = (struct unwind){ arch_tf_pc(tf), arch_tf_sp(tf), tf->regs[REG_FP] };
	else if (t)
		*u = (struct unwind){ at->ra, at->sp, at->s[0] };
	else
		*u = (struct unwind){ (vaddr_t)__builtin_return_address(0),
				      (vaddr_t)__builtin_frame_address(0),
				      ((struct frame_record *)__builtin_frame_address(0))[-1].fp };
}

/* Frames grow upwards on one stack, and what is read must be mapped. */
static bool record_ok(const struct unwind *u)
{
	vaddr_t record = u->fp - sizeof(struct frame_record);

	return !(u->fp & 7) && record >= u->sp && u->fp - u->sp <= KSTACK_SIZE &&
	       riscv_kernel_allows(record, PTE_R) && riscv_kernel_allows(u->fp - 1, PTE_R);
}

bool arch_unwind_next(struct unwind *u)
{
	if (!record_ok(u))
		return false;

	const struct frame_record *r = (const struct frame_record *)u->fp - 1;

	if (r->pc < (vaddr_t)__text_start || r->pc >= (vaddr_t)__text_end)
		return false;
	*u = (struct unwind){ r->pc, u->fp, r->fp };
	return true;
}
