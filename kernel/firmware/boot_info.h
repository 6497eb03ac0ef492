/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the boot code found, in one shape for every way of booting (PVH, Image, multiboot2, EFI).
 *
 * Filled once by arch_boot_info() and init, immutable afterwards.  Zero means "not told".
 */
#pragma once

#include <kernel/lib/types.h>

#define BOOT_MEM_MAX	 128
#define BOOT_CMDLINE_MAX 2048

enum boot_memtype {
	BOOT_MEM_RAM,	   /* usable */
	BOOT_MEM_RESERVED, /* RAM or not, never ours: also carves holes out of BOOT_MEM_RAM */
	BOOT_MEM_ACPI,	   /* ACPI tables: RAM, kept, mapped in the physmap */
};

struct boot_mem {
	paddr_t base;
	u64 size;
	enum boot_memtype type;
};

struct boot_framebuffer {
	paddr_t base;
	u32 width, height, pitch, bpp;
	u8 red_pos, red_size, green_pos, green_size, blue_pos, blue_size;
};

struct boot_info {
	struct boot_mem mem[BOOT_MEM_MAX]; /* any order, may overlap: reserved wins */
	unsigned nr_mem;

	paddr_t image_base; /* physical place of __image_start */
	u64 image_size;	    /* to __image_end */
	paddr_t initrd_base;
	u64 initrd_size;
	paddr_t dtb;	     /* flattened device tree */
	u64 dtb_size;	     /* of what is in it */
	paddr_t rsdp;	     /* ACPI root pointer */
	paddr_t efi_systab;
	struct boot_framebuffer fb;
	u64 seed[4];	     /* entropy from firmware, zero when none */
	char cmdline[BOOT_CMDLINE_MAX];
};

/* The one instance, in init/main.c. */
extern struct boot_info boot_info;

/* Append a range; merges with the last one when it adjoins.  Returns false when there is no
 * room. */
bool boot_info_add_mem(struct boot_info *info, paddr_t base, u64 size, enum boot_memtype type);

/* Set the command line from `len` bytes or up to a NUL, cut to size. */
void boot_info_set_cmdline(struct boot_info *info, const char *text, size_t len);

/* Take memory, reservations and /chosen from a device tree. */
struct fdt;
void boot_info_from_fdt(struct boot_info *info, const struct fdt *fdt);
