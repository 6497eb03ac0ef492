/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The functions that are nothing but a system call, the signal trampoline first. */

	.macro	CALL name, number
	.globl	\name
	.type	\name, @function
\name:
	li	a7, \number
	ecall
	ret
	.size	\name, . - \name
	.endm

	/* Debuggers and unwinders know a signal frame by these two instructions. */
	.section .text.sigreturn, "ax"
	.globl	__vdso_rt_sigreturn
	.type	__vdso_rt_sigreturn, @function
__vdso_rt_sigreturn:
	.option push
	.option norvc
	li	a7, 139
	ecall
	.option pop
	.size	__vdso_rt_sigreturn, . - __vdso_rt_sigreturn

	.text
	CALL	__vdso_getcpu, 168
	CALL	__vdso_flush_icache, 259
	CALL	__vdso_riscv_hwprobe, 258

	/* The version of Linux this interface is that of. */
	.section .note.release, "a", @note
	.balign	4
	.long	6, 4, 0
	.asciz	"Linux"
	.balign	4
	.long	6 << 16 | 12 << 8
