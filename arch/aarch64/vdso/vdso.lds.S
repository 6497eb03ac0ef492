/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vDSO: one read-only, executable segment.  The page of clock data is mapped right in front of it.
 */
#include "vdso.h"

OUTPUT_ARCH(aarch64)

SECTIONS
{
	vdso_data = . - 4096;
	. = SIZEOF_HEADERS;
	.hash : { *(.hash) } :text
	.gnu.hash : { *(.gnu.hash) }
	.dynsym : { *(.dynsym) }
	.dynstr : { *(.dynstr) }
	.gnu.version : { *(.gnu.version) }
	.gnu.version_d : { *(.gnu.version_d) }
	.note : { *(.note.release) } :text :note
	.dynamic : { *(.dynamic) } :text :dynamic
	.rodata : { *(.rodata .rodata.* .got .got.plt .data.rel.ro) } :text
	. = VDSO_TEXT;
	.text : { *(.text.sigreturn) *(.text .text.*) } :text
	/DISCARD/ : {
		*(.data .data.* .bss .bss.* .eh_frame .eh_frame_hdr .comment)
		*(.note.GNU-stack .note.gnu.*)
	}
}

PHDRS
{
	text PT_LOAD FLAGS(5) FILEHDR PHDRS;
	dynamic PT_DYNAMIC FLAGS(4);
	note PT_NOTE FLAGS(4);
}

VERSION
{
	LINUX_2.6.39 {
	global:
		__kernel_rt_sigreturn;
		__kernel_clock_gettime;
		__kernel_gettimeofday;
		__kernel_clock_getres;
	local: *;
	};
}

ASSERT(__kernel_rt_sigreturn == VDSO_SIGRETURN, "the signal trampoline is not where the kernel says")
