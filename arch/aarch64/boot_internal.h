/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What boot.S, boot_map.c and the rest of this room agree on.  Offsets are in <gen/offsets.h>. */
#pragma once

#include <kernel/lib/types.h>

struct boot_map {
	u64 idmap;    /* physical root of the identity map of the image */
	u64 root;     /* physical root of the kernel half */
	u64 tcr, sctlr;
	u64 image_va; /* where the image runs */
	u64 seed;
	u64 el2;      /* entered at EL2 */
};

extern struct boot_map boot_map;

u64 boot_map_build(paddr_t dtb, paddr_t image, bool el2);
_Noreturn void boot_main(void);
_Noreturn void secondary_main(void);
extern char secondary_entry[], vectors[], idmap_replace_root[];
void ttbr0_set(u64 v);

/* The address at which the CPU fetches `sym` while the identity map is in use. */
paddr_t image_pa(const void *sym);
