/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: header and text, constants, data, bss, each on pages of its own so that mm can map
 * them with their own rights.  Linked at KERNEL_IMAGE_BASE, loaded anywhere aligned to 2 MiB.
 */
#include <isa/types.h>

OUTPUT_ARCH(riscv)
ENTRY(__image_start)

SECTIONS
{
	. = KERNEL_IMAGE_BASE;
	__image_start = .;
	__text_start = .;
	.text : {
		KEEP(*(.head.text))
		*(.text.trap)
		*(.text .text.hot .text.unlikely .text.cold .text.startup .text.*)
	}
	. = ALIGN(PAGE_SIZE);
	__text_end = .;

	__rodata_start = .;
	.rodata : { *(.rodata .rodata.*) *(.srodata .srodata.*) }
	.vdso_image : ALIGN(PAGE_SIZE) { *(.vdso_image) . = ALIGN(PAGE_SIZE); }
	__ex_table : ALIGN(8) {
		__ex_table_start = .;
		KEEP(*(__ex_table))
		__ex_table_end = .;
	}
	.dynamic : { *(.dynamic) }
	.dynsym : { *(.dynsym) }
	.dynstr : { *(.dynstr) }
	.hash : { *(.hash) }
	.gnu.hash : { *(.gnu.hash) }
	/* Linker sets are orphan sections named linkset_NAME; ld puts them behind the last
	 * constants. */
	.ksyms : { *(.ksyms) }
	.relocs : { *(.relocs) }
	. = ALIGN(PAGE_SIZE);
	__rodata_end = .;

	__data_start = .;
	.data : {
		*(.data.boot)
		*(.data .data.*)
		*(.sdata .sdata.*)
	}
	.got : { *(.got .got.plt .igot .igot.plt) }
	.init_array : ALIGN(8) {
		__init_array_start = .;
		KEEP(*(SORT(.init_array.*) .init_array))
		__init_array_end = .;
	}
	.percpu : ALIGN(PAGE_SIZE) {
		__percpu_start = .;
		KEEP(*(.percpu .percpu.*))
		. = ALIGN(PAGE_SIZE);
		__percpu_end = .;
	}
	.rela.dyn : ALIGN(PAGE_SIZE) {
		__init_data_start = .;
		__rela_start = .;
		*(.rela .rela*)
		__rela_end = .;
	}
	. = ALIGN(PAGE_SIZE);
	__data_end = .;
	.init.bss : {
		__bss_start = .;
		*(.bss.init)
		. = ALIGN(PAGE_SIZE);
		__init_data_end = .;
	}
	.bss : {
		*(.bss.page_aligned)
		*(.bss .bss.*) *(.sbss .sbss.*) *(COMMON)
		. = ALIGN(PAGE_SIZE);
		__bss_end = .;
	}
	__image_end = .;

	/DISCARD/ : { *(.comment .note.* .interp .eh_frame .eh_frame_hdr .riscv.attributes) }
}
