/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vDSO: one read-only, executable segment.  The page of clock data is mapped right in front of
 * it.
 */
#include "vdso.h"

OUTPUT_ARCH(riscv)

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
	.rodata : { *(.rodata .rodata.* .srodata .srodata.* .got .got.plt .data.rel.ro) } :text
	. = VDSO_SIGRETURN;
	.text : { *(.text.sigreturn) *(.text .text.*) } :text
	/DISCARD/ : {
		*(.data .data.* .bss .bss.* .sbss .sdata .eh_frame .eh_frame_hdr .comment)
		*(.riscv.attributes .note.GNU-stack .note.gnu.*)
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
	LINUX_4.15 {
	global:
		__vdso_rt_sigreturn;
		__vdso_clock_gettime;
		__vdso_gettimeofday;
		__vdso_clock_getres;
		__vdso_getcpu;
		__vdso_flush_icache;
		__vdso_riscv_hwprobe;
	local: *;
	};
}

ASSERT(__vdso_rt_sigreturn == VDSO_SIGRETURN, "the signal trampoline is not where the kernel says")
