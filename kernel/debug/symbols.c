/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of kernel functions, from the table that the second link adds to the image: offsets from
 * the image's start in ascending order, and for each the offset of its name.
 */
#include <kernel/debug/symbols.h>
#include <kernel/lib/printf.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>

extern const u32 ksyms_count;
extern const u32 ksyms_offsets[], ksyms_nameoff[];
extern const char ksyms_names[];

/* The last symbol at or before `offset`; there is one. */
static size_t symbol_index(u32 offset)
{
	size_t low = 0, high = ksyms_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (ksyms_offsets[middle] <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool symbol_lookup(vaddr_t addr, const char **name, size_t *offset, size_t *size)
{
	vaddr_t base = (vaddr_t)__image_start;

	if (addr < base || addr >= (vaddr_t)__text_end || !ksyms_count ||
	    addr - base < ksyms_offsets[0])
		return false;

	u32 at = (u32)(addr - base);
	size_t i = symbol_index(at);
	u32 end = i + 1 < ksyms_count ? ksyms_offsets[i + 1] : (u32)((vaddr_t)__text_end - base);

	*name = ksyms_names + ksyms_nameoff[i];
	*offset = at - ksyms_offsets[i];
	*size = end - ksyms_offsets[i];
	return true;
}

vaddr_t symbol_address(const char *name)
{
	for (size_t i = 0; i < ksyms_count; i++) {
		if (!strcmp(ksyms_names + ksyms_nameoff[i], name))
			return (vaddr_t)__image_start + ksyms_offsets[i];
	}
	return 0;
}

bool symbol_nth(size_t n, vaddr_t *addr, const char **name)
{
	if (n >= ksyms_count)
		return false;
	*addr = (vaddr_t)__image_start + ksyms_offsets[n];
	*name = ksyms_names + ksyms_nameoff[n];
	return true;
}

void symbols_init(void)
{
	printf_set_symbols(symbol_lookup);
}
