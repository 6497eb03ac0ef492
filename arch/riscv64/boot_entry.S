/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first instructions: the Image header, the boot hart's way from physical to virtual addresses,
 * and that of the harts started later.
 *
 * Firmware enters with translation off, a0 = hart, a1 = device tree (boot hart) or our own argument
 * (hart_state_management).  Turning translation on needs no identity map: stvec holds the virtual
 * address of the code to go on with, the next fetch after `csrw satp` faults, and the fault jumps
 * there.  A hart that does not know the mode ignores the whole write and simply runs on.
 */
#include <gen/offsets.h>
#include <isa/csr.h>
#include <isa/types.h>

	.section .head.text, "ax"
	.globl boot_header
boot_header:
	.option push
	.option norelax
	c.li	s4, -13			/* "MZ", for the PE header to come */
	c.j	boot_entry
	.word	0
	.dword	0x200000		/* load offset from a multiple of 2 MiB */
	.dword	__image_end - boot_header
	.dword	0			/* little-endian */
	.word	2			/* header version 0.2 */
	.word	0
	.dword	0
	.ascii	"RISCV\0\0\0"
	.ascii	"RSC\x05"
	.word	0			/* no PE header yet */
	.option pop

boot_entry:
	csrw	sie, zero
	csrci	sstatus, SR_SIE
	li	t0, SR_FS | SR_SUM
	csrc	sstatus, t0
	lla	t0, boot_park
	csrw	stvec, t0

	/*
	 * Old firmware releases all harts at once: the first one here boots, others have no HSM to
	 * be started by and stay.
	 */
	lla	t0, boot_lottery
	li	t1, 1
	amoadd.w t0, t1, (t0)
	bnez	t0, boot_park

	lla	t0, __bss_start
	lla	t1, __bss_end
1:	sd	zero, 0(t0)
	addi	t0, t0, 8
	bltu	t0, t1, 1b

	lla	sp, boot_stack + KSTACK_SIZE
	li	s0, 0
	call	boot_physical
	fence.i
2:	call	boot_next_satp
	beqz	a0, boot_park
	lla	t0, boot_virtual_entry
	lla	t1, riscv_image_offset
	ld	t1, 0(t1)
	add	t0, t0, t1
	csrw	stvec, t0
	sfence.vma
	csrw	satp, a0
	j	2b			/* still here: not this mode */

	.balign	4
boot_virtual_entry:
	lla	t0, trap_entry
	csrw	stvec, t0
	csrw	sscratch, zero
	lla	sp, boot_stack + KSTACK_SIZE
	lla	tp, boot_thread
	li	s0, 0
	call	boot_virtual
	call	kernel_main

	.balign	4
	.globl	boot_park
boot_park:
	wfi
	j	boot_park

/* A hart started through SBI: a0 = hart, a1 = physical address of struct boot_secondary. */
	.globl	boot_secondary_entry
boot_secondary_entry:
	csrw	sie, zero
	csrci	sstatus, SR_SIE
	li	t0, SR_FS | SR_SUM
	csrc	sstatus, t0
	ld	t0, SECONDARY_ENTRY(a1)
	csrw	stvec, t0
	ld	tp, SECONDARY_THREAD(a1)
	ld	sp, SECONDARY_STACK(a1)
	ld	t1, SECONDARY_SATP(a1)
	sfence.vma
	fence.i
	csrw	satp, t1
1:	wfi				/* cannot be: the boot hart took this mode */
	j	1b

	.balign	4
	.globl	boot_secondary_virtual
boot_secondary_virtual:
	lla	t0, trap_entry
	csrw	stvec, t0
	csrw	sscratch, zero
	li	s0, 0
	call	smp_secondary_main

	/* Not in .bss, which the winner clears. */
	.section .data.boot, "aw"
	.balign	4
boot_lottery:
	.word	0
