/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From one thread to another, and the first steps of a new one. */
#include <gen/offsets.h>
#include <isa/csr.h>

	.macro	CALLEE_SAVED op, thread
	\op	ra, AT_RA(\thread)
	\op	sp, AT_SP(\thread)
	\op	s0, AT_S + 0(\thread)
	\op	s1, AT_S + 8(\thread)
	\op	s2, AT_S + 16(\thread)
	\op	s3, AT_S + 24(\thread)
	\op	s4, AT_S + 32(\thread)
	\op	s5, AT_S + 40(\thread)
	\op	s6, AT_S + 48(\thread)
	\op	s7, AT_S + 56(\thread)
	\op	s8, AT_S + 64(\thread)
	\op	s9, AT_S + 72(\thread)
	\op	s10, AT_S + 80(\thread)
	\op	s11, AT_S + 88(\thread)
	.endm

	.text
/* struct thread *riscv_switch(struct thread *prev, struct thread *next): returns prev, in next. */
	.globl	riscv_switch
	.type	riscv_switch, @function
riscv_switch:
	CALLEE_SAVED sd, a0
	CALLEE_SAVED ld, a1
	mv	tp, a1
	ret
	.size	riscv_switch, . - riscv_switch

/*
 * A kernel thread begins: s1 = function, s2 = argument, a0 = the thread before.  A function that
 * returns has made the thread a program (exec).
 */
	.globl	thread_start_kernel
	.type	thread_start_kernel, @function
thread_start_kernel:
	call	thread_first_run
	csrsi	sstatus, SR_SIE
	mv	a0, s2
	jalr	s1
	j	ret_to_user
	.size	thread_start_kernel, . - thread_start_kernel

/* A forked thread begins: its user frame is complete. */
	.globl	ret_from_fork
	.type	ret_from_fork, @function
ret_from_fork:
	call	thread_first_run
	j	ret_to_user
	.size	ret_from_fork, . - ret_from_fork
