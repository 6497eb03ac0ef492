/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image.  Linked at BASE (KERNEL_IMAGE_BASE), loaded at LOAD_PA (X86_LOAD_PA), and moved, virtually
 * only, by boot.c.  Each part begins on a page, so that each can have its own protection.
 */
#define BASE	0xffffffff80000000
#define LOAD_PA 0x1000000

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(pvh_entry)

PHDRS
{
	text PT_LOAD FLAGS(5);
	rodata PT_LOAD FLAGS(4);
	data PT_LOAD FLAGS(6);
	bss PT_LOAD FLAGS(6);
	note PT_NOTE FLAGS(4);
}

SECTIONS
{
	. = BASE;
	__image_start = .;

	.text : AT(ADDR(.text) - BASE + LOAD_PA) {
		__text_start = .;
		*(.boot.header)
		*(.boot.text)
		*(.entry.text)
		*(.text.unlikely .text.cold)
		*(.text .text.*)
		. = ALIGN(4096);
		__text_end = .;
	} :text

	.rodata : AT(ADDR(.rodata) - BASE + LOAD_PA) {
		__rodata_start = .;
		*(.rodata.vdso)
		*(.rodata .rodata.*)
		. = ALIGN(8);
		__ex_table_start = .;
		KEEP(*(.ex_table))
		__ex_table_end = .;
		__stac_sites_start = .;
		KEEP(*(.stac_sites))
		__stac_sites_end = .;
		__clac_sites_start = .;
		KEEP(*(.clac_sites))
		__clac_sites_end = .;
		. = ALIGN(8);
		__init_array_start = .;
		KEEP(*(SORT(.init_array.*) .init_array))
		__init_array_end = .;
	} :rodata

	/* Linker sets are orphan sections, so that ld supplies their bounds, and stand here. */

	.note.pvh : AT(ADDR(.note.pvh) - BASE + LOAD_PA) {
		KEEP(*(.note.pvh))
	} :rodata :note

	.rodata.end : AT(ADDR(.rodata.end) - BASE + LOAD_PA) {
		QUAD(0)
		. = ALIGN(4096);
		__rodata_end = .;
	} :rodata

	.data : AT(ADDR(.data) - BASE + LOAD_PA) {
		__data_start = .;
		*(.data.page_aligned)
		*(.data .data.*)
		. = ALIGN(64);
		__percpu_start = .;
		*(.percpu .percpu.*)
		. = ALIGN(64);
		__percpu_end = .;
	} :data

	/* Described by nothing, so the second link may fill them: symbols and relocations. */
	.ksyms : AT(ADDR(.ksyms) - BASE + LOAD_PA) {
		KEEP(*(.ksyms))
	} :data
	.relocs : AT(ADDR(.relocs) - BASE + LOAD_PA) ALIGN(4096) {
		__init_data_start = .;
		KEEP(*(.relocs))
		. = ALIGN(4096);
		__data_end = .;
	} :data

	.init.bss : AT(ADDR(.init.bss) - BASE + LOAD_PA) {
		__bss_start = .;
		*(.bss.init)
		. = ALIGN(4096);
		__init_data_end = .;
	} :bss
	.bss : AT(ADDR(.bss) - BASE + LOAD_PA) {
		*(.bss.page_aligned)
		*(.bss .bss.*)
		*(COMMON)
		. = ALIGN(4096);
		__bss_end = .;
	} :bss

	__image_end = .;

	.comment 0 : { *(.comment) }
	/DISCARD/ : { *(.note.GNU-stack .note.gnu.property .eh_frame .interp) }
}
