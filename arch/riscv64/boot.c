/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From firmware to kernel_main().
 *
 * boot_physical() and boot_next_satp() run with translation off, at the address the image was
 * loaded to, before its pointers are relocated: they may use no pointer stored in data, and nothing
 * that a sanitizer instruments.  boot_virtual() and everything after it runs where the image lives
 * for good.
 *
 * The first page tables hold the image (2 MiB leaves, all rights) and, as 1 GiB leaves, the physmap
 * of every GiB in which there is RAM.  mm replaces them by the final map.
 */
#include <arch/boot.h>
#include <arch/mmu.h>
#include <kernel/firmware/boot_info.h>
#include <kernel/firmware/fdt.h>
#include <kernel/firmware/fdt_driver.h>
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/sections.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <arch/timer.h>
#include <isa/csr.h>
#include "riscv_internal.h"

#define SEGMENT_2M 0x200000ul
#define SEGMENT_1G 0x40000000ul
#define BOOT_PTE   (RISCV_PTE_V | 0xe | 0xe0) /* R W X, global, accessed, dirty */

#define FDT_BEGIN_NODE 1
#define FDT_END_NODE   2
#define FDT_PROP       3
#define FDT_NOP	       4

struct rela {
	u64 offset, info;
	s64 addend;
};

#define R_RISCV_RELATIVE 3

extern const struct rela __rela_start[], __rela_end[];

struct arch_layout arch_layout;
u64 riscv_image_offset; /* virtual minus physical address of the image */
u64 riscv_satp_mode;
u64 riscv_boot_hart;

static paddr_t boot_dtb;
static u64 boot_slide;
static u64 boot_seed[4];
static unsigned boot_levels;	/* tried last */
static unsigned boot_tables_used;
static u64 boot_tables[12][512] __aligned(4096) __initbss;

/* --- translation off -------------------------------------------------------------------------- */

static u32 early_be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static bool early_equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Find property `name` of the node /chosen.  Returns NULL if there is none. */
static u8 *early_chosen(const char *name, u32 *len)
{
	u8 *blob = (u8 *)boot_dtb;

	if (!blob || early_be32(blob) != 0xd00dfeed)
		return NULL;

	u8 *p = blob + early_be32(blob + 8), *end = blob + early_be32(blob + 4);
	const char *strings = (const char *)blob + early_be32(blob + 12);
	int depth = 0;
	bool chosen = false;

	while (p < end) {
		u32 token = early_be32(p);

		p += 4;
		if (token == FDT_BEGIN_NODE) {
			chosen = ++depth == 2 && early_equal((const char *)p, "chosen");
			while (*p)
				p++;
			p += 4 - ((u64)p & 3);
		} else if (token == FDT_END_NODE) {
			depth--;
			chosen = false;
		} else if (token == FDT_PROP) {
			*len = early_be32(p);
			if (chosen && early_equal(strings + early_be32(p + 4), name))
				return p + 8;
			p += 8 + ((*len + 3) & ~3u);
		} else if (token != FDT_NOP) {
			break;
		}
	}
	return NULL;
}

/* Whether the command line has the word `word`. */
static bool early_option(const char *word)
{
	u32 len;
	const char *line = (const char *)early_chosen("bootargs", &len);

	while (line && *line) {
		const char *w = word;

		while (*w && *line == *w) {
			line++;
			w++;
		}
		if (!*w && (!*line || *line == ' '))
			return true;
		while (*line && *line != ' ')
			line++;
		while (*line == ' ')
			line++;
	}
	return false;
}

/* Firmware's entropy, taken out of the tree so that nobody reads it again. */
static void early_take_seed(void)
{
	u32 len;
	u8 *seed = early_chosen("rng-seed", &len);

	for (u32 i = 0; seed && i < len; i++) {
		boot_seed[i / 8 % 4] = rol64(boot_seed[i / 8 % 4], 8) ^ seed[i];
		seed[i] = 0;
	}
	seed = early_chosen("kaslr-seed", &len);
	for (u32 i = 0; seed && i < len; i++) {
		boot_seed[3] = rol64(boot_seed[3], 8) ^ seed[i];
		seed[i] = 0;
	}
}

static u64 early_slide(void)
{
	u64 mix = boot_seed[0] ^ rol64(boot_seed[3], 29);
	u64 places = (KERNEL_IMAGE_SPACE - (u64)(__image_end - __image_start)) / SEGMENT_2M - 1;

	if (!mix || early_option("nokaslr"))
		return 0;
	mix *= 0x9e3779b97f4a7c15;
	return (mix >> 32) % places * SEGMENT_2M;
}

static void early_relocate(void)
{
	u64 to_physical = (u64)__image_start - KERNEL_IMAGE_BASE;

	for (const struct rela *r = __rela_start; r < __rela_end; r++)
		if ((r->info & 0xffffffff) == R_RISCV_RELATIVE)
			*(u64 *)(r->offset + to_physical) = (u64)r->addend + boot_slide;
}

/* First C code: choose the image's virtual address and make its pointers fit. */
void boot_physical(u64 hart, paddr_t dtb)
{
	riscv_boot_hart = hart;
	boot_dtb = dtb;
	early_take_seed();
	boot_slide = early_slide();
	riscv_image_offset = KERNEL_IMAGE_BASE + boot_slide - (u64)__image_start;
	early_relocate();
}

static u64 *early_table(void)
{
	u64 *t = boot_tables[boot_tables_used++];

	for (unsigned i = 0; i < 512; i++)
		t[i] = 0;
	return t;
}

static unsigned early_index(vaddr_t va, unsigned level)
{
	return (va >> (PAGE_SHIFT + PT_INDEX_BITS * level)) & 511;
}

/* The table at `level` on the path to `va`, with the tables above it. */
static u64 *early_walk(u64 *table, vaddr_t va, unsigned level)
{
	for (unsigned l = boot_levels - 1; l > level; l--) {
		u64 *entry = &table[early_index(va, l)];

		if (!*entry)
			*entry = (u64)early_table() >> 2 | RISCV_PTE_V;
		table = (u64 *)((*entry & RISCV_PTE_PPN) << 2);
	}
	return table;
}

static void early_map_image(u64 *root)
{
	paddr_t pa = (paddr_t)__image_start;
	vaddr_t va = KERNEL_IMAGE_BASE + boot_slide, end = va + (u64)(__image_end - __image_start);

	for (; va < end; va += SEGMENT_2M, pa += SEGMENT_2M)
		early_walk(root, va, 1)[early_index(va, 1)] = pa >> 2 | BOOT_PTE;
}

static void early_map_physmap(u64 *root, paddr_t pa)
{
	vaddr_t va = -(1ul << (boot_levels * PT_INDEX_BITS + PAGE_SHIFT - 1)) + pa;

	early_walk(root, va, 2)[early_index(va, 2)] = ALIGN_DOWN(pa, SEGMENT_1G) >> 2 | BOOT_PTE;
}

/*
 * The next paging mode worth trying, as a satp value, or 0 when there is none left.
 *
 * Four levels come first: 64 TiB of RAM is enough, user pointers keep the spare bits that programs
 * count on, and every walk and every fork has one table less to visit than with five.  `sv57` and
 * `sv39` on the command line choose another.
 */
u64 boot_next_satp(void)
{
	if (!boot_levels)
		boot_levels = early_option("sv57") ? 5 : early_option("sv39") ? 3 : 4;
	else if (--boot_levels < 3)
		return 0;

	boot_tables_used = 0;
	u64 *root = early_table();

	early_map_image(root);
	early_map_physmap(root, (paddr_t)__image_start);
	if (boot_dtb)
		early_map_physmap(root, boot_dtb);
	riscv_satp_mode = (u64)(boot_levels + 5) << SATP_MODE_SHIFT;
	return riscv_satp_mode | (u64)root >> PAGE_SHIFT;
}

/* --- translation on --------------------------------------------------------------------------- */

static void layout_init(void)
{
	vaddr_t half = -(1ul << (boot_levels * PT_INDEX_BITS + PAGE_SHIFT - 1));

	arch_layout.root_shift = PAGE_SHIFT + PT_INDEX_BITS * ((int)boot_levels - 1);
	arch_layout.user_top = -half - PAGE_SIZE;
	arch_layout.physmap_base = half;
	arch_layout.vmalloc_base = half / 2 | 1ul << 63;
	arch_layout.vmalloc_end = (half >> 3) + KASAN_SHADOW_OFFSET;
}

/* Add the GiB pages of [base, base + size) to the physmap. */
static void physmap_extend(u64 *root, paddr_t base, u64 size)
{
	paddr_t end = min(base + size, (paddr_t)(arch_layout.vmalloc_base - PHYSMAP_BASE));

	for (paddr_t pa = ALIGN_DOWN(base, SEGMENT_1G); pa < end; pa += SEGMENT_1G) {
		vaddr_t va = PHYSMAP_BASE + pa;
		u64 *table = root;

		for (unsigned l = boot_levels - 1; l > 2; l--) {
			u64 *entry = &table[early_index(va, l)];

			if (!*entry) {
				if (boot_tables_used == ARRAY_SIZE(boot_tables))
					return;
				*entry = ((u64)early_table() - riscv_image_offset) >> 2 |
					 RISCV_PTE_V;
			}
			table = phys_to_virt((*entry & RISCV_PTE_PPN) << 2);
		}
		table[early_index(va, 2)] = pa >> 2 | BOOT_PTE;
	}
}

static void physmap_extend_all(const struct fdt *fdt)
{
	u64 *root = (u64 *)boot_tables[0];
	int node;

	fdt_for_each_child (node, fdt, 0) {
		const char *type = fdt_string(fdt, node, "device_type");
		paddr_t base;
		u64 size;

		if (!type || strcmp(type, "memory") != 0 || !fdt_enabled(fdt, node))
			continue;
		for (unsigned i = 0; fdt_reg(fdt, node, i, &base, &size); i++)
			physmap_extend(root, base, size);
	}
	__asm__ __volatile__("sfence.vma" : : : "memory");
}

static struct fdt boot_fdt;

static void boot_thread_init(void)
{
	struct arch_thread *at = &boot_thread.arch;

	at->cpu = &boot_cpu;
	at->stack_low = (u64)boot_stack;
	at->canary = (boot_seed[1] ^ arch_clock_read()) & ~0xffull;
	boot_cpu.arch.hart = riscv_boot_hart;
}

/* First code at virtual addresses, on the boot thread. */
void boot_virtual(void)
{
	layout_init();
	arch_kernel_mmu.root = (paddr_t)((u64)boot_tables - riscv_image_offset);
	boot_thread_init();

	const void *blob = phys_to_virt(boot_dtb);
	u32 size = boot_dtb ? fdt_blob_size(blob) : 0;

	if (size && fdt_open(&boot_fdt, blob, size) == 0) {
		physmap_extend_all(&boot_fdt);
		fdt_set_system(&boot_fdt);
	}
}

u64 arch_kaslr_offset(void)
{
	return boot_slide;
}

/* --- boot_info -------------------------------------------------------------------------------- */

void arch_boot_info(struct boot_info *info)
{
	const struct fdt *fdt = fdt_system();

	info->image_base = (paddr_t)((u64)__image_start - riscv_image_offset);
	info->image_size = (u64)(__image_end - __image_start);
	if (fdt) {
		info->dtb = boot_dtb;
		info->dtb_size = fdt_used(fdt);
		boot_info_from_fdt(info, fdt);
	}
	/* The tree's seeds are already blank. */
	memcpy(info->seed, boot_seed, sizeof(info->seed));
	memset(boot_seed, 0, sizeof(boot_seed));
}

void arch_early_putc(char c)
{
	sbi_putc(c);
}

/* --- the rest of the contract ----------------------------------------------------------------- */

void arch_init_early(void)
{
	sbi_init();
	riscv_features_init();
	crc_machine_init();
	riscv_mmu_features();
}

void arch_init(void)
{
	riscv_irq_init();
	fdt_probe_irqchips();
	riscv_usercopy_init();
}

void arch_init_cpu(void)
{
	riscv_irq_init_cpu();
}
