/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image: text, constants, data, zeroes, each beginning on its own page.  Linker sets are left to
 * the linker as sections of their own, so that it supplies their bounds; it puts them beside the
 * constants.  That is why bounds are taken from the addresses of sections.
 */
#include <isa/layout.h>

OUTPUT_ARCH(aarch64)
ENTRY(_start)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
}

SECTIONS
{
	. = LAYOUT_IMAGE;
	.head.text : { KEEP(*(.head.text)) } :text
	.text : ALIGN(4096) {
		*(.text.hot .text.hot.*)
		*(.text .text.*)
		. = ALIGN(16);
		*(.idmap.text)
		. = ALIGN(16);
	} :text

	.rodata : ALIGN(4096) {
		*(.rodata .rodata.*)
		*(.data.rel.ro .data.rel.ro.*)
		*(.got .got.plt .igot .igot.plt)
	} :rodata
	.ex_table : ALIGN(8) {
		__ex_table_start = .;
		KEEP(*(.ex_table))
		__ex_table_end = .;
	} :rodata
	.pan_sites : ALIGN(8) {
		__pan_sites_start = .;
		KEEP(*(.pan_sites))
		__pan_sites_end = .;
	} :rodata
	.ksyms : ALIGN(8) { KEEP(*(.ksyms)) } :rodata
	.relocs : ALIGN(8) { KEEP(*(.relocs)) } :rodata

	.data : ALIGN(4096) {
		*(.data .data.[!.]*)
		*(.data.page_aligned)
		. = ALIGN(8);
		__init_array_start = .;
		KEEP(*(SORT(.init_array.*)))
		KEEP(*(.init_array))
		__init_array_end = .;
	} :data
	.percpu : ALIGN(64) {
		__percpu_start = .;
		*(.percpu .percpu.* .data..percpu .data..percpu.*)
		. = ALIGN(64);
		__percpu_end = .;
		. = ALIGN(4096);
	} :data
	.rela.dyn : ALIGN(4096) { *(.rela .rela.*) } :data
	.init.bss : ALIGN(4096) {
		*(.bss.init)
		. = ALIGN(4096);
		__init_data_end = .;
	} :data
	.bss : ALIGN(4096) {
		*(.bss .bss.*)
		*(COMMON)
		. = ALIGN(4096);
	} :data

	/* The linker adds to the relocations after it has laid them out. */
	__rela_start = ADDR(.rela.dyn);
	__rela_end = ADDR(.rela.dyn) + SIZEOF(.rela.dyn);

	__image_start = ADDR(.head.text);
	__text_start = ADDR(.text);
	__text_end = ADDR(.rodata);
	__rodata_start = ADDR(.rodata);
	__rodata_end = ADDR(.data);
	__data_start = ADDR(.data);
	__init_data_start = ADDR(.rela.dyn);
	__data_end = ADDR(.init.bss);
	__bss_start = ADDR(.init.bss);
	__bss_end = ADDR(.bss) + SIZEOF(.bss);
	__image_end = ADDR(.bss) + SIZEOF(.bss);
	__image_size = ABSOLUTE(SIZEOF(.bss) + ADDR(.bss) - ADDR(.head.text));

	.debug_info 0 : { *(.debug_info) }
	.debug_abbrev 0 : { *(.debug_abbrev) }
	.debug_aranges 0 : { *(.debug_aranges) }
	.debug_ranges 0 : { *(.debug_ranges) }
	.debug_rnglists 0 : { *(.debug_rnglists) }
	.debug_loc 0 : { *(.debug_loc) }
	.debug_loclists 0 : { *(.debug_loclists) }
	.debug_line 0 : { *(.debug_line) }
	.debug_line_str 0 : { *(.debug_line_str) }
	.debug_str 0 : { *(.debug_str) }
	.debug_frame 0 : { *(.debug_frame) }
	.comment 0 : { *(.comment) }

	/DISCARD/ : {
		*(.dynamic .dynsym .dynstr .hash .gnu.hash .interp)
		*(.eh_frame .eh_frame_hdr)
		*(.note.*)
	}
}
