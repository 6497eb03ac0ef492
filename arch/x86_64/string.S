/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * memcpy, memmove, memset and pages, in place of kernel/lib's portable ones.
 *
 * Short pieces by unrolled moves of eight bytes, long ones by the string instructions, which processors
 * make as fast as their caches.
 */

#define LONG 256
	.text

	.globl	memcpy
	.balign	16
memcpy:
	movq	%rdi, %rax
.Lforward:
	cmpq	$64, %rdx
	jb	2f
	cmpq	$LONG, %rdx
	jae	7f
	.balign	16
1:	movq	(%rsi), %rcx
	movq	8(%rsi), %r8
	movq	16(%rsi), %r9
	movq	24(%rsi), %r10
	movq	%rcx, (%rdi)
	movq	%r8, 8(%rdi)
	movq	%r9, 16(%rdi)
	movq	%r10, 24(%rdi)
	movq	32(%rsi), %rcx
	movq	40(%rsi), %r8
	movq	48(%rsi), %r9
	movq	56(%rsi), %r10
	movq	%rcx, 32(%rdi)
	movq	%r8, 40(%rdi)
	movq	%r9, 48(%rdi)
	movq	%r10, 56(%rdi)
	addq	$64, %rsi
	addq	$64, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	jae	1b
2:	cmpq	$8, %rdx
	jb	4f
3:	movq	(%rsi), %rcx
	movq	%rcx, (%rdi)
	addq	$8, %rsi
	addq	$8, %rdi
	subq	$8, %rdx
	cmpq	$8, %rdx
	jae	3b
4:	testq	%rdx, %rdx
	jz	6f
5:	movb	(%rsi), %cl
	movb	%cl, (%rdi)
	incq	%rsi
	incq	%rdi
	decq	%rdx
	jnz	5b
6:	ret
7:	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep	movsq
	andl	$7, %edx
	jmp	4b

	.globl	memmove
	.balign	16
memmove:
	movq	%rdi, %rax
	movq	%rdi, %rcx
	subq	%rsi, %rcx
	cmpq	%rdx, %rcx	/* to - from, unsigned: below n only when `to` lies within the source */
	jae	.Lforward
	/* From the end. */
1:	cmpq	$8, %rdx
	jb	2f
	movq	-8(%rsi, %rdx), %rcx
	movq	%rcx, -8(%rdi, %rdx)
	subq	$8, %rdx
	jmp	1b
2:	testq	%rdx, %rdx
	jz	4f
3:	movb	-1(%rsi, %rdx), %cl
	movb	%cl, -1(%rdi, %rdx)
	decq	%rdx
	jnz	3b
4:	ret

	.globl	memset
	.balign	16
memset:
	movq	%rdi, %rax
	movzbl	%sil, %ecx
	movabsq	$0x0101010101010101, %r8
	imulq	%r8, %rcx
	cmpq	$64, %rdx
	jb	2f
	cmpq	$LONG, %rdx
	jae	7f
	.balign	16
1:	movq	%rcx, (%rdi)
	movq	%rcx, 8(%rdi)
	movq	%rcx, 16(%rdi)
	movq	%rcx, 24(%rdi)
	movq	%rcx, 32(%rdi)
	movq	%rcx, 40(%rdi)
	movq	%rcx, 48(%rdi)
	movq	%rcx, 56(%rdi)
	addq	$64, %rdi
	subq	$64, %rdx
	cmpq	$64, %rdx
	jae	1b
2:	cmpq	$8, %rdx
	jb	4f
3:	movq	%rcx, (%rdi)
	addq	$8, %rdi
	subq	$8, %rdx
	cmpq	$8, %rdx
	jae	3b
4:	testq	%rdx, %rdx
	jz	6f
5:	movb	%cl, (%rdi)
	incq	%rdi
	decq	%rdx
	jnz	5b
6:	ret
7:	movq	%rax, %r9
	movq	%rcx, %rax
	movq	%rdx, %rcx
	shrq	$3, %rcx
	rep	stosq
	movq	%rax, %rcx
	movq	%r9, %rax
	andl	$7, %edx
	jmp	4b

	.globl	copy_page
	.balign	16
copy_page:
	movl	$512, %ecx
	rep	movsq
	ret

	.globl	clear_page
	.balign	16
clear_page:
	movl	$512, %ecx
	xorl	%eax, %eax
	rep	stosq
	ret
