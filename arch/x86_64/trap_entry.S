/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Entries to the kernel and ways out of it.
 *
 * Every entry leaves a complete struct arch_trapframe on the stack.  Entries from user mode find the
 * thread's kernel stack empty (the TSS and gs:kernel_sp name its top), so the frame is at its top.
 *
 * Which gs base is loaded follows from the saved cs, with one exception: the four vectors that can
 * interrupt even the first instructions of an entry (#DB, NMI, #DF, #MC) have stacks of their own, and
 * when they come from kernel mode they cannot tell, so they load the base they find at the end of
 * their stack and put back what was there.
 *
 * While C code runs, rbp holds the address of the frame plus one: the unwinder's mark.
 */
#include <gen/offsets.h>
#include "msr.h"
#include "segment.h"

/* Three bytes for clac, patched in by cpu.c where the processor has it. */
.macro CLAC_SITE
771:	.byte	0x0f, 0x1f, 0x00
	.pushsection .clac_sites, "a"
	.long	771b - .
	.popsection
.endm

.macro PUSH_REGS_BELOW_RDI
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	%rax
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
.endm

.macro POP_REGS
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	popq	%rcx
	popq	%rdx
	popq	%rsi
	popq	%rdi
.endm

	.section .entry.text, "ax"

/* Stub n of the table stands at x86_vectors + 16 * n: error code (or 0), rdi, and the number in edi. */
	.balign	16
	.globl	x86_vectors
x86_vectors:
	vector = 0
	.rept	256
	.balign	16
	.if	(vector != 8) && ((vector < 10) || (vector > 14)) && (vector != 17) && (vector != 21) && (vector != 29) && (vector != 30)
	pushq	$0
	.endif
	pushq	%rdi
	movl	$vector, %edi
	.if	(vector == 1) || (vector == 2) || (vector == 8) || (vector == 18)
	jmp	ist_entry
	.else
	jmp	trap_entry
	.endif
	vector = vector + 1
	.endr

	.balign	16
trap_entry:
	PUSH_REGS_BELOW_RDI
	cld
	CLAC_SITE
	movl	%edi, %esi
	testb	$3, TF_CS(%rsp)
	jz	trap_dispatch
	swapgs
trap_dispatch:
	movq	%rsp, %rdi
	leaq	1(%rsp), %rbp
	movq	TF_ORIG_RAX(%rsp), %rdx
	movq	$-1, TF_ORIG_RAX(%rsp)
	call	x86_trap
	testb	$3, TF_CS(%rsp)
	jnz	return_to_user
	POP_REGS
	addq	$8, %rsp
	iretq

/* Interrupts are off, rsp is at the user's frame. */
	.balign	16
return_to_user:
	movq	%gs:CPU_CURRENT, %rdi
	testl	$EXIT_WORK, THREAD_FLAGS(%rdi)
	jnz	return_work
	cmpl	$0, THREAD_FPU_LOAD(%rdi)
	jnz	return_fpu
	movq	TF_RIP(%rsp), %rax
	shrq	$47, %rax
	jnz	return_bad
	POP_REGS
	swapgs
	addq	$8, %rsp
	iretq

return_work:
	movq	%rsp, %rdi
	call	trap_return_to_user
	jmp	return_to_user
return_fpu:
	call	x86_fpu_load
	jmp	return_to_user
return_bad:			/* iretq would fault on a non-canonical address */
	movq	%rsp, %rdi
	call	x86_return_bad
	jmp	return_to_user

/*
 * From user mode the frame moves to the thread's stack and the trap becomes an ordinary one.
 */
	.balign	16
ist_entry:
	PUSH_REGS_BELOW_RDI
	cld
	CLAC_SITE
	testb	$3, TF_CS(%rsp)
	jz	ist_from_kernel
	swapgs
	movl	%edi, %ebx
	movq	%rsp, %rsi
	movq	%gs:CPU_KERNEL_SP, %rdi
	subq	$TF_SIZE, %rdi
	movq	%rdi, %rdx
	movl	$(TF_SIZE / 8), %ecx
	rep movsq
	movq	%rdx, %rsp
	movl	%ebx, %esi
	jmp	trap_dispatch

ist_from_kernel:
	movl	%edi, %ebx
	movl	$MSR_GS_BASE, %ecx
	rdmsr
	movl	%eax, %r12d
	movl	%edx, %r13d
	movq	%rsp, %rax
	orq	$(IST_SIZE - 1), %rax
	movq	-7(%rax), %rax	/* the last word of the stack: struct cpu * */
	movq	%rax, %rdx
	shrq	$32, %rdx
	wrmsr
	movl	%ebx, %esi
	movq	%rsp, %rdi
	leaq	1(%rsp), %rbp
	movq	TF_ORIG_RAX(%rsp), %rdx
	movq	$-1, TF_ORIG_RAX(%rsp)
	call	x86_trap_ist
	movl	$MSR_GS_BASE, %ecx
	movl	%r12d, %eax
	movl	%r13d, %edx
	wrmsr
	POP_REGS
	addq	$8, %rsp
	iretq

/* SYSCALL: rcx is the user's rip, r11 its flags; ours are masked by SFMASK. */
	.balign	64
	.globl	x86_syscall_entry
x86_syscall_entry:
	swapgs
	movq	%rsp, %gs:CPU_USER_SP
	movq	%gs:CPU_KERNEL_SP, %rsp
	pushq	$USER_DS
	pushq	%gs:CPU_USER_SP
	pushq	%r11
	pushq	$USER_CS
	pushq	%rcx
	pushq	%rax
	pushq	%rdi
	pushq	%rsi
	pushq	%rdx
	pushq	%rcx
	pushq	$-38		/* rax: -ENOSYS until told otherwise */
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%rbx
	pushq	%rbp
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	leaq	1(%rsp), %rbp
	sti
	call	trap_syscall
	cli

/* SYSRET cannot restore rcx, r11, TF or RF, and must not see a non-canonical address: else iretq. */
syscall_exit:
	movq	%gs:CPU_CURRENT, %rdi
	testl	$EXIT_WORK, THREAD_FLAGS(%rdi)
	jnz	syscall_work
	cmpl	$0, THREAD_FPU_LOAD(%rdi)
	jnz	syscall_fpu
	movq	TF_RCX(%rsp), %rcx
	cmpq	%rcx, TF_RIP(%rsp)
	jne	return_to_user
	movq	TF_R11(%rsp), %r11
	cmpq	%r11, TF_RFLAGS(%rsp)
	jne	return_to_user
	testq	$0x10100, %r11	/* RF, TF */
	jnz	return_to_user
	movq	%rcx, %rax
	shrq	$47, %rax
	jnz	return_to_user
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%rbp
	popq	%rbx
	addq	$8, %rsp	/* r11 */
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rax
	addq	$8, %rsp	/* rcx */
	popq	%rdx
	popq	%rsi
	popq	%rdi
	movq	(TF_RSP - TF_ORIG_RAX)(%rsp), %rsp
	swapgs
	sysretq

syscall_work:
	movq	%rsp, %rdi
	call	trap_return_to_user
	jmp	syscall_exit
syscall_fpu:
	call	x86_fpu_load
	jmp	syscall_exit

/* A system call from a 32-bit segment, which user mode cannot have: AMD processors want an address. */
	.globl	x86_syscall32_entry
x86_syscall32_entry:
	movl	$-38, %eax
	sysretl

/*
 * The first instructions of a new thread, where x86_switch_stacks returns to; rax is the thread before.
 * Of a kernel thread rbx holds the function and r12 its argument.  A function that returns has made
 * its thread a user thread (arch_thread_exec).
 */
	.globl	x86_thread_kernel_start
x86_thread_kernel_start:
	movq	%rax, %rdi
	xorl	%ebp, %ebp
	call	thread_first_run
	movq	%r12, %rdi
	call	*%rbx
	cli
	movq	%gs:CPU_KERNEL_SP, %rsp
	subq	$TF_SIZE, %rsp
	leaq	1(%rsp), %rbp
	jmp	return_to_user

	.globl	x86_thread_fork_start
x86_thread_fork_start:
	movq	%rax, %rdi
	leaq	1(%rsp), %rbp
	call	thread_first_run
	cli
	jmp	syscall_exit
