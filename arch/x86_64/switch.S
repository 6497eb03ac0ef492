/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The switch of stacks; thread.c does the rest. */
#include <gen/offsets.h>

	.text
/*
 * struct thread *x86_switch_stacks(struct thread *prev, struct thread *next)
 * Returns prev, on the stack of next; a new thread begins at the address thread.c put there.
 */
	.globl	x86_switch_stacks
x86_switch_stacks:
	pushq	%rbp
	pushq	%rbx
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, THREAD_SP(%rdi)
	movq	THREAD_SP(%rsi), %rsp
	movq	%rdi, %rax
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbx
	popq	%rbp
	ret
