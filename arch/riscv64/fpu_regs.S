/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The floating-point registers to and from struct riscv_fpu, opening FS for the while. */
#include <isa/csr.h>

	.option	arch, +d

	.macro	EACH_REGISTER op
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\op	f\n, 8 * \n(a0)
	.endr
	.irp	n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\op	f\n, 8 * \n(a0)
	.endr
	.endm

	.text
	.globl	riscv_fpu_store
	.type	riscv_fpu_store, @function
riscv_fpu_store:
	li	a1, SR_FS
	csrs	sstatus, a1
	EACH_REGISTER fsd
	frcsr	t0
	sw	t0, 256(a0)
	csrc	sstatus, a1
	ret
	.size	riscv_fpu_store, . - riscv_fpu_store

	.globl	riscv_fpu_load
	.type	riscv_fpu_load, @function
riscv_fpu_load:
	li	a1, SR_FS
	csrs	sstatus, a1
	EACH_REGISTER fld
	lw	t0, 256(a0)
	fscsr	t0
	csrc	sstatus, a1
	ret
	.size	riscv_fpu_load, . - riscv_fpu_load
