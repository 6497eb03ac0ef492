/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between lru.c, reclaim.c, oom.c and rmap.c. */
#pragma once

#include <mm/alloc_scope.h>
#include <arch/types.h>
#include <mm/page.h>
#include <mm/reclaim.h>

void lru_init(void);
void lru_add_active(struct folio *f);
unsigned lru_isolate(bool active, struct folio **out, unsigned n);
/* Give back what lru_isolate took, and its reference. */
void lru_putback(struct folio *f, bool active);

/* How many entries used the folio since last asked; under the folio lock. */
unsigned rmap_referenced(struct folio *f);
/* Translations that are stale since their entries went, to be flushed together. */
struct unmap_space {
	struct mm *mm; /* referenced */
	vaddr_t start, end;
};
struct unmap_batch {
	unsigned nr;
	struct unmap_space space[8];
};
/*
 * Remove every entry that maps the locked folio; entries of a private page, which is in the swap
 * cache, become swap entries.  True when none is left.  With a batch the translations are flushed
 * by unmap_flush(), until when the folio must neither be freed nor written.
 */
bool rmap_unmap(struct folio *f, struct unmap_batch *batch);
void unmap_flush(struct unmap_batch *b);
/* Before writeback: make every later write through a shared mapping fault. */
void rmap_write_protect(struct folio *f);

/* Kill somebody.  True when memory may be expected. */
bool oom_kill(gfp_t gfp, unsigned order);
