/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order in which mm comes up, after its boot half (boot.c). */
#include "mm_internal.h"

void mm_init(void)
{
	vmalloc_init();
	folio_wait_init();
	reclaim_init();
	cache_init();
	vma_init();
	anon_init();
	space_init();
}

void mm_init_late(void)
{
	reclaim_start();
}
