/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The signal trampoline.  Debuggers and unwinders know a signal frame by its two instructions. */

	.section .text.sigreturn, "ax"
	nop				// unwinders look one instruction back
	.globl	__kernel_rt_sigreturn
	.type	__kernel_rt_sigreturn, %function
__kernel_rt_sigreturn:
	mov	x8, #139
	svc	#0
	.size	__kernel_rt_sigreturn, . - __kernel_rt_sigreturn

	/* The version of Linux this interface is that of. */
	.section .note.release, "a", %note
	.balign	4
	.long	6, 4, 0
	.asciz	"Linux"
	.balign	4
	.long	6 << 16 | 12 << 8
	.section .note.GNU-stack, "", %progbits
