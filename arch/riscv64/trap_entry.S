/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Trap entry and exit.
 *
 * In user mode sscratch holds the thread, in the kernel zero; swapping it with tp tells where the
 * trap came from.  A trap from user mode builds its frame at the fixed place at the top of the
 * thread's stack; one from the kernel below the stack pointer, after a look whether the stack has
 * room: pushing onto the guard page would trap for ever.
 *
 * sscratch is zero again before anything else can trap, and SUM and FS are clear while the kernel
 * runs: user memory and the user's floating-point registers open only on purpose.
 */
#include <gen/offsets.h>
#include <isa/csr.h>
#include <isa/types.h>

#define TF(n) (8 * (n))

	/* Everything but sp (x2) and tp (x4). */
	.macro	GENERAL op
	\op	x1, TF(1)(sp)
	\op	x3, TF(3)(sp)
	\op	x5, TF(5)(sp)
	\op	x6, TF(6)(sp)
	\op	x7, TF(7)(sp)
	\op	x10, TF(10)(sp)
	\op	x11, TF(11)(sp)
	\op	x12, TF(12)(sp)
	\op	x13, TF(13)(sp)
	\op	x14, TF(14)(sp)
	\op	x15, TF(15)(sp)
	\op	x16, TF(16)(sp)
	\op	x17, TF(17)(sp)
	\op	x28, TF(28)(sp)
	\op	x29, TF(29)(sp)
	\op	x30, TF(30)(sp)
	\op	x31, TF(31)(sp)
	.endm

	.macro	CALLEE_SAVED op
	\op	x8, TF(8)(sp)
	\op	x9, TF(9)(sp)
	\op	x18, TF(18)(sp)
	\op	x19, TF(19)(sp)
	\op	x20, TF(20)(sp)
	\op	x21, TF(21)(sp)
	\op	x22, TF(22)(sp)
	\op	x23, TF(23)(sp)
	\op	x24, TF(24)(sp)
	\op	x25, TF(25)(sp)
	\op	x26, TF(26)(sp)
	\op	x27, TF(27)(sp)
	.endm

	/* s1 = sstatus as it was, s2 = sepc, s3 = scause, all in the frame. */
	.macro	SAVE_CSRS
	li	t0, SR_SUM | SR_FS
	csrrc	s1, sstatus, t0
	csrr	s2, sepc
	csrr	s3, scause
	csrr	s4, stval
	sd	s1, TF_STATUS(sp)
	sd	s2, TF(0)(sp)
	sd	s3, TF_CAUSE(sp)
	sd	s4, TF_BADADDR(sp)
	.endm

	.section .text.trap, "ax"
	.balign	4
	.globl	trap_entry
	.type	trap_entry, @function
trap_entry:
	csrrw	tp, sscratch, tp
	bnez	tp, .Lfrom_user

	/* tp is zero here, so that this puts back both. */
	csrrw	tp, sscratch, tp
	sd	t0, AT_SCRATCH(tp)
	ld	t0, AT_STACK_LOW(tp)
	addi	sp, sp, -TF_SIZE
	bltu	sp, t0, .Loverflow
	ld	t0, AT_SCRATCH(tp)
	GENERAL	sd
	CALLEE_SAVED sd
	addi	t0, sp, TF_SIZE
	sd	t0, TF(2)(sp)
	sd	tp, TF(4)(sp)
	SAVE_CSRS
	sd	s0, TF_LINK(sp)
	sd	s2, TF_LINK + 8(sp)
	addi	s0, sp, TF_SIZE
	mv	a0, sp
	bltz	s3, 1f
	call	trap_kernel
	j	2f
1:	slli	a1, s3, 1
	srli	a1, a1, 1
	call	trap_irq
2:	csrci	sstatus, SR_SIE
	ld	t0, TF_STATUS(sp)
	ld	t1, TF(0)(sp)
	/* A reservation of the interrupted code must not survive: another thread may have run. */
	addi	t2, sp, TF(0)
	sc.d	zero, t1, (t2)
	csrw	sstatus, t0
	csrw	sepc, t1
	GENERAL	ld
	CALLEE_SAVED ld
	ld	sp, TF(2)(sp)
	sret

.Lfrom_user:
	sd	sp, AT_SCRATCH(tp)
	ld	sp, AT_USER_FRAME(tp)
	GENERAL	sd
	CALLEE_SAVED sd
	ld	t0, AT_SCRATCH(tp)
	csrrw	t1, sscratch, zero
	sd	t0, TF(2)(sp)
	sd	t1, TF(4)(sp)
	csrr	t1, sstatus
	csrr	t2, sepc
	csrr	t3, scause
	li	t4, ~(SR_SUM | SR_FS)
	and	t4, t1, t4
	sd	t1, TF_STATUS(sp)
	sd	t3, TF_CAUSE(sp)
	sd	a0, TF_ORIG_A0(sp)
	mv	a0, sp
	mv	s0, zero
	li	t0, CAUSE_ECALL_USER
	bne	t3, t0, 1f

	/*
	 * A system call.  Functions preserve s1 to s11, so the user's are still in place when it is
	 * done, unless it was one that replaces them in the frame.
	 */
	addi	t2, t2, 4
	sd	t2, TF(0)(sp)
	sd	zero, TF_REWRITTEN(sp)
	ori	t4, t4, SR_SIE
	csrw	sstatus, t4
	call	trap_syscall
	/* The user's status has interrupts off until sret: writing it now closes them, too. */
	ld	t0, TF_STATUS(sp)
	csrw	sstatus, t0
	lw	t0, THREAD_FLAGS(tp)
	li	t1, EXIT_WORK
	and	t0, t0, t1
	bnez	t0, .Lexit_work
	ld	t0, TF_REWRITTEN(sp)
	ld	t1, TF(0)(sp)
	bnez	t0, .Lrestore_user
	csrw	sepc, t1
	csrw	sscratch, tp
	GENERAL	ld
	ld	s0, TF(8)(sp)
	ld	tp, TF(4)(sp)
	ld	sp, TF(2)(sp)
	sret

1:	csrw	sstatus, t4
	csrr	t4, stval
	sd	t2, TF(0)(sp)
	sd	t4, TF_BADADDR(sp)
	bgez	t3, 2f
	slli	a1, t3, 1
	srli	a1, a1, 1
	call	trap_irq
	j	ret_to_user
2:	call	trap_user

	.globl	ret_to_user
ret_to_user:
	csrci	sstatus, SR_SIE
	lw	t0, THREAD_FLAGS(tp)
	li	t1, EXIT_WORK
	and	t0, t0, t1
	bnez	t0, .Lexit_work
.Lrestore_user:
	ld	t0, TF_STATUS(sp)
	ld	t1, TF(0)(sp)
	addi	t2, sp, TF(0)
	sc.d	zero, t1, (t2)
	csrw	sstatus, t0
	csrw	sepc, t1
	csrw	sscratch, tp
	GENERAL	ld
	CALLEE_SAVED ld
	ld	tp, TF(4)(sp)
	ld	sp, TF(2)(sp)
	sret

.Lexit_work:
	li	t0, SR_SIE | SR_FS
	csrc	sstatus, t0
	mv	a0, sp
	call	trap_return_to_user
	csrci	sstatus, SR_SIE
	j	.Lrestore_user

	/* No room for a frame: the rest of life is on the emergency stack. */
.Loverflow:
	addi	sp, sp, TF_SIZE
	sd	sp, AT_SCRATCH + 8(tp)
	lla	sp, emergency_stack_top - TF_SIZE
	ld	t0, AT_SCRATCH(tp)
	GENERAL	sd
	CALLEE_SAVED sd
	ld	t0, AT_SCRATCH + 8(tp)
	sd	t0, TF(2)(sp)
	sd	tp, TF(4)(sp)
	SAVE_CSRS
	/* A trap on this stack must not come here again. */
	sd	zero, AT_STACK_LOW(tp)
	mv	a0, sp
	tail	trap_overflow
	.size	trap_entry, . - trap_entry

	.section .bss.page_aligned, "aw", @nobits
	.balign	4096
emergency_stack:
	.skip	KSTACK_SIZE
emergency_stack_top:
