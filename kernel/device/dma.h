/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as devices see it.
 *
 * A device reads and writes memory by bus addresses, which a driver gets here and nowhere else.
 * Today a bus address is the physical address and every device snoops the caches, as on all
 * machines that are supported; an IOMMU or a device that does not snoop changes these functions and
 * no driver.
 */
#pragma once

#include <kernel/device/device.h>
#include <mm/page.h>

typedef u64 dma_addr_t;

enum dma_direction { DMA_TO_DEVICE = 1, DMA_FROM_DEVICE = 2, DMA_BOTH = 3 };

static inline unsigned dma_order(size_t size)
{
	unsigned order = 0;

	while (((size_t)PAGE_SIZE << order) < size)
		order++;
	return order;
}

/*
 * Memory that driver and device share for long: cleared, contiguous, aligned to a page and to its
 * size rounded up to a power of two.  NULL when there is none.  Context: by gfp.
 */
static inline void *dma_alloc(struct device *dev, size_t size, dma_addr_t *addr, gfp_t gfp)
{
	struct page *p = pages_alloc(gfp | __GFP_ZERO, dma_order(size));

	if (!p)
		return NULL;
	*addr = page_to_phys(p);
	return page_address(p);
}

/* Context: any.  NULL is fine. */
static inline void dma_free(struct device *dev, size_t size, void *va, dma_addr_t addr)
{
	if (va)
		page_free(virt_to_page(va), dma_order(size));
}

/*
 * One transfer of [pa, pa + len): between map and unmap the memory is the device's.  Cannot fail
 * yet; false is for mappings that can.  Context: any.
 */
static __always_inline bool dma_map(struct device *dev, paddr_t pa, size_t len,
				    enum dma_direction dir, dma_addr_t *addr)
{
	*addr = pa;
	return true;
}

static __always_inline void dma_unmap(struct device *dev, dma_addr_t addr, size_t len,
				      enum dma_direction dir)
{
}
