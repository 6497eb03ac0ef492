/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading files ahead of their readers (readahead.c), through mapping_ops.readahead.
 */
#pragma once

#include <kernel/lib/types.h>

struct file;
struct mapping;

#define READAHEAD_DEFAULT 32u /* pages: 128 KiB */

/* What a device has its readers do, in sectors of 512 bytes; one for all mappings on it. */
struct readahead_limits {
	u32 window;  /* [a] largest window; 0: the default */
	/* [a] its largest request, which a read of more than a window may fill; 0: no such read */
	u32 request;
};

enum readahead_mode { READAHEAD_NORMAL, READAHEAD_SEQUENTIAL, READAHEAD_RANDOM };

/* In every open file; all zero at first.  Its users race without harm. */
struct file_ra {
	u64 start;     /* the window last asked for: its first page, */
	u32 size;      /* pages, */
	u32 async;     /* and how many of them were not wanted yet */
	u64 prev;      /* page read last */
	u32 mmap_miss; /* faults that found nothing, less those that did */
	u32 mode;      /* enum readahead_mode, posix_fadvise(2) */
};

/* Start reading `nr` pages from `index`, at most 2 MiB; best effort.  Context: may sleep. */
void readahead_force(struct mapping *m, struct file *file, u64 index, u64 nr);
