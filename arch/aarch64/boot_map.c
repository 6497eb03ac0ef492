/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first page tables, and the choice of the random address.
 *
 * This runs with the MMU off, at the physical address, before relocation: no absolute pointers, no
 * unaligned accesses (all memory is Device memory now), no calls out of this file.  The device tree
 * is read just far enough to find the RAM, the seed and "nokaslr".
 *
 * Built are: the identity map of the image (TTBR0), for turning the MMU on; and in the kernel half
 * the image at its random address (text executable, the rest writable, as relocation writes
 * constants) and the physmap of all RAM.  mm replaces the kernel half with its own later; other
 * processors come up through the identity map, and then the tables are given back.
 */
#include <arch/mmu.h>
#include <kernel/lib/sections.h>
#include <isa/layout.h>
#include <isa/sysreg.h>
#include "boot_internal.h"

#define NR_TABLES 96
#define ENTRIES	  512

static u64 tables[NR_TABLES][ENTRIES] __aligned(4096) __initbss;
static unsigned tables_used;

struct boot_map boot_map;

static u64 *table_alloc(void)
{
	if (tables_used == NR_TABLES)
		for (;;)
			__asm__ __volatile__("wfe");
	return tables[tables_used++];
}

static u64 *table_below(u64 *entry)
{
	if (!(*entry & PTE_VALID))
		*entry = (u64)(uintptr_t)table_alloc() | PTE_VALID | PTE_PAGE;
	return (u64 *)(uintptr_t)(*entry & PTE_ADDR_MASK);
}

/* Map whole pages with the largest leaves that fit. */
static void map_range(u64 *root, u64 va, paddr_t pa, u64 size, u64 bits)
{
	while (size) {
		unsigned level = 2;

		while (level && (((va | pa) & ((1ull << (12 + 9 * level)) - 1)) ||
				 size < 1ull << (12 + 9 * level)))
			level--;

		u64 step = 1ull << (12 + 9 * level);
		u64 *table = root;

		for (unsigned l = 3; l > level; l--)
			table = table_below(&table[va >> (12 + 9 * l) & (ENTRIES - 1)]);
		table[va >> (12 + 9 * level) & (ENTRIES - 1)] = pa | bits | (level ? 0 : PTE_PAGE);
		va += step;
		pa += step;
		size -= step;
	}
}

#define BITS_LEAF (PTE_VALID | PTE_AF | PTE_SH_INNER | PTE_ATTR(MAIR_NORMAL) | PTE_UXN)
#define BITS_TEXT (BITS_LEAF | PTE_AP_RO)
#define BITS_DATA (BITS_LEAF | PTE_PXN | PTE_DBM)

static u32 be32(const u8 *p)
{
	return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

static u64 be_cells(const u8 *p, u32 cells)
{
	u64 v = 0;

	for (u32 i = 0; i < cells; i++)
		v = v << 32 | be32(p + 4 * i);
	return v;
}

static bool text_is(const u8 *p, const char *s)
{
	while (*s && *p == (u8)*s)
		p++, s++;
	return !*s;
}

static bool text_same(const u8 *p, const char *s)
{
	while (*s && *p == (u8)*s)
		p++, s++;
	return !*s && !*p;
}

static bool text_has_word(const u8 *p, u32 len, const char *word)
{
	u32 n = 0;

	while (word[n])
		n++;
	for (u32 i = 0; i + n <= len; i++)
		if ((i == 0 || p[i - 1] == ' ') && text_is(p + i, word) &&
		    (i + n == len || p[i + n] == ' ' || p[i + n] == 0))
			return true;
	return false;
}

struct scan {
	u64 *root;
	u32 address_cells, size_cells;
	u64 seed;
	bool nokaslr;
};

static void map_ram(struct scan *s, const u8 *reg, u32 len)
{
	u32 step = 4 * (s->address_cells + s->size_cells);

	for (u32 at = 0; step && at + step <= len; at += step) {
		u64 base = be_cells(reg + at, s->address_cells);
		u64 end = base + be_cells(reg + at + 4 * s->address_cells, s->size_cells);

		base = (base + 4095) & ~4095ull;
		end &= ~4095ull;
		if (base < end && end <= 1ull << 47)
			map_range(s->root, LAYOUT_PHYSMAP + base, base, end - base, BITS_DATA);
	}
}

enum where { IN_OTHER, IN_ROOT, IN_MEMORY, IN_CHOSEN };

static void take_property(struct scan *s, enum where in, const u8 *name, u8 *value, u32 len)
{
	if (in == IN_ROOT && len == 4) {
		if (text_same(name, "#address-cells"))
			s->address_cells = be32(value);
		if (text_same(name, "#size-cells"))
			s->size_cells = be32(value);
	} else if (in == IN_MEMORY && text_same(name, "reg")) {
		map_ram(s, value, len);
	} else if (in == IN_CHOSEN && text_same(name, "kaslr-seed") && len == 8) {
		s->seed = be_cells(value, 2);
		/* Nobody else may learn it. */
		for (u32 i = 0; i < len; i++)
			((volatile u8 *)value)[i] = 0;
	} else if (in == IN_CHOSEN && text_same(name, "bootargs")) {
		s->nokaslr = text_has_word(value, len, "nokaslr");
	}
}

#define FDT_BEGIN 1
#define FDT_END	  2
#define FDT_PROP  3
#define FDT_NOP	  4

static void scan_tree(struct scan *s, u8 *dtb)
{
	if (!dtb || be32(dtb) != 0xd00dfeed)
		return;

	u8 *p = dtb + be32(dtb + 8), *end = dtb + be32(dtb + 4);
	const u8 *strings = dtb + be32(dtb + 12);
	enum where in = IN_OTHER;
	int depth = -1;

	while (p + 4 <= end) {
		u32 token = be32(p), len;

		p += 4;
		switch (token) {
		case FDT_BEGIN:
			depth++;
			in = depth == 0 ? IN_ROOT
			   : depth == 1 && (text_same(p, "memory") || text_is(p, "memory@"))
				   ? IN_MEMORY
			   : depth == 1 && text_same(p, "chosen") ? IN_CHOSEN
								  : IN_OTHER;
			for (len = 0; p + len < end && p[len]; len++)
				;
			p += (len + 4) & ~3u;
			break;
		case FDT_END:
			depth--;
			in = IN_OTHER;
			break;
		case FDT_PROP:
			len = be32(p);
			take_property(s, in, strings + be32(p + 4), p + 8, len);
			p += 8 + ((len + 3) & ~3u);
			break;
		case FDT_NOP: break;
		default: return;
		}
	}
}

static u64 choose_tcr(void)
{
	u64 mmfr0 = read_sysreg(id_aa64mmfr0_el1), mmfr1 = read_sysreg(id_aa64mmfr1_el1);
	u64 pa = mmfr0 & 0xf, af = mmfr1 & 0xf;
	u64 tcr = TCR_T0SZ | TCR_T1SZ | TCR_WALK0 | TCR_WALK1 | TCR_TG1_4K | 1ull << TCR_TBI0;

	tcr |= (pa > 5 ? 5 : pa) << TCR_IPS;
	if ((mmfr0 >> 4 & 0xf) == 2)
		tcr |= 1ull << TCR_AS;
	if (af >= 1)
		tcr |= 1ull << TCR_HA;
	if (af >= 2)
		tcr |= 1ull << TCR_HD;
	return tcr;
}

static u64 choose_sctlr(void)
{
	bool pan = read_sysreg(id_aa64mmfr1_el1) >> 20 & 0xf;

	return (u64)(u32)SCTLR_MMU_ON | (pan ? 0 : SCTLR_SPAN);
}

static void map_image(u64 *root, paddr_t image, u64 va)
{
	u64 text = (u64)(uintptr_t)__text_start - image,
	    text_end = (u64)(uintptr_t)__text_end - image;
	u64 end = (u64)(uintptr_t)__image_end - image;

	if (text)
		map_range(root, va, image, text, BITS_DATA);
	map_range(root, va + text, image + text, text_end - text, BITS_TEXT);
	map_range(root, va + text_end, image + text_end, end - text_end, BITS_DATA);
}

/* Build everything.  Returns the virtual address of the image. */
u64 boot_map_build(paddr_t dtb, paddr_t image, bool el2)
{
	u64 *idmap = table_alloc(), *root = table_alloc();
	u64 end = ((u64)(uintptr_t)__image_end + 0x1fffff) & ~0x1fffffull;
	struct scan s = { .root = root, .address_cells = 2, .size_cells = 1 };

	map_range(idmap, image & ~0x1fffffull, image & ~0x1fffffull, end - (image & ~0x1fffffull),
		  BITS_TEXT);
	scan_tree(&s, (u8 *)(uintptr_t)dtb);

	u64 va = LAYOUT_IMAGE;

	if (!s.nokaslr && s.seed)
		va += (s.seed % LAYOUT_IMAGE_RANDOM_STEPS) << 21;
	map_image(root, image, va + (image & 0x1fffff));

	boot_map.idmap = (u64)(uintptr_t)idmap;
	boot_map.root = (u64)(uintptr_t)root;
	boot_map.tcr = choose_tcr();
	boot_map.sctlr = choose_sctlr();
	boot_map.image_va = va + (image & 0x1fffff);
	boot_map.seed = s.seed;
	boot_map.el2 = el2;
	return boot_map.image_va;
}
