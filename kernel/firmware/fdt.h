/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading flattened device trees (Devicetree Specification 0.4, version 17 blobs).
 *
 * Nothing is copied and nothing trusted: every offset is checked against the blob, so a malformed
 * tree yields absent nodes and properties, never a stray access.  A node is named by the offset of
 * its begin token; 0 is the root and negative is no node.
 */
#pragma once

#include <kernel/lib/compiler.h>

struct fdt {
	const u8 *blob;
	u32 size;
	const u8 *structs;
	u32 structs_size;
	const char *strings;
	u32 strings_size;
	u32 reserve_offset;
};

#define FDT_NONE      (-1)
#define FDT_MAX_DEPTH 32

/* Check the header.  Returns 0 or -EINVAL.  `max`: bytes that may be looked at. */
int __must_check fdt_open(struct fdt *fdt, const void *blob, size_t max);

/* The size the header at `blob` claims (8 bytes are looked at), or 0 if there is no tree. */
u32 fdt_blob_size(const void *blob);

/*
 * How many bytes from the beginning of the blob hold anything.  Firmware may leave room for
 * additions behind that (QEMU on aarch64: nearly a MiB), which the header counts and nobody reads.
 */
u32 fdt_used(const struct fdt *fdt);

/* The tree firmware gave, or NULL; set at boot. */
const struct fdt *fdt_system(void);
void fdt_set_system(const struct fdt *fdt);

/* All nodes in document order; *depth (may be NULL) changes with the walk and starts at 0. */
int fdt_next_node(const struct fdt *fdt, int node, int *depth);
int fdt_first_child(const struct fdt *fdt, int node);
int fdt_next_sibling(const struct fdt *fdt, int node);
int fdt_parent(const struct fdt *fdt, int node);

#define fdt_for_each_child(child, fdt, node) \
	for (child = fdt_first_child(fdt, node); child >= 0; child = fdt_next_sibling(fdt, child))
#define fdt_for_each_node(node, fdt) \
	for (node = 0; node >= 0; node = fdt_next_node(fdt, node, NULL))

/* Name with unit address, "" for the root and for no node. */
const char *fdt_node_name(const struct fdt *fdt, int node);

/* "/cpus/cpu@0", or an alias followed by a path. */
int fdt_find_path(const struct fdt *fdt, const char *path);

/* The child by name; a name without unit address matches any. */
int fdt_find_child(const struct fdt *fdt, int node, const char *name);
int fdt_find_phandle(const struct fdt *fdt, u32 phandle);

/* The first node after `after` (FDT_NONE: from the beginning) compatible with `compatible`. */
int fdt_find_compatible(const struct fdt *fdt, int after, const char *compatible);

bool fdt_compatible(const struct fdt *fdt, int node, const char *compatible);

/* False when status says other than "okay". */
bool fdt_enabled(const struct fdt *fdt, int node);

/* The value of a property, or NULL; *len (may be NULL) its length. */
const void *fdt_property(const struct fdt *fdt, int node, const char *name, u32 *len);

/* Properties one by one: NULL at the end.  *cursor starts at 0. */
const void *fdt_next_property(const struct fdt *fdt, int node, u32 *cursor, const char **name,
			      u32 *len);

/* A string property properly terminated, or NULL; the nth of a list. */
const char *fdt_string(const struct fdt *fdt, int node, const char *name);
const char *fdt_string_nth(const struct fdt *fdt, int node, const char *name, unsigned nth);
int fdt_string_index(const struct fdt *fdt, int node, const char *name, const char *value);

/* The nth cell.  Return false when absent. */
bool fdt_cell(const struct fdt *fdt, int node, const char *name, unsigned nth, u32 *out);
u32 fdt_u32(const struct fdt *fdt, int node, const char *name, u32 otherwise);

/* One or two cells as a number. */
bool fdt_u64(const struct fdt *fdt, int node, const char *name, u64 *out);
bool fdt_has(const struct fdt *fdt, int node, const char *name);
u32 fdt_phandle(const struct fdt *fdt, int node);

/* #address-cells and #size-cells that hold for the children of `node`. */
u32 fdt_address_cells(const struct fdt *fdt, int node);
u32 fdt_size_cells(const struct fdt *fdt, int node);

/* The nth "reg" entry translated through every "ranges" to the processor's addresses.  false:
 * absent. */
bool fdt_reg(const struct fdt *fdt, int node, unsigned nth, paddr_t *addr, u64 *size);

/* The same by its name in reg-names. */
bool fdt_reg_named(const struct fdt *fdt, int node, const char *name, paddr_t *addr, u64 *size);

/* The nth "reg" entry as it stands, up to 64 bits (processors' numbers). */
bool fdt_reg_raw(const struct fdt *fdt, int node, unsigned nth, u64 *addr, u64 *size);

/* Translate a bus address of `node`'s children to the processor's. */
bool fdt_translate(const struct fdt *fdt, int node, u64 bus, paddr_t *out);

#define FDT_ARGS_MAX 8

/* A reference with arguments: interrupts, clocks, msi-map and the like. */
struct fdt_ref {
	int node;
	unsigned nr_args;
	u32 args[FDT_ARGS_MAX];
};

/* The nth entry of a list of phandles each followed by as many cells as its target's `cells_name`
 * says. */
bool fdt_ref(const struct fdt *fdt, int node, const char *list, const char *cells_name,
	     unsigned nth, struct fdt_ref *out);

/* The interrupt controller `node` answers to (interrupt-parent, inherited). */
int fdt_interrupt_parent(const struct fdt *fdt, int node);

/* The nth interrupt: interrupts-extended, or interrupts with the parent's #interrupt-cells. */
bool fdt_interrupt(const struct fdt *fdt, int node, unsigned nth, struct fdt_ref *out);

/*
 * interrupt-map of a bus (PCI host): the unit address cells and interrupt specifier of a child, to
 * a specifier of a controller.
 */
bool fdt_interrupt_map(const struct fdt *fdt, int node, const u32 *unit, unsigned unit_cells,
		       const u32 *spec, unsigned spec_cells, struct fdt_ref *out);

/* The nth memory reservation of the blob's header.  false: past the end. */
bool fdt_reservation(const struct fdt *fdt, unsigned nth, paddr_t *addr, u64 *size);
