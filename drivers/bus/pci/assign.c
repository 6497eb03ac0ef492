/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses where firmware gave none.
 *
 * A range is of one of three classes: ports, memory, or memory that may be prefetched and lie above
 * 4 GiB; a bridge has one window for each.  First, from the leaves up, every window without an
 * address gets the size its contents need; then, from the root down, ranges get places in the
 * windows of their bus, those of the largest alignment first, and a bridge forwards its windows
 * before what is behind it is placed.  What has a place keeps it, so the same serves a function
 * that was plugged in later: it goes into a gap.
 *
 * BARs are aligned to their size.  A window is a multiple of 1 MiB (ports: 4 KiB) and aligned to
 * the largest of its contents.  A slot that takes devices while running keeps room for one.
 */
#define LOG_PREFIX "pci: "
#include <kernel/debug/log.h>
#include <kernel/lib/minmax.h>
#include "pci_internal.h"

#define WINDOW_IO_UNIT  0x1000ull
#define WINDOW_MEM_UNIT 0x100000ull
#define HOTPLUG_MEMORY  0x200000ull
#define FIRST_PORT      0x1000ull
#define LIMIT_32        (1ull << 32)

enum range_class { CLASS_IO, CLASS_MEM, CLASS_PREF, CLASS_NONE };

static enum range_class class_of(const struct pci_range *r)
{
	if (r->flags & PCI_RANGE_IO)
		return CLASS_IO;
	if (!(r->flags & PCI_RANGE_MEM))
		return CLASS_NONE;
	return r->flags & PCI_RANGE_PREFETCH && r->flags & PCI_RANGE_MEM64 ? CLASS_PREF : CLASS_MEM;
}

static u64 range_align(const struct pci_device *d, unsigned i);

/* What window `c` of the bus's bridge must be aligned to. */
static u64 contents_align(const struct pci_bus *b, enum range_class c)
{
	u64 align = c == CLASS_IO ? WINDOW_IO_UNIT : WINDOW_MEM_UNIT;
	const struct pci_device *d;

	list_for_each (d, &b->devices, link)
		for (unsigned i = 0; i < PCI_NR_RANGES; i++)
			if (d->ranges[i].size && class_of(&d->ranges[i]) == c)
				align = max(align, range_align(d, i));
	return align;
}

static u64 range_align(const struct pci_device *d, unsigned i)
{
	if (i < PCI_RANGE_BRIDGE_IO)
		return d->ranges[i].size;
	return d->child ? contents_align(d->child, (enum range_class)(i - PCI_RANGE_BRIDGE_IO)) : 0;
}

/* The range of the largest alignment among those of the bus not placed and not tried yet. */
static struct pci_range *next_range(struct pci_bus *b, struct pci_device **dev, unsigned *index)
{
	struct pci_range *best = NULL;
	struct pci_device *d;
	u64 best_align = 0;

	list_for_each (d, &b->devices, link)
		for (unsigned i = 0; i < PCI_NR_RANGES; i++) {
			struct pci_range *r = &d->ranges[i];
			u64 align;

			if (!r->size || r->placed || r->tried || class_of(r) == CLASS_NONE)
				continue;
			align = range_align(d, i);
			if (align <= best_align)
				continue;
			best = r;
			best_align = align;
			*dev = d;
			*index = i;
		}
	return best;
}

/* --- sizes of windows ------------------------------------------------------------------------- */

/* Bytes that everything of class `c` on the bus takes, packed; alignments are powers of two, so
 * sorting is not needed for a bound: each loses at most what rounding up to it costs. */
static u64 contents_size(const struct pci_bus *b, enum range_class c)
{
	const struct pci_device *d;
	u64 size = 0, largest = 0;

	list_for_each (d, &b->devices, link)
		for (unsigned i = 0; i < PCI_NR_RANGES; i++) {
			u64 align;

			if (!d->ranges[i].size || class_of(&d->ranges[i]) != c)
				continue;
			align = range_align(d, i);
			largest = max(largest, align);
			size += ALIGN_UP(d->ranges[i].size, align);
		}
	return size;
}

static void size_windows(struct pci_bus *b)
{
	struct pci_device *d;

	list_for_each (d, &b->devices, link) {
		if (!d->child)
			continue;
		size_windows(d->child);
		for (unsigned i = PCI_RANGE_BRIDGE_IO; i < PCI_NR_RANGES; i++) {
			enum range_class c = (enum range_class)(i - PCI_RANGE_BRIDGE_IO);
			u64 size = contents_size(d->child, c);

			if (d->ranges[i].placed)
				continue;
			if (c != CLASS_IO && pci_slot_hotplug(d))
				size = max(size, HOTPLUG_MEMORY);
			d->ranges[i].size =
				ALIGN_UP(size, c == CLASS_IO ? WINDOW_IO_UNIT : WINDOW_MEM_UNIT);
		}
	}
}

/* --- places ----------------------------------------------------------------------------------- */

/* The end of a placed range of the bus that meets [at, at + size), or 0. */
static u64 overlap_end(const struct pci_bus *b, bool io, u64 at, u64 size)
{
	const struct pci_device *d;

	list_for_each (d, &b->devices, link)
		for (unsigned i = 0; i < PCI_NR_RANGES; i++) {
			const struct pci_range *r = &d->ranges[i];

			if (r->placed && r->size && io == !!(r->flags & PCI_RANGE_IO) &&
			    at < r->start + r->size && r->start < at + size)
				return r->start + r->size;
		}
	return 0;
}

/* Find room in [start, start + len). */
static bool place_within(const struct pci_bus *b, struct pci_range *r, u64 align, u64 start,
			 u64 len)
{
	bool io = r->flags & PCI_RANGE_IO;
	u64 end = start + len, at = ALIGN_UP(start, align), next;

	if (io)
		at = ALIGN_UP(max(at, FIRST_PORT), align);
	while (at >= start && at < end && r->size <= end - at) {
		next = overlap_end(b, io, at, r->size);
		if (!next) {
			r->start = at;
			r->placed = true;
			return true;
		}
		at = ALIGN_UP(next, align);
	}
	return false;
}

static bool window_suits(const struct pci_window *w, const struct pci_range *r, bool wide,
			 u64 align)
{
	if ((w->flags ^ r->flags) & PCI_RANGE_IO)
		return false;
	if (r->flags & PCI_RANGE_IO)
		return true;
	return wide == (w->bus + w->size > LIMIT_32) && !((w->start - w->bus) & (align - 1));
}

static bool place_on_root(const struct pci_bus *b, struct pci_range *r, u64 align)
{
	const struct pci_host *h = b->host;

	/* High windows first for what may lie there. */
	for (int wide = r->flags & PCI_RANGE_MEM64 ? 1 : 0; wide >= 0; wide--)
		for (unsigned i = 0; i < h->nr_windows; i++) {
			const struct pci_window *w = &h->windows[i];
			u64 start = r->flags & PCI_RANGE_IO ? w->bus : w->start;

			if (window_suits(w, r, wide, align) &&
			    place_within(b, r, align, start, w->size))
				return true;
		}
	return false;
}

static bool place(const struct pci_bus *b, struct pci_range *r, u64 align)
{
	const struct pci_range *window;

	if (!b->bridge)
		return place_on_root(b, r, align);
	window = &b->bridge->ranges[PCI_RANGE_BRIDGE_IO + class_of(r)];
	return window->placed && place_within(b, r, align, window->start, window->size);
}

/* --- registers -------------------------------------------------------------------------------- */

u64 pci_range_bus_address(const struct pci_device *d, const struct pci_range *r)
{
	const struct pci_host *h = d->bus->host;

	if (r->flags & PCI_RANGE_IO)
		return r->start;
	for (unsigned i = 0; i < h->nr_windows; i++) {
		const struct pci_window *w = &h->windows[i];

		if (!(w->flags & PCI_RANGE_IO) && r->start - w->start < w->size)
			return r->start - w->start + w->bus;
	}
	return r->start;
}

static void write_bar(struct pci_device *d, unsigned i)
{
	const struct pci_range *r = &d->ranges[i];
	u64 bus = pci_range_bus_address(d, r);

	if (i == PCI_RANGE_ROM) {
		pci_write(d,
			  d->header == PCI_HEADER_TYPE_BRIDGE ? PCI_ROM_ADDRESS1 : PCI_ROM_ADDRESS,
			  4, (u32)bus);
		return;
	}
	pci_write(d, PCI_BASE_ADDRESS_0 + 4 * i, 4, (u32)bus | (r->flags & 15));
	if (r->flags & PCI_RANGE_MEM64)
		pci_write(d, PCI_BASE_ADDRESS_0 + 4 * i + 4, 4, (u32)(bus >> 32));
}

/* First and last bus address of a window; an unused one is empty: first above last. */
static void window_span(struct pci_device *d, unsigned i, u64 *first, u64 *last)
{
	const struct pci_range *r = &d->ranges[i];

	*first = 0xfff00000;
	*last = 0;
	if (!r->placed || !r->size)
		return;
	*first = pci_range_bus_address(d, r);
	*last = *first + r->size - 1;
}

static void write_windows(struct pci_device *d)
{
	u64 first, last;

	window_span(d, PCI_RANGE_BRIDGE_IO, &first, &last);
	pci_write(d, PCI_IO_BASE, 2, (u32)(first >> 8 & 0xf0) | (u32)(last & 0xf000));
	window_span(d, PCI_RANGE_BRIDGE_MEM, &first, &last);
	pci_write(d, PCI_MEMORY_BASE, 4, (u32)(first >> 16 & 0xfff0) | (u32)(last & 0xfff00000));
	window_span(d, PCI_RANGE_BRIDGE_PREF, &first, &last);
	pci_write(d, PCI_PREF_MEMORY_BASE, 4,
		  (u32)(first >> 16 & 0xfff0) | (u32)(last & 0xfff00000));
	if (d->ranges[PCI_RANGE_BRIDGE_PREF].flags & PCI_RANGE_MEM64) {
		pci_write(d, PCI_PREF_BASE_UPPER32, 4, (u32)(first >> 32));
		pci_write(d, PCI_PREF_LIMIT_UPPER32, 4, (u32)(last >> 32));
	}
}

static void open_bridge(struct pci_device *d)
{
	write_windows(d);
	pci_write(d, PCI_COMMAND, 2,
		  pci_read16(d, PCI_COMMAND) | PCI_COMMAND_IO | PCI_COMMAND_MEMORY |
			  PCI_COMMAND_MASTER);
}

static void assign_level(struct pci_bus *b)
{
	struct pci_device *d;
	struct pci_range *r;
	unsigned i;

	list_for_each (d, &b->devices, link)
		for (i = 0; i < PCI_NR_RANGES; i++)
			d->ranges[i].tried = false;
	while ((r = next_range(b, &d, &i))) {
		r->tried = true;
		if (!place(b, r, range_align(d, i)))
			log_debug("%s: no room for range %u\n", d->dev.name, i);
		else if (i < PCI_RANGE_BRIDGE_IO)
			write_bar(d, i);
	}
	list_for_each (d, &b->devices, link)
		if (d->child) {
			open_bridge(d);
			assign_level(d->child);
		}
}

void pci_bus_assign(struct pci_bus *b)
{
	size_windows(b);
	assign_level(b);
}
