/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of the toy machine.
 *
 * Its RAM is one block of host memory that toy_ram_init() makes; the physical map is where the
 * block lies. User addresses are only ever translated by the toy's own MMU, never dereferenced.
 */
#pragma once

#include <kernel/lib/types.h>

#define PAGE_SHIFT    12
#define PAGE_SIZE     (1UL << PAGE_SHIFT)
#define PAGE_MASK     (~(PAGE_SIZE - 1))
#define CACHE_LINE    64
#define KSTACK_SIZE   16384
#define ARCH_NAME     "toy"
#define ARCH_MAX_CPUS 64

extern vaddr_t toy_physmap;

#define USER_TOP	    0x800000000000UL
#define PHYSMAP_BASE	    toy_physmap
#define VMALLOC_BASE	    0xffffc90000000000UL
#define VMALLOC_END	    0xffffe90000000000UL
#define KERNEL_IMAGE_BASE   0xffffffff80000000UL
#define KASAN_SHADOW_OFFSET 0UL
