/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of an AArch64 machine with 4 KiB pages and 48-bit addresses. */
#pragma once

#include <kernel/lib/kconfig.h>
#include <isa/layout.h>

#define PAGE_SHIFT  12
#define PAGE_SIZE   (1UL << PAGE_SHIFT)
#define PAGE_MASK   (~(PAGE_SIZE - 1))
#define CACHE_LINE  64
#define KSTACK_SIZE LAYOUT_KSTACK_SIZE

#define ARCH_NAME     "aarch64"
#define ARCH_MAX_CPUS 256

#define USER_TOP	   (1UL << 48)
#define PHYSMAP_BASE	   ((vaddr_t)LAYOUT_PHYSMAP)
#define VMALLOC_BASE	   ((vaddr_t)LAYOUT_VMALLOC)
#define VMALLOC_END	   ((vaddr_t)LAYOUT_VMALLOC_END)
#define KERNEL_IMAGE_BASE  ((vaddr_t)LAYOUT_IMAGE)
#define KASAN_SHADOW_OFFSET LAYOUT_KASAN_OFFSET
