/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding what is there.
 *
 * A function that does not exist answers with ones.  Function 0 of each slot is asked, the others
 * only where it says so; behind a PCI Express downstream port there is one slot.  A bridge that
 * firmware numbered keeps its numbers when they fit; others get the next free one before what is
 * behind them is scanned, so numbers grow depth first.
 *
 * The size of a range is found by writing ones and reading which stick, while the function does not
 * decode; it then gets back what it had.
 */
#define LOG_PREFIX "pci: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/lib/bits.h>
#include <mm/alloc.h>
#include "pci_internal.h"

#define DEPTH_MAX 16 /* bridges behind bridges */

struct pci_bus *pci_bus_create(struct pci_host *h, struct pci_device *bridge, unsigned number)
{
	struct pci_bus *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return NULL;
	b->host = h;
	b->bridge = bridge;
	b->number = b->last = (u8)number;
	list_init(&b->devices);
	if (h->map_bus) {
		b->config = h->map_bus(h, number);
		if (!b->config) {
			kfree(b);
			return NULL;
		}
	}
	return b;
}

/* --- ranges ----------------------------------------------------------------------------------- */

static u32 probe_register(struct pci_device *d, unsigned reg, u32 ones, u32 *old)
{
	u32 sticks;

	*old = pci_read32(d, reg);
	pci_write(d, reg, 4, ones);
	sticks = pci_read32(d, reg);
	pci_write(d, reg, 4, *old);
	return sticks;
}

/* A bus address as the processor sees it; false: no window leads there. */
static bool address_from_bus(const struct pci_host *h, u64 bus, u32 flags, u64 *out)
{
	*out = bus;
	if (flags & PCI_RANGE_IO)
		return true;
	for (unsigned i = 0; i < h->nr_windows; i++) {
		const struct pci_window *w = &h->windows[i];

		if (w->flags & PCI_RANGE_IO || bus - w->bus >= w->size)
			continue;
		*out = bus - w->bus + w->start;
		return true;
	}
	return !h->nr_windows;
}

/* Fill range `i` from its register; returns how many registers it took. */
static unsigned probe_bar(struct pci_device *d, unsigned i)
{
	struct pci_range *r = &d->ranges[i];
	unsigned reg = PCI_BASE_ADDRESS_0 + 4 * i;
	u32 low, high = 0, mask, mask_high = U32_MAX;
	bool wide;
	u64 bits;

	mask = probe_register(d, reg, U32_MAX, &low);
	if (!mask || mask == U32_MAX)
		return 1;
	if (low & PCI_BASE_ADDRESS_SPACE_IO) {
		r->flags = PCI_RANGE_IO | PCI_RANGE_SIZEALIGN | (low & 3);
		r->size = (mask & PCI_BASE_ADDRESS_IO_MASK) & -(mask & PCI_BASE_ADDRESS_IO_MASK);
		r->size &= 0xffff;
		r->start = low & (u32)PCI_BASE_ADDRESS_IO_MASK;
		r->placed = r->start && d->bus->host->set_up;
		return 1;
	}
	wide = (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64 && i < 5;
	if (wide)
		mask_high = probe_register(d, reg + 4, U32_MAX, &high);
	bits = (u64)mask_high << 32 | (mask & (u32)PCI_BASE_ADDRESS_MEM_MASK);
	r->size = bits & -bits;
	r->flags = PCI_RANGE_MEM | PCI_RANGE_SIZEALIGN | (low & 15) | (wide ? PCI_RANGE_MEM64 : 0) |
		   (low & PCI_BASE_ADDRESS_MEM_PREFETCH ? PCI_RANGE_PREFETCH : 0);
	bits = (u64)high << 32 | (low & (u32)PCI_BASE_ADDRESS_MEM_MASK);
	r->placed = bits && d->bus->host->set_up &&
		    address_from_bus(d->bus->host, bits, r->flags, &r->start);
	return wide ? 2 : 1;
}

static void probe_rom(struct pci_device *d, unsigned reg)
{
	struct pci_range *r = &d->ranges[PCI_RANGE_ROM];
	u32 old, mask = probe_register(d, reg, (u32)PCI_ROM_ADDRESS_MASK, &old);

	mask &= (u32)PCI_ROM_ADDRESS_MASK;
	if (!mask || mask == (u32)PCI_ROM_ADDRESS_MASK)
		return;
	r->size = mask & -mask;
	r->flags = PCI_RANGE_MEM | PCI_RANGE_PREFETCH | PCI_RANGE_READONLY | PCI_RANGE_SIZEALIGN;
	old &= (u32)PCI_ROM_ADDRESS_MASK;
	r->placed = old && d->bus->host->set_up &&
		    address_from_bus(d->bus->host, old, r->flags, &r->start);
}

static void probe_ranges(struct pci_device *d)
{
	bool bridge = d->header == PCI_HEADER_TYPE_BRIDGE;
	u16 command = pci_read16(d, PCI_COMMAND);
	unsigned bars = bridge ? 2 : 6;

	/* A host bridge may be what decodes memory for us. */
	if (d->header > PCI_HEADER_TYPE_BRIDGE || d->class >> 8 == 0x0600)
		return;
	if (command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY))
		pci_write(d, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	for (unsigned i = 0; i < bars;)
		i += probe_bar(d, i);
	probe_rom(d, bridge ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS);
	if (command & (PCI_COMMAND_IO | PCI_COMMAND_MEMORY))
		pci_write(d, PCI_COMMAND, 2, command);
}

/* --- bridges ---------------------------------------------------------------------------------- */

static void bridge_window(struct pci_device *d, unsigned i, u32 flags, u64 base, u64 limit)
{
	struct pci_range *r = &d->ranges[i];

	r->flags = flags;
	if (!d->bus->host->set_up || base > limit || !base)
		return;
	r->placed = address_from_bus(d->bus->host, base, flags, &r->start);
	r->size = limit - base + 1;
}

/* What the bridge forwards now (PCI-to-PCI Bridge Architecture 1.2, 3.2.5). */
static void probe_windows(struct pci_device *d)
{
	u16 io = pci_read16(d, PCI_IO_BASE);
	u32 mem = pci_read32(d, PCI_MEMORY_BASE), pref = pci_read32(d, PCI_PREF_MEMORY_BASE);
	u64 base = (u64)(pref & 0xfff0) << 16, limit = (pref & 0xfff00000u) | 0xfffff;
	u32 flags = PCI_RANGE_MEM | PCI_RANGE_PREFETCH;

	bridge_window(d, PCI_RANGE_BRIDGE_IO, PCI_RANGE_IO, (io & 0xf0) << 8,
		      (io & 0xf000) | 0xfff);
	bridge_window(d, PCI_RANGE_BRIDGE_MEM, PCI_RANGE_MEM, (u64)(mem & 0xfff0) << 16,
		      (mem & 0xfff00000u) | 0xfffff);
	if ((pref & PCI_PREF_RANGE_TYPE_MASK) == PCI_PREF_RANGE_TYPE_64) {
		flags |= PCI_RANGE_MEM64;
		base |= (u64)pci_read32(d, PCI_PREF_BASE_UPPER32) << 32;
		limit |= (u64)pci_read32(d, PCI_PREF_LIMIT_UPPER32) << 32;
	}
	bridge_window(d, PCI_RANGE_BRIDGE_PREF, flags, base, limit);
}

static unsigned express_type(const struct pci_device *d)
{
	return d->express ? pci_read16(d, d->express + PCI_EXP_FLAGS) >> 4 & 15
			  : PCI_EXP_TYPE_PCI_BRIDGE;
}

static bool is_downstream_port(const struct pci_device *d)
{
	unsigned type = express_type(d);

	return type == PCI_EXP_TYPE_ROOT_PORT || type == PCI_EXP_TYPE_DOWNSTREAM;
}

bool pci_slot_hotplug(const struct pci_device *bridge)
{
	return is_downstream_port(bridge) &&
	       pci_read16(bridge, bridge->express + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_SLOT &&
	       pci_read32(bridge, bridge->express + PCI_EXP_SLTCAP) & PCI_EXP_SLTCAP_HPC;
}

static unsigned bus_depth(const struct pci_bus *b)
{
	unsigned depth = 0;

	for (; b->bridge; b = b->bridge->bus)
		depth++;
	return depth;
}

/* Give the bridge its numbers and scan behind it. */
static int scan_bridge(struct pci_device *d)
{
	struct pci_host *h = d->bus->host;
	u32 numbers = pci_read32(d, PCI_PRIMARY_BUS);
	unsigned second = numbers >> 8 & 0xff, last = numbers >> 16 & 0xff;
	bool keep = h->set_up && second > d->bus->number && last >= second && last <= h->last;
	int err;

	if (!keep)
		second = last = h->next_bus;
	if (second > h->last || second <= d->bus->number || bus_depth(d->bus) >= DEPTH_MAX) {
		log_warn("%s: no bus number for what is behind it\n", d->dev.name);
		return 0;
	}
	if (second >= h->next_bus)
		h->next_bus = (u8)(second + 1);
	if (!keep)
		pci_write(d, PCI_PRIMARY_BUS, 4,
			  (numbers & 0xff000000) | (u32)h->last << 16 | second << 8 |
				  d->bus->number);
	d->child = pci_bus_create(h, d, second);
	if (!d->child)
		return -ENOMEM;
	err = pci_bus_scan(d->child);
	if (keep && last > d->child->last)
		d->child->last = (u8)last;
	if (!keep)
		pci_write(d, PCI_SUBORDINATE_BUS, 1, d->child->last);
	if (d->child->last > d->bus->last)
		d->bus->last = d->child->last;
	return err;
}

/* --- functions -------------------------------------------------------------------------------- */

static void read_identity(struct pci_device *d, u32 id)
{
	u32 class = pci_read32(d, PCI_CLASS_REVISION);
	u8 header = pci_read8(d, PCI_HEADER_TYPE);

	d->vendor = (u16)id;
	d->device = (u16)(id >> 16);
	d->class = class >> 8;
	d->revision = (u8) class;
	d->header = header & PCI_HEADER_TYPE_MASK;
	d->multifunction = header & PCI_HEADER_TYPE_MFD;
	d->pin = pci_read8(d, PCI_INTERRUPT_PIN);
	if (d->pin > 4)
		d->pin = 0;
	d->express = (u8)pci_find_capability(d, PCI_CAP_ID_EXP, 0);
	if (d->header == PCI_HEADER_TYPE_NORMAL) {
		u32 sub = pci_read32(d, PCI_SUBSYSTEM_VENDOR_ID);

		d->subvendor = (u16)sub;
		d->subdevice = (u16)(sub >> 16);
	} else if (d->header == PCI_HEADER_TYPE_BRIDGE) {
		unsigned cap = pci_find_capability(d, PCI_CAP_ID_SSVID, 0);

		d->subvendor = cap ? pci_read16(d, cap + PCI_SSVID_VENDOR_ID) : 0;
		d->subdevice = cap ? pci_read16(d, cap + PCI_SSVID_DEVICE_ID) : 0;
	}
}

static bool already_known(const struct pci_bus *b, unsigned devfn)
{
	const struct pci_device *d;

	list_for_each (d, &b->devices, link)
		if (d->devfn == devfn)
			return true;
	return false;
}

/* The function at `devfn` if there is one; *more: ask the others of the slot. */
static int scan_function(struct pci_bus *b, unsigned devfn, bool *more)
{
	u32 id = pci_bus_read(b, devfn, PCI_VENDOR_ID, 4);
	struct pci_device *d;

	if (PCI_DEVFN_FN(devfn) == 0)
		*more = false;
	if ((id & 0xffff) == 0xffff || !(id & 0xffff) || already_known(b, devfn))
		return 0;
	d = kzalloc(sizeof(*d), GFP_KERNEL);
	if (!d)
		return -ENOMEM;
	d->bus = b;
	d->devfn = (u8)devfn;
	device_init(&d->dev, "%04x:%02x:%02x.%u", b->host->segment, b->number,
		    PCI_DEVFN_SLOT(devfn), PCI_DEVFN_FN(devfn));
	read_identity(d, id);
	probe_ranges(d);
	list_push_back(&b->devices, &d->link);
	if (d->multifunction)
		*more = true;
	if (d->header != PCI_HEADER_TYPE_BRIDGE)
		return 0;
	probe_windows(d);
	return scan_bridge(d);
}

int pci_bus_scan(struct pci_bus *b)
{
	unsigned slots = b->bridge && is_downstream_port(b->bridge) ? 1 : 32;
	int err = 0;

	for (unsigned slot = 0; slot < slots && !err; slot++) {
		bool more = false;

		err = scan_function(b, PCI_DEVFN_MAKE(slot, 0), &more);
		for (unsigned fn = 1; fn < 8 && more && !err; fn++)
			err = scan_function(b, PCI_DEVFN_MAKE(slot, fn), &more);
	}
	return err;
}
