/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine's numbers.
 *
 * <isa/types.h> supplies, as constants: PAGE_SHIFT, PAGE_SIZE, PAGE_MASK, CACHE_LINE, KSTACK_SIZE,
 * ARCH_NAME (the name `uname -m` prints), ARCH_MAX_CPUS; and the map of the kernel half, as
 * expressions that may depend on what the boot code found: USER_TOP (first address no user mapping
 * may reach), PHYSMAP_BASE (all RAM, linear), VMALLOC_BASE, VMALLOC_END, KERNEL_IMAGE_BASE (where
 * the image is linked), KASAN_SHADOW_OFFSET.
 */
#ifndef ARCH_TYPES_H
#define ARCH_TYPES_H

#include <kernel/lib/types.h>
#include <isa/types.h>

static_assert(PAGE_SIZE == 1UL << PAGE_SHIFT, "page size and shift disagree");
static_assert(PAGE_SHIFT == 12, "user binaries of the three architectures expect 4 KiB pages");

/* Linear map of RAM.  Valid for every page of RAM once kernel_main runs. */
static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(PHYSMAP_BASE + pa);
}

static inline paddr_t virt_to_phys(const void *va)
{
	return (paddr_t)((vaddr_t)va - PHYSMAP_BASE);
}

#endif
