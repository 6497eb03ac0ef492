/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling boot_info.
 *
 * A device tree names RAM in nodes whose device_type is "memory", and takes parts of it away in the
 * blob's own reservation list and under /reserved-memory.  The latter's nodes without a fixed place
 * ("size" only) are requests for dynamic reservations, which nobody here makes.
 */
#include <kernel/firmware/boot_info.h>
#include <kernel/firmware/fdt.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/string.h>

bool boot_info_add_mem(struct boot_info *info, paddr_t base, u64 size, enum boot_memtype type)
{
	if (!size)
		return true;
	if (base + size < base)
		size = -base;
	if (info->nr_mem) {
		struct boot_mem *last = &info->mem[info->nr_mem - 1];

		if (last->type == type && last->base + last->size == base) {
			last->size += size;
			return true;
		}
	}
	if (info->nr_mem == BOOT_MEM_MAX)
		return false;
	info->mem[info->nr_mem++] = (struct boot_mem){base, size, type};
	return true;
}

void boot_info_set_cmdline(struct boot_info *info, const char *text, size_t len)
{
	len = strnlen(text, min(len, sizeof(info->cmdline) - 1));
	memcpy(info->cmdline, text, len);
	info->cmdline[len] = '\0';
}

static void add_node_mem(struct boot_info *info, const struct fdt *fdt, int node,
			 enum boot_memtype type)
{
	paddr_t addr;
	u64 size;

	for (unsigned i = 0; fdt_reg(fdt, node, i, &addr, &size); i++)
		boot_info_add_mem(info, addr, size, type);
}

static void add_memory(struct boot_info *info, const struct fdt *fdt)
{
	int node;

	fdt_for_each_child(node, fdt, 0)
	{
		const char *type = fdt_string(fdt, node, "device_type");

		if (type && !strcmp(type, "memory") && fdt_enabled(fdt, node))
			add_node_mem(info, fdt, node, BOOT_MEM_RAM);
	}
}

static void add_reservations(struct boot_info *info, const struct fdt *fdt)
{
	int node, parent = fdt_find_path(fdt, "/reserved-memory");
	paddr_t addr;
	u64 size;

	for (unsigned i = 0; fdt_reservation(fdt, i, &addr, &size); i++)
		boot_info_add_mem(info, addr, size, BOOT_MEM_RESERVED);
	if (parent < 0)
		return;
	fdt_for_each_child(node, fdt, parent)
	{
		if (fdt_enabled(fdt, node))
			add_node_mem(info, fdt, node, BOOT_MEM_RESERVED);
	}
}

static void add_chosen(struct boot_info *info, const struct fdt *fdt)
{
	int node = fdt_find_path(fdt, "/chosen");
	u64 start, end;
	u32 len;

	if (node < 0)
		return;

	const char *args = fdt_string(fdt, node, "bootargs");
	const void *seed = fdt_property(fdt, node, "rng-seed", &len);

	if (args)
		boot_info_set_cmdline(info, args, sizeof(info->cmdline));
	if (seed)
		memcpy(info->seed, seed, min_t(size_t, len, sizeof(info->seed)));
	if (fdt_u64(fdt, node, "linux,initrd-start", &start) &&
	    fdt_u64(fdt, node, "linux,initrd-end", &end) && end > start) {
		info->initrd_base = start;
		info->initrd_size = end - start;
	}
}

void boot_info_from_fdt(struct boot_info *info, const struct fdt *fdt)
{
	add_memory(info, fdt);
	add_reservations(info, fdt);
	add_chosen(info, fdt);
}
