/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vDSO as a whole, in pages of its own among the constants. */
	.section .rodata.vdso, "a"
	.balign	4096
	.globl	arch_vdso_start, arch_vdso_end
arch_vdso_start:
	.incbin	VDSO_FILE
	.balign	4096
arch_vdso_end:
