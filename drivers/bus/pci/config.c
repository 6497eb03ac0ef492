/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration space: access, capabilities, enabling, mapping.
 *
 * Where it lies in memory (ECAM) an access is one load or store and needs no lock.  A function that
 * was taken away answers with ones.
 */
#include <kernel/abi/errno.h>
#include <mm/vmalloc.h>
#include "pci_internal.h"

#define CAPABILITIES_MAX 48 /* as many as fit below 256 */
#define EXTENDED_MAX     480

u32 pci_bus_read(const struct pci_bus *b, unsigned devfn, unsigned reg, unsigned width)
{
	const volatile u8 *p = b->config + (devfn << 12) + reg;

	if (!b->config)
		return b->host->read(b->host, b->number, devfn, reg, width);
	switch (width) {
	case 1: return mmio_read8(p);
	case 2: return mmio_read16(p);
	default: return mmio_read32(p);
	}
}

void pci_bus_write(const struct pci_bus *b, unsigned devfn, unsigned reg, unsigned width, u32 value)
{
	volatile u8 *p = b->config + (devfn << 12) + reg;

	if (!b->config) {
		b->host->write(b->host, b->number, devfn, reg, width, value);
		return;
	}
	switch (width) {
	case 1: mmio_write8(p, (u8)value); break;
	case 2: mmio_write16(p, (u16)value); break;
	default: mmio_write32(p, value);
	}
}

u32 pci_read(const struct pci_device *d, unsigned reg, unsigned width)
{
	return pci_bus_read(d->bus, d->devfn, reg, width);
}

void pci_write(const struct pci_device *d, unsigned reg, unsigned width, u32 value)
{
	pci_bus_write(d->bus, d->devfn, reg, width, value);
}

unsigned pci_find_capability(const struct pci_device *d, u8 id, unsigned after)
{
	unsigned at = after                                  ? after + PCI_CAP_LIST_NEXT
		      : d->header == PCI_HEADER_TYPE_CARDBUS ? PCI_CB_CAPABILITY_LIST
							     : PCI_CAPABILITY_LIST;

	if (!(pci_read16(d, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	for (unsigned n = 0; n < CAPABILITIES_MAX; n++) {
		u16 entry;

		at = pci_read8(d, at) & ~3u;
		if (at < PCI_STD_HEADER_SIZEOF)
			return 0;
		entry = pci_read16(d, at);
		if ((entry & 0xff) == id)
			return at;
		if ((entry & 0xff) == 0xff)
			return 0;
		at += PCI_CAP_LIST_NEXT;
	}
	return 0;
}

unsigned pci_find_extended(const struct pci_device *d, u16 id)
{
	unsigned at = PCI_CFG_SPACE_SIZE;

	if (!d->express || !d->bus->config)
		return 0;
	for (unsigned n = 0; n < EXTENDED_MAX && at >= PCI_CFG_SPACE_SIZE; n++) {
		u32 entry = pci_read32(d, at);

		if (!entry || entry == U32_MAX)
			return 0;
		if (PCI_EXT_CAP_ID(entry) == id)
			return at;
		at = PCI_EXT_CAP_NEXT(entry);
	}
	return 0;
}

int pci_enable(struct pci_device *d)
{
	u16 command = pci_read16(d, PCI_COMMAND);

	if (command == 0xffff)
		return -EIO;
	for (unsigned i = 0; i < PCI_RANGE_ROM; i++) {
		if (!d->ranges[i].placed)
			continue;
		command |= d->ranges[i].flags & PCI_RANGE_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
	}
	pci_write(d, PCI_COMMAND, 2, command | PCI_COMMAND_MASTER);
	return 0;
}

void pci_disable(struct pci_device *d)
{
	u16 command = pci_read16(d, PCI_COMMAND);

	if (command != 0xffff)
		pci_write(d, PCI_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
}

volatile void *pci_map(struct pci_device *d, unsigned bar, u64 offset, u64 len)
{
	const struct pci_range *r = &d->ranges[bar];

	if (bar >= PCI_RANGE_ROM || !r->placed || !(r->flags & PCI_RANGE_MEM) || !len ||
	    offset > r->size || len > r->size - offset)
		return NULL;
	return mmio_map(r->start + offset, len);
}
