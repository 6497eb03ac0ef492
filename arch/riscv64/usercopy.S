/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * User memory through the user's own translations, with SUM open, every access listed in the
 * exception table.  A fault in a wide step goes on byte by byte from where the cursors stand, so
 * that exactly the bytes before the bad one are copied.
 */
#include <isa/csr.h>

#include "copy_body.h"

	.text
/* size_t riscv_sum_copy(void *dst, const void *src, size_t n): returns the bytes not copied. */
	.globl	riscv_sum_copy
	.type	riscv_sum_copy, @function
riscv_sum_copy:
	li	a7, SR_SUM
	csrs	sstatus, a7
	mv	t6, a0
	COPY	copy_fault, copy_fault_shifted, copy_fault_byte
	li	a7, SR_SUM
	csrc	sstatus, a7
	mv	a0, a2
	ret
copy_fault_shifted:
	srli	t0, t0, 3
	add	a1, a1, t0
copy_fault:
1:	beqz	a2, copy_fault_byte
	LISTED	lb, t1, 0, a1, copy_fault_byte
	LISTED	sb, t1, 0, t6, copy_fault_byte
	addi	a1, a1, 1
	addi	t6, t6, 1
	addi	a2, a2, -1
	j	1b
copy_fault_byte:
	li	a7, SR_SUM
	csrc	sstatus, a7
	mv	a0, a2
	ret
	.size	riscv_sum_copy, . - riscv_sum_copy

/* size_t riscv_sum_clear(void *dst, size_t n): returns the bytes not cleared. */
	.globl	riscv_sum_clear
	.type	riscv_sum_clear, @function
riscv_sum_clear:
	li	a7, SR_SUM
	csrs	sstatus, a7
	li	t0, 8
1:	beqz	a1, clear_done
	andi	t1, a0, 7
	bnez	t1, 3f
	bltu	a1, t0, 3f
2:	LISTED	sd, zero, 0, a0, clear_fault
	addi	a0, a0, 8
	addi	a1, a1, -8
	bgeu	a1, t0, 2b
	j	1b
3:	LISTED	sb, zero, 0, a0, clear_done
	addi	a0, a0, 1
	addi	a1, a1, -1
	j	1b
clear_fault:
4:	LISTED	sb, zero, 0, a0, clear_done
	addi	a0, a0, 1
	addi	a1, a1, -1
	bnez	a1, 4b
clear_done:
	csrc	sstatus, a7
	mv	a0, a1
	ret
	.size	riscv_sum_clear, . - riscv_sum_clear

/* ssize_t riscv_sum_string(char *dst, const char *src, size_t n): length, n, or -EFAULT. */
	.globl	riscv_sum_string
	.type	riscv_sum_string, @function
riscv_sum_string:
	li	a7, SR_SUM
	csrs	sstatus, a7
	li	t0, 0
1:	beq	t0, a2, 2f
	add	t1, a1, t0
	LISTED	lbu, t2, 0, t1, string_fault
	add	t1, a0, t0
	sb	t2, 0(t1)
	beqz	t2, 2f
	addi	t0, t0, 1
	j	1b
string_fault:
	li	t0, -14
2:	csrc	sstatus, a7
	mv	a0, t0
	ret
	.size	riscv_sum_string, . - riscv_sum_string
