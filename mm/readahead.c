/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read-ahead: guessing what will be read next.
 *
 * Each open file has a window [start, start + size) of pages that were asked for together.  The
 * page `async` before its end carries PG_readahead: who reaches it starts the next window, while
 * the rest of this one is still ahead of him.
 *
 *	start         start+size-async        start+size
 *	  |  being read  |    ahead of the reader   |   next window ...
 *	                 ^ PG_readahead
 *
 * A miss begins a window: at the start of a file or behind the page read last, a few times what is
 * wanted; elsewhere, if the pages before are in the cache (several readers of one open file, or
 * reading on after others did), as long as these; else it is a random read and gets what it wants,
 * no more.  From window to window the size doubles, and quadruples while small, up to the limit of
 * the device; who reads more than that at once gets windows of his size, up to the largest request.
 * Sizes and conditions are chosen to make the same requests as Linux does, since they are what
 * disks and their simulations see.
 *
 * Faults come without a size: they read around the page, half a window back, and give up once they
 * mostly miss.
 *
 * A window is filled under `invalidate` held for reading: a truncation waits, and what it drops is
 * not read in again behind its back.
 */
#include <kernel/lib/bits.h>
#include <kernel/lib/minmax.h>
#include "readahead_internal.h"

#define FORCE_MAX      512u
#define MMAP_MISS_MANY 100u

/* The largest window for who wants `want` pages at once; 0: none. */
static u32 limit_of(const struct mapping *m, const struct file_ra *ra, u64 want)
{
	const struct readahead_limits *l = m->readahead;
	u32 window = l ? READ_ONCE(l->window) : 0,
	    request = l ? READ_ONCE(l->request) >> (PAGE_SHIFT - 9) : 0;
	u32 limit = window ? window >> (PAGE_SHIFT - 9) : READAHEAD_DEFAULT;

	if (READ_ONCE(ra->mode) == READAHEAD_SEQUENTIAL)
		limit *= 2;
	if (!limit || want <= limit)
		return limit;
	return max(limit, (u32)min(want, (u64)request));
}

/* Ask for `nr` pages from `index` as far as the object goes, marking the one `async` before the
 * end. */
static void submit(struct mapping *m, struct file *file, u64 index, u64 nr, u64 async)
{
	u64 end, mark = index + nr - async;
	struct folio *f;

	guard_read(&m->invalidate);
	end = ((u64)m->size(m) + PAGE_SIZE - 1) >> PAGE_SHIFT;
	if (index >= end || !nr)
		return;
	nr = min(nr, end - index);
	m->ops->readahead(file, m, index, (unsigned)nr);
	if (!async || mark >= index + nr)
		return;
	f = cache_find_get(m, mark);
	if (f) {
		folio_set(f, PG_readahead);
		folio_put(f);
	}
}

void readahead_force(struct mapping *m, struct file *file, u64 index, u64 nr)
{
	if (m->ops->readahead)
		submit(m, file, index, min(nr, (u64)FORCE_MAX), 0);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static u32 first_size(u64 want, u32 limit)
{
	u64 size = want <= 1 ? 1 : 1ull << (64 - clz64(want - 1));

	if (size <= limit / 32)
		return (u32)size * 4;
	if (size <= limit / 4)
		return (u32)size * 2;
	return limit;
}

static u32 next_size(u32 size, u32 limit)
{
	if (size < limit / 16)
		return size * 4;
	if (size <= limit / 2)
		return size * 2;
	return limit;
}

/* --- windows ---------------------------------------------------------------------------------- */

static void submit_window(struct mapping *m, struct file *file, struct file_ra *ra)
{
	submit(m, file, ra->start, ra->size, ra->async);
}

/* The reader will meet the mark at once: take the next window along. */
static void window_extend(struct file_ra *ra, u64 index, u32 limit)
{
	u32 more;

	if (index != ra->start || ra->size != ra->async)
		return;
	more = next_size(ra->size, limit);
	if (ra->size + more <= limit) {
		ra->async = more;
		ra->size += more;
	} else {
		ra->size = limit;
		ra->async = limit / 2;
	}
}

/* How many pages before `index` are in the cache, at most `most`. */
static u64 cached_before(struct mapping *m, u64 index, u64 most)
{
	u64 n = 0;

	guard_rcu();
	while (n < most && n < index) {
		void *entry = xa_load(&m->pages, index - n - 1);

		if (!entry || xa_is_value(entry))
			break;
		n++;
	}
	return n;
}

/* The first page of [index, index + most) that is not in the cache. */
static u64 missing_after(struct mapping *m, u64 index, u64 most)
{
	u64 n = 0;

	guard_rcu();
	while (n < most) {
		void *entry = xa_load(&m->pages, index + n);

		if (!entry || xa_is_value(entry))
			break;
		n++;
	}
	return index + n;
}

static void miss_window(struct mapping *m, struct file *file, struct file_ra *ra, u64 index,
			u64 want, u32 limit)
{
	u64 prev = READ_ONCE(ra->prev), before;

	if (!index || want > limit || index - prev <= 1) {
		ra->start = index;
		ra->size = first_size(want, limit);
		ra->async = ra->size > want ? ra->size - (u32)want : ra->size / 2;
	} else {
		before = cached_before(m, index, limit);
		if (before <= want) {
			submit(m, file, index, want, 0);
			return;
		}
		if (before >= index)
			before *= 2; /* all from the start of the file */
		ra->start = index;
		ra->size = (u32)min(before + want, (u64)limit);
		ra->async = 1;
	}
	window_extend(ra, index, limit);
	submit_window(m, file, ra);
}

void readahead_miss(struct mapping *m, struct file *file, u64 index, u64 want)
{
	struct file_ra none = {}, *ra = readahead_state(file);
	u32 limit;

	if (!ra)
		ra = &none;
	limit = limit_of(m, ra, want);
	if (!limit)
		submit(m, file, index, 1, 0);
	else if (READ_ONCE(ra->mode) == READAHEAD_RANDOM)
		readahead_force(m, file, index, want);
	else
		miss_window(m, file, ra, index, want, limit);
	ra->prev = index + want - 1;
}

void readahead_reached(struct mapping *m, struct file *file, struct folio *f, u64 want)
{
	struct file_ra *ra = readahead_state(file);
	u64 index = f->page.index, next;
	u32 limit;

	if (!folio_test_and_clear(f, PG_readahead) || !ra || !m->ops->readahead ||
	    READ_ONCE(ra->mode) == READAHEAD_RANDOM)
		return;
	limit = limit_of(m, ra, max(want, (u64)ra->size));
	if (!limit)
		return;
	if (index == ra->start + ra->size - ra->async) {
		ra->start += ra->size;
		ra->size = next_size(ra->size, limit);
	} else {
		/* Another reader's mark: go on where the cache ends. */
		next = missing_after(m, index + 1, limit);
		if (next - index > limit)
			return;
		ra->start = next;
		ra->size = next_size((u32)(next - index + want), limit);
	}
	ra->async = ra->size;
	submit_window(m, file, ra);
}

/* --- faults ----------------------------------------------------------------------------------- */

void readahead_fault(struct mapping *m, struct file *file, u64 index, bool sequential)
{
	struct file_ra *ra = readahead_state(file);
	u32 limit;

	if (!ra || !m->ops->readahead)
		return;
	limit = limit_of(m, ra, 0);
	if (!limit)
		return;
	if (sequential) {
		readahead_miss(m, file, index, limit);
		return;
	}
	if (ra->mmap_miss < MMAP_MISS_MANY * 10)
		ra->mmap_miss++;
	if (ra->mmap_miss > MMAP_MISS_MANY)
		return;
	ra->start = index > limit / 2 ? index - limit / 2 : 0;
	ra->size = limit;
	ra->async = limit / 4;
	submit_window(m, file, ra);
}

void readahead_fault_mapped(struct file *file, unsigned n)
{
	struct file_ra *ra = n ? readahead_state(file) : NULL;
	u32 miss = ra ? READ_ONCE(ra->mmap_miss) : 0;

	if (unlikely(miss))
		WRITE_ONCE(ra->mmap_miss, miss - min(miss, n));
}

void readahead_fault_hit(struct mapping *m, struct file *file, struct folio *f)
{
	struct file_ra *ra = readahead_state(file);

	if (!ra)
		return;
	if (ra->mmap_miss)
		ra->mmap_miss--;
	if (folio_test(f, PG_readahead))
		readahead_reached(m, file, f, limit_of(m, ra, 0));
}
