/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading flattened device trees: addresses and references.
 *
 * A node's "reg" is in its parent's address space; a bus's "ranges" says where that space lies in
 * the space of the bus's own parent, and so on up to the root, whose space is the processor's.  A
 * bus without "ranges" has an address space of its own, and what lies there has no processor
 * address; an empty "ranges" means the same addresses.
 */
#include <kernel/lib/string.h>
#include "fdt_internal.h"

#define CELLS_MAX 4

u32 fdt_address_cells(const struct fdt *fdt, int node)
{
	return fdt_u32(fdt, node, "#address-cells", 2);
}

u32 fdt_size_cells(const struct fdt *fdt, int node)
{
	return fdt_u32(fdt, node, "#size-cells", 1);
}

/* Where in the `len` bytes of a bus's ranges the address lies.  Three cells are PCI: its first is
 * flags. */
static bool translate_ranges(const u8 *ranges, u32 len, u32 child_cells, u32 parent_cells,
			     u32 size_cells, u64 *addr)
{
	u32 entry = 4 * (child_cells + parent_cells + size_cells);

	for (; len >= entry; len -= entry, ranges += entry) {
		u64 child = fdt_number(ranges, child_cells);
		u64 size = fdt_number(ranges + 4 * (child_cells + parent_cells), size_cells);

		if (*addr - child < size) {
			*addr += fdt_number(ranges + 4 * child_cells, parent_cells) - child;
			return true;
		}
	}
	return false;
}

bool fdt_translate(const struct fdt *fdt, int node, u64 bus, paddr_t *out)
{
	for (int depth = 0; node > 0 && depth < FDT_MAX_DEPTH; depth++) {
		int parent = fdt_parent(fdt, node);
		u32 len, child = fdt_address_cells(fdt, node), size = fdt_size_cells(fdt, node);
		u32 above = fdt_address_cells(fdt, parent);
		const u8 *ranges = fdt_property(fdt, node, "ranges", &len);

		if (!ranges || child > CELLS_MAX || size > CELLS_MAX || above > CELLS_MAX ||
		    child + size + above == 0)
			return false;
		if (len && !translate_ranges(ranges, len, child, above, size, &bus))
			return false;
		node = parent;
	}
	*out = bus;
	return node == 0;
}

bool fdt_reg_raw(const struct fdt *fdt, int node, unsigned nth, u64 *addr, u64 *size)
{
	int parent = fdt_parent(fdt, node);
	u32 len, address_cells = fdt_address_cells(fdt, parent);
	u32 size_cells = fdt_size_cells(fdt, parent);
	const u8 *reg = fdt_property(fdt, node, "reg", &len);
	u32 entry = 4 * (address_cells + size_cells);

	if (!reg || address_cells > CELLS_MAX || size_cells > CELLS_MAX || !entry ||
	    nth >= len / entry)
		return false;
	reg += nth * entry;
	*addr = fdt_number(reg, address_cells);
	*size = fdt_number(reg + 4 * address_cells, size_cells);
	return true;
}

bool fdt_reg(const struct fdt *fdt, int node, unsigned nth, paddr_t *addr, u64 *size)
{
	u64 bus;

	return fdt_reg_raw(fdt, node, nth, &bus, size) &&
	       fdt_translate(fdt, fdt_parent(fdt, node), bus, addr);
}

bool fdt_reg_named(const struct fdt *fdt, int node, const char *name, paddr_t *addr, u64 *size)
{
	int nth = fdt_string_index(fdt, node, "reg-names", name);

	return nth >= 0 && fdt_reg(fdt, node, (unsigned)nth, addr, size);
}

/* Fill `out` from cells at `p` of which `have` are there. */
static bool ref_fill(const u8 *p, u32 have, int node, u32 cells, struct fdt_ref *out)
{
	if (node < 0 || cells > FDT_ARGS_MAX || cells > have)
		return false;
	out->node = node;
	out->nr_args = cells;
	for (u32 i = 0; i < cells; i++)
		out->args[i] = fdt_be32(p + 4 * i);
	return true;
}

bool fdt_ref(const struct fdt *fdt, int node, const char *list, const char *cells_name,
	     unsigned nth, struct fdt_ref *out)
{
	u32 len;
	const u8 *p = fdt_property(fdt, node, list, &len);

	while (p && len >= 4) {
		int target = fdt_find_phandle(fdt, fdt_be32(p));
		u32 cells = target >= 0 ? fdt_u32(fdt, target, cells_name, 0) : 0;

		p += 4;
		len -= 4;
		if (!nth--)
			return ref_fill(p, len / 4, target, cells, out);
		if (cells > len / 4)
			return false;
		p += 4 * cells;
		len -= 4 * cells;
	}
	return false;
}

int fdt_interrupt_parent(const struct fdt *fdt, int node)
{
	for (int n = node; n >= 0; n = fdt_parent(fdt, n)) {
		u32 phandle;

		if (fdt_cell(fdt, n, "interrupt-parent", 0, &phandle))
			return fdt_find_phandle(fdt, phandle);
		/* Without one, the nearest controller above. */
		if (n != node &&
		    (fdt_has(fdt, n, "interrupt-controller") || fdt_has(fdt, n, "interrupt-map")))
			return n;
	}
	return FDT_NONE;
}

bool fdt_interrupt(const struct fdt *fdt, int node, unsigned nth, struct fdt_ref *out)
{
	if (fdt_has(fdt, node, "interrupts-extended"))
		return fdt_ref(fdt, node, "interrupts-extended", "#interrupt-cells", nth, out);

	int parent = fdt_interrupt_parent(fdt, node);
	u32 len, cells = parent >= 0 ? fdt_u32(fdt, parent, "#interrupt-cells", 0) : 0;
	const u8 *p = fdt_property(fdt, node, "interrupts", &len);

	if (!p || !cells || cells > FDT_ARGS_MAX || nth >= len / 4 / cells)
		return false;
	return ref_fill(p + 4 * nth * cells, cells, parent, cells, out);
}

/* Do the masked cells of a child equal those of a map entry? */
static bool map_matches(const u8 *entry, const u8 *mask, u32 mask_cells, const u32 *unit,
			u32 unit_cells, const u32 *spec, u32 spec_cells)
{
	for (u32 i = 0; i < unit_cells + spec_cells; i++) {
		u32 m = i < mask_cells ? fdt_be32(mask + 4 * i) : U32_MAX;
		u32 cell = i < unit_cells ? unit[i] : spec[i - unit_cells];

		if ((cell & m) != (fdt_be32(entry + 4 * i) & m))
			return false;
	}
	return true;
}

bool fdt_interrupt_map(const struct fdt *fdt, int node, const u32 *unit, unsigned unit_cells,
		       const u32 *spec, unsigned spec_cells, struct fdt_ref *out)
{
	u32 len, mask_len = 0, ours = unit_cells + spec_cells;
	const u8 *p = fdt_property(fdt, node, "interrupt-map", &len);
	const u8 *mask = fdt_property(fdt, node, "interrupt-map-mask", &mask_len);
	u32 left = p ? len / 4 : 0;

	while (left > ours) {
		int parent = fdt_find_phandle(fdt, fdt_be32(p + 4 * ours));
		u32 skip = parent < 0 ? 0 : fdt_u32(fdt, parent, "#address-cells", 0);
		u32 cells = parent < 0 ? 0 : fdt_u32(fdt, parent, "#interrupt-cells", 0);
		u64 entry = (u64)ours + 1 + skip + cells;

		if (parent < 0 || skip > CELLS_MAX || cells > FDT_ARGS_MAX || entry > left)
			return false;
		if (map_matches(p, mask, mask_len / 4, unit, unit_cells, spec, spec_cells))
			return ref_fill(p + 4 * (ours + 1 + skip), cells, parent, cells, out);
		p += 4 * entry;
		left -= (u32)entry;
	}
	return false;
}
