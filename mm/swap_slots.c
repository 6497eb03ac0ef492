/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Swap areas and their slots (swap_internal.h).
 *
 * Slots are given out by clusters: each processor works its way through one of an area, so that
 * pages that go out together lie together and can be written and read in long transfers.  A
 * processor whose cluster is used up takes an empty one, or if there is none any with room.
 *
 * Areas are tried by priority, highest first; those of equal priority take turns, a cluster each.
 */
#include <kernel/debug/assert.h>
#include <kernel/lib/string.h>
#include <kernel/sched/thread.h>
#include <kernel/smp/percpu.h>
#include <kernel/sync/mutex.h>
#include <kernel/time/clock.h>
#include "swap_internal.h"

u32 swap_ever;

static struct mutex table_lock = MUTEX_INIT(table_lock, RANK_SWAP);
static struct swap_area *areas[SWAP_AREAS];     /* [table_lock, R] */
static struct swap_area *order[SWAP_AREAS + 1]; /* [table_lock, R] by priority */
static u64 total_pages;                         /* [a] */
static s64 free_pages;                          /* [a] */
static u32 turn;                                /* [a] of areas of equal priority */
static s32 next_priority = -2;                  /* [table_lock] as Linux counts down */

u64 swap_total_pages(void)
{
	return atomic_load(&total_pages);
}

u64 swap_free_pages(void)
{
	s64 n = atomic_load(&free_pages);

	return n > 0 ? (u64)n : 0;
}

struct swap_area *area_at(u32 type)
{
	return type < SWAP_AREAS ? READ_ONCE(areas[type]) : NULL;
}

struct swap_area *entry_area(u64 entry)
{
	return area_at(entry_type(entry));
}

struct swap_area *area_pin(u64 entry)
{
	struct swap_area *a;

	guard_rcu();
	a = entry_area(entry);
	if (a)
		atomic_inc(&a->pins);
	return a;
}

bool swap_tight(u64 entry)
{
	return swap_free_pages() * 2 < swap_total_pages() ||
	       atomic_load(&entry_area(entry)->leaving);
}

const struct swap_ops *swap_any_ops(void)
{
	const struct swap_ops *ops = NULL;

	guard_rcu();

	struct swap_area *a = READ_ONCE(order[0]);

	if (a)
		ops = a->src.ops;
	return ops;
}

/* --- allocation ------------------------------------------------------------------------------- */

/* A free slot of the cluster at or after `slot`, or 0. */
static u64 cluster_find(const struct swap_area *a, u64 slot)
{
	u64 end = (slot | (SWAP_CLUSTER - 1)) + 1;

	for (; slot < end && slot < a->pages; slot++)
		if (!a->slots[slot])
			return slot;
	return 0;
}

static u64 cluster_size(const struct swap_area *a, u64 cluster)
{
	u64 first = cluster * SWAP_CLUSTER;

	return min(a->pages - first, (u64)SWAP_CLUSTER);
}

/* The first slot of an empty cluster, or of any that is not full. */
static u64 cluster_pick(struct swap_area *a)
{
	u64 other = ~0ull;

	for (u64 i = 0; i < a->clusters; i++) {
		u64 c = (a->next_cluster + i) % a->clusters;

		if (!a->cluster_used[c]) {
			a->next_cluster = c + 1;
			return c * SWAP_CLUSTER;
		}
		if (other == ~0ull && a->cluster_used[c] < cluster_size(a, c))
			other = c;
	}
	return other == ~0ull ? 0 : cluster_find(a, other * SWAP_CLUSTER);
}

/* Locks: area. */
static u64 slot_alloc(struct swap_area *a)
{
	u64 *hand = percpu_ptr(a->hands, cpu_id()), slot;

	if (a->used >= a->usable)
		return 0;
	slot = *hand ? cluster_find(a, *hand) : 0;
	if (!slot) {
		atomic_inc(&turn);
		slot = cluster_pick(a);
		if (!slot || a->slots[slot])
			slot = cluster_find(a, slot);
	}
	if (slot)
		*hand = (slot + 1) % SWAP_CLUSTER ? slot + 1 : 0;
	return slot;
}

void slot_free_locked(struct swap_area *a, u64 slot)
{
	assert_held(&a->lock);
	a->slots[slot] = 0;
	a->cluster_used[slot / SWAP_CLUSTER]--;
	WRITE_ONCE(a->used, a->used - 1);
	atomic_inc(&free_pages);
}

static bool area_take(struct swap_area *a, struct folio *f)
{
	u64 slot;

	guard_spin_irq(&a->lock);
	if (atomic_load(&a->leaving))
		return false;
	slot = slot_alloc(a);
	if (!slot || xa_store(&a->cache, slot, f, NULL))
		return false;
	a->slots[slot] = SLOT_CACHED;
	a->cluster_used[slot / SWAP_CLUSTER]++;
	WRITE_ONCE(a->used, a->used + 1);
	atomic_dec(&free_pages);
	folio_get(f);
	f->page.private = (void *)(uintptr_t)swap_entry(a->type, slot);
	atomic_or(&f->page.flags, 1u << PG_swapcache | 1u << PG_dirty);
	vm_gauge_add(VM_NR_SWAPCACHED, 1);
	return true;
}

/* How many areas from order[i] on have its priority. */
static unsigned equals(unsigned i)
{
	unsigned n = 1;
	struct swap_area *first = READ_ONCE(order[i]), *a;

	while ((a = READ_ONCE(order[i + n])) && first && a->priority == first->priority)
		n++;
	return n;
}

bool swap_slot_get(struct folio *f)
{
	unsigned n;

	guard_rcu();
	for (unsigned i = 0; READ_ONCE(order[i]); i += n) {
		u32 start = atomic_load(&turn);

		n = equals(i);
		for (unsigned k = 0; k < n; k++) {
			struct swap_area *a = READ_ONCE(order[i + (start + k) % n]);

			if (a && area_take(a, f))
				return true;
		}
	}
	return false;
}

/* --- counting --------------------------------------------------------------------------------- */

void entry_dup(u64 entry)
{
	struct swap_area *a = entry_area(entry);

	guard_spin_irq(&a->lock);
	a->slots[entry_slot(entry)]++;
}

bool entry_put(u64 entry)
{
	struct swap_area *a = entry_area(entry);
	u64 slot = entry_slot(entry);

	guard_spin_irq(&a->lock);
	a->slots[slot]--;
	if (a->slots[slot] == SLOT_CACHED)
		return true;
	if (!a->slots[slot])
		slot_free_locked(a, slot);
	return false;
}

u32 entry_uses(u64 entry)
{
	return READ_ONCE(entry_area(entry)->slots[entry_slot(entry)]) & SLOT_USES;
}

/* --- areas ------------------------------------------------------------------------------------ */

int area_create(const struct swap_source *src, u64 pages, struct swap_area **out)
{
	struct swap_area *a = kzalloc(sizeof(*a), GFP_KERNEL);

	if (!a)
		return -ENOMEM;
	a->src = *src;
	a->pages = pages;
	a->clusters = (pages + SWAP_CLUSTER - 1) / SWAP_CLUSTER;
	spin_init(&a->lock, RANK_SWAP_SPIN, "swap_area");
	xa_init(&a->cache);
	a->slots = vzalloc(pages * sizeof(u32));
	a->cluster_used = kvzalloc(a->clusters * sizeof(u32), GFP_KERNEL);
	a->hands = percpu_alloc(sizeof(u64), 8);
	if (!a->slots || !a->cluster_used || !a->hands) {
		area_destroy(a);
		return -ENOMEM;
	}
	a->usable = pages;
	area_mark_bad(a, 0);
	*out = a;
	return 0;
}

void area_mark_bad(struct swap_area *a, u64 slot)
{
	if (a->slots[slot])
		return;
	a->slots[slot] = SLOT_BAD;
	a->cluster_used[slot / SWAP_CLUSTER]++;
	a->usable--;
}

void area_destroy(struct swap_area *a)
{
	if (a->hands)
		percpu_free(a->hands);
	with_spin_irq(&a->lock) xa_destroy(&a->cache);
	kvfree(a->cluster_used);
	vfree(a->slots);
	kfree(a);
}

/* Locks: table_lock. */
static void order_insert(struct swap_area *a)
{
	unsigned i = 0, n = 0;

	while (order[n])
		n++;
	while (order[i] && order[i]->priority >= a->priority)
		i++;
	for (; n > i; n--)
		WRITE_ONCE(order[n], order[n - 1]);
	WRITE_ONCE(order[i], a);
}

static void order_remove(const struct swap_area *a)
{
	unsigned i = 0;

	while (order[i] && order[i] != a)
		i++;
	for (; order[i]; i++)
		WRITE_ONCE(order[i], order[i + 1]);
}

static int table_enter(struct swap_area *a)
{
	u32 type = 0;

	for (u32 i = 0; i < SWAP_AREAS; i++)
		if (areas[i] && areas[i]->src.identity == a->src.identity)
			return -EBUSY;
	while (type < SWAP_AREAS && areas[type])
		type++;
	if (type == SWAP_AREAS)
		return -EPERM;
	a->type = type;
	WRITE_ONCE(areas[type], a);
	return 0;
}

int area_publish(struct swap_area *a, bool prefer, s32 priority)
{
	int err;

	/* Those who leave families of private pages by the short way are through. */
	WRITE_ONCE(swap_ever, 1);
	synchronize_rcu();
	guard_mutex(&table_lock);
	a->priority = prefer ? priority : next_priority;
	err = table_enter(a);
	if (err)
		return err;
	if (!prefer)
		next_priority--;
	order_insert(a);
	atomic_add(&total_pages, a->usable);
	atomic_add(&free_pages, (s64)a->usable);
	return 0;
}

void area_stop(struct swap_area *a)
{
	guard_mutex(&table_lock);
	order_remove(a);
	atomic_store(&a->leaving, 1u);
	atomic_sub(&total_pages, a->usable);
	atomic_sub(&free_pages, (s64)a->usable);
}

void area_resume(struct swap_area *a)
{
	guard_mutex(&table_lock);
	atomic_store(&a->leaving, 0u);
	order_insert(a);
	atomic_add(&total_pages, a->usable);
	atomic_add(&free_pages, (s64)a->usable);
}

void area_withdraw(struct swap_area *a)
{
	with_mutex(&table_lock) WRITE_ONCE(areas[a->type], NULL);
	synchronize_rcu();
	/* Reading ahead still; a transfer at most. */
	while (atomic_load(&a->pins))
		sleep_ns(NSEC_PER_MSEC);
}
