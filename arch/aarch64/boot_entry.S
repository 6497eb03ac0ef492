/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From firmware to C.
 *
 * The image begins with the 64-byte header of the Linux boot protocol for arm64; the rest of its
 * first page is kept for a PE header.  Firmware enters with the MMU off, the device tree in x0, at
 * EL1 or EL2.  The boot CPU clears .bss, has boot_map.c build page tables (identity in TTBR0, kernel
 * half in TTBR1), turns the MMU on, relocates the image to its random address and goes on there.
 * Other CPUs come through PSCI with their struct cpu in x0 and take the same steps, less the building.
 *
 * While the MMU is off: x20 = argument, x22 = physical base, x23 = virtual base of the image.
 */
#include <isa/asm.h>
#include <isa/layout.h>
#include <isa/sysreg.h>
#include <gen/offsets.h>

	.section .head.text, "ax"
ENTRY(_start)
	ccmp	x18, #0, #0xd, pl	// "MZ" for UEFI, harmless to execute
	b	primary_entry
	.quad	0			// offset from a 2 MiB boundary
	.long	__image_size, 0
	.quad	0xa			// little-endian, 4 KiB pages, anywhere in memory
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0			// offset of the PE header
	.org	0x1000
END(_start)

	.section .idmap.text, "ax"
LOCAL(primary_entry)
	mov	x20, x0
	mov	x21, #0
	bl	enter_el1
	adrp	x22, __image_start

	adrp	x0, __bss_start
	adrp	x1, __bss_end
1:	stp	xzr, xzr, [x0], #16
	cmp	x0, x1
	b.lo	1b

	adr_l	x0, boot_stack
	add	x0, x0, #(LAYOUT_KSTACK_SIZE >> 12), lsl #12
	mov	sp, x0
	mov	x29, #0
	mov	x0, x20
	mov	x1, x22
	mov	x2, x21
	bl	boot_map_build
	mov	x23, x0

	// What was written without caches must not be shadowed by stale lines.
	adrp	x0, __data_start
	adrp	x1, __image_end
	bl	invalidate_range

	bl	mmu_on
	adr_l	x1, primary_switched
	sub	x1, x1, x22
	add	x1, x1, x23
	br	x1
END(primary_entry)

/* x0 = struct cpu, virtual. */
ENTRY(secondary_entry)
	mov	x20, x0
	bl	enter_el1
	adrp	x22, __image_start
	adr_l	x0, boot_map
	ldr	x23, [x0, #BOOT_MAP_IMAGE_VA]
	bl	mmu_on
	adr_l	x1, secondary_switched
	sub	x1, x1, x22
	add	x1, x1, x23
	br	x1
END(secondary_entry)

/* Leave EL2 if we are there, giving EL1 everything it may have.  x21 = 1 if so.  Clobbers x0, x1. */
LOCAL(enter_el1)
	msr	daifset, #0xf
	mrs	x0, CurrentEL
	cmp	x0, #(2 << 2)
	b.eq	1f
	ldr	x0, =SCTLR_MMU_OFF
	msr	sctlr_el1, x0
	isb
	ret

1:	mov	x21, #1
	ldr	x0, =SCTLR_MMU_OFF
	msr	sctlr_el1, x0
	mov	x0, #(1 << 31)		// HCR_EL2.RW: EL1 is AArch64
	msr	hcr_el2, x0
	isb
	mov	x0, #3			// counters and timers belong to EL1
	msr	cnthctl_el2, x0
	msr	cntvoff_el2, xzr
	mrs	x0, midr_el1
	msr	vpidr_el2, x0
	mrs	x0, mpidr_el1
	msr	vmpidr_el2, x0
	mov	x0, #0x33ff		// CPTR_EL2: no trap of floating point
	msr	cptr_el2, x0
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x0, id_aa64dfr0_el1	// all performance counters to EL1, if there are any
	ubfx	x1, x0, #8, #4
	cmp	x1, #0
	b.eq	2f
	cmp	x1, #0xf
	b.eq	2f
	mrs	x1, pmcr_el0
	ubfx	x1, x1, #11, #5
2:	csel	x1, xzr, x1, eq
	msr	mdcr_el2, x1
	mrs	x0, id_aa64pfr0_el1	// GICv3: let EL1 use the system registers
	ubfx	x0, x0, #24, #4
	cbz	x0, 3f
	mrs	x0, s3_4_c12_c9_5	// ICC_SRE_EL2
	orr	x0, x0, #1		// SRE
	orr	x0, x0, #8		// Enable
	msr	s3_4_c12_c9_5, x0
	isb
	mrs	x0, s3_4_c12_c9_5
	tbz	x0, #0, 3f
	msr	s3_4_c12_c11_0, xzr	// ICH_HCR_EL2
3:	mrs	x0, id_aa64mmfr0_el1	// fine-grained traps: none
	ubfx	x0, x0, #56, #4
	cbz	x0, 4f
	msr	s3_4_c1_c1_4, xzr	// HFGRTR_EL2
	msr	s3_4_c1_c1_5, xzr	// HFGWTR_EL2
	msr	s3_4_c1_c1_6, xzr	// HFGITR_EL2
	msr	s3_4_c3_c1_4, xzr	// HDFGRTR_EL2
	msr	s3_4_c3_c1_5, xzr	// HDFGWTR_EL2
4:	mov	x0, #(PSR_MODE_EL1H | PSR_F | PSR_I | PSR_A | PSR_D)
	msr	spsr_el2, x0
	msr	elr_el2, x30
	eret
END(enter_el1)

/* [x0, x1): drop cache lines.  Clobbers x0, x2, x3. */
LOCAL(invalidate_range)
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4
	mov	x2, #4
	lsl	x2, x2, x3
	sub	x3, x2, #1
	bic	x0, x0, x3
1:	dc	ivac, x0
	add	x0, x0, x2
	cmp	x0, x1
	b.lo	1b
	dsb	sy
	ret
END(invalidate_range)

/* Turn on translation with what boot_map says.  Clobbers x0 to x3. */
LOCAL(mmu_on)
	adr_l	x0, boot_map
	tlbi	vmalle1
	dsb	nsh
	ldr	x1, =MAIR_VALUE
	msr	mair_el1, x1
	ldr	x1, [x0, #BOOT_MAP_TCR]
	msr	tcr_el1, x1
	ldr	x1, [x0, #BOOT_MAP_IDMAP]
	msr	ttbr0_el1, x1
	ldr	x1, [x0, #BOOT_MAP_ROOT]
	msr	ttbr1_el1, x1
	mov	x1, #CPACR_FPEN
	msr	cpacr_el1, x1
	mov	x1, #CNTKCTL_EL0VCTEN
	msr	cntkctl_el1, x1
	msr	mdscr_el1, xzr
	msr	contextidr_el1, xzr
	ldr	x1, [x0, #BOOT_MAP_SCTLR]
	isb
	msr	sctlr_el1, x1
	isb
	ic	iallu
	dsb	nsh
	isb
	ret
END(mmu_on)

/*
 * void idmap_replace_root(paddr_t root): give TTBR1 another tree.  Runs at its physical address
 * with the identity map in TTBR0, so that the kernel half may vanish for a moment, as break-before-make
 * demands.  x0 = new root, x1 = empty root, x30 virtual.  Interrupts are off, the stack is not touched.
 */
ENTRY(idmap_replace_root)
	msr	ttbr1_el1, x1
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	ttbr1_el1, x0
	isb
	ret
END(idmap_replace_root)
	.ltorg

	.text
LOCAL(primary_switched)
	adr_l	x0, boot_stack
	add	x0, x0, #(LAYOUT_KSTACK_SIZE >> 12), lsl #12
	mov	sp, x0
	mov	x29, #0
	mov	x30, #0

	// Slide: where we are less where we were linked.
	movz	x1, #(LAYOUT_IMAGE >> 48), lsl #48
	movk	x1, #((LAYOUT_IMAGE >> 32) & 0xffff), lsl #32
	sub	x24, x23, x1
	adr_l	x0, __rela_start
	adr_l	x1, __rela_end
1:	cmp	x0, x1
	b.hs	2f
	ldp	x2, x3, [x0]
	ldr	x4, [x0, #16]
	add	x0, x0, #24
	cmp	w3, #1027		// R_AARCH64_RELATIVE; nothing else has a type
	b.ne	1b
	add	x4, x4, x24
	str	x4, [x2, x24]
	b	1b
2:	dsb	ish

	adrp	x0, boot_dtb
	str	x20, [x0, :lo12:boot_dtb]
	adrp	x0, boot_image_pa
	str	x22, [x0, :lo12:boot_image_pa]

	adr_l	x0, vectors
	msr	vbar_el1, x0
	adr_l	x1, boot_thread
	msr	sp_el0, x1
	adr_l	x0, boot_cpu
	msr	tpidr_el1, x0
	str	x1, [x0, #CPU_CURRENT]
	isb
	bl	boot_main
	b	.
END(primary_switched)

LOCAL(secondary_switched)
	adr_l	x0, vectors
	msr	vbar_el1, x0
	msr	tpidr_el1, x20
	ldr	x1, [x20, #CPU_CURRENT]
	msr	sp_el0, x1
	ldr	x2, [x1, #THREAD_STACK_TOP]
	sub	sp, x2, #TF_SIZE
	mov	x29, #0
	mov	x30, #0
	isb
	bl	secondary_main
	b	.
END(secondary_switched)

/* Leave the identity map: x0 = what TTBR0 shall be.  void ttbr0_set(u64) */
ENTRY(ttbr0_set)
	msr	ttbr0_el1, x0
	isb
	ret
END(ttbr0_set)
