/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one kernel stack to another. */
#include <isa/asm.h>
#include <gen/offsets.h>

	.text
/*
 * struct thread *switch_context(struct thread *prev, struct thread *next)
 * Returns, on next's stack, prev: x0 is left alone from end to end.
 */
ENTRY(switch_context)
	mov	x9, sp
	stp	x19, x20, [x0, #THREAD_CTX]
	stp	x21, x22, [x0, #THREAD_CTX + 16]
	stp	x23, x24, [x0, #THREAD_CTX + 32]
	stp	x25, x26, [x0, #THREAD_CTX + 48]
	stp	x27, x28, [x0, #THREAD_CTX + 64]
	stp	x29, x9, [x0, #THREAD_CTX + 80]
	str	x30, [x0, #THREAD_CTX + 96]
	ldp	x19, x20, [x1, #THREAD_CTX]
	ldp	x21, x22, [x1, #THREAD_CTX + 16]
	ldp	x23, x24, [x1, #THREAD_CTX + 32]
	ldp	x25, x26, [x1, #THREAD_CTX + 48]
	ldp	x27, x28, [x1, #THREAD_CTX + 64]
	ldp	x29, x9, [x1, #THREAD_CTX + 80]
	ldr	x30, [x1, #THREAD_CTX + 96]
	mrs	x10, tpidr_el1
	mov	sp, x9
	msr	sp_el0, x1
	str	x1, [x10, #CPU_CURRENT]
	ret
END(switch_context)

/*
 * Where new threads begin: x0 = who ran before, x19 = function or 0, x20 = its argument.  Without a
 * function, or when it returns (after exec), the thread goes to user mode.
 */
ENTRY(thread_begin)
	bl	thread_first_run
	cbz	x19, 1f
	mov	x0, x20
	blr	x19
1:	b	return_to_user
END(thread_begin)
