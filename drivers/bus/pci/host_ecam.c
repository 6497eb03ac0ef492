/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Hosts that a device tree describes as "pci-host-ecam-generic": configuration space in memory, 4
 * KiB per function, 1 MiB per bus (IEEE Std 1275 PCI binding; Linux's host-generic-pci.yaml).
 *
 * "ranges" are the windows; no firmware is assumed to have set anything up.  A function's line is
 * looked up in interrupt-map, its messages in msi-map, or msi-parent for all.
 */
#define LOG_PREFIX "pci: "
#include <kernel/abi/errno.h>
#include <kernel/debug/log.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/lib/bits.h>
#include <mm/alloc.h>
#include <mm/vmalloc.h>
#include "pci_internal.h"

#define BUS_SIZE (1u << 20)

/* The first cell of a PCI address. */
#define SPACE_OF(hi)   ((hi) >> 24 & 3)
#define SPACE_IO       1
#define SPACE_MEM32    2
#define SPACE_MEM64    3
#define SPACE_PREFETCH (1u << 30)

static volatile u8 *ecam_map_bus(struct pci_host *h, unsigned bus)
{
	return mmio_map(h->ecam + (u64)(bus - h->first) * BUS_SIZE, BUS_SIZE);
}

static int ecam_route(struct pci_host *h, const struct pci_device *asker, unsigned devfn,
		      unsigned pin, unsigned *irq)
{
	u32 unit[3] = {(u32)h->first << 16 | devfn << 8}, spec[1] = {pin};
	struct fdt_ref ref;
	struct irq_spec to;

	if (!fdt_interrupt_map(fdt_system(), h->fdt_node, unit, 3, spec, 1, &ref))
		return -ENOENT;
	to.nr = ref.nr_args;
	if (to.nr > ARRAY_SIZE(to.cells))
		return -EINVAL;
	for (unsigned i = 0; i < to.nr; i++)
		to.cells[i] = ref.args[i];
	return irq_from_fdt_spec(ref.node, &to, irq);
}

static struct irq_domain *domain_of_phandle(const struct fdt *fdt, u32 phandle)
{
	int node = fdt_find_phandle(fdt, phandle);

	return node >= 0 ? irq_domain_find_msi(node) : NULL;
}

/* msi-map: requester base, controller, its base, length. */
static struct irq_domain *ecam_msi_domain(struct pci_host *h, u32 requester, u32 *id)
{
	const struct fdt *fdt = fdt_system();
	u32 len, mask = fdt_u32(fdt, h->fdt_node, "msi-map-mask", U32_MAX), parent;
	const u8 *map = fdt_property(fdt, h->fdt_node, "msi-map", &len);

	*id = requester;
	for (; map && len >= 16; map += 16, len -= 16) {
		u32 base = get_unaligned_be32(map), in = (requester & mask) - base;

		if (in < get_unaligned_be32(map + 12)) {
			*id = get_unaligned_be32(map + 8) + in;
			return domain_of_phandle(fdt, get_unaligned_be32(map + 4));
		}
	}
	if (!fdt_has(fdt, h->fdt_node, "msi-map") &&
	    fdt_cell(fdt, h->fdt_node, "msi-parent", 0, &parent))
		return domain_of_phandle(fdt, parent);
	return NULL;
}

static void add_window(struct pci_host *h, u32 hi, u64 bus, paddr_t start, u64 size)
{
	u32 flags = SPACE_OF(hi) == SPACE_IO ? PCI_RANGE_IO : PCI_RANGE_MEM;

	if (h->nr_windows == PCI_NR_WINDOWS || !SPACE_OF(hi) || !size)
		return;
	if (SPACE_OF(hi) == SPACE_MEM64)
		flags |= PCI_RANGE_MEM64;
	if (hi & SPACE_PREFETCH)
		flags |= PCI_RANGE_PREFETCH;
	h->windows[h->nr_windows++] = (struct pci_window){start, size, bus, flags};
}

/* Entries of three PCI cells, the parent's address, two of size. */
static int read_windows(struct pci_host *h, const struct fdt *fdt)
{
	int parent = fdt_parent(fdt, h->fdt_node);
	u32 len, above = fdt_address_cells(fdt, parent), entry = 4 * (3 + above + 2);
	const u8 *p = fdt_property(fdt, h->fdt_node, "ranges", &len);

	if (!p || above < 1 || above > 2 || fdt_address_cells(fdt, h->fdt_node) != 3 ||
	    fdt_size_cells(fdt, h->fdt_node) != 2)
		return -EINVAL;
	for (; len >= entry; p += entry, len -= entry) {
		u64 at = above == 2 ? get_unaligned_be64(p + 12) : get_unaligned_be32(p + 12);
		paddr_t start;

		if (parent > 0 && !fdt_translate(fdt, parent, at, &start))
			continue;
		if (parent == 0)
			start = at;
		add_window(h, get_unaligned_be32(p), get_unaligned_be64(p + 4), start,
			   get_unaligned_be64(p + 12 + 4 * above));
	}
	return 0;
}

static int ecam_probe(const struct fdt *fdt, int node)
{
	struct pci_host *h = kzalloc(sizeof(*h), GFP_KERNEL);
	u32 first = 0, last = 255;
	u64 size;
	int err;

	if (!h)
		return -ENOMEM;
	if (fdt_cell(fdt, node, "bus-range", 0, &first))
		fdt_cell(fdt, node, "bus-range", 1, &last);
	err = fdt_reg(fdt, node, 0, &h->ecam, &size) && first <= last && last <= 255 &&
			      size >= BUS_SIZE
		      ? 0
		      : -EINVAL;
	if (!err && size / BUS_SIZE < last - first + 1)
		last = first + (u32)(size / BUS_SIZE) - 1;
	h->segment = (u16)fdt_u32(fdt, node, "linux,pci-domain", 0);
	h->first = (u8)first;
	h->last = (u8)last;
	h->fdt_node = node;
	h->map_bus = ecam_map_bus;
	h->route = ecam_route;
	h->msi_domain = ecam_msi_domain;
	if (!err)
		err = read_windows(h, fdt);
	if (err) {
		kfree(h);
		return err;
	}
	pci_host_add(h);
	return 0;
}

static const char *const ecam_ids[] = {"pci-host-ecam-generic", NULL};

FDT_DRIVER(pci_ecam) = {.name = "pci-ecam", .compatible = ecam_ids, .probe = ecam_probe};
FDT_DRIVER_ENTRY(pci_ecam);
