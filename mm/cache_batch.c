/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The page cache by the run: what sequential reading and writing does to many neighbouring folios
 * costs one hold of the mapping's lock and one of a list's, not one of each per folio.
 *
 * Who holds several folio locks of one mapping took them by ascending index, or made the folios.
 * Only the writer of the object, whose lock it holds, waits for a folio while holding others; all
 * others wait holding none.  So nobody waits for it in turn.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/minmax.h>
#include <mm/stat.h>
#include "mm_internal.h"

/* New folios, locked, not in any mapping.  Returns how many. */
static unsigned folios_alloc(struct mapping *m, struct folio **out, unsigned n)
{
	unsigned got = pages_alloc_bulk(m->gfp, (struct page **)out, n);

	for (unsigned i = 0; i < got; i++) {
		out[i]->page.flags = 1u << PG_locked;
		out[i]->page.private = NULL;
	}
	return got;
}

static void folio_discard(struct folio *f)
{
	f->page.flags = 0;
	page_free(&f->page, 0);
}

/*
 * Enter the allocated folio into an empty slot; its one reference becomes the cache's.  Locks:
 * m->lock.
 */
static int insert_locked(struct mapping *m, struct folio *f, u64 index)
{
	void *old = xa_load(&m->pages, index);
	int err;

	if (old)
		return -EEXIST;
	f->page.mapping = m;
	f->page.index = index;
	err = xa_store(&m->pages, index, f, NULL);
	if (err)
		f->page.mapping = NULL;
	else
		WRITE_ONCE(m->nr_pages, m->nr_pages + 1);
	return err;
}

/* After insertion, out of the mapping's lock. */
static void inserted(struct mapping *m, struct folio **folios, unsigned n)
{
	cache_count(m, n);
	if (!mapping_test(m, MAPPING_SHMEM) && !mapping_test(m, MAPPING_UNEVICTABLE))
		lru_add_batch(folios, n);
}

/* How many indices lack a folio in the first gap of [*index, last], at most `n`; *index moves
 * there. */
static unsigned find_gap(struct mapping *m, u64 *index, u64 last, unsigned n)
{
	unsigned gap = 0;

	guard_rcu();
	while (*index <= last && xa_load(&m->pages, *index))
		++*index;
	while (gap < n && *index + gap <= last && !xa_load(&m->pages, *index + gap))
		gap++;
	return gap;
}

unsigned cache_add_absent(struct mapping *m, u64 *index, u64 last, struct folio **out, unsigned n)
{
	unsigned made, used = 0, want = find_gap(m, index, last, n);

	made = folios_alloc(m, out, want);
	with_spin_irq(&m->lock)
	{
		while (used < made && !insert_locked(m, out[used], *index + used))
			used++;
	}
	for (unsigned i = used; i < made; i++)
		folio_discard(out[i]);
	inserted(m, out, used);
	*index += used;
	return used;
}

/* What of [index, index+n) is there, referenced; NULL in the other places.  Returns how many
 * lack. */
static unsigned find_present(struct mapping *m, u64 index, unsigned n, struct folio **out)
{
	unsigned absent = 0;

	guard_rcu();
	for (unsigned i = 0; i < n; i++) {
		struct folio *f = xa_load(&m->pages, index + i);

		out[i] = NULL;
		if (!f || xa_is_value(f) || !folio_get_unless_zero(f)) {
			absent++;
		} else if (unlikely(xa_load(&m->pages, index + i) != f)) {
			folio_put(f);
			absent++;
		} else {
			out[i] = f;
		}
	}
	return absent;
}

/* Fill the NULL places with new folios as far as possible.  Returns a bit for each made. */
static u32 make_absent(struct mapping *m, u64 index, unsigned n, struct folio **out,
		       unsigned absent)
{
	struct folio *made[CACHE_BATCH];
	unsigned nr = folios_alloc(m, made, absent), used = 0;
	u32 bits = 0;

	with_spin_irq(&m->lock)
	{
		for (unsigned i = 0; i < n && used < nr; i++) {
			if (out[i])
				continue;
			if (insert_locked(m, made[used], index + i))
				break;
			out[i] = made[used++];
			folio_get(out[i]);
			bits |= 1u << i;
		}
	}
	for (unsigned i = used; i < nr; i++)
		folio_discard(made[i]);
	inserted(m, made, used);
	return bits;
}

/* Lock what was found; from the first that is missing or left, let go of all. */
static unsigned lock_run(struct mapping *m, unsigned n, struct folio **out, u32 locked)
{
	unsigned good = 0;

	for (; good < n && out[good]; good++) {
		if (locked >> good & 1)
			continue;
		folio_lock(out[good]);
		locked |= 1u << good;
		if (folio_mapping(out[good]) != m)
			break;
	}
	for (unsigned i = good; i < n; i++) {
		if (!out[i])
			continue;
		if (locked >> i & 1)
			folio_unlock(out[i]);
		folio_put(out[i]);
	}
	return good;
}

int cache_grab_batch(struct mapping *m, u64 index, unsigned n, struct folio **out)
{
	unsigned absent, got;
	u32 made = 0;
	int err;

	n = min(n, CACHE_BATCH);
	absent = find_present(m, index, n, out);
	if (absent)
		made = make_absent(m, index, n, out, absent);
	got = lock_run(m, n, out, made);
	if (got)
		return (int)got;
	err = cache_grab(m, index, out);
	return err ? err : 1;
}
