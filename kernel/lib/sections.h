/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the linker script of every architecture put things.  All bounds are page aligned; `_end` is
 * the first byte after.
 */
#pragma once

extern char __image_start[], __image_end[];
extern char __text_start[], __text_end[];
extern char __rodata_start[], __rodata_end[];	/* constants, linker sets, symbol tables */
extern char __data_start[], __data_end[];
extern char __bss_start[], __bss_end[];

/* The template of the per-CPU areas (inside data), and the exception table (inside rodata). */
extern char __percpu_start[], __percpu_end[];
extern char __ex_table_start[], __ex_table_end[];

/*
 * What is used only until the first process starts, and is given back then (mm_free_init):
 * relocations and what begins as zeroes (the first page tables), at the end of data and the
 * beginning of bss.
 */
extern char __init_data_start[], __init_data_end[];
