/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers of RISC-V and the map of its kernel half.
 *
 * With V bits of virtual address (39, 48 or 57) the kernel half starts at -2^(V-1):
 *
 *	-2^(V-1)		physmap, half of the kernel half
 *	-2^(V-2)		vmalloc, up to the KASAN shadow
 *	VMALLOC_END		KASAN shadow of the kernel half, up to 0xffffffff00000000 in every mode
 *	0xffffffff80000000	the image, anywhere in this GiB
 */
#ifndef ISA_TYPES_H
#define ISA_TYPES_H

#define PAGE_SHIFT 12
#define CACHE_LINE 64

#ifdef CONFIG_KASAN
#define KSTACK_SIZE 32768
#else
#define KSTACK_SIZE 16384
#endif

#define KERNEL_IMAGE_BASE   0xffffffff80000000
#define KERNEL_IMAGE_SPACE  0x40000000 /* how far from there the image may end */
#define KASAN_SHADOW_OFFSET 0xdfffffff00000000

#ifdef __ASSEMBLY__
#define PAGE_SIZE 4096
#else

#include <kernel/lib/types.h>

#define PAGE_SIZE     (1UL << PAGE_SHIFT)
#define PAGE_MASK     (~(PAGE_SIZE - 1))
#define ARCH_NAME     "riscv64"
#define ARCH_MAX_CPUS 256

/* [I] Set by the boot code from the paging mode it found. */
struct arch_layout {
	vaddr_t user_top;
	vaddr_t physmap_base;
	vaddr_t vmalloc_base;
	vaddr_t vmalloc_end;
	int root_shift; /* of the index into the root table */
};
extern struct arch_layout arch_layout;

#define USER_TOP     (arch_layout.user_top)
#define PHYSMAP_BASE (arch_layout.physmap_base)
#define VMALLOC_BASE (arch_layout.vmalloc_base)
#define VMALLOC_END  (arch_layout.vmalloc_end)

#endif
#endif
