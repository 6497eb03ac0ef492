/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of the assembly files. */
#pragma once

#define ENTRY(name) \
	.globl name; \
	.type name, %function; \
	.balign 4; \
	name:
#define LOCAL(name) \
	.type name, %function; \
	.balign 4; \
	name:
#define END(name) .size name, . - name

/* clang-format off */
.macro adr_l reg, sym
	adrp	\reg, \sym
	add	\reg, \reg, :lo12:\sym
.endm

/* A fault at `insn` continues at `fixup`. */
.macro ex_entry insn, fixup
	.pushsection .ex_table, "a"
	.balign 4
	.long	\insn - ., \fixup - .
	.popsection
.endm

/* An access to user memory: USER(fixup, instruction). */
#define USER(fixup, ...) \
9999:	__VA_ARGS__; \
	ex_entry 9999b, fixup

/*
 * Open and close the window on user memory.  arch_init_early() puts "msr pan, #0" and "msr pan, #1"
 * here on processors that have PAN.
 */
.macro user_open
9998:	nop
	.pushsection .pan_sites, "a"
	.balign 4
	.long	9998b - ., 0
	.popsection
.endm
.macro user_close
9998:	nop
	.pushsection .pan_sites, "a"
	.balign 4
	.long	9998b - ., 1
	.popsection
.endm
/* clang-format on */
