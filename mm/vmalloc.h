/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the kernel's address space where mappings come and go. */
#pragma once

#include <arch/mmu.h>
#include <mm/alloc.h>

struct page;

#ifndef __iomem
#define __iomem
#endif

/*
 * Map `n` pages side by side, read-write.  NULL when memory or addresses lack.  Context: may sleep.
 */
void *vmap(struct page **pages, unsigned n) __must_check;
/* As vmap, with PTE_R, PTE_W, PTE_X as wanted. */
void *vmap_flags(struct page **pages, unsigned n, unsigned flags) __must_check;
/* The pages themselves stay the caller's.  Context: may sleep. */
void vunmap(const void *va);

/*
 * Device registers (uncached) or device memory of another type.  Any alignment; the result points
 * at `pa`. NULL when memory or addresses lack.  Context: may sleep, or boot after mm_init.
 */
void __iomem *mmio_map(paddr_t pa, size_t len) __must_check;
void __iomem *mmio_map_type(paddr_t pa, size_t len, enum memtype type) __must_check;
void mmio_unmap(const volatile void __iomem *va);

/*
 * Is `va` inside the vmalloc range?  Its page, or NULL when nothing (or a device) is mapped there.
 */
bool is_vmalloc_addr(const void *va);
struct page *vmalloc_to_page(const void *va);
/* Physical address of any mapped kernel address.  Context: any. */
bool kernel_va_to_phys(const void *va, paddr_t *out);

/* Change the permissions of whole pages of a vmalloc area.  Context: may sleep. */
int vmalloc_protect(void *va, size_t len, unsigned flags) __must_check;

/*
 * Is `va` on the guard page below a kernel stack?  For the report of a fatal fault.  Context: any.
 */
bool stack_guard_hit(vaddr_t va);
