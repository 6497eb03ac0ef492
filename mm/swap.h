/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap, as its owner of backing storage sees it: swapon(2), swapoff(2) and the transfers.
 *
 * mm decides which page goes into which slot; a slot is one page of the backing, by number.  The
 * backing is a device or a file, resolved beforehand, so that a transfer allocates nothing that may
 * fail.
 */
#pragma once

#include <kernel/lib/types.h>

struct folio;

/*
 * read and write start a transfer of one page and call swap_read_done or swap_write_done once, from
 * any context, perhaps before they return.  Context of all: may sleep, but not for memory that
 * reclaim would have to find; no locks held but the folio's.
 */
struct swap_ops {
	void (*read)(void *backing, u64 slot, struct folio *f);
	void (*write)(void *backing, u64 slot, struct folio *f);
	/* Call fn(arg), whose transfers may be collected until it returns. */
	void (*batch)(void (*fn)(void *arg), void *arg);
	/* The slots hold nothing of value.  Optional. */
	void (*discard)(void *backing, u64 slot, u64 nr);
	/* The area is gone. */
	void (*release)(void *backing);
};

void swap_read_done(struct folio *f, int error);
void swap_write_done(struct folio *f, int error);

struct swap_source {
	const struct swap_ops *ops;
	void *backing;
	const void *identity; /* of the device or file: one area each */
	u64 pages;            /* that the backing has */
	/* that the header may speak of, if more: some do not lie in one piece */
	u64 claimed;
	bool is_file;
	char name[64]; /* for /proc/swaps */
};

/* flags of swapon(2) */
#define SWAP_ON_PREFER        0x8000u
#define SWAP_ON_PRIORITY      0x7fffu
#define SWAP_ON_DISCARD       0x10000u
#define SWAP_ON_DISCARD_ONCE  0x20000u
#define SWAP_ON_DISCARD_PAGES 0x40000u

/*
 * Use an area with a header as mkswap(8) writes it (version 1, signature SWAPSPACE2).  Returns 0,
 * -EINVAL (no such header), -EBUSY (in use, or too many areas), -ENOMEM, -EIO.  On success
 * `release` will be called.  Context: may sleep.
 */
int swap_enable(const struct swap_source *src, unsigned flags) __must_check;
/*
 * Bring everything back and stop using it.  Returns 0, -EINVAL (not in use), -ENOMEM, -EINTR, -EIO
 * (still in use then).  Context: may sleep.
 */
int swap_disable(const void *identity) __must_check;

/* Pages of all areas, and those not in use.  Context: any. */
u64 swap_total_pages(void);
u64 swap_free_pages(void);
