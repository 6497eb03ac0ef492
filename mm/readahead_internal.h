/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between cache.c and readahead.c. */
#pragma once

#include <mm/readahead.h>
#include "space_internal.h"

/* The state in `file`, or NULL. */
static inline struct file_ra *readahead_state(struct file *file)
{
	return file && file_ops && file_ops->readahead_state ? file_ops->readahead_state(file)
							     : NULL;
}

/* The page at `index` is absent, and so many pages from it on are wanted.  Context: may sleep. */
void readahead_miss(struct mapping *m, struct file *file, u64 index, u64 want);
/* A folio with PG_readahead was reached.  Context: may sleep. */
void readahead_reached(struct mapping *m, struct file *file, struct folio *f, u64 want);
/* The same for faults. */
void readahead_fault(struct mapping *m, struct file *file, u64 index, bool sequential);
void readahead_fault_hit(struct mapping *m, struct file *file, struct folio *f);
/* `n` pages that read-ahead brought were mapped at once: so many faults that found something. */
void readahead_fault_mapped(struct file *file, unsigned n);
