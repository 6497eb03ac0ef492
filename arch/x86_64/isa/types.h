/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The map of the upper half (four-level paging, 128 TiB from 0xffff800000000000):
 *
 *	0xffff888000000000 + random	physmap: all RAM, at most 32 TiB
 *	0xffffc90000000000 + random	vmalloc, 512 GiB: one slot of the root
 *	0xffffec0000000000		KASAN shadow, 16 TiB
 *	0xffffffff80000000 + random	kernel image, within 1 GiB, steps of 2 MiB
 *
 * The three random bases are settled by boot.c before anything else runs.
 */
#ifndef ISA_TYPES_H
#define ISA_TYPES_H

#include <kernel/lib/compiler.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1UL << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

#define CACHE_LINE    64
#define KSTACK_SIZE   (IS_ENABLED(CONFIG_KASAN) ? 32768UL : 16384UL)
#define ARCH_NAME     "x86_64"
#define ARCH_MAX_CPUS 256

/* One page below the hole, so that no SYSCALL can leave a non-canonical return address behind. */
#define USER_TOP 0x00007ffffffff000UL

extern vaddr_t x86_physmap_base, x86_vmalloc_base;

#define PHYSMAP_BASE	   x86_physmap_base
#define VMALLOC_BASE	   x86_vmalloc_base
#define VMALLOC_SIZE	   (1UL << 39)
#define VMALLOC_END	   (VMALLOC_BASE + VMALLOC_SIZE)
#define KERNEL_IMAGE_BASE  0xffffffff80000000UL
#define KASAN_SHADOW_OFFSET 0xdffffc0000000000UL

#endif
