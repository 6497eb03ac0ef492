/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For linker scripts: which input sections are given back after boot (kernel/lib/sections.h).
 * Those of the tests are named by file, so that a test needs no marks.
 */
#define INIT_OBJECTS build/?*/tests/kernel/?*.o

#define INIT_TEXT   *(.init.text) INIT_OBJECTS(.text .text.*)
#define INIT_RODATA INIT_OBJECTS(.rodata .rodata.*)
#define INIT_BSS    *(.bss.init) INIT_OBJECTS(.bss .bss.*)
