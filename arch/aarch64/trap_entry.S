/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Exception vectors, and the ways out.
 *
 * In the kernel sp_el0 is the running thread and SP is SP_EL1.  From user mode SP is the top of the
 * thread's kernel stack, as every return leaves it there; the frame pushed is the user frame.
 * x28 is the thread all along.  PAN closes by itself at entry (SCTLR_EL1.SPAN = 0).
 *
 * A fault in the kernel may be the stack running into its guard page, where no frame can be pushed.
 * So synchronous exceptions first look whether SP lies in the thread's stack, with one register to
 * spare, x0, parked in tpidrro_el0.
 */
#include <isa/asm.h>
#include <isa/layout.h>
#include <isa/sysreg.h>
#include <gen/offsets.h>

/* clang-format off */
.macro push_frame el
	.if \el == 0
	sub	sp, sp, #TF_SIZE
	.endif
	stp	x0, x1, [sp, #16 * 0]
	stp	x2, x3, [sp, #16 * 1]
	stp	x4, x5, [sp, #16 * 2]
	stp	x6, x7, [sp, #16 * 3]
	stp	x8, x9, [sp, #16 * 4]
	stp	x10, x11, [sp, #16 * 5]
	stp	x12, x13, [sp, #16 * 6]
	stp	x14, x15, [sp, #16 * 7]
	stp	x16, x17, [sp, #16 * 8]
	stp	x18, x19, [sp, #16 * 9]
	stp	x20, x21, [sp, #16 * 10]
	stp	x22, x23, [sp, #16 * 11]
	stp	x24, x25, [sp, #16 * 12]
	stp	x26, x27, [sp, #16 * 13]
	stp	x28, x29, [sp, #16 * 14]
	mrs	x22, elr_el1
	mrs	x23, spsr_el1
	.if \el == 0
	mrs	x20, tpidr_el1
	mrs	x21, sp_el0
	ldr	x28, [x20, #CPU_CURRENT]
	msr	sp_el0, x28
	stp	xzr, xzr, [sp, #TF_FRAME]
	.else
	add	x21, sp, #TF_SIZE
	mrs	x28, sp_el0
	stp	x29, x22, [sp, #TF_FRAME]
	.endif
	stp	x30, x21, [sp, #TF_LR]
	stp	x22, x23, [sp, #TF_PC]
	mov	w24, #-1
	str	w24, [sp, #TF_SYSCALL]
	add	x29, sp, #TF_FRAME
.endm

.macro vector el, kind
	.balign 128
	.if \el == 1
	sub	sp, sp, #TF_SIZE
	.endif
	b	el\el\()_\kind
.endm

.macro vector_bad number
	.balign 128
	sub	sp, sp, #TF_SIZE
	stp	x0, x1, [sp]
	mov	x0, #\number
	b	bad_vector
.endm
/* clang-format on */

	.text
	.balign 2048
ENTRY(vectors)
	vector_bad 0
	vector_bad 1
	vector_bad 2
	vector_bad 3

	.balign 128			// EL1, synchronous
	sub	sp, sp, #TF_SIZE
	msr	tpidrro_el0, x0
	mrs	x0, sp_el0
	ldr	x0, [x0, #THREAD_STACK]
	sub	x0, sp, x0
	cmp	x0, #(LAYOUT_KSTACK_SIZE >> 12), lsl #12
	b.hs	stack_overflow
	mrs	x0, tpidrro_el0
	msr	tpidrro_el0, xzr	// user mode can read it
	b	el1_sync
	vector	1, irq
	vector	1, fiq
	vector	1, serror

	vector	0, sync
	vector	0, irq
	vector	0, fiq
	vector	0, serror

	vector_bad 12
	vector_bad 13
	vector_bad 14
	vector_bad 15
END(vectors)

LOCAL(el0_sync)
	push_frame 0
	mrs	x1, esr_el1
	lsr	w2, w1, #26
	cmp	w2, #EC_SVC64
	b.ne	1f

	str	x0, [sp, #TF_ORIG_X0]
	str	w8, [sp, #TF_SYSCALL]
	msr	daifclr, #(4 | 2)
	mov	x0, sp
	bl	trap_syscall
	b	return_to_user

1:	mov	x0, sp
	mrs	x2, far_el1
	bl	trap_user_sync
	b	return_to_user
END(el0_sync)

LOCAL(el0_irq)
	push_frame 0
	mov	x0, sp
	mov	w1, #0
	bl	trap_irq
	b	return_to_user
END(el0_irq)

LOCAL(el0_fiq)
	push_frame 0
	mov	x0, sp
	bl	trap_fiq
	b	return_to_user
END(el0_fiq)

LOCAL(el0_serror)
	push_frame 0
	mov	x0, sp
	mrs	x1, esr_el1
	bl	trap_serror
	b	return_to_user
END(el0_serror)

LOCAL(el1_sync)
	push_frame 1
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	bl	trap_kernel_sync
	b	return_to_kernel
END(el1_sync)

LOCAL(el1_irq)
	push_frame 1
	mov	x0, sp
	mov	w1, #0
	bl	trap_irq
	b	return_to_kernel
END(el1_irq)

LOCAL(el1_fiq)
	push_frame 1
	mov	x0, sp
	bl	trap_fiq
	b	return_to_kernel
END(el1_fiq)

LOCAL(el1_serror)
	push_frame 1
	mov	x0, sp
	mrs	x1, esr_el1
	bl	trap_serror
	b	return_to_kernel
END(el1_serror)

LOCAL(return_to_kernel)
	msr	daifset, #0xf
	ldp	x22, x23, [sp, #TF_PC]
	msr	elr_el1, x22
	msr	spsr_el1, x23
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldp	x28, x29, [sp, #16 * 14]
	ldr	x30, [sp, #TF_LR]
	ldp	x0, x1, [sp]
	add	sp, sp, #TF_SIZE
	eret
END(return_to_kernel)

/*
 * The one way to user mode.  SP points at the user frame.  Also entered by new threads.  D stays set in
 * the kernel, and PSTATE.SS of the frame takes effect at eret.
 */
ENTRY(return_to_user)
	msr	daifset, #0xf
	mrs	x28, sp_el0
	ldr	w1, [x28, #THREAD_FLAGS_OFFSET]
	ldr	w2, =THREAD_EXIT_WORK_MASK
	tst	w1, w2
	b.ne	1f
2:	ldp	x22, x23, [sp, #TF_PC]
	ldp	x30, x21, [sp, #TF_LR]
	msr	elr_el1, x22
	msr	spsr_el1, x23
	msr	sp_el0, x21
	ldp	x0, x1, [sp, #16 * 0]
	ldp	x2, x3, [sp, #16 * 1]
	ldp	x4, x5, [sp, #16 * 2]
	ldp	x6, x7, [sp, #16 * 3]
	ldp	x8, x9, [sp, #16 * 4]
	ldp	x10, x11, [sp, #16 * 5]
	ldp	x12, x13, [sp, #16 * 6]
	ldp	x14, x15, [sp, #16 * 7]
	ldp	x16, x17, [sp, #16 * 8]
	ldp	x18, x19, [sp, #16 * 9]
	ldp	x20, x21, [sp, #16 * 10]
	ldp	x22, x23, [sp, #16 * 11]
	ldp	x24, x25, [sp, #16 * 12]
	ldp	x26, x27, [sp, #16 * 13]
	ldp	x28, x29, [sp, #16 * 14]
	add	sp, sp, #TF_SIZE
	eret

1:	mov	x0, sp
	bl	trap_return_to_user
	b	2b
END(return_to_user)
	.ltorg

/*
 * SP, less a frame, is not in the thread's stack.  Report from this CPU's emergency stack.  x0 is in
 * tpidrro_el0, SP still has the frame subtracted.
 */
LOCAL(stack_overflow)
	mrs	x0, tpidr_el1
	ldr	x0, [x0, #CPU_EMERGENCY_STACK]
	// Exchange: x0 = old SP, SP = emergency stack.
	sub	x0, x0, #TF_SIZE
	msr	contextidr_el1, x1
	mov	x1, sp
	mov	sp, x0
	mov	x0, x1
	mrs	x1, contextidr_el1
	msr	contextidr_el1, x0
	mrs	x0, tpidrro_el0
	push_frame 1
	mrs	x1, contextidr_el1
	add	x1, x1, #TF_SIZE
	str	x1, [sp, #TF_LR + 8]
	mov	x0, sp
	mrs	x1, esr_el1
	mrs	x2, far_el1
	bl	trap_stack_overflow
	b	.
END(stack_overflow)

/* An exception with SP_EL0, or from AArch32: neither can be. */
LOCAL(bad_vector)
	mov	x1, x0
	ldr	x0, [sp]
	str	x1, [sp, #TF_ORIG_X0]
	ldp	x0, x1, [sp]
	push_frame 1
	mov	x0, sp
	ldr	x1, [sp, #TF_ORIG_X0]
	mrs	x2, esr_el1
	bl	trap_bad_vector
	b	.
END(bad_vector)
