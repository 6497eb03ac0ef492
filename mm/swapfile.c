/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * swapon and swapoff, the mm half; /proc/swaps.
 *
 * The header is the first page: a version, the last page, the number of bad pages, a UUID and a
 * label from byte 1024 on, then the bad pages; the signature in the last ten bytes.  Areas made on
 * a machine of the other byte order have their numbers turned round.
 *
 * swapoff brings pages back from where their entries are: the page tables of address spaces that
 * ever had one, the trees of shared memory.  Then what the cache holds is dropped.  Entries move
 * while it looks (fork, faults), so it goes round until no slot is used.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/seq.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include "swap_internal.h"

#define SIGNATURE   "SWAPSPACE2"
#define INFO_OFFSET 1024u
#define BAD_OFFSET  1536u
#define BAD_MAX     ((PAGE_SIZE - 10 - BAD_OFFSET) / 4)

struct info {
	u32 version, last_page, nr_bad;
};

/* --- on --------------------------------------------------------------------------------------- */

static int read_header(const struct swap_source *src, struct folio **out)
{
	struct folio *f = folio_alloc(GFP_KERNEL);

	if (!f)
		return -ENOMEM;
	folio_set(f, PG_locked);
	src->ops->read(src->backing, 0, f);
	folio_wait_locked(f);
	if (folio_test(f, PG_uptodate)) {
		*out = f;
		return 0;
	}
	folio_put(f);
	return -EIO;
}

static u32 number(const void *page, size_t offset, bool turned)
{
	u32 n;

	memcpy(&n, (const char *)page + offset, sizeof(n));
	return turned ? __builtin_bswap32(n) : n;
}

/* How many pages may be used, of `have`; 0: none of this can be right. */
static u64 header_pages(const void *page, u64 have, struct info *info, bool *turned)
{
	if (memcmp((const char *)page + PAGE_SIZE - 10, SIGNATURE, 10))
		return 0;
	info->version = number(page, INFO_OFFSET, false);
	*turned = info->version == __builtin_bswap32(1);
	info->version = number(page, INFO_OFFSET, *turned);
	info->last_page = number(page, INFO_OFFSET + 4, *turned);
	info->nr_bad = number(page, INFO_OFFSET + 8, *turned);
	if (info->version != 1 || !info->last_page || info->nr_bad > BAD_MAX ||
	    (u64)info->last_page + 1 > have)
		return 0;
	return (u64)info->last_page + 1;
}

static int mark_bad(struct swap_area *a, const void *page, const struct info *info, bool turned)
{
	for (u32 i = 0; i < info->nr_bad; i++) {
		u32 bad = number(page, BAD_OFFSET + 4 * i, turned);

		if (!bad || bad >= a->pages)
			return -EINVAL;
		area_mark_bad(a, bad);
	}
	return a->usable ? 0 : -EINVAL;
}

static int area_from_header(const struct swap_source *src, const void *page, struct swap_area **out)
{
	struct info info;
	bool turned;
	u64 pages = header_pages(page, src->claimed ?: src->pages, &info, &turned);
	int err;

	if (!pages)
		return -EINVAL;
	err = area_create(src, min(pages, src->pages), out);
	if (err)
		return err;
	err = mark_bad(*out, page, &info, turned);
	if (err)
		area_destroy(*out);
	return err;
}

int swap_enable(const struct swap_source *src, unsigned flags)
{
	struct swap_area *a;
	struct folio *header;
	int err = read_header(src, &header);

	if (err)
		return err;
	err = area_from_header(src, folio_address(header), &a);
	folio_put(header);
	if (err)
		return err;
	if (flags & SWAP_ON_DISCARD && !(flags & SWAP_ON_DISCARD_PAGES) && src->ops->discard)
		src->ops->discard(src->backing, 1, a->pages - 1);
	err = area_publish(a, flags & SWAP_ON_PREFER, (s32)(flags & SWAP_ON_PRIORITY));
	if (err)
		area_destroy(a);
	return err;
}

/* --- off -------------------------------------------------------------------------------------- */

static int spaces_bring_back(u32 type)
{
	struct mm *mm = NULL;
	int err = 0;

	while (!err && swap_mm_next(&mm))
		err = swap_mm_bring_back(mm, type);
	if (err && mm)
		mm_put(mm);
	return err;
}

/* What only the cache still holds. */
static void cache_sweep(struct swap_area *a)
{
	for (u64 slot = 1; slot < a->pages; slot++) {
		struct folio *f;

		if (!(READ_ONCE(a->slots[slot]) & SLOT_CACHED))
			continue;
		f = swap_cache_find(swap_entry(a->type, slot));
		if (!f)
			continue;
		folio_lock(f);
		folio_wait_writeback(f);
		if (folio_test(f, PG_swapcache) && !entry_uses(folio_entry(f)))
			swap_cache_drop(f);
		folio_unlock(f);
		folio_put(f);
		cond_resched();
	}
}

static int bring_all_back(struct swap_area *a)
{
	while (READ_ONCE(a->used)) {
		int err = spaces_bring_back(a->type);

		if (!err)
			err = shmem_bring_back(a->type);
		if (err)
			return err;
		cache_sweep(a);
		if (thread_flag_test(thread_current(), THREAD_KILLED))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static struct swap_area *area_of(const void *identity)
{
	for (u32 i = 0; i < SWAP_AREAS; i++) {
		struct swap_area *a = area_at(i);

		if (a && a->src.identity == identity)
			return a;
	}
	return NULL;
}

/* One at a time, so that nobody frees an area under another's hands. */
static struct mutex off_lock = MUTEX_INIT(off_lock, RANK_SUPER_SYNC);

int swap_disable(const void *identity)
{
	struct swap_source src;
	struct swap_area *a;
	int err;

	guard_mutex(&off_lock);
	a = area_of(identity);
	if (!a)
		return -EINVAL;
	area_stop(a);
	err = bring_all_back(a);
	if (err) {
		area_resume(a);
		return err;
	}
	area_withdraw(a);
	src = a->src;
	area_destroy(a);
	src.ops->release(src.backing);
	return 0;
}

/* --- /proc/swaps ------------------------------------------------------------------------------ */

static void show_area(struct seq *s, const struct swap_area *a)
{
	u64 kb = a->usable << (PAGE_SHIFT - 10), used = READ_ONCE(a->used) << (PAGE_SHIFT - 10);
	size_t width = strlen(a->src.name);

	seq_printf(s, "%s%*s%s\t%llu\t%s%llu\t%s%d\n", a->src.name,
		   width < 40 ? (int)(40 - width) : 1, " ", a->src.is_file ? "file\t" : "partition",
		   kb, kb < 10000000 ? "\t" : "", used, used < 10000000 ? "\t" : "", a->priority);
}

static int swaps_show(struct seq *s, void *arg)
{
	seq_puts(s, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	guard_rcu();
	for (u32 i = 0; i < SWAP_AREAS; i++) {
		struct swap_area *a = area_at(i);

		if (a)
			show_area(s, a);
	}
	return 0;
}

EXPORT_PROC("/proc/swaps", 0444, swaps_show, NULL, NULL);
