/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the boot loader to C.
 *
 * PVH (Xen's direct boot, which QEMU's -kernel speaks) and multiboot2 (GRUB, on BIOS and on UEFI) enter
 * alike: 32-bit protected mode without paging, ebx pointing at what the loader tells.  The tables made
 * here map the low 4 GiB one to one and the image where it is linked; boot.c adds the physmap, moves the
 * image, and this file follows it.
 *
 * Other processors enter through the trampoline: 16-bit code, copied below 1 MiB, that goes straight
 * to long mode on the same tables.
 */
#include <gen/offsets.h>
#include "msr.h"
#include "segment.h"

#define BASE	0xffffffff80000000
#define LOAD_PA 0x1000000
#define PA(sym) (sym - BASE + LOAD_PA)

#define PTE_TABLE 0x003 /* present, writable */
#define PTE_HUGE  0x083

	.section .note.pvh, "a", @note
	.balign 4
	.long	4, 8, 18	/* sizes of name and value, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz	"Xen"
	.long	PA(pvh_entry), 0

	/* Multiboot2 specification, 3.1: within the first 32 KiB of the file. */
	.section .boot.header, "a"
	.balign	8
mb2_header:
	.long	0xe85250d6, 0, mb2_end - mb2_header
	.long	-(0xe85250d6 + (mb2_end - mb2_header))
	.word	3, 0		/* enter here, whatever the ELF header says */
	.long	12, PA(mb2_entry), 0
	.word	6, 0		/* modules on page boundaries */
	.long	8
	.word	0, 0
	.long	8
mb2_end:

	.section .boot.text, "ax"

/* The root's physical address is in ecx.  The code segment stays as it is. */
.macro ENTER_LONG_MODE
	movl	%ecx, %cr3
	movl	$(CR4_PAE | CR4_PGE), %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	xorl	%edx, %edx
	movl	$(EFER_SCE | EFER_LME | EFER_NXE), %eax
	wrmsr
	movl	$(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
	movl	%eax, %cr0
.endm

/* gs points at the address in rax. */
.macro SET_GS_BASE
	movq	%rax, %rdx
	shrq	$32, %rdx
	movl	$MSR_GS_BASE, %ecx
	wrmsr
.endm

	.code32
	.globl	pvh_entry
mb2_entry:
	movl	$1, %esi
	jmp	entry32
pvh_entry:
	xorl	%esi, %esi
entry32:			/* esi: enum x86_loader */
	cld
	cli
	movl	%ebx, %ebp
	movl	$PA(__bss_start), %edi
	movl	$PA(__bss_end), %ecx
	subl	%edi, %ecx
	shrl	$2, %ecx
	xorl	%eax, %eax
	rep stosl
	movl	%ebp, PA(x86_loader_data)
	movl	%esi, PA(x86_loader)

	/* Root: slot 0 one to one, slot 511 the image. */
	movl	$PA(x86_boot_pdpt_low) + PTE_TABLE, PA(x86_boot_root)
	movl	$PA(x86_boot_pdpt_image) + PTE_TABLE, PA(x86_boot_root) + 511 * 8
	movl	$PA(x86_boot_pd_image) + PTE_TABLE, PA(x86_boot_pdpt_image) + 510 * 8

	movl	$PA(x86_boot_pdpt_low), %edi
	movl	$PA(x86_boot_pd_low) + PTE_TABLE, %eax
	movl	$4, %ecx
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$4096, %eax
	loop	1b

	movl	$PA(x86_boot_pd_low), %edi
	movl	$PTE_HUGE, %eax
	movl	$2048, %ecx
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	1b

	movl	$PA(x86_boot_pd_image), %edi
	movl	$LOAD_PA + PTE_HUGE, %eax
	movl	$PA(__image_end) - LOAD_PA + 0x1fffff, %ecx
	shrl	$21, %ecx
1:	movl	%eax, (%edi)
	addl	$8, %edi
	addl	$0x200000, %eax
	loop	1b

	lgdtl	PA(boot_gdtr)
	movl	$PA(x86_boot_root), %ecx
	ENTER_LONG_MODE
	ljmpl	$KERNEL_CS, $PA(boot64_low)

	.code64
boot64_low:
	movabsq	$boot64, %rax
	jmp	*%rax

boot64:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	leaq	boot_cpu(%rip), %rax
	SET_GS_BASE
	leaq	boot_stack + BOOT_STACK_TOP(%rip), %rsp
	xorl	%ebp, %ebp

	/* Choose the bases and move the image.  rax: the distance, which this stack moves by too. */
	call	x86_boot_move
	addq	%rax, %rsp
	leaq	1f(%rip), %rcx
	addq	%rax, %rcx
	jmp	*%rcx
1:
	leaq	boot_cpu(%rip), %rax
	SET_GS_BASE
	call	x86_boot_moved
	call	kernel_main
	ud2

/*
 * x86_boot_relocate(distance): add it to every word that holds an address of the image.  The loop is among
 * the code it changes, so it has no such word itself: all its addresses are relative to rip.
 */
	.globl	x86_boot_relocate
x86_boot_relocate:
	leaq	__relocs_start(%rip), %rsi
	leaq	__relocs_end(%rip), %rdx
	leaq	__image_start(%rip), %rcx
1:	cmpq	%rdx, %rsi
	jae	3f
	movl	(%rsi), %eax
	addq	$4, %rsi
	btrl	$31, %eax
	jc	2f
	addl	%edi, (%rcx, %rax)
	jmp	1b
2:	addq	%rdi, (%rcx, %rax)
	jmp	1b
3:	ret

	/* Another processor, on x86_boot_root.  smp.c left root, stack and struct cpu for it. */
ap64_low:
	movabsq	$ap64, %rax
	jmp	*%rax
ap64:
	movl	$KERNEL_DS, %eax
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movq	x86_ap_root(%rip), %rax
	movq	%rax, %cr3
	movq	x86_ap_stack(%rip), %rsp
	movq	x86_ap_cpu(%rip), %rax
	SET_GS_BASE
	xorl	%ebp, %ebp
	call	x86_ap_main
	ud2

	/* Copied below 1 MiB; a start-up IPI enters with ip 0 and cs its frame. */
	.section .rodata, "a"
	.code16
	.globl	x86_trampoline_start, x86_trampoline_end
x86_trampoline_start:
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	lgdtl	trampoline_gdtr - x86_trampoline_start
	movl	$PA(x86_boot_root), %ecx
	ENTER_LONG_MODE
	ljmpl	$KERNEL_CS, $PA(ap64_low)

	.balign	4
trampoline_gdtr:
	.word	boot_gdt_end - boot_gdt - 1
	.long	PA(boot_gdt)
x86_trampoline_end:

	.code64
	.balign	8
boot_gdt:
	.quad	0, 0, GDT_CODE64, GDT_DATA
boot_gdt_end:
boot_gdtr:
	.word	boot_gdt_end - boot_gdt - 1
	.long	PA(boot_gdt), 0

	.section .bss.init, "aw", @nobits
	.balign	4096
	.globl	x86_boot_root
x86_boot_root:
	.skip	4096
	.globl	x86_boot_pdpt_low
x86_boot_pdpt_low:
	.skip	4096
	.globl	x86_boot_pdpt_image
x86_boot_pdpt_image:
	.skip	4096
	.globl	x86_boot_pd_image
x86_boot_pd_image:
	.skip	4096
	.globl	x86_boot_pd_low
x86_boot_pd_low:
	.skip	4 * 4096
