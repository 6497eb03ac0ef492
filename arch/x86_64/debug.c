/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stack walks along the frame pointers.
 *
 * A frame is two words, the caller's rbp and the return address.  An odd rbp is the address of a
 * trap frame plus one: the walk goes on in the interrupted code.  Words are believed only
 * when they lie on a kernel stack of ours and grow.
 */
#include <arch/debug.h>
#include <arch/trapframe.h>
#include <kernel/lib/sections.h>
#include <kernel/sched/thread.h>
#include <mm/vmalloc.h>
#include "x86_internal.h"

/* What x86_switch_stacks left: six registers, rbp last, then the return address. */
#define SWITCH_RBP 5
#define SWITCH_RIP 6

static bool in_kernel_text(vaddr_t pc)
{
	return pc >= (vaddr_t)__text_start && pc < (vaddr_t)__text_end;
}

/* May [fp, fp + len) be read?  Stacks lie in the vmalloc area, the image (boot) or the physmap
 * (interrupt stacks). */
static bool readable(vaddr_t fp, size_t len)
{
	paddr_t pa;

	return fp >= 0xffff800000000000UL && !(fp & 7) && kernel_va_to_phys((void *)fp, &pa) &&
	       kernel_va_to_phys((void *)(fp + len - 1), &pa);
}

void arch_unwind_start(struct unwind *u, const struct thread *t, const struct arch_trapframe *tf)
{
	if (tf) {
		*u = (struct unwind){ tf->rip, tf->rsp, tf->rbp };
	} else if (t && t != thread_current()) {
		const u64 *frame = (const u64 *)t->arch.sp;

		*u = (struct unwind){ 0 };
		if (readable(t->arch.sp, 56))
			*u = (struct unwind){ frame[SWITCH_RIP], t->arch.sp, frame[SWITCH_RBP] };
	} else {
		u->fp = (vaddr_t)__builtin_frame_address(0);
		u->sp = u->fp;
		u->pc = (vaddr_t)__builtin_return_address(0);
	}
}

static bool step_trap(struct unwind *u, const struct arch_trapframe *tf)
{
	if (!readable((vaddr_t)tf, sizeof(*tf)) || arch_tf_user(tf) || !in_kernel_text(tf->rip))
		return false;
	*u = (struct unwind){ tf->rip, tf->rsp, tf->rbp };
	return true;
}

bool arch_unwind_next(struct unwind *u)
{
	const u64 *frame = (const u64 *)u->fp;

	if (u->fp & 1)
		return step_trap(u, (const struct arch_trapframe *)(u->fp - 1));
	if (!readable(u->fp, 16) || frame[0] == u->fp || !in_kernel_text(frame[1]))
		return false;
	if (!(frame[0] & 1) && frame[0] && frame[0] < u->fp)
		return false;
	*u = (struct unwind){ frame[1], u->fp + 16, frame[0] };
	return true;
}
