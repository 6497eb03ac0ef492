/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding memory when there is none: page cache, shrinkers, empty slabs.
 *
 * kswapd works when a zone falls below its low mark, until all are above the high one.  An
 * allocation that finds a zone below its minimum reclaims itself (direct reclaim), and when that
 * yields nothing repeatedly, somebody is killed (oom.c).
 *
 * A clean folio is freed by freezing it: under the mapping's lock its count goes from exactly two
 * (the cache's and ours) to zero, so that no lookup can get hold of it, and it leaves the tree.
 */
#include <kernel/abi/errno.h>
#include <kernel/lib/export.h>
#include <kernel/lib/minmax.h>
#include <kernel/lib/parse.h>
#include <kernel/lib/seq.h>
#include <kernel/sched/thread.h>
#include <kernel/time/clock.h>
#include "mm_internal.h"
#include "reclaim_internal.h"
#include "swap_internal.h"

#define BATCH 32u

/* Without a rank: reclaim, which may happen anywhere, only tries, and shrinkers take file systems'
 * locks. */
static struct rwsem shrinkers_lock = RWSEM_INIT(shrinkers_lock, RANK_NONE);
static struct list shrinkers = LIST_INIT(shrinkers); /* [shrinkers_lock] */

static void (*cache_walker)(void); /* [I after boot] */

static struct wait_queue kswapd_wait = WAIT_QUEUE_INIT(kswapd_wait);
static u32 kswapd_wanted; /* [a] */

void shrinker_register(struct shrinker *s)
{
	guard_write(&shrinkers_lock);

	list_push_back(&shrinkers, &s->link);
}

void shrinker_unregister(struct shrinker *s)
{
	guard_write(&shrinkers_lock);

	list_remove(&s->link);
}

void reclaim_set_cache_walker(void (*walk)(void))
{
	cache_walker = walk;
}

/* --- page cache ------------------------------------------------------------------------------- */

enum verdict { FREED, KEEP, ACTIVATE, TRY, MAPPED };

static bool folio_freeze_and_remove(struct mapping *m, struct folio *f)
{
	guard_spin_irq(&m->lock);

	u64 two = 2 * PAGE_COUNT_REF;

	if (folio_test(f, PG_dirty) || !atomic_cmpxchg(&f->page.counts, &two, 0ull))
		return false;
	cache_forget_locked(m, f);
	return true;
}

/* The folio is locked, off the LRU, and we hold a reference. */
static enum verdict folio_try_free(struct folio *f, gfp_t gfp)
{
	struct mapping *m = folio_mapping(f);

	if (!m || folio_test(f, PG_writeback))
		return KEEP;
	if (mapping_test(m, MAPPING_UNEVICTABLE) || mapping_test(m, MAPPING_SHMEM))
		return ACTIVATE;
	if (folio_mapped(f) && !rmap_unmap(f, NULL))
		return ACTIVATE;
	if (folio_test(f, PG_dirty))
		return KEEP;
	if (folio_test(f, PG_private) && !(m->ops->release_folio && m->ops->release_folio(f, gfp)))
		return KEEP;
	if (!folio_freeze_and_remove(m, f))
		return KEEP;
	folio_unlock(f);
	if (m->ops->free_folio)
		m->ops->free_folio(m, f);
	page_free(&f->page, 0);
	return FREED;
}

/*
 * TRY: locked and unmapped, translations to be flushed with the batch.  MAPPED: locked, and not all
 * of its entries could be taken; unlocked only when the translations of those that were are
 * flushed, because who removes it from its file meanwhile would free it.  What a file system keeps
 * with the folio is asked for one folio at a time: it may wait for locks of others.
 */
static enum verdict folio_judge(struct folio *f, gfp_t gfp, struct unmap_batch *unmapped)
{
	enum verdict v = TRY;
	unsigned used;

	if (!folio_trylock(f))
		return KEEP;
	used = folio_mapped(f) ? rmap_referenced(f) : 0;
	used += folio_test_and_clear(f, PG_referenced);
	if (used || folio_test(f, PG_mlocked))
		v = ACTIVATE;
	else if (folio_test(f, PG_private))
		v = folio_try_free(f, gfp);
	else if (folio_mapped(f) && !folio_test(f, PG_writeback) && !rmap_unmap(f, unmapped))
		v = MAPPED;
	if (v == KEEP || v == ACTIVATE)
		folio_unlock(f);
	return v;
}

/* Kept because it must be written first: then it shall be the next to go. */
static bool note_dirty(struct folio *f)
{
	if (!folio_test(f, PG_dirty) && !folio_test(f, PG_writeback))
		return false;
	folio_set(f, PG_reclaim);
	return folio_test(f, PG_dirty);
}

/* Look at one batch of the inactive tail.  Returns folios freed; *seen counts those looked at. */
static u64 shrink_inactive(gfp_t gfp, u64 *seen)
{
	struct folio *batch[BATCH];
	enum verdict v[BATCH];
	struct unmap_batch unmapped = {};
	unsigned n = lru_isolate(false, batch, BATCH);
	u64 freed = 0, dirty = 0;

	*seen += n;
	for (unsigned i = 0; i < n; i++)
		v[i] = folio_judge(batch[i], gfp, &unmapped);
	unmap_flush(&unmapped);
	for (unsigned i = 0; i < n; i++) {
		if (v[i] == TRY) {
			v[i] = folio_try_free(batch[i], gfp);
			if (v[i] != FREED)
				folio_unlock(batch[i]);
		} else if (v[i] == MAPPED) {
			folio_unlock(batch[i]);
			v[i] = ACTIVATE;
		}
		if (v[i] == FREED) {
			freed++;
			continue;
		}
		dirty += note_dirty(batch[i]);
		lru_putback(batch[i], v[i] == ACTIVATE);
	}
	if (dirty)
		writeback_wake(dirty);
	return freed;
}

/* Move a batch of the active tail to the inactive list, unless used. */
static void shrink_active(void)
{
	struct folio *batch[BATCH];
	unsigned n = lru_isolate(true, batch, BATCH);

	for (unsigned i = 0; i < n; i++)
		lru_putback(batch[i], folio_test_and_clear(batch[i], PG_referenced));
	vm_event_add(VM_PGDEACTIVATE, n);
}

static u64 shrink_cache(gfp_t gfp, u64 target, unsigned priority, u64 *seen)
{
	u64 freed = 0, limit = max((lru_size(false) + lru_size(true)) >> priority, (u64)BATCH),
	    before;

	while (freed < target && *seen < limit) {
		if (lru_size(false) * 2 < lru_size(true))
			shrink_active();
		before = *seen;
		freed += shrink_inactive(gfp, seen);
		if (*seen == before)
			break;
	}
	return freed;
}

/* --- shrinkers -------------------------------------------------------------------------------- */

static u64 shrink_slab(gfp_t gfp, unsigned priority)
{
	u64 freed = 0;
	struct shrinker *s;

	if (!rwsem_read_trylock(&shrinkers_lock))
		return 0;
	list_for_each (s, &shrinkers, link) {
		u64 n = s->count(s);

		if (n)
			freed += s->scan(s, max(n >> priority, 1ull), gfp);
	}
	rwsem_read_unlock(&shrinkers_lock);
	return freed;
}

/*
 * How much of `target` private and shared memory is to give: its share of all that could go,
 * weighed by vm.swappiness (0: only when files have nothing, 100: like files, 200: only that).
 */
static u64 swap_part(u64 target)
{
	u64 private = vm_gauge_read(VM_NR_ANON) + vm_gauge_read(VM_NR_SHMEM), file;
	u64 weight = READ_ONCE(vm_swappiness);

	if (!swap_free_pages())
		return 0;
	file = lru_size(false) + lru_size(true);
	return target * private * weight /
	       (private * weight + file * (200 - min(weight, 200ull)) + 1);
}

/*
 * One effort to free about `target` pages; at priority 0 everything is looked at, at 12 a 4096th.
 * Returns what was freed, objects counted as pages.
 */
static u64 reclaim_once(gfp_t gfp, u64 target, unsigned priority, bool kswapd)
{
	struct thread *self = thread_current();
	u64 seen = 0, freed, part;

	self->alloc_flags |= ALLOC_RECLAIMING;
	part = swap_part(target);
	freed = shrink_cache(gfp, target - part, priority, &seen);
	if (part || (freed < target && swap_free_pages()))
		freed += swap_out_some(max(part, target - min(target, freed)), &seen);
	vm_event_add(kswapd ? VM_PGSCAN_KSWAPD : VM_PGSCAN_DIRECT, seen);
	vm_event_add(kswapd ? VM_PGSTEAL_KSWAPD : VM_PGSTEAL_DIRECT, freed);
	freed += shrink_slab(gfp, priority);
	if (priority <= 4 && freed < target)
		freed += slab_shrink_all();
	self->alloc_flags &= ~ALLOC_RECLAIMING;
	return freed;
}

#define LOOKING  32u  /* attempts that only look for more */
#define HOPELESS 256u /* attempts after which nothing is expected any more */

/* Pages have gone to swap since `before` of them had, or are going. */
static bool swap_goes_on(u64 before)
{
	return swap_writes() || vm_event_read(VM_PSWPOUT) != before;
}

bool reclaim_for_alloc(gfp_t gfp, unsigned order, unsigned *attempt)
{
	static const unsigned priority[] = {10, 6, 3, 0};
	u64 freed, swapped = vm_event_read(VM_PSWPOUT);

	if (thread_current()->alloc_flags & ALLOC_RECLAIMING)
		return false;
	if (thread_current()->alloc_flags & ALLOC_NOFS)
		gfp &= ~__GFP_FS;
	vm_event_add(VM_ALLOCSTALL, 1);

	freed = reclaim_once(gfp, BATCH << order, priority[min(*attempt, 3u)], false);
	if (freed && *attempt < LOOKING) {
		/* What goes to swap counts, but is not free yet: more than this helps nobody. */
		if (swap_writes() >= BATCH * 4)
			dirty_wait_progress();
		return true;
	}
	frames_drain_all();
	if (*attempt < 3)
		return true;
	/* On its way out: worth waiting for, a while; to swap, as long as it moves. */
	if (*attempt < HOPELESS && (freed || dirty_pending()) && !(gfp & __GFP_NORETRY)) {
		dirty_wait_progress();
		if (swap_goes_on(swapped))
			*attempt = LOOKING;
		return true;
	}
	if (gfp & __GFP_NORETRY || order > 3)
		return false;
	if (thread_flag_test(thread_current(), THREAD_KILLED))
		return false;
	return oom_kill(gfp, order);
}

/* --- kswapd ----------------------------------------------------------------------------------- */

void reclaim_wake(void)
{
	if (!atomic_load(&kswapd_wanted) && !atomic_xchg(&kswapd_wanted, 1u))
		wake_up(&kswapd_wait);
}

static bool zones_balanced(void)
{
	for (unsigned i = 0; i < NR_ZONES; i++)
		if (zones[i].managed && READ_ONCE(zones[i].free) < READ_ONCE(zones[i].high))
			return false;
	return true;
}

static void kswapd(void *unused)
{
	for (;;) {
		wait_event_idle(&kswapd_wait, atomic_load(&kswapd_wanted));
		for (int priority = 10; priority >= 2 && !zones_balanced(); priority--) {
			while (!zones_balanced() &&
			       reclaim_once(GFP_KERNEL, BATCH * 4, (unsigned)priority, true)) {
				/* Enough is on its way out: see what comes of it. */
				if (vm_gauge_read(VM_NR_WRITEBACK) >= BATCH * 4)
					dirty_wait_progress();
				cond_resched();
			}
		}
		if (!zones_balanced())
			sleep_ns(100000000);
		atomic_store(&kswapd_wanted, 0u);
	}
}

void reclaim_init(void)
{
	lru_init();
}

void reclaim_start(void)
{
	/* Without it every shortage is met by direct reclaim. */
	(void)!kthread_run(kswapd, NULL, "kswapd0");
}

/* --- drop_caches ------------------------------------------------------------------------------ */

void reclaim_drop_caches(unsigned what)
{
	if (what & 1) {
		if (cache_walker)
			cache_walker();
		vm_event_add(VM_DROP_PAGECACHE, 1);
	}
	if (what & 2) {
		for (unsigned i = 0; i < 8 && shrink_slab(GFP_KERNEL, 0) > 10; i++)
			cond_resched();
		slab_shrink_all();
		vm_event_add(VM_DROP_SLAB, 1);
	}
}

static ssize_t drop_caches_store(const char *buf, size_t len, void *arg)
{
	u64 what;

	if (parse_u64(buf, 10, &what) || what < 1 || what > 4)
		return -EINVAL;
	reclaim_drop_caches((unsigned)what & 3);
	return (ssize_t)len;
}

static int drop_caches_show(struct seq *s, void *arg)
{
	seq_puts(s, "0\n");
	return 0;
}

EXPORT_PROC("/proc/sys/vm/drop_caches", 0200, drop_caches_show, drop_caches_store, NULL);
