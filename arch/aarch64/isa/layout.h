/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of the kernel half (TTBR1, 48 bits), as plain numbers that assembly can read too.
 *
 *	ffff000000000000	physmap: all RAM at its physical address, 128 TiB
 *	ffff800000000000	vmalloc, device registers, stacks, 64 TiB
 *	ffffc00000000000	KASAN shadow of the whole half, 32 TiB
 *	fffffe0000000000	the image, somewhere in these 512 GiB (KASLR, steps of 2 MiB)
 *	ffffff8000000000	early console registers
 */
#pragma once

#define LAYOUT_PHYSMAP	     0xffff000000000000
#define LAYOUT_VMALLOC	     0xffff800000000000
#define LAYOUT_VMALLOC_END   0xffffc00000000000
#define LAYOUT_KASAN_START   0xffffc00000000000
#define LAYOUT_KASAN_END     0xffffe00000000000
#define LAYOUT_KASAN_OFFSET  0xdfffe00000000000
#define LAYOUT_IMAGE	     0xfffffe0000000000
#define LAYOUT_EARLY_CONSOLE 0xffffff8000000000

/* Random offsets leave the image inside one root slot. */
#define LAYOUT_IMAGE_RANDOM_STEPS ((511ul << 30) >> 21)

#ifdef CONFIG_KASAN
#define LAYOUT_KSTACK_SIZE 32768
#else
#define LAYOUT_KSTACK_SIZE 16384
#endif
