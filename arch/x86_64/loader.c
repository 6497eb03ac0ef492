/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boot loader told, PVH or multiboot2, and boot_info made of it.
 *
 * All of it lies below 4 GiB and is read through the one-to-one map, which lasts until mm makes the
 * final one.  Some of this runs before the image has moved: no pointers in initialised data are
 * used.
 */
#include <arch/boot.h>
#include <kernel/firmware/acpi.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include "x86_internal.h"

u32 x86_loader __section(".data");
u32 x86_loader_data __section(".data"); /* physical address */

#define LOW_LIMIT (1ull << 32)

static const void *low_memory(u64 pa)
{
	return pa && pa < LOW_LIMIT ? (const void *)pa : NULL;
}

/* Xen's start_info of a PVH guest, version 1 (xen/include/public/arch-x86/hvm/start_info.h). */
struct pvh_info {
	u32 magic, version, flags, nr_modules;
	u64 modlist_pa, cmdline_pa, rsdp_pa;
	u64 memmap_pa;
	u32 memmap_entries, reserved;
};

struct pvh_module {
	u64 base, size, cmdline, reserved;
};

/* An entry of the memory map, as BIOS call E820 made them; multiboot2 has the same. */
struct e820 {
	u64 base, size;
	u32 type, reserved;
};

#define PVH_MAGIC   0x336ec578
#define E820_RAM    1
#define E820_ACPI   3

/* Multiboot2 specification, 3.6: a length, then tags on 8-byte boundaries. */
struct mb2_info {
	u32 size, reserved;
};

struct mb2_tag {
	u32 type, size;
};

enum {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_MODULE = 3,
	MB2_MEMORY = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_EFI64 = 12,
	MB2_RSDP_OLD = 14,
	MB2_RSDP_NEW = 15,
};

struct mb2_module {
	struct mb2_tag tag;
	u32 start, end;
	char cmdline[];
};

struct mb2_memory {
	struct mb2_tag tag;
	u32 entry_size, entry_version;
	struct e820 entries[];
};

struct mb2_framebuffer {
	struct mb2_tag tag;
	u64 base;
	u32 pitch, width, height;
	u8 bpp, type;
	u16 reserved;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

#define MB2_FRAMEBUFFER_RGB 1

static const struct pvh_info *pvh(void)
{
	const struct pvh_info *info = low_memory(x86_loader_data);

	return x86_loader == LOADER_PVH && info && info->magic == PVH_MAGIC ? info : NULL;
}

/* The tag after `t`, the first of all after NULL, or NULL at the end. */
static const struct mb2_tag *mb2_next(const struct mb2_tag *t)
{
	const struct mb2_info *info = low_memory(x86_loader_data);
	u64 end;

	if (x86_loader != LOADER_MULTIBOOT2 || !info)
		return NULL;
	end = x86_loader_data + (u64)info->size;
	t = t ? (const struct mb2_tag *)((u64)t + ALIGN_UP((u64)t->size, 8ull)) :
		(const struct mb2_tag *)(info + 1);
	if ((u64)t + sizeof(*t) > end || t->type == MB2_END || t->size < sizeof(*t) ||
	    (u64)t + t->size > end)
		return NULL;
	return t;
}

static const struct mb2_tag *mb2_find(u32 type)
{
	const struct mb2_tag *t = NULL;

	while ((t = mb2_next(t)) && t->type != type)
		;
	return t;
}

const char *x86_loader_cmdline(void)
{
	const struct mb2_tag *t = mb2_find(MB2_CMDLINE);

	if (pvh())
		return low_memory(pvh()->cmdline_pa);
	return t ? (const char *)(t + 1) : NULL;
}

/* The memory map: entries of `*stride` bytes. */
static const struct e820 *memory_map(u32 *n, u32 *stride)
{
	const struct mb2_memory *m = (const struct mb2_memory *)mb2_find(MB2_MEMORY);

	*stride = sizeof(struct e820);
	if (pvh()) {
		*n = pvh()->version >= 1 ? pvh()->memmap_entries : 0;
		return low_memory(pvh()->memmap_pa);
	}
	if (!m || m->entry_size < sizeof(struct e820))
		return NULL;
	*stride = m->entry_size;
	*n = (m->tag.size - (u32)sizeof(*m)) / m->entry_size;
	return m->entries;
}

u64 x86_loader_ram_end(void)
{
	u32 n, stride;
	const struct e820 *m = memory_map(&n, &stride);
	u64 end = 0;

	for (; m && n; n--, m = (const struct e820 *)((const u8 *)m + stride)) {
		if (m->type == E820_RAM || m->type == E820_ACPI)
			end = max(end, m->base + m->size);
	}
	return end;
}

static void take_memory(struct boot_info *info)
{
	u32 n, stride;
	const struct e820 *m = memory_map(&n, &stride);

	for (; m && n; n--, m = (const struct e820 *)((const u8 *)m + stride))
		boot_info_add_mem(info, m->base, m->size,
				  m->type == E820_RAM  ? BOOT_MEM_RAM :
				  m->type == E820_ACPI ? BOOT_MEM_ACPI :
							 BOOT_MEM_RESERVED);
	/* Firmware's data, the trampoline, and what PVH left: all below 1 MiB. */
	boot_info_add_mem(info, 0, 0x100000, BOOT_MEM_RESERVED);
}

static void take_pvh(struct boot_info *info)
{
	const struct pvh_module *mod = pvh()->nr_modules ? low_memory(pvh()->modlist_pa) : NULL;

	info->rsdp = pvh()->rsdp_pa;
	if (mod) {
		info->initrd_base = mod->base;
		info->initrd_size = mod->size;
	}
}

static void take_framebuffer(struct boot_info *info, const struct mb2_framebuffer *f)
{
	if (f->tag.size < sizeof(*f) || f->type != MB2_FRAMEBUFFER_RGB)
		return;
	info->fb = (struct boot_framebuffer){
		.base = f->base,
		.width = f->width,
		.height = f->height,
		.pitch = f->pitch,
		.bpp = f->bpp,
		.red_pos = f->red_pos,
		.red_size = f->red_size,
		.green_pos = f->green_pos,
		.green_size = f->green_size,
		.blue_pos = f->blue_pos,
		.blue_size = f->blue_size,
	};
}

static void take_multiboot2(struct boot_info *info)
{
	const struct mb2_info *all = low_memory(x86_loader_data);
	const struct mb2_tag *t = NULL;

	while ((t = mb2_next(t))) {
		const struct mb2_module *mod = (const struct mb2_module *)t;

		if (t->type == MB2_MODULE && !info->initrd_size && mod->end > mod->start) {
			info->initrd_base = mod->start;
			info->initrd_size = mod->end - mod->start;
		} else if (t->type == MB2_RSDP_NEW || (t->type == MB2_RSDP_OLD && !info->rsdp)) {
			info->rsdp = (u64)(t + 1); /* a copy, in the tag */
		} else if (t->type == MB2_FRAMEBUFFER) {
			take_framebuffer(info, (const struct mb2_framebuffer *)t);
		} else if (t->type == MB2_EFI64 && t->size >= 16) {
			info->efi_systab = *(const u64 *)(t + 1);
		}
	}
	if (all)
		boot_info_add_mem(info, x86_loader_data, all->size, BOOT_MEM_RESERVED);
}

void arch_boot_info(struct boot_info *info)
{
	const char *cmdline = x86_loader_cmdline();

	info->image_base = X86_LOAD_PA;
	info->image_size = (u64)(__image_end - __image_start);
	if (cmdline)
		boot_info_set_cmdline(info, cmdline, BOOT_CMDLINE_MAX);
	take_memory(info);
	if (pvh())
		take_pvh(info);
	else
		take_multiboot2(info);
	if (!info->rsdp)
		info->rsdp = acpi_scan_rsdp(low_memory(0xe0000), 0x20000, 0xe0000);
	for (unsigned i = 0; i < ARRAY_SIZE(info->seed); i++)
		info->seed[i] = x86_boot_random(16 + i);
}
